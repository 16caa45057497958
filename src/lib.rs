//! redtab turns the prompt red where production is.
//!
//! Data flows one way: `sources` read the world through a `View`, `verdict` judges what they found, `present` shows
//! it. The core (`signal`, `environment`, `verdict`) is values in, values out; `world` is the only door to the
//! operating system.

pub mod cli;
pub mod commands;
pub mod environment;
pub mod guard;
pub mod signal;
pub mod sources;
pub mod view;
pub mod world;
