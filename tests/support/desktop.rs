//! A desktop that takes notifications: a screen nobody sees, a message bus of its own, and dunst, a real notification
//! daemon, which writes down what it is told. It ends with its test.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::home::Home;

pub struct Desktop {
    children: Vec<Child>,
    heard: PathBuf,
}

impl Desktop {
    /// Starts one, and puts the way to it into the home's environment.
    pub fn start(home: &mut Home) -> Desktop {
        let (said, heard) = (home.join("display"), home.join("heard"));
        let mut desktop = Desktop { children: Vec::new(), heard: heard.clone() };
        let mut xvfb = home.command("Xvfb");
        xvfb.args(["-displayfd", "1", "-noreset", "-screen", "0", "640x480x24", "-nolisten", "tcp"]);
        desktop.run(xvfb.stdout(fs::File::create(&said).unwrap()));
        until("a screen", || fs::read_to_string(&said).is_ok_and(|text| text.ends_with('\n')));
        home.set_var("DISPLAY", &format!(":{}", fs::read_to_string(&said).unwrap().trim()));
        let bus = home.join("bus");
        let address = format!("unix:path={}", bus.display());
        let mut daemon = home.command("dbus-daemon");
        daemon.args(["--session", "--nofork", "--nopidfile", "--address", &address]);
        desktop.run(daemon.stdout(Stdio::null()));
        until("a bus", || bus.exists());
        home.set_var("DBUS_SESSION_BUS_ADDRESS", &address);
        let mut dunst = home.command("dunst");
        desktop.run(dunst.arg("-print").stdout(fs::File::create(&heard).unwrap()));
        let ask = |home: &Home| {
            let mut command = home.command("busctl");
            command.arg(format!("--address={address}"));
            command.args(["call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "NameHasOwner", "s"]);
            let out = command.arg("org.freedesktop.Notifications").output().unwrap();
            String::from_utf8_lossy(&out.stdout).contains("true")
        };
        until("a notification daemon", || ask(home));
        desktop
    }

    fn run(&mut self, command: &mut Command) {
        self.children.push(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    }

    /// The bodies of the notifications so far.
    pub fn notifications(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.heard).unwrap();
        let bodies = text.lines().filter_map(|line| line.trim().strip_prefix("body: '"));
        bodies.map(|body| body.trim_end_matches('\'').to_owned()).collect()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn until(what: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
