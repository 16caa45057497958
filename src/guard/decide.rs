//! What was found about a line in, the decision and its message out.

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
    LooksDestructive { evidence: String },
    /// A rule, by its id, with what it does and the safer way.
    Rule { id: String, does: String, safer: String, confirm: bool },
    /// The line can't be read, and why.
    Unreadable { why: String },
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
}

impl Finding {
    /// What this finding alone asks for.
    pub fn decision(&self) -> Decision {
        if self.gravity < Gravity::Unsure {
            return Decision::Allow;
        }
        match &self.cause {
            Cause::LocalOnly { .. } => Decision::Block,
            Cause::LooksDestructive { .. } | Cause::Unreadable { .. } => Decision::Confirm,
            Cause::Rule { confirm: true, .. } => Decision::Confirm,
            // A routine change where it is unknown whether this is production is not worth a line each time.
            Cause::Rule { .. } if self.gravity == Gravity::Production => Decision::Warn,
            Cause::Rule { .. } => Decision::Allow,
        }
    }
}

/// The finding that decides: the gravest, of equals the first on the line.
pub fn gravest(findings: &[Finding]) -> Option<&Finding> {
    let mut best: Option<&Finding> = None;
    for finding in findings {
        if finding.decision() > best.map_or(Decision::Allow, Finding::decision) {
            best = Some(finding);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(cause: Cause, gravity: Gravity) -> Finding {
        Finding { subject: "x".into(), cause, gravity, target: "prod-eu".into(), reason: String::new() }
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
            (Cause::LooksDestructive { evidence: String::new() }, Gravity::Unsure, Decision::Confirm),
        ];
        for (cause, gravity, decision) in table {
            assert_eq!(finding(cause.clone(), gravity).decision(), decision, "{cause:?} {gravity:?}");
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
        assert_eq!(gravest(&findings), Some(&findings[2]));
        assert_eq!(gravest(&findings[..2]), Some(&findings[0]));
        assert_eq!(gravest(&[]), None);
    }
}
