//! The state directory: `redtab` under `$XDG_STATE_HOME` (`~/.local/state`), or `$REDTAB_STATE_DIR`, for what outlives a
//! restart. Refused
//! unless it is ours alone, and never made under a home that is another user's.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};

use super::run_dir::open_or_make;
use crate::world::World;

/// An open state directory.
#[derive(Debug)]
pub struct StateDir {
    pub(super) fd: OwnedFd,
    pub(super) uid: u32,
}

impl StateDir {
    /// Opens it, making it (mode 0700) where it is missing.
    ///
    /// # Errors
    /// Why there is none, as a sentence.
    pub fn open(world: &World) -> Result<StateDir, String> {
        let path = place(world).ok_or("HOME is not set to an absolute path")?;
        let fd = open_or_make(&path, world.uid).map_err(|why| format!("{}: {why}", path.display()))?;
        Ok(StateDir { fd, uid: world.uid })
    }

    /// Where it is, or would be.
    pub fn place(world: &World) -> Option<PathBuf> {
        place(world)
    }

    pub(super) fn subdir(&self, name: &str) -> Option<OwnedFd> {
        let _ = rustix::fs::mkdirat(&self.fd, name, Mode::RWXU);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, name, flags, Mode::empty()).ok()
    }
}

fn place(world: &World) -> Option<PathBuf> {
    let absolute = |name| world.var(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
    if let Some(dir) = absolute("REDTAB_STATE_DIR") {
        return Some(dir);
    }
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(world.home()?.join(".local/state")))?;
    Some(state.join("redtab"))
}
