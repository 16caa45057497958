//! Real tunnels in real shells: `ssh -L` through a real sshd, and the real `kubectl port-forward` to a stand-in for a
//! cluster. Every tab knows of them from the prompt after they open to the prompt after they close.
//!
//! The watcher polls every ten minutes here: what a tab knows, it knows by its hook and by what that tells the watcher.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::{Home, Hue, Kind, Look, Shell, Sshd, Watched, alone, free_port, kube_api};

const NOT_RUN: &str = "was not run";

const RED_TEXT: Look = Look { text: Hue::Red, ground: Hue::Default };

fn home() -> Home {
    let home = Home::new();
    home.executable("seed.sh", "#!/bin/sh\n# redtab: local-only\necho ran >>\"$HOME/ran\"\n");
    // ssh finds its configuration by the user data base, not by $HOME.
    home.executable("bin/ssh", "#!/bin/sh\nexec /usr/bin/ssh -F \"$HOME/ssh_config\" \"$@\"\n");
    home
}

fn started(kind: Kind, home: &Home) -> Shell {
    kind.in_home(home).redtab().size(24, 120).patience(Duration::from_secs(40)).start()
}

/// Enters a line that must be refused, and leaves an empty one.
#[track_caller]
fn refused(home: &Home, shell: &mut Shell, line: &str) {
    let count =
        |shell: &Shell| shell.raw().windows(NOT_RUN.len()).filter(|w| *w == NOT_RUN.as_bytes()).count();
    let (before, drawn) = (count(shell), shell.prompts_drawn());
    shell.type_in(line).send("\r");
    shell.wait_for("a refusal", |t| {
        t.raw.windows(NOT_RUN.len()).filter(|w| *w == NOT_RUN.as_bytes()).count() > before
            && t.prompts > drawn
    });
    // Some shells give the line back.
    shell.send(&"\x15\x7f".repeat(6)).wait_for("an empty line", |t| t.typed().as_deref() == Some(""));
    assert!(count(shell) > before && !home.join("ran").exists(), "{}", shell.dump());
}

#[track_caller]
fn runs(home: &Home, shell: &mut Shell, line: &str) {
    shell.line(line);
    assert!(home.join("ran").exists(), "{line:?} did not run\n{}", shell.dump());
    fs::remove_file(home.join("ran")).unwrap();
}

/// The number that the last message on the screen tells to close.
#[track_caller]
fn number(shell: &Shell) -> String {
    let screen = shell.screen();
    let rest = screen.rsplit_once("redtab close ").unwrap_or_else(|| panic!("{}", shell.dump())).1;
    rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().to_owned()
}

/// Every tab stops the flagged script, and says what the tunnel is, in which tab, and how to end it; the number in that.
#[track_caller]
fn all_stop(home: &Home, shells: &mut [Shell; 3], parts: &[&str]) -> String {
    let mut numbers = Vec::new();
    for shell in shells {
        refused(home, shell, "./seed.sh");
        let screen = shell.screen().replace('\n', " ");
        for part in parts {
            assert!(screen.contains(part), "no {part:?}\n{}", shell.dump());
        }
        numbers.push(number(shell));
    }
    assert!(numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
    numbers.remove(0)
}

/// Every tab is clear at its next prompt, and runs the flagged script.
#[track_caller]
fn all_run(home: &Home, shells: &mut [Shell; 3]) {
    for shell in shells {
        // A shell says in its own time that a job has ended, and fish draws its prompt anew then.
        let end = Instant::now() + Duration::from_secs(20);
        let jobs = fs::exists(home.join("said")).unwrap();
        while !shell.enter().segment().text.is_empty() && jobs && Instant::now() < end {}
        shell.expect_clear();
        runs(home, shell, "./seed.sh");
    }
}

/// Three tabs: one whose `DATABASE_URL` names this port, one in which the tunnel is opened, and one that has to do with
/// neither.
fn three_tabs(kind: Kind, home: &Home, port: u16) -> [Shell; 3] {
    let mut shells = [(); 3].map(|()| started(kind, home));
    shells[0].export("DATABASE_URL", &format!("postgres://localhost:{port}/x"));
    all_run(home, &mut shells);
    shells
}

/// The terminal of a shell: `pts/7`.
fn terminal(shell: &Shell) -> String {
    let link = fs::read_link(format!("/proc/{}/fd/0", shell.pid())).unwrap();
    link.strip_prefix("/dev").unwrap().display().to_string()
}

fn an_ssh_tunnel_is_known_at_once_in_every_tab(kind: Kind) {
    let _alone = alone();
    let watched = Watched::polling(home(), "10m", "");
    let home = &watched.home;
    let _sshd = Sshd::start(home, &["bastion"]);
    let port = free_port();
    let mut shells = three_tabs(kind, home, port);
    let at = terminal(&shells[1]);
    let line = format!("ssh -fN -L {port}:prod-db:5432 bastion");
    shells[1].line(&line).expect_segment(" 1 prod open", RED_TEXT);
    shells[0].enter().expect_text(" PROD prod-db ");
    shells[2].enter().expect_segment(" 1 prod open", RED_TEXT);
    watched.until("the watcher has given it a number", || numbered(&watched, port));
    let place = format!("localhost:{port} is prod-db right now");
    let id = all_stop(home, &mut shells, &[&place, &format!("ssh -L, bastion, {at}, open ")]);
    shells[2].line(&format!("redtab close {id}")).expect_clear();
    all_run(home, &mut shells);
    assert!(watched.ps()["connections"].as_array().unwrap().is_empty());
    // Negative control: a tunnel to something else is nobody's business.
    shells[1].line(&format!("ssh -fN -L {port}:dev-db:5432 bastion"));
    all_run(home, &mut shells);
}

fn a_forward_that_stands_in_sshs_configuration_is_known_at_once(kind: Kind) {
    let _alone = alone();
    let watched = Watched::polling(home(), "10m", "");
    let home = &watched.home;
    let sshd = Sshd::start(home, &[]);
    let port = free_port();
    let hosts = format!(
        "Host orders\n  LocalForward {port} prod-db:5432\nHost *\n  HostName 127.0.0.1\n  ExitOnForwardFailure yes\n"
    );
    sshd.configure(home, &hosts);
    let mut shells = three_tabs(kind, home, port);
    shells[1].line("ssh -fN orders").expect_segment(" 1 prod open", RED_TEXT);
    shells[0].enter().expect_text(" PROD prod-db ");
    watched.until("the watcher has given it a number", || numbered(&watched, port));
    let id =
        all_stop(home, &mut shells, &[&format!("localhost:{port} is prod-db right now"), "ssh -L, orders"]);
    shells[2].line(&format!("redtab close {id}")).expect_clear();
    all_run(home, &mut shells);
}

/// An sshd on whose connections each ssh is a master, or goes through one; and the path of their sockets.
fn sshd_with_masters(home: &Home) -> (Sshd, String) {
    let sshd = Sshd::start(home, &[]);
    let control = home.join("cm").display().to_string();
    let masters = format!("Host *\n  HostName 127.0.0.1\n  ControlMaster auto\n  ControlPath {control}\n");
    sshd.configure(home, &masters);
    (sshd, control)
}

fn a_forward_that_a_master_takes_over_is_known_at_once(kind: Kind) {
    let _alone = alone();
    let watched = Watched::polling(home(), "10m", "");
    let home = &watched.home;
    let (_sshd, _) = sshd_with_masters(home);
    let port = free_port();
    let mut shells = three_tabs(kind, home, port);
    let at = terminal(&shells[1]);
    shells[1].line("ssh -fNM bastion").expect_clear();
    for line in ["ssh -fN -L", "ssh -O forward -L"] {
        let spec = format!("{port}:prod-db:5432");
        shells[1].line(&format!("{line} {spec} bastion")).expect_segment(" 1 prod open", RED_TEXT);
        shells[0].enter().expect_text(" PROD prod-db ");
        watched.until("the watcher has given it a number", || numbered(&watched, port));
        let place = format!("localhost:{port} is prod-db right now");
        all_stop(home, &mut shells, &[&place, "ssh -L", &at]);
        // The master lives on: nothing but the watcher can tell that the port is closed.
        shells[1].line(&format!("ssh -O cancel -L {spec} bastion"));
        watched.until("the watcher has looked", || !numbered(&watched, port));
        all_run(home, &mut shells);
    }
    shells[1].line("ssh -O exit bastion");
}

/// The forward that a master took over can be closed alone; without a way to do that nothing of the master's is.
fn a_forward_of_a_master_is_closed_and_its_sessions_live_on(kind: Kind) {
    let _alone = alone();
    let watched = Watched::polling(home(), "10m", "");
    let home = &watched.home;
    let (sshd, control) = sshd_with_masters(home);
    let (port, other) = (free_port(), free_port());
    let mut shell = started(kind, home);
    // The master is a session itself: its words come out where it was started.
    let mut master = home.command(home.join("bin/ssh"));
    master.args(["prod-web", "echo begun; cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut master = Ended(master.spawn().unwrap());
    let mut words = BufReader::new(master.0.stdout.take().unwrap()).lines();
    assert_eq!(words.next().unwrap().unwrap(), "begun");
    shell.line(&format!("ssh -fN -L {port}:prod-db:5432 prod-web"));
    watched.until("the watcher has given it a number", || numbered(&watched, port));
    // No shell and no process that lives on tells of this one.
    let mut unseen = home.command(home.join("bin/ssh"));
    unseen.args(["-O", "forward", "-L", &format!("{other}:dev-db:5432"), "prod-web"]);
    assert!(unseen.status().unwrap().success());
    let seen = |port: u16| watched.ps()["connections"].as_array().unwrap().iter().any(|c| c["port"] == port);
    watched.until("the watcher sees a port of the master", || seen(other));
    let listens = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_err();
    assert!(listens(port) && listens(other));
    let closed = watched.redtab(&["close", &id_of(&watched, port)]);
    assert!(closed.status.success(), "{closed:?}\n{}", sshd.log());
    let said = String::from_utf8_lossy(&closed.stdout).into_owned();
    assert!(said.starts_with("closed  tunnel to prod-db:5432"), "{said}");
    assert!(!listens(port) && listens(other));
    let speaks = |master: &mut Ended, words: &mut std::io::Lines<BufReader<ChildStdout>>, word: &str| {
        writeln!(master.0.stdin.as_mut().unwrap(), "{word}").unwrap();
        assert_eq!(words.next().unwrap().unwrap(), word);
    };
    speaks(&mut master, &mut words, "still there");
    let log = watched.redtab(&["log", "--json"]);
    let log: Value = serde_json::from_slice(&log.stdout).unwrap();
    let record = log["records"].as_array().unwrap().iter().find(|record| record["decision"] == "close");
    assert_eq!(record.unwrap()["what"], "tunnel to prod-db:5432");
    assert_eq!(record.unwrap()["reason"], "asked: closed");
    // The control: of what nobody knows how it was asked for, nothing is ended.
    let stays = watched.redtab(&["close", &id_of(&watched, other)]);
    assert_eq!(stays.status.code(), Some(77), "{stays:?}");
    let said = String::from_utf8_lossy(&stays.stderr).into_owned();
    assert!(said.contains("tunnel to prod-web stays: its ssh serves others as well."), "{said}");
    assert!(said.contains(&format!("ssh -O exit -S {control} master")), "{said}");
    assert!(listens(other));
    speaks(&mut master, &mut words, "and still");
}

/// A child that ends with its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A master in the background that has nothing else left is ended, as it always was.
fn a_master_that_has_nothing_else_ends_with_its_forward(kind: Kind) {
    let _alone = alone();
    let watched = Watched::polling(home(), "10m", "");
    let home = &watched.home;
    let sshd = Sshd::start(home, &[]);
    let control = home.join("cm");
    sshd.configure(home, &format!("Host *\n  HostName 127.0.0.1\n  ControlPath {}\n", control.display()));
    let port = free_port();
    let mut shell = started(kind, home);
    shell.line(&format!("ssh -fNM -L {port}:prod-db:5432 bastion"));
    watched.until("the watcher has given it a number", || numbered(&watched, port));
    assert!(control.exists());
    let closed = watched.redtab(&["close", &id_of(&watched, port)]);
    assert!(closed.status.success(), "{closed:?}\n{}", sshd.log());
    watched.until("the master has ended", || !control.exists());
}

fn id_of(watched: &Watched, port: u16) -> String {
    let ps = watched.ps();
    let list = ps["connections"].as_array().unwrap();
    list.iter().find(|c| c["port"] == port).unwrap_or_else(|| panic!("{ps}"))["id"].to_string()
}

fn numbered(watched: &Watched, port: u16) -> bool {
    let text = fs::read_to_string(watched.home.run_dir().join("machine.json")).unwrap_or_default();
    let machine: Value = serde_json::from_str(&text).unwrap_or_default();
    let list = machine["connections"].as_array().cloned().unwrap_or_default();
    let lives = |c: &Value| fs::exists(format!("/proc/{}/exe", c["pid"])).unwrap();
    list.iter().any(|c| c["port"] == port && c["id"] != 0 && lives(c))
}

fn a_port_forward_of_kubectl_is_known_in_every_tab(kind: Kind) {
    let _alone = alone();
    let api = kube_api();
    let home = home();
    let config = support::kubeconfig(&["dev-eu", "prod-eu"], "dev-eu");
    home.write(".kube/config", config.replace("https://10.0.0.1:6443", &format!("http://127.0.0.1:{api}")));
    let watched = Watched::polling(home, "10m", "");
    let home = &watched.home;
    let port = free_port();
    let mut shells = three_tabs(kind, home, port);
    let at = terminal(&shells[1]);
    shells[1].line(&format!("kubectl --context prod-eu port-forward pod/web {port}:80 >said 2>&1 &"));
    let said = || fs::read_to_string(home.join("said")).unwrap_or_default();
    watched.until("kubectl forwards", || said().contains(&format!("Forwarding from 127.0.0.1:{port}")));
    shells[1].enter().expect_segment(" 1 prod open", RED_TEXT);
    shells[0].enter().expect_text(" PROD prod-eu ");
    shells[2].enter().expect_segment(" 1 prod open", RED_TEXT);
    watched.until("the watcher has given it a number", || numbered(&watched, port));
    let place = format!("localhost:{port} is prod-eu right now");
    let id = all_stop(home, &mut shells, &[&place, &format!("kube context, {at}, open ")]);
    shells[2].line(&format!("redtab close {id}")).expect_clear();
    all_run(home, &mut shells);
}

fn a_session_to_anywhere_else_makes_nothing_red(kind: Kind) {
    let _alone = alone();
    let watched = Watched::polling(home(), "10m", "");
    let home = &watched.home;
    let _sshd = Sshd::start(home, &["dev-web", "prod-web"]);
    let mut shell = started(kind, home);
    shell.line("ssh -f dev-web sleep 60").expect_clear();
    shell.enter().expect_clear();
    runs(home, &mut shell, "./seed.sh");
    shell.line("ssh -f prod-web sleep 60").expect_text(" PROD prod-web ");
}

fn with_the_watcher_dead_a_local_port_is_not_trusted(kind: Kind) {
    let _alone = alone();
    let watched = Watched::polling(home(), "10m", "");
    let home = &watched.home;
    let _sshd = Sshd::start(home, &["bastion"]);
    let mut here = started(kind, home);
    let mut there = started(kind, home);
    there.export("PGHOST", "localhost").expect_clear();
    runs(home, &mut there, "./seed.sh");
    let holder = fs::read_to_string(home.run_dir().join("watcher")).unwrap();
    let watcher: i32 = holder.split(' ').next().unwrap().parse().unwrap();
    kill_process(Pid::from_raw(watcher).unwrap(), Signal::KILL).unwrap();
    let port = free_port();
    here.line(&format!("ssh -fN -L {port}:prod-db:5432 bastion"));
    refused(home, &mut there, "./seed.sh");
    // The shell that opened it has written it down for all, though nobody watches.
    refused(home, &mut here, "./seed.sh");
    there.unset("PGHOST");
    refused(home, &mut there, "./seed.sh");
    assert!(
        there.screen().replace('\n', " ").contains(&format!("localhost:{port} is prod-db")),
        "{}",
        there.dump()
    );
}

in_every_shell!(
    an_ssh_tunnel_is_known_at_once_in_every_tab,
    a_forward_that_stands_in_sshs_configuration_is_known_at_once,
    a_forward_that_a_master_takes_over_is_known_at_once,
    a_forward_of_a_master_is_closed_and_its_sessions_live_on,
    a_master_that_has_nothing_else_ends_with_its_forward,
    a_port_forward_of_kubectl_is_known_in_every_tab,
    a_session_to_anywhere_else_makes_nothing_red,
    with_the_watcher_dead_a_local_port_is_not_trusted,
);
