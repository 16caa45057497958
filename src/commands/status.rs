//! `redtab status`: this tab's verdict with every reason.

use std::io::IsTerminal;

use anyhow::Result;

use crate::cli::{Exit, Status};
use crate::present::{json, page};
use crate::sources::origin;
use crate::state::RunDir;
use crate::survey;
use crate::view::View;
use crate::world::World;
use crate::{commands, signal};

/// Prints the verdict as a page or as JSON.
///
/// # Errors
/// When stdout can't be written.
pub fn run(args: &Status) -> Result<Exit> {
    let world = World::of_this_process();
    let view = View::new(&world);
    let run_dir = RunDir::open(&world);
    let survey = survey::look(&view, run_dir.as_ref().ok().map(|dir| dir as _));
    if args.json {
        let text = serde_json::to_string_pretty(&json::status(&survey, world.tab().map(|tab| tab.key())))?;
        commands::print(&(text + "\n"))?;
        return Ok(Exit::Yes);
    }
    let origin_of = |signal: &signal::Signal| match &signal.place {
        signal::Place::Variable(name) => view.var(name).and_then(|value| origin::of(&world, name, value)),
        signal::Place::File { .. } | signal::Place::Line => None,
    };
    let page = page::Page {
        survey: &survey,
        home: world.home(),
        color: std::io::stdout().is_terminal() && view.var("NO_COLOR").is_none_or(|v| v.is_empty()),
        off: view.var("REDTAB").is_some_and(|v| v == "off"),
        run_dir: run_dir.err(),
    };
    commands::print(&page.text(origin_of))?;
    Ok(Exit::Yes)
}
