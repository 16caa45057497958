//! The ladder of warnings about idle connections: quiet first, louder later, closing last and only what is known to be idle.
//!
//! Values in, values out: [`Ladder::step`] takes what is open, the time and the limits, and gives what to do. It never
//! repeats itself within one spell of idleness, never makes more than one digest in a quarter of an hour, and after a
//! sleep of the machine it is silent for two minutes and starts every countdown anew.

use std::collections::BTreeMap;

/// Milliseconds of the clock that stands still while the machine sleeps.
pub type Millis = u64;

const MINUTE: Millis = 60_000;

/// Between two digests.
const DIGEST_EVERY: Millis = 15 * MINUTE;
/// Nothing is said this long after a sleep.
const QUIET: Millis = 2 * MINUTE;
/// How long before it happens a closing is announced, at most.
const COUNTDOWN: Millis = 5 * MINUTE;
/// So many are named in one digest.
const NAMED: usize = 3;

/// From when on what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub idle_after: Millis,
    /// `None`: nothing is closed.
    pub close_after: Option<Millis>,
}

/// One open connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Tells it from every other one: pid and start.
    pub key: (u32, u64),
    pub id: u32,
    /// What it is, for people: `psql`, `tunnel`.
    pub kind: String,
    /// Where it leads, for people.
    pub target: String,
    /// The key of its tab; empty without one.
    pub tab: String,
    /// How long it has been idle; 0 while it is in use.
    pub idle: Millis,
    /// That it is idle is known, not only likely: it may be closed.
    pub known: bool,
    /// Nobody wants to hear of it for now.
    pub snoozed: bool,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A line at the next prompt of this tab.
    Notice { tab: String, text: String },
    /// A message in the terminal multiplexer of this connection's tab.
    Message { key: (u32, u64), text: String },
    /// One notification on the desktop.
    Digest { text: String },
    /// End it.
    Close { key: (u32, u64), id: u32, idle: Millis },
}

/// How far one connection has climbed in this spell of idleness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rung {
    noticed: bool,
    /// How often it was told louder: at two, four, eight … times the limit.
    louder: u32,
    /// Waits for the next digest.
    waiting: bool,
    announced: Option<Millis>,
    closing: bool,
}

/// What is remembered between two steps.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    rungs: BTreeMap<(u32, u64), Rung>,
    last_digest: Option<Millis>,
    quiet_until: Millis,
    /// Idleness before this moment counts for no countdown.
    woken: Option<Millis>,
}

impl Ladder {
    /// One look. `slept` says that the machine has slept since the last one.
    pub fn step(&mut self, items: &[Item], now: Millis, slept: bool, limits: Limits) -> Vec<Act> {
        if slept {
            self.quiet_until = now + QUIET;
            self.woken = Some(now);
            for rung in self.rungs.values_mut() {
                rung.announced = None;
            }
        }
        self.rungs
            .retain(|key, _| items.iter().any(|item| item.key == *key && item.idle >= limits.idle_after));
        let mut acts = Vec::new();
        for item in items.iter().filter(|item| is_idle(item, limits) && !item.snoozed) {
            let rung = self.rungs.entry(item.key).or_default();
            if now < self.quiet_until {
                continue;
            }
            climb(rung, item, limits, &mut acts);
            countdown(rung, item, now, self.woken, limits, &mut acts);
        }
        self.digest(items, now, limits, &mut acts);
        acts
    }

    fn digest(&mut self, items: &[Item], now: Millis, limits: Limits, acts: &mut Vec<Act>) {
        let due = self.last_digest.is_none_or(|last| now.saturating_sub(last) >= DIGEST_EVERY);
        let heard = |item: &&Item| is_idle(item, limits) && !item.snoozed;
        let waits = |item: &Item| self.rungs.get(&item.key).is_some_and(|rung| rung.waiting);
        if now < self.quiet_until || !due || !items.iter().filter(heard).any(waits) {
            return;
        }
        let all: Vec<&Item> = items.iter().filter(heard).collect();
        acts.push(Act::Digest { text: digest(&all) });
        self.last_digest = Some(now);
        for rung in self.rungs.values_mut() {
            rung.waiting = false;
        }
    }
}

/// Whether it counts as idle for the segment and for everything louder.
pub fn is_idle(item: &Item, limits: Limits) -> bool {
    item.idle >= limits.idle_after
}

fn climb(rung: &mut Rung, item: &Item, limits: Limits, acts: &mut Vec<Act>) {
    if !rung.noticed {
        rung.noticed = true;
        if !item.tab.is_empty() {
            acts.push(Act::Notice { tab: item.tab.clone(), text: notice(item) });
        }
        return;
    }
    let next = limits.idle_after.saturating_mul(2_u64.saturating_pow(rung.louder + 1));
    if item.idle >= next {
        // A watcher that looks seldom climbs one rung at a time all the same, and says it once.
        while item.idle >= limits.idle_after.saturating_mul(2_u64.saturating_pow(rung.louder + 1))
            && rung.louder < 32
        {
            rung.louder += 1;
        }
        rung.waiting = true;
        acts.push(Act::Message { key: item.key, text: notice(item) });
    }
}

fn countdown(
    rung: &mut Rung,
    item: &Item,
    now: Millis,
    woken: Option<Millis>,
    limits: Limits,
    acts: &mut Vec<Act>,
) {
    let Some(close_after) = limits.close_after.filter(|_| item.known && !rung.closing) else {
        rung.announced = None;
        return;
    };
    // After a sleep only what passed since counts.
    let idle = woken.map_or(item.idle, |woken| item.idle.min(now.saturating_sub(woken)));
    let ahead = COUNTDOWN.min(close_after / 2);
    if idle + ahead < close_after {
        return;
    }
    match rung.announced {
        None => {
            rung.announced = Some(now);
            let text = format!(
                "{} to {} will be closed in {} unless it is used.  redtab snooze {}",
                item.kind,
                item.target,
                spoken(ahead),
                item.id
            );
            if !item.tab.is_empty() {
                acts.push(Act::Notice { tab: item.tab.clone(), text: text.clone() });
            }
            acts.push(Act::Message { key: item.key, text });
        }
        // Nothing is closed that was not announced for the whole countdown.
        Some(at) if idle >= close_after && now.saturating_sub(at) >= ahead => {
            rung.closing = true;
            acts.push(Act::Close { key: item.key, id: item.id, idle: item.idle });
        }
        Some(_) => {}
    }
}

fn notice(item: &Item) -> String {
    let way = match item.kind.as_str() {
        "tunnel" | "forward" | "proxy" | "ssh master" => format!("redtab close {}", item.id),
        _ => "Ctrl-D".to_string(),
    };
    format!(
        "{} to {} has been idle for {} here. {way}, or redtab snooze {}",
        item.kind,
        item.target,
        spoken(item.idle),
        item.id
    )
}

/// One line for all: those to the same place by the same program are one thing.
fn digest(items: &[&Item]) -> String {
    let mut groups: Vec<(&str, &str, Millis, usize)> = Vec::new();
    for item in items {
        match groups.iter_mut().find(|group| group.0 == item.kind && group.1 == item.target) {
            Some(group) => {
                group.2 = group.2.max(item.idle);
                group.3 += 1;
            }
            None => groups.push((&item.kind, &item.target, item.idle, 1)),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.2));
    let named: Vec<String> = groups
        .iter()
        .take(NAMED)
        .map(|(kind, target, idle, count)| {
            let times = if *count > 1 { format!("{count} × ") } else { String::new() };
            format!("{times}{kind} {target} ({})", spoken(*idle))
        })
        .collect();
    let more = if groups.len() > NAMED { ", …" } else { "" };
    let noun = if items.len() == 1 { "connection" } else { "connections" };
    format!("{} production {noun} idle: {}{more}", items.len(), named.join(", "))
}

fn spoken(time: Millis) -> String {
    crate::signal::duration(time / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { idle_after: 10 * MINUTE, close_after: None };
    const CLOSING: Limits = Limits { idle_after: 10 * MINUTE, close_after: Some(20 * MINUTE) };

    fn item(pid: u32, idle: Millis) -> Item {
        Item {
            key: (pid, 1),
            id: pid,
            kind: "psql".into(),
            target: format!("db-{pid}"),
            tab: format!("tab-{pid}"),
            idle,
            known: true,
            snoozed: false,
        }
    }

    /// Everything done while `items` idle on for so many minutes, a step each ten seconds, as `minute act`.
    fn run(
        ladder: &mut Ladder,
        from: Millis,
        minutes: u64,
        items: &[Item],
        limits: Limits,
    ) -> Vec<(u64, Act)> {
        let mut out = Vec::new();
        for tick in 0..=minutes * 6 {
            let passed = tick * 10_000;
            let now: Vec<Item> = items.iter().map(|i| Item { idle: i.idle + passed, ..i.clone() }).collect();
            let acts = ladder.step(&now, from + passed, false, limits);
            out.extend(acts.into_iter().map(|act| (passed / MINUTE, act)));
        }
        out
    }

    fn word(act: &Act) -> &'static str {
        match act {
            Act::Notice { .. } => "notice",
            Act::Message { .. } => "message",
            Act::Digest { .. } => "digest",
            Act::Close { .. } => "close",
        }
    }

    fn words(acts: &[(u64, Act)]) -> Vec<(u64, &'static str)> {
        acts.iter().map(|(at, act)| (*at, word(act))).collect()
    }

    #[test]
    fn quiet_first_louder_later_each_once() {
        let acts = run(&mut Ladder::default(), 0, 79, &[item(1, 0)], LIMITS);
        let wanted = [(10, "notice"), (20, "message"), (20, "digest"), (40, "message"), (40, "digest")];
        assert_eq!(words(&acts), wanted);
        let Act::Notice { text, tab } = &acts[0].1 else { panic!() };
        assert_eq!(text, "psql to db-1 has been idle for 10 min here. Ctrl-D, or redtab snooze 1");
        assert_eq!(tab, "tab-1");
    }

    #[test]
    fn six_make_one_digest_and_the_next_comes_a_quarter_of_an_hour_later() {
        let mut six: Vec<Item> = (1..=6).map(|pid| item(pid, u64::from(pid) * 30_000)).collect();
        six[1].target = "db-1".into();
        let acts = run(&mut Ladder::default(), 0, 39, &six, LIMITS);
        let digests: Vec<_> = acts.iter().filter(|(_, act)| word(act) == "digest").collect();
        assert_eq!(digests.len(), 2, "{digests:?}");
        // The first of them came alone; the other five are told of together.
        assert!(digests[1].0 - digests[0].0 >= 15);
        let Act::Digest { text } = &digests[1].1 else { panic!() };
        assert!(
            text.starts_with("6 production connections idle: psql db-6 (") && text.ends_with(", …"),
            "{text}"
        );
        let together: Vec<Item> = (1..=6).map(|pid| item(pid, 0)).collect();
        let acts = run(&mut Ladder::default(), 0, 39, &together, LIMITS);
        assert_eq!(acts.iter().filter(|(_, act)| word(act) == "digest").count(), 1);
    }

    #[test]
    fn use_ends_the_spell_and_a_new_one_starts_below() {
        let mut ladder = Ladder::default();
        run(&mut ladder, 0, 25, &[item(1, 0)], LIMITS);
        assert_eq!(ladder.step(&[item(1, 0)], 26 * MINUTE, false, LIMITS), []);
        let acts = run(&mut ladder, 27 * MINUTE, 11, &[item(1, 0)], LIMITS);
        assert_eq!(words(&acts), [(10, "notice")]);
    }

    #[test]
    fn what_is_snoozed_is_silent() {
        let snoozed = Item { snoozed: true, ..item(1, 0) };
        assert_eq!(run(&mut Ladder::default(), 0, 100, &[snoozed], CLOSING), []);
    }

    #[test]
    fn closing_is_announced_and_touches_only_what_is_known() {
        let likely = Item { known: false, kind: "ssh".into(), ..item(2, 0) };
        let acts = run(&mut Ladder::default(), 0, 60, &[item(1, 0), likely], CLOSING);
        let closed: Vec<_> = acts
            .iter()
            .filter_map(|(at, act)| match act {
                Act::Close { id, .. } => Some((*at, *id)),
                _ => None,
            })
            .collect();
        assert_eq!(closed, [(20, 1)]);
        let announced = |(at, act): &(u64, Act)| matches!(act, Act::Notice { text, .. } if *at == 15 && text.contains("closed in 5 min"));
        assert!(acts.iter().any(announced), "{acts:?}");
    }

    #[test]
    fn sleep_makes_no_storm_and_starts_countdowns_anew() {
        let mut ladder = Ladder::default();
        run(&mut ladder, 0, 16, &[item(1, 0), item(2, 0)], CLOSING);
        let late = [item(1, 19 * MINUTE), item(2, 19 * MINUTE), item(3, 30 * MINUTE)];
        assert_eq!(ladder.step(&late, 19 * MINUTE, true, CLOSING), []);
        let acts = run(&mut ladder, 19 * MINUTE, 30, &late, CLOSING);
        assert!(acts.iter().all(|(at, _)| *at >= 2), "{acts:?}");
        let closes: Vec<u64> =
            acts.iter().filter(|(_, act)| word(act) == "close").map(|(at, _)| *at).collect();
        assert_eq!(closes, [20, 20, 20]);
        let loud = acts.iter().filter(|(at, act)| *at <= 2 && word(act) == "digest").count();
        assert!(loud <= 1, "{acts:?}");
    }

    #[test]
    fn a_closing_that_did_not_work_is_not_tried_again() {
        let mut ladder = Ladder::default();
        let acts = run(&mut ladder, 0, 120, &[item(1, 0)], CLOSING);
        assert_eq!(acts.iter().filter(|(_, act)| word(act) == "close").count(), 1);
    }
}
