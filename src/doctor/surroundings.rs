//! Everything around the shells: the binary and PATH, the configuration, what the sources can read, redtab's own
//! directories.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, AtFlags, CWD, FileType};
use rustix::process::Pid;

use super::rc::{self, Rc};
use super::shells::{on_path, same_program};
use super::{Finding, Level};
use crate::config::diagnosis::{Problem, Where, shown_path};
use crate::config::layers::State;
use crate::config::{Audit, Config};
use crate::present::terminal::{self, Act};
use crate::signal::{Place, Trouble};
use crate::sources::connections::Watcher;
use crate::state::open::Binary;
use crate::state::{RunDir, StateDir, system_log};
use crate::view::View;
use crate::world::{Content, World};
use crate::{service, survey, watch};

/// Looks at all of it.
pub fn look(world: &World, binary: &Path, out: &mut Vec<Finding>) {
    let around = Around { world, home: world.home() };
    out.extend(around.binary(binary));
    let run_dir = RunDir::open(world);
    let survey = {
        let view = View::new(world);
        survey::look(&view, run_dir.as_ref().ok().map(|dir| dir as _))
    };
    out.extend(around.configuration(&survey.loaded));
    out.extend(around.sources(&survey));
    out.extend(around.directory("run directory", RunDir::place(world), run_dir.map(drop)));
    out.extend(around.directory("state directory", StateDir::place(world), StateDir::open(world).map(drop)));
    out.extend(around.stale());
    out.extend(around.system_log(survey.loaded.config.audit));
    out.extend(around.watcher(survey.connections.watcher, binary));
    out.extend(around.terminal(&survey.loaded.config));
    if world.var("REDTAB").is_some_and(|value| value == "off") {
        let text = "REDTAB=off: redtab is switched off in this shell";
        out.push(Finding::new(Level::Warn, "shell", "this shell", text).mend(around.unset("REDTAB")));
    }
}

struct Around<'w> {
    world: &'w World,
    home: Option<PathBuf>,
}

impl Around<'_> {
    fn shown(&self, path: &Path) -> String {
        shown_path(path, self.home.as_deref())
    }

    fn word(&self, path: &Path) -> String {
        rc::word(path, self.home.as_deref())
    }

    // --- the binary ---

    fn binary(&self, binary: &Path) -> Vec<Finding> {
        let subject = format!("redtab {}", env!("CARGO_PKG_VERSION"));
        let path = self.world.var("PATH").unwrap_or_default().to_string_lossy();
        let mut out = match on_path(&path, "redtab") {
            Some(first) if !same_program(&first, binary) => {
                let text = format!("another redtab comes first on PATH: {}", self.shown(&first));
                let file = self.word(&first);
                vec![Finding::new(Level::Warn, "binary", subject, text).mend(format!("mv {file} {file}.old"))]
            }
            _ => vec![Finding::new(Level::Ok, "binary", subject, self.shown(binary))],
        };
        out.extend(self.older_hook(binary));
        out
    }

    /// The shell of this tab was started before the binary was put in its place: it runs the hook of the one before.
    fn older_hook(&self, binary: &Path) -> Option<Finding> {
        let tab = self.world.tab()?;
        let clocks = self.world.clocks();
        // Clock ticks are hundredths of a second wherever there is a /proc.
        let started = clocks.wall.checked_sub(clocks.boot)?.checked_add(tab.started / 100)?;
        let placed = u64::try_from(rustix::fs::stat(binary).ok()?.st_ctime).ok()?;
        let slack = Duration::from_secs(5).as_secs();
        if placed <= started + slack {
            return None;
        }
        let shell = self.world.var("SHELL").map(PathBuf::from).unwrap_or_default();
        let shell = shell.file_name()?.to_str()?.to_string();
        let text =
            "was started before this redtab was installed: if it has a hook, it is that of the one before";
        Some(Finding::new(Level::Note, "shell", "this shell", text).mend(format!("exec {shell}")))
    }

    // --- the configuration ---

    fn configuration(&self, loaded: &crate::config::Loaded) -> Vec<Finding> {
        let mut out: Vec<Finding> = loaded.problems.iter().map(|problem| self.problem(problem)).collect();
        if out.is_empty() {
            let files: Vec<String> =
                loaded.files.iter().filter(|f| f.state == State::Used).map(|f| self.shown(&f.path)).collect();
            let text = if files.is_empty() { "built in; no file".into() } else { files.join(", ") };
            out.push(Finding::new(Level::Ok, "config", "configuration", text));
        }
        out
    }

    fn problem(&self, problem: &Problem) -> Finding {
        let finding = Finding::new(Level::Fail, "config", "configuration", problem.message.clone());
        let finding = match &problem.hint {
            Some(hint) => Finding { text: format!("{}: {hint}", problem.message), ..finding },
            None => finding,
        };
        match &problem.place {
            Where::Variable(name) => finding.at(*name).mend(self.unset(name)),
            Where::File { path, position: None } => {
                finding.at(self.shown(path)).mend(self.readable(path, None, &problem.message))
            }
            Where::File { path, position: Some((line, column)) } => {
                let place = format!("{}:{line}:{column}", self.shown(path));
                finding.at(place).mend(self.correction(problem, path, *line))
            }
        }
    }

    /// Puts what was meant in the place of what stands there, or makes the line a comment.
    fn correction(&self, problem: &Problem, path: &Path, line: usize) -> Option<String> {
        let quoted = |text: &str| Some(text.split('`').nth(1)?.to_string());
        let meant = problem.hint.as_deref().filter(|hint| hint.starts_with("did you mean")).and_then(quoted);
        let rc = Rc::read(self.world, path)?;
        match (meant, quoted(&problem.message)) {
            (Some(meant), Some(wrong)) if rc.line(line).contains(&wrong) => {
                Some(rc.replace(line, &wrong, &meant))
            }
            _ => Some(format!("sed -i.bak '{line}s/^/# /' {}", self.word(path))),
        }
    }

    // --- the sources ---

    fn sources(&self, survey: &survey::Survey) -> Vec<Finding> {
        let verdict = &survey.verdict;
        let mut out: Vec<Finding> = verdict.troubles.iter().map(|trouble| self.trouble(trouble)).collect();
        for ignored in &survey.ignored {
            let text = format!("not read: {}", ignored.why);
            let dir = ignored.path.parent().unwrap_or(&ignored.path);
            let close = format!("chmod o-w {} {}", self.word(dir), self.word(&ignored.path));
            let mend = ignored.why.contains("everybody").then_some(close);
            let finding = Finding::new(Level::Warn, "source", "directory", text).mend(mend);
            out.push(finding.at(self.shown(&ignored.path)));
        }
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for reason in &verdict.reasons {
            match counts.iter_mut().find(|(source, _)| *source == reason.signal.source) {
                Some((_, count)) => *count += 1,
                None => counts.push((reason.signal.source, 1)),
            }
        }
        let read: Vec<String> = counts.iter().map(|(source, count)| format!("{source} {count}")).collect();
        let mut without: Vec<&str> = Vec::new();
        for (source, _) in &survey.absent {
            let told = counts.iter().any(|(found, _)| found == source)
                || verdict.troubles.iter().any(|trouble| trouble.source == *source);
            if !told && !without.contains(source) {
                without.push(source);
            }
        }
        let nothing =
            if without.is_empty() { String::new() } else { format!("nothing of {}", without.join(", ")) };
        let text = match (read.is_empty(), verdict.troubles.is_empty()) {
            (true, true) => format!("nothing here says where this tab points: {nothing}"),
            (true, false) => return out,
            (false, _) if nothing.is_empty() => format!("signals read: {}", read.join(", ")),
            (false, _) => format!("signals read: {}; {nothing}", read.join(", ")),
        };
        out.push(Finding::new(Level::Ok, "source", "sources", text));
        out
    }

    /// The command after which a file can be read: it is opened to its owner, moved out of the way where it is no file
    /// that anything could read, or shown in an editor at the line that is wrong.
    fn readable(&self, path: &Path, line: Option<usize>, why: &str) -> Option<String> {
        let file = self.word(path);
        match (why.contains("permission denied"), line) {
            (true, _) => Some(format!("chmod u+r {file}")),
            (_, Some(line)) => Some(format!("sh -c '${{EDITOR:-vi}} \"$@\"' sh +{line} {file}")),
            // What is no file of the user's is the system's to mend.
            _ if !path.starts_with(self.home.as_deref()?) => None,
            _ => Some(format!("mv {file} {file}.old")),
        }
    }

    /// The command that unsets a variable in the shell that doctor was called from.
    fn unset(&self, name: &str) -> Option<String> {
        let fish = self.world.parents().first().is_some_and(|parent| parent == "fish");
        let plain = crate::escape::is_identifier(name);
        plain.then(|| if fish { format!("set -e {name}") } else { format!("unset {name}") })
    }

    fn trouble(&self, trouble: &Trouble) -> Finding {
        let text =
            format!("{} {}, so it can't be told whether this is production", trouble.what, trouble.why);
        let finding = Finding::new(Level::Warn, "source", trouble.source, text);
        match &trouble.place {
            Place::Variable(name) => finding.at(name.clone()).mend(self.unset(name)),
            Place::Line => finding,
            Place::File { path, line } => {
                let shown = self.shown(path);
                let finding = finding.at(line.map_or(shown.clone(), |line| format!("{shown}:{line}")));
                finding.mend(self.readable(path, *line, &trouble.why))
            }
        }
    }

    // --- the system's log ---

    fn system_log(&self, audit: Audit) -> Vec<Finding> {
        let wanted = [
            (audit.journald, "journald", system_log::journal_socket(self.world)),
            (audit.syslog, "syslog", system_log::syslog_socket(self.world)),
        ];
        let told = wanted.into_iter().filter(|(wanted, ..)| *wanted).map(|(_, name, socket)| {
            match system_log::unheard(&socket) {
                None => Finding::new(Level::Ok, "state", name, "takes the audit trail's records"),
                Some(why) => {
                    let text = format!("takes no records ({why}): they are in redtab log alone");
                    Finding::new(Level::Warn, "state", name, text).at(self.shown(&socket))
                }
            }
        });
        told.collect()
    }

    // --- redtab's directories ---

    fn directory(
        &self,
        subject: &str,
        place: Option<PathBuf>,
        opened: Result<(), String>,
    ) -> Option<Finding> {
        let finding = |level, text: String| Finding::new(level, "state", subject, text);
        let Some(path) = place else {
            return Some(finding(Level::Fail, "HOME is not set to an absolute path".into()));
        };
        let Err(why) = opened else {
            return Some(
                match rustix::fs::accessat(CWD, &path, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
                    Ok(()) => finding(Level::Ok, self.shown(&path)),
                    Err(_) => finding(
                        Level::Fail,
                        "can't be written: every prompt asks redtab, and nothing is kept".into(),
                    )
                    .at(self.shown(&path))
                    .mend(format!("chmod 700 {}", self.word(&path))),
                },
            );
        };
        Some(finding(Level::Fail, why).at(self.shown(&path)).mend(self.way_to(&path)))
    }

    /// The command that makes room for a directory of ours at `path`.
    fn way_to(&self, path: &Path) -> Option<String> {
        // The first thing on the way that is there.
        let found = path.ancestors().find(|dir| rustix::fs::lstat(*dir).is_ok())?;
        let stat = rustix::fs::lstat(found).ok()?;
        let word = self.word(found);
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            Some(format!("mv {word} {word}.old"))
        } else if stat.st_uid != self.world.uid {
            Some(format!("sudo chown -R {} {word}", self.world.uid))
        } else {
            Some(format!("chmod 700 {word}"))
        }
    }

    // --- the watcher and the terminal ---

    fn watcher(&self, watcher: Watcher, binary: &Path) -> Vec<Finding> {
        let finding = |level, text: &str| Finding::new(level, "watcher", "watcher", text);
        let start = "redtab watch start".to_string();
        let service = service::file(self.world).filter(|file| file.exists());
        let managed = service.is_some() && service::is_managed(self.world);
        let holder = RunDir::open(self.world).ok().and_then(|dir| dir.watcher(self.world.uid));
        let older = holder.is_some_and(|holder| watch::replaces(&Binary::own(), &holder.binary));
        let mut out = vec![match watcher {
            Watcher::Running if older => finding(Level::Warn, "running, but of an older redtab").mend(start),
            Watcher::Running if managed => finding(Level::Ok, "running, as a service"),
            Watcher::Running => finding(Level::Ok, "running"),
            Watcher::None => finding(Level::Ok, "none, by choice: tunnels and idle sessions are not watched"),
            Watcher::Dead => {
                let text = "not running: where tunnels lead is not known, and nobody tells of idle sessions";
                let mend =
                    if managed { format!("systemctl --user restart {}", service::UNIT) } else { start };
                finding(Level::Fail, text).mend(mend)
            }
        }];
        if let Some(file) = service
            && let Content::Bytes(bytes) = self.world.read(&file).0
            && memchr::memmem::find(&bytes, binary.as_os_str().as_encoded_bytes()).is_none()
        {
            let text = "the service runs another redtab than this one";
            out.push(
                finding(Level::Warn, text).at(self.shown(&file)).mend("redtab watch install".to_string()),
            );
        }
        out
    }

    /// The terminal's profile, why it is that one, what can be done with it, and what would make it do more.
    fn terminal(&self, config: &Config) -> Vec<Finding> {
        let view = View::new(self.world);
        let detected = terminal::detect(&view, &config.terminal, None, || self.world.parents());
        let profile = detected.profile;
        let socket = crate::present::kitty::socket(&view).is_some();
        let tab = match profile.tab.on {
            Act::None => None,
            Act::KittySocket if !socket => None,
            Act::KittySocket => Some("tab colour by socket"),
            Act::Bytes(_) => Some("tab colour"),
        };
        let title = (!profile.title.is_empty()).then_some("title");
        let background = (profile.background.on != Act::None).then_some("background, if you opt in");
        let able: Vec<&str> = [title, tab, background].into_iter().flatten().collect();
        let able = if able.is_empty() { "the prompt alone".into() } else { able.join(", ") };
        let subject = format!("terminal {}", profile.id);
        let mut out = vec![Finding::new(
            Level::Ok,
            "terminal",
            subject.clone(),
            format!("{}: {able} (told by {})", profile.name, detected.why),
        )];
        // A socket that is there needs no line.
        let wanted = |more: &&terminal::More| !(socket && more.lines.contains("listen_on"));
        out.extend(profile.more.iter().filter(wanted).map(|more| {
            let text = format!("with these lines {}", more.what);
            let finding = Finding::new(Level::Note, "terminal", subject.clone(), text).at(more.file);
            Finding { lines: Some(more.lines), ..finding }
        }));
        out
    }

    /// Files of shells that are gone.
    fn stale(&self) -> Option<Finding> {
        let dir = RunDir::place(self.world)?.join("shells");
        let names = self.world.entries(&dir).ok()?;
        let gone = |name: &std::ffi::OsString| {
            let pid = name.to_str().and_then(|name| name.parse().ok()).filter(|pid| *pid > 0);
            let pid = pid.and_then(Pid::from_raw);
            pid.is_none_or(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
        };
        let count = names.iter().filter(|name| gone(name)).count();
        if count == 0 {
            return None;
        }
        let text = format!("{count} left by shells that are gone; the next shell sweeps them away");
        Some(
            Finding::new(Level::Note, "state", "stale files", text)
                .mend(format!("rm -r {}", self.word(&dir))),
        )
    }
}
