//! The late hours: windows in the week, and whether a minute of it lies in one. It asks no clock.

/// A window in the week, in minutes from Monday 00:00. `from` may lie behind `to`: then it goes on into Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    from: u32,
    minutes: u32,
}

const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A moment on the wall: the day of the week (Monday is 0) and the minute of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub day: u32,
    pub minute: u32,
}

/// Whether a moment lies in one of the windows. A window that can't be read holds nothing; the configuration refuses it
/// before.
pub fn is_late(windows: &[String], at: Moment) -> bool {
    let minute = (at.day % 7) * DAY + at.minute;
    windows
        .iter()
        .filter_map(|text| parse(text))
        .flatten()
        .any(|window| (minute + WEEK - window.from) % WEEK < window.minutes)
}

/// Whether a text is a window: `22:00-06:00`, `Fri 16:00-24:00`, `Mon-Thu 20:00-06:00`.
pub fn is_window(text: &str) -> bool {
    parse(text).is_some()
}

fn parse(text: &str) -> Option<Vec<Window>> {
    let mut words = text.split_ascii_whitespace();
    let (first, second) = (words.next()?, words.next());
    if words.next().is_some() {
        return None;
    }
    let (days, hours) = match second {
        Some(hours) => (days(first)?, hours),
        None => ((0..7).collect(), first),
    };
    let (from, to) = hours.split_once('-')?;
    let (from, to) = (minute(from)?, minute(to)?);
    if from == to || from == DAY {
        return None;
    }
    let minutes = if to > from { to - from } else { to + DAY - from };
    Some(days.into_iter().map(|day| Window { from: day * DAY + from, minutes }).collect())
}

fn days(text: &str) -> Option<Vec<u32>> {
    let day = |word: &str| {
        let index = DAYS.iter().position(|day| day.eq_ignore_ascii_case(word))?;
        u32::try_from(index).ok()
    };
    let Some((first, last)) = text.split_once('-') else { return Some(vec![day(text)?]) };
    let (first, last) = (day(first)?, day(last)?);
    Some((0..=(last + 7 - first) % 7).map(|n| (first + n) % 7).collect())
}

fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u32>().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute).filter(|_| minute.len() == 2)?);
    (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_their_minutes() {
        let at = |day, hour: u32, minute| Moment { day, minute: hour * 60 + minute };
        for (window, moment, late) in [
            ("22:00-06:00", at(0, 21, 59), false),
            ("22:00-06:00", at(0, 22, 0), true),
            ("22:00-06:00", at(3, 5, 59), true),
            ("22:00-06:00", at(3, 6, 0), false),
            ("22:00-06:00", at(0, 0, 0), true),
            ("Fri 16:00-24:00", at(4, 16, 0), true),
            ("Fri 16:00-24:00", at(4, 23, 59), true),
            ("Fri 16:00-24:00", at(5, 0, 0), false),
            ("fri 22:00-06:00", at(5, 5, 0), true),
            ("fri 22:00-06:00", at(4, 5, 0), false),
            ("Sun 22:00-06:00", at(0, 5, 59), true),
            ("Sun 22:00-06:00", at(0, 6, 0), false),
            ("Fri-Mon 00:00-24:00", at(6, 12, 0), true),
            ("Fri-Mon 00:00-24:00", at(0, 23, 59), true),
            ("Fri-Mon 00:00-24:00", at(1, 0, 0), false),
            ("8:30-9:00", at(2, 8, 45), true),
        ] {
            assert_eq!(is_late(&[window.to_string()], moment), late, "{window} {moment:?}");
        }
        assert!(!is_late(&[], at(0, 23, 0)));
    }

    #[test]
    fn what_is_no_window() {
        for text in [
            "",
            "22:00",
            "22-06",
            "22:00-22:00",
            "24:00-06:00",
            "25:00-26:00",
            "22:60-23:00",
            "Foo 1:00-2:00",
            "Fri 1:00-2:00 x",
            "-1:00-2:00",
            "22:00-6:0",
            "22:00–06:00",
        ] {
            assert!(!is_window(text), "{text}");
        }
    }
}
