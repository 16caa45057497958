//! A process's arguments in, what it connects to out. It knows the programs' own options; it opens nothing, and no
//! password that stands in an argument comes out of it.

use crate::address::{self, Host, Pieces};
use crate::connections::tunnels::{Forward, Ssh};
use crate::guard::runs::base_name;
use crate::idle::Use;
use crate::signal::{Kind, Part};

/// The kind of a program of which nothing more is known than where its sockets lead.
pub const CLIENT: &str = "client";

/// One thing that says what a connection points at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// What is judged; the gravest answer counts.
    pub parts: Vec<Part>,
    /// As a person would say it, without secrets.
    pub target: String,
    /// The shortest name.
    pub label: String,
    /// Where it was read: `-h`, `PGHOST`, `ssh config`.
    pub evidence: String,
    /// The loopback port it names: what listens there decides.
    pub port: Option<u16>,
}

/// Where to look beside the arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beside {
    #[default]
    Nothing,
    /// These variables of the process's environment, by name, and files that belong to them.
    Variables(&'static [&'static str], Files),
    /// The kubeconfig.
    Kube,
    /// The AWS profile.
    Aws,
}

/// The files that tell a program where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    Nothing,
    /// The service that `PGSERVICE` names.
    Postgres,
    /// `~/.my.cnf`.
    Mysql,
    /// docker's contexts.
    Docker,
}

/// What a process is, as far as its arguments tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Its word in `redtab ps`.
    pub kind: &'static str,
    pub uses: Use,
    /// What the arguments say.
    pub facts: Vec<Fact>,
    pub beside: Beside,
    /// Variables that the arguments overrule, for the sources: `--profile`, `--kubeconfig`.
    pub overrides: Vec<(&'static str, String)>,
    /// `--context`.
    pub context: Option<String>,
    /// The local ports it was told to listen on, each with what is behind it where that differs from the rest.
    pub forwards: Vec<Forward>,
    /// Every port it listens on leads to the target.
    pub listens: bool,
    pub ssh: Option<Ssh>,
}

/// A kind of which the arguments say nothing.
pub(super) fn plain(kind: &'static str, uses: Use) -> Intent {
    Intent::new(kind, uses)
}

impl Intent {
    pub(super) fn new(kind: &'static str, uses: Use) -> Intent {
        Intent {
            kind,
            uses,
            facts: Vec::new(),
            beside: Beside::Nothing,
            overrides: Vec::new(),
            context: None,
            forwards: Vec::new(),
            listens: false,
            ssh: None,
        }
    }
}

/// Programs that another one's name tells apart.
const INTERPRETERS: &[&str] = &["python", "python2", "python3", "node", "perl", "ruby", "pypy3"];

/// Programs whose processes may be connections, by the name the kernel shows (15 bytes of it).
pub fn is_candidate(comm: &str) -> bool {
    let interpreted = INTERPRETERS.iter().any(|name| comm.starts_with(name));
    interpreted
        || DATABASES.iter().any(|database| database.names.iter().any(|name| same_comm(comm, name)))
        || OTHERS.iter().any(|name| same_comm(comm, name))
}

const OTHERS: &[&str] = &[
    "ssh",
    "autossh",
    "mosh-client",
    "kubectl",
    "oc",
    "cloud-sql-proxy",
    "cloud_sql_proxy",
    "aws",
    "session-manager-plugin",
    "docker",
    "podman",
    "clickhouse",
    "java",
];

fn same_comm(comm: &str, name: &str) -> bool {
    comm == name
        || (comm.len() == 15 && name.starts_with(comm))
        || comm.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '.', '-']))
}

/// What a process with these arguments is; `None` when it is no connection.
pub fn intent(argv: &[String]) -> Option<Intent> {
    let whole: Vec<String>;
    let mut argv = argv;
    // Some programs write their arguments over with one text; on macOS what follows it may be anything.
    if let Some(master) = argv.first().and_then(|title| Ssh::master(title)) {
        return Some(master);
    }
    if let [title] = argv.iter().filter(|a| !a.is_empty()).collect::<Vec<_>>()[..]
        && title.contains(' ')
    {
        whole = title.split_whitespace().map(str::to_owned).collect();
        argv = &whole;
    }
    let mut program = base_name(argv.first()?.trim_start_matches('-'));
    if INTERPRETERS.iter().any(|name| {
        program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
            == name.trim_end_matches(|c: char| c.is_ascii_digit())
    }) {
        let script = argv.iter().skip(1).position(|arg| !arg.starts_with('-'))? + 1;
        argv = &argv[script..];
        program = base_name(argv.first()?);
    }
    let program = unversioned(program.trim_end_matches(".py"));
    if let Some(database) = DATABASES.iter().find(|database| database.names.contains(&program)) {
        return database.intent(program, argv.get(1..)?);
    }
    let rest = argv.get(1..)?;
    match program {
        "ssh" => Ssh::intent(rest),
        "mosh-client" => mosh(rest),
        "kubectl" | "oc" => kubectl(rest),
        "cloud-sql-proxy" | "cloud_sql_proxy" => cloud_sql(rest),
        "aws" => aws(rest),
        "docker" | "podman" => docker(rest),
        "clickhouse" if rest.first().is_some_and(|verb| verb == "client") => DATABASES
            .iter()
            .find(|d| d.names.contains(&"clickhouse-client"))?
            .intent("clickhouse-client", &rest[1..]),
        _ => None,
    }
}

/// A program's name without the version that some distributions add to it: `kubectl.1.32`, `psql-16`.
fn unversioned(program: &str) -> &str {
    let name = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    let versioned = program[name.len()..].chars().any(|c| c.is_ascii_digit());
    if versioned && !name.is_empty() { name } else { program }
}

/// The value of an option that stands at `at`: behind `=`, or the next argument.
fn value_of(args: &[String], at: usize, names: &[&str]) -> Option<String> {
    let arg = args.get(at)?;
    for name in names {
        if arg == name {
            return args.get(at + 1).cloned();
        }
        if let Some(rest) = arg.strip_prefix(name) {
            if let Some(value) = rest.strip_prefix('=') {
                return Some(value.to_owned());
            }
            if name.len() == 2 && !name.starts_with("--") {
                return Some(rest.to_owned());
            }
        }
    }
    None
}

fn option(args: &[String], names: &[&str]) -> Option<String> {
    (0..args.len()).find_map(|at| value_of(args, at, names))
}

/// A name's first label, unless it is an address in numbers.
pub(super) fn short(host: &str) -> String {
    let host = host.trim_matches(['[', ']']);
    if host.parse::<std::net::IpAddr>().is_ok() {
        return host.to_owned();
    }
    host.split('.').next().unwrap_or(host).to_owned()
}

/// How a database's client is told where to go.
struct Database {
    names: &'static [&'static str],
    host: &'static [&'static str],
    port: &'static [&'static str],
    database: &'static [&'static str],
    user: &'static [&'static str],
    /// Options whose value is a whole address.
    url: &'static [&'static str],
    /// Other options that take a value as the next argument.
    other: &'static [&'static str],
    positional: Positional,
    default_port: u16,
    variables: &'static [&'static str],
    files: Files,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Positional {
    /// `dbname user`, the first one maybe an address.
    Database,
    /// `host port`.
    Host,
    /// `user/password@where`.
    Oracle,
    Nothing,
}

/// What libpq itself reads.
const LIBPQ: &[&str] = &["PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE", "PGUSER"];
const MYSQL: &[&str] = &["MYSQL_HOST"];

const DATABASES: &[Database] = &[
    Database {
        names: &["psql", "pgcli", "pg_dump", "pg_restore", "pg_dumpall", "vacuumdb"],
        host: &["-h", "--host"],
        port: &["-p", "--port"],
        database: &["-d", "--dbname"],
        user: &["-U", "--username"],
        url: &[],
        other: &[
            "-c",
            "--command",
            "-f",
            "--file",
            "-v",
            "--set",
            "--variable",
            "-P",
            "--pset",
            "-F",
            "-o",
            "--output",
            "-L",
            "-R",
            "-T",
            "-t",
            "-n",
            "-N",
            "-j",
        ],
        positional: Positional::Database,
        default_port: 5432,
        variables: LIBPQ,
        files: Files::Postgres,
    },
    Database {
        names: &["mysql", "mariadb", "mycli", "mysqldump", "mariadb-dump"],
        host: &["-h", "--host"],
        port: &["-P", "--port"],
        database: &["-D", "--database"],
        user: &["-u", "--user"],
        url: &["--dsn", "-d"],
        other: &[
            "-e",
            "--execute",
            "-S",
            "--socket",
            "--defaults-file",
            "--defaults-extra-file",
            "--login-path",
        ],
        positional: Positional::Database,
        default_port: 3306,
        variables: MYSQL,
        files: Files::Mysql,
    },
    Database {
        names: &["mongosh", "mongo"],
        host: &["--host", "-h"],
        port: &["--port"],
        database: &[],
        user: &["-u", "--username"],
        url: &[],
        other: &["-p", "--password", "--eval", "--file", "-f", "--authenticationDatabase"],
        positional: Positional::Database,
        default_port: 27017,
        variables: &[],
        files: Files::Nothing,
    },
    Database {
        names: &["redis-cli", "valkey-cli"],
        host: &["-h"],
        port: &["-p"],
        database: &[],
        user: &["--user"],
        url: &["-u"],
        other: &["-a", "--pass", "-n", "-r", "-i", "-d", "-s"],
        positional: Positional::Nothing,
        default_port: 6379,
        variables: &[],
        files: Files::Nothing,
    },
    Database {
        names: &["cqlsh"],
        host: &[],
        port: &[],
        database: &["-k", "--keyspace"],
        user: &["-u", "--username"],
        url: &[],
        other: &["-p", "--password", "-e", "--execute", "-f", "--file"],
        positional: Positional::Host,
        default_port: 9042,
        variables: &["CQLSH_HOST", "CASSANDRA_HOST"],
        files: Files::Nothing,
    },
    Database {
        names: &["sqlplus"],
        host: &[],
        port: &[],
        database: &[],
        user: &[],
        url: &[],
        other: &["-C", "-M", "-R"],
        positional: Positional::Oracle,
        default_port: 1521,
        variables: &["TWO_TASK", "ORACLE_SID"],
        files: Files::Nothing,
    },
    Database {
        names: &["clickhouse-client"],
        host: &["-h", "--host"],
        port: &["--port"],
        database: &["-d", "--database"],
        user: &["-u", "--user"],
        url: &["--connection"],
        other: &["--password", "-q", "--query", "-c", "--config-file"],
        positional: Positional::Nothing,
        default_port: 9000,
        variables: &["CLICKHOUSE_HOST"],
        files: Files::Nothing,
    },
];

/// The service that libpq's `service=… dbname=…` or `postgres://?service=…` names.
fn service_of(text: &str) -> Option<String> {
    let pair = text.split(['?', '&', ' ']).find_map(|pair| pair.strip_prefix("service="))?;
    let name = pair.trim_matches('\'');
    (!name.is_empty()).then(|| name.to_owned())
}

/// Whether libpq finds a host in such a text.
fn names_host(text: &str) -> bool {
    let pair = |pair: &str| pair.starts_with("host=") && pair.len() > "host=".len();
    address::names_host(text) || text.split(['?', '&', ' ']).any(pair)
}

impl Database {
    fn intent(&self, program: &str, args: &[String]) -> Option<Intent> {
        let kind = self.names.iter().find(|name| **name == program)?;
        let mut intent = Intent::new(kind, Use::Database);
        let (mut host, mut port, mut database, mut user) = (None, None, None, None);
        let mut from = "";
        let mut words: Vec<&String> = Vec::new();
        let mut at = 0;
        while at < args.len() {
            let arg = &args[at];
            let mut take = |names: &'static [&'static str], into: &mut Option<String>, name_it: bool| {
                let Some(value) = value_of(args, at, names) else { return false };
                if name_it {
                    from = names.iter().find(|name| arg.starts_with(**name)).copied().unwrap_or_default();
                }
                *into = Some(value);
                true
            };
            let mut url = None;
            if !arg.starts_with('-') {
                words.push(arg);
            } else if take(self.host, &mut host, true)
                || take(self.port, &mut port, false)
                || take(self.database, &mut database, false)
                || take(self.user, &mut user, false)
                || take(self.url, &mut url, false)
            {
                let known = [self.host, self.port, self.database, self.user, self.url];
                at += usize::from(known.iter().any(|names| names.contains(&arg.as_str())));
            } else if self.other.contains(&arg.as_str()) {
                at += 1;
            }
            intent.facts.extend(url.map(|url| self.address_fact(&url, "address")));
            at += 1;
        }
        let first = words.first().map(|word| word.as_str());
        match (self.positional, first) {
            (Positional::Database, Some(word)) if database.is_none() => database = Some(word.to_owned()),
            (Positional::Host, Some(word)) => {
                host = Some(word.to_owned());
                from = "argument";
                port = words.get(1).map(|port| port.to_string());
            }
            (Positional::Oracle, Some(word)) => {
                // The password may hold an `@`; what follows the last one can't.
                if let Some(at) = word.rfind('@') {
                    intent.facts.push(self.address_fact(&word[at + 1..], "argument"));
                }
            }
            _ => {}
        }
        let service = database.as_deref().filter(|_| self.files == Files::Postgres).and_then(service_of);
        let names_host = database.as_deref().is_some_and(names_host);
        if let Some(name) = database.take_if(|name| {
            name.contains("://")
                || (name.contains('=') && !name.contains('/'))
                || (name.contains([':', '/', '.']) && *kind == "mongosh")
        }) {
            intent.facts.push(self.address_fact(&name, "address"));
        }
        let port: Option<u16> = port.and_then(|port| port.trim().parse().ok());
        if let Some(host) = host {
            intent.facts.push(self.host_fact(&host, port, database.as_deref(), user.as_deref(), from));
        } else if service.is_some() || intent.facts.iter().all(|fact| fact.label.is_empty()) {
            // `dbname=orders` names no host either.
            intent.beside = Beside::Variables(self.variables, self.files);
            if let Some(service) = service {
                intent.overrides.push(("PGSERVICE", service));
                // The host that stands beside it beats that of the environment.
                if names_host {
                    intent.overrides.push(("PGHOST", String::new()));
                }
            }
            // `psql -p 15433` goes to this machine, by a socket or by TCP: what listens there decides.
            if let Some(port) = port {
                intent.facts.push(Fact {
                    target: format!("localhost:{port}"),
                    label: format!("localhost:{port}"),
                    evidence: format!("-p {port}"),
                    port: Some(port),
                    ..Fact::default()
                });
            }
        }
        Some(intent)
    }

    fn host_fact(
        &self,
        host: &str,
        port: Option<u16>,
        database: Option<&str>,
        user: Option<&str>,
        from: &str,
    ) -> Fact {
        if host.contains("://") {
            return self.address_fact(host, from);
        }
        let mut hosts = address::hosts(host);
        for host in &mut hosts {
            host.port = host.port.or(port);
        }
        let databases = database.map(str::to_owned).into_iter().collect();
        let users = user.map(str::to_owned).into_iter().collect();
        self.fact(&Pieces { hosts, databases, users }, from)
    }

    fn address_fact(&self, text: &str, from: &str) -> Fact {
        self.fact(&address::pieces(text), from)
    }

    fn fact(&self, pieces: &Pieces, from: &str) -> Fact {
        pieces_fact(pieces, self.default_port, from)
    }
}

/// What an address says. Where it leads to this machine only the port speaks, and what listens there.
pub(super) fn pieces_fact(pieces: &Pieces, default_port: u16, from: &str) -> Fact {
    let outward = |host: &&Host| !address::is_loopback(&host.name);
    let shown = |host: &Host| match host.port.filter(|port| *port != default_port) {
        Some(port) => format!("{}:{port}", short(&host.name)),
        None => short(&host.name),
    };
    let first = pieces.hosts.iter().find(outward).or(pieces.hosts.first());
    let database = pieces.databases.first().map(|name| name.split('/').next().unwrap_or(name));
    let mut target = first.map(shown).unwrap_or_default();
    if let Some(database) = database.filter(|name| !name.is_empty()) {
        target = format!("{target}/{database}");
    }
    let local = pieces.hosts.iter().find(|host| address::is_loopback(&host.name));
    let mut parts: Vec<Part> = pieces.hosts.iter().map(|h| Part::new(Kind::UrlHost, &*h.name)).collect();
    if !pieces.hosts.is_empty() {
        parts.extend(pieces.databases.iter().map(|name| Part::new(Kind::Database, &**name)));
        parts.extend(pieces.users.iter().map(|name| Part::new(Kind::DatabaseUser, &**name)));
    }
    Fact {
        parts,
        target,
        label: first.map(|host| short(&host.name)).unwrap_or_default(),
        evidence: from.to_owned(),
        port: local.map(|host| host.port.unwrap_or(default_port)),
    }
}

/// What a host's name says.
pub(super) fn host_fact(name: &str, user: Option<&str>, evidence: &str) -> Fact {
    let mut parts = vec![Part::new(Kind::Hostname, name)];
    parts.extend(user.map(|user| Part::new(Kind::Name, user)));
    Fact { parts, target: name.to_owned(), label: short(name), evidence: evidence.to_owned(), port: None }
}

/// `mosh-client -# prod-web -- | 203.0.113.7 60001`: mosh's own arguments stand before the bar.
fn mosh(args: &[String]) -> Option<Intent> {
    let mut intent = Intent::new("mosh", Use::Typed);
    let bar = args.iter().position(|arg| arg == "|").unwrap_or(args.len());
    let words: Vec<&str> = args[..bar].iter().flat_map(|arg| arg.split_whitespace()).collect();
    if let Some(at) = words.iter().position(|word| *word == "-#") {
        let mut words = words[at + 1..].iter();
        while let Some(word) = words.next() {
            match *word {
                // mosh's own options with a value, and ssh's where `--ssh` holds some: the quotes around it are lost.
                "-p" | "--port" | "-a" | "-F" | "-i" | "-l" | "-o" | "-J" | "--family" | "--predict" => {
                    words.next();
                }
                "|" | "--" | "ssh" | "env" | "mosh-server" => {}
                word if word.starts_with('-') || word.contains(['=', '/']) => {}
                word => {
                    let (user, host) = user_and_host(word);
                    intent.facts.push(host_fact(host, user, "mosh"));
                    break;
                }
            }
        }
    }
    let ip = args.get(bar + 1).or_else(|| args.iter().rev().nth(1).filter(|_| bar == args.len()));
    intent.facts.extend(ip.map(|ip| host_fact(ip, None, "address")));
    Some(intent)
}

pub(super) fn user_and_host(text: &str) -> (Option<&str>, &str) {
    match text.rsplit_once('@') {
        Some((user, host)) => (Some(user.split(':').next().unwrap_or(user)), host),
        None => (None, text),
    }
}

/// kubectl's options that take a value as the next argument.
const KUBECTL_VALUES: &[&str] = &[
    "--context",
    "--kubeconfig",
    "--cluster",
    "--user",
    "--namespace",
    "-n",
    "--server",
    "-s",
    "--token",
    "--as",
    "--as-group",
    "--request-timeout",
    "-v",
    "--v",
    "-c",
    "--container",
    "-f",
    "--filename",
    "--address",
    "--pod-running-timeout",
    "-p",
    "--port",
    "-w",
    "--www",
    "--api-prefix",
    "--accept-hosts",
    "--reject-paths",
    "-u",
    "--unix-socket",
    "--username",
    "--password",
    "--certificate-authority",
    "--client-key",
    "--client-certificate",
    "--cache-dir",
    "-l",
    "--selector",
    "--tls-server-name",
    "--as-uid",
    "--profile",
];

fn kubectl(args: &[String]) -> Option<Intent> {
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let args = &args[..end];
    let mut words: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < args.len() {
        match args[at].as_str() {
            option if KUBECTL_VALUES.contains(&option) => at += 1,
            option if option.starts_with('-') => {}
            word => words.push(word),
        }
        at += 1;
    }
    let (kind, uses) = match *words.first()? {
        "port-forward" => ("forward", Use::Forwarding),
        "proxy" => ("proxy", Use::Forwarding),
        "exec" | "attach" | "rsh" => ("exec", Use::Typed),
        _ => return None,
    };
    let mut intent = Intent::new(kind, uses);
    intent.beside = Beside::Kube;
    intent.listens = uses == Use::Forwarding;
    intent.context = option(args, &["--context"]);
    intent.overrides.extend(option(args, &["--kubeconfig"]).map(|path| ("KUBECONFIG", path)));
    if let Some(server) = option(args, &["--server", "-s"]) {
        intent
            .facts
            .push(Fact { evidence: "--server".into(), ..pieces_fact(&address::pieces(&server), 443, "") });
    }
    if let Some(namespace) = option(args, &["--namespace", "-n"]) {
        let parts = vec![Part::new(Kind::KubeNamespace, &*namespace)];
        intent.facts.push(Fact {
            parts,
            target: namespace.clone(),
            label: namespace,
            evidence: "-n".into(),
            port: None,
        });
    }
    let ports: Vec<u16> = match words[0] {
        "port-forward" => words
            .iter()
            .skip(2)
            .filter_map(|w| w.split(':').next()?.parse().ok())
            .filter(|p| *p != 0)
            .collect(),
        "proxy" => {
            let named = option(args, &["--port", "-p"]);
            vec![named.map_or(Some(8001), |port| port.parse().ok()).unwrap_or(8001)]
        }
        _ => Vec::new(),
    };
    intent.forwards = ports.into_iter().filter(|port| *port != 0).map(Forward::onward).collect();
    Some(intent)
}

fn cloud_sql(args: &[String]) -> Option<Intent> {
    let mut intent = Intent::new("proxy", Use::Forwarding);
    intent.listens = true;
    let listed = option(args, &["-instances", "--instances"]).unwrap_or_default();
    let words = args.iter().filter(|arg| !arg.starts_with('-')).map(String::as_str);
    for instance in words.chain(listed.split(',')) {
        let name = instance.split(['?', '=']).next().unwrap_or(instance);
        let pieces: Vec<&str> = name.split(':').collect();
        let [project @ .., _, instance_name] = &pieces[..] else { continue };
        if project.is_empty() || instance_name.is_empty() || name.contains('/') {
            continue;
        }
        let mut parts = vec![Part::new(Kind::Hostname, *instance_name)];
        parts.push(Part::new(Kind::GcpProject, project.join(":")));
        let fact = Fact {
            parts,
            target: name.to_owned(),
            label: (*instance_name).to_owned(),
            evidence: "cloud-sql-proxy".into(),
            port: None,
        };
        let port = instance.rsplit_once("port=").or_else(|| instance.rsplit_once("tcp:"));
        let port = port.and_then(|(_, port)| port.rsplit(':').next()?.split('&').next()?.parse().ok());
        intent.forwards.extend(port.map(|port| Forward { port, fact: Some(fact.clone()), option: None }));
        intent.facts.push(fact);
    }
    if let [_] = intent.facts[..]
        && let Some(port) = option(args, &["--port", "-p"]).and_then(|port| port.parse().ok())
    {
        intent.forwards.push(Forward::onward(port));
    }
    (!intent.facts.is_empty()).then_some(intent)
}

fn aws(args: &[String]) -> Option<Intent> {
    let ssm = args.windows(2).any(|pair| pair[0] == "ssm" && pair[1] == "start-session");
    let exec = args.windows(2).any(|pair| pair[0] == "ecs" && pair[1] == "execute-command");
    if !ssm && !exec {
        return None;
    }
    let parameters = option(args, &["--parameters"]).unwrap_or_default();
    let number = |name: &str| {
        let rest = &parameters[parameters.find(name)? + name.len()..];
        let digits: String =
            rest.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        digits.parse::<u16>().ok()
    };
    let forwards = option(args, &["--document-name"]).is_some_and(|name| name.contains("PortForwarding"));
    let mut intent = Intent::new("session", if forwards { Use::Forwarding } else { Use::Typed });
    intent.listens = forwards;
    intent.beside = Beside::Aws;
    intent.overrides.extend(option(args, &["--profile"]).map(|name| ("AWS_PROFILE", name)));
    if forwards {
        intent.forwards.extend(number("localPortNumber").map(Forward::onward));
        if let Some(at) = parameters.find("host") {
            let host: String = parameters[at + 4..]
                .chars()
                .skip_while(|c| !c.is_alphanumeric())
                .take_while(|c| c.is_alphanumeric() || ".-_".contains(*c))
                .collect();
            if !host.is_empty() {
                intent.facts.push(host_fact(&host, None, "--parameters"));
            }
        }
    }
    let target = option(args, &["--target", "--cluster"]);
    intent.facts.extend(target.map(|target| host_fact(&target, None, "--target")));
    Some(intent)
}

fn docker(args: &[String]) -> Option<Intent> {
    let verb = args.iter().position(|arg| ["exec", "attach", "run", "logs"].contains(&arg.as_str()))?;
    let before = &args[..verb];
    let mut intent = Intent::new("docker", Use::Typed);
    if let Some(host) = option(before, &["-H", "--host"]) {
        intent.facts.push(pieces_fact(&address::pieces(&host), 2375, "-H"));
    } else if let Some(context) = option(before, &["-c", "--context"]) {
        let parts = vec![Part::new(Kind::DockerContext, &*context)];
        intent.facts.push(Fact {
            parts,
            target: context.clone(),
            label: context,
            evidence: "--context".into(),
            port: None,
        });
    } else {
        let variables = &["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_MACHINE_NAME"];
        intent.beside = Beside::Variables(variables, Files::Docker);
    }
    Some(intent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    fn shown(argv: &[String]) -> String {
        let Some(intent) = intent(argv) else { return "none".into() };
        let mut text = intent.kind.to_owned();
        for fact in &intent.facts {
            text += &format!(" {}", fact.target);
            if let Some(port) = fact.port {
                text += &format!("={port}");
            }
        }
        for forward in &intent.forwards {
            let to = forward.fact.as_ref().map_or("", |fact| fact.target.as_str());
            text += &format!(" [{}>{to}]", forward.port);
        }
        text
    }

    #[test]
    fn what_each_program_was_told() {
        for (line, expected) in [
            ("ssh prod-web", "ssh prod-web"),
            ("/usr/bin/ssh -p 2222 -i k u@prod-web uptime -L 1:x:2", "ssh prod-web"),
            ("ssh -tt ssh://u@prod-web:22", "ssh prod-web"),
            ("ssh -fN -L 15432:prod-db:5432 bastion", "tunnel bastion [15432>prod-db:5432]"),
            ("ssh bastion -NL127.0.0.1:1:[2001:db8::1]:2", "tunnel bastion [1>2001:db8::1:2]"),
            ("ssh -N -D 1080 bastion", "tunnel bastion [1080>]"),
            ("ssh -N -R 8080:localhost:80 prod-web", "tunnel prod-web"),
            ("ssh -oLocalForward=15432\tprod-db:5432 -N b", "tunnel b [15432>prod-db:5432]"),
            ("ssh -G prod-web", "none"),
            ("ssh -O exit prod-web", "none"),
            ("ssh -V", "none"),
            ("ssh", "none"),
            ("ssh -L", "none"),
            ("sshd -D", "none"),
            ("mosh-client -# prod-web | 192.0.2.1 60001", "mosh prod-web 192.0.2.1"),
            (
                "mosh-client -# --ssh=ssh -p 22 u@prod-web -- htop | 192.0.2.1 60001",
                "mosh prod-web 192.0.2.1",
            ),
            (
                "mosh-client -# --server=env A=b mosh-server --ssh=ssh -F /x/y prod-web | 192.0.2.1 1",
                "mosh prod-web 192.0.2.1",
            ),
            ("kubectl --context prod port-forward svc/web 8080:80", "forward [8080>]"),
            ("kubectl port-forward pod/x 5432 :80 -n prod", "forward prod [5432>]"),
            ("kubectl proxy --port=9001", "proxy [9001>]"),
            ("kubectl exec -it web -- psql -h other", "exec"),
            ("kubectl -s https://api.prod:6443 attach web", "exec api:6443"),
            ("kubectl get pods", "none"),
            (
                "cloud-sql-proxy --port 5433 acme-prod:europe-west1:orders",
                "proxy acme-prod:europe-west1:orders [5433>]",
            ),
            (
                "cloud_sql_proxy -instances=acme:eu:orders=tcp:5432",
                "proxy acme:eu:orders [5432>acme:eu:orders]",
            ),
            ("aws ssm start-session --target i-1 --profile prod", "session i-1"),
            (
                "/usr/bin/python3 /usr/bin/aws ssm start-session --target i-1 --document-name AWS-StartPortForwardingSessionToRemoteHost --parameters host=prod-db.x,portNumber=5432,localPortNumber=15432",
                "session prod-db.x i-1 [15432>]",
            ),
            ("aws s3 ls", "none"),
            ("docker -H tcp://prod-host:2375 exec -it web sh", "docker prod-host"),
            ("docker --context prod exec web sh", "docker prod"),
            ("docker ps", "none"),
            ("psql -h prod-db -p 6543 -U app orders", "psql prod-db:6543/orders"),
            ("psql -hprod-db", "psql prod-db"),
            ("psql --host=prod-db --dbname=orders", "psql prod-db/orders"),
            ("/usr/lib/postgresql/15/bin/psql postgres://u:hunter2@db.prod.x/orders", "psql db/orders"),
            ("psql -d host=prod-db", "psql prod-db"),
            ("psql -h localhost -p 15432", "psql localhost:15432=15432"),
            ("psql -p 15432", "psql localhost:15432=15432"),
            ("psql -h /tmp -p 1 x", "psql /tmp:1/x=1"),
            ("psql", "psql"),
            ("python3 /usr/bin/pgcli postgres://prod-db/x", "pgcli prod-db/x"),
            ("mysql -h prod-db -psecret shop", "mysql prod-db/shop"),
            ("mariadb -u root -h prod-db", "mariadb prod-db"),
            ("mycli mysql://u:secret@prod-db/shop", "mycli prod-db/shop"),
            ("node /usr/bin/mongosh mongodb+srv://u:secret@prod.x.mongodb.net/shop", "mongosh prod/shop"),
            ("mongosh prod-db:27018/shop", "mongosh prod-db:27018/shop"),
            ("redis-cli -h prod-cache -a secret -n 3", "redis-cli prod-cache"),
            ("redis-cli -u redis://:secret@prod-cache:6380/0", "redis-cli prod-cache:6380/0"),
            ("python3.11 /usr/bin/cqlsh.py prod-cass 9043", "cqlsh prod-cass:9043"),
            ("sqlplus scott/ti@ger@//prod-ora:1522/orders", "sqlplus prod-ora:1522/orders"),
            ("clickhouse client --host prod-ch", "clickhouse-client prod-ch"),
            ("clickhouse-client -h prod-ch --password secret", "clickhouse-client prod-ch"),
            ("vim prod", "none"),
        ] {
            assert_eq!(shown(&words(line)), expected, "{line}");
        }
    }

    #[test]
    fn a_title_instead_of_arguments() {
        let title = |text: &str| vec![text.to_owned(), String::new(), String::new()];
        assert_eq!(shown(&title("ssh: /home/u/.ssh/cm-1 [mux]")), "ssh master");
        let mosh = ["mosh-client", "-# --ssh=ssh -F x prod-web |", "192.0.2.1", "60001"];
        assert_eq!(shown(&mosh.map(str::to_owned)), "mosh prod-web 192.0.2.1");
        assert_eq!(shown(&title("mongosh mongodb://prod-db/shop")), "mongosh prod-db/shop");
    }

    #[test]
    fn no_password_comes_out() {
        for line in [
            "psql postgres://u:hunter2@db/x",
            "psql -d postgres://u:hunter2@db/x",
            "psql password=hunter2\thost=db",
            "mysql -phunter2 -h db",
            "redis-cli -u redis://:hunter2@c:1",
            "redis-cli -h c -a hunter2",
            "sqlplus scott/hunter2@db",
            "sqlplus scott/hunter2",
            "mongosh mongodb://u:hunter2@h/x",
            "mongosh -u u -p hunter2 --host h",
            "clickhouse-client --connection clickhouse://u:hunter2@h",
            "docker -H tcp://u:hunter2@prod:1 exec x",
            "kubectl -s https://u:hunter2@api:1 --token hunter2 proxy",
            "ssh u:hunter2@prod",
        ] {
            let intent = intent(&words(line)).unwrap();
            assert!(
                !format!("{:?} {:?}", intent.facts, intent.forwards).contains("hunter2"),
                "{line}: {intent:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_arguments_are_read_to_their_end(
            program in proptest::sample::select(&["ssh", "psql", "mysql", "kubectl", "redis-cli", "sqlplus", "aws", "docker", "mosh-client", "cloud-sql-proxy", "python3", "mongosh", "ssh: x [mux]"][..]),
            args in proptest::collection::vec(proptest::string::string_regex("[-@:/=a-zL\\[\\]. 0-9é|]{0,12}").unwrap(), 0..12),
        ) {
            let argv: Vec<String> = std::iter::once(program.to_owned()).chain(args).collect();
            let _ = intent(&argv);
        }
    }
}
