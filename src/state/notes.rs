//! Notes about a tab, one small file each: `painted/KEY` says what its terminal shows, `sessions/KEY` that a session to
//! production may still be open in it. That a note is there or not is what prompts watch, so a shell learns of what a
//! child that was killed left behind.

use std::path::PathBuf;

use rustix::fs::AtFlags;
use rustix::io::Errno;
use rustix::process::Pid;

use super::{RunDir, files};
use crate::world::World;

const CAP: usize = 4096;

/// Which note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// Four lines: the mark's text, its colour, `title` where titles are set, what stands before a title. Empty ones where
    /// somebody else may have painted.
    Painted,
    /// When the first of them began, in clock ticks since boot; nothing where only the shell said that it has jobs.
    Sessions,
}

impl Note {
    /// Its directory in the run directory.
    pub fn directory(self) -> &'static str {
        match self {
            Note::Painted => "painted",
            Note::Sessions => "sessions",
        }
    }
}

impl RunDir {
    /// Where the note about the tab with this key lies, whether it is there or not.
    pub fn note_path(&self, note: Note, key: &str) -> PathBuf {
        self.path().join(note.directory()).join(key)
    }

    /// What a note says; `None` when there is none of ours.
    pub fn note(&self, note: Note, key: &str, uid: u32) -> Option<String> {
        let bytes = files::read(self.existing(note.directory())?, key, uid, CAP)?;
        String::from_utf8(bytes).ok()
    }

    /// Leaves a note; whether it is there now.
    pub fn leave_note(&self, note: Note, key: &str, text: &str) -> bool {
        let Some(dir) = self.subdir(note.directory()) else { return false };
        self.sweep_notes(note);
        files::replace(&dir, key, text.as_bytes()).is_ok()
    }

    /// Notes that what is started from now on in this tab may be a session, and may lose its terminal: `ssh -f`.
    pub fn expect_sessions(&self, key: &str, world: &World) {
        let earlier = self.note(Note::Sessions, key, world.uid).filter(|text| !text.is_empty());
        let now = world.started(std::process::id()).map(|ticks| ticks.to_string());
        self.leave_note(Note::Sessions, key, &earlier.or(now).unwrap_or_default());
    }

    /// Takes a note away.
    pub fn drop_note(&self, note: Note, key: &str) {
        if let Some(dir) = self.existing(note.directory()) {
            let _ = rustix::fs::unlinkat(&dir, key, AtFlags::empty());
        }
    }

    /// Notes about tabs whose session leader is gone can go.
    fn sweep_notes(&self, note: Note) {
        let Some(dir) = self.existing(note.directory()) else { return };
        let Ok(entries) = rustix::fs::Dir::read_from(&dir) else { return };
        for entry in entries.flatten().take(1000) {
            // TTY-SESSION-STARTED-BOOT, in hexadecimal.
            let session = entry.file_name().to_str().ok().and_then(|name| name.split('-').nth(1));
            let pid = session.and_then(|hex| i32::from_str_radix(hex, 16).ok()).and_then(Pid::from_raw);
            if pid.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(Errno::SRCH)) {
                let _ = rustix::fs::unlinkat(&dir, entry.file_name(), AtFlags::empty());
            }
        }
    }
}
