//! Which files a run names, and what they are. It reads them and nothing more.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Examiner, SCRIPT_BYTES, absolute};
use crate::guard::flags;
use crate::guard::line::{Piece, Word};
use crate::guard::runs::{Definitions, Run, What};
use crate::view::Overrides;
use crate::world::{Content, World};

/// Files that one line's globs and loose words may name.
const MAX_FILES: usize = 256;
/// Globs of one line that are matched, and the directories each may walk.
const MAX_GLOBS: usize = 32;
/// How many files are read that a program may find.
const MAX_NAMED: usize = 64;
/// How far up the end of a path is looked for whose beginning is unknown.
const MAX_ABOVE: usize = 12;
/// What `{a,b}{c,d}` may become.
const MAX_BRACES: usize = 64;

/// Files that a word may name.
pub(super) struct Named {
    pub(super) files: Vec<PathBuf>,
    /// It is one of those, where there is any.
    pub(super) all: bool,
}

/// What a file is to the guard.
pub(super) enum Text {
    Script(String),
    /// A compiled program: what it does is for the rules to say.
    Compiled,
    Absent,
    /// It could be a script, and can't be read: why, as the end of a sentence.
    Unreadable(String),
}

/// More variables than this are not looked up for one line.
const MAX_VARIABLES: usize = 64;

/// The exported variables that a line, or what its words stand for, may name.
pub(super) fn exported(world: &World, text: &str, known: &Definitions) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let bodies = known.aliases.iter().chain(known.functions).map(|(_, body)| body.as_str());
    for text in std::iter::once(text).chain(bodies) {
        let names = text.split('$').skip(1).map(|rest| {
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            &rest[..end]
        });
        for name in names.filter(|name| !name.is_empty()) {
            if found.len() < MAX_VARIABLES
                && found.iter().all(|(known, _)| known != name)
                && let Some(value) = world.var(name).and_then(|value| value.to_str())
            {
                found.push((name.to_string(), value.to_string()));
            }
        }
    }
    found
}

/// The root of the repository that this directory is in: where `.git` lies.
pub(super) fn toplevel(world: &World) -> Option<String> {
    let root = world.cwd.as_ref()?.ancestors().find(|dir| dir.join(".git").exists())?;
    root.to_str().map(String::from)
}

impl Examiner<'_> {
    /// The files that a word may name of which not everything is known: those that its pattern matches; or what its known
    /// end names, here or in a directory above.
    pub(super) fn files_named(&self, word: &Word, cwd: Option<&Path>) -> Named {
        if let Some(pattern) = word.text() {
            let everywhere = pattern.contains("**");
            let mut files: Vec<PathBuf> = braces(&pattern)
                .iter()
                .take(MAX_GLOBS)
                .flat_map(|pattern| self.matching(pattern, cwd))
                .collect();
            files.sort_unstable();
            files.dedup();
            // Of several one is run, and the others are its arguments: which, the shell's own order says.
            let all = !everywhere && files.len() == 1;
            files.truncate(MAX_NAMED);
            return Named { files, all };
        }
        let end = match word.pieces.last() {
            Some(Piece::Text(end)) => end.split_once('/').map_or("", |(_, end)| end.trim_start_matches('/')),
            _ => "",
        };
        let is_path = !end.is_empty() && !end.split('/').any(|part| part == "..");
        let above = cwd.filter(|_| is_path).into_iter().flat_map(Path::ancestors).take(MAX_ABOVE);
        let files = above.map(|dir| dir.join(end)).find(|file| file.is_file()).into_iter().collect();
        Named { files, all: false }
    }

    /// What a file is. The first bytes tell a program, so that none is read whole.
    pub(super) fn text_of(&self, path: &Path) -> Text {
        if self.world.head(path, 512).is_some_and(|head| is_compiled(&head)) {
            return Text::Compiled;
        }
        match self.world.read(path).0 {
            Content::Bytes(bytes) => Text::Script(String::from_utf8_lossy(&bytes).into_owned()),
            Content::Absent => Text::Absent,
            Content::Unreadable(why) => Text::Unreadable(why),
        }
    }

    /// What flags a file: the configuration, or one of its first lines.
    pub(super) fn flag_of(&self, path: &Path) -> Option<String> {
        if let Some(by) = self.path_flag(path) {
            return Some(by);
        }
        let head = self.world.head(path, SCRIPT_BYTES as u64)?;
        if is_compiled(&head) {
            return None;
        }
        flags::flagged_line(&String::from_utf8_lossy(&head)).map(|line| format!("line {line}"))
    }

    /// The file that runs: a program by path or by `PATH`, a script also by its name in the directory.
    pub(super) fn file_of(&self, run: &Run, cwd: Option<&Path>, overrides: &[Overrides]) -> Option<PathBuf> {
        let word = run.program();
        let here = matches!(run.what, What::Script { .. }).then(|| self.absolute_home(cwd, word));
        if let Some(here) = here.filter(|here| !word.is_empty() && can_run(here)) {
            return Some(here);
        }
        self.by_name(word, cwd, overrides)
    }

    fn by_name(&self, word: &str, cwd: Option<&Path>, overrides: &[Overrides]) -> Option<PathBuf> {
        if word.is_empty() {
            return None;
        }
        if word.contains('/') {
            let here = self.absolute_home(cwd, word);
            return can_run(&here).then_some(here);
        }
        let from_line =
            |view: &Overrides| view.vars.iter().rev().find(|(n, _)| n == "PATH").map(|(_, v)| v.clone());
        let path: OsString = match overrides.first().and_then(from_line) {
            Some(value) => value?,
            None => self.world.var("PATH")?.to_os_string(),
        };
        // `PATH=.:$PATH`: what the line puts in front stands here, the rest where it always was.
        let tail = path.to_string_lossy().contains('$').then(|| self.world.var("PATH")).flatten();
        let home = |dir: PathBuf| match dir.strip_prefix("$HOME").or_else(|_| dir.strip_prefix("~")) {
            Ok(rest) => self.world.home().map_or(dir.clone(), |home| home.join(rest)),
            Err(_) => dir.strip_prefix("$PWD").map(Path::to_path_buf).unwrap_or(dir),
        };
        std::env::split_paths(&path)
            .map(home)
            .chain(tail.into_iter().flat_map(std::env::split_paths))
            .map(|dir| absolute(cwd, &dir).join(word))
            .find(|file| file.is_file())
    }

    /// Every file that a run which can't be followed might run: each word as a path, as a program, and as a pattern.
    pub(super) fn mentioned(
        &self,
        run: &Run,
        words: &[String],
        cwd: Option<&Path>,
        overrides: &[Overrides],
    ) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut globs = 0;
        let own: Vec<String> =
            run.argv.iter().filter(|word| word.has_glob()).filter_map(|w| w.text()).collect();
        for word in own.iter().chain(words.iter().take(MAX_FILES)) {
            for word in braces(word) {
                if word.contains(['*', '?', '[']) {
                    globs += 1;
                    if globs <= MAX_GLOBS {
                        files.extend(self.matching(&word, cwd));
                    }
                    continue;
                }
                let here = self.absolute_home(cwd, &word);
                if here.is_file() {
                    files.push(here);
                } else {
                    files.extend(self.by_name(&word, cwd, overrides));
                }
            }
            if files.len() > MAX_FILES {
                break;
            }
        }
        files.sort_unstable();
        files.dedup();
        files.truncate(MAX_FILES);
        files
    }

    /// A directory and those below it, the near ones first; none that is hidden.
    fn below(&self, dir: &Path) -> Vec<PathBuf> {
        let mut dirs = vec![dir.to_path_buf()];
        let mut at = 0;
        while let Some(dir) = dirs.get(at).cloned() {
            at += 1;
            for name in self.world.entries(&dir).unwrap_or_default() {
                if dirs.len() >= MAX_GLOBS {
                    return dirs;
                }
                let inner = dir.join(&name);
                if !name.as_encoded_bytes().starts_with(b".") && !inner.is_symlink() && inner.is_dir() {
                    dirs.push(inner);
                }
            }
        }
        dirs
    }

    /// The files a pattern names.
    fn matching(&self, pattern: &str, cwd: Option<&Path>) -> Vec<PathBuf> {
        let mut dirs = vec![if pattern.starts_with('/') {
            PathBuf::from("/")
        } else if pattern.starts_with("~/") {
            self.absolute_home(cwd, "~")
        } else {
            absolute(cwd, Path::new("."))
        }];
        let parts: Vec<&str> =
            pattern.trim_start_matches("~/").split('/').filter(|p| !p.is_empty() && *p != ".").collect();
        for (index, part) in parts.iter().copied().enumerate() {
            let mut next = Vec::new();
            for dir in dirs.iter().take(MAX_GLOBS) {
                if part == ".." {
                    next.push(absolute(Some(dir), Path::new("..")));
                    continue;
                }
                if !part.contains(['*', '?', '[']) {
                    next.push(dir.join(part));
                    continue;
                }
                if part == "**" {
                    let below = self.below(dir);
                    // At the end it stands for any file in there.
                    if index + 1 == parts.len() {
                        let files = below.iter().flat_map(|dir| {
                            let names = self.world.entries(dir).unwrap_or_default();
                            names.into_iter().map(|name| dir.join(name))
                        });
                        next.extend(files.take(MAX_FILES));
                    } else {
                        next.extend(below);
                    }
                    continue;
                }
                for name in self.world.entries(dir).unwrap_or_default() {
                    let name = name.to_string_lossy();
                    if next.len() <= MAX_FILES && matches(part, &name) {
                        next.push(dir.join(&*name));
                    }
                }
            }
            dirs = next;
        }
        dirs.retain(|path| path.is_file());
        dirs
    }
}

/// Whether there is something at this path that could be run: no directory.
fn can_run(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.is_dir())
}

fn is_compiled(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF") || bytes[..bytes.len().min(512)].contains(&0)
}

/// `{a,b}` written out, as many as are looked at.
fn braces(word: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![word.to_string()];
    while let Some(word) = open.pop() {
        let found = word.find('{').and_then(|from| Some((from, from + word[from..].find('}')?)));
        match found.filter(|_| open.len() + done.len() < MAX_BRACES) {
            Some((from, to)) => {
                for choice in word[from + 1..to].split(',').take(MAX_BRACES) {
                    open.push(format!("{}{choice}{}", &word[..from], &word[to + 1..]));
                }
            }
            None => done.push(word),
        }
    }
    done.truncate(MAX_BRACES);
    done
}

/// Whether a shell's pattern matches a name: `*`, `?` and `[…]`, in which ranges count as anything. Linear but for the
/// one place it goes back to.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                back = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => match pattern[p..].iter().position(|c| *c == ']') {
                Some(end) => set(&pattern[p + 1..p + end], name[n]).then_some(end + 1),
                None => (name[n] == '[').then_some(1),
            },
            Some(c) => (*c == name[n]).then_some(1),
            None => None,
        };
        match (step, back) {
            (Some(step), _) => {
                p += step;
                n += 1;
            }
            (None, Some((at, from))) => {
                p = at;
                n = from + 1;
                back = Some((at, from + 1));
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

fn set(inside: &[char], c: char) -> bool {
    match inside {
        // What is not in the set, a class or a range: too much rather than too little.
        ['!' | '^', ..] => true,
        _ => inside.contains(&c) || inside.contains(&'-') || inside.contains(&':'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_a_shell_does() {
        for (pattern, name, is) in [
            ("clean*.sh", "cleanup.sh", true),
            ("clean*.sh", "clean.sh", true),
            ("*", "", true),
            ("*.sh", "a.py", false),
            ("?.sh", "a.sh", true),
            ("?.sh", ".sh", false),
            ("[ab].sh", "b.sh", true),
            ("[ab].sh", "c.sh", false),
            ("[a-c].sh", "b.sh", true),
            ("[", "[", true),
            ("a", "ab", false),
            ("*a*b*c", "xxaxxbxxc", true),
        ] {
            assert_eq!(matches(pattern, name), is, "{pattern} {name}");
        }
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199)));
    }

    #[test]
    fn braces_are_written_out_and_end() {
        let mut both = braces("./{a,b}.{c,d}");
        both.sort();
        assert_eq!(both, ["./a.c", "./a.d", "./b.c", "./b.d"]);
        for text in ["{", "}", "{}", "{a", "a}", "{{,}", "}{"] {
            assert!(!braces(text).is_empty(), "{text}");
        }
        assert!(braces(&"{a,b}".repeat(100)).len() <= MAX_BRACES);
    }
}
