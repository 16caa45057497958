//! Real servers on loopback addresses, each test's own: PostgreSQL, Redis. They end with the value that started
//! them, also when the test panics.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::sshd::{LOOPBACK, free_port, wait_for_port};

/// A process that ends with this value.
pub struct Server {
    child: Child,
    /// Where it keeps its files.
    pub dir: TempDir,
    pub port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked first, so that PostgreSQL ends its children and frees its shared memory.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// A PostgreSQL of its own, trusting everybody who reaches it, on every loopback address and on a socket in `dir`.
pub fn postgres() -> Server {
    let bin = postgres_bin();
    let dir = tempfile::Builder::new().prefix("redtab-pg-").tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if is_root() {
        std::os::unix::fs::chown(dir.path(), Some(65534), Some(65534)).unwrap();
    }
    let data = dir.path().join("data").display().to_string();
    let done = as_nobody(&bin.join("initdb"))
        .args(["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .current_dir("/")
        .status()
        .unwrap();
    assert!(done.success());
    let port = free_port();
    let child = as_nobody(&bin.join("postgres"))
        .args(["-D", &data, "-p", &port.to_string(), "-k", &dir.path().display().to_string()])
        .args([
            "-c",
            &format!("listen_addresses={}", LOOPBACK.join(",")),
            "-c",
            "fsync=off",
            "-c",
            "shared_buffers=16MB",
            "-c",
            "max_connections=50",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .spawn()
        .unwrap();
    let server = Server { child, dir, port };
    wait_for_port(port);
    let ready = Instant::now() + Duration::from_secs(60);
    loop {
        let asked = Command::new(bin.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
            .status()
            .unwrap();
        if asked.success() {
            return server;
        }
        assert!(Instant::now() < ready, "PostgreSQL does not get ready");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The directory of the newest PostgreSQL's programs.
pub fn postgres_bin() -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .unwrap()
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().unwrap()
}

/// PostgreSQL refuses to run as root.
fn as_nobody(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(program);
    command
}

/// A Redis that keeps nothing, on every loopback address, with the keepalive that is its default shortened.
pub fn redis() -> Server {
    redis_at(&LOOPBACK)
}

/// The same on these addresses, of which the first must be 127.0.0.1.
pub fn redis_at(addresses: &[&str]) -> Server {
    let dir = tempfile::Builder::new().prefix("redtab-redis-").tempdir().unwrap();
    let port = free_port();
    let child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--save", "", "--appendonly", "no"])
        .arg("--bind")
        .args(addresses)
        .args(["--protected-mode", "no", "--tcp-keepalive", "2", "--dir", &dir.path().display().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server { child, dir, port };
    wait_for_port(port);
    server
}
