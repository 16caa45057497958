//! The accident, replayed in real shells, as README's table has it: each way to stand on production and each line that
//! goes there from a clear tab, by day and late, with a flagged script and with one that nobody flagged. The flagged
//! one never runs, the other never without the typed name. Without the hook all of it happens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::time::{Duration, Instant};

use support::{Home, Kind, Shell};

const README: &str = include_str!("../README.md");

// --- README's table ---

/// A row: where, the cell with the lines, by day, late.
type Row = [&'static str; 4];

fn rows() -> Vec<Row> {
    let rows = README.lines().skip_while(|line| *line != "| where | line | by day | late |").skip(2);
    let rows: Vec<Row> = rows
        .take_while(|line| line.starts_with("| "))
        .map(|row| {
            // A bar inside a cell is escaped.
            let mut cells = Vec::new();
            let mut from = 2;
            for (at, _) in row.match_indices('|').skip(1) {
                if !row[..at].ends_with('\\') {
                    cells.push(row[from..at].trim());
                    from = at + 1;
                }
            }
            cells.try_into().unwrap_or_else(|cells| panic!("not four cells: {cells:?}"))
        })
        .collect();
    assert!(rows.len() >= 10, "README's table is not there");
    rows
}

/// What stands between backticks, as it is typed.
fn code(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(|line| line.replace("\\|", "|")).collect()
}

/// The lines of a row's cell. What is only mentioned there is no line.
fn lines(cell: &str) -> Vec<String> {
    if cell.starts_with("the same lines with") {
        let above = rows().into_iter().find(|row| row[0] == "clear").unwrap()[1];
        return lines(above).iter().map(|line| line.replace("cleanup.sh", "wipe-orders.sh")).collect();
    }
    code(cell.split(", which nobody flagged").next().unwrap())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    NotRun,
    Purpose,
    Name,
    NeedsLease,
    Held,
    Runs,
}

impl Outcome {
    fn of(cell: &str) -> Outcome {
        match cell {
            "does not run" => Outcome::NotRun,
            "asks what it is for" => Outcome::Purpose,
            "asks for the name" => Outcome::Name,
            "needs a lease" => Outcome::NeedsLease,
            "is held once" => Outcome::Held,
            "runs" | "runs, after one line" => Outcome::Runs,
            other => panic!("README's table says {other:?}, which this test does not know"),
        }
    }

    /// What is on the screen then.
    fn text(self) -> &'static str {
        match self {
            Outcome::NotRun => "was not run",
            Outcome::Purpose => "Is it for this machine?",
            Outcome::Name => "to run it, Enter to leave it:",
            Outcome::NeedsLease => "a lease first",
            Outcome::Held => "since this prompt was drawn",
            Outcome::Runs => panic!("nothing is said"),
        }
    }
}

// --- where one stands ---

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    KubeContext,
    Variable,
    ConnectionString,
    EnvFile,
    AwsProfile,
    Host,
    Directory,
    /// A kubeconfig that can't be read: it could say production.
    Unsure,
    /// Kube context and database: what a rule needs is production.
    All,
    /// Another tab switches the context while a line is typed.
    Switched,
    /// Nothing of all that.
    Nowhere,
}

/// The ways that README's first row names.
const RED: &[(Way, &str)] = &[
    (Way::KubeContext, "kube context"),
    (Way::Variable, "variable"),
    (Way::ConnectionString, "connection string"),
    (Way::EnvFile, "`.env`"),
    (Way::AwsProfile, "AWS profile"),
    (Way::Host, "production host"),
    (Way::Directory, "directory"),
    (Way::Unsure, "or unsure"),
];

/// The ways of a row, and whether a lease was taken before.
fn ways(cell: &str) -> (Vec<Way>, bool) {
    let red = || RED.iter().map(|(way, _)| *way).collect();
    match cell {
        "the same" => (red(), false),
        "the same, under a lease" => (red(), true),
        "red" => (vec![Way::All], false),
        "clear" => (vec![Way::Nowhere], false),
        "clear, but another tab switched kubectl to production a second ago" => (vec![Way::Switched], false),
        other => {
            let named = other.strip_prefix("red by ").unwrap_or_else(|| panic!("where is {other:?}?"));
            RED.iter().for_each(|(_, words)| assert!(named.contains(words), "no {words:?} in {named:?}"));
            (red(), false)
        }
    }
}

const CONTEXTS: &[&str] = &["dev-eu", "prod", "prod-eu"];
const SECRET_URL: &str = "postgres://app:hunter2hunter2@db.prod.acme.example/orders";

struct Scene {
    home: Home,
    shell: Shell,
    way: Way,
    late: bool,
}

fn fixture(way: Way, late: bool) -> Home {
    let home = Home::new();
    let context = if matches!(way, Way::KubeContext | Way::All) { "prod-eu" } else { "dev-eu" };
    home.kubeconfig(".kube/config", CONTEXTS, context);
    for dir in ["app", "prod-app"] {
        let script = |text: &str| format!("#!/bin/sh\n{text}\n");
        home.executable(
            &format!("{dir}/cleanup.sh"),
            &script("# redtab: local-only\necho flagged >>\"$HOME/ran\""),
        );
        home.executable(
            &format!("{dir}/wipe-orders.sh"),
            &script("echo unflagged >>\"$HOME/ran\"\nexit 0\ndropdb orders"),
        );
    }
    home.write("prod-app/.redtab.toml", "environment = \"production\"\n");
    home.write("app/.env.prod", format!("DATABASE_URL={SECRET_URL}\n"));
    // They do what their names say, as far as it matters here.
    home.executable("bin/sudo", "#!/bin/sh\nexec \"$@\"\n");
    home.executable("bin/aws-vault", "#!/bin/sh\nshift 3\nAWS_VAULT=prod exec \"$@\"\n");
    for tool in ["kubectx", "kubectl", "psql"] {
        home.executable(&format!("bin/{tool}"), &format!("#!/bin/sh\necho {tool} >>\"$HOME/ran\"\n"));
    }
    let hours = if late { "[\"00:00-24:00\"]" } else { "[]" };
    home.write(".config/redtab/config.toml", format!("[hours]\nlate = {hours}\n"));
    match way {
        Way::Host => {
            home.write("etc/redtab.toml", "[hours]\nlate = []\n[host]\nenvironment = \"production\"\n");
        }
        Way::Directory => _ = home.write("app/.redtab.toml", "environment = \"production\"\n"),
        Way::EnvFile => _ = home.write("app/.env", format!("DATABASE_URL={SECRET_URL}\n")),
        Way::Unsure => _ = home.write(".kube/config", "apiVersion: v1\nkind: Config\ncontexts: [\n"),
        _ => {}
    }
    home
}

fn start(kind: Kind, home: &Home, way: Way, redtab: bool) -> Shell {
    let app = home.join("app");
    let mut start = kind.in_home(home).cwd(&app).size(40, 160);
    match way {
        Way::Variable => start = start.env("APP_ENV", "production"),
        Way::ConnectionString => start = start.env("DATABASE_URL", SECRET_URL),
        Way::AwsProfile => start = start.env("AWS_PROFILE", "acme-prod"),
        Way::All => start = start.env("PGHOST", "db.prod.acme.example"),
        _ => {}
    }
    if redtab { start.redtab().start() } else { start.start() }
}

fn scene(kind: Kind, way: Way, late: bool) -> Scene {
    let home = fixture(way, late);
    let mut shell = start(kind, &home, way, true);
    if matches!(way, Way::Switched | Way::Nowhere) {
        shell.expect_clear();
    } else {
        assert!(!shell.segment().text.is_empty(), "{way:?}: {}", shell.dump());
    }
    Scene { home, shell, way, late }
}

impl Scene {
    fn about(&self, line: &str) -> String {
        format!(
            "{}: {:?}, late: {}: {line}\n{}",
            self.shell.kind.name(),
            self.way,
            self.late,
            self.shell.dump()
        )
    }

    /// What ran since the last time.
    fn ran(&self) -> String {
        let ran = fs::read_to_string(self.home.join("ran")).unwrap_or_default();
        let _ = fs::remove_file(self.home.join("ran"));
        ran
    }

    fn anew(&mut self) {
        let end = Instant::now() + Duration::from_secs(20);
        self.shell.wait_for("a prompt", |t| t.typed().is_some());
        // fish keeps a refused line, zsh one that was held.
        while self.shell.typed().as_deref() != Some("") {
            assert!(Instant::now() < end, "{}", self.about("an empty line"));
            if self.shell.kind != Kind::Bash {
                self.shell.send("\x15\x7f");
            }
            std::thread::sleep(Duration::from_millis(10)); // a poll
        }
        self.shell.line("clear");
    }

    /// Enters a line, and waits until it is told; nothing of it has run then.
    fn says(&mut self, line: &str, text: &str) {
        if self.way == Way::Switched {
            self.home.kubeconfig(".kube/config", CONTEXTS, "dev-eu");
            self.shell.enter().expect_clear();
            self.home.kubeconfig(".kube/config", CONTEXTS, "prod-eu");
        }
        self.shell.send(&format!("{line}\r")).wait_for(text, |t| t.text().contains(text));
        let ran = self.ran();
        assert_eq!(ran, "", "{}", self.about(line));
    }

    /// Enters a line and has it do what README says.
    fn enters(&mut self, line: &str, outcome: Outcome) {
        if outcome == Outcome::Runs {
            let drawn = self.shell.prompts_drawn();
            self.shell.send(&format!("{line}\r"));
            self.shell.wait_for("the prompt behind it", |t| t.prompts > drawn && t.at_prompt());
            let ran = self.ran();
            assert_eq!(ran.is_empty(), line == "ls", "{}", self.about(line));
            assert!(!self.shell.screen().contains("not run"), "{}", self.about(line));
            self.shell.line("clear");
            return;
        }
        self.says(line, outcome.text());
        if matches!(outcome, Outcome::Purpose | Outcome::Name) {
            self.shell.send("\r").wait_for("a no", |t| t.text().contains("was not run"));
        }
        if self.shell.kind == Kind::Fish || self.shell.kind == Kind::Zsh && outcome == Outcome::Held {
            self.shell.wait_for("the line again", |t| t.typed().as_deref() == Some(line));
        }
        self.anew();
        let ran = self.ran();
        assert_eq!(ran, "", "{}", self.about(line));
    }

    /// Takes the lease that a refusal prints for an unflagged script.
    fn lease(&mut self) {
        self.says("./wipe-orders.sh", if self.late { "a lease first" } else { "Is it for this machine?" });
        let command = self.printed_lease();
        if !self.late {
            self.shell.send("\r");
        }
        self.anew();
        self.shell
            .line(&command.unwrap_or_else(|| "redtab lease 30m \"why\"".into()))
            .expect_shown("lease until");
        self.shell.line("clear");
    }

    fn printed_lease(&self) -> Option<String> {
        let screen = self.shell.screen();
        let at = screen.find("redtab lease ")?;
        Some(screen[at..].lines().next()?.trim().to_string())
    }
}

fn the_table_of_the_readme_is_what_happens(kind: Kind, late: bool) {
    for [at, cell, by_day, by_night] in rows() {
        let outcome = Outcome::of(if late { by_night } else { by_day });
        let (ways, leased) = ways(at);
        for way in ways {
            let mut scene = scene(kind, way, late);
            if leased {
                scene.lease();
            }
            for line in lines(cell) {
                scene.enters(&line, outcome);
            }
        }
    }
}

fn by_day_it_is_what_readme_says(kind: Kind) {
    the_table_of_the_readme_is_what_happens(kind, false);
}

fn late_it_is_what_readme_says(kind: Kind) {
    the_table_of_the_readme_is_what_happens(kind, true);
}

/// The lines of README's table that go to production from a clear tab.
fn from_a_clear_tab() -> Vec<String> {
    lines(rows().into_iter().find(|row| row[1].starts_with("`AWS_PROFILE=prod")).unwrap()[1])
}

fn switched_off_in_front_of_a_line_lifts_nothing(kind: Kind) {
    for late in [false, true] {
        let mut scene = scene(kind, Way::Nowhere, late);
        for line in from_a_clear_tab().iter().filter(|line| line.contains(" ./cleanup.sh")) {
            scene.enters(&line.replace(" ./cleanup.sh", " env REDTAB=off ./cleanup.sh"), Outcome::NotRun);
        }
        scene.enters("REDTAB=off AWS_PROFILE=prod ./cleanup.sh", Outcome::NotRun);
        scene.enters("REDTAB=off ../prod-app/cleanup.sh", Outcome::NotRun);
    }
}

/// Late, the refusal prints the lease that is missing; with it a flag holds as before, and the name is asked for.
fn a_lease_for_what_a_line_names_lifts_no_flag_and_no_question(kind: Kind) {
    for line in from_a_clear_tab() {
        let unflagged = line.replace("cleanup.sh", "wipe-orders.sh");
        let mut scene = scene(kind, Way::Nowhere, true);
        scene.says(&unflagged, "a lease first");
        let lease = scene.printed_lease().unwrap();
        assert!(lease.contains(" --for "), "{lease}");
        scene.anew();
        scene.shell.line(&lease);
        scene.anew();
        scene.enters(&line, Outcome::NotRun);
        scene.enters(&unflagged, Outcome::Purpose);
    }
}

fn the_name_lets_the_unflagged_one_run(kind: Kind) {
    for (line, name) in
        [("./wipe-orders.sh", "prod-eu"), ("kubectl --context prod-eu delete ns x", "prod-eu")]
    {
        let mut scene = scene(kind, Way::KubeContext, false);
        if line.starts_with("./") {
            scene.says(line, Outcome::Purpose.text());
            scene.shell.send("p");
            scene.shell.wait_for("the name", |t| t.text().contains("Type prod-eu"));
        } else {
            scene.says(line, Outcome::Name.text());
        }
        assert_eq!(scene.ran(), "");
        scene.shell.send(&format!("{name}\r")).prompt();
        assert_ne!(scene.ran(), "", "{}", scene.about(line));
    }
}

/// The negative control: each line of the table that does not run, in the same place.
fn without_the_hook_it_happens(kind: Kind) {
    let stopped = rows().into_iter().filter(|row| !matches!(Outcome::of(row[2]), Outcome::Runs));
    for way in [Way::All, Way::Nowhere] {
        let home = fixture(way, true);
        let mut shell = start(kind, &home, way, false);
        for line in stopped.clone().flat_map(|row| lines(row[1])) {
            let drawn = shell.prompts_drawn();
            shell.send(&format!("{line}\r")).wait_for("a prompt", |t| t.prompts > drawn && t.at_prompt());
            let ran = fs::read_to_string(home.join("ran")).unwrap_or_default();
            let wanted =
                ["cleanup", "wipe-orders", "kubectl", "psql"].into_iter().find(|word| line.contains(word));
            let mark = match wanted.unwrap() {
                "cleanup" => "flagged",
                "wipe-orders" => "unflagged",
                tool => tool,
            };
            assert!(ran.lines().any(|ran| ran == mark), "{line}: {ran:?}\n{}", shell.dump());
            fs::remove_file(home.join("ran")).unwrap();
            shell.line(&format!("cd {}", home.join("app").display())).line("clear");
        }
    }
}

in_every_shell! {
    by_day_it_is_what_readme_says,
    late_it_is_what_readme_says,
    switched_off_in_front_of_a_line_lifts_nothing,
    a_lease_for_what_a_line_names_lifts_no_flag_and_no_question,
    the_name_lets_the_unflagged_one_run,
    without_the_hook_it_happens,
}
