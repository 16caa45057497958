//! The mark that makes a script local-only: the header line `redtab: local-only`, in the comment style of the file.
//! Text in, answers out; reading and writing the file is the caller's.

use crate::words::Words;

/// How many lines from the top may hold the mark.
pub const HEADER_LINES: usize = 20;

/// The mark itself.
pub const MARK: &str = "redtab: local-only";

/// What a comment may begin with, in every language a script is written in.
const OPENERS: &[&str] = &["#", "//", "--", ";", "%", "/*", "<!--", "'", "\"", "*", "REM ", "rem ", "dnl "];

/// Words in a script's or task's name that say it removes something.
const DESTRUCTIVE: &[&str] =
    &["clean", "cleanup", "reset", "nuke", "wipe", "drop", "seed", "teardown", "destroy", "purge"];

/// The line (from 1) that flags `text` as local-only.
pub fn flagged_line(text: &str) -> Option<usize> {
    text.lines().take(HEADER_LINES).position(is_mark).map(|at| at + 1)
}

fn is_mark(line: &str) -> bool {
    let line = line.trim_start_matches('\u{feff}').trim();
    let Some(rest) = OPENERS.iter().find_map(|opener| line.strip_prefix(opener)) else { return false };
    let rest = rest.trim_start_matches(['#', '/', '-', ';', '*', '%', '!', '"', '\'', ' ', '\t']);
    let Some(rest) = strip_word(rest, "redtab:") else { return false };
    let Some(rest) = strip_word(rest.trim_start(), "local-only") else { return false };
    rest.is_empty() || rest.starts_with("-->") || rest.starts_with([' ', '\t', '*', '"', '.', ','])
}

fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

/// The comment around the mark for a file of this name and first line: what stands before and after it. `None` where
/// the language is not known.
pub fn comment_style(name: &str, first_line: &str) -> Option<(&'static str, &'static str)> {
    let interpreter = first_line.strip_prefix("#!").map(|rest| {
        let mut words = rest.split_ascii_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
        let program = words.next().unwrap_or("");
        if program == "env" { words.find(|word| !word.starts_with('-')).unwrap_or("") } else { program }
    });
    let hash = Some(("# ", ""));
    if let Some(program) = interpreter {
        return match program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
            "node" | "nodejs" | "deno" | "bun" | "ts-node" | "tsx" => Some(("// ", "")),
            "php" => Some(("// ", "")),
            "lua" | "psql" => Some(("-- ", "")),
            _ => hash,
        };
    }
    let lower = name.to_ascii_lowercase();
    if matches!(
        lower.as_str(),
        "makefile" | "gnumakefile" | "justfile" | "rakefile" | "gemfile" | "dockerfile" | ".env"
    ) {
        return hash;
    }
    match lower.rsplit_once('.')?.1 {
        "sh" | "bash" | "zsh" | "fish" | "ksh" | "py" | "rb" | "pl" | "pm" | "r" | "jl" | "mk" | "yml"
        | "yaml" | "toml" | "tf" | "ex" | "exs" | "nu" | "awk" | "tcl" | "rake" => hash,
        "js" | "mjs" | "cjs" | "ts" | "mts" | "cts" | "tsx" | "jsx" | "go" | "rs" | "java" | "kt" | "kts"
        | "swift" | "scala" | "groovy" | "c" | "cc" | "cpp" | "cs" | "php" => Some(("// ", "")),
        "sql" | "lua" | "hs" | "psql" => Some(("-- ", "")),
        "clj" | "lisp" | "el" | "scm" => Some((";; ", "")),
        "css" => Some(("/* ", " */")),
        "html" | "xml" => Some(("<!-- ", " -->")),
        _ => None,
    }
}

/// `text` with the mark put in (behind a `#!` line, a coding line or `<?php`), or `None` when it is there already.
pub fn with_mark(text: &str, style: (&str, &str)) -> Option<String> {
    if flagged_line(text).is_some() {
        return None;
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let keep = text.lines().take_while(|line| line.starts_with("#!") || line.starts_with("<?php")).count();
    let at: usize = text.split_inclusive('\n').take(keep).map(str::len).sum();
    let (before, after) = text.split_at(at);
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { newline };
    Some(format!("{before}{gap}{}{MARK}{}{newline}{after}", style.0, style.1))
}

/// `text` without the line that flags it, or `None` when there is none.
pub fn without_mark(text: &str) -> Option<String> {
    let line = flagged_line(text)?;
    Some(
        text.split_inclusive('\n').enumerate().filter(|(i, _)| i + 1 != line).map(|(_, line)| line).collect(),
    )
}

/// The word in a script's or task's name that says it destroys something.
pub fn destructive_word(name: &str) -> Option<&'static str> {
    let stem = name.rsplit('/').next().unwrap_or(name);
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| if stem.is_empty() { name } else { stem });
    let words = Words::of_name(stem, &|word| DESTRUCTIVE.contains(&word));
    (0..words.len()).find_map(|i| {
        let word = words.text(i, 1);
        DESTRUCTIVE.iter().find(|known| **known == word).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_in_every_comment_style() {
        for text in [
            "#!/bin/sh\n# redtab: local-only\n",
            "#redtab:local-only",
            "// redtab: local-only",
            "-- redtab: local-only (deletes everything)",
            "/* redtab: local-only */",
            "<?php\n// Redtab: Local-Only\n",
            "\"\"\" redtab: local-only \"\"\"",
            "\u{feff}## redtab:  local-only\r\n",
            "<!-- redtab: local-only -->",
        ] {
            assert!(flagged_line(text).is_some(), "{text}");
        }
        let late = "\n".repeat(HEADER_LINES) + "# redtab: local-only";
        for text in ["", "echo redtab: local-only", "# redtab: local-only-ish", "# redtab local-only", &late]
        {
            assert!(flagged_line(text).is_none(), "{text}");
        }
    }

    #[test]
    fn marks_come_and_go() {
        let cases = [
            ("x.sh", "#!/bin/sh\nrm x\n", "#!/bin/sh\n# redtab: local-only\nrm x\n"),
            ("x.py", "import os\n", "# redtab: local-only\nimport os\n"),
            ("x.sql", "drop table a;\r\n", "-- redtab: local-only\r\ndrop table a;\r\n"),
            ("x", "#!/usr/bin/env -S node --x", "#!/usr/bin/env -S node --x\n// redtab: local-only\n"),
        ];
        for (name, before, after) in cases {
            let style = comment_style(name, before.lines().next().unwrap()).unwrap();
            let marked = with_mark(before, style).unwrap();
            assert_eq!(marked, after);
            assert_eq!(with_mark(&marked, style), None);
            assert_eq!(without_mark(&marked).unwrap().trim_end(), before.trim_end());
        }
        assert_eq!(comment_style("data.json", "{"), None);
    }

    #[test]
    fn names_that_destroy() {
        let cases = [
            ("./scripts/cleanup.sh", Some("cleanup")),
            ("db-reset", Some("reset")),
            ("db:drop", Some("drop")),
            ("cleanUsers.py", Some("clean")),
            ("cleaner.sh", None),
            ("/home/reset/deploy.sh", None),
            ("deploy", None),
        ];
        for (name, word) in cases {
            assert_eq!(destructive_word(name), word, "{name}");
        }
    }
}
