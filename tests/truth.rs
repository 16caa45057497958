//! The guard's word against the truth: every line of `tests/data/truth.tsv` is run in the real shell, on a fixture of
//! its own whose flagged scripts leave a mark, and the guard's answer in a hot tab must be what happened. A line that
//! the guard stops although nothing flagged ran carries the reason in the table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use support::Home;

const TABLE: &str = include_str!("data/truth.tsv");

/// How long a line may take on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(30);

struct Case<'t> {
    shell: &'t str,
    line: String,
    runs: bool,
    /// Why the guard stops it although it runs nothing flagged.
    too_much: Option<&'t str>,
    /// (kind, name, text): aliases and functions of the tab.
    defined: Vec<(&'t str, &'t str, &'t str)>,
}

fn cases() -> Vec<Case<'static>> {
    let mut cases = Vec::new();
    for row in TABLE.lines().filter(|row| !row.is_empty() && !row.starts_with("# ")) {
        let columns: Vec<&str> = row.split('\t').collect();
        // A tab in a line is one of a here-doc: the last column is told by how it starts.
        let is_definition = |text: &str| ["alias ", "function "].iter().any(|k| text.starts_with(k));
        let (line, note) = match columns.as_slice() {
            [_, "not", line, note] => (line.to_string(), Some(*note)),
            [_, "ran", line, note] if is_definition(note) => (line.to_string(), Some(*note)),
            [_, _, line @ ..] if !line.is_empty() => (line.join("\t"), None),
            _ => panic!("not a row: {row}"),
        };
        let definitions = note.filter(|note| is_definition(note));
        let defined = definitions.map_or_else(Vec::new, |text| {
            text.split("; ")
                .fold(Vec::<String>::new(), |mut all, part| {
                    // `G=; ./x.sh`: the text itself may hold a `; `.
                    match all.last_mut() {
                        Some(last) if !is_definition(part) => *last += &format!("; {part}"),
                        _ => all.push(part.to_string()),
                    }
                    all
                })
                .into_iter()
                .map(|one| {
                    let one: &'static str = Box::leak(one.into_boxed_str());
                    let (kind, rest) = one.split_once(' ').unwrap();
                    let (name, text) = rest.split_once('=').unwrap();
                    (kind, name, text)
                })
                .collect()
        });
        let shells = if columns[0] == "all" { "bash,zsh,fish" } else { columns[0] };
        for shell in shells.split(',') {
            cases.push(Case {
                shell,
                line: line.replace('␤', "\n"),
                runs: columns[1] == "ran",
                too_much: note.filter(|note| !is_definition(note)),
                defined: defined.clone(),
            });
        }
    }
    cases
}

/// A home whose flagged scripts all write `ran`.
fn fixture() -> Home {
    let home = Home::new();
    let mark = home.join("ran").display().to_string();
    let shell = |flag: &str| format!("#!/bin/sh\n{flag}\n: > {mark}\n");
    let flagged = shell("# redtab: local-only");
    for script in ["app/cleanup.sh", "app/sub/cleanup.sh", "app/my tool.sh", "bin/tidy"] {
        home.executable(script, &flagged);
    }
    home.executable("app/late-mark", &shell(&format!("{}# redtab: local-only", "#\n".repeat(18))));
    home.executable("app/too-late.sh", &format!("#!/bin/sh\n{}# redtab: local-only\n", "#\n".repeat(25)));
    home.executable("app/windows-mark.sh", &shell("# redtab: local-only\r"));
    home.executable("app/mentions.sh", "#!/bin/sh\necho 'redtab: local-only ./cleanup.sh'\n");
    for harmless in ["app/harmless.sh", "app/sub/harmless.sh"] {
        home.executable(harmless, "#!/bin/sh\necho harmless\n");
    }
    home.write("app/harmless.py", "print(1)\n");
    home.executable(
        "app/cleanup.py",
        &format!("#!/usr/bin/env python3\n# redtab: local-only\nopen('{mark}', 'w')\n"),
    );
    home.write("app/cleanup.pl", format!("# redtab: local-only\nopen(F, '>', '{mark}');\n"));
    home.write(
        "app/cleanup.js",
        format!("// redtab: local-only\nrequire('fs').writeFileSync('{mark}', '');\n"),
    );
    home.write("app/cleanup.zsh", format!("# redtab: local-only\n: > {mark}\n"));
    home.write("app/cleanup.fish", format!("# redtab: local-only\ntrue > {mark}\n"));
    std::os::unix::fs::symlink("cleanup.sh", home.join("app/link.sh")).unwrap();
    std::os::unix::fs::symlink("sub", home.join("app/linked")).unwrap();
    fs::create_dir(home.join("app/empty")).unwrap();
    home.write("app/flagged/Makefile", format!("# redtab: local-only\nall clean:\n\t: > {mark}\n"));
    home.write(
        "app/Makefile",
        "all: harmless\nharmless:\n\t@echo $(HOME)\ndeep:\n\t@./cleanup.sh\ndeeper: harmless deep\n\
         S = ./cleanup.sh\nrun-it:\n\t-@$(S) $@\ninclude more.mk\n.PHONY: all harmless deep deeper run-it\n",
    );
    home.write("app/more.mk", "included: ; ./cleanup.sh\n");
    home.write(
        "app/package.json",
        r#"{"scripts": {"tidy": "echo a && ./cleanup.sh", "prelifecycle": "./cleanup.sh", "lifecycle": "echo",
            "test": "sh cleanup.sh", "start": "node cleanup.js", "harmless": "echo ./cleanup.sh"}}"#,
    );
    // They do what their names say, as the same user.
    let prefix = "#!/bin/sh\nwhile :; do case $1 in -u) shift 2;; -l|-v) exit;; -*|*=*) shift;; *) break;; esac; done\nexec \"$@\"\n";
    home.executable("bin/sudo", prefix);
    home.executable("bin/doas", prefix);
    home
}

/// Runs the line in its shell, as typed there; whether a flagged script ran.
fn truth(home: &Home, case: &Case) -> bool {
    let mut script = String::new();
    for (kind, name, text) in &case.defined {
        script += &match (*kind, case.shell) {
            ("alias", _) => format!("alias {name}='{text}'\n"),
            (_, "fish") => format!("function {name}\n{text}\nend\n"),
            _ => format!("{name}() {{\n{text}\n}}\n"),
        };
    }
    let mut shell = Command::new("setsid");
    shell.arg("--wait").arg(case.shell);
    match case.shell {
        "bash" => {
            shell.args(["--norc", "--noprofile", "-i", "-c", &format!("{script}eval \"$1\"\nwait"), "bash"])
        }
        "zsh" => shell.args(["-f", "-i", "-c", &format!("{script}eval \"$1\"\nwait"), "zsh"]),
        _ => shell.args(["--no-config", "-c", &format!("{script}eval $argv[1]\nwait")]),
    };
    shell.arg(&case.line).env_clear().envs(home.vars()).current_dir(home.join("app"));
    let out = || fs::File::create(home.join("said")).unwrap();
    let mut child = shell.stdin(Stdio::null()).stdout(out()).stderr(out()).spawn().unwrap();
    wait(&mut child, &case.line);
    let mark = home.join("ran");
    // What the shell did not wait for (`setsid x`, `&!`) may come a moment later.
    let until = Instant::now() + PATIENCE;
    while case.runs && !mark.exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    mark.exists()
}

fn wait(child: &mut Child, line: &str) {
    let until = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            child.kill().unwrap();
            panic!("still running: {line}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether the guard stops the line for a flag, asked as the hook asks.
fn guard(home: &Home, case: &Case, hot: bool) -> bool {
    let mut fields = field("line", "", &case.line);
    for (kind, name, text) in &case.defined {
        let kind = if *kind == "function" { "function" } else { "alias" };
        fields += &field(kind, &format!(" {name}"), text);
    }
    let mut command = Command::new("setsid");
    command.arg("--wait").arg(home.redtab()).args(["guard", "--shell", case.shell, "--pid", "1"]);
    command.env_clear().envs(home.vars()).current_dir(home.join("app"));
    if hot {
        command.env("APP_ENV", "production");
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(fields.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(77) => said.contains("is local-only"),
        Some(0) => false,
        other => panic!("{other:?} for {}: {said}", case.line),
    }
}

fn field(kind: &str, name: &str, text: &str) -> String {
    format!("{kind} {}{name}\n{text}\n", text.len())
}

#[test]
fn the_guard_says_what_would_run() {
    let mut cases = cases();
    let lines: std::collections::BTreeSet<&str> = cases.iter().map(|case| case.line.as_str()).collect();
    assert!(lines.len() >= 300, "only {} lines", lines.len());
    // For a person at work on some lines of the table.
    if let Ok(only) = std::env::var("REDTAB_TRUTH") {
        cases.retain(|case| case.line.contains(&only));
    }
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let home = fixture();
                    let stopped = guard(&home, case, true);
                    assert!(!home.join("ran").exists(), "the guard ran {}", case.line);
                    let ran = truth(&home, case);
                    let told = format!("{}: {}", case.shell, case.line);
                    let mut wrong = wrong.lock().unwrap();
                    if ran != case.runs {
                        wrong.push(format!("the table is wrong: ran={ran}  {told}\n{}", said(home.path())));
                    }
                    match (stopped, ran, case.too_much) {
                        (true, true, None) | (false, false, None) | (true, false, Some(_)) => {}
                        (false, true, _) => wrong.push(format!("ran, not stopped: {told}")),
                        (true, false, None) => wrong.push(format!("stopped, did not run: {told}")),
                        (_, _, Some(why)) => wrong.push(format!("no longer too much ({why}): {told}")),
                    }
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn said(home: &Path) -> String {
    fs::read_to_string(home.join("said")).unwrap_or_default()
}

/// The negative control: with nothing that points at production the same guard stops none of these.
#[test]
fn in_a_clear_tab_nothing_is_stopped() {
    let home = fixture();
    for case in cases().iter().filter(|case| case.runs).step_by(7) {
        assert!(!guard(&home, case, false), "{}", case.line);
    }
}
