//! `redtab status`: this tab's verdict with every reason.

use anyhow::Result;

use crate::cli::{Exit, Status};
use crate::present::armed::Armed;
use crate::present::{json, overview, page};
use crate::sources::{login, origin};
use crate::state::RunDir;
use crate::state::tabs::Tabs;
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
    if args.all {
        return all(args, &world, run_dir);
    }
    let survey = survey::look(&view, run_dir.as_ref().ok().map(|dir| dir as _));
    let off = view.var("REDTAB").is_some_and(|v| v == "off");
    let record = match (run_dir.as_ref(), world.tab()) {
        (Ok(dir), Some(tab)) => Tabs::new(dir, &world).of(&tab),
        _ => None,
    };
    // What another shell of this tab said holds for that one.
    let record = record.filter(|record| world.parent_pid() == Some(record.shell_pid));
    let guard = Armed::of(record.as_ref(), off);
    let login = login::of(&world);
    if args.json {
        let tab = world.tab().map(|tab| tab.key());
        let text = serde_json::to_string_pretty(&json::status(&survey, tab, &guard, &login))?;
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
        color: page::colored(&world),
        off,
        guard: &guard,
        login: &login,
        run_dir: run_dir.err(),
    };
    commands::print(&page.text(origin_of))?;
    Ok(Exit::Yes)
}

/// Every tab's verdict as its own hook noted it.
fn all(args: &Status, world: &World, run_dir: Result<RunDir, String>) -> Result<Exit> {
    let run_dir = run_dir.map_err(anyhow::Error::msg)?;
    let known = Tabs::new(&run_dir, world).all_live();
    let text = if args.json {
        serde_json::to_string_pretty(&json::tabs(&known))? + "\n"
    } else {
        overview::text(&known, world.home().as_deref(), page::colored(world))
    };
    commands::print(&text)?;
    Ok(Exit::Yes)
}
