//! Every context of the merged kubeconfigs, each with what a command under it would hit. It judges nothing, and looks
//! at the same files by the same rules as the source itself.

use std::collections::HashMap;

use super::config::{self, Entry};
use super::{Loaded, Paths, Server, load, unreadable};
use crate::signal::{Kind, Part, Place, Reading};
use crate::view::View;

/// One context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    pub name: String,
    /// Where its entry stands.
    pub place: Place,
    /// The context, its cluster, the cluster's server (its host alone) and the namespace, as far as there are any.
    pub parts: Vec<Part>,
    /// The file that defines the cluster, where `KUBECONFIG` names files; it speaks only where the parts say nothing.
    pub file: Option<Part>,
}

/// Every context by kubectl's rules (of one name the first file's), and what could not be read.
pub fn contexts(view: &View) -> (Vec<Context>, Vec<Reading>) {
    let paths = Paths::of(view);
    let (files, mut troubles) = load(view, &paths);
    let mut all: Vec<Loaded<'_>> = Vec::with_capacity(files.len());
    for file in &files {
        match config::parse(&file.bytes) {
            Ok(config) => all.push(Loaded { file, config }),
            Err(flaw) => troubles.push(unreadable("file", file.place(flaw.line), flaw.why)),
        }
    }
    let mut clusters: HashMap<&str, (&Loaded<'_>, &Entry<'_>)> = HashMap::new();
    for loaded in &all {
        for entry in &loaded.config.clusters {
            clusters.entry(entry.name.as_ref()).or_insert((loaded, entry));
        }
    }
    let mut seen = std::collections::HashSet::new();
    let mut contexts = Vec::new();
    for loaded in &all {
        for entry in &loaded.config.contexts {
            if !entry.name.is_empty() && seen.insert(entry.name.as_ref()) {
                contexts.push(context(loaded, entry, &clusters, paths.explicit));
            }
        }
    }
    (contexts, troubles)
}

fn context(
    loaded: &Loaded<'_>,
    entry: &Entry<'_>,
    clusters: &HashMap<&str, (&Loaded<'_>, &Entry<'_>)>,
    explicit: bool,
) -> Context {
    let mut parts = vec![Part::new(Kind::KubeContext, entry.name.as_ref())];
    let cluster = entry.cluster.as_ref();
    parts.extend(cluster.map(|field| Part::new(Kind::KubeCluster, field.text.as_ref())));
    let defined = clusters.get(cluster.map_or("", |field| field.text.as_ref()));
    let server = defined.and_then(|(_, cluster)| Server::of(&cluster.server.as_ref()?.text));
    parts.extend(server.map(|server| Part::new(Kind::KubeServer, server.host)));
    let namespace = entry.namespace.as_ref().filter(|field| field.text != "default");
    parts.extend(namespace.map(|field| Part::new(Kind::KubeNamespace, field.text.as_ref())));
    let home = defined.map_or(loaded, |(home, _)| home);
    let file = explicit.then(|| Part::new(Kind::KubeFile, home.file.given.to_string_lossy()));
    Context { name: entry.name.to_string(), place: loaded.file.place(Some(entry.line)), parts, file }
}
