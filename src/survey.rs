//! One look at everything: the configuration, every source, and the verdict. The same for a prompt, for `status` and
//! for another command's view.

use crate::config::{self, Loaded};
use crate::environment::Matcher;
use crate::signal::{Reading, Signal};
use crate::sources;
use crate::verdict::{self, Verdict};
use crate::view::View;

/// What one look found.
pub struct Survey {
    pub loaded: Loaded,
    pub verdict: Verdict,
    /// What was looked for and is not there, as `source what`.
    pub absent: Vec<(&'static str, String)>,
    /// `.redtab.toml` files that were not trusted.
    pub ignored: Vec<sources::directory::Ignored>,
}

/// Looks at everything through `view`, which afterwards knows every input that mattered.
pub fn look(view: &View, good: Option<&dyn config::LastGood>) -> Survey {
    let mut loaded = config::load(view, good);
    let directories = sources::directory::look(view);
    directories.tighten(&mut loaded.config.names);
    let mut all = sources::kube::read(view);
    all.extend(sources::env::read(view));
    all.extend(sources::aws::read(view));
    all.extend(directories.readings);
    loaded.problems.extend(directories.problems);
    let absent = all
        .iter()
        .filter_map(|reading| match reading {
            Reading::Absent { source, what } => Some((*source, what.clone())),
            _ => None,
        })
        .collect();
    let matcher = Matcher::new(&loaded.config.names);
    let verdict =
        verdict::judge(all, &loaded.config.names, |signal: &Signal| matcher.judge_all(&signal.parts));
    Survey { loaded, verdict, absent, ignored: directories.ignored }
}
