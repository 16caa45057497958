//! Where there is no `/proc`, as on macOS: `ps` and `lsof` that hang, fail or babble hold no shell and no watcher up, and
//! what they don't tell is not claimed. Runs on Linux with the feature `without-proc`; on macOS it was never run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Home, Hue, Kind, Look, Program, Sshd, Watched, free_port};

const RED_TEXT: Look = Look { text: Hue::Red, ground: Hue::Default };

/// An sshd, a session and a tunnel to production, looked at by a watcher that has this `lsof`.
struct Scene {
    watched: Watched,
    session: Program,
    tunnel: Program,
    sshd: Sshd,
}

impl Scene {
    fn with(lsof: Option<&str>) -> Scene {
        let home = Home::new();
        home.executable("seed.sh", "#!/bin/sh\n# redtab: local-only\necho ran >>\"$HOME/ran\"\n");
        if let Some(lsof) = lsof {
            home.executable("bin/lsof", lsof);
        }
        let watched = Watched::in_home(home, "");
        let home = &watched.home;
        let sshd = Sshd::start(home, &["bastion", "prod-web"]);
        let (port, config) = (free_port(), sshd.config.display().to_string());
        let spec = format!("{port}:prod-db:5432");
        let session = Program::start(home, &["/usr/bin/ssh", "-F", &config, "prod-web"], &[]);
        let tunnel =
            Program::start(home, &["/usr/bin/ssh", "-F", &config, "-N", "-L", &spec, "bastion"], &[]);
        watched.expect(session.pid(), "ssh", "prod-web", "ssh");
        watched.expect(tunnel.pid(), "tunnel", "prod-db:5432", "ssh -L, bastion");
        Scene { watched, session, tunnel, sshd }
    }

    fn state_of(&self, pid: u32) -> Value {
        self.watched.of(pid)[0]["state"].clone()
    }

    /// What is opened is seen, and a tab is judged by it.
    fn goes_on(&self) {
        let home = &self.watched.home;
        let config = self.sshd.config.display().to_string();
        let another = Program::start(home, &["/usr/bin/ssh", "-F", &config, "prod-web"], &[]);
        self.watched.expect(another.pid(), "ssh", "prod-web", "ssh");
        let mut shell = Kind::Bash.in_home(home).redtab().start();
        for _ in 0..3 {
            shell.enter().expect_segment(" 3 prod open", RED_TEXT);
        }
        shell.line("./seed.sh");
        assert!(shell.dump().contains("It was not run."), "{}", shell.dump());
        assert!(!home.join("ran").exists());
    }
}

#[test]
fn with_the_real_lsof_a_tunnel_that_nobody_uses_is_known() {
    let scene = Scene::with(None);
    assert_eq!(scene.state_of(scene.tunnel.pid()), "active");
    assert_eq!(scene.state_of(scene.session.pid()), "active");
    scene.goes_on();
}

#[test]
fn an_lsof_that_hangs_holds_nobody_up() {
    let scene = Scene::with(Some("#!/bin/sh\necho $$ >>\"$HOME/lsofs\"\nsleep 600 & wait\n"));
    scene.goes_on();
    // What the terminal tells is told, and nothing else.
    assert_eq!(scene.state_of(scene.session.pid()), "active");
    assert_eq!(scene.state_of(scene.tunnel.pid()), "unknown");
    // It was ended each time, with what it had started, and is not asked again at every look.
    let asked = fs::read_to_string(scene.watched.home.join("lsofs")).unwrap();
    let asked: Vec<&str> = asked.lines().collect();
    assert!(asked.len() <= 2, "{asked:?}");
    let lives = || asked.iter().any(|pid| Path::new(&format!("/proc/{pid}")).exists());
    scene.watched.until("none of them lives", || !lives());
}

#[test]
fn what_lsof_does_not_tell_is_not_claimed() {
    for lsof in [
        "#!/bin/sh\necho 'lsof: refused' >&2\nexit 1\n",
        "#!/bin/sh\nexit 2\n",
        "#!/bin/sh\nkill -9 $$\n",
        "#!/bin/sh\nexec yes p1\n",
        "#!/nowhere\n",
    ] {
        let scene = Scene::with(Some(lsof));
        assert_eq!(scene.state_of(scene.tunnel.pid()), "unknown", "{lsof}");
        scene.goes_on();
    }
}

#[test]
fn a_ps_that_fails_has_ended_nothing() {
    let scene = Scene::with(None);
    let home = &scene.watched.home;
    home.executable("bin/ps", "#!/bin/sh\necho $$ >>\"$HOME/asked\"\nexit 1\n");
    // The watcher alone lists them all; it has done so more than once when it is asked that often.
    let asked = || fs::read_to_string(home.join("asked")).unwrap_or_default().lines().count();
    scene.watched.until("several looks", || asked() > 3);
    let written: Value =
        serde_json::from_slice(&fs::read(home.run_dir().join("machine.json")).unwrap()).unwrap();
    assert_eq!(written["connections"].as_array().unwrap().len(), 2, "{written}");
    assert_eq!(scene.watched.of(scene.tunnel.pid()).len(), 1);
}

#[test]
fn a_ps_that_hangs_shows_and_hurts_no_shell() {
    let home = Home::new();
    let ps = home.executable("bin/ps", "#!/bin/sh\nexec sleep 600\n");
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        let mut shell = kind.in_home(&home).redtab().patience(Duration::from_secs(30)).start();
        shell.expect_text(" redtab ? ");
        shell.line("echo it runs >ran");
        let end = Instant::now() + Duration::from_secs(20);
        while !home.join("ran").exists() {
            assert!(Instant::now() < end, "{}", shell.dump());
            std::thread::sleep(Duration::from_millis(20));
        }
        fs::remove_file(home.join("ran")).unwrap();
    }
    // Negative control: it is this ps that hangs.
    fs::remove_file(ps).unwrap();
    for kind in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        kind.in_home(&home).redtab().start().expect_clear();
    }
}
