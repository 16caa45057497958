//! The only door to the environment, files, the clock, the terminal and processes. What it refuses: to follow a
//! name through NSS, to wait on a file, to read more than a cap.
//!
//! `World` is a plain struct: the binary fills it from the process, tests fill it by hand.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use rustix::fs::{FileType, Mode, OFlags};

use crate::clock;
use crate::guard::lease::Clocks;
use crate::processes;
use crate::tab::Tab;

/// Files larger than this are not read: 8 MiB is twenty times the largest kubeconfig seen in the field.
pub const FILE_CAP: u64 = 8 * 1024 * 1024;

/// Directories with more entries than this are not listed.
const ENTRIES_CAP: usize = 2000;

/// A write this recent may be followed by another one in the same tick of the file system's clock.
const FRESH: Duration = Duration::from_millis(20);
/// The same where the file system keeps whole seconds only.
const FRESH_COARSE: Duration = Duration::from_secs(2);

/// Everything redtab may know of the process it runs in.
#[derive(Clone, Debug)]
pub struct World {
    /// The environment in its own order; of a repeated name the first entry counts, as in getenv(3).
    pub vars: Vec<(OsString, OsString)>,
    pub cwd: Option<PathBuf>,
    /// The real user id.
    pub uid: u32,
}

/// A file's modification time: seconds and nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mtime {
    pub secs: i64,
    pub nanos: u32,
}

impl Mtime {
    /// A time that no comparison takes for this one.
    pub fn just_before(self) -> Mtime {
        match self.nanos.checked_sub(1) {
            Some(nanos) => Mtime { nanos, ..self },
            None => Mtime { secs: self.secs - 1, nanos: 999_999_999 },
        }
    }
}

/// What a look at one path saw: enough to tell later whether it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing there.
    Absent,
    /// A symbolic link that leads to nothing.
    Dangling,
    /// Something is there; what it holds was not asked.
    There,
    /// Nothing that a shell's tests could tell from another state: a loop of links, a closed directory.
    Unwatchable,
    Present {
        mtime: Mtime,
        /// The path that was really opened, where it differs from the one asked for (a symlink on the way).
        real: Option<PathBuf>,
        readable: bool,
        /// False when the file changed while it was read, or so recently that another write may share its time.
        settled: bool,
    },
}

/// The outcome of reading a whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Absent,
    Bytes(Vec<u8>),
    /// Why it could not be read, as the end of a sentence.
    Unreadable(String),
}

/// Who may have written a file: its owner and its directory, for files that change how redtab judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    pub uid: u32,
    /// The file or its directory can be written by everybody.
    pub world_writable: bool,
}

/// A moment as a clock on the wall of some place shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Monday is 0.
    pub day: u32,
    /// Of the day.
    pub minute: u32,
    /// `Thu 22:04`.
    pub day_and_hour: String,
    /// `22:04`.
    pub hour: String,
    /// With the offset.
    pub rfc3339: String,
}

/// A local date and time, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallClock {
    pub year: i32,
    /// From 1.
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
}

impl World {
    /// The world of this process.
    pub fn of_this_process() -> World {
        World {
            vars: std::env::vars_os().collect(),
            cwd: std::env::current_dir().ok(),
            uid: rustix::process::getuid().as_raw(),
        }
    }

    /// The value of an environment variable, or `None` when it is not there.
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        self.vars.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_os_str())
    }

    /// The home directory as `$HOME` says; `None` when it is unset or not absolute. No look-up by user id: a
    /// static binary can't ask NSS.
    pub fn home(&self) -> Option<PathBuf> {
        let home = PathBuf::from(self.var("HOME")?);
        home.is_absolute().then_some(home)
    }

    /// The time now.
    pub fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// Seconds since a file was written; `None` where it is not there, or its time lies ahead or a day back.
    pub fn age_of(&self, path: &Path) -> Option<u64> {
        let written = std::fs::metadata(path).ok()?.modified().ok()?;
        let age = self.now().duration_since(written).ok()?.as_secs();
        (age < 86_400).then_some(age)
    }

    /// Reads a whole regular file without ever waiting, and says what was seen of it for a later comparison.
    ///
    /// `path` may be relative (to the process's directory). Anything but a regular file, a file over [`FILE_CAP`]
    /// and a refused open are `Unreadable`.
    pub fn read(&self, path: &Path) -> (Content, Seen) {
        self.read_part(path, None)
    }

    /// The same of the first `bytes` of a file, whatever its size.
    pub fn read_head(&self, path: &Path, bytes: u64) -> (Content, Seen) {
        self.read_part(path, Some(bytes))
    }

    fn read_part(&self, path: &Path, head: Option<u64>) -> (Content, Seen) {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(file) => file,
            Err(errno) => return refused(path, errno),
        };
        let Ok(before) = rustix::fs::fstat(&file) else {
            return (Content::Unreadable("can't be looked at".into()), Seen::Unwatchable);
        };
        let mut seen = Seen::Present {
            mtime: mtime(&before),
            real: real_path(&file, path),
            readable: true,
            settled: settled(mtime(&before), self.now()),
        };
        let kind = FileType::from_raw_mode(before.st_mode);
        if kind != FileType::RegularFile {
            return (Content::Unreadable(format!("is {}", kind_name(kind))), seen);
        }
        let size = u64::try_from(before.st_size).unwrap_or(u64::MAX);
        if size > FILE_CAP && head.is_none() {
            return (Content::Unreadable("is larger than 8 MiB".into()), seen);
        }
        let mut file = std::fs::File::from(file);
        let read = match head {
            Some(bytes) => first(&mut file, size, bytes),
            None => whole(&mut file, usize::try_from(size).unwrap_or(0)),
        };
        let bytes = match read {
            Ok(bytes) if bytes.len() as u64 > FILE_CAP => {
                return (Content::Unreadable("is larger than 8 MiB".into()), seen);
            }
            Ok(bytes) => bytes,
            Err(error) => return (Content::Unreadable(format!("can't be read: {}", plain(&error))), seen),
        };
        if let (Ok(after), Seen::Present { mtime: first, settled, .. }) =
            (rustix::fs::fstat(&file), &mut seen)
            && (mtime(&after) != *first || after.st_size != before.st_size)
        {
            *settled = false;
        }
        (Content::Bytes(bytes), seen)
    }

    /// The first `bytes` of a regular file, whatever its size; `None` when they can't be had.
    pub fn head(&self, path: &Path, bytes: u64) -> Option<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::empty()).ok()?;
        if !FileType::from_raw_mode(rustix::fs::fstat(&file).ok()?.st_mode).is_file() {
            return None;
        }
        let mut head = Vec::new();
        std::fs::File::from(file).take(bytes).read_to_end(&mut head).ok()?;
        Some(head)
    }

    /// Whether something is at `path`, by one system call where there is nothing.
    pub fn look(&self, path: &Path) -> Seen {
        match rustix::fs::stat(path) {
            Ok(_) => Seen::There,
            Err(errno) => refused(path, errno).1,
        }
    }

    /// The names in a directory, sorted; none when it is not there.
    ///
    /// # Errors
    /// Why it can't be listed, as the end of a sentence.
    pub fn entries(&self, directory: &Path) -> Result<Vec<OsString>, String> {
        let refused = |error: std::io::Error| format!("can't be listed: {}", plain(&error));
        let mut names = Vec::new();
        match std::fs::read_dir(directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(names),
            Err(error) => return Err(refused(error)),
            Ok(entries) => {
                for entry in entries.take(ENTRIES_CAP + 1) {
                    names.push(entry.map_err(refused)?.file_name());
                }
            }
        }
        if names.len() > ENTRIES_CAP {
            return Err(format!("has more than {ENTRIES_CAP} entries"));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Who may have written `path`; `None` when it can't be looked at. Of a symbolic link that leads nowhere, or to
    /// something that is no regular file, the link's own owner counts: whoever made it meant it.
    pub fn ownership(&self, path: &Path) -> Option<Ownership> {
        let regular = |stat: &rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode).is_file();
        let mut file = match rustix::fs::stat(path).ok().filter(regular) {
            Some(stat) => stat,
            None => rustix::fs::lstat(path).ok()?,
        };
        if FileType::from_raw_mode(file.st_mode).is_symlink() {
            file.st_mode &= !0o002; // every link's mode is 0777 and means nothing
        }
        let parent = path.parent().and_then(|dir| rustix::fs::stat(dir).ok())?;
        let open = |stat: &rustix::fs::Stat| stat.st_mode & 0o002 != 0;
        Some(Ownership { uid: file.st_uid, world_writable: open(&file) || open(&parent) })
    }

    /// What the clock on the wall showed at `time`; `None` when the system can't say.
    #[allow(unsafe_code)] // localtime_r(3) fills a struct that we own; it asks no NSS
    pub fn wall_clock(&self, time: SystemTime) -> Option<WallClock> {
        let secs = libc::time_t::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
        // SAFETY: a `tm` is plain data, for which zeroes are valid; both pointers live through the call.
        let tm = unsafe {
            let mut tm: libc::tm = std::mem::zeroed();
            (!libc::localtime_r(&raw const secs, &raw mut tm).is_null()).then_some(tm)?
        };
        let small = |value: i32| u8::try_from(value).unwrap_or(0);
        Some(WallClock {
            year: tm.tm_year + 1900,
            month: small(tm.tm_mon + 1),
            day: small(tm.tm_mday),
            hour: small(tm.tm_hour),
            minute: small(tm.tm_min),
        })
    }

    /// The time now in a time zone by its IANA name; an empty or unknown one stands for the system's.
    pub fn local(&self, zone: &str) -> Local {
        self.local_at(self.now(), zone)
    }

    /// The same for any time; one that no calendar holds is the epoch.
    pub fn local_at(&self, time: SystemTime, zone: &str) -> Local {
        let at = jiff::Timestamp::try_from(time).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let at = at.to_zoned(self.zone(zone));
        let small = |value: i8| u32::try_from(value).unwrap_or(0);
        Local {
            day: small(at.weekday().to_monday_zero_offset()),
            minute: small(at.hour()) * 60 + small(at.minute()),
            day_and_hour: at.strftime("%a %H:%M").to_string(),
            hour: at.strftime("%H:%M").to_string(),
            rfc3339: at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        }
    }

    /// A time zone by its IANA name; an empty or unknown one stands for the system's.
    ///
    /// The usual files are read by themselves: jiff's own look-up lists the whole database first, which is two thirds of
    /// all that judging a line takes.
    fn zone(&self, name: &str) -> TimeZone {
        let of_file = |name: &str, path: &Path| match self.read(path) {
            (Content::Bytes(bytes), _) => TimeZone::tzif(name, &bytes).ok(),
            _ => None,
        };
        let listed = || {
            let plain = name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
            let found = plain.then(|| of_file(name, &Path::new("/usr/share/zoneinfo").join(name))).flatten();
            found.or_else(|| TimeZone::get(name).ok())
        };
        let local = || {
            let unset = self.vars.iter().all(|(var, value)| var != "TZ" || value.is_empty());
            unset.then(|| of_file("", Path::new("/etc/localtime"))).flatten()
        };
        let named = if name.is_empty() { None } else { listed() };
        named.or_else(local).unwrap_or_else(TimeZone::system)
    }

    /// What people mean by a moment: a duration ago (`2h`), a day, a day and time in the system's zone, or RFC 3339.
    pub fn moment(&self, text: &str) -> Option<SystemTime> {
        if let Some(seconds) = crate::guard::lease::seconds(text) {
            return self.now().checked_sub(Duration::from_secs(seconds));
        }
        self.point_in_time(text)
    }

    /// A day, a day and time in the system's zone, or RFC 3339.
    pub fn point_in_time(&self, text: &str) -> Option<SystemTime> {
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Some(at.into());
        }
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        Some(civil.to_zoned(self.zone("")).ok()?.timestamp().into())
    }

    /// Seconds since the epoch.
    pub fn wall_seconds(&self) -> u64 {
        self.now().duration_since(UNIX_EPOCH).map_or(u64::MAX, |since| since.as_secs())
    }

    /// The wall clock, the clock since boot, and which boot that was. A machine that does not tell its boot has no
    /// leases.
    pub fn clocks(&self) -> Clocks {
        Clocks { wall: self.wall_seconds(), boot: clock::since_boot() / 1000, boot_id: self.boot_id() }
    }

    /// The kernel's random id of this boot, read once; empty where it tells none.
    pub fn boot_id(&self) -> String {
        static ID: OnceLock<String> = OnceLock::new();
        ID.get_or_init(processes::boot_id).clone()
    }

    /// The path of a program in the absolute entries of PATH.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        std::env::split_paths(self.var("PATH")?)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(name))
            .find(|file| file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok())
    }

    /// Runs a helper without a terminal and without output, and ends it when it takes longer than `patience`. Whether
    /// it succeeded.
    pub fn run_briefly(&self, mut command: std::process::Command, patience: Duration) -> bool {
        use std::process::Stdio;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else { return false };
        let end = std::time::Instant::now() + patience;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) if std::time::Instant::now() < end => std::thread::sleep(Duration::from_micros(500)),
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return false;
                }
            }
        }
    }

    /// When a process was started, in the system's own count; `None` when it is gone, or only waits to be buried.
    pub fn started(&self, pid: u32) -> Option<u64> {
        processes::started(pid)
    }

    /// The process that started this one: for a command typed at a prompt, the shell.
    pub fn parent_pid(&self) -> Option<u32> {
        rustix::process::getppid().and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok())
    }

    /// The environment that a process of the same user was started with; `None` where the system does not tell.
    pub fn environ_of(&self, pid: u32) -> Option<Vec<(OsString, OsString)>> {
        processes::environ(pid)
    }

    /// The names of the processes above this one but the first of all, the nearest first; see [`World::chain`].
    pub fn parents(&self) -> Vec<String> {
        let above = self.parent_pid().map(|pid| self.chain(pid)).unwrap_or_default();
        above.into_iter().filter(|(pid, _)| *pid > 1).map(|(_, name)| name).collect()
    }

    /// A process and those above it, the nearest first, with their names as the kernel keeps them (15 bytes); as far as
    /// the system tells, and at most 32.
    pub fn chain(&self, pid: u32) -> Vec<(u32, String)> {
        let all = processes::Snapshot::for_some();
        let mut chain = Vec::new();
        let mut next = Some(pid);
        while let Some(pid) = next.filter(|pid| *pid > 0 && chain.len() < 32) {
            let Some(stat) = all.stat(pid) else { break };
            next = Some(stat.parent);
            chain.push((pid, stat.comm));
        }
        chain
    }

    /// What the kernel calls this machine; empty where it has no name.
    pub fn node_name(&self) -> String {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        if name == "(none)" { String::new() } else { name }
    }

    /// Whether a process's group has this terminal (a device number, the process's own) for itself.
    pub fn has_terminal(&self, pid: u32, tty: u64) -> bool {
        processes::stat(pid).is_some_and(|stat| stat.tty_nr == tty && stat.foreground)
    }

    /// The tab this process runs in; `None` without a terminal, or where the system does not tell. It is asked once in a
    /// session, for the system takes its time over the answer.
    pub fn tab(&self) -> Option<Tab> {
        static TAB: OnceLock<Tab> = OnceLock::new();
        let session = session()?;
        if let Some(tab) = TAB.get().filter(|tab| tab.session == session) {
            return Some(tab.clone());
        }
        let tab = self.tab_of(session)?;
        let _ = TAB.set(tab.clone());
        Some(tab)
    }

    /// Whether this process's group has the terminal, so that a question on it can be answered.
    #[allow(unsafe_code)] // getpgrp(2) has no precondition; rustix's takes the 0 of another pid namespace for a bug
    pub fn is_in_front(terminal: impl std::os::fd::AsFd) -> bool {
        let group = unsafe { libc::getpgrp() };
        rustix::termios::tcgetpgrp(terminal).is_ok_and(|front| front.as_raw_nonzero().get() == group)
    }

    /// The tab whose session this process leads; `None` where it leads none at a terminal, or is gone.
    pub fn tab_of(&self, leader: u32) -> Option<Tab> {
        let stat = processes::stat(leader).filter(|stat| stat.tty_nr != 0)?;
        let boot = Some(self.boot_id()).filter(|boot| !boot.is_empty())?;
        Some(Tab { tty: stat.tty_nr, session: leader, started: stat.key.started, boot })
    }

    /// Whether a tab was opened by another user: this one came by `su` or `sudo`.
    pub fn is_of_another(&self, tab: &Tab) -> bool {
        if cfg!(target_os = "macos") {
            // There `login`, which is root's, leads everybody's session.
            return processes::tty_owner(tab.tty) != Some(self.uid);
        }
        !self.owns(tab.session)
    }

    /// Whether a process is this user's own.
    pub fn owns(&self, pid: u32) -> bool {
        processes::owner(pid) == Some(self.uid)
    }

    /// The process that started the one with this id.
    pub fn parent_of(&self, pid: u32) -> Option<u32> {
        processes::stat(pid).map(|stat| stat.parent)
    }

    /// Whether there is a process with this id, whoever owns it.
    pub fn is_alive(&self, pid: u32) -> bool {
        let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
        pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
    }

    /// Leaves the terminal, the session and the directory this process was started in, and every descriptor that it
    /// inherited but the first three.
    #[allow(unsafe_code)]
    pub fn leave_everything() {
        let _ = rustix::process::setsid();
        let _ = rustix::process::chdir("/");
        // SAFETY: called first of all, before this process has opened anything of its own.
        #[cfg(target_os = "linux")]
        unsafe {
            libc::close_range(3, libc::c_uint::MAX, 0);
        }
        // Few systems close many at once; a shell has its own below 256.
        #[cfg(not(target_os = "linux"))]
        for descriptor in 3..1024 {
            // SAFETY: as above.
            unsafe { libc::close(descriptor) };
        }
    }

    /// Ends this process by SIGALRM after `seconds`, whatever it waits for: a hang becomes a failure that the shell
    /// hook can show, not a frozen shell.
    #[allow(unsafe_code)] // alarm(2) has no precondition and no safe wrapper in our dependencies
    pub fn arm_deadline(seconds: u32) {
        unsafe { libc::alarm(seconds) };
    }

    /// From now on what a person ends or stops a program with at the keyboard ends this one with `code`, so that whoever
    /// waits for it learns that it was alive. An alarm still ends it where it hangs.
    #[allow(unsafe_code)]
    pub fn end_from_the_keyboard_with(code: u8) {
        WHEN_INTERRUPTED.store(code, Ordering::SeqCst);
        for signal in KEYBOARD {
            // SAFETY: the handler reads an atomic and ends the process by _exit, which is allowed in one. What was
            // ignored stays ignored.
            unsafe {
                if libc::signal(signal, end_at_once as *const () as libc::sighandler_t) == libc::SIG_IGN {
                    libc::signal(signal, libc::SIG_IGN);
                }
            }
        }
    }

    /// From now on a signal that would end or stop this process is only noted: see [`World::ending_caught`].
    #[allow(unsafe_code)]
    pub fn catch_endings() {
        CAUGHT.store(false, Ordering::SeqCst);
        // Rust's own handler swallows the first SEGV or BUS that is sent; from now on it ends the process.
        for signal in [libc::SIGSEGV, libc::SIGBUS] {
            // SAFETY: the default action runs no code of ours.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        for signal in ENDINGS {
            // SAFETY: the handler does nothing but store into an atomic, which is allowed in one. What was ignored
            // (nohup) stays ignored.
            unsafe {
                if libc::signal(signal, note_signal as *const () as libc::sighandler_t) == libc::SIG_IGN {
                    libc::signal(signal, libc::SIG_IGN);
                }
            }
        }
    }

    /// Whether such a signal came since.
    pub fn ending_caught() -> bool {
        CAUGHT.load(Ordering::SeqCst)
    }

    /// Signals end and stop this process again, those of the keyboard as [`World::end_from_the_keyboard_with`] said.
    #[allow(unsafe_code)]
    pub fn release_endings() {
        for signal in ENDINGS {
            // SAFETY: the default action runs no code of ours.
            unsafe {
                if libc::signal(signal, libc::SIG_DFL) == libc::SIG_IGN {
                    libc::signal(signal, libc::SIG_IGN);
                }
            }
        }
        match WHEN_INTERRUPTED.load(Ordering::SeqCst) {
            0 => {}
            code => World::end_from_the_keyboard_with(code),
        }
    }

    /// What a terminal or its user sends to a group of processes does not reach this one, and it may set modes from
    /// the background.
    #[allow(unsafe_code)]
    pub fn ignore_terminal_signals() {
        for signal in ENDINGS.into_iter().chain([libc::SIGTTOU, libc::SIGTTIN, libc::SIGPIPE]) {
            // SAFETY: ignoring a signal runs no code of ours.
            unsafe { libc::signal(signal, libc::SIG_IGN) };
        }
    }
}

/// What ends or stops a process that doesn't care, as far as it can be caught.
const ENDINGS: [libc::c_int; 5] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGTSTP];

/// Those of them that keys send.
const KEYBOARD: [libc::c_int; 3] = [libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP];

/// The exit code of a process that such a key ends; 0 where the key itself does.
static WHEN_INTERRUPTED: AtomicU8 = AtomicU8::new(0);

#[allow(unsafe_code)]
extern "C" fn end_at_once(_: libc::c_int) {
    // SAFETY: _exit runs no code of ours.
    unsafe { libc::_exit(WHEN_INTERRUPTED.load(Ordering::SeqCst).into()) };
}

static CAUGHT: AtomicBool = AtomicBool::new(false);

extern "C" fn note_signal(_: libc::c_int) {
    CAUGHT.store(true, Ordering::SeqCst);
}

/// Reads a file that had `size` bytes when it was opened, and no more than [`FILE_CAP`] and one. A file that still has
/// that size takes a single read.
fn whole(file: &mut std::fs::File, size: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; size + 1];
    let read = file.read(&mut bytes)?;
    bytes.truncate(read);
    if read == 0 || read != size {
        file.take((FILE_CAP + 1).saturating_sub(read as u64)).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The first `bytes` of a file that had `size` of them when it was opened. One that still has takes a single read.
fn first(file: &mut std::fs::File, size: u64, bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut begun = vec![0; usize::try_from(size.saturating_add(1).min(bytes)).unwrap_or(0)];
    let read = file.read(&mut begun)?;
    begun.truncate(read);
    if read == 0 || read as u64 != size.min(bytes) {
        file.take(bytes.saturating_sub(read as u64)).read_to_end(&mut begun)?;
    }
    Ok(begun)
}

fn refused(path: &Path, errno: rustix::io::Errno) -> (Content, Seen) {
    use rustix::io::Errno;
    match errno {
        Errno::NOENT if rustix::fs::lstat(path).is_ok() => (Content::Absent, Seen::Dangling),
        Errno::NOENT | Errno::NOTDIR => (Content::Absent, Seen::Absent),
        _ => {
            let seen = match rustix::fs::stat(path) {
                Ok(stat) => Seen::Present { mtime: mtime(&stat), real: None, readable: false, settled: true },
                Err(_) => Seen::Unwatchable,
            };
            let why = match errno {
                Errno::ACCESS | Errno::PERM => "can't be read: permission denied".into(),
                Errno::LOOP => "is a loop of symbolic links".into(),
                Errno::NXIO => "is a socket or a device".into(),
                other => format!("can't be opened: {}", plain(&other.into())),
            };
            (Content::Unreadable(why), seen)
        }
    }
}

/// The system's own words for an error, without the number that Rust puts behind them.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}

fn kind_name(kind: FileType) -> &'static str {
    match kind {
        FileType::Directory => "a directory",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "no regular file",
    }
}

fn mtime(stat: &rustix::fs::Stat) -> Mtime {
    Mtime { secs: stat.st_mtime, nanos: u32::try_from(stat.st_mtime_nsec).unwrap_or(0) }
}

/// Whether a second write could no longer share this modification time.
fn settled(mtime: Mtime, now: SystemTime) -> bool {
    let Ok(secs) = u64::try_from(mtime.secs) else { return true };
    let written = UNIX_EPOCH + Duration::new(secs, mtime.nanos);
    let margin = if mtime.nanos == 0 { FRESH_COARSE } else { FRESH };
    // A time in the future is no fresh write but a wrong clock; waiting for it would cost an exec at every prompt.
    match now.duration_since(written) {
        Ok(age) => age >= margin,
        Err(ahead) => ahead.duration() >= margin,
    }
}

/// The session this process belongs to; `None` where its leader lives in another pid namespace, as under a supervisor
/// that made one: the kernel says 0 then.
#[allow(unsafe_code)] // getsid(2) has no precondition; rustix's takes that 0 for a bug
fn session() -> Option<u32> {
    u32::try_from(unsafe { libc::getsid(0) }).ok().filter(|session| *session > 0)
}

#[cfg(target_os = "linux")]
fn real_path(file: &impl std::os::fd::AsRawFd, asked: &Path) -> Option<PathBuf> {
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    let real = std::fs::read_link(link).ok()?;
    (real.as_os_str().as_bytes() != asked.as_os_str().as_bytes()).then_some(real)
}

#[cfg(not(target_os = "linux"))]
fn real_path(_file: &impl std::os::fd::AsFd, asked: &Path) -> Option<PathBuf> {
    let real = std::fs::canonicalize(asked).ok()?;
    (real.as_os_str().as_bytes() != asked.as_os_str().as_bytes()).then_some(real)
}
