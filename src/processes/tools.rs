//! The processes of a system without `/proc`: what `ps` and `lsof` print, and sysinfo for what a process was started with.
//! Both run with a time limit and without a terminal. `lsof` tells which sockets there are, not when they were used.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::{Details, Stat, Tcp};
use crate::idle::{Key, Millis, Socket};
use crate::output;
use crate::tab::Tab;

/// `lsof` knows no times.
pub const TIMED: bool = false;

/// How long `ps` and `lsof` may take. Together they must leave a prompt time to answer within its own limit.
const PATIENCE: Duration = Duration::from_millis(800);

/// Output beyond this is a runaway program's.
const OUTPUT_CAP: usize = 8 * 1024 * 1024;

/// An `lsof` that failed is left alone for so long: what hangs once hangs again.
const REST: Duration = Duration::from_secs(30);

/// How `lsof` is asked for local sockets. That of Linux tells who is at the other end only if told to.
const LOCAL: &[&str] = if cfg!(target_os = "linux") { &["-U", "+E"] } else { &["-U"] };

/// What `ps` is asked for. The name comes last: it may hold anything.
const COLUMNS: &str = "pid=,ppid=,uid=,stat=,tty=,lstart=,ucomm=";

/// A process and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    stat: Stat,
    uid: u32,
}

/// The processes of one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    pids: Vec<u32>,
    rows: BTreeMap<u32, Row>,
    taken: bool,
}

impl Snapshot {
    pub fn take() -> Snapshot {
        let rows: BTreeMap<u32, Row> =
            ps(&["-A"]).unwrap_or_default().into_iter().map(|row| (row.stat.key.pid, row)).collect();
        Snapshot { pids: rows.keys().copied().collect(), rows, taken: true }
    }

    pub fn for_some() -> Snapshot {
        Snapshot::take()
    }

    pub fn is_told(&self) -> bool {
        !self.taken || !self.rows.is_empty()
    }

    pub fn pids(&self) -> &[u32] {
        &self.pids
    }

    pub fn stat(&self, pid: u32) -> Option<Stat> {
        if self.taken { self.rows.get(&pid).map(|row| row.stat.clone()) } else { stat(pid) }
    }

    pub fn owner(&self, pid: u32) -> Option<u32> {
        if self.taken { self.rows.get(&pid).map(|row| row.uid) } else { owner(pid) }
    }
}

/// Who holds which socket: `lsof` tells it with the sockets.
#[derive(Debug, Default)]
pub struct Sockets {
    holders: HashMap<u32, Vec<u64>>,
    uid: u32,
    local: std::cell::OnceCell<Option<Held>>,
}

impl Sockets {
    pub fn of(&self, pid: u32) -> Option<Vec<u64>> {
        let local = self.local.get().and_then(|held| held.as_ref()?.holders.get(&pid));
        let tcp = self.holders.get(&pid);
        Some(tcp.into_iter().chain(local).flatten().copied().collect())
    }

    pub fn peers(&self) -> io::Result<HashMap<u64, u64>> {
        let held = self.local.get_or_init(|| lsof(self.uid, LOCAL).ok());
        held.as_ref().map(|held| held.peers.clone()).ok_or_else(|| io::ErrorKind::Unsupported.into())
    }
}

/// The TCP sockets of this user.
pub fn sockets(uid: u32) -> io::Result<(Vec<Tcp>, Sockets)> {
    let held = lsof(uid, &["-i", "TCP"])?;
    Ok((held.tcp, Sockets { holders: held.holders, uid, local: std::cell::OnceCell::new() }))
}

pub fn stat(pid: u32) -> Option<Stat> {
    row(pid).map(|row| row.stat)
}

pub fn last_started() -> Option<u32> {
    None
}

/// sysinfo runs nothing, but of another user's process it may not be told.
pub fn started(pid: u32) -> Option<u64> {
    let told = look_into(pid, ProcessRefreshKind::nothing(), |process| {
        let gone = matches!(process.status(), sysinfo::ProcessStatus::Zombie | sysinfo::ProcessStatus::Dead);
        (gone, process.start_time())
    });
    match told? {
        (true, _) => None,
        (false, 0) => stat(pid).map(|stat| stat.key.started),
        (false, started) => Some(started),
    }
}

pub fn owner(pid: u32) -> Option<u32> {
    let told = look_into(pid, ProcessRefreshKind::nothing().with_user(UpdateKind::Always), |process| {
        process.effective_user_id().or_else(|| process.user_id()).map(|uid| **uid)
    });
    told.flatten().or_else(|| row(pid).map(|row| row.uid))
}

/// Of macOS's arguments sysinfo leaves out those that are empty.
pub fn argv(pid: u32) -> Vec<String> {
    let argv = look_into(pid, ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always), words);
    argv.filter(|argv| !argv.is_empty()).unwrap_or_else(|| {
        // Of another user's process only `ps` may tell; where one argument ends and the next begins is lost.
        let line = run_ps(&["-ww", "-o", "args=", "-p", &pid.to_string()]).unwrap_or_default();
        line.split_whitespace().map(str::to_owned).collect()
    })
}

pub fn details(pid: u32) -> Details {
    let what = ProcessRefreshKind::nothing()
        .with_cmd(UpdateKind::Always)
        .with_environ(UpdateKind::Always)
        .with_cwd(UpdateKind::Always);
    let details = look_into(pid, what, |process| Details {
        argv: words(process),
        environ: entries(process.environ()),
        cwd: process.cwd().map(Into::into),
    });
    details
        .filter(|details| !details.argv.is_empty())
        .unwrap_or_else(|| Details { argv: argv(pid), ..Details::default() })
}

pub fn environ(pid: u32) -> Option<Vec<(OsString, OsString)>> {
    let what = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always);
    // Every process has something in its environment; nothing means that it is not told.
    look_into(pid, what, |process| entries(process.environ())).filter(|entries| !entries.is_empty())
}

/// Of those that listen, and those accepted there.
pub fn bound(pid: u32) -> Option<Vec<PathBuf>> {
    lsof(owner(pid)?, LOCAL).ok().map(|mut held| held.bound.remove(&pid).unwrap_or_default())
}

/// A start is counted in seconds since the epoch.
pub fn age(key: Key) -> Millis {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Millis::try_from(now.as_millis()).unwrap_or(Millis::MAX);
    now.saturating_sub(key.started.saturating_mul(1000))
}

#[cfg(target_os = "macos")]
#[allow(unsafe_code)]
pub fn boot_id() -> String {
    let mut id = [0_u8; 64];
    let mut length = id.len();
    // SAFETY: the name ends with a zero byte, the buffer is as long as is said, and nothing is set.
    let failed = unsafe {
        libc::sysctlbyname(
            c"kern.bootsessionuuid".as_ptr(),
            id.as_mut_ptr().cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    let id = if failed == 0 { id.get(..length).unwrap_or_default() } else { &[] };
    String::from_utf8_lossy(id).trim_end_matches('\0').trim().to_string()
}

#[cfg(not(target_os = "macos"))]
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_string()
}

/// No file tells whether a process lives.
pub fn life(_pid: u32) -> Option<PathBuf> {
    None
}

pub fn tty_path(tty_nr: u64) -> Option<String> {
    if tty_nr == 0 {
        return None;
    }
    let entries = ["/dev", "/dev/pts"].into_iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten();
    let is_it = |path: &PathBuf| {
        path.strip_prefix("/dev").is_ok_and(|name| name.starts_with("pts") || begins_tty(name))
            && number_of(path) == Some(tty_nr)
    };
    entries.flatten().map(|entry| entry.path()).find(is_it).and_then(|path| path.to_str().map(str::to_owned))
}

fn begins_tty(name: &std::path::Path) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("tty") && name != "tty")
}

fn number_of(path: &std::path::Path) -> Option<u64> {
    use std::os::unix::fs::FileTypeExt;
    let meta = std::fs::metadata(path).ok().filter(|meta| meta.file_type().is_char_device())?;
    // How wide a device's number is depends on the system.
    #[allow(clippy::useless_conversion, clippy::cast_possible_truncation)]
    let device = meta.rdev() as rustix::fs::Dev;
    Some(Tab::number(rustix::fs::major(device), rustix::fs::minor(device)))
}

fn row(pid: u32) -> Option<Row> {
    ps(&["-p", &pid.to_string()])?.into_iter().find(|row| row.stat.key.pid == pid)
}

fn ps(which: &[&str]) -> Option<Vec<Row>> {
    let text = run_ps(&[which, &["-ww", "-o", COLUMNS]].concat())?;
    let mut terminals: HashMap<String, u64> = HashMap::new();
    let mut number = |name: &str| {
        let known = terminals.get(name).copied();
        known.unwrap_or_else(|| {
            let found = number_of(&PathBuf::from(format!("/dev/{name}"))).unwrap_or(0);
            terminals.insert(name.to_owned(), found);
            found
        })
    };
    Some(text.lines().filter_map(|line| parse_row(line, &mut number)).collect())
}

fn run_ps(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program("ps")?);
    // The start is told in the zone and the language of whoever asks.
    command.args(arguments).env("LC_ALL", "C").env("TZ", "UTC0");
    let (bytes, _) = output::whatever(command, PATIENCE, OUTPUT_CAP, false).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A line of [`COLUMNS`]. `number`: a terminal's device number by its name under /dev.
fn parse_row(line: &str, number: &mut dyn FnMut(&str) -> u64) -> Option<Row> {
    let mut rest = line;
    let mut word = || {
        rest = rest.trim_start();
        let (word, after) = rest.split_at(rest.find(char::is_whitespace)?);
        rest = after;
        Some(word)
    };
    let (pid, parent, uid) = (word()?.parse().ok()?, word()?.parse().ok()?, word()?.parse().ok()?);
    let (state, tty) = (word()?, word()?);
    let start = [word()?, word()?, word()?, word()?, word()?].join(" ");
    if state.starts_with('Z') {
        return None;
    }
    let started = jiff::civil::DateTime::strptime("%a %b %d %H:%M:%S %Y", &start).ok()?;
    let started = started.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    let has_terminal = !tty.starts_with(['?', '-']);
    let stat = Stat {
        key: Key { pid, started: u64::try_from(started).ok()? },
        comm: rest.trim().to_owned(),
        parent,
        tty_nr: if has_terminal { number(tty) } else { 0 },
        foreground: state.contains('+'),
        leads: state.contains('s'),
    };
    Some(Row { stat, uid })
}

/// What `lsof` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held {
    tcp: Vec<Tcp>,
    holders: HashMap<u32, Vec<u64>>,
    peers: HashMap<u64, u64>,
    bound: HashMap<u32, Vec<PathBuf>>,
}

/// Asks `lsof` for this user's sockets of one sort.
fn lsof(uid: u32, which: &[&str]) -> io::Result<Held> {
    static FAILED: Mutex<Option<Instant>> = Mutex::new(None);
    let mut failed = FAILED.lock().map_err(|_| io::ErrorKind::Other)?;
    if failed.is_some_and(|at| at.elapsed() < REST) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let answer = program("lsof").ok_or_else(|| "is not there".to_owned()).and_then(|lsof| {
        let mut command = Command::new(lsof);
        // Numbers instead of names, no warnings, and nothing that may block in the kernel.
        command
            .args(["-nPlbw", "-F", "puftdiPnT", "-a", "-u", &uid.to_string()])
            .args(which)
            .env("LC_ALL", "C");
        output::whatever(command, PATIENCE, OUTPUT_CAP, true)
    });
    match answer {
        // With 1 it says that there was nothing to be found, or not everything; with a word about it, that it failed.
        Ok((bytes, Some(code))) if code == 0 || (code == 1 && has_sockets_or_no_word(&bytes)) => {
            *failed = None;
            Ok(parse_lsof(&String::from_utf8_lossy(&bytes)))
        }
        Ok(_) | Err(_) => {
            *failed = Some(Instant::now());
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}

/// Whether this names a process, or is empty: what `lsof` has to complain of begins with its own name.
fn has_sockets_or_no_word(output: &[u8]) -> bool {
    let lines = || output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines().next().is_none() || lines().any(|line| line.first() == Some(&b'p'))
}

/// `lsof -F`: a letter and a value a line. Of a process `p` and `u`, then of each file `f` first and the others.
fn parse_lsof(text: &str) -> Held {
    let mut held = Held::default();
    let mut seen: HashSet<u64> = HashSet::new();
    let (mut pid, mut uid) = (0_u32, 0_u32);
    let mut file = File::default();
    for line in text.lines().chain(["p0"]) {
        let (Some(letter), value) = (line.chars().next(), line.get(1..).unwrap_or_default()) else {
            continue;
        };
        match letter {
            'p' | 'f' => {
                std::mem::take(&mut file).add(pid, uid, &mut held, &mut seen);
                if letter == 'p' {
                    pid = value.parse().unwrap_or(0);
                }
            }
            'u' => uid = value.parse().unwrap_or(u32::MAX),
            't' => file.is_local = value == "unix",
            'd' => file.device = value,
            'i' => file.inode = value,
            'P' => file.is_tcp = value == "TCP",
            'n' => file.name = value,
            'T' => {
                if let Some(state) = value.strip_prefix("ST=") {
                    file.state = state;
                }
            }
            _ => {}
        }
    }
    held
}

/// One open file of `lsof`'s list.
#[derive(Default)]
struct File<'t> {
    is_local: bool,
    is_tcp: bool,
    /// What the kernel knows the socket by: an inode, or an address.
    device: &'t str,
    inode: &'t str,
    name: &'t str,
    state: &'t str,
}

impl File<'_> {
    fn add(self, pid: u32, uid: u32, held: &mut Held, seen: &mut HashSet<u64>) {
        if pid == 0 || self.device.is_empty() {
            return;
        }
        if self.is_local {
            // `->0x1d5`, or `/path type=STREAM ->INO=17 99,ssh,3u`
            let own = if self.inode.is_empty() { self.device } else { self.inode };
            let id = fingerprint(&[own]);
            held.holders.entry(pid).or_default().push(id);
            if self.name.starts_with('/') {
                let path = self.name.split(" type=").next().unwrap_or(self.name);
                held.bound.entry(pid).or_default().push(path.into());
            }
            if let Some((_, peer)) = self.name.rsplit_once("->") {
                let peer = peer.strip_prefix("INO=").unwrap_or(peer);
                let peer = fingerprint(&[peer.split(' ').next().unwrap_or(peer)]);
                held.peers.insert(id, peer);
                // Of the two ends the one with a name may not tell the other.
                held.peers.entry(peer).or_insert(id);
            }
            return;
        }
        let listening = self.state == "LISTEN";
        if !self.is_tcp || !(listening || matches!(self.state, "ESTABLISHED" | "CLOSE_WAIT")) {
            return;
        }
        let (local, peer) = self.name.split_once("->").unwrap_or((self.name, "*:0"));
        let Some((local, peer)) = address(local).zip(address(peer)) else { return };
        // A kernel's address is used again, but hardly for the same ends.
        let id = fingerprint(&[self.device, self.name]);
        held.holders.entry(pid).or_default().push(id);
        // What several processes hold is one socket.
        if seen.insert(id) {
            let wire = Socket { cookie: id, ..Socket::default() };
            held.tcp.push(Tcp { id, uid, listening, local, peer, wire });
        }
    }
}

/// `127.0.0.1:22`, `[fe80::1%lo0]:22`, `*:22`.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = host.split('%').next().unwrap_or(host);
    let ip = if host == "*" { Ipv4Addr::UNSPECIFIED.into() } else { host.parse::<IpAddr>().ok()? };
    let port = if port == "*" { 0 } else { port.parse().ok()? };
    Some(SocketAddr::new(ip.to_canonical(), port))
}

/// A number for these texts (FNV-1a).
fn fingerprint(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A program of the system: where it lies on every system, or where PATH says, which may be a project's. (The tests,
/// which are built for Linux, put their own in its place.)
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/bin", "/usr/bin", "/usr/sbin"].map(PathBuf::from);
    let own: Vec<PathBuf> = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
    let (first, last) = if cfg!(target_os = "linux") { (own, usual.to_vec()) } else { (usual.to_vec(), own) };
    first
        .into_iter()
        .chain(last)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok())
}

fn look_into<T>(pid: u32, what: ProcessRefreshKind, take: impl FnOnce(&sysinfo::Process) -> T) -> Option<T> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what.without_tasks());
    system.process(pid).map(take)
}

fn words(process: &sysinfo::Process) -> Vec<String> {
    process.cmd().iter().map(|arg| arg.to_string_lossy().into_owned()).collect()
}

fn entries(environ: &[OsString]) -> Vec<(OsString, OsString)> {
    let entry = |entry: &OsString| {
        let bytes = entry.clone().into_vec();
        let at = memchr::memchr(b'=', &bytes)?;
        Some((OsString::from_vec(bytes[..at].to_vec()), OsString::from_vec(bytes[at + 1..].to_vec())))
    };
    environ.iter().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Row> {
        parse_row(line, &mut |name| if name == "ttys003" { 4099 } else { 7 })
    }

    #[test]
    fn a_line_of_ps_as_macos_and_linux_print_it() {
        let row = parse("  501  499   501 S+   ttys003  Sat Nov 28 10:22:01 2026     ssh").unwrap();
        assert_eq!((row.stat.key, row.uid), (Key { pid: 501, started: 1_795_861_321 }, 501));
        assert_eq!(row.stat.comm, "ssh");
        assert_eq!((row.stat.parent, row.stat.tty_nr, row.stat.foreground), (499, 4099, true));
        let row = parse("24680 1 0 Ss pts/3 Tue Nov  3 01:02:03 2026 a) S 1 (b").unwrap();
        assert_eq!((row.stat.comm.as_str(), row.stat.tty_nr, row.stat.foreground), ("a) S 1 (b", 7, false));
        for none in ["?", "??", "-"] {
            let row = parse(&format!("1 0 0 Ss {none} Tue Nov 3 01:02:03 2026 init")).unwrap();
            assert_eq!(row.stat.tty_nr, 0);
        }
        assert_eq!(parse("9 1 0 Z ? Tue Nov 3 01:02:03 2026 gone"), None);
        assert_eq!(parse("9 1 0 S ? Tue Nov 3"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn what_lsof_prints_of_sockets() {
        let text = "p501\nu501\nf3\ntIPv4\nd0x9c1f7c6d1b\nPTCP\nn192.0.2.7:50112->198.51.100.4:5432\nTST=ESTABLISHED\n\
                    f4\ntIPv4\nd0x9c1f7c6d2b\nPTCP\nn127.0.0.1:15432\nTST=LISTEN\n\
                    f5\ntIPv6\nd0x9c1f7c6d3b\nPTCP\nn[::1]:15432\nTST=LISTEN\n\
                    f6\ntIPv4\nd0x9c1f7c6d4b\nPUDP\nn*:5353\n\
                    f7\ntIPv4\nd0x9c1f7c6d5b\nPTCP\nn127.0.0.1:1->127.0.0.1:2\nTST=CLOSED\n\
                    p777\nu501\nf3\ntIPv4\nd0x9c1f7c6d1b\nPTCP\nn192.0.2.7:50112->198.51.100.4:5432\nTST=ESTABLISHED\n\
                    f8\ntunix\nd0xaa\nn->0xbb\n\
                    p778\nu501\nf9\ntunix\nd0xbb\nn/Users/dev/.ssh/cm-1\n";
        let held = parse_lsof(text);
        let found: Vec<(bool, String, String)> =
            held.tcp.iter().map(|tcp| (tcp.listening, tcp.local.to_string(), tcp.peer.to_string())).collect();
        let of = |listening, local: &str, peer: &str| (listening, local.to_owned(), peer.to_owned());
        assert_eq!(
            found,
            [
                of(false, "192.0.2.7:50112", "198.51.100.4:5432"),
                of(true, "127.0.0.1:15432", "0.0.0.0:0"),
                of(true, "[::1]:15432", "0.0.0.0:0"),
            ]
        );
        // Both hold the first; it is one socket.
        assert_eq!(held.holders[&501].len(), 3);
        assert_eq!(held.holders[&777][0], held.tcp[0].id);
        assert_eq!(held.peers[&held.holders[&777][1]], held.holders[&778][0]);
        assert_eq!(held.peers[&held.holders[&778][0]], held.holders[&777][1]);
        let linux = "p7\nu0\nf3\ntunix\nd0x25\ni13858292\nntype=STREAM ->INO=13858293 8,ssh,4u\n\
                     p8\nu0\nf4\ntunix\nd0xa2\ni13858293\nn/run/cm type=STREAM ->INO=13858292 7,ssh,3u\n";
        let held = parse_lsof(linux);
        assert_eq!(held.peers[&held.holders[&7][0]], held.holders[&8][0]);
        assert_eq!(held.peers[&held.holders[&8][0]], held.holders[&7][0]);
        assert_eq!(held.bound[&8], [PathBuf::from("/run/cm")]);
        for cut in 0..text.len() {
            let _ = parse_lsof(&text[..cut]);
        }
    }

    #[test]
    fn a_failure_is_not_nothing() {
        for (output, told) in [
            ("", true),
            ("\n", true),
            ("p1\nu0\n", true),
            ("lsof: WARNING: x\np1\n", true),
            ("lsof: illegal option -- Q\n", false),
            ("lsof: can't open /dev/kmem\n", false),
        ] {
            assert_eq!(has_sockets_or_no_word(output.as_bytes()), told, "{output}");
        }
    }

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("127.0.0.1:22", Some("127.0.0.1:22")),
            ("*:22", Some("0.0.0.0:22")),
            ("[fe80::1%lo0]:22", Some("[fe80::1]:22")),
            ("[::ffff:192.0.2.1]:22", Some("192.0.2.1:22")),
            ("*:*", Some("0.0.0.0:0")),
            ("localhost:ssh", None),
            ("", None),
        ] {
            assert_eq!(address(text).map(|address| address.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn tells_of_this_very_process_and_its_sockets() {
        let pid = std::process::id();
        let all = Snapshot::take();
        assert!(all.pids().contains(&pid));
        assert_eq!(all.stat(pid), stat(pid));
        assert_eq!(started(pid), Some(stat(pid).unwrap().key.started));
        assert_eq!(started(u32::MAX >> 2), None);
        // Others may end meanwhile.
        for pid in all.pids().iter().copied() {
            if let (Some(now), Some(then)) = (stat(pid), all.stat(pid)) {
                assert_eq!(now.key.started, then.key.started);
                assert!(started(pid).is_none_or(|started| started == now.key.started));
            }
            if let (Some(owner), Some(row)) = (owner(pid), row(pid)) {
                assert_eq!(owner, row.uid);
            }
        }
        let mut child = Command::new("sh").args(["-c", "exit"]).spawn().unwrap();
        while stat(child.id()).is_some() {}
        assert_eq!(started(child.id()), None, "it waits to be buried");
        child.wait().unwrap();
        assert_eq!(all.owner(pid), Some(rustix::process::getuid().as_raw()));
        assert!(age(stat(pid).unwrap().key) < 3_600_000);
        let details = details(pid);
        assert_eq!(details.argv, argv(pid));
        assert_eq!(details.cwd.as_deref(), std::env::current_dir().ok().as_deref());
        assert!(environ(pid).unwrap().iter().any(|(name, _)| name == "PATH"));

        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let (family, kind) = (rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM);
        let client = rustix::net::socket(family, kind, None).unwrap();
        rustix::net::connect(&client, &at).unwrap();
        let (_server, peer) = listener.accept().unwrap();
        let (tcp, held) = sockets(rustix::process::getuid().as_raw()).unwrap();
        let ours = tcp.iter().find(|tcp| tcp.local == peer && tcp.peer == at).unwrap();
        assert!(tcp.iter().any(|tcp| tcp.listening && tcp.local == at));
        assert!(held.of(pid).unwrap().contains(&ours.id));
        drop(client);
    }
}
