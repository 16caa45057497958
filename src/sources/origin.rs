//! Where a variable's value came from, as far as it can be known. For `status` only: it reads other processes'
//! environments, and nothing of them but names and equality is kept.

use std::ffi::{OsStr, OsString};

use crate::world::World;

/// Who set a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Direnv,
    /// The tmux server's environment, which every new pane inherits.
    TmuxServer,
    /// The shell was started with it.
    Inherited,
    ThisShell,
}

impl Origin {
    /// The origin in words, as `status` shows it.
    pub fn phrase(self) -> &'static str {
        match self {
            Origin::Direnv => "set by direnv",
            Origin::TmuxServer => "inherited from the tmux server",
            Origin::Inherited => "inherited",
            Origin::ThisShell => "set in this shell",
        }
    }
}

/// Where `name` got `value` from; `None` where nothing tells.
pub fn of(world: &World, name: &str, value: &OsStr) -> Option<Origin> {
    let has = |vars: &[(OsString, OsString)]| vars.iter().any(|(n, v)| n == name && v == value);
    if set_by_direnv(world, name) {
        return Some(Origin::Direnv);
    }
    let shell = world.environ_of(world.parent_pid()?)?;
    if !has(&shell) {
        return Some(Origin::ThisShell);
    }
    let server = tmux_server(world).and_then(|pid| world.environ_of(pid));
    Some(if server.is_some_and(|vars| has(&vars)) { Origin::TmuxServer } else { Origin::Inherited })
}

/// `$TMUX` is `socket,server's pid,session`.
fn tmux_server(world: &World) -> Option<u32> {
    world.var("TMUX")?.to_str()?.rsplit(',').nth(1)?.parse().ok()
}

/// direnv keeps what it changed in `DIRENV_DIFF`: URL-safe base64 of zlib-compressed JSON, `n` being the new values.
fn set_by_direnv(world: &World, name: &str) -> bool {
    const CAP: usize = 1024 * 1024;
    let names = || -> Option<bool> {
        let packed = base64url(world.var("DIRENV_DIFF")?.to_str()?)?;
        let text = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&packed, CAP).ok()?;
        let diff: serde_json::Value = serde_json::from_slice(&text).ok()?;
        Some(diff.get("n")?.get(name).is_some())
    };
    names().unwrap_or(false)
}

fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_direnv_writes_it() {
        assert_eq!(base64url("aGVsbG8="), Some(b"hello".to_vec()));
        assert_eq!(base64url("-_-_"), Some(vec![0xfb, 0xff, 0xbf]));
        assert_eq!(base64url("a b"), None);
    }

    #[test]
    fn a_hostile_diff_says_nothing() {
        for text in ["", "x", "!!!!", "eJwDAAAAAAE=", "eJyrVspTslKqBQAHqgIN"] {
            let world = World { vars: vec![("DIRENV_DIFF".into(), text.into())], cwd: None, uid: 0 };
            assert!(!set_by_direnv(&world, "AWS_PROFILE"), "{text}");
        }
    }
}
