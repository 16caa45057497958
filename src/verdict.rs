//! What the signals of a tab say together: readings in, a verdict with every reason out.

use crate::environment::{Judgement, Names, Rule, Severity};
use crate::signal::{Domain, Kind, Reading, Signal, Trouble, Tunnel};

/// How grave a verdict is, in its order: the gravest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    Clear,
    Caution,
    /// Something that could say production could not be read.
    Unsure,
    Production,
}

/// One signal and how it was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub signal: Signal,
    pub judgement: Judgement,
}

/// The answer for one tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub gravity: Gravity,
    /// Index in `Names::environments` of the environment that won, for caution and production.
    pub environment: Option<usize>,
    /// Every signal, in the order of the sources.
    pub reasons: Vec<Reason>,
    /// What could not be read.
    pub troubles: Vec<Trouble>,
    /// What a script or a tool could reach and nobody has settled. It colours nothing; see [`Verdict::doubting`].
    pub doubts: Vec<Trouble>,
    /// What listens on this machine and leads elsewhere: it makes a tab hot, not red.
    pub tunnels: Vec<Tunnel>,
}

/// Judges readings. `judge_signal` settles one signal's parts (see `environment`).
pub fn judge(readings: Vec<Reading>, names: &Names, judge_signal: impl Fn(&Signal) -> Judgement) -> Verdict {
    let mut reasons = Vec::new();
    let mut troubles = Vec::new();
    for reading in readings {
        match reading {
            Reading::Found(signal) => {
                let judgement = judge_signal(&signal);
                reasons.push(Reason { signal, judgement });
            }
            Reading::Unreadable(trouble) => troubles.push(trouble),
            Reading::Absent { .. } => {}
        }
    }
    silence_file_names(&mut reasons);
    Verdict::of(reasons, troubles, names)
}

/// How grave the environment with this index is.
pub fn gravity(names: &Names, environment: usize) -> Gravity {
    match names.environments.get(environment).map(|e| e.severity) {
        Some(Severity::Production) => Gravity::Production,
        Some(Severity::Caution) => Gravity::Caution,
        None => Gravity::Clear,
    }
}

fn settle(reasons: &[Reason], troubles: &[Trouble], names: &Names) -> (Gravity, Option<usize>) {
    let mut gravity = if troubles.is_empty() { Gravity::Clear } else { Gravity::Unsure };
    let mut environment = None;
    for found in reasons.iter().filter_map(|reason| reason.judgement.environment) {
        if self::gravity(names, found) > gravity {
            gravity = self::gravity(names, found);
            environment = Some(found);
        }
    }
    (gravity, environment)
}

/// A kubeconfig's file name speaks only where context, cluster and server say nothing: the file `prod.yaml` with the
/// context `default` is production, `prod-and-dev.yaml` with the context `dev` is not.
fn silence_file_names(reasons: &mut [Reason]) {
    let is_file = |reason: &Reason| reason.signal.parts.iter().any(|part| part.kind == Kind::KubeFile);
    let told = reasons.iter().any(|reason| {
        reason.signal.source == "kube"
            && !is_file(reason)
            && (reason.judgement.known || reason.judgement.environment.is_some())
    });
    if told {
        for reason in reasons.iter_mut().filter(|reason| is_file(reason)) {
            reason.judgement = Judgement::nothing();
        }
    }
}

impl Verdict {
    /// What these reasons and troubles say together.
    pub fn of(reasons: Vec<Reason>, troubles: Vec<Trouble>, names: &Names) -> Verdict {
        let (gravity, environment) = settle(&reasons, &troubles, names);
        Verdict { gravity, environment, reasons, troubles, doubts: Vec::new(), tunnels: Vec::new() }
    }

    /// The same for what must not be wrong about it, such as a local-only script: what nobody has settled is unsure.
    pub fn doubting(&self) -> Verdict {
        let mut verdict = self.clone();
        if verdict.gravity < Gravity::Unsure && !verdict.doubts.is_empty() {
            (verdict.gravity, verdict.environment) = (Gravity::Unsure, None);
            verdict.troubles.splice(0..0, verdict.doubts.drain(..));
        }
        verdict
    }

    /// The verdict of those signals and troubles alone that `keep` accepts by source and domain.
    pub fn only(&self, names: &Names, keep: impl Fn(&str, Domain) -> bool) -> Verdict {
        let reasons =
            self.reasons.iter().filter(|r| keep(r.signal.source, r.signal.domain)).cloned().collect();
        let troubles = self.troubles.iter().filter(|t| keep(t.source, t.domain)).cloned().collect();
        Verdict::of(reasons, troubles, names)
    }

    /// The first target's short name, and where it was read, as one phrase. The name is empty when only something that
    /// can't be read makes the verdict grave.
    pub fn lead(&self) -> (String, String) {
        if let Some(Reason { signal, .. }) = self.winners().next() {
            let what = format!("{} {} {}", signal.source, signal.what, signal.value);
            return (signal.label.clone(), format!("{what} ({})", signal.place));
        }
        match self.troubles.first() {
            Some(trouble) => (String::new(), format!("{} {} {}", trouble.source, trouble.place, trouble.why)),
            None => (String::new(), String::new()),
        }
    }

    /// The reasons that belong to the environment that won.
    pub fn winners(&self) -> impl Iterator<Item = &Reason> {
        let won = self.environment;
        self.reasons.iter().filter(move |reason| won.is_some() && reason.judgement.environment == won)
    }

    /// Whether every line of this tab must go to the guard.
    pub fn is_hot(&self) -> bool {
        self.gravity >= Gravity::Unsure || self.hot_tunnel().is_some()
    }

    /// The first tunnel by which any program of this machine could reach production.
    pub fn hot_tunnel(&self) -> Option<&Tunnel> {
        self.tunnels.iter().find(|tunnel| tunnel.production)
    }

    /// The tunnel that makes the first of the winning reasons what it is.
    pub fn leading_tunnel(&self) -> Option<&Tunnel> {
        let Rule::Tunnel(port) = self.winners().next()?.judgement.rule else { return None };
        self.tunnels.iter().find(|tunnel| tunnel.port == Some(port) && tunnel.production)
    }
}
