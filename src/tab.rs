//! The key of a tab: one terminal device in one life. A reused `/dev/pts/3` is another tab.

/// What tells one tab from every other, as docs/protocol.md fixes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    /// The terminal's device number.
    pub tty: u64,
    /// The session leader's pid.
    pub session: u32,
    /// The leader's start, in clock ticks since boot.
    pub started: u64,
    /// The kernel's random id of this boot.
    pub boot: String,
}

impl Tab {
    /// The key as a file name: `TTY-SESSION-STARTED-BOOT`, numbers in hexadecimal, the boot id's first eight digits.
    pub fn key(&self) -> String {
        let boot: String = self.boot.chars().filter(char::is_ascii_hexdigit).take(8).collect();
        format!("{:x}-{:x}-{:x}-{boot}", self.tty, self.session, self.started)
    }

    /// Reads a tab's facts from the session leader's `/proc/PID/stat` line and the boot id.
    ///
    /// `stat` is the leader's own line; the command's name in it may hold spaces and parentheses.
    pub fn from_stat(stat: &str, boot: &str) -> Option<Tab> {
        let session: u32 = stat.split(' ').next()?.parse().ok()?;
        let rest = &stat[stat.rfind(')')? + 1..];
        let mut fields = rest.split_ascii_whitespace();
        let tty: i64 = fields.nth(4)?.parse().ok()?;
        let started: u64 = fields.nth(14)?.parse().ok()?;
        let tty = u64::try_from(tty).ok().filter(|tty| *tty != 0)?;
        Some(Tab { tty, session, started, boot: boot.trim().to_string() })
    }

    /// A device's number as `/proc/PID/stat` writes it.
    pub fn number(major: u32, minor: u32) -> u64 {
        u64::from(minor & 0xff) | u64::from(major) << 8 | u64::from(minor & !0xff) << 12
    }

    /// The terminal's device, major and minor.
    pub fn device(&self) -> (u32, u32) {
        let low = |number: u64| u32::try_from(number & 0xffff_ffff).unwrap_or(0);
        (low(self.tty >> 8) & 0xfff, low(self.tty & 0xff) | low(self.tty >> 12) & 0xf_ff00)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_of_a_shell_with_a_hostile_name() {
        let stat = "4242 (ba) sh (x) S 1 4242 4242 34819 4242 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 12 13";
        let tab = Tab::from_stat(stat, "0f8fad5b-d9cb-469f-a165-70867728950e\n").unwrap();
        assert_eq!((tab.tty, tab.session, tab.started), (34819, 4242, 987_654));
        assert_eq!(tab.key(), "8803-1092-f1206-0f8fad5b");
    }

    #[test]
    fn a_device_and_its_number() {
        for (major, minor) in [(136, 3), (136, 255), (136, 256), (136, 70_000), (4, 1), (4, 64)] {
            let tab = Tab { tty: Tab::number(major, minor), session: 1, started: 1, boot: String::new() };
            assert_eq!(tab.device(), (major, minor));
        }
        assert_eq!(Tab::number(136, 3), 34_819);
    }

    #[test]
    fn no_terminal_no_tab() {
        let stat = "1 (init) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 5 12 13";
        assert_eq!(Tab::from_stat(stat, "x"), None);
        assert_eq!(Tab::from_stat("", "x"), None);
    }
}
