//! docker: the context that a command typed here would use, and the host behind it. What it refuses: to run a
//! credential helper, to look at the logins in `config.json`. `DOCKER_HOST` and `DOCKER_CONTEXT` themselves are the
//! `env` source's.

use std::path::Path;

use serde_json::Value;

use super::{Of, Unread, digest, directory_of, env, in_file, line_of, set};
use crate::signal::{Domain, Kind, Part, Place, Reading};
use crate::view::View;

const OF: Of = Of { source: "docker", domain: Domain::Docker };

/// The variables this source reads.
pub const VARIABLES: &[&str] = &["DOCKER_CONFIG"];

/// Signals `context` (where `config.json` names one) and `endpoint`, its host. `Unreadable` for files that docker would
/// refuse.
pub fn read(view: &View) -> Vec<Reading> {
    let mut out = Vec::new();
    // docker looks at no context where this names the host.
    if set(view, "DOCKER_HOST").is_none()
        && let Some(root) = directory_of(view, "DOCKER_CONFIG", ".docker")
    {
        context(view, &root, &mut out).unwrap_or_else(|unread| out.push(*unread));
    }
    if out.is_empty() {
        out.push(OF.absent("context"));
    }
    out
}

fn context(view: &View, root: &Path, out: &mut Vec<Reading>) -> Result<(), Unread> {
    let named = match view.target(Kind::DockerContext) {
        Some(selected) => selected.map(str::to_owned),
        None => set(view, "DOCKER_CONTEXT"),
    };
    let name = match named {
        Some(name) => name,
        None => {
            let path = root.join("config.json");
            let Some((config, text)) = OF.json(view, &path)? else { return Ok(()) };
            let current = config.get("currentContext").and_then(Value::as_str).unwrap_or_default();
            if current.is_empty() || current == DEFAULT {
                return Ok(());
            }
            let place = in_file(&path, line_of(&text, "\"currentContext\""));
            let parts = vec![Part::new(Kind::DockerContext, current)];
            out.push(Reading::Found(OF.signal("context", current, place, parts)));
            current.to_owned()
        }
    };
    if name == DEFAULT {
        return Ok(());
    }
    let path = root.join("contexts/meta").join(digest::sha256(name.as_bytes())).join("meta.json");
    // Without the file docker refuses every command.
    let Some((meta, text)) = OF.json(view, &path)? else { return Ok(()) };
    let Some(host) = meta.pointer("/Endpoints/docker/Host").and_then(Value::as_str) else { return Ok(()) };
    let place: Place = in_file(&path, line_of(&text, "\"Host\""));
    out.extend(env::endpoint(OF.source, "endpoint", host, OF.domain, place));
    Ok(())
}

/// The context that stands for what `DOCKER_HOST` says.
const DEFAULT: &str = "default";
