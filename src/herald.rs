//! Carries out what the ladder says: notices for prompts, messages in tmux, one notification on the desktop, closings.
//! It refuses to say foreign text where it could be read as a command or a format, to wait long for anybody, and to
//! close what is not known to be idle at that moment.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::clock;
use crate::close::{self, Outcome};
use crate::config::{Config, OnIdle};
use crate::connections::look::Open;
use crate::escape;
use crate::guard::lease;
use crate::idle::{State, Use};
use crate::ladder::{Act, Item, Ladder, Limits, Millis};
use crate::output;
use crate::present::tmux;
use crate::processes;
use crate::signal;
use crate::state::RunDir;
use crate::state::tabs::{Pane, Tabs};
use crate::world::World;

/// tmux that hangs is left alone.
const TMUX_LIMIT: Duration = Duration::from_millis(500);
/// So is the desktop.
const DESKTOP_LIMIT: Duration = Duration::from_secs(2);
/// How long a message stands in tmux's status line.
const SHOWN: u32 = 8000;
/// Clients of one server that are told.
const CLIENTS: usize = 20;
/// What a program may print.
const OUTPUT_CAP: usize = 64 * 1024;
/// The clock that also runs in sleep may run ahead by this much between two looks without a sleep.
const SLEPT: Millis = 3000;

/// What is remembered between two looks.
#[derive(Debug, Default)]
pub struct Herald {
    ladder: Ladder,
    /// How far the clock that also runs in sleep was ahead of the other one.
    ahead: Option<Millis>,
    /// How many notices were left.
    pub told: u64,
}

/// What came of one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Something was closed: another look is due.
    pub closed: bool,
    /// What went wrong, for the log.
    pub troubles: Vec<String>,
}

impl Herald {
    /// Looks at what is open, and does what is to be done about it. `idle_after`: of this hour.
    pub fn look(
        &mut self,
        world: &World,
        run_dir: &RunDir,
        config: &Config,
        open: &[Open],
        idle_after: Duration,
    ) -> Done {
        let slept = self.slept(clock::since_boot(), clock::awake());
        let mut done = Done::default();
        if config.watch.on_idle == OnIdle::Off {
            self.ladder = Ladder::default();
            return done;
        }
        let idle_after = Millis::try_from(idle_after.as_millis()).unwrap_or(Millis::MAX).max(1);
        let close_after = lease::seconds(&config.watch.close_after).unwrap_or(1200).saturating_mul(1000);
        let closes = config.watch.on_idle == OnIdle::Close;
        let limits = Limits { idle_after, close_after: closes.then_some(close_after.max(idle_after)) };
        let items = items(world, run_dir, open, closes);
        for act in self.ladder.step(&items, clock::awake(), slept, limits) {
            match act {
                Act::Notice { tab, text } => self.notice(world, run_dir, &tab, &text),
                Act::Message { key, text } => {
                    if let Some(one) = open.iter().find(|one| key_of(one) == key) {
                        message(world, one, &text);
                    }
                }
                Act::Digest { text } => done.troubles.extend(digest(world, &text).err()),
                Act::Close { key, idle, .. } => {
                    // The ports of a master end one by one, everything else by the first of them.
                    for (at, one) in open.iter().filter(|one| key_of(one) == key).enumerate() {
                        if at > 0 && !one.connection.process.lives(world) {
                            break;
                        }
                        done.troubles.extend(self.close(world, run_dir, one, idle));
                        done.closed = true;
                    }
                }
            }
        }
        done
    }

    /// Whether the machine has slept since the last look. `whole`: of the clock that also runs in sleep; `awake`: of the
    /// one that does not.
    fn slept(&mut self, whole: Millis, awake: Millis) -> bool {
        let ahead = whole.saturating_sub(awake);
        let before = self.ahead.replace(ahead);
        before.is_some_and(|before| ahead > before + SLEPT)
    }

    /// `terminal`: the path of the tab's device.
    fn notice(&mut self, world: &World, run_dir: &RunDir, terminal: &str, text: &str) {
        let Some(known) = Tabs::new(run_dir, world).by_tty(Path::new(terminal)) else { return };
        if run_dir.leave_notice(&known.tab.key(), text, world.uid).is_ok() {
            self.told += 1;
        }
    }

    fn close(&mut self, world: &World, run_dir: &RunDir, one: &Open, idle: Millis) -> Option<String> {
        let connection = &one.connection;
        // A transaction may have been opened since the countdown began.
        let outcome = if is_closable(world, one) {
            close::end(world, connection)
        } else {
            Outcome::Refused("is no longer known to be idle".into())
        };
        let idle = signal::duration(idle / 1000);
        let reason = format!("on_idle = \"close\", idle for {idle}");
        let unwritten = close::record(world, connection, &outcome, &reason, std::process::id()).err();
        if outcome == Outcome::Closed
            && let Some(terminal) = &connection.tty
        {
            let text = format!("{} to {} was closed: idle for {idle}", connection.kind, connection.target);
            self.notice(world, run_dir, terminal, &text);
        }
        unwritten
    }
}

fn key_of(open: &Open) -> (u32, u64) {
    (open.connection.process.pid, open.connection.process.started)
}

/// One for each process that holds a connection to production, however many ports it listens on.
fn items(world: &World, run_dir: &RunDir, open: &[Open], closes: bool) -> Vec<Item> {
    let snoozes = run_dir.snoozes(world.uid);
    let now = world.clocks().wall;
    let mut items: Vec<Item> = Vec::new();
    for one in open.iter().filter(|one| one.production) {
        let connection = &one.connection;
        let idle = if one.state == State::Idle { one.idle_secs.saturating_mul(1000) } else { 0 };
        let known = closes && idle > 0 && is_closable(world, one);
        if let Some(item) = items.iter_mut().find(|item| item.key == key_of(one)) {
            item.known &= known;
            continue;
        }
        items.push(Item {
            key: key_of(one),
            id: connection.id,
            kind: connection.kind.clone(),
            target: escape::segment(&connection.target, 64, true),
            tab: connection.tty.clone().unwrap_or_default(),
            idle,
            known,
            snoozed: snoozes.iter().any(|snooze| snooze.covers(connection.process, now)),
        });
    }
    items
}

/// Whether closing it loses no work, as far as can be seen now. Of a database's client only its screen tells, and only
/// tmux tells of that.
fn is_closable(world: &World, one: &Open) -> bool {
    let asks = one.state == State::Idle && one.uses == Use::Database && one.foreground;
    one.connection.closable || asks && rests(world, one).unwrap_or(false)
}

/// Whether a client shows its own prompt with nothing behind it, and that prompt means that no transaction is open.
fn rests(world: &World, one: &Open) -> Option<bool> {
    let at_rest: fn(&str) -> bool = match one.connection.kind.as_str() {
        "psql" if !has_own_prompt(world, one.connection.process.pid) => psql_rests,
        "redis-cli" => redis_rests,
        "cqlsh" => |row| row.starts_with("cqlsh") && row.ends_with('>'),
        _ => return None,
    };
    let pane = pane_of(one)?;
    let text = ask_tmux(world, &tmux::screen(&pane))?;
    let (head, screen) = text.split_once('\n')?;
    let (terminal, row) = head.rsplit_once(' ')?;
    let row = screen.lines().nth(row.parse().ok()?)?.trim_end();
    Some(
        Some(terminal) == one.connection.tty.as_deref() && !row.contains(char::is_whitespace) && at_rest(row),
    )
}

/// `orders=# `: a `*` or `!` before the mark tells of a transaction, any other mark than `=` of a statement that is not
/// whole.
fn psql_rests(row: &str) -> bool {
    let name = row.strip_suffix(['#', '>']).and_then(|rest| rest.strip_suffix('='));
    name.is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$'))
    })
}

/// `127.0.0.1:6379[1]> `; `(TX)` before the mark tells of commands that wait for EXEC.
fn redis_rests(row: &str) -> bool {
    row.ends_with('>') && !row.contains(['(', '"', '\'']) && row.contains(':')
}

/// Whether PROMPT1 may have been set: in a file that psql reads at its start, or by an argument.
fn has_own_prompt(world: &World, pid: u32) -> bool {
    let mentions = |bytes: &[u8]| memchr::memmem::find(bytes, b"PROMPT1").is_some();
    let Some(theirs) = world.environ_of(pid) else { return true };
    let theirs = World { vars: theirs, cwd: None, uid: world.uid };
    let mut files = vec![
        PathBuf::from("/etc/postgresql-common/psqlrc"),
        PathBuf::from("/etc/psqlrc"),
        PathBuf::from("/etc/sysconfig/pgsql/psqlrc"),
    ];
    // Debian's psql sets the directory in any case.
    let named = |name: &str| theirs.var(name).map(Path::new);
    // Beside each of them one may stand for a version alone.
    files.extend(named("PGSYSCONFDIR").map(|dir| dir.join("psqlrc")));
    files.extend(named("PSQLRC").map(Path::to_path_buf));
    // What only its own directory would tell is not searched for.
    let elsewhere = files.iter().any(|file| file.is_relative());
    let Some(home) = theirs.home() else { return true };
    files.push(home.join(".psqlrc"));
    let beside: Option<Vec<Vec<PathBuf>>> = files.iter().map(|file| versions_of(world, file)).collect();
    let Some(beside) = beside else { return true };
    files.extend(beside.into_iter().flatten());
    elsewhere
        || processes::argv(pid).iter().any(|argument| mentions(argument.as_bytes()))
        || files.iter().any(|file| match world.read(file).0 {
            crate::world::Content::Absent => false,
            crate::world::Content::Bytes(bytes) => {
                // What it includes is not searched for.
                mentions(&bytes) || memchr::memmem::find(&bytes, b"\\i").is_some()
            }
            crate::world::Content::Unreadable(_) => true,
        })
}

/// The files whose names begin with this one's: `psqlrc-16`; `None` where the directory can't be listed.
fn versions_of(world: &World, file: &Path) -> Option<Vec<PathBuf>> {
    let (dir, name) = (file.parent()?, file.file_name()?.to_str()?);
    let names = world.entries(dir).ok()?.into_iter();
    let versions = names.filter(|other| other.to_str().is_some_and(|other| other.starts_with(name)));
    Some(versions.map(|other| dir.join(other)).collect())
}

/// The pane of tmux that a connection's process was started in.
fn pane_of(one: &Open) -> Option<Pane> {
    let (socket, pane) = one.tmux.as_ref()?;
    Pane::new(socket, pane, false)
}

fn ask_tmux(world: &World, arguments: &[String]) -> Option<String> {
    let mut command = Command::new(world.program("tmux")?);
    command.args(arguments);
    String::from_utf8(output::output(command, TMUX_LIMIT, OUTPUT_CAP).ok()?).ok()
}

/// A message to everybody who looks at the server of tmux in which the connection was opened.
fn message(world: &World, one: &Open, text: &str) {
    let Some(pane) = pane_of(one) else { return };
    let Some(answer) = ask_tmux(world, &tmux::audience(&pane)) else { return };
    let mut lines = answer.lines();
    // Variables leak: into a terminal that was started from a pane.
    let terminal = lines.next();
    if one.connection.tty.is_some() && terminal != one.connection.tty.as_deref() {
        return;
    }
    let clients: Vec<&str> =
        lines.filter(|name| name.starts_with("/dev/") && !name.contains(';')).take(CLIENTS).collect();
    if clients.is_empty() {
        return;
    }
    let mut command = Command::new(world.program("tmux").unwrap_or_default());
    command.args(tmux::tell(&pane, &clients, &format!("redtab: {text}"), SHOWN));
    world.run_briefly(command, TMUX_LIMIT);
}

/// One notification on the desktop. Without a desktop there is nobody to tell, which is no trouble.
///
/// # Errors
/// What went wrong, for the log.
fn digest(world: &World, text: &str) -> Result<(), String> {
    let command =
        if cfg!(target_os = "macos") { by_osascript(world, text) } else { by_notify_send(world, text) };
    match command.is_none_or(|command| world.run_briefly(command, DESKTOP_LIMIT)) {
        true => Ok(()),
        false => Err("the desktop takes no notification".into()),
    }
}

fn by_notify_send(world: &World, text: &str) -> Option<Command> {
    let mut command = Command::new(world.program("notify-send")?);
    command.args(["--app-name=redtab", "--urgency=normal", "--icon=dialog-warning", "--", "redtab"]);
    command.arg(escape::markup(text));
    Some(command)
}

/// The text is an argument of the script, never a part of it.
fn by_osascript(world: &World, text: &str) -> Option<Command> {
    let mut command = Command::new(world.program("osascript")?);
    for line in ["on run argv", "display notification (item 1 of argv) with title \"redtab\"", "end run"] {
        command.args(["-e", line]);
    }
    command.args(["--", &escape::terminal(text)]);
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_prompt_that_tells_of_no_transaction_is_rest() {
        for row in ["orders=#", "orders=>", "my-db_2=#"] {
            assert!(psql_rests(row), "{row}");
        }
        for row in ["orders=*#", "orders=!#", "orders-#", "orders'#", "=#", "#", "$", "", "a|b=#", "--More--"]
        {
            assert!(!psql_rests(row), "{row}");
        }
        assert!(redis_rests("127.0.0.1:6379>") && redis_rests("prod-redis:6379[3]>"));
        for row in ["127.0.0.1:6379(TX)>", "(subscribed", "redis>", "127.0.0.1:6379", "not connected>"] {
            assert!(!redis_rests(row), "{row}");
        }
    }

    #[test]
    fn a_sleep_is_noticed_once() {
        let mut herald = Herald::default();
        let looks = [(100, 90), (10_100, 10_090), (10_110, 10_090), (70_110, 20_090), (80_110, 30_090)];
        let slept = looks.map(|(whole, awake)| herald.slept(whole, awake));
        assert_eq!(slept, [false, false, false, true, false]);
    }

    #[test]
    fn text_reaches_the_desktop_as_an_argument() {
        let world = World {
            vars: vec![("PATH".into(), std::env::var_os("PATH").unwrap_or_default())],
            cwd: None,
            uid: 0,
        };
        let command = by_notify_send(&world, "<b>$(touch F)</b> -x & \"y\"").unwrap();
        let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
        assert_eq!(arguments[3..5], ["--", "redtab"]);
        assert_eq!(arguments[5], "&lt;b&gt;$(touch F)&lt;/b&gt; -x &amp; &quot;y&quot;");
    }
}
