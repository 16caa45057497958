//! Words put together again: parameters the line itself explains, text that another shell would read.

use super::super::line::{Piece, Redirect, Redirection, Shell, Word};
use super::variables::may_expand;
use super::{Scope, Stdin, Value, base_name};

pub(super) fn written(redirection: &Redirection) -> Option<Word> {
    match &redirection.to {
        Redirect::Write(file) => Some(file.clone()),
        _ => None,
    }
}

pub(super) fn input_of(redirections: &[Redirection]) -> Option<Stdin> {
    let input = redirections.iter().rev().find(|redirection| {
        redirection.fd.is_none_or(|fd| fd == 0)
            && !matches!(redirection.to, Redirect::Write(_) | Redirect::Copy(_))
    })?;
    Some(match &input.to {
        Redirect::Read(file) => match file.pieces.first() {
            Some(Piece::Output(_)) => Stdin::Pipe,
            _ => Stdin::File(file.clone()),
        },
        Redirect::HereDoc { body, .. } => Stdin::Text(body.as_str().into()),
        Redirect::HereString(word) => Stdin::Text(as_text(word).into()),
        Redirect::Write(_) | Redirect::Copy(_) => Stdin::Pipe,
    })
}

/// What a command prints, where that can be told from its words.
pub(super) fn output_of(words: &[Word], stdin: &Stdin) -> Stdin {
    let Some(name) = words.first().and_then(Word::exact).map(base_name) else { return Stdin::Pipe };
    let plain =
        || words.iter().skip(1).filter(|word| !word.prefix().starts_with('-') || word.exact() == Some("-"));
    match name {
        "echo" | "print" => {
            let text: Vec<String> = plain().map(as_text).collect();
            Stdin::Text(text.join(" ").replace("\\n", "\n").into())
        }
        "printf" => {
            let text: Vec<String> = plain().map(as_text).collect();
            Stdin::Text(text.join("\n").replace("\\n", "\n").replace("%s", " ").into())
        }
        "cat" | "tee" | "envsubst" | "tr" | "sed" | "gsed" | "grep" | "sort" | "uniq" | "head" | "tail"
        | "pv" => {
            let reads_file = !matches!(name, "tee" | "envsubst" | "tr");
            let mut files = plain().skip(usize::from(matches!(name, "sed" | "gsed" | "grep")));
            match (files.next(), files.next()) {
                (Some(file), None) if reads_file && file.exact() != Some("-") => Stdin::File(file.clone()),
                (Some(_), Some(_)) if reads_file => Stdin::Pipe,
                _ if *stdin == Stdin::Inherited => Stdin::Pipe,
                _ => stdin.clone(),
            }
        }
        _ => Stdin::Pipe,
    }
}

/// Puts in what is known of parameters: what the line itself says, `x=./a; $x`, the arguments of a function, what the
/// tab's shell has in them; and what some substitutions print.
pub(super) fn expand(words: &[Word], scope: &Scope) -> Vec<Word> {
    let mut expanded = Vec::with_capacity(words.len());
    for word in words {
        if !may_expand(word) {
            expanded.push(word.clone());
            continue;
        }
        if let [Piece::Param(name)] = word.pieces.as_slice() {
            let all = matches!(name.as_str(), "@" | "*" | "argv");
            if all && (!scope.positional.is_empty() || scope.at.is_some()) {
                expanded.extend(scope.positional.iter().cloned());
                continue;
            }
            let splits = scope.dialect.shell == Shell::Bash && !word.quoted;
            if let Some(value) = scope.known(name).filter(|value| splits && value.contains([' ', '\t', '\n']))
            {
                expanded.extend(value.split_whitespace().map(Word::literal));
                continue;
            }
            if scope.known(name).is_none()
                && let Some(words) = scope.words_of_the_shell(name, word)
            {
                expanded.extend(words);
                continue;
            }
        }
        let word = substituted(word, scope);
        // What becomes nothing is no word, unless it is quoted.
        if !word.pieces.is_empty() || word.quoted || scope.dialect.shell == Shell::Fish {
            expanded.push(word);
        }
    }
    expanded
}

pub(super) fn substituted(word: &Word, scope: &Scope) -> Word {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut written = word.written.clone();
    for (index, piece) in word.pieces.iter().enumerate() {
        let text = match piece {
            Piece::Param(name) => match (parameter(name, scope), name.as_str()) {
                (Some(found), _) => {
                    let hides = positional(name, scope).is_some_and(|word| word.written.is_some());
                    written = written.or_else(|| hides.then(|| word.shown()));
                    Some(found)
                }
                (None, "HOME") if index == 0 => Some(vec![Piece::Text("~".into())]),
                (None, "PWD") if index == 0 => Some(vec![Piece::Text(".".into())]),
                _ => {
                    let found = scope.word_of_the_shell(name, word.pieces.get(index + 1));
                    written = written.or_else(|| found.is_some().then(|| word.shown()));
                    found.map(|text| vec![Piece::Text(text)])
                }
            },
            Piece::Output(text) => scope.printed(text, index == 0).map(|text| vec![Piece::Text(text)]),
            _ => None,
        };
        for piece in text.unwrap_or_else(|| vec![piece.clone()]) {
            match (pieces.last_mut(), piece) {
                (_, Piece::Text(next)) if next.is_empty() => {}
                (Some(Piece::Text(last)), Piece::Text(next)) => last.push_str(&next),
                (_, piece) => pieces.push(piece),
            }
        }
    }
    Word { pieces, quoted: word.quoted, bare: word.bare, written }
}

pub(super) fn parameter(name: &str, scope: &Scope) -> Option<Vec<Piece>> {
    if name.parse::<usize>().is_ok() {
        return Some(positional(name, scope)?.pieces.clone());
    }
    scope.known(name).map(|value| vec![Piece::Text(value.to_string())])
}

fn positional<'s>(name: &str, scope: &'s Scope) -> Option<&'s Word> {
    scope.positional.get(name.parse::<usize>().ok()?.checked_sub(1)?)
}

/// The word as text that a shell would read again; what is unknown stands as a parameter.
pub(super) fn as_text(word: &Word) -> String {
    let mut text = String::new();
    for piece in &word.pieces {
        match piece {
            Piece::Text(t) | Piece::Glob(t) => text.push_str(t),
            Piece::Param(name) if name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') => {
                text.push_str("${");
                text.push_str(name);
                text.push('}');
            }
            Piece::Param(_) | Piece::Output(_) => text.push_str("${_}"),
        }
    }
    text
}

/// The same, protected so that it stays one word.
pub(super) fn quoted(word: &Word) -> String {
    match word.exact() {
        Some(text) => format!("'{}'", text.replace('\'', "'\\''")),
        None => as_text(word),
    }
}

/// The word with every `place` in its text turned into something unknown.
pub(super) fn with_hole(word: &Word, place: &str) -> Word {
    let Some(text) = word.exact().filter(|text| text.contains(place)) else { return word.clone() };
    let mut pieces = Vec::new();
    for (index, part) in text.split(place).enumerate() {
        if index > 0 {
            pieces.push(Piece::Output(String::new()));
        }
        if !part.is_empty() {
            pieces.push(Piece::Text(part.to_string()));
        }
    }
    Word { pieces, ..word.clone() }
}

pub(super) fn joined(words: &[Word]) -> String {
    let texts: Vec<String> = words.iter().map(as_text).collect();
    texts.join(" ")
}

pub(super) fn value_of(word: &Word) -> Value {
    match word.text() {
        Some(text) => Value::Is(text),
        None => Value::Unknown,
    }
}

/// What a variable of this name becomes. Of a search path the known parts count, whatever stands between them.
pub(super) fn value_for(name: &str, word: &Word) -> Value {
    if name == "PATH" { Value::Is(word.shown()) } else { value_of(word) }
}

/// The word without the first `len` bytes of its text.
pub(super) fn without_prefix(word: &Word, len: usize) -> Word {
    let mut pieces = word.pieces.clone();
    if let Some(Piece::Text(text)) = pieces.first_mut() {
        let rest = text.get(len.min(text.len())..).unwrap_or("").to_string();
        if rest.is_empty() {
            pieces.remove(0);
        } else {
            *text = rest;
        }
    }
    Word { pieces, ..word.clone() }
}

pub(super) fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}
