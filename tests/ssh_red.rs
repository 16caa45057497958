//! A command that goes to production holds a red terminal: painted before it starts, true again at the next prompt, and
//! red for as long as something of it is left in the tab. A real ssh to a real sshd, in every shell.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::time::{Duration, Instant};

use support::{Home, Kind, Shell, Sshd};

const RED: &str = "\x1b]1337;SetColors=tab=c00000\x07";
const CLEAR: &str = "\x1b]1337;SetColors=tab=default\x07";

/// A home whose ssh knows some hosts, all of which lead to one sshd; and that sshd.
fn with_sshd(terminal: &str) -> (Home, Sshd) {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
    home.write(".config/redtab/config.toml", format!("terminal = \"{terminal}\"\n"));
    let sshd = Sshd::start(&home, &["prod-web"]);
    let at = home.join("sshd");
    let asks = fs::read_to_string(at.join("sshd_config")).unwrap();
    let asks = asks.replace("PasswordAuthentication no", "PasswordAuthentication yes");
    home.write("sshd/asking", asks.replace("/authorized", "/nobody"));
    let at = at.display();
    let lines = format!(
        "Include more\nHost prod-web dev-web\n  HostName 127.0.0.1\n  RemoteCommand echo remote-$((40+2)); exec cat\n  RequestTTY force\n\
         Host prod-run\n  HostName 127.0.0.1\n\
         Host prod-asks\n  ProxyCommand /usr/sbin/sshd -i -f {at}/asking\n"
    );
    let config = sshd.configure(&home, &lines);
    // The name says nothing, the HostName does; and what decides stands in an included file.
    home.write(".ssh/more", format!("Host shop\n  HostName %h.prod.acme.example\n  ProxyCommand /usr/sbin/sshd -i -f {at}/sshd_config\n  RemoteCommand echo remote-$((40+2)); exec cat\n  RequestTTY force\n"));
    let text = fs::read_to_string(&config).unwrap();
    home.write(
        "ssh_config",
        text.replace("Include more", &format!("Include {}", home.join(".ssh/more").display())),
    );
    home.write(".ssh/config", text);
    // ssh finds its configuration by the user data base, not by $HOME.
    home.executable("bin/ssh", "#!/bin/sh\nexec /usr/bin/ssh -F \"$HOME/ssh_config\" \"$@\"\n");
    (home, sshd)
}

fn started(kind: Kind, home: &Home) -> Shell {
    let mut shell = kind.in_home(home).redtab().patience(Duration::from_secs(30)).start();
    shell.expect_clear().enter();
    shell
}

fn find(raw: &[u8], bytes: &str) -> Vec<usize> {
    let bytes = bytes.as_bytes();
    (0..raw.len()).filter(|at| raw[*at..].starts_with(bytes)).collect()
}

/// Enters a line and waits until the far side has the terminal; the tab must have been red before.
#[track_caller]
fn connect(shell: &mut Shell, line: &str) -> usize {
    let from = shell.raw().len();
    shell.type_in(line).send("\r").wait_for("the far side", |t| t.text().contains("remote-42"));
    let raw = shell.raw()[from..].to_vec();
    let (red, there) = (find(&raw, RED), find(&raw, "remote-42"));
    assert!(!red.is_empty() && red[0] < there[0], "{}: {}", shell.kind.name(), raw.escape_ascii());
    from
}

/// The prompt is there, the tab is as it was, and stays so without a word.
#[track_caller]
fn expect_back(shell: &mut Shell, from: usize) {
    shell.expect_clear();
    let raw = shell.raw()[from..].to_vec();
    let (red, clear) = (find(&raw, RED), find(&raw, CLEAR));
    let last = red.last().copied().unwrap_or_default();
    assert!(clear.last().is_some_and(|at| *at > last), "{}: {}", shell.kind.name(), raw.escape_ascii());
    let from = shell.raw().len();
    shell.enter().expect_clear();
    assert!(find(&shell.raw()[from..], "SetColors").is_empty(), "{}", shell.dump());
}

/// The pids of this shell's ssh clients, those that lost its terminal too.
fn clients(home: &Home) -> Vec<i32> {
    let own = format!("-F\0{}/ssh_config\0", home.path().display());
    let pids = fs::read_dir("/proc").unwrap().flatten();
    pids.filter_map(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let ours = String::from_utf8_lossy(&line).contains(&own);
        ours.then(|| entry.file_name().to_str()?.parse().ok()).flatten()
    })
    .collect()
}

fn kill(home: &Home, signal: rustix::process::Signal) {
    let end = Instant::now() + Duration::from_secs(20);
    while !clients(home).is_empty() {
        assert!(Instant::now() < end, "{:?}", clients(home));
        for pid in clients(home).into_iter().filter_map(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, signal);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn ssh_turns_the_tab_red_before_it_starts(kind: Kind) {
    let (home, _sshd) = with_sshd("iterm2");
    let mut shell = started(kind, &home);
    let from = connect(&mut shell, "ssh prod-web");
    assert!(!find(&shell.raw()[from..], "PROD prod-web").is_empty(), "{}", shell.dump());
    shell.send("\x04").prompt();
    expect_back(&mut shell, from);
}

fn the_title_says_it_too(kind: Kind) {
    let (home, _sshd) = with_sshd("xterm");
    let mut shell = started(kind, &home);
    shell.type_in("ssh prod-web").send("\r").wait_for("the far side", |t| t.text().contains("remote-42"));
    let titles = shell.titles();
    assert!(titles.last().is_some_and(|title| title.starts_with("PROD prod-web")), "{titles:?}");
    shell.send("\x04").prompt().enter();
    let titles = shell.titles();
    assert!(titles.last().is_some_and(|title| !title.contains("PROD")), "{titles:?}");
}

fn another_hook_that_sets_titles_does_not_take_the_mark_away(kind: Kind) {
    if kind == Kind::Bash {
        return; // bash has no such hooks; fish's own title is one
    }
    let (home, _sshd) = with_sshd("xterm");
    let own = match kind {
        Kind::Zsh => {
            "theirs() { print -n \"\\e]0;$1\\a\" }; preexec_functions+=(theirs); other() { : }; preexec_functions+=(other)"
        }
        _ => "function fish_title; echo mine $argv; end",
    };
    let mut shell = kind.in_home(&home).rc(own).redtab().start();
    shell.enter();
    shell.type_in("ssh prod-web").send("\r").wait_for("the far side", |t| t.text().contains("remote-42"));
    let titles = shell.titles();
    let last = titles.last().unwrap();
    assert!(last.starts_with("PROD prod-web · ") && last.ends_with("ssh prod-web"), "{titles:?}");
    shell.send("\x04").prompt();
}

fn an_alias_of_ssh_is_judged_by_its_hostname(kind: Kind) {
    let (home, _sshd) = with_sshd("iterm2");
    let mut shell = started(kind, &home);
    let from = connect(&mut shell, "ssh shop");
    shell.send("\x04").prompt();
    expect_back(&mut shell, from);
}

fn another_host_paints_nothing(kind: Kind) {
    let (home, _sshd) = with_sshd("iterm2");
    let mut shell = started(kind, &home);
    let from = shell.raw().len();
    shell.type_in("ssh dev-web").send("\r").wait_for("the far side", |t| t.text().contains("remote-42"));
    shell.send("\x04").prompt().enter().expect_clear();
    assert!(find(&shell.raw()[from..], "SetColors").is_empty(), "{}", shell.dump());
}

fn other_programs_that_go_there_turn_it_red_as_well(kind: Kind) {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
    home.write(".config/redtab/config.toml", "terminal = \"iterm2\"\n");
    // The real ones; each says when it begins.
    for program in ["psql", "kubectl", "docker", "mosh"] {
        let text = format!("#!/bin/sh\necho begins-$((40+2))\nexec /usr/bin/{program} \"$@\"\n");
        home.executable(&format!("bin/{program}"), &text);
    }
    let mut shell = started(kind, &home);
    for line in [
        "psql -h prod-db -c 'select 1'",
        "kubectl exec --context prod-eu --request-timeout=1s pod -- true </dev/null",
        "docker -H tcp://prod-db:2375 ps",
        "mosh prod-web </dev/null",
        "env PGHOST=prod-db psql -c 'select 1'",
    ] {
        let from = shell.raw().len();
        shell.line(line);
        let raw = shell.raw()[from..].to_vec();
        let (red, begins) = (find(&raw, RED), find(&raw, "begins-42"));
        assert!(!red.is_empty() && red[0] < begins[0], "{line}: {}", shell.dump());
        expect_back(&mut shell, from);
    }
    for line in [
        "psql -h dev-db -c 'select 1'",
        "echo ssh prod-web",
        "kubectl --context dev-eu config view >/dev/null",
    ] {
        let from = shell.raw().len();
        shell.line(line);
        assert!(find(&shell.raw()[from..], "SetColors").is_empty(), "{line}: {}", shell.dump());
    }
}

fn what_ssh_leaves_behind_keeps_it_red(kind: Kind) {
    let (home, _sshd) = with_sshd("iterm2");
    let mut shell = kind.in_home(&home).redtab().traced().patience(Duration::from_secs(30)).start();
    for line in ["ssh -f prod-run sleep 60", "ssh -n prod-run sleep 60 &"] {
        shell.enter().expect_clear();
        let from = shell.raw().len();
        shell.line(line).enter().expect_segment(" PROD prod-run ", support::WHITE_ON_RED);
        shell.enter();
        let calls = shell.calls_of_empty_lines(2);
        // Where no file tells that a process lives, every prompt asks while it does.
        let by_file = redtab::processes::life(std::process::id()).is_some();
        assert_eq!(calls.execs.is_empty(), by_file, "{line}: {:?}", calls.execs);
        assert!(find(&shell.raw()[from..], CLEAR).is_empty(), "{line}: {}", shell.dump());
        kill(&home, rustix::process::Signal::TERM);
        // fish draws its prompt anew when a job ends: what is drawn after Enter may be that one.
        let end = Instant::now() + Duration::from_secs(20);
        while !shell.enter().segment().text.is_empty() && Instant::now() < end {}
        expect_back(&mut shell, from);
    }
}

fn a_suspended_session_keeps_it_red(kind: Kind) {
    let (home, _sshd) = with_sshd("iterm2");
    let mut shell = started(kind, &home);
    let from = connect(&mut shell, "ssh prod-web");
    shell.send("x\r").wait_for("an echo", |t| t.text().matches('x').count() >= 2);
    shell.send("~\x1a").prompt();
    shell.expect_segment(" PROD prod-web ", support::WHITE_ON_RED);
    let suspended = shell.raw().len();
    shell.enter().expect_segment(" PROD prod-web ", support::WHITE_ON_RED);
    assert!(find(&shell.raw()[suspended..], CLEAR).is_empty(), "{}", shell.dump());
    shell.type_in("fg").send("\r");
    shell.send("again\r").wait_for("the far side", |t| t.text().matches("again").count() >= 2);
    shell.send("\x04").prompt();
    expect_back(&mut shell, from);
}

fn a_key_that_suspends_ssh_keeps_it_red(kind: Kind) {
    let (home, _sshd) = with_sshd("iterm2");
    let mut shell = started(kind, &home);
    let red = |shell: &mut Shell| {
        let from = shell.raw().len();
        shell.enter().expect_segment(" PROD prod-run ", support::WHITE_ON_RED);
        assert!(find(&shell.raw()[from..], CLEAR).is_empty(), "{}", shell.dump());
    };
    let from = shell.raw().len();
    shell.type_in("ssh prod-run 'echo far-$((40+2)); sleep 60'").send("\r");
    shell.wait_for("the far side", |t| t.text().contains("far-42"));
    shell.send("\x1a").prompt();
    red(&mut shell);
    shell.line("bg");
    red(&mut shell);
    kill(&home, rustix::process::Signal::KILL);
    // Whatever the shell says about the end of its job, it says once.
    let end = Instant::now() + Duration::from_secs(20);
    while !shell.enter().segment().text.is_empty() && Instant::now() < end {}
    expect_back(&mut shell, from);
}

fn an_alias_and_exec_turn_it_red_as_well(kind: Kind) {
    let (home, _sshd) = with_sshd("iterm2");
    let alias = kind.alias("p", "ssh prod-web");
    let mut shell = kind.in_home(&home).rc(&alias).redtab().patience(Duration::from_secs(30)).start();
    let from = connect(&mut shell, "p");
    shell.send("\x04").prompt();
    expect_back(&mut shell, from);
    shell.send("clear\r").prompt();
    let from = connect(&mut shell, "exec ssh prod-web");
    let raw = shell.raw()[from..].to_vec();
    assert!(find(&raw, RED).last() > find(&raw, CLEAR).last(), "{}", shell.dump());
}

fn a_real_mosh_is_red_while_it_lasts(kind: Kind) {
    let (home, _sshd) = with_sshd("iterm2");
    let mut shell = started(kind, &home);
    let from = connect(&mut shell, "mosh prod-run -- sh -c 'echo remote-$((40+2)); exec cat'");
    assert!(find(&shell.raw()[from..], CLEAR).is_empty(), "{}", shell.dump());
    shell.send("\x04").prompt().enter();
    expect_back(&mut shell, from);
}

fn a_session_that_dies_leaves_nothing_red(kind: Kind) {
    let (home, sshd) = with_sshd("iterm2");
    let mut shell = started(kind, &home);
    let from = connect(&mut shell, "ssh prod-web");
    kill(&home, rustix::process::Signal::KILL);
    // Killed, ssh leaves the terminal raw: the shell puts that right itself.
    shell.prompt().enter();
    expect_back(&mut shell, from);
    shell.send("clear\r").prompt();
    let from = connect(&mut shell, "ssh prod-web");
    drop(sshd);
    shell.prompt();
    expect_back(&mut shell, from);
}

fn a_password_that_is_not_given_leaves_nothing_red(kind: Kind) {
    let (home, _sshd) = with_sshd("iterm2");
    let mut shell = started(kind, &home);
    let from = shell.raw().len();
    shell
        .type_in("ssh prod-asks")
        .send("\r")
        .wait_for("the password prompt", |t| t.text().contains("assword:"));
    assert!(!find(&shell.raw()[from..], RED).is_empty(), "{}", shell.dump());
    // An interrupt that comes while ssh sets the terminal's modes is lost: a person presses it again.
    let (drawn, end) = (shell.prompts_drawn(), Instant::now() + Duration::from_secs(20));
    while shell.prompts_drawn() == drawn && Instant::now() < end {
        shell.send("\x03");
        std::thread::sleep(Duration::from_millis(300));
    }
    shell.enter().enter();
    expect_back(&mut shell, from);
}

fn a_red_tab_is_its_own_again_afterwards(kind: Kind) {
    let (home, _sshd) = with_sshd("xterm");
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "prod-eu");
    let mut shell = kind.in_home(&home).redtab().patience(Duration::from_secs(30)).start();
    shell.type_in("ssh prod-web").send("\r").wait_for("the far side", |t| t.text().contains("remote-42"));
    assert!(shell.titles().iter().any(|title| title.starts_with("PROD prod-web")), "{:?}", shell.titles());
    shell.send("\x04").prompt().enter();
    assert!(shell.titles().last().unwrap().starts_with("PROD prod-eu"), "{:?}", shell.titles());
    shell.expect_segment(" PROD prod-eu ", support::WHITE_ON_RED);
}

fn without_the_hook_ssh_paints_nothing(kind: Kind) {
    let (home, _sshd) = with_sshd("iterm2");
    let mut shell = kind.in_home(&home).start();
    shell.type_in("ssh prod-web").send("\r").wait_for("the far side", |t| t.text().contains("remote-42"));
    shell.send("\x04").prompt();
    assert!(find(&shell.raw(), "SetColors").is_empty());
}

fn a_command_over_ssh_prints_nothing_of_ours(kind: Kind) {
    let (home, _sshd) = with_sshd("iterm2");
    let mut shell = started(kind, &home);
    home.write("file", "text\n");
    let to = home.join("copied");
    shell.line("ssh prod-run echo far >out");
    assert_eq!(fs::read_to_string(home.join("out")).unwrap_or_else(|_| shell.dump()), "far\n");
    let ssh = home.join("bin/ssh");
    shell.line(&format!("scp -O -q -S {} file prod-run:{} >out 2>&1", ssh.display(), to.display()));
    assert_eq!(fs::read_to_string(&to).unwrap_or_else(|_| shell.dump()), "text\n");
    assert_eq!(fs::read_to_string(home.join("out")).unwrap(), "");
}

/// What runs on the far side prints nothing of ours, though the shell there reads an rc file with redtab's line.
fn a_far_side_with_a_hook_is_silent(kind: Kind) {
    let (home, mut sshd) = with_sshd("iterm2");
    let rc = format!("{}touch $HOME/read\n{}\n", kind.rc_head(), kind.init());
    home.write(kind.rc_path(), &rc);
    if kind == Kind::Zsh {
        home.write(".zshenv", &rc);
    }
    let vars: String = home.vars().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
    let far = format!("#!/bin/sh\n{vars}unset SHLVL\nexec {} -c \"$SSH_ORIGINAL_COMMAND\"\n", kind.name());
    let far = home.executable("far", &far);
    sshd.restart_with(&format!("ForceCommand {}\nSubsystem sftp internal-sftp\n", far.display()));
    home.kubeconfig(".kube/config", &["prod-eu"], "prod-eu");
    home.write("file", "text\n");
    let ssh = home.join("bin/ssh").display().to_string();
    let run = |argv: &[&str]| {
        let output = home.command(argv[0]).args(&argv[1..]).output().unwrap();
        assert!(output.status.success(), "{argv:?}: {output:?}");
        // What the machine's own rc files complain of goes there too.
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("redtab") && !stderr.contains('\x1b'), "{argv:?}: {stderr}");
        assert!(home.join("read").exists(), "{argv:?}: the far shell read no rc file");
        fs::remove_file(home.join("read")).unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(run(&["ssh", "prod-run", "echo far"]), "far\n");
    let to = |name: &str| format!("prod-run:{}", home.join(name).display());
    assert_eq!(run(&["scp", "-O", "-q", "-S", &ssh, "file", &to("one")]), "");
    assert_eq!(run(&["rsync", "-e", &ssh, "file", &to("two")]), "");
    assert_eq!(run(&["rsync", "-e", &ssh, &to("two"), "three"]), "");
    for name in ["one", "two", "three"] {
        assert_eq!(fs::read_to_string(home.join(name)).unwrap(), "text\n", "{name}");
    }
    // Whatever such an rc file prints would be seen.
    home.write(kind.rc_path(), format!("{rc}echo noise\n"));
    if kind == Kind::Zsh {
        home.write(".zshenv", format!("{rc}echo noise\n"));
    }
    assert_eq!(run(&["ssh", "prod-run", "echo far"]), "noise\nfar\n");
}

in_every_shell!(
    ssh_turns_the_tab_red_before_it_starts,
    the_title_says_it_too,
    another_hook_that_sets_titles_does_not_take_the_mark_away,
    an_alias_of_ssh_is_judged_by_its_hostname,
    another_host_paints_nothing,
    other_programs_that_go_there_turn_it_red_as_well,
    what_ssh_leaves_behind_keeps_it_red,
    a_suspended_session_keeps_it_red,
    a_session_that_dies_leaves_nothing_red,
    a_password_that_is_not_given_leaves_nothing_red,
    a_red_tab_is_its_own_again_afterwards,
    without_the_hook_ssh_paints_nothing,
    a_command_over_ssh_prints_nothing_of_ours,
    a_far_side_with_a_hook_is_silent,
    a_key_that_suspends_ssh_keeps_it_red,
    an_alias_and_exec_turn_it_red_as_well,
    a_real_mosh_is_red_while_it_lasts,
);
