//! The table. Bytes and what they do were run in the terminals that start on Linux, and read in the sources of the
//! others; `proof` says which. Sequences end in BEL, which every terminal takes, unless its source asks for more.

use super::{Act, More, NOTHING, Profile, Proof, Switch};

/// Sets window and tab title.
const BOTH: &str = "\x1b]0;{text}\x07";
/// Sets the title alone; what sits behind an icon or a tab of its own stays as it is.
const TITLE: &str = "\x1b]2;{text}\x07";

const OSC_11: Switch = Switch { on: Act::Bytes("\x1b]11;#{hex}\x07"), off: Act::Bytes("\x1b]111\x07") };

const PLAIN: Profile = Profile {
    id: "plain",
    name: "a terminal without escape sequences",
    tab: NOTHING,
    background: NOTHING,
    title: "",
    proof: Proof::Run,
    more: &[],
};

/// What `terminal` may say.
pub const IDS: &[&str] = &[
    "auto",
    "plain",
    "generic",
    "tmux",
    "screen",
    "zellij",
    "iterm2",
    "apple",
    "kitty",
    "wezterm",
    "ghostty",
    "alacritty",
    "foot",
    "konsole",
    "konsole-24.12",
    "konsole-25.12",
    "vte",
    "windows-terminal",
    "vscode",
    "jetbrains",
    "xterm",
    "warp",
    "tabby",
    "urxvt",
    "mlterm",
];

/// Every terminal, `plain` first.
pub static PROFILES: &[Profile] = &[
    PLAIN,
    Profile { id: "generic", name: "an unknown terminal", title: TITLE, ..PLAIN },
    Profile { id: "tmux", name: "tmux", background: OSC_11, title: TITLE, ..PLAIN },
    // Its background would be that of the whole terminal around it, so of all windows.
    Profile { id: "screen", name: "GNU screen", title: "\x1bk{text}\x1b\\", ..PLAIN },
    Profile { id: "zellij", name: "Zellij", background: OSC_11, title: TITLE, proof: Proof::Source, ..PLAIN },
    Profile {
        id: "iterm2",
        name: "iTerm2",
        tab: Switch {
            on: Act::Bytes("\x1b]1337;SetColors=tab={hex}\x07"),
            off: Act::Bytes("\x1b]1337;SetColors=tab=default\x07"),
        },
        background: OSC_11,
        title: BOTH,
        proof: Proof::Source,
        ..PLAIN
    },
    Profile { id: "apple", name: "Apple Terminal", title: BOTH, proof: Proof::Source, ..PLAIN },
    Profile {
        id: "kitty",
        name: "kitty",
        tab: Switch { on: Act::KittySocket, off: Act::KittySocket },
        background: OSC_11,
        title: TITLE,
        more: &[
            More {
                what: "the tab turns red (any program of yours can then drive kitty by this socket)",
                file: "kitty.conf",
                lines: "allow_remote_control socket-only\nlisten_on unix:/tmp/kitty-{kitty_pid}",
            },
            More {
                what: "the tab bar shows with one tab too",
                file: "kitty.conf",
                lines: "tab_bar_min_tabs 1",
            },
        ],
        ..PLAIN
    },
    Profile {
        id: "wezterm",
        name: "WezTerm",
        // Shown by the lines below; without them it does nothing.
        tab: Switch {
            on: Act::Bytes("\x1b]1337;SetUserVar=redtab={base64}\x07"),
            off: Act::Bytes("\x1b]1337;SetUserVar=redtab=\x07"),
        },
        background: OSC_11,
        title: TITLE,
        proof: Proof::Source,
        more: &[More {
            what: "the tab turns red",
            file: "wezterm.lua",
            lines: "wezterm.on('format-tab-title', function(tab)\n  local mark = tab.active_pane.user_vars.redtab\n  \
                    if mark and mark ~= '' then\n    return { { Background = { Color = '#c00000' } }, \
                    { Foreground = { Color = '#ffffff' } },\n      { Text = ' ' .. mark .. ' ' } }\n  end\nend)",
        }],
    },
    Profile {
        id: "ghostty",
        name: "Ghostty",
        background: OSC_11,
        title: TITLE,
        proof: Proof::Source,
        ..PLAIN
    },
    Profile {
        id: "alacritty",
        name: "Alacritty",
        background: OSC_11,
        title: TITLE,
        proof: Proof::Source,
        ..PLAIN
    },
    Profile { id: "foot", name: "foot", background: OSC_11, title: TITLE, ..PLAIN },
    // It takes no background back, so none is set. Its tabs show a title only where their format has %w.
    Profile { id: "konsole", name: "Konsole", title: TITLE, more: &[KONSOLE], ..PLAIN },
    Profile {
        id: "konsole-24.12",
        name: "Konsole 24.12",
        tab: KONSOLE_TAB,
        title: TITLE,
        proof: Proof::Source,
        more: &[KONSOLE],
        ..PLAIN
    },
    Profile {
        id: "konsole-25.12",
        name: "Konsole 25.12",
        tab: KONSOLE_TAB,
        // With the semicolon, or it does nothing.
        background: Switch { on: OSC_11.on, off: Act::Bytes("\x1b]111;\x07") },
        title: TITLE,
        proof: Proof::Source,
        more: &[KONSOLE],
    },
    Profile {
        id: "vte",
        name: "a VTE terminal (GNOME, Xfce, Tilix, …)",
        background: OSC_11,
        title: TITLE,
        ..PLAIN
    },
    Profile {
        id: "windows-terminal",
        name: "Windows Terminal",
        tab: Switch {
            on: Act::Bytes("\x1b]4;264;rgb:{slashed}\x1b\\"),
            off: Act::Bytes("\x1b]104;264\x1b\\"),
        },
        background: OSC_11,
        title: BOTH,
        proof: Proof::Source,
        ..PLAIN
    },
    Profile {
        id: "vscode",
        name: "VS Code",
        background: OSC_11,
        title: BOTH,
        proof: Proof::Source,
        more: &[More {
            what: "the tab shows the title",
            file: "settings.json",
            lines: "\"terminal.integrated.tabs.title\": \"${sequence}\"",
        }],
        ..PLAIN
    },
    Profile { id: "jetbrains", name: "a JetBrains IDE", title: BOTH, proof: Proof::Source, ..PLAIN },
    Profile { id: "xterm", name: "xterm", background: OSC_11, title: TITLE, ..PLAIN },
    Profile { id: "warp", name: "Warp", background: OSC_11, title: BOTH, proof: Proof::Source, ..PLAIN },
    Profile { id: "tabby", name: "Tabby", background: OSC_11, title: BOTH, proof: Proof::Source, ..PLAIN },
    Profile { id: "urxvt", name: "urxvt", title: TITLE, ..PLAIN },
    Profile { id: "mlterm", name: "mlterm", title: TITLE, proof: Proof::Source, ..PLAIN },
];

const KONSOLE_TAB: Switch =
    Switch { on: Act::Bytes("\x1b]34;#{hex}\x07"), off: Act::Bytes("\x1b]34;#00000000\x07") };

const KONSOLE: More = More {
    what: "the tab shows the title",
    file: "Settings, Edit Current Profile, Tabs",
    lines: "Tab title format: %w",
};
