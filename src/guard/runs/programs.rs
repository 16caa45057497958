//! Programs at the end of the chain: shells, interpreters, task runners, and everything else.

use super::super::line::{Piece, Shell, Word};
use super::super::prefixes::{TASK_TOOLS, TaskTool};
use super::options::{all_options, scan, verb_at};
use super::selections::selections;
use super::words::{as_text, value_of, without_prefix};
use super::{Change, FROM_A_PIPE, OF_A_FILE, Resolver, Scope, Stdin, Value, What};

impl Resolver<'_> {
    pub(super) fn plain(
        &mut self,
        name: &str,
        argv: Vec<Word>,
        own: &mut Scope,
        scope: &mut Scope,
        at: usize,
    ) {
        if let Some(shell) = Shell::of_program(name) {
            return self.shell(shell, name, &argv, own, scope, at);
        }
        if name == "deno" && self.task(name, &argv, own, at) {
            return;
        }
        if is_interpreter(name) {
            return self.interpreter(name, argv, own, at);
        }
        if matches!(name, "awk" | "gawk" | "mawk" | "nawk") {
            self.awk(name, &argv, own, at);
        }
        if let Some(files) = generic_env_files(&argv) {
            for file in files {
                own.change(Change::EnvFile(file), false);
            }
        }
        if self.javascript(name, &argv, own, scope, at) || self.task(name, &argv, own, at) {
            return;
        }
        if name == "cargo" && self.cargo(&argv, own, at) {
            return;
        }
        self.emit(own, What::Program, argv.clone(), at);
        if own.places.is_empty() {
            for change in selections(name, &argv) {
                scope.change(change.clone(), true);
                own.change(change, true);
            }
        }
    }

    pub(super) fn shell(
        &mut self,
        shell: Shell,
        name: &str,
        argv: &[Word],
        own: &mut Scope,
        scope: &mut Scope,
        at: usize,
    ) {
        if let Some(file) = own.known("BASH_ENV").map(String::from) {
            self.emit(own, What::Script { by: "BASH_ENV".into() }, vec![Word::literal(file)], at);
        }
        let fish = shell == Shell::Fish;
        let mut next = 1;
        let (mut code, mut reads_stdin) = (false, false);
        let mut texts = Vec::new();
        while let Some(word) = argv.get(next) {
            let Some(option) = word.exact() else { break };
            next += 1;
            match option {
                "--" | "-" => break,
                "--version" | "--help" | "--no-execute" | "--dump-strings" | "--dump-po-strings" => return,
                "--rcfile" | "--init-file" => {
                    if let Some(file) = argv.get(next) {
                        self.emit(own, What::Script { by: name.to_string() }, vec![file.clone()], at);
                    }
                    next += 1;
                }
                "--command" | "--init-command" if fish => {
                    texts.extend(argv.get(next).cloned());
                    next += 1;
                }
                "--debug" | "--debug-output" | "--profile" | "--features" if fish => next += 1,
                "--emulate" => next += 1,
                _ if option.starts_with("--") => {
                    if let Some((_, text)) =
                        option.split_once('=').filter(|(o, _)| fish && o.ends_with("command"))
                    {
                        texts.push(Word::literal(text));
                    }
                }
                _ if option.len() > 1 && option.starts_with(['-', '+']) => {
                    let off = option.starts_with('+');
                    for (index, letter) in option.char_indices().skip(1) {
                        match letter {
                            'c' | 'C' if fish => {
                                let attached = &option[index + 1..];
                                if attached.is_empty() {
                                    texts.extend(argv.get(next).cloned());
                                    next += 1;
                                } else {
                                    texts.push(Word::literal(attached));
                                }
                                break;
                            }
                            'd' | 'D' | 'f' | 'o' | 'p' if fish => {
                                next += usize::from(index + 1 == option.len());
                                break;
                            }
                            'c' => code = true,
                            'n' if !off => return,
                            's' => reads_stdin = true,
                            'o' | 'O' => next += 1,
                            _ => {}
                        }
                    }
                }
                _ => {
                    next -= 1;
                    break;
                }
            }
        }
        if noexec(argv, next) {
            return;
        }
        // What such a shell reads at its start may set anything.
        let reads = |word: &Word| {
            let option = word.exact().unwrap_or_default();
            option == "--login"
                || option.starts_with('-') && !option.starts_with("--") && option.contains(['l', 'i'])
        };
        if shell != Shell::Bash || argv[..next.min(argv.len())].iter().any(reads) {
            own.variables = None;
        }
        let rest = argv.get(next..).unwrap_or_default();
        if code {
            let Some(text) = rest.first() else { return };
            let positional = rest.get(2..).unwrap_or_default();
            if text.pieces.iter().all(|piece| matches!(piece, Piece::Param(_) | Piece::Output(_)))
                && !text.pieces.is_empty()
            {
                return self.unclear(own, "runs code that only the shell knows", argv.to_vec(), at);
            }
            let text = as_text(text);
            return self.text_of(shell, &text, positional, own, scope, at);
        }
        if !texts.is_empty() {
            for text in &texts {
                self.text_of(shell, &as_text(text), rest, own, scope, at);
            }
            if fish && argv.iter().all(|word| !matches!(word.exact(), Some("-C" | "--init-command"))) {
                return;
            }
        }
        match rest.first() {
            Some(file) if !reads_stdin => self.file(name, shell, file, rest, own, at),
            _ => self.shell_stdin(shell, own, at),
        }
    }

    pub(super) fn file(
        &mut self,
        by: &str,
        shell: Shell,
        file: &Word,
        rest: &[Word],
        own: &mut Scope,
        at: usize,
    ) {
        match file.exact() {
            Some("-" | "/dev/stdin" | "/dev/fd/0") => self.shell_stdin(shell, own, at),
            Some(_) => self.emit(own, What::Script { by: by.to_string() }, rest.to_vec(), at),
            None => match why_unclear(file) {
                FROM_A_PIPE => self.unclear(own, FROM_A_PIPE, vec![Word::literal(by)], at),
                why => self.unclear(own, why, rest.to_vec(), at),
            },
        }
    }

    /// A shell without a file: it runs what it reads.
    pub(super) fn shell_stdin(&mut self, shell: Shell, own: &mut Scope, at: usize) {
        match own.stdin.clone() {
            Stdin::Inherited => self.emit(own, What::Program, vec![Word::literal(shell_name(shell))], at),
            Stdin::Text(text) => {
                let mut inner = own.clone();
                inner.stdin = Stdin::Inherited;
                let mut nowhere = inner.clone();
                self.text_of(shell, &text, &[], &mut inner, &mut nowhere, at);
            }
            Stdin::File(file) => {
                let rest = [file.clone()];
                let mut inner = own.clone();
                inner.stdin = Stdin::Inherited;
                self.file(shell_name(shell), shell, &file, &rest, &mut inner, at);
            }
            Stdin::Pipe => self.unclear(own, FROM_A_PIPE, vec![Word::literal(shell_name(shell))], at),
        }
    }

    pub(super) fn interpreter(&mut self, name: &str, argv: Vec<Word>, own: &mut Scope, at: usize) {
        let valued: &str = match name {
            _ if name.starts_with("python") || name.starts_with("pypy") => "WX",
            "ruby" => "ICEFr",
            "perl" => "ImM",
            "php" => "dcz",
            "node" | "nodejs" | "ts-node" | "tsx" => "rC",
            "osascript" => "ls",
            _ => "",
        };
        let code: &[&str] = match name {
            _ if name.starts_with("python") || name.starts_with("pypy") => &["c"],
            "perl" => &["e", "E"],
            "php" => &["r"],
            "node" | "nodejs" => &["e", "p", "eval", "print"],
            _ => &["e"],
        };
        let mut next = 1;
        if matches!(name, "deno" | "bun") {
            next = verb_at(&argv, &["run"]).map_or(next, |verb| verb + 1);
        }
        while let Some(word) = argv.get(next) {
            let option = word.prefix();
            if option == "--" {
                next += 1;
                break;
            }
            if option == "-" || !option.starts_with('-') {
                break;
            }
            let long = option.strip_prefix("--");
            let key = long.map_or_else(
                || option[1..].chars().next().map(String::from),
                |l| Some(l.split('=').next().unwrap_or(l).to_string()),
            );
            let key = key.unwrap_or_default();
            let clustered = long.is_none()
                && code.iter().any(|c| c.len() == 1 && option[1..].contains(c))
                && !valued.contains(&key);
            if code.contains(&key.as_str()) || clustered {
                return self.unclear(own, "runs code given on the line", argv, at);
            }
            if name.starts_with("py") && key == "m" {
                let module = argv.get(next + 1).cloned().unwrap_or_default();
                let names = vec![module.shown()];
                let what = What::Task { tool: "python -m".into(), names, dir: None, file: None };
                return self.emit(own, what, argv[(next + 1).min(argv.len())..].to_vec(), at);
            }
            if let ("env-file", Some(_)) = (key.as_str(), long) {
                let file = option.split_once('=').map(|(_, file)| file.to_string());
                let file = file.or_else(|| argv.get(next + 1).and_then(Word::exact).map(String::from));
                own.change(file.map_or(Change::Anything, Change::EnvFile), false);
            }
            let takes = (long.is_none() && option.len() == 2 && valued.contains(&key))
                || matches!(long, Some("require" | "import" | "loader" | "env-file"));
            next += 1 + usize::from(takes);
            let only_checks = match name {
                // `-wc`; in `-Mstrict` the c is part of a value.
                "perl" | "ruby" => {
                    let letters = option.trim_start_matches('-');
                    letters.contains('c') && letters.chars().all(|letter| "cwWTtUvX".contains(letter))
                }
                "php" => option == "-l",
                _ => false,
            };
            if only_checks || matches!(option, "--version" | "--help" | "-V" | "-h" | "--check") {
                return;
            }
        }
        match argv.get(next) {
            Some(file) if !matches!(file.exact(), Some("-" | "/dev/stdin")) => match file.exact() {
                Some(_) => self.emit(own, What::Script { by: name.to_string() }, argv[next..].to_vec(), at),
                None => self.unclear(own, why_unclear(file), argv, at),
            },
            _ => match own.stdin.clone() {
                Stdin::Inherited => self.emit(own, What::Program, argv, at),
                Stdin::File(file) if file.exact().is_some() => {
                    self.emit(own, What::Script { by: name.to_string() }, vec![file], at);
                }
                Stdin::Pipe => self.unclear(own, FROM_A_PIPE, argv, at),
                _ => self.unclear(own, "runs code that it reads", argv, at),
            },
        }
    }

    /// awk's own words run nothing; `system`, a pipe and a program file may.
    fn awk(&mut self, name: &str, argv: &[Word], own: &mut Scope, at: usize) {
        let scan =
            scan(argv, 1, "fFvilEe", &["file", "field-separator", "assign", "include", "source", "exec"]);
        for (option, value) in &scan.options {
            if let ("f" | "file" | "E" | "exec", Some(file)) = (option.as_str(), value) {
                self.emit(own, What::Script { by: name.to_string() }, vec![file.clone()], at);
            }
        }
        let code = argv.get(scan.next).map(as_text).unwrap_or_default();
        if code.contains("system") || (code.contains('|') && code.contains('"') && !code.contains("||")) {
            self.unclear(own, "runs code given on the line", argv.to_vec(), at);
        }
    }

    /// npm, yarn, pnpm and bun; true when it was theirs.
    pub(super) fn javascript(
        &mut self,
        name: &str,
        argv: &[Word],
        own: &mut Scope,
        _scope: &mut Scope,
        at: usize,
    ) -> bool {
        if !matches!(name, "npm" | "yarn" | "pnpm" | "bun") {
            return false;
        }
        let (short, long) = ("wCF", ["prefix", "workspace", "filter", "dir", "cwd", "loglevel"]);
        let first = scan(argv, 1, short, &long);
        let Some(verb) = argv.get(first.next).and_then(Word::exact) else { return false };
        let runs = ["run", "run-script", "rum", "urn"].contains(&verb);
        let known = matches!(verb, "test" | "t" | "tst" | "start" | "stop" | "restart");
        let implicit = name != "npm" && !JAVASCRIPT_VERBS.contains(&verb);
        if !runs && !known && !implicit {
            return false;
        }
        let (mut options, mut next) = (first.options, first.next);
        if runs {
            let behind = scan(argv, next + 1, short, &long);
            options.extend(behind.options);
            next = behind.next;
        }
        let Some(task) = argv.get(next) else { return true };
        let dashes = argv.iter().position(|word| word.exact() == Some("--")).unwrap_or(argv.len());
        if next < dashes {
            options.extend(all_options(&argv[next + 1..dashes], short, &long));
        }
        let Some(task_name) = task.text() else {
            self.unclear(own, "runs a task that only the shell can name", argv.to_vec(), at);
            return true;
        };
        let dir = options.iter().find(|(name, _)| ["prefix", "C", "dir", "cwd"].contains(&name.as_str()));
        let dir = dir.and_then(|(_, value)| value.as_ref().map(Word::shown));
        if name == "bun" && (task_name.contains('/') || task_name.contains('.')) {
            self.emit(own, What::Script { by: "bun".into() }, argv[next..].to_vec(), at);
            return true;
        }
        let what = What::Task { tool: name.to_string(), names: vec![task_name], dir, file: None };
        let mut words = vec![Word::literal(name)];
        words.extend(argv[next..].iter().cloned());
        self.emit(own, what, words, at);
        true
    }

    pub(super) fn cargo(&mut self, argv: &[Word], own: &mut Scope, at: usize) -> bool {
        let from = if argv.get(1).is_some_and(|word| word.prefix().starts_with('+')) { 2 } else { 1 };
        let Some(verb) = argv.get(from).and_then(Word::exact) else { return false };
        // What is no command of cargo's own is an alias or a program of the project's: `cargo xtask`, `cargo reset-db`.
        let cargos = !matches!(verb, "run" | "r") && (CARGO_VERBS.contains(&verb) || verb.starts_with('-'));
        if cargos {
            return false;
        }
        let long = [
            "bin",
            "example",
            "package",
            "manifest-path",
            "features",
            "profile",
            "target",
            "target-dir",
            "cwd",
            "makefile",
        ];
        let scan = scan(argv, from + 1, "pFjZ", &long);
        let dir = scan
            .value(&["manifest-path", "cwd"])
            .map(|word| word.shown().trim_end_matches("Cargo.toml").to_string());
        let mut names = vec![if verb == "r" { "run".to_string() } else { verb.to_string() }];
        names.extend(scan.value(&["bin", "example", "p", "package"]).map(|word| word.shown()));
        names.extend(
            argv[scan.next.min(argv.len())..]
                .iter()
                .filter_map(Word::exact)
                .filter(|w| *w != "--")
                .map(String::from),
        );
        let what = What::Task { tool: "cargo".into(), names, dir, file: None };
        self.emit(own, what, argv.to_vec(), at);
        true
    }

    pub(super) fn task(&mut self, name: &str, argv: &[Word], own: &mut Scope, at: usize) -> bool {
        let Some(tool) = TASK_TOOLS.iter().find(|tool| tool.names.contains(&name)) else { return false };
        let Some(task) = read_task(tool, argv) else { return false };
        if task.dry {
            return true;
        }
        for (variable, value) in task.variables {
            own.var(&variable, value);
        }
        let names = task.names;
        let what = What::Task { tool: name.to_string(), names, dir: task.dir, file: task.file };
        let mut words = vec![Word::literal(name)];
        words.extend(argv.iter().skip(1).cloned());
        if task.unclear {
            self.unclear(own, "runs a task that only the shell can name", words.clone(), at);
        }
        self.emit(own, what, words, at);
        true
    }
}

const CARGO_VERBS: &[&str] = &[
    "add",
    "audit",
    "b",
    "bench",
    "bloat",
    "build",
    "c",
    "check",
    "clean",
    "clippy",
    "config",
    "d",
    "deny",
    "doc",
    "expand",
    "fetch",
    "fix",
    "fmt",
    "generate",
    "generate-lockfile",
    "help",
    "info",
    "init",
    "install",
    "license",
    "llvm-cov",
    "locate-project",
    "login",
    "logout",
    "machete",
    "metadata",
    "miri",
    "new",
    "nextest",
    "outdated",
    "owner",
    "package",
    "pkgid",
    "publish",
    "read-manifest",
    "remove",
    "report",
    "rm",
    "rustc",
    "rustdoc",
    "search",
    "sort",
    "t",
    "tarpaulin",
    "test",
    "tree",
    "udeps",
    "uninstall",
    "update",
    "upgrade",
    "vendor",
    "verify-project",
    "version",
    "watch",
    "yank",
];

pub(super) const JAVASCRIPT_VERBS: &[&str] = &[
    "install",
    "i",
    "add",
    "remove",
    "rm",
    "uninstall",
    "update",
    "up",
    "upgrade",
    "ci",
    "publish",
    "pack",
    "link",
    "unlink",
    "init",
    "create",
    "exec",
    "dlx",
    "why",
    "list",
    "ls",
    "outdated",
    "audit",
    "config",
    "cache",
    "info",
    "view",
    "version",
    "versions",
    "global",
    "workspaces",
    "workspace",
    "set",
    "plugin",
    "dedupe",
    "import",
    "prune",
    "rebuild",
    "store",
    "patch",
    "fetch",
    "login",
    "logout",
    "whoami",
    "help",
    "node",
    "npm",
    "pm",
    "bin",
    "root",
    "licenses",
    "self-update",
    "approve-builds",
    "policies",
    "owner",
    "tag",
    "team",
    "generate-lock-entry",
    "autoclean",
];

pub(super) struct Task {
    pub(super) names: Vec<String>,
    pub(super) dir: Option<String>,
    pub(super) file: Option<String>,
    pub(super) dry: bool,
    pub(super) variables: Vec<(String, Value)>,
    pub(super) unclear: bool,
}

pub(super) fn read_task(tool: &TaskTool, argv: &[Word]) -> Option<Task> {
    let mut next = 1;
    let mut options = Vec::new();
    if !tool.verbs.is_empty() {
        let verb = verb_at(argv, tool.verbs)?;
        options.extend(all_options(argv.get(1..verb).unwrap_or_default(), tool.short, tool.long));
        next = verb + 1;
    }
    let mut task =
        Task { names: vec![], dir: None, file: None, dry: false, variables: vec![], unclear: false };
    while next < argv.len() {
        let scanned = scan(argv, next, tool.short, tool.long);
        options.extend(scanned.options);
        let Some(word) = argv.get(scanned.next) else { break };
        next = scanned.next + 1;
        if let Some((name, _)) = word.prefix().split_once('=') {
            task.variables.push((
                name.trim_end_matches([':', '?', '+']).to_string(),
                value_of(&without_prefix(word, name.len() + 1)),
            ));
            continue;
        }
        match word.text() {
            // `make -j 4`.
            Some(text) if text.bytes().all(|c| c.is_ascii_digit()) => {}
            Some(text) => task.names.push(text),
            None => task.unclear = true,
        }
    }
    let option = |names: &[&str]| {
        let found = options.iter().find(|(name, _)| names.contains(&name.as_str()));
        found.and_then(|(_, value)| value.as_ref().map(Word::shown))
    };
    task.dir = option(tool.dir);
    task.file = option(tool.file);
    task.dry = options.iter().any(|(name, _)| tool.dry.contains(&name.as_str()));
    Some(task)
}

pub(super) fn generic_env_files(argv: &[Word]) -> Option<Vec<String>> {
    let mut files = Vec::new();
    for (index, word) in argv.iter().enumerate() {
        let text = word.prefix();
        if let Some(file) = text.strip_prefix("--env-file=") {
            files.push(file.to_string());
        } else if text == "--env-file" {
            files.extend(argv.get(index + 1).and_then(Word::exact).map(String::from));
        }
    }
    (!files.is_empty()).then_some(files)
}

/// `set -n` by name: `bash -o noexec`.
pub(super) fn noexec(argv: &[Word], until: usize) -> bool {
    argv.iter().take(until).any(|word| word.exact() == Some("noexec"))
}

pub(super) fn is_interpreter(name: &str) -> bool {
    let versioned = |base: &str| {
        name.strip_prefix(base).is_some_and(|rest| rest.bytes().all(|c| c.is_ascii_digit() || c == b'.'))
    };
    versioned("python")
        || versioned("pypy")
        || versioned("ruby")
        || versioned("perl")
        || versioned("php")
        || versioned("lua")
        || matches!(
            name,
            "node"
                | "nodejs"
                | "deno"
                | "ts-node"
                | "tsx"
                | "Rscript"
                | "osascript"
                | "tclsh"
                | "jruby"
                | "groovy"
                | "elixir"
                | "julia"
                | "guile"
                | "expect"
                | "pwsh"
                | "raku"
                | "ipython"
        )
}

/// Why a file that has no name on the line is unclear: `bash <(curl …)`, `bash "$f"`.
fn why_unclear(file: &Word) -> &'static str {
    match &file.pieces[..] {
        // `$(…)` prints the name of a file, `<(…)`, `=(…)` and fish's `(… | psub)` are one.
        [Piece::Output(raw)] if raw.starts_with(['<', '=', '(']) => FROM_A_PIPE,
        _ => OF_A_FILE,
    }
}

pub(super) fn shell_name(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
    }
}
