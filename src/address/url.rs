//! URLs: userinfo, hosts, path and query told apart. Where two readings are possible and one of them would give out a
//! piece of a password, there is no answer but why.

use std::borrow::Cow;

use super::host::{database, decoded, hosts_in, user_of};
use super::java::{descriptor, grouped, host_groups};
use super::options::{
    Options, SECRET_KEYS, bare_options, is_known_key, key_of, options_of, semicolon_pairs, starts_with_key,
};
use super::scheme::{Scheme, is_scheme_byte};
use super::{Address, BAD_HOST, BAD_OPTIONS, Failure, Host, MOST_HOSTS, NO_HOST, UNCLEAR_PASSWORD};

/// Where the user ends and what stands around it.
pub(super) struct Cut<'a> {
    pub(super) user: Option<&'a str>,
    pub(super) hosts: Cow<'a, str>,
    /// From the first `/`, `?` or `#` after the hosts.
    tail: &'a str,
    /// The password held a delimiter, so that nothing of the user can be trusted but its start.
    odd: bool,
}

/// One URL, or several of one scheme joined by commas (`nats://h1,nats://h2`).
pub(super) fn several_urls(scheme: &Scheme, rest: &str) -> Result<Address, Failure> {
    let pieces = url_pieces(rest);
    let mut all: Option<Address> = None;
    for piece in pieces {
        let next = url(scheme, piece)?;
        match &mut all {
            None => all = Some(next),
            Some(all) => {
                all.hosts.extend(next.hosts);
                all.database = all.database.take().or(next.database);
                all.user = all.user.take().or(next.user);
            }
        }
    }
    let mut all = all.ok_or(NO_HOST)?;
    all.hosts.truncate(MOST_HOSTS);
    Ok(all)
}

/// Cuts `h1,scheme://h2` at each further `scheme://`.
pub(super) fn url_pieces(rest: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for (at, separator) in rest.match_indices("://") {
        let word = rest[from..at].bytes().rev().take(20).take_while(|byte| is_scheme_byte(*byte)).count();
        let before = rest[from..at - word].trim_end();
        if word > 0 && before.ends_with(',') {
            pieces.push(&before[..before.len() - 1]);
            from = at + separator.len();
        }
        if pieces.len() == MOST_HOSTS {
            return pieces;
        }
    }
    pieces.push(&rest[from..]);
    pieces
}

pub(super) fn url(scheme: &Scheme, rest: &str) -> Result<Address, Failure> {
    match scheme.name {
        "unix" => return socket(scheme, rest),
        "mysql" | "mariadb" | "tidb" | "singlestore" => {
            if let Some(found) = go_mysql(rest) {
                return found.map(|address| Address { scheme: scheme.name.to_owned(), ..address });
            }
            if let Some((user, groups)) = host_groups(rest) {
                return grouped(scheme, user, groups);
            }
        }
        "oracle" => {
            if let Some(at) = rest.to_ascii_lowercase().rfind("@(description") {
                let mut address = descriptor(&rest[at + 1..])?;
                address.user = user_of(&rest[..at], false);
                return Ok(address);
            }
        }
        _ => {}
    }
    let rest = if scheme.name == "db2" || scheme.name == "informix" { semicolons(rest) } else { rest.into() };
    let (front, properties) = split_properties(&rest);
    let web = matches!(scheme.name, "http" | "https");
    let cut = cut_userinfo(front)?;
    let mut options = Options::default();
    if scheme.store {
        let end = end_of_path(cut.tail);
        let (path, query) = (&cut.tail[..end], &cut.tail[end..]);
        options.read_path(path);
        options.read_query(query);
        for (key, value) in semicolon_pairs(properties).ok_or(BAD_OPTIONS)? {
            options.read(&key, &value);
        }
    }
    if let Some(odbc) = options.odbc.take()
        && let Some(address) = options_of(scheme, &odbc)?
    {
        return Ok(address);
    }
    let mut address = options.address(scheme, hosts_in(&cut.hosts)?)?;
    let tokens = matches!(scheme.name, "http" | "https" | "redis" | "nats");
    if let Some(user) = cut.user {
        let user = if cut.odd && user.find(':') > user.find(['/', '?', '#']) { "" } else { user };
        address.user = user_of(user, tokens).or(address.user);
    }
    if web || scheme.name == "sqs" {
        address.user = None;
    }
    Ok(address)
}

pub(super) fn socket(scheme: &Scheme, rest: &str) -> Result<Address, Failure> {
    let front = &rest[..rest.find('?').unwrap_or(rest.len())];
    let query = before_secret(&rest[front.len()..]);
    if query.contains('@') {
        return Err(UNCLEAR_PASSWORD);
    }
    let path = front.rfind('@').map_or(front, |at| &front[at + 1..]);
    if !path.starts_with('/') && front.contains([':', '@']) {
        return Err(BAD_HOST);
    }
    let hosts = vec![Host { name: decoded(path).into_owned(), port: None }];
    Ok(Address { scheme: scheme.name.to_owned(), hosts, database: None, user: None })
}

/// Parts user, hosts and tail. A password may hold raw `@`, `/`, `?` and `#`; where two readings are possible, and one
/// of them would show a piece of a password, it is an error.
pub(super) fn cut_userinfo(rest: &str) -> Result<Cut<'_>, Failure> {
    let (front, tail) = rest.split_at(end_of_authority(rest));
    if !tail.contains('@') || at_signs_are_harmless(tail) {
        return cut_plain(front, tail);
    }
    if front.contains('@') || !front.contains(':') || hosts_in(front).is_ok() {
        return Err(UNCLEAR_PASSWORD);
    }
    let at = before_secret(rest).rfind('@').ok_or(UNCLEAR_PASSWORD)?;
    let option = rest[..at].rfind(['?', '&']).map_or("", |from| &rest[from..at]);
    if option.contains('=') {
        return Err(UNCLEAR_PASSWORD);
    }
    let after = &rest[at + 1..];
    let (hosts, tail) = after.split_at(end_of_authority(after));
    Ok(Cut { user: Some(&rest[..at]), hosts: hosts.into(), tail, odd: true })
}

fn cut_plain<'a>(front: &'a str, tail: &'a str) -> Result<Cut<'a>, Failure> {
    let (Some(first), Some(last)) = (front.find('@'), front.rfind('@')) else {
        return Ok(Cut { user: None, hosts: front.into(), tail, odd: false });
    };
    if front[first..last].contains(',') {
        let hosts = without_repeated_user(front).ok_or(UNCLEAR_PASSWORD)?;
        return Ok(Cut { user: Some(&front[..first]), hosts, tail, odd: false });
    }
    Ok(Cut { user: Some(&front[..last]), hosts: front[last + 1..].into(), tail, odd: false })
}

/// `u:p@h1,u:p@h2` without its users, when every item has the same one.
pub(super) fn without_repeated_user(text: &str) -> Option<Cow<'_, str>> {
    let first = text.split(',').next()?;
    let user = &first[..=first.rfind('@')?];
    let mut bare = String::new();
    for item in text.split(',') {
        let host = item.trim().strip_prefix(user.trim_start())?;
        if host.contains('@') {
            return None;
        }
        bare.push_str(host);
        bare.push(',');
    }
    Some(bare.into())
}

/// Whether each `@` after the authority is a value of an option, so that none of them can end a password.
fn at_signs_are_harmless(tail: &str) -> bool {
    let (path, query) = tail.split_at(tail.find('?').unwrap_or(tail.len()));
    if path.contains('@') {
        return false;
    }
    query.trim_start_matches('?').split('&').filter(|option| option.contains('@')).all(|option| {
        let Some((key, _)) = option.split_once('=') else { return false };
        is_known_key(&key_of(key))
    })
}

/// What stands before the first option that holds a secret.
pub(super) fn before_secret(text: &str) -> &str {
    for (at, _) in text.match_indices(['?', '&', ';']) {
        let window: String = text[at + 1..].chars().take(40).collect();
        if window.split_once('=').is_some_and(|(key, _)| SECRET_KEYS.contains(&key_of(key).as_str())) {
            return &text[..at];
        }
    }
    text
}

/// `h:1433;databaseName=x;…` parted at its first `;`, unless that may lie within a password.
pub(super) fn split_properties(rest: &str) -> (&str, &str) {
    let Some((front, properties)) = rest.split_once(';') else { return (rest, "") };
    let key = properties.split(['=', ';']).next().unwrap_or("");
    let query = front.find('?').map_or("", |from| &front[from..]);
    if front.contains('@') || !query.is_empty() {
        return (rest, "");
    }
    if is_known_key(&key_of(key)) || !properties.contains('@') { (front, properties) } else { (rest, "") }
}

/// `h:50000/db:user=x;…` with the colon after the database made a semicolon.
fn semicolons(rest: &str) -> Cow<'_, str> {
    let Some(slash) = rest.find('/') else { return rest.into() };
    match rest[slash..].find(':') {
        Some(colon) if starts_with_key(&rest[slash + colon + 1..]) => {
            let colon = slash + colon;
            format!("{};{}", &rest[..colon], &rest[colon + 1..]).into()
        }
        _ => rest.into(),
    }
}

pub(super) fn end_of_authority(text: &str) -> usize {
    text.find(['/', '?', '#']).unwrap_or(text.len())
}

pub(super) fn end_of_path(text: &str) -> usize {
    text.find(['?', '#']).unwrap_or(text.len())
}

pub(super) fn without_scheme(text: &str) -> Result<Option<Address>, Failure> {
    if let Some(found) = go_mysql(text) {
        return found.map(Some);
    }
    if starts_with_key(text) {
        return bare_options(text);
    }
    redis_list(text)
}

/// `user:password@tcp(host:3306)/db?…`, as Go's MySQL driver reads it: from the right.
pub(super) fn go_mysql(text: &str) -> Option<Result<Address, Failure>> {
    let close = text.rfind(")/")?;
    let open = text[..close].rfind('(')?;
    let front = &text[..open];
    let net_at = front.rfind('@').map_or(0, |at| at + 1);
    let net = &front[net_at..];
    if !matches!(net, "tcp" | "tcp4" | "tcp6" | "unix" | "cloudsql" | "cloudsql-mysql") {
        return None;
    }
    let place = &text[open + 1..close];
    let tail = &text[close + 1..];
    if tail.contains('@') {
        return Some(Err(UNCLEAR_PASSWORD));
    }
    let hosts = match net {
        "unix" => Ok(vec![Host { name: decoded(place).into_owned(), port: None }]),
        "cloudsql" | "cloudsql-mysql" => Ok(vec![Host { name: format!("/cloudsql/{place}"), port: None }]),
        _ => hosts_in(place),
    };
    let user = net_at.checked_sub(1).map(|at| &front[..at]);
    Some(hosts.and_then(|hosts| {
        Ok(Address {
            scheme: "mysql".to_owned(),
            hosts,
            database: database(&tail[1..end_of_path(tail)])?,
            user: user.and_then(|user| user_of(user, false)),
        })
    }))
}

/// `h:6380,password=…,ssl=True`, as StackExchange.Redis reads it.
fn redis_list(text: &str) -> Result<Option<Address>, Failure> {
    let Some(equals) = text.find('=') else { return Ok(None) };
    let Some(comma) = text[..equals].rfind(',') else { return Ok(None) };
    let options = text[comma + 1..].split(',').filter_map(|item| item.split_once('='));
    let telling = ["password", "ssl", "abortconnect", "defaultdatabase", "allowadmin", "connecttimeout"];
    if !options.take(MOST_HOSTS).any(|(key, _)| telling.contains(&key_of(key).as_str())) {
        return Ok(None);
    }
    if text[..comma].contains('@') {
        return Err(UNCLEAR_PASSWORD);
    }
    let hosts = hosts_in(&text[..comma])?;
    Ok(Some(Address { scheme: "redis".to_owned(), hosts, database: None, user: None }))
}
