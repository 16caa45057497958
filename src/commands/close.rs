//! `redtab close` and `redtab snooze`: what a person does about an open connection.

use anyhow::{Context, Result, bail};

use crate::cli::{Close, Exit, Snooze};
use crate::close::{self, Outcome};
use crate::commands;
use crate::escape;
use crate::guard::lease;
use crate::state::RunDir;
use crate::state::machine::{Connection, Machine};
use crate::state::snoozes::{self, LONGEST};
use crate::world::World;

/// Ends the connections with these numbers, or all that are known to be idle.
///
/// # Errors
/// When nobody watches, or a number names nothing.
pub fn run(args: &Close) -> Result<Exit> {
    let world = World::of_this_process();
    let run_dir = RunDir::open(&world).map_err(anyhow::Error::msg)?;
    let machine = machine(&run_dir, &world)?;
    let chosen: Vec<&Connection> = if args.idle {
        if !machine.is_watched(&world) {
            bail!("the watcher is not running: it can't be told what is idle.  redtab watch start");
        }
        machine.connections.iter().filter(|c| c.idle && c.closable).collect()
    } else {
        args.ids.iter().map(|id| named(&machine, *id)).collect::<Result<_>>()?
    };
    if chosen.is_empty() {
        commands::print("nothing is known to be idle\n")?;
    }
    if args.idle {
        for one in machine.connections.iter().filter(|c| c.idle && !c.closable) {
            let what = escape::terminal(&format!("{} to {}", one.kind, one.target));
            commands::print(&format!("left    {what}: it may be at work.  redtab close {}\n", one.id))?;
        }
    }
    let mut exit = Exit::Yes;
    for connection in chosen {
        let outcome = close::end(&world, connection);
        let reason = if args.idle { "asked, idle" } else { "asked" };
        let person = world.parent_pid().unwrap_or_default();
        if let Err(why) = close::record(&world, connection, &outcome, reason, person) {
            commands::complain(&why);
        }
        let what = escape::terminal(&format!("{} to {}", connection.kind, connection.target));
        match outcome {
            Outcome::Closed => commands::print(&format!("closed  {what}\n"))?,
            Outcome::Gone => commands::print(&format!("gone    {what}\n"))?,
            Outcome::Stays => {
                commands::complain(&format!(
                    "{what} was asked to end and did not.  kill {}",
                    connection.process.pid
                ));
                exit = Exit::Error;
            }
            Outcome::Shared(way) => {
                let way = escape::terminal(&way);
                commands::complain(&format!(
                    "{what} stays: its ssh serves others as well.  To end them all:  {way}"
                ));
                exit = Exit::Refused;
            }
            Outcome::Refused(why) => {
                commands::complain(&format!("{what} {why}: it was not closed"));
                exit = Exit::Refused;
            }
        }
    }
    Ok(exit)
}

/// Silences the warnings about these connections, or about all of them.
///
/// # Errors
/// When a number names nothing, or the run directory can't be written.
pub fn snooze(args: &Snooze) -> Result<Exit> {
    let world = World::of_this_process();
    let run_dir = RunDir::open(&world).map_err(anyhow::Error::msg)?;
    let seconds =
        lease::seconds(&args.time).filter(|seconds| (1..=LONGEST).contains(seconds)).with_context(|| {
            format!("`{}` is no time up to 12 hours: write 30m or 1h", escape::terminal(&args.time))
        })?;
    let now = world.clocks().wall;
    let until = now + seconds;
    let added: Vec<snoozes::Snooze> = if args.ids.is_empty() {
        vec![snoozes::Snooze { process: None, until }]
    } else {
        let machine = machine(&run_dir, &world)?;
        let one = |id: &u32| Ok(snoozes::Snooze { process: Some(named(&machine, *id)?.process), until });
        args.ids.iter().map(one).collect::<Result<_>>()?
    };
    run_dir.snooze(&added, now, world.uid).context("the snooze can't be kept")?;
    let end = std::time::UNIX_EPOCH + std::time::Duration::from_secs(until);
    commands::print(&format!("silent until {}\n", world.local_at(end, "").hour))?;
    Ok(Exit::Yes)
}

fn machine(run_dir: &RunDir, world: &World) -> Result<Machine> {
    let machine = run_dir.machine(world.uid);
    machine.context("nobody watches, so nothing has a number.  redtab watch start")
}

fn named(machine: &Machine, id: u32) -> Result<&Connection> {
    let found = machine.connections.iter().find(|connection| connection.id == id && id != 0);
    found.with_context(|| format!("there is no connection {id}.  redtab ps"))
}
