//! Where a variable's value came from, as `redtab status` tells it: with a real tmux and a real direnv.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use support::{Home, Kind};

/// What `status` says of where `AWS_PROFILE` came from.
fn origin(page: &str) -> String {
    let row =
        page.lines().find(|line| line.contains("AWS_PROFILE")).unwrap_or_else(|| panic!("no row in {page}"));
    let cells: Vec<&str> = row.split("   ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    cells[cells.len() - 2].to_string()
}

fn in_the_shell(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).redtab().start();
    shell.export("AWS_PROFILE", "acme-prod").line("redtab status > out");
    let page = std::fs::read_to_string(home.join("out")).unwrap();
    assert_eq!(origin(&page), "set in this shell");
}

fn from_the_parent(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).redtab().env("AWS_PROFILE", "acme-prod").start();
    shell.line("redtab status > out");
    let page = std::fs::read_to_string(home.join("out")).unwrap();
    assert_eq!(origin(&page), "inherited");
}

in_every_shell! { in_the_shell, from_the_parent }

fn wait_for(path: &Path) -> String {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with("done\n") => return text,
            _ if Instant::now() > deadline => panic!("{} never came", path.display()),
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// A variable that the tmux server was started with is in every pane, whatever the terminal around it says.
#[test]
fn from_the_tmux_server() {
    let home = Home::new();
    let socket = home.join("tmux");
    let tmux = |args: &[&str]| {
        let status = home
            .command("tmux")
            .arg("-S")
            .arg(&socket)
            .args(["-f", "/dev/null"])
            .args(args)
            .env("AWS_PROFILE", "acme-prod")
            .status();
        assert!(status.unwrap().success(), "tmux {args:?}");
    };
    tmux(&["new-session", "-d", "redtab status > out; echo done >> out"]);
    let page = wait_for(&home.join("out"));
    assert_eq!(origin(&page), "inherited from the tmux server");
    let _ = home.command("tmux").arg("-S").arg(&socket).arg("kill-server").output();
}

#[test]
fn from_direnv() {
    let home = Home::new();
    let dir = home.join("app");
    home.write("app/.envrc", "export AWS_PROFILE=acme-prod\n");
    let allow = home.command("direnv").arg("allow").current_dir(&dir).status().unwrap();
    assert!(allow.success());
    let script = "eval \"$(direnv export bash 2>/dev/null)\"; redtab status; :";
    let output = home.command("bash").args(["-c", script]).current_dir(&dir).output().unwrap();
    assert_eq!(origin(&String::from_utf8_lossy(&output.stdout)), "set by direnv");
}
