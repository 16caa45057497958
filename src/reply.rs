//! What `redtab hook prompt` prints: the segment, and one unrolled expression by which the shell tells without a
//! fork whether any input changed. docs/protocol.md fixes it. Printable ASCII only; foreign bytes go through
//! `escape`, and nothing but an identifier is ever printed as a variable's name.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::escape::{self, Quoting};
use crate::shell::Shell;
use crate::world::Seen;

/// The protocol's version. A hook of another version shows `redtab ?` and asks again.
pub const PROTOCOL: u32 = 1;

/// How one watched file is told to be unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watch {
    /// It was not there, and still is not.
    Absent(PathBuf),
    /// A link that led to nothing, and still does.
    Dangling(PathBuf),
    /// Something was there, and still is: a directory of which only its files matter, or a process by its directory in
    /// `/proc`, which still lives.
    Living(PathBuf),
    /// Its time still equals the stamp's; where a symlink led to it, it still leads to `real`; it can be read, or
    /// not, as before.
    Stamped { path: PathBuf, stamp: PathBuf, real: Option<PathBuf>, readable: bool },
}

impl Watch {
    /// What is watched.
    pub fn path(&self) -> PathBuf {
        match self {
            Watch::Absent(path) | Watch::Dangling(path) | Watch::Living(path) => path.clone(),
            Watch::Stamped { path, .. } => path.clone(),
        }
    }
}

/// The segment as the shell will show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Its text without spaces around it; empty when nothing is to be shown.
    pub text: String,
    /// Its colours as SGR numbers (`97;41`); empty for no colour.
    pub style: String,
}

/// Where the segment goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// In front of the user's own prompt.
    #[default]
    Front,
    /// The same; and a variable that another shell left goes.
    FrontAlone,
    /// Into [`BADGE`].
    Variable,
}

/// The variable from which other prompts take the segment.
pub const BADGE: &str = "REDTAB_BADGE";

/// What it holds in bash: other prompts are drawn before the hook has looked, which then puts the segment in its place.
const SLOT: &str = "<redtab>";

/// What stands between two values in bash. Of texts that hold it as often, and nowhere else, equal ones are equal value by
/// value.
pub const BAR: char = '|';

/// Everything a reply says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    pub segment: Segment,
    /// Where the segment goes.
    pub place: Place,
    /// The tab's verdict is unsure or production.
    pub hot: bool,
    /// Ask again at every prompt: something can't be watched, or the configuration is broken.
    pub always: bool,
    /// A regular expression: lines that the guard must see though the tab is clear.
    pub ask: String,
    /// Words that concern the guard, with spaces around each, where they are not part of `ask`.
    pub names: &'static str,
    /// What the prompt says, handed back to the guard with each line ([`crate::guard::drift`]); lines end in newlines.
    pub shown: String,
    /// One line for the person.
    pub say: Option<String>,
    /// What is printed to the terminal at every prompt, and when the shell ends.
    pub paint: Vec<u8>,
    pub restore: Vec<u8>,
    /// What stands in front of the user's own title.
    pub title: String,
    /// The note that says how the tab is painted.
    pub note: Option<PathBuf>,
    /// The terminal's profile, which the hook hands back.
    pub terminal: &'static str,
    /// The tab is a pane of tmux that carries marks: the binary takes them away when the shell ends.
    pub marked: bool,
    /// Whether this shell shows by `\\j` how many jobs it has: bash from 4.4 on.
    pub counts_jobs: bool,
    /// Exported variables whose values are compared. Names that are no identifiers are left out: no shell can
    /// change them.
    pub variables: Vec<String>,
    /// Whether a value among them may hold [`BAR`].
    pub barred: bool,
    pub files: Vec<Watch>,
    /// Where bash lists its exported names, and fish what its builtins print.
    pub scratch: Option<PathBuf>,
    /// Whether that place is in memory, never on disk: a line may go through it, and all that fish prints.
    pub in_memory: bool,
    /// Whether this bash reads the list by `mapfile -d` (taken from 5.2 on, where it was proved), else by `read`.
    pub reads_files: bool,
}

/// How to watch a file, or `None` where no shell can. `stamp` makes a stamp of a time, or `None` where it can't.
pub fn watch(
    path: &Path,
    seen: &Seen,
    stamp: impl Fn(crate::world::Mtime) -> Option<PathBuf>,
) -> Option<Watch> {
    match seen {
        Seen::Absent => Some(Watch::Absent(path.to_path_buf())),
        Seen::Dangling => Some(Watch::Dangling(path.to_path_buf())),
        Seen::There => Some(Watch::Living(path.to_path_buf())),
        Seen::Unwatchable => None,
        Seen::Present { mtime, real, readable, settled } => {
            let stamp = stamp(if *settled { *mtime } else { mtime.just_before() })?;
            Some(Watch::Stamped { path: path.to_path_buf(), stamp, real: real.clone(), readable: *readable })
        }
    }
}

impl Reply {
    /// The reply's text for `shell`, from the first mark to the end mark.
    pub fn text(&self, shell: Shell) -> String {
        let body = match shell {
            Shell::Bash => self.bash(),
            Shell::Zsh => self.zsh(),
            Shell::Fish => self.fish(),
        };
        format!("redtab {PROTOCOL}\n{body}redtab end\n")
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(String::as_str).filter(|name| escape::is_identifier(name))
    }

    /// The assignments that every shell gets, one a line, in the order of docs/protocol.md.
    fn values(&self, shell: Shell, segment: &str) -> String {
        let word = |text: &str| escape::shell_word(shell.quoting(), text.as_bytes());
        let bytes = |bytes: &[u8]| match bytes {
            [] => String::new(),
            bytes => escape::shell_word(shell.quoting(), bytes),
        };
        let flag = |on: bool| if on { "1" } else { "" };
        let optional = |text: &str| if text.is_empty() { String::new() } else { word(text) };
        // zsh and fish draw other prompts after the hook: the variable holds the segment itself.
        let front = shell == Shell::Bash || self.place != Place::Variable;
        let rows = [
            ("text", if front { optional(&self.segment.text) } else { String::new() }),
            (
                if shell == Shell::Bash { "ps1" } else { "segment" },
                if front { optional(segment) } else { String::new() },
            ),
            ("style", self.segment.style.clone()),
            ("hot", flag(self.hot).into()),
            ("always", flag(self.always).into()),
            ("ask", optional(&self.ask)),
            ("names", optional(self.names)),
            ("shown", optional(&self.shown)),
            ("say", optional(self.say.as_deref().unwrap_or_default())),
            ("paint", bytes(&self.paint)),
            ("restore", bytes(&self.restore)),
            ("title", optional(&self.title)),
            ("note", bytes(self.note.as_deref().map(|path| path.as_os_str().as_bytes()).unwrap_or_default())),
            ("terminal", optional(self.terminal)),
            ("marked", flag(self.marked).into()),
        ];
        let mut out = String::new();
        for (name, value) in rows {
            let _ = match shell {
                Shell::Fish if value.is_empty() => writeln!(out, "set -g __redtab_{name}"),
                Shell::Fish => writeln!(out, "set -g __redtab_{name} {}", fish_style(&value)),
                // Never a list in parentheses: bash's parser does not survive a Ctrl-C in one.
                Shell::Bash => writeln!(out, "__redtab_{name}[0]={}", quote_style(&value)),
                Shell::Zsh => writeln!(out, "__redtab_{name}=({})", quote_style(&value)),
            };
        }
        out + &self.badge(shell)
    }

    /// The line that sets the variable for other prompts, or takes it away; nothing where it never was.
    fn badge(&self, shell: Shell) -> String {
        let value = match (self.place, shell) {
            (Place::Front, _) => return String::new(),
            (Place::FrontAlone, _) => String::new(),
            (Place::Variable, Shell::Bash) => SLOT.to_string(),
            (Place::Variable, _) => painted(&self.segment, "", ""),
        };
        let word = escape::shell_word(shell.quoting(), value.as_bytes());
        match (shell, value.is_empty()) {
            (Shell::Bash, true) => format!("\\builtin unset -v {BADGE}\n"),
            (Shell::Bash, false) => format!("\\builtin export {BADGE}={word}\n"),
            (Shell::Zsh, true) => format!("builtin unset {BADGE}\n"),
            (Shell::Zsh, false) => format!("builtin export {BADGE}={word}\n"),
            (Shell::Fish, true) => format!("set -e {BADGE}\n"),
            (Shell::Fish, false) => format!("set -gx {BADGE} {word}\n"),
        }
    }

    fn bash(&self) -> String {
        let segment = painted(&self.segment, "\x01", "\x02");
        let mut out = self.values(Shell::Bash, &segment);
        let scratch = self.scratch.as_deref().map(|path| path_word(Quoting::Bash, path)).unwrap_or_default();
        let _ = writeln!(out, "__redtab_memory[0]={}", if self.in_memory { scratch.as_str() } else { "" });
        if scratch.is_empty() {
            out.push_str("__redtab_list() { return 1; }\n");
        } else {
            // Written over, never truncated: truncating costs ten times more on ext4. What an older, longer list
            // left behind the final dot is cut off.
            out.push_str("__redtab_list() {\n");
            let _ = writeln!(
                out,
                "  {{ \\builtin compgen -e; \\builtin echo .; \\builtin trap -p INT; \\builtin echo .; }} 1<>{scratch} || return 1"
            );
            // Up to the dot the names; behind it the trap of SIGINT: while one stands, no line can be dropped. Cutting one
            // text in two by patterns would take a millisecond.
            let (names, rest) = if self.reads_files {
                ("\\builtin mapfile -n 1 -t -d . __redtab_now", "\\builtin mapfile -t -d '' __redtab_trap")
            } else {
                (
                    "IFS= \\builtin read -r -d . '__redtab_now[0]'",
                    "IFS= \\builtin read -r -d '' '__redtab_trap[0]' || :",
                )
            };
            let _ = writeln!(out, "  {{ {names}; {rest}; }} <{scratch}");
            out.push_str("} 2>/dev/null\n");
        }
        // One text of all inputs: the names end in a newline, the directory stands behind its length, and between the
        // values a byte that none of them holds now (where one does, each stands behind its length, which takes a third
        // longer), so that nothing can pass for anything else. One comparison of it costs a third of three.
        let mut inputs = String::from("${__redtab_now[0]}${#PWD}:$PWD");
        if self.counts_jobs {
            inputs.push_str("${__redtab_j[0]@P}:");
        }
        for name in self.names() {
            let _ = if self.barred {
                write!(inputs, "${{#{name}}}:${{{name}-}}")
            } else if self.counts_jobs {
                // `set -u` is off wherever this is evaluated.
                write!(inputs, "{BAR}${name}")
            } else {
                write!(inputs, "{BAR}${{{name}-}}")
            };
        }
        let _ = writeln!(out, "__redtab_look() {{\n  __redtab_list && __redtab_now[0]=\"{inputs}\"\n}}");
        // `test`, not `[[`: nocasematch must not make two values one.
        let _ = write!(
            out,
            "__redtab_same() {{\n  __redtab_list &&\n  \\builtin test \"{inputs}\" = \"${{__redtab_seen[0]}}\""
        );
        let files = self.file_tests(Quoting::Bash);
        if !files.is_empty() {
            let _ = write!(out, " &&\n  [[ {} ]]", files.join(" && "));
        }
        out.push_str("\n}\n");
        out
    }

    fn zsh(&self) -> String {
        let mut out = self.values(Shell::Zsh, "");
        // One array each: an element of a long one takes three times as long to get at.
        // Not sorted: what comes in another order is looked at once more, and sorting has its price at every prompt.
        // Nothing else is ever exported, and a pattern that begins with `*` takes a third longer.
        let names = r#""${(k)parameters[(R)(scalar|integer|float)*-export*]}""#;
        let inputs = self.names().map(|name| format!("\"${{{name}-}}\""));
        let inputs: Vec<String> =
            [names.into(), "\"$PWD\"".into(), "\"$jobstates\"".into()].into_iter().chain(inputs).collect();
        out.push_str("__redtab_look() {\n");
        for (i, input) in inputs.iter().enumerate() {
            let _ = writeln!(out, "  __redtab_was_{i}=({input})");
        }
        let mut tests: Vec<String> =
            inputs.iter().enumerate().map(|(i, input)| format!("{input} == \"$__redtab_was_{i}\"")).collect();
        tests.extend(self.file_tests(Quoting::Zsh));
        let _ = write!(out, "}}\n__redtab_same() {{\n  [[ {} ]]\n}}\n", tests.join(" && "));
        out
    }

    /// The conditions on files, for inside `[[ … ]]`.
    fn file_tests(&self, quoting: Quoting) -> Vec<String> {
        let mut tests = Vec::new();
        for file in &self.files {
            match file {
                Watch::Absent(path) => {
                    // A link that leads to itself is not there for -e.
                    let path = path_word(quoting, path);
                    tests.push(format!("! -e {path} && ! -L {path}"));
                }
                Watch::Dangling(path) => {
                    let path = path_word(quoting, path);
                    tests.push(format!("! -e {path} && -L {path}"));
                }
                Watch::Living(path) => tests.push(format!("-e {}", path_word(quoting, path))),
                Watch::Stamped { path, stamp, real, readable } => {
                    let (path, stamp) = (path_word(quoting, path), path_word(quoting, stamp));
                    if quoting == Quoting::Zsh {
                        // zsh says "neither newer nor older" when either is missing.
                        tests.push(format!("-e {stamp}"));
                    }
                    tests.push(format!("! {path} -nt {stamp} && ! {path} -ot {stamp}"));
                    if let Some(real) = real {
                        tests.push(format!("{path} -ef {}", path_word(quoting, real)));
                    }
                    // Once gone, an unreadable file would still be unreadable.
                    tests.push(if *readable {
                        format!("-r {path}")
                    } else {
                        format!("-e {path} && ! -r {path}")
                    });
                }
            }
        }
        tests
    }

    fn fish(&self) -> String {
        let segment = painted(&self.segment, "", "");
        let mut out = self.values(Shell::Fish, &segment);
        let memory = self.scratch.as_deref().filter(|_| self.in_memory);
        let _ = match memory {
            Some(path) => writeln!(out, "set -g __redtab_memory {}", path_word(Quoting::Fish, path)),
            None => writeln!(out, "set -g __redtab_memory"),
        };
        // A pipe into `read` costs half of a command substitution, a file in memory half of a pipe; none of them forks.
        // What a job is about, the binary finds out; that there is another one must show.
        let pipe = "builtin set -nx | builtin read -z names";
        let names = match memory {
            Some(_) => format!(
                "    if builtin set -q __redtab_file[1]\n        builtin set -nx >$__redtab_memory\n        builtin read -z names <$__redtab_memory\n    else\n        {pipe}\n    end\n"
            ),
            None => format!("    {pipe}\n"),
        };
        let lists = format!(
            "    set -l names\n{names}    builtin jobs -q; and builtin jobs -p | builtin read -lz jobs\n"
        );
        let _ = write!(out, "function __redtab_look\n{lists}");
        // One text of all inputs, between them a byte that no such value holds: one comparison costs a third of forty.
        // Unexported, whatever it was before.
        let inputs: Vec<String> = ["names", "PWD", "jobs"]
            .into_iter()
            .chain(self.names())
            .map(|name| format!("\"${name}\""))
            .collect();
        let inputs = inputs.join("\\x1f");
        let _ = writeln!(out, "    set -gu __redtab_seen {inputs}");
        let _ = write!(out, "end\nfunction __redtab_same\n{lists}");
        // One call of `test`: each has its price.
        let mut tests: Vec<String> = vec![format!("x{inputs} = \"x$__redtab_seen\"")];
        tests.extend(self.files.iter().map(fish_test));
        let _ = writeln!(out, "    builtin test {}", tests.join(" -a "));
        out.push_str("end\n");
        out
    }
}

fn fish_test(file: &Watch) -> String {
    match file {
        Watch::Absent(path) => {
            let path = path_word(Quoting::Fish, path);
            format!("! -e {path} -a ! -L {path}")
        }
        Watch::Dangling(path) => {
            let path = path_word(Quoting::Fish, path);
            format!("! -e {path} -a -L {path}")
        }
        Watch::Living(path) => format!("-e {}", path_word(Quoting::Fish, path)),
        Watch::Stamped { path, stamp, real, readable } => {
            let (path, stamp) = (path_word(Quoting::Fish, path), path_word(Quoting::Fish, stamp));
            let mut test = format!("! {path} -nt {stamp} -a ! {path} -ot {stamp}");
            if let Some(real) = real {
                let _ = write!(test, " -a {path} -ef {}", path_word(Quoting::Fish, real));
            }
            let _ = write!(test, " -a {}-r {path}", if *readable { "" } else { "! " });
            test
        }
    }
}

/// The segment with its colours; `open` and `close` stand around what takes no column (readline's \001 and \002).
fn painted(segment: &Segment, open: &str, close: &str) -> String {
    let Segment { text, style } = segment;
    match (text.is_empty(), style.is_empty()) {
        (true, _) => String::new(),
        (false, true) => format!("[{text}] "),
        (false, false) => format!("{open}\x1b[{style}m{close} {text} {open}\x1b[0m{close} "),
    }
}

fn path_word(quoting: Quoting, path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    // zsh reads `$'…'` anew each time it meets it; what needs no escape stands between plain quotes.
    match std::str::from_utf8(bytes) {
        Ok(text) if quoting == Quoting::Zsh && text.chars().all(is_plain) => format!("'{text}'"),
        _ => escape::shell_word(quoting, bytes),
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | ',' | ':' | '@' | '=' | '%' | ' ')
}

/// SGR numbers hold a `;`, which ends a command unless it is quoted; every other value is a word already.
fn quote_style(value: &str) -> String {
    if value.starts_with('$') || value.is_empty() { value.to_string() } else { format!("'{value}'") }
}

fn fish_style(value: &str) -> String {
    if value.starts_with(['\'', '\\']) { value.to_string() } else { format!("'{value}'") }
}
