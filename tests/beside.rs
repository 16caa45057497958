//! redtab beside the tools that people have at their prompts, the real ones, loaded before it and after it: what
//! direnv and mise export at a prompt shows at that very prompt, and starship keeps its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::path::Path;
use std::time::{Duration, SystemTime};

use support::{Home, Kind, Shell, Start, WHITE_ON_RED};

const PROD: &str = " PROD acme-prod ";

/// The line that loads a tool, as its manual has it.
fn hook(kind: Kind, tool: &str) -> String {
    let words = match tool {
        "mise" => "mise activate",
        "starship" => "starship init",
        _ => "direnv hook",
    };
    match kind {
        Kind::Fish => format!("{words} fish | source"),
        _ => format!("eval \"$({words} {})\"", kind.name()),
    }
}

/// A shell with redtab and another tool, whose directory is on PATH.
fn beside<'h>(kind: Kind, home: &'h Home, tool: &str, tool_first: bool) -> Start<'h> {
    let mut path = format!("{}:/usr/local/bin:/usr/bin:/bin", home.bin().display());
    if tool != "direnv" {
        path += &format!(":{}", support::tool(tool).parent().unwrap().display());
    }
    let start = kind
        .in_home(home)
        .env("PATH", &path)
        .env("DIRENV_LOG_FORMAT", "")
        .env("MISE_TRUSTED_CONFIG_PATHS", home.path().to_str().unwrap())
        .env("MISE_OFFLINE", "1")
        .env("MISE_QUIET", "1");
    let hook = hook(kind, tool);
    if tool_first { start.rc(&hook).redtab() } else { start.redtab().rc(&hook) }
}

/// Writes a file with a time of its own: direnv can't tell two writes of one second.
fn write_later(home: &Home, file: &str, text: &str, seconds: u64) {
    home.write(file, text);
    home.set_mtime(file, SystemTime::now() + Duration::from_secs(seconds));
}

fn what_direnv_exports_shows_at_that_very_prompt(kind: Kind) {
    for first in [true, false] {
        let home = Home::new();
        home.write("prod/.envrc", "export AWS_PROFILE=acme-prod\n");
        home.write("dev/.envrc", "export AWS_PROFILE=acme-dev\n");
        let mut shell = beside(kind, &home, "direnv", first).start();
        shell.expect_clear().cd(&home.join("prod")).expect_clear();
        shell.line("direnv allow").expect_segment(PROD, WHITE_ON_RED);
        shell.cd(&home.join("dev")).expect_clear().line("direnv allow").expect_clear();
        shell.cd(&home.join("prod")).expect_segment(PROD, WHITE_ON_RED).cd(home.path()).expect_clear();
        shell.cd(&home.join("dev")).expect_clear();
        // An edited file has to be allowed again; until then direnv takes everything back.
        write_later(&home, "dev/.envrc", "export AWS_PROFILE=acme-prod\n", 10);
        shell.enter().expect_clear().line("direnv allow").expect_segment(PROD, WHITE_ON_RED);
        write_later(&home, "dev/.envrc", "export AWS_PROFILE=acme-dev-2\n", 20);
        shell.enter().expect_clear().line("direnv allow").expect_clear();
        shell.cd(&home.join("prod")).expect_segment(PROD, WHITE_ON_RED).cd(Path::new("/")).expect_clear();
    }
}

fn an_edited_envrc_that_is_allowed_shows_at_that_very_prompt(kind: Kind) {
    for first in [true, false] {
        let home = Home::new();
        // direnv itself trusts these directories: an edit counts at once.
        let trusted = home.path().display();
        home.write(".config/direnv/direnv.toml", format!("[whitelist]\nprefix = [\"{trusted}\"]\n"));
        home.write("app/.envrc", "export AWS_PROFILE=acme-dev\n");
        let mut shell = beside(kind, &home, "direnv", first).start();
        shell.cd(&home.join("app")).expect_clear();
        for turn in 1..3 {
            write_later(&home, "app/.envrc", "export AWS_PROFILE=acme-prod\n", turn * 20);
            shell.enter().expect_segment(PROD, WHITE_ON_RED).enter().expect_segment(PROD, WHITE_ON_RED);
            write_later(&home, "app/.envrc", "export AWS_PROFILE=acme-dev\n", turn * 20 + 10);
            shell.enter().expect_clear().enter().expect_clear();
        }
    }
}

fn what_mise_exports_shows_at_that_very_prompt(kind: Kind) {
    for first in [true, false] {
        let home = Home::new();
        home.write("prod/mise.toml", "[env]\nAWS_PROFILE = \"acme-prod\"\n");
        home.write("dev/mise.toml", "[env]\nAWS_PROFILE = \"acme-dev\"\n");
        let mut shell = beside(kind, &home, "mise", first).start();
        shell.expect_clear().cd(&home.join("prod")).expect_segment(PROD, WHITE_ON_RED);
        shell.enter().expect_segment(PROD, WHITE_ON_RED);
        shell.cd(&home.join("dev")).expect_clear().cd(&home.join("prod")).expect_segment(PROD, WHITE_ON_RED);
        shell.cd(home.path()).expect_clear().enter().expect_clear();
    }
}

fn starship_and_the_segment_stand_side_by_side(kind: Kind) {
    for first in [true, false] {
        let home = Home::new();
        let config = home.write(
            ".config/starship.toml",
            "add_newline = false\nformat = \"$status@@ \"\n[status]\ndisabled = false\nformat = \"<$status> \"\n",
        );
        home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
        let start = beside(kind, &home, "starship", first).env("STARSHIP_CONFIG", config.to_str().unwrap());
        let mut shell = start.start();
        shell.enter().expect_clear();
        home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "prod-eu");
        shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED).expect_right_width();
        shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
        shell.line(if kind == Kind::Fish { "sh -c 'exit 3'" } else { "(exit 3)" });
        assert_eq!(last_line(&shell), "PROD prod-eu  <3> @@");
        home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
        shell.line("true").expect_clear();
    }
}

fn starships_empty_line_and_the_segment_are_both_there(kind: Kind) {
    let home = Home::new();
    let config = home.write(".config/starship.toml", "format = \"@@ \"\n");
    home.kubeconfig(".kube/config", &["prod-eu"], "prod-eu");
    let start = beside(kind, &home, "starship", true).env("STARSHIP_CONFIG", config.to_str().unwrap());
    let mut shell = start.start();
    shell.line("clear").enter().enter();
    assert_eq!(shell.screen().matches(" PROD prod-eu ").count(), 3, "{}", shell.dump());
}

fn last_line(shell: &Shell) -> String {
    shell.screen().lines().next_back().unwrap_or_default().trim().to_string()
}

in_every_shell! {
    what_direnv_exports_shows_at_that_very_prompt,
    an_edited_envrc_that_is_allowed_shows_at_that_very_prompt,
    what_mise_exports_shows_at_that_very_prompt,
    starship_and_the_segment_stand_side_by_side,
    starships_empty_line_and_the_segment_are_both_there,
}

#[test]
fn zsh_plugins_and_the_segment_leave_each_other_alone() {
    let plugins = "
        source /usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh
        source /usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh";
    for first in [true, false] {
        let home = Home::new();
        home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
        let start = Kind::Zsh.in_home(&home);
        let mut shell =
            if first { start.rc(plugins).redtab().start() } else { start.redtab().rc(plugins).start() };
        shell.line("echo hello").expect_clear();
        home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "prod-eu");
        shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED).expect_right_width();
        // The suggestion stands behind the cursor, the highlighting on what was typed.
        shell.send("echo hel");
        shell.wait_for("a suggestion", |t| t.text().ends_with("echo hello"));
        assert!(shell.raw().ends_with(b"m") || shell.dump().contains("Green"), "{}", shell.dump());
        shell.send("\x15").wait_for("an empty line", |t| t.typed().as_deref() == Some(""));
        home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
        shell.enter().expect_clear();
    }
}
