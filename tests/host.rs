//! The host source: what this machine is called, its domain, what its administrator says of it, and where the person at
//! the shell sits. Machines are made by namespaces: a name and an `/etc` of their own. The answers are held against
//! `hostname`'s; the controls are a machine whose name says nothing, and shells that nobody logged in to.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper that fails fails its test

mod support;

use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Calls, Home, Kind, Sshd, machine, on};

in_every_shell!(a_machine_turns_red_and_clear_again);

fn run(home: &Home, name: &str, argv: &[&str]) -> Output {
    let wrapper = on(home, name);
    home.command(&wrapper[0]).args(&wrapper[1..]).args(argv).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn status(home: &Home, name: &str) -> Value {
    let output = run(home, name, &["redtab", "status", "--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn signal<'s>(status: &'s Value, what: &str) -> Option<&'s Value> {
    let found = |signal: &&Value| signal["source"] == "host" && signal["what"] == what;
    status["signals"].as_array().unwrap().iter().find(found)
}

#[test]
fn the_name_and_the_domain_are_those_that_hostname_tells() {
    for (name, hosts) in [
        ("web-7", ""),
        ("web-7", "127.0.0.1 localhost\n127.0.1.1 web-7.prod.acme.example web-7\n"),
        ("web-7", "127.0.1.1\tweb-7.prod.acme.example\tweb-7 # ours\n::1 ip6-localhost\n"),
        ("web-7", "#127.0.1.1 web-7.prod.acme.example web-7\n127.0.1.1 web-7\n"),
        ("web-7", "127.0.1.1 web-70.prod.acme.example web-70\n127.0.1.1 web-7\n"),
        ("web-7.acme.example", "127.0.1.1 web-7.acme.example web-7\n"),
        ("localhost", "127.0.0.1 localhost.prod.example localhost\n"),
    ] {
        let home = machine();
        home.write("machine/hosts", hosts);
        let status = status(&home, name);
        let told = signal(&status, "name").unwrap();
        let short = text(&run(&home, name, &["hostname"]));
        assert_eq!(short, name);
        // Without an entry the resolver has no answer, and the name is all there is.
        let full = text(&run(&home, name, &["hostname", "--fqdn"]));
        let full = if full.is_empty() { short } else { full };
        assert_eq!(told["value"], Value::from(full), "{hosts:?}");
        assert_eq!(told["domain"], "host");
    }
}

#[test]
fn each_answer_says_where_it_stands() {
    let home = machine();
    let place = |what: &str| signal(&status(&home, "prod-7"), what).unwrap()["where"].clone();
    assert_eq!(place("name"), "/proc/sys/kernel/hostname");
    home.write("machine/hostname", "prod-7\n");
    assert_eq!(place("name"), "/etc/hostname:1");
    home.write("machine/hosts", "127.0.0.1 localhost\n127.0.1.1 prod-7.x.example prod-7\n");
    assert_eq!(place("name"), "/etc/hosts:2");
    home.write("machine/machine-info", "# x\nDEPLOYMENT=production\n");
    assert_eq!(place("deployment"), "/etc/machine-info:2");
}

#[test]
fn a_machine_is_judged_by_its_name_its_domain_and_its_administrator() {
    let domain = "127.0.1.1 web-7.prod.acme.example web-7\n";
    let host = |environment: &str| format!("[host]\nenvironment = \"{environment}\"\n");
    let target = |name: &str, environment: &str| {
        format!("[[target]]\nsignal = \"hostname\"\nis = \"{name}\"\nenvironment = \"{environment}\"\n")
    };
    // Name, /etc/hosts, /etc/machine-info, the system's configuration, the user's, the verdict.
    let table: &[(&str, &str, &str, String, String, &str)] = &[
        ("web-7", "", "", "".into(), "".into(), "clear"),
        ("prod-web-7", "", "", "".into(), "".into(), "production"),
        ("stg-web-7", "", "", "".into(), "".into(), "staging"),
        ("acme-preprod-7", "", "", "".into(), "".into(), "staging"),
        ("3f9c1d2e4b5a", "", "", "".into(), "".into(), "clear"),
        ("web-7", domain, "", "".into(), "".into(), "production"),
        ("web-7", "", "DEPLOYMENT=production\n", "".into(), "".into(), "production"),
        ("web-7", "", "DEPLOYMENT=development\n", "".into(), "".into(), "clear"),
        ("web-7", "", "", host("production"), "".into(), "production"),
        ("web-7", "", "", host("staging"), "".into(), "staging"),
        ("web-7", "", "", host("production"), host("safe"), "clear"),
        ("web-7", "", "", format!("lock = [\"host\"]\n{}", host("production")), host("safe"), "production"),
        ("web-7", "", "", host("production"), target("web-7", "safe"), "clear"),
        (
            "web-7",
            "",
            "",
            format!("lock = [\"host.environment\"]\n{}", host("production")),
            target("web-7", "safe"),
            "production",
        ),
        ("prod-7", "", "", "".into(), host("safe"), "clear"),
        ("prod-7", "", "", "".into(), host(""), "production"),
        // An answer for either name holds for the machine.
        ("web-7", domain, "", "".into(), target("web-7", "safe"), "clear"),
        ("web-7", domain, "", "".into(), target("web-7.prod.acme.example", "safe"), "clear"),
        ("web-7", "", "", "".into(), target("web-7", "production"), "production"),
        ("web-7", "", "", "".into(), target("web-8", "production"), "clear"),
    ];
    for (name, hosts, info, system, user, verdict) in table {
        let home = machine();
        home.write("machine/hosts", hosts);
        home.write("machine/machine-info", info);
        home.write("etc/redtab.toml", system);
        home.write(".config/redtab/config.toml", user);
        let status = status(&home, name);
        assert_eq!(status["verdict"], *verdict, "{name} {hosts:?} {info:?} {system:?} {user:?}: {status}");
    }
}

#[test]
fn what_says_production_ends_with_the_line_that_takes_it_back() {
    for (hosts, info, system) in [
        ("127.0.1.1 db-prod-1.prod.acme.example db-prod-1\n", "", ""),
        ("", "DEPLOYMENT=production\n", ""),
        ("", "", "[host]\nenvironment = \"production\"\n"),
    ] {
        let home = machine();
        home.write("machine/hosts", hosts);
        home.write("machine/machine-info", info);
        home.write("etc/redtab.toml", system);
        let page = text(&run(&home, "db-prod-1", &["redtab", "status"]));
        let (_, lines) = page.split_once("Not production?").expect(&page);
        for line in lines.lines() {
            assert!(line.trim().starts_with("redtab mark safe "), "{page}");
            assert!(run(&home, "db-prod-1", &["sh", "-c", line]).status.success(), "{line}");
        }
        assert_eq!(status(&home, "db-prod-1")["verdict"], "clear", "{page}");
    }
    // Where no mark helps, none is shown.
    let home = machine();
    let path = home.write("etc/redtab.toml", "lock = [\"host\"]\n[host]\nenvironment = \"production\"\n");
    let page = text(&run(&home, "web-7", &["redtab", "status"]));
    let end = "Not production?  ~/etc/redtab.toml:3 says so";
    assert!(page.ends_with(end), "{page}\n{}", path.display());
}

#[test]
fn what_cannot_be_read_is_unsure_at_once() {
    for file in ["hosts", "machine-info"] {
        let home = machine();
        assert!(home.command("mkfifo").arg(home.join("machine").join(file)).status().unwrap().success());
        let start = Instant::now();
        let found = status(&home, "web-7");
        assert_eq!(
            (&found["verdict"], &found["troubles"][0]["why"]),
            (&"unsure".into(), &"is a named pipe".into())
        );
        assert!(start.elapsed() < Duration::from_secs(4), "{file}");
        let page = text(&run(&home, "web-7", &["redtab", "status"]));
        assert!(page.ends_with("The line that mends it:  redtab doctor"), "{page}");
        // The name itself is the kernel's to tell.
        assert_eq!(status(&home, "prod-7")["verdict"], "production");
    }
    // Another place to read it from is no loss.
    let home = machine();
    assert!(home.command("mkfifo").arg(home.join("machine/hostname")).status().unwrap().success());
    assert_eq!(status(&home, "web-7")["verdict"], "clear");
    // A list of blocked sites may be as long as it likes.
    let home = machine();
    let list = "0.0.0.0 ads.example\n".repeat(1 << 20);
    home.write("machine/hosts", format!("127.0.1.1 web-7.prod.example web-7\n{list}"));
    assert_eq!(status(&home, "web-7")["verdict"], "production");
}

#[test]
fn a_productive_machine_is_guarded() {
    let home = machine();
    home.write("clean.sh", "# redtab: local-only\ntrue\n");
    let check = |name: &str| run(&home, name, &["redtab", "check", "--json", "--", "sh ./clean.sh"]);
    assert_eq!(check("web-7").status.code(), Some(0));
    let stopped = check("prod-app-2");
    let told: Value = serde_json::from_slice(&stopped.stdout).unwrap();
    assert_eq!((stopped.status.code(), &told["decision"]), (Some(77), &"block".into()), "{told}");
    assert_eq!(told["target"], "prod-app-2");
    // What changes the machine itself is asked about there, and nowhere else.
    for (name, line, code) in [
        ("prod-app-2", "sudo reboot", 77),
        ("prod-app-2", "systemctl stop postgresql", 77),
        ("prod-app-2", "kubectl delete ns payments", 0),
        ("prod-app-2", "ssh web-dev sudo reboot", 0),
        ("web-7", "sudo reboot", 0),
    ] {
        let checked = run(&home, name, &["redtab", "check", "--", line]);
        assert_eq!(checked.status.code(), Some(code), "{name} {line}");
    }
    let require = |name: &str| run(&home, name, &["redtab", "require", "local"]).status.code();
    assert_eq!((require("web-7"), require("prod-app-2")), (Some(0), Some(77)));
}

fn a_machine_turns_red_and_clear_again(kind: Kind) {
    let home = machine();
    home.write("machine/hostname", "web-7\n");
    home.write("machine/hosts", "127.0.1.1 web-7.dev.example web-7\n");
    let wrapper = on(&home, "web-7");
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let mut shell = kind.in_home(&home).under(&wrapper).redtab().traced().start();
    shell.expect_clear();
    for (file, before, after) in [
        ("machine/hosts", "127.0.1.1 web-7.dev.example web-7\n", "127.0.1.1 web-7.prod.example web-7\n"),
        ("machine/machine-info", "DEPLOYMENT=development\n", "DEPLOYMENT=production\n"),
        (
            "etc/redtab.toml",
            "[watch]\nstart = \"manual\"\n",
            "[watch]\nstart = \"manual\"\n[host]\nenvironment = \"production\"\n",
        ),
    ] {
        home.write(file, before);
        shell.enter().expect_clear();
        home.write(file, after);
        shell.enter().expect_production();
        home.write(file, before);
        shell.enter().expect_clear();
    }
    shell.settle();
    assert_eq!(shell.calls_of_empty_lines(4), Calls::default());
    drop(shell);
    let wrapper = on(&home, "prod-web-7");
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let mut shell = kind.in_home(&home).under(&wrapper).redtab().start();
    shell.expect_text(" PROD prod-web-7 ");
    shell.line("redtab mark safe hostname prod-web-7").expect_clear();
}

// Where the person sits

fn login(output: &Output) -> (String, String) {
    let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let field = |name: &str| status["login"][name].as_str().unwrap().to_owned();
    (field("state"), field("by"))
}

/// What these variables say is a lie.
const STALE: [(&str, &str); 2] =
    [("SSH_CONNECTION", "10.0.0.9 40000 10.0.0.1 22"), ("SSH_TTY", "/dev/pts/99")];

/// A process space of its own, in which nobody has logged in.
const APART: [&str; 5] = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

fn ssh(home: &Home, sshd: &Sshd, options: &[&str], command: &str) -> Command {
    let mut ssh = home.command("ssh");
    ssh.arg("-F").arg(&sshd.config).args(options).args(["far", command]).stdin(Stdio::null());
    ssh
}

/// A command line for another shell that has this home's environment.
fn as_here(home: &Home, command: &str) -> String {
    let vars: String = home.vars().map(|(name, value)| format!("{name}='{value}' ")).collect();
    format!("env -u SSH_CONNECTION -u SSH_TTY -u SSH_CLIENT {vars}{command}")
}

#[test]
fn the_processes_tell_a_login_from_elsewhere_and_no_variable_does() {
    let home = Home::new();
    let here = |vars: &[(&str, &str)]| {
        let mut command = home.command(APART[0]);
        command.args(&APART[1..]).arg("--map-root-user").args(["sh", "-c", "redtab status --json; true"]);
        login(&command.envs(vars.iter().copied()).output().unwrap()).0
    };
    for vars in [&[][..], &STALE] {
        let state = here(vars);
        assert!(["here", "container"].contains(&state.as_str()), "{vars:?} {state}");
    }
    let sshd = Sshd::start(&home, &["far"]);
    // Without the variables; through a shell that was started by another one, as `su` does it.
    let command = as_here(&home, "sh -c 'sh -c \"redtab status --json; true\"; true'");
    let (state, by) = login(&ssh(&home, &sshd, &[], &command).output().unwrap());
    assert_eq!(state, "remote");
    assert!(by.starts_with("sshd"), "{by}");
    let page = ssh(&home, &sshd, &[], &as_here(&home, "sh -c 'redtab status; true'")).output().unwrap();
    let page = text(&page);
    assert!(page.contains(&format!("login  from elsewhere, by {by}")), "{page}");
}

#[test]
fn a_machine_that_one_logged_in_to_is_offered_for_a_mark() {
    let home = machine();
    let sshd = Sshd::start(&home, &["far"]);
    let wrapper = on(&home, "web-7");
    let (last, others) = wrapper.split_last().unwrap();
    let script = others.iter().map(|word| Kind::Bash.quote(word)).collect::<Vec<_>>().join(" ");
    let command = as_here(&home, &format!("{script} {last} redtab status"));
    let page = text(&ssh(&home, &sshd, &[], &command).output().unwrap());
    assert!(page.contains("  host   name   web-7"), "{page}");
    let end = "Is web-7 production?  redtab mark production hostname web-7";
    assert!(page.ends_with(end), "{page}");
    // At one's own machine that is no question.
    assert!(!text(&run(&home, "web-7", &["redtab", "status"])).contains("Is web-7"));
}

#[test]
fn in_a_container_a_login_is_told_from_a_way_in() {
    let home = Home::new();
    // A container whose first process is sshd.
    let root = rustix::process::geteuid().is_root();
    let wrapper: &[&str] = if root { &APART } else { &[] };
    let sshd = Sshd::start_under(&home, &["far"], wrapper);
    let command = as_here(&home, "sh -c 'redtab status --json; true'");
    assert_eq!(login(&ssh(&home, &sshd, &[], &command).output().unwrap()).0, "remote");
    // A container into which somebody got without a login: the process has no parent there.
    let mark = "mount -t tmpfs none /run && touch /run/.containerenv && echo ready && exec sleep 600";
    let mut container = home.command(APART[0]);
    container.args(&APART[1..]).args(["--map-root-user", "sh", "-c", mark]);
    let mut container = container.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let out = container.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut said).unwrap();
    let pid = container.id();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let first = children.split_whitespace().next().unwrap();
    let mut enter = home.command("nsenter");
    enter.args(["--target", first, "--user", "--preserve-credentials", "--pid", "--mount"]);
    // The run directory is hidden below: what is read is all that counts.
    let state = login(&enter.args(["redtab", "status", "--json"]).output().unwrap()).0;
    container.kill().unwrap();
    container.wait().unwrap();
    assert_eq!(state, "container");
}

#[test]
fn in_tmux_whoever_looks_counts_and_not_who_started_it() {
    let home = Home::new();
    let sshd = Sshd::start(&home, &["far"]);
    let tmux = |socket: &str, rest: &str| format!("tmux -L {socket} -f /dev/null {rest}");
    let socket_dir = format!("TMUX_TMPDIR='{}' ", home.path().display());
    let local =
        |line: &str| home.command("sh").args(["-c", &format!("{socket_dir}{line}")]).output().unwrap();
    let far = |line: &str, options: &[&str]| {
        ssh(&home, &sshd, options, &as_here(&home, &format!("{socket_dir}{line}")))
    };
    let ask = |socket: &str| {
        let path = home.join(&format!("answer-{socket}"));
        let _ = fs::remove_file(&path);
        let line = format!("redtab status --json >{0}.new; mv {0}.new {0}", path.display());
        local(&tmux(socket, &format!("send-keys -l '{line}'")));
        local(&tmux(socket, "send-keys Enter"));
        let end = Instant::now() + Duration::from_secs(20);
        while !path.exists() {
            assert!(Instant::now() < end, "no answer\n{}", text(&local(&tmux(socket, "capture-pane -p"))));
            std::thread::sleep(Duration::from_millis(20));
        }
        let status: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        status["login"]["state"].as_str().unwrap().to_owned()
    };
    let looks = |socket: &str| !text(&local(&tmux(socket, "list-clients"))).is_empty();
    // Started over ssh, looked at from here: a client that nobody's login stands above.
    let made = far(&tmux("a", "new-session -d sh"), &[]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    assert_eq!(ask("a"), "unknown", "nobody looks");
    // A terminal whose keyboard stays silent: at the end of its input `script` would type ^D.
    let attach = format!(
        "setsid -f sh -c 'sleep 600 | script -qfc \"{}\" /dev/null' >/dev/null 2>&1 </dev/null",
        tmux("a", "attach")
    );
    local(&attach);
    until("a client", || looks("a"));
    assert!(["here", "container"].contains(&ask("a").as_str()));
    // Started here, looked at over ssh.
    local(&tmux("b", "new-session -d sh"));
    let mut client =
        far(&tmux("b", "attach"), &["-tt"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("a client", || looks("b"));
    assert_eq!(ask("b"), "remote");
    for socket in ["a", "b"] {
        local(&tmux(socket, "kill-server"));
    }
    let _ = client.kill();
    client.wait().unwrap();
}

fn until(what: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "no {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
