//! What another program prints, within a time and a size. It gives it no terminal and no input, and leaves nothing of it
//! running.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal};

/// Runs `command` and returns its stdout, at most `cap` bytes of it, when it ends well within `limit`.
///
/// # Errors
/// Why there is no answer, as the end of a sentence. Its whole process group is ended then.
pub fn output(command: Command, limit: Duration, cap: usize) -> Result<Vec<u8>, String> {
    match whatever(command, limit, cap, false)? {
        (bytes, Some(0)) => Ok(bytes),
        (_, Some(code)) => Err(format!("ends with status {code}")),
        (_, None) => Err("was killed".into()),
    }
}

/// The same however it ends: with its status, `None` when a signal ended it. `complaints`: with its stderr.
///
/// # Errors
/// As [`output`], but for the status.
pub fn whatever(
    mut command: Command,
    limit: Duration,
    cap: usize,
    complaints: bool,
) -> Result<(Vec<u8>, Option<i32>), String> {
    let failed = |error: std::io::Error| crate::world::plain(&error);
    let (out, into) = std::io::pipe().map_err(failed)?;
    let err = if complaints { Stdio::from(into.try_clone().map_err(failed)?) } else { Stdio::null() };
    let mut child = command
        .stdin(Stdio::null())
        .stdout(into)
        .stderr(err)
        .process_group(0)
        .spawn()
        .map_err(|error| format!("can't be started: {}", failed(error)))?;
    // Its ends of the pipe are the only ones left.
    drop(command);
    let read = read(out, Instant::now() + limit, cap);
    if read.is_err() {
        end(&child);
    }
    let status = child.wait().map_err(failed)?;
    Ok((read?, status.code()))
}

fn read(mut out: std::io::PipeReader, end: Instant, cap: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).unwrap_or_default();
        let polled = rustix::event::poll(&mut [PollFd::new(&out, PollFlags::IN)], Some(&timeout));
        if left.is_zero() || polled == Ok(0) {
            return Err("takes too long".into());
        }
        match out.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(_) if bytes.len() > cap => return Err("prints too much".into()),
            Ok(length) => bytes.extend_from_slice(piece.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(crate::world::plain(&error)),
        }
    }
}

/// What it started ends with it: it has a group of its own.
fn end(child: &Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(script: &str) -> Result<String, String> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        output(command, Duration::from_secs(5), 100_000)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    #[test]
    fn what_it_prints_or_why_not() {
        assert_eq!(of("echo a; echo b >&2; cat"), Ok("a\n".into()));
        assert_eq!(of("echo a; exit 3"), Err("ends with status 3".into()));
        assert_eq!(of("kill -9 $$"), Err("was killed".into()));
        assert_eq!(of("yes"), Err("prints too much".into()));
        assert_eq!(
            output(Command::new("/nonexistent"), Duration::from_secs(5), 1),
            Err("can't be started: no such file or directory".into())
        );
    }

    #[test]
    fn what_hangs_is_ended_with_all_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "sleep 600 & echo $! > \"$OUT\"; sleep 600"]).env("OUT", &file);
        assert_eq!(output(command, Duration::from_secs(1), 100), Err("takes too long".into()));
        let text = std::fs::read_to_string(&file).unwrap();
        let pid = Pid::from_raw(text.trim().parse().unwrap()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z")) {
            assert!(Instant::now() < deadline, "{pid} is still there");
            std::thread::yield_now();
        }
    }
}
