//! `redtab log`: the audit trail for people and as JSON. A line that is no record is passed over.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::cli::{Exit, Log};
use crate::commands;
use crate::escape;
use crate::state::StateDir;
use crate::world::World;

/// Prints the records, oldest first.
///
/// # Errors
/// When there is no state directory, or `--since` is no time.
pub fn run(args: &Log) -> Result<Exit> {
    let world = World::of_this_process();
    let since = match &args.since {
        Some(text) => Some(world.moment(text).with_context(|| {
            format!("`{}` is no time: write 2h, 2026-03-01, or 2026-03-01T14:30", escape::terminal(text))
        })?),
        None => None,
    };
    let state = StateDir::open(&world).map_err(anyhow::Error::msg)?;
    let records: Vec<Value> = state
        .trail()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|record: &Value| {
            let time = || world.moment(record["time"].as_str()?);
            since.is_none_or(|since| time().is_some_and(|time| time >= since))
        })
        .collect();
    if args.json {
        let answer = json!({ "version": 1, "records": records });
        commands::print(&(serde_json::to_string_pretty(&answer)? + "\n"))?;
    } else {
        commands::print(&records.iter().map(line).collect::<String>())?;
    }
    Ok(Exit::Yes)
}

fn line(record: &Value) -> String {
    let field = |name: &str| escape::terminal(record[name].as_str().unwrap_or_default());
    format!(
        "{}  {:<8}  {:<24}  {}  {}\n",
        field("time"),
        field("decision"),
        field("target"),
        field("what"),
        field("reason")
    )
}
