//! The file system's events: that something of a name has changed in one of some directories. What it refuses: to say
//! what changed; who hears of something looks for himself.

#[cfg(all(target_os = "linux", not(feature = "without-proc")))]
#[path = "events/inotify.rs"]
mod system;
#[cfg(any(not(target_os = "linux"), feature = "without-proc"))]
#[path = "events/notify.rs"]
mod system;

pub use system::Events;

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::time::{Duration, Instant};

    use super::*;

    /// What is heard until something of this file is; it may take a moment.
    fn until(events: &mut Events, file: &Path) -> Vec<PathBuf> {
        let heard = std::cell::RefCell::new(Vec::new());
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let note = |path: &Path| {
                heard.borrow_mut().push(path.to_path_buf());
                path == file
            };
            if events.drain(note).0 {
                return heard.into_inner();
            }
            assert!(Instant::now() < end, "nothing of {}: {heard:?}", file.display());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn changes_are_heard_and_what_only_reads_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let of = |name: &str| dir.path().join(name);
        let (file, last) = (of("a"), of("last"));
        std::fs::write(&file, "1").unwrap();
        let mut events = Events::start().unwrap();
        assert!(events.watch(dir.path()));
        assert_eq!(std::fs::read(&file).unwrap(), b"1");
        std::fs::write(&last, "").unwrap();
        assert!(!until(&mut events, &last).contains(&file), "a reader is not heard");
        std::fs::write(&file, "2").unwrap();
        until(&mut events, &file);
        std::fs::rename(&last, &file).unwrap();
        until(&mut events, &file);

        // Of what is left alone again nothing is heard.
        let other = tempfile::tempdir().unwrap();
        assert!(events.watch(other.path()));
        events.unwatch(dir.path());
        std::fs::write(other.path().join("first"), "").unwrap();
        until(&mut events, &other.path().join("first"));
        std::fs::write(&file, "3").unwrap();
        std::fs::write(other.path().join("b"), "").unwrap();
        assert!(!until(&mut events, &other.path().join("b")).contains(&file));
    }

    #[test]
    fn a_directory_that_goes_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        let mut events = Events::start().unwrap();
        for path in [&one, &other] {
            std::fs::create_dir(path).unwrap();
            assert!(events.watch(path));
        }
        std::fs::remove_dir(&one).unwrap();
        std::fs::rename(&other, dir.path().join("moved")).unwrap();
        let mut gone = Vec::new();
        let end = Instant::now() + Duration::from_secs(20);
        while gone.len() < 2 {
            let (any, more) = events.drain(|_| false);
            assert_eq!(any, !more.is_empty());
            gone.extend(more);
            assert!(Instant::now() < end, "{gone:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(gone, [one, other.clone()]);
        assert!(!events.watch(&other));
        assert!(!events.watch(&dir.path().join("none")));
    }
}
