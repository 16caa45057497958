//! pulumi: the stack that is selected for the project in this directory, as pulumi keeps it below `~/.pulumi`. What it
//! refuses: to look into states and configuration, which hold secrets. `PULUMI_STACK` itself is the `env` source's.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Of, Unread, digest, directory_of, in_file, line_of, set};
use crate::signal::{Domain, Kind, Part, Reading};
use crate::view::View;

const OF: Of = Of { source: "pulumi", domain: Domain::Terraform };

/// The variables this source reads.
pub const VARIABLES: &[&str] = &["PULUMI_HOME"];

/// What a project's file is called.
const PROJECT: [&str; 2] = ["Pulumi.yaml", "Pulumi.yml"];

/// Directories above this many are not looked at.
const LEVELS: usize = 64;

/// A signal `stack`; `Unreadable` where a file can't be read. A home without `~/.pulumi/workspaces` costs one look.
pub fn read(view: &View) -> Vec<Reading> {
    let stack = stack(view).unwrap_or_else(|unread| Some(*unread));
    vec![stack.unwrap_or_else(|| OF.absent("stack"))]
}

fn stack(view: &View) -> Result<Option<Reading>, Unread> {
    let home = directory_of(view, "PULUMI_HOME", ".pulumi").map(|home| home.join("workspaces"));
    let Some(workspaces) = home.filter(|home| set(view, "PULUMI_STACK").is_none() && view.exists(home))
    else {
        return Ok(None);
    };
    let Some(project) = view.cwd().and_then(|cwd| project(view, cwd)) else { return Ok(None) };
    let Some(text) = OF.text(view, &project)? else { return Ok(None) };
    // A name that is no file's name is none that pulumi takes.
    let Some(name) = name(&text).filter(|name| !name.contains('/')) else { return Ok(None) };
    let digest = digest::sha1(project.as_os_str().as_bytes());
    let path = workspaces.join(format!("{name}-{digest}-workspace.json"));
    let Some((settings, text)) = OF.json(view, &path)? else { return Ok(None) };
    let stack = settings.get("stack").and_then(serde_json::Value::as_str).unwrap_or_default();
    let place = in_file(&path, line_of(&text, "\"stack\""));
    let parts = vec![Part::new(Kind::PulumiStack, stack)];
    Ok((!stack.is_empty()).then(|| Reading::Found(OF.signal("stack", stack, place, parts))))
}

/// The file of the nearest project.
fn project(view: &View, cwd: &Path) -> Option<PathBuf> {
    let levels = cwd.ancestors().take(LEVELS);
    levels.flat_map(|level| PROJECT.map(|name| level.join(name))).find(|path| view.exists(path))
}

/// The project's name: a key at the left margin, with or without quotes.
fn name(text: &str) -> Option<&str> {
    let value = text.lines().find_map(|line| line.strip_prefix("name:"))?.trim();
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split(" #").next()?.trim_end(),
    };
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projects_name_is_found_however_it_is_written() {
        for (text, expected) in [
            ("name: shop\nruntime: go\n", Some("shop")),
            ("runtime:\n  name: nodejs\nname: \"shop\" # ours\n", Some("shop")),
            ("# c\nname:   shop # ours\n", Some("shop")),
            ("name: 'shop'", Some("shop")),
            ("name:\n", None),
            ("runtime: go\n", None),
        ] {
            assert_eq!(name(text), expected, "{text}");
        }
    }
}
