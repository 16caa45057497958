//! The watcher: one process of a user's that looks at the machine's connections again and again, and writes down what
//! it sees. It polls for the truth; a datagram or the end of a process only makes it look sooner. It refuses to run
//! twice, to believe a datagram's content, and to grow anything without a limit.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

use crate::clock;
use crate::config::{self, Config, LastGood, WatcherEnds};
use crate::connections::look::{Open, Watch};
use crate::guard::{hours, lease};
use crate::herald::Herald;
use crate::live::Live;
use crate::processes::Stat;
use crate::state::RunDir;
use crate::state::asked::{self, Asked};
use crate::state::machine::{self, Connection, Machine, Process};
use crate::state::open::{Binary, Holder, Taken};
use crate::tab::Tab;
use crate::view::View;
use crate::world::World;

/// While a connection to production is open it looks at least this often.
const POLL_OPEN: Duration = Duration::from_secs(5);
/// Two looks are never closer than this, whatever is asked for.
const BREATH: Duration = Duration::from_millis(250);
/// After a hint it looks so many milliseconds later: a program starts before it connects.
const AFTER_HINT: [u64; 3] = [100, 800, 2500];
/// How long an older watcher may take to end.
const HANDOVER: Duration = Duration::from_secs(5);
/// A file that was just touched is left alone for so long: it may not be whole yet.
const SETTLE: Duration = Duration::from_millis(30);
/// Without a shell for so long, a watcher that is to end with the last one ends.
const LONELY: Duration = Duration::from_secs(10);
/// Whatever the files' times say, the configuration is read at least this often.
const CONFIG_FRESH: Duration = Duration::from_secs(60);
/// The idle times are written at least this often.
const LISTED_FRESH: Duration = Duration::from_secs(60);
/// Processes whose end is waited for; the poll finds that of others.
const ENDS: usize = 256;

/// How a watcher's life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A signal asked for it.
    Asked,
    /// Another one is at work.
    Another(Process),
}

/// Watches until a signal ends it, or another watcher is at work.
///
/// # Errors
/// Why it can't watch here, as a sentence.
pub fn run(world: &World) -> Result<Ended, String> {
    World::catch_endings();
    let pid = std::process::id();
    let me = Process { pid, started: world.started(pid).unwrap_or(0) };
    let binary = Binary::own();
    let mut watch = Watch::new(world);
    loop {
        let run_dir = RunDir::open(world)?;
        let lock = match lock(&run_dir, world, me, &binary)? {
            Ok(lock) => lock,
            Err(other) => return Ok(Ended::Another(other)),
        };
        run_dir.log(&format!("{} watcher {pid} starts", world.local("").rfc3339));
        let mut watcher = Watcher {
            world,
            run_dir,
            lock,
            me,
            binary: binary.clone(),
            trouble: None,
            herald: Herald::default(),
            look: 0,
            guests: Vec::new(),
            files: Files::default(),
            late: None,
            hinted: true,
            machine: None,
            listed: None,
        };
        let asked = watcher.watch(&mut watch);
        watcher.run_dir.end_watcher(me, world);
        if asked {
            watcher.run_dir.log(&format!("{} watcher {pid} ends", world.local("").rfc3339));
            return Ok(Ended::Asked);
        }
        // The run directory, or the lock in it, was taken away: begin anew where others look. With the directory above
        // it nobody is left who could.
        if RunDir::place(world).as_deref().and_then(Path::parent).is_none_or(|above| !above.is_dir()) {
            return Ok(Ended::Asked);
        }
    }
}

/// Takes the lock; an older binary's watcher is told to end first.
fn lock(
    run_dir: &RunDir,
    world: &World,
    me: Process,
    binary: &Binary,
) -> Result<Result<File, Process>, String> {
    let holder = Holder { process: me, binary: binary.clone() };
    let end = Instant::now() + HANDOVER;
    loop {
        let taken = run_dir.take_watcher(&holder, world.uid);
        let other = match taken.map_err(|error| format!("no watcher: {error}"))? {
            Taken::Ours(file) => return Ok(Ok(file)),
            Taken::Held(other) => other.filter(|other| other.process.lives(world)),
        };
        if let Some(other) = &other {
            if !replaces(&holder.binary, &other.binary) {
                return Ok(Err(other.process));
            }
            end_process(other.process, world, Signal::TERM);
        }
        if Instant::now() >= end {
            return other.map_or_else(
                || Err("no watcher: its lock is held by something that does not say what it is".into()),
                |other| Ok(Err(other.process)),
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether a watcher of the first binary takes the place of one of the second.
pub fn replaces(own: &Binary, other: &Binary) -> bool {
    own != other && own.changed > other.changed
}

/// Signals a process in this very life of it; whether it was there.
pub fn end_process(process: Process, world: &World, signal: Signal) -> bool {
    let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else { return false };
    #[cfg(target_os = "linux")]
    {
        let Ok(handle) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) else {
            return false;
        };
        // The handle holds the pid; only now is it certain whose it is.
        process.lives(world) && rustix::process::pidfd_send_signal(handle, signal).is_ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        process.lives(world) && rustix::process::kill_process(pid, signal).is_ok()
    }
}

struct Watcher<'w> {
    world: &'w World,
    run_dir: RunDir,
    lock: File,
    me: Process,
    /// As it was when this process started: it may be replaced meanwhile.
    binary: Binary,
    /// What went wrong last, so that it is logged once.
    trouble: Option<String>,
    herald: Herald,
    /// The number of this look.
    look: u64,
    /// What shells have added, and the look at which it was met.
    guests: Vec<(Connection, u64)>,
    files: Files,
    /// The minute for which it was found out when a connection is idle, and the answer.
    late: Option<(u64, Duration)>,
    /// Somebody has asked for a look since `connections.json` was written.
    hinted: bool,
    /// What `machine.json` holds, with what tells that it is still the same file.
    machine: Option<(machine::Stamp, Machine)>,
    /// What was written into `connections.json`, and when.
    listed: Option<(Listed, Instant)>,
}

/// The configuration, with the state of its files when it was read.
#[derive(Default)]
struct Files {
    config: Rc<Config>,
    prints: Vec<Print>,
    read: Option<Instant>,
}

/// What tells one state of a file from another: device, inode, length, and the times of its content and of its mode.
type Print = Option<(u64, u64, u64, i64, i64, i64, i64)>;

/// The connections as they are written, but for the times that pass; those with the second they began at.
#[derive(Default, PartialEq)]
struct Listed {
    lasting: Vec<Value>,
    idle_since: Vec<i64>,
}

impl Listed {
    /// Whether a reader who counts on would come to the same.
    fn says(&self, other: &Listed) -> bool {
        let near = |(one, other): (&i64, &i64)| one.abs_diff(*other) <= 1;
        self.lasting == other.lasting && self.idle_since.iter().zip(&other.idle_since).all(near)
    }
}

impl Watcher<'_> {
    /// Looks again and again; true when a signal ended it, false when its place was taken away.
    fn watch(&mut self, watch: &mut Watch) -> bool {
        let hints = self.run_dir.listen();
        self.note(hints.as_ref().err().map(|error| format!("no hints: {error}")));
        let hints = hints.ok();
        let mut due: Vec<Instant> = Vec::new();
        let mut live = Live::start();
        let mut lonely = Instant::now();
        loop {
            if World::ending_caught() {
                return true;
            }
            let holder = Holder { process: self.me, binary: self.binary.clone() };
            if !self.run_dir.still_holds(&mut self.lock, &holder) {
                return false;
            }
            let now = Instant::now();
            due.retain(|at| *at > now);
            // Without a socket nobody can ask.
            self.hinted |= hints.is_none();
            let config = self.config();
            let idle_after = self.idle_after(&config);
            let boot = self.world.boot_id();
            let asked = self.run_dir.asked(&boot, self.world.uid);
            watch.ask(asked.iter().map(|one| one.spec.as_str()));
            self.look += 1;
            let open = watch.look(self.world, &config, idle_after);
            self.forget_asked(&asked, watch, &boot);
            self.write(&open);
            // Only what is written down is told: where tunnels lead waits for nobody.
            let told = self.herald.told;
            let done = self.herald.look(self.world, &self.run_dir, &config, &open, idle_after);
            for trouble in done.troubles {
                self.log(&trouble);
            }
            if self.herald.told != told {
                self.write(&open);
            }
            let boot = self.world.boot_id();
            live.look(self.world, &self.run_dir, |pid| {
                watch.on_terminal(pid).and_then(|stat| tab(stat, &boot))
            });
            if live.tabs() > 0 {
                lonely = Instant::now();
            } else if config.watch.ends == WatcherEnds::LastShell && lonely.elapsed() > LONELY {
                self.log("the last shell has ended");
                return true;
            }
            let ends: Vec<OwnedFd> = watch.processes().take(ENDS).filter_map(|key| pidfd(key.pid)).collect();
            let mut next = now + interval(&config, &open);
            if watch.is_asking() || done.closed {
                next = next.min(now + BREATH);
            }
            next = due.iter().copied().fold(next, Instant::min).max(now + BREATH);
            if !self.wait(next, watch, &mut live, hints.as_ref(), &ends, &mut due) {
                return true;
            }
        }
    }

    /// Waits for the next look; false when a signal came.
    fn wait(
        &mut self,
        mut next: Instant,
        watch: &mut Watch,
        live: &mut Live,
        hints: Option<&UnixDatagram>,
        ends: &[OwnedFd],
        due: &mut Vec<Instant>,
    ) -> bool {
        let begun = Instant::now();
        let mut ends = ends;
        loop {
            let left = next.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            let first = [hints.map(AsFd::as_fd), live.wake().map(AsFd::as_fd)];
            let mut files: Vec<PollFd<'_>> =
                first.iter().flatten().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
            let others = files.len();
            files.extend(ends.iter().map(|end| PollFd::new(end, PollFlags::IN)));
            let timeout = Timespec::try_from(left).unwrap_or_default();
            let polled = rustix::event::poll(&mut files, Some(&timeout));
            if World::ending_caught() {
                return false;
            }
            if polled.is_err() {
                continue;
            }
            let ready: Vec<bool> = files.iter().map(|file| !file.revents().is_empty()).collect();
            let hint = hints.is_some() && ready.first() == Some(&true);
            if hint && let Some(socket) = hints {
                drain(socket);
                self.hinted = true;
                let now = Instant::now();
                // Each hint has its own looks, so that none is given for something that was opened after the last of
                // them; of many at once only the nearest look stays where it was.
                due.sort_unstable();
                due.truncate(1);
                due.extend(AFTER_HINT.map(|after| now + Duration::from_millis(after)));
                next = next.min(begun + BREATH).min(due.iter().copied().fold(next, Instant::min));
                // However many come, it listens again only after a breath.
                std::thread::sleep(Duration::from_millis(20));
            }
            if others > usize::from(hints.is_some()) && ready.get(others - 1) == Some(&true) {
                // However busy a directory is, it is heard only after a breath.
                std::thread::sleep(SETTLE);
                if live.hear() {
                    live.look(self.world, &self.run_dir, |_| None);
                }
            }
            if ready.iter().skip(others).any(|ended| *ended) {
                next = next.min(begun + BREATH);
                ends = &[];
            }
            if watch.listen() {
                return true;
            }
        }
    }

    /// Takes away what lines have asked an ssh for and nobody listens for any more.
    fn forget_asked(&self, asked: &[Asked], watch: &Watch, boot: &str) {
        let now = self.world.clocks().wall;
        let young = |one: &Asked| (one.at..=one.at.saturating_add(asked::PATIENCE)).contains(&now);
        let stays = |one: &&Asked| young(one) || watch.listens_for(&one.spec);
        let left: Vec<Asked> = asked.iter().filter(stays).cloned().collect();
        if left.len() < asked.len() {
            let _ = self.run_dir.keep_asked(&left, boot);
        }
    }

    /// The configuration; its files are read again when one of them is another one, and now and then.
    fn config(&mut self) -> Rc<Config> {
        let view = View::new(self.world);
        let paths = config::layers::candidates(&view);
        let prints: Vec<Print> = paths.iter().flatten().map(|file| print(&file.path)).collect();
        let fresh = self.files.read.is_some_and(|at| at.elapsed() < CONFIG_FRESH);
        if !fresh || prints != self.files.prints {
            let config = config::load(&view, Some(&self.run_dir as &dyn LastGood)).config;
            // One that was written just now may be written again within the same tick of its file system's clock.
            let settled = prints.iter().flatten().all(|print| self.is_settled(print));
            self.files = Files { config: Rc::new(config), prints, read: settled.then(Instant::now) };
            self.late = None;
        }
        Rc::clone(&self.files.config)
    }

    fn is_settled(&self, print: &(u64, u64, u64, i64, i64, i64, i64)) -> bool {
        let changed = u64::try_from(print.3.max(print.5)).unwrap_or(0);
        self.world.wall_seconds().saturating_sub(changed) > 2
    }

    /// After how long without use a connection is idle now. Nothing about it is finer than a minute.
    fn idle_after(&mut self, config: &Config) -> Duration {
        let minute = self.world.wall_seconds() / 60;
        match self.late {
            Some((known, after)) if known == minute => after,
            _ => {
                let after = idle_after(self.world, config);
                self.late = Some((minute, after));
                after
            }
        }
    }

    fn write(&mut self, open: &[Open]) {
        let stamp = self.run_dir.machine_stamp(self.world);
        let known = self.machine.take().filter(|(known, _)| Some(*known) == stamp);
        let same = known.filter(|(_, known)| self.machine_of(open, Some(known)) == *known);
        let (connections, failed) = match same {
            Some((stamp, machine)) => {
                let connections = machine.connections.clone();
                self.machine = Some((stamp, machine));
                (connections, None)
            }
            None => self.write_machine(open),
        };
        let failed = self.write_connections(open, &connections).or(failed);
        self.note(failed.map(|error| format!("can't write: {error}")));
    }

    fn write_machine(&mut self, open: &[Open]) -> (Vec<Connection>, Option<std::io::Error>) {
        // What is read here is still true when it is written: shells add to it.
        let _lock = self.run_dir.lock_machine();
        let before = self.run_dir.machine(self.world.uid);
        let machine = self.machine_of(open, before.as_ref());
        let connections = machine.connections.clone();
        let failed = self.run_dir.keep_machine(&machine, self.world.uid).err();
        let stamp = self.run_dir.machine_stamp(self.world).filter(|_| failed.is_none());
        self.machine = stamp.map(|stamp| (stamp, machine));
        (connections, failed)
    }

    /// What is to stand in `machine.json`, by what stands in it.
    fn machine_of(&mut self, open: &[Open], before: Option<&Machine>) -> Machine {
        let boot = self.world.boot_id();
        let before = before.filter(|machine| machine.boot == boot);
        let before = before.map(|machine| machine.connections.clone()).unwrap_or_default();
        let mut connections: Vec<Connection> = open.iter().map(|open| open.connection.clone()).collect();
        for connection in connections.iter_mut().filter(|one| one.tty.is_none()) {
            // The shell that opened it knew which terminal it let go of.
            if let Some(known) = before.iter().find(|known| known.is_same(connection)) {
                connection.tty.clone_from(&known.tty);
                connection.tty_nr = known.tty_nr;
            }
        }
        connections.extend(self.guests(before, &connections));
        Machine { boot, watcher: self.me, connections, told: self.herald.told }
    }

    /// Writes the idle times, unless a reader who counts on would come to the same and nobody has asked for them.
    /// `known`: the same connections, in the same order, as they stand in `machine.json`.
    fn write_connections(&mut self, open: &[Open], known: &[Connection]) -> Option<std::io::Error> {
        let looked = self.looked();
        let seconds = i64::try_from(looked / 1000).unwrap_or(0);
        let mut listed = Listed::default();
        let mut list: Vec<Value> = Vec::new();
        for (one, known) in open.iter().zip(known) {
            let mut value = as_json(one);
            value["tty"] = json!(known.tty);
            list.push(value.clone());
            value["idle_secs"] = Value::Null;
            listed.lasting.push(value);
            listed.idle_since.push(seconds - i64::try_from(one.idle_secs).unwrap_or(0));
        }
        let fresh = |at: &Instant| at.elapsed() < LISTED_FRESH;
        let same = self.listed.as_ref().is_some_and(|(before, at)| fresh(at) && before.says(&listed));
        if same && !self.hinted {
            return None;
        }
        let value = json!({
            "version": 1,
            "boot": self.world.boot_id(),
            "watcher": { "pid": self.me.pid, "started": self.me.started },
            "at": self.world.clocks().wall,
            "looks": looked,
            "connections": list,
        });
        let failed = self.run_dir.keep_connections(&value).err();
        self.listed = failed.is_none().then(|| (listed, Instant::now()));
        self.hinted = false;
        failed
    }

    /// What shells have added and this look has not seen: it may have begun before. The next one decides.
    fn guests(&mut self, before: Vec<Connection>, seen: &[Connection]) -> Vec<Connection> {
        let is_new = |one: &Connection| one.id == 0 && !seen.iter().any(|known| known.is_same(one));
        let look = self.look;
        let mut guests: Vec<(Connection, u64)> = Vec::new();
        for one in before.into_iter().filter(is_new) {
            let since =
                self.guests.iter().find(|(known, _)| known.is_same(&one)).map_or(look, |known| known.1);
            guests.push((one, since));
        }
        self.guests = guests;
        let young = self.guests.iter().filter(|(_, since)| *since == look);
        young.map(|(one, _)| one.clone()).collect()
    }

    /// A number that differs from look to look.
    fn looked(&self) -> u64 {
        clock::awake()
    }

    fn note(&mut self, trouble: Option<String>) {
        if trouble != self.trouble {
            if let Some(text) = &trouble {
                self.log(text);
            }
            self.trouble = trouble;
        }
    }

    fn log(&self, text: &str) {
        self.run_dir.log(&format!("{} {text}", self.world.local("").rfc3339));
    }
}

/// The fields of one connection in `redtab ps --json` and `connections.json`.
pub fn as_json(open: &Open) -> Value {
    let connection = &open.connection;
    json!({
        "id": connection.id,
        "kind": connection.kind,
        "target": connection.target,
        "label": connection.label,
        "environment": connection.environment,
        "production": open.production,
        "port": connection.port,
        "pid": connection.process.pid,
        "started": connection.process.started,
        "tty": connection.tty,
        "tmux_socket": open.tmux.as_ref().map(|(socket, _)| socket),
        "tmux_pane": open.tmux.as_ref().map(|(_, pane)| pane),
        "via": open.via,
        "opened_at": connection.opened_at,
        "idle_secs": open.idle_secs,
        "idle_at_least": open.at_least,
        "state": open.state.as_str(),
        "clients": open.clients,
        "evidence": connection.evidence,
    })
}

/// After how long without use a connection is idle at this hour.
pub fn idle_after(world: &World, config: &Config) -> Duration {
    let local = world.local(&config.hours.timezone);
    let moment = hours::Moment { day: local.day, minute: local.minute };
    let late = hours::is_late(&config.hours.late, moment);
    let text = if late { &config.watch.idle_after_late } else { &config.watch.idle_after };
    Duration::from_secs(lease::seconds(text).unwrap_or(600))
}

fn interval(config: &Config, open: &[Open]) -> Duration {
    let poll = Duration::from_secs(lease::seconds(&config.watch.poll).unwrap_or(10).max(1));
    if open.iter().any(|open| open.production) { poll.min(POLL_OPEN) } else { poll }
}

/// The tab that a process leads.
fn tab(stat: &Stat, boot: &str) -> Option<Tab> {
    let Stat { key, tty_nr, leads, .. } = *stat;
    let known = leads && tty_nr != 0 && !boot.is_empty();
    known.then(|| Tab { tty: tty_nr, session: key.pid, started: key.started, boot: boot.to_owned() })
}

fn print(path: &Path) -> Print {
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::metadata(path).ok()?;
    let times = (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec());
    Some((meta.dev(), meta.ino(), meta.len(), times.0, times.1, times.2, times.3))
}

fn drain(socket: &UnixDatagram) {
    let mut buffer = [0; 16];
    for _ in 0..1000 {
        if socket.recv(&mut buffer).is_err() {
            return;
        }
    }
}

#[cfg(target_os = "linux")]
fn pidfd(pid: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn pidfd(_pid: u32) -> Option<OwnedFd> {
    None
}
