//! terraform and OpenTofu: the workspace that is selected in this directory. What it refuses: to look into states and
//! plans, which hold secrets. `TF_WORKSPACE` itself is the `env` source's.

use std::path::PathBuf;

use super::{Of, in_file, set};
use crate::signal::{Domain, Kind, Part, Reading};
use crate::view::View;

const OF: Of = Of { source: "terraform", domain: Domain::Terraform };

/// The variables this source reads.
pub const VARIABLES: &[&str] = &["TF_DATA_DIR"];

/// A signal `workspace` where another one than `default` is selected; `Unreadable` where the file can't be read.
pub fn read(view: &View) -> Vec<Reading> {
    vec![workspace(view).unwrap_or_else(|| OF.absent("workspace"))]
}

fn workspace(view: &View) -> Option<Reading> {
    if set(view, "TF_WORKSPACE").is_some() {
        return None;
    }
    let data = set(view, "TF_DATA_DIR").unwrap_or_else(|| ".terraform".into());
    let path = view.cwd()?.join(PathBuf::from(data)).join("environment");
    let text = match OF.text(view, &path) {
        Ok(text) => text?,
        Err(unread) => return Some(*unread),
    };
    let name = text.trim();
    if name.is_empty() || name == "default" {
        return None;
    }
    let parts = vec![Part::new(Kind::TerraformWorkspace, name)];
    Some(Reading::Found(OF.signal("workspace", name, in_file(&path, Some(1)), parts)))
}
