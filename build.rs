//! Leaves the tables for unwinding out of the static release binary: an eighth of it. Panics abort there, so that nobody
//! unwinds, and no profile can say so: `force-unwind-tables` would have to hold for the tests as well, which do unwind.

#![allow(clippy::print_stdout)] // it is how a build script speaks

use std::error::Error;
use std::path::Path;

/// What the compiler's own first and last objects hold stays: their code names it.
const SCRIPT: &str = "SECTIONS { /DISCARD/ : { *(EXCLUDE_FILE(*crt*.o) .eh_frame) } } INSERT AFTER .text;\n";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let says = |name: &str, value: &str| {
        std::env::var(name).is_ok_and(|values| values.split(',').any(|one| one == value))
    };
    if says("PROFILE", "release")
        && says("CARGO_CFG_TARGET_OS", "linux")
        && says("CARGO_CFG_TARGET_ENV", "gnu")
        && says("CARGO_CFG_TARGET_FEATURE", "crt-static")
    {
        let script = Path::new(&std::env::var("OUT_DIR")?).join("tables.ld");
        std::fs::write(&script, SCRIPT)?;
        println!("cargo:rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
        println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", script.display());
    }
    Ok(())
}
