//! `redtab watch run|start|status|stop`: the watcher's life. It ends no process but the one that holds the watcher's
//! lock.

use std::process::{Command as Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::process::Signal;

use crate::cli::{Exit, WatchCommand};
use crate::commands;
use crate::state::RunDir;
use crate::watch::{self, Ended};
use crate::world::World;

/// How long a watcher may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Does what was asked.
///
/// # Errors
/// Why it can't be done.
pub fn run(command: WatchCommand) -> Result<Exit> {
    match command {
        WatchCommand::Run { detached } => {
            if detached {
                World::leave_everything();
            }
            let world = World::of_this_process();
            match watch::run(&world).map_err(|why| anyhow!(why))? {
                Ended::Asked => Ok(Exit::Yes),
                Ended::Another(other) => {
                    if !detached {
                        commands::complain(&format!("another watcher is running, pid {}", other.pid));
                    }
                    Ok(Exit::Yes)
                }
            }
        }
        WatchCommand::Start => start(&World::of_this_process()),
        WatchCommand::Status => status(&World::of_this_process()),
        WatchCommand::Stop => stop(&World::of_this_process()),
    }
}

/// Starts a watcher in the background and returns at once; if one is running, the new one ends by itself.
fn start(world: &World) -> Result<Exit> {
    RunDir::open(world).map_err(|why| anyhow!(why))?;
    let binary = std::env::current_exe().context("redtab's own path is not known")?;
    Child::new(binary)
        .args(["watch", "run", "--detached"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("the watcher can't be started")?;
    Ok(Exit::Yes)
}

fn status(world: &World) -> Result<Exit> {
    let run_dir = RunDir::open(world).map_err(|why| anyhow!(why))?;
    let Some(holder) = run_dir.watcher(world.uid).filter(|holder| holder.process.lives(world)) else {
        commands::print("no watcher is running.  redtab watch start\n")?;
        return Ok(Exit::Error);
    };
    let open = run_dir.living_machine(world).map(|machine| machine.connections.len());
    let open = match open {
        Some(1) => "1 connection open".to_owned(),
        Some(count) => format!("{count} connections open"),
        None => "has not looked yet".to_owned(),
    };
    commands::print(&format!("running, pid {}; {open}\n", holder.process.pid))?;
    Ok(Exit::Yes)
}

fn stop(world: &World) -> Result<Exit> {
    let run_dir = RunDir::open(world).map_err(|why| anyhow!(why))?;
    let end = Instant::now() + PATIENCE;
    while let Some(holder) = run_dir.watcher(world.uid) {
        watch::end_process(holder.process, world, Signal::TERM);
        if Instant::now() >= end {
            return Err(anyhow!("the watcher, pid {}, does not end", holder.process.pid));
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    Ok(Exit::Yes)
}
