//! What a command line would run, and whether that destroys something. Values in, values out: no file is read and
//! nothing is asked here.
//!
//! `line` cuts a text into commands; `runs` follows them to what is run at last and under which changes of the view;
//! `rules` says which of those runs destroy something, and which target the line itself names. What can't be followed
//! is an unclear run, which stands for all that the line mentions: too much is matched, never too little.

pub mod answer;
pub mod decide;
pub mod drift;
pub mod flags;
pub mod hours;
pub mod lease;
pub mod line;
pub mod own;
mod prefixes;
pub mod rules;
mod rules_table;
pub mod runs;
pub mod secrets;
pub mod sieve;
pub mod sql;
