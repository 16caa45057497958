//! The directory source: every `.redtab.toml` from here up to the root. What it refuses: a file that somebody else could
//! have written, and anything that would loosen.

use std::path::{Path, PathBuf};

use crate::config::FILE_CAP;
use crate::config::diagnosis::{self, Problem, Where};
use crate::config::keys::{DIRECTORY, Declared, Slot};
use crate::config::walk::{self, Entry, Tree};
use crate::environment::{Names, Severity, Target};
use crate::guard::own::LocalOnly;
use crate::signal::{Domain, Kind, Part, Place, Reading, Scope, Signal, Trouble};
use crate::view::View;
use crate::world::{Content, Ownership};

/// The file's name.
pub const FILE: &str = ".redtab.toml";

/// This source's word.
pub const SOURCE: &str = "directory";

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
    /// What is local-only below each directory, with its file.
    pub local_only: Vec<(PathBuf, LocalOnly)>,
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
        if !self.matches.is_empty() {
            production.matches.to_mut().extend(self.matches.iter().map(|extra| extra.word.clone().into()));
        }
        if self.readings.iter().any(|reading| matches!(reading, Reading::Found(_))) {
            let environment = production.name.to_string();
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
        if declared.local_only != LocalOnly::default() {
            self.local_only.push((path.to_path_buf(), declared.local_only));
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::world::World;

    struct Tree {
        dir: tempfile::TempDir,
    }

    impl Tree {
        fn new() -> Tree {
            let dir = tempfile::TempDir::new().unwrap();
            std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
            Tree { dir }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Tree {
            std::fs::write(self.path(name), text).unwrap();
            self
        }

        fn mode(&self, name: &str, mode: u32) -> &Tree {
            std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
            self
        }

        /// What is found from `a/b`, seen by `uid`, with this tree's path cut out.
        fn look_as(&self, uid: u32) -> Directories {
            let world = World { vars: Vec::new(), cwd: Some(self.path("a/b")), uid };
            look(&View::new(&world))
        }

        fn look(&self) -> Directories {
            self.look_as(World::of_this_process().uid)
        }
    }

    fn absent() -> Reading {
        Reading::Absent { source: "directory", what: ".redtab.toml".into() }
    }

    fn trouble(path: PathBuf, line: Option<usize>, why: &str) -> Reading {
        Reading::Unreadable(Trouble {
            source: "directory",
            domain: Domain::App,
            what: ".redtab.toml".into(),
            place: Place::File { path, line },
            why: why.into(),
        })
    }

    #[test]
    fn every_level_up_to_the_root_is_an_input() {
        let tree = Tree::new();
        let world = World { vars: Vec::new(), cwd: Some(tree.path("a/b")), uid: 0 };
        let view = View::new(&world);
        assert_eq!(read(&view), [absent()]);
        assert!(view.cwd_matters());
        let watched: Vec<PathBuf> = view.watched().into_iter().map(|watched| watched.path).collect();
        let expected: Vec<PathBuf> = tree.path("a/b").ancestors().map(|level| level.join(FILE)).collect();
        assert_eq!(watched, expected);
        let deep: PathBuf = std::iter::once("/").chain(std::iter::repeat_n("d", 200)).collect();
        let world = World { vars: Vec::new(), cwd: Some(deep), uid: 0 };
        let view = View::new(&world);
        look(&view);
        assert_eq!(view.watched().len(), 64);
    }

    #[test]
    fn a_declared_directory_is_production_and_words_add_up() {
        let tree = Tree::new();
        tree.write("a/.redtab.toml", "match = [\"zeus\"]\nenvironment = \"production\"\n");
        tree.write("a/b/.redtab.toml", "match = [\"...\", \"hera\"]\n");
        let found = tree.look();
        let signal = Signal {
            source: "directory",
            domain: Domain::App,
            scope: Scope::Tab,
            what: ".redtab.toml".into(),
            value: tree.path("a").display().to_string(),
            label: "a".into(),
            place: Place::File { path: tree.path("a/.redtab.toml"), line: Some(2) },
            parts: vec![Part::new(Kind::Directory, "production")],
            port: None,
        };
        assert_eq!(found.readings, [Reading::Found(signal)]);
        let words: Vec<&str> = found.matches.iter().map(|extra| extra.word.as_str()).collect();
        assert_eq!(words, ["hera", "zeus"]);
        assert!(found.problems.is_empty() && found.ignored.is_empty());

        let mut names = Names::default();
        let before = names.clone();
        found.tighten(&mut names);
        let production =
            |names: &Names| names.environments.iter().find(|e| e.name == "production").cloned().unwrap();
        assert!(production(&names).matches.ends_with(&["hera".into(), "zeus".into()]));
        assert!(production(&names).matches.starts_with(&production(&before).matches));
        let target =
            Target { signal: Kind::Directory, is: "production".into(), environment: "production".into() };
        assert_eq!(names.targets.last(), Some(&target));
    }

    #[test]
    fn mistakes_are_shown_and_the_rest_counts() {
        let tree = Tree::new();
        let path = tree.path("a/b/.redtab.toml");
        let cases = [
            ("flags = 1\nenvironment = \"production\"\n", true, None, 1),
            (
                "match = [\"\"]\nenvironment = \"production\"\n",
                true,
                Some((1, "has an error: an empty word in `match` matches nothing")),
                1,
            ),
            (
                "environment = \"staging\"\n",
                false,
                Some((1, "has an error: `environment` must be `production`, not `staging`")),
                1,
            ),
            (
                "environment = \"production\"\n\nx = [",
                true,
                Some((3, "has an error: unclosed array, expected `]`")),
                1,
            ),
        ];
        for (text, found, unreadable, problems) in cases {
            tree.write("a/b/.redtab.toml", text);
            let directories = tree.look();
            let signals =
                directories.readings.iter().filter(|reading| matches!(reading, Reading::Found(_))).count();
            assert_eq!(signals == 1, found, "{text}");
            let troubles: Vec<&Reading> = directories
                .readings
                .iter()
                .filter(|reading| matches!(reading, Reading::Unreadable(_)))
                .collect();
            let expected = unreadable.map(|(line, why)| trouble(path.clone(), Some(line), why));
            assert_eq!(troubles, expected.iter().collect::<Vec<_>>(), "{text}");
            assert_eq!(directories.problems.len(), problems, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_unsure() {
        let tree = Tree::new();
        let path = tree.path("a/b/.redtab.toml");
        std::fs::create_dir(&path).unwrap();
        assert_eq!(tree.look().readings, [trouble(path.clone(), None, "is a directory")]);
        std::fs::remove_dir(&path).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(tree.look().readings, [trouble(path.clone(), None, "is a named pipe")]);
        std::fs::remove_file(&path).unwrap();
        tree.write("a/b/.redtab.toml", " ".repeat(16 * 1024 + 1));
        assert_eq!(tree.look().readings, [trouble(path.clone(), None, "is larger than 16 KiB")]);
        tree.write("a/b/.redtab.toml", b"\xff");
        assert_eq!(tree.look().readings, [trouble(path, Some(1), "has an error: this is no UTF-8")]);
    }

    #[test]
    fn what_somebody_else_could_have_written_is_ignored() {
        let production = "environment = \"production\"\n";
        let everybody = "can be written by everybody, or its directory can";
        let tree = Tree::new();
        let path = tree.path("a/b/.redtab.toml");
        let ignored = |why: &str| vec![Ignored { path: path.clone(), why: why.into() }];
        tree.write("a/b/.redtab.toml", production).mode("a/b", 0o777);
        let found = tree.look();
        assert_eq!((found.readings, found.ignored), (vec![absent()], ignored(everybody)));
        tree.mode("a/b", 0o755).mode("a/b/.redtab.toml", 0o666);
        let found = tree.look();
        assert_eq!((found.readings, found.ignored), (vec![absent()], ignored(everybody)));
        tree.mode("a/b/.redtab.toml", 0o644);
        let found = tree.look();
        assert!(matches!(found.readings[..], [Reading::Found(_)]) && found.ignored.is_empty());
    }

    #[test]
    fn the_owner_must_be_this_user_or_root() {
        let owned = |uid: u32| Ownership { uid, world_writable: false };
        assert_eq!(distrust(owned(1000), 1000), None);
        assert_eq!(distrust(owned(0), 1000), None);
        assert_eq!(distrust(owned(1001), 1000), Some("belongs to uid 1001".into()));
        assert_eq!(distrust(owned(1001), 0), Some("belongs to uid 1001".into()));
        // In a file: root's counts for everybody, a user's only for himself.
        let tree = Tree::new();
        tree.write("a/b/.redtab.toml", "environment = \"production\"\n");
        let own = World::of_this_process().uid;
        let seen_by_another = tree.look_as(own + 1);
        assert_eq!(seen_by_another.ignored.is_empty(), own == 0);
        // A pipe that somebody else put there makes nothing unsure.
        if own == 0 {
            std::os::unix::fs::chown(tree.path("a/b/.redtab.toml"), Some(4242), None).unwrap();
            assert_eq!(tree.look().ignored.len(), 1);
        }
    }
}
