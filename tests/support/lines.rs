//! Random lines, and what must hold for each: shared by the tests of the guard and the long run of
//! `examples/lines.rs`. The same lines in every run with the same seed.
#![allow(dead_code)] // each user takes its own part

use redtab::guard::line::{Dialect, Shell, parse};
use redtab::guard::rules::{Level, built_in, matches};
use redtab::guard::runs::{Definitions, resolve};

/// Every shell whose lines are read.
pub const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// Pieces that mean something to a parser, and some that mean something to a rule.
pub const PIECES: &[&str] = &[
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
pub struct Random(u64);

impl Random {
    /// A generator that starts at `seed`; 0 is none.
    pub fn new(seed: u64) -> Random {
        Random(seed.max(1))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    /// The next line.
    pub fn line(&mut self, seeds: &[String]) -> String {
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

/// Lines that mean something: the table of runs and every rule's examples.
pub fn seeds() -> Vec<String> {
    let table = include_str!("../data/runs.tsv");
    let lines = table.lines().filter_map(|row| row.split('\t').nth(1)).map(|line| line.replace("\\n", "\n"));
    let examples =
        built_in().iter().flat_map(|rule| rule.stops.iter().chain(rule.passes)).map(|line| line.to_string());
    lines.chain(examples).collect()
}

/// Pieces that are repeated to a line of 64 KiB: each is the start of something deep or wide.
pub fn repeated() -> impl Iterator<Item = &'static str> {
    PIECES.iter().copied().chain([
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
    ])
}

/// Ways to put a line inside another one that runs it.
pub fn wrappings(line: &str, shell: Shell) -> Vec<String> {
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

/// A wrapping that the guard takes more lightly than the line in it.
pub struct Looser {
    line: String,
    wrapped: String,
    was: Option<Level>,
    is: Option<Level>,
}

impl Looser {
    /// The first of `( … )`, `{ …; }`, `true && …`, `… | cat` and `bash -c` that is decided more lightly than the line
    /// itself, with every domain on production. Only of a line that is whole: what closes the rest of a broken one is
    /// another line.
    pub fn found(line: &str, shell: Shell) -> Option<Looser> {
        let dialect = Dialect::typed(shell);
        // What closes a brace, or what an operator waits for, is another thing with more behind it.
        let ends_open = line.ends_with('\\')
            || line.contains('\0')
            || line.contains("<<")
            || line.trim_end().ends_with(['&', '|', '!'])
            || (shell == Shell::Zsh && line.contains(['{', '}']));
        // Another shell has other arguments, reads `-x` as its option, and in zsh knows comments.
        let elsewhere = line.contains("$@")
            || line.contains("$1")
            || line.contains("$argv")
            || line.starts_with(['-', '+'])
            || (shell == Shell::Zsh && line.contains('#'))
            || (shell != Shell::Fish && line.contains("alias"));
        if ends_open || parse(line, dialect).trouble.is_some() {
            return None;
        }
        let was = level(line, dialect);
        was?;
        let quoted = match shell {
            Shell::Fish => line.replace('\\', "\\\\").replace('\'', "\\'"),
            _ => line.replace('\'', "'\\''"),
        };
        let name = match shell {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
        };
        let mut wrapped = vec![format!("true && {line}")];
        if !elsewhere {
            wrapped.push(format!("{name} -c '{quoted}'"));
        }
        match shell {
            Shell::Fish => wrapped.push(format!("begin; {line}\nend")),
            // A `}` of the line's own would end the group.
            _ if line.contains('}') => wrapped.push(format!("( {line}\n)")),
            _ => wrapped.extend([format!("( {line}\n)"), format!("{{ {line}\n}}")]),
        }
        // Behind a comment it would be no pipe, and behind another one it would be none of its own.
        if !line.contains(['\n', '#']) && !line.trim_end().ends_with(['&', ';', '|', '!']) {
            wrapped.push(format!("{line} | cat"));
        }
        wrapped.into_iter().find_map(|wrapped| {
            let is = level(&wrapped, dialect);
            (is < was).then(|| Looser { line: line.into(), wrapped, was, is })
        })
    }
}

impl std::fmt::Display for Looser {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Looser { line, wrapped, was, is } = self;
        write!(f, "{line:?} is {was:?}, {wrapped:?} is {is:?}")
    }
}

fn level(line: &str, dialect: Dialect) -> Option<Level> {
    let runs = resolve(line, dialect, Definitions::default());
    runs.iter().flat_map(matches).map(|hit| hit.rule.level).max()
}
