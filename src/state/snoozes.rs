//! What nobody wants to be told about for a while: `snooze.json`, written by `redtab snooze`, read by the watcher. A snooze names a
//! process in one life, or everything; it ends by the wall clock, and after half a day at the latest.

use serde_json::{Value, json};

use super::machine::Process;
use super::{RunDir, files};

const NAME: &str = "snooze.json";
const CAP: usize = 64 * 1024;
const MOST: usize = 200;

/// No snooze is longer.
pub const LONGEST: u64 = 12 * 60 * 60;

/// One snooze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snooze {
    /// `None`: everything.
    pub process: Option<Process>,
    /// Seconds since the epoch.
    pub until: u64,
}

impl Snooze {
    /// Whether it covers this process now. One that ends later than any may was written under another clock.
    pub fn covers(&self, process: Process, now: u64) -> bool {
        (now..=now.saturating_add(LONGEST)).contains(&self.until)
            && self.process.is_none_or(|snoozed| snoozed == process)
    }
}

impl RunDir {
    /// Every snooze that was written.
    pub fn snoozes(&self, uid: u32) -> Vec<Snooze> {
        let parse = |bytes: Vec<u8>| -> Option<Vec<Snooze>> {
            let value: Value = serde_json::from_slice(&bytes).ok()?;
            let list = value["snoozes"].as_array().filter(|_| value["version"] == 1)?;
            Some(list.iter().take(MOST).filter_map(snooze).collect())
        };
        files::read(self.fd(), NAME, uid, CAP).and_then(parse).unwrap_or_default()
    }

    /// Adds snoozes to those that are not over at `now`.
    ///
    /// # Errors
    /// What the system says; then nothing is snoozed.
    pub fn snooze(&self, added: &[Snooze], now: u64, uid: u32) -> std::io::Result<()> {
        let mut all: Vec<Snooze> = self.snoozes(uid).into_iter().filter(|old| old.until > now).collect();
        all.retain(|old| !added.iter().any(|new| new.process == old.process));
        all.extend_from_slice(added);
        let from = all.len().saturating_sub(MOST);
        let list: Vec<Value> = all[from..]
            .iter()
            .map(|snooze| {
                json!({
                    "pid": snooze.process.map(|process| process.pid),
                    "started": snooze.process.map(|process| process.started),
                    "until": snooze.until,
                })
            })
            .collect();
        files::replace(self.fd(), NAME, format!("{}\n", json!({ "version": 1, "snoozes": list })).as_bytes())
    }
}

fn snooze(value: &Value) -> Option<Snooze> {
    let process = match value["pid"].as_u64() {
        Some(pid) => Some(Process { pid: u32::try_from(pid).ok()?, started: value["started"].as_u64()? }),
        None if value["pid"].is_null() => None,
        None => return None,
    };
    Some(Snooze { process, until: value["until"].as_u64()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snooze_covers_its_process_for_its_time() {
        let process = Process { pid: 1, started: 2 };
        let one = Snooze { process: Some(process), until: 100 };
        assert!(one.covers(process, 99) && one.covers(process, 100));
        assert!(!one.covers(process, 101));
        assert!(!one.covers(Process { pid: 1, started: 3 }, 99));
        assert!(Snooze { process: None, until: 100 }.covers(process, 99));
        assert!(!Snooze { process: None, until: u64::MAX }.covers(process, 99));
    }
}
