//! One look at everything: the configuration, every source, and the verdict. The same for a prompt, for `status` and
//! for another command's view.

use crate::config::{self, Loaded};
use crate::connections::look;
use crate::environment::{Judgement, Matcher, Names};
use crate::signal::{Domain, Kind, Part, Place, Reading, Scope, Signal, Trouble};
use crate::sources;
use crate::sources::connections::{self, Connections};
use crate::state::{RunDir, asked};
use crate::verdict::{self, Verdict};
use crate::view::View;
use crate::world::Content;

/// What one look found.
pub struct Survey {
    pub loaded: Loaded,
    pub verdict: Verdict,
    /// What is open on this machine.
    pub connections: Connections,
    /// How many production sessions are open that are not this tab's.
    pub elsewhere: usize,
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
    let config::Config { host, lock, names, .. } = &mut loaded.config;
    sources::host::settle(view, host, lock, names);
    let (own, opened) = own(view, names);
    let all = readings(view, directories.readings, &own);
    loaded.problems.extend(directories.problems);
    let absent = all
        .iter()
        .filter_map(|reading| match reading {
            Reading::Absent { source, what } => Some((*source, what.clone())),
            _ => None,
        })
        .collect();
    let matcher = Matcher::new(&loaded.config.names);
    let names = &loaded.config.names;
    let mut connections = connections::look(view, names, wants_watcher(&loaded.config));
    connections.join(view, names, opened.ports);
    let verdict = verdict_of(view, all, names, &matcher, &connections, loaded.config.prompt.elsewhere);
    let elsewhere = connections.elsewhere(view.world()).count();
    Survey { loaded, verdict, connections, elsewhere, absent, ignored: directories.ignored }
}

/// The verdict of another view, by a configuration that is loaded already.
pub fn judge(view: &View, config: &config::Config) -> Verdict {
    let directories = sources::directory::look(view);
    let mut names = config.names.clone();
    directories.tighten(&mut names);
    sources::host::settle(view, &config.host, &config.lock, &mut names);
    let matcher = Matcher::new(&names);
    let (own, opened) = own(view, &names);
    let all = readings(view, directories.readings, &own);
    let mut connections = connections::look(view, &names, wants_watcher(config));
    connections.join(view, &names, opened.ports);
    verdict_of(view, all, &names, &matcher, &connections, config.prompt.elsewhere)
}

/// The tab's own processes in which a session may be open, and their local ports. What does nothing but listen makes
/// the machine hot, not this tab red.
fn own(view: &View, names: &Names) -> (Vec<u32>, look::Opened) {
    let mut own = sources::sessions::processes(view);
    if own.is_empty() {
        return (own, look::Opened::default());
    }
    let file = RunDir::place(view.world()).map(|dir| dir.join(asked::NAME));
    let asked = match file.map(|file| view.world().read(&file).0) {
        Some(Content::Bytes(bytes)) => asked::parse(&bytes, &view.world().boot_id()),
        _ => Vec::new(),
    };
    let opened = look::opened(view, names, &own, &asked);
    own.retain(|pid| !opened.forwarders.contains(pid));
    (own, opened)
}

fn wants_watcher(config: &config::Config) -> bool {
    config.watch.start != config::StartWatcher::Manual
}

fn verdict_of(
    view: &View,
    readings: Vec<Reading>,
    names: &Names,
    matcher: &Matcher,
    connections: &Connections,
    elsewhere: config::Elsewhere,
) -> Verdict {
    let mut readings = connections.applied(view, readings);
    if elsewhere == config::Elsewhere::Red {
        readings.extend(connections.elsewhere(view.world()).map(connections::session));
    }
    let mut verdict = verdict::judge(readings, names, |signal| judged(signal, names, matcher, connections));
    verdict.tunnels.clone_from(&connections.tunnels);
    verdict.doubts.extend(sources::aws::doubt(&verdict.reasons));
    verdict
}

/// How one signal is judged, given what is open on this machine.
pub fn judged(signal: &Signal, names: &Names, matcher: &Matcher, connections: &Connections) -> Judgement {
    let own = match signal.source {
        sources::host::SOURCE => matcher.judge_names(&signal.parts),
        _ => matcher.judge_all(&signal.parts),
    };
    connections.judged(signal, own, names)
}

/// `own`: the processes of this tab in which a session may be open.
fn readings(view: &View, directories: Vec<Reading>, own: &[u32]) -> Vec<Reading> {
    let mut all = sources::kube::read(view);
    all.extend(sources::env::read(view));
    all.extend(sources::aws::read(view));
    all.extend(sources::gcloud::read(view));
    all.extend(sources::azure::read(view));
    all.extend(sources::docker::read(view));
    all.extend(sources::terraform::read(view));
    all.extend(sources::pulumi::read(view));
    all.extend(sources::postgres::read(view));
    all.extend(sources::mysql::read(view));
    all.extend(sources::dotenv::read(view));
    all.extend(directories);
    all.extend(sources::host::read(view));
    all.extend(sources::sessions::read(view, own));
    all.extend(view.targets().filter(|(kind, _)| *kind != Kind::KubeContext).map(selected));
    all
}

/// A selection that a line makes, as a signal.
fn selected((kind, value): (Kind, Option<&str>)) -> Reading {
    let domain = match kind {
        Kind::KubeNamespace | Kind::KubeCluster | Kind::KubeServer => Domain::Kube,
        Kind::TerraformWorkspace | Kind::PulumiStack => Domain::Terraform,
        Kind::DockerContext => Domain::Docker,
        Kind::PgService | Kind::Database => Domain::Database,
        Kind::Hostname => Domain::Host,
        _ => Domain::Cloud,
    };
    let what = kind.as_str().to_string();
    match value {
        Some(value) => Reading::Found(Signal {
            source: "line",
            domain,
            scope: Scope::Tab,
            what,
            value: value.into(),
            label: value.into(),
            place: Place::Line,
            parts: vec![Part::new(kind, value)],
            port: None,
        }),
        None => Reading::Unreadable(Trouble {
            source: "line",
            domain,
            what,
            place: Place::Line,
            why: "is selected by something that only running it would tell".into(),
        }),
    }
}
