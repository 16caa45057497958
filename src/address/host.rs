//! The pieces that are alike in every address: a host, a database, a user. What can't be one is refused, not mended.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use super::{BAD_DATABASE, BAD_HOST, Failure, Host, MOST_HOSTS};

pub(super) fn hosts_in(text: &str) -> Result<Vec<Host>, Failure> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.take(MOST_HOSTS).map(|item| host(item).ok_or(BAD_HOST)).collect()
}

/// `name`, `name:port`, `[::1]:port`, `::1`, `/socket`, `%2Fsocket`; `None` when it is none of them.
pub(super) fn host(item: &str) -> Option<Host> {
    let item = item.trim();
    if item.starts_with('/') || item.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%2f")) {
        let (path, port) = match item.rsplit_once(':').map(|(path, port)| (path, port.parse())) {
            Some((path, Ok(port))) => (path, Some(port)),
            _ => (item, None),
        };
        return Some(Host { name: decoded(path).into_owned(), port });
    }
    if let Some(open) = item.strip_prefix('[') {
        let (inside, after) = open.split_once(']')?;
        let name = decoded(inside);
        let number = name.split('%').next().unwrap_or("");
        let zone = name.get(number.len()..).unwrap_or("");
        number.parse::<Ipv6Addr>().ok()?;
        let plain = zone.bytes().skip(1).all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        return plain.then_some(Host { name: name.clone().into_owned(), port: port(after)? });
    }
    if item.parse::<Ipv6Addr>().is_ok() {
        return Some(Host { name: item.to_owned(), port: None });
    }
    let end = item.find(':').unwrap_or(item.len());
    let name = decoded(&item[..end]);
    is_name(&name).then_some(())?;
    Some(Host { name: name.into_owned(), port: port(&item[end..])? })
}

/// `:5432`, `:` or nothing; `None` for anything else.
pub(super) fn port(text: &str) -> Option<Option<u16>> {
    match text.strip_prefix(':') {
        None if text.is_empty() => Some(None),
        Some("") => Some(None),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok().map(Some),
        _ => None,
    }
}

fn is_name(name: &str) -> bool {
    let name = match name.get(..6) {
        Some(start) if start.eq_ignore_ascii_case("(local") => {
            name[6..].trim_start_matches("db").trim_start_matches(')')
        }
        _ => name,
    };
    !name.contains(|letter: char| {
        letter.is_whitespace() || letter.is_control() || "@/?#:[]=&;,'\"()`".contains(letter)
    })
}

pub(super) fn database(text: &str) -> Result<Option<String>, Failure> {
    checked_database(&decoded(text.split(';').next().unwrap_or(text)))
}

/// A database's name that is none of these: empty, an address with a password of its own.
pub(super) fn checked_database(name: &str) -> Result<Option<String>, Failure> {
    let name = name.trim().trim_matches('/');
    if name.contains("://") || name.contains(['=', '(', ')']) {
        return Err(BAD_DATABASE);
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

/// The user before the first `:`. `tokens`: this scheme's clients take a lone user for a token.
pub(super) fn user_of(userinfo: &str, tokens: bool) -> Option<String> {
    let user = decoded(userinfo.split(':').next().unwrap_or(""));
    let lone = userinfo.split_once(':').is_none_or(|(_, password)| password.is_empty());
    let user = user.split(':').next().unwrap_or("").trim();
    let odd = user
        .contains(|letter: char| letter.is_whitespace() || letter.is_control() || "/?#[]=".contains(letter));
    let unfit = user.is_empty() || odd || (tokens && lone) || looks_like_token(user);
    (!unfit).then(|| user.to_owned())
}

fn looks_like_token(user: &str) -> bool {
    let known = [
        "ghp_",
        "gho_",
        "ghs_",
        "ghu_",
        "github_pat_",
        "glpat-",
        "xox",
        "sk-",
        "sk_",
        "akia",
        "asia",
        "dapi",
    ];
    let known =
        known.iter().any(|start| user.get(..start.len()).is_some_and(|u| u.eq_ignore_ascii_case(start)));
    let digits = user.bytes().filter(u8::is_ascii_digit).count();
    let long = user.len() >= 24 && digits >= 3 && user.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (known && digits >= 1 && user.len() >= 16) || long || user.starts_with("eyJ") || user.starts_with("hvs.")
}

/// Percent-decoded; an invalid escape stays, and so does all of it when the result is no UTF-8.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digit = |index: usize| bytes.get(index).and_then(|byte| char::from(*byte).to_digit(16));
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.extend(u8::try_from(high * 16 + low));
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}
