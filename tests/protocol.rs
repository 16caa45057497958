//! docs/protocol.md is the contract between the binary and its hooks: what it shows is what the binary says.

#![allow(clippy::expect_used)]

use std::path::PathBuf;

use redtab::cli::Exit;
use redtab::reply::{Place, Reply, Segment, Watch};
use redtab::shell::Shell;

const PROTOCOL: &str = include_str!("../docs/protocol.md");

/// The first fenced block of `language` in the protocol.
fn block(language: &str) -> &'static str {
    let start =
        PROTOCOL.find(&format!("```{language}\n")).expect("a block of that language") + language.len() + 4;
    let end = PROTOCOL[start..].find("```").expect("its end");
    &PROTOCOL[start..start + end]
}

fn sample() -> Reply {
    Reply {
        segment: Segment { text: "PROD it's本番".into(), style: "97;41".into() },
        place: Place::Front,
        hot: true,
        always: false,
        ask: "(^|[;&|\n])kubectl( |$)|it's".into(),
        names: " helm kubectl ",
        shown: "clear\nkube context=dev\n".into(),
        say: None,
        paint: b"\x1b]2;PROD prod-eu\x07".to_vec(),
        restore: b"\x1b]2;~/app\x07".to_vec(),
        title: "PROD prod-eu - ".into(),
        note: Some("/run/user/1000/redtab/painted/8803-1092-f1206-0f8fad5b".into()),
        terminal: "xterm",
        marked: false,
        counts_jobs: true,
        variables: vec!["AWS_PROFILE".into(), "x$(touch F)_URL".into(), "HOME".into()],
        barred: false,
        files: vec![
            Watch::Stamped {
                path: "/home/ana/.kube/config".into(),
                stamp: "/run/user/1000/redtab/stamps/1763839200.123456789".into(),
                real: Some("/srv/kube/config".into()),
                readable: true,
            },
            Watch::Absent("/home/ana/a b/.redtab.toml".into()),
        ],
        scratch: Some("/run/user/1000/redtab/shells/4242".into()),
        in_memory: true,
        reads_files: true,
    }
}

#[test]
fn replies_are_as_the_protocol_shows_them() {
    for (shell, language) in [(Shell::Bash, "bash"), (Shell::Zsh, "zsh"), (Shell::Fish, "fish")] {
        let text = sample().text(shell);
        assert_eq!(text, block(language), "{language}:\n{text}");
        assert!(text.bytes().all(|b| b == b'\n' || (0x20..0x7f).contains(&b)));
    }
}

#[test]
fn the_variable_for_other_prompts() {
    let line = |shell, place, text: &str| {
        let segment = Segment { text: text.into(), style: "97;41".into() };
        let text = Reply { segment, place, ..sample() }.text(shell);
        let found: Vec<&str> = text.lines().filter(|line| line.contains("REDTAB_BADGE")).collect();
        assert!(found.len() < 2);
        found.first().map(ToString::to_string).unwrap_or_default()
    };
    for (shell, place, text, expected) in [
        (Shell::Bash, Place::Variable, "PROD x", "\\builtin export REDTAB_BADGE=$'<redtab>'"),
        (Shell::Bash, Place::Variable, "", "\\builtin export REDTAB_BADGE=$'<redtab>'"),
        (Shell::Bash, Place::FrontAlone, "PROD x", "\\builtin unset -v REDTAB_BADGE"),
        (Shell::Zsh, Place::Variable, "a'b", "builtin export REDTAB_BADGE=$'\\x1b[97;41m a\\x27b \\x1b[0m '"),
        (Shell::Zsh, Place::Variable, "", "builtin unset REDTAB_BADGE"),
        (Shell::Fish, Place::Variable, "x", "set -gx REDTAB_BADGE \\X1b'[97;41m x '\\X1b'[0m '"),
        (Shell::Fish, Place::FrontAlone, "x", "set -e REDTAB_BADGE"),
        (Shell::Zsh, Place::Front, "x", ""),
    ] {
        assert_eq!(line(shell, place, text), expected);
    }
}

#[test]
fn values_that_hold_a_bar_stand_behind_their_lengths() {
    let text = Reply { barred: true, ..sample() }.text(Shell::Bash);
    assert_eq!(text.matches(":${#AWS_PROFILE}:${AWS_PROFILE-}${#HOME}:${HOME-}\"").count(), 2, "{text}");
}

#[test]
fn a_clear_reply_without_files_is_still_a_comparison() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let text = Reply { scratch: Some(PathBuf::from("/r/s")), ..Reply::default() }.text(shell);
        assert!(text.starts_with("redtab 1\n") && text.ends_with("redtab end\n"), "{text}");
        assert!(text.contains("__redtab_same"), "{text}");
    }
}

#[test]
fn exit_codes_are_the_documented_ones() {
    for (exit, line) in
        [(Exit::Yes, "| 0 |"), (Exit::Error, "| 1 |"), (Exit::Usage, "| 2 |"), (Exit::Refused, "| 77 |")]
    {
        assert!(line.contains(&format!(" {} ", exit as u8)) && PROTOCOL.contains(line), "{exit:?}");
    }
}
