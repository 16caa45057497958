//! The events of Linux. The kernel is asked for changes alone, so that nobody is woken because a file was opened.

use std::collections::HashMap;
use std::ffi::{CStr, OsStr};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

/// Directories, and what was heard from them.
#[derive(Debug)]
pub struct Events {
    queue: OwnedFd,
    /// By the kernel's number; two paths may lead to one directory.
    watched: HashMap<i32, Vec<PathBuf>>,
}

impl Events {
    /// `None` where the system has no events for us.
    pub fn start() -> Option<Events> {
        let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok()?;
        Some(Events { queue, watched: HashMap::new() })
    }

    /// Readable when something was heard.
    pub fn wake(&self) -> &OwnedFd {
        &self.queue
    }

    /// Whether a directory is watched from now on.
    pub fn watch(&mut self, directory: &Path) -> bool {
        let changes = WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let Ok(number) = inotify::add_watch(&self.queue, directory, changes) else { return false };
        let paths = self.watched.entry(number).or_default();
        if !paths.iter().any(|known| known == directory) {
            paths.push(directory.to_path_buf());
        }
        true
    }

    /// Leaves a directory alone again.
    pub fn unwatch(&mut self, directory: &Path) {
        let queue = &self.queue;
        self.watched.retain(|number, paths| {
            let before = paths.len();
            paths.retain(|known| known != directory);
            if paths.is_empty() && before > 0 {
                let _ = inotify::remove_watch(queue, *number);
            }
            !paths.is_empty()
        });
    }

    /// Takes in what was heard: whether any of it `matters`, and the directories that are no longer there to be watched.
    pub fn drain(&mut self, matters: impl Fn(&Path) -> bool) -> (bool, Vec<PathBuf>) {
        let (mut any, mut gone) = (false, Vec::new());
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.queue, &mut buffer);
        while let Ok(event) = reader.next() {
            let flags = event.events();
            // Some were lost: any of them may have mattered.
            any |= flags.contains(ReadFlags::QUEUE_OVERFLOW);
            let number = event.wd();
            let name = event.file_name().map(CStr::to_bytes).map(OsStr::from_bytes);
            let paths = self.watched.get(&number).map(Vec::as_slice).unwrap_or_default();
            any = any
                || paths.iter().any(|directory| match name {
                    Some(name) => matters(&directory.join(name)),
                    None => matters(directory),
                });
            if flags.intersects(ReadFlags::IGNORED | ReadFlags::MOVE_SELF) {
                if flags.contains(ReadFlags::MOVE_SELF) {
                    let _ = inotify::remove_watch(&self.queue, number);
                }
                let lost = self.watched.remove(&number).unwrap_or_default();
                // Another one may lie in its place by now.
                any |= !lost.is_empty();
                gone.extend(lost);
            }
        }
        (any, gone)
    }
}
