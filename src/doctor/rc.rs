//! The rc files, read and never written: where a line is, and the command that changes it. The commands are plain sed,
//! awk and echo, the same in every shell, and keep a copy of the file where they rewrite it.

use std::path::{Path, PathBuf};

use crate::escape::posix_word;
use crate::shell::Shell;
use crate::world::{Content, World};

/// More lines than this are not looked at.
const LINES: usize = 20_000;

/// An rc file that can be read.
pub struct Rc {
    /// As the user knows it.
    pub path: PathBuf,
    home: Option<PathBuf>,
    lines: Vec<String>,
    whole_last_line: bool,
}

impl Rc {
    /// Reads the file at `path`; one that is absent has no lines. `None` when it can't be read.
    pub fn read(world: &World, path: &Path) -> Option<Rc> {
        let bytes = match world.read(path).0 {
            Content::Bytes(bytes) => bytes,
            Content::Absent => Vec::new(),
            Content::Unreadable(_) => return None,
        };
        let lines = String::from_utf8_lossy(&bytes).lines().take(LINES).map(str::to_owned).collect();
        Some(Rc {
            path: path.to_path_buf(),
            home: world.home(),
            lines,
            whole_last_line: bytes.last().is_none_or(|byte| *byte == b'\n'),
        })
    }

    /// The numbers, from 1, of the lines that `wanted` accepts; comments are no lines.
    pub fn find(&self, wanted: impl Fn(&str) -> bool) -> Vec<usize> {
        let code = |line: &str| !line.trim_start().starts_with('#');
        self.lines
            .iter()
            .enumerate()
            .filter(|(_, line)| code(line) && wanted(line))
            .map(|(i, _)| i + 1)
            .collect()
    }

    /// The lines that load redtab's hook for `shell`.
    pub fn hooks(&self, shell: Shell) -> Vec<usize> {
        let init = format!("init {}", name(shell));
        self.find(|line| line.contains("redtab") && line.contains(&init))
    }

    /// A line by its number.
    pub fn line(&self, number: usize) -> &str {
        number.checked_sub(1).and_then(|i| self.lines.get(i)).map_or("", String::as_str)
    }

    /// How many lines there are.
    pub fn length(&self) -> usize {
        self.lines.len()
    }

    /// `~/.bashrc:12`
    pub fn place(&self, number: usize) -> String {
        format!("{}:{number}", self.shown())
    }

    /// Its path with `~` for the home directory.
    pub fn shown(&self) -> String {
        crate::config::diagnosis::shown_path(&self.path, self.home.as_deref())
    }

    /// The path as a word of a command line; behind a link, what the link leads to: rewriting must not replace the link.
    fn word(&self) -> String {
        let linked = rustix::fs::lstat(&self.path)
            .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_symlink());
        let real = linked.then(|| std::fs::canonicalize(&self.path).ok()).flatten();
        word(real.as_deref().unwrap_or(&self.path), self.home.as_deref())
    }

    /// The command that adds a line at the end.
    pub fn append(&self, line: &str) -> String {
        let quoted = posix_word(line);
        let add = if self.whole_last_line {
            format!("echo {quoted} >> {}", self.word())
        } else {
            format!("printf '\\n%s\\n' {quoted} >> {}", self.word())
        };
        match self.path.parent() {
            Some(parent) if !parent.exists() => {
                format!("mkdir -p {} && {add}", word(parent, self.home.as_deref()))
            }
            _ => add,
        }
    }

    /// The command that takes a line out.
    pub fn delete(&self, number: usize) -> String {
        format!("sed -i.bak '{number}d' {}", self.word())
    }

    /// The command that puts a line behind all others, as it is.
    pub fn to_end(&self, number: usize) -> String {
        format!("sed -i.bak -e '{number}{{h;d' -e '}}' -e '$G' {}", self.word())
    }

    /// The command that puts a line before all others, as it is.
    pub fn to_top(&self, number: usize) -> String {
        let file = self.word();
        format!(
            "cp {file} {file}.bak && awk 'NR=={number}' {file}.bak > {file} && awk 'NR!={number}' {file}.bak >> {file}"
        )
    }

    /// The command that replaces every `from` of a line by `to`.
    pub fn replace(&self, number: usize, from: &str, to: &str) -> String {
        let pattern = escaped(from, r".[]*^$\|");
        let script = format!("{number}s|{pattern}|{}|g", escaped(to, r"\&|"));
        format!("sed -i.bak {} {}", posix_word(&script), self.word())
    }
}

/// `text` with a backslash before each of these characters.
fn escaped(text: &str, special: &str) -> String {
    text.chars().flat_map(|c| special.contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// A path as a word of a command line: `~/…` where that is the same in every shell.
pub fn word(path: &Path, home: Option<&Path>) -> String {
    let plain = |text: &str| posix_word(text) == text;
    match home.and_then(|home| path.strip_prefix(home).ok()).and_then(Path::to_str) {
        Some(rest) if plain(rest) && !rest.is_empty() => format!("~/{rest}"),
        _ => posix_word(&path.to_string_lossy()),
    }
}

/// The shell's program name.
pub fn name(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
    }
}

/// The line that loads the hook by calling `binary`, as README has it.
pub fn init_line(shell: Shell, binary: &str) -> String {
    match shell {
        Shell::Fish => format!("{binary} init fish | source"),
        _ => format!("eval \"$({binary} init {})\"", name(shell)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(home: &Path) -> World {
        World { vars: vec![("HOME".into(), home.into())], cwd: None, uid: 0 }
    }

    #[test]
    fn comments_load_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".bashrc");
        std::fs::write(
            &path,
            "# eval \"$(redtab init bash)\"\n  eval \"$(redtab init bash)\"\nredtab init zsh\n",
        )
        .unwrap();
        let rc = Rc::read(&world(dir.path()), &path).unwrap();
        assert_eq!(rc.hooks(Shell::Bash), [2]);
        assert_eq!(rc.place(2), "~/.bashrc:2");
    }

    #[test]
    fn words_are_the_same_in_every_shell() {
        let home = Path::new("/home/ana");
        assert_eq!(word(Path::new("/home/ana/.bashrc"), Some(home)), "~/.bashrc");
        assert_eq!(word(Path::new("/home/ana/a b"), Some(home)), "'/home/ana/a b'");
        assert_eq!(word(Path::new("/etc/x"), Some(home)), "/etc/x");
    }

    #[test]
    fn commands_do_what_they_say() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".bashrc");
        let text = "one\nold/bin|x & y\nthree\nfour\n";
        let after = |command: &dyn Fn(&Rc) -> String| {
            std::fs::write(&path, text).unwrap();
            let rc = Rc::read(&world(dir.path()), &path).unwrap();
            let mut sh = std::process::Command::new("sh");
            let done = sh.arg("-c").arg(command(&rc)).env("HOME", dir.path()).status().unwrap();
            assert!(done.success());
            std::fs::read_to_string(&path).unwrap()
        };
        assert_eq!(after(&|rc| rc.delete(2)), "one\nthree\nfour\n");
        assert_eq!(after(&|rc| rc.to_end(2)), "one\nthree\nfour\nold/bin|x & y\n");
        assert_eq!(after(&|rc| rc.to_top(3)), "three\none\nold/bin|x & y\nfour\n");
        assert_eq!(after(&|rc| rc.append("it's")), format!("{text}it's\n"));
        assert_eq!(after(&|rc| rc.replace(2, "old/bin|x", "a&b|c")), "one\na&b|c & y\nthree\nfour\n");
    }
}
