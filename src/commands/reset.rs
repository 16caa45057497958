//! `redtab reset`: puts the terminal back: tab colour, background, title and tmux's marks, and says so to the next prompt. It writes
//! nothing that this terminal's profile does not list.

use anyhow::Result;

use crate::cli::Exit;
use crate::commands::record;
use crate::present::{painting, terminal};
use crate::state::{Note, RunDir};
use crate::survey;
use crate::view::View;
use crate::world::World;

/// Writes every "off" of this terminal's profile to the terminal.
///
/// # Errors
/// None: where there is no terminal there is nothing to put back.
pub fn run() -> Result<Exit> {
    let world = World::of_this_process();
    let view = View::new(&world);
    let run_dir = RunDir::open(&world).ok();
    let config = survey::look(&view, run_dir.as_ref().map(|dir| dir as _)).loaded.config;
    let key = world.tab().map(|tab| tab.key());
    let detected = terminal::detect(&view, &config.terminal, None, || world.parents());
    painting::reset(&view, detected.profile, run_dir.as_ref(), key.as_deref());
    if let (Some(run_dir), Some(key)) = (&run_dir, &key) {
        run_dir.drop_note(Note::Sessions, key);
    }
    record::forget(&world);
    Ok(Exit::Yes)
}
