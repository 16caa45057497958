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

/// One end writes a heartbeat in no more pieces than this.
const BEAT_PIECES: u64 = 8;

/// Equal beats in a row that make a signature: one more than these may be chance.
const BEATS_TO_LEARN: u32 = 3;

/// ssh's keepalives by cipher, as bytes out and in. Those that the server sends are the same turned round.
const KNOWN_BEATS: [(u64, u64); 4] = [(52, 28), (52, 36), (68, 52), (112, 80)];

/// An answer may be on its way this long before its absence means anything.
const IN_FLIGHT: Millis = 2000;

/// Sent later than received by more than this: a request is unanswered.
const OUTSTANDING: Millis = 200;

/// Two looks may lie so far apart that output of before the first says nothing any more.
const LONG_GAP: Millis = 10_000;

/// The kernel keeps a terminal's times to eight seconds.
const TTY_GRAIN: Millis = 8000;

/// One life of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub pid: u32,
    /// Its start, in the system's own count: see [`age`](crate::processes::age).
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
    /// Since how long it has been watched, and whether it was not there before.
    pub watched_ago: Millis,
    pub opening_seen: bool,
    pub tty: Option<Tty>,
    /// Its sockets towards the target.
    pub sockets: Vec<Socket>,
    /// Those it has accepted from programs of this machine.
    pub accepted: Vec<Socket>,
    /// The mux clients that go through it.
    pub clients: Vec<Key>,
    pub told: Told,
}

/// What the system tells of a process's sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Which there are, and when data went through each.
    Times,
    /// Only which there are.
    Names,
    Nothing,
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
    /// Since when it has been watched.
    watched_since: Millis,
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
            watched_since: self.now.awake.saturating_sub(one.watched_ago).max(opened),
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
        let timed = self.one.told == Told::Times;
        let own = latest(&track.sockets).filter(|_| timed);
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
            Use::Forwarding if timed && !track.accepted.is_empty() => latest(&track.accepted).max(clients),
            // A tunnel may be a master as well.
            Use::Forwarding if clients.is_some() => clients.max(left),
            Use::Master if clients.is_some() => clients.max(left),
            Use::Forwarding | Use::Master if self.one.told == Told::Names => {
                left.or(Some((track.watched_since, !self.one.opening_seen)))
            }
            Use::Forwarding | Use::Master => left.or(own),
        };
        match found {
            Some((at, at_least)) if at > opened => (at, at_least),
            Some((_, at_least)) => (opened, at_least),
            None => (opened, self.one.told != Told::Times),
        }
    }

    fn state(&self, track: &Track) -> State {
        let busy = match track.uses {
            Use::Database => track.sockets.iter().any(|wire| wire.is_waiting()),
            Use::Forwarding => {
                track.accepted.iter().any(|wire| wire.is_asked()) || self.clients_are(track, State::Busy)
            }
            Use::Master => self.clients_are(track, State::Busy),
            Use::Typed | Use::Traffic => false,
        };
        if busy {
            return State::Busy;
        }
        let typed = track.input.is_some_and(|input| input.typed.is_some());
        let is_told = match (self.one.told, track.uses) {
            (Told::Times, _) => true,
            (Told::Names, Use::Master) => true,
            // Somebody goes through it; whether he does anything is not told.
            (Told::Names, Use::Forwarding) => track.accepted.is_empty(),
            (_, Use::Typed | Use::Database) => typed,
            (Told::Names, Use::Traffic) | (Told::Nothing, _) => false,
        };
        if !is_told {
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
        if matches!(track.uses, Use::Master | Use::Forwarding) {
            return self.clients_are(track, State::Streaming);
        }
        let Some(input) = track.input.filter(|_| track.uses == Use::Typed) else { return false };
        let wire = track.sockets.iter().map(|wire| wire.used).max();
        let wire = wire.filter(|_| self.one.told == Told::Times);
        // Without a socket of its own (mosh, a mux client) what it writes to the terminal tells.
        let Some(output) = wire.or(input.written) else { return false };
        let gap = self.last.map_or(0, |last| self.now.awake.saturating_sub(last.awake)).min(LONG_GAP);
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
        let answer = self.is_waiting();
        if unit.is_none() && !self.waited && !answer && youngest < IN_FLIGHT && may_become_beat(delta) {
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

/// The bytes out and in of one exchange, if these are whole exchanges of one size, each small. One end may write it in
/// several pieces, as kubectl does with its pings; the end that writes it in fewer tells how many exchanges there were.
fn beat_unit((acked, received, out, back): (u64, u64, u64, u64)) -> Option<(u64, u64)> {
    let exchanges = out.min(back);
    if exchanges == 0 || acked % exchanges != 0 || received % exchanges != 0 {
        return None;
    }
    let unit = (acked / exchanges, received / exchanges);
    let small = unit.0 <= BEAT_BYTES && unit.1 <= BEAT_BYTES && out.max(back) <= BEAT_PIECES * exchanges;
    (small && unit.0 > 0 && unit.1 > 0).then_some(unit)
}

fn may_become_beat((acked, received, out, back): (u64, u64, u64, u64)) -> bool {
    let segments = out.max(back).max(1);
    out.abs_diff(back) <= BEAT_PIECES && acked <= BEAT_BYTES * segments && received <= BEAT_BYTES * segments
}

fn is_known_beat(unit: (u64, u64)) -> bool {
    KNOWN_BEATS.iter().any(|(out, back)| unit == (*out, *back) || unit == (*back, *out))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: Key = Key { pid: 42, started: 7 };
    const IDLE_AFTER: Millis = 600_000;

    fn seen(uses: Use) -> Seen {
        Seen {
            key: KEY,
            uses,
            opened_ago: 0,
            watched_ago: 0,
            opening_seen: true,
            tty: None,
            sockets: Vec::new(),
            accepted: Vec::new(),
            clients: Vec::new(),
            told: Told::Times,
        }
    }

    /// A machine on which time passes, and one connection on it.
    struct Scene {
        memory: Memory,
        now: Now,
        one: Seen,
        opened: Millis,
        watched: Millis,
        sent: Millis,
        received: Millis,
    }

    impl Scene {
        fn new(uses: Use) -> Scene {
            let now = Now { awake: 1_000_000, wall: 1_700_000_000_000 };
            let mut one = seen(uses);
            if matches!(uses, Use::Typed | Use::Database) {
                one.tty = Some(Tty { read: now.wall, written: now.wall, foreground: true });
            }
            one.sockets.push(Socket { cookie: 1, ..Socket::default() });
            let at = now.awake;
            // Nothing is open yet when the watcher looks for the first time.
            let memory = step(&Memory::default(), &[], now, IDLE_AFTER);
            Scene { memory, now, one, opened: at, watched: at, sent: at, received: at }
        }

        fn wait(&mut self, millis: Millis) -> &mut Scene {
            self.now.awake += millis;
            self.now.wall += millis;
            self
        }

        fn exchange(&mut self, out: u64, back: u64, times: u64) -> &mut Scene {
            let socket = &mut self.one.sockets[0];
            socket.acked += out * times;
            socket.received += back * times;
            socket.segments_out += times;
            socket.segments_in += times;
            (self.sent, self.received) = (self.now.awake, self.now.awake);
            self
        }

        /// An exchange whose sender writes it in pieces.
        fn pieces(&mut self, out: u64, back: u64, pieces: u64) -> &mut Scene {
            self.exchange(out, back, 1);
            self.one.sockets[0].segments_out += pieces - 1;
            self
        }

        fn type_in(&mut self) -> &mut Scene {
            let wall = self.now.wall;
            self.one.tty = Some(Tty { read: wall, written: wall, foreground: true });
            self
        }

        fn look(&mut self) -> Track {
            self.one.opened_ago = self.now.awake - self.opened;
            self.one.watched_ago = self.now.awake - self.watched;
            for socket in &mut self.one.sockets {
                socket.sent_ago = self.now.awake - self.sent;
                socket.received_ago = self.now.awake - self.received;
            }
            self.memory = step(&self.memory, std::slice::from_ref(&self.one), self.now, IDLE_AFTER);
            self.memory.of(KEY).unwrap().clone()
        }

        fn idle(&mut self) -> Millis {
            let since = self.look().idle_since;
            self.now.awake - since
        }
    }

    #[test]
    fn where_sockets_have_no_times_the_terminal_and_who_goes_through_tell() {
        let of = |uses: Use| {
            let mut scene = Scene::new(uses);
            scene.one.told = Told::Names;
            scene
        };
        for uses in [Use::Typed, Use::Database] {
            let mut scene = of(uses);
            scene.look();
            let track = scene.wait(IDLE_AFTER).look();
            assert_eq!((track.state, scene.now.awake - track.idle_since), (State::Idle, IDLE_AFTER));
            // That of the wire is not told.
            scene.exchange(36, 36, 1);
            assert_eq!(scene.wait(1000).look().state, State::Idle);
            assert_eq!(scene.type_in().look().state, State::Active);
        }
        assert_eq!(of(Use::Traffic).wait(IDLE_AFTER).look().state, State::Unknown);

        let mut tunnel = of(Use::Forwarding);
        assert_eq!(tunnel.look().state, State::Active);
        let track = tunnel.wait(IDLE_AFTER).look();
        assert_eq!((track.state, track.at_least), (State::Idle, false));
        tunnel.one.accepted.push(Socket { cookie: 9, ..Socket::default() });
        assert_eq!(tunnel.wait(IDLE_AFTER).look().state, State::Unknown);
        tunnel.one.accepted.clear();
        assert_eq!(tunnel.look().state, State::Active);
        let track = tunnel.wait(IDLE_AFTER).look();
        assert_eq!((track.state, track.at_least), (State::Idle, false));

        // What was open before anyone looked may have been idle for longer than it was watched.
        let mut old = of(Use::Forwarding);
        old.opened -= 900_000;
        old.one.opening_seen = false;
        assert_eq!(old.look().state, State::Active);
        let track = old.wait(IDLE_AFTER).look();
        assert_eq!((track.state, track.at_least), (State::Idle, true));
    }

    #[test]
    fn keepalives_of_known_ciphers_are_no_use() {
        for (out, back) in [(52, 28), (28, 52), (68, 52)] {
            let mut scene = Scene::new(Use::Traffic);
            scene.look();
            for _ in 0..20 {
                scene.wait(5000).exchange(out, back, 1).wait(5000).look();
            }
            assert_eq!(scene.idle(), 200_000);
            scene.exchange(36, 36, 2);
            assert_eq!(scene.idle(), 0);
        }
    }

    #[test]
    fn beats_that_nobody_knows_are_learnt_and_what_they_took_is_given_back() {
        let mut scene = Scene::new(Use::Traffic);
        scene.look();
        scene.wait(60_000);
        for beat in 0..6 {
            scene.exchange(61, 97, 1).look();
            let idle = scene.idle();
            assert_eq!(idle, if beat < 2 { 0 } else { 60_000 + beat * 10_000 }, "{beat}");
            scene.wait(10_000);
        }
        // Once learnt it needs no learning again after a real use.
        scene.exchange(2000, 9000, 1).look();
        scene.wait(10_000).exchange(61, 97, 1);
        assert_eq!(scene.idle(), 10_000);
    }

    #[test]
    fn a_beat_may_be_written_in_pieces() {
        let mut scene = Scene::new(Use::Forwarding);
        scene.look();
        for beat in 1..20 {
            // Each time in another number of pieces, sometimes two beats to a look, sometimes half of one.
            scene.wait(5000).pieces(12, 12, 1 + beat % 4);
            if beat % 5 == 0 {
                scene.one.sockets[0].segments_out += 3;
                scene.look();
                scene.one.sockets[0].segments_out -= 3;
                scene.pieces(12, 12, 4);
            }
            scene.look();
        }
        assert_eq!(scene.idle(), 95_000);
        scene.pieces(120, 4000, 3);
        assert_eq!(scene.idle(), 0);
    }

    #[test]
    fn half_of_a_beat_is_judged_as_a_whole() {
        let mut scene = Scene::new(Use::Traffic);
        scene.look();
        scene.wait(60_000);
        scene.one.sockets[0].segments_out += 1;
        scene.sent = scene.now.awake;
        assert_eq!(scene.idle(), 60_000);
        scene.one.sockets[0].acked += 52;
        scene.one.sockets[0].received += 28;
        scene.one.sockets[0].segments_in += 1;
        scene.wait(1000);
        scene.received = scene.now.awake;
        assert_eq!(scene.idle(), 61_000);
    }

    #[test]
    fn a_request_without_an_answer_is_busy() {
        let mut scene = Scene::new(Use::Database);
        assert_eq!(scene.look().state, State::Active);
        scene.wait(1_000_000);
        assert_eq!(scene.look().state, State::Idle);
        scene.sent = scene.now.awake;
        scene.one.sockets[0].acked += 100;
        scene.one.sockets[0].segments_out += 1;
        scene.wait(1_000_000);
        assert_eq!(scene.look().state, State::Busy);
        scene.received = scene.now.awake;
        scene.one.sockets[0].segments_in += 1;
        scene.one.sockets[0].received += 100;
        assert_eq!((scene.look().state, scene.idle()), (State::Active, 0));
    }

    #[test]
    fn output_that_nobody_asks_for_is_streaming() {
        let mut scene = Scene::new(Use::Typed);
        scene.look();
        for _ in 0..70 {
            scene.wait(10_000).exchange(0, 500, 1).look();
        }
        assert_eq!((scene.look().state, scene.idle()), (State::Streaming, 700_000));
        assert_eq!(scene.wait(100_000).look().state, State::Idle);
        assert_eq!(scene.type_in().look().state, State::Active);
    }

    #[test]
    fn typing_in_the_background_is_for_another_program() {
        let mut scene = Scene::new(Use::Typed);
        scene.look();
        scene.wait(50_000).type_in();
        scene.one.tty = scene.one.tty.map(|tty| Tty { foreground: false, ..tty });
        assert_eq!(scene.idle(), 50_000);
    }

    #[test]
    fn a_tunnel_is_used_by_those_who_go_through_it() {
        let mut scene = Scene::new(Use::Forwarding);
        scene.look();
        scene.wait(100_000);
        let through = Socket { cookie: 9, ..Socket::default() };
        scene.one.accepted = vec![through];
        assert_eq!(scene.idle(), 0);
        scene.one.accepted = vec![Socket { sent_ago: 30_000, received_ago: 30_000, ..through }];
        assert_eq!(scene.wait(30_000).idle(), 30_000);
        // Asked for something, and not answered yet.
        scene.one.accepted = vec![Socket { sent_ago: 31_000, received_ago: 1000, ..through }];
        assert_eq!(scene.wait(1000).look().state, State::Busy);
        scene.one.accepted = Vec::new();
        scene.wait(10_000).look();
        assert_eq!(scene.wait(40_000).idle(), 40_000);
    }

    #[test]
    fn a_master_is_used_by_its_clients() {
        // A tunnel that is a master as well is used by them too.
        for uses in [Use::Master, Use::Forwarding] {
            used_by_its_clients(uses);
        }
    }

    fn used_by_its_clients(uses: Use) {
        let mut scene = Scene::new(uses);
        let client = Key { pid: 43, started: 8 };
        let typed = |now: Now, ago: Millis, opened: Millis| Seen {
            key: client,
            opened_ago: now.awake - opened,
            tty: Some(Tty { read: now.wall - ago, written: now.wall - ago, foreground: true }),
            sockets: Vec::new(),
            ..seen(Use::Typed)
        };
        let opened = scene.opened;
        let look = |scene: &mut Scene, ago: Option<Millis>| {
            scene.one.clients = ago.iter().map(|_| client).collect();
            scene.one.opened_ago = scene.now.awake - opened;
            let all: Vec<Seen> = std::iter::once(scene.one.clone())
                .chain(ago.map(|ago| typed(scene.now, ago, opened)))
                .collect();
            scene.memory = step(&scene.memory, &all, scene.now, IDLE_AFTER);
            scene.now.awake - scene.memory.of(KEY).unwrap().idle_since
        };
        assert_eq!(look(&mut scene, Some(0)), 0);
        scene.wait(70_000);
        assert_eq!(look(&mut scene, Some(20_000)), 20_000);
        scene.wait(10_000);
        assert_eq!(look(&mut scene, None), 0);
        scene.wait(90_000);
        assert_eq!(look(&mut scene, None), 90_000);
    }

    #[test]
    fn a_watcher_that_was_not_there_says_at_least() {
        let mut scene = Scene::new(Use::Forwarding);
        scene.memory = Memory::default();
        scene.wait(500_000).exchange(52, 28, 1).wait(2000);
        assert!(!scene.look().at_least);
        scene.wait(3000).exchange(52, 28, 1).wait(2000);
        let track = scene.look();
        assert!(track.at_least);
        assert_eq!(scene.now.awake - track.idle_since, 7000);
        scene.exchange(1000, 1000, 1);
        assert!(!scene.look().at_least);
    }

    #[test]
    fn neither_a_clock_that_is_set_nor_a_sleep_moves_anything() {
        for jump in [-100_000_000_i64, 100_000_000] {
            let mut scene = Scene::new(Use::Typed);
            scene.look();
            scene.wait(20_000);
            scene.now.wall = scene.now.wall.saturating_add_signed(jump);
            assert_eq!(scene.idle(), 20_000);
            scene.wait(10_000).type_in().wait(4000);
            assert_eq!(scene.idle(), 4000);
        }
    }

    proptest! {
        /// Whatever is seen: no idle time is longer than the connection or begins in the future, a key counts at once,
        /// and nothing is forgotten or invented.
        #[test]
        fn nothing_is_ever_stranger_than_the_truth(
            steps in proptest::collection::vec((0_u64..100_000, 0_u64..4000, 0_u64..4000, 0_u64..5, 0_u64..5, any::<bool>(), -1_000_000_i64..1_000_000), 1..60),
            which in 0_usize..5,
        ) {
            let uses = [Use::Typed, Use::Forwarding, Use::Master, Use::Database, Use::Traffic][which];
            let mut scene = Scene::new(uses);
            for (wait, out, back, sent, received, typed, jump) in steps {
                scene.wait(wait);
                scene.now.wall = scene.now.wall.saturating_add_signed(jump);
                let socket = &mut scene.one.sockets[0];
                socket.acked += out;
                socket.received += back;
                socket.segments_out += sent;
                socket.segments_in += received;
                if sent > 0 { scene.sent = scene.now.awake; }
                if received > 0 { scene.received = scene.now.awake; }
                let tty = scene.one.tty;
                let changed = typed && tty.is_some_and(|tty| tty.read != scene.now.wall);
                if changed { scene.type_in(); }
                let track = scene.look();
                prop_assert!(track.idle_since <= scene.now.awake);
                prop_assert!(track.idle_since >= scene.opened);
                if changed {
                    prop_assert!(scene.now.awake - track.idle_since <= wait);
                }
                prop_assert_eq!(scene.memory.tracks.len(), 1);
            }
        }

        /// Any traffic that is larger than a heartbeat is use at once.
        #[test]
        fn large_traffic_is_use(out in 161_u64..100_000, back in 161_u64..100_000, before in 0_usize..10) {
            let mut scene = Scene::new(Use::Traffic);
            scene.look();
            for _ in 0..before {
                scene.wait(10_000).exchange(52, 28, 2).look();
            }
            scene.wait(10_000).exchange(out, back, 1);
            prop_assert_eq!(scene.idle(), 0);
        }

        /// Heartbeats of one size, any number to a look, are never use for long.
        #[test]
        fn beats_are_idle(out in 1_u64..=160, back in 1_u64..=160, each in 1_u64..5, looks in 4_u64..30) {
            let mut scene = Scene::new(Use::Traffic);
            scene.look();
            for _ in 0..looks {
                scene.wait(10_000).exchange(out, back, each).look();
            }
            prop_assert_eq!(scene.idle(), looks * 10_000);
        }
    }
}
