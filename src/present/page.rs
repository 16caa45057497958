//! The page of `redtab status`: the verdict, then every signal on a line of its own.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use nu_ansi_term::{Color, Style};
use unicode_width::UnicodeWidthStr;

use crate::environment::{Names, Rule};
use crate::escape;
use crate::present::armed::Armed;
use crate::present::overrule;
use crate::signal::{Kind, Place, Signal};
use crate::sources::connections::Watcher;
use crate::sources::host;
use crate::sources::login::Login;
use crate::sources::origin::Origin;
use crate::survey::Survey;
use crate::verdict::{Gravity, Reason};
use crate::world::World;

/// Everything the page shows.
pub struct Page<'a> {
    pub survey: &'a Survey,
    pub home: Option<PathBuf>,
    pub color: bool,
    /// `REDTAB=off` is set.
    pub off: bool,
    /// Whether the guard can hold a line back here.
    pub guard: &'a Armed,
    /// Where the person at this shell sits.
    pub login: &'a Login,
    /// Why there is no run directory, if there is none.
    pub run_dir: Option<String>,
}

/// Values and places wider than this are cut; the JSON answer has them whole.
const COLUMNS: usize = 48;

impl Page<'_> {
    /// The page's text. `origin_of` tells where a variable's value came from.
    pub fn text(&self, origin_of: impl Fn(&Signal) -> Option<Origin>) -> String {
        let verdict = &self.survey.verdict;
        let mut out = self.headline();
        let mut rows: Vec<[String; 5]> = verdict
            .reasons
            .iter()
            .filter(|r| self.speaks(r))
            .map(|r| self.row(r, origin_of(&r.signal)))
            .collect();
        rows.extend(verdict.troubles.iter().map(|trouble| {
            let place = match &trouble.place {
                Place::Variable(name) => name.clone(),
                Place::File { path, .. } => self.path(path, None),
                Place::Line => "this line".into(),
            };
            [trouble.source.into(), trouble.what.clone(), place, trouble.why.clone(), "unsure".into()]
        }));
        if rows.is_empty() {
            out.push_str("\n  No variable and no file that redtab knows says where this tab points.\n");
        } else {
            out.push('\n');
            out.push_str(&table(rows));
        }
        out.push_str(&format!("\n{}\n", self.standing()));
        for line in self.remarks() {
            out.push('\n');
            out.push_str(&line);
            out.push('\n');
        }
        out
    }

    fn names(&self) -> &Names {
        &self.survey.loaded.config.names
    }

    fn headline(&self) -> String {
        let verdict = &self.survey.verdict;
        let environment = verdict.environment.and_then(|i| self.names().environments.get(i));
        let (badge, text) = match (verdict.gravity, environment) {
            (Gravity::Clear, _) => ("clear", "nothing here points at production".to_string()),
            (Gravity::Unsure, _) => {
                ("?", "unsure: something that could say production can't be read".to_string())
            }
            (_, Some(environment)) => (
                environment.badge.as_ref(),
                format!("this tab points at {}", escape::terminal(&environment.name)),
            ),
            (_, None) => ("", String::new()),
        };
        let style = match verdict.gravity {
            Gravity::Production => Style::new().fg(Color::White).on(Color::Red).bold(),
            Gravity::Caution | Gravity::Unsure => Style::new().fg(Color::Black).on(Color::Yellow),
            Gravity::Clear => Style::new().fg(Color::Green),
        };
        let badge = escape::terminal(badge);
        let badge = if self.color { style.paint(badge).to_string() } else { badge };
        format!("{badge}  {text}\n")
    }

    /// Every machine has a name: at one's own, one that says nothing is no news.
    fn speaks(&self, reason: &Reason) -> bool {
        let news = reason.judgement.environment.is_some() || self.login.is_remote();
        reason.signal.source != host::SOURCE || news
    }

    fn row(&self, reason: &Reason, origin: Option<Origin>) -> [String; 5] {
        let signal = &reason.signal;
        let place = match &signal.place {
            Place::Variable(_) => {
                origin.map(|o| o.phrase().to_string()).unwrap_or_else(|| "environment".into())
            }
            Place::File { path, line } => self.path(path, *line),
            Place::Line => "this line".into(),
        };
        let judgement = &reason.judgement;
        let why = match (&judgement.rule, judgement.environment) {
            (Rule::Target, _) => "target".into(),
            (Rule::Tunnel(_), _) => "tunnel".into(),
            (_, Some(_)) => format!("\"{}\"", judgement.word),
            (Rule::Nothing, None) => "not known".into(),
            _ => "clear".into(),
        };
        [signal.source.into(), signal.what.clone(), signal.value.clone(), place, why]
    }

    fn path(&self, path: &Path, line: Option<usize>) -> String {
        let shown = tilde(path, self.home.as_deref());
        match line {
            Some(line) => format!("{shown}:{line}"),
            None => shown,
        }
    }

    /// What stands ready: the guard and the watcher.
    fn standing(&self) -> String {
        let cure = if self.guard.state == "off" && !self.off { ".  redtab doctor" } else { "" };
        let guard = self.guard.line() + cure;
        let connections = &self.survey.connections;
        let count = |n: usize, what: &str| (n > 0).then(|| counted(n, what));
        let watcher = (connections.watcher == Watcher::Running).then(|| {
            let elsewhere =
                count(self.sessions_elsewhere(), "production session").map(|text| text + " in other tabs");
            let parts = [Some("running".into()), count(connections.tunnels.len(), "tunnel"), elsewhere];
            format!("watcher  {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
        });
        let login = match self.login {
            Login::Remote(by) => Some(format!("login  from elsewhere, by {}", escape::terminal(by))),
            Login::Container => Some("login  in a container".into()),
            Login::Here | Login::Unknown => None,
        };
        let parts: Vec<String> = [Some(guard), watcher, login].into_iter().flatten().collect();
        format!("  {}", parts.join("      "))
    }

    fn remarks(&self) -> Vec<String> {
        let mut out = Vec::new();
        if !self.survey.loaded.problems.is_empty() {
            let text = crate::config::render(&self.survey.loaded.problems, self.home.as_deref());
            out.push(text.trim_end().to_string());
        }
        for ignored in &self.survey.ignored {
            out.push(format!("not read: {}, which {}", self.path(&ignored.path, None), ignored.why));
        }
        if self.off {
            out.push("REDTAB=off: the prompt shows no verdict.  unset REDTAB".into());
        }
        if let Some(why) = &self.run_dir {
            out.push(format!("{why}; the prompt asks redtab every time"));
        }
        out.extend(self.connections());
        out.extend(self.survey.verdict.doubts.iter().map(|doubt| {
            let line = overrule::unsettled(&self.survey.verdict, doubt)
                .map(|line| format!("  {line}"))
                .unwrap_or_default();
            let text =
                format!("{} {}: for local-only scripts and aws it counts as unsure.", doubt.place, doubt.why);
            escape::terminal(&text) + &line
        }));
        out.extend(self.way_out());
        out
    }

    /// How many production sessions other tabs have; tunnels are named one by one.
    fn sessions_elsewhere(&self) -> usize {
        let listening = self.survey.connections.open.iter().filter(|one| one.listens()).count();
        self.survey.elsewhere.saturating_sub(listening)
    }

    /// What is open on this machine, and whether anybody watches it.
    fn connections(&self) -> Vec<String> {
        let mut out: Vec<String> = self
            .survey
            .connections
            .tunnels
            .iter()
            .map(|tunnel| {
                let hot = if tunnel.production { "hot: " } else { "" };
                let text = format!("{hot}{}, by {}", tunnel.place(), tunnel.origin());
                format!("{}  {}", escape::terminal(&text), tunnel.end_command())
            })
            .collect();
        match self.sessions_elsewhere() {
            0 => {}
            1 => out.push("1 production session is open in another tab.  redtab ps".into()),
            n => out.push(format!("{} are open in other tabs.  redtab ps", counted(n, "production session"))),
        }
        match self.survey.connections.watcher {
            Watcher::Running => {}
            Watcher::None => out.push("tunnels not watched.  redtab watch start".into()),
            Watcher::Dead => {
                out.push("tunnels unknown: the watcher is not running.  redtab watch start".into())
            }
        }
        out
    }

    /// How to overrule every reason; in a clear tab, how to settle the first name that nobody knows.
    fn way_out(&self) -> Option<String> {
        let verdict = &self.survey.verdict;
        match verdict.gravity {
            Gravity::Production | Gravity::Caution => {}
            Gravity::Clear => return self.unknown(),
            Gravity::Unsure => return Some("The line that mends it:  redtab doctor".into()),
        }
        let lines = overrule::lines(self.survey, self.home.as_deref());
        let environment = verdict.environment.and_then(|i| self.names().environments.get(i))?;
        let head = format!("Not {}?  ", escape::terminal(&environment.name));
        let rest = format!("\n{}", " ".repeat(head.width()));
        (!lines.is_empty()).then(|| head + &lines.join(&rest))
    }

    fn unknown(&self) -> Option<String> {
        let unknown = self
            .survey
            .verdict
            .reasons
            .iter()
            .filter(|reason| matches!(reason.judgement.rule, Rule::Nothing) && !reason.judgement.known);
        let named = |part: &&crate::signal::Part| {
            matches!(part.kind, Kind::KubeContext | Kind::AwsProfile | Kind::GcpConfig)
                || (part.kind == Kind::Hostname && self.login.is_remote())
        };
        let part = unknown.flat_map(|reason| &reason.signal.parts).find(named)?;
        let line = crate::config::mark::command_line("production", part.kind, &part.text)?;
        let name = escape::segment(&escape::terminal(&part.text), COLUMNS, true);
        Some(format!("Is {name} production?  {line}"))
    }
}

/// Whether what goes to stdout may have colours.
pub fn colored(world: &World) -> bool {
    std::io::stdout().is_terminal() && world.var("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A path as people write it: `~/…` below the home.
pub fn tilde(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) if rest.as_os_str().is_empty() => "~".into(),
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

/// Columns padded to their widest cell; the last one is as long as it is.
fn table(rows: Vec<[String; 5]>) -> String {
    let rows: Vec<[String; 5]> = rows
        .into_iter()
        .map(|row| row.map(|cell| escape::segment(&escape::terminal(&cell), COLUMNS, true)))
        .collect();
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let mut out = String::new();
    let mut last = String::new();
    for row in rows {
        let mut line = String::from("  ");
        for (i, (cell, width)) in row.iter().zip(widths).enumerate() {
            let cell = if i == 0 && *cell == last { "" } else { cell };
            line.push_str(cell);
            line.push_str(&" ".repeat(width - cell.width() + 3));
        }
        last.clone_from(&row[0]);
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// `1 tunnel`, `2 tunnels`.
fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
