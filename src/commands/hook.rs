//! `redtab hook prompt`: what the shell's hook runs when an input changed. Prints the reply or fails; a shell never
//! waits for it longer than the deadline.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use crate::cli::{Exit, HookPrompt};
use crate::guard::sieve;
use crate::present::json;
use crate::present::prompt::{self, Looks};
use crate::reply::{self, Reply, Segment};
use crate::shell::Shell;
use crate::signal::Place;
use crate::state::RunDir;
use crate::state::tabs::{self, Pane, Record};
use crate::survey::{self, Survey};
use crate::tab::Tab;
use crate::verdict::Verdict;
use crate::view::{View, Watched};
use crate::world::World;
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
    let survey = survey::look(&view, run_dir.as_ref().map(|dir| dir as _));
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
    let looks = looks(&view, config);
    let segment = prompt::segment(&survey.verdict, &config.names, looks, faulty, lease.as_deref(), guarded);
    let mut watched = view.watched();
    if let (Some(dir), Some(tab)) = (&run_dir, world.tab()) {
        let record = record(&world, &tab, args, &survey, &segment, &watched);
        watched.extend(dir.keep_tab(&world, &tab, &record));
    }

    let mut always = faulty;
    let files = watched
        .iter()
        .filter_map(|watched| {
            let stamp = |mtime| run_dir.as_ref().and_then(|dir| dir.stamp(mtime));
            let watch = reply::watch(&watched.path, &watched.seen, stamp);
            always |= watch.is_none();
            watch
        })
        .collect();
    let scratch = match args.shell {
        Shell::Bash => run_dir.as_ref().and_then(|dir| dir.scratch(args.pid)),
        _ => None,
    };
    let reply = Reply {
        segment,
        hot: survey.verdict.is_hot(),
        always: always || lease.is_some(),
        ask: if guarded { sieve::pattern(args.shell == Shell::Fish) } else { String::new() },
        names: if args.shell == Shell::Fish {
            String::new()
        } else {
            format!(" {} ", sieve::names().join(" "))
        },
        say: None,
        variables: watched_variables(&world),
        files,
        scratch,
        reads_files: reads_files(&args.shell_version),
    };
    commands::print(&reply.text(args.shell))?;
    Ok(Exit::Yes)
}

/// What the tab's record says: for tmux, for other tabs and for the watcher.
fn record(
    world: &World,
    tab: &Tab,
    args: &HookPrompt,
    survey: &Survey,
    segment: &Segment,
    watched: &[Watched],
) -> Record {
    let verdict = &survey.verdict;
    let environment = verdict.environment.and_then(|i| survey.loaded.config.names.environments.get(i));
    let text = |path: &Path| path.to_string_lossy().into_owned();
    Record {
        tty: tabs::tty_path(tab).map(|path| text(&path)).unwrap_or_default(),
        shell: args.shell.name().into(),
        shell_pid: args.pid,
        verdict: json::verdict(verdict, &survey.loaded.config.names),
        severity: json::severity(verdict.gravity).into(),
        hot: verdict.is_hot(),
        badge: environment.map(|found| found.badge.to_string()).unwrap_or_default(),
        label: verdict.winners().next().map(|reason| reason.signal.label.clone()).unwrap_or_default(),
        segment: segment.text.clone(),
        style: segment.style.clone(),
        color: environment.map(|found| found.color.to_string()).unwrap_or_default(),
        guard: if args.can_block == "yes" { "armed".into() } else { args.can_block.clone() },
        terminal: String::new(),
        tmux: Pane::of(world),
        cwd: world.cwd.as_deref().map(text).unwrap_or_default(),
        selectors: selectors(world, verdict),
        watched: watched.iter().map(|watched| text(&watched.path)).collect(),
    }
}

/// Names of files and ports, which no signal repeats; every other value is taken from its signal, without secrets.
const PLAIN: &[&str] = &["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "KUBECONFIG"];

fn selectors(world: &World, verdict: &Verdict) -> BTreeMap<String, String> {
    let signals = verdict.reasons.iter().filter_map(|reason| match &reason.signal.place {
        Place::Variable(name) => Some((name.clone(), reason.signal.value.clone())),
        _ => None,
    });
    let plain = world.vars.iter().filter_map(|(name, value)| {
        let (name, value) = (name.to_str()?, value.to_string_lossy());
        let port =
            name.ends_with("PORT") && value.parse::<u16>().is_ok() && sources::env::is_watched(name.as_ref());
        (port || PLAIN.contains(&name)).then(|| (name.to_string(), value.into_owned()))
    });
    signals.chain(plain).collect()
}

fn looks(view: &View, config: &crate::config::Config) -> Looks {
    let text = |name: &str| view.text(name).filter(|value| !value.is_empty());
    let locale = text("LC_ALL").or_else(|| text("LC_CTYPE")).or_else(|| text("LANG")).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    Looks {
        form: config.prompt.segment,
        color: text("NO_COLOR").is_none() && view.text("TERM").is_none_or(|term| term != "dumb"),
        unicode: locale.contains("utf-8") || locale.contains("utf8"),
        palette: config.prompt.palette,
    }
}

/// What changes how the answer looks or where inputs lie, besides what the sources watch.
const OWN: &[&str] = &[
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
            (own || sources::env::is_watched(name) || sources::aws::is_watched(name))
                .then_some(name.to_str()?)
        })
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// From bash 5.2 on the list of names is read by `mapfile -d`; older ones take the slower `read`.
fn reads_files(version: &str) -> bool {
    let mut numbers = version.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (5, 2)
}
