//! Whether this shell is a login from elsewhere. The processes above it tell: `SSH_CONNECTION` and its kin are those of
//! whoever started the tmux server, stale in both directions. Only `status` asks; no prompt waits for it.

use std::process::Command;
use std::time::Duration;

use crate::output;
use crate::world::World;

/// Where the person sits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// At this machine.
    Here,
    /// At another one, by this program.
    Remote(String),
    /// In a container, whose processes don't tell.
    Container,
    Unknown,
}

impl Login {
    /// The word for it in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Login::Here => "here",
            Login::Remote(_) => "remote",
            Login::Container => "container",
            Login::Unknown => "unknown",
        }
    }

    /// Whether the person is known to sit at another machine than this one.
    pub fn is_remote(&self) -> bool {
        matches!(self, Login::Remote(_))
    }

    /// The program that let the person in; empty where there is none.
    pub fn by(&self) -> &str {
        match self {
            Login::Remote(by) => by,
            _ => "",
        }
    }
}

/// What lets people in from elsewhere, by the names that the kernel keeps (15 bytes).
const DOORS: &[&str] = &[
    "sshd",
    "sshd-session",
    "dropbear",
    "mosh-server",
    "etserver",
    "etterminal",
    "in.telnetd",
    "telnetd",
    "in.rlogind",
    "rlogind",
    "tailscaled",
    "teleport",
    "ttyd",
    "gotty",
    "code-server",
    "xrdp-sesman",
];

/// What a climb from a process to the first one met.
enum Climb {
    Door(String),
    /// A multiplexer, which has left the processes that started it.
    Multiplexer,
    /// The first process of all.
    Top,
    /// A process without a parent here: one that came from outside of this container.
    Edge,
}

/// Where the person at this shell sits.
pub fn of(world: &World) -> Login {
    let found = match climb(world, std::process::id()) {
        Climb::Multiplexer => through_tmux(world),
        other => other,
    };
    match found {
        Climb::Door(by) => Login::Remote(by),
        Climb::Top | Climb::Edge if in_container(world) => Login::Container,
        Climb::Top => Login::Here,
        // Where the processes are hidden the variables are all there is.
        Climb::Edge => match ["SSH_CONNECTION", "SSH_TTY"].iter().find(|name| world.var(name).is_some()) {
            Some(variable) => Login::Remote((*variable).into()),
            None => Login::Unknown,
        },
        Climb::Multiplexer => Login::Unknown,
    }
}

fn climb(world: &World, pid: u32) -> Climb {
    let chain = world.chain(pid);
    for (_, name) in &chain {
        if DOORS.contains(&name.as_str()) {
            return Climb::Door(name.clone());
        }
        if is_multiplexer(name) {
            return Climb::Multiplexer;
        }
    }
    match chain.last() {
        Some((1, _)) => Climb::Top,
        _ => Climb::Edge,
    }
}

fn is_multiplexer(name: &str) -> bool {
    name.starts_with("tmux") || matches!(name, "screen" | "SCREEN" | "zellij" | "dtach" | "abduco")
}

/// The way of whoever looks at this pane, by what tmux itself says; of several a remote one counts.
/// [`Climb::Multiplexer`] where nobody looks, from inside another one, and where it is one that can't be asked.
fn through_tmux(world: &World) -> Climb {
    let clients = || -> Option<Vec<u32>> {
        let tmux = world.var("TMUX")?.to_str()?;
        let socket = tmux.rsplitn(3, ',').nth(2)?;
        let mut command = Command::new(world.program("tmux")?);
        command.args(["-S", socket, "list-clients", "-F", "#{client_pid}", "-t"]);
        command.arg(world.var("TMUX_PANE")?).env_remove("TMUX");
        let listed = output::output(command, PATIENCE, 64 * 1024).ok()?;
        Some(String::from_utf8_lossy(&listed).lines().filter_map(|pid| pid.trim().parse().ok()).collect())
    };
    let mut found = Climb::Multiplexer;
    for client in clients().unwrap_or_default() {
        // The client's own name is tmux's as well.
        match world.parent_of(client).map(|above| climb(world, above)) {
            Some(door @ Climb::Door(_)) => return door,
            Some(Climb::Multiplexer) | None => {}
            Some(other) => found = other,
        }
    }
    found
}

/// How long tmux may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

fn in_container(world: &World) -> bool {
    let marks = ["/.dockerenv", "/run/.containerenv"];
    marks.iter().any(|mark| std::path::Path::new(mark).exists())
        || world.var("KUBERNETES_SERVICE_HOST").is_some()
        || world.var("container").is_some()
}
