//! The watcher finds the real thing: real ssh, psql and redis-cli against real servers on loopback addresses, and says
//! what each points at and why. What is not production it does not name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Home, Program, Sshd, Watched, free_port, postgres, postgres_bin, production};

#[test]
fn an_ssh_a_tunnel_and_a_psql() {
    let postgres = postgres();
    let watched = Watched::new(&production("url_host", "127.0.0.3"));
    let home = &watched.home;
    let sshd = Sshd::start(home, &[]);
    let config = sshd
        .configure(home, "Host prod-web\n  HostName 127.0.0.2\nHost dev-web bastion\n  HostName 127.0.0.5\n");
    let port = free_port();
    let spec = format!("{port}:prod-db:{}", postgres.port);
    let ssh = Program::start(home, &["ssh", "-F", &config, "prod-web"], &[]);
    let dev = Program::start(home, &["ssh", "-F", &config, "dev-web"], &[]);
    let tunnel = Program::start(home, &["ssh", "-F", &config, "-N", "-L", &spec, "bastion"], &[]);
    let psql = postgres_bin().join("psql").display().to_string();
    let pg_port = postgres.port.to_string();
    let mut direct = Program::start(home, &[&psql, "-h", "127.0.0.3", "-p", &pg_port, "-U", "postgres"], &[]);
    let local = Program::start(
        home,
        &[&psql, "-h", postgres.dir.path().to_str().unwrap(), "-p", &pg_port, "-U", "postgres"],
        &[],
    );
    let found = watched.expect(ssh.pid(), "ssh", "prod-web", "ssh");
    assert_eq!(found["environment"], "production");
    assert!(found["tty"].as_str().unwrap().starts_with("/dev/pts/"));
    let found = watched.expect(tunnel.pid(), "tunnel", &format!("prod-db:{pg_port}"), "ssh -L, bastion");
    assert_eq!(found["port"], port);
    watched.expect(direct.pid(), "psql", &format!("127.0.0.3:{pg_port}"), "-h");
    assert_eq!(watched.of(dev.pid()), [] as [Value; 0]);
    assert_eq!(watched.of(local.pid()), [] as [Value; 0]);
    direct.type_in("select 1;\r");
    let pid = tunnel.pid();
    drop(tunnel);
    watched.until("the tunnel is gone", || watched.of(pid).is_empty());
}

#[test]
fn what_ends_is_gone_long_before_the_next_look() {
    let watched = Watched::polling(Home::new(), "10m", "");
    let home = &watched.home;
    let sshd = Sshd::start(home, &[]);
    let control = home.join("cm").display().to_string();
    let config = sshd.configure(
        home,
        &format!(
            "Host prod-mux\n  ControlMaster auto\n  ControlPersist yes\n  ControlPath {control}\nHost *\n  HostName 127.0.0.2\n"
        ),
    );
    // While production is open it looks every five seconds: that it was by chance each time is as good as out.
    for _ in 0..4 {
        let client = Program::start(home, &["ssh", "-F", &config, "prod-mux"], &[]);
        watched.expect(client.pid(), "ssh client", "prod-mux", "ssh");
        watched.until("client and master are there", || open_here(home) == 2);
        let asked = Instant::now();
        let done = home.command("ssh").args(["-F", &config, "-O", "exit", "prod-mux"]).output().unwrap();
        assert!(done.status.success());
        while open_here(home) > 0 {
            assert!(asked.elapsed() < Duration::from_secs(2), "{}", watched.ps());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// How many connections to the host of this test the watcher has written down; nobody is asked to look.
fn open_here(home: &Home) -> usize {
    let text = fs::read_to_string(home.run_dir().join("machine.json")).unwrap();
    let machine: Value = serde_json::from_str(&text).unwrap();
    machine["connections"].as_array().unwrap().iter().filter(|c| c["target"] == "prod-mux").count()
}

#[test]
fn what_a_client_has_its_master_forward_stays_known_when_it_is_gone() {
    let watched = Watched::new("");
    let home = &watched.home;
    let sshd = Sshd::start(home, &[]);
    let control = home.join("cm").display().to_string();
    let config = sshd.configure(
        home,
        &format!(
            "Host *\n  ControlMaster auto\n  ControlPersist yes\n  ControlPath {control}\n  HostName 127.0.0.2\n"
        ),
    );
    let ssh = |args: &[&str]| Program::start(home, &[&["ssh", "-F", &config], args].concat(), &[]);
    let on = |port: u16| {
        let ps = watched.ps();
        let list = ps["connections"].as_array().unwrap();
        let text = |c: &Value| ["kind", "target", "evidence"].map(|key| c[key].as_str().unwrap().to_owned());
        list.iter().find(|c| c["port"] == port).map(text)
    };
    let known = ["tunnel", "prod-db:5432", "ssh -L, bastion"].map(str::to_owned);
    let first = ssh(&["bastion"]);
    watched.until("there is a master", || home.join("cm").exists());
    let port = free_port();
    let second = ssh(&["-L", &format!("{port}:prod-db:5432"), "bastion"]);
    watched.until("the port leads to production", || on(port) == Some(known.clone()));
    drop(second);
    watched.until("it still does", || on(port) == Some(known.clone()));
    drop(first);
    watched.until("and with every client gone", || on(port) == Some(known.clone()));
    let cancel = ["-F", &config, "-O", "cancel", "-L", &format!("{port}:prod-db:5432"), "bastion"];
    assert!(home.command("ssh").args(cancel).output().unwrap().status.success());
    watched.until("it is cancelled", || on(port).is_none());
    assert!(
        home.command("ssh").args(["-F", &config, "-O", "exit", "bastion"]).output().unwrap().status.success()
    );
}
