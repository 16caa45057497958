//! The stable JSON answers; docs/protocol.md lists their fields.

use serde_json::{Value, json};

use crate::environment::{Judgement, Names, Rule, Severity};
use crate::present::armed::Armed;
use crate::present::overrule;
use crate::signal::{Place, Trouble, Tunnel};
use crate::sources::login::Login;
use crate::state::tabs::Known;
use crate::survey::Survey;
use crate::verdict::{Gravity, Verdict};

/// `status --json`. `tab` is this tab's key, if it has one.
pub fn status(survey: &Survey, tab: Option<String>, guard: &Armed, login: &Login) -> Value {
    let verdict = &survey.verdict;
    let names = &survey.loaded.config.names;
    let environment =
        |index: Option<usize>| index.and_then(|i| names.environments.get(i)).map(|e| e.name.to_string());
    let signals: Vec<Value> = verdict
        .reasons
        .iter()
        .map(|reason| {
            let signal = &reason.signal;
            json!({
                "source": signal.source,
                "domain": signal.domain.as_str(),
                "what": signal.what,
                "value": signal.value,
                "where": place(&signal.place),
                "scope": signal.scope.as_str(),
                "environment": environment(reason.judgement.environment),
                "rule": rule(&reason.judgement, names),
                "word": reason.judgement.word,
            })
        })
        .collect();
    let troubles: Vec<Value> = verdict.troubles.iter().map(trouble).collect();
    json!({
        "version": 1,
        "tab": tab,
        "verdict": self::verdict(verdict, names),
        "severity": severity(verdict.gravity),
        "unsure": !verdict.troubles.is_empty(),
        "hot": verdict.is_hot(),
        "signals": signals,
        "troubles": troubles,
        "tunnels": survey.connections.tunnels.iter().map(tunnel).collect::<Vec<_>>(),
        "elsewhere": survey.elsewhere,
        "watcher": survey.connections.watcher.as_str(),
        "problems": survey.loaded.problems.iter().map(|problem| problem.line(None)).collect::<Vec<_>>(),
        "guard": { "state": guard.state, "why": guard.why, "shell": guard.shell },
        "doubts": verdict.doubts.iter().map(trouble).collect::<Vec<_>>(),
        "overrule": overrule::lines(survey, None),
        "login": { "state": login.as_str(), "by": login.by() },
    })
}

/// `status --all --json`.
pub fn tabs(known: &[Known]) -> Value {
    let tabs: Vec<Value> = known
        .iter()
        .map(|Known { tab, record }| {
            json!({
                "tab": tab.key(),
                "tty": record.tty,
                "shell": record.shell,
                "pid": record.shell_pid,
                "verdict": record.verdict,
                "severity": record.severity,
                "hot": record.hot,
                "label": record.label,
                "segment": record.segment,
                "guard": record.guard,
                "cwd": record.cwd,
                "tmux": record.tmux.as_ref().map(|tmux| json!({ "socket": tmux.socket, "pane": tmux.pane })),
            })
        })
        .collect();
    json!({ "version": 1, "tabs": tabs })
}

/// The word for a verdict: `clear`, `unsure` or the environment's name.
pub fn verdict(verdict: &Verdict, names: &Names) -> String {
    match verdict.gravity {
        Gravity::Clear => "clear".into(),
        Gravity::Unsure => "unsure".into(),
        Gravity::Caution | Gravity::Production => {
            let environment = verdict.environment.and_then(|i| names.environments.get(i));
            environment.map(|e| e.name.to_string()).unwrap_or_default()
        }
    }
}

fn tunnel(tunnel: &Tunnel) -> Value {
    json!({
        "id": tunnel.id,
        "port": tunnel.port,
        "target": tunnel.label,
        "environment": tunnel.environment,
        "evidence": tunnel.evidence,
        "pid": tunnel.pid,
    })
}

/// The word for a gravity.
pub fn severity(gravity: Gravity) -> &'static str {
    match gravity {
        Gravity::Clear => "none",
        Gravity::Caution => "caution",
        Gravity::Unsure => "unsure",
        Gravity::Production => "production",
    }
}

fn trouble(trouble: &Trouble) -> Value {
    json!({
        "source": trouble.source,
        "domain": trouble.domain.as_str(),
        "what": trouble.what,
        "where": place(&trouble.place),
        "why": trouble.why,
    })
}

fn place(place: &Place) -> String {
    match place {
        Place::Variable(name) => name.clone(),
        Place::Line => "command line".into(),
        Place::File { path, line: Some(line) } => format!("{}:{line}", path.display()),
        Place::File { path, line: None } => path.display().to_string(),
    }
}

/// The rule as one word of `classify` and JSON. The match of an environment that is not production carries its name.
pub fn rule(judgement: &Judgement, names: &Names) -> String {
    let environment = judgement.environment.and_then(|index| names.environments.get(index));
    match &judgement.rule {
        Rule::Match(pattern) => match environment {
            Some(environment) if environment.severity != Severity::Production => {
                format!("{}:{pattern}", environment.name)
            }
            _ => format!("match:{pattern}"),
        },
        Rule::Target => "target".into(),
        Rule::Tunnel(_) => "tunnel".into(),
        Rule::Except(phrase) => format!("except:{phrase}"),
        Rule::Negator(word) => format!("negator:{word}"),
        Rule::Nonproduction(word) => format!("nonproduction:{word}"),
        Rule::Branch => "branch".into(),
        Rule::Nothing => "-".into(),
    }
}
