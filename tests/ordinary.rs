//! Ordinary work as noise: what the rules meet among thousands of everyday command lines, with production everywhere.
//! The lines are no part of the project; where they are absent the test says so and returns.

use std::path::PathBuf;

use redtab::guard::line::{Dialect, Shell};
use redtab::guard::rules::{Level, matches};
use redtab::guard::runs::{Definitions, What, resolve};

fn lines() -> Option<String> {
    let path = match std::env::var_os("REDTAB_ORDINARY_COMMANDS") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/ordinary-commands.txt"),
    };
    std::fs::read_to_string(path).ok()
}

/// First words of lines that only look: none of them may be confirmed.
const READS: &[&str] = &[
    "kubectl get",
    "kubectl describe",
    "kubectl logs",
    "kubectl diff",
    "kubectl exec",
    "kubectl top",
    "kubectl config",
    "terraform plan",
    "terraform show",
    "helm list",
    "helm get",
    "aws s3 ls",
    "docker ps",
    "docker logs",
    "docker exec",
    "systemctl status",
    "systemctl list",
    "ls",
    "cat",
    "grep",
    "less",
    "vim",
    "git",
    "ssh ",
    "k9s",
    "man",
    "tldr",
    "echo",
    "ps",
    "top",
    "htop",
    "df",
    "du",
    "psql --list",
    "redis-cli --version",
    "tail",
    "head",
    "curl --head",
];

#[test]
fn ordinary_work_is_not_stopped() {
    let Some(text) = lines() else {
        println!("no ordinary commands here: set REDTAB_ORDINARY_COMMANDS to a file with one command a line");
        return;
    };
    let (mut confirmed, mut warned, mut unclear) = (0usize, 0usize, 0usize);
    let mut total = 0usize;
    let mut wrong = Vec::new();
    for line in text.lines() {
        total += 1;
        let runs = resolve(line, Dialect::typed(Shell::Bash), Definitions::default());
        unclear += usize::from(runs.iter().any(|run| matches!(run.what, What::Unclear { .. })));
        let hits: Vec<_> = runs.iter().flat_map(matches).collect();
        let Some(worst) = hits.iter().max_by_key(|hit| hit.rule.level) else { continue };
        match worst.rule.level {
            Level::Confirm => confirmed += 1,
            Level::Warn => warned += 1,
        }
        println!("{:?}{}\t{}\t{line}", worst.rule.level, if worst.unclear { "?" } else { "" }, worst.rule.id);
        if worst.rule.level == Level::Confirm && READS.iter().any(|read| line.starts_with(read)) {
            wrong.push(format!("{}: {line}", worst.rule.id));
        }
    }
    println!("{total} lines: {confirmed} confirmed, {warned} warned, {unclear} not followed");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A tenth of a percent more is a rule gone wild: look at the list above.
    assert!(confirmed * 100 < total * 5, "{confirmed} of {total} lines are confirmed");
}
