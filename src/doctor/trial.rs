//! Starts a shell as its user does, with his rc files, on a terminal of its own and in a throwaway directory that is
//! production, and tries what the hook promises. It writes nothing outside of that directory: not into the shell's
//! history, not into redtab's run and state directories, not into the terminal it was started from.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::pty::Terminal;
use crate::shell::Shell;
use crate::world::World;

/// How long a shell may take to its first prompt.
const START: Duration = Duration::from_secs(15);
/// How long one line may take.
const LINE: Duration = Duration::from_secs(8);
/// A shell that said nothing for this long waits for keys.
const QUIET: Duration = Duration::from_millis(120);

/// What is tried, in this order; the texts name what failed.
pub const CHECKS: [&str; 6] = [
    "the prompt shows the verdict",
    "a local-only script is stopped",
    "the stopped line is kept",
    "the next line runs",
    "a script in a pipeline, behind a leading space, is stopped",
    "a pasted block is stopped",
];

/// How a trial went.
#[derive(Debug, Default)]
pub struct Trial {
    /// What the shell said about itself once its prompt was there; empty when it never came to a prompt.
    pub facts: HashMap<String, String>,
    /// Whether each of [`CHECKS`] held; empty when the hook was not there to try.
    pub held: Vec<bool>,
    /// The shell was gone before a prompt came.
    pub ended: bool,
    /// The last of what it wrote, for a shell that never came to a prompt.
    pub last_words: String,
}

impl Trial {
    /// A fact by name; empty when it was not told.
    pub fn fact(&self, name: &str) -> &str {
        self.facts.get(name).map_or("", String::as_str)
    }

    /// Whether redtab's hook was evaluated in this shell.
    pub fn is_hooked(&self) -> bool {
        !self.fact("bin").is_empty()
    }

    /// How many checks held.
    pub fn passed(&self) -> usize {
        self.held.iter().filter(|held| **held).count()
    }

    /// The checks that did not hold.
    pub fn failed(&self) -> impl Iterator<Item = &'static str> {
        CHECKS.iter().zip(&self.held).filter(|(_, held)| !**held).map(|(check, _)| *check)
    }
}

/// Tries `shell`, whose program is `program`. `None` where no throwaway directory or no terminal can be made.
pub fn run(world: &World, shell: Shell, program: &Path) -> Option<Trial> {
    let place = Place::make(world, shell)?;
    let vars = environment(world, shell, &place);
    let rc = place.path.join("rc");
    let mut argv: Vec<&OsStr> = vec![program.as_os_str()];
    if shell == Shell::Bash {
        argv.extend([OsStr::new("--rcfile"), rc.as_os_str()]);
    }
    argv.push(OsStr::new("-i"));
    let terminal = Terminal::start(&argv, &vars, &place.path).ok()?;
    let mut driver = Driver { terminal, place: &place, shell };
    let mut trial = Trial::default();
    if !driver.source("enter", START) || !driver.source("look", LINE) {
        trial.ended = driver.terminal.has_ended();
        trial.last_words = last_words(driver.terminal.seen());
        return Some(trial);
    }
    trial.facts = facts(&place.read("look.out"));
    if trial.is_hooked() {
        trial.held = driver.checks(trial.fact("text"));
    }
    Some(trial)
}

struct Driver<'p> {
    terminal: Terminal,
    place: &'p Place,
    shell: Shell,
}

impl Driver<'_> {
    /// Has the shell read one of our files, and waits until it did.
    fn source(&mut self, name: &str, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let out = format!("{name}.out");
        let _ = std::fs::remove_file(self.place.path.join(&out));
        // What is typed while a shell starts may be thrown away by what it starts.
        while Instant::now() < deadline && !self.terminal.has_ended() {
            self.terminal.send(&format!("source {}\r", self.place.path.join(name).display()));
            let again = deadline.min(Instant::now() + patience / 3);
            if self.terminal.wait(again, |_| self.place.read(&out).ends_with(END)) {
                self.terminal.settle(QUIET, deadline);
                return true;
            }
        }
        false
    }

    /// Types a line that must be stopped; true when it was, as a local-only script.
    fn is_stopped(&mut self, keys: &str, trace: &str) -> bool {
        self.terminal.forget();
        self.terminal.send(keys);
        let ran = || self.place.path.join(trace).exists();
        let deadline = Instant::now() + LINE;
        let said = self.terminal.wait(deadline, |seen| ran() || holds(seen, "was not run"));
        self.terminal.settle(QUIET, deadline);
        said && !ran() && holds(self.terminal.seen(), "local-only")
    }

    fn checks(&mut self, text: &str) -> Vec<bool> {
        let badge = text.split(' ').next().unwrap_or_default();
        let shown = !badge.is_empty() && holds(self.terminal.seen(), badge);
        let stopped = self.is_stopped("sh ./local-only.sh\r", "ran");
        let (kept, next) = self.kept();
        let piped = self.is_stopped(" true && sh ./local-only.sh | cat\r", "ran");
        self.empty_line();
        // Its second line makes a file.
        let pasted = self.is_stopped("\x1b[200~sh ./local-only.sh\ntouch rest\x1b[201~\r", "rest");
        vec![shown, stopped, kept, next, piped, pasted && !self.place.path.join("ran").exists()]
    }

    /// Whether the stopped line is still at hand, and whether the next line runs.
    fn kept(&mut self) -> (bool, bool) {
        if self.shell == Shell::Fish {
            // It stands in the buffer: behind other words it is their argument.
            self.terminal.send("\x01echo >kept.out ");
            self.terminal.settle(QUIET, Instant::now() + LINE);
            self.terminal.send("\r");
            let kept =
                self.terminal.wait(Instant::now() + LINE, |_| self.place.read("kept.out").ends_with(b"\n"));
            let kept = kept && holds(&self.place.read("kept.out"), "local-only.sh");
            self.empty_line();
            return (kept, self.source("next", LINE));
        }
        let next = self.source("next", LINE);
        (holds(&self.place.read("next.out"), "sh ./local-only.sh"), next)
    }

    /// Takes away what stands in fish's buffer; elsewhere a stopped line leaves none.
    fn empty_line(&mut self) {
        if self.shell == Shell::Fish {
            self.terminal.send("\x03");
            self.terminal.settle(QUIET, Instant::now() + LINE);
        }
    }
}

fn holds(text: &[u8], part: &str) -> bool {
    memchr::memmem::find(text, part.as_bytes()).is_some()
}

/// The end of each file that the shell writes for us.
const END: &[u8] = b"end\0";

/// Names and values, each ended by a NUL.
fn facts(bytes: &[u8]) -> HashMap<String, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut words = text.split('\0');
    let mut facts = HashMap::new();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        facts.insert(name.to_string(), value.to_string());
    }
    facts
}

/// The last line with letters in it.
fn last_words(seen: &[u8]) -> String {
    let text = String::from_utf8_lossy(seen);
    let line = text.lines().rev().find(|line| line.chars().any(char::is_alphabetic)).unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(120).collect()
}

// --- the throwaway directory ---

/// A directory that is production, ours alone, and removed on drop.
struct Place {
    path: PathBuf,
}

impl Place {
    fn make(world: &World, shell: Shell) -> Option<Place> {
        let now = world.now().duration_since(std::time::UNIX_EPOCH).ok()?.as_nanos();
        let name = format!("redtab-doctor-{}-{now}", std::process::id());
        // What is typed must be a word in every shell, and nothing that a key binding would complete.
        let plain = |dir: &PathBuf| {
            dir.is_absolute()
                && dir.to_str().is_some_and(|dir| {
                    dir.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+'))
                })
        };
        let own = world.var("TMPDIR").map(PathBuf::from).filter(plain);
        let path = own.unwrap_or_else(|| PathBuf::from("/tmp")).join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path).ok()?;
        let place = Place { path };
        place.fill(world, shell).ok()?;
        Some(place)
    }

    fn fill(&self, world: &World, shell: Shell) -> std::io::Result<()> {
        let here = self.path.display().to_string();
        self.write(".redtab.toml", "environment = \"production\"\n")?;
        self.write("local-only.sh", "# redtab: local-only\ntouch ran\n")?;
        for dir in ["run", "state"] {
            std::fs::DirBuilder::new().mode(0o700).create(self.path.join(dir))?;
        }
        match shell {
            Shell::Bash => {
                self.write("rc", &BASH_RC.replace("@HERE@", &here))?;
                self.write("enter", &format!("\\builtin cd {here}\n{}", sh_writer("enter", &here, "")))?;
                self.write("look", &sh_writer("look", &here, BASH_FACTS))?;
                self.write("next", &sh_writer("next", &here, " history \"$(\\builtin history 9)\""))?;
            }
            Shell::Zsh => {
                let home = world.var("ZDOTDIR").and_then(OsStr::to_str).unwrap_or_default();
                let rc = ZSH_ENV.replace("@ZDOTDIR@", &crate::escape::posix_word(home));
                self.write(".zshenv", &rc)?;
                self.write("enter", &format!("\\builtin cd {here}\n{}", sh_writer("enter", &here, "")))?;
                self.write("look", &sh_writer("look", &here, ZSH_FACTS))?;
                self.write("next", &sh_writer("next", &here, " history \"$(\\builtin fc -ln -9)\""))?;
            }
            Shell::Fish => {
                let writer = |name: &str, facts: &str| {
                    format!("builtin printf '%s\\0' {facts} '' end >{here}/{name}.out\n")
                };
                self.write("enter", &format!("builtin cd {here}\n{}", writer("enter", "")))?;
                self.write("look", &format!("{FISH_BEFORE}{}", writer("look", FISH_FACTS)))?;
                self.write("next", &writer("next", ""))?;
            }
        }
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> std::io::Result<()> {
        std::fs::write(self.path.join(name), text)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path.join(name)).unwrap_or_default()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Writes facts where bash or zsh sources it, whatever the user's options say; the last name has no value.
fn sh_writer(name: &str, here: &str, facts: &str) -> String {
    format!("\\builtin printf '%s\\0'{facts} '' end >|{here}/{name}.out 2>/dev/null || :\n")
}

/// bash reads the user's file, and keeps what we type out of his history.
const BASH_RC: &str = "[ -r ~/.bashrc ] && . ~/.bashrc\nHISTFILE=@HERE@/history\n";

const BASH_FACTS: &str = r#" version "$BASH_VERSION" bin "${__redtab_bin[0]-}" live "${__redtab_live[0]-}" can "${__redtab_can[0]-}" text "${__redtab_text[0]-}" off "${REDTAB-}" path "$PATH" hooks "${PROMPT_COMMAND[*]-}" enter "${PS0-}" prompt "${PS1-}""#;

/// zsh finds its files as without us; its lines stay in memory.
const ZSH_ENV: &str = "ZDOTDIR=@ZDOTDIR@
[[ -n $ZDOTDIR ]] || unset ZDOTDIR
__redtab_doctor() { return 2 }
zshaddhistory_functions+=(__redtab_doctor)
[[ -r ${ZDOTDIR:-$HOME}/.zshenv ]] && . ${ZDOTDIR:-$HOME}/.zshenv
";

const ZSH_FACTS: &str = r#" version "$ZSH_VERSION" bin "${__redtab_bin[1]-}" live "${__redtab_live[1]-}" can yes text "${__redtab_text[1]-}" off "${REDTAB-}" path "$PATH" hooks "${precmd_functions[*]-}" enter "${preexec_functions[*]-}" prompt "${PROMPT-}" dir "${ZDOTDIR:-$HOME}" p10k "${functions[p10k]:+yes}""#;

const FISH_BEFORE: &str =
    "set -l __redtab_doctor\nbuiltin functions -q __redtab_event; and set __redtab_doctor __redtab_event\n";

const FISH_FACTS: &str = r#"version "$version" bin "$__redtab_bin" live "$__redtab_live" can "$__redtab_can" text "$__redtab_text" off "$REDTAB" path (builtin string join : $PATH) hooks "$__redtab_doctor" enter "" prompt "" "#;

/// What tells programs about the terminal that doctor runs in: they must not write to it from here.
const TERMINAL: [&str; 14] = [
    "KITTY_",
    "WEZTERM_",
    "ITERM_",
    "KONSOLE_",
    "ALACRITTY_",
    "GHOSTTY_",
    "WT_",
    "WARP_",
    "TERM_PROGRAM",
    "LC_TERMINAL",
    "VTE_VERSION",
    "TERMINAL_EMULATOR",
    "INSIDE_EMACS",
    "WINDOWID",
];

/// This process's environment, less what leads to its terminal, its multiplexer and redtab's own state.
fn environment(world: &World, shell: Shell, place: &Place) -> Vec<(OsString, OsString)> {
    let ours = |name: &str| place.path.join(name).into_os_string();
    let mut set: Vec<(&str, OsString)> = vec![
        ("TERM", "xterm-256color".into()),
        // An rc file that starts a multiplexer sees one, and redtab sees no pane of it.
        ("TMUX", format!("{}/none,1,0", place.path.display()).into()),
        ("ZELLIJ", "0".into()),
        ("HISTFILE", ours("history")),
        ("fish_history", OsString::new()),
        ("REDTAB_SEGMENT", "short".into()),
        // The shells of a trial start no watcher that outlives it.
        ("REDTAB_WATCH", "off".into()),
        ("REDTAB_RUN_DIR", ours("run")),
        ("REDTAB_STATE_DIR", ours("state")),
    ];
    if shell == Shell::Zsh {
        set.push(("ZDOTDIR", place.path.clone().into_os_string()));
    }
    let dropped = ["REDTAB", "TMUX_PANE", "STY", "ZELLIJ_SESSION_NAME", "ZELLIJ_PANE_ID", "LINES", "COLUMNS"];
    let stays = |name: &OsString| {
        let text = name.to_string_lossy();
        !TERMINAL.iter().any(|prefix| text.starts_with(prefix))
            && !dropped.contains(&&*text)
            && !set.iter().any(|(own, _)| *own == text)
    };
    let mut vars: Vec<(OsString, OsString)> =
        world.vars.iter().filter(|(name, _)| stays(name)).cloned().collect();
    vars.extend(set.into_iter().map(|(name, value)| (name.into(), value)));
    vars
}
