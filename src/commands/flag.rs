//! `redtab flag` and `redtab unflag`: write and remove the header line `redtab: local-only`.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::cli::{Exit, Files};
use crate::commands;
use crate::escape;
use crate::guard::flags;

/// A script is smaller than this.
const CAP: u64 = 8 * 1024 * 1024;

/// Flags (or, with `remove`, unflags) every file; goes on past one that can't be changed, and says so.
///
/// # Errors
/// When stdout can't be written.
pub fn run(args: &Files, remove: bool) -> Result<Exit> {
    let mut exit = Exit::Yes;
    for file in &args.files {
        let shown = escape::terminal(&file.to_string_lossy());
        match change(file, remove) {
            Ok(true) if remove => commands::print(&format!("{shown}: no longer local-only\n"))?,
            Ok(true) => commands::print(&format!("{shown}: local-only\n"))?,
            Ok(false) if remove => commands::print(&format!("{shown}: was not flagged\n"))?,
            Ok(false) => commands::print(&format!("{shown}: was local-only already\n"))?,
            Err(error) => {
                commands::complain(&format!("{shown}: {error:#}; it was not changed"));
                exit = Exit::Error;
            }
        }
    }
    Ok(exit)
}

/// Changes one file, in place of its link's target, with its mode; whole or not at all. False: there was nothing to do.
///
/// # Errors
/// Why it can't be changed; then it is as it was.
pub fn change(file: &Path, remove: bool) -> Result<bool> {
    let real = fs::canonicalize(file).map_err(plain)?;
    let meta = fs::metadata(&real).map_err(plain)?;
    if !meta.is_file() || meta.len() > CAP {
        bail!("is no script: {}", if meta.is_file() { "larger than 8 MiB" } else { "no regular file" });
    }
    let bytes = fs::read(&real).map_err(plain)?;
    let text = String::from_utf8(bytes).ok().context("is not UTF-8 text")?;
    let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let changed = if remove {
        flags::without_mark(&text)
    } else {
        let style =
            flags::comment_style(&name, text.lines().next().unwrap_or_default()).with_context(|| {
                format!(
                    "its comment style is not known; put `{}` into a comment in its first 20 lines",
                    flags::MARK
                )
            })?;
        flags::with_mark(&text, style)
    };
    let Some(changed) = changed else { return Ok(false) };
    let dir = real.parent().context("has no directory")?;
    let fresh = dir.join(format!(".{name}.redtab-{}", std::process::id()));
    let written =
        write(&fresh, changed.as_bytes(), meta.permissions()).and_then(|()| fs::rename(&fresh, &real));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written.map_err(plain)?;
    Ok(true)
}

fn write(path: &Path, bytes: &[u8], mode: fs::Permissions) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.set_permissions(mode)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn plain(error: std::io::Error) -> anyhow::Error {
    anyhow::anyhow!(crate::world::plain(&error))
}
