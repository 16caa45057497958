//! Addresses as Java drivers write them: JDBC, R2DBC and Oracle. They have a shape for each driver; an unknown driver is
//! refused.

use super::host::{database, host, hosts_in, user_of};
use super::options::{Options, SECRET_KEYS, key_of};
use super::scheme::{EMBEDDED, Scheme, WRAPPERS, scheme_and_body, scheme_called};
use super::url::{before_secret, end_of_path, url};
use super::{Address, BAD_HOST, Failure, Host, MOST_HOSTS, NO_HOST, UNCLEAR_PASSWORD, UNKNOWN_DRIVER};

pub(super) fn java_address(body: &str) -> Result<Option<Address>, Failure> {
    let mut body = body;
    for _ in 0..4 {
        match scheme_and_body(body) {
            Some((word, rest))
                if !rest.starts_with("//") && WRAPPERS.iter().any(|w| w.eq_ignore_ascii_case(word)) =>
            {
                body = rest;
            }
            _ => break,
        }
    }
    let (word, rest) = scheme_and_body(body).ok_or(UNKNOWN_DRIVER)?;
    if EMBEDDED.iter().any(|embedded| embedded.eq_ignore_ascii_case(word)) {
        return Ok(None);
    }
    let scheme = scheme_called(word).ok_or(UNKNOWN_DRIVER)?;
    if scheme.name == "oracle" && !rest.starts_with("//") {
        return oracle(rest).map(Some);
    }
    let mut rest = rest;
    let mut mode = "";
    // `mysql:loadbalance://`, `redshift:iam://`, `h2:tcp://`, `sybase:Tds:`.
    for _ in 0..3 {
        match scheme_and_body(rest) {
            Some((word, next)) if !rest.starts_with("//") => (mode, rest) = (word, next),
            _ => break,
        }
    }
    let embeds = matches!(scheme.name, "h2" | "hsqldb" | "derby");
    match rest.strip_prefix("//") {
        Some(_) if embeds && mode.eq_ignore_ascii_case("file") => Ok(None),
        Some(rest) => {
            let rest = rest.strip_prefix("https://").unwrap_or(rest);
            url(scheme, rest).map(Some)
        }
        None if embeds => Ok(None),
        None if scheme.name == "sybase" && mode.eq_ignore_ascii_case("tds") => Err(UNKNOWN_DRIVER),
        // `jdbc:postgresql:db` is the database of that name on this machine.
        None if scheme.name == "postgres" && mode.is_empty() => url(scheme, &format!("/{rest}")).map(Some),
        None => Err(UNKNOWN_DRIVER),
    }
}

/// `thin:@//h:1521/service`, `thin:user/password@h:1521:SID`, `oci:@(DESCRIPTION=…)`, `thin:@alias`.
pub(super) fn oracle(body: &str) -> Result<Address, Failure> {
    let (_, body) = body.split_once(':').ok_or(NO_HOST)?;
    let visible = before_secret(body);
    let at = visible.rfind('@').ok_or(NO_HOST)?;
    if visible.starts_with('@') && at > 0 {
        return Err(UNCLEAR_PASSWORD);
    }
    let user = body[..at].split('/').next().and_then(|user| user_of(user, false));
    let place = &body[at + 1..];
    let address = if place.trim_start().starts_with('(') { descriptor(place) } else { easy_connect(place) }?;
    Ok(Address { user, ..address })
}

/// `//h1,h2:1521/service`, `h:1521:SID` or a name that `tnsnames.ora` knows.
pub(super) fn easy_connect(place: &str) -> Result<Address, Failure> {
    let place = place.split_once("//").map_or(place, |(_, place)| place);
    let place = &place[..end_of_path(place)];
    let (front, service) = place.split_once('/').unwrap_or((place, ""));
    let service = service.split([':', '/', ';']).next().unwrap_or("");
    let (front, service) = match front.rsplit_once(':') {
        Some((head, sid)) if service.is_empty() && !front.starts_with('[') && head.contains(':') => {
            (head, sid)
        }
        _ => (front, service),
    };
    let hosts = hosts_in(front)?;
    if hosts.is_empty() {
        return Err(NO_HOST);
    }
    Ok(Address { scheme: "oracle".to_owned(), hosts, database: database(service)?, user: None })
}

/// `(DESCRIPTION=(ADDRESS=(HOST=h)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=x)))`.
pub(super) fn descriptor(text: &str) -> Result<Address, Failure> {
    let mut found = Places::default();
    let mut service = None;
    for item in text.split('(') {
        let Some((key, value)) = item.split_once('=') else { continue };
        let value = value.split(')').next().unwrap_or("").trim();
        match key_of(key).as_str() {
            "address" => found.begin(),
            "host" => found.host(value),
            "port" => found.port(value),
            "servicename" | "sid" => service = Some(value),
            _ => {}
        }
    }
    let hosts = found.hosts()?;
    let database = service.map_or(Ok(None), database)?;
    Ok(Address { scheme: "oracle".to_owned(), hosts, database, user: None })
}

/// Hosts and ports that arrive one by one, in any order within one place.
#[derive(Default)]
struct Places<'a>(Vec<(Option<&'a str>, Option<&'a str>)>);

impl<'a> Places<'a> {
    fn begin(&mut self) {
        if self.0.last().is_none_or(|place| *place != (None, None)) {
            self.0.push((None, None));
        }
    }

    fn host(&mut self, name: &'a str) {
        match self.0.last_mut() {
            Some(place) if place.0.is_none() => place.0 = Some(name),
            _ => self.0.push((Some(name), None)),
        }
    }

    fn port(&mut self, port: &'a str) {
        match self.0.last_mut() {
            Some(place) if place.1.is_none() => place.1 = Some(port),
            _ => self.0.push((None, Some(port))),
        }
    }

    fn hosts(self) -> Result<Vec<Host>, Failure> {
        let named = self.0.into_iter().filter_map(|(name, port)| Some((name?, port)));
        let hosts: Option<Vec<Host>> = named
            .take(MOST_HOSTS)
            .map(|(name, port)| {
                let mut host = host(name)?;
                if let Some(port) = port {
                    host.port = Some(port.parse().ok()?);
                }
                Some(host)
            })
            .collect();
        hosts.filter(|hosts| !hosts.is_empty()).ok_or(BAD_HOST)
    }
}

/// The user and the groups of `user:password@address=(host=h)(port=1),(host=h2,port=2)/db`, if it looks like that.
pub(super) fn host_groups(rest: &str) -> Option<(Option<&str>, &str)> {
    let lower = rest.to_ascii_lowercase();
    let starts = |text: &str| {
        let text = text.trim_start_matches('[');
        ["address=(", "(host", "(port", "(address", "(type", "(protocol"].iter().any(|s| text.starts_with(s))
    };
    if starts(&lower) {
        return Some((None, rest));
    }
    let open = lower.find('(')?;
    let at = lower[..open].rfind('@')?;
    starts(&lower[at + 1..]).then(|| (Some(&rest[..at]), &rest[at + 1..]))
}

pub(super) fn grouped(scheme: &Scheme, user: Option<&str>, groups: &str) -> Result<Address, Failure> {
    let mut found = Places::default();
    let mut rest = groups;
    found.begin();
    loop {
        let trimmed = rest.trim_start_matches(['[', ']', ',', ' ']);
        if trimmed.len() < rest.len() {
            found.begin();
        }
        rest = trimmed;
        if rest.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("address=")) {
            found.begin();
            rest = &rest[8..];
        }
        let Some(group) = rest.strip_prefix('(') else { break };
        let (inside, after) = group.split_once(')').ok_or(BAD_HOST)?;
        for (key, value) in inside.split(',').filter_map(|item| item.split_once('=')) {
            match key_of(key).as_str() {
                "host" => found.host(value.trim()),
                "port" => found.port(value.trim()),
                // What follows a secret in its group may still belong to it.
                key if SECRET_KEYS.contains(&key) => break,
                _ => {}
            }
        }
        rest = after;
    }
    if !(rest.is_empty() || rest.starts_with(['/', '?']))
        || rest.contains(')')
        || rest[..end_of_path(rest)].contains(['(', '@'])
    {
        return Err(UNCLEAR_PASSWORD);
    }
    let mut options = Options::default();
    let end = end_of_path(rest);
    options.read_path(&rest[..end]);
    options.read_query(&rest[end..]);
    options.hosts = None;
    let mut address = options.address(scheme, found.hosts()?)?;
    address.user = user.and_then(|user| user_of(user, false)).or(address.user);
    Ok(address)
}
