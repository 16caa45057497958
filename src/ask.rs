//! Questions on the terminal: one line or one key, typed after the question was shown. It refuses type-ahead and
//! pastes of several lines, waits no longer than it is told to, and leaves the terminal's modes as they were, however
//! it ends: keys that would be signals are read as bytes, signals from outside end the question, and a keeper (a
//! process that only waits) puts the modes back where this one is killed.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::termios::{
    self, InputModes, LocalModes, OptionalActions, OutputModes, QueueSelector, SpecialCodeIndex, Termios,
};

use crate::cli::Exit;
use crate::world::World;

/// Input that goes on arriving is a paste or type-ahead, for at most this long.
const DRAIN: Duration = Duration::from_secs(2);

/// An answer is never longer.
const LONGEST: usize = 64;

/// What a person answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What was typed before Enter, or the one key.
    Given(String),
    /// Ctrl-C, Ctrl-D, Ctrl-Z, Ctrl-\ or a signal.
    Left,
    /// Nothing in time.
    TimedOut,
    /// More than one line came at once: nobody typed that.
    Pasted,
    /// There is no terminal to ask on, or it went away.
    NoTerminal,
}

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    Enter,
    OneKey,
}

/// This process's terminal.
pub struct Tty {
    file: File,
}

impl Tty {
    /// Opens `/dev/tty`; `None` where there is none.
    pub fn open() -> Option<Tty> {
        File::options().read(true).write(true).open("/dev/tty").ok().map(|file| Tty { file })
    }

    /// Writes text; every newline goes to the first column, whatever the modes. A terminal that can't be written to
    /// is no failure: nothing can be said there.
    pub fn say(&self, text: &str) {
        let usual = OutputModes::OPOST | OutputModes::ONLCR;
        let cooked = termios::tcgetattr(&self.file).is_ok_and(|modes| modes.output_modes.contains(usual));
        let text = if cooked { text.to_string() } else { text.replace('\n', "\r\n") };
        let _ = (&self.file).write_all(text.as_bytes());
    }

    /// Throws away what was typed and not read yet.
    pub fn forget_typed(&self) {
        let _ = termios::tcflush(&self.file, QueueSelector::IFlush);
    }

    /// Shows `text`, then `question` on the same screen line as the answer, and reads the answer.
    ///
    /// Only what is typed after the question counts.
    pub fn ask(&self, text: &str, question: &str, until: Until, timeout: Duration) -> Answer {
        let Some(before) =
            World::is_in_front(&self.file).then(|| termios::tcgetattr(&self.file).ok()).flatten()
        else {
            self.say(text);
            return Answer::NoTerminal;
        };
        let keeper = Keeper::start();
        World::catch_endings();
        let answer = match termios::tcsetattr(&self.file, OptionalActions::Now, &asking(&before)) {
            Ok(()) => {
                self.say(text);
                self.drain();
                self.say(question);
                self.read(until, timeout)
            }
            Err(_) => Answer::NoTerminal,
        };
        if answer == Answer::Pasted {
            self.drain();
        }
        self.say("\n");
        let _ = termios::tcsetattr(&self.file, OptionalActions::Now, &before);
        World::release_endings();
        if let Some(keeper) = keeper {
            keeper.dismiss();
        }
        answer
    }

    /// Throws input away until none came for a moment.
    fn drain(&self) {
        let end = Instant::now() + DRAIN;
        loop {
            self.forget_typed();
            if Instant::now() >= end || !matches!(self.byte(), Read1::Byte(_)) {
                return;
            }
        }
    }

    fn read(&self, until: Until, timeout: Duration) -> Answer {
        let end = Instant::now() + timeout;
        let mut line = Line::default();
        let mut empty_handed = 0;
        loop {
            if World::ending_caught() {
                return Answer::Left;
            }
            let asked = Instant::now();
            match self.byte() {
                Read1::Byte(byte) => {
                    let step = line.take(byte, until);
                    match step {
                        Step::Show(shown) => self.say(&shown),
                        Step::Answer(answer @ Answer::Given(_)) if until == Until::Enter => {
                            // Nobody types on within a tenth of a second after Enter.
                            let more = matches!(self.byte(), Read1::Byte(_));
                            return if more { Answer::Pasted } else { answer };
                        }
                        Step::Answer(answer) => return answer,
                    }
                }
                Read1::Nothing => {
                    // A terminal that hung up has nothing at once, again and again.
                    empty_handed =
                        if asked.elapsed() < Duration::from_millis(20) { empty_handed + 1 } else { 0 };
                    if empty_handed > 10 {
                        return Answer::NoTerminal;
                    }
                }
                Read1::Gone => return Answer::NoTerminal,
            }
            if Instant::now() >= end {
                return Answer::TimedOut;
            }
        }
    }

    /// One byte, waiting a tenth of a second at most: the modes say so.
    fn byte(&self) -> Read1 {
        let mut byte = [0];
        match (&self.file).read(&mut byte) {
            Ok(0) => Read1::Nothing,
            Ok(_) => Read1::Byte(byte[0]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Read1::Nothing,
            Err(_) => Read1::Gone,
        }
    }
}

enum Read1 {
    Byte(u8),
    Nothing,
    Gone,
}

/// The modes of a question: bytes as they are typed, none of them a signal, output as usual.
fn asking(before: &Termios) -> Termios {
    let mut modes = before.clone();
    modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN);
    modes.input_modes.remove(InputModes::IXON | InputModes::INLCR | InputModes::IGNCR | InputModes::ICRNL);
    modes.output_modes.insert(OutputModes::OPOST | OutputModes::ONLCR);
    modes.special_codes[SpecialCodeIndex::VMIN] = 0;
    modes.special_codes[SpecialCodeIndex::VTIME] = 1;
    modes
}

// --- the line that is typed ---

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Show(String),
    Answer(Answer),
}

/// What was typed so far.
#[derive(Debug, Default)]
struct Line {
    text: String,
    /// The bytes of an escape sequence that has not ended.
    escape: Vec<u8>,
    /// Between the marks of a bracketed paste.
    pasting: bool,
}

impl Line {
    fn take(&mut self, byte: u8, until: Until) -> Step {
        if !self.escape.is_empty() && byte != 0x03 {
            self.in_escape(byte);
            return Step::Show(String::new());
        }
        match byte {
            b'\r' | b'\n' if self.pasting => Step::Answer(Answer::Pasted),
            b'\r' | b'\n' => Step::Answer(Answer::Given(self.text.trim().to_string())),
            0x03 | 0x04 | 0x1a | 0x1c => Step::Answer(Answer::Left),
            0x1b => {
                self.escape.push(byte);
                Step::Show(String::new())
            }
            0x08 | 0x7f => {
                Step::Show(if self.text.pop().is_some() { "\x08 \x08".into() } else { String::new() })
            }
            0x15 | 0x17 => {
                let erase = "\x08 \x08".repeat(self.text.len());
                self.text.clear();
                Step::Show(erase)
            }
            b' '..=b'~' if until == Until::OneKey => {
                Step::Answer(Answer::Given(char::from(byte).to_string()))
            }
            // Whatever can't be part of a right answer stands as a mark that makes it a wrong one.
            _ if self.text.len() < LONGEST => {
                let shown = if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '?' };
                self.text.push(shown);
                Step::Show(shown.to_string())
            }
            _ => Step::Show(String::new()),
        }
    }

    /// Arrow keys, function keys and paste marks are no text.
    fn in_escape(&mut self, byte: u8) {
        self.escape.push(byte);
        let ended = match self.escape.as_slice() {
            [_, b'[' | b'O'] => false,
            [_, b'[', ..] => (0x40..=0x7e).contains(&byte) || self.escape.len() > 16,
            _ => true,
        };
        if ended {
            match self.escape.as_slice() {
                b"\x1b[200~" => self.pasting = true,
                b"\x1b[201~" => self.pasting = false,
                _ => {}
            }
            self.escape.clear();
        }
    }
}

// --- the keeper ---

/// The process that puts the terminal's modes back if this one is killed while its question is open.
struct Keeper {
    child: Child,
}

impl Keeper {
    /// Starts it and waits until it has seen the modes. `None` where that can't be done: the question is asked all
    /// the same.
    fn start() -> Option<Keeper> {
        use std::os::unix::process::CommandExt;
        // It inherits stdout: a shell that reads ours goes on only when the modes are back.
        let mut child = Command::new(std::env::current_exe().ok()?)
            .arg("keep-modes")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .ok()?;
        let mut ready = [0];
        let seen = child.stderr.take()?.read_exact(&mut ready).is_ok();
        let keeper = Keeper { child };
        if seen {
            return Some(keeper);
        }
        keeper.dismiss();
        None
    }

    /// Tells it that it was not needed.
    fn dismiss(mut self) {
        if let Some(mut stdin) = self.child.stdin.take() {
            let _ = stdin.write_all(b".");
        }
        let _ = self.child.wait();
    }
}

/// What the keeper does: it notes the modes, says so by a byte on stderr, and waits for the end of its stdin. When
/// that comes without a byte, whoever asked was killed, and the modes go back.
pub fn keep_modes() -> Exit {
    World::ignore_terminal_signals();
    let Some(tty) = Tty::open() else { return Exit::Error };
    let Ok(before) = termios::tcgetattr(&tty.file) else { return Exit::Error };
    if std::io::stderr().write_all(b".").is_err() {
        return Exit::Error;
    }
    let mut byte = [0];
    if !matches!(std::io::stdin().read(&mut byte), Ok(1)) {
        tty.say("\n        It was not run.\n");
        let _ = termios::tcsetattr(&tty.file, OptionalActions::Now, &before);
    }
    Exit::Yes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8], until: Until) -> Option<Answer> {
        let mut line = Line::default();
        bytes.iter().find_map(|byte| match line.take(*byte, until) {
            Step::Answer(answer) => Some(answer),
            Step::Show(_) => None,
        })
    }

    #[test]
    fn keys_make_an_answer() {
        let given = |text: &str| Some(Answer::Given(text.to_string()));
        for (bytes, answer) in [
            (&b"prod-eu\r"[..], given("prod-eu")),
            (b"prod-eu\n", given("prod-eu")),
            (b" prod-eu \r", given("prod-eu")),
            (b"prox\x7fd\r", given("prod")),
            (b"\x7f\x7fprod\r", given("prod")),
            (b"nonsense\x15prod\r", given("prod")),
            (b"pr\x1b[Aod\x1bOP\x1bx\r", given("prod")),
            (b"\r", given("")),
            (b"prod", None),
            (b"pro\x03", Some(Answer::Left)),
            (b"\x1b[\x03", Some(Answer::Left)),
            (b"prod\x04", Some(Answer::Left)),
            (b"\x1a", Some(Answer::Left)),
            (b"\x1c", Some(Answer::Left)),
            (b"\x1b[200~prod-eu\x1b[201~\r", given("prod-eu")),
            (b"\x1b[200~prod-eu\rls\x1b[201~\r", Some(Answer::Pasted)),
            ("pród\r".as_bytes(), given("pr??d")),
            (b"prod\x00\r", given("prod?")),
        ] {
            assert_eq!(typed(bytes, Until::Enter), answer, "{:?}", String::from_utf8_lossy(bytes));
        }
        let long = [b"x".repeat(1000), b"\r".to_vec()].concat();
        assert_eq!(typed(&long, Until::Enter), given(&"x".repeat(LONGEST)));
    }

    #[test]
    fn one_key_is_enough_where_one_is_asked_for() {
        for (bytes, answer) in [
            (&b"l"[..], Some(Answer::Given("l".into()))),
            (b"\x1b[Bp", Some(Answer::Given("p".into()))),
            (b"\r", Some(Answer::Given(String::new()))),
            (b"\x03", Some(Answer::Left)),
        ] {
            assert_eq!(typed(bytes, Until::OneKey), answer, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_typed_is_shown_and_can_be_erased() {
        let mut line = Line::default();
        let shown: Vec<Step> = b"a\x7f\x7fbc\x15".iter().map(|b| line.take(*b, Until::Enter)).collect();
        let show = |text: &str| Step::Show(text.to_string());
        assert_eq!(
            shown,
            [show("a"), show("\x08 \x08"), show(""), show("b"), show("c"), show("\x08 \x08\x08 \x08")]
        );
    }
}
