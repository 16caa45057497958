//! The guard at Enter, in real shells: what it refuses does not run, in whatever shape it is typed, and the shell goes
//! on as if nothing had been.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::time::{Duration, Instant};

use support::{Home, Kind, Shell};

/// Ends every refusal.
const NOT_RUN: &str = "was not run";

/// A home on production, with a local-only script that leaves a line in `ran`.
fn home_on(context: &str) -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], context);
    home.executable("cleanup.sh", "#!/bin/sh\n# redtab: local-only\necho ran >>\"$HOME/ran\"\n");
    home.executable("plain.sh", "#!/bin/sh\necho plain >>\"$HOME/plain\"\n");
    fs::create_dir(home.join("real")).unwrap();
    fs::rename(home.redtab(), home.join("real/redtab")).unwrap();
    home.restore_redtab();
    home
}

/// Puts a shell script in the place of `redtab guard`; everything else is still redtab.
fn guard_is(home: &Home, script: &str) {
    home.replace_redtab(&format!(
        "#!/bin/sh\n[ \"$1\" = guard ] || exec \"$HOME/real/redtab\" \"$@\"\n\
         cat >>\"$HOME/asked\"\n{script}\n"
    ));
}

fn hot(kind: Kind) -> (Home, Shell) {
    let home = home_on("prod-eu");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.expect_text(" PROD prod-eu ");
    (home, shell)
}

fn count(shell: &Shell, text: &str) -> usize {
    shell.raw().windows(text.len()).filter(|w| *w == text.as_bytes()).count()
}

/// Sends keys that end in a refused line, and waits for an empty line at the next prompt.
#[track_caller]
fn refused_keys(home: &Home, shell: &mut Shell, keys: &str) {
    let (before, drawn) = (count(shell, NOT_RUN), shell.prompts_drawn());
    shell.send(keys);
    if shell.kind == Kind::Fish {
        shell.wait_for("the prompt again", |t| {
            t.raw.windows(NOT_RUN.len()).filter(|w| *w == NOT_RUN.as_bytes()).count() > before
                && t.prompts > drawn
                && t.typed().is_some_and(|typed| !typed.is_empty())
        });
        // The line is still there.
        empty(shell);
    } else {
        shell.prompt();
    }
    assert!(!home.join("ran").exists(), "{}: {keys:?} ran\n{}", shell.kind.name(), shell.dump());
    assert!(
        count(shell, NOT_RUN) > before,
        "{}: {keys:?} was not refused\n{}",
        shell.kind.name(),
        shell.dump()
    );
}

/// Empties fish's buffer by keys: a Ctrl-C that comes while it draws leaves it without a prompt.
fn empty(shell: &mut Shell) {
    shell.send(&"\x15\x7f".repeat(6)).wait_for("an empty line", |t| t.typed().as_deref() == Some(""));
}

#[track_caller]
fn refused(home: &Home, shell: &mut Shell, line: &str) {
    refused_keys(home, shell, &format!("{line}\r"));
}

#[track_caller]
fn works(home: &Home, shell: &mut Shell) {
    assert_eq!(shell.value("\"works\""), "works");
    let _ = fs::remove_file(home.join("plain"));
    shell.line("./plain.sh");
    assert_eq!(fs::read_to_string(home.join("plain")).unwrap(), "plain\n", "{}", shell.dump());
}

/// The shapes in which one line runs the script.
fn shapes(kind: Kind) -> Vec<&'static str> {
    let mut shapes = vec![
        "./cleanup.sh",
        "./cleanup.sh",
        "./cleanup.sh; touch x",
        "touch x; ./cleanup.sh",
        "./cleanup.sh && touch x",
        "./cleanup.sh || touch x",
        "sleep 0.1 | ./cleanup.sh",
        "./cleanup.sh | cat",
        "./cleanup.sh &",
        "bash -c './cleanup.sh'",
        "echo $(./cleanup.sh)",
        "./cleanup.sh # redtab",
        "command ./cleanup.sh",
    ];
    shapes.extend(match kind {
        Kind::Bash | Kind::Zsh => vec![
            "( ./cleanup.sh ); touch x",
            "{ ./cleanup.sh; }",
            "for i in 1 2; do ./cleanup.sh; done",
            "while ./cleanup.sh; do :; done",
            "if true; then ./cleanup.sh; fi",
            "! ./cleanup.sh",
            "f() { ./cleanup.sh; }; f",
            "cat <(./cleanup.sh)",
        ],
        Kind::Fish => vec![
            "begin; ./cleanup.sh; end",
            "for i in 1 2; ./cleanup.sh; end",
            "while ./cleanup.sh; true; end",
            "not ./cleanup.sh",
            "true; and ./cleanup.sh",
            "echo (./cleanup.sh)",
        ],
    });
    shapes
}

fn a_refused_line_runs_nothing_whatever_its_shape(kind: Kind) {
    let (home, mut shell) = hot(kind);
    for line in shapes(kind) {
        refused(&home, &mut shell, line);
        assert!(!home.join("x").exists(), "{line:?} ran in part");
    }
    works(&home, &mut shell);
}

fn without_the_hook_every_shape_runs_it(kind: Kind) {
    for line in shapes(kind) {
        let home = home_on("prod-eu");
        let mut shell = kind.in_home(&home).start();
        shell.send(&format!("{line}\r"));
        let end = Instant::now() + Duration::from_secs(15);
        while !home.join("ran").exists() {
            assert!(Instant::now() < end, "{line:?} did not run\n{}", shell.dump());
            std::thread::sleep(Duration::from_millis(2)); // a poll
        }
    }
}

fn an_alias_and_a_function_are_seen_through(kind: Kind) {
    let home = home_on("prod-eu");
    let mut start = kind.in_home(&home);
    for definition in [
        kind.alias("clean", "./cleanup.sh"),
        kind.function("tidy", "./cleanup.sh"),
        kind.function("deeper", "tidy"),
        kind.function("deepest", "deeper; tidy"),
    ] {
        start = start.rc(&definition);
    }
    let mut shell = start.redtab().start();
    for line in ["clean", "tidy", "deeper; touch x", "clean && tidy", "deepest"] {
        refused(&home, &mut shell, line);
    }
    works(&home, &mut shell);
}

/// Variables that no program sees, and that a line names; also by names that the hook itself might use.
fn a_variable_of_the_shell_is_seen_through(kind: Kind) {
    let rc = match kind {
        Kind::Bash | Kind::Zsh => {
            "dir=$HOME file=cleanup.sh line=cleanup.sh input=cleanup.sh words=(sh cleanup.sh) also=('sh' './a b.sh')"
        }
        Kind::Fish => {
            "set -g dir $HOME; set -g file cleanup.sh; set -g line cleanup.sh; set -g input cleanup.sh
             set -g words sh cleanup.sh; set -g also sh './a b.sh'"
        }
    };
    let rc = format!("{rc}\n{}", kind.function("tidy", "sh $file"));
    let (home, mut shell) = hot_with(kind, &rc);
    home.executable("a b.sh", "# redtab: local-only\necho ran >>\"$HOME/ran\"\n");
    let every = if kind == Kind::Fish { ["$words", "$also"] } else { ["\"${words[@]}\"", "\"${also[@]}\""] };
    let lines =
        ["$dir/cleanup.sh", "sh \"$file\"", "touch x; sh $line", "sh $input", "\"$dir\"/cleanup.sh", "tidy"];
    for line in lines.into_iter().chain(every) {
        refused(&home, &mut shell, line);
    }
    // What it becomes counts, not what it is.
    let nothing: &[&str] = match kind {
        Kind::Bash => &[
            "none=",
            "$none ./cleanup.sh",
            "touch cleanup.sh && bash $_",
            "wide='nice -n 5'",
            "$wide ./cleanup.sh",
            "glob='/bin/ni?e'",
            "$glob ./cleanup.sh",
            "hole=([1]=echo)",
            "$hole ./cleanup.sh",
            "dry=echo",
            "bash -c '$dry ./cleanup.sh'",
            "both=(true '&&' ./cleanup.sh)",
            "bash -c \"${both[*]}\"",
        ],
        Kind::Zsh => &[
            "none=",
            "$none ./cleanup.sh",
            "touch cleanup.sh && bash $_",
            "setopt shwordsplit; wide='nice -n 5'",
            "$wide ./cleanup.sh",
            "setopt globsubst; glob='/bin/ni?e'",
            "$glob ./cleanup.sh",
            "dry=echo",
            "bash -c '$dry ./cleanup.sh'",
            "here=./x/y",
            "$here:h:h/cleanup.sh",
        ],
        Kind::Fish => &[
            "set none",
            "$none ./cleanup.sh",
            "set r cmd; set cmd nice",
            "$$r ./cleanup.sh",
            "set dry echo",
            "bash -c '$dry ./cleanup.sh'",
            "set all echo ./cleanup.sh",
            "sh $all[2]",
        ],
    };
    for line in nothing {
        if line.contains('$') {
            refused(&home, &mut shell, line);
        } else {
            shell.line(line);
        }
    }
    // It is the value it has now, and what the line itself says goes before.
    shell.line(&match kind {
        Kind::Bash | Kind::Zsh => "file=plain.sh".to_string(),
        Kind::Fish => "set file plain.sh".to_string(),
    });
    for line in ["sh \"$file\"", "tidy"] {
        let before = lines_of(&home, "plain");
        shell.line(line);
        assert_eq!(lines_of(&home, "plain"), before + 1, "{line}\n{}", shell.dump());
    }
    refused(
        &home,
        &mut shell,
        match kind {
            Kind::Bash | Kind::Zsh => "file=cleanup.sh; sh \"$file\"",
            Kind::Fish => "set file cleanup.sh; sh \"$file\"",
        },
    );
    works(&home, &mut shell);
}

/// What a variable holds is handed over whatever it is, and the huge ones are not.
fn a_variable_of_any_shape_disturbs_nothing(kind: Kind) {
    let rc = match kind {
        Kind::Bash => {
            "huge=$(printf '%300000s' x) many=({1..5000}) odd=$'a\\nline 3\\n$(touch x)\\x01\\xff*' none=
             declare -A map=([k]=v); declare -n ref=odd; readonly fixed=1; declare -i n=7"
        }
        Kind::Zsh => {
            "huge=$(printf '%300000s' x) many=({1..5000}) odd=$'a\\nline 3\\n$(touch x)\\x01\\xff*' none=
             typeset -A map=(k v); ref=odd; readonly fixed=1; typeset -i n=7"
        }
        Kind::Fish => {
            "set -g huge (printf '%300000s' x); set -g many (seq 5000); set -g odd a\\nline' 3'\\n'$(touch x)'\\x01'*'
             set -g none ''; set -g map k v; set -g ref odd; set -g fixed 1; set -g n 7"
        }
    };
    let (home, mut shell) = hot_with(kind, rc);
    let line = ": \"$huge\" \"$many\" \"$odd\" \"$none\" \"$map\" \"$ref\" \"$fixed\" \"$n\" \"$unset\" \"$status\" $ $$";
    let line = if kind == Kind::Fish { line.trim_end_matches(" $ $$") } else { line };
    let said = count(&shell, "redtab");
    for _ in 0..2 {
        shell.line(line);
        assert_eq!(count(&shell, "redtab"), said, "{}", shell.dump());
    }
    assert!(!home.join("x").exists());
    refused(&home, &mut shell, &format!("{line}; ./cleanup.sh"));
    works(&home, &mut shell);
}

/// fish that carries its functions within itself has no directory of them.
#[test]
fn without_a_directory_of_fishs_own_yours_are_seen_through() {
    let home = home_on("prod-eu");
    home.write(".config/fish/functions/tidy.fish", "function tidy\n    ./cleanup.sh\nend\n");
    let mut shell = Kind::Fish.in_home(&home).rc("set -g __fish_data_dir").redtab().start();
    refused(&home, &mut shell, "tidy");
    works(&home, &mut shell);
}

/// A clear tab of a home that points at nothing.
fn clear(kind: Kind, rc: &str) -> (Home, Shell) {
    let home = home_on("dev-eu");
    let mut shell = kind.in_home(&home).rc(rc).redtab().start();
    shell.expect_clear();
    (home, shell)
}

fn hot_with(kind: Kind, rc: &str) -> (Home, Shell) {
    let home = home_on("prod-eu");
    let mut shell = kind.in_home(&home).rc(rc).redtab().start();
    shell.expect_text(" PROD prod-eu ");
    (home, shell)
}

fn lines_of(home: &Home, file: &str) -> usize {
    fs::read_to_string(home.join(file)).unwrap_or_default().lines().count()
}

/// Waits until a file is there.
fn appears(home: &Home, file: &str, shell: &Shell) {
    let end = Instant::now() + Duration::from_secs(15);
    while !home.join(file).exists() {
        assert!(Instant::now() < end, "no {file}\n{}", shell.dump());
        std::thread::sleep(Duration::from_millis(2)); // a poll
    }
}

// What is typed

fn a_pasted_block_stops_at_the_refused_line(kind: Kind) {
    let (home, mut shell) = hot(kind);
    refused_keys(&home, &mut shell, "\x1b[200~touch p1\n./cleanup.sh\ntouch p3\ntouch p4\x1b[201~\r");
    assert!(!home.join("p3").exists() && !home.join("p4").exists(), "{}", shell.dump());
    works(&home, &mut shell);
}

fn a_command_of_several_lines_is_one(kind: Kind) {
    let (home, mut shell) = hot(kind);
    let (first, last) = match kind {
        Kind::Fish => ("begin", "end"),
        _ => ("{", "}"),
    };
    let drawn = shell.prompts_drawn();
    shell.send(&format!("{first}\r./cleanup.sh\r"));
    if kind == Kind::Fish {
        let before = count(&shell, NOT_RUN);
        shell.send(&format!("{last}\r")).wait_for("the refusal", |t| {
            t.raw.windows(NOT_RUN.len()).filter(|w| *w == NOT_RUN.as_bytes()).count() > before
                && t.prompts > drawn
        });
        empty(&mut shell);
    } else {
        refused(&home, &mut shell, last);
    }
    assert!(!home.join("ran").exists());
    works(&home, &mut shell);
}

/// fish draws its prompt and the line again from as far up as they were high, and what was said must be below that.
fn what_is_said_stays_on_the_screen(kind: Kind) {
    let home = home_on("prod-eu");
    for (prompt, line) in [
        ("@@ ", format!("./cleanup.sh {}", "x".repeat(200))),
        ("one\ntwo\n@@ ", "./cleanup.sh".to_string()),
        ("one\n@@ ", format!("./cleanup.sh {}", "x".repeat(100))),
    ] {
        let mut shell = kind.in_home(&home).prompt(prompt).redtab().start();
        shell
            .send(&line)
            .wait_for("the line", |t| t.text().matches('x').count() >= line.matches('x').count());
        let drawn = shell.prompts_drawn();
        shell.send("\r");
        shell.wait_for("the refusal", |t| t.prompts > drawn && t.text().contains("@@"));
        let keys = if kind == Kind::Fish { "and press Enter." } else { "and press Up, Enter." };
        for said in ["redtab: ./cleanup.sh is local-only", "context prod-eu", NOT_RUN, keys, "run --here"] {
            shell.wait_for(said, |t| t.text().contains(said));
        }
        assert!(!home.join("ran").exists());
    }
}

fn a_line_that_hides_from_history_is_refused_and_stays_hidden(kind: Kind) {
    let rc = match kind {
        Kind::Bash => "export HISTCONTROL=ignoreboth HISTIGNORE='ls:*hidden*' HISTFILE=$HOME/hist",
        Kind::Zsh => {
            "setopt hist_ignore_space inc_append_history; HISTFILE=$HOME/hist SAVEHIST=100 HISTSIZE=100"
        }
        Kind::Fish => "",
    };
    let (home, mut shell) = hot_with(kind, rc);
    shell.line("echo before");
    refused(&home, &mut shell, " ./cleanup.sh");
    refused(&home, &mut shell, "./cleanup.sh # hidden");
    refused(&home, &mut shell, " ./cleanup.sh");
    if kind == Kind::Bash {
        shell.line(" echo spaced").line("ls").line("echo after").line("history >seen; history -a");
        let seen = fs::read_to_string(home.join("seen")).unwrap();
        for gone in ["cleanup", "spaced", "  ls", "hidden"] {
            assert!(!seen.contains(gone), "{gone:?} in {seen}");
        }
        let texts: Vec<&str> = seen.lines().map(|line| line.trim()).collect();
        assert_eq!(
            texts,
            ["1  echo before", "2  echo after", "3  history >seen; history -a"],
            "{}",
            shell.dump()
        );
        let file = fs::read_to_string(home.join("hist")).unwrap();
        assert_eq!(file, "echo before\necho after\nhistory >seen; history -a\n");
    }
    works(&home, &mut shell);
}

#[test]
fn no_secret_reaches_the_history_file_of_bash() {
    let setups = [
        "PROMPT_COMMAND='history -a'",
        "PROMPT_COMMAND=(': nothing' 'history -a')",
        "PROMPT_COMMAND='history -a; history -c; history -r'",
        "PROMPT_COMMAND='history -a'; trap 'history -a' EXIT",
    ];
    for setup in setups {
        for (before, context) in [(true, "prod-eu"), (true, "dev-eu"), (false, "dev-eu"), (false, "prod-eu")]
        {
            let home = home_on(context);
            let start = Kind::Bash.in_home(&home).rc("HISTCONTROL=ignoreboth HISTFILE=$HOME/hist");
            let start = if before { start.rc(setup).redtab() } else { start.redtab().rc(setup) };
            let mut shell = start.start();
            shell.line("echo one").line(" echo s3cret >x").line(" TOKEN=s3cret true").line("echo two");
            shell.send("\x1b[200~ echo s3cret-a\n echo s3cret-b\necho three\x1b[201~\r").prompt().enter();
            assert!(home.join("x").exists());
            let file = fs::read_to_string(home.join("hist")).unwrap();
            assert_eq!(
                file,
                "echo one\necho two\necho three\n",
                "{setup} {before} {context}\n{}",
                shell.dump()
            );
            // The line that ends the shell as well.
            shell.send(" true s3cret; ");
            shell.exit();
            let file = fs::read_to_string(home.join("hist")).unwrap();
            assert!(!file.contains("s3cret"), "{file}");
        }
    }
}

// The shell's settings

fn no_setting_lets_it_through(kind: Kind) {
    let settings: &[&str] = match kind {
        Kind::Bash => &[
            "set -o vi",
            "set -u",
            "set -e",
            "set -o noclobber",
            "set -o posix",
            "set +m",
            "set -a",
            "set -f",
            "set -k",
            "set -T",
            "set -E",
            "set -o pipefail",
            "shopt -s nocasematch extglob nullglob failglob lastpipe",
            "shopt -u cmdhist",
            "shopt -s lithist",
            "shopt -u expand_aliases",
            "IFS=0123456789",
            "HISTTIMEFORMAT='%F %T '",
            "HISTCONTROL=erasedups",
            "HISTIGNORE='*'",
            "HISTSIZE=1",
            "trap 'echo user' INT",
            "trap '' INT",
            "trap ': debug' DEBUG",
            "set -T; trap ': debug' DEBUG",
            "trap ': err' ERR",
            "PROMPT_COMMAND=('true' 'history -a')",
            "PROMPT_COMMAND='true;'",
            "PS0='user '",
        ],
        Kind::Zsh => &[
            "bindkey -v",
            "setopt no_unset",
            "setopt no_clobber",
            "setopt ksh_arrays",
            "setopt sh_word_split",
            "setopt all_export",
            "setopt no_glob",
            "setopt extended_glob",
            "setopt null_glob",
            "setopt pipe_fail",
            "setopt hist_ignore_space",
            "setopt no_monitor",
            "setopt no_local_traps local_options",
            "setopt no_multibyte",
            "setopt no_case_match",
            "setopt re_match_pcre",
            "setopt posix_builtins",
            "setopt bsd_echo",
            "setopt err_return",
            "unsetopt multi_func_def",
            "HISTSIZE=0",
            "trap 'echo user' INT",
            "trap '' INT",
            "TRAPINT() { echo user }",
            "TRAPDEBUG() { : }",
            "TRAPZERR() { : }",
            "preexec() { : }",
            "IFS=0123456789",
            "source /usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh; source /usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh",
        ],
        Kind::Fish => &[
            "fish_vi_key_bindings",
            "fish_default_key_bindings",
            "function note --on-event fish_preexec; end",
            "set -gx IFS",
            "bind \\r 'commandline -f execute'",
            "bind \\r true execute",
        ],
    };
    for setting in settings {
        for first in [true, false] {
            let home = home_on("prod-eu");
            let start = kind.in_home(&home);
            if !first && setting.starts_with("PROMPT_COMMAND=(") {
                continue; // that is how one takes the hook out
            }
            let start = if first { start.rc(setting).redtab() } else { start.redtab().rc(setting) };
            let mut shell = start.start();
            shell.expect_shown("PROD prod-eu");
            refused(&home, &mut shell, "./cleanup.sh");
            refused(&home, &mut shell, "touch x; sleep 0.01 | ./cleanup.sh");
            refused(&home, &mut shell, " ./cleanup.sh");
            assert!(!home.join("x").exists(), "{setting}");
            works(&home, &mut shell);
        }
    }
}

#[test]
fn a_users_interrupt_trap_comes_back_when_redtab_goes() {
    let (home, mut shell) = hot_with(Kind::Bash, "trap 'echo user' INT");
    refused(&home, &mut shell, "./cleanup.sh");
    shell.export("REDTAB", "off");
    assert_eq!(shell.value("\"$(trap -p INT)\""), "trap -- 'echo user' SIGINT");
}

#[test]
fn zsh_keeps_its_interrupt_trap() {
    let (home, mut shell) = hot_with(Kind::Zsh, "TRAPINT() { echo user }");
    refused(&home, &mut shell, "./cleanup.sh");
    assert_eq!(shell.value("\"${functions[TRAPINT]}\""), "\techo user");
}

// What stays as it was

fn a_refused_line_leaves_status_and_history_as_an_interrupt_does(kind: Kind) {
    let (home, mut shell) = hot(kind);
    refused(&home, &mut shell, "./cleanup.sh");
    if kind != Kind::Fish {
        // An interrupt before a command leaves the status of the one before in zsh.
        assert_eq!(shell.value("$?"), if kind == Kind::Bash { "130" } else { "0" });
        refused(&home, &mut shell, "./cleanup.sh # again");
        shell
            .send("\x1b[A")
            .wait_for("the line from history", |t| t.typed().as_deref() == Some("./cleanup.sh # again"));
        shell.send("\x15").wait_for("an empty line", |t| t.typed().as_deref() == Some(""));
    }
    works(&home, &mut shell);
}

fn allowed_lines_notice_nothing(kind: Kind) {
    let (_home, mut shell) = hot(kind);
    shell.line("sh -c 'exit 3'");
    assert_eq!(shell.value(kind.status()), "3");
    match kind {
        Kind::Bash => {
            shell.line("false | true | sh -c 'exit 4'");
            assert_eq!(shell.value("\"${PIPESTATUS[*]}\""), "1 0 4");
            shell.line("echo first last");
            assert_eq!(shell.value("\"$_\""), "last");
            let at: usize = shell.value("$HISTCMD").parse().unwrap();
            assert_eq!(shell.value("$HISTCMD"), (at + 1).to_string());
        }
        Kind::Zsh => {
            shell.line("false | true | sh -c 'exit 4'");
            assert_eq!(shell.value("\"$pipestatus\""), "1 0 4");
            shell.line("echo first last");
            assert_eq!(shell.value("\"$_\""), "last");
        }
        Kind::Fish => {
            shell.line("false | true | sh -c 'exit 4'");
            assert_eq!(shell.value("\"$pipestatus\""), "1 0 4");
        }
    }
}

fn a_stopped_job_is_still_there(kind: Kind) {
    let (home, mut shell) = hot(kind);
    shell.send("sh -c 'echo >up; exec cat >got'\r");
    appears(&home, "up", &shell);
    shell.send("\x1a").prompt();
    refused(&home, &mut shell, "./cleanup.sh");
    refused(&home, &mut shell, "fg; ./cleanup.sh");
    let drawn = shell.prompts_drawn();
    shell.send("fg\r").wait_for("the job", |t| !t.at_prompt());
    shell.send("text\n");
    while lines_of(&home, "got") == 0 {
        std::thread::sleep(Duration::from_millis(2)); // a poll
    }
    shell.send("\x04").wait_for("a prompt", |t| t.prompts > drawn && t.at_prompt());
    works(&home, &mut shell);
}

// Where it looks

/// A directory in memory, where the machine has one.
fn in_memory() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("redtab-").tempdir_in("/dev/shm").unwrap()
}

fn an_ordinary_line_of_a_clear_tab_runs_no_program(kind: Kind) {
    let home = home_on("dev-eu");
    let (memory, on_disk) = (in_memory(), home.run_dir());
    for (run_dir, forks_of_bash) in [(memory.path(), 1), (&on_disk, 2)] {
        let run_dir = run_dir.to_str().unwrap();
        let mut shell = kind.in_home(&home).env("REDTAB_RUN_DIR", run_dir).redtab().traced().start();
        ordinary_lines(&mut shell, forks_of_bash);
    }
}

fn ordinary_lines(shell: &mut Shell, forks_of_bash: usize) {
    let kind = shell.kind;
    shell.expect_clear().settle();
    for line in ["true", "echo hello world", "pwd", "test -e x"] {
        let calls = shell.calls(|shell| _ = shell.line(line));
        assert_eq!(calls.execs.len(), 0, "{line}: {calls:?}");
        let forks = if kind == Kind::Bash { forks_of_bash } else { 0 };
        assert_eq!(calls.forks.len(), forks, "{line}: {calls:?}");
    }
    let guards = |calls: &support::Calls| calls.execs.iter().filter(|l| l.contains("\"guard\"")).count();
    for line in ["AWS_PROFILE=acme-dev true", "true kubectl", "true;/bin/kubectl 2>&-", "source /dev/null"] {
        let calls = shell.calls(|shell| _ = shell.line(line));
        assert_eq!(guards(&calls), 1, "{line}: {calls:?}");
    }
    let calls = shell.calls(|shell| _ = shell.line("./plain.sh"));
    assert_eq!(calls.execs.len(), 1, "the script alone: {calls:?}");
}

fn a_line_of_a_hot_tab_starts_the_guard_and_nothing_else(kind: Kind) {
    let home = home_on("prod-eu");
    let mut shell = kind.in_home(&home).redtab().traced().start();
    shell.expect_text(" PROD prod-eu ").settle();
    for line in ["true", "echo hello world", "pwd"] {
        let calls = shell.calls(|shell| _ = shell.line(line));
        assert_eq!(calls.execs.len(), 1, "{line}: {calls:?}");
        assert!(calls.execs[0].contains("\"guard\""), "{line}: {calls:?}");
    }
}

/// Lines that concern the guard though the tab is clear, and lines that don't.
const CONCERNS: &[&str] = &[
    "AWS_PROFILE=prod ./cleanup.sh",
    "export AWS_PROFILE=prod; ./cleanup.sh",
    "export AWS_PROFILE=prod\n./cleanup.sh",
    "set -gx AWS_PROFILE prod; ./cleanup.sh",
    "cd ../prod-app && ./cleanup.sh",
    "pushd x; make",
    "kubectl config use-context prod",
    "kubectx prod && ./cleanup.sh",
    "true; kubectl delete ns x",
    "/usr/bin/kubectl get pods",
    "(psql -h prod)",
    "echo $(helm uninstall x)",
    "source .env.prod",
    ". .env.prod; ./cleanup.sh",
    "../prod-app/cleanup.sh",
    "~/prod-app/cleanup.sh",
    "/srv/cleanup.sh",
    "true && /srv/cleanup.sh",
    "cat x | /srv/load.sh",
    "sudo -u app /srv/cleanup.sh",
    "bash ../prod-app/cleanup.sh",
    "make -C ../prod-app reset",
    "npm --prefix=../prod run nuke",
    "env $(cat .env.prod) ./cleanup.sh",
    "aws-vault exec prod -- ./cleanup.sh",
    "eval \"$x\"",
    "$cmd",
    "\"./clean up.sh\"",
    "k\\ubectl delete ns x; \\kubectl delete ns x",
    "for i in 1 2; do ssh web-$i ls; done",
    "sudo -s",
    "sudo -u root -i",
    "sudo su -",
    "su",
    "true && su - postgres",
    "REDTAB=off ./cleanup.sh && x",
];
const CONCERNS_NOT: &[&str] = &[
    "ls",
    "ls -la /etc",
    "cat ../README.md",
    "git status",
    "git commit -m 'fix the thing'",
    "export AWS_PROFILE=prod",
    "AWS_PROFILE=prod",
    "./cleanup.sh",
    "make test",
    "cd ../prod-app",
    "cd",
    "vim src/main.rs",
    "cargo test --all",
    "grep -r foo src | head",
    "printf '%s' x >| /tmp/x",
    "echo a > /tmp/x",
    "npm run build && npm test",
    "python manage-things.py",
    "sudo apt-get install x",
    "sudo -u app true",
    "echo resume",
];

fn the_pattern_of_a_clear_tab_reads_alike(kind: Kind) {
    let home = Home::new();
    let script = match kind {
        Kind::Bash | Kind::Zsh => r#"p=$1; shift; for l; do [[ $l =~ $p ]] && printf 1 || printf 0; done"#,
        Kind::Fish => {
            "for l in $argv[2..-1]; string match -rq -- $argv[1] $l; and printf 1; or printf 0; end"
        }
    };
    let mut command = home.command(kind.name());
    command.args(["-c", script]);
    if kind != Kind::Fish {
        command.arg("sh");
    }
    let out = command
        .arg(redtab::guard::sieve::pattern(true, false))
        .args(CONCERNS)
        .args(CONCERNS_NOT)
        .output()
        .unwrap();
    let got = String::from_utf8(out.stdout).unwrap();
    let all = CONCERNS.iter().map(|line| (line, '1')).chain(CONCERNS_NOT.iter().map(|line| (line, '0')));
    let wrong: Vec<_> =
        all.zip(got.chars()).filter(|((_, want), got)| want != got).map(|((line, _), _)| line).collect();
    assert!(wrong.is_empty() && got.len() == CONCERNS.len() + CONCERNS_NOT.len(), "{wrong:#?} {got}");
}

fn lines_typed_ahead_of_a_refusal_are_dropped(kind: Kind) {
    let (home, mut shell) = hot(kind);
    refused_keys(&home, &mut shell, "./cleanup.sh\rtouch p2\rtouch p3\r");
    works(&home, &mut shell);
    assert!(!home.join("p2").exists() && !home.join("p3").exists(), "{}", shell.dump());
}

fn a_clear_tab_runs_a_flagged_script_and_refuses_it_for_production(kind: Kind) {
    let (home, mut shell) = clear(kind, "");
    shell.line("./cleanup.sh");
    assert_eq!(lines_of(&home, "ran"), 1, "{}", shell.dump());
    fs::remove_file(home.join("ran")).unwrap();
    refused(&home, &mut shell, "AWS_PROFILE=acme-prod ./cleanup.sh");
    refused(&home, &mut shell, "env AWS_PROFILE=acme-prod ./cleanup.sh");
    refused(&home, &mut shell, "kubectl config use-context prod-eu && ./cleanup.sh");
    refused(&home, &mut shell, &format!("{}; ./cleanup.sh", kind.export("AWS_PROFILE", "acme-prod")));
    shell.expect_clear().line("./cleanup.sh");
    assert_eq!(lines_of(&home, "ran"), 1, "{}", shell.dump());
}

fn switched_off_it_asks_nothing_but_a_prefix_lifts_nothing(kind: Kind) {
    let (home, mut shell) = hot(kind);
    if kind != Kind::Fish {
        refused(&home, &mut shell, "REDTAB=off ./cleanup.sh");
    }
    refused(&home, &mut shell, "env REDTAB=off ./cleanup.sh");
    guard_is(&home, "exit 77");
    home.restore_redtab();
    shell.export("REDTAB", "off").expect_text(" redtab off ").line("./cleanup.sh");
    assert_eq!(lines_of(&home, "ran"), 1, "{}", shell.dump());
    fs::remove_file(home.join("ran")).unwrap();
    shell.unset("REDTAB").expect_text(" PROD prod-eu ");
    refused(&home, &mut shell, "./cleanup.sh");
}

fn loaded_again_nested_and_after_exec_it_still_refuses(kind: Kind) {
    let (home, mut shell) = hot(kind);
    shell.line(kind.init());
    refused(&home, &mut shell, "./cleanup.sh");
    shell.line(kind.name());
    refused(&home, &mut shell, "./cleanup.sh");
    shell.line("exit");
    refused(&home, &mut shell, "./cleanup.sh");
    shell.line(&format!("exec {}", kind.name()));
    refused(&home, &mut shell, "./cleanup.sh");
    works(&home, &mut shell);
}

fn a_line_of_200_kb_is_read_whole(kind: Kind) {
    let (home, mut shell) = hot(kind);
    let keys = format!("\x1b[200~echo {} >/dev/null; ./cleanup.sh\x1b[201~\r", "x".repeat(200_000));
    if kind == Kind::Fish {
        shell
            .send(&keys)
            .wait_for("the refusal", |t| t.raw.windows(NOT_RUN.len()).any(|w| w == NOT_RUN.as_bytes()));
        // A buffer larger than the screen leaves no prompt on it.
        shell.send("\x15").send("\x0c").prompt();
        assert!(!home.join("ran").exists(), "{}", shell.dump());
    } else {
        refused_keys(&home, &mut shell, &keys);
    }
    shell.line("clear");
    works(&home, &mut shell);
}

// A broken guard

const BROKEN: &[&str] =
    &["exit 1", "exit 127", "kill -SEGV $$", "kill -KILL $$", "echo gibberish; exit 3", "printf sto; exit 1"];

fn a_broken_guard_refuses_a_line_of_a_hot_tab_once(kind: Kind) {
    let (home, mut shell) = hot(kind);
    for script in BROKEN {
        guard_is(&home, script);
        refused(&home, &mut shell, "./plain.sh; true");
        assert!(!home.join("plain").exists());
        shell.line("./plain.sh; true");
        assert!(home.join("plain").exists(), "{script}: the same line again runs\n{}", shell.dump());
        fs::remove_file(home.join("plain")).unwrap();
        refused(&home, &mut shell, "./plain.sh; true");
        refused(&home, &mut shell, "./plain.sh");
        home.restore_redtab();
        works(&home, &mut shell);
        fs::remove_file(home.join("plain")).unwrap();
    }
    home.remove_redtab();
    refused(&home, &mut shell, "./plain.sh");
    shell.line("./plain.sh");
    assert!(home.join("plain").exists(), "{}", shell.dump());
}

fn a_broken_guard_is_named_once_in_a_clear_tab(kind: Kind) {
    let (home, mut shell) = clear(kind, "");
    for script in BROKEN {
        guard_is(&home, script);
        let before = count(&shell, "the guard fails");
        shell.line("X=1 ./plain.sh").line("X=2 ./plain.sh");
        assert_eq!(lines_of(&home, "plain"), 2, "{script}\n{}", shell.dump());
        fs::remove_file(home.join("plain")).unwrap();
        assert_eq!(count(&shell, "the guard fails"), before + 1, "{script}\n{}", shell.dump());
        home.restore_redtab();
        shell.line("X=3 true");
    }
}

fn stop_without_yes_is_a_refusal(kind: Kind) {
    let (home, mut shell) = hot(kind);
    for script in [
        "echo stop; exit 0",
        "echo stop; echo no; exit 0",
        "echo stop; echo yes; exit 1",
        "echo stop; kill -KILL $$",
        "echo stop; kill -TERM $$",
        "echo stop; kill -HUP $$",
        "echo stop; kill -SEGV $$",
        "echo stop; echo yes; echo stop; exit 0",
        "exit 77",
    ] {
        guard_is(&home, &format!("printf '\\nit was not run\\n' >/dev/tty; {script}"));
        for _ in 0..2 {
            refused(&home, &mut shell, "./plain.sh");
            assert!(!home.join("plain").exists(), "{script}\n{}", shell.dump());
        }
        guard_is(&home, "echo stop; echo yes; exit 0");
        shell.line("./plain.sh");
        assert!(home.join("plain").exists(), "{script}\n{}", shell.dump());
        fs::remove_file(home.join("plain")).unwrap();
    }
}

fn what_a_guard_prints_is_never_run(kind: Kind) {
    let (home, mut shell) = hot(kind);
    for trap in [
        "$(touch F)",
        "`touch F`",
        "a[$(touch F)]",
        "0$(touch F)",
        "touch F",
        "%F{red}",
        "1+1",
        "09",
        "b[0]=1",
    ] {
        home.write("text", format!("{trap}\n"));
        guard_is(&home, "cat $HOME/text; cat $HOME/text >&2; exit 0");
        shell.line("true");
        guard_is(&home, "cat $HOME/text; cat $HOME/text >&2; exit 1");
        refused(&home, &mut shell, "./plain.sh");
        assert!(!home.join("F").exists(), "{trap} was run\n{}", shell.dump());
        home.restore_redtab();
        shell.line("true");
    }
}

/// A guard that was interrupted may have been about to refuse; one that hung longer than it ever takes was not.
fn a_hanging_guard_is_interrupted(kind: Kind) {
    let (home, mut shell) = hot(kind);
    guard_is(&home, ": >$HOME/hanging; exec sleep 1000");
    shell.send("./plain.sh");
    for hangs in [0, 3100] {
        shell.send("\r");
        appears(&home, "hanging", &shell);
        fs::remove_file(home.join("hanging")).unwrap();
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(hangs) {
            std::thread::sleep(Duration::from_millis(20)); // what a hang is
        }
        shell.send("\x03");
        if kind == Kind::Fish {
            shell.wait_for("the line again", |t| t.typed().as_deref() == Some("./plain.sh") || t.at_prompt());
        } else {
            shell.prompt();
            shell.send("./plain.sh");
        }
        assert!(!home.join("plain").exists(), "{}", shell.dump());
    }
    shell.send("\r").prompt();
    appears(&home, "plain", &shell);
    home.restore_redtab();
    works(&home, &mut shell);
}

/// Ctrl-C at any moment of a guard that lives is a no, and no line runs unasked for it.
fn an_interrupt_at_any_moment_is_a_no(kind: Kind) {
    let (home, mut shell) = hot(kind);
    // Each moment of a run that takes some tens of milliseconds.
    for wait in (0..40).map(|at| at * 2) {
        for wait in [wait, 79 - wait] {
            shell.send("./cleanup.sh\r");
            std::thread::sleep(Duration::from_millis(wait));
            shell.send("\x03");
            shell.takes_lines_again();
            assert!(!home.join("ran").exists(), "after {wait} ms\n{}", shell.dump());
        }
    }
    refused(&home, &mut shell, "./cleanup.sh");
    works(&home, &mut shell);
}

/// A bash that had no answer yet; its first one ends in this text, and then it is answered as ever.
fn bash_that_hears(text: &str) -> (Home, Shell) {
    let home = home_on("prod-eu");
    let init = home.command(home.redtab()).args(["init", "bash"]).output().unwrap();
    let hook = home.write("hook", init.stdout);
    home.replace_redtab("#!/bin/sh\nexit 1\n");
    let mut shell = Kind::Bash.in_home(&home).rc(&Kind::Bash.source(&hook)).start();
    shell.enter().enter().expect_text(" redtab ? ");
    home.write("last-lines", format!("{text}\n"));
    home.replace_redtab(
        "#!/bin/sh\nif [ \"$1\" = hook ] && [ -e \"$HOME/last-lines\" ]; then\n\
         \"$HOME/real/redtab\" \"$@\" | sed '$d'; cat \"$HOME/last-lines\"; rm \"$HOME/last-lines\"; echo redtab end\n\
         else exec \"$HOME/real/redtab\" \"$@\"; fi\n",
    );
    shell.send("\r");
    let end = Instant::now() + Duration::from_secs(15);
    while home.join("last-lines").exists() {
        assert!(Instant::now() < end, "it was not asked\n{}", shell.dump());
        std::thread::sleep(Duration::from_millis(5)); // a poll
    }
    shell.takes_lines_again().expect_text(" PROD prod-eu ");
    (home, shell)
}

/// The answer counts already, and nothing stands between the guard and a line yet.
#[test]
fn an_interrupt_before_bash_is_armed_leaves_it_to_be_armed() {
    let (home, mut shell) =
        bash_that_hears("__redtab_stay() { [[ -n ${cut[0]-} ]] || { cut[0]=1; kill -INT $$; }; }");
    assert_eq!(shell.value("\"${cut[0]-}\""), "1");
    refused(&home, &mut shell, "./cleanup.sh");
}

#[test]
fn an_interrupt_while_bash_reads_an_answer_leaves_its_aliases() {
    let (home, mut shell) = bash_that_hears("kill -INT $$");
    assert_eq!(shell.value("\"$(shopt -p expand_aliases)\""), "shopt -s expand_aliases");
    refused(&home, &mut shell, "./cleanup.sh");
}

fn an_interrupt_behind_stop_lets_nothing_run(kind: Kind) {
    let (home, mut shell) = hot(kind);
    guard_is(&home, "echo stop; : >$HOME/hanging; exec sleep 1000");
    for _ in 0..2 {
        shell.send("./plain.sh\r");
        appears(&home, "hanging", &shell);
        shell.send("\x03");
        if kind == Kind::Fish {
            empty(&mut shell);
        } else {
            shell.prompt();
        }
        assert!(!home.join("plain").exists(), "{}", shell.dump());
        fs::remove_file(home.join("hanging")).unwrap();
    }
    home.restore_redtab();
    works(&home, &mut shell);
}

fn a_guard_killed_at_its_question_refuses(kind: Kind) {
    let (home, mut shell) = hot(kind);
    home.executable("bin/kubectl", "#!/bin/sh\necho deleted >>\"$HOME/ran\"\n");
    let modes = if kind == Kind::Fish { "(stty -g)" } else { "\"$(stty -g)\"" };
    let cooked = shell.value(modes);
    for signal in ["KILL", "TERM", "HUP", "QUIT", "SEGV", "INT", "TSTP"] {
        let question = "Type prod-eu";
        let before = count(&shell, question);
        let drawn = shell.prompts_drawn();
        shell.send("kubectl delete ns payments\r");
        shell.wait_for("the question", |t| {
            t.raw.windows(question.len()).filter(|w| *w == question.as_bytes()).count() > before
        });
        end_guard(shell.pid(), signal);
        if signal == "TSTP" && kind == Kind::Bash {
            // What bash starts for itself ignores it: the question is still there.
            shell.send("\r");
        }
        shell.wait_for("a prompt", |t| t.prompts > drawn && (kind == Kind::Fish || t.at_prompt()));
        if kind == Kind::Fish {
            shell.wait_for("the line", |t| t.typed().is_some_and(|typed| typed.starts_with("kubectl")));
            empty(&mut shell);
        }
        assert!(!home.join("ran").exists(), "{signal}\n{}", shell.dump());
        assert_eq!(shell.value(modes), cooked, "{signal}");
        works(&home, &mut shell);
    }
}

/// Sends a signal to the guard of a shell, and to nothing else.
fn end_guard(shell: u32, signal: &str) {
    let found = std::process::Command::new("ps").args(["-e", "-o", "pid=,args="]).output().unwrap();
    let text = String::from_utf8(found.stdout).unwrap();
    let wanted = format!("--pid {shell} ");
    let ours: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("redtab guard ") && line.contains(&wanted))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(ours.len(), 1, "{text}");
    assert!(
        std::process::Command::new("kill").args([&format!("-{signal}"), ours[0]]).status().unwrap().success()
    );
}

fn a_run_directory_closed_after_a_block_changes_nothing(kind: Kind) {
    use std::os::unix::fs::PermissionsExt;
    let home = home_on("prod-eu");
    let mut shell = kind.in_home(&home).unprivileged().redtab().start();
    refused(&home, &mut shell, "./cleanup.sh");
    fs::set_permissions(home.run_dir(), fs::Permissions::from_mode(0o500)).unwrap();
    works(&home, &mut shell);
    refused(&home, &mut shell, "./cleanup.sh");
    works(&home, &mut shell);
    fs::remove_dir_all(home.run_dir()).unwrap();
    works(&home, &mut shell);
    refused(&home, &mut shell, "./cleanup.sh");
    works(&home, &mut shell);
}

/// An exported value that no program can be started with: the guard can't be run, and neither can any other program.
fn an_environment_too_large_for_any_program_is_a_broken_guard(kind: Kind) {
    let big = match kind {
        Kind::Fish => "set -gx BIG (string repeat -n 300000 x)",
        _ => "printf -v BIG %300000s x; export BIG",
    };
    let (home, mut shell) = hot(kind);
    shell.line(big);
    // What the shell itself can do is refused once, and then done.
    let builtin = match kind {
        Kind::Fish => "true > plain",
        _ => ": >| plain",
    };
    refused(&home, &mut shell, builtin);
    assert!(!home.join("plain").exists(), "{}", shell.dump());
    shell.line(builtin);
    assert!(home.join("plain").exists(), "{}", shell.dump());
    refused(&home, &mut shell, &kind.unset("BIG"));
    shell.line(&kind.unset("BIG"));
    refused(&home, &mut shell, "./cleanup.sh");
    works(&home, &mut shell);

    let (home, mut shell) = clear(kind, "");
    let named = count(&shell, "the guard fails");
    shell.line(big).line(&format!("AWS_PROFILE=x {builtin}")).line(&kind.unset("BIG"));
    assert!(home.join("plain").exists(), "{}", shell.dump());
    assert_eq!(count(&shell, "the guard fails"), named + 1, "{}", shell.dump());
    refused(&home, &mut shell, "AWS_PROFILE=acme-prod ./cleanup.sh");
    works(&home, &mut shell);
}

fn a_run_directory_that_is_someone_elses_after_a_block_changes_nothing(kind: Kind) {
    let home = home_on("prod-eu");
    let mut shell = kind.in_home(&home).unprivileged().redtab().start();
    refused(&home, &mut shell, "./cleanup.sh");
    if rustix::process::geteuid().is_root() {
        // Ours is root's here: somebody else's it becomes, with all that lies in it.
        let status = std::process::Command::new("chown").args(["-R", "65534"]).arg(home.run_dir()).status();
        assert!(status.unwrap().success());
    } else {
        fs::remove_dir_all(home.run_dir()).unwrap();
        std::os::unix::fs::symlink("/root", home.run_dir()).unwrap();
    }
    works(&home, &mut shell);
    refused(&home, &mut shell, "./cleanup.sh");
    works(&home, &mut shell);
    shell.line(kind.name());
    refused(&home, &mut shell, "./cleanup.sh");
    works(&home, &mut shell);
}

// Where it can't

fn status_says_whether_the_guard_is_armed(kind: Kind) {
    let (home, mut shell) = hot(kind);
    let guard = |shell: &mut Shell| {
        shell.line("redtab status --json >json");
        let json: serde_json::Value = serde_json::from_slice(&fs::read(home.join("json")).unwrap()).unwrap();
        json["guard"].clone()
    };
    let armed = guard(&mut shell);
    assert_eq!((&armed["state"], &armed["why"]), (&"armed".into(), &"".into()), "{armed}");
    let name = armed["shell"].as_str().unwrap();
    assert!(name.strip_prefix(kind.name()).is_some_and(|version| version.starts_with(" ")), "{name}");
    shell.line("clear").line("redtab status");
    assert!(shell.screen().contains(&format!("guard   armed ({name})")), "{}", shell.dump());
    shell.export("REDTAB", "off");
    assert_eq!(guard(&mut shell)["state"], "off");
    shell.unset("REDTAB");
    if kind == Kind::Bash {
        shell.line("set +o history").expect_text(" PROD prod-eu · guard off ");
        let off = guard(&mut shell);
        assert_eq!((&off["state"], &off["why"]), (&"off".into(), &"history is off".into()), "{off}");
    }
    let output = home.command("setsid").args(["-w", "redtab", "status", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["guard"]["state"], "unknown");
}

#[test]
fn bash_says_where_it_can_not_hold_a_line_back() {
    for setting in [
        "set +o history",
        "shopt -u promptvars",
        "HISTSIZE=0",
        "readonly PS0=",
        "readonly HISTCONTROL",
        "BLE_ATTACHED=1",
    ] {
        let home = home_on("prod-eu");
        let mut shell = Kind::Bash.in_home(&home).rc(setting).redtab().start();
        shell
            .expect_text(" PROD prod-eu · guard off ")
            .line("true")
            .expect_text(" PROD prod-eu · guard off ");
    }
    let (home, mut shell) = hot(Kind::Bash);
    shell.line("set +o history").expect_text(" PROD prod-eu · guard off ");
    shell.line("set -o history").expect_text(" PROD prod-eu ");
    refused(&home, &mut shell, "./cleanup.sh");
}

/// The shape of later versions of bash-preexec: at every prompt it puts itself in front and at the end again.
const IN_FRONT_AGAIN: &str = r#"
__bp_install_prompt_command() {
  local all; all=$(IFS=$'\n'; echo "${PROMPT_COMMAND[*]}")
  case $all in '__bp_precmd_invoke_cmd "$_"'$'\n'*$'\n__bp_interactive_mode') return 1 ;; esac
  local i
  for i in "${!PROMPT_COMMAND[@]}"; do
    case ${PROMPT_COMMAND[i]} in *__bp_interactive_mode*) unset "PROMPT_COMMAND[i]" ;; esac
    PROMPT_COMMAND[i]=${PROMPT_COMMAND[i]//'__bp_precmd_invoke_cmd "$_"'/:}
  done
  PROMPT_COMMAND='__bp_precmd_invoke_cmd "$_"'$'\n'$PROMPT_COMMAND
  PROMPT_COMMAND+=(__bp_interactive_mode)
}
__bp_precmd_invoke_cmd() {
  local rc=$? f
  __bp_install_prompt_command
  for f in "${precmd_functions[@]}"; do (exit "$rc"); "$f"; done
}
__bp_interactive_mode() { :; }
mine() { history -a; }
precmd_functions+=(mine)
PROMPT_COMMAND=('__bp_precmd_invoke_cmd "$_"' __bp_interactive_mode)
"#;

#[test]
fn bash_lets_another_stand_in_front_at_every_prompt() {
    let home = home_on("prod-eu");
    let rc = format!("HISTCONTROL=ignoreboth HISTFILE=$HOME/hist\n{IN_FRONT_AGAIN}");
    let mut shell = Kind::Bash.in_home(&home).rc(&rc).redtab().start();
    shell.expect_text(" PROD prod-eu ").enter().enter();
    let pieces = shell.value("\"${PROMPT_COMMAND[*]}\"");
    refused(&home, &mut shell, "./cleanup.sh");
    shell.line(" echo s3cret >x").line("echo one");
    assert!(home.join("x").exists());
    assert_eq!(shell.value("\"${PROMPT_COMMAND[*]}\""), pieces);
    assert_eq!(pieces.matches("__redtab_").count(), 2, "{pieces}");
    let file = fs::read_to_string(home.join("hist")).unwrap();
    assert!(file.contains("echo one") && !file.contains("s3cret"), "{file}\n{}", shell.dump());
    works(&home, &mut shell);
}

#[test]
fn bash_says_once_that_its_prompt_command_was_replaced() {
    let (home, mut shell) = hot(Kind::Bash);
    let text = "PROMPT_COMMAND was replaced";
    shell.line("PROMPT_COMMAND=(true true)").line("echo one").line("echo two");
    assert_eq!(count(&shell, text), 1, "{}", shell.dump());
    shell.line(Kind::Bash.init()).line("echo three").line("echo four");
    assert_eq!(count(&shell, text), 1, "{}", shell.dump());
    refused(&home, &mut shell, "./cleanup.sh");
}

#[test]
fn an_editor_opens_no_way_past_the_guard_of_bash() {
    let home = home_on("prod-eu");
    home.executable("bin/ed", "#!/bin/sh\ntrue\n");
    let mut shell = Kind::Bash.in_home(&home).env("EDITOR", "ed").redtab().start();
    shell.type_in("./cleanup.sh").send("\x18\x05");
    shell.send("\x15").wait_for("an empty line", |t| t.typed().as_deref() == Some(""));
    assert!(!home.join("ran").exists(), "{}", shell.dump());
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
    shell.enter().expect_clear().send("./cleanup.sh\x18\x05").prompt();
    assert!(home.join("ran").exists(), "given back\n{}", shell.dump());
}

in_every_shell! {
    a_refused_line_runs_nothing_whatever_its_shape,
    without_the_hook_every_shape_runs_it,
    an_alias_and_a_function_are_seen_through,
    a_variable_of_the_shell_is_seen_through,
    a_variable_of_any_shape_disturbs_nothing,
    a_pasted_block_stops_at_the_refused_line,
    a_command_of_several_lines_is_one,
    what_is_said_stays_on_the_screen,
    a_line_that_hides_from_history_is_refused_and_stays_hidden,
    no_setting_lets_it_through,
    a_refused_line_leaves_status_and_history_as_an_interrupt_does,
    allowed_lines_notice_nothing,
    a_stopped_job_is_still_there,
    an_ordinary_line_of_a_clear_tab_runs_no_program,
    a_line_of_a_hot_tab_starts_the_guard_and_nothing_else,
    a_clear_tab_runs_a_flagged_script_and_refuses_it_for_production,
    the_pattern_of_a_clear_tab_reads_alike,
    lines_typed_ahead_of_a_refusal_are_dropped,
    switched_off_it_asks_nothing_but_a_prefix_lifts_nothing,
    loaded_again_nested_and_after_exec_it_still_refuses,
    a_line_of_200_kb_is_read_whole,
    a_broken_guard_refuses_a_line_of_a_hot_tab_once,
    a_broken_guard_is_named_once_in_a_clear_tab,
    stop_without_yes_is_a_refusal,
    what_a_guard_prints_is_never_run,
    a_hanging_guard_is_interrupted,
    an_interrupt_at_any_moment_is_a_no,
    an_interrupt_behind_stop_lets_nothing_run,
    a_guard_killed_at_its_question_refuses,
    a_run_directory_closed_after_a_block_changes_nothing,
    a_run_directory_that_is_someone_elses_after_a_block_changes_nothing,
    an_environment_too_large_for_any_program_is_a_broken_guard,
    status_says_whether_the_guard_is_armed,
}
