//! libpq's service: what `PGSERVICE` stands for, with what libpq takes from variables where the service leaves it open.
//! What it refuses: to look at passwords, and to ask the LDAP server that a service may name. Of `PGSERVICE` itself the
//! name is the `env` source's.

use std::path::{Path, PathBuf};

use super::{Of, Unread, in_file, set};
use crate::address;
use crate::signal::{Domain, Kind, Part, Place, Reading, Signal};
use crate::view::View;

const OF: Of = Of { source: "postgres", domain: Domain::Database };

/// The variables this source reads.
pub const VARIABLES: &[&str] = &["PGSERVICEFILE", "PGSYSCONFDIR"];

/// A service's settings that say where it leads, and the variables that do where it does not.
const SETTINGS: &[(&str, &str)] = &[
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
];

/// Where Debian's libpq looks when `PGSYSCONFDIR` does not say.
const SYSTEM: &str = "/etc/postgresql-common";

/// A signal `service` where `PGSERVICE`, or the line, names one that a file defines; `Unreadable` where libpq would refuse
/// the file. Without a service nothing is looked at.
pub fn read(view: &View) -> Vec<Reading> {
    let selected = view.target(Kind::PgService).map(|selected| selected.map(str::to_owned));
    let Some(name) = selected.unwrap_or_else(|| set(view, "PGSERVICE")).filter(|name| !name.is_empty())
    else {
        return vec![OF.absent("service")];
    };
    let found = service(view, &name).unwrap_or_else(|unread| Some(*unread));
    vec![found.unwrap_or_else(|| OF.absent("service"))]
}

fn service(view: &View, name: &str) -> Result<Option<Reading>, Unread> {
    let own = set(view, "PGSERVICEFILE").map(PathBuf::from);
    let own = own.or_else(|| Some(view.home()?.join(".pg_service.conf")));
    let system = set(view, "PGSYSCONFDIR").unwrap_or_else(|| SYSTEM.into());
    for path in own.into_iter().chain([Path::new(&system).join("pg_service.conf")]) {
        let Some(text) = OF.text(view, &path)? else { continue };
        match defined(&text, name) {
            Ok(None) => {}
            Ok(Some(found)) => return Ok(Some(Reading::Found(signal(view, name, &path, &found)))),
            Err((line, why)) => {
                return Err(Box::new(OF.unreadable("service", in_file(&path, Some(line)), why)));
            }
        }
    }
    Ok(None)
}

/// One service as a file defines it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Service<'a> {
    /// Of its header, from 1.
    line: usize,
    settings: Vec<(&'a str, &'a str)>,
}

impl<'a> Service<'a> {
    /// Of a repeated setting the first; an empty one is set all the same.
    fn get(&self, key: &str) -> Option<&'a str> {
        self.settings.iter().find(|(k, _)| *k == key).map(|(_, value)| *value)
    }
}

/// The service `name`; libpq reads the lines of no other one.
fn defined<'a>(text: &'a str, name: &str) -> Result<Option<Service<'a>>, (usize, &'static str)> {
    let mut found: Option<Service<'a>> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if header.strip_prefix(name).is_some_and(|rest| rest.starts_with(']')) {
                found = Some(Service { line: index + 1, settings: Vec::new() });
            }
            continue;
        }
        let Some(service) = &mut found else { continue };
        if line.starts_with("ldap") {
            return Err((index + 1, "asks an LDAP server, which redtab does not"));
        }
        match line.split_once('=') {
            Some(("service", _)) => return Err((index + 1, "names another service, which libpq refuses")),
            Some((key, value)) if !key.ends_with(char::is_whitespace) => service.settings.push((key, value)),
            _ => return Err((index + 1, "has a line that sets nothing")),
        }
    }
    Ok(found)
}

fn signal(view: &View, name: &str, path: &Path, service: &Service<'_>) -> Signal {
    // What a service leaves open, variables tell.
    let address = service.get("hostaddr").is_some_and(|address| !address.is_empty());
    let told = |(key, variable): &(&'static str, &str)| {
        // An address beats a name that only the environment says.
        let open = || set(view, variable).filter(|_| !(address && *key == "host"));
        let value = service.get(key).map(str::to_owned).or_else(open)?;
        (!value.is_empty()).then_some((*key, value))
    };
    let told: Vec<(&str, String)> = SETTINGS.iter().filter_map(told).collect();
    let get = |key: &str| told.iter().find(|(known, _)| *known == key).map(|(_, value)| value.as_str());
    // It beats the service's own name as well; both are judged.
    let (hosts, ports) = (get("hostaddr").or(get("host")), get("port"));
    let tcp = |host: &&str| !host.is_empty() && !host.starts_with(['/', '@']);
    let mut port = None;
    for (index, host) in hosts.iter().flat_map(|hosts| hosts.split(',')).map(str::trim).enumerate() {
        if tcp(&host) && address::is_loopback(host) && port.is_none() {
            // One port for all of them, or one for each.
            let mut list = ports.unwrap_or_default().split(',');
            let own = if list.clone().count() == 1 { list.next() } else { list.nth(index) };
            port = own
                .map(str::trim)
                .map_or(Some(5432), |own| if own.is_empty() { Some(5432) } else { own.parse().ok() });
        }
    }
    let database = get("dbname").map(|name| crate::parts::shown(Kind::Database, name));
    let shown_port = get("port").map(|port| format!(":{port}")).unwrap_or_default();
    let shown_hosts = get("host").or(get("hostaddr")).unwrap_or_default();
    let value = format!("{shown_hosts}{shown_port}/{}", database.as_deref().unwrap_or_default());
    let place: Place = in_file(path, Some(service.line));
    let label = if shown_hosts.is_empty() || port.is_some() { name } else { shown_hosts };
    let value = value.trim_end_matches('/').to_owned();
    Signal { value, port, ..OF.signal("service", label, place, parts(get)) }
}

/// The pieces of a service that are judged: hosts, database and user. Passwords are not asked for.
pub fn parts<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Vec<Part> {
    // A socket's directory and an abstract socket are this machine.
    let remote = |host: &&str| !host.is_empty() && !host.starts_with(['/', '@']);
    let hosts = value("host").into_iter().chain(value("hostaddr"));
    let hosts = hosts.flat_map(|list| list.split(',')).map(str::trim).filter(remote);
    let database = value("dbname").map(|name| {
        // A whole connection string may stand here.
        let whole = name.contains("://") || name.contains('=');
        Part::new(if whole { Kind::Url } else { Kind::Database }, crate::parts::shown(Kind::Database, name))
    });
    let user = value("user").map(|name| Part::new(Kind::DatabaseUser, name));
    hosts.map(|host| Part::new(Kind::UrlHost, host)).chain(database).chain(user).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_file_one_service_is_read() {
        let text = "junk\n[a]\nhost=x\nbad\n[b]\n# c\n  host=y\nport=1\nhost=z\n[c]\nldap://x/y?z=1\n[d]\nservice=a\n[e]\nhost =x\n";
        let settings = vec![("host", "y"), ("port", "1"), ("host", "z")];
        assert_eq!(defined(text, "b"), Ok(Some(Service { line: 5, settings })));
        assert_eq!(defined(text, "none"), Ok(None));
        for (name, line) in [("a", 4), ("c", 11), ("d", 13), ("e", 15)] {
            assert_eq!(defined(text, name).map_err(|(line, _)| line), Err(line), "{name}");
        }
    }
}
