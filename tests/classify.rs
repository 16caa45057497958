//! `redtab classify` through the real binary: its lines, its JSON, its exit codes, and what it must not print.

#![allow(clippy::unwrap_used)] // clippy.toml lets `#[test]`s unwrap, but not the helpers of an integration test.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn redtab(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redtab"));
    command.env_clear().env("HOME", home).env("REDTAB_RUN_DIR", home.join("run")).args(args);
    command.env("REDTAB_SYSTEM_CONFIG", home.join("system.toml"));
    command
}

/// A home without configuration.
fn home() -> TempDir {
    let home = TempDir::new().unwrap();
    std::fs::write(home.path().join("system.toml"), "").unwrap();
    home
}

fn classify(args: &[&str], stdin: &[u8]) -> Output {
    let home = home();
    let mut child = redtab(home.path(), &[&["classify"], args].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    child.wait_with_output().unwrap()
}

fn stdout(args: &[&str], stdin: &[u8]) -> String {
    let output = classify(args, stdin);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn names_are_answered_in_order() {
    let names = [
        "acme-Prod",
        "acmeprod",
        "product",
        "nonprod",
        "non-live",
        "pre-prod",
        "staging-1",
        "acme-dev",
        "k8s-eu-1",
        "",
    ];
    assert_eq!(
        stdout(&names, b""),
        "prod\tmatch:prod\tProd\tacme-Prod\n\
         prod\tmatch:*prod\tacmeprod\tacmeprod\n\
         unknown\t-\t-\tproduct\n\
         nonprod\texcept:*nonprod\tnonprod\tnonprod\n\
         nonprod\tnegator:non\tnon\tnon-live\n\
         nonprod\tstaging:pre-prod\tpre-prod\tpre-prod\n\
         nonprod\tstaging:staging\tstaging\tstaging-1\n\
         nonprod\tnonproduction:dev\tdev\tacme-dev\n\
         unknown\t-\t-\tk8s-eu-1\n\
         unknown\t-\t-\t\n"
    );
}

#[test]
fn the_kind_decides_what_speaks() {
    let table = [
        ("git_branch", "prod", "unknown\tbranch\tprod\tprod\n"),
        ("hostname", "api.acme.live", "unknown\t-\t-\tapi.acme.live\n"),
        (
            "kube_context",
            "gke_acme-prod_europe-west1_main",
            "prod\tmatch:prod\tprod\tgke_acme-prod_europe-west1_main\n",
        ),
        ("no_such_kind", "prod", "prod\tmatch:prod\tprod\tprod\n"),
        ("url", "postgres://u:prod@h/x", "unknown\t-\t-\tpostgres://u:***@h/x\n"),
    ];
    for (kind, name, expected) in table {
        assert_eq!(stdout(&["--kind", kind, "--", name], b""), expected);
    }
    assert_eq!(stdout(&["--", "--prod"], b""), "prod\tmatch:prod\tprod\t--prod\n");
}

#[test]
fn lines_are_read_from_standard_input() {
    let lines =
        b"git_branch\tprod\r\nkube_context\tprod\nwhatever\ta\tlive\n\nprod\n\xffprod\nurl\thttps://h/prod";
    assert_eq!(
        stdout(&["--stdin"], lines),
        "unknown\tbranch\tprod\tprod\n\
         prod\tmatch:prod\tprod\tprod\n\
         prod\tmatch:live\tlive\ta\\tlive\n\
         unknown\t-\t-\t\n\
         prod\tmatch:prod\tprod\tprod\n\
         prod\tmatch:prod\tprod\t\u{fffd}prod\n\
         unknown\t-\t-\thttps://h/prod\n"
    );
    assert_eq!(stdout(&["--stdin"], b""), "");
}

#[test]
fn json_says_the_same() {
    assert_eq!(
        stdout(&["--json", "prod", "stg\u{1b}", "a\u{202e}b"], b""),
        "{\"version\":1,\"names\":[\
         {\"kind\":\"name\",\"name\":\"prod\",\"answer\":\"prod\",\"environment\":\"production\",\"rule\":\"match:prod\",\"word\":\"prod\"},\
         {\"kind\":\"name\",\"name\":\"stg\\u001b\",\"answer\":\"nonprod\",\"environment\":\"staging\",\"rule\":\"staging:stg\",\"word\":\"stg\"},\
         {\"kind\":\"name\",\"name\":\"a\\u202eb\",\"answer\":\"unknown\",\"environment\":null,\"rule\":\"-\",\"word\":\"\"}]}\n"
    );
    assert_eq!(stdout(&["--json", "--stdin"], b""), "{\"version\":1,\"names\":[]}\n");
}

#[test]
fn nothing_in_a_name_acts_on_the_terminal() {
    let name = "prod\u{1b}[2J\t\n\r\u{7f}\u{9b}\u{202e}\u{200b}\u{2028}\u{feff}x";
    assert_eq!(
        stdout(&[name], b""),
        "prod\tmatch:prod\tprod\tprod\\x1b[2J\\t\\n\\x0d\\x7f\\u{9b}\\u{202e}\\u{200b}\\u{2028}\\u{feff}x\n"
    );
    assert_eq!(stdout(&["pr\u{200b}od"], b""), "prod\tmatch:prod\tpr\\u{200b}od\tpr\\u{200b}od\n");
}

#[test]
fn passwords_stay_unprinted() {
    let urls = [
        "postgres://app:hunter2@prod-db/x",
        "postgres://app:hunt/er2@prod-db/x",
        "postgres://app:hunt@er2@prod-db/x",
        "postgres://app:hunt?er2@prod-db/x",
        "postgres://app:hu@nt?er2@prod-db/x",
        "postgres://app:hunt#er2@prod-db/x",
        "postgres://prod-db/x?user=app&password=hunter2&sslmode=require",
        "redis://:hunter2@prod-db:6379",
        "redis://hunter2@prod-db:6379",
        "https://hunter2@prod-db/x",
        "https://hunter2:x-oauth-basic@prod-db/x",
        "redis://:hunter2@prod-db:1,redis://:hunter2@prod-db:2",
        "jdbc:oracle:thin:app/hunter2@prod-db:1521:x",
        "jdbc:sqlserver://prod-db;user=app;password=hunter2",
        "app:hunter2@prod-db/x",
        "app:hunter2@tcp(prod-db:3306)/x",
        "host=prod-db user=app password=hunter2",
        "password=hunter2 host=prod-db",
        "password='a hunter2 b' host=prod-db",
        "Server=prod-db;User Id=app;Password=hunter2;",
        "Server=prod-db;Pwd=\"a;hunter2\";",
    ];
    for url in urls {
        for json in [false, true] {
            let args: &[&str] =
                if json { &["--json", "--kind", "url", "--", url] } else { &["--kind", "url", "--", url] };
            let output = stdout(args, b"");
            for piece in ["hunter2", "hunt", "er2@", "er2"] {
                assert!(
                    !output.replace("user", "").replace("User", "").replace("Server", "").contains(piece),
                    "{output}"
                );
            }
            assert!(output.contains("prod-db") && output.contains("match:prod"), "{output}");
        }
    }
    let unharmed = "postgres://app@prod-db:5432/x?sslmode=require";
    assert!(stdout(&["--kind", "url", unharmed], b"").ends_with(&format!("\t{unharmed}\n")));
    assert!(!stdout(&["--kind", "env_value", "a://u:hunter2@h"], b"").contains("hunter2"));
    assert!(!stdout(&["x password=hunter2"], b"").contains("hunter2"));
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    for args in [&[][..], &["--kind"], &["--stdin", "prod"], &["--no-such"], &["-prod"]] {
        let output = classify(args, b"");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
    }
}

#[cfg(unix)]
#[test]
fn arguments_need_no_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(b"prod-\xff");
    let home = home();
    let output = redtab(home.path(), &["classify"]).arg(name).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "prod\tmatch:prod\tprod\tprod-\u{fffd}\n");
}

#[test]
fn the_configuration_decides_as_it_does_for_the_prompt() {
    let home = home();
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    let target = |is: &str, environment: &str| {
        format!("[[target]]\nsignal = \"kube_context\"\nis = \"{is}\"\nenvironment = \"{environment}\"\n")
    };
    std::fs::create_dir_all(home.path().join(".config/redtab")).unwrap();
    let user = ".config/redtab/config.toml";
    let answer = |name: &str| {
        let output = redtab(home.path(), &["classify", "--kind", "kube_context", name]).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let told = |rule: &str, name: &str| format!("{rule}\t{name}\n");
    // The user's answer beats the system's, and the system's beats what is built in.
    write("system.toml", &(target("prod-a", "safe") + &target("prod-b", "safe")));
    write(
        user,
        &(target("prod-b", "staging")
            + "[[environment]]\nname = \"production\"\nmatch = [\"...\", \"zeus\"]\n"),
    );
    assert_eq!(answer("prod-a").0, told("nonprod\ttarget\tprod-a", "prod-a"));
    assert_eq!(answer("prod-b").0, told("nonprod\ttarget\tprod-b", "prod-b"));
    assert_eq!(answer("prod-c").0, told("prod\tmatch:prod\tprod", "prod-c"));
    assert_eq!(answer("zeus-1"), (told("prod\tmatch:zeus\tzeus", "zeus-1"), String::new()));
    let json =
        redtab(home.path(), &["classify", "--json", "--kind", "kube_context", "prod-b"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["names"][0]["environment"], "staging");
    // Two answers for one name in one file are none: the last good copy holds, and that is said.
    write(user, &(target("prod-b", "production") + &target("prod-b", "safe")));
    let (stdout, stderr) = answer("zeus-1");
    assert_eq!(stdout, told("prod\tmatch:zeus\tzeus", "zeus-1"));
    assert!(
        stderr.contains("`prod-b` has an answer already") && stderr.contains("stays in force."),
        "{stderr}"
    );
    assert_eq!(answer("prod-b").0, told("nonprod\ttarget\tprod-b", "prod-b"));
}

#[test]
fn status_says_the_same_rules() {
    let home = home();
    let status = redtab(home.path(), &["status", "--json"])
        .envs([("AWS_PROFILE", "pre-prod"), ("APP_ENV", "production"), ("RAILS_ENV", "dev"), ("STAGE", "x")])
        .output()
        .unwrap();
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    let rules: Vec<&str> = status["signals"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|signal| signal["source"] != "host")
        .map(|signal| signal["rule"].as_str().unwrap())
        .collect();
    assert_eq!(rules, ["match:production", "staging:pre-prod", "nonproduction:dev", "-"]);
}
