//! What must hold for every line: an answer without panic in linear time, and no wrapping that loses a hit.
//! `REDTAB_FUZZ_LINES` sets how many random lines are tried (the default fits a CI run).

#![allow(clippy::panic)] // a table that can't be read is a failed test

#[path = "support/lines.rs"]
mod lines;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use redtab::guard::line::{Dialect, Shell, loose_words, parse};
use redtab::guard::rules::{built_in, matches, mentions};
use redtab::guard::runs::{Definitions, What, resolve};

use lines::{Looser, Random, SHELLS, repeated, seeds, wrappings};

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
    let mut random = Random::new(seed);
    let definitions = [("a".to_string(), "b | sudo ".to_string()), ("b".to_string(), "a; x".to_string())];
    let functions =
        [("f".to_string(), "f; g \"$@\"".to_string()), ("g".to_string(), "eval $1; f".to_string())];
    let definitions = Definitions { aliases: &definitions, functions: &functions, ..Definitions::default() };
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
    let mut looser = Vec::new();
    for count in 0..lines / 8 {
        let line = random.line(&seeds);
        looser.extend(Looser::found(&line, SHELLS[count % 3]).map(|found| found.to_string()));
    }
    assert!(looser.is_empty(), "{}", looser.join("\n"));
    println!("{lines} lines, slowest {:?}: {:?}", slowest.0, slowest.1);
    assert!(slowest.0 < Duration::from_secs(5), "{:?} for {:?}", slowest.0, slowest.1);
}

#[test]
fn long_and_deep_lines_take_linear_time() {
    let mut slow = Vec::new();
    for piece in repeated() {
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
