//! A pseudo terminal with one program on it, driven by keys and read as bytes. It refuses to wait past a deadline and
//! to leave anything behind: what still runs in the program's session when it is dropped is killed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use crate::cli::Exit;
use crate::processes::Snapshot;

/// More output than this is not kept: its beginning goes.
const KEPT: usize = 256 * 1024;

/// How often the clock and the caller's condition are looked at.
const STEP: Duration = Duration::from_millis(20);

/// What shells ask a terminal, and what a plain one answers. fish 4 reads no key before it has its answer.
const ANSWERS: [(&[u8], &[u8]); 3] =
    [(b"\x1b[c", b"\x1b[?62;22c"), (b"\x1b[0c", b"\x1b[?62;22c"), (b"\x1b[6n", b"\x1b[1;1R")];

/// A program on a terminal of its own.
pub struct Terminal {
    master: File,
    child: Child,
    /// What it wrote, as far as it is kept.
    seen: Vec<u8>,
    ended: bool,
}

impl Terminal {
    /// Starts `program` with exactly these variables in `dir`, as the leader of a session on a new terminal of 40 lines
    /// and 200 columns.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(program: &[&OsStr], vars: &[(OsString, OsString)], dir: &Path) -> std::io::Result<Terminal> {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(OsStr::from_bytes(name.to_bytes()), flags, Mode::empty())?;
        let size = Winsize { ws_row: 40, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&slave, size)?;
        let stdio = |fd: &OwnedFd| fd.try_clone().map(Stdio::from);
        // The program's own process makes the session (`on-terminal`): between fork and exec only unsafe code could.
        let child = Command::new(std::env::current_exe()?)
            .arg("on-terminal")
            .args(program)
            .env_clear()
            .envs(vars.iter().map(|(name, value)| (name, value)))
            .current_dir(dir)
            .stdin(stdio(&slave)?)
            .stdout(stdio(&slave)?)
            .stderr(stdio(&slave)?)
            .spawn()?;
        Ok(Terminal { master: File::from(master), child, seen: Vec::new(), ended: false })
    }

    /// Types keys. A program that went away gets none.
    pub fn send(&mut self, keys: &str) {
        let _ = self.master.write_all(keys.as_bytes());
    }

    /// Reads until `done` says so; false when it never did before the deadline, or when the program is gone. `done` sees
    /// everything that was written so far.
    pub fn wait(&mut self, deadline: Instant, mut done: impl FnMut(&[u8]) -> bool) -> bool {
        loop {
            if done(&self.seen) {
                return true;
            }
            if self.ended || Instant::now() >= deadline {
                return false;
            }
            self.read_some();
        }
    }

    /// Reads until nothing came for `quiet`, at most until the deadline.
    pub fn settle(&mut self, quiet: Duration, deadline: Instant) {
        let mut last = (self.seen.len(), Instant::now());
        while !self.ended && Instant::now() < deadline && last.1.elapsed() < quiet {
            self.read_some();
            if self.seen.len() != last.0 {
                last = (self.seen.len(), Instant::now());
            }
        }
    }

    /// Everything it wrote so far, as far as it is kept.
    pub fn seen(&self) -> &[u8] {
        &self.seen
    }

    /// Forgets what it wrote.
    pub fn forget(&mut self) {
        self.seen.clear();
    }

    /// Whether the program is gone.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn read_some(&mut self) {
        let mut fds = [PollFd::new(&self.master, PollFlags::IN)];
        let step = Timespec { tv_sec: 0, tv_nsec: STEP.as_nanos().try_into().unwrap_or(1_000_000) };
        if !matches!(poll(&mut fds, Some(&step)), Ok(1)) {
            return;
        }
        let mut buffer = [0; 4096];
        match self.master.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => self.ended = true,
            Ok(count) => {
                let from = self.seen.len().saturating_sub(4);
                self.seen.extend(buffer.iter().take(count));
                self.answer(from);
                if self.seen.len() > KEPT {
                    self.seen.drain(..self.seen.len() - KEPT / 2);
                }
            }
        }
    }

    /// Answers questions that end behind the byte `from` (four bytes may be the beginning of one).
    fn answer(&mut self, from: usize) {
        let fresh = self.seen.get(from..).unwrap_or_default();
        let mut answers = Vec::new();
        for (question, answer) in ANSWERS {
            // One that ended before was answered before.
            let at = if from == 0 { 0 } else { 5usize.saturating_sub(question.len()) };
            let asked =
                fresh.get(at..).unwrap_or_default().windows(question.len()).filter(|w| *w == question);
            answers.extend(asked.flat_map(|_| answer));
        }
        if !answers.is_empty() {
            let _ = self.master.write_all(&answers);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let Some(leader) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return };
        // The members first: once the leader is reaped, its number may be another's.
        for pid in members(leader) {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        let _ = rustix::process::kill_process_group(leader, Signal::KILL);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processes of a session but its leader.
fn members(leader: Pid) -> Vec<Pid> {
    let session = leader.as_raw_nonzero().get();
    let all = Snapshot::take();
    let pids = all.pids().iter().filter_map(|pid| i32::try_from(*pid).ok());
    pids.filter(|pid| *pid != session && session_of(*pid) == session).filter_map(Pid::from_raw).collect()
}

/// The session that a process belongs to: 0 of the kernel's own, -1 of none.
#[allow(unsafe_code)] // getsid(2) has no precondition; rustix's takes that 0 for a bug
fn session_of(pid: i32) -> i32 {
    unsafe { libc::getsid(pid) }
}

/// `redtab on-terminal PROGRAM …`: becomes the leader of a new session whose terminal is stdin, then the program.
/// Returns only when that fails.
pub fn become_program(command: &[OsString]) -> Exit {
    let Some((program, args)) = command.split_first() else { return Exit::Usage };
    let ready = rustix::process::setsid().and_then(|_| rustix::process::ioctl_tiocsctty(std::io::stdin()));
    if ready.is_ok() {
        let _ = Command::new(program).args(args).exec();
    }
    Exit::Error
}
