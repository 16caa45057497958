//! The drivers in `support` against bare shells: what they see must be there, and what is there they must see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use support::{BLACK_ON_YELLOW, Calls, Home, Kind, WHITE_ON_RED};

/// The rc lines that put a coloured segment in front of the prompt, without redtab.
fn segment_by_hand(kind: Kind) -> &'static str {
    match kind {
        Kind::Bash => r"PS1='\[\e[41;97m\] PROD prod-eu \[\e[0m\] '$PS1",
        Kind::Zsh => "PROMPT='%K{red}%F{15} PROD prod-eu %f%k '$PROMPT",
        Kind::Fish => {
            "functions -c fish_prompt user_prompt
            function fish_prompt
                set_color -b red brwhite
                printf ' PROD prod-eu '
                set_color normal
                printf ' '
                user_prompt
            end"
        }
    }
}

fn a_bare_prompt_is_clear(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).start();
    shell.expect_clear().expect_right_width().enter().enter().expect_clear();
    assert_eq!(shell.segment().column, 0);
}

fn text_and_colours_of_a_segment_are_read(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).rc(segment_by_hand(kind)).start();
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED).expect_right_width().enter();
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    assert_eq!(shell.segment().column, 15);
}

fn a_segment_before_a_prompt_of_two_lines_is_read(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).prompt("~/app main\n@@ ").rc(segment_by_hand(kind)).start();
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED).expect_right_width().line("echo hello");
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED);
}

fn prompts_are_told_apart_when_the_screen_scrolls(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).size(5, 40).start();
    for turn in 0..12 {
        shell.line(&format!("echo turn-{turn}"));
        assert!(shell.screen().contains(&format!("\nturn-{turn}\n")), "{}", shell.dump());
    }
}

fn the_shells_own_words_are_right(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).env("GIVEN", "yes").start();
    shell.export("AWS_PROFILE", "it's \\a $HOME");
    assert_eq!(shell.value("\"$AWS_PROFILE\""), "it's \\a $HOME");
    shell.unset("AWS_PROFILE");
    assert_eq!(shell.value("\"[$AWS_PROFILE]\""), "[]");
    shell.line(&kind.assign("LATER", "on")).line(&format!("{}; env > env", kind.export_as_is("LATER")));
    assert!(std::fs::read_to_string(home.join("env")).unwrap().contains("LATER=on\n"));
    shell.line("false");
    assert_eq!(shell.value(kind.status()), "1");
    shell.line(&kind.alias("greet", "echo 'hello there'")).line("greet > said");
    assert_eq!(std::fs::read_to_string(home.join("said")).unwrap(), "hello there\n");
    shell.line(&kind.function("greet_again", "echo again")).line("greet_again > said-again");
    assert_eq!(std::fs::read_to_string(home.join("said-again")).unwrap(), "again\n");
    let file = home.write("vars", kind.export("SOURCED", "1"));
    shell.source(&file);
    assert_eq!(shell.value("\"$GIVEN$SOURCED\""), "yes1");
    shell.cd(&home.bin());
    assert_eq!(shell.value("\"$PWD\""), home.bin().display().to_string());
}

fn nothing_is_inherited(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).without("XDG_STATE_HOME").start();
    shell.line("env > env");
    let env = std::fs::read_to_string(home.join("env")).unwrap();
    let names = |text: &str| text.lines().filter_map(|l| Some(l.split_once('=')?.0.to_string())).collect();
    let names: Vec<String> = names(&env);
    let known: Vec<&str> = home.vars().map(|(name, _)| name).collect();
    let by_shell = ["PWD", "OLDPWD", "SHLVL", "_"];
    let foreign: Vec<_> =
        names.iter().filter(|n| !known.contains(&n.as_str()) && !by_shell.contains(&n.as_str())).collect();
    assert!(foreign.is_empty(), "inherited: {foreign:?}");
    assert!(!names.contains(&"XDG_STATE_HOME".to_string()), "XDG_STATE_HOME was to be taken out");
    assert!(names.contains(&"REDTAB_RUN_DIR".to_string()), "the environment was read");
}

fn an_empty_line_in_a_bare_shell_starts_nothing(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).traced().start();
    assert_eq!(shell.enter().calls_of_empty_lines(5), Calls::default());
    assert_eq!(shell.calls(|shell| _ = shell.line("/bin/true")).count(), (1, 1));
}

fn what_a_prompt_starts_is_counted(kind: Kind) {
    let rc = match kind {
        Kind::Bash => "PROMPT_COMMAND='$(/bin/true)'",
        Kind::Zsh => "precmd() { $(/bin/true) }",
        Kind::Fish => "function each --on-event fish_prompt; /bin/true; end",
    };
    let home = Home::new();
    let mut shell = kind.in_home(&home).rc(rc).traced().start();
    let (forks, execs) = shell.enter().calls_of_empty_lines(5).count();
    assert!(forks >= 5, "{forks} forks");
    assert_eq!(execs, 5);
}

fn a_closed_file_is_closed_to_an_unprivileged_shell(kind: Kind) {
    let home = Home::new();
    let file = home.write("closed", "text");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    let mut shell = kind.in_home(&home).unprivileged().traced().start();
    shell.line("test -r closed");
    assert_eq!(shell.value(kind.status()), "1");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    shell.line("test -r closed");
    assert_eq!(shell.value(kind.status()), "0");
}

fn whatever_runs_in_a_shell_ends_with_it(kind: Kind) {
    let home = Home::new();
    let mut shell = kind.in_home(&home).start();
    shell.line("sh -c 'setsid sleep 1000 & echo $! > pid'").line("sleep 1001 &");
    let job = shell.value(if kind == Kind::Fish { "$last_pid" } else { "$!" });
    let left_its_session = std::fs::read_to_string(home.join("pid")).unwrap();
    assert!(!is_dead(&job) && !is_dead(left_its_session.trim()));
    drop(shell);
    assert!(is_dead(&job), "{job} outlived its shell");
    drop(home);
    assert!(is_dead(left_its_session.trim()), "{left_its_session} outlived its home");
}

fn is_dead(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.is_empty() || stat.contains(") Z ")
}

in_every_shell! {
    a_bare_prompt_is_clear,
    text_and_colours_of_a_segment_are_read,
    a_segment_before_a_prompt_of_two_lines_is_read,
    prompts_are_told_apart_when_the_screen_scrolls,
    the_shells_own_words_are_right,
    nothing_is_inherited,
    an_empty_line_in_a_bare_shell_starts_nothing,
    what_a_prompt_starts_is_counted,
    a_closed_file_is_closed_to_an_unprivileged_shell,
    whatever_runs_in_a_shell_ends_with_it,
}

#[test]
#[should_panic(expected = "the prompt is not clear")]
fn a_red_prompt_is_not_taken_for_clear() {
    let home = Home::new();
    Kind::Bash.in_home(&home).rc(segment_by_hand(Kind::Bash)).start().expect_clear();
}

#[test]
#[should_panic(expected = "the segment is not")]
fn a_bare_prompt_is_not_taken_for_red() {
    let home = Home::new();
    Kind::Bash.in_home(&home).start().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
}

#[test]
#[should_panic(expected = "Black, ground: Yellow")]
fn the_wrong_colour_is_not_taken_for_the_right_one() {
    let home = Home::new();
    let mut shell = Kind::Bash.in_home(&home).rc(segment_by_hand(Kind::Bash)).start();
    shell.expect_segment(" PROD prod-eu ", BLACK_ON_YELLOW);
}

#[test]
#[should_panic(expected = "waiting for")]
fn a_prompt_whose_width_the_shell_does_not_know_is_found_out() {
    let home = Home::new();
    // Without \[ \] readline counts the colours as columns.
    let rc = r"PS1='\e[41;97m PROD x \e[0m '$PS1";
    let mut shell = Kind::Bash.in_home(&home).rc(rc).patience(Duration::from_millis(500)).start();
    shell.expect_segment(" PROD x ", WHITE_ON_RED).expect_right_width();
}

#[test]
fn threads_and_failed_calls_are_no_processes() {
    let trace = "\
7  execve(\"/usr/bin/true\", [\"true\"], 0x7ff /* 12 vars */) = 0
7  execve(\"/nowhere/true\", [\"true\"], 0x7ff /* 12 vars */) = -1 ENOENT (No such file or directory)
7  clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7f) = 8
7  clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD, exit_signal=0, stack=0x7f, stack_size=0x7f}, 88) = 9
7  clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD} <unfinished ...>
7  <... clone3 resumed>) = 10
7  vfork() = 11
";
    let calls = Calls::parse(trace);
    assert_eq!(calls.count(), (3, 1));
}
