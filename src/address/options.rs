//! `key=value` lists, alone or behind an address: libpq, ADO.NET, ODBC, PDO, queries. Only known keys are read.

use super::host::{checked_database, decoded, hosts_in, user_of};
use super::java::{descriptor, easy_connect};
use super::scheme::{Scheme, scheme_called};
use super::url::cut_userinfo;
use super::{Address, BAD_HOST, BAD_OPTIONS, Failure, Host, MOST_HOSTS, NO_HOST, UNKNOWN_DRIVER};

const HOST_KEYS: &[&str] = &[
    "host",
    "hostname",
    "server",
    "servername",
    "datasource",
    "addr",
    "address",
    "networkaddress",
    "unixsocket",
    "unixsock",
];
const PORT_KEYS: &[&str] = &["port", "portnumber", "dbsport"];
const DATABASE_KEYS: &[&str] = &[
    "database",
    "dbname",
    "databasename",
    "initialcatalog",
    "db",
    "servicename",
    "sid",
    "entitypath",
    "keyspace",
];
const USER_KEYS: &[&str] = &["user", "username", "userid", "uid"];
/// Names of a server that the driver looks up elsewhere.
const ALIAS_KEYS: &[&str] = &["service", "dsn", "hostaddr", "accountname"];
const ENDPOINT_KEYS: &[&str] = &["endpoint", "accountendpoint"];
pub(super) const SECRET_KEYS: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "pwd",
    "secret",
    "token",
    "auth",
    "authtoken",
    "accesstoken",
    "apikey",
    "accountkey",
    "sharedaccesskey",
    "clientsecret",
    "sslpassword",
    "sslkeypassword",
    "truststorepassword",
    "keystorepassword",
    "keypassword",
    "privatekeypwd",
    "secretkey",
    "sentinelpassword",
    "secretaccesskey",
];
/// Options of drivers whose values may well hold an `@`.
const PLAIN_KEYS: &[&str] = &[
    "applicationname",
    "fallbackapplicationname",
    "appname",
    "app",
    "name",
    "email",
    "account",
    "role",
    "options",
    "principal",
    "clientid",
    "clientname",
    "warehouse",
    "authsource",
    "authmechanismproperties",
    "krbsrvname",
    "sslcert",
    "sslkey",
    "sslrootcert",
    "tlscafile",
    "tlscertificatekeyfile",
    "odbcconnect",
    "servicename",
    "serviceaccount",
    "impersonateserviceaccount",
    "loginhint",
    "tags",
    "proxyuser",
    "proxypassword",
];

/// The options of an address that are read at all.
#[derive(Default)]
pub(super) struct Options {
    pub(super) hosts: Option<String>,
    port: Option<String>,
    database: Option<String>,
    user: Option<String>,
    alias: Option<String>,
    endpoint: Option<String>,
    driver: Option<String>,
    /// A whole ODBC list, decoded, as SQLAlchemy passes it on.
    pub(super) odbc: Option<String>,
    /// The key that named the host.
    host_key: String,
    /// How many of the keys belong to connection strings.
    recognised: usize,
}

impl Options {
    pub(super) fn read(&mut self, key: &str, value: &str) {
        let key = key_of(key);
        let value = value.trim();
        let is = |keys: &[&str]| keys.contains(&key.as_str());
        self.recognised += usize::from(is_known_key(&key));
        if value.is_empty() {
            return;
        }
        if is(HOST_KEYS) {
            self.hosts = Some(value.to_owned());
            self.host_key = key;
        } else if is(PORT_KEYS) {
            self.port = Some(value.to_owned());
        } else if is(DATABASE_KEYS) {
            self.database = Some(value.to_owned());
        } else if is(USER_KEYS) {
            self.user = Some(value.to_owned());
        } else if is(ALIAS_KEYS) {
            self.alias = Some(value.to_owned());
        } else if is(ENDPOINT_KEYS) {
            self.endpoint = Some(value.to_owned());
            self.host_key = key;
        } else if key == "driver" {
            self.driver = Some(value.to_ascii_lowercase());
        } else if key == "odbcconnect" {
            self.odbc = Some(value.to_owned());
        }
    }

    /// The path of a URL: the database, or Teradata's `DATABASE=x,USER=…`.
    pub(super) fn read_path(&mut self, path: &str) {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.split(';').next().unwrap_or(path);
        if path.contains('=') {
            for (key, value) in path.split(',').filter_map(|item| item.split_once('=')) {
                self.read(key, value);
            }
        } else if !path.is_empty() {
            self.database = Some(decoded(path).into_owned());
        }
    }

    /// `?key=value&…`. A repeated `host` adds up.
    pub(super) fn read_query(&mut self, query: &str) {
        let Some(query) = query.strip_prefix('?') else { return };
        for (key, value) in query.split('&').filter_map(|option| option.split_once('=')) {
            let key = decoded(key);
            if key_of(&key) == "odbcconnect" {
                self.odbc = Some(decoded(value).replace('+', " "));
                continue;
            }
            let value = value.split([';', '#', '?']).next().unwrap_or("");
            let earlier = self.hosts.take();
            self.read(&key, &decoded(value));
            self.hosts = match (earlier, self.hosts.take()) {
                (Some(mut all), Some(next)) if all.len() < 64 * 256 => {
                    all.push(',');
                    all.push_str(&next);
                    Some(all)
                }
                (earlier, next) => earlier.or(next),
            };
        }
    }

    /// The address: the options' hosts, where there are any, before those of the authority.
    pub(super) fn address(self, scheme: &Scheme, hosts: Vec<Host>) -> Result<Address, Failure> {
        let mut hosts = match &self.hosts {
            Some(named) => hosts_in(named)?,
            None => hosts,
        };
        if let Some(alias) = self.alias.as_deref().filter(|_| hosts.is_empty()) {
            hosts = hosts_in(alias)?;
        }
        if let Some(ports) = &self.port {
            give_ports(&mut hosts, ports)?;
        }
        Ok(Address {
            scheme: scheme.name.to_owned(),
            hosts,
            database: self.database.as_deref().map_or(Ok(None), checked_database)?,
            user: self.user.as_deref().and_then(|user| user_of(user, false)),
        })
    }
}

/// libpq's `port=1,2`: one for all hosts, or one for each.
fn give_ports(hosts: &mut Vec<Host>, ports: &str) -> Result<(), Failure> {
    let ports: Result<Vec<Option<u16>>, _> = ports
        .split(',')
        .take(MOST_HOSTS)
        .map(str::trim)
        .map(|port| if port.is_empty() { Ok(None) } else { port.parse().map(Some) })
        .collect();
    let ports = ports.map_err(|_| BAD_HOST)?;
    if hosts.is_empty() {
        hosts.push(Host { name: String::new(), port: None });
    }
    for (index, host) in hosts.iter_mut().enumerate() {
        let port = if ports.len() == 1 { ports.first() } else { ports.get(index) };
        host.port = host.port.or(port.copied().flatten());
    }
    Ok(())
}

/// A list of options whose scheme only they tell: libpq's, ADO.NET's, ODBC's.
pub(super) fn bare_options(text: &str) -> Result<Option<Address>, Failure> {
    if let Some(pairs) = libpq_pairs(text) {
        let options = Options::of(&pairs);
        if options.hosts.is_none() && options.alias.is_none() && options.database.is_none() {
            return if options.recognised > 1 { Err(NO_HOST) } else { Ok(None) };
        }
        let scheme = scheme_called("postgres").ok_or(UNKNOWN_DRIVER)?;
        return options.address(scheme, Vec::new()).map(Some);
    }
    let Some(pairs) = semicolon_pairs(text) else {
        let keys = text.split([';', ' ']).filter_map(|item| item.split_once('=')).map(|(key, _)| key_of(key));
        return if keys.filter(|key| is_known_key(key)).take(2).count() > 1 {
            Err(BAD_OPTIONS)
        } else {
            Ok(None)
        };
    };
    let options = Options::of(&pairs);
    if options.names_a_file() {
        return Ok(None);
    }
    match options.scheme() {
        Some(scheme) => options.server_address(scheme).map(Some),
        None if options.recognised > 1 => Err(NO_HOST),
        None => Ok(None),
    }
}

/// `mysql:host=…;port=…`: a list of options whose scheme is known.
pub(super) fn options_of(scheme: &Scheme, text: &str) -> Result<Option<Address>, Failure> {
    let pairs = libpq_pairs(text).or_else(|| semicolon_pairs(text)).ok_or(BAD_OPTIONS)?;
    Options::of(&pairs).server_address(scheme).map(Some)
}

impl Options {
    fn of(pairs: &[(String, String)]) -> Options {
        let mut options = Options::default();
        for (key, value) in pairs {
            options.read(key, value);
        }
        options
    }

    /// What kind of server a list of options speaks of; `None` when it names none.
    fn scheme(&self) -> Option<&'static Scheme> {
        let port = self.port.as_deref().unwrap_or("");
        let driver = self.driver.as_deref().unwrap_or("");
        let drivers = [
            ("sql server", "sqlserver"),
            ("freetds", "sqlserver"),
            ("postgres", "postgres"),
            ("psql", "postgres"),
            ("maria", "mariadb"),
            ("mysql", "mysql"),
            ("oracle", "oracle"),
            ("db2", "db2"),
            ("snowflake", "snowflake"),
            ("redshift", "redshift"),
            ("databricks", "databricks"),
            ("simba spark", "databricks"),
            ("clickhouse", "clickhouse"),
            ("vertica", "vertica"),
            ("teradata", "teradata"),
        ];
        let named = drivers.iter().find(|(word, _)| driver.contains(word)).map(|(_, scheme)| *scheme);
        let hosts = self.hosts.as_deref().unwrap_or("");
        let guessed = match self.host_key.as_str() {
            "endpoint" => "amqp",
            "accountendpoint" => "cosmosdb",
            "host" | "hostname" if port == "3306" => "mysql",
            "host" | "hostname" => "postgres",
            _ if is_oracle_place(hosts) => "oracle",
            "" if self.alias.is_none() => return None,
            "" if self.recognised > 1 => "sqlserver",
            "" => return None,
            _ if port == "5432" => "postgres",
            _ if !port.is_empty() => "mysql",
            _ => "sqlserver",
        };
        scheme_called(named.unwrap_or(guessed))
    }

    /// An ADO.NET list may as well open a file.
    fn names_a_file(&self) -> bool {
        let Some(place) = self.hosts.as_deref().map(str::to_ascii_lowercase) else { return false };
        let ends = [".db", ".db3", ".sqlite", ".sqlite3", ".mdb", ".accdb", ".sdf", ".xls", ".xlsx", ".csv"];
        self.host_key == "datasource"
            && (place == ":memory:"
                || place.contains("|datadirectory|")
                || ends.iter().any(|end| place.ends_with(end)))
    }

    /// The address of a list whose server may be written as ADO.NET does: `tcp:h,1433`, `np:\\h\pipe\x`.
    fn server_address(mut self, scheme: &Scheme) -> Result<Address, Failure> {
        if let Some(endpoint) = self.endpoint.take() {
            let (_, rest) = endpoint.split_once("://").unwrap_or(("", &endpoint));
            let cut = cut_userinfo(rest)?;
            let hosts = hosts_in(&cut.hosts)?;
            return self.address(scheme, hosts);
        }
        if scheme.name == "oracle" && self.hosts.is_none() {
            self.hosts = self.database.take_if(|name| name.contains(['/', '(', ':']));
        }
        let Some(server) = self.hosts.take() else {
            return self.address(scheme, Vec::new());
        };
        if is_oracle_place(&server) && scheme.name == "oracle" {
            let found = if server.starts_with('(') { descriptor(&server) } else { easy_connect(&server) };
            let user = self.user.as_deref().and_then(|user| user_of(user, false));
            return found.map(|found| Address { user, ..found });
        }
        let mut place = server.as_str();
        for protocol in ["tcp:", "np:", "lpc:", "admin:"] {
            if place.get(..protocol.len()).is_some_and(|word| word.eq_ignore_ascii_case(protocol)) {
                place = place[protocol.len()..].trim_start();
            }
        }
        if let Some(pipe) = place.strip_prefix(r"\\") {
            place = pipe.split('\\').next().unwrap_or(pipe);
        }
        if let Some((name, port)) = place.rsplit_once(',')
            && let Ok(port) = port.trim().parse::<u16>()
        {
            self.port = Some(port.to_string());
            place = name;
        }
        self.hosts = Some(place.to_owned());
        self.address(scheme, Vec::new())
    }
}

fn is_oracle_place(server: &str) -> bool {
    let lower = server.to_ascii_lowercase();
    (lower.starts_with('(') && !lower.starts_with("(local"))
        || lower.starts_with("//")
        || lower.contains(":1521")
}

/// libpq's list: `host=h password='it\'s'`. `None` when it is not one.
pub(super) fn libpq_pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim_end();
        if !key
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.".contains(&byte))
        {
            return None;
        }
        let after = after.trim_start();
        let quoted = after.starts_with('\'');
        let (value, after) = libpq_value(after)?;
        // A semicolon right there makes it a list of the other kind.
        if after.starts_with(';') || (pairs.is_empty() && !quoted && value.contains(';')) {
            return None;
        }
        pairs.push((key.to_owned(), value));
        rest = after.trim_start();
    }
    (!pairs.is_empty()).then_some(pairs)
}

/// One value, quoted or not, and what follows it.
fn libpq_value(text: &str) -> Option<(String, &str)> {
    let quoted = text.strip_prefix('\'');
    let body = quoted.unwrap_or(text);
    let mut value = String::new();
    let mut letters = body.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            '\'' if quoted.is_some() => return Some((value, &body[at + 1..])),
            letter if quoted.is_none() && letter.is_whitespace() => return Some((value, &body[at..])),
            letter => value.push(letter),
        }
    }
    quoted.is_none().then_some((value, ""))
}

/// `Key=value;Other="quo;ted";Third={bra;ced}`. `None` when a quote is left open or a value's end is unclear.
pub(super) fn semicolon_pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while !rest.trim().is_empty() {
        let end = rest.find(['=', ';']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let Some(after) = after.strip_prefix('=') else {
            rest = after.strip_prefix(';').unwrap_or("");
            continue;
        };
        let after = after.trim_start();
        let close = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => Some(quote),
            Some('{') => Some('}'),
            _ => None,
        };
        let (value, next) = match close {
            Some(close) => {
                let (value, next) = quoted_value(&after[1..], close)?;
                let next = next.trim_start();
                (value, if next.is_empty() { "" } else { next.strip_prefix(';')? })
            }
            None => {
                after.split_once(';').map_or((after.to_owned(), ""), |(value, next)| (value.to_owned(), next))
            }
        };
        pairs.push((key.trim().to_owned(), value));
        rest = next;
    }
    Some(pairs)
}

/// A value up to `close`; a doubled `close` stands for itself.
fn quoted_value(text: &str, close: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != close {
            value.push(letter);
        } else if letters.next_if(|(_, next)| *next == close).is_some() {
            value.push(close);
        } else {
            return Some((value, &text[at + 1..]));
        }
    }
    None
}

/// A key as it is compared: lower-case, without spaces, `_`, `-` and `.`.
pub(super) fn key_of(key: &str) -> String {
    let letters = key.chars().filter(|letter| !matches!(letter, ' ' | '_' | '-' | '.'));
    // No known key is longer; a longer one stays unlike all of them.
    letters.take(40).map(|letter| letter.to_ascii_lowercase()).collect()
}

pub(super) fn is_known_key(key: &str) -> bool {
    [HOST_KEYS, PORT_KEYS, DATABASE_KEYS, USER_KEYS, ALIAS_KEYS, ENDPOINT_KEYS, SECRET_KEYS, PLAIN_KEYS]
        .iter()
        .any(|keys| keys.contains(&key))
}

pub(super) fn starts_with_key(text: &str) -> bool {
    text.split_once('=').is_some_and(|(key, _)| {
        let key = key.trim();
        key.starts_with(|first: char| first.is_ascii_alphabetic())
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_- .".contains(&byte))
    })
}
