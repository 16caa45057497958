//! The accident, replayed in real shells: each way to stand on production, by day and late, with a flagged script and
//! with one that nobody flagged. The flagged one never runs, the other never without the typed name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;

use support::{Home, Kind, Shell};

const NOT_RUN: &str = "was not run";

/// How one comes to stand on production.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    KubeContext,
    Variable,
    ConnectionString,
    AwsProfile,
    Directory,
    /// A kubeconfig that can't be read: it could say production.
    Unsure,
    /// Another tab switches the context while a line is typed.
    Switched,
    /// Nothing of all that: there everything runs.
    Nowhere,
}

const WAYS: [Way; 7] = [
    Way::KubeContext,
    Way::Variable,
    Way::ConnectionString,
    Way::AwsProfile,
    Way::Directory,
    Way::Unsure,
    Way::Switched,
];

struct Scene {
    home: Home,
    shell: Shell,
    way: Way,
    /// Prompts drawn before the last line.
    drawn: usize,
}

fn scene(kind: Kind, way: Way, late: bool) -> Scene {
    let home = Home::new();
    let context = if way == Way::KubeContext { "prod-eu" } else { "dev-eu" };
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], context);
    home.executable("cleanup.sh", "#!/bin/sh\n# redtab: local-only\necho flagged >>\"$HOME/ran\"\n");
    home.executable("wipe-orders.sh", "#!/bin/sh\necho unflagged >>\"$HOME/ran\"\nexit 0\ndropdb orders\n");
    let hours = if late { "[\"00:00-24:00\"]" } else { "[]" };
    home.write(".config/redtab/config.toml", format!("[hours]\nlate = {hours}\n"));
    let mut start = kind.in_home(&home);
    match way {
        Way::Variable => start = start.env("APP_ENV", "production"),
        Way::ConnectionString => {
            start = start.env("DATABASE_URL", "postgres://app:hunter2hunter2@db.prod.acme.example/orders");
        }
        Way::AwsProfile => start = start.env("AWS_PROFILE", "acme-prod"),
        Way::Directory => _ = home.write(".redtab.toml", "environment = \"production\"\n"),
        Way::Unsure => _ = home.write(".kube/config", "apiVersion: v1\nkind: Config\ncontexts: [\n"),
        Way::KubeContext | Way::Switched | Way::Nowhere => {}
    }
    let mut shell = start.redtab().start();
    if matches!(way, Way::Switched | Way::Nowhere) {
        shell.expect_clear();
    }
    Scene { home, shell, way, drawn: 0 }
}

fn count(shell: &Shell, text: &str) -> usize {
    shell.raw().windows(text.len()).filter(|w| *w == text.as_bytes()).count()
}

impl Scene {
    fn ran(&self) -> String {
        fs::read_to_string(self.home.join("ran")).unwrap_or_default()
    }

    /// Enters a line and waits until something that ends in `text` has been said once more.
    fn says(&mut self, line: &str, text: &str) {
        if self.way == Way::Switched {
            self.home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
            self.shell.enter().expect_clear();
            self.home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "prod-eu");
        }
        let before = count(&self.shell, text);
        self.drawn = self.shell.prompts_drawn();
        self.shell
            .send(&format!("{line}\r"))
            .wait_for(text, |t| t.raw.windows(text.len()).filter(|w| *w == text.as_bytes()).count() > before);
    }

    /// A prompt with an empty line, whatever a shell keeps there of a refused one.
    fn anew(&mut self) {
        let drawn = self.drawn;
        self.shell.wait_for("a prompt", |t| t.prompts > drawn && t.typed().is_some());
        if self.shell.kind != Kind::Bash {
            self.shell.send(&"\x15\x7f".repeat(3));
        }
        self.shell.wait_for("an empty line", |t| t.typed().as_deref() == Some(""));
    }

    fn refuses(&mut self, line: &str) {
        self.refuses_and_says(line, NOT_RUN);
    }

    fn refuses_and_says(&mut self, line: &str, text: &str) {
        self.says(line, text);
        self.anew();
        assert_eq!(self.ran(), "", "{:?}: {line}\n{}", self.way, self.shell.dump());
    }
}

/// What a flagged script may be started by.
fn flagged(kind: Kind) -> Vec<&'static str> {
    let mut lines =
        vec!["./cleanup.sh", "bash cleanup.sh", "true && ./cleanup.sh", "env REDTAB=off ./cleanup.sh"];
    if kind != Kind::Fish {
        lines.push("REDTAB=off ./cleanup.sh");
    }
    lines
}

fn a_flagged_script_runs_nowhere_on_production(kind: Kind) {
    for late in [false, true] {
        for way in WAYS {
            let mut scene = scene(kind, way, late);
            for line in flagged(kind) {
                scene.refuses(line);
            }
        }
    }
}

fn an_unflagged_one_is_asked_about_by_day_and_needs_a_lease_late(kind: Kind) {
    for way in WAYS {
        let mut day = scene(kind, way, false);
        if way == Way::Switched {
            day.refuses("./wipe-orders.sh");
        } else {
            day.says("./wipe-orders.sh", "Is it for this machine?");
            day.shell.send("\r");
            day.anew();
        }
        assert_eq!(day.ran(), "", "{way:?}\n{}", day.shell.dump());

        let mut late = scene(kind, way, true);
        late.refuses_and_says(
            "./wipe-orders.sh",
            if way == Way::Switched { NOT_RUN } else { "a lease first" },
        );
        assert_eq!(late.ran(), "", "{way:?}\n{}", late.shell.dump());
    }
}

fn the_name_lets_the_unflagged_one_run(kind: Kind) {
    let mut scene = scene(kind, Way::KubeContext, false);
    scene.says("./wipe-orders.sh", "Is it for this machine?");
    scene.shell.send("p").wait_for("the name", |t| {
        let text = b"Type prod-eu";
        t.raw.windows(text.len()).any(|w| w == text)
    });
    assert_eq!(scene.ran(), "");
    scene.shell.send("prod-eu\r").prompt();
    assert_eq!(scene.ran(), "unflagged\n", "{}", scene.shell.dump());
}

fn a_lease_lifts_no_flag_and_no_question(kind: Kind) {
    let mut scene = scene(kind, Way::KubeContext, true);
    scene.shell.line("redtab lease 30m why").expect_shown("lease until");
    scene.refuses("./cleanup.sh");
    scene.says("./wipe-orders.sh", "Is it for this machine?");
    scene.shell.send("\r");
    scene.anew();
    assert_eq!(scene.ran(), "", "{}", scene.shell.dump());
}

fn in_a_clear_tab_both_run_without_a_word(kind: Kind) {
    for late in [false, true] {
        let mut scene = scene(kind, Way::Nowhere, late);
        for line in ["./cleanup.sh", "bash cleanup.sh", "./wipe-orders.sh"] {
            scene.shell.line(line).expect_clear();
        }
        assert_eq!(scene.ran(), "flagged\nflagged\nunflagged\n", "{}", scene.shell.dump());
        assert!(!scene.shell.screen().contains("redtab:"), "{}", scene.shell.dump());
    }
}

fn without_the_hook_it_happens(kind: Kind) {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["prod-eu"], "prod-eu");
    home.executable("cleanup.sh", "#!/bin/sh\n# redtab: local-only\necho flagged >>\"$HOME/ran\"\n");
    kind.in_home(&home).start().line("./cleanup.sh");
    assert_eq!(fs::read_to_string(home.join("ran")).unwrap(), "flagged\n");
}

in_every_shell! {
    a_flagged_script_runs_nowhere_on_production,
    an_unflagged_one_is_asked_about_by_day_and_needs_a_lease_late,
    the_name_lets_the_unflagged_one_run,
    a_lease_lifts_no_flag_and_no_question,
    in_a_clear_tab_both_run_without_a_word,
    without_the_hook_it_happens,
}
