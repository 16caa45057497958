//! The lines that overrule a verdict: for every reason that makes it what it is, the exact `redtab mark` after which it
//! no longer does. It shows no line that would not help.

use std::path::Path;

use crate::config::Origin;
use crate::config::diagnosis::shown_path;
use crate::config::mark;
use crate::environment::{Judgement, Matcher, Names, Rule, Target};
use crate::signal::{Part, Place, Signal, Trouble};
use crate::sources::{connections, directory, host};
use crate::survey::{self, Survey};
use crate::verdict::{Reason, Verdict};

/// More reasons than this get no line of their own.
const MOST: usize = 12;

/// What to type, one line each, in the order of the reasons: marks, ends of tunnels, and for what no mark settles where
/// it stands.
pub fn lines(survey: &Survey, home: Option<&Path>) -> Vec<String> {
    let verdict = &survey.verdict;
    let mut names = survey.loaded.config.names.clone();
    let lock = survey.loaded.lock_on("target");
    let mut out: Vec<String> = Vec::new();
    for reason in verdict.winners() {
        if out.len() == MOST {
            break;
        }
        let found = match way(survey, &names, reason) {
            Way::Done => continue,
            Way::Line(line) => line,
            Way::Written => written(survey, &reason.signal, home),
            Way::Marks(targets) => {
                if let Some(place) = lock {
                    format!("answers are locked at {place}")
                } else {
                    let lines: Vec<String> = targets.iter().filter_map(command).collect();
                    let at = first(survey);
                    names.targets.splice(at..at, targets);
                    out.extend(lines.into_iter().filter(|line| !line.is_empty()));
                    continue;
                }
            }
        };
        if !found.is_empty() && !out.contains(&found) {
            out.push(found);
        }
    }
    out
}

/// The one line that overrules a verdict, where a message has no room for more: the mark, or where all of them are
/// listed. Empty where there is none.
pub fn of(verdict: &Verdict) -> String {
    let mut winners = verdict.winners();
    let (Some(reason), rest) = (winners.next(), winners.count()) else {
        return verdict.troubles.first().and_then(|trouble| unsettled(verdict, trouble)).unwrap_or_default();
    };
    let no_mark =
        reason.signal.source == directory::SOURCE || matches!(reason.judgement.rule, Rule::Tunnel(_));
    if rest > 0 && !no_mark {
        return "redtab status".into();
    }
    let decides = |part: &&Part| part.text.contains(&reason.judgement.word);
    let part = reason.signal.parts.iter().find(decides).filter(|_| !no_mark);
    part.and_then(|part| command(&safe(part))).unwrap_or_default()
}

/// What settles exported credentials of which only the account is known.
pub fn unsettled(verdict: &Verdict, doubt: &Trouble) -> Option<String> {
    let mut signals = verdict.reasons.iter().map(|reason| &reason.signal);
    let signal = signals.find(|signal| signal.source == doubt.source && signal.place == doubt.place)?;
    command(&safe(signal.parts.first()?))
}

enum Way {
    /// A line before settles it as well.
    Done,
    Line(String),
    Marks(Vec<Target>),
    /// No mark helps: a file says it.
    Written,
}

fn way(survey: &Survey, names: &Names, reason: &Reason) -> Way {
    let signal = &reason.signal;
    let judge = |names: &Names| judged(survey, names, signal);
    let now = judge(names);
    if now.environment != survey.verdict.environment {
        return Way::Done;
    }
    if let Rule::Tunnel(port) = now.rule {
        let tunnel = survey.verdict.tunnels.iter().find(|tunnel| tunnel.port == Some(port));
        return Way::Line(tunnel.map(|tunnel| tunnel.end_command()).unwrap_or_default());
    }
    if signal.source == connections::SOURCE && signal.parts.is_empty() {
        return Way::Line("redtab ps".into());
    }
    // An answer for all directories that declare themselves would be one for those of others, too.
    if signal.source == directory::SOURCE {
        return Way::Written;
    }
    let mut settled = names.clone();
    let mut targets = Vec::new();
    for part in &signal.parts {
        let alone = Matcher::new(&settled).judge(part);
        if alone.environment == survey.verdict.environment {
            let target = safe(part);
            settled.targets.insert(first(survey), target.clone());
            targets.push(target);
        }
        if judge(&settled).environment != survey.verdict.environment {
            return Way::Marks(targets);
        }
    }
    Way::Written
}

/// Where a user's own answers begin: behind the one for this machine, where that is locked.
fn first(survey: &Survey) -> usize {
    let config = &survey.loaded.config;
    usize::from(host::is_locked(&config.lock) && !config.host.environment.is_empty())
}

fn judged(survey: &Survey, names: &Names, signal: &Signal) -> Judgement {
    survey::judged(signal, names, &Matcher::new(names), &survey.connections)
}

fn safe(part: &Part) -> Target {
    Target { signal: part.kind, is: part.text.clone(), environment: "safe".into() }
}

fn command(target: &Target) -> Option<String> {
    mark::command_line("safe", target.signal, &target.is)
}

/// Where a reason stands that no mark takes back.
fn written(survey: &Survey, signal: &Signal, home: Option<&Path>) -> String {
    if signal.source == host::SOURCE
        && let Origin::File { path, line, .. } = survey.loaded.origin("host", 0, "environment")
    {
        return format!("{}:{line} says so", shown_path(&path, home));
    }
    match &signal.place {
        Place::File { path, line: Some(line) } => format!("{}:{line} says so", shown_path(path, home)),
        Place::File { path, line: None } => format!("{} says so", shown_path(path, home)),
        Place::Variable(name) => format!("{name} says so"),
        Place::Line => String::new(),
    }
}
