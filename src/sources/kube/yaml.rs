//! YAML as kubectl reads it: the first document of a file as a flat tree, plain scalars resolved by the rules of
//! YAML 1.1, merge keys laid out. It refuses what kubectl refuses, deep nesting, huge documents and alias bombs.
//!
//! The tree is an arena: an alias is a second reference to the same node, so it costs nothing to expand, and
//! neither building nor dropping recurses.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

/// Levels of nesting that are followed; a real kubeconfig has ten.
const MAX_DEPTH: usize = 256;
/// Nodes that are kept: some fifteen times as many as a kubeconfig of 200 contexts needs.
const MAX_NODES: usize = 300_000;
/// Indicator characters that are let through: the parser holds the tokens of an open flow collection in memory.
const MAX_INDICATORS: usize = 200_000;
const TABBED: &str = "is indented by a tab";
/// What lies between YAML's tag prefix and a type's name.
const CORE: &str = "tag:yaml.org,2002:";

/// Why a text is refused, and the line (from 1) where, if it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    pub line: Option<usize>,
    /// The end of a sentence; holds no text of the file.
    pub why: Cow<'static, str>,
}

impl Flaw {
    pub fn new(line: impl Into<Option<usize>>, why: impl Into<Cow<'static, str>>) -> Flaw {
        Flaw { line: line.into(), why: why.into() }
    }
}

/// What a plain scalar means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    Null,
    Bool,
    Number,
    /// Infinity or not a number: kubectl goes through JSON, which has neither.
    NonFinite,
    Text,
}

/// The index of a node in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(u32);

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node<'a> {
    Null,
    Bool,
    Number,
    Text(Cow<'a, str>),
    List(Range<usize>),
    Map(Range<usize>),
}

/// One child: the node, and whether an alias led to it.
#[derive(Clone, Copy, Debug)]
struct Child {
    id: Id,
    alias: bool,
}

/// What building needs to know of a finished node.
#[derive(Clone, Copy, Debug)]
struct Facts {
    line: usize,
    /// Nodes below and including this one, every alias counted as often as it is named.
    weight: u64,
    /// How many of them an alias led to.
    aliased: u64,
    /// The scalar `<<`, plain or tagged as a merge key.
    merge: bool,
}

/// A document.
#[derive(Debug, Default)]
pub struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    facts: Vec<Facts>,
    /// Items of lists; keys and values of maps in turn.
    children: Vec<Child>,
}

struct Open {
    map: bool,
    line: usize,
    anchor: usize,
    /// Where its children begin on the pending stack.
    from: usize,
}

impl<'a> Tree<'a> {
    /// The first document of `text`, and its root; a text without one is a null. Reads no further than needed.
    pub fn parse(text: &'a str) -> Result<(Tree<'a>, Id), Flaw> {
        check_indicators(text)?;
        check_directives(text)?;
        // kubectl lets a tab stand between a key and its value, the parser does not.
        let tabs = memchr::memchr(b'\t', text.as_bytes()).is_some();
        let spaced: Cow<'a, str> = if tabs { text.replace(":\t", ": ").into() } else { text.into() };
        match spaced {
            Cow::Borrowed(text) => Tree::build(text, tabs),
            Cow::Owned(text) => Tree::build(&text, tabs).map(|(tree, root)| (tree.into_owned(), root)),
        }
    }

    fn build(text: &'a str, tabs: bool) -> Result<(Tree<'a>, Id), Flaw> {
        let mut parser = Parser::new_from_str(text);
        let mut builder = Builder::default();
        let mut strict = Strictness::of(text, tabs);
        loop {
            let (event, span) = match parser.next_event() {
                Some(Ok(next)) => next,
                Some(Err(error)) => {
                    let line = error.marker().line();
                    let tabbed = strict.is_some_and(|strict| strict.tabbed.contains(&line));
                    let why = if tabbed { TABBED.into() } else { invalid(error.info()) };
                    return Err(Flaw::new(line, why));
                }
                None => break,
            };
            if matches!(event, Event::DocumentEnd | Event::StreamEnd) {
                break;
            }
            if let Some(strict) = &mut strict {
                strict.event(&event, span)?;
            }
            builder.event(event, span)?;
            // kubectl reads no further: what follows the first value may be anything.
            if builder.is_complete() {
                break;
            }
        }
        if let Some(strict) = strict {
            strict.finish()?;
        }
        builder.finish()
    }

    /// The node itself.
    pub fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id.0 as usize]
    }

    /// The line (from 1) where the node begins; for an alias the anchor's.
    pub fn line(&self, id: Id) -> usize {
        self.facts[id.0 as usize].line
    }

    /// The items of a list, none for anything else.
    pub fn items(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        let range = match self.node(id) {
            Node::List(range) => range.clone(),
            _ => 0..0,
        };
        self.children[range].iter().map(|child| child.id)
    }

    /// The keys and values of a map in the order in which they count, the last of a repeated key winning; none
    /// for anything else.
    pub fn pairs(&self, id: Id) -> impl Iterator<Item = (Id, Id)> + '_ {
        let range = match self.node(id) {
            Node::Map(range) => range.clone(),
            _ => 0..0,
        };
        self.children[range].chunks_exact(2).map(|pair| (pair[0].id, pair[1].id))
    }

    /// The text of a node that is text.
    pub fn text(&self, id: Id) -> Option<&Cow<'a, str>> {
        match self.node(id) {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    fn into_owned(self) -> Tree<'static> {
        let own = |node: Node<'a>| match node {
            Node::Null => Node::Null,
            Node::Bool => Node::Bool,
            Node::Number => Node::Number,
            Node::Text(text) => Node::Text(text.into_owned().into()),
            Node::List(range) => Node::List(range),
            Node::Map(range) => Node::Map(range),
        };
        Tree { nodes: self.nodes.into_iter().map(own).collect(), facts: self.facts, children: self.children }
    }

    fn push(&mut self, node: Node<'a>, facts: Facts) -> Result<Id, Flaw> {
        if self.nodes.len() + self.children.len() >= MAX_NODES {
            return Err(Flaw::new(facts.line, "is too large: it holds more than 300,000 values"));
        }
        let id = Id(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        self.facts.push(facts);
        Ok(id)
    }

    fn facts(&self, id: Id) -> Facts {
        self.facts[id.0 as usize]
    }
}

#[derive(Default)]
struct Builder<'a> {
    tree: Tree<'a>,
    open: Vec<Open>,
    /// Children of the open collections, innermost last.
    pending: Vec<Child>,
    /// The node an anchor names; `None` while that node is still open.
    anchors: HashMap<usize, Option<Id>>,
}

impl<'a> Builder<'a> {
    fn event(&mut self, event: Event<'a>, span: Span) -> Result<(), Flaw> {
        let line = span.start.line();
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                if span.end.line() != line && self.expects_key() {
                    return Err(Flaw::new(line, "has a key that goes over several lines"));
                }
                let merge = value == "<<" && is_merge(style, tag.as_deref());
                let node = scalar(value, style, tag.as_deref()).map_err(|why| Flaw::new(line, why))?;
                let id = self.tree.push(node, Facts { line, weight: 1, aliased: 0, merge })?;
                self.anchors.insert(anchor, Some(id));
                self.pending.push(Child { id, alias: false });
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(Some(id)) => self.pending.push(Child { id: *id, alias: true }),
                Some(None) => return Err(Flaw::new(line, "has an anchor that contains itself")),
                None => return Err(Flaw::new(line, "names an anchor that it does not define")),
            },
            Event::SequenceStart(anchor, _) => self.start(false, line, anchor)?,
            Event::MappingStart(anchor, _) => self.start(true, line, anchor)?,
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            _ => {}
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.open.is_empty() && !self.pending.is_empty()
    }

    fn expects_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.map && (self.pending.len() - open.from).is_multiple_of(2))
    }

    fn start(&mut self, map: bool, line: usize, anchor: usize) -> Result<(), Flaw> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Flaw::new(line, "is nested more than 256 levels deep"));
        }
        self.anchors.insert(anchor, None);
        self.open.push(Open { map, line, anchor, from: self.pending.len() });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Flaw> {
        let Some(Open { map, line, anchor, from }) = self.open.pop() else { return Ok(()) };
        let mut facts = Facts { line, weight: 1, aliased: 0, merge: false };
        for child in &self.pending[from..] {
            let below = self.tree.facts(child.id);
            let aliased = if child.alias { below.weight } else { below.aliased };
            facts.weight = facts.weight.saturating_add(below.weight);
            facts.aliased = facts.aliased.saturating_add(aliased);
        }
        let begin = self.tree.children.len();
        if map {
            self.lay_out(from)?;
        } else {
            self.tree.children.extend_from_slice(&self.pending[from..]);
        }
        self.pending.truncate(from);
        let range = begin..self.tree.children.len();
        let node = if map { Node::Map(range) } else { Node::List(range) };
        let id = self.tree.push(node, facts)?;
        self.anchors.insert(anchor, Some(id));
        self.pending.push(Child { id, alias: false });
        Ok(())
    }

    /// Puts a map's pairs into the arena, those of merge keys in their place: in kubectl's YAML a merge key beats
    /// the keys before it and yields to the keys after it.
    fn lay_out(&mut self, from: usize) -> Result<(), Flaw> {
        for at in (from..self.pending.len()).step_by(2) {
            let [key, value] = self.pending[at..at + 2] else { break };
            let line = self.tree.line(key.id);
            match self.tree.node(key.id) {
                Node::Null => return Err(Flaw::new(line, "has a key that is null")),
                Node::List(_) | Node::Map(_) => return Err(Flaw::new(line, "has a key that is no scalar")),
                _ if self.tree.facts(key.id).merge => self.merge(value, line)?,
                _ => self.tree.children.extend([key, value]),
            }
        }
        Ok(())
    }

    fn merge(&mut self, value: Child, line: usize) -> Result<(), Flaw> {
        let refused = || Flaw::new(line, "has a merge key (<<) without a map");
        let sources: Vec<Id> = match self.tree.node(value.id) {
            Node::Map(_) => vec![value.id],
            // The first of a list wins, so it is laid out last.
            Node::List(range) if !value.alias => {
                self.tree.children[range.clone()].iter().rev().map(|child| child.id).collect()
            }
            _ => return Err(refused()),
        };
        for id in sources {
            let Node::Map(range) = self.tree.node(id).clone() else { return Err(refused()) };
            if self.tree.children.len() + range.len() > MAX_NODES {
                return Err(Flaw::new(line, "has merge keys that multiply without end"));
            }
            self.tree.children.extend_from_within(range);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(Tree<'a>, Id), Flaw> {
        let Some(root) = self.pending.first().copied() else {
            let nothing = Facts { line: 1, weight: 1, aliased: 0, merge: false };
            let root = self.tree.push(Node::Null, nothing)?;
            return Ok((self.tree, root));
        };
        let Facts { weight, aliased, .. } = self.tree.facts(root.id);
        if too_much_aliasing(weight, aliased) {
            return Err(Flaw::new(None, "has aliases that multiply without end"));
        }
        Ok((self.tree, root.id))
    }
}

/// What kubectl refuses and the parser does not: tabs that indent, and `\/` in double quotes. Built only for a text
/// that holds either.
struct Strictness<'a> {
    text: &'a str,
    /// The place in `text` that was looked at last, in characters and in bytes.
    chars: usize,
    bytes: usize,
    /// Lines that a tab indents, in order.
    tabbed: Vec<usize>,
    /// How many of `tabbed` are settled: inside flow collections and scalars a tab may stand.
    settled: usize,
    /// Open collections: whether they are flow style, and their first line.
    open: Vec<(bool, usize)>,
}

impl<'a> Strictness<'a> {
    fn of(text: &'a str, tabs: bool) -> Option<Strictness<'a>> {
        if !tabs && !text.contains("\\/") {
            return None;
        }
        let indents = |line: &str| line.trim_start_matches([' ', '-', '?']).starts_with('\t');
        let tabbed =
            lines(text).enumerate().filter(|(_, line)| indents(line)).map(|(at, _)| at + 1).collect();
        Some(Strictness { text, chars: 0, bytes: 0, tabbed, settled: 0, open: Vec::new() })
    }

    /// The text from the character `from`, which is not before any asked for earlier.
    fn from(&mut self, from: usize) -> &'a str {
        let ahead = from.saturating_sub(self.chars);
        let rest = &self.text[self.bytes..];
        let bytes = rest.char_indices().nth(ahead).map_or(rest.len(), |(at, _)| at);
        self.chars += ahead;
        self.bytes += bytes;
        &self.text[self.bytes..]
    }

    fn event(&mut self, event: &Event<'_>, span: Span) -> Result<(), Flaw> {
        let (first, last) = (span.start.line(), span.end.line());
        let in_flow = self.open.last().is_some_and(|(flow, _)| *flow);
        match event {
            Event::Scalar(_, style, ..) => {
                self.refuse_before(if in_flow { 0 } else { first + 1 })?;
                if *style == ScalarStyle::DoubleQuoted {
                    let source = self.from(span.start.index());
                    let length: usize = source
                        .chars()
                        .take(span.end.index().saturating_sub(span.start.index()))
                        .map(char::len_utf8)
                        .sum();
                    if escapes_slash(&source[..length]) {
                        return Err(Flaw::new(first, "has an escape (\\/) that kubectl refuses"));
                    }
                }
                self.skip_to(last);
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                let flow = in_flow || self.from(span.start.index()).starts_with(['{', '[']);
                self.refuse_before(if in_flow { 0 } else { first + 1 })?;
                self.open.push((flow, first));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((true, _)) = self.open.pop() {
                    self.skip_to(last);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A tabbed line before `line` that nothing took in is an error.
    fn refuse_before(&self, line: usize) -> Result<(), Flaw> {
        match self.tabbed.get(self.settled) {
            Some(tabbed) if *tabbed < line => Err(Flaw::new(*tabbed, TABBED)),
            _ => Ok(()),
        }
    }

    fn skip_to(&mut self, line: usize) {
        while self.tabbed.get(self.settled).is_some_and(|tabbed| *tabbed <= line) {
            self.settled += 1;
        }
    }

    /// At the end of the document: tabbed lines behind its last value, up to the next document.
    fn finish(self) -> Result<(), Flaw> {
        let marker = |line: &str| line.starts_with("---") || line.starts_with("...");
        let from = self.tabbed.get(self.settled).copied().unwrap_or(usize::MAX);
        let next = lines(self.text).enumerate().skip(1).find(|(_, line)| marker(line)).map(|(at, _)| at + 1);
        self.refuse_before(next.filter(|next| from < *next).unwrap_or(usize::MAX))
    }
}

/// Lines as YAML counts them.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

fn escapes_slash(quoted: &str) -> bool {
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next() == Some('/') {
            return true;
        }
    }
    false
}

/// kubectl's own bar: of up to 400,000 values 99 of 100 may come from aliases, of 4,000,000 and more one in ten.
fn too_much_aliasing(weight: u64, aliased: u64) -> bool {
    const LOW: u64 = 400_000;
    const HIGH: u64 = 4_000_000;
    let per_mille = match weight {
        ..=LOW => 990,
        HIGH.. => 100,
        _ => 990 - 890 * (weight - LOW) / (HIGH - LOW),
    };
    aliased > 100 && weight > 1000 && u128::from(aliased) * 1000 > u128::from(weight) * u128::from(per_mille)
}

/// The parser's words, unless they could hold a piece of the file.
fn invalid(info: &str) -> Cow<'static, str> {
    let wordy = |c: char| c.is_ascii_lowercase() || matches!(c, ' ' | ',');
    if info.len() <= 80 && info.chars().all(wordy) {
        format!("is not valid YAML: {info}").into()
    } else {
        "is not valid YAML".into()
    }
}

/// Base64, the bulk of a large kubeconfig, holds none of these.
fn check_indicators(text: &str) -> Result<(), Flaw> {
    let indicator =
        |b: u8| matches!(b, b',' | b':' | b'?' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'#');
    if text.len() > MAX_INDICATORS && text.bytes().filter(|b| indicator(*b)).count() > MAX_INDICATORS {
        return Err(Flaw::new(None, "is too large: it holds more than 200,000 separators"));
    }
    Ok(())
}

/// kubectl knows YAML 1.1 only; a directive may stand only before the first document.
fn check_directives(text: &str) -> Result<(), Flaw> {
    for (index, line) in text.split(['\n', '\r']).enumerate() {
        match line.as_bytes().first() {
            None | Some(b'#' | b' ') => {}
            Some(b'%') => {
                let mut words = line.split_ascii_whitespace();
                let known = match words.next() {
                    Some("%YAML") => words.next() == Some("1.1"),
                    word => word == Some("%TAG"),
                };
                if !known {
                    return Err(Flaw::new(index + 1, "has a directive that kubectl refuses"));
                }
            }
            Some(b'.') if line.starts_with("...") => {
                return Err(Flaw::new(index + 1, "ends before it begins"));
            }
            Some(_) => return Ok(()),
        }
        if !line.trim_start_matches(' ').is_empty() && !line.trim_start_matches(' ').starts_with(['#', '%']) {
            return Ok(());
        }
    }
    Ok(())
}

fn core_name(tag: &Tag) -> Option<&str> {
    match tag.handle.as_str() {
        CORE => Some(&tag.suffix),
        _ => tag.suffix.strip_prefix(CORE),
    }
}

fn is_merge(style: ScalarStyle, tag: Option<&Tag>) -> bool {
    match tag {
        None => style == ScalarStyle::Plain,
        Some(tag) => core_name(tag) == Some("merge"),
    }
}

fn scalar<'a>(value: Cow<'a, str>, style: ScalarStyle, tag: Option<&Tag>) -> Result<Node<'a>, &'static str> {
    let Some(tag) = tag else {
        return if style == ScalarStyle::Plain { plain(value) } else { Ok(Node::Text(value)) };
    };
    let (name, meant) = (core_name(tag), resolve(&value));
    match (name, meant) {
        (Some("int" | "float"), Plain::Number) => Ok(Node::Number),
        (Some("bool"), Plain::Bool) => Ok(Node::Bool),
        (Some("null"), Plain::Null) => Ok(Node::Null),
        (Some("int" | "float" | "bool" | "null"), _) => Err("has a tag that its value does not fit"),
        (Some("binary"), _) => Err("has a binary value, which redtab does not read"),
        _ => Ok(Node::Text(value)),
    }
}

fn plain(value: Cow<'_, str>) -> Result<Node<'_>, &'static str> {
    match resolve(&value) {
        Plain::Null => Ok(Node::Null),
        Plain::Bool => Ok(Node::Bool),
        Plain::Number => Ok(Node::Number),
        Plain::NonFinite => Err("has a number that JSON does not know"),
        Plain::Text => Ok(Node::Text(value)),
    }
}

/// What a plain scalar means under YAML 1.1 as kubectl reads it: `no`, `on`, `0755` and `1_0` are no text, a date
/// is.
pub fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => Plain::Bool,
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => Plain::Bool,
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" => Plain::NonFinite,
        "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" => Plain::NonFinite,
        _ if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) => number(text),
        _ => Plain::Text,
    }
}

fn number(text: &str) -> Plain {
    let numeric =
        |b: u8| b.is_ascii_hexdigit() || matches!(b, b'_' | b'+' | b'-' | b'.' | b'x' | b'X' | b'o' | b'O');
    if !text.bytes().all(numeric) {
        return Plain::Text;
    }
    let digits: Cow<'_, str> =
        if text.contains('_') { text.replace('_', "").into() } else { Cow::Borrowed(text) };
    if is_float(&digits) || is_radix_integer(&digits) { Plain::Number } else { Plain::Text }
}

/// Decimal integers and floats: sign, digits with at most one point, exponent; too large a one is text.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['+', '-']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    !(whole.is_empty() && fraction.is_empty())
        && digits(whole)
        && digits(fraction)
        && exponent_fits
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// `0x1F`, `0o17`, `0b11` that fit 64 bits; `0755` is taken by [`is_float`] already.
fn is_radix_integer(text: &str) -> bool {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let Some(rest) = unsigned.strip_prefix('0') else { return false };
    let radix = match rest.as_bytes().first() {
        Some(b'x' | b'X') => 16,
        Some(b'o' | b'O') => 8,
        Some(b'b' | b'B') => 2,
        _ => return false,
    };
    let digits = &rest[1..];
    if digits.starts_with(['+', '-']) {
        return false;
    }
    let limit = if negative { 1 << 63 } else { u64::MAX };
    u64::from_str_radix(digits, radix).is_ok_and(|value| value <= limit)
}

/// The text of a file: byte order marks cut, UTF-16 decoded, and only characters that kubectl lets in.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Flaw> {
    let text: Cow<'_, str> = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest)?.into(),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes)?.into(),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes)?.into(),
        _ => utf8(bytes)?.into(),
    };
    let odd = |b: u8| !(matches!(b, 0x20..=0x7e | b'\n'));
    // One pass without a branch first: the usual file is all ASCII.
    if text.bytes().fold(false, |any, b| any | odd(b)) {
        check_characters(&text)?;
    }
    Ok(text)
}

fn check_characters(text: &str) -> Result<(), Flaw> {
    let mut line = 1;
    for c in text.chars() {
        match c {
            '\n' => line += 1,
            '\t' | '\r' | ' '..='~' => {}
            '\u{85}' | '\u{2028}' | '\u{2029}' => return Err(Flaw::new(line, "has an unusual line break")),
            '\u{a0}'..='\u{fffd}' | '\u{10000}'.. => {}
            _ => return Err(Flaw::new(line, "has control characters: it is no text")),
        }
    }
    Ok(())
}

fn utf8(bytes: &[u8]) -> Result<&str, Flaw> {
    std::str::from_utf8(bytes).map_err(|error| {
        let line = memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count() + 1;
        Flaw::new(line, "is not UTF-8 text")
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Flaw> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let refused = || Flaw::new(None, "is not UTF-16 text");
    if !rest.is_empty() {
        return Err(refused());
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every answer here is kubectl's own, asked once.
    #[test]
    fn plain_scalars_mean_what_they_mean_to_kubectl() {
        let table: &[(Plain, &[&str])] = &[
            (Plain::Null, &["", "~", "null", "NULL"]),
            (Plain::Bool, &["N", "TRUE", "no", "on", "y", "Off"]),
            (
                Plain::Number,
                &[
                    "123",
                    "0755",
                    "0789",
                    "1_0",
                    "1.5",
                    "1e3",
                    ".5",
                    "0o17",
                    "0b11",
                    "1.e5",
                    "1_",
                    "0_7",
                    "-0b11",
                    "-0x1F",
                    "+1",
                    "1.",
                    ".5e3",
                    "-.5",
                    ".5_0",
                    "1.5_0",
                    "0O7",
                    "0B1",
                    "0X1",
                    "1__0",
                    "0b_1",
                    "99999999999999999999",
                ],
            ),
            (Plain::NonFinite, &[".inf", ".nan", "+.inf", "-.INF"]),
            (
                Plain::Text,
                &[
                    "1.5.1",
                    "2020-01-01",
                    "2020-01-01T00:00:00Z",
                    "+",
                    "yEs",
                    "a---b",
                    "-",
                    "...",
                    ".",
                    "nUll",
                    "12e",
                    "_1",
                    "0x",
                    "0xg",
                    "0b",
                    "0o8",
                    "--1",
                    ".e1",
                    "1e400",
                    ".1e400",
                    "0b2",
                    "1.2.3e4",
                    "12:30:45",
                    "<<",
                    "=",
                    "tRUE",
                    "0x1p-2",
                    ".0x1p1",
                    "0x+1",
                    "e3",
                    "本番",
                ],
            ),
        ];
        for (meaning, texts) in table {
            for text in *texts {
                assert_eq!(resolve(text), *meaning, "{text}");
            }
        }
    }

    #[test]
    fn merge_keys_beat_what_stands_before_them() {
        let text = "a: &a {k: one, l: two}\nb:\n  k: own\n  <<: [*a, {k: last}]\n  l: own\n";
        let (tree, root) = Tree::parse(text).unwrap();
        let (_, b) = tree.pairs(root).last().unwrap();
        let pairs: Vec<_> =
            tree.pairs(b).map(|(key, value)| (tree.text(key).unwrap(), tree.text(value).unwrap())).collect();
        let text = |pair: &(&str, &str)| (Cow::from(pair.0.to_owned()), Cow::from(pair.1.to_owned()));
        let wanted: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            [("k", "own"), ("k", "last"), ("k", "one"), ("l", "two"), ("l", "own")]
                .iter()
                .map(text)
                .collect();
        assert_eq!(pairs, wanted.iter().map(|(key, value)| (key, value)).collect::<Vec<_>>());
    }

    #[test]
    fn flaws_name_their_line_and_nothing_of_the_file() {
        let table = [
            ("a: b\nc: *secret\n", Some(2), "is not valid YAML: while parsing node, found unknown anchor"),
            ("a: \"b\"\n\tc: secret\n", Some(2), "is indented by a tab"),
            ("a: b\n~: secret\n", Some(2), "has a key that is null"),
            ("a: b\n[secret]: c\n", Some(2), "has a key that is no scalar"),
            ("a: b\n<<: secret\n", Some(2), "has a merge key (<<) without a map"),
            ("a: &secret [*secret]\n", Some(1), "has an anchor that contains itself"),
            ("a: \"secret\\/\"\n", Some(1), "has an escape (\\/) that kubectl refuses"),
            ("%YAML 1.2\n---\na: secret\n", Some(1), "has a directive that kubectl refuses"),
            ("a: b\nc: !!int secret\n", Some(2), "has a tag that its value does not fit"),
            ("a: b\nx: {\"c\n  secret\": d}\n", Some(2), "has a key that goes over several lines"),
            ("a: !secret!secret b\n", Some(1), "is not valid YAML"),
        ];
        for (text, line, why) in table {
            let flaw = Tree::parse(text).map(|_| ()).unwrap_err();
            assert!(!flaw.why.contains("secret"), "{text}: {flaw:?}");
            assert_eq!(flaw, Flaw::new(line, why), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_is_total(text in "[ \\-a:\\[\\]{}&*!|>'\"#%@?,\n\t\r\\\\/.<~é\u{85}]{0,60}") {
            if let Ok((tree, root)) = Tree::parse(&text) {
                prop_assert!(tree.line(root) >= 1);
            }
        }

        #[test]
        fn resolving_is_total(text in "[-+.0-9a-fxob_eE]{0,12}") {
            let meaning = resolve(&text);
            prop_assert!(meaning != Plain::Text || text.parse::<i64>().is_err());
        }

        #[test]
        fn decoding_is_total(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(text) = decode(&bytes) {
                prop_assert!(!text.contains('\0'));
            }
        }
    }
}
