//! The host that `mysql` and `mariadb` connect to by `~/.my.cnf`. What it refuses: to look at passwords, to read the
//! system's option files and the scrambled `~/.mylogin.cnf`. `MYSQL_HOST` and its kin are the `env` source's.

use std::path::{Path, PathBuf};

use super::{Of, Unread, in_file};
use crate::address;
use crate::signal::{Domain, Kind, Part, Place, Reading, Signal};
use crate::view::View;

const OF: Of = Of { source: "mysql", domain: Domain::Database };

/// Groups of options that the clients read.
const GROUPS: &[&str] = &["client", "mysql", "client-server", "client-mariadb", "mariadb-client"];

/// Files that one includes, all together.
const FILES: usize = 32;
/// Files inside of one another, as many as the clients take.
const DEPTH: usize = 10;

/// A signal `host` where the file names a host or a database; `Unreadable` where it can't be read.
pub fn read(view: &View) -> Vec<Reading> {
    let mut options = Options::default();
    let mut out = Vec::new();
    if let Some(home) = view.home() {
        options.file(view, &home.join(".my.cnf"), DEPTH).unwrap_or_else(|unread| out.push(*unread));
    }
    out.extend(options.signal().map(Reading::Found));
    if out.is_empty() {
        out.push(OF.absent("host"));
    }
    out
}

/// What the files say; of a repeated option the last holds.
#[derive(Default)]
struct Options {
    host: Option<(String, Place)>,
    database: Option<(String, Place)>,
    user: Option<String>,
    port: Option<u16>,
    tcp: bool,
    files: usize,
}

impl Options {
    fn file(&mut self, view: &View, path: &Path, depth: usize) -> Result<(), Unread> {
        self.files += 1;
        if depth == 0 || self.files > FILES {
            let why = "is not read: too many files include one another";
            return Err(Box::new(OF.unreadable("file", in_file(path, None), why)));
        }
        let Some(text) = OF.text(view, path)? else { return Ok(()) };
        let mut ours = false;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(include) = line.strip_prefix('!') {
                for file in included(view, path, include)? {
                    self.file(view, &file, depth - 1)?;
                }
            } else if let Some(header) = line.strip_prefix('[') {
                let name = header.split(']').next().unwrap_or_default().trim();
                ours = GROUPS.contains(&name);
            } else if ours
                && !line.starts_with(['#', ';'])
                && let Some((key, value)) = line.split_once('=')
            {
                self.option(&key.trim().replace('_', "-"), plain(value), in_file(path, Some(index + 1)));
            }
        }
        Ok(())
    }

    fn option(&mut self, key: &str, value: String, place: Place) {
        match key {
            "host" => self.host = Some((value, place)),
            "database" => self.database = Some((value, place)),
            "user" => self.user = Some(value),
            "port" => self.port = value.parse().ok(),
            "protocol" => self.tcp = value.eq_ignore_ascii_case("tcp"),
            _ => {}
        }
    }

    fn signal(self) -> Option<Signal> {
        let place = self.host.as_ref().or(self.database.as_ref())?.1.clone();
        let host = self.host.map(|(host, _)| host).unwrap_or_default();
        let database = self.database.map(|(name, _)| name);
        // `localhost` is a socket, unless it is told to be none.
        let here = address::is_loopback(&host) && !host.is_empty() && !host.starts_with('/');
        let port = (here && (self.tcp || host != "localhost")).then(|| self.port.unwrap_or(3306));
        let parts = [
            (Kind::UrlHost, Some(&host).filter(|host| !host.is_empty())),
            (Kind::Database, database.as_ref()),
            (Kind::DatabaseUser, self.user.as_ref()),
        ];
        let parts =
            parts.into_iter().filter_map(|(kind, text)| Some(Part::new(kind, text?.as_str()))).collect();
        let shown_port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        let value = format!("{host}{shown_port}/{}", database.as_deref().unwrap_or_default());
        let label = if host.is_empty() || here { database.as_deref().unwrap_or(&host) } else { &host };
        let value = value.trim_end_matches('/').to_owned();
        Some(Signal { value, port, ..OF.signal("host", label, place, parts) })
    }
}

/// The files that `!include FILE` or `!includedir DIRECTORY` names.
fn included(view: &View, path: &Path, include: &str) -> Result<Vec<PathBuf>, Unread> {
    if let Some(directory) = include.strip_prefix("includedir").map(|rest| PathBuf::from(rest.trim())) {
        // The directory's own time tells when a file is added.
        view.read(&directory);
        let names = view.world().entries(&directory);
        let names = names.map_err(|why| Box::new(OF.unreadable("file", in_file(&directory, None), &why)))?;
        let files = names.into_iter().filter(|name| name.as_encoded_bytes().ends_with(b".cnf"));
        return Ok(files.map(|name| directory.join(name)).collect());
    }
    let file = include.strip_prefix("include").map(str::trim).filter(|file| !file.is_empty());
    // A path of a directory's own would be taken from wherever the client starts.
    Ok(file.map(|file| path.parent().unwrap_or(path).join(file)).into_iter().collect())
}

/// A value without its quotes and without the comment behind it.
fn plain(value: &str) -> String {
    let value = value.trim();
    if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\''))
        && let Some((inner, _)) = value[1..].split_once(quote)
    {
        return inner.to_owned();
    }
    value.split('#').next().unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_comments_are_no_part_of_a_value() {
        for (text, expected) in [
            (" db.prod ", "db.prod"),
            ("\"db.prod\" # c", "db.prod"),
            ("'a#b'", "a#b"),
            ("db.prod # c", "db.prod"),
            ("\"open", "\"open"),
            ("", ""),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}
