//! What an ssh was told: where to, through whom, and what its local ports lead to. From its arguments, and from what
//! `ssh -G` makes of them; nothing here runs anything.

use crate::address;
use crate::connections::kinds::{Fact, Intent, host_fact, short, user_and_host};
use crate::idle::Use;
use crate::signal::{Kind, Part};

/// A local port and what is behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward {
    pub port: u16,
    /// What it leads to; `None`: wherever the connection itself leads.
    pub fact: Option<Fact>,
    /// As ssh takes it, where an ssh was asked for it: `-L15432:prod-db:5432`.
    pub option: Option<String>,
}

impl Forward {
    /// A port that leads to the connection's own target.
    pub fn onward(port: u16) -> Forward {
        Forward { port, ..Forward::default() }
    }

    /// The port of ssh's `-D`.
    fn dynamic(text: &str) -> Option<Forward> {
        Some(Forward { option: Some(format!("-D{text}")), ..Forward::onward(listened(text)?) })
    }
}

/// ssh's options that take a value.
const VALUES: &str = "bcDEeFIiJLlmOopPQRSWwB";

/// What an ssh was told by its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ssh {
    /// As typed, without the user.
    pub host: String,
    /// As typed; what the configuration says is not in here.
    pub port: Option<u16>,
    pub user: Option<String>,
    pub jumps: Vec<String>,
    /// `-W host:port`: it only carries another ssh.
    pub carries: bool,
    /// It waits for others in the background, and takes them along.
    pub master: bool,
    pub control_path: Option<String>,
    /// The configuration that `-F` names.
    pub config: Option<String>,
    pub has_command: bool,
    pub no_command: bool,
    /// What `ssh -G` is to be given to see the same: the options, then the host.
    pub arguments: Vec<String>,
    local: Vec<Forward>,
    /// Those of `local` that name a far side, as `-L` takes them.
    specs: Vec<String>,
    /// It lets the far side listen.
    pub remote: bool,
    dynamic: bool,
}

impl Ssh {
    /// Reads ssh's arguments; `None` when they open no connection.
    pub fn parse(args: &[String]) -> Option<Ssh> {
        let mut ssh = Ssh::default();
        let mut at = 0;
        let mut named = false;
        while let Some(arg) = args.get(at) {
            at += 1;
            if arg == "--" {
                if !named {
                    ssh.name(args.get(at)?);
                    named = true;
                    at += 1;
                }
                ssh.has_command = at < args.len();
                break;
            }
            let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                if named {
                    ssh.has_command = true;
                    break;
                }
                ssh.name(arg);
                named = true;
                continue;
            };
            for (index, letter) in letters.char_indices() {
                if !VALUES.contains(letter) {
                    ssh.flag(letter)?;
                    continue;
                }
                let inside = &letters[index + letter.len_utf8()..];
                let value = if inside.is_empty() {
                    at += 1;
                    args.get(at - 1)?.as_str()
                } else {
                    inside
                };
                ssh.value(letter, value)?;
                break;
            }
        }
        (named && !ssh.host.is_empty() && !ssh.host.starts_with('-')).then_some(ssh)
    }

    fn name(&mut self, typed: &str) {
        let bare = typed.strip_prefix("ssh://").unwrap_or(typed);
        let (user, host) = user_and_host(bare);
        let (host, port) = match host.split('/').next() {
            Some(host) if bare.len() < typed.len() => host.split_once(':').unwrap_or((host, "")),
            _ => (host, ""),
        };
        self.port = port.parse().ok().or(self.port);
        self.user = user.map(str::to_owned).or(self.user.take());
        self.host = host.to_owned();
        self.arguments.push(typed.to_owned());
    }

    fn flag(&mut self, letter: char) -> Option<()> {
        match letter {
            'G' | 'V' => return None,
            'N' => self.no_command = true,
            'M' => self.master = true,
            _ => {}
        }
        if !"fMNnqvG".contains(letter) {
            self.option(letter, None);
        }
        Some(())
    }

    /// Options stand before the host, wherever they were typed.
    fn option(&mut self, letter: char, value: Option<&str>) {
        let at = self.arguments.len() - usize::from(!self.host.is_empty());
        let text = format!("-{letter}{}", value.unwrap_or_default());
        self.arguments.insert(at.min(self.arguments.len()), text);
    }

    fn value(&mut self, letter: char, value: &str) -> Option<()> {
        match letter {
            'O' | 'Q' => return None,
            'W' => self.carries = true,
            'l' => self.user = Some(value.to_owned()),
            'p' => self.port = value.parse().ok(),
            'J' => self.jump(value),
            'F' => self.config = Some(value.to_owned()),
            'S' => self.control_path = Some(value.to_owned()),
            'L' => {
                self.local.extend(local_forward(value));
                self.specs.push(value.to_owned());
            }
            'D' => {
                self.dynamic = true;
                self.local.extend(Forward::dynamic(value));
            }
            'R' => self.remote = true,
            'o' => self.keyword(value),
            _ => {}
        }
        // -E would write to a file, and what listens must not be asked to listen again.
        if "FJloPpbIiBce".contains(letter) {
            self.option(letter, Some(value));
        }
        Some(())
    }

    fn keyword(&mut self, text: &str) {
        let Some(at) = text.find(|c: char| c == '=' || c.is_whitespace()) else { return };
        let value = text[at + 1..].trim_start_matches(|c: char| c == '=' || c.is_whitespace());
        match text[..at].to_ascii_lowercase().as_str() {
            "proxyjump" => self.jump(value),
            "controlpath" => self.control_path = Some(value.to_owned()),
            "controlmaster" => self.master |= value.eq_ignore_ascii_case("yes"),
            "localforward" => {
                self.local.extend(configured_forward(value));
                self.specs.push(as_option(value));
            }
            "dynamicforward" => {
                self.dynamic = true;
                self.local.extend(Forward::dynamic(value));
            }
            "remoteforward" => self.remote = true,
            "user" => self.user = Some(value.to_owned()),
            "port" => self.port = value.parse().ok(),
            _ => {}
        }
    }

    fn jump(&mut self, list: &str) {
        if list != "none" {
            self.jumps = list.split(',').map(|hop| user_and_host(hop).1.to_owned()).collect();
        }
    }

    /// Whether it was started for nothing but to listen, on this port among others.
    pub fn is_for(&self, port: u16) -> bool {
        self.no_command && self.local.iter().any(|forward| forward.port == port)
    }

    /// What a process with these arguments is.
    pub fn intent(args: &[String]) -> Option<Intent> {
        Some(Ssh::parse(args)?.into_intent())
    }

    fn into_intent(self) -> Intent {
        let tunnels = !self.local.is_empty() || self.remote || self.dynamic;
        let (kind, uses) = match (self.no_command, self.has_command) {
            (true, _) if self.master && !tunnels => ("ssh master", Use::Master),
            (true, _) => ("tunnel", Use::Forwarding),
            (false, _) => ("ssh", Use::Typed),
        };
        let mut intent = Intent::new(kind, uses);
        let mut fact = host_fact(&self.host, self.user.as_deref(), "ssh");
        fact.port = address::is_loopback(&self.host).then(|| self.port.unwrap_or(22));
        intent.facts.push(fact);
        intent.forwards = self.local.clone();
        intent.listens = true;
        intent.ssh = Some(self);
        intent
    }

    /// A master in the background: all that is left of its arguments is its socket.
    pub fn master(title: &str) -> Option<Intent> {
        let path = title.strip_prefix("ssh: ")?.trim_end().strip_suffix("[mux]")?.trim_end();
        let mut intent = Intent::new("ssh master", Use::Master);
        intent.listens = true;
        intent.ssh = Some(Ssh {
            master: true,
            control_path: Some(path.to_owned()),
            no_command: true,
            ..Ssh::default()
        });
        Some(intent)
    }

    /// The word for what it does: `ssh -L`.
    pub fn how(&self) -> &'static str {
        match () {
            () if self.local.iter().any(|forward| forward.fact.is_some()) => "ssh -L",
            () if self.dynamic => "ssh -D",
            () if self.remote => "ssh -R",
            () => "ssh",
        }
    }
}

/// The forwards that these arguments of an ssh ask for, each as `-L` takes it, and the host and configuration they name:
/// `-O forward` asks for some as well, of one that is connected already.
pub fn asked(args: &[String]) -> Option<(Vec<String>, String, Option<String>)> {
    let mut args = args.to_vec();
    if let Some(at) = args.windows(2).position(|pair| pair[0] == "-O" && pair[1] == "forward") {
        args.drain(at..at + 2);
    }
    args.retain(|arg| arg != "-Oforward");
    let ssh = Ssh::parse(&args)?;
    Some((ssh.specs, ssh.host, ssh.config))
}

/// `15432 prod-db:5432`, as configurations write it, as `-L` takes it.
pub fn as_option(configured: &str) -> String {
    configured.split_whitespace().collect::<Vec<_>>().join(":")
}

/// What `ssh -G` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    pub host: Option<Fact>,
    pub port: Option<u16>,
    pub jumps: Vec<String>,
    pub control_path: Option<String>,
    pub forwards: Vec<Forward>,
}

impl Resolved {
    /// Reads the output of `ssh -G`.
    pub fn parse(text: &str) -> Resolved {
        let mut found = Resolved::default();
        let mut user = None;
        for line in text.lines().take(2000) {
            let Some((keyword, value)) = line.split_once(' ') else { continue };
            match keyword {
                "hostname" => found.host = Some(host_fact(value, None, "ssh config")),
                "user" => user = Some(value),
                "port" => found.port = value.parse().ok(),
                "proxyjump" if value != "none" => {
                    found.jumps = value.split(',').map(|hop| user_and_host(hop).1.to_owned()).collect();
                }
                "controlpath" if value != "none" => found.control_path = Some(value.to_owned()),
                "localforward" => found.forwards.extend(configured_forward(value)),
                "dynamicforward" => found.forwards.extend(Forward::dynamic(value)),
                _ => {}
            }
        }
        if let (Some(fact), Some(user)) = (&mut found.host, user) {
            fact.parts.push(Part::new(Kind::Name, user));
        }
        found
    }
}

/// `[bind:]port:host:hostport`; a socket's path on either side is no port.
pub(super) fn local_forward(text: &str) -> Option<Forward> {
    let pieces = colon_pieces(text);
    let (port, host, far) = match &pieces[..] {
        [port, host, far] | [_, port, host, far] => (port, host, Some(far)),
        [port, path] if path.starts_with('/') => (port, path, None),
        _ => return None,
    };
    let option = Some(format!("-L{text}"));
    Some(Forward { port: port.parse().ok()?, fact: Some(far_fact(host, far.copied())), option })
}

/// `[bind:]port [host]:hostport`, as configuration files and `ssh -G` write it.
pub(super) fn configured_forward(text: &str) -> Option<Forward> {
    let (near, far) = text.split_once(char::is_whitespace)?;
    let far = colon_pieces(far.trim());
    let [host, port] = &far[..] else { return None };
    let option = Some(format!("-L{}", as_option(text)));
    Some(Forward { port: listened(near)?, fact: Some(far_fact(host, Some(port))), option })
}

/// What lies behind a forward, as the far side sees it: `localhost` is that host itself.
fn far_fact(host: &str, port: Option<&str>) -> Fact {
    let mut fact = host_fact(host, None, "ssh -L");
    fact.target = match port {
        Some(port) => format!("{}:{port}", short(host)),
        None => host.to_owned(),
    };
    if address::is_loopback(host) {
        fact.parts.clear();
    }
    fact
}

/// The port of `[bind:]port`.
fn listened(text: &str) -> Option<u16> {
    colon_pieces(text).last()?.parse().ok().filter(|port| *port != 0)
}

/// Cuts at colons outside of brackets, and takes the brackets off.
fn colon_pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut deep) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => deep = true,
            b']' => deep = false,
            b':' if !deep => {
                pieces.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces.into_iter().map(|piece| piece.trim_start_matches('[').trim_end_matches(']')).collect()
}
