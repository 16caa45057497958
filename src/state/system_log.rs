//! The audit trail's records for the system's own log: to journald by its native protocol, to syslog as one line of JSON.
//! It never waits for either, and a record that they don't take is in the trail all the same.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use super::audit::{Actor, Record};
use crate::config::Audit;
use crate::escape;
use crate::world::World;

/// Longer values are cut: a datagram has an end.
const FIELD_CAP: usize = 4096;

/// Facility `authpriv`, severity `notice`.
const SYSLOG_PRIORITY: u32 = 10 * 8 + 5;

/// Where journald listens; `REDTAB_JOURNAL_SOCKET` says otherwise.
pub fn journal_socket(world: &World) -> PathBuf {
    named(world, "REDTAB_JOURNAL_SOCKET", "/run/systemd/journal/socket")
}

/// Where syslog listens; `REDTAB_SYSLOG_SOCKET` says otherwise.
pub fn syslog_socket(world: &World) -> PathBuf {
    named(world, "REDTAB_SYSLOG_SOCKET", "/dev/log")
}

fn named(world: &World, variable: &str, default: &str) -> PathBuf {
    let given = world.var(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    given.unwrap_or_else(|| default.into())
}

/// Why nobody takes records there, as the end of a sentence; `None` when somebody does.
pub fn unheard(socket: &PathBuf) -> Option<String> {
    let connected = UnixDatagram::unbound().and_then(|here| here.connect(socket));
    connected.err().map(|error| crate::world::plain(&error))
}

/// Tells the system's log, as the configuration wants it.
pub fn tell(world: &World, wanted: Audit, record: &Record, actor: &Actor) {
    if wanted.journald {
        send(&journal_socket(world), &journal(record, actor));
    }
    if wanted.syslog {
        let text =
            format!("<{SYSLOG_PRIORITY}>redtab[{}]: {}", std::process::id(), record.text(actor).trim_end());
        send(&syslog_socket(world), text.as_bytes());
    }
}

fn send(socket: &PathBuf, bytes: &[u8]) {
    let Ok(here) = UnixDatagram::unbound() else { return };
    let _ = here.set_nonblocking(true).and_then(|()| here.send_to(bytes, socket));
}

fn journal(record: &Record, actor: &Actor) -> Vec<u8> {
    let message = format!("{} {} on {}: {}", record.decision, record.rule, record.target, record.what);
    let program = record.what.split_whitespace().next().unwrap_or_default();
    let tab = actor.tab.clone().unwrap_or_default();
    let (uid, pid) = (actor.uid.to_string(), actor.pid.to_string());
    let fields = [
        ("MESSAGE", message.as_str()),
        ("PRIORITY", "5"),
        ("SYSLOG_IDENTIFIER", "redtab"),
        ("REDTAB_DECISION", record.decision),
        ("REDTAB_RULE", record.rule),
        ("REDTAB_TARGET", record.target),
        ("REDTAB_PROGRAM", program),
        ("REDTAB_WHAT", record.what),
        ("REDTAB_REASON", record.reason),
        ("REDTAB_TAB", &tab),
        ("REDTAB_UID", &uid),
        ("REDTAB_SHELL_PID", &pid),
        ("REDTAB_LINE", record.line.unwrap_or_default()),
    ];
    let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
    given.flat_map(|(name, value)| escape::journal_field(name, cut(value).as_bytes())).collect()
}

fn cut(value: &str) -> &str {
    &value[..value.floor_char_boundary(FIELD_CAP)]
}
