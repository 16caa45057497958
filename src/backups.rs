//! Restore points: what a backup tool lists, which of them is the newest, and how that is said. It runs nothing and
//! reads no clock; what a tool prints is foreign text and leaves escaped.

use crate::escape;
use crate::words::Words;

/// More lines than this of one listing are not read.
const MOST: usize = 10_000;

/// Columns of a label.
const LABEL_COLUMNS: usize = 40;

/// `[[backup]]`: where restore points of something are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backup {
    pub name: String,
    /// Names of the targets it holds; none: every target.
    pub covers: Vec<String>,
    /// How old the newest restore point may become, as a duration; empty: nobody said.
    pub expect_every: String,
    /// The program that lists them, and its arguments; no shell sees them.
    pub command: Vec<String>,
}

impl Backup {
    /// Whether it holds the target `label`: one of the names it covers is the label, or whole words of it.
    pub fn holds(&self, label: &str) -> bool {
        self.covers.is_empty() || self.covers.iter().any(|name| contains(label, name))
    }
}

fn contains(label: &str, name: &str) -> bool {
    let cut = |text: &str| {
        let words = Words::of_name(text, &|_| false);
        (0..words.len()).map(|at| words.text(at, 1).to_string()).collect::<Vec<_>>()
    };
    let (label, name) = (cut(label), cut(name));
    !name.is_empty() && label.windows(name.len()).any(|window| window == name)
}

/// One restore point. Times are seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    pub time: u64,
    pub expires: Option<u64>,
    pub label: String,
}

/// What a backup's command said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The newest first.
    pub points: Vec<Point>,
    /// Lines that are no restore point.
    pub strange: usize,
}

/// Reads a listing: a line `TIME [EXPIRES] [LABEL]` for each restore point; a time may have a blank between day and
/// hour, and `-` stands for no end. Empty lines and those that begin with `#` say nothing. `time` reads a time as
/// people write it, seconds since the epoch out.
pub fn parse(text: &str, time: &dyn Fn(&str) -> Option<u64>) -> Listing {
    let mut listing = Listing::default();
    for line in
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).take(MOST)
    {
        match point(line, time) {
            Some(point) => listing.points.push(point),
            None => listing.strange += 1,
        }
    }
    listing.points.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.label.cmp(&b.label)));
    listing
}

fn point(line: &str, time: &dyn Fn(&str) -> Option<u64>) -> Option<Point> {
    let (when, rest) = leading(line, time)?;
    let (expires, label) =
        match rest.strip_prefix('-').filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
            Some(rest) => (None, rest),
            None => match leading(rest, time) {
                Some((end, rest)) => (Some(end), rest),
                None => (None, rest),
            },
        };
    Some(Point { time: when, expires, label: label.trim().to_string() })
}

/// The time a text begins with, and what follows it.
fn leading<'t>(text: &'t str, time: &dyn Fn(&str) -> Option<u64>) -> Option<(u64, &'t str)> {
    let (first, rest) = word(text);
    let seconds = |word: &str| {
        let digits = (9..=11).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
        if digits { word.parse().ok() } else { time(word) }
    };
    // A day alone is midnight, but not where an hour follows.
    let (second, after) = word(rest);
    if first.len() == 10
        && second.contains(':')
        && let Some(at) = time(&format!("{first}T{second}"))
    {
        return Some((at, after));
    }
    let looks_like_one = first.len() >= 9 && first.bytes().next().is_some_and(|b| b.is_ascii_digit());
    Some((seconds(first).filter(|_| looks_like_one)?, rest))
}

fn word(text: &str) -> (&str, &str) {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (first, rest.trim_start())
}

/// What came of asking a backup, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub name: String,
    /// Seconds since the epoch.
    pub at: u64,
    /// Why there is no listing, as the end of a sentence.
    pub outcome: Result<Listing, String>,
}

impl Checked {
    /// The newest restore point that still lives at `now`.
    pub fn newest(&self, now: u64) -> Option<&Point> {
        let alive = |point: &&Point| point.expires.is_none_or(|end| end > now);
        self.outcome.as_ref().ok()?.points.iter().find(alive)
    }
}

/// Whether the newest restore point is older than its backup says it may become, or there is none. `every` in seconds.
pub fn is_late(checked: &Checked, every: Option<u64>, now: u64) -> bool {
    match (checked.newest(now), every) {
        (Some(point), Some(every)) => now.saturating_sub(point.time) > every,
        (Some(_), None) => false,
        (None, _) => true,
    }
}

/// One line for a question: the newest restore point among `checked`, or why none is known. `None` when nobody was
/// asked.
pub fn sentence(checked: &[Checked], now: u64) -> Option<String> {
    let newest =
        checked.iter().filter_map(|one| Some((one, one.newest(now)?))).max_by_key(|(_, point)| point.time);
    if let Some((one, point)) = newest {
        let what = if point.label.is_empty() { &one.name } else { &point.label };
        let end = point.expires.map(|end| format!(", expires in {}", span(end.saturating_sub(now))));
        let ago = match now.saturating_sub(one.at) {
            0..60 => String::new(),
            seconds => format!(" (checked {} ago)", span(seconds)),
        };
        let (what, age) = (shown(what), span(now.saturating_sub(point.time)));
        return Some(format!("newest restore point  {what}, {age} old{}{ago}", end.unwrap_or_default()));
    }
    let one = checked.first()?;
    Some(match &one.outcome {
        Ok(_) => format!("no restore point  {} lists none", shown(&one.name)),
        Err(why) => format!("restore points unknown  {}: {}", shown(&one.name), shown(why)),
    })
}

/// A label as a terminal may show it.
pub fn shown(text: &str) -> String {
    escape::segment(&escape::terminal(text), LABEL_COLUMNS, true)
}

/// A span of time as people say it: `40 s`, `61 min`, `3 h`, `5 days`.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..100 => format!("{seconds} s"),
        100..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    /// Stands for the clock's own reader: knows two spellings.
    fn time(text: &str) -> Option<u64> {
        match text {
            "2027-01-15T07:00:00Z" => Some(NOW - 3600),
            "2027-01-15T09:00:00Z" => Some(NOW + 3600),
            "2027-01-15" => Some(NOW - 28_800),
            _ => None,
        }
    }

    fn one(time: u64, expires: Option<u64>, label: &str) -> Point {
        Point { time, expires, label: label.into() }
    }

    #[test]
    fn lines_of_a_listing() {
        for (line, expected) in [
            ("1799999000", Some(one(NOW - 1000, None, ""))),
            ("1799999000 1800002400 orders 2103", Some(one(NOW - 1000, Some(NOW + 2400), "orders 2103"))),
            ("1799999000 - daily", Some(one(NOW - 1000, None, "daily"))),
            ("1799999000 -x daily", Some(one(NOW - 1000, None, "-x daily"))),
            ("1799999000 7 daily", Some(one(NOW - 1000, None, "7 daily"))),
            ("2027-01-15T07:00:00Z 2027-01-15T09:00:00Z s", Some(one(NOW - 3600, Some(NOW + 3600), "s"))),
            ("2027-01-15 07:00:00Z  s", Some(one(NOW - 3600, None, "s"))),
            ("2027-01-15 s", Some(one(NOW - 28_800, None, "s"))),
            ("NAME   CREATED", None),
            ("12 min ago", None),
        ] {
            let listing = parse(&format!("# head\n\n {line} \n"), &time);
            let expected = match expected {
                Some(point) => Listing { points: vec![point], strange: 0 },
                None => Listing { points: vec![], strange: 1 },
            };
            assert_eq!(listing, expected, "{line}");
        }
    }

    #[test]
    fn the_newest_that_lives_is_told() {
        let checked =
            |text: &str, at: u64| Checked { name: "orders".into(), at, outcome: Ok(parse(text, &time)) };
        let failed = Checked { name: "b".into(), at: NOW, outcome: Err("ends with status 1".into()) };
        for (list, expected) in [
            (vec![], None),
            (
                vec![checked(
                    "1799990000 - old\n1799996340 1800002400 new\n1799999999 1799999999 gone",
                    NOW - 240,
                )],
                Some("newest restore point  new, 61 min old, expires in 40 min (checked 4 min ago)"),
            ),
            (
                vec![failed.clone(), checked("1799999940", NOW)],
                Some("newest restore point  orders, 60 s old"),
            ),
            (vec![checked("", NOW)], Some("no restore point  orders lists none")),
            (vec![failed], Some("restore points unknown  b: ends with status 1")),
            (
                vec![checked("1799999940 - a\x1b]0;x\x07b", NOW)],
                Some(r"newest restore point  a\x1b]0;x\x07b, 60 s old"),
            ),
        ] {
            assert_eq!(sentence(&list, NOW).as_deref(), expected);
        }
    }

    #[test]
    fn what_a_backup_holds() {
        let backup = |covers: &[&str]| Backup {
            covers: covers.iter().map(|name| name.to_string()).collect(),
            ..Backup::default()
        };
        assert!(backup(&[]).holds("anything"));
        assert!(backup(&["prod-db"]).holds("prod-db"));
        assert!(backup(&["x", "PROD-db"]).holds("prod-db.internal"));
        assert!(!backup(&["prod-db"]).holds("prod-web"));
        assert!(!backup(&["prod"]).holds("product"));
        assert!(!backup(&["-"]).holds("prod"));
    }

    #[test]
    fn late_or_none() {
        let checked = |text: &str| Checked { name: "b".into(), at: NOW, outcome: Ok(parse(text, &time)) };
        assert!(!is_late(&checked("1799999000"), Some(1000), NOW));
        assert!(is_late(&checked("1799999000"), Some(999), NOW));
        assert!(!is_late(&checked("1799999000"), None, NOW));
        assert!(is_late(&checked(""), None, NOW));
    }
}
