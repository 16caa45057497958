//! A task of a runner: its lines are read and looked at like typed ones. It runs no runner.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::files::Text;
use super::{Examiner, absolute, finding, script_at, shown, weight};
use crate::guard::decide::{Cause, Finding};
use crate::guard::flags;
use crate::guard::line::{self, Dialect, Shell};
use crate::guard::rules::{self, Level};
use crate::guard::runs::{self, Change, Changed, Definitions, Run, Value, What};
use crate::tasks::{self, Steps};
use crate::verdict::Verdict;

/// Runs inside tasks that are looked at for one line.
pub(super) const MAX_RUNS: usize = 512;
/// Tasks that call tasks of other files.
const MAX_DEPTH: usize = 4;

/// A task as the line calls it.
pub(super) struct Called<'c> {
    pub tool: &'c str,
    pub names: &'c [String],
    pub dir: Option<&'c Path>,
    pub file: Option<&'c str>,
    pub run: &'c Run,
}

/// The file a task was found in, with its text and its lines.
struct Found {
    path: PathBuf,
    text: String,
    steps: Steps,
    /// A script that is the task: mise's file tasks, `python -m`.
    script: Option<PathBuf>,
}

impl Examiner<'_> {
    /// Judges a task: flagged by its file, by what it runs, or destructive by that or by its name.
    pub(super) fn task(&self, task: &Called, verdict: &Verdict, findings: &mut Vec<Finding>) {
        let subject = format!("{} {}", task.tool, task.names.join(" "));
        let subject = subject.trim_end();
        let found = self.found(task);
        if let Some(script) = found.as_ref().and_then(|found| found.script.as_ref()) {
            return self.file(subject, script, verdict, &self.views(task.run), findings);
        }
        if let Some(line) = found.as_ref().and_then(|found| flags::flagged_line(&found.text)) {
            let cause = Cause::LocalOnly { by: format!("line {line} of its file") };
            findings.push(finding(subject, cause, verdict));
            return;
        }
        let before = findings.len();
        if let Some(found) = &found {
            self.steps(subject, found, task, verdict, findings, 0);
        }
        if findings.len() > before || !verdict.is_hot() {
            return;
        }
        if let Some(word) = task.names.iter().find_map(|name| flags::destructive_word(name)) {
            let cause = Cause::LooksDestructive {
                evidence: format!("its name says `{word}`"),
                script: found.and_then(|found| script_at(&found.path, subject, &found.text)),
                meant: false,
            };
            findings.push(finding(subject, cause, verdict));
        } else if let Some(why) = found.and_then(|f| f.steps.unclear.filter(|_| f.steps.steps.is_empty())) {
            findings.push(finding(subject, Cause::Unreadable { why: why.into() }, verdict));
        }
    }

    /// The file of a task and its lines; `None` where no file is found.
    fn found(&self, task: &Called) -> Option<Found> {
        let here = |names: &[&str]| {
            names.iter().find_map(|name| self.script_text(&absolute(task.dir, Path::new(name))))
        };
        let given = |names: &[&str]| match task.file {
            Some(file) => here(&[file]),
            None => here(names),
        };
        let above = |names: &[&str]| match task.file {
            Some(file) => here(&[file]),
            None => self.above(task.dir?, names),
        };
        let found = |(path, text): (PathBuf, String), steps| Some(Found { path, text, steps, script: None });
        match task.tool {
            "make" | "gmake" | "bmake" | "remake" => {
                let (path, text) = given(&["GNUmakefile", "makefile", "Makefile"])?;
                let mut read =
                    |name: &str| self.script_text(&absolute(task.dir, Path::new(name))).map(|f| f.1);
                let given = variables(task.run);
                let steps = tasks::make(&text, task.names, &given, &mut read);
                found((path, text), steps)
            }
            "just" => {
                let (path, text) = above(&["justfile", ".justfile", "Justfile"])?;
                let steps = tasks::just(&text, task.names);
                found((path, text), steps)
            }
            "rake" => {
                let (path, text) = above(&["Rakefile", "rakefile", "Rakefile.rb", "rakefile.rb"])?;
                let steps = task.names.iter().map(|name| tasks::rake(&text, name).steps).collect::<Vec<_>>();
                let steps = Steps { steps: steps.concat(), unclear: None };
                found((path, text), steps)
            }
            "task" | "go-task" => {
                let (path, text) =
                    above(&["Taskfile.yml", "Taskfile.yaml", "taskfile.yml", "taskfile.yaml"])?;
                let steps = tasks::taskfile(&text, task.names);
                found((path, text), steps)
            }
            "npm" | "yarn" | "pnpm" | "bun" => {
                let (path, text) = above(&["package.json"])?;
                let steps = tasks::package(&text, task.names.first()?)?;
                found((path, text), steps)
            }
            "mise" | "rtx" => self.mise(task),
            "python -m" => {
                let module = task.names.first()?.replace('.', "/");
                let files = [format!("{module}.py"), format!("{module}/__main__.py")];
                let script =
                    files.iter().map(|file| absolute(task.dir, Path::new(file))).find(|f| f.is_file())?;
                Some(Found {
                    path: script.clone(),
                    text: String::new(),
                    steps: Steps::default(),
                    script: Some(script),
                })
            }
            _ => None,
        }
    }

    fn mise(&self, task: &Called) -> Option<Found> {
        let name = task.names.first()?;
        let dir = task.dir?;
        for dir in dir.ancestors().take(32) {
            for tasks_in in ["mise-tasks", ".mise-tasks", "mise/tasks", ".mise/tasks", ".config/mise/tasks"] {
                let script = dir.join(tasks_in).join(name.replace(':', "/"));
                if script.is_file() {
                    let (text, steps) = (String::new(), Steps::default());
                    return Some(Found { path: script.clone(), text, steps, script: Some(script) });
                }
            }
            for file in ["mise.toml", ".mise.toml", "mise.local.toml", ".config/mise.toml"] {
                if let Some((path, text)) = self.script_text(&dir.join(file))
                    && let Some(steps) = tasks::mise(&text, name)
                {
                    return Some(Found { path, text, steps, script: None });
                }
            }
        }
        None
    }

    fn above(&self, dir: &Path, names: &[&str]) -> Option<(PathBuf, String)> {
        dir.ancestors()
            .take(32)
            .find_map(|dir| names.iter().find_map(|name| self.script_text(&dir.join(name))))
    }

    fn script_text(&self, path: &Path) -> Option<(PathBuf, String)> {
        match self.text_of(path) {
            Text::Script(text) => Some((path.to_path_buf(), text)),
            _ => None,
        }
    }

    /// The lines of a task, each resolved where the task runs.
    fn steps(
        &self,
        subject: &str,
        found: &Found,
        task: &Called,
        verdict: &Verdict,
        findings: &mut Vec<Finding>,
        depth: usize,
    ) {
        // make runs where it was told to, whatever its file; the others run where the file lies.
        let place = if task.tool.ends_with("make") { task.dir } else { found.path.parent() };
        let at = place.map(|dir| {
            let change = Change::Cwd(Value::Is(dir.display().to_string()));
            Rc::new(Changed { change, maybe: false, lasting: false })
        });
        for step in &found.steps.steps {
            let shell = Dialect::script(Shell::Bash);
            let runs = match task.tool {
                "rake" => vec![code(&step.text)],
                _ => runs::resolve(&step.text, shell, Definitions::default()),
            };
            for mut run in runs {
                if self.left.get() == 0 {
                    return;
                }
                self.left.set(self.left.get() - 1);
                let own = std::mem::take(&mut run.changes);
                run.changes = task.run.changes.iter().cloned().chain(at.clone()).chain(own).collect();
                run.places.splice(0..0, task.run.places.iter().cloned());
                if !run.places.is_empty() {
                    continue;
                }
                let told = |what: String| match step.line {
                    0 => what,
                    line => format!("line {line}: {what}"),
                };
                self.step(subject, found, &run, verdict, findings, depth, &told);
            }
        }
    }

    #[allow(clippy::too_many_arguments)] // one call, and each of them is another thing
    fn step(
        &self,
        subject: &str,
        found: &Found,
        run: &Run,
        verdict: &Verdict,
        findings: &mut Vec<Finding>,
        depth: usize,
        told: &dyn Fn(String) -> String,
    ) {
        let overrides = self.views(run);
        let cwd = overrides.first().and_then(|view| view.cwd.clone()).or_else(|| self.world.cwd.clone());
        let files = match &run.what {
            What::Unclear { words, .. } => self.mentioned(run, words, cwd.as_deref(), &overrides),
            What::Program | What::Script { .. } => {
                self.file_of(run, cwd.as_deref(), &overrides).into_iter().collect()
            }
            What::Task { tool, names, dir, file } => {
                let base =
                    dir.as_ref().map_or(cwd.clone(), |dir| Some(self.absolute_home(cwd.as_deref(), dir)));
                let inner = Called { tool, names, dir: base.as_deref(), file: file.as_deref(), run };
                let Some(next) = self.found(&inner).filter(|_| depth < MAX_DEPTH) else { return };
                match &next.script {
                    Some(script) => vec![script.clone()],
                    None if flags::flagged_line(&next.text).is_some() => vec![next.path.clone()],
                    None => return self.steps(subject, &next, &inner, verdict, findings, depth + 1),
                }
            }
            What::Function => return,
        };
        let mut hits = rules::matches(run);
        hits.extend(rules::matches_of(run, self.rules));
        let hit = hits.into_iter().find(|hit| hit.rule.level == Level::Confirm);
        let flagged = files.iter().any(|file| self.flag_of(file).is_some())
            || self.command_flag(run, cwd.as_deref()).is_some();
        if hit.is_none() && !flagged {
            return;
        }
        let judged: Vec<Verdict> = overrides.iter().map(|view| self.judge(view)).collect();
        let worst = judged.iter().chain([verdict]).max_by_key(|verdict| weight(verdict)).unwrap_or(verdict);
        if flagged {
            let by = told(format!("runs {}", shown(run)));
            findings.push(finding(subject, Cause::LocalOnly { by }, worst));
        } else if let Some(hit) = hit.filter(|_| worst.is_hot()) {
            let already = |old: &Finding| old.subject == subject;
            if !findings.iter().any(already) {
                let script = script_at(&found.path, subject, &found.text);
                let evidence = told(hit.evidence);
                let cause = Cause::LooksDestructive { evidence, script, meant: false };
                findings.push(finding(subject, cause, worst));
            }
        }
    }
}

/// A line of another language: what it runs stands somewhere in it.
fn code(text: &str) -> Run {
    Run {
        what: What::Unclear { why: "is no shell line", words: Rc::new(line::loose_words(text).into()) },
        argv: Vec::new(),
        changes: Vec::new(),
        places: Vec::new(),
        stdin: runs::Stdin::Inherited,
        writes: Vec::new(),
        at: 0,
    }
}

/// The variables that the line sets, for make.
fn variables(run: &Run) -> Vec<(String, String)> {
    run.changes
        .iter()
        .filter_map(|changed| match &changed.change {
            Change::Var { name, value: Value::Is(value) } => Some((name.clone(), value.clone())),
            _ => None,
        })
        .collect()
}
