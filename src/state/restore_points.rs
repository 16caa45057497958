//! What the backups' commands said last, in `restore-points.json`: a question must not wait for them. Foreign or broken,
//! it counts as not there.

use serde_json::{Value, json};

use super::{StateDir, files};
use crate::backups::{Checked, Listing, Point};

const FILE: &str = "restore-points.json";
const CAP: usize = 4 * 1024 * 1024;

/// Restore points kept of each backup, the newest ones.
const MOST: usize = 100;

impl StateDir {
    /// What was kept.
    pub fn restore_points(&self) -> Vec<Checked> {
        files::read(&self.fd, FILE, self.uid, CAP).and_then(|bytes| read(&bytes)).unwrap_or_default()
    }

    /// Keeps `checked` in the place of what was kept.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep_restore_points(&self, checked: &[Checked]) -> std::io::Result<()> {
        files::replace(&self.fd, FILE, write(checked).as_bytes())
    }
}

fn write(checked: &[Checked]) -> String {
    let point = |point: &Point| json!({ "time": point.time, "expires": point.expires, "label": point.label });
    let backups: Vec<Value> = checked
        .iter()
        .map(|one| {
            let (points, why) = match &one.outcome {
                Ok(listing) => (listing.points.iter().take(MOST).map(point).collect(), None),
                Err(why) => (Vec::new(), Some(why)),
            };
            json!({ "name": one.name, "at": one.at, "points": points, "why": why })
        })
        .collect();
    json!({ "version": 1, "backups": backups }).to_string()
}

fn read(bytes: &[u8]) -> Option<Vec<Checked>> {
    let whole: Value = serde_json::from_slice(bytes).ok()?;
    let point = |value: &Value| {
        Some(Point {
            time: value["time"].as_u64()?,
            expires: value["expires"].as_u64(),
            label: value["label"].as_str()?.into(),
        })
    };
    let one = |value: &Value| {
        let points = value["points"].as_array()?.iter().filter_map(point).collect();
        let outcome = match value["why"].as_str() {
            Some(why) => Err(why.to_string()),
            None => Ok(Listing { points, strange: 0 }),
        };
        Some(Checked { name: value["name"].as_str()?.into(), at: value["at"].as_u64()?, outcome })
    };
    (whole["version"] == 1).then_some(whole["backups"].as_array()?.iter().filter_map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let listing = Listing {
            points: vec![
                Point { time: 7, expires: Some(9), label: "a\n\u{1b}b".into() },
                Point { time: 5, expires: None, label: String::new() },
            ],
            strange: 0,
        };
        let checked = vec![
            Checked { name: "orders".into(), at: 10, outcome: Ok(listing) },
            Checked { name: "users".into(), at: 11, outcome: Err("takes too long".into()) },
        ];
        assert_eq!(read(write(&checked).as_bytes()), Some(checked));
        for bytes in
            [&b""[..], b"{}", b"[]", br#"{"version":2,"backups":[]}"#, br#"{"version":1,"backups":7}"#]
        {
            assert_eq!(read(bytes), None);
        }
    }
}
