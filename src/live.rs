//! Keeps open tabs true while they sit at their prompts: when a file that a tab's verdict depends on changes, the tab is
//! judged again by its record, and one that became production is painted, title, colour and pane of tmux, at once. The
//! prompt itself is the shell's; it is true the next time it is drawn.
//!
//! It polls for the truth and takes the file system's events for a hint to look sooner, so that a file system without
//! events costs speed alone. It refuses to write to a terminal that is not this user's, not the one of the record, or in
//! which anything but the shell has the word; what it writes moves no cursor and asks nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::Metadata;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags};

use crate::commands::{hook, record};
use crate::config;
use crate::events::Events;
use crate::present::painting::{self, Painter};
use crate::present::terminal;
use crate::state::RunDir;
use crate::state::tabs::{self, Kept, Known, Record, Roll, Tabs};
use crate::survey;
use crate::tab::Tab;
use crate::verdict::Gravity;
use crate::view::View;
use crate::world::World;

/// More directories are left to the poll.
const DIRECTORIES: usize = 512;
/// Longer paint is not written: less than this a terminal takes in one piece.
const PAINT: usize = 512;

/// What tells one state of a file from another: device, inode, length, time.
type Print = Option<(u64, u64, u64, i64, i64)>;

/// Files that are not what they were at the look before.
#[derive(Debug, Default, PartialEq, Eq)]
struct Moved {
    changed: HashSet<PathBuf>,
    /// Nobody looked at them then.
    unknown: HashSet<PathBuf>,
}

/// Which names the events are about that matter.
#[derive(Debug, Default)]
struct Wanted {
    paths: BTreeSet<PathBuf>,
    /// Every file right in it matters.
    tabs: PathBuf,
}

/// What is remembered between two looks.
#[derive(Debug)]
pub struct Live {
    events: Option<Events>,
    /// Something that matters was heard since the last look.
    told: bool,
    wanted: Wanted,
    watching: BTreeSet<PathBuf>,
    prints: HashMap<PathBuf, Print>,
    roll: Roll,
    /// Tabs that were painted here, each with the record that its own shell had left and the one that was put there.
    painted: HashMap<String, (Record, Record)>,
}

impl Live {
    /// Begins; nothing is looked at yet. Where the system has no events for it, it looks when it is told to.
    pub fn start() -> Live {
        Live {
            events: Events::start(),
            told: false,
            wanted: Wanted::default(),
            watching: BTreeSet::new(),
            prints: HashMap::new(),
            roll: Roll::default(),
            painted: HashMap::new(),
        }
    }

    /// Readable when something changed.
    pub fn wake(&self) -> Option<&OwnedFd> {
        self.events.as_ref().map(Events::wake)
    }

    /// Takes in the events; whether a look is due.
    pub fn hear(&mut self) -> bool {
        let Some(events) = &mut self.events else { return false };
        let wanted = &self.wanted;
        let matters =
            |path: &Path| wanted.paths.contains(path) || path.parent() == Some(wanted.tabs.as_path());
        let (any, gone) = events.drain(matters);
        for directory in gone {
            self.watching.remove(&directory);
        }
        self.told |= any;
        self.told
    }

    /// How many tabs live.
    pub fn tabs(&self) -> usize {
        self.roll.tabs.len()
    }

    /// Looks at every tab's files, and does what is to be done about those that changed. `seen`: what is known anyway of a
    /// session's leader.
    pub fn look(&mut self, world: &World, run_dir: &RunDir, seen: impl Fn(u32) -> Option<Tab>) {
        self.hear();
        let told = std::mem::take(&mut self.told);
        let mut roll = std::mem::take(&mut self.roll);
        let change = Tabs::new(run_dir, world).again(&mut roll, seen);
        let moved = match change.changed {
            true => self.prints_of(&roll),
            false => self.prints_again(),
        };
        if change.changed {
            self.painted.retain(|key, _| roll.tabs.contains_key(key));
        }
        let something = moved != Moved::default() || !change.new.is_empty();
        let tabs = roll.tabs.iter().filter(|_| something);
        let due: Vec<&String> = tabs
            .filter(|(key, kept)| self.is_due(kept, change.new.contains(*key), &moved))
            .map(|(key, _)| key)
            .collect();
        let mut judged: HashMap<(&BTreeMap<String, String>, &str), bool> = HashMap::new();
        for key in due {
            let Some(Kept { known, .. }) = roll.tabs.get(key) else { continue };
            // Tabs that see the same are judged once.
            let sight = (&known.record.selectors, known.record.cwd.as_str());
            let clear = judged.get(&sight).is_some_and(|production| !production);
            if !clear || self.painted.contains_key(key) {
                judged.insert(sight, self.judge(world, run_dir, key, known));
            }
        }
        if told || change.changed || moved != Moved::default() || self.watching.is_empty() {
            self.watch(run_dir);
        }
        self.roll = roll;
    }

    /// Looks at the files of these tabs.
    fn prints_of(&mut self, roll: &Roll) -> Moved {
        let before = std::mem::take(&mut self.prints);
        let mut moved = Moved::default();
        for path in roll.tabs.values().flat_map(|kept| &kept.known.record.watched) {
            let path = Path::new(path);
            if self.prints.contains_key(path) {
                continue;
            }
            let now = print(path);
            match before.get(path) {
                Some(known) if *known == now => {}
                Some(_) => drop(moved.changed.insert(path.to_path_buf())),
                None => drop(moved.unknown.insert(path.to_path_buf())),
            }
            self.prints.insert(path.to_path_buf(), now);
        }
        moved
    }

    /// Looks at the same files again.
    fn prints_again(&mut self) -> Moved {
        let mut moved = Moved::default();
        for (path, known) in &mut self.prints {
            let now = print(path);
            if *known != now {
                moved.changed.insert(path.clone());
                *known = now;
            }
        }
        moved
    }

    /// Whether a tab's inputs are others than those its record was made from.
    fn is_due(&self, kept: &Kept, new: bool, moved: &Moved) -> bool {
        kept.known.record.watched.iter().any(|path| {
            let path = Path::new(path);
            if !new && !moved.unknown.contains(path) {
                return moved.changed.contains(path);
            }
            // What is new here: what was written since the record was.
            let now = self.prints.get(path).copied().flatten();
            now.is_some_and(|(.., secs, nanos)| (secs, nanos) >= kept.written())
        })
    }

    /// Judges a tab by its record; whether it is production.
    fn judge(&mut self, world: &World, run_dir: &RunDir, key: &str, known: &Known) -> bool {
        let its = its_world(world, &known.record);
        let view = View::new(&its);
        let survey = survey::look(&view, Some(run_dir as &dyn config::LastGood));
        let production = survey.verdict.gravity == Gravity::Production;
        let was_production = known.record.severity == "production";
        if production && !was_production && is_at_prompt(world, known) {
            let Some(terminal) = open_terminal(world, &known.tab) else { return production };
            let after = record::live(world, &view, run_dir, known, &survey);
            let looks = hook::looks(&view, &survey.loaded.config);
            let mark = painting::mark(&survey.verdict, &survey.loaded.config, looks);
            if let (Some(painter), Some(mark)) = (painter(&view, run_dir, known, &survey.loaded.config), mark)
            {
                write(&terminal, &painter.from_outside(&mark));
            }
            self.painted.insert(key.to_owned(), (known.record.clone(), after));
        } else if !production
            && let Some((before, after)) = self.painted.remove(key)
            && after.segment == known.record.segment
            && is_at_prompt(world, known)
            && let Some(terminal) = open_terminal(world, &known.tab)
        {
            // Its shell has seen nothing of it: it is what it was.
            record::put_back(world, run_dir, &known.tab, &known.record, before);
            if let Some(painter) = painter(&view, run_dir, known, &survey.loaded.config) {
                write(&terminal, &painter.back_from_outside());
            }
        }
        production
    }

    /// Watches the directories of the files, and no others.
    fn watch(&mut self, run_dir: &RunDir) {
        let tabs = run_dir.tabs_directory();
        let mut paths = BTreeSet::new();
        let mut directories = BTreeSet::from([tabs.clone()]);
        for (path, print) in &self.prints {
            for path in [Some(path.clone()), std::fs::canonicalize(path).ok()].into_iter().flatten() {
                // A directory that is not there yet appears in the one above it.
                let there = |dir: &&Path| dir.is_dir();
                // What may once lie in /tmp is left to the poll: everybody writes there, all the time.
                let quiet = |dir: &&Path| print.is_some() || !is_everybodys(dir);
                if let Some(dir) = path.ancestors().skip(1).find(there).filter(quiet) {
                    directories.insert(dir.to_path_buf());
                }
                paths.extend(path.ancestors().take_while(|part| !part.is_dir()).map(Path::to_path_buf));
                paths.insert(path);
            }
        }
        self.wanted = Wanted { paths, tabs };
        let Some(events) = &mut self.events else { return };
        let wanted: BTreeSet<PathBuf> = directories.into_iter().take(DIRECTORIES).collect();
        for gone in self.watching.difference(&wanted) {
            events.unwatch(gone);
        }
        let mut watching: BTreeSet<PathBuf> = self.watching.intersection(&wanted).cloned().collect();
        for new in wanted.difference(&self.watching) {
            if events.watch(new) {
                watching.insert(new.clone());
            }
        }
        self.watching = watching;
    }
}

/// Whether everybody may write into a directory.
fn is_everybodys(directory: &Path) -> bool {
    std::fs::metadata(directory).is_ok_and(|meta| meta.mode() & 0o002 != 0)
}

fn print(path: &Path) -> Print {
    let of = |meta: Metadata| (meta.dev(), meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec());
    std::fs::metadata(path).ok().map(of)
}

/// The world as a tab's shell would see it, as far as its record tells.
fn its_world(world: &World, record: &Record) -> World {
    World {
        vars: record.selectors.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        cwd: (!record.cwd.is_empty()).then(|| PathBuf::from(&record.cwd)),
        uid: world.uid,
    }
}

/// Whether the shell that left the record has its terminal for itself.
fn is_at_prompt(world: &World, known: &Known) -> bool {
    world.tab_of(known.tab.session).is_some_and(|tab| tab == known.tab)
        && world.has_terminal(known.record.shell_pid, known.tab.tty)
}

/// A tab's terminal for writing; `None` where it is not this user's, or no longer the one the tab is.
fn open_terminal(world: &World, tab: &Tab) -> Option<OwnedFd> {
    let path = tabs::tty_path(tab)?;
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let terminal = rustix::fs::open(&path, flags, Mode::empty()).ok()?;
    let stat = rustix::fs::fstat(&terminal).ok()?;
    let number = Tab::number(rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    let right = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
        && stat.st_uid == world.uid
        && number == tab.tty
        && world.tab_of(tab.session).is_some_and(|now| now == *tab);
    right.then_some(terminal)
}

/// One write: what the terminal does not take at once is lost.
fn write(terminal: &OwnedFd, bytes: &[u8]) {
    if !bytes.is_empty() && bytes.len() < PAINT {
        let _ = rustix::io::write(terminal, bytes);
    }
}

fn painter<'p>(
    view: &'p View<'p>,
    run_dir: &'p RunDir,
    known: &Known,
    config: &config::Config,
) -> Option<Painter<'p>> {
    let profile = terminal::PROFILES.iter().find(|profile| profile.id == known.record.terminal)?;
    let looks = hook::looks(view, config);
    Some(Painter {
        view,
        run_dir: Some(run_dir),
        brush: painting::brush(view, config, profile, looks),
        key: Some(known.tab.key()),
        inherits: false,
    })
}
