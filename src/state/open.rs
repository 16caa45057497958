//! `connections.json`: every open connection with its idle time, written by the watcher when it was asked for a look or
//! has anything new to say; no prompt watches it. And the watcher's own two files: its lock, which says who holds it,
//! and its socket, on which anybody of this user may ask for a look at once.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Mode, OFlags};
use serde_json::{Value, json};

use super::machine::Process;
use super::{RunDir, files};
use crate::world::World;

/// The file's name in the run directory.
pub const NAME: &str = "connections.json";
const LOCK: &str = "watcher";
const SOCKET: &str = "watcher.socket";
const LOG: &str = "watcher.log";
const OLD_LOG: &str = "watcher.log.1";

const CAP: usize = 4 * 1024 * 1024;
const LOG_FULL: u64 = 128 * 1024;

/// Which binary a process runs: two equal ones are the same build in the same place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binary {
    pub device: u64,
    pub inode: u64,
    /// Nanoseconds since the epoch.
    pub changed: i128,
}

impl Binary {
    /// That of this process.
    pub fn own() -> Binary {
        use std::os::unix::fs::MetadataExt;
        let meta = std::env::current_exe().and_then(std::fs::metadata);
        meta.map_or_else(
            |_| Binary::default(),
            |meta| Binary {
                device: meta.dev(),
                inode: meta.ino(),
                changed: i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()),
            },
        )
    }
}

/// Who holds the lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    pub process: Process,
    pub binary: Binary,
}

impl Holder {
    fn text(&self) -> String {
        let Holder { process, binary } = self;
        format!("{} {} {} {} {}\n", process.pid, process.started, binary.device, binary.inode, binary.changed)
    }

    fn parse(text: &str) -> Option<Holder> {
        let mut words = text.split_ascii_whitespace();
        let holder = Holder {
            process: Process { pid: words.next()?.parse().ok()?, started: words.next()?.parse().ok()? },
            binary: Binary {
                device: words.next()?.parse().ok()?,
                inode: words.next()?.parse().ok()?,
                changed: words.next()?.parse().ok()?,
            },
        };
        Some(holder)
    }
}

/// What came of trying to take the watcher's lock.
#[derive(Debug)]
pub enum Taken {
    /// It is ours as long as this file is open.
    Ours(File),
    /// Another process holds it; who, as far as it says.
    Held(Option<Holder>),
}

impl RunDir {
    /// Takes the watcher's lock and writes into it who holds it.
    ///
    /// # Errors
    /// What the system says.
    pub fn take_watcher(&self, holder: &Holder, uid: u32) -> std::io::Result<Taken> {
        for _ in 0..10 {
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let opened = rustix::fs::openat(self.fd(), LOCK, flags, Mode::RUSR | Mode::WUSR);
            let Some(fd) = opened.as_ref().ok().filter(|fd| files::is_ours(fd, uid)) else {
                // Not a file of ours, in a directory that is ours alone: it has no business here.
                self.clear(LOCK)?;
                continue;
            };
            let inode = rustix::fs::fstat(fd)?.st_ino;
            let mut file = File::from(opened?);
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut text = String::new();
                    let _ = file.take(256).read_to_string(&mut text);
                    return Ok(Taken::Held(Holder::parse(&text)));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // One that was taken away meanwhile locks nothing.
            let there = rustix::fs::statat(self.fd(), LOCK, AtFlags::SYMLINK_NOFOLLOW);
            if !there.is_ok_and(|stat| stat.st_ino == inode) {
                continue;
            }
            // On a full disk the lock holds all the same.
            let _ = sign(&mut file, holder);
            return Ok(Taken::Ours(file));
        }
        Err(std::io::Error::other("the watcher's lock can't be taken"))
    }

    /// Who holds the lock now; `None` when nobody does.
    pub fn watcher(&self, uid: u32) -> Option<Holder> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(self.fd(), LOCK, flags, Mode::empty()).ok()?;
        if !files::is_ours(&fd, uid) {
            return None;
        }
        let file = File::from(fd);
        let Err(TryLockError::WouldBlock) = file.try_lock() else { return None };
        let mut text = String::new();
        file.take(256).read_to_string(&mut text).ok()?;
        Some(Holder::parse(&text).unwrap_or_default())
    }

    /// Whether this file is still the lock, and this directory still the one that others find.
    pub fn still_holds(&self, lock: &mut File, holder: &Holder) -> bool {
        if lock.metadata().is_ok_and(|meta| meta.len() == 0) {
            let _ = sign(lock, holder);
        }
        let lock = &*lock;
        let path = rustix::fs::stat(self.path());
        let here = rustix::fs::fstat(self.fd());
        let same = matches!((&path, &here), (Ok(p), Ok(h)) if (p.st_dev, p.st_ino) == (h.st_dev, h.st_ino));
        let there = rustix::fs::statat(self.fd(), LOCK, AtFlags::SYMLINK_NOFOLLOW);
        let held = rustix::fs::fstat(lock);
        same && matches!((there, held), (Ok(t), Ok(h)) if t.st_ino == h.st_ino)
    }

    /// The socket on which a look can be asked for, in the place of whatever lies there.
    ///
    /// # Errors
    /// What the system says.
    pub fn listen(&self) -> std::io::Result<UnixDatagram> {
        self.clear(SOCKET)?;
        let socket = UnixDatagram::bind(self.socket_path())?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    /// Asks a watcher for a look at once. It is a hint and never waited for; whether one was there to take it.
    pub fn ask_for_a_look(&self) -> bool {
        let Ok(socket) = UnixDatagram::unbound() else { return false };
        let _ = socket.set_nonblocking(true);
        socket.send_to(b"look", self.socket_path()).is_ok()
    }

    /// A socket's path may be 107 bytes long; the directory's own descriptor is shorter.
    fn socket_path(&self) -> PathBuf {
        use std::os::fd::AsRawFd;
        let direct = self.path().join(SOCKET);
        if cfg!(target_os = "linux") && direct.as_os_str().len() > 100 {
            return format!("/proc/self/fd/{}/{SOCKET}", self.fd().as_raw_fd()).into();
        }
        direct
    }

    /// What a watcher wrote about idle times, if it is this one.
    pub fn connections(&self, watcher: Process, uid: u32) -> Option<Value> {
        let value: Value = serde_json::from_slice(&files::read(self.fd(), NAME, uid, CAP)?).ok()?;
        let same = value["watcher"] == json!({ "pid": watcher.pid, "started": watcher.started });
        (value["version"] == 1 && same).then_some(value)
    }

    /// Keeps the idle times.
    ///
    /// # Errors
    /// What the system says; then the old ones are still there.
    pub fn keep_connections(&self, value: &Value) -> std::io::Result<()> {
        files::replace(self.fd(), NAME, format!("{value}\n").as_bytes())
    }

    /// Takes away what a watcher leaves behind that ends in order.
    pub fn end_watcher(&self, watcher: Process, world: &World) {
        if self.machine(world.uid).is_some_and(|machine| machine.watcher == watcher) {
            self.drop_machine();
        }
        for name in [NAME, SOCKET] {
            let _ = rustix::fs::unlinkat(self.fd(), name, AtFlags::empty());
        }
    }

    /// Adds a line to the watcher's log, which never grows beyond a fixed size.
    pub fn log(&self, line: &str) {
        let flags = OFlags::WRONLY
            | OFlags::APPEND
            | OFlags::CREATE
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::CLOEXEC;
        let Ok(fd) = rustix::fs::openat(self.fd(), LOG, flags, Mode::RUSR | Mode::WUSR) else { return };
        let mut file = File::from(fd);
        if file.metadata().is_ok_and(|meta| meta.len() > LOG_FULL) {
            let _ = file.write_all(b"full\n");
            let _ = rustix::fs::renameat(self.fd(), LOG, self.fd(), OLD_LOG).or_else(|_| file_emptied(&file));
        }
        let _ = file.write_all(format!("{line}\n").as_bytes());
    }

    /// Removes whatever lies there.
    fn clear(&self, name: &str) -> std::io::Result<()> {
        use rustix::io::Errno;
        match rustix::fs::unlinkat(self.fd(), name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => Ok(rustix::fs::unlinkat(self.fd(), name, AtFlags::REMOVEDIR)
                .or_else(|_| {
                    let aside = format!("{name}.{}", std::process::id());
                    rustix::fs::renameat(self.fd(), name, self.fd(), &*aside)
                })?),
            Err(errno) => Err(errno.into()),
        }
    }
}

fn sign(file: &mut File, holder: &Holder) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(holder.text().as_bytes()).inspect_err(|_| drop(file.set_len(0)))
}

fn file_emptied(file: &File) -> rustix::io::Result<()> {
    rustix::fs::ftruncate(file, 0)
}
