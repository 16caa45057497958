//! `redtab backups`: asks every configured backup for its restore points, all at once, and shows them. A question of the
//! guard asks those that hold its target, with less patience.

use std::fmt::Write;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::backups::{self, Backup, Checked, Point, shown, span};
use crate::cli::Exit;
use crate::commands;
use crate::guard::lease;
use crate::output::output;
use crate::state::{RunDir, StateDir};
use crate::view::View;
use crate::world::World;

/// Every configured restore point with its age, the newest first
#[derive(Debug, Args)]
pub struct Backups {
    /// Print JSON (docs/protocol.md lists its fields)
    #[arg(long)]
    json: bool,
}

/// How long a command may take when somebody asked for the list.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may keep a question waiting.
const SHORT: Duration = Duration::from_secs(3);

/// What was asked within this many seconds is not asked again for a question.
const FRESH: u64 = 300;

const OUTPUT_CAP: usize = 1024 * 1024;

/// Asks, keeps and shows.
///
/// # Errors
/// When stdout can't be written.
pub fn run(args: &Backups) -> Result<Exit> {
    let world = World::of_this_process();
    let view = View::new(&world);
    let run_dir = RunDir::open(&world).ok();
    let loaded = crate::config::load(&view, run_dir.as_ref().map(|dir| dir as _));
    commands::say(&crate::config::render(&loaded.problems, view.home().as_deref()));
    let all: Vec<&Backup> = loaded.config.backups.iter().collect();
    let checked = ask(&world, &all, PATIENCE);
    keep(&world, &checked);
    let now = seconds(&world);
    let text = if args.json { as_json(&all, &checked, now) } else { page(&world, &all, &checked, now) };
    commands::print(&text)?;
    let failed = checked.iter().any(|one| one.outcome.is_err());
    Ok(if failed { Exit::Error } else { Exit::Yes })
}

/// What a question about `target` says of its restore points; `None` where no backup holds it. What is known and fresh
/// is taken as it is; otherwise the backups are asked, with little patience.
pub fn about(world: &World, backups: &[Backup], target: &str) -> Option<String> {
    let holding: Vec<&Backup> = backups.iter().filter(|backup| backup.holds(target)).collect();
    if holding.is_empty() {
        return None;
    }
    let now = seconds(world);
    let kept = StateDir::open(world).map(|state| state.restore_points()).unwrap_or_default();
    let find = |backup: &&Backup| kept.iter().find(|one| one.name == backup.name);
    let fresh = |one: &&Checked| one.outcome.is_ok() && now.saturating_sub(one.at) < FRESH;
    let stale: Vec<&Backup> =
        holding.iter().filter(|backup| find(backup).filter(fresh).is_none()).copied().collect();
    let mut known = ask(world, &stale, SHORT);
    // Better an old listing, with its age, than none.
    for one in known.iter_mut().filter(|one| one.outcome.is_err()) {
        if let Some(old) = kept.iter().find(|old| old.name == one.name && old.outcome.is_ok()) {
            *one = old.clone();
        }
    }
    keep(world, &known);
    known.extend(holding.iter().filter_map(|backup| find(backup).filter(fresh)).cloned());
    let late = known.iter().all(|one| {
        let every = holding
            .iter()
            .find(|backup| backup.name == one.name)
            .and_then(|b| lease::seconds(&b.expect_every));
        every.is_some() && backups::is_late(one, every, now)
    });
    let sentence = backups::sentence(&known, now)?;
    Some(if late { format!("{sentence}: older than it should be") } else { sentence })
}

/// Asks the backups at the same time, each for as long as `patience`.
fn ask(world: &World, backups: &[&Backup], patience: Duration) -> Vec<Checked> {
    std::thread::scope(|scope| {
        let asked: Vec<_> =
            backups.iter().map(|backup| scope.spawn(|| one(world, backup, patience))).collect();
        asked.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

fn one(world: &World, backup: &Backup, patience: Duration) -> Checked {
    let outcome = match backup.command.split_first() {
        None => Err("has no command".into()),
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments);
            output(command, patience, OUTPUT_CAP).map(|bytes| {
                let time = |text: &str| since_epoch(world.point_in_time(text)?);
                backups::parse(&String::from_utf8_lossy(&bytes), &time)
            })
        }
    };
    Checked { name: backup.name.clone(), at: seconds(world), outcome }
}

/// Puts what was asked now in the place of what was known of it.
fn keep(world: &World, checked: &[Checked]) {
    if checked.is_empty() {
        return;
    }
    let Ok(state) = StateDir::open(world) else { return };
    let mut all = state.restore_points();
    all.retain(|old| !checked.iter().any(|new| new.name == old.name));
    all.extend(checked.iter().cloned());
    // Without it the next question asks again.
    let _ = state.keep_restore_points(&all);
}

fn seconds(world: &World) -> u64 {
    since_epoch(world.now()).unwrap_or(0)
}

fn since_epoch(time: std::time::SystemTime) -> Option<u64> {
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

fn page(world: &World, backups: &[&Backup], checked: &[Checked], now: u64) -> String {
    if backups.is_empty() {
        return "no backup is configured: [[backup]] in the configuration says where restore points are listed\n".into();
    }
    let mut points: Vec<(&Checked, &Point)> = checked
        .iter()
        .flat_map(|one| one.outcome.iter().flat_map(move |l| l.points.iter().map(move |p| (one, p))))
        .collect();
    points.sort_by(|a, b| b.1.time.cmp(&a.1.time).then_with(|| a.0.name.cmp(&b.0.name)));
    let width = backups.iter().map(|backup| backup.name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for (one, point) in points {
        let end = match point.expires {
            None => String::new(),
            Some(end) if end <= now => "expired".into(),
            Some(end) => format!("expires in {}", span(end - now)),
        };
        let at = world.local_at(UNIX_EPOCH + Duration::from_secs(point.time), "").rfc3339;
        let age = format!("{} old", span(now.saturating_sub(point.time)));
        let line = format!("{:<width$}  {at}  {age:<12}  {end:<20}  {}", one.name, shown(&point.label));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for one in checked {
        let backup = backups.iter().find(|backup| backup.name == one.name);
        let every = backup.and_then(|backup| lease::seconds(&backup.expect_every));
        let trouble = match &one.outcome {
            Err(why) => format!("its command {}", shown(why)),
            Ok(listing) if listing.points.is_empty() => "lists no restore point".into(),
            Ok(_) if backups::is_late(one, every, now) => {
                format!("has none younger than {}", every.map_or_else(|| "now".into(), span))
            }
            Ok(_) => String::new(),
        };
        if !trouble.is_empty() {
            let _ = writeln!(out, "{:<width$}  {trouble}", one.name);
        }
        if let Ok(listing) = &one.outcome
            && listing.strange > 0
        {
            let _ = writeln!(
                out,
                "{:<width$}  {} lines are no `TIME [EXPIRES] [LABEL]`",
                one.name, listing.strange
            );
        }
    }
    out
}

fn as_json(backups: &[&Backup], checked: &[Checked], now: u64) -> String {
    let point = |point: &Point| {
        json!({
            "time": point.time, "age_secs": now.saturating_sub(point.time), "expires": point.expires, "label": point.label,
        })
    };
    let list: Vec<Value> = checked
        .iter()
        .map(|one| {
            let backup = backups.iter().find(|backup| backup.name == one.name);
            let every = backup.and_then(|backup| lease::seconds(&backup.expect_every));
            let (points, strange, why) = match &one.outcome {
                Ok(listing) => (listing.points.iter().map(point).collect(), listing.strange, None),
                Err(why) => (Vec::new(), 0, Some(why)),
            };
            json!({
                "name": one.name, "covers": backup.map(|backup| &backup.covers), "points": points,
                "strange_lines": strange, "late": backups::is_late(one, every, now), "why": why,
            })
        })
        .collect();
    format!("{:#}\n", json!({ "version": 1, "backups": list }))
}
