//! What a tab's record says: for tmux, for other tabs and for the watcher.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::cli::HookPrompt;
use crate::commands::hook;
use crate::config::Segment as Form;
use crate::present::prompt::{self, Around, Looks};
use crate::present::{json, tmux};
use crate::reply::Segment;
use crate::signal::Place;
use crate::sources;
use crate::state::RunDir;
use crate::state::tabs::{self, Known, Pane, Record};
use crate::survey::Survey;
use crate::tab::Tab;
use crate::verdict::{Gravity, Verdict};
use crate::view::{View, Watched};
use crate::world::World;

/// How the prompt shows it.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    pub looks: Looks<'a>,
    pub around: &'a Around<'a>,
    /// The terminal's profile.
    pub terminal: &'static str,
}

/// What came of keeping a record.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// What a prompt is to watch.
    pub watched: Option<Watched>,
    /// The tab is a pane of tmux that carries marks: they are to go when the shell ends.
    pub marked: bool,
}

/// Keeps the record of a tab that was just surveyed through `view`, and tells tmux.
pub fn keep(
    view: &View,
    run_dir: &RunDir,
    tab: &Tab,
    args: &HookPrompt,
    survey: &Survey,
    shown: Shown,
) -> Kept {
    let Shown { looks, around, terminal } = shown;
    // A segment that is switched off is shown in other places all the same.
    let form = if looks.form == Form::Off { Form::Long } else { looks.form };
    // What is open in other tabs is not this one's to say, and is out of date before its next prompt.
    let own = Around { elsewhere: 0, idle: 0, ..*around };
    let names = &survey.loaded.config.names;
    let segment = prompt::segment(&survey.verdict, names, Looks { form, ..looks }, &own);
    let mut record = of(view, tab, args, survey, &segment);
    record.terminal = terminal.into();
    if record.tmux.is_some() {
        show_in_tmux(view.world(), run_dir.tab_record(view.world(), tab).as_ref(), &mut record);
    }
    let marked = record.tmux.is_some() && !record.segment.is_empty();
    Kept { watched: run_dir.keep_tab(view.world(), tab, &record), marked }
}

/// A command that goes to production, or somewhere that is shown, is about to hold the terminal: until the next prompt
/// that is what the tab is.
pub fn before_command(world: &World, run_dir: &RunDir, segment: Segment, label: &str, gravity: Gravity) {
    let Some(tab) = world.tab() else { return };
    let Some(before) = run_dir.tab_record(world, &tab) else { return };
    let mut record = Record {
        segment: segment.text,
        style: segment.style,
        label: label.into(),
        severity: json::severity(gravity).into(),
        hot: gravity >= Gravity::Unsure,
        ..before.clone()
    };
    show_in_tmux(world, Some(&before), &mut record);
    run_dir.keep_tab(world, &tab, &record);
}

/// A tab that became production while it sat at its prompt: writes its record anew and tells tmux. `world` is the
/// caller's, `view` the tab's.
pub fn live(world: &World, view: &View, run_dir: &RunDir, known: &Known, survey: &Survey) -> Record {
    let config = &survey.loaded.config;
    let mut looks = hook::looks(view, config);
    if looks.form == Form::Off {
        looks.form = Form::Long;
    }
    let around = Around {
        faulty: !survey.loaded.problems.is_empty(),
        guarded: known.record.guard == "armed",
        ..Around::default()
    };
    let segment = prompt::segment(&survey.verdict, &config.names, looks, &around);
    let mut record = judged(&survey.verdict, survey, &segment, known.record.clone());
    show_in_tmux(world, Some(&known.record), &mut record);
    run_dir.keep_tab(world, &known.tab, &record);
    record
}

/// Takes [`live`] back.
pub fn put_back(world: &World, run_dir: &RunDir, tab: &Tab, now: &Record, before: Record) {
    let mut record = before;
    show_in_tmux(world, Some(now), &mut record);
    run_dir.keep_tab(world, tab, &record);
}

/// A record with what a verdict says.
fn judged(verdict: &Verdict, survey: &Survey, segment: &Segment, record: Record) -> Record {
    let names = &survey.loaded.config.names;
    let environment = verdict.environment.and_then(|i| names.environments.get(i));
    Record {
        verdict: json::verdict(verdict, names),
        severity: json::severity(verdict.gravity).into(),
        hot: verdict.is_hot(),
        badge: environment.map(|found| found.badge.to_string()).unwrap_or_default(),
        label: verdict.winners().next().map(|reason| reason.signal.label.clone()).unwrap_or_default(),
        segment: segment.text.clone(),
        style: segment.style.clone(),
        color: environment.map(|found| found.color.to_string()).unwrap_or_default(),
        ..record
    }
}

fn of(view: &View, tab: &Tab, args: &HookPrompt, survey: &Survey, segment: &Segment) -> Record {
    let world = view.world();
    let verdict = &survey.verdict;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let record = Record {
        tty: tabs::tty_path(tab).map(|path| text(&path)).unwrap_or_default(),
        shell: args.shell.name().into(),
        shell_pid: args.pid,
        shell_version: {
            let end = args.shell_version.find(|c: char| !c.is_ascii_digit() && c != '.');
            args.shell_version[..end.unwrap_or(args.shell_version.len())].to_string()
        },
        guard: if args.can_block == "yes" { "armed".into() } else { args.can_block.clone() },
        terminal: String::new(),
        tmux: Pane::of(world, tab),
        cwd: world.cwd.as_deref().map(text).unwrap_or_default(),
        selectors: selectors(world, verdict),
        watched: view.watched().iter().map(|watched| text(&watched.path)).collect(),
        ..Record::default()
    };
    judged(verdict, survey, segment, record)
}

/// How long tmux may take; one that hangs is left alone.
const TMUX_LIMIT: Duration = Duration::from_millis(500);

/// Has the pane of tmux show what the record says, if it does not yet: one call of tmux.
fn show_in_tmux(world: &World, before: Option<&Record>, record: &mut Record) {
    let Some(pane) = &record.tmux else { return };
    let shown = before.is_some_and(|before| {
        before.tmux == Some(Pane { shown: true, ..pane.clone() })
            && (&before.segment, &before.style, &before.severity)
                == (&record.segment, &record.style, &record.severity)
    });
    let shown = shown || run_tmux(world, &tmux::mark(pane, record));
    if let Some(pane) = &mut record.tmux {
        pane.shown = shown;
    }
}

/// Takes the marks of this tab's pane of tmux away, and forgets the tab: its next prompt says anew what it is.
pub fn forget(world: &World) {
    let Some(tab) = world.tab() else { return };
    if let Some(pane) = Pane::of(world, &tab) {
        run_tmux(world, &tmux::clear(&pane));
    }
    if let Ok(run_dir) = RunDir::open(world) {
        run_dir.forget_tab(&tab);
    }
}

/// Takes the marks away where there are any, for another program is about to take the shell's place.
pub fn forget_marks(world: &World, run_dir: Option<&RunDir>) {
    let record = run_dir.zip(world.tab()).and_then(|(dir, tab)| dir.tab_record(world, &tab));
    if record.is_some_and(|record| record.tmux.is_some() && !record.segment.is_empty()) {
        forget(world);
    }
}

/// Another user's hook may change the marks of this tab's pane: the next prompt tells tmux again.
pub fn doubt_marks(world: &World, run_dir: Option<&RunDir>) {
    let Some((run_dir, tab)) = run_dir.zip(world.tab()) else { return };
    let Some(mut record) = run_dir.tab_record(world, &tab) else { return };
    if let Some(pane) = record.tmux.as_mut().filter(|pane| pane.shown) {
        pane.shown = false;
        run_dir.keep_tab(world, &tab, &record);
    }
}

fn run_tmux(world: &World, arguments: &[String]) -> bool {
    let Some(program) = world.program("tmux") else { return false };
    let mut command = std::process::Command::new(program);
    command.args(arguments);
    world.run_briefly(command, TMUX_LIMIT)
}

/// Names of files, ports and the like, which no signal repeats, and what tells how the tab may be painted; every other
/// value is taken from its signal, without secrets.
pub const PLAIN: &[&str] = &[
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AZURE_CONFIG_DIR",
    "CLOUDSDK_CONFIG",
    "COLORTERM",
    "DOCKER_CONFIG",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "KITTY_LISTEN_ON",
    "KITTY_WINDOW_ID",
    "KUBECONFIG",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "NO_COLOR",
    "PGSERVICEFILE",
    "PGSYSCONFDIR",
    "PULUMI_HOME",
    "TERM",
    "TF_DATA_DIR",
];

fn selectors(world: &World, verdict: &Verdict) -> BTreeMap<String, String> {
    let signals = verdict.reasons.iter().filter_map(|reason| match &reason.signal.place {
        // What a local port leads to stands behind it, and is none of the variable's.
        Place::Variable(name) => {
            let value = reason.signal.value.split(" -> ").next().unwrap_or_default();
            Some((name.clone(), value.to_owned()))
        }
        _ => None,
    });
    let plain = world.vars.iter().filter_map(|(name, value)| {
        let (name, value) = (name.to_str()?, value.to_string_lossy());
        let port =
            name.ends_with("PORT") && value.parse::<u16>().is_ok() && sources::env::is_watched(name.as_ref());
        (port || PLAIN.contains(&name) || hook::OWN.contains(&name))
            .then(|| (name.to_string(), value.into_owned()))
    });
    signals.chain(plain).collect()
}
