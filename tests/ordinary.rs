//! Ordinary work as noise: what the rules meet among thousands of everyday command lines, with production everywhere.
//! The lines are no part of the project; where they are absent the test says so and returns.

#![allow(clippy::panic)] // a test fails by panicking

use std::collections::BTreeMap;
use std::path::PathBuf;

use redtab::guard::decide::{Circumstances, gravest};
use redtab::guard::line::{Dialect, Shell};
use redtab::guard::rules::{Level, matches};
use redtab::guard::runs::{Definitions, What, resolve};
use redtab::world::World;

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
    let mut groups = BTreeMap::new();
    for line in text.lines() {
        total += 1;
        let runs = resolve(line, Dialect::typed(Shell::Bash), Definitions::default());
        unclear += usize::from(runs.iter().any(|run| matches!(run.what, What::Unclear { .. })));
        let hits: Vec<_> = runs.iter().flat_map(matches).collect();
        let Some(worst) = hits.iter().max_by_key(|hit| hit.rule.level) else { continue };
        let level = format!("{:?}", worst.rule.level).to_lowercase();
        *groups.entry((level, worst.rule.id.to_string())).or_insert(0usize) += 1;
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
    // Another group, or one more line in a group, is looked at by a person before it is written into the table.
    let mut expected = BTreeMap::new();
    for row in include_str!("data/ordinary.tsv").lines().filter(|row| !row.starts_with('#')) {
        let columns: Vec<&str> = row.split('\t').collect();
        assert!(columns.len() == 4 && columns[3].len() > 5, "no reason: {row}");
        expected.insert(
            (columns[0].to_string(), columns[1].to_string()),
            columns[2].parse::<usize>().unwrap_or(0),
        );
    }
    assert_eq!(groups, expected);
}

/// In a clear tab with a kubeconfig that has production contexts, none of them is stopped or talked about.
#[test]
fn in_a_clear_tab_ordinary_work_is_not_even_mentioned() {
    let Some(text) = lines() else {
        println!("no ordinary commands here: set REDTAB_ORDINARY_COMMANDS to a file with one command a line");
        return;
    };
    let home = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let var = |name: &str, value: &str| (name.into(), value.into());
    let vars = vec![
        var("HOME", &home.path().display().to_string()),
        var("PATH", "/usr/bin:/bin"),
        var("REDTAB_SYSTEM_CONFIG", "/nonexistent"),
    ];
    let world = World { vars, cwd: Some(home.path().to_path_buf()), uid: 0 };
    let mut stopped = Vec::new();
    for line in text.lines() {
        let dialect = Dialect::typed(Shell::Bash);
        let examined = redtab::examine::line(&world, None, line, dialect, Definitions::default());
        let now = Circumstances::default();
        if let Some(finding) = gravest(&examined.findings, &now) {
            stopped.push(format!("{:?} {}: {line}", finding.decision(&now), finding.rule()));
        }
    }
    assert!(stopped.is_empty(), "{} stopped:\n{}", stopped.len(), stopped.join("\n"));
}
