//! AWS: the account that a command typed here would reach, and every profile that `~/.aws/config` and
//! `~/.aws/credentials` define. What it refuses: to run a `credential_process`, to ask anybody, to keep a key. An access
//! key's id tells its account offline. Profiles that variables name are the `env` source's; here is what they lead to.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::signal::{Domain, Kind, Part, Place, Reading, Scope, Signal, Trouble};
use crate::sources::env;
use crate::sources::ini::{self, Ini, Section, Style};
use crate::verdict::Reason;
use crate::view::View;
use crate::world::Content;

const SOURCE: &str = "aws";

/// Profiles that one names as its source, one after the other.
const CHAIN: usize = 32;

/// One profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub name: String,
    pub place: Place,
    /// The account that commands under this profile reach: the role's, the single sign-on's or the access key's.
    pub account: Option<Account>,
}

/// An account and where it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    pub place: Place,
}

/// Every profile of both files in the order of the files, and what could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profiles {
    pub list: Vec<Profile>,
    pub troubles: Vec<Trouble>,
}

/// Whether this source reads the variable, besides those that name a profile.
pub fn is_watched(name: &OsStr) -> bool {
    ["AWS_ACCESS_KEY_ID", "AWS_CONFIG_FILE", "AWS_ROLE_ARN", "AWS_SHARED_CREDENTIALS_FILE"]
        .iter()
        .any(|known| name == *known)
}

/// The variables that name a profile. The CLI's versions and the SDKs differ on which wins, so all of them count.
const PROFILE_VARIABLES: &[&str] = &["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_VAULT", "AWSUME_PROFILE"];

/// What AWS commands would reach in this view: signals `account` for each profile that a variable names, for exported
/// credentials and for a role of a web identity; where there are none of these, the profile `default` and its account.
/// `Unreadable` for every file the CLI would refuse.
pub fn read(view: &View) -> Vec<Reading> {
    let Profiles { list, troubles } = profiles(view);
    let mut out: Vec<Reading> = troubles.into_iter().map(Reading::Unreadable).collect();
    let find = |name: &str| list.iter().find(|profile| profile.name == name);
    let exported = exported(view);
    let mut named: Vec<String> = Vec::new();
    for name in PROFILE_VARIABLES.iter().filter_map(|variable| view.text(variable)) {
        if !name.is_empty() && !named.contains(&name) {
            named.push(name);
        }
    }
    for name in &named {
        let account = find(name).and_then(|profile| profile.account.as_ref());
        out.extend(account.map(|account| signal("account", account, Some(name))));
    }
    if let (true, true, Some(profile)) = (named.is_empty(), exported.is_empty(), find("default")) {
        out.push(Reading::Found(Signal {
            label: profile.name.clone(),
            value: profile.name.clone(),
            parts: vec![Part::new(Kind::AwsProfile, profile.name.as_str())],
            ..blank("profile", profile.place.clone())
        }));
        out.extend(profile.account.iter().map(|account| signal("account", account, Some("default"))));
    }
    out.extend(exported);
    if out.is_empty() && named.is_empty() {
        out.push(Reading::Absent { source: SOURCE, what: "profile".into() });
    }
    out
}

/// What cannot be told of exported credentials, which go before every profile: an account that neither an answer nor the
/// name of a profile settles. A profile of another account settles nothing.
pub fn doubt(reasons: &[Reason]) -> Option<Trouble> {
    let settled = |reason: &Reason| reason.judgement.known || reason.judgement.environment.is_some();
    let account = |reason: &Reason| {
        let part = reason.signal.parts.iter().find(|part| part.kind == Kind::AwsAccount)?;
        Some(part.text.clone())
    };
    let (exported, of_profiles): (Vec<&Reason>, Vec<&Reason>) = reasons
        .iter()
        .filter(|reason| reason.signal.source == SOURCE)
        .partition(|reason| matches!(reason.signal.place, Place::Variable(_)));
    let open = exported.into_iter().find(|reason| !settled(reason))?;
    let own = account(open);
    let another = own.is_some() && of_profiles.into_iter().filter_map(account).any(|id| Some(id) != own);
    let names_profile =
        |reason: &&Reason| reason.signal.parts.iter().any(|part| part.kind == Kind::AwsProfile);
    let mut names = reasons.iter().filter(|reason| reason.signal.source == env::SOURCE).filter(names_profile);
    if !another && names.any(settled) {
        return None;
    }
    let why = match own {
        Some(id) => format!("is a key of account {id}, which nobody has settled"),
        None => "is a key that does not tell its account, and no profile is named".to_owned(),
    };
    let Signal { what, place, .. } = &open.signal;
    Some(Trouble { source: SOURCE, domain: Domain::Cloud, what: what.clone(), place: place.clone(), why })
}

/// Credentials that are exported themselves, and the role of a web identity.
fn exported(view: &View) -> Vec<Reading> {
    let text = |name: &str| view.text(name).filter(|value| !value.is_empty());
    let place = |name: &str| Place::Variable(name.into());
    let mut out = Vec::new();
    if let Some(id) = text("AWS_ACCESS_KEY_ID") {
        let place = place("AWS_ACCESS_KEY_ID");
        out.push(match key_account(&id) {
            Some(id) => signal("account", &Account { id, place }, None),
            None => Reading::Found(Signal {
                value: "of an account that the key does not tell".into(),
                label: "aws credentials".into(),
                ..blank("credentials", place)
            }),
        });
    }
    if let Some(id) = text("AWS_ROLE_ARN").as_deref().and_then(role_account) {
        out.push(signal("account", &Account { id, place: place("AWS_ROLE_ARN") }, None));
    }
    out
}

fn blank(what: &str, place: Place) -> Signal {
    Signal {
        source: SOURCE,
        domain: Domain::Cloud,
        scope: Scope::Tab,
        what: what.into(),
        value: String::new(),
        label: String::new(),
        place,
        parts: Vec::new(),
        port: None,
    }
}

/// The signal of an account; `profile` is how a person knows it.
fn signal(what: &str, account: &Account, profile: Option<&str>) -> Reading {
    let value = match profile {
        Some(profile) => format!("{} ({profile})", account.id),
        None => account.id.clone(),
    };
    Reading::Found(Signal {
        value,
        label: profile.unwrap_or(&account.id).to_owned(),
        parts: vec![Part::new(Kind::AwsAccount, account.id.as_str())],
        ..blank(what, account.place.clone())
    })
}

/// Reads the profiles.
pub fn profiles(view: &View) -> Profiles {
    let mut out = Profiles::default();
    let files = [("AWS_CONFIG_FILE", "config", true), ("AWS_SHARED_CREDENTIALS_FILE", "credentials", false)];
    let texts: Vec<(PathBuf, String, bool)> = files
        .into_iter()
        .filter_map(|(variable, name, config)| {
            let path = path(view, variable, name)?;
            let text = text(view, &path, &mut out.troubles)?;
            Some((path, text, config))
        })
        .collect();
    let mut raw: Vec<Raw> = Vec::new();
    let mut index: HashMap<String, usize> = HashMap::new();
    for (path, text, config) in &texts {
        let Ini { sections, flaw } = ini::read(text, Style::Python);
        if let Some(flaw) = flaw {
            out.troubles.push(trouble(path.clone(), Some(flaw.line), flaw.why));
        }
        for section in sections {
            let Some(name) =
                (if *config { profile_name(section.name) } else { Some(section.name.to_owned()) })
            else {
                continue;
            };
            let at = *index.entry(name.clone()).or_insert(raw.len());
            if at == raw.len() {
                let place = Place::File { path: path.clone(), line: Some(section.line) };
                raw.push(Raw { name, place, told: Default::default(), source: None });
            }
            if let Some(profile) = raw.get_mut(at) {
                profile.take(path, &section);
            }
        }
    }
    let known = Known { raw: &raw, index: &index };
    out.list = raw
        .iter()
        .map(|profile| Profile {
            name: profile.name.clone(),
            place: profile.place.clone(),
            account: known.account(profile),
        })
        .collect();
    out
}

/// The pieces of a profile that are judged.
pub fn parts(profile: &Profile) -> Vec<Part> {
    let account = profile.account.iter().map(|account| Part::new(Kind::AwsAccount, account.id.as_str()));
    std::iter::once(Part::new(Kind::AwsProfile, profile.name.as_str())).chain(account).collect()
}

/// The file that `variable` names, `~` being the home directory; without it the one below `~/.aws`.
fn path(view: &View, variable: &str, name: &str) -> Option<PathBuf> {
    match view.var(variable).filter(|value| !value.is_empty()) {
        Some(value) => {
            let path = PathBuf::from(value);
            match path.strip_prefix("~") {
                Ok(rest) => Some(view.home()?.join(rest)),
                Err(_) => Some(path),
            }
        }
        None => Some(view.home()?.join(".aws").join(name)),
    }
}

fn text(view: &View, path: &Path, troubles: &mut Vec<Trouble>) -> Option<String> {
    match view.read(path) {
        Content::Absent => None,
        Content::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Content::Unreadable(why) => {
            troubles.push(trouble(path.to_path_buf(), None, &why));
            None
        }
    }
}

fn trouble(path: PathBuf, line: Option<usize>, why: &str) -> Trouble {
    Trouble {
        source: SOURCE,
        domain: Domain::Cloud,
        what: "profiles".into(),
        place: Place::File { path, line },
        why: why.into(),
    }
}

/// The profile that a section of `config` defines: `[default]` and `[profile NAME]`, whose words are quoted as a shell's.
fn profile_name(section: &str) -> Option<String> {
    let mut words = split(section)?.into_iter();
    match (words.next()?.as_str(), words.next(), words.next()) {
        ("default", None, _) => Some("default".into()),
        ("profile", Some(name), None) => Some(name),
        _ => None,
    }
}

/// A text cut into words as a shell would; `None` when a quote is left open.
fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, quote) {
            (char, Some(open)) if char == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().push(chars.next()?),
            ('\'' | '"', None) => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (char, None) if char.is_whitespace() => words.extend(word.take()),
            (char, _) => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// A profile, as far as it matters here.
struct Raw {
    name: String,
    place: Place,
    /// By the order of [`ACCOUNT_KEYS`]: the value of each, and where it stands.
    told: [Option<(String, Place)>; ACCOUNT_KEYS.len()],
    source: Option<String>,
}

impl Raw {
    /// Takes what a section says. What the credentials file says goes over the config file, as in the CLI.
    fn take(&mut self, path: &Path, section: &Section<'_>) {
        for (told, (key, _)) in self.told.iter_mut().zip(ACCOUNT_KEYS) {
            if let Some(setting) = section.get(key) {
                let place = Place::File { path: path.to_path_buf(), line: Some(setting.line) };
                *told = Some((setting.value.to_owned(), place));
            }
        }
        if let Some(setting) = section.get("source_profile") {
            self.source = Some(setting.value.to_owned());
        }
    }
}

struct Known<'a> {
    raw: &'a [Raw],
    index: &'a HashMap<String, usize>,
}

impl Known<'_> {
    fn account(&self, profile: &Raw) -> Option<Account> {
        let mut seen = HashSet::new();
        let mut at = profile;
        for _ in 0..CHAIN {
            let own = at.told.iter().zip(ACCOUNT_KEYS).find_map(|(told, (_, account))| {
                let (value, place) = told.as_ref()?;
                Some(Account { id: account(value)?, place: place.clone() })
            });
            if own.is_some() {
                return own;
            }
            let next = at.source.as_deref()?;
            if !seen.insert(next) {
                return None;
            }
            at = self.raw.get(*self.index.get(next)?)?;
        }
        None
    }
}

type FindAccount = fn(&str) -> Option<String>;

/// The keys that tell an account, the one that wins first, and how it stands in their values.
const ACCOUNT_KEYS: &[(&str, FindAccount)] = &[
    ("role_arn", role_account),
    ("sso_account_id", plain_account),
    ("aws_access_key_id", key_account),
    ("aws_account_id", plain_account),
];

fn plain_account(text: &str) -> Option<String> {
    is_account(text).then(|| text.to_owned())
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The account in `arn:PARTITION:iam::ACCOUNT:role/NAME`.
fn role_account(arn: &str) -> Option<String> {
    let mut fields = arn.split(':');
    let account = (fields.next()? == "arn").then(|| fields.nth(3))??;
    is_account(account).then(|| account.to_owned())
}

/// The account that an access key's id carries: forty bits behind the first of its base32 digits, which tells the keys
/// that do so from those of before 2019.
pub fn key_account(id: &str) -> Option<String> {
    let kind = id.get(..4)?;
    if !matches!(kind, "AKIA" | "ASIA") {
        return None;
    }
    let mut bits: u64 = 0;
    for byte in id.get(4..14)?.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u64::from(digit);
    }
    // Fifty bits, of which the first is the mark and the next forty the account.
    let carries = (bits >> 49) & 1 == 1;
    let account = (bits >> 9) & ((1 << 40) - 1);
    (carries && account < 1_000_000_000_000).then(|| format!("{account:012}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    #[test]
    fn keys_tell_their_account() {
        // Of keys that were published for this purpose and never worked.
        assert_eq!(key_account("ASIAQNZGKIQY56JQ7WML").as_deref(), Some("029608264753"));
        assert_eq!(key_account("AKIASP2TPHJSQH3FJRUX").as_deref(), Some("171436882533"));
        for none in ["AKIAIOSFODNN7EXAMPLE", "AROAQNZGKIQY56JQ7WML", "AKIA", "", "AKIAQ1111111111", "ÄÖÜ"]
        {
            assert_eq!(key_account(none), None, "{none}");
        }
    }

    #[test]
    fn sections_name_profiles() {
        for (section, name) in [
            ("default", Some("default")),
            ("profile a", Some("a")),
            ("profile \"a b\"", Some("a b")),
            ("profile 'a'b", Some("ab")),
            ("profile", None),
            ("profile a b", None),
            ("profile \"a", None),
            ("a", None),
            ("sso-session x", None),
            ("", None),
        ] {
            assert_eq!(profile_name(section).as_deref(), name, "{section}");
        }
    }

    #[test]
    fn both_files_make_the_profiles() {
        let dir = tempfile::TempDir::new().unwrap();
        let aws = dir.path().join(".aws");
        std::fs::create_dir(&aws).unwrap();
        let config = "[default]\nregion = x\n[profile role]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = keys\n\
                      [profile sso]\nsso_account_id = 222222222222\n[profile via]\nsource_profile = keys\n\
                      [profile loop]\nsource_profile = loop\n[profile nested]\ns3 =\n  sso_account_id = 333333333333\n\
                      [sso-session s]\nsso_region = x\n";
        std::fs::write(aws.join("config"), config).unwrap();
        let credentials = "[keys]\naws_access_key_id = AKIASP2TPHJSQH3FJRUX\naws_secret_access_key = s\n[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\nbad\n";
        std::fs::write(aws.join("credentials"), credentials).unwrap();
        let vars = vec![("HOME".into(), dir.path().into())];
        let world = World { vars, cwd: None, uid: 0 };
        let found = profiles(&View::new(&world));
        let told: Vec<(&str, Option<&str>)> = found
            .list
            .iter()
            .map(|p| (p.name.as_str(), p.account.as_ref().map(|account| account.id.as_str())))
            .collect();
        let expected = [
            ("default", None),
            ("role", Some("111111111111")),
            ("sso", Some("222222222222")),
            ("via", Some("171436882533")),
            ("loop", None),
            ("nested", None),
            ("keys", Some("171436882533")),
        ];
        assert_eq!(told, expected);
        let place = Place::File { path: aws.join("credentials"), line: Some(6) };
        let troubles: Vec<(&Place, &str)> =
            found.troubles.iter().map(|trouble| (&trouble.place, trouble.why.as_str())).collect();
        assert_eq!(troubles, [(&place, "has a line that sets nothing")]);
    }
}
