//! `redtab doctor`: what works here, what does not, and the line that mends it. It looks and tries; it changes nothing.
//!
//! [`trial`] starts the shells on a [`pty`], [`shells`] says what that and the [`rc`] files mean, [`surroundings`] looks at
//! the binary, the configuration, the sources and redtab's directories.

mod pty;
pub mod rc;
mod shells;
mod surroundings;
mod trial;

use std::path::PathBuf;

pub use pty::become_program;
pub use trial::CHECKS;

use crate::world::World;

/// How a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    /// Nothing wrong, but good to know.
    Note,
    /// It works less well than it could.
    Warn,
    /// Something does not work: exit code 1.
    Fail,
}

impl Level {
    /// The first word of the line.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Note => "note",
            Level::Warn => "warn",
            Level::Fail => "fail",
        }
    }
}

/// One thing that doctor found. Its texts may hold foreign names: they leave through `escape`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    /// `shell`, `binary`, `config`, `source`, `state`, `watcher` or `terminal`.
    pub area: &'static str,
    /// What it is about: `zsh 5.9`.
    pub subject: String,
    pub text: String,
    /// A file and line, or empty.
    pub place: String,
    /// The command that mends it, as it can be pasted into any shell.
    pub mend: Option<String>,
    /// Lines for the configuration of another program, of which `place` tells the file.
    pub lines: Option<&'static str>,
}

impl Finding {
    /// A finding without place and mend.
    pub fn new(
        level: Level,
        area: &'static str,
        subject: impl Into<String>,
        text: impl Into<String>,
    ) -> Finding {
        let (subject, text) = (subject.into(), text.into());
        Finding { level, area, subject, text, place: String::new(), mend: None, lines: None }
    }

    /// The same with the place it is about.
    pub fn at(mut self, place: impl Into<String>) -> Finding {
        self.place = place.into();
        self
    }

    /// The same with the command that mends it.
    pub fn mend(mut self, mend: impl Into<Option<String>>) -> Finding {
        self.mend = mend.into();
        self
    }
}

/// How a shell's trial went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    pub shell: &'static str,
    pub version: String,
    /// The hook was there when the prompt came.
    pub hooked: bool,
    /// How many of [`CHECKS`] held.
    pub passed: usize,
    /// Those that did not; none when nothing could be tried.
    pub failed: Vec<&'static str>,
}

/// Everything that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub findings: Vec<Finding>,
    pub tried: Vec<Tried>,
}

impl Report {
    /// Whether something does not work.
    pub fn fails(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Fail)
    }
}

/// Looks at everything. `binary` is the absolute path by which this redtab was called.
pub fn examine(world: &World, binary: PathBuf) -> Report {
    let mut report = Report::default();
    shells::look(world, &binary, &mut report);
    let mut found = Vec::new();
    surroundings::look(world, &binary, &mut found);
    // What one command mends is one fault.
    for finding in found {
        if finding.mend.is_none() || report.findings.iter().all(|known| known.mend != finding.mend) {
            report.findings.push(finding);
        }
    }
    report
}
