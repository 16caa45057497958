//! Tabs at their prompts while the world changes: a real watcher repaints real shells and panes of tmux, and what is typed
//! in them stays as it is. The watcher polls once an hour here, so that only events can have done it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::tmux::{RED, Tmux};
use support::{Home, Kind, Shell, WHITE_ON_RED};

/// What other tests have open on this machine is none of these tabs.
const CONFIG: &str = "[watch]\npoll = \"1h\"\n[prompt]\nelsewhere = \"off\"\n";

fn home() -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
    home.write(".config/redtab/config.toml", CONFIG);
    home
}

fn watch(home: &Home) {
    assert!(home.command(home.redtab()).args(["watch", "start"]).status().unwrap().success());
    until("the watcher has looked", || home.run_dir().join("machine.json").exists());
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn switch(home: &Home, context: &str) {
    let done = home.command("kubectl").args(["config", "use-context", context]).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

fn tabs(home: &Home) -> Vec<Value> {
    let output = home.command(home.redtab()).args(["status", "--all", "--json"]).output().unwrap();
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    value["tabs"].as_array().unwrap().clone()
}

fn title(shell: &Shell) -> String {
    shell.titles().pop().unwrap_or_default()
}

/// The watcher has seen this tab: what changes from now on it hears of.
fn settled(home: &Home) {
    until("a record", || !tabs(home).is_empty());
    // It takes its hints in order: when it has answered this, it has looked at the record.
    for _ in 0..2 {
        let before = looks(home);
        home.command(home.redtab()).arg("ps").output().unwrap();
        until("a look", || looks(home) != before);
    }
}

/// Differs from look to look at the machine.
fn looks(home: &Home) -> Option<u64> {
    let bytes = fs::read(home.run_dir().join("connections.json")).unwrap_or_default();
    serde_json::from_slice::<Value>(&bytes).ok()?["looks"].as_u64()
}

/// A hint has the watcher look a few times more. When that is over it sleeps.
fn quiet(home: &Home) -> Option<u64> {
    let (mut last, mut since) = (looks(home), Instant::now());
    until("the watcher sleeps", || {
        if looks(home) != last {
            (last, since) = (looks(home), Instant::now());
        }
        since.elapsed() > Duration::from_secs(4)
    });
    last
}

fn another_tab_switches(kind: Kind) {
    let home = home();
    watch(&home);
    let mut shell = kind.in_home(&home).redtab().start();
    shell.type_in("echo half a li");
    settled(&home);
    let before = (shell.screen(), shell.typed());
    let asleep = quiet(&home);
    switch(&home, "prod-eu");
    until("the title is red", || title(&shell).starts_with("PROD prod-eu"));
    assert_eq!(looks(&home), asleep, "an event did it, and no look");
    assert_eq!((shell.screen(), shell.typed()), before, "what is on the screen stays");
    until("the record", || tabs(&home)[0]["severity"] == "production");
    assert_eq!(tabs(&home)[0]["segment"], "PROD prod-eu");
    // Back before anybody looked: as if nothing had been.
    switch(&home, "dev-eu");
    until("the title is clear", || !title(&shell).starts_with("PROD"));
    until("the record is clear", || tabs(&home)[0]["severity"] == "none");
    assert!(fs::read_dir(home.run_dir().join("painted")).map_or(true, |dir| dir.count() == 0));
    switch(&home, "prod-eu");
    until("the title is red again", || title(&shell).starts_with("PROD prod-eu"));
    shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    assert!(shell.screen().contains("half a li"));
    switch(&home, "dev-eu");
    shell.enter().expect_clear();
    assert!(!title(&shell).starts_with("PROD"), "{}", title(&shell));
}

in_every_shell!(another_tab_switches);

#[test]
fn without_a_watcher_only_the_next_prompt_tells() {
    let home = home();
    let mut shell = Kind::Bash.in_home(&home).redtab().start();
    let mut witness = Kind::Zsh.in_home(&home).redtab().start();
    switch(&home, "prod-eu");
    witness.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    assert!(!shell.titles().iter().any(|title| title.starts_with("PROD")));
    shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
}

/// Each of these files changes in its own way.
#[test]
fn every_file_that_a_verdict_depends_on() {
    let target =
        "[[target]]\nsignal = \"aws_account\"\nis = \"123456789012\"\nenvironment = \"production\"\n";
    type Way = (&'static str, &'static str, fn(&Home));
    let ways: &[Way] = &[
        ("a file written over", "PROD prod-eu", |home| {
            let text = support::kubeconfig(&["dev-eu", "prod-eu"], "prod-eu");
            fs::write(home.join(".kube/config"), text).unwrap();
        }),
        ("a file behind a link", "PROD prod-eu", |home| {
            home.kubeconfig("elsewhere/new", &["dev-eu", "prod-eu"], "prod-eu");
            fs::rename(home.join("elsewhere/new"), home.join("elsewhere/config")).unwrap();
        }),
        ("another link", "PROD prod-eu", |home| {
            home.kubeconfig("elsewhere/other", &["dev-eu", "prod-eu"], "prod-eu");
            symlink(home.join("elsewhere/other"), home.join("fresh")).unwrap();
            fs::rename(home.join("fresh"), home.join(".kube/config")).unwrap();
        }),
        ("a directory and a file that were not there", "PROD", |home| {
            home.write(".aws/config", "[default]\nsso_account_id = 123456789012\n");
        }),
        ("a file in this directory", "PROD", |home| {
            home.write("app/.env", "DB_HOST=db.prod.example\n");
        }),
        ("redtab's own configuration", "PROD dev-eu", |home| {
            let text = format!("{CONFIG}[[environment]]\nname = \"production\"\nmatch = [\"...\", \"eu\"]\n");
            home.write(".config/redtab/config.toml", text);
        }),
        ("a mark by redtab itself", "PROD dev-eu", |home| {
            let mut command = home.command(home.redtab());
            let out = command.args(["mark", "production", "kube_context", "dev-eu"]).output().unwrap();
            assert!(out.status.success(), "{out:?}");
        }),
    ];
    for (name, wanted, change) in ways {
        let home = Home::new();
        home.write(".config/redtab/config.toml", format!("{CONFIG}{target}"));
        home.kubeconfig("elsewhere/config", &["dev-eu", "prod-eu"], "dev-eu");
        fs::create_dir_all(home.join(".kube")).unwrap();
        fs::create_dir_all(home.join("app/.git")).unwrap();
        if name.contains("link") {
            symlink(home.join("elsewhere/config"), home.join(".kube/config")).unwrap();
        } else {
            home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
        }
        watch(&home);
        let shell = Kind::Bash.in_home(&home).redtab().cwd(&home.join("app")).start();
        settled(&home);
        change(&home);
        until(name, || title(&shell).starts_with(wanted));
    }
}

#[test]
fn a_program_in_the_foreground_is_left_alone() {
    let home = home();
    watch(&home);
    let mut busy = Kind::Bash.in_home(&home).redtab().start();
    let idle = Kind::Zsh.in_home(&home).redtab().start();
    busy.send("cat\r");
    until("cat runs", || {
        let children = format!("/proc/{0}/task/{0}/children", busy.pid());
        let pid = fs::read_to_string(children).unwrap_or_default();
        fs::read_to_string(format!("/proc/{}/comm", pid.trim())).is_ok_and(|comm| comm.trim() == "cat")
    });
    settled(&home);
    let before = busy.raw();
    switch(&home, "prod-eu");
    until("the other tab is red", || title(&idle).starts_with("PROD prod-eu"));
    settled(&home);
    assert_eq!(busy.raw(), before);
    busy.send("\x04").prompt().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
}

#[test]
fn a_pane_of_tmux_turns_red_and_its_line_stays() {
    let home = home();
    watch(&home);
    let tmux = Tmux::server(&home, Kind::Bash);
    tmux.attach().prompt("%0");
    tmux.tmux(&["rename-window", "work"]);
    tmux.tmux(&["send-keys", "-t", "%0", "-l", "--", "echo half a li"]);
    tmux.until("it is typed", |tmux| tmux.find("echo half a li").is_some()).until_entry("work", None);
    settled(&home);
    switch(&home, "prod-eu");
    tmux.until_entry("work", Some(RED)).until_option("%0", "@redtab", "PROD prod-eu");
    assert!(tmux.tmux(&["capture-pane", "-p", "-t", "%0"]).trim_end().ends_with("@@ echo half a li"));
    tmux.until("the title", |tmux| {
        tmux.tmux(&["display-message", "-p", "#{pane_title}"]).starts_with("PROD")
    });
    switch(&home, "dev-eu");
    tmux.until_entry("work", None).until_option("%0", "@redtab", "");
}

#[test]
fn many_tabs_at_once() {
    let home = home();
    watch(&home);
    let shells: Vec<Shell> = (0..12).map(|_| Kind::Bash.in_home(&home).redtab().start()).collect();
    settled(&home);
    switch(&home, "prod-eu");
    until("all of them", || shells.iter().all(|shell| title(shell).starts_with("PROD prod-eu")));
}
