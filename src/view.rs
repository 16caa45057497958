//! A view: the world plus what a command line would change of it, and a record of every input that was looked at.
//!
//! Every source reads through a view. So the same code judges this tab, another tab from its stored facts, and
//! "this command as this line would run it"; and the hook learns what to watch from what was really read.

use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::signal::Kind;
use crate::world::{Content, Seen, World};

/// What differs from the world: variables set (`Some`) and unset (`None`), another directory.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub vars: Vec<(OsString, Option<OsString>)>,
    pub cwd: Option<PathBuf>,
    /// Selections that tools keep in files, as a line would change them; `None`: only running it would tell.
    pub targets: Vec<(Kind, Option<String>)>,
    /// What else would change in a way that only running it would tell.
    pub unknown: Vec<String>,
}

impl Overrides {
    /// Whether a command would see just what the tab sees.
    pub fn is_nothing(&self) -> bool {
        self.vars.is_empty() && self.cwd.is_none() && self.targets.is_empty() && self.unknown.is_empty()
    }
}

/// One watched path: as it was asked for (made absolute), and what was seen of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    pub path: PathBuf,
    pub seen: Seen,
}

/// The world as one command would see it. Sources are `fn(&View) -> Vec<Reading>`.
pub struct View<'w> {
    world: &'w World,
    overrides: Overrides,
    watched: RefCell<Vec<Watched>>,
    cwd_matters: Cell<bool>,
    processes: RefCell<Vec<u32>>,
}

impl<'w> View<'w> {
    /// This tab, as it is.
    pub fn new(world: &'w World) -> View<'w> {
        View::with(world, Overrides::default())
    }

    /// The world with `overrides` laid over it.
    pub fn with(world: &'w World, overrides: Overrides) -> View<'w> {
        View {
            world,
            overrides,
            watched: RefCell::default(),
            cwd_matters: Cell::new(false),
            processes: RefCell::default(),
        }
    }

    pub fn world(&self) -> &'w World {
        self.world
    }

    /// The value of a variable as a command would see it.
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        match self.overrides.vars.iter().rev().find(|(n, _)| n == name) {
            Some((_, value)) => value.as_deref(),
            None => self.world.var(name),
        }
    }

    /// What the line selects instead of what a file says: `Some(None)` where only running it would tell.
    pub fn target(&self, kind: Kind) -> Option<Option<&str>> {
        self.overrides.targets.iter().rev().find(|(k, _)| *k == kind).map(|(_, value)| value.as_deref())
    }

    /// Every selection the line makes, the last one of a kind.
    pub fn targets(&self) -> impl Iterator<Item = (Kind, Option<&str>)> {
        let targets = &self.overrides.targets;
        let last = |i: usize, kind: Kind| !targets[i + 1..].iter().any(|(k, _)| *k == kind);
        targets
            .iter()
            .enumerate()
            .filter(move |(i, (k, _))| last(*i, *k))
            .map(|(_, (k, v))| (*k, v.as_deref()))
    }

    /// The same as text; bytes that are no UTF-8 become U+FFFD, which matches no word.
    pub fn text(&self, name: &str) -> Option<String> {
        self.var(name).map(|value| value.to_string_lossy().into_owned())
    }

    /// The variables a command would see whose names are `wanted`, each name once, by name.
    pub fn vars(&self, wanted: impl Fn(&OsStr) -> bool) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        // Of a name the last override counts, then the environment's first entry.
        let laid_over =
            self.overrides.vars.iter().rev().map(|(name, value)| (name.as_os_str(), value.as_deref()));
        let own = self.world.vars.iter().map(|(name, value)| (name.as_os_str(), Some(value.as_os_str())));
        let mut all: Vec<_> = laid_over.chain(own).filter(|(name, _)| wanted(name)).collect();
        all.sort_by_key(|(name, _)| *name);
        all.dedup_by_key(|(name, _)| *name);
        all.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }

    /// The home directory as `$HOME` says in this view.
    pub fn home(&self) -> Option<PathBuf> {
        let home = PathBuf::from(self.var("HOME")?);
        home.is_absolute().then_some(home)
    }

    /// The directory a command would start in; asking for it makes it an input.
    pub fn cwd(&self) -> Option<&Path> {
        self.cwd_matters.set(true);
        self.overrides.cwd.as_deref().or(self.world.cwd.as_deref())
    }

    /// Reads a file and remembers it as an input. A relative path is taken from the view's directory.
    pub fn read(&self, path: &Path) -> Content {
        let path = if path.is_absolute() {
            path.to_path_buf()
        } else {
            match self.cwd() {
                Some(cwd) => cwd.join(path),
                None => return Content::Unreadable("is relative, and this directory is unknown".into()),
            }
        };
        let (content, seen) = self.world.read(&path);
        self.watch(path, seen);
        content
    }

    /// The same of the first `bytes` of a file, by its absolute path.
    pub fn read_head(&self, path: &Path, bytes: u64) -> Content {
        let (content, seen) = self.world.read_head(path, bytes);
        self.watch(path.to_path_buf(), seen);
        content
    }

    /// Whether anything is at `path`, which makes that an input: the one look that an absent tool costs.
    pub fn exists(&self, path: &Path) -> bool {
        let seen = self.world.look(path);
        // What can't be looked at is there: whoever reads it is told why it can't be.
        let there = !matches!(seen, Seen::Absent | Seen::Dangling);
        self.watch(path.to_path_buf(), seen);
        there
    }

    /// Remembers an input that was looked at some other way.
    pub fn watch(&self, path: PathBuf, seen: Seen) {
        let mut watched = self.watched.borrow_mut();
        // Paths compare component by component, which is dear; their texts will do.
        match watched.iter_mut().find(|w| w.path.as_os_str() == path.as_os_str()) {
            Some(known) if known.seen == Seen::There => known.seen = seen,
            Some(_) => {}
            None => watched.push(Watched { path, seen }),
        }
    }

    /// Remembers a living process on which the answer depends.
    pub fn depends_on(&self, pid: u32) {
        let mut processes = self.processes.borrow_mut();
        if !processes.contains(&pid) {
            processes.push(pid);
        }
    }

    /// The processes whose end would change the answer.
    pub fn processes(&self) -> Vec<u32> {
        self.processes.borrow().clone()
    }

    /// Every file that was looked at so far, in the order of the first look.
    pub fn watched(&self) -> Vec<Watched> {
        self.watched.borrow().clone()
    }

    /// Whether any answer depended on the directory.
    pub fn cwd_matters(&self) -> bool {
        self.cwd_matters.get()
    }
}
