//! The guard's questions on a real terminal: only the right name, typed after the question, lets a line run; and the
//! terminal's modes are what they were, however it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::process::Command;

use support::{Home, Kind, Shell};

/// What the asked-about line is, where it points, and the modes the question finds.
struct Case {
    home: Home,
    shell: Shell,
}

const QUESTION: &str = "Type prod-eu to run it";

/// A home on production by its kubeconfig.
fn production() -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["prod-eu", "dev-eu"], "prod-eu");
    home.executable("wipe.sh", "#!/bin/sh\ntouch ran\ndropdb orders\n");
    home.executable("clean.sh", "#!/bin/sh\n# redtab: local-only\ntouch ran\n");
    home
}

impl Case {
    /// Asks the guard about a line, in a terminal with modes that are set by `stty`'s words.
    fn guard(home: Home, line: &str, modes: &str) -> Case {
        home.write("in", format!("line {}\n{line}\n", line.len()));
        Case::command(home, "redtab guard --shell bash --pid $$ <in >out", modes)
    }

    fn command(home: Home, command: &str, modes: &str) -> Case {
        let modes = if modes.is_empty() { String::new() } else { format!("stty {modes}\n") };
        let script = format!(
            "{modes}stty -g >before\n{command}\necho $? >status\nstty -g >after\nstty sane\necho finished\n"
        );
        home.write("go", script);
        let mut shell = Kind::Bash.in_home(&home).start();
        shell.send("sh ./go\r");
        Case { home, shell }
    }

    fn shows(&self, text: &str) {
        self.shell.wait_for(text, |t| t.text().contains(text));
    }

    fn types(&mut self, keys: &str) {
        self.shell.send(keys);
    }

    /// The tokens and the status, once it is over; the modes must be what they were.
    fn end(&mut self) -> (String, String) {
        self.shows("finished");
        let read = |name: &str| fs::read_to_string(self.home.join(name)).unwrap_or_default();
        assert_eq!(read("before"), read("after"), "modes\n{}", self.shell.dump());
        (read("out"), read("status").trim().to_string())
    }

    fn answered(mut self, keys: &str) -> (String, String) {
        self.shows(QUESTION);
        self.types(keys);
        self.end()
    }

    /// The redtab that asks: the one with `guard` in its command line.
    fn asker(&self) -> String {
        let home = format!("REDTAB_RUN_DIR={}", self.home.run_dir().display());
        let found = fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
            let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
            let argument = |word: &[u8]| read("cmdline").split(|b| *b == 0).nth(1) == Some(word);
            let ours = read("environ").split(|b| *b == 0).any(|var| var == home.as_bytes());
            (ours && argument(b"guard")).then(|| entry.file_name().into_string().unwrap())
        });
        found.expect("a guard that asks")
    }
}

fn stopped(status: &str) -> (String, String) {
    ("stop\n".into(), status.into())
}

fn runs() -> (String, String) {
    ("stop\nyes\n".into(), "0".into())
}

const DELETE: &str = "kubectl delete ns payments";

fn asked() -> Case {
    Case::guard(production(), DELETE, "")
}

#[test]
fn the_name_lets_it_run_and_nothing_else_does() {
    assert_eq!(asked().answered("prod-eu\r"), runs());
    assert_eq!(asked().answered("prox\x7fd-eu\r"), runs());
    for keys in ["y\r", "prod\r", "production\r", "PROD-EU\r", "\r", "\x03", "\x04", "\x1a", "prod-eu\x03"] {
        assert_eq!(asked().answered(keys), stopped("77"), "{keys:?}");
    }
}

#[test]
fn what_is_asked_is_on_the_screen() {
    let mut case = asked();
    case.shows(QUESTION);
    let screen = case.shell.screen();
    for line in ["redtab: kubectl delete ns payments", "target  kube context prod-eu"] {
        assert!(screen.contains(line), "{screen}");
    }
    case.types("x\r");
    case.end();
    assert!(case.shell.screen().contains("That is not it. It was not run."), "{}", case.shell.screen());
}

#[test]
fn a_paste_of_several_lines_answers_nothing() {
    assert_eq!(asked().answered("prod-eu\rls\r"), stopped("77"));
    assert_eq!(asked().answered("\x1b[200~prod-eu\rls\r\x1b[201~"), stopped("77"));
    assert_eq!(asked().answered("\x1b[200~prod-eu\x1b[201~\r"), runs());
}

#[test]
fn type_ahead_answers_nothing() {
    let home = production();
    home.write("in", format!("line {}\n{DELETE}\n", DELETE.len()));
    // The answer lies in the terminal's queue before the guard begins.
    let wait = "stty -icanon -echo min 0 time 0; touch waiting; while [ ! -e typed ]; do :; done\n\
                stty -g >before\nredtab guard --shell bash --pid $$ <in >out";
    let mut case = Case::command(home, wait, "");
    while !case.home.join("waiting").exists() {
        std::thread::yield_now();
    }
    case.types("prod-eu\r");
    case.home.write("typed", "");
    case.shows(QUESTION);
    assert!(!case.shell.screen().contains("leave it: prod-eu"));
    case.types("\r");
    assert_eq!(case.end(), stopped("77"));
}

#[test]
fn no_answer_in_time_is_no() {
    let home = production();
    home.write(".config/redtab/config.toml", "[guard]\nconfirm_timeout = \"1s\"\n");
    let mut case = Case::guard(home, DELETE, "");
    assert_eq!(case.end(), stopped("77"));
    assert!(case.shell.screen().contains("No answer in time."), "{}", case.shell.screen());
}

#[test]
fn a_question_outlives_the_deadline() {
    let mut case = asked();
    case.shows(QUESTION);
    // A person takes longer than the two seconds that the guard has for itself.
    let asker = case.asker();
    let born = |pid: &str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it went on asking");
        let started: f64 = stat[stat.rfind(')').unwrap()..].split(' ').nth(20).unwrap().parse().unwrap();
        let up = fs::read_to_string("/proc/uptime").unwrap();
        up.split(' ').next().unwrap().parse::<f64>().unwrap() - started / 100.0
    };
    while born(&asker) < 2.2 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    case.types("prod-eu\r");
    assert_eq!(case.end(), runs());
}

#[test]
fn every_mode_a_line_editor_leaves_is_found_again() {
    for modes in ["raw -echo", "-icanon -echo min 1 time 0 -icrnl", "-opost -onlcr", "-ixon -isig"] {
        let case = Case::guard(production(), DELETE, modes);
        assert_eq!(case.answered("prod-eu\r"), runs(), "{modes}");
        let case = Case::guard(production(), DELETE, modes);
        assert_eq!(case.answered("\x03"), stopped("77"), "{modes}");
    }
}

#[test]
fn killed_while_it_asks_it_ran_nothing_and_the_modes_are_back() {
    for (signal, statuses) in [
        ("INT", ["77", "130"]),
        ("TERM", ["77", "143"]),
        ("HUP", ["77", "129"]),
        ("QUIT", ["77", "131"]),
        ("TSTP", ["77", "148"]),
        ("KILL", ["77", "137"]),
        ("SEGV", ["77", "139"]),
        ("ABRT", ["77", "134"]),
    ] {
        let case = Case::guard(production(), DELETE, "-icanon -echo");
        case.shows(QUESTION);
        let killed = Command::new("kill").args(["-s", signal, &case.asker()]).status().unwrap();
        assert!(killed.success());
        case.shows("It was not run.");
        case.shows("finished");
        let (out, status) = {
            let read = |name: &str| fs::read_to_string(case.home.join(name)).unwrap_or_default();
            (read("out"), read("status").trim().to_string())
        };
        assert_eq!(out, "stop\n", "{signal}");
        assert!(statuses.contains(&status.as_str()), "{signal}: {status}");
    }
}

#[test]
fn a_shell_that_reads_the_answer_goes_on_when_the_modes_are_back() {
    let home = production();
    home.write("in", format!("line {}\n{DELETE}\n", DELETE.len()));
    let command = "answer=$(redtab guard --shell bash --pid $$ <in); echo \"$answer\" >out; false";
    let mut case = Case::command(home, command, "-icanon -echo min 7 time 3");
    case.shows(QUESTION);
    assert!(Command::new("kill").args(["-s", "KILL", &case.asker()]).status().unwrap().success());
    assert_eq!(case.end().0, "stop\n");
}

#[test]
fn without_a_terminal_it_is_no() {
    let home = production();
    home.write("in", format!("line {}\n{DELETE}\n", DELETE.len()));
    let output = home
        .command("setsid")
        .args(["-w", "redtab", "guard", "--shell", "bash", "--pid", "1"])
        .stdin(fs::File::open(home.join("in")).unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(77));
    assert_eq!(output.stdout, b"stop\n");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("There is no terminal to ask on. It was not run."), "{said}");
}

#[test]
fn what_is_allowed_is_not_talked_about_and_a_warning_is_one_line() {
    let mut case = Case::guard(production(), "kubectl get pods", "");
    assert_eq!(case.end(), (String::new(), "0".into()));
    assert!(!case.shell.screen().contains("redtab:"), "{}", case.shell.screen());
    let mut case = Case::guard(production(), "kubectl apply -f x.yaml", "");
    assert_eq!(case.end(), (String::new(), "0".into()));
    assert_eq!(case.shell.screen().matches("redtab: kubectl apply").count(), 1, "{}", case.shell.screen());
}

#[test]
fn a_flagged_script_is_refused_without_a_question() {
    let mut case = Case::guard(production(), "./clean.sh", "");
    assert_eq!(case.end(), stopped("77"));
    let screen = case.shell.screen();
    assert!(screen.contains("redtab run --here ./clean.sh"), "{screen}");
}

#[test]
fn fields_that_are_not_whole_are_a_line_that_cannot_be_read() {
    let home = production();
    home.write("in", "line 99\nshort\n");
    let command = "redtab guard --shell bash --pid $$ <in >out";
    assert_eq!(Case::command(home, command, "").answered("prod-eu\r"), runs());
    let home = production();
    home.write("in", format!("line 2000000\n{}\n", "x".repeat(2_000_000)));
    assert_eq!(Case::command(home, command, "").answered("\r"), stopped("77"));
}

#[test]
fn aliases_and_functions_that_come_along_are_seen_through() {
    let home = production();
    home.write("in", "line 7\nbye now\nfunction 26 bye\nkubectl delete ns payments\n");
    let command = "redtab guard --shell bash --pid $$ <in >out";
    assert_eq!(Case::command(home, command, "").answered("\r"), stopped("77"));
}

#[test]
fn an_unflagged_script_is_flagged_on_request_and_not_run() {
    let mut case = Case::guard(production(), "./wipe.sh", "");
    case.shows("[l] local-only: flag it, don't run");
    assert!(case.shell.screen().contains("line 3: dropdb orders"), "{}", case.shell.screen());
    case.types("l");
    assert_eq!(case.end(), stopped("77"));
    let text = fs::read_to_string(case.home.join("wipe.sh")).unwrap();
    assert_eq!(text, "#!/bin/sh\n# redtab: local-only\ntouch ran\ndropdb orders\n");
    let mut case = Case::guard(case.home, "./wipe.sh", "");
    assert_eq!(case.end(), stopped("77"));
    assert!(case.shell.screen().contains("./wipe.sh is local-only"), "{}", case.shell.screen());
}

#[test]
fn an_unflagged_script_is_asked_about_once_and_again_when_it_changes() {
    let ask = |home: Home, keys: &[&str]| {
        let mut case = Case::guard(home, "./wipe.sh", "");
        case.shows("[p] meant for production");
        for (at, keys) in keys.iter().enumerate() {
            if at > 0 {
                case.shows(QUESTION);
            }
            case.types(keys);
        }
        let end = case.end();
        (case.home, end)
    };
    let (home, end) = ask(production(), &["\r"]);
    assert_eq!(end, stopped("77"));
    let (home, end) = ask(home, &["p", "nonsense\r"]);
    assert_eq!(end, stopped("77"));
    let (home, end) = ask(home, &["p", "prod-eu\r"]);
    assert_eq!(end, runs());
    let mut case = Case::guard(home, "./wipe.sh", "");
    assert_eq!(case.end(), (String::new(), "0".into()), "{}", case.shell.dump());
    assert!(case.shell.screen().contains("redtab: ./wipe.sh on prod-eu"), "{}", case.shell.screen());
    let home = case.home;
    home.executable("wipe.sh", "#!/bin/sh\ndropdb orders; dropdb users\n");
    let (_, end) = ask(home, &["\x03"]);
    assert_eq!(end, stopped("77"));
}

// --- redtab run ---

fn run(home: Home, arguments: &str) -> Case {
    Case::command(home, &format!("redtab run {arguments} >out"), "")
}

#[test]
fn run_becomes_the_command_when_it_may() {
    let home = production();
    let mut case = run(home, "-- sh -c 'echo \"$1\"; exit 5' x '$HOME *'");
    assert_eq!(case.end(), ("$HOME *\n".into(), "5".into()));
    let mut case = run(case.home, "./clean.sh");
    assert_eq!(case.end(), (String::new(), "77".into()));
    assert!(!case.home.join("ran").exists());
    case.home.kubeconfig(".kube/config", &["prod-eu", "dev-eu"], "dev-eu");
    let mut case = run(case.home, "./clean.sh");
    assert_eq!(case.end(), (String::new(), "0".into()));
    assert!(case.home.join("ran").exists());
    let mut case = run(case.home, "--local-only -- echo hi");
    assert_eq!(case.end(), ("hi\n".into(), "0".into()));
    let mut case = run(case.home, "missing-program");
    assert_eq!(case.end(), (String::new(), "1".into()));
}

#[test]
fn run_here_is_the_one_way_past_a_flag() {
    let case = run(production(), "--here ./clean.sh --all");
    case.shows(QUESTION);
    let mut case = case;
    case.types("production\r");
    assert_eq!(case.end().1, "77");
    assert!(!case.home.join("ran").exists());
    let mut case = run(case.home, "--here ./clean.sh --all");
    case.shows(QUESTION);
    case.types("prod-eu\r");
    assert_eq!(case.end().1, "0");
    assert!(case.home.join("ran").exists());
    // This once: the next time it is refused as before.
    fs::remove_file(case.home.join("ran")).unwrap();
    let mut case = run(case.home, "./clean.sh");
    assert_eq!(case.end().1, "77");
    assert!(!case.home.join("ran").exists());
}

#[test]
fn run_is_not_switched_off_and_refuses_without_a_terminal() {
    let home = production();
    for arguments in [&["--here", "./clean.sh"][..], &["./clean.sh"], &["--local-only", "--", "touch", "ran"]]
    {
        let output = home
            .command("setsid")
            .args(["-w", "redtab", "run"])
            .args(arguments)
            .env("REDTAB", "off")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(77), "{arguments:?}");
        assert!(!home.join("ran").exists());
    }
}

/// The way the hooks call it: fed by a pipe, read by a substitution, from a line editor's own key.
fn a_hook_that_reads_the_answer_is_asked_in_front(kind: Kind) {
    let home = production();
    home.write("in", format!("line {}\n{DELETE}\n", DELETE.len()));
    let ask = "cat in | redtab guard --shell";
    let rc = match kind {
        Kind::Bash => format!(
            "ask() {{ answer=$({ask} bash --pid $$); echo \"<$answer>\"; }}; bind -x '\"\\C-o\": ask'"
        ),
        Kind::Zsh => format!(
            "ask() {{ answer=$({ask} zsh --pid $$); BUFFER=\"${{(j:+:)${{(f)answer}}}}\"; }}; zle -N ask; bindkey '^O' ask"
        ),
        Kind::Fish => format!(
            "function ask; set -l answer ({ask} fish --pid $fish_pid); commandline -r (string join + $answer); end; bind \\co ask"
        ),
    };
    let mut shell = kind.in_home(&home).rc(&rc).start();
    shell.send("\x0f");
    shell.wait_for("the question", |t| t.text().contains(QUESTION));
    shell.send("prod-eu\r");
    let whole = match kind {
        Kind::Bash => "yes>",
        Kind::Zsh => "stop+yes",
        Kind::Fish => "stop+said+yes",
    };
    shell.wait_for("the answer", |t| t.text().contains(whole));
}

in_every_shell!(a_hook_that_reads_the_answer_is_asked_in_front);
