//! The core stays a core: values in, values out. Its modules reach std (less the parts that touch the machine), each
//! other, and nothing else.
//!
//! Reads the sources as text, so a path made by a macro escapes it. Unit tests at the end of a file are exempt.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use std::fs;
use std::path::{Path, PathBuf};

/// The core's modules, those that are there yet: files under `src`, and every file below a directory.
const CORE: [&str; 11] = [
    "signal",
    "environment",
    "words",
    "parts",
    "verdict",
    "address",
    "tab",
    "escape",
    "idle",
    "ladder",
    "guard",
];

/// Parts of std that touch the machine.
const EDGES: [&str; 16] = [
    "std::env",
    "std::fs",
    "std::process",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::net::ToSocketAddrs",
    "std::os",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::time::UNIX_EPOCH",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::sync::mpsc",
];

/// Crates of pure functions that one core file may use.
const ALLOWED: [(&str, &str); 1] = [("escape.rs", "unicode_width")];

/// Macros that read the environment or print.
const MACROS: [&str; 8] = ["print", "println", "eprint", "eprintln", "dbg", "env", "option_env", "include"];

fn source(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// The Rust files of one core module, with the name that a failure calls them.
fn files_of(module: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        [source(&format!("src/{module}.rs"))].into_iter().filter(|f| f.exists()).collect();
    let mut dirs = vec![source(&format!("src/{module}"))];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") && !path.ends_with("tests.rs") {
                found.push(path);
            }
        }
    }
    found
}

/// Cargo.toml's dependencies as paths name them.
fn dependencies() -> Vec<String> {
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(source("Cargo.toml")).unwrap()).unwrap();
    let of = |table: &str| manifest[table].as_table().unwrap().keys().map(|name| name.replace('-', "_"));
    of("dependencies").chain(of("dev-dependencies")).collect()
}

/// A source file's words and punctuation, without comments, literals and unit tests.
fn tokens(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut rest: Vec<char> = text.chars().collect();
    rest.reverse();
    let mut tokens = Vec::new();
    while let Some(first) = rest.pop() {
        let second = rest.last().copied();
        match (first, second) {
            ('/', Some('/')) => while rest.pop().is_some_and(|c| c != '\n') {},
            ('/', Some('*')) => {
                let mut last = ' ';
                while let Some(c) = rest.pop() {
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
            }
            ('r', Some('"' | '#')) => raw_string(&mut rest),
            ('"', _) => while rest.pop().is_some_and(|c| c != '"' && (c != '\\' || rest.pop().is_some())) {},
            // A character, not a lifetime: 'x' or '\…'.
            ('\'', Some('\\')) => {
                rest.truncate(rest.len() - 2);
                while rest.pop().is_some_and(|c| c != '\'') {}
            }
            ('\'', Some(_)) if rest.len() > 1 && rest[rest.len() - 2] == '\'' => {
                rest.truncate(rest.len() - 2)
            }
            (':', Some(':')) => {
                rest.pop();
                tokens.push("::".to_string());
            }
            (c, _) if c.is_alphabetic() || c == '_' => {
                let mut word = c.to_string();
                while let Some(c) = rest.pop_if(|c| c.is_alphanumeric() || *c == '_') {
                    word.push(c);
                }
                tokens.push(word);
            }
            (c, _) if c.is_whitespace() => {}
            (c, _) => tokens.push(c.to_string()),
        }
    }
    tokens
}

/// Passes over what follows the `r` of a raw string (or of a raw name).
fn raw_string(rest: &mut Vec<char>) {
    let mut hashes = 0;
    while rest.pop_if(|c| *c == '#').is_some() {
        hashes += 1;
    }
    if rest.pop_if(|c| *c == '"').is_none() {
        return;
    }
    while let Some(c) = rest.pop() {
        if c == '"' && rest.len() >= hashes && rest[rest.len() - hashes..].iter().all(|c| *c == '#') {
            rest.truncate(rest.len() - hashes);
            return;
        }
    }
}

/// Words that no path goes on from: `use ::std` is a path that starts with `::`.
const KEYWORDS: [&str; 12] =
    ["use", "as", "in", "for", "impl", "dyn", "mut", "return", "where", "else", "match", "if"];

/// Every path of two or more names, groups like `std::{env, fs}` spelt out.
fn paths(tokens: &[String]) -> Vec<String> {
    let is_name = |token: &String| token.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let mut found = Vec::new();
    let mut groups: Vec<Option<String>> = Vec::new();
    let mut path = String::new();
    for (at, token) in tokens.iter().enumerate() {
        let after_colons = at > 0 && tokens[at - 1] == "::";
        let base = groups.iter().rev().find_map(Option::clone).unwrap_or_default();
        match token.as_str() {
            "::" => {}
            "{" if after_colons => groups.push(Some(path.clone())),
            "{" => groups.push(None),
            "}" => _ = groups.pop(),
            _ if !is_name(token) || KEYWORDS.contains(&token.as_str()) => path.clear(),
            name if after_colons => path = format!("{path}::{name}"),
            name if groups.last().is_some_and(Option::is_some) => path = format!("{base}::{name}"),
            name => path = name.to_string(),
        }
        let goes_on = tokens.get(at + 1).is_some_and(|next| next == "::");
        if is_name(token) && !goes_on && path.contains("::") {
            found.push(path.trim_start_matches("::").to_string());
        }
    }
    found
}

/// What is wrong with one core file, one sentence each.
fn offences(name: &str, text: &str, dependencies: &[String]) -> Vec<String> {
    let tokens = tokens(text);
    let macros = tokens.windows(2).filter(|w| w[1] == "!" && MACROS.contains(&w[0].as_str()));
    let mut found: Vec<String> = macros.map(|w| format!("{name} calls {}!", w[0])).collect();
    for path in paths(&tokens) {
        let mut names = path.split("::");
        let (first, second) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        let at_edge = EDGES.iter().any(|edge| path == *edge || path.starts_with(&format!("{edge}::")));
        let foreign = dependencies.iter().any(|dependency| dependency == first)
            && !ALLOWED.contains(&(name, first))
            || first == "redtab";
        let outside = first == "crate" && !CORE.contains(&second);
        if at_edge || foreign || outside {
            found.push(format!("{name} reaches {path}"));
        }
    }
    found
}

#[test]
fn the_core_reaches_nothing_but_the_core() {
    let dependencies = dependencies();
    let files: Vec<PathBuf> = CORE.iter().flat_map(|module| files_of(module)).collect();
    assert!(files.len() >= 2, "the core was not found");
    let check = |file: &PathBuf| {
        let name = file.strip_prefix(source("src")).unwrap().display().to_string();
        offences(&name, &fs::read_to_string(file).unwrap(), &dependencies)
    };
    let found: Vec<String> = files.iter().flat_map(check).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn reaching_out_is_found_however_it_is_spelt() {
    let cases = [
        ("use std::env;", "x.rs reaches std::env"),
        ("use std::{fmt, fs::File};", "x.rs reaches std::fs::File"),
        ("use std::{collections::{HashMap}, time::{Duration, Instant}};", "x.rs reaches std::time::Instant"),
        ("fn f() { let t = std::time::SystemTime::now(); }", "x.rs reaches std::time::SystemTime::now"),
        ("use ::std::process::Command;", "x.rs reaches std::process::Command"),
        ("use crate::world::World;", "x.rs reaches crate::world::World"),
        ("use crate::{signal::Kind, view::View};", "x.rs reaches crate::view::View"),
        ("fn f(view: &crate::view::View) {}", "x.rs reaches crate::view::View"),
        ("use rustix::fs::open;", "x.rs reaches rustix::fs::open"),
        ("fn f() { let s = 'a'; let n = libc::getpid(); }", "x.rs reaches libc::getpid"),
        ("fn f<'a>(s: &'a str) { serde_json::to_string(s); }", "x.rs reaches serde_json::to_string"),
        ("use unicode_width::UnicodeWidthStr;", "x.rs reaches unicode_width::UnicodeWidthStr"),
        ("fn f() { println!(\"{}\", 1) }", "x.rs calls println!"),
        ("const HOME: &str = env!(\"HOME\");", "x.rs calls env!"),
    ];
    for (text, offence) in cases {
        assert_eq!(offences("x.rs", text, &dependencies()), [offence], "{text}");
    }
}

#[test]
fn the_core_may_reach_std_and_the_core() {
    let cases = [
        "use std::{fmt::{self, Write}, collections::HashMap, time::Duration};",
        "use crate::{signal::{Kind, Part}, guard::rules};",
        "// std::fs::read\n/* std::env */ const A: &str = \"std::env::var \\\" std::fs\"; const B: char = '\"';",
        "const A: &str = r#\"use std::env; \"quoted\" \"#; struct env; enum E { env { a: u8 } }",
        "use super::Kind; use self::inner::f; fn g() { Kind::Url; let path = path::fs; }",
        "fn f() {}\n#[cfg(test)]\nmod tests { use proptest::prelude::*; use std::fs; }",
    ];
    for text in cases {
        assert!(
            offences("x.rs", text, &dependencies()).is_empty(),
            "{text}: {:?}",
            offences("x.rs", text, &[])
        );
    }
    assert!(offences("escape.rs", "use unicode_width::UnicodeWidthStr;", &dependencies()).is_empty());
}
