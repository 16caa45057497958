//! Where signals come from. Each source is `fn(&View) -> Vec<Reading>`: it reads, and judges nothing.

pub mod aws;
pub mod azure;
pub mod connections;
mod digest;
pub mod directory;
pub mod docker;
pub mod dotenv;
pub mod env;
pub mod gcloud;
pub mod host;
pub mod ini;
pub mod kube;
pub mod login;
pub mod mysql;
pub mod origin;
pub mod postgres;
pub mod pulumi;
pub mod sessions;
pub mod terraform;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::signal::{Domain, Part, Place, Reading, Scope, Signal, Trouble};
use crate::view::View;
use crate::world::Content;

/// Whether any source reads this variable, so that a prompt must notice when its value changes.
pub fn is_watched(name: &OsStr) -> bool {
    env::is_watched(name)
        || aws::is_watched(name)
        || LISTS.iter().any(|list| list.iter().any(|known| name == *known))
}

const LISTS: [&[&str]; 7] = [
    kube::VARIABLES,
    gcloud::VARIABLES,
    azure::VARIABLES,
    docker::VARIABLES,
    terraform::VARIABLES,
    pulumi::VARIABLES,
    postgres::VARIABLES,
];

/// Why a file could not be read, as the reading that says so.
type Unread = Box<Reading>;

/// A source: its word, and the domain its signals speak of.
#[derive(Clone, Copy)]
struct Of {
    source: &'static str,
    domain: Domain,
}

impl Of {
    /// What was found; `value` is its label as well.
    fn signal(self, what: &str, value: &str, place: Place, parts: Vec<Part>) -> Signal {
        Signal {
            source: self.source,
            domain: self.domain,
            scope: Scope::Tab,
            what: what.into(),
            value: value.into(),
            label: value.into(),
            place,
            parts,
            port: None,
        }
    }

    fn absent(self, what: &str) -> Reading {
        Reading::Absent { source: self.source, what: what.into() }
    }

    fn unreadable(self, what: &str, place: Place, why: &str) -> Reading {
        Reading::Unreadable(Trouble {
            source: self.source,
            domain: self.domain,
            what: what.into(),
            place,
            why: why.into(),
        })
    }

    /// A file's text; `Ok(None)` where there is no file.
    fn text(self, view: &View, path: &Path) -> Result<Option<String>, Unread> {
        match view.read(path) {
            Content::Absent => Ok(None),
            Content::Bytes(bytes) => Ok(Some(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            })),
            Content::Unreadable(why) => Err(Box::new(self.unreadable("file", in_file(path, None), &why))),
        }
    }

    /// A file that is JSON, with its text; a byte order mark is no part of it.
    fn json(self, view: &View, path: &Path) -> Result<Option<(Value, String)>, Unread> {
        let Some(text) = self.text(view, path)? else { return Ok(None) };
        match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
            Ok(value @ Value::Object(_)) => Ok(Some((value, text))),
            Ok(_) => Err(Box::new(self.unreadable("file", in_file(path, None), "is no JSON object"))),
            // The parser's own words can hold a piece of the file.
            Err(error) => {
                Err(Box::new(self.unreadable("file", in_file(path, Some(error.line())), "is no JSON")))
            }
        }
    }
}

/// The text of a variable that is set to something.
fn set(view: &View, name: &str) -> Option<String> {
    view.text(name).filter(|value| !value.is_empty())
}

/// The directory that a variable names, else `below` the home directory.
fn directory_of(view: &View, variable: &str, below: &str) -> Option<PathBuf> {
    match view.var(variable).filter(|value| !value.is_empty()) {
        Some(value) => Some(PathBuf::from(value)),
        None => Some(view.home()?.join(below)),
    }
}

fn in_file(path: &Path, line: Option<usize>) -> Place {
    Place::File { path: path.to_path_buf(), line }
}

/// The line, from 1, on which `piece` first stands.
fn line_of(text: &str, piece: &str) -> Option<usize> {
    let at = text.find(piece)?;
    Some(text[..at].matches('\n').count() + 1)
}
