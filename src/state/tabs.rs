//! The record of every tab: `tabs/KEY.json` in the run directory, written by `hook prompt` when it changed. Enough to
//! show a tab and to judge it without its shell. What it refuses: a record that is not ours alone, one whose session
//! leader is gone, and a value that could hold a secret.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType};
use serde_json::{Value, json};

use super::files::Stamp;
use super::{RunDir, files};
use crate::tab::Tab;
use crate::view::Watched;
use crate::world::{Mtime, Seen, World};

const DIR: &str = "tabs";

/// A larger record is written without what is watched, and never read.
const CAP: usize = 64 * 1024;

/// More entries than this are not looked at.
const ENTRIES_CAP: usize = 4096;

/// Whatever its time says, the directory is listed at least this often.
const LISTED_FRESH: Duration = Duration::from_secs(60);

/// The pane of tmux that a tab is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pane {
    /// The server's socket, a path.
    pub socket: String,
    /// Such as `%3`.
    pub pane: String,
    /// tmux took what the record says.
    pub shown: bool,
}

impl Pane {
    /// The pane that a tab is, by `$TMUX` (`socket,pid,session`) and `$TMUX_PANE`. `None` where they are not what tmux
    /// sets, and where they leaked into another terminal: a pane's session leader is started by the server.
    pub fn of(world: &World, tab: &Tab) -> Option<Pane> {
        let text = |name| world.var(name).and_then(|value| value.to_str());
        let mut fields = text("TMUX")?.rsplitn(3, ',');
        let (server, socket) = (fields.nth(1)?, fields.next()?);
        let pane = Pane::new(socket, text("TMUX_PANE")?, false)?;
        (world.parent_of(tab.session) == server.parse().ok()).then_some(pane)
    }

    /// `None` where these are not what tmux calls its socket and a pane.
    pub fn new(socket: &str, pane: &str, shown: bool) -> Option<Pane> {
        let number = pane.strip_prefix('%')?;
        let numbered = (1..=9).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        (socket.starts_with('/') && numbered).then(|| Pane {
            socket: socket.into(),
            pane: pane.into(),
            shown,
        })
    }
}

/// What is known of one tab. Its texts are foreign: each leaves through `escape`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The terminal's path; empty where it has no well-known one.
    pub tty: String,
    /// The name of the shell, and its process id: with nested shells, the one that drew the last prompt.
    pub shell: String,
    pub shell_pid: u32,
    /// Its version, digits and dots; empty where it is not known.
    pub shell_version: String,
    /// `clear`, `unsure` or the environment's name.
    pub verdict: String,
    /// `none`, `caution`, `unsure` or `production`.
    pub severity: String,
    pub hot: bool,
    /// The environment's badge; empty where there is none.
    pub badge: String,
    /// The first target's short name.
    pub label: String,
    /// The segment, plain, and its colours as SGR numbers.
    pub segment: String,
    pub style: String,
    /// The environment's colour as configured.
    pub color: String,
    /// `armed`, or why no line can be held back.
    pub guard: String,
    /// The terminal profile's id; empty while it is not known.
    pub terminal: String,
    pub tmux: Option<Pane>,
    pub cwd: String,
    /// Variables that select a target, say where files lie, or how things look, with values that hold no secret.
    pub selectors: BTreeMap<String, String>,
    /// Every file the verdict depends on.
    pub watched: Vec<String>,
}

/// A tab that lives, with its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub tab: Tab,
    pub record: Record,
}

/// The same for one who looks again and again, with what tells that the file is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub known: Known,
    file: Stamp,
}

/// The records of one who looks again and again, by key.
#[derive(Debug, Default)]
pub struct Roll {
    pub tabs: BTreeMap<String, Kept>,
    /// What the directory was when it was listed, and when that was.
    listed: Option<(Stamp, Instant)>,
}

/// What is different about a roll.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Keys that were not there.
    pub new: BTreeSet<String>,
    /// A tab came or went, or has another record.
    pub changed: bool,
}

impl Kept {
    /// When the record was written, seconds and nanoseconds since the epoch.
    pub fn written(&self) -> (i64, i64) {
        (self.file.1, self.file.2)
    }
}

/// The records in a run directory.
#[derive(Debug)]
pub struct Tabs<'r> {
    dir: Option<OwnedFd>,
    world: &'r World,
}

impl<'r> Tabs<'r> {
    /// The records that lie in `run_dir`; none where it has none yet.
    pub fn new(run_dir: &RunDir, world: &'r World) -> Tabs<'r> {
        Tabs { dir: run_dir.existing(DIR), world }
    }

    /// Every tab whose session leader lives, by terminal.
    pub fn all_live(&self) -> Vec<Known> {
        let mut found = self.live(|_| true);
        found.sort_by_key(|known| (known.tab.tty, known.tab.started));
        found
    }

    /// Brings a roll up to date: every tab whose session leader lives. Records that are the same files as before are not
    /// read again, and where the directory is as it was, it is not even listed. `seen`: what is known anyway of a
    /// session leader.
    pub fn again(&self, roll: &mut Roll, seen: impl Fn(u32) -> Option<Tab>) -> Change {
        let Some(dir) = &self.dir else {
            let changed = !roll.tabs.is_empty();
            *roll = Roll::default();
            return Change { changed, ..Change::default() };
        };
        let lives = |key: &str| {
            let session = session_of(key)?;
            let is_it = |tab: &Tab| tab.key() == key;
            seen(session).filter(is_it).or_else(|| self.world.tab_of(session).filter(is_it))
        };
        let stamp = rustix::fs::fstat(dir).ok().and_then(|stat| files::stamp(&stat, self.world));
        let same = stamp.is_some_and(|stamp| {
            roll.listed.is_some_and(|(known, at)| known == stamp && at.elapsed() < LISTED_FRESH)
        });
        let mut change = Change::default();
        let names = if same { Vec::new() } else { entries(dir) };
        let before = roll.tabs.len();
        if same {
            roll.tabs.retain(|key, _| lives(key).is_some());
        } else {
            let mut known = std::mem::take(&mut roll.tabs);
            for name in &names {
                let Some(key) = name.strip_suffix(".json") else { continue };
                let Ok(stat) = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
                let Some(tab) = lives(key) else { continue };
                let file = files::loose_stamp(&stat);
                let old = known.remove(key);
                let new = old.is_none();
                let kept = match old.filter(|old| old.file == file) {
                    Some(old) => old,
                    None => {
                        change.changed = true;
                        let Some(record) = read(dir, key, self.world.uid) else { continue };
                        Kept { known: Known { record, tab }, file }
                    }
                };
                if new {
                    change.new.insert(key.to_owned());
                }
                roll.tabs.insert(key.to_owned(), kept);
            }
            change.changed |= !known.is_empty();
        }
        // One that seems to have ended is looked for once more.
        let ended = same && roll.tabs.len() < before;
        change.changed |= ended;
        roll.listed = stamp
            .filter(|_| !ended)
            .map(|stamp| (stamp, roll.listed.filter(|_| same).map_or_else(Instant::now, |(_, at)| at)));
        change
    }

    /// The tab at a terminal, by its device's path; `None` where no hook has spoken there yet.
    pub fn by_tty(&self, path: &Path) -> Option<Known> {
        let stat = rustix::fs::stat(path).ok()?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::CharacterDevice {
            return None;
        }
        let number = Tab::number(rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
        // Of two sessions that claim it the younger one has it.
        self.live(|tab| tab.tty == number).into_iter().max_by_key(|known| known.tab.started)
    }

    /// The record of this tab, where the shell that wrote it still lives.
    pub fn of(&self, tab: &Tab) -> Option<Record> {
        let known = self.live(|other| other == tab).into_iter().next()?;
        self.world.is_alive(known.record.shell_pid).then_some(known.record)
    }

    fn live(&self, wanted: impl Fn(&Tab) -> bool) -> Vec<Known> {
        let Some(dir) = &self.dir else { return Vec::new() };
        entries(dir)
            .iter()
            .filter_map(|name| name.strip_suffix(".json"))
            .filter_map(|key| {
                let tab = living(self.world, key).filter(|tab| wanted(tab))?;
                Some(Known { record: read(dir, key, self.world.uid)?, tab })
            })
            .collect()
    }
}

impl RunDir {
    /// Keeps the record of a tab, if it says anything new, and returns what a prompt is to watch: another shell of the
    /// same tab (a nested one) may write it next. `None` where it can't be kept; nothing of the prompt depends on it.
    pub fn keep_tab(&self, world: &World, tab: &Tab, record: &Record) -> Option<Watched> {
        let name = format!("{}.json", tab.key());
        let mut text = text(tab, record);
        if text.len() > CAP {
            let short = Record { selectors: BTreeMap::new(), watched: Vec::new(), ..record.clone() };
            text = self::text(tab, &short);
        }
        let known = self.existing(DIR);
        let kept = known.as_ref().and_then(|dir| files::read(dir, &name, world.uid, CAP));
        if kept.as_deref() != Some(text.as_bytes()) {
            let dir = known.or_else(|| self.subdir(DIR)).filter(|_| text.len() <= CAP)?;
            files::replace(&dir, &name, text.as_bytes()).ok()?;
            if kept.is_none() {
                // A new tab: the records of those that have ended can go.
                sweep(&dir, world);
            }
        }
        let stat = self.stat(&format!("{DIR}/{name}"))?;
        let mtime = Mtime { secs: stat.st_mtime, nanos: u32::try_from(stat.st_mtime_nsec).ok()? };
        // However fresh: nobody else writes it before a shell has started in this tab.
        let seen = Seen::Present { mtime, real: None, readable: true, settled: true };
        Some(Watched { path: self.path().join(DIR).join(name), seen })
    }

    /// The record of the tab with this key, living or not.
    pub fn tab_record(&self, world: &World, tab: &Tab) -> Option<Record> {
        read(&self.existing(DIR)?, &tab.key(), world.uid)
    }

    /// Where the records lie. It is there from now on: only what is there can be watched.
    pub fn tabs_directory(&self) -> PathBuf {
        let _ = self.subdir(DIR);
        self.path().join(DIR)
    }

    /// Forgets a tab.
    pub fn forget_tab(&self, tab: &Tab) {
        if let Some(dir) = self.existing(DIR) {
            let _ = rustix::fs::unlinkat(dir, format!("{}.json", tab.key()), AtFlags::empty());
        }
    }
}

fn entries(dir: &OwnedFd) -> Vec<String> {
    let Ok(entries) = rustix::fs::Dir::read_from(dir) else { return Vec::new() };
    let name = |entry: rustix::fs::DirEntry| entry.file_name().to_str().ok().map(str::to_owned);
    entries.flatten().take(ENTRIES_CAP).filter_map(name).collect()
}

/// The tab with this key, if its session leader still lives in this very life at this very terminal.
fn living(world: &World, key: &str) -> Option<Tab> {
    world.tab_of(session_of(key)?).filter(|tab| tab.key() == key)
}

fn session_of(key: &str) -> Option<u32> {
    u32::from_str_radix(key.split('-').nth(1)?, 16).ok()
}

/// Removes the records of tabs that have ended, and what a killed writer left.
fn sweep(dir: &OwnedFd, world: &World) {
    for name in entries(dir) {
        let stale = match name.split_once(".json") {
            Some((key, "")) => living(world, key).is_none(),
            Some((_, rest)) => {
                let writer = rest.strip_prefix('.').and_then(|pid| pid.parse().ok());
                writer.is_some_and(|pid| !world.is_alive(pid))
            }
            None => false,
        };
        if stale {
            let _ = rustix::fs::unlinkat(dir, &name, AtFlags::empty());
        }
    }
}

fn text(tab: &Tab, record: &Record) -> String {
    let tmux = record
        .tmux
        .as_ref()
        .map(|pane| json!({ "socket": pane.socket, "pane": pane.pane, "shown": pane.shown }));
    let value = json!({
        "version": 1,
        "tty": record.tty,
        "tty_nr": tab.tty,
        "session": tab.session,
        "started": tab.started,
        "boot": tab.boot,
        "shell": record.shell,
        "shell_pid": record.shell_pid,
        "shell_version": record.shell_version,
        "verdict": record.verdict,
        "severity": record.severity,
        "hot": record.hot,
        "badge": record.badge,
        "label": record.label,
        "segment": record.segment,
        "style": record.style,
        "color": record.color,
        "guard": record.guard,
        "terminal": record.terminal,
        "tmux": tmux,
        "cwd": record.cwd,
        "selectors": record.selectors,
        "watched": record.watched,
    });
    format!("{value}\n")
}

/// A record; `None` unless it is ours, whole and of this version.
fn read(dir: &OwnedFd, key: &str, uid: u32) -> Option<Record> {
    let bytes = files::read(dir, &format!("{key}.json"), uid, CAP)?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    if value["version"] != 1 {
        return None;
    }
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let pane = &value["tmux"];
    let selectors = value["selectors"].as_object()?.iter();
    let watched = value["watched"].as_array()?.iter();
    Some(Record {
        tty: text("tty")?,
        shell: text("shell")?,
        shell_pid: value["shell_pid"].as_u64()?.try_into().ok()?,
        shell_version: text("shell_version").unwrap_or_default(),
        verdict: text("verdict")?,
        severity: text("severity")?,
        hot: value["hot"].as_bool()?,
        badge: text("badge")?,
        label: text("label")?,
        segment: text("segment")?,
        style: text("style")?,
        color: text("color")?,
        guard: text("guard")?,
        terminal: text("terminal")?,
        tmux: match (pane["socket"].as_str(), pane["pane"].as_str()) {
            (Some(socket), Some(name)) => Pane::new(socket, name, pane["shown"] == true),
            _ => None,
        },
        cwd: text("cwd")?,
        selectors: selectors.filter_map(|(n, v)| Some((n.clone(), v.as_str()?.to_owned()))).collect(),
        watched: watched.filter_map(|path| path.as_str().map(str::to_owned)).collect(),
    })
}

/// The well-known path of a terminal's device.
pub fn tty_path(tab: &Tab) -> Option<PathBuf> {
    let (major, minor) = tab.device();
    match (major, minor) {
        (136..=143, minor) => Some(format!("/dev/pts/{}", (major - 136) * 256 + minor).into()),
        (4, 0..=63) => Some(format!("/dev/tty{minor}").into()),
        (4, minor) => Some(format!("/dev/ttyS{}", minor - 64).into()),
        _ => None,
    }
}
