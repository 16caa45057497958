//! What is said about idle connections, where people are: at the prompt, in tmux, on the desktop; and what is closed. With
//! real connections, a real tmux client and a real notification daemon, in shortened time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::process::Command;

use redtab::processes::Sockets;
use serde_json::Value;
use support::tmux::Tmux;
use support::{
    Desktop, Home, Kind, Program, Sshd, Watched, alone, free_port, postgres, postgres_bin, production,
    redis_at,
};

/// A word that no other process of this machine has in its arguments, and an address for it.
fn own_names() -> (String, String) {
    let pid = std::process::id();
    let word = pid.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect::<String>();
    (format!("zq{word}"), format!("127.{}.{}.{}", 64 + pid % 64, pid / 64 % 256, 2 + pid / 16384 % 250))
}

/// Production is what carries this word or has this address, and nothing else: another test's connections are none of
/// this one's, which might close them.
fn own_production(word: &str, ip: &str) -> String {
    format!("[[environment]]\nname = \"production\"\nmatch = [\"{word}\"]\n{}", production("url_host", ip))
}

fn idle_of(watched: &Watched, pid: u32) -> (String, u64) {
    match &watched.of(pid)[..] {
        [one, ..] => (one["state"].as_str().unwrap().into(), one["idle_secs"].as_u64().unwrap()),
        [] => (String::new(), 0),
    }
}

/// What runs in front of everything that this process has started.
fn last_child(pid: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    children.split_whitespace().last().map_or(pid, |child| last_child(child.parse().unwrap()))
}

#[test]
fn quiet_first_then_tmux_and_one_digest_for_all() {
    let _alone = alone();
    let (word, ip) = own_names();
    let redis = redis_at(&["127.0.0.1", &ip]);
    let mut home = Home::new();
    let desktop = Desktop::start(&mut home);
    let watched = Watched::in_home(home, &format!("idle_after = \"6s\"\n{}", own_production(&word, &ip)));
    let home = &watched.home;
    let tmux = Tmux::server(home, Kind::Bash);
    tmux.attach();
    let port = redis.port.to_string();
    tmux.line("%0", &format!("redis-cli -h {ip} -p {port}"));
    let argv = ["redis-cli", "-h", &ip, "-p", &port];
    let _five: Vec<Program> = (0..5).map(|_| Program::start(home, &argv, &[])).collect();
    watched.until("six are open", || watched.ps()["connections"].as_array().unwrap().len() == 6);
    let said = format!("redis-cli to {ip}:{port} has been idle for");
    // A file for the tab's next prompt, before anything louder.
    watched.until("a notice", || fs::read_dir(home.join("run/notice")).is_ok_and(|dir| dir.count() == 1));
    assert_eq!(desktop.notifications(), [] as [&str; 0]);
    tmux.until("a message in the client", |tmux| tmux.find(&format!("redtab: {said}")).is_some());
    watched.until("a digest", || !desktop.notifications().is_empty());
    let digest = desktop.notifications().remove(0);
    assert!(
        digest.starts_with(&format!("6 production connections idle: 6 × redis-cli {ip}:{port} (")),
        "{digest}"
    );
    // Each has climbed a rung more, and nobody is told again so soon.
    watched.until("a rung more", || {
        let ps = watched.ps();
        ps["connections"].as_array().unwrap().iter().all(|c| c["idle_secs"].as_u64().unwrap() > 26)
    });
    assert_eq!(desktop.notifications().len(), 1);
    tmux.tmux(&["send-keys", "-t", "%0", "quit", "Enter"]);
    tmux.prompt("%0");
    let screen = tmux.tmux(&["capture-pane", "-p", "-t", "%0"]);
    assert!(screen.contains(&format!("redtab: {said}")), "{screen}");
    // Told once.
    tmux.line("%0", "clear").prompt("%0");
    tmux.line("%0", "echo again").prompt("%0");
    let screen = tmux.tmux(&["capture-pane", "-p", "-t", "%0"]);
    assert!(!screen.contains(&said), "{screen}");
}

#[test]
fn what_is_snoozed_and_what_is_switched_off_is_not_told() {
    let _alone = alone();
    let (word, ip) = own_names();
    let redis = redis_at(&["127.0.0.1", &ip]);
    let mut home = Home::new();
    let desktop = Desktop::start(&mut home);
    let config = format!("idle_after = \"4s\"\n{}", own_production(&word, &ip));
    let watched = Watched::in_home(home, &config);
    let home = &watched.home;
    let tmux = Tmux::server(home, Kind::Bash);
    tmux.attach();
    let port = redis.port.to_string();
    assert!(watched.redtab(&["snooze"]).status.success());
    tmux.line("%0", &format!("redis-cli -h {ip} -p {port}"));
    let only = || watched.ps()["connections"].as_array().unwrap().first().cloned().unwrap_or(Value::Null);
    let silent = |tmux: &Tmux| {
        assert!(fs::read_dir(home.join("run/notice")).map_or(true, |dir| dir.count() == 0));
        assert_eq!(desktop.notifications(), [] as [&str; 0]);
        assert!(tmux.find("redtab: ").is_none());
    };
    watched.until("three times the limit", || only()["idle_secs"].as_u64().unwrap_or(0) > 12);
    silent(&tmux);
    home.write(".config/redtab/config.toml", format!("[watch]\npoll = \"1s\"\non_idle = \"off\"\n{config}"));
    fs::remove_file(home.join("run/snooze.json")).unwrap();
    let before = only()["idle_secs"].as_u64().unwrap();
    watched.until("a while more", || only()["idle_secs"].as_u64().unwrap_or(0) > before + 10);
    silent(&tmux);
    // The same with nothing in the way is told.
    home.write(".config/redtab/config.toml", format!("[watch]\npoll = \"1s\"\n{config}"));
    watched.until("a notice", || fs::read_dir(home.join("run/notice")).is_ok_and(|dir| dir.count() == 1));
    watched.until("a digest", || desktop.notifications().len() == 1);
    assert!(desktop.notifications()[0].starts_with("1 production connection idle: redis-cli "));
}

#[test]
fn late_in_the_evening_the_limit_is_a_shorter_one() {
    let _alone = alone();
    let (word, ip) = own_names();
    let redis = redis_at(&["127.0.0.1", &ip]);
    let port = redis.port.to_string();
    let config = |late: &str| {
        format!(
            "idle_after = \"1h\"\nidle_after_late = \"2s\"\n[hours]\nlate = [{late}]\n{}",
            own_production(&word, &ip)
        )
    };
    let watched = Watched::new(&config(""));
    let client = Program::start(&watched.home, &["redis-cli", "-h", &ip, "-p", &port], &[]);
    watched.until("by day it is in use", || idle_of(&watched, client.pid()).1 > 5);
    assert_eq!(idle_of(&watched, client.pid()).0, "active");
    let text = format!("[watch]\npoll = \"1s\"\n{}", config("\"00:00-24:00\""));
    watched.home.write(".config/redtab/config.toml", text);
    watched.until("late it is idle", || idle_of(&watched, client.pid()).0 == "idle");
}

#[test]
fn only_what_is_known_to_be_idle_is_closed() {
    let _alone = alone();
    let (word, ip) = own_names();
    let postgres = postgres();
    let (pg, db) = (postgres.port.to_string(), format!("{word}_db"));
    let made = Command::new(postgres_bin().join("createdb"))
        .args(["-h", "127.0.0.1", "-p", &pg, "-U", "postgres", &db])
        .status();
    assert!(made.unwrap().success());
    let home = Home::new();
    let sshd = Sshd::start(&home, &[]);
    let control = home.join("cm").display().to_string();
    let config = sshd.configure(
        &home,
        &format!(
            "Host {word}-mux\n  ControlMaster auto\n  ControlPersist yes\n  ControlPath {control}\n\
             Host {word}-*\n  HostName 127.0.0.2\nHost *\n  HostName 127.0.0.5\n"
        ),
    );
    let watched = Watched::in_home(
        home,
        &format!(
            "on_idle = \"close\"\nidle_after = \"3s\"\nclose_after = \"8s\"\n{}",
            own_production(&word, &ip)
        ),
    );
    let home = &watched.home;
    let tmux = Tmux::server(home, Kind::Bash);
    tmux.attach();
    let pane = |tmux: &Tmux| tmux.tmux(&["new-window", "-d", "-P", "-F", "#{pane_id}"]);
    // As people call it: on Debian another program that calls the real one.
    let psql = "/usr/bin/psql";
    let sql = |tmux: &Tmux, database: &str, statement: &str, prompt: &str| {
        let pane = pane(tmux);
        tmux.line(&pane, &format!("{psql} -h 127.0.0.2 -p {pg} -U postgres {database}"));
        let shows = |tmux: &Tmux, what: &str| {
            tmux.tmux(&["capture-pane", "-p", "-t", &pane]).trim_end().ends_with(what)
        };
        tmux.tmux(&["select-window", "-t", &pane]);
        tmux.until("psql", |tmux| shows(tmux, &format!("{database}=#")));
        let pid = last_child(tmux.pid(&pane).parse().unwrap());
        // Nobody asks in the moment in which he gets an answer.
        watched.until("a second", || database == "postgres" || idle_of(&watched, pid).1 >= 1);
        // tmux would take a `;` at the end for its own.
        let keys = statement.strip_suffix(';').map_or(statement.to_owned(), |keys| format!("{keys}\\;"));
        tmux.tmux(&["send-keys", "-t", &pane, "-l", "--", &keys]);
        tmux.tmux(&["send-keys", "-t", &pane, "Enter"]);
        let prompt = prompt.replace("DB", database);
        tmux.until(&prompt, |tmux| shows(tmux, &prompt));
        (pane, pid)
    };
    let ssh = |args: &[&str]| Program::start(home, &[&["ssh", "-F", &config], args].concat(), &[]);

    let port = free_port();
    let tunnel = ssh(&["-N", "-L", &format!("{port}:{word}-db:5432"), "bastion"]);
    let (idle_pane, idle) = sql(&tmux, &db, "select 1;", "DB=#");
    let (_, begun) = sql(&tmux, &db, "begin;", "DB=*#");
    let (_, failed) = sql(&tmux, &db, "begin; select 1/0;", "DB=!#");
    let (_, typing) = sql(&tmux, &db, "select", "DB-#");
    let (_, busy) = sql(&tmux, &db, "select pg_sleep(600);", "pg_sleep(600);");
    let (_, dev) = sql(&tmux, "postgres", "select 1;", "DB=#");
    let mut outside = Program::start(home, &[psql, "-h", "127.0.0.2", "-p", &pg, "-U", "postgres", &db], &[]);
    watched.until("psql outside of tmux", || watched.of(outside.pid()).len() == 1);
    outside.type_in("select 1;\n");
    let (web, mux) = (format!("{word}-web"), format!("{word}-mux"));
    let silent = ssh(&[&web, "sleep 600"]);
    let with_port = free_port();
    let working = ssh(&["-L", &format!("{with_port}:{word}-db:5432"), &web, "sleep 600"]);
    let first = ssh(&[&mux, "sleep 600"]);
    watched.until("a master", || fs::metadata(&control).is_ok());
    let second = ssh(&[&mux, "while sleep 0.2; do date; done"]);
    let master = || {
        let ps = watched.ps();
        let list = ps["connections"].as_array().unwrap().clone();
        list.iter().find(|c| c["kind"] == "ssh master").and_then(|c| c["pid"].as_u64())
    };
    watched.until("its connection", || master().is_some());
    let master = u32::try_from(master().unwrap()).unwrap();

    let lives = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
    };
    let survivors = [
        ("psql in a transaction", begun),
        ("psql in a failed transaction", failed),
        ("psql in the middle of a statement", typing),
        ("psql that waits for an answer", busy),
        ("psql to dev", dev),
        ("psql of which nothing can be seen", outside.pid()),
        ("ssh that runs something silent", silent.pid()),
        ("ssh that runs something silent, with a port", working.pid()),
        ("an idle client of a master", first.pid()),
        ("a busy client of a master", second.pid()),
        ("the master", master),
    ];
    watched.until("the tunnel is closed", || !lives(tunnel.pid()));
    watched.until("the idle psql is closed", || !lives(idle));
    // Its tab is told before and after: at the prompt that comes when it ends, or at the next.
    let screen = || tmux.tmux(&["capture-pane", "-p", "-t", &idle_pane]);
    tmux.until("its end is told", |tmux| {
        screen().contains("was closed: idle for") || {
            tmux.line(&idle_pane, "");
            false
        }
    });
    let screen = screen();
    assert!(screen.contains("redtab: psql to 127.0.0.2"), "{screen}");
    assert!(screen.contains("will be closed in 4 s unless it is used.  redtab snooze"), "{screen}");
    // Everything else has had more time than that as well.
    for pid in [begun, failed, typing, outside.pid(), silent.pid(), working.pid(), first.pid()] {
        watched.until("twice the time", || idle_of(&watched, pid).1 > 16);
    }
    assert_eq!(idle_of(&watched, busy).0, if Sockets::TIMED { "busy" } else { "idle" });
    for (what, pid) in survivors {
        assert!(lives(pid), "{what} was closed: {}", watched.ps());
    }
    assert!(tmux.tmux(&["list-panes", "-a"]).lines().count() >= 7);
    let out = watched.redtab(&["log", "--json"]);
    let log: Value = serde_json::from_slice(&out.stdout).unwrap();
    let mut closed: Vec<String> = log["records"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|record| record["decision"] == "close")
        .map(|record| {
            assert!(
                record["reason"].as_str().unwrap().starts_with("on_idle = \"close\", idle for "),
                "{record}"
            );
            assert!(record["reason"].as_str().unwrap().ends_with(": closed"), "{record}");
            record["program"].as_str().unwrap().to_owned()
        })
        .collect();
    closed.sort();
    assert_eq!(closed, ["psql", "tunnel"]);
}
