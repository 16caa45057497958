//! redtab turns the prompt red where production is.
//!
//! Data flows one way: `sources` read the world through a `View`, `verdict` judges what they found, `present` shows
//! it. The core (`signal`, `environment`, `verdict`) is values in, values out; `world` is the only door to the
//! operating system.

pub mod address;
pub mod ask;
pub mod backups;
pub mod cli;
pub mod clock;
pub mod close;
pub mod commands;
pub mod config;
pub mod connections;
pub mod doctor;
pub mod environment;
pub mod escape;
pub mod events;
pub mod examine;
pub mod gate;
pub mod guard;
pub mod herald;
pub mod idle;
pub mod inventory;
pub mod ladder;
pub mod live;
pub mod output;
pub mod parts;
pub mod present;
pub mod processes;
pub mod replace;
pub mod reply;
pub mod service;
pub mod shell;
pub mod signal;
pub mod sources;
pub mod state;
pub mod survey;
pub mod tab;
pub mod tasks;
pub mod verdict;
pub mod view;
pub mod watch;
pub mod words;
pub mod world;
