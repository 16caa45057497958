//! What the tab's own shell knows of the variables a line names, and what a few commands print that are written inside
//! a line to name a file.

use std::collections::{HashMap, HashSet};

use super::super::line::{self, Item, Piece, Shell, Word};
use super::super::secrets;
use super::words::expand;
use super::{Change, Scope, base_name};

/// What a shell sets by itself, so that its value at the prompt says nothing about the one in a line; and those that
/// are written as what they mean: `~` and `.`.
const BY_ITSELF: &[&str] = &[
    "BASHPID",
    "BASH_REMATCH",
    "COPROC",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "FUNCNAME",
    "HISTCMD",
    "HOME",
    "LINENO",
    "MAPFILE",
    "MATCH",
    "OLDPWD",
    "OPTARG",
    "OPTIND",
    "PIPESTATUS",
    "PWD",
    "RANDOM",
    "REPLY",
    "SECONDS",
    "SRANDOM",
    "argv",
    "dirstack",
    "history",
    "match",
    "pipestatus",
    "reply",
    "status",
];

/// The variables of the tab's shell that a line may go by, each with its words, and the repository's directory.
#[derive(Debug, Default)]
pub(super) struct Variables {
    words: HashMap<String, Vec<String>>,
    toplevel: Option<String>,
}

impl Variables {
    /// Of what was handed over, all that no text of the line sets; and no secret, which names neither a file nor a target.
    pub(super) fn new<'t>(
        handed: &[(String, String)],
        toplevel: Option<&str>,
        texts: impl Iterator<Item = &'t str>,
    ) -> Variables {
        let mut words: HashMap<String, Vec<String>> = HashMap::new();
        let counts = |name: &str| !BY_ITSELF.contains(&name) && !secrets::is_secret(name);
        for (name, word) in handed.iter().filter(|(name, _)| counts(name)) {
            words.entry(name.clone()).or_default().push(word.clone());
        }
        if !words.is_empty() {
            for text in texts {
                for name in names_set_in(text) {
                    words.remove(name);
                }
            }
        }
        Variables { words, toplevel: toplevel.map(String::from) }
    }
}

/// Every name in a text that stands where it may be set: `read name`, `for name in`, `name=…`, `${name:=…}`. A name
/// behind `$`, or inside a longer word, is only mentioned.
fn names_set_in(text: &str) -> HashSet<&str> {
    let mut names = HashSet::new();
    let bytes = text.as_bytes();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut at = 0;
    while at < bytes.len() {
        if !is_name(&bytes[at]) {
            at += 1;
            continue;
        }
        let end = at + bytes[at..].iter().take_while(|byte| is_name(byte)).count();
        let (before, rest) = (&text[..at], &text[end..]);
        let sets = if before.ends_with("${") {
            [":=", "=", "::="].iter().any(|operator| rest.starts_with(operator))
        } else {
            !before.ends_with(['$', '-', '/', '.', ':', '@', '%', '+', '~', '='])
        };
        if sets {
            names.insert(&text[at..end]);
        }
        at = end;
    }
    names
}

impl Scope {
    /// The words of a variable as the tab's shell has it, where nothing before this on the line may have changed it.
    fn of_the_shell(&self, name: &str) -> Option<&[String]> {
        let variables = self.variables.as_ref().filter(|_| self.places.is_empty())?;
        let words = variables.words.get(name)?;
        let changes = |change: &Change| match change {
            Change::Var { name: changed, .. } => changed == name,
            Change::EmptyEnv | Change::EnvFile(_) | Change::Anything => true,
            Change::Cwd(_) | Change::Target { .. } => false,
        };
        (!self.changes.iter().any(|changed| changes(&changed.change))).then_some(words)
    }

    /// The one word that a parameter inside a word becomes.
    pub(super) fn word_of_the_shell(&self, parameter: &str) -> Option<&str> {
        match (self.of_the_shell(parameter)?, self.dialect.shell) {
            ([word], _) | ([word, ..], Shell::Bash) => Some(word),
            _ => None,
        }
    }

    /// The words that a parameter becomes which is a word of its own.
    pub(super) fn words_of_the_shell(&self, parameter: &str, quoted: bool) -> Option<Vec<Word>> {
        let shell = self.dialect.shell;
        let (name, every) = match ["[@]", "[*]"].iter().find_map(|all| parameter.strip_suffix(all)) {
            Some(name) if shell != Shell::Fish => (name, true),
            _ => (parameter, false),
        };
        let words = self.of_the_shell(name)?;
        let literal = |word: &String| Word { quoted, ..Word::literal(word.as_str()) };
        Some(match (words, shell) {
            ([word], _) | ([word, ..], Shell::Bash) if !every => {
                // bash cuts at blanks what is not quoted.
                if shell == Shell::Bash && !quoted {
                    word.split_whitespace().map(Word::literal).collect()
                } else {
                    vec![literal(word)]
                }
            }
            (words, Shell::Zsh | Shell::Fish) if quoted && !every => vec![literal(&words.join(" "))],
            (words, Shell::Zsh) if !quoted => {
                words.iter().filter(|word| !word.is_empty()).map(literal).collect()
            }
            (words, _) => words.iter().map(literal).collect(),
        })
    }

    /// What a command substitution stands for whose command only names a file or a program: `$(pwd)`,
    /// `$(git rev-parse --show-toplevel)`, `$(which psql)`. `first`: nothing stands before it in its word.
    pub(super) fn printed(&self, substitution: &str, first: bool) -> Option<String> {
        let inner = ["$(", "("].iter().find_map(|open| substitution.strip_prefix(open)?.strip_suffix(')'));
        let inner = inner.or_else(|| substitution.strip_prefix('`')?.strip_suffix('`'))?;
        let parsed = line::parse(inner, self.dialect);
        let [command] = parsed.commands().take(2).collect::<Vec<_>>()[..] else { return None };
        let is_plain = parsed.trouble.is_none()
            && command.assignments.is_empty()
            && parsed
                .items
                .iter()
                .all(|item| matches!(item, Item::Command(_) | Item::Close) || is_a_list(item));
        if !is_plain {
            return None;
        }
        let words = expand(&command.words, self);
        let words: Vec<&str> = words.iter().map(Word::exact).collect::<Option<_>>()?;
        let here = || !self.changes.iter().any(|changed| matches!(changed.change, Change::Cwd(_)));
        match words[..] {
            ["pwd"] | ["pwd", "-P" | "-L"] if first => Some(".".into()),
            ["git", "rev-parse", "--show-toplevel"] if here() => self.variables.as_ref()?.toplevel.clone(),
            ["which" | "realpath", name]
            | ["command", "-v", name]
            | ["type", "-P" | "-p", name]
            | ["readlink", "-f" | "-e", name]
            | ["echo", name] => Some(name.into()),
            ["basename", path] => Some(base_name(path).into()),
            ["dirname", path] => Some(match path.trim_end_matches('/').rsplit_once('/') {
                Some(("", _)) => "/".into(),
                Some((dir, _)) => dir.into(),
                None => ".".into(),
            }),
            _ => None,
        }
    }
}

/// What holds one command and does nothing to it.
fn is_a_list(item: &Item) -> bool {
    let Item::Open(block) = item else { return false };
    matches!(block.kind, line::Kind::List { background: false } | line::Kind::Stage { .. })
}

/// Whether a word has a piece that [`expand`] may replace.
pub(super) fn may_expand(word: &Word) -> bool {
    word.pieces.iter().any(|piece| matches!(piece, Piece::Param(_) | Piece::Output(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_line_sets_is_found() {
        for (text, names) in [
            ("read -r f; bash \"$f\"", &["f"][..]),
            ("for x in $a; do y=1; done", &["x", "y"][..]),
            ("kubectl --context $context -n=$ns", &[][..]),
            ("echo ${a:-b} ${c:=d} ${e=f}", &["c", "e"][..]),
        ] {
            let found = names_set_in(text);
            for name in ["f", "x", "y", "a", "c", "e", "context", "ns"] {
                assert_eq!(found.contains(name), names.contains(&name), "{name} in {text}");
            }
        }
    }
}
