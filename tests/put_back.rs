//! A tab is put back wherever a shell gives its terminal away: to a multiplexer, to another user's shell, at logout. What
//! its own prompt says again afterwards, it says by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use support::tmux::{RED as RED_GROUND, Tmux, write_rc};
use support::{Home, Kind, Shell};

const RED: &str = "\x1b]1337;SetColors=tab=c00000\x07";
const YELLOW: &str = "\x1b]1337;SetColors=tab=e0c000\x07";
const CLEAR: &str = "\x1b]1337;SetColors=tab=default\x07";

fn home_at(current: &str) -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &[current], current);
    home.write(".config/redtab/config.toml", "terminal = \"iterm2\"\n");
    home
}

/// The colours that the tab got since the terminal had `from` bytes, the same ones in a row once.
fn colors(shell: &Shell, from: usize) -> Vec<&'static str> {
    let raw = shell.raw()[from..].to_vec();
    let mut found: Vec<(usize, &str)> = Vec::new();
    for (name, bytes) in [("red", RED), ("yellow", YELLOW), ("clear", CLEAR)] {
        found.extend(
            (0..raw.len()).filter(|at| raw[*at..].starts_with(bytes.as_bytes())).map(|at| (at, name)),
        );
    }
    found.sort_unstable();
    let mut names: Vec<&str> = found.into_iter().map(|(_, name)| name).collect();
    names.dedup();
    names
}

// Multiplexers

/// A tmux server with a pane, and what attaches to it.
fn with_tmux(home: &Home) -> (Tmux<'_>, String) {
    let tmux = Tmux::with(home, "sh", "set -g status-left there\n");
    let attach = format!("tmux -S {} attach", tmux.inner.display());
    (tmux, attach)
}

fn a_multiplexer_finds_the_tab_as_it_was(kind: Kind) {
    for (context, color) in [("prod-eu", "red"), ("stg-1", "yellow")] {
        let home = home_at(context);
        let (tmux, attach) = with_tmux(&home);
        let alias = kind.alias("ta", &attach);
        let mut shell = kind.in_home(&home).rc(&alias).redtab().patience(Duration::from_secs(30)).start();
        assert!(colors(&shell, 0).ends_with(&[color]));
        for line in [attach.as_str(), "ta"] {
            let from = shell.raw().len();
            shell.type_in(line).send("\r").wait_for("tmux", |t| t.text().contains("there"));
            assert_eq!(colors(&shell, from), ["clear"], "{line}: {}", shell.dump());
            tmux.tmux(&["detach-client"]);
            shell.prompt().enter();
            assert_eq!(colors(&shell, from), ["clear", color], "{line}: {}", shell.dump());
        }
        // What does not show windows in this tab leaves it as it is.
        let from = shell.raw().len();
        shell.line(&format!("tmux -S {} ls", tmux.inner.display()));
        assert_eq!(colors(&shell, from), [color]);
    }
}

fn exec_finds_a_yellow_tab_as_it_was(kind: Kind) {
    let home = home_at("stg-1");
    home.write("instead.sh", "echo other-$((40+2)); read -r x\n");
    let mut shell = kind.in_home(&home).redtab().start();
    let from = shell.raw().len();
    shell.send("exec sh instead.sh\r").wait_for("the other program", |t| t.text().contains("other-42"));
    assert_eq!(colors(&shell, from), ["clear"], "{}", shell.dump());
}

// Another user

/// Starts a shell as another user who keeps the environment, as `sudo -s` and `su -p` do, and knows this home.
fn become_another(home: &Home) {
    let way = if rustix::process::geteuid().is_root() {
        "setpriv --reuid=65534 --regid=65534 --clear-groups -- \"$@\""
    } else {
        "unshare --map-root-user -- \"$@\""
    };
    // Their own places, as they have them where XDG_RUNTIME_DIR and HOME are theirs.
    let text =
        format!("#!/bin/sh\n[ \"$1\" = -s ] && shift\nexport REDTAB_RUN_DIR=$HOME/theirs\nexec {way}\n");
    home.executable("bin/sudo", &text);
    fs::create_dir(home.join("theirs")).unwrap();
    fs::set_permissions(home.join("theirs"), fs::Permissions::from_mode(0o700)).unwrap();
    if rustix::process::geteuid().is_root() {
        rustix::fs::chown(
            home.join("theirs"),
            Some(rustix::process::Uid::from_raw(65534)),
            Some(rustix::process::Gid::from_raw(65534)),
        )
        .unwrap();
    }
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

fn write_child(home: &Home, child: Kind, own: Kind, redtab: bool) {
    if child != own {
        write_rc(home, child, redtab);
    }
}

/// The three ends of a red shell of another user in a clear tab, and a clear one in a red tab.
fn another_users_shell_leaves_the_tab_as_it_was(kind: Kind) {
    let home = home_at("dev-eu");
    become_another(&home);
    let mut shell = kind.in_home(&home).redtab().patience(Duration::from_secs(30)).start();
    for child in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        write_child(&home, child, kind, true);
        let pid = if child == Kind::Fish { "$fish_pid" } else { "$$" };
        for end in ["exit".to_string(), format!("kill -9 {pid}")] {
            shell.line(&format!("sudo -s {}", child.name()));
            let from = shell.raw().len();
            shell.line(&child.export("AWS_PROFILE", "acme-prod"));
            assert_eq!(colors(&shell, from), ["red"], "{child:?}: {}", shell.dump());
            shell.line(&end).enter();
            assert_eq!(colors(&shell, from), ["red", "clear"], "{child:?} {end}: {}", shell.dump());
            let from = shell.raw().len();
            shell.enter();
            assert!(colors(&shell, from).is_empty());
        }
    }
    shell.line(&kind.export("AWS_PROFILE", "acme-prod"));
    for child in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let from = shell.raw().len();
        shell.line(&format!("sudo -s env -u AWS_PROFILE {}", child.name()));
        assert_eq!(colors(&shell, from), ["clear"], "{child:?}: {}", shell.dump());
        shell.line("exit").enter();
        assert_eq!(colors(&shell, from), ["clear", "red"], "{child:?}: {}", shell.dump());
    }
}

fn another_users_shell_without_a_hook_changes_nothing(kind: Kind) {
    let home = home_at("prod-eu");
    become_another(&home);
    let mut shell = kind.in_home(&home).redtab().patience(Duration::from_secs(30)).start();
    // The line that is typed holds the same word.
    let is_prompt = |line: &str| line.trim_start().starts_with("other@@");
    shell
        .send("sudo -s env 'PS1=other@@ ' bash --norc\r")
        .wait_for("its prompt", |t| t.text().lines().any(is_prompt));
    let from = shell.raw().len();
    shell.send("exit\r").wait_for("the outer prompt", |t| t.text().matches(" PROD prod-eu  @@").count() > 1);
    shell.enter();
    assert_eq!(colors(&shell, from), ["red"], "{}", shell.dump());
}

/// The real su; who is not root is root in a namespace of his own, for it would ask him for a password.
#[test]
fn a_real_su_leaves_the_tab_as_it_was() {
    let home = home_at("dev-eu");
    let root = rustix::process::geteuid().is_root();
    if !root {
        home.executable("bin/su", "#!/bin/sh\nexec unshare --map-root-user /bin/su \"$@\"\n");
    }
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let kind = Kind::Bash;
    let mut shell = kind.in_home(&home).redtab().patience(Duration::from_secs(30)).start();
    let from = shell.raw().len();
    shell.line(&format!("su -p -s /bin/bash {}", if root { "nobody" } else { "root" }));
    shell.line("export AWS_PROFILE=acme-prod");
    assert!(colors(&shell, from).ends_with(&["red"]), "{}", shell.dump());
    shell.line("kill -9 $$").enter();
    assert!(colors(&shell, from).ends_with(&["red", "clear"]), "{}", shell.dump());
}

// Logout

fn a_login_shell_puts_the_tab_back(kind: Kind) {
    let home = home_at("prod-eu");
    for (file, rc) in [(".bash_profile", ".bashrc"), (".zprofile", "none")] {
        // A login shell has a PATH of its own.
        home.write(file, format!("PATH=$HOME/bin:$PATH\n[ -r ~/{rc} ] && . ~/{rc}\n"));
    }
    let mut shell = kind.in_home(&home).rc("").redtab().start();
    shell.line(&format!("{} -l", kind.name()));
    let from = shell.raw().len();
    shell.line(if kind == Kind::Fish { "exit" } else { "logout" });
    assert_eq!(colors(&shell, from), ["red", "clear", "red"].as_slice()[1..], "{}", shell.dump());
}

in_every_shell! {
    a_multiplexer_finds_the_tab_as_it_was,
    exec_finds_a_yellow_tab_as_it_was,
    another_users_shell_leaves_the_tab_as_it_was,
    another_users_shell_without_a_hook_changes_nothing,
    a_login_shell_puts_the_tab_back,
}

/// Without the hook, nobody puts anything back.
#[test]
fn without_the_hook_the_tab_stays_red() {
    let home = home_at("prod-eu");
    let (tmux, attach) = with_tmux(&home);
    let mut shell = Kind::Bash.in_home(&home).start();
    let from = shell.raw().len();
    shell.line(&format!("printf '{}'", RED.replace('\x1b', "\\033").replace('\x07', "\\007")));
    shell.type_in(&attach).send("\r").wait_for("tmux", |t| t.text().contains("there"));
    tmux.tmux(&["detach-client"]);
    shell.prompt().enter();
    assert_eq!(colors(&shell, from), ["red"]);
}

/// Another user's hook takes the marks of a pane away, and the next prompt tells tmux again.
#[test]
fn a_pane_is_marked_again_behind_another_users_shell() {
    let home = home_at("prod-eu");
    home.write(".config/redtab/config.toml", "");
    home.executable(
        "bin/sudo",
        "#!/bin/sh\n[ \"$1\" = -s ] && shift\nREDTAB_RUN_DIR=$HOME/theirs exec \"$@\"\n",
    );
    let tmux = Tmux::server(&home, Kind::Bash);
    tmux.attach().until_entry("0:", Some(RED_GROUND));
    let clear = home.kubeconfig("dev", &["dev-eu"], "dev-eu");
    write_rc(&home, Kind::Zsh, true);
    tmux.line("%0", &format!("sudo -s env KUBECONFIG={} zsh -i", clear.display()));
    tmux.until_option("%0", "@redtab", "").until_entry("0:", None);
    tmux.line("%0", "exit").until_option("%0", "@redtab", "PROD prod-eu").until_entry("0:", Some(RED_GROUND));
}
