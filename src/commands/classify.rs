//! `redtab classify`: names in, one judgement each out. It looks at nothing but the names and the configuration, and
//! prints no password.

use std::ffi::OsString;
use std::io::Read;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use crate::cli::Exit;
use crate::environment::{Matcher, Names, Severity};
use crate::escape::{self, terminal};
use crate::present::json;
use crate::signal::{Kind, Part};
use crate::state::RunDir;
use crate::view::View;
use crate::world::World;
use crate::{config, parts};

/// Say how names are judged: one line each, answer<TAB>rule<TAB>word<TAB>name
#[derive(Debug, Args)]
pub struct ClassifyArgs {
    /// What the names are: kube_context, hostname, url, aws_profile, …; any other word means a plain name
    #[arg(long, value_name = "KIND", default_value = "name")]
    pub kind: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Read lines of kind<TAB>name from standard input; a line without a TAB is of --kind
    #[arg(long, conflicts_with = "names")]
    pub stdin: bool,
    #[arg(value_name = "NAME", required_unless_present = "stdin")]
    pub names: Vec<OsString>,
}

/// Judges the names of the command line, or those on standard input, and prints what came of it.
///
/// # Errors
/// Standard input can't be read, or standard output can't be written.
pub fn run(args: &ClassifyArgs) -> Result<Exit> {
    let asked = if args.stdin {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("standard input can't be read")?;
        asked_in(&String::from_utf8_lossy(&bytes), &args.kind)
    } else {
        args.names.iter().map(|name| Asked::new(&args.kind, name.to_string_lossy())).collect()
    };
    let world = World::of_this_process();
    let run_dir = RunDir::open(&world).ok();
    let loaded = config::load(&View::new(&world), run_dir.as_ref().map(|dir| dir as _));
    if !loaded.problems.is_empty() {
        super::say(&config::render(&loaded.problems, world.home().as_deref()));
    }
    super::print(&report(&loaded.config.names, &asked, args.json)?)?;
    Ok(Exit::Yes)
}

/// One name to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The kind's word as it was given; one that redtab doesn't know means a plain name.
    pub kind: String,
    pub name: String,
}

impl Asked {
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Asked {
        Asked { kind: kind.into(), name: name.into() }
    }
}

/// The names in lines of `kind<TAB>name`; a line without a TAB is of kind `fallback`.
pub fn asked_in(text: &str, fallback: &str) -> Vec<Asked> {
    text.lines()
        .map(|line| match line.split_once('\t') {
            Some((kind, name)) => Asked::new(kind.trim(), name),
            None => Asked::new(fallback, line),
        })
        .collect()
}

#[derive(Serialize)]
struct Report {
    version: u32,
    names: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    kind: String,
    name: String,
    answer: &'static str,
    environment: Option<String>,
    rule: String,
    word: String,
}

/// What the command prints for these names, judged by `names`: lines, or one line of JSON.
///
/// # Errors
/// None that is known: JSON of text can always be written.
pub fn report(names: &Names, asked: &[Asked], json: bool) -> Result<String> {
    let matcher = Matcher::new(names);
    let entries = asked.iter().map(|asked| entry(names, &matcher, asked));
    if json {
        let report = Report { version: 1, names: entries.collect() };
        let mut text = plain_json(&serde_json::to_string(&report)?);
        text.push('\n');
        return Ok(text);
    }
    Ok(entries.map(|entry| line(&entry)).collect())
}

fn entry(names: &Names, matcher: &Matcher, asked: &Asked) -> Entry {
    let kind = Kind::from_word(&asked.kind).unwrap_or(Kind::Name);
    let judgement = matcher.judge(&Part::new(kind, asked.name.as_str()));
    let environment = judgement.environment.and_then(|index| names.environments.get(index));
    let grave = environment.is_some_and(|environment| environment.severity == Severity::Production);
    let answer = match judgement.known {
        _ if grave => "prod",
        true => "nonprod",
        false => "unknown",
    };
    Entry {
        kind: asked.kind.clone(),
        name: parts::shown(kind, &asked.name),
        answer,
        environment: environment.map(|environment| environment.name.to_string()),
        rule: json::rule(&judgement, names),
        word: judgement.word,
    }
}

fn line(entry: &Entry) -> String {
    let word = if entry.word.is_empty() { "-" } else { &entry.word };
    format!("{}\t{}\t{}\t{}\n", entry.answer, terminal(&entry.rule), terminal(word), terminal(&entry.name))
}

/// JSON that is safe to look at: the same value, with such characters as `\uNNNN`. They can only stand in strings.
pub fn plain_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if escape::is_unsafe(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}
