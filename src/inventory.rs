//! Everything on this machine that a command could be pointed at: the names in kubeconfigs, AWS profiles and accounts,
//! gcloud configurations, Azure subscriptions, PostgreSQL services, docker contexts and ssh's hosts. It only lists; nothing a file names is run.

mod docker;
mod gcloud;
mod postgres;
pub mod ssh;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::signal::{Domain, Kind, Part, Place, Reading, Trouble};
use crate::sources::{aws, azure, kube};
use crate::view::View;
use crate::world::Content;

/// One name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub kind: Kind,
    pub name: String,
    pub place: Place,
    /// What is judged, the name itself first; the gravest answer counts.
    pub parts: Vec<Part>,
    /// Judged only where the parts say nothing.
    pub otherwise: Option<Part>,
}

/// What was found, by kind of thing, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    pub known: Vec<Known>,
    /// What could not be read: more may be there.
    pub troubles: Vec<Trouble>,
}

/// Takes the inventory of this machine as `view` shows it.
pub fn take(view: &View) -> Inventory {
    let mut found = Inventory::default();
    found.kube(view);
    found.aws(view);
    gcloud::list(view, &mut found);
    found.azure(view);
    postgres::list(view, &mut found);
    docker::list(view, &mut found);
    ssh::list(view, &mut found);
    // A file that is included from many places has its fault once.
    let mut told = HashSet::new();
    found.troubles.retain(|trouble| told.insert((trouble.place.clone(), trouble.why.clone())));
    found
}

impl Inventory {
    fn kube(&mut self, view: &View) {
        let (contexts, readings) = kube::contexts(view);
        self.known.extend(contexts.into_iter().map(|context| Known {
            kind: Kind::KubeContext,
            name: context.name,
            place: context.place,
            parts: context.parts,
            otherwise: context.file,
        }));
        self.troubles.extend(readings.into_iter().filter_map(|reading| match reading {
            Reading::Unreadable(trouble) => Some(trouble),
            _ => None,
        }));
    }

    fn aws(&mut self, view: &View) {
        let profiles = aws::profiles(view);
        let mut accounts = HashSet::new();
        let told = profiles.list.iter().filter_map(|profile| profile.account.as_ref());
        for account in told.filter(|account| accounts.insert(account.id.clone())) {
            self.add(Kind::AwsAccount, &account.id, account.place.clone(), None);
        }
        self.known.extend(profiles.list.into_iter().map(|profile| Known {
            kind: Kind::AwsProfile,
            parts: aws::parts(&profile),
            name: profile.name,
            place: profile.place,
            otherwise: None,
        }));
        self.troubles.extend(profiles.troubles);
    }

    fn azure(&mut self, view: &View) {
        match azure::subscriptions(view) {
            Ok(list) => self.known.extend(list.into_iter().map(|one| Known {
                kind: Kind::AzureSubscription,
                parts: one.parts(),
                name: if one.name.is_empty() { one.id } else { one.name },
                place: one.place,
                otherwise: None,
            })),
            Err(unread) => self.troubles.extend(match *unread {
                Reading::Unreadable(trouble) => Some(trouble),
                _ => None,
            }),
        }
    }

    fn add(&mut self, kind: Kind, name: &str, place: Place, others: impl IntoIterator<Item = Part>) {
        let parts = std::iter::once(Part::new(kind, name)).chain(others).collect();
        self.known.push(Known { kind, name: name.to_owned(), place, parts, otherwise: None });
    }

    fn trouble(&mut self, of: (&'static str, Domain), path: &Path, line: Option<usize>, why: &str) {
        let (source, domain) = of;
        let place = Place::File { path: path.to_path_buf(), line };
        self.troubles.push(Trouble { source, domain, what: "file".into(), place, why: why.into() });
    }

    /// The text of a file; `None` where it is absent, or can't be read, which is noted.
    fn text(&mut self, view: &View, of: (&'static str, Domain), path: &Path) -> Option<String> {
        match view.read(path) {
            Content::Absent => None,
            Content::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Content::Unreadable(why) => {
                self.trouble(of, path, None, &why);
                None
            }
        }
    }

    /// The paths of a directory's entries, sorted; none where it is absent, or can't be read, which is noted.
    fn entries(&mut self, view: &View, of: (&'static str, Domain), directory: &Path) -> Vec<PathBuf> {
        match view.world().entries(directory) {
            Ok(names) => names.into_iter().map(|name| directory.join(name)).collect(),
            Err(why) => {
                self.trouble(of, directory, None, &why);
                Vec::new()
            }
        }
    }
}

/// The directory a variable names, else `below` the home directory.
fn directory(view: &View, variable: &str, below: &str) -> Option<PathBuf> {
    match view.var(variable).filter(|value| !value.is_empty()) {
        Some(value) => Some(PathBuf::from(value)),
        None => Some(view.home()?.join(below)),
    }
}

fn file_place(path: &Path, line: usize) -> Place {
    Place::File { path: path.to_path_buf(), line: Some(line) }
}
