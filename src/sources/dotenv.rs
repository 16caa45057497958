//! `.env` and `.env.local`, from this directory up to the project's root: what a program started here would load. What it
//! refuses: to run or expand anything in them, and to show a value that is no name or address; the home directory and
//! what lies above it is no project.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::env::{self, At};
use super::{Of, in_file};
use crate::signal::{Domain, Reading};
use crate::view::View;
use crate::world::Content;

const OF: Of = Of { source: "dotenv", domain: Domain::App };

const FILES: [&str; 2] = [".env", ".env.local"];

/// What makes a directory a project's root.
const ROOT: &str = ".git";

/// Directories above this many are not looked at.
const LEVELS: usize = 64;

/// Signals of one file.
const MOST: usize = 500;

/// Larger files are no settings.
const CAP: usize = 1024 * 1024;

/// A signal for each variable in the files that the `env` source would judge if it were exported; one that is exported
/// with the same value is told there. `Unreadable` for files that can't be read.
pub fn read(view: &View) -> Vec<Reading> {
    let mut out = Vec::new();
    for directory in directories(view) {
        for path in FILES.map(|name| directory.join(name)) {
            match view.read(&path) {
                Content::Absent => {}
                _ if is_none_of_ours(view, &path) => {}
                Content::Unreadable(why) => out.push(OF.unreadable("file", in_file(&path, None), &why)),
                Content::Bytes(bytes) if bytes.len() > CAP => {
                    out.push(OF.unreadable("file", in_file(&path, None), "is larger than 1 MiB"));
                }
                Content::Bytes(bytes) => file(view, &path, &String::from_utf8_lossy(&bytes), &mut out),
            }
        }
    }
    if out.is_empty() {
        out.push(OF.absent(".env"));
    }
    out
}

/// From here up to the root of the project; this one alone where there is no root.
fn directories(view: &View) -> Vec<PathBuf> {
    let home = view.home();
    let Some(here) = view.cwd() else { return Vec::new() };
    let above =
        |level: &&Path| home.as_ref().is_none_or(|home| !home.starts_with(level)) && level.parent().is_some();
    let levels: Vec<&Path> = here.ancestors().take(LEVELS).take_while(above).collect();
    let root = levels.iter().position(|level| view.exists(&level.join(ROOT)));
    levels.into_iter().take(root.map_or(1, |root| root + 1)).map(Path::to_path_buf).collect()
}

/// Whether what lies there is a directory (a Python environment is called so), or was put into a directory for everybody,
/// such as /tmp, by somebody else.
fn is_none_of_ours(view: &View, path: &Path) -> bool {
    let owner = view.world().ownership(path);
    let strange = |uid: u32| uid != view.world().uid && uid != 0;
    path.is_dir() || owner.is_some_and(|owner| owner.world_writable && strange(owner.uid))
}

fn file(view: &View, path: &Path, text: &str, out: &mut Vec<Reading>) {
    let mut all = settings(text);
    expand_all(view, &mut all);
    // Of a name that is set twice the last one holds.
    let last: HashMap<&str, &Setting<'_>> = all.iter().map(|setting| (setting.name, setting)).collect();
    let lookup = |name: &str| last.get(name).map(|setting| setting.value.clone().into_owned());
    let before = out.len();
    for setting in all.iter().filter(|one| last.get(one.name).is_some_and(|last| last.line == one.line)) {
        let name = setting.name;
        if out.len() - before >= MOST {
            out.push(OF.unreadable(
                "file",
                in_file(path, Some(setting.line)),
                "sets more than redtab judges",
            ));
            break;
        }
        // Every build of a page for the web sets NODE_ENV.
        if name == "NODE_ENV" || setting.value.is_empty() || !env::is_watched(name.as_ref()) {
            continue;
        }
        if view.var(name).is_some_and(|value| *value == *setting.value) {
            continue;
        }
        let place = in_file(path, Some(setting.line));
        if setting.open {
            out.push(OF.unreadable(name, place, "has a quote that is never closed"));
            continue;
        }
        let at = At { source: OF.source, what: name, place };
        out.extend(env::variable(at, &setting.value, &lookup));
    }
}

/// Puts earlier settings and exported variables in the place of `$NAME`, `${NAME}` and `${NAME:-otherwise}`.
fn expand_all(view: &View, all: &mut [Setting<'_>]) {
    let mut known: HashMap<&str, String> = HashMap::new();
    // Settings that double one another grow without end.
    let mut budget = CAP;
    for setting in all {
        if !setting.literal && setting.value.len() <= LONGEST && setting.value.contains('$') {
            let lookup = |name: &str| known.get(name).cloned().or_else(|| view.text(name));
            if let Some(value) = expanded(&setting.value, &lookup, budget.min(LONGEST)) {
                budget -= value.len().min(budget);
                setting.value = Cow::Owned(value);
            }
        }
        if setting.value.len() <= LONGEST {
            known.insert(setting.name, setting.value.to_string());
        }
    }
}

/// Longer values are no names and no addresses.
const LONGEST: usize = 4096;

/// A value with its references replaced; `None` where it would get longer than `most` bytes. What is in braces and
/// nowhere set is empty; `$` before anything else, or before a name that nothing sets, is itself.
fn expanded(value: &str, lookup: &dyn Fn(&str) -> Option<String>, most: usize) -> Option<String> {
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        let braced = behind.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        if let Some((inner, after)) = braced {
            let (name, otherwise) = inner.split_once(":-").or(inner.split_once('-')).unwrap_or((inner, ""));
            let found = lookup(name).filter(|found| !found.is_empty());
            out.push_str(&found.unwrap_or_else(|| otherwise.to_owned()));
            rest = after;
        } else {
            let end = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(behind.len());
            match lookup(&behind[..end]).filter(|_| end > 0 && !out.ends_with('\\')) {
                Some(found) => out.push_str(&found),
                None => out.extend(["$", &behind[..end]]),
            }
            rest = &behind[end..];
        }
        if out.len() > most {
            return None;
        }
    }
    out.push_str(rest);
    (out.len() <= most).then_some(out)
}

/// One line that sets a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Setting<'a> {
    name: &'a str,
    value: Cow<'a, str>,
    line: usize,
    /// Its quote is never closed.
    open: bool,
    /// `$` is no more than a sign.
    literal: bool,
}

/// The settings of a text, as the libraries that load such files agree on them. It costs as much as the text is long.
fn settings(text: &str) -> Vec<Setting<'_>> {
    let mut out = Vec::new();
    // Quotes of which no further one is in the text.
    let mut spent: Vec<char> = Vec::new();
    let (mut rest, mut line) = (text.strip_prefix('\u{feff}').unwrap_or(text), 1);
    while !rest.is_empty() {
        let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let mut length = end;
        if let Some((name, at)) = name(&rest[..end]) {
            let quote = rest[at..end].chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
            let closed = quote.filter(|quote| !spent.contains(quote));
            let closed = closed.and_then(|quote| Some(at + 1 + close(&rest[at + 1..], quote)?));
            let (value, open) = match (quote, closed) {
                (Some(quote), Some(close)) => {
                    // What stands behind the quote is a comment.
                    length = rest[close..].find('\n').map_or(rest.len(), |more| close + more + 1);
                    (unescaped(&rest[at + 1..close], quote), false)
                }
                (Some(quote), None) => {
                    spent.push(quote);
                    (Cow::Borrowed(rest[at + 1..end].trim_end()), true)
                }
                (None, _) => (Cow::Borrowed(bare(&rest[at..end])), false),
            };
            out.push(Setting { name, value, line, open, literal: quote == Some('\'') });
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    out
}

/// The name that a line sets, and where its value begins.
fn name(line: &str) -> Option<(&str, usize)> {
    let body = line.trim_start();
    let body = body.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])).unwrap_or(body);
    let at = body.find('=')?;
    let name = body[..at].trim();
    let valid = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    let value = body[at + 1..].trim_start_matches([' ', '\t']);
    (valid && !name.is_empty()).then(|| (name, line.len() - value.len()))
}

/// Where a quoted text ends; only in double quotes a backslash takes the quote's meaning away.
fn close(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, char)| {
        let ends = char == quote && !escaped;
        escaped = quote == '"' && char == '\\' && !escaped;
        ends.then_some(at)
    })
}

fn unescaped(text: &str, quote: char) -> Cow<'_, str> {
    if quote != '"' || !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// A value without quotes, up to the comment behind it.
fn bare(text: &str) -> &str {
    let comment = text.match_indices('#').find(|(at, _)| *at == 0 || text[..*at].ends_with([' ', '\t']));
    text[..comment.map_or(text.len(), |(at, _)| at)].trim()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::world::World;

    #[test]
    fn settings_that_double_one_another_stay_small() {
        let mut text = String::from("A0=x\n");
        (1..5000).for_each(|i| text += &format!("A{i}=$A{0}$A{0}\n", i - 1));
        let mut all = settings(&text);
        let world = World { vars: Vec::new(), cwd: None, uid: 0 };
        expand_all(&View::new(&world), &mut all);
        assert!(all.iter().map(|setting| setting.value.len()).sum::<usize>() < 2 * CAP);
    }

    #[test]
    fn lines_are_read_as_people_write_them() {
        let told = |text: &str| -> Vec<String> {
            let all = settings(text);
            all.iter()
                .map(|s| format!("{}:{}={}{}", s.line, s.name, s.value, if s.open { "!" } else { "" }))
                .collect()
        };
        for (text, expected) in [
            ("A=b\n", &["1:A=b"][..]),
            ("\u{feff}# c\n\nexport A=b # c\r\nB = c#d\r\n", &["3:A=b", "4:B=c#d"]),
            ("A='b # c' # d\nB=\"c \\\"d\\\"\"\n", &["1:A=b # c", "2:B=c \"d\""]),
            ("A=\"-----BEGIN\nB=c\n-----END\" # d\nC=d", &["1:A=-----BEGIN\nB=c\n-----END", "4:C=d"]),
            ("A=`b`\nB=$(touch F)\n", &["1:A=b", "2:B=$(touch F)"]),
            ("A='b\nB='c\nC=d\n", &["1:A=b\nB=", "3:C=d"]),
            ("A=\"b\nC=d\n", &["1:A=b!", "2:C=d"]),
            ("A=\nB\n=C\nA B=c\nexportA=b\nA=#c\n", &["1:A=", "5:exportA=b", "6:A="]),
        ] {
            assert_eq!(told(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in any::<String>(), lines in "[A='\"`\\\\#$\\{\\}\\n ]{0,80}") {
            let world = World { vars: Vec::new(), cwd: None, uid: 0 };
            for text in [text, lines] {
                let mut all = settings(&text);
                expand_all(&View::new(&world), &mut all);
            }
        }
    }
}
