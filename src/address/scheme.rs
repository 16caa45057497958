//! The schemes of addresses: a word in, what is known of it out. One that is not in the table names nothing.

pub(super) struct Scheme {
    pub(super) name: &'static str,
    pub(super) store: bool,
    pub(super) port: Option<u16>,
    /// Every way it is written, lower-case, before any `+driver`.
    pub(super) spellings: &'static [&'static str],
}

pub(super) const fn store(name: &'static str, port: u16, spellings: &'static [&'static str]) -> Scheme {
    Scheme { name, store: true, port: if port == 0 { None } else { Some(port) }, spellings }
}

pub(super) const fn endpoint(name: &'static str, port: u16, spellings: &'static [&'static str]) -> Scheme {
    Scheme { name, store: false, port: if port == 0 { None } else { Some(port) }, spellings }
}

#[rustfmt::skip]
pub(super) const SCHEMES: &[Scheme] = &[
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
pub(super) const EMBEDDED: &[&str] = &["sqlite", "sqlite3", "duckdb", "file", "ucanaccess", "tc"];

/// Words that stand before the real scheme of a Java address.
pub(super) const WRAPPERS: &[&str] =
    &["pool", "proxy", "log4jdbc", "p6spy", "otel", "tracing", "aws-wrapper", "jtds"];

pub(super) fn scheme_called(word: &str) -> Option<&'static Scheme> {
    let word = word.split('+').next().unwrap_or(word);
    SCHEMES.iter().find(|scheme| scheme.spellings.iter().any(|spelling| spelling.eq_ignore_ascii_case(word)))
}

/// `scheme:body`, when the text starts like that.
pub(super) fn scheme_and_body(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !is_scheme_byte(byte))?;
    let body = text[end..].strip_prefix(':')?;
    text.starts_with(|first: char| first.is_ascii_alphabetic()).then_some((&text[..end], body))
}

pub(super) fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+.-_".contains(&byte)
}
