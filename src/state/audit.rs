//! The audit trail: one JSON object a line in `audit.jsonl`, appended with one write under a lock, so that concurrent
//! writers lose nothing. At 10 MB the file becomes `audit.jsonl.1`. It keeps no line a person typed unless the
//! configuration says so, and never one typed with a leading space.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use serde_json::{Value, json};

use super::{StateDir, files};

/// The file's name in the state directory, and the one it gets when it is full.
pub const FILE: &str = "audit.jsonl";
pub const OLD_FILE: &str = "audit.jsonl.1";

const FULL: u64 = 10 * 1000 * 1000;

/// A writer holds the lock for one write; whoever waits longer writes all the same, in one append.
const PATIENCE: Duration = Duration::from_millis(500);

/// One record, less what every record has (time, tab, uid, pid).
#[derive(Clone, Debug, Default)]
pub struct Record<'r> {
    /// `warn confirm yes refused block run-here flag meant lease lease-end close`.
    pub decision: &'r str,
    pub rule: &'r str,
    pub target: &'r str,
    /// What would run, without secrets.
    pub what: &'r str,
    pub reason: &'r str,
    /// The line, where it may be kept.
    pub line: Option<&'r str>,
}

/// Who acts, and when.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    /// RFC 3339 with offset.
    pub time: String,
    pub tab: Option<String>,
    pub uid: u32,
    /// The shell's process id, or that of whoever called.
    pub pid: u32,
}

impl Record<'_> {
    /// The record as one line of JSON, with its newline.
    pub fn text(&self, actor: &Actor) -> String {
        let program = self.what.split_whitespace().next().unwrap_or_default();
        let mut record = json!({
            "time": actor.time,
            "decision": self.decision,
            "program": program,
            "what": self.what,
            "rule": self.rule,
            "target": self.target,
            "reason": self.reason,
            "tab": actor.tab,
            "uid": actor.uid,
            "pid": actor.pid,
        });
        if let (Some(line), Value::Object(fields)) = (self.line, &mut record) {
            fields.insert("line".into(), line.into());
        }
        // JSON spells control characters out, so a record is one line whatever it holds. The second control block
        // and line separators are no control characters to JSON but may be to a terminal.
        let mut out = String::new();
        for c in record.to_string().chars() {
            match c {
                '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => out += &format!("\\u{:04x}", c as u32),
                c => out.push(c),
            }
        }
        out + "\n"
    }
}

impl StateDir {
    /// Appends a record.
    ///
    /// # Errors
    /// What the system says; the trail is then as it was.
    pub fn record(&self, record: &Record, actor: &Actor) -> std::io::Result<()> {
        let mut trail = self.open_trail()?;
        if trail.is_held && trail.file.seek(SeekFrom::End(0))? >= FULL {
            rustix::fs::renameat(&self.fd, FILE, &self.fd, OLD_FILE)?;
            trail = self.open_trail()?;
        }
        let before = trail.file.seek(SeekFrom::End(0))?;
        let text = record.text(actor);
        match trail.file.write(text.as_bytes())? {
            written if written == text.len() => Ok(()),
            _ => {
                // Half a record would spoil the next one as well. Without the lock another one may stand behind it.
                if trail.is_held {
                    let _ = trail.file.set_len(before);
                }
                Err(std::io::ErrorKind::StorageFull.into())
            }
        }
    }

    /// The trail's text, the older file first.
    pub fn trail(&self) -> String {
        let mut text = String::new();
        for name in [OLD_FILE, FILE] {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let Ok(file) = rustix::fs::openat(&self.fd, name, flags, Mode::empty()) else { continue };
            if !files::is_ours(&file, self.uid) {
                continue;
            }
            let mut bytes = Vec::new();
            if File::from(file).take(2 * FULL).read_to_end(&mut bytes).is_ok() {
                text += &String::from_utf8_lossy(&bytes);
            }
        }
        text
    }

    /// The file, opened for appending; held, it is locked and the one that is there now, not one that was just renamed.
    fn open_trail(&self) -> std::io::Result<Trail> {
        let end = Instant::now() + PATIENCE;
        loop {
            let flags = OFlags::RDWR
                | OFlags::APPEND
                | OFlags::CREATE
                | OFlags::NOFOLLOW
                | OFlags::NONBLOCK
                | OFlags::CLOEXEC;
            let file = rustix::fs::openat(&self.fd, FILE, flags, Mode::RUSR | Mode::WUSR)?;
            if !files::is_ours(&file, self.uid) {
                return Err(std::io::Error::other("audit.jsonl is not this user's alone"));
            }
            let opened = rustix::fs::fstat(&file)?.st_ino;
            let file = File::from(file);
            while let Err(TryLockError::WouldBlock) = file.try_lock() {
                if Instant::now() >= end {
                    return Ok(Trail { file, is_held: false });
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            let there = rustix::fs::statat(&self.fd, FILE, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
            let is_held = there.is_ok_and(|stat| stat.st_ino == opened);
            if is_held || Instant::now() >= end {
                return Ok(Trail { file, is_held });
            }
        }
    }
}

/// The trail's file. Who does not hold it may append to it, and do nothing else: what another writes there would be lost.
struct Trail {
    file: File,
    is_held: bool,
}
