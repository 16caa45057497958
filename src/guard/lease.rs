//! A lease: a short, reasoned permission for named targets. It says what it covers and whether it still lives; taking,
//! keeping and showing it are the caller's.

/// Two clocks at one moment, and the life of the machine that the second one counts in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// Seconds since the epoch.
    pub wall: u64,
    /// Seconds since the machine started, sleep counted in. Nobody can set this one.
    pub boot: u64,
    /// The kernel's random id of this boot.
    pub boot_id: String,
}

/// A lease as it was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// The names of the targets it holds for; an empty one stands for a target that could not be told.
    pub targets: Vec<String>,
    pub reason: String,
    /// When it was taken.
    pub taken: Clocks,
    /// How long it was taken for.
    pub seconds: u64,
    /// The (rule, target) pairs that were asked about under it and answered rightly.
    pub asked: Vec<(String, String)>,
}

impl Lease {
    /// When the wall clock ends it, in seconds since the epoch.
    pub fn until(&self) -> u64 {
        self.taken.wall.saturating_add(self.seconds)
    }

    /// Whether it still holds: the first clock that says it is over decides, so setting one does not lengthen it, and
    /// a restart ends it.
    pub fn lives(&self, now: &Clocks) -> bool {
        let boot_end = self.taken.boot.saturating_add(self.seconds);
        !self.taken.boot_id.is_empty()
            && now.boot_id == self.taken.boot_id
            && (self.taken.boot..boot_end).contains(&now.boot)
            && now.wall < self.until()
    }

    /// Whether it holds for a target.
    pub fn covers(&self, target: &str) -> bool {
        self.targets.iter().any(|covered| covered == target)
    }

    /// Whether a rule needs no second answer for a target. Scripts are always asked about, and so is a target that
    /// nobody can name.
    pub fn asked_about(&self, rule: &str, target: &str) -> bool {
        !target.is_empty()
            && !matches!(rule, "looks-destructive" | "unreadable" | "local-only")
            && self.asked.iter().any(|(r, t)| r == rule && t == target)
    }
}

/// A duration as people write it: `45s`, `30m`, `2h`, `1d`, `1h 30m`; in seconds. `None` for anything else.
pub fn seconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let unit = match rest.as_bytes().get(digits)? {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86400,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = rest.get(digits + 1..)?.trim_start();
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, found) in [
            ("30m", Some(1800)),
            ("1h30m", Some(5400)),
            ("1h 30m", Some(5400)),
            ("2d", Some(172_800)),
            ("0s", Some(0)),
            ("", None),
            ("30", None),
            ("m", None),
            ("30x", None),
            ("-1h", None),
            ("1hé", None),
            ("99999999999999999999h", None),
            ("18446744073709551615d", None),
        ] {
            assert_eq!(seconds(text), found, "{text}");
        }
    }

    #[test]
    fn the_first_clock_that_ends_it_ends_it() {
        let clocks = |wall, boot, id: &str| Clocks { wall, boot, boot_id: id.into() };
        let lease = Lease { taken: clocks(1000, 50, "a"), seconds: 100, ..Lease::default() };
        for (now, lives) in [
            (clocks(1000, 50, "a"), true),
            (clocks(1099, 149, "a"), true),
            (clocks(1100, 120, "a"), false),
            (clocks(1050, 150, "a"), false),
            (clocks(10, 149, "a"), true),
            (clocks(10, 150, "a"), false),
            (clocks(1050, 49, "a"), false),
            (clocks(1050, 100, "b"), false),
        ] {
            assert_eq!(lease.lives(&now), lives, "{now:?}");
        }
        assert!(!Lease { seconds: 100, ..Lease::default() }.lives(&Clocks::default()));
    }
}
