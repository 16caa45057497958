//! A line examined: all that it would run, each judged by the view it would run under, with the scripts it names read.
//! It runs nothing and asks nothing.

mod files;
mod tasks;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use crate::config::{Config, Loaded, Origin, mark};
use crate::connections::{kinds, tunnels};
use crate::environment::Matcher;
use crate::guard::decide::{Cause, Finding, Script};
use crate::guard::drift;
use crate::guard::flags;
use crate::guard::line::{self, Dialect};
use crate::guard::own::{self, LocalOnly};
use crate::guard::rules::{self, Hit, Level, Rule};
use crate::guard::runs::{self, Change, Definitions, Place, Run, Value, What};
use crate::guard::secrets;
use crate::inventory;
use crate::present::overrule;
use crate::signal::{Domain, Kind, Part, Trouble, Tunnel};
use crate::sources;
use crate::sources::sessions;
use crate::state::RunDir;
use crate::survey;
use crate::verdict::{self, Gravity, Verdict};
use crate::view::{Overrides, View};
use crate::world::{Content, World};
use files::Text;

/// How much of a script is read when it is not flagged: what destroys stands early or is called by name.
const SCRIPT_BYTES: usize = 64 * 1024;

/// All files together that a pattern or the end of a path names.
const NAMED_BYTES: u64 = 2 * 1024 * 1024;

/// Only so many of a line's runs are asked where they go: it decides about a colour.
const MAX_GOES: usize = 64;

/// What an examination found.
pub struct Examination {
    /// What the line would run, as a person would name it.
    pub runs: Vec<String>,
    /// The same as they were resolved.
    resolved: Vec<Run>,
    pub findings: Vec<Finding>,
    /// The tab's own verdict.
    pub tab: Verdict,
    /// The gravest verdict of the tab and of every view that the line runs something under.
    pub gravest: Verdict,
    /// How many production connections are open on this machine, as far as the watcher knows.
    pub open: usize,
    pub config: Config,
    /// The gravest place that the line goes to, besides where the tab points.
    pub goes: Option<Goes>,
    /// Whom it gives the terminal to.
    pub hands: Hands,
}

/// Whom a line gives the terminal to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hands {
    /// To programs that give it back as it was, as far as this shell can tell.
    Back,
    /// To another program for good, or to one that shows windows of its own in it.
    Over,
    /// To a shell of another user, whose hook does not see what this one noted.
    ToAnotherUser,
}

/// Where a line goes while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goes {
    pub gravity: Gravity,
    /// The environment's index, for caution and production.
    pub environment: Option<usize>,
    /// The target's shortest name.
    pub label: String,
}

/// Examines `text`, a line typed in a shell of `dialect` in this world.
pub fn line(
    world: &World,
    run_dir: Option<&RunDir>,
    text: &str,
    dialect: Dialect,
    known: Definitions,
) -> Examination {
    let view = View::new(world);
    let survey = survey::look(&view, run_dir.map(|dir| dir as _));
    let exported = files::exported(world, text, &known);
    // Nobody but a hook knows more.
    let variables = if known.variables.is_empty() { &exported } else { known.variables };
    let toplevel = text.contains("--show-toplevel").then(|| files::toplevel(world)).flatten();
    let known = Definitions { variables, exported: &exported, toplevel: toplevel.as_deref(), ..known };
    let runs = runs::resolve(text, dialect, known);
    let lists = own::lists(&survey.loaded.config.rules);
    let rules = own::rules(&survey.loaded.config.rules, &lists);
    let examiner = Examiner {
        world,
        config: &survey.loaded.config,
        tab: &survey.verdict,
        left: Cell::new(tasks::MAX_RUNS),
        rules: &rules,
        loaded: Some(&survey.loaded),
        trees: RefCell::default(),
    };
    let mut findings = Vec::new();
    if text.len() > line::MAX_BYTES {
        findings.push(finding(
            "this line",
            Cause::Unreadable { why: "is too long to be read".into() },
            &survey.verdict,
        ));
    }
    let mut gravest = survey.verdict.clone();
    let mut goes: Option<Goes> = None;
    for (index, run) in runs.iter().enumerate() {
        let found = if index < MAX_GOES { examiner.goes(run) } else { None };
        if goes.as_ref().map(|known| known.gravity) < found.as_ref().map(|found| found.gravity) {
            goes = found;
        }
        let verdict = examiner.run(run, &mut findings);
        if let Some(verdict) = verdict.filter(|verdict| verdict.gravity > gravest.gravity) {
            gravest = verdict;
        }
    }
    if let Some(home) = world.home().and_then(|home| Some(format!("({}/", home.to_str()?))) {
        for finding in &mut findings {
            finding.reason = finding.reason.replacen(&home, "(~/", 1);
        }
    }
    let hands = hands(text, dialect, &runs);
    let names = runs.iter().map(shown).filter(|name| !name.is_empty()).collect();
    Examination {
        runs: names,
        resolved: runs,
        findings,
        config: survey.loaded.config.clone(),
        open: survey.connections.open.len(),
        tab: survey.verdict,
        gravest,
        goes,
        hands,
    }
}

/// Programs that start an ssh, or one of its like, which may go on listening here.
const TUNNELLERS: &[&str] = &["autossh", "gcloud", "mosh", "sshpass", "sshuttle", "tsh"];

/// What a line leaves open, or holds open while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Opens {
    #[default]
    Nothing,
    /// A connection.
    Session,
    /// One that may have local ports.
    Port,
}

impl Examination {
    /// The forwards that the line asks an ssh for, each as `-L` takes it: those it names, and those that stand in ssh's
    /// configuration for its host.
    pub fn forwards(&self, world: &World) -> Vec<String> {
        let view = View::new(world);
        let ssh = self.resolved.iter().filter(|run| run.places.is_empty() && run.name() == "ssh");
        let asked = ssh.filter_map(|run| {
            let (mut specs, host, config) = tunnels::asked(line::argv(&run.argv).get(1..)?)?;
            let about = inventory::ssh::about(
                &view,
                crate::parts::bare_host(&host),
                config.as_deref().map(Path::new),
            );
            specs.extend(about.forwards.iter().map(|text| tunnels::as_option(text)));
            Some(specs)
        });
        asked.flatten().filter(|spec| spec.len() < 512).take(MAX_GOES).collect()
    }

    /// What the line opens from this machine, by its programs' names and arguments.
    pub fn opens(&self) -> Opens {
        let here = self.resolved.iter().filter(|run| run.places.is_empty() && run.what == What::Program);
        here.filter_map(|run| {
            let argv = line::argv(&run.argv);
            if tunnels::asked(argv.get(1..)?).is_some_and(|(specs, ..)| !specs.is_empty())
                && run.name() == "ssh"
            {
                return Some(Opens::Port);
            }
            if TUNNELLERS.contains(&runs::base_name(argv.first()?)) {
                return Some(Opens::Port);
            }
            let intent = kinds::intent(&argv)?;
            Some(if intent.listens { Opens::Port } else { Opens::Session })
        })
        .max()
        .unwrap_or_default()
    }
}

/// Whom the line gives the terminal to, by its own words and by those of what its aliases and functions stand for.
fn hands(text: &str, dialect: Dialect, runs: &[Run]) -> Hands {
    let own = line::parse(text, dialect);
    let own = own.commands().map(|command| command.words.as_slice());
    let all = own.chain(runs.iter().map(|run| run.argv.as_slice()));
    all.map(hands_of).find(|hands| *hands != Hands::Back).unwrap_or(Hands::Back)
}

fn hands_of(words: &[line::Word]) -> Hands {
    let mut words = words.iter().map(|word| word.exact().unwrap_or_default());
    let first = words.find(|word| !matches!(*word, "command" | "builtin")).unwrap_or_default();
    let rest: Vec<&str> = words.collect();
    let over = match runs::base_name(first) {
        "exec" => !rest.is_empty(),
        "tmux" => {
            let mut rest = rest.iter();
            let command = loop {
                match rest.next() {
                    Some(&("-c" | "-f" | "-L" | "-S" | "-T")) => drop(rest.next()),
                    Some(option) if option.starts_with('-') => {}
                    command => break command,
                }
            };
            matches!(
                command,
                None | Some(&("a" | "at" | "attach" | "attach-session" | "new" | "new-session"))
            )
        }
        "screen" | "zellij" | "byobu" => true,
        "su" | "login" | "machinectl" => return Hands::ToAnotherUser,
        "sudo" | "doas" | "run0" if is_a_shell(&rest) => return Hands::ToAnotherUser,
        _ => false,
    };
    if over { Hands::Over } else { Hands::Back }
}

/// Whether the words behind `sudo` ask for a shell: by an option, or as the command.
fn is_a_shell(words: &[&str]) -> bool {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.strip_prefix('-') {
            Some("-login" | "-shell") => return true,
            Some(long) if long.starts_with('-') => {}
            Some("u" | "g" | "h" | "p" | "C" | "T" | "r" | "t" | "D" | "R" | "U") => drop(words.next()),
            Some(short) if short.contains(['i', 's']) => return true,
            Some(_) => {}
            None if word.contains('=') => {}
            None => return matches!(runs::base_name(word), "su" | "sh" | "bash" | "zsh" | "fish"),
        }
    }
    false
}

/// Whether anything that the line runs has to do with a change in these worlds.
pub fn concerns(world: &World, examined: &Examination, domains: &[Domain]) -> bool {
    let examiner = Examiner {
        world,
        config: &examined.config,
        tab: &examined.tab,
        left: Cell::new(0),
        rules: &[],
        loaded: None,
        trees: RefCell::default(),
    };
    examined.resolved.iter().any(|run| drift::concerns(run, domains, || examiner.is_script(run)))
}

/// What stands for a line that could not be had whole.
pub fn unreadable(world: &World, run_dir: Option<&RunDir>, why: &str) -> Examination {
    let mut examined = line(world, run_dir, "", Dialect::typed(line::Shell::Bash), Definitions::default());
    examined.findings.push(finding("this line", Cause::Unreadable { why: why.into() }, &examined.tab));
    examined
}

/// A finding about `subject` in the place of this verdict.
pub fn finding(subject: &str, cause: Cause, verdict: &Verdict) -> Finding {
    let doubting = matches!(cause, Cause::LocalOnly { .. }).then(|| verdict.doubting());
    let verdict = doubting.as_ref().unwrap_or(verdict);
    // What is local-only may have any local port written into it.
    let hot = verdict
        .hot_tunnel()
        .filter(|_| verdict.gravity < Gravity::Unsure && matches!(cause, Cause::LocalOnly { .. }));
    if let Some(tunnel) = hot {
        return Finding {
            subject: subject.into(),
            cause,
            gravity: Gravity::Production,
            target: tunnel.label.clone(),
            reason: format!("{}: {}", tunnel.place(), tunnel.origin()),
            tunnel: Some(tunnel.clone()),
            overrule: String::new(),
        };
    }
    let (target, reason) = verdict.lead();
    let tunnel = verdict.leading_tunnel().cloned();
    let overrule = overrule::of(verdict);
    Finding { subject: subject.into(), cause, gravity: verdict.gravity, target, reason, tunnel, overrule }
}

fn shown(run: &Run) -> String {
    match &run.what {
        What::Task { tool, names, .. } => format!("{tool} {}", names.join(" ")).trim_end().to_string(),
        What::Unclear { why, .. } => format!("? ({why})"),
        What::Program | What::Script { .. } | What::Function => run.program().to_string(),
    }
}

/// How the place is judged that a rule's command would change.
struct Judged {
    gravity: Gravity,
    target: String,
    reason: String,
    overrule: String,
}

struct Examiner<'e> {
    world: &'e World,
    config: &'e Config,
    tab: &'e Verdict,
    /// How many runs inside tasks are still looked at.
    left: Cell<usize>,
    /// The rules of the configuration.
    rules: &'e [Rule<'e>],
    /// Where the configuration's keys stand, if it is to be told.
    loaded: Option<&'e Loaded>,
    /// What the `.redtab.toml` files from a directory up make local-only.
    trees: RefCell<HashMap<PathBuf, Rc<Trees>>>,
}

/// Files that make something local-only below their directory.
type Trees = Vec<(PathBuf, LocalOnly)>;

impl Examiner<'_> {
    /// Judges one run; the gravest of its verdicts is returned.
    fn run(&self, run: &Run, findings: &mut Vec<Finding>) -> Option<Verdict> {
        let overrides = self.views(run);
        let verdicts: Vec<Verdict> = overrides.iter().map(|view| self.judge(view)).collect();
        let cwd = overrides.first().and_then(|view| view.cwd.clone()).or_else(|| self.world.cwd.clone());
        // A script in a container is not on this machine; on another host it can't be read from here.
        if run.places.is_empty() {
            if let Some(by) = self.command_flag(run, cwd.as_deref()) {
                let gravest = verdicts.iter().chain([self.tab]).max_by_key(|verdict| weight(verdict));
                findings.push(finding(&shown(run), Cause::LocalOnly { by }, gravest.unwrap_or(self.tab)));
            }
            self.script(run, cwd.as_deref(), &overrides, &verdicts, findings);
        } else if let Some(Place::Remote(host)) = run.places.first() {
            findings.extend(self.script_over_there(run, host));
        }
        let mut hits = rules::matches(run);
        hits.extend(rules::matches_of(run, self.rules));
        for file in rules::files(run) {
            if let Text::Script(text) = self.text_of(&absolute(cwd.as_deref(), Path::new(&file))) {
                hits.extend(rules::sql_matches(run.name(), &text));
            }
        }
        for hit in hits {
            self.hit(run, &hit, &overrides, &verdicts, findings);
        }
        verdicts.into_iter().max_by_key(|verdict| verdict.gravity)
    }

    /// Where this run goes, by what its own words name or by what the line changes for it; `None` where that is nowhere
    /// else than the tab.
    fn goes(&self, run: &Run) -> Option<Goes> {
        if run.what != What::Program || !run.places.is_empty() {
            return None;
        }
        let place = crate::signal::Place::Line;
        let overrides = self.overrides(run, |_| true);
        let mut view = overrides.clone();
        let mut found: Vec<Goes> = Vec::new();
        let base = View::new(self.world);
        for signal in sessions::signals(&base, &run.argv, &place) {
            if let Some(context) = signal.parts.iter().find(|part| part.kind == Kind::KubeContext) {
                view.targets.push((Kind::KubeContext, Some(context.text.clone())));
                continue;
            }
            // A port of this machine is what lies behind it.
            if let Some(tunnel) = signal.port.and_then(|port| self.tunnel_at(port)) {
                let mut environments = self.config.names.environments.iter();
                let environment = environments.position(|known| known.name == tunnel.environment);
                let gravity =
                    environment.map_or(Gravity::Clear, |at| verdict::gravity(&self.config.names, at));
                found.push(Goes { gravity, environment, label: tunnel.label.clone() });
                continue;
            }
            let judgement = Matcher::new(&self.config.names).judge_all(&signal.parts);
            let Some(environment) = judgement.environment else { continue };
            let gravity = verdict::gravity(&self.config.names, environment);
            found.push(Goes { gravity, environment: Some(environment), label: signal.label });
        }
        if !view.is_nothing() && view.unknown.is_empty() {
            let verdict = survey::judge(&View::with(self.world, view), self.config);
            if verdict.gravity > self.tab.gravity && verdict.environment.is_some() {
                let (label, _) = verdict.lead();
                found.push(Goes { gravity: verdict.gravity, environment: verdict.environment, label });
            }
        }
        found.into_iter().max_by_key(|goes| goes.gravity)
    }

    /// The views a run may have: with everything the line may change before it, and, where some of it may not happen,
    /// without.
    fn views(&self, run: &Run) -> Vec<Overrides> {
        let with = self.overrides(run, |_| true);
        if run.changes.iter().any(|changed| changed.maybe) {
            vec![with, self.overrides(run, |maybe| !maybe)]
        } else {
            vec![with]
        }
    }

    fn overrides(&self, run: &Run, counts: impl Fn(bool) -> bool) -> Overrides {
        let mut out = Overrides::default();
        for changed in run.changes.iter().filter(|changed| counts(changed.maybe)) {
            self.apply(&changed.change, &mut out, 0);
        }
        out
    }

    fn apply(&self, change: &Change, out: &mut Overrides, depth: usize) {
        match change {
            Change::Var { name, value } => match value {
                Value::Is(text) => out.vars.push((name.into(), Some(text.into()))),
                Value::Unset => out.vars.push((name.into(), None)),
                Value::Unknown if speaks(name) => out.unknown.push(name.clone()),
                // What no source reads may hold anything: `n=$(nproc); ./x.sh`.
                Value::Unknown => {}
            },
            Change::EmptyEnv => {
                out.vars = self.world.vars.iter().map(|(name, _)| (name.clone(), None)).collect();
            }
            Change::EnvFile(path) => self.env_file(path, out, depth),
            Change::Cwd(Value::Is(dir)) => {
                let base = out.cwd.clone().or_else(|| self.world.cwd.clone());
                out.cwd = Some(self.absolute_home(base.as_deref(), dir));
            }
            Change::Cwd(_) => out.unknown.push("the directory".into()),
            Change::Target { kind, value } => out.targets.push((
                *kind,
                match value {
                    Value::Is(name) => Some(name.clone()),
                    Value::Unset | Value::Unknown => None,
                },
            )),
            Change::Anything => out.unknown.push("the environment".into()),
        }
    }

    /// What a sourced or loaded file changes: its own text, resolved like a line. A directory stands for its `.envrc`
    /// and `.env`.
    fn env_file(&self, path: &str, out: &mut Overrides, depth: usize) {
        let base = out.cwd.clone().or_else(|| self.world.cwd.clone());
        let path = self.absolute_home(base.as_deref(), path);
        let files =
            if path.is_dir() { vec![path.join(".env"), path.join(".envrc")] } else { vec![path.clone()] };
        let mut read = false;
        for file in files {
            match self.world.read(&file).0 {
                Content::Bytes(bytes) if depth < 4 && bytes.len() <= line::MAX_BYTES => {
                    read = true;
                    let text = format!("set -a\n{}\n:\n", String::from_utf8_lossy(&bytes));
                    let runs =
                        runs::resolve(&text, Dialect::script(line::Shell::Bash), Definitions::default());
                    for changed in runs.last().map(|run| run.changes.as_slice()).unwrap_or_default() {
                        self.apply(&changed.change, out, depth + 1);
                    }
                }
                Content::Absent => {}
                _ => out.unknown.push(file.display().to_string()),
            }
        }
        if !read {
            out.unknown.push(path.display().to_string());
        }
    }

    fn absolute_home(&self, base: Option<&Path>, path: &str) -> PathBuf {
        match (path.strip_prefix('~'), self.world.home()) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                home.join(rest.trim_start_matches('/'))
            }
            _ => absolute(base, Path::new(path)),
        }
    }

    fn judge(&self, overrides: &Overrides) -> Verdict {
        if overrides.is_nothing() {
            return self.tab.clone();
        }
        let view = View::with(self.world, overrides.clone());
        let mut verdict = survey::judge(&view, self.config);
        if overrides.unknown.is_empty() {
            return verdict;
        }
        for what in &overrides.unknown {
            verdict.troubles.push(Trouble {
                source: "line",
                domain: Domain::App,
                what: what.clone(),
                place: crate::signal::Place::Line,
                why: "is set by something that only running it would tell".into(),
            });
        }
        Verdict::of(verdict.reasons, verdict.troubles, &self.config.names)
    }

    // --- scripts ---

    /// Whether a program is a text of somebody's, not an installed program.
    fn is_script(&self, run: &Run) -> bool {
        let overrides = self.views(run);
        let cwd = overrides.first().and_then(|view| view.cwd.clone()).or_else(|| self.world.cwd.clone());
        run.places.is_empty()
            && self.file_of(run, cwd.as_deref(), &overrides).is_some_and(|path| {
                !is_installed(&path) && matches!(self.text_of(&path), Text::Script(_) | Text::Unreadable(_))
            })
    }

    fn script(
        &self,
        run: &Run,
        cwd: Option<&Path>,
        overrides: &[Overrides],
        verdicts: &[Verdict],
        findings: &mut Vec<Finding>,
    ) {
        // For a script the tab counts as well: what it does later is not known from the line.
        let gravest = verdicts.iter().chain([self.tab]).max_by_key(|verdict| weight(verdict));
        let Some(verdict) = gravest else { return };
        match &run.what {
            What::Unclear { why, words } => {
                // Nothing of it is at hand. A person who repeats a line reads it last, and one who pipes into a shell never.
                let here = run.places.is_empty();
                let unseen = *why == runs::OF_THE_HISTORY || (*why == runs::FROM_A_PIPE && here);
                if unseen && verdict.is_hot() {
                    findings.push(finding(run.program(), Cause::Unreadable { why: (*why).into() }, verdict));
                }
                if here && matches!(*why, runs::OF_A_FILE | runs::OF_A_PROGRAM | runs::OF_A_SOURCE) {
                    let all = self.unknown_name(run, cwd, verdict, overrides, findings);
                    if all {
                        return;
                    }
                }
                for path in self.mentioned(run, words, cwd, overrides) {
                    if let Some(by) = self.flag_of(&path) {
                        let shown = cwd.and_then(|cwd| path.strip_prefix(cwd).ok()).unwrap_or(&path);
                        let verdict = self.with_own_place(&path, verdict, overrides);
                        let verdict = verdict.as_ref().unwrap_or(gravest.unwrap_or(self.tab));
                        let cause = Cause::LocalOnly { by };
                        findings.push(finding(&shown.display().to_string(), cause, verdict));
                    }
                }
            }
            What::Program | What::Script { .. } => {
                let Some(path) = self.file_of(run, cwd, overrides) else { return };
                self.file(run.program(), &path, verdict, overrides, findings);
            }
            What::Task { tool, names, dir, file } => {
                let base =
                    dir.as_ref().map_or(cwd.map(Path::to_path_buf), |dir| Some(self.absolute_home(cwd, dir)));
                let task = tasks::Called { tool, names, dir: base.as_deref(), file: file.as_deref(), run };
                self.task(&task, verdict, findings);
            }
            What::Function => {}
        }
    }

    /// A program or script whose name only the shell can put together: the files that it may be are looked at. True when
    /// it is one of those scripts and nothing else.
    fn unknown_name(
        &self,
        run: &Run,
        cwd: Option<&Path>,
        verdict: &Verdict,
        overrides: &[Overrides],
        findings: &mut Vec<Finding>,
    ) -> bool {
        let Some(word) = run.argv.iter().find(|word| word.exact().is_none()) else { return false };
        let named = self.files_named(word, cwd);
        let mut left = NAMED_BYTES;
        let mut all = named.all && !named.files.is_empty();
        for path in &named.files {
            let size = std::fs::metadata(path).map_or(0, |found| found.len());
            let shown = cwd.and_then(|cwd| path.strip_prefix(cwd).ok()).unwrap_or(path);
            let shown = shown.display().to_string();
            // Of too many only the flags are read; one alone is judged like any other, whatever its size.
            if size > left && named.files.len() > 1 {
                all = false;
                if let Some(by) = self.flag_of(path) {
                    let own = self.with_own_place(path, verdict, overrides);
                    let verdict = own.as_ref().unwrap_or(verdict);
                    findings.push(finding(&shown, Cause::LocalOnly { by }, verdict));
                }
                continue;
            }
            left = left.saturating_sub(size);
            all &= matches!(self.text_of(path), Text::Script(_));
            self.file(&shown, path, verdict, overrides, findings);
        }
        let subject = word.shown();
        let name = subject.rsplit_once('/').map_or("", |(_, name)| name);
        if named.files.is_empty()
            && verdict.is_hot()
            && Path::new(name).extension().is_some()
            && let Some(word) = flags::destructive_word(name)
        {
            let evidence = format!("its name says `{word}`");
            let cause = Cause::LooksDestructive { evidence, script: None, meant: false };
            findings.push(finding(&subject, cause, verdict));
        }
        all
    }

    /// A script on another host, of which only the name can be read.
    fn script_over_there(&self, run: &Run, host: &str) -> Option<Finding> {
        if !matches!(run.what, What::Program | What::Script { .. }) {
            return None;
        }
        let program = run.program();
        let is_path = program.contains('/') || Path::new(program).extension().is_some();
        let word = flags::destructive_word(program).filter(|_| is_path)?;
        let Judged { gravity, target, reason, overrule } = self.named(Kind::Hostname, Some(host));
        let evidence = format!("its name says `{word}`");
        let cause = Cause::LooksDestructive { evidence, script: None, meant: false };
        let subject = shown(run);
        Some(Finding { subject, cause, gravity, target, reason, tunnel: None, overrule })
    }

    /// A file that would run: its flag, or what destroys in it.
    fn file(
        &self,
        subject: &str,
        path: &Path,
        verdict: &Verdict,
        overrides: &[Overrides],
        findings: &mut Vec<Finding>,
    ) {
        let own = self.with_own_place(path, verdict, overrides);
        let verdict = own.as_ref().unwrap_or(verdict);
        if let Some(by) = self.path_flag(path) {
            findings.push(finding(subject, Cause::LocalOnly { by }, verdict));
            return;
        }
        let text = match self.text_of(path) {
            Text::Script(text) => text,
            Text::Unreadable(why) => {
                if let Some(by) = self.flag_of(path) {
                    findings.push(finding(subject, Cause::LocalOnly { by }, verdict));
                } else if verdict.is_hot() && !is_installed(path) {
                    findings.push(finding(subject, Cause::Unreadable { why }, verdict));
                }
                return;
            }
            Text::Compiled | Text::Absent => return,
        };
        if let Some(line) = flags::flagged_line(&text) {
            let cause = Cause::LocalOnly { by: format!("line {line}") };
            findings.push(finding(subject, cause, verdict));
        } else if verdict.is_hot()
            && !is_installed(path)
            && let Some(evidence) = self.destroys(path, &text)
        {
            let cause =
                Cause::LooksDestructive { evidence, script: script_at(path, "", &text), meant: false };
            findings.push(finding(subject, cause, verdict));
        }
    }

    /// What in an unflagged script destroys: a rule's command, or its name.
    fn destroys(&self, path: &Path, text: &str) -> Option<String> {
        let text = text.get(..text.floor_char_boundary(SCRIPT_BYTES)).unwrap_or(text);
        let first = text.lines().next().unwrap_or_default();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let shell = first.strip_prefix("#!").and_then(|rest| {
            rest.split_ascii_whitespace()
                .filter_map(|word| line::Shell::of_program(runs::base_name(word)))
                .next_back()
        });
        let by_ending = match name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("sh" | "bash" | "ksh") => Some(line::Shell::Bash),
            Some("zsh") => Some(line::Shell::Zsh),
            Some("fish") => Some(line::Shell::Fish),
            _ => None,
        };
        let confirm = |hit: &Hit| hit.rule.level == Level::Confirm;
        let found = match shell.or(by_ending) {
            Some(shell) => {
                runs::resolve(text, Dialect::script(shell), Definitions::default()).iter().find_map(|run| {
                    let hit = rules::matches(run).into_iter().find(confirm)?;
                    let line = text.get(..run.at).map_or(1, |before| before.matches('\n').count() + 1);
                    Some((line, hit.evidence))
                })
            }
            None => rules::mentions(text)
                .into_iter()
                .find(|(_, hit)| confirm(hit))
                .map(|(line, hit)| (line, hit.evidence)),
        };
        found
            .map(|(line, evidence)| format!("line {line}: {evidence}"))
            .or_else(|| flags::destructive_word(&name).map(|word| format!("its name says `{word}`")))
    }

    // --- flags of the configuration ---

    /// What of the configuration makes this file local-only: the place that says so.
    fn path_flag(&self, path: &Path) -> Option<String> {
        let config = &self.config.local_only;
        // By the name it is called by, and by the one it has.
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let mut trees = self.trees(path.parent()?);
        if real != path {
            trees = trees.iter().chain(self.trees(real.parent()?).iter()).cloned().collect::<Vec<_>>().into();
        }
        let names = [path.to_string_lossy(), real.to_string_lossy()];
        let home = self.world.home().map(|home| home.to_string_lossy().into_owned()).unwrap_or_default();
        let is = |pattern: &str| {
            let whole = match pattern.strip_prefix('~') {
                Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
                _ => pattern.to_string(),
            };
            names.iter().any(|name| own::is_path(&whole, name))
        };
        if config.paths.iter().any(|pattern| is(pattern)) {
            return Some(self.configured("paths"));
        }
        let below = |file: &Path, pattern: &str| {
            let dir = file.parent().unwrap_or(Path::new("/"));
            let pattern = pattern.trim_start_matches("./");
            let inner = pattern.trim_end_matches('/').contains('/');
            let whole = dir.join(if inner { pattern.into() } else { format!("**/{pattern}") });
            names.iter().any(|name| {
                Path::new(&**name).starts_with(dir) && own::is_path(&whole.to_string_lossy(), name)
            })
        };
        let found = trees.iter().find(|(file, local)| local.paths.iter().any(|pattern| below(file, pattern)));
        found.map(|(file, _)| self.shown_file(file))
    }

    /// The same for a command that runs in `cwd`.
    fn command_flag(&self, run: &Run, cwd: Option<&Path>) -> Option<String> {
        let is = |local: &LocalOnly| local.commands.iter().any(|pattern| own::is_command(pattern, run));
        if is(&self.config.local_only) {
            return Some(self.configured("commands"));
        }
        let dir = match &run.what {
            What::Task { dir: Some(dir), .. } => Some(self.absolute_home(cwd, dir)),
            _ => cwd.map(Path::to_path_buf),
        };
        let trees = self.trees(&dir?);
        trees.iter().find(|(_, local)| is(local)).map(|(file, _)| self.shown_file(file))
    }

    fn trees(&self, dir: &Path) -> Rc<Trees> {
        if let Some(known) = self.trees.borrow().get(dir) {
            return known.clone();
        }
        let at = Overrides { cwd: Some(dir.to_path_buf()), ..Overrides::default() };
        let found = Rc::new(sources::directory::look(&View::with(self.world, at)).local_only);
        self.trees.borrow_mut().insert(dir.to_path_buf(), found.clone());
        found
    }

    fn configured(&self, key: &str) -> String {
        match self.loaded.map_or(Origin::BuiltIn, |loaded| loaded.origin("local_only", 0, key)) {
            Origin::File { path, line, .. } => format!("{}:{line}", self.shown_file(&path)),
            _ => "the configuration".into(),
        }
    }

    fn shown_file(&self, file: &Path) -> String {
        crate::config::diagnosis::shown_path(file, self.world.home().as_deref())
    }

    /// A script's own directory and what lies around it count as well: `../prod-app/cleanup.sh`.
    fn with_own_place(&self, path: &Path, verdict: &Verdict, overrides: &[Overrides]) -> Option<Verdict> {
        let dir = path.parent()?.to_path_buf();
        let mut at = overrides.first().cloned().unwrap_or_default();
        if at.cwd.as_ref().or(self.world.cwd.as_ref()) == Some(&dir) {
            return None;
        }
        at.cwd = Some(dir);
        let there = self.judge(&at);
        (weight(&there) > weight(verdict)).then_some(there)
    }

    // --- rules ---

    fn hit(
        &self,
        run: &Run,
        hit: &Hit,
        overrides: &[Overrides],
        verdicts: &[Verdict],
        findings: &mut Vec<Finding>,
    ) {
        let cause = Cause::Rule {
            id: hit.rule.id.into(),
            does: hit.rule.does.into(),
            safer: hit.rule.safer.into(),
            confirm: hit.rule.level == Level::Confirm,
        };
        let subject = if hit.evidence.is_empty() { shown(run) } else { hit.evidence.clone() };
        let judged = match run.places.first() {
            Some(Place::Remote(host)) => vec![self.named(Kind::Hostname, Some(host))],
            _ => {
                let mut judged = self.line_targets(run, hit, overrides);
                let settled = hit.targets.iter().any(|target| target.settles);
                if !settled || self.goes_by_address(run, overrides) {
                    let of = hit.rule.domain;
                    // Credentials that nobody settled are no doubt where the line names its own target.
                    let doubts = uses_aws(run, of);
                    judged.extend(verdicts.iter().map(|verdict| match doubts {
                        true => self.domain(&verdict.doubting(), of),
                        false => self.domain(verdict, of),
                    }));
                    judged.extend(self.named_things(run, hit));
                }
                judged
            }
        };
        let behind = run.places.is_empty().then(|| self.tunnel_behind(run, hit, verdicts)).flatten();
        let behind = behind.map(|tunnel| {
            let gravity = if tunnel.production { Gravity::Production } else { Gravity::Caution };
            let reason = format!("{}: {}", tunnel.place(), tunnel.origin());
            Judged { gravity, target: tunnel.label.clone(), reason, overrule: String::new() }
        });
        let judged = judged.into_iter().chain(behind);
        let Some(judged) = judged.max_by_key(|judged| judged.gravity) else { return };
        let Judged { gravity, target, reason, overrule } = judged;
        let tunnel =
            self.tab.tunnels.iter().find(|tunnel| tunnel.production && tunnel.label == target).cloned();
        findings.push(Finding { subject, cause, gravity, target, reason, tunnel, overrule });
    }

    /// Whether an address in the environment decides where a client of PostgreSQL goes, whatever host the line names.
    fn goes_by_address(&self, run: &Run, overrides: &[Overrides]) -> bool {
        let is_set = |at: &Overrides| {
            let view = View::with(self.world, at.clone());
            view.text("PGHOSTADDR").is_some_and(|address| !address.is_empty())
        };
        rules::is_libpq(run.name()) && overrides.iter().any(is_set)
    }

    /// The tunnel that a line goes through when it names a local port, or this machine and no port.
    fn tunnel_behind(&self, run: &Run, hit: &Hit, verdicts: &[Verdict]) -> Option<&Tunnel> {
        let mut hosts = false;
        let mut port = hit.port;
        for target in &hit.targets {
            let Some(value) = target.value.as_deref() else { continue };
            let (host, named) = match target.kind {
                Kind::Url | Kind::KubeServer => match crate::address::parse(value) {
                    crate::address::Parsed::Address(address) => {
                        let default = address.default_port();
                        match address.hosts.into_iter().next() {
                            Some(host) => (host.name, host.port.or(default)),
                            None => continue,
                        }
                    }
                    _ => continue,
                },
                Kind::Hostname | Kind::UrlHost => (value.to_string(), None),
                _ => continue,
            };
            if !crate::address::is_loopback(&host) {
                return None;
            }
            hosts = true;
            port = port.or(named);
        }
        // Without a host on the line the surroundings name it: another machine's port is not ours.
        let remote = |verdict: &Verdict| {
            verdict.reasons.iter().any(|reason| {
                reason.signal.domain == hit.rule.domain
                    && reason.signal.port.is_none()
                    && reason.signal.parts.iter().any(|part| part.kind == Kind::UrlHost)
            })
        };
        if !hosts && (port.is_none() || verdicts.iter().all(remote)) {
            return None;
        }
        let port = port.or_else(|| {
            let (variable, default) = usual_port(run.name())?;
            self.world.var(variable).and_then(|value| value.to_str()?.parse().ok()).or(Some(default))
        })?;
        self.tunnel_at(port)
    }

    /// The tunnel that listens at a port of this machine; of several one that leads to production.
    fn tunnel_at(&self, port: u16) -> Option<&Tunnel> {
        let mut at_port = self.tab.tunnels.iter().filter(|tunnel| tunnel.port == Some(port));
        let first = at_port.clone().next();
        at_port.find(|tunnel| tunnel.production).or(first)
    }

    /// What the targets on the line say: each by its name, and those that files or variables tell more of (a profile's
    /// account, a kubeconfig's context) by the view that the command would have with them.
    fn line_targets(&self, run: &Run, hit: &Hit, overrides: &[Overrides]) -> Vec<Judged> {
        let of = hit.rule.domain;
        let mut judged = Vec::new();
        let mut at = overrides.first().cloned().unwrap_or_default();
        let mut speaking: Vec<&str> = Vec::new();
        for target in &hit.targets {
            let Some(value) = target.value.as_deref() else {
                judged.push(self.named(target.kind, None));
                continue;
            };
            let set = |name: &str| (name.into(), Some(value.into()));
            match target.kind {
                Kind::KubeContext => {
                    at.targets.push((target.kind, target.value.clone()));
                    speaking.push("kube");
                    continue;
                }
                Kind::KubeFile => {
                    let base = at.cwd.clone().or_else(|| self.world.cwd.clone());
                    let file = self.absolute_home(base.as_deref(), value);
                    at.vars.push(("KUBECONFIG".into(), Some(file.into())));
                    speaking.push("kube");
                    // Its name speaks last, which is the source's to say.
                    continue;
                }
                Kind::AwsProfile => {
                    // A profile on the line beats all that is exported.
                    let exported =
                        ["AWS_VAULT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
                    at.vars.extend(exported.map(|name| (name.into(), None)));
                    at.vars.push(set("AWS_PROFILE"));
                    speaking.push("aws");
                }
                Kind::GcpConfig => {
                    at.vars.push(set("CLOUDSDK_ACTIVE_CONFIG_NAME"));
                    speaking.push("gcloud");
                }
                Kind::DockerContext => {
                    at.vars.extend([("DOCKER_HOST".into(), None), set("DOCKER_CONTEXT")]);
                    speaking.push("docker");
                }
                Kind::PgService => {
                    at.vars.push(set("PGSERVICE"));
                    // A host on the line beats that of the environment; an address there would beat both.
                    if hit.targets.iter().any(|other| other.kind == Kind::Hostname) {
                        at.vars.push(("PGHOST".into(), None));
                    }
                    speaking.push("postgres");
                }
                Kind::Directory => {
                    let base = at.cwd.clone().or_else(|| self.world.cwd.clone());
                    at.cwd = Some(self.absolute_home(base.as_deref(), value));
                    speaking.push("");
                }
                _ => {}
            }
            judged.push(self.named(target.kind, Some(value)));
        }
        if !speaking.is_empty() {
            // A directory says nothing of credentials.
            let elsewhere = speaking.contains(&"");
            let verdict = match self.judge(&at) {
                verdict if elsewhere && uses_aws(run, of) => verdict.doubting(),
                verdict => verdict,
            };
            let all = elsewhere || speaking.contains(&"kube");
            judged.push(
                self.part(&verdict, |source, domain| speaking.contains(&source) || all && is_of(domain, of)),
            );
        }
        judged
    }

    /// The things that a destroying line names, where such names are the owner's own and hold everywhere: the database
    /// `prod-db` of a cloud is production's, whichever profile reaches it.
    fn named_things(&self, run: &Run, hit: &Hit) -> Vec<Judged> {
        if hit.rule.level != Level::Confirm || !matches!(hit.rule.domain, Domain::Cloud | Domain::Kube) {
            return Vec::new();
        }
        // What is found is shown and written down: a word that may be a secret is not looked at.
        let words = secrets::harmless(run.argv.iter().skip(1).map(|word| word.text().unwrap_or_default()));
        let judged = words.iter().map(|word| self.named(Kind::Name, Some(word)));
        judged.filter(|judged| judged.gravity == Gravity::Production).collect()
    }

    fn named(&self, kind: Kind, value: Option<&str>) -> Judged {
        let Some(value) = value else {
            let reason = "only running the line would tell its target".into();
            return Judged {
                gravity: Gravity::Unsure,
                target: String::new(),
                reason,
                overrule: String::new(),
            };
        };
        let judgement = Matcher::new(&self.config.names).judge(&Part::new(kind, value));
        let gravity =
            judgement.environment.map_or(Gravity::Clear, |index| verdict::gravity(&self.config.names, index));
        let shown = crate::parts::shown(kind, value);
        let reason = format!("{shown}, named on the line");
        let overrule = mark::command_line("safe", kind, value).unwrap_or_default();
        Judged { gravity, target: shown, reason, overrule }
    }

    /// What a verdict says of one domain.
    fn domain(&self, verdict: &Verdict, of: Domain) -> Judged {
        self.part(verdict, |_, domain| is_of(domain, of))
    }

    /// What a verdict says of the signals that `counts` takes, by source and domain. A directory that declares itself
    /// speaks for every domain, and so does what can't be followed on the line.
    fn part(&self, verdict: &Verdict, counts: impl Fn(&str, Domain) -> bool) -> Judged {
        let own = verdict.only(&self.config.names, |source, domain| {
            counts(source, domain) || source == "directory" || (source == "line" && domain == Domain::App)
        });
        let (target, reason) = own.lead();
        Judged { gravity: own.gravity, target, reason, overrule: overrule::of(&own) }
    }
}

/// Whether a signal's domain says where a rule of the domain `of` strikes: an application is where its database is, and
/// terraform acts by the cloud's credentials.
fn is_of(domain: Domain, of: Domain) -> bool {
    domain == of
        || (of == Domain::App && domain == Domain::Database)
        || (of == Domain::Terraform && domain == Domain::Cloud)
}

/// The order of verdicts: of equals the one with doubts.
fn weight(verdict: &Verdict) -> (Gravity, bool) {
    (verdict.gravity, !verdict.doubts.is_empty())
}

/// Whether a program acts by AWS credentials wherever they are: AWS's own, those built on it, and terraform.
fn uses_aws(run: &Run, of: Domain) -> bool {
    const PROGRAMS: &[&str] = &[
        "amplify",
        "aws",
        "aws-nuke",
        "cdk",
        "cdktf",
        "cloud-nuke",
        "copilot",
        "eb",
        "sam",
        "serverless",
        "sls",
        "sst",
    ];
    of == Domain::Terraform || PROGRAMS.contains(&run.name())
}

/// Whether a variable can change a verdict.
fn speaks(name: &str) -> bool {
    let name = std::ffi::OsStr::new(name);
    name == "HOME" || sources::env::is_watched(name) || sources::aws::is_watched(name)
}

/// A script as it can be remembered: by where it is and what it says.
fn script_at(path: &Path, task: &str, text: &str) -> Option<Script> {
    let path = std::fs::canonicalize(path).ok()?;
    Some(Script { path, task: task.to_string(), content: crate::state::digest(text.as_bytes()) })
}

/// The variable that names a client's port, and the port it takes without one.
fn usual_port(program: &str) -> Option<(&'static str, u16)> {
    Some(match program {
        "psql" | "pgcli" | "pg_restore" | "pg_dump" | "dropdb" | "createdb" | "dropuser" | "vacuumdb" => {
            ("PGPORT", 5432)
        }
        "mysql" | "mariadb" | "mycli" | "mysqladmin" | "mariadb-admin" => ("MYSQL_TCP_PORT", 3306),
        "redis-cli" | "valkey-cli" => ("REDISCLI_PORT", 6379),
        "mongosh" | "mongo" | "mongorestore" => ("MONGO_PORT", 27017),
        "clickhouse-client" => ("CLICKHOUSE_PORT", 9000),
        "cqlsh" => ("CQLSH_PORT", 9042),
        _ => return None,
    })
}

/// Whether a file belongs to the system, like Debian's `psql`, which is a script: what such a program does is for the
/// rules to say, not for its text.
fn is_installed(path: &Path) -> bool {
    const SYSTEM: &[&str] =
        &["/usr", "/bin", "/sbin", "/opt", "/lib", "/nix", "/snap", "/gnu", "/home/linuxbrew"];
    SYSTEM.iter().any(|dir| path.starts_with(dir)) && !path.starts_with("/usr/local")
}

fn absolute(base: Option<&Path>, path: &Path) -> PathBuf {
    let joined = match base {
        Some(base) if !path.is_absolute() => base.join(path),
        _ => path.to_path_buf(),
    };
    // `..` by name, as `cd` does it: the view of `cd ../prod-app` is that directory.
    let mut out = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other.as_os_str()),
        }
    }
    if out.as_os_str().as_bytes().is_empty() { joined } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_a_line_gives_the_terminal_to() {
        let dialect = Dialect::typed(line::Shell::Bash);
        let aliases = [("ta".to_string(), "tmux attach".to_string())];
        let known = Definitions { aliases: &aliases, ..Definitions::default() };
        let of = |text: &str| hands(text, dialect, &runs::resolve(text, dialect, known));
        for text in [
            "exec zsh",
            "tmux",
            "tmux a",
            "tmux -S /tmp/x -2 attach -t s",
            "ta",
            "cd x && tmux new -s y",
            "screen -r",
            "command tmux attach",
            "zellij",
        ] {
            assert_eq!(of(text), Hands::Over, "{text}");
        }
        for text in [
            "su",
            "su - postgres",
            "sudo -s",
            "sudo -u root -i",
            "sudo -Hs",
            "sudo --login",
            "sudo su -",
            "sudo env X=1 bash; su",
        ] {
            assert_eq!(of(text), Hands::ToAnotherUser, "{text}");
        }
        for text in [
            "ls",
            "exec",
            "exec 2>x",
            "tmux ls",
            "tmux -L x kill-server",
            "sudo apt install tmux",
            "sudo sed -i s/x/y/ z",
            "sudo -u app true",
            "echo su",
        ] {
            assert_eq!(of(text), Hands::Back, "{text}");
        }
    }
}
