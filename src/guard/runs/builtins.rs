//! Words of the shell itself: those that change the view for what follows, and those that read more lines.

use super::super::line::{self, Piece, Redirect, Shell, Word};
use super::options::scan;
use super::variables::may_expand;
use super::words::{as_text, joined, value_for, without_prefix};
use super::{Change, OF_A_SOURCE, Resolver, Scope, Stdin, Step, Value, What, base_name};

impl Resolver<'_> {
    /// Builtins: they change the shell, or only say how the next word is to be found.
    pub(super) fn shell_word(
        &mut self,
        name: &str,
        words: &[Word],
        own: &mut Scope,
        scope: &mut Scope,
        at: usize,
    ) -> Step {
        let fish = own.dialect.shell == Shell::Fish;
        match name {
            "command" => {
                let scan = scan(words, 1, "", &[]);
                if scan.has(&["v", "V", "s", "search", "a", "q", "query", "all"]) {
                    return Step::Done;
                }
                return Step::Into(scan.next, false);
            }
            "builtin" => return Step::Into(1, false),
            "noglob" | "nocorrect" | "-" if own.dialect.shell == Shell::Zsh => return Step::Into(1, true),
            "exec" => return Step::Into(scan(words, 1, "a", &[]).next, false),
            "cd" | "chdir" | "pushd" | "popd" | "z" | "j" | "zi" => change_directory(name, &words[1..], own),
            "export" | "declare" | "typeset" | "local" | "readonly" | "integer" if !fish => {
                self.declare(&words[1..], own)
            }
            "unset" => {
                if words[1..].iter().any(|word| word.exact().is_none_or(|text| text.starts_with("-m"))) {
                    own.change(Change::Anything, false);
                }
                each_exact(&words[1..], |name| own.var(name, Value::Unset));
            }
            "set" | "setenv" if fish => fish_set(&words[1..], own),
            "export" if fish => self.declare(&words[1..], own),
            "source" | "." => self.source(words, own, at),
            "eval" => {
                let text = joined(&words[1..]);
                if words[1..].iter().any(|word| word.pieces.iter().any(|p| matches!(p, Piece::Output(_)))) {
                    self.unclear(own, "evaluates the output of a command", words.to_vec(), at);
                    own.change(Change::Anything, false);
                }
                if words[1..].iter().any(may_expand) {
                    own.variables = None;
                    scope.variables = None;
                }
                self.text(&text, own, at);
            }
            "alias" | "abbr" => {
                self.define_aliases(&words[1..], fish);
                return Step::Done;
            }
            "trap" => {
                let mut later = own.clone();
                later.maybe += 1;
                let from = if words.get(1).and_then(Word::exact) == Some("--") { 2 } else { 1 };
                if let Some([text, _, ..]) = words
                    .get(from..)
                    .filter(|rest| rest.first().is_some_and(|word| !word.prefix().starts_with('-')))
                {
                    self.text(&as_text(text), &mut later, at);
                }
                return Step::Done;
            }
            "mapfile" | "readarray" if !fish => {
                if let Some(callback) = scan(words, 1, "dnOsuCc", &[]).value(&["C"]) {
                    self.text(&as_text(&callback), own, at);
                }
                return Step::Done;
            }
            "fc" | "r" if !fish => {
                let options =
                    words[1..].iter().map_while(Word::exact).take_while(|word| word.starts_with('-'));
                let options: String = options.collect();
                // It lists or keeps the history, and runs nothing.
                let only_looks = name == "fc"
                    && options.contains(['l', 'R', 'W', 'A', 'I', 'p', 'P'])
                    && !options.contains(['e', 's']);
                if !only_looks {
                    self.unclear(own, super::OF_THE_HISTORY, words.to_vec(), at);
                }
            }
            "time" if fish => return Step::Into(1, true),
            _ => return Step::No,
        }
        scope.changes = own.changes.clone();
        Step::Done
    }

    pub(super) fn declare(&mut self, words: &[Word], own: &mut Scope) {
        for word in words {
            match word.pieces.first() {
                Some(Piece::Text(text)) if !text.starts_with('-') && !text.starts_with('+') => {
                    if let Some((name, _)) = text.split_once('=') {
                        let value = without_prefix(word, name.len() + 1);
                        own.var(name, value_for(name, &value));
                    }
                }
                Some(Piece::Output(_) | Piece::Param(_)) => self.env_from_output(word, own),
                _ => {}
            }
        }
    }

    /// `env $(cat .env.prod | xargs)`: the file, where it can be told; otherwise anything.
    pub(super) fn env_from_output(&mut self, word: &Word, own: &mut Scope) {
        let mut files = Vec::new();
        if let [Piece::Output(raw)] = word.pieces.as_slice() {
            let inner = raw.trim_start_matches('$').trim_start_matches('(').trim_end_matches(')');
            for command in line::parse(inner, own.dialect).commands() {
                let reads = command.words.first().and_then(Word::exact).map(base_name);
                let reads = matches!(
                    reads,
                    Some("cat" | "grep" | "egrep" | "sed" | "awk" | "envsubst" | "sops" | "xargs")
                );
                if reads || command.words.is_empty() {
                    files.extend(
                        command
                            .words
                            .iter()
                            .skip(1)
                            .filter_map(Word::exact)
                            .filter(|w| looks_like_file(w))
                            .map(String::from),
                    );
                    for redirection in &command.redirections {
                        if let Redirect::Read(file) = &redirection.to {
                            files.extend(file.exact().map(String::from));
                        }
                    }
                }
            }
        }
        if files.is_empty() {
            own.change(Change::Anything, false);
        }
        for file in files {
            own.change(Change::EnvFile(file), false);
        }
    }

    pub(super) fn source(&mut self, words: &[Word], own: &mut Scope, at: usize) {
        let from = if words.get(1).and_then(Word::exact) == Some("--") { 2 } else { 1 };
        let Some(file) = words.get(from) else {
            // fish reads standard input.
            if words.len() == 1 && own.dialect.shell == Shell::Fish {
                match own.stdin {
                    Stdin::Pipe => self.unclear(own, "sources the output of a command", Vec::new(), at),
                    _ => self.shell_stdin(Shell::Fish, own, at),
                }
                own.change(Change::Anything, false);
            }
            return;
        };
        match file.exact() {
            Some("-" | "/dev/stdin" | "/dev/fd/0") => {
                self.stdin_in_place(own, at);
                own.change(Change::Anything, false);
            }
            Some(path) => {
                let path = path.to_string();
                self.emit(own, What::Script { by: "source".into() }, words[from..].to_vec(), at);
                own.change(Change::EnvFile(path), false);
            }
            None => {
                self.unclear(own, OF_A_SOURCE, words[from..].to_vec(), at);
                let mut probe = own.clone();
                self.env_from_output(file, &mut probe);
                own.changes = probe.changes;
                own.change(Change::Anything, false);
            }
        }
    }

    pub(super) fn stdin_in_place(&mut self, own: &mut Scope, at: usize) {
        match own.stdin.clone() {
            Stdin::Text(text) => self.text(&text, own, at),
            Stdin::File(file) if file.exact().is_some() => {
                self.emit(own, What::Script { by: "source".into() }, vec![file], at);
            }
            _ => self.unclear(own, "sources the output of a command", Vec::new(), at),
        }
    }

    pub(super) fn define_aliases(&mut self, words: &[Word], fish: bool) {
        let plain: Vec<&str> = words.iter().filter_map(Word::exact).filter(|w| !w.starts_with('-')).collect();
        for word in &plain {
            if let Some((name, text)) = word.split_once('=') {
                self.aliases.insert(name.to_string(), text.to_string());
            }
        }
        if fish && plain.len() > 1 && !plain[0].contains('=') {
            self.aliases.insert(plain[0].to_string(), plain[1..].join(" "));
        }
        // fish makes a function of it, there and then; the other shells have read the whole text by now.
        if fish {
            let pair =
                |word: &str| word.split_once('=').map(|(name, text)| (name.to_string(), text.to_string()));
            let defined = plain.first().and_then(|word| pair(word));
            let apart = || Some((plain.first()?.to_string(), plain.get(1..)?.join(" ")));
            if let Some((name, text)) = defined.or_else(apart).filter(|(_, text)| !text.is_empty()) {
                self.local.insert(name, format!("{text} $argv"));
            }
        }
    }
}

pub(super) fn each_exact(words: &[Word], act: impl FnMut(&str)) {
    words.iter().filter_map(Word::exact).filter(|word| !word.starts_with('-')).for_each(act);
}

pub(super) fn change_directory(name: &str, words: &[Word], own: &mut Scope) {
    let dir = words.iter().find(|word| word.exact() == Some("-") || !word.prefix().starts_with('-'));
    let value = match (name, dir) {
        ("cd" | "chdir", None) => Value::Is("~".into()),
        ("cd" | "chdir" | "pushd", Some(word)) => match word.text() {
            Some(text) if text != "-" && !text.starts_with('+') => Value::Is(text),
            _ => Value::Unknown,
        },
        _ => Value::Unknown,
    };
    own.change(Change::Cwd(value), false);
}

/// fish's `set`: with a name and values, or with `-e`.
pub(super) fn fish_set(words: &[Word], own: &mut Scope) {
    let scan = scan(words, 0, "", &[]);
    let Some(name) = words.get(scan.next) else { return };
    let Some(name) = name.exact() else { return own.change(Change::Anything, false) };
    if scan.has(&["e", "erase"]) {
        return own.var(name, Value::Unset);
    }
    if scan.has(&["q", "query", "n", "names", "S", "show", "L"]) {
        return;
    }
    let values = &words[scan.next + 1..];
    let value = match values {
        [] => Value::Is(String::new()),
        [value] => value_for(name, value),
        // Lists of paths are joined as they are exported.
        _ => Value::Is(values.iter().map(Word::shown).collect::<Vec<_>>().join(if name.ends_with("PATH") {
            ":"
        } else {
            " "
        })),
    };
    own.var(name, value);
}

pub(super) fn looks_like_file(text: &str) -> bool {
    !text.starts_with('-')
        && !text.starts_with('^')
        && !text.contains('#')
        && (text.contains('.') || text.contains('/') || text.contains("env"))
}
