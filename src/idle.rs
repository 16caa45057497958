//! How long each connection has been idle: two clocks, the person's and the wire's, with heartbeats filtered out.
//!
//! Values in, values out: [`step`] takes what was remembered, what is seen now and the time, and gives what to remember.
//! It refuses to guess: what can't be known from before the watcher's start is marked "at least".
//!
//! All times are milliseconds of the clock that stands still while the machine sleeps, so sleep is no idleness. The
//! terminal's times come from the wall clock; of them only a *change* counts, so setting that clock moves nothing.

/// Milliseconds of the clock that does not run while the machine sleeps.
pub type Millis = u64;

/// A heartbeat is no larger than this in either direction, on the wire.
const BEAT_BYTES: u64 = 160;

/// Equal beats in a row that make a signature: one more than these may be chance.
const BEATS_TO_LEARN: u32 = 3;

/// ssh's keepalives by cipher, as bytes out and in. Those that the server sends are the same turned round.
const KNOWN_BEATS: [(u64, u64); 4] = [(52, 28), (52, 36), (68, 52), (112, 80)];

/// An answer may be on its way this long before its absence means anything.
const IN_FLIGHT: Millis = 2000;

/// Sent later than received by more than this: a request is unanswered.
const OUTSTANDING: Millis = 200;

/// The kernel keeps a terminal's times to eight seconds.
const TTY_GRAIN: Millis = 8000;

/// One life of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub pid: u32,
    /// Its start, in clock ticks since boot.
    pub started: u64,
}

/// Which clock tells that a connection is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A person types into it: ssh, mosh, `kubectl exec -it`.
    Typed,
    /// Other programs go through it: tunnels, port-forwards, proxies.
    Forwarding,
    /// Other ssh's go through it.
    Master,
    /// A database's client: typing counts, and so do its own requests.
    Database,
    /// Only the wire tells.
    Traffic,
}

/// One TCP socket as the kernel describes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Socket {
    /// The kernel's own number for it, never used twice.
    pub cookie: u64,
    /// How long ago data was last sent and received.
    pub sent_ago: Millis,
    pub received_ago: Millis,
    /// Counters since the socket was opened.
    pub acked: u64,
    pub received: u64,
    pub segments_out: u64,
    pub segments_in: u64,
}

/// The controlling terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tty {
    /// When it was last read from and written to, milliseconds since the epoch.
    pub read: u64,
    pub written: u64,
    /// Whether what is typed goes to this process.
    pub foreground: bool,
}

/// One connection as it is seen now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub key: Key,
    pub uses: Use,
    /// How long ago its process started.
    pub opened_ago: Millis,
    pub tty: Option<Tty>,
    /// Its sockets towards the target.
    pub sockets: Vec<Socket>,
    /// Those it has accepted from programs of this machine.
    pub accepted: Vec<Socket>,
    /// The mux clients that go through it.
    pub clients: Vec<Key>,
    /// False where the system refused to tell its sockets.
    pub known: bool,
}

/// The time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Of the clock that stands still in sleep.
    pub awake: Millis,
    /// Milliseconds since the epoch.
    pub wall: u64,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Used a moment ago.
    Active,
    Idle,
    /// A request is unanswered.
    Busy,
    /// Output comes, and nobody types.
    Streaming,
    /// The system does not tell.
    Unknown,
}

impl State {
    /// The word in messages and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Idle => "idle",
            State::Busy => "busy",
            State::Streaming => "streaming",
            State::Unknown => "unknown",
        }
    }
}

/// What is remembered of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    pub key: Key,
    pub uses: Use,
    /// The last use.
    pub idle_since: Millis,
    /// It may have been idle for longer: there was no one to see.
    pub at_least: bool,
    pub state: State,
    input: Option<Input>,
    sockets: Vec<Wire>,
    accepted: Vec<Wire>,
    /// When the last accepted socket, or mux client, went away.
    left: Option<Millis>,
    clients: Vec<Key>,
}

/// Everything remembered from one step to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    pub tracks: Vec<Track>,
    /// The time of the last step; `None` before the first.
    at: Option<Now>,
}

impl Memory {
    /// What is remembered of the connection with this key.
    pub fn of(&self, key: Key) -> Option<&Track> {
        self.tracks.iter().find(|track| track.key == key)
    }
}

/// Looks at every connection once. What is no longer seen is forgotten. `idle_after`: unused for so long, it is idle.
pub fn step(previous: &Memory, seen: &[Seen], now: Now, idle_after: Millis) -> Memory {
    let mut tracks: Vec<Track> = Vec::with_capacity(seen.len());
    // Masters come last: their clients' clocks are theirs.
    let masters_last = seen.iter().filter(|s| s.clients.is_empty() && s.uses != Use::Master);
    for one in masters_last.chain(seen.iter().filter(|s| !s.clients.is_empty() || s.uses == Use::Master)) {
        let before = previous.of(one.key).filter(|track| track.uses == one.uses);
        let track = Look { one, before, last: previous.at, now, idle_after, others: &tracks }.track();
        tracks.push(track);
    }
    Memory { tracks, at: Some(now) }
}

/// When a terminal was last typed into and written to, as far as this process is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Input {
    tty: Tty,
    typed: Option<Millis>,
    written: Option<Millis>,
}

/// What is remembered of one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wire {
    last: Socket,
    used: Millis,
    /// It was there before anyone looked, and nothing but heartbeats was seen on it since.
    at_least: bool,
    untouched: bool,
    beat: Option<Beat>,
    /// The size of an exchange that has proved to be a heartbeat.
    learnt: Option<(u64, u64)>,
    waited: bool,
}

/// A run of equal small exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Beat {
    unit: (u64, u64),
    count: u32,
    /// What `used` was before the first of them.
    used_before: Millis,
    untouched_before: bool,
}

struct Look<'a> {
    one: &'a Seen,
    before: Option<&'a Track>,
    last: Option<Now>,
    now: Now,
    idle_after: Millis,
    others: &'a [Track],
}

impl Look<'_> {
    fn track(&self) -> Track {
        let one = self.one;
        let opened = self.now.awake.saturating_sub(one.opened_ago);
        let input = one.tty.map(|tty| self.input(tty, opened));
        let sockets = self.wires(&one.sockets, self.before.map(|track| track.sockets.as_slice()), opened);
        let accepted = self.wires(&one.accepted, self.before.map(|track| track.accepted.as_slice()), opened);
        let left = self.left(&accepted);
        let mut track = Track {
            key: one.key,
            uses: one.uses,
            idle_since: opened,
            at_least: false,
            state: State::Unknown,
            input,
            sockets,
            accepted,
            left,
            clients: one.clients.clone(),
        };
        (track.idle_since, track.at_least) = self.last_use(&track, opened);
        track.state = self.state(&track);
        track
    }

    /// When the terminal was last typed into. At first sight the wall clock is all there is; from then on only a change
    /// counts, which must lie between the last step and this one.
    fn input(&self, tty: Tty, opened: Millis) -> Input {
        let now = self.now;
        let ago = |wall: u64| now.awake.saturating_sub(now.wall.saturating_sub(wall));
        let Some((before, last)) = self.before.and_then(|track| track.input).zip(self.last) else {
            let typed = tty.foreground.then(|| ago(tty.read).max(opened));
            return Input { tty, typed, written: Some(ago(tty.written).max(opened)) };
        };
        let since_last = |wall: u64| ago(wall).clamp(last.awake.min(now.awake), now.awake);
        let changed = tty.read != before.tty.read && tty.foreground;
        let wrote = tty.written != before.tty.written;
        Input {
            tty,
            typed: if changed { Some(since_last(tty.read)) } else { before.typed },
            written: if wrote { Some(since_last(tty.written)) } else { before.written },
        }
    }

    fn wires(&self, sockets: &[Socket], before: Option<&[Wire]>, opened: Millis) -> Vec<Wire> {
        let new = |socket: &Socket| {
            // What was opened since the last step has been watched for all its life.
            let seen_opening = before.is_some() || self.last.is_some_and(|last| opened >= last.awake);
            Wire {
                last: *socket,
                used: self.now.awake.saturating_sub(socket.sent_ago.min(socket.received_ago)).max(opened),
                at_least: false,
                untouched: !seen_opening,
                beat: None,
                learnt: None,
                waited: false,
            }
        };
        sockets
            .iter()
            .map(|socket| {
                let known = before.and_then(|b| b.iter().find(|wire| wire.last.cookie == socket.cookie));
                known.map_or_else(|| new(socket), |wire| wire.next(socket, self.now.awake))
            })
            .collect()
    }

    /// When the last of those that go through it went away.
    fn left(&self, accepted: &[Wire]) -> Option<Millis> {
        let before = self.before?;
        let gone =
            before.accepted.iter().any(|old| !accepted.iter().any(|w| w.last.cookie == old.last.cookie))
                || before.clients.iter().any(|client| !self.one.clients.contains(client));
        if gone { Some(self.now.awake) } else { before.left }
    }

    /// The last use, and whether it may have been earlier.
    fn last_use(&self, track: &Track, opened: Millis) -> (Millis, bool) {
        let latest = |wires: &[Wire]| wires.iter().map(|wire| (wire.used, wire.at_least)).max_by_key(|w| w.0);
        let typed = track.input.and_then(|input| input.typed).map(|at| (at, false));
        let left = track.left.map(|at| (at, false));
        let own = latest(&track.sockets);
        let clients = track
            .clients
            .iter()
            .filter_map(|key| self.others.iter().find(|other| other.key == *key))
            .map(|client| (client.idle_since, client.at_least))
            .max_by_key(|client| client.0);
        let found = match track.uses {
            Use::Typed if typed.is_some() => typed.max(clients).max(left),
            Use::Typed | Use::Traffic => own.max(clients),
            Use::Database => typed.max(own),
            Use::Forwarding if !track.accepted.is_empty() => latest(&track.accepted),
            Use::Master if clients.is_some() => clients.max(left),
            Use::Forwarding | Use::Master => left.or(own),
        };
        match found {
            Some((at, at_least)) if at > opened => (at, at_least),
            Some((_, at_least)) => (opened, at_least),
            None => (opened, !self.one.known),
        }
    }

    fn state(&self, track: &Track) -> State {
        let busy = match track.uses {
            Use::Database => track.sockets.iter().any(|wire| wire.is_waiting()),
            Use::Forwarding => track.accepted.iter().any(|wire| wire.is_asked()),
            Use::Master => self.clients_are(track, State::Busy),
            Use::Typed | Use::Traffic => false,
        };
        if busy {
            return State::Busy;
        }
        if !self.one.known && track.input.and_then(|input| input.typed).is_none() {
            return State::Unknown;
        }
        if self.now.awake.saturating_sub(track.idle_since) < self.idle_after {
            State::Active
        } else if self.is_streaming(track) {
            State::Streaming
        } else {
            State::Idle
        }
    }

    fn clients_are(&self, track: &Track, state: State) -> bool {
        self.others.iter().any(|other| track.clients.contains(&other.key) && other.state == state)
    }

    /// Whether output still comes, long after the last key that could have asked for it.
    fn is_streaming(&self, track: &Track) -> bool {
        if track.uses == Use::Master {
            return self.clients_are(track, State::Streaming);
        }
        let Some(input) = track.input.filter(|_| track.uses == Use::Typed) else { return false };
        let wire = track.sockets.iter().map(|wire| wire.used).max();
        // Without a socket of its own (mosh, a mux client) what it writes to the terminal tells.
        let Some(output) = wire.or(input.written) else { return false };
        let gap = self.last.map_or(0, |last| self.now.awake.saturating_sub(last.awake));
        output > track.idle_since + TTY_GRAIN + IN_FLIGHT
            && self.now.awake.saturating_sub(output) < TTY_GRAIN + IN_FLIGHT + 2 * gap
    }
}

impl Wire {
    fn next(&self, socket: &Socket, now: Millis) -> Wire {
        let mut next = *self;
        next.last.sent_ago = socket.sent_ago;
        next.last.received_ago = socket.received_ago;
        let delta = (
            socket.acked.saturating_sub(self.last.acked),
            socket.received.saturating_sub(self.last.received),
            socket.segments_out.saturating_sub(self.last.segments_out),
            socket.segments_in.saturating_sub(self.last.segments_in),
        );
        if delta == (0, 0, 0, 0) {
            return next;
        }
        let youngest = socket.sent_ago.min(socket.received_ago);
        let unit = beat_unit(delta);
        // Half of an exchange may be on its way; it is judged as a whole, the next time.
        if unit.is_none() && !self.waited && youngest < IN_FLIGHT && may_become_beat(delta) {
            next.waited = true;
            return next;
        }
        next.last = *socket;
        next.waited = false;
        let used = now.saturating_sub(youngest).max(self.used);
        match unit {
            Some(unit) if is_known_beat(unit) || self.learnt == Some(unit) => {
                next.beaten(self.used, self.untouched);
            }
            Some(unit) => match self.beat.filter(|beat| beat.unit == unit) {
                Some(beat) => {
                    let beat = Beat { count: beat.count.saturating_add(1), ..beat };
                    next.beat = Some(beat);
                    if beat.count >= BEATS_TO_LEARN {
                        next.learnt = Some(unit);
                        next.beaten(beat.used_before, beat.untouched_before);
                    } else {
                        next.used = used;
                        next.untouched = false;
                    }
                }
                None => {
                    next.beat = Some(Beat {
                        unit,
                        count: 1,
                        used_before: self.used,
                        untouched_before: self.untouched,
                    });
                    next.used = used;
                    next.untouched = false;
                }
            },
            None => {
                next.beat = None;
                next.used = used;
                next.untouched = false;
                next.at_least = false;
            }
        }
        next
    }

    /// What happened was a heartbeat: the last use is what it was before.
    fn beaten(&mut self, used: Millis, untouched: bool) {
        self.used = used;
        self.untouched = untouched;
        // Before the first look there may have been beats alone, for any time.
        self.at_least = untouched;
    }

    /// A request of ours is unanswered.
    fn is_waiting(&self) -> bool {
        self.last.sent_ago.saturating_add(OUTSTANDING) < self.last.received_ago
    }

    /// A request to us is unanswered.
    fn is_asked(&self) -> bool {
        self.last.received_ago.saturating_add(OUTSTANDING) < self.last.sent_ago
    }
}

/// The bytes out and in of one exchange, if these are whole exchanges of one size, each small and with one segment
/// either way.
fn beat_unit((acked, received, out, back): (u64, u64, u64, u64)) -> Option<(u64, u64)> {
    if out != back || out == 0 || acked % out != 0 || received % out != 0 {
        return None;
    }
    let unit = (acked / out, received / out);
    (unit.0 <= BEAT_BYTES && unit.1 <= BEAT_BYTES && unit.0 > 0 && unit.1 > 0).then_some(unit)
}

fn may_become_beat((acked, received, out, back): (u64, u64, u64, u64)) -> bool {
    let segments = out.max(back).max(1);
    out.abs_diff(back) <= 1 && acked <= BEAT_BYTES * segments && received <= BEAT_BYTES * segments
}

fn is_known_beat(unit: (u64, u64)) -> bool {
    KNOWN_BEATS.iter().any(|(out, back)| unit == (*out, *back) || unit == (*back, *out))
}
