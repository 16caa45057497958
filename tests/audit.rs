//! The audit trail: what is written, by whom it can be read, and that no record is lost or split.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use support::Home;

const TRAIL: &str = ".local/state/redtab/audit.jsonl";

fn production() -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["prod-eu", "dev-eu"], "prod-eu");
    home.executable("clean.sh", "#!/bin/sh\n# redtab: local-only\n");
    home
}

/// The guard's answer to a line, without a terminal.
fn start(home: &Home, line: &str) -> Child {
    // One of its own for each: another one may still be reading.
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("in-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    home.write(&name, format!("line {}\n{line}\n", line.len()));
    let mut guard = home.command("setsid");
    guard.args(["-w", "redtab", "guard", "--shell", "bash", "--pid", "4242"]);
    guard.stdin(fs::File::open(home.join(&name)).unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
    guard.spawn().unwrap()
}

fn guard(home: &Home, line: &str) -> Output {
    start(home, line).wait_with_output().unwrap()
}

fn records(home: &Home) -> Vec<Value> {
    let text = fs::read_to_string(home.join(TRAIL)).unwrap_or_default();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

fn text<'r>(record: &'r Value, field: &str) -> &'r str {
    record[field].as_str().unwrap_or_default()
}

fn mode(home: &Home, path: &str) -> u32 {
    fs::metadata(home.join(path)).unwrap().permissions().mode() & 0o777
}

#[test]
fn every_decision_but_allow_is_written_down() {
    let home = production();
    assert_eq!(guard(&home, "kubectl get pods").status.code(), Some(0));
    assert!(records(&home).is_empty());
    guard(&home, "kubectl apply -f x.yaml");
    guard(&home, "kubectl delete ns payments");
    guard(&home, "./clean.sh");
    let found = records(&home);
    let seen: Vec<_> =
        found.iter().map(|r| (text(r, "decision"), text(r, "program"), text(r, "target"))).collect();
    assert_eq!(
        seen,
        [
            ("warn", "kubectl", "prod-eu"),
            ("confirm", "kubectl", "prod-eu"),
            ("refused", "kubectl", "prod-eu"),
            ("block", "./clean.sh", "prod-eu"),
        ]
    );
    for record in &found {
        assert_eq!(record["pid"], 4242);
        assert!(record["line"].is_null());
        assert!(!text(record, "rule").is_empty() && !text(record, "reason").is_empty());
        let time = text(record, "time");
        assert!(time.len() == 25 && time.contains('T'), "{time}");
    }
    assert_eq!((mode(&home, TRAIL), mode(&home, ".local/state/redtab")), (0o600, 0o700));
}

#[test]
fn the_line_is_kept_only_when_asked_for_and_never_behind_a_space() {
    let home = production();
    home.write(".config/redtab/config.toml", "[audit]\nlines = true\n");
    guard(&home, "kubectl delete ns payments --server https://u:hunter2hunter2@k.prod.example");
    guard(&home, " kubectl delete ns secret-thing");
    let found = records(&home);
    assert!(text(&found[0], "line").starts_with("kubectl delete ns payments"));
    assert!(found[2]["line"].is_null(), "{}", found[2]);
    let raw = fs::read_to_string(home.join(TRAIL)).unwrap();
    assert!(!raw.contains("hunter2"), "{raw}");
}

#[test]
fn a_hostile_name_stays_one_record() {
    let home = production();
    let name = "prod\n{\"decision\":\"yes\"}\nPRIORITY=0\n\x1b]0;x\x07\u{2028}";
    home.kubeconfig(".kube/config", &[name], name);
    guard(&home, "kubectl delete ns payments");
    let found = records(&home);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|record| text(record, "decision") != "yes"));
    let raw = fs::read_to_string(home.join(TRAIL)).unwrap();
    assert!(raw.chars().all(|c| c == '\n' || !(c.is_control() || c == '\u{2028}')), "{raw:?}");
    let log = home.command("redtab").arg("log").output().unwrap();
    let log = String::from_utf8(log.stdout).unwrap();
    assert_eq!(log.lines().count(), 2, "{log}");
    assert!(!log.contains('\x1b'));
}

#[test]
fn concurrent_writers_lose_nothing_even_while_it_rotates() {
    let home = production();
    let filler = format!("{}\n", serde_json::json!({ "decision": "old", "what": "x".repeat(200) }));
    let count = 10_000_000 / filler.len() - 2;
    home.write(TRAIL, filler.repeat(count));
    fs::set_permissions(home.join(TRAIL), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(home.join(".local/state/redtab"), fs::Permissions::from_mode(0o700)).unwrap();
    let writers: Vec<Child> = (0..24).map(|_| start(&home, "kubectl delete ns payments")).collect();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(77));
    }
    let old = fs::read_to_string(home.join(".local/state/redtab/audit.jsonl.1")).unwrap();
    let all = old + &fs::read_to_string(home.join(TRAIL)).unwrap();
    let lines: Vec<Value> = all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), count + 48);
}

#[test]
fn a_full_disk_is_told_and_lifts_nothing() {
    let home = production();
    fs::create_dir_all(home.join(".local/state/redtab")).unwrap();
    home.write("in", "line 26\nkubectl delete ns payments\n");
    let script = "ulimit -f 0; trap '' XFSZ; exec setsid -w redtab guard --shell bash --pid 1 <in";
    let output = home.command("sh").args(["-c", script]).output().unwrap();
    assert_eq!(output.status.code(), Some(77));
    assert_eq!(output.stdout, b"stop\n");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("redtab: the audit trail can't be written: "), "{said}");
    assert!(said.contains("It was not run."), "{said}");
}

#[test]
fn a_trail_that_others_can_write_is_not_used() {
    let home = production();
    home.write(TRAIL, "");
    fs::set_permissions(home.join(TRAIL), fs::Permissions::from_mode(0o666)).unwrap();
    let output = guard(&home, "kubectl delete ns payments");
    assert_eq!(output.status.code(), Some(77));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not this user's alone"));
    if rustix::process::geteuid().is_root() {
        fs::set_permissions(home.join(TRAIL), fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(home.join(TRAIL), Some(65534), None).unwrap();
        let output = guard(&home, "kubectl delete ns payments");
        assert_eq!(output.status.code(), Some(77));
        assert!(String::from_utf8_lossy(&output.stderr).contains("is not this user's alone"));
    }
    fs::remove_file(home.join(TRAIL)).unwrap();
    std::os::unix::fs::symlink(home.join("elsewhere"), home.join(TRAIL)).unwrap();
    assert_eq!(guard(&home, "kubectl delete ns payments").status.code(), Some(77));
    assert!(!home.join("elsewhere").exists());
}

/// What a journald at this socket would take for the fields of a datagram.
fn fields(datagram: &[u8]) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut rest = datagram;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
        let head = std::str::from_utf8(&rest[..end]).unwrap();
        let (name, value, behind) = match head.split_once('=') {
            Some((name, value)) => (name, value.to_string(), end + 1),
            None => {
                let length = u64::from_le_bytes(rest[end + 1..end + 9].try_into().unwrap()) as usize;
                let value = String::from_utf8(rest[end + 9..end + 9 + length].to_vec()).unwrap();
                assert_eq!(rest[end + 9 + length], b'\n');
                (head, value, end + 10 + length)
            }
        };
        assert!(name.bytes().all(|c| c.is_ascii_uppercase() || c == b'_'), "{name}");
        fields.push((name.to_string(), value));
        rest = &rest[behind..];
    }
    fields
}

/// No journald runs here: a socket of our own takes its place, and what it gets is read by the protocol's rules.
#[test]
fn the_journal_and_syslog_get_each_record_as_one() {
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;
    let home = production();
    let name = "prod\nPRIORITY=0\nMESSAGE=all is well\x1b]0;x\x07";
    home.kubeconfig(".kube/config", &[name], name);
    home.write(".config/redtab/config.toml", "[audit]\njournald = true\nsyslog = true\n");
    let listen = |name: &str| {
        let socket = UnixDatagram::bind(home.join(name)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket
    };
    let (journal, syslog) = (listen("journal"), listen("syslog"));
    home.write("in", "line 26\nkubectl delete ns payments\n");
    let mut guard = home.command("setsid");
    guard.args(["-w", "redtab", "guard", "--shell", "bash", "--pid", "4242"]);
    guard.env("REDTAB_JOURNAL_SOCKET", home.join("journal")).env("REDTAB_SYSLOG_SOCKET", home.join("syslog"));
    guard.stdin(fs::File::open(home.join("in")).unwrap());
    assert_eq!(guard.output().unwrap().status.code(), Some(77));
    let mut bytes = [0; 65536];
    for decision in ["confirm", "refused"] {
        let length = journal.recv(&mut bytes).unwrap();
        let found = fields(&bytes[..length]);
        let of = |name: &str| -> Vec<&str> {
            found.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect()
        };
        assert_eq!(of("PRIORITY"), ["5"]);
        assert_eq!(of("MESSAGE").len(), 1);
        assert_eq!(of("REDTAB_DECISION"), [decision]);
        assert_eq!(of("REDTAB_TARGET"), [name]);
        assert_eq!(of("REDTAB_WHAT"), ["kubectl delete ns payments"]);
        let length = syslog.recv(&mut bytes).unwrap();
        let said = std::str::from_utf8(&bytes[..length]).unwrap();
        assert!(said.starts_with("<85>redtab[") && !said.contains(['\n', '\x1b']), "{said:?}");
        let record: Value = serde_json::from_str(&said[said.find('{').unwrap()..]).unwrap();
        assert_eq!(text(&record, "decision"), decision);
        assert_eq!(text(&record, "target"), name);
    }
    assert_eq!(records(&home).len(), 2);
    // Nobody listens: the answer and the trail are the same.
    drop((journal, syslog));
    assert_eq!(
        guard.stdin(fs::File::open(home.join("in")).unwrap()).output().unwrap().status.code(),
        Some(77)
    );
    assert_eq!(records(&home).len(), 4);
    let doctor = home
        .command("redtab")
        .args(["doctor", "--json"])
        .env("REDTAB_SYSLOG_SOCKET", "/nonexistent")
        .output();
    let doctor = String::from_utf8(doctor.unwrap().stdout).unwrap();
    assert!(doctor.contains("takes no records"), "{doctor}");
}

#[test]
fn log_shows_what_happened_since() {
    let home = production();
    guard(&home, "kubectl apply -f x.yaml");
    let old = "{\"time\":\"2020-01-01T10:00:00+00:00\",\"decision\":\"block\",\"what\":\"./old.sh\"}\n";
    home.write(".local/state/redtab/audit.jsonl.1", old);
    fs::set_permissions(home.join(".local/state/redtab/audit.jsonl.1"), fs::Permissions::from_mode(0o600))
        .unwrap();
    let log = |arguments: &[&str]| {
        let output = home.command("redtab").arg("log").args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, all) = log(&[]);
    assert_eq!(code, Some(0));
    let whats: Vec<bool> = all.lines().map(|line| line.contains("./old.sh")).collect();
    assert_eq!(whats, [true, false], "{all}");
    for since in ["1h", "2021-05-01", "2020-01-01T10:00:01Z"] {
        assert_eq!(log(&["--since", since]).1.lines().count(), 1, "{since}");
    }
    assert_eq!(log(&["--since", "2019-12-31"]).1.lines().count(), 2);
    assert_eq!(log(&["--since", "yesterday-ish"]).0, Some(1));
    let json: Value = serde_json::from_str(&log(&["--json"]).1).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["records"].as_array().unwrap().len(), 2);
}

#[test]
fn a_refusal_without_a_home_says_so() {
    let home = production();
    let output = Command::new(home.redtab())
        .env_clear()
        .env("KUBECONFIG", home.join(".kube/config"))
        .args(["run", "kubectl", "delete", "ns", "payments"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_ne!(output.status.code(), Some(0));
}
