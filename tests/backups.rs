//! Restore points: what the configured commands list, how `redtab backups` shows it, and what a question tells of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use support::{Home, Kind};

const DELETE: &str = "kubectl delete ns payments";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A home on production, whose backups are listed by the script `list.sh`.
fn home(list: &str, covers: &str) -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["prod-eu"], "prod-eu");
    home.executable("list.sh", &format!("#!/bin/sh\necho asked \"$@\" >>\"$HOME/asked\"\n{list}\n"));
    home.write(
        ".config/redtab/config.toml",
        format!(
            "[[backup]]\nname = \"orders\"\ncovers = [\"{covers}\"]\nexpect_every = \"1h\"\n\
             command = [\"{}\", \"--list\", \"a b\"]\n",
            home.join("list.sh").display()
        ),
    );
    home
}

fn backups(home: &Home, arguments: &[&str]) -> (Option<i32>, String) {
    let out = home.command(home.redtab()).arg("backups").args(arguments).output().unwrap();
    (out.status.code(), String::from_utf8(out.stdout).unwrap())
}

/// The question about a line, as it stands on the screen; it is left without an answer.
fn question(home: &Home) -> String {
    let mut shell = Kind::Bash.in_home(home).size(50, 200).start();
    home.write("in", format!("line {}\n{DELETE}\n", DELETE.len()));
    shell.send("redtab guard --shell bash --pid $$ <in >out; echo $? >status\r");
    shell.wait_for("the question", |t| t.text().contains("Enter to leave it:"));
    shell.send("\r");
    shell.wait_for("its end", |t| t.at_prompt() && home.join("status").exists());
    assert_eq!(fs::read_to_string(home.join("status")).unwrap().trim(), "77");
    shell.screen()
}

fn asked(home: &Home) -> usize {
    fs::read_to_string(home.join("asked")).unwrap_or_default().lines().count()
}

#[test]
fn every_restore_point_with_its_age_the_newest_first() {
    let now = now();
    let home = home(
        &format!("echo '{} - old one'; echo '{} {} fresh'; echo nonsense", now - 7200, now - 600, now + 3610),
        "prod-eu",
    );
    let (code, page) = backups(&home, &[]);
    assert_eq!(code, Some(0), "{page}");
    let lines: Vec<&str> = page.lines().collect();
    assert!(lines[0].starts_with("orders  20") && lines[0].contains("10 min old"), "{page}");
    assert!(lines[0].contains("expires in 60 min") && lines[0].ends_with("fresh"), "{page}");
    assert!(lines[1].contains("2 h old") && lines[1].ends_with("old one"), "{page}");
    assert_eq!(lines[2], "orders  1 lines are no `TIME [EXPIRES] [LABEL]`");
    // No shell was between.
    assert_eq!(fs::read_to_string(home.join("asked")).unwrap(), "asked --list a b\n");

    let (_, text) = backups(&home, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["version"], 1);
    let backup = &json["backups"][0];
    assert_eq!(
        (&backup["name"], &backup["late"], &backup["strange_lines"]),
        (&"orders".into(), &false.into(), &1.into())
    );
    assert_eq!(backup["points"][0]["label"], "fresh");
    assert_eq!(backup["points"][1]["expires"], serde_json::Value::Null);
}

#[test]
fn what_fails_or_is_late_is_said() {
    for (list, code, line) in [
        ("exit 3", 1, "orders  its command ends with status 3"),
        ("kill -9 $$", 1, "orders  its command was killed"),
        ("yes", 1, "orders  its command prints too much"),
        ("", 0, "orders  lists no restore point"),
        ("echo 1600000000 - x", 0, "orders  has none younger than 60 min"),
    ] {
        let (found, page) = backups(&home(list, "prod-eu"), &[]);
        assert_eq!(found, Some(code), "{list}: {page}");
        assert_eq!(page.lines().last(), Some(line), "{list}: {page}");
    }
    let bare = Home::new();
    assert!(backups(&bare, &[]).1.starts_with("no backup is configured"));
}

#[test]
fn a_question_tells_the_newest_restore_point_of_its_target() {
    let home = home(&format!("echo '{} - nightly\x1b]0;x\x07'", now() - 3660), "prod-eu");
    let text = question(&home);
    assert!(text.contains("newest restore point  nightly"), "{text}");
    assert!(text.contains("61 min old: older than it should be"), "{text}");
    assert_eq!(asked(&home), 1);
    // What was asked just now is not asked again.
    assert!(question(&home).contains("newest restore point"));
    assert_eq!(asked(&home), 1);
}

#[test]
fn a_backup_of_something_else_is_not_asked() {
    let home = home("echo 1600000000", "prod-db");
    let text = question(&home);
    assert!(!text.contains("restore point"), "{text}");
    assert_eq!(asked(&home), 0);
}

#[test]
fn a_command_that_hangs_keeps_no_question_waiting() {
    let home = home("sleep 600", "prod-eu");
    let text = question(&home);
    assert!(text.contains("restore points unknown  orders: takes too long"), "{text}");
}
