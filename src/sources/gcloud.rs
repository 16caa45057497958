//! gcloud: the configuration, project and service account that a command typed here would use, and the project of
//! `GOOGLE_APPLICATION_CREDENTIALS`. What it refuses: to keep anything of a key but its project's name, to ask anybody.
//! `CLOUDSDK_ACTIVE_CONFIG_NAME` and `CLOUDSDK_CORE_PROJECT` themselves are the `env` source's.

use std::path::Path;

use super::ini::{self, Style};
use super::{Of, Unread, directory_of, in_file, line_of, set};
use crate::signal::{Domain, Kind, Part, Place, Reading, Signal};
use crate::view::View;

const OF: Of = Of { source: "gcloud", domain: Domain::Cloud };

/// The variables this source reads.
pub const VARIABLES: &[&str] = &[
    "CLOUDSDK_CONFIG",
    "CLOUDSDK_CORE_ACCOUNT",
    "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
    "GOOGLE_APPLICATION_CREDENTIALS",
];

/// What gcloud would use in this view: signals `configuration`, `project`, `account` and `impersonated`; and
/// `credentials`, what Google's client libraries would use. `Unreadable` for files that gcloud would refuse.
pub fn read(view: &View) -> Vec<Reading> {
    let mut out = Vec::new();
    configuration(view, &mut out).unwrap_or_else(|unread| out.push(*unread));
    credentials(view)
        .unwrap_or_else(|unread| Some(*unread))
        .into_iter()
        .for_each(|reading| out.push(reading));
    if out.is_empty() {
        out.push(OF.absent("configuration"));
    }
    out
}

fn configuration(view: &View, out: &mut Vec<Reading>) -> Result<(), Unread> {
    let variable = |name: &str| set(view, name).map(|value| (value, Place::Variable(name.into())));
    let mut project = None;
    let mut account = variable("CLOUDSDK_CORE_ACCOUNT");
    let mut impersonated = variable("CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT");
    let root = directory_of(view, "CLOUDSDK_CONFIG", ".config/gcloud").filter(|root| view.exists(root));
    let result = root.map_or(Ok(()), |root| {
        let Some(name) = active(view, &root, out)? else { return Ok(()) };
        let path = root.join("configurations").join(format!("config_{name}"));
        let Some(text) = OF.text(view, &path)? else { return Ok(()) };
        let ini = ini::read(&text, Style::Python);
        let value = |section: &str, key: &str| {
            let found = ini.sections.iter().find(|s| s.name == section)?.get(key)?;
            Some((found.value.to_owned(), in_file(&path, Some(found.line))))
        };
        if set(view, "CLOUDSDK_CORE_PROJECT").is_none() {
            project = value("core", "project");
        }
        account = account.take().or_else(|| value("core", "account"));
        impersonated = impersonated.take().or_else(|| value("auth", "impersonate_service_account"));
        match &ini.flaw {
            Some(flaw) => Err(Box::new(OF.unreadable("file", in_file(&path, Some(flaw.line)), flaw.why))),
            None => Ok(()),
        }
    });
    out.extend(project.map(|(name, place)| {
        let parts = vec![Part::new(Kind::GcpProject, name.as_str())];
        Reading::Found(OF.signal("project", &name, place, parts))
    }));
    for (what, found) in [("account", account), ("impersonated", impersonated)] {
        // Of several that act for one another the last is the one that acts.
        let found =
            found.and_then(|(names, place)| Some((names.rsplit(',').next()?.trim().to_owned(), place)));
        out.extend(found.map(|(name, place)| Reading::Found(account_signal(what, &name, place))));
    }
    result
}

/// The name of the active configuration, as long as gcloud would take it for one.
fn active(view: &View, root: &Path, out: &mut Vec<Reading>) -> Result<Option<String>, Unread> {
    let valid = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    if let Some(name) = set(view, "CLOUDSDK_ACTIVE_CONFIG_NAME") {
        return Ok(valid(&name).then_some(name));
    }
    let path = root.join("active_config");
    // gcloud empties its configuration `default` when it has to make the file, or to replace what is no name.
    let Some(text) = OF.text(view, &path)? else { return Ok(None) };
    match text.trim() {
        "" => Ok(Some("default".into())),
        name if valid(name) => {
            let parts = vec![Part::new(Kind::GcpConfig, name)];
            out.push(Reading::Found(OF.signal("configuration", name, in_file(&path, Some(1)), parts)));
            Ok(Some(name.to_owned()))
        }
        _ => Ok(None),
    }
}

/// A service account is called `NAME@PROJECT.iam.gserviceaccount.com`; of a person's nothing speaks.
fn account_signal(what: &str, account: &str, place: Place) -> Signal {
    let service = account.split_once('@').and_then(|(name, domain)| {
        let project = domain.strip_suffix(".iam.gserviceaccount.com")?;
        Some(vec![Part::new(Kind::GcpProject, project), Part::new(Kind::Name, name)])
    });
    OF.signal(what, account, place, service.unwrap_or_default())
}

/// The project in the file that `GOOGLE_APPLICATION_CREDENTIALS` names.
fn credentials(view: &View) -> Result<Option<Reading>, Unread> {
    let Some(path) = set(view, "GOOGLE_APPLICATION_CREDENTIALS") else { return Ok(None) };
    let path = Path::new(&path);
    let Some((key, text)) = OF.json(view, path)? else { return Ok(None) };
    let field = |name: &str| {
        let value = key.get(name)?.as_str()?;
        Some((value.to_owned(), in_file(path, line_of(&text, &format!("\"{name}\"")))))
    };
    if let Some((project, place)) = field("project_id").or_else(|| field("quota_project_id")) {
        let parts = vec![Part::new(Kind::GcpProject, project.as_str())];
        return Ok(Some(Reading::Found(OF.signal("credentials", &project, place, parts))));
    }
    // `…/serviceAccounts/NAME@PROJECT.iam.gserviceaccount.com:generateAccessToken`
    let Some((url, place)) = field("service_account_impersonation_url") else { return Ok(None) };
    let account = url.rsplit('/').next().and_then(|last| last.split(':').next()).unwrap_or_default();
    Ok(Some(Reading::Found(account_signal("credentials", account, place))))
}
