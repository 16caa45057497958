//! The sliced read: large kubeconfigs in the one plain shape that kubectl and the cloud tools write, read line by
//! line without building a tree.
//!
//! It answers only where every line of the file is of a form whose meaning is beyond doubt, and says nothing
//! (`None`) about anything else: anchors, aliases, merges, tabs, flow style, documents, quoted or repeated keys,
//! block scalars, anything that is not ASCII. Then the full parser, which is its oracle in the tests, decides.

use std::borrow::Cow;

use super::config::{
    CLUSTER_ENTRY, CONFIG, CONTEXT_ENTRY, Config, Entry, Field, Shape, USER_ENTRY, is_base64_line,
};
use super::yaml::{Plain, resolve};

/// Levels of nesting inside a value kubectl does not know; deeper is left to the full parser.
const MAX_DEPTH: usize = 8;
/// Keys longer than this may be too long for YAML.
const MAX_KEY: usize = 128;

/// What a kubeconfig's bytes say, or `None` where only the full parser can tell.
pub fn parse(bytes: &[u8]) -> Option<Config<'_>> {
    let mut reader = Reader { rest: bytes, number: 0, line: None };
    reader.advance()?;
    let config = reader.file()?;
    reader.line.is_none().then_some(config)
}

/// A line that says something. `text` begins behind the indentation.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    indent: usize,
    text: &'a [u8],
    /// Blank lines or comments stand before it.
    gap: bool,
}

struct Reader<'a> {
    rest: &'a [u8],
    /// The number of the last line taken from `rest`.
    number: usize,
    /// The line under consideration; `None` at the end.
    line: Option<Line<'a>>,
}

/// A scalar and what it is.
struct Scalar<'a> {
    text: &'a str,
    plain: Plain,
}

impl<'a> Reader<'a> {
    /// Moves to the next line that says something. `None`: there is a line which is not plain.
    fn advance(&mut self) -> Option<()> {
        let mut gap = false;
        self.line = None;
        while !self.rest.is_empty() {
            let (line, rest) = match memchr::memchr(b'\n', self.rest) {
                Some(at) => (&self.rest[..at], &self.rest[at + 1..]),
                None => (self.rest, &[][..]),
            };
            self.rest = rest;
            self.number += 1;
            let indent = line.iter().position(|b| *b != b' ').unwrap_or(line.len());
            let text = &line[indent..];
            match text.first() {
                None => gap = true,
                Some(b'#') if is_printable(text) => gap = true,
                Some(b'#') => return None,
                Some(_) => {
                    self.line = Some(Line { number: self.number, indent, text, gap });
                    return Some(());
                }
            }
        }
        Some(())
    }

    fn file(&mut self) -> Option<Config<'a>> {
        let mut config = Config::default();
        let mut seen = Seen::default();
        while let Some(line) = self.line {
            if line.indent != 0 {
                return None;
            }
            let (key, rest) = key(line.text)?;
            let shape = seen.shape(key, CONFIG)?;
            match key {
                "contexts" => config.contexts = self.entries(rest, &CONTEXT_ENTRY)?,
                "clusters" => config.clusters = self.entries(rest, &CLUSTER_ENTRY)?,
                "users" => config.users = self.entries(rest, &USER_ENTRY)?,
                "current-context" => config.current = self.kept(line, rest)?,
                "kind" if rest == b"Config" => self.advance()?,
                "apiVersion" if rest == b"v1" => self.advance()?,
                "kind" | "apiVersion" => return None,
                _ => self.value(line.indent, rest, shape, None, MAX_DEPTH)?,
            }
        }
        Some(config)
    }

    /// The entries of a top-level list; names that may repeat are left to the full parser.
    fn entries(&mut self, rest: &'a [u8], shape: &'static Shape) -> Option<Vec<Entry<'a>>> {
        let Shape::Struct(fields) = shape else { return None };
        self.advance()?;
        let mut entries = Vec::new();
        match rest {
            b"" => {}
            b"null" | b"[]" => return Some(entries),
            _ => return None,
        }
        let Some(first) = self.line.filter(|line| line.text.starts_with(b"- ")) else {
            // Nothing below the key: a null. Anything else is no list.
            return self.line.is_none_or(|line| line.indent == 0).then_some(entries);
        };
        while let Some(line) = self.item(first.indent)? {
            let mut entry = Entry { line: line.number, ..Entry::default() };
            self.map(line.indent, fields, Some(&mut entry), MAX_DEPTH)?;
            entries.push(entry);
        }
        all_differ(&entries).then_some(entries)
    }

    /// Takes the dash of a list's next item off, so that what stands behind it reads as a line of its own.
    /// `Some(None)`: the list is at its end.
    fn item(&mut self, indent: usize) -> Option<Option<Line<'a>>> {
        let Some(line) = &mut self.line else { return Some(None) };
        if line.indent < indent || (line.indent == indent && line.text[0] != b'-') {
            return Some(None);
        }
        let text = line.text.strip_prefix(b"- ")?;
        if line.indent != indent || matches!(text.first(), None | Some(b' ' | b'#')) {
            return None;
        }
        *line = Line { indent: indent + 2, text, ..*line };
        Some(Some(*line))
    }

    /// The keys at exactly `indent`. `entry` takes the fields that are kept.
    fn map(
        &mut self,
        indent: usize,
        fields: &'static [(&'static str, Shape)],
        mut entry: Option<&mut Entry<'a>>,
        depth: usize,
    ) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let mut seen = Seen::default();
        while let Some(line) = self.line.filter(|line| line.indent >= indent) {
            if line.indent > indent {
                return None;
            }
            if line.text[0] == b'-' {
                // The parent's list goes on, or this is no map; the caller sees which.
                return Some(());
            }
            let (key, rest) = key(line.text)?;
            let shape = seen.shape(key, fields)?;
            let kept = match (entry.as_deref_mut(), key, shape) {
                (Some(entry), "cluster", Shape::Text) => &mut entry.cluster,
                (Some(entry), "user", Shape::Text) => &mut entry.user,
                (Some(entry), "namespace", Shape::Text) => &mut entry.namespace,
                (Some(entry), "server", Shape::Text) => &mut entry.server,
                (Some(entry), "name", Shape::Text) => {
                    entry.line = line.number;
                    entry.name = self.kept(line, rest)?.map(|field| field.text).unwrap_or_default();
                    continue;
                }
                (entry, ..) => {
                    let entry = entry.filter(|_| matches!(key, "context" | "cluster"));
                    self.value(indent, rest, shape, entry, depth)?;
                    continue;
                }
            };
            *kept = self.kept(line, rest)?;
        }
        Some(())
    }

    /// A text on one line that is kept; `Some(None)` when it is empty or null.
    fn kept(&mut self, line: Line<'a>, rest: &'a [u8]) -> Option<Option<Field<'a>>> {
        let scalar = scalar(rest)?;
        self.advance()?;
        if self.line.is_some_and(|next| next.indent > line.indent) {
            return None;
        }
        match scalar.plain {
            Plain::Null => {
                // A list may stand below its key at the same indentation.
                let nested = self.line.is_some_and(|next| next.indent == line.indent && next.text[0] == b'-');
                (!nested || !rest.is_empty()).then_some(None)
            }
            Plain::Text if scalar.text.is_empty() => Some(None),
            Plain::Text => Some(Some(Field { text: Cow::Borrowed(scalar.text), line: line.number })),
            _ => None,
        }
    }

    /// The value behind a key at `indent`: on its line (`rest`) or below it.
    fn value(
        &mut self,
        indent: usize,
        rest: &'a [u8],
        shape: &'static Shape,
        entry: Option<&mut Entry<'a>>,
        depth: usize,
    ) -> Option<()> {
        self.advance()?;
        match (rest, shape) {
            (b"", _) => self.below(indent, shape, entry, depth),
            (b"{}", Shape::Any | Shape::Map(_) | Shape::Struct(_)) => self.nothing_below(indent),
            (b"[]", Shape::Any | Shape::List(_)) => self.nothing_below(indent),
            _ => self.scalar(indent, rest, shape),
        }
    }

    fn nothing_below(&self, indent: usize) -> Option<()> {
        self.line.is_none_or(|line| line.indent <= indent).then_some(())
    }

    fn below(
        &mut self,
        indent: usize,
        shape: &'static Shape,
        entry: Option<&mut Entry<'a>>,
        depth: usize,
    ) -> Option<()> {
        let Some(line) = self.line.filter(|line| line.indent >= indent) else { return Some(()) };
        if line.text[0] == b'-' {
            return self.list(line.indent, shape, depth);
        }
        if line.indent == indent {
            return Some(());
        }
        match shape {
            Shape::Struct(fields) => self.map(line.indent, fields, entry, depth),
            Shape::Map(item) => self.uniform_map(line.indent, item, depth),
            Shape::Any => self.uniform_map(line.indent, &Shape::Any, depth),
            _ => None,
        }?;
        // A map ends where a line stands further left; a dash at its own level is no map's.
        self.nothing_below(indent)
    }

    /// A map in which every value has one shape.
    fn uniform_map(&mut self, indent: usize, item: &'static Shape, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        while let Some(line) = self.line.filter(|line| line.indent >= indent) {
            if line.indent > indent || line.text[0] == b'-' {
                return None;
            }
            let (_, rest) = key(line.text)?;
            self.value(indent, rest, item, None, depth)?;
        }
        Some(())
    }

    fn list(&mut self, indent: usize, shape: &'static Shape, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let item = match shape {
            Shape::List(item) => *item,
            Shape::Any => &Shape::Any,
            _ => return None,
        };
        while let Some(line) = self.item(indent)? {
            match item {
                Shape::Struct(fields) => self.map(line.indent, fields, None, depth)?,
                Shape::Any if key(line.text).is_some() => {
                    self.uniform_map(line.indent, &Shape::Any, depth)?;
                }
                Shape::Any | Shape::Text => {
                    self.advance()?;
                    self.scalar(indent, line.text, item)?;
                }
                _ => return None,
            }
        }
        Some(())
    }

    /// A scalar that is only checked. It may go on over deeper lines, as kubectl folds long texts.
    fn scalar(&mut self, indent: usize, text: &'a [u8], shape: &'static Shape) -> Option<()> {
        if matches!(shape, Shape::Bytes) {
            let sure = text.len() > 8 && text[0].is_ascii_alphabetic() && is_base64_line(text);
            return sure.then(|| self.nothing_below(indent)).flatten();
        }
        let value = scalar(text)?;
        let quoted = matches!(text[0], b'"' | b'\'');
        if self.line.is_some_and(|line| line.indent > indent) {
            let folds = !quoted && value.plain == Plain::Text && matches!(shape, Shape::Text | Shape::Any);
            return if folds { self.folded(indent) } else { None };
        }
        match (shape, value.plain) {
            (Shape::Any, Plain::NonFinite) => None,
            (Shape::Any, _) | (_, Plain::Null) | (Shape::Text, Plain::Text) | (Shape::Flag, Plain::Bool) => {
                Some(())
            }
            _ => None,
        }
    }

    fn folded(&mut self, indent: usize) -> Option<()> {
        while let Some(line) = self.line.filter(|line| line.indent > indent) {
            if line.gap || !line.text[0].is_ascii_alphanumeric() || !is_plain(line.text) {
                return None;
            }
            self.advance()?;
        }
        Some(())
    }
}

/// Which fields of a map were there already.
#[derive(Default)]
struct Seen(u32);

impl Seen {
    /// The shape of a key's value; `None` when a known key comes a second time.
    fn shape(&mut self, key: &str, fields: &'static [(&'static str, Shape)]) -> Option<&'static Shape> {
        let Some(at) = fields.iter().position(|(name, _)| *name == key) else { return Some(&Shape::Any) };
        let bit = 1u32.checked_shl(u32::try_from(at).ok()?)?;
        let first = self.0 & bit == 0;
        self.0 |= bit;
        first.then(|| &fields[at].1)
    }
}

/// Splits `key: value` or `key:`. Only keys of letters, digits, `-`, `_`, `.` and `/` that can mean nothing but
/// text.
fn key(line: &[u8]) -> Option<(&str, &[u8])> {
    let end =
        line.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/')))?;
    let (key, rest) = line.split_at(end);
    if !key.first()?.is_ascii_alphabetic() || key.len() > MAX_KEY {
        return None;
    }
    let key = std::str::from_utf8(key).ok()?;
    if key.len() <= 5 && resolve(key) != Plain::Text {
        return None;
    }
    match rest {
        b":" => Some((key, b"")),
        [b':', b' ', value @ ..] if !matches!(value.first(), None | Some(b' ' | b'#')) => Some((key, value)),
        _ => None,
    }
}

/// A scalar that is whole on its line: plain, or quoted without anything to unquote inside.
fn scalar(text: &[u8]) -> Option<Scalar<'_>> {
    let inner = match text {
        [] => return Some(Scalar { text: "", plain: Plain::Null }),
        [quote @ (b'"' | b'\''), inner @ .., last] if last == quote => {
            let clean = is_printable(inner) && !inner.iter().any(|b| matches!(b, b'"' | b'\'' | b'\\'));
            return clean
                .then(|| std::str::from_utf8(inner).ok())
                .flatten()
                .map(|text| Scalar { text, plain: Plain::Text });
        }
        _ => text,
    };
    let starts_well = match inner {
        [b'-', next, ..] => next.is_ascii_alphanumeric() || inner.len() > 3,
        [first, ..] => {
            first.is_ascii_alphanumeric() || matches!(first, b'/' | b'_' | b'.' | b'+' | b'$' | b'(')
        }
        [] => false,
    };
    if !starts_well || inner.starts_with(b"- ") || !is_plain(inner) {
        return None;
    }
    let text = std::str::from_utf8(inner).ok()?;
    // Words that mean something else than text are short or look like a number.
    let plain = if text.len() <= 5 || !text.as_bytes()[0].is_ascii_alphabetic() {
        resolve(text)
    } else {
        Plain::Text
    };
    Some(Scalar { text, plain })
}

/// Whether a plain scalar's line holds nothing that ends it.
fn is_plain(text: &[u8]) -> bool {
    let ends = |pair: &[u8]| pair == b": " || pair == b" #";
    is_printable(text) && !matches!(text.last(), Some(b' ' | b':')) && !text.windows(2).any(ends)
}

fn is_printable(text: &[u8]) -> bool {
    // Without a branch in it the compiler does sixteen bytes at a time.
    !text.iter().fold(false, |any, b| any | !(b' '..=b'~').contains(b))
}

/// Whether every name is there once. kubectl writes them sorted, so the neighbours usually tell.
fn all_differ(entries: &[Entry<'_>]) -> bool {
    if entries.is_sorted_by(|a, b| a.name < b.name) {
        return true;
    }
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_ref()).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}
