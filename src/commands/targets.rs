//! `redtab targets`: every name on this machine that a command could be pointed at, and how it is judged. What is
//! unknown comes first, each with the line that settles it. It changes nothing.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::Path;

use anyhow::Result;
use nu_ansi_term::{Color, Style};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::cli::{Exit, Targets};
use crate::commands::{self, classify};
use crate::config::diagnosis::{self, shown_path};
use crate::config::{self, LastGood, mark};
use crate::environment::{Judgement, Matcher, Names, Rule, Severity};
use crate::inventory::{self, Known};
use crate::present::json::rule;
use crate::signal::{Kind, Part, Place, Trouble};
use crate::state::RunDir;
use crate::view::View;
use crate::world::World;
use crate::{escape, parts};

/// Names and paths wider than this are cut; the `redtab mark` line and the JSON answer have them whole.
const COLUMNS: usize = 48;

/// Prints the list.
///
/// # Errors
/// When stdout can't be written.
pub fn run(args: &Targets) -> Result<Exit> {
    let world = World::of_this_process();
    let view = View::new(&world);
    let run_dir = RunDir::open(&world).ok();
    let loaded = config::load(&view, run_dir.as_ref().map(|dir| dir as &dyn LastGood));
    let home = view.home();
    let _ = std::io::stderr().write_all(diagnosis::render(&loaded.problems, home.as_deref()).as_bytes());
    let names = &loaded.config.names;
    let matcher = Matcher::new(names);
    let inventory = inventory::take(&view);
    let mut rows: Vec<Row<'_>> =
        inventory.known.iter().map(|known| Row::of(known, names, &matcher)).filter(Row::is_listed).collect();
    rows.sort_by_key(|row| row.rank);
    let text = if args.json {
        as_json(&rows, &inventory.troubles, &loaded.config.names)
    } else {
        let color = std::io::stdout().is_terminal() && view.var("NO_COLOR").is_none_or(|v| v.is_empty());
        as_text(&rows, &inventory.troubles, home.as_deref(), color)
    };
    commands::print(&text)?;
    Ok(Exit::Yes)
}

/// In the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Unknown,
    Production,
    Other,
    Nonproduction,
}

/// One name, judged.
struct Row<'a> {
    known: &'a Known,
    rank: Rank,
    /// The environment's name.
    environment: Option<&'a str>,
    judgement: Judgement,
    /// What the judgement is about.
    part: Option<&'a Part>,
}

impl<'a> Row<'a> {
    fn of(known: &'a Known, names: &'a Names, matcher: &Matcher<'_>) -> Row<'a> {
        let judge = |parts: &'a [Part]| {
            let judgement = matcher.judge_all(parts);
            (parts.iter().find(|part| parts.len() == 1 || matcher.judge(part) == judgement), judgement)
        };
        let (mut part, mut judgement) = judge(&known.parts);
        if judgement == Judgement::nothing() {
            (part, judgement) = judge(known.otherwise.as_slice());
        }
        let environment = judgement.environment.and_then(|index| names.environments.get(index));
        let rank = match environment.map(|environment| environment.severity) {
            Some(Severity::Production) => Rank::Production,
            Some(Severity::Caution) => Rank::Other,
            None if judgement.known => Rank::Nonproduction,
            None => Rank::Unknown,
        };
        Row { known, rank, environment: environment.map(|e| e.name.as_ref()), judgement, part }
    }

    /// An account that nobody settled stands behind its profiles: their lines settle it.
    fn is_listed(&self) -> bool {
        self.known.kind != Kind::AwsAccount || self.judgement.rule == Rule::Target
    }

    /// The first word of the line.
    fn answer(&self) -> &str {
        match (self.rank, self.environment) {
            (Rank::Unknown, _) => "unknown",
            (Rank::Nonproduction, _) => "nonprod",
            (_, None | Some("production")) => "prod",
            (_, Some(name)) => name,
        }
    }

    fn why(&self) -> String {
        let Known { kind, name, parts, .. } = self.known;
        if self.rank == Rank::Unknown {
            // One answer for an account holds for all of its profiles, and for its keys.
            let account = parts.iter().find(|part| part.kind == Kind::AwsAccount);
            let (kind, name) = account.map_or((*kind, name), |account| (account.kind, &account.text));
            let line = mark::command_line("production", kind, name);
            return format!("is it production?  {}", line.unwrap_or_default()).trim_end().to_owned();
        }
        let reason = match self.judgement.rule {
            Rule::Target => "target".to_owned(),
            _ => format!("\"{}\"", escape::segment(&escape::terminal(&self.judgement.word), COLUMNS, true)),
        };
        match self.part {
            Some(part) if parts.first() != Some(part) => {
                format!("{reason}  in {} {}", part.kind.as_str(), cell(&parts::shown(part.kind, &part.text)))
            }
            _ => reason,
        }
    }

    fn style(&self) -> Style {
        match self.rank {
            Rank::Unknown => Style::new().bold(),
            Rank::Production => Style::new().fg(Color::Red),
            Rank::Other => Style::new().fg(Color::Yellow),
            Rank::Nonproduction => Style::new().fg(Color::Green),
        }
    }
}

fn cell(text: &str) -> String {
    escape::segment(&escape::terminal(text), COLUMNS, true)
}

fn as_text(rows: &[Row<'_>], troubles: &[Trouble], home: Option<&Path>, color: bool) -> String {
    let unsure = troubles.iter().map(|trouble| {
        let place = cell(&shown_place(&trouble.place, home));
        ([cell("unsure"), cell(trouble.source), place, escape::terminal(&trouble.why)], Style::new().bold())
    });
    let known = rows.iter().map(|row| {
        let name = cell(&parts::shown(row.known.kind, &row.known.name));
        ([cell(row.answer()), cell(row.known.kind.as_str()), name, row.why()], row.style())
    });
    let lines: Vec<([String; 4], Style)> = unsure.chain(known).collect();
    let mut widths = [0; 3];
    for (line, _) in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.width().max(*width);
        }
    }
    let mut out = String::new();
    for ([answer, kind, name, why], style) in &lines {
        let pad = |cell: &str, width: usize| " ".repeat(width.saturating_sub(cell.width()) + 3);
        let painted = if color { style.paint(answer).to_string() } else { answer.clone() };
        let _ = write!(out, "{painted}{}{kind}{}", pad(answer, widths[0]), pad(kind, widths[1]));
        let _ = writeln!(out, "{name}{}{why}", pad(name, widths[2]));
    }
    if lines.is_empty() {
        out.push_str("No kube context, AWS profile, gcloud configuration, Azure subscription, PostgreSQL service, docker context or ssh host is known here.\n");
    }
    out
}

fn shown_place(place: &Place, home: Option<&Path>) -> String {
    match place {
        Place::Variable(name) => name.clone(),
        Place::Line => "command line".into(),
        Place::File { path, line: Some(line) } => format!("{}:{line}", shown_path(path, home)),
        Place::File { path, line: None } => shown_path(path, home),
    }
}

fn as_json(rows: &[Row<'_>], troubles: &[Trouble], names: &Names) -> String {
    let part =
        |part: &Part| json!({ "kind": part.kind.as_str(), "name": parts::shown(part.kind, &part.text) });
    let targets: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "answer": match row.rank {
                    Rank::Unknown => "unknown",
                    Rank::Production => "prod",
                    Rank::Other | Rank::Nonproduction => "nonprod",
                },
                "environment": row.environment,
                "kind": row.known.kind.as_str(),
                "name": parts::shown(row.known.kind, &row.known.name),
                "rule": rule(&row.judgement, names),
                "word": row.judgement.word,
                "where": shown_place(&row.known.place, None),
                "parts": row.known.parts.iter().map(part).collect::<Vec<_>>(),
            })
        })
        .collect();
    let unsure: Vec<Value> = troubles
        .iter()
        .map(|trouble| {
            let place = shown_place(&trouble.place, None);
            json!({ "source": trouble.source, "where": place, "why": trouble.why })
        })
        .collect();
    let whole = json!({ "version": 1, "targets": targets, "unsure": unsure });
    classify::plain_json(&whole.to_string()) + "\n"
}
