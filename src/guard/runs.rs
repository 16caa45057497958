//! A parsed line in, all that it would run out: each program, script and task with the changes of view it would run
//! under. Nothing is evaluated or looked up; what can't be followed becomes [`What::Unclear`], which stands for
//! anything the line mentions.

use std::collections::HashMap;
use std::rc::Rc;

use super::line::{
    self, Assignment, Command, Dialect, Item, Kind as Bracket, Line, Link, Piece, Redirect, Redirection,
    Shell, Word,
};
use super::prefixes::{
    DOCKER_GLOBAL, DOCKER_LONG, DOCKER_SHORT, KUBECTL, PARALLEL, PREFIXES, Prefix, SSH, SUDO, TASK_TOOLS,
    TaskTool, XARGS,
};
use crate::signal::Kind;

/// Texts inside texts: `bash -c "bash -c …"`, `eval`, functions that call functions.
const MAX_TEXTS: usize = 12;
/// A program that runs a program that runs a program, where each can run several.
const MAX_NESTED: usize = 24;
/// All text that is parsed for one line, with function bodies and `-c` arguments.
const MAX_TEXT: usize = 4 * line::MAX_BYTES;
/// More runs than this in one line: the rest is unclear.
const MAX_RUNS: usize = 4096;
/// The last of so many unclear runs speaks for all that follow.
const MAX_UNCLEAR: usize = 16;
/// More changes than this: from there on anything may have changed.
const MAX_CHANGES: usize = 64;

/// What the hook hands over beside the line: text of every alias (abbreviation) and function the line may use.
#[derive(Clone, Copy, Debug, Default)]
pub struct Definitions<'a> {
    pub aliases: &'a [(String, String)],
    pub functions: &'a [(String, String)],
}

/// What becomes of a variable or a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Is(String),
    Unset,
    /// Only running it would tell.
    Unknown,
}

/// One difference between the tab's view and the view a command of the line would run under. Later ones overrule
/// earlier ones; paths are relative to the directory as the changes before them leave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A variable.
    Var { name: String, value: Value },
    /// The environment starts empty: `env -i`.
    EmptyEnv,
    /// Variables come from a file: `source`, `--env-file`; a directory means its `.envrc` and `.env`.
    EnvFile(String),
    /// The directory. `Unknown`: `cd -`, `popd`, `cd $x`.
    Cwd(Value),
    /// A selection that tools keep in files: kube context, namespace, gcloud configuration, workspace, …
    Target { kind: Kind, value: Value },
    /// It can't be followed: any variable may be set.
    Anything,
}

/// A change, and how far it reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub change: Change,
    /// It may not happen: behind `||`, in a loop or an `if`. Judge with it and without it.
    pub maybe: bool,
    /// It is written to a file, so it outlives subshells.
    pub lasting: bool,
}

/// Where a command runs, if not here. The outermost place stands first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On another host, as named on the line.
    Remote(String),
    /// In a container or pod.
    Container(String),
}

/// What a command reads on its standard input, as far as the line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stdin {
    /// The terminal, or whatever the shell reads.
    Inherited,
    /// A here-doc, a here-string, or what `echo` printed; unknown parts are left as `$name`.
    Text(Rc<str>),
    /// A file.
    File(Word),
    /// The output of something else.
    Pipe,
}

/// What sort of thing is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A program, by name or path: the first word of `argv`.
    Program,
    /// A file that `by` interprets (`bash`, `python3`, `source`); it is the first word of `argv`.
    Script { by: String },
    /// A task of a runner; `dir` and `file` as named on the line.
    Task { tool: String, names: Vec<String>, dir: Option<String>, file: Option<String> },
    /// A shell function or alias by its name; what its body runs follows as runs of its own.
    Function,
    /// It could run anything. `words`: all on the line that could be a program, a path or an argument.
    Unclear { why: &'static str, words: Rc<[String]> },
}

/// One thing a line would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub what: What,
    /// The program (script, tool) and its arguments. For `Unclear` what is known of them, maybe nothing.
    pub argv: Vec<Word>,
    pub changes: Vec<Rc<Changed>>,
    pub places: Vec<Place>,
    pub stdin: Stdin,
    /// The files its redirections write.
    pub writes: Vec<Word>,
    /// Where in the text it stands, in bytes.
    pub at: usize,
}

impl Run {
    /// The first word as text; empty when it is not known.
    pub fn program(&self) -> &str {
        self.argv.first().and_then(Word::exact).unwrap_or("")
    }

    /// The program without its directory.
    pub fn name(&self) -> &str {
        base_name(self.program())
    }
}

/// All that `text`, a line typed in a shell of `dialect`, would run, in the order in which it would.
pub fn resolve(text: &str, dialect: Dialect, definitions: Definitions) -> Vec<Run> {
    let parsed = line::parse(text, dialect);
    let mut resolver = Resolver::new(text, definitions);
    let mut scope = Scope::new(dialect);
    resolver.whole(&parsed, &mut scope);
    resolver.runs
}

/// The name of a program without its directory.
pub fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[derive(Clone)]
struct Scope {
    dialect: Dialect,
    changes: Vec<Rc<Changed>>,
    places: Vec<Place>,
    stdin: Stdin,
    writes: Vec<Word>,
    positional: Rc<[Word]>,
    maybe: usize,
    /// Set while a text inside the line is walked: all its commands stand where the text stands.
    at: Option<usize>,
    /// Whether aliases and functions of the tab's shell are known here.
    defined: bool,
}

impl Scope {
    fn new(dialect: Dialect) -> Scope {
        Scope {
            dialect,
            changes: Vec::new(),
            places: Vec::new(),
            stdin: Stdin::Inherited,
            writes: Vec::new(),
            positional: Rc::from([]),
            maybe: 0,
            at: None,
            defined: true,
        }
    }

    fn change(&mut self, change: Change, lasting: bool) {
        if self.changes.len() >= MAX_CHANGES {
            return;
        }
        let maybe = self.maybe > 0;
        if let (Change::Var { name, .. }, false) = (&change, maybe) {
            self.changes.retain(|old| !matches!(&old.change, Change::Var { name: n, .. } if n == name));
        }
        let full = self.changes.len() + 1 == MAX_CHANGES;
        let change = if full { Change::Anything } else { change };
        self.changes.push(Rc::new(Changed { change, maybe, lasting }));
    }

    fn var(&mut self, name: &str, value: Value) {
        self.change(Change::Var { name: name.to_string(), value }, false);
    }

    fn known(&self, name: &str) -> Option<&str> {
        self.changes.iter().rev().find_map(|changed| match &changed.change {
            Change::Var { name: n, value: Value::Is(value) } if n == name && !changed.maybe => {
                Some(value.as_str())
            }
            _ => None,
        })
    }
}

struct Frame {
    saved: Option<Vec<Rc<Changed>>>,
    maybe: bool,
    stage: bool,
    input: Option<Stdin>,
    output: Option<Stdin>,
    /// What the stage before printed, kept where the next stage finds it.
    printed: Option<Stdin>,
}

struct Resolver<'a> {
    runs: Vec<Run>,
    text: &'a str,
    words: Option<Rc<[String]>>,
    aliases: HashMap<String, String>,
    functions: HashMap<String, String>,
    local: HashMap<String, String>,
    /// Names whose definitions are being walked.
    active: Vec<String>,
    texts: usize,
    nested: usize,
    parsed: usize,
    unclear: usize,
}

impl<'a> Resolver<'a> {
    fn new(text: &'a str, definitions: Definitions) -> Resolver<'a> {
        let owned = |pairs: &[(String, String)]| pairs.iter().cloned().collect();
        Resolver {
            runs: Vec::new(),
            text,
            words: None,
            aliases: owned(definitions.aliases),
            functions: owned(definitions.functions),
            local: HashMap::new(),
            active: Vec::new(),
            texts: 0,
            nested: 0,
            parsed: 0,
            unclear: 0,
        }
    }

    fn whole(&mut self, parsed: &Line, scope: &mut Scope) {
        self.walk(&parsed.items, scope);
        if let Some(why) = parsed.trouble {
            self.unclear(scope, why, Vec::new(), 0);
        }
    }

    fn emit(&mut self, scope: &Scope, what: What, argv: Vec<Word>, at: usize) {
        if self.runs.len() > MAX_RUNS {
            return;
        }
        if self.runs.len() == MAX_RUNS {
            return self.push_unclear(scope, "holds too many commands", Vec::new(), at);
        }
        let at = scope.at.unwrap_or(at);
        self.runs.push(run(scope, what, argv, at));
    }

    fn unclear(&mut self, scope: &Scope, why: &'static str, argv: Vec<Word>, at: usize) {
        if self.runs.len() < MAX_RUNS {
            self.push_unclear(scope, why, argv, at);
        }
    }

    fn push_unclear(&mut self, scope: &Scope, why: &'static str, argv: Vec<Word>, at: usize) {
        let words = match &self.words {
            Some(words) => words.clone(),
            None => {
                let words: Rc<[String]> = self.loose_words().into();
                self.words = Some(words.clone());
                words
            }
        };
        let at = scope.at.unwrap_or(at);
        let mut unclear = run(scope, What::Unclear { why, words }, argv, at);
        if self.runs.last() == Some(&unclear) {
            return;
        }
        self.unclear += 1;
        // Each of them stands for all that the line mentions: a few say as much as thousands.
        if self.unclear == MAX_UNCLEAR {
            unclear.changes.push(Rc::new(Changed { change: Change::Anything, maybe: true, lasting: false }));
        }
        if self.unclear <= MAX_UNCLEAR {
            self.runs.push(unclear);
        }
    }

    /// The line's own words and those of the definitions it may use.
    fn loose_words(&self) -> Vec<String> {
        let mut words = line::loose_words(self.text);
        let mut seen: Vec<&String> = self.aliases.values().chain(self.functions.values()).collect();
        seen.sort();
        for text in seen.into_iter().filter(|text| text.len() <= line::MAX_BYTES) {
            words.extend(line::loose_words(text));
        }
        words
    }

    // ---- walking a parsed text ----

    fn walk(&mut self, items: &[Item], scope: &mut Scope) {
        let mut frames: Vec<Frame> = Vec::new();
        let mut top_printed = None;
        let outer = scope.stdin.clone();
        let mut index = 0;
        while let Some(item) = items.get(index) {
            index += 1;
            match item {
                Item::Open(block) => {
                    if let Bracket::Function { name, body } = &block.kind {
                        self.local.insert(name.clone(), body.clone());
                        index = after_close(items, index);
                        continue;
                    }
                    let printed = match frames.last_mut() {
                        Some(frame) => &mut frame.printed,
                        None => &mut top_printed,
                    };
                    let frame = open_frame(block, scope, printed);
                    scope.maybe += usize::from(frame.maybe);
                    frames.push(frame);
                }
                Item::Close => {
                    let Some(frame) = frames.pop() else { continue };
                    scope.maybe -= usize::from(frame.maybe);
                    if let Some(saved) = frame.saved {
                        restore(scope, saved);
                    }
                    if frame.stage {
                        let printed = match frames.last_mut() {
                            Some(outer) => &mut outer.printed,
                            None => &mut top_printed,
                        };
                        *printed = frame.output;
                    }
                }
                Item::Command(command) => {
                    scope.stdin = input_of(&command.redirections)
                        .or_else(|| frames.iter().rev().find_map(|frame| frame.input.clone()))
                        .unwrap_or_else(|| outer.clone());
                    let words = expand(&command.words, scope);
                    if let Some(frame) = frames.last_mut().filter(|frame| frame.stage) {
                        frame.output = Some(output_of(&words, &scope.stdin));
                    }
                    self.command(command, words, scope);
                    scope.stdin = outer.clone();
                    if self.runs.len() > MAX_RUNS {
                        return;
                    }
                }
            }
        }
    }

    fn command(&mut self, command: &Command, words: Vec<Word>, scope: &mut Scope) {
        let at = command.at;
        let mut own = scope.clone();
        for assignment in &command.assignments {
            assign(assignment, &mut own);
        }
        own.writes = command.redirections.iter().filter_map(written).collect();
        if words.is_empty() {
            if !own.writes.is_empty() {
                // `> file` on its own empties the file.
                self.emit(&own, What::Program, vec![Word::literal(":")], at);
            }
            scope.changes = own.changes;
            return;
        }
        self.program(words, own, scope, at);
    }

    /// Walks a text that runs in the shell of `scope` itself: `eval`, a function's body.
    fn text(&mut self, text: &str, scope: &mut Scope, at: usize) {
        self.parsed += text.len() + 1;
        if self.texts >= MAX_TEXTS || self.parsed > MAX_TEXT {
            return self.unclear(scope, "is nested too deep", Vec::new(), at);
        }
        self.texts += 1;
        let parsed = line::parse(text, scope.dialect);
        let outer_at = scope.at;
        scope.at = Some(scope.at.unwrap_or(at));
        self.whole(&parsed, scope);
        scope.at = outer_at;
        self.texts -= 1;
    }

    /// Walks a text that another shell process runs.
    fn text_of(
        &mut self,
        shell: Shell,
        text: &str,
        positional: &[Word],
        own: &mut Scope,
        scope: &mut Scope,
        at: usize,
    ) {
        let mut inner = own.clone();
        inner.dialect = Dialect::script(shell);
        inner.positional = positional.into();
        inner.defined = false;
        self.text(text, &mut inner, at);
        keep_lasting(scope, &inner.changes);
        keep_lasting(own, &inner.changes);
    }

    // ---- from words to runs ----

    /// Resolves one command. `own` is the view it runs under, `scope` the shell that stays behind.
    fn program(&mut self, words: Vec<Word>, own: Scope, scope: &mut Scope, at: usize) {
        if self.nested >= MAX_NESTED {
            return self.unclear(&own, "is nested too deep", words, at);
        }
        self.nested += 1;
        self.unwrap(words, own, scope, at);
        self.nested -= 1;
    }

    fn unwrap(&mut self, mut words: Vec<Word>, mut own: Scope, scope: &mut Scope, at: usize) {
        let mut from = 0;
        // Whether it still runs in the shell itself, so that it can change the shell.
        let mut in_shell = true;
        let mut look_up = true;
        loop {
            let Some(first) = words.get(from) else { return };
            let Some(program) = first.exact() else {
                return self.unclear(
                    &own,
                    "runs a program that only the shell can name",
                    words.split_off(from),
                    at,
                );
            };
            let zsh_path = own.dialect.shell == Shell::Zsh && program.len() > 1 && program.starts_with('=');
            let program = program[usize::from(zsh_path)..].to_string();
            if program.is_empty() {
                return;
            }
            if zsh_path {
                words[from] = Word::literal(program.as_str());
                continue;
            }
            let name = base_name(&program).to_string();
            if look_up && own.defined && !first.quoted && self.aliased(&program) {
                let rest = words.split_off(from + 1);
                return self.alias(&program, rest, own, scope, at);
            }
            if look_up && in_shell && self.has_function(&program, &own) {
                let rest = words.split_off(from + 1);
                return self.function(&program, rest, own, scope, at);
            }
            if in_shell && !program.contains('/') {
                match self.shell_word(&program, &words[from..], &mut own, scope, at) {
                    Step::Done => return,
                    Step::Into(skip, lookups) => {
                        from += skip;
                        look_up = lookups;
                        continue;
                    }
                    Step::No => {}
                }
            }
            match self.wrapper(&name, &words[from..], &mut own, scope, at) {
                Step::Done => return,
                Step::Into(skip, _) => {
                    from += skip;
                    // A trailing blank in `alias sudo='sudo '` lets aliases follow.
                    look_up = self.blank_alias(&name);
                    in_shell = false;
                }
                Step::No => {
                    let argv = words.split_off(from);
                    return self.plain(&name, argv, &mut own, scope, at);
                }
            }
        }
    }

    fn aliased(&self, name: &str) -> bool {
        self.aliases.contains_key(name) && !self.active.iter().any(|active| active == name)
    }

    fn blank_alias(&self, name: &str) -> bool {
        self.aliases.get(name).is_some_and(|text| text.ends_with([' ', '\t']))
    }

    fn has_function(&self, name: &str, own: &Scope) -> bool {
        let known = self.local.contains_key(name) || (own.defined && self.functions.contains_key(name));
        known && !self.active.iter().any(|active| active == name)
    }

    fn alias(&mut self, name: &str, rest: Vec<Word>, mut own: Scope, scope: &mut Scope, at: usize) {
        let text = self.aliases.get(name).cloned().unwrap_or_default();
        self.parsed += text.len() + 1;
        if self.texts >= MAX_TEXTS || self.parsed > MAX_TEXT {
            return self.unclear(&own, "is nested too deep", rest, at);
        }
        let mut parsed = line::parse(&text, own.dialect);
        let open_ended =
            text.trim_end().ends_with(['|', '&', ';', '(', '{', '<', '>', '!']) || parsed.trouble.is_some();
        let mut extra = rest.as_slice();
        if open_ended && !rest.is_empty() {
            // The words that follow are no arguments of what stands in the text: read both as one.
            let rest: Vec<String> = rest.iter().map(quoted).collect();
            parsed = line::parse(&format!("{text} {}", rest.join(" ")), own.dialect);
            extra = &[];
        }
        let mut items = parsed.items;
        // The words behind an alias belong to the last command of its text.
        match items.iter_mut().rev().find_map(|item| match item {
            Item::Command(command) => Some(command),
            _ => None,
        }) {
            Some(last) => last.words.extend(extra.iter().cloned()),
            None => return self.unclear(&own, "starts with an alias that can't be followed", rest, at),
        }
        self.active.push(name.to_string());
        self.texts += 1;
        own.at = Some(own.at.unwrap_or(at));
        self.walk(&items, &mut own);
        self.texts -= 1;
        self.active.pop();
        scope.changes = own.changes.clone();
        if let Some(why) = parsed.trouble {
            self.unclear(&own, why, rest, at);
        }
    }

    fn function(&mut self, name: &str, rest: Vec<Word>, mut own: Scope, scope: &mut Scope, at: usize) {
        let body = match self.local.get(name) {
            Some(body) => body.clone(),
            None => self.functions.get(name).cloned().unwrap_or_default(),
        };
        let mut argv = vec![Word::literal(name)];
        argv.extend(rest.iter().cloned());
        self.emit(&own, What::Function, argv, at);
        own.positional = rest.into();
        let comments = own.dialect.comments;
        own.dialect.comments = true;
        self.active.push(name.to_string());
        self.text(&body, &mut own, at);
        self.active.pop();
        own.dialect.comments = comments;
        scope.changes = own.changes;
    }

    /// Builtins: they change the shell, or only say how the next word is to be found.
    fn shell_word(
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
            "unset" => each_exact(&words[1..], |name| own.var(name, Value::Unset)),
            "set" | "setenv" if fish => fish_set(&words[1..], own),
            "export" if fish => self.declare(&words[1..], own),
            "source" | "." => self.source(words, own, at),
            "eval" => {
                let text = joined(&words[1..]);
                if words[1..].iter().any(|word| word.pieces.iter().any(|p| matches!(p, Piece::Output(_)))) {
                    self.unclear(own, "evaluates the output of a command", words.to_vec(), at);
                    own.change(Change::Anything, false);
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
            "fc" | "r" if !fish => {
                self.unclear(own, "runs a line of the history", words.to_vec(), at);
            }
            "time" if fish => return Step::Into(1, true),
            _ => return Step::No,
        }
        scope.changes = own.changes.clone();
        Step::Done
    }

    fn declare(&mut self, words: &[Word], own: &mut Scope) {
        for word in words {
            match word.pieces.first() {
                Some(Piece::Text(text)) if !text.starts_with('-') && !text.starts_with('+') => {
                    if let Some((name, _)) = text.split_once('=') {
                        let value = without_prefix(word, name.len() + 1);
                        own.var(name, value_of(&value));
                    }
                }
                Some(Piece::Output(_) | Piece::Param(_)) => self.env_from_output(word, own),
                _ => {}
            }
        }
    }

    /// `env $(cat .env.prod | xargs)`: the file, where it can be told; otherwise anything.
    fn env_from_output(&mut self, word: &Word, own: &mut Scope) {
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

    fn source(&mut self, words: &[Word], own: &mut Scope, at: usize) {
        let from = if words.get(1).and_then(Word::exact) == Some("--") { 2 } else { 1 };
        let Some(file) = words.get(from) else {
            // fish reads standard input.
            if words.len() == 1 && own.dialect.shell == Shell::Fish {
                self.shell_stdin(Shell::Fish, own, at);
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
                self.unclear(own, "sources what only the shell can name", words[from..].to_vec(), at);
                let mut probe = own.clone();
                self.env_from_output(file, &mut probe);
                own.changes = probe.changes;
                own.change(Change::Anything, false);
            }
        }
    }

    fn stdin_in_place(&mut self, own: &mut Scope, at: usize) {
        match own.stdin.clone() {
            Stdin::Text(text) => self.text(&text, own, at),
            Stdin::File(file) if file.exact().is_some() => {
                self.emit(own, What::Script { by: "source".into() }, vec![file], at);
            }
            _ => self.unclear(own, "sources the output of a command", Vec::new(), at),
        }
    }

    fn define_aliases(&mut self, words: &[Word], fish: bool) {
        let plain: Vec<&str> = words.iter().filter_map(Word::exact).filter(|w| !w.starts_with('-')).collect();
        for word in &plain {
            if let Some((name, text)) = word.split_once('=') {
                self.aliases.insert(name.to_string(), text.to_string());
            }
        }
        if fish && plain.len() > 1 && !plain[0].contains('=') {
            self.aliases.insert(plain[0].to_string(), plain[1..].join(" "));
        }
    }

    /// Programs that run another one, whose words follow.
    fn wrapper(&mut self, name: &str, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) -> Step {
        match name {
            "sudo" => self.sudo(words, own, scope, at),
            "env" | "genv" => self.env(words, own, scope, at),
            "su" | "runuser" => self.su(words, own, scope, at),
            "xargs" | "gxargs" => {
                self.xargs(words, own, scope, at);
                Step::Done
            }
            "find" | "gfind" | "fd" | "fdfind" => {
                self.find(name, words, own, scope, at);
                Step::Done
            }
            "parallel" => {
                self.parallel(words, own, scope, at);
                Step::Done
            }
            "watch" => self.watch(words, own, scope, at),
            "flock" => self.flock(words, own, scope, at),
            "script" => self.script(words, own, scope, at),
            "ssh" | "mosh" | "autossh" | "et" => {
                self.ssh(words, own, scope, at);
                Step::Done
            }
            "docker" | "podman" | "nerdctl" | "docker-compose" | "podman-compose" => {
                self.docker(name, words, own, scope, at);
                Step::Done
            }
            "kubectl" | "oc" | "k" | "kubecolor" => {
                self.kubectl(words, own, scope, at);
                Step::Done
            }
            "tmux" | "screen" | "byobu" | "xterm" | "gnome-terminal" | "alacritty" | "kitty" | "wezterm"
            | "konsole" | "hyperfine" | "nix-shell" | "nix" | "concurrently" | "nodemon" | "at" | "batch"
            | "heroku" | "fly" | "flyctl" | "ip" | "gdb" | "lldb" | "sg" | "dokku" => {
                self.odd_wrapper(name, words, own, scope, at)
            }
            "uv" if verb_at(words, &["run"]).is_some() => {
                let Some(prefix) = PREFIXES.iter().find(|prefix| prefix.names.contains(&"uv")) else {
                    return Step::No;
                };
                let step = self.prefix(name, prefix, words, own);
                // `uv run file.py` interprets the file itself.
                match step {
                    Step::Into(next, _) if words[next].prefix().ends_with(".py") => {
                        self.emit(own, What::Script { by: "uv".into() }, words[next..].to_vec(), at);
                        Step::Done
                    }
                    step => step,
                }
            }
            "ansible" => {
                let options = all_options(
                    &words[1..],
                    "amilufeMPtbkKTDBoc",
                    &["args", "module-name", "inventory", "limit", "user"],
                );
                let module = options
                    .iter()
                    .find(|(n, _)| n == "m" || n == "module-name")
                    .and_then(|(_, v)| v.as_ref());
                let shell =
                    module.is_none_or(|m| matches!(m.prefix(), "shell" | "command" | "raw" | "script"));
                if let Some((_, Some(text))) =
                    options.iter().find(|(n, _)| n == "a" || n == "args").filter(|_| shell)
                {
                    let mut remote = own.clone();
                    remote.places.push(Place::Remote(words.get(1).map_or_else(String::new, Word::shown)));
                    let mut nowhere = scope.clone();
                    self.text_of(Shell::Bash, &as_text(text), &[], &mut remote, &mut nowhere, at);
                }
                Step::No
            }
            "mise" | "rtx" => match verb_at(words, &["exec", "x"]) {
                Some(_) => match words.iter().position(|word| word.exact() == Some("--")) {
                    Some(dashes) => Step::Into(dashes + 1, false),
                    None => Step::No,
                },
                None => Step::No,
            },
            _ => match PREFIXES.iter().find(|prefix| applies(prefix, name, words)) {
                Some(prefix) => self.prefix(name, prefix, words, own),
                None => Step::No,
            },
        }
    }

    fn prefix(&mut self, name: &str, prefix: &Prefix, words: &[Word], own: &mut Scope) -> Step {
        let mut from = 1;
        let mut names = Vec::new();
        if !prefix.verbs.is_empty() {
            let Some(verb) = verb_at(words, prefix.verbs).or((name.starts_with("dotenv")).then_some(0))
            else {
                return Step::No;
            };
            from = verb + 1;
        }
        let verb = from;
        let mut options =
            all_options(words.get(1..verb.max(1)).unwrap_or_default(), prefix.short, prefix.long);
        let mut scanned = scan(words, from, prefix.short, prefix.long);
        options.append(&mut scanned.options);
        let mut next = scanned.next;
        for _ in 0..prefix.skip {
            names.extend(words.get(next).cloned());
            let more = scan(words, next + 1, prefix.short, prefix.long);
            options.extend(more.options);
            next = more.next;
        }
        while prefix.assigns
            && let Some(word) = words.get(next)
            && let Some((variable, _)) = word.prefix().split_once('=')
        {
            own.var(variable, value_of(&without_prefix(word, variable.len() + 1)));
            next += 1;
        }
        prefix_changes(name, &options, &names, words.get(next), own);
        if name == "chamber" || name == "dotenv" || name == "dotenvx" {
            // `chamber exec SERVICE… -- cmd`, `dotenv -- cmd`.
            if let Some(dashes) = words.iter().skip(next).position(|word| word.exact() == Some("--")) {
                next += dashes + 1;
            }
        }
        if next >= words.len() { Step::No } else { Step::Into(next, false) }
    }

    fn sudo(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) -> Step {
        let scan = scan(words, 1, SUDO.0, SUDO.1);
        if scan.has(&["l", "list", "v", "validate", "k", "K", "V", "version", "h", "help", "e", "edit"]) {
            return Step::Done;
        }
        if let Some(dir) = scan.value(&["D", "chdir"]) {
            own.change(Change::Cwd(value_of(&dir)), false);
        }
        let mut next = scan.next;
        while let Some(word) = words.get(next)
            && let Some((name, _)) = word.prefix().split_once('=')
            && is_variable(name)
        {
            own.var(name, value_of(&without_prefix(word, name.len() + 1)));
            next += 1;
        }
        if next >= words.len() {
            // `sudo -s`: a session, or a shell that reads what is piped in.
            if scan.has(&["s", "i", "shell", "login"]) {
                self.shell_stdin(Shell::Bash, own, at);
            }
            return Step::Done;
        }
        let _ = scope;
        Step::Into(next, false)
    }

    fn env(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) -> Step {
        let scan =
            scan(words, 1, "uCSP", &["unset", "chdir", "split-string", "block-signal", "default-signal"]);
        for (name, value) in &scan.options {
            match name.as_str() {
                "i" | "ignore-environment" | "" => own.change(Change::EmptyEnv, false),
                "u" | "unset" => {
                    if let Some(name) = value.as_ref().and_then(Word::exact) {
                        own.var(name, Value::Unset);
                    }
                }
                "C" | "chdir" => {
                    own.change(Change::Cwd(value.as_ref().map_or(Value::Unknown, value_of)), false)
                }
                _ => {}
            }
        }
        let mut next = scan.next;
        // A bare `-` is `-i`.
        if words.get(next).and_then(Word::exact) == Some("-") {
            own.change(Change::EmptyEnv, false);
            next += 1;
        }
        while let Some(word) = words.get(next) {
            match word.pieces.first() {
                Some(Piece::Text(text)) => match text.split_once('=') {
                    Some((name, _)) => own.var(name, value_of(&without_prefix(word, name.len() + 1))),
                    None => break,
                },
                // `env $(cat .env) program`: what the output adds are assignments, or the program itself.
                Some(Piece::Output(_) | Piece::Param(_)) if next + 1 < words.len() => {
                    self.env_from_output(word, own)
                }
                _ => break,
            }
            next += 1;
        }
        if let Some(split) = scan.value(&["S", "split-string"]) {
            let mut text = as_text(&split);
            for word in words.iter().skip(next) {
                text.push(' ');
                text.push_str(&quoted(word));
            }
            // env reads assignments and options there, too.
            self.text_of(Shell::Bash, &format!("env {text}"), &[], &mut own.clone(), scope, at);
            return Step::Done;
        }
        if next >= words.len() { Step::No } else { Step::Into(next, false) }
    }

    fn su(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) -> Step {
        let mut commands = Vec::new();
        let (short, long) =
            ("cCgGsuwT", &["command", "session-command", "group", "shell", "user", "whitelist-environment"]);
        let mut next = 1;
        let mut user = false;
        while next < words.len() {
            let scan = scan(words, next, short, long);
            commands.extend(scan.value(&["c", "command", "C", "session-command"]));
            user |= scan.has(&["u", "user"]);
            next = scan.next;
            if user && commands.is_empty() && next < words.len() {
                return Step::Into(next, false);
            }
            next += 1;
        }
        let scripts = commands.is_empty();
        for command in commands {
            self.text_of(Shell::Bash, &as_text(&command), &[], &mut own.clone(), scope, at);
        }
        // `su USER script`: the words behind the user go to the shell.
        let plain: Vec<&Word> = words.iter().skip(1).filter(|word| !word.prefix().starts_with('-')).collect();
        if let [_, script] = plain.as_slice()
            && scripts
            && script.prefix().contains('/')
        {
            self.emit(own, What::Script { by: "sh".into() }, vec![(*script).clone()], at);
        }
        self.emit(own, What::Program, words.to_vec(), at);
        Step::Done
    }

    fn xargs(&mut self, words: &[Word], own: &Scope, scope: &mut Scope, at: usize) {
        let scan = scan(words, 1, XARGS.0, XARGS.1);
        let given = scan.value(&["I", "J", "replace"]).map(|word| word.shown());
        let place = given.or_else(|| scan.has(&["i", "replace"]).then(|| "{}".to_string()));
        let mut argv: Vec<Word> = words[scan.next.min(words.len())..].to_vec();
        if argv.is_empty() {
            return;
        }
        match place.filter(|place| !place.is_empty()) {
            Some(place) => argv.iter_mut().for_each(|word| *word = with_hole(word, &place)),
            None => argv.push(Word::unknown()),
        }
        self.program(argv, own.clone(), scope, at);
    }

    fn find(&mut self, name: &str, words: &[Word], own: &Scope, scope: &mut Scope, at: usize) {
        self.emit(own, What::Program, words.to_vec(), at);
        let fd = name.starts_with("fd");
        let root = match words.get(1).map(Word::prefix) {
            Some(path) if !fd && !path.is_empty() && !path.starts_with('-') => path.to_string(),
            _ => ".".to_string(),
        };
        let found =
            Word { pieces: vec![Piece::Text(format!("{root}/")), Piece::Glob("{}".into())], quoted: false };
        let mut next = 1;
        while next < words.len() {
            let option = words[next].exact().unwrap_or("");
            next += 1;
            let runs = matches!(option, "-exec" | "-execdir" | "-ok" | "-okdir")
                || (fd && matches!(option, "-x" | "-X" | "--exec" | "--exec-batch"));
            if !runs {
                continue;
            }
            let end = words[next..].iter().position(|word| matches!(word.exact(), Some(";" | "+")));
            let end = end.map_or(words.len(), |end| next + end);
            let mut argv: Vec<Word> = words[next..end]
                .iter()
                .enumerate()
                .map(|(index, word)| match (index, word.exact()) {
                    (0, Some("{}")) => Word::unknown(),
                    (_, Some("{}")) => found.clone(),
                    _ => word.clone(),
                })
                .collect();
            if fd {
                argv.push(found.clone());
            }
            self.program(argv, own.clone(), scope, at);
            next = end + 1;
        }
    }

    fn parallel(&mut self, words: &[Word], own: &Scope, scope: &mut Scope, at: usize) {
        let scan = scan(words, 1, PARALLEL.0, PARALLEL.1);
        if scan.has(&["dry-run", "dryrun"]) {
            return;
        }
        let is_source = |word: &Word| word.exact().is_some_and(|text| text.starts_with(":::"));
        let rest = &words[scan.next.min(words.len())..];
        let split = rest.iter().position(is_source).unwrap_or(rest.len());
        let (template, sources) = rest.split_at(split);
        if template.is_empty() {
            // Each argument is a command line of its own.
            for source in sources.iter().filter(|word| !is_source(word)) {
                self.text_of(Shell::Bash, &as_text(source), &[], &mut own.clone(), scope, at);
            }
            if sources.is_empty() {
                self.unclear(own, "runs the lines it reads", words.to_vec(), at);
            }
            return;
        }
        let text: Vec<String> = template.iter().map(as_text).collect();
        let text = format!("{} $_", text.join(" ").replace("{}", "$_"));
        self.text_of(Shell::Bash, &text, &[], &mut own.clone(), scope, at);
    }

    fn watch(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) -> Step {
        let scan = scan(words, 1, "nqs", &["interval", "equexit"]);
        if scan.has(&["x", "exec"]) {
            return Step::Into(scan.next, false);
        }
        let rest = &words[scan.next..];
        if !rest.is_empty() {
            self.text_of(Shell::Bash, &joined(rest), &[], &mut own.clone(), scope, at);
        }
        Step::Done
    }

    fn flock(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) -> Step {
        let first = scan(words, 1, "wEc", &["wait", "timeout", "conflict-exit-code", "command"]);
        let behind = scan(words, first.next + 1, "c", &["command"]);
        if let Some(text) = first.value(&["c", "command"]).or(behind.value(&["c", "command"])) {
            self.text_of(Shell::Bash, &as_text(&text), &[], &mut own.clone(), scope, at);
            return Step::Done;
        }
        if behind.next < words.len() { Step::Into(behind.next, false) } else { Step::Done }
    }

    fn script(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) -> Step {
        let mut next = 1;
        let mut file = false;
        while next < words.len() {
            let scan = scan(
                words,
                next,
                "cEIoBOmtT",
                &["command", "echo", "log-in", "log-out", "log-io", "output-limit"],
            );
            if let Some(text) = scan.value(&["c", "command"]) {
                self.text_of(Shell::Bash, &as_text(&text), &[], &mut own.clone(), scope, at);
            }
            // The file comes first; what follows is a command (BSD, macOS).
            if file && scan.next < words.len() {
                return Step::Into(scan.next, false);
            }
            file = true;
            next = scan.next + 1;
        }
        Step::Done
    }

    fn ssh(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) {
        self.emit(own, What::Program, words.to_vec(), at);
        let first = scan(words, 1, SSH, &[]);
        if first.has(&["V", "Q", "G"]) {
            return;
        }
        let Some(host) = words.get(first.next) else { return };
        let behind = scan(words, first.next + 1, SSH, &[]);
        let rest = &words[behind.next.min(words.len())..];
        if rest.is_empty() {
            // A session that reads what is piped in.
            if own.stdin != Stdin::Inherited {
                let mut remote = own.clone();
                remote.places.push(Place::Remote(host.shown()));
                self.shell_stdin(Shell::Bash, &mut remote, at);
            }
            return;
        }
        let text: Vec<String> = rest.iter().map(as_text).collect();
        let mut remote = own.clone();
        remote.places.push(Place::Remote(host.shown()));
        remote.changes.clear();
        let mut nowhere = scope.clone();
        self.text_of(Shell::Bash, &text.join(" "), &[], &mut remote, &mut nowhere, at);
    }

    fn docker(&mut self, name: &str, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) {
        self.plain(name, words.to_vec(), own, scope, at);
        let mut next = scan(words, 1, DOCKER_GLOBAL.0, DOCKER_GLOBAL.1).next;
        while matches!(words.get(next).and_then(Word::exact), Some("compose" | "container")) {
            next = scan(words, next + 1, DOCKER_GLOBAL.0, DOCKER_GLOBAL.1).next;
        }
        if !matches!(words.get(next).and_then(Word::exact), Some("exec" | "run")) {
            return;
        }
        let options = scan(words, next + 1, DOCKER_SHORT, DOCKER_LONG);
        let Some(container) = words.get(options.next) else { return };
        let mut inner = own.clone();
        inner.places.push(Place::Container(container.shown()));
        for (name, value) in &options.options {
            if let ("e" | "env", Some(value)) = (name.as_str(), value)
                && let Some((variable, _)) = value.prefix().split_once('=')
            {
                inner.var(variable, value_of(&without_prefix(value, variable.len() + 1)));
            }
        }
        let mut argv: Vec<Word> = options.value(&["entrypoint"]).into_iter().collect();
        argv.extend(words[options.next + 1..].iter().cloned());
        let mut nowhere = scope.clone();
        self.program(argv, inner, &mut nowhere, at);
    }

    fn kubectl(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) {
        let name = words[0].exact().map(base_name).unwrap_or("kubectl").to_string();
        self.plain(&name, words.to_vec(), own, scope, at);
        let first = scan(words, 1, KUBECTL.0, KUBECTL.1);
        if !matches!(words.get(first.next).and_then(Word::exact), Some("exec" | "run" | "debug" | "rsh")) {
            return;
        }
        let behind = scan(words, first.next + 1, KUBECTL.0, KUBECTL.1);
        let Some(pod) = words.get(behind.next) else { return };
        let dashes = words.iter().position(|word| word.exact() == Some("--"));
        let old_style = || scan(words, behind.next + 1, KUBECTL.0, KUBECTL.1).next;
        let from = dashes.map_or_else(old_style, |dashes| dashes + 1);
        let mut inner = own.clone();
        let mut target = |kind, values: Option<Word>| {
            if let Some(value) = values {
                inner.change(Change::Target { kind, value: value_of(&value) }, false);
            }
        };
        let option = |names: &[&str]| first.value(names).or_else(|| behind.value(names));
        target(Kind::KubeContext, option(&["context"]));
        target(Kind::KubeFile, option(&["kubeconfig"]));
        target(Kind::KubeNamespace, option(&["n", "namespace"]));
        inner.places.push(Place::Container(pod.shown()));
        let argv = words.get(from..).unwrap_or_default().to_vec();
        let mut nowhere = scope.clone();
        self.program(argv, inner, &mut nowhere, at);
    }

    /// Programs that take commands as text, or in a place of their own.
    fn odd_wrapper(
        &mut self,
        name: &str,
        words: &[Word],
        own: &mut Scope,
        scope: &mut Scope,
        at: usize,
    ) -> Step {
        let position = |wanted: &[&str]| {
            words.iter().position(|word| word.exact().is_some_and(|text| wanted.contains(&text)))
        };
        let behind =
            |wanted: &[&str]| position(wanted).map(|index| index + 1).filter(|index| *index < words.len());
        let mut texts: Vec<String> = Vec::new();
        match name {
            "tmux" | "byobu" => {
                let verbs = [
                    "new-session",
                    "new",
                    "new-window",
                    "neww",
                    "split-window",
                    "splitw",
                    "respawn-pane",
                    "respawnp",
                    "respawn-window",
                    "respawnw",
                    "run-shell",
                    "run",
                    "if-shell",
                    "if",
                    "pipe-pane",
                    "pipep",
                    "display-popup",
                    "popup",
                    "send-keys",
                    "send",
                ];
                if let Some(from) = behind(&verbs) {
                    let scan = scan(words, from, "stnxyFceTS", &[]);
                    let rest: Vec<&Word> = words[scan.next..].iter().collect();
                    // Each word may be a line of its own (send-keys, if-shell), or all of them one command.
                    texts.extend(
                        rest.iter()
                            .filter(|word| word.prefix().contains([' ', '/']))
                            .map(|word| as_text(word)),
                    );
                    if rest.first().is_some_and(|word| !word.prefix().contains(' ')) {
                        texts.push(joined(&words[scan.next..]));
                    }
                }
            }
            "screen" => {
                let scan = scan(words, 1, "SecphsTt", &[]);
                if !scan.has(&["r", "x", "ls", "list", "X"]) && scan.next < words.len() {
                    return Step::Into(scan.next, false);
                }
            }
            "xterm" | "gnome-terminal" | "alacritty" | "konsole" => {
                if let Some(from) = behind(&["-e", "--", "-x", "--command"]) {
                    texts.push(joined(&words[from..]));
                }
            }
            "kitty" | "wezterm" | "ip" | "gdb" | "lldb" | "nix" | "fly" | "flyctl" | "dokku" => {
                let marks: &[&str] = match name {
                    "ip" => &["exec"],
                    "gdb" | "lldb" => &["--args", "--"],
                    "nix" => &["-c", "--command"],
                    "fly" | "flyctl" => &["-C", "--command"],
                    _ => &["--", "-e"],
                };
                if let Some(from) = behind(marks) {
                    texts.push(joined(words.get(from + usize::from(name == "ip")..).unwrap_or_default()));
                }
            }
            "nix-shell" | "sg" | "nodemon" => {
                if let Some(from) = behind(&["--run", "--command", "-c", "--exec", "-x"]) {
                    texts.push(as_text(&words[from]));
                } else if name == "nodemon" {
                    return Step::Into(scan(words, 1, "weix", &["watch", "ext", "ignore"]).next, false);
                }
            }
            "hyperfine" | "concurrently" => {
                let scan = scan(
                    words,
                    1,
                    "wmMrspcniLDPSuN",
                    &[
                        "warmup",
                        "runs",
                        "min-runs",
                        "max-runs",
                        "prepare",
                        "setup",
                        "cleanup",
                        "names",
                        "shell",
                        "export-json",
                        "export-markdown",
                        "parameter-list",
                    ],
                );
                texts.extend(
                    scan.options
                        .iter()
                        .filter(|(n, _)| ["p", "s", "c", "prepare", "setup", "cleanup"].contains(&n.as_str()))
                        .filter_map(|(_, v)| v.as_ref().map(as_text)),
                );
                texts.extend(words[scan.next..].iter().map(as_text));
            }
            "at" | "batch" => match scan(words, 1, "qft", &[]).value(&["f"]) {
                Some(file) if file.exact().is_some() => {
                    self.emit(own, What::Script { by: "sh".into() }, vec![file], at)
                }
                _ => self.shell_stdin(Shell::Bash, own, at),
            },
            "heroku" => {
                if let Some(from) = behind(&["run", "run:detached"]) {
                    let scan = scan(words, from, "asr", &["app", "size", "remote", "type", "env"]);
                    let mut remote = own.clone();
                    let app = scan.value(&["a", "app"]).map_or_else(String::new, |app| app.shown());
                    remote.places.push(Place::Remote(app));
                    let rest: Vec<String> = words[scan.next..].iter().map(as_text).collect();
                    let mut nowhere = scope.clone();
                    self.text_of(Shell::Bash, &rest.join(" "), &[], &mut remote, &mut nowhere, at);
                }
            }
            _ => {}
        }
        for text in texts {
            self.text_of(Shell::Bash, &text, &[], &mut own.clone(), scope, at);
        }
        Step::No
    }

    // ---- programs that are run at last ----

    fn plain(&mut self, name: &str, argv: Vec<Word>, own: &mut Scope, scope: &mut Scope, at: usize) {
        if let Some(shell) = Shell::of_program(name) {
            return self.shell(shell, name, &argv, own, scope, at);
        }
        if name == "deno" && self.task(name, &argv, own, at) {
            return;
        }
        if is_interpreter(name) {
            return self.interpreter(name, argv, own, at);
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

    fn shell(
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

    fn file(&mut self, by: &str, shell: Shell, file: &Word, rest: &[Word], own: &mut Scope, at: usize) {
        match file.exact() {
            Some("-" | "/dev/stdin" | "/dev/fd/0") => self.shell_stdin(shell, own, at),
            Some(_) => self.emit(own, What::Script { by: by.to_string() }, rest.to_vec(), at),
            None => self.unclear(own, "runs a file that only the shell can name", rest.to_vec(), at),
        }
    }

    /// A shell without a file: it runs what it reads.
    fn shell_stdin(&mut self, shell: Shell, own: &mut Scope, at: usize) {
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
            Stdin::Pipe => self.unclear(own, "runs what another command prints", Vec::new(), at),
        }
    }

    fn interpreter(&mut self, name: &str, argv: Vec<Word>, own: &mut Scope, at: usize) {
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
            if matches!(option, "--version" | "--help" | "-V" | "-h" | "--check") {
                return;
            }
        }
        match argv.get(next) {
            Some(file) if !matches!(file.exact(), Some("-" | "/dev/stdin")) => match file.exact() {
                Some(_) => self.emit(own, What::Script { by: name.to_string() }, argv[next..].to_vec(), at),
                None => self.unclear(own, "runs a file that only the shell can name", argv, at),
            },
            _ => match own.stdin.clone() {
                Stdin::Inherited => self.emit(own, What::Program, argv, at),
                Stdin::File(file) if file.exact().is_some() => {
                    self.emit(own, What::Script { by: name.to_string() }, vec![file], at);
                }
                _ => self.unclear(own, "runs code that it reads", argv, at),
            },
        }
    }

    /// npm, yarn, pnpm and bun; true when it was theirs.
    fn javascript(
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

    fn cargo(&mut self, argv: &[Word], own: &mut Scope, at: usize) -> bool {
        let from = if argv.get(1).is_some_and(|word| word.prefix().starts_with('+')) { 2 } else { 1 };
        let Some(verb) = argv.get(from).and_then(Word::exact) else { return false };
        if !matches!(verb, "run" | "r" | "xtask" | "make") {
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

    fn task(&mut self, name: &str, argv: &[Word], own: &mut Scope, at: usize) -> bool {
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

enum Step {
    /// It was dealt with.
    Done,
    /// The program is that many words further on; whether aliases and functions count there.
    Into(usize, bool),
    /// Not one of these.
    No,
}

// ---- options ----

struct Scan {
    /// Options in order, without dashes, with their values.
    options: Vec<(String, Option<Word>)>,
    /// The first word that is no option.
    next: usize,
}

impl Scan {
    fn has(&self, names: &[&str]) -> bool {
        self.options.iter().any(|(name, _)| names.contains(&name.as_str()))
    }

    fn value(&self, names: &[&str]) -> Option<Word> {
        self.options
            .iter()
            .find(|(name, _)| names.contains(&name.as_str()))
            .and_then(|(_, value)| value.clone())
    }
}

/// Reads options from `words[from..]` up to the first word that is none (or behind `--`).
fn scan(words: &[Word], from: usize, short: &str, long: &[&str]) -> Scan {
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
fn read_option(
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
fn all_options(words: &[Word], short: &str, long: &[&str]) -> Vec<(String, Option<Word>)> {
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
fn verb_at(words: &[Word], verbs: &[&str]) -> Option<usize> {
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

fn applies(prefix: &Prefix, name: &str, words: &[Word]) -> bool {
    let name = if prefix.names.contains(&name) { name } else { return false };
    prefix.verbs.is_empty() || name.starts_with("dotenv") || verb_at(words, prefix.verbs).is_some()
}

/// What a prefix says about the view.
fn prefix_changes(
    name: &str,
    options: &[(String, Option<Word>)],
    names: &[Word],
    first: Option<&Word>,
    own: &mut Scope,
) {
    let option = |wanted: &[&str]| {
        let found = options.iter().find(|(name, _)| wanted.contains(&name.as_str()));
        found.and_then(|(_, value)| value.as_ref())
    };
    let target = |kind, value: &Word| Change::Target { kind, value: value_of(value) };
    let files = options.iter().filter(|(name, _)| name == "env-file").filter_map(|(_, value)| value.as_ref());
    for file in files {
        own.change(file.exact().map_or(Change::Anything, |file| Change::EnvFile(file.to_string())), false);
    }
    match name {
        "aws-vault" | "aws-okta" => {
            let value = names.first().map_or(Value::Unknown, value_of);
            own.var("AWS_VAULT", value.clone());
            own.change(Change::Target { kind: Kind::AwsProfile, value }, false);
        }
        "saml2aws" => {
            let profile = option(&["exec-profile", "p", "profile", "a", "idp-account"]);
            own.change(
                Change::Target { kind: Kind::AwsProfile, value: profile.map_or(Value::Unknown, value_of) },
                false,
            );
        }
        "kubie" => {
            own.change(target(Kind::KubeContext, &names.first().cloned().unwrap_or(Word::unknown())), false);
            own.change(target(Kind::KubeNamespace, &names.get(1).cloned().unwrap_or(Word::unknown())), false);
        }
        "direnv" => {
            let dir = names.first().and_then(Word::exact).map(String::from);
            own.change(dir.map_or(Change::Anything, Change::EnvFile), false);
        }
        "envdir" => {
            let dir = names.first().and_then(Word::exact).map(String::from);
            own.change(dir.map_or(Change::Anything, Change::EnvFile), false);
        }
        "envchain" => {
            own.change(target(Kind::Name, &names.first().cloned().unwrap_or(Word::unknown())), false)
        }
        "dotenv" | "dotenvx" | "env-cmd" | "dotenv-cli" => {
            let file = option(&["f", "e", "file", "path"]);
            let default = if option(&["env-file"]).is_some() { None } else { Some(".env") };
            match (file, default) {
                (Some(file), _) => {
                    own.change(
                        file.exact().map_or(Change::Anything, |f| Change::EnvFile(f.to_string())),
                        false,
                    );
                }
                (None, Some(file)) => own.change(Change::EnvFile(file.to_string()), false),
                (None, None) => {}
            }
        }
        "doppler" => {
            for wanted in [["c", "config"], ["p", "project"]] {
                if let Some(value) = option(&wanted) {
                    own.change(target(Kind::Name, value), false);
                }
            }
            if option(&["c", "config"]).is_none() {
                own.change(Change::Anything, false);
            }
        }
        "infisical" => match option(&["env"]) {
            Some(value) => own.change(target(Kind::Name, value), false),
            None => own.change(Change::Anything, false),
        },
        "chamber" => {
            let value = first.map_or(Value::Unknown, value_of);
            own.change(Change::Target { kind: Kind::Name, value }, false);
        }
        "teller" => own.change(Change::Anything, false),
        "op" if option(&["env-file"]).is_none() => {}
        "poetry" | "pdm" | "uv" | "conda" | "systemd-run" => {
            if let Some(dir) = option(&["C", "directory", "cwd", "working-directory"]) {
                own.change(Change::Cwd(value_of(dir)), false);
            }
        }
        "npm" | "pnpm" | "yarn" | "bun" | "npx" => {
            if let Some(dir) = option(&["prefix", "C", "dir", "cwd"]) {
                own.change(Change::Cwd(value_of(dir)), false);
            }
        }
        _ => {}
    }
}

/// What a program writes down for those that come after it: which context, workspace, project is selected.
fn selections(name: &str, argv: &[Word]) -> Vec<Change> {
    let plain: Vec<&Word> = argv.iter().skip(1).filter(|word| !word.prefix().starts_with('-')).collect();
    let words: Vec<&str> = plain.iter().map(|word| word.exact().unwrap_or("")).collect();
    let after = |wanted: &[&str]| -> Option<Value> {
        let at = words.windows(wanted.len()).position(|window| window == wanted)?;
        Some(plain.get(at + wanted.len()).map_or(Value::Unknown, |word| value_of(word)))
    };
    let option = |names: &[&str]| -> Option<Value> {
        let options = all_options(
            &argv[1..],
            "sn",
            &["name", "alias", "subscription", "namespace", "kubeconfig", "account", "project"],
        );
        let found = options.into_iter().find(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, value)| value.map_or(Value::Unknown, |value| value_of(&value)))
    };
    let target = |kind, value| vec![Change::Target { kind, value }];
    match name {
        "kubectl" | "oc" | "k" | "kubecolor" => {
            for wanted in [["config", "use-context"], ["config", "use"]] {
                if let Some(value) = after(&wanted) {
                    return target(Kind::KubeContext, value);
                }
            }
            if let Some(value) = after(&["config", "set", "current-context"]) {
                return target(Kind::KubeContext, value);
            }
            match (words.first().copied(), words.get(1).copied()) {
                (Some("config"), Some("set-context")) => match option(&["namespace"]) {
                    Some(value) => target(Kind::KubeNamespace, value),
                    None => vec![],
                },
                (Some("config"), Some("unset" | "delete-context" | "rename-context" | "set-cluster")) => {
                    target(Kind::KubeContext, Value::Unknown)
                }
                (Some("ctx"), Some(_)) => after(&["ctx"]).map_or(vec![], |v| target(Kind::KubeContext, v)),
                (Some("ns" | "project"), Some(_)) => target(Kind::KubeNamespace, value_of(plain[1])),
                (Some("login"), _) if name == "oc" => target(Kind::KubeContext, Value::Unknown),
                _ => vec![],
            }
        }
        "kubectx" | "kctx" | "kubeswitch" | "switch" => {
            let gone =
                argv.iter().any(|w| matches!(w.exact(), Some("-c" | "--current" | "-h" | "--help" | "-d")));
            match plain.first() {
                _ if gone => vec![],
                Some(word) => target(Kind::KubeContext, value_of(word)),
                None if argv.len() > 1 => target(Kind::KubeContext, Value::Unknown),
                None => vec![],
            }
        }
        "kubens" | "kns" => match plain.first() {
            Some(word) => target(Kind::KubeNamespace, value_of(word)),
            None if argv.len() > 1 => target(Kind::KubeNamespace, Value::Unknown),
            None => vec![],
        },
        "kubie" => after(&["ctx"]).map_or(vec![], |value| target(Kind::KubeContext, value)),
        "tsh" => after(&["kube", "login"]).map_or(vec![], |value| target(Kind::KubeContext, value)),
        "aws" if words.contains(&"update-kubeconfig") => target(
            Kind::KubeContext,
            option(&["alias"]).or_else(|| option(&["name"])).unwrap_or(Value::Unknown),
        ),
        "gcloud" => {
            if let Some(value) = after(&["clusters", "get-credentials"]) {
                return target(Kind::KubeContext, value);
            }
            if let Some(value) = after(&["configurations", "activate"]) {
                return target(Kind::GcpConfig, value);
            }
            after(&["config", "set", "project"]).map_or(vec![], |value| target(Kind::GcpProject, value))
        }
        "az" => {
            if words.starts_with(&["account", "set"]) {
                let value = option(&["s", "subscription", "n", "name"]).unwrap_or(Value::Unknown);
                return target(Kind::AzureSubscription, value);
            }
            if words.starts_with(&["aks", "get-credentials"]) {
                return target(Kind::KubeContext, option(&["n", "name"]).unwrap_or(Value::Unknown));
            }
            vec![]
        }
        "doctl" => after(&["kubeconfig", "save"]).map_or(vec![], |value| target(Kind::KubeContext, value)),
        "docker" | "podman" => {
            after(&["context", "use"]).map_or(vec![], |value| target(Kind::DockerContext, value))
        }
        "terraform" | "tofu" | "terragrunt" => {
            let value = after(&["workspace", "select"]).or_else(|| after(&["workspace", "new"]));
            value.map_or(vec![], |value| target(Kind::TerraformWorkspace, value))
        }
        "pulumi" => {
            let value = after(&["stack", "select"]).or_else(|| after(&["stack", "init"]));
            value.map_or(vec![], |value| target(Kind::PulumiStack, value))
        }
        "awsume" | "asp" | "assume" | "granted" | "awsp" | "aws_profile" | "aws-switch" => {
            plain.first().map_or(vec![], |word| target(Kind::AwsProfile, value_of(word)))
        }
        "direnv" if words.first() == Some(&"allow") || words.first() == Some(&"reload") => {
            vec![Change::EnvFile(".".into())]
        }
        _ => vec![],
    }
}

const JAVASCRIPT_VERBS: &[&str] = &[
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

struct Task {
    names: Vec<String>,
    dir: Option<String>,
    file: Option<String>,
    dry: bool,
    variables: Vec<(String, Value)>,
    unclear: bool,
}

fn read_task(tool: &TaskTool, argv: &[Word]) -> Option<Task> {
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

// ---- words ----

fn run(scope: &Scope, what: What, argv: Vec<Word>, at: usize) -> Run {
    Run {
        what,
        argv,
        changes: scope.changes.clone(),
        places: scope.places.clone(),
        stdin: scope.stdin.clone(),
        writes: scope.writes.clone(),
        at,
    }
}

fn written(redirection: &Redirection) -> Option<Word> {
    match &redirection.to {
        Redirect::Write(file) => Some(file.clone()),
        _ => None,
    }
}

fn open_frame(block: &line::Block, scope: &Scope, printed: &mut Option<Stdin>) -> Frame {
    let shell = scope.dialect.shell;
    let (mut own_shell, mut maybe, mut stage) = (true, false, false);
    let mut input = None;
    match &block.kind {
        Bracket::Stage { link, piped_in, piped_out } => {
            stage = true;
            maybe = *link == Link::Or;
            own_shell = match shell {
                Shell::Bash => !piped_in && !piped_out,
                // The last stage of a pipeline runs in the shell itself.
                Shell::Zsh => !piped_out,
                Shell::Fish => true,
            };
            if *piped_in {
                input = Some(printed.take().unwrap_or(Stdin::Pipe));
            }
        }
        Bracket::List { background } => own_shell = !background,
        Bracket::Subshell => own_shell = false,
        Bracket::Substitution => own_shell = shell == Shell::Fish,
        Bracket::Conditional => maybe = true,
        Bracket::Group | Bracket::Function { .. } => {}
    }
    let redirected = input_of(&block.redirections);
    let saved = if own_shell { None } else { Some(scope.changes.clone()) };
    Frame { saved, maybe, stage, input: redirected.or(input), output: None, printed: None }
}

fn restore(scope: &mut Scope, saved: Vec<Rc<Changed>>) {
    let inner = std::mem::replace(&mut scope.changes, saved);
    keep_lasting(scope, &inner);
}

/// What was written to files in there holds out here, too.
fn keep_lasting(scope: &mut Scope, inner: &[Rc<Changed>]) {
    for changed in inner.iter().filter(|changed| changed.lasting) {
        if scope.changes.len() < MAX_CHANGES && !scope.changes.contains(changed) {
            scope.changes.push(changed.clone());
        }
    }
}

fn after_close(items: &[Item], mut index: usize) -> usize {
    let mut open = 1usize;
    while open > 0 {
        match items.get(index) {
            Some(Item::Open(_)) => open += 1,
            Some(Item::Close) => open -= 1,
            Some(Item::Command(_)) => {}
            None => return index,
        }
        index += 1;
    }
    index
}

fn input_of(redirections: &[Redirection]) -> Option<Stdin> {
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
fn output_of(words: &[Word], stdin: &Stdin) -> Stdin {
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
        | "pv" | "zcat" | "gunzip" | "gzip" | "xzcat" | "bzcat" | "zstdcat" | "base64" => {
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

fn assign(assignment: &Assignment, own: &mut Scope) {
    let mut words = expand(std::slice::from_ref(&assignment.value), own);
    let value = if words.len() == 1 { words.remove(0) } else { assignment.value.clone() };
    let value = if assignment.append { Value::Unknown } else { value_of(&value) };
    own.var(&assignment.name, value);
}

/// Puts in what the line itself says of parameters: `x=./a; $x`, the arguments of a function.
fn expand(words: &[Word], scope: &Scope) -> Vec<Word> {
    let mut expanded = Vec::with_capacity(words.len());
    for word in words {
        if !word.pieces.iter().any(|piece| matches!(piece, Piece::Param(_))) {
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
        }
        expanded.push(substituted(word, scope));
    }
    expanded
}

fn substituted(word: &Word, scope: &Scope) -> Word {
    let mut pieces: Vec<Piece> = Vec::new();
    for (index, piece) in word.pieces.iter().enumerate() {
        let replaced: Vec<Piece> = match piece {
            Piece::Param(name) => match (parameter(name, scope), name.as_str()) {
                (Some(pieces), _) => pieces,
                (None, "HOME") if index == 0 => vec![Piece::Text("~".into())],
                (None, "PWD") if index == 0 => vec![Piece::Text(".".into())],
                _ => vec![piece.clone()],
            },
            _ => vec![piece.clone()],
        };
        for piece in replaced {
            match (pieces.last_mut(), piece) {
                (Some(Piece::Text(last)), Piece::Text(next)) => last.push_str(&next),
                (_, piece) => pieces.push(piece),
            }
        }
    }
    Word { pieces, quoted: word.quoted }
}

fn parameter(name: &str, scope: &Scope) -> Option<Vec<Piece>> {
    if let Ok(number) = name.parse::<usize>() {
        let word = scope.positional.get(number.checked_sub(1)?)?;
        return Some(word.pieces.clone());
    }
    scope.known(name).map(|value| vec![Piece::Text(value.to_string())])
}

/// The word as text that a shell would read again; what is unknown stands as a parameter.
fn as_text(word: &Word) -> String {
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
fn quoted(word: &Word) -> String {
    match word.exact() {
        Some(text) => format!("'{}'", text.replace('\'', "'\\''")),
        None => as_text(word),
    }
}

/// The word with every `place` in its text turned into something unknown.
fn with_hole(word: &Word, place: &str) -> Word {
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
    Word { pieces, quoted: word.quoted }
}

fn joined(words: &[Word]) -> String {
    let texts: Vec<String> = words.iter().map(as_text).collect();
    texts.join(" ")
}

fn value_of(word: &Word) -> Value {
    match word.text() {
        Some(text) => Value::Is(text),
        None => Value::Unknown,
    }
}

/// The word without the first `len` bytes of its text.
fn without_prefix(word: &Word, len: usize) -> Word {
    let mut pieces = word.pieces.clone();
    if let Some(Piece::Text(text)) = pieces.first_mut() {
        let rest = text.get(len.min(text.len())..).unwrap_or("").to_string();
        if rest.is_empty() {
            pieces.remove(0);
        } else {
            *text = rest;
        }
    }
    Word { pieces, quoted: word.quoted }
}

fn each_exact(words: &[Word], act: impl FnMut(&str)) {
    words.iter().filter_map(Word::exact).filter(|word| !word.starts_with('-')).for_each(act);
}

fn change_directory(name: &str, words: &[Word], own: &mut Scope) {
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
fn fish_set(words: &[Word], own: &mut Scope) {
    let scan = scan(words, 0, "", &[]);
    let Some(name) = words.get(scan.next).and_then(Word::exact) else { return };
    if scan.has(&["e", "erase"]) {
        return own.var(name, Value::Unset);
    }
    if scan.has(&["q", "query", "n", "names", "S", "show", "L"]) {
        return;
    }
    let values = &words[scan.next + 1..];
    let value = match values {
        [] => Value::Is(String::new()),
        [value] => value_of(value),
        _ => Value::Is(values.iter().map(Word::shown).collect::<Vec<_>>().join(" ")),
    };
    own.var(name, value);
}

fn generic_env_files(argv: &[Word]) -> Option<Vec<String>> {
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
fn noexec(argv: &[Word], until: usize) -> bool {
    argv.iter().take(until).any(|word| word.exact() == Some("noexec"))
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

fn is_interpreter(name: &str) -> bool {
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

fn shell_name(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
    }
}

fn looks_like_file(text: &str) -> bool {
    !text.starts_with('-')
        && !text.starts_with('^')
        && !text.contains('#')
        && (text.contains('.') || text.contains('/') || text.contains("env"))
}
