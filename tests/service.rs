//! Who starts the watcher, and when it ends: a service of systemd's, or the first shell that finds none. Nothing that a
//! test's shell starts outlives the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use support::tmux::Tmux;
use support::{Home, Kind, Program, Sshd, WHITE_ON_RED, free_port};

const BY_SHELLS: &str = "[watch]\nstart = \"shell\"\npoll = \"1s\"\n";

fn home(config: &str) -> Home {
    let home = Home::new();
    home.write(".config/redtab/config.toml", config);
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
    home
}

fn redtab(home: &Home, arguments: &[&str]) -> Output {
    home.command(home.redtab()).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(40);
    while !done() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Every living watcher of this home.
fn watchers(home: &Home) -> Vec<u32> {
    let marker = format!("REDTAB_RUN_DIR={}", home.run_dir().display());
    let is_one = |pid: &u32| {
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        read("cmdline").windows(10).any(|w| w == b"watch\0run\0")
            && String::from_utf8_lossy(&read("environ")).contains(&marker)
    };
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|e| e.unwrap().file_name().to_str()?.parse().ok()).filter(is_one).collect()
}

fn the_first_shell_starts_it(kind: Kind) {
    let home = home(BY_SHELLS);
    let secret = ("DATABASE_URL", "postgres://u:hunter2@db.dev.example/x");
    let mut shell = kind.in_home(&home).redtab().env(secret.0, secret.1).traced().start();
    until("a watcher", || watchers(&home).len() == 1 && home.run_dir().join("machine.json").exists());
    let pid = watchers(&home)[0];
    let environ = fs::read(format!("/proc/{pid}/environ")).unwrap();
    assert!(!String::from_utf8_lossy(&environ).contains("hunter2"), "it was handed a password");
    // The prompt learns of it once, and then nothing is started any more.
    shell.settle();
    assert_eq!(shell.calls_of_empty_lines(5).count(), (0, 0));
    let mut other = kind.in_home(&home).redtab().start();
    other.enter();
    assert_eq!(watchers(&home), [pid]);
    // One attempt in a shell's life: who ends it means it.
    let stopped = redtab(&home, &["watch", "stop"]);
    assert!(said(&stopped).contains("start = \"manual\""), "{}", said(&stopped));
    for context in ["prod-eu", "dev-eu"] {
        home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], context);
        shell.enter().enter();
        other.enter();
    }
    assert_eq!(watchers(&home), [] as [u32; 0]);
    let _third = kind.in_home(&home).redtab().start();
    until("a watcher again", || watchers(&home).len() == 1);
}

in_every_shell!(the_first_shell_starts_it);

#[test]
fn no_shell_starts_one_that_is_not_wanted() {
    let manual = home("[watch]\nstart = \"manual\"\n");
    Kind::Bash.in_home(&manual).redtab().start().enter();
    let switched_off = home(BY_SHELLS);
    Kind::Bash.in_home(&switched_off).redtab().env("REDTAB_WATCH", "off").start().enter();
    // Where a manager looks after an installed service, it is the manager's.
    let mut managed = home(BY_SHELLS);
    managed.write("rt/systemd/private", "");
    managed.set_var("XDG_RUNTIME_DIR", &managed.join("rt").display().to_string());
    managed.write(".config/systemd/user/redtab-watch.service", "");
    Kind::Bash.in_home(&managed).redtab().start().enter();
    let control = home(BY_SHELLS);
    let mut shell = Kind::Bash.in_home(&control).redtab().start();
    shell.enter();
    until("a watcher", || watchers(&control).len() == 1);
    for home in [manual, switched_off, managed] {
        assert_eq!(watchers(&home), [] as [u32; 0]);
    }
}

#[test]
fn of_many_shells_at_once_one_starts_it() {
    let home = home(BY_SHELLS);
    let rc = home.write("rc", "eval \"$(redtab init bash)\"\n").display().to_string();
    let argv = ["bash", "--rcfile", &rc, "-i"];
    let _shells: Vec<Program> = (0..8).map(|_| Program::start(&home, &argv, &[])).collect();
    until("eight tabs", || fs::read_dir(home.run_dir().join("tabs")).is_ok_and(|dir| dir.count() == 8));
    until("one watcher", || watchers(&home).len() == 1 && home.run_dir().join("machine.json").exists());
}

#[test]
fn a_newer_redtab_takes_over_with_the_next_shell() {
    let home = home(BY_SHELLS);
    let first = Kind::Bash.in_home(&home).redtab().start();
    until("a watcher", || watchers(&home).len() == 1);
    let old = watchers(&home)[0];
    let bytes = fs::read(home.redtab()).unwrap();
    home.remove_redtab();
    home.write("bin/redtab", bytes);
    fs::set_permissions(home.redtab(), fs::Permissions::from_mode(0o755)).unwrap();
    let file = fs::File::options().write(true).open(home.redtab()).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(5)).unwrap();
    drop(file);
    let status = redtab(&home, &["watch", "status"]);
    assert!(said(&status).contains("older redtab"), "{}", said(&status));
    let doctor = said(&redtab(&home, &["doctor"]));
    assert!(doctor.contains("running, but of an older redtab"), "{doctor}");
    let second = Kind::Bash.in_home(&home).redtab().start();
    until("the newer one", || matches!(watchers(&home)[..], [pid] if pid != old));
    drop((first, second));
}

#[test]
fn it_ends_with_the_last_shell_where_that_is_configured() {
    let (until_last, for_ever) = (home(&format!("{BY_SHELLS}ends = \"last_shell\"\n")), home(BY_SHELLS));
    let start = |home: &Home| {
        let shells = [(); 2].map(|()| Kind::Bash.in_home(home).redtab().start());
        until("a watcher", || watchers(home).len() == 1 && home.run_dir().join("machine.json").exists());
        shells
    };
    let [mut one, mut other] = start(&until_last);
    let [mut third, mut fourth] = start(&for_ever);
    third.exit();
    fourth.exit();
    one.exit();
    let log = || fs::read_to_string(until_last.run_dir().join("watcher.log")).unwrap_or_default();
    other.enter();
    assert_eq!(watchers(&until_last).len(), 1);
    other.exit();
    until("it ends", || watchers(&until_last).is_empty());
    assert!(log().contains("the last shell has ended"), "{}", log());
    assert!(!until_last.run_dir().join("machine.json").exists(), "nobody is missed");
    assert_eq!(watchers(&for_ever).len(), 1);
}

#[test]
fn it_ends_with_its_home() {
    let home = home("");
    let place = home.join("gone/run");
    fs::create_dir_all(&place).unwrap();
    let mut command = home.command(home.redtab());
    let mut child =
        command.args(["watch", "run"]).env("REDTAB_RUN_DIR", &place).stdin(Stdio::null()).spawn().unwrap();
    until("it runs", || place.join("machine.json").exists());
    fs::remove_dir_all(home.join("gone")).unwrap();
    until("it ends", || child.try_wait().unwrap().is_some());
    assert!(!place.exists());
}

#[test]
fn its_log_has_an_end() {
    let home = home("");
    let log = home.write("run/watcher.log", "x\n".repeat(100_000));
    fs::set_permissions(&log, fs::Permissions::from_mode(0o600)).unwrap();
    for _ in 0..3 {
        assert!(redtab(&home, &["watch", "start"]).status.success());
        until("a watcher", || redtab(&home, &["watch", "status"]).status.success());
        assert!(redtab(&home, &["watch", "stop"]).status.success());
    }
    assert!(fs::metadata(&log).unwrap().len() < 10_000);
    assert!(fs::read_to_string(&log).unwrap().contains("starts"));
    assert!(home.run_dir().join("watcher.log.1").exists());
}

#[test]
fn without_a_manager_the_file_is_written_and_taken_away() {
    let mut home = home(BY_SHELLS);
    home.set_var("XDG_RUNTIME_DIR", &home.join("rt").display().to_string());
    let file = home.join(".config/systemd/user/redtab-watch.service");
    for _ in 0..2 {
        let output = redtab(&home, &["watch", "install"]);
        assert!(output.status.success(), "{output:?}");
        assert!(said(&output).contains("your shells start the watcher"), "{}", said(&output));
    }
    let unit = fs::read_to_string(&file).unwrap();
    assert!(unit.contains(&format!("ExecStart=\"{}\" watch run\n", home.redtab().display())), "{unit}");
    for hides in
        ["ProtectProc=", "PrivateTmp=", "PrivateNetwork=", "PrivateDevices=", "PrivateUsers=", "ProtectHome="]
    {
        assert!(!unit.contains(hides), "{unit}");
    }
    // And they do.
    let _shell = Kind::Bash.in_home(&home).redtab().start();
    until("a watcher", || watchers(&home).len() == 1);
    let status = said(&redtab(&home, &["watch", "status"]));
    assert!(status.contains("no service manager runs for you here"), "{status}");
    assert!(redtab(&home, &["watch", "uninstall"]).status.success());
    assert!(!file.exists());
    assert_eq!(watchers(&home), [] as [u32; 0]);
    assert!(said(&redtab(&home, &["watch", "uninstall"])).contains("there is no service"));
}

#[test]
fn systemd_has_nothing_to_say_about_the_unit() {
    let mut home = home("");
    fs::create_dir(home.join("rt")).unwrap();
    home.set_var("XDG_RUNTIME_DIR", &home.join("rt").display().to_string());
    // Everything that a unit file might take for its own.
    home.set_var("REDTAB_STATE_DIR", &home.join("a b %h \"c\" \\d").display().to_string());
    assert!(redtab(&home, &["watch", "install"]).status.success());
    let file = home.join(".config/systemd/user/redtab-watch.service");
    let verify = |home: &Home| {
        let mut command = home.command("systemd-analyze");
        command.args(["--user", "--man=no", "verify"]).arg(&file).output().unwrap()
    };
    let output = verify(&home);
    assert!(output.status.success() && !said(&output).contains("redtab-watch"), "{output:?}");
    // The control: it would have something to say.
    let unit = fs::read_to_string(&file).unwrap();
    fs::write(&file, unit.replace("MemoryMax=64M", "MemoryMax=64Q\nMemroyMax=1")).unwrap();
    assert!(said(&verify(&home)).contains("redtab-watch.service"));
}

/// A real service manager of this user's. The machine was not started by systemd, so it gets a /run of its own in which
/// it looks so.
struct Manager(Child);

impl Manager {
    /// `None` where the machine lets nobody make control groups.
    fn start(home: &mut Home) -> Option<Manager> {
        let runtime = home.join("rt");
        fs::create_dir_all(&runtime).unwrap();
        fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
        home.set_var("XDG_RUNTIME_DIR", &runtime.display().to_string());
        let script = "mount -t tmpfs none /run && mkdir -p /run/systemd/system && \
                      exec /lib/systemd/systemd --user --unit=basic.target --log-target=null";
        let mut arguments = vec!["--mount"];
        if !rustix::process::getuid().is_root() {
            arguments.extend(["--user", "--map-root-user"]);
        }
        let mut command = home.command("unshare");
        command.args(arguments).args(["sh", "-c", script]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut manager = Manager(child);
        let end = Instant::now() + Duration::from_secs(30);
        while Instant::now() < end && manager.0.try_wait().unwrap().is_none() {
            let mut command = home.command("systemctl");
            let state = command.args(["--user", "show", "--value", "-p", "SystemState"]).output().unwrap();
            if matches!(said(&state).trim(), "running" | "degraded") {
                return Some(manager);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        None
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        // SIGRTMIN+24 would ask it to leave; TERM has it end its services as well.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end && self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
        // The group it was in itself it can't take away; one with somebody in it stays.
        for group in fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            let _ = fs::remove_dir(group.path().join("init.scope"));
        }
    }
}

/// Under the unit's own restrictions, set by the real manager, or by hand where none can run, it sees what it is there
/// for: a tunnel, the terminal it is on, and a server of tmux.
#[test]
fn as_a_service_it_sees_tunnels_terminals_and_tmux() {
    let mut home = home("[watch]\npoll = \"1s\"\n");
    let manager = Manager::start(&mut home);
    let by_hand = manager.is_none().then(|| {
        eprintln!("no service manager can run here: the restrictions are set by hand");
        let mut command = home.command("setpriv");
        command.args(["--no-new-privs", "prlimit", "--nproc=4096", "--as=67108864"]);
        Manager(command.arg(home.redtab()).args(["watch", "run"]).stdin(Stdio::null()).spawn().unwrap())
    });
    if manager.is_some() {
        let output = redtab(&home, &["watch", "install"]);
        assert!(output.status.success(), "{output:?}");
        let mut command = home.command("systemctl");
        command.args(["--user", "show", "redtab-watch.service"]);
        command.args(["-p", "ActiveState,NoNewPrivileges,MemoryMax,TasksMax,UnitFileState"]);
        let shown = said(&command.output().unwrap());
        for line in [
            "ActiveState=active",
            "NoNewPrivileges=yes",
            "MemoryMax=67108864",
            "TasksMax=64",
            "UnitFileState=enabled",
        ] {
            assert!(shown.lines().any(|known| known == line), "{shown}");
        }
    }
    until("it watches", || redtab(&home, &["watch", "status"]).status.success());
    let [pid] = watchers(&home)[..] else { panic!("{:?}", watchers(&home)) };
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");

    // A tunnel, on a terminal.
    let sshd = Sshd::start(&home, &["bastion"]);
    let (port, config) = (free_port(), sshd.config.display().to_string());
    let spec = format!("{port}:prod-db:5432");
    let tunnel = Program::start(&home, &["/usr/bin/ssh", "-F", &config, "-N", "-L", &spec, "bastion"], &[]);
    let seen = || -> Option<Value> {
        let output = redtab(&home, &["ps", "--json"]);
        let value: Value = serde_json::from_slice(&output.stdout).ok()?;
        assert_eq!(value["watcher"], true);
        let list = value["connections"].as_array()?;
        list.iter().find(|one| one["pid"] == tunnel.pid()).cloned()
    };
    until("the tunnel", || seen().is_some_and(|one| one["port"] == port && one["clients"] == 0));
    let tty = fs::read_link(format!("/proc/{}/fd/0", tunnel.pid())).unwrap();
    let one = seen().unwrap();
    assert_eq!(PathBuf::from(one["tty"].as_str().unwrap()), tty);
    // Its clocks: the wire's tells that somebody goes through it, which the kernel tells nobody who may not see it.
    assert!(matches!(one["state"].as_str(), Some("active" | "idle")), "{one}");

    // A pane of tmux turns red by the watcher's hand, and its title by the terminal.
    let tmux = Tmux::server(&home, Kind::Bash);
    tmux.attach().prompt("%0");
    let records = || fs::read_dir(home.run_dir().join("tabs")).is_ok_and(|dir| dir.count() == 1);
    until("a record", records);
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "prod-eu");
    tmux.until_option("%0", "@redtab", "PROD prod-eu");
    tmux.until("the title", |tmux| {
        tmux.tmux(&["display-message", "-p", "#{pane_title}"]).starts_with("PROD")
    });
    // It closes what it is told to.
    let id = one["id"].to_string();
    assert!(redtab(&home, &["close", &id]).status.success());

    if manager.is_some() {
        let doctor = said(&redtab(&home, &["doctor"]));
        assert!(doctor.contains("running, as a service"), "{doctor}");
        assert!(said(&redtab(&home, &["watch", "status"])).contains("service  "));
        // Killed, the manager starts it again.
        let old = watchers(&home)[0];
        let raw = rustix::process::Pid::from_raw(old.try_into().unwrap()).unwrap();
        rustix::process::kill_process(raw, rustix::process::Signal::KILL).unwrap();
        until("another one", || matches!(watchers(&home)[..], [pid] if pid != old));
        assert!(redtab(&home, &["watch", "uninstall"]).status.success());
        assert_eq!(watchers(&home), [] as [u32; 0]);
        let mut command = home.command("systemctl");
        let state = command.args(["--user", "is-active", "redtab-watch.service"]).output().unwrap();
        assert_eq!(said(&state).trim(), "inactive");
        // So does the script that takes all of redtab away, service and all.
        assert!(redtab(&home, &["watch", "install"]).status.success());
        until("it watches", || watchers(&home).len() == 1);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh");
        let mut command = home.command("dash");
        let output = command.args([script, "--uninstall", "--prefix"]).arg(home.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(watchers(&home), [] as [u32; 0]);
        assert!(!home.join(".config/systemd/user/redtab-watch.service").exists());
        home.restore_redtab();
    }
    drop(by_hand);
    let mut shell = Kind::Bash.in_home(&home).redtab().start();
    shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
}
