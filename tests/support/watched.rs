//! A home with a watcher in it, and programs on terminals of their own.

use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::Value;

use super::home::Home;

/// A watcher sees every connection of its user: tests that open some take turns.
static ALONE: Mutex<()> = Mutex::new(());

/// Held by a test that must not see what another one opens.
pub fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lines of a configuration that make this value of a signal production.
pub fn production(signal: &str, is: &str) -> String {
    format!("[[target]]\nsignal = \"{signal}\"\nis = \"{is}\"\nenvironment = \"production\"\n")
}

const PATIENCE: Duration = Duration::from_secs(40);

/// A program on a terminal of its own; it ends with this value.
pub struct Program {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Program {
    pub fn start(home: &Home, argv: &[&str], vars: &[(&str, &str)]) -> Program {
        let pty = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut command = CommandBuilder::new(argv[0]);
        command.args(&argv[1..]);
        command.env_clear();
        for (name, value) in home.vars().chain(vars.iter().copied()) {
            command.env(name, value);
        }
        command.cwd(home.path());
        let child = pty.slave.spawn_command(command).unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let keys = pty.master.take_writer().unwrap();
        std::thread::spawn(move || {
            let mut sink = [0; 4096];
            while reader.read(&mut sink).is_ok_and(|read| read > 0) {}
        });
        Program { child, keys, _master: pty.master }
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    pub fn type_in(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A home with a watcher in it.
pub struct Watched {
    pub home: Home,
}

impl Watched {
    pub fn new(config: &str) -> Watched {
        Watched::in_home(Home::new(), config)
    }

    pub fn in_home(home: Home, config: &str) -> Watched {
        Watched::polling(home, "1s", config)
    }

    /// One that looks this often, unless a production connection is open.
    pub fn polling(home: Home, poll: &str, config: &str) -> Watched {
        home.write(".config/redtab/config.toml", format!("[watch]\npoll = \"{poll}\"\n{config}"));
        let watched = Watched { home };
        watched.start();
        watched
    }

    pub fn redtab(&self, args: &[&str]) -> std::process::Output {
        self.home.command(self.home.redtab()).args(args).stdin(Stdio::null()).output().unwrap()
    }

    pub fn start(&self) {
        assert!(self.redtab(&["watch", "start"]).status.success());
        self.until("the watcher runs", || self.ps()["watcher"] == true);
    }

    pub fn ps(&self) -> Value {
        let out = self.redtab(&["ps", "--json"]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    }

    /// The connections of one process.
    pub fn of(&self, pid: u32) -> Vec<Value> {
        let ps = self.ps();
        ps["connections"].as_array().unwrap().iter().filter(|c| c["pid"] == pid).cloned().collect()
    }

    pub fn until(&self, what: &str, done: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done() {
            assert!(Instant::now() < end, "never: {what}\n{}", self.ps());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for the one connection of a process.
    pub fn expect(&self, pid: u32, kind: &str, target: &str, evidence: &str) -> Value {
        let fits = |c: &Value| c["kind"] == kind && c["target"] == target && c["evidence"] == evidence;
        self.until(
            &format!("{pid}: {kind} {target}, {evidence}"),
            || matches!(&self.of(pid)[..], [one] if fits(one)),
        );
        self.of(pid).remove(0)
    }
}
