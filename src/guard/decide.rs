//! What was found about a line in, the decision and its message out.

use std::path::PathBuf;

use super::lease::Lease;
use crate::signal::Tunnel;
use crate::verdict::Gravity;

/// What becomes of a line, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    Allow,
    /// It runs; one line says what it changes.
    Warn,
    /// It runs when the target's name is typed.
    Confirm,
    /// It does not run.
    Block,
}

impl Decision {
    /// The decision's word in JSON and the audit trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Allow => "allow",
            Decision::Warn => "warn",
            Decision::Confirm => "confirm",
            Decision::Block => "block",
        }
    }
}

/// Why a line is not simply allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A script or task flagged local-only, and what flags it (`line 2`, `config`).
    LocalOnly { by: String },
    /// Not flagged, and looks destructive: what shows it (`line 14: dropdb "$db"`).
    LooksDestructive {
        evidence: String,
        script: Option<Script>,
        /// A person has said before that this very text is meant for production.
        meant: bool,
    },
    /// A rule, by its id, with what it does and the safer way.
    Rule { id: String, does: String, safer: String, confirm: bool },
    /// The line can't be read, and why.
    Unreadable { why: String },
}

/// A script as it stands on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub path: PathBuf,
    /// The task of that file; empty when the file itself is the script.
    pub task: String,
    /// The hash of its bytes: another text is another script.
    pub content: String,
}

/// What else a decision depends on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'c> {
    /// It is one of the hours when the guard is stricter.
    pub late: bool,
    /// The lease that lives in this tab.
    pub lease: Option<&'c Lease>,
}

/// One thing the line would run that is not simply allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What would run, as a person would name it.
    pub subject: String,
    pub cause: Cause,
    /// How grave the place is where it would run: for rules their own domain, for scripts the whole view.
    pub gravity: Gravity,
    /// The production target's short name; empty when only unsure.
    pub target: String,
    /// Where the target was read, for the message: `kube context prod-eu (~/.kube/config:14)`.
    pub reason: String,
    /// The tunnel that makes this production, if it is one.
    pub tunnel: Option<Tunnel>,
    /// The line after which this would be no production; empty where no one line does that.
    pub overrule: String,
}

impl Finding {
    /// What this finding alone asks for, with hour and lease counted in. Late raises it one step: what would be asked
    /// about needs a lease, and what would only be told is asked about. A lease for its target takes that step back,
    /// and what it was asked about under the lease is not asked about again, rules only. A flag is above all that.
    pub fn decision(&self, now: &Circumstances) -> Decision {
        let plain = self.plain_decision();
        let lease = now.lease.filter(|lease| lease.covers(&self.target));
        match plain {
            Decision::Allow | Decision::Block => plain,
            Decision::Confirm if lease.is_some_and(|lease| lease.asked_about(self.rule(), &self.target)) => {
                Decision::Warn
            }
            Decision::Warn if now.late && lease.is_none() => Decision::Confirm,
            Decision::Confirm if now.late && lease.is_none() => Decision::Block,
            Decision::Warn | Decision::Confirm => plain,
        }
    }

    /// Whether only the hour refuses this: a lease would let it be asked about.
    pub fn needs_lease(&self, now: &Circumstances) -> bool {
        self.plain_decision() == Decision::Confirm && self.decision(now) == Decision::Block
    }

    /// The rule's id, or the word for another cause, as JSON and the audit trail say it.
    pub fn rule(&self) -> &str {
        match &self.cause {
            Cause::LocalOnly { .. } => "local-only",
            Cause::LooksDestructive { .. } => "looks-destructive",
            Cause::Rule { id, .. } => id,
            Cause::Unreadable { .. } => "unreadable",
        }
    }

    /// The same by day and without a lease.
    fn plain_decision(&self) -> Decision {
        if self.gravity < Gravity::Unsure {
            return Decision::Allow;
        }
        match &self.cause {
            Cause::LocalOnly { .. } => Decision::Block,
            Cause::LooksDestructive { meant: true, .. } => Decision::Warn,
            Cause::LooksDestructive { .. } | Cause::Unreadable { .. } => Decision::Confirm,
            Cause::Rule { confirm: true, .. } => Decision::Confirm,
            // A routine change where it is unknown whether this is production is not worth a line each time.
            Cause::Rule { .. } if self.gravity == Gravity::Production => Decision::Warn,
            Cause::Rule { .. } => Decision::Allow,
        }
    }
}

/// The finding that decides: the gravest, of equals the first on the line.
pub fn gravest<'f>(findings: &'f [Finding], now: &Circumstances) -> Option<&'f Finding> {
    let mut best: Option<&Finding> = None;
    for finding in findings {
        if finding.decision(now) > best.map_or(Decision::Allow, |best| best.decision(now)) {
            best = Some(finding);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(cause: Cause, gravity: Gravity) -> Finding {
        Finding {
            subject: "x".into(),
            cause,
            gravity,
            target: "prod-eu".into(),
            reason: String::new(),
            tunnel: None,
            overrule: String::new(),
        }
    }

    fn script(meant: bool) -> Cause {
        Cause::LooksDestructive { evidence: String::new(), script: None, meant }
    }

    #[test]
    fn late_raises_a_step_and_a_lease_takes_it_back() {
        use Decision::{Allow, Block, Confirm, Warn};
        let rule =
            |confirm| Cause::Rule { id: "r".into(), does: String::new(), safer: String::new(), confirm };
        let flag = Cause::LocalOnly { by: String::new() };
        let mine = Lease { targets: vec!["prod-eu".into()], ..Lease::default() };
        let asked = Lease {
            asked: vec![
                ("r".into(), "prod-eu".into()),
                ("looks-destructive".into(), "prod-eu".into()),
                ("local-only".into(), "prod-eu".into()),
            ],
            ..mine.clone()
        };
        let other = Lease { targets: vec!["prod-us".into()], ..asked.clone() };
        // By day; then late: without a lease, with one, after an answer under it, with one for another target.
        for (cause, decisions) in [
            (rule(false), [Warn, Confirm, Warn, Warn, Confirm]),
            (rule(true), [Confirm, Block, Confirm, Warn, Block]),
            (script(false), [Confirm, Block, Confirm, Confirm, Block]),
            (script(true), [Warn, Confirm, Warn, Warn, Confirm]),
            (flag, [Block, Block, Block, Block, Block]),
        ] {
            let finding = finding(cause, Gravity::Production);
            let at = |late, lease| finding.decision(&Circumstances { late, lease });
            let found = [
                at(false, None),
                at(true, None),
                at(true, Some(&mine)),
                at(true, Some(&asked)),
                at(true, Some(&other)),
            ];
            assert_eq!(found, decisions, "{:?}", finding.cause);
        }
        let unsure = Finding { target: String::new(), ..finding(rule(true), Gravity::Unsure) };
        let taken_unsure = Lease { targets: vec![String::new()], ..asked };
        let now = Circumstances { late: true, lease: Some(&taken_unsure) };
        assert_eq!(unsure.decision(&now), Confirm);
        assert_eq!(
            finding(rule(false), Gravity::Clear).decision(&Circumstances { late: true, lease: None }),
            Allow
        );
    }

    #[test]
    fn flags_block_and_rules_ask_only_where_it_is_grave() {
        let flag = || Cause::LocalOnly { by: "line 2".into() };
        let rule =
            |confirm| Cause::Rule { id: "r".into(), does: String::new(), safer: String::new(), confirm };
        let table = [
            (flag(), Gravity::Clear, Decision::Allow),
            (flag(), Gravity::Caution, Decision::Allow),
            (flag(), Gravity::Unsure, Decision::Block),
            (flag(), Gravity::Production, Decision::Block),
            (rule(true), Gravity::Clear, Decision::Allow),
            (rule(true), Gravity::Unsure, Decision::Confirm),
            (rule(true), Gravity::Production, Decision::Confirm),
            (rule(false), Gravity::Unsure, Decision::Allow),
            (rule(false), Gravity::Production, Decision::Warn),
            (script(false), Gravity::Unsure, Decision::Confirm),
            (script(true), Gravity::Production, Decision::Warn),
        ];
        for (cause, gravity, decision) in table {
            let now = Circumstances::default();
            assert_eq!(finding(cause.clone(), gravity).decision(&now), decision, "{cause:?} {gravity:?}");
        }
    }

    #[test]
    fn the_gravest_decides_and_the_first_of_equals() {
        let rule = |id: &str| Cause::Rule {
            id: id.into(),
            does: String::new(),
            safer: String::new(),
            confirm: true,
        };
        let findings = [
            finding(rule("a"), Gravity::Production),
            finding(rule("b"), Gravity::Production),
            finding(Cause::LocalOnly { by: String::new() }, Gravity::Unsure),
        ];
        let now = Circumstances::default();
        assert_eq!(gravest(&findings, &now), Some(&findings[2]));
        assert_eq!(gravest(&findings[..2], &now), Some(&findings[0]));
        assert_eq!(gravest(&[], &now), None);
    }
}
