//! Files and names that others put in the way: the prompt is back in time, unsure rather than clear, and right again
//! when they are mended. Nothing named like redtab, or like what its hook uses, is ever run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use support::{BLACK_ON_YELLOW, Home, Kind, Shell, WHITE_ON_RED};

/// The prompt must be back within redtab's own deadline of 2 s, with room for a busy machine.
const DEADLINE: Duration = Duration::from_secs(5);

fn fifo(path: &Path) {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

fn sparse(path: &Path) {
    fs::File::create(path).unwrap().set_len(10 << 30).unwrap();
}

fn unreadable(path: &Path) {
    fs::write(path, "current-context: prod-eu\n").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
}

fn alias_bomb(path: &Path) {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_string();
    for at in 1..40 {
        let alias = format!("*a{}", at - 1);
        text += &format!("a{at}: &a{at} [{}]\n", [alias.as_str(); 9].join(", "));
    }
    // What kubectl would look at is the bomb itself.
    text += "current-context: prod\ncontexts: *a39\nclusters: *a39\n";
    fs::write(path, text).unwrap();
}

type Trap = (&'static str, fn(&Path));

const TRAPS: &[Trap] = &[
    ("a named pipe", fifo),
    ("a directory", |path| fs::create_dir(path).unwrap()),
    ("a link to /dev/zero", |path| symlink("/dev/zero", path).unwrap()),
    ("a link to a terminal", |path| symlink("/dev/tty", path).unwrap()),
    ("10 GB", sparse),
    ("closed", unreadable),
    ("a link to itself", |path| symlink(path, path).unwrap()),
    ("nothing but zeros", |path| fs::write(path, [0; 10_000]).unwrap()),
    ("no text", |path| fs::write(path, [0xff, 0xfe, 0xc3, 0x28]).unwrap()),
];

const KUBE_TRAPS: &[Trap] = &[
    ("an alias bomb", alias_bomb),
    ("100,000 deep in brackets", |path| fs::write(path, "[".repeat(100_000)).unwrap()),
    ("100,000 deep in braces", |path| fs::write(path, "{a: ".repeat(100_000)).unwrap()),
    ("100,000 deep in dashes", |path| fs::write(path, "- ".repeat(100_000)).unwrap()),
];

const TOML_TRAPS: &[Trap] = &[
    ("100,000 deep in brackets", |path| fs::write(path, format!("match = {}", "[".repeat(100_000))).unwrap()),
    ("100,000 deep in braces", |path| fs::write(path, format!("match = {}", "{a=".repeat(30_000))).unwrap()),
    ("a long dotted key", |path| fs::write(path, format!("a{} = 1", ".a".repeat(50_000))).unwrap()),
];

fn clear_away(path: &Path) {
    let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
}

fn is_unsure_in_time(shell: &mut Shell, trap: &str) {
    let begin = Instant::now();
    shell.enter();
    let took = begin.elapsed();
    assert!(took < DEADLINE, "{trap}: back after {took:?}");
    let segment = shell.segment();
    let unsure = segment.text.starts_with(" ? ") && segment.look == Some(BLACK_ON_YELLOW);
    assert!(unsure, "{}: {trap} is not unsure: {segment:?}\n{}", shell.kind.name(), shell.dump());
}

fn a_kubeconfig_that_is_a_trap_is_unsure_until_it_is_mended(kind: Kind) {
    let home = Home::new();
    let path = home.join("kubeconfig");
    let start = kind.in_home(&home).unprivileged().env("KUBECONFIG", path.to_str().unwrap());
    let mut shell = start.redtab().start();
    shell.expect_clear();
    for (name, set) in TRAPS.iter().chain(KUBE_TRAPS) {
        set(&path);
        is_unsure_in_time(&mut shell, name);
        clear_away(&path);
        home.kubeconfig("kubeconfig", &["prod-eu"], "prod-eu");
        shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
        clear_away(&path);
        shell.enter().expect_clear();
    }
    // kubectl skips what is not there.
    symlink(home.join("nowhere"), &path).unwrap();
    shell.enter().expect_clear();
    home.kubeconfig("nowhere", &["prod-eu"], "prod-eu");
    shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
}

fn a_redtab_toml_that_is_a_trap_is_unsure_until_it_is_mended(kind: Kind) {
    let home = Home::new();
    let path = home.join("project/.redtab.toml");
    fs::create_dir_all(home.join("project/deep/down")).unwrap();
    let mut shell = kind.in_home(&home).unprivileged().cwd(&home.join("project/deep/down")).redtab().start();
    shell.expect_clear();
    for (name, set) in TRAPS.iter().chain(TOML_TRAPS) {
        set(&path);
        is_unsure_in_time(&mut shell, name);
        clear_away(&path);
        fs::write(&path, "environment = \"production\"\n").unwrap();
        shell.enter().expect_production();
        clear_away(&path);
        shell.enter().expect_clear();
    }
    symlink(home.join("nowhere"), &path).unwrap();
    shell.enter().expect_clear();
    home.write("nowhere", "environment = \"production\"\n");
    shell.enter().expect_production();
}

fn a_config_that_is_a_trap_is_said_until_it_is_mended(kind: Kind) {
    let home = Home::new();
    let path = home.join(".config/redtab/config.toml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut shell = kind.in_home(&home).unprivileged().env("AWS_PROFILE", "acme-prod").redtab().start();
    for (name, set) in TRAPS.iter().chain(TOML_TRAPS) {
        set(&path);
        let begin = Instant::now();
        shell.enter();
        assert!(begin.elapsed() < DEADLINE, "{name}: back after {:?}", begin.elapsed());
        shell.expect_text(" PROD acme-prod · config error ");
        clear_away(&path);
        shell.enter().expect_text(" PROD acme-prod ");
    }
}

// What is named like redtab, or like what the hook calls

/// Everything that a hook of these shells might call by its bare name.
const NAMES: &[&str] = &[
    "redtab",
    "test",
    "printf",
    "echo",
    "true",
    "false",
    "cat",
    "eval",
    "exec",
    "read",
    "export",
    "unset",
    "set",
    "shopt",
    "compgen",
    "declare",
    "typeset",
    "string",
    "count",
    "math",
    "functions",
    "contains",
    "print",
    "emulate",
    "zmodload",
    "setopt",
    "status",
    "dirname",
    "date",
    "stat",
    "sed",
    "tr",
    "head",
    "hook",
    "prompt",
];

/// Words that only an alias can take.
const WORDS: &[&str] = &[
    "local", "builtin", "command", "return", "if", "then", "fi", "case", "esac", "while", "do", "done", "[[",
    "]]", "else", "for", "in", "elif", "{", "}", "!", "function", "time", "until", "select", "coproc", ":",
    "[", "&&",
];

/// The lines that define whatever this shell lets one define. `touch` is called by its path.
fn definitions(kind: Kind, home: &Home) -> String {
    let touch = format!("/usr/bin/touch {}", home.join("F").display());
    let mut lines = String::new();
    for name in NAMES {
        // fish keeps some names, and its own functions need the others: they tell and do their work.
        let kept = ["set", "read", "status", "test", "string", "eval", "exec"].contains(name);
        let builtin =
            ["printf", "echo", "true", "false", "count", "math", "functions", "contains"].contains(name);
        match kind {
            Kind::Fish if kept => {}
            Kind::Fish => {
                let real = if builtin { "builtin" } else { "command" };
                lines += &format!(
                    "function {name}
                        set -l callers (status stack-trace | string match -rg \"in function '([^']*)'\")
                        string match -qr '^(fish_prompt|__redtab_(?!user_).*)$' -- \"$callers[2]\"
                        and {touch}
                        {real} {name} $argv
                    end\n"
                );
            }
            // The distribution's own zshrc calls some of them.
            Kind::Zsh => {
                let body = format!("[[ $funcstack[2] == __redtab* ]] && {touch}; builtin {name} \"$@\"");
                lines += &format!("{}\n", kind.function(name, &body));
            }
            Kind::Bash => lines += &format!("{}\n", kind.function(name, &touch)),
        }
    }
    lines
}

fn aliases(kind: Kind, home: &Home) -> String {
    let body = format!("/usr/bin/touch {} ;", home.join("F").display());
    let mut lines = String::new();
    match kind {
        Kind::Bash => {
            for name in WORDS.iter().filter(|name| **name != "&&").chain(NAMES) {
                lines += &format!("\\builtin alias {}={}\n", kind.quote(name), kind.quote(&body));
            }
        }
        Kind::Zsh => {
            for name in WORDS.iter().chain(NAMES) {
                lines += &format!("\\builtin alias -- {}={}\n", kind.quote(name), kind.quote(&body));
            }
            for name in
                ["on", "off", "hook", "1", "2", "-a", "-ga", "REDTAB", "__redtab_live", "reply", "all"]
            {
                lines += &format!(
                    "\\builtin alias -g -- {}={}\n",
                    kind.quote(name),
                    kind.quote("; /usr/bin/touch F ;")
                );
            }
        }
        // fish's aliases are functions.
        Kind::Fish => lines += &definitions(kind, home),
    }
    lines
}

fn switches_still_show(home: &Home, shell: &mut Shell) {
    for (current, red) in [("prod-eu", true), ("dev-eu", false), ("prod-eu", true)] {
        home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], current);
        shell.enter();
        if red {
            shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED)
        } else {
            shell.expect_clear()
        };
        assert!(!home.join("F").exists(), "it was run\n{}", shell.dump());
    }
}

fn a_function_of_any_name_is_never_run(kind: Kind) {
    let home = Home::new();
    let text = definitions(kind, &home);
    let mut shell = kind.in_home(&home).redtab().rc(&text).start();
    switches_still_show(&home, &mut shell);
    // Defined before: only the words of the user's own rc line must be themselves.
    let own = |line: &&str| !["redtab() ", "eval() "].iter().any(|word| line.starts_with(word));
    let before: String = text.lines().filter(own).collect::<Vec<_>>().join("\n");
    let mut shell = kind.in_home(&home).rc(&before).redtab().start();
    switches_still_show(&home, &mut shell);
}

fn an_alias_of_any_name_is_never_run(kind: Kind) {
    let home = Home::new();
    let text = aliases(kind, &home);
    let mut shell = kind.in_home(&home).redtab().rc(&text).start();
    switches_still_show(&home, &mut shell);
    // Before: `\eval` is how a person with such an alias would write the line.
    let init = match kind {
        Kind::Bash => "\\eval \"$(\\redtab init bash)\"",
        Kind::Zsh => "\\eval \"$(\\redtab init zsh)\"",
        Kind::Fish => "command redtab init fish | source",
    };
    let mut shell = kind.in_home(&home).rc(&text).rc(init).start();
    switches_still_show(&home, &mut shell);
}

fn programs_of_a_repo_are_never_run(kind: Kind) {
    let home = Home::new();
    for name in NAMES {
        for dir in ["repo/bin", "repo"] {
            home.executable(&format!("{dir}/{name}"), "#!/bin/sh\n/usr/bin/touch \"$HOME/F\"\n");
        }
    }
    let path = format!("bin:.:{}:/usr/local/bin:/usr/bin:/bin", home.bin().display());
    fs::rename(home.join("repo/bin/redtab"), home.join("repo/redtab.aside")).unwrap();
    fs::rename(home.join("repo/redtab"), home.join("repo/redtab.aside2")).unwrap();
    let mut shell = kind.in_home(&home).cwd(&home.join("repo")).env("PATH", &path).redtab().start();
    fs::rename(home.join("repo/redtab.aside"), home.join("repo/bin/redtab")).unwrap();
    fs::rename(home.join("repo/redtab.aside2"), home.join("repo/redtab")).unwrap();
    switches_still_show(&home, &mut shell);
}

in_every_shell! {
    a_kubeconfig_that_is_a_trap_is_unsure_until_it_is_mended,
    a_redtab_toml_that_is_a_trap_is_unsure_until_it_is_mended,
    a_config_that_is_a_trap_is_said_until_it_is_mended,
    a_function_of_any_name_is_never_run,
    an_alias_of_any_name_is_never_run,
    programs_of_a_repo_are_never_run,
}
