//! The one table of everything a configuration file may say: name, type, what it is for, and the field it fills. The
//! reader, the merge, `config show`, the schema and the manual all follow it; a key that is not here is an error.

use std::borrow::Cow;
use std::fmt::Write;

use crate::backups::Backup;
use crate::config::diagnosis::is_visible;
use crate::config::shape::Shape;
use crate::config::{
    Background, Config, Elsewhere, OnDrift, OnIdle, Palette, Place, Segment, StartWatcher, WatcherEnds,
};
use crate::environment::{Environment, Severity, Target, WordList};
use crate::guard::own::{LocalOnly, OwnRule};
use crate::present::terminal;
use crate::signal::Kind;

/// A checked value, as files write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    List(Vec<String>),
    Flag(bool),
}

impl Value {
    /// The value as TOML on one line; characters that a terminal would obey are written as escapes.
    pub fn toml(&self) -> String {
        match self {
            Value::Text(text) => quoted(text),
            Value::List(list) => {
                let elements: Vec<String> = list.iter().map(|element| quoted(element)).collect();
                format!("[{}]", elements.join(", "))
            }
            Value::Flag(flag) => flag.to_string(),
        }
    }
}

/// `text` as a TOML basic string.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            char if is_visible(char) => out.push(char),
            char => {
                let _ = write!(out, "\\U{:08X}", u32::from(char));
            }
        }
    }
    out.push('"');
    out
}

/// A field of the configuration that a key fills.
pub trait Field {
    /// The value as a file would write it.
    fn get(&self) -> Value;
    /// Takes a value that has passed the key's [`Shape`]; anything else changes nothing.
    fn set(&mut self, value: Value);
}

impl Field for String {
    fn get(&self) -> Value {
        Value::Text(self.clone())
    }

    fn set(&mut self, value: Value) {
        if let Value::Text(text) = value {
            *self = text;
        }
    }
}

impl Field for bool {
    fn get(&self) -> Value {
        Value::Flag(*self)
    }

    fn set(&mut self, value: Value) {
        if let Value::Flag(flag) = value {
            *self = flag;
        }
    }
}

impl Field for Vec<String> {
    fn get(&self) -> Value {
        Value::List(self.clone())
    }

    /// Replaces the list; `"..."` in the new one stands for the old one.
    fn set(&mut self, value: Value) {
        if let Value::List(list) = value {
            *self = spliced(std::mem::take(self), list);
        }
    }
}

impl Field for Cow<'static, str> {
    fn get(&self) -> Value {
        Value::Text(self.to_string())
    }

    fn set(&mut self, value: Value) {
        if let Value::Text(text) = value {
            *self = text.into();
        }
    }
}

impl Field for WordList {
    fn get(&self) -> Value {
        Value::List(self.iter().map(|word| word.to_string()).collect())
    }

    /// Replaces the list; `"..."` in the new one stands for the old one.
    fn set(&mut self, value: Value) {
        if let Value::List(list) = value {
            let list = list.into_iter().map(Cow::Owned).collect();
            *self = spliced(std::mem::take(self).into_owned(), list).into();
        }
    }
}

/// `list`, in which the element `"..."` is replaced by the elements of `below`.
fn spliced<T: AsRef<str>>(below: Vec<T>, list: Vec<T>) -> Vec<T> {
    let Some(at) = list.iter().position(|element| element.as_ref() == REST) else { return list };
    let mut whole = Vec::with_capacity(below.len() + list.len());
    let mut list = list.into_iter();
    whole.extend(list.by_ref().take(at));
    whole.extend(below);
    whole.extend(list.skip(1));
    whole
}

/// The list element that stands for the list of the layer below.
pub const REST: &str = "...";

macro_rules! word_field {
    ($type:ty, $get:expr, $from:expr) => {
        impl Field for $type {
            fn get(&self) -> Value {
                Value::Text($get(*self).to_string())
            }

            fn set(&mut self, value: Value) {
                if let Value::Text(word) = value
                    && let Some(known) = $from(&word)
                {
                    *self = known;
                }
            }
        }
    };
}

word_field!(Segment, Segment::as_str, Segment::from_word);
word_field!(Background, Background::as_str, Background::from_word);
word_field!(Elsewhere, Elsewhere::as_str, Elsewhere::from_word);
word_field!(Place, Place::as_str, Place::from_word);
word_field!(StartWatcher, StartWatcher::as_str, StartWatcher::from_word);
word_field!(OnIdle, OnIdle::as_str, OnIdle::from_word);
word_field!(WatcherEnds, WatcherEnds::as_str, WatcherEnds::from_word);
word_field!(OnDrift, OnDrift::as_str, OnDrift::from_word);
word_field!(Palette, Palette::as_str, Palette::from_word);
word_field!(Kind, Kind::as_str, Kind::from_word);
word_field!(Severity, severity_word, severity_from);

/// The words of the domains, in the manual's order.
const DOMAINS: &[&str] = &["app", "host", "kube", "database", "cloud", "docker", "terraform"];

const SEVERITIES: &[&str] = &["production", "caution"];

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Production => "production",
        Severity::Caution => "caution",
    }
}

fn severity_from(word: &str) -> Option<Severity> {
    match word {
        "production" => Some(Severity::Production),
        "caution" => Some(Severity::Caution),
        _ => None,
    }
}

/// What one `.redtab.toml` declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// `production`, or empty when the file does not say.
    pub environment: String,
    /// Extra match words for production.
    pub matches: Vec<String>,
    /// What is local-only in this tree.
    pub local_only: LocalOnly,
}

/// Which value a key fills.
#[derive(Clone, Copy)]
pub enum Slot {
    Config(fn(&mut Config) -> &mut dyn Field),
    Environment(fn(&mut Environment) -> &mut dyn Field),
    Target(fn(&mut Target) -> &mut dyn Field),
    Backup(fn(&mut Backup) -> &mut dyn Field),
    Rule(fn(&mut OwnRule) -> &mut dyn Field),
    Declared(fn(&mut Declared) -> &mut dyn Field),
}

/// One key.
pub struct Key {
    pub name: &'static str,
    pub shape: Shape,
    /// Every item must have it.
    pub required: bool,
    /// What it is for, one sentence.
    pub doc: &'static str,
    pub slot: Slot,
}

/// How a section is written and how layers merge it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Keys at the top of the file.
    Top,
    /// `[name]`: a later layer replaces key by key.
    Table,
    /// `[[name]]`: items with the same `name` merge key by key.
    Named,
    /// `[[name]]`: every layer adds its items before those of the layers below.
    Listed,
}

/// A group of keys under one header.
pub struct Section {
    /// The header's word; empty for the top of the file.
    pub name: &'static str,
    pub form: Form,
    /// What it is for, in the manual.
    pub doc: &'static str,
    pub keys: &'static [Key],
}

impl Section {
    /// The header as a file writes it, and `the top of the file` where there is none.
    pub fn header(&self) -> String {
        match self.form {
            Form::Top => "the top of the file".into(),
            Form::Table => format!("[{}]", self.name),
            Form::Named | Form::Listed => format!("[[{}]]", self.name),
        }
    }

    /// The key called `name`.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// What `config.toml` may say.
pub static CONFIG: &[Section] = &[
    Section {
        name: "",
        form: Form::Top,
        doc: "Keys that stand before the first header.",
        keys: &[
            Key {
                name: "lock",
                shape: Shape::KeyPaths,
                required: false,
                doc: "Keys that no later layer may set, by path: `prompt.palette`, a whole section (`names`, `target`, \
                      `environment`), one environment (`environment.production`) or one of its keys \
                      (`environment.production.match`). Only in /etc/redtab/config.toml.",
                slot: Slot::Config(|config| &mut config.lock),
            },
            Key {
                name: "terminal",
                shape: Shape::OneOf(terminal::IDS),
                required: false,
                doc: "Which terminal this is, where redtab does not find it out itself.",
                slot: Slot::Config(|config| &mut config.terminal),
            },
        ],
    },
    Section {
        name: "environment",
        form: Form::Named,
        doc: "An environment: the words by which a name belongs to it, and how it looks. `production` and `staging` \
              are built in; naming one of them changes only the keys that are given.",
        keys: &[
            Key {
                name: "name",
                shape: Shape::Name,
                required: true,
                doc: "Its name; layers merge by it. `safe`, `clear` and `unsure` are taken.",
                slot: Slot::Environment(|environment| &mut environment.name),
            },
            Key {
                name: "match",
                shape: Shape::Words,
                required: false,
                doc: "Words and phrases that make a name belong here. Each must be a whole word of the name, or a run \
                      of words; `*` stands for anything inside one word.",
                slot: Slot::Environment(|environment| &mut environment.matches),
            },
            Key {
                name: "except",
                shape: Shape::Words,
                required: false,
                doc: "Words and phrases that take a match back where they cover it.",
                slot: Slot::Environment(|environment| &mut environment.except),
            },
            Key {
                name: "color",
                shape: Shape::Color,
                required: false,
                doc: "The colour behind the badge, by name or as `#rrggbb`. A new environment is red, or yellow when its severity is \
                      `caution`.",
                slot: Slot::Environment(|environment| &mut environment.color),
            },
            Key {
                name: "badge",
                shape: Shape::Badge,
                required: false,
                doc: "The text that stands beside the colour. A new environment shows its name in capitals.",
                slot: Slot::Environment(|environment| &mut environment.badge),
            },
            Key {
                name: "severity",
                shape: Shape::OneOf(SEVERITIES),
                required: false,
                doc: "`production` counts as production everywhere, `caution` is only shown. A new environment is \
                      `production`.",
                slot: Slot::Environment(|environment| &mut environment.severity),
            },
        ],
    },
    Section {
        name: "names",
        form: Form::Table,
        doc: "Words that decide about a name beside the environments' own.",
        keys: &[
            Key {
                name: "negators",
                shape: Shape::Words,
                required: false,
                doc: "Words that take a match back when they stand right before it.",
                slot: Slot::Config(|config| &mut config.names.negators),
            },
            Key {
                name: "nonproduction",
                shape: Shape::Words,
                required: false,
                doc: "Words that make a name known to be no production. They never beat a match.",
                slot: Slot::Config(|config| &mut config.names.nonproduction),
            },
        ],
    },
    Section {
        name: "target",
        form: Form::Listed,
        doc: "An exact answer for one name, which beats every word. `redtab mark` writes it.",
        keys: &[
            Key {
                name: "signal",
                shape: Shape::SignalKind,
                required: true,
                doc: "What sort of name it is.",
                slot: Slot::Target(|target| &mut target.signal),
            },
            Key {
                name: "is",
                shape: Shape::Text,
                required: true,
                doc: "The name, exactly.",
                slot: Slot::Target(|target| &mut target.is),
            },
            Key {
                name: "environment",
                shape: Shape::EnvironmentOrSafe,
                required: true,
                doc: "An environment's name, or `safe`.",
                slot: Slot::Target(|target| &mut target.environment),
            },
        ],
    },
    Section {
        name: "prompt",
        form: Form::Table,
        doc: "How the segment in the prompt looks.",
        keys: &[
            Key {
                name: "segment",
                shape: Shape::OneOf(Segment::WORDS),
                required: false,
                doc: "`long` shows badge and target, `short` the badge alone, `off` nothing in the prompt.",
                slot: Slot::Config(|config| &mut config.prompt.segment),
            },
            Key {
                name: "palette",
                shape: Shape::OneOf(Palette::WORDS),
                required: false,
                doc: "`colorblind` uses colours that also differ in brightness.",
                slot: Slot::Config(|config| &mut config.prompt.palette),
            },
            Key {
                name: "place",
                shape: Shape::OneOf(Place::WORDS),
                required: false,
                doc: "`front` puts the segment in front of your own prompt; `variable` into `$REDTAB_BADGE`, from which \
                      starship or tide takes it (contrib/). In bash that holds `<redtab>`, in whose place the segment \
                      then stands.",
                slot: Slot::Config(|config| &mut config.prompt.place),
            },
            Key {
                name: "elsewhere",
                shape: Shape::OneOf(Elsewhere::WORDS),
                required: false,
                doc: "What production sessions in other tabs do here: `count` shows their number, `red` makes this tab \
                      red as well, `off` nothing. A tunnel that listens on this machine concerns every tab anyway.",
                slot: Slot::Config(|config| &mut config.prompt.elsewhere),
            },
            Key {
                name: "format",
                shape: Shape::Format,
                required: false,
                doc: "How the long segment is put together: text with `{badge}`, `{target}` (the first target's name), \
                      `{domain}` (`kube`, `cloud`, `database` …) and `{more}` (`+2` when two more things say the \
                      same, else nothing).",
                slot: Slot::Config(|config| &mut config.prompt.format),
            },
        ],
    },
    Section {
        name: "tab",
        form: Form::Table,
        doc: "What of the terminal turns red. Only what the terminal is known to take back is ever written to it.",
        keys: &[
            Key {
                name: "color",
                shape: Shape::Flag,
                required: false,
                doc: "Colour the tab, in terminals that can.",
                slot: Slot::Config(|config| &mut config.tab.color),
            },
            Key {
                name: "title",
                shape: Shape::Flag,
                required: false,
                doc: "Put badge and target in front of the title.",
                slot: Slot::Config(|config| &mut config.tab.title),
            },
            Key {
                name: "background",
                shape: Shape::OneOf(Background::WORDS),
                required: false,
                doc: "Tint the background: `dark` for a theme with light text, `light` for one with dark text.",
                slot: Slot::Config(|config| &mut config.tab.background),
            },
        ],
    },
    Section {
        name: "host",
        form: Form::Table,
        doc: "This machine, for one whose name says nothing; mostly in /etc/redtab/config.toml. A `[[target]]` for its \
              hostname goes before it, unless `host` is locked.",
        keys: &[Key {
            name: "environment",
            shape: Shape::HostEnvironment,
            required: false,
            doc: "The environment that this machine belongs to, or `safe`. Empty: what its name says.",
            slot: Slot::Config(|config| &mut config.host.environment),
        }],
    },
    Section {
        name: "hours",
        form: Form::Table,
        doc: "When the guard is stricter: what it would only tell it asks about, and what it would ask about needs a \
              lease first.",
        keys: &[
            Key {
                name: "late",
                shape: Shape::Windows,
                required: false,
                doc: "The late hours, each `HH:MM-HH:MM`, with a day or days before it where it is not for every \
                      day: `Fri 16:00-24:00`, `Mon-Thu 20:00-06:00`. A window that goes over midnight belongs to the \
                      day it begins on. An empty list: never.",
                slot: Slot::Config(|config| &mut config.hours.late),
            },
            Key {
                name: "timezone",
                shape: Shape::Zone,
                required: false,
                doc: "The time zone of these hours by its IANA name (`Europe/Berlin`). Empty, or unknown on this \
                      machine: the system's.",
                slot: Slot::Config(|config| &mut config.hours.timezone),
            },
        ],
    },
    Section {
        name: "guard",
        form: Form::Table,
        doc: "How the guard asks.",
        keys: &[
            Key {
                name: "confirm_timeout",
                shape: Shape::Duration,
                required: false,
                doc: "How long a question waits for its answer: `60s`, `2m`. No answer is no.",
                slot: Slot::Config(|config| &mut config.guard.confirm_timeout),
            },
            Key {
                name: "drift",
                shape: Shape::OneOf(OnDrift::WORDS),
                required: false,
                doc: "A line typed at a prompt since which this tab became production: `stop` holds it once if that concerns \
                      it, `warn` says so and runs it, `off` judges it like any other.",
                slot: Slot::Config(|config| &mut config.guard.drift),
            },
        ],
    },
    Section {
        name: "watch",
        form: Form::Table,
        doc: "The watcher, which knows the open connections of this machine.",
        keys: &[
            Key {
                name: "start",
                shape: Shape::OneOf(StartWatcher::WORDS),
                required: false,
                doc: "`shell`: the first shell that finds no watcher starts one, unless `redtab watch install` has; where none \
                      runs, local ports are unsure. `manual`: only if somebody starts one.",
                slot: Slot::Config(|config| &mut config.watch.start),
            },
            Key {
                name: "poll",
                shape: Shape::Duration,
                required: false,
                doc: "How often it looks at this machine's connections; at least every 5 s while one to production \
                      is open.",
                slot: Slot::Config(|config| &mut config.watch.poll),
            },
            Key {
                name: "idle_after",
                shape: Shape::Duration,
                required: false,
                doc: "A connection that nobody has used for so long is idle.",
                slot: Slot::Config(|config| &mut config.watch.idle_after),
            },
            Key {
                name: "idle_after_late",
                shape: Shape::Duration,
                required: false,
                doc: "The same in the late hours.",
                slot: Slot::Config(|config| &mut config.watch.idle_after_late),
            },
            Key {
                name: "on_idle",
                shape: Shape::OneOf(OnIdle::WORDS),
                required: false,
                doc: "`warn`: an idle connection is told at its tab's next prompt, later in tmux and on the desktop. `close`: \
                      after `close_after` it is closed as well, announced beforehand, and only where it is known to be idle. \
                      `off`: it is only counted.",
                slot: Slot::Config(|config| &mut config.watch.on_idle),
            },
            Key {
                name: "close_after",
                shape: Shape::Duration,
                required: false,
                doc: "After how long without use `on_idle = \"close\"` closes; never sooner than it is idle.",
                slot: Slot::Config(|config| &mut config.watch.close_after),
            },
            Key {
                name: "ends",
                shape: Shape::OneOf(WatcherEnds::WORDS),
                required: false,
                doc: "When the watcher ends by itself: `never`, or with the `last_shell` that has a hook.",
                slot: Slot::Config(|config| &mut config.watch.ends),
            },
        ],
    },
    Section {
        name: "audit",
        form: Form::Table,
        doc: "The audit trail, which `redtab log` shows.",
        keys: &[
            Key {
                name: "lines",
                shape: Shape::Flag,
                required: false,
                doc: "Keep the lines themselves as well, passwords in URLs cut; never one typed with a leading space.",
                slot: Slot::Config(|config| &mut config.audit.lines),
            },
            Key {
                name: "journald",
                shape: Shape::Flag,
                required: false,
                doc: "Tell journald as well: `journalctl -t redtab -o verbose`.",
                slot: Slot::Config(|config| &mut config.audit.journald),
            },
            Key {
                name: "syslog",
                shape: Shape::Flag,
                required: false,
                doc: "Tell syslog as well, one line of JSON a record, facility `authpriv`.",
                slot: Slot::Config(|config| &mut config.audit.syslog),
            },
        ],
    },
    Section {
        name: "local_only",
        form: Form::Table,
        doc: "What is local-only besides files that say so themselves.",
        keys: &[
            Key {
                name: "paths",
                shape: Shape::PathPatterns,
                required: false,
                doc: "Files, by pattern: `*` stands for anything in a name, `**` for any directories, a directory for all \
                      that is in it. From `/` or `~` on it is a whole path, else the end of one.",
                slot: Slot::Config(|config| &mut config.local_only.paths),
            },
            Key {
                name: "commands",
                shape: Shape::CommandPatterns,
                required: false,
                doc: "Commands and tasks, by pattern: `make db-*`, `rails db:drop`. Options and words between do not matter.",
                slot: Slot::Config(|config| &mut config.local_only.commands),
            },
        ],
    },
    Section {
        name: "rule",
        form: Form::Named,
        doc: "A rule beside the built-in ones: it counts where its domain is production.",
        keys: &[
            Key {
                name: "name",
                shape: Shape::Name,
                required: true,
                doc: "Its name; layers merge by it, and leases and the audit trail say it.",
                slot: Slot::Rule(|rule| &mut rule.name),
            },
            Key {
                name: "programs",
                shape: Shape::Command,
                required: true,
                doc: "The names of its programs, without directory; `*` stands for anything.",
                slot: Slot::Rule(|rule| &mut rule.programs),
            },
            Key {
                name: "words",
                shape: Shape::Names,
                required: false,
                doc: "The words that must follow, in this order, options between them skipped: `a|b` is either, `*` stands \
                      for anything in a word, `**` for any words.",
                slot: Slot::Rule(|rule| &mut rule.words),
            },
            Key {
                name: "any",
                shape: Shape::Names,
                required: false,
                doc: "If given, one of these options or words must be there: `--all`, `--replicas=0`.",
                slot: Slot::Rule(|rule| &mut rule.any),
            },
            Key {
                name: "unless",
                shape: Shape::Names,
                required: false,
                doc: "None of these may be there: what disarms it, such as `--dry-run`.",
                slot: Slot::Rule(|rule| &mut rule.unless),
            },
            Key {
                name: "domain",
                shape: Shape::OneOf(DOMAINS),
                required: false,
                doc: "What must be production for it to count. `app` if not given.",
                slot: Slot::Rule(|rule| &mut rule.domain),
            },
            Key {
                name: "level",
                shape: Shape::OneOf(&["warn", "confirm"]),
                required: false,
                doc: "`confirm` asks for the target's name, `warn` says one line. `confirm` if not given.",
                slot: Slot::Rule(|rule| &mut rule.level),
            },
            Key {
                name: "says",
                shape: Shape::Text,
                required: false,
                doc: "What it does, for the question: `deletes every tenant`.",
                slot: Slot::Rule(|rule| &mut rule.says),
            },
            Key {
                name: "instead",
                shape: Shape::Text,
                required: false,
                doc: "The safer way.",
                slot: Slot::Rule(|rule| &mut rule.instead),
            },
        ],
    },
    Section {
        name: "backup",
        form: Form::Named,
        doc: "Where restore points are listed. `redtab backups` shows them, and a question about destroying something tells \
              the newest one of what it would destroy.",
        keys: &[
            Key {
                name: "name",
                shape: Shape::Name,
                required: true,
                doc: "Its name; layers merge by it.",
                slot: Slot::Backup(|backup| &mut backup.name),
            },
            Key {
                name: "covers",
                shape: Shape::Names,
                required: false,
                doc: "Names of the targets whose data it holds, whole words of them at least. Without it, every target.",
                slot: Slot::Backup(|backup| &mut backup.covers),
            },
            Key {
                name: "expect_every",
                shape: Shape::Span,
                required: false,
                doc: "How old the newest restore point may become.",
                slot: Slot::Backup(|backup| &mut backup.expect_every),
            },
            Key {
                name: "command",
                shape: Shape::Command,
                required: false,
                doc: "The program that lists the restore points, and its arguments; no shell is between. It prints a line \
                      `TIME [EXPIRES] [LABEL]` for each; `-` stands for no end.",
                slot: Slot::Backup(|backup| &mut backup.command),
            },
        ],
    },
];

/// What a `.redtab.toml` may say: only what tightens.
pub static DIRECTORY: &[Section] = &[
    Section {
        name: "",
        form: Form::Top,
        doc: "Everything below this directory.",
        keys: &[
            Key {
                name: "environment",
                shape: Shape::OneOf(&["production"]),
                required: false,
                doc: "`production`: this directory and everything below it is production.",
                slot: Slot::Declared(|declared| &mut declared.environment),
            },
            Key {
                name: "match",
                shape: Shape::Words,
                required: false,
                doc: "More words that make a name production while a tab is in this tree.",
                slot: Slot::Declared(|declared| &mut declared.matches),
            },
        ],
    },
    Section {
        name: "local_only",
        form: Form::Table,
        doc: "What is local-only in this tree.",
        keys: &[
            Key {
                name: "paths",
                shape: Shape::PathPatterns,
                required: false,
                doc: "Files of this tree, by pattern: from this directory on where there is a `/` in it, else in any.",
                slot: Slot::Declared(|declared| &mut declared.local_only.paths),
            },
            Key {
                name: "commands",
                shape: Shape::CommandPatterns,
                required: false,
                doc: "Commands and tasks that run in this tree, by pattern: `make db-*`.",
                slot: Slot::Declared(|declared| &mut declared.local_only.commands),
            },
        ],
    },
];
