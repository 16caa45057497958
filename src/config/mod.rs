//! Configuration: TOML files in layers, every error with line and caret. What it refuses: a key it does not know, half
//! of a broken file, and a `.redtab.toml` that would loosen anything.
//!
//! [`keys`] is the one table of what can be configured. [`walk`] reads a file by it, [`layers`] puts the files over one
//! another, [`diagnosis`] says what is wrong, [`reference`] writes the schema and the manual.

pub mod diagnosis;
pub mod keys;
pub mod layers;
pub mod mark;
pub mod reference;
pub mod shape;
pub mod walk;

use crate::backups::Backup;
use crate::environment::Names;
use crate::guard::own::{LocalOnly, OwnRule};

pub use diagnosis::{Problem, Where, render};
pub use layers::{LastGood, Loaded, Origin, load};

/// Files larger than this are no configuration. It bounds what a parser can be made to do at a prompt.
pub const FILE_CAP: usize = 1024 * 1024;

/// The merged configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How names are judged: environments, targets, word lists.
    pub names: Names,
    pub prompt: Prompt,
    /// Which terminal this is: `auto` or the id of a profile.
    pub terminal: String,
    pub tab: Tab,
    pub host: Host,
    pub hours: Hours,
    pub guard: Guard,
    pub audit: Audit,
    /// What is local-only besides what says so itself.
    pub local_only: LocalOnly,
    /// Rules beside the built-in ones.
    pub rules: Vec<OwnRule>,
    /// Where restore points are listed.
    pub backups: Vec<Backup>,
    pub watch: Watch,
    /// Key paths that layers after the system's may not set.
    pub lock: Vec<String>,
}

impl Default for Config {
    /// The built-in layer.
    fn default() -> Config {
        Config {
            names: Names::default(),
            prompt: Prompt::default(),
            terminal: "auto".into(),
            tab: Tab { color: true, title: true, background: Background::Off },
            host: Host::default(),
            hours: Hours { late: vec!["22:00-06:00".into()], timezone: String::new() },
            guard: Guard { confirm_timeout: "60s".into(), drift: OnDrift::default() },
            audit: Audit::default(),
            local_only: LocalOnly::default(),
            rules: Vec::new(),
            backups: Vec::new(),
            watch: Watch::default(),
            lock: Vec::new(),
        }
    }
}

/// `[host]`: this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// An environment's name, `safe`, or empty: then its name speaks for it.
    pub environment: String,
}

/// `[hours]`: when the guard is stricter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    /// Windows in the week; see [`crate::guard::hours`].
    pub late: Vec<String>,
    /// An IANA name, or empty for the system's zone.
    pub timezone: String,
}

/// `[guard]`: how the guard asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// A duration as people write it.
    pub confirm_timeout: String,
    pub drift: OnDrift,
}

/// `[watch]`: the watcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    pub start: StartWatcher,
    /// Durations as people write them.
    pub poll: String,
    pub idle_after: String,
    pub idle_after_late: String,
    pub on_idle: OnIdle,
    pub close_after: String,
    pub ends: WatcherEnds,
}

impl Default for Watch {
    fn default() -> Watch {
        Watch {
            start: StartWatcher::default(),
            poll: "10s".into(),
            idle_after: "10m".into(),
            idle_after_late: "5m".into(),
            on_idle: OnIdle::default(),
            close_after: "20m".into(),
            ends: WatcherEnds::default(),
        }
    }
}

/// `[audit]`: what the audit trail keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    pub lines: bool,
    /// Records go to journald as well.
    pub journald: bool,
    /// Records go to syslog as well.
    pub syslog: bool,
}

/// `[prompt]`: how the segment looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    pub segment: Segment,
    /// How the long segment is put together; see [`shape::FIELDS`].
    pub format: String,
    pub palette: Palette,
    pub place: Place,
    pub elsewhere: Elsewhere,
}

impl Default for Prompt {
    fn default() -> Prompt {
        Prompt {
            segment: Segment::default(),
            format: "{badge} {target} {more}".into(),
            palette: Palette::default(),
            place: Place::default(),
            elsewhere: Elsewhere::default(),
        }
    }
}

/// `[tab]`: what of the terminal is painted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tab {
    pub color: bool,
    pub title: bool,
    pub background: Background,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every word a file may say here.
            pub const WORDS: &'static [&'static str] = &[$($word,)*];

            /// The word for it in files and variables.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)*
                }
            }

            /// What `word` means, or `None`.
            pub fn from_word(word: &str) -> Option<$name> {
                match word {
                    $($word => Some($name::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// How much the segment says.
    Segment {
        /// Badge and target: `PROD prod-eu +2`.
        #[default]
        Long => "long",
        /// The badge alone: `PROD`.
        Short => "short",
        /// No segment; title and tab still show the verdict.
        Off => "off",
    }
}

words! {
    /// Where the segment goes.
    Place {
        /// In front of the user's own prompt.
        #[default]
        Front => "front",
        /// Into a variable, from which another prompt takes it.
        Variable => "variable",
    }
}

words! {
    /// What production sessions in other tabs do to this one's prompt.
    Elsewhere {
        /// Their number stands in the segment.
        #[default]
        Count => "count",
        /// They make every tab red.
        Red => "red",
        /// Nothing.
        Off => "off",
    }
}

words! {
    /// Who starts the watcher.
    StartWatcher {
        /// The first shell that finds none, unless a service is there to do it.
        #[default]
        Shell => "shell",
        /// `redtab watch start`, or nobody.
        Manual => "manual",
    }
}

words! {
    /// What becomes of a connection that stays idle.
    OnIdle {
        /// It is told, quietly first.
        #[default]
        Warn => "warn",
        /// It is told, and closed where it is known to be idle.
        Close => "close",
        /// Nothing but the count in the segment.
        Off => "off",
    }
}

words! {
    /// When the watcher ends by itself.
    WatcherEnds {
        /// Never.
        #[default]
        Never => "never",
        /// Soon after the last shell with a hook.
        LastShell => "last_shell",
    }
}

words! {
    /// What becomes of a line that was typed at a prompt which no longer tells the truth.
    OnDrift {
        /// It is held back, once.
        #[default]
        Stop => "stop",
        /// It runs, and is told.
        Warn => "warn",
        /// It is judged like any other.
        Off => "off",
    }
}

words! {
    /// Which colours stand for the verdicts.
    Palette {
        /// The colours of the environments.
        #[default]
        Default => "default",
        /// Colours that differ in brightness, for eyes that don't tell red from green.
        Colorblind => "colorblind",
    }
}

words! {
    /// Whether the terminal's background is tinted, and for which theme.
    Background {
        /// It stays as it is.
        #[default]
        Off => "off",
        /// A dark tint, for a theme with light text.
        Dark => "dark",
        /// A light tint, for a theme with dark text.
        Light => "light",
    }
}
