//! Foreign text in every place it can come from is shown and never run or obeyed: names of contexts, namespaces,
//! profiles and variables, and whatever a program in redtab's place prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use support::{Home, Kind, Shell};

/// Names that a shell, a prompt, a terminal or tmux would obey if it read them, and that show as they are.
const SHOWN: &[&str] = &[
    "prod-$(touch F)",
    "prod-`touch F`",
    "prod-a[$(touch F)]",
    "prod-${x:=$(touch F)}",
    "prod-%F{red}%n%1(l.a.b",
    "prod-%97v%{%}",
    "prod-\\u\\w\\$(touch F)",
    "prod-#[bg=green]",
    "prod-#(touch F)",
    "prod-'\"!x ;touch F&",
    "prod-\\",
    "prod-日本のデータ",
];

/// Names that can't be shown as they are.
fn changed() -> Vec<String> {
    let mut names: Vec<String> = [
        "prod-\u{1b}[2J\u{1b}]0;title\u{7}",
        "prod-\u{1}\u{2}\u{8}\u{7f}",
        "prod-a\nb\rc\td",
        "prod-\u{202e}dne\u{2066}\u{200b}",
        "prod-\u{9b}31m",
        "prod-e\u{301}\u{fe0f}",
    ]
    .map(String::from)
    .into();
    names.push("prod-".to_string() + &"x".repeat(300));
    names.push("prod-".to_string() + &"本".repeat(300));
    names
}

/// The settings of a shell that change how it reads a prompt.
fn settings(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Bash => &["", "shopt -u promptvars", "set -o posix", "set -o posix; shopt -u promptvars"],
        Kind::Zsh => &[
            "",
            "setopt prompt_subst",
            "unsetopt prompt_percent",
            "setopt prompt_subst; unsetopt prompt_percent",
            "setopt prompt_bang prompt_subst",
            "setopt prompt_bang; unsetopt prompt_percent",
        ],
        Kind::Fish => &[""],
    }
}

fn nothing_was_run(home: &Home, shell: &Shell, name: &str) {
    assert!(!home.join("F").exists(), "{name:?} was run\n{}", shell.dump());
    assert!(shell.titles().iter().all(|title| title != "title"), "{name:?} set a title");
}

/// Exports the variable from a file, for not every text can be typed.
fn export_from_file(home: &Home, shell: &mut Shell, name: &str, value: &str) {
    let file = home.write("vars", shell.kind.export(name, value));
    shell.source(&file);
}

fn a_hostile_name_is_harmless_whatever_the_prompts_settings(kind: Kind) {
    for setting in settings(kind) {
        let home = Home::new();
        let mut shell = kind.in_home(&home).rc(setting).redtab().start();
        for name in SHOWN {
            home.kubeconfig(".kube/config", &[name], name);
            shell.enter();
            // The number of the command is put in the place of `!`, in the user's own prompt as well.
            // PS1 and PROMPT themselves hold the text there, without what could start an expansion.
            let literal = ["shopt -u promptvars", "unsetopt prompt_percent"].contains(&setting)
                || setting.contains("bang; unsetopt");
            let name = &if literal { name.replace(['$', '`'], "?") } else { (*name).to_string() };
            let bang = setting.contains("bang") && setting.contains("prompt_percent") && name.contains('!');
            shell.expect_shown(if bang { "prod-'\"" } else { name }).expect_right_width();
            nothing_was_run(&home, shell.enter(), name);
        }
        for name in changed() {
            home.kubeconfig(".kube/config", &[&name], &name);
            shell.enter().expect_shown("PROD prod-").expect_right_width();
            nothing_was_run(&home, shell.enter(), &name);
        }
    }
}

fn a_hostile_profile_is_harmless(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).redtab().start();
    let changed = changed();
    for name in SHOWN.iter().copied().chain(changed.iter().map(String::as_str)) {
        export_from_file(&home, &mut shell, "AWS_PROFILE", name);
        shell.expect_production().expect_right_width();
        nothing_was_run(&home, shell.enter(), name);
    }
}

fn a_hostile_namespace_is_harmless(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).redtab().start();
    let changed = changed();
    for name in SHOWN.iter().copied().chain(changed.iter().map(String::as_str)) {
        let text = support::kubeconfig(&["one", name], "one");
        // The second context's name becomes the namespace of the first: it is quoted already.
        let quoted = text.lines().filter_map(|line| line.strip_prefix("  name: ")).next_back().unwrap();
        let text =
            text.replacen("    user: admin\n", &format!("    user: admin\n    namespace: {quoted}\n"), 1);
        home.write(".kube/config", text);
        shell.enter().expect_production().expect_right_width();
        nothing_was_run(&home, shell.enter(), name);
    }
}

fn a_hostile_directory_is_harmless(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).redtab().start();
    for name in SHOWN {
        let dir = home.write(&format!("{name}/.redtab.toml"), "environment = \"production\"\n");
        shell.cd(dir.parent().unwrap()).expect_production().expect_right_width();
        nothing_was_run(&home, shell.enter(), name);
        assert!(!dir.with_file_name("F").exists(), "{name:?} was run");
    }
}

fn a_hostile_name_is_one_of_ascii_where_the_locale_is(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).env("LANG", "C").redtab().start();
    for name in SHOWN.iter().copied().filter(|name| name.is_ascii()).chain(["prod-本番", "prod-\u{9b}31m"])
    {
        home.kubeconfig(".kube/config", &[name], name);
        let shown: String = name.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
        shell.enter().expect_shown(&shown).expect_right_width();
        nothing_was_run(&home, shell.enter(), name);
    }
}

fn hostile_variable_names_are_harmless(kind: Kind) {
    let home = Home::new();
    let mut start = kind.in_home(&home);
    let names = [
        "x$(touch F)_URL",
        "x`touch F`_URL",
        "x;touch F;_URL",
        "a[$(touch F)]_URL",
        "x)touch F_URL",
        "x'\"\n_URL",
        "%F{red}_URL",
        "1_URL",
    ];
    for name in names {
        start = start.env(name, "postgres://db.dev.acme.example/x");
    }
    let mut shell = start.redtab().start();
    shell.enter().export("AWS_PROFILE", "acme-prod").expect_production().enter().expect_production();
    shell.export("AWS_PROFILE", "acme-dev").expect_clear().expect_right_width().enter().expect_clear();
    nothing_was_run(&home, &shell, "a variable's name");
}

fn variables_named_like_the_hooks_own_change_nothing(kind: Kind) {
    let home = Home::new();
    let mut start = kind.in_home(&home);
    for name in
        ["bin", "live", "seen", "now", "prefix", "ps1", "text", "segment", "literal", "skip", "always"]
    {
        start = start.env(&format!("__redtab_{name}"), "$(touch F)");
    }
    let mut shell = start.redtab().start();
    shell.expect_clear().export("AWS_PROFILE", "acme-prod").expect_text(" PROD acme-prod ");
    shell.unset("AWS_PROFILE").expect_clear();
    nothing_was_run(&home, &shell, "a variable");
}

fn what_stands_in_redtabs_place_prints_in_vain(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).redtab().start();
    let run = "touch F";
    let traps = [
        "$(touch F)",
        "`touch F`",
        "a[$(touch F)]",
        "%F{red}%n",
        "0$(touch F)",
        "redtab 1\n@",
        "redtab 1\n@\nredtab end\nx",
        "redtab 1\n@\nredtab end x",
        "redtab 1\n@\n redtab end",
        "@\nredtab 1\n@\nredtab end",
        "@\nredtab end",
        "redtab 1\nredtab end\n@",
        "redtab 2\n@\nredtab end",
        "redtab 10\n@\nredtab end",
        "redtab 1 \n@\nredtab end",
        "redtab 1\r\n@\r\nredtab end\r",
        "REDTAB 1\n@\nREDTAB END",
        "redtab *\n@\nredtab end",
        "redtab 1@\nredtab end",
    ];
    for trap in traps {
        home.write("text", format!("{}\n", trap.replace('@', run)));
        for status in [0, 1, 77] {
            home.replace_redtab(&format!("#!/bin/sh\ncat $HOME/text\ncat $HOME/text >&2\nexit {status}\n"));
            shell.enter();
            shell.export("AWS_PROFILE", &format!("acme-{status}-prod")).expect_text(" redtab ? ");
            nothing_was_run(&home, shell.enter(), trap);
        }
    }
    // A right reply counts for nothing when the program says that it failed.
    home.write("text", format!("redtab 1\n{run}\nredtab end\n"));
    home.replace_redtab("#!/bin/sh\ncat $HOME/text\ncat $HOME/text >&2\nexit 1\n");
    shell.enter().expect_text(" redtab ? ");
    nothing_was_run(&home, shell.enter(), "a failed reply");
    home.replace_redtab("#!/bin/sh\ncat $HOME/text\n");
    shell.enter();
    assert!(home.join("F").exists(), "the trap works where it is believed");
}

in_every_shell! {
    a_hostile_name_is_harmless_whatever_the_prompts_settings,
    a_hostile_profile_is_harmless,
    a_hostile_namespace_is_harmless,
    a_hostile_directory_is_harmless,
    a_hostile_name_is_one_of_ascii_where_the_locale_is,
    hostile_variable_names_are_harmless,
    variables_named_like_the_hooks_own_change_nothing,
    what_stands_in_redtabs_place_prints_in_vain,
}
