//! Drives the real binary in real shells on a real terminal. It refuses to sleep and to inherit anything from the
//! machine: every shell gets a home, a run directory and an environment of its own, and ends with its test.
#![allow(dead_code, unused_imports)] // each test file is its own crate and uses its own part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod desktop;
mod home;
mod kube_api;
mod machine;
mod screen;
mod servers;
mod shell;
mod sshd;
mod strace;
pub mod tmux;
mod watched;

pub use desktop::Desktop;
pub use home::{Home, kubeconfig, tool};
pub use kube_api::kube_api;
pub use machine::{machine, on};
pub use screen::{BLACK_ON_YELLOW, Hue, Look, WHITE_ON_RED};
pub use servers::{Server, postgres, postgres_bin, redis, redis_at};
pub use shell::{Kind, Shell, Start};
pub use sshd::{LOOPBACK, Sshd, free_port, wait_for_port};
pub use strace::Calls;
pub use watched::{Program, Watched, alone, production};

/// Makes of each `fn name(kind: Kind)` three tests: `name::bash`, `name::zsh` and `name::fish`.
#[macro_export]
macro_rules! in_every_shell {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[test]
            fn bash() {
                super::$name($crate::support::Kind::Bash);
            }
            #[test]
            fn zsh() {
                super::$name($crate::support::Kind::Zsh);
            }
            #[test]
            fn fish() {
                super::$name($crate::support::Kind::Fish);
            }
        }
    )*};
}
