//! The hosts that `~/.ssh/config` gives a name, each with its HostName. `Include` is followed; `Match exec` and
//! `ProxyCommand` are never run, and a pattern is no host.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::{Inventory, file_place};
use crate::signal::{Domain, Kind, Part, Place};
use crate::view::View;

const OF: (&str, Domain) = ("ssh", Domain::Host);

/// Files inside of one another, as many as ssh takes.
const DEPTH: usize = 16;
/// Files and directories in all: files may include one another in any number of ways.
const FILES: usize = 256;

/// Adds every host.
pub fn list(view: &View, found: &mut Inventory) {
    let Some(home) = view.home() else { return };
    let mut reader = Reader { view, found, home, hosts: Vec::new(), index: HashMap::new(), files: 0 };
    let path = reader.home.join(".ssh/config");
    reader.file(&path, DEPTH, &mut Vec::new());
    let Reader { hosts, found, .. } = reader;
    for host in hosts {
        let real = host.real.map(|real| Part::new(Kind::Hostname, real));
        found.add(Kind::Hostname, &host.name, host.place, real);
    }
}

/// The HostName that `~/.ssh/config`, or else `/etc/ssh/ssh_config`, gives to `host`, the name as it stands on a command
/// line; `None` where they give it none. What stands behind a `Match` counts only if it is `Match all`.
pub fn hostname_of(view: &View, host: &str) -> Option<String> {
    about(view, host, None).real
}

/// What ssh's configuration says about a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The first HostName that holds for it.
    pub real: Option<String>,
    /// The values of every LocalForward: `15432 prod-db:5432`.
    pub forwards: Vec<String>,
}

/// What ssh's configuration says about `host`: the user's and the system's, or the one that `-F` names.
pub fn about(view: &View, host: &str, config: Option<&Path>) -> About {
    let mut about = About::default();
    let mut found = Inventory::default();
    let Some(home) = view.home() else { return about };
    let usual = [home.join(".ssh/config"), PathBuf::from("/etc/ssh/ssh_config")];
    let named = config.map(|path| match path.strip_prefix("~") {
        Ok(rest) => home.join(rest),
        Err(_) => view.cwd().map_or_else(|| path.to_path_buf(), |cwd| cwd.join(path)),
    });
    let files = named.map_or_else(|| usual.to_vec(), |path| vec![path]);
    let mut reader =
        Reader { view, found: &mut found, home, hosts: Vec::new(), index: HashMap::new(), files: 0 };
    for file in files {
        reader.about(&file, DEPTH, host, true, &mut about);
    }
    about
}

struct Host {
    name: String,
    place: Place,
    real: Option<String>,
}

struct Reader<'v, 'w, 'f> {
    view: &'v View<'w>,
    found: &'f mut Inventory,
    home: PathBuf,
    hosts: Vec<Host>,
    index: HashMap<String, usize>,
    files: usize,
}

impl Reader<'_, '_, '_> {
    /// Reads one file. `current` are the hosts of the last `Host` line; a file that is included may go on with them.
    fn file(&mut self, path: &Path, depth: usize, current: &mut Vec<usize>) {
        self.files += 1;
        if depth == 0 || self.files > FILES {
            self.found.trouble(OF, path, None, "is not read: too many files include one another");
            return;
        }
        let Some(text) = self.found.text(self.view, OF, path) else { return };
        for (index, line) in text.lines().enumerate() {
            if self.files > FILES {
                return;
            }
            let Some((keyword, arguments)) = directive(line) else { continue };
            match keyword.to_ascii_lowercase().as_str() {
                "host" => *current = self.host(path, index + 1, arguments),
                "match" => current.clear(),
                "hostname" => self.hostname(current, arguments),
                "include" => {
                    for pattern in arguments {
                        for file in self.included(path, index + 1, &pattern) {
                            // What an included file says last holds no longer than the file.
                            self.file(&file, depth - 1, &mut current.clone());
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Adds what holds for `host`. `holds` says whether what stands before the first `Host` line does.
    fn about(&mut self, path: &Path, depth: usize, host: &str, mut holds: bool, about: &mut About) {
        self.files += 1;
        if depth == 0 || self.files > FILES {
            return;
        }
        let Some(text) = self.found.text(self.view, OF, path) else { return };
        for (index, line) in text.lines().enumerate() {
            let Some((keyword, arguments)) = directive(line) else { continue };
            match keyword.to_ascii_lowercase().as_str() {
                "host" => holds = is_among(&arguments, host),
                "match" => holds = arguments.len() == 1 && arguments[0].eq_ignore_ascii_case("all"),
                "hostname" if holds && about.real.is_none() => {
                    let real = arguments.first();
                    about.real =
                        real.map(|real| real.replace("%%", "\0").replace("%h", host).replace('\0', "%"));
                }
                "localforward" if holds && about.forwards.len() < FILES => {
                    about.forwards.push(arguments.join(" "));
                }
                "include" if holds => {
                    for pattern in arguments {
                        for file in self.included(path, index + 1, &pattern) {
                            self.about(&file, depth - 1, host, true, about);
                            if self.files > FILES {
                                return;
                            }
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn host(&mut self, path: &Path, line: usize, names: Vec<String>) -> Vec<usize> {
        let plain = |name: &String| !name.is_empty() && !name.starts_with('!') && !name.contains(['*', '?']);
        let mut current = Vec::new();
        for name in names.into_iter().filter(plain) {
            let at = *self.index.entry(name.clone()).or_insert(self.hosts.len());
            if at == self.hosts.len() {
                self.hosts.push(Host { name, place: file_place(path, line), real: None });
            }
            current.push(at);
        }
        current
    }

    /// Of several the first holds, as in ssh.
    fn hostname(&mut self, current: &mut Vec<usize>, arguments: Vec<String>) {
        let Some(real) = arguments.first() else { return };
        for at in current.drain(..) {
            if let Some(host) = self.hosts.get_mut(at).filter(|host| host.real.is_none()) {
                host.real = Some(real.replace("%%", "\0").replace("%h", &host.name).replace('\0', "%"));
            }
        }
    }

    /// The files that an argument of `Include` names, sorted.
    fn included(&mut self, path: &Path, line: usize, pattern: &str) -> Vec<PathBuf> {
        let whole = match pattern.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None => self.home.join(".ssh").join(pattern),
        };
        if pattern.len() > 4096
            || pattern.contains(['[', '{', '%', '$'])
            || (pattern.starts_with('~') && !pattern.starts_with("~/"))
        {
            self.found.trouble(OF, path, Some(line), "includes by a pattern that redtab can't follow");
            return Vec::new();
        }
        let mut files = vec![PathBuf::new()];
        for component in whole.components() {
            let text = component.as_os_str().to_string_lossy();
            if !matches!(component, Component::Normal(_)) || !text.contains(['*', '?']) {
                files.iter_mut().for_each(|file| file.push(component));
                continue;
            }
            let mut next = Vec::new();
            for directory in files.iter().take(FILES) {
                // Looking into a directory costs as much as reading a file.
                self.files += 1;
                let entries = self.found.entries(self.view, OF, directory);
                next.extend(entries.into_iter().filter(|entry| {
                    let name = entry.file_name().unwrap_or_default().to_string_lossy();
                    (text.starts_with('.') || !name.starts_with('.')) && wild_matches(&text, &name)
                }));
            }
            files = next;
        }
        files.truncate(FILES);
        files
    }
}

/// Whether a `Host` line is about `host`: one of its patterns fits, and none behind a `!`.
fn is_among(patterns: &[String], host: &str) -> bool {
    let fits = |pattern: &str| wild_matches(&pattern.to_lowercase(), &host.to_lowercase());
    let denied = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(fits);
    !denied && patterns.iter().any(|pattern| !pattern.starts_with('!') && fits(pattern))
}

/// A line's keyword and its arguments; `None` for a blank line, a comment and a line that is cut off.
fn directive(line: &str) -> Option<(&str, Vec<String>)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find(|c: char| c.is_whitespace() || c == '=' || c == '"').unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    let mut arguments = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for char in rest.chars() {
        match char {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '#' if !quoted && word.is_none() => break,
            char if char.is_whitespace() && !quoted => arguments.extend(word.take()),
            char => word.get_or_insert_default().push(char),
        }
    }
    arguments.extend(word);
    Some((keyword, arguments))
}

/// Whether `text` is what `pattern` describes: `*` any run, `?` any one character. It goes back to the last `*` only.
fn wild_matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen, mut star) = (0, 0, None);
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(char) if *char == '?' || *char == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((star_at, from)) = star else { return false };
                star = Some((star_at, from + 1));
                (at, seen) = (star_at + 1, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|char| *char == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_as_ssh_cuts_them() {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (line, keyword, arguments) in [
            ("Host a b", "Host", &["a", "b"][..]),
            ("  hostname=x", "hostname", &["x"]),
            ("HostName = \"a b\" # c", "HostName", &["a b"]),
            ("Include\t~/x#y", "Include", &["~/x#y"]),
            ("Host", "Host", &[]),
        ] {
            assert_eq!(directive(line), Some((keyword, owned(arguments))), "{line}");
        }
        assert_eq!((directive("# a"), directive("  ")), (None, None));
    }

    #[test]
    fn wild_cards() {
        for (pattern, text, same) in [
            ("*", "", true),
            ("*.conf", "a.conf", true),
            ("a*b*c", "axxbxxbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a", "ab", false),
        ] {
            assert_eq!(wild_matches(pattern, text), same, "{pattern} {text}");
        }
    }
}
