//! gcloud's configurations, each with the project it sets.

use super::{Inventory, directory, file_place};
use crate::signal::{Domain, Kind, Part};
use crate::sources::ini::{self, Style};
use crate::view::View;

const OF: (&str, Domain) = ("gcloud", Domain::Cloud);

/// Adds every configuration in `$CLOUDSDK_CONFIG/configurations`, by default below `~/.config/gcloud`.
pub fn list(view: &View, found: &mut Inventory) {
    let Some(root) = directory(view, "CLOUDSDK_CONFIG", ".config/gcloud") else { return };
    for path in found.entries(view, OF, &root.join("configurations")) {
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(name) = file_name.strip_prefix("config_").filter(|name| !name.is_empty()) else { continue };
        let text = found.text(view, OF, &path);
        let ini = text.as_deref().map(|text| ini::read(text, Style::Python)).unwrap_or_default();
        if let Some(flaw) = &ini.flaw {
            found.trouble(OF, &path, Some(flaw.line), flaw.why);
        }
        let core = ini.sections.iter().find(|section| section.name == "core");
        let project = core.and_then(|core| core.get("project"));
        let line = project.map_or(1, |project| project.line);
        let project = project.map(|project| Part::new(Kind::GcpProject, project.value));
        found.add(Kind::GcpConfig, name, file_place(&path, line), project);
    }
}
