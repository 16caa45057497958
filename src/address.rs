//! A connection string in, what it points at out: scheme, hosts, database and user. It never gives out a password:
//! where it can't be told for certain where a password ends, it says so instead of guessing.
//!
//! Options (`?key=value`, `key=value;`) are read by an allow-list of keys; nothing else of them is passed on.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

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

/// What came of taking a connection string apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    Address(Address),
    /// Not an address of a data store, broker or http(s), tcp, ssh or unix endpoint.
    Other,
    /// An address of that sort that can't be taken apart; why, as the end of a sentence, without any of the value.
    Broken(&'static str),
}

struct Scheme {
    name: &'static str,
    store: bool,
    port: Option<u16>,
    /// Every way it is written, lower-case, before any `+driver`.
    spellings: &'static [&'static str],
}

const fn store(name: &'static str, port: u16, spellings: &'static [&'static str]) -> Scheme {
    Scheme { name, store: true, port: if port == 0 { None } else { Some(port) }, spellings }
}

const fn endpoint(name: &'static str, port: u16, spellings: &'static [&'static str]) -> Scheme {
    Scheme { name, store: false, port: if port == 0 { None } else { Some(port) }, spellings }
}

#[rustfmt::skip]
const SCHEMES: &[Scheme] = &[
    store("postgres", 5432, &["postgres", "postgresql", "pgsql", "pg", "postgis", "timescaledb", "timescale", "greenplum", "pgx", "pgx4", "pgx5"]),
    store("mysql", 3306, &["mysql", "mysql2", "trilogy", "vitess", "aurora"]),
    store("mysqlx", 33060, &["mysqlx"]),
    store("mariadb", 3306, &["mariadb"]),
    store("singlestore", 3306, &["singlestore", "singlestoredb", "memsql"]),
    store("tidb", 4000, &["tidb"]),
    store("mongodb", 27017, &["mongodb", "mongo"]),
    store("redis", 6379, &["redis", "rediss", "valkey", "valkeys", "sentinel", "keydb", "dragonfly", "redis-socket", "redis-cluster", "redis-sentinel"]),
    store("amqp", 5672, &["amqp", "amqps", "rabbitmq", "pyamqp", "sb"]),
    store("kafka", 9092, &["kafka", "kafkas"]),
    store("nats", 4222, &["nats"]),
    store("clickhouse", 9000, &["clickhouse", "clickhousedb", "clickhouses", "ch"]),
    store("sqlserver", 1433, &["sqlserver", "mssql", "sqlsrv", "azuresql", "dblib", "tds", "tinytds", "jtds"]),
    store("oracle", 1521, &["oracle", "oracledb", "oci", "oci8", "oracle_enhanced", "oracle-enhanced"]),
    store("cockroachdb", 26257, &["cockroachdb", "cockroach", "crdb"]),
    store("yugabytedb", 5433, &["yugabytedb", "yugabyte"]),
    store("materialize", 6875, &["materialize"]),
    store("cassandra", 9042, &["cassandra"]),
    store("scylla", 9042, &["scylla", "scylladb"]),
    store("neo4j", 7687, &["neo4j", "bolt"]),
    store("couchbase", 11210, &["couchbase", "couchbases"]),
    store("couchdb", 5984, &["couchdb", "couchdbs"]),
    store("memcached", 11211, &["memcached", "memcache", "pymemcache", "pylibmc"]),
    store("snowflake", 443, &["snowflake"]),
    store("databricks", 443, &["databricks"]),
    store("redshift", 5439, &["redshift"]),
    store("bigquery", 0, &["bigquery"]),
    store("athena", 0, &["athena", "awsathena"]),
    store("dynamodb", 0, &["dynamodb"]),
    store("cosmosdb", 443, &["cosmosdb"]),
    store("azurestorage", 443, &["azurestorage"]),
    store("spanner", 0, &["spanner", "cloudspanner"]),
    store("sqs", 0, &["sqs"]),
    store("trino", 8080, &["trino"]),
    store("presto", 8080, &["presto", "prestodb"]),
    store("druid", 8082, &["druid"]),
    store("hive", 10000, &["hive", "hive2"]),
    store("impala", 21050, &["impala"]),
    store("phoenix", 2181, &["phoenix"]),
    store("ignite", 10800, &["ignite"]),
    store("db2", 50000, &["db2", "ibm_db_sa", "as400"]),
    store("vertica", 5433, &["vertica"]),
    store("teradata", 1025, &["teradata", "teradatasql"]),
    store("informix", 9088, &["informix", "informix-sqli"]),
    store("sybase", 5000, &["sybase"]),
    store("hana", 30015, &["hana", "sap", "hdb"]),
    store("exasol", 8563, &["exasol", "exa"]),
    store("firebird", 3050, &["firebird", "firebirdsql"]),
    store("monetdb", 50000, &["monetdb"]),
    store("h2", 9092, &["h2"]),
    store("hsqldb", 9001, &["hsqldb"]),
    store("derby", 1527, &["derby"]),
    store("crate", 4200, &["crate"]),
    store("elasticsearch", 9200, &["elasticsearch", "es", "elastic"]),
    store("opensearch", 9200, &["opensearch"]),
    store("solr", 8983, &["solr"]),
    store("influxdb", 8086, &["influxdb", "influxdbs", "influx"]),
    store("etcd", 2379, &["etcd", "etcds"]),
    store("zookeeper", 2181, &["zookeeper", "zk"]),
    store("rethinkdb", 28015, &["rethinkdb"]),
    store("arangodb", 8529, &["arangodb", "arango"]),
    store("surrealdb", 8000, &["surrealdb"]),
    store("edgedb", 5656, &["edgedb", "gel"]),
    store("dgraph", 9080, &["dgraph"]),
    store("libsql", 8080, &["libsql"]),
    store("aerospike", 3000, &["aerospike"]),
    store("tarantool", 3301, &["tarantool"]),
    store("milvus", 19530, &["milvus"]),
    store("qdrant", 6333, &["qdrant"]),
    store("starrocks", 9030, &["starrocks"]),
    store("doris", 9030, &["doris"]),
    store("pulsar", 6650, &["pulsar"]),
    store("mqtt", 1883, &["mqtt", "mqtts"]),
    store("stomp", 61613, &["stomp", "stomps"]),
    store("nsq", 4150, &["nsq"]),
    store("beanstalk", 11300, &["beanstalk", "beanstalkd"]),
    store("rocketmq", 9876, &["rocketmq"]),
    endpoint("http", 80, &["http"]),
    endpoint("https", 443, &["https"]),
    endpoint("tcp", 0, &["tcp", "tcp4", "tcp6", "tls", "ssl"]),
    endpoint("ssh", 22, &["ssh"]),
    endpoint("unix", 0, &["unix", "npipe"]),
];

/// Stores that live in a file or in memory: nothing that production could be behind.
const EMBEDDED: &[&str] = &["sqlite", "sqlite3", "duckdb", "file", "ucanaccess", "tc"];

/// Words that stand before the real scheme of a Java address.
const WRAPPERS: &[&str] = &["pool", "proxy", "log4jdbc", "p6spy", "otel", "tracing", "aws-wrapper", "jtds"];

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
const SECRET_KEYS: &[&str] = &[
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

/// The hosts of `h1:6380,h2,name=x`; anything after the first option may be part of a secret.
fn hosts_before_options(text: &str) -> Option<Vec<Host>> {
    let (front, value) = text.split_once('=')?;
    let (front, key) = front.rsplit_once(',')?;
    if value.contains('@') && !is_known_key(&key_of(key)) {
        return None;
    }
    hosts_in(front).ok()
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
            let six = host.name.contains(':') && !host.name.starts_with('/');
            if six {
                shown.push('[');
            }
            shown.push_str(&host.name);
            if six {
                shown.push(']');
            }
            if let Some(port) = host.port.filter(|port| Some(*port) != default) {
                shown.push_str(&format!(":{port}"));
            }
        }
        if let Some(database) = &self.database {
            shown.push('/');
            shown.push_str(database);
        }
        shown.replace('@', "%40")
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

fn scheme_called(word: &str) -> Option<&'static Scheme> {
    let word = word.split('+').next().unwrap_or(word);
    SCHEMES.iter().find(|scheme| scheme.spellings.iter().any(|spelling| spelling.eq_ignore_ascii_case(word)))
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

/// `scheme:body`, when the text starts like that.
fn scheme_and_body(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !is_scheme_byte(byte))?;
    let body = text[end..].strip_prefix(':')?;
    text.starts_with(|first: char| first.is_ascii_alphabetic()).then_some((&text[..end], body))
}

fn java_body(text: &str) -> Option<&str> {
    let (prefix, body) = scheme_and_body(text)?;
    ["jdbc", "r2dbc", "r2dbcs"].iter().any(|java| java.eq_ignore_ascii_case(prefix)).then_some(body)
}

// ---- text without a scheme ----

fn without_scheme(text: &str) -> Result<Option<Address>, Failure> {
    if let Some(found) = go_mysql(text) {
        return found.map(Some);
    }
    if starts_with_key(text) {
        return bare_options(text);
    }
    redis_list(text)
}

/// `user:password@tcp(host:3306)/db?…`, as Go's MySQL driver reads it: from the right.
fn go_mysql(text: &str) -> Option<Result<Address, Failure>> {
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

// ---- URLs ----

/// Where the user ends and what stands around it.
struct Cut<'a> {
    user: Option<&'a str>,
    hosts: Cow<'a, str>,
    /// From the first `/`, `?` or `#` after the hosts.
    tail: &'a str,
    /// The password held a delimiter, so that nothing of the user can be trusted but its start.
    odd: bool,
}

/// One URL, or several of one scheme joined by commas (`nats://h1,nats://h2`).
fn several_urls(scheme: &Scheme, rest: &str) -> Result<Address, Failure> {
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
fn url_pieces(rest: &str) -> Vec<&str> {
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

fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+.-_".contains(&byte)
}

fn url(scheme: &Scheme, rest: &str) -> Result<Address, Failure> {
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

fn socket(scheme: &Scheme, rest: &str) -> Result<Address, Failure> {
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
fn cut_userinfo(rest: &str) -> Result<Cut<'_>, Failure> {
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
fn without_repeated_user(text: &str) -> Option<Cow<'_, str>> {
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
fn before_secret(text: &str) -> &str {
    for (at, _) in text.match_indices(['?', '&', ';']) {
        let window: String = text[at + 1..].chars().take(40).collect();
        if window.split_once('=').is_some_and(|(key, _)| SECRET_KEYS.contains(&key_of(key).as_str())) {
            return &text[..at];
        }
    }
    text
}

/// `h:1433;databaseName=x;…` parted at its first `;`, unless that may lie within a password.
fn split_properties(rest: &str) -> (&str, &str) {
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

fn end_of_authority(text: &str) -> usize {
    text.find(['/', '?', '#']).unwrap_or(text.len())
}

fn end_of_path(text: &str) -> usize {
    text.find(['?', '#']).unwrap_or(text.len())
}

// ---- Java ----

fn java_address(body: &str) -> Result<Option<Address>, Failure> {
    let mut body = body;
    for _ in 0..4 {
        match scheme_and_body(body) {
            Some((word, rest))
                if !rest.starts_with("//") && WRAPPERS.iter().any(|w| w.eq_ignore_ascii_case(word)) =>
            {
                body = rest;
            }
            _ => break,
        }
    }
    let (word, rest) = scheme_and_body(body).ok_or(UNKNOWN_DRIVER)?;
    if EMBEDDED.iter().any(|embedded| embedded.eq_ignore_ascii_case(word)) {
        return Ok(None);
    }
    let scheme = scheme_called(word).ok_or(UNKNOWN_DRIVER)?;
    if scheme.name == "oracle" && !rest.starts_with("//") {
        return oracle(rest).map(Some);
    }
    let mut rest = rest;
    let mut mode = "";
    // `mysql:loadbalance://`, `redshift:iam://`, `h2:tcp://`, `sybase:Tds:`.
    for _ in 0..3 {
        match scheme_and_body(rest) {
            Some((word, next)) if !rest.starts_with("//") => (mode, rest) = (word, next),
            _ => break,
        }
    }
    let embeds = matches!(scheme.name, "h2" | "hsqldb" | "derby");
    match rest.strip_prefix("//") {
        Some(_) if embeds && mode.eq_ignore_ascii_case("file") => Ok(None),
        Some(rest) => {
            let rest = rest.strip_prefix("https://").unwrap_or(rest);
            url(scheme, rest).map(Some)
        }
        None if embeds => Ok(None),
        None if scheme.name == "sybase" && mode.eq_ignore_ascii_case("tds") => Err(UNKNOWN_DRIVER),
        // `jdbc:postgresql:db` is the database of that name on this machine.
        None if scheme.name == "postgres" && mode.is_empty() => url(scheme, &format!("/{rest}")).map(Some),
        None => Err(UNKNOWN_DRIVER),
    }
}

/// `thin:@//h:1521/service`, `thin:user/password@h:1521:SID`, `oci:@(DESCRIPTION=…)`, `thin:@alias`.
fn oracle(body: &str) -> Result<Address, Failure> {
    let (_, body) = body.split_once(':').ok_or(NO_HOST)?;
    let visible = before_secret(body);
    let at = visible.rfind('@').ok_or(NO_HOST)?;
    if visible.starts_with('@') && at > 0 {
        return Err(UNCLEAR_PASSWORD);
    }
    let user = body[..at].split('/').next().and_then(|user| user_of(user, false));
    let place = &body[at + 1..];
    let address = if place.trim_start().starts_with('(') { descriptor(place) } else { easy_connect(place) }?;
    Ok(Address { user, ..address })
}

/// `//h1,h2:1521/service`, `h:1521:SID` or a name that `tnsnames.ora` knows.
fn easy_connect(place: &str) -> Result<Address, Failure> {
    let place = place.split_once("//").map_or(place, |(_, place)| place);
    let place = &place[..end_of_path(place)];
    let (front, service) = place.split_once('/').unwrap_or((place, ""));
    let service = service.split([':', '/', ';']).next().unwrap_or("");
    let (front, service) = match front.rsplit_once(':') {
        Some((head, sid)) if service.is_empty() && !front.starts_with('[') && head.contains(':') => {
            (head, sid)
        }
        _ => (front, service),
    };
    let hosts = hosts_in(front)?;
    if hosts.is_empty() {
        return Err(NO_HOST);
    }
    Ok(Address { scheme: "oracle".to_owned(), hosts, database: database(service)?, user: None })
}

/// `(DESCRIPTION=(ADDRESS=(HOST=h)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=x)))`.
fn descriptor(text: &str) -> Result<Address, Failure> {
    let mut found = Places::default();
    let mut service = None;
    for item in text.split('(') {
        let Some((key, value)) = item.split_once('=') else { continue };
        let value = value.split(')').next().unwrap_or("").trim();
        match key_of(key).as_str() {
            "address" => found.begin(),
            "host" => found.host(value),
            "port" => found.port(value),
            "servicename" | "sid" => service = Some(value),
            _ => {}
        }
    }
    let hosts = found.hosts()?;
    let database = service.map_or(Ok(None), database)?;
    Ok(Address { scheme: "oracle".to_owned(), hosts, database, user: None })
}

/// Hosts and ports that arrive one by one, in any order within one place.
#[derive(Default)]
struct Places<'a>(Vec<(Option<&'a str>, Option<&'a str>)>);

impl<'a> Places<'a> {
    fn begin(&mut self) {
        if self.0.last().is_none_or(|place| *place != (None, None)) {
            self.0.push((None, None));
        }
    }

    fn host(&mut self, name: &'a str) {
        match self.0.last_mut() {
            Some(place) if place.0.is_none() => place.0 = Some(name),
            _ => self.0.push((Some(name), None)),
        }
    }

    fn port(&mut self, port: &'a str) {
        match self.0.last_mut() {
            Some(place) if place.1.is_none() => place.1 = Some(port),
            _ => self.0.push((None, Some(port))),
        }
    }

    fn hosts(self) -> Result<Vec<Host>, Failure> {
        let named = self.0.into_iter().filter_map(|(name, port)| Some((name?, port)));
        let hosts: Option<Vec<Host>> = named
            .take(MOST_HOSTS)
            .map(|(name, port)| {
                let mut host = host(name)?;
                if let Some(port) = port {
                    host.port = Some(port.parse().ok()?);
                }
                Some(host)
            })
            .collect();
        hosts.filter(|hosts| !hosts.is_empty()).ok_or(BAD_HOST)
    }
}

/// The user and the groups of `user:password@address=(host=h)(port=1),(host=h2,port=2)/db`, if it looks like that.
fn host_groups(rest: &str) -> Option<(Option<&str>, &str)> {
    let lower = rest.to_ascii_lowercase();
    let starts = |text: &str| {
        let text = text.trim_start_matches('[');
        ["address=(", "(host", "(port", "(address", "(type", "(protocol"].iter().any(|s| text.starts_with(s))
    };
    if starts(&lower) {
        return Some((None, rest));
    }
    let open = lower.find('(')?;
    let at = lower[..open].rfind('@')?;
    starts(&lower[at + 1..]).then(|| (Some(&rest[..at]), &rest[at + 1..]))
}

fn grouped(scheme: &Scheme, user: Option<&str>, groups: &str) -> Result<Address, Failure> {
    let mut found = Places::default();
    let mut rest = groups;
    found.begin();
    loop {
        let trimmed = rest.trim_start_matches(['[', ']', ',', ' ']);
        if trimmed.len() < rest.len() {
            found.begin();
        }
        rest = trimmed;
        if rest.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("address=")) {
            found.begin();
            rest = &rest[8..];
        }
        let Some(group) = rest.strip_prefix('(') else { break };
        let (inside, after) = group.split_once(')').ok_or(BAD_HOST)?;
        for (key, value) in inside.split(',').filter_map(|item| item.split_once('=')) {
            match key_of(key).as_str() {
                "host" => found.host(value.trim()),
                "port" => found.port(value.trim()),
                // What follows a secret in its group may still belong to it.
                key if SECRET_KEYS.contains(&key) => break,
                _ => {}
            }
        }
        rest = after;
    }
    if !(rest.is_empty() || rest.starts_with(['/', '?']))
        || rest.contains(')')
        || rest[..end_of_path(rest)].contains(['(', '@'])
    {
        return Err(UNCLEAR_PASSWORD);
    }
    let mut options = Options::default();
    let end = end_of_path(rest);
    options.read_path(&rest[..end]);
    options.read_query(&rest[end..]);
    options.hosts = None;
    let mut address = options.address(scheme, found.hosts()?)?;
    address.user = user.and_then(|user| user_of(user, false)).or(address.user);
    Ok(address)
}

// ---- options ----

/// The options of an address that are read at all.
#[derive(Default)]
struct Options {
    hosts: Option<String>,
    port: Option<String>,
    database: Option<String>,
    user: Option<String>,
    alias: Option<String>,
    endpoint: Option<String>,
    driver: Option<String>,
    /// A whole ODBC list, decoded, as SQLAlchemy passes it on.
    odbc: Option<String>,
    /// The key that named the host.
    host_key: String,
    /// How many of the keys belong to connection strings.
    recognised: usize,
}

impl Options {
    fn read(&mut self, key: &str, value: &str) {
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
    fn read_path(&mut self, path: &str) {
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
    fn read_query(&mut self, query: &str) {
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
    fn address(self, scheme: &Scheme, hosts: Vec<Host>) -> Result<Address, Failure> {
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
fn bare_options(text: &str) -> Result<Option<Address>, Failure> {
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
fn options_of(scheme: &Scheme, text: &str) -> Result<Option<Address>, Failure> {
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
fn libpq_pairs(text: &str) -> Option<Vec<(String, String)>> {
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
fn semicolon_pairs(text: &str) -> Option<Vec<(String, String)>> {
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
fn key_of(key: &str) -> String {
    let letters = key.chars().filter(|letter| !matches!(letter, ' ' | '_' | '-' | '.'));
    // No known key is longer; a longer one stays unlike all of them.
    letters.take(40).map(|letter| letter.to_ascii_lowercase()).collect()
}

fn is_known_key(key: &str) -> bool {
    [HOST_KEYS, PORT_KEYS, DATABASE_KEYS, USER_KEYS, ALIAS_KEYS, ENDPOINT_KEYS, SECRET_KEYS, PLAIN_KEYS]
        .iter()
        .any(|keys| keys.contains(&key))
}

fn starts_with_key(text: &str) -> bool {
    text.split_once('=').is_some_and(|(key, _)| {
        let key = key.trim();
        key.starts_with(|first: char| first.is_ascii_alphabetic())
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_- .".contains(&byte))
    })
}

// ---- pieces ----

fn hosts_in(text: &str) -> Result<Vec<Host>, Failure> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.take(MOST_HOSTS).map(|item| host(item).ok_or(BAD_HOST)).collect()
}

/// `name`, `name:port`, `[::1]:port`, `::1`, `/socket`, `%2Fsocket`; `None` when it is none of them.
fn host(item: &str) -> Option<Host> {
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
fn port(text: &str) -> Option<Option<u16>> {
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

fn database(text: &str) -> Result<Option<String>, Failure> {
    checked_database(&decoded(text.split(';').next().unwrap_or(text)))
}

/// A database's name that is none of these: empty, an address with a password of its own.
fn checked_database(name: &str) -> Result<Option<String>, Failure> {
    let name = name.trim().trim_matches('/');
    if name.contains("://") || name.contains(['=', '(', ')']) {
        return Err(BAD_DATABASE);
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

/// The user before the first `:`. `tokens`: this scheme's clients take a lone user for a token.
fn user_of(userinfo: &str, tokens: bool) -> Option<String> {
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
fn decoded(text: &str) -> Cow<'_, str> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str) -> String {
        match parse(text) {
            Parsed::Other => "other".to_owned(),
            Parsed::Broken(why) => format!("broken: {why}"),
            Parsed::Address(address) => {
                let hosts: Vec<String> = address.hosts.iter().map(named).collect();
                format!(
                    "{} [{}] {} {} | {}",
                    address.scheme,
                    hosts.join(" "),
                    address.database.as_deref().unwrap_or("-"),
                    address.user.as_deref().unwrap_or("-"),
                    address.shown()
                )
            }
        }
    }

    fn named(host: &Host) -> String {
        host.port.map_or_else(|| host.name.clone(), |port| format!("{}:{port}", host.name))
    }

    /// A connection string; scheme, hosts, database and user read from it | what is shown.
    #[rustfmt::skip]
    const ROWS: &[(&str, &str)] = &[
        ("postgres://app:s3cret@db.prod.acme.example:5432/orders", "postgres [db.prod.acme.example:5432] orders app | db.prod.acme.example/orders"),
        ("postgresql://app:s3cret@db.prod.acme.example:6543/orders?sslmode=require", "postgres [db.prod.acme.example:6543] orders app | db.prod.acme.example:6543/orders"),
        ("POSTGRES://app:s3cret@DB.example/Orders", "postgres [DB.example] Orders app | DB.example/Orders"),
        ("postgresql+psycopg2://app:pw@db1/orders", "postgres [db1] orders app | db1/orders"),
        ("postgresql+asyncpg://app:pw@db1:5433/orders", "postgres [db1:5433] orders app | db1:5433/orders"),
        ("postgres://db1", "postgres [db1] - - | db1"),
        ("postgres://db1/", "postgres [db1] - - | db1"),
        ("postgres:///orders", "postgres [] orders - | /orders"),
        ("postgres://", "postgres [] - - | "),
        ("postgres:///orders?host=prod-db&port=5433", "postgres [prod-db:5433] orders - | prod-db:5433/orders"),
        ("postgres:///orders?host=/var/run/postgresql", "postgres [/var/run/postgresql] orders - | /var/run/postgresql/orders"),
        ("postgres://localhost/orders?host=prod-db", "postgres [prod-db] orders - | prod-db/orders"),
        ("postgres://%2Fvar%2Frun%2Fpostgresql/orders", "postgres [/var/run/postgresql] orders - | /var/run/postgresql/orders"),
        ("postgres://app@%2Fcloudsql%2Fproj%3Aeu%3Aprod-db/orders", "postgres [/cloudsql/proj:eu:prod-db] orders app | /cloudsql/proj:eu:prod-db/orders"),
        ("postgres://app:pw@h1,h2:6543,h3:5432/orders?target_session_attrs=any", "postgres [h1 h2:6543 h3:5432] orders app | h1,h2:6543,h3/orders"),
        ("postgres:///orders?host=h1,h2&port=5432,6543", "postgres [h1:5432 h2:6543] orders - | h1,h2:6543/orders"),
        ("postgresql+psycopg://app@/orders?host=h1:5432&host=h2:6543", "postgres [h1:5432 h2:6543] orders app | h1,h2:6543/orders"),
        ("postgres://app:pw@[2001:db8::1]:6543/orders", "postgres [2001:db8::1:6543] orders app | [2001:db8::1]:6543/orders"),
        ("postgres://[::1]/orders", "postgres [::1] orders - | [::1]/orders"),
        ("postgres://app:pw@[fe80::1%25eth0]:5432/x", "postgres [fe80::1%eth0:5432] x app | [fe80::1%eth0]/x"),
        ("postgres://[nonsense]/x", "broken: names a host or port that can't be read"),
        ("postgres://app:p%40ss@db1/or%64ers", "postgres [db1] orders app | db1/orders"),
        ("postgres://ap%3Ap:pw@db1/x", "postgres [db1] x ap | db1/x"),
        ("postgres://app:pw@db%2dprod/x%zz", "postgres [db-prod] x%zz app | db-prod/x%zz"),
        (r#""postgres://app:pw@db1/x""#, "postgres [db1] x app | db1/x"),
        ("  'postgres://app:pw@db1/x'  ", "postgres [db1] x app | db1/x"),
        ("postgres://app:p@ss@db1/x", "postgres [db1] x app | db1/x"),
        ("postgres://app:p/ss@db1/x", "postgres [db1] x app | db1/x"),
        ("postgres://app:p#ss@db1/x?sslmode=disable", "postgres [db1] x app | db1/x"),
        ("postgres://app:p?ss@db1/x?sslmode=disable", "postgres [db1] x app | db1/x"),
        ("postgres://app:p:ss@db1/x", "postgres [db1] x app | db1/x"),
        ("postgres://app:p[s]s@db1/x", "postgres [db1] x app | db1/x"),
        ("postgres://app:p ss%@db1/x", "postgres [db1] x app | db1/x"),
        ("postgres://app:p@s/s@db1/x", "broken: can't be told where its password ends"),
        ("postgres://app:12/34@db1/x", "broken: can't be told where its password ends"),
        ("postgres://app:12?34@db1/x", "broken: can't be told where its password ends"),
        ("postgres://app:/34@db1/x", "broken: can't be told where its password ends"),
        ("postgres://app/34@db1/x", "broken: can't be told where its password ends"),
        ("postgres://db1/x?user=me@corp.example&password=p@ss/w?rd", "postgres [db1] x me@corp.example | db1/x"),
        ("postgres://db1:5432/x?options=a@b", "postgres [db1:5432] x - | db1/x"),
        ("postgres://db1/x?odd=a@b", "broken: can't be told where its password ends"),
        ("postgres://db1:5432/x?odd=a@b", "broken: can't be told where its password ends"),
        ("postgres://app:secret", "broken: names a host or port that can't be read"),
        ("postgres://app:99999@", "postgres [] - app | "),
        ("postgres://db1:99999/x", "broken: names a host or port that can't be read"),
        ("postgres://db1:54x2/x", "broken: names a host or port that can't be read"),
        ("postgres://app%3Apw%40db1/x", "broken: names a host or port that can't be read"),
        ("postgres://app@server:pw@server.postgres.database.azure.com:5432/x", "postgres [server.postgres.database.azure.com:5432] x app@server | server.postgres.database.azure.com/x"),
        ("postgres://app@db1/x?password=a&host=db2", "postgres [db2] x app | db2/x"),
        ("postgres://db1/x?password=p#q&dbname=y", "postgres [db1] y - | db1/y"),
        ("postgres://db1/postgres://app:pw@db2/x", "broken: can't be told where its password ends"),
        ("postgres://${DB_USER}:${DB_PASS}@${DB_HOST}:5432/x", "postgres [${DB_HOST}:5432] x ${DB_USER} | ${DB_HOST}/x"),
        ("cockroachdb://root@crdb-prod:26257/bank", "cockroachdb [crdb-prod:26257] bank root | crdb-prod/bank"),
        ("redshift://u:p@c.eu.redshift.amazonaws.com:5439/dw", "redshift [c.eu.redshift.amazonaws.com:5439] dw u | c.eu.redshift.amazonaws.com/dw"),
        ("mysql://app:pw@db1/shop", "mysql [db1] shop app | db1/shop"),
        ("mysql2://app:pw@db1:3307/shop?encoding=utf8", "mysql [db1:3307] shop app | db1:3307/shop"),
        ("mysql+pymysql://app:pw@db1/shop?charset=utf8mb4", "mysql [db1] shop app | db1/shop"),
        ("mariadb+mariadbconnector://app:pw@db1/shop", "mariadb [db1] shop app | db1/shop"),
        ("mysql://app:pw@tcp(db1:3307)/shop?parseTime=true", "mysql [db1:3307] shop app | db1:3307/shop"),
        ("app:pw@tcp(db1:3306)/shop?parseTime=true", "mysql [db1:3306] shop app | db1/shop"),
        ("app:p@/(:x@tcp(db1)/shop", "mysql [db1] shop app | db1/shop"),
        ("app@unix(/var/run/mysqld.sock)/shop", "mysql [/var/run/mysqld.sock] shop app | /var/run/mysqld.sock/shop"),
        ("tcp(db1:3306)/shop", "mysql [db1:3306] shop - | db1/shop"),
        ("app:pw@cloudsql(proj:eu:prod)/shop", "mysql [/cloudsql/proj:eu:prod] shop app | /cloudsql/proj:eu:prod/shop"),
        ("app:pw@tcp([::1]:3306)/shop", "mysql [::1:3306] shop app | [::1]/shop"),
        ("app:pw@tcp(db1:3306)/shop?x=a@b", "broken: can't be told where its password ends"),
        ("mysql://app:pw@x(y)/z@db1/shop", "broken: can't be told where its password ends"),
        ("mongodb://app:pw@m1:27017,m2:27018,m3/shop?replicaSet=rs0", "mongodb [m1:27017 m2:27018 m3] shop app | m1,m2:27018,m3/shop"),
        ("mongodb+srv://app:pw@cluster0.prod.mongodb.net/shop?retryWrites=true", "mongodb [cluster0.prod.mongodb.net] shop app | cluster0.prod.mongodb.net/shop"),
        ("mongodb://m1/?authSource=admin", "mongodb [m1] - - | m1"),
        ("redis://:pw@cache-prod:6379/0", "redis [cache-prod:6379] 0 - | cache-prod/0"),
        ("rediss://default:pw@cache-prod:6380", "redis [cache-prod:6380] - default | cache-prod:6380"),
        ("redis://token123@cache-prod", "redis [cache-prod] - - | cache-prod"),
        ("redis://cache-prod?password=x@y/z", "redis [cache-prod] - - | cache-prod"),
        ("redis+sentinel://:pw@s1:26379,s2:26379/mymaster/0", "redis [s1:26379 s2:26379] mymaster/0 - | s1:26379,s2:26379/mymaster/0"),
        ("valkey://cache-prod", "redis [cache-prod] - - | cache-prod"),
        ("redis+socket:///run/redis.sock", "redis [/run/redis.sock] - - | /run/redis.sock"),
        ("unix://:pw@/run/redis.sock?db=0", "unix [/run/redis.sock] - - | /run/redis.sock"),
        ("cache-prod:6380,password=a@b/c,ssl=True,abortConnect=False", "redis [cache-prod:6380] - - | cache-prod:6380"),
        ("amqp://guest:guest@mq-prod/%2F", "amqp [mq-prod] - guest | mq-prod"),
        ("amqps://u:p@mq-prod:5671/vhost", "amqp [mq-prod:5671] vhost u | mq-prod:5671/vhost"),
        ("amqp://u:p@mq1:5672,amqp://u:p@mq2:5672/v", "amqp [mq1:5672 mq2:5672] v u | mq1,mq2/v"),
        ("amqp://u:p@mq1:5672,u:p@mq2:5672/v", "amqp [mq1:5672 mq2:5672] v u | mq1,mq2/v"),
        ("amqp://u:p@mq1:5672,v:q@mq2:5672/v", "broken: can't be told where its password ends"),
        ("pyamqp://u:p@mq1//", "amqp [mq1] - u | mq1"),
        ("Endpoint=sb://bus-prod.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey=abc/d=;EntityPath=orders", "amqp [bus-prod.servicebus.windows.net] orders - | bus-prod.servicebus.windows.net/orders"),
        ("AccountEndpoint=https://cosmos-prod.documents.azure.com:443/;AccountKey=abc==;", "cosmosdb [cosmos-prod.documents.azure.com:443] - - | cosmos-prod.documents.azure.com"),
        ("kafka://b1:9092,b2:9093/topic", "kafka [b1:9092 b2:9093] topic - | b1,b2:9093/topic"),
        ("kafka+ssl://u:p@b1", "kafka [b1] - u | b1"),
        ("nats://u:p@n1:4222,nats://u:p@n2:4223", "nats [n1:4222 n2:4223] - u | n1,n2:4223"),
        ("nats://s3cr3t@n1", "nats [n1] - - | n1"),
        ("clickhouse://u:p@ch-prod:9440/logs", "clickhouse [ch-prod:9440] logs u | ch-prod:9440/logs"),
        ("clickhouse+native://u:p@ch-prod/logs", "clickhouse [ch-prod] logs u | ch-prod/logs"),
        ("sqlserver://sa:p;w@db1:1433?database=orders", "sqlserver [db1:1433] orders sa | db1/orders"),
        ("sqlserver://sa:pw@db1/SQLEXPRESS?database=orders", "sqlserver [db1] orders sa | db1/orders"),
        ("sqlserver://db1:1433;database=orders;user=sa;password={p;w@x};encrypt=true", "sqlserver [db1:1433] orders sa | db1/orders"),
        ("mssql+pyodbc://sa:pw@db1/orders?driver=ODBC+Driver+17", "sqlserver [db1] orders sa | db1/orders"),
        ("mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BODBC+Driver+17%7D%3BSERVER%3Ddb1%2C1434%3BDATABASE%3Dorders%3BUID%3Dsa%3BPWD%3Dp%40w", "sqlserver [db1:1434] orders sa | db1:1434/orders"),
        ("oracle://scott:tiger@db1:1521/ORCL", "oracle [db1:1521] ORCL scott | db1/ORCL"),
        ("oracle+cx_oracle://scott:tiger@db1:1521/?service_name=ORCL", "oracle [db1:1521] ORCL scott | db1/ORCL"),
        ("oracle+oracledb://scott:ti@er@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db1)(PORT=1521))(CONNECT_DATA=(SID=X)))", "oracle [db1:1521] X scott | db1/X"),
        ("cassandra://u:p@c1,c2/ks", "cassandra [c1 c2] ks u | c1,c2/ks"),
        ("scylla://c1", "scylla [c1] - - | c1"),
        ("neo4j+s://u:p@graph-prod.databases.neo4j.io", "neo4j [graph-prod.databases.neo4j.io] - u | graph-prod.databases.neo4j.io"),
        ("bolt://u:p@g1:7687", "neo4j [g1:7687] - u | g1"),
        ("couchbases://u:p@cb1/bucket", "couchbase [cb1] bucket u | cb1/bucket"),
        ("memcached://m1:11211,m2:11211", "memcached [m1:11211 m2:11211] - - | m1,m2"),
        ("snowflake://u:p@acme-prod/DB/SCHEMA?warehouse=wh", "snowflake [acme-prod] DB/SCHEMA u | acme-prod/DB/SCHEMA"),
        ("trino://u:p@trino-prod:8443/hive/sales", "trino [trino-prod:8443] hive/sales u | trino-prod:8443/hive/sales"),
        ("presto://u@presto1/hive", "presto [presto1] hive u | presto1/hive"),
        ("db2://u:p@db1:50000/S", "db2 [db1:50000] S u | db1/S"),
        ("vertica://u:p@v1/dw", "vertica [v1] dw u | v1/dw"),
        ("elasticsearch://u:p@es1,es2/idx", "elasticsearch [es1 es2] idx u | es1,es2/idx"),
        ("opensearch://os1", "opensearch [os1] - - | os1"),
        ("influxdb://u:p@i1:8086/m", "influxdb [i1:8086] m u | i1/m"),
        ("etcd://e1:2379,e2:2379", "etcd [e1:2379 e2:2379] - - | e1,e2"),
        ("zookeeper://z1,z2,z3:2181/kafka", "zookeeper [z1 z2 z3:2181] kafka - | z1,z2,z3/kafka"),
        ("pulsar+ssl://p1:6651", "pulsar [p1:6651] - - | p1:6651"),
        ("mqtts://u:p@mq1:8883", "mqtt [mq1:8883] - u | mq1:8883"),
        ("stomp://u:p@mq1", "stomp [mq1] - u | mq1"),
        ("bigquery://acme-prod/sales", "bigquery [acme-prod] sales - | acme-prod/sales"),
        ("sqs://AKIAIOSFODNN7EXAMPLE:secret@", "sqs [] - - | "),
        ("jdbc:postgresql://h1:5432,h2:6543/orders?user=app&password=p@s/s", "postgres [h1:5432 h2:6543] orders app | h1,h2:6543/orders"),
        ("jdbc:postgresql:orders", "postgres [] orders - | /orders"),
        ("JDBC:POSTGRESQL://db1/orders", "postgres [db1] orders - | db1/orders"),
        (r#"jdbc:sqlserver://db1\PROD:1433;databaseName=orders;user=sa;password=p@s/s?x#y"#, r#"sqlserver [db1\PROD:1433] orders sa | db1\PROD/orders"#),
        ("jdbc:sqlserver://;serverName=db1;portNumber=1434;databaseName=orders", "sqlserver [db1:1434] orders - | db1:1434/orders"),
        ("jdbc:jtds:sqlserver://db1:1433/orders;user=sa;password=p@w", "sqlserver [db1:1433] orders sa | db1/orders"),
        ("jdbc:oracle:thin:@//db1:1521/orders.prod", "oracle [db1:1521] orders.prod - | db1/orders.prod"),
        ("jdbc:oracle:thin:@db1:1521:ORCL", "oracle [db1:1521] ORCL - | db1/ORCL"),
        ("jdbc:oracle:thin:@db1:1521/svc", "oracle [db1:1521] svc - | db1/svc"),
        ("jdbc:oracle:thin:scott/ti@g/er@db1:1521:ORCL", "oracle [db1:1521] ORCL scott | db1/ORCL"),
        ("jdbc:oracle:thin:@tcps://db1:2484/svc", "oracle [db1:2484] svc - | db1:2484/svc"),
        ("jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS_LIST=(ADDRESS=(PROTOCOL=TCP)(HOST=db1)(PORT=1521))(ADDRESS=(PORT=1522)(HOST=db2)))(CONNECT_DATA=(SERVICE_NAME=orders)))", "oracle [db1:1521 db2:1522] orders - | db1,db2:1522/orders"),
        ("jdbc:oracle:thin:@PRODDB?TNS_ADMIN=/etc", "oracle [PRODDB] - - | PRODDB"),
        ("jdbc:oracle:oci:@db1", "oracle [db1] - - | db1"),
        ("jdbc:mysql://app:p;w@db1:3306/shop", "mysql [db1:3306] shop app | db1/shop"),
        ("jdbc:mysql:loadbalance://h1,h2:3307/shop?user=u&password=p", "mysql [h1 h2:3307] shop u | h1,h2:3307/shop"),
        ("jdbc:mysql:replication://h1,h2/shop", "mysql [h1 h2] shop - | h1,h2/shop"),
        ("jdbc:mysql://address=(host=db1)(port=3307)(user=u)(password=p@/x)/shop", "mysql [db1:3307] shop - | db1:3307/shop"),
        ("jdbc:mysql://u:p@x@address=(host=db1)(port=3306),address=(port=3308)(host=db2)/shop", "mysql [db1:3306 db2:3308] shop u | db1,db2:3308/shop"),
        ("jdbc:mysql://(host=db1,port=3309,user=u,password=p)/shop", "mysql [db1:3309] shop - | db1:3309/shop"),
        ("jdbc:mysql://[(host=db1),(host=db2,port=3307)]/shop?user=me", "mysql [db1 db2:3307] shop me | db1,db2:3307/shop"),
        ("jdbc:mariadb:sequential://h1,h2/shop", "mariadb [h1 h2] shop - | h1,h2/shop"),
        ("jdbc:aws-wrapper:mysql://db1/shop", "mysql [db1] shop - | db1/shop"),
        ("jdbc:snowflake://acme.snowflakecomputing.com/?db=PROD&user=me&password=x", "snowflake [acme.snowflakecomputing.com] PROD me | acme.snowflakecomputing.com/PROD"),
        ("jdbc:redshift:iam://c:5439/dw", "redshift [c:5439] dw - | c/dw"),
        ("jdbc:db2://db1:50000/S:user=u;password=p@w;", "db2 [db1:50000] S u | db1/S"),
        ("jdbc:hive2://h1,h2/db;principal=hive/_HOST@REALM", "hive [h1 h2] db - | h1,h2/db"),
        ("jdbc:clickhouse:http://ch1:8123/logs", "clickhouse [ch1:8123] logs - | ch1:8123/logs"),
        ("jdbc:databricks://h.cloud.databricks.com:443/default;httpPath=sql;PWD=dapi", "databricks [h.cloud.databricks.com:443] default - | h.cloud.databricks.com/default"),
        ("jdbc:teradata://td1/DATABASE=sales,USER=u,PASSWORD=p/w", "teradata [td1] sales u | td1/sales"),
        ("jdbc:h2:mem:test", "other"),
        ("jdbc:h2:tcp://h1/~/test", "h2 [h1] ~/test - | h1/~/test"),
        ("jdbc:sqlite:/tmp/x.db", "other"),
        ("jdbc:tc:postgresql:15:///x", "other"),
        ("jdbc:strange://db1/x", "broken: names a driver that is not known"),
        ("jdbc:", "broken: names a driver that is not known"),
        ("r2dbc:postgresql://app:pw@db1/orders", "postgres [db1] orders app | db1/orders"),
        ("r2dbc:pool:mysql://app:pw@db1/orders", "mysql [db1] orders app | db1/orders"),
        (r#"host=db1 port=5433 dbname=orders user=app password='p w\'x'"#, "postgres [db1:5433] orders app | db1:5433/orders"),
        (r#"host = db1 dbname = 'or ders' password=p\ w"#, "postgres [db1] or ders - | db1/or ders"),
        ("host=h1,h2 port=5432,6543 dbname=orders", "postgres [h1:5432 h2:6543] orders - | h1,h2:6543/orders"),
        ("dbname=orders", "postgres [] orders - | /orders"),
        ("dbname=postgres://u:p@h/x", "broken: names a database that can't be read"),
        ("service=orders-prod", "postgres [orders-prod] - - | orders-prod"),
        ("hostaddr=10.0.0.1 dbname=x", "postgres [10.0.0.1] x - | 10.0.0.1/x"),
        ("host=db1 password='open", "broken: names a host or port that can't be read"),
        ("user=app password=pw", "broken: names no host"),
        ("host=/run/pg dbname=x", "postgres [/run/pg] x - | /run/pg/x"),
        ("mysql:host=db1;port=3307;dbname=shop", "mysql [db1:3307] shop - | db1:3307/shop"),
        ("mysql:unix_socket=/run/m.sock;dbname=shop", "mysql [/run/m.sock] shop - | /run/m.sock/shop"),
        ("pgsql:host=db1;port=5433;dbname=shop;user=u;password=p", "postgres [db1:5433] shop u | db1:5433/shop"),
        ("pgsql:host=db1 port=5433 dbname=shop", "postgres [db1:5433] shop - | db1:5433/shop"),
        ("sqlsrv:Server=db1,1434;Database=shop", "sqlserver [db1:1434] shop - | db1:1434/shop"),
        ("oci:dbname=//db1:1521/svc", "oracle [db1:1521] svc - | db1/svc"),
        ("Server=tcp:db1.database.windows.net,1433;Database=orders;User Id=app;Password=p;", "sqlserver [db1.database.windows.net:1433] orders app | db1.database.windows.net/orders"),
        (r#"Server=tcp:db1,1444;Initial Catalog=orders;User ID=app@db1;Password="p;w""x";"#, "sqlserver [db1:1444] orders app@db1 | db1:1444/orders"),
        (r#"Data Source=db1\PROD;Initial Catalog=orders;Integrated Security=True"#, r#"sqlserver [db1\PROD] orders - | db1\PROD/orders"#),
        ("Data Source=(local);Initial Catalog=orders", "sqlserver [(local)] orders - | (local)/orders"),
        (r#"Data Source=.\SQLEXPRESS;Database=x"#, r#"sqlserver [.\SQLEXPRESS] x - | .\SQLEXPRESS/x"#),
        ("Data Source=app.db;Version=3", "other"),
        ("Data Source=//db1:1521/svc;User Id=scott;Password=tiger", "oracle [db1:1521] svc scott | db1/svc"),
        ("Data Source=(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db1)(PORT=1522))(CONNECT_DATA=(SERVICE_NAME=x)));User Id=u;Password=p", "oracle [db1:1522] x u | db1:1522/x"),
        ("Host=db1;Port=5433;Username=app;Password=p;Database=orders", "postgres [db1:5433] orders app | db1:5433/orders"),
        ("Server=db1;Port=3307;Database=shop;Uid=u;Pwd=p", "mysql [db1:3307] shop u | db1:3307/shop"),
        ("Driver={ODBC Driver 18 for SQL Server};Server=db1;Database=x;Uid=sa;Pwd={p;}}w};", "sqlserver [db1] x sa | db1/x"),
        ("Driver={PostgreSQL Unicode};Server=db1;Port=5432;Database=x", "postgres [db1:5432] x - | db1/x"),
        ("DSN=orders-prod;UID=u;PWD=p", "sqlserver [orders-prod] - u | orders-prod"),
        ("Server=db1;Password='open", "broken: has options that can't be read"),
        ("Uid=u;Pwd=p", "broken: names no host"),
        ("http://web1", "http [web1] - - | web1"),
        ("https://ghp_0123456789abcdef@git.example/x/y", "https [git.example] - - | git.example"),
        ("https://user:pw@vault-prod:8200/v1?x=y", "https [vault-prod:8200] - - | vault-prod:8200"),
        ("https://vault-prod:8200", "https [vault-prod:8200] - - | vault-prod:8200"),
        ("https://user:p/w@vault-prod/x", "https [vault-prod] - - | vault-prod"),
        ("https://host/@scope/pkg", "broken: can't be told where its password ends"),
        ("https://host:8443/@scope/pkg", "broken: can't be told where its password ends"),
        ("http://h1:9200,http://h2:9200", "http [h1:9200 h2:9200] - - | h1:9200,h2:9200"),
        ("http+unix://%2Fvar%2Frun%2Fdocker.sock/v1", "http [/var/run/docker.sock] - - | /var/run/docker.sock"),
        ("tcp://docker-prod:2376", "tcp [docker-prod:2376] - - | docker-prod:2376"),
        ("ssh://root@docker-prod:2222/run/docker.sock", "ssh [docker-prod:2222] - root | docker-prod:2222"),
        ("unix:///var/run/docker.sock", "unix [/var/run/docker.sock] - - | /var/run/docker.sock"),
        ("unix:/run/x.sock", "unix [/run/x.sock] - - | /run/x.sock"),
        ("npipe:////./pipe/docker_engine", "unix [//./pipe/docker_engine] - - | //./pipe/docker_engine"),
        ("sqlite:///tmp/x.db", "other"),
        ("file:/tmp/x", "other"),
        ("duckdb:///x", "other"),
        ("s3://bucket/key", "other"),
        ("mailto:me@example.com", "other"),
        ("redis:6379", "other"),
        ("db1:5432", "other"),
        ("user@host", "other"),
        ("plain", "other"),
        ("a=b", "other"),
        ("", "other"),
        ("=", "other"),
        ("://", "other"),
        ("postgres://@/", "postgres [] - - | "),
        ("postgres://:@:/", "postgres [] - - | "),
        ("postgres://,,/x", "postgres [] x - | /x"),
        ("password='a;b=c' host=db1 dbname=x", "postgres [db1] x - | db1/x"),
        ("redis-socket://:p/w@/run/redis.sock", "redis [/run/redis.sock] - - | /run/redis.sock"),
        ("jdbc:mysql://app:12;34@db1/shop", "mysql [db1] shop app | db1/shop"),
    ];

    #[test]
    fn addresses_are_taken_apart() {
        for (text, expected) in ROWS {
            assert_eq!(told(text), *expected, "{text}");
        }
    }

    #[test]
    fn lists_of_hosts_are_read() {
        let rows = [
            ("b1:9092,b2:9093", "b1:9092 b2:9093"),
            (" b1:9092 , b2 ", "b1:9092 b2"),
            ("b1:9092 b2:9092", "b1:9092 b2:9092"),
            ("SASL_SSL://b1:9093,SASL_SSL://b2:9093", "b1:9093 b2:9093"),
            ("PLAINTEXT://b1:9092,SSL://b2:9093", "b1:9092 b2:9093"),
            ("kafka://u:p/w@b1:9092,b2", "b1:9092 b2"),
            ("prod-db", "prod-db"),
            ("\"prod-db\"", "prod-db"),
            ("/var/run/postgresql", "/var/run/postgresql"),
            ("[::1]:9092,[2001:db8::2]", "::1:9092 2001:db8::2"),
            ("::1", "::1"),
            ("user:p@ss@h1:9092,h2", "h1:9092 h2"),
            ("u:p@h1,u:p@h2", "h1 h2"),
            ("z1:2181,z2:2181/kafka", "z1:2181 z2:2181"),
            ("cache:6380,password=a@b,ssl=True", "cache:6380"),
            ("u:p=w@h1", ""),
            ("h1:secret,h2", "h2"),
            ("redis://u:1/2@h", ""),
            ("", ""),
            (",,", ""),
        ];
        for (text, expected) in rows {
            let found: Vec<String> = hosts(text).iter().map(named).collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn loopback_is_this_machine_and_nothing_else() {
        let here = [
            "",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "db.localhost",
            "127.0.0.1",
            "127.8.9.1",
            "127.1",
            "::1",
            "[::1]",
            "0.0.0.0",
            "::",
            "::ffff:127.0.0.1",
            "/var/run/postgresql",
            "localhost\\SQLEXPRESS",
            "(local)",
            "(localdb)\\x",
            ".",
            ".\\SQLEXPRESS",
        ];
        for host in here {
            assert!(is_loopback(host), "{host}");
        }
        let elsewhere = [
            "db1",
            "127.0.0.1.nip.io",
            "127.prod.example",
            "10.0.0.1",
            "notlocalhost",
            "localhost.prod.example",
            "2001:db8::1",
            "::ffff:10.0.0.1",
            "/cloudsql/proj:eu:prod",
        ];
        for host in elsewhere {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn stores_are_told_from_endpoints() {
        let rows = [
            ("postgres://h", true, Some(5432)),
            ("rediss://h", true, Some(6379)),
            ("snowflake://h", true, Some(443)),
            ("bigquery://h", true, None),
            ("https://h", false, Some(443)),
            ("ssh://h", false, Some(22)),
            ("tcp://h", false, None),
            ("unix:///h", false, None),
        ];
        for (text, store, port) in rows {
            let Parsed::Address(address) = parse(text) else { panic!("{text}") };
            assert_eq!((address.is_store(), address.default_port()), (store, port), "{text}");
        }
    }

    #[test]
    fn every_spelling_leads_to_one_scheme() {
        let mut spellings: Vec<&str> = SCHEMES.iter().flat_map(|scheme| scheme.spellings).copied().collect();
        for scheme in SCHEMES {
            assert_eq!(scheme_called(scheme.name).map(|found| found.name), Some(scheme.name));
        }
        let count = spellings.len();
        spellings.sort_unstable();
        spellings.dedup();
        assert_eq!(spellings.len(), count);
    }

    #[test]
    fn hosts_are_capped() {
        let many = vec!["h"; 500].join(",");
        assert_eq!(hosts(&many).len(), MOST_HOSTS);
        let urls = vec!["nats://h,h"; 500].join(",");
        assert_eq!(hosts(&urls).len(), MOST_HOSTS);
        let query = vec!["host=h"; 500].join("&");
        let group = "(host=h)".repeat(500);
        for text in [
            format!("mongodb://{many}/x"),
            urls,
            format!("postgres:///x?{query}"),
            format!("jdbc:mysql://{group}/x"),
            format!("jdbc:oracle:thin:@(DESCRIPTION={group})"),
            format!("host={many}"),
        ] {
            let Parsed::Address(address) = parse(&text) else { panic!("{}", told(&text)) };
            assert!((1..=MOST_HOSTS).contains(&address.hosts.len()), "{}", address.hosts.len());
        }
    }

    #[test]
    fn long_text_is_read_in_linear_time() {
        let pieces = [
            "@",
            ":",
            "/",
            "?",
            "&",
            ";",
            "=",
            "a=",
            "&a=@",
            "?password=",
            "(",
            ")/",
            "(host=",
            ",u:p@h",
            ",nats://h",
            "'",
            "\\",
            "%",
            "%40",
            "[",
            " ",
            "é",
            " ://",
            "host=h ",
            "k=v;",
        ];
        let starts = [
            "",
            "postgres://",
            "mysql://",
            "nats://h",
            "jdbc:oracle:thin:@(",
            "host=",
            "jdbc:db2://h/d:a=",
            "a",
        ];
        let began = std::time::Instant::now();
        for start in starts {
            for piece in pieces {
                let text = format!("{start}{}", piece.repeat((1 << 16) / piece.len()));
                let _ = (parse(&text), hosts(&text));
            }
        }
        // 400 readings of 64 KiB; one quadratic step among them alone takes longer.
        assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    }

    const HOSTILE: &str = r"[a-z0-9@/#?:%\[\] \\!$*+~^.&;=,(){}-]{2,8}";
    const MARK: &str = "ZQXJ";

    /// Every shape that has a place for a password.
    fn with_password(password: &str) -> Vec<String> {
        let quoted = password.replace('\\', "\\\\").replace('\'', "\\'");
        let escaped = quoted.replace(' ', "\\ ");
        let mut all = Vec::new();
        for scheme in [
            "postgres",
            "mysql",
            "mongodb",
            "redis",
            "amqp",
            "kafka",
            "sqlserver",
            "oracle",
            "db2",
            "https",
            "tcp",
            "ssh",
            "snowflake",
            "jdbc:postgresql",
            "jdbc:mysql",
            "jdbc:mysql:loadbalance",
            "r2dbc:mssql",
            "postgresql+psycopg2",
            "mongodb+srv",
            "redis+sentinel",
            "nats",
            "elasticsearch",
            "redis+socket",
            "unix",
            "strange",
        ] {
            for tail in [
                "",
                "/",
                "/db",
                ":5432/db?sslmode=require",
                ",h2:6543/db",
                "?user=me@corp&x=y",
                ";database=x",
                "/db?odd=a@b",
            ] {
                all.push(format!("{scheme}://user:{password}@host{tail}"));
                all.push(format!("{scheme}://:{password}@host{tail}"));
                all.push(format!("{scheme}://me@corp:{password}@host{tail}"));
            }
            for front in
                ["", "host", "host:5432", "h1,h2", "user@host", "user:x@host:1", "host/db", "host:1/db"]
            {
                for key in ["password", "pwd", "odd"] {
                    all.push(format!("{scheme}://{front}?{key}={password}"));
                    all.push(format!("{scheme}://{front}?user=u&{key}={password}&ssl=true&dbname=x"));
                }
            }
        }
        for scheme in [
            "jdbc:sqlserver",
            "jdbc:jtds:sqlserver",
            "jdbc:derby",
            "jdbc:hive2",
            "sqlserver",
            "jdbc:databricks",
        ] {
            for front in ["host", "host:1433", "host\\PROD:1433", "host:1/db", ""] {
                all.push(format!("{scheme}://{front};password={password}"));
                all.push(format!(
                    "{scheme}://{front};databaseName=x;user=u;password={password};encrypt=true"
                ));
                all.push(format!(
                    "{scheme}://{front};databaseName=x;user=u;password={{{password}}};encrypt=true"
                ));
            }
        }
        for shape in [
            "user:@P@@tcp(host:3306)/db?x=y",
            "mysql://user:@P@@tcp(host)/db",
            "user:@P@@unix(/s)/db",
            "user:@P@@host/db",
            "user/@P@@host:1521/x",
            "jdbc:oracle:thin:user/@P@@//host:1521/x",
            "jdbc:oracle:thin:user/@P@@host:1521:SID",
            "jdbc:oracle:oci:user/@P@@(DESCRIPTION=(ADDRESS=(HOST=h)(PORT=1)))",
            "oracle://user:@P@@(DESCRIPTION=(HOST=h)(PORT=1))",
            "jdbc:mysql://address=(host=h)(port=3306)(user=u)(password=@P@)/db",
            "jdbc:mysql://(host=h,password=@P@,port=1)/db?user=x",
            "jdbc:mysql://user:@P@@address=(host=h)/db",
            "jdbc:db2://host:1/db:user=x;password=@P@;",
            "jdbc:db2://host:1/db:password=@P@;",
            "jdbc:teradata://host/DATABASE=x,USER=u,PASSWORD=@P@",
            "jdbc:strange://user:@P@@host",
            "jdbc:sybase:Tds:host:1/x?PASSWORD=@P@",
            "Server=tcp:h,1433;Database=x;User Id=u;Password=@P@;",
            "Password=@P@;Server=h",
            "Server=h;Pwd=\"@P@\";Uid=u",
            "Data Source=h;Password='@P@'",
            "Driver={ODBC Driver 18};Server=h;Pwd={@P@};Uid=u",
            "DSN=x;PWD=@P@;UID=u",
            "Endpoint=sb://h/;SharedAccessKeyName=x;SharedAccessKey=@P@",
            "AccountEndpoint=https://h:443/;AccountKey=@P@",
            "AccountName=x;AccountKey=@P@",
            "mysql:host=h;dbname=x;password=@P@",
            "pgsql:host=h;password=@P@;port=1",
            "h:6380,password=@P@,ssl=True",
            "h,password=@P@",
            "https://@P@@host/x",
            "nats://u:@P@@h1,nats://u:@P@@h2",
            "amqp://u:@P@@h1,u:@P@@h2",
            "u:@P@@h1:9092,h2:9092",
        ] {
            all.push(shape.replace("@P@", password));
        }
        for quote in [
            "host=h dbname=x user=u password='@P@'",
            "password = '@P@' host=h",
            "pgsql:host=h password='@P@' port=1",
        ] {
            all.push(quote.replace("@P@", &quoted));
        }
        for bare in
            ["host=h dbname=x user=u password=@P@", "password=@P@ host=h", "host=h password=@P@ port=1"]
        {
            all.push(bare.replace("@P@", &escaped));
        }
        // What a hand may forget: to escape at all.
        all.push(format!("host=h password={password} dbname=x"));
        all.push(format!("host=h password='{password} dbname=x"));
        all
    }

    fn everything_told(text: &str) -> String {
        let parsed = parse(text);
        let shown = match &parsed {
            Parsed::Address(address) => address.shown(),
            _ => String::new(),
        };
        format!("{parsed:?} {shown} {:?}", hosts(text))
    }

    proptest! {
            #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

            #[test]
    fn no_password_gets_out(before in HOSTILE, after in HOSTILE) {
                let password = format!("{before}{MARK}{after}");
                for text in with_password(&password) {
                    let told = everything_told(&text);
                    prop_assert!(!told.contains(MARK), "{} -> {}", text, told);
                }
            }

            #[test]
            fn no_token_gets_out(before in "[a-z0-9@/#?%\\[\\] -]{2,8}", after in "[a-z0-9@/#?%\\[\\] -]{2,8}") {
                let token = format!("{before}{MARK}{after}");
                for scheme in ["https", "http", "redis", "nats"] {
                    let told = everything_told(&format!("{scheme}://{token}@host/x"));
                    prop_assert!(!told.contains(MARK), "{} -> {}", token, told);
                }
            }

            #[test]
            fn any_text_is_read(text in "\\PC{0,80}") {
                prop_assert!(!shown_of(&text).contains('@'));
            }

            #[test]
            fn any_text_of_the_trade_is_read(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..14)) {
                prop_assert!(!shown_of(&words.concat()).contains('@'));
            }
        }

    const WORDS: &[&str] = &[
        "postgres",
        "mysql",
        "jdbc:",
        "oracle:thin:",
        "redis",
        "://",
        ":",
        "/",
        "@",
        "?",
        "#",
        "&",
        ";",
        "=",
        ",",
        "host",
        "password",
        "Server",
        "user",
        "dbname",
        "(",
        ")",
        "tcp(",
        "address=(",
        "DESCRIPTION",
        "[",
        "]",
        "::1",
        "'",
        "\"",
        "{",
        "}",
        "\\",
        "%40",
        "%2F",
        "%",
        " ",
        "5432",
        "é",
        "http",
        "unix",
        "Endpoint",
        "odbc_connect",
        "%3D",
    ];

    fn shown_of(text: &str) -> String {
        hosts(text);
        match parse(text) {
            Parsed::Address(address) => {
                assert!(address.user.as_ref().is_none_or(|user| !user.contains(':')));
                address.shown()
            }
            _ => String::new(),
        }
    }
}
