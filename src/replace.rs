//! One file replaced as a whole: a reader sees the old bytes or the new ones, whatever happens in between. What it
//! refuses: to write through a file that is read-only or that changed since it was read, and to lose its mode or owner.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, FlockOperation, Gid, Mode, OFlags, Uid};

use crate::world::{Content, World, plain};

/// Symbolic links that are followed from one name, as many as Linux follows.
const LINKS: usize = 40;

/// Why a file was not replaced. It is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Somebody else wrote it meanwhile.
    Changed,
    /// As the end of a sentence that begins with the path: `is read-only`.
    Failed(String),
}

/// Puts `after` in the place of `before`, which is what the caller read (`None`: there was no file). Symbolic links are
/// followed, directories made where they are missing.
///
/// # Errors
/// Why not; nothing is lost then.
pub fn replace(world: &World, path: &Path, before: Option<&[u8]>, after: &[u8]) -> Result<(), Refusal> {
    let real = resolve(path)?;
    let parent = real.parent().ok_or_else(|| Refusal::Failed("is no file".into()))?;
    make_directory(parent)?;
    let directory = open_directory(parent)?;
    // Two at once take turns; where a file system knows no locks, the comparison below is what is left.
    let _ = rustix::fs::flock(&directory, FlockOperation::LockExclusive);
    let same = match (world.read(&real).0, before) {
        (Content::Absent, None) => true,
        (Content::Bytes(now), Some(before)) => now == before,
        (Content::Unreadable(why), _) => return Err(Refusal::Failed(why)),
        _ => false,
    };
    if !same {
        return Err(Refusal::Changed);
    }
    let old = std::fs::metadata(&real).ok();
    if old.is_some() && rustix::fs::access(&real, Access::WRITE_OK).is_err() {
        return Err(Refusal::Failed("is read-only".into()));
    }
    let fresh = fresh_name(&real);
    let written = write(&fresh, old.as_ref(), after)
        .and_then(|()| std::fs::rename(&fresh, &real).map_err(|error| failed("can't be written", &error)));
    if written.is_err() {
        let _ = std::fs::remove_file(&fresh);
    }
    written?;
    let _ = rustix::fs::fsync(&directory);
    Ok(())
}

/// The file that `path` stands for; it need not exist.
fn resolve(path: &Path) -> Result<PathBuf, Refusal> {
    let mut real = path.to_path_buf();
    for _ in 0..LINKS {
        match std::fs::read_link(&real) {
            Ok(target) => real = real.parent().unwrap_or(Path::new("/")).join(target),
            Err(_) => return Ok(real),
        }
    }
    Err(Refusal::Failed("is a loop of symbolic links".into()))
}

fn make_directory(directory: &Path) -> Result<(), Refusal> {
    let mut builder = std::fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(directory);
    made.map_err(|error| failed("can't be written: its directory can't be made", &error))
}

fn open_directory(directory: &Path) -> Result<OwnedFd, Refusal> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(directory, flags, Mode::empty())
        .map_err(|errno| failed("can't be written: its directory can't be opened", &errno.into()))
}

/// A name beside the file, where a rename is atomic.
fn fresh_name(real: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(real.file_name().unwrap_or_default());
    name.push(format!(".redtab-{}", std::process::id()));
    real.with_file_name(name)
}

fn write(fresh: &Path, old: Option<&Metadata>, bytes: &[u8]) -> Result<(), Refusal> {
    let error = |error: std::io::Error| failed("can't be written", &error);
    let mode = if old.is_some() { 0o600 } else { 0o666 };
    // One that is there already was left behind by a process of this number that died.
    let _ = std::fs::remove_file(fresh);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(fresh).map_err(error)?;
    file.write_all(bytes).map_err(error)?;
    if let Some(old) = old {
        keep_owner(&file, old)?;
        file.set_permissions(PermissionsExt::from_mode(old.mode() & 0o7777)).map_err(error)?;
    }
    file.sync_all().map_err(error)
}

fn keep_owner(file: &File, old: &Metadata) -> Result<(), Refusal> {
    let new = file.metadata().map_err(|error| failed("can't be written", &error))?;
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    rustix::fs::fchown(file, Some(Uid::from_raw(old.uid())), Some(Gid::from_raw(old.gid()))).map_err(|_| {
        let (uid, gid) = (old.uid(), old.gid());
        Refusal::Failed(format!("belongs to uid {uid}, gid {gid}, and replacing it would change that"))
    })
}

fn failed(what: &str, error: &std::io::Error) -> Refusal {
    Refusal::Failed(format!("{what}: {}", plain(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_and_the_mode_is_kept() {
        let dir = tempfile::TempDir::new().unwrap();
        let world = World::of_this_process();
        let (link, real) = (dir.path().join("a/link"), dir.path().join("b/c/real"));
        std::fs::create_dir(dir.path().join("a")).unwrap();
        std::os::unix::fs::symlink("../b/c/real", &link).unwrap();
        replace(&world, &link, None, b"one").unwrap();
        std::fs::set_permissions(&real, PermissionsExt::from_mode(0o640)).unwrap();
        assert_eq!(replace(&world, &link, Some(b"none"), b"two"), Err(Refusal::Changed));
        assert_eq!(replace(&world, &link, None, b"two"), Err(Refusal::Changed));
        replace(&world, &link, Some(b"one"), b"two").unwrap();
        assert_eq!(std::fs::read(&real).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&real).unwrap().mode() & 0o7777, 0o640);
        assert!(std::fs::read_link(&link).is_ok());
        assert_eq!(std::fs::read_dir(real.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_loop_ends() {
        let dir = tempfile::TempDir::new().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::os::unix::fs::symlink(&a, &b).unwrap();
        std::os::unix::fs::symlink(&b, &a).unwrap();
        let refused = replace(&World::of_this_process(), &a, None, b"");
        assert_eq!(refused, Err(Refusal::Failed("is a loop of symbolic links".into())));
    }
}
