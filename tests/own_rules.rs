//! What a person configures for the guard, through the hook: a command that is local-only, and a rule of one's own.
//! The negative control is the same lines before the configuration says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;

use support::{Home, Kind, Shell};

const CONFIG: &str = "[local_only]\ncommands = [\"acme reset\"]\n[[rule]]\nname = \"acme-purge\"\nprograms = [\"acme\"]\n\
                      words = [\"purge\"]\nsays = \"deletes every tenant\"\n";

fn ran(home: &Home) -> bool {
    fs::remove_file(home.join("ran")).is_ok()
}

/// Enters a line that is held back, and leaves an empty prompt behind.
fn held(shell: &mut Shell, line: &str, told: &str, answer: Option<&str>) {
    shell.send(&format!("{line}\r"));
    if let Some(answer) = answer {
        shell.wait_for("the question", |t| t.text().contains("Enter to leave it"));
        shell.send(answer);
    }
    shell.wait_for("a refusal", |t| t.text().contains("It was not run.") && t.text().contains(told));
    if shell.kind == Kind::Fish {
        shell.send(&"\x15\x7f".repeat(6)).wait_for("an empty line", |t| t.typed().as_deref() == Some(""));
    } else {
        shell.prompt();
    }
    shell.line("clear");
}

fn what_is_configured_holds_at_enter(kind: Kind) {
    let home = Home::new();
    home.executable("bin/acme", "#!/bin/sh\necho \"$@\" >>\"$HOME/ran\"\n");
    let mut shell = kind.in_home(&home).redtab().size(40, 160).start();
    shell.export("APP_ENV", "production");
    for line in ["acme reset", "acme purge"] {
        shell.line(line);
        assert!(ran(&home), "{line}: {}", shell.dump());
    }
    home.write(".config/redtab/config.toml", CONFIG);
    shell.enter();
    held(&mut shell, "acme --fast reset", "is local-only (~/.config/redtab/config.toml:2)", None);
    assert!(!ran(&home), "{}", shell.dump());
    held(&mut shell, "acme purge", "deletes every tenant", Some("\r"));
    assert!(!ran(&home), "{}", shell.dump());
    shell.line("acme list");
    assert!(ran(&home), "{}", shell.dump());
}

in_every_shell!(what_is_configured_holds_at_enter);
