//! A parsed line in, all that it would run out: each program, script and task with the changes of view it would run
//! under. Nothing is evaluated or looked up; what can't be followed becomes [`What::Unclear`], which stands for
//! anything the line mentions.

mod builtins;
mod options;
mod programs;
mod selections;
mod variables;
mod words;
mod wrappers;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::line::{self, Assignment, Command, Dialect, Item, Kind as Bracket, Line, Link, Shell, Word};
use crate::signal::Kind;
use variables::Variables;
use words::{expand, input_of, output_of, quoted, substituted, value_for, written};

/// Texts inside texts: `bash -c "bash -c …"`, `eval`, functions that call functions.
const MAX_TEXTS: usize = 12;

/// A program that runs a program that runs a program, where each can run several.
const MAX_NESTED: usize = 24;

/// All text that is parsed for one line, with function bodies and `-c` arguments.
const MAX_TEXT: usize = 4 * line::MAX_BYTES;

/// Words that programs inside programs may hand on, all levels together.
const MAX_HANDED: usize = 4096;

/// More runs than this in one script: the rest is unclear.
const MAX_RUNS: usize = 4096;

/// The same in a line that was typed.
const MAX_TYPED: usize = 512;

/// The last of so many unclear runs speaks for all that follow.
const MAX_UNCLEAR: usize = 16;

/// More changes than this: from there on anything may have changed.
const MAX_CHANGES: usize = 64;

/// What the hook hands over beside the line: text of every alias (abbreviation) and function the line may use.
#[derive(Clone, Copy, Debug, Default)]
pub struct Definitions<'a> {
    pub aliases: &'a [(String, String)],
    pub functions: &'a [(String, String)],
    /// The shell's own variables that the line or one of these texts names, a pair for each word; what is several
    /// words stands several times.
    pub variables: &'a [(String, String)],
    /// The same of what programs see that the shell starts.
    pub exported: &'a [(String, String)],
    /// The directory of the repository around the tab's directory.
    pub toplevel: Option<&'a str>,
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

/// Programs behind which variables are what they were.
const KEEP_ENVIRONMENT: &[&str] = &[
    "bash",
    "caffeinate",
    "chrt",
    "dash",
    "env",
    "find",
    "fish",
    "ionice",
    "ksh",
    "nice",
    "nohup",
    "setsid",
    "sh",
    "stdbuf",
    "taskset",
    "time",
    "timeout",
    "watch",
    "xargs",
    "zsh",
];

/// Why `fc` and `r` are unclear: which line they run stands nowhere in theirs.
pub const OF_THE_HISTORY: &str = "runs a line of the history";

/// Why a shell or an interpreter is unclear that takes its program from a pipe: `curl … | sh`, `bash <(…)`.
pub const FROM_A_PIPE: &str = "runs what another command prints";

/// Why an interpreter is unclear that gets a file by a word which nobody here can put together: `bash "$(…)"`.
pub const OF_A_FILE: &str = "runs a file that only the shell can name";

/// Why a program is.
pub const OF_A_PROGRAM: &str = "runs a program that only the shell can name";

/// Why `source` is.
pub const OF_A_SOURCE: &str = "sources what only the shell can name";

/// Every word of a line that could not be followed. The runs of one line share it, and what was found out about it.
#[derive(Clone, Debug, Default)]
pub struct Mentioned {
    words: Vec<String>,
    /// Which of them name a program, as far as somebody asked.
    programs: OnceCell<Vec<usize>>,
}

impl Mentioned {
    /// The places of the words that `names` takes for a program. It is always asked the same.
    pub fn programs(&self, names: impl Fn(&str) -> bool) -> &[usize] {
        let found = || self.words.iter().enumerate().filter(|(_, word)| names(word)).map(|(at, _)| at);
        self.programs.get_or_init(|| found().collect())
    }
}

impl From<Vec<String>> for Mentioned {
    fn from(words: Vec<String>) -> Mentioned {
        Mentioned { words, programs: OnceCell::new() }
    }
}

impl std::ops::Deref for Mentioned {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.words
    }
}

impl PartialEq for Mentioned {
    fn eq(&self, other: &Mentioned) -> bool {
        self.words == other.words
    }
}

impl Eq for Mentioned {}

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
    Unclear { why: &'static str, words: Rc<Mentioned> },
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
    let mut resolver = Resolver::new(text, dialect, definitions);
    let mut scope = Scope::new(dialect);
    let bodies = definitions.aliases.iter().chain(definitions.functions).map(|(_, body)| body.as_str());
    let texts = std::iter::once(text).chain(bodies);
    let variables = Variables::new(&definitions, texts);
    resolver.paths.clone_from(&variables.paths);
    scope.variables = Some(Rc::new(variables));
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
    /// The variables of the tab's shell.
    variables: Option<Rc<Variables>>,
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
            variables: None,
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
    /// So many runs at most.
    most: usize,
    text: &'a str,
    words: Option<Rc<Mentioned>>,
    /// What the shell's variables hold that could name a file.
    paths: Vec<String>,
    aliases: HashMap<String, String>,
    functions: HashMap<String, String>,
    local: HashMap<String, String>,
    /// Names whose definitions are being walked.
    active: Vec<String>,
    texts: usize,
    nested: usize,
    handed: usize,
    parsed: usize,
    unclear: usize,
}

impl<'a> Resolver<'a> {
    fn new(text: &'a str, dialect: Dialect, definitions: Definitions) -> Resolver<'a> {
        let owned = |pairs: &[(String, String)]| pairs.iter().cloned().collect();
        Resolver {
            runs: Vec::new(),
            most: if dialect.typed { MAX_TYPED } else { MAX_RUNS },
            text,
            words: None,
            paths: Vec::new(),
            aliases: owned(definitions.aliases),
            functions: owned(definitions.functions),
            local: HashMap::new(),
            active: Vec::new(),
            texts: 0,
            nested: 0,
            handed: 0,
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
        if self.runs.len() > self.most {
            return;
        }
        if self.runs.len() == self.most {
            return self.push_unclear(scope, "holds too many commands", Vec::new(), at);
        }
        let at = scope.at.unwrap_or(at);
        self.runs.push(run(scope, what, argv, at));
    }

    fn unclear(&mut self, scope: &Scope, why: &'static str, argv: Vec<Word>, at: usize) {
        if self.runs.len() < self.most {
            self.push_unclear(scope, why, argv, at);
        }
    }

    fn push_unclear(&mut self, scope: &Scope, why: &'static str, argv: Vec<Word>, at: usize) {
        let words = match &self.words {
            Some(words) => words.clone(),
            None => {
                let mut words = self.loose_words();
                words.extend(self.paths.iter().cloned());
                let words = Rc::new(Mentioned::from(words));
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
                    let input = input_of(&command.redirections).map(|input| match input {
                        Stdin::File(file) => Stdin::File(substituted(&file, scope)),
                        input => input,
                    });
                    scope.stdin = input
                        .or_else(|| frames.iter().rev().find_map(|frame| frame.input.clone()))
                        .unwrap_or_else(|| outer.clone());
                    let words = expand(&command.words, scope);
                    if let Some(frame) = frames.last_mut().filter(|frame| frame.stage) {
                        frame.output = Some(output_of(&words, &scope.stdin));
                    }
                    self.command(command, words, scope);
                    scope.stdin = outer.clone();
                    if self.runs.len() > self.most {
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

    /// Resolves one command. `own` is the view it runs under, `scope` the shell that stays behind.
    fn program(&mut self, words: Vec<Word>, own: Scope, scope: &mut Scope, at: usize) {
        if self.nested > 0 {
            self.handed += words.len();
        }
        if self.nested >= MAX_NESTED || self.handed > MAX_HANDED {
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
                return self.unclear(&own, OF_A_PROGRAM, words.split_off(from), at);
            };
            let zsh_path = own.dialect.shell == Shell::Zsh && program.len() > 1 && program.starts_with('=');
            // `=env` is env, wherever it lies; what is left of `==env` names nothing.
            let program = if zsh_path { program.trim_start_matches('=') } else { program }.to_string();
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
            // What starts with another environment, or elsewhere, has no use for what the shell has.
            if !KEEP_ENVIRONMENT.contains(&name.as_str()) {
                own.variables = None;
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
        let mut text = self.aliases.get(name).cloned().unwrap_or_default();
        let mut rest = rest;
        let mut also = 0;
        // Behind an alias that ends in a blank the next word may be one as well.
        while text.ends_with([' ', '\t'])
            && let Some(next) = rest.first().filter(|word| !word.quoted).and_then(Word::exact)
            && next != name
            && self.aliased(next)
            && also < MAX_TEXTS
        {
            also += 1;
            text.push_str(&self.aliases[next].clone());
            rest.remove(0);
        }
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
}

enum Step {
    /// It was dealt with.
    Done,
    /// The program is that many words further on; whether aliases and functions count there.
    Into(usize, bool),
    /// Not one of these.
    No,
}

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

fn assign(assignment: &Assignment, own: &mut Scope) {
    let mut words = expand(std::slice::from_ref(&assignment.value), own);
    let value = if words.len() == 1 { words.remove(0) } else { assignment.value.clone() };
    let value = if assignment.append { Value::Unknown } else { value_for(&assignment.name, &value) };
    own.var(&assignment.name, value);
}
