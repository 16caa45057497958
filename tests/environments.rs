//! Environments beyond production, and what the segment says of them, in real shells: colours, badges, severities, how
//! many things say so, the short form, and a form of the user's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use support::{BLACK_ON_YELLOW, Home, Hue, Kind, Look, WHITE_ON_RED};

in_every_shell!(
    staging_is_yellow_out_of_the_box,
    a_users_own_environments_look_as_he_says,
    several_things_that_count_are_counted,
    the_short_form_is_the_badge,
    a_users_own_format_is_filled,
);

const WHITE_ON_MAGENTA: Look = Look { text: Hue::White, ground: Hue::Magenta };

fn configured(text: &str) -> Home {
    let home = Home::new();
    home.write(".config/redtab/config.toml", text);
    home
}

/// A context, a profile and a host, all of them production.
const THREE: [(&str, &str); 3] =
    [("AWS_PROFILE", "acme-prod"), ("PGHOST", "prod-db.acme.example"), ("KUBECONFIG", "")];

fn staging_is_yellow_out_of_the_box(kind: Kind) {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["stg-1"], "stg-1");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.expect_segment(" STAGING stg-1 ", BLACK_ON_YELLOW);
    // The guard is for production: nothing is asked here.
    shell.line("AWS_PROFILE=staging true").expect_segment(" STAGING stg-1 ", BLACK_ON_YELLOW);
    shell.export("AWS_PROFILE", "acme-prod").expect_segment(" PROD acme-prod ", WHITE_ON_RED);
    shell.unset("AWS_PROFILE").expect_segment(" STAGING stg-1 ", BLACK_ON_YELLOW).expect_right_width();
}

fn a_users_own_environments_look_as_he_says(kind: Kind) {
    let home = configured(
        "[[environment]]\nname = \"qa\"\nmatch = [\"qa\"]\nseverity = \"caution\"\ncolor = \"magenta\"\nbadge = \"QA!\"\n\
         [[environment]]\nname = \"dr\"\nmatch = [\"dr\"]\ncolor = \"#0000af\"\n\
         [[environment]]\nname = \"canary\"\nmatch = [\"canary\"]\nseverity = \"caution\"\n",
    );
    home.write("local.sh", "# redtab: local-only\ntouch ran\n");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.export("AWS_PROFILE", "acme-qa").expect_segment(" QA! acme-qa ", WHITE_ON_MAGENTA);
    shell.line("sh ./local.sh");
    assert!(home.join("ran").exists(), "caution is only shown\n{}", shell.dump());
    shell.export("AWS_PROFILE", "acme-canary").expect_segment(" CANARY acme-canary ", BLACK_ON_YELLOW);
    // One without a severity counts as production, whatever its colour.
    shell.export("AWS_PROFILE", "acme-dr").expect_text(" DR acme-dr ");
    std::fs::remove_file(home.join("ran")).unwrap();
    shell.send("sh ./local.sh\r").wait_for("the refusal", |t| t.text().contains("It was not run"));
    assert!(!home.join("ran").exists());
}

fn several_things_that_count_are_counted(kind: Kind) {
    let home = Home::new();
    let kubeconfig = home.kubeconfig("k", &["prod-eu"], "prod-eu");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.expect_clear();
    shell.export("KUBECONFIG", kubeconfig.to_str().unwrap()).expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    shell.export(THREE[0].0, THREE[0].1).expect_segment(" PROD prod-eu +1 ", WHITE_ON_RED);
    shell
        .export(THREE[1].0, THREE[1].1)
        .expect_segment(" PROD prod-eu +2 ", WHITE_ON_RED)
        .expect_right_width();
    // What is no production adds nothing.
    shell.export("DATABASE_URL", "postgres://db.dev.acme.example/x");
    shell.expect_segment(" PROD prod-eu +2 ", WHITE_ON_RED);
    shell.unset("KUBECONFIG").expect_segment(" PROD acme-prod +1 ", WHITE_ON_RED);
}

fn the_short_form_is_the_badge(kind: Kind) {
    let home = configured("[prompt]\nsegment = \"short\"\nformat = \"{badge} never {target}\"\n");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.export("AWS_PROFILE", "acme-prod").expect_segment(" PROD ", WHITE_ON_RED);
    shell.export("AWS_PROFILE", "acme-stg").expect_segment(" STAGING ", BLACK_ON_YELLOW);
    shell.export("NO_COLOR", "1").expect_text("[STAGING]");
}

fn a_users_own_format_is_filled(kind: Kind) {
    let home = configured("[prompt]\nformat = \"{badge}! {domain}:{target} {more} $(touch pwned)\"\n");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.export("AWS_PROFILE", "acme-prod");
    shell.expect_segment(" PROD! cloud:acme-prod $(touch pwned) ", WHITE_ON_RED);
    shell.export("PGHOST", "prod-db").expect_right_width();
    shell.expect_shown("+1 $(touch pwned)");
    home.write(".config/redtab/config.toml", "[prompt]\nformat = \"{more} {target}\"\n");
    shell.enter().export("PGHOST", "x").expect_segment(" acme-prod ", WHITE_ON_RED);
    assert!(!home.join("pwned").exists());
}

#[test]
fn a_wrong_format_is_shown_with_its_place() {
    for (format, message) in [
        (
            "{badge} {traget}",
            "`format` knows no {traget}\n2 | format = \"{badge} {traget}\"\n  | did you mean `target`?",
        ),
        ("{badge", "`format` has a brace without its other half"),
        ("badge}", "`format` has a brace without its other half"),
        ("{}", "`format` knows no {}"),
        ("", "`format` needs {badge} or {target}"),
        ("PROD {more}", "`format` needs {badge} or {target}"),
        (&"x".repeat(65), "`format` must be at most 64 visible columns"),
    ] {
        let home = configured(&format!("[prompt]\nformat = \"{format}\"\n"));
        let out = home.command(home.redtab()).args(["config", "check"]).output().unwrap();
        let said = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(1), "{format}: {said}");
        assert!(said.contains("config.toml:2:10: ") && said.contains("^^"), "{format}: {said}");
        for part in message.lines().map(|line| line.split(" | ").last().unwrap()) {
            assert!(said.contains(part), "{format}: {part:?} is not in {said}");
        }
    }
}

/// `redtab status` at the prompt: the verdict, every reason, what stands ready, and the line that overrules it.
#[test]
fn status_is_a_page_that_tells_all() {
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let home = Home::new();
        home.kubeconfig(".kube/config", &["k8s-eu-1", "stg-1", "prod-eu"], "k8s-eu-1");
        let mut shell = kind.in_home(&home).size(30, 120).redtab().start();
        let page = |shell: &mut support::Shell| {
            shell.line("clear");
            shell.line("redtab status").screen()
        };
        let armed = format!("  guard   armed ({} ", kind.name());
        let has = |screen: &str, parts: &[&str]| {
            for part in parts {
                assert!(screen.contains(part), "{}: no {part:?}\n{screen}", kind.name());
            }
        };
        has(
            &page(&mut shell),
            &[
                "clear  nothing here points at production",
                &armed,
                "Is k8s-eu-1 production?  redtab mark production kube_context k8s-eu-1",
            ],
        );
        home.kubeconfig(".kube/config", &["k8s-eu-1", "stg-1", "prod-eu"], "stg-1");
        let staging =
            ["STAGING  this tab points at staging", "Not staging?  redtab mark safe kube_context stg-1"];
        has(&page(&mut shell), &staging);
        home.kubeconfig(".kube/config", &["k8s-eu-1", "stg-1", "prod-eu"], "prod-eu");
        let lines = [
            "PROD  this tab points at production",
            "  kube   context   prod-eu ",
            "~/.kube/config:",
            "\"prod\"",
            &armed,
            "Not production?  redtab mark safe kube_context prod-eu",
        ];
        has(&page(&mut shell), &lines);
        // What the page says last is what mends it.
        shell.line("redtab mark safe kube_context prod-eu").expect_clear();
        if kind == Kind::Bash {
            shell.line("set +o history");
            has(&page(&mut shell), &["  guard   off (bash 5", "): history is off.  redtab doctor"]);
        }
        shell.export("REDTAB", "off");
        has(&page(&mut shell), &["  guard   off (", "): REDTAB=off is set"]);
    }
}

/// A shell without a hook says nothing of a guard: what another shell of this tab said does not hold here.
#[test]
fn a_guard_that_is_not_there_is_not_claimed() {
    let home = Home::new();
    let mut shell = Kind::Bash.in_home(&home).redtab().start();
    let state = |shell: &mut support::Shell, command: &str| {
        shell.line(&format!("{command} >status.json"));
        let json = std::fs::read_to_string(home.join("status.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&json).unwrap()["guard"]["state"]
            .as_str()
            .unwrap()
            .to_string()
    };
    assert_eq!(state(&mut shell, "redtab status --json"), "armed");
    assert_eq!(state(&mut shell, "bash -c 'redtab status --json; true'"), "unknown");
    shell.line("set +o history");
    assert_eq!(state(&mut shell, "redtab status --json"), "off");
}
