//! The guard at Enter, in real shells: what it refuses does not run, in whatever shape it is typed, and the shell goes
//! on as if nothing had been.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::time::{Duration, Instant};

use support::{Home, Kind, Shell, Start};

/// Ends every refusal.
const NOT_RUN: &str = "was not run";

/// A home on production, with a local-only script that leaves a line in `ran`.
fn home_on(context: &str) -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], context);
    home.executable("cleanup.sh", "#!/bin/sh\n# redtab: local-only\necho ran >>\"$HOME/ran\"\n");
    home.executable("plain.sh", "#!/bin/sh\necho plain >>\"$HOME/plain\"\n");
    fs::create_dir(home.join("real")).unwrap();
    fs::rename(home.redtab(), home.join("real/redtab")).unwrap();
    home.restore_redtab();
    home
}

/// A guard that refuses each line with `cleanup.sh` in it, and writes down what it is asked.
const STRICT: &str = "input=$(cat)
case $input in
*cleanup.sh*)
    echo stop
    printf '\\nredtab: a local-only script. It was not run.\\n' >/dev/tty
    exit 77;;
esac
exit 0";

/// Puts a shell script in the place of `redtab guard`; everything else is still redtab.
fn guard_is(home: &Home, script: &str) {
    home.replace_redtab(&format!(
        "#!/bin/sh\n[ \"$1\" = guard ] || exec \"$HOME/real/redtab\" \"$@\"\n\
         echo \"$*\" >>\"$HOME/asked\"\n{script}\n"
    ));
}

fn started(start: Start<'_>, home: &Home) -> Shell {
    let shell = start.redtab().start();
    guard_is(home, STRICT);
    shell
}

fn hot(kind: Kind) -> (Home, Shell) {
    let home = home_on("prod-eu");
    let mut shell = started(kind.in_home(&home), &home);
    shell.expect_text(" PROD prod-eu ");
    (home, shell)
}

fn count(shell: &Shell, text: &str) -> usize {
    shell.raw().windows(text.len()).filter(|w| *w == text.as_bytes()).count()
}

/// Sends keys that end in a refused line, and waits for an empty line at the next prompt.
#[track_caller]
fn refused_keys(home: &Home, shell: &mut Shell, keys: &str) {
    let before = count(shell, NOT_RUN);
    shell.send(keys);
    if shell.kind == Kind::Fish {
        let drawn = shell.prompts_drawn();
        shell.wait_for("the prompt again", |t| {
            t.raw.windows(NOT_RUN.len()).filter(|w| *w == NOT_RUN.as_bytes()).count() > before
                && t.prompts > drawn
                && t.typed().is_some_and(|typed| !typed.is_empty())
        });
        // The line is still there.
        shell.send("\x05\x15").wait_for("an empty line", |t| t.typed().as_deref() == Some(""));
    } else {
        shell.prompt();
    }
    assert!(!home.join("ran").exists(), "{}: {keys:?} ran\n{}", shell.kind.name(), shell.dump());
    assert!(
        count(shell, NOT_RUN) > before,
        "{}: {keys:?} was not refused\n{}",
        shell.kind.name(),
        shell.dump()
    );
}

#[track_caller]
fn refused(home: &Home, shell: &mut Shell, line: &str) {
    refused_keys(home, shell, &format!("{line}\r"));
}

#[track_caller]
fn works(home: &Home, shell: &mut Shell) {
    assert_eq!(shell.value("\"works\""), "works");
    let _ = fs::remove_file(home.join("plain"));
    shell.line("./plain.sh");
    assert_eq!(fs::read_to_string(home.join("plain")).unwrap(), "plain\n", "{}", shell.dump());
}

/// The shapes in which one line runs the script.
fn shapes(kind: Kind) -> Vec<&'static str> {
    let mut shapes = vec![
        "./cleanup.sh",
        "./cleanup.sh",
        "./cleanup.sh; touch x",
        "touch x; ./cleanup.sh",
        "./cleanup.sh && touch x",
        "./cleanup.sh || touch x",
        "sleep 0.1 | ./cleanup.sh",
        "./cleanup.sh | cat",
        "./cleanup.sh &",
        "bash -c './cleanup.sh'",
        "echo $(./cleanup.sh)",
        "./cleanup.sh # redtab",
        "command ./cleanup.sh",
    ];
    shapes.extend(match kind {
        Kind::Bash | Kind::Zsh => vec![
            "( ./cleanup.sh ); touch x",
            "{ ./cleanup.sh; }",
            "for i in 1 2; do ./cleanup.sh; done",
            "while ./cleanup.sh; do :; done",
            "if true; then ./cleanup.sh; fi",
            "! ./cleanup.sh",
            "f() { ./cleanup.sh; }; f",
            "cat <(./cleanup.sh)",
        ],
        Kind::Fish => vec![
            "begin; ./cleanup.sh; end",
            "for i in 1 2; ./cleanup.sh; end",
            "while ./cleanup.sh; true; end",
            "not ./cleanup.sh",
            "true; and ./cleanup.sh",
            "echo (./cleanup.sh)",
        ],
    });
    shapes
}

fn a_refused_line_runs_nothing_whatever_its_shape(kind: Kind) {
    let (home, mut shell) = hot(kind);
    for line in shapes(kind) {
        refused(&home, &mut shell, line);
        assert!(!home.join("x").exists(), "{line:?} ran in part");
    }
    works(&home, &mut shell);
}

fn without_the_hook_every_shape_runs_it(kind: Kind) {
    for line in shapes(kind) {
        let home = home_on("prod-eu");
        let mut shell = kind.in_home(&home).start();
        shell.send(&format!("{line}\r"));
        let end = Instant::now() + Duration::from_secs(15);
        while !home.join("ran").exists() {
            assert!(Instant::now() < end, "{line:?} did not run\n{}", shell.dump());
            std::thread::sleep(Duration::from_millis(2)); // a poll
        }
    }
}

fn an_alias_and_a_function_are_seen_through(kind: Kind) {
    let home = home_on("prod-eu");
    let mut start = kind.in_home(&home);
    for definition in [
        kind.alias("clean", "./cleanup.sh"),
        kind.function("tidy", "./cleanup.sh"),
        kind.function("deeper", "tidy"),
        kind.function("deepest", "deeper; tidy"),
    ] {
        start = start.rc(&definition);
    }
    let mut shell = started(start, &home);
    for line in ["clean", "tidy", "deeper; touch x", "clean && tidy", "deepest"] {
        refused(&home, &mut shell, line);
    }
    works(&home, &mut shell);
}

in_every_shell! {
    a_refused_line_runs_nothing_whatever_its_shape,
    without_the_hook_every_shape_runs_it,
    an_alias_and_a_function_are_seen_through,
}
