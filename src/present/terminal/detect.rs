//! Which terminal this is, by what it says of itself. Most specific first, because variables of an outer terminal leak
//! into those started from it: a `TERM` that only one terminal has, then the process that the shell runs in, and only
//! then the variables. It asks the terminal nothing: an answer could end up in what is being typed.

use super::{PROFILES, Profile};
use crate::view::View;

/// A terminal and how it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    pub profile: &'static Profile,
    /// What told it: `TERM=xterm-kitty`, `parent process konsole`.
    pub why: String,
}

/// The terminal that `view` is in. `configured` is what `terminal` says (`auto` or an id), `known` what an earlier call
/// in this shell found, `parents` the names of the processes above the shell, the nearest first.
pub fn detect(
    view: &View,
    configured: &str,
    known: Option<&str>,
    parents: impl FnOnce() -> Vec<String>,
) -> Detected {
    let var = |name: &str| view.text(name).filter(|value| !value.is_empty());
    let term = var("TERM").unwrap_or_default();
    let is = |id: &str, why: String| Detected { profile: profile(id).unwrap_or(&PROFILES[0]), why };
    if let Some(emacs) = var("INSIDE_EMACS") {
        return is("plain", format!("INSIDE_EMACS={emacs}"));
    }
    if !takes_sequences(&term) {
        return is("plain", format!("TERM={term}"));
    }
    if let Some(profile) = profile(configured) {
        return Detected { profile, why: format!("terminal = \"{configured}\"") };
    }
    if let Some(profile) = known.and_then(profile) {
        return Detected { profile, why: "found when this shell began".into() };
    }
    let parents = parents();
    by_multiplexer(&var, &term, &parents)
        .or_else(|| by_term(&term))
        .or_else(|| by_parent(&var, &parents))
        .or_else(|| by_variable(&var))
        .map_or_else(|| is("generic", format!("TERM={term}")), |(id, why)| is(id, why))
}

/// The profile with this id.
fn profile(id: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.id == id)
}

/// Whether a terminal of this type is known to pass over sequences it does not know. `dumb`, `linux`, `eterm-color`,
/// `vt100` and whatever else can't be relied on get none.
fn takes_sequences(term: &str) -> bool {
    const FAMILIES: &[&str] = &[
        "xterm",
        "screen",
        "tmux",
        "rxvt",
        "alacritty",
        "foot",
        "kitty",
        "ghostty",
        "wezterm",
        "vte",
        "gnome",
        "konsole",
        "mlterm",
        "st",
        "contour",
        "iterm2",
        "nxterm",
        "mintty",
        "rio",
    ];
    let family = term.split(['-', '.', '+']).next().unwrap_or_default();
    FAMILIES.contains(&family)
}

/// A multiplexer counts only where the terminal's type or a parent process agrees: a terminal that was started inside of
/// one carries its variables too.
fn by_multiplexer(
    var: &impl Fn(&str) -> Option<String>,
    term: &str,
    parents: &[String],
) -> Option<(&'static str, String)> {
    let inner = parents.iter().find_map(|name| of_process(name));
    let own_type = |name: &str| term.starts_with("screen") || term.starts_with(name);
    for (variable, id) in [("TMUX", "tmux"), ("STY", "screen"), ("ZELLIJ", "zellij")] {
        if var(variable).is_none() {
            continue;
        }
        let agrees = match inner {
            Some(Parent::Is(found)) => found == id,
            Some(Parent::Far) => false,
            None => parents.is_empty() || own_type(id),
        };
        if agrees {
            return Some((id, variable.to_string()));
        }
    }
    None
}

fn by_term(term: &str) -> Option<(&'static str, String)> {
    let id = match term.split(['-', '.', '+']).next().unwrap_or_default() {
        "alacritty" => "alacritty",
        "foot" => "foot",
        "rxvt" => "urxvt",
        "kitty" => "kitty",
        "ghostty" => "ghostty",
        "wezterm" => "wezterm",
        "mlterm" => "mlterm",
        "xterm" if term.starts_with("xterm-kitty") => "kitty",
        "xterm" if term.starts_with("xterm-ghostty") => "ghostty",
        _ => return None,
    };
    Some((id, format!("TERM={term}")))
}

fn by_parent(var: &impl Fn(&str) -> Option<String>, parents: &[String]) -> Option<(&'static str, String)> {
    let (name, parent) = parents.iter().find_map(|name| Some((name, of_process(name)?)))?;
    match parent {
        Parent::Is("konsole") => Some((konsole(var), format!("parent process {name}"))),
        Parent::Is(id) => Some((id, format!("parent process {name}"))),
        Parent::Far => None,
    }
}

/// What a process above the shell says.
#[derive(Clone, Copy)]
enum Parent {
    /// It is this terminal.
    Is(&'static str),
    /// The terminal is on another machine.
    Far,
}

/// By a process's name as the kernel keeps it: 15 bytes of it.
fn of_process(name: &str) -> Option<Parent> {
    let id = match name {
        "tmux: server" | "tmux" => "tmux",
        "screen" | "SCREEN" => "screen",
        "zellij" => "zellij",
        "xterm" | "lxterm" | "uxterm" => "xterm",
        "kitty" => "kitty",
        "alacritty" => "alacritty",
        "foot" | "footserver" => "foot",
        "konsole" | "yakuake" | "dolphin" | "kate" => "konsole",
        "wezterm-gui" | "wezterm-mux-ser" => "wezterm",
        "ghostty" => "ghostty",
        "urxvt" | "urxvtd" | "rxvt" | "rxvt-unicode" => "urxvt",
        "mlterm" => "mlterm",
        "gnome-terminal-" | "gnome-terminal" | "kgx" | "ptyxis" | "ptyxis-agent" | "xfce4-terminal"
        | "tilix" | "terminator" | "mate-terminal" | "lxterminal" | "sakura" | "guake"
        | "xfce4-terminal-" => "vte",
        "code" | "code-insiders" | "codium" | "cursor" => "vscode",
        "tabby" => "tabby",
        "warp" | "warp-terminal" => "warp",
        "WindowsTerminal" => "windows-terminal",
        "st" => "generic",
        "sshd" | "sshd-session" | "mosh-server" | "dropbear" => return Some(Parent::Far),
        _ => return None,
    };
    Some(Parent::Is(id))
}

fn by_variable(var: &impl Fn(&str) -> Option<String>) -> Option<(&'static str, String)> {
    if let Some(program) = var("TERM_PROGRAM") {
        let id = match program.as_str() {
            "iTerm.app" => Some("iterm2"),
            "Apple_Terminal" => Some("apple"),
            "WezTerm" => Some("wezterm"),
            "ghostty" => Some("ghostty"),
            "vscode" => Some("vscode"),
            "WarpTerminal" => Some("warp"),
            "Tabby" => Some("tabby"),
            _ => None,
        };
        if let Some(id) = id {
            return Some((id, format!("TERM_PROGRAM={program}")));
        }
    }
    if var("TERMINAL_EMULATOR").is_some_and(|name| name == "JetBrains-JediTerm") {
        return Some(("jetbrains", "TERMINAL_EMULATOR".into()));
    }
    if var("KONSOLE_VERSION").is_some() {
        return Some((konsole(var), "KONSOLE_VERSION".into()));
    }
    let named = [("XTERM_VERSION", "xterm"), ("VTE_VERSION", "vte"), ("WT_SESSION", "windows-terminal")];
    if let Some((name, id)) = named.iter().find(|(name, _)| var(name).is_some()) {
        return Some((id, (*name).to_string()));
    }
    // What iTerm2 hands on through ssh.
    var("LC_TERMINAL").filter(|name| name == "iTerm2").map(|_| ("iterm2", "LC_TERMINAL".to_string()))
}

/// By `KONSOLE_VERSION`, such as 221203; without it as old as can be.
fn konsole(var: &impl Fn(&str) -> Option<String>) -> &'static str {
    match var("KONSOLE_VERSION").and_then(|version| version.parse::<u32>().ok()).unwrap_or(0) {
        251_200.. => "konsole-25.12",
        241_200.. => "konsole-24.12",
        _ => "konsole",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    fn found(vars: &[(&str, &str)], parents: &[&str]) -> &'static str {
        let vars = vars.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
        let world = World { vars, cwd: None, uid: 0 };
        let parents = || parents.iter().map(ToString::to_string).collect();
        detect(&View::new(&world), "auto", None, parents).profile.id
    }

    #[test]
    fn by_what_only_one_terminal_says() {
        let xterm = ("TERM", "xterm-256color");
        for (vars, parents, id) in [
            (&[("TERM", "dumb")][..], &["xterm"][..], "plain"),
            (&[], &["xterm"], "plain"),
            (&[("TERM", "linux")], &["login"], "plain"),
            (&[("TERM", "eterm-color")], &[], "plain"),
            (&[("TERM", "vt220")], &[], "plain"),
            (&[xterm, ("INSIDE_EMACS", "28.2,comint")], &["emacs"], "plain"),
            (&[("TERM", "xterm-kitty")], &[], "kitty"),
            (&[("TERM", "xterm-ghostty")], &[], "ghostty"),
            (&[("TERM", "foot-extra")], &[], "foot"),
            (&[("TERM", "alacritty")], &["sshd"], "alacritty"),
            (&[("TERM", "rxvt-unicode-256color")], &[], "urxvt"),
            (&[xterm, ("TERM_PROGRAM", "iTerm.app")], &[], "iterm2"),
            (&[xterm, ("TERM_PROGRAM", "Apple_Terminal")], &[], "apple"),
            (&[xterm, ("TERM_PROGRAM", "WezTerm")], &[], "wezterm"),
            (&[xterm, ("TERM_PROGRAM", "vscode")], &["bash", "code"], "vscode"),
            (&[xterm, ("TERM_PROGRAM", "WarpTerminal")], &[], "warp"),
            (&[xterm, ("TERM_PROGRAM", "Tabby")], &[], "tabby"),
            (&[xterm, ("TERMINAL_EMULATOR", "JetBrains-JediTerm")], &["java"], "jetbrains"),
            (&[xterm, ("WT_SESSION", "x")], &["init"], "windows-terminal"),
            (&[xterm, ("VTE_VERSION", "7006")], &["gnome-terminal-", "systemd"], "vte"),
            (&[xterm, ("LC_TERMINAL", "iTerm2")], &["sshd"], "iterm2"),
            (&[("TERM", "xterm"), ("XTERM_VERSION", "XTerm(379)")], &[], "xterm"),
            (&[xterm], &["bash", "systemd"], "generic"),
            (&[xterm, ("KONSOLE_VERSION", "221203")], &["konsole"], "konsole"),
            (&[xterm, ("KONSOLE_VERSION", "241201")], &["konsole"], "konsole-24.12"),
            (&[xterm, ("KONSOLE_VERSION", "260401")], &[], "konsole-25.12"),
            (&[xterm], &["konsole"], "konsole"),
        ] {
            assert_eq!(found(vars, parents), id, "{vars:?} {parents:?}");
        }
    }

    #[test]
    fn multiplexers() {
        for (vars, parents, id) in [
            (&[("TERM", "tmux-256color"), ("TMUX", "x")][..], &["bash", "tmux: server"][..], "tmux"),
            (&[("TERM", "screen-256color"), ("TMUX", "x")], &[], "tmux"),
            (&[("TERM", "xterm-256color"), ("TMUX", "x")], &["tmux: server"], "tmux"),
            (&[("TERM", "screen"), ("STY", "x")], &["SCREEN"], "screen"),
            (&[("TERM", "screen"), ("STY", "x"), ("TMUX", "x")], &["SCREEN", "tmux: server"], "screen"),
            (&[("TERM", "xterm-256color"), ("ZELLIJ", "0")], &["zellij"], "zellij"),
            // Far away, inside of a tmux that runs here.
            (&[("TERM", "tmux-256color")], &["sshd"], "generic"),
        ] {
            assert_eq!(found(vars, parents), id, "{vars:?} {parents:?}");
        }
    }

    #[test]
    fn leaked_variables_are_survived() {
        let kitty = [("KITTY_WINDOW_ID", "1"), ("KITTY_PID", "7")];
        let leaks = [
            ("TERM_PROGRAM", "vscode"),
            ("KONSOLE_VERSION", "260401"),
            ("VTE_VERSION", "7006"),
            ("WT_SESSION", "x"),
            ("TMUX", "/tmp/tmux,1,0"),
            ("STY", "1.pts"),
            ("ZELLIJ", "0"),
            ("LC_TERMINAL", "iTerm2"),
            ("TERM_PROGRAM", "tmux"),
        ];
        for leak in leaks {
            let vars =
                [kitty[0], kitty[1], leak, ("TERM", "xterm-256color"), ("XTERM_VERSION", "XTerm(379)")];
            assert_eq!(found(&vars, &["bash", "xterm", "bash", "kitty"]), "xterm", "{leak:?}");
            let vars = [("TERM", "xterm-kitty"), kitty[0], leak];
            assert_eq!(found(&vars, &["bash", "kitty", "bash", "tmux: server"]), "kitty", "{leak:?}");
        }
        let vars = [("TERM", "xterm-256color"), ("TMUX", "x")];
        assert_eq!(found(&vars, &["sshd", "tmux: server"]), "generic");
    }

    #[test]
    fn what_is_configured_or_known_is_not_asked_again() {
        let world = |term: &str| World { vars: vec![("TERM".into(), term.into())], cwd: None, uid: 0 };
        let never = || panic!("looked at processes");
        let of = |term: &str, configured: &str, known: Option<&str>| {
            detect(&View::new(&world(term)), configured, known, never).profile.id
        };
        assert_eq!(of("xterm", "iterm2", Some("xterm")), "iterm2");
        assert_eq!(of("xterm", "auto", Some("vte")), "vte");
        assert_eq!(of("dumb", "iterm2", Some("xterm")), "plain");
        let got = detect(&View::new(&world("xterm")), "auto", Some("no such"), Vec::new).profile.id;
        assert_eq!(got, "generic");
    }
}
