//! Small files of ours: read only when they are regular, ours and closed to others; replaced whole or not at all.

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{AtFlags, Mode, OFlags};

use crate::world::World;

/// The bytes of `name` in `dir`, at most `cap`; `None` when it is not there or can't be trusted.
pub fn read(dir: impl AsFd, name: &str, uid: u32, cap: usize) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, Mode::empty()).ok()?;
    if !is_ours(&file, uid) {
        return None;
    }
    let mut bytes = Vec::new();
    std::fs::File::from(file).take(cap as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= cap).then_some(bytes)
}

/// Whether an open file is regular, belongs to `uid` and is closed to everybody else.
pub fn is_ours(file: &OwnedFd, uid: u32) -> bool {
    rustix::fs::fstat(file).is_ok_and(|stat| {
        stat.st_mode & 0o170_000 == 0o100_000 && stat.st_uid == uid && stat.st_mode & 0o077 == 0
    })
}

/// What tells that a name leads to the same file, which holds the same: inode, and the time it was written.
pub type Stamp = (u64, i64, i64);

/// The stamp of what lies there; `None` where another change could still share its time, in whatever steps the file
/// system counts.
pub fn stamp(stat: &rustix::fs::Stat, world: &World) -> Option<Stamp> {
    let stamp = loose_stamp(stat);
    let margin = Duration::from_millis(if stamp.2 == 0 { 2000 } else { 20 });
    let written = u64::try_from(stamp.1).ok().zip(u32::try_from(stamp.2).ok());
    let written = UNIX_EPOCH + written.map(|(secs, nanos)| Duration::new(secs, nanos))?;
    world.now().duration_since(written).is_ok_and(|age| age >= margin).then_some(stamp)
}

/// The same whenever it was written.
#[allow(clippy::unnecessary_cast)] // the field's type differs between platforms
pub fn loose_stamp(stat: &rustix::fs::Stat) -> Stamp {
    (stat.st_ino, stat.st_mtime, stat.st_mtime_nsec as i64)
}

/// Takes the lock of this name in `dir`, if it can be had at once or soon.
pub fn lock(dir: impl AsFd, name: &str) -> Option<std::fs::File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, Mode::RUSR | Mode::WUSR).ok()?;
    let file = std::fs::File::from(file);
    for _ in 0..200 {
        if file.try_lock().is_ok() {
            return Some(file);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}

/// Puts `bytes` in the place of `name` in `dir`, mode 0600.
///
/// # Errors
/// What the system says; then the old file is still there.
pub fn replace(dir: impl AsFd, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let fresh = format!("{name}.{}", std::process::id());
    let _ = rustix::fs::unlinkat(&dir, &fresh, AtFlags::empty());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&dir, &fresh, flags, Mode::RUSR | Mode::WUSR)?;
    let done = std::fs::File::from(file)
        .write_all(bytes)
        .and_then(|()| Ok(rustix::fs::renameat(&dir, &fresh, &dir, name)?));
    if done.is_err() {
        let _ = rustix::fs::unlinkat(&dir, &fresh, AtFlags::empty());
    }
    done
}
