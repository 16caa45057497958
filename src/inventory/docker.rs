//! docker's contexts, each with the host of its endpoint.

use serde_json::Value;

use super::{Inventory, directory, file_place};
use crate::parts::bare_host;
use crate::signal::{Domain, Kind, Part};
use crate::view::View;

const OF: (&str, Domain) = ("docker", Domain::Docker);

/// Adds every context below `$DOCKER_CONFIG/contexts/meta`, by default in `~/.docker`.
pub fn list(view: &View, found: &mut Inventory) {
    let Some(root) = directory(view, "DOCKER_CONFIG", ".docker") else { return };
    for entry in found.entries(view, OF, &root.join("contexts/meta")) {
        let path = entry.join("meta.json");
        let Some(text) = found.text(view, OF, &path) else { continue };
        let meta: Value = match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
            Ok(meta) => meta,
            Err(error) => {
                found.trouble(OF, &path, Some(error.line()), "is no JSON");
                continue;
            }
        };
        let Some(name) = meta.get("Name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
            found.trouble(OF, &path, None, "names no context");
            continue;
        };
        let endpoint = meta.pointer("/Endpoints/docker/Host").and_then(Value::as_str);
        let host = endpoint.and_then(remote_host).map(|host| Part::new(Kind::UrlHost, host));
        found.add(Kind::DockerContext, name, file_place(&path, 1), host);
    }
}

/// The host of an endpoint that is not on this machine.
fn remote_host(endpoint: &str) -> Option<&str> {
    let (scheme, _) = endpoint.split_once("://")?;
    let local = ["unix", "npipe", "fd"].iter().any(|local| scheme.eq_ignore_ascii_case(local));
    Some(bare_host(endpoint)).filter(|host| !local && !host.is_empty())
}
