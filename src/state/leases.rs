//! Leases in the run directory: `leases/KEY.json` for a tab, `leases/all.json` for all of them. Anything that is not
//! ours alone, or of another version, is no lease.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::AtFlags;
use serde_json::{Value, json};

use super::{RunDir, files};
use crate::guard::lease::{Clocks, Lease};
use crate::world::World;

/// The key of a lease for every tab.
pub const ALL_TABS: &str = "all";

const CAP: usize = 64 * 1024;

impl RunDir {
    /// The living lease of this tab, or the one for all tabs, with its key.
    pub fn lease(&self, world: &World) -> Option<(String, Lease)> {
        let dir = self.existing("leases")?;
        let now = world.clocks();
        let keys = [world.tab().map(|tab| tab.key()), Some(ALL_TABS.to_string())];
        keys.into_iter().flatten().find_map(|key| {
            let lease = read(&dir, &key, world.uid)?;
            lease.lives(&now).then_some((key, lease))
        })
    }

    /// The files that [`RunDir::lease`] reads: a prompt watches them.
    pub fn lease_files(&self, world: &World) -> Vec<PathBuf> {
        let keys = [world.tab().map(|tab| tab.key()), Some(ALL_TABS.to_string())];
        let file = |key: String| self.path().join("leases").join(format!("{key}.json"));
        keys.into_iter().flatten().map(file).collect()
    }

    /// Every living lease with its key.
    pub fn leases(&self, world: &World) -> Vec<(String, Lease)> {
        let Some(dir) = self.existing("leases") else { return Vec::new() };
        let now = world.clocks();
        let mut found: Vec<(String, Lease)> = rustix::fs::Dir::read_from(&dir)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some(entry.file_name().to_str().ok()?.strip_suffix(".json")?.to_string()))
            .filter_map(|key| read(&dir, &key, world.uid).map(|lease| (key, lease)))
            .filter(|(_, lease)| lease.lives(&now))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// Keeps a lease in the place of an older one.
    ///
    /// # Errors
    /// What the system says; then the older one is still there.
    pub fn keep_lease(&self, key: &str, lease: &Lease) -> std::io::Result<()> {
        let dir = self.subdir("leases").ok_or(std::io::ErrorKind::NotADirectory)?;
        let _lock = lock(&dir);
        files::replace(&dir, &format!("{key}.json"), text(lease).as_bytes())
    }

    /// Ends a lease; whether there was one.
    pub fn end_lease(&self, key: &str) -> bool {
        let Some(dir) = self.existing("leases") else { return false };
        let _lock = lock(&dir);
        rustix::fs::unlinkat(&dir, format!("{key}.json"), AtFlags::empty()).is_ok()
    }

    /// Notes a right answer under a lease, if that very lease is still there.
    pub fn note_answer(&self, key: &str, lease: &Lease, rule: &str, target: &str, uid: u32) {
        let Some(dir) = self.existing("leases") else { return };
        let _lock = lock(&dir);
        let Some(mut kept) = read(&dir, key, uid).filter(|kept| kept.taken == lease.taken) else { return };
        let pair = (rule.to_string(), target.to_string());
        if !kept.asked.contains(&pair) {
            kept.asked.push(pair);
            // What can't be noted is asked again.
            let _ = files::replace(&dir, &format!("{key}.json"), text(&kept).as_bytes());
        }
    }
}

/// Held while a lease changes: a note must not bring back one that was just ended. Never waited for long: without the
/// lock only an answer may be lost.
fn lock(dir: &OwnedFd) -> Option<File> {
    files::lock(dir, "lock")
}

fn read(dir: &OwnedFd, key: &str, uid: u32) -> Option<Lease> {
    let bytes = files::read(dir, &format!("{key}.json"), uid, CAP)?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    if value["version"] != 1 {
        return None;
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(Lease {
        targets: value["targets"].as_array()?.iter().filter_map(text).collect(),
        reason: text(&value["reason"])?,
        taken: Clocks {
            wall: value["taken_wall"].as_u64()?,
            boot: value["taken_boot"].as_u64()?,
            boot_id: text(&value["boot_id"])?,
        },
        seconds: value["seconds"].as_u64()?,
        asked: value["asked"]
            .as_array()?
            .iter()
            .filter_map(|pair| Some((text(&pair[0])?, text(&pair[1])?)))
            .collect(),
    })
}

fn text(lease: &Lease) -> String {
    let asked: Vec<[&str; 2]> = lease.asked.iter().map(|(rule, target)| [rule.as_str(), target]).collect();
    let value = json!({
        "version": 1,
        "targets": lease.targets,
        "reason": lease.reason,
        "taken_wall": lease.taken.wall,
        "taken_boot": lease.taken.boot,
        "boot_id": lease.taken.boot_id,
        "seconds": lease.seconds,
        "asked": asked,
    });
    format!("{value}\n")
}
