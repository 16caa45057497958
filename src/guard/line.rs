//! A command line in, its commands out: a tolerant parser for what bash, zsh and fish accept. It evaluates nothing,
//! never fails and never loops; what it can't follow is marked in [`Line::trouble`], never guessed away.
//!
//! One pass over the bytes, no backtracking beyond a fixed budget, recursion no deeper than [`MAX_DEPTH`]. Grammar
//! is read loosely: a line that the shell itself would refuse still yields every command it seems to hold.

/// A longer text is not parsed: nobody types 64 KiB, and a pasted file of that size deserves a look.
pub const MAX_BYTES: usize = 64 * 1024;
/// Substitutions, quotes, groups and loops inside each other.
pub const MAX_DEPTH: usize = 64;
/// How often `((` may turn out to be no arithmetic and be read a second time.
const MAX_REREADS: usize = 8;
/// Open braces remembered in one word.
const MAX_BRACES: usize = 16;

/// Whose grammar a line follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// bash, and every other shell of the Bourne family.
    Bash,
    Zsh,
    Fish,
}

impl Shell {
    /// The grammar of the shell program called `name`, or `None` when it is no shell.
    pub fn of_program(name: &str) -> Option<Shell> {
        match name {
            "bash" | "sh" | "dash" | "ksh" | "mksh" | "ksh93" | "ash" | "rbash" => Some(Shell::Bash),
            "zsh" => Some(Shell::Zsh),
            "fish" => Some(Shell::Fish),
            _ => None,
        }
    }
}

/// Whose grammar, and whether `#` starts a comment: in an interactive zsh it does not unless an option says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    pub shell: Shell,
    pub comments: bool,
    /// A person typed it: it is answered before anybody notices.
    pub typed: bool,
}

impl Dialect {
    /// A line as it is handed over by the hook of `shell`.
    pub fn typed(shell: Shell) -> Dialect {
        Dialect { shell, comments: shell != Shell::Zsh, typed: true }
    }

    /// The text of a script or of `-c`.
    pub fn script(shell: Shell) -> Dialect {
        Dialect { shell, comments: true, typed: false }
    }
}

/// A piece of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text that reaches the command as it stands here, quotes already removed.
    Text(String),
    /// `$name` or `${…}`: the name, or all that stands between the braces.
    Param(String),
    /// A glob or a brace expansion, as it was written.
    Glob(String),
    /// A command, process or arithmetic substitution, as it was written.
    Output(String),
}

/// One word of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    pub pieces: Vec<Piece>,
    /// Whether any of it was quoted or escaped: such a word is no alias and no reserved word.
    pub quoted: bool,
    /// Whether a parameter in it stands outside of quotes, so that the shell may cut what it becomes.
    pub bare: bool,
    /// How it was written, where its text is what the shell has in a variable: that may be a secret, and is not shown.
    pub written: Option<String>,
}

impl Word {
    /// A word of literal text.
    pub fn literal(text: impl Into<String>) -> Word {
        let text = text.into();
        let pieces = if text.is_empty() { vec![] } else { vec![Piece::Text(text)] };
        Word { pieces, ..Word::default() }
    }

    /// A word of which nothing is known.
    pub fn unknown() -> Word {
        Word { pieces: vec![Piece::Output(String::new())], ..Word::default() }
    }

    /// The word's text, when nothing in it depends on anything.
    pub fn exact(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text the word surely starts with.
    pub fn prefix(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// Exact text, or the pattern itself where a glob is in it: what the command gets when no file matches.
    pub fn text(&self) -> Option<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(t) | Piece::Glob(t) => text.push_str(t),
                Piece::Param(_) | Piece::Output(_) => return None,
            }
        }
        Some(text)
    }

    /// The word as a person would recognise it; substitutions are shortened.
    pub fn shown(&self) -> String {
        if let Some(written) = &self.written {
            return written.clone();
        }
        let mut shown = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(t) | Piece::Glob(t) => shown.push_str(t),
                Piece::Param(name) => {
                    shown.push('$');
                    shown.push_str(name);
                }
                Piece::Output(_) => shown.push_str("$(…)"),
            }
        }
        shown
    }

    /// Whether a glob or brace expansion is in it.
    pub fn has_glob(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Glob(_)))
    }
}

/// The words as a program would get them; what can't be told stands as `?`, for some value.
pub fn argv(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| word.exact().unwrap_or("?").to_owned()).collect()
}

/// `name=value` before a command or on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub name: String,
    /// An array's value is one unknown word.
    pub value: Word,
    /// `+=`.
    pub append: bool,
}

/// Where a redirection leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// `<`, `<>`: a file is read.
    Read(Word),
    /// `>`, `>>`, `&>` and kin: a file is written.
    Write(Word),
    /// `<&`, `>&` with a descriptor.
    Copy(Word),
    /// `<<`: the body, and whether the shell expands it.
    HereDoc { body: String, expands: bool },
    /// `<<<`.
    HereString(Word),
}

/// One redirection: the descriptor if it was written, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection {
    pub fd: Option<u32>,
    pub to: Redirect,
}

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    pub assignments: Vec<Assignment>,
    pub words: Vec<Word>,
    pub redirections: Vec<Redirection>,
    /// Where it starts in the text, in bytes.
    pub at: usize,
}

/// What must have happened before a stage runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The one before is over: `;`, newline, `&`, or there is none.
    Then,
    /// The one before succeeded.
    And,
    /// The one before failed.
    Or,
}

/// What holds commands together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A list up to `;`, newline or `&`.
    List { background: bool },
    /// One stage of a pipeline (most pipelines have one).
    Stage { link: Link, piped_in: bool, piped_out: bool },
    /// `( … )`.
    Subshell,
    /// `{ …; }`, `begin … end`.
    Group,
    /// `if`, `case`, a loop: what is in it may run or not.
    Conditional,
    /// `$(…)`, backticks, `<(…)`; it stands before the command whose word it is part of.
    Substitution,
    /// A definition: its body does not run here.
    Function { name: String, body: String },
}

/// A bracket around items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub kind: Kind,
    /// Redirections behind a compound command: they hold for all in it.
    pub redirections: Vec<Redirection>,
}

/// The flat form of the tree: every `Open` has its `Close`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Open(Block),
    Close,
    Command(Command),
}

/// A parsed line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub items: Vec<Item>,
    /// Why the items may not be all there is, as the end of a sentence.
    pub trouble: Option<&'static str>,
}

impl Line {
    /// The simple commands, in the order of the text.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.items.iter().filter_map(|item| match item {
            Item::Command(command) => Some(command),
            _ => None,
        })
    }
}

/// Parses a line. Any text gives an answer, in time linear in its length.
pub fn parse(text: &str, dialect: Dialect) -> Line {
    parse_at(text, dialect, 0, 0)
}

fn parse_at(text: &str, dialect: Dialect, depth: usize, base: usize) -> Line {
    if text.len() > MAX_BYTES {
        return Line { items: Vec::new(), trouble: Some("is longer than 64 KiB") };
    }
    let mut parser = Parser::new(text, dialect, depth, base);
    parser.list(End::Text);
    Line { items: parser.items, trouble: parser.trouble }
}

/// Every stretch of the text that could be a program, a path or an argument, without regard to grammar: cut at
/// blanks, quotes and operators. In the order of the text.
pub fn loose_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || "\"'`;&|<>(){},=".contains(c)) {
        let word = word.trim_matches(|c| matches!(c, '$' | '\\' | ':' | '[' | ']'));
        if word.is_empty() {
            continue;
        }
        let word = word.replace('\\', "");
        // `${name:-word}`: the word behind the operator stands for itself as well.
        if let Some(at) = word.find(':').and_then(|_| [":-", ":+", ":?"].iter().find_map(|o| word.find(o))) {
            words.push(word[at + 2..].to_string());
        }
        words.push(word);
    }
    words.retain(|word| !word.is_empty());
    words
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Text,
    Paren,
    Word(&'static str),
    Arm,
}

struct HereDoc {
    item: usize,
    redirection: usize,
    delimiter: String,
    expands: bool,
    strips_tabs: bool,
}

struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    pos: usize,
    dialect: Dialect,
    depth: usize,
    base: usize,
    items: Vec<Item>,
    ends: Vec<End>,
    here_docs: Vec<HereDoc>,
    rereads: usize,
    /// Words, pipelines and substitutions begun so far.
    words: usize,
    trouble: Option<&'static str>,
}

const UNBALANCED: &str = "has an unbalanced quote, bracket or keyword";
const TOO_DEEP: &str = "is nested too deep";
const TOO_MANY: &str = "holds too many words";

/// More words than this in a line that was typed: the rest is not looked at one by one.
const MAX_WORDS: usize = 4096;
const CLOSERS: &[&str] = &["fi", "done", "esac", "}", "end"];

impl<'t> Parser<'t> {
    fn new(text: &'t str, dialect: Dialect, depth: usize, base: usize) -> Parser<'t> {
        Parser {
            text,
            bytes: text.as_bytes(),
            pos: 0,
            dialect,
            depth,
            base,
            items: Vec::new(),
            ends: Vec::new(),
            here_docs: Vec::new(),
            rereads: 0,
            words: 0,
            trouble: None,
        }
    }

    fn shell(&self) -> Shell {
        self.dialect.shell
    }

    fn fish(&self) -> bool {
        self.shell() == Shell::Fish
    }

    fn zsh(&self) -> bool {
        self.shell() == Shell::Zsh
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.pos + ahead).copied()
    }

    fn starts(&self, text: &str) -> bool {
        self.bytes[self.pos..].starts_with(text.as_bytes())
    }

    fn eat(&mut self, text: &str) -> bool {
        let there = self.starts(text);
        if there {
            self.pos += text.len();
        }
        there
    }

    /// Takes one whole character, so that a slice of the text never cuts one.
    fn bump(&mut self) -> &'t str {
        let rest = &self.text[self.pos..];
        let len = rest.chars().next().map_or(0, char::len_utf8);
        self.pos += len;
        &rest[..len]
    }

    fn worry(&mut self, why: &'static str) {
        self.trouble.get_or_insert(why);
    }

    /// Gives the rest of the text up.
    fn give_up(&mut self, why: &'static str) {
        self.trouble = Some(why);
        self.pos = self.bytes.len();
    }

    /// Counts a word, or what takes as long.
    fn count(&mut self) {
        self.words += 1;
        if self.dialect.typed && self.words > MAX_WORDS {
            self.give_up(TOO_MANY);
        }
    }

    /// Goes one level deeper; at the limit the rest of the text is given up.
    fn enter(&mut self) -> bool {
        if self.depth >= MAX_DEPTH {
            self.give_up(TOO_DEEP);
            return false;
        }
        self.depth += 1;
        true
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn open(&mut self, kind: Kind) -> usize {
        self.items.push(Item::Open(Block { kind, redirections: Vec::new() }));
        self.items.len() - 1
    }

    fn close(&mut self) {
        self.items.push(Item::Close);
    }

    fn block(&mut self, index: usize, change: impl FnOnce(&mut Block)) {
        if let Some(Item::Open(block)) = self.items.get_mut(index) {
            change(block);
        }
    }

    // ---- between words ----

    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.pos += 1,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.pos += 2,
                Some(b'#') if self.dialect.comments && self.at_word_start() => {
                    while self.peek().is_some_and(|c| c != b'\n') {
                        self.pos += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn at_word_start(&self) -> bool {
        self.pos == 0
            || matches!(
                self.bytes[self.pos - 1],
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')'
            )
    }

    fn skip_newlines(&mut self) {
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'\n') {
                return;
            }
            self.newline();
        }
    }

    fn newline(&mut self) {
        self.pos += 1;
        for here_doc in std::mem::take(&mut self.here_docs) {
            self.here_doc_body(here_doc);
        }
    }

    fn here_doc_body(&mut self, doc: HereDoc) {
        let mut body = String::new();
        let start = self.pos;
        while self.pos < self.bytes.len() {
            let rest = &self.text[self.pos..];
            let end = newline_at(rest);
            let line = &rest[..end];
            self.pos += (end + 1).min(rest.len());
            let line = if doc.strips_tabs { line.trim_start_matches('\t') } else { line };
            if line == doc.delimiter {
                break;
            }
            body.push_str(line);
            body.push('\n');
        }
        if doc.expands && (body.contains('$') || body.contains('`')) {
            self.expansions_of(&body, start);
        }
        let redirections = match self.items.get_mut(doc.item) {
            Some(Item::Command(command)) => &mut command.redirections,
            Some(Item::Open(block)) => &mut block.redirections,
            // The body began while the command was still being read.
            _ => return self.worry(UNBALANCED),
        };
        if let Some(Redirection { to: Redirect::HereDoc { body: slot, .. }, .. }) =
            redirections.get_mut(doc.redirection)
        {
            *slot = body;
        }
    }

    /// The commands that run when the shell expands a here-doc.
    fn expansions_of(&mut self, body: &str, at: usize) {
        if !self.enter() {
            return;
        }
        let mut inner = Parser::new(body, self.dialect, self.depth, self.base + at);
        let mut word = Builder::default();
        while let Some(c) = inner.peek() {
            match c {
                b'\\' => {
                    inner.pos += 1;
                    inner.bump();
                }
                b'$' => inner.dollar(&mut word, true),
                b'`' => inner.backtick(&mut word, true),
                _ => {
                    inner.bump();
                }
            }
        }
        self.adopt(inner);
        self.leave();
    }

    fn adopt(&mut self, inner: Parser) {
        self.items.extend(inner.items);
        if let Some(why) = inner.trouble {
            self.worry(why);
        }
    }

    /// The bare word that starts here, if nothing in it is quoted or expanded: only such a word can be reserved.
    fn peek_bare(&self) -> &'t str {
        let rest = &self.bytes[self.pos..];
        let len = rest.iter().take(12).take_while(|&&c| !is_meta(c)).count();
        if len == 12 {
            return "";
        }
        let bare = &rest[..len];
        if bare.iter().all(|c| c.is_ascii_alphabetic() || matches!(c, b'!' | b'{' | b'}' | b'[' | b']')) {
            &self.text[self.pos..self.pos + len]
        } else {
            ""
        }
    }

    // ---- lists ----

    fn list(&mut self, end: End) {
        if !self.enter() {
            return;
        }
        self.ends.push(end);
        self.list_body(end);
        self.ends.pop();
        self.leave();
    }

    fn list_body(&mut self, end: End) {
        loop {
            self.skip_separators();
            if self.pos >= self.bytes.len() {
                if end != End::Text && !self.short_form(end) {
                    self.worry(UNBALANCED);
                }
                return;
            }
            if self.at_end(end) {
                return;
            }
            let before = self.pos;
            let list = self.open(Kind::List { background: false });
            self.and_or();
            self.close();
            self.skip_blanks();
            if self.peek() == Some(b'&') && self.peek_at(1) != Some(b'&') {
                self.pos += 1;
                if self.zsh() && matches!(self.peek(), Some(b'!' | b'|')) {
                    self.pos += 1;
                }
                self.block(list, |block| block.kind = Kind::List { background: true });
            } else if self.pos == before {
                self.worry(UNBALANCED);
                self.bump();
            }
        }
    }

    /// zsh's loops and `if` need no closing word: `if [[ … ]] { … }`.
    fn short_form(&self, end: End) -> bool {
        self.zsh() && matches!(end, End::Word("fi" | "done" | "end"))
    }

    fn skip_separators(&mut self) {
        loop {
            self.skip_newlines();
            if self.peek() != Some(b';') || (self.in_case() && self.arm_end().is_some()) {
                return;
            }
            self.pos += 1;
        }
    }

    fn in_case(&self) -> bool {
        self.ends.contains(&End::Arm)
    }

    fn arm_end(&self) -> Option<usize> {
        [";;&", ";;", ";&", ";|"].iter().find(|op| self.starts(op)).map(|op| op.len())
    }

    /// Whether the list is over here. Its own end is taken; one that an outer list waits for is left to it.
    fn at_end(&mut self, end: End) -> bool {
        if self.peek() == Some(b')') {
            if end == End::Paren {
                self.pos += 1;
                return true;
            }
            let outer = self.ends.contains(&End::Paren);
            if !self.short_form(end) {
                self.worry(UNBALANCED);
            }
            if !outer {
                self.pos += 1;
            }
            return outer;
        }
        if self.in_case()
            && let Some(len) = self.arm_end()
        {
            if end == End::Arm {
                self.pos += len;
            }
            return true;
        }
        let word = self.peek_bare();
        if !CLOSERS.contains(&word) {
            return false;
        }
        if end == End::Word(closer(word)) {
            self.pos += word.len();
            return true;
        }
        if end == End::Arm && word == "esac" {
            return true;
        }
        let outer = self.ends.iter().any(|e| *e == End::Word(closer(word)));
        if outer && !self.short_form(end) {
            self.worry(UNBALANCED);
        }
        outer
    }

    fn and_or(&mut self) {
        let mut link = Link::Then;
        loop {
            self.pipeline(link);
            self.skip_blanks();
            if self.eat("&&") {
                link = Link::And;
            } else if self.eat("||") {
                link = Link::Or;
            } else {
                return;
            }
            self.skip_newlines();
        }
    }

    fn pipeline(&mut self, link: Link) {
        self.count();
        let mut piped_in = false;
        loop {
            let stage = self.open(Kind::Stage { link, piped_in, piped_out: false });
            self.stage(stage);
            self.close();
            self.skip_blanks();
            let piped = !self.starts("||")
                && (self.eat("|&")
                    || self.eat("|")
                    || (self.fish() && (self.eat("&|") || self.eat("2>|") || self.eat("1>|"))));
            if !piped {
                return;
            }
            self.block(stage, |block| {
                if let Kind::Stage { piped_out, .. } = &mut block.kind {
                    *piped_out = true;
                }
            });
            piped_in = true;
            self.skip_newlines();
        }
    }

    /// One stage: words that only shape it, then a compound or a simple command.
    fn stage(&mut self, stage: usize) {
        loop {
            self.skip_blanks();
            let bare = self.peek_bare();
            let fish = self.fish();
            match bare {
                "!" => self.pos += 1,
                "not" if fish => self.pos += 3,
                "and" | "or" if fish => {
                    self.pos += bare.len();
                    let joined = if bare == "and" { Link::And } else { Link::Or };
                    self.block(stage, |block| {
                        if let Kind::Stage { link, .. } = &mut block.kind {
                            *link = joined;
                        }
                    });
                }
                "time" => {
                    self.pos += 4;
                    self.skip_blanks();
                    while self.eat("-p") || self.eat("--") {
                        self.skip_blanks();
                    }
                }
                "then" | "elif" | "do" | "always" if !fish => self.pos += bare.len(),
                "else" => {
                    self.pos += 4;
                    self.skip_blanks();
                    if fish && self.peek_bare() == "if" {
                        self.pos += 2;
                    }
                }
                "coproc" if !fish => self.coproc(),
                "repeat" if self.zsh() => {
                    self.pos += 6;
                    self.skip_blanks();
                    self.word(Spot::Argument);
                    self.skip_separators();
                    if self.peek_bare() == "do" {
                        return self.conditional(2, "done");
                    }
                }
                _ => break,
            }
        }
        self.skip_blanks();
        if self.compound() {
            return;
        }
        self.simple();
    }

    fn coproc(&mut self) {
        self.pos += 6;
        self.skip_blanks();
        let bytes = &self.bytes[self.pos..];
        let name = bytes.iter().take(64).take_while(|c| is_name(**c)).count();
        let behind = bytes[name..].iter().take_while(|c| **c == b' ').count();
        let compound = matches!(bytes.get(name + behind), Some(b'{' | b'('));
        if name > 0 && behind > 0 && compound {
            self.pos += name;
        }
    }

    /// Parses a compound command, if one starts here.
    fn compound(&mut self) -> bool {
        let bare = self.peek_bare();
        let fish = self.fish();
        let index = self.items.len();
        match bare {
            "if" => self.conditional(2, if fish { "end" } else { "fi" }),
            "while" => self.conditional(5, if fish { "end" } else { "done" }),
            "until" if !fish => self.conditional(5, "done"),
            "begin" if fish => self.group(5, "end"),
            "{" => self.group(1, "}"),
            "for" | "select" | "foreach" => self.for_loop(bare),
            "case" if !fish => self.case(),
            "case" => {
                self.pos += 4;
                self.words_to_separator();
                return true;
            }
            "switch" if fish => self.switch(),
            "function" => {
                self.function_word();
                return true;
            }
            "[[" if !fish => self.test(),
            _ if !fish && self.starts("((") => self.arithmetic_command(),
            _ if !fish && self.peek() == Some(b'(') => {
                self.open(Kind::Subshell);
                self.pos += 1;
                self.list(End::Paren);
                self.close();
            }
            _ => return false,
        }
        self.trailing_redirections(index);
        true
    }

    fn conditional(&mut self, len: usize, end: &'static str) {
        self.pos += len;
        self.open(Kind::Conditional);
        self.list(End::Word(end));
        self.close();
    }

    fn group(&mut self, len: usize, end: &'static str) {
        self.pos += len;
        self.open(Kind::Group);
        self.list(End::Word(end));
        self.close();
    }

    fn for_loop(&mut self, bare: &str) {
        self.pos += bare.len();
        self.open(Kind::Conditional);
        self.skip_blanks();
        if self.fish() {
            self.words_to_separator();
            self.list(End::Word("end"));
            self.close();
            return;
        }
        if self.starts("((") {
            self.arithmetic_command();
        } else {
            while is_name_start(self.peek()) && self.peek_bare() != "in" && self.peek_bare() != "do" {
                self.word(Spot::Argument);
                self.skip_newlines();
            }
            if self.peek() == Some(b'(') {
                self.pos += 1;
                self.words_to_paren();
            } else if self.peek_bare() == "in" {
                self.pos += 2;
                self.words_to_separator();
            }
        }
        self.skip_separators();
        match self.peek_bare() {
            "do" => self.list(End::Word("done")),
            "{" => self.group(1, "}"),
            _ if bare == "foreach" => self.list(End::Word("end")),
            _ if self.zsh() && self.enter() => {
                // zsh: `for x (a b) command`.
                let stage = self.open(Kind::Stage { link: Link::Then, piped_in: false, piped_out: false });
                self.stage(stage);
                self.close();
                self.leave();
            }
            _ => self.worry(UNBALANCED),
        }
        self.close();
    }

    fn case(&mut self) {
        self.pos += 4;
        self.open(Kind::Conditional);
        self.skip_blanks();
        self.word(Spot::Argument);
        self.skip_newlines();
        match self.peek_bare() {
            "in" => self.pos += 2,
            "{" if self.zsh() => self.pos += 1,
            _ => self.worry(UNBALANCED),
        }
        loop {
            self.skip_separators();
            if self.pos >= self.bytes.len() {
                self.worry(UNBALANCED);
                break;
            }
            let bare = self.peek_bare();
            if bare == "esac" || (bare == "}" && self.zsh()) {
                self.pos += bare.len();
                break;
            }
            self.eat("(");
            if !self.patterns() {
                self.worry(UNBALANCED);
                break;
            }
            self.list(End::Arm);
        }
        self.close();
    }

    /// The patterns of one arm, up to and with the `)`.
    fn patterns(&mut self) -> bool {
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b')') => {
                    self.pos += 1;
                    return true;
                }
                Some(b'|') => self.pos += 1,
                None | Some(b'\n' | b';' | b'&') => return false,
                _ => {
                    let before = self.pos;
                    self.word(Spot::Argument);
                    if self.pos == before {
                        self.bump();
                    }
                }
            }
        }
    }

    fn switch(&mut self) {
        self.pos += 6;
        self.open(Kind::Conditional);
        self.words_to_separator();
        self.list(End::Word("end"));
        self.close();
    }

    /// `function name …`: bash, zsh and fish.
    fn function_word(&mut self) {
        self.pos += 8;
        self.skip_blanks();
        let name = if self.peek_bare() == "{" || self.peek() == Some(b'(') {
            String::new()
        } else {
            self.word(Spot::Argument).map_or_else(String::new, |word| word.shown())
        };
        if self.fish() {
            self.words_to_separator();
            let (index, start) = (self.open(Kind::Group), self.pos);
            self.list(End::Word("end"));
            self.defined(index, name, start);
            return;
        }
        self.skip_blanks();
        if self.eat("(") {
            self.skip_blanks();
            self.eat(")");
        }
        self.function_body(name);
    }

    /// The body of a function: a compound command, or in zsh any command.
    fn function_body(&mut self, name: String) {
        self.skip_newlines();
        if !self.enter() {
            return;
        }
        let index = self.open(Kind::Group);
        let start = self.pos;
        let stage = self.open(Kind::Stage { link: Link::Then, piped_in: false, piped_out: false });
        self.stage(stage);
        self.close();
        self.defined(index, name, start);
        self.leave();
    }

    fn defined(&mut self, index: usize, name: String, start: usize) {
        self.close();
        let text = &self.text[start..self.pos];
        // fish: the body ends with the `end` that its own list took.
        let body = if self.fish() { text.strip_suffix("end").unwrap_or(text) } else { text };
        let body = body.to_string();
        // A function without a name (zsh) runs at once.
        if !name.is_empty() {
            self.block(index, |block| block.kind = Kind::Function { name, body });
        }
    }

    fn test(&mut self) {
        self.pos += 2;
        let at = self.base + self.pos;
        let mut words = vec![Word::literal("[[")];
        loop {
            self.skip_newlines();
            if self.peek_bare() == "]]" {
                self.pos += 2;
                break;
            }
            let before = self.pos;
            match self.peek() {
                None => {
                    self.worry(UNBALANCED);
                    break;
                }
                Some(b'<' | b'>') if self.peek_at(1) != Some(b'(') => self.pos += 1,
                Some(b'(' | b')' | b'&' | b'|' | b';') => self.pos += 1,
                _ => words.extend(self.word(Spot::Pattern)),
            }
            if self.pos == before {
                self.bump();
            }
        }
        self.items.push(Item::Command(Command { words, at, ..Command::default() }));
    }

    /// `((…))`, or two subshells if it turns out that way.
    fn arithmetic_command(&mut self) {
        let (start, items, trouble) = (self.pos, self.items.len(), self.trouble);
        self.pos += 2;
        if self.arithmetic("))") {
            return;
        }
        if !self.reread(start + 1, items, trouble) {
            return;
        }
        self.open(Kind::Subshell);
        self.list(End::Paren);
        self.close();
    }

    fn reread(&mut self, pos: usize, items: usize, trouble: Option<&'static str>) -> bool {
        self.rereads += 1;
        if self.rereads > MAX_REREADS {
            self.trouble = Some(TOO_DEEP);
            self.pos = self.bytes.len();
            return false;
        }
        self.pos = pos;
        self.items.truncate(items);
        self.trouble = trouble;
        true
    }

    /// Skips arithmetic up to `close`, keeping the commands substituted in it; false when it can't be arithmetic.
    fn arithmetic(&mut self, close: &str) -> bool {
        let mut parens = 0usize;
        let mut ignored = Builder::default();
        while let Some(c) = self.peek() {
            if parens == 0 && self.eat(close) {
                return true;
            }
            match c {
                b'(' => {
                    parens += 1;
                    self.pos += 1;
                }
                b')' if parens == 0 => return false,
                b')' => {
                    parens -= 1;
                    self.pos += 1;
                }
                b'\\' => {
                    self.pos += 1;
                    self.bump();
                }
                b'"' => self.double_quoted(&mut ignored),
                b'$' => self.dollar(&mut ignored, true),
                b'`' => self.backtick(&mut ignored, true),
                _ => {
                    self.bump();
                }
            }
        }
        self.worry(UNBALANCED);
        false
    }

    fn words_to_separator(&mut self) {
        loop {
            self.skip_blanks();
            let before = self.pos;
            match self.peek() {
                None | Some(b'\n' | b';' | b'&' | b'|') => return,
                _ => self.word(Spot::Argument),
            };
            if self.pos == before {
                return;
            }
        }
    }

    fn words_to_paren(&mut self) {
        loop {
            self.skip_newlines();
            let before = self.pos;
            match self.peek() {
                None => return self.worry(UNBALANCED),
                Some(b')') => {
                    self.pos += 1;
                    return;
                }
                _ => self.word(Spot::Argument),
            };
            if self.pos == before {
                self.bump();
            }
        }
    }

    fn trailing_redirections(&mut self, index: usize) {
        loop {
            self.skip_blanks();
            let Some((fd, len)) = self.redirection_here() else { return };
            self.pos += len;
            let count = match self.items.get(index) {
                Some(Item::Open(block)) => block.redirections.len(),
                _ => 0,
            };
            let Some(to) = self.redirection(index, count) else { continue };
            self.block(index, |block| block.redirections.push(Redirection { fd, to }));
        }
    }

    // ---- simple commands ----

    fn simple(&mut self) {
        let index_before = self.items.len();
        let mut command = Command { at: self.base + self.pos, ..Command::default() };
        // Here-docs find their command by its index, which is known only when nested commands are out.
        let docs_before = self.here_docs.len();
        loop {
            self.skip_blanks();
            let Some(c) = self.peek() else { break };
            if let Some((fd, len)) = self.redirection_here() {
                self.pos += len;
                if let Some(to) = self.redirection(usize::MAX, command.redirections.len()) {
                    command.redirections.push(Redirection { fd, to });
                }
                continue;
            }
            match c {
                b'\n' | b';' | b'|' | b'&' | b')' => break,
                // `2>|` pipes what goes to that descriptor.
                b'1' | b'2'
                    if self.fish() && self.peek_at(1) == Some(b'>') && self.peek_at(2) == Some(b'|') =>
                {
                    break;
                }
                b'(' if !self.fish() && self.defines_function(&command) => {
                    let name = command.words[0].shown();
                    self.function_body(name);
                    self.point_here_docs(docs_before, index_before);
                    return;
                }
                b'(' if self.shell() == Shell::Bash || (self.zsh() && command.words.is_empty()) => break,
                _ => {}
            }
            if self.zsh() && self.peek_bare() == "}" && self.ends.contains(&End::Word("}")) {
                break;
            }
            let before = self.pos;
            if command.words.is_empty()
                && let Some(assignment) = self.assignment()
            {
                command.assignments.push(assignment);
            } else if let Some(word) =
                self.word(if command.words.is_empty() { Spot::Command } else { Spot::Argument })
            {
                command.words.push(word);
            }
            if self.pos == before {
                break;
            }
        }
        let empty =
            command.words.is_empty() && command.assignments.is_empty() && command.redirections.is_empty();
        if !empty {
            let index = self.items.len();
            self.items.push(Item::Command(command));
            self.point_here_docs(docs_before, index);
        }
    }

    fn point_here_docs(&mut self, from: usize, index: usize) {
        let from = from.min(self.here_docs.len());
        for doc in &mut self.here_docs[from..] {
            if doc.item == usize::MAX {
                doc.item = index;
            }
        }
    }

    /// `name ()`: takes the parentheses.
    fn defines_function(&mut self, command: &Command) -> bool {
        if command.words.len() != 1 || !command.assignments.is_empty() {
            return false;
        }
        let rest = &self.bytes[self.pos + 1..];
        let blanks = rest.iter().take(8).take_while(|c| **c == b' ').count();
        let defines = rest.get(blanks) == Some(&b')');
        if defines {
            self.pos += blanks + 2;
        }
        defines
    }

    fn assignment(&mut self) -> Option<Assignment> {
        if !is_name_start(self.peek()) {
            return None;
        }
        let rest = &self.bytes[self.pos..];
        let len = rest.iter().take_while(|c| is_name(**c)).count();
        let name = self.text[self.pos..self.pos + len].to_string();
        if rest.get(len) == Some(&b'[') && !self.fish() {
            return self.element_assignment(name);
        }
        let append = rest.get(len) == Some(&b'+') && rest.get(len + 1) == Some(&b'=');
        if !append && rest.get(len) != Some(&b'=') {
            return None;
        }
        self.pos += len + 1 + usize::from(append);
        if self.peek() == Some(b'(') && !self.fish() {
            self.pos += 1;
            if self.enter() {
                self.words_to_paren();
                self.leave();
            }
            return Some(Assignment { name, value: Word::unknown(), append });
        }
        let value = self.word(Spot::Value).unwrap_or_default();
        Some(Assignment { name, value, append })
    }

    /// `name[subscript]=value`; anything else that starts like it is left alone.
    fn element_assignment(&mut self, name: String) -> Option<Assignment> {
        let bytes = &self.bytes[self.pos..];
        let close = bytes.iter().take(256).position(|c| *c == b']')?;
        let behind = &bytes[close + 1..];
        if !behind.starts_with(b"=") && !behind.starts_with(b"+=") {
            return None;
        }
        self.word(Spot::Value);
        Some(Assignment { name, value: Word::unknown(), append: false })
    }

    /// Whether a redirection starts here: its descriptor, and the bytes before its operator.
    fn redirection_here(&self) -> Option<(Option<u32>, usize)> {
        let rest = &self.bytes[self.pos..];
        let operator = |at: usize| {
            matches!(rest.get(at), Some(b'<' | b'>')) && (self.fish() || rest.get(at + 1) != Some(&b'('))
        };
        if operator(0) || (rest.starts_with(b"&>")) || (self.fish() && rest.starts_with(b"^")) {
            return Some((None, 0));
        }
        let digits = rest.iter().take(4).take_while(|c| c.is_ascii_digit()).count();
        if digits > 0 && digits < 4 && operator(digits) {
            if self.fish() && rest.get(digits + 1) == Some(&b'|') {
                return None;
            }
            return Some((self.text[self.pos..self.pos + digits].parse().ok(), digits));
        }
        if rest.first() == Some(&b'{') && !self.fish() {
            let name = rest[1..].iter().take(64).take_while(|c| is_name(**c)).count();
            if name > 0 && rest.get(name + 1) == Some(&b'}') && operator(name + 2) {
                return Some((None, name + 2));
            }
        }
        None
    }

    /// Takes the operator and its target. `item` and `index` say where a here-doc's body will belong.
    fn redirection(&mut self, item: usize, index: usize) -> Option<Redirect> {
        if !self.fish() && self.eat("<<<") {
            return Some(Redirect::HereString(self.target()));
        }
        if !self.fish() && (self.starts("<<")) {
            self.pos += 2;
            let strips_tabs = self.eat("-");
            self.skip_blanks();
            let (delimiter, quoted) = self.delimiter();
            self.here_docs.push(HereDoc {
                item,
                redirection: index,
                delimiter,
                expands: !quoted,
                strips_tabs,
            });
            return Some(Redirect::HereDoc { body: String::new(), expands: !quoted });
        }
        for operator in ["<>", "<?"] {
            if self.eat(operator) {
                return Some(Redirect::Read(self.target()));
            }
        }
        if self.eat("<&") {
            return Some(Redirect::Copy(self.target()));
        }
        if self.eat("<") {
            return Some(Redirect::Read(self.target()));
        }
        let copies = self.starts(">&");
        for operator in
            ["&>>|", "&>>!", "&>>", "&>|", "&>!", "&>", ">>&|", ">>&!", ">>&", ">>|", ">>!", ">>?", ">>"]
                .iter()
                .chain(&[">&|", ">&!", ">&", ">|", ">!", ">?", ">", "^^", "^"])
        {
            if self.eat(operator) {
                break;
            }
        }
        let target = self.target();
        let descriptor = target
            .exact()
            .is_some_and(|t| !t.is_empty() && t.bytes().all(|c| c.is_ascii_digit() || c == b'-'));
        Some(if copies && descriptor { Redirect::Copy(target) } else { Redirect::Write(target) })
    }

    fn target(&mut self) -> Word {
        self.skip_blanks();
        match self.word(Spot::Argument) {
            Some(word) => word,
            None => {
                self.worry(UNBALANCED);
                Word::default()
            }
        }
    }

    fn delimiter(&mut self) -> (String, bool) {
        let (mut delimiter, mut quoted) = (String::new(), false);
        while let Some(c) = self.peek() {
            match c {
                b'\\' => {
                    quoted = true;
                    self.pos += 1;
                    delimiter.push_str(self.bump());
                }
                b'\'' | b'"' => {
                    quoted = true;
                    self.pos += 1;
                    while self.peek().is_some_and(|next| next != c) {
                        delimiter.push_str(self.bump());
                    }
                    self.pos = (self.pos + 1).min(self.bytes.len());
                }
                _ if is_meta(c) => break,
                _ => delimiter.push_str(self.bump()),
            }
        }
        (delimiter, quoted)
    }

    // ---- words ----

    /// Parses the word that starts here; `None` (and no step forward) when none does.
    fn word(&mut self, spot: Spot) -> Option<Word> {
        let mut word = Builder::default();
        let start = self.pos;
        self.count();
        while let Some(c) = self.peek() {
            match c {
                b' ' | b'\t' | b'\r' | b'\n' => break,
                b'&' if self.zsh() && spot == Spot::Pattern => break,
                b';' | b'&' | b'|' => break,
                b')' => break,
                b'<' | b'>' => {
                    if self.fish() || self.peek_at(1) != Some(b'(') {
                        break;
                    }
                    self.pos += 1;
                    self.substitution(&mut word, start);
                }
                b'(' => {
                    if !self.paren_in_word(&mut word, start, spot) {
                        break;
                    }
                }
                b'\'' => self.single_quoted(&mut word),
                b'"' => self.double_quoted(&mut word),
                b'\\' => self.escaped(&mut word),
                b'$' => self.dollar(&mut word, false),
                b'`' if !self.fish() => self.backtick(&mut word, false),
                b'*' | b'?' => {
                    self.pos += 1;
                    word.push(Piece::Glob((c as char).to_string()));
                }
                b'{' | b'[' => {
                    // `[ x ]` and `{ x; }` are words of their own, `{}` is a placeholder.
                    let opens = self.peek_at(1).is_some_and(|next| !is_meta(next));
                    if opens {
                        word.mark(c, self.pos);
                    }
                    self.pos += 1;
                    word.text.push(c as char);
                }
                b'}' | b']' => {
                    self.pos += 1;
                    word.text.push(c as char);
                    word.collapse(c, self.text, self.pos);
                }
                b',' => {
                    self.pos += 1;
                    word.text.push(',');
                    word.separator();
                }
                b'.' if self.peek_at(1) == Some(b'.') => {
                    self.pos += 2;
                    word.text.push_str("..");
                    word.separator();
                }
                b'#' if self.pos == start && self.dialect.comments && self.at_word_start() => break,
                _ => word.text.push_str(self.bump()),
            }
        }
        (self.pos > start).then(|| word.finish())
    }

    /// A parenthesis inside a word: a substitution, an array, a glob; or the end of the word.
    fn paren_in_word(&mut self, word: &mut Builder, start: usize, spot: Spot) -> bool {
        let behind = if self.pos > start { self.bytes[self.pos - 1] } else { 0 };
        match self.shell() {
            Shell::Fish => self.substitution(word, self.pos),
            _ if behind == b'=' && self.pos == start + 1 && self.zsh() => self.substitution(word, start),
            _ if behind == b'=' && spot != Spot::Command => {
                self.pos += 1;
                if self.enter() {
                    self.words_to_paren();
                    self.leave();
                }
                word.push(Piece::Output(String::new()));
            }
            Shell::Bash if matches!(behind, b'@' | b'!' | b'?' | b'*' | b'+') => self.glob_group(word),
            Shell::Zsh if self.pos > start && self.peek_at(1) != Some(b')') => self.glob_group(word),
            Shell::Zsh if self.pos == start && matches!(spot, Spot::Argument | Spot::Value) => {
                self.glob_group(word)
            }
            _ => return false,
        }
        true
    }

    /// `(a|b)`, `@(a|b)`, zsh's `*(.om)`: a pattern. Code in a glob qualifier can't be followed.
    fn glob_group(&mut self, word: &mut Builder) {
        let start = self.pos;
        let mut parens = 0usize;
        let mut inner = Builder::default();
        while let Some(c) = self.peek() {
            match c {
                b'(' => {
                    parens += 1;
                    self.pos += 1;
                }
                b')' => {
                    parens -= 1;
                    self.pos += 1;
                    if parens == 0 {
                        break;
                    }
                }
                b'\'' => self.single_quoted(&mut inner),
                b'"' => self.double_quoted(&mut inner),
                b'\\' => self.escaped(&mut inner),
                b'$' => self.dollar(&mut inner, false),
                b'`' => self.backtick(&mut inner, false),
                b'\n' => break,
                _ => {
                    self.bump();
                }
            }
        }
        if parens > 0 {
            self.worry(UNBALANCED);
        }
        let raw = &self.text[start..self.pos];
        let code = |mark: u8| {
            raw.bytes()
                .zip(raw.bytes().skip(1))
                .any(|(a, b)| a == mark && !b.is_ascii_alphanumeric() && b != b'|' && b != b')')
        };
        if self.zsh() && (code(b'e') || raw.contains('+')) {
            self.worry("has a glob qualifier that can run code");
        }
        word.push(Piece::Glob(raw.to_string()));
    }

    fn escaped(&mut self, word: &mut Builder) {
        self.pos += 1;
        if self.peek() == Some(b'\n') {
            self.pos += 1;
            return;
        }
        word.quoted = true;
        if self.fish()
            && let Some(c) = self.peek()
            && matches!(
                c,
                b'n' | b't' | b'r' | b'e' | b'a' | b'b' | b'f' | b'v' | b'x' | b'X' | b'u' | b'U' | b'0'
                    ..=b'7'
            )
        {
            self.ansi_escape(word);
            return;
        }
        word.text.push_str(self.bump());
    }

    fn single_quoted(&mut self, word: &mut Builder) {
        word.quoted = true;
        self.pos += 1;
        while let Some(c) = self.peek() {
            match c {
                b'\'' => {
                    self.pos += 1;
                    return;
                }
                b'\\' if self.fish() && matches!(self.peek_at(1), Some(b'\'' | b'\\')) => {
                    self.pos += 1;
                    word.text.push_str(self.bump());
                }
                _ => word.text.push_str(self.bump()),
            }
        }
        self.worry(UNBALANCED);
    }

    fn double_quoted(&mut self, word: &mut Builder) {
        if !self.enter() {
            return;
        }
        word.quoted = true;
        self.pos += 1;
        loop {
            let Some(c) = self.peek() else {
                self.worry(UNBALANCED);
                break;
            };
            match c {
                b'"' => {
                    self.pos += 1;
                    break;
                }
                b'\\' => {
                    self.pos += 1;
                    match self.peek() {
                        Some(b'\n') => self.pos += 1,
                        Some(b'$' | b'"' | b'\\') => word.text.push_str(self.bump()),
                        Some(b'`') if !self.fish() => word.text.push_str(self.bump()),
                        _ => word.text.push('\\'),
                    }
                }
                b'$' => self.dollar(word, true),
                b'`' if !self.fish() => self.backtick(word, true),
                _ => word.text.push_str(self.bump()),
            }
        }
        self.leave();
    }

    /// Whatever starts with `$`.
    fn dollar(&mut self, word: &mut Builder, in_quotes: bool) {
        let start = self.pos;
        self.pos += 1;
        word.bare |= !in_quotes;
        let fish = self.fish();
        match self.peek() {
            Some(b'\'') if !in_quotes && !fish => {
                self.pos += 1;
                self.ansi_quoted(word);
            }
            Some(b'"') if !in_quotes && !fish => self.double_quoted(word),
            Some(b'(') if !fish && self.peek_at(1) == Some(b'(') => self.dollar_arithmetic(word, start),
            Some(b'(') => self.substitution(word, start),
            Some(b'[') if self.shell() == Shell::Bash => {
                self.pos += 1;
                if self.enter() {
                    self.arithmetic("]");
                    self.leave();
                }
                word.push(Piece::Output(String::new()));
            }
            Some(b'{') if !fish => self.braced_parameter(word, in_quotes),
            _ => self.parameter(word),
        }
    }

    fn parameter(&mut self, word: &mut Builder) {
        // What stands between makes another value of it: `$$name`, `$=name`.
        let from = self.pos;
        if self.fish() {
            while self.peek() == Some(b'$') {
                self.pos += 1;
            }
        }
        if self.zsh()
            && matches!(self.peek(), Some(b'+' | b'^' | b'=' | b'~'))
            && is_name_start(self.peek_at(1))
        {
            self.pos += 1;
        }
        let rest = &self.bytes[self.pos..];
        let len = match rest.first() {
            Some(c) if is_name_start(Some(*c)) => rest.iter().take_while(|c| is_name(**c)).count(),
            Some(b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') if !self.fish() => 1,
            _ => 0,
        };
        if len == 0 {
            word.text.push('$');
            return;
        }
        self.pos += len;
        self.pos += self.subscript();
        word.push(Piece::Param(self.text[from..self.pos].to_string()));
    }

    /// How long the index of a list is that stands here: zsh and fish need no braces around `$list[2]`.
    fn subscript(&self) -> usize {
        let rest = &self.bytes[self.pos..];
        let inside = rest.iter().skip(1).take_while(|c| c.is_ascii_digit()).count();
        let inside = if inside == 0 && matches!(rest.get(1), Some(b'@' | b'*')) { 1 } else { inside };
        let closed = rest.first() == Some(&b'[') && inside > 0 && rest.get(inside + 1) == Some(&b']');
        if closed && self.shell() != Shell::Bash { inside + 2 } else { 0 }
    }

    fn braced_parameter(&mut self, word: &mut Builder, in_quotes: bool) {
        if !self.enter() {
            return;
        }
        self.pos += 1;
        let start = self.pos;
        let mut ignored = Builder::default();
        let mut end = None;
        while let Some(c) = self.peek() {
            match c {
                b'}' => {
                    end = Some(self.pos);
                    self.pos += 1;
                    break;
                }
                b'\\' => {
                    self.pos += 1;
                    self.bump();
                }
                b'\'' if !in_quotes => self.single_quoted(&mut ignored),
                b'"' => self.double_quoted(&mut ignored),
                b'$' => self.dollar(&mut ignored, in_quotes),
                b'`' => self.backtick(&mut ignored, in_quotes),
                b'<' | b'>' if self.peek_at(1) == Some(b'(') && !in_quotes => {
                    self.pos += 1;
                    self.substitution(&mut ignored, start);
                }
                _ => {
                    self.bump();
                }
            }
        }
        if end.is_none() {
            self.worry(UNBALANCED);
        }
        let inside = &self.text[start..end.unwrap_or(self.pos)];
        // bash 5.3 and zsh: `${ command; }` runs in this shell.
        if inside.starts_with([' ', '\t', '\n', '|']) {
            self.worry("has a command substitution of a new kind");
        }
        // Long ones are cut: only plain names are ever compared, and nesting must not multiply the text.
        word.push(Piece::Param(inside.chars().take(64).collect()));
        self.leave();
    }

    fn dollar_arithmetic(&mut self, word: &mut Builder, start: usize) {
        let (items, trouble) = (self.items.len(), self.trouble);
        if !self.enter() {
            return;
        }
        self.pos += 2;
        let arithmetic = self.arithmetic("))");
        self.leave();
        if arithmetic {
            word.push(Piece::Output(String::new()));
        } else if self.reread(start + 1, items, trouble) {
            self.substitution(word, start);
        }
    }

    /// `(…)` with commands in it; `start` is where the word's piece begins.
    fn substitution(&mut self, word: &mut Builder, start: usize) {
        self.open(Kind::Substitution);
        self.pos += 1;
        self.list(End::Paren);
        self.close();
        // The text is kept only near the surface: nesting must not multiply it.
        let raw = if self.depth <= 4 { &self.text[start..self.pos] } else { "" };
        word.push(Piece::Output(raw.to_string()));
    }

    fn backtick(&mut self, word: &mut Builder, in_quotes: bool) {
        if !self.enter() {
            return;
        }
        let start = self.pos;
        self.pos += 1;
        self.count();
        let mut inner = String::new();
        let mut closed = false;
        while let Some(c) = self.peek() {
            match c {
                b'`' => {
                    self.pos += 1;
                    closed = true;
                    break;
                }
                b'\\' => {
                    self.pos += 1;
                    let escapes = matches!(self.peek(), Some(b'`' | b'\\' | b'$'))
                        || (in_quotes && self.peek() == Some(b'"'));
                    if !escapes {
                        inner.push('\\');
                    }
                    inner.push_str(self.bump());
                }
                _ => inner.push_str(self.bump()),
            }
        }
        if !closed {
            self.worry(UNBALANCED);
        }
        self.open(Kind::Substitution);
        let mut parser = Parser::new(&inner, self.dialect, self.depth, self.base + start);
        parser.list(End::Text);
        self.adopt(parser);
        self.close();
        word.push(Piece::Output(format!("$({inner})")));
        self.leave();
    }

    fn ansi_quoted(&mut self, word: &mut Builder) {
        word.quoted = true;
        while let Some(c) = self.peek() {
            match c {
                b'\'' => {
                    self.pos += 1;
                    return;
                }
                b'\\' => {
                    self.pos += 1;
                    self.ansi_escape(word);
                }
                _ => word.text.push_str(self.bump()),
            }
        }
        self.worry(UNBALANCED);
    }

    /// What follows the backslash in `$'…'` (and, in fish, outside quotes).
    fn ansi_escape(&mut self, word: &mut Builder) {
        let Some(c) = self.peek() else { return };
        let (radix, most, skip) = match c {
            b'x' | b'X' => (16, 2, 1),
            b'u' => (16, 4, 1),
            b'U' => (16, 8, 1),
            b'0'..=b'7' => (8, 3, 0),
            b'c' => {
                self.pos += 1;
                self.bump();
                return;
            }
            _ => {
                match control(c) {
                    Some(character) => {
                        self.pos += 1;
                        word.text.push(character);
                    }
                    None => {
                        if !matches!(c, b'\\' | b'\'' | b'"' | b'?') {
                            word.text.push('\\');
                        }
                        word.text.push_str(self.bump());
                    }
                }
                return;
            }
        };
        self.pos += skip;
        let digits =
            self.bytes[self.pos..].iter().take(most).take_while(|c| (**c as char).is_digit(radix)).count();
        let value = u32::from_str_radix(&self.text[self.pos..self.pos + digits], radix).unwrap_or(0);
        self.pos += digits;
        match char::from_u32(value) {
            // bash ends the string at a NUL.
            Some('\0') | None => {}
            Some(character) => word.text.push(character),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    Command,
    Argument,
    Value,
    Pattern,
}

#[derive(Default)]
struct Builder {
    pieces: Vec<Piece>,
    text: String,
    quoted: bool,
    bare: bool,
    marks: Vec<Mark>,
}

struct Mark {
    bracket: u8,
    pieces: usize,
    at: usize,
    separated: bool,
}

impl Builder {
    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.text)));
        }
    }

    fn push(&mut self, piece: Piece) {
        self.flush();
        self.pieces.push(piece);
    }

    fn mark(&mut self, bracket: u8, at: usize) {
        if self.marks.len() < MAX_BRACES {
            self.flush();
            self.marks.push(Mark { bracket, pieces: self.pieces.len(), at, separated: false });
        }
    }

    fn separator(&mut self) {
        if let Some(mark) = self.marks.iter_mut().rev().find(|mark| mark.bracket == b'{') {
            mark.separated = true;
        }
    }

    /// A closing bracket: if it ends an expansion, all since its start is one unknown piece.
    fn collapse(&mut self, close: u8, text: &str, end: usize) {
        let open = if close == b'}' { b'{' } else { b'[' };
        let Some(index) = self.marks.iter().rposition(|mark| mark.bracket == open) else { return };
        self.marks.truncate(index + 1);
        let Some(mark) = self.marks.pop() else { return };
        if mark.bracket == b'{' && !mark.separated {
            return;
        }
        self.text.clear();
        self.pieces.truncate(mark.pieces);
        self.pieces.push(Piece::Glob(text[mark.at..end].to_string()));
    }

    fn finish(mut self) -> Word {
        self.flush();
        let mut pieces: Vec<Piece> = Vec::with_capacity(self.pieces.len());
        for piece in self.pieces {
            match (pieces.last_mut(), piece) {
                (Some(Piece::Text(last)), Piece::Text(next)) => last.push_str(&next),
                (_, piece) => pieces.push(piece),
            }
        }
        Word { pieces, quoted: self.quoted, bare: self.bare, written: None }
    }
}

/// The character that a one-letter escape stands for.
fn control(letter: u8) -> Option<char> {
    Some(match letter {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'e' | b'E' => '\u{1b}',
        b'a' => '\u{7}',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'v' => '\u{b}',
        _ => return None,
    })
}

fn newline_at(text: &str) -> usize {
    text.bytes().position(|c| c == b'\n').unwrap_or(text.len())
}

fn closer(word: &str) -> &'static str {
    CLOSERS.iter().find(|closer| **closer == word).copied().unwrap_or("")
}

fn is_meta(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

fn is_name(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_'
}

fn is_name_start(c: Option<u8>) -> bool {
    c.is_some_and(|c| c.is_ascii_alphabetic() || c == b'_')
}
