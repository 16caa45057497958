//! The key of a tab: one terminal device in one life. A reused `/dev/pts/3` is another tab.

/// What tells one tab from every other, as docs/protocol.md fixes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    /// The terminal's device number.
    pub tty: u64,
    /// The session leader's pid.
    pub session: u32,
    /// The leader's start: on Linux in clock ticks since boot, elsewhere in seconds since the epoch.
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
    fn the_key_is_a_file_name() {
        let boot = "0f8fad5b-d9cb-469f-a165-70867728950e".to_string();
        let tab = Tab { tty: 34_819, session: 4242, started: 987_654, boot };
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
}
