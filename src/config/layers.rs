//! The layers of configuration, put over one another: defaults, the system's file, the user's file, variables. What it
//! refuses: half of a broken file (its last good copy holds instead) and a value for a locked key.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::address;
use crate::backups::Backup;
use crate::config::diagnosis::{self, Fault, Problem, Where, did_you_mean, line_number, shown};
use crate::config::keys::{self, Form, Key, REST, Section, Slot};
use crate::config::walk::{self, Entry, Tree};
use crate::config::{Config, FILE_CAP, Segment};
use crate::environment::{Environment, Severity, Target, WordList};
use crate::guard::own::{self, OwnRule};
use crate::signal::Kind;
use crate::view::View;
use crate::world::{Content, World};

/// The system's file.
pub const SYSTEM_FILE: &str = "/etc/redtab/config.toml";

/// A copy of a file as it was when it was last without errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub bytes: Vec<u8>,
    /// When the copy was made.
    pub at: SystemTime,
}

/// Where the last good copy of each configuration file is kept.
pub trait LastGood {
    /// The copy of the file at `path`, if there is one.
    fn get(&self, path: &Path) -> Option<Kept>;
    /// Called with every good file that was read. Writes only when `bytes` differ from the copy; a failure to write
    /// is no failure of the configuration.
    fn keep(&self, path: &Path, bytes: &[u8]);
}

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    System,
    User,
}

impl Layer {
    /// The layer's word in `redtab config path`.
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::System => "system",
            Layer::User => "user",
        }
    }
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Absent,
    /// Read, and in force (but for locked keys).
    Used,
    /// Not usable; the copy made at this time is in force.
    Kept(SystemTime),
    /// Not usable, and there is no good copy: nothing of it is in force.
    Dropped,
}

/// One file that was looked at.
#[derive(Clone, Debug)]
pub struct File {
    pub layer: Layer,
    pub path: PathBuf,
    pub state: State,
    /// The text in force; origins point into it.
    text: String,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    BuiltIn,
    /// A file and the line, from 1; `kept` when it is the line of the last good copy.
    File {
        path: PathBuf,
        line: usize,
        kept: bool,
    },
    Variable(&'static str),
}

/// The configuration in force, and everything that is wrong with its files.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    pub problems: Vec<Problem>,
    /// The files of the layers, lowest first, present or not.
    pub files: Vec<File>,
    merged: Merged,
}

impl Loaded {
    /// Where the system's file locks the whole section `section` against later layers: `/etc/redtab/config.toml:3:9`.
    pub fn lock_on(&self, section: &str) -> Option<&str> {
        self.merged.lock_of(&[section]).map(|lock| lock.place.as_str())
    }

    /// Where the value of a key comes from; `item` counts in `names.environments` or `names.targets`, and is 0
    /// elsewhere.
    pub fn origin(&self, section: &str, item: usize, key: &str) -> Origin {
        let found = self
            .merged
            .origins
            .iter()
            .rev()
            .find(|origin| origin.key == key && origin.item == item && origin.section == section);
        match found.map(|origin| &origin.source) {
            None => Origin::BuiltIn,
            Some(Source::Variable(name)) => Origin::Variable(name),
            Some(Source::File { file, at }) => match self.files.get(*file) {
                None => Origin::BuiltIn,
                Some(file) => Origin::File {
                    path: file.path.clone(),
                    line: line_number(&file.text, *at),
                    kept: matches!(file.state, State::Kept(_)),
                },
            },
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Source {
    File { file: usize, at: usize },
    Variable(&'static str),
}

#[derive(Clone, Copy, Debug)]
struct Set {
    section: &'static str,
    item: usize,
    key: &'static str,
    source: Source,
}

#[derive(Clone, Debug)]
struct Lock {
    path: String,
    /// `/etc/redtab/config.toml:3:9`
    place: String,
}

/// The layers so far.
#[derive(Clone, Debug, Default)]
struct Merged {
    origins: Vec<Set>,
    locks: Vec<Lock>,
}

/// Reads every layer through `view` (so absent files are inputs too) and merges them. `good` keeps the last good copy
/// of each file; without one, a broken file counts for nothing.
pub fn load(view: &View, good: Option<&dyn LastGood>) -> Loaded {
    let mut loaded = Loaded {
        config: Config::default(),
        problems: Vec::new(),
        files: Vec::with_capacity(2),
        merged: Merged::default(),
    };
    for candidate in candidates(view) {
        match candidate {
            Ok(candidate) => loaded.add(view, candidate, good),
            Err(problem) => loaded.problems.push(*problem),
        }
    }
    loaded.variables(view);
    loaded
}

/// Checks `bytes` as if they were the file of `layer` at `path`, over the layers below it.
pub fn check(view: &View, layer: Layer, path: &Path, bytes: &[u8]) -> Vec<Problem> {
    let mut below = Loaded {
        config: Config::default(),
        problems: Vec::new(),
        files: Vec::new(),
        merged: Merged::default(),
    };
    if layer == Layer::User
        && let Some(Ok(system)) = candidates(view).into_iter().next()
    {
        below.add(view, system, None);
    }
    match below.overlay(layer, path, bytes) {
        Ok(draft) => diagnosis::problems(path, &draft.text, draft.refused),
        Err((text, faults)) => diagnosis::problems(path, &text, faults),
    }
}

/// A file that may hold a layer.
pub struct Candidate {
    pub layer: Layer,
    pub path: PathBuf,
    /// The variable that names it; then it has to exist.
    pub named_by: Option<&'static str>,
}

/// The files of the layers, lowest first.
pub fn candidates(view: &View) -> Vec<Result<Candidate, Box<Problem>>> {
    let named = |layer: Layer, variable: &'static str| {
        let value = view.var(variable).filter(|value| !value.is_empty())?;
        let path = PathBuf::from(value);
        if path.is_absolute() {
            return Some(Ok(Candidate { layer, path, named_by: Some(variable) }));
        }
        let message = format!("`{}` is no absolute path", shown(&value.to_string_lossy()));
        Some(Err(Box::new(Problem::plain(Where::Variable(variable), message))))
    };
    let default = |layer: Layer, path: PathBuf| Ok(Candidate { layer, path, named_by: None });
    let system = named(Layer::System, "REDTAB_SYSTEM_CONFIG")
        .unwrap_or_else(|| default(Layer::System, SYSTEM_FILE.into()));
    let user = named(Layer::User, "REDTAB_CONFIG")
        .or_else(|| Some(default(Layer::User, user_directory(view)?.join("redtab/config.toml"))));
    std::iter::once(system).chain(user).collect()
}

fn user_directory(view: &View) -> Option<PathBuf> {
    let absolute = |value: &OsStr| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    match view.var("XDG_CONFIG_HOME").and_then(absolute) {
        Some(directory) => Some(directory),
        None => Some(view.home()?.join(below_home(view.world()))),
    }
}

/// Where configuration lies below the home directory.
#[cfg(target_os = "macos")]
fn below_home(world: &World) -> PathBuf {
    // Asked only when HOME is set: otherwise `directories` would look the user up by name.
    let base = world.home().and_then(|_| directories::BaseDirs::new());
    base.and_then(|base| Some(base.config_dir().strip_prefix(base.home_dir()).ok()?.to_path_buf()))
        .unwrap_or_else(|| "Library/Application Support".into())
}

#[cfg(not(target_os = "macos"))]
fn below_home(_world: &World) -> PathBuf {
    ".config".into()
}

/// A layer laid over those below, not yet in force.
struct Draft {
    config: Config,
    merged: Merged,
    text: String,
    /// Locked keys, which were left as they are.
    refused: Vec<Fault>,
}

impl Loaded {
    fn add(&mut self, view: &View, candidate: Candidate, good: Option<&dyn LastGood>) {
        let Candidate { layer, path, named_by } = candidate;
        match view.read(&path) {
            Content::Absent => {
                if let Some(variable) = named_by {
                    let message = format!("{} does not exist", diagnosis::shown_path(&path, None));
                    self.problems.push(Problem::plain(Where::Variable(variable), message));
                }
                self.files.push(File { layer, path, state: State::Absent, text: String::new() });
            }
            Content::Bytes(bytes) if bytes.len() > FILE_CAP => {
                self.unusable(view, layer, path, "is larger than 1 MiB", good);
            }
            Content::Bytes(bytes) => match self.overlay(layer, &path, &bytes) {
                Ok(draft) => {
                    if let Some(good) = good {
                        // A copy needs no passwords.
                        let copy = std::str::from_utf8(&bytes).map(address::quoted_without_secrets);
                        good.keep(&path, copy.as_ref().map_or(&bytes, |copy| copy.as_bytes()));
                    }
                    self.accept(layer, path, draft, State::Used);
                }
                Err((text, faults)) => {
                    let problems = diagnosis::problems(&path, &text, faults);
                    self.fall_back(view, layer, path, problems, good);
                }
            },
            Content::Unreadable(why) => self.unusable(view, layer, path, &why, good),
        }
    }

    fn unusable(&mut self, view: &View, layer: Layer, path: PathBuf, why: &str, good: Option<&dyn LastGood>) {
        let place = Where::File { path: path.clone(), position: None };
        self.fall_back(view, layer, path, vec![Problem::plain(place, why)], good);
    }

    /// Puts a draft in force.
    fn accept(&mut self, layer: Layer, path: PathBuf, draft: Draft, state: State) {
        if state == State::Used {
            let mut problems = diagnosis::problems(&path, &draft.text, draft.refused);
            if let Some(last) = problems.last_mut() {
                last.meanwhile = Some("The locked value stays in force, and the rest of this file.".into());
            }
            self.problems.append(&mut problems);
        }
        self.config = draft.config;
        self.merged = draft.merged;
        self.files.push(File { layer, path, state, text: draft.text });
    }

    /// Puts the last good copy of a broken file in force, if there is one.
    fn fall_back(
        &mut self,
        view: &View,
        layer: Layer,
        path: PathBuf,
        mut problems: Vec<Problem>,
        good: Option<&dyn LastGood>,
    ) {
        let kept = good.and_then(|good| good.get(&path));
        let draft = kept.and_then(|kept| Some((self.overlay(layer, &path, &kept.bytes).ok()?, kept.at)));
        if let Some(last) = problems.last_mut() {
            last.meanwhile = Some(match &draft {
                Some((_, at)) => format!("The config of {} stays in force.", when(view.world(), *at)),
                None => "Until it is mended, nothing of this file is in force.".into(),
            });
        }
        self.problems.append(&mut problems);
        match draft {
            Some((draft, at)) => self.accept(layer, path, draft, State::Kept(at)),
            None => self.files.push(File { layer, path, state: State::Dropped, text: String::new() }),
        }
    }

    /// Lays a file's bytes over the layers so far.
    ///
    /// # Errors
    /// The text and its faults, when it can't be used.
    fn overlay(&self, layer: Layer, path: &Path, bytes: &[u8]) -> Result<Draft, (String, Vec<Fault>)> {
        let text = match walk::decode(bytes) {
            Ok(text) => text,
            Err((text, fault)) => return Err((text, vec![fault])),
        };
        let Tree { entries, faults, broken } = walk::walk(text, keys::CONFIG);
        let mut overlay = Overlay {
            config: self.config.clone(),
            merged: self.merged.clone(),
            layer,
            file: self.files.len(),
            faults,
            refused: Vec::new(),
        };
        overlay.lay(&entries);
        if !broken {
            overlay.check_words(&entries);
            overlay.check_targets(&entries);
            overlay.check_backups(&entries);
            overlay.check_rules(&entries);
        }
        overlay.take_locks(&entries, path, text);
        match overlay.faults.is_empty() {
            true => Ok(Draft {
                config: overlay.config,
                merged: overlay.merged,
                text: text.to_string(),
                refused: overlay.refused,
            }),
            false => Err((text.to_string(), overlay.faults)),
        }
    }

    /// `REDTAB_*`: presentation only.
    fn variables(&mut self, view: &View) {
        const NAME: &str = "REDTAB_SEGMENT";
        let Some(word) = view.text(NAME).filter(|word| !word.is_empty()) else { return };
        let problem = |message: String, hint: Option<String>| Problem {
            hint,
            ..Problem::plain(Where::Variable(NAME), message)
        };
        let Some(segment) = Segment::from_word(&word) else {
            let message = format!("must be {}, not `{}`", Segment::WORDS.join(", "), shown(&word));
            let hint = did_you_mean(&word, Segment::WORDS.iter().copied());
            self.problems.push(problem(message, hint));
            return;
        };
        if let Some(lock) = self.merged.lock_of(&["prompt", "prompt.segment"]) {
            let message = "`prompt.segment` is locked".to_string();
            self.problems.push(problem(message, Some(format!("at {}", lock.place))));
            return;
        }
        self.config.prompt.segment = segment;
        let source = Source::Variable(NAME);
        self.merged.origins.push(Set { section: "prompt", item: 0, key: "segment", source });
    }
}

impl Merged {
    fn lock_of(&self, paths: &[&str]) -> Option<&Lock> {
        self.locks.iter().find(|lock| paths.contains(&lock.path.as_str()))
    }
}

/// One file being laid over the layers below.
struct Overlay {
    config: Config,
    merged: Merged,
    layer: Layer,
    /// The index this file will have in `Loaded::files`.
    file: usize,
    faults: Vec<Fault>,
    refused: Vec<Fault>,
}

impl Overlay {
    fn lay(&mut self, entries: &[Entry]) {
        let known = self.config.names.environments.len();
        for item in entries.chunk_by(|a, b| std::ptr::eq(a.section, b.section) && a.item == b.item) {
            let Some(first) = item.first() else { continue };
            match first.section.form {
                Form::Top | Form::Table => self.lay_keys(item),
                Form::Named if first.section.name == "backup" => self.lay_backup(item),
                Form::Named if first.section.name == "rule" => self.lay_rule(item),
                Form::Named => self.lay_environment(item),
                Form::Listed => {}
            }
        }
        self.lay_targets(entries);
        for environment in self.config.names.environments.iter_mut().skip(known) {
            complete(environment);
        }
        self.check_doubles(entries);
    }

    fn lay_keys(&mut self, item: &[Entry]) {
        for entry in item {
            let Slot::Config(field) = entry.key.slot else { continue };
            if entry.key.name == "lock" && self.layer != Layer::System {
                let message = format!("`{}` works only in {SYSTEM_FILE}", entry.key.name);
                self.faults.push(Fault::new(entry.at.clone(), message));
            } else if !self.locked(entry, None) {
                field(&mut self.config).set(entry.value.clone());
                self.note(entry, 0);
            }
        }
    }

    fn lay_environment(&mut self, item: &[Entry]) {
        let Some(name) = item.iter().find(|entry| entry.key.name == "name") else { return };
        let environments = &self.config.names.environments;
        let known = environments.iter().position(|environment| environment.name == name.text());
        if known.is_none() && self.locked(name, None) {
            return;
        }
        let index = known.unwrap_or(self.config.names.environments.len());
        if known.is_none() {
            self.config.names.environments.push(Environment {
                name: name.text().to_string().into(),
                matches: WordList::default(),
                except: WordList::default(),
                color: "".into(),
                badge: "".into(),
                severity: Severity::Production,
            });
            self.note(name, index);
        }
        for entry in item.iter().filter(|entry| entry.key.name != "name") {
            let Slot::Environment(field) = entry.key.slot else { continue };
            if self.locked(entry, Some(name.text())) {
                continue;
            }
            if let Some(environment) = self.config.names.environments.get_mut(index) {
                field(environment).set(entry.value.clone());
            }
            self.note(entry, index);
        }
    }

    fn lay_backup(&mut self, item: &[Entry]) {
        let Some(name) = item.iter().find(|entry| entry.key.name == "name") else { return };
        let known = self.config.backups.iter().position(|backup| backup.name == name.text());
        if known.is_none() && self.locked(name, None) {
            return;
        }
        let index = known.unwrap_or(self.config.backups.len());
        if known.is_none() {
            self.config.backups.push(Backup { name: name.text().to_string(), ..Backup::default() });
            self.note(name, index);
        }
        for entry in item.iter().filter(|entry| entry.key.name != "name") {
            let Slot::Backup(field) = entry.key.slot else { continue };
            if self.locked(entry, Some(name.text())) {
                continue;
            }
            if let Some(backup) = self.config.backups.get_mut(index) {
                field(backup).set(entry.value.clone());
            }
            self.note(entry, index);
        }
    }

    fn lay_rule(&mut self, item: &[Entry]) {
        let Some(name) = item.iter().find(|entry| entry.key.name == "name") else { return };
        let known = self.config.rules.iter().position(|rule| rule.name == name.text());
        if known.is_none() && self.locked(name, None) {
            return;
        }
        let index = known.unwrap_or(self.config.rules.len());
        if known.is_none() {
            self.config.rules.push(OwnRule { name: name.text().to_string(), ..OwnRule::default() });
            self.note(name, index);
        }
        for entry in item.iter().filter(|entry| entry.key.name != "name") {
            let Slot::Rule(field) = entry.key.slot else { continue };
            if self.locked(entry, Some(name.text())) {
                continue;
            }
            if let Some(rule) = self.config.rules.get_mut(index) {
                field(rule).set(entry.value.clone());
            }
            self.note(entry, index);
        }
    }

    /// A rule that no line could meet is a mistake.
    fn check_rules(&mut self, entries: &[Entry]) {
        for item in entries.chunk_by(|a, b| std::ptr::eq(a.section, b.section) && a.item == b.item) {
            if item.first().is_none_or(|entry| entry.section.name != "rule") {
                continue;
            }
            let find = |key: &str| item.iter().find(|entry| entry.key.name == key);
            let Some(name) = find("name") else { continue };
            let rule = self.config.rules.iter().find(|rule| rule.name == name.text());
            let Some(why) = rule.filter(|rule| !rule.programs.is_empty()).and_then(own::never) else {
                continue;
            };
            let at = find("unless").or(find("words")).or(find("programs")).unwrap_or(name);
            let message = format!("`{}` can never fire", shown(name.text()));
            self.faults.push(Fault::new(at.span.clone(), message).hint(Some(shown(&why))));
        }
    }

    /// A backup without a command would never be asked.
    fn check_backups(&mut self, entries: &[Entry]) {
        for entry in entries.iter().filter(|entry| entry.section.name == "backup" && entry.key.name == "name")
        {
            let backups = &self.config.backups;
            if backups.iter().any(|backup| backup.name == entry.text() && backup.command.is_empty()) {
                let message = format!("`{}` has no `command`, so it is never asked", shown(entry.text()));
                self.faults.push(Fault::new(entry.span.clone(), message));
            }
        }
    }

    /// This file's targets come before those of the layers below, in the file's order.
    fn lay_targets(&mut self, entries: &[Entry]) {
        let mut block: Vec<(Target, &[Entry])> = Vec::new();
        for item in entries.chunk_by(|a, b| std::ptr::eq(a.section, b.section) && a.item == b.item) {
            let Some(first) = item.first().filter(|first| first.section.form == Form::Listed) else {
                continue;
            };
            if self.locked(first, None) {
                continue;
            }
            let mut target = Target { signal: Kind::Name, is: String::new(), environment: String::new() };
            for entry in item {
                if let Slot::Target(field) = entry.key.slot {
                    field(&mut target).set(entry.value.clone());
                }
            }
            block.push((target, item));
        }
        for set in self.merged.origins.iter_mut().filter(|set| set.section == "target") {
            set.item += block.len();
        }
        for (index, (_, item)) in block.iter().enumerate() {
            for entry in *item {
                self.note(entry, index);
            }
        }
        self.config.names.targets.splice(0..0, block.into_iter().map(|(target, _)| target));
    }

    fn note(&mut self, entry: &Entry, item: usize) {
        let source = Source::File { file: self.file, at: entry.at.start };
        let (section, key) = (entry.section.name, entry.key.name);
        self.merged.origins.push(Set { section, item, key, source });
    }

    /// Whether a lower layer locked this key; then that is said.
    fn locked(&mut self, entry: &Entry, name: Option<&str>) -> bool {
        if self.merged.locks.is_empty() {
            return false;
        }
        let (section, key) = (entry.section.name, entry.key.name);
        let paths = match (entry.section.form, name) {
            (Form::Top, _) => vec![key.to_string()],
            (Form::Table, _) => vec![section.to_string(), format!("{section}.{key}")],
            (_, Some(name)) => {
                vec![section.to_string(), format!("{section}.{name}"), format!("{section}.{name}.{key}")]
            }
            (_, None) => vec![section.to_string()],
        };
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let Some(lock) = self.merged.lock_of(&paths) else { return false };
        let message = format!("`{}` is locked", lock.path);
        let fault = Fault::new(entry.at.clone(), message).hint(Some(format!("at {}", lock.place)));
        self.refused.push(fault);
        true
    }

    /// The same environment, or the same target, twice in one file.
    fn check_doubles(&mut self, entries: &[Entry]) {
        let mut names: HashSet<(&str, &str)> = HashSet::new();
        let mut targets: HashSet<(&str, &str)> = HashSet::new();
        for item in entries.chunk_by(|a, b| std::ptr::eq(a.section, b.section) && a.item == b.item) {
            let find = |key: &str| item.iter().find(|entry| entry.key.name == key);
            match item.first().map(|entry| entry.section.form) {
                Some(Form::Named) => {
                    if let Some(name) = find("name")
                        && !names.insert((name.section.name, name.text()))
                    {
                        let message = format!("`{}` stands in this file twice", name.text());
                        self.faults.push(Fault::new(name.span.clone(), message));
                    }
                }
                Some(Form::Listed) => {
                    if let (Some(signal), Some(is)) = (find("signal"), find("is"))
                        && !targets.insert((signal.text(), is.text()))
                    {
                        let message = format!("`{}` has an answer already", shown(is.text()));
                        self.faults.push(Fault::new(is.span.clone(), message));
                    }
                }
                _ => {}
            }
        }
    }

    /// Targets, and what this machine is, must name an environment that exists here or in a layer below.
    fn check_targets(&mut self, entries: &[Entry]) {
        let names: HashSet<&str> =
            self.config.names.environments.iter().map(|environment| environment.name.as_ref()).collect();
        for entry in entries {
            if entry.key.name != "environment" || !matches!(entry.section.name, "target" | "host") {
                continue;
            }
            let name = entry.text();
            let unnamed = name.is_empty() && entry.section.name == "host";
            if name != "safe" && !unnamed && !names.contains(name) {
                let mut known: Vec<&str> = names.iter().copied().chain(["safe"]).collect();
                known.sort_unstable();
                let message = format!("there is no environment `{}`", shown(name));
                let hint = did_you_mean(name, known.iter().copied())
                    .or_else(|| Some(format!("there are {}", shown(&known.join(", ")))));
                self.faults.push(Fault::new(entry.span.clone(), message).hint(hint));
            }
        }
    }

    /// A match word that its own environment's exceptions always take back is a mistake.
    fn check_words(&mut self, entries: &[Entry]) {
        for item in entries.chunk_by(|a, b| std::ptr::eq(a.section, b.section) && a.item == b.item) {
            if item.first().is_none_or(|entry| entry.section.name != "environment") {
                continue;
            }
            let find = |key: &str| item.iter().find(|entry| entry.key.name == key);
            let name = find("name").map_or("", Entry::text);
            let environments = &self.config.names.environments;
            let Some(environment) = environments.iter().find(|environment| environment.name == name) else {
                continue;
            };
            let mut faults = Vec::new();
            if let Some(matches) = find("match") {
                faults.extend(never(spans(matches), &environment.except));
            }
            if let Some(except) = find("except") {
                let own: HashSet<&str> =
                    find("match").map_or(&[][..], Entry::list).iter().map(String::as_str).collect();
                let others =
                    environment.matches.iter().map(|word| word.as_ref()).filter(|word| !own.contains(word));
                faults.extend(taken_back(others, except));
            }
            self.faults.append(&mut faults);
        }
    }

    fn take_locks(&mut self, entries: &[Entry], path: &Path, text: &str) {
        let Some(entry) =
            entries.iter().find(|entry| entry.key.name == "lock" && entry.section.form == Form::Top)
        else {
            return;
        };
        if self.layer != Layer::System {
            return;
        }
        for (word, span) in spans(entry) {
            if let Err(fault) = self.lockable(word, span.clone()) {
                self.faults.push(fault);
                continue;
            }
            let (line, column) = diagnosis::position(text, span.start);
            let place = format!("{}:{line}:{column}", diagnosis::shown_path(path, None));
            self.merged.locks.push(Lock { path: word.to_string(), place });
        }
    }

    fn lockable(&self, word: &str, span: Range<usize>) -> Result<(), Fault> {
        let known = self.lockable_paths();
        if known.iter().any(|path| path == word) {
            return Ok(());
        }
        let hint = did_you_mean(word, known.iter().map(String::as_str));
        Err(Fault::new(span, format!("there is no key `{}` to lock", shown(word))).hint(hint))
    }

    fn lockable_paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        for section in keys::CONFIG.iter().filter(|section| section.form != Form::Top) {
            paths.push(section.name.to_string());
            let below = |of: &Section, prefix: &str, paths: &mut Vec<String>| {
                let named = |key: &&Key| !(key.required && key.name == "name");
                paths.extend(of.keys.iter().filter(named).map(|key| format!("{prefix}.{}", key.name)));
            };
            match section.form {
                Form::Table => below(section, section.name, &mut paths),
                Form::Named => {
                    let names: Vec<&str> = match section.name {
                        "rule" => self.config.rules.iter().map(|rule| rule.name.as_str()).collect(),
                        "backup" => self.config.backups.iter().map(|backup| backup.name.as_str()).collect(),
                        _ => self.config.names.environments.iter().map(|it| it.name.as_ref()).collect(),
                    };
                    for name in names {
                        let prefix = format!("{}.{name}", section.name);
                        below(section, &prefix, &mut paths);
                        paths.push(prefix);
                    }
                }
                Form::Top | Form::Listed => {}
            }
        }
        let top = keys::CONFIG.iter().filter(|section| section.form == Form::Top);
        let top = top.flat_map(|section| section.keys).filter(|key| key.name != "lock");
        paths.extend(top.map(|key| key.name.to_string()));
        paths
    }
}

/// Fills what a new environment left open.
fn complete(environment: &mut Environment) {
    if environment.color.is_empty() {
        let caution = environment.severity == Severity::Caution;
        environment.color = if caution { "yellow" } else { "red" }.into();
    }
    if environment.badge.is_empty() {
        environment.badge = environment.name.to_uppercase().into();
    }
}

/// The elements of a list entry with their places, without `"..."`.
fn spans(entry: &Entry) -> impl Iterator<Item = (&str, &Range<usize>)> {
    entry.list().iter().map(String::as_str).zip(&entry.elements).filter(|(word, _)| *word != REST)
}

/// Faults for the match words that one of the exceptions covers whole.
fn never<'a>(
    matches: impl Iterator<Item = (&'a str, &'a Range<usize>)>,
    except: &[Cow<'static, str>],
) -> Vec<Fault> {
    let exceptions = Exceptions::of(except.iter().map(|word| word.as_ref()));
    matches
        .filter_map(|(word, span)| {
            let exception = exceptions.covering(word)?;
            let message =
                format!("`{}` never matches: `{}` in `except` takes it back", shown(word), shown(exception));
            Some(Fault::new(span.clone(), message))
        })
        .collect()
}

/// Faults for the exceptions of this file that make a match word of a lower layer pointless.
fn taken_back<'a>(matches: impl Iterator<Item = &'a str>, except: &Entry) -> Vec<Fault> {
    let exceptions = Exceptions::of(spans(except).map(|(word, _)| word));
    let mut faults = Vec::new();
    for word in matches {
        let Some(exception) = exceptions.covering(word) else { continue };
        let Some((_, span)) = spans(except).find(|(word, _)| *word == exception) else { continue };
        let message =
            format!("`{}` takes back the match word `{}` everywhere", shown(exception), shown(word));
        faults.push(Fault::new(span.clone(), message));
    }
    faults
}

/// A list with more patterns than this is not searched for mistakes to its end: this runs at prompts.
const GLOB_CAP: usize = 50;

/// Exceptions by their words: the plain ones by look-up, those with `*` one by one.
struct Exceptions<'a> {
    plain: HashMap<String, &'a str>,
    globs: Vec<(String, &'a str)>,
}

impl<'a> Exceptions<'a> {
    fn of(words: impl Iterator<Item = &'a str>) -> Exceptions<'a> {
        let (globs, plain): (Vec<_>, Vec<_>) =
            words.map(|word| (normal(word), word)).partition(|(normal, _)| normal.contains('*'));
        let globs = globs.into_iter().take(GLOB_CAP).collect();
        Exceptions { plain: plain.into_iter().collect(), globs }
    }

    /// The exception that covers `word` wherever it stands.
    fn covering(&self, word: &str) -> Option<&'a str> {
        let word = normal(word);
        let same_length = |glob: &str| glob.split(' ').count() == word.split(' ').count();
        let covers = |glob: &str| {
            same_length(glob) && glob.split(' ').zip(word.split(' ')).all(|(glob, word)| matches(glob, word))
        };
        self.plain
            .get(&word)
            .copied()
            .or_else(|| self.globs.iter().find(|(glob, _)| covers(glob)).map(|(_, exception)| *exception))
    }
}

/// A phrase as its words, lower case, one space between them; `*` stays.
fn normal(phrase: &str) -> String {
    let mut out = String::with_capacity(phrase.len());
    for word in
        phrase.split(|char: char| !char.is_alphanumeric() && char != '*').filter(|word| !word.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
    out
}

/// Whether `glob` covers all that `word` can stand for; a `*` in `word` is covered by a `*` in `glob` only.
fn matches(glob: &str, word: &str) -> bool {
    let (glob, word) = (glob.as_bytes(), word.as_bytes());
    let (mut g, mut w) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while w < word.len() {
        if glob.get(g) == Some(&b'*') {
            retry = Some((g, w));
            g += 1;
        } else if glob.get(g) == Some(&word[w]) {
            g += 1;
            w += 1;
        } else if let Some((star, from)) = retry {
            retry = Some((star, from + 1));
            g = star + 1;
            w = from + 1;
        } else {
            return false;
        }
    }
    glob[g..].iter().all(|byte| *byte == b'*')
}

/// `18:02`, with the day when it was another one.
fn when(world: &World, time: SystemTime) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (Some(then), Some(now)) = (world.wall_clock(time), world.wall_clock(world.now())) else {
        return "before".into();
    };
    let clock = format!("{:02}:{:02}", then.hour, then.minute);
    let month = MONTHS.get(usize::from(then.month).wrapping_sub(1)).copied().unwrap_or("?");
    if (then.year, then.month, then.day) == (now.year, now.month, now.day) {
        clock
    } else if then.year == now.year {
        format!("{} {month} {clock}", then.day)
    } else {
        format!("{} {month} {} {clock}", then.day, then.year)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::config::Segment;

    /// Copies in memory, and how often one was asked to be kept.
    #[derive(Default)]
    struct Memory(RefCell<BTreeMap<PathBuf, Kept>>);

    impl LastGood for Memory {
        fn get(&self, path: &Path) -> Option<Kept> {
            self.0.borrow().get(path).cloned()
        }

        fn keep(&self, path: &Path, bytes: &[u8]) {
            let kept = Kept { bytes: bytes.to_vec(), at: SystemTime::now() };
            self.0.borrow_mut().insert(path.to_path_buf(), kept);
        }
    }

    struct Place {
        dir: tempfile::TempDir,
        world: World,
    }

    impl Place {
        fn new() -> Place {
            let dir = tempfile::TempDir::new().unwrap();
            let var = |name: &str, file: &str| (name.into(), dir.path().join(file).into());
            let vars = vec![var("REDTAB_CONFIG", "user.toml"), var("REDTAB_SYSTEM_CONFIG", "system.toml")];
            std::fs::write(dir.path().join("system.toml"), "").unwrap();
            let world = World { vars, cwd: None, uid: 0 };
            Place { dir, world }
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.dir.path().join(name), text).unwrap();
        }

        fn load(&self, good: Option<&dyn LastGood>) -> Loaded {
            load(&View::new(&self.world), good)
        }
    }

    #[test]
    fn the_last_good_copy_holds_while_a_file_is_broken() {
        let place = Place::new();
        let good = Memory::default();
        place.write("user.toml", "[prompt]\nsegment = \"short\"\n");
        assert!(place.load(Some(&good)).problems.is_empty());
        for broken in ["[prompt]\nsegmnt = 1\n", "[", "[prompt]\nsegment = \"off\"\nx = 1", "\u{0}"] {
            place.write("user.toml", broken);
            let loaded = place.load(Some(&good));
            assert_eq!(loaded.config.prompt.segment, Segment::Short, "{broken}");
            assert!(matches!(loaded.files[1].state, State::Kept(_)));
            let line = format!("The config of {} stays in force.", when(&place.world, SystemTime::now()));
            assert_eq!(loaded.problems.last().unwrap().meanwhile, Some(line));
            let path = place.dir.path().join("user.toml");
            assert_eq!(loaded.origin("prompt", 0, "segment"), Origin::File { path, line: 2, kept: true });
        }
        // A file that is gone is not broken: what was good no longer counts.
        std::fs::remove_file(place.dir.path().join("user.toml")).unwrap();
        assert_eq!(place.load(Some(&good)).config.prompt.segment, Segment::Long);
        // Without a copy nothing of a broken file counts.
        place.write("user.toml", "[prompt]\nsegment = \"off\"\nx = 1");
        let loaded = place.load(None);
        assert_eq!((loaded.config.prompt.segment, loaded.files[1].state), (Segment::Long, State::Dropped));
    }

    #[test]
    fn a_copy_that_no_longer_fits_its_layers_does_not_count() {
        let place = Place::new();
        let good = Memory::default();
        place.write("system.toml", "[[environment]]\nname = \"demo\"\n");
        place.write("user.toml", "[[target]]\nsignal = \"name\"\nis = \"a\"\nenvironment = \"demo\"\n");
        assert!(place.load(Some(&good)).problems.is_empty());
        place.write("system.toml", "");
        let loaded = place.load(Some(&good));
        assert_eq!((loaded.problems.len(), loaded.config.names.targets.len()), (1, 0));
        assert_eq!(loaded.files[1].state, State::Dropped);
    }

    #[test]
    fn absent_files_are_inputs() {
        let place = Place::new();
        std::fs::remove_file(place.dir.path().join("system.toml")).unwrap();
        let view = View::new(&place.world);
        let loaded = load(&view, None);
        let watched: Vec<PathBuf> = view.watched().into_iter().map(|watched| watched.path).collect();
        assert_eq!(watched, [place.dir.path().join("system.toml"), place.dir.path().join("user.toml")]);
        assert_eq!(loaded.config, Config::default());
    }

    #[test]
    fn an_exception_covers_a_match_only_when_it_always_does() {
        for (exception, word, covered) in [
            ("nonprod", "nonprod", true),
            ("Non-Prod", "non_prod", true),
            ("nonprod", "prod", false),
            ("prod", "*prod", false),
            ("*prod", "prod", true),
            ("*prod", "acme*prod", true),
            ("acme*prod", "*prod", false),
            ("* team", "blue team", true),
            ("*", "blue team", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1b2", false),
        ] {
            let exceptions = Exceptions::of([exception].into_iter());
            assert_eq!(exceptions.covering(word).is_some(), covered, "{exception} over {word}");
        }
    }

    #[test]
    fn the_day_is_said_when_it_was_another() {
        let place = Place::new();
        let now = place.world.now();
        assert_eq!(when(&place.world, now).len(), "18:02".len());
        let before = when(&place.world, now - Duration::from_secs(3 * 24 * 3600));
        assert!(before.len() > "18:02".len() && before.contains(':'), "{before}");
    }
}
