//! Whatever happens to the binary, the shell stays a shell: the segment says `redtab ?`, never an older answer, and
//! all is well again when the binary is. The same holds for a Ctrl-C that meets the hook in the middle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::{Home, Kind, Shell, WHITE_ON_RED};

const UNKNOWN: &str = " redtab ? ";

fn shell_in(kind: Kind, home: &Home) -> Shell {
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
    let mut shell = kind.in_home(home).redtab().start();
    shell.expect_clear();
    shell
}

fn change(home: &Home, current: &str) {
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], current);
}

fn works(shell: &mut Shell) {
    assert_eq!(shell.value("\"works\""), "works");
}

/// The real binary is back: the next prompt knows, or, after interrupted questions, one of the next.
fn recovers(home: &Home, shell: &mut Shell, within: usize) {
    change(home, "prod-eu");
    home.restore_redtab();
    for _ in 1..within {
        shell.enter();
        if shell.segment().text != UNKNOWN {
            break;
        }
    }
    if within == 1 {
        shell.enter();
    }
    shell.expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    change(home, "dev-eu");
    shell.enter().expect_clear();
}

fn a_reply_cut_after_any_byte_is_none(kind: Kind) {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["prod-eu"], "prod-eu");
    let mut shell = shell_in(kind, &home);
    let reply = home
        .command(home.redtab())
        .args(["hook", "prompt", "--shell", kind.name(), "--shell-version", "5.2", "--pid", "1"])
        .args(["--can-block", "no"])
        .output()
        .unwrap();
    assert!(reply.status.success());
    let whole = reply.stdout.strip_suffix(b"\n").unwrap();
    home.write("reply", whole);
    home.write("length", "0");
    home.replace_redtab(
        "#!/bin/sh\nread n <$HOME/length\nhead -c $n $HOME/reply\necho $((n + $(cat $HOME/step))) >$HOME/length\n",
    );
    change(&home, "prod-eu");
    // Every byte of both ends, where the marks stand; between them every byte in bash, and a sample in the others, which
    // tell a whole reply in the same way.
    let between = if kind == Kind::Bash { 1 } else { 7 };
    let mut ends: Vec<(usize, usize, usize)> = vec![(0, 24, 1), (whole.len() - 24, whole.len(), 1)];
    ends.push((25, whole.len() - 24, between));
    for (from, to, step) in ends {
        home.write("step", step.to_string());
        home.write("length", from.to_string());
        for length in (from..to).step_by(step) {
            let text = shell.enter().segment().text;
            assert_eq!(text, UNKNOWN, "cut after {length} bytes\n{}", shell.dump());
        }
    }
    works(&mut shell);
    home.write("length", whole.len().to_string());
    shell.enter();
    assert_ne!(shell.segment().text, UNKNOWN, "the whole reply counts\n{}", shell.dump());
    recovers(&home, &mut shell, 1);
}

fn a_broken_binary_leaves_the_shell_alone(kind: Kind) {
    let home = Home::new();
    let mut shell = shell_in(kind, &home);
    let broken = [
        "#!/bin/sh\nkill -KILL $$\n",
        "#!/bin/sh\nkill -PIPE $$\n",
        "#!/bin/sh\nexit 0\n",
        "#!/bin/sh\nexit 127\n",
        "#!/bin/sh\nprintf 'redtab 2\\n__redtab_text=x\\nredtab end\\n'\n",
        "#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' x\n",
        "#!/bin/sh\nhead -c 100000 /dev/urandom\n",
        "#!/bin/sh\nprintf 'redtab 1\\n'; head -c 1000000 /dev/zero | tr '\\0' '\\n'\n",
        "\u{7f}ELFrubbish",
    ];
    for script in broken {
        home.replace_redtab(script);
        change(&home, "prod-eu");
        shell.enter().expect_text(UNKNOWN).enter().expect_text(UNKNOWN);
        works(&mut shell);
        recovers(&home, &mut shell, 1);
    }
}

/// Enter, and the prompt after the report that fish makes of every crash, behind its first drawing.
fn enter_and_crash(shell: &mut Shell) {
    let reports = |raw: &[u8]| raw.windows(14).filter(|w| *w == b"boundary error").count();
    let before = reports(&shell.raw());
    shell.enter();
    if shell.kind == Kind::Fish {
        shell.wait_for("fish's report", |t| reports(&t.raw) > before && t.at_prompt());
    }
    shell.expect_text(UNKNOWN);
}

fn a_crash_leaves_the_shell_alone(kind: Kind) {
    let home = Home::new();
    let mut shell = shell_in(kind, &home);
    home.replace_redtab("#!/bin/sh\nkill -SEGV $$\n");
    change(&home, "prod-eu");
    enter_and_crash(&mut shell);
    shell.type_in("echo works >works");
    enter_and_crash(&mut shell);
    assert_eq!(fs::read_to_string(home.join("works")).unwrap(), "works\n");
    recovers(&home, &mut shell, 1);
}

fn a_binary_that_can_not_be_started_leaves_the_shell_alone(kind: Kind) {
    let home = Home::new();
    let mut shell = shell_in(kind, &home);
    let ways: [fn(&Home); 3] = [
        Home::remove_redtab,
        |home| {
            home.replace_redtab("#!/bin/sh\n");
            fs::set_permissions(home.redtab(), fs::Permissions::from_mode(0o644)).unwrap();
        },
        |home| {
            home.remove_redtab();
            fs::create_dir(home.redtab()).unwrap();
        },
    ];
    for way in ways {
        way(&home);
        change(&home, "prod-eu");
        shell.enter().expect_text(UNKNOWN).enter().expect_text(UNKNOWN);
        works(&mut shell);
        // Nothing but prompts and the test's own line is on the screen.
        let noise: Vec<String> = shell
            .screen()
            .lines()
            .filter(|l| !l.contains("@@") && !l.trim().is_empty())
            .map(Into::into)
            .collect();
        assert!(noise.is_empty(), "{}: {noise:#?}", kind.name());
        let _ = fs::remove_dir(home.redtab());
        recovers(&home, &mut shell, 1);
        shell.line("clear");
    }
}

/// Presses Enter on an empty line: true when the binary hangs now, false at a prompt without it.
fn hangs(home: &Home, shell: &mut Shell) -> bool {
    let drawn = shell.prompts_drawn();
    shell.send("\r");
    let end = Instant::now() + Duration::from_secs(15);
    loop {
        if fs::remove_file(home.join("hanging")).is_ok() {
            return true;
        }
        if shell.prompts_drawn() > drawn && !home.join("hanging").exists() {
            shell.prompt().expect_text(UNKNOWN);
            return false;
        }
        assert!(Instant::now() < end, "neither a prompt nor a hang\n{}", shell.dump());
        std::thread::sleep(Duration::from_millis(2)); // a poll
    }
}

/// Interrupts it. fish draws its prompt more than once then: a key is read when it is done.
fn interrupt(shell: &mut Shell) {
    shell.send("\x03").prompt().expect_text(UNKNOWN);
    shell.type_in("x").send("\x7f").wait_for("an empty line", |t| t.typed().as_deref() == Some(""));
}

fn a_hanging_binary_can_be_interrupted_and_is_left_alone(kind: Kind) {
    let home = Home::new();
    let mut shell = shell_in(kind, &home);
    home.replace_redtab("#!/bin/sh\n: >$HOME/hanging\nexec sleep 1000\n");
    change(&home, "prod-eu");
    assert!(hangs(&home, &mut shell));
    for left_alone in [1, 3, 7] {
        interrupt(&mut shell);
        let quiet = (0..20).take_while(|_| !hangs(&home, &mut shell)).count();
        assert!((left_alone..=left_alone + 1).contains(&quiet), "asked again after {quiet} prompts");
    }
    interrupt(&mut shell);
    works(&mut shell);
    recovers(&home, &mut shell, 18);
    // All is forgiven.
    home.replace_redtab("#!/bin/sh\nexit 1\n");
    change(&home, "prod-eu");
    shell.enter().expect_text(UNKNOWN);
    recovers(&home, &mut shell, 1);
}

/// Stands in redtab's place and runs the real one with every open of foreign files held by the kernel until an
/// answer that never comes: as a dead network file system does it, but cheaper.
const HOLDER: &str = r#"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <fcntl.h>

int main(int argc, char **argv) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_open
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_open, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JA, 2, 0, 0),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_NONBLOCK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof code / sizeof *code, code };
    close(open(HANGING, O_WRONLY | O_CREAT, 0600));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return 3;
    int fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (fd < 0 || fcntl(fd, F_SETFD, 0)) return 4;
    execv(REAL, argv);
    return 5;
}
"#;

fn a_read_that_hangs_ends_at_the_deadline(kind: Kind) {
    let home = Home::new();
    let mut shell = shell_in(kind, &home);
    let source = home.write("holder.c", HOLDER);
    let real = home.join("real-redtab");
    fs::rename(home.redtab(), &real).unwrap();
    let define = |name: &str, path: &std::path::Path| format!("-D{name}=\"{}\"", path.display());
    let built = home
        .command("cc")
        .args([define("REAL", &real), define("HANGING", &home.join("hanging"))])
        .args(["-o".as_ref(), home.redtab().as_os_str(), source.as_os_str()])
        .status()
        .unwrap();
    assert!(built.success());
    change(&home, "prod-eu");
    let begin = Instant::now();
    shell.enter().expect_text(UNKNOWN);
    let took = begin.elapsed();
    assert!(home.join("hanging").exists());
    assert!(took >= Duration::from_millis(1500), "nothing hung: {took:?}");
    assert!(took < Duration::from_secs(6), "back after {took:?}");
    recovers(&home, &mut shell, 1);
    works(&mut shell);
}

/// bash does not survive a Ctrl-C in the middle of `name=(…)`: its parser stays in there, and it ends, or runs rubbish
/// (5.2). Only what runs in a child, and catches the interrupt, may write such a thing.
#[test]
fn the_hook_of_bash_writes_no_list_where_an_interrupt_could_meet_it() {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["prod-eu"], "prod-eu");
    let printed = |args: &[&str]| {
        String::from_utf8(home.command(home.redtab()).args(args).output().unwrap().stdout).unwrap()
    };
    let hook = "hook prompt --shell bash --shell-version 5.2 --pid 1 --can-block yes";
    let text = printed(&["init", "bash"]) + &printed(&hook.split(' ').collect::<Vec<_>>());
    let in_a_child = ["__redtab_pre", "__redtab_define", "__redtab_look_up"];
    let (mut function, mut allowed) = ("", 0);
    for line in text.lines() {
        if let Some((name, _)) = line.split_once("() {") {
            function = name;
        }
        if line.trim_start().starts_with('#') || !line.contains("=(") {
            continue;
        }
        assert!(in_a_child.contains(&function), "{function}: {line}");
        allowed += 1;
    }
    assert!(allowed > 0 && text.contains("redtab end"));
}

fn an_interrupt_in_the_hook_leaves_the_shell_alone(kind: Kind) {
    let home = Home::new();
    let mut shell = shell_in(kind, &home);
    let pid = Pid::from_raw(i32::try_from(shell.pid()).unwrap()).unwrap();
    // Often enough the shell is in the hook then.
    for at in 0..3000 {
        shell.send("\r");
        std::thread::sleep(Duration::from_micros(300 + at * 37 % 1500));
        kill_process(pid, Signal::INT).unwrap();
    }
    // After questions that were interrupted it is left alone for a while.
    shell.takes_lines_again();
    recovers(&home, &mut shell, 70);
    works(&mut shell);
}

in_every_shell! {
    a_reply_cut_after_any_byte_is_none,
    a_broken_binary_leaves_the_shell_alone,
    a_crash_leaves_the_shell_alone,
    a_binary_that_can_not_be_started_leaves_the_shell_alone,
    a_hanging_binary_can_be_interrupted_and_is_left_alone,
    a_read_that_hangs_ends_at_the_deadline,
    an_interrupt_in_the_hook_leaves_the_shell_alone,
}
