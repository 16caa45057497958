//! An interactive bash, zsh or fish on a pseudo terminal, driven by keys and read from its screen. It refuses to
//! outlive its test: whatever runs in its session is killed on drop, also after a panic.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::home::{Home, end_all, stat};
use super::screen::{Look, MARK, Segment, Terminal, WHITE_ON_RED};
use super::strace::{self, Calls};

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(45);

/// Removing these two makes a root shell meet closed files as everybody else does.
const DAC: &str = "-dac_override,-dac_read_search";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bash,
    Zsh,
    Fish,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bash => "bash",
            Kind::Zsh => "zsh",
            Kind::Fish => "fish",
        }
    }

    /// A shell of this kind, to be started in `home`.
    pub fn in_home(self, home: &Home) -> Start<'_> {
        Start {
            kind: self,
            home,
            prompt: vec![MARK.to_string()],
            rc: String::new(),
            vars: Vec::new(),
            cwd: home.path().to_path_buf(),
            size: (24, 80),
            unprivileged: false,
            traced: false,
            wrapper: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// The rc file's path in a home.
    pub fn rc_path(self) -> &'static str {
        match self {
            Kind::Bash => ".bashrc",
            Kind::Zsh => ".zshrc",
            Kind::Fish => ".config/fish/config.fish",
        }
    }

    /// The line that loads redtab, as a user writes it.
    pub fn init(self) -> &'static str {
        match self {
            Kind::Bash => "eval \"$(redtab init bash)\"",
            Kind::Zsh => "eval \"$(redtab init zsh)\"",
            Kind::Fish => "redtab init fish | source",
        }
    }

    /// A word that stands for exactly this text.
    pub fn quote(self, text: &str) -> String {
        match self {
            Kind::Bash | Kind::Zsh => format!("'{}'", text.replace('\'', "'\\''")),
            Kind::Fish => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        }
    }

    /// Exports a variable with a value.
    pub fn export(self, name: &str, value: &str) -> String {
        let value = self.quote(value);
        match self {
            Kind::Bash | Kind::Zsh => format!("export {name}={value}"),
            Kind::Fish => format!("set -gx {name} {value}"),
        }
    }

    /// Sets a variable without exporting it.
    pub fn assign(self, name: &str, value: &str) -> String {
        let value = self.quote(value);
        match self {
            Kind::Bash | Kind::Zsh => format!("{name}={value}"),
            Kind::Fish => format!("set -g {name} {value}"),
        }
    }

    /// Exports a variable as it stands.
    pub fn export_as_is(self, name: &str) -> String {
        match self {
            Kind::Bash | Kind::Zsh => format!("export {name}"),
            Kind::Fish => format!("set -gx {name} ${name}"),
        }
    }

    /// Takes a variable out of the environment and keeps its value.
    pub fn unexport(self, name: &str) -> String {
        match self {
            Kind::Bash => format!("export -n {name}"),
            Kind::Zsh => format!("typeset -g +x {name}"),
            Kind::Fish => format!("set -gu {name} ${name}"),
        }
    }

    pub fn unset(self, name: &str) -> String {
        match self {
            Kind::Bash | Kind::Zsh => format!("unset {name}"),
            Kind::Fish => format!("set -e {name}"),
        }
    }

    pub fn source(self, file: &Path) -> String {
        let file = self.quote(&file.display().to_string());
        match self {
            Kind::Bash | Kind::Zsh => format!(". {file}"),
            Kind::Fish => format!("source {file}"),
        }
    }

    pub fn alias(self, name: &str, text: &str) -> String {
        format!("alias {name}={}", self.quote(text))
    }

    /// A function with a body of simple commands, on one line.
    pub fn function(self, name: &str, body: &str) -> String {
        match self {
            Kind::Bash | Kind::Zsh => format!("{name}() {{ {body}; }}"),
            Kind::Fish => format!("function {name}; {body}; end"),
        }
    }

    /// The last command's exit status.
    pub fn status(self) -> &'static str {
        match self {
            Kind::Bash | Kind::Zsh => "$?",
            Kind::Fish => "$status",
        }
    }

    /// The rc lines that set the user's own prompt.
    pub fn own_prompt(self, lines: &[String]) -> String {
        match self {
            Kind::Bash => format!("PS1=$'{}'\n", lines.join("\\n")),
            Kind::Zsh => format!("PROMPT=$'{}'\n", lines.join("\\n")),
            Kind::Fish => {
                format!("function fish_prompt; printf '%s' {}; end\n", self.quote(&lines.join("\n")))
            }
        }
    }

    /// What every rc file of these tests starts with: a shell as a new user has it, less the greeting, and less the
    /// suggestions that fish prints behind the cursor.
    pub fn rc_head(self) -> &'static str {
        match self {
            Kind::Bash | Kind::Zsh => "",
            Kind::Fish => "set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n",
        }
    }
}

/// How a shell is to be started.
pub struct Start<'h> {
    kind: Kind,
    home: &'h Home,
    prompt: Vec<String>,
    rc: String,
    vars: Vec<(String, Option<String>)>,
    cwd: PathBuf,
    size: (u16, u16),
    unprivileged: bool,
    traced: bool,
    wrapper: Vec<String>,
    patience: Duration,
}

impl Start<'_> {
    /// Adds lines to the rc file, behind the lines that set the prompt.
    pub fn rc(mut self, lines: &str) -> Self {
        self.rc += lines;
        self.rc += "\n";
        self
    }

    /// Adds the line that loads redtab.
    pub fn redtab(self) -> Self {
        let init = self.kind.init();
        self.rc(init)
    }

    /// The user's own prompt, plain text, several lines if wanted; it must end in the mark `@@ `.
    pub fn prompt(mut self, text: &str) -> Self {
        assert!(text.ends_with(MARK), "the prompt {text:?} does not end in {MARK:?}");
        self.prompt = text.split('\n').map(str::to_string).collect();
        self
    }

    /// Puts a variable into the shell's environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_string(), Some(value.to_string())));
        self
    }

    /// Takes a variable out of the shell's environment.
    pub fn without(mut self, name: &str) -> Self {
        self.vars.push((name.to_string(), None));
        self
    }

    pub fn cwd(mut self, dir: &Path) -> Self {
        self.cwd = dir.to_path_buf();
        self
    }

    pub fn size(mut self, rows: u16, columns: u16) -> Self {
        self.size = (rows, columns);
        self
    }

    /// Files closed by their mode are closed to this shell, even where the tests run as root.
    pub fn unprivileged(mut self) -> Self {
        self.unprivileged = true;
        self
    }

    /// Starts the shell by another program, whose arguments the shell's command line follows.
    pub fn under(mut self, argv: &[&str]) -> Self {
        self.wrapper = argv.iter().map(ToString::to_string).collect();
        self
    }

    /// Waits for nothing longer than this, for tests of what never comes.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs the shell under strace, so that [`Shell::calls`] can count.
    pub fn traced(mut self) -> Self {
        self.traced = true;
        self
    }

    /// Starts the shell and waits for its first prompt.
    pub fn start(self) -> Shell {
        let mut shell = self.spawn();
        shell.prompt();
        shell
    }

    /// Starts the shell without waiting for anything.
    pub fn spawn(self) -> Shell {
        let kind = self.kind;
        let rc = format!("{}{}{}", kind.rc_head(), kind.own_prompt(&self.prompt), self.rc);
        self.home.write(kind.rc_path(), rc);
        let trace = self.traced.then(|| tempfile::NamedTempFile::new_in(self.home.path()).unwrap());
        let trace = trace.map(|file| file.into_temp_path().keep().unwrap());
        let (rows, cols) = self.size;
        let pty = native_pty_system().openpty(PtySize { rows, cols, ..PtySize::default() }).unwrap();
        let child = pty.slave.spawn_command(self.command(trace.as_deref())).unwrap();
        drop(pty.slave);
        let writer = Arc::new(Mutex::new(pty.master.take_writer().unwrap()));
        let tty = Arc::new(Tty {
            state: Mutex::new(State { terminal: Terminal::new(rows, cols), closed: false }),
            changed: Condvar::new(),
        });
        let reader = pty.master.try_clone_reader().unwrap();
        let (their_tty, their_writer) = (Arc::clone(&tty), Arc::clone(&writer));
        std::thread::spawn(move || read_into(reader, &their_tty, &their_writer));
        let answer = self.home.join("answer");
        Shell {
            kind,
            prompt: self.prompt,
            child,
            _master: pty.master,
            writer,
            tty,
            seen: 0,
            patience: self.patience,
            trace,
            answer,
        }
    }

    fn command(&self, trace: Option<&Path>) -> CommandBuilder {
        let mut argv: Vec<String> = Vec::new();
        if let Some(trace) = trace {
            // -DDD: the shell stays the terminal's session leader, strace stands outside of its session.
            argv.extend(
                ["strace", "-DDD", "-f", "-qq", "-e", strace::TRACED, "-e", "signal=none"].map(String::from),
            );
            argv.extend(["-o".to_string(), trace.display().to_string(), "--".to_string()]);
        }
        if self.unprivileged && rustix::process::geteuid().is_root() {
            let sets = [format!("--bounding-set={DAC}"), format!("--inh-caps={DAC}"), "--".to_string()];
            argv.push("setpriv".to_string());
            argv.extend(sets);
        }
        // portable-pty asks the user data base where HOME is missing, which a static binary must not do.
        let taken: Vec<&str> =
            self.vars.iter().filter(|(_, v)| v.is_none()).map(|(n, _)| n.as_str()).collect();
        if !taken.is_empty() {
            argv.push("env".to_string());
            argv.extend(taken.iter().flat_map(|name| ["-u".to_string(), name.to_string()]));
        }
        argv.extend(self.wrapper.iter().cloned());
        argv.extend([self.kind.name().to_string(), "-i".to_string()]);
        let mut command = CommandBuilder::from_argv(argv.into_iter().map(Into::into).collect());
        command.env_clear();
        let own = self.vars.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)));
        for (name, value) in self.home.vars().chain(own) {
            command.env(name, value);
        }
        command.cwd(&self.cwd);
        command
    }
}

/// What the reading thread and the test share.
struct Tty {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    terminal: Terminal,
    closed: bool,
}

type Writer = Mutex<Box<dyn Write + Send>>;

fn read_into(mut reader: Box<dyn Read + Send>, tty: &Tty, writer: &Writer) {
    let mut buffer = [0; 4096];
    loop {
        let count = reader.read(&mut buffer).unwrap_or(0);
        let mut state = tty.state.lock().unwrap();
        let answers = state.terminal.take(&buffer[..count]);
        state.closed = count == 0;
        drop(state);
        tty.changed.notify_all();
        if count == 0 {
            return;
        }
        if !answers.is_empty() {
            // A shell that went away needs no answer.
            let _ = writer.lock().unwrap().write_all(&answers);
        }
    }
}

/// A running shell.
pub struct Shell {
    pub kind: Kind,
    prompt: Vec<String>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    writer: Arc<Writer>,
    tty: Arc<Tty>,
    /// How many prompts were drawn when the last key was sent.
    seen: usize,
    patience: Duration,
    trace: Option<PathBuf>,
    /// Where [`Shell::value`] has the shell write.
    answer: PathBuf,
}

impl Shell {
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("the shell has a pid")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.tty.state.lock().unwrap()
    }

    /// How many prompts were drawn so far.
    pub fn prompts_drawn(&self) -> usize {
        self.state().terminal.prompts
    }

    /// Waits until `done` says so, and panics with the screen after the deadline or when the shell is gone.
    pub fn wait_for(&self, what: &str, done: impl Fn(&Terminal) -> bool) {
        let end = Instant::now() + self.patience;
        let mut state = self.state();
        while !done(&state.terminal) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || state.closed {
                let why = if state.closed { "the shell is gone" } else { "not in time" };
                let dump = state.terminal.dump();
                drop(state); // or the panic would poison it
                panic!("{}: waiting for {what}: {why}\n{dump}", self.kind.name());
            }
            state = self.tty.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Waits for a prompt drawn after the last key was sent.
    pub fn prompt(&mut self) -> &mut Self {
        let seen = self.seen;
        self.wait_for("a prompt", |terminal| terminal.prompts > seen && terminal.at_prompt());
        self.seen = self.prompts_drawn();
        self
    }

    /// Sends keys as they are and waits for nothing.
    pub fn send(&mut self, keys: &str) -> &mut Self {
        self.seen = self.prompts_drawn();
        let mut writer = self.writer.lock().unwrap();
        writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()).unwrap();
        drop(writer);
        self
    }

    /// Types printable ASCII and waits until it stands behind the prompt.
    pub fn type_in(&mut self, text: &str) -> &mut Self {
        self.send(text);
        self.wait_for(&format!("{text:?} behind the prompt"), |t| t.typed().as_deref() == Some(text));
        self
    }

    /// Presses Enter and waits for the next prompt.
    pub fn enter(&mut self) -> &mut Self {
        self.send("\r").prompt()
    }

    /// Types a command of one line, presses Enter and waits for the next prompt.
    pub fn line(&mut self, command: &str) -> &mut Self {
        if !command.is_empty() {
            self.type_in(command);
        }
        self.enter()
    }

    pub fn export(&mut self, name: &str, value: &str) -> &mut Self {
        self.line(&self.kind.export(name, value))
    }

    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.line(&self.kind.unset(name))
    }

    pub fn source(&mut self, file: &Path) -> &mut Self {
        self.line(&self.kind.source(file))
    }

    pub fn cd(&mut self, dir: &Path) -> &mut Self {
        self.line(&format!("cd {}", self.kind.quote(&dir.display().to_string())))
    }

    /// What a word such as `"$PS1"` expands to in this shell.
    pub fn value(&mut self, word: &str) -> String {
        let _ = fs::remove_file(&self.answer);
        let into = if self.kind == Kind::Fish { ">" } else { ">|" };
        let answer = self.answer.display().to_string();
        self.line(&format!("printf '%s' {word} {into} {answer}"));
        fs::read_to_string(&self.answer).unwrap_or_else(|error| panic!("{word}: {error}\n{}", self.dump()))
    }

    /// What stands between the last prompt and the cursor.
    pub fn typed(&self) -> Option<String> {
        self.state().terminal.typed()
    }

    /// The whole screen as text.
    pub fn screen(&self) -> String {
        self.state().terminal.text()
    }

    /// Every byte the terminal got so far.
    pub fn raw(&self) -> Vec<u8> {
        self.state().terminal.raw.clone()
    }

    /// Every window title set so far, oldest first.
    pub fn titles(&self) -> Vec<String> {
        self.state().terminal.titles().to_vec()
    }

    /// The screen and its colours, for a report.
    pub fn dump(&self) -> String {
        self.state().terminal.dump()
    }

    /// What stands in front of the user's own prompt.
    pub fn segment(&self) -> Segment {
        let segment = self.state().terminal.segment(&self.prompt);
        segment.unwrap_or_else(|| panic!("{}: no prompt on the screen\n{}", self.kind.name(), self.dump()))
    }

    /// Asserts the segment's whole text, spaces included, and its colours.
    #[track_caller]
    pub fn expect_segment(&mut self, text: &str, look: Look) -> &mut Self {
        let segment = self.segment();
        assert!(
            segment.text == text && segment.look == Some(look),
            "{}: the segment is not {text:?} in {look:?} but {segment:?}\n{}",
            self.kind.name(),
            self.dump()
        );
        self
    }

    /// Asserts the segment's whole text, whatever its colours.
    #[track_caller]
    pub fn expect_text(&mut self, text: &str) -> &mut Self {
        let segment = self.segment();
        let kind = self.kind.name();
        assert!(segment.text == text, "{kind}: the segment is not {text:?}: {segment:?}\n{}", self.dump());
        self
    }

    /// Asserts that the segment is the badge `PROD` in white on red, with any name behind it.
    #[track_caller]
    pub fn expect_production(&mut self) -> &mut Self {
        let segment = self.segment();
        let red = segment.text.starts_with(" PROD ") && segment.look == Some(WHITE_ON_RED);
        assert!(red, "{}: the prompt is not red: {segment:?}\n{}", self.kind.name(), self.dump());
        self
    }

    /// Asserts that the segment holds this text, in whatever looks.
    #[track_caller]
    pub fn expect_shown(&mut self, text: &str) -> &mut Self {
        let segment = self.segment();
        let kind = self.kind.name();
        assert!(segment.text.contains(text), "{kind}: no {text:?} in {segment:?}\n{}", self.dump());
        self
    }

    /// Asserts that nothing stands in front of the user's own prompt.
    #[track_caller]
    pub fn expect_clear(&mut self) -> &mut Self {
        let segment = self.segment();
        let clear = segment.text.is_empty() && segment.column == 0;
        assert!(clear, "{}: the prompt is not clear: {segment:?}\n{}", self.kind.name(), self.dump());
        self
    }

    /// Asserts that the shell knows how wide its prompt is: a line longer than the screen fills the first row to its
    /// last column and goes on in the first column of the next, Ctrl-A puts the cursor right behind the prompt, and
    /// Ctrl-E puts it back. Leaves an empty line.
    #[track_caller]
    pub fn expect_right_width(&mut self) -> &mut Self {
        let (columns, mark) = {
            let state = self.state();
            (state.terminal.screen().size().1, state.terminal.screen().cursor_position())
        };
        let (row, column) = mark;
        let text: String = ('a'..='z').cycle().take(usize::from(columns - column) + 7).collect();
        self.type_in(&text);
        let scrolled = self.state().terminal.screen().cursor_position().0 == row;
        let first = if scrolled { row - 1 } else { row };
        let at = |want: (u16, u16)| move |t: &Terminal| t.screen().cursor_position() == want;
        self.wait_for("the wrapped line's end", at((first + 1, 7)));
        self.send("\x01").wait_for("the cursor behind the prompt", at((first, column)));
        self.send("\x05").wait_for("the cursor at the line's end", at((first + 1, 7)));
        self.send("\x15").wait_for("an empty line", |t| t.typed().as_deref() == Some(""));
        self
    }

    /// What the shell and its children start while `during` runs. `during` must end at a prompt.
    pub fn calls(&mut self, during: impl FnOnce(&mut Shell)) -> Calls {
        let trace = self.trace.clone().expect("the shell runs under strace");
        let from = strace::length(&trace);
        during(self);
        strace::since(&trace, from)
    }

    /// What is started by pressing Enter `times` times on an empty line.
    pub fn calls_of_empty_lines(&mut self, times: usize) -> Calls {
        self.calls(|shell| {
            for _ in 0..times {
                shell.enter();
            }
        })
    }

    /// Presses Enter until a prompt asks redtab nothing. A file written this moment is looked at again until its time
    /// tells one write from the next, 20 ms later, however many prompts fit into that; none asks for long.
    #[track_caller]
    pub fn settle(&mut self) -> &mut Self {
        let end = Instant::now() + Duration::from_secs(3);
        while self.calls_of_empty_lines(1).execs.iter().any(|call| call.contains("\"hook\", \"prompt\"")) {
            assert!(Instant::now() < end, "{}: every prompt asks\n{}", self.kind.name(), self.dump());
        }
        self
    }

    /// Types a line, more and more patiently, until one has run whole: every Ctrl-C before it has been taken by then.
    /// Interrupted while it draws, a shell may show no prompt until the next Enter, and what is typed too early is thrown
    /// away.
    #[track_caller]
    pub fn takes_lines_again(&mut self) -> &mut Self {
        let end = Instant::now() + self.patience;
        let mut patience = Duration::from_millis(300);
        for attempt in 1.. {
            // Not as it is typed, and nothing that an earlier attempt prints.
            let drawn = self.prompts_drawn();
            let sign = format!("again-{drawn}-{attempt}\r\n");
            self.send(&format!("\x15printf '%s-%s-%s\\n' again {drawn} {attempt}\r"));
            let next = Instant::now() + patience;
            while Instant::now() < next {
                if self.raw().windows(sign.len()).any(|part| part == sign.as_bytes()) {
                    return self.prompt();
                }
                std::thread::sleep(Duration::from_millis(5)); // a poll
            }
            assert!(next < end, "{}: no line runs\n{}", self.kind.name(), self.dump());
            patience *= 2;
        }
        unreachable!()
    }

    /// Leaves the shell by `exit` and waits until its terminal is closed.
    pub fn exit(&mut self) {
        self.send("exit\r");
        let end = Instant::now() + self.patience;
        let mut state = self.state();
        while !state.closed && Instant::now() < end {
            state = self.tty.changed.wait_timeout(state, end - Instant::now()).unwrap().0;
        }
        let (closed, dump) = (state.closed, state.terminal.dump());
        drop(state);
        assert!(closed, "{}: exit did not end it\n{dump}", self.kind.name());
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if let Some(session) = self.child.process_id() {
            end_all(|pid| stat(pid).is_some_and(|stat| stat.session == session));
        }
        let _ = self.child.wait();
    }
}
