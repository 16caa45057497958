//! What a tab's record says: for tmux, for other tabs and for the watcher.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::HookPrompt;
use crate::present::json;
use crate::reply::Segment;
use crate::signal::Place;
use crate::sources;
use crate::state::tabs::{self, Pane, Record};
use crate::survey::Survey;
use crate::tab::Tab;
use crate::verdict::Verdict;
use crate::view::View;
use crate::world::World;

/// The record of a tab that was just surveyed through `view`.
pub fn of(view: &View, tab: &Tab, args: &HookPrompt, survey: &Survey, segment: &Segment) -> Record {
    let world = view.world();
    let verdict = &survey.verdict;
    let environment = verdict.environment.and_then(|i| survey.loaded.config.names.environments.get(i));
    let text = |path: &Path| path.to_string_lossy().into_owned();
    Record {
        tty: tabs::tty_path(tab).map(|path| text(&path)).unwrap_or_default(),
        shell: args.shell.name().into(),
        shell_pid: args.pid,
        shell_version: {
            let end = args.shell_version.find(|c: char| !c.is_ascii_digit() && c != '.');
            args.shell_version[..end.unwrap_or(args.shell_version.len())].to_string()
        },
        verdict: json::verdict(verdict, &survey.loaded.config.names),
        severity: json::severity(verdict.gravity).into(),
        hot: verdict.is_hot(),
        badge: environment.map(|found| found.badge.to_string()).unwrap_or_default(),
        label: verdict.winners().next().map(|reason| reason.signal.label.clone()).unwrap_or_default(),
        segment: segment.text.clone(),
        style: segment.style.clone(),
        color: environment.map(|found| found.color.to_string()).unwrap_or_default(),
        guard: if args.can_block == "yes" { "armed".into() } else { args.can_block.clone() },
        terminal: String::new(),
        tmux: Pane::of(world),
        cwd: world.cwd.as_deref().map(text).unwrap_or_default(),
        selectors: selectors(world, verdict),
        watched: view.watched().iter().map(|watched| text(&watched.path)).collect(),
    }
}

/// Names of files and ports, which no signal repeats; every other value is taken from its signal, without secrets.
const PLAIN: &[&str] = &["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "KUBECONFIG"];

fn selectors(world: &World, verdict: &Verdict) -> BTreeMap<String, String> {
    let signals = verdict.reasons.iter().filter_map(|reason| match &reason.signal.place {
        Place::Variable(name) => Some((name.clone(), reason.signal.value.clone())),
        _ => None,
    });
    let plain = world.vars.iter().filter_map(|(name, value)| {
        let (name, value) = (name.to_str()?, value.to_string_lossy());
        let port =
            name.ends_with("PORT") && value.parse::<u16>().is_ok() && sources::env::is_watched(name.as_ref());
        (port || PLAIN.contains(&name)).then(|| (name.to_string(), value.into_owned()))
    });
    signals.chain(plain).collect()
}
