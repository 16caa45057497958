//! `redtab doctor` in homes with one fault each: it finds it, and the line it prints, run as it stands, mends it. The
//! controls: a clean home, a shell without a hook, and a guard that lets everything through.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Home, Kind};

const SHELLS: [Kind; 3] = [Kind::Bash, Kind::Zsh, Kind::Fish];

/// What rc files, mends and the trials run.
const TOOLS: [&str; 20] = [
    "awk", "basename", "cat", "chmod", "cp", "dirname", "env", "grep", "head", "id", "ls", "mkdir", "mv",
    "rm", "sed", "sh", "sleep", "touch", "tput", "uname",
];

/// A home in which some shells are installed, each with the line that loads redtab.
struct Patient {
    home: Home,
    path: String,
    vars: Vec<(String, String)>,
    unprivileged: bool,
    /// Where doctor is called.
    cwd: &'static str,
}

impl Patient {
    /// A home where all is well.
    fn with(shells: &[Kind]) -> Patient {
        let home = Home::new();
        for name in TOOLS.into_iter().chain(shells.iter().map(|kind| kind.name())) {
            let found =
                ["/usr/bin", "/bin"].map(|dir| Path::new(dir).join(name)).into_iter().find(|p| p.exists());
            fs::create_dir_all(home.join("tools")).unwrap();
            symlink(found.unwrap(), home.join("tools").join(name)).unwrap();
        }
        for kind in shells {
            home.write(kind.rc_path(), format!("{}{}\n", kind.rc_head(), kind.init()));
        }
        let path = format!("{}:{}", home.bin().display(), home.join("tools").display());
        Patient { home, path, vars: Vec::new(), unprivileged: false, cwd: "" }
    }

    /// A home with one shell, whose rc file is this.
    fn of(kind: Kind, rc: &str) -> Patient {
        let patient = Patient::with(&[kind]);
        patient.home.write(kind.rc_path(), format!("{}{rc}\n", kind.rc_head()));
        patient
    }

    fn var(mut self, name: &str, value: &str) -> Patient {
        self.vars.push((name.into(), value.into()));
        self
    }

    /// Files closed by their mode are closed to doctor, even where the tests run as root.
    fn unprivileged(mut self) -> Patient {
        self.unprivileged = true;
        self
    }

    /// An editor that takes out the line that it is shown.
    fn editor(self) -> Patient {
        let path = self.home.executable("bin/editor", "#!/bin/sh\nsed -i \"${1#+}d\" \"$2\"\n");
        self.var("EDITOR", path.to_str().unwrap())
    }

    fn write(self, file: &str, text: &str) -> Patient {
        self.home.write(file, text);
        self
    }

    fn path_of(&self, file: &str) -> PathBuf {
        self.home.join(file)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = if self.unprivileged && rustix::process::geteuid().is_root() {
            let mut command = self.home.command("/usr/bin/setpriv");
            let caps = "-dac_override,-dac_read_search,-fowner";
            command.args([&format!("--bounding-set={caps}"), &format!("--inh-caps={caps}"), "--", program]);
            command
        } else {
            self.home.command(program)
        };
        command.env("PATH", &self.path).env("SHELL", "/bin/bash").current_dir(self.home.join(self.cwd));
        command.envs(self.vars.iter().map(|(name, value)| (name, value)));
        command
    }

    fn doctor(&self, args: &[&str]) -> (String, Option<i32>) {
        let redtab = self.home.redtab();
        let out = self.command(redtab.to_str().unwrap()).arg("doctor").args(args).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stderr), "");
        (String::from_utf8(out.stdout).unwrap(), out.status.code())
    }

    /// Everything that is not as it should be.
    fn complaints(&self) -> Vec<Value> {
        let (text, code) = self.doctor(&["--json"]);
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["version"], 1);
        let findings = report["findings"].as_array().unwrap();
        let fails = findings.iter().any(|finding| finding["level"] == "fail");
        assert_eq!((code, &report["ok"]), (Some(i32::from(fails)), &Value::Bool(!fails)), "{text}");
        findings.iter().filter(|finding| finding["level"] != "ok").cloned().collect()
    }

    /// Asserts that doctor finds the fault, and that its lines mend it: run as they stand, until none is left.
    #[track_caller]
    fn is_mended(&self, level: &str, words: &str) {
        let mut complaints = self.complaints();
        let found = complaints
            .iter()
            .find(|finding| finding["what"].as_str().unwrap().contains(words) && finding["level"] == level);
        assert!(
            found.is_some_and(|finding| finding["mend"].is_string()),
            "no {level} {words:?}: {complaints:#?}"
        );
        for _ in 0..4 {
            for mend in complaints.iter().filter_map(|finding| finding["mend"].as_str()) {
                let out = self.command("/bin/sh").arg("-c").arg(mend).output().unwrap();
                assert!(out.status.success(), "{mend}: {out:?}");
            }
            complaints = self.complaints();
            if complaints.is_empty() {
                return;
            }
        }
        panic!("still there: {complaints:#?}");
    }
}

#[test]
fn a_clean_home_is_clean_and_stays_as_it_is() {
    let patient = Patient::with(&SHELLS);
    let histories = [".bash_history", ".zsh_history", ".local/share/fish/fish_history"];
    let (text, code) = patient.doctor(&[]);
    assert_eq!(code, Some(0), "{text}");
    for kind in SHELLS {
        let line = text.lines().find(|line| line.contains(kind.name())).unwrap_or_else(|| panic!("{text}"));
        assert!(line.starts_with(&format!("ok    {} ", kind.name())), "{text}");
        assert!(line.contains(&format!("hook in ~/{}:", kind.rc_path())), "{text}");
        assert!(line.ends_with("blocks, keeps the line (tried in a pty: 6 of 6)"), "{text}");
    }
    assert!(text.lines().all(|line| line.starts_with("ok ")), "{text}");
    for history in histories {
        assert!(!patient.path_of(history).exists(), "{history} was written");
    }
    let log = patient.command(patient.home.redtab().to_str().unwrap()).arg("log").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&log.stdout).matches("local-only").count(), 0, "{log:?}");
}

/// Beside the tools that people have at their prompts, the real ones, in either order.
#[test]
fn beside_other_tools_all_is_well_in_either_order() {
    for kind in SHELLS {
        let line = |tool: &str| match (tool, kind) {
            ("redtab", kind) => kind.init().to_string(),
            (words, Kind::Fish) => format!("{words} fish | source"),
            (words, kind) => format!("eval \"$({words} {})\"", kind.name()),
        };
        for order in [
            ["redtab", "starship init", "direnv hook", "mise activate"],
            ["mise activate", "direnv hook", "starship init", "redtab"],
            ["direnv hook", "redtab", "mise activate", "starship init"],
        ] {
            let rc: Vec<String> = order.into_iter().map(line).collect();
            let mut patient = Patient::of(kind, &rc.join("\n"));
            let tools = support::tool("starship");
            patient.path += &format!(":{}", tools.parent().unwrap().display());
            symlink("/usr/bin/direnv", patient.path_of("tools/direnv")).unwrap();
            let patient =
                patient.var("DIRENV_LOG_FORMAT", "").var("MISE_OFFLINE", "1").var("MISE_QUIET", "1");
            let (text, _) = patient.doctor(&[]);
            let told = text.lines().find(|line| line.contains(&format!(" {} ", kind.name()))).unwrap();
            assert!(
                told.starts_with("ok ") && told.ends_with("(tried in a pty: 6 of 6)"),
                "{order:?}\n{text}"
            );
        }
    }
}

/// The negative control: what doctor says of a guard that lets everything through.
#[test]
fn a_guard_that_lets_lines_through_is_found_out() {
    for kind in SHELLS {
        let patient = Patient::with(&[kind]);
        let real = patient.path_of("bin/real");
        fs::rename(patient.home.redtab(), &real).unwrap();
        let script = "#!/bin/sh
            case $1 in
              guard) exit 0 ;;
              init) ~/bin/real \"$@\" | sed 's|bin/real|bin/redtab|' ;;
              *) exec ~/bin/real \"$@\" ;;
            esac";
        patient.home.executable("bin/redtab", script);
        let out = patient.command(real.to_str().unwrap()).args(["doctor"]).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        assert_eq!(out.status.code(), Some(1), "{text}");
        assert!(text.contains("not so: a local-only script is stopped"), "{text}");
        assert!(!text.contains("6 of 6"), "{text}");
    }
}

#[test]
fn a_shell_that_hangs_is_named_and_ended() {
    let patient = Patient::of(Kind::Bash, &format!("sleep 98765\n{BASH}"));
    let complaints = patient.complaints();
    let what = complaints[0]["what"].as_str().unwrap();
    assert!(what.contains("no prompt within 15 seconds"), "{complaints:#?}");
    let ours = format!("HOME={}", patient.home.path().display());
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let environ = fs::read(entry.path().join("environ")).unwrap_or_default();
        let left = environ.split(|byte| *byte == 0).any(|var| var == ours.as_bytes());
        assert!(!left, "{:?} is left behind", entry.path());
    }
}

#[test]
fn a_shell_that_ends_is_named() {
    let patient = Patient::of(Kind::Bash, "echo out of here; exit 3");
    let complaints = patient.complaints();
    let what = complaints[0]["what"].as_str().unwrap();
    assert!(
        what.contains("ended before its first prompt") && what.contains("out of here"),
        "{complaints:#?}"
    );
}

#[test]
fn a_shell_nobody_uses_is_no_fault() {
    let patient = Patient::with(&SHELLS).write(".zshrc", "");
    let complaints = patient.complaints();
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
    assert_eq!(complaints[0]["level"], "note");
    patient.is_mended("note", "~/.zshrc does not load it");
}

/// Appends bytes that no program looks at: another redtab, which does the same.
fn other_redtab(home: &Home, file: &str) -> PathBuf {
    let mut bytes = fs::read(home.redtab()).unwrap();
    bytes.extend(b"older");
    let path = home.write(file, bytes);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

const BASH: &str = "eval \"$(redtab init bash)\"";
const ZSH: &str = "eval \"$(redtab init zsh)\"";
const FISH: &str = "redtab init fish | source";

macro_rules! faults {
    ($($name:ident: $level:literal $words:literal, $patient:expr;)*) => {
        /// One test for each planted fault.
        mod fault {
            use super::*;
            $(#[test] fn $name() { $patient.is_mended($level, $words); })*
        }
    };
}

faults! {
    no_hook: "fail" "~/.bashrc does not load it", Patient::of(Kind::Bash, "true");
    no_rc_file: "fail" "does not load it", {
        let patient = Patient::of(Kind::Fish, "");
        fs::remove_dir_all(patient.path_of(".config/fish")).unwrap();
        patient
    };
    file_without_a_last_newline: "fail" "~/.bashrc does not load it",
        Patient::of(Kind::Bash, "").write(".bashrc", "true # no newline");
    only_in_bash_profile: "fail" "only login shells read",
        Patient::of(Kind::Bash, "true").write(".bash_profile", &format!("true\n{BASH}\n"));
    only_in_profile: "fail" "only login shells read",
        Patient::of(Kind::Bash, "true").write(".profile", &format!("{BASH}\n"));
    only_in_zprofile: "fail" "an interactive zsh does not read",
        Patient::of(Kind::Zsh, "true").write(".zprofile", &format!("{ZSH}\n"));
    zsh_reads_another_directory: "fail" "an interactive zsh does not read",
        Patient::of(Kind::Zsh, ZSH).write(".zshenv", "ZDOTDIR=~/.config/zsh\n").write(".config/zsh/.zshrc", "true\n");
    line_of_another_shell: "fail" "the line loads that of zsh", Patient::of(Kind::Bash, ZSH);
    login_shells_left_out: "warn" "does not read ~/.bashrc",
        Patient::of(Kind::Bash, BASH).write(".bash_profile", "true\n");
    twice_in_bash: "warn" "loaded twice", Patient::of(Kind::Bash, &format!("{BASH}\ntrue\n{BASH}"));
    twice_in_zsh: "warn" "loaded twice", Patient::of(Kind::Zsh, &format!("{ZSH}\n{ZSH}\n{ZSH}"));
    twice_in_fish: "warn" "loaded twice", Patient::of(Kind::Fish, &format!("{FISH}\n{FISH}"));
    prompt_command_replaced: "fail" "taken out of PROMPT_COMMAND",
        Patient::of(Kind::Bash, &format!("{BASH}\nunset PROMPT_COMMAND\nPROMPT_COMMAND='true'"));
    precmd_functions_replaced: "fail" "taken out of precmd_functions",
        Patient::of(Kind::Zsh, &format!("{ZSH}\nprecmd_functions=()\n"));
    functions_erased_in_fish: "fail" "taken out of its prompt event",
        Patient::of(Kind::Fish, &format!("{FISH}\nfunctions -e __redtab_event\ntrue"));
    prompt_command_readonly: "fail" "PROMPT_COMMAND is readonly",
        Patient::of(Kind::Bash, &format!("readonly PROMPT_COMMAND\n{BASH} 2>/dev/null"));
    history_off: "warn" "history is off", Patient::of(Kind::Bash, &format!("set +o history\n{BASH}"));
    history_of_no_size: "warn" "history is off", Patient::of(Kind::Bash, &format!("{BASH}\nHISTSIZE=0"));
    history_off_from_elsewhere: "warn" "history is off",
        Patient::of(Kind::Bash, &format!(". ~/.more\n{BASH}")).write(".more", "set +o history\n");
    promptvars_off: "warn" "promptvars is off", Patient::of(Kind::Bash, &format!("{BASH}\nshopt -u promptvars"));
    histcontrol_readonly: "warn" "readonly", Patient::of(Kind::Bash, &format!("readonly HISTCONTROL=ignorespace\n{BASH}"));
    enter_bound_in_fish: "warn" "Enter is bound to something else",
        Patient::of(Kind::Fish, &format!("{FISH}\nbind -m insert \\r execute"));
    switched_off_in_rc: "fail" "switched off in the rc files", Patient::of(Kind::Bash, &format!("export REDTAB=off\n{BASH}"));
    switched_off_in_fish: "fail" "switched off in the rc files", Patient::of(Kind::Fish, &format!("set -gx REDTAB off\n{FISH}"));
    not_on_path: "fail" "not on the PATH of this shell", {
        let patient = Patient::of(Kind::Bash, "");
        let path = format!("PATH={}\n{BASH}\n", patient.path_of("tools").display());
        patient.write(".bashrc", &path)
    };
    binary_gone: "fail" "/gone/redtab is not there", Patient::of(Kind::Zsh, "eval \"$(~/gone/redtab init zsh)\" 2>/dev/null");
    line_not_reached: "fail" "was not reached", Patient::of(Kind::Bash, &format!("return\n{BASH}"));
    other_binary_by_its_path: "warn" "the hook calls", {
        let patient = Patient::of(Kind::Bash, "");
        let other = other_redtab(&patient.home, "old/redtab");
        patient.write(".bashrc", &format!("eval \"$({} init bash)\"\n", other.display()))
    };
    other_binary_first_in_the_shell: "warn" "the hook calls", {
        let mut patient = Patient::of(Kind::Zsh, ZSH);
        let other = other_redtab(&patient.home, "first/redtab");
        patient.path = format!("{}:{}", other.parent().unwrap().display(), patient.path);
        patient
    };
    other_binary_first_on_path: "warn" "comes first on PATH", {
        let mut patient = Patient::of(Kind::Bash, "eval \"$(~/bin/redtab init bash)\"");
        let other = other_redtab(&patient.home, "first/redtab");
        patient.path = format!("{}:{}", other.parent().unwrap().display(), patient.path);
        patient
    };
    run_directory_read_only: "fail" "can't be written", {
        let patient = Patient::of(Kind::Bash, BASH).unprivileged();
        fs::set_permissions(patient.home.run_dir(), fs::Permissions::from_mode(0o500)).unwrap();
        patient
    };
    run_directory_is_a_file: "fail" "no run directory", {
        let patient = Patient::of(Kind::Bash, BASH).write("a-file", "");
        let path = patient.path_of("a-file");
        patient.var("REDTAB_RUN_DIR", path.to_str().unwrap())
    };
    state_directory_read_only: "fail" "can't be written", {
        let patient = Patient::of(Kind::Bash, BASH).unprivileged();
        let dir = patient.path_of(".local/state/redtab");
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o500)).unwrap();
        patient
    };
    stale_files: "note" "left by shells that are gone",
        Patient::of(Kind::Bash, BASH).write("run/shells/4194304", "x");
    unknown_key: "fail" "did you mean", Patient::of(Kind::Bash, BASH)
        .write(".config/redtab/config.toml", "# mine\n[prompt]\nsegmnt = \"short\"\n");
    wrong_value: "fail" "colour", Patient::of(Kind::Bash, BASH)
        .write(".config/redtab/config.toml", "[[environment]]\nname = \"qa\"\ncolor = \"#12\"\n");
    bad_variable: "fail" "", Patient::of(Kind::Bash, BASH)
        .write(".config/redtab/config.toml", "lock = [1]\n");
    kubeconfig_is_a_pipe: "warn" "is a named pipe", {
        let patient = Patient::of(Kind::Bash, BASH).write(".kube/config", "");
        fs::remove_file(patient.path_of(".kube/config")).unwrap();
        let made = patient.home.command("mkfifo").arg(patient.path_of(".kube/config")).status().unwrap();
        assert!(made.success());
        patient
    };
    credentials_are_a_directory: "warn" "is a directory", {
        let patient = Patient::of(Kind::Bash, BASH);
        fs::create_dir_all(patient.path_of(".aws/credentials")).unwrap();
        patient
    };
    kubeconfig_is_huge: "warn" "is larger than", {
        let patient = Patient::of(Kind::Bash, BASH).write(".kube/config", "");
        fs::File::create(patient.path_of(".kube/config")).unwrap().set_len(9 << 20).unwrap();
        patient
    };
    aws_file_is_broken: "warn" "has a line that sets nothing",
        Patient::of(Kind::Bash, BASH).write(".aws/config", "[default]\nregion = x\njunk\n").editor();
    dotenv_is_broken: "warn" "has a quote that is never closed", {
        let patient = Patient::of(Kind::Zsh, ZSH).write("project/.env", "A=b\nPGHOST='x\n").editor();
        Patient { cwd: "project", ..patient }
    };
    redtab_toml_that_everybody_can_write: "warn" "can be written by everybody", {
        let patient = Patient::of(Kind::Bash, BASH).write("project/.redtab.toml", "");
        let file = patient.path_of("project/.redtab.toml");
        fs::set_permissions(file, fs::Permissions::from_mode(0o666)).unwrap();
        Patient { cwd: "project", ..patient }
    };
    config_is_a_directory: "fail" "is a directory", {
        let patient = Patient::of(Kind::Bash, BASH);
        fs::create_dir_all(patient.path_of(".config/redtab/config.toml")).unwrap();
        patient
    };
    unreadable_kubeconfig: "warn" "permission denied", {
        let patient = Patient::of(Kind::Bash, BASH).unprivileged().write(".kube/config", "");
        fs::set_permissions(patient.path_of(".kube/config"), fs::Permissions::from_mode(0o000)).unwrap();
        patient
    };
}

/// The watcher of a home, started and killed.
#[test]
fn a_watcher_that_is_gone_is_missed() {
    let patient = Patient::of(Kind::Bash, BASH);
    let redtab = patient.home.redtab();
    let watch = |word: &str| {
        let out = patient.command(redtab.to_str().unwrap()).args(["watch", word]).output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    watch("start");
    let end = Instant::now() + Duration::from_secs(20);
    while !patient.home.join("run/machine.json").exists() {
        assert!(Instant::now() < end, "{}", watch("status"));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(patient.complaints(), [] as [Value; 0]);
    let (text, _) = patient.doctor(&[]);
    assert!(
        text.lines().any(|line| line.starts_with("ok    watcher ") && line.ends_with(" running")),
        "{text}"
    );
    let pid =
        watch("status").split(|c: char| !c.is_ascii_digit()).find(|word| !word.is_empty()).map(str::to_owned);
    let pid = rustix::process::Pid::from_raw(pid.unwrap().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let dead = || rustix::process::test_kill_process(pid).is_err() || watch("status").contains("no watcher");
    while !dead() {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(20));
    }
    patient.is_mended("fail", "where tunnels lead is not known");
}

#[test]
fn the_terminals_profile_is_named_with_what_it_could_do() {
    for (vars, ok, more) in [
        (&[("TERM", "alacritty")][..], "told by TERM=alacritty", None),
        (&[("TERM", "dumb")], "the prompt alone (told by TERM=dumb)", None),
        (
            &[("TERM", "xterm-kitty")],
            "told by TERM=xterm-kitty",
            Some("listen_on unix:/tmp/kitty-{kitty_pid}"),
        ),
        (
            &[("TERM", "wezterm")],
            "told by TERM=wezterm",
            Some("wezterm.on('format-tab-title', function(tab)"),
        ),
    ] {
        let mut patient = Patient::of(Kind::Bash, BASH);
        patient.vars = vars.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let (text, code) = patient.doctor(&[]);
        assert_eq!(code, Some(0), "{text}");
        let line = text.lines().find(|line| line.starts_with("ok    terminal ")).unwrap();
        assert!(line.contains(ok), "{text}");
        assert_eq!(text.lines().any(|line| Some(line.trim()) == more), more.is_some(), "{text}");
        assert!(text.contains("6 of 6"), "the trial has a terminal of its own: {text}");
    }
    // What the configuration says comes before what is found.
    for (id, file, line) in [
        ("vscode", "settings.json", "\"terminal.integrated.tabs.title\": \"${sequence}\""),
        ("konsole-25.12", "Tabs", "Tab title format: %w"),
        ("kitty", "kitty.conf", "tab_bar_min_tabs 1"),
    ] {
        let patient = Patient::of(Kind::Bash, BASH)
            .write(".config/redtab/config.toml", &format!("terminal = \"{id}\"\n"))
            .var("TERM", "alacritty");
        let (text, _) = patient.doctor(&[]);
        assert!(text.contains(&format!("(told by terminal = \"{id}\")")), "{text}");
        let (_, behind) = text.split_once(file).unwrap_or_else(|| panic!("{text}"));
        assert!(behind.lines().any(|found| found.trim() == line), "{text}");
    }
}

#[test]
fn a_switch_in_this_shell_does_not_hide_the_rest() {
    let patient = Patient::of(Kind::Bash, BASH).var("REDTAB", "off");
    let complaints = patient.complaints();
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
    assert_eq!(complaints[0]["mend"], "unset REDTAB");
}

#[test]
fn foreign_names_are_shown_harmless() {
    let patient = Patient::of(Kind::Bash, BASH).write(".kube/config", "").unprivileged();
    let hostile = patient.path_of("a\x1b]0;x\x07'$(touch pwned)");
    fs::write(&hostile, "").unwrap();
    fs::set_permissions(&hostile, fs::Permissions::from_mode(0o000)).unwrap();
    let patient = patient.var("KUBECONFIG", hostile.to_str().unwrap());
    let (text, _) = patient.doctor(&[]);
    assert!(text.contains("permission denied") && !text.contains(['\x1b', '\x07']), "{text}");
    for line in text.lines().filter(|line| line.starts_with("        ")) {
        let _ = patient.command("/bin/sh").arg("-c").arg(line).output().unwrap();
    }
    assert!(!patient.path_of("pwned").exists());
}
