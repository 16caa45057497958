//! The last good copy of each configuration file: what stays in force while the file itself has an error.

use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};

use super::RunDir;
use crate::config::layers::Kept;
use crate::config::{FILE_CAP, LastGood};

const DIR: &str = "config";

impl LastGood for RunDir {
    fn get(&self, path: &Path) -> Option<Kept> {
        let file = self.open_file(&format!("{DIR}/{}", name(path)))?;
        let file = std::fs::File::from(file);
        let at = file.metadata().ok().filter(|meta| meta.is_file())?.modified().ok()?;
        let mut bytes = Vec::new();
        file.take(FILE_CAP as u64 + 1).read_to_end(&mut bytes).ok()?;
        (bytes.len() <= FILE_CAP).then_some(Kept { bytes, at })
    }

    fn keep(&self, path: &Path, bytes: &[u8]) {
        if self.get(path).is_some_and(|kept| kept.bytes == bytes) {
            return;
        }
        // A copy that could not be written whole must not replace a good one.
        let _ = self.replace(&name(path), bytes);
    }
}

impl RunDir {
    fn replace(&self, name: &str, bytes: &[u8]) -> Option<()> {
        let dir = self.subdir(DIR)?;
        let fresh = format!("{name}.{}", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&dir, &fresh, flags, Mode::RUSR | Mode::WUSR).ok()?;
        let written = std::fs::File::from(file).write_all(bytes).is_ok();
        let replaced = written && rustix::fs::renameat(&dir, &fresh, &dir, name).is_ok();
        if !replaced {
            let _ = rustix::fs::unlinkat(&dir, &fresh, AtFlags::empty());
        }
        replaced.then_some(())
    }
}

/// A file name for a path: its FNV-1a hash. Two paths that meet in one would only share a copy.
fn name(path: &Path) -> String {
    let hash = path.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}")
}
