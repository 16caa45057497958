//! The watcher's own life: one per user whatever happens, everything let go of when it goes to the background, and
//! nothing lost or claimed when it is killed, starved or lied to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use redtab::processes::Sockets;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::{Home, Kind, Program, Sshd, Watched, free_port, redis};

/// The pid of the watcher of this home.
fn watcher(home: &Home) -> u32 {
    let text = fs::read_to_string(home.run_dir().join("watcher")).unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Every living watcher of this home.
fn watchers(home: &Home) -> Vec<u32> {
    let marker = format!("REDTAB_RUN_DIR={}", home.run_dir().display());
    let is_one = |pid: &u32| {
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let argv = read("cmdline");
        argv.windows(10).any(|w| w == b"watch\0run\0")
            && String::from_utf8_lossy(&read("environ")).contains(&marker)
    };
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|e| e.unwrap().file_name().to_str()?.parse().ok()).filter(is_one).collect()
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
}

fn until(what: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A watcher, and a tunnel to production that it knows.
fn with_tunnel() -> (Watched, Program, u16, Sshd) {
    let watched = Watched::new("");
    let sshd = Sshd::start(&watched.home, &["bastion"]);
    let (port, config) = (free_port(), sshd.config.display().to_string());
    let spec = format!("{port}:prod-db:5432");
    let tunnel =
        Program::start(&watched.home, &["/usr/bin/ssh", "-F", &config, "-N", "-L", &spec, "bastion"], &[]);
    watched.expect(tunnel.pid(), "tunnel", "prod-db:5432", "ssh -L, bastion");
    (watched, tunnel, port, sshd)
}

#[test]
fn of_many_that_start_at_once_one_remains() {
    let home = Home::new();
    for _ in 0..5 {
        let all: Vec<_> =
            (0..20).map(|_| home.command(home.redtab()).args(["watch", "start"]).spawn().unwrap()).collect();
        for mut one in all {
            assert!(one.wait().unwrap().success());
        }
        until("one watcher remains", || watchers(&home).len() == 1);
        let status = home.command(home.redtab()).args(["watch", "status"]).output().unwrap();
        assert!(status.status.success());
        assert!(home.command(home.redtab()).args(["watch", "stop"]).status().unwrap().success());
        assert_eq!(watchers(&home), [] as [u32; 0]);
        let status = home.command(home.redtab()).args(["watch", "status"]).output().unwrap();
        assert!(!status.status.success());
    }
}

#[test]
fn of_two_that_start_at_once_one_remains_a_hundred_times() {
    let home = Home::new();
    for round in 0..100 {
        let mut two = [(); 2].map(|()| {
            let mut command = home.command(home.redtab());
            command.args(["watch", "run"]).stderr(Stdio::null()).spawn().map(Ended).unwrap()
        });
        // The one that came second ends by itself, without a fault.
        let end = Instant::now() + Duration::from_secs(30);
        let status = loop {
            assert!(Instant::now() < end, "round {round}: both run");
            if let Some(status) = two.iter_mut().find_map(|one| one.0.try_wait().unwrap()) {
                break status;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        assert!(status.success(), "round {round}: {status}");
        let left: Vec<u32> = two
            .iter_mut()
            .filter_map(|one| one.0.try_wait().unwrap().is_none().then(|| one.0.id()))
            .collect();
        assert_eq!(left.len(), 1, "round {round}");
        assert_eq!(watcher(&home), left[0], "round {round}");
        if round % 2 == 0 {
            // However it ends, the next two find the place free.
            kill(left[0]);
        } else {
            assert!(home.command(home.redtab()).args(["watch", "stop"]).status().unwrap().success());
        }
    }
}

/// A process that ends with this value.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn in_the_background_it_holds_nothing_of_its_terminal() {
    let watched = Watched::new("");
    assert!(watched.redtab(&["watch", "stop"]).status.success());
    let redtab = watched.home.redtab().display().to_string();
    // A descriptor of the shell's own, and a terminal.
    let script = format!("exec 7</etc/passwd 8>/dev/tty; {redtab} watch start; exec sleep 1000");
    let shell = Program::start(&watched.home, &["bash", "-c", &script], &[]);
    watched.until("it runs", || watched.ps()["watcher"] == true);
    let pid = watcher(&watched.home);
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
        let Ok(link) = fs::read_link(entry.unwrap().path()) else { continue };
        let link = link.display().to_string();
        let own = link == "/dev/null"
            || link.starts_with("socket:")
            || link.contains("/run")
            // What tells of processes that end and of files that change.
            || link.starts_with("anon_inode:")
            || link.starts_with("pipe:");
        assert!(own && !link.contains("/dev/pts"), "{link}");
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    assert_eq!((fields[3], fields[4]), (pid.to_string().as_str(), "0"), "its own session, no terminal");
    assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), Path::new("/"));
    drop(shell);
    watched.until("it outlives its terminal", || watched.ps()["watcher"] == true);
    assert_eq!(watcher(&watched.home), pid);
}

#[test]
fn killed_it_claims_nothing_and_another_takes_over() {
    let (watched, tunnel, port, _sshd) = with_tunnel();
    let home = &watched.home;
    for round in 0..10 {
        let pid = watcher(home);
        // At any moment: also in the middle of a look.
        home.command(home.redtab()).args(["ps"]).output().unwrap();
        std::thread::sleep(Duration::from_millis(37 * round));
        kill(pid);
        // Its arguments go a moment before it does.
        until("it is gone", || redtab::processes::started(pid).is_none());
        let ps = watched.ps();
        assert_eq!(ps["watcher"], false);
        // One look of its own finds the tunnel all the same.
        assert!(ps["connections"].as_array().unwrap().iter().any(|c| c["port"] == port), "{ps}");
        assert!(!watched.redtab(&["watch", "status"]).status.success());
        watched.start();
        watched.expect(tunnel.pid(), "tunnel", "prod-db:5432", "ssh -L, bastion");
        let left: Vec<String> = fs::read_dir(home.run_dir())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(&format!(".{pid}")))
            .collect();
        assert!(left.len() <= 1, "{left:?}");
    }
}

#[test]
fn the_run_directory_may_be_taken_away() {
    let (watched, tunnel, _port, _sshd) = with_tunnel();
    for _ in 0..3 {
        fs::remove_dir_all(watched.home.run_dir()).unwrap();
        until("it writes again", || watched.home.run_dir().join("machine.json").exists());
        watched.expect(tunnel.pid(), "tunnel", "prod-db:5432", "ssh -L, bastion");
        assert_eq!(watchers(&watched.home).len(), 1);
    }
}

#[test]
fn what_lies_in_its_place_is_put_aside() {
    let watched = Watched::new("");
    let home = &watched.home;
    let run = home.run_dir();
    assert!(watched.redtab(&["watch", "stop"]).status.success());
    let _socket = UnixListener::bind(run.join("machine.json")).unwrap();
    fs::create_dir(run.join("watcher.socket")).unwrap();
    fs::write(run.join("watcher.socket/x"), "").unwrap();
    let precious = home.write("precious", "precious");
    fs::remove_file(run.join("watcher")).unwrap();
    std::os::unix::fs::symlink(&precious, run.join("watcher")).unwrap();
    std::os::unix::fs::symlink(&precious, run.join("connections.json")).unwrap();
    fs::remove_file(run.join("watcher.log")).unwrap();
    std::os::unix::fs::symlink(&precious, run.join("watcher.log")).unwrap();
    watched.start();
    assert_eq!(watchers(home).len(), 1);
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(run.join("watcher").symlink_metadata().unwrap().is_file());
    // While it runs: a lock that is no longer there is no lock.
    let pid = watcher(home);
    fs::remove_file(run.join("watcher")).unwrap();
    until("the lock is there again", || run.join("watcher").exists());
    assert_eq!(watcher(home), pid);
    fs::write(run.join("machine.json"), "{\"version\":1,\"watcher\":").unwrap();
    watched.until("the file is mended", || watched.ps()["watcher"] == true);
}

#[test]
fn ten_thousand_datagrams_of_rubbish_are_as_good_as_one() {
    let (watched, tunnel, _port, _sshd) = with_tunnel();
    let pid = watcher(&watched.home);
    let ticks = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<u64> =
            stat[stat.rfind(')').unwrap() + 2..].split(' ').map(|field| field.parse().unwrap_or(0)).collect();
        fields[11] + fields[12]
    };
    let (before, begun) = (ticks(), Instant::now());
    let socket = UnixDatagram::unbound().unwrap();
    let rubbish: Vec<u8> = (0..60_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut sent = 0;
    while sent < 10_000 {
        let text = &rubbish[sent..sent + sent % 3000];
        if socket.send_to(text, watched.home.run_dir().join("watcher.socket")).is_ok() {
            sent += 1;
        }
    }
    watched.expect(tunnel.pid(), "tunnel", "prod-db:5432", "ssh -L, bastion");
    assert_eq!(watcher(&watched.home), pid);
    // However long the flood takes on this machine: it looks four times a second, and is not busy with it.
    let bar = 500 + begun.elapsed().as_secs() * 50;
    assert!(ticks() - before < bar, "{} of {bar} ticks", ticks() - before);
}

#[test]
fn helpers_that_hang_stop_nothing() {
    let home = Home::new();
    for name in ["ssh", "getent"] {
        home.executable(&format!("bin/{name}"), "#!/bin/sh\nexec sleep 1000\n");
    }
    let target =
        "[[target]]\nsignal = \"hostname\"\nis = \"db-7.acme.example\"\nenvironment = \"production\"\n";
    let watched = Watched::in_home(home, target);
    let sshd = Sshd::start(&watched.home, &["prod-web"]);
    let config = sshd.config.display().to_string();
    let ssh = Program::start(&watched.home, &["/usr/bin/ssh", "-F", &config, "prod-web"], &[]);
    watched.expect(ssh.pid(), "ssh", "prod-web", "ssh");
}

#[test]
fn a_full_disk_stops_nothing() {
    let home = Home::new();
    home.write(".config/redtab/config.toml", "[watch]\npoll = \"1s\"\n");
    let run = home.run_dir().display().to_string();
    let redtab = home.redtab().display().to_string();
    // A file system of 64 KB, full to the last byte; then room again.
    let script = format!(
        "mount -t tmpfs -o size=64k,mode=700 none {run} && cd {run} && \
         {{ dd if=/dev/zero of=fill bs=4k 2>/dev/null; {redtab} watch run & pid=$!; trap 'kill $pid' EXIT; sleep 3; kill -0 $pid || exit 9; \
         {redtab} ps || exit 8; rm fill; for i in $(seq 300); do grep -q watcher machine.json 2>/dev/null && {redtab} watch status && break; sleep 0.1; done; \
         {redtab} watch status || exit 7; {redtab} watch stop; wait $pid; }}"
    );
    let mut unshare = vec!["unshare", "--mount"];
    if !rustix::process::getuid().is_root() {
        unshare.extend(["--user", "--map-root-user"]);
    }
    let out = home.command(unshare[0]).args(&unshare[1..]).args(["bash", "-c", &script]).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    assert!(String::from_utf8_lossy(&out.stdout).contains("running, pid"), "{out:?}");
}

#[test]
fn a_pid_that_is_another_process_by_now_is_left_alone() {
    let home = Home::new();
    home.write(".config/redtab/config.toml", "[watch]\npoll = \"1s\"\n");
    // A psql by its name and arguments, which only waits.
    fs::copy("/bin/bash", home.join("psql")).unwrap();
    home.write(
        "reuse.sh",
        r#"
exec 9<> <(:)
number() {
    for ((i = 0; i < 300; i++)); do
        id=$(redtab ps --json | tr ',{' '\n\n' | sed -n 's/^ *"id": *//p' | head -1)
        [[ ${id:-0} != 0 ]] && return
        sleep 0.1
    done
    exit 3
}
"$HOME/psql" -c 'read -r line' -h prod-db <&9 & victim=$!
redtab watch start
for ((i = 0; i < 300; i++)); do redtab watch status >/dev/null && break; sleep 0.1; done
number
read -r watcher _ <"$REDTAB_RUN_DIR/watcher"
kill -STOP "$watcher"
kill -9 "$victim"
wait "$victim" 2>/dev/null
echo $((victim - 1)) >/proc/sys/kernel/ns_last_pid || exit 4
sleep 1000 & other=$!
[[ $other == "$victim" ]] || exit 5
redtab close "$id"
kill -0 "$other" || exit 6
echo "lives: $(tr '\0' ' ' </proc/$other/cmdline)"
# Negative control: what is still itself is closed.
kill -CONT "$watcher"
"$HOME/psql" -c 'read -r line' -h prod-db <&9 & victim=$!
for ((i = 0; i < 300; i++)); do redtab ps --json | grep -q "\"pid\": *$victim\b" && break; sleep 0.1; done
number
redtab close "$id" || exit 7
wait "$victim"
redtab watch stop
"#,
    );
    let mut unshare = vec!["unshare", "--pid", "--fork", "--mount-proc"];
    if !rustix::process::getuid().is_root() {
        unshare.extend(["--user", "--map-root-user"]);
    }
    let script = home.join("reuse.sh").display().to_string();
    let out = home.command(unshare[0]).args(&unshare[1..]).args(["bash", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{out:?}");
    // Where a start is told to the second, the arguments tell that it is another one.
    let refused = String::from_utf8_lossy(&out.stderr).contains("is no connection any more");
    assert!(said.contains("gone    psql to prod-db") || (!Sockets::TIMED && refused), "{out:?}");
    assert!(said.contains("lives: sleep 1000"), "{out:?}");
    assert!(said.contains("closed  psql to prod-db"), "{out:?}");
}

#[test]
fn a_newer_binary_takes_the_place_of_an_older_one() {
    let watched = Watched::new("");
    let home = &watched.home;
    let first = watcher(home);
    // The same bytes elsewhere, built later.
    let newer = home.join("bin/newer");
    fs::copy(home.redtab(), &newer).unwrap();
    fs::set_permissions(&newer, fs::Permissions::from_mode(0o755)).unwrap();
    let file = fs::File::options().write(true).open(&newer).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(5)).unwrap();
    drop(file);
    assert!(
        Command::new(&newer)
            .env_clear()
            .envs(home.vars())
            .args(["watch", "start"])
            .status()
            .unwrap()
            .success()
    );
    until("the newer one watches", || watchers(home).len() == 1 && watcher(home) != first);
    let second = watcher(home);
    // The older one does not take it back.
    watched.start();
    until("one watcher remains", || watchers(home).len() == 1);
    assert_eq!(watcher(home), second);
}

#[test]
fn of_five_hundred_opened_and_closed_at_random_while_prompts_ask_none_is_missed() {
    let redis = redis();
    let target = "[[target]]\nsignal = \"url_host\"\nis = \"127.0.0.4\"\nenvironment = \"production\"\n";
    let watched = Watched::new(target);
    let port = redis.port.to_string();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = [Kind::Bash, Kind::Zsh, Kind::Fish].map(|kind| {
            let (home, done) = (&watched.home, &done);
            scope.spawn(move || {
                let mut shell = kind.in_home(home).redtab().patience(Duration::from_secs(60)).start();
                let mut seen = BTreeSet::new();
                while !done.load(Ordering::Relaxed) {
                    let segment = shell.enter().segment().text;
                    assert!(!segment.contains('?'), "{}", shell.dump());
                    seen.insert(segment);
                }
                seen.len()
            })
        });
        // Whatever happens, the prompts end.
        let result = catch_unwind(AssertUnwindSafe(|| open_and_close(&watched, &port, 500)));
        done.store(true, Ordering::Relaxed);
        for one in asking {
            // Many different counts were shown: the prompts did ask.
            assert!(one.join().unwrap() > 10);
        }
        result.unwrap_or_else(|panic| resume_unwind(panic));
    });
}

/// Opens and closes so many connections, and compares what is listed with what is open again and again.
fn open_and_close(watched: &Watched, port: &str, count: usize) {
    let mut open: Vec<Program> = Vec::new();
    let mut dice = 7_u32;
    let mut opened = 0;
    while opened < count {
        for _ in 0..10 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if open.len() > 2 && dice >> 30 == 0 {
                open.swap_remove(usize::try_from(dice >> 8).unwrap() % open.len());
            } else {
                let argv = ["redis-cli", "-h", "127.0.0.4", "-p", port];
                open.push(Program::start(&watched.home, &argv, &[]));
                opened += 1;
            }
        }
        let mut truth: Vec<u64> = open.iter().map(|one| one.pid().into()).collect();
        truth.sort_unstable();
        watched.until("just what is open is listed", || {
            let ps = watched.ps();
            let ours = |c: &&Value| c["target"] == format!("127.0.0.4:{port}");
            let list = ps["connections"].as_array().unwrap();
            let mut seen: Vec<u64> = list.iter().filter(ours).map(|c| c["pid"].as_u64().unwrap()).collect();
            seen.sort_unstable();
            seen == truth
        });
        if open.len() > 30 {
            open.drain(..25);
        }
    }
}
