//! Options told from words, for programs whose options are known.

use super::super::line::Word;
use super::words::without_prefix;

pub(super) struct Scan {
    /// Options in order, without dashes, with their values.
    pub(super) options: Vec<(String, Option<Word>)>,
    /// The first word that is no option.
    pub(super) next: usize,
}

impl Scan {
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.options.iter().any(|(name, _)| names.contains(&name.as_str()))
    }

    pub(super) fn value(&self, names: &[&str]) -> Option<Word> {
        self.options
            .iter()
            .find(|(name, _)| names.contains(&name.as_str()))
            .and_then(|(_, value)| value.clone())
    }
}

/// Reads options from `words[from..]` up to the first word that is none (or behind `--`).
pub(super) fn scan(words: &[Word], from: usize, short: &str, long: &[&str]) -> Scan {
    let mut options = Vec::new();
    let mut next = from;
    while let Some(word) = words.get(next) {
        let text = word.prefix();
        if word.exact() == Some("--") {
            next += 1;
            break;
        }
        if text.len() < 2 || !text.starts_with('-') {
            break;
        }
        next += 1;
        next += usize::from(read_option(word, words.get(next), short, long, &mut options));
    }
    Scan { options, next: next.min(words.len().max(from)) }
}

/// Reads one word of options; true when the next word is its value.
pub(super) fn read_option(
    word: &Word,
    following: Option<&Word>,
    short: &str,
    long: &[&str],
    options: &mut Vec<(String, Option<Word>)>,
) -> bool {
    let text = word.prefix();
    if let Some(name) = text.strip_prefix("--") {
        if let Some((name, _)) = name.split_once('=') {
            options.push((name.to_string(), Some(without_prefix(word, name.len() + 3))));
            return false;
        }
        let takes = long.contains(&name);
        options.push((name.to_string(), if takes { following.cloned() } else { None }));
        return takes;
    }
    for (index, letter) in text.char_indices().skip(1) {
        let behind = index + letter.len_utf8();
        if short.contains(letter) {
            let attached = behind < text.len() || word.pieces.len() > 1;
            let value = if attached { Some(without_prefix(word, behind)) } else { following.cloned() };
            options.push((letter.to_string(), value));
            return !attached;
        }
        options.push((letter.to_string(), None));
    }
    false
}

/// All options of `words`, wherever they stand.
pub(super) fn all_options(words: &[Word], short: &str, long: &[&str]) -> Vec<(String, Option<Word>)> {
    let mut options = Vec::new();
    let mut next = 0;
    while next < words.len() {
        let scan = scan(words, next, short, long);
        options.extend(scan.options);
        next = scan.next.max(next) + 1;
    }
    options
}

/// Where one of `verbs` stands, if it is the first word that is no option.
pub(super) fn verb_at(words: &[Word], verbs: &[&str]) -> Option<usize> {
    let mut index = 1;
    while let Some(word) = words.get(index) {
        let text = word.exact()?;
        if verbs.contains(&text) {
            return Some(index);
        }
        // An unknown option may have a value of its own; a plain first word that is no verb settles it.
        if !text.starts_with('-') && !words[index - 1].prefix().starts_with('-') {
            return None;
        }
        index += 1;
    }
    None
}
