//! Rules and flags that a person configures: what they are, whether a run meets them, and whether they ever could.

use super::line::{Dialect, Shell};
use super::rules::{Check, Level, Rest, Rule, matches_of};
use super::runs::{Definitions, Run, What, base_name, resolve};
use crate::signal::Domain;

/// A rule of the configuration; its lists are as those of [`Rule`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnRule {
    pub name: String,
    pub programs: Vec<String>,
    pub words: Vec<String>,
    pub any: Vec<String>,
    pub unless: Vec<String>,
    /// The word of a [`Domain`].
    pub domain: String,
    /// `warn` or `confirm`.
    pub level: String,
    pub says: String,
    pub instead: String,
}

/// What is local-only by configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalOnly {
    /// Patterns of files.
    pub paths: Vec<String>,
    /// Patterns of commands, word by word.
    pub commands: Vec<String>,
}

/// The lists of a rule as the matcher wants them.
pub type Lists<'r> = [Vec<&'r str>; 4];

/// The lists of every rule, which the rules themselves borrow.
pub fn lists(own: &[OwnRule]) -> Vec<Lists<'_>> {
    own.iter()
        .map(|rule| [&rule.programs, &rule.words, &rule.any, &rule.unless].map(|list| plain(list)))
        .collect()
}

fn plain(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

/// The rules, as the matcher wants them.
pub fn rules<'r>(own: &'r [OwnRule], lists: &'r [Lists<'r>]) -> Vec<Rule<'r>> {
    own.iter()
        .zip(lists)
        .map(|(own, [programs, words, any, unless])| Rule {
            id: &own.name,
            domain: Domain::ALL
                .into_iter()
                .find(|domain| domain.as_str() == own.domain)
                .unwrap_or(Domain::App),
            level: if own.level == "warn" { Level::Warn } else { Level::Confirm },
            programs,
            words,
            any,
            unless,
            rest: Rest::Any,
            check: Check::Always,
            does: &own.says,
            safer: &own.instead,
            stops: &[],
            passes: &[],
        })
        .collect()
}

/// Why no line could ever meet a rule, as the end of a sentence; `None` when one does.
pub fn never(own: &OwnRule) -> Option<String> {
    if let Some(program) =
        own.programs.iter().find(|name| name.contains('/') || name.contains(char::is_whitespace))
    {
        return Some(format!("a program is a name without directory and arguments, unlike `{program}`"));
    }
    if let Some(word) = own.words.iter().find(|word| word.starts_with('-') && word.as_str() != "-") {
        return Some(format!("options are looked for by `any`, not by `words`: `{word}`"));
    }
    let sample = |pattern: &String| pattern.split('|').next().unwrap_or_default().replace('*', "x");
    for program in &own.programs {
        let words = own.words.iter().filter(|word| *word != "**").chain(own.any.first());
        let line: Vec<String> = std::iter::once(program).chain(words).map(sample).collect();
        let runs = resolve(&line.join(" "), Dialect::script(Shell::Bash), Definitions::default());
        let one = [OwnRule { programs: vec![program.clone()], ..own.clone() }];
        let lists = lists(&one);
        let rules = rules(&one, &lists);
        if !runs.iter().any(|run| !matches_of(run, &rules).is_empty()) {
            return Some(format!("`{}` would not meet it", line.join(" ")));
        }
    }
    None
}

/// Whether a run is the command that a pattern names: its program, and the further words in their order.
pub fn is_command(pattern: &str, run: &Run) -> bool {
    let task = matches!(run.what, What::Task { .. });
    let mut wanted =
        pattern.split_whitespace().filter(|word| !(task && matches!(*word, "run" | "run-script")));
    let Some(program) = wanted.next() else { return false };
    let words: Vec<String> = match &run.what {
        What::Unclear { words, .. } => {
            let Some(at) = words.iter().position(|word| glob(program, base_name(word))) else { return false };
            words.iter().skip(at).take(64).cloned().collect()
        }
        What::Task { tool, names, .. } => std::iter::once(tool).chain(names).cloned().collect(),
        What::Program | What::Script { .. } | What::Function => {
            run.argv.iter().map(|word| word.shown()).collect()
        }
    };
    let Some((first, rest)) = words.split_first() else { return false };
    if !glob(program, base_name(first)) {
        return false;
    }
    let mut rest = rest.iter();
    wanted.all(|pattern| rest.any(|word| glob(pattern, word)))
}

/// `*` and `?` in a word.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut back = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match back {
                Some((at, from)) => {
                    p = at;
                    t = from + 1;
                    back = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether an absolute path is one that a pattern names: `**` stands for any directories, and a directory for all that
/// is in it. A pattern with neither `/` nor `~` at its start names the end of a path.
pub fn is_path(pattern: &str, path: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        text.split('/').filter(|part| !part.is_empty() && *part != ".").map(String::from).collect()
    };
    let (mut pattern_parts, path) = (parts(pattern), parts(path));
    if pattern_parts.is_empty() {
        return false;
    }
    if !pattern.starts_with('/') {
        pattern_parts.insert(0, "**".into());
    }
    // Which parts of the pattern may come next; linear in path times pattern.
    let mut open = vec![false; pattern_parts.len() + 1];
    open[0] = true;
    let pass = |open: &mut Vec<bool>| {
        for at in 0..pattern_parts.len() {
            if open[at] && pattern_parts[at] == "**" {
                open[at + 1] = true;
            }
        }
    };
    pass(&mut open);
    for part in &path {
        let mut next = vec![false; open.len()];
        for at in 0..pattern_parts.len() {
            if open[at] && pattern_parts[at] == "**" {
                next[at] = true;
            } else if open[at] && glob(&pattern_parts[at], part) {
                next[at + 1] = true;
            }
        }
        // A directory that is named holds all that is in it.
        next[open.len() - 1] |= open[open.len() - 1];
        pass(&mut next);
        open = next;
    }
    open[open.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_by_pattern() {
        for (pattern, path, is) in [
            ("/home/a/x.sh", "/home/a/x.sh", true),
            ("/home/a/x.sh", "/home/a/x.sh.bak", false),
            ("x.sh", "/home/a/x.sh", true),
            ("a/x.sh", "/home/a/x.sh", true),
            ("b/x.sh", "/home/a/x.sh", false),
            ("/home/*/x.sh", "/home/a/x.sh", true),
            ("/home/*", "/home/a/x.sh", true),
            ("/home/*.sh", "/home/a/x.sh", false),
            ("/home/**/x.sh", "/home/a/b/c/x.sh", true),
            ("/home/**/x.sh", "/home/x.sh", true),
            ("scripts/", "/srv/scripts/a/b", true),
            ("wipe-*", "/srv/wipe-all", true),
            ("", "/srv", false),
        ] {
            assert_eq!(is_path(pattern, path), is, "{pattern} {path}");
        }
        assert!(!is_path(&"**/a/".repeat(500), &"/a".repeat(400)));
    }

    #[test]
    fn commands_by_pattern() {
        let is = |pattern: &str, line: &str| {
            resolve(line, Dialect::typed(Shell::Bash), Definitions::default())
                .iter()
                .any(|run| is_command(pattern, run))
        };
        for (pattern, line, met) in [
            ("make db-*", "make -C x db-reset", true),
            ("make db-*", "make build", false),
            ("make", "make build", true),
            ("npm run reset", "npm --prefix x run reset", true),
            ("npm reset", "npm run reset", true),
            ("npm run reset", "npm run build", false),
            ("rails db:*", "bin/rails db:drop", true),
            ("rails db:*", "sudo FOO=1 rails db:drop", true),
            ("rails db:*", "echo rails db:drop", false),
            ("acme nuke", "acme --region eu nuke", true),
            ("acme nuke", "$x acme nuke", true),
        ] {
            assert_eq!(is(pattern, line), met, "{pattern}: {line}");
        }
    }

    #[test]
    fn a_rule_that_no_line_meets_is_known() {
        let rule = |programs: &[&str], words: &[&str], any: &[&str], unless: &[&str]| {
            let list = |list: &[&str]| list.iter().map(|word| word.to_string()).collect();
            OwnRule {
                name: "x".into(),
                programs: list(programs),
                words: list(words),
                any: list(any),
                unless: list(unless),
                ..OwnRule::default()
            }
        };
        for good in [
            rule(&["acme"], &["nuke"], &[], &["--dry-run"]),
            rule(&["acme*"], &["a|b", "**", "c*"], &["--all", "-A"], &[]),
            rule(&["kubectl"], &["acme"], &[], &[]),
        ] {
            assert_eq!(never(&good), None, "{good:?}");
        }
        for bad in [
            rule(&["bin/acme"], &[], &[], &[]),
            rule(&["acme nuke"], &[], &[], &[]),
            rule(&["acme"], &["--all"], &[], &[]),
            rule(&["acme"], &["nuke"], &[], &["nuke"]),
            rule(&["acme"], &[], &["--all"], &["--all"]),
            rule(&["sudo"], &["acme"], &[], &[]),
            rule(&["cd"], &[], &[], &[]),
        ] {
            assert!(never(&bad).is_some(), "{bad:?}");
        }
    }
}
