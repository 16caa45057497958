//! What the tab's own shell knows of the variables a line names, and what a few commands print that are written inside
//! a line to name a file.

use std::collections::{HashMap, HashSet};

use super::super::line::{self, Item, Piece, Shell, Word};
use super::super::secrets;
use super::words::expand;
use super::{Change, Definitions, Scope, base_name};

/// What a shell sets by itself, so that its value at the prompt says nothing about the one in a line, or its hook found
/// its own there; and those that are written as what they mean: `~` and `.`.
const BY_ITSELF: &[&str] = &[
    "ARGC",
    "BASHPID",
    "BASH_ARGV0",
    "BASH_COMMAND",
    "BASH_LINENO",
    "BASH_REMATCH",
    "BASH_SOURCE",
    "COPROC",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "FUNCNAME",
    "HISTCMD",
    "HOME",
    "IFS",
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
    "_",
    "argv",
    "dirstack",
    "history",
    "match",
    "pipestatus",
    "reply",
    "status",
];

/// What sets variables that its words name: one that stands there as it is is found anyway.
const SETTERS: &[&str] = &[
    "float",
    "getln",
    "getopts",
    "integer",
    "mapfile",
    "print",
    "printf",
    "read",
    "readarray",
    "select",
    "set",
    "strftime",
    "sysread",
    "unset",
    "vared",
    "zformat",
    "zparseopts",
];

/// What declares a variable, and with `-n` another name for one.
const DECLARERS: &[&str] = &["declare", "local", "typeset"];

/// The variables of the tab's shell that a line may go by, each with its words, and the repository's directory.
#[derive(Debug, Default)]
pub(super) struct Variables {
    words: HashMap<String, Vec<String>>,
    /// Those that other programs see, as they see them.
    exported: HashMap<String, Vec<String>>,
    toplevel: Option<String>,
    /// All that could name a file or several.
    pub(super) paths: Vec<String>,
}

impl Variables {
    /// Of what was handed over, all that no text of the line sets; and no secret, which names neither a file nor a target.
    pub(super) fn new<'t>(definitions: &Definitions, texts: impl Iterator<Item = &'t str>) -> Variables {
        let grouped = |handed: &[(String, String)]| {
            let mut words: HashMap<String, Vec<String>> = HashMap::new();
            let counts = |name: &str| !BY_ITSELF.contains(&name) && !secrets::is_secret(name);
            for (name, word) in handed.iter().filter(|(name, _)| counts(name)) {
                words.entry(name.clone()).or_default().push(word.clone());
            }
            // Of an address the password is cut wherever it is shown; what else holds one is left alone.
            let is_address = |word: &str| word.contains("://") && !word.contains(char::is_whitespace);
            words.retain(|_, words| words.iter().all(|word| is_address(word) || !secrets::holds_one(word)));
            words
        };
        let (mut words, mut exported) = (grouped(definitions.variables), grouped(definitions.exported));
        let is_path = |word: &&str| word.contains(['/', '.', '*']) && !word.contains("://");
        let parts = words.values().flatten().flat_map(|word| word.split_whitespace());
        let paths = parts.filter(is_path).map(String::from).collect();
        if !words.is_empty() || !exported.is_empty() {
            for text in texts {
                if may_set_any(text) {
                    words.clear();
                    exported.clear();
                }
                for name in names_set_in(text) {
                    words.remove(name);
                    exported.remove(name);
                }
            }
        }
        Variables { words, exported, toplevel: definitions.toplevel.map(String::from), paths }
    }
}

/// Whether something in a text may set a variable whose name does not stand there as it is.
fn may_set_any(text: &str) -> bool {
    text.split([';', '|', '&', '\n', '(', ')', '{', '}', '`']).any(|command| {
        let mut words = command.split_whitespace().map(|word| word.trim_matches(['"', '\'', '\\']));
        let Some(setter) = words.find(|word| SETTERS.contains(word) || DECLARERS.contains(word)) else {
            return false;
        };
        let option = |word: &str, letter: char| word.starts_with('-') && word.contains(letter);
        match setter {
            // Its first words are what it prints; another one may be the value of `-v`.
            "print" | "printf" => {
                let named = words.skip_while(|word| !word.starts_with("-v")).take(2).collect::<Vec<_>>();
                named.first().is_some_and(|option| option.len() > 2) || named.iter().any(|word| word.contains('$'))
            }
            "set" => words.clone().any(|word| option(word, 'A')) || words.take(3).any(|word| word.contains('$')),
            "unset" => words.any(|word| option(word, 'm') || word.contains('$')),
            _ if DECLARERS.contains(&setter) => words.any(|word| option(word, 'n')),
            _ => words.any(|word| word.contains('$')),
        }
    })
        // zsh: the variable that another one names. Arithmetic: `++x`. What words are cut at is another thing.
        || ["(P", "((", "IFS"].iter().any(|mark| text.contains(mark))
}

/// Every name in a text that stands where it may be set: `for name in`, `name=…`, `${name:=…}`. A name behind `$`, or
/// inside a longer word, is only mentioned.
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
    /// The words of a variable as the tab's shell has it, or as a program that it starts sees it, where nothing before this
    /// on the line may have changed it.
    fn of_the_shell(&self, name: &str) -> Option<&[String]> {
        let variables = self.variables.as_ref().filter(|_| self.places.is_empty())?;
        let known = if self.defined { &variables.words } else { &variables.exported };
        let words = known.get(name)?;
        let changes = |change: &Change| match change {
            Change::Var { name: changed, .. } => changed == name,
            Change::EmptyEnv | Change::EnvFile(_) | Change::Anything => true,
            Change::Cwd(_) | Change::Target { .. } => false,
        };
        (!self.changes.iter().any(|changed| changes(&changed.change))).then_some(words)
    }

    /// The words that a parameter stands for, and whether those of the whole list: `name`, `name[@]`, `name[2]`.
    fn selected(&self, parameter: &str) -> Option<(Vec<&str>, bool)> {
        let shell = self.dialect.shell;
        // `${x:-y}` is x where it is set, and nothing is known of one that is not.
        let (parameter, needs) = match [":-", ":?"].iter().find_map(|with| parameter.split_once(with)) {
            Some((name, _)) => (name, true),
            None => (parameter, false),
        };
        let (name, index) = match parameter.strip_suffix(']').and_then(|inner| inner.split_once('[')) {
            Some((name, index)) => (name, Some(index)),
            None => (parameter, None),
        };
        let words = self.of_the_shell(name)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if needs && words.concat().is_empty() {
            return None;
        }
        match (index, shell) {
            (Some("@" | "*"), _) => Some((words, true)),
            (Some(index), _) => {
                // Of what is no list zsh takes a letter.
                let first = usize::from(shell != Shell::Bash);
                let at = index.parse::<usize>().ok()?.checked_sub(first)?;
                let word = words.get(at).filter(|_| words.len() > 1)?;
                Some((vec![*word], false))
            }
            (None, Shell::Bash) => Some((words.into_iter().take(1).collect(), false)),
            (None, Shell::Zsh) => Some((words, false)),
            (None, Shell::Fish) => Some((words, true)),
        }
    }

    /// The text that a parameter inside a word becomes; `next` is what stands behind it there.
    pub(super) fn word_of_the_shell(&self, parameter: &str, next: Option<&Piece>) -> Option<String> {
        let shell = self.dialect.shell;
        // `$list[-1]`, and zsh's `$file:h`, are something else.
        if let Some(Piece::Text(next) | Piece::Glob(next)) = next
            && shell != Shell::Bash
            && (next.starts_with('[') || (shell == Shell::Zsh && next.starts_with(':')))
        {
            return None;
        }
        let (words, _) = self.selected(parameter)?;
        let [word] = words[..] else { return None };
        (shell == Shell::Fish || is_one_word(word)).then(|| word.to_string())
    }

    /// The words that a parameter becomes which is a word of its own, `written` so.
    pub(super) fn words_of_the_shell(&self, parameter: &str, written: &Word) -> Option<Vec<Word>> {
        let (shell, quoted) = (self.dialect.shell, written.quoted && !written.bare);
        let (words, every) = self.selected(parameter)?;
        let one = |word: &str| Word {
            quoted: written.quoted,
            written: Some(written.shown()),
            ..Word::literal(word)
        };
        let joins = parameter.ends_with("[*]") || !every || shell == Shell::Fish;
        if quoted {
            return Some(match joins {
                true => vec![one(&words.join(" "))],
                false => words.into_iter().map(one).collect(),
            });
        }
        if shell == Shell::Fish {
            return Some(words.into_iter().map(one).collect());
        }
        // bash cuts what is not quoted at blanks, zsh may have been told to; either may take it for a pattern.
        let mut out = Vec::new();
        for word in words.into_iter().filter(|word| !word.is_empty()) {
            match shell {
                Shell::Bash if !has_pattern(word) => out.extend(word.split_whitespace().map(one)),
                _ if is_one_word(word) => out.push(one(word)),
                _ => return None,
            }
        }
        Some(out)
    }

    /// What a command substitution stands for whose command only puts a name together, whether or not there is such a file:
    /// `$(pwd)`, `$(git rev-parse --show-toplevel)`, `$(dirname a/b)`. `first`: nothing stands before it in its word.
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
            ["echo", name] if is_one_word(name) && !name.starts_with('-') => Some(name.into()),
            ["basename", path] if is_one_word(path) => Some(base_name(path).into()),
            ["dirname", path] if is_one_word(path) => {
                Some(match path.trim_end_matches('/').rsplit_once('/') {
                    Some(("", _)) => "/".into(),
                    Some((dir, _)) => dir.into(),
                    None => ".".into(),
                })
            }
            _ => None,
        }
    }
}

/// What holds one command and does nothing to it.
fn is_a_list(item: &Item) -> bool {
    let Item::Open(block) = item else { return false };
    matches!(block.kind, line::Kind::List { background: false } | line::Kind::Stage { .. })
}

/// Whether a shell leaves a text as it is that is not quoted.
fn is_one_word(text: &str) -> bool {
    !text.contains(char::is_whitespace) && !has_pattern(text)
}

fn has_pattern(text: &str) -> bool {
    // No file is called so: `postgres://db/x?sslmode=require`.
    !text.contains("://") && text.contains(['*', '?', '[', '{', '(', '~', '\\'])
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
            ("let f=1; bash \"$f\"", &["f"][..]),
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

    #[test]
    fn what_may_set_any_name_is_found() {
        for text in [
            "read -r $f; sh $f",
            "printf -v $n x; sh $f",
            "printf -vf x; sh $f",
            "declare -n r=f; r=x; sh $f",
            "typeset -gn r=f",
            ": ${(P)n::=x}; sh $f",
            "while read \"$x\"; do :; done",
            "((++f)); sh $f",
            "IFS=,; $f",
            "unset \"${!x@}\"",
            "unset -m 'x*'",
            "set -A $n x",
            "(mapfile -t $n)",
        ] {
            assert!(may_set_any(text), "{text}");
        }
        for text in [
            "sh $f",
            "kubectl --context $c get x -v",
            "declare -g x=1",
            "printf '%s' $x; echo y",
            "git readme",
            "while read n; do kubectl --context $C delete ns $n; done",
            "unset x; sh $f",
            "set -x; sh $f",
        ] {
            assert!(!may_set_any(text), "{text}");
        }
    }
}
