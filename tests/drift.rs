//! The drift stop: another tab switches to production between a prompt and its Enter. What that concerns is held once,
//! everything else runs, and the next prompt is red.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;

use support::{Home, Kind, Shell, WHITE_ON_RED};

const HELD: &str = "since this prompt was drawn";

fn home_on(context: &str) -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], context);
    home.executable("plain.sh", "#!/bin/sh\necho plain >>\"$HOME/ran\"\n");
    home.executable("cleanup.sh", "#!/bin/sh\n# redtab: local-only\necho cleanup >>\"$HOME/ran\"\n");
    home.executable("bin/kubectl", "#!/bin/sh\necho kubectl >>\"$HOME/ran\"\n");
    home.executable("bin/psql", "#!/bin/sh\necho psql >>\"$HOME/ran\"\n");
    home
}

fn switch(home: &Home, context: &str) {
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], context);
}

fn clear(kind: Kind, config: &str) -> (Home, Shell) {
    let home = home_on("dev-eu");
    if !config.is_empty() {
        home.write(".config/redtab/config.toml", config);
    }
    let mut shell = kind.in_home(&home).redtab().start();
    shell.expect_clear();
    (home, shell)
}

fn ran(home: &Home) -> String {
    fs::read_to_string(home.join("ran")).unwrap_or_default()
}

fn count(shell: &Shell, text: &str) -> usize {
    shell.raw().windows(text.len()).filter(|w| *w == text.as_bytes()).count()
}

/// Enters a line that must be held, and waits until it is at hand again at a red prompt.
#[track_caller]
fn held(home: &Home, shell: &mut Shell, line: &str) {
    let (before, drawn, known) = (count(shell, HELD), shell.prompts_drawn(), ran(home));
    shell.send(&format!("{line}\r"));
    if shell.kind == Kind::Bash {
        shell.wait_for("a prompt", |t| t.prompts > drawn && t.typed().as_deref() == Some(""));
        shell.send("\x1b[A");
    }
    shell.wait_for("the line at a new prompt", |t| t.prompts > drawn && t.typed().as_deref() == Some(line));
    assert_eq!(ran(home), known, "{}", shell.dump());
    assert_eq!(count(shell, HELD), before + 1, "{}", shell.dump());
}

fn what_a_switch_concerns_is_held_once(kind: Kind) {
    let (home, mut shell) = clear(kind, "");
    for (line, trace) in
        [("./plain.sh", "plain\n"), ("kubectl get pods", "kubectl\n"), ("true; ./plain.sh", "plain\n")]
    {
        switch(&home, "prod-eu");
        held(&home, &mut shell, line);
        let screen = shell.screen();
        assert!(screen.contains("kube context dev-eu -> prod-eu"), "{screen}");
        assert!(screen.contains("~/.kube/config changed ") && screen.contains("was not run"), "{screen}");
        shell.expect_shown("PROD prod-eu");
        shell.send("\r").prompt();
        assert_eq!(ran(&home), trace, "{}", shell.dump());
        fs::remove_file(home.join("ran")).unwrap();
        switch(&home, "dev-eu");
        shell.enter().expect_clear().line("clear");
    }
}

fn what_would_be_refused_is_held_first(kind: Kind) {
    let (home, mut shell) = clear(kind, "");
    switch(&home, "prod-eu");
    held(&home, &mut shell, "./cleanup.sh");
    shell.send("\r").wait_for("the refusal", |t| {
        let text = b"is local-only";
        t.raw.windows(text.len()).any(|w| w == text)
    });
    assert_eq!(ran(&home), "", "{}", shell.dump());
}

fn what_it_does_not_concern_runs_and_the_next_prompt_is_red(kind: Kind) {
    let (home, mut shell) = clear(kind, "");
    for line in ["echo fine >>ran", "psql -c 'select 1'", "true"] {
        switch(&home, "prod-eu");
        shell.line(line).expect_segment(" PROD prod-eu ", WHITE_ON_RED);
        switch(&home, "dev-eu");
        shell.enter().expect_clear();
    }
    assert_eq!(ran(&home), "fine\npsql\n");
    assert_eq!(count(&shell, HELD), 0, "{}", shell.dump());
}

fn a_switch_to_what_is_no_worse_is_none(kind: Kind) {
    let (home, mut shell) = clear(kind, "");
    home.kubeconfig(".kube/config", &["dev-eu", "dev-us"], "dev-us");
    shell.line("./plain.sh").expect_clear();
    home.kubeconfig(".kube/config", &["dev-us", "prod-eu"], "prod-eu");
    shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    home.kubeconfig(".kube/config", &["prod-us", "prod-eu"], "prod-us");
    shell.line("./plain.sh").expect_segment(" PROD prod-us ", WHITE_ON_RED);
    assert_eq!(ran(&home), "plain\nplain\n");
    assert_eq!(count(&shell, HELD), 0, "{}", shell.dump());
}

fn what_can_no_longer_be_read_holds_too(kind: Kind) {
    let (home, mut shell) = clear(kind, "");
    home.write(".kube/config", "apiVersion: v1\nkind: Config\ncurrent-context: [\n");
    held(&home, &mut shell, "./plain.sh");
    assert!(shell.screen().contains("can't be told"), "{}", shell.dump());
    shell.send("\r").prompt();
    assert_eq!(ran(&home), "plain\n");
}

fn configured_it_warns_or_says_nothing(kind: Kind) {
    for (mode, times) in [("warn", 1), ("off", 0)] {
        let (home, mut shell) = clear(kind, &format!("[guard]\ndrift = \"{mode}\"\n"));
        switch(&home, "prod-eu");
        shell.line("./plain.sh").expect_segment(" PROD prod-eu ", WHITE_ON_RED);
        assert_eq!(ran(&home), "plain\n", "{mode}\n{}", shell.dump());
        assert_eq!(count(&shell, HELD), times, "{mode}\n{}", shell.dump());
    }
}

in_every_shell! {
    what_a_switch_concerns_is_held_once,
    what_would_be_refused_is_held_first,
    what_it_does_not_concern_runs_and_the_next_prompt_is_red,
    a_switch_to_what_is_no_worse_is_none,
    what_can_no_longer_be_read_holds_too,
    configured_it_warns_or_says_nothing,
}
