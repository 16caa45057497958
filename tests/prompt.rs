//! The prompt turns red where production is, on the very next prompt, and costs nothing when nothing changed: the
//! real hook in real shells.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use support::{BLACK_ON_YELLOW, Calls, Home, Kind, Shell, WHITE_ON_RED};

const DEV: &str = "kubectl config use-context dev-eu";
const PROD: &str = "kubectl config use-context prod-eu";

/// A home whose kubectl points at `current`, one of `dev-eu` and `prod-eu`.
fn home_at(current: &str) -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], current);
    home
}

fn redtab(kind: Kind, home: &Home) -> Shell {
    kind.in_home(home).redtab().start()
}

/// A time long ago, the same at every call.
fn long_ago() -> SystemTime {
    UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789)
}

/// How often redtab was asked for a prompt; the guard is another matter.
fn redtabs(calls: &Calls) -> usize {
    calls.execs.iter().filter(|line| line.contains("/redtab\", \"hook\"")).count()
}

// What turns it red, and clear again

fn a_switched_kubectl_context_shows_on_the_next_prompt(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = redtab(kind, &home);
    shell.expect_clear().line(PROD).expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    shell.line(DEV).expect_clear().enter().expect_clear();
}

fn a_shell_started_on_production_is_red_from_its_first_prompt(kind: Kind) {
    let home = home_at("prod-eu");
    redtab(kind, &home).expect_segment(" PROD prod-eu ", WHITE_ON_RED).line(DEV).expect_clear();
}

fn an_exported_profile_shows_on_the_next_prompt(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = redtab(kind, &home);
    shell.expect_clear().export("AWS_PROFILE", "acme-prod");
    shell.expect_segment(" PROD acme-prod ", WHITE_ON_RED).export("AWS_PROFILE", "acme-dev").expect_clear();
    shell.export("AWS_PROFILE", "acme-prod").expect_production().unset("AWS_PROFILE").expect_clear();
}

fn without_the_hook_nothing_turns_red(kind: Kind) {
    let home = home_at("prod-eu");
    let mut shell = kind.in_home(&home).start();
    shell.expect_clear().line(PROD).expect_clear().export("AWS_PROFILE", "acme-prod").expect_clear();
}

// Every change of a variable is seen

fn a_variable_that_is_not_exported_says_nothing_until_it_is(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = redtab(kind, &home);
    shell.line(&kind.assign("AWS_PROFILE", "acme-prod")).expect_clear();
    shell.line(&kind.export_as_is("AWS_PROFILE")).expect_segment(" PROD acme-prod ", WHITE_ON_RED);
    shell.line(&kind.unexport("AWS_PROFILE")).expect_clear();
}

fn a_name_never_seen_before_is_seen_when_it_fits_a_pattern(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = redtab(kind, &home);
    shell.export("ORDERS_URL", "postgres://db.dev.acme.example/orders").expect_clear();
    shell.export("PAYMENTS_URL", "postgres://app@db.prod.acme.example/payments").expect_production();
    shell.unset("PAYMENTS_URL").expect_clear();
}

fn empty_and_unset_are_told_apart(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = kind.in_home(&home).redtab().traced().start();
    shell.settle();
    for command in [kind.export("AWS_PROFILE", ""), kind.unset("AWS_PROFILE")] {
        let calls = shell.calls(|shell| _ = shell.line(&command));
        assert_eq!(redtabs(&calls), 1, "{command}: {calls:?}\n{}", shell.dump());
        shell.expect_clear();
    }
}

fn an_empty_kubeconfig_variable_means_the_usual_file(kind: Kind) {
    let home = home_at("prod-eu");
    let dev = home.kubeconfig("dev", &["dev-eu"], "dev-eu");
    let mut shell = redtab(kind, &home);
    shell.export("KUBECONFIG", dev.to_str().unwrap()).expect_clear();
    shell.export("KUBECONFIG", "").expect_segment(" PROD prod-eu ", WHITE_ON_RED);
}

// Every change of a file is seen

fn two_writes_that_share_a_time_are_both_seen(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = redtab(kind, &home);
    // A time that a file system with whole seconds could have given to both.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let shared = UNIX_EPOCH + Duration::from_secs(now.as_secs() + 1);
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
    home.set_mtime(".kube/config", shared);
    shell.enter().expect_clear();
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "prod-eu");
    home.set_mtime(".kube/config", shared);
    shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
}

fn an_older_file_moved_over_it_is_seen(kind: Kind) {
    let home = home_at("dev-eu");
    home.kubeconfig("older", &["prod-eu"], "prod-eu");
    home.set_mtime("older", long_ago());
    let mut shell = redtab(kind, &home);
    shell.expect_clear().line("mv older .kube/config").expect_segment(" PROD prod-eu ", WHITE_ON_RED);
}

fn an_older_file_copied_into_it_with_its_time_is_seen(kind: Kind) {
    let home = home_at("dev-eu");
    home.kubeconfig("older", &["prod-eu"], "prod-eu");
    home.set_mtime("older", long_ago());
    let mut shell = redtab(kind, &home);
    shell.expect_clear().line("cp -p older .kube/config").expect_segment(" PROD prod-eu ", WHITE_ON_RED);
}

fn a_link_switched_between_files_of_one_time_is_seen(kind: Kind) {
    let home = Home::new();
    for name in ["dev-eu", "prod-eu"] {
        home.kubeconfig(name, &[name], name);
        home.set_mtime(name, long_ago());
    }
    fs::create_dir(home.join(".kube")).unwrap();
    std::os::unix::fs::symlink(home.join("dev-eu"), home.join(".kube/config")).unwrap();
    let mut shell = redtab(kind, &home);
    shell.expect_clear().line("ln -sfn $HOME/prod-eu .kube/config");
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    shell.line("ln -sfn $HOME/dev-eu .kube/config").expect_clear();
}

fn a_file_that_can_no_longer_be_read_is_unsure(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = kind.in_home(&home).redtab().unprivileged().start();
    shell.expect_clear().line("chmod 000 .kube/config").expect_segment(" ? ", BLACK_ON_YELLOW);
    shell.enter().expect_segment(" ? ", BLACK_ON_YELLOW);
    shell.line("chmod 600 .kube/config").expect_clear();
}

fn a_file_that_goes_and_returns_is_seen_both_times(kind: Kind) {
    let home = home_at("prod-eu");
    home.set_mtime(".kube/config", long_ago());
    let mut shell = redtab(kind, &home);
    shell.expect_production().line("mv .kube/config aside").expect_clear().enter().expect_clear();
    shell.line("mv aside .kube/config").expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    shell.line("rm -r .kube").expect_clear();
}

fn a_file_of_the_list_that_appears_late_is_seen(kind: Kind) {
    let home = Home::new();
    let first = home.kubeconfig("first", &["dev-eu"], "");
    home.kubeconfig("saved", &["prod-eu"], "prod-eu");
    home.set_mtime("saved", long_ago());
    let list = format!("{}:{}", first.display(), home.join("second").display());
    let mut shell = kind.in_home(&home).env("KUBECONFIG", &list).redtab().start();
    shell.expect_clear().line("cp -p saved second").expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    shell.line("rm second").expect_clear();
}

// What it costs

fn nothing_changed_starts_nothing(kind: Kind) {
    let home = Home::new();
    let files: Vec<String> = (0..28)
        .map(|at| {
            let name = format!("dev-{at}");
            home.kubeconfig(&format!("kube/{at}"), &[&name], &name).display().to_string()
        })
        .collect();
    let mut start = kind.in_home(&home).env("KUBECONFIG", &files.join(":")).env("AWS_PROFILE", "acme-dev");
    for at in 0..38 {
        start = start.env(&format!("DB{at}_URL"), &format!("postgres://db{at}.dev.acme.example/orders"));
    }
    let mut shell = start.redtab().traced().start();
    shell.expect_clear().settle();
    assert_eq!(shell.calls_of_empty_lines(5), Calls::default());

    // The negative control, and its price.
    home.kubeconfig("kube/0", &["prod-eu"], "prod-eu");
    let calls = shell.calls(|shell| _ = shell.enter().expect_production());
    assert_eq!(redtabs(&calls), 1, "{calls:?}");
    assert_eq!(calls.execs.len(), 1, "{calls:?}");
    assert_eq!(redtabs(&shell.settle().calls_of_empty_lines(3)), 0, "once it is told apart, no more");
    home.kubeconfig("kube/27", &["dev-27"], "");
    assert_eq!(redtabs(&shell.calls_of_empty_lines(1)), 1, "the last file counts too");
    shell.settle();
    assert_eq!(redtabs(&shell.calls(|shell| _ = shell.unset("DB37_URL"))), 1, "the last variable counts too");
    assert_eq!(shell.calls_of_empty_lines(5), Calls::default());
}

// What the prompt looks like

fn the_users_prompt_stands_behind_it_untouched(kind: Kind) {
    let home = home_at("prod-eu");
    let mut shell = redtab(kind, &home);
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED).expect_right_width();
    assert_eq!(shell.segment().column, 15, "{}", shell.dump());
}

fn a_prompt_of_two_lines_gets_it_once(kind: Kind) {
    let home = home_at("prod-eu");
    let mut shell = kind.in_home(&home).prompt("~/app main\n@@ ").redtab().start();
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED).expect_right_width();
    shell.line("clear").enter();
    assert_eq!(shell.screen().matches("PROD").count(), 2, "{}", shell.dump());
}

fn a_prompt_set_after_the_hook_gets_it_too(kind: Kind) {
    let home = home_at("prod-eu");
    let own = kind.own_prompt(&["~/app @@ ".to_string()]);
    let mut shell = kind.in_home(&home).prompt("~/app @@ ").redtab().rc(&own).start();
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED).source(&home.write("prompt", &own));
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED).expect_right_width();
}

fn loaded_twice_it_shows_once(kind: Kind) {
    let home = home_at("prod-eu");
    let mut shell = kind.in_home(&home).redtab().redtab().start();
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED).line(kind.init());
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED).line(DEV).expect_clear();
}

// When redtab itself is broken or off

fn a_broken_redtab_is_said_and_never_looks_clear(kind: Kind) {
    let broken = ["exit 1", "exit 0", "kill -KILL $$", "echo gibberish", "exit 77"];
    let home = home_at("dev-eu");
    let mut shell = redtab(kind, &home);
    for script in broken {
        home.replace_redtab(&format!("#!/bin/sh\n{script}\n"));
        shell.expect_clear().export("AWS_PROFILE", "acme-prod").expect_text(" redtab ? ");
        shell.enter().expect_text(" redtab ? ");
        home.restore_redtab();
        shell.enter().expect_segment(" PROD acme-prod ", WHITE_ON_RED).unset("AWS_PROFILE");
    }
    home.remove_redtab();
    shell.expect_clear().export("AWS_PROFILE", "acme-prod").expect_text(" redtab ? ");
    shell.line("echo alive");
    assert!(shell.screen().contains("\nalive\n"), "{}", shell.dump());
}

fn what_a_broken_redtab_prints_is_never_run(kind: Kind) {
    let traps = [
        "$(touch F)",
        "`touch F`",
        "touch F",
        "a[$(touch F)]",
        "'; touch F; '",
        "\"; touch F; \"",
        "x)); touch F",
    ];
    let home = home_at("dev-eu");
    let mut shell = redtab(kind, &home);
    for (at, trap) in traps.iter().enumerate() {
        let text = home.write("text", format!("{trap}\n"));
        home.replace_redtab(&format!("#!/bin/sh\ncat {0}; cat {0} >&2\n", text.display()));
        shell.export("AWS_PROFILE", &format!("acme-{at}")).expect_text(" redtab ? ").enter();
        assert!(!home.join("F").exists(), "{trap:?} was run\n{}", shell.dump());
    }
}

fn a_repos_own_redtab_is_never_run(kind: Kind) {
    let home = home_at("dev-eu");
    home.executable("repo/bin/redtab", "#!/bin/sh\ntouch \"$HOME/F\"\n");
    let mut shell = redtab(kind, &home);
    shell.cd(&home.join("repo")).export("PATH", "bin:.:/usr/local/bin:/usr/bin:/bin");
    shell.line(&kind.function("redtab", "touch F")).line(&kind.alias("redtab", "touch F"));
    shell.export("AWS_PROFILE", "acme-prod").expect_segment(" PROD acme-prod ", WHITE_ON_RED);
    assert!(!home.join("F").exists() && !home.join("repo/F").exists());
}

fn switched_off_it_says_so(kind: Kind) {
    let home = home_at("prod-eu");
    let mut shell = redtab(kind, &home);
    shell.expect_production().export("REDTAB", "off").expect_text(" redtab off ").enter();
    shell.expect_text(" redtab off ").unset("REDTAB").expect_segment(" PROD prod-eu ", WHITE_ON_RED);
}

fn switched_off_from_outside_it_says_that_too(kind: Kind) {
    let home = home_at("prod-eu");
    let mut shell = kind.in_home(&home).env("REDTAB", "off").redtab().start();
    shell.expect_text(" redtab off (inherited) ").unset("REDTAB").expect_production();
}

// What it leaves alone

fn the_exit_status_is_kept(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = redtab(kind, &home);
    shell.line("sh -c 'exit 3'");
    assert_eq!(shell.value(kind.status()), "3");
    shell.line(&format!("{}; false", kind.export("AWS_PROFILE", "acme-prod"))).expect_production();
    assert_eq!(shell.value(kind.status()), "1");
}

fn nothing_is_printed_and_nothing_exported(kind: Kind) {
    let home = home_at("prod-eu");
    let mut shell = redtab(kind, &home);
    assert_eq!(shell.screen().trim(), "PROD prod-eu  @@", "{}", shell.dump());
    shell.line("env > env");
    let env = fs::read_to_string(home.join("env")).unwrap();
    let ours: Vec<_> = env
        .lines()
        .filter(|l| l.to_lowercase().contains("redtab_"))
        .filter(|l| !l.starts_with("REDTAB_RUN_DIR=") && !l.starts_with("REDTAB_SYSTEM_CONFIG="))
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
}

// Foreign text

fn a_hostile_context_name_is_shown_and_never_run(kind: Kind) {
    let harmless = [
        "prod-$(touch F)",
        "prod-`touch F`",
        "prod-a[$(touch F)]",
        "prod-%F{red}%n",
        "prod-\\u\\w",
        "prod-#[bg=green]",
        "prod-#(touch F)",
        "prod-'\"!x",
    ];
    let home = Home::new();
    let mut shell = redtab(kind, &home);
    for name in harmless {
        home.kubeconfig(".kube/config", &[name], name);
        shell.enter().expect_segment(&format!(" PROD {name} "), WHITE_ON_RED).expect_right_width().enter();
        assert!(!home.join("F").exists(), "{name:?} was run\n{}", shell.dump());
    }
}

fn a_name_of_control_characters_or_great_length_is_made_harmless(kind: Kind) {
    let long = "prod-".to_string() + &"x".repeat(300);
    let names = [
        "prod-\x1b[2J\x1b]0;title\x07",
        "prod-a\nb\rc\td",
        "prod-\u{202e}dne\u{2066}",
        "prod-\u{9b}31m\u{0}",
        &long,
    ];
    let home = Home::new();
    let mut shell = redtab(kind, &home);
    for name in names {
        home.kubeconfig(".kube/config", &[name], name);
        shell.enter().expect_production().expect_right_width().enter().expect_production();
        assert!(!shell.titles().iter().any(|title| title == "title"), "{:?}", shell.titles());
    }
}

fn a_hostile_variable_name_is_never_run(kind: Kind) {
    let home = home_at("dev-eu");
    let start = kind.in_home(&home).env("x$(touch F)_URL", "postgres://db.prod.acme.example/x");
    start.redtab().start().enter().export("AWS_PROFILE", "acme-prod").expect_production();
    assert!(!home.join("F").exists());
}

in_every_shell! {
    a_switched_kubectl_context_shows_on_the_next_prompt,
    a_shell_started_on_production_is_red_from_its_first_prompt,
    an_exported_profile_shows_on_the_next_prompt,
    without_the_hook_nothing_turns_red,
    a_variable_that_is_not_exported_says_nothing_until_it_is,
    a_name_never_seen_before_is_seen_when_it_fits_a_pattern,
    empty_and_unset_are_told_apart,
    an_empty_kubeconfig_variable_means_the_usual_file,
    two_writes_that_share_a_time_are_both_seen,
    an_older_file_moved_over_it_is_seen,
    an_older_file_copied_into_it_with_its_time_is_seen,
    a_link_switched_between_files_of_one_time_is_seen,
    a_file_that_can_no_longer_be_read_is_unsure,
    a_file_that_goes_and_returns_is_seen_both_times,
    a_file_of_the_list_that_appears_late_is_seen,
    nothing_changed_starts_nothing,
    the_users_prompt_stands_behind_it_untouched,
    a_prompt_of_two_lines_gets_it_once,
    a_prompt_set_after_the_hook_gets_it_too,
    loaded_twice_it_shows_once,
    a_broken_redtab_is_said_and_never_looks_clear,
    what_a_broken_redtab_prints_is_never_run,
    a_repos_own_redtab_is_never_run,
    switched_off_it_says_so,
    switched_off_from_outside_it_says_that_too,
    the_exit_status_is_kept,
    nothing_is_printed_and_nothing_exported,
    a_hostile_context_name_is_shown_and_never_run,
    a_name_of_control_characters_or_great_length_is_made_harmless,
    a_hostile_variable_name_is_never_run,
}
