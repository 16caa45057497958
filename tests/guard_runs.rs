//! What lines of every shell would run: a table of lines and the whole answer for each, and the properties that hold
//! for all lines. The table is `tests/data/runs.tsv`: shell, line (`\n`, `\t`, `\\` escaped), runs.

use redtab::guard::line::{Dialect, Shell, Word};
use redtab::guard::runs::{Change, Definitions, Place, Run, Stdin, Value, What, resolve};

const TABLE: &str = include_str!("data/runs.tsv");

fn shell(name: &str) -> Shell {
    match name {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        other => panic!("no such shell: {other}"),
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        match (c, c == '\\') {
            (_, false) => plain.push(c),
            _ => match letters.next() {
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some('\\') => plain.push('\\'),
                other => panic!("no such escape: {other:?}"),
            },
        }
    }
    plain
}

fn value(value: &Value) -> String {
    match value {
        Value::Is(text) => text.clone(),
        Value::Unset => "(unset)".into(),
        Value::Unknown => "(unknown)".into(),
    }
}

fn change(change: &Change) -> String {
    match change {
        Change::Var { name, value: v } => format!("{name}={}", value(v)),
        Change::EmptyEnv => "env=()".into(),
        Change::EnvFile(file) => format!("env<{file}"),
        Change::Cwd(v) => format!("cwd={}", value(v)),
        Change::Target { kind, value: v } => format!("{}={}", kind.as_str(), value(v)),
        Change::Anything => "anything".into(),
    }
}

/// One run on one line: what it is, where, under which changes, what it reads and writes.
fn shown(run: &Run) -> String {
    let argv: Vec<String> = run.argv.iter().map(Word::shown).collect();
    let argv = argv.join(" ");
    let mut text = match &run.what {
        What::Program => argv,
        What::Script { by } => format!("{by}: {argv}"),
        What::Task { tool, names, dir, file } => {
            let mut text = format!("{tool} task {names:?}");
            text.extend(dir.iter().map(|dir| format!(" in {dir}")));
            text.extend(file.iter().map(|file| format!(" of {file}")));
            text
        }
        What::Function => format!("function {argv}"),
        What::Unclear { why, .. } => format!("? {why}: {argv}"),
    };
    for place in &run.places {
        match place {
            Place::Remote(host) => text.push_str(&format!(" @{host}")),
            Place::Container(name) => text.push_str(&format!(" @container {name}")),
        }
    }
    if !run.changes.is_empty() {
        let changes: Vec<String> = run
            .changes
            .iter()
            .map(|c| format!("{}{}", change(&c.change), if c.maybe { "?" } else { "" }))
            .collect();
        text.push_str(&format!(" {{{}}}", changes.join(", ")));
    }
    match &run.stdin {
        Stdin::Inherited => {}
        Stdin::Text(given) => text.push_str(&format!(" <<{given:?}")),
        Stdin::File(file) => text.push_str(&format!(" <{}", file.shown())),
        Stdin::Pipe => text.push_str(" <|"),
    }
    run.writes.iter().for_each(|file| text.push_str(&format!(" >{}", file.shown())));
    text
}

fn answer(name: &str, line: &str) -> String {
    let runs = resolve(line, Dialect::typed(shell(name)), Definitions::default());
    let shown: Vec<String> = runs.iter().map(shown).collect();
    shown.join(" ;; ").replace('\n', "\\n").replace('\t', "\\t")
}

#[test]
fn lines_run_what_the_table_says() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    for row in TABLE.lines().filter(|row| !row.is_empty()) {
        let mut columns = row.splitn(3, '\t');
        let (Some(name), Some(line), wanted) = (columns.next(), columns.next(), columns.next().unwrap_or(""))
        else {
            panic!("not a row: {row}");
        };
        cases += 1;
        let got = answer(name, &unescape(line));
        if got != wanted {
            wrong.push(format!("{name}\t{line}\n  wanted {wanted}\n  got    {got}"));
        }
    }
    assert!(cases >= 300, "only {cases} cases");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
