//! Late hours and leases: what the hour raises a lease takes back, for its own targets, in its own tab, until its end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use support::{Home, Kind, Shell};

const DELETE: &str = "kubectl delete ns payments";

/// A home on production, always late.
fn late() -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["prod-eu", "prod-us", "dev-eu"], "prod-eu");
    home.write(".config/redtab/config.toml", "[hours]\nlate = [\"00:00-24:00\"]\n");
    home.executable("wipe.sh", "#!/bin/sh\ndropdb orders\n");
    home.executable("clean.sh", "#!/bin/sh\n# redtab: local-only\n");
    home
}

/// A shell without the hook, whose terminal is the tab.
fn tab(home: &Home) -> Shell {
    Kind::Bash.in_home(home).size(50, 160).start()
}

/// The decision's word for a line, in a tab.
fn decide(home: &Home, shell: &mut Shell, line: &str) -> String {
    let _ = fs::remove_file(home.join("decided"));
    home.write("line", line);
    shell.line("redtab check <line >decided");
    fs::read_to_string(home.join("decided")).unwrap().lines().next().unwrap().to_string()
}

/// Asks the guard about a line, and answers if it asks; whether the line may run.
fn guard(home: &Home, shell: &mut Shell, line: &str, answer: Option<&str>) -> bool {
    let _ = fs::remove_file(home.join("status"));
    home.write("in", format!("line {}\n{line}\n", line.len()));
    let command = "redtab guard --shell bash --pid $$ <in >out; echo $? >status";
    shell.line("clear").send(command).send("\r");
    if let Some(answer) = answer {
        shell.wait_for("the question", |t| t.text().contains("Enter to leave it:"));
        shell.send(answer);
    }
    shell.wait_for("its end", |t| t.at_prompt() && home.join("status").exists());
    fs::read_to_string(home.join("status")).unwrap().trim() == "0"
}

fn kept(home: &Home) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(home.join("run/leases")).into_iter().flatten().flatten();
    entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "json")).collect()
}

fn change(home: &Home, change: impl Fn(&mut Value)) {
    let path = kept(home).pop().unwrap();
    let mut lease: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut lease);
    fs::write(&path, lease.to_string()).unwrap();
}

fn decisions(home: &Home) -> Vec<String> {
    let trail = fs::read_to_string(home.join(".local/state/redtab/audit.jsonl")).unwrap_or_default();
    let word =
        |line: &str| serde_json::from_str::<Value>(line).unwrap()["decision"].as_str().unwrap().to_string();
    trail.lines().map(word).collect()
}

#[test]
fn late_is_a_step_stricter_and_says_how_on() {
    let home = late();
    let mut shell = tab(&home);
    for (line, decision) in [
        ("kubectl get pods", "allow"),
        ("kubectl apply -f x.yaml", "confirm"),
        (DELETE, "block"),
        ("./wipe.sh", "block"),
        ("./clean.sh", "block"),
    ] {
        assert_eq!(decide(&home, &mut shell, line), decision, "{line}");
    }
    assert!(!guard(&home, &mut shell, DELETE, None));
    let screen = shell.screen();
    assert!(screen.contains("Late: a lease first.  redtab lease 30m \"why\""), "{screen}");
    home.write(".config/redtab/config.toml", "[hours]\nlate = []\n");
    assert_eq!(decide(&home, &mut shell, DELETE), "confirm");
}

#[test]
fn the_hours_are_those_of_the_clock_on_the_wall() {
    let home = late();
    let mut shell = tab(&home);
    let now = std::process::Command::new("date").arg("+%H:%M").output().unwrap();
    let now = String::from_utf8(now.stdout).unwrap();
    let (hour, minute) = now.trim().split_once(':').unwrap();
    let now: u32 = hour.parse::<u32>().unwrap() * 60 + minute.parse::<u32>().unwrap();
    let at = |minutes: u32| format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
    let (before, after) = (at(now + 1440 - 10), at(now + 10));
    let set = |window: &str| {
        home.write(".config/redtab/config.toml", format!("[hours]\nlate = [\"{window}\"]\n"));
    };
    set(&format!("{before}-{after}"));
    assert_eq!(decide(&home, &mut shell, DELETE), "block");
    set(&format!("{after}-{before}"));
    assert_eq!(decide(&home, &mut shell, DELETE), "confirm");
    // The same hours somewhere else are others. Etc/GMT-12 is twelve hours ahead of UTC.
    let utc = std::process::Command::new("date").args(["-u", "+%H:%M"]).output().unwrap();
    let utc = String::from_utf8(utc.stdout).unwrap();
    let (hour, minute) = utc.trim().split_once(':').unwrap();
    let there = (hour.parse::<u32>().unwrap() + 12) * 60 + minute.parse::<u32>().unwrap();
    let window = format!("{}-{}", at(there + 1440 - 10), at(there + 10));
    let zone = |zone: &str| {
        let text = format!("[hours]\nlate = [\"{window}\"]\ntimezone = \"{zone}\"\n");
        home.write(".config/redtab/config.toml", text);
    };
    zone("Etc/GMT-12");
    assert_eq!(decide(&home, &mut shell, DELETE), "block");
    zone("Etc/UTC");
    assert_eq!(decide(&home, &mut shell, DELETE), "confirm");
}

#[test]
fn a_lease_takes_the_step_back_and_asks_once() {
    let home = late();
    let mut shell = tab(&home);
    shell.line("redtab lease 30m ticket 4711");
    assert!(shell.screen().contains("until "), "{}", shell.screen());
    for (line, decision) in [
        ("kubectl apply -f x.yaml", "warn"),
        (DELETE, "confirm"),
        ("./wipe.sh", "confirm"),
        ("./clean.sh", "block"),
        ("kubectl --context prod-us delete ns payments", "block"),
    ] {
        assert_eq!(decide(&home, &mut shell, line), decision, "{line}");
    }
    assert!(!guard(&home, &mut shell, DELETE, Some("no\r")));
    assert_eq!(decide(&home, &mut shell, DELETE), "confirm");
    assert!(guard(&home, &mut shell, DELETE, Some("prod-eu\r")));
    assert_eq!(decide(&home, &mut shell, DELETE), "warn");
    assert!(guard(&home, &mut shell, DELETE, None));
    // Another rule for the same target is another question, and so is another target.
    assert_eq!(decide(&home, &mut shell, "helm uninstall payments"), "confirm");
    assert_eq!(decide(&home, &mut shell, "kubectl --context prod-us delete ns payments"), "block");
    assert_eq!(decisions(&home), ["lease", "confirm", "refused", "confirm", "yes", "warn"]);
    shell.line("redtab lease end");
    assert_eq!(decide(&home, &mut shell, DELETE), "block");
    assert_eq!(decisions(&home).last().unwrap(), "lease-end");
}

#[test]
fn a_script_that_is_meant_for_production_is_asked_about_late() {
    let home = late();
    let mut shell = tab(&home);
    home.write(".config/redtab/config.toml", "[hours]\nlate = []\n");
    home.write("in", "line 9\n./wipe.sh\n");
    shell.send("redtab guard --shell bash --pid $$ <in >out; echo $? >status\r");
    shell.wait_for("the keys", |t| t.text().contains("[p] meant for production"));
    shell.send("p");
    shell.wait_for("the question", |t| t.text().contains("Type prod-eu to run it"));
    shell.send("prod-eu\r");
    shell.wait_for("its end", |t| t.at_prompt() && home.join("status").exists());
    assert_eq!(decide(&home, &mut shell, "./wipe.sh"), "warn");
    home.write(".config/redtab/config.toml", "[hours]\nlate = [\"00:00-24:00\"]\n");
    assert_eq!(decide(&home, &mut shell, "./wipe.sh"), "confirm");
    assert!(guard(&home, &mut shell, "./wipe.sh", Some("prod-eu\r")));
    assert_eq!(decisions(&home), ["confirm", "meant", "yes", "confirm", "yes"]);
}

#[test]
fn a_lease_can_name_what_the_line_names() {
    let home = late();
    home.kubeconfig(".kube/config", &["prod-eu", "prod-us", "dev-eu"], "dev-eu");
    let mut shell = tab(&home);
    let line = "kubectl --context prod-us delete ns payments";
    assert!(!guard(&home, &mut shell, line, None));
    let command = "redtab lease --for prod-us 30m \"why\"";
    assert!(shell.screen().contains(command), "{}", shell.screen());
    shell.line("clear").line("redtab lease 30m nothing; echo \"status $?\"");
    assert!(shell.screen().contains("status 1"), "{}", shell.screen());
    shell.line(command);
    assert_eq!(decide(&home, &mut shell, line), "confirm");
    assert_eq!(decide(&home, &mut shell, "kubectl --context prod-eu delete ns payments"), "block");
}

#[test]
fn a_lease_is_for_its_tab() {
    let home = late();
    let mut first = tab(&home);
    let mut second = tab(&home);
    first.line("redtab lease 30m why");
    assert_eq!(decide(&home, &mut first, DELETE), "confirm");
    assert_eq!(decide(&home, &mut second, DELETE), "block");
    first.line("redtab lease --all-tabs 30m on call");
    assert_eq!(decide(&home, &mut second, DELETE), "confirm");
    second.line("clear").line("redtab lease list");
    assert!(second.screen().contains("all tabs  prod-eu: on call"), "{}", second.screen());
    second.line("redtab lease end --all-tabs");
    assert_eq!(decide(&home, &mut second, DELETE), "block");
    assert_eq!(decide(&home, &mut first, DELETE), "block");
}

#[test]
fn either_clock_ends_it_and_no_step_lengthens_it() {
    let home = late();
    let mut shell = tab(&home);
    type Change = fn(&mut Value);
    let changes: &[(&str, Change)] = &[
        ("the wall clock is behind its end", |l| {
            l["taken_wall"] = (l["taken_wall"].as_u64().unwrap() - 3600).into()
        }),
        ("the boot clock is behind its end", |l| l["taken_boot"] = 0.into()),
        ("another boot", |l| l["boot_id"] = "0f8fad5b-d9cb-469f-a165-70867728950e".into()),
        ("a later version", |l| l["version"] = 2.into()),
        ("from the future", |l| l["taken_boot"] = (l["taken_boot"].as_u64().unwrap() + 60).into()),
    ];
    for (what, edit) in changes {
        shell.line("redtab lease 1m why");
        assert_eq!(decide(&home, &mut shell, DELETE), "confirm", "{what}");
        change(&home, edit);
        assert_eq!(decide(&home, &mut shell, DELETE), "block", "{what}");
    }
    // The wall clock was set back: it would go on for an hour, but the other clock ends it as before.
    shell.line("redtab lease 1m why");
    change(&home, |l| {
        l["taken_wall"] = (l["taken_wall"].as_u64().unwrap() + 3600).into();
        l["taken_boot"] = (l["taken_boot"].as_u64().unwrap().saturating_sub(61)).into();
    });
    assert_eq!(decide(&home, &mut shell, DELETE), "block");
}

#[test]
fn only_what_is_ours_alone_is_a_lease() {
    let home = late();
    let mut shell = tab(&home);
    shell.line("redtab lease 30m why");
    let path = kept(&home).pop().unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&home.join("run/leases"))), (0o600, 0o700));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(decide(&home, &mut shell, DELETE), "block");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(decide(&home, &mut shell, DELETE), "confirm");
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
        assert_eq!(decide(&home, &mut shell, DELETE), "block");
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
    }
    let elsewhere = home.join("elsewhere.json");
    fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert_eq!(decide(&home, &mut shell, DELETE), "block");
    fs::remove_file(&path).unwrap();
    fs::write(&path, "{\"version\":1}").unwrap();
    assert_eq!(decide(&home, &mut shell, DELETE), "block");
}

#[test]
fn what_is_no_lease_is_refused() {
    let home = late();
    let mut shell = tab(&home);
    for arguments in ["13h why", "0s why", "soon why", "30m ''", "30m"] {
        shell.line("clear").line(&format!("redtab lease {arguments}; echo \"status $?\""));
        let screen = shell.screen();
        assert!(screen.contains("status 1") || screen.contains("status 2"), "{arguments}: {screen}");
    }
    assert!(kept(&home).is_empty());
    let without_tab = home.command("setsid").args(["-w", "redtab", "lease", "30m", "why"]).output().unwrap();
    assert_eq!(without_tab.status.code(), Some(1));
}

fn the_segment_shows_it_until_it_ends(kind: Kind) {
    let home = late();
    let mut shell = kind.in_home(&home).redtab().start();
    shell.expect_text(" PROD prod-eu ");
    shell.line("redtab lease 30m why");
    shell.expect_shown("PROD prod-eu · lease until ");
    // No file that the prompt watches says so: a clock does. (Behind its end it may not stand yet: a machine can be young.)
    change(&home, |lease| lease["taken_boot"] = (lease["taken_boot"].as_u64().unwrap() + 60).into());
    shell.enter();
    shell.expect_text(" PROD prod-eu ");
}

in_every_shell!(the_segment_shows_it_until_it_ends);

#[test]
fn a_new_tab_on_the_same_terminal_has_no_lease() {
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    let home = late();
    let pair = native_pty_system().openpty(PtySize::default()).unwrap();
    let run = |script: &str| {
        let mut command = CommandBuilder::new("bash");
        command.args(["-c", script]);
        command.env_clear();
        home.vars().for_each(|(name, value)| command.env(name, value));
        command.cwd(home.path());
        let status = pair.slave.spawn_command(command).unwrap().wait().unwrap();
        assert!(status.success(), "{script}");
    };
    let said = |name: &str| fs::read_to_string(home.join(name)).unwrap();
    let check = format!("redtab check -- {DELETE}");
    run(&format!("tty >tty1; redtab lease 30m why >took; {check} >before; true"));
    run(&format!("tty >tty2; {check} >after; true"));
    assert_eq!(said("tty1"), said("tty2"));
    assert!(said("took").contains("until "), "{}", said("took"));
    assert!(said("before").starts_with("confirm\n"), "{}", said("before"));
    assert!(said("after").starts_with("block\n"), "{}", said("after"));
}
