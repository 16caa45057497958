//! A signal: one fact about the surroundings, and a reading: what came of looking for it.
//!
//! Values in, values out. This module knows no environment variable, file or clock; the sources fill its types.

use std::path::PathBuf;

/// Which world a signal speaks of. A rule of the guard counts only where its own domain is production.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    Kube,
    Database,
    Cloud,
    Docker,
    Terraform,
    App,
    Host,
}

impl Domain {
    /// Every domain.
    pub const ALL: [Domain; 7] = [
        Domain::Kube,
        Domain::Database,
        Domain::Cloud,
        Domain::Docker,
        Domain::Terraform,
        Domain::App,
        Domain::Host,
    ];

    /// The domain's word in messages and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Domain::Kube => "kube",
            Domain::Database => "database",
            Domain::Cloud => "cloud",
            Domain::Docker => "docker",
            Domain::Terraform => "terraform",
            Domain::App => "app",
            Domain::Host => "host",
        }
    }
}

/// How far a signal reaches: this tab, or every tab of this machine (a tunnel that listens here).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Tab,
    Machine,
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Tab => "tab",
            Scope::Machine => "machine",
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident => $word:literal,)*) => {
        /// What sort of name a piece of text is: it decides how the text is cut into parts and which
        /// `[[target]]`s speak of it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[$doc])* $variant,)*
        }

        impl Kind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];

            /// The kind's word in config, `classify`, `mark` and JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$variant => $word,)*
                }
            }

            /// The kind that `word` names, or `None`.
            pub fn from_word(word: &str) -> Option<Kind> {
                Kind::ALL.iter().copied().find(|kind| kind.as_str() == word)
            }
        }
    };
}

kinds! {
    /// A name of which nothing more is known.
    Name => "name",
    KubeContext => "kube_context",
    KubeCluster => "kube_cluster",
    /// A kubeconfig cluster's server; only its host speaks.
    KubeServer => "kube_server",
    KubeNamespace => "kube_namespace",
    /// The file that defines the current cluster, by its path; only the file's stem speaks.
    KubeFile => "kube_file",
    Hostname => "hostname",
    /// A whole URL: host, database and user speak, never the password.
    Url => "url",
    UrlHost => "url_host",
    Database => "database",
    DatabaseUser => "database_user",
    PgService => "pg_service",
    /// The value of a variable such as `APP_ENV`.
    EnvValue => "env_value",
    AwsProfile => "aws_profile",
    AwsAccount => "aws_account",
    GcpConfig => "gcp_config",
    GcpProject => "gcp_project",
    AzureSubscription => "azure_subscription",
    DockerContext => "docker_context",
    TerraformWorkspace => "terraform_workspace",
    PulumiStack => "pulumi_stack",
    /// A directory that declares itself in its `.redtab.toml`.
    Directory => "directory",
    /// A git branch is shown, but never makes a verdict production.
    GitBranch => "git_branch",
}

/// One piece of a signal that is judged on its own: of an EKS ARN the cluster's name, of a URL the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub kind: Kind,
    pub text: String,
}

impl Part {
    pub fn new(kind: Kind, text: impl Into<String>) -> Part {
        Part { kind, text: text.into() }
    }
}

/// Where a signal was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// An environment variable, by name.
    Variable(String),
    /// A file, and the line (from 1) where it is known.
    File { path: PathBuf, line: Option<usize> },
    /// The command line itself.
    Line,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Variable(name) => f.write_str(name),
            Place::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Place::File { path, line: None } => write!(f, "{}", path.display()),
            Place::Line => f.write_str("this line"),
        }
    }
}

/// One fact about the surroundings. Secrets are cut out before a `Signal` is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The source's word: `env`, `kube`, …
    pub source: &'static str,
    pub domain: Domain,
    pub scope: Scope,
    /// What was looked at, in the words of the thing itself: `context`, `server`, `DATABASE_URL`.
    pub what: String,
    /// The value as a person may see it.
    pub value: String,
    /// The shortest name that tells this target from others; the segment shows it.
    pub label: String,
    pub place: Place,
    /// The pieces that are judged; the gravest answer counts.
    pub parts: Vec<Part>,
    /// The loopback port this signal names, if any: a tunnel there decides what it points at.
    pub port: Option<u16>,
}

/// A local port behind which another environment lies: an ssh tunnel, a port-forward, a proxy that listens on this
/// machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tunnel {
    /// The number that `redtab close` takes; 0 while nobody has given it one.
    pub id: u32,
    pub port: Option<u16>,
    /// The shortest name of what lies behind it: `prod-db`.
    pub label: String,
    /// The environment's name.
    pub environment: String,
    /// Whether that environment is guarded.
    pub production: bool,
    /// What opened it: `ssh -L, bastion`.
    pub evidence: String,
    /// The terminal it was opened in (`pts/3`); empty without one.
    pub tab: String,
    pub pid: u32,
    /// Seconds since it was opened.
    pub age: u64,
}

impl Tunnel {
    /// Where it is and where it leads: `localhost:15432 is prod-db`.
    pub fn place(&self) -> String {
        match self.port {
            Some(port) => format!("localhost:{port} is {}", self.label),
            None => format!(
                "a {} to {} is open",
                if self.evidence.is_empty() { "tunnel" } else { &self.evidence },
                self.label
            ),
        }
    }

    /// What opened it, where and when: `ssh -L, bastion, pts/3, open 12 min`.
    pub fn origin(&self) -> String {
        let age = format!("open {}", duration(self.age));
        let parts = [self.evidence.as_str(), self.tab.as_str(), age.as_str()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }

    /// The command that ends it.
    pub fn end_command(&self) -> String {
        if self.id == 0 { format!("kill {}", self.pid) } else { format!("redtab close {}", self.id) }
    }
}

/// Seconds as people say them: `40 s`, `12 min`, `1 h 40 min`, `3 d`.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => match seconds % 3600 / 60 {
            0 => format!("{} h", seconds / 3600),
            minutes => format!("{} h {minutes} min", seconds / 3600),
        },
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Something that could say production and could not be read. It makes a verdict unsure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub source: &'static str,
    pub domain: Domain,
    pub what: String,
    pub place: Place,
    /// Why, as the end of a sentence: `is a named pipe`.
    pub why: String,
}

/// What came of looking for a signal. Absent and unreadable are never the same value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    Found(Signal),
    /// Looked, and there is nothing: by name of the source and of what was looked for.
    Absent {
        source: &'static str,
        what: String,
    },
    Unreadable(Trouble),
}
