//! The types of configuration values: what each accepts, how it is described and how JSON Schema says it. What it
//! refuses: to guess. A value that is not of its key's type is a fault with the place and what was expected.

use std::ops::Range;

use serde_json::{Value as Json, json};
use toml::Spanned;
use toml::de::DeValue;
use unicode_width::UnicodeWidthStr;

use crate::config::diagnosis::{Fault, did_you_mean, shown};
use crate::config::keys::{REST, Value};
use crate::guard::{hours, lease};
use crate::signal::Kind;

/// Colour names, in the order of the manual; `#rrggbb` is the other way to say one.
pub const COLORS: &[&str] = &["red", "yellow", "green", "blue", "magenta", "cyan", "white", "black"];

/// A list longer than this is a mistake, and comparing its words would take too long at a prompt.
const LIST_CAP: usize = 1000;

/// Longer than any word of a name.
const WORD_CAP: usize = 100;

const NAME_CAP: usize = 32;
const BADGE_CAP: usize = 16;

/// What a segment's format may hold between braces.
pub const FIELDS: &[&str] = &["badge", "domain", "target", "more"];

const FORMAT_CAP: usize = 64;

/// Names that mean something else wherever an environment's name stands.
const TAKEN: &[&str] = &["safe", "clear", "unsure"];

/// The type of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An environment's name.
    Name,
    /// Any text that is not empty.
    Text,
    /// A short text for the prompt.
    Badge,
    /// How the segment is put together: text, and [`FIELDS`] between braces.
    Format,
    /// A colour's name or `#rrggbb`.
    Color,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The word of a [`Kind`].
    SignalKind,
    /// The name of a defined environment, or `safe`. Whether it is defined, the merge checks.
    EnvironmentOrSafe,
    /// The same, or nothing.
    HostEnvironment,
    /// A list of words and phrases; `"..."` stands for the layer below.
    Words,
    /// A list of windows in the week.
    Windows,
    /// A time zone's name, or nothing.
    Zone,
    /// A duration of a second to an hour.
    Duration,
    /// A duration of a second to a year.
    Span,
    /// True or false.
    Flag,
    /// A list of names.
    Names,
    /// A program and its arguments.
    Command,
    /// A list of patterns of files.
    PathPatterns,
    /// A list of patterns of commands.
    CommandPatterns,
    /// A list of key paths. Whether they exist, the merge checks.
    KeyPaths,
}

/// A value of the right type, and the byte ranges of a list's elements.
pub struct Checked {
    pub value: Value,
    pub elements: Vec<Range<usize>>,
}

impl Shape {
    /// Checks the value of the key `name`. What is wrong with it goes into `faults`; `None` when nothing of it can be
    /// used. Of a list the good elements remain.
    pub fn check(self, name: &str, value: &Spanned<DeValue<'_>>, faults: &mut Vec<Fault>) -> Option<Checked> {
        match self {
            Shape::Words
            | Shape::Windows
            | Shape::KeyPaths
            | Shape::Names
            | Shape::Command
            | Shape::PathPatterns
            | Shape::CommandPatterns => self.check_list(name, value, faults),
            Shape::Flag => {
                if let Some(flag) = value.get_ref().as_bool() {
                    return Some(Checked { value: Value::Flag(flag), elements: Vec::new() });
                }
                let found = type_name(value.get_ref());
                let message = format!("`{name}` must be {}, not {found}", self.described());
                faults.push(Fault::new(value.span(), message));
                None
            }
            _ => {
                let Some(text) = value.get_ref().as_str() else {
                    faults.push(Fault::new(
                        value.span(),
                        format!("`{name}` must be {}, not {}", self.described(), type_name(value.get_ref())),
                    ));
                    return None;
                };
                match self.check_text(name, text) {
                    None => Some(Checked { value: Value::Text(text.to_string()), elements: Vec::new() }),
                    Some((message, hint)) => {
                        faults.push(Fault::new(value.span(), message).hint(hint));
                        None
                    }
                }
            }
        }
    }

    fn check_list(
        self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        faults: &mut Vec<Fault>,
    ) -> Option<Checked> {
        let Some(array) = value.get_ref().as_array() else {
            let hint = match value.get_ref().as_str() {
                Some(text) if !text.contains(['"', '\\']) => Some(format!("write [\"{}\"]", shown(text))),
                _ => None,
            };
            let message =
                format!("`{name}` must be {}, not {}", self.described(), type_name(value.get_ref()));
            faults.push(Fault::new(value.span(), message).hint(hint));
            return None;
        };
        if array.len() > LIST_CAP {
            faults.push(Fault::new(value.span(), format!("`{name}` has more than {LIST_CAP} elements")));
            return None;
        }
        if self == Shape::Command && array.is_empty() {
            faults.push(Fault::new(value.span(), format!("`{name}` must be {}", self.described())));
            return None;
        }
        let mut rest_seen = false;
        let (mut list, mut elements) = (Vec::with_capacity(array.len()), Vec::with_capacity(array.len()));
        for element in array.iter() {
            let Some(text) = element.get_ref().as_str() else {
                let found = type_name(element.get_ref());
                faults.push(Fault::new(element.span(), format!("`{name}` holds text only, not {found}")));
                continue;
            };
            let again = text == REST && std::mem::replace(&mut rest_seen, true);
            let wrong = match again {
                true => Some("`\"...\"` stands here for the second time".to_string()),
                false => self.check_element(name, text),
            };
            match wrong {
                Some(message) => faults.push(Fault::new(element.span(), message)),
                None => {
                    list.push(text.to_string());
                    elements.push(element.span());
                }
            }
        }
        Some(Checked { value: Value::List(list), elements })
    }

    fn check_element(self, name: &str, text: &str) -> Option<String> {
        if text == REST {
            return None;
        }
        if matches!(self, Shape::Names | Shape::Command | Shape::PathPatterns | Shape::CommandPatterns)
            && text.trim().is_empty()
        {
            return Some(format!("an empty text in `{name}` says nothing"));
        }
        if self == Shape::PathPatterns && text.split('/').any(|part| part == "..") {
            return Some(format!("`{}` never matches: no path is looked at with `..` in it", shown(text)));
        }
        if self == Shape::PathPatterns && text.chars().all(|char| matches!(char, '*' | '/' | '~' | '.')) {
            return Some(format!("`{}` would match every file", shown(text)));
        }
        if self == Shape::CommandPatterns
            && let Some(char) = text.chars().find(|char| ";|&<>()`$\"'".contains(*char))
        {
            return Some(format!("`{}` never matches: one command holds no `{char}`", shown(text)));
        }
        if self == Shape::Windows && !hours::is_window(text) {
            return Some(format!(
                "`{}` is no window: write HH:MM-HH:MM, or a day or days before it (`Fri 16:00-24:00`)",
                shown(text)
            ));
        }
        if self != Shape::Words {
            return None;
        }
        let message = if text.chars().count() > WORD_CAP {
            format!("`{}` is longer than {WORD_CAP} characters", shown(text))
        } else if text.trim().is_empty() {
            format!("an empty word in `{name}` matches nothing")
        } else if text.chars().all(|char| !char.is_alphanumeric()) && text.contains('*') {
            format!("`{}` in `{name}` would match every word", shown(text))
        } else if !text.chars().any(char::is_alphanumeric) {
            format!("`{}` in `{name}` has no letter or digit, so it matches nothing", shown(text))
        } else {
            return None;
        };
        Some(message)
    }

    fn check_text(self, name: &str, text: &str) -> Option<(String, Option<String>)> {
        let plain = |message: String| Some((message, None));
        match self {
            Shape::OneOf(words) if !words.contains(&text) => {
                Some(not_one_of(name, text, words, &self.described()))
            }
            Shape::SignalKind if Kind::from_word(text).is_none() => {
                Some(not_one_of(name, text, &kinds(), &self.described()))
            }
            Shape::Color if !is_color(text) => Some((
                format!("`{}` is no colour: {} or #rrggbb", shown(text), COLORS.join(", ")),
                did_you_mean(text, COLORS.iter().copied()),
            )),
            Shape::Duration if !lease::seconds(text).is_some_and(|s| (1..=3600).contains(&s)) => plain(
                format!("`{name}` must be {}, as in `60s` or `2m`, not `{}`", self.described(), shown(text)),
            ),
            Shape::Span if !lease::seconds(text).is_some_and(|s| (1..=366 * 86_400).contains(&s)) => plain(
                format!("`{name}` must be {}, as in `1h` or `7d`, not `{}`", self.described(), shown(text)),
            ),
            Shape::Zone if !is_zone(text) => {
                plain(format!("`{name}` must be {}, not `{}`", self.described(), shown(text)))
            }
            Shape::Name if TAKEN.contains(&text) => {
                plain(format!("no environment can be called `{text}`: the word has another meaning"))
            }
            Shape::Name if !is_name(text) => plain(format!(
                "`{name}` must be 1 to {NAME_CAP} letters, digits, `-` or `_`, not `{}`",
                shown(text)
            )),
            Shape::Badge if text.trim().is_empty() || text.width() > BADGE_CAP || shown(text) != text => {
                plain(format!("`{name}` must be 1 to {BADGE_CAP} visible columns"))
            }
            Shape::Format => wrong_format(name, text),
            Shape::Text | Shape::EnvironmentOrSafe if text.trim().is_empty() => {
                plain(format!("`{name}` is empty"))
            }
            _ => None,
        }
    }

    /// The words of a type that are too many for a message.
    pub fn words(self) -> Option<Vec<&'static str>> {
        match self {
            Shape::SignalKind => Some(kinds()),
            Shape::Color => Some(COLORS.to_vec()),
            _ => None,
        }
    }

    /// What a value of this type is, for a sentence: `must be …`.
    pub fn described(self) -> String {
        match self {
            Shape::Name => "a name".into(),
            Shape::Text => "text".into(),
            Shape::Badge => "a short text".into(),
            Shape::Format => "a format such as `{badge} {target} {more}`".into(),
            Shape::Color => "a colour".into(),
            Shape::OneOf(words) => choice(words),
            Shape::SignalKind => "a signal's kind".into(),
            Shape::EnvironmentOrSafe => "an environment's name or `safe`".into(),
            Shape::HostEnvironment => "an environment's name, `safe` or nothing".into(),
            Shape::Words => "a list of words".into(),
            Shape::Windows => "a list of windows".into(),
            Shape::Zone => "a time zone such as `Europe/Berlin`".into(),
            Shape::Duration => "a duration of a second to an hour".into(),
            Shape::Span => "a duration of a second to a year".into(),
            Shape::Flag => "`true` or `false`".into(),
            Shape::Names => "a list of names".into(),
            Shape::Command => "a list of a program and its arguments".into(),
            Shape::PathPatterns | Shape::CommandPatterns => "a list of patterns".into(),
            Shape::KeyPaths => "a list of key paths".into(),
        }
    }

    /// The JSON Schema of a value of this type.
    pub fn schema(self) -> Json {
        match self {
            Shape::Name => json!({
                "type": "string", "minLength": 1, "maxLength": NAME_CAP, "pattern": "^[^\\s!-,./:-@\\[-^`{-~]+$",
                "not": { "enum": TAKEN },
            }),
            Shape::Text | Shape::EnvironmentOrSafe => json!({ "type": "string", "minLength": 1 }),
            Shape::HostEnvironment => json!({ "type": "string" }),
            Shape::Badge => json!({ "type": "string", "minLength": 1, "maxLength": BADGE_CAP }),
            Shape::Format => json!({
                "type": "string", "maxLength": FORMAT_CAP, "pattern": "\\{(badge|target)\\}",
            }),
            Shape::Color => json!({
                "anyOf": [
                    { "enum": COLORS },
                    { "type": "string", "pattern": "^#[0-9A-Fa-f]{6}$" },
                ],
            }),
            Shape::OneOf(words) => json!({ "enum": words }),
            Shape::SignalKind => json!({ "enum": kinds() }),
            Shape::Zone => json!({ "type": "string", "pattern": "^[A-Za-z0-9_+/-]*$" }),
            Shape::Duration | Shape::Span => json!({ "type": "string", "minLength": 2 }),
            Shape::Flag => json!({ "type": "boolean" }),
            Shape::Command => json!({
                "type": "array", "minItems": 1, "maxItems": LIST_CAP, "items": { "type": "string", "minLength": 1 },
            }),
            Shape::Words
            | Shape::Windows
            | Shape::KeyPaths
            | Shape::Names
            | Shape::PathPatterns
            | Shape::CommandPatterns => json!({
                "type": "array", "maxItems": LIST_CAP, "items": { "type": "string", "minLength": 1 },
            }),
        }
    }
}

fn kinds() -> Vec<&'static str> {
    Kind::ALL.iter().map(|kind| kind.as_str()).collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= NAME_CAP
        && text.chars().all(|char| char.is_alphanumeric() || matches!(char, '-' | '_'))
}

fn is_color(text: &str) -> bool {
    let hex = |digits: &str| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    COLORS.contains(&text) || text.strip_prefix('#').is_some_and(hex)
}

/// What is wrong with a segment's format, and what was probably meant.
fn wrong_format(name: &str, text: &str) -> Option<(String, Option<String>)> {
    if text.width() > FORMAT_CAP || shown(text) != text {
        return Some((format!("`{name}` must be at most {FORMAT_CAP} visible columns"), None));
    }
    let all = || FIELDS.iter().map(|field| format!("{{{field}}}")).collect::<Vec<_>>().join(", ");
    let mut named = false;
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let field = rest[at..].strip_prefix('{').and_then(|open| open.split_once('}'));
        let Some((field, behind)) = field else {
            return Some((
                format!("`{name}` has a brace without its other half"),
                Some(format!("it holds {}", all())),
            ));
        };
        if !FIELDS.contains(&field) {
            let hint =
                did_you_mean(field, FIELDS.iter().copied()).unwrap_or_else(|| format!("it holds {}", all()));
            return Some((format!("`{name}` knows no {{{}}}", shown(field)), Some(hint)));
        }
        named |= matches!(field, "badge" | "target");
        rest = behind;
    }
    // Colour is never the only sign.
    (!named).then(|| (format!("`{name}` needs {{badge}} or {{target}}"), None))
}

/// A zone's name becomes a path in the system's data base: nothing of it may leave that.
fn is_zone(text: &str) -> bool {
    text.len() <= WORD_CAP
        && !text.starts_with('/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+/-".contains(&byte))
}

fn not_one_of(name: &str, text: &str, words: &[&str], described: &str) -> (String, Option<String>) {
    let message = format!("`{name}` must be {described}, not `{}`", shown(text));
    let all = || (words.len() > 4).then(|| format!("one of {}", words.join(", ")));
    (message, did_you_mean(text, words.iter().copied()).or_else(all))
}

/// `a`, `a` or `b`, `a`, `b` or `c`.
fn choice(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// A TOML type with its article.
pub fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
