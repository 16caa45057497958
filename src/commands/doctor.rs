//! `redtab doctor`: what works here, what does not, and the line that mends it.

use std::fmt::Write as _;
use std::io::IsTerminal;

use anyhow::{Context, Result};
use nu_ansi_term::{Color, Style};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::init;
use crate::cli::{Doctor, Exit};
use crate::doctor::{self, CHECKS, Finding, Level, Report};
use crate::present::stop::INDENT;
use crate::world::World;
use crate::{commands, escape};

/// Examines everything and prints what was found.
///
/// # Errors
/// When the path of this binary can't be known, or stdout can't be written.
pub fn run(args: &Doctor) -> Result<Exit> {
    let world = World::of_this_process();
    let binary = init::own_path(&world).context("the path of the redtab binary can't be found")?;
    let report = doctor::examine(&world, binary);
    let text = if args.json {
        serde_json::to_string_pretty(&as_json(&report))? + "\n"
    } else {
        let plain = world.var("NO_COLOR").is_some_and(|value| !value.is_empty());
        as_text(&report, std::io::stdout().is_terminal() && !plain)
    };
    commands::print(&text)?;
    Ok(if report.fails() { Exit::Error } else { Exit::Yes })
}

/// A line for each finding; the command that mends it stands on a line of its own, to be pasted.
fn as_text(report: &Report, color: bool) -> String {
    let width =
        report.findings.iter().map(|f| escape::terminal(&f.subject).width()).max().unwrap_or(0).min(24);
    let mut out = String::new();
    for finding in &report.findings {
        let level = finding.level.as_str();
        let painted = if color { style(finding.level).paint(level).to_string() } else { level.to_string() };
        let subject = escape::terminal(&finding.subject);
        let gap = " ".repeat(width.saturating_sub(subject.width()) + 3);
        let _ = write!(
            out,
            "{painted}{} {subject}{gap}{}",
            " ".repeat(5 - level.len()),
            escape::terminal(&finding.text)
        );
        if !finding.place.is_empty() {
            let _ = write!(out, "   {}", escape::terminal(&finding.place));
        }
        out.push('\n');
        for line in finding.lines.unwrap_or_default().lines() {
            let _ = writeln!(out, "{INDENT}{line}");
        }
        if let Some(mend) = mend(finding) {
            let _ = writeln!(out, "{INDENT}{mend}");
        }
    }
    out
}

/// The command, where it can be shown as it is.
fn mend(finding: &Finding) -> Option<&str> {
    finding.mend.as_deref().filter(|mend| escape::terminal(mend) == *mend)
}

fn style(level: Level) -> Style {
    match level {
        Level::Ok => Style::new().fg(Color::Green),
        Level::Note => Style::new(),
        Level::Warn => Style::new().fg(Color::Yellow),
        Level::Fail => Style::new().fg(Color::Red).bold(),
    }
}

fn as_json(report: &Report) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "level": finding.level.as_str(),
            "area": finding.area,
            "subject": finding.subject,
            "what": finding.text,
            "where": finding.place,
            "mend": mend(finding),
            "lines": finding.lines,
        })
    };
    let tried: Vec<Value> = report
        .tried
        .iter()
        .map(|tried| {
            json!({
                "shell": tried.shell,
                "version": tried.version,
                "hooked": tried.hooked,
                "checks": CHECKS.len(),
                "passed": tried.passed,
                "failed": tried.failed,
            })
        })
        .collect();
    json!({
        "version": 1,
        "ok": !report.fails(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "shells": tried,
    })
}
