//! `asked.json`: the forwards that lines have asked an ssh for. Where a master is connected already it takes them over, the
//! ssh of the line ends, and no process tells any more what lies behind the port: the line did. A shell writes them, the
//! watcher takes away what nobody listens for. They are no evidence: they only say what a port means while an ssh
//! listens there.

use serde_json::{Value, json};

use super::{RunDir, files};

/// The file's name in the run directory.
pub const NAME: &str = "asked.json";
const CAP: usize = 64 * 1024;
const MOST: usize = 100;

/// A line's ssh may take so many seconds until it listens.
pub const PATIENCE: u64 = 120;

/// One forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// As `-L` takes it: `15432:prod-db:5432`.
    pub spec: String,
    /// Seconds since the epoch.
    pub at: u64,
}

/// Reads what was written since the machine, whose boot id this is, started.
pub fn parse(bytes: &[u8], boot: &str) -> Vec<Asked> {
    let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let ours = value["version"] == 1 && value["boot"] == boot;
    let list = value["forwards"].as_array().filter(|_| ours).into_iter().flatten().take(MOST);
    let one =
        |value: &Value| Some(Asked { spec: value["spec"].as_str()?.to_owned(), at: value["at"].as_u64()? });
    list.filter_map(one).collect()
}

impl RunDir {
    /// Every forward that was asked for since the machine started.
    pub fn asked(&self, boot: &str, uid: u32) -> Vec<Asked> {
        files::read(self.fd(), NAME, uid, CAP).map(|bytes| parse(&bytes, boot)).unwrap_or_default()
    }

    /// Keeps these, the newest last.
    ///
    /// # Errors
    /// What the system says; then the old ones are still there.
    pub fn keep_asked(&self, asked: &[Asked], boot: &str) -> std::io::Result<()> {
        let from = asked.len().saturating_sub(MOST);
        let list: Vec<Value> =
            asked[from..].iter().map(|one| json!({ "spec": one.spec, "at": one.at })).collect();
        let value = json!({ "version": 1, "boot": boot, "forwards": list });
        files::replace(self.fd(), NAME, format!("{value}\n").as_bytes())
    }
}
