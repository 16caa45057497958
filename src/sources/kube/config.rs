//! One kubeconfig file: what it says of contexts and clusters, and whether kubectl would take it at all.
//!
//! kubectl refuses a whole file for one wrong type anywhere in it, so every field it knows is checked, users too;
//! of users nothing is kept. Nothing that a file names is run or opened.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::slice;
use super::yaml::{Flaw, Id, Node, Tree, decode};

/// Visits of nodes while checking: a list of aliases to one huge list would multiply them without end.
const MAX_VISITS: usize = 2_000_000;

/// A text and the line (from 1) of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub text: Cow<'a, str>,
    pub line: usize,
}

/// An entry of `contexts`, `clusters` or `users`; of users only the name is kept. Empty fields are `None`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Entry<'a> {
    pub name: Cow<'a, str>,
    /// The line of its `name`, or where the entry begins.
    pub line: usize,
    /// Of a context: the cluster it names.
    pub cluster: Option<Field<'a>>,
    /// Of a context: the user it names.
    pub user: Option<Field<'a>>,
    /// Of a context.
    pub namespace: Option<Field<'a>>,
    /// Of a cluster.
    pub server: Option<Field<'a>>,
}

/// What one file says.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Config<'a> {
    pub current: Option<Field<'a>>,
    pub contexts: Vec<Entry<'a>>,
    pub clusters: Vec<Entry<'a>>,
    pub users: Vec<Entry<'a>>,
}

/// What kubectl wants a value to be. A null is always taken.
#[derive(Debug)]
pub enum Shape {
    Text,
    Flag,
    /// Text in base64.
    Bytes,
    Any,
    Map(&'static Shape),
    List(&'static Shape),
    Struct(&'static [(&'static str, Shape)]),
}

use Shape::{Any, Bytes, Flag, List, Map, Struct, Text};

static EXTENSION: Shape = Struct(&[("name", Text), ("extension", Any)]);
static TEXTS: Shape = List(&Text);
static ENV: Shape = Struct(&[("name", Text), ("value", Text)]);
static EXEC: &[(&str, Shape)] = &[
    ("apiVersion", Text),
    ("args", List(&Text)),
    ("command", Text),
    ("env", List(&ENV)),
    ("interactiveMode", Text),
    ("provideClusterInfo", Flag),
    ("installHint", Text),
];
pub static CONTEXT_ENTRY: Shape = Struct(&[
    (
        "context",
        Struct(&[("cluster", Text), ("user", Text), ("namespace", Text), ("extensions", List(&EXTENSION))]),
    ),
    ("name", Text),
]);
pub static CLUSTER_ENTRY: Shape = Struct(&[
    (
        "cluster",
        Struct(&[
            ("certificate-authority-data", Bytes),
            ("server", Text),
            ("certificate-authority", Text),
            ("insecure-skip-tls-verify", Flag),
            ("extensions", List(&EXTENSION)),
            ("tls-server-name", Text),
            ("proxy-url", Text),
            ("disable-compression", Flag),
        ]),
    ),
    ("name", Text),
]);
pub static USER_ENTRY: Shape = Struct(&[
    ("name", Text),
    (
        "user",
        Struct(&[
            ("exec", Struct(EXEC)),
            ("client-certificate-data", Bytes),
            ("client-key-data", Bytes),
            ("token", Text),
            ("client-certificate", Text),
            ("client-key", Text),
            ("tokenFile", Text),
            ("username", Text),
            ("password", Text),
            ("auth-provider", Struct(&[("name", Text), ("config", Map(&Text))])),
            ("as", Text),
            ("as-uid", Text),
            ("as-groups", List(&Text)),
            ("as-user-extra", Map(&TEXTS)),
            ("extensions", List(&EXTENSION)),
        ]),
    ),
]);
/// The whole file.
pub static CONFIG: &[(&str, Shape)] = &[
    ("apiVersion", Text),
    ("kind", Text),
    ("clusters", List(&CLUSTER_ENTRY)),
    ("contexts", List(&CONTEXT_ENTRY)),
    ("current-context", Text),
    ("users", List(&USER_ENTRY)),
    ("preferences", Struct(&[("colors", Flag), ("extensions", List(&EXTENSION))])),
    ("extensions", List(&EXTENSION)),
];

/// What a file's bytes say, by the cheaper way where that is sure of its answer.
pub fn parse(bytes: &[u8]) -> Result<Config<'_>, Flaw> {
    slice::parse(bytes).map_or_else(|| parse_whole(bytes), Ok)
}

/// What a file's bytes say, by the full parser.
pub fn parse_whole(bytes: &[u8]) -> Result<Config<'_>, Flaw> {
    match decode(bytes)? {
        Cow::Borrowed(text) => {
            let (tree, root) = Tree::parse(text)?;
            extract(&tree, root)
        }
        Cow::Owned(text) => {
            let (tree, root) = Tree::parse(&text)?;
            Ok(extract(&tree, root)?.into_owned())
        }
    }
}

fn extract<'a>(tree: &Tree<'a>, root: Id) -> Result<Config<'a>, Flaw> {
    if !matches!(tree.node(root), Node::Map(_) | Node::Null) {
        return Err(Flaw::new(tree.line(root), "holds no kubeconfig"));
    }
    let file = Fields::of(tree, root, CONFIG);
    let version = file.text("apiVersion");
    if !matches!(version.as_deref(), None | Some("" | "/" | "v1" | "/v1")) {
        return Err(Flaw::new(file.line("apiVersion"), "has an apiVersion other than v1"));
    }
    if !matches!(file.text("kind").as_deref(), None | Some("" | "Config")) {
        return Err(Flaw::new(file.line("kind"), "has a kind other than Config"));
    }
    Checker { tree, visits: 0 }.fields(root, CONFIG)?;
    let config = Config {
        current: file.field("current-context"),
        contexts: entries(tree, file.value("contexts"), &CONTEXT_ENTRY, "context"),
        clusters: entries(tree, file.value("clusters"), &CLUSTER_ENTRY, "cluster"),
        users: entries(tree, file.value("users"), &USER_ENTRY, "user"),
    };
    let lists = [("contexts", &config.contexts), ("clusters", &config.clusters), ("users", &config.users)];
    for (what, list) in lists {
        let mut seen = BTreeSet::new();
        if let Some(twice) = list.iter().find(|entry| !seen.insert(entry.name.as_ref())) {
            return Err(Flaw::new(twice.line, format!("has two {what} of one name")));
        }
    }
    Ok(config)
}

/// The entries of a list; `inner` is the key of the struct that each holds.
fn entries<'a>(tree: &Tree<'a>, list: Option<Id>, shape: &'static Shape, inner: &str) -> Vec<Entry<'a>> {
    let Some(list) = list else { return Vec::new() };
    let Struct(outer) = shape else { return Vec::new() };
    let inner_fields = outer.iter().find_map(|(key, shape)| match shape {
        Struct(fields) if *key == inner => Some(*fields),
        _ => None,
    });
    let entry = |id: Id| {
        let own = Fields::of(tree, id, outer);
        let mut entry = Entry {
            name: own.text("name").unwrap_or_default(),
            line: own.line("name").unwrap_or(tree.line(id)),
            ..Entry::default()
        };
        if let (Some(value), Some(fields)) = (own.value(inner), inner_fields) {
            let held = Fields::of(tree, value, fields);
            entry.cluster = held.field("cluster");
            entry.user = held.field("user");
            entry.namespace = held.field("namespace");
            entry.server = held.field("server");
        }
        entry
    };
    tree.items(list).map(entry).collect()
}

/// The known fields of one map, each by the last of its keys.
struct Fields<'t, 'a> {
    tree: &'t Tree<'a>,
    shape: &'static [(&'static str, Shape)],
    /// By the shape's order: the line of the key, and the value.
    found: Vec<Option<(usize, Id)>>,
}

impl<'t, 'a> Fields<'t, 'a> {
    fn of(tree: &'t Tree<'a>, map: Id, shape: &'static [(&'static str, Shape)]) -> Fields<'t, 'a> {
        let mut found = vec![None; shape.len()];
        for (key, value) in tree.pairs(map) {
            let Some(name) = tree.text(key) else { continue };
            if let Some(at) = shape.iter().position(|(field, _)| field == name) {
                found[at] = Some((tree.line(key), value));
            }
        }
        Fields { tree, shape, found }
    }

    fn find(&self, name: &str) -> Option<(usize, Id)> {
        let at = self.shape.iter().position(|(field, _)| *field == name)?;
        self.found[at]
    }

    fn value(&self, name: &str) -> Option<Id> {
        self.find(name).map(|(_, value)| value)
    }

    fn line(&self, name: &str) -> Option<usize> {
        self.find(name).map(|(line, _)| line)
    }

    fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.tree.text(self.value(name)?).cloned()
    }

    fn field(&self, name: &str) -> Option<Field<'a>> {
        let (line, value) = self.find(name)?;
        let text = self.tree.text(value).filter(|text| !text.is_empty())?;
        Some(Field { text: text.clone(), line })
    }
}

/// Compares a tree with a shape; goes no deeper than the shape does.
struct Checker<'t, 'a> {
    tree: &'t Tree<'a>,
    visits: usize,
}

impl Checker<'_, '_> {
    fn fields(&mut self, map: Id, shape: &'static [(&'static str, Shape)]) -> Result<(), Flaw> {
        self.visits += self.tree.pairs(map).count();
        let fields = Fields::of(self.tree, map, shape);
        for ((name, shape), found) in shape.iter().zip(&fields.found) {
            if let Some((line, value)) = found {
                self.value(*value, shape, name, *line)?;
            }
        }
        Ok(())
    }

    fn value(&mut self, id: Id, shape: &'static Shape, name: &str, line: usize) -> Result<(), Flaw> {
        self.visits += 1;
        if self.visits > MAX_VISITS {
            return Err(Flaw::new(line, "has aliases that multiply without end"));
        }
        match (shape, self.tree.node(id)) {
            (Any, _) | (_, Node::Null) | (Text, Node::Text(_)) | (Flag, Node::Bool) => Ok(()),
            (Bytes, Node::Text(text)) if is_base64(text) => Ok(()),
            (Bytes, Node::Text(_)) => Err(Flaw::new(line, format!("has a {name} that is not base64"))),
            (Bytes, Node::List(_))
                if self.tree.items(id).all(|item| *self.tree.node(item) == Node::Number) =>
            {
                Ok(())
            }
            (Struct(fields), Node::Map(_)) => self.fields(id, fields),
            (List(item), Node::List(_)) => {
                let tree = self.tree;
                tree.items(id).try_for_each(|child| self.value(child, item, name, tree.line(child).max(1)))
            }
            (Map(item), Node::Map(_)) => {
                // Of a repeated key the last value counts.
                let last: BTreeMap<_, _> =
                    self.tree.pairs(id).map(|(key, value)| (self.tree.text(key), value)).collect();
                last.into_values().try_for_each(|child| self.value(child, item, name, line))
            }
            (_, node) => Err(Flaw::new(
                line,
                format!("has {} as {name}, where kubectl wants {}", is_what(node), wanted(shape)),
            )),
        }
    }
}

fn is_what(node: &Node<'_>) -> &'static str {
    match node {
        Node::Null => "nothing",
        Node::Bool => "a boolean",
        Node::Number => "a number",
        Node::Text(_) => "a text",
        Node::List(_) => "a list",
        Node::Map(_) => "a map",
    }
}

fn wanted(shape: &Shape) -> &'static str {
    match shape {
        Text | Bytes => "a text (quote it)",
        Flag => "true or false",
        List(_) => "a list",
        Map(_) | Struct(_) => "a map",
        Any => "anything",
    }
}

/// Whether `text` is padded standard base64; line breaks are skipped.
fn is_base64(text: &str) -> bool {
    if !text.contains(['\n', '\r']) {
        return is_base64_line(text.as_bytes());
    }
    is_base64_line(text.replace(['\n', '\r'], "").as_bytes())
}

/// Whether `bytes` are padded standard base64 without line breaks.
pub fn is_base64_line(bytes: &[u8]) -> bool {
    if !bytes.len().is_multiple_of(4) {
        return false;
    }
    let digits = match bytes {
        [head @ .., b'=', b'='] | [head @ .., b'='] => head,
        _ => bytes,
    };
    let (blocks, rest) = digits.as_chunks::<16>();
    let mut last = [b'A'; 16];
    last[..rest.len()].copy_from_slice(rest);
    are_digits(blocks) && are_digits(&[last])
}

/// Whether all bytes are digits of base64: sixteen at once, for this reads whole certificates, and a crate that is built
/// for size gets no such loop from the compiler.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
fn are_digits(blocks: &[[u8; 16]]) -> bool {
    // SAFETY: every processor of this kind has SSE2, and nothing else is asked for.
    unsafe { are_digits_in_sse2(blocks) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn are_digits_in_sse2(blocks: &[[u8; 16]]) -> bool {
    use std::arch::x86_64::{
        __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set_epi64x, _mm_set1_epi8,
    };
    let each = |byte: u8| _mm_set1_epi8(byte.cast_signed());
    // Bytes from 128 on are negative, and so below everything.
    let within = |bytes: __m128i, from: u8, to: u8| {
        _mm_and_si128(_mm_cmpgt_epi8(bytes, each(from - 1)), _mm_cmpgt_epi8(each(to + 1), bytes))
    };
    let mut all = each(0xff);
    for block in blocks {
        let (halves, _) = block.as_chunks::<8>();
        let bytes = _mm_set_epi64x(i64::from_le_bytes(halves[1]), i64::from_le_bytes(halves[0]));
        let letter = within(_mm_or_si128(bytes, each(0x20)), b'a', b'z');
        let digit_or_slash = within(bytes, b'/', b'9');
        let plus = _mm_cmpeq_epi8(bytes, each(b'+'));
        all = _mm_and_si128(all, _mm_or_si128(_mm_or_si128(letter, digit_or_slash), plus));
    }
    _mm_movemask_epi8(all) == 0xffff
}

/// The same, eight at once.
#[cfg(not(target_arch = "x86_64"))]
fn are_digits(blocks: &[[u8; 16]]) -> bool {
    use super::words::{HIGH, each, within};
    let odd = |word: &[u8; 8]| {
        let bytes = u64::from_ne_bytes(*word);
        let low = bytes & !HIGH;
        let letter = within(low | each(0x20), b'a', b'z');
        (bytes & HIGH) | (HIGH & !(letter | within(low, b'/', b'9') | within(low, b'+', b'+')))
    };
    blocks.iter().flat_map(|block| block.as_chunks::<8>().0).fold(0, |any, word| any | odd(word)) == 0
}

impl Config<'_> {
    fn into_owned(self) -> Config<'static> {
        let field = |field: Field<'_>| Field { text: field.text.into_owned().into(), line: field.line };
        let entry = |entry: Entry<'_>| Entry {
            name: entry.name.into_owned().into(),
            line: entry.line,
            cluster: entry.cluster.map(field),
            user: entry.user.map(field),
            namespace: entry.namespace.map(field),
            server: entry.server.map(field),
        };
        Config {
            current: self.current.map(field),
            contexts: self.contexts.into_iter().map(entry).collect(),
            clusters: self.clusters.into_iter().map(entry).collect(),
            users: self.users.into_iter().map(entry).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_base64_line;

    #[test]
    fn every_byte_in_every_place() {
        for length in [4, 8, 12, 16, 20] {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'A'; length];
                    bytes[place] = byte;
                    let padding = byte == b'=' && place == length - 1;
                    let expected = byte.is_ascii_alphanumeric() || b"+/".contains(&byte) || padding;
                    assert_eq!(is_base64_line(&bytes), expected, "{byte} at {place} of {length}");
                }
            }
        }
        for (text, expected) in [("", true), ("ab==", true), ("a===", false), ("abc", false), ("====", false)]
        {
            assert_eq!(is_base64_line(text.as_bytes()), expected, "{text}");
        }
    }
}
