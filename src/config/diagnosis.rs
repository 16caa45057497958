//! What is wrong with a configuration, shown so that a person can mend it: place, message, the line with a caret, and
//! what was probably meant. What it refuses: to show a control character, or a line longer than a screen.

use std::fmt::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use unicode_width::UnicodeWidthChar;

use crate::address;

/// More errors than this in one file help nobody.
const SHOWN_FAULTS: usize = 50;
/// The columns of a source line that are shown, and how many of them may stand before the caret.
const SHOWN_COLUMNS: usize = 100;
const COLUMNS_BEFORE: usize = 60;
/// A tab is shown as this many spaces.
const TAB: &str = "    ";

/// One thing wrong with a text, by byte range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub span: Range<usize>,
    pub message: String,
    /// What stands behind the carets: `did you mean …?`.
    pub hint: Option<String>,
    /// Only a key that nobody knows: nothing that is known is spoilt by it.
    pub unknown_key: bool,
}

impl Fault {
    /// A fault at `span` (bytes), without a hint.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Fault {
        Fault { span, message: message.into(), hint: None, unknown_key: false }
    }

    /// A fault of which only a key is unknown.
    pub fn unknown_key(span: Range<usize>, message: impl Into<String>) -> Fault {
        Fault { unknown_key: true, ..Fault::new(span, message) }
    }

    /// The same with a hint, where there is one.
    pub fn hint(mut self, hint: Option<String>) -> Fault {
        self.hint = hint;
        self
    }
}

/// Where a problem lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    File {
        path: PathBuf,
        /// Line and column from 1, the column in characters; `None` when the file could not be read at all.
        position: Option<(usize, usize)>,
    },
    /// An environment variable.
    Variable(&'static str),
}

/// A source line ready to be shown: no tabs, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    pub line: String,
    /// Columns before the first caret.
    pub indent: usize,
    /// How many carets.
    pub carets: usize,
}

/// One error for a person. Every text in it is safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub place: Where,
    pub message: String,
    pub excerpt: Option<Excerpt>,
    pub hint: Option<String>,
    /// What holds meanwhile, as a sentence; on the last problem of a file.
    pub meanwhile: Option<String>,
}

impl Problem {
    /// A problem with a whole file or a variable.
    pub fn plain(place: Where, message: impl Into<String>) -> Problem {
        Problem { place, message: message.into(), excerpt: None, hint: None, meanwhile: None }
    }

    /// Place and message on one line. `home` is shown as `~`.
    pub fn line(&self, home: Option<&Path>) -> String {
        match &self.place {
            Where::Variable(name) => format!("{name}: {}", self.message),
            Where::File { path, position: None } => format!("{}: {}", shown_path(path, home), self.message),
            Where::File { path, position: Some((line, column)) } => {
                format!("{}:{line}:{column}: {}", shown_path(path, home), self.message)
            }
        }
    }
}

/// Every problem in full, each beginning with `redtab: `, lines ending in newlines. `home` is shown as `~`.
pub fn render(problems: &[Problem], home: Option<&Path>) -> String {
    let mut out = String::new();
    for problem in problems {
        let _ = writeln!(out, "redtab: {}", problem.line(home));
        match (&problem.excerpt, &problem.hint, &problem.place) {
            (Some(excerpt), hint, Where::File { position: Some((line, _)), .. }) => {
                let _ = writeln!(out, "{line:>5} | {}", excerpt.line);
                let _ = write!(out, "      | {}{}", " ".repeat(excerpt.indent), "^".repeat(excerpt.carets));
                let _ = match hint {
                    Some(hint) => writeln!(out, " {hint}"),
                    None => writeln!(out),
                };
            }
            (_, Some(hint), _) => {
                let _ = writeln!(out, "        {hint}");
            }
            _ => {}
        }
        if let Some(meanwhile) = &problem.meanwhile {
            let _ = writeln!(out, "        {meanwhile}");
        }
    }
    out
}

/// The faults of one file as problems, in the file's order.
pub fn problems(path: &Path, text: &str, mut faults: Vec<Fault>) -> Vec<Problem> {
    faults.sort_by_key(|fault| fault.span.start);
    let more = faults.len().saturating_sub(SHOWN_FAULTS);
    faults.truncate(SHOWN_FAULTS);
    let mut problems: Vec<Problem> = faults.into_iter().map(|fault| problem(path, text, fault)).collect();
    if more > 0 {
        let place = Where::File { path: path.to_path_buf(), position: None };
        problems.push(Problem::plain(place, format!("{more} more errors")));
    }
    problems
}

fn problem(path: &Path, text: &str, fault: Fault) -> Problem {
    let place = locate(text, fault.span.start);
    let end = fault.span.end.clamp(place.offset, place.line.end);
    let line = &text[place.line.clone()];
    let before = place.offset - place.line.start;
    let to = floor(text, end) - place.line.start;
    let safe = address::quoted_without_secrets(line);
    let excerpt = if safe == line {
        excerpt(line, before, to)
    } else {
        // The carets stand where the same text now does.
        let from = floor(&safe, address::quoted_without_secrets(&line[..before]).len());
        excerpt(&safe, from, floor(&safe, from.saturating_add(to.saturating_sub(before))))
    };
    Problem {
        place: Where::File { path: path.to_path_buf(), position: Some((place.number, place.column)) },
        message: fault.message,
        excerpt: Some(excerpt),
        hint: fault.hint,
        meanwhile: None,
    }
}

struct Located {
    /// From 1.
    number: usize,
    /// From 1, in characters.
    column: usize,
    /// The byte range of the line, without its end.
    line: Range<usize>,
    /// The byte the position stands for, inside the line or at its end.
    offset: usize,
}

/// Finds line and column of a byte. The end of the file counts as the end of its last line with something on it.
fn locate(text: &str, offset: usize) -> Located {
    let offset = if offset >= text.len() { text.trim_end().len() } else { floor(text, offset) };
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let line = text[start..end].strip_suffix('\r').map_or(start..end, |line| start..start + line.len());
    let offset = offset.min(line.end);
    Located {
        number: line_number(text, offset),
        column: text[line.start..offset].chars().count() + 1,
        line,
        offset,
    }
}

/// Line and column of a byte, from 1, the column in characters.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let place = locate(text, offset);
    (place.number, place.column)
}

/// The line, from 1, in which the byte `offset` lies.
pub fn line_number(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    memchr::memchr_iter(b'\n', before).count() + 1
}

fn floor(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Cuts what fits on a screen out of `line` and puts carets under the bytes `from..to`.
fn excerpt(line: &str, from: usize, to: usize) -> Excerpt {
    let mut first = from;
    let mut columns = 0;
    for (at, char) in line[..from].char_indices().rev() {
        columns += cell(char).1;
        if columns > COLUMNS_BEFORE {
            break;
        }
        first = at;
    }
    let mut shown = String::from(if first > 0 { "…" } else { "" });
    let (mut width, mut indent, mut carets) = (shown.chars().count(), 0, 0);
    for (at, char) in line[first..].char_indices().map(|(at, char)| (first + at, char)) {
        let (text, columns) = cell(char);
        if at == from {
            indent = width;
        }
        if width + columns > SHOWN_COLUMNS {
            shown.push('…');
            break;
        }
        if (from..to).contains(&at) {
            carets += columns;
        }
        shown.push_str(text.as_str());
        width += columns;
    }
    if from >= line.len() {
        indent = width;
    }
    Excerpt { line: shown.trim_end().to_string(), indent, carets: carets.max(1) }
}

/// How a character is shown, and how many columns that takes.
fn cell(char: char) -> (String, usize) {
    match char {
        '\t' => (TAB.into(), TAB.len()),
        char => {
            let char = visible(char);
            (char.into(), char.width().unwrap_or(0))
        }
    }
}

/// Whether a character only shows itself: no terminal obeys it, and it does not reorder what stands around it.
pub fn is_visible(char: char) -> bool {
    !char.is_control()
        && !matches!(char, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The character itself, or U+FFFD in its place.
fn visible(char: char) -> char {
    if is_visible(char) { char } else { char::REPLACEMENT_CHARACTER }
}

/// Foreign text for a message: no control characters, at most 60 characters.
pub fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let mut out: String = chars.by_ref().take(60).map(visible).collect();
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

/// A path for a message: no control characters, `home` as `~`.
pub fn shown_path(path: &Path, home: Option<&Path>) -> String {
    let text = match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) if !rest.as_os_str().is_empty() => format!("~/{}", rest.to_string_lossy()),
        _ => path.to_string_lossy().into_owned(),
    };
    text.chars().map(visible).collect()
}

/// The candidate that `word` was probably meant to be, as a hint.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // Distance costs length times length, and nobody misspells a word of 40 letters.
    if word.chars().count() > 40 {
        return None;
    }
    let near = |candidate: &str| {
        let distance = strsim::damerau_levenshtein(&word.to_lowercase(), candidate);
        let allowed = (candidate.chars().count() / 3).max(1);
        (distance <= allowed).then_some(distance)
    };
    let (_, best) = candidates
        .into_iter()
        .filter_map(|candidate| Some((near(candidate)?, candidate)))
        .min_by_key(|(d, _)| *d)?;
    Some(format!("did you mean `{best}`?"))
}
