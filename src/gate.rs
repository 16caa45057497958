//! From what was found about a line to whether it runs: hour, lease and memory counted in, the question asked, all of
//! it written down. What it refuses: to let a line run on anything but a right answer once it has said `stop`.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::ask::{Answer, Tty, Until};
use crate::commands::{backups, flag};
use crate::config::OnDrift;
use crate::examine::{self, Examination};
use crate::guard::decide::{Cause, Circumstances, Decision, Finding};
use crate::guard::drift::Drift;
use crate::guard::hours::{self, Moment};
use crate::guard::lease::{self, Lease};
use crate::guard::{answer, secrets};
use crate::present::stop::{self, INDENT, Surroundings};
use crate::signal::Place;
use crate::state::audit::{Actor, Record};
use crate::state::system_log;
use crate::state::{RunDir, StateDir};
use crate::world::{Local, World};

/// Seconds until a hang becomes a failure; no question is open then.
pub const DEADLINE: u32 = 2;

/// Who asks for a decision, and how it is told.
pub struct Gate<'g> {
    pub world: &'g World,
    pub run_dir: Option<&'g RunDir>,
    /// The line as it was typed.
    pub line: &'g str,
    /// `run --here`: a flag asks instead of blocking.
    pub here: bool,
    /// Where a line that does not run can be found again, as the end of a sentence.
    pub kept: &'g str,
    /// The keys that enter it again.
    pub again: &'g str,
    /// The shell's process id, or the caller's.
    pub pid: u32,
    /// How many newlines bring the cursor from where it stands in the typed line to a line of its own; 0 where it is
    /// there.
    pub lines_down: usize,
    /// Whether the deadline runs, and must stand still while a question is open.
    pub deadline: bool,
    /// Called once before anything is written to the terminal, as soon as the line needs a question or is refused.
    pub stop: &'g dyn Fn(),
    /// Called before anything is written below a line in which the cursor still stands.
    pub said: &'g dyn Fn(),
}

/// Hour and lease at one moment.
pub struct Now {
    pub local: Local,
    pub late: bool,
    /// The lease's key and the lease.
    pub lease: Option<(String, Lease)>,
}

impl Now {
    /// Reads the clock, the time zone and the lease.
    pub fn of(world: &World, run_dir: Option<&RunDir>, examined: &Examination) -> Now {
        let local = world.local(&examined.config.hours.timezone);
        let at = Moment { day: local.day, minute: local.minute };
        let late = hours::is_late(&examined.config.hours.late, at);
        Now { local, late, lease: run_dir.and_then(|dir| dir.lease(world)) }
    }

    /// What a decision depends on.
    pub fn circumstances(&self) -> Circumstances<'_> {
        Circumstances { late: self.late, lease: self.lease.as_ref().map(|(_, lease)| lease) }
    }
}

/// Notes which scripts are known to be meant for production.
pub fn recall(world: &World, findings: &mut [Finding]) {
    let is_script =
        |finding: &&mut Finding| matches!(finding.cause, Cause::LooksDestructive { script: Some(_), .. });
    let mut scripts = findings.iter_mut().filter(is_script).peekable();
    if scripts.peek().is_none() {
        return;
    }
    let Ok(state) = StateDir::open(world) else { return };
    for finding in scripts {
        if let Cause::LooksDestructive { script: Some(script), meant, .. } = &mut finding.cause {
            *meant = state.is_meant(script);
        }
    }
}

/// The command that takes the lease a finding needs.
pub fn lease_command(examined: &Examination, finding: &Finding) -> String {
    let named = lease_targets(&examined.tab);
    let extra = if named.contains(&finding.target) {
        String::new()
    } else {
        format!(" --for {}", crate::escape::terminal(&crate::escape::posix_word(&finding.target)))
    };
    format!("redtab lease{extra} 30m \"why\"")
}

/// The targets that a lease taken under this verdict holds for. What could not be told is one without a name.
pub fn lease_targets(verdict: &crate::verdict::Verdict) -> BTreeSet<String> {
    let mut targets: BTreeSet<String> = verdict.winners().map(|reason| reason.signal.label.clone()).collect();
    if !verdict.troubles.is_empty() {
        targets.insert(String::new());
    }
    targets
}

impl Gate<'_> {
    /// Whether a line is held back because its tab became production since its prompt was drawn: only one that this
    /// concerns. It is told, and written down.
    pub fn holds(&self, examined: &Examination, drift: &Drift) -> bool {
        let mode = examined.config.guard.drift;
        if mode == OnDrift::Off {
            return false;
        }
        let now = Now::of(self.world, self.run_dir, examined);
        let asks = |finding: &Finding| finding.decision(&now.circumstances()) > Decision::Warn;
        if !examined.findings.iter().any(asks) && !examine::concerns(self.world, examined, &drift.domains) {
            return false;
        }
        let visit =
            Visit { gate: self, examined, now: &now, tty: Tty::open(), state: StateDir::open(self.world) };
        visit.drifted(drift, mode == OnDrift::Stop)
    }

    /// Whether the line may run.
    pub fn pass(&self, mut examined: Examination) -> bool {
        let plain = Circumstances::default();
        if examined.findings.iter().all(|finding| finding.decision(&plain) == Decision::Allow) {
            return true;
        }
        recall(self.world, &mut examined.findings);
        let now = Now::of(self.world, self.run_dir, &examined);
        let visit = Visit {
            gate: self,
            examined: &examined,
            now: &now,
            tty: Tty::open(),
            state: StateDir::open(self.world),
        };
        visit.pass()
    }
}

struct Visit<'v> {
    gate: &'v Gate<'v>,
    examined: &'v Examination,
    now: &'v Now,
    tty: Option<Tty>,
    state: Result<StateDir, String>,
}

impl Visit<'_> {
    fn pass(&self) -> bool {
        let findings = || self.examined.findings.iter().map(|finding| (finding, self.decision(finding)));
        let gravest = findings().map(|(_, decision)| decision).max().unwrap_or(Decision::Allow);
        if gravest == Decision::Allow {
            return true;
        }
        if gravest > Decision::Warn {
            (self.gate.stop)();
            if let Some(tty) = &self.tty {
                tty.forget_typed();
            }
        }
        self.step_down();
        let of = |wanted: Decision| findings().filter(move |(_, d)| *d == wanted).map(|(finding, _)| finding);
        match gravest {
            Decision::Allow => true,
            Decision::Warn => {
                for (at, finding) in of(Decision::Warn).enumerate() {
                    if at == 0 {
                        self.say(&stop::warning(finding));
                    }
                    self.record("warn", finding);
                }
                true
            }
            Decision::Block => {
                if let Some(finding) = of(Decision::Block).next() {
                    self.block(finding);
                }
                false
            }
            Decision::Confirm => self.confirm(&of(Decision::Confirm).collect::<Vec<_>>()),
        }
    }

    fn drifted(&self, drift: &Drift, holds: bool) -> bool {
        if holds {
            (self.gate.stop)();
            if let Some(tty) = &self.tty {
                tty.forget_typed();
            }
        }
        self.step_down();
        let since = match &drift.place {
            Place::File { path, .. } => self.gate.world.age_of(path),
            Place::Variable(_) | Place::Line => None,
        };
        let home = self.gate.world.home();
        self.say(&stop::drifted(drift, home.as_deref(), since, holds.then_some(self.gate.kept)));
        let finding = Finding {
            subject: self.examined.runs.first().cloned().unwrap_or_default(),
            cause: Cause::Rule {
                id: "drift".into(),
                does: String::new(),
                safer: String::new(),
                confirm: true,
            },
            gravity: drift.gravity,
            target: drift.target.clone(),
            reason: drift.what.clone(),
            tunnel: None,
            overrule: String::new(),
        };
        self.record(if holds { "block" } else { "warn" }, &finding);
        holds
    }

    fn decision(&self, finding: &Finding) -> Decision {
        match finding.decision(&self.now.circumstances()) {
            Decision::Block if self.gate.here && matches!(finding.cause, Cause::LocalOnly { .. }) => {
                Decision::Confirm
            }
            decision => decision,
        }
    }

    fn block(&self, finding: &Finding) {
        self.record("block", finding);
        let lease =
            finding.needs_lease(&self.now.circumstances()).then(|| lease_command(self.examined, finding));
        let around = Surroundings { lease: lease.as_deref(), ..self.around(&[]) };
        self.say(&stop::message(finding, Decision::Block, around));
    }

    fn around<'s>(&'s self, also: &'s [&'s str]) -> Surroundings<'s> {
        Surroundings {
            hour: &self.now.local.day_and_hour,
            open: self.examined.open,
            late: self.now.late,
            also,
            again: self.gate.again,
            ..Surroundings::default()
        }
    }

    // --- questions ---

    /// Asks about every target once, in the order of the line; the first no is the answer.
    fn confirm(&self, findings: &[&Finding]) -> bool {
        let mut targets: Vec<&str> = Vec::new();
        for finding in findings {
            if !targets.contains(&finding.target.as_str()) {
                targets.push(&finding.target);
            }
        }
        for target in targets {
            let group: Vec<&Finding> = findings.iter().filter(|f| f.target == target).copied().collect();
            // What a person may not have meant to be there is asked about first and on its own.
            let script = group.iter().find(|f| matches!(f.cause, Cause::LooksDestructive { .. }));
            let Some(first) = script.or(group.first()) else { continue };
            for finding in &group {
                self.record("confirm", finding);
            }
            let answered = self.about(first, &group);
            for finding in &group {
                let yes = if matches!(finding.cause, Cause::LocalOnly { .. }) { "run-here" } else { "yes" };
                self.record(if answered { yes } else { "refused" }, finding);
            }
            if !answered {
                return false;
            }
            self.note(&group);
        }
        true
    }

    fn about(&self, finding: &Finding, group: &[&Finding]) -> bool {
        let also: Vec<&str> =
            group.iter().filter(|f| f.subject != finding.subject).map(|f| f.subject.as_str()).collect();
        let restore = self.restore_points(finding);
        let around = Surroundings { restore: &restore, ..self.around(&also) };
        let message = stop::message(finding, Decision::Confirm, around);
        match &finding.cause {
            // Known to be meant for production, it is asked about for the hour alone.
            Cause::LooksDestructive { script: Some(script), meant: false, .. } => {
                self.about_script(finding, script, &message)
            }
            _ => self.name_typed(finding, &message),
        }
    }

    /// What the backups that hold the target say; they may take longer than the deadline.
    fn restore_points(&self, finding: &Finding) -> String {
        let backups = &self.examined.config.backups;
        if backups.is_empty() {
            return String::new();
        }
        self.paused(|| backups::about(self.gate.world, backups, &finding.target)).unwrap_or_default()
    }

    /// Does something while the deadline stands still.
    fn paused<T>(&self, what: impl FnOnce() -> T) -> T {
        if self.gate.deadline {
            World::arm_deadline(0);
        }
        let done = what();
        if self.gate.deadline {
            World::arm_deadline(DEADLINE);
        }
        done
    }

    fn name_typed(&self, finding: &Finding, message: &str) -> bool {
        let word = answer::expected(&finding.target);
        let question = format!("{INDENT}Type {word} to run it, Enter to leave it: ");
        let answer = self.ask(message, &question, Until::Enter);
        let right = matches!(&answer, Answer::Given(typed) if typed == word);
        if !right {
            self.say(&format!("{INDENT}{}It was not run.\n", why_not(&answer)));
        }
        right
    }

    /// Nobody has said yet what this script is for.
    fn about_script(&self, finding: &Finding, script: &crate::guard::decide::Script, message: &str) -> bool {
        // A flag is for a whole file: a task's would speak for all its neighbours.
        let file = Some(script).filter(|script| script.task.is_empty());
        let local = if file.is_some() { "[l] local-only: flag it, don't run   " } else { "" };
        let question = format!(
            "{INDENT}It is not flagged. Is it for this machine?\n\
             {INDENT}{local}[p] meant for production: ask for the name   [Enter] don't run "
        );
        let answer = self.ask(message, &question, Until::OneKey);
        match (&answer, file) {
            (Answer::Given(key), Some(script)) if key.eq_ignore_ascii_case("l") => {
                let shown = crate::escape::terminal(&finding.subject);
                let said = match flag::change(&script.path, false) {
                    Ok(_) => format!("{shown} is local-only now. It was not run."),
                    Err(error) => format!("{shown}: {error:#}. It was not flagged, and it was not run."),
                };
                self.record("flag", finding);
                self.say(&format!("{INDENT}{said}\n"));
                false
            }
            (Answer::Given(key), _) if key.eq_ignore_ascii_case("p") => {
                let named = self.name_typed(finding, "");
                if let (true, Ok(state)) = (named, &self.state) {
                    match state.remember_meant(script) {
                        Ok(()) => self.record("meant", finding),
                        Err(error) => self.trouble("this answer can't be kept", &crate::world::plain(&error)),
                    }
                }
                named
            }
            _ => {
                self.say(&format!("{INDENT}{}It was not run.\n", why_not(&answer)));
                false
            }
        }
    }

    fn ask(&self, message: &str, question: &str, until: Until) -> Answer {
        let Some(tty) = &self.tty else {
            self.say(message);
            return Answer::NoTerminal;
        };
        let seconds = lease::seconds(&self.examined.config.guard.confirm_timeout).unwrap_or(60);
        self.paused(|| tty.ask(message, question, until, Duration::from_secs(seconds)))
    }

    fn note(&self, group: &[&Finding]) {
        let (Some(dir), Some((key, lease))) = (self.gate.run_dir, &self.now.lease) else { return };
        for finding in group.iter().filter(|finding| lease.covers(&finding.target)) {
            dir.note_answer(key, lease, finding.rule(), &finding.target, self.gate.world.uid);
        }
    }

    // --- telling ---

    fn step_down(&self) {
        if self.gate.lines_down > 0 {
            (self.gate.said)();
            self.say(&"\n".repeat(self.gate.lines_down));
        }
    }

    fn say(&self, text: &str) {
        match &self.tty {
            Some(tty) => tty.say(text),
            None => {
                use std::io::Write;
                let _ = std::io::stderr().write_all(text.as_bytes());
            }
        }
    }

    fn record(&self, decision: &str, finding: &Finding) {
        let keeps = self.examined.config.audit.lines && !self.gate.line.starts_with([' ', '\t']);
        let line = keeps.then(|| secrets::cut_from_line(self.gate.line));
        let record = Record {
            decision,
            rule: finding.rule(),
            target: &finding.target,
            what: &finding.subject,
            reason: &finding.reason,
            line: line.as_deref(),
        };
        let actor = actor(self.gate.world, self.gate.pid);
        system_log::tell(self.gate.world, self.examined.config.audit, &record, &actor);
        let written = match &self.state {
            Ok(state) => state.record(&record, &actor).map_err(|error| crate::world::plain(&error)),
            Err(why) => Err(why.clone()),
        };
        if let Err(why) = written {
            self.trouble("the audit trail can't be written", &why);
        }
    }

    fn trouble(&self, what: &str, why: &str) {
        self.say(&format!("redtab: {what}: {}\n", crate::escape::terminal(why)));
    }
}

/// Tells the system's log, by the configuration of this world.
pub fn tell_system(world: &World, record: &Record, actor: &Actor) {
    let config = crate::config::load(&crate::view::View::new(world), None).config;
    system_log::tell(world, config.audit, record, actor);
}

/// Who acts, for the audit trail.
pub fn actor(world: &World, pid: u32) -> Actor {
    Actor { time: world.local("").rfc3339, tab: world.tab().map(|tab| tab.key()), uid: world.uid, pid }
}

/// Why an answer is no, as a sentence in front of the next one.
fn why_not(answer: &Answer) -> &'static str {
    match answer {
        Answer::Given(text) if text.is_empty() => "",
        Answer::Given(_) => "That is not it. ",
        Answer::Left => "",
        Answer::TimedOut => "No answer in time. ",
        Answer::Pasted => "That was pasted, not typed. ",
        Answer::NoTerminal => "There is no terminal to ask on. ",
    }
}
