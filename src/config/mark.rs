//! One answer put into a configuration file's text, or taken out: a `[[target]]` for one name. Only the bytes of that
//! answer change; comments, order, line ends and everything else stay. What it refuses: an edit after which the file
//! would not say exactly what it said before, but for this answer.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::config::diagnosis::line_number;
use crate::config::keys::{CONFIG, quoted};
use crate::config::walk::{self, Entry};
use crate::environment::{Target, speaks_of};
use crate::escape;
use crate::signal::Kind;

/// The name that is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    pub kind: Kind,
    pub text: &'a str,
}

/// A changed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    pub text: String,
    /// The line, from 1, where the answer stands now; where it stood, if it was taken out.
    pub line: usize,
    /// The environment of the answer that was there before, where it was changed.
    pub before: Option<String>,
}

/// What came of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Edited(Edited),
    /// The text says so already, at this line; 0 where there was nothing to take out.
    Same(usize),
    /// The text is of a form in which this can't be done without changing more. A person has to.
    Stuck,
}

/// Makes `text`, a configuration file without errors, say that `name` belongs to `environment`. An answer that is there
/// is changed in place; otherwise one is added.
pub fn set(text: &str, name: Name<'_>, environment: &str) -> Outcome {
    let found = answers(text);
    let own: Vec<&Answer> = found.iter().filter(|answer| answer.is_for(name)).collect();
    let Some(first) = own.first() else { return add(text, &found, name, environment) };
    let line = line_number(text, first.start);
    if own.iter().all(|answer| answer.target.environment == environment) {
        return Outcome::Same(line);
    }
    let mut out = text.to_owned();
    for answer in own.iter().rev() {
        out.replace_range(answer.environment.clone(), &quoted(environment));
    }
    let mut wanted: Vec<Target> = found.iter().map(|answer| answer.target.clone()).collect();
    for (target, answer) in wanted.iter_mut().zip(&found) {
        if answer.is_for(name) {
            target.environment = environment.to_owned();
        }
    }
    proved(Edited { text: out, line, before: Some(first.target.environment.clone()) }, &wanted)
}

/// Makes `text`, a configuration file without errors, say nothing of `name`. What one `set` added is taken out to the
/// byte; comments above an answer stay.
pub fn remove(text: &str, name: Name<'_>) -> Outcome {
    let found = answers(text);
    let Some(first) = found.iter().find(|answer| answer.is_for(name)) else { return Outcome::Same(0) };
    let line = line_number(text, first.start);
    let mut out = text.to_owned();
    for (index, answer) in found.iter().enumerate().rev().filter(|(_, answer)| answer.is_for(name)) {
        let cut = match answer.inline {
            true => inline_cut(&out, &found, index),
            false => table_cut(&out, answer),
        };
        out.replace_range(cut, "");
    }
    let wanted: Vec<Target> =
        found.iter().filter(|answer| !answer.is_for(name)).map(|answer| answer.target.clone()).collect();
    proved(Edited { text: out, line, before: None }, &wanted)
}

/// The edit, if the new text says `wanted` and has no error.
fn proved(edited: Edited, wanted: &[Target]) -> Outcome {
    let tree = walk::walk(&edited.text, CONFIG);
    let says: Vec<Target> = answers(&edited.text).into_iter().map(|answer| answer.target).collect();
    match tree.faults.is_empty() && says == wanted {
        true => Outcome::Edited(edited),
        false => Outcome::Stuck,
    }
}

/// The `redtab mark` line that does `what` (an environment's name, or `--remove`) to a name, for pasting into any of the
/// three shells; `None` where no line that can be shown says it.
pub fn command_line(what: &str, kind: Kind, name: &str) -> Option<String> {
    let word = escape::posix_word(name);
    let dashes = if name.starts_with('-') { "-- " } else { "" };
    // fish takes a backslash inside quotes for itself.
    let same_everywhere = escape::terminal(&word) == word && !name.contains('\\');
    same_everywhere.then(|| format!("redtab mark {what} {} {dashes}{word}", kind.as_str()))
}

/// One answer of a text.
struct Answer {
    target: Target,
    /// Where it begins: its header, or its brace.
    start: usize,
    /// Where its last value, or its brace, ends.
    end: usize,
    /// The bytes of its environment, quotes included.
    environment: Range<usize>,
    /// Written as `{ … }` inside of `target = [ … ]`.
    inline: bool,
}

impl Answer {
    fn is_for(&self, name: Name<'_>) -> bool {
        speaks_of(&self.target, name.kind, name.text, false)
    }
}

/// The answers of a text, in its order.
fn answers(text: &str) -> Vec<Answer> {
    let tree = walk::walk(text, CONFIG);
    let inline = inline_items(text);
    let entries: Vec<&Entry> = tree.entries.iter().filter(|entry| entry.section.name == "target").collect();
    entries
        .chunk_by(|a, b| a.item == b.item)
        .filter_map(|item| {
            let find = |key: &str| item.iter().find(|entry| entry.key.name == key);
            let environment = find("environment")?;
            let target = Target {
                signal: Kind::from_word(find("signal")?.text())?,
                is: find("is")?.text().to_owned(),
                environment: environment.text().to_owned(),
            };
            let braces = inline.as_ref().and_then(|list| list.items.get(environment.item));
            let first = item.iter().map(|entry| entry.at.start).min()?;
            let last = item.iter().map(|entry| entry.span.end).max()?;
            Some(Answer {
                target,
                start: braces.map_or_else(|| header(text, first), |braces| braces.start),
                end: braces.map_or(last, |braces| braces.end),
                environment: environment.span.clone(),
                inline: braces.is_some(),
            })
        })
        .collect()
}

/// `target = [ … ]`, by its bytes.
struct InlineList {
    list: Range<usize>,
    items: Vec<Range<usize>>,
}

/// The answers' places where they are written as one list; `None` where they are tables with headers, or none.
fn inline_items(text: &str) -> Option<InlineList> {
    let table = DeTable::parse(text).ok()?;
    let value = table.get_ref().get("target")?;
    let DeValue::Array(items) = value.get_ref() else { return None };
    let items: Vec<Range<usize>> = items.iter().map(|item| item.span()).collect();
    let braces = |span: &Range<usize>| text.get(span.start..).is_some_and(|rest| rest.starts_with('{'));
    items.iter().all(braces).then(|| InlineList { list: value.span(), items })
}

/// Where the header above the first key of a table begins: only blank lines and comments stand between them.
fn header(text: &str, key: usize) -> usize {
    let mut start = line_start(text, key);
    while start > 0 {
        start = line_start(text, start - 1);
        let line = text.get(start..).unwrap_or("").trim_start_matches([' ', '\t']);
        if line.starts_with('[') {
            return start;
        }
    }
    start
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// The length of the line end that `text` begins with.
fn newline(text: &str) -> usize {
    if text.starts_with("\r\n") { 2 } else { usize::from(text.starts_with('\n')) }
}

/// The length of the line end that `text` ends with.
fn last_newline(text: &str) -> usize {
    if text.ends_with("\r\n") { 2 } else { usize::from(text.ends_with('\n')) }
}

fn add(text: &str, found: &[Answer], name: Name<'_>, environment: &str) -> Outcome {
    let Name { kind, text: is } = name;
    let (signal, is_word, environment_word) = (quoted(kind.as_str()), quoted(is), quoted(environment));
    let target = Target { signal: kind, is: is.to_owned(), environment: environment.to_owned() };
    let mut wanted: Vec<Target> = found.iter().map(|answer| answer.target.clone()).collect();
    wanted.push(target);
    let mut out = text.to_owned();
    let line = match inline_items(text) {
        Some(InlineList { list, items }) => {
            let item = format!("{{ signal = {signal}, is = {is_word}, environment = {environment_word} }}");
            match items.last() {
                Some(last) => out.insert_str(last.end, &format!(", {item}")),
                None => out.insert_str((list.start + 1).min(out.len()), &item),
            }
            line_number(text, items.last().map_or(list.start, |last| last.end))
        }
        None => {
            let end = match text.find('\n') {
                Some(at) if text[..at].ends_with('\r') => "\r\n",
                _ => "\n",
            };
            // A last line without an end makes an addition without one, so that taking it out leaves what was there.
            let open = !text.is_empty() && last_newline(text) == 0;
            let before = if text.is_empty() { "" } else { end };
            let (before, after) = if open { (end.repeat(2), "") } else { (before.to_owned(), end) };
            out.push_str(&before);
            let line = line_number(&out, out.len());
            out.push_str(&format!(
                "[[target]]{end}signal = {signal}{end}is = {is_word}{end}environment = {environment_word}{after}"
            ));
            line
        }
    };
    proved(Edited { text: out, line, before: None }, &wanted)
}

/// The lines of a table with a header, and the blank line that set it off.
fn table_cut(text: &str, answer: &Answer) -> Range<usize> {
    let rest = text.get(answer.end..).unwrap_or("");
    let to_newline = rest.find('\n');
    let end = to_newline.map_or(text.len(), |at| answer.end + at + 1);
    let before = text.get(..answer.start).unwrap_or("");
    let mut start = answer.start;
    let without = &before[..before.len() - last_newline(before)];
    if before.is_empty() {
        return start..end + newline(text.get(end..).unwrap_or(""));
    }
    if without.is_empty() || last_newline(without) > 0 {
        start = without.len();
    }
    // Its last line has no end: then the line above it had none before.
    if to_newline.is_none() {
        let without = text.get(..start).unwrap_or("");
        start -= last_newline(without);
    }
    start..end
}

/// An inline table, and the comma that goes with it.
fn inline_cut(text: &str, found: &[Answer], index: usize) -> Range<usize> {
    let Some(answer) = found.get(index) else { return 0..0 };
    if let Some(previous) = index.checked_sub(1).and_then(|index| found.get(index)) {
        return previous.end..answer.end;
    }
    let rest = text.get(answer.end..).unwrap_or("");
    let blank = rest.len() - rest.trim_start().len();
    match rest.trim_start().strip_prefix(',') {
        Some(after) => {
            let gap = after.len() - after.trim_start_matches([' ', '\t']).len();
            answer.start..answer.end + blank + 1 + gap
        }
        None => answer.start..answer.end,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const X: Name<'static> = Name { kind: Kind::KubeContext, text: "x" };

    fn edited(outcome: Outcome) -> Edited {
        match outcome {
            Outcome::Edited(edited) => edited,
            other => panic!("{other:?}"),
        }
    }

    const BLOCK: &str = "[[target]]\nsignal = \"kube_context\"\nis = \"x\"\nenvironment = \"safe\"\n";

    #[test]
    fn an_answer_is_added_behind_everything_and_taken_out_again() {
        let unix = |text: &str| text.replace("\r\n", "\n");
        for (before, blank) in [
            ("", ""),
            ("\n", "\n"),
            ("# a\n", "\n"),
            ("[prompt]\nsegment = \"short\" # b\n\n# the end\n\n", "\n"),
            ("[prompt]\r\nsegment = \"short\"\r\n", "\n"),
            ("[[target]]\nsignal = \"name\"\nis = \"x\"\nenvironment = \"safe\"\n", "\n"),
        ] {
            let added = edited(set(before, X, "safe"));
            assert_eq!(unix(&added.text), unix(before) + blank + BLOCK);
            assert!(!before.contains('\r') || !added.text.replace("\r\n", "").contains('\n'), "{added:?}");
            assert_eq!(added.text.lines().nth(added.line - 1), Some("[[target]]"));
            assert_eq!(set(&added.text, X, "safe"), Outcome::Same(added.line));
            assert_eq!(edited(remove(&added.text, X)).text, before);
        }
        let added = edited(set("[prompt]\nsegment = \"off\"", X, "safe")).text;
        assert_eq!(added, format!("[prompt]\nsegment = \"off\"\n\n{}", BLOCK.trim_end()));
        assert_eq!(edited(remove(&added, X)).text, "[prompt]\nsegment = \"off\"");
        assert_eq!(remove("", X), Outcome::Same(0));
    }

    #[test]
    fn an_answer_is_changed_where_it_stands() {
        let text = "# mine\n  [[ target ]] # here\n  # why\n  environment='safe' # so\n  is = \"\"\"x\"\"\"\nsignal=\"kube_context\"\n[prompt]\n";
        let changed = edited(set(text, X, "production"));
        assert_eq!(changed.text, text.replace("'safe'", "\"production\""));
        assert_eq!((changed.line, changed.before.as_deref()), (2, Some("safe")));
        assert_eq!(edited(remove(text, X)).text, "# mine\n[prompt]\n");
    }

    #[test]
    fn two_names_of_one_host_are_one_answer() {
        let text = "[[target]]\nsignal = \"kube_server\"\nis = \"https://db.acme.example:6443\"\nenvironment = \"safe\"\n";
        let name = Name { kind: Kind::Hostname, text: "DB.acme.example" };
        assert_eq!(edited(set(text, name, "production")).text, text.replace("safe", "production"));
        assert_eq!(edited(remove(text, name)).text, "");
    }

    #[test]
    fn a_list_on_one_line_stays_one() {
        let one =
            |is: &str| format!("{{ signal = \"kube_context\", is = \"{is}\", environment = \"safe\" }}");
        let (x, a, b) = (one("x"), one("a"), one("b"));
        for (before, after) in [
            ("target = []\n".to_string(), format!("target = [{x}]\n")),
            ("target = [ # none\n]".into(), format!("target = [{x} # none\n]")),
            (format!("target = [{a},\n  {b},\n]\n"), format!("target = [{a},\n  {b}, {x},\n]\n")),
        ] {
            let added = edited(set(&before, X, "safe"));
            assert_eq!(added.text, after);
            assert_eq!(edited(remove(&added.text, X)).text, before);
        }
        let text = format!("target = [{x}, {a}]\n");
        assert_eq!(edited(remove(&text, X)).text, format!("target = [{a}]\n"));
        assert_eq!(edited(set(&text, X, "staging")).text, text.replacen("safe", "staging", 1));
        assert_eq!(remove(&format!("target = [{x} # c\n, {a}]"), X), Outcome::Stuck);
    }

    #[test]
    fn what_is_below_an_answer_stays() {
        let text = format!("{BLOCK}\n# about b\n{}", BLOCK.replace("\"x\"", "\"b\""));
        assert_eq!(edited(remove(&text, X)).text, format!("# about b\n{}", BLOCK.replace("\"x\"", "\"b\"")));
    }

    fn files() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "# c\n",
            "\n",
            "  \n",
            "# [[target]]\n",
            "[[environment]]\nname = \"e\"\n",
            "[[target]]\nsignal = \"name\"\nis = \"x\"\nenvironment = \"safe\"\n",
            "[[target]] # t\n\n# k\nsignal = \"hostname\"\nis = '''\n[[target]]'''\nenvironment = \"safe\"",
            "[prompt]\nsegment = \"off\"\n",
        ]);
        (prop::collection::vec(piece, 0..6), any::<bool>()).prop_map(|(pieces, crlf)| {
            let text = pieces.concat();
            if crlf { text.replace('\n', "\r\n") } else { text }
        })
    }

    proptest! {
        #[test]
        fn what_was_added_is_taken_out_to_the_byte(text in files(), name in "\\PC{1,8}|[\\x01-\\x7f]{1,8}") {
            prop_assume!(walk::walk(&text, CONFIG).faults.is_empty());
            let name = Name { kind: Kind::AwsProfile, text: &name };
            prop_assume!(!name.text.trim().is_empty());
            let added = edited(set(&text, name, "staging"));
            prop_assert!(added.text.starts_with(&text));
            prop_assert_eq!(edited(remove(&added.text, name)).text, text);
        }

        #[test]
        fn any_text_is_survived(text in "[\\[\\]{}=,#\"'\\r\\nxtarget ]{0,60}") {
            let _ = (set(&text, X, "safe"), remove(&text, X));
        }
    }
}
