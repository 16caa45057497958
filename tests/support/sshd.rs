//! A real sshd on a loopback port, with keys of its own, for one test. It ends with its test, with every session in it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::home::{Home, end_all};

/// The loopback addresses that the servers of the tests listen on.
pub const LOOPBACK: [&str; 5] = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"];

/// A port of this machine that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until something listens on a loopback port.
#[allow(clippy::disallowed_methods)] // an address in numbers, in a test
pub fn wait_for_port(port: u16) {
    let end = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "nothing listens on {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until nothing listens there any more: what a server forked just before it ended may, for a moment.
fn wait_for_no_port(port: u16) {
    let end = Instant::now() + Duration::from_secs(20);
    while LOOPBACK.iter().any(|ip| TcpListener::bind((*ip, port)).is_err()) {
        assert!(Instant::now() < end, "something listens on {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub struct Sshd {
    child: Child,
    dir: PathBuf,
    pub port: u16,
    /// A client's configuration, in which every name of `hosts` leads here.
    pub config: PathBuf,
    /// The lines that any client's configuration needs to get in, without a host's.
    options: String,
}

impl Sshd {
    /// Starts one whose client configuration knows these names.
    pub fn start(home: &Home, hosts: &[&str]) -> Sshd {
        Sshd::start_under(home, hosts, &[])
    }

    /// The same, started by another program whose arguments its command line follows.
    pub fn start_under(home: &Home, hosts: &[&str], wrapper: &[&str]) -> Sshd {
        let dir = home.join("sshd");
        fs::create_dir_all(&dir).unwrap();
        // Where sshd is started by root it wants this directory, which a service would have made.
        if rustix::process::getuid().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        for key in ["host", "client"] {
            let mut command = Command::new("/usr/bin/ssh-keygen");
            let made = command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.join(key)).status();
            assert!(made.unwrap().success());
        }
        fs::copy(dir.join("client.pub"), dir.join("authorized")).unwrap();
        let port = free_port();
        let at = dir.display();
        // Every loopback address of the tests, so that addresses can tell hosts apart.
        let listen: String = LOOPBACK.iter().map(|ip| format!("ListenAddress {ip}\n")).collect();
        let text = format!(
            "Port {port}\n{listen}HostKey {at}/host\nAuthorizedKeysFile {at}/authorized\n\
             PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nAllowTcpForwarding yes\n\
             PermitRootLogin yes\nPrintMotd no\nPrintLastLog no\nSetEnv HOME={at}/far\n"
        );
        // The far side's shell reads nothing of the user who runs the tests.
        fs::create_dir_all(dir.join("far")).unwrap();
        fs::write(dir.join("sshd_config"), text).unwrap();
        let child = serve(&dir, wrapper);
        let uid = rustix::process::getuid().as_raw();
        let user = fs::read_to_string("/etc/passwd").unwrap();
        let user = user
            .lines()
            .find(|line| line.split(':').nth(2) == Some(&uid.to_string()))
            .and_then(|line| line.split(':').next())
            .unwrap()
            .to_string();
        let options = format!(
            "Port {port}\nUser {user}\nIdentityFile {at}/client\nIdentitiesOnly yes\n\
             StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n"
        );
        let config =
            home.write("ssh_config", format!("Host {}\nHostName 127.0.0.1\n{options}", hosts.join(" ")));
        let sshd = Sshd { child, dir, port, config, options };
        wait_for_port(port);
        sshd
    }

    /// A client's configuration of these lines, before what every client needs; its path.
    pub fn configure(&self, home: &Home, lines: &str) -> String {
        let text = format!("{lines}\nHost *\n{}", self.options);
        home.write("ssh_config", text).display().to_string()
    }

    /// Ends it and starts it again with these lines in its configuration.
    pub fn restart_with(&mut self, lines: &str) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let config = self.dir.join("sshd_config");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(config, text + lines).unwrap();
        let listens = |log: &str| log.matches("Server listening on 127.0.0.1 ").count();
        let before = listens(&self.log());
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            wait_for_no_port(self.port);
            self.child = serve(&self.dir, &[]);
            // Whoever answers at the port, it is this one that has to listen there.
            while self.child.try_wait().unwrap().is_none() {
                if listens(&self.log()) > before {
                    return;
                }
                assert!(Instant::now() < end, "sshd does not come back: {}", self.log());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// What the server has said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

/// Starts one on the configuration in this directory.
fn serve(dir: &Path, wrapper: &[&str]) -> Child {
    let output = fs::File::options().create(true).append(true).open(dir.join("log")).unwrap();
    let argv = [wrapper, &["/usr/sbin/sshd", "-D", "-e", "-f"]].concat();
    let mut command = Command::new(argv[0]);
    command.args(&argv[1..]).arg(dir.join("sshd_config"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output).spawn().unwrap()
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // Its sessions carry its name in their parents: end the listener last.
        let own = self.child.id();
        end_all(|pid| parent(pid) == Some(own) || parent(pid).and_then(parent) == Some(own));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parent(pid: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text[text.rfind(')')? + 1..].split_whitespace().nth(1)?.parse().ok()
}
