//! `redtab segment`: the segment for other people's prompts and status lines. With a terminal, what that tab's hook
//! said last; without one, a look at what this process sees. It claims nothing about what nobody watches.

use std::path::Path;

use anyhow::Result;

use super::hook;
use crate::cli::{Exit, Segment as Args, SegmentForm};
use crate::commands;
use crate::config::{self, Config, Segment as Form};
use crate::present::color;
use crate::present::prompt::{self, Around};
use crate::present::tmux;
use crate::reply::Segment;
use crate::sources::connections::{self, Watcher};
use crate::state::RunDir;
use crate::state::tabs::Tabs;
use crate::survey;
use crate::view::View;
use crate::world::World;

/// Seconds until a hang becomes a failure.
const DEADLINE: u32 = 2;

/// Prints the segment; nothing where there is nothing to say.
///
/// # Errors
/// When stdout can't be written.
pub fn run(args: &Args) -> Result<Exit> {
    World::arm_deadline(DEADLINE);
    let world = World::of_this_process();
    let run_dir = RunDir::open(&world).ok();
    let view = View::new(&world);
    let segment = match &args.tty {
        Some(tty) => run_dir.as_ref().map(|dir| noted(&world, dir, Path::new(tty))).unwrap_or_default(),
        // A status line belongs to no tab.
        None if args.form == SegmentForm::Tmux => Segment::default(),
        None => seen(&view, run_dir.as_ref()),
    };
    let text = match args.form {
        SegmentForm::Tmux => {
            let loaded = config::load(&view, run_dir.as_ref().map(|dir| dir as _));
            let open = open(&view, &loaded.config);
            let count = if open == 0 { String::new() } else { format!("{open} prod open") };
            // Red on the terminal's own ground, whatever the status line's is.
            let looks = hook::looks(&view, &loaded.config);
            let red = format!("{};49", color::open(looks.palette, looks.depth));
            let red = if looks.color { red } else { String::new() };
            let parts = [(segment.text, segment.style), (count, red)];
            let shown: Vec<String> = parts
                .iter()
                .filter(|(text, _)| !text.is_empty())
                .map(|(text, style)| tmux::styled(&format!(" {text} "), style))
                .collect();
            shown.concat()
        }
        _ => segment.text,
    };
    if !text.is_empty() {
        commands::print(&(text + "\n"))?;
    }
    Ok(Exit::Yes)
}

/// What the hook of the tab at this terminal said last, if it said anything about the tab itself.
fn noted(world: &World, run_dir: &RunDir, tty: &Path) -> Segment {
    let record = Tabs::new(run_dir, world).by_tty(tty).map(|known| known.record);
    match record.filter(|record| record.severity != "none") {
        Some(record) => Segment { text: record.segment, style: record.style },
        None => Segment::default(),
    }
}

fn seen(view: &View, run_dir: Option<&RunDir>) -> Segment {
    let survey = survey::look(view, run_dir.map(|dir| dir as _));
    let config = &survey.loaded.config;
    let around = Around { faulty: !survey.loaded.problems.is_empty(), guarded: true, ..Around::default() };
    let mut looks = hook::looks(view, config);
    if looks.form == Form::Off {
        // What is switched off is the hook's own.
        looks.form = Form::Long;
    }
    prompt::segment(&survey.verdict, &config.names, looks, &around)
}

/// How many production connections are open, as a living watcher says.
fn open(view: &View, config: &Config) -> usize {
    let found = connections::look(view, &config.names, false);
    if found.watcher == Watcher::Running { found.open.len() } else { 0 }
}
