//! What names stand for: `ssh -G` for ssh's own, `getent ahosts` for addresses. Both may hang, so a worker runs them,
//! each for two seconds at most; nobody waits for it. `ssh -G` gets a shell that does nothing, so that no `Match exec`
//! runs. Only programs in absolute entries of PATH are run.

use std::collections::HashMap;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crate::connections::tunnels::Resolved;

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer about addresses holds.
const FRESH: Duration = Duration::from_secs(300);
/// More questions than this are not kept.
const MOST: usize = 1000;
const OUTPUT_CAP: u64 = 256 * 1024;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// What ssh makes of these arguments in this directory.
    Ssh { arguments: Vec<String>, cwd: Option<PathBuf> },
    /// The addresses of a name.
    Name(String),
}

/// Its answer; empty where there was none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Ssh(Box<Resolved>),
    Addresses(Vec<IpAddr>),
}

/// The worker, and what it has found so far.
pub struct Resolver {
    ask: Option<Sender<Question>>,
    answers: Receiver<(Question, Answer)>,
    known: HashMap<Question, Known>,
    /// Questions without an answer yet.
    pub waiting: usize,
}

struct Known {
    answer: Option<Answer>,
    at: Instant,
    pending: bool,
    used: bool,
}

impl Resolver {
    /// Starts a worker. `path`: where programs are looked for. `home`: theirs.
    pub fn start(path: &str, home: Option<PathBuf>) -> Resolver {
        let (ask, questions) = channel::<Question>();
        let (tell, answers) = channel();
        let ssh = program(path, "ssh");
        let getent = program(path, "getent");
        let path = path.to_owned();
        let work = move || {
            for question in questions {
                let answer = answer(&question, ssh.as_deref(), getent.as_deref(), &path, home.as_deref());
                if tell.send((question, answer)).is_err() {
                    return;
                }
            }
        };
        let started = std::thread::Builder::new().name("resolver".into()).stack_size(256 * 1024).spawn(work);
        Resolver { ask: started.is_ok().then_some(ask), answers, known: HashMap::new(), waiting: 0 }
    }

    /// One that asks nobody and knows nothing.
    pub fn silent() -> Resolver {
        Resolver { ask: None, answers: channel().1, known: HashMap::new(), waiting: 0 }
    }

    /// Takes in what the worker has found; whether that was anything.
    pub fn listen(&mut self) -> bool {
        let mut any = false;
        while let Ok((question, answer)) = self.answers.try_recv() {
            self.waiting = self.waiting.saturating_sub(1);
            if let Some(known) = self.known.get_mut(&question) {
                *known = Known { answer: Some(answer), at: Instant::now(), pending: false, used: known.used };
            }
            any = true;
        }
        any
    }

    /// What is known by now; asks where nothing is, or nothing fresh.
    pub fn get(&mut self, question: &Question) -> Option<&Answer> {
        let stale = |known: &Known| matches!(question, Question::Name(_)) && known.at.elapsed() > FRESH;
        let full = self.known.len() >= MOST;
        let ask = match self.known.get(question) {
            None => !full,
            Some(known) => !known.pending && stale(known),
        };
        if ask && self.ask.as_ref().is_some_and(|ask| ask.send(question.clone()).is_ok()) {
            self.waiting += 1;
            let old = self.known.remove(question).and_then(|known| known.answer);
            let known = Known { answer: old, at: Instant::now(), pending: true, used: true };
            self.known.insert(question.clone(), known);
        }
        let known = self.known.get_mut(question)?;
        known.used = true;
        known.answer.as_ref()
    }

    /// What is known by now, without asking.
    pub fn known(&self, question: &Question) -> Option<&Answer> {
        self.known.get(question)?.answer.as_ref()
    }

    /// Forgets what nobody has asked for since the last call.
    pub fn sweep(&mut self) {
        self.known.retain(|_, known| std::mem::take(&mut known.used) || known.pending);
    }
}

/// The path of a program in the absolute entries of PATH.
pub fn program(path: &str, name: &str) -> Option<PathBuf> {
    path.split(':')
        .filter(|entry| entry.starts_with('/'))
        .map(|entry| Path::new(entry).join(name))
        .find(|file| file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok())
}

fn answer(
    question: &Question,
    ssh: Option<&Path>,
    getent: Option<&Path>,
    path: &str,
    home: Option<&Path>,
) -> Answer {
    let command = |program: &Path| {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", path).env("LC_ALL", "C").env("SHELL", "/bin/false");
        command.envs(home.map(|home| ("HOME", home)));
        command
    };
    match question {
        Question::Ssh { arguments, cwd } => {
            let text = ssh.and_then(|ssh| {
                let mut command = command(ssh);
                command.arg("-G").args(arguments).current_dir(cwd.as_deref().unwrap_or(Path::new("/")));
                output(command)
            });
            Answer::Ssh(Box::new(text.map_or_else(Resolved::default, |text| Resolved::parse(&text))))
        }
        Question::Name(name) => {
            if let Ok(address) = name.parse::<IpAddr>() {
                return Answer::Addresses(vec![address]);
            }
            let text = getent.filter(|_| !name.is_empty() && !name.starts_with('-')).and_then(|getent| {
                let mut command = command(getent);
                command.args(["ahosts", name]);
                output(command)
            });
            let mut found: Vec<IpAddr> = text
                .unwrap_or_default()
                .lines()
                .take(1000)
                .filter_map(|line| line.split_whitespace().next()?.parse::<IpAddr>().ok())
                .map(|address| address.to_canonical())
                .collect();
            found.sort_unstable();
            found.dedup();
            Answer::Addresses(found)
        }
    }
}

/// What a program prints; `None` when it fails, or takes too long and is ended.
fn output(mut command: Command) -> Option<String> {
    use std::os::unix::process::CommandExt;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .ok()?;
    let mut out = child.stdout.take()?;
    let end = Instant::now() + PATIENCE;
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let timeout = rustix::event::Timespec::try_from(left).unwrap_or_default();
        let mut ready = [rustix::event::PollFd::new(&out, rustix::event::PollFlags::IN)];
        let polled = rustix::event::poll(&mut ready, Some(&timeout));
        if left.is_zero() || bytes.len() as u64 > OUTPUT_CAP || matches!(polled, Ok(0)) {
            break;
        }
        match out.read(&mut piece) {
            Ok(0) => {
                while Instant::now() < end {
                    if let Some(status) = child.try_wait().ok()? {
                        return status.success().then(|| String::from_utf8_lossy(&bytes).into_owned());
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
                break;
            }
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    // Its own group: what it started ends with it.
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(dir: &Path, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        let file = dir.join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn wait_for(resolver: &mut Resolver, question: &Question) -> Answer {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            resolver.listen();
            if let Some(answer) = resolver.get(question) {
                return answer.clone();
            }
            assert!(Instant::now() < end);
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_name_server_that_hangs_stops_nothing_behind_it() {
        let dir = tempfile::tempdir().unwrap();
        script(
            dir.path(),
            "getent",
            "[ \"$2\" = slow ] && sleep 1000\necho '192.0.2.7 STREAM x'\necho '::ffff:192.0.2.7 RAW'",
        );
        let path = format!("{}:/bin:/usr/bin", dir.path().display());
        let mut resolver = Resolver::start(&path, None);
        assert_eq!(resolver.get(&Question::Name("slow".into())), None);
        assert_eq!(resolver.get(&Question::Name("quick".into())), None);
        let answer = wait_for(&mut resolver, &Question::Name("quick".into()));
        assert_eq!(answer, Answer::Addresses(vec!["192.0.2.7".parse().unwrap()]));
        assert_eq!(resolver.get(&Question::Name("slow".into())), Some(&Answer::Addresses(vec![])));
        let literal = wait_for(&mut resolver, &Question::Name("2001:db8::1".into()));
        assert_eq!(literal, Answer::Addresses(vec!["2001:db8::1".parse().unwrap()]));
    }

    #[test]
    fn nothing_that_an_ssh_config_matches_by_is_run() {
        let dir = tempfile::tempdir().unwrap();
        let (mark, config) = (dir.path().join("ran"), dir.path().join("config"));
        let text = format!(
            "Match Host * EXEC \"touch {0}\"\n  HostName evil\nMatch exec=\"touch {0}\"\n  HostName evil\nHost *\n  HostName prod-web-7\n  ProxyJump u@bastion\n",
            mark.display()
        );
        std::fs::write(&config, text).unwrap();
        let mut resolver = Resolver::start("/usr/bin:/bin", None);
        let arguments = vec!["-F".into(), config.display().to_string(), "web".into()];
        let answer = wait_for(&mut resolver, &Question::Ssh { arguments, cwd: None });
        let Answer::Ssh(resolved) = answer else { panic!() };
        assert_eq!(resolved.host.map(|fact| fact.target).as_deref(), Some("prod-web-7"));
        assert_eq!(resolved.jumps, ["bastion"]);
        assert!(!mark.exists());
    }
}
