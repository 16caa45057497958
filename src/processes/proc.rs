//! The processes of Linux: `/proc` and nothing else, each asked for its details only once.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::{fs, io};

use super::sock_diag;
use super::{Details, Stat, Tcp};
use crate::clock;
use crate::idle::{Key, Millis};

/// Arguments and environments beyond this are cut off.
const TEXT_CAP: u64 = 256 * 1024;

/// So is a list of sockets beyond this.
const LIST_CAP: u64 = 8 * 1024 * 1024;

/// The kernel tells when data went through a socket.
pub const TIMED: bool = true;

/// The pids of one moment; everything else is read when it is asked for, which is cheaper.
#[derive(Debug, Default)]
pub struct Snapshot(Vec<u32>);

impl Snapshot {
    pub fn take() -> Snapshot {
        Snapshot(pids())
    }

    /// Nothing is listed: each is asked when it matters.
    pub fn for_some() -> Snapshot {
        Snapshot::default()
    }

    #[allow(clippy::unused_self)]
    pub fn is_told(&self) -> bool {
        true
    }

    pub fn pids(&self) -> &[u32] {
        &self.0
    }

    #[allow(clippy::unused_self)] // elsewhere the snapshot knows
    pub fn stat(&self, pid: u32) -> Option<Stat> {
        stat(pid)
    }

    #[allow(clippy::unused_self)]
    pub fn owner(&self, pid: u32) -> Option<u32> {
        owner(pid)
    }
}

/// Who holds which socket is asked when it matters.
#[derive(Debug, Default)]
pub struct Sockets;

impl Sockets {
    #[allow(clippy::unused_self)]
    pub fn of(&self, pid: u32) -> Option<Vec<u64>> {
        sockets_of(pid)
    }

    #[allow(clippy::unused_self)]
    pub fn peers(&self) -> io::Result<HashMap<u64, u64>> {
        Ok(sock_diag::local()?.into_iter().filter_map(|local| Some((local.inode, local.peer?))).collect())
    }
}

/// The sockets of all users: the kernel has no shorter list.
pub fn sockets(_uid: u32) -> io::Result<(Vec<Tcp>, Sockets)> {
    Ok((sock_diag::tcp()?, Sockets))
}

/// The living processes, sorted.
fn pids() -> Vec<u32> {
    let mut pids: Vec<u32> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    pids
}

/// It is believed where it speaks of the same numbers as `/proc`; some sandboxes always say 0.
pub fn last_started() -> Option<u32> {
    let own = fs::read_link("/proc/self").ok()?;
    if own.to_str()?.parse() != Ok(std::process::id()) {
        return None;
    }
    let mut line = [0; 128];
    let length = fs::File::open("/proc/loadavg").ok()?.read(&mut line).ok()?;
    let last = std::str::from_utf8(&line[..length]).ok()?.split_ascii_whitespace().nth(4)?.parse().ok();
    last.filter(|last| *last != 0)
}

/// Whose process it is.
pub fn owner(pid: u32) -> Option<u32> {
    Some(fs::metadata(format!("/proc/{pid}")).ok()?.uid())
}

/// The `stat` line; `None` when the process is gone, or only waits to be buried.
pub fn stat(pid: u32) -> Option<Stat> {
    parse_stat(pid, &short(&format!("/proc/{pid}/stat"))?)
}

pub fn started(pid: u32) -> Option<u64> {
    stat(pid).map(|stat| stat.key.started)
}

fn parse_stat(pid: u32, line: &str) -> Option<Stat> {
    let (open, close) = (line.find('(')?, line.rfind(')')?);
    let comm = line.get(open + 1..close)?.to_owned();
    let mut fields = [""; 20];
    for (field, text) in fields.iter_mut().zip(line.get(close + 1..)?.split_ascii_whitespace()) {
        *field = text;
    }
    if matches!(fields[0], "" | "Z" | "X") {
        return None;
    }
    let number = |at: usize| fields.get(at)?.parse::<i64>().ok();
    Some(Stat {
        key: Key { pid, started: u64::try_from(number(19)?).ok()? },
        comm,
        parent: number(1).and_then(|parent| u32::try_from(parent).ok()).unwrap_or(0),
        tty_nr: u64::from(i32::try_from(number(4)?).unwrap_or(0).cast_unsigned()),
        foreground: number(2)? == number(5)?,
        leads: number(3)? == i64::from(pid),
    })
}

/// The arguments alone.
pub fn argv(pid: u32) -> Vec<String> {
    let bytes = capped(&format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut argv: Vec<String> =
        bytes.split(|byte| *byte == 0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
    while argv.last().is_some_and(String::is_empty) {
        argv.pop();
    }
    argv
}

/// Everything a process tells; of another user's only the arguments.
pub fn details(pid: u32) -> Details {
    Details {
        argv: argv(pid),
        environ: environ(pid).unwrap_or_default(),
        cwd: fs::read_link(format!("/proc/{pid}/cwd")).ok(),
    }
}

pub fn environ(pid: u32) -> Option<Vec<(OsString, OsString)>> {
    let environ = capped(&format!("/proc/{pid}/environ"))?;
    let entry = |entry: &[u8]| {
        let at = memchr::memchr(b'=', entry)?;
        Some((OsStr::from_bytes(&entry[..at]).to_owned(), OsStr::from_bytes(&entry[at + 1..]).to_owned()))
    };
    Some(environ.split(|byte| *byte == 0).filter_map(entry).collect())
}

/// Of those that listen.
pub fn bound(pid: u32) -> Option<Vec<PathBuf>> {
    let own = sockets_of(pid)?;
    let mut list = String::new();
    fs::File::open("/proc/net/unix").ok()?.take(LIST_CAP).read_to_string(&mut list).ok()?;
    let listeners = list.lines().filter_map(listener);
    Some(listeners.filter(|(inode, _)| own.contains(inode)).map(|(_, path)| PathBuf::from(path)).collect())
}

/// The inode and the path of a socket that listens, from a line of `/proc/net/unix`: number, users, protocol, flags, kind,
/// state, inode, path.
fn listener(line: &str) -> Option<(u64, &str)> {
    const ACCEPTS: u32 = 1 << 16;
    let flags = u32::from_str_radix(line.split_ascii_whitespace().nth(3)?, 16).ok()?;
    let path = line.get(line.find(['/', '@'])?..)?;
    let inode = line.get(..line.len() - path.len())?.split_ascii_whitespace().next_back()?.parse().ok()?;
    (flags & ACCEPTS != 0).then_some((inode, path))
}

/// A start is counted in clock ticks since boot.
pub fn age(key: Key) -> Millis {
    let started = key.started.saturating_mul(1000) / rustix::param::clock_ticks_per_second().max(1);
    clock::since_boot().saturating_sub(started)
}

pub fn boot_id() -> String {
    short("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_string()
}

/// The link to its program ends with it; of a process we may not look into, the directory, which stays until it is buried.
#[allow(clippy::unnecessary_wraps)] // elsewhere there is none
pub fn life(pid: u32) -> Option<PathBuf> {
    let of = |end: &str| PathBuf::from(format!("/proc/{pid}{end}"));
    Some(Some(of("/exe")).filter(|exe| exe.exists()).unwrap_or_else(|| of("")))
}

/// The inodes of the sockets a process holds; `None` where it can't be looked into.
fn sockets_of(pid: u32) -> Option<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten() {
        let Ok(link) = fs::read_link(entry.path()) else { continue };
        let text = link.to_str().and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']'));
        found.extend(text.and_then(|inode| inode.parse::<u64>().ok()));
    }
    Some(found)
}

/// The path of the terminal with this device number: `/dev/pts/3`.
pub fn tty_path(tty_nr: u64) -> Option<String> {
    let (major, minor) = ((tty_nr >> 8) & 0xfff, (tty_nr & 0xff) | ((tty_nr >> 12) & 0xf_ff00));
    match major {
        136..=143 => Some(format!("/dev/pts/{}", (major - 136) * 256 + minor)),
        4 if minor < 64 => Some(format!("/dev/tty{minor}")),
        _ => None,
    }
}

/// The text of one of the kernel's short files; they come whole in one read.
fn short(path: &str) -> Option<String> {
    let mut text = [0; 2048];
    let length = fs::File::open(path).ok()?.read(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text[..length]).into_owned())
}

fn capped(path: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(TEXT_CAP).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_moves_no_field() {
        let line = "42 (a) S 1 (b) S 7 42 42 34819 42 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987 12 13";
        let stat = parse_stat(42, line).unwrap();
        assert_eq!((stat.key.started, stat.parent, stat.tty_nr, stat.foreground), (987, 7, 34819, true));
        assert_eq!(stat.comm, "a) S 1 (b");
        assert_eq!(parse_stat(42, &line.replace("b) S", "b) Z")), None);
        assert_eq!(parse_stat(42, "42 )("), None);
    }

    #[test]
    fn a_local_socket_that_listens() {
        let line = |flags: &str, rest: &str| {
            format!("0000000068019d98: 00000002 00000000 {flags} 0001 01 15011702{rest}")
        };
        assert_eq!(listener(&line("00010000", " /a b.c")), Some((15_011_702, "/a b.c")));
        assert_eq!(listener(&line("00010000", " @/tmp/.X11")), Some((15_011_702, "@/tmp/.X11")));
        assert_eq!(listener(&line("00000000", " /a")), None);
        assert_eq!(listener(&line("00010000", "")), None);
        assert_eq!(listener("Num       RefCount Protocol Flags    Type St Inode Path"), None);
    }

    #[test]
    fn terminals_by_their_numbers() {
        assert_eq!(tty_path(34819).as_deref(), Some("/dev/pts/3"));
        assert_eq!(tty_path(137 << 8 | 4).as_deref(), Some("/dev/pts/260"));
        assert_eq!(tty_path(0), None);
    }

    #[test]
    fn tells_of_this_very_process() {
        let pid = std::process::id();
        assert!(pids().contains(&pid));
        assert_eq!(stat(pid).unwrap().key.pid, pid);
        assert!(!details(pid).argv.is_empty());
        assert_eq!(owner(pid), Some(rustix::process::getuid().as_raw()));
    }
}
