//! install.sh, run by dash in homes of its own, with real bash, zsh and fish reading what it wrote.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use tempfile::TempDir;

const MARK: &str = "# redtab install.sh";
const RC_FILES: [&str; 3] = [".bashrc", ".zshrc", ".config/fish/config.fish"];
const FILES: [&str; 5] = [
    "bin/redtab",
    "share/man/man1/redtab.1",
    "share/bash-completion/completions/redtab",
    "share/zsh/site-functions/_redtab",
    "share/fish/vendor_completions.d/redtab.fish",
];
/// Stands in for the binary: its hook only says that it was loaded.
const STAND_IN: &str = "#!/bin/sh
case $1 in
  --version) echo redtab 0 ;;
  completions) echo \"completions of $2\" ;;
  init) echo \"echo loaded $2\" ;;
esac
";

/// A home directory with a space in its name, and a checkout beside it.
struct Home {
    root: TempDir,
}

impl Home {
    fn new() -> Home {
        let home = Home { root: tempfile::tempdir().unwrap() };
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::create_dir_all(home.path("")).unwrap();
        fs::create_dir_all(home.checkout().join("docs/man")).unwrap();
        for file in ["install.sh", "docs/man/redtab.1"] {
            fs::copy(manifest.join(file), home.checkout().join(file)).unwrap();
        }
        home.program("stand-in", STAND_IN);
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("the home").join(name)
    }

    fn checkout(&self) -> PathBuf {
        self.root.path().join("checkout")
    }

    /// Writes a program beside the home and returns its path.
    fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path(name)).ok()
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name).unwrap()).unwrap()
    }

    /// A command that sees this home and nothing of the developer's own settings.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.path("")).env("PATH", std::env::var_os("PATH").unwrap());
        command.env("TMPDIR", self.root.path()).current_dir(self.checkout());
        command
    }

    fn installer(&self, args: &[&str]) -> Command {
        let mut command = self.command("dash");
        command
            .arg("./install.sh")
            .args(args)
            .env("REDTAB_INSTALL_BINARY", self.root.path().join("stand-in"));
        command
    }

    fn install(&self, args: &[&str]) -> Output {
        run(&mut self.installer(args))
    }

    /// What an interactive shell says at its start: (stdout, redtab's lines on stderr).
    fn interactive(&self, shell: &str) -> (String, Vec<String>) {
        let out = run(self.command(shell).args(["-i", "-c", "echo alive"]));
        let said = err(&out).lines().filter(|line| line.contains("redtab")).map(str::to_owned).collect();
        (text(&out.stdout), said)
    }
}

fn run(command: &mut Command) -> Output {
    command.stdin(std::process::Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn err(output: &Output) -> String {
    text(&output.stderr)
}

fn assert_done(output: &Output) {
    assert!(output.status.success(), "{output:?}");
    assert_eq!(err(output), "");
}

fn assert_failed(output: &Output, code: i32, words: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(err(output).contains(words), "{words:?} is not in {}", err(output));
}

fn marked(content: &[u8]) -> usize {
    text(content).lines().filter(|line| line.contains(MARK)).count()
}

#[test]
fn rc_files_are_as_before_after_uninstall() {
    let long = "export A=b # a line\n".repeat(20_000);
    let shapes: &[Option<&[u8]>] = &[
        None,
        Some(b""),
        Some(b"true\n"),
        Some(b"true"),
        Some(b"\n"),
        Some(b"\n\n\n"),
        Some(b"true\n\n"),
        Some(b"# goes on \\"),
        Some(b"# goes on \\\n"),
        Some(b"true\r\n"),
        Some(b"true\r"),
        Some(b"# \xff\xfe \xe9\x80\n# \0 nul\n# \xc3"),
        Some(b"# redtab\n# eval \"$(redtab init bash)\" # redtab\n"),
        Some(b"# -n %s \\n \\0 $(touch /tmp/x) `id` 'quote\n#"),
        Some(long.as_bytes()),
    ];
    for shape in shapes {
        let home = Home::new();
        fs::create_dir_all(home.path(".config/fish")).unwrap();
        if let Some(content) = shape {
            for rc in RC_FILES {
                home.write(rc, content);
                fs::set_permissions(home.path(rc), Permissions::from_mode(0o640)).unwrap();
            }
        }
        let inodes = RC_FILES.map(|rc| fs::metadata(home.path(rc)).map(|meta| meta.ino()).ok());

        assert_done(&home.install(&["--yes"]));
        let once = RC_FILES.map(|rc| home.read(rc).unwrap());
        for content in &once {
            assert_eq!(marked(content), 1);
            assert!(content.starts_with(shape.unwrap_or_default()));
            assert!(text(content).lines().last().unwrap().contains(MARK));
            assert_eq!(content.last(), Some(&b'\n'));
        }
        assert_done(&home.install(&["--yes"]));
        assert_eq!(RC_FILES.map(|rc| home.read(rc).unwrap()), once);

        assert_done(&home.install(&["--uninstall"]));
        for (rc, inode) in RC_FILES.into_iter().zip(inodes) {
            assert!(home.read(rc).as_deref() == *shape, "{rc}: {:?} became {:?}", shape, home.read(rc));
            assert_eq!(fs::metadata(home.path(rc)).map(|meta| meta.ino()).ok(), inode);
            if shape.is_some() {
                assert_eq!(fs::metadata(home.path(rc)).unwrap().mode() & 0o777, 0o640);
            }
        }
        assert_done(&home.install(&["--uninstall"]));
        assert_eq!(RC_FILES.map(|rc| home.read(rc)), RC_FILES.map(|_| shape.map(<[u8]>::to_vec)));
    }
}

#[test]
fn line_starts_on_its_own_after_every_shape() {
    for shape in ["true", "true\n", "true \\", "true \\\n", ""] {
        let home = Home::new();
        RC_FILES.iter().for_each(|rc| home.write(rc, shape.as_bytes()));
        assert_done(&home.install(&["--yes"]));
        for shell in ["bash", "zsh", "fish"] {
            let (out, said) = home.interactive(shell);
            assert_eq!((out.as_str(), said), (&*format!("loaded {shell}\nalive\n"), vec![]), "{shape:?}");
        }
    }
}

#[test]
fn what_was_added_later_stays() {
    for (before, after) in
        [("one\n", "one\ntwo"), ("one", "one\ntwo"), ("one \\", "one \\\n\ntwo"), ("", "two")]
    {
        let home = Home::new();
        home.write(".bashrc", before.as_bytes());
        assert_done(&home.install(&["--yes"]));
        home.write(".bashrc", (home.text(".bashrc") + "two").as_bytes());
        assert_done(&home.install(&["--yes"]));
        assert!(home.text(".bashrc").ends_with("\ntwo") && marked(&home.read(".bashrc").unwrap()) == 1);
        assert_done(&home.install(&["--uninstall"]));
        assert_eq!(home.text(".bashrc"), after);
    }
    let home = Home::new();
    assert_done(&home.install(&["--yes"]));
    home.write(".bashrc", ("two\n".to_owned() + &home.text(".bashrc")).as_bytes());
    assert_done(&home.install(&["--uninstall"]));
    assert_eq!(home.text(".bashrc"), "two\n", "a file that was made for the line and holds more now");
}

#[test]
fn links_stay_links() {
    let home = Home::new();
    home.write("dotfiles/bashrc", b"true");
    fs::set_permissions(home.path("dotfiles/bashrc"), Permissions::from_mode(0o600)).unwrap();
    symlink("dotfiles/bashrc", home.path(".bashrc")).unwrap();
    assert_done(&home.install(&["--yes"]));
    assert_eq!(marked(&home.read("dotfiles/bashrc").unwrap()), 1);
    assert_done(&home.install(&["--uninstall"]));
    assert_eq!(fs::read_link(home.path(".bashrc")).unwrap(), Path::new("dotfiles/bashrc"));
    assert_eq!(home.read("dotfiles/bashrc").unwrap(), b"true");
    assert_eq!(fs::metadata(home.path("dotfiles/bashrc")).unwrap().mode() & 0o777, 0o600);

    // A file made for the line, taken into a repository later: that one is emptied, and no link goes.
    assert_done(&home.install(&["--yes"]));
    fs::rename(home.path(".zshrc"), home.path("dotfiles/zshrc")).unwrap();
    symlink("dotfiles/zshrc", home.path(".zshrc")).unwrap();
    assert_done(&home.install(&["--uninstall"]));
    assert_eq!(fs::read_link(home.path(".zshrc")).unwrap(), Path::new("dotfiles/zshrc"));
    assert_eq!(home.read("dotfiles/zshrc").unwrap(), b"");
}

#[test]
fn what_can_not_be_written_is_named_and_the_rest_goes_on() {
    let home = Home::new();
    home.write(".bashrc", b"true\n");
    fs::set_permissions(home.path(".bashrc"), Permissions::from_mode(0o444)).unwrap();
    symlink("nowhere/zshrc", home.path(".zshrc")).unwrap();
    let out = home.install(&["--yes"]);
    assert_failed(&out, 1, "~/.bashrc is left as it is: it is read-only.");
    assert_failed(&out, 1, "~/.zshrc is left as it is: it is a link to nothing.");
    assert_eq!(marked(&out.stderr), 2, "the lines to add by hand");
    assert_eq!(home.read(".bashrc").unwrap(), b"true\n");
    assert_eq!(fs::read_link(home.path(".zshrc")).unwrap(), Path::new("nowhere/zshrc"));
    assert_eq!(marked(&home.read(RC_FILES[2]).unwrap()), 1);

    let home = Home::new();
    assert_done(&home.install(&["--yes"]));
    let lined = home.read(".bashrc");
    fs::set_permissions(home.path(".bashrc"), Permissions::from_mode(0o444)).unwrap();
    assert_failed(&home.install(&["--uninstall"]), 1, "the line in ~/.bashrc stays: it is read-only.");
    assert_eq!(home.read(".bashrc"), lined);
    assert_eq!((home.read(".zshrc"), home.read(RC_FILES[2])), (None, None));
    assert!(!home.path(".local/bin/redtab").exists());
}

#[test]
fn another_prefix_renews_the_line_where_it_stands() {
    let home = Home::new();
    home.write(".bashrc", b"one");
    assert_done(&home.install(&["--yes"]));
    home.write(".bashrc", (home.text(".bashrc") + "two\n").as_bytes());
    let other = home.path("other");
    assert_done(&home.install(&["--yes", "--prefix", other.to_str().unwrap()]));
    let content = home.text(".bashrc");
    let lines: Vec<&str> = content.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[2]), (3, "one", "two"));
    assert!(lines[1].contains("/other/bin/redtab") && lines[1].ends_with("(and the newline before it)"));
    home.write(".bashrc", content.trim_end_matches("two\n").as_bytes());
    assert_done(&home.install(&["--uninstall", &format!("--prefix={}", other.display())]));
    assert_eq!(home.text(".bashrc"), "one");
    assert!(FILES.iter().all(|file| !other.join(file).exists() && home.path(".local").join(file).exists()));
}

#[test]
fn odd_prefixes_work_in_every_shell() {
    for name in [
        "a  b",
        "it's",
        "''",
        "back\\slash\\",
        "two\\\\ and \\'",
        "$(touch planted)",
        "`touch planted`",
        "\"double\"",
        "!bang",
        "per%cent%s",
        "münchen",
        "semi;colon&",
        "-n",
        "*",
        "#hash",
        "{a,b}",
        "~",
    ] {
        let home = Home::new();
        let prefix = home.path(name);
        assert_done(&home.install(&["--yes", "--prefix", prefix.to_str().unwrap()]));
        assert!(FILES.iter().all(|file| prefix.join(file).is_file()), "{name}");
        for shell in ["bash", "zsh", "fish"] {
            let (out, said) = home.interactive(shell);
            assert_eq!((out.as_str(), said), (&*format!("loaded {shell}\nalive\n"), vec![]), "{name}");
        }
        fs::remove_file(prefix.join("bin/redtab")).unwrap();
        for shell in ["bash", "zsh", "fish"] {
            let (out, said) = home.interactive(shell);
            assert_eq!((out.as_str(), said.len()), ("alive\n", 1), "{name}: {said:?}");
            let start = format!("redtab: ~/{name}/bin/redtab is missing or does not run");
            assert!(said[0].starts_with(&start), "{said:?}");
        }
        assert_done(&home.install(&["--uninstall", "--prefix", prefix.to_str().unwrap()]));
        assert_eq!(RC_FILES.map(|rc| home.read(rc)), [None, None, None]);
        assert!(!home.path("planted").exists() && !home.checkout().join("planted").exists());
    }
}

#[test]
fn a_relative_prefix_is_below_the_working_directory() {
    let home = Home::new();
    assert_done(&home.install(&["--yes", "--prefix", "below/"]));
    let line = format!("[ -x '{}/below/bin/redtab' ]", home.checkout().canonicalize().unwrap().display());
    assert!(home.text(".bashrc").contains(&line), "{}", home.text(".bashrc"));
}

#[test]
fn missing_or_broken_binary_is_told_once_and_only_to_a_person() {
    for broken in [None, Some("#!/bin/sh\nexit 1\n"), Some("#!/bin/sh\nkill -SEGV $$\n")] {
        let home = Home::new();
        RC_FILES.iter().for_each(|rc| home.write(rc, b"true\n"));
        assert_done(&home.install(&["--yes"]));
        fs::remove_file(home.path(".local/bin/redtab")).unwrap();
        if let Some(text) = broken {
            home.write(".local/bin/redtab", text.as_bytes());
            fs::set_permissions(home.path(".local/bin/redtab"), Permissions::from_mode(0o755)).unwrap();
        }
        for (shell, rc) in ["bash", "zsh", "fish"].into_iter().zip(RC_FILES) {
            let expected = format!(
                "redtab: ~/.local/bin/redtab is missing or does not run, so nothing turns red here. Install it again, or \
                 delete the redtab line in ~/{rc}."
            );
            let (out, said) = home.interactive(shell);
            let said: Vec<_> = said.into_iter().filter(|line| line.starts_with("redtab:")).collect();
            assert_eq!((out.as_str(), said), ("alive\n", vec![expected]), "{shell}");
        }
    }
}

#[test]
fn nothing_is_said_or_loaded_where_nobody_looks() {
    let home = Home::new();
    assert_done(&home.install(&["--yes"]));
    let bashrc = home.path(".bashrc");
    for present in [true, false] {
        if !present {
            fs::remove_file(home.path(".local/bin/redtab")).unwrap();
        }
        let commands = [
            // sshd runs `bash -c`, which reads .bashrc there.
            home.command("bash").args(["-c", "echo alive"]).env("SSH_CLIENT", "::1 1 22").output(),
            home.command("bash").args(["-c", "echo alive"]).env("BASH_ENV", &bashrc).output(),
            home.command("bash").args(["-c", "set -eu; . ~/.bashrc; echo alive"]).output(),
            home.command("zsh").args(["-c", "set -eu; . ~/.zshrc; echo alive"]).output(),
            home.command("dash").args(["-c", "set -eu; . ~/.bashrc; echo alive"]).output(),
            home.command("dash").args(["-i", "-c", "2>/dev/null . ~/.bashrc; echo alive"]).output(),
            home.command("fish").args(["-c", "echo alive"]).output(),
        ];
        for output in commands {
            let output = output.unwrap();
            let said = err(&output).lines().filter(|line| line.contains("redtab")).count();
            assert_eq!((text(&output.stdout).as_str(), said), ("alive\n", 0), "{output:?}");
        }
    }
}

#[test]
fn no_rc_and_no_terminal_leave_rc_files_alone_and_print_the_line() {
    let home = Home::new();
    home.write(".bashrc", b"true");
    let mut without_terminal = home.command("setsid");
    without_terminal.args(["-w", "dash", "./install.sh"]);
    without_terminal.env("REDTAB_INSTALL_BINARY", home.root.path().join("stand-in"));
    for output in
        [run(&mut without_terminal), home.install(&["--no-rc"]), home.install(&["--yes", "--no-rc"])]
    {
        assert_done(&output);
        assert_eq!(RC_FILES.map(|rc| home.read(rc)), [Some(b"true".to_vec()), None, None]);
        assert!(FILES.iter().all(|file| home.path(".local").join(file).is_file()));
        assert_eq!(marked(&output.stdout), 3, "{}", text(&output.stdout));
    }
    // The printed line is a good one, and uninstall knows it.
    let printed = text(&home.install(&["--no-rc"]).stdout);
    let line = printed.lines().find(|line| line.contains(MARK)).unwrap();
    home.write(".bashrc", format!("true\n{line}\n").as_bytes());
    assert_eq!(home.interactive("bash").0, "loaded bash\nalive\n");
    assert_done(&home.install(&["--uninstall"]));
    assert_eq!(home.text(".bashrc"), "true\n");
}

#[test]
fn asks_on_the_terminal_for_each_file() {
    let home = Home::new();
    let mut command = CommandBuilder::new("dash");
    command.arg("./install.sh");
    command.cwd(home.checkout());
    command.env_clear();
    command.env("HOME", home.path(""));
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command.env("REDTAB_INSTALL_BINARY", home.root.path().join("stand-in"));
    let pty = native_pty_system().openpty(PtySize { rows: 40, cols: 300, ..PtySize::default() }).unwrap();
    let mut reader = pty.master.try_clone_reader().unwrap();
    let mut writer = pty.master.take_writer().unwrap();
    let mut child = pty.slave.spawn_command(command).unwrap();
    drop(pty.slave);
    let mut seen = String::new();
    let mut answers = ["\n", "n\n", "yes\n"].into_iter();
    let mut buffer = [0; 4096];
    // The end of a pty reads as an error on Linux.
    while let Ok(count) = reader.read(&mut buffer) {
        if count == 0 {
            break;
        }
        let before = seen.matches("[Y/n]").count();
        seen += &text(&buffer[..count]);
        for answer in answers.by_ref().take(seen.matches("[Y/n]").count() - before) {
            writer.write_all(answer.as_bytes()).unwrap();
        }
    }
    assert!(child.wait().unwrap().success());
    for rc in RC_FILES {
        assert!(seen.contains(&format!("redtab: add one line to ~/{rc}? [Y/n]")), "{seen}");
    }
    assert!(seen.contains("~/.zshrc is left as it is."), "{seen}");
    assert_eq!(RC_FILES.map(|rc| home.read(rc).map(|content| marked(&content))), [Some(1), None, Some(1)]);
}

#[test]
fn installs_the_real_binary_with_completions_and_page() {
    let home = Home::new();
    let binary = env!("CARGO_BIN_EXE_redtab");
    let output = run(home.installer(&["--yes"]).env("REDTAB_INSTALL_BINARY", binary));
    assert_done(&output);
    assert!(text(&output.stdout).lines().count() <= 6, "{}", text(&output.stdout));
    let at = |file: &str| home.path(".local").join(file);
    assert_eq!(fs::read(at("bin/redtab")).unwrap(), fs::read(binary).unwrap());
    assert_eq!(fs::metadata(at("bin/redtab")).unwrap().mode() & 0o777, 0o755);
    assert_eq!(fs::read_to_string(at(FILES[1])).unwrap(), include_str!("../docs/man/redtab.1"));
    for (shell, file) in ["bash", "zsh", "fish"].into_iter().zip(&FILES[2..]) {
        let completions = run(Command::new(binary).args(["completions", shell]));
        assert_done(&completions);
        assert_eq!(fs::read(at(file)).unwrap(), completions.stdout);
        assert_eq!(fs::metadata(at(file)).unwrap().mode() & 0o777, 0o644);
        assert_done(&run(home.command(shell).arg("-n").arg(at(file))));
    }
    assert!(text(&fs::read(at(FILES[2])).unwrap()).contains("completions"));
    // fish looks there without being told.
    let ask = "set -gx PATH ~/.local/bin $PATH; complete -C 'redtab comp'";
    let offered = run(home.command("fish").args(["-c", ask]));
    assert!(text(&offered.stdout).starts_with("completions"), "{offered:?}");
}

#[test]
fn upgrade_replaces_the_binary_in_one_step() {
    let home = Home::new();
    assert_done(&home.install(&["--yes"]));
    let bin = home.path(".local/bin");
    let before = fs::metadata(bin.join("redtab")).unwrap().ino();
    home.program("stand-in", &format!("{STAND_IN}# newer\n"));
    // Written in place, the running one would change under its feet, or refuse.
    assert_done(&home.install(&["--yes"]));
    assert_ne!(fs::metadata(bin.join("redtab")).unwrap().ino(), before);
    assert!(fs::read_to_string(bin.join("redtab")).unwrap().ends_with("# newer\n"));
    assert_eq!(fs::read_dir(&bin).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn builds_with_the_locked_dependencies() {
    let home = Home::new();
    // A path that JSON has to escape, and a target directory that only cargo knows.
    let built = home.program("tar \"get\"/x\\y/redtab", STAND_IN);
    let json = built.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
    let cargo = home.program(
        "cargo home/bin/cargo",
        &format!(
            "#!/bin/sh\nprintf '%s\\n' \"$PWD\" \"$@\" >\"$HOME/asked\"\ncat <<'END'\n\
             {{\"reason\":\"compiler-artifact\",\"executable\":null,\"fresh\":true}}\n\
             {{\"reason\":\"compiler-artifact\",\"executable\":\"{json}\",\"fresh\":false}}\n\
             {{\"reason\":\"build-finished\",\"success\":true}}\nEND\n"
        ),
    );
    let path = std::env::var_os("PATH").unwrap();
    let path = std::iter::once(cargo.parent().unwrap().to_path_buf()).chain(std::env::split_paths(&path));
    // From anywhere: what is built is the checkout that the script lies in.
    let mut command = home.command("dash");
    command.arg(home.checkout().join("install.sh")).arg("--no-rc");
    command.current_dir("/").env("PATH", std::env::join_paths(path).unwrap());
    assert_done(&run(&mut command));
    let asked = home.text("asked");
    let asked: Vec<&str> = asked.lines().collect();
    assert_eq!(Path::new(asked[0]), home.checkout().canonicalize().unwrap());
    assert_eq!(asked[1..4], ["build", "--release", "--locked"]);
    assert_eq!(fs::read_to_string(home.path(".local/bin/redtab")).unwrap(), STAND_IN);

    home.program("cargo home/bin/cargo", "#!/bin/sh\necho 'error: no network' >&2\nexit 101\n");
    let failed = Home::new();
    let mut command = failed.installer(&["--yes"]);
    command.env_remove("REDTAB_INSTALL_BINARY").env("CARGO_HOME", home.root.path().join("cargo home"));
    command.env("PATH", tools(&failed, &["bash"]));
    assert_failed(&run(&mut command), 1, "error: no network\nredtab: the build failed");
    assert_eq!(RC_FILES.map(|rc| failed.read(rc)), [None, None, None]);
    assert!(!failed.path(".local/bin/redtab").exists());
}

/// A PATH with nothing in it but what install.sh needs, and `more`.
fn tools(home: &Home, more: &[&str]) -> PathBuf {
    let dir = home.root.path().join("tools");
    fs::create_dir_all(&dir).unwrap();
    let needed = "cat chmod cp dash dirname find grep head mkdir mktemp mv rm sed sh tail tr uname wc";
    for tool in needed.split(' ').chain(more.iter().copied()) {
        let path = std::env::var_os("PATH").unwrap();
        let found = std::env::split_paths(&path).map(|dir| dir.join(tool)).find(|path| path.exists());
        symlink(found.unwrap(), dir.join(tool)).unwrap();
    }
    dir
}

#[test]
fn without_cargo_it_says_what_to_do() {
    let home = Home::new();
    let mut command = home.installer(&["--yes"]);
    command.env_remove("REDTAB_INSTALL_BINARY").env("PATH", tools(&home, &["bash"]));
    let output = run(&mut command);
    assert_failed(&output, 1, "cargo was not found");
    assert!(err(&output).contains("https://rustup.rs"));
    assert_eq!(RC_FILES.map(|rc| home.read(rc)), [None, None, None]);
}

#[test]
fn only_shells_that_are_there_get_a_line() {
    for shell in ["bash", "zsh", "fish"] {
        let home = Home::new();
        assert_done(&run(home.installer(&["--yes"]).env("PATH", tools(&home, &[shell]))));
        for (other, rc) in ["bash", "zsh", "fish"].into_iter().zip(RC_FILES) {
            assert_eq!(home.read(rc).is_some(), other == shell, "{rc}");
        }
    }
}

#[test]
fn login_files_that_pass_bashrc_by_get_the_line_too() {
    /// A file's name and what it holds.
    type Files = &'static [(&'static str, &'static str)];
    let cases: &[(Files, &[&str])] = &[
        (&[(".profile", ". ~/.bashrc\n")], &[]),
        (&[(".bash_profile", "[ -f ~/.bashrc ] && . ~/.bashrc\n")], &[]),
        (&[(".bash_profile", ". ~/.profile\n"), (".profile", ". ~/.bashrc\n")], &[]),
        (&[(".bash_profile", "export A=b"), (".profile", ". ~/.bashrc\n")], &[".bash_profile"]),
        (&[(".bash_login", "export A=b\n"), (".profile", "")], &[".bash_login"]),
        (&[(".profile", "export A=b\n")], &[".profile"]),
    ];
    for (files, lined) in cases {
        let home = Home::new();
        for (name, content) in *files {
            home.write(name, content.as_bytes());
        }
        assert_done(&home.install(&["--yes"]));
        assert_done(&home.install(&["--yes"]));
        for (name, _) in *files {
            assert_eq!(marked(&home.read(name).unwrap()), usize::from(lined.contains(name)), "{name}");
        }
        let login = run(home.command("bash").args(["-l", "-i", "-c", "echo alive"]));
        assert_eq!(text(&login.stdout), "loaded bash\nalive\n", "{files:?}");
        assert_done(&home.install(&["--uninstall"]));
        for (name, content) in *files {
            assert_eq!(home.text(name), *content);
        }
    }
    let home = Home::new();
    home.write(".bashrc", b"true\n");
    symlink(".bashrc", home.path(".bash_profile")).unwrap();
    assert_done(&home.install(&["--yes"]));
    assert_done(&home.install(&["--yes"]));
    assert_eq!(marked(&home.read(".bashrc").unwrap()), 1);
    assert_done(&home.install(&["--uninstall"]));
    assert_eq!(home.text(".bashrc"), "true\n");
}

#[test]
fn finds_where_zsh_and_fish_look() {
    let home = Home::new();
    home.write(".zshenv", b"ZDOTDIR=$HOME/dot\\ files\necho noise\n");
    home.write("dot files/.zshrc", b"true");
    let xdg = home.path("x d g");
    assert_done(&run(home.installer(&["--yes"]).env("XDG_CONFIG_HOME", &xdg)));
    assert_eq!(home.read(".zshrc"), None);
    assert_eq!(marked(&home.read("dot files/.zshrc").unwrap()), 1);
    assert_eq!(marked(&home.read("x d g/fish/config.fish").unwrap()), 1);
    assert_done(&run(home.installer(&["--uninstall"]).env("XDG_CONFIG_HOME", &xdg)));
    assert_eq!(home.text("dot files/.zshrc"), "true");
    assert_eq!(home.read("x d g/fish/config.fish"), None);
}

#[test]
fn uninstall_removes_its_files_keeps_the_config_and_says_so() {
    let home = Home::new();
    home.write(".config/redtab/config.toml", b"[prompt]\n");
    assert_done(&home.install(&["--yes"]));
    home.write(".local/bin/another", b"");
    let output = home.install(&["--uninstall"]);
    assert_done(&output);
    assert!(FILES.iter().all(|file| !home.path(".local").join(file).exists()));
    assert!(home.path(".local/bin/another").exists());
    assert_eq!(home.read(".config/redtab/config.toml").unwrap(), b"[prompt]\n");
    assert_eq!(
        text(&output.stdout),
        "redtab: removed what was installed in ~/.local.\n        \
         Its line is gone from ~/.bashrc, ~/.zshrc, ~/.config/fish/config.fish.\n        \
         Kept, for it is yours:  ~/.config/redtab\n        \
         Shells that are open show redtab ? until they end.\n"
    );
    assert!(
        text(&home.install(&["--uninstall"]).stdout).starts_with("redtab: nothing of redtab is in ~/.local.")
    );
}

/// An interactive bash on a terminal of its own, in which the real redtab is installed; it ends with this value.
struct Terminal {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    fn open(home: &Home) -> Terminal {
        let mut command = CommandBuilder::new("bash");
        command.arg("-i");
        command.cwd(home.path(""));
        command.env_clear();
        command.env("HOME", home.path(""));
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command.env("TERM", "xterm");
        command.env("REDTAB_RUN_DIR", home.path("run"));
        let pty = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let child = pty.slave.spawn_command(command).unwrap();
        std::thread::spawn(move || {
            let mut sink = [0; 4096];
            while reader.read(&mut sink).is_ok_and(|read| read > 0) {}
        });
        Terminal { child, _master: pty.master }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The watchers that look after this home.
fn watchers(home: &Home) -> Vec<u32> {
    let marker = format!("REDTAB_RUN_DIR={}\0", home.path("run").display());
    let is_one = |pid: &u32| {
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        text(&read("cmdline")).contains("watch\0run\0") && text(&read("environ")).contains(&marker)
    };
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok()).filter(is_one).collect()
}

#[test]
fn uninstall_ends_the_watcher_that_a_shell_has_started() {
    let homes = [Home::new(), Home::new()];
    let mut terminals = Vec::new();
    let script = |home: &Home, args: &[&str]| {
        let mut installer = home.installer(args);
        installer.env("REDTAB_INSTALL_BINARY", env!("CARGO_BIN_EXE_redtab"));
        assert_done(&run(installer.env("REDTAB_RUN_DIR", home.path("run"))));
    };
    for home in &homes {
        script(home, &["--yes"]);
        assert_eq!(watchers(home).len(), 0, "the installation itself starts none");
        terminals.push(Terminal::open(home));
        let end = Instant::now() + Duration::from_secs(30);
        while watchers(home).len() != 1 || !home.path("run/machine.json").exists() {
            assert!(Instant::now() < end, "{:?}", watchers(home));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    script(&homes[0], &["--uninstall"]);
    assert_eq!(watchers(&homes[0]), [] as [u32; 0]);
    // The control: that of another home goes on.
    assert_eq!(watchers(&homes[1]).len(), 1);
    script(&homes[1], &["--uninstall"]);
    assert_eq!(watchers(&homes[1]), [] as [u32; 0]);
}

#[test]
fn what_can_not_be_done_is_told_and_changes_nothing() {
    let home = Home::new();
    home.write("file", b"");
    home.write("taken/bin/redtab/x", b"");
    let at = |name: &str| home.path(name).display().to_string();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--yes", "--prefix", &at("file/x")], 1, "~/file/x/bin can not be written."),
        (&["--yes", "--prefix", &at("taken")], 1, "~/taken/bin/redtab can not be written."),
        (&["--yes", "--prefix", "a\nb"], 1, "control characters"),
        (&["--yes", "--prefix", "a\x1bb"], 1, "control characters"),
        (&["--prefix"], 2, "--prefix needs a directory."),
        (&["--prefix", ""], 2, "--prefix needs a directory."),
        (&["--frobnicate"], 2, "'--frobnicate' is no option"),
    ];
    for (args, code, words) in cases {
        assert_failed(&home.install(args), *code, words);
        assert_eq!(RC_FILES.map(|rc| home.read(rc)), [None, None, None], "{args:?}");
    }
    for binary in
        ["/nonexistent", env!("CARGO_MANIFEST_DIR"), concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]
    {
        let output = run(home.installer(&["--yes"]).env("REDTAB_INSTALL_BINARY", binary));
        assert_failed(&output, 1, "redtab: ");
        assert!(!home.path(".local/bin/redtab").exists());
    }
    assert_failed(&run(home.installer(&["--yes"]).env_remove("HOME")), 1, "HOME is not set");
    assert_failed(
        &run(home.installer(&["--yes"]).env("HOME", "rel")),
        1,
        "HOME is not set to an absolute path",
    );
    let left: Vec<_> =
        fs::read_dir(home.root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("redtab.")), "{left:?}");
}

#[test]
fn help_names_every_option() {
    let home = Home::new();
    let output = home.install(&["--help"]);
    assert_done(&output);
    for option in ["--yes", "--no-rc", "--prefix", "--uninstall", "--help", "REDTAB_INSTALL_BINARY"] {
        assert!(text(&output.stdout).contains(option));
    }
    assert!(!home.path(".local").exists());
}

#[test]
fn every_posix_shell_parses_the_script() {
    let home = Home::new();
    for shell in [&["dash", "-n"][..], &["bash", "--posix", "-n"], &["zsh", "--emulate", "sh", "-n"]] {
        assert_done(&run(home.command(shell[0]).args(&shell[1..]).arg("install.sh")));
    }
}

/// The first minute: what redtab thinks of the user's own names, those that nobody settled first.
#[test]
fn it_ends_with_the_names_known_here() {
    let home = Home::new();
    let install = || {
        let binary = env!("CARGO_BIN_EXE_redtab");
        let output = run(home.installer(&["--yes"]).env("REDTAB_INSTALL_BINARY", binary));
        assert_done(&output);
        text(&output.stdout)
    };
    assert!(!install().contains("names known here"), "{}", install());

    let ssh = |names: &[String]| {
        home.write(".ssh/config", names.iter().map(|n| format!("Host {n}\n")).collect::<String>().as_bytes());
        install()
    };
    let said = ssh(&["prod-db".into(), "zeus".into()]);
    let ours: Vec<&str> = said.lines().skip_while(|line| !line.contains("names known here")).collect();
    assert_eq!(ours.first().copied(), Some("redtab: names known here: 2, not judged yet: 1."), "{said}");
    assert!(
        ours[1].starts_with("unknown") && ours[1].ends_with("redtab mark production hostname zeus"),
        "{said}"
    );
    assert!(ours[2].starts_with("prod "), "{said}");
    assert_eq!(ours.len(), 3, "{said}");

    let many: Vec<String> = (0..30).map(|i| format!("zeus-{i}")).collect();
    let said = ssh(&many);
    let ours: Vec<&str> = said.lines().skip_while(|line| !line.contains("names known here")).collect();
    assert_eq!(ours.first().copied(), Some("redtab: names known here: 30, not judged yet: 30."), "{said}");
    assert_eq!((ours.len(), ours[11].trim_start().split(':').next()), (12, Some("20 more")), "{said}");
}
