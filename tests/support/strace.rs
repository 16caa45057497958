//! Counts the processes that a shell starts, as strace sees them. Threads are no processes.

use std::path::Path;

/// The system calls that can start a process or a program; `?` lets strace pass over those a machine lacks.
pub const TRACED: &str = "trace=execve,?execveat,?fork,?vfork,clone,?clone3";

/// What was started, one trace line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub forks: Vec<String>,
    pub execs: Vec<String>,
}

impl Calls {
    /// How many forks and execs.
    pub fn count(&self) -> (usize, usize) {
        (self.forks.len(), self.execs.len())
    }

    /// Reads `strace -f -o` lines: `PID  call(arguments) = result`. A call in two parts counts at its first.
    pub fn parse(trace: &str) -> Calls {
        let mut calls = Calls::default();
        for line in trace.lines() {
            let Some((_, call)) = line.split_once(' ') else { continue };
            let call = call.trim_start();
            let failed = call.contains(") = -1 ");
            match call.split_once('(').map(|(name, _)| name) {
                Some("fork" | "vfork") if !failed => calls.forks.push(line.to_string()),
                Some("clone" | "clone3") if !failed && !call.contains("CLONE_THREAD") => {
                    calls.forks.push(line.to_string());
                }
                Some("execve" | "execveat") if !failed => calls.execs.push(line.to_string()),
                _ => {}
            }
        }
        calls
    }
}

/// How many bytes of trace there are. A traced process waits until its call is written down, so all that a shell
/// did before it drew a prompt is in the file when the prompt is on the screen.
pub fn length(trace: &Path) -> usize {
    std::fs::metadata(trace).map_or(0, |meta| usize::try_from(meta.len()).unwrap_or(0))
}

/// What was started since the trace had `from` bytes.
pub fn since(trace: &Path, from: usize) -> Calls {
    let bytes = std::fs::read(trace).unwrap_or_default();
    Calls::parse(&String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()))
}
