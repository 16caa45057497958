//! libpq's services, each with the hosts, the database and the user it names. Passwords are not looked at.

use super::{Inventory, directory, file_place};
use crate::signal::{Domain, Kind};
use crate::sources::ini::{self, Style};
use crate::sources::postgres;
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
            let parts = postgres::parts(|key| section.get(key).map(|setting| setting.value));
            found.add(Kind::PgService, section.name, file_place(&path, section.line), parts);
        }
        if let Some(flaw) = &ini.flaw {
            found.trouble(OF, &path, Some(flaw.line), flaw.why);
        }
    }
}
