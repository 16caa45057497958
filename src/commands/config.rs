//! `redtab config`: check the files, show what is in force and where each value comes from, list the files, print the
//! schema. It writes no file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Map, Value as Json, json};

use crate::address;
use crate::cli::Exit;
use crate::commands;
use crate::config::diagnosis::{self, Problem, Where, shown_path};
use crate::config::keys::{CONFIG, Form, Key, Section, Slot, Value};
use crate::config::layers::{self, File, Layer, State};
use crate::config::{FILE_CAP, Loaded, Origin, reference};
use crate::signal::{Place, Reading, Trouble};
use crate::sources::directory;
use crate::state::RunDir;
use crate::view::View;
use crate::world::{Content, Seen, World};

/// The subcommands of `redtab config`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find every mistake in the configuration
    Check {
        /// A file that is not in force (yet), in place of those that are
        file: Option<PathBuf>,
    },
    /// Print what is in force, and where each value comes from
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the configuration files, lowest layer first
    Path,
    /// Print the JSON Schema of config.toml
    Schema,
}

/// Runs `redtab config …`.
///
/// # Errors
/// When the result can't be written, or the file to check can't be read.
pub fn run(command: Command) -> Result<Exit> {
    let world = World::of_this_process();
    let view = View::new(&world);
    let run_dir = RunDir::open(&world).ok();
    let load = || layers::load(&view, run_dir.as_ref().map(|dir| dir as _));
    match command {
        Command::Check { file: Some(file) } => check_file(&view, &file),
        Command::Check { file: None } => check(&view, load()),
        Command::Show { json } => show(&view, &load(), json),
        Command::Path => path(&load()),
        Command::Schema => {
            commands::print(include_str!("../../docs/config.schema.json"))?;
            Ok(Exit::Yes)
        }
    }
}

fn check(view: &View, loaded: Loaded) -> Result<Exit> {
    let directories = directory::look(view);
    let mut problems = loaded.problems;
    problems.extend(directories.problems);
    problems.extend(directories.readings.iter().filter_map(unreadable));
    let read =
        view.watched().into_iter().filter(|watched| !matches!(watched.seen, Seen::Absent | Seen::Dangling));
    let ignored = |path: &Path| directories.ignored.iter().any(|ignored| ignored.path == path);
    let files: Vec<PathBuf> = read.map(|watched| watched.path).filter(|path| !ignored(path)).collect();
    verdict(view, &problems, &files)
}

/// A file that could not be read at all; one with errors in it has its problems already.
fn unreadable(reading: &Reading) -> Option<Problem> {
    match reading {
        Reading::Unreadable(Trouble { place: Place::File { path, line: None }, why, .. }) => {
            Some(Problem::plain(Where::File { path: path.clone(), position: None }, why))
        }
        _ => None,
    }
}

fn check_file(view: &View, file: &Path) -> Result<Exit> {
    let name = shown_path(file, None);
    let bytes = match view.read(file) {
        Content::Bytes(bytes) if bytes.len() > FILE_CAP => bail!("{name}: is larger than 1 MiB"),
        Content::Bytes(bytes) => bytes,
        Content::Absent => bail!("{name}: does not exist"),
        Content::Unreadable(why) => bail!("{name}: {why}"),
    };
    let problems = if file.file_name().is_some_and(|name| name == directory::FILE) {
        directory::check(file, &bytes)
    } else {
        let system =
            |candidate: &layers::Candidate| candidate.layer == Layer::System && candidate.path == file;
        let is_system = layers::candidates(view).iter().flatten().any(system);
        layers::check(view, if is_system { Layer::System } else { Layer::User }, file, &bytes)
    };
    verdict(view, &problems, &[file.to_path_buf()])
}

fn verdict(view: &View, problems: &[Problem], files: &[PathBuf]) -> Result<Exit> {
    let home = view.home();
    if !problems.is_empty() {
        commands::say(&diagnosis::render(problems, home.as_deref()));
        return Ok(Exit::Error);
    }
    let mut out = String::new();
    for file in files {
        let _ = writeln!(out, "ok  {}", shown_path(file, home.as_deref()));
    }
    if files.is_empty() {
        out.push_str("ok  no file; what is built in is in force\n");
    }
    commands::print(&out)?;
    Ok(Exit::Yes)
}

fn path(loaded: &Loaded) -> Result<Exit> {
    let mut out = String::new();
    for File { layer, path, state, .. } in &loaded.files {
        let state = match state {
            State::Absent => "absent",
            State::Used => "present",
            State::Kept(_) | State::Dropped => "broken",
        };
        let _ = writeln!(out, "{:<8}{state:<9}{}", layer.as_str(), shown_path(path, None));
    }
    commands::print(&out)?;
    Ok(Exit::Yes)
}

fn show(view: &View, loaded: &Loaded, json: bool) -> Result<Exit> {
    let home = view.home();
    commands::say(&diagnosis::render(&loaded.problems, home.as_deref()));
    let text = if json { as_json(loaded) } else { as_toml(loaded, home.as_deref()) };
    commands::print(&text)?;
    Ok(Exit::Yes)
}

/// One section of the merged configuration, item by item.
fn items(loaded: &Loaded, section: &Section) -> Vec<Vec<(&'static Key, Value, Origin)>> {
    // A field is reached through `&mut`, so this works on a copy.
    let mut config = loaded.config.clone();
    let count = match section.form {
        Form::Top | Form::Table => 1,
        Form::Named if section.name == "backup" => config.backups.len(),
        Form::Named if section.name == "rule" => config.rules.len(),
        Form::Named => config.names.environments.len(),
        Form::Listed => config.names.targets.len(),
    };
    let mut value = |key: &Key, item: usize| match key.slot {
        Slot::Config(field) => Some(field(&mut config).get()),
        Slot::Environment(field) => config.names.environments.get_mut(item).map(|it| field(it).get()),
        Slot::Target(field) => config.names.targets.get_mut(item).map(|it| shown(field(it).get())),
        Slot::Rule(field) => config.rules.get_mut(item).map(|it| field(it).get()),
        Slot::Backup(field) => config.backups.get_mut(item).map(|it| field(it).get()),
        Slot::Declared(_) => None,
    };
    let mut row = |item: usize| {
        let with_origin =
            |key: &'static Key| Some((key, value(key, item)?, loaded.origin(section.name, item, key.name)));
        section.keys.iter().filter_map(with_origin).collect()
    };
    (0..count).map(&mut row).collect()
}

/// A target's value as it may be shown: an address without its password.
fn shown(value: Value) -> Value {
    match value {
        Value::Text(text) if text.contains("://") => Value::Text(address::without_secrets(&text)),
        value => value,
    }
}

fn as_toml(loaded: &Loaded, home: Option<&Path>) -> String {
    let mut out = String::new();
    for section in CONFIG {
        for item in items(loaded, section) {
            if section.form != Form::Top {
                let _ = writeln!(out, "\n{}", section.header());
            }
            for (key, value, origin) in item {
                // Only the system's file may lock, so an empty list would be a mistake in a copy of this.
                if section.form == Form::Top && value == Value::List(Vec::new()) {
                    continue;
                }
                // What nobody said: empty, it would be a mistake in a copy of this.
                let unsaid = [Value::Text(String::new()), Value::List(Vec::new())];
                if matches!(key.slot, Slot::Backup(_) | Slot::Rule(_)) && unsaid.contains(&value) {
                    continue;
                }
                let comment = match origin {
                    Origin::BuiltIn => "built in".to_string(),
                    Origin::Variable(name) => name.to_string(),
                    Origin::File { path, line, kept } => {
                        let copy = if kept { " (its last good copy)" } else { "" };
                        format!("{}:{line}{copy}", shown_path(&path, home))
                    }
                };
                reference::annotated(&mut out, key.name, &value, Some(&comment));
            }
        }
    }
    out
}

fn as_json(loaded: &Loaded) -> String {
    let mut config = Map::new();
    let mut origins = Map::new();
    for section in CONFIG {
        let (values, places): (Vec<Json>, Vec<Json>) =
            items(loaded, section).into_iter().map(item_json).unzip();
        let single = |mut list: Vec<Json>| list.pop().unwrap_or(Json::Null);
        match section.form {
            Form::Top => {
                merge(&mut config, single(values));
                merge(&mut origins, single(places));
            }
            Form::Table => {
                config.insert(section.name.into(), single(values));
                origins.insert(section.name.into(), single(places));
            }
            Form::Named | Form::Listed => {
                config.insert(section.name.into(), values.into());
                origins.insert(section.name.into(), places.into());
            }
        }
    }
    let problems: Vec<Json> = loaded.problems.iter().map(problem_json).collect();
    let whole = json!({ "version": 1, "config": config, "origins": origins, "problems": problems });
    format!("{whole:#}\n")
}

fn merge(into: &mut Map<String, Json>, object: Json) {
    if let Json::Object(object) = object {
        into.extend(object);
    }
}

fn item_json(item: Vec<(&'static Key, Value, Origin)>) -> (Json, Json) {
    let (mut values, mut origins) = (Map::new(), Map::new());
    for (key, value, origin) in item {
        let value: Json = match value {
            Value::Text(text) => text.into(),
            Value::List(list) => list.into(),
            Value::Flag(flag) => flag.into(),
        };
        let origin = match origin {
            Origin::BuiltIn => json!({ "built_in": true }),
            Origin::Variable(name) => json!({ "variable": name }),
            Origin::File { path, line, kept } => {
                json!({ "file": path.to_string_lossy(), "line": line, "last_good_copy": kept })
            }
        };
        values.insert(key.name.into(), value);
        origins.insert(key.name.into(), origin);
    }
    (values.into(), origins.into())
}

fn problem_json(problem: &Problem) -> Json {
    let (file, variable, position) = match &problem.place {
        Where::File { path, position } => (Some(path.to_string_lossy()), None, *position),
        Where::Variable(name) => (None, Some(*name), None),
    };
    json!({
        "file": file,
        "variable": variable,
        "line": position.map(|(line, _)| line),
        "column": position.map(|(_, column)| column),
        "message": problem.message,
        "hint": problem.hint,
    })
}
