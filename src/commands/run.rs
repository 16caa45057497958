//! `redtab run`: decides about a command, then becomes it. No shell stands between; `REDTAB=off` lifts nothing here.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Result, bail};

use crate::cli::{Exit, Run};
use crate::gate::Gate;
use crate::guard::decide::Cause;
use crate::guard::line::{Dialect, Shell};
use crate::guard::runs::Definitions;
use crate::state::RunDir;
use crate::world::World;
use crate::{escape, examine};

/// Decides, then execs the command.
///
/// # Errors
/// When the command can't be run.
pub fn run(args: &Run) -> Result<Exit> {
    let world = World::of_this_process();
    let run_dir = RunDir::open(&world).ok();
    let words: Vec<String> = args.command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    // Quoted, so that no word is taken for anything but itself: a keyword, an alias, an assignment.
    let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    let line = quoted.join(" ");
    let dialect = Dialect::typed(Shell::Bash);
    let mut examined = examine::line(&world, run_dir.as_ref(), &line, dialect, Definitions::default());
    if args.local_only {
        let subject = words.first().cloned().unwrap_or_default();
        let cause = Cause::LocalOnly { by: "--local-only".into() };
        examined.findings.push(examine::finding(&subject, cause, &examined.gravest));
    }
    let gate = Gate {
        world: &world,
        run_dir: run_dir.as_ref(),
        line: &line,
        here: args.here,
        kept: "",
        pid: world.parent_pid().unwrap_or_default(),
        again: "Up, Enter",
        lines_down: 0,
        deadline: false,
        stop: &|| {},
        said: &|| {},
    };
    if !gate.pass(examined) {
        return Ok(Exit::Refused);
    }
    let [program, arguments @ ..] = args.command.as_slice() else { return Ok(Exit::Usage) };
    let error = Command::new(program).args(arguments).exec();
    let shown = escape::terminal(&program.to_string_lossy());
    bail!("{shown} can't be run: {}", crate::world::plain(&error))
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
