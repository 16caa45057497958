//! redtab in other people's prompts, the real ones, as the files in contrib/ say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::path::PathBuf;

use support::tmux::{RED, Tmux, YELLOW};
use support::{Home, Kind, Shell, WHITE_ON_RED, tool};

fn contrib(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("contrib").join(file);
    std::fs::read_to_string(path).unwrap()
}

fn switch(home: &Home, context: &str) {
    home.kubeconfig(".kube/config", &[context], context);
}

/// Whether the pane's last lines show this text on red.
fn is_red(tmux: &Tmux, text: &str) -> bool {
    tmux.find(text).is_some_and(|(_, ground)| ground == RED)
}

/// pure, as npm has it, in a git repository: what git says comes later, and the badge stays.
#[test]
fn pure_keeps_the_badge() {
    let home = Home::new();
    switch(&home, "dev-eu");
    let tools = tool("starship").parent().unwrap().parent().unwrap().join("pure/node_modules/pure-prompt");
    assert!(tools.join("pure.zsh").exists(), "pure is missing: tests/run --tools installs it");
    let init = "eval \"$(redtab init zsh)\"\n";
    let rc = format!("fpath+=({})\nautoload -U promptinit; promptinit\nprompt pure\n{init}", tools.display());
    home.write(".zshrc", rc);
    assert!(home.command("git").args(["init", "-q", "-b", "trunk", "work"]).status().unwrap().success());
    home.write("work/new", "x");
    let tmux = Tmux::with(&home, "cd work; exec zsh -i", "set -g status off\n");
    // `*`: git has answered, and pure has drawn its prompt again.
    let drawn = |tmux: &Tmux| tmux.client().screen().contents().contains("trunk*");
    tmux.attach().until("pure", drawn);
    assert!(!is_red(&tmux, "PROD"));
    for _ in 0..2 {
        switch(&home, "prod-eu");
        tmux.tmux(&["send-keys", "clear", "Enter"]);
        tmux.until("the badge beside what git says", |tmux| is_red(tmux, " PROD prod-eu ") && drawn(tmux));
        tmux.tmux(&["send-keys", "true", "Enter"]);
        tmux.until("it again", |tmux| {
            tmux.client().screen().contents().matches(" PROD prod-eu ").count() == 2
        });
        switch(&home, "dev-eu");
        tmux.tmux(&["send-keys", "clear", "Enter"]);
        tmux.until("no badge", |tmux| !tmux.client().screen().contents().contains("PROD") && drawn(tmux));
    }
}

/// The rc file's head for starship with this configuration, and the module of contrib/.
fn starship(home: &Home, kind: Kind, place: &str, format: &str) -> String {
    home.write(".config/redtab/config.toml", format!("[prompt]\nplace = \"{place}\"\n"));
    let module = contrib("starship.toml");
    home.write(".config/starship.toml", format!("add_newline = false\nformat = \"{format}\"\n{module}"));
    let starship = match kind {
        Kind::Fish => "starship init fish | source".to_string(),
        _ => format!("eval \"$(starship init {})\"", kind.name()),
    };
    let path =
        format!("{}:{}:/usr/bin:/bin", home.bin().display(), tool("starship").parent().unwrap().display());
    let path = match kind {
        Kind::Fish => format!("set -gx PATH {}", path.replace(':', " ")),
        _ => format!("export PATH={path}"),
    };
    format!("{path}\n{starship}")
}

/// The module for starship, in place of the hook's own segment.
fn starship_shows_it_by_a_module_of_its_own(kind: Kind) {
    let home = Home::new();
    switch(&home, "dev-eu");
    let rc = starship(&home, kind, "variable", "left ${env_var.REDTAB_BADGE}@@ ");
    home.write(kind.rc_path(), format!("{}{rc}\n{}\n", kind.rc_head(), kind.init()));
    let tmux = Tmux::with(&home, &format!("exec {} -i", kind.name()), "set -g status off\n");
    tmux.attach().prompt("%0");
    assert!(!tmux.client().screen().contents().contains("PROD"));
    let last = |tmux: &Tmux| {
        let lines = tmux.client().screen().contents();
        lines.trim_end().lines().last().unwrap_or_default().to_string()
    };
    let shown =
        |tmux: &Tmux, text: &str| last(tmux) == text && (!text.contains("PROD") || is_red(tmux, " PROD"));
    for name in [
        "prod-eu",
        "prod $(>~/F)`>~/F`",
        "prod %H%n\\u$HOME",
        "prod #(>~/F)",
        "prod '\"\\",
        "prod <redtab>",
        "prod %F{red}%(?.a.b)",
    ] {
        switch(&home, name);
        tmux.tmux(&["send-keys", "clear", "Enter"]);
        tmux.until(name, |tmux| shown(tmux, &format!("left  PROD {name}  @@")));
        assert!(!home.join("F").exists(), "{name}");
    }
    // Nothing older stands there when redtab gives no answer, is switched off, or says something else.
    home.replace_redtab("#!/bin/sh\nexit 1\n");
    switch(&home, "stg-1");
    tmux.tmux(&["send-keys", "Enter"]);
    let says = |tmux: &Tmux, text: &str| {
        let last = last(tmux);
        last.contains(text) && !["PROD", "STAGING", "<redtab>"].iter().any(|old| last.contains(old))
    };
    tmux.until("a question mark", |tmux| says(tmux, " redtab ? "));
    home.restore_redtab();
    tmux.tmux(&["send-keys", "Enter"]);
    tmux.until("staging", |tmux| {
        let found = tmux.find(" STAGING stg-1 ");
        found.is_some_and(|(row, ground)| ground == YELLOW && row.starts_with("left "))
    });
    tmux.line("%0", &kind.export("REDTAB", "off"));
    tmux.until("off", |tmux| says(tmux, " redtab off "));
    tmux.line("%0", &kind.unset("REDTAB"));
    switch(&home, "dev-eu");
    tmux.tmux(&["send-keys", "clear", "Enter"]);
    tmux.until("a clear prompt", |tmux| shown(tmux, "left @@"));
}

/// Which programs a prompt runs where nothing has changed: those of starship alone, module or not.
fn the_module_for_starship_costs_no_process(kind: Kind) {
    let programs = |place: &str, format: &str| {
        let home = Home::new();
        switch(&home, "prod-eu");
        let rc = starship(&home, kind, place, format);
        let mut shell = kind.in_home(&home).rc(&rc).redtab().traced().start();
        shell.settle();
        let calls = shell.calls_of_empty_lines(3);
        assert!(!calls.execs.iter().any(|call| call.contains("redtab\"")), "{calls:?}");
        assert!(calls.execs.iter().any(|call| call.contains("starship\"")), "{calls:?}");
        assert!(shell.screen().contains("PROD prod-eu"), "{}", shell.dump());
        calls.count()
    };
    assert_eq!(programs("variable", "${env_var.REDTAB_BADGE}@@ "), programs("front", "@@ "));
}

/// The segment goes back in front when the configuration says so, and the variable goes.
fn a_variable_that_another_shell_left_goes(kind: Kind) {
    let home = Home::new();
    switch(&home, "prod-eu");
    let mut shell = kind.in_home(&home).env("REDTAB_BADGE", "old").redtab().start();
    shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    assert_eq!(shell.value("\"$REDTAB_BADGE\""), "");
    home.write(".config/redtab/config.toml", "[prompt]\nplace = \"variable\"\n");
    shell.enter();
    let held = shell.value("\"$REDTAB_BADGE\"");
    assert!(if kind == Kind::Bash { held == "<redtab>" } else { held.contains(" PROD prod-eu ") }, "{held}");
    if kind != Kind::Bash {
        shell.enter().expect_text("");
    }
}

in_every_shell! {
    starship_shows_it_by_a_module_of_its_own,
    the_module_for_starship_costs_no_process,
    a_variable_that_another_shell_left_goes,
}

/// What powerlevel10k is asked for: the element's colours are those of the badge, whatever the palette.
#[test]
fn the_element_for_powerlevel10k_has_the_badges_colours() {
    let home = Home::new();
    switch(&home, "prod-eu");
    let rc = "p10k() { print -r -- \"$@\" >>$HOME/said }; precmd() { (( $#__redtab_bin )) && prompt_redtab }";
    let last =
        || std::fs::read_to_string(home.join("said")).unwrap_or_default().lines().last().map(String::from);
    for (palette, color, expected) in [
        ("default", "", "segment -f 231 -b 160 -t PROD prod-eu"),
        ("default", "truecolor", "segment -f #FFFFFF -b #C00000 -t PROD prod-eu"),
        ("colorblind", "truecolor", "segment -f #FFFFFF -b #AC4800 -t PROD prod-eu"),
        ("colorblind", "", "segment -f 231 -b 130 -t PROD prod-eu"),
    ] {
        home.write(".config/redtab/config.toml", format!("[prompt]\npalette = \"{palette}\"\n"));
        let mut shell = Kind::Zsh.in_home(&home).env("COLORTERM", color).rc(rc).redtab().start();
        shell.enter();
        assert_eq!(last().as_deref(), Some(expected));
    }
    home.write(".config/redtab/config.toml", "");
    let mut shell = Kind::Zsh.in_home(&home).env("TERM", "xterm").rc(rc).redtab().start();
    shell.enter();
    assert_eq!(last().as_deref(), Some("segment -f 15 -b 1 -t PROD prod-eu"));
    switch(&home, "stg-1");
    shell.enter().enter();
    assert_eq!(last().as_deref(), Some("segment -f 0 -b 3 -t STAGING stg-1"));
    switch(&home, "dev-eu");
    shell.enter();
    std::fs::remove_file(home.join("said")).unwrap();
    shell.enter();
    assert_eq!(last(), None);
}

/// In bash a place for the badge can stand in anybody's PS1.
#[test]
fn a_place_in_ones_own_ps1() {
    let home = Home::new();
    switch(&home, "dev-eu");
    let mut shell = Kind::Bash.in_home(&home).rc("PS1='a <redtab>b @@ '").redtab().start();
    let last = |shell: &Shell| shell.screen().trim_end().lines().last().unwrap_or_default().to_string();
    shell.enter();
    assert_eq!(last(&shell), "a b @@");
    switch(&home, "prod-eu");
    shell.enter();
    assert_eq!(last(&shell), "a  PROD prod-eu  b @@");
}
