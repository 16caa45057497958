//! The drift stop: what the last prompt showed and the verdict of now in, what changed and which lines that concerns
//! out. A line that has nothing to do with the change is not held.

use super::rules;
use super::runs::{Run, What};
use crate::signal::{Domain, Place};
use crate::verdict::{Gravity, Verdict};

/// So many signals are noted, each at most so many bytes.
const MAX_SIGNALS: usize = 12;
const MAX_BYTES: usize = 160;

/// What a prompt said, as text for the hook to keep: the verdict's word, then what every signal said, one a line.
pub fn shown(verdict: &Verdict) -> String {
    let mut out = word(verdict.gravity).to_string();
    out.push('\n');
    let plain = |text: &str| -> String { text.chars().filter(|c| !c.is_control()).collect() };
    for reason in verdict.reasons.iter().take(MAX_SIGNALS) {
        let signal = &reason.signal;
        let line = format!("{} {}={}", signal.source, plain(&signal.what), plain(&signal.value));
        if line.len() <= MAX_BYTES {
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}

fn word(gravity: Gravity) -> &'static str {
    match gravity {
        Gravity::Clear => "clear",
        Gravity::Caution => "caution",
        Gravity::Unsure => "unsure",
        Gravity::Production => "production",
    }
}

/// What became graver since a prompt was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// As grave as it is now.
    pub gravity: Gravity,
    /// What changed: `kube context dev-eu -> prod-eu`.
    pub what: String,
    /// Where it was read.
    pub place: Place,
    /// The target's short name; empty when only unsure.
    pub target: String,
    /// The worlds that changed.
    pub domains: Vec<Domain>,
}

/// Compares the text that [`shown`] made at the prompt with the verdict of now. `None` when nothing guarded became
/// graver, or the text is none of ours.
pub fn since(shown: &str, now: &Verdict) -> Option<Drift> {
    let mut lines = shown.lines();
    let gravities = [Gravity::Clear, Gravity::Caution, Gravity::Unsure, Gravity::Production];
    let first = lines.next()?;
    let before = gravities.into_iter().find(|gravity| word(*gravity) == first)?;
    if now.gravity <= before || now.gravity < Gravity::Unsure {
        return None;
    }
    let mut domains: Vec<Domain> = now.winners().map(|reason| reason.signal.domain).collect();
    if before < Gravity::Unsure {
        domains.extend(now.troubles.iter().map(|trouble| trouble.domain));
    }
    domains.sort_unstable();
    domains.dedup();
    let (what, place, target) = match now.winners().next() {
        Some(reason) => {
            let signal = &reason.signal;
            let key = format!("{} {}", signal.source, signal.what);
            let old = lines.find_map(|line| line.strip_prefix(&key)?.strip_prefix('='));
            let what = match old.filter(|old| *old != signal.value) {
                Some(old) => format!("{key} {old} -> {}", signal.value),
                None => format!("{key} {}", signal.value),
            };
            (what, signal.place.clone(), signal.label.clone())
        }
        None => {
            let trouble = now.troubles.first()?;
            (
                format!("{} {} {}", trouble.source, trouble.what, trouble.why),
                trouble.place.clone(),
                String::new(),
            )
        }
    };
    Some(Drift { gravity: now.gravity, what, place, target, domains })
}

/// Whether a run has to do with a change in these worlds. `is_script` says whether a program is a script of somebody's.
pub fn concerns(run: &Run, domains: &[Domain], is_script: impl FnOnce() -> bool) -> bool {
    match run.what {
        What::Script { .. } | What::Task { .. } | What::Unclear { .. } => true,
        What::Function => false,
        What::Program if domains.iter().any(|domain| is_of(run.name(), *domain)) => true,
        // What is known to work elsewhere is not taken for a script, wherever it is installed.
        What::Program => !DOMAINS.iter().any(|domain| is_of(run.name(), *domain)) && is_script(),
    }
}

const DOMAINS: [Domain; 5] =
    [Domain::Kube, Domain::Database, Domain::Cloud, Domain::Docker, Domain::Terraform];

/// Whether a program works in this world: one that a rule speaks of, or one of those that only look or connect.
fn is_of(program: &str, domain: Domain) -> bool {
    let others: &[&str] = match domain {
        Domain::Kube => &["k", "k9s", "kctx", "kns", "kubectx", "kubens", "kubie", "kustomize", "stern"],
        Domain::Database => {
            &["clickhouse-client", "cqlsh", "influx", "pg_dump", "pg_dumpall", "sqlcmd", "sqlplus"]
        }
        Domain::Cloud => &["assume", "aws-vault", "awsume", "bq", "cdk", "chamber", "doctl", "granted"],
        Domain::Docker | Domain::Terraform | Domain::App | Domain::Host => &[],
    };
    others.contains(&program)
        || rules::built_in()
            .iter()
            .filter(|rule| rule.domain == domain)
            .any(|rule| rule.programs.contains(&program))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::{Judgement, Names};
    use crate::guard::line::{Dialect, Shell};
    use crate::guard::runs::{self, Definitions};
    use crate::signal::{Scope, Signal};
    use crate::verdict::Reason;

    fn verdict(context: &str, production: bool) -> Verdict {
        let signal = Signal {
            source: "kube",
            domain: Domain::Kube,
            scope: Scope::Tab,
            what: "context".into(),
            value: context.into(),
            label: context.into(),
            place: Place::File { path: "/home/ana/.kube/config".into(), line: Some(3) },
            parts: Vec::new(),
            port: None,
        };
        let names = Names::default();
        let environment =
            names.environments.iter().position(|e| e.severity == crate::environment::Severity::Production);
        let judgement = Judgement { environment: environment.filter(|_| production), ..Judgement::nothing() };
        Verdict::of(vec![Reason { signal, judgement }], Vec::new(), &names)
    }

    #[test]
    fn only_what_became_graver_is_drift() {
        let (dev, prod) = (verdict("dev-eu", false), verdict("prod-eu", true));
        assert_eq!(shown(&dev), "clear\nkube context=dev-eu\n");
        let drift = since(&shown(&dev), &prod).unwrap();
        assert_eq!(drift.what, "kube context dev-eu -> prod-eu");
        assert_eq!((drift.target.as_str(), drift.domains.as_slice()), ("prod-eu", &[Domain::Kube][..]));
        assert_eq!(since("clear\n", &prod).unwrap().what, "kube context prod-eu");
        for (before, now) in [(&prod, &prod), (&prod, &dev), (&dev, &dev)] {
            assert_eq!(since(&shown(before), now), None);
        }
        for text in ["", "\n", "no word\n", "kube context=dev-eu\n"] {
            assert_eq!(since(text, &prod), None);
        }
    }

    #[test]
    fn a_line_is_concerned_by_program_script_task_or_riddle() {
        let held = |line: &str| {
            runs::resolve(line, Dialect::typed(Shell::Bash), Definitions::default())
                .iter()
                .any(|run| concerns(run, &[Domain::Kube], || run.program().starts_with("./")))
        };
        for line in [
            "kubectl get pods",
            "sudo helm ls",
            "k9s",
            "./x.sh",
            "bash x.sh",
            "make test",
            "ls; ./x.sh",
            "$x",
            "echo $(kubectl x)",
        ] {
            assert!(held(line), "{line}");
        }
        for line in ["ls", "git status", "psql", "terraform plan", "vim x.sh", "echo kubectl", "cd .."] {
            assert!(!held(line), "{line}");
        }
    }
}
