//! libpq's services, each with the hosts, the database and the user it names. Passwords are not looked at.

use super::{Inventory, directory, file_place};
use crate::signal::{Domain, Kind, Part};
use crate::sources::ini::{self, Section, Style};
use crate::view::View;

const OF: (&str, Domain) = ("postgres", Domain::Database);

/// Adds every service of `$PGSERVICEFILE`, by default `~/.pg_service.conf`, and of the system's file where
/// `$PGSYSCONFDIR` says where it is. A service of both is the user's.
pub fn list(view: &View, found: &mut Inventory) {
    let own = directory(view, "PGSERVICEFILE", ".pg_service.conf");
    let system = view.var("PGSYSCONFDIR").filter(|value| !value.is_empty());
    let system = system.map(|value| std::path::Path::new(value).join("pg_service.conf"));
    let mut seen = std::collections::HashSet::new();
    for path in own.into_iter().chain(system) {
        let Some(text) = found.text(view, OF, &path) else { continue };
        let ini = ini::read(&text, Style::Libpq);
        for section in ini.sections.iter().filter(|section| seen.insert(section.name.to_owned())) {
            found.add(Kind::PgService, section.name, file_place(&path, section.line), parts(section));
        }
        if let Some(flaw) = &ini.flaw {
            found.trouble(OF, &path, Some(flaw.line), flaw.why);
        }
    }
}

fn parts(section: &Section<'_>) -> Vec<Part> {
    let value = |key: &str| section.get(key).map(|setting| setting.value);
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
