//! `redtab close`: it ends the connection that was meant, gently, and nothing else; each closing is in the audit trail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Home, Sshd, free_port, wait_for_port};

struct Process(Child);

impl Process {
    fn start(mut command: Command) -> Process {
        Process(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// A process that does nothing, under a program's name.
    fn called(name: &str) -> Process {
        let mut command = Command::new("sleep");
        command.arg0(name).arg("600");
        Process::start(command)
    }

    fn is_there(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    fn ends(&mut self) -> bool {
        let end = Instant::now() + Duration::from_secs(20);
        while self.is_there() {
            if Instant::now() > end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn started(pid: u32) -> u64 {
    redtab::processes::stat(pid).unwrap().key.started
}

fn connection(id: u32, kind: &str, pid: u32, started: u64) -> Value {
    json!({
        "id": id, "kind": kind, "target": "prod-db:5432", "label": "prod-db", "environment": "production",
        "port": null, "pid": pid, "started": started, "tty": null, "tty_nr": 0, "evidence": "", "opened_at": 0,
    })
}

/// Writes what a watcher writes; the watcher is this test.
fn machine(home: &Home, connections: &[Value]) {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let own = std::process::id();
    let watcher = json!({ "pid": own, "started": started(own) });
    let value = json!({ "version": 1, "boot": boot.trim(), "watcher": watcher, "connections": connections });
    let path = home.write("run/machine.json", format!("{value}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn close(home: &Home, arguments: &[&str]) -> Output {
    home.command(home.redtab()).arg("close").args(arguments).output().unwrap()
}

fn trail(home: &Home) -> Vec<Value> {
    let output = home.command(home.redtab()).args(["log", "--json"]).output().unwrap();
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    value["records"].as_array().unwrap().clone()
}

#[test]
fn a_tunnel_and_a_session_of_ssh_end_and_the_audit_trail_says_so() {
    let home = Home::new();
    let sshd = Sshd::start(&home, &["bastion"]);
    let port = free_port();
    let ssh = || {
        let mut command = home.command("/usr/bin/ssh");
        command.arg("-F").arg(&sshd.config);
        command
    };
    let mut tunnel = ssh();
    tunnel.args(["-N", "-L", &format!("{port}:prod-db:5432"), "bastion"]);
    let mut session = ssh();
    session.args(["bastion", "sleep 600"]);
    let (mut tunnel, mut session) = (Process::start(tunnel), Process::start(session));
    wait_for_port(port);
    let pid = |process: &Process| process.0.id();
    machine(
        &home,
        &[
            connection(1, "tunnel", pid(&tunnel), started(pid(&tunnel))),
            connection(2, "ssh", pid(&session), started(pid(&session))),
        ],
    );
    let output = close(&home, &["1"]);
    assert!(output.status.success(), "{output:?}");
    assert!(tunnel.ends() && session.is_there(), "{}", sshd.log());
    assert!(close(&home, &["2"]).status.success());
    assert!(session.ends());
    let closed: Vec<_> = trail(&home).iter().map(|r| (r["decision"].clone(), r["target"].clone())).collect();
    assert_eq!(closed, [(json!("close"), json!("prod-db")), (json!("close"), json!("prod-db"))]);
}

#[test]
fn a_master_is_told_to_exit_and_takes_its_clients_along() {
    let home = Home::new();
    let sshd = Sshd::start(&home, &["bastion"]);
    let socket = home.join("cm");
    let mut master = home.command("/usr/bin/ssh");
    master
        .arg("-F")
        .arg(&sshd.config)
        .args(["-M", "-N", "-o", "ControlPersist=no", "-S"])
        .arg(&socket)
        .arg("bastion");
    let mut master = Process::start(master);
    let end = Instant::now() + Duration::from_secs(20);
    while !socket.exists() {
        assert!(Instant::now() < end, "{}", sshd.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    machine(&home, &[connection(3, "ssh master", master.0.id(), started(master.0.id()))]);
    assert!(close(&home, &["3"]).status.success());
    assert!(master.ends() && !socket.exists());
}

#[test]
fn a_number_that_was_reused_closes_nothing() {
    let home = Home::new();
    let mut other = Process::called("psql");
    let pid = other.0.id();
    machine(&home, &[connection(1, "psql", pid, started(pid) + 1)]);
    let output = close(&home, &["1"]);
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("gone"), "{output:?}");
    assert!(other.is_there());
}

#[test]
fn what_has_become_another_program_is_left_alone() {
    let home = Home::new();
    for (kind, name) in [("psql", "ssh"), ("ssh", "sleep"), ("tunnel", "psql"), ("mosh", "vi")] {
        let mut other = Process::called(name);
        let pid = other.0.id();
        machine(&home, &[connection(1, kind, pid, started(pid))]);
        let output = close(&home, &["1"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("is no connection any more"), "{kind}, {name}: {output:?}");
        assert!(other.is_there(), "{kind}, {name}");
    }
}

#[test]
fn shells_and_what_is_not_ours_are_spared() {
    let home = Home::new();
    let mut shell = Command::new("bash");
    shell.args(["-c", "while :; do sleep 1; done"]);
    let mut shell = Process::start(shell);
    let pid = shell.0.id();
    // Only root can start another user's process here.
    let mut other = Command::new("setpriv");
    other.args(["--reuid=65534", "--clear-groups", "sleep", "600"]);
    let mut other =
        if rustix::process::getuid().is_root() { Process::start(other) } else { Process::called("psql") };
    let foreign = rustix::process::getuid().is_root();
    let owner = |pid: u32| fs::metadata(format!("/proc/{pid}")).unwrap().uid();
    let end = Instant::now() + Duration::from_secs(20);
    while foreign && owner(other.0.id()) == 0 {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut all = vec![connection(1, "ssh", pid, started(pid))];
    all.extend(foreign.then(|| connection(2, "psql", other.0.id(), started(other.0.id()))));
    machine(&home, &all);
    for id in all.iter().map(|connection| connection["id"].to_string()) {
        let output = close(&home, &[&id]);
        assert_eq!(output.status.code(), Some(77), "{output:?}");
    }
    assert!(shell.is_there() && other.is_there());
}

#[test]
fn what_nobody_knows_can_not_be_closed() {
    let home = Home::new();
    assert_eq!(close(&home, &["1"]).status.code(), Some(1));
    machine(&home, &[]);
    assert_eq!(close(&home, &["1"]).status.code(), Some(1));
    assert_eq!(close(&home, &[]).status.code(), Some(2));
    let output = close(&home, &["--idle"]);
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("nothing"),
        "{output:?}"
    );
}

#[test]
fn of_what_is_idle_an_interactive_ssh_is_left_alone() {
    let home = Home::new();
    let (mut tunnel, mut session, mut busy) =
        (Process::called("ssh"), Process::called("ssh"), Process::called("psql"));
    let idle = |id, kind, process: &Process| {
        let mut value = connection(id, kind, process.0.id(), started(process.0.id()));
        value["idle"] = json!(true);
        value["closable"] = json!(kind == "tunnel");
        value
    };
    let busy_one = connection(3, "psql", busy.0.id(), started(busy.0.id()));
    machine(&home, &[idle(1, "tunnel", &tunnel), idle(2, "ssh", &session), busy_one]);
    let output = close(&home, &["--idle"]);
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("left    ssh to prod-db:5432: it may be at work.  redtab close 2\n"), "{said}");
    assert!(tunnel.ends() && session.is_there() && busy.is_there());
}
