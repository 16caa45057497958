//! What the guard says when a line is not simply allowed: what, where it points and why, the way through. At most six
//! lines.

use crate::escape;
use crate::guard::decide::{Cause, Decision, Finding};
use crate::verdict::Gravity;

/// The message for a finding that warns, asks or blocks. Every line is safe for a terminal.
pub fn message(finding: &Finding) -> String {
    let subject = escape::segment(&escape::terminal(&finding.subject), 60, true);
    let reason = escape::segment(&escape::terminal(&finding.reason), 90, true);
    let place = match finding.gravity {
        Gravity::Unsure => "it can't be told whether this is production".to_string(),
        _ => "this points at production".to_string(),
    };
    let lines: Vec<String> = match &finding.cause {
        Cause::LocalOnly { by } => vec![
            format!("{subject} is local-only ({by}), and {place}."),
            reason,
            "It was not run. Switch away and press Up, Enter.".into(),
            format!("Meant for production, this once:  redtab run --here {}", command(&finding.subject)),
        ],
        Cause::LooksDestructive { evidence } => vec![
            format!("{subject} looks destructive, and {place}."),
            reason,
            escape::segment(&escape::terminal(evidence), 90, true),
        ],
        Cause::Rule { does, safer, confirm, .. } => {
            let mut lines = vec![subject, does.clone(), reason];
            if *confirm && !safer.is_empty() {
                lines.push(format!("safer: {safer}"));
            }
            lines
        }
        Cause::Unreadable { why } => vec![format!("{subject} {why}, and {place}."), reason],
    };
    let mut out = String::new();
    for (i, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
        out.push_str(if i == 0 { "redtab: " } else { "        " });
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The word of `rule` in JSON and the audit trail.
pub fn rule(finding: &Finding) -> &str {
    match &finding.cause {
        Cause::LocalOnly { .. } => "local-only",
        Cause::LooksDestructive { .. } => "looks-destructive",
        Cause::Rule { id, .. } => id,
        Cause::Unreadable { .. } => "unreadable",
    }
}

/// The way through, as one command or phrase.
pub fn way_through(finding: &Finding) -> String {
    match (&finding.cause, finding.decision()) {
        (Cause::LocalOnly { .. }, _) => format!("redtab run --here {}", command(&finding.subject)),
        (_, Decision::Confirm) => "type the target's name when asked".into(),
        _ => String::new(),
    }
}

/// What a person would type to run the subject.
fn command(subject: &str) -> String {
    escape::terminal(subject)
}
