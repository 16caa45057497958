//! What must hold for every line: an answer without panic in linear time, and no wrapping that loses a hit.
//! `REDTAB_FUZZ_LINES` sets how many random lines are tried (the default fits a CI run).

#![allow(clippy::panic)] // a table that can't be read is a failed test

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use redtab::guard::line::{Dialect, Shell, loose_words, parse};
use redtab::guard::rules::{built_in, matches, mentions};
use redtab::guard::runs::{Definitions, What, resolve};

const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// Pieces that mean something to a parser, and some that mean something to a rule.
const PIECES: &[&str] = &[
    " ",
    " ",
    " ",
    "\n",
    ";",
    "&",
    "&&",
    "||",
    "|",
    "|&",
    "&!",
    ";;",
    "(",
    ")",
    "{",
    "}",
    "((",
    "))",
    "[[",
    "]]",
    "$(",
    "`",
    "'",
    "\"",
    "\\",
    "\\\n",
    "$'",
    "$\"",
    "${",
    "$((",
    "<(",
    ">(",
    "=(",
    "<<E",
    "<<-'E'",
    "\nE\n",
    "<<<",
    ">",
    ">>",
    "2>&1",
    "&>",
    "{fd}>",
    "<",
    "#",
    " #",
    "*",
    "?",
    "[a-z]",
    "{a,b}",
    "{1..3}",
    "~",
    "=",
    "+=",
    "a=",
    "a=(",
    "$x",
    "$@",
    "${x:-",
    "$1",
    "if ",
    "then ",
    "elif ",
    "else ",
    "fi",
    "for i in ",
    "for ((",
    "while ",
    "until ",
    "do ",
    "done",
    "case x in ",
    "esac",
    "x) ",
    "function f ",
    "f() ",
    "select ",
    "coproc ",
    "time ",
    "! ",
    "repeat 3 ",
    "always ",
    "foreach x (",
    "begin ",
    "end",
    "and ",
    "or ",
    "not ",
    "switch x ",
    "case ",
    "sudo ",
    "env ",
    "env -S ",
    "xargs ",
    "find . -exec ",
    " {} ",
    " \\; ",
    "bash -c ",
    "sh ",
    "eval ",
    "source ",
    ". ",
    "cd ",
    "export ",
    "set -x ",
    "alias ",
    "trap ",
    "ssh web ",
    "docker exec c ",
    "kubectl exec p -- ",
    "kubectl delete ns ",
    "make ",
    "npm run ",
    "psql -c ",
    "drop table ",
    "rm -rf ",
    "/",
    "watch ",
    "parallel ",
    ":::",
    "flock l ",
    "python -c ",
    "exec ",
    "command ",
    "x",
    "y",
    "é",
    "\u{202e}",
    "\u{0}",
    "\r",
    "\t",
    "-",
    "--",
    "-c",
    "1",
    "0",
    ",",
    "..",
    "%",
    "^",
    "@(",
    "!(",
    "*(e:",
    "~/",
];

/// A small generator of our own: the same lines in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn line(&mut self, seeds: &[String]) -> String {
        if self.below(4) == 0 {
            let seed = self.below(seeds.len());
            return self.mutated(&seeds[seed], seeds);
        }
        let len = 1 + self.below(24);
        (0..len).map(|_| PIECES[self.below(PIECES.len())]).collect()
    }

    fn mutated(&mut self, seed: &str, seeds: &[String]) -> String {
        let mut letters: Vec<char> = seed.chars().collect();
        for _ in 0..1 + self.below(4) {
            let at = self.below(letters.len() + 1);
            match self.below(4) {
                0 if at < letters.len() => {
                    letters.remove(at);
                }
                1 => letters.truncate(at),
                2 => {
                    let other: Vec<char> = seeds[self.below(seeds.len())].chars().collect();
                    letters.splice(at..at, other);
                }
                _ => {
                    letters.splice(at..at, PIECES[self.below(PIECES.len())].chars());
                }
            }
        }
        letters.into_iter().collect()
    }
}

fn seeds() -> Vec<String> {
    let table = include_str!("data/runs.tsv");
    let lines = table.lines().filter_map(|row| row.split('\t').nth(1)).map(|line| line.replace("\\n", "\n"));
    let examples =
        built_in().iter().flat_map(|rule| rule.stops.iter().chain(rule.passes)).map(|line| line.to_string());
    lines.chain(examples).collect()
}

fn ids(line: &str, shell: Shell) -> BTreeSet<&'static str> {
    let runs = resolve(line, Dialect::typed(shell), Definitions::default());
    runs.iter().flat_map(matches).map(|hit| hit.rule.id).collect()
}

#[test]
fn any_line_gets_an_answer() {
    let lines: usize = std::env::var("REDTAB_FUZZ_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let seed =
        std::env::var("REDTAB_FUZZ_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(0x9e37_79b9_7f4a_7c15);
    let seeds = seeds();
    let mut random = Random(seed);
    let definitions = [("a".to_string(), "b | sudo ".to_string()), ("b".to_string(), "a; x".to_string())];
    let functions =
        [("f".to_string(), "f; g \"$@\"".to_string()), ("g".to_string(), "eval $1; f".to_string())];
    let definitions = Definitions { aliases: &definitions, functions: &functions };
    let mut slowest = (Duration::ZERO, String::new());
    for count in 0..lines {
        let line = random.line(&seeds);
        let shell = SHELLS[count % 3];
        let time = || {
            let start = Instant::now();
            let runs = resolve(&line, Dialect::typed(shell), definitions);
            let hits: usize = runs.iter().map(|run| matches(run).len()).sum();
            assert!(hits < 1_000_000);
            start.elapsed()
        };
        // A busy machine stalls any line now and then; a slow line is slow every time.
        let mut took = time();
        for _ in 0..4 {
            if took > slowest.0 {
                took = took.min(time());
            }
        }
        if took > slowest.0 {
            slowest = (took, line);
        }
    }
    println!("{lines} lines, slowest {:?}: {:?}", slowest.0, slowest.1);
    assert!(slowest.0 < Duration::from_secs(5), "{:?} for {:?}", slowest.0, slowest.1);
}

#[test]
fn long_and_deep_lines_take_linear_time() {
    let mut slow = Vec::new();
    for piece in PIECES.iter().copied().chain([
        "a;",
        "A=1;",
        "export A=1;",
        "a|",
        "$(a ",
        "\"$(",
        "{a,",
        "[",
        "`\\",
        "f(){ a;};f;",
        "/*",
        "$a$",
        "'",
        "rm rm ",
        "sudo ",
        "env -S \"",
        "find -exec ",
        "x=(",
        "<<E ",
        "a() ",
        "((",
        "$((",
        "psql -c 'delete from a' ;",
        "if a;",
        "cat <<E\nE\n",
        "delete from ",
        "{ ",
        "( ",
        "begin;",
        "case a in (",
        "eval 'eval ",
        "bash -c \"bash -c ",
        "echo drop table x | psql;",
        "$x kubectl delete ns ",
        "a && ",
        "cd a;",
        "docker run ",
        "xargs ",
        "kubectl exec a -- ",
    ]) {
        let line: String = piece.repeat(64 * 1024 / piece.len());
        for shell in SHELLS {
            let start = Instant::now();
            let runs = resolve(&line, Dialect::typed(shell), Definitions::default());
            let hits: usize = runs.iter().map(|run| matches(run).len()).sum();
            let took = start.elapsed();
            println!("{took:?}\t{shell:?}\t{piece:?}\t{} runs, {hits} hits", runs.len());
            if took > Duration::from_secs(10) {
                slow.push(format!("{piece:?} ({shell:?}): {took:?}"));
            }
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}

#[test]
fn a_line_that_is_too_long_is_unclear_with_all_its_words() {
    let line = format!("{} ./cleanup.sh", "x ".repeat(600_000));
    for shell in SHELLS {
        let runs = resolve(&line, Dialect::typed(shell), Definitions::default());
        let [run] = runs.as_slice() else { panic!("{} runs", runs.len()) };
        match &run.what {
            What::Unclear { words, .. } => assert!(words.iter().any(|word| word == "./cleanup.sh")),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn nesting_beyond_the_limit_is_unclear() {
    for (open, close) in [("$(", ")"), ("( ", ")"), ("{ ", ";}"), ("\"$(", ")\""), ("${x:-", "}")] {
        let line = format!("{}./cleanup.sh{}", open.repeat(200), close.repeat(200));
        let parsed = parse(&line, Dialect::typed(Shell::Bash));
        assert_eq!(parsed.trouble, Some("is nested too deep"), "{open}");
        let runs = resolve(&line, Dialect::typed(Shell::Bash), Definitions::default());
        assert!(runs.iter().any(|run| matches!(&run.what, What::Unclear { words, .. } if words.iter().any(|w| w == "./cleanup.sh"))));
    }
    assert!(loose_words("a 'b c'; d=./e|f").contains(&"./e".to_string()));
}

/// Ways to put a line inside another one that runs it.
fn wrappings(line: &str, shell: Shell) -> Vec<String> {
    let quoted = line.replace('\'', "'\\''");
    let mut wrapped = match shell {
        Shell::Fish => vec![format!("begin; {line}\nend"), format!("if true; {line}\nend")],
        _ => vec![
            format!("( {line}\n)"),
            format!("{{ {line}\n}}"),
            format!("if true; then {line}\nfi"),
            format!("for i in 1; do {line}\ndone"),
            format!("echo $( {line}\n)"),
            format!("bash -c '{quoted}'"),
            format!("sudo -u app bash -c '{quoted}'"),
            format!("eval '{quoted}'"),
            format!("f() {{ {line}\n}}; f"),
            format!("bash <<'_END_'\n{line}\n_END_"),
            format!("ssh web '{quoted}'"),
            format!("watch '{quoted}'"),
        ],
    };
    wrapped.push(format!("true && {line}"));
    wrapped.push(format!("true; {line}"));
    if !line.contains('\n') && !line.contains('#') {
        wrapped.push(format!("{line} | cat"));
        wrapped.push(format!("{line} &"));
        wrapped.push(format!("{line} && true"));
    }
    wrapped
}

#[test]
fn no_wrapping_loses_a_hit() {
    let mut lost = Vec::new();
    for rule in built_in() {
        for line in rule.stops {
            for shell in SHELLS {
                let plain = ids(line, shell);
                for wrapped in wrappings(line, shell) {
                    let met = ids(&wrapped, shell);
                    if !plain.is_subset(&met) {
                        lost.push(format!("{shell:?} {wrapped}\n   {plain:?} became {met:?}"));
                    }
                }
            }
        }
    }
    assert!(lost.is_empty(), "{} lost:\n{}", lost.len(), lost.join("\n"));
}

#[test]
fn no_prefix_loses_a_hit() {
    let prefixes = [
        "sudo ",
        "sudo -u app -E ",
        "env A=b ",
        "env -i ",
        "nice -n 5 ",
        "timeout 5 ",
        "nohup ",
        "setsid ",
        "time ",
        "command ",
        "exec ",
        "A=b ",
        "stdbuf -oL ",
        "ionice -c 3 ",
        "find . -exec ",
        "aws-vault exec p -- ",
        "kubectl exec p -- ",
        "docker exec c ",
        "flock /l ",
        "\\",
        "/usr/bin/",
        "op run -- ",
        "direnv exec . ",
    ];
    let mut lost = Vec::new();
    for rule in built_in() {
        // Only simple commands can stand behind a prefix.
        for line in rule.stops.iter().filter(|line| !line.contains(['|', '<', '>', '=', '/', '\n'])) {
            let plain = ids(line, Shell::Bash);
            for prefix in prefixes {
                let line = format!("{prefix}{line}");
                let met = ids(&line, Shell::Bash);
                if !plain.is_subset(&met) {
                    lost.push(format!("{line}\n   {plain:?} became {met:?}"));
                }
            }
        }
    }
    assert!(lost.is_empty(), "{} lost:\n{}", lost.len(), lost.join("\n"));
}

#[test]
fn scripts_of_other_languages_mention_their_rules() {
    let text = "import subprocess\n\nsubprocess.run([\"dropdb\", \"orders\"])\nos.system('kubectl delete ns shop')\n";
    let found: Vec<(usize, &str)> =
        mentions(text).into_iter().map(|(line, hit)| (line, hit.rule.id)).collect();
    assert_eq!(found, [(3, "dropdb"), (4, "kubectl-delete")]);
}
