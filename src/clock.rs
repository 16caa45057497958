//! The two clocks that nobody sets: one stands still while the machine sleeps, the other goes on.

use rustix::time::{ClockId, Timespec};

use crate::idle::Millis;

/// Milliseconds of the clock that stands still in sleep.
pub fn awake() -> Millis {
    #[cfg(target_os = "macos")]
    return uptime();
    #[cfg(not(target_os = "macos"))]
    millis(rustix::time::clock_gettime(ClockId::Monotonic))
}

/// Milliseconds of the clock that goes on in sleep; on Linux since the machine was started.
pub fn since_boot() -> Millis {
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    // That of macOS goes on in sleep. Where there is no other one, the machine never sleeps.
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    millis(rustix::time::clock_gettime(clock))
}

/// macOS's monotonic clock is the one that goes on; this one has no name in rustix.
#[cfg(target_os = "macos")]
#[allow(unsafe_code)]
fn uptime() -> Millis {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer lives through the call, which fills what it points at.
    unsafe { libc::clock_gettime(libc::CLOCK_UPTIME_RAW, &raw mut time) };
    millis(Timespec { tv_sec: time.tv_sec, tv_nsec: time.tv_nsec })
}

fn millis(time: Timespec) -> Millis {
    Millis::try_from(time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_go_on() {
        let before = (awake(), since_boot());
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(awake() >= before.0 + 5 && since_boot() >= before.1 + 5);
        assert!(since_boot() + 1000 >= awake());
    }
}
