//! `redtab mark`: settles one name for good, in the user's own configuration file. What it refuses: a file with errors, a
//! locked key, an environment there is none of, a name that holds a password.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use crate::cli::Exit;
use crate::commands;
use crate::config::diagnosis::{self, Where, did_you_mean, shown, shown_path};
use crate::config::layers::{self, Layer, Loaded, State};
use crate::config::mark::{self, Edited, Name, Outcome};
use crate::config::{FILE_CAP, Origin, Problem, walk};
use crate::environment::{Matcher, speaks_of};
use crate::present::json;
use crate::replace::{self, Refusal};
use crate::signal::{Kind, Part};
use crate::view::View;
use crate::world::{Content, World};
use crate::{escape, parts};

/// Settle what a name is, for good: production, staging, safe or an environment of yours
///
/// Writes the [[target]] that says so into your config.toml, and changes nothing else there.
#[derive(Debug, Args)]
#[command(override_usage = "redtab mark <ENVIRONMENT | --remove> KIND NAME")]
pub struct Mark {
    /// Take the answer for KIND NAME out again
    #[arg(long)]
    pub remove: bool,
    /// KIND is what `redtab targets` shows: kube_context, aws_profile, hostname, …
    #[arg(value_name = "WORD", num_args = 2..=3, required = true)]
    pub words: Vec<String>,
}

/// How often the file is read anew when somebody else writes it at the same moment.
const TRIES: usize = 5;

/// Runs `redtab mark`.
///
/// # Errors
/// When nothing could be written; the file is as it was.
pub fn run(args: &Mark) -> Result<Exit> {
    let (environment, kind, text) = match (args.remove, args.words.as_slice()) {
        (false, [environment, kind, text]) => (Some(environment.as_str()), kind, text),
        (true, [kind, text]) => (None, kind, text),
        _ => return Ok(misused("it takes ENVIRONMENT KIND NAME, or --remove KIND NAME", None)),
    };
    let Some(kind) = Kind::from_word(kind) else {
        let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let hint = did_you_mean(kind, words.iter().copied());
        let hint = hint.unwrap_or_else(|| format!("there are {}", words.join(", ")));
        return Ok(misused(&format!("there is no kind `{}`", shown(kind)), Some(hint)));
    };
    if text.trim().is_empty() {
        return Ok(misused("the name is empty", None));
    }
    if environment.is_some() && parts::shown(kind, text) != *text {
        let hint = "mark its host: redtab mark production url_host HOST";
        return Ok(misused("the name holds a password, which must not be written", Some(hint.into())));
    }
    let world = World::of_this_process();
    for _ in 0..TRIES {
        if let Some(exit) = (Attempt { world: &world, name: Name { kind, text }, environment }).make()? {
            return Ok(exit);
        }
    }
    bail!("the configuration is being written by somebody else; nothing was changed")
}

fn misused(message: &str, hint: Option<String>) -> Exit {
    commands::complain(&format!("mark: {message}"));
    if let Some(hint) = hint {
        let _ = writeln!(std::io::stderr(), "        {hint}");
    }
    Exit::Usage
}

/// One try at reading, changing and replacing the file.
struct Attempt<'a> {
    world: &'a World,
    name: Name<'a>,
    /// `None`: the answer is taken out.
    environment: Option<&'a str>,
}

impl Attempt<'_> {
    /// `None` when the file changed meanwhile.
    fn make(&self) -> Result<Option<Exit>> {
        let view = View::new(self.world);
        let loaded = layers::load(&view, None);
        let path = user_file(&view)?;
        if let Some(refused) = self.refused(&loaded, &path) {
            return Ok(Some(refused));
        }
        let shown = shown_path(&path, self.world.home().as_deref());
        let bytes = match view.read(&path) {
            Content::Absent => None,
            Content::Bytes(bytes) => Some(bytes),
            Content::Unreadable(why) => bail!("{shown} {why}"),
        };
        let old = bytes.as_deref().unwrap_or_default();
        let Ok(text) = walk::decode(old) else { return Ok(None) };
        let outcome = match self.environment {
            Some(environment) => mark::set(text, self.name, environment),
            None => mark::remove(text, self.name),
        };
        let edited = match outcome {
            Outcome::Edited(edited) => edited,
            Outcome::Same(0) => return self.nothing_to_remove(&loaded, &shown),
            Outcome::Same(line) => {
                commands::print(&format!("{shown}:{line} says so already; {}.\n", self.judged(&loaded)))?;
                return Ok(Some(Exit::Yes));
            }
            Outcome::Stuck => bail!("{shown} can't be changed without touching more of it; edit it by hand"),
        };
        let mark_of_order = old.len() - text.len();
        let new = [old.get(..mark_of_order).unwrap_or_default(), edited.text.as_bytes()].concat();
        self.must_stay_good(&view, &path, old, &new)?;
        match replace::replace(self.world, &path, bytes.as_deref(), &new) {
            Ok(()) => {}
            Err(Refusal::Changed) => return Ok(None),
            Err(Refusal::Failed(why)) => bail!("{shown} {why}. It is as it was."),
        }
        commands::print(&self.report(&edited, &shown))?;
        Ok(Some(Exit::Yes))
    }

    /// What stands in the way before the file is looked at: a lock, errors, an unknown environment. It is said.
    fn refused(&self, loaded: &Loaded, path: &Path) -> Option<Exit> {
        let home = self.world.home();
        if let Some(place) = loaded.lock_on("target") {
            let shown = shown_path(path, home.as_deref());
            commands::complain(&format!("`target` is locked at {place}. {shown} is as it was."));
            return Some(Exit::Error);
        }
        if loaded.files.iter().any(|file| file.state == State::Dropped) {
            let text = diagnosis::render(&loaded.problems, home.as_deref());
            let _ = std::io::stderr().write_all(text.as_bytes());
            commands::complain("mend that first. Nothing was written.");
            return Some(Exit::Error);
        }
        let environment = self.environment?;
        let mut known: Vec<&str> =
            loaded.config.names.environments.iter().map(|environment| environment.name.as_ref()).collect();
        known.push("safe");
        if known.contains(&environment) {
            return None;
        }
        let hint = did_you_mean(environment, known.iter().copied());
        let hint = hint.unwrap_or_else(|| format!("there are {}", known.join(", ")));
        Some(misused(&format!("there is no environment `{}`", shown(environment)), Some(hint)))
    }

    /// The new file may have no error that the old one has not.
    fn must_stay_good(&self, view: &View, path: &Path, old: &[u8], new: &[u8]) -> Result<()> {
        let shown = shown_path(path, self.world.home().as_deref());
        if new.len() > FILE_CAP {
            bail!("{shown} would be larger than 1 MiB. It is as it was.");
        }
        let messages = |bytes: &[u8]| -> Vec<Problem> { layers::check(view, Layer::User, path, bytes) };
        let old: Vec<String> = messages(old).into_iter().map(|problem| problem.message).collect();
        if let Some(fresh) = messages(new).iter().find(|problem| !old.contains(&problem.message)) {
            bail!("{shown} would have an error: {}. It is as it was.", fresh.message);
        }
        Ok(())
    }

    fn nothing_to_remove(&self, loaded: &Loaded, shown: &str) -> Result<Option<Exit>> {
        let targets = loaded.config.names.targets.iter();
        let elsewhere = targets
            .enumerate()
            .find(|(_, target)| speaks_of(target, self.name.kind, self.name.text, false))
            .map(|(index, _)| loaded.origin("target", index, "is"));
        let shown_name = self.shown_name();
        match elsewhere {
            Some(Origin::File { path, line, .. }) => {
                bail!("{shown_name} is settled in {}:{line}, not in {shown}", shown_path(&path, None))
            }
            _ => bail!("{shown} has no [[target]] for {shown_name}; {}", self.judged(loaded)),
        }
    }

    fn shown_name(&self) -> String {
        let Name { kind, text } = self.name;
        format!("{} {}", kind.as_str(), escape::terminal(&parts::shown(kind, text)))
    }

    /// How the name is judged by the configuration in force.
    fn judged(&self, loaded: &Loaded) -> String {
        let names = &loaded.config.names;
        let judgement = Matcher::new(names).judge(&Part::new(self.name.kind, self.name.text));
        let environment = judgement.environment.and_then(|index| names.environments.get(index));
        let answer = match environment {
            Some(environment) => environment.name.as_ref(),
            None if judgement.known => "safe",
            None => return format!("{} is unknown", self.shown_name()),
        };
        format!("{} is {answer} ({})", self.shown_name(), escape::terminal(&json::rule(&judgement, names)))
    }

    fn report(&self, edited: &Edited, shown: &str) -> String {
        let now = layers::load(&View::new(self.world), None);
        let judged = self.judged(&now);
        let line = edited.line;
        let mut out = match (self.environment, &edited.before) {
            (None, _) => format!("Taken out of {shown}, where it stood in line {line}: now {judged}.\n"),
            (_, Some(_)) => format!("Changed in {shown}:{line}: now {judged}.\n"),
            (_, None) => format!("Written to {shown}:{line}: now {judged}.\n"),
        };
        let back = edited.before.as_deref().unwrap_or("--remove");
        let command = mark::command_line(back, self.name.kind, self.name.text);
        if let (Some(_), Some(command)) = (self.environment, command) {
            let _ = writeln!(out, "Undo:  {command}");
        }
        out
    }
}

/// The user's file, present or not.
fn user_file(view: &View) -> Result<PathBuf> {
    for candidate in layers::candidates(view) {
        match candidate {
            Ok(candidate) if candidate.layer == Layer::User => return Ok(candidate.path),
            Err(problem) if problem.place == Where::Variable("REDTAB_CONFIG") => {
                bail!("{}", problem.line(None))
            }
            _ => {}
        }
    }
    bail!("there is no place for config.toml: HOME is not set to an absolute path. Nothing was written.")
}
