//! The guard at Enter where people sit: shells inside a real tmux, typed into by `send-keys` and read by `capture-pane`.
//! Each way to enter a line, under each setting that once let one through, in a red tab and from a clear one by what
//! the line itself says. The same lines without the hook are the negative control.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::time::{Duration, Instant};

use support::tmux::Tmux;
use support::{Home, Kind};

const PROMPT: &str = "@@";
const NOT_RUN: &str = "was not run";
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether the tab is red, or the line says where it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Tab {
    Hot,
    Clear,
}

impl Tab {
    /// What runs the flagged script on production.
    fn script(self) -> &'static str {
        match self {
            Tab::Hot => "./cleanup.sh",
            Tab::Clear => "AWS_PROFILE=acme-prod ./cleanup.sh",
        }
    }
}

fn home(tab: Tab) -> Home {
    let home = Home::new();
    let context = if tab == Tab::Hot { "prod-eu" } else { "dev-eu" };
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], context);
    home.executable("cleanup.sh", "#!/bin/sh\n# redtab: local-only\necho ran >>\"$HOME/ran\"\n");
    home
}

/// The rc file: what stands before redtab's line, that line or none, and what stands behind.
fn rc(home: &Home, kind: Kind, before: &str, redtab: bool, after: &str) {
    let head = kind.rc_head();
    let init = if redtab { kind.init() } else { "" };
    let prompt = kind.own_prompt(&[format!("{PROMPT} ")]);
    home.write(kind.rc_path(), format!("{head}{prompt}{before}\n{init}\n{after}\n"));
}

fn server(home: &Home, kind: Kind) -> Tmux<'_> {
    Tmux::with(home, &format!("{} -i", kind.name()), "")
}

/// A shell in a pane.
struct Pane<'t> {
    tmux: &'t Tmux<'t>,
    id: String,
    kind: Kind,
    /// What the test is about, for a report.
    about: String,
}

impl<'t> Pane<'t> {
    /// A new window with a shell of its own, at its first prompt.
    fn open(tmux: &'t Tmux<'t>, kind: Kind, about: &str) -> Pane<'t> {
        let id = tmux.tmux(&["new-window", "-P", "-F", "#{pane_id}"]);
        let pane = Pane { tmux, id, kind, about: about.to_string() };
        pane.until("a prompt", |screen| screen.ends_with(PROMPT));
        pane
    }

    fn screen(&self) -> String {
        self.tmux.tmux(&["capture-pane", "-pJ", "-t", &self.id]).trim_end().to_string()
    }

    fn until(&self, what: &str, done: impl Fn(&str) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if done(&screen) {
                return;
            }
            assert!(Instant::now() < end, "{} ({}): no {what}\n{screen}", self.kind.name(), self.about);
            std::thread::sleep(Duration::from_millis(5)); // a poll
        }
    }

    fn keys(&self, keys: &[&str]) -> &Self {
        self.tmux.tmux(&[&["send-keys", "-t", &self.id], keys].concat());
        self
    }

    fn text(&self, text: &str) -> &Self {
        self.tmux.tmux(&["send-keys", "-t", &self.id, "-l", "--", text]);
        self
    }

    /// A cleared screen with one prompt.
    fn fresh(&self) -> &Self {
        self.empty();
        self.keys(&["-R"]);
        self.tmux.tmux(&["clear-history", "-t", &self.id]);
        self.keys(&["Enter"]);
        self.prompt()
    }

    fn prompt(&self) -> &Self {
        self.until("an empty prompt", |screen| screen.ends_with(PROMPT));
        self
    }

    /// Takes back what fish keeps of a refused line.
    fn empty(&self) -> &Self {
        if self.kind == Kind::Fish {
            let end = Instant::now() + PATIENCE;
            while !self.screen().ends_with(PROMPT) {
                assert!(Instant::now() < end, "{}: no empty line\n{}", self.about, self.screen());
                self.keys(&["C-u", "BSpace"]);
                std::thread::sleep(Duration::from_millis(20)); // a poll
            }
        }
        self.prompt()
    }

    /// Enters a line that runs, and waits for the prompt behind it.
    fn line(&self, line: &str) -> &Self {
        self.fresh().text(line);
        self.until("the line", |screen| {
            screen.lines().last().is_some_and(|last| last.ends_with(line.trim()))
        });
        self.keys(&["Enter"]);
        self.until("the next prompt", |screen| {
            screen.matches(PROMPT).count() > 1 && screen.ends_with(PROMPT)
        });
        self
    }

    /// What a word expands to.
    fn value(&self, word: &str) -> String {
        let home = self.tmux.home;
        let _ = fs::remove_file(home.join("value"));
        let into = if self.kind == Kind::Fish { ">" } else { ">|" };
        self.line(&format!("echo {word} {into} $HOME/value"));
        fs::read_to_string(home.join("value"))
            .unwrap_or_else(|_| panic!("{word}\n{}", self.screen()))
            .trim()
            .into()
    }

    /// Waits for the refusal of what was just entered on a fresh screen, and for the prompt.
    fn refusal(&self, line: &str) {
        self.until("refusal", |screen| {
            let (said, drawn) = (screen.find(NOT_RUN), screen.rfind(PROMPT));
            // fish shows the line again behind its prompt.
            let at_prompt = screen.ends_with(PROMPT) || self.kind == Kind::Fish;
            said.is_some() && said < drawn && at_prompt
        });
        assert!(!self.ran(), "{} ({}): {line:?} ran\n{}", self.kind.name(), self.about, self.screen());
    }

    fn refused(&self, line: &str) -> &Self {
        self.fresh().text(line).keys(&["Enter"]);
        self.refusal(line);
        self
    }

    fn ran(&self) -> bool {
        self.tmux.home.join("ran").exists()
    }

    /// Enters a line that runs the flagged script.
    fn runs(&self, line: &str) {
        let _ = fs::remove_file(self.tmux.home.join("ran"));
        self.fresh().text(line).keys(&["Enter"]);
        self.until("script that ran", |_| self.ran());
        self.prompt();
        fs::remove_file(self.tmux.home.join("ran")).unwrap();
    }

    /// The shell lives: the next line runs, and nothing of the refused ones did.
    fn works(&self) {
        let mark = self.tmux.home.join("alive");
        self.line("touch $HOME/alive");
        assert!(mark.exists(), "{}\n{}", self.about, self.screen());
        fs::remove_file(mark).unwrap();
        assert!(!self.tmux.home.join("touched").exists(), "{}: a part of a refused line ran", self.about);
    }

    fn close(self) {
        self.tmux.tmux(&["kill-pane", "-t", &self.id]);
    }
}

/// Ways to write a line that runs the script; `{}` stands for it.
fn shapes(kind: Kind) -> Vec<&'static str> {
    let mut shapes = vec![
        "{}",
        "{}",
        " {}",
        "{}; touch touched",
        "touch touched; {}",
        "true && {} && touch touched",
        "{} || touch touched",
        "sleep 0.1 | {}",
        "{} | cat",
        "{} &",
        "bash -c '{}'",
        "{} # redtab",
        "al",
        "fn",
    ];
    shapes.extend(match kind {
        Kind::Bash | Kind::Zsh => {
            ["( {} ); touch touched", "for i in 1 2; do {}; done", "while {}; do :; done"]
        }
        Kind::Fish => ["begin; {}; end; touch touched", "for i in 1 2; {}; end", "while {}; true; end"],
    });
    shapes
}

/// An alias and a function that run the script.
fn named(kind: Kind, script: &str) -> String {
    format!("{}\n{}\n", kind.alias("al", script), kind.function("fn", script))
}

fn every_shape_is_refused(kind: Kind) {
    for tab in [Tab::Hot, Tab::Clear] {
        let home = home(tab);
        rc(&home, kind, &named(kind, tab.script()), true, "");
        let tmux = server(&home, kind);
        let pane = Pane::open(&tmux, kind, &format!("{tab:?}"));
        for shape in shapes(kind) {
            pane.refused(&shape.replace("{}", tab.script()));
        }
        pane.works();
    }
}

fn without_the_hook_every_shape_runs_it(kind: Kind) {
    let home = home(Tab::Hot);
    rc(&home, kind, &named(kind, "./cleanup.sh"), false, "");
    let tmux = server(&home, kind);
    let pane = Pane::open(&tmux, kind, "no hook");
    // A loop that ends only by itself.
    for shape in shapes(kind).into_iter().filter(|shape| !shape.starts_with("while")) {
        pane.runs(&shape.replace("{}", "./cleanup.sh"));
    }
}

/// What people have in their rc files; each once let a line through in this hook or in another one.
fn settings(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Bash => &[
            "HISTCONTROL=ignoreboth",
            "HISTCONTROL=ignoreboth; PROMPT_COMMAND='history -a'",
            "PROMPT_COMMAND=(true 'history -a')",
            "trap 'echo user' INT",
            "trap '' INT",
            "trap ': debug' DEBUG",
            "set -T; trap ': debug' DEBUG",
            "set -eu",
            "set -o noclobber",
            "set -o vi",
            "set +m",
            "shopt -s extdebug",
        ],
        Kind::Zsh => &[
            "setopt hist_ignore_space inc_append_history",
            "trap 'echo user' INT",
            "trap '' INT",
            "TRAPINT() { echo user }",
            "TRAPDEBUG() { : }",
            "setopt no_unset no_clobber err_return",
            "bindkey -v",
            "source /usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh",
            "source /usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh",
            "source /usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh; source /usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh",
        ],
        Kind::Fish => &[
            "set -g fish_autosuggestion_enabled 1",
            "fish_vi_key_bindings",
            "function user --on-signal INT; echo user; end",
            "function user --on-event fish_preexec; true; end",
            "bind \\r 'commandline -f execute'",
        ],
    }
}

fn no_setting_lets_it_through(kind: Kind) {
    for tab in [Tab::Hot, Tab::Clear] {
        let home = home(tab);
        rc(&home, kind, "", true, "");
        let tmux = server(&home, kind);
        for setting in settings(kind) {
            for first in [true, false] {
                // To replace the array behind redtab's line is how one takes the hook out.
                if !first && setting.starts_with("PROMPT_COMMAND=(") {
                    continue;
                }
                let (before, after) = if first { (*setting, "") } else { ("", *setting) };
                rc(&home, kind, before, true, after);
                let pane = Pane::open(&tmux, kind, &format!("{tab:?}, {setting}, before: {first}"));
                let script = tab.script();
                pane.refused(script).refused(&format!(" {script}"));
                pane.refused(&format!("touch touched; sleep 0.1 | {script}")).works();
                pane.close();
            }
        }
    }
}

fn without_the_hook_every_setting_lets_it_through(kind: Kind) {
    let home = home(Tab::Hot);
    rc(&home, kind, "", false, "");
    let tmux = server(&home, kind);
    for setting in settings(kind) {
        rc(&home, kind, setting, false, "");
        let pane = Pane::open(&tmux, kind, setting);
        pane.runs(" ./cleanup.sh");
        pane.close();
    }
}

fn a_paste_stops_at_the_refused_line(kind: Kind) {
    for tab in [Tab::Hot, Tab::Clear] {
        let home = home(tab);
        rc(&home, kind, "", true, "");
        let tmux = server(&home, kind);
        let pane = Pane::open(&tmux, kind, &format!("{tab:?}"));
        let block = format!("true\n{}\ntouch touched\ntouch touched\n", tab.script());
        tmux.tmux(&["set-buffer", "-b", "block", "--", &block]);
        pane.fresh();
        // The shell asks for marks around a paste, and gets them.
        tmux.tmux(&["paste-buffer", "-p", "-r", "-b", "block", "-t", &pane.id]);
        pane.until("paste", |screen| screen.contains("touch touched"));
        pane.keys(&["Enter"]);
        pane.refusal("a paste");
        pane.empty().works();
        // Without marks it comes as if it were typed.
        pane.fresh();
        tmux.tmux(&["paste-buffer", "-b", "block", "-t", &pane.id]);
        pane.refusal("an unmarked paste");
        pane.empty().works();
    }
}

fn a_command_of_several_lines_is_one(kind: Kind) {
    for tab in [Tab::Hot, Tab::Clear] {
        let home = home(tab);
        rc(&home, kind, "", true, "");
        let tmux = server(&home, kind);
        let pane = Pane::open(&tmux, kind, &format!("{tab:?}"));
        let (first, last) = if kind == Kind::Fish {
            ("for i in 1 2", "end")
        } else {
            ("for i in 1 2; do", "done; touch touched")
        };
        pane.fresh();
        for line in [first, tab.script(), last] {
            pane.text(line).keys(&["Enter"]);
        }
        pane.refusal("a loop");
        pane.empty().works();
    }
}

fn a_stopped_job_is_still_there(kind: Kind) {
    let home = home(Tab::Hot);
    rc(&home, kind, "", true, "");
    let tmux = server(&home, kind);
    let pane = Pane::open(&tmux, kind, "Ctrl-Z");
    pane.fresh().text("sh -c 'touch up; exec cat >got'").keys(&["Enter"]);
    pane.until("job", |_| home.join("up").exists());
    pane.keys(&["C-z"]);
    pane.prompt().refused("./cleanup.sh").refused("fg; ./cleanup.sh").fresh();
    pane.text("fg").keys(&["Enter"]);
    pane.until("job in front", |screen| !screen.ends_with(PROMPT) && screen.contains("cat"));
    pane.text("text").keys(&["Enter", "C-d"]).prompt();
    assert_eq!(fs::read_to_string(home.join("got")).unwrap(), "text\n", "{}", pane.screen());
    pane.works();
}

fn a_refused_line_is_at_hand_and_the_status_is_that_of_an_interrupt(kind: Kind) {
    let home = home(Tab::Hot);
    rc(&home, kind, "", true, "");
    let tmux = server(&home, kind);
    let pane = Pane::open(&tmux, kind, "at hand");
    pane.refused("./cleanup.sh # one");
    match kind {
        Kind::Bash => assert_eq!(pane.value("$?"), "130"),
        // An interrupt before a command leaves the status of the one before.
        Kind::Zsh => assert_eq!(pane.value("$?"), "0"),
        Kind::Fish => {
            assert!(pane.screen().ends_with("@@ ./cleanup.sh # one"), "{}", pane.screen());
            pane.empty();
        }
    }
    if kind != Kind::Fish {
        pane.refused("./cleanup.sh # two").fresh().keys(&["Up"]);
        pane.until("line from the history", |screen| screen.ends_with("@@ ./cleanup.sh # two"));
        pane.keys(&["C-u"]).prompt();
    }
    pane.works();
    pane.line("sh -c 'exit 3'");
    assert_eq!(pane.value(kind.status()), "3");
}

fn an_editor_opens_no_way_past_the_guard(kind: Kind) {
    let home = home(Tab::Hot);
    home.executable(
        "bin/ed1",
        "#!/bin/sh\necho './cleanup.sh # edited' >\"$1\"\necho edited >>\"$HOME/edited\"\n",
    );
    let editor = kind.export("EDITOR", "ed1");
    let (setting, keys): (&str, &[&[&str]]) = match kind {
        Kind::Bash => ("", &[&["C-x", "C-e"]]),
        Kind::Zsh => (
            "autoload -Uz edit-command-line; zle -N edit-command-line; bindkey '^x^e' edit-command-line",
            &[&["C-x", "C-e"]],
        ),
        Kind::Fish => ("", &[&["M-e"]]),
    };
    for keys in keys {
        rc(&home, kind, &format!("{editor}\n{setting}"), true, "");
        let tmux = server(&home, kind);
        let pane = Pane::open(&tmux, kind, "an editor");
        pane.fresh().text("true").keys(keys);
        if kind == Kind::Bash {
            // bash would run what was written at once, past PS0: the key is taken while the tab is hot.
            pane.text("; true").keys(&["Enter"]);
            pane.until("the line that was typed", |screen| {
                screen.contains("@@ true; true") && screen.ends_with(PROMPT)
            });
            assert!(!home.join("edited").exists(), "{}", pane.screen());
        } else {
            pane.until("edited line", |screen| screen.ends_with("./cleanup.sh # edited"));
            pane.keys(&["Enter"]);
            pane.refusal("an edited line");
        }
        assert!(!pane.ran());
        pane.works();
    }
}

#[test]
fn what_bash_and_zsh_take_from_the_history_is_refused_too() {
    for kind in [Kind::Bash, Kind::Zsh] {
        let home = home(Tab::Hot);
        rc(&home, kind, "alias clean=./cleanup.sh", true, "");
        let tmux = server(&home, kind);
        let pane = Pane::open(&tmux, kind, "the history");
        pane.refused("./cleanup.sh");
        let lines: &[&str] = match kind {
            Kind::Bash => &["!!", "!./cl", "fc -s ./cl", "fc -e true ./cl", "clean"],
            _ => &["r ./cl", "fc -e true ./cl", "clean"],
        };
        for line in lines {
            pane.fresh().text(line).keys(&["Enter"]);
            // What is taken from the history can't be known: it is asked about, or refused.
            pane.until("answer", |screen| screen.contains(NOT_RUN) || screen.contains("Type prod-eu"));
            if pane.screen().contains("Type prod-eu") {
                pane.keys(&["Enter"]);
            }
            pane.refusal(line);
            pane.refused("./cleanup.sh");
        }
        pane.works();
    }
}

#[test]
fn vi_commands_run_nothing_past_the_guard_of_bash() {
    let home = home(Tab::Hot);
    home.executable("bin/ed1", "#!/bin/sh\ntouch \"$HOME/edited\"\n");
    rc(&home, Kind::Bash, "export EDITOR=ed1\nset -o vi", true, "");
    let tmux = server(&home, Kind::Bash);
    let pane = Pane::open(&tmux, Kind::Bash, "vi");
    pane.fresh().text("./cleanup.sh").keys(&["Escape"]);
    // Long enough for readline to take the key for one of its own.
    std::thread::sleep(Duration::from_millis(700));
    pane.keys(&["v", "Enter"]);
    pane.refusal("vi's v");
    assert!(!home.join("edited").exists(), "{}", pane.screen());
    pane.works();
}

/// Every key that enters a line, and what shells expand before they run one.
fn whatever_enters_it_it_is_refused(kind: Kind) {
    let home = home(Tab::Hot);
    let rc_lines = match kind {
        Kind::Bash => "",
        Kind::Zsh => "alias -g GL=./cleanup.sh\nalias -s run=sh\nbindkey '^o' accept-line-and-down-history",
        Kind::Fish => "abbr -a ab ./cleanup.sh",
    };
    fs::copy(home.join("cleanup.sh"), home.join("clean.run")).unwrap();
    rc(&home, kind, rc_lines, true, "");
    let tmux = server(&home, kind);
    let pane = Pane::open(&tmux, kind, "keys");
    let keys: &[&str] = match kind {
        Kind::Bash => &["C-m", "C-j", "C-o"],
        Kind::Zsh => &["C-m", "C-j", "C-o", "M-a"],
        Kind::Fish => &["C-m", "C-j"],
    };
    for key in keys {
        pane.fresh().text("./cleanup.sh");
        pane.until("the line", |screen| screen.ends_with("@@ ./cleanup.sh"));
        pane.keys(&[key]);
        pane.until("refusal", |screen| screen.contains(NOT_RUN));
        // Some of these keys leave a line behind.
        if kind != Kind::Fish {
            pane.keys(&["C-c"]);
        }
        pane.empty();
        assert!(!pane.ran(), "{key}\n{}", pane.screen());
    }
    let lines: &[&str] = match kind {
        Kind::Bash => {
            &["!!", "!./clean", "bash <<< ./cleanup.sh", "$(echo ./cleanup.sh)", "command eval ./cleanup.sh"]
        }
        Kind::Zsh => {
            &["!!", "command GL", "true; GL", "./clean.run", "bash <<< ./cleanup.sh", "=env ./cleanup.sh"]
        }
        Kind::Fish => &["ab", "ab z", "true; ab", "eval ./cleanup.sh", "echo ./cleanup.sh | source"],
    };
    for line in lines {
        // What `!!` stands for.
        if *line == "!!" || line.starts_with("!.") {
            pane.refused("./cleanup.sh");
        }
        pane.refused(line);
    }
    // Continued, and a here-doc.
    if kind == Kind::Fish {
        pane.fresh().text("./cleanup.sh \\").keys(&["Enter"]).text("more").keys(&["Enter"]);
        pane.refusal("a continued line");
    } else {
        for rows in
            [["./clea\\", "nup.sh", ""], ["bash <<X", "./cleanup.sh", "X"], ["true &&", "./cleanup.sh", ""]]
        {
            pane.fresh();
            for row in rows.iter().filter(|row| !row.is_empty()) {
                pane.text(row).keys(&["Enter"]);
            }
            pane.refusal(rows[0]);
        }
        pane.fresh();
        for row in ["cat <<X", "./cleanup.sh", "X"] {
            pane.text(row).keys(&["Enter"]);
        }
        pane.until("text that only mentions it", |screen| {
            screen.ends_with(PROMPT) && screen.matches("./cleanup.sh").count() == 2
        });
        assert!(!pane.screen().contains(NOT_RUN), "{}", pane.screen());
    }
    // Beside a job that runs.
    pane.line("sleep 100 &").refused("./cleanup.sh").works();
}

#[test]
fn fish_tells_of_a_line_that_went_past_the_guard() {
    let home = home(Tab::Hot);
    rc(&home, Kind::Fish, "bind \\cx 'commandline -f execute'", true, "");
    let tmux = server(&home, Kind::Fish);
    let pane = Pane::open(&tmux, Kind::Fish, "a key of one's own");
    pane.fresh().text("true").keys(&["C-x"]);
    pane.until("warning", |screen| screen.contains("did not come by Enter") && screen.ends_with(PROMPT));
    pane.line("true");
    assert!(!pane.screen().contains("did not come by Enter"), "{}", pane.screen());
}

/// Debian's own `HISTCONTROL`, and `history -a` before or behind redtab: what began with a blank is in no file.
#[test]
fn no_secret_reaches_the_history_file_of_bash() {
    for (tab, first) in [(Tab::Hot, true), (Tab::Hot, false), (Tab::Clear, true), (Tab::Clear, false)] {
        let home = home(tab);
        let (own, append) = ("HISTCONTROL=ignoreboth HISTFILE=$HOME/hist", "PROMPT_COMMAND='history -a'");
        let (before, after) = if first { (format!("{own}\n{append}"), "") } else { (own.into(), append) };
        rc(&home, Kind::Bash, &before, true, after);
        let tmux = server(&home, Kind::Bash);
        let pane = Pane::open(&tmux, Kind::Bash, &format!("{tab:?} {first}"));
        pane.line("echo one").line(" TOKEN=s3cret true").line(" echo s3cret >x");
        pane.refused(&format!(" TOKEN=s3cret {}", tab.script()));
        pane.line("echo two");
        assert!(home.join("x").exists());
        let file = fs::read_to_string(home.join("hist")).unwrap();
        assert_eq!(file, "echo one\necho two\n", "{}\n{}", pane.about, pane.screen());
    }
}

/// What is said about a line that runs stands whole on the screen, and what the line prints stands on a line of its own,
/// also under a prompt of two lines.
fn what_a_line_prints_stands_below_what_is_said(kind: Kind) {
    let home = home(Tab::Hot);
    home.executable("bin/kubectl", "#!/bin/sh\n[ \"$1\" = completion ] || echo \"changed $2\"\n");
    rc(&home, kind, &kind.own_prompt(&["first".into(), format!("{PROMPT} ")]), true, "");
    let tmux = server(&home, kind);
    let pane = Pane::open(&tmux, kind, "a warning");
    let has = |line: &str| pane.screen().lines().any(|row| row.trim() == line);
    pane.line("kubectl apply -f web.yaml");
    assert!(has("redtab: kubectl apply on prod-eu: changes objects of the cluster"), "{}", pane.screen());
    assert!(has("changed -f"), "{}", pane.screen());
    pane.fresh().text("kubectl delete ns payments").keys(&["Enter"]);
    pane.until("question", |screen| screen.contains("Type prod-eu"));
    pane.text("prod-eu").keys(&["Enter"]);
    pane.until("what it prints", |screen| screen.contains("changed ns") && screen.ends_with(PROMPT));
    assert!(has("changed ns") && has("deletes the objects and everything in them"), "{}", pane.screen());
    pane.works();
}

/// The question itself: drawn in the pane, answered by keys, and the modes as before.
fn a_question_is_answered_in_the_pane(kind: Kind) {
    let home = home(Tab::Hot);
    home.executable("bin/kubectl", "#!/bin/sh\necho ran >>\"$HOME/ran\"\n");
    rc(&home, kind, "", true, "");
    let tmux = server(&home, kind);
    let pane = Pane::open(&tmux, kind, "a question");
    for no in [&["y", "Enter"][..], &["C-c"], &["C-d"], &["C-z"], &["Enter"]] {
        pane.fresh().text("kubectl delete ns payments").keys(&["Enter"]);
        pane.until("question", |screen| screen.contains("Type prod-eu"));
        pane.keys(no);
        pane.refusal("kubectl delete ns payments");
        pane.empty().works();
    }
    pane.fresh().text("kubectl delete ns payments").keys(&["Enter"]);
    pane.until("question", |screen| screen.contains("Type prod-eu"));
    pane.text("prod-eu").keys(&["Enter"]).prompt();
    assert!(pane.ran(), "{}", pane.screen());
    fs::remove_file(home.join("ran")).unwrap();
    pane.works();
}

in_every_shell! {
    every_shape_is_refused,
    without_the_hook_every_shape_runs_it,
    no_setting_lets_it_through,
    without_the_hook_every_setting_lets_it_through,
    a_paste_stops_at_the_refused_line,
    a_command_of_several_lines_is_one,
    a_stopped_job_is_still_there,
    a_refused_line_is_at_hand_and_the_status_is_that_of_an_interrupt,
    an_editor_opens_no_way_past_the_guard,
    whatever_enters_it_it_is_refused,
    a_question_is_answered_in_the_pane,
    what_a_line_prints_stands_below_what_is_said,
}
