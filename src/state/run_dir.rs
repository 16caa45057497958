//! The run directory: opened once, refused unless it is ours alone. Never in /tmp, never found by
//! `$XDG_RUNTIME_DIR` (su, cron and services disagree about it), never created under a home that is another
//! user's (`sudo -s` keeps HOME).

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::process::Pid;

use crate::world::{World, plain};

/// An open run directory: `/run/user/UID/redtab` where that parent is ours, else `redtab/run` under the state
/// directory.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    fd: OwnedFd,
}

impl RunDir {
    /// Opens the run directory, making it (mode 0700) where it is missing.
    ///
    /// # Errors
    /// Why there is none, as a sentence; prompt and guard go on without it.
    pub fn open(world: &World) -> Result<RunDir, String> {
        let path = RunDir::place(world).ok_or("no run directory: HOME is not set to an absolute path")?;
        let fd = open_or_make(&path, world.uid)
            .map_err(|why| format!("no run directory at {}: {why}", path.display()))?;
        Ok(RunDir { path, fd })
    }

    /// Where it lies, or would lie; `None` where nobody can say.
    pub fn place(world: &World) -> Option<PathBuf> {
        place(world)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open directory itself.
    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Opens a directory of ours inside the run directory, making it where it is missing.
    pub(super) fn subdir(&self, name: &str) -> Option<OwnedFd> {
        match open_dir(&self.fd, name) {
            Err(Errno::NOENT) => {
                // Another shell may have made it meanwhile: of tabs that open together each is the first.
                let made = rustix::fs::mkdirat(&self.fd, name, Mode::RWXU);
                made.or_else(|errno| if errno == Errno::EXIST { Ok(()) } else { Err(errno) }).ok()?;
                open_dir(&self.fd, name).ok()
            }
            opened => opened.ok(),
        }
    }

    /// What lies at `path` inside the run directory; a link is not followed at its end.
    pub(super) fn stat(&self, path: &str) -> Option<Stat> {
        rustix::fs::statat(&self.fd, path, AtFlags::SYMLINK_NOFOLLOW).ok()
    }

    /// Opens a file inside the run directory for reading; a link is not followed at its end.
    pub(super) fn open_file(&self, path: &str) -> Option<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, path, flags, Mode::empty()).ok()
    }

    /// Opens a directory inside the run directory if it is there.
    pub(super) fn existing(&self, name: &str) -> Option<OwnedFd> {
        open_dir(&self.fd, name).ok()
    }

    /// The file through which a shell may read what its own builtins print (bash can't capture that without a fork, and
    /// fish not without waking threads). `None` where it can't be made.
    pub fn scratch(&self, pid: u32) -> Option<PathBuf> {
        const DIR: &str = "shells";
        if !self.stat(DIR).is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory) {
            self.subdir(DIR)?;
        }
        let file = self.path.join(DIR).join(pid.to_string());
        if rustix::fs::lstat(&file).is_err() {
            // A new shell: what those that have ended left behind can go.
            self.sweep_shells(DIR);
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            rustix::fs::open(&file, flags, Mode::RUSR | Mode::WUSR).ok()?;
        }
        Some(file)
    }

    /// Whether what is written here stays in memory, and there is room for it. Where that can't be told, it does not.
    pub fn is_in_memory(&self) -> bool {
        const TMPFS: i64 = 0x0102_1994;
        const ROOM: u64 = 64;
        #[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
        // the fields' types differ between platforms
        rustix::fs::fstatfs(&self.fd).is_ok_and(|stat| {
            // One without a limit has no blocks at all.
            stat.f_type as i64 == TMPFS && (stat.f_blocks as u64 == 0 || stat.f_bavail as u64 >= ROOM)
        })
    }

    fn sweep_shells(&self, dir: &str) {
        let Some(dir) = self.subdir(dir) else { return };
        let Ok(entries) = rustix::fs::Dir::read_from(&dir) else { return };
        for entry in entries.flatten() {
            let pid =
                entry.file_name().to_str().ok().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
            if pid.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(Errno::SRCH)) {
                let _ = rustix::fs::unlinkat(&dir, entry.file_name(), AtFlags::empty());
            }
        }
    }
}

fn place(world: &World) -> Option<PathBuf> {
    if let Some(dir) = world.var("REDTAB_RUN_DIR").map(PathBuf::from) {
        return dir.is_absolute().then_some(dir);
    }
    let runtime = PathBuf::from(format!("/run/user/{}", world.uid));
    if rustix::fs::lstat(&runtime).is_ok_and(|s| s.st_uid == world.uid && s.st_mode & 0o170_000 == 0o040_000)
    {
        return Some(runtime.join("redtab"));
    }
    let state = world
        .var("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
        .or_else(|| Some(world.home()?.join(".local/state")))?;
    Some(state.join("redtab/run"))
}

/// Opens a directory of ours that is closed to others, making it where it is missing.
pub(super) fn open_or_make(path: &Path, uid: u32) -> Result<OwnedFd, String> {
    let fd = match open_dir(CWD, path) {
        Err(Errno::NOENT) => {
            make(path, uid)?;
            open_dir(CWD, path)
        }
        opened => opened,
    };
    fd.map_err(|errno| plain(&errno.into())).and_then(|fd| ours(fd, uid))
}

/// Makes `path`, which is missing, and its missing parents, provided that the nearest parent that exists is ours.
fn make(path: &Path, uid: u32) -> Result<(), String> {
    let above = path.ancestors().skip(1).find_map(|dir| rustix::fs::stat(dir).ok());
    if above.is_none_or(|stat| stat.st_uid != uid) {
        return Err("its parent is not ours".into());
    }
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| plain(&error))
}

fn open_dir(at: impl AsFd, path: impl rustix::path::Arg) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(at, path, flags, Mode::empty())
}

fn ours(dir: OwnedFd, uid: u32) -> Result<OwnedFd, String> {
    let stat = rustix::fs::fstat(&dir).map_err(|errno| plain(&errno.into()))?;
    if stat.st_uid != uid {
        return Err("it belongs to another user".into());
    }
    if stat.st_mode & 0o077 != 0 {
        rustix::fs::fchmod(&dir, Mode::RWXU).map_err(|errno| plain(&errno.into()))?;
    }
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn of_many_that_need_a_directory_at_once_each_has_it() {
        let home = tempfile::tempdir().unwrap();
        let world = World {
            vars: vec![("REDTAB_RUN_DIR".into(), home.path().join("run").into())],
            cwd: None,
            uid: rustix::process::getuid().as_raw(),
        };
        let run_dir = RunDir::open(&world).unwrap();
        for round in 0..200 {
            let (name, start) = (format!("dir-{round}"), Barrier::new(4));
            let all = std::thread::scope(|scope| {
                let one = || {
                    start.wait();
                    run_dir.subdir(&name).is_some()
                };
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
                threads.into_iter().all(|thread| thread.join().unwrap())
            });
            assert!(all, "{name}");
        }
    }
}
