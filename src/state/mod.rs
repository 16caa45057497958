//! What redtab keeps between two calls: the run directory and what lies in it.

mod last_good;
mod run_dir;
mod stamps;

pub use run_dir::RunDir;
