//! A URL or connection string in, its speaking pieces out, and the text with its secrets cut. Tolerant: passwords
//! with `/`, `@` or `?` in them, several hosts, `jdbc:`, `key=value` strings, no scheme at all. Resolves nothing.

use std::ops::Range;

/// The pieces of an address that say what it points at. No password is ever one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    pub hosts: Vec<String>,
    pub databases: Vec<String>,
    pub users: Vec<String>,
}

/// An address as it may be shown: the same text, with every password replaced by `***`.
pub fn without_secrets(text: &str) -> String {
    let mut cuts = secret_settings(text);
    if !is_settings(text) {
        cuts.extend(split_list(text).into_iter().filter_map(|piece| Layout::of(text, piece).password));
    }
    cuts.sort_by_key(|cut| (cut.start, cut.end));
    with_cuts(text, cuts)
}

/// Any text as it may be shown: the values of `password=…` and the like replaced by `***`.
pub fn without_secret_settings(text: &str) -> String {
    with_cuts(text, secret_settings(text))
}

/// Lines with quoted words in them, such as TOML, as they may be shown or kept: passwords in quoted addresses and the
/// quoted values of `password = …` and the like replaced by `***`. What was valid stays valid.
pub fn quoted_without_secrets(text: &str) -> String {
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

fn with_cuts(text: &str, cuts: Vec<Range<usize>>) -> String {
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

/// Reads an address, or a list of them with commas or blanks between.
pub fn read(text: &str) -> Address {
    let mut address = Address::default();
    if is_settings(text) {
        read_settings(text, &mut address);
        return address;
    }
    for piece in split_list(text) {
        read_one(text, piece, &mut address);
    }
    address
}

/// Where the pieces of one address lie in the text.
struct Layout<'t> {
    scheme: &'t str,
    user: Range<usize>,
    password: Option<Range<usize>>,
    hosts: Range<usize>,
    path: Range<usize>,
    /// From the `?`, `;` or `#` on.
    settings: Range<usize>,
}

impl<'t> Layout<'t> {
    fn of(text: &'t str, piece: Range<usize>) -> Layout<'t> {
        let (scheme, start) = scheme_of(text, &piece);
        let end = piece.end;
        let slice = |range: Range<usize>| text.get(range).unwrap_or("");
        let find = |from: usize, stops: &[char]| slice(from..end).find(stops).map_or(end, |at| from + at);
        let first = slice(start..find(start, &['/', '?', '#', ';']));
        let at = user_end(slice(start..end), first, scheme).map(|at| start + at);
        let (user, password) = match at {
            Some(at) => split_user(text, start..at, scheme),
            None => (start..start, None),
        };
        let from = at.map_or(start, |at| at + 1);
        let from = from + slice(from..end).len() - slice(from..end).trim_start_matches("//").len();
        let stop = find(from, &['/', '?', '#', ';', '(']);
        let hosts_end = if slice(stop..end).starts_with('(') {
            slice(from..end).rfind(')').map_or(end, |at| from + at + 1)
        } else {
            stop
        };
        let path_end = find(hosts_end, &['?', '#', ';']);
        Layout {
            scheme,
            user,
            password,
            hosts: from..hosts_end,
            path: hosts_end..path_end,
            settings: path_end..end,
        }
    }
}

/// The scheme and where the rest starts. `jdbc:`, a driver (`postgresql+asyncpg`) and Oracle's `thin:` are passed.
fn scheme_of<'t>(text: &'t str, piece: &Range<usize>) -> (&'t str, usize) {
    let whole = text.get(piece.clone()).unwrap_or("");
    let outer = if starts_with(whole, "jdbc:") { 5 } else { 0 };
    let rest = whole.get(outer..).unwrap_or("");
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

/// Where the `@` that ends user and password stands. A password may hold `/`, `@`, `?`; an `@` in a path may not be
/// taken for it, unless what stands before could be a password: better to show too little.
fn user_end(rest: &str, first: &str, scheme: &str) -> Option<usize> {
    let (head, query) = rest.split_once('?').unwrap_or((rest, ""));
    let query_is_password = query.rfind('@').is_some_and(|at| !query.get(..at).unwrap_or("").contains('='));
    let last = || if query_is_password { rest.rfind('@') } else { head.rfind('@') };
    let port = first.rsplit_once(':').map(|(_, port)| port);
    let port_like = port.is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    match (first.contains('@'), is_web(scheme)) {
        // What follows a complete authority belongs to the path of a web address, but to a password elsewhere.
        (true, true) => first.rfind('@'),
        (true, false) => last(),
        (false, true) if port_like => None,
        (false, _) if port.is_some() => last(),
        (false, _) if matches!(scheme, "" | "oracle") && first_is_user(rest, first) => last(),
        _ => None,
    }
}

/// Oracle writes `user/password@host`.
fn first_is_user(rest: &str, first: &str) -> bool {
    let after = rest.get(first.len()..).unwrap_or("");
    after.starts_with('/') && after.find('@').is_some_and(|at| !after.get(1..at).unwrap_or("").contains('/'))
}

fn split_user(text: &str, range: Range<usize>, scheme: &str) -> (Range<usize>, Option<Range<usize>>) {
    let info = text.get(range.clone()).unwrap_or("");
    let stop = if scheme == "oracle" || !info.contains(':') { info.find(['/', ':']) } else { info.find(':') };
    match stop {
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

fn read_one(text: &str, piece: Range<usize>, address: &mut Address) {
    let layout = Layout::of(text, piece);
    let slice = |range: &Range<usize>| text.get(range.clone()).unwrap_or("");
    if is_local_file(layout.scheme) {
        let file = slice(&(layout.hosts.start..layout.path.end));
        address.databases.push(decoded(file));
        return;
    }
    push(&mut address.users, slice(&layout.user));
    for host in host_list(slice(&layout.hosts)) {
        push_host(&mut address.hosts, host);
    }
    if !has_no_database(layout.scheme) {
        let path = slice(&layout.path).trim_start_matches('/');
        push(&mut address.databases, path.split('/').next().unwrap_or(""));
        read_parameters(slice(&layout.settings), address);
    }
}

fn push(list: &mut Vec<String>, text: &str) {
    if !text.is_empty() {
        list.push(decoded(text));
    }
}

/// A host. A socket's directory says nothing, except that Cloud SQL's is named for the instance behind it.
fn push_host(list: &mut Vec<String>, text: &str) {
    let host = decoded(text);
    let instance = host.strip_prefix("/cloudsql/");
    if let Some(name) =
        instance.or(Some(host.as_str()).filter(|host| !host.starts_with('/') && !host.is_empty()))
    {
        list.push(name.to_owned());
    }
}

/// The hosts of `h1:1,h2:2`, `tcp(h:1)`, `[::1]:1` and Oracle's `(DESCRIPTION=…(HOST=h)…)`.
fn host_list(hosts: &str) -> Vec<&str> {
    if hosts.contains('=') {
        let values = hosts.split(['(', ')']).filter_map(|pair| pair.split_once('='));
        return values
            .filter(|(key, _)| is_one_of(key, &["host", "service_name", "sid"]))
            .map(|(_, v)| v.trim())
            .collect();
    }
    let inner = hosts.split_once('(').map_or(hosts, |(_, inner)| inner.trim_end_matches(')'));
    inner.split(',').collect()
}

/// The parameters behind `?` or `;` that name a host, database or user: a socket-less libpq URL has its host there.
fn read_parameters(text: &str, address: &mut Address) {
    for (key, value) in text.split(['?', '&', ';', '#']).filter_map(|pair| pair.split_once('=')) {
        setting(key, value, address);
    }
}

const HOST_KEYS: &[&str] = &[
    "host",
    "server",
    "data source",
    "datasource",
    "address",
    "addr",
    "network address",
    "unix_socket",
    "socket",
];
const DATABASE_KEYS: &[&str] = &["database", "dbname", "databasename", "initial catalog", "db", "service"];
const USER_KEYS: &[&str] = &["user", "user id", "userid", "uid", "username"];

fn is_one_of(key: &str, keys: &[&str]) -> bool {
    let key = key.trim();
    keys.iter().any(|wanted| key.eq_ignore_ascii_case(wanted))
}

fn setting(key: &str, value: &str, address: &mut Address) {
    let value = value.trim().trim_matches(['\'', '"']);
    if is_one_of(key, HOST_KEYS) {
        let bare = value
            .split_once(':')
            .map_or(value, |(kind, rest)| if is_one_of(kind, &["tcp", "np", "lpc"]) { rest } else { value });
        bare.split(',').for_each(|host| push_host(&mut address.hosts, host));
    } else if is_one_of(key, DATABASE_KEYS) {
        push(&mut address.databases, value);
    } else if is_one_of(key, USER_KEYS) {
        push(&mut address.users, value);
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

fn read_settings(text: &str, address: &mut Address) {
    for range in settings_of(text) {
        if let Some((key, value)) = text.get(range).and_then(|pair| pair.split_once('=')) {
            setting(key, value, address);
        }
    }
}

/// The pairs of a connection string: at `;` if it has any, else at blanks; quotes hold a value together.
fn settings_of(text: &str) -> Vec<Range<usize>> {
    let separator = if text.contains(';') { ';' } else { ' ' };
    let mut pairs = Vec::new();
    let mut start = 0;
    let mut quote = None;
    let mut last = '=';
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"') && last == '=' => quote = Some(c),
            None if c == separator => {
                pairs.push(start..at);
                start = at + c.len_utf8();
            }
            None => {}
        }
        last = c;
    }
    pairs.push(start..text.len());
    pairs
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
    let tail = key.rsplit([' ', '(']).next().unwrap_or("");
    SECRET.iter().any(|word| key.contains(word)) || matches!(tail, "pw" | "sig" | "key" | "auth")
}

/// The values of `password=…` and the like, wherever they stand.
fn secret_settings(text: &str) -> Vec<Range<usize>> {
    if !text.contains('=') {
        return Vec::new();
    }
    let pairs = if is_settings(text) {
        settings_of(text)
    } else {
        let mut from = 0;
        let ends = text.match_indices(['?', '&', ';', '#', ' ']).map(|(at, _)| at).chain([text.len()]);
        ends.map(|end| std::mem::replace(&mut from, end + 1)..end).collect()
    };
    let value = |pair: Range<usize>| {
        let (key, value) = text.get(pair.clone())?.split_once('=')?;
        (is_secret_key(key) && !value.is_empty()).then(|| pair.end - value.len()..pair.end)
    };
    pairs.into_iter().filter_map(value).collect()
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

/// `%2D` and the like decoded; what is not valid is left as it stands.
fn decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|&b| char::from(b).to_digit(16));
        match (first, digit(0).zip(digit(1))) {
            (b'%', Some((high, low))) => {
                bytes.push((high * 16 + low) as u8);
                rest = after.get(2..).unwrap_or(&[]);
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    #[test]
    fn pieces_are_found() {
        /// Text, hosts, databases, users.
        type Row = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);
        let table: &[Row] = &[
            ("postgres://u:p@h:5432/d?sslmode=x", &["h:5432"], &["d"], &["u"]),
            ("mongodb://u:p/w@a:1,b:2/d", &["a:1", "b:2"], &["d"], &["u"]),
            ("u:p@tcp(h:3306)/d", &["h:3306"], &["d"], &["u"]),
            ("u:p@unix(/cloudsql/proj:eu:db)/d", &["proj:eu:db"], &["d"], &["u"]),
            ("postgres://u:p@/d?host=/cloudsql/proj:eu:db", &["proj:eu:db"], &["d"], &["u"]),
            ("postgres://u:p@/d?host=/var/run/prod", &[], &["d"], &["u"]),
            ("postgres://u%40x:p@h/a%2Db", &["h"], &["a-b"], &["u@x"]),
            ("jdbc:sqlserver://h:1;databaseName=d;user=u;password=p", &["h:1"], &["d"], &["u"]),
            ("Server=tcp:h,1433;Database=d;User Id=u;Password=p", &["h", "1433"], &["d"], &["u"]),
            ("host='h' dbname=d user=u password='a b'", &["h"], &["d"], &["u"]),
            ("https://h:8443/a/@b", &["h:8443"], &[], &[]),
            ("", &[], &[], &[]),
        ];
        for (text, hosts, databases, users) in table {
            let address = read(text);
            assert_eq!(
                (&address.hosts[..], &address.databases[..], &address.users[..]),
                (
                    &hosts.iter().map(|&h| h.to_owned()).collect::<Vec<_>>()[..],
                    &databases.iter().map(|&d| d.to_owned()).collect::<Vec<_>>()[..],
                    &users.iter().map(|&u| u.to_owned()).collect::<Vec<_>>()[..],
                ),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_password_is_never_shown_or_a_piece(
            password in "[A-Z0-9@#:;%?!$][A-Z0-9/@#:;%?!$]{3}QX[A-Z0-9/@#:%?!$]{0,4}", scheme in "(postgres://|mysql://|)",
        ) {
            let text = format!("{scheme}user:{password}@host/db");
            prop_assert!(!without_secrets(&text).contains("QX"), "{}", without_secrets(&text));
            prop_assert!(!format!("{:?}", read(&text)).contains("QX"), "{:?}", read(&text));
        }

        #[test]
        fn any_text_is_read(text in "\\PC*|[a-z:/@?=;,. %()'\\[\\]]{0,40}") {
            read(&text);
            without_secrets(&text);
        }
    }
}
