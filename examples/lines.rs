//! Tries random and mutated lines against the guard, as many as are asked for, and says which was slowest:
//! `cargo run --release --example lines -- [COUNT [SEED]]`. It ends with 1 when one took more than 5 ms five times
//! over, or was decided more lightly inside `( … )`, `{ …; }`, `true && …`, `… | cat` or `bash -c`.
#![allow(clippy::print_stdout)] // a program for people

#[path = "../tests/support/lines.rs"]
mod lines;

use std::process::ExitCode;
use std::time::Duration;

use lines::{Looser, Random, SHELLS, repeated, seeds};
use redtab::guard::line::{Dialect, Shell};
use redtab::guard::rules::matches;
use redtab::guard::runs::{Definitions, resolve};

const BAR: Duration = Duration::from_millis(5);

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<u64>().ok());
    let count = numbers.next().unwrap_or(100_000);
    let mut random = Random::new(numbers.next().unwrap_or(0x9e37_79b9_7f4a_7c15));
    let seeds = seeds();
    let mut slowest = (Duration::ZERO, String::new());
    let (mut slow, mut looser) = (0u64, 0u64);
    for at in 0..count {
        let line = random.line(&seeds);
        let shell = SHELLS[(at % 3) as usize];
        let took = time(&line, shell);
        if took > slowest.0 {
            slowest = (took, line.clone());
        }
        if took > BAR {
            slow += 1;
            println!("slow   {took:?} {line:?}");
        }
        if let Some(found) = Looser::found(&line, shell) {
            looser += 1;
            if looser < 50 {
                println!("looser {shell:?} {found}");
            }
        }
        if at % 1_000_000 == 999_999 {
            println!("{} lines, slowest {:?}, {slow} slow, {looser} looser", at + 1, slowest.0);
        }
    }
    println!("{count} lines; slowest {:?}: {:?}; {slow} slow, {looser} looser", slowest.0, slowest.1);
    let mut longest = (Duration::ZERO, "");
    for piece in repeated() {
        let line = piece.repeat(64 * 1024 / piece.len());
        for shell in SHELLS {
            let took = time(&line, shell);
            if took > BAR {
                println!("long   {took:?} {piece:?} ({shell:?})");
            }
            longest = longest.max((took, piece));
        }
    }
    println!("64 KiB of one piece: slowest {:?}: {:?}", longest.0, longest.1);
    if slow + looser == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a line takes of a processor, whatever else the machine does. Interrupts count now and then; a slow line is slow
/// every time.
fn time(line: &str, shell: Shell) -> Duration {
    let spent = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    };
    let once = || {
        let start = spent();
        let runs = resolve(line, Dialect::typed(shell), Definitions::default());
        let hits: usize = runs.iter().map(|run| matches(run).len()).sum();
        std::hint::black_box(hits);
        spent().saturating_sub(start)
    };
    let mut took = once();
    for _ in 0..4 {
        if took > BAR {
            took = took.min(once());
        }
    }
    took
}
