//! This machine: its name and domain, and what its administrator says of it. What it refuses: to ask a resolver, which may
//! wait, and to take the name in a prompt for the machine's.

use std::path::Path;

use super::{Of, Unread, in_file};
use crate::config::Host;
use crate::environment::{Names, Target};
use crate::signal::{Domain, Kind, Part, Reading, Signal};
use crate::view::View;
use crate::world::Content;

/// This source's word.
pub const SOURCE: &str = "host";

const OF: Of = Of { source: SOURCE, domain: Domain::Host };

/// Where the name comes from when the machine starts; what is written there last shows at the next prompt.
const HOSTNAME: &str = "/etc/hostname";
/// Where the kernel tells it. No file's time tells that it was changed there alone.
const KERNEL: &str = "/proc/sys/kernel/hostname";
/// Where a machine without a name server has its domain.
const HOSTS: &str = "/etc/hosts";
/// What `hostnamectl deployment` writes.
const MACHINE_INFO: &str = "/etc/machine-info";

/// As much of a file is read: lists of blocked sites in `/etc/hosts` are megabytes long, and a machine stands in its
/// first lines.
const BYTES: u64 = 64 * 1024;

/// Signals `name` (with the domain, where `/etc/hosts` tells it) and `deployment`; `Unreadable` for a file that is there
/// and can't be read.
pub fn read(view: &View) -> Vec<Reading> {
    let mut out = Vec::new();
    let name = view.world().node_name();
    match name.is_empty() {
        true => out.push(OF.absent("name")),
        false => named(view, &name, &mut out),
    }
    let path = Path::new(MACHINE_INFO);
    match text(view, path) {
        Ok(text) => {
            if let Some((value, line)) = text.as_deref().and_then(deployment) {
                let parts = vec![Part::new(Kind::EnvValue, value.as_str())];
                let signal = OF.signal("deployment", &value, in_file(path, Some(line)), parts);
                let label = if name.is_empty() { value } else { short(&name).to_owned() };
                out.push(Reading::Found(Signal { label, ..signal }));
            }
        }
        Err(unread) => out.push(*unread),
    }
    out
}

fn named(view: &View, name: &str, out: &mut Vec<Reading>) {
    // The kernel's is the one that counts; this one may be another's, as in a container, and need not be readable.
    let written =
        text(view, Path::new(HOSTNAME)).is_ok_and(|text| text.is_some_and(|text| text.trim() == name));
    let hosts = if name.contains('.') { Ok(None) } else { text(view, Path::new(HOSTS)) };
    let full = match hosts {
        Ok(hosts) => hosts.and_then(|text| full_name(&text, name)),
        Err(unread) => {
            out.push(*unread);
            None
        }
    };
    let place = match (&full, written) {
        (Some((_, line)), _) => in_file(Path::new(HOSTS), Some(*line)),
        (None, true) => in_file(Path::new(HOSTNAME), Some(1)),
        (None, false) => in_file(Path::new(KERNEL), None),
    };
    let mut parts = vec![Part::new(Kind::Hostname, name)];
    parts.extend(full.iter().map(|(full, _)| Part::new(Kind::Hostname, full.as_str())));
    let value = full.map_or_else(|| name.to_owned(), |(full, _)| full);
    let label = short(name).to_owned();
    out.push(Reading::Found(Signal { label, ..OF.signal("name", &value, place, parts) }));
}

/// A name without its domain.
fn short(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The beginning of a file; `Ok(None)` where there is none.
fn text(view: &View, path: &Path) -> Result<Option<String>, Unread> {
    match view.read_head(path, BYTES) {
        Content::Absent => Ok(None),
        Content::Bytes(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Content::Unreadable(why) => Err(Box::new(OF.unreadable("file", in_file(path, None), &why))),
    }
}

/// The name with its domain, and its line: what `hostname --fqdn` answers where it has to ask nobody.
fn full_name(hosts: &str, name: &str) -> Option<(String, usize)> {
    let is_full = |word: &&str| {
        let (first, rest) = word.split_once('.').unwrap_or((word, ""));
        first.eq_ignore_ascii_case(name) && !rest.is_empty()
    };
    hosts.lines().enumerate().find_map(|(index, line)| {
        let line = line.split('#').next().unwrap_or_default();
        let mut names = line.split_whitespace().skip(1);
        Some((names.find(is_full)?.trim_end_matches('.').to_owned(), index + 1))
    })
}

/// `DEPLOYMENT=production`, as systemd keeps it, and its line; of several the last.
fn deployment(text: &str) -> Option<(String, usize)> {
    let found = text.lines().enumerate().filter_map(|(index, line)| {
        let value = line.trim_start().strip_prefix("DEPLOYMENT=")?.trim();
        Some((value.trim_matches(['"', '\'']).trim().to_owned(), index + 1))
    });
    found.last().filter(|(value, _)| !value.is_empty())
}

/// Adds the answer that the configuration gives for this machine. A `[[target]]` for its hostname is looked at first,
/// unless the system's file locks what the machine is.
pub fn settle(view: &View, host: &Host, lock: &[String], names: &mut Names) {
    let is = view.world().node_name();
    if host.environment.is_empty() || is.is_empty() {
        return;
    }
    let target = Target { signal: Kind::Hostname, is, environment: host.environment.clone() };
    let at = if is_locked(lock) { 0 } else { names.targets.len() };
    names.targets.insert(at, target);
}

/// Whether the system's file locks what this machine is.
pub fn is_locked(lock: &[String]) -> bool {
    lock.iter().any(|key| matches!(key.as_str(), "host" | "host.environment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machines_domain_stands_beside_its_name() {
        let hosts = "127.0.0.1 localhost\n# 127.0.1.1 web1.no.example web1\n127.0.1.1\tWEB1.prod.acme.example. web1 # us\n\
                     10.0.0.2 web1.later.example\n::1 web10.x web1x.y\n";
        assert_eq!(full_name(hosts, "web1"), Some(("WEB1.prod.acme.example".into(), 3)));
        for name in ["localhost", "web", "acme", ""] {
            assert_eq!(full_name(hosts, name), None, "{name}");
        }
    }

    #[test]
    fn a_deployment_is_read_as_systemd_writes_it() {
        for (text, expected) in [
            ("PRETTY_HOSTNAME=\"prod\"\nDEPLOYMENT=production\n", Some(("production", 2))),
            ("DEPLOYMENT=\"staging\"\n", Some(("staging", 1))),
            ("DEPLOYMENT=a\nDEPLOYMENT='b'\n", Some(("b", 2))),
            ("DEPLOYMENT=\n", None),
            ("#DEPLOYMENT=production\nXDEPLOYMENT=x\n", None),
        ] {
            assert_eq!(deployment(text), expected.map(|(value, line)| (value.into(), line)), "{text}");
        }
    }
}
