//! `redtab check`: the guard's decision for a line, never asking.

use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::json;

use crate::cli::{Check, Exit};
use crate::commands;
use crate::examine;
use crate::gate::{self, Now};
use crate::guard::decide::{self, Decision};
use crate::guard::line::{self, Dialect};
use crate::guard::runs::Definitions;
use crate::present::stop::{self, Surroundings};
use crate::shell::Shell;
use crate::state::RunDir;
use crate::world::World;

/// Decides about the line given as arguments or on stdin, and says so.
///
/// # Errors
/// When stdin can't be read or stdout can't be written.
pub fn run(args: &Check) -> Result<Exit> {
    let mut world = World::of_this_process();
    if let Some(dir) = &args.cwd {
        world.cwd = Some(absolute(&world, dir)?);
    }
    let text = if args.line.is_empty() { standard_input()? } else { args.line.join(" ") };
    let run_dir = RunDir::open(&world).ok();
    let dialect = Dialect::typed(grammar(args.shell.unwrap_or(Shell::Bash)));
    let mut examined =
        examine::line(&world, run_dir.as_ref(), text.trim_end_matches('\n'), dialect, Definitions::default());
    gate::recall(&world, &mut examined.findings);
    let around = Now::of(&world, run_dir.as_ref(), &examined);
    let now = around.circumstances();
    let gravest = decide::gravest(&examined.findings, &now);
    let decision = gravest.map_or(Decision::Allow, |finding| finding.decision(&now));
    let lease = gravest.filter(|f| f.needs_lease(&now)).map(|f| gate::lease_command(&examined, f));
    if args.json {
        let answer = json!({
            "version": 1,
            "decision": decision.as_str(),
            "runs": examined.runs,
            "rule": gravest.map(decide::Finding::rule),
            "target": gravest.map(|finding| &finding.target),
            "why": gravest.map(|finding| &finding.reason),
            "way_through": gravest.map(|f| stop::way_through(f, &now, lease.as_deref().unwrap_or_default())),
        });
        commands::print(&(serde_json::to_string_pretty(&answer)? + "\n"))?;
    } else {
        let around = Surroundings {
            restore: "",
            hour: &around.local.day_and_hour,
            open: examined.open,
            late: around.late,
            also: &[],
            again: "",
            lease: lease.as_deref(),
        };
        let said = gravest.map(|finding| match decision {
            Decision::Warn => stop::warning(finding),
            _ => stop::message(finding, decision, around),
        });
        let said = said.unwrap_or_default();
        commands::print(&format!("{}\n{said}", decision.as_str()))?;
    }
    Ok(if decision >= Decision::Confirm { Exit::Refused } else { Exit::Yes })
}

/// The grammar of a shell's lines.
pub fn grammar(shell: Shell) -> line::Shell {
    match shell {
        Shell::Bash => line::Shell::Bash,
        Shell::Zsh => line::Shell::Zsh,
        Shell::Fish => line::Shell::Fish,
    }
}

fn absolute(world: &World, dir: &PathBuf) -> Result<PathBuf> {
    if dir.is_absolute() {
        return Ok(dir.clone());
    }
    Ok(world.cwd.as_ref().context("this directory is unknown, so --cwd must be absolute")?.join(dir))
}

/// A line from stdin: what a shell would read, up to a megabyte and a byte, so that a longer one is seen to be longer
/// than the guard reads.
fn standard_input() -> Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(1024 * 1024 + 1).read_to_end(&mut bytes).context("stdin can't be read")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
