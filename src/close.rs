//! Ends an open connection gracefully, and only that one: the process is held by a pidfd, then looked at again, then asked
//! to go; of an ssh master that serves others as well only the forward that was meant is taken away. It refuses what
//! belongs to another user, what has become something else, and shells, multiplexers and servers, whatever the record
//! says. Nothing is ever killed: what does not go is said to stay.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::connections::kinds;
use crate::connections::look::Open;
use crate::connections::master::{self, Parted};
use crate::escape;
use crate::gate;
use crate::idle::{State, Use};
use crate::processes;
use crate::state::StateDir;
use crate::state::audit::Record;
use crate::state::machine::Connection;
use crate::world::World;

/// How long a connection may take to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is never a connection to production by itself. A record that says otherwise is wrong.
const SPARED: &[&str] = &[
    "bash",
    "zsh",
    "fish",
    "sh",
    "dash",
    "ksh",
    "tcsh",
    "nu",
    "pwsh",
    "tmux",
    "screen",
    "zellij",
    "login",
    "su",
    "sudo",
    "doas",
    "sshd",
    "systemd",
    "init",
    "redtab",
    "vim",
    "nvim",
    "emacs",
    "dbus-daemon",
    "Xorg",
    "gnome-shell",
];

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Closed,
    /// It had ended before.
    Gone,
    /// It was asked, and lives on.
    Stays,
    /// It was not touched; why, as the end of a sentence.
    Refused(String),
    /// It is a port of an ssh that serves others as well, and can't be ended alone; the command that ends them all.
    Shared(String),
}

/// Whether a connection is known to do nothing, so that closing it loses no work: what forwards and has nobody who goes
/// through it. Everything else is at most likely idle: an interactive ssh may be running a silent restore, and the wire
/// does not tell whether a database's client holds a transaction open.
pub fn is_known_idle(open: &Open) -> bool {
    open.state == State::Idle && open.clients == 0 && matches!(open.uses, Use::Forwarding | Use::Master)
}

/// Asks a connection to end, and waits for it.
pub fn end(world: &World, connection: &Connection) -> Outcome {
    let Some(held) = Held::open(connection.process.pid) else { return Outcome::Gone };
    // Whoever has the number now has it until `held` is dropped or it ends: from here on it can't become another one.
    if !connection.process.lives(world) {
        return Outcome::Gone;
    }
    if let Err(why) = inspect(world, connection) {
        return Outcome::Refused(why);
    }
    match master::part_with(world, connection) {
        Some(Parted::Closed) => return Outcome::Closed,
        Some(Parted::Gone) => return Outcome::Gone,
        Some(Parted::Shared(way)) => return Outcome::Shared(way),
        Some(Parted::Untold) => {
            return Outcome::Refused("may serve others as well, which can't be told here".into());
        }
        Some(Parted::Alone) | None => {}
    }
    let gentle: &[Step] = match connection.kind.as_str() {
        "ssh master" => &[Step::Master, Step::Terminate],
        "ssh" | "ssh client" | "mosh" => &[Step::HangUp, Step::Terminate],
        _ => &[Step::Terminate],
    };
    for step in gentle {
        match step {
            Step::Master => {
                let Some(path) = control_path(&arguments(connection.process.pid)) else { continue };
                exit_master(world, &path);
            }
            Step::HangUp => held.send(rustix::process::Signal::HUP),
            Step::Terminate => held.send(rustix::process::Signal::TERM),
        }
        if held.ended(PATIENCE) {
            return Outcome::Closed;
        }
    }
    Outcome::Stays
}

/// Writes a closing into the audit trail; a refusal is one too. `pid`: who closes.
///
/// # Errors
/// Why it can't be written, as text for a terminal.
pub fn record(
    world: &World,
    connection: &Connection,
    outcome: &Outcome,
    reason: &str,
    pid: u32,
) -> Result<(), String> {
    let came_of_it = match outcome {
        Outcome::Closed => "closed".to_string(),
        Outcome::Gone => "it had ended".into(),
        Outcome::Stays => "it stays".into(),
        Outcome::Refused(why) => why.clone(),
        Outcome::Shared(_) => "it stays, its ssh serves others as well".into(),
    };
    let record = Record {
        decision: "close",
        rule: "",
        target: &connection.label,
        what: &format!("{} to {}", connection.kind, connection.target),
        reason: &format!("{reason}: {came_of_it}"),
        line: None,
    };
    let actor = gate::actor(world, pid);
    gate::tell_system(world, &record, &actor);
    StateDir::open(world)
        .and_then(|state| state.record(&record, &actor).map_err(|error| crate::world::plain(&error)))
        .map_err(|why| format!("the audit trail can't be written: {}", escape::terminal(&why)))
}

enum Step {
    /// `ssh -O exit`, which takes the clients along.
    Master,
    HangUp,
    Terminate,
}

fn inspect(world: &World, connection: &Connection) -> Result<(), String> {
    let pid = connection.process.pid;
    if !world.owns(pid) {
        return Err("belongs to another user".into());
    }
    if pid <= 1 {
        return Err("is no connection".into());
    }
    if pid == std::process::id() {
        return Err("is redtab itself".into());
    }
    let argv = arguments(pid);
    let first = argv.first().map(String::as_str).unwrap_or_default();
    // `ssh: /path [mux]` is a title, `-bash` a login shell.
    let word = first.split([' ', ':']).next().unwrap_or_default().trim_start_matches('-');
    let name = word.rsplit('/').next().unwrap_or_default();
    if name.is_empty() || SPARED.contains(&name) || !is_still(&connection.kind, &argv) {
        return Err("is no connection any more".into());
    }
    Ok(())
}

/// Whether what was started with these arguments may be what the record says. A pid and its start are enough where the
/// start is told to the hundredth of a second, not where it is told to the second.
fn is_still(kind: &str, argv: &[String]) -> bool {
    let intent = kinds::intent(argv);
    match kind {
        kinds::CLIENT => true,
        // Which of them an ssh is, its sockets tell as well.
        "ssh" | "ssh client" | "ssh master" | "tunnel" => intent.is_some_and(|intent| intent.ssh.is_some()),
        kind => intent.is_some_and(|intent| intent.kind == kind),
    }
}

fn arguments(pid: u32) -> Vec<String> {
    processes::argv(pid).into_iter().filter(|argument| !argument.is_empty()).collect()
}

/// The socket of an ssh master: in its title once it is in the background, before in its arguments.
fn control_path(argv: &[String]) -> Option<PathBuf> {
    let title = argv.first()?;
    let path = match title.strip_prefix("ssh: ").and_then(|rest| rest.trim_end().strip_suffix("[mux]")) {
        Some(path) => path.trim_end().to_string(),
        None => argv.iter().skip_while(|argument| *argument != "-S").nth(1)?.clone(),
    };
    path.starts_with('/').then(|| PathBuf::from(path))
}

fn exit_master(world: &World, path: &Path) {
    let Some(ssh) = world.program("ssh") else { return };
    let mut command = std::process::Command::new(ssh);
    // The name only has to be there: the master knows where it leads. No configuration is read.
    command.args(["-F", "none", "-O", "exit", "-S"]).arg(path).args(["--", "master"]);
    let _ = world.run_briefly(command, PATIENCE);
}

/// A process held fast.
#[cfg(target_os = "linux")]
struct Held(std::os::fd::OwnedFd);

#[cfg(target_os = "linux")]
impl Held {
    fn open(pid: u32) -> Option<Held> {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
        rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok().map(Held)
    }

    fn send(&self, signal: rustix::process::Signal) {
        let _ = rustix::process::pidfd_send_signal(&self.0, signal);
    }

    /// Whether it ends within this time.
    fn ended(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let timeout = rustix::event::Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(0),
                tv_nsec: left.subsec_nanos().into(),
            };
            let mut fds = [rustix::event::PollFd::new(&self.0, rustix::event::PollFlags::IN)];
            match rustix::event::poll(&mut fds, Some(&timeout)) {
                Ok(0) => return false,
                Ok(_) => return true,
                Err(rustix::io::Errno::INTR) if !left.is_zero() => {}
                Err(_) => return false,
            }
        }
    }
}

/// Without pidfds the number is all there is.
#[cfg(not(target_os = "linux"))]
struct Held(rustix::process::Pid);

#[cfg(not(target_os = "linux"))]
impl Held {
    fn open(pid: u32) -> Option<Held> {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
        rustix::process::test_kill_process(pid).ok().map(|()| Held(pid))
    }

    fn send(&self, signal: rustix::process::Signal) {
        let _ = rustix::process::kill_process(self.0, signal);
    }

    fn ended(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        while Instant::now() < end {
            if rustix::process::test_kill_process(self.0).is_err() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_tells_its_socket() {
        let path =
            |argv: &[&str]| control_path(&argv.iter().map(|word| (*word).to_string()).collect::<Vec<_>>());
        assert_eq!(path(&["ssh: /home/u/.ssh/cm-ab [mux]"]), Some("/home/u/.ssh/cm-ab".into()));
        assert_eq!(path(&["ssh", "-M", "-S", "/t/s", "-N", "h"]), Some("/t/s".into()));
        assert_eq!(path(&["ssh", "-M", "-N", "h"]), None);
        assert_eq!(path(&["ssh: relative [mux]"]), None);
        assert_eq!(path(&[]), None);
    }
}
