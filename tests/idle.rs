//! How long real connections have been idle, against the truth: each is opened by the test, used by the test, and looked
//! at once a second meanwhile. All of them run beside one another under one watcher, which is restarted in the middle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use redtab::processes::Sockets;
use serde_json::Value;
use support::{
    Home, Program, Sshd, Watched, free_port, kube_api, kubeconfig, postgres, postgres_bin, production, redis,
};

/// The limit the watcher is given, in seconds.
const IDLE_AFTER: f64 = 20.0;
/// The kernel keeps a terminal's clock to eight seconds; the rest is for a busy machine.
const TTY: f64 = 11.0;
/// A socket's clock is exact; a look may be two seconds old.
const WIRE: f64 = 5.0;

/// What one look said of one process.
struct Sample {
    at: Instant,
    said: Value,
}

impl Sample {
    fn state(&self) -> &str {
        self.said["state"].as_str().unwrap()
    }

    fn idle(&self) -> f64 {
        self.said["idle_secs"].as_f64().unwrap()
    }
}

#[derive(Default)]
struct Series(BTreeMap<u32, Vec<Sample>>);

impl Series {
    fn look(&mut self, watched: &Watched) {
        let ps = watched.ps();
        let at = Instant::now();
        for said in ps["connections"].as_array().unwrap() {
            let pid = u32::try_from(said["pid"].as_u64().unwrap()).unwrap();
            self.0.entry(pid).or_default().push(Sample { at, said: said.clone() });
        }
    }

    fn of(&self, pid: u32) -> &[Sample] {
        self.0.get(&pid).unwrap_or_else(|| panic!("{pid} was never seen"))
    }

    /// Compares what was said with the truth: the connection was used at these moments and at no other.
    fn follows(&self, pid: u32, name: &str, uses: &[Instant], slack: f64, resting: &str) {
        let mut checked = 0;
        for sample in self.of(pid) {
            let Some(last) = uses.iter().filter(|at| **at <= sample.at).max() else { continue };
            let truth = sample.at.duration_since(*last).as_secs_f64();
            // Right after a use the look may be the one before.
            if truth < 3.0 {
                continue;
            }
            let said = &sample.said;
            assert!((sample.idle() - truth).abs() <= slack, "{name}: idle for {truth:.1} s: {said}");
            assert_eq!(said["idle_at_least"], false, "{name}: {said}");
            if truth > IDLE_AFTER + slack {
                assert_eq!(sample.state(), resting, "{name}: idle for {truth:.1} s: {said}");
                checked += 1;
            } else if truth < IDLE_AFTER - slack {
                assert_eq!(sample.state(), "active", "{name}: idle for {truth:.1} s: {said}");
            }
        }
        assert!(checked > 0, "{name} was never seen {resting}");
    }

    fn between(&self, pid: u32, from: Instant, to: Instant) -> impl Iterator<Item = &Sample> {
        self.of(pid).iter().filter(move |sample| sample.at >= from && sample.at <= to)
    }
}

fn seconds(count: f64) -> Duration {
    Duration::from_secs_f64(count)
}

fn tmux(home: &Home, args: &[&str]) -> String {
    let out = home.command("tmux").args(["-S", &home.join("tmux").display().to_string()]).args(args).output();
    let out = out.unwrap();
    assert!(out.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

#[test]
fn every_sort_of_connection_at_once() {
    let (postgres, redis) = (postgres(), redis());
    let target = |ip: &str| production("url_host", ip);
    let hostname = production("hostname", "127.0.0.3");
    let config = format!("idle_after = \"20s\"\n{}{}{hostname}", target("127.0.0.3"), target("127.0.0.4"));
    let watched = Watched::new(&config);
    let home = &watched.home;
    let sshd = Sshd::start(home, &[]);
    let control = home.join("cm").display().to_string();
    let config = sshd.configure(
        home,
        &format!(
            "Host prod-ka prod-tunnel tunnel-ka\n  ServerAliveInterval 1\nHost prod-via\n  ProxyJump bastion\n\
             Host prod-mux\n  ControlMaster auto\n  ControlPersist yes\n  ControlPath {control}\n\
             Host prod-*\n  HostName 127.0.0.2\nHost *\n  HostName 127.0.0.5\n"
        ),
    );
    let psql = postgres_bin().join("psql").display().to_string();
    let (pg, rd) = (postgres.port.to_string(), redis.port.to_string());
    let ssh = |args: &[&str]| Program::start(home, &[&["ssh", "-F", &config], args].concat(), &[]);
    let sql = |args: &[&str], vars: &[(&str, &str)]| {
        Program::start(home, &[&[psql.as_str(), "-X", "-U", "postgres"], args].concat(), vars)
    };

    // A shell that was there long before it becomes an ssh.
    let mut exec = Program::start(home, &["bash", "--norc"], &[]);
    // kubectl pings its connection every five seconds.
    let (api, forwarded) = (kube_api(), free_port().to_string());
    let kubeconfig = kubeconfig(&["prod-eu"], "prod-eu");
    home.write(
        ".kube/config",
        kubeconfig.replace("https://10.0.0.0:6443", &format!("http://127.0.0.1:{api}")),
    );
    let forward =
        Program::start(home, &["kubectl", "port-forward", "pod/web", &format!("{forwarded}:80")], &[]);
    let (with_client, without) = (free_port(), free_port());
    let spec = |port: u16| format!("{port}:prod-db:{pg}");
    let tunnel = ssh(&["-N", "-L", &spec(with_client).replace("prod-db", "127.0.0.3"), "prod-tunnel"]);
    let lonely = ssh(&["-N", "-L", &spec(without), "tunnel-ka"]);
    support::wait_for_port(with_client);
    support::wait_for_port(without);
    let opened = Instant::now();
    let mut plain = ssh(&["prod-web"]);
    let mut beaten = ssh(&["prod-ka"]);
    let stream = ssh(&["-t", "prod-stream", "while sleep 1; do date; done"]);
    let mut direct = sql(&["-h", "127.0.0.3", "-p", &pg], &[]);
    let cache = Program::start(home, &["redis-cli", "-h", "127.0.0.4", "-p", &rd], &[]);
    let mut through = sql(&["-h", "localhost", "-p", &with_client.to_string()], &[("PGSSLMODE", "disable")]);
    let mut client = ssh(&["prod-mux"]);
    let via = ssh(&["prod-via"]);
    let by_variable = sql(&["-p", &pg], &[("PGHOST", "127.0.0.3")]);
    let mut switched = sql(&["-h", "127.0.0.1", "-p", &pg], &[]);
    let server = format!("env REDTAB_RUN_DIR={} mosh-server", home.run_dir().display());
    let mosh = Program::start(
        home,
        &["mosh", "--server", &server, "--ssh", &format!("ssh -F {config}"), "prod-mosh"],
        &[],
    );
    let script = format!(
        "import socket,time\ns=socket.create_connection(('127.0.0.3',{pg}))\ns.sendall(b'\\0\\0\\0\\x08\\x04\\xd2\\x16\\x2f')\ns.recv(1)\ntime.sleep(1000)"
    );
    let python = home.command("python3").args(["-c", &script]).spawn().map(Ended).unwrap();
    let dev = ssh(&["dev-host"]);
    let local = sql(&["-h", postgres.dir.path().to_str().unwrap(), "-p", &pg], &[]);
    let pane = format!("exec ssh -F {config} prod-pane");
    let pane =
        tmux(home, &["-f", "/dev/null", "new-session", "-d", "-P", "-F", "#{pane_pid} #{pane_id}", &pane]);
    let _server = Tmux(home);
    let (pane_pid, pane_id) = pane.split_once(' ').unwrap();
    let pane_pid: u32 = pane_pid.parse().unwrap();
    assert!(opened.elapsed() < seconds(6.0), "too slow to tell seconds apart");

    let mut series = Series::default();
    let mut used = None;
    let mut asked = None;
    let acted = |at: Option<Instant>| at.unwrap_or(opened);
    while opened.elapsed() < seconds(72.0) {
        series.look(&watched);
        if opened.elapsed() > seconds(6.0) && asked.is_none() {
            exec.type_in(&format!("exec ssh -F {config} prod-exec\r"));
            asked = Some(Instant::now());
        }
        if opened.elapsed() > seconds(34.0) && used.is_none() {
            for ssh in [&mut plain, &mut beaten, &mut client] {
                ssh.type_in("l");
            }
            direct.type_in("select pg_sleep(10);\r");
            through.type_in("select 1;\r");
            switched.type_in(&format!("\\c \"host=127.0.0.3 port={pg} user=postgres\"\r"));
            tmux(home, &["send-keys", "-t", pane_id, "l"]);
            used = Some(Instant::now());
        }
        std::thread::sleep(seconds(0.8));
    }
    let used = acted(used);

    // 1, 2 and the client of 8: what is typed counts, keepalives don't.
    for (name, program) in [("ssh", plain.pid()), ("keepalive", beaten.pid()), ("mux client", client.pid())] {
        series.follows(program, name, &[opened, used], TTY, "idle");
    }
    assert_eq!(series.of(client.pid()).last().unwrap().said["kind"], "ssh client");
    // 3
    for sample in series.between(stream.pid(), opened + seconds(IDLE_AFTER + TTY), opened + seconds(200.0)) {
        assert_eq!(sample.state(), "streaming", "{}", sample.said);
    }
    // 4
    let end = used + seconds(10.0);
    if Sockets::TIMED {
        for sample in series.between(direct.pid(), used + seconds(3.0), end - seconds(1.0)) {
            assert_eq!(sample.state(), "busy", "{}", sample.said);
        }
        assert!(series.between(direct.pid(), used + seconds(3.0), end - seconds(1.0)).count() > 2);
        series.follows_from(direct.pid(), "psql", end, WIRE);
    } else {
        series.follows(direct.pid(), "psql", &[opened, used], TTY, "idle");
    }
    // 5, 9, and the variable of 10: nothing happens.
    series.follows(cache.pid(), "redis-cli", &[opened], TTY, "idle");
    series.follows(via.pid(), "ProxyJump", &[opened], TTY, "idle");
    series.follows(by_variable.pid(), "PGHOST", &[opened], TTY, "idle");
    if Sockets::TIMED {
        series.follows(python.0.id(), "python", &[opened], WIRE, "idle");
    } else {
        assert!(series.of(python.0.id()).iter().all(|sample| sample.state() == "unknown"));
    }
    series.follows(forward.pid(), "kubectl port-forward", &[opened], TTY, "idle");
    // 6
    if Sockets::TIMED {
        series.follows(tunnel.pid(), "tunnel", &[opened, used], WIRE, "idle");
    } else {
        // Somebody goes through it, and no clock tells whether he does anything.
        assert_eq!(series.of(tunnel.pid()).last().unwrap().state(), "unknown");
    }
    series.follows(through.pid(), "psql through it", &[opened, used], TTY, "idle");

    // What each points at, and why.
    let told = |pid: u32, kind: &str, target: &str, evidence: &str| {
        let last = &series.of(pid).last().unwrap().said;
        let want = format!("{kind} | {target} | {evidence}");
        let text = |field: &str| last[field].as_str().unwrap_or_default().to_owned();
        assert_eq!([text("kind"), text("target"), text("evidence")].join(" | "), want, "{last}");
        assert_eq!(last["environment"], "production");
    };
    told(plain.pid(), "ssh", "prod-web", "ssh");
    told(client.pid(), "ssh client", "prod-mux", "ssh");
    told(direct.pid(), "psql", &format!("127.0.0.3:{pg}"), "-h");
    told(cache.pid(), "redis-cli", &format!("127.0.0.4:{rd}"), "-h");
    told(tunnel.pid(), "tunnel", &format!("prod-tunnel:{pg}"), "ssh -L, prod-tunnel");
    told(through.pid(), "psql", &format!("prod-tunnel:{pg}"), &format!("tunnel, localhost:{with_client}"));
    told(lonely.pid(), "tunnel", &format!("prod-db:{pg}"), "ssh -L, tunnel-ka");
    told(via.pid(), "ssh", "prod-via", "ssh, via bastion");
    told(forward.pid(), "forward", "prod-eu", "kube context");
    told(by_variable.pid(), "psql", "127.0.0.3", "PGHOST");
    told(exec.pid(), "ssh", "prod-exec", "ssh");
    told(python.0.id(), "client", &format!("127.0.0.3:{pg}"), "python3, peer 127.0.0.3");
    told(switched.pid(), "psql", &format!("127.0.0.3:{pg}"), "peer 127.0.0.3");
    told(pane_pid, "ssh", "prod-pane", "ssh");
    assert_eq!(series.of(via.pid()).last().unwrap().said["via"], serde_json::json!(["bastion"]));
    let in_pane = &series.of(pane_pid).last().unwrap().said;
    assert_eq!(in_pane["tmux_pane"], pane_id);
    assert_eq!(in_pane["tmux_socket"], home.join("tmux").display().to_string());
    series.follows(pane_pid, "in tmux", &[opened, used], TTY, "idle");
    // Never later than two looks.
    assert!(series.of(exec.pid())[0].at < acted(asked) + seconds(8.0));
    assert!(series.of(switched.pid())[0].at < used + seconds(8.0));
    assert!(series.of(switched.pid())[0].at > used);
    // mosh's script starts its client in the same process.
    let by_kind = |kind: &str, target: &str| {
        let list = watched.ps()["connections"].as_array().unwrap().clone();
        list.into_iter().find(|c| c["kind"] == kind && c["target"] == target)
    };
    let seen = by_kind("mosh", "prod-mosh").unwrap();
    let seen_pid = u32::try_from(seen["pid"].as_u64().unwrap()).unwrap();
    assert_eq!(seen_pid, mosh.pid());
    series.follows(seen_pid, "mosh", &[opened], TTY, "idle");
    // The master knows its target from its client, and goes when it is told to.
    let master = by_kind("ssh master", "prod-mux").unwrap();
    let master_pid = u32::try_from(master["pid"].as_u64().unwrap()).unwrap();
    series.follows(master_pid, "master", &[opened, used], TTY, "idle");
    let done = home.command("ssh").args(["-F", &config, "-O", "exit", "prod-mux"]).output().unwrap();
    assert!(done.status.success());
    watched.until("master and client are gone", || {
        watched.of(master_pid).is_empty() && watched.of(client.pid()).is_empty()
    });
    // 12
    assert!(!series.0.contains_key(&dev.pid()));
    assert!(!series.0.contains_key(&local.pid()));
    // One entry for a ProxyJump: the ssh that carries it is none of its own.
    let ps = watched.ps();
    let own: Vec<&Value> =
        ps["connections"].as_array().unwrap().iter().filter(|c| c["label"] == "bastion").collect();
    assert_eq!(own, [] as [&Value; 0]);

    // 7: a watcher that was not there can't know, and says so; what the kernel knows is still exact.
    assert!(watched.redtab(&["watch", "stop"]).status.success());
    watched.start();
    watched.until("the tunnel's idle time is a lower bound", || {
        watched.of(lonely.pid()).first().is_some_and(|c| c["idle_at_least"] == true)
    });
    let mut later = Series::default();
    later.look(&watched);
    for (name, pid) in [("psql", by_variable.pid()), ("redis-cli", cache.pid()), ("ssh", via.pid())] {
        later.follows(pid, name, &[opened], TTY, "idle");
    }
    let text = String::from_utf8(watched.redtab(&["ps"]).stdout).unwrap();
    let line = text.lines().find(|line| line.contains(&format!("localhost:{without}"))).unwrap();
    assert!(line.contains("≥"), "{text}");
    // Negative control: nobody watches, and nobody says that nothing is open.
    assert!(watched.redtab(&["watch", "stop"]).status.success());
    let ps = watched.ps();
    assert_eq!(ps["watcher"], false);
    assert!(!home.run_dir().join("machine.json").exists());
    assert!(!home.run_dir().join("connections.json").exists());
}

impl Series {
    /// After `end`, at which a query was answered, the connection is active and then idle.
    fn follows_from(&self, pid: u32, name: &str, end: Instant, slack: f64) {
        for sample in self.between(pid, end + seconds(3.0), end + seconds(200.0)) {
            let truth = sample.at.duration_since(end).as_secs_f64();
            assert!((sample.idle() - truth).abs() <= slack, "{name}: {truth:.1} s: {}", sample.said);
            if truth < IDLE_AFTER - slack {
                assert_eq!(sample.state(), "active", "{name}: {truth:.1} s: {}", sample.said);
            } else if truth > IDLE_AFTER + slack {
                assert_eq!(sample.state(), "idle", "{name}: {truth:.1} s: {}", sample.said);
            }
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

/// A tmux server that ends with this value.
struct Tmux<'h>(&'h Home);

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let socket = self.0.join("tmux").display().to_string();
        let _ = self.0.command("tmux").args(["-S", &socket, "kill-server"]).output();
    }
}
