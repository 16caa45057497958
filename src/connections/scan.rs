//! Processes: which there are, and what one tells of itself. It reads `/proc` and nothing else, and asks for details of
//! a process only once. What a process was started with is foreign text.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::idle::{Key, Tty};

/// Arguments and environments beyond this are cut off.
const TEXT_CAP: u64 = 256 * 1024;

/// The `stat` line of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    pub key: Key,
    /// 15 bytes of the program's name.
    pub comm: String,
    pub parent: u32,
    /// The terminal's device number; 0 without one.
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

/// The living processes, sorted.
pub fn pids() -> Vec<u32> {
    let mut pids: Vec<u32> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    pids
}

/// The process or thread that was started last, whichever it was; `None` where the system does not say, or speaks of
/// other numbers than `/proc` does. Where it is the same as before, nothing was started since.
pub fn last_started() -> Option<u32> {
    let own = fs::read_link("/proc/self").ok()?;
    if own.to_str()?.parse() != Ok(std::process::id()) {
        return None;
    }
    let mut line = [0; 128];
    let length = fs::File::open("/proc/loadavg").ok()?.read(&mut line).ok()?;
    std::str::from_utf8(&line[..length]).ok()?.split_ascii_whitespace().nth(4)?.parse().ok()
}

/// Whose process it is.
pub fn owner(pid: u32) -> Option<u32> {
    Some(fs::metadata(format!("/proc/{pid}")).ok()?.uid())
}

/// The `stat` line; `None` when the process is gone, or only waits to be buried.
pub fn stat(pid: u32) -> Option<Stat> {
    // It comes whole in one read.
    let mut line = [0; 2048];
    let length = fs::File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut line).ok()?;
    parse_stat(pid, &String::from_utf8_lossy(&line[..length]))
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
    let environ = capped(&format!("/proc/{pid}/environ")).unwrap_or_default();
    let entry = |entry: &[u8]| {
        let at = memchr::memchr(b'=', entry)?;
        Some((OsStr::from_bytes(&entry[..at]).to_owned(), OsStr::from_bytes(&entry[at + 1..]).to_owned()))
    };
    Details {
        argv: argv(pid),
        environ: environ.split(|byte| *byte == 0).filter_map(entry).collect(),
        cwd: fs::read_link(format!("/proc/{pid}/cwd")).ok(),
    }
}

/// The inodes of the sockets a process holds; `None` where it can't be looked into.
pub fn sockets_of(pid: u32) -> Option<Vec<u64>> {
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

/// The terminal's own clocks.
pub fn tty(stat: &Stat) -> Option<Tty> {
    let meta = fs::metadata(tty_path(stat.tty_nr)?).ok()?;
    let millis = |secs: i64, nanos: i64| u64::try_from(secs * 1000 + nanos / 1_000_000).unwrap_or(0);
    Some(Tty {
        read: millis(meta.atime(), meta.atime_nsec()),
        written: millis(meta.mtime(), meta.mtime_nsec()),
        foreground: stat.foreground,
    })
}

/// Whose terminal it is.
pub fn tty_owner(tty_nr: u64) -> Option<u32> {
    Some(fs::metadata(tty_path(tty_nr)?).ok()?.uid())
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
