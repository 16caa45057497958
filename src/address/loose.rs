//! Any text read as an address: which pieces of it can speak, and where its secrets lie. For a person who asks about a
//! name, so it guesses where [`super::parse`] refuses; where a password could go on, it takes too much for one rather
//! than too little.

use std::borrow::Cow;
use std::ops::Range;

use super::Pieces;
use super::host::{decoded, host};
use super::options::{is_known_key, key_of, libpq_pairs, semicolon_pairs};
use super::scheme::{scheme_and_body, scheme_called};
use super::url::{cut_userinfo, end_of_authority, go_mysql, split_properties};

/// An address as it may be shown: the same text, with every password replaced by `***`.
pub(super) fn without_secrets(text: &str) -> String {
    if is_settings(text) {
        return without_secret_settings(text);
    }
    let mut cuts: Vec<Range<usize>> =
        split_list(text).into_iter().filter_map(|piece| Layout::of(text, piece).secret(text)).collect();
    cuts.extend(first_secret(text).map(|at| at..text.len()));
    cuts.sort_by_key(|cut| (cut.start, cut.end));
    let mut out = String::with_capacity(text.len());
    let mut rest = 0;
    for cut in cuts {
        if cut.start >= rest {
            out.push_str(text.get(rest..cut.start).unwrap_or(""));
            out.push_str("***");
        }
        rest = rest.max(cut.end);
    }
    out.push_str(text.get(rest..).unwrap_or(""));
    out
}

/// Any text as it may be shown. Where it holds a `password=…` or the like, a list of options keeps the values of known
/// keys, and any other text ends there: nothing tells where a value ends that was never meant to be read like this.
pub(super) fn without_secret_settings(text: &str) -> String {
    let Some(at) = first_secret(text) else { return text.to_owned() };
    told_settings(text).unwrap_or_else(|| format!("{}***", text.get(..at).unwrap_or("")))
}

/// Lines with quoted words in them, such as TOML, as they may be shown or kept: passwords in quoted addresses and the
/// quoted values of `password = …` and the like replaced by `***`. What was valid stays valid.
pub(super) fn quoted_without_secrets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut secret = false;
    for piece in text.split_inclusive(['"', '\'', '\n']) {
        let body = piece.strip_suffix(['"', '\'', '\n']).unwrap_or(piece);
        let quote = piece.ends_with(['"', '\'']);
        match body {
            "" => {}
            _ if secret && quote => out.push_str("***"),
            body if body.contains("://") => out.push_str(&without_secrets(body)),
            body => out.push_str(body),
        }
        out.push_str(&piece[body.len()..]);
        let key = body.trim_end().strip_suffix('=').map(|key| key.trim_end());
        let key = key.and_then(|key| key.rsplit([' ', '\t', ',', '{', '.']).next());
        secret = quote && (secret && body.is_empty() || key.is_some_and(is_secret_key));
    }
    out
}

/// A list of options, of which only known keys and harmless values are left. `None` for a text that may be none.
fn told_settings(text: &str) -> Option<String> {
    let (pairs, separator) = match text.contains(';') {
        _ if !is_settings(text) => return None,
        true => (semicolon_pairs(text)?, ";"),
        false => (libpq_pairs(text)?, " "),
    };
    let told = pairs.iter().map(|(key, value)| match is_known_key(&key_of(key)) {
        false => Some("***".to_owned()),
        true if is_secret_key(key) => Some(format!("{key}=***")),
        // It may have swallowed what follows.
        true if value.contains('=') => None,
        true => Some(format!("{key}={value}")),
    });
    Some(told.collect::<Option<Vec<String>>>()?.join(separator))
}

/// The pieces of an address, or of a list of them with commas or blanks between. Options have none: what can't be read
/// by the table of keys may all be secret.
pub(super) fn pieces(text: &str) -> Pieces {
    let mut found = Pieces::default();
    if !is_settings(text) {
        for piece in split_list(text) {
            read_one(text, piece, &mut found);
        }
    }
    found
}

/// Where the pieces of one address lie in the text.
struct Layout<'t> {
    scheme: &'t str,
    user: Range<usize>,
    password: Option<Range<usize>>,
    hosts: Range<usize>,
    path: Range<usize>,
    end: usize,
}

impl<'t> Layout<'t> {
    fn of(text: &'t str, piece: Range<usize>) -> Layout<'t> {
        let (scheme, start) = scheme_of(text, &piece);
        let rest = split_properties(text.get(start..piece.end).unwrap_or("")).0;
        let end = start + rest.len();
        let find = |from: usize, stops: &[char]| {
            text.get(from..end).and_then(|rest| rest.find(stops)).map_or(end, |at| from + at)
        };
        let at = user_end(rest, scheme).map(|at| start + at);
        let (user, password) = match at {
            Some(at) => split_user(text, start..at, scheme),
            None => (start..start, None),
        };
        let from = at.map_or(start, |at| at + 1);
        let from =
            if text.get(from..end).is_some_and(|rest| rest.starts_with("//")) { from + 2 } else { from };
        let hosts_end = find(from, &['/', '?', '#', ';', '(']);
        let path_end = find(hosts_end, &['?', '#', ';']);
        Layout { scheme, user, password, hosts: from..hosts_end, path: hosts_end..path_end, end }
    }

    /// What is not to be shown: the password, and where a port with a path behind it could as well be one, both.
    fn secret(self, text: &str) -> Option<Range<usize>> {
        let port = || text.get(self.hosts.clone())?.find(':').map(|at| self.hosts.start + at + 1);
        let last = || text.get(self.hosts.end..self.end)?.rfind('@').map(|at| self.hosts.end + at);
        self.password.clone().or_else(|| Some(port()?..last()?))
    }
}

/// The scheme and where the rest starts. `jdbc:`, a driver (`postgresql+asyncpg`) and Oracle's `thin:` are passed.
fn scheme_of<'t>(text: &'t str, piece: &Range<usize>) -> (&'t str, usize) {
    let whole = text.get(piece.clone()).unwrap_or("");
    let java = ["jdbc:", "r2dbc:", "r2dbcs:"].iter().find(|java| starts_with(whole, java));
    let outer = java.map_or(0, |java| java.len());
    let rest = whole.get(outer..).unwrap_or("");
    if go_mysql(whole).is_some()
        && scheme_and_body(whole).is_none_or(|(word, _)| scheme_called(word).is_none())
    {
        return ("", piece.start);
    }
    if let Some(at) = rest.find("://").filter(|&at| is_scheme(rest.get(..at).unwrap_or(""), outer > 0)) {
        return (rest.get(..at).unwrap_or(""), piece.start + outer + at + 3);
    }
    for driver in ["oracle:thin:", "oracle:oci:"] {
        if starts_with(rest, driver) {
            return ("oracle", piece.start + outer + driver.len());
        }
    }
    match rest.find(':') {
        Some(at) if outer > 0 => (rest.get(..at).unwrap_or(""), piece.start + outer + at + 1),
        _ => ("", piece.start + if rest.starts_with("//") { 2 } else { 0 }),
    }
}

/// `colons`: whether it may have further names behind colons, as JDBC's do (`mysql:loadbalance`).
fn is_scheme(text: &str, colons: bool) -> bool {
    let may_be =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b'_') || (colons && b == b':');
    !text.is_empty() && text.bytes().all(may_be)
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Where the `@` that ends user and password stands, as [`super::parse`] has it. Where that can't be told, the last
/// one: better to show too little. A path of a web address may hold an `@` all the same.
fn user_end(rest: &str, scheme: &str) -> Option<usize> {
    let first = rest.get(..end_of_authority(rest)).unwrap_or("");
    if !(scheme == "oracle" || scheme.is_empty() && first_is_user(rest, first))
        && let Ok(cut) = cut_userinfo(rest)
    {
        // Of `u:p@h1,u:p@h2` the second password has to go as well.
        return match cut.hosts {
            Cow::Borrowed(_) => cut.user.map(str::len),
            Cow::Owned(_) => first.rfind('@'),
        };
    }
    let port = first.rsplit_once(':').map(|(_, port)| port);
    let port_like = port.is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    match first.contains('@') {
        true if is_web(scheme) && port.is_none() => first.rfind('@'),
        false if is_web(scheme) && port_like => None,
        false if port.is_none() && !first_is_user(rest, first) => None,
        _ => rest.rfind('@'),
    }
}

/// Oracle writes `user/password@host`.
fn first_is_user(rest: &str, first: &str) -> bool {
    rest.get(first.len()..).is_some_and(|after| after.starts_with('/') && after.contains('@'))
}

fn split_user(text: &str, range: Range<usize>, scheme: &str) -> (Range<usize>, Option<Range<usize>>) {
    let info = text.get(range.clone()).unwrap_or("");
    match info.find(['/', ':']) {
        Some(at) => {
            let user = range.start..range.start + at;
            // A token in place of a name: `https://TOKEN:x-oauth-basic@…`.
            let token = info.get(at + 1..) == Some("x-oauth-basic");
            let from = if token { range.start } else { user.end + 1 };
            (user, Some(from..range.end).filter(|cut| !cut.is_empty()))
        }
        None if is_web(scheme) || starts_with(scheme, "redis") => (range.clone(), Some(range)),
        None => (range, None),
    }
}

fn is_web(scheme: &str) -> bool {
    ["http", "https", "ws", "wss", "git+https", "git+http"].iter().any(|web| scheme.eq_ignore_ascii_case(web))
}

/// Schemes whose path names no database.
fn has_no_database(scheme: &str) -> bool {
    const OTHERS: [&str; 18] = [
        "ssh", "git", "git+ssh", "sftp", "ftp", "ftps", "scp", "rsync", "svn", "tcp", "udp", "tls", "unix",
        "npipe", "fd", "docker", "ldap", "ldaps",
    ];
    is_web(scheme) || OTHERS.iter().any(|other| scheme.eq_ignore_ascii_case(other))
}

/// Schemes whose rest is a path of this machine.
fn is_local_file(scheme: &str) -> bool {
    let base = scheme.split(['+', ':']).next().unwrap_or("");
    ["file", "sqlite", "sqlite3", "duckdb", "unix", "h2", "hsqldb", "derby"]
        .iter()
        .any(|file| base.eq_ignore_ascii_case(file))
}

fn read_one(text: &str, piece: Range<usize>, found: &mut Pieces) {
    let layout = Layout::of(text, piece);
    let slice = |range: &Range<usize>| text.get(range.clone()).unwrap_or("");
    let name = |text: &str| Some(decoded(text).into_owned()).filter(|name| !name.is_empty());
    if is_local_file(layout.scheme) {
        found.databases.extend(name(slice(&(layout.hosts.start..layout.path.end))));
        return;
    }
    found.users.extend(name(slice(&layout.user)));
    found.hosts.extend(slice(&layout.hosts).split(',').filter(|item| !item.is_empty()).filter_map(host));
    if !has_no_database(layout.scheme) {
        let path = slice(&layout.path).trim_start_matches('/');
        found.databases.extend(name(path.split('/').next().unwrap_or("")));
    }
}

/// Whether the text is `key=value` pairs rather than a URL: libpq's and ADO's connection strings.
fn is_settings(text: &str) -> bool {
    let first = text.split([';', ' ']).find(|pair| !pair.is_empty()).unwrap_or("");
    let key = text.split_once('=').map_or("", |(key, _)| key);
    !first.contains("://")
        && !first.contains('@')
        && !key.is_empty()
        && key.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b' ' | b'_'))
}

fn is_secret_key(key: &str) -> bool {
    const SECRET: [&str; 10] = [
        "pass",
        "pwd",
        "secret",
        "token",
        "apikey",
        "api_key",
        "api-key",
        "accesskey",
        "credential",
        "signature",
    ];
    let key = key.trim().to_ascii_lowercase();
    let tail = key.rsplit(' ').next().unwrap_or("");
    SECRET.iter().any(|word| key.contains(word))
        || key.ends_with("key")
        || matches!(tail, "pw" | "sig" | "auth")
}

/// Where the value of the first `password=…` or the like starts, wherever it stands.
fn first_secret(text: &str) -> Option<usize> {
    let mut from = 0;
    text.match_indices('=').map(|(at, _)| (std::mem::replace(&mut from, at + 1), at)).find_map(
        |(from, at)| {
            let before = text.get(from..at).unwrap_or("").trim_end();
            let key = before.rsplit(['?', '&', ';', '#', ',', '(', ' ']).next().unwrap_or("");
            is_secret_key(key).then_some(at + 1)
        },
    )
}

/// The longest scheme that is looked for inside a list.
const MAX_SCHEME: usize = 40;

/// A list of whole URLs is cut at the comma or blank before each further scheme.
fn split_list(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices("://") {
        let before = text.get(start..at).unwrap_or("");
        // A scheme is short: looking no farther back keeps this linear.
        let back = before.bytes().rev().take(MAX_SCHEME).position(|b| matches!(b, b',' | b' '));
        let comma = back.map(|back| at - 1 - back);
        if let Some(comma) = comma.filter(|&comma| is_scheme(text.get(comma + 1..at).unwrap_or(""), false)) {
            pieces.push(start..comma);
            start = comma + 1;
        }
    }
    pieces.push(start..text.len());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_words_lose_their_secrets_and_nothing_else() {
        for (text, shown) in [
            ("is = \"postgres://app:s3cret@db/x\"", "is = \"postgres://app:***@db/x\""),
            ("password = \"s3cret\"  # why", "password = \"***\"  # why"),
            ("api_token='s3cret'\nname = 'x'\n", "api_token='***'\nname = 'x'\n"),
            ("password = \"\"\"s3cret\"\"\"", "password = \"\"\"***\"\"\""),
            ("a = { password = \"s3cret\", b = \"x\" }", "a = { password = \"***\", b = \"x\" }"),
            ("match = [\"prod\", 'live']", "match = [\"prod\", 'live']"),
            ("password = ", "password = "),
            ("\"'本\n\"", "\"'本\n\""),
        ] {
            assert_eq!(quoted_without_secrets(text), shown);
        }
    }
}
