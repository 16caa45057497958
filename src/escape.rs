//! Foreign text made safe: one function per destination. Names of contexts, hosts, paths, values and even variables
//! come from others; each leaves redtab through the function of the place it goes to, and its attack is a test.
//! Nothing here decides what is shown, only how.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A shell whose quoting a text must survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    Bash,
    Zsh,
    Fish,
}

/// One word of a shell's source text, in printable ASCII: whatever `bytes` holds, the shell reads exactly them back
/// and runs nothing.
pub fn shell_word(quoting: Quoting, bytes: &[u8]) -> String {
    match quoting {
        Quoting::Bash | Quoting::Zsh => dollar_quoted(bytes),
        Quoting::Fish => fish_word(bytes),
    }
}

/// `$'…'`, which bash and zsh read alike whatever their options (the `!` of history expansion is no danger in text
/// that is evaluated, but is spelt out all the same).
fn dollar_quoted(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 3);
    out.push_str("$'");
    for run in runs(bytes, |byte| matches!(byte, b'\'' | b'\\' | b'!' | 0..=0x1f | 0x7f..)) {
        match run {
            Run::Plain(text) => out.push_str(text),
            Run::Escaped(byte) => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push('\'');
    out
}

/// Part of a word: text that stands as it is, or a byte that needs an escape.
enum Run<'b> {
    Plain(&'b str),
    Escaped(u8),
}

/// Cuts a word into runs; `special` names the bytes that need an escape, all that are no ASCII among them. Most words
/// are one run, which is copied at once: every prompt's reply is made of them.
fn runs(bytes: &[u8], special: impl Fn(u8) -> bool) -> impl Iterator<Item = Run<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (&first, behind) = rest.split_first()?;
        if special(first) {
            rest = behind;
            return Some(Run::Escaped(first));
        }
        let end = rest.iter().position(|&byte| special(byte)).unwrap_or(rest.len());
        let (plain, behind) = rest.split_at(end);
        rest = behind;
        Some(Run::Plain(std::str::from_utf8(plain).unwrap_or_default()))
    })
}

/// fish knows no escapes inside single quotes, so bytes that need one stand between quoted runs.
fn fish_word(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "''".into();
    }
    let mut out = String::with_capacity(bytes.len() + 2);
    for run in runs(bytes, |byte| matches!(byte, b'\'' | b'\\' | 0..=0x1f | 0x7f..)) {
        match run {
            Run::Plain(text) => {
                out.push('\'');
                out.push_str(text);
                out.push('\'');
            }
            Run::Escaped(byte) => {
                let _ = write!(out, "\\X{byte:02x}");
            }
        }
    }
    out
}

/// Whether `name` may stand in a reply as a variable's name. Everything else is never printed as one.
pub fn is_identifier(name: &str) -> bool {
    let mut chars = name.bytes();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == b'_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

/// Characters that move the cursor, ring, hide, reorder or have no width of their own.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Text for a person's terminal, on one line: what is unsafe is spelt out (`\x1b`, `\u{202e}`).
pub fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) && c.is_ascii() => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if is_unsafe(c) => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

/// Text for a prompt or status line: at most `columns` wide, every unsafe character a `?`, cut with an ellipsis.
/// Where the terminal's locale is not UTF-8 (`unicode` false), whatever is no ASCII is a `?` as well: a shell there
/// counts bytes, and a wrong width breaks the line being typed.
pub fn segment(text: &str, columns: usize, unicode: bool) -> String {
    let clean: String =
        text.chars().map(|c| if is_unsafe(c) || !(unicode || c.is_ascii()) { '?' } else { c }).collect();
    if clean.width() <= columns {
        return clean;
    }
    let (ellipsis, room) =
        if unicode { ("…", columns.saturating_sub(1)) } else { ("...", columns.saturating_sub(3)) };
    let mut out = String::new();
    let mut width = 0;
    for c in clean.chars() {
        width += c.width().unwrap_or(0);
        if width > room {
            break;
        }
        out.push(c);
    }
    out + ellipsis
}

/// Text inside a zsh prompt string: `%` is its only active character there.
pub fn zsh_prompt(text: &str) -> String {
    text.replace('%', "%%")
}

/// The payload of an OSC sequence, such as a title: nothing in it can end the sequence or start another.
pub fn osc(text: &str, columns: usize) -> String {
    segment(text, columns, true)
}

/// Text for a tmux format or message. tmux expands `#…` (and runs `#(…)`) and, in status lines, `%…` by strftime.
pub fn tmux(text: &str) -> String {
    terminal(text).replace('#', "##").replace('%', "%%")
}

/// Text for an option of tmux that a constant format shows: it is not expanded, but `#[…]` in it would be drawn as a
/// style.
pub fn tmux_option(text: &str) -> String {
    terminal(text).replace('#', "##")
}

/// Text for a notification body, which is read as markup.
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in terminal(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// An AppleScript string literal.
pub fn applescript(text: &str) -> String {
    format!("\"{}\"", terminal(text).replace('\\', "\\\\").replace('"', "\\\""))
}

/// One word of a POSIX shell's command line, as a remote shell reads it.
pub fn posix_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// An operand for a program's argument list: a path that starts with `-` would be read as an option.
pub fn operand(text: &str) -> String {
    if text.starts_with('-') { format!("./{text}") } else { text.to_string() }
}

/// One field of the journal's native protocol, in its binary form where the value holds a newline: no value can
/// smuggle in a second field (`PRIORITY=0`). `name` must be an identifier.
pub fn journal_field(name: &str, value: &[u8]) -> Vec<u8> {
    let mut out = name.as_bytes().to_vec();
    if value.contains(&b'\n') {
        out.push(b'\n');
        out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        out.push(b'=');
    }
    out.extend_from_slice(value);
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ATTACKS: &[&str] = &[
        "$(touch F)",
        "`touch F`",
        "a[$(touch F)]",
        "%F{red}%n",
        "\\u",
        "#[bg=green]",
        "#(touch F)",
        "##(touch F)",
        "\x1b]0;owned\x07",
        "a\nb",
        "it's \"quoted\" \\",
        "\u{202e}evil",
        "!!",
        "-rf",
        "prod\u{0}x",
    ];

    #[test]
    fn words_are_printable_ascii() {
        for attack in ATTACKS {
            for quoting in [Quoting::Bash, Quoting::Zsh, Quoting::Fish] {
                let word = shell_word(quoting, attack.as_bytes());
                assert!(word.bytes().all(|b| (0x20..0x7f).contains(&b)), "{word}");
            }
        }
        assert_eq!(shell_word(Quoting::Bash, b"it's\n"), "$'it\\x27s\\x0a'");
        assert_eq!(shell_word(Quoting::Fish, b"it's\n"), "'it'\\X27's'\\X0a");
        assert_eq!(shell_word(Quoting::Fish, b""), "''");
    }

    #[test]
    fn identifiers() {
        for good in ["A", "_x", "DATABASE_URL", "a1"] {
            assert!(is_identifier(good));
        }
        for bad in ["", "1a", "x$(touch F)_URL", "a-b", "a b", "é", "a\n"] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }

    #[test]
    fn terminal_text_is_spelt_out() {
        assert_eq!(terminal("a\x1b[31m\u{202e}b\nc\u{9b}"), "a\\x1b[31m\\u{202e}b\\nc\\u{9b}");
        assert_eq!(terminal("本番 prod"), "本番 prod");
    }

    #[test]
    fn segments_are_cut_to_their_width() {
        assert_eq!(segment("prod-eu", 10, true), "prod-eu");
        assert_eq!(segment("prod-europe-west", 10, true), "prod-euro…");
        assert_eq!(segment("prod-europe-west", 10, false), "prod-eu...");
        assert_eq!(segment("本番本番本番", 6, true), "本番…");
        assert_eq!(segment("本番", 6, false), "??");
        assert_eq!(segment("a\x1b\u{202e}b\n", 6, true), "a??b?");
    }

    #[test]
    fn other_destinations() {
        assert_eq!(zsh_prompt("%F{red}%n"), "%%F{red}%%n");
        assert_eq!(tmux("#(touch F)%H"), "##(touch F)%%H");
        assert_eq!(tmux_option("#[bg=green]%H"), "##[bg=green]%H");
        assert_eq!(markup("<b>&\"'"), "&lt;b&gt;&amp;&quot;&#39;");
        assert_eq!(applescript("a\"b\\"), "\"a\\\"b\\\\\"");
        assert_eq!(posix_word("prod-eu"), "prod-eu");
        assert_eq!(posix_word("it's $(x)"), "'it'\\''s $(x)'");
        assert_eq!(posix_word(""), "''");
        assert_eq!(operand("-rf"), "./-rf");
        assert_eq!(osc("a\x07b\x1b\\c", 20), "a?b?\\c");
        assert_eq!(journal_field("A", b"b"), b"A=b\n");
        assert_eq!(journal_field("A", b"b\nPRIORITY=0"), b"A\n\x0c\0\0\0\0\0\0\0b\nPRIORITY=0\n");
    }

    proptest! {
        #[test]
        fn a_segment_is_never_wider_nor_unsafe(text in any::<String>(), columns in 4usize..60, unicode: bool) {
            let shown = segment(&text, columns, unicode);
            prop_assert!(shown.width() <= columns);
            prop_assert!(!shown.chars().any(is_unsafe));
            prop_assert!(unicode || shown.is_ascii());
        }
    }
}
