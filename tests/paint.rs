//! Tab, title and background are painted at every prompt and put back afterwards, byte for byte, in every shell and for
//! every terminal that redtab knows. Terminals that can't run here are compared by these bytes alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use support::tmux::{Tmux, write_rc};
use support::{Home, Kind, Shell};

const DEV: &str = "kubectl config use-context dev-eu";
const PROD: &str = "kubectl config use-context prod-eu";

/// What each terminal gets in a tab with the mark `PROD prod-eu`: tab and background, the same taken back, and what
/// stands around the title.
const GOLDEN: &[(&str, &str, &str, (&str, &str))] = &[
    ("plain", "", "", ("", "")),
    ("generic", "", "", ("\x1b]2;", "\x07")),
    ("tmux", BACKGROUND, "\x1b]111\x07", ("\x1b]2;", "\x07")),
    ("screen", "", "", ("\x1bk", "\x1b\\")),
    ("zellij", BACKGROUND, "\x1b]111\x07", ("\x1b]2;", "\x07")),
    (
        "iterm2",
        "\x1b]1337;SetColors=tab=c00000\x07\x1b]11;#600000\x07",
        "\x1b]1337;SetColors=tab=default\x07\x1b]111\x07",
        ("\x1b]0;", "\x07"),
    ),
    ("apple", "", "", ("\x1b]0;", "\x07")),
    ("kitty", BACKGROUND, "\x1b]111\x07", ("\x1b]2;", "\x07")),
    (
        "wezterm",
        "\x1b]1337;SetUserVar=redtab=UFJPRCBwcm9kLWV1\x07\x1b]11;#600000\x07",
        "\x1b]1337;SetUserVar=redtab=\x07\x1b]111\x07",
        ("\x1b]2;", "\x07"),
    ),
    ("ghostty", BACKGROUND, "\x1b]111\x07", ("\x1b]2;", "\x07")),
    ("alacritty", BACKGROUND, "\x1b]111\x07", ("\x1b]2;", "\x07")),
    ("foot", BACKGROUND, "\x1b]111\x07", ("\x1b]2;", "\x07")),
    ("konsole", "", "", ("\x1b]2;", "\x07")),
    ("konsole-24.12", "\x1b]34;#c00000\x07", "\x1b]34;#00000000\x07", ("\x1b]2;", "\x07")),
    (
        "konsole-25.12",
        "\x1b]34;#c00000\x07\x1b]11;#600000\x07",
        "\x1b]34;#00000000\x07\x1b]111;\x07",
        ("\x1b]2;", "\x07"),
    ),
    ("vte", BACKGROUND, "\x1b]111\x07", ("\x1b]2;", "\x07")),
    (
        "windows-terminal",
        "\x1b]4;264;rgb:c0/00/00\x1b\\\x1b]11;#600000\x07",
        "\x1b]104;264\x1b\\\x1b]111\x07",
        ("\x1b]0;", "\x07"),
    ),
    ("vscode", BACKGROUND, "\x1b]111\x07", ("\x1b]0;", "\x07")),
    ("jetbrains", "", "", ("\x1b]0;", "\x07")),
    ("xterm", BACKGROUND, "\x1b]111\x07", ("\x1b]2;", "\x07")),
    ("warp", BACKGROUND, "\x1b]111\x07", ("\x1b]0;", "\x07")),
    ("tabby", BACKGROUND, "\x1b]111\x07", ("\x1b]0;", "\x07")),
    ("urxvt", "", "", ("\x1b]2;", "\x07")),
    ("mlterm", "", "", ("\x1b]2;", "\x07")),
];

const BACKGROUND: &str = "\x1b]11;#600000\x07";

/// A home whose kubectl points at `current`, in a terminal that is said to be `terminal`.
fn home_at(current: &str, terminal: &str, more: &str) -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], current);
    home.write(".config/redtab/config.toml", format!("terminal = \"{terminal}\"\n{more}"));
    home
}

/// Counts in what the terminal got since it had `from` bytes.
fn count(shell: &Shell, from: usize, bytes: &str) -> usize {
    assert!(!bytes.is_empty());
    shell.raw()[from..].windows(bytes.len()).filter(|window| *window == bytes.as_bytes()).count()
}

#[track_caller]
fn expect(shell: &Shell, from: usize, bytes: &str, times: usize) {
    let found = count(shell, from, bytes);
    let raw = shell.raw()[from..].escape_ascii().to_string();
    assert_eq!(found, times, "{}: {} in\n{raw}", shell.kind.name(), bytes.escape_debug());
}

/// Everything that could be ours or a shell's own: OSC (less working directory and marks of prompts), DCS, APC, and
/// screen's title.
fn sequences(bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = bytes[at..].iter().position(|byte| *byte == 0x1b) {
        let start = at + offset;
        at = start + 1;
        if !matches!(bytes.get(at), Some(b']' | b'k' | b'P' | b'_')) {
            continue;
        }
        let end = (at..bytes.len()).find(|i| bytes[*i] == 7 || bytes[*i..].starts_with(b"\x1b\\"));
        let Some(end) = end else { break };
        let end = if bytes[end] == 7 { end + 1 } else { end + 2 };
        let text = String::from_utf8_lossy(&bytes[start..end]).into_owned();
        if !text.starts_with("\x1b]7;") && !text.starts_with("\x1b]133;") {
            found.push(text);
        }
        at = end;
    }
    found
}

// Every terminal

fn every_terminal_gets_its_bytes_and_no_others(kind: Kind) {
    for (id, on, off, (open, close)) in GOLDEN {
        let home = home_at("dev-eu", id, "[tab]\nbackground = \"dark\"\n");
        let mut shell = kind.in_home(&home).redtab().start();
        let from = shell.raw().len();
        shell.enter().enter();
        if kind != Kind::Fish {
            assert_eq!(
                sequences(&shell.raw()[from..]),
                Vec::<String>::new(),
                "{id}: a clear tab is left alone"
            );
        }
        let title = |text: &str| if open.is_empty() { String::new() } else { format!("{open}{text}{close}") };
        let red = format!("{on}{}", title("PROD prod-eu · ~"));
        let clear = format!("{off}{}", title("~"));
        // fish writes the very same title itself.
        let fishs_own = kind == Kind::Fish && on.is_empty() && *open == "\x1b]0;";
        let once = |shell: &Shell, from: usize, bytes: &str| {
            if fishs_own {
                assert!(count(shell, from, bytes) > 0, "{id}: {}", shell.dump());
            } else {
                expect(shell, from, bytes, 1);
            }
        };
        let from = shell.raw().len();
        shell.line(PROD);
        if !red.is_empty() {
            // At least once: the next prompt may look again at what was just written.
            assert!(count(&shell, from, &red) >= 1, "{id}: {}", shell.dump());
            let from = shell.raw().len();
            shell.enter();
            once(&shell, from, &red);
        }
        let from = shell.raw().len();
        shell.line(DEV);
        if clear.is_empty() {
            let ours = sequences(&shell.raw()).into_iter().filter(|s| s.contains("PROD")).count();
            assert_eq!(ours, 0, "{id}");
        } else {
            once(&shell, from, &clear);
            let from = shell.raw().len();
            shell.enter();
            if !fishs_own {
                expect(&shell, from, &clear, 0);
            }
        }
        let from = shell.raw().len();
        shell.line(PROD);
        shell.exit();
        if !clear.is_empty() {
            once(&shell, from, &clear);
        }
        // Nothing of any other terminal's.
        let allowed = [*on, *off];
        for sequence in sequences(&shell.raw()) {
            let is_title = sequence.starts_with("\x1b]0;") || sequence.starts_with("\x1b]2;");
            let ours = allowed.iter().any(|known| known.contains(&sequence)) || is_title;
            assert!(ours || (*id == "screen" && sequence.starts_with("\x1bk")), "{id}: {sequence:?}");
        }
    }
}

/// The mark as WezTerm gets it, in base64, by what follows `PROD `.
const BASE64: [(&str, &str); 3] = [
    ("prod-eu", "UFJPRCBwcm9kLWV1"),
    ("prod-web", "UFJPRCBwcm9kLXdlYg=="),
    ("acme-prod", "UFJPRCBhY21lLXByb2Q="),
];

/// ssh, a shell within the shell (over all terminals each of the three kinds, often), and `exec`.
fn every_terminal_is_put_back_behind_ssh_shells_and_exec(kind: Kind) {
    for (at, (id, on, off, (open, close))) in GOLDEN.iter().enumerate() {
        let home = home_at("dev-eu", id, "[tab]\nbackground = \"dark\"\n");
        // The real ssh; nothing listens there.
        home.executable("bin/ssh", "#!/bin/sh\nexec /usr/bin/ssh -F $HOME/.ssh/config \"$@\"\n");
        home.write(".ssh/config", "Host prod-web\n  HostName 127.0.0.1\n  Port 1\n");
        home.write("instead.sh", "echo other-$((40+2)); read -r x\n");
        let mut shell = kind.in_home(&home).redtab().start();
        shell.enter();
        let title = |text: &str| if open.is_empty() { String::new() } else { format!("{open}{text}{close}") };
        let red = |target: &str, rest: &str| {
            let base64 = BASE64.iter().find(|(name, _)| *name == target).unwrap().1;
            format!("{}{}", on.replace(BASE64[0].1, base64), title(&format!("PROD {target}{rest}")))
        };
        let clear = format!("{off}{}", title("~"));
        // Where only a title tells, fish writes the very same one itself.
        let fishs_own = kind == Kind::Fish && on.is_empty() && *open == "\x1b]0;";
        let last = |shell: &Shell, from: usize, first: &str, then: &str, what: &str| {
            let raw = String::from_utf8_lossy(&shell.raw()[from..]).into_owned();
            let (red, clear) = (raw.find(first), raw.rfind(then));
            assert!(red.is_some() && red < clear, "{} in {id}: {what}: {}", kind.name(), raw.escape_debug());
            assert!(fishs_own || raw.matches(then).count() == 1, "{id}: {what}: {}", raw.escape_debug());
        };
        let painted = !clear.is_empty();

        let from = shell.raw().len();
        shell.line("ssh prod-web");
        if painted {
            last(&shell, from, &red("prod-web", ""), &clear, "ssh");
        }

        let child = [Kind::Bash, Kind::Zsh, Kind::Fish][(at + at / 3) % 3];
        if child != kind {
            let rc = format!("{}{}{}\n", child.rc_head(), child.own_prompt(&["@@ ".into()]), child.init());
            home.write(child.rc_path(), rc);
        }
        shell.line(child.name());
        let from = shell.raw().len();
        shell.line(&child.export("AWS_PROFILE", "acme-prod"));
        if painted {
            assert!(
                count(&shell, from, &red("acme-prod", " · ~")) > 0,
                "{id} in {child:?}: {}",
                shell.dump()
            );
        }
        let from = shell.raw().len();
        shell.line("exit").enter();
        if painted && !fishs_own {
            // By the child when it ends, and by its parent, who can't know that.
            expect(&shell, from, &clear, 2);
        }

        let from = shell.raw().len();
        shell.line(&kind.export("AWS_PROFILE", "acme-prod"));
        shell.send("exec sh instead.sh\r").wait_for("the other program", |t| t.text().contains("other-42"));
        if painted {
            last(&shell, from, &red("acme-prod", " · ~"), &clear, "exec");
        } else {
            let ours =
                sequences(&shell.raw()).into_iter().filter(|s| s.contains("PROD") || s.contains("1337"));
            assert_eq!(ours.collect::<Vec<_>>(), Vec::<String>::new(), "{id}");
        }
    }
}

// At every prompt, and no fork

fn a_red_prompt_paints_without_a_fork(kind: Kind) {
    let home = home_at("prod-eu", "iterm2", "");
    let mut shell = kind.in_home(&home).redtab().traced().start();
    shell.settle();
    let from = shell.raw().len();
    let calls = shell.calls_of_empty_lines(3);
    assert_eq!(calls.count(), (0, 0), "{calls:?}");
    expect(&shell, from, "\x1b]1337;SetColors=tab=c00000\x07", 3);
    shell.line(DEV).settle();
    let calls = shell.calls_of_empty_lines(3);
    assert_eq!(calls.count(), (0, 0), "{calls:?}");
}

fn nothing_is_painted_on_stdout(kind: Kind) {
    let home = home_at("prod-eu", "iterm2", "");
    let mut shell = kind.in_home(&home).redtab().start();
    let exec = match kind {
        Kind::Fish => "begin; echo one; end >$HOME/out",
        _ => "{ echo one; } >$HOME/out",
    };
    shell.line(exec);
    assert_eq!(std::fs::read_to_string(home.join("out")).unwrap(), "one\n");
}

// Terminals that get nothing

fn dumb_terminals_get_no_escape_at_all(kind: Kind) {
    for (name, value) in
        [("TERM", "dumb"), ("TERM", "linux"), ("TERM", "eterm-color"), ("INSIDE_EMACS", "28.2,comint")]
    {
        // Not even where the configuration says otherwise.
        let home = home_at("prod-eu", "iterm2", "[tab]\nbackground = \"dark\"\n");
        let mut shell = kind.in_home(&home).env(name, value).redtab().start();
        shell.enter().line(DEV).enter();
        let got = escapes(&shell.raw());
        shell.exit();
        // The same shell without redtab: what it writes there is its own.
        let mut plain = kind.in_home(&home).env(name, value).start();
        plain.enter().line(DEV).enter().line(PROD);
        let own = escapes(&plain.raw());
        let ours: Vec<&String> = got.difference(&own).collect();
        // Where there are colours the prompt has its own, as any prompt has.
        let color =
            |sequence: &&String| value != "dumb" && sequence.starts_with("\x1b[") && sequence.ends_with('m');
        // How often fish goes back a column depends on when a key comes.
        let step = |sequence: &&String| kind == Kind::Fish && sequence.ends_with("[D");
        let others: Vec<&String> = ours.into_iter().filter(|s| !color(s) && !step(s)).collect();
        assert!(others.is_empty(), "{name}={value}: {others:?}");
        if value == "dumb" {
            assert!(shell.screen().contains("[PROD prod-eu]"), "{}", shell.dump());
        }
        plain.exit();
    }
}

/// Every kind of escape sequence among these bytes: of one that moves or colours its end without the numbers, which depend
/// on the prompt's width; of a title or a directory its beginning.
fn escapes(bytes: &[u8]) -> std::collections::BTreeSet<String> {
    let mut found = std::collections::BTreeSet::new();
    for at in (0..bytes.len()).filter(|at| bytes[*at] == 0x1b) {
        let rest = &bytes[at + 1..];
        let length = match rest.first() {
            Some(b'[') => rest.iter().skip(1).position(|byte| (0x40..0x7f).contains(byte)).map(|end| end + 2),
            Some(b']' | b'P' | b'_') => rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b']'),
            // Two bytes, or three with one that chooses a character set.
            Some(b' '..=b'/') => Some(2.min(rest.len())),
            _ => Some(1.min(rest.len())),
        };
        if let Some(length) = length {
            let text = String::from_utf8_lossy(&bytes[at..=at + length.min(rest.len())]).into_owned();
            let csi = text.starts_with("\x1b[");
            found.insert(text.chars().filter(|c| !csi || !(c.is_ascii_digit() || *c == ';')).collect());
        }
    }
    found
}

/// A real Emacs, by `M-x shell` and by `M-x ansi-term`: what it shows is the prompt and not a byte more.
#[test]
fn a_real_emacs_shows_nothing_but_the_prompt() {
    for (start, prompt) in [("(shell)", "[PROD prod-eu] @@"), ("(ansi-term \"bash\")", "PROD prod-eu  @@")] {
        let home = home_at("prod-eu", "iterm2", "[tab]\nbackground = \"dark\"\n");
        write_rc(&home, Kind::Bash, true);
        home.write(
            "init.el",
            format!("(setq explicit-shell-file-name \"bash\") {start} (delete-other-windows)\n"),
        );
        let tmux = Tmux::with(&home, "exec emacs -nw -Q -l init.el", "");
        let screen = || tmux.tmux(&["capture-pane", "-p", "-t", "%0"]);
        let prompts = || screen().lines().filter(|line| line.trim() == prompt).count();
        tmux.until("a prompt in emacs", |_| prompts() == 1);
        tmux.tmux(&["send-keys", "-t", "%0", "Enter"]);
        tmux.until("one more", |_| prompts() == 2);
        let text = screen();
        for garbage in ["^[", "^G", "1337", "]11", "]2;", "]0;"] {
            assert!(!text.contains(garbage), "{start}: {text}");
        }
        // Had it been written, it would be seen.
        if start == "(shell)" {
            tmux.tmux(&["send-keys", "-t", "%0", "printf '\\033]2;x\\007'", "Enter"]);
            tmux.until("what a title leaves there", |_| screen().lines().any(|line| line.contains("]2;x^G")));
        }
    }
}

fn what_is_not_interactive_prints_nothing(kind: Kind) {
    let home = home_at("prod-eu", "iterm2", "");
    home.write(kind.rc_path(), kind.init());
    let mut command = home.command(kind.name());
    command.env("BASH_ENV", home.join(".bashrc")).env("ENV", home.join(".bashrc"));
    let output = command.args(["-c", "echo one"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "one\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

// Switches

fn no_color_keeps_the_title_alone(kind: Kind) {
    let home = home_at("prod-eu", "iterm2", "[tab]\nbackground = \"dark\"\n");
    let mut shell = kind.in_home(&home).env("NO_COLOR", "1").redtab().start();
    shell.enter();
    expect(&shell, 0, "\x1b]1337", 0);
    expect(&shell, 0, "\x1b]11;", 0);
    assert!(count(&shell, 0, "\x1b]0;PROD prod-eu · ~\x07") > 0, "{}", shell.dump());
}

fn title_and_colour_can_be_switched_off(kind: Kind) {
    let home = home_at("prod-eu", "iterm2", "[tab]\ncolor = false\n");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.enter();
    expect(&shell, 0, "\x1b]1337", 0);
    assert!(count(&shell, 0, "]0;PROD prod-eu · ") > 0);
    let home = home_at("prod-eu", "iterm2", "[tab]\ntitle = false\n");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.enter();
    assert!(count(&shell, 0, "\x1b]1337;SetColors=tab=c00000\x07") > 0);
    expect(&shell, 0, "PROD prod-eu · ", 0);
}

fn the_colour_blind_palette_and_staging(kind: Kind) {
    let home = home_at("prod-eu", "iterm2", "[prompt]\npalette = \"colorblind\"\n");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.enter();
    assert!(count(&shell, 0, "\x1b]1337;SetColors=tab=ac4800\x07") > 0, "{}", shell.dump());
    shell.export("KUBECONFIG", home.kubeconfig("stg", &["stg-1"], "stg-1").to_str().unwrap());
    assert!(
        count(&shell, 0, "\x1b]1337;SetColors=tab=f0e442\x07\x1b]0;STAGING stg-1 · ~\x07") > 0,
        "{}",
        shell.dump()
    );
}

// Off

fn switched_off_it_puts_the_tab_back(kind: Kind) {
    let home = home_at("prod-eu", "iterm2", "");
    let mut shell = kind.in_home(&home).redtab().start();
    let from = shell.raw().len();
    shell.line(&kind.export("REDTAB", "off"));
    expect(&shell, from, "\x1b]1337;SetColors=tab=default\x07\x1b]0;~\x07", 1);
    let from = shell.raw().len();
    shell.enter();
    expect(&shell, from, "SetColors", 0);
    shell.line(&kind.unset("REDTAB"));
    assert!(count(&shell, from, "\x1b]1337;SetColors=tab=c00000\x07") > 0, "{}", shell.dump());
}

fn reset_puts_the_tab_back_without_the_hook(kind: Kind) {
    let home = home_at("prod-eu", "iterm2", "");
    let mut shell = kind.in_home(&home).start();
    let from = shell.raw().len();
    shell.line("redtab reset >out 2>&1").enter();
    expect(&shell, from, "\x1b]1337;SetColors=tab=default\x07\x1b]111\x07\x1b]0;~\x07", 1);
    assert_eq!(std::fs::read_to_string(home.join("out")).unwrap(), "");
}

fn without_the_hook_nothing_is_painted(kind: Kind) {
    let home = home_at("prod-eu", "iterm2", "");
    let mut shell = kind.in_home(&home).start();
    shell.line(PROD).enter();
    assert!(!sequences(&shell.raw()).iter().any(|s| s.contains("PROD") || s.contains("1337")));
}

// Ends

fn exit_keeps_the_users_own_hook_and_status(kind: Kind) {
    let home = home_at("prod-eu", "iterm2", "");
    let own = match kind {
        Kind::Bash => "trap 'echo \"bye it'\\''s $?\" >$HOME/bye' EXIT",
        Kind::Zsh => "zshexit() { echo \"bye it's $?\" >$HOME/bye }",
        Kind::Fish => "function bye --on-event fish_exit; echo \"bye it's $status\" >$HOME/bye; end",
    };
    let mut shell = kind.in_home(&home).rc(own).redtab().start();
    let from = shell.raw().len();
    shell.line(kind.name());
    shell.line("exit 3");
    expect(&shell, from, "\x1b]1337;SetColors=tab=default\x07", 1);
    let bye = std::fs::read_to_string(home.join("bye")).unwrap();
    assert!(bye.starts_with("bye it's"), "{bye}");
    if kind == Kind::Bash {
        assert_eq!(bye, "bye it's 3\n");
    }
    assert_eq!(shell.value(kind.status()), "3");
}

fn exec_puts_the_tab_back(kind: Kind) {
    let home = home_at("prod-eu", "iterm2", "");
    let mut shell = kind.in_home(&home).redtab().start();
    let from = shell.raw().len();
    home.write("dash.sh", "echo instead; read -r x\n");
    shell.send("exec sh dash.sh\r").wait_for("the other program", |t| t.text().contains("instead"));
    expect(&shell, from, "\x1b]1337;SetColors=tab=default\x07", 1);
}

fn a_child_that_is_killed_leaves_nothing_behind(kind: Kind) {
    let home = home_at("dev-eu", "iterm2", "");
    let mut shell = kind.in_home(&home).redtab().start();
    for child in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let rc = format!("{}{}{}\n", child.rc_head(), child.own_prompt(&["@@ ".to_string()]), child.init());
        if child != kind {
            home.write(child.rc_path(), rc);
        }
        // Red in the child alone, and clear in its parent.
        shell.line(child.name()).line(&child.export("AWS_PROFILE", "acme-prod"));
        let from = shell.raw().len();
        assert!(count(&shell, 0, "SetColors=tab=c00000") > 0, "{}", shell.dump());
        let pid = if child == Kind::Fish { "$fish_pid" } else { "$$" };
        shell.line(&format!("kill -9 {pid}")).enter();
        expect(&shell, from, "\x1b]1337;SetColors=tab=default\x07", 1);
        let from = shell.raw().len();
        shell.enter();
        expect(&shell, from, "SetColors", 0);
    }
}

fn nested_shells_paint_for_themselves(kind: Kind) {
    let home = home_at("prod-eu", "iterm2", "");
    let mut shell = kind.in_home(&home).redtab().start();
    let dev = home.kubeconfig("dev", &["dev-eu"], "dev-eu");
    for child in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        if child != kind {
            let rc =
                format!("{}{}{}\n", child.rc_head(), child.own_prompt(&["@@ ".to_string()]), child.init());
            home.write(child.rc_path(), rc);
        }
        let from = shell.raw().len();
        shell.line(child.name());
        assert!(count(&shell, from, "SetColors=tab=c00000") > 0, "{}", shell.dump());
        // A clear child of a red parent, and the parent's red again behind it.
        let from = shell.raw().len();
        shell.line(&child.export("KUBECONFIG", dev.to_str().unwrap()));
        expect(&shell, from, "SetColors=tab=default", 1);
        let from = shell.raw().len();
        shell.line("exit").enter();
        expect(&shell, from, "SetColors=tab=default", 0);
        assert!(count(&shell, from, "SetColors=tab=c00000") > 0, "{}", shell.dump());
        // A red child puts the tab back, and the parent paints again.
        shell.line(child.name());
        let from = shell.raw().len();
        shell.line("exit");
        let order: Vec<String> =
            sequences(&shell.raw()[from..]).into_iter().filter(|s| s.contains("SetColors")).collect();
        assert_eq!(
            order.first().map(String::as_str),
            Some("\x1b]1337;SetColors=tab=default\x07"),
            "{order:?}"
        );
        assert_eq!(order.last().map(String::as_str), Some("\x1b]1337;SetColors=tab=c00000\x07"), "{order:?}");
    }
}

fn a_title_of_ones_own_gets_the_mark_in_front(kind: Kind) {
    let home = home_at("dev-eu", "xterm", "");
    let own = match kind {
        Kind::Bash => "PS1='\\[\\e]0;mine: \\w\\a\\]'$PS1",
        Kind::Zsh => "PROMPT=$'%{\\e]0;mine: %~\\a%}'$PROMPT",
        Kind::Fish => "function fish_title; echo mine: (prompt_pwd); end",
    };
    let mut shell = kind.in_home(&home).rc(own).redtab().start();
    let last = |shell: &Shell| shell.titles().last().cloned().unwrap_or_default();
    shell.wait_for("the title", |t| t.titles().last().is_some_and(|title| title == "mine: ~"));
    shell.line(PROD);
    shell.wait_for("the mark", |t| t.titles().last().is_some_and(|t| t == "PROD prod-eu · mine: ~"));
    shell.line(DEV);
    shell.wait_for("no mark", |t| t.titles().last().is_some_and(|title| title == "mine: ~"));
    assert_eq!(last(&shell), "mine: ~");
}

fn a_title_written_by_a_hook_does_not_win(kind: Kind) {
    let home = home_at("prod-eu", "xterm", "");
    let own = match kind {
        Kind::Bash => "PROMPT_COMMAND='printf \"\\033]0;theirs\\007\"'",
        Kind::Zsh => "theirs() { print -n '\\e]0;theirs\\a' }; precmd_functions+=(theirs)",
        Kind::Fish => "function theirs --on-event fish_prompt; printf '\\e]0;theirs\\a'; end",
    };
    let mut shell = kind.in_home(&home).redtab().rc(own).start();
    shell.enter().enter();
    shell.wait_for("the mark", |t| {
        t.titles().last().is_some_and(|title| title.starts_with("PROD prod-eu · "))
    });
    assert!(shell.titles().iter().any(|title| title == "theirs"));
}

fn foreign_text_ends_no_title(kind: Kind) {
    let home = Home::new();
    let hostile = "prod-\u{7}\u{1b}]0;owned\u{7}$(touch F)`touch F`%F{red}#(touch F)";
    home.kubeconfig(".kube/config", &[hostile], hostile);
    home.write(".config/redtab/config.toml", "terminal = \"xterm\"\n");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.enter();
    assert!(!shell.titles().iter().any(|title| title.starts_with("owned")), "{:?}", shell.titles());
    assert!(!home.join("F").exists());
}

in_every_shell!(
    every_terminal_gets_its_bytes_and_no_others,
    every_terminal_is_put_back_behind_ssh_shells_and_exec,
    a_red_prompt_paints_without_a_fork,
    nothing_is_painted_on_stdout,
    dumb_terminals_get_no_escape_at_all,
    what_is_not_interactive_prints_nothing,
    no_color_keeps_the_title_alone,
    title_and_colour_can_be_switched_off,
    the_colour_blind_palette_and_staging,
    switched_off_it_puts_the_tab_back,
    reset_puts_the_tab_back_without_the_hook,
    without_the_hook_nothing_is_painted,
    exit_keeps_the_users_own_hook_and_status,
    exec_puts_the_tab_back,
    a_child_that_is_killed_leaves_nothing_behind,
    nested_shells_paint_for_themselves,
    a_title_of_ones_own_gets_the_mark_in_front,
    a_title_written_by_a_hook_does_not_win,
    foreign_text_ends_no_title,
);

#[test]
fn the_goldens_name_every_terminal() {
    let ids: Vec<&str> = GOLDEN.iter().map(|golden| golden.0).collect();
    assert_eq!(ids, redtab::present::terminal::IDS[1..]);
}

/// What README calls a terminal, with its id.
const README: &[(&str, &str)] = &[
    ("kitty", "kitty"),
    ("xterm", "xterm"),
    ("foot", "foot"),
    ("VTE (", "vte"),
    ("urxvt", "urxvt"),
    ("GNU screen", "screen"),
    ("Konsole before 24.12", "konsole"),
    ("Konsole from 24.12", "konsole-24.12"),
    ("Konsole from 25.12", "konsole-25.12"),
    ("iTerm2", "iterm2"),
    ("Windows Terminal", "windows-terminal"),
    ("WezTerm", "wezterm"),
    ("Ghostty", "ghostty"),
    ("Alacritty", "alacritty"),
    ("Warp", "warp"),
    ("Tabby", "tabby"),
    ("Zellij", "zellij"),
    ("VS Code", "vscode"),
    ("Apple Terminal", "apple"),
    ("JetBrains", "jetbrains"),
    ("mlterm", "mlterm"),
    ("unknown ones", "generic"),
    ("dumb", "plain"),
];

#[test]
fn the_readme_says_what_the_table_says() {
    use redtab::present::terminal::{Act, PROFILES, Proof};
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .skip_while(|line| !line.starts_with("| terminal | tab |"))
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    for profile in PROFILES.iter().filter(|profile| profile.id != "tmux") {
        let (name, _) = README.iter().find(|(_, id)| *id == profile.id).expect(profile.id);
        let row = rows.iter().find(|row| row[1].contains(name)).expect(profile.id);
        let behind = &row[1][row[1].find(name).unwrap() + name.len()..];
        assert_eq!(behind.starts_with(" ¹"), profile.proof == Proof::Source, "{}: {row:?}", profile.id);
        if profile.id == "plain" {
            continue;
        }
        let tab = profile.tab.on != Act::None;
        assert_eq!(row[2].starts_with("red") || row[2].starts_with("by"), tab, "{row:?}");
        assert_eq!(row[3] == "can", profile.background.on != Act::None, "{row:?}");
        assert_eq!(row[4].starts_with("yes") || row[4].starts_with("with"), !profile.title.is_empty());
    }
}
