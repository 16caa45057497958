//! What a person would see: a real xterm and a real kitty on a virtual screen, their titles by the X server, their
//! colours by its pixels. And no terminal that can be driven here shows a byte of what it is sent: the cursor stays
//! where it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{Home, Kind};

const PATIENCE: Duration = Duration::from_secs(40);

/// A virtual screen and the programs on it; all of them end with their test.
struct Screen {
    children: Vec<Child>,
    display: String,
}

impl Screen {
    fn start(home: &Home) -> Screen {
        // The server itself finds a number that is free and says which.
        let said = home.join("display");
        let out = fs::File::create(&said).unwrap();
        let mut xvfb = Command::new("Xvfb");
        // Without -noreset the server starts anew, and drops who is just connecting, when xdotool was its only client.
        xvfb.args(["-displayfd", "1", "-noreset", "-screen", "0", "900x500x24", "-nolisten", "tcp"]);
        let child = xvfb.stdin(Stdio::null()).stdout(out).stderr(Stdio::null()).spawn().unwrap();
        let mut screen = Screen { children: vec![child], display: String::new() };
        until("the screen", || fs::read_to_string(&said).is_ok_and(|text| text.ends_with('\n')));
        screen.display = format!(":{}", fs::read_to_string(&said).unwrap().trim());
        screen
    }

    fn run(&mut self, home: &Home, argv: &[&str]) {
        let mut command = self.command(home, argv);
        let log = fs::File::create(home.join("terminal.log")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.children.push(child);
    }

    fn command(&self, home: &Home, argv: &[&str]) -> Command {
        let mut command = home.command(argv[0]);
        command.args(&argv[1..]).env("DISPLAY", &self.display).env("LIBGL_ALWAYS_SOFTWARE", "1");
        command.env("XDG_RUNTIME_DIR", private(home, "runtime"));
        command
    }

    /// Runs foot, which needs a Wayland compositor: one in a window of this screen.
    fn run_foot(&mut self, home: &Home, script: &str) {
        self.run(home, &["weston", "--backend=x11-backend.so", "--use-pixman", "--socket=w", "--width=900"]);
        until("the compositor", || home.join("runtime/w").exists());
        self.run(home, &["env", "WAYLAND_DISPLAY=w", "foot", "bash", "-c", script]);
    }

    fn output(&self, home: &Home, argv: &[&str]) -> String {
        let output = self.command(home, argv).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The title of the window of this class.
    fn title(&self, home: &Home, class: &str) -> String {
        let found = self.output(home, &["xdotool", "search", "--onlyvisible", "--class", class]);
        let Some(window) = found.lines().next() else { return String::new() };
        self.output(home, &["xdotool", "getwindowname", window]).trim_end().to_string()
    }

    /// The colour of a point, as `#RRGGBB`.
    fn pixel(&self, home: &Home, x: u32, y: u32) -> String {
        let crop = format!("1x1+{x}+{y}");
        let argv = ["import", "-silent", "-window", "root", "-crop", &crop, "-depth", "8", "txt:-"];
        let text = self.output(home, &argv);
        let at = text.find('#').and_then(|first| text[first + 1..].find('#').map(|next| first + 1 + next));
        at.and_then(|at| text.get(at..at + 7)).unwrap_or_default().to_string()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[track_caller]
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "waiting for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A home with a bash that is told what to do by a pipe: each line is run as if it had been typed.
fn home_with(kind: Kind, config: &str) -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
    home.write(".config/redtab/config.toml", config);
    home.write(
        kind.rc_path(),
        format!("{}{}{}\n", kind.rc_head(), kind.own_prompt(&["@@ ".into()]), kind.init()),
    );
    home
}

fn switch(home: &Home, to: &str) {
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], to);
}

fn enter(screen: &Screen, home: &Home, class: &str) {
    let found = screen.output(home, &["xdotool", "search", "--onlyvisible", "--class", class]);
    if let Some(window) = found.lines().next() {
        screen.output(home, &["xdotool", "windowfocus", window, "key", "Return"]);
    }
}

#[test]
fn xterm_turns_red_and_back() {
    let home = home_with(Kind::Bash, "[tab]\nbackground = \"dark\"\n");
    let mut screen = Screen::start(&home);
    screen.run(
        &home,
        &["xterm", "-geometry", "80x20+0+0", "-bg", "#101010", "-fg", "#d0d0d0", "-e", "bash", "-i"],
    );
    until("xterm", || !screen.title(&home, "XTerm").is_empty() && screen.pixel(&home, 300, 200) == "#101010");
    switch(&home, "prod-eu");
    until("a red title", || {
        enter(&screen, &home, "XTerm");
        screen.title(&home, "XTerm") == "PROD prod-eu · ~"
    });
    until("a red background", || screen.pixel(&home, 300, 200) == "#600000");
    switch(&home, "dev-eu");
    until("its own title", || {
        enter(&screen, &home, "XTerm");
        screen.title(&home, "XTerm") == "~"
    });
    until("its own background", || screen.pixel(&home, 300, 200) == "#101010");
}

#[test]
fn xterm_that_was_told_nothing_stays_as_it_is() {
    let home = home_with(Kind::Bash, "[tab]\nbackground = \"dark\"\ntitle = false\ncolor = false\n");
    let mut screen = Screen::start(&home);
    screen
        .run(&home, &["xterm", "-geometry", "80x20+0+0", "-bg", "#101010", "-T", "mine", "-e", "bash", "-i"]);
    until("xterm", || screen.title(&home, "XTerm") == "mine" && screen.pixel(&home, 300, 200) == "#101010");
    switch(&home, "prod-eu");
    // The prompt is red, and that is all.
    until("a red prompt", || {
        enter(&screen, &home, "XTerm");
        (0..60).any(|row| screen.pixel(&home, 8, row * 8 + 4) == "#CD0000")
    });
    assert_eq!(
        (screen.title(&home, "XTerm").as_str(), screen.pixel(&home, 300, 200).as_str()),
        ("mine", "#101010")
    );
}

/// What the tab's record says this terminal is.
fn recorded(home: &Home) -> String {
    let records = fs::read_dir(home.join("run/tabs")).into_iter().flatten().flatten();
    let texts = records.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    let values = texts.filter_map(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    values.filter_map(|value| Some(value["terminal"].as_str()?.to_string())).next().unwrap_or_default()
}

/// Where redtab is told nothing it finds out by itself, also with what an outer terminal left in the environment.
#[test]
fn other_terminals_are_recognised_and_turn_red_and_back() {
    let outer = [
        "env",
        "TERM_PROGRAM=vscode",
        "KITTY_WINDOW_ID=1",
        "KONSOLE_VERSION=260401",
        "WT_SESSION=x",
        "TMUX=/tmp/tmux,1,0",
        "STY=1.pts",
        "ZELLIJ=0",
        "LC_TERMINAL=iTerm2",
    ];
    let bus = ["dbus-run-session", "--"];
    for (id, class, before, argv) in [
        ("xterm", "XTerm", "#101010", &["xterm", "-bg", "#101010", "-e", "bash", "-i"][..]),
        ("urxvt", "URxvt", "#101010", &["urxvt", "-bg", "#101010", "-e", "bash", "-i"]),
        ("vte", "lxterminal", "#000000", &["lxterminal", "--no-remote", "-e", "bash -i"]),
        (
            "konsole",
            "konsole",
            "#232627",
            &["konsole", "-p", "LocalTabTitleFormat=%w", "-p", "DefaultProfile=x", "-e", "bash", "-i"],
        ),
    ] {
        let home = home_with(Kind::Bash, "[tab]\nbackground = \"dark\"\n");
        // lxterminal starts a login shell, which has a PATH of its own.
        home.write(".profile", "PATH=$HOME/bin:$PATH\n");
        let mut screen = Screen::start(&home);
        let bus: &[&str] = if matches!(id, "vte" | "konsole") { &bus } else { &[] };
        screen.run(&home, &[&outer[..], bus, argv].concat());
        until(id, || screen.pixel(&home, 300, 200) == before);
        switch(&home, "prod-eu");
        until(&format!("{id}'s red title"), || {
            enter(&screen, &home, class);
            screen.title(&home, class).starts_with("PROD prod-eu · ~")
        });
        assert_eq!(recorded(&home), id);
        // Where no background can be taken back, none is set.
        let red = if matches!(id, "urxvt" | "konsole") { before } else { "#600000" };
        until(&format!("{id}'s background"), || screen.pixel(&home, 300, 200) == red);
        switch(&home, "dev-eu");
        until(&format!("{id}'s own title"), || {
            enter(&screen, &home, class);
            screen.title(&home, class).starts_with('~')
        });
        until(&format!("{id}'s own background"), || screen.pixel(&home, 300, 200) == before);
    }
}

/// foot has no key that could be pressed from here: its shell reads its lines from a pipe.
#[test]
fn foot_turns_red_and_back() {
    let home = home_with(Kind::Bash, "[tab]\nbackground = \"dark\"\n");
    let mut screen = Screen::start(&home);
    assert!(home.command("mkfifo").arg("lines").status().unwrap().success());
    screen.run_foot(&home, "bash -i <lines");
    let mut lines = fs::File::options().write(true).open(home.join("lines")).unwrap();
    let red = |screen: &Screen| {
        let histogram =
            ["import", "-silent", "-window", "root", "-depth", "8", "-format", "%c", "histogram:-"];
        screen.output(&home, &histogram).contains("#600000")
    };
    let mut enter = || std::io::Write::write_all(&mut lines, b"\n").unwrap();
    enter();
    until("the record", || recorded(&home) == "foot");
    assert!(!red(&screen));
    switch(&home, "prod-eu");
    until("a red background", || {
        enter();
        red(&screen)
    });
    switch(&home, "dev-eu");
    until("its own background", || {
        enter();
        !red(&screen)
    });
}

/// kitty with two tabs; the second one is in front, the first one runs the shell.
fn kitty(home: &Home, screen: &mut Screen, remote: &str) -> String {
    let socket = format!("unix:{}", home.join("kitty").display());
    let options = [
        "kitty",
        "--config",
        "NONE",
        "-o",
        "tab_bar_edge=top",
        "-o",
        "tab_bar_min_tabs=1",
        "-o",
        "update_check_interval=0",
        "-o",
        "tab_bar_style=separator",
        "-o",
        "background=#101010",
        "-o",
        "remember_window_size=no",
        "-o",
        "initial_window_width=860",
        "-o",
        "initial_window_height=300",
        "-o",
    ];
    let remote = format!("allow_remote_control={remote}");
    let mut argv: Vec<&str> = options.to_vec();
    argv.extend([remote.as_str(), "--listen-on", &socket, "bash", "-i"]);
    screen.run(home, &argv);
    socket
}

fn ls(home: &Home, screen: &Screen, socket: &str) -> serde_json::Value {
    let text = screen.output(home, &["kitty", "@", "--to", socket, "ls"]);
    serde_json::from_str(&text).unwrap_or_default()
}

#[test]
fn kittys_tab_turns_red_and_back() {
    let home = home_with(Kind::Bash, "");
    let mut screen = Screen::start(&home);
    let socket = kitty(&home, &mut screen, "socket-only");
    let path: PathBuf = home.join("kitty");
    until("kitty", || path.exists() && ls(&home, &screen, &socket)[0]["tabs"][0]["id"].is_number());
    screen.output(&home, &["kitty", "@", "--to", &socket, "launch", "--type=tab", "--keep-focus", "cat"]);
    until("two tabs", || {
        ls(&home, &screen, &socket)[0]["tabs"].as_array().is_some_and(|tabs| tabs.len() == 2)
    });
    let send = |text: &str| {
        screen.output(&home, &["kitty", "@", "--to", &socket, "send-text", "--match-tab", "index:0", text])
    };
    let title =
        || ls(&home, &screen, &socket)[0]["tabs"][0]["title"].as_str().unwrap_or_default().to_string();
    let red = || (2..12).any(|x| screen.pixel(&home, x, 3) == "#C00000");
    assert!(!red());
    switch(&home, "prod-eu");
    until("a red title", || {
        send("\\r");
        title() == "PROD prod-eu · ~"
    });
    until("a red tab", red);
    switch(&home, "dev-eu");
    until("its own title", || {
        send("\\r");
        title() == "~"
    });
    until("its own colour", || !red());
}

/// The README's pictures: real shells, a real kubectl, invented names. Where `REDTAB_PICTURES` names a directory they go
/// there (docs/screenshots/make); the tests keep none.
fn picture(home: &Home, screen: &Screen, name: &str, colour: &str) {
    let directory =
        std::env::var_os("REDTAB_PICTURES").map_or_else(|| home.path().to_path_buf(), PathBuf::from);
    let path = directory.join(name).display().to_string();
    screen.output(home, &["import", "-silent", "-window", "root", &path]);
    let trim = ["mogrify", "-trim", "-bordercolor", colour, "-border", "12", "-strip", &path];
    screen.output(home, &trim);
    assert!(fs::read(path).unwrap().starts_with(b"\x89PNG"));
}

/// A home for a picture: a kubeconfig of invented clusters, and an `~/app` to stand in.
fn home_for_a_picture() -> Home {
    let home = home_with(Kind::Bash, "");
    let cluster = |name: &str| {
        format!("- name: {name}-eu\n  cluster: {{server: \"https://api.{name}.acme.example\"}}\n")
    };
    let context = |name: &str| format!("- name: {name}-eu\n  context: {{cluster: {name}-eu, user: ana}}\n");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: dev-eu\ncontexts:\n{}{}clusters:\n{}{}users: [{{name: ana, user: {{}}}}]\n",
        context("dev"),
        context("prod"),
        cluster("dev"),
        cluster("prod")
    );
    home.write(".kube/config", text);
    home.write(
        ".bashrc",
        "tty >~/tty$KITTY_WINDOW_ID\nPROMPT_COMMAND='echo >>~/prompts$KITTY_WINDOW_ID'\nPS1='\\[\\e]0;\\w\\a\\]\\w $ '\neval \"$(redtab init bash)\"\n",
    );
    fs::create_dir(home.join("app")).unwrap();
    home
}

/// Waits until the shell of a window has drawn so many prompts and reads a line: what is typed before is shown twice.
fn ready(home: &Home, window: &str, prompts: usize) {
    let drawn = || fs::read(home.join(&format!("prompts{window}"))).map_or(0, |text| text.len());
    until("a prompt", || drawn() >= prompts);
    let tty = fs::read_to_string(home.join(&format!("tty{window}"))).unwrap();
    let modes = || home.command("stty").args(["-a", "-F", tty.trim()]).output().unwrap().stdout;
    until("a shell that reads", || String::from_utf8_lossy(&modes()).contains("-icanon"));
}

#[test]
fn a_picture_of_a_prompt() {
    let home = home_for_a_picture();
    let mut screen = Screen::start(&home);
    let dark = "#1d1f21";
    let argv = [
        "xterm",
        "-fa",
        "DejaVu Sans Mono",
        "-fs",
        "13",
        "-geometry",
        "86x18+0+0",
        "-bg",
        dark,
        "-fg",
        "#d8d8d8",
        "-b",
        "12",
        "-e",
        "bash",
        "-c",
        "cd app; exec bash -i",
    ];
    screen.run(&home, &argv);
    let title = |text: &str| {
        until(text, || screen.title(&home, "XTerm") == text);
    };
    let type_in = |line: &str| {
        let found = screen.output(&home, &["xdotool", "search", "--onlyvisible", "--class", "XTerm"]);
        let window = found.lines().next().unwrap_or_default();
        screen.output(&home, &["xdotool", "windowfocus", window, "type", line]);
        enter(&screen, &home, "XTerm");
    };
    title("~/app");
    let lines = ["kubectl config use-context prod-eu", "redtab status", "kubectl config use-context dev-eu"];
    let titles = ["PROD prod-eu · ~/app", "PROD prod-eu · ~/app", "~/app"];
    for (at, (line, then)) in lines.into_iter().zip(titles).enumerate() {
        ready(&home, "", at + 1);
        type_in(line);
        ready(&home, "", at + 2);
        title(then);
    }
    picture(&home, &screen, "prompt.png", dark);
}

#[test]
fn a_picture_of_two_tabs() {
    let home = home_for_a_picture();
    let mut screen = Screen::start(&home);
    let socket = kitty(&home, &mut screen, "socket-only");
    until("kitty", || {
        home.join("kitty").exists() && ls(&home, &screen, &socket)[0]["tabs"][0]["id"].is_number()
    });
    let to = |arguments: &[&str]| {
        let argv = [&["kitty", "@", "--to", &socket][..], arguments].concat();
        screen.output(&home, &argv)
    };
    let app = home.join("app").display().to_string();
    to(&["launch", "--type=tab", "--cwd", &app, "--env", "AWS_PROFILE=acme-dev", "bash", "-i"]);
    let title = |tab: usize, text: &str| {
        until(text, || ls(&home, &screen, &socket)[0]["tabs"][tab]["title"].as_str() == Some(text));
    };
    let type_in = |tab: usize, line: &str| {
        to(&["send-text", "--match-tab", &format!("index:{tab}"), &format!("{line}\\r")]);
    };
    title(1, "~/app");
    type_in(0, "clear; cd app; export AWS_PROFILE=acme-prod");
    title(0, "PROD acme-prod · ~/app");
    // The tab in front is clear, the other one is red.
    let red = |colour: &str| (2..200).any(|x| screen.pixel(&home, x, 3) == colour);
    until("a dimmed red tab", || red("#800000"));
    ready(&home, "1", 2);
    to(&["focus-tab", "--match", "index:0"]);
    until("a red tab", || red("#C00000"));
    type_in(0, "redtab status");
    ready(&home, "1", 3);
    title(0, "PROD acme-prod · ~/app");
    picture(&home, &screen, "tabs.png", "#101010");
}

#[test]
fn without_a_socket_kitty_gets_a_title_and_types_nothing() {
    let home = home_with(Kind::Bash, "");
    let mut screen = Screen::start(&home);
    screen.run(&home, &["kitty", "--config", "NONE", "-o", "update_check_interval=0", "bash", "-i"]);
    until("kitty", || !screen.title(&home, "kitty").is_empty());
    switch(&home, "prod-eu");
    until("a red title", || {
        enter(&screen, &home, "kitty");
        screen.title(&home, "kitty") == "PROD prod-eu · ~"
    });
    // What a terminal answers would be typed: it would be in the history, and fail as a command.
    let history = "history >$HOME/typed; history -c";
    assert!(!home.join("typed").exists());
    home.write("say", history);
    let found = screen.output(&home, &["xdotool", "search", "--onlyvisible", "--class", "kitty"]);
    let window = found.lines().next().unwrap().to_string();
    until("the history", || {
        screen.output(&home, &["xdotool", "windowfocus", &window, "type", ". say"]);
        enter(&screen, &home, "kitty");
        home.join("typed").exists()
    });
    let typed = fs::read_to_string(home.join("typed")).unwrap();
    assert!(!typed.contains("kitty-cmd") && !typed.contains("ok"), "{typed}");
}

#[test]
fn a_window_of_screen_is_called_red_and_back() {
    let home = home_with(Kind::Bash, "");
    let screen = |arguments: &[&str]| {
        let mut command = home.command("screen");
        command.env("SCREENDIR", private(&home, "screens")).args(["-S", "s"]).args(arguments);
        // Its answers are in Latin-1.
        command
            .output()
            .unwrap()
            .stdout
            .iter()
            .map(|byte| char::from(*byte))
            .collect::<String>()
            .trim()
            .to_string()
    };
    screen(&["-d", "-m", "-c", "/dev/null", "-t", "mine", "bash", "-i"]);
    let title = |what: &str, text: &str| {
        until(what, || {
            screen(&["-X", "stuff", "\n"]);
            screen(&["-Q", "title"]) == text
        });
    };
    until("its own title", || screen(&["-Q", "title"]) == "mine");
    switch(&home, "prod-eu");
    title("a red title", "PROD prod-eu · ~");
    assert_eq!(recorded(&home), "screen");
    switch(&home, "dev-eu");
    title("a title without the mark", "~");
    screen(&["-X", "quit"]);
}

// No garbage

/// Run inside of a terminal: writes each sequence at the start of an empty line and asks where the cursor is. Anything
/// but column 1 as the answer is something that was printed.
const PROBE: &str = r#"#!/bin/bash
exec 2>"$HOME/probe.err"
saved=$(stty -g); stty raw -echo min 0 time 50
while IFS= read -r sequence <&3; do
  printf '\r\e[2K%b\e[6n' "$sequence" >/dev/tty
  answer=
  while IFS= read -rs -N 1 -t 10 byte </dev/tty; do
    answer+=$byte
    [[ $byte == R ]] && break
  done
  printf '%q %q\n' "$sequence" "$answer" >>"$HOME/probe.part"
done 3<"$HOME/sequences"
stty "$saved"
mv "$HOME/probe.part" "$HOME/probe"
"#;

/// The sequences that this profile may write, each on a line, as printf's `%b` reads them.
fn sequences(id: &str) -> Vec<String> {
    use redtab::present::terminal::{Brush, Mark, PROFILES, Rgb, Theme};
    let profile = PROFILES.iter().find(|profile| profile.id == id).unwrap();
    let brush = Brush {
        profile,
        color: true,
        title: true,
        background: Some(Theme::Dark),
        unicode: true,
        socket: false,
    };
    let mark = Mark::new("PROD", "prod-eu", Rgb(0xc0, 0, 0), true);
    let all = [
        brush.paint(&mark, "~/app"),
        brush.restore("~/app"),
        redtab::present::terminal::all_off(profile, "~"),
    ];
    all.iter().map(|bytes| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()).collect()
}

#[track_caller]
fn expect_no_garbage(home: &Home, what: &str, garbage: bool) {
    until(&format!("{what}'s answers"), || home.join("probe").exists());
    let probe = fs::read_to_string(home.join("probe")).unwrap();
    assert!(probe.lines().count() >= 3, "{what}: {probe}");
    for line in probe.lines() {
        // ESC [ row ; 1 R and not a byte more.
        let answer = line.rsplit(' ').next().unwrap();
        let clean =
            answer.ends_with(";1R'") && answer.matches("\\E[").count() == 1 && answer.starts_with("$'\\E[");
        assert_eq!(clean, !garbage, "{what}: {line}");
    }
}

fn probe(id: &str) -> Home {
    let home = Home::new();
    home.executable("probe.sh", PROBE);
    home.write("sequences", sequences(id).join("\n") + "\n");
    home
}

#[test]
fn xterm_and_kitty_show_no_garbage() {
    for (id, argv) in [
        ("xterm", &["xterm", "-e", "./probe.sh"][..]),
        ("kitty", &["kitty", "--config", "NONE", "-o", "update_check_interval=0", "./probe.sh"]),
    ] {
        let home = probe(id);
        let mut screen = Screen::start(&home);
        screen.run(&home, argv);
        expect_no_garbage(&home, id, false);
    }
}

#[test]
fn other_terminals_show_no_garbage() {
    for (id, argv) in [
        ("urxvt", &["urxvt", "-e", "./probe.sh"][..]),
        ("vte", &["dbus-run-session", "--", "lxterminal", "--no-remote", "-e", "./probe.sh"]),
        ("konsole", &["dbus-run-session", "--", "konsole", "-e", "./probe.sh"]),
    ] {
        let home = probe(id);
        let mut screen = Screen::start(&home);
        screen.run(&home, argv);
        expect_no_garbage(&home, id, false);
    }
    let home = probe("foot");
    let mut screen = Screen::start(&home);
    screen.run_foot(&home, "./probe.sh");
    expect_no_garbage(&home, "foot", false);
}

#[test]
fn the_probe_finds_garbage() {
    let home = probe("xterm");
    // screen's title in a terminal that is not screen.
    home.write("sequences", "\\x1bkPROD\\x1b\\x5c\n".repeat(3));
    let mut screen = Screen::start(&home);
    screen.run(&home, &["xterm", "-e", "./probe.sh"]);
    expect_no_garbage(&home, "xterm", true);
}

#[test]
fn tmux_and_screen_show_no_garbage() {
    let home = probe("tmux");
    let socket = home.join("tmux");
    let tmux = |args: &[&str]| {
        let mut command = home.command("tmux");
        command.arg("-S").arg(&socket).args(["-f", "/dev/null"]).args(args).output().unwrap()
    };
    tmux(&["new-session", "-d", "-x", "100", "-y", "24", "./probe.sh"]);
    expect_no_garbage(&home, "tmux", false);
    tmux(&["kill-server"]);
    let home = probe("screen");
    let mut shell = Kind::Bash.in_home(&home).env("SCREENDIR", &private(&home, "screens")).start();
    shell.send("screen -c /dev/null ./probe.sh\r");
    expect_no_garbage(&home, "screen", false);
}

/// A directory closed to others, as sockets want one.
fn private(home: &Home, name: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let directory = home.join(name);
    fs::create_dir_all(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
    directory.display().to_string()
}
