//! One file's text, read by the table of keys: every known value with its place, and every fault at once. What it
//! refuses: to run deeper than the table, whatever the file nests.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::config::diagnosis::{Fault, did_you_mean, shown};
use crate::config::keys::{Form, Key, Section, Value};
use crate::config::shape::{Checked, type_name};

/// In files larger than this only the first syntax error is told: a megabyte can hold a million of them.
const RECOVERY_CAP: usize = 16 * 1024;

/// More sections of one name that merge with those of other layers are a mistake.
const NAMED_CAP: usize = 100;

/// One value of a file.
pub struct Entry {
    pub section: &'static Section,
    pub key: &'static Key,
    /// Which item of its section, from 0; 0 where a section has no items.
    pub item: usize,
    pub value: Value,
    /// The key's bytes in the file.
    pub at: Range<usize>,
    /// The value's bytes in the file.
    pub span: Range<usize>,
    /// The bytes of a list's elements.
    pub elements: Vec<Range<usize>>,
}

impl Entry {
    /// The value as text; empty for a list.
    pub fn text(&self) -> &str {
        match &self.value {
            Value::Text(text) => text,
            Value::List(_) | Value::Flag(_) => "",
        }
    }

    /// The value as a list; empty for a text.
    pub fn list(&self) -> &[String] {
        match &self.value {
            Value::Text(_) | Value::Flag(_) => &[],
            Value::List(list) => list,
        }
    }
}

/// What a file says.
#[derive(Default)]
pub struct Tree {
    /// In the order of sections and items; keys of an item in the alphabet's.
    pub entries: Vec<Entry>,
    pub faults: Vec<Fault>,
    /// Whether the text is no TOML; then `entries` holds what could be saved.
    pub broken: bool,
}

/// Bytes as text: a byte order mark is dropped, anything that is not UTF-8 is a fault.
///
/// # Errors
/// The text with the bad bytes replaced, and the fault that points at the first of them.
pub fn decode(bytes: &[u8]) -> Result<&str, (String, Fault)> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let fault = Fault::new(at..at + 1, "this is no UTF-8");
        (String::from_utf8_lossy(bytes).into_owned(), fault)
    })
}

/// Reads `text` by the table `sections`.
pub fn walk(text: &str, sections: &'static [Section]) -> Tree {
    let mut tree = Tree::default();
    match DeTable::parse(text) {
        Ok(table) => tree.top(table.get_ref(), sections),
        Err(first) => {
            tree.broken = true;
            if text.len() > RECOVERY_CAP {
                tree.faults.push(syntax(text, &first));
            } else {
                tree.recover(text, sections);
            }
        }
    }
    tree
}

/// A parser's error in our words.
fn syntax(text: &str, error: &toml::de::Error) -> Fault {
    let span = error.span().unwrap_or(text.len()..text.len());
    let message = match error.message() {
        "cannot recurse further; max recursion depth met" | "recursion limit" => "nested too deeply".into(),
        message if message.starts_with("string values must be quoted") && is_blank(text, &span) => {
            "there is no value".into()
        }
        message => shown_message(message),
    };
    Fault::new(span, message)
}

fn is_blank(text: &str, span: &Range<usize>) -> bool {
    text.get(span.clone()).is_none_or(|found| found.trim().is_empty())
}

/// The parser quotes nothing of the file today; if it ever does, it is foreign text.
fn shown_message(message: &str) -> String {
    message.chars().take(200).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

impl Tree {
    /// Syntax errors first; of what could be read nevertheless, faults on other lines.
    fn recover(&mut self, text: &str, sections: &'static [Section]) {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut lines = std::collections::HashSet::new();
        let mut broken: Vec<Fault> = Vec::new();
        let mut starts: Vec<usize> = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        let line = |offset: usize| starts.partition_point(|start| *start <= offset);
        for error in &errors {
            let fault = syntax(text, error);
            // One slip makes several errors on its line, and the first says it best.
            if lines.insert(line(fault.span.start)) {
                broken.push(fault);
            }
        }
        self.top(table.get_ref(), sections);
        self.faults.retain(|fault| !lines.contains(&line(fault.span.start)));
        self.faults.append(&mut broken);
    }

    fn top(&mut self, table: &DeTable<'_>, sections: &'static [Section]) {
        let top = sections.iter().find(|section| section.form == Form::Top);
        for (name, value) in table.iter() {
            let word: &str = name.get_ref();
            let section = sections.iter().find(|section| section.form != Form::Top && section.name == word);
            if let Some(section) = section {
                self.section(section, name, value);
            } else if let Some((section, key)) = top.and_then(|top| Some((top, top.key(word)?))) {
                self.entry(section, key, 0, name, value);
            } else {
                self.faults.push(unknown_at_top(name, value, sections));
            }
        }
    }

    fn section(&mut self, section: &'static Section, name: &Name<'_>, value: &Spanned<DeValue<'_>>) {
        match (section.form, value.get_ref()) {
            (Form::Table, DeValue::Table(table)) => self.keys(section, 0, table),
            (Form::Named, DeValue::Array(items)) if items.len() > NAMED_CAP => {
                let message = format!("there are more than {NAMED_CAP} {}", section.header());
                self.faults.push(Fault::new(name.span(), message));
            }
            (Form::Named | Form::Listed, DeValue::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    match item.get_ref() {
                        DeValue::Table(table) => {
                            self.keys(section, index, table);
                            // In a broken file the missing key may be the one that could not be read.
                            if !self.broken {
                                self.missing(section, table, item.span());
                            }
                        }
                        other => {
                            let message =
                                format!("{} must hold tables, not {}", section.header(), type_name(other));
                            self.faults.push(Fault::new(item.span(), message));
                        }
                    }
                }
            }
            (_, other) => {
                let message = format!("`{}` must be a table, not {}", section.name, type_name(other));
                let message = match (section.form, other) {
                    (Form::Named | Form::Listed, DeValue::Table(_)) => {
                        format!("there can be more than one `{}`", section.name)
                    }
                    _ => message,
                };
                let hint = Some(format!("write {}", section.header()));
                self.faults.push(Fault::new(name.span(), message).hint(hint));
            }
        }
    }

    fn keys(&mut self, section: &'static Section, item: usize, table: &DeTable<'_>) {
        for (name, value) in table.iter() {
            match section.key(name.get_ref()) {
                Some(key) => self.entry(section, key, item, name, value),
                None => {
                    let known = section.keys.iter().map(|key| key.name);
                    let message = format!("unknown key `{}` in {}", shown(name.get_ref()), section.header());
                    let hint = did_you_mean(name.get_ref(), known);
                    self.faults.push(Fault::unknown_key(name.span(), message).hint(hint));
                }
            }
        }
    }

    fn entry(
        &mut self,
        section: &'static Section,
        key: &'static Key,
        item: usize,
        name: &Name<'_>,
        value: &Spanned<DeValue<'_>>,
    ) {
        if let Some(Checked { value: checked, elements }) = key.shape.check(key.name, value, &mut self.faults)
        {
            let (at, span) = (name.span(), value.span());
            self.entries.push(Entry { section, key, item, value: checked, at, span, elements });
        }
    }

    fn missing(&mut self, section: &'static Section, table: &DeTable<'_>, header: Range<usize>) {
        for key in section.keys.iter().filter(|key| key.required && !table.contains_key(key.name)) {
            let message = format!("there is no `{}` in {}", key.name, section.header());
            self.faults.push(Fault::new(header.clone(), message));
        }
    }
}

type Name<'i> = Spanned<DeString<'i>>;

fn unknown_at_top(name: &Name<'_>, value: &Spanned<DeValue<'_>>, sections: &'static [Section]) -> Fault {
    let word: &str = name.get_ref();
    let headers = sections.iter().map(|section| section.name).filter(|name| !name.is_empty());
    let top_keys = sections.iter().filter(|s| s.form == Form::Top).flat_map(|s| s.keys).map(|key| key.name);
    let is_header = match value.get_ref() {
        DeValue::Table(_) => true,
        DeValue::Array(items) => items.iter().any(|item| item.get_ref().is_table()),
        _ => false,
    };
    if is_header {
        let message = format!("unknown section [{}]", shown(word));
        return Fault::unknown_key(name.span(), message).hint(did_you_mean(word, headers));
    }
    let elsewhere = sections.iter().find(|section| section.form != Form::Top && section.key(word).is_some());
    let hint = match elsewhere {
        Some(section) => Some(format!("it belongs under {}", section.header())),
        None => did_you_mean(word, top_keys),
    };
    let message = format!("unknown key `{}` at the top of the file", shown(word));
    Fault::unknown_key(name.span(), message).hint(hint)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::config::diagnosis::{self, is_visible};
    use crate::config::keys::{CONFIG, DIRECTORY};

    /// Pieces that make TOML or nearly make it.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "[",
                "]",
                "[[",
                "]]",
                "{",
                "}",
                "=",
                ",",
                ".",
                "\n",
                "\r\n",
                "\t",
                " ",
                "#",
                "\"",
                "\"\"\"",
                "\'",
                "\\",
                "environment",
                "target",
                "names",
                "prompt",
                "lock",
                "name",
                "match",
                "\"...\"",
                "\"x\"",
                "1",
                "true",
            ])
            .prop_map(String::from),
            any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_every_fault_can_be_shown(text in pieces()) {
            for sections in [CONFIG, DIRECTORY] {
                let tree = walk(&text, sections);
                prop_assert!(!tree.broken || !tree.faults.is_empty());
                let rendered = diagnosis::render(&diagnosis::problems(Path::new("/c"), &text, tree.faults), None);
                prop_assert!(rendered.chars().all(|char| char == '\n' || is_visible(char)), "{rendered:?}");
                prop_assert!(rendered.lines().filter(|line| line.contains(" | ")).all(|line| line.chars().count() < 300));
            }
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Err((text, fault)) = decode(&bytes) {
                let shown = diagnosis::problems(Path::new("/c"), &text, vec![fault]);
                prop_assert_eq!(shown.len(), 1);
            }
        }
    }
}
