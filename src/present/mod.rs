//! How redtab looks and speaks: the segment, the page of `status`, and JSON. Shows, and decides nothing.

pub mod armed;
pub mod color;
pub mod json;
pub mod kitty;
pub mod overrule;
pub mod overview;
pub mod page;
pub mod painting;
pub mod prompt;
pub mod stop;
pub mod terminal;
pub mod tmux;
