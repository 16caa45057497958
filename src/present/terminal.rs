//! Terminals as a table: how each is recognised, the exact bytes that colour its tab and background and set its title,
//! and the bytes that take all of it back. What is not in a terminal's profile is never written to it: a foreign
//! sequence can print garbage, and one of them hangs an older Konsole for good.

mod detect;
mod profiles;

pub use detect::{Detected, detect};
pub use profiles::{IDS, PROFILES};

use std::fmt::Write;

use crate::escape;

pub use super::color::Rgb;

/// How something is switched on or off in a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It can't be done, or is not known to be safe.
    None,
    /// These bytes, with `{hex}` for `c00000`, `{slashed}` for `c0/00/00`, `{text}` and `{base64}` for the mark's text.
    Bytes(&'static str),
    /// A message to kitty's socket; see [`crate::present::kitty`].
    KittySocket,
}

/// Something that can be switched on and off. Every "on" has its "off".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    pub on: Act,
    pub off: Act,
}

/// What can't be switched.
pub const NOTHING: Switch = Switch { on: Act::None, off: Act::None };

/// How its bytes are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The tests run this terminal.
    Run,
    /// It was run by hand, or its source was read; the tests compare bytes alone.
    Source,
}

/// A line of a terminal's own configuration that would let redtab do more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct More {
    /// What it would bring, as the end of a sentence: `the tab turns red`.
    pub what: &'static str,
    /// The file it belongs in.
    pub file: &'static str,
    pub lines: &'static str,
}

/// One terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What the configuration's `terminal` calls it.
    pub id: &'static str,
    /// Its own name.
    pub name: &'static str,
    pub tab: Switch,
    /// Painted only where the user opted in.
    pub background: Switch,
    /// What sets the title, with `{text}`; empty where nothing does. A title can't be read back, so there is no "off": a
    /// new title takes our prefix away, and the shell's own title code writes over it.
    pub title: &'static str,
    pub proof: Proof,
    pub more: &'static [More],
}

/// Which background a tint must leave readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Dark,
    Light,
}

/// What a tab is painted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Badge and target, safe inside an OSC sequence: `PROD prod-eu`.
    pub text: String,
    pub color: Rgb,
}

impl Mark {
    /// A mark from a badge and a target's name, which may be foreign text.
    pub fn new(badge: &str, target: &str, color: Rgb, unicode: bool) -> Mark {
        let part = |text: &str| escape::segment(text, 32, unicode);
        let text = [part(badge), part(target)].join(" ");
        Mark { text: text.trim().to_string(), color }
    }
}

/// A profile and what may be done with it here.
#[derive(Clone, Copy, Debug)]
pub struct Brush {
    pub profile: &'static Profile,
    /// Colours at all: not under `NO_COLOR`, not where the configuration says so.
    pub color: bool,
    pub title: bool,
    /// The background, where the user opted in.
    pub background: Option<Theme>,
    /// The locale is UTF-8.
    pub unicode: bool,
    /// kitty listens on a socket.
    pub socket: bool,
}

impl Brush {
    /// Whether there is anything this brush would write.
    pub fn paints(&self) -> bool {
        !self.paint(&Mark { text: "x".into(), color: Rgb(0, 0, 0) }, "").is_empty() || self.by_socket()
    }

    /// Whether the tab's colour goes by kitty's socket.
    pub fn by_socket(&self) -> bool {
        self.color && self.socket && self.profile.tab.on == Act::KittySocket
    }

    /// The bytes that paint a tab: its colour, its background, and the title `MARK · rest`. Empty where this terminal
    /// can't be painted. `rest` may be foreign text.
    pub fn paint(&self, mark: &Mark, rest: &str) -> Vec<u8> {
        let mut out = String::new();
        if self.color {
            add(&mut out, self.profile.tab.on, mark);
            if let Some(theme) = self.background {
                let tint = match theme {
                    Theme::Dark => mark.color.dark_tint(),
                    Theme::Light => mark.color.light_tint(),
                };
                add(&mut out, self.profile.background.on, &Mark { color: tint, ..mark.clone() });
            }
        }
        let rest = escape::segment(rest, 48, self.unicode);
        let title = if rest.is_empty() { mark.text.clone() } else { self.prefix(mark) + &rest };
        (out + &self.title_of(&title)).into_bytes()
    }

    /// What stands in front of the user's own title: `PROD prod-eu · `. Empty where no title is set.
    pub fn prefix(&self, mark: &Mark) -> String {
        let dot = if self.unicode { "·" } else { "-" };
        if self.title && !self.profile.title.is_empty() {
            format!("{} {dot} ", mark.text)
        } else {
            String::new()
        }
    }

    /// The bytes that take it all back; the title becomes `rest`.
    pub fn restore(&self, rest: &str) -> Vec<u8> {
        let mut out = String::new();
        let nothing = Mark { text: String::new(), color: Rgb(0, 0, 0) };
        if self.color {
            add(&mut out, self.profile.tab.off, &nothing);
            if self.background.is_some() {
                add(&mut out, self.profile.background.off, &nothing);
            }
        }
        (out + &self.title_of(&escape::segment(rest, 48, self.unicode))).into_bytes()
    }

    fn title_of(&self, text: &str) -> String {
        if self.title { self.profile.title.replace("{text}", text) } else { String::new() }
    }
}

/// Every "off" of a profile, whatever was switched on: for `redtab reset`.
pub fn all_off(profile: &Profile, rest: &str) -> Vec<u8> {
    let mut out = String::new();
    let nothing = Mark { text: String::new(), color: Rgb(0, 0, 0) };
    add(&mut out, profile.tab.off, &nothing);
    add(&mut out, profile.background.off, &nothing);
    (out + &profile.title.replace("{text}", &escape::osc(rest, 48))).into_bytes()
}

fn add(out: &mut String, act: Act, mark: &Mark) {
    let Act::Bytes(bytes) = act else { return };
    let hex = mark.color.hex();
    let slashed = format!("{}/{}/{}", &hex[..2], &hex[2..4], &hex[4..]);
    let _ = write!(
        out,
        "{}",
        bytes.replace("{hex}", &hex).replace("{slashed}", &slashed).replace("{base64}", &base64(&mark.text))
    );
}

/// Base64 with padding: what iTerm2's user variables hold.
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = (bits >> (18 - 6 * at)) & 63;
            out.push(if at <= chunk.len() { char::from(DIGITS[digit as usize]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_on_has_its_off() {
        for profile in PROFILES {
            for switch in [profile.tab, profile.background] {
                assert_eq!(switch.on == Act::None, switch.off == Act::None, "{}", profile.id);
            }
        }
    }

    #[test]
    fn ids_are_those_of_the_table() {
        let ids: Vec<&str> = std::iter::once("auto").chain(PROFILES.iter().map(|p| p.id)).collect();
        assert_eq!(IDS, ids);
    }

    #[test]
    fn sequences_are_whole() {
        // Each begins with ESC and ends as it should: an unterminated one swallows all that follows.
        for profile in PROFILES {
            let mut all = vec![profile.title];
            for act in [profile.tab.on, profile.tab.off, profile.background.on, profile.background.off] {
                if let Act::Bytes(bytes) = act {
                    all.push(bytes);
                }
            }
            for bytes in all.into_iter().filter(|bytes| !bytes.is_empty()) {
                assert!(bytes.starts_with('\x1b'), "{}: {bytes:?}", profile.id);
                assert!(bytes.ends_with('\x07') || bytes.ends_with("\x1b\\"), "{}: {bytes:?}", profile.id);
                // urxvt prints the backslash of an ST behind a sequence without an argument.
                assert!(!bytes.ends_with("111\x1b\\"), "{}: {bytes:?}", profile.id);
            }
        }
    }

    #[test]
    fn the_bytes_of_the_screen_title_and_of_windows_terminal_are_nobody_elses() {
        // ESC k prints its text in every terminal but a multiplexer; colour 264 hangs Konsole 22.12.
        for profile in PROFILES {
            let all = format!("{profile:?}");
            assert_eq!(all.contains("\\u{1b}k"), profile.id == "screen", "{}", profile.id);
            assert_eq!(all.contains(";264"), profile.id == "windows-terminal", "{}", profile.id);
            assert_eq!(all.contains("SetColors"), profile.id == "iterm2", "{}", profile.id);
            assert!(!all.contains("]50;"), "{}", profile.id);
        }
    }

    #[test]
    fn base64_is_right() {
        for (text, expected) in [("", ""), ("P", "UA=="), ("PR", "UFI="), ("PROD", "UFJPRA==")] {
            assert_eq!(base64(text), expected);
        }
    }

    #[test]
    fn foreign_text_can_end_no_title() {
        let brush = Brush {
            profile: &PROFILES[0],
            color: true,
            title: true,
            background: None,
            unicode: true,
            socket: false,
        };
        for profile in PROFILES {
            let brush = Brush { profile, ..brush };
            let mark = Mark::new("PROD", "a\x07b\x1b\\c\u{9c}d", Rgb(0xc0, 0, 0), true);
            let bytes = brush.paint(&mark, "\x1b]0;x\x07\u{202e}");
            let text = String::from_utf8(bytes).unwrap();
            let escapes = |s: &str| s.matches(['\x07', '\x1b', '\u{9c}', '\u{202e}']).count();
            let plain = brush.paint(&Mark::new("PROD", "a", Rgb(0xc0, 0, 0), true), "x");
            assert_eq!(escapes(&text), escapes(&String::from_utf8(plain).unwrap()), "{text:?}");
        }
    }
}
