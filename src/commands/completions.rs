//! `redtab completions SHELL`: prints the completions that clap derives from the command line's types. What is hidden
//! from help is hidden here too.

use anyhow::Result;
use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::cli::{Cli, Exit};
use crate::commands;

/// Prints the completions for `shell`.
///
/// # Errors
/// When stdout can't be written.
pub fn run(shell: Shell) -> Result<Exit> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut shown(&Cli::command()), "redtab", &mut text);
    commands::print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Yes)
}

/// `command` without its hidden subcommands and arguments: clap_complete would offer them.
fn shown(command: &Command) -> Command {
    let mut copy = Command::new(kept(command.get_name())).disable_help_subcommand(true);
    copy = copy.args(command.get_arguments().filter(|arg| !arg.is_hide_set()).cloned());
    if let Some(about) = command.get_about() {
        copy = copy.about(about.clone());
    }
    if let Some(version) = command.get_version() {
        copy = copy.version(kept(version));
    }
    copy.subcommands(command.get_subcommands().filter(|sub| !sub.is_hide_set()).map(shown))
}

/// clap takes names that live as long as the process; these few words do.
fn kept(text: &str) -> &'static str {
    text.to_owned().leak()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_commands_are_gone_and_the_rest_stays() {
        let command = Command::new("top")
            .about("About")
            .version("1")
            .arg(clap::Arg::new("flag").long("flag"))
            .arg(clap::Arg::new("secret").long("unseen").hide(true))
            .subcommand(Command::new("seen").subcommand(Command::new("below").hide(true)))
            .subcommand(Command::new("unseen").hide(true));
        let mut copy = shown(&command);
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut copy, "top", &mut text);
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("seen") && text.contains("flag"), "{shell}: {text}");
            assert!(!text.contains("unseen") && !text.contains("below"), "{shell}: {text}");
        }
    }
}
