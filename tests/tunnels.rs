//! Local ports behind which production lies: they make tabs red or hot from the prompt after they open to the prompt
//! after they close, and nothing else does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::{BLACK_ON_YELLOW, Home, Hue, Kind, Look, Shell};

const NOT_RUN: &str = "was not run";
const RED_TEXT: Look = Look { text: Hue::Red, ground: Hue::Default };

/// A process that stands for another one; it ends with its test.
struct Process(Child);

impl Process {
    fn start() -> Process {
        let mut command = Command::new("sleep");
        Process(command.arg("600").stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
    }

    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    fn identity(&self) -> Value {
        let pid = self.0.id();
        json!({ "pid": pid, "started": started(pid) })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn started(pid: u32) -> u64 {
    redtab::processes::stat(pid).unwrap().key.started
}

fn connection(id: u32, kind: &str, port: Option<u16>, process: &Process) -> Value {
    let mut value = json!({
        "id": id, "kind": kind, "target": "prod-db:5432", "label": "prod-db", "environment": "production",
        "port": port, "tty": "/dev/pts/77", "tty_nr": 34893, "evidence": "ssh -L, bastion", "opened_at": 0,
    });
    value.as_object_mut().unwrap().append(process.identity().as_object_mut().unwrap());
    value
}

/// Writes what a watcher writes.
fn machine(home: &Home, watcher: &Process, connections: &[Value]) {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let value = json!({
        "version": 1, "boot": boot.trim(), "watcher": watcher.identity(), "connections": connections,
    });
    let fresh = home.write("run/fresh", format!("{value}\n"));
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(fresh, home.join("run/machine.json")).unwrap();
}

fn home() -> Home {
    let home = Home::new();
    home.executable("seed.sh", "#!/bin/sh\n# redtab: local-only\necho ran >>\"$HOME/ran\"\n");
    home
}

/// Enters the flagged script's line and waits until it was refused.
#[track_caller]
fn refused(home: &Home, shell: &mut Shell, line: &str) {
    let count =
        |shell: &Shell| shell.raw().windows(NOT_RUN.len()).filter(|w| *w == NOT_RUN.as_bytes()).count();
    let (before, drawn) = (count(shell), shell.prompts_drawn());
    shell.send(&format!("{line}\r"));
    if shell.kind == Kind::Fish {
        shell.wait_for("a refusal", |t| {
            t.raw.windows(NOT_RUN.len()).filter(|w| *w == NOT_RUN.as_bytes()).count() > before
                && t.prompts > drawn
        });
        shell.send(&"\x15\x7f".repeat(6)).wait_for("an empty line", |t| t.typed().as_deref() == Some(""));
    } else {
        shell.prompt();
    }
    assert!(count(shell) > before && !home.join("ran").exists(), "{}", shell.dump());
}

fn runs(home: &Home, shell: &mut Shell, line: &str) {
    shell.line(line);
    assert!(home.join("ran").exists(), "{line:?} did not run\n{}", shell.dump());
    fs::remove_file(home.join("ran")).unwrap();
}

fn a_tunnel_makes_its_port_red_and_every_tab_hot(kind: Kind) {
    let home = home();
    let (watcher, mut tunnel) = (Process::start(), Process::start());
    machine(&home, &watcher, &[]);
    let mut here = kind.in_home(&home).redtab().start();
    let mut there = kind.in_home(&home).redtab().start();
    here.export("DATABASE_URL", "postgres://localhost:15432/x");
    here.expect_clear();
    runs(&home, &mut here, "./seed.sh");
    machine(&home, &watcher, &[connection(7, "tunnel", Some(15432), &tunnel)]);
    here.enter().expect_text(" PROD prod-db ");
    there.enter().expect_segment(" 1 prod open", RED_TEXT);
    for shell in [&mut here, &mut there] {
        refused(&home, shell, "./seed.sh");
        let screen = shell.screen().replace('\n', " ");
        for part in ["localhost:15432 is prod-db right now", "ssh -L, bastion, pts/77", "redtab close 7"] {
            assert!(screen.contains(part), "no {part:?}\n{}", shell.dump());
        }
    }
    // Closed: clear on the very next prompt, whether or not the watcher has noticed.
    tunnel.end();
    here.enter().expect_clear();
    there.enter().expect_clear();
    runs(&home, &mut there, "./seed.sh");
}

fn a_line_through_the_tunnel_turns_the_tab_red_before_it_starts(kind: Kind) {
    const RED: &str = "\x1b]1337;SetColors=tab=c00000\x07\x1b]0;PROD prod-db";
    let home = home();
    home.write(".config/redtab/config.toml", "terminal = \"iterm2\"\n");
    for program in ["psql", "ssh", "redis-cli"] {
        let text = format!("#!/bin/sh\necho begins-$((40+2))\nexec /usr/bin/{program} \"$@\"\n");
        home.executable(&format!("bin/{program}"), &text);
    }
    let (watcher, tunnel) = (Process::start(), Process::start());
    machine(&home, &watcher, &[connection(7, "tunnel", Some(1), &tunnel)]);
    let mut shell = kind.in_home(&home).redtab().start();
    shell.enter();
    // Nobody listens at either port.
    for (line, red) in [
        ("psql -h localhost -p 1 -c 'select 1'", true),
        ("psql postgres://app@127.0.0.1:1/x -c 'select 1'", true),
        ("env PGPORT=2 psql -h localhost -p 1 -c 'select 1'", true),
        ("redis-cli -p 1 ping", true),
        ("redis-cli -p 2 ping", false),
        ("ssh -p 1 root@localhost", true),
        ("ssh ssh://127.0.0.1:1", true),
        ("ssh -oPort=1 localhost", true),
        ("ssh -p 2 localhost", false),
        ("psql -h localhost -p 2 -c 'select 1'", false),
        ("psql -h dev-db.invalid -p 1 -c 'select 1'", false),
    ] {
        let from = shell.raw().len();
        shell.line(line);
        let raw = String::from_utf8_lossy(&shell.raw()[from..]).into_owned();
        let (painted, begins) = (raw.find(RED), raw.find("begins-42"));
        assert!(begins.is_some(), "{line}: {}", shell.dump());
        assert_eq!(painted.is_some_and(|at| Some(at) < begins), red, "{line}: {}", raw.escape_debug());
    }
}

fn sessions_in_other_tabs_are_counted_and_make_nothing_red_or_hot(kind: Kind) {
    let home = home();
    let (watcher, session) = (Process::start(), Process::start());
    machine(&home, &watcher, &[connection(1, "psql", None, &session), connection(2, "ssh", None, &session)]);
    let mut shell = kind.in_home(&home).redtab().start();
    shell.expect_segment(" 2 prod open", RED_TEXT);
    runs(&home, &mut shell, "./seed.sh");
    home.write(".config/redtab/config.toml", "[prompt]\nelsewhere = \"off\"\n");
    shell.enter().expect_clear();
    home.write(".config/redtab/config.toml", "[prompt]\nelsewhere = \"red\"\n");
    shell.enter().expect_production();
    refused(&home, &mut shell, "./seed.sh");
}

fn without_the_watcher_that_should_be_there_a_local_port_is_unsure(kind: Kind) {
    let home = home();
    let mut watcher = Process::start();
    machine(&home, &watcher, &[]);
    let mut shell = kind.in_home(&home).redtab().start();
    shell.export("PGHOST", "localhost").expect_clear();
    watcher.end();
    shell.enter().expect_segment(" ? ", BLACK_ON_YELLOW);
    refused(&home, &mut shell, "./seed.sh");
    shell.unset("PGHOST").expect_clear();
    runs(&home, &mut shell, "./seed.sh");
}

in_every_shell!(
    a_tunnel_makes_its_port_red_and_every_tab_hot,
    a_line_through_the_tunnel_turns_the_tab_red_before_it_starts,
    sessions_in_other_tabs_are_counted_and_make_nothing_red_or_hot,
    without_the_watcher_that_should_be_there_a_local_port_is_unsure,
);

/// What `redtab status --json` says with these variables.
fn status(home: &Home, vars: &[(&str, &str)]) -> Value {
    let output = home.command(home.redtab()).args(["status", "--json"]).envs(vars.iter().copied()).output();
    serde_json::from_slice(&output.unwrap().stdout).unwrap()
}

#[test]
fn every_way_to_name_a_local_port_finds_the_tunnel() {
    let home = home();
    let (watcher, tunnel) = (Process::start(), Process::start());
    machine(
        &home,
        &watcher,
        &[connection(7, "tunnel", Some(15432), &tunnel), connection(8, "forward", Some(5432), &tunnel)],
    );
    home.write(
        "kube/local",
        support::kubeconfig(&["c"], "c").replace("https://10.0.0.0:6443", "https://127.0.0.1:15432"),
    );
    let kubeconfig = home.join("kube/local").display().to_string();
    for vars in [
        vec![("DATABASE_URL", "postgres://localhost:15432/x")],
        vec![("DATABASE_URL", "postgres://u@127.0.0.1/x")],
        vec![("DATABASE_URL", "postgres://[::1]:15432/x")],
        vec![("PGHOST", "localhost"), ("PGPORT", "15432")],
        vec![("PGHOST", "127.0.0.1")],
        vec![("PGPORT", "15432")],
        vec![("REDIS_URL", "redis://localhost:15432/0")],
        vec![("KUBECONFIG", kubeconfig.as_str())],
    ] {
        let found = status(&home, &vars);
        assert_eq!(found["verdict"], "production", "{vars:?}: {found:#}");
    }
    // Another port, another machine's port, a socket by its path: nothing of these goes through the tunnel.
    for vars in [
        vec![("DATABASE_URL", "postgres://localhost:15433/x")],
        vec![("PGHOST", "db.dev.acme.example"), ("PGPORT", "15432")],
        vec![("PGHOST", "/var/run/postgresql")],
        vec![],
    ] {
        let found = status(&home, &vars);
        assert_eq!(
            (&found["verdict"], &found["hot"]),
            (&json!("clear"), &json!(true)),
            "{vars:?}: {found:#}"
        );
    }
}

#[test]
fn a_line_that_names_the_tunnel_is_judged_by_it() {
    let home = home();
    let (watcher, tunnel) = (Process::start(), Process::start());
    machine(&home, &watcher, &[connection(7, "tunnel", Some(15432), &tunnel)]);
    let decision = |line: &str| {
        let mut command = home.command(home.redtab());
        let output = command.args(["check", "--json", "--", line]).output().unwrap();
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        value["decision"].as_str().unwrap().to_string()
    };
    for line in [
        "psql -p 15432 -c 'drop table orders'",
        "psql -h localhost -p 15432 -c 'drop table orders'",
        "psql postgres://localhost:15432/x -c 'drop table orders'",
        "PGPORT=15432 psql -c 'drop table orders'",
        "redis-cli -p 15432 flushall",
    ] {
        assert_eq!(decision(line), "confirm", "{line}");
    }
    for line in [
        "psql -h localhost -c 'drop table orders'",
        "psql -h db.dev.acme.example -p 15432 -c 'drop table orders'",
        "psql -c 'drop table orders'",
    ] {
        assert_eq!(decision(line), "allow", "{line}");
    }
}

#[test]
fn a_script_that_requires_local_is_refused_while_a_tunnel_is_open() {
    let home = home();
    let (watcher, mut tunnel) = (Process::start(), Process::start());
    machine(&home, &watcher, &[connection(7, "tunnel", Some(15432), &tunnel)]);
    let required = || home.command(home.redtab()).args(["require", "local"]).output().unwrap();
    let output = required();
    assert_eq!(output.status.code(), Some(77));
    assert!(String::from_utf8(output.stderr).unwrap().contains("redtab close 7"));
    tunnel.end();
    assert_eq!(required().status.code(), Some(0));
}

#[test]
fn a_question_says_what_is_open() {
    let home = home();
    home.kubeconfig(".kube/config", &["prod-eu"], "prod-eu");
    let (watcher, first, second) = (Process::start(), Process::start(), Process::start());
    let asked = || {
        let mut check = home.command(home.redtab());
        let output = check.args(["check", "--", "kubectl delete ns payments"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(!asked().contains("open"), "{}", asked());
    let one = connection(7, "psql", None, &first);
    machine(&home, &watcher, std::slice::from_ref(&one));
    assert!(asked().contains("    1 production connection open    "), "{}", asked());
    machine(&home, &watcher, &[one, connection(8, "ssh", None, &second)]);
    assert!(asked().contains("    2 production connections open    "), "{}", asked());
}

#[test]
fn the_page_counts_sessions_and_names_tunnels() {
    let home = home();
    let (watcher, tunnel, first, second) =
        (Process::start(), Process::start(), Process::start(), Process::start());
    let page = |connections: &[Value]| {
        machine(&home, &watcher, connections);
        let output = home.command(home.redtab()).arg("status").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let mut open = vec![connection(7, "tunnel", Some(15432), &tunnel)];
    let text = page(&open);
    assert!(text.contains("watcher  running, 1 tunnel"), "{text}");
    assert!(text.contains("hot: localhost:15432 is prod-db") && !text.contains("session"), "{text}");
    open.push(connection(8, "psql", None, &first));
    let text = page(&open);
    assert!(text.contains("watcher  running, 1 tunnel, 1 production session in other tabs"), "{text}");
    assert!(text.contains("\n1 production session is open in another tab.  redtab ps\n"), "{text}");
    open.push(connection(9, "ssh", None, &second));
    let text = page(&open);
    assert!(text.contains("\n2 production sessions are open in other tabs.  redtab ps\n"), "{text}");
}

#[test]
fn nothing_claims_that_nothing_is_open_when_nobody_watches() {
    let home = home();
    let page = || {
        let output = home.command(home.redtab()).arg("status").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(page().contains("tunnels not watched"), "{}", page());
    for text in ["", "{}", "garbage", "{\"version\":2,\"connections\":[]}"] {
        home.write("run/machine.json", text);
        assert!(page().contains("tunnels unknown"), "{text}: {}", page());
        assert_eq!(status(&home, &[("PGHOST", "localhost")])["verdict"], "unsure", "{text}");
    }
}
