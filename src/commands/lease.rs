//! `redtab lease`: takes, lists and ends a short permission. It never lowers a flag, and ends by itself.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};

use crate::cli::{Exit, Lease as Args, LeaseCommand};
use crate::commands;
use crate::escape;
use crate::gate;
use crate::guard::lease::{self, Lease};
use crate::state::audit::Record;
use crate::state::leases::ALL_TABS;
use crate::state::{RunDir, StateDir};
use crate::survey;
use crate::view::View;
use crate::world::World;

/// The longest lease.
const LONGEST: u64 = 12 * 3600;

/// A reason or a target is never longer.
const TEXT_CAP: usize = 500;

/// Takes a lease, lists them or ends one.
///
/// # Errors
/// When there is no run directory, no tab, nothing it could hold for, or a duration that is none.
pub fn run(args: Args) -> Result<Exit> {
    let world = World::of_this_process();
    let run_dir = RunDir::open(&world).map_err(anyhow::Error::msg)?;
    match args.command {
        Some(LeaseCommand::List) => list(&world, &run_dir),
        Some(LeaseCommand::End { all_tabs }) => end(&world, &run_dir, all_tabs),
        None => take(&world, &run_dir, &args),
    }
}

fn take(world: &World, run_dir: &RunDir, args: &Args) -> Result<Exit> {
    let duration = args.duration.as_deref().unwrap_or_default();
    let seconds = lease::seconds(duration)
        .with_context(|| format!("`{}` is no duration: write 30m, 1h 30m", escape::terminal(duration)))?;
    if !(1..=LONGEST).contains(&seconds) {
        bail!("a lease is for a second to 12 hours");
    }
    let reason = args.reason.join(" ").trim().to_string();
    if reason.is_empty() {
        bail!("a lease needs a reason");
    }
    if reason.len() > TEXT_CAP || args.targets.iter().any(|target| target.len() > TEXT_CAP) {
        bail!("that is too long for a lease");
    }
    let survey = survey::look(&View::new(world), Some(run_dir as _));
    let mut targets: BTreeSet<String> = gate::lease_targets(&survey.verdict);
    targets.extend(args.targets.iter().cloned());
    if targets.is_empty() {
        bail!(
            "this tab points at nothing a lease could be for; name it: redtab lease --for TARGET {duration} …"
        );
    }
    let taken = world.clocks();
    if taken.boot_id.is_empty() {
        bail!("this machine does not tell when it was started, so a lease could not be ended");
    }
    let key = key(world, args.all_tabs)?;
    let lease = Lease { targets: targets.into_iter().collect(), reason, taken, seconds, asked: Vec::new() };
    // First written down, then given: a permission that leaves no trace is none.
    record(world, "lease", &lease, &format!("{duration}: {}", lease.reason))?;
    run_dir
        .keep_lease(&key, &lease)
        .map_err(|error| anyhow::anyhow!("the lease can't be kept: {}", crate::world::plain(&error)))?;
    let zone = &survey.loaded.config.hours.timezone;
    commands::print(&line(world, zone, &key, &lease))?;
    Ok(Exit::Yes)
}

fn list(world: &World, run_dir: &RunDir) -> Result<Exit> {
    let survey = survey::look(&View::new(world), Some(run_dir as _));
    let zone = &survey.loaded.config.hours.timezone;
    let lines: String =
        run_dir.leases(world).iter().map(|(key, lease)| line(world, zone, key, lease)).collect();
    commands::print(&lines)?;
    Ok(Exit::Yes)
}

fn end(world: &World, run_dir: &RunDir, all_tabs: bool) -> Result<Exit> {
    let own = world.tab().map(|tab| tab.key());
    let living = run_dir.leases(world);
    let ours = |key: &str| all_tabs || own.as_deref() == Some(key);
    let mut ended = false;
    for (key, lease) in living.iter().filter(|(key, _)| ours(key)) {
        if run_dir.end_lease(key) {
            ended = true;
            // It is over, whether that can be written down or not.
            if let Err(error) = record(world, "lease-end", lease, &lease.reason) {
                commands::complain(&format!("{error:#}"));
            }
        }
    }
    if !ended {
        let other = living.iter().any(|(key, _)| key == ALL_TABS);
        commands::complain(match other {
            true => "this tab has no lease of its own; redtab lease end --all-tabs ends the one for all tabs",
            false => "there is no lease here",
        });
        return Ok(Exit::Error);
    }
    Ok(Exit::Yes)
}

fn key(world: &World, all_tabs: bool) -> Result<String> {
    if all_tabs {
        return Ok(ALL_TABS.into());
    }
    let tab = world.tab().context("there is no terminal here: a lease is for a tab (or --all-tabs)")?;
    Ok(tab.key())
}

fn line(world: &World, zone: &str, key: &str, lease: &Lease) -> String {
    let until = std::time::UNIX_EPOCH + std::time::Duration::from_secs(lease.until());
    let names: Vec<String> = lease
        .targets
        .iter()
        .map(|name| if name.is_empty() { "what can't be told".into() } else { escape::terminal(name) })
        .collect();
    let whose = if key == ALL_TABS { "all tabs" } else { key };
    let hour = world.local_at(until, zone).day_and_hour;
    format!("until {hour}  {whose}  {}: {}\n", names.join(", "), escape::terminal(&lease.reason))
}

fn record(world: &World, decision: &str, lease: &Lease, reason: &str) -> Result<()> {
    let record = Record {
        decision,
        rule: "lease",
        target: &lease.targets.join(", "),
        what: "redtab lease",
        reason,
        line: None,
    };
    let actor = gate::actor(world, world.parent_pid().unwrap_or_default());
    gate::tell_system(world, &record, &actor);
    let trouble = |why: String| anyhow::anyhow!("the audit trail can't be written: {why}");
    let state = StateDir::open(world).map_err(trouble)?;
    state.record(&record, &actor).map_err(|error| trouble(crate::world::plain(&error)))
}
