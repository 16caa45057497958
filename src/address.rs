//! A connection string in, what it points at out: scheme, hosts, database and user. It never gives out a password:
//! where it can't be told for certain where a password ends, it says so instead of guessing.
//!
//! Options (`?key=value`, `key=value;`) are read by an allow-list of keys; nothing else of them is passed on.

mod host;
mod java;
mod loose;
mod options;
mod scheme;
#[cfg(test)]
mod tests;
mod url;

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use host::{host, hosts_in};
use java::java_address;
use options::{is_known_key, key_of, options_of, starts_with_key};
use scheme::{scheme_and_body, scheme_called};
use url::{
    cut_userinfo, end_of_authority, go_mysql, several_urls, socket, split_properties, url_pieces,
    without_repeated_user, without_scheme,
};

/// The most hosts one address yields; what follows is dropped.
const MOST_HOSTS: usize = 64;

const UNCLEAR_PASSWORD: &str = "can't be told where its password ends";
const BAD_HOST: &str = "names a host or port that can't be read";
const BAD_DATABASE: &str = "names a database that can't be read";
const BAD_OPTIONS: &str = "has options that can't be read";
const NO_HOST: &str = "names no host";
const UNKNOWN_DRIVER: &str = "names a driver that is not known";

/// One host of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The name as written, percent-decoded, without brackets, user and port; a socket's path starts with `/`. A
    /// server instance stays with it (`db1\PROD`). A driver's own name for a server (a TNS alias, an ODBC DSN, a
    /// libpq service) stands here too when no host is named.
    pub name: String,
    pub port: Option<u16>,
}

/// What a connection string points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The normalised scheme: `postgres` for `postgresql+psycopg2`, `redis` for `rediss`, `http`, `ssh`, `unix`, …
    pub scheme: String,
    /// Empty when the driver's default (this machine) is meant.
    pub hosts: Vec<Host>,
    pub database: Option<String>,
    /// Never with a password; `None` too where it could itself be a token.
    pub user: Option<String>,
}

/// The names in an address that can be judged each on its own. No password is ever one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pieces {
    /// Without sockets, whose paths say nothing of what is behind them.
    pub hosts: Vec<Host>,
    pub databases: Vec<String>,
    pub users: Vec<String>,
}

/// What came of taking a connection string apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    Address(Address),
    /// Not an address of a data store, broker or http(s), tcp, ssh or unix endpoint.
    Other,
    /// An address of that sort that can't be taken apart; why, as the end of a sentence, without any of the value.
    Broken(&'static str),
}

/// Takes a connection string apart: a URL, a JDBC or R2DBC address, a libpq, ADO.NET, ODBC or PDO list of options, or
/// a Go MySQL name. Total on any input and linear in its length.
pub fn parse(text: &str) -> Parsed {
    let text = unquoted(text);
    if let Some(java) = java_body(text) {
        return parsed(java_address(java));
    }
    let Some((scheme, body)) = scheme_and_body(text) else { return parsed(without_scheme(text)) };
    let Some(known) = scheme_called(scheme) else {
        return if body.starts_with("//") && go_mysql(text).is_none() {
            Parsed::Other
        } else {
            parsed(without_scheme(text))
        };
    };
    if let Some(rest) = body.strip_prefix("//") {
        let socket_word = scheme.len() > 6 && scheme.to_ascii_lowercase().ends_with("socket");
        let found = if socket_word { socket(known, rest) } else { several_urls(known, rest) };
        return parsed(found.map(Some));
    }
    if known.name == "unix" && body.starts_with('/') && !body.starts_with("//") {
        return parsed(socket(known, body).map(Some));
    }
    if known.store && starts_with_key(body) {
        return parsed(options_of(known, body));
    }
    parsed(without_scheme(text))
}

/// Reads a comma list of hosts as in `KAFKA_BROKERS` or `PGHOST`. A scheme, brackets and spaces are tolerated, users
/// are cut, and what can't be read as a host is left out.
pub fn hosts(text: &str) -> Vec<Host> {
    match parse(text) {
        Parsed::Address(address) => return address.hosts,
        Parsed::Broken(_) => return Vec::new(),
        Parsed::Other => {}
    }
    let text = unquoted(text);
    if let Some(rest) = scheme_and_body(text).and_then(|(_, body)| body.strip_prefix("//")) {
        let mut all = Vec::new();
        for piece in url_pieces(rest) {
            let found = cut_userinfo(split_properties(piece).0).and_then(|cut| hosts_in(&cut.hosts));
            all.extend(found.unwrap_or_default());
        }
        all.truncate(MOST_HOSTS);
        return all;
    }
    if text.contains('=') {
        return hosts_before_options(text).unwrap_or_default();
    }
    let bare = without_repeated_user(text)
        .unwrap_or_else(|| Cow::Borrowed(text.rfind('@').map_or(text, |at| &text[at + 1..])));
    bare.split([',', ';', ' ', '\t', '\n', '\r'])
        .filter(|item| !item.is_empty())
        .filter_map(|item| {
            let end = if item.starts_with('/') { item.len() } else { end_of_authority(item) };
            host(&item[..end])
        })
        .take(MOST_HOSTS)
        .collect()
}

/// The pieces of any text that is meant to be an address, a bare host (`prod:5432`) as well as one of a scheme nobody
/// knows. Where [`parse`] can't be certain it guesses, so the pieces are to be judged, not connected to.
pub fn pieces(text: &str) -> Pieces {
    match parse(text) {
        Parsed::Address(address) => address.pieces(),
        Parsed::Other | Parsed::Broken(_) => loose::pieces(text).without_sockets(),
    }
}

/// An address as it may be shown: the same text, with every password replaced by `***`.
pub fn without_secrets(text: &str) -> String {
    loose::without_secrets(text)
}

/// Any text as it may be shown: the values of `password=…` and the like replaced by `***`.
pub fn without_secret_settings(text: &str) -> String {
    loose::without_secret_settings(text)
}

/// Lines with quoted words in them, such as TOML, as they may be shown or kept: passwords in quoted addresses and the
/// quoted values of `password = …` and the like replaced by `***`. What was valid stays valid.
pub fn quoted_without_secrets(text: &str) -> String {
    loose::quoted_without_secrets(text)
}

/// The hosts of `h1:6380,h2,name=x`; anything after the first option may be part of a secret.
fn hosts_before_options(text: &str) -> Option<Vec<Host>> {
    let (front, value) = text.split_once('=')?;
    let (front, key) = front.rsplit_once(',')?;
    if value.contains('@') && !is_known_key(&key_of(key)) {
        return None;
    }
    hosts_in(front).ok()
}

/// Whether something stands where a URL has its host. The user and the password before it end at the last `@` there.
pub fn names_host(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    !host.is_empty() && !host.starts_with(':')
}

/// Whether a host is this machine: `localhost` and names under it, 127.*, `::1`, the unspecified addresses, nothing at
/// all, a socket's path. A Cloud SQL socket (`/cloudsql/…`) is not: it leads elsewhere and its name says where.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim().trim_start_matches('[').trim_end_matches(']');
    if host.starts_with('/') {
        return !host.starts_with("/cloudsql/");
    }
    let name = host.split('\\').next().unwrap_or(host).trim_end_matches('.').to_ascii_lowercase();
    if name.is_empty() || name == "(local)" || name == "(localdb)" {
        return true;
    }
    if name == "localhost" || name == "localhost.localdomain" || name.ends_with(".localhost") {
        return true;
    }
    if let Ok(address) = name.split('%').next().unwrap_or(&name).parse::<Ipv6Addr>() {
        return match address.to_ipv4_mapped() {
            Some(v4) => here(v4),
            None => address.is_loopback() || address.is_unspecified(),
        };
    }
    match name.parse::<Ipv4Addr>() {
        Ok(v4) => here(v4),
        // Resolvers take `127.1` for 127.0.0.1.
        Err(_) => name.starts_with("127.") && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'),
    }
}

fn here(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

impl Address {
    /// Whether the scheme is a data store's or a broker's.
    pub fn is_store(&self) -> bool {
        scheme_called(&self.scheme).is_some_and(|scheme| scheme.store)
    }

    /// The port the scheme's drivers use when none is named.
    pub fn default_port(&self) -> Option<u16> {
        scheme_called(&self.scheme).and_then(|scheme| scheme.port)
    }

    /// Hosts and database as a person may see them: `h1,h2:6543/db`, a port only where it is not the default one.
    /// Never user or password. It is foreign text: escape it for where it goes.
    pub fn shown(&self) -> String {
        let default = self.default_port();
        let mut shown = String::new();
        for (index, host) in self.hosts.iter().enumerate() {
            if index > 0 {
                shown.push(',');
            }
            let port = host.port.filter(|port| Some(*port) != default);
            shown.push_str(&Host { name: host.name.clone(), port }.to_string());
        }
        if let Some(database) = &self.database {
            shown.push('/');
            shown.push_str(database);
        }
        shown.replace('@', "%40")
    }
}

impl Address {
    /// The names in it. Of a database with a schema behind it (`DB/SCHEMA`) the database alone.
    pub fn pieces(&self) -> Pieces {
        let database = self.database.as_deref().and_then(|path| path.split('/').next());
        let databases = database.filter(|name| !name.is_empty()).map(str::to_owned).into_iter().collect();
        let users = self.user.iter().cloned().collect();
        Pieces { hosts: self.hosts.clone(), databases, users }.without_sockets()
    }
}

impl Pieces {
    /// A socket's directory says nothing, except that Cloud SQL's is named for the instance behind it.
    fn without_sockets(mut self) -> Pieces {
        for host in &mut self.hosts {
            if let Some(instance) = host.name.strip_prefix("/cloudsql/") {
                host.name = instance.to_owned();
            }
        }
        self.hosts.retain(|host| !host.name.is_empty() && !host.name.starts_with('/'));
        self
    }
}

/// `name`, `name:5432`, `[::1]:5432`.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.split('%').next().is_some_and(|name| name.parse::<Ipv6Addr>().is_ok()) {
            true => write!(f, "[{}]", self.name)?,
            false => f.write_str(&self.name)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

type Failure = &'static str;

fn parsed(result: Result<Option<Address>, Failure>) -> Parsed {
    match result {
        Ok(Some(address)) => Parsed::Address(address),
        Ok(None) => Parsed::Other,
        Err(why) => Parsed::Broken(why),
    }
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)) {
            return inner.trim();
        }
    }
    text
}

fn java_body(text: &str) -> Option<&str> {
    let (prefix, body) = scheme_and_body(text)?;
    ["jdbc", "r2dbc", "r2dbcs"].iter().any(|java| java.eq_ignore_ascii_case(prefix)).then_some(body)
}
