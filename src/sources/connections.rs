//! What the watcher knows of this machine's open connections, as it bears on one tab: which local ports lead to production, how
//! many production sessions other tabs hold, and whether anybody watches at all. It scans nothing itself; what it
//! takes from `machine.json` counts only while the processes named there live.

use std::path::PathBuf;

use crate::environment::{Judgement, Names, Rule, Severity};
use crate::signal::{Domain, Place, Reading, Scope, Signal, Trouble, Tunnel};
use crate::state::RunDir;
use crate::state::machine::{Connection, Machine};
use crate::view::View;
use crate::world::{Content, World};

/// The word for what other tabs hold open.
pub const SOURCE: &str = "elsewhere";

/// Whether open connections are watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watcher {
    /// Nobody ever watched here, by choice.
    #[default]
    None,
    Running,
    /// One should be there, and is not.
    Dead,
}

impl Watcher {
    /// The word for it in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Watcher::None => "none",
            Watcher::Running => "running",
            Watcher::Dead => "dead",
        }
    }
}

/// The machine as one tab sees it.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    pub watcher: Watcher,
    /// What listens here and leads somewhere that is shown or guarded.
    pub tunnels: Vec<Tunnel>,
    /// Everything open that is production.
    pub open: Vec<Connection>,
    /// This tab has local ports of its own open.
    pub own: bool,
    /// Those of them that the watcher has not written down yet, or without their terminal.
    pub unregistered: Vec<Connection>,
    /// The pid of a running watcher.
    watcher_pid: Option<u32>,
}

/// Looks at what the watcher wrote. The file becomes an input of the view, and so do the processes on which the
/// answer depends.
pub fn look(view: &View, names: &Names, wanted: bool) -> Connections {
    let world = view.world();
    let machine = RunDir::place(world).and_then(|dir| read(view, dir.join(crate::state::machine::NAME)));
    let Some(found) = machine else {
        return Connections {
            watcher: if wanted { Watcher::Dead } else { Watcher::None },
            ..Connections::default()
        };
    };
    let Some(machine) = found else {
        // Something lies there that this redtab can't read: it can't say that nothing is open.
        return Connections { watcher: Watcher::Dead, ..Connections::default() };
    };
    let alive = machine.is_watched(world);
    let same_boot = machine.boot == world.boot_id();
    let living: Vec<Connection> = machine
        .connections
        .into_iter()
        .filter(|connection| same_boot && connection.process.lives(world))
        .collect();
    let grave = |connection: &Connection| is_production(names, &connection.environment);
    let now = world.wall_seconds();
    let tunnels: Vec<Tunnel> =
        living.iter().filter(|c| c.listens()).map(|c| tunnel(c, grave(c), now)).collect();
    for tunnel in &tunnels {
        view.depends_on(tunnel.pid);
    }
    let watcher_pid = alive.then_some(machine.watcher.pid);
    if let (Some(pid), false) = (watcher_pid, tunnels.is_empty()) {
        view.depends_on(pid);
    }
    Connections {
        watcher: if alive { Watcher::Running } else { Watcher::Dead },
        tunnels,
        open: living.into_iter().filter(grave).collect(),
        own: false,
        unregistered: Vec::new(),
        watcher_pid,
    }
}

/// `None`: there is no such file. `Some(None)`: there is one, and it can't be read.
fn read(view: &View, path: PathBuf) -> Option<Option<Machine>> {
    match view.read(&path) {
        Content::Absent => None,
        Content::Bytes(bytes) => Some(Machine::parse(&bytes)),
        Content::Unreadable(_) => Some(None),
    }
}

/// An environment that this configuration does not know was known to the watcher's: the gravest is meant.
fn is_production(names: &Names, environment: &str) -> bool {
    let known = names.environments.iter().find(|known| known.name == environment);
    known.is_none_or(|known| known.severity == Severity::Production)
}

fn tunnel(connection: &Connection, production: bool, now: u64) -> Tunnel {
    let tty = connection.tty.as_deref().unwrap_or_default();
    Tunnel {
        id: connection.id,
        port: connection.port,
        label: connection.label.clone(),
        environment: connection.environment.clone(),
        production,
        evidence: connection.evidence.clone(),
        tab: tty.strip_prefix("/dev/").unwrap_or(tty).to_string(),
        pid: connection.process.pid,
        age: now.saturating_sub(connection.opened_at),
    }
}

impl Connections {
    /// Takes in the local ports that this tab has opened itself.
    pub fn join(&mut self, view: &View, names: &Names, opened: Vec<Connection>) {
        let now = view.world().wall_seconds();
        for connection in opened {
            let pid = connection.process.pid;
            view.depends_on(pid);
            self.own = true;
            let known = self.tunnels.iter().find(|known| (known.pid, known.port) == (pid, connection.port));
            if let Some(known) = known {
                if known.tab.is_empty() {
                    self.unregistered.push(connection);
                }
                continue;
            }
            let production = is_production(names, &connection.environment);
            self.tunnels.push(tunnel(&connection, production, now));
            if production {
                self.open.push(connection.clone());
            }
            self.unregistered.push(connection);
        }
    }

    /// Readings with what is known of the loopback ports they name: a port behind which production lies carries
    /// its target's name, and one that nobody can tell is trouble.
    pub fn applied(&self, view: &View, readings: Vec<Reading>) -> Vec<Reading> {
        let mut out = Vec::with_capacity(readings.len());
        let mut asked = false;
        for reading in readings {
            match reading {
                Reading::Found(mut signal) if signal.port.is_some() => {
                    asked = true;
                    if let Some(tunnel) = self.behind(signal.port) {
                        signal.value = format!("{} -> {}", signal.value, tunnel.label);
                        signal.label.clone_from(&tunnel.label);
                    } else if self.watcher == Watcher::Dead {
                        out.push(Reading::Unreadable(unknown(&signal)));
                    }
                    out.push(Reading::Found(signal));
                }
                other => out.push(other),
            }
        }
        if let (true, Some(pid)) = (asked, self.watcher_pid) {
            view.depends_on(pid);
        }
        out
    }

    /// How a signal is judged, given what its own words say: the graver of the two counts.
    pub fn judged(&self, signal: &Signal, own: Judgement, names: &Names) -> Judgement {
        if signal.source == SOURCE {
            let environment = index(names, &signal.what);
            return Judgement { environment, known: true, rule: Rule::Nothing, word: signal.label.clone() };
        }
        let Some(tunnel) = self.behind(signal.port) else { return own };
        let behind = index(names, &tunnel.environment);
        let grave = |index: Option<usize>| index.and_then(|i| names.environments.get(i)).map(|e| e.severity);
        if grave(own.environment) >= grave(behind) {
            return own;
        }
        let rule = tunnel.port.map_or(Rule::Nothing, Rule::Tunnel);
        Judgement { environment: behind, known: false, rule, word: tunnel.label.clone() }
    }

    /// The tunnel behind a loopback port, production first.
    pub fn behind(&self, port: Option<u16>) -> Option<&Tunnel> {
        let port = port?;
        let mut all = self.tunnels.iter().filter(|tunnel| tunnel.port == Some(port));
        let first = all.clone().next();
        all.find(|tunnel| tunnel.production).or(first)
    }

    /// How many of them the watcher has called idle.
    pub fn idle(&self) -> usize {
        self.open.iter().filter(|connection| connection.idle).count()
    }

    /// The production connections that are open and are not this tab's own.
    pub fn elsewhere(&self, world: &World) -> impl Iterator<Item = &Connection> {
        let own = if self.open.is_empty() { 0 } else { world.tab().map_or(0, |tab| tab.tty) };
        self.open.iter().filter(move |c| c.listens() || own == 0 || c.tty_nr != own)
    }
}

fn index(names: &Names, environment: &str) -> Option<usize> {
    let by_name = names.environments.iter().position(|known| known.name == environment);
    by_name.or_else(|| names.environments.iter().position(|known| known.severity == Severity::Production))
}

/// A session in another tab as a signal, for those who want every tab red by it.
pub fn session(connection: &Connection) -> Reading {
    Reading::Found(Signal {
        source: SOURCE,
        domain: Domain::Host,
        scope: Scope::Machine,
        what: connection.environment.clone(),
        value: format!("{} to {}", connection.kind, connection.target),
        label: connection.label.clone(),
        place: Place::File { path: PathBuf::from(connection.tty.as_deref().unwrap_or("/proc")), line: None },
        parts: Vec::new(),
        port: None,
    })
}

fn unknown(signal: &Signal) -> Trouble {
    Trouble {
        source: signal.source,
        domain: signal.domain,
        what: signal.what.clone(),
        place: signal.place.clone(),
        why: "names a local port, and tunnels are unknown: the watcher is not running  redtab watch start"
            .into(),
    }
}
