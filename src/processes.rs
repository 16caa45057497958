//! Processes and their sockets, as the system tells of them: `/proc` and sock_diag on Linux, `ps` and `lsof` elsewhere.
//! It changes nothing, opens no connection and looks into no other user's process. What it tells is foreign text.
//!
//! The second way is what macOS has. Built with the feature `without-proc` it is taken on Linux too, where the tests
//! run it; on macOS itself it was never run.

#[cfg(all(target_os = "linux", not(feature = "without-proc")))]
#[path = "processes/sock_diag.rs"]
mod sock_diag;
#[cfg(any(not(target_os = "linux"), feature = "without-proc"))]
#[path = "processes/tools.rs"]
mod system;
#[cfg(all(target_os = "linux", not(feature = "without-proc")))]
#[path = "processes/proc.rs"]
mod system;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::idle::{Key, Millis, Socket, Tty};

/// What the system says of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    pub key: Key,
    /// The beginning of the program's name, 15 bytes at least.
    pub comm: String,
    pub parent: u32,
    /// The terminal's device number, as [`Tab::number`](crate::tab::Tab::number) writes it; 0 without one.
    pub tty_nr: u64,
    /// What is typed there goes to it.
    pub foreground: bool,
    /// It leads its session.
    pub leads: bool,
}

/// What a process was started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    pub argv: Vec<String>,
    pub environ: Vec<(OsString, OsString)>,
    pub cwd: Option<PathBuf>,
}

/// One TCP socket of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// What [`Sockets::of`] calls it.
    pub id: u64,
    pub uid: u32,
    pub listening: bool,
    pub local: SocketAddr,
    pub peer: SocketAddr,
    /// Cookie, times and counters; times and counters are 0 where the sockets are not [timed](Sockets::timed).
    pub wire: Socket,
}

/// Everything that runs, as of one moment.
#[derive(Debug, Default)]
pub struct Snapshot(system::Snapshot);

impl Snapshot {
    /// Looks.
    pub fn take() -> Snapshot {
        Snapshot(system::Snapshot::take())
    }

    /// For asking after some processes by their pids: where each question runs a program, one does for all.
    pub fn for_some() -> Snapshot {
        Snapshot(system::Snapshot::for_some())
    }

    /// Whether the system told anything; without that nothing is known to have ended.
    pub fn is_told(&self) -> bool {
        self.0.is_told()
    }

    /// The living processes, sorted.
    pub fn pids(&self) -> &[u32] {
        self.0.pids()
    }

    /// What the system says of a process; `None` when it is gone, or only waits to be buried.
    pub fn stat(&self, pid: u32) -> Option<Stat> {
        self.0.stat(pid)
    }

    /// Whose process it is.
    pub fn owner(&self, pid: u32) -> Option<u32> {
        self.0.owner(pid)
    }
}

/// The TCP sockets that listen or are connected, as of one moment.
#[derive(Debug, Default)]
pub struct Sockets {
    pub tcp: Vec<Tcp>,
    system: system::Sockets,
}

impl Sockets {
    /// Whether the system tells when data went through a socket, and how much.
    pub const TIMED: bool = system::TIMED;

    /// Looks at those of this user, and where that costs nothing at all.
    ///
    /// # Errors
    /// What the system says, where it tells nothing.
    pub fn take(uid: u32) -> io::Result<Sockets> {
        let (tcp, system) = system::sockets(uid)?;
        Ok(Sockets { tcp, system })
    }

    /// The sockets that a process holds, of every sort; `None` where it can't be looked into.
    pub fn of(&self, pid: u32) -> Option<Vec<u64>> {
        self.system.of(pid)
    }

    /// Which local socket is connected to which.
    ///
    /// # Errors
    /// As [`Sockets::take`].
    pub fn peers(&self) -> io::Result<HashMap<u64, u64>> {
        self.system.peers()
    }
}

/// What the system says of one process, now; `None` when it is gone, or only waits to be buried.
pub fn stat(pid: u32) -> Option<Stat> {
    system::stat(pid)
}

/// The process or thread that was started last, whichever it was; `None` where the system does not say, or speaks of
/// other numbers than of processes. Where it is the same as before, nothing was started since.
pub fn last_started() -> Option<u32> {
    system::last_started()
}

/// When a process was started, in the system's own count; `None` as of [`stat`]. It is the cheapest question.
pub fn started(pid: u32) -> Option<u64> {
    system::started(pid)
}

/// Whose process it is.
pub fn owner(pid: u32) -> Option<u32> {
    system::owner(pid)
}

/// The arguments alone.
pub fn argv(pid: u32) -> Vec<String> {
    system::argv(pid)
}

/// Everything a process tells; of another user's only the arguments.
pub fn details(pid: u32) -> Details {
    system::details(pid)
}

/// The environment that a process of the same user was started with; `None` where the system does not tell.
pub fn environ(pid: u32) -> Option<Vec<(OsString, OsString)>> {
    system::environ(pid)
}

/// The names of the local sockets that a process has bound; `None` where the system does not tell.
pub fn bound(pid: u32) -> Option<Vec<PathBuf>> {
    system::bound(pid)
}

/// How long ago a process was started.
pub fn age(key: Key) -> Millis {
    system::age(key)
}

/// The random id of this boot; empty where the system has none.
pub fn boot_id() -> String {
    system::boot_id()
}

/// What is there while a process lives and no longer when it only waits to be buried; `None` where no file tells that.
pub fn life(pid: u32) -> Option<PathBuf> {
    system::life(pid)
}

/// The path of the terminal with this device number: `/dev/pts/3`.
pub fn tty_path(tty_nr: u64) -> Option<String> {
    system::tty_path(tty_nr)
}

/// The terminal's own clocks.
pub fn tty(stat: &Stat) -> Option<Tty> {
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::metadata(tty_path(stat.tty_nr)?).ok()?;
    let millis = |secs: i64, nanos: i64| u64::try_from(secs * 1000 + nanos / 1_000_000).unwrap_or(0);
    Some(Tty {
        read: millis(meta.atime(), meta.atime_nsec()),
        written: millis(meta.mtime(), meta.mtime_nsec()),
        foreground: stat.foreground,
    })
}

/// Whose terminal it is.
pub fn tty_owner(tty_nr: u64) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    Some(std::fs::metadata(tty_path(tty_nr)?).ok()?.uid())
}
