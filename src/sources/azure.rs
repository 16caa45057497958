//! Azure: the subscription that `az` would use, as `az` keeps it in `azureProfile.json`. What it refuses: to look at
//! tokens, which lie beside it. Variables that name a subscription are the `env` source's.

use serde_json::Value;

use super::{Of, Unread, directory_of, in_file, line_of};
use crate::signal::{Domain, Kind, Part, Place, Reading, Signal};
use crate::view::View;

const OF: Of = Of { source: "azure", domain: Domain::Cloud };

/// The variables this source reads.
pub const VARIABLES: &[&str] = &["AZURE_CONFIG_DIR"];

/// One subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub name: String,
    pub id: String,
    pub place: Place,
    /// `az` uses it where none is named.
    pub default: bool,
}

impl Subscription {
    /// The pieces of it that are judged, the name first.
    pub fn parts(&self) -> Vec<Part> {
        let texts = [&self.name, &self.id].into_iter().filter(|text| !text.is_empty());
        texts.map(|text| Part::new(Kind::AzureSubscription, text.as_str())).collect()
    }
}

/// A signal `subscription` for the default one (each cloud has its own); `Unreadable` for a file that `az` would refuse.
pub fn read(view: &View) -> Vec<Reading> {
    let found = match subscriptions(view) {
        Ok(found) => found,
        Err(unread) => return vec![*unread],
    };
    let mut out: Vec<Reading> =
        found.iter().filter(|one| one.default).map(|one| Reading::Found(signal(one))).collect();
    if out.is_empty() {
        out.push(OF.absent("subscription"));
    }
    out
}

fn signal(one: &Subscription) -> Signal {
    let label = if one.name.is_empty() { &one.id } else { &one.name };
    Signal {
        value: if one.name.is_empty() { one.id.clone() } else { format!("{} ({})", one.name, one.id) },
        ..OF.signal("subscription", label, one.place.clone(), one.parts())
    }
}

/// Every subscription that `az` knows, in the order of its file.
///
/// # Errors
/// The reading that says why the file can't be read.
pub fn subscriptions(view: &View) -> Result<Vec<Subscription>, Unread> {
    let Some(root) = directory_of(view, "AZURE_CONFIG_DIR", ".azure") else { return Ok(Vec::new()) };
    let path = root.join("azureProfile.json");
    let Some((profile, text)) = OF.json(view, &path)? else { return Ok(Vec::new()) };
    let list = profile.get("subscriptions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = |one: &Value| {
        let field = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (name, id) = (field("name"), field("id"));
        if name.is_empty() && id.is_empty() {
            return None;
        }
        // az writes all of it on one line.
        let line = line_of(&text, &format!("\"{id}\""));
        let default = one.get("isDefault").and_then(Value::as_bool).unwrap_or(false);
        Some(Subscription { name, id, place: in_file(&path, line), default })
    };
    Ok(list.iter().take(MOST).filter_map(one).collect())
}

/// More subscriptions than this are not looked at: finding each one's line takes a look through the file.
const MOST: usize = 2000;
