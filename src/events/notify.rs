//! The events of other systems, by the `notify` library, whose thread wakes by a pipe.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// More changes than this are one: that some were lost.
const MOST: usize = 1000;

#[derive(Debug, Default)]
struct Heard {
    paths: Vec<PathBuf>,
    /// Something was heard that does not say of what, or too much to be kept.
    lost: bool,
}

/// Directories, and what was heard from them.
#[derive(Debug)]
pub struct Events {
    wake: OwnedFd,
    heard: Arc<Mutex<Heard>>,
    /// With what tells each from another one that lies in its place later.
    watched: BTreeMap<PathBuf, (u64, u64)>,
    watcher: RecommendedWatcher,
}

impl Events {
    /// `None` where the system has no events for us.
    pub fn start() -> Option<Events> {
        // The library takes it for granted that its thread can be started, and panics later where it can't.
        std::thread::Builder::new().spawn(|| ()).ok()?.join().ok()?;
        let (wake, write) = std::io::pipe().ok()?;
        let (wake, write) = (OwnedFd::from(wake), OwnedFd::from(write));
        rustix::io::ioctl_fionbio(&wake, true).ok()?;
        rustix::io::ioctl_fionbio(&write, true).ok()?;
        let heard = Arc::new(Mutex::new(Heard::default()));
        let into = Arc::clone(&heard);
        let told = move |event: notify::Result<notify::Event>| {
            let Ok(mut heard) = into.lock() else { return };
            match event {
                Ok(event) if event.kind.is_access() => return,
                Ok(event) if !event.need_rescan() && heard.paths.len() < MOST => {
                    heard.paths.extend(event.paths);
                }
                _ => heard.lost = true,
            }
            // A full pipe wakes as well as one byte more would.
            let _ = rustix::io::write(&write, b".");
        };
        let watcher = notify::recommended_watcher(told).ok()?;
        Some(Events { wake, heard, watched: BTreeMap::new(), watcher })
    }

    /// Readable when something was heard.
    pub fn wake(&self) -> &OwnedFd {
        &self.wake
    }

    /// Whether a directory is watched from now on.
    pub fn watch(&mut self, directory: &Path) -> bool {
        let Some(identity) = identity(directory) else { return false };
        let watched = self.watcher.watch(directory, RecursiveMode::NonRecursive).is_ok();
        if watched {
            self.watched.insert(directory.to_path_buf(), identity);
        }
        watched
    }

    /// Leaves a directory alone again.
    pub fn unwatch(&mut self, directory: &Path) {
        self.watched.remove(directory);
        let _ = self.watcher.unwatch(directory);
    }

    /// Takes in what was heard: whether any of it `matters`, and the directories that are no longer there to be watched.
    pub fn drain(&mut self, matters: impl Fn(&Path) -> bool) -> (bool, Vec<PathBuf>) {
        let mut buffer = [0; 64];
        while let Ok(1..) = rustix::io::read(&self.wake, &mut buffer) {}
        let heard = self.heard.lock().map(|mut heard| std::mem::take(&mut *heard)).unwrap_or_default();
        let any = heard.lost || heard.paths.iter().any(|path| matters(path));
        if !heard.lost && heard.paths.is_empty() {
            return (any, Vec::new());
        }
        let is_gone = |(path, known): &(&PathBuf, &(u64, u64))| identity(path) != Some(**known);
        let gone: Vec<PathBuf> = self.watched.iter().filter(is_gone).map(|(path, _)| path.clone()).collect();
        for directory in &gone {
            self.unwatch(directory);
        }
        (any || !gone.is_empty(), gone)
    }
}

/// What tells a directory from another one of its name; `None` when it is not there.
fn identity(directory: &Path) -> Option<(u64, u64)> {
    let meta = std::fs::metadata(directory).ok().filter(std::fs::Metadata::is_dir)?;
    Some((meta.dev(), meta.ino()))
}
