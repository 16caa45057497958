//! The watcher finds the real thing: real ssh, psql and redis-cli against real servers on loopback addresses, and says
//! what each points at and why. What is not production it does not name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::io::{Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::Value;
use support::{Home, Sshd, free_port, postgres, postgres_bin};

const PATIENCE: Duration = Duration::from_secs(40);

/// A program on a terminal of its own; it ends with this value.
struct Program {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Program {
    fn start(home: &Home, argv: &[&str], vars: &[(&str, &str)]) -> Program {
        let pty = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut command = CommandBuilder::new(argv[0]);
        command.args(&argv[1..]);
        command.env_clear();
        for (name, value) in home.vars().chain(vars.iter().copied()) {
            command.env(name, value);
        }
        command.cwd(home.path());
        let child = pty.slave.spawn_command(command).unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let keys = pty.master.take_writer().unwrap();
        std::thread::spawn(move || {
            let mut sink = [0; 4096];
            while reader.read(&mut sink).is_ok_and(|read| read > 0) {}
        });
        Program { child, keys, _master: pty.master }
    }

    fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    fn type_in(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A home with a watcher in it.
struct Watched {
    home: Home,
}

impl Watched {
    fn new(config: &str) -> Watched {
        let home = Home::new();
        home.write(".config/redtab/config.toml", format!("[watch]\npoll = \"1s\"\n{config}"));
        let watched = Watched { home };
        watched.start();
        watched
    }

    fn redtab(&self, args: &[&str]) -> std::process::Output {
        self.home.command(self.home.redtab()).args(args).stdin(Stdio::null()).output().unwrap()
    }

    fn start(&self) {
        assert!(self.redtab(&["watch", "start"]).status.success());
        self.until("the watcher runs", || self.ps()["watcher"] == true);
    }

    fn ps(&self) -> Value {
        let out = self.redtab(&["ps", "--json"]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    }

    /// The connections of one process.
    fn of(&self, pid: u32) -> Vec<Value> {
        let ps = self.ps();
        ps["connections"].as_array().unwrap().iter().filter(|c| c["pid"] == pid).cloned().collect()
    }

    fn until(&self, what: &str, done: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done() {
            assert!(Instant::now() < end, "never: {what}\n{}", self.ps());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for the one connection of a process.
    fn expect(&self, pid: u32, kind: &str, target: &str, evidence: &str) -> Value {
        let fits = |c: &Value| c["kind"] == kind && c["target"] == target && c["evidence"] == evidence;
        self.until(
            &format!("{pid}: {kind} {target}, {evidence}"),
            || matches!(&self.of(pid)[..], [one] if fits(one)),
        );
        self.of(pid).remove(0)
    }
}

#[test]
fn an_ssh_a_tunnel_and_a_psql() {
    let postgres = postgres();
    let watched =
        Watched::new("[[target]]\nsignal = \"url_host\"\nis = \"127.0.0.3\"\nenvironment = \"production\"\n");
    let home = &watched.home;
    let sshd = Sshd::start(home, &[]);
    let config = sshd
        .configure(home, "Host prod-web\n  HostName 127.0.0.2\nHost dev-web bastion\n  HostName 127.0.0.5\n");
    let port = free_port();
    let spec = format!("{port}:prod-db:{}", postgres.port);
    let ssh = Program::start(home, &["ssh", "-F", &config, "prod-web"], &[]);
    let dev = Program::start(home, &["ssh", "-F", &config, "dev-web"], &[]);
    let tunnel = Program::start(home, &["ssh", "-F", &config, "-N", "-L", &spec, "bastion"], &[]);
    let psql = postgres_bin().join("psql").display().to_string();
    let pg_port = postgres.port.to_string();
    let mut direct = Program::start(home, &[&psql, "-h", "127.0.0.3", "-p", &pg_port, "-U", "postgres"], &[]);
    let local = Program::start(
        home,
        &[&psql, "-h", postgres.dir.path().to_str().unwrap(), "-p", &pg_port, "-U", "postgres"],
        &[],
    );
    let found = watched.expect(ssh.pid(), "ssh", "prod-web", "ssh");
    assert_eq!(found["environment"], "production");
    assert!(found["tty"].as_str().unwrap().starts_with("/dev/pts/"));
    let found = watched.expect(tunnel.pid(), "tunnel", &format!("prod-db:{pg_port}"), "ssh -L, bastion");
    assert_eq!(found["port"], port);
    watched.expect(direct.pid(), "psql", &format!("127.0.0.3:{pg_port}"), "-h");
    assert_eq!(watched.of(dev.pid()), [] as [Value; 0]);
    assert_eq!(watched.of(local.pid()), [] as [Value; 0]);
    direct.type_in("select 1;\r");
    let pid = tunnel.pid();
    drop(tunnel);
    watched.until("the tunnel is gone", || watched.of(pid).is_empty());
}
