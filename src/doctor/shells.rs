//! What the trials and the rc files say about each installed shell.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::pty::Terminal;
use super::rc::{self, Rc};
use super::trial::{self, Trial};
use super::{Finding, Level, Report, Tried};
use crate::shell::Shell;
use crate::world::World;

/// Tries every installed shell and says what was found.
pub fn look(world: &World, binary: &Path, report: &mut Report) {
    let mut cases = Vec::new();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let Some(program) =
            on_path(&world.var("PATH").unwrap_or_default().to_string_lossy(), rc::name(shell))
        else {
            continue;
        };
        match trial::run(world, shell, &program) {
            Some(trial) => cases.push(Case::new(world, binary, shell, trial)),
            None => report.findings.push(Finding::new(
                Level::Warn,
                "shell",
                rc::name(shell),
                "could not be tried: there is no terminal, or no room in the temporary directory",
            )),
        }
    }
    let any = cases.iter().any(Case::is_meant);
    for case in &cases {
        report.tried.push(case.tried());
        report.findings.extend(case.findings(any));
    }
    if cases.is_empty() && report.findings.is_empty() {
        report.findings.push(Finding::new(
            Level::Fail,
            "shell",
            "shells",
            "neither bash nor zsh nor fish is on PATH",
        ));
    }
}

/// The first executable called `name` in the absolute directories of a PATH.
pub fn on_path(path: &str, name: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|p| is_program(p))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Whether two paths lead to the same file, or to files of the same bytes.
pub fn same_program(a: &Path, b: &Path) -> bool {
    if let (Ok(a), Ok(b)) = (rustix::fs::stat(a), rustix::fs::stat(b)) {
        if (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino) {
            return true;
        }
        if a.st_size != b.st_size {
            return false;
        }
    }
    matches!((std::fs::read(a), std::fs::read(b)), (Ok(a), Ok(b)) if a == b)
}

/// One shell, tried.
struct Case<'w> {
    world: &'w World,
    binary: &'w Path,
    shell: Shell,
    trial: Trial,
    /// The file for the hook, and other files that are read as well.
    rcs: Vec<Rc>,
}

impl<'w> Case<'w> {
    fn new(world: &'w World, binary: &'w Path, shell: Shell, trial: Trial) -> Case<'w> {
        let home = world.home().unwrap_or_default();
        let paths = match shell {
            Shell::Bash => vec![home.join(".bashrc")],
            Shell::Zsh => {
                let told = Some(trial.fact("dir")).filter(|dir| !dir.is_empty()).map(PathBuf::from);
                let own = || world.var("ZDOTDIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
                let dir = told.or_else(own).unwrap_or_else(|| home.clone());
                vec![dir.join(".zshrc"), dir.join(".zshenv")]
            }
            Shell::Fish => fish_files(world, &home),
        };
        let rcs = paths.iter().filter_map(|path| Rc::read(world, path)).collect();
        Case { world, binary, shell, trial, rcs }
    }

    fn subject(&self) -> String {
        // `5.2.15(1)-release` is more than people say.
        let version: String =
            self.trial.fact("version").chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        format!("{} {version}", rc::name(self.shell)).trim_end().to_string()
    }

    fn tried(&self) -> Tried {
        Tried {
            shell: rc::name(self.shell),
            version: self.subject().split(' ').nth(1).unwrap_or_default().to_string(),
            hooked: self.trial.is_hooked(),
            passed: self.trial.passed(),
            failed: self.trial.failed().collect(),
        }
    }

    /// Whether the user wants redtab in this shell.
    fn is_meant(&self) -> bool {
        self.trial.is_hooked() || self.hook().is_some()
    }

    /// The first line that loads the hook.
    fn hook(&self) -> Option<(&Rc, usize)> {
        self.rcs.iter().find_map(|rc| Some((rc, *rc.hooks(self.shell).first()?)))
    }

    /// The first line of the rc files that `wanted` accepts.
    fn line(&self, wanted: impl Fn(&str) -> bool) -> Option<(&Rc, usize)> {
        self.rcs.iter().find_map(|rc| Some((rc, *rc.find(&wanted).first()?)))
    }

    fn finding(&self, level: Level, text: impl Into<String>) -> Finding {
        Finding::new(level, "shell", self.subject(), text)
    }

    /// The command that adds the line to the file where it belongs.
    fn add_hook(&self) -> Option<String> {
        let path = &self.world.var("PATH").unwrap_or_default().to_string_lossy();
        let callable = on_path(path, "redtab").is_some_and(|found| same_program(&found, self.binary));
        let binary = if callable { "redtab".into() } else { self.own_word() };
        Some(self.rcs.first()?.append(&rc::init_line(self.shell, &binary)))
    }

    /// The binary as a word of an rc file.
    fn own_word(&self) -> String {
        crate::escape::posix_word(&self.binary.to_string_lossy())
    }

    fn findings(&self, any_meant: bool) -> Vec<Finding> {
        if self.trial.facts.is_empty() {
            return vec![self.no_prompt()];
        }
        if !self.trial.is_hooked() {
            return vec![self.unhooked(any_meant)];
        }
        let grave = [self.off(), self.displaced()].into_iter().flatten().next();
        let mut out: Vec<Finding> = match grave {
            Some(finding) => vec![finding],
            None => [self.unable(), self.failed()].into_iter().flatten().take(1).collect(),
        };
        out.extend([self.other_binary(), self.twice(), self.login_gap()].into_iter().flatten());
        if out.is_empty() {
            let place =
                self.hook().map_or_else(|| "loaded".into(), |(rc, line)| format!("in {}", rc.place(line)));
            let tried = format!("(tried in a pty: {} of {})", self.trial.passed(), trial::CHECKS.len());
            out.push(self.finding(Level::Ok, format!("hook {place}, blocks, keeps the line {tried}")));
        }
        out
    }

    fn no_prompt(&self) -> Finding {
        let text = if self.trial.ended {
            "ended before its first prompt: something in its rc files replaces or ends it"
        } else {
            "no prompt within 15 seconds: something in its rc files waits"
        };
        let said = self.trial.last_words.trim();
        let said = if said.is_empty() { String::new() } else { format!("; it said: {said}") };
        let level = if self.hook().is_some() || self.is_login_shell() { Level::Fail } else { Level::Note };
        self.finding(level, format!("{text}{said}"))
    }

    fn is_login_shell(&self) -> bool {
        let shell = self.world.var("SHELL").map(PathBuf::from).unwrap_or_default();
        shell.file_name().is_some_and(|name| name == rc::name(self.shell))
    }

    // --- the hook is not there ---

    fn unhooked(&self, any_meant: bool) -> Finding {
        if let Some((rc, line)) = self.hook() {
            return self.not_loaded(rc, line);
        }
        for other in [Shell::Bash, Shell::Zsh, Shell::Fish].into_iter().filter(|other| *other != self.shell) {
            let Some((rc, line)) = self.rcs.iter().find_map(|rc| Some((rc, *rc.hooks(other).first()?)))
            else {
                continue;
            };
            let (theirs, ours) =
                (format!("init {}", rc::name(other)), format!("init {}", rc::name(self.shell)));
            let text = format!("no hook: the line loads that of {}", rc::name(other));
            return self.finding(Level::Fail, text).at(rc.place(line)).mend(rc.replace(line, &theirs, &ours));
        }
        if let Some((place, who)) = self.elsewhere() {
            let text = format!("no hook: its line is in a file that {who}");
            return self.finding(Level::Fail, text).at(place).mend(self.add_hook());
        }
        let rc = self.rcs.first().map_or_else(String::new, Rc::shown);
        let level = if self.is_login_shell() || !any_meant { Level::Fail } else { Level::Note };
        self.finding(level, format!("no hook: {rc} does not load it")).mend(self.add_hook())
    }

    /// A file with the hook's line that an interactive shell does not read, and who reads it.
    fn elsewhere(&self) -> Option<(String, &'static str)> {
        let home = self.world.home()?;
        let (names, who): (&[&str], _) = match self.shell {
            Shell::Bash => (&[".bash_profile", ".bash_login", ".profile"], "only login shells read"),
            Shell::Zsh => {
                (&[".zprofile", ".zlogin", ".zshrc", ".zlogout"], "an interactive zsh does not read")
            }
            Shell::Fish => {
                (&[".fishrc", ".config/fish/fish.config", ".config/fish/fishrc"], "fish does not read")
            }
        };
        names.iter().find_map(|name| {
            let rc = Rc::read(self.world, &home.join(name))?;
            let line = *rc.hooks(self.shell).first()?;
            Some((rc.place(line), who))
        })
    }

    /// The line is there, and the hook is not.
    fn not_loaded(&self, rc: &Rc, number: usize) -> Finding {
        let line = rc.line(number);
        let called = called(line, self.shell);
        let found = match called {
            "redtab" => on_path(self.trial.fact("path"), "redtab"),
            path => Some(expanded(path, self.world)).filter(|path| is_program(path)),
        };
        if found.is_none() && !called.is_empty() {
            let text = match called {
                "redtab" => "no hook: redtab is not on the PATH of this shell".to_string(),
                path => format!("no hook: {path} is not there"),
            };
            // Where the line quotes the path, the new one stands between the same quotes.
            let own = self.binary.to_string_lossy();
            let mend = match called {
                "redtab" => rc.replace(number, "redtab init", &format!("{} init", self.own_word())),
                path => rc.replace(number, path, &own),
            };
            return self.finding(Level::Fail, text).at(rc.place(number)).mend(mend);
        }
        let mend = (number > 1).then(|| rc.to_top(number));
        self.finding(Level::Fail, "no hook: this line was not reached, or failed")
            .at(rc.place(number))
            .mend(mend)
    }

    // --- the hook is there ---

    fn off(&self) -> Option<Finding> {
        if self.trial.fact("off") != "off" {
            return None;
        }
        let at = self.line(|line| line.contains("REDTAB=off") || line.contains("REDTAB off"));
        let finding = self.finding(Level::Fail, "redtab is switched off in the rc files (REDTAB=off)");
        Some(match at {
            Some((rc, line)) => finding.at(rc.place(line)).mend(rc.delete(line)),
            None => finding,
        })
    }

    fn displaced(&self) -> Option<Finding> {
        let mark = match self.shell {
            Shell::Bash => "__redtab_prompt",
            Shell::Zsh => "__redtab_precmd",
            Shell::Fish => "__redtab_event",
        };
        if self.trial.fact("hooks").contains(mark) {
            return None;
        }
        let list = match self.shell {
            Shell::Bash => "PROMPT_COMMAND",
            Shell::Zsh => "precmd_functions",
            Shell::Fish => "its prompt event",
        };
        let readonly = self.line(|line| line.contains("readonly") && line.contains(list));
        if let Some((rc, line)) = readonly {
            let text = format!("the hook can't be called: {list} is readonly");
            return Some(self.finding(Level::Fail, text).at(rc.place(line)).mend(rc.delete(line)));
        }
        let finding = self.finding(Level::Fail, format!("the hook was taken out of {list} behind its line"));
        Some(match self.hook() {
            Some((rc, line)) if line < rc.length() => finding.at(rc.place(line)).mend(rc.to_end(line)),
            Some((rc, line)) => finding.at(rc.place(line)),
            None => finding,
        })
    }

    /// What keeps the shell from holding a line back.
    fn unable(&self) -> Option<Finding> {
        let can = self.trial.fact("can");
        if can == "yes" {
            return None;
        }
        let (at, otherwise) = match can {
            "history is off" => {
                let off = self.line(|line| line.contains("set +o history"));
                let size = self.line(|line| line.contains("HISTSIZE=0"));
                (off.or(size), Some("set -o history; HISTSIZE=1000"))
            }
            "promptvars is off" => {
                let off = |line: &str| line.contains("shopt -u") && line.contains("promptvars");
                (self.line(off), Some("shopt -s promptvars"))
            }
            _ if can.contains("readonly") => {
                let names = ["PS0", "HISTCONTROL", "HISTIGNORE"];
                let fixed = |line: &str| line.contains("readonly") && names.iter().any(|n| line.contains(n));
                (self.line(fixed), None)
            }
            _ if can.contains("Enter") => {
                let keys = [r"\r", r"\n", r"\cm", r"\cM", r"\cj", "enter", "ctrl-j", "ctrl-m"];
                let bound = |line: &str| {
                    let mut words = line.split_whitespace();
                    words.any(|word| word == "bind")
                        && words.any(|word| keys.contains(&word.trim_matches('\'')))
                };
                (self.line(bound), None)
            }
            _ => (None, None),
        };
        let finding = self.finding(Level::Warn, format!("the guard can only warn: {can}"));
        Some(match (at, otherwise, self.rcs.first()) {
            (Some((rc, line)), ..) => finding.at(rc.place(line)).mend(rc.delete(line)),
            (None, Some(line), Some(rc)) => finding.mend(rc.append(line)),
            _ => finding,
        })
    }

    fn failed(&self) -> Option<Finding> {
        let trial = &self.trial;
        let failed: Vec<&str> = trial.failed().collect();
        if failed.is_empty() {
            return None;
        }
        let text = format!(
            "tried in a pty: {} of {}; not so: {}",
            trial.passed(),
            trial::CHECKS.len(),
            failed.join("; ")
        );
        let finding = self.finding(Level::Fail, text);
        let unseen = failed.first() == trial::CHECKS.first();
        Some(match self.rcs.first() {
            Some(rc) if unseen && trial.fact("p10k") == "yes" => finding.mend(
                rc.append("POWERLEVEL9K_LEFT_PROMPT_ELEMENTS=(redtab $POWERLEVEL9K_LEFT_PROMPT_ELEMENTS)"),
            ),
            _ => finding,
        })
    }

    /// The hook calls another redtab than this one.
    fn other_binary(&self) -> Option<Finding> {
        let called = self.trial.fact("bin");
        let path = Path::new(called);
        if same_program(path, self.binary) {
            return None;
        }
        let theirs =
            version(self.world, path).unwrap_or_else(|| "a redtab that does not tell its version".into());
        let own = self.binary.display();
        let text = format!(
            "the hook calls {called} ({theirs}); this is {own} (redtab {})",
            env!("CARGO_PKG_VERSION")
        );
        let finding = self.finding(Level::Warn, text);
        Some(match self.line(|line| line.contains(called) && line.contains(" init ")) {
            Some((rc, line)) => finding.at(rc.place(line)).mend(rc.replace(line, called, &own.to_string())),
            None => {
                let file = rc::word(path, self.world.home().as_deref());
                finding.mend(format!("mv {file} {file}.old"))
            }
        })
    }

    fn twice(&self) -> Option<Finding> {
        let (rc, lines) =
            self.rcs.iter().map(|rc| (rc, rc.hooks(self.shell))).find(|(_, lines)| lines.len() > 1)?;
        // The line that install.sh wrote is the one it takes out again.
        let marked = |line: &&usize| rc.line(**line).contains("# redtab install.sh");
        let keep = lines.iter().find(marked).or(lines.last())?;
        let extra = lines.iter().find(|line| *line != keep)?;
        Some(
            self.finding(Level::Warn, format!("the hook is loaded twice, here and in line {keep}"))
                .at(rc.place(*extra))
                .mend(rc.delete(*extra)),
        )
    }

    /// bash's login shells (ssh, tmux) read one file of their own, and that may not lead to `.bashrc`.
    fn login_gap(&self) -> Option<Finding> {
        if self.shell != Shell::Bash {
            return None;
        }
        let home = self.world.home()?;
        let read = |name: &str| Rc::read(self.world, &home.join(name));
        let names = [".bash_profile", ".bash_login", ".profile"];
        let rc = names.iter().find(|name| home.join(name).exists()).and_then(|name| read(name))?;
        let leads = |rc: &Rc| !rc.find(|line| line.contains("bashrc")).is_empty();
        let by_profile = !rc.find(|line| line.contains(".profile")).is_empty();
        if leads(&rc)
            || !rc.hooks(Shell::Bash).is_empty()
            || by_profile && read(".profile").is_some_and(|profile| leads(&profile))
        {
            return None;
        }
        let text = format!("no hook in login shells (ssh, tmux): {} does not read ~/.bashrc", rc.shown());
        Some(self.finding(Level::Warn, text).mend(rc.append(". ~/.bashrc")))
    }
}

/// config.fish and the files of conf.d, and where key bindings are kept.
fn fish_files(world: &World, home: &Path) -> Vec<PathBuf> {
    let config = world.var("XDG_CONFIG_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let dir = config.unwrap_or_else(|| home.join(".config")).join("fish");
    let mut files = vec![dir.join("config.fish")];
    let parts = world.entries(&dir.join("conf.d")).unwrap_or_default();
    let scripts = parts.iter().filter(|name| name.to_string_lossy().ends_with(".fish"));
    files.extend(scripts.map(|name| dir.join("conf.d").join(name)));
    files.push(dir.join("functions/fish_user_key_bindings.fish"));
    files
}

/// The program that a hook's line calls, without quotes; empty when that can't be told.
fn called(line: &str, shell: Shell) -> &str {
    let Some((before, _)) = line.split_once(&format!(" init {}", rc::name(shell))) else { return "" };
    let end = before.trim_end_matches(['\'', '"']);
    match before.chars().last() {
        Some(quote @ ('\'' | '"')) => end.rsplit(quote).next().unwrap_or_default(),
        _ => end.rsplit([' ', '\t', '(', '`', ';', '&']).next().unwrap_or_default(),
    }
}

/// A path of an rc file with `~` and `$HOME` taken for what they are.
fn expanded(path: &str, world: &World) -> PathBuf {
    let home = world.home().unwrap_or_default();
    for prefix in ["~/", "$HOME/", "${HOME}/"] {
        if let Some(rest) = path.strip_prefix(prefix) {
            return home.join(rest);
        }
    }
    PathBuf::from(path)
}

/// What a redtab says to `--version`, within two seconds.
fn version(world: &World, program: &Path) -> Option<String> {
    let args = [program.as_os_str(), "--version".as_ref()];
    let mut terminal = Terminal::start(&args, &world.vars, Path::new("/")).ok()?;
    let deadline = Instant::now() + Duration::from_secs(2);
    terminal.wait(deadline, |seen| seen.contains(&b'\n'));
    let text = String::from_utf8_lossy(terminal.seen()).into_owned();
    let line = text.lines().next().unwrap_or_default().trim();
    (!line.is_empty()).then(|| line.chars().filter(|c| !c.is_control()).take(40).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_hook_lines() {
        for (line, program) in [
            ("eval \"$(redtab init bash)\"", "redtab"),
            ("eval \"$(/opt/redtab init bash)\"", "/opt/redtab"),
            ("eval \"$([ -x '/a b/redtab' ] && '/a b/redtab' init bash || printf x)\"", "/a b/redtab"),
            ("source <(~/bin/redtab init bash)", "~/bin/redtab"),
            ("redtab hook", ""),
        ] {
            assert_eq!(called(line, Shell::Bash), program, "{line}");
        }
    }
}
