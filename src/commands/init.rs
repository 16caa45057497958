//! `redtab init SHELL`: prints the hook. Reads no file, so it can't hang a shell's start.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cli::Exit;
use crate::commands;
use crate::shell::Shell;
use crate::world::World;

/// Prints the hook for `shell`.
///
/// # Errors
/// When the path of this binary can't be known.
pub fn run(shell: Shell) -> Result<Exit> {
    let world = World::of_this_process();
    let binary = own_path(&world).context("the path of the redtab binary can't be found")?;
    commands::print(&shell.init(&binary))?;
    Ok(Exit::Yes)
}

/// The absolute path by which this binary was called; `None` when it can't be known.
pub fn own_path(world: &World) -> Option<PathBuf> {
    let called = std::env::args_os().next().map(PathBuf::from);
    binary_path(world, called.as_deref())
}

/// The absolute path by which this binary was found: a link in `~/.local/bin` stays that link, so that an upgrade
/// behind it is met. Relative entries of PATH are never trusted.
fn binary_path(world: &World, called: Option<&Path>) -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let same = |path: &Path| match (rustix::fs::stat(path), rustix::fs::stat(&own)) {
        (Ok(a), Ok(b)) => (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino),
        _ => false,
    };
    let called = called?;
    let found = if called.is_absolute() {
        Some(called.to_path_buf())
    } else if called.components().count() > 1 {
        world.cwd.as_ref().map(|cwd| cwd.join(called))
    } else {
        let path = world.var("PATH")?;
        std::env::split_paths(path)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(called))
            .find(|p| same(p))
    };
    Some(found.filter(|path| same(path)).unwrap_or(own))
}
