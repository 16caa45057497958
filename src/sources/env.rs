//! The environment's variables: which of them say where this shell points, and what each one says.
//! No value is taken on trust: addresses lose their passwords before a signal is made of them.

use std::ffi::OsStr;

use crate::address::{self, Address, Parsed};
use crate::parts;
use crate::signal::{Domain, Kind, Part, Place, Reading, Scope, Signal, Trouble};
use crate::view::View;

/// This source's word.
pub const SOURCE: &str = "env";

/// How a variable's value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// The name of an environment, such as `production`.
    Environment,
    /// A name of some kind.
    Name(Kind),
    /// One host or several, with or without ports.
    Hosts,
    /// The address of a data store or broker; anything else is no signal.
    Store,
    /// The address of a control plane, mostly http.
    Plane,
    /// Read together with the variable of the host it belongs to.
    Port,
}

use Domain::{App, Cloud, Database, Docker, Host, Kube, Terraform};
use How::{Environment, Hosts, Name, Plane, Port, Store};

/// The variables known by name, sorted, so that one look-up is a binary search.
const TABLE: &[(&str, Domain, How)] = &[
    ("APPLICATION_ENV", App, Environment),
    ("APPLICATION_ENVIRONMENT", App, Environment),
    ("APP_ENV", App, Environment),
    ("APP_ENVIRONMENT", App, Environment),
    ("APP_PROFILE", App, Environment),
    ("APP_STAGE", App, Environment),
    ("ARANGODB_HOST", Database, Hosts),
    ("ARGOCD_SERVER", Cloud, Plane),
    ("ARM_SUBSCRIPTION_ID", Cloud, Name(Kind::AzureSubscription)),
    ("ASPNETCORE_ENVIRONMENT", App, Environment),
    ("AWSUME_PROFILE", Cloud, Name(Kind::AwsProfile)),
    ("AWS_DEFAULT_PROFILE", Cloud, Name(Kind::AwsProfile)),
    ("AWS_PROFILE", Cloud, Name(Kind::AwsProfile)),
    ("AWS_VAULT", Cloud, Name(Kind::AwsProfile)),
    ("AZURE_DEFAULTS_GROUP", Cloud, Name(Kind::Name)),
    ("AZURE_SUBSCRIPTION", Cloud, Name(Kind::AzureSubscription)),
    ("AZURE_SUBSCRIPTION_ID", Cloud, Name(Kind::AzureSubscription)),
    ("AZURE_SUBSCRIPTION_NAME", Cloud, Name(Kind::AzureSubscription)),
    ("BOUNDARY_ADDR", Cloud, Plane),
    ("BROKER_URL", Database, Store),
    ("BUILD_ENV", App, Environment),
    ("CAKE_ENV", App, Environment),
    ("CASSANDRA_HOST", Database, Hosts),
    ("CASSANDRA_HOSTS", Database, Hosts),
    ("CLICKHOUSE_DATABASE", Database, Name(Kind::Database)),
    ("CLICKHOUSE_DB", Database, Name(Kind::Database)),
    ("CLICKHOUSE_HOST", Database, Hosts),
    ("CLICKHOUSE_PORT", Database, Port),
    ("CLICKHOUSE_URL", Database, Plane),
    ("CLOUDSDK_ACTIVE_CONFIG_NAME", Cloud, Name(Kind::GcpConfig)),
    ("CLOUDSDK_CORE_PROJECT", Cloud, Name(Kind::GcpProject)),
    ("CLOUDSDK_PROJECT", Cloud, Name(Kind::GcpProject)),
    ("CLUSTER_ENV", App, Environment),
    ("COCKROACH_HOST", Database, Hosts),
    ("COCKROACH_PORT", Database, Port),
    ("CONFIG_ENV", App, Environment),
    ("CONNECTION_STRING", Database, Store),
    ("CONSUL_HTTP_ADDR", Cloud, Plane),
    ("COUCHBASE_HOST", Database, Hosts),
    ("COUCHDB_HOST", Database, Hosts),
    ("COUCHDB_URL", Database, Plane),
    ("COUCH_URL", Database, Plane),
    ("CQLSH_HOST", Database, Hosts),
    ("CQLSH_PORT", Database, Port),
    ("DATABASE", Database, Name(Kind::Database)),
    ("DATABASE_CONNECTION_STRING", Database, Store),
    ("DATABASE_ENV", App, Environment),
    ("DATABASE_HOST", Database, Hosts),
    ("DATABASE_NAME", Database, Name(Kind::Database)),
    ("DATABASE_PORT", Database, Port),
    ("DATABASE_USER", Database, Name(Kind::DatabaseUser)),
    ("DATABASE_USERNAME", Database, Name(Kind::DatabaseUser)),
    ("DATABRICKS_CONFIG_PROFILE", Cloud, Name(Kind::Name)),
    ("DATABRICKS_HOST", Cloud, Plane),
    ("DBHOST", Database, Hosts),
    ("DBNAME", Database, Name(Kind::Database)),
    ("DBPORT", Database, Port),
    ("DB_CONNECTION_STRING", Database, Store),
    ("DB_DATABASE", Database, Name(Kind::Database)),
    ("DB_ENV", App, Environment),
    ("DB_HOST", Database, Hosts),
    ("DB_HOSTNAME", Database, Hosts),
    ("DB_NAME", Database, Name(Kind::Database)),
    ("DB_PORT", Database, Port),
    ("DB_SERVER", Database, Hosts),
    ("DB_USER", Database, Name(Kind::DatabaseUser)),
    ("DB_USERNAME", Database, Name(Kind::DatabaseUser)),
    ("DD_ENV", App, Environment),
    ("DEPLOYMENT_ENV", App, Environment),
    ("DEPLOYMENT_ENVIRONMENT", App, Environment),
    ("DEPLOYMENT_STAGE", App, Environment),
    ("DEPLOY_ENV", App, Environment),
    ("DEPLOY_ENVIRONMENT", App, Environment),
    ("DEPLOY_STAGE", App, Environment),
    ("DEPLOY_TARGET", App, Environment),
    ("DJANGO_CONFIGURATION", App, Environment),
    ("DJANGO_ENV", App, Environment),
    ("DJANGO_SETTINGS_MODULE", App, Environment),
    ("DOCKER_CONTEXT", Docker, Name(Kind::DockerContext)),
    ("DOCKER_HOST", Docker, Plane),
    ("DOCKER_MACHINE_NAME", Docker, Name(Kind::DockerContext)),
    ("DOTNET_ENVIRONMENT", App, Environment),
    ("DSN", Database, Store),
    ("ELASTICSEARCH_HOST", Database, Hosts),
    ("ELASTICSEARCH_HOSTS", Database, Hosts),
    ("ELASTICSEARCH_URL", Database, Plane),
    ("ELASTIC_URL", Database, Plane),
    ("ELECTRON_ENV", App, Environment),
    ("ENV", App, Environment),
    ("ENVIRONMENT", App, Environment),
    ("ENVIRONMENT_NAME", App, Environment),
    ("ENV_NAME", App, Environment),
    ("ES_HOST", Database, Hosts),
    ("ES_URL", Database, Plane),
    ("ETCDCTL_ENDPOINTS", Cloud, Hosts),
    ("EXPRESS_ENV", App, Environment),
    ("FASTAPI_ENV", App, Environment),
    ("FLASK_ENV", App, Environment),
    ("FLY_APP", Cloud, Name(Kind::Name)),
    ("GCLOUD_PROJECT", Cloud, Name(Kind::GcpProject)),
    ("GCP_PROJECT", Cloud, Name(Kind::GcpProject)),
    ("GCP_PROJECT_ID", Cloud, Name(Kind::GcpProject)),
    ("GOOGLE_CLOUD_PROJECT", Cloud, Name(Kind::GcpProject)),
    ("GOOGLE_PROJECT", Cloud, Name(Kind::GcpProject)),
    ("GO_ENV", App, Environment),
    ("HANAMI_ENV", App, Environment),
    ("HELM_KUBECONTEXT", Kube, Name(Kind::KubeContext)),
    ("HELM_NAMESPACE", Kube, Name(Kind::KubeNamespace)),
    ("HEROKU_APP", Cloud, Name(Kind::Name)),
    ("INFLUXDB_URL", Database, Plane),
    ("INFLUX_HOST", Database, Plane),
    ("KAFKA_BOOTSTRAP_SERVERS", Database, Hosts),
    ("KAFKA_BROKER", Database, Hosts),
    ("KAFKA_BROKERS", Database, Hosts),
    ("KAFKA_HOST", Database, Hosts),
    ("KUBECONTEXT", Kube, Name(Kind::KubeContext)),
    ("KUBECTL_CONTEXT", Kube, Name(Kind::KubeContext)),
    ("KUBERNETES_MASTER", Kube, Plane),
    ("KUBE_CONTEXT", Kube, Name(Kind::KubeContext)),
    ("KUBE_CTX", Kube, Name(Kind::KubeContext)),
    ("KUBE_NAMESPACE", Kube, Name(Kind::KubeNamespace)),
    ("LIBPQ_DSN", Database, Store),
    ("MARIADB_DATABASE", Database, Name(Kind::Database)),
    ("MARIADB_HOST", Database, Hosts),
    ("MARIADB_PORT", Database, Port),
    ("MEMCACHED_HOST", Database, Hosts),
    ("MERB_ENV", App, Environment),
    ("MICRONAUT_ENVIRONMENTS", App, Environment),
    ("MIX_ENV", App, Environment),
    ("MONGODB_DATABASE", Database, Name(Kind::Database)),
    ("MONGODB_HOST", Database, Hosts),
    ("MONGODB_PORT", Database, Port),
    ("MONGO_DB", Database, Name(Kind::Database)),
    ("MONGO_HOST", Database, Hosts),
    ("MONGO_PORT", Database, Port),
    ("MSSQL_HOST", Database, Hosts),
    ("MSSQL_SERVER", Database, Hosts),
    ("MYSQL_DATABASE", Database, Name(Kind::Database)),
    ("MYSQL_DB", Database, Name(Kind::Database)),
    ("MYSQL_HOST", Database, Hosts),
    ("MYSQL_PORT", Database, Port),
    ("MYSQL_TCP_PORT", Database, Port),
    ("MYSQL_USER", Database, Name(Kind::DatabaseUser)),
    ("NATS_SERVER", Database, Hosts),
    ("NEO4J_HOST", Database, Hosts),
    ("NODE_CONFIG_ENV", App, Environment),
    ("NODE_ENV", App, Environment),
    ("NOMAD_ADDR", Cloud, Plane),
    ("NOMAD_NAMESPACE", Cloud, Name(Kind::Name)),
    ("OPENSEARCH_HOST", Database, Hosts),
    ("OPENSEARCH_URL", Database, Plane),
    ("ORACLE_SID", Database, Name(Kind::Database)),
    ("OS_CLOUD", Cloud, Name(Kind::Name)),
    ("OS_PROJECT_NAME", Cloud, Name(Kind::Name)),
    ("PADRINO_ENV", App, Environment),
    ("PGDATABASE", Database, Name(Kind::Database)),
    ("PGHOST", Database, Hosts),
    ("PGHOSTADDR", Database, Hosts),
    ("PGPORT", Database, Port),
    ("PGSERVICE", Database, Name(Kind::PgService)),
    ("PGUSER", Database, Name(Kind::DatabaseUser)),
    ("PHOENIX_ENV", App, Environment),
    ("POSTGRESQL_HOST", Database, Hosts),
    ("POSTGRESQL_PORT", Database, Port),
    ("POSTGRES_DATABASE", Database, Name(Kind::Database)),
    ("POSTGRES_DB", Database, Name(Kind::Database)),
    ("POSTGRES_HOST", Database, Hosts),
    ("POSTGRES_PORT", Database, Port),
    ("POSTGRES_USER", Database, Name(Kind::DatabaseUser)),
    ("PULUMI_STACK", Terraform, Name(Kind::PulumiStack)),
    ("QUARKUS_PROFILE", App, Environment),
    ("RABBITMQ_HOST", Database, Hosts),
    ("RABBITMQ_PORT", Database, Port),
    ("RACK_ENV", App, Environment),
    ("RAILS_ENV", App, Environment),
    ("RANCHER_SERVER_URL", Cloud, Plane),
    ("RANCHER_URL", Cloud, Plane),
    ("REDIS_HOST", Database, Hosts),
    ("REDIS_PORT", Database, Port),
    ("REDIS_SENTINELS", Database, Hosts),
    ("RELEASE_STAGE", App, Environment),
    ("RUN_ENV", App, Environment),
    ("SERVERLESS_STAGE", App, Environment),
    ("SERVER_ENV", App, Environment),
    ("SLS_STAGE", App, Environment),
    ("SNOWFLAKE_ACCOUNT", Database, Name(Kind::Name)),
    ("SNOWFLAKE_DATABASE", Database, Name(Kind::Database)),
    ("SPRING_PROFILES_ACTIVE", App, Environment),
    ("SQLCMDDBNAME", Database, Name(Kind::Database)),
    ("SQLCMDSERVER", Database, Hosts),
    ("STAGE", App, Environment),
    ("SYMFONY_ENV", App, Environment),
    ("TARGET_ENV", App, Environment),
    ("TARGET_ENVIRONMENT", App, Environment),
    ("TELEPORT_CLUSTER", Host, Name(Kind::Hostname)),
    ("TELEPORT_PROXY", Host, Plane),
    ("TF_VAR_ENV", Terraform, Environment),
    ("TF_VAR_ENVIRONMENT", Terraform, Environment),
    ("TF_VAR_STAGE", Terraform, Environment),
    ("TF_VAR_env", Terraform, Environment),
    ("TF_VAR_environment", Terraform, Environment),
    ("TF_VAR_stage", Terraform, Environment),
    ("TF_VAR_workspace", Terraform, Environment),
    ("TF_WORKSPACE", Terraform, Name(Kind::TerraformWorkspace)),
    ("TWO_TASK", Database, Name(Kind::Database)),
    ("VAULT_ADDR", Cloud, Plane),
    ("VAULT_NAMESPACE", Cloud, Name(Kind::Name)),
    ("VERCEL_ENV", App, Environment),
    ("WP_ENV", App, Environment),
    ("YII_ENV", App, Environment),
];

/// Any exported name that ends so holds an address; it counts when its scheme is a data store's or broker's.
pub const WATCHED_SUFFIXES: &[&str] = &["_URL", "_URI", "_DSN"];

/// Whether a variable's value can matter to any source.
pub fn is_watched(name: &OsStr) -> bool {
    name == "KUBECONFIG" || look_up(name).is_some()
}

fn look_up(name: &OsStr) -> Option<(Domain, How)> {
    let name = name.as_encoded_bytes();
    match TABLE.binary_search_by(|row| row.0.as_bytes().cmp(name)) {
        Ok(at) => Some((TABLE[at].1, TABLE[at].2)),
        Err(_) => {
            WATCHED_SUFFIXES.iter().any(|end| name.ends_with(end.as_bytes())).then_some((Database, Store))
        }
    }
}

/// Reads every variable that says where this shell points.
pub fn read(view: &View) -> Vec<Reading> {
    let lookup = |name: &str| view.text(name);
    view.vars(|name| look_up(name).is_some())
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, value)| {
            let name = name.to_string_lossy();
            let at = At { source: SOURCE, what: &name, place: Place::Variable(name.to_string()) };
            variable(at, &value.to_string_lossy(), &lookup)
        })
        .collect()
}

/// Where a value stands: its source, its name, and its place.
pub(super) struct At<'a> {
    pub source: &'static str,
    pub what: &'a str,
    pub place: Place,
}

/// What a variable says, wherever it is set; `None` where its name is unknown or its value no signal. `lookup` finds the
/// other variables of the same place.
pub(super) fn variable(at: At<'_>, value: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Option<Reading> {
    let (domain, how) = look_up(OsStr::new(at.what))?;
    reading(&at, domain, how, value, lookup)
}

/// The signal of an address of a control plane.
pub(super) fn endpoint(
    source: &'static str,
    what: &str,
    value: &str,
    domain: Domain,
    place: Place,
) -> Option<Reading> {
    reading(&At { source, what, place }, domain, Plane, value, &|_| None)
}

fn reading(
    at: &At<'_>,
    domain: Domain,
    how: How,
    value: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Option<Reading> {
    let name = at.what;
    let value = value.trim();
    // A URL where a name or a host was expected is read as the URL it is: it may hold a password.
    let how = if value.contains("://") && !matches!(how, Port) && how != Plane { Store } else { how };
    let trouble = |why: &str| {
        Some(Reading::Unreadable(Trouble {
            source: at.source,
            domain,
            what: name.to_string(),
            place: at.place.clone(),
            why: why.to_string(),
        }))
    };
    let found = |value: String, label: String, parts: Vec<Part>, port: Option<u16>| {
        Some(Reading::Found(Signal {
            source: at.source,
            domain,
            scope: Scope::Tab,
            what: name.to_string(),
            value,
            label,
            place: at.place.clone(),
            parts,
            port,
        }))
    };
    match how {
        // Without a host of its own it is a port of this machine.
        Port => {
            let port = value.parse().ok().filter(|_| !has_host(lookup, name))?;
            found(value.into(), format!("{name}={value}"), Vec::new(), Some(port))
        }
        Environment => {
            // ENV is also where a POSIX shell finds its start-up file.
            if value.starts_with(['/', '~', '.']) {
                return None;
            }
            found(value.into(), format!("{name}={value}"), vec![Part::new(Kind::EnvValue, value)], None)
        }
        Name(kind) => found(value.into(), value.into(), vec![Part::new(kind, value)], None),
        Hosts => {
            let hosts = address::hosts(value);
            if hosts.is_empty() {
                return trouble("names no host that can be read");
            }
            let shown: Vec<String> = hosts.iter().map(|host| host.name.clone()).collect();
            // A path is a socket of this machine: no port leads there.
            let local = |name: &str| address::is_loopback(name) && !name.starts_with('/');
            let loopback = hosts.iter().find(|host| local(&host.name));
            let port = loopback.and_then(|host| {
                host.port.or_else(|| port_beside(lookup, name)).or_else(|| default_port(name))
            });
            let parts = hosts.iter().map(|host| Part::new(Kind::UrlHost, host.name.clone())).collect();
            found(shown.join(","), shown.first().cloned().unwrap_or_default(), parts, port)
        }
        Store | Plane => match address::parse(value) {
            Parsed::Address(address) if how == Plane || address.is_store() => {
                let (label, port) = (label(&address), loopback_port(&address));
                found(address.shown(), label, parts::of_address(&address), port)
            }
            // `vault.example:8200` without a scheme.
            Parsed::Other if how == Plane => reading(at, domain, Hosts, value, lookup),
            Parsed::Broken(why) => trouble(why),
            Parsed::Address(_) | Parsed::Other => None,
        },
    }
}

/// The host, or the database where the host says nothing (`localhost`, an address in numbers).
fn label(address: &Address) -> String {
    let numeric = |name: &str| name.parse::<std::net::IpAddr>().is_ok();
    let host = address.hosts.first().map(|host| host.name.as_str()).unwrap_or_default();
    match &address.database {
        Some(database) if address::is_loopback(host) || numeric(host) => database.clone(),
        _ => host.to_string(),
    }
}

fn loopback_port(address: &Address) -> Option<u16> {
    let host = address.hosts.iter().find(|host| address::is_loopback(&host.name))?;
    host.port.or_else(|| address.default_port())
}

/// Whether a variable beside a port's names its host: `PGHOST` for `PGPORT`.
fn has_host(lookup: &dyn Fn(&str) -> Option<String>, name: &str) -> bool {
    let Some(stem) = ["TCP_PORT", "PORT"].iter().find_map(|end| name.strip_suffix(end)) else { return false };
    ["HOST", "HOSTADDR", "HOSTNAME", "HOSTS", "SERVER"]
        .iter()
        .any(|end| lookup(&format!("{stem}{end}")).is_some_and(|value| !value.is_empty()))
}

/// The port that a client takes when only its host is named.
fn default_port(name: &str) -> Option<u16> {
    const PORTS: &[(&str, u16)] = &[
        ("PG", 5432),
        ("POSTGRES", 5432),
        ("COCKROACH", 26257),
        ("MYSQL", 3306),
        ("MARIADB", 3306),
        ("REDIS", 6379),
        ("MONGO", 27017),
        ("CLICKHOUSE", 9000),
        ("CASSANDRA", 9042),
        ("CQLSH", 9042),
        ("ELASTIC", 9200),
        ("ES_", 9200),
        ("OPENSEARCH", 9200),
        ("COUCHDB", 5984),
        ("MEMCACHED", 11211),
        ("MSSQL", 1433),
        ("RABBITMQ", 5672),
        ("KAFKA", 9092),
        ("NATS", 4222),
        ("NEO4J", 7687),
    ];
    PORTS.iter().find(|(stem, _)| name.starts_with(stem)).map(|(_, port)| *port)
}

/// The port that the variable beside a host's names: `PGPORT` for `PGHOST`.
fn port_beside(lookup: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<u16> {
    let stem = ["HOSTNAME", "HOSTADDR", "HOSTS", "HOST"].iter().find_map(|end| name.strip_suffix(end))?;
    let named = |name: String| lookup(&name).and_then(|text| text.trim().parse().ok());
    named(format!("{stem}PORT")).or_else(|| named(format!("{stem}TCP_PORT")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    fn world(vars: &[(&str, &str)]) -> World {
        World { vars: vars.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect(), cwd: None, uid: 0 }
    }

    fn shown(vars: &[(&str, &str)]) -> Vec<String> {
        read(&View::new(&world(vars)))
            .iter()
            .map(|reading| match reading {
                Reading::Found(s) => {
                    let parts: Vec<String> =
                        s.parts.iter().map(|p| format!("{}={}", p.kind.as_str(), p.text)).collect();
                    let port = s.port.map(|port| format!(" port {port}")).unwrap_or_default();
                    format!("{} {} [{}] {}{port}", s.domain.as_str(), s.what, s.label, parts.join(","))
                }
                Reading::Unreadable(t) => format!("unsure {}: {}", t.what, t.why),
                Reading::Absent { what, .. } => format!("absent {what}"),
            })
            .collect()
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn names_hosts_and_addresses() {
        let rows = shown(&[
            ("APP_ENV", "production"),
            ("AWS_PROFILE", "acme-prod"),
            ("DATABASE_URL", "postgres://app:s3cret@db.prod.acme.example:6543/orders"),
            ("DOCS_URL", "https://docs.prod.acme.example/"),
            ("ENV", "/home/live/.shrc"),
            ("KAFKA_BROKERS", "k1.prod:9092,k2.prod:9092"),
            ("PGHOST", "localhost"),
            ("PGPORT", "15432"),
            ("RAILS_ENV", ""),
            ("SENTRY_DSN", "https://abc@sentry.example/1"),
            ("VAULT_ADDR", "https://vault.prod.acme.example:8200"),
            ("NOMAD_ADDR", "nomad.prod:4646"),
            ("SHELL", "/bin/prod"),
        ]);
        assert_eq!(
            rows,
            [
                "app APP_ENV [APP_ENV=production] env_value=production",
                "cloud AWS_PROFILE [acme-prod] aws_profile=acme-prod",
                "database DATABASE_URL [db.prod.acme.example] url_host=db.prod.acme.example,database=orders,database_user=app",
                "database KAFKA_BROKERS [k1.prod] url_host=k1.prod,url_host=k2.prod",
                "cloud NOMAD_ADDR [nomad.prod] url_host=nomad.prod",
                "database PGHOST [localhost] url_host=localhost port 15432",
                "cloud VAULT_ADDR [vault.prod.acme.example] url_host=vault.prod.acme.example",
            ]
        );
    }

    #[test]
    fn a_url_where_a_host_was_expected_keeps_its_password() {
        let rows = shown(&[
            ("REDIS_HOST", "redis://:hunter2hunter2@cache.prod:6379/0"),
            ("DB_NAME", "postgres://u:hunter2hunter2@h/x"),
        ]);
        assert_eq!(
            rows,
            [
                "database DB_NAME [h] url_host=h,database=x,database_user=u",
                "database REDIS_HOST [cache.prod] url_host=cache.prod,database=0"
            ]
        );
    }

    #[test]
    fn a_name_that_is_no_identifier_is_judged_all_the_same() {
        assert_eq!(
            shown(&[("x$(touch F)_URL", "redis://cache.prod/")]),
            ["database x$(touch F)_URL [cache.prod] url_host=cache.prod"]
        );
    }
}
