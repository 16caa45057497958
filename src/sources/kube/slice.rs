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
use super::words::{HIGH, within};
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
    text: &'a [u8],
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
                b"contexts" => config.contexts = self.entries(rest, &CONTEXT_ENTRY)?,
                b"clusters" => config.clusters = self.entries(rest, &CLUSTER_ENTRY)?,
                b"users" => config.users = self.entries(rest, &USER_ENTRY)?,
                b"current-context" => config.current = self.kept(line, rest)?,
                b"kind" if rest == b"Config" => self.advance()?,
                b"apiVersion" if rest == b"v1" => self.advance()?,
                b"kind" | b"apiVersion" => return None,
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
                (Some(entry), b"cluster", Shape::Text) => &mut entry.cluster,
                (Some(entry), b"user", Shape::Text) => &mut entry.user,
                (Some(entry), b"namespace", Shape::Text) => &mut entry.namespace,
                (Some(entry), b"server", Shape::Text) => &mut entry.server,
                (Some(entry), b"name", Shape::Text) => {
                    entry.line = line.number;
                    entry.name = self.kept(line, rest)?.map(|field| field.text).unwrap_or_default();
                    continue;
                }
                (entry, ..) => {
                    let entry = entry.filter(|_| matches!(key, b"context" | b"cluster"));
                    self.value(indent, rest, shape, entry, depth)?;
                    continue;
                }
            };
            *kept = self.kept(line, rest)?;
        }
        Some(())
    }

    /// A text that is kept; `Some(None)` when it is empty or null. Where it goes on over deeper lines, the caller
    /// gives up at the first of them.
    fn kept(&mut self, line: Line<'a>, rest: &'a [u8]) -> Option<Option<Field<'a>>> {
        let scalar = scalar(rest)?;
        self.advance()?;
        match scalar.plain {
            Plain::Null => {
                // A list may stand below its key at the same indentation.
                let nested = self.line.is_some_and(|next| next.indent == line.indent && next.text[0] == b'-');
                (!nested || !rest.is_empty()).then_some(None)
            }
            Plain::Text if scalar.text.is_empty() => Some(None),
            Plain::Text => {
                let text = Cow::Borrowed(std::str::from_utf8(scalar.text).ok()?);
                Some(Some(Field { text, line: line.number }))
            }
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
            let (key, rest) = key(line.text)?;
            if !is_text_key(key) {
                return None;
            }
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
    /// The shape of a key's value; `None` when a known key comes a second time, or an unknown one is no text.
    fn shape(&mut self, key: &[u8], fields: &'static [(&'static str, Shape)]) -> Option<&'static Shape> {
        let Some(at) = fields.iter().position(|(name, _)| name.as_bytes() == key) else {
            return is_text_key(key).then_some(&Shape::Any);
        };
        let bit = 1u32.checked_shl(u32::try_from(at).ok()?)?;
        let first = self.0 & bit == 0;
        self.0 |= bit;
        first.then(|| &fields[at].1)
    }
}

/// Whether a key is a text. Words that mean something else have at most five letters.
fn is_text_key(key: &[u8]) -> bool {
    key.len() > 5 || std::str::from_utf8(key).is_ok_and(|key| resolve(key) == Plain::Text)
}

/// Splits `key: value` or `key:`. Only keys of letters, digits, `-`, `_`, `.` and `/` are plain enough.
fn key(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end =
        line.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/')))?;
    let (key, rest) = line.split_at(end);
    if !key.first()?.is_ascii_alphabetic() || key.len() > MAX_KEY {
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
    let starts_well = match text {
        [] => return Some(Scalar { text, plain: Plain::Null }),
        [quote @ (b'"' | b'\''), inner @ .., last] if last == quote => {
            let clean = is_printable(inner) && !inner.iter().any(|b| matches!(b, b'"' | b'\'' | b'\\'));
            return clean.then_some(Scalar { text: inner, plain: Plain::Text });
        }
        [b'-', next, ..] => next.is_ascii_alphanumeric() || (*next == b'-' && text.len() > 3),
        [first, ..] => {
            first.is_ascii_alphanumeric() || matches!(first, b'/' | b'_' | b'.' | b'+' | b'$' | b'(')
        }
    };
    if !starts_well || !is_plain(text) {
        return None;
    }
    // Words that mean something else than text have at most five letters or look like a number.
    let plain = if text.len() <= 5 || !text[0].is_ascii_alphabetic() {
        resolve(std::str::from_utf8(text).ok()?)
    } else {
        Plain::Text
    };
    Some(Scalar { text, plain })
}

/// Whether a plain scalar's line holds nothing that ends it.
fn is_plain(text: &[u8]) -> bool {
    let ends = |at: usize| text[..at].ends_with(b":") || text[at + 1..].starts_with(b"#");
    is_printable(text)
        && !matches!(text.last(), Some(b' ' | b':'))
        && !memchr::memchr_iter(b' ', text).any(ends)
}

fn is_printable(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let odd = |word: &[u8; 8]| {
        let bytes = u64::from_ne_bytes(*word);
        (bytes & HIGH) | (HIGH & !within(bytes & !HIGH, b' ', b'~'))
    };
    words.iter().fold(odd(&last), |any, word| any | odd(word)) == 0
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::super::config::parse_whole;
    use super::*;

    /// A kubeconfig as kubectl and the cloud tools write it.
    fn plain(contexts: usize, indent: &str, cert: &str) -> String {
        let mut out = String::from("apiVersion: v1\nclusters:\n");
        for n in 0..contexts {
            out += &format!(
                "{indent}- cluster:\n{indent}    certificate-authority-data: {cert}\n{indent}    \
                 extensions:\n{indent}    - extension:\n{indent}        last-update: Mon, 01 Jan 2024 10:00:00 \
                 UTC\n{indent}        version: v1.32.0\n{indent}      name: cluster_info\n{indent}    server: \
                 https://api-{n:03}.eks.example:6443\n{indent}  name: cluster-{n:03}\n"
            );
        }
        out += "contexts:\n";
        for n in 0..contexts {
            out += &format!(
                "{indent}- context:\n{indent}    cluster: cluster-{n:03}\n{indent}    namespace: \
                 web\n{indent}    user: user-{n:03}\n{indent}  name: context-{n:03}\n"
            );
        }
        out += "current-context: context-001\nkind: Config\npreferences: {}\nusers:\n";
        for n in 0..contexts {
            out += &format!(
                "{indent}- name: user-{n:03}\n{indent}  user:\n{indent}    exec:\n{indent}      apiVersion: \
                 client.authentication.k8s.io/v1beta1\n{indent}      args:\n{indent}      - \
                 --region\n{indent}      - eu-west-1\n{indent}      command: aws\n{indent}      \
                 env:\n{indent}      - name: AWS_PROFILE\n{indent}        value: acme\n{indent}      \
                 installHint: Install the plugin for use with kubectl by \
                 following\n{indent}        https://example.com/install\n{indent}      provideClusterInfo: \
                 false\n"
            );
        }
        out
    }

    fn certificate() -> String {
        "LS0t".repeat(380)
    }

    #[test]
    fn a_large_plain_kubeconfig_is_sliced() {
        let text = plain(200, "", &certificate());
        assert!(text.len() > 400_000, "{} bytes", text.len());
        let sliced = parse(text.as_bytes()).expect("the sliced read answers");
        assert_eq!(sliced.contexts.len(), 200);
        assert_eq!(sliced.current, Some(Field { text: "context-001".into(), line: 2804 }));
        assert_eq!(Ok(sliced), parse_whole(text.as_bytes()));
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_full_parser() {
        let good = plain(2, "", "LS0tLS0tLS0t");
        let cases = [
            ("anchor", good.replace("cluster: cluster-000", "cluster: &c cluster-000")),
            ("alias", good.replace("cluster: cluster-000", "cluster: *c")),
            ("merge", good.replace("    namespace: web", "    <<: *c")),
            ("tab", good.replace("    namespace: web", "\tnamespace: web")),
            ("tab behind", good.replace("namespace: web", "namespace:\tweb")),
            ("flow", format!("{{current-context: a}}\n{good}")),
            ("flow value", good.replace("user: user-000", "user: {a: b}")),
            ("document", format!("---\n{good}")),
            ("document end", format!("{good}...\n")),
            ("repeated key", format!("{good}current-context: b\n")),
            ("repeated list", format!("{good}contexts: []\n")),
            ("repeated field", good.replace("    namespace: web", "    namespace: web\n    namespace: b")),
            ("quoted key", good.replace("current-context:", "\"current-context\":")),
            ("repeated name", good.replace("name: context-001", "name: context-000")),
            ("repeated user", good.replace("name: user-001", "name: user-000")),
            ("null key", good.replace("namespace: web", "null: web")),
            ("number", good.replace("namespace: web", "namespace: 12")),
            ("boolean", good.replace("namespace: web", "namespace: no")),
            ("number of a user", good.replace("value: acme", "value: 0755")),
            ("not base64", good.replace("LS0tLS0tLS0t", "LS0tLS0-LS0t")),
            ("folded name", good.replace("  name: context-001", "  name: context-001\n    b")),
            ("block scalar", good.replace("command: aws", "command: |\n        aws")),
            ("comment behind", good.replace("namespace: web", "namespace: web # b")),
            ("colon", good.replace("command: aws", "command: a: b")),
            ("kind", good.replace("kind: Config", "kind: Pod")),
            ("no list", good.replace("users:\n", "users: a\n")),
            ("carriage return", good.replace('\n', "\r\n")),
            ("byte order mark", format!("\u{feff}{good}")),
            ("letters", good.replace("command: aws", "command: ä")),
            ("indentation", good.replace("    namespace: web", "   namespace: web")),
            ("escape", good.replace("command: aws", "command: \"a\\tb\"")),
        ];
        assert!(parse(good.as_bytes()).is_some());
        for (what, text) in cases {
            assert_ne!(text, good, "{what}");
            assert_eq!(parse(text.as_bytes()), None, "{what}");
        }
    }

    const BITS: &[&str] = &[
        " ",
        "  ",
        "    ",
        "-",
        "- ",
        ":",
        ": ",
        "\t",
        "\"",
        "'",
        "#",
        " #",
        "# c\n",
        "{",
        "}",
        "[",
        "]",
        "{}",
        "[]",
        ",",
        "&a ",
        "*a",
        "!",
        "!!str ",
        "|",
        ">-\n",
        "%",
        "@",
        "`",
        "?",
        "? ",
        "\n",
        "\n\n",
        "\n \n",
        "\r",
        "~",
        "null",
        "no",
        "y: z\n",
        "1",
        "0x1",
        ".5",
        ".inf",
        "<<: *a",
        "---",
        "---\n",
        "...\n",
        "é",
        "\u{feff}",
        "\u{85}",
        "\\",
        "name: a\n",
        "name",
        "cluster: b\n",
        "context:\n",
        "a",
        "=",
        "- a\n",
        "- name: b\n",
        "user-000",
        "context-000",
        "\"a\"",
        "'a'",
        "true",
        "current-context: b\n",
        "users:\n",
        "kind: Config\n",
        "\x7f",
    ];

    /// One change: where, what is put in, and how much is cut.
    fn change(text: &mut Vec<u8>, at: Index, bit: &str, cut: usize) {
        let at = at.index(text.len() + 1);
        let end = (at + cut).min(text.len());
        text.splice(at..end, bit.bytes());
    }

    fn change_line(text: &mut Vec<u8>, from: Index, to: Index, shift: usize) {
        let mut lines: Vec<Vec<u8>> = text.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        let (from, to) = (from.index(lines.len()), to.index(lines.len()));
        match shift {
            0 => {
                lines.remove(from);
            }
            1 => lines.insert(to, lines[from].clone()),
            2 => lines.swap(from, to),
            3 => lines[from].splice(..0, *b"  ").for_each(drop),
            _ => {
                let cut = lines[from].len().min(2);
                lines[from].drain(..cut);
            }
        }
        *text = lines.join(&b'\n');
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_slice_says_what_the_full_parser_says_or_nothing(
            contexts in 0usize..4,
            indent in select(vec!["", "", "  ", "      "]),
            changes in prop::collection::vec((any::<Index>(), select(BITS), 0usize..4), 0..3),
            lines in prop::collection::vec((any::<Index>(), any::<Index>(), 0usize..5), 0..3),
        ) {
            let mut text = plain(contexts, indent, "LS0tLS0tLS0t").into_bytes();
            if changes.is_empty() && lines.is_empty() {
                prop_assert!(parse(&text).is_some());
            }
            for (at, bit, cut) in changes {
                change(&mut text, at, bit, cut);
            }
            for (from, to, shift) in lines {
                change_line(&mut text, from, to, shift);
            }
            if let Some(sliced) = parse(&text) {
                prop_assert_eq!(Ok(sliced), parse_whole(&text), "{}", String::from_utf8_lossy(&text));
            }
        }

        #[test]
        fn both_are_total(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let sliced = parse(&bytes);
            let whole = parse_whole(&bytes);
            prop_assert!(sliced.is_none() || sliced == whole.ok());
        }
    }
}
