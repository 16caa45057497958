//! When a tab is painted, and with what. A shell prints the bytes at every prompt; this decides which, and does what
//! bytes can't (kitty's socket) when something changed. It also paints before a command that goes to production holds
//! the terminal. What it refuses: to write to a terminal that is not this process's own, or what its profile lacks.

use std::io::Write;

use crate::config::{Background, Config};
use crate::escape;
use crate::present::prompt::Looks;
use crate::present::terminal::{Brush, Mark, Profile, Theme};
use crate::present::{color, kitty, terminal};
use crate::reply::Watch;
use crate::state::{Note, RunDir};
use crate::verdict::{Gravity, Verdict};
use crate::view::View;

/// What one prompt is told about painting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// Printed at every prompt; empty in a clear tab.
    pub paint: Vec<u8>,
    /// Printed when the shell ends; empty in a clear tab.
    pub restore: Vec<u8>,
    /// What stands in front of the user's own title.
    pub title: String,
    /// Where the note about this tab's paint lies, and how a prompt watches it.
    pub watch: Option<Watch>,
}

/// Where and with what one tab is painted.
pub struct Painter<'p> {
    pub view: &'p View<'p>,
    pub run_dir: Option<&'p RunDir>,
    pub brush: Brush,
    /// The tab's key; without one nothing can be noted.
    pub key: Option<String>,
    /// The tab is another user's, and this shell has just begun: what is painted there is not noted here.
    pub inherits: bool,
}

/// The brush for a terminal, as the configuration and the environment allow.
pub fn brush(view: &View, config: &Config, profile: &'static Profile, looks: Looks) -> Brush {
    Brush {
        profile,
        color: config.tab.color && looks.color,
        title: config.tab.title,
        background: match config.tab.background {
            Background::Off => None,
            Background::Dark => Some(Theme::Dark),
            Background::Light => Some(Theme::Light),
        },
        unicode: looks.unicode,
        socket: kitty::socket(view).is_some(),
    }
}

/// What a verdict paints a tab with; `None` for a clear one.
pub fn mark(verdict: &Verdict, config: &Config, looks: Looks) -> Option<Mark> {
    let label = verdict.winners().next().map(|reason| reason.signal.label.as_str()).unwrap_or_default();
    of_environment(verdict.gravity, verdict.environment, label, config, looks)
}

/// What an environment by its index, or something unsure, paints a tab with.
pub fn of_environment(
    gravity: Gravity,
    environment: Option<usize>,
    label: &str,
    config: &Config,
    looks: Looks,
) -> Option<Mark> {
    match (gravity, environment.and_then(|i| config.names.environments.get(i))) {
        (Gravity::Production | Gravity::Caution, Some(environment)) => {
            let color = color::ground(&environment.color, looks.palette);
            Some(Mark::new(&environment.badge, label, color, looks.unicode))
        }
        (Gravity::Unsure, _) => {
            Some(Mark::new("?", label, color::ground("yellow", looks.palette), looks.unicode))
        }
        _ => None,
    }
}

impl Painter<'_> {
    /// Paints for a prompt. Where the tab has become clear, what was painted is taken back here and now, once.
    pub fn at_prompt(&self, mark: Option<&Mark>) -> Paint {
        if !self.brush.paints() {
            return Paint::default();
        }
        let here = self.here();
        let was = self.noted();
        match mark {
            Some(mark) => {
                self.by_socket(Some(mark), was.as_deref());
                let noted = self.note(mark, was.as_deref());
                let path = self.path();
                Paint {
                    paint: self.brush.paint(mark, &here),
                    restore: self.brush.restore(&here),
                    title: self.brush.prefix(mark),
                    watch: path.filter(|_| noted).map(Watch::Living),
                }
            }
            None => {
                if was.is_some() || self.inherits {
                    self.take_back();
                }
                Paint { watch: self.path().map(Watch::Absent), ..Paint::default() }
            }
        }
    }

    /// Paints the terminal before a command that goes where `mark` says holds it. The next prompt finds the note and
    /// looks whether something of that command is still there.
    pub fn before_command(&self, mark: &Mark) {
        if let (Some(run_dir), Some(key)) = (self.run_dir, &self.key) {
            run_dir.expect_sessions(key, self.view.world());
        }
        if !self.brush.paints() {
            return;
        }
        let was = self.noted();
        self.by_socket(Some(mark), was.as_deref());
        self.note(mark, was.as_deref());
        write(&self.brush.paint(mark, ""));
    }

    /// What the watcher writes to a tab that became production at its prompt. Its shell finds the note at the next one.
    pub fn from_outside(&self, mark: &Mark) -> Vec<u8> {
        if !self.brush.paints() {
            return Vec::new();
        }
        let was = self.noted();
        self.by_socket(Some(mark), was.as_deref());
        self.note(mark, was.as_deref());
        self.brush.paint(mark, &self.here())
    }

    /// What the watcher writes to a tab that is clear again before its shell has seen anything.
    pub fn back_from_outside(&self) -> Vec<u8> {
        if !self.brush.paints() {
            return Vec::new();
        }
        self.by_socket(None, self.noted().as_deref());
        if let (Some(run_dir), Some(key)) = (self.run_dir, &self.key) {
            run_dir.drop_note(Note::Painted, key);
        }
        self.brush.restore(&self.here())
    }

    /// Takes back what is painted, before another program has the terminal for itself.
    pub fn take_back(&self) {
        if self.brush.paints() {
            self.by_socket(None, self.noted().as_deref());
            write(&self.brush.restore(&self.here()));
        }
        if let (Some(run_dir), Some(key)) = (self.run_dir, &self.key) {
            run_dir.drop_note(Note::Painted, key);
        }
    }

    /// Somebody whose notes are not to be seen here may paint this tab: a note makes the next prompt put it right.
    pub fn expect_paint(&self) {
        if self.brush.paints()
            && !self.is_painted()
            && let (Some(run_dir), Some(key)) = (self.run_dir, &self.key)
        {
            run_dir.leave_note(Note::Painted, key, "\n\n\n\n");
        }
    }

    /// Whether something is painted, by the note.
    pub fn is_painted(&self) -> bool {
        self.noted().is_some()
    }

    /// The directory, as a title shows it.
    pub fn here(&self) -> String {
        here(self.view)
    }

    fn path(&self) -> Option<std::path::PathBuf> {
        Some(self.run_dir?.note_path(Note::Painted, self.key.as_ref()?))
    }

    fn noted(&self) -> Option<String> {
        self.run_dir?.note(Note::Painted, self.key.as_ref()?, self.view.world().uid)
    }

    fn note(&self, mark: &Mark, was: Option<&str>) -> bool {
        let text = self.noted_as(mark);
        let (Some(run_dir), Some(key)) = (self.run_dir, &self.key) else { return false };
        was == Some(&text) || run_dir.leave_note(Note::Painted, key, &text)
    }

    /// The mark's text, its colour, whether titles are set, and what stands between the text and a title.
    fn noted_as(&self, mark: &Mark) -> String {
        let (titled, dot) = (self.brush.prefix(mark), if self.brush.unicode { "·" } else { "-" });
        let title = if titled.is_empty() { "" } else { "title" };
        format!("{}\n{}\n{title}\n{dot}\n", mark.text, mark.color.hex())
    }

    fn by_socket(&self, mark: Option<&Mark>, was: Option<&str>) {
        if self.brush.by_socket() && mark.map(|mark| self.noted_as(mark)).as_deref() != was {
            kitty::color_tab(self.view, mark.map(|mark| mark.color));
        }
    }
}

/// The directory of a view with `~` for the home directory; foreign text.
pub fn here(view: &View) -> String {
    let Some(cwd) = view.world().cwd.as_deref() else { return String::new() };
    match view.home().filter(|home| home.parent().is_some()).map(|home| cwd.strip_prefix(home)) {
        Some(Ok(below)) if below.as_os_str().is_empty() => "~".into(),
        Some(Ok(below)) => format!("~/{}", below.display()),
        _ => cwd.display().to_string(),
    }
}

/// Writes bytes to this process's own terminal, in one write; without one they are lost.
fn write(bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    if let Ok(mut tty) = std::fs::File::options().write(true).open("/dev/tty") {
        let _ = tty.write_all(bytes);
    }
}

/// Puts the terminal back, whatever was painted: every "off" of its profile. For `redtab reset`.
pub fn reset(view: &View, profile: &Profile, run_dir: Option<&RunDir>, key: Option<&str>) {
    write(&terminal::all_off(profile, &escape::osc(&here(view), 48)));
    if profile.tab.off == terminal::Act::KittySocket {
        kitty::color_tab(view, None);
    }
    if let (Some(run_dir), Some(key)) = (run_dir, key) {
        run_dir.drop_note(Note::Painted, key);
    }
}
