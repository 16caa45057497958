//! The record of every tab, as real shells have it written: what it says, when it is written, and which records count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Home, Kind, Shell, WHITE_ON_RED};

fn home_at(context: &str) -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], context);
    home
}

/// Every record's file.
fn files(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join("run/tabs")).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn only_file(home: &Home) -> PathBuf {
    let files = files(home);
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

fn read(file: &PathBuf) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

fn all(home: &Home) -> Vec<Value> {
    let output = home.command(home.redtab()).args(["status", "--all", "--json"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["version"], 1);
    value["tabs"].as_array().unwrap().clone()
}

fn page(home: &Home) -> String {
    let output = home.command(home.redtab()).args(["status", "--all"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn it_says_what_the_tab_is(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = kind.in_home(&home).redtab().start();
    let file = only_file(&home);
    let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let clear = read(&file);
    assert_eq!(clear["verdict"], "clear");
    assert_eq!(
        (&clear["severity"], &clear["hot"], &clear["segment"]),
        (&json!("none"), &json!(false), &json!(""))
    );
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "prod-eu");
    shell.enter().expect_segment(" PROD prod-eu ", WHITE_ON_RED);
    let tty = shell.value(if kind == Kind::Fish { "(tty)" } else { "\"$(tty)\"" });
    let record = read(&file);
    let expected = json!({
        "version": 1, "tty": tty, "session": shell.pid(), "shell_pid": shell.pid(), "shell": kind.name(),
        "verdict": "production", "severity": "production", "hot": true, "badge": "PROD", "label": "prod-eu",
        "segment": "PROD prod-eu", "style": "38;5;231;48;5;160", "color": "red", "guard": "armed", "terminal": "generic",
        "tmux": null, "cwd": home.path(),
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&record[name], value, "{name} in {record}");
    }
    let kubeconfig = home.join(".kube/config");
    assert!(record["watched"].as_array().unwrap().contains(&json!(kubeconfig)), "{record}");
    shell.cd(&home.bin());
    assert_eq!(read(&file)["cwd"], json!(home.bin()));

    let tabs = all(&home);
    assert_eq!(tabs.len(), 1);
    assert_eq!((&tabs[0]["tty"], &tabs[0]["segment"]), (&json!(tty), &json!("PROD prod-eu")));
    let line = page(&home);
    let short = tty.strip_prefix("/dev/").unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["PROD", "prod-eu", short, kind.name(), "~/bin"]);
}

fn it_is_written_only_when_it_changes(kind: Kind) {
    let home = home_at("prod-eu");
    let mut shell = kind.in_home(&home).redtab().start();
    let file = only_file(&home);
    let inode = || fs::metadata(&file).unwrap().ino();
    let first = inode();
    // The first asks the binary again, and says nothing new.
    shell.export("NEW_NAME", "x").enter().enter();
    assert_eq!(inode(), first);
    shell.export("AWS_PROFILE", "acme-dev");
    assert_ne!(inode(), first);
    assert_eq!(read(&file)["selectors"]["AWS_PROFILE"], "acme-dev");
}

fn a_shell_within_a_shell_leaves_nothing_behind(kind: Kind) {
    let home = home_at("dev-eu");
    let mut shell = kind.in_home(&home).redtab().start();
    let file = only_file(&home);
    for inner in [Kind::Bash, Kind::Zsh, Kind::Fish] {
        if inner != kind {
            home.write(
                inner.rc_path(),
                inner.rc_head().to_string() + &inner.own_prompt(&["@@ ".into()]) + inner.init(),
            );
        }
        shell.line(&format!("{} -i", inner.name()));
        shell.line(&inner.export("AWS_PROFILE", "acme-prod"));
        let record = read(&only_file(&home));
        assert_eq!((&record["verdict"], &record["shell"]), (&json!("production"), &json!(inner.name())));
        shell.line("exit").expect_clear();
        let record = read(&file);
        assert_eq!((&record["verdict"], &record["shell"]), (&json!("clear"), &json!(kind.name())));
    }
}

fn no_secret_gets_into_it(kind: Kind) {
    let home = home_at("dev-eu");
    let secret = "hunter2hunter2";
    let url = format!("postgres://app:{secret}@db.prod.acme.example:6543/orders?password={secret}");
    let mut shell = kind
        .in_home(&home)
        .env("DATABASE_URL", &url)
        .env("REDIS_HOST", &format!("redis://:{secret}@cache.prod/0"))
        .env("AWS_SECRET_ACCESS_KEY", secret)
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("PGPASSWORD", secret)
        .env("PGPORT", secret)
        .env("API_TOKEN_URL", &format!("https://x:{secret}@example.com"))
        .redtab()
        .start();
    shell.expect_production();
    let text = fs::read_to_string(only_file(&home)).unwrap();
    assert!(!text.contains(secret), "{text}");
    assert!(text.contains("db.prod.acme.example"), "{text}");
    assert!(!page(&home).contains(secret));
}

in_every_shell! {
    it_says_what_the_tab_is,
    it_is_written_only_when_it_changes,
    a_shell_within_a_shell_leaves_nothing_behind,
    no_secret_gets_into_it,
}

/// A supervisor (a container's, a CI runner's) may start programs in a pid namespace that their session's leader is not
/// in: the kernel answers 0 when it is asked for the session.
#[test]
fn outside_its_sessions_namespace_there_is_no_tab_and_no_fault() {
    let home = home_at("prod-eu");
    let mut command = home.command("unshare");
    if !rustix::process::getuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--pid", "--fork", "--mount-proc"]).arg(home.redtab()).args(["status", "--json"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["tab"], Value::Null);
    assert_eq!(status["verdict"], "production");
}

#[test]
fn without_the_hook_there_is_none() {
    let home = home_at("prod-eu");
    let mut shell = Kind::Bash.in_home(&home).start();
    shell.line("redtab status >/dev/null");
    assert!(files(&home).is_empty());
    assert_eq!(all(&home), Vec::<Value>::new());
}

fn end(mut shell: Shell) {
    shell.exit();
}

#[test]
fn the_dead_are_ignored_and_swept() {
    let home = home_at("prod-eu");
    let first = Kind::Bash.in_home(&home).redtab().start();
    let file = only_file(&home);
    assert_eq!(all(&home).len(), 1);
    end(first);
    let limit = Instant::now() + Duration::from_secs(15);
    while !all(&home).is_empty() && Instant::now() < limit {
        std::thread::yield_now();
    }
    assert_eq!(all(&home), Vec::<Value>::new());
    assert_eq!(page(&home), "No tab of yours has a hook that spoke yet.\n");
    assert!(file.exists());
    // What a writer that was killed left behind goes as well; what nobody made stays.
    let left = format!("{}.{}", file.display(), 0x3f_ffff);
    fs::write(&left, "{").unwrap();
    fs::write(home.join("run/tabs/note"), "mine").unwrap();
    let _second = Kind::Zsh.in_home(&home).redtab().start();
    assert!(!file.exists() && !PathBuf::from(left).exists() && home.join("run/tabs/note").exists());
    assert_eq!(all(&home).len(), 1);
}

#[test]
fn a_terminal_in_another_life_is_another_tab() {
    let home = home_at("prod-eu");
    let mut shell = Kind::Bash.in_home(&home).redtab().start();
    let file = only_file(&home);
    let text = fs::read_to_string(&file).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap().to_string();
    let parts: Vec<&str> = name.strip_suffix(".json").unwrap().split('-').collect();
    // The same terminal: an older leader, an older start, an older boot; and records with nonsense for names.
    for forged in [
        format!("{}-{:x}-{}-{}", parts[0], 0x3f_ffff, parts[2], parts[3]),
        format!("{}-{}-1-{}", parts[0], parts[1], parts[3]),
        format!("{}-{}-{}-00000000", parts[0], parts[1], parts[2]),
        format!("1-{}-{}-{}", parts[1], parts[2], parts[3]),
        "x".into(),
        "----".into(),
        format!("{}-{}-{}-{}-", parts[0], parts[1], parts[2], parts[3]),
    ] {
        fs::write(home.join(&format!("run/tabs/{forged}.json")), &text).unwrap();
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(home.join(&format!("run/tabs/{forged}.json")), mode).unwrap();
    }
    assert_eq!(all(&home).len(), 1);
    shell.enter().expect_production();
}

#[test]
fn what_is_no_record_of_ours_counts_for_nothing() {
    let home = home_at("prod-eu");
    let mut shell = Kind::Zsh.in_home(&home).redtab().start();
    let file = only_file(&home);
    let text = fs::read_to_string(&file).unwrap();
    let mut number = 0;
    let mut not_read = |prepare: &dyn Fn()| {
        fs::remove_file(&file).or_else(|_| fs::remove_dir(&file)).unwrap();
        prepare();
        assert_eq!(all(&home), Vec::<Value>::new());
        // The next question mends it, where anything can.
        number += 1;
        shell.export("NEW", &number.to_string()).expect_production();
        if file.is_dir() {
            fs::remove_dir(&file).unwrap();
            shell.unset("NEW").expect_production();
        }
        assert_eq!(all(&home).len(), 1, "{number}");
    };
    let write = |text: &[u8], mode: u32| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    };
    not_read(&|| write(text.as_bytes(), 0o644));
    not_read(&|| write(text.replace("\"version\":1", "\"version\":2").as_bytes(), 0o600));
    not_read(&|| write(&text.as_bytes()[..text.len() / 2], 0o600));
    not_read(&|| write(b"\xff\x00{}", 0o600));
    not_read(&|| write(b"[1,2]", 0o600));
    not_read(&|| write("[".repeat(60_000).as_bytes(), 0o600));
    not_read(&|| write(text.replace("\"tty\":\"/", "\"tty\":7,\"x\":\"/").as_bytes(), 0o600));
    not_read(&|| write(&[&b" ".repeat(70_000), text.as_bytes()].concat(), 0o600));
    not_read(&|| {
        let elsewhere = home.write("elsewhere", &text);
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&elsewhere, &file).unwrap();
    });
    not_read(&|| fs::create_dir(&file).unwrap());
    not_read(&|| {
        assert!(home.command("mkfifo").args(["-m", "600"]).arg(&file).status().unwrap().success());
    });
    if rustix::process::geteuid().is_root() {
        not_read(&|| {
            write(text.as_bytes(), 0o600);
            std::os::unix::fs::chown(&file, Some(65534), Some(65534)).unwrap();
        });
    }
}

#[test]
fn unknown_fields_are_no_trouble() {
    let home = home_at("prod-eu");
    let _shell = Kind::Bash.in_home(&home).redtab().start();
    let file = only_file(&home);
    let text = fs::read_to_string(&file).unwrap().replacen('{', "{\"later\":[1],", 1);
    fs::write(&file, text).unwrap();
    assert_eq!(all(&home)[0]["segment"], "PROD prod-eu");
}

fn without_a_place_to_keep_it_the_prompt_is_right(kind: Kind) {
    let home = home_at("dev-eu");
    fs::create_dir(home.join("run/shells")).unwrap();
    fs::write(home.join("run/tabs"), "a file in its place").unwrap();
    let mut shell = kind.in_home(&home).redtab().start();
    shell
        .expect_clear()
        .export("AWS_PROFILE", "acme-prod")
        .expect_production()
        .unset("AWS_PROFILE")
        .expect_clear();
    assert_eq!(all(&home), Vec::<Value>::new());
    fs::remove_file(home.join("run/tabs")).unwrap();
    fs::set_permissions(home.run_dir(), fs::Permissions::from_mode(0o500)).unwrap();
    let mut shell = kind.in_home(&home).redtab().unprivileged().start();
    shell
        .expect_clear()
        .export("AWS_PROFILE", "acme-prod")
        .expect_production()
        .unset("AWS_PROFILE")
        .expect_clear();
    fs::set_permissions(home.run_dir(), fs::Permissions::from_mode(0o700)).unwrap();
}

fn another_user_writes_nothing_there(kind: Kind) {
    let home = home_at("prod-eu");
    if rustix::process::geteuid().is_root() {
        // What `sudo -s` is: root in a home that is somebody else's.
        std::os::unix::fs::chown(home.run_dir(), Some(65534), Some(65534)).unwrap();
    } else {
        fs::set_permissions(home.run_dir(), fs::Permissions::from_mode(0o500)).unwrap();
    }
    let mut shell = kind.in_home(&home).redtab().start();
    shell.expect_production();
    assert_eq!(fs::read_dir(home.run_dir()).unwrap().count(), 0);
    fs::set_permissions(home.run_dir(), fs::Permissions::from_mode(0o700)).unwrap();
    drop(shell);
}

in_every_shell! {
    without_a_place_to_keep_it_the_prompt_is_right,
    another_user_writes_nothing_there,
}
