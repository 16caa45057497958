//! One look after another at the whole machine: which connections to production are open, and how long each has been
//! idle. A process is asked for its details once, sockets are matched to processes only when they are new. It changes
//! nothing and waits for nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::address;
use crate::clock;
use crate::close;
use crate::config::Config;
use crate::connections::kinds::{self, Beside, CLIENT, Fact, Files, Intent, short};
use crate::connections::resolve::{Answer, Question, Resolver};
use crate::connections::tunnels::{self, Forward};
use crate::environment::{Judgement, Matcher, Names, Severity};
use crate::idle::{self, Key, Memory, Millis, Now, Seen, State, Told, Use};
use crate::processes::{self, Snapshot, Sockets, Stat, Tcp};
use crate::signal::{Domain, Kind, Part, Reading, Signal};
use crate::sources;
use crate::state::asked::Asked;
use crate::state::machine::{Connection, Process};
use crate::view::{Overrides, View};
use crate::world::World;

/// A fork before its exec is looked at again for so long.
const YOUNG: Duration = Duration::from_secs(15);

/// The list of processes is read at least this often, though nothing was started.
const PIDS_FRESH: Duration = Duration::from_secs(60);

/// How long the list of hosts from ssh's and PostgreSQL's files holds.
const NAMES_FRESH: Duration = Duration::from_secs(300);

/// Ports of production hosts that say nothing of a session: the web's.
const WEB: &[u16] = &[80, 443, 8080, 8443];

/// Connections that are kept; more is a runaway program.
const MOST: usize = 500;

/// One open connection, with how long it has been idle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    pub connection: Connection,
    pub production: bool,
    pub state: State,
    /// How long since its last use, in seconds, and whether it may be longer.
    pub idle_secs: u64,
    pub at_least: bool,
    /// Which clock told.
    pub uses: Use,
    /// Programs go through it now: sockets it has accepted, mux clients.
    pub clients: usize,
    /// tmux's socket and pane, as the process's environment names them.
    pub tmux: Option<(String, String)>,
    /// The hosts on the way.
    pub via: Vec<String>,
    /// A mux master's socket.
    pub control_path: Option<String>,
    /// What is typed in its terminal goes to it.
    pub foreground: bool,
}

/// What is remembered between two looks.
pub struct Watch {
    uid: u32,
    pids: Vec<u32>,
    /// When they were listed, and what had been started last.
    listed: Option<(u32, Instant)>,
    young: BTreeMap<u32, Instant>,
    /// Processes on terminals by pid: `exec` turns a shell, or a wrapper, into something else.
    terminals: BTreeMap<u32, Stat>,
    tracked: BTreeMap<u32, Tracked>,
    /// Who holds a socket, by cookie; `None` is nobody who matters, as of that round of interests.
    holders: HashMap<u64, (Option<u32>, u64)>,
    interests: (BTreeSet<IpAddr>, u64),
    names: Vec<(String, String)>,
    /// When the files that name hosts were read.
    named: Option<Instant>,
    config: Option<Config>,
    resolver: Resolver,
    memory: Memory,
    ids: HashMap<(Key, Option<u16>), u32>,
    next_id: u32,
    /// When the look before began.
    looked: Option<Millis>,
    /// The forwards that lines have asked an ssh for.
    asked: Vec<Forward>,
    /// The ports on which the processes that are followed listen.
    listening: BTreeSet<u16>,
    /// Whether the kernel tells of sockets at all.
    pub sockets_known: bool,
    /// What it told last.
    sockets: Sockets,
}

/// A process that may be a connection.
struct Tracked {
    stat: Stat,
    intent: Intent,
    facts: Vec<Fact>,
    question: Option<Question>,
    /// Its own uid's.
    own: bool,
    tmux: Option<(String, String)>,
    opened_at: u64,
    /// Since when it has been followed, and whether it was not there before.
    watched_since: Millis,
    opening_seen: bool,
    /// It only carries this process's connection.
    carries: bool,
    /// What a master learned from a client.
    learnt: Option<(Vec<Fact>, Vec<String>)>,
    /// The forwards that its clients have had it take over.
    lent: Vec<Forward>,
}

/// The verdict about one connection.
#[derive(Clone, Debug)]
struct Judged {
    environment: usize,
    fact: Fact,
    /// A forward as its ssh was asked for it.
    option: Option<String>,
}

/// What one process holds.
#[derive(Clone, Debug, Default)]
struct Held {
    outward: Vec<Tcp>,
    accepted: Vec<Tcp>,
    listening: BTreeSet<u16>,
}

impl Watch {
    /// Begins; nothing is looked at yet.
    pub fn new(world: &World) -> Watch {
        let path = world.var("PATH").and_then(|path| path.to_str()).unwrap_or("/usr/bin:/bin");
        Watch::with(world, Resolver::start(path, world.home()))
    }

    fn with(world: &World, resolver: Resolver) -> Watch {
        Watch {
            uid: world.uid,
            pids: Vec::new(),
            listed: None,
            young: BTreeMap::new(),
            terminals: BTreeMap::new(),
            tracked: BTreeMap::new(),
            holders: HashMap::new(),
            interests: (BTreeSet::new(), 0),
            names: Vec::new(),
            named: None,
            config: None,
            resolver,
            memory: Memory::default(),
            ids: HashMap::new(),
            next_id: 1,
            looked: None,
            asked: Vec::new(),
            listening: BTreeSet::new(),
            sockets_known: false,
            sockets: Sockets::default(),
        }
    }

    /// The processes behind the connections of the last look.
    pub fn processes(&self) -> impl Iterator<Item = Key> {
        self.memory.tracks.iter().map(|track| track.key)
    }

    /// What the last look saw of a process on a terminal.
    pub fn on_terminal(&self, pid: u32) -> Option<&Stat> {
        self.terminals.get(&pid)
    }

    /// Takes in what names turned out to stand for; whether that was anything, so that another look is worth it.
    pub fn listen(&mut self) -> bool {
        self.resolver.listen()
    }

    /// Whether a question about a name is open.
    pub fn is_asking(&self) -> bool {
        self.resolver.waiting > 0
    }

    /// Takes the forwards, as `-L` takes them, that lines have asked an ssh for.
    pub fn ask<'a>(&mut self, specs: impl Iterator<Item = &'a str>) {
        self.asked = specs.filter_map(tunnels::local_forward).collect();
    }

    /// Whether something that is followed listens for this forward, as `-L` takes it.
    pub fn listens_for(&self, spec: &str) -> bool {
        tunnels::local_forward(spec).is_some_and(|forward| self.listening.contains(&forward.port))
    }

    /// Looks once.
    pub fn look(&mut self, world: &World, config: &Config, idle_after: Duration) -> Vec<Open> {
        self.resolver.listen();
        let begun = clock::awake();
        let stale = self.named.is_none_or(|at| at.elapsed() > NAMES_FRESH);
        if stale || self.config.as_ref() != Some(config) {
            self.names = production_names(world, config);
            self.named = Some(Instant::now());
            self.config = Some(config.clone());
        }
        let all = self.processes_that_changed(world);
        let sockets = Sockets::take(self.uid);
        self.sockets_known = sockets.is_ok() && all.is_told();
        // Where nothing is told now, what was told last keeps its meaning, but not its times.
        let sockets = sockets.unwrap_or_else(|_| std::mem::take(&mut self.sockets));
        self.resolve();
        self.attribute(&sockets, &all, world);
        let mut held = self.held(&sockets.tcp);
        self.listening = held.values().flat_map(|held| held.listening.iter().copied()).collect();
        let (clients, masters) = self.mux(&held, &sockets);
        for (client, master) in &clients {
            let Some(lent) = held.remove(client) else { continue };
            held.entry(*master).or_default().outward.extend(lent.outward);
        }
        let matcher = Matcher::new(&config.names);
        let judged = self.judge(&matcher, &config.names, &held);
        let open = self.time(world, &judged, &held, &clients, &masters, idle_after);
        let open = self.list(open, &judged, &held, &clients, config);
        self.resolver.sweep();
        self.looked = Some(begun);
        self.sockets = sockets;
        open
    }

    /// The processes of now, and which of them are new. Where nothing was started since the last list there are none, and
    /// none is made.
    fn new_processes(&mut self) -> (Snapshot, Vec<u32>) {
        let last = processes::last_started();
        if let (Some(last), Some((before, at))) = (last, self.listed)
            && last == before
            && at.elapsed() < PIDS_FRESH
        {
            return (Snapshot::for_some(), Vec::new());
        }
        let all = Snapshot::take();
        if !all.is_told() {
            return (all, Vec::new());
        }
        let new = all.pids().iter().copied().filter(|pid| self.pids.binary_search(pid).is_err()).collect();
        self.pids = all.pids().to_vec();
        self.listed = last.map(|last| (last, Instant::now()));
        (all, new)
    }

    fn processes_that_changed(&mut self, world: &World) -> Snapshot {
        let (all, mut asked) = self.new_processes();
        // What was there may be there still.
        if !all.is_told() {
            return all;
        }
        for pid in &asked {
            self.young.insert(*pid, Instant::now());
        }
        asked.extend(self.young.keys().copied());
        self.young.retain(|pid, since| since.elapsed() < YOUNG && self.pids.binary_search(pid).is_ok());
        // `exec ssh` in a shell keeps its pid, and even its start.
        self.terminals.retain(|pid, known| match all.stat(*pid) {
            Some(stat) if stat.comm == known.comm => {
                *known = stat;
                true
            }
            Some(_) => {
                asked.push(*pid);
                false
            }
            None => false,
        });
        let mut tracked = std::mem::take(&mut self.tracked);
        tracked.retain(|pid, one| match all.stat(*pid) {
            Some(stat)
                if stat.key == one.stat.key && (stat.comm == one.stat.comm || one.intent.kind == CLIENT) =>
            {
                one.stat = stat;
                true
            }
            Some(_) => {
                asked.push(*pid);
                false
            }
            None => false,
        });
        self.tracked = tracked;
        asked.sort_unstable();
        asked.dedup();
        let own_pid = std::process::id();
        for pid in asked {
            if pid != own_pid {
                self.consider(pid, &all, world);
            }
        }
        all
    }

    /// Looks at a process that is new, or may have become another program.
    fn consider(&mut self, pid: u32, all: &Snapshot, world: &World) {
        let Some(stat) = all.stat(pid) else { return };
        let candidate = kinds::is_candidate(&stat.comm);
        if !candidate && stat.tty_nr == 0 {
            return;
        }
        let Some(owner) = all.owner(pid) else { return };
        if owner != self.uid && owner != 0 && self.uid != 0 {
            return;
        }
        let own = owner == self.uid;
        // A terminal's session may be led by another user's `login`.
        if stat.tty_nr != 0 && (own || stat.leads) {
            self.terminals.insert(pid, stat.clone());
        }
        if !candidate {
            return;
        }
        // `sudo psql` is another user's, in a terminal of ours.
        if !own && (stat.tty_nr == 0 || processes::tty_owner(stat.tty_nr) != Some(self.uid)) {
            return;
        }
        let argv = processes::argv(pid);
        let carrier = stat.comm.starts_with("session-manage");
        let intent = match kinds::intent(&argv) {
            Some(intent) => intent,
            None if carrier => Intent { listens: true, ..kinds::plain(CLIENT, Use::Forwarding) },
            None => return,
        };
        if self.tracked.get(&pid).is_some_and(|old| old.stat.key == stat.key && old.intent == intent) {
            return;
        }
        self.track(stat, intent, own, carrier, world);
    }

    fn track(&mut self, stat: Stat, intent: Intent, own: bool, carrier: bool, world: &World) {
        if self.tracked.len() >= MOST {
            return;
        }
        let details = if own { processes::details(stat.key.pid) } else { processes::Details::default() };
        let carries = carrier || intent.ssh.as_ref().is_some_and(|ssh| ssh.carries);
        let var = |name: &str| {
            let value = details.environ.iter().find(|(known, _)| known == name)?.1.to_str()?;
            (!value.is_empty()).then(|| value.to_owned())
        };
        let tmux = var("TMUX").zip(var("TMUX_PANE"));
        let tmux = tmux.map(|(tmux, pane)| (tmux.split(',').next().unwrap_or_default().to_owned(), pane));
        let question = intent
            .ssh
            .as_ref()
            .filter(|ssh| own && !ssh.host.is_empty())
            .map(|ssh| Question::Ssh { arguments: ssh.arguments.clone(), cwd: details.cwd.clone() });
        let its = World { vars: details.environ, cwd: details.cwd, uid: world.uid };
        let facts = intent.facts.iter().cloned().chain(beside(&intent, its)).collect();
        let opened_at = wall(world).saturating_sub(processes::age(stat.key)) / 1000;
        // It was started since the last look, or has become what it is since then.
        let now = clock::awake();
        let opened = now.saturating_sub(processes::age(stat.key));
        let watched_since = self.looked.map_or(now, |at| opened.max(at));
        let opening_seen = self.looked.is_some();
        let pid = stat.key.pid;
        self.tracked.insert(
            pid,
            Tracked {
                stat,
                intent,
                facts,
                question,
                own,
                tmux,
                opened_at,
                watched_since,
                opening_seen,
                carries,
                learnt: None,
                lent: Vec::new(),
            },
        );
        // Its sockets may have been seen while it was something else.
        self.holders.retain(|_, (holder, _)| holder.is_some_and(|holder| holder != pid));
    }

    /// Asks for the addresses of production's names, and takes what is known.
    fn resolve(&mut self) {
        let mut found = BTreeSet::new();
        for (name, _) in &self.names {
            if let Some(Answer::Addresses(list)) = self.resolver.get(&Question::Name(name.clone())) {
                // A name that leads to this machine is this machine; one may still name such an address itself.
                let meant = name.parse::<IpAddr>().is_ok();
                found.extend(list.iter().filter(|ip| meant || !is_here(ip)));
            }
        }
        if found != self.interests.0 {
            self.interests = (found, self.interests.1 + 1);
        }
    }

    /// Whether a socket leads to a production host, for more than a web page.
    fn is_interesting(&self, socket: &Tcp) -> bool {
        !socket.listening
            && self.interests.0.contains(&socket.peer.ip())
            && !WEB.contains(&socket.peer.port())
            && !WEB.contains(&socket.local.port())
    }

    /// Finds out who holds the sockets that are new: first among the processes that are tracked, and only for one that
    /// leads to a production host among all.
    fn attribute(&mut self, sockets: &Sockets, all: &Snapshot, world: &World) {
        let dump = &sockets.tcp;
        let ours = |socket: &&Tcp| socket.uid == self.uid;
        let round = self.interests.1;
        let fresh = |known: Option<&(Option<u32>, u64)>, socket: &Tcp| match known {
            None => true,
            Some((None, at)) => *at != round && self.is_interesting(socket),
            // Who held it may have given it to another and ended: a master's first client.
            Some((Some(pid), _)) => !self.tracked.contains_key(pid),
        };
        let new: Vec<&Tcp> = dump
            .iter()
            .filter(ours)
            .filter(|socket| fresh(self.holders.get(&socket.wire.cookie), socket))
            .collect();
        if !new.is_empty() {
            let mut ids: HashMap<u64, &Tcp> = new.iter().map(|socket| (socket.id, *socket)).collect();
            let mut holders: Vec<(u64, u32)> = Vec::new();
            let mut take = |pid: u32, ids: &mut HashMap<u64, &Tcp>| {
                for id in sockets.of(pid).unwrap_or_default() {
                    if let Some(socket) = ids.remove(&id) {
                        holders.push((socket.wire.cookie, pid));
                    }
                }
            };
            for (pid, _) in self.tracked.iter().filter(|(_, one)| one.own) {
                take(*pid, &mut ids);
            }
            ids.retain(|_, socket| self.is_interesting(socket));
            if !ids.is_empty() {
                for pid in &self.pids {
                    if ids.is_empty() {
                        break;
                    }
                    if !self.tracked.contains_key(pid) && all.owner(*pid) == Some(self.uid) {
                        take(*pid, &mut ids);
                    }
                }
            }
            for socket in &new {
                self.holders.insert(socket.wire.cookie, (None, round));
            }
            for (cookie, pid) in holders {
                if !self.tracked.contains_key(&pid) && pid != std::process::id() {
                    self.track_client(pid, world);
                }
                let holder = Some(pid).filter(|pid| self.tracked.contains_key(pid));
                self.holders.insert(cookie, (holder, round));
            }
        }
        let there: HashSet<u64> = dump.iter().map(|socket| socket.wire.cookie).collect();
        self.holders.retain(|cookie, _| there.contains(cookie));
    }

    /// Any other program that has a socket to a production host.
    fn track_client(&mut self, pid: u32, world: &World) {
        let Some(stat) = processes::stat(pid) else { return };
        // Servers here answer; they don't connect.
        if stat.comm == "sshd" || stat.comm.starts_with("sshd-") {
            return;
        }
        self.track(stat, kinds::plain(CLIENT, Use::Traffic), true, false, world);
    }

    /// Finds the ssh's that listen for forwards which nothing that is followed was started for, and the ports of each.
    fn taken_over(&mut self, asked: &[Asked], world: &World) -> HashMap<u32, Held> {
        self.ask(asked.iter().map(|one| one.spec.as_str()));
        let own = |port: u16| {
            self.tracked.values().any(|one| one.intent.forwards.iter().any(|known| known.port == port))
        };
        let missing: BTreeSet<u16> =
            self.asked.iter().map(|one| one.port).filter(|port| !own(*port)).collect();
        let mut found: HashMap<u32, Held> = HashMap::new();
        if missing.is_empty() {
            return found;
        }
        let sockets = Sockets::take(self.uid).unwrap_or_default();
        let ports: HashMap<u64, u16> = sockets
            .tcp
            .iter()
            .filter(|socket| socket.listening && socket.uid == self.uid)
            .filter(|socket| missing.contains(&socket.local.port()))
            .map(|socket| (socket.id, socket.local.port()))
            .collect();
        if ports.is_empty() {
            return found;
        }
        let all = Snapshot::take();
        for pid in all.pids().iter().copied() {
            if all.stat(pid).is_none_or(|stat| stat.comm != "ssh") {
                continue;
            }
            for id in sockets.of(pid).unwrap_or_default() {
                if let Some(port) = ports.get(&id) {
                    found.entry(pid).or_default().listening.insert(*port);
                }
            }
        }
        for pid in found.keys() {
            self.consider(*pid, &all, world);
        }
        found
    }

    fn held(&self, dump: &[Tcp]) -> HashMap<u32, Held> {
        let mut all: HashMap<u32, Held> = HashMap::new();
        let holder = |socket: &Tcp| {
            let pid = self.holders.get(&socket.wire.cookie)?.0?;
            let one = self.tracked.get(&pid)?;
            // What only carries another's connection holds its sockets for it.
            let parent = Some(one.stat.parent).filter(|pid| one.carries && self.tracked.contains_key(pid));
            Some(parent.unwrap_or(pid))
        };
        for socket in dump.iter().filter(|socket| socket.listening) {
            if let Some(pid) = holder(socket) {
                all.entry(pid).or_default().listening.insert(socket.local.port());
            }
        }
        for socket in dump.iter().filter(|socket| !socket.listening) {
            let Some(pid) = holder(socket) else { continue };
            let held = all.entry(pid).or_default();
            match held.listening.contains(&socket.local.port()) {
                true => held.accepted.push(*socket),
                false => held.outward.push(*socket),
            }
        }
        all
    }

    /// Which ssh goes through which master: clients by pid, and masters' clients.
    fn mux(
        &mut self,
        held: &HashMap<u32, Held>,
        sockets: &Sockets,
    ) -> (HashMap<u32, u32>, HashMap<u32, Vec<u32>>) {
        let mut clients = HashMap::new();
        let mut masters: HashMap<u32, Vec<u32>> = HashMap::new();
        let ssh: Vec<u32> = self
            .tracked
            .iter()
            .filter(|(_, one)| one.own && one.intent.ssh.is_some())
            .map(|(pid, _)| *pid)
            .collect();
        let alone =
            |pid: &u32| held.get(pid).is_none_or(|held| held.outward.is_empty()) && !self.is_master(*pid);
        // The ssh that has just put a master into the background still holds the socket that it gave away.
        let some_master = ssh.iter().any(|pid| self.is_master(*pid));
        if ssh.len() < 2 || !(some_master || ssh.iter().any(alone)) {
            return (clients, masters);
        }
        let Ok(peers) = sockets.peers() else { return (clients, masters) };
        let mut owners: HashMap<u64, u32> = HashMap::new();
        for pid in &ssh {
            owners.extend(sockets.of(*pid).unwrap_or_default().into_iter().map(|id| (id, *pid)));
        }
        for (id, pid) in owners.iter().filter(|(_, pid)| !self.is_master(**pid)) {
            let master = peers.get(id).and_then(|peer| owners.get(peer)).filter(|other| *other != pid);
            let master = master.filter(|master| self.is_master(**master) || alone(pid));
            if let Some(master) = master
                && clients.insert(*pid, *master).is_none()
            {
                masters.entry(*master).or_default().push(*pid);
            }
        }
        for (client, master) in &clients {
            let asked = self.tracked.get(client).map(|one| one.intent.forwards.clone()).unwrap_or_default();
            if let Some(master) = self.tracked.get_mut(master) {
                let more = asked.into_iter().filter(|more| !master.lent.contains(more)).collect::<Vec<_>>();
                master.lent.extend(more);
                let from = master.lent.len().saturating_sub(MOST);
                master.lent.drain(..from);
            }
            let known = self.tracked.get(client).map(|one| {
                let via = one.intent.ssh.as_ref().map(|ssh| ssh.jumps.clone()).unwrap_or_default();
                (self.facts(one), via)
            });
            if let Some(master) = self.tracked.get_mut(master).filter(|master| master.intent.facts.is_empty())
            {
                master.learnt = known.or(master.learnt.take());
            }
        }
        masters.values_mut().for_each(|list| list.sort_unstable());
        (clients, masters)
    }

    fn is_master(&self, pid: u32) -> bool {
        self.tracked.get(&pid).is_some_and(|one| one.intent.uses == Use::Master)
    }

    fn resolved(&self, one: &Tracked) -> Option<&tunnels::Resolved> {
        match self.resolver.known(one.question.as_ref()?)? {
            Answer::Ssh(resolved) => Some(resolved),
            Answer::Addresses(_) => None,
        }
    }

    /// Everything known of where a process leads.
    fn facts(&self, one: &Tracked) -> Vec<Fact> {
        let mut facts = one.facts.clone();
        if let Some(host) = self.resolved(one).and_then(|resolved| resolved.host.clone()) {
            let same = facts.iter().any(|fact| fact.target == host.target);
            if !same {
                facts.push(host);
            }
        }
        facts.extend(one.learnt.iter().flat_map(|(facts, _)| facts.iter().cloned()));
        if facts.is_empty()
            && let Some(path) = one.intent.ssh.as_ref().and_then(|ssh| ssh.control_path.as_deref())
        {
            let name = path.rsplit('/').next().unwrap_or(path);
            facts.push(Fact {
                parts: vec![Part::new(Kind::Name, name)],
                target: name.to_owned(),
                label: name.to_owned(),
                evidence: "ControlPath".into(),
                port: None,
            });
        }
        facts
    }

    /// What each process, and each of its ports, points at, where that is an environment.
    fn judge(
        &mut self,
        matcher: &Matcher<'_>,
        names: &Names,
        held: &HashMap<u32, Held>,
    ) -> Vec<(u32, Option<u16>, Judged)> {
        let questions: Vec<Question> = self.tracked.values().filter_map(|one| one.question.clone()).collect();
        for question in questions {
            self.resolver.get(&question);
        }
        let weight = |environment: usize| names.environments.get(environment).map(|e| e.severity);
        let judge = |facts: &[Fact], ports: &BTreeMap<u16, Judged>| -> (Option<Judged>, bool) {
            let mut best: Option<Judged> = None;
            let mut known = false;
            for fact in facts {
                let mut fact = fact.clone();
                let judgement: Judgement = matcher.judge_all(&fact.parts);
                known |= judgement.known;
                let mut environment = judgement.environment;
                if let Some(tunnel) = fact.port.and_then(|port| ports.get(&port)) {
                    environment = Some(tunnel.environment);
                    fact.label.clone_from(&tunnel.fact.label);
                    fact.target = match fact.target.split_once('/') {
                        Some((_, database)) => format!("{}/{database}", tunnel.fact.label),
                        None => tunnel.fact.target.clone(),
                    };
                    fact.evidence = format!("tunnel, localhost:{}", fact.port.unwrap_or(0));
                } else if fact.port.is_some() && fact.parts.is_empty() {
                    continue;
                }
                let Some(environment) = environment else { continue };
                if best.as_ref().is_none_or(|best| weight(environment) > weight(best.environment)) {
                    best = Some(Judged { environment, fact, option: None });
                }
            }
            (best, known)
        };
        let mut found = Vec::new();
        let mut ports: BTreeMap<u16, Judged> = BTreeMap::new();
        let listening_anywhere: BTreeSet<u16> =
            held.values().flat_map(|held| held.listening.iter().copied()).collect();
        // A tunnel may go through a tunnel; people don't nest them deeper.
        for _ in 0..2 {
            found.clear();
            for (pid, one) in &self.tracked {
                if one.carries && self.tracked.contains_key(&one.stat.parent) {
                    continue;
                }
                let mut facts = self.facts(one);
                let empty = Held::default();
                let held = held.get(pid).unwrap_or(&empty);
                facts.extend(self.peer_facts(one, held));
                let (best, _) = judge(&facts, &ports);
                let forwards = self.forwards(one, held, &listening_anywhere);
                let mut any_port = false;
                for forward in forwards {
                    let option = forward.option;
                    let judged = match forward.fact {
                        None => best.clone(),
                        Some(fact) => match judge(std::slice::from_ref(&fact), &ports) {
                            (Some(judged), _) => Some(judged),
                            (None, true) => None,
                            // What nobody knows, seen from a production host, is production's.
                            (None, false) => best.clone().map(|best| behind(fact, best)),
                        },
                    };
                    if let Some(judged) = judged.map(|judged| Judged { option, ..judged }) {
                        ports.insert(forward.port, judged.clone());
                        found.push((*pid, Some(forward.port), judged));
                        any_port = true;
                    }
                }
                let is_session = one.intent.uses != Use::Forwarding || !any_port;
                if let Some(best) = best.filter(|_| is_session) {
                    found.push((*pid, None, best));
                }
            }
        }
        found
    }

    /// Production hosts that a process has a socket to, whatever it was told.
    fn peer_facts(&self, one: &Tracked, held: &Held) -> Vec<Fact> {
        let database = matches!(one.intent.uses, Use::Database | Use::Traffic);
        held.outward
            .iter()
            .filter(|_| database || one.intent.uses == Use::Master)
            .filter_map(|socket| {
                if is_here(&socket.peer.ip()) && !self.interests.0.contains(&socket.peer.ip()) {
                    let port = Some(socket.peer.port());
                    return database.then(|| Fact { port, ..Fact::default() });
                }
                let (name, label) = self.name_of(&socket.peer.ip())?;
                (!WEB.contains(&socket.peer.port())).then(|| Fact {
                    parts: vec![Part::new(Kind::Hostname, name)],
                    target: format!("{label}:{}", socket.peer.port()),
                    label: label.to_owned(),
                    evidence: format!("peer {}", socket.peer.ip()),
                    port: None,
                })
            })
            .collect()
    }

    fn name_of(&self, ip: &IpAddr) -> Option<(&str, &str)> {
        let is_it = |name: &str| match self.resolver.known(&Question::Name(name.to_owned())) {
            Some(Answer::Addresses(list)) => list.contains(ip),
            _ => false,
        };
        self.names.iter().find(|(name, _)| is_it(name)).map(|(name, label)| (name.as_str(), label.as_str()))
    }

    /// The local ports of a process, and what is behind each.
    fn forwards(&self, one: &Tracked, held: &Held, anywhere: &BTreeSet<u16>) -> Vec<Forward> {
        let mut all = one.intent.forwards.clone();
        if let Some(resolved) = self.resolved(one) {
            let more =
                resolved.forwards.iter().filter(|more| !all.iter().any(|known| known.port == more.port));
            all.extend(more.cloned().collect::<Vec<_>>());
        }
        // Where another process listens there, this one could not.
        all.retain(|forward| held.listening.contains(&forward.port) || !anywhere.contains(&forward.port));
        if one.intent.listens {
            let more = held.listening.iter().filter(|port| !all.iter().any(|known| known.port == **port));
            // What it was not started for, a client or a line may have asked it for; the last one is meant.
            let ssh = one.intent.ssh.is_some();
            let asked = one.lent.iter().chain(self.asked.iter().filter(|_| ssh));
            let said = |port: u16| asked.clone().rfind(|forward| forward.port == port).cloned();
            let more = more.map(|port| said(*port).unwrap_or(Forward::onward(*port)));
            all.extend(more.collect::<Vec<_>>());
        }
        all.sort_by_key(|forward| forward.port);
        all.dedup_by_key(|forward| forward.port);
        all
    }

    /// How long each has been idle.
    fn time(
        &mut self,
        world: &World,
        judged: &[(u32, Option<u16>, Judged)],
        held: &HashMap<u32, Held>,
        clients: &HashMap<u32, u32>,
        masters: &HashMap<u32, Vec<u32>>,
        idle_after: Duration,
    ) -> Now {
        let now = Now { awake: clock::awake(), wall: wall(world) };
        let mut pids: Vec<u32> = judged.iter().map(|(pid, ..)| *pid).collect();
        pids.dedup();
        pids.sort_unstable();
        pids.dedup();
        let wires = |list: &[Tcp]| list.iter().map(|socket| socket.wire).collect();
        let seen: Vec<Seen> = pids
            .iter()
            .filter_map(|pid| {
                let one = self.tracked.get(pid)?;
                let empty = Held::default();
                let held = held.get(pid).unwrap_or(&empty);
                let through = masters.get(pid).map(Vec::as_slice).unwrap_or_default();
                Some(Seen {
                    key: one.stat.key,
                    uses: if clients.contains_key(pid) { Use::Typed } else { one.intent.uses },
                    opened_ago: processes::age(one.stat.key),
                    opening_seen: one.opening_seen,
                    watched_ago: now.awake.saturating_sub(one.watched_since),
                    tty: processes::tty(&one.stat).filter(|_| one.stat.tty_nr != 0),
                    sockets: wires(&held.outward),
                    accepted: wires(&held.accepted),
                    clients: through.iter().filter_map(|pid| Some(self.tracked.get(pid)?.stat.key)).collect(),
                    told: match self.sockets_known && one.own {
                        true if Sockets::TIMED => Told::Times,
                        true => Told::Names,
                        false => Told::Nothing,
                    },
                })
            })
            .collect();
        let idle_after = Millis::try_from(idle_after.as_millis()).unwrap_or(Millis::MAX);
        self.memory = idle::step(&self.memory, &seen, now, idle_after);
        now
    }

    fn list(
        &mut self,
        now: Now,
        judged: &[(u32, Option<u16>, Judged)],
        held: &HashMap<u32, Held>,
        clients: &HashMap<u32, u32>,
        config: &Config,
    ) -> Vec<Open> {
        let mut open = Vec::new();
        let mut ids = HashMap::new();
        for (pid, port, judged) in judged {
            let Some(one) = self.tracked.get(pid) else { continue };
            let Some(track) = self.memory.of(one.stat.key) else { continue };
            let Some(environment) = config.names.environments.get(judged.environment) else { continue };
            let id = self.ids.get(&(one.stat.key, *port)).copied().unwrap_or_else(|| {
                self.next_id += 1;
                self.next_id - 1
            });
            ids.insert((one.stat.key, *port), id);
            let ssh = one.intent.ssh.as_ref();
            let mut via: Vec<String> = ssh.map(|ssh| ssh.jumps.clone()).unwrap_or_default();
            if via.is_empty() {
                via = self.resolved(one).map(|resolved| resolved.jumps.clone()).unwrap_or_default();
            }
            if via.is_empty() {
                via = one.learnt.as_ref().map(|(_, via)| via.clone()).unwrap_or_default();
            }
            let evidence = evidence(one, &judged.fact, *port, &via);
            let described = described(one, judged, environment.name.to_string(), *port, evidence);
            open.push(Open {
                foreground: one.stat.tty_nr != 0 && one.stat.foreground,
                production: environment.severity == Severity::Production,
                state: track.state,
                idle_secs: now.awake.saturating_sub(track.idle_since) / 1000,
                at_least: track.at_least,
                uses: track.uses,
                clients: held.get(pid).map_or(0, |held| held.accepted.len())
                    + clients.values().filter(|master| *master == pid).count(),
                tmux: one.tmux.clone(),
                control_path: ssh
                    .and_then(|ssh| ssh.control_path.clone())
                    .or_else(|| self.resolved(one)?.control_path.clone()),
                via,
                connection: Connection {
                    id,
                    kind: match clients.contains_key(pid) && one.intent.kind == "ssh" {
                        true => "ssh client".to_owned(),
                        false => described.kind,
                    },
                    idle: track.state == State::Idle,
                    closable: false,
                    ..described
                },
            });
            // Who goes through what the far side listens for is not seen here.
            let reversed = ssh.is_some_and(|ssh| ssh.remote);
            if let Some(open) = open.last_mut() {
                open.connection.closable = !reversed && close::is_known_idle(open);
            }
        }
        self.ids = ids;
        open.sort_by_key(|open| open.connection.id);
        open
    }
}

/// A connection as its process alone describes it.
fn described(
    one: &Tracked,
    judged: &Judged,
    environment: String,
    port: Option<u16>,
    evidence: String,
) -> Connection {
    Connection {
        kind: match (one.intent.kind, port) {
            ("ssh" | "ssh master", Some(_)) => "tunnel".to_owned(),
            (kind, _) => kind.to_owned(),
        },
        target: address::without_secrets(&judged.fact.target),
        label: judged.fact.label.clone(),
        environment,
        port,
        process: Process { pid: one.stat.key.pid, started: one.stat.key.started },
        tty: processes::tty_path(one.stat.tty_nr),
        tty_nr: one.stat.tty_nr,
        evidence,
        forward: judged.option.clone(),
        opened_at: one.opened_at,
        ..Connection::default()
    }
}

/// What a tab's own processes hold open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Their local ports that lead somewhere known.
    pub ports: Vec<Connection>,
    /// Those processes that do nothing but listen there.
    pub forwarders: Vec<u32>,
}

/// The local ports of these processes that lead somewhere known, by what the processes themselves tell: no socket is
/// looked at, no name asked for, nothing waited for. It is how a shell knows of a tunnel of its own at once. Forwards that
/// lines have `asked` for, as `-L` takes them, and that none of these processes has, are looked for with the other ssh's.
pub fn opened(view: &View, names: &Names, pids: &[u32], asked: &[Asked]) -> Opened {
    let world = view.world();
    let mut watch = Watch::with(world, Resolver::silent());
    let all = Snapshot::for_some();
    for pid in pids {
        watch.consider(*pid, &all, world);
    }
    for one in watch.tracked.values_mut() {
        let Some(ssh) = one.intent.ssh.as_ref() else { continue };
        let config = ssh.config.as_deref().map(Path::new);
        let about = crate::inventory::ssh::about(view, crate::parts::bare_host(&ssh.host), config);
        one.facts.extend(about.real.map(|real| kinds::host_fact(&real, None, "ssh config")));
        let more = about.forwards.iter().filter_map(|text| tunnels::configured_forward(text));
        let more = more.filter(|more| !one.intent.forwards.iter().any(|known| known.port == more.port));
        let more: Vec<Forward> = more.collect();
        one.intent.forwards.extend(more);
    }
    let held = watch.taken_over(asked, world);
    let judged = watch.judge(&Matcher::new(names), names, &held);
    let described = |(pid, port, judged): &(u32, Option<u16>, Judged)| {
        let (port, one) = ((*port)?, watch.tracked.get(pid)?);
        let environment = names.environments.get(judged.environment)?.name.to_string();
        let via = one.intent.ssh.as_ref().map(|ssh| ssh.jumps.clone()).unwrap_or_default();
        let evidence = evidence(one, &judged.fact, Some(port), &via);
        Some(described(one, judged, environment, Some(port), evidence))
    };
    let ports: Vec<Connection> = judged.iter().filter_map(described).collect();
    let only_listens = |pid: &u32| watch.tracked.get(pid).is_some_and(|o| o.intent.uses == Use::Forwarding);
    let forwarders = ports.iter().map(|port| port.process.pid).filter(only_listens).collect();
    Opened { ports, forwarders }
}

/// What is behind a production host: with its own name, or the host itself.
fn behind(fact: Fact, best: Judged) -> Judged {
    let target = match fact.target.rsplit_once(':') {
        Some((_, port)) if fact.parts.is_empty() => format!("{}:{port}", best.fact.label),
        _ => fact.target.clone(),
    };
    let fact = Fact { target, evidence: best.fact.evidence, label: best.fact.label, ..fact };
    Judged { fact, ..best }
}

/// What is behind a local port was said together with it.
const FORWARDED: &str = "ssh -L";

/// Why it counts, as `redtab ps` shows it.
fn evidence(one: &Tracked, fact: &Fact, port: Option<u16>, via: &[String]) -> String {
    let Some(ssh) = one.intent.ssh.as_ref() else {
        return match one.intent.kind {
            CLIENT => format!("{}, {}", one.stat.comm, fact.evidence),
            _ => fact.evidence.clone(),
        };
    };
    let way = if via.is_empty() { String::new() } else { format!(", via {}", via.join(", ")) };
    if port.is_some() {
        let mut at = short(&ssh.host);
        if let Some(fact) = one.learnt.iter().flat_map(|(facts, _)| facts).next().filter(|_| at.is_empty()) {
            at.clone_from(&fact.label);
        }
        let host = if at.is_empty() { String::new() } else { format!(", {at}") };
        let how = if fact.evidence == FORWARDED { FORWARDED } else { ssh.how() };
        return format!("{how}{host}{way}");
    }
    match fact.evidence.as_str() {
        "ssh" => format!("{}{way}", ssh.how()),
        other => format!("{}, {other}{way}", ssh.how()),
    }
}

/// What stands beside the arguments: the process's own variables and files.
fn beside(intent: &Intent, its: World) -> Vec<Fact> {
    let overrides = Overrides {
        vars: intent.overrides.iter().map(|(name, value)| ((*name).into(), Some(value.into()))).collect(),
        targets: intent.context.iter().map(|name| (Kind::KubeContext, Some(name.clone()))).collect(),
        ..Overrides::default()
    };
    let view = View::with(&its, overrides);
    let readings = match intent.beside {
        Beside::Nothing => Vec::new(),
        Beside::Variables(_, files) => {
            let told = match files {
                Files::Nothing => Vec::new(),
                Files::Postgres => sources::postgres::read(&view),
                Files::Mysql => sources::mysql::read(&view),
                Files::Docker => sources::docker::read(&view),
            };
            let mut all = sources::env::read(&view);
            // A service tells what of the variables counts beside it.
            if files == Files::Postgres && told.iter().any(|reading| matches!(reading, Reading::Found(_))) {
                all.retain(
                    |reading| matches!(reading, Reading::Found(signal) if &*signal.what == "PGSERVICE"),
                );
            }
            all.extend(told);
            all
        }
        Beside::Kube => sources::kube::read(&view),
        Beside::Aws => {
            let mut all = sources::aws::read(&view);
            all.extend(sources::env::read(&view));
            all
        }
    };
    let speaks = |signal: &Signal| match intent.beside {
        Beside::Variables(names, _) => signal.source != "env" || names.contains(&&*signal.what),
        Beside::Kube => signal.domain == Domain::Kube,
        Beside::Aws => signal.domain == Domain::Cloud,
        Beside::Nothing => false,
    };
    readings
        .into_iter()
        .filter_map(|reading| match reading {
            Reading::Found(signal) if speaks(&signal) => Some(Fact {
                parts: signal.parts,
                target: signal.value,
                label: short(&signal.label),
                evidence: match signal.source {
                    "env" => signal.what,
                    source => format!("{source} {}", signal.what),
                },
                port: signal.port,
            }),
            _ => None,
        })
        .collect()
}

/// The hosts that are production's by name, each with its short name.
fn production_names(world: &World, config: &Config) -> Vec<(String, String)> {
    let view = View::new(world);
    let matcher = Matcher::new(&config.names);
    let is_production = |environment: Option<usize>| {
        let environment = environment.and_then(|index| config.names.environments.get(index));
        environment.is_some_and(|environment| environment.severity == Severity::Production)
    };
    let mut names: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, label: &str| {
        let name = crate::parts::bare_host(name);
        if !name.is_empty() && !name.contains('*') && (is_other_loopback(name) || !address::is_loopback(name))
        {
            names.push((name.to_owned(), short(label)));
        }
    };
    let host_kinds = [Kind::Hostname, Kind::UrlHost, Kind::KubeServer];
    for target in config.names.targets.iter().filter(|target| host_kinds.contains(&target.signal)) {
        let environment =
            config.names.environments.iter().position(|e| e.name == target.environment.as_str());
        if is_production(environment) {
            add(&target.is, crate::parts::bare_host(&target.is));
        }
    }
    for known in crate::inventory::take(&view).known {
        if !is_production(matcher.judge_all(&known.parts).environment) {
            continue;
        }
        if known.kind == Kind::Hostname || known.kind == Kind::PgService {
            for part in known.parts.iter().filter(|part| host_kinds.contains(&part.kind)) {
                add(&part.text, &known.name);
            }
        }
    }
    names.sort();
    names.dedup_by(|a, b| a.0 == b.0);
    names.truncate(MOST);
    names
}

/// Whether this is a loopback address in numbers that somebody has given a meaning of its own.
fn is_other_loopback(name: &str) -> bool {
    name.parse().is_ok_and(|ip: std::net::Ipv4Addr| ip.is_loopback() && ip != std::net::Ipv4Addr::LOCALHOST)
}

fn is_here(ip: &IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified()
}

fn wall(world: &World) -> u64 {
    let since = world.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a process with this line and these variables is, where it leads and by what, in a home with some files.
    fn classified(line: &str, vars: &[(&str, &str)], home: &Path) -> String {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let Some(intent) = kinds::intent(&argv) else { return "no connection".into() };
        let all = [("HOME", home.to_str().unwrap())].into_iter().chain(vars.iter().copied());
        let vars = all.map(|(name, value)| (name.into(), value.into())).collect();
        let facts = beside(&intent, World { vars, cwd: Some(home.into()), uid: 0 });
        let names = Names::default();
        let matcher = Matcher::new(&names);
        let production = |fact: &&Fact| {
            let found = matcher.judge_all(&fact.parts).environment.and_then(|e| names.environments.get(e));
            found.is_some_and(|environment| environment.severity == Severity::Production)
        };
        match intent.facts.iter().chain(&facts).find(production) {
            Some(fact) => format!("{}: {}, {}", intent.kind, fact.target, fact.evidence),
            None => format!("{}: -", intent.kind),
        }
    }

    #[test]
    fn where_each_program_leads_by_its_arguments_variables_and_files() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path();
        for (path, text) in [
            (".my.cnf", "[client]\nhost = mysql.prod.acme.example\n"),
            (
                ".pg_service.conf",
                "[orders]\nhost=pg.prod.acme.example\n[test]\nhost=pg.test.acme.example\n[open]\ndbname=orders\n[empty]\nhost=\n",
            ),
            (".docker/config.json", "{\"currentContext\": \"prod-swarm\"}"),
            (".aws/config", "[profile live]\nregion = eu-central-1\n[profile dev]\nregion = eu-central-1\n"),
            (
                ".kube/config",
                "{current-context: dev, contexts: [{name: dev, context: {cluster: k}}, {name: prod-eu, context: {cluster: k}}], clusters: [{name: k, cluster: {server: 'https://192.0.2.1'}}]}",
            ),
        ] {
            std::fs::create_dir_all(home.join(path).parent().unwrap()).unwrap();
            std::fs::write(home.join(path), text).unwrap();
        }
        let nothing: &[(&str, &str)] = &[];
        for (line, vars, expected) in [
            ("ssh prod-web", nothing, "ssh: prod-web, ssh"),
            ("mosh-client -# prod-web | 192.0.2.1 60001", nothing, "mosh: prod-web, mosh"),
            ("psql -h prod-db orders", nothing, "psql: prod-db/orders, -h"),
            ("psql orders", &[("PGHOST", "prod-db")], "psql: prod-db, PGHOST"),
            ("psql", &[("PGSERVICE", "orders")], "psql: pg.prod.acme.example, postgres service"),
            ("psql service=orders", nothing, "psql: pg.prod.acme.example, postgres service"),
            ("psql -d postgresql://?service=orders", nothing, "psql: pg.prod.acme.example, postgres service"),
            ("psql service=test", nothing, "psql: -"),
            // What a service does not name comes from the environment, and nothing else does.
            ("psql service=test", &[("PGHOST", "prod-db")], "psql: -"),
            ("psql service=open", &[("PGHOST", "prod-db")], "psql: prod-db/orders, postgres service"),
            (
                "psql",
                &[("PGSERVICE", "open"), ("PGHOST", "prod-db")],
                "psql: prod-db/orders, postgres service",
            ),
            ("psql -d postgresql://?service=open", &[("PGHOST", "dev-db")], "psql: -"),
            ("psql -d postgresql://dev-db?service=open", &[("PGHOST", "prod-db")], "psql: -"),
            (
                "psql -d postgresql://?service=open",
                &[("PGHOST", "prod-db")],
                "psql: prod-db/orders, postgres service",
            ),
            ("psql service=empty", &[("PGHOST", "prod-db")], "psql: -"),
            ("psql service=none", &[("PGHOST", "prod-db")], "psql: prod-db, PGHOST"),
            ("psql dbname=orders", &[("PGHOST", "prod-db")], "psql: prod-db, PGHOST"),
            ("psql postgresql:///orders", &[("PGHOST", "prod-db")], "psql: prod-db, PGHOST"),
            ("psql postgresql://dev-db/orders", &[("PGHOST", "prod-db")], "psql: -"),
            // psql does not read it, and an address in its arguments overrules what it reads.
            ("psql", &[("DATABASE_URL", "postgres://prod-db/x")], "psql: -"),
            ("psql -h dev-db", &[("PGHOST", "prod-db")], "psql: -"),
            ("/usr/bin/python3 /usr/bin/pgcli -h prod-db", nothing, "pgcli: prod-db, -h"),
            ("python3 /usr/bin/pgcli", &[("PGHOST", "prod-db")], "pgcli: prod-db, PGHOST"),
            ("mysql", nothing, "mysql: mysql.prod.acme.example, mysql host"),
            ("mysql -h dev-db shop", nothing, "mysql: -"),
            ("mariadb --host=prod-db", nothing, "mariadb: prod-db, --host"),
            ("mariadb -h prod-db -P 3307 shop", nothing, "mariadb: prod-db:3307/shop, -h"),
            ("python3 /usr/bin/mycli", &[("MYSQL_HOST", "prod-my")], "mycli: prod-my, MYSQL_HOST"),
            ("python3 /usr/bin/mycli mysql://u@prod-db/shop", nothing, "mycli: prod-db/shop, address"),
            ("mongosh mongodb+srv://u@prod.x.mongodb.net/shop", nothing, "mongosh: prod/shop, address"),
            ("mongosh --host prod-mongo", nothing, "mongosh: prod-mongo, --host"),
            ("redis-cli -h prod-cache", nothing, "redis-cli: prod-cache, -h"),
            ("python3 /usr/bin/cqlsh prod-cass", nothing, "cqlsh: prod-cass, argument"),
            ("cqlsh", &[("CQLSH_HOST", "prod-cass")], "cqlsh: prod-cass, CQLSH_HOST"),
            ("sqlplus scott@//prod-ora:1521/orders", nothing, "sqlplus: prod-ora/orders, argument"),
            ("sqlplus scott", &[("TWO_TASK", "orders_prod")], "sqlplus: orders_prod, TWO_TASK"),
            ("clickhouse-client -h prod-ch", nothing, "clickhouse-client: prod-ch, -h"),
            (
                "clickhouse-client",
                &[("CLICKHOUSE_HOST", "prod-ch")],
                "clickhouse-client: prod-ch, CLICKHOUSE_HOST",
            ),
            ("cloud-sql-proxy acme-prod:eu:orders", nothing, "proxy: acme-prod:eu:orders, cloud-sql-proxy"),
            ("cloud-sql-proxy acme-dev:eu:orders", nothing, "proxy: -"),
            ("aws ssm start-session --target i-1", &[("AWS_PROFILE", "live")], "session: live, AWS_PROFILE"),
            (
                "python3 /usr/bin/aws ssm start-session --target i-1 --profile live",
                nothing,
                "session: live, AWS_PROFILE",
            ),
            ("aws ssm start-session --target i-1 --profile dev", &[("AWS_PROFILE", "live")], "session: -"),
            ("docker -H tcp://prod-host:2375 exec -it web sh", nothing, "docker: prod-host, -H"),
            (
                "docker exec -it web sh",
                &[("DOCKER_HOST", "ssh://u@prod-host")],
                "docker: prod-host, DOCKER_HOST",
            ),
            ("docker exec -it web sh", nothing, "docker: prod-swarm, docker context"),
            ("docker --context dev exec web sh", nothing, "docker: -"),
            ("kubectl exec -it web -- sh", nothing, "exec: -"),
            ("kubectl.1.32 --context prod-eu exec -it web -- sh", nothing, "exec: prod-eu, kube context"),
            ("kubectl --context=prod-eu attach web", nothing, "exec: prod-eu, kube context"),
            (
                "kubectl --context prod-eu port-forward svc/web 8080:80",
                nothing,
                "forward: prod-eu, kube context",
            ),
            ("kubectl --context prod-eu proxy", nothing, "proxy: prod-eu, kube context"),
            ("kubectl --context prod-eu get pods", nothing, "no connection"),
            ("vim prod-db", nothing, "no connection"),
        ] {
            assert_eq!(classified(line, vars, home), expected, "{line} {vars:?}");
        }
    }
}
