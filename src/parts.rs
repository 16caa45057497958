//! A name of a kind in, the pieces of it that speak out: what everybody's names carry (ARN frames, provider suffixes,
//! top-level domains, home directories, file extensions) is left behind. It judges nothing.

use std::borrow::Cow;

use crate::address::{self, Address, Host, Pieces};
use crate::signal::{Kind, Part};

/// The pieces of `name` that are judged, each on its own, as they stand in it.
pub fn parts_of(kind: Kind, name: &str) -> Vec<Part> {
    match kind {
        Kind::KubeContext | Kind::KubeCluster => cluster_parts(kind, name),
        Kind::Hostname | Kind::UrlHost | Kind::KubeFile => vec![Part::new(kind, name)],
        Kind::KubeServer => {
            address::pieces(name).hosts.iter().map(|host| Part::new(kind, host.to_string())).collect()
        }
        _ if is_address(kind, name) => pieces_parts(address::pieces(name), |host| host.to_string()),
        _ => path_parts(kind, name),
    }
}

/// What of a piece is evidence: without what everybody's names of its kind carry.
pub fn evidence(part: &Part) -> Cow<'_, str> {
    match part.kind {
        Kind::Hostname | Kind::UrlHost | Kind::KubeServer => speaking_host(&part.text),
        Kind::KubeFile => Cow::Borrowed(stem(file_name(&part.text))),
        // kops gives this domain to every cluster without one of its own.
        Kind::KubeContext | Kind::KubeCluster => {
            Cow::Borrowed(part.text.strip_suffix(".k8s.local").unwrap_or(&part.text))
        }
        _ if is_path(&part.text) => speaking_path(&part.text),
        _ => Cow::Borrowed(&part.text),
    }
}

/// `text` as it may be shown: without the passwords that a name of this kind can hold.
pub fn shown(kind: Kind, text: &str) -> String {
    if is_address(kind, text) {
        address::without_secrets(text)
    } else {
        address::without_secret_settings(text)
    }
}

fn is_address(kind: Kind, text: &str) -> bool {
    matches!(kind, Kind::Url | Kind::KubeServer)
        || text.contains("://")
        || text.get(..5).is_some_and(|s| s.eq_ignore_ascii_case("jdbc:"))
}

/// A host's name alone: without scheme, user, port, brackets and trailing dot.
pub fn bare_host(text: &str) -> &str {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next().unwrap_or("");
    let text = text.rsplit('@').next().unwrap_or("");
    let text = match text.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or(""),
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => text,
        },
    };
    text.strip_suffix('.').unwrap_or(text)
}

fn cluster_parts(kind: Kind, name: &str) -> Vec<Part> {
    if let Some((account, cluster)) = eks_arn(name) {
        return vec![Part::new(Kind::KubeCluster, cluster), Part::new(Kind::AwsAccount, account)];
    }
    if let Some(rest) = name.strip_prefix("gke_") {
        let mut pieces = rest.splitn(3, '_');
        if let (Some(project), Some(_zone), Some(cluster)) = (pieces.next(), pieces.next(), pieces.next()) {
            return vec![Part::new(Kind::GcpProject, project), Part::new(Kind::KubeCluster, cluster)];
        }
    }
    vec![Part::new(kind, name)]
}

/// Account and cluster of `arn:aws:eks:REGION:ACCOUNT:cluster/NAME`.
fn eks_arn(name: &str) -> Option<(&str, &str)> {
    let mut pieces = name.strip_prefix("arn:aws")?.splitn(5, ':');
    let (_partition, service, _region) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let account = pieces.next()?;
    let cluster = pieces.next()?.strip_prefix("cluster/")?;
    (service == "eks").then_some((account, cluster))
}

/// The parts of an address that was taken apart already; hosts by their names alone.
pub fn of_address(address: &Address) -> Vec<Part> {
    pieces_parts(address.pieces(), |host| host.name)
}

fn pieces_parts(pieces: Pieces, text: fn(Host) -> String) -> Vec<Part> {
    let hosts = pieces.hosts.into_iter().map(|host| Part::new(Kind::UrlHost, text(host)));
    let databases = pieces.databases.iter().flat_map(|database| path_parts(Kind::Database, database));
    let users = pieces.users.into_iter().map(|user| Part::new(Kind::DatabaseUser, user));
    hosts.chain(databases).chain(users).collect()
}

/// Domains that providers give to every customer alike, by label; `*` stands for any run within one label.
const PROVIDERS: &[&str] = &[
    "prod.clientvpn.*.amazonaws.com",
    "prod-*-starport-layer-bucket.s3.*.amazonaws.com",
    "prod-registry-k8s-io-*.s3.dualstack.*.amazonaws.com",
    "sfc-prod*-customer-stage.s3.*.amazonaws.com",
    "prod*.*.snowflakecomputing.com",
    "*.prod.outlook.com",
    "prod.outlook.com",
    "live.com",
    "live.net",
    "live.dynamics.com",
    "prod-*.*.logic.azure.com",
    "prod.liveshare.vsengsaas.visualstudio.com",
    "dev.azure.com",
    "*-prod-*.grafana.net",
    "hana.prod-*.hanacloud.ondemand.com",
    "ssh.prod.acquia-sites.com",
    "prod.acquia-sites.com",
    "prod.*.secureserver.net",
    "production.cloudflare.docker.com",
    "production.cloudfront.docker.com",
    "prod.google.com",
    "cluster.local",
    "k8s.local",
    "example.com",
    "example.net",
    "example.org",
];

/// Top-level domains that are words: anybody can have one, so they say nothing of an environment.
const WORDY_DOMAINS: &[&str] = &[
    "live",
    "dev",
    "app",
    "int",
    "qa",
    "ci",
    "example",
    "host",
    "cloud",
    "page",
    "run",
    "site",
    "online",
    "space",
    "zone",
    "world",
    "media",
    "studio",
    "systems",
    "services",
    "network",
    "tools",
    "shop",
    "store",
    "team",
    "works",
    "productions",
    "pro",
    "io",
    "ai",
    "company",
    "business",
    "center",
    "direct",
    "express",
    "global",
    "group",
    "international",
    "management",
    "market",
    "one",
    "plus",
    "solutions",
    "tech",
    "technology",
    "delivery",
    "bank",
];

/// A host's own labels: port, brackets, trailing dot, provider's suffix and a top-level domain that is a word are cut.
/// A user before `@` stays.
fn speaking_host(host: &str) -> Cow<'_, str> {
    let bare = bare_host(host);
    let user = host.split_once("://").map_or(host, |(_, rest)| rest).rsplit_once('@').map(|(user, _)| user);
    let lower = bare.to_ascii_lowercase();
    let cut = PROVIDERS.iter().find_map(|suffix| without_labels(&lower, suffix)).unwrap_or(lower.len());
    let mut own = bare.get(..cut).unwrap_or("");
    if cut == lower.len()
        && let Some((rest, last)) = own.rsplit_once('.')
        && WORDY_DOMAINS.iter().any(|domain| last.eq_ignore_ascii_case(domain))
    {
        own = rest;
    }
    match user {
        Some(user) => Cow::Owned(format!("{}@{own}", user.split(':').next().unwrap_or(""))),
        None => Cow::Borrowed(own),
    }
}

/// How long `host` is without the labels of `suffix`, or `None` when it doesn't end with them.
fn without_labels(host: &str, suffix: &str) -> Option<usize> {
    let mut left = host;
    for wanted in suffix.rsplit('.') {
        let (rest, label) = left.rsplit_once('.').unwrap_or(("", left));
        let same = match wanted.split_once('*') {
            None => label == wanted,
            Some((prefix, end)) => match end.split_once('*') {
                None => {
                    label.len() + 1 >= wanted.len()
                        && !label.is_empty()
                        && label.starts_with(prefix)
                        && label.ends_with(end)
                }
                Some((middle, end)) => {
                    label.starts_with(prefix) && label.contains(middle) && label.ends_with(end)
                }
            },
        };
        if !same {
            return None;
        }
        left = rest;
    }
    Some(left.len())
}

/// A path, or several with `:`, `,` or `;` between: each for itself. Anything else whole.
fn path_parts(kind: Kind, name: &str) -> Vec<Part> {
    if !is_path(name) {
        return vec![Part::new(kind, name)];
    }
    let drive = name.get(1..3) == Some(":\\");
    let pieces: Vec<&str> = if drive { vec![name] } else { name.split([':', ',', ';']).collect() };
    pieces.into_iter().filter(|path| !path.is_empty()).map(|path| Part::new(kind, path)).collect()
}

fn is_path(name: &str) -> bool {
    name.starts_with(['/', '~'])
        || name.starts_with("./")
        || name.starts_with("../")
        || name.get(1..3) == Some(":\\")
}

/// A path without home directory and file extensions.
fn speaking_path(path: &str) -> Cow<'_, str> {
    let rest = without_home(path);
    let file = file_name(rest);
    let directory = rest.get(..rest.len() - file.len()).unwrap_or("");
    Cow::Owned(format!("{directory}{}", stem(file)))
}

fn without_home(path: &str) -> &str {
    const HOMES: [&str; 8] = [
        "/home/",
        "/Users/",
        "/var/home/",
        "/export/home/",
        "/usr/home/",
        "\\Users\\",
        "/mnt/c/Users/",
        "/c/Users/",
    ];
    let after_user = |rest: &'_ str| rest.find(['/', '\\']).unwrap_or(rest.len());
    if path.starts_with('~') {
        return path.get(after_user(path)..).unwrap_or("");
    }
    let path = if path.get(1..3) == Some(":\\") { path.get(2..).unwrap_or("") } else { path };
    let rest = HOMES.iter().find_map(|home| path.strip_prefix(home));
    rest.map_or(path, |rest| rest.get(after_user(rest)..).unwrap_or(""))
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or("")
}

/// A file's name without its extensions, as far as they are ones: of `config.prod` the `prod` is no extension.
fn stem(file: &str) -> &str {
    const EXTENSIONS: &[&str] = &[
        "yaml",
        "yml",
        "json",
        "toml",
        "ini",
        "conf",
        "config",
        "kubeconfig",
        "cfg",
        "properties",
        "xml",
        "txt",
        "env",
        "sh",
        "bash",
        "py",
        "rb",
        "js",
        "ts",
        "go",
        "rs",
        "sql",
        "db",
        "sqlite",
        "sqlite3",
        "tf",
        "tfvars",
        "tfstate",
        "bak",
        "backup",
        "old",
        "orig",
        "tmp",
        "swp",
        "lock",
        "log",
        "pem",
        "crt",
        "cert",
        "key",
        "pub",
        "gz",
        "zip",
        "tar",
        "app",
        "md",
        "html",
    ];
    let mut stem = file;
    while let Some((rest, extension)) = stem.rsplit_once('.') {
        if rest.is_empty() || !EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)) {
            break;
        }
        stem = rest;
    }
    stem
}
