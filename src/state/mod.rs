//! What redtab keeps between two calls: the run directory and what lies in it, and the state directory for what must
//! outlive a restart.

pub mod asked;
pub mod audit;
mod files;
mod last_good;
pub mod leases;
pub mod machine;
mod meant;
mod notes;
mod notices;
pub mod open;
mod restore_points;
mod run_dir;
pub mod snoozes;
mod stamps;
mod state_dir;
pub mod system_log;
pub mod tabs;

pub use notes::Note;
pub use run_dir::RunDir;
pub use state_dir::StateDir;

/// A hash that tells texts apart, as 32 hexadecimal digits. It is no seal: whoever can change a script of this user can
/// change what redtab keeps as well.
pub fn digest(bytes: &[u8]) -> String {
    let fnv = |start: u128, bytes: &[u8]| {
        bytes.iter().fold(start, |hash, byte| {
            (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        })
    };
    format!("{:032x}", fnv(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, bytes))
}
