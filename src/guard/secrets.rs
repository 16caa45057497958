//! A typed line as it may be kept: without what looks like a password or token. It cuts too much rather than too little.

use super::rules::without_secret;

/// Single-letter options that take a password: mysql's `-p…`, redis-cli's `-a`, curl's `-u`.
const SHORT: &[&str] = &["-p", "-a", "-u"];

const MARKS: &[&str] = &["pass", "pwd", "token", "secret", "key", "credential", "auth", "bearer", "basic"];

/// How the names of variables end that hold one.
const NAMES: &[&str] = &[
    "apikey",
    "auth",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "key",
    "otp",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "pat",
    "pin",
    "pw",
    "pwd",
    "sas",
    "secret",
    "token",
];

/// The line with its secrets replaced by `…`; what stands around them stays.
pub fn cut_from_line(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    // The quote that a cut word left open, and whether the word before asks for a secret.
    let (mut open, mut next) = (None, false);
    for piece in line.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end_matches(char::is_whitespace);
        let blank = &piece[word.len()..];
        if let Some(quote) = open {
            if word.contains(quote) {
                open = None;
                out.push_str(blank);
            }
            continue;
        }
        if word.is_empty() {
            out.push_str(blank);
            continue;
        }
        let kept = if next { "…".to_string() } else { cut_from_word(word) };
        open = if kept == word { None } else { left_open(word) };
        // `Authorization: Bearer …`: what was cut can ask for more.
        next = (next || kept == word) && asks_for_secret(word);
        out.push_str(&kept);
        if open.is_none() {
            out.push_str(blank);
        }
    }
    out
}

/// Those of a command's words that may be shown: no secret, and none that an option before it asks for. The id or name of a
/// secret (`--secret-id prod/db`) is none itself.
pub fn harmless(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut out = Vec::new();
    let mut next = false;
    for word in words {
        let secret = next || cut_from_word(&word) != word;
        next = asks_for_secret(&word) && !word.ends_with("-id") && !word.ends_with("-name");
        if !secret {
            out.push(word);
        }
    }
    out
}

/// Whether there is one in a text.
pub fn holds_one(text: &str) -> bool {
    cut_from_line(text) != text
}

/// Whether a variable of this name holds a secret, as its name says.
pub fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.rsplit('_').next().is_some_and(|end| NAMES.contains(&end))
}

fn cut_from_word(word: &str) -> String {
    if let Some(short) = SHORT.iter().find(|short| word.len() > 2 && word.starts_with(**short)) {
        return format!("{short}…");
    }
    without_secret(word)
}

/// Whether the word behind this one is a secret: `--password x`, `-p x`, `Bearer x`.
fn asks_for_secret(word: &str) -> bool {
    let lower = word.trim_start_matches(['"', '\'']).to_ascii_lowercase();
    let marked = MARKS.iter().any(|mark| lower.contains(mark));
    SHORT.contains(&word)
        || (marked && lower.starts_with('-'))
        || (marked && lower.ends_with(':'))
        || matches!(lower.as_str(), "bearer" | "basic" | "auth" | "identified")
}

fn left_open(word: &str) -> Option<char> {
    ['\'', '"'].into_iter().find(|quote| word.matches(*quote).count() % 2 == 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_go_and_the_rest_stays() {
        for (line, kept) in [
            ("kubectl  delete ns payments", "kubectl  delete ns payments"),
            (
                "psql postgres://u:hunter2@db.prod/x -c 'drop table a'",
                "psql postgres://u@db.prod/x -c 'drop table a'",
            ),
            ("PGPASSWORD=hunter2 psql -h db", "PGPASSWORD=… psql -h db"),
            ("PGPASSWORD='hunter2 and more' psql", "PGPASSWORD=… psql"),
            ("mysql -phunter2 -e 'drop table a'", "mysql -p… -e 'drop table a'"),
            ("mysql --password hunter2 -e x", "mysql --password … -e x"),
            ("redis-cli -a hunter2 flushall", "redis-cli -a … flushall"),
            ("curl -u me:hunter2 x", "curl -u … x"),
            ("curl -H 'Authorization: Bearer hunter2' x", "curl -H 'Authorization: …"),
            ("x --token=hunter2", "x --token=…"),
        ] {
            let cut = cut_from_line(line);
            assert!(!cut.contains("hunter2"), "{cut}");
            assert!(cut.starts_with(kept) || line.contains("Bearer"), "{cut}\n{kept}");
        }
    }

    #[test]
    fn a_commands_words_without_its_secrets() {
        let words = |line: &str| harmless(line.split(' ').map(str::to_owned)).join(" ");
        assert_eq!(
            words("aws x --secret-id prod/db --password hunter2 a"),
            "aws x --secret-id prod/db --password a"
        );
        assert_eq!(words("aws --token=hunter2 -phunter2 s3://u:hunter2@b c"), "aws c");
    }

    proptest! {
        #[test]
        fn any_line_is_cut_without_growing_much(line in "\\PC*|[ -~]*") {
            prop_assert!(cut_from_line(&line).len() <= 3 * line.len() + 3);
        }
    }
}
