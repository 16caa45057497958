//! What a command line would run, and whether that destroys something. Values in, values out: no file is read and
//! nothing is asked here.

pub mod decide;
pub mod flags;
pub mod line;
mod prefixes;
pub mod rules;
mod rules_table;
pub mod runs;
pub mod sql;
