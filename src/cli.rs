//! The command line: clap types only. Each subcommand's work is in `commands/`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;
use crate::shell::Shell;

/// The exit codes, all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Yes, allowed, done.
    Yes = 0,
    /// It failed; stderr says why.
    Error = 1,
    /// The command line can't be understood.
    Usage = 2,
    /// Refused (EX_NOPERM).
    Refused = 77,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Turns the prompt red where production is
#[derive(Debug, Parser)]
#[command(name = "redtab", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Classify(commands::classify::ClassifyArgs),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(commands::config::Command),
    /// Print the completions for a shell
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// This tab's verdict with every reason
    Status(Status),
    Doctor(Doctor),
    Mark(commands::mark::Mark),
    /// Every target known on this machine, and how it is judged; those that nobody settled come first
    Targets(Targets),
    Backups(commands::backups::Backups),
    /// The guard's decision for a line, never asking: exit 0 allow or warn, 77 confirm or block
    Check(Check),
    /// For scripts: exit 0 when nothing points at production, 77 when something does or can't be read
    Require(Require),
    /// Make scripts local-only: write the header line `redtab: local-only`
    Flag(Files),
    /// Remove that line
    Unflag(Files),
    /// Print the hook: eval "$(redtab init zsh)", or redtab init fish | source
    Init {
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Run a command if it may run here
    Run(Run),
    /// Take a short, logged permission: redtab lease 30m "why"
    Lease(Lease),
    /// The audit trail
    Log(Log),
    /// The segment for other prompts and for status lines
    Segment(Segment),
    /// Put the terminal back: tab colour, background, title
    Reset,
    /// The open connections to production: kind, target, tab, age, idle time, why each counts
    Ps(Ps),
    /// The watcher, which knows the open connections of this machine
    #[command(subcommand)]
    Watch(WatchCommand),
    /// End open production connections, by the number that `redtab ps` shows
    Close(Close),
    /// Say nothing about idle connections for a while
    Snooze(Snooze),
    #[command(flatten)]
    Internal(Internal),
}

/// What only the hooks and redtab itself run.
#[derive(Debug, Subcommand)]
pub enum Internal {
    /// What the shell's hook runs
    #[command(subcommand, hide = true)]
    Hook(Hook),
    /// What the shell's hook asks about a line
    #[command(hide = true)]
    Guard(Guard),
    /// Puts the terminal's modes back if a question is killed
    #[command(hide = true)]
    KeepModes,
    /// Starts a program on a terminal of its own: stdin
    #[command(hide = true)]
    OnTerminal {
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
}

/// The same as [`Cli`] with nothing but [`Internal`]: to build the whole tree of commands would take a third of the time
/// of a prompt's question.
#[derive(Debug, Parser)]
#[command(name = "redtab", disable_help_subcommand = true)]
struct InternalCli {
    #[command(subcommand)]
    command: Internal,
}

#[derive(Debug, Args)]
pub struct Run {
    /// Treat the command as flagged local-only
    #[arg(long)]
    pub local_only: bool,
    /// The one way past a flag: this once, when the target's name is typed
    #[arg(long)]
    pub here: bool,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Lease {
    #[command(subcommand)]
    pub command: Option<LeaseCommand>,
    /// How long, up to 12 hours: 30m, 1h 30m
    #[arg(required = true)]
    pub duration: Option<String>,
    /// Why
    #[arg(required = true)]
    pub reason: Vec<String>,
    /// For every tab of yours, not this one alone
    #[arg(long)]
    pub all_tabs: bool,
    /// A target that this tab does not point at, as the refusal named it
    #[arg(long = "for", value_name = "TARGET")]
    pub targets: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum LeaseCommand {
    /// Every lease that lives
    List,
    /// End this tab's lease
    End {
        /// End every lease of yours
        #[arg(long)]
        all_tabs: bool,
    },
}

#[derive(Debug, Args)]
pub struct Ps {
    /// Print JSON (docs/protocol.md lists its fields)
    #[arg(long)]
    pub json: bool,
    /// Only those that are idle
    #[arg(long)]
    pub idle: bool,
}

#[derive(Debug, Args)]
pub struct Close {
    /// The connections' numbers
    #[arg(required_unless_present = "idle", conflicts_with = "idle", value_name = "ID")]
    pub ids: Vec<u32>,
    /// All that are known to be idle; an interactive ssh never is
    #[arg(long)]
    pub idle: bool,
}

#[derive(Debug, Subcommand)]
pub enum WatchCommand {
    /// Watch until a signal ends it
    Run {
        /// Leave the terminal and everything that was inherited first
        #[arg(long, hide = true)]
        detached: bool,
    },
    /// Start a watcher in the background, if none is running
    Start,
    /// Make it a service of yours, which starts when you log in: a systemd user unit, on macOS a launchd agent
    Install,
    /// Take that service away, and end the watcher
    Uninstall,
    /// Whether one is running: exit 0 when it is
    Status,
    /// End the one that is running
    Stop,
}

#[derive(Debug, Args)]
pub struct Snooze {
    /// The connections' numbers; without one, everything
    #[arg(value_name = "ID")]
    pub ids: Vec<u32>,
    /// For how long, up to 12 hours
    #[arg(long = "for", default_value = "1h", value_name = "DURATION")]
    pub time: String,
}

#[derive(Debug, Args)]
pub struct Log {
    /// Only what happened since: a duration (2h), a day (2026-03-01), or a day and time
    #[arg(long, value_name = "T")]
    pub since: Option<String>,
    /// Print JSON (docs/protocol.md lists its fields)
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Segment {
    /// For what it is
    #[arg(value_enum)]
    pub form: SegmentForm,
    /// The terminal whose tab is meant, such as tmux's #{pane_tty}; without it, what this process sees
    pub tty: Option<OsString>,
}

/// Where a segment is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SegmentForm {
    /// tmux's status line: set -g status-right '#(redtab segment tmux #{pane_tty})'
    Tmux,
    /// Text without colours
    Plain,
    /// A custom module of starship
    Starship,
    /// A command segment of oh-my-posh
    OhMyPosh,
}

/// `redtab guard`: the line and what it may use come on stdin, as docs/protocol.md says.
#[derive(Debug, Args)]
pub struct Guard {
    #[arg(long, value_enum)]
    pub shell: Shell,
    /// The shell's process id
    #[arg(long)]
    pub pid: u32,
    /// Whether the last prompt was red or unsure
    #[arg(long, default_value = "no")]
    pub hot: String,
    /// The terminal's profile, as a reply to the hook named it
    #[arg(long)]
    pub terminal: Option<String>,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Whose grammar the line follows
    #[arg(long, value_enum)]
    pub shell: Option<Shell>,
    /// The directory it would run in
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// Print JSON (docs/protocol.md lists its fields)
    #[arg(long)]
    pub json: bool,
    /// The line; without it, standard input
    #[arg(last = true)]
    pub line: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Require {
    #[arg(value_enum)]
    pub what: Required,
    /// Say nothing
    #[arg(long)]
    pub quiet: bool,
}

/// What a script can require.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Required {
    /// Nothing points at production.
    Local,
}

#[derive(Debug, Args)]
pub struct Files {
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Status {
    /// Every tab of yours in which a hook has spoken
    #[arg(long)]
    pub all: bool,
    /// Print JSON (docs/protocol.md lists its fields)
    #[arg(long)]
    pub json: bool,
}

/// What works here, what does not, and the line that mends it
///
/// Starts each installed shell with your rc files on a terminal of its own and tries there, in a throwaway directory
/// that is production, whether the prompt turns red and a local-only script is stopped. Looks at the rc files, the
/// binary, the configuration, the sources and redtab's directories. Exit code 1 when something fails.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Print JSON (docs/protocol.md lists its fields)
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Targets {
    /// Print JSON (docs/protocol.md lists its fields)
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Hook {
    /// Judge this tab and print the reply
    Prompt(HookPrompt),
    /// Take the marks of a shell that ends away
    Exit,
}

#[derive(Debug, Args)]
pub struct HookPrompt {
    #[arg(long, value_enum)]
    pub shell: Shell,
    /// The shell's own version text
    #[arg(long, default_value = "")]
    pub shell_version: String,
    /// The shell's process id
    #[arg(long)]
    pub pid: u32,
    /// `yes`, or why this shell can't hold a line back
    #[arg(long, default_value = "no")]
    pub can_block: String,
    /// The terminal's profile, as an earlier reply named it
    #[arg(long)]
    pub terminal: Option<String>,
    /// Whether the shell has jobs
    #[arg(long, default_value = "no")]
    pub jobs: String,
}

/// Parses the command line, runs the command and returns its exit code. Errors go to stderr.
pub fn run() -> ExitCode {
    let command = match parse() {
        Ok(command) => command,
        Err(error) => {
            // clap prints help to stdout and errors to stderr; a closed pipe is no failure of ours.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Yes.into() };
        }
    };
    match commands::run(command) {
        Ok(exit) => exit.into(),
        Err(error) => {
            commands::complain(&format!("{error:#}"));
            Exit::Error.into()
        }
    }
}

fn parse() -> Result<Command, clap::Error> {
    match std::env::args_os().nth(1) {
        Some(first) if first == "hook" || first == "guard" => {
            InternalCli::try_parse().map(|cli| Command::Internal(cli.command))
        }
        _ => Cli::try_parse().map(|cli| cli.command),
    }
}
