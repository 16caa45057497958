//! The kubectl context, cluster, server and namespace that a command typed here would hit, merged from
//! `KUBECONFIG`'s files exactly as kubectl merges them. It refuses to run, fetch or open anything the files name.

mod config;
mod contexts;
mod in_cluster;
mod slice;
mod words;
mod yaml;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use config::{Config, Entry, Field};

use crate::signal::{Domain, Kind, Part, Place, Reading, Scope, Signal, Trouble};
use crate::view::View;
use crate::world::{Content, FILE_CAP};

pub use contexts::{Context, contexts};
pub use in_cluster::VARIABLES;

const SOURCE: &str = "kube";
/// Files of one `KUBECONFIG` that are read; people with a file per cluster have some hundreds.
const MAX_FILES: usize = 1000;
/// Bytes of all files together.
const MAX_BYTES: u64 = 2 * FILE_CAP;

/// What kubectl would use in this view: signals `context`, `cluster`, `server`, `namespace` and, where
/// `KUBECONFIG` names files, `file` (the one that defines the cluster). `Absent` where kubectl has no context;
/// `Unreadable` for every file kubectl would refuse, and for names that no file defines.
pub fn read(view: &View) -> Vec<Reading> {
    let paths = Paths::of(view);
    let (files, mut readings) = load(view, &paths);
    let contents: Vec<Loaded<'_>> = files
        .iter()
        .filter_map(|file| match config::parse(&file.bytes) {
            Ok(config) => Some(Loaded { file, config }),
            Err(flaw) => {
                readings.push(unreadable("file", file.place(flaw.line), flaw.why));
                None
            }
        })
        .collect();
    let refused = !readings.is_empty();
    let merged = Merged { files: &contents, explicit: paths.explicit, refused };
    match view.target(Kind::KubeContext) {
        None => {
            readings.extend(merged.readings());
            if files.is_empty() && !refused {
                readings.extend(in_cluster::read(view));
            }
        }
        Some(Some(name)) => readings.extend(merged.selected(name)),
        Some(None) => {
            readings.push(unreadable(
                "context",
                Place::Line,
                "is selected by something that only running it would tell",
            ));
        }
    }
    readings
}

/// Where kubectl looks.
struct Paths {
    list: Vec<PathBuf>,
    /// `KUBECONFIG` names them.
    explicit: bool,
    /// Entries beyond [`MAX_FILES`].
    too_many: bool,
}

impl Paths {
    fn of(view: &View) -> Paths {
        let Some(value) = view.var("KUBECONFIG").filter(|value| !value.is_empty()) else {
            // Without a HOME kubectl takes the path from the directory it is in.
            let home = PathBuf::from(view.var("HOME").unwrap_or_default());
            let list = vec![home.join(".kube/config")];
            return Paths { list, explicit: false, too_many: false };
        };
        let mut seen = BTreeSet::new();
        let mut list: Vec<PathBuf> = value
            .as_bytes()
            .split(|b| *b == b':')
            .filter(|path| !path.is_empty() && seen.insert(*path))
            .take(MAX_FILES + 1)
            .map(|path| PathBuf::from(OsStr::from_bytes(path)))
            .collect();
        let too_many = list.len() > MAX_FILES;
        list.truncate(MAX_FILES);
        Paths { list, explicit: true, too_many }
    }
}

/// One file that is there.
struct File {
    /// As `KUBECONFIG` has it.
    given: PathBuf,
    absolute: PathBuf,
    bytes: Vec<u8>,
}

impl File {
    fn place(&self, line: Option<usize>) -> Place {
        Place::File { path: self.absolute.clone(), line }
    }
}

struct Loaded<'a> {
    file: &'a File,
    config: Config<'a>,
}

/// Reads the files; missing ones are skipped, those that can't be read become troubles.
fn load(view: &View, paths: &Paths) -> (Vec<File>, Vec<Reading>) {
    let (mut files, mut troubles) = (Vec::new(), Vec::new());
    let mut left = MAX_BYTES;
    for given in &paths.list {
        // kubectl reads nothing from it; many switch their clusters off this way.
        if given == Path::new("/dev/null") {
            continue;
        }
        let (content, given) = match view.read(given) {
            Content::Absent if !paths.explicit => {
                // The name before 2015; kubectl moves it into place on its first run.
                let old = given.with_file_name(".kubeconfig");
                (view.read(&old), old)
            }
            content => (content, given.clone()),
        };
        let absolute = absolute(view, &given);
        match content {
            Content::Absent => {}
            Content::Unreadable(why) => {
                troubles.push(unreadable("file", Place::File { path: absolute, line: None }, why));
            }
            Content::Bytes(bytes) => match left.checked_sub(bytes.len() as u64) {
                Some(rest) => {
                    left = rest;
                    files.push(File { given, absolute, bytes });
                }
                None => {
                    let why = "is too much: the files of KUBECONFIG are larger than 16 MiB together";
                    troubles.push(unreadable("file", Place::File { path: absolute, line: None }, why));
                    break;
                }
            },
        }
    }
    if paths.too_many {
        let place = Place::Variable("KUBECONFIG".into());
        troubles.push(unreadable("file", place, "names more than 1000 files"));
    }
    (files, troubles)
}

fn absolute(view: &View, given: &Path) -> PathBuf {
    match (given.is_absolute(), view.cwd()) {
        (false, Some(cwd)) => cwd.join(given),
        _ => given.to_path_buf(),
    }
}

fn unreadable(what: &str, place: Place, why: impl Into<Cow<'static, str>>) -> Reading {
    Reading::Unreadable(Trouble {
        source: SOURCE,
        domain: Domain::Kube,
        what: what.into(),
        place,
        why: why.into().into_owned(),
    })
}

fn absent(what: &str) -> Reading {
    Reading::Absent { source: SOURCE, what: what.into() }
}

/// The files kubectl would merge; the first that defines a name wins it whole.
struct Merged<'a> {
    files: &'a [Loaded<'a>],
    explicit: bool,
    /// A file could not be read: what is missing may stand there.
    refused: bool,
}

impl<'a> Merged<'a> {
    fn readings(&self) -> Vec<Reading> {
        let current = self.files.iter().find_map(|loaded| Some((loaded, loaded.config.current.as_ref()?)));
        let mut out = Vec::new();
        let name = match current {
            Some((loaded, field)) => {
                out.push(named("context", Kind::KubeContext, loaded, field));
                field.text.as_ref()
            }
            None => {
                if !self.refused {
                    out.push(absent("context"));
                }
                ""
            }
        };
        let context = self.entry(name, |config| &config.contexts);
        match (current, context) {
            (Some((loaded, field)), None) => {
                if !self.refused {
                    let why = "names a context that no kubeconfig here defines";
                    out.push(unreadable("context", loaded.file.place(Some(field.line)), why));
                }
                self.file(loaded, &mut out);
            }
            // kubectl goes on with the entries that have no name, whether it has a context or not.
            _ => self.cluster(current.map(|(loaded, _)| loaded), context, &mut out),
        }
        out
    }

    /// What a context named on the command line points at, whatever the files have selected.
    fn selected(&self, name: &str) -> Vec<Reading> {
        let mut out = vec![Reading::Found(Signal {
            source: SOURCE,
            domain: Domain::Kube,
            scope: Scope::Tab,
            what: "context".into(),
            value: name.into(),
            label: short(name),
            place: Place::Line,
            parts: vec![Part::new(Kind::KubeContext, name)],
            port: None,
        })];
        if let Some(context) = self.entry(name, |config| &config.contexts) {
            self.cluster(None, Some(context), &mut out);
        }
        out
    }

    fn entry(
        &self,
        name: &str,
        list: impl Fn(&'a Config<'a>) -> &'a [Entry<'a>],
    ) -> Option<(&'a Loaded<'a>, &'a Entry<'a>)> {
        self.files.iter().find_map(|loaded| {
            list(&loaded.config).iter().find(|entry| entry.name == name).map(|entry| (loaded, entry))
        })
    }

    fn cluster(
        &self,
        current: Option<&'a Loaded<'a>>,
        context: Option<(&'a Loaded<'a>, &'a Entry<'a>)>,
        out: &mut Vec<Reading>,
    ) {
        let named_by = context.and_then(|(loaded, entry)| Some((loaded, entry.cluster.as_ref()?)));
        let name = named_by.map_or("", |(_, field)| field.text.as_ref());
        let cluster = self.entry(name, |config| &config.clusters);
        match (named_by, cluster) {
            (Some((_, field)), Some((loaded, entry))) => {
                let field = Field { text: field.text.clone(), line: entry.line };
                out.push(named("cluster", Kind::KubeCluster, loaded, &field));
            }
            (Some((loaded, field)), None) => {
                out.push(named("cluster", Kind::KubeCluster, loaded, field));
                if !self.refused {
                    let why = "names a cluster that no kubeconfig here defines";
                    out.push(unreadable("cluster", loaded.file.place(Some(field.line)), why));
                }
            }
            (None, _) if context.is_some() && cluster.is_none() => out.push(absent("cluster")),
            (None, _) => {}
        }
        match cluster {
            Some((loaded, Entry { server: Some(field), .. })) => out.push(server(loaded, field)),
            Some(_) => out.push(absent("server")),
            None => {}
        }
        // A user that is not defined is no trouble: kubectl asks for a name and connects, and where it connects to is
        // known.
        if let Some((loaded, Entry { namespace: Some(field), .. })) = context
            && field.text != "default"
        {
            out.push(named("namespace", Kind::KubeNamespace, loaded, field));
        }
        let file = cluster.map(|(loaded, _)| loaded).or(context.map(|(loaded, _)| loaded)).or(current);
        if let Some(loaded) = file {
            self.file(loaded, out);
        }
    }

    fn file(&self, loaded: &Loaded<'_>, out: &mut Vec<Reading>) {
        if !self.explicit {
            return;
        }
        let path = loaded.file.given.to_string_lossy().into_owned();
        let label = loaded.file.given.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        out.push(Reading::Found(Signal {
            source: SOURCE,
            domain: Domain::Kube,
            scope: Scope::Tab,
            what: "file".into(),
            value: path.clone(),
            label: label.unwrap_or_else(|| path.clone()),
            place: loaded.file.place(None),
            parts: vec![Part::new(Kind::KubeFile, path)],
            port: None,
        }));
    }
}

fn named(what: &str, kind: Kind, loaded: &Loaded<'_>, field: &Field<'_>) -> Reading {
    Reading::Found(Signal {
        source: SOURCE,
        domain: Domain::Kube,
        scope: Scope::Tab,
        what: what.into(),
        value: field.text.clone().into_owned(),
        label: short(&field.text),
        place: loaded.file.place(Some(field.line)),
        parts: vec![Part::new(kind, field.text.clone())],
        port: None,
    })
}

fn server(loaded: &Loaded<'_>, field: &Field<'_>) -> Reading {
    let place = loaded.file.place(Some(field.line));
    // The text itself stays out of the message: a URL that can't be taken apart may hold a password.
    let Some(Server { host, port, default_port }) = Server::of(&field.text) else {
        return unreadable("server", place, "has a server that is no URL");
    };
    let value = match (port, host.contains(':')) {
        (Some(port), true) => format!("[{host}]:{port}"),
        (Some(port), false) => format!("{host}:{port}"),
        (None, _) => host.to_owned(),
    };
    Reading::Found(Signal {
        source: SOURCE,
        domain: Domain::Kube,
        scope: Scope::Tab,
        what: "server".into(),
        value,
        label: host.to_owned(),
        place,
        parts: vec![Part::new(Kind::KubeServer, host)],
        port: is_loopback(host).then(|| port.unwrap_or(default_port)),
    })
}

/// A server's URL without scheme, user, password, path and query.
#[derive(Debug, PartialEq, Eq)]
struct Server<'a> {
    /// Without the brackets of an IPv6 address.
    host: &'a str,
    port: Option<u16>,
    default_port: u16,
}

impl<'a> Server<'a> {
    fn of(url: &'a str) -> Option<Server<'a>> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let (_, host_port) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = match host_port.strip_prefix('[') {
            Some(bracketed) => {
                let (host, behind) = bracketed.split_once(']')?;
                (host, if behind.is_empty() { "" } else { behind.strip_prefix(':')? })
            }
            None => match host_port.split_once(':') {
                Some((_, "")) => return None,
                Some(parts) => parts,
                None => (host_port, ""),
            },
        };
        let port = if port.is_empty() { None } else { Some(port.parse().ok()?) };
        let default_port = if scheme.eq_ignore_ascii_case("http") { 80 } else { 443 };
        (!host.is_empty()).then_some(Server { host, port, default_port })
    }
}

/// A host that is this machine. `0.0.0.0`, which k3d and kind write, connects here as well.
fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || address.is_unspecified(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// The shortest name that tells a context or cluster from others: of an EKS ARN the cluster, of a GKE name
/// project and cluster, of anything else all of it.
fn short(name: &str) -> String {
    if name.starts_with("arn:")
        && name.split(':').nth(2) == Some("eks")
        && let Some((_, cluster)) = name.split_once(":cluster/")
        && !cluster.is_empty()
    {
        return cluster.to_owned();
    }
    let gke: Vec<&str> = name.splitn(4, '_').collect();
    if let ["gke", project, zone, cluster] = gke.as_slice()
        && !project.is_empty()
        && !zone.is_empty()
        && !cluster.is_empty()
    {
        return format!("{project}/{cluster}");
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_server_only_host_and_port_are_kept() {
        let server = |host, port, default_port| Some(Server { host, port, default_port });
        let table = [
            ("https://prod.example", server("prod.example", None, 443)),
            ("https://prod.example:6443/k8s/clusters/c-1?a=b#c", server("prod.example", Some(6443), 443)),
            ("http://prod.example", server("prod.example", None, 80)),
            ("https://user:p%40ss@prod.example:1", server("prod.example", Some(1), 443)),
            ("https://user:p@ss@prod.example", server("prod.example", None, 443)),
            ("https://[2001:db8::1]:6443", server("2001:db8::1", Some(6443), 443)),
            ("https://[::1]", server("::1", None, 443)),
            ("prod.example:6443", server("prod.example", Some(6443), 443)),
            ("prod.example", server("prod.example", None, 443)),
            ("https://user:pa/ss@prod.example", None),
            ("https://prod.example:65536", None),
            ("https://prod.example:", None),
            ("https://[::1", None),
            ("https://[::1]x", None),
            ("https://", None),
            ("", None),
        ];
        for (url, wanted) in table {
            assert_eq!(Server::of(url), wanted, "{url}");
        }
    }

    #[test]
    fn loopback_is_this_machine() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "::1", "0.0.0.0", "::"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "10.0.0.1", "prod", "127.example", "::2", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn labels_are_short_and_tell_apart() {
        let table = [
            ("arn:aws:eks:eu-west-1:123456789012:cluster/acme-prod", "acme-prod"),
            ("arn:aws-cn:eks:cn-north-1:123456789012:cluster/acme", "acme"),
            ("arn:aws:eks:eu-west-1:123456789012:cluster/", "arn:aws:eks:eu-west-1:123456789012:cluster/"),
            ("arn:aws:iam::123456789012:cluster/a", "arn:aws:iam::123456789012:cluster/a"),
            ("gke_acme-prod_europe-west1_main", "acme-prod/main"),
            ("gke_acme-prod_europe-west1_main_2", "acme-prod/main_2"),
            ("gke_acme-prod_main", "gke_acme-prod_main"),
            ("gke___", "gke___"),
            ("shop/api-prod:6443/alice", "shop/api-prod:6443/alice"),
        ];
        for (name, label) in table {
            assert_eq!(short(name), label);
        }
    }
}
