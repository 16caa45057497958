//! Which lines of a clear tab the guard must see at all, as a regular expression and a list of words that a shell can
//! try without a fork. It lets too much through to the guard, never too little: a line that goes there needlessly costs a
//! millisecond, and the guard decides.

use super::rules;
use crate::signal::Domain;

/// Programs that take a target with them, besides those that the rules know.
const PROGRAMS: &[&str] = &[
    "aws-vault",
    "awsume",
    "assume",
    "autossh",
    "bq",
    "cdk",
    "chamber",
    "clickhouse-client",
    "cqlsh",
    "direnv",
    "doctl",
    "doppler",
    "dotenv",
    "env",
    "et",
    "eval",
    "granted",
    "influx",
    "k",
    "k9s",
    "kubectx",
    "kubens",
    "kubie",
    "kctx",
    "kns",
    "kustomize",
    "mosh",
    "nomad",
    "op",
    "pg_dump",
    "pg_dumpall",
    "rsync",
    "scp",
    "sftp",
    "sqlcmd",
    "sqlplus",
    "ssh",
    "teleport",
    "tsh",
    "use-context",
    "vault",
    "with",
];

/// Words that change where the rest of their line points.
const CHANGES: &str = "export|declare|typeset|local|set|unset|cd|pushd|popd|z|j";

/// Words behind which the name of a script may stand.
const RUNNERS: &str = "sudo|doas|time|nohup|nice|ionice|setsid|stdbuf|timeout|watch|xargs|parallel|flock|command|\
                       builtin|exec|bash|sh|zsh|dash|ksh|fish|python[0-9.]*|ruby|node|deno|bun|perl|php|make|gmake|\
                       npm|npx|yarn|pnpm|just|rake|task|invoke|tox|go|cargo|and|or|not|then|do|else|begin";

/// The pattern: a POSIX extended regular expression that PCRE reads alike. `programs` are part of it where the regular
/// expressions of a shell are fast; glibc takes a millisecond to compile so many words.
pub fn pattern(programs: bool) -> String {
    let start = "(^|[^>][|]|[;&({`\n])[[:space:]]*";
    let word = "(^|[^A-Za-z0-9_.-])";
    let end = "([^A-Za-z0-9_-]|$)";
    let mut parts = vec![
        // A variable is set, and more follows.
        "[A-Z][A-Za-z0-9_]*=[^;&|[:space:]]*[;&|[:space:]]".to_string(),
        format!("{word}({CHANGES})[[:space:]][^;&|\n]*[;&|\n]"),
        format!("{word}(source|[.])[[:space:]]"),
        // A command that is a path out of this directory, or a text that only the guard can read.
        format!("{start}(([.][.]|~|/)|[\"'$`\\\\])"),
        format!("{start}({RUNNERS})[[:space:]]([^;&|\n]*[[:space:]=\"'])?([.][.]|~|/|[$`])"),
    ];
    if programs {
        let names = names().join("|").replace('.', "[.]");
        parts.push(format!("{word}({names}){end}"));
    }
    parts.join("|")
}

/// The words that concern the guard: the programs of every rule whose domain a line can name a target in, and more.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = rules::built_in()
        .iter()
        .filter(|rule| rule.domain != Domain::Host)
        .flat_map(|rule| rule.programs.iter().copied())
        .filter(|name| !name.contains('*'))
        .chain(PROGRAMS.iter().copied())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}
