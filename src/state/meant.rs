//! Which unflagged scripts are meant for production: remembered by where they are and what they say, so that each is
//! asked about once, and again when its text changes.

use std::os::unix::ffi::OsStrExt;

use super::{StateDir, digest, files};
use crate::guard::decide::Script;

const CAP: usize = 256;

impl StateDir {
    /// Whether this very text in this very place is known to be meant for production.
    pub fn is_meant(&self, script: &Script) -> bool {
        let Some(dir) = self.subdir("meant") else { return false };
        files::read(&dir, &name(script), self.uid, CAP).is_some_and(|known| known == content(script))
    }

    /// Remembers it.
    ///
    /// # Errors
    /// What the system says; then it will be asked about again.
    pub fn remember_meant(&self, script: &Script) -> std::io::Result<()> {
        let dir = self.subdir("meant").ok_or(std::io::ErrorKind::NotADirectory)?;
        files::replace(&dir, &name(script), &content(script))
    }
}

fn name(script: &Script) -> String {
    let mut key = script.path.as_os_str().as_bytes().to_vec();
    key.push(0);
    key.extend(script.task.as_bytes());
    digest(&key)
}

fn content(script: &Script) -> Vec<u8> {
    format!("1 {}\n", script.content).into_bytes()
}
