//! `redtab hook prompt`: what the shell's hook runs when an input changed. Prints the reply or fails; a shell never
//! waits for it longer than the deadline.

use anyhow::Result;

use crate::cli::{Exit, HookPrompt};
use crate::commands::{record, watch};
use crate::config::{self, Elsewhere};
use crate::guard::{drift, sieve};
use crate::present::color::Depth;
use crate::present::painting::{self, Painter};
use crate::present::prompt::{self, Looks};
use crate::present::terminal;
use crate::processes;
use crate::reply::{self, Reply, Watch};
use crate::shell::Shell;
use crate::state::machine::Connection;
use crate::state::{Note, RunDir};
use crate::survey;
use crate::view::View;
use crate::world::{Seen, World};
use crate::{commands, sources};

/// Seconds until a hang becomes a failure.
const DEADLINE: u32 = 2;

/// Judges this tab and prints the reply.
///
/// # Errors
/// When stdout can't be written.
pub fn prompt(args: &HookPrompt) -> Result<Exit> {
    World::arm_deadline(DEADLINE);
    let world = World::of_this_process();
    let view = View::new(&world);
    let run_dir = RunDir::open(&world).ok();
    let key = world.tab().map(|tab| tab.key());
    if let (Some(dir), Some(key), "yes") = (&run_dir, &key, args.jobs.as_str())
        && dir.note(Note::Sessions, key, world.uid).is_none()
    {
        dir.leave_note(Note::Sessions, key, "");
    }
    let survey = survey::look(&view, run_dir.as_ref().map(|dir| dir as _));
    if let Some(dir) = &run_dir {
        register(dir, &world, &survey.connections.unregistered);
    }
    let config = &survey.loaded.config;
    let faulty = !survey.loaded.problems.is_empty();
    let guarded = args.can_block == "yes";

    // What a lease says, `lease` reads; here the prompt learns to notice one that is taken or ended.
    for file in run_dir.iter().flat_map(|dir| dir.lease_files(&world)) {
        view.read(&file);
    }

    // No file changes when a lease ends: the clocks do.
    let lease = run_dir.as_ref().and_then(|dir| dir.lease(&world)).map(|(_, lease)| {
        let end = std::time::UNIX_EPOCH + std::time::Duration::from_secs(lease.until());
        world.local_at(end, &config.hours.timezone).hour
    });
    if let (Some(dir), Some(tab)) = (&run_dir, world.tab())
        && dir.tab_record(&world, &tab).is_none_or(|record| record.shell_pid != args.pid)
    {
        // Once in a shell's life. Nothing is waited for, and what goes wrong `redtab doctor` tells.
        watch::start_for_shell(&world, dir, config);
    }
    let say = run_dir.as_ref().zip(world.tab()).and_then(|(dir, tab)| dir.take_notice(&tab.key(), world.uid));
    let say = say.map(|text| said(&text));
    let looks = looks(&view, config);
    let counts = config.prompt.elsewhere != Elsewhere::Off;
    let around = prompt::Around {
        faulty,
        lease: lease.as_deref(),
        guarded,
        elsewhere: if counts { survey.elsewhere } else { 0 },
        idle: if counts { survey.connections.idle() } else { 0 },
    };
    let segment = prompt::segment(&survey.verdict, &config.names, looks, &around);
    let detected = terminal::detect(&view, &config.terminal, args.terminal.as_deref(), || world.parents());
    let mut watched = view.watched();
    let mut marked = false;
    if let (Some(dir), Some(tab)) = (&run_dir, world.tab()) {
        let shown = record::Shown { looks, around: &around, terminal: detected.profile.id };
        let kept = record::keep(&view, dir, &tab, args, &survey, shown);
        watched.extend(kept.watched);
        marked = kept.marked;
    }

    let mut always = faulty;
    let mut files: Vec<Watch> = watched
        .iter()
        .filter_map(|watched| {
            let stamp = |mtime| run_dir.as_ref().and_then(|dir| dir.stamp(mtime));
            let watch = reply::watch(&watched.path, &watched.seen, stamp);
            always |= watch.is_none();
            watch
        })
        .collect();
    for pid in view.processes() {
        // A process needs no stamp: what is there while it lives is enough. Where nothing is, every prompt asks.
        match processes::life(pid) {
            Some(path) => files.push(Watch::Living(path)),
            None => always = true,
        }
    }
    let scratch = match args.shell {
        Shell::Bash | Shell::Fish => run_dir.as_ref().and_then(|dir| dir.scratch(args.pid)),
        Shell::Zsh => None,
    };
    if let (Some(dir), Some(key)) = (&run_dir, &key) {
        let open = survey.connections.own
            || survey.verdict.reasons.iter().any(|reason| reason.signal.source == sources::sessions::SOURCE);
        if !open {
            dir.drop_note(Note::Sessions, key);
        }
        let path = dir.note_path(Note::Sessions, key);
        // A line that may open another one writes it anew.
        let seen = if open { world.read(&path).1 } else { Seen::Absent };
        let watch = reply::watch(&path, &seen, |mtime| dir.stamp(mtime));
        always |= watch.is_none();
        files.extend(watch);
    }
    let painter = Painter {
        view: &view,
        run_dir: run_dir.as_ref(),
        brush: painting::brush(&view, config, detected.profile, looks),
        key,
        inherits: args.terminal.as_ref().is_none_or(String::is_empty)
            && world.tab().is_some_and(|tab| world.is_of_another(&tab)),
    };
    let mark = painting::mark(&survey.verdict, config, looks);
    let painted = painter.at_prompt(mark.as_ref());
    let note = painted.watch.as_ref().map(Watch::path);
    files.extend(painted.watch);
    let variables = watched_variables(&world);
    let reply = Reply {
        segment,
        place: match config.prompt.place {
            config::Place::Variable => reply::Place::Variable,
            config::Place::Front if world.var(reply::BADGE).is_some() => reply::Place::FrontAlone,
            config::Place::Front => reply::Place::Front,
        },
        hot: survey.verdict.is_hot(),
        always: always || lease.is_some(),
        ask: match (guarded, survey.verdict.doubts.is_empty()) {
            (false, _) => String::new(),
            // A tab that is painted and not hot: what takes the terminal over must find it as it was.
            (true, true) => {
                sieve::pattern(args.shell == Shell::Fish, mark.is_some() && !survey.verdict.is_hot())
            }
            // Any line may be a local-only script, and it would not be clear where that runs.
            (true, false) => ".".into(),
        },
        names: if args.shell == Shell::Fish { "" } else { sieve::NAMES },
        shown: drift::shown(&survey.verdict),
        say,
        paint: painted.paint,
        restore: painted.restore,
        title: painted.title,
        note,
        terminal: detected.profile.id,
        marked,
        counts_jobs: args.shell == Shell::Bash && at_least(&args.shell_version, (4, 4)),
        barred: variables.iter().any(|name| {
            world.var(name).is_some_and(|value| value.as_encoded_bytes().contains(&(reply::BAR as u8)))
        }),
        variables,
        files,
        in_memory: scratch.is_some() && run_dir.as_ref().is_some_and(RunDir::is_in_memory),
        scratch,
        // From 5.2 on the list of names is read by `mapfile -d`; older ones take the slower `read`.
        reads_files: at_least(&args.shell_version, (5, 2)),
    };
    commands::print(&reply.text(args.shell))?;
    Ok(Exit::Yes)
}

/// Lets every tab know of the local ports that this one has opened, and has the watcher look at them.
fn register(run_dir: &RunDir, world: &World, opened: &[Connection]) {
    let Some(tab) = world.tab().filter(|_| !opened.is_empty()) else { return };
    let opened: Vec<Connection> = opened
        .iter()
        .map(|one| match one.tty {
            Some(_) => one.clone(),
            // `ssh -f` has let go of the terminal; here is still known which one it was.
            None => Connection { tty: processes::tty_path(tab.tty), tty_nr: tab.tty, ..one.clone() },
        })
        .collect();
    if run_dir.register(&opened, world) {
        run_dir.ask_for_a_look();
    }
}

/// Notices as lines under redtab's name.
fn said(text: &str) -> String {
    let lines: Vec<String> =
        text.lines().map(|line| format!("redtab: {}", crate::escape::terminal(line))).collect();
    lines.join("\n")
}

/// What a shell runs when it ends while its pane of tmux is marked: takes the marks away, and forgets the tab, so that
/// the shell around it, if there is one, says again what the tab is.
///
/// # Errors
/// None.
pub fn exit() -> Result<Exit> {
    World::arm_deadline(DEADLINE);
    let world = World::of_this_process();
    record::forget(&world);
    Ok(Exit::Yes)
}

/// What the terminal and its user allow.
pub fn looks<'c>(view: &View, config: &'c config::Config) -> Looks<'c> {
    let text = |name: &str| view.text(name).filter(|value| !value.is_empty());
    let locale = text("LC_ALL").or_else(|| text("LC_CTYPE")).or_else(|| text("LANG")).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    Looks {
        form: config.prompt.segment,
        format: &config.prompt.format,
        color: text("NO_COLOR").is_none() && view.text("TERM").is_none_or(|term| term != "dumb"),
        unicode: locale.contains("utf-8") || locale.contains("utf8"),
        palette: config.prompt.palette,
        depth: Depth::of(&text("TERM").unwrap_or_default(), &text("COLORTERM").unwrap_or_default()),
    }
}

/// What changes how the answer looks or where inputs lie, besides what the sources watch.
pub const OWN: &[&str] = &[
    "COLORTERM",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "NO_COLOR",
    "REDTAB_CONFIG",
    "REDTAB_RUN_DIR",
    "REDTAB_SEGMENT",
    "REDTAB_SYSTEM_CONFIG",
    "TERM",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
];

/// The exported variables whose values the shell compares. A name that appears or goes is seen by itself.
fn watched_variables(world: &World) -> Vec<String> {
    let mut names: Vec<String> = world
        .vars
        .iter()
        .filter_map(|(name, _)| {
            let own = OWN.iter().any(|own| name == own);
            (own || sources::is_watched(name)).then_some(name.to_str()?)
        })
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether a shell's version is `least` or later.
fn at_least(version: &str, least: (u32, u32)) -> bool {
    let mut numbers = version.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= least
}
