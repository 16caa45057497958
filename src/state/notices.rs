//! Notices: `notice/KEY`, one line of text for the next prompt of the tab with this key. Written by the watcher, taken away by
//! the prompt that shows it. A notice that is not ours alone is not shown.

use rustix::fs::AtFlags;

use super::{RunDir, files};

const DIR: &str = "notice";

/// A longer notice is none.
const CAP: usize = 4096;

/// More waiting than this are dropped: a tab that is not used does not collect them.
const WAITING: usize = 3;

impl RunDir {
    /// Leaves a line for a tab's next prompt, behind those that wait there.
    ///
    /// # Errors
    /// What the system says; the notice is lost then.
    pub fn leave_notice(&self, key: &str, text: &str, uid: u32) -> std::io::Result<()> {
        let dir = self.subdir(DIR).ok_or(std::io::ErrorKind::NotADirectory)?;
        let waiting = files::read(&dir, key, uid, CAP).unwrap_or_default();
        let waiting = String::from_utf8_lossy(&waiting).into_owned();
        let line = text.replace(char::is_control, " ");
        let mut lines: Vec<&str> = waiting.lines().filter(|old| *old != line).collect();
        lines.push(&line);
        let from = lines.len().saturating_sub(WAITING);
        files::replace(&dir, key, (lines[from..].join("\n") + "\n").as_bytes())
    }

    /// Takes what waits for a tab.
    pub fn take_notice(&self, key: &str, uid: u32) -> Option<String> {
        let dir = self.existing(DIR)?;
        let bytes = files::read(&dir, key, uid, CAP);
        if bytes.is_some() {
            let _ = rustix::fs::unlinkat(&dir, key, AtFlags::empty());
        }
        let text = String::from_utf8_lossy(&bytes?).trim_end().to_string();
        (!text.is_empty()).then_some(text)
    }
}
