//! The segment: what a verdict looks like in front of somebody's prompt.

use crate::config::{Palette, Segment as Form};
use crate::environment::Names;
use crate::escape;
use crate::present::color::{self, Depth};
use crate::reply::Segment;
use crate::verdict::{Gravity, Verdict};

/// How wide the target's name may get before it is cut.
const LABEL_COLUMNS: usize = 32;

/// No format's own text is wider.
const FORMAT_COLUMNS: usize = 64;

/// What the terminal and its user allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks<'a> {
    pub form: Form,
    /// How the long form is put together; see [`crate::config::shape::FIELDS`].
    pub format: &'a str,
    /// False under `NO_COLOR` and on dumb terminals.
    pub color: bool,
    /// The locale is UTF-8.
    pub unicode: bool,
    pub palette: Palette,
    pub depth: Depth,
}

/// What stands beside a verdict in the segment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Around<'a> {
    /// The configuration has an error: it is shown until mended.
    pub faulty: bool,
    /// The hour at which this tab's lease ends.
    pub lease: Option<&'a str>,
    /// The shell can hold a line back; a tab that would need it and can't says so.
    pub guarded: bool,
    /// Production sessions that are open and not this tab's.
    pub elsewhere: usize,
    /// How many open production sessions are idle.
    pub idle: usize,
}

/// The segment of a verdict.
pub fn segment(verdict: &Verdict, names: &Names, looks: Looks<'_>, around: &Around) -> Segment {
    let Around { faulty, lease, guarded, elsewhere, idle } = *around;
    if looks.form == Form::Off {
        return Segment::default();
    }
    let environment = verdict.environment.and_then(|i| names.environments.get(i));
    let mut text = match (verdict.gravity, environment) {
        (Gravity::Production | Gravity::Caution, Some(environment)) => {
            let badge = escape::segment(&environment.badge, LABEL_COLUMNS, looks.unicode);
            match looks.form {
                Form::Long => long(&badge, verdict, looks),
                _ => badge,
            }
        }
        (Gravity::Unsure, _) => "?".into(),
        _ => String::new(),
    };
    let dot = if looks.unicode { " · " } else { " - " };
    if let Some(hour) = lease {
        let dot = if text.is_empty() { "" } else { dot };
        text = format!("{text}{dot}lease until {hour}");
    }
    let mut open = false;
    if elsewhere > 0 && text.is_empty() {
        let count = if idle == 0 { String::new() } else { format!(", {idle} idle") };
        text = format!("{elsewhere} prod open{count}");
        open = true;
    } else if idle > 0 {
        text = if text.is_empty() { format!("{idle} idle") } else { format!("{text}{dot}{idle} idle") };
    }
    if faulty {
        text =
            if text.is_empty() { "redtab config error".into() } else { format!("{text}{dot}config error") };
    }
    if verdict.is_hot() && !guarded {
        text = if text.is_empty() { "guard off".into() } else { format!("{text}{dot}guard off") };
    }
    if text.is_empty() {
        return Segment::default();
    }
    // Red text without a ground: the tab itself is clear.
    let style = if looks.color && open && !faulty {
        color::open(looks.palette, looks.depth).into()
    } else {
        ground(verdict.gravity, verdict.environment, names, looks)
    };
    Segment { text, style }
}

/// The colours of a verdict as SGR numbers; none where there is no colour.
pub fn ground(gravity: Gravity, environment: Option<usize>, names: &Names, looks: Looks<'_>) -> String {
    match (gravity, environment.and_then(|i| names.environments.get(i))) {
        _ if !looks.color => String::new(),
        (Gravity::Production | Gravity::Caution, Some(environment)) => {
            color::badge(&environment.color, looks.palette, looks.depth)
        }
        _ => color::badge("yellow", looks.palette, looks.depth),
    }
}

/// The long form: the user's format, filled. A field that stands for nothing takes the space before it along.
fn long(badge: &str, verdict: &Verdict, looks: Looks<'_>) -> String {
    // Context, cluster and server of one kubeconfig are one thing.
    let mut things: Vec<(&str, &str)> = Vec::new();
    for reason in verdict.winners() {
        let signal = &reason.signal;
        let thing = (signal.source, if signal.source == "kube" { "" } else { signal.what.as_str() });
        if !things.contains(&thing) {
            things.push(thing);
        }
    }
    let clean = |text: &str| escape::segment(text, LABEL_COLUMNS, looks.unicode);
    let first = verdict.winners().next().map(|reason| &reason.signal);
    let mut out = String::new();
    let mut rest = looks.format;
    while let Some((text, (field, behind))) =
        rest.split_once('{').and_then(|(text, open)| Some((text, open.split_once('}')?)))
    {
        let value = match (field, first) {
            ("badge", _) => badge.to_string(),
            ("target", Some(signal)) => clean(&signal.label),
            ("domain", Some(signal)) => signal.domain.as_str().to_string(),
            ("more", _) if things.len() > 1 => format!("+{}", things.len() - 1),
            _ => String::new(),
        };
        let text = if value.is_empty() { text.strip_suffix(' ').unwrap_or(text) } else { text };
        out.push_str(&escape::segment(text, FORMAT_COLUMNS, looks.unicode));
        out.push_str(&value);
        rest = behind;
    }
    out.push_str(&escape::segment(rest, FORMAT_COLUMNS, looks.unicode));
    out.trim().to_string()
}
