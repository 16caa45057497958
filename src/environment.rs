//! A name in, an environment and the reason out: how words, exceptions, negators and targets settle what a name is.

mod defaults;
mod matcher;

pub use matcher::{Matcher, speaks_of};

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::signal::{Kind, Part};

/// How grave an environment is: production is guarded, caution is only shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Caution,
    Production,
}

/// Words and phrases as configured. The built-in ones are made without a single allocation: every prompt pays for them.
pub type WordList = Cow<'static, [Cow<'static, str>]>;

/// One environment of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// `production`, `staging`, or the user's own.
    pub name: Cow<'static, str>,
    /// `*` globs inside one word.
    pub matches: WordList,
    /// Phrases that take a match back.
    pub except: WordList,
    /// A colour's name (`red`) or `#rrggbb`.
    pub color: Cow<'static, str>,
    /// The text that stands beside the colour: `PROD`.
    pub badge: Cow<'static, str>,
    pub severity: Severity,
}

/// An exact answer that beats every word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub signal: Kind,
    pub is: String,
    /// An environment's name, or `safe`.
    pub environment: String,
}

/// Everything that decides how a name is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    pub environments: Vec<Environment>,
    pub negators: WordList,
    pub nonproduction: WordList,
    pub targets: Vec<Target>,
}

/// Which rule settled a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A match word or phrase of the environment, as configured.
    Match(String),
    /// A `[[target]]`.
    Target,
    /// It names a local port behind which a tunnel leads there.
    Tunnel(u16),
    /// An exception took the match back.
    Except(String),
    /// A negator right before the match took it back.
    Negator(String),
    /// A word known to be no production.
    Nonproduction(String),
    /// A git branch says production, and a branch never makes it so.
    Branch,
    /// Nothing in the name is known.
    Nothing,
}

/// How a name is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The index in `Names::environments` of the gravest environment the name belongs to.
    pub environment: Option<usize>,
    /// Whether the name is known *not* to be production (another environment, an exception, a negator, `safe`).
    pub known: bool,
    pub rule: Rule,
    /// The piece of the name that decided, as it stands there; empty when none did.
    pub word: String,
}

impl Names {
    /// How one part is judged. Compiles the patterns first: where several are judged, use a [`Matcher`].
    pub fn judge(&self, part: &Part) -> Judgement {
        Matcher::new(self).judge(part)
    }

    /// The gravest judgement of `parts`. Compiles the patterns first, as `judge` does.
    pub fn judge_all(&self, parts: &[Part]) -> Judgement {
        Matcher::new(self).judge_all(parts)
    }
}

impl Judgement {
    /// Nothing in the name is known.
    pub fn nothing() -> Judgement {
        Judgement { environment: None, known: false, rule: Rule::Nothing, word: String::new() }
    }
}
