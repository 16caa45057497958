//! A home of its own for one test: files, run directory, environment. Nothing of the machine's environment gets in.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

/// A temporary `$HOME` with XDG directories, a run directory, a directory on `PATH` that holds redtab, and the
/// environment that shells started in it get. Removed on drop, with every process that still lives in it.
pub struct Home {
    dir: TempDir,
    vars: BTreeMap<String, String>,
}

impl Home {
    pub fn new() -> Home {
        let dir = tempfile::Builder::new().prefix("redtab-").tempdir().unwrap();
        let home = Home { dir, vars: BTreeMap::new() };
        for sub in [".config", ".local/state", ".local/share/fish/generated_completions", ".cache", "bin"] {
            // Without generated_completions fish starts python in the background to make them.
            fs::create_dir_all(home.join(sub)).unwrap();
        }
        fs::create_dir(home.run_dir()).unwrap();
        fs::set_permissions(home.run_dir(), fs::Permissions::from_mode(0o700)).unwrap();
        home.restore_redtab();
        home.with_base_environment()
    }

    fn with_base_environment(mut self) -> Home {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.bin().display());
        let here = |sub: &str| self.join(sub).display().to_string();
        let vars = [
            ("HOME", here("")),
            ("PATH", path),
            ("LANG", "C.UTF-8".into()),
            ("TERM", "xterm-256color".into()),
            ("USER", "tester".into()),
            ("LOGNAME", "tester".into()),
            ("SHELL", "/bin/sh".into()),
            ("XDG_CONFIG_HOME", here(".config")),
            ("XDG_STATE_HOME", here(".local/state")),
            ("XDG_DATA_HOME", here(".local/share")),
            ("XDG_CACHE_HOME", here(".cache")),
            ("REDTAB_RUN_DIR", here("run")),
            ("REDTAB_SYSTEM_CONFIG", here("etc/redtab.toml")),
        ];
        // By day and by night the same, whatever the machine is called that they run on, and no watcher that a test does not
        // ask for: those of the late hours, the host and the watcher's start say so in the user's own file.
        let same = "[hours]\nlate = []\n[host]\nenvironment = \"safe\"\n[watch]\nstart = \"manual\"\n";
        self.write("etc/redtab.toml", same);
        self.vars = vars.map(|(name, value)| (name.to_string(), value)).into();
        self
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A path inside this home.
    pub fn join(&self, relative: &str) -> PathBuf {
        if relative.is_empty() { self.path().to_path_buf() } else { self.path().join(relative) }
    }

    /// Where redtab keeps its state: `$REDTAB_RUN_DIR`.
    pub fn run_dir(&self) -> PathBuf {
        self.join("run")
    }

    /// The first directory on this home's `PATH`.
    pub fn bin(&self) -> PathBuf {
        self.join("bin")
    }

    /// The redtab of this home. It shares its bytes with the one that cargo built: replace it with
    /// [`Home::replace_redtab`], never write into it.
    pub fn redtab(&self) -> PathBuf {
        self.join("bin/redtab")
    }

    /// Puts an executable script in redtab's place.
    pub fn replace_redtab(&self, script: &str) {
        self.remove_redtab();
        self.executable("bin/redtab", script);
    }

    pub fn remove_redtab(&self) {
        fs::remove_file(self.redtab()).unwrap();
    }

    /// Puts the real redtab where it was.
    pub fn restore_redtab(&self) {
        let _ = fs::remove_file(self.redtab());
        let binary = env!("CARGO_BIN_EXE_redtab");
        fs::hard_link(binary, self.redtab()).or_else(|_| fs::copy(binary, self.redtab()).map(drop)).unwrap();
    }

    /// Writes a file, with its directories, and returns its path.
    pub fn write(&self, relative: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes an executable file and returns its path.
    pub fn executable(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.write(relative, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Writes a kubeconfig whose clusters, servers and users have neutral names, so that only the contexts speak.
    /// An empty `current` leaves `current-context` out.
    pub fn kubeconfig(&self, relative: &str, contexts: &[&str], current: &str) -> PathBuf {
        self.write(relative, kubeconfig(contexts, current))
    }

    /// Sets a file's modification time.
    pub fn set_mtime(&self, relative: &str, time: SystemTime) {
        fs::File::options().write(true).open(self.join(relative)).unwrap().set_modified(time).unwrap();
    }

    /// The environment of every shell in this home, as (name, value).
    pub fn vars(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Puts a variable into the environment of whatever is started from now on.
    pub fn set_var(&mut self, name: &str, value: &str) {
        self.vars.insert(name.into(), value.into());
    }

    /// A command with this home's environment and nothing else, in this home's directory.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command.env_clear().envs(self.vars()).current_dir(self.path());
        command
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        end_all(|pid| lives_in(pid, &self.run_dir()));
    }
}

/// Where a tool is that `tests/run` installs for the tests alone; put its directory on `PATH` where a test needs it.
pub fn tool(name: &str) -> PathBuf {
    let var = |name| std::env::var_os(name).map(PathBuf::from);
    let cache = || var("XDG_CACHE_HOME").or_else(|| Some(var("HOME")?.join(".cache")));
    let dir = var("REDTAB_TEST_TOOLS").or_else(|| Some(cache()?.join("redtab-test-tools"))).unwrap();
    let path = dir.join("bin").join(name);
    assert!(path.exists(), "{} is missing: tests/run --tools installs it", path.display());
    path
}

/// The text of a kubeconfig as kubectl writes it.
pub fn kubeconfig(contexts: &[&str], current: &str) -> String {
    let mut text = "apiVersion: v1\nkind: Config\npreferences: {}\nclusters:\n".to_string();
    for at in 0..contexts.len() {
        text += &format!("- cluster:\n    server: https://10.0.0.{at}:6443\n  name: k-{at}\n");
    }
    text += "contexts:\n";
    // JSON's quotes are YAML's as well, for names that need some.
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@".contains(c));
    // YAML, unlike JSON, takes the second control block only as escapes.
    let escaped =
        |c: char| if ('\u{7f}'..='\u{9f}').contains(&c) { format!("\\x{:02x}", c as u32) } else { c.into() };
    let quoted = |name: &str| serde_json::to_string(name).unwrap().chars().map(escaped).collect();
    let word = |name: &str| if plain(name) { name.to_string() } else { quoted(name) };
    for (at, name) in contexts.iter().map(|name| word(name)).enumerate() {
        text += &format!("- context:\n    cluster: k-{at}\n    user: admin\n  name: {name}\n");
    }
    if !current.is_empty() {
        text += &format!("current-context: {}\n", word(current));
    }
    text + "users:\n- name: admin\n  user: {}\n"
}

/// Kills, by pid, every process that `ours` names, until none is left. One that can't be killed is left after 2 s.
pub(super) fn end_all(ours: impl Fn(u32) -> bool) {
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        let mut found = false;
        for pid in processes().filter(|pid| *pid != std::process::id() && ours(*pid)) {
            let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
                continue;
            };
            found |= rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok();
        }
        if !found {
            return;
        }
        std::thread::sleep(Duration::from_millis(1)); // the dying need the processor too
    }
}

/// Every process of the machine that is not a zombie.
fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| stat(*pid).is_some_and(|stat| stat.state != 'Z'))
}

/// Whether a process was started in the home with this run directory: its name is unique.
fn lives_in(pid: u32, run_dir: &Path) -> bool {
    let entry = format!("REDTAB_RUN_DIR={}", run_dir.display());
    let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environ.split(|byte| *byte == 0).any(|var| var == entry.as_bytes())
}

/// What /proc says of a process.
pub(super) struct Stat {
    pub state: char,
    pub session: u32,
}

pub(super) fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name may hold anything but it ends at the last parenthesis: state ppid pgrp session follow.
    let mut fields = text[text.rfind(')')? + 1..].split_whitespace();
    Some(Stat { state: fields.next()?.chars().next()?, session: fields.nth(2)?.parse().ok()? })
}
