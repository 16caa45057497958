//! What lines of every shell would run: a table of lines and the whole answer for each, and the properties that hold
//! for all lines. The table is `tests/data/runs.tsv`: shell, line (`\n`, `\t`, `\\` escaped), runs.

#![allow(clippy::panic)] // a table that can't be read is a failed test

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

fn with_variables(line: &str, name: &str, variables: &[(&str, &str)]) -> String {
    let variables: Vec<(String, String)> =
        variables.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    let exported = [("e".to_string(), "e.sh".to_string())];
    let definitions = Definitions {
        variables: &variables,
        exported: &exported,
        toplevel: Some("/src/app"),
        ..Definitions::default()
    };
    let runs = resolve(line, Dialect::typed(shell(name)), definitions);
    runs.iter().map(shown).collect::<Vec<_>>().join(" ;; ")
}

#[test]
fn variables_of_the_shell_are_put_in() {
    let known = [
        ("d", "/srv/x"),
        ("f", "a.sh"),
        ("two", "sh a.sh"),
        ("list", "sh"),
        ("list", "b c.sh"),
        ("none", ""),
        ("star", "/bin/ni?e"),
        ("url", "postgres://db/x?a=b"),
        ("_", "x"),
        ("e", "e.sh"),
        ("HOME", "/home/ana"),
        ("RANDOM", "17"),
        ("DB_PASSWORD", "hunter2"),
    ];
    let mut wrong: Vec<String> = Vec::new();
    for (name, line, wanted) in [
        ("bash", "$d/a.sh", "$d/a.sh"),
        ("bash", "\"${d}/a.sh\" \"$f\"", "$d/a.sh $f"),
        ("bash", "bash \"$f\"", "bash: $f"),
        ("fish", "bash $f", "bash: $f"),
        ("zsh", "bash $f", "bash: $f"),
        // Only bash cuts; zsh may have been told to.
        ("bash", "$two", "sh: $two"),
        ("zsh", "$two", "? runs a program that only the shell can name: $two"),
        ("fish", "$two", "$two"),
        ("bash", "\"$two\"", "$two"),
        ("bash", "\"${list[@]}\"", "sh: $list[@]"),
        ("zsh", "\"${list[@]}\"", "sh: $list[@]"),
        ("zsh", "$list", "? runs a program that only the shell can name: $list"),
        ("fish", "$list", "sh: $list"),
        ("bash", "sh -c \"${list[*]}\"", "sh: b c.sh"),
        ("bash", "$list", "bash"),
        ("fish", "bash $list[2]", "bash: $list[2]"),
        ("fish", "bash $list[-1]", "? runs a file that only the shell can name: $list[-1]"),
        ("zsh", "bash \"$list[2]\" x", "bash: $list[2] x"),
        ("zsh", "bash $f[2]", "? runs a file that only the shell can name: $f[2]"),
        ("bash", "bash \"${list[1]}\"", "bash: $list[1]"),
        ("fish", "bash \"$list\"", "bash: $list"),
        ("fish", "bash $$f", "? runs a file that only the shell can name: $$f"),
        ("zsh", "bash $f:h", "? runs a file that only the shell can name: $f:h"),
        ("zsh", "bash $=f", "? runs a file that only the shell can name: $=f"),
        // What becomes nothing is no word.
        ("bash", "$none sh a.sh", "sh: a.sh"),
        ("zsh", "$none$none sh a.sh", "sh: a.sh"),
        ("bash", "x=; $x sh a.sh", "sh: a.sh {x=}"),
        ("bash", "\"$none\" sh a.sh", ""),
        // A pattern may become anything.
        ("bash", "$star sh", "? runs a program that only the shell can name: $star sh"),
        ("bash", "rm \"$star\"", "rm $star"),
        ("bash", "psql $url", "psql $url"),
        ("bash", "kubectl --context $f delete ns x", "kubectl --context $f delete ns x"),
        ("bash", "kubectl --context=\"$f\" get f", "kubectl --context=$f get f"),
        // Programs see what is exported, and behind sudo not even that.
        ("bash", "bash -c 'sh $f'", "? runs a file that only the shell can name: $f"),
        ("bash", "bash -c 'sh $e'", "sh: $e"),
        ("bash", "sudo bash -c 'sh $e'", "? runs a file that only the shell can name: $e"),
        ("bash", "sudo bash $e", "bash: $e"),
        ("bash", "g() { sh $f; }; g", "function g ;; sh: $f"),
        // What the line may have set meanwhile is not what it was.
        ("bash", "f=b.sh; sh $f", "sh: b.sh {f=b.sh}"),
        ("bash", "let f=1; sh $f", "let f=1 ;; ? runs a file that only the shell can name: $f"),
        ("bash", "read -r $x; sh $f", "read -r $x ;; ? runs a file that only the shell can name: $f"),
        ("bash", "for f in x y; do sh $f; done", "? runs a file that only the shell can name: $f"),
        ("bash", "sh ${f:=x}", "? runs a file that only the shell can name: $f:=x"),
        ("bash", "printf -v $d x; sh $f", "printf -v $d x ;; ? runs a file that only the shell can name: $f"),
        ("fish", "set $d x; sh $f", "? runs a file that only the shell can name: $f {anything}"),
        ("fish", "set $q x; sh $f", "? runs a file that only the shell can name: $f {anything}"),
        (
            "bash",
            ". ./env; sh $f",
            "source: ./env ;; ? runs a file that only the shell can name: $f {env<./env}",
        ),
        ("bash", "sh $RANDOM", "? runs a file that only the shell can name: $RANDOM"),
        ("bash", "touch a.sh; sh $_", "touch a.sh ;; ? runs a file that only the shell can name: $_"),
        ("bash", "~/x $HOME/y", "~/x ~/y"),
        // Another machine has its own.
        ("bash", "ssh h 'sh $f'", "ssh h sh $f ;; ? runs a file that only the shell can name: $f @h"),
        ("bash", "mysql -p$DB_PASSWORD", "mysql -p$DB_PASSWORD"),
        // What prints a name.
        ("bash", "$(git rev-parse --show-toplevel)/a.sh", "git rev-parse --show-toplevel ;; /src/app/a.sh"),
        (
            "bash",
            "cd /x; \"$(git rev-parse --show-toplevel)\"/a.sh",
            "git rev-parse --show-toplevel {cwd=/x} ;; ? runs a program that only the shell can name: $(…)/a.sh {cwd=/x}",
        ),
        ("fish", "(pwd)/a.sh", "pwd ;; ./a.sh"),
        ("bash", "`pwd`/a.sh", "pwd ;; ./a.sh"),
        ("zsh", "sh $(dirname $d)/a.sh", "dirname $d ;; sh: /srv/a.sh"),
        ("bash", "$(basename a/sh) a.sh", "basename a/sh ;; sh: a.sh"),
        ("bash", "$(echo 'sh a.sh')", "echo sh a.sh ;; ? runs a program that only the shell can name: $(…)"),
        ("bash", "$(echo) sh", "echo ;; ? runs a program that only the shell can name: $(…) sh"),
        ("bash", "bash $(echo -x) a", "echo -x ;; ? runs a file that only the shell can name: $(…) a"),
        ("bash", "$(mktemp) x", "mktemp ;; ? runs a program that only the shell can name: $(…) x"),
        (
            "bash",
            "find x -name '*.sh' -exec sh {} \\;",
            "find x -name *.sh -exec sh {} ; ;; ? runs a file that only the shell can name: x/**/*.sh",
        ),
        ("bash", "find x -name y -exec rm {} +", "find x -name y -exec rm {} + ;; rm x/{}"),
        (
            "bash",
            "find x \\( -name a -o -name b \\) -exec sh {} \\;",
            "find x ( -name a -o -name b ) -exec sh {} ; ;; ? runs a file that only the shell can name: x/{}",
        ),
        (
            "bash",
            "find x -maxdepth 1 -type f -name a -exec sh {} +",
            "find x -maxdepth 1 -type f -name a -exec sh {} + ;; ? runs a file that only the shell can name: x/a",
        ),
        ("bash", "fd -e sh -x", "fd -e sh -x ;; ? runs a program that only the shell can name: ./**/*.sh"),
    ] {
        let got = with_variables(line, name, &known);
        if got != wanted {
            wrong.push(format!("{name}: {line}\n  wanted {wanted}\n  got    {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn with(line: &str, name: &str, aliases: &[(&str, &str)], functions: &[(&str, &str)]) -> Vec<String> {
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
    };
    let (aliases, functions) = (owned(aliases), owned(functions));
    let definitions = Definitions { aliases: &aliases, functions: &functions, ..Definitions::default() };
    resolve(line, Dialect::typed(shell(name)), definitions).iter().map(shown).collect()
}

#[test]
fn aliases_and_functions_of_the_tab_are_followed() {
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)], &'a [&'a str]);
    let table: &[Case] = &[
        ("bash", "c", &[("c", "./x.sh")], &[], &["./x.sh"]),
        ("bash", "c a b", &[("c", "./x.sh -v")], &[], &["./x.sh -v a b"]),
        ("bash", "\\c", &[("c", "./x.sh")], &[], &["c"]),
        ("bash", "'c'", &[("c", "./x.sh")], &[], &["c"]),
        ("bash", "command c", &[("c", "./x.sh")], &[], &["c"]),
        ("bash", "echo c", &[("c", "./x.sh")], &[], &["echo c"]),
        ("bash", "c", &[("c", "d"), ("d", "./x.sh a")], &[], &["./x.sh a"]),
        ("bash", "ls", &[("ls", "ls --color")], &[], &["ls --color"]),
        ("bash", "c", &[("c", "d"), ("d", "c")], &[], &["c"]),
        ("bash", "sudo c", &[("c", "./x.sh")], &[], &["c"]),
        ("bash", "sudo c", &[("sudo", "sudo "), ("c", "./x.sh")], &[], &["./x.sh"]),
        ("bash", "c", &[("c", "A=b ./x.sh")], &[], &["./x.sh {A=b}"]),
        ("bash", "c; ./y.sh", &[("c", "cd /srv && ls")], &[], &["ls {cwd=/srv}", "./y.sh {cwd=/srv}"]),
        ("bash", "c d", &[("c", "./x.sh |")], &[], &["./x.sh", "d <|"]),
        ("bash", "f a", &[], &[("f", "./x.sh \"$@\"")], &["function f a", "./x.sh a"]),
        ("bash", "f; ./y.sh", &[], &[("f", "export A=b")], &["function f", "./y.sh {A=b}"]),
        ("bash", "f", &[], &[("f", "g"), ("g", "f; ./x.sh")], &["function f", "function g", "f", "./x.sh"]),
        (
            "bash",
            "kubectl get pods",
            &[],
            &[("kubectl", "command kubectl \"$@\"")],
            &["function kubectl get pods", "kubectl get pods"],
        ),
        ("bash", "bash -c f", &[], &[("f", "./x.sh")], &["f"]),
        ("bash", "eval f", &[], &[("f", "./x.sh")], &["function f", "./x.sh"]),
        ("zsh", "f && g", &[("g", "./y.sh")], &[("f", "./x.sh # all")], &["function f", "./x.sh", "./y.sh"]),
        ("fish", "f a", &[], &[("f", "./x.sh $argv")], &["function f a", "./x.sh a"]),
        ("fish", "gc", &[("gc", "git commit; ./x.sh")], &[], &["git commit", "./x.sh"]),
    ];
    for (name, line, aliases, functions, wanted) in table {
        assert_eq!(with(line, name, aliases, functions), *wanted, "{name}: {line}");
    }
}

#[test]
fn an_unclear_run_carries_every_word_that_could_be_a_program() {
    for line in [
        "$x ./x.sh",
        "for i in ./x.sh; do $i; done",
        "echo './x.sh",
        "echo ./x.sh | xargs -I{} {}",
        "a=(./x.sh); ${a[0]}",
        "${y:-./x.sh}",
        "{./x.sh,a}",
        "$(printf ./x.sh)",
    ] {
        let runs = resolve(line, Dialect::typed(Shell::Bash), Definitions::default());
        let carried = runs.iter().any(|run| matches!(&run.what, What::Unclear { words, .. } if words.iter().any(|word| word == "./x.sh")));
        assert!(carried, "{line}");
    }
}

#[test]
fn runs_know_where_in_the_text_they_stand() {
    let text = "echo a\nif b; then\n  eval './x.sh'\nfi\n";
    let runs = resolve(text, Dialect::script(Shell::Bash), Definitions::default());
    let lines: Vec<usize> = runs.iter().map(|run| text[..run.at].matches('\n').count() + 1).collect();
    assert_eq!(lines, [1, 2, 3]);
}
