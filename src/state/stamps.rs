//! Stamps: empty files whose modification time is a copy of a watched file's, to the nanosecond. A shell compares
//! the two with its builtin `-nt` and `-ot`, without a fork: equal means unchanged, whatever the clock says.
//!
//! A stamp is named by its time and never altered, so all shells share it and anybody may delete it (cost: one call).

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps};

use super::RunDir;
use crate::world::Mtime;

const DIR: &str = "stamps";

/// Above this many stamps, those that have not been made in the last day are dropped.
const CROWDED: usize = 1000;
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

impl RunDir {
    /// The path of a stamp with exactly this time, or `None` where none can be made (read-only, full, or a file
    /// system with coarser times).
    pub fn stamp(&self, mtime: Mtime) -> Option<PathBuf> {
        let name = format!("{}.{:09}", mtime.secs, mtime.nanos);
        let path = format!("{DIR}/{name}");
        if !self.is_stamp(&path, mtime) {
            let dir = self.subdir(DIR)?;
            let _ = rustix::fs::unlinkat(&dir, &name, AtFlags::empty());
            make(&dir, &name, mtime)?;
            if !self.is_stamp(&path, mtime) {
                return None;
            }
            sweep(&dir);
        }
        Some(self.path().join(path))
    }

    fn is_stamp(&self, path: &str, mtime: Mtime) -> bool {
        self.stat(path).is_some_and(|stat| {
            FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
                && stat.st_mtime == mtime.secs
                && u32::try_from(stat.st_mtime_nsec) == Ok(mtime.nanos)
        })
    }
}

fn make(dir: &OwnedFd, name: &str, mtime: Mtime) -> Option<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, Mode::RUSR | Mode::WUSR).ok()?;
    let time = Timespec { tv_sec: mtime.secs, tv_nsec: mtime.nanos.into() };
    rustix::fs::futimens(&file, &Timestamps { last_access: time, last_modification: time }).ok()
}

/// Drops old stamps when there are many. A shell that still uses one asks redtab once more.
fn sweep(dir: &OwnedFd) {
    let Ok(entries) = rustix::fs::Dir::read_from(dir) else { return };
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name().to_owned()).collect();
    if names.len() < CROWDED {
        return;
    }
    let Ok(now) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) else { return };
    for name in names {
        let made = rustix::fs::statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| stat.st_ctime);
        let old = |made: i64| u64::try_from(made).is_ok_and(|made| now.as_secs() > made + OLD.as_secs());
        if made.is_ok_and(old) {
            let _ = rustix::fs::unlinkat(dir, &name, AtFlags::empty());
        }
    }
}
