//! Real servers on loopback addresses, each test's own: sshd, PostgreSQL, Redis. They end with the value that started
//! them, also when the test panics.

use std::fs;
use std::net::{IpAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

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

/// A port that nobody listens on, on any loopback address.
pub fn free_port() -> u16 {
    TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port()
}

/// Waits until something listens there.
pub fn wait_for_port(ip: &str, port: u16) {
    let ip: IpAddr = ip.parse().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect_timeout(&(ip, port).into(), Duration::from_secs(1)).is_err() {
        assert!(Instant::now() < end, "nothing listens on {ip}:{port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// An sshd on every loopback address, and the client's key and known hosts beside it: `dir/config` is an ssh
/// configuration that any `-F` can include.
pub fn sshd() -> Server {
    let dir = tempfile::Builder::new().prefix("redtab-sshd-").tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    for key in ["host_key", "key"] {
        let done = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f", &at(key)])
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success());
    }
    if is_root() {
        fs::create_dir_all("/run/sshd").unwrap();
    }
    let port = free_port();
    let config = format!(
        "Port {port}\nListenAddress 0.0.0.0\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nPidFile none\n\
         UsePAM no\nPrintMotd no\nPrintLastLog no\nAcceptEnv X\nMaxStartups 100\n",
        at("host_key"),
        at("key.pub"),
    );
    fs::write(at("sshd_config"), config).unwrap();
    let client = format!(
        "Host *\n  Port {port}\n  IdentityFile {}\n  IdentitiesOnly yes\n  StrictHostKeyChecking no\n  \
         UserKnownHostsFile /dev/null\n  LogLevel ERROR\n  ForwardAgent no\n",
        at("key")
    );
    fs::write(at("config"), client).unwrap();
    let child = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f", &at("sshd_config")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(at("log")).unwrap())
        .spawn()
        .unwrap();
    let server = Server { child, dir, port };
    wait_for_port("127.0.0.1", port);
    server
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
            "listen_addresses=*",
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
    wait_for_port("127.0.0.1", port);
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
    let dir = tempfile::Builder::new().prefix("redtab-redis-").tempdir().unwrap();
    let port = free_port();
    let child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "0.0.0.0", "--save", "", "--appendonly", "no"])
        .args(["--protected-mode", "no", "--tcp-keepalive", "2", "--dir", &dir.path().display().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server { child, dir, port };
    wait_for_port("127.0.0.1", port);
    server
}
