//! The hook is a guest in somebody's shell: it changes nothing that the person can see but the segment, and no
//! setting of theirs stops it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::{BLACK_ON_YELLOW, Home, Kind, Shell, WHITE_ON_RED};

fn home_at(current: &str) -> Home {
    let home = Home::new();
    switch(&home, current);
    home
}

fn switch(home: &Home, current: &str) {
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], current);
}

/// The core case: red on the next prompt, clear on the next.
fn both_ways(home: &Home, shell: &mut Shell) {
    switch(home, "prod-eu");
    shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    switch(home, "dev-eu");
    shell.enter().expect_clear();
}

// Loading it

fn loaded_again_and_again_it_is_there_once(kind: Kind) {
    let home = home_at("prod-eu");
    let mut shell = kind.in_home(&home).redtab().redtab().redtab().start();
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    for _ in 0..3 {
        shell.line(kind.init()).expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    }
    let hooks = match kind {
        Kind::Bash => "\"${PROMPT_COMMAND[*]}\"",
        Kind::Zsh => "\"$precmd_functions\"",
        Kind::Fish => "(functions fish_prompt | string match -r __redtab_show)",
    };
    let hooks = shell.value(hooks);
    assert!(hooks.matches("__redtab_").count() <= 2, "{hooks}");
    assert!(hooks.matches("__redtab_first").count() <= 1, "{hooks}");
    assert!(kind == Kind::Fish || hooks.matches("__redtab_pr").count() == 1, "{hooks}");
    both_ways(&home, &mut shell);
}

fn loaded_where_nobody_looks_it_says_and_does_nothing(kind: Kind) {
    let home = home_at("prod-eu");
    let script = format!("{}\necho done", kind.init());
    let output = home.command(kind.name()).args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "done\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

fn every_shell_within_a_shell_has_its_own(kind: Kind) {
    let home = home_at("prod-eu");
    let kinds = [Kind::Bash, Kind::Zsh, Kind::Fish];
    for other in kinds.into_iter().filter(|other| *other != kind) {
        let prompt = other.own_prompt(&[format!("{} @@ ", other.name())]);
        home.write(other.rc_path(), format!("{}{prompt}{}\n", other.rc_head(), other.init()));
    }
    let mut shell = kind.in_home(&home).redtab().start();
    let shows = |shell: &Shell, name: &str, segment: &str| {
        let text = shell.screen();
        let last = text.lines().next_back().unwrap_or_default().trim_end();
        assert_eq!(last, format!("{segment}{name}@@"), "{}", shell.dump());
    };
    for other in kinds.into_iter().filter(|other| *other != kind) {
        switch(&home, "prod-eu");
        shell.line(other.name());
        shows(&shell, &format!("{} ", other.name()), " PROD prod-eu  ");
        switch(&home, "dev-eu");
        shell.enter();
        shows(&shell, &format!("{} ", other.name()), "");
        switch(&home, "prod-eu");
        shell.line("exit").expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    }
    let last = kinds.into_iter().find(|other| *other != kind).unwrap();
    shell.line(&format!("exec {}", last.name()));
    shows(&shell, &format!("{} ", last.name()), " PROD prod-eu  ");
}

// The shell's own options

fn strict_settings_are_no_trouble(kind: Kind) {
    if kind == Kind::Fish {
        return both_ways_in_a_fish_with_odd_variables();
    }
    let home = home_at("dev-eu");
    for early in [true, false] {
        let strict = "set -eu -o pipefail";
        let start = kind.in_home(&home);
        let mut shell =
            if early { start.rc(strict).redtab().start() } else { start.redtab().rc(strict).start() };
        both_ways(&home, &mut shell);
        shell.line("true | cat").export("REDTAB", "off").expect_text(" redtab off ").unset("REDTAB");
        both_ways(&home, &mut shell);
        home.replace_redtab("#!/bin/sh\nexit 1\n");
        switch(&home, "prod-eu");
        shell.enter().expect_text(" redtab ? ").enter().expect_text(" redtab ? ");
        home.restore_redtab();
        switch(&home, "dev-eu");
        shell.enter().expect_clear();
    }
}

/// fish has no options; IFS is the one variable by which it reads differently.
fn both_ways_in_a_fish_with_odd_variables() {
    let home = home_at("dev-eu");
    let mut shell = Kind::Fish.in_home(&home).redtab().start();
    for odd in ["set -g IFS", "set -g IFS PROD", "set -gx IFS ''", "set -g CDPATH /"] {
        shell.line(odd);
        both_ways(&home, &mut shell);
        shell.export("AWS_PROFILE", "acme-prod").expect_text(" PROD acme-prod ").unset("AWS_PROFILE");
    }
}

/// Options that this test can't flip, and why.
const LEFT_ALONE: &[(&str, &str)] = &[
    ("noexec", "nothing can be typed any more"),
    ("exec", "nothing can be typed any more"),
    ("onecmd", "the shell ends after one command"),
    ("singlecommand", "the shell ends after one command"),
    ("restricted_shell", "read-only"),
    ("login_shell", "read-only"),
    ("login", "read-only"),
    ("interactive", "read-only"),
    ("shinstdin", "read-only"),
    ("restricted", "can't be taken back"),
    ("privileged", "changes the user"),
    ("promptpercent", "the segment has no colours then; injection.rs has it"),
    ("verbose", "prints the prompt's own text"),
];

/// Every option as (how to flip it, how to flip it back).
fn options(shell: &mut Shell, home: &Home) -> Vec<(String, String)> {
    let list = match shell.kind {
        Kind::Bash => "{ shopt -po; shopt -p; } > options",
        Kind::Zsh => "for o in ${(ko)options}; print -r -- $o $options[$o] > options",
        Kind::Fish => return Vec::new(),
    };
    let list = list.replace("> options", if shell.kind == Kind::Zsh { ">> options" } else { "> options" });
    shell.line(&list);
    let text = fs::read_to_string(home.join("options")).unwrap();
    let flipped = |line: &str| -> Option<(String, String)> {
        let (name, flip) = if shell.kind == Kind::Zsh {
            let (name, state) = line.split_once(' ')?;
            let flip = if state == "on" { "unsetopt" } else { "setopt" };
            (
                name,
                (
                    format!("{flip} {name}"),
                    format!("{} {name}", if state == "on" { "setopt" } else { "unsetopt" }),
                ),
            )
        } else {
            let (command, name) = line.rsplit_once(' ')?;
            let other = match command {
                "set -o" => "set +o",
                "set +o" => "set -o",
                "shopt -s" => "shopt -u",
                _ => "shopt -s",
            };
            (name, (format!("{other} {name}"), line.to_string()))
        };
        (!LEFT_ALONE.iter().any(|(left, _)| *left == name)).then_some(flip)
    };
    text.lines().filter_map(flipped).collect()
}

fn no_option_of_the_shell_stops_it(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = kind.in_home(&home).redtab().start();
    let options = options(&mut shell, &home);
    assert!(kind == Kind::Fish || options.len() > 60, "{}", options.len());
    for (flip, back) in options {
        shell.line(&flip);
        switch(&home, "prod-eu");
        shell.enter().expect_after(&flip, "PROD prod-eu");
        switch(&home, "dev-eu");
        shell.enter().expect_after(&flip, "");
        shell.line(kind.init()).expect_after(&flip, "");
        switch(&home, "prod-eu");
        shell.enter().expect_after(&flip, "PROD prod-eu");
        switch(&home, "dev-eu");
        shell.line(&back).expect_after(&back, "");
    }
}

trait After {
    fn expect_after(&mut self, what: &str, text: &str) -> &mut Self;
}

impl After for Shell {
    #[track_caller]
    fn expect_after(&mut self, what: &str, text: &str) -> &mut Self {
        let segment = self.segment();
        // Where the line can't be known no line can be held back, and a red segment says so.
        let blind = ["set +o history", "shopt -u promptvars"].contains(&what);
        let shown = segment.text.trim();
        let shown = if blind { shown.trim_end_matches(" · guard off") } else { shown };
        assert!(shown == text, "{what}: not {text:?}: {segment:?}\n{}", self.dump());
        self
    }
}

fn nothing_of_it_is_exported(kind: Kind) {
    let home = home_at("prod-eu");
    for rc in ["", "set -a", "setopt allexport"] {
        if (rc == "set -a") != (kind == Kind::Bash) && !rc.is_empty() {
            continue;
        }
        let mut shell = kind.in_home(&home).rc(rc).redtab().start();
        shell.enter().line("env > env").line(kind.init()).line("env >> env");
        let env = fs::read_to_string(home.join("env")).unwrap();
        let ours: Vec<&str> = env
            .lines()
            .filter(|line| line.to_lowercase().contains("redtab"))
            .filter(|line| {
                ["REDTAB_RUN_DIR=", "REDTAB_SYSTEM_CONFIG=", "HOME=", "PATH=", "XDG_", "PWD=", "OLDPWD="]
                    .iter()
                    .all(|n| !line.starts_with(n))
            })
            // An exported PS1 names the variable that the segment is in, no more.
            .filter(|line| !line.starts_with("PS1=${__redtab_ps1-}") && !line.contains("%97v"))
            .collect();
        assert!(ours.is_empty(), "{rc}: {ours:#?}");
    }
}

// What the person's commands left behind

/// What these words are at the prompt after each command, in a shell with or without redtab.
fn left_behind(kind: Kind, with: bool, broken: bool) -> Vec<String> {
    let home = home_at("dev-eu");
    let start = kind.in_home(&home);
    let mut shell = if with { start.redtab().start() } else { start.start() };
    if broken {
        home.replace_redtab("#!/bin/sh\nexit 1\n");
    }
    let words: &[&str] = match kind {
        Kind::Bash => &[
            "$?",
            "\"$_\"",
            "\"${PIPESTATUS[*]}\"",
            "\"$-\"",
            "\"${BASH_REMATCH[*]}\"",
            "\"$IFS\"",
            "\"$*\"",
        ],
        Kind::Zsh => &[
            "$?",
            "\"$_\"",
            "\"$pipestatus\"",
            "\"$-\"",
            "\"$match\"",
            "\"$IFS\"",
            "\"$*\"",
            "\"$REPLY$reply\"",
        ],
        Kind::Fish => &["$status", "\"$pipestatus\"", "\"$argv\""],
    };
    let commands: &[&str] = match kind {
        Kind::Bash | Kind::Zsh => &[
            "true",
            "false",
            "(exit 3)",
            "true | false | (exit 7)",
            "false | true",
            "echo one two three",
            "export AWS_PROFILE=acme-prod; false | (exit 4)",
            "unset AWS_PROFILE; (exit 5)",
            "set -- a b; false",
            "[[ abc =~ (b)(c) ]]; false",
        ],
        Kind::Fish => &[
            "true",
            "false",
            "sh -c 'exit 3'",
            "true | false | sh -c 'exit 7'",
            "false | true",
            "set -gx AWS_PROFILE acme-prod; false",
            "set -e AWS_PROFILE; sh -c 'exit 5'",
        ],
    };
    let mut all = Vec::new();
    for command in commands {
        for word in words {
            all.push(format!("{command} {word} -> {:?}", shell.line(command).value(word)));
        }
    }
    all
}

fn the_status_and_its_kin_are_as_without_it(kind: Kind) {
    let bare = left_behind(kind, false, false);
    assert_eq!(left_behind(kind, true, false), bare);
    assert_eq!(left_behind(kind, true, true), bare);
}

fn the_users_prompt_sees_the_right_status(kind: Kind) {
    let home = home_at("dev-eu");
    let prompt = match kind {
        Kind::Bash => "PS1='<$?> @@ '",
        Kind::Zsh => "PROMPT='<%?> @@ '",
        Kind::Fish => "function fish_prompt; printf '<%s> @@ ' (string join , $pipestatus); end",
    };
    let mut shell = kind.in_home(&home).rc(prompt).redtab().start();
    let last = |shell: &Shell| shell.screen().lines().next_back().unwrap_or_default().trim().to_string();
    let three = if kind == Kind::Fish { "sh -c 'exit 3'" } else { "(exit 3)" };
    assert_eq!(last(shell.line(three)), "<3> @@");
    assert_eq!(
        last(shell.line(&format!("{}; false", kind.export("AWS_PROFILE", "acme-prod")))),
        "PROD acme-prod  <1> @@"
    );
    assert_eq!(last(shell.line("true")), "PROD acme-prod  <0> @@");
    if kind == Kind::Fish {
        assert_eq!(last(shell.line("false | true | sh -c 'exit 4'")), "PROD acme-prod  <1,0,4> @@");
        shell.unset("AWS_PROFILE");
        assert_eq!(last(shell.line("true | false")), "<0,1> @@");
    }
    shell.unset("AWS_PROFILE");
    home.replace_redtab("#!/bin/sh\nexit 1\n");
    assert_eq!(
        last(shell.line(&format!("{}; {three}", kind.export("AWS_PROFILE", "x")))),
        "redtab ?  <3> @@"
    );
}

// Prompts of all kinds

fn the_segment_stands_behind_the_prompts_first_newlines(kind: Kind) {
    let home = home_at("prod-eu");
    let lines = ["", "", "~/app main", "@@ "].map(String::from);
    let own = kind.own_prompt(&lines);
    let mut shell = kind.in_home(&home).prompt("~/app main\n@@ ").rc(&own).redtab().start();
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED).expect_right_width().line("clear");
    shell
        .expect_segment(" PROD prod-eu ", WHITE_ON_RED)
        .enter()
        .expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    switch(&home, "dev-eu");
    shell.enter().expect_clear();
}

/// There bash reads lines, and fish whatever is printed, through a file.
fn a_run_directory_in_memory_changes_nothing(kind: Kind) {
    let home = home_at("dev-eu");
    let memory = tempfile::Builder::new().prefix("redtab-").tempdir_in("/dev/shm").unwrap();
    let start = kind.in_home(&home).env("REDTAB_RUN_DIR", memory.path().to_str().unwrap());
    let mut shell = start.prompt("~/app main\n@@ ").redtab().start();
    shell.export("ORDERS_URL", "postgres://db.prod.acme.example/x").expect_production();
    shell.unset("ORDERS_URL").expect_clear();
    both_ways(&home, &mut shell);
    switch(&home, "prod-eu");
    shell.line("clear").enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED).expect_right_width();
    let own = kind.own_prompt(&["", "~/app main", "@@ "].map(String::from));
    shell.source(&home.write("prompt", own));
    for _ in 0..2 {
        shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED).expect_right_width();
    }
    for shells in [memory.path().join("shells"), memory.path().to_path_buf()] {
        // zsh has no file there.
        let gone = fs::remove_dir_all(shells);
        assert!(gone.is_ok() || kind == Kind::Zsh, "{gone:?}");
        for _ in 0..2 {
            shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED).expect_right_width();
        }
        assert!(!shell.screen().contains("redirect"), "{}", shell.dump());
        both_ways(&home, &mut shell);
        switch(&home, "prod-eu");
    }
}

/// What programs and builtins print in the user's prompt comes in their order, even where it draws itself anew.
#[test]
fn fish_draws_a_prompt_of_programs_and_builtins() {
    let home = home_at("prod-eu");
    let memory = tempfile::Builder::new().prefix("redtab-").tempdir_in("/dev/shm").unwrap();
    let mixed = "/bin/echo -n a; printf b; /bin/echo -n c; emit fish_prompt; printf 'd @@ '";
    // Through a pipe fish itself, also without redtab, may put what a builtin prints before the output of the program that
    // ran right before it.
    let ends_in_a_program = mixed.replace("printf 'd", "/bin/echo -n 'd");
    for (run_dir, prompt, orders) in [
        (home.run_dir(), ends_in_a_program.as_str(), &["abcd", "bacd"][..]),
        (memory.path().to_path_buf(), mixed, &["abcd"]),
    ] {
        let start = Kind::Fish.in_home(&home).env("REDTAB_RUN_DIR", run_dir.to_str().unwrap());
        let mut shell = start.redtab().start();
        shell.source(&home.write("prompt", format!("function fish_prompt; {prompt}; end\n")));
        shell.line("clear").enter().enter();
        let drawn = |order: &&str| shell.screen().matches(&format!(" PROD prod-eu  {order} @@")).count();
        assert_eq!(orders.iter().map(drawn).sum::<usize>(), 3, "{}", shell.dump());
        shell.source(&home.write("plain", "function fish_prompt; printf '@@ '; end\n"));
        // A variable of the user's is not what was typed.
        shell.line("set -g line 'kubectl delete ns payments'").enter();
        shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED);
        for bound in ["bind \\r execute", "bind \\r 'commandline -f execute'"] {
            shell.line(bound).enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
        }
    }
}

fn a_prompt_rewritten_at_every_prompt_has_it_once(kind: Kind) {
    let home = home_at("dev-eu");
    let rc = match kind {
        Kind::Bash => "set_prompt() { PS1='@@ '; }; PROMPT_COMMAND=set_prompt",
        Kind::Zsh => "precmd() { PROMPT='@@ '; }",
        Kind::Fish => "function rewrite --on-event fish_prompt; function fish_prompt; printf '@@ '; end; end",
    };
    for before in [true, false] {
        let start = kind.in_home(&home);
        let mut shell = if before { start.redtab().rc(rc).start() } else { start.rc(rc).redtab().start() };
        // fish: a hook defined after redtab's takes the first prompt, and no other.
        shell.enter().enter();
        for _ in 0..3 {
            switch(&home, "prod-eu");
            shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
            shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
            switch(&home, "dev-eu");
            shell.enter().expect_clear().enter().expect_clear();
        }
    }
}

fn colours_are_left_out_where_they_are_not_wanted(kind: Kind) {
    let home = home_at("prod-eu");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.export("NO_COLOR", "1").expect_text("[PROD prod-eu]").expect_right_width();
    shell.unset("NO_COLOR").expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    let mut shell = kind.in_home(&home).env("NO_COLOR", "1").redtab().start();
    shell.expect_text("[PROD prod-eu]").expect_right_width();
    switch(&home, "dev-eu");
    shell.enter().expect_clear();
    home.replace_redtab("#!/bin/sh\nexit 1\n");
    shell.export("AWS_PROFILE", "x").expect_text("[redtab ?]").expect_right_width();
    home.restore_redtab();
    switch(&home, "prod-eu");
    let mut shell = kind.in_home(&home).env("TERM", "dumb").redtab().start();
    shell.expect_text("[PROD prod-eu]");
    assert!(!shell.raw().windows(4).any(|w| w == b"\x1b[97"), "{}", shell.dump());
}

// Off

fn switched_off_for_one_command_nothing_changes(kind: Kind) {
    let home = home_at("prod-eu");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.line("REDTAB=off true").expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    switch(&home, "dev-eu");
    shell.line("REDTAB=off true").expect_clear();
    shell.export("REDTAB", "on").expect_clear().export("REDTAB", "").expect_clear();
    shell.export("REDTAB", "off").expect_text(" redtab off ");
    home.write(
        kind.rc_path(),
        format!("{}{}{}\n", kind.rc_head(), kind.own_prompt(&["@@ ".into()]), kind.init()),
    );
    shell.line(kind.name()).expect_text(" redtab off (inherited) ");
    shell.unset("REDTAB").expect_clear().export("REDTAB", "off").expect_text(" redtab off ");
    shell.line("exit").expect_text(" redtab off ");
}

// Homes and disks

fn a_home_that_can_not_be_written_is_no_trouble(kind: Kind) {
    let home = home_at("dev-eu");
    let file = home.join(".kube/config");
    let mut shell = kind.in_home(&home).unprivileged().without("REDTAB_RUN_DIR").redtab().start();
    for dir in [".local/state", ".config", ".cache", ".local/share", ".local", ""] {
        fs::set_permissions(home.join(dir), fs::Permissions::from_mode(0o555)).unwrap();
    }
    for (current, red) in [("prod-eu", true), ("dev-eu", false), ("prod-eu", true)] {
        fs::write(&file, support::kubeconfig(&["dev-eu", "prod-eu"], current)).unwrap();
        shell.enter();
        if red {
            shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED)
        } else {
            shell.expect_clear()
        };
    }
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

fn without_a_home_it_still_sees_variables(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.unset("HOME").export("AWS_PROFILE", "acme-prod").expect_segment(" PROD acme-prod ", WHITE_ON_RED);
    shell.unset("AWS_PROFILE");
    assert_ne!(shell.segment().text, " redtab ? ", "{}", shell.dump());
    shell.export("HOME", home.path().to_str().unwrap());
    both_ways(&home, &mut shell);
}

fn without_a_run_directory_every_prompt_is_right(kind: Kind) {
    let home = home_at("dev-eu");
    home.write("file", "");
    for dir in ["/proc/nowhere".to_string(), home.join("file").display().to_string(), "relative".to_string()]
    {
        let mut shell = kind.in_home(&home).env("REDTAB_RUN_DIR", &dir).redtab().start();
        for _ in 0..2 {
            both_ways(&home, &mut shell);
            shell.export("AWS_PROFILE", "acme-prod").expect_text(" PROD acme-prod ");
            shell.unset("AWS_PROFILE").expect_clear();
        }
    }
}

fn a_run_directory_that_goes_away_is_no_trouble(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = kind.in_home(&home).redtab().start();
    both_ways(&home, &mut shell);
    for _ in 0..2 {
        fs::remove_dir_all(home.run_dir()).unwrap();
        both_ways(&home, &mut shell);
        shell.enter().enter();
        fs::remove_dir_all(home.run_dir()).unwrap();
        shell.export("AWS_PROFILE", "acme-prod").expect_text(" PROD acme-prod ");
        shell.unset("AWS_PROFILE").expect_clear();
    }
}

fn a_full_disk_is_no_trouble(kind: Kind) {
    // The larger one counts as memory until it is full.
    for size in ["16k", "1m"] {
        a_full_disk_of(size, kind);
    }
}

fn a_full_disk_of(size: &str, kind: Kind) {
    let home = home_at("dev-eu");
    let small = home.join("small");
    fs::create_dir(&small).unwrap();
    // In a mount namespace that goes with the shell.
    let script = format!("mount -t tmpfs -o size={size},mode=700 none {} && exec \"$@\"", small.display());
    let mut argv = vec!["unshare", "--mount"];
    if !rustix::process::geteuid().is_root() {
        argv.push("--map-root-user");
    }
    argv.extend(["sh", "-c", &script, "sh"]);
    let start = kind.in_home(&home).under(&argv).env("REDTAB_RUN_DIR", small.to_str().unwrap());
    let mut shell = start.redtab().start();
    both_ways(&home, &mut shell);
    shell.line("head -c 2000000 /dev/zero > small/filler");
    for at in 0..3 {
        both_ways(&home, &mut shell);
        shell.export(&format!("NEW{at}"), &"x".repeat(20)).expect_clear();
        shell.export("AWS_PROFILE", "acme-prod").expect_text(" PROD acme-prod ");
        shell.unset("AWS_PROFILE").expect_clear();
        shell.export(&format!("ORDERS{at}_URL"), "postgres://db.prod.acme.example/x").expect_production();
        shell.unset(&format!("ORDERS{at}_URL")).expect_clear();
    }
    shell.line("head -c 1 small/filler > one");
    assert_eq!(fs::read(home.join("one")).unwrap(), [0], "the disk was filled");
}

fn a_broken_config_is_said_until_it_is_mended(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.expect_clear();
    for broken in ["[watch]\nidel_after = \"10m\"\n", "[[[", "environment = 7\n"] {
        home.write(".config/redtab/config.toml", broken);
        shell.enter().expect_segment(" redtab config error ", BLACK_ON_YELLOW).expect_right_width();
        switch(&home, "prod-eu");
        shell.enter().expect_segment(" PROD prod-eu · config error ", WHITE_ON_RED).expect_right_width();
        switch(&home, "dev-eu");
        home.write(".config/redtab/config.toml", "# mended\n");
        shell.enter().expect_clear();
    }
}

in_every_shell! {
    loaded_again_and_again_it_is_there_once,
    loaded_where_nobody_looks_it_says_and_does_nothing,
    every_shell_within_a_shell_has_its_own,
    strict_settings_are_no_trouble,
    no_option_of_the_shell_stops_it,
    nothing_of_it_is_exported,
    the_status_and_its_kin_are_as_without_it,
    the_users_prompt_sees_the_right_status,
    the_segment_stands_behind_the_prompts_first_newlines,
    a_run_directory_in_memory_changes_nothing,
    a_prompt_rewritten_at_every_prompt_has_it_once,
    colours_are_left_out_where_they_are_not_wanted,
    switched_off_for_one_command_nothing_changes,
    a_home_that_can_not_be_written_is_no_trouble,
    without_a_home_it_still_sees_variables,
    without_a_run_directory_every_prompt_is_right,
    a_run_directory_that_goes_away_is_no_trouble,
    a_full_disk_is_no_trouble,
    a_broken_config_is_said_until_it_is_mended,
}

// PROMPT_COMMAND, which bash alone has

#[test]
fn prompt_command_keeps_what_was_in_it() {
    let shapes = [
        "PROMPT_COMMAND='echo one >>ran'",
        "PROMPT_COMMAND='echo one >>ran;'",
        "PROMPT_COMMAND='echo one >>ran; '",
        "PROMPT_COMMAND=$'echo one >>ran\\n'",
        "export PROMPT_COMMAND='echo one >>ran'",
        "PROMPT_COMMAND=('echo one >>ran')",
        "PROMPT_COMMAND=([3]='echo one >>ran')",
        "PROMPT_COMMAND=(true 'echo one >>ran' true)",
        "declare -a PROMPT_COMMAND=('' 'echo one >>ran' '')",
    ];
    for shape in shapes {
        for before in [true, false] {
            if !before && shape.contains('(') {
                continue; // a whole new array leaves no hook in it
            }
            let home = home_at("dev-eu");
            let start = Kind::Bash.in_home(&home);
            let mut shell =
                if before { start.rc(shape).redtab().start() } else { start.redtab().rc(shape).start() };
            shell.enter();
            both_ways(&home, &mut shell);
            fs::write(home.join("ran"), "").unwrap();
            shell.enter().enter();
            assert_eq!(fs::read_to_string(home.join("ran")).unwrap(), "one\none\n", "{shape}");
            // Others append to it later, in either way.
            shell.line("PROMPT_COMMAND=$PROMPT_COMMAND$'\\n'\"echo two >>ran\"");
            shell.line("PROMPT_COMMAND+=('echo three >>ran')").enter();
            both_ways(&home, &mut shell);
            fs::write(home.join("ran"), "").unwrap();
            shell.enter();
            let mut ran: Vec<String> =
                fs::read_to_string(home.join("ran")).unwrap().lines().map(String::from).collect();
            ran.sort();
            assert_eq!(ran, ["one", "three", "two"], "{shape}");
            assert!(!shell.screen().contains("bash:"), "{shape}\n{}", shell.dump());
        }
    }
}

#[test]
fn a_readonly_prompt_command_is_said_and_left_alone() {
    for shape in ["readonly PROMPT_COMMAND='true'", "readonly -a PROMPT_COMMAND=(true)"] {
        let home = home_at("prod-eu");
        let mut shell = Kind::Bash.in_home(&home).rc(shape).redtab().start();
        assert_eq!(shell.screen().matches("redtab").count(), 1, "{}", shell.dump());
        shell.line("clear").enter().enter();
        assert_eq!(shell.value("\"works\""), "works");
        assert!(!shell.screen().contains("readonly"), "{}", shell.dump());
        // Made readonly afterwards, it holds the hook already.
        let home = home_at("dev-eu");
        let mut shell = Kind::Bash.in_home(&home).redtab().rc("readonly PROMPT_COMMAND").start();
        both_ways(&home, &mut shell);
        assert!(!shell.screen().contains("readonly"), "{}", shell.dump());
    }
}

/// The shape of bash-preexec: its first piece notes that a command is over, its last one arms the DEBUG trap, which
/// calls `preexec` once for what the person types next.
const PREEXEC: &str = r#"
__bp_armed=
__bp_precmd_invoke_cmd() { __bp_rc=$?; __bp_armed=; echo "precmd $__bp_rc" >>"$HOME/log"; return "$__bp_rc"; }
__bp_interactive_mode() { __bp_armed=on; }
__bp_preexec_invoke_exec() {
    if [[ -z $__bp_armed ]]; then return; fi
    __bp_armed=
    echo "preexec $BASH_COMMAND" >>"$HOME/log"
}
__bp_install() {
    local existing=${PROMPT_COMMAND:-}
    existing=${existing//__bp_install/:}
    PROMPT_COMMAND='__bp_precmd_invoke_cmd'
    PROMPT_COMMAND+=${existing:+$'\n'$existing}
    PROMPT_COMMAND+=('__bp_interactive_mode')
    trap '__bp_preexec_invoke_exec "$_"' DEBUG
    __bp_interactive_mode
}
PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__bp_install
"#;

#[test]
fn bash_preexec_beside_it_sees_what_it_saw_without() {
    let log = |place: usize| {
        let home = home_at("dev-eu");
        let start = Kind::Bash.in_home(&home);
        let mut shell = match place {
            0 => start.rc(PREEXEC).start(),
            1 => start.rc(PREEXEC).redtab().start(),
            _ => start.redtab().rc(PREEXEC).start(),
        };
        shell.enter().enter();
        fs::write(home.join("log"), "").unwrap();
        shell.line("echo one").line("false").line("true | cat").enter();
        if place > 0 {
            shell.line("export AWS_PROFILE=acme-prod").expect_text(" PROD acme-prod ");
            shell.line("unset AWS_PROFILE").expect_clear();
        } else {
            shell.line("export AWS_PROFILE=acme-prod").line("unset AWS_PROFILE");
        }
        fs::read_to_string(home.join("log")).unwrap()
    };
    let bare = log(0);
    assert!(bare.contains("preexec echo one\nprecmd 0\npreexec false\nprecmd 1\n"), "{bare}");
    // At an empty line the trap still stands when the first piece of PROMPT_COMMAND runs, whichever that is.
    let theirs = |log: String| log.replace("preexec __redtab_first", "preexec __bp_precmd_invoke_cmd");
    assert_eq!(theirs(log(1)), bare, "loaded before redtab");
    assert_eq!(theirs(log(2)), bare, "loaded after redtab");
}

#[test]
fn a_users_own_traps_are_kept() {
    let home = home_at("dev-eu");
    let rc = "trap 'echo debug >>$HOME/debug' DEBUG; trap 'echo err >>$HOME/err' ERR; trap 'echo bye >$HOME/bye' EXIT";
    let mut shell = Kind::Bash.in_home(&home).rc(rc).redtab().start();
    shell.enter();
    both_ways(&home, &mut shell);
    shell.line("trap > traps");
    let traps = fs::read_to_string(home.join("traps")).unwrap();
    for word in ["echo debug", "echo err", "echo bye"] {
        assert!(traps.contains(word), "{traps}");
    }
    shell.exit();
    assert_eq!(fs::read_to_string(home.join("bye")).unwrap(), "bye\n");
}

/// What bash leaves in the run directory goes when the next shell starts.
#[test]
fn files_of_ended_shells_are_swept() {
    let home = Home::new();
    let files = || fs::read_dir(home.run_dir().join("shells")).unwrap().count();
    let mut first = Kind::Bash.in_home(&home).redtab().start();
    assert_eq!(files(), 1);
    first.exit();
    drop(first);
    let mut second = Kind::Bash.in_home(&home).redtab().start();
    assert_eq!(files(), 1);
    second.exit();
}
