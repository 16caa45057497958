//! redtab inside a real tmux, seen from an outer one: panes, windows and the status line turn red and back, whatever
//! ends in between, and no foreign text is ever run or obeyed by tmux.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::path::Path;

use support::tmux::{RED, Tmux, YELLOW, write_rc};
use support::{Calls, Home, Kind, Sshd};

fn home_at(context: &str) -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu", "stg-1"], context);
    home
}

fn kill(pid: &str) {
    let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

const PROD: (&str, &str) = ("AWS_PROFILE", "acme-prod");

fn the_pane_and_its_window_turn_red_and_back(kind: Kind) {
    let home = home_at("dev-eu");
    let tmux = Tmux::server(&home, kind);
    tmux.attach().prompt("%0").until_entry("0:", None);
    let before = tmux.window_options("%0");
    tmux.tmux(&["new-window", "-d"]);
    tmux.line("%0", &kind.export(PROD.0, PROD.1));
    tmux.until_option("%0", "@redtab", "PROD acme-prod").until_entry("0:", Some(RED)).until_entry("1:", None);
    assert!(tmux.find("<PROD acme-prod>").is_some());
    assert_eq!(tmux.option("%0", "@redtab_style"), "fg=colour231,bg=colour160");
    tmux.line("%0", "true").prompt("%0").until_entry("0:", Some(RED));
    // A window that is not looked at.
    tmux.tmux(&["select-window", "-t", ":1"]);
    tmux.until_entry("1:", None).until_entry("0:", Some(RED));
    assert!(tmux.find("<>").is_some());
    tmux.line("%0", &kind.unset(PROD.0)).until_option("%0", "@redtab", "").until_entry("0:", None);
    assert_eq!(tmux.tmux(&["show-options", "-p", "-t", "%0"]), "");
    assert_eq!(tmux.window_options("%0"), before);
}

fn without_the_hook_nothing_turns_red(kind: Kind) {
    let home = home_at("prod-eu");
    write_rc(&home, kind, false);
    let tmux = Tmux::with(&home, &format!("{} -i", kind.name()), "");
    tmux.attach().line("%0", &kind.export(PROD.0, PROD.1)).prompt("%0").line("%0", "true").prompt("%0");
    tmux.until_entry("0:", None);
    assert_eq!(tmux.option("%0", "@redtab"), "");
}

in_every_shell! {
    the_pane_and_its_window_turn_red_and_back,
    without_the_hook_nothing_turns_red,
}

#[test]
fn two_panes_of_one_window_are_both_right() {
    let home = home_at("dev-eu");
    let kind = Kind::Bash;
    let tmux = Tmux::server(&home, kind);
    tmux.attach().prompt("%0").tmux(&["split-window", "-d"]);
    tmux.line("%1", &kind.export(PROD.0, PROD.1)).until_option("%1", "@redtab", "PROD acme-prod");
    tmux.until_entry("0:", Some(RED));
    assert_eq!(tmux.option("%0", "@redtab"), "");
    tmux.line("%0", &kind.export("APP_ENV", "staging")).until_option(
        "%0",
        "@redtab",
        "STAGING APP_ENV=staging",
    );
    // Production beats what is only shown, in whatever order they came.
    tmux.until_entry("0:", Some(RED));
    tmux.line("%1", &kind.unset(PROD.0)).until_option("%1", "@redtab", "").until_entry("0:", Some(YELLOW));
    tmux.line("%1", &kind.export(PROD.0, PROD.1)).until_entry("0:", Some(RED));
    tmux.line("%0", &kind.unset("APP_ENV")).until_option("%0", "@redtab", "").until_entry("0:", Some(RED));
    tmux.line("%1", &kind.unset(PROD.0)).until_entry("0:", None);
    assert_eq!(tmux.window_options("%0"), "");
}

#[test]
fn the_users_own_styles_come_back_as_they_were() {
    let home = home_at("dev-eu");
    let kind = Kind::Zsh;
    let tmux = Tmux::server(&home, kind);
    tmux.attach().prompt("%0");
    tmux.tmux(&["set-option", "-g", "window-status-current-style", "fg=cyan"]);
    for own in
        ["", "bg=blue", "fg=#123456,bold", "#{?window_zoomed_flag,bg=cyan,bg=blue}", "fg=green,#{E:@x}"]
    {
        if !own.is_empty() {
            tmux.tmux(&["set-option", "-w", "-t", "%0", "window-status-current-style", own]);
        }
        let before = tmux.window_options("%0");
        for _ in 0..2 {
            tmux.line("%0", &kind.export(PROD.0, PROD.1)).until_entry("0:", Some(RED));
            assert_ne!(tmux.window_options("%0"), before);
            tmux.line("%0", &kind.unset(PROD.0)).until_option("%0", "@redtab", "");
            assert_eq!(tmux.window_options("%0"), before, "{own}");
        }
    }
    // A style that is set meanwhile is the user's last word.
    tmux.line("%0", &kind.export(PROD.0, PROD.1)).until_entry("0:", Some(RED));
    tmux.tmux(&["set-option", "-w", "-t", "%0", "window-status-current-style", "bg=magenta"]);
    tmux.line("%0", &kind.unset(PROD.0)).until_option("%0", "@redtab", "");
    assert_eq!(tmux.window_options("%0"), "window-status-current-style bg=magenta");
    assert_eq!(tmux.tmux(&["show-options", "-gv", "window-status-current-style"]), "fg=cyan");
}

#[test]
fn a_killed_shell_leaves_nothing_red() {
    let home = home_at("dev-eu");
    let kind = Kind::Bash;
    let tmux = Tmux::server(&home, kind);
    tmux.attach().prompt("%0").tmux(&["split-window", "-d"]);
    tmux.line("%1", &kind.export(PROD.0, PROD.1)).until_entry("0:", Some(RED));
    kill(&tmux.pid("%1"));
    tmux.until("the pane's end", |tmux| tmux.tmux(&["list-panes", "-F", "#{pane_id}"]) == "%0");
    tmux.until_entry("0:", None);
    // The next shell of the window that turns red and back takes the rest away.
    tmux.line("%0", &kind.export(PROD.0, PROD.1)).until_entry("0:", Some(RED));
    tmux.line("%0", &kind.unset(PROD.0)).until_option("%0", "@redtab", "").until_entry("0:", None);
    assert_eq!(tmux.window_options("%0"), "");
    // A pane that stays after its shell: dead, it counts for nothing; with a new shell, it says what that one says.
    tmux.tmux(&["set-option", "-p", "-t", "%0", "remain-on-exit", "on"]);
    tmux.line("%0", &kind.export(PROD.0, PROD.1)).until_entry("0:", Some(RED));
    kill(&tmux.pid("%0"));
    tmux.until_entry("0:", None);
    tmux.tmux(&["respawn-pane", "-t", "%0"]);
    tmux.until_option("%0", "@redtab", "").until_entry("0:", None);
    assert_eq!(tmux.option("%0", "@redtab_red"), "");
}

fn a_shell_within_a_shell_leaves_nothing_red(kind: Kind) {
    let home = home_at("dev-eu");
    let tmux = Tmux::server(&home, kind);
    tmux.attach().prompt("%0");
    for inner in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        write_rc(&home, inner, true);
        for by_kill in [false, true] {
            // In the hands of `sh`, that Ctrl-D or a signal end the inner one alone.
            tmux.line("%0", &format!("{} -i", inner.name())).prompt("%0");
            tmux.line("%0", &inner.export(PROD.0, PROD.1)).until_entry("0:", Some(RED));
            tmux.line(
                "%0",
                if !by_kill {
                    "exit"
                } else if inner == Kind::Fish {
                    "kill -9 $fish_pid"
                } else {
                    "kill -9 $$"
                },
            );
            tmux.until_option("%0", "@redtab", "").until_entry("0:", None);
        }
    }
    // A red one keeps its colour when a clear one within it ends.
    tmux.line("%0", &kind.export(PROD.0, PROD.1)).until_entry("0:", Some(RED));
    tmux.line("%0", &format!("env -u {} {} -i", PROD.0, Kind::Bash.name())).until_entry("0:", None);
    tmux.line("%0", "exit").until_entry("0:", Some(RED)).until_option("%0", "@redtab", "PROD acme-prod");
}

fn after_a_restart_of_the_server_it_works_again(kind: Kind) {
    let home = home_at("prod-eu");
    let tmux = Tmux::server(&home, kind);
    tmux.attach().until_entry("0:", Some(RED));
    for _ in 0..2 {
        tmux.tmux(&["kill-server"]);
        tmux.until("the outer one's end", |tmux| tmux.client().screen().contents().trim().is_empty());
        tmux.start();
        tmux.attach().until_option("%0", "@redtab", "PROD prod-eu").until_entry("0:", Some(RED));
    }
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
    tmux.line("%0", "").until_entry("0:", None);
    assert_eq!(tmux.window_options("%0"), "");
}

fn detached_and_attached_it_is_as_it_was(kind: Kind) {
    let home = home_at("prod-eu");
    let tmux = Tmux::server(&home, kind);
    tmux.attach().until_entry("0:", Some(RED)).tmux(&["detach-client"]);
    tmux.until("nobody there", |tmux| tmux.tmux(&["list-clients"]).is_empty());
    tmux.attach().until_entry("0:", Some(RED)).tmux(&["detach-client"]);
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
    tmux.line("%0", "").until_option("%0", "@redtab", "");
    tmux.attach().until_entry("0:", None);
}

in_every_shell! {
    a_shell_within_a_shell_leaves_nothing_red,
    after_a_restart_of_the_server_it_works_again,
    detached_and_attached_it_is_as_it_was,
}

#[test]
fn variables_that_leaked_into_another_terminal_mark_nothing() {
    let home = home_at("dev-eu");
    let tmux = Tmux::server(&home, Kind::Bash);
    tmux.attach().prompt("%0");
    let server = tmux.tmux(&["display-message", "-p", "#{pid}"]);
    let leaked = format!("{},{server},0", tmux.inner.display());
    let start = Kind::Zsh.in_home(&home).env("TMUX", &leaked).env("TMUX_PANE", "%0");
    let mut shell = start.redtab().start();
    shell.export(PROD.0, PROD.1).expect_production();
    assert_eq!(tmux.option("%0", "@redtab"), "");
    tmux.until_entry("0:", None);
}

fn a_tmux_that_hangs_or_is_missing_is_no_trouble(kind: Kind) {
    let home = home_at("dev-eu");
    home.executable("bin/tmux", "#!/bin/sh\nexec sleep 600\n");
    let tmux = Tmux::server(&home, kind);
    tmux.line("%0", &kind.export(PROD.0, PROD.1)).prompt("%0");
    tmux.until("the badge", |tmux| tmux.tmux(&["capture-pane", "-p"]).contains("PROD acme-prod"));
    assert_eq!(tmux.option("%0", "@redtab"), "");
    // It is back: the next question tells it.
    fs::remove_file(home.join("bin/tmux")).unwrap();
    tmux.line("%0", &kind.export("NEW_NAME", "x")).until_option("%0", "@redtab", "PROD acme-prod");
}

in_every_shell! { a_tmux_that_hangs_or_is_missing_is_no_trouble }

#[test]
fn no_tmux_of_a_directory_is_run() {
    let home = home_at("dev-eu");
    let evil = format!("#!/bin/sh\ntouch {}\n", home.join("F").display());
    home.executable("work/tmux", &evil);
    home.executable("work/bin/tmux", &evil);
    let kind = Kind::Bash;
    let tmux = Tmux::server(&home, kind);
    tmux.line("%0", "cd work; PATH=:.:bin:$PATH").line("%0", &kind.export(PROD.0, PROD.1));
    tmux.until_option("%0", "@redtab", "PROD acme-prod");
    assert!(!home.join("F").exists());
}

fn nothing_changed_starts_nothing_and_a_change_one_tmux(kind: Kind) {
    let home = home_at("dev-eu");
    write_rc(&home, kind, true);
    let trace = home.join("trace");
    let traced = format!(
        "exec strace -DDD -f -qq -e trace=execve,?execveat,?fork,?vfork,clone,?clone3 -e signal=none -o {} -- {} -i",
        trace.display(),
        kind.name()
    );
    let tmux = Tmux::with(&home, &traced, "");
    let text = || fs::read_to_string(&trace).unwrap_or_default();
    tmux.prompt("%0");
    // An empty line scrolls: the number of prompts on the screen tells that each one was drawn.
    let drawn = || tmux.tmux(&["capture-pane", "-p", "-t", "%0"]).matches("@@").count();
    let enter = |times: usize| {
        for _ in 0..times {
            let before = drawn();
            tmux.tmux(&["send-keys", "-t", "%0", "Enter"]);
            tmux.until("one more prompt", |_| drawn() > before);
        }
    };
    enter(2);
    for (command, mark) in [(kind.export(PROD.0, PROD.1), "PROD acme-prod"), (kind.unset(PROD.0), "")] {
        let from = text().len();
        tmux.line("%0", &command)
            .until_option("%0", "@redtab", mark)
            .prompt("%0")
            .line("%0", "")
            .prompt("%0");
        let calls = Calls::parse(&text()[from..]);
        let of = |name: &str| calls.execs.iter().filter(|call| call.contains(name)).count();
        assert_eq!((of("\"hook\", \"prompt\""), of("/tmux\", [\"")), (1, 1), "{calls:?}");
        // The record is of this moment; no file the verdict depends on is.
        let from = text().len();
        enter(4);
        assert_eq!(Calls::parse(&text()[from..]), Calls::default());
    }
}

in_every_shell! { nothing_changed_starts_nothing_and_a_change_one_tmux }

/// Everything that shows what redtab says: the status line by options and by the command, borders, the client's title.
const EVERYWHERE: &str = "set -g status-left '<#{@redtab}>#(redtab segment tmux #{pane_tty})'\n\
                          set -g pane-border-status top\n\
                          set -g pane-border-format '{#{?@redtab,#[#{@redtab_style}] #{@redtab} #[default],}}'\n\
                          set -g set-titles on\n\
                          set -g set-titles-string '#{@redtab} #{pane_title}'\n\
                          set -g display-time 1\n";

/// What somebody could call a cluster. `~/F` must never be there.
const ATTACKS: [&str; 12] = [
    "#(>~/F)",
    "##(>~/F)",
    "###(>~/F)",
    "#{host}",
    "#{E:status-left}",
    "%H",
    "#[bg=green]x",
    "#,}#(>~/F)",
    "x;",
    "x\\;",
    "$(>~/F)`>~/F`",
    "'\" { run-shell '>~/F' }",
];

#[test]
fn no_name_is_run_or_obeyed() {
    let home = home_at("dev-eu");
    let kind = Kind::Bash;
    write_rc(&home, kind, true);
    let tmux = Tmux::with(&home, "bash -i", EVERYWHERE);
    tmux.attach().prompt("%0");
    for attack in ATTACKS {
        // A new name is itself a format.
        tmux.tmux(&["rename-session", "--", &attack.replace('#', "##")]);
        for text in [format!("prod {attack}"), format!("{attack} prod")] {
            home.kubeconfig(".kube/config", &[text.as_str()], &text);
            tmux.line("%0", "");
            let shown = format!("PROD {text}");
            tmux.until_option("%0", "@redtab", &shown.replace('#', "##"));
            // On the border, and in the status line twice. The output of a command is read once more by tmux, which
            // leaves fewer of several `#`; and it leaves each `%` as it is.
            let bare = |text: &str| text.replace('#', "");
            let of_command = bare(&format!("> {} ", shown.replace('%', "%%")));
            tmux.until(&shown, |tmux| {
                let screen = tmux.client().screen().contents();
                screen.contains(&format!("<{shown}>"))
                    && screen.contains(&format!("{{ {shown} }}"))
                    && bare(&screen).contains(&of_command)
            });
            tmux.until_entry("0:", Some(RED));
            tmux.tmux(&["display-message", "#{@redtab}"]);
            tmux.tmux(&["display-message", "-p", "#{@redtab} #{pane_title}"]);
            assert!(!home.join("F").exists(), "{text}");
        }
    }
    // A host that a variable names, and one that a line goes to.
    home.kubeconfig(".kube/config", &["dev-eu"], "dev-eu");
    for attack in ATTACKS.iter().filter(|attack| !attack.contains(['\'', '\\'])) {
        let host = format!("prod-{attack}.acme.example");
        tmux.line("%0", &format!("export PGHOST='{host}'; clear"));
        // Production, or, where no host can be called that, unsure.
        tmux.until("the host", |tmux| !tmux.option("%0", "@redtab").is_empty());
        tmux.tmux(&["display-message", "#{@redtab}"]);
        tmux.line("%0", "unset PGHOST; clear").until_option("%0", "@redtab", "");
        tmux.line("%0", &format!("clear; ssh -F none 'prod-{attack}'"));
        tmux.prompt("%0");
        assert!(!home.join("F").exists(), "{attack}");
    }
    // A name that begins with `-`, and one that is nothing but `;`.
    for text in ["-x prod", "prod;", ";prod;;"] {
        home.kubeconfig(".kube/config", &[text], text);
        tmux.line("%0", "").until_option("%0", "@redtab", &format!("PROD {text}"));
    }
    home.write(".config/redtab/config.toml", "[[environment]]\nname = \"production\"\nbadge = \"-g\"\n");
    tmux.line("%0", "").until_option("%0", "@redtab", "-g ;prod;;");
    home.kubeconfig(".kube/config", &["dev-eu"], "dev-eu");
    tmux.line("%0", "").until_option("%0", "@redtab", "").until_entry("0:", None);
    assert!(!home.join("F").exists());
    assert_eq!(tmux.window_options("%0"), "");
}

#[test]
fn a_careless_format_would_run_it() {
    let home = home_at("dev-eu");
    let tmux = Tmux::with(&home, "sh", "set -g @x '#(>~/F)'\nset -g status-left '#{E:@x}'\n");
    tmux.attach().until("the file", |_| home.join("F").exists());
}

#[test]
fn the_segment_for_a_status_line() {
    let home = home_at("prod-eu");
    let tmux = Tmux::server(&home, Kind::Zsh);
    tmux.until_option("%0", "@redtab", "PROD prod-eu");
    let tty = tmux.tmux(&["display-message", "-p", "-t", "%0", "#{pane_tty}"]);
    let segment = |arguments: &[&str]| {
        let output = home.command(home.redtab()).arg("segment").args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    // The record follows what tmux was told.
    let red = "#[fg=colour231,bg=colour160] PROD prod-eu #[default]\n";
    tmux.until("the red segment", |_| segment(&["tmux", &tty]) == red);
    assert_eq!(segment(&["plain", &tty]), "PROD prod-eu\n");
    // What this process sees itself.
    assert_eq!(segment(&["plain"]), "PROD prod-eu\n");
    assert_eq!(segment(&["starship"]), "PROD prod-eu\n");
    // Nothing is known there, and nobody watches: nothing is claimed.
    for tty in ["/dev/null", "/dev/pts/99999", "/etc/passwd", "nonsense", ""] {
        assert_eq!(segment(&["tmux", tty]), "", "{tty}");
    }
    assert_eq!(segment(&["tmux"]), "");
    home.kubeconfig(".kube/config", &["dev-eu"], "dev-eu");
    tmux.line("%0", "").until("no segment", |_| segment(&["tmux", &tty]).is_empty());

    // With a watcher (the test itself stands for it), the number of connections; without one none.
    let started = |pid: u32| redtab::processes::stat(pid).unwrap().key.started;
    let me = std::process::id();
    let machine = |watcher: u32| {
        let process = |pid: u32| (pid, if pid == me { started(me) } else { 1 });
        let (watcher, watched) = process(watcher);
        let open = format!(
            "{{\"id\":1,\"kind\":\"ssh\",\"target\":\"prod-web\",\"label\":\"prod-web\",\"environment\":\"production\",\
             \"port\":null,\"pid\":{me},\"started\":{},\"tty\":null,\"tty_nr\":0,\"evidence\":\"x\",\"opened_at\":1,\"idle\":false}}",
            started(me)
        );
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let text = format!(
            "{{\"version\":1,\"boot\":\"{}\",\"watcher\":{{\"pid\":{watcher},\"started\":{watched}}},\"connections\":[{open},{open}]}}",
            boot.trim()
        );
        let path = home.write("run/machine.json", text);
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    };
    machine(me);
    assert_eq!(segment(&["tmux", &tty]), "#[fg=colour196,bg=default] 2 prod open #[default]\n");
    assert_eq!(segment(&["tmux"]), "#[fg=colour196,bg=default] 2 prod open #[default]\n");
    machine(0x3f_ffff);
    assert_eq!(segment(&["tmux", &tty]), "");
}

/// The count in a status line: a real watcher, a real ssh to a real sshd in another window.
#[test]
fn the_status_line_counts_what_is_open() {
    let home = home_at("dev-eu");
    let sshd = Sshd::start(&home, &["prod-web"]);
    let status =
        "set -g status-right-length 60\nset -g status-right '(#(redtab segment tmux #{pane_tty}))'\n";
    write_rc(&home, Kind::Bash, true);
    let tmux = Tmux::with(&home, "bash -i", status);
    tmux.attach().prompt("%0").until("no count", |tmux| tmux.find("()").is_some());
    tmux.line("%0", "redtab watch start").prompt("%0").tmux(&["new-window", "-d"]);
    let open = format!("ssh -F {} prod-web sleep 600", sshd.config.display());
    tmux.line(":1", &open).until_entry("1:", Some(RED));
    // In front is the clear pane: it says what is open elsewhere.
    tmux.until("the count", |tmux| tmux.find("( 1 prod open )").is_some());
    // Its prompt says so as well; what the pane keeps, and the page of all tabs, is its own.
    tmux.line("%0", "true").until("the prompt", |tmux| tmux.find(" 1 prod open  @@").is_some());
    assert_eq!(tmux.tmux(&["display-message", "-p", "-t", "%0", "<#{@redtab}>"]).trim(), "<>");
    let page = home.command("redtab").args(["status", "--all"]).output().unwrap();
    let page = String::from_utf8(page.stdout).unwrap();
    let own = |pane: &str| page.lines().find(|line| line.ends_with(pane)).unwrap_or_default().to_string();
    assert!(own("tmux %0").starts_with("clear  "), "{page}");
    assert!(own("tmux %1").starts_with("PROD prod-web  "), "{page}");
    tmux.tmux(&["select-window", "-t", ":1"]);
    tmux.until("the red pane's own and the count", |tmux| {
        let screen = tmux.client().screen().contents();
        screen.contains("( PROD prod-web  1 prod open )")
    });
    tmux.tmux(&["send-keys", "-t", ":1", "C-c"]);
    tmux.until("no count", |tmux| tmux.find("()").is_some()).until_entry("1:", None);
    tmux.line("%0", "redtab watch stop").prompt("%0");
}

#[test]
fn the_example_shows_it_and_can_be_read_again() {
    let home = home_at("prod-eu");
    write_rc(&home, Kind::Bash, true);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/tmux.conf");
    let text = fs::read_to_string(example).unwrap();
    // With what it leaves to the reader.
    let all: String = text
        .lines()
        .map(|line| line.strip_prefix("# set ").map_or(line.into(), |rest| format!("set {rest}")) + "\n")
        .collect();
    let file = home.write("example.conf", all);
    let tmux = Tmux::with(&home, "bash -i", &format!("source-file {}\n", file.display()));
    tmux.attach().until_entry("0:bash", Some(RED)).prompt("%0");
    let row = tmux.find(" PROD prod-eu  ").expect("the badge");
    assert_eq!(row.1, RED);
    let shown = tmux.client().screen().contents();
    assert_eq!(shown.matches(" PROD prod-eu ").count(), 3, "prompt, border and status line: {shown}");
    let options = || [tmux.tmux(&["show-options", "-g"]), tmux.tmux(&["show-options", "-gw"])];
    let before = options();
    tmux.tmux(&["source-file", file.to_str().unwrap()]);
    assert_eq!(options(), before);
    home.kubeconfig(".kube/config", &["dev-eu"], "dev-eu");
    tmux.line("%0", "").until_option("%0", "@redtab", "").until_entry("0:bash", None);
    assert!(tmux.find(" PROD").is_none_or(|(row, _)| row.contains("@@")), "only an older prompt");
}

#[test]
fn without_colours_the_words_are_there() {
    let home = home_at("prod-eu");
    write_rc(&home, Kind::Bash, true);
    let tmux = Tmux::with(&home, "NO_COLOR=1 exec bash -i", "");
    tmux.attach().until_option("%0", "@redtab", "PROD prod-eu").until_entry("0:", None);
    assert_eq!(tmux.option("%0", "@redtab_style"), "default");
    assert_eq!(tmux.window_options("%0"), "");
}

fn the_end_of_a_shell_takes_the_marks_away(kind: Kind) {
    let home = home_at("prod-eu");
    write_rc(&home, kind, true);
    // What the user sets stands before the shell begins; what he sets afterwards would be his last word.
    let tmux = Tmux::with(&home, &format!("read -r _; {} -i; exec sleep 600", kind.name()), "");
    tmux.tmux(&["set-option", "-w", "-t", "%0", "window-status-current-style", "bg=blue"]);
    tmux.tmux(&["send-keys", "-t", "%0", "Enter"]);
    tmux.attach().until_entry("0:", Some(RED)).line("%0", "exit");
    tmux.until_option("%0", "@redtab", "").until_entry("0:", None);
    assert_eq!(tmux.tmux(&["show-options", "-p", "-t", "%0"]), "");
    assert_eq!(tmux.window_options("%0"), "window-status-current-style bg=blue");
    // Another program in its place knows nothing of them.
    tmux.tmux(&["new-window", "-d"]);
    tmux.tmux(&["send-keys", "-t", ":1", "Enter"]);
    tmux.until_entry("1:", Some(RED)).line(":1", "exec sleep 600");
    tmux.until_option(":1", "@redtab", "").until_entry("1:", None);
    assert_eq!(tmux.window_options(":1"), "");
}

fn switched_off_it_marks_nothing(kind: Kind) {
    let home = home_at("prod-eu");
    let tmux = Tmux::server(&home, kind);
    tmux.attach().until_entry("0:", Some(RED)).line("%0", &kind.export("REDTAB", "off"));
    tmux.until_option("%0", "@redtab", "").until_entry("0:", None);
    tmux.line("%0", &kind.unset("REDTAB"))
        .until_option("%0", "@redtab", "PROD prod-eu")
        .until_entry("0:", Some(RED));
}

fn a_session_is_red_while_it_lasts(kind: Kind) {
    let home = home_at("dev-eu");
    home.write(".ssh/config", "Host web\n  HostName web-1.prod.acme.example\n  ProxyCommand sleep 600\n");
    let tmux = Tmux::server(&home, kind);
    tmux.attach().prompt("%0").until_entry("0:", None);
    let ssh = format!("ssh -F {} web", home.join(".ssh/config").display());
    for _ in 0..2 {
        tmux.line("%0", &ssh);
        tmux.until("the mark of the session", |tmux| tmux.option("%0", "@redtab").starts_with("PROD "));
        tmux.until_entry("0:", Some(RED));
        tmux.until("ssh", |tmux| {
            tmux.tmux(&["display-message", "-p", "-t", "%0", "#{pane_current_command}"]) == "ssh"
        });
        let tabs = home.command(home.redtab()).args(["status", "--all"]).output().unwrap();
        assert!(String::from_utf8(tabs.stdout).unwrap().starts_with("PROD "));
        tmux.tmux(&["send-keys", "-t", "%0", "C-c"]);
        tmux.until_option("%0", "@redtab", "").until_entry("0:", None);
    }
}

in_every_shell! {
    the_end_of_a_shell_takes_the_marks_away,
    switched_off_it_marks_nothing,
    a_session_is_red_while_it_lasts,
}

#[test]
fn reset_takes_away_what_is_left() {
    let home = home_at("prod-eu");
    let tmux = Tmux::server(&home, Kind::Bash);
    tmux.attach().until_entry("0:", Some(RED));
    // A shell without a hook, in a pane that another one left red.
    write_rc(&home, Kind::Zsh, false);
    tmux.line("%0", "HISTFILE= exec env REDTAB=off zsh -i").until_option("%0", "@redtab", "");
    tmux.tmux(&[
        "set-option",
        "-p",
        "-t",
        "%0",
        "@redtab",
        "PROD x",
        ";",
        "set-option",
        "-p",
        "-t",
        "%0",
        "@redtab_red",
        ",bg=red",
    ]);
    for _ in 0..2 {
        tmux.line("%0", "redtab reset").until_option("%0", "@redtab", "").until_option(
            "%0",
            "@redtab_red",
            "",
        );
    }
    // In a shell with a hook the next prompt says what is true.
    tmux.tmux(&["new-window", "-d"]);
    tmux.until_option(":1", "@redtab", "PROD prod-eu")
        .line(":1", "redtab reset; tmux show -pqv @redtab >shown; echo done >>shown");
    tmux.until("the reset", |_| fs::read_to_string(home.join("shown")).is_ok_and(|text| text == "done\n"));
    tmux.until_option(":1", "@redtab", "PROD prod-eu").until_entry("1:", Some(RED));
}
