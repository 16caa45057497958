//! Among hundreds of processes with forty descriptors each the watcher looks at what is new and at what it follows, and at
//! nothing else: what it costs is counted in calls, for those don't depend on the machine. (`bench/watch.py` has three
//! thousand, which not every machine that runs tests bears.)
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use support::{Home, Program, Watched, redis};

const SLEEPERS: usize = 400;

/// Sleeping processes; they end with this value.
struct Crowd(Child);

impl Crowd {
    fn start(home: &Home) -> Crowd {
        let script = format!(
            "for fd in {{10..46}}; do eval \"exec $fd</dev/null\"; done; \
             for ((i = 0; i < {SLEEPERS}; i++)); do sleep 1000 & done; echo there >\"$HOME/there\"; wait"
        );
        let mut command = home.command("bash");
        command.args(["-c", &script]).stdin(Stdio::null()).process_group(0);
        let crowd = Crowd(command.spawn().unwrap());
        let end = Instant::now() + Duration::from_secs(120);
        while !home.join("there").exists() {
            assert!(Instant::now() < end, "the crowd does not come");
            std::thread::sleep(Duration::from_millis(50));
        }
        crowd
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

/// The paths of the files that a process opens and the links it reads meanwhile.
fn paths(home: &Home, pid: u32, meanwhile: impl FnOnce()) -> Vec<String> {
    let file = home.join("trace");
    let mut strace = home
        .command("strace")
        .args(["-f", "-qq", "-e", "trace=openat,readlink,readlinkat,newfstatat,statx", "-e", "signal=none"])
        .args(["-p", &pid.to_string(), "-o"])
        .arg(&file)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    let traced = || fs::read_to_string(format!("/proc/{pid}/status")).unwrap().contains("TracerPid:\t0\n");
    while traced() {
        assert!(Instant::now() < end, "strace does not attach");
        std::thread::sleep(Duration::from_millis(10));
    }
    meanwhile();
    kill_process(Pid::from_child(&strace), Signal::INT).unwrap();
    strace.wait().unwrap();
    let text = fs::read_to_string(file).unwrap();
    text.lines().filter_map(|line| Some(line.split('"').nth(1)?.to_owned())).collect()
}

#[test]
fn in_a_crowd_only_what_is_new_is_looked_at() {
    let redis = redis();
    let home = Home::new();
    let crowd = Crowd::start(&home);
    let target = "[[target]]\nsignal = \"url_host\"\nis = \"127.0.0.4\"\nenvironment = \"production\"\n";
    let watched = Watched::in_home(home, target);
    let home = &watched.home;
    let argv = ["redis-cli", "-h", "127.0.0.4", "-p", &redis.port.to_string()];
    let first = Program::start(home, &argv, &[]);
    let target = format!("127.0.0.4:{}", redis.port);
    watched.expect(first.pid(), "redis-cli", &target, "-h");
    let holder = fs::read_to_string(home.run_dir().join("watcher")).unwrap();
    let watcher: u32 = holder.split(' ').next().unwrap().parse().unwrap();
    let looks = 10;
    // What is young is looked at for a while, and then no more.
    let end = Instant::now() + Duration::from_secs(90);
    let seen = loop {
        let seen = paths(home, watcher, || {
            for _ in 0..looks {
                watched.of(first.pid());
            }
        });
        let of_sleepers: Vec<&String> = seen.iter().filter(|path| is_of_a_sleeper(path, &crowd)).collect();
        if of_sleepers.is_empty() {
            break seen;
        }
        assert!(Instant::now() < end, "{of_sleepers:?}");
    };
    assert!(seen.iter().any(|path| *path == format!("/proc/{}/stat", first.pid())), "{seen:?}");
    assert!(seen.iter().filter(|path| *path == "/proc").count() >= looks, "{seen:?}");
    assert!(seen.len() < 100 * looks, "{} calls", seen.len());
    // What comes next is found all the same.
    let second = Program::start(home, &argv, &[]);
    watched.expect(second.pid(), "redis-cli", &target, "-h");
    let memory = fs::read_to_string(format!("/proc/{watcher}/status")).unwrap();
    let peak = memory.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 30_000, "{kilobytes} kB");
}

fn is_of_a_sleeper(path: &str, crowd: &Crowd) -> bool {
    static CHILDREN: std::sync::OnceLock<BTreeSet<String>> = std::sync::OnceLock::new();
    let pid = crowd.0.id();
    let children = CHILDREN.get_or_init(|| {
        let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let children: BTreeSet<String> = text.split_whitespace().map(str::to_owned).collect();
        assert!(children.len() >= SLEEPERS, "{}", children.len());
        children
    });
    path.strip_prefix("/proc/")
        .and_then(|rest| rest.split('/').next())
        .is_some_and(|pid| children.contains(pid))
}
