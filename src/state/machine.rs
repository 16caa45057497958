//! `machine.json`: the open production connections of this machine, as the watcher last saw them. Every prompt watches it, so it is
//! written only when its content changes and holds no ticking times. It is no evidence by itself: who reads it asks
//! whether the watcher and the connections' processes still live.

use std::fs::File;
use std::path::PathBuf;

use serde_json::{Value, json};

pub use super::files::Stamp;
use super::{RunDir, files};
use crate::world::World;

/// The file's name in the run directory.
pub const NAME: &str = "machine.json";
const LOCK: &str = "machine.lock";

/// More is not read, and not that many connections are kept.
const CAP: usize = 1024 * 1024;
const CONNECTIONS: usize = 1000;

/// A process in one life: a reused pid is another process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Process {
    pub pid: u32,
    /// Its start, in clock ticks since boot.
    pub started: u64,
}

impl Process {
    /// Whether it still lives.
    pub fn lives(self, world: &World) -> bool {
        self.pid != 0 && world.started(self.pid) == Some(self.started)
    }
}

/// One open connection to production or to an environment that is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// A small number for people; 0 while the watcher has given none.
    pub id: u32,
    /// `tunnel`, `forward`, `proxy`, `ssh`, `psql`, …
    pub kind: String,
    /// What it points at: `prod-db:5432`.
    pub target: String,
    /// The shortest name of that: `prod-db`.
    pub label: String,
    /// The environment's name.
    pub environment: String,
    /// The loopback port it listens on, for tunnels.
    pub port: Option<u16>,
    /// What an ssh was asked for there, as it takes it: `-L15432:prod-db:5432`; `None` where that is not known.
    pub forward: Option<String>,
    pub process: Process,
    /// Its terminal's path and device number; without one `None` and 0.
    pub tty: Option<String>,
    pub tty_nr: u64,
    /// Why it counts, and by what: `ssh -L, bastion`.
    pub evidence: String,
    /// Seconds since the epoch.
    pub opened_at: u64,
    /// The watcher has called it idle.
    pub idle: bool,
    /// It is known to do nothing: closing it loses no work.
    pub closable: bool,
}

impl Connection {
    /// Whether it is the same port, or the same session, of the same process.
    pub fn is_same(&self, other: &Connection) -> bool {
        (self.process, self.port) == (other.process, other.port)
    }

    /// Whether other programs reach production through a local port of it.
    pub fn listens(&self) -> bool {
        self.port.is_some() || matches!(self.kind.as_str(), "tunnel" | "forward" | "proxy")
    }
}

/// What the watcher last wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The boot id under which it was written.
    pub boot: String,
    pub watcher: Process,
    pub connections: Vec<Connection>,
    /// How many notices this watcher has left: when it grows, every prompt asks, and the one that is meant tells.
    pub told: u64,
}

impl Machine {
    /// Whether the watcher that wrote this still lives.
    pub fn is_watched(&self, world: &World) -> bool {
        self.boot == world.boot_id() && self.watcher.lives(world)
    }

    /// Reads what [`Machine::text`] wrote. `None` for another version, and for what is no such file.
    pub fn parse(bytes: &[u8]) -> Option<Machine> {
        if bytes.len() > CAP {
            return None;
        }
        let value: Value = serde_json::from_slice(bytes).ok()?;
        if value["version"] != 1 {
            return None;
        }
        let connections = value["connections"].as_array()?.iter().take(CONNECTIONS).filter_map(connection);
        Some(Machine {
            boot: text(&value["boot"]),
            watcher: process(&value["watcher"])?,
            connections: connections.collect(),
            told: value["told"].as_u64().unwrap_or(0),
        })
    }

    /// The file's text; the same for the same content.
    pub fn text(&self) -> String {
        let connections: Vec<Value> = self
            .connections
            .iter()
            .map(|c| {
                json!({
                    "id": c.id,
                    "kind": c.kind,
                    "target": c.target,
                    "label": c.label,
                    "environment": c.environment,
                    "port": c.port,
                    "forward": c.forward,
                    "pid": c.process.pid,
                    "started": c.process.started,
                    "tty": c.tty,
                    "tty_nr": c.tty_nr,
                    "evidence": c.evidence,
                    "opened_at": c.opened_at,
                    "idle": c.idle,
                    "closable": c.closable,
                })
            })
            .collect();
        let value = json!({
            "version": 1,
            "boot": self.boot,
            "watcher": { "pid": self.watcher.pid, "started": self.watcher.started },
            "connections": connections,
            "told": self.told,
        });
        format!("{value}\n")
    }
}

impl RunDir {
    /// Where `machine.json` lies.
    pub fn machine_file(&self) -> PathBuf {
        self.path().join(NAME)
    }

    /// What the watcher last wrote; `None` when there is nothing that can be trusted.
    pub fn machine(&self, uid: u32) -> Option<Machine> {
        Machine::parse(&files::read(self.fd(), NAME, uid, CAP)?)
    }

    /// What tells that it is still the same file; `None` where it can't be told yet.
    pub fn machine_stamp(&self, world: &World) -> Option<Stamp> {
        files::stamp(&self.stat(NAME)?, world)
    }

    /// The same, if the watcher that wrote it still lives.
    pub fn living_machine(&self, world: &World) -> Option<Machine> {
        self.machine(world.uid).filter(|machine| machine.is_watched(world))
    }

    /// Writes it when its content differs from what lies there.
    ///
    /// # Errors
    /// What the system says; then the old file is still there.
    pub fn keep_machine(&self, machine: &Machine, uid: u32) -> std::io::Result<()> {
        let text = machine.text();
        if files::read(self.fd(), NAME, uid, CAP).is_some_and(|old| old == text.as_bytes()) {
            return Ok(());
        }
        files::replace(self.fd(), NAME, text.as_bytes())
    }

    /// Held while `machine.json` is changed by what stands in it. Never waited for long: without it only an addition may be
    /// lost, until the next look.
    pub fn lock_machine(&self) -> Option<File> {
        files::lock(self.fd(), LOCK)
    }

    /// Adds connections to what a watcher wrote, if there is such a file, for every tab to see before the watcher has
    /// looked again; it has the last word, except about the terminal of what has let go of it. Whether that said
    /// anything new.
    pub fn register(&self, found: &[Connection], world: &World) -> bool {
        let _lock = self.lock_machine();
        let Some(mut machine) = self.machine(world.uid).filter(|machine| machine.boot == world.boot_id())
        else {
            return false;
        };
        let mut changed = false;
        for one in found {
            match machine.connections.iter_mut().find(|known| known.is_same(one)) {
                None => machine.connections.push(one.clone()),
                Some(known) if known.tty.is_none() && one.tty.is_some() => {
                    known.tty.clone_from(&one.tty);
                    known.tty_nr = one.tty_nr;
                }
                Some(_) => continue,
            }
            changed = true;
        }
        changed && self.keep_machine(&machine, world.uid).is_ok()
    }

    /// Takes the file away: nobody watches, by choice.
    pub fn drop_machine(&self) {
        let _ = rustix::fs::unlinkat(self.fd(), NAME, rustix::fs::AtFlags::empty());
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn process(value: &Value) -> Option<Process> {
    Some(Process { pid: u32::try_from(value["pid"].as_u64()?).ok()?, started: value["started"].as_u64()? })
}

fn connection(value: &Value) -> Option<Connection> {
    Some(Connection {
        id: value["id"].as_u64().and_then(|id| u32::try_from(id).ok()).unwrap_or(0),
        kind: text(&value["kind"]),
        target: text(&value["target"]),
        label: text(&value["label"]),
        environment: text(&value["environment"]),
        port: value["port"].as_u64().and_then(|port| u16::try_from(port).ok()),
        forward: value["forward"].as_str().map(str::to_owned),
        process: process(value)?,
        tty: value["tty"].as_str().map(str::to_owned),
        tty_nr: value["tty_nr"].as_u64().unwrap_or(0),
        evidence: text(&value["evidence"]),
        opened_at: value["opened_at"].as_u64().unwrap_or(0),
        idle: value["idle"] == true,
        closable: value["closable"] == true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        let tunnel = Connection {
            id: 7,
            kind: "tunnel".into(),
            target: "prod-db:5432".into(),
            label: "prod-db".into(),
            environment: "production".into(),
            port: Some(15432),
            forward: Some("-L15432:prod-db:5432".into()),
            process: Process { pid: 4242, started: 99 },
            tty: Some("/dev/pts/3".into()),
            tty_nr: 34819,
            evidence: "ssh -L, bastion".into(),
            opened_at: 1_763_839_200,
            idle: true,
            closable: true,
        };
        let ssh = Connection {
            id: 8,
            kind: "ssh".into(),
            process: Process { pid: 1, started: 2 },
            ..Connection::default()
        };
        Machine {
            boot: "b".into(),
            watcher: Process { pid: 10, started: 11 },
            connections: vec![tunnel, ssh],
            told: 3,
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        assert_eq!(Machine::parse(machine().text().as_bytes()), Some(machine()));
    }

    #[test]
    fn what_is_not_known_is_no_machine() {
        for text in [
            "",
            "{}",
            "[]",
            "{\"version\":2,\"connections\":[]}",
            "{\"version\":1,\"connections\":[]}",
            "{\"version\":1",
        ] {
            assert_eq!(Machine::parse(text.as_bytes()), None, "{text}");
        }
        let strange = "{\"version\":1,\"watcher\":{\"pid\":1,\"started\":2,\"x\":3},\"connections\":[7,{\"pid\":-1},{\"pid\":5,\"started\":6,\"port\":70000}]}";
        let found = Machine::parse(strange.as_bytes()).unwrap();
        assert_eq!(found.connections.len(), 1);
        assert_eq!(found.connections[0].port, None);
    }
}
