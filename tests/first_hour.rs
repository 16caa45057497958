//! A stranger's first hour: the commands of README's table, typed one by one into a shell under a real tmux, in a home of
//! its own, from `./install.sh --yes` to the shell after `--uninstall`. Nothing but the table is needed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use support::{Home, Kind};

in_every_shell!(the_first_hour);

const PATIENCE: Duration = Duration::from_secs(40);
const PROMPT: &str = "@@";

/// The first column of README's first table: what is typed.
fn typed() -> Vec<String> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let rows = readme.lines().skip_while(|line| *line != "| type | and see |").skip(2);
    let rows = rows.take_while(|line| line.starts_with("| "));
    rows.map(|row| row.split('`').nth(1).unwrap().to_string()).collect()
}

/// A tmux server with one window, ended on drop.
struct Tmux<'h> {
    home: &'h Home,
    kind: Kind,
}

impl<'h> Tmux<'h> {
    fn start(home: &'h Home, kind: Kind) -> Tmux<'h> {
        let tmux = Tmux { home, kind };
        let out =
            tmux.run(&["-f", "/dev/null", "new-session", "-d", "-x", "150", "-y", "50", kind.name(), "-i"]);
        assert!(out.0, "{out:?}");
        tmux
    }

    /// Runs tmux's own client: whether it went well, and what it printed.
    fn run(&self, args: &[&str]) -> (bool, String) {
        let mut command: Command = self.home.command("tmux");
        command.args(["-L", "first-hour", "-u"]).args(args);
        // The user's PATH: where he installs things, and his programs (kubectl).
        let local = self.home.join(".local/bin");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", local.display());
        let shell = format!("/usr/bin/{}", self.kind.name());
        command.current_dir(self.home.join("checkout"));
        command.env("PATH", path).env("SHELL", shell).env("TMUX_TMPDIR", self.home.path());
        command.env("REDTAB_INSTALL_BINARY", env!("CARGO_BIN_EXE_redtab"));
        let out = command.output().unwrap();
        (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
    }

    fn screen(&self, colors: bool) -> String {
        self.run(if colors { &["capture-pane", "-p", "-e"] } else { &["capture-pane", "-p"] }).1
    }

    /// Waits for a prompt below the line that was typed last, and returns the screen.
    fn prompt(&self, after: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen(false);
            let last = screen.trim_end().lines().last().unwrap_or_default();
            if last.ends_with(PROMPT) && screen.contains(format!("{PROMPT} {after}").trim_end()) {
                return screen;
            }
            assert!(Instant::now() < end, "{}: no prompt after {after:?}:\n{screen}", self.kind.name());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types a line into a cleared window and returns the screen at the next prompt.
    fn line(&self, line: &str) -> String {
        self.run(&["send-keys", "C-l"]);
        self.run(&["send-keys", "-l", line]);
        self.run(&["send-keys", "Enter"]);
        self.prompt(line)
    }

    fn last_row(&self) -> String {
        self.screen(false).trim_end().lines().last().unwrap_or_default().to_string()
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

fn the_first_hour(kind: Kind) {
    let home = Home::new();
    home.remove_redtab();
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(home.join("checkout/docs/man")).unwrap();
    for file in ["install.sh", "docs/man/redtab.1"] {
        fs::copy(manifest.join(file), home.join("checkout").join(file)).unwrap();
    }
    home.kubeconfig(".kube/config", &["dev-eu", "k8s-eu-1", "prod-demo"], "dev-eu");
    let all = [Kind::Bash, Kind::Zsh, Kind::Fish];
    let own = |kind: Kind| format!("{}{}", kind.rc_head(), kind.own_prompt(&[format!("{PROMPT} ")]));
    all.iter().for_each(|kind| drop(home.write(kind.rc_path(), own(*kind))));

    let tmux = Tmux::start(&home, kind);
    tmux.prompt("");
    let mut steps = typed().into_iter();
    let mut next = |expected: &str| {
        let line = steps.next().expect("README's table has another row");
        assert!(line.contains(expected), "README's table says {line:?} where {expected:?} is meant");
        // README gives fish's own word.
        if kind == Kind::Fish && line == "unset REDTAB" { "set -e REDTAB".to_string() } else { line }
    };
    let has = |screen: &str, parts: &[&str]| {
        for part in parts {
            assert!(screen.contains(part), "{}: no {part:?}:\n{screen}", kind.name());
        }
    };
    let clear = |what: &str| assert_eq!(tmux.last_row().trim_end(), PROMPT, "{}: {what}", kind.name());

    has(
        &tmux.line(&next("./install.sh --yes")),
        &["redtab: installed ~/.local/bin/redtab", "names known here: 3"],
    );
    clear("a shell that was there before knows nothing of redtab");
    tmux.line(&next("exec"));
    clear("dev-eu is no production");
    has(
        &tmux.line(&next("targets")),
        &[
            "unknown   kube_context   k8s-eu-1    is it production?  redtab mark production kube_context k8s-eu-1",
            "prod      kube_context   prod-demo   \"prod\"",
            "nonprod   kube_context   dev-eu      \"dev\"",
        ],
    );
    tmux.line(&next("mark production kube_context k8s-eu-1"));
    tmux.line(&next("mark safe kube_context prod-demo"));
    clear("a mark alone changes nothing here");
    tmux.line(&next("use-context k8s-eu-1"));
    assert_eq!(tmux.last_row().trim_end(), format!(" PROD k8s-eu-1  {PROMPT}"), "{}", kind.name());
    let colors = tmux.screen(true);
    let row = colors.trim_end().lines().last().unwrap();
    assert!(row.contains("48;5;160m") && row.contains("PROD k8s-eu-1"), "{row:?}");
    has(
        &tmux.line(&next("status")),
        &["PROD  this tab points at production", "k8s-eu-1", "target", "guard   armed", "Not production?"],
    );
    tmux.line(&next("use-context prod-demo"));
    clear("it was marked safe");
    tmux.line(&next("REDTAB=off"));
    assert_eq!(tmux.last_row().trim_end(), format!(" redtab off  {PROMPT}"), "{}", kind.name());
    tmux.line(&next("unset REDTAB"));
    clear("it is on again");
    let screen = tmux.line(&next("doctor"));
    for kind in all {
        let line =
            screen.lines().find(|line| line.contains(&format!(" {} ", kind.name()))).unwrap_or_default();
        assert!(line.starts_with("ok ") && line.contains("6 of 6"), "{screen}");
    }
    has(
        &tmux.line(&next("--uninstall")),
        &["redtab: removed what was installed", "Its line is gone from ~/.bashrc"],
    );
    tmux.line(&next("exec"));
    clear("it is gone");
    assert_eq!(steps.next(), None, "README's table ends here");
    for kind in all {
        assert_eq!(fs::read_to_string(home.join(kind.rc_path())).unwrap(), own(kind));
    }
    assert!(!home.join(".local/bin/redtab").exists());
}
