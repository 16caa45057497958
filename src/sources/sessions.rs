//! Sessions that were opened from this tab and are still there: an ssh that was suspended, sent to the background or
//! put there by `-f`. It looks at processes only when the shell or the guard left a note that there may be one, and
//! judges nothing but what their command lines name.

use std::path::PathBuf;

use crate::connections::kinds;
use crate::guard::line::{self, Word};
use crate::guard::rules;
use crate::inventory::ssh;
use crate::processes::{self, Snapshot};
use crate::signal::{Domain, Kind, Part, Place, Reading, Scope, Signal};
use crate::state::{Note, RunDir};
use crate::view::View;
use crate::world::{Content, World};

/// This source's word.
pub const SOURCE: &str = "session";

/// More processes are not looked at.
const PROCESSES: usize = 20_000;
/// Longer command lines are cut.
const ARGUMENTS: usize = 256;

/// The processes of this tab, and those that were put into the background from it, where a note says that there may be
/// a session among them.
pub fn processes(view: &View) -> Vec<u32> {
    let world = view.world();
    let Some(tab) = world.tab() else { return Vec::new() };
    let note = RunDir::place(world).map(|dir| dir.join(Note::Sessions.directory()).join(tab.key()));
    let Some(Content::Bytes(note)) = note.map(|note| world.read(&note).0) else { return Vec::new() };
    // What `ssh -f` leaves behind has no terminal any more; but it was started since the guard saw such a line.
    let since: Option<u64> = std::str::from_utf8(&note).ok().and_then(|text| text.parse().ok());
    let all = Snapshot::take();
    let pids = all.pids().iter().copied().take(PROCESSES);
    pids.filter(|pid| *pid != std::process::id())
        .filter(|pid| {
            let Some(stat) = all.stat(*pid) else { return false };
            let left = || {
                let begun = since.is_some_and(|since| stat.key.started >= since);
                stat.tty_nr == 0
                    && begun
                    && all.owner(*pid) == Some(world.uid)
                    && is_of_this_window(world, *pid)
            };
            stat.tty_nr == tab.tty || left()
        })
        .collect()
}

/// Every session among these processes.
pub fn read(view: &View, pids: &[u32]) -> Vec<Reading> {
    let mut readings = Vec::new();
    for pid in pids.iter().copied() {
        let place = Place::File { path: place_of(pid), line: None };
        let found = signals(view, &argv_of(pid), &place);
        if !found.is_empty() {
            view.depends_on(pid);
        }
        readings.extend(found.into_iter().map(Reading::Found));
    }
    readings
}

/// Where a person may look: the process itself, or the terminal it is on.
fn place_of(pid: u32) -> PathBuf {
    match processes::life(pid) {
        Some(_) => format!("/proc/{pid}").into(),
        None => {
            let terminal = processes::stat(pid).and_then(|stat| processes::tty_path(stat.tty_nr));
            terminal.map_or_else(|| "/dev/tty".into(), PathBuf::from)
        }
    }
}

/// What tells the windows, tabs and panes of one user apart.
const WINDOWS: &[&str] = &[
    "ALACRITTY_WINDOW_ID",
    "GNOME_TERMINAL_SCREEN",
    "HOME",
    "ITERM_SESSION_ID",
    "KITTY_WINDOW_ID",
    "KONSOLE_DBUS_SESSION",
    "REDTAB_RUN_DIR",
    "SSH_TTY",
    "STY",
    "TERM_SESSION_ID",
    "TILIX_ID",
    "TMUX_PANE",
    "WEZTERM_PANE",
    "WINDOW",
    "WINDOWID",
    "WT_SESSION",
    "ZELLIJ_PANE_ID",
];

/// Whether a process was started with what this window's programs are started with. One that does not tell may have been.
fn is_of_this_window(world: &World, pid: u32) -> bool {
    let Some(theirs) = world.environ_of(pid) else { return true };
    let of = |name: &str| theirs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_os_str());
    WINDOWS.iter().all(|name| of(name) == world.var(name))
}

/// A process's words. What an interpreter runs stands for itself, and mosh's client tells what mosh was asked for.
fn argv_of(pid: u32) -> Vec<Word> {
    let argv = processes::argv(pid);
    let mut words: Vec<&str> = argv.iter().map(String::as_str).take(ARGUMENTS).collect();
    let interpreter = |word: &str| {
        let name = word.rsplit('/').next().unwrap_or_default();
        ["perl", "python", "ruby", "bash", "sh", "dash"].iter().any(|known| {
            name.strip_prefix(known).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
        })
    };
    if words.len() > 1 && interpreter(words[0]) && !words[1].starts_with('-') {
        words.remove(0);
    }
    let asked =
        words.get(1).and_then(|word| word.strip_prefix("-# ")).filter(|_| words[0].ends_with("mosh-client"));
    if let Some(asked) = asked {
        words = std::iter::once("mosh").chain(asked.trim_end_matches('|').split_whitespace()).collect();
    }
    words.into_iter().map(Word::literal).collect()
}

/// What a command's own words point at, one signal each, with the local port where that decides. Of an ssh host the name
/// that `~/.ssh/config` gives it counts too.
pub fn signals(view: &View, argv: &[Word], place: &Place) -> Vec<Signal> {
    let program = argv.first().and_then(Word::exact).unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    let mut found = Vec::new();
    let facts = kinds::intent(&line::argv(argv)).map(|intent| intent.facts).unwrap_or_default();
    let local_port = facts.iter().find_map(|fact| fact.port);
    for target in rules::named_targets(argv) {
        let Some(value) = target.value.filter(|value| !value.is_empty()) else { continue };
        let shown = crate::parts::shown(target.kind, &value);
        let mut parts = crate::parts::parts_of(target.kind, &value);
        if target.kind == Kind::Hostname && is_ssh(program) {
            let real = ssh::hostname_of(view, crate::parts::bare_host(&value));
            parts.extend(real.map(|real| Part::new(Kind::Hostname, real)));
        }
        let names_host = matches!(target.kind, Kind::Hostname | Kind::UrlHost | Kind::Url);
        found.push(Signal {
            source: SOURCE,
            domain: domain_of(target.kind),
            scope: Scope::Tab,
            what: program.to_string(),
            label: label_of(target.kind, &shown),
            value: shown,
            place: place.clone(),
            parts,
            port: local_port.filter(|_| names_host),
        });
    }
    // Where no host stands it is this machine's.
    if let Some(port) = local_port.filter(|_| found.iter().all(|signal| signal.port.is_none())) {
        found.push(Signal {
            source: SOURCE,
            domain: Domain::Database,
            scope: Scope::Tab,
            what: program.to_string(),
            label: "localhost".into(),
            value: format!("localhost:{port}"),
            place: place.clone(),
            parts: vec![Part::new(Kind::UrlHost, "localhost")],
            port: Some(port),
        });
    }
    found
}

fn is_ssh(program: &str) -> bool {
    matches!(program, "ssh" | "slogin" | "autossh" | "mosh" | "et" | "sftp" | "ssh-copy-id")
}

fn label_of(kind: Kind, shown: &str) -> String {
    match kind {
        Kind::Hostname | Kind::UrlHost | Kind::Url => crate::parts::bare_host(shown).to_string(),
        _ => shown.to_string(),
    }
}

fn domain_of(kind: Kind) -> Domain {
    match kind {
        Kind::KubeContext | Kind::KubeCluster | Kind::KubeServer | Kind::KubeNamespace | Kind::KubeFile => {
            Domain::Kube
        }
        Kind::DockerContext => Domain::Docker,
        Kind::TerraformWorkspace | Kind::PulumiStack => Domain::Terraform,
        Kind::Hostname => Domain::Host,
        Kind::Database | Kind::DatabaseUser | Kind::PgService | Kind::Url | Kind::UrlHost => Domain::Database,
        _ => Domain::Cloud,
    }
}
