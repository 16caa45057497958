//! Writes docs/man/redtab.1 from the command line's types: `cargo run --example manpage`. One page, whatever the
//! commands are; hidden ones are left out. tests/manpage.rs fails when the committed page is another.

use std::path::Path;

use clap::{Arg, Command, CommandFactory};
use clap_mangen::roff::{Roff, bold, italic, roman};
use redtab::cli::{Cli, Exit};

const VARIABLES: &[(&str, &str)] = &[
    ("REDTAB", "Exported as \"off\", it switches redtab off; every prompt then says so."),
    ("NO_COLOR", "Set and not empty: no colours. The badge keeps its words, in brackets."),
    ("REDTAB_CONFIG", "An absolute path: the file to read in place of the user's config.toml."),
    ("REDTAB_SEGMENT", "How much the prompt shows: \"long\", \"short\" or \"off\"."),
    ("REDTAB_RUN_DIR", "An absolute path: the run directory, in place of the one under FILES."),
];

const FILES: &[(&str, &str)] = &[
    ("/etc/redtab/config.toml", "Configuration for everybody on this machine."),
    (
        "$XDG_CONFIG_HOME/redtab/config.toml",
        "Configuration of this user. Without that variable it lies in ~/.config, on macOS in \
         ~/Library/Application Support.",
    ),
    (
        "/run/user/UID/redtab",
        "The run directory: what the shells' hooks compare against. Where there is no such parent, it is \
         redtab/run in $XDG_STATE_HOME or ~/.local/state. It can be removed at any time.",
    ),
];

/// The page.
pub fn page() -> String {
    let mut command = Cli::command();
    command.build();
    let name = command.get_name().to_owned();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let version = format!("{name} {}", command.get_version().unwrap_or_default());

    let mut page = Roff::new();
    page.control("TH", [name.as_str(), "1", " ", version.as_str()]);
    page.control("SH", ["NAME"]).text([roman(format!("{name} - {}", lower_first(&about)))]);
    page.control("SH", ["SYNOPSIS"]).text([bold(&name), roman(" "), italic("COMMAND"), roman(" ...")]);
    page.control("SH", ["DESCRIPTION"]).text([roman(
        "redtab tells a person at a terminal, before Enter is pressed, that this tab points at production. A hook \
         in bash, zsh or fish looks at the environment and at kubectl's configuration at every prompt, and puts a \
         red badge in front of the prompt where one of them names production.",
    )]);
    page.control("SH", ["COMMANDS"]);
    commands(&mut page, &mut command);
    exits(&mut page);
    table(&mut page, "ENVIRONMENT", VARIABLES);
    table(&mut page, "FILES", FILES);
    page.control("SH", ["SEE ALSO"]).text([bold("kubectl"), roman("(1), the README and docs/ of redtab")]);
    page.to_roff()
}

/// Every visible command that does something, in the order of `--help`, depth first.
fn commands(page: &mut Roff, command: &mut Command) {
    for sub in command.get_subcommands_mut().filter(|sub| !sub.is_hide_set()) {
        if sub.has_subcommands() {
            commands(page, sub);
        } else {
            one(page, sub);
        }
    }
}

fn one(page: &mut Roff, command: &mut Command) {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").split_whitespace().collect::<Vec<_>>().join(" ");
    page.control("SS", [usage.as_str()]);
    if let Some(about) = command.get_long_about().or(command.get_about()) {
        paragraphs(page, &about.to_string());
    }
    let shown = |arg: &&Arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str());
    for arg in command.get_arguments().filter(shown) {
        argument(page, arg);
    }
}

fn argument(page: &mut Roff, arg: &Arg) {
    let short = arg.get_short().filter(|_| arg.get_long().is_some()).map(|short| format!("-{short}, "));
    page.control("TP", []).text([bold(short.unwrap_or_default() + &arg.to_string())]);
    let mut text = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    if arg.get_action().takes_values() {
        let values: Vec<_> = arg.get_possible_values();
        let values: Vec<_> = values.iter().filter(|v| !v.is_hide_set()).map(|v| v.get_name()).collect();
        if !values.is_empty() {
            text += &format!("\n\nOne of: {}.", values.join(", "));
        }
        let defaults: Vec<_> = arg.get_default_values().iter().filter(|d| !d.is_empty()).collect();
        if let [default] = defaults[..] {
            text += &format!("\n\nDefault: {}.", default.to_string_lossy());
        }
    }
    paragraphs(page, text.trim());
}

fn exits(page: &mut Roff) {
    page.control("SH", ["EXIT STATUS"]);
    for (exit, meaning) in [
        (Exit::Yes, "Yes, allowed, done."),
        (Exit::Error, "It failed; standard error says why."),
        (Exit::Usage, "The command line can't be understood."),
        (Exit::Refused, "Refused."),
    ] {
        page.control("TP", []).text([bold((exit as u8).to_string())]).text([roman(meaning)]);
    }
}

fn table(page: &mut Roff, title: &str, rows: &[(&str, &str)]) {
    page.control("SH", [title]);
    for (name, text) in rows {
        page.control("TP", []).text([bold(*name)]).text([roman(*text)]);
    }
}

fn paragraphs(page: &mut Roff, text: &str) {
    for (index, paragraph) in text.split("\n\n").enumerate() {
        if index > 0 {
            page.control("sp", []);
        }
        page.text([roman(paragraph.replace('\n', " "))]);
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[allow(dead_code, reason = "tests/manpage.rs takes this file in as a module")]
fn main() -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/man/redtab.1");
    std::fs::write(path, page())
}
