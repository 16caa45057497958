//! Every option of bash and of zsh turned over, one by one, in one shell: with none of them does a refused script run,
//! and with none of them does the shell stop working.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;

use support::{Home, Kind, Shell};

const NOT_RUN: &str = "was not run";

fn hot(kind: Kind) -> (Home, Shell) {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["prod-eu"], "prod-eu");
    home.executable("cleanup.sh", "#!/bin/sh\n# redtab: local-only\necho ran >>\"$HOME/ran\"\n");
    let shell = kind.in_home(&home).redtab().start();
    (home, shell)
}

fn count(shell: &Shell, text: &str) -> usize {
    shell.raw().windows(text.len()).filter(|w| *w == text.as_bytes()).count()
}

/// Turns an option over, has the script refused and a harmless line run, and turns it back.
fn turn(home: &Home, shell: &mut Shell, option: &str, over: &str, back: &str) {
    shell.line(over);
    let before = count(shell, NOT_RUN);
    shell.send(&format!("./cleanup.sh {option}\r")).prompt();
    assert!(!home.join("ran").exists(), "{option}\n{}", shell.dump());
    assert_eq!(count(shell, NOT_RUN), before + 1, "{option}\n{}", shell.dump());
    shell.line(&format!("touch alive-{option}"));
    assert!(home.join(&format!("alive-{option}")).exists(), "{option}\n{}", shell.dump());
    shell.line(back);
}

/// The names that a command of the shell prints, one a line.
fn names(kind: Kind, home: &Home, script: &str) -> Vec<String> {
    let output = home.command(kind.name()).args(["-c", script]).output().unwrap();
    let names: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert!(names.len() > 20, "{names:?}");
    names
}

/// Ends the shell, runs nothing at all, or is for starting it. `history` and `promptvars` turn the guard off, which the
/// prompt says (tests/guard.rs).
const NOT_IN_BASH: &[&str] =
    &["onecmd", "noexec", "history", "promptvars", "login_shell", "restricted_shell"];

#[test]
fn every_option_of_bash() {
    let (home, mut shell) = hot(Kind::Bash);
    for name in
        names(Kind::Bash, &home, "compgen -A setopt").iter().filter(|n| !NOT_IN_BASH.contains(&n.as_str()))
    {
        let over = format!("if [[ -o {name} ]]; then set +o {name}; b=-o; else set -o {name}; b=+o; fi");
        turn(&home, &mut shell, name, &over, &format!("set ${{b}} {name}"));
    }
    for name in
        names(Kind::Bash, &home, "compgen -A shopt").iter().filter(|n| !NOT_IN_BASH.contains(&n.as_str()))
    {
        let over = format!("if shopt -q {name}; then shopt -u {name}; b=-s; else shopt -s {name}; b=-u; fi");
        turn(&home, &mut shell, name, &over, &format!("shopt ${{b}} {name}"));
    }
    fs::remove_dir_all(home.join("run")).unwrap();
}

/// As in bash.
const NOT_IN_ZSH: &[&str] =
    &["exec", "interactive", "shinstdin", "singlecommand", "restricted", "zle", "onecmd"];

#[test]
fn every_option_of_zsh() {
    let (home, mut shell) = hot(Kind::Zsh);
    for name in names(Kind::Zsh, &home, "print -rl -- ${(ko)options}")
        .iter()
        .filter(|n| !NOT_IN_ZSH.contains(&n.as_str()))
    {
        let over =
            format!("if [[ -o {name} ]]; then b=set; unsetopt {name}; else b=unset; setopt {name}; fi");
        turn(&home, &mut shell, name, &over, &format!("${{b}}opt {name}"));
    }
}
