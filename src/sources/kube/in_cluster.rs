//! The cluster that a pod is in, where kubectl falls back on it. It refuses to open the token.

use std::path::Path;

use super::{SOURCE, absent};
use crate::signal::{Domain, Kind, Part, Place, Reading, Scope, Signal};
use crate::view::View;
use crate::world::Content;

/// The variables that tell a pod where its cluster is.
pub const VARIABLES: &[&str] = &["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "POD_NAMESPACE"];

/// What every pod with a service account is given.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What kubectl uses where no kubeconfig says anything: signals `server` and `namespace`; nothing outside of a pod.
pub fn read(view: &View) -> Vec<Reading> {
    let text = |name: &str| view.text(name).filter(|value| !value.is_empty());
    let (Some(host), Some(port)) = (text("KUBERNETES_SERVICE_HOST"), text("KUBERNETES_SERVICE_PORT")) else {
        return Vec::new();
    };
    if !view.exists(&Path::new(ACCOUNT).join("token")) {
        return Vec::new();
    }
    let variable = |name: &str| Place::Variable(name.into());
    let shown = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let server = Part::new(Kind::KubeServer, host.as_str());
    let mut out = vec![found("server", &shown, variable("KUBERNETES_SERVICE_HOST"), server)];
    if let Some(name) = text("POD_NAMESPACE") {
        let part = Part::new(Kind::KubeNamespace, name.as_str());
        out.push(found("namespace", &name, variable("POD_NAMESPACE"), part));
        return out;
    }
    let path = Path::new(ACCOUNT).join("namespace");
    let place = Place::File { path: path.clone(), line: Some(1) };
    match view.read(&path) {
        Content::Bytes(bytes) => {
            let name = String::from_utf8_lossy(&bytes).trim().to_owned();
            if !name.is_empty() {
                let part = Part::new(Kind::KubeNamespace, name.as_str());
                out.push(found("namespace", &name, place, part));
            }
        }
        Content::Absent => out.push(absent("namespace")),
        Content::Unreadable(why) => out.push(super::unreadable("namespace", place, why)),
    }
    out
}

fn found(what: &str, value: &str, place: Place, part: Part) -> Reading {
    Reading::Found(Signal {
        source: SOURCE,
        domain: Domain::Kube,
        scope: Scope::Tab,
        what: what.into(),
        value: value.into(),
        label: value.into(),
        place,
        parts: vec![part],
        port: None,
    })
}
