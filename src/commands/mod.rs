//! One file per subcommand: gather, call, print.

pub mod classify;
pub mod config;
pub mod mark;

use std::io::Write;

use anyhow::Result;

use crate::cli::{Command, Exit, Hook, Internal};

pub mod backups;
mod check;
pub mod close;
mod completions;
mod doctor;
pub mod flag;
mod guard;
pub mod hook;
mod init;
mod lease;
mod log;
mod ps;
pub mod record;
mod require;
mod reset;
mod run;
mod segment;
mod status;
mod targets;
mod watch;

/// Runs one command.
pub fn run(command: Command) -> Result<Exit> {
    match command {
        Command::Classify(args) => classify::run(&args),
        Command::Config(command) => config::run(command),
        Command::Completions { shell } => completions::run(shell),
        Command::Status(args) => status::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Mark(args) => mark::run(&args),
        Command::Targets(args) => targets::run(&args),
        Command::Backups(args) => backups::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Require(args) => require::run(&args),
        Command::Flag(args) => flag::run(&args, false),
        Command::Unflag(args) => flag::run(&args, true),
        Command::Init { shell } => init::run(shell),
        Command::Run(args) => run::run(&args),
        Command::Lease(args) => lease::run(args),
        Command::Ps(args) => ps::run(&args),
        Command::Watch(command) => watch::run(command),
        Command::Log(args) => log::run(&args),
        Command::Segment(args) => segment::run(&args),
        Command::Reset => reset::run(),
        Command::Close(args) => close::run(&args),
        Command::Snooze(args) => close::snooze(&args),
        Command::Internal(Internal::Hook(Hook::Prompt(args))) => hook::prompt(&args),
        Command::Internal(Internal::Hook(Hook::Exit)) => hook::exit(),
        Command::Internal(Internal::Guard(args)) => guard::run(&args),
        Command::Internal(Internal::OnTerminal { command }) => Ok(crate::doctor::become_program(&command)),
        Command::Internal(Internal::KeepModes) => Ok(crate::ask::keep_modes()),
    }
}

/// Says what went wrong, on stderr, under redtab's name.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "redtab: {text}");
}

/// Prints text that stands for itself, such as configuration errors, on stderr.
pub fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Prints a result on stdout. A reader that went away (`redtab … | head`) is no failure.
///
/// # Errors
/// Any other failure to write, such as a full disk.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
