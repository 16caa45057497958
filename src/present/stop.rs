//! What the guard says when a line is not simply allowed: what, where it points and why, the way through. At most six
//! lines, each safe for a terminal. It neither writes nor asks.

use std::path::Path;

use crate::escape;
use crate::guard::decide::{Cause, Circumstances, Decision, Finding};
use crate::guard::drift::Drift;
use crate::signal::{self, Place};
use crate::verdict::Gravity;

/// Columns of a line of foreign text.
const WIDTH: usize = 90;

/// What a message shows beside its finding.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings<'s> {
    /// `Thu 22:04`; empty where it does not matter.
    pub hour: &'s str,
    pub late: bool,
    /// Open production connections on this machine; 0 where none is known.
    pub open: usize,
    /// What else the same answer would let run.
    pub also: &'s [&'s str],
    /// The newest restore point, or why none is known; empty where nothing holds the target.
    pub restore: &'s str,
    /// The keys that enter the line again; empty for those of most shells.
    pub again: &'s str,
    /// The exact command that takes the lease which is missing.
    pub lease: Option<&'s str>,
}

/// The message for a finding that asks or blocks.
pub fn message(finding: &Finding, decision: Decision, around: Surroundings) -> String {
    let subject = short(&finding.subject, 60);
    let place = place(finding);
    let mut lines: Vec<String> = match (&finding.cause, &finding.tunnel) {
        (Cause::LocalOnly { by }, Some(tunnel)) => vec![
            format!(
                "{subject} is local-only ({}), and {} right now.",
                short(by, 60),
                short(&tunnel.place(), 60)
            ),
            short(&tunnel.origin(), WIDTH),
        ],
        (Cause::LocalOnly { by }, None) => vec![
            format!("{subject} is local-only ({}), and {place}.", short(by, 40)),
            short(&finding.reason, WIDTH),
        ],
        (Cause::LooksDestructive { evidence, .. }, _) => {
            let at = match finding.gravity {
                Gravity::Unsure => "where it can't be told whether it is production",
                _ => "on production",
            };
            vec![
                format!("{subject} would run {at}: {}.", short(&finding.reason, WIDTH)),
                short(evidence, WIDTH),
            ]
        }
        (Cause::Rule { does, safer, confirm, .. }, _) => {
            let safer = if *confirm && !safer.is_empty() { format!("safer: {safer}") } else { String::new() };
            vec![subject, does.clone(), safer, target(finding, around)]
        }
        (Cause::Unreadable { why }, _) => {
            vec![format!("{subject} {why}, and {place}."), target(finding, around)]
        }
    };
    if !around.also.is_empty() {
        lines.push(short(&format!("and with it: {}", around.also.join("; ")), WIDTH));
    }
    lines.push(around.restore.to_string());
    if decision == Decision::Block {
        lines.extend(refusal(finding, around));
    }
    laid_out(&lines)
}

/// One line for what runs without a question.
pub fn warning(finding: &Finding) -> String {
    let what = match &finding.cause {
        Cause::Rule { does, .. } => does.clone(),
        Cause::LooksDestructive { evidence, .. } => short(evidence, 60),
        Cause::LocalOnly { .. } | Cause::Unreadable { .. } => String::new(),
    };
    let where_to = if finding.target.is_empty() { &finding.reason } else { &finding.target };
    let line = format!("{} on {}: {what}", short(&finding.subject, 60), short(where_to, 40));
    laid_out(&[line.trim_end_matches(": ").to_string()])
}

/// What is said when a tab became production, or may have, since its prompt was drawn. `age` is how many seconds ago
/// the file was written, `kept` where the line that was held back is; without it the line runs.
pub fn drifted(drift: &Drift, home: Option<&Path>, age: Option<u64>, kept: Option<&str>) -> String {
    let place = match (&drift.place, home) {
        (Place::File { path, .. }, Some(home)) => match path.strip_prefix(home) {
            Ok(rest) => format!("~/{}", rest.display()),
            Err(_) => path.display().to_string(),
        },
        (place, _) => place.to_string(),
    };
    let changed = age.map(|age| format!(" changed {} ago", signal::duration(age))).unwrap_or_default();
    let what = short(&drift.what, WIDTH);
    let first = match drift.gravity {
        Gravity::Unsure => format!("since this prompt was drawn it can't be told any more: {what},"),
        _ => format!("production since this prompt was drawn: {what},"),
    };
    let end = kept.map(|kept| format!("Your line was not run; {kept}.")).unwrap_or_default();
    laid_out(&[first, format!("{}{changed}.", short(&place, 60)), end])
}

/// The way through, as one command or phrase.
pub fn way_through(finding: &Finding, now: &Circumstances, lease: &str) -> String {
    match (&finding.cause, finding.decision(now)) {
        (Cause::LocalOnly { .. }, _) => format!("redtab run --here {}", escape::terminal(&finding.subject)),
        (_, Decision::Block) => lease.into(),
        (_, Decision::Confirm) => "type the target's name when asked".into(),
        _ => String::new(),
    }
}

fn refusal(finding: &Finding, around: Surroundings) -> Vec<String> {
    let subject = escape::terminal(&finding.subject);
    if let (Cause::LocalOnly { .. }, Some(tunnel)) = (&finding.cause, &finding.tunnel) {
        return vec![
            format!("It was not run.  {}  ends the tunnel.", tunnel.end_command()),
            format!("Meant for production, this once:  redtab run --here {subject}"),
        ];
    }
    match (&finding.cause, around.lease) {
        (Cause::LocalOnly { .. }, _) => vec![
            format!(
                "It was not run. Switch away and press {}.",
                if around.again.is_empty() { "Up, Enter" } else { around.again }
            ),
            format!("Meant for production, this once:  redtab run --here {subject}"),
            overruled(finding),
        ],
        (Cause::LooksDestructive { script: Some(script), .. }, Some(lease)) if script.task.is_empty() => {
            vec![
                format!("Only for this machine:  redtab flag {}", escape::terminal(&flaggable(&subject))),
                format!("{}: a lease first, then a question.  {lease}", hour(around)),
            ]
        }
        (_, Some(lease)) => {
            vec![format!("It was not run. Late: a lease first.  {lease}"), overruled(finding)]
        }
        (_, None) => vec!["It was not run.".into(), overruled(finding)],
    }
}

/// The way out where this is no production; empty where no line leads there.
fn overruled(finding: &Finding) -> String {
    match finding.overrule.as_str() {
        "" => String::new(),
        line => format!("Not production?  {}", escape::terminal(line)),
    }
}

fn flaggable(subject: &str) -> String {
    escape::posix_word(&escape::operand(subject))
}

fn target(finding: &Finding, around: Surroundings) -> String {
    let reason = short(&finding.reason, WIDTH);
    let what = match finding.gravity {
        Gravity::Unsure => format!("can't be told whether this is production: {reason}"),
        _ => format!("target  {reason}"),
    };
    let open = match around.open {
        0 => String::new(),
        1 => "    1 production connection open".into(),
        open => format!("    {open} production connections open"),
    };
    if around.hour.is_empty() { what + &open } else { format!("{what}{open}    {}", hour(around)) }
}

fn hour(around: Surroundings) -> String {
    format!("{}{}", around.hour, if around.late { ", late" } else { "" })
}

fn place(finding: &Finding) -> &'static str {
    match finding.gravity {
        Gravity::Unsure => "it can't be told whether this is production",
        _ => "this points at production",
    }
}

fn short(text: &str, columns: usize) -> String {
    escape::segment(&escape::terminal(text), columns, true)
}

/// Lines under redtab's name.
pub fn laid_out(lines: &[String]) -> String {
    let mut out = String::new();
    for (i, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
        out.push_str(if i == 0 { "redtab: " } else { INDENT });
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Where every line but the first begins.
pub const INDENT: &str = "        ";
