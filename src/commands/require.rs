//! `redtab require local`: for scripts, cron and CI. Refuses where something points at production or can't be read.

use anyhow::Result;

use crate::cli::{Exit, Require};
use crate::commands;
use crate::state::RunDir;
use crate::survey;
use crate::verdict::Gravity;
use crate::view::View;
use crate::world::World;

/// Answers 0 when nothing points at production, 77 otherwise. `REDTAB=off` lifts nothing here.
///
/// # Errors
/// None at present; a verdict that can't be had is a refusal.
pub fn run(args: &Require) -> Result<Exit> {
    let world = World::of_this_process();
    let view = View::new(&world);
    let run_dir = RunDir::open(&world).ok();
    let verdict = survey::look(&view, run_dir.as_ref().map(|dir| dir as _)).verdict.doubting();
    let tunnel = verdict.hot_tunnel();
    if verdict.gravity < Gravity::Unsure && tunnel.is_none() {
        return Ok(Exit::Yes);
    }
    if !args.quiet {
        let (_, reason) = verdict.lead();
        if let (true, Some(tunnel)) = (verdict.gravity < Gravity::Unsure, tunnel) {
            let text = format!("{} right now: {}  {}", tunnel.place(), tunnel.origin(), tunnel.end_command());
            commands::complain(&crate::escape::terminal(&text));
            return Ok(Exit::Refused);
        }
        let what = match verdict.gravity {
            Gravity::Production => "this points at production",
            _ => "it can't be told whether this points at production",
        };
        let way = match crate::present::overrule::of(&verdict) {
            line if line.is_empty() => line,
            line => format!("\n        Not production?  {}", crate::escape::terminal(&line)),
        };
        commands::complain(&format!("{what}: {}{way}", crate::escape::terminal(&reason)));
    }
    Ok(Exit::Refused)
}
