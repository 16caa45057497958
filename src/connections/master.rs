//! What of an ssh master can be ended alone: a forward that it took over from another ssh. It is asked for by the master's
//! own socket, and believed only when nothing listens there any more.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::connections::tunnels::Ssh;
use crate::processes::{self, Snapshot, Sockets};
use crate::state::machine::Connection;
use crate::world::World;

/// How long the master may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// What ssh puts behind the name of a socket that it has not moved into its place yet: a dot, and so many characters.
const UNIQUE: usize = 16;

/// What came of an attempt to end one forward and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parted {
    /// Nothing listens there any more.
    Closed,
    /// Nothing did.
    Gone,
    /// The process is there for nothing else: ending it ends no more than was meant.
    Alone,
    /// It still listens, and the process serves others as well; the command that ends them all.
    Shared(String),
    /// The system does not tell whether it is a master, or what it serves.
    Untold,
}

/// Ends the forward that this connection is, where its process is a master that may serve others as well; `None` where it
/// is no such forward.
pub fn part_with(world: &World, connection: &Connection) -> Option<Parted> {
    let (pid, port) = (connection.process.pid, connection.port?);
    if processes::stat(pid)?.comm != "ssh" {
        return None;
    }
    let Some(bound) = processes::bound(pid) else { return Some(Parted::Untold) };
    let path = bound.iter().find_map(|path| moved_to(path))?;
    let argv = processes::argv(pid);
    let Some(ports) = listening(pid, world.uid) else { return Some(Parted::Untold) };
    if !ports.contains(&port) {
        return Some(Parted::Gone);
    }
    let ssh = Ssh::parse(argv.get(1..).unwrap_or_default());
    let is_for_it = ssh.as_ref().is_some_and(|ssh| ssh.is_for(port));
    // A title, which is all that one in the background has left, tells of no session of its own.
    let session = ssh.as_ref().is_some_and(|ssh| !ssh.no_command);
    let alone = ports.len() == 1 && !session && !has_clients(pid, world.uid);
    if alone && is_for_it {
        return Some(Parted::Alone);
    }
    if let (Some(option), Some(program)) = (&connection.forward, world.program("ssh")) {
        let mut command = std::process::Command::new(program);
        // The name only has to be there: the master knows where it leads. No configuration is read.
        command.args(["-F", "none", "-O", "cancel", option, "-S"]).arg(&path).args(["--", "master"]);
        world.run_briefly(command, PATIENCE);
        let end = Instant::now() + PATIENCE;
        loop {
            if listening(pid, world.uid).is_some_and(|ports| !ports.contains(&port)) {
                return Some(Parted::Closed);
            }
            if Instant::now() >= end {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let path = path.display().to_string();
    let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-@+:,".contains(&byte));
    let socket = if plain { path } else { format!("'{}'", path.replace('\'', "'\\''")) };
    Some(if alone { Parted::Alone } else { Parted::Shared(format!("ssh -O exit -S {socket} master")) })
}

/// Where ssh has moved a socket since it was bound, to wait there for other ssh's; `None` of one that is none of its own.
fn moved_to(bound: &Path) -> Option<PathBuf> {
    let (path, unique) = bound.to_str()?.rsplit_once('.')?;
    let moved = unique.len() == UNIQUE && unique.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (moved && path.starts_with('/')).then(|| PathBuf::from(path))
}

/// The ports on which a process listens; `None` where the system does not tell.
fn listening(pid: u32, uid: u32) -> Option<BTreeSet<u16>> {
    let sockets = Sockets::take(uid).ok()?;
    let own = sockets.of(pid)?;
    let ours = sockets.tcp.iter().filter(|one| one.listening && one.uid == uid && own.contains(&one.id));
    Some(ours.map(|one| one.local.port()).collect())
}

/// Whether another ssh is connected to a master; where it can't be told, one is.
fn has_clients(pid: u32, uid: u32) -> bool {
    let Ok(sockets) = Sockets::take(uid) else { return true };
    let (Ok(peers), Some(own)) = (sockets.peers(), sockets.of(pid)) else { return true };
    let others: BTreeSet<u64> = own.iter().filter_map(|id| peers.get(id)).copied().collect();
    let all = Snapshot::take();
    let is_other = |other: &u32| *other != pid && all.stat(*other).is_some_and(|stat| stat.comm == "ssh");
    let holds = |other: u32| sockets.of(other).unwrap_or_default().iter().any(|id| others.contains(id));
    !others.is_empty() && all.pids().iter().copied().filter(is_other).any(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masters_socket_is_known_by_its_name() {
        let of = |bound: &str| moved_to(bound.as_ref()).map(|path| path.display().to_string());
        assert_eq!(of("/home/u/.ssh/cm a.b-1.pMVec36CeXEuKd2L").as_deref(), Some("/home/u/.ssh/cm a.b-1"));
        for other in ["/run/user/1/bus", "@/tmp/.X11-unix.pMVec36CeXEuKd2L", "/a.pMVec36CeXEuKd2", ""] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
