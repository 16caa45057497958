//! What of an ssh master can be ended alone: a forward that it took over from another ssh. It is asked for by the master's own
//! socket, and believed only when nothing listens there any more.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::connections::tunnels::Ssh;
use crate::connections::{scan, sockets};
use crate::state::machine::Connection;
use crate::world::{Content, World};

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
}

/// Ends the forward that this connection is, where its process is a master that may serve others as well; `None` where it
/// is no such forward.
pub fn part_with(world: &World, connection: &Connection) -> Option<Parted> {
    let (pid, port) = (connection.process.pid, connection.port?);
    let path = control_path(world, pid)?;
    let argv = scan::argv(pid);
    let ports = listening(pid, world.uid)?;
    if !ports.contains(&port) {
        return Some(Parted::Gone);
    }
    let ssh = Ssh::parse(argv.get(1..).unwrap_or_default());
    let is_for_it = ssh.as_ref().is_some_and(|ssh| ssh.is_for(port));
    // A title, which is all that one in the background has left, tells of no session of its own.
    let session = ssh.as_ref().is_some_and(|ssh| !ssh.no_command);
    let alone = ports.len() == 1 && !session && !has_clients(pid);
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

/// The socket on which a process waits for other ssh's; `None` where it is no master.
fn control_path(world: &World, pid: u32) -> Option<PathBuf> {
    if scan::stat(pid)?.comm != "ssh" {
        return None;
    }
    let own = scan::sockets_of(pid)?;
    let Content::Bytes(bytes) = world.read("/proc/net/unix".as_ref()).0 else { return None };
    String::from_utf8_lossy(&bytes).lines().find_map(|line| {
        let (inode, path) = listener(line)?;
        own.contains(&inode).then(|| PathBuf::from(path))
    })
}

/// The inode and the path of a socket that listens, from a line of `/proc/net/unix`: number, users, protocol, flags, kind,
/// state, inode, path. ssh has moved it since it was bound.
fn listener(line: &str) -> Option<(u64, &str)> {
    const ACCEPTS: u32 = 1 << 16;
    let mut fields = line.splitn(8, ' ').map(str::trim);
    let flags = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
    let rest = line.get(line.find('/')?..)?;
    let inode = line.get(..line.len() - rest.len())?.split_ascii_whitespace().next_back()?.parse().ok()?;
    let (path, unique) = rest.rsplit_once('.')?;
    let moved = unique.len() == UNIQUE && unique.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (flags & ACCEPTS != 0 && moved).then_some((inode, path))
}

/// The ports on which a process listens; `None` where the system does not tell.
fn listening(pid: u32, uid: u32) -> Option<BTreeSet<u16>> {
    let own = scan::sockets_of(pid)?;
    let all = sockets::tcp().ok()?;
    let ours = all.iter().filter(|one| one.listening && one.uid == uid && own.contains(&one.inode));
    Some(ours.map(|one| one.local.port()).collect())
}

/// Whether another ssh is connected to a master; where it can't be told, one is.
fn has_clients(pid: u32) -> bool {
    let (Some(own), Ok(local)) = (scan::sockets_of(pid), sockets::local()) else { return true };
    let peers: BTreeSet<u64> =
        local.iter().filter(|one| own.contains(&one.inode)).filter_map(|one| one.peer).collect();
    let is_other = |other: &u32| *other != pid && scan::stat(*other).is_some_and(|stat| stat.comm == "ssh");
    let holds =
        |other: u32| scan::sockets_of(other).unwrap_or_default().iter().any(|inode| peers.contains(inode));
    !peers.is_empty() && scan::pids().into_iter().filter(is_other).any(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masters_socket_is_known_by_its_name() {
        let line = |flags: &str, path: &str| {
            format!("0000000068019d98: 00000002 00000000 {flags} 0001 01 15011702 {path}")
        };
        let of = |flags: &str, path: &str| {
            listener(&line(flags, path)).map(|(inode, path)| (inode, path.to_owned()))
        };
        let found = of("00010000", "/home/u/.ssh/cm a.b-1.pMVec36CeXEuKd2L");
        assert_eq!(found, Some((15_011_702, "/home/u/.ssh/cm a.b-1".to_owned())));
        assert_eq!(of("00000000", "/home/u/.ssh/cm.pMVec36CeXEuKd2L"), None);
        assert_eq!(of("00010000", "/run/user/1/bus"), None);
        assert_eq!(of("00010000", "@/tmp/.X11-unix.pMVec36CeXEuKd2"), None);
        assert_eq!(listener("Num       RefCount Protocol Flags    Type St Inode Path"), None);
        assert_eq!(listener("0000000068019d98: 00000002 00000000 00010000 0001 01 15011702"), None);
    }
}
