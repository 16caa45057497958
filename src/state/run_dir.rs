//! The run directory: opened once, refused unless it is ours alone. Never in /tmp, never found by
//! `$XDG_RUNTIME_DIR` (su, cron and services disagree about it), never created under a home that is another
//! user's (`sudo -s` keeps HOME).

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::world::World;

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
        let path = place(world).ok_or("no run directory: HOME is not set to an absolute path")?;
        make(&path, world.uid).map_err(|why| format!("no run directory at {}: {why}", path.display()))?;
        let dir =
            open_own(&path, world.uid).map_err(|why| format!("{} can't be used: {why}", path.display()))?;
        Ok(RunDir { path, fd: dir })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a directory of ours inside the run directory, making it where it is missing.
    pub(super) fn subdir(&self, name: &str) -> Option<OwnedFd> {
        let _ = rustix::fs::mkdirat(&self.fd, name, Mode::RWXU);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, name, flags, Mode::empty()).ok()
    }

    /// Opens a directory inside the run directory if it is there.
    pub(super) fn existing(&self, name: &str) -> Option<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, name, flags, Mode::empty()).ok()
    }

    /// The file a shell may use to list its exported names (bash can't capture a builtin's output without a fork).
    /// `None` where it can't be made.
    pub fn scratch(&self, pid: u32) -> Option<PathBuf> {
        self.subdir("shells")?;
        Some(self.path.join("shells").join(pid.to_string()))
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

/// Makes `path` and its missing parents, provided that the nearest parent that exists is ours.
pub(super) fn make(path: &Path, uid: u32) -> Result<(), String> {
    if rustix::fs::lstat(path).is_ok() {
        return Ok(());
    }
    let above = path.ancestors().skip(1).find_map(|dir| rustix::fs::stat(dir).ok());
    if above.is_none_or(|stat| stat.st_uid != uid) {
        return Err("its parent is not ours".into());
    }
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| crate::world::plain(&error))
}

pub(super) fn open_own(path: &Path, uid: u32) -> Result<OwnedFd, String> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| crate::world::plain(&e.into()))?;
    let stat = rustix::fs::fstat(&dir).map_err(|e| crate::world::plain(&e.into()))?;
    if stat.st_uid != uid {
        return Err("it belongs to another user".into());
    }
    if stat.st_mode & 0o077 != 0 {
        rustix::fs::fchmod(&dir, Mode::RWXU).map_err(|e| crate::world::plain(&e.into()))?;
    }
    Ok(dir)
}
