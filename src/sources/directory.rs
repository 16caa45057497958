//! The directory source: every `.redtab.toml` from here up to the root. What it refuses: a file that somebody else could
//! have written, and anything that would loosen.

use std::path::{Path, PathBuf};

use crate::config::FILE_CAP;
use crate::config::diagnosis::{self, Problem, Where};
use crate::config::keys::{DIRECTORY, Declared, Slot};
use crate::config::walk::{self, Entry, Tree};
use crate::environment::{Names, Severity, Target};
use crate::signal::{Domain, Kind, Part, Place, Reading, Scope, Signal, Trouble};
use crate::view::View;
use crate::world::{Content, Ownership};

/// The file's name.
pub const FILE: &str = ".redtab.toml";

const SOURCE: &str = "directory";

/// Directories above this many are not looked at.
const LEVELS: usize = 64;

/// All levels together may cost no more than one configuration file.
const DIRECTORY_CAP: usize = FILE_CAP / LEVELS;

/// The only environment a directory can declare.
const PRODUCTION: &str = "production";

/// An extra match word for production, and the file that asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraMatch {
    pub word: String,
    pub path: PathBuf,
}

/// A file that was not trusted, for `status` and `doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    pub path: PathBuf,
    /// As the end of a sentence: `belongs to uid 1001`.
    pub why: String,
}

/// What the directories from here up to the root say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directories {
    pub readings: Vec<Reading>,
    pub matches: Vec<ExtraMatch>,
    pub ignored: Vec<Ignored>,
    /// Mistakes in files that were read; the segment shows them as it shows those of the configuration.
    pub problems: Vec<Problem>,
}

/// The readings alone.
pub fn read(view: &View) -> Vec<Reading> {
    look(view).readings
}

/// Reads every `.redtab.toml` from the view's directory up to the root, nearest first.
pub fn look(view: &View) -> Directories {
    let mut found = Directories::default();
    // In a directory that was deleted, the path the shell remembers still tells what lies above.
    let here = view.cwd().map(Path::to_path_buf).or_else(|| view.var("PWD").map(PathBuf::from));
    for directory in here.iter().flat_map(|here| here.ancestors()).take(LEVELS) {
        if directory.is_absolute() {
            found.level(view, directory);
        }
    }
    if found.readings.is_empty() {
        found.readings.push(Reading::Absent { source: SOURCE, what: FILE.into() });
    }
    found
}

/// Every mistake in the bytes of one `.redtab.toml`.
pub fn check(path: &Path, bytes: &[u8]) -> Vec<Problem> {
    let mut found = Directories::default();
    found.file(path.parent().unwrap_or(path), path.to_path_buf(), bytes);
    found.problems
}

impl Directories {
    /// Makes `names` as strict as the directories ask: extra match words for production, and the answer to what a
    /// directory declares. An answer that the configuration gives for [`Kind::Directory`] is looked at first.
    pub fn tighten(&self, names: &mut Names) {
        let environments = &mut names.environments;
        let named = environments.iter().position(|environment| environment.name == PRODUCTION);
        let gravest =
            || environments.iter().position(|environment| environment.severity == Severity::Production);
        let Some(production) = named.or_else(gravest).and_then(|index| environments.get_mut(index)) else {
            return;
        };
        production.matches.extend(self.matches.iter().map(|extra| extra.word.clone()));
        if self.readings.iter().any(|reading| matches!(reading, Reading::Found(_))) {
            let environment = production.name.clone();
            names.targets.push(Target { signal: Kind::Directory, is: PRODUCTION.into(), environment });
        }
    }

    fn level(&mut self, view: &View, directory: &Path) {
        let path = directory.join(FILE);
        let content = view.read(&path);
        if content == Content::Absent {
            return;
        }
        // Somebody else's file may neither colour this tab nor make it unsure, so trust comes before content.
        let owner = view.world().ownership(&path);
        if let Some(why) = owner.and_then(|owner| distrust(owner, view.world().uid)) {
            self.ignored.push(Ignored { path, why });
            return;
        }
        match content {
            Content::Bytes(_) if owner.is_none() => {
                self.unreadable(path, None, "went away while it was read".into());
            }
            Content::Absent => {}
            Content::Unreadable(why) => self.unreadable(path, None, why),
            Content::Bytes(bytes) if bytes.len() > DIRECTORY_CAP => {
                self.unreadable(path, None, format!("is larger than {} KiB", DIRECTORY_CAP / 1024));
            }
            Content::Bytes(bytes) => self.file(directory, path, &bytes),
        }
    }

    fn file(&mut self, directory: &Path, path: PathBuf, bytes: &[u8]) {
        let (text, tree) = match walk::decode(bytes) {
            Ok(text) => (text.to_string(), walk::walk(text, DIRECTORY)),
            Err((text, fault)) => (text, Tree { entries: Vec::new(), faults: vec![fault], broken: true }),
        };
        self.declared(directory, &path, &text, &tree);
        let unclear = tree.broken || tree.faults.iter().any(|fault| !fault.unknown_key);
        let problems = diagnosis::problems(&path, &text, tree.faults);
        if let (true, Some(first)) = (unclear, problems.first()) {
            let line = match first.place {
                Where::File { position: Some((line, _)), .. } => Some(line),
                _ => None,
            };
            self.unreadable(path, line, format!("has an error: {}", first.message));
        }
        self.problems.extend(problems);
    }

    fn declared(&mut self, directory: &Path, path: &Path, text: &str, tree: &Tree) {
        let mut declared = Declared::default();
        for entry in &tree.entries {
            if let Slot::Declared(field) = entry.key.slot {
                field(&mut declared).set(entry.value.clone());
            }
        }
        if declared.environment == PRODUCTION {
            let entry = tree.entries.iter().find(|entry| entry.key.name == "environment");
            let line = entry.map(|entry: &Entry| diagnosis::line_number(text, entry.at.start));
            self.readings.push(Reading::Found(signal(directory, path, line)));
        }
        let words = declared.matches.into_iter().filter(|word| word != crate::config::keys::REST);
        self.matches.extend(words.map(|word| ExtraMatch { word, path: path.to_path_buf() }));
    }

    fn unreadable(&mut self, path: PathBuf, line: Option<usize>, why: String) {
        self.readings.push(Reading::Unreadable(Trouble {
            source: SOURCE,
            domain: Domain::App,
            what: FILE.into(),
            place: Place::File { path, line },
            why,
        }));
    }
}

fn signal(directory: &Path, path: &Path, line: Option<usize>) -> Signal {
    let value = directory.to_string_lossy().into_owned();
    let label =
        directory.file_name().map_or_else(|| value.clone(), |name| name.to_string_lossy().into_owned());
    Signal {
        source: SOURCE,
        domain: Domain::App,
        scope: Scope::Tab,
        what: FILE.into(),
        value,
        label,
        place: Place::File { path: path.to_path_buf(), line },
        parts: vec![Part::new(Kind::Directory, PRODUCTION)],
        port: None,
    }
}

/// Why a file is not trusted; `None` when it is.
fn distrust(owner: Ownership, uid: u32) -> Option<String> {
    if owner.uid != uid && owner.uid != 0 {
        return Some(format!("belongs to uid {}", owner.uid));
    }
    owner.world_writable.then(|| "can be written by everybody, or its directory can".into())
}
