//! `redtab mark` through the real binary: what it writes, what it leaves alone, what it refuses, and that nothing is ever
//! lost.

#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::Home;

const FILE: &str = ".config/redtab/config.toml";

fn mark(home: &Home, args: &[&str]) -> Output {
    home.command(home.redtab()).arg("mark").args(args).output().unwrap()
}

/// Exit code, standard output and standard error, with the home's path as HOME.
fn told(home: &Home, output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).unwrap().replace(&home.path().display().to_string(), "HOME")
    };
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn says(home: &Home, args: &[&str], code: i32, stdout: &str, stderr: &str) {
    assert_eq!(told(home, &mark(home, args)), (Some(code), stdout.into(), stderr.into()), "{args:?}");
}

fn verdict(home: &Home) -> String {
    let output = home.command(home.redtab()).args(["status", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    json["verdict"].as_str().unwrap().to_owned()
}

fn names_in(directory: &Path) -> Vec<String> {
    fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_mark_settles_changes_and_is_undone() {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["k8s-eu-1"], "k8s-eu-1");
    assert_eq!(verdict(&home), "clear");
    let args = |word: &'static str| [word, "kube_context", "k8s-eu-1"];
    says(
        &home,
        &args("production"),
        0,
        "Written to ~/.config/redtab/config.toml:1: now kube_context k8s-eu-1 is production (target).\n\
         Undo:  redtab mark --remove kube_context k8s-eu-1\n",
        "",
    );
    assert_eq!(verdict(&home), "production");
    let expected = "[[target]]\nsignal = \"kube_context\"\nis = \"k8s-eu-1\"\nenvironment = \"production\"\n";
    assert_eq!(fs::read_to_string(home.join(FILE)).unwrap(), expected);
    says(
        &home,
        &args("production"),
        0,
        "~/.config/redtab/config.toml:1 says so already; kube_context k8s-eu-1 is production (target).\n",
        "",
    );
    says(
        &home,
        &args("safe"),
        0,
        "Changed in ~/.config/redtab/config.toml:1: now kube_context k8s-eu-1 is safe (target).\n\
         Undo:  redtab mark production kube_context k8s-eu-1\n",
        "",
    );
    assert_eq!(verdict(&home), "clear");
    assert_eq!(fs::read_to_string(home.join(FILE)).unwrap(), expected.replace("\"production\"", "\"safe\""));
    says(
        &home,
        &args("--remove"),
        0,
        "Taken out of ~/.config/redtab/config.toml, where it stood in line 1: now kube_context k8s-eu-1 is unknown.\n",
        "",
    );
    assert_eq!(fs::read_to_string(home.join(FILE)).unwrap(), "");
    says(
        &home,
        &args("--remove"),
        1,
        "",
        "redtab: ~/.config/redtab/config.toml has no [[target]] for kube_context k8s-eu-1; kube_context k8s-eu-1 is unknown\n",
    );
}

#[test]
fn every_other_byte_mode_and_link_stays() {
    let home = Home::new();
    let environment = "[[environment]] # ours\nname = \"zone\"\nmatch = [\"zeus\"]\n";
    for text in [
        format!("# top\n\n{environment}\n  # the end\n\n"),
        format!("\u{feff}{}", environment.replace('\n', "\r\n")),
        environment.trim_end().to_owned(),
        format!("target = [] # none yet\n{environment}"),
    ] {
        let real = home.write("dotfiles/redtab.toml", &text);
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        fs::create_dir_all(home.join(".config/redtab")).unwrap();
        let _ = fs::remove_file(home.join(FILE));
        symlink("../../dotfiles/redtab.toml", home.join(FILE)).unwrap();
        for name in ["a\tb\u{1b}\u{202e}\"\\'", "-x"] {
            assert_eq!(mark(&home, &["zone", "hostname", "--", name]).status.code(), Some(0));
            let shown = home.command(home.redtab()).args(["config", "check"]).output().unwrap();
            assert_eq!(shown.status.code(), Some(0), "{shown:?}");
            let written = fs::read_to_string(&real).unwrap();
            assert_ne!(written, text);
            assert!(!written.contains(['\u{1b}', '\u{202e}', '\t']), "{written:?}");
            assert_eq!(mark(&home, &["--remove", "hostname", "--", name]).status.code(), Some(0));
            assert_eq!(fs::read(&real).unwrap(), text.as_bytes());
        }
        assert!(fs::read_link(home.join(FILE)).is_ok());
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(names_in(real.parent().unwrap()), ["redtab.toml"]);
    }
}

#[test]
fn what_it_refuses_it_leaves_as_it_was() {
    let locked =
        "redtab: `target` is locked at HOME/etc.toml:1:9. ~/.config/redtab/config.toml is as it was.\n";
    let broken = "redtab: ~/.config/redtab/config.toml:1:1: unknown section [promt]\n    1 | [promt]\n      | \
                  ^^^^^ did you mean `prompt`?\n        Until it is mended, nothing of this file is in force.\n\
                  redtab: mend that first. Nothing was written.\n";
    let table: &[(&str, &str, &[&str], i32, &str)] = &[
        ("lock = [\"target\"]\n", "", &["safe", "name", "x"], 1, locked),
        ("lock = [\"target\"]\n", "", &["--remove", "name", "x"], 1, locked),
        ("", "[promt]\n", &["safe", "name", "x"], 1, &broken.replace("1:1:", "1:2:").replace("| ^", "|  ^")),
        (
            "",
            "",
            &["safe", "kube_contxt", "x"],
            2,
            "redtab: mark: there is no kind `kube_contxt`\n        did you mean `kube_context`?\n",
        ),
        (
            "",
            "",
            &["prodution", "name", "x"],
            2,
            "redtab: mark: there is no environment `prodution`\n        did you mean `production`?\n",
        ),
        (
            "",
            "",
            &["green", "name", "x"],
            2,
            "redtab: mark: there is no environment `green`\n        there are production, staging, safe\n",
        ),
        ("", "", &["safe", "name", " "], 2, "redtab: mark: the name is empty\n"),
        (
            "",
            "",
            &["safe", "name"],
            2,
            "redtab: mark: it takes ENVIRONMENT KIND NAME, or --remove KIND NAME\n",
        ),
        (
            "",
            "",
            &["safe", "url", "postgres://a:hunter2@h/x"],
            2,
            "redtab: mark: the name holds a password, which must not be written\n        \
             mark its host: redtab mark production url_host HOST\n",
        ),
        (
            "[[target]]\nsignal = \"name\"\nis = \"x\"\nenvironment = \"safe\"\n",
            "",
            &["--remove", "name", "x"],
            1,
            "redtab: name x is settled in HOME/etc.toml:3, not in ~/.config/redtab/config.toml\n",
        ),
    ];
    for (system, user, args, code, stderr) in table {
        let home = Home::new();
        let system = home.write("etc.toml", system);
        home.write(FILE, user);
        let mut command = home.command(home.redtab());
        let output = command.arg("mark").args(*args).env("REDTAB_SYSTEM_CONFIG", system).output().unwrap();
        assert_eq!(told(&home, &output), (Some(*code), String::new(), (*stderr).into()), "{args:?}");
        assert_eq!(fs::read_to_string(home.join(FILE)).unwrap(), *user);
    }
    let home = Home::new();
    let mut command = home.command(home.redtab());
    let output = command
        .args(["mark", "safe", "name", "x"])
        .env_remove("HOME")
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .unwrap();
    let expected = "redtab: there is no place for config.toml: HOME is not set to an absolute path. Nothing was written.\n";
    assert_eq!(told(&home, &output), (Some(1), String::new(), expected.into()));
}

#[test]
fn the_users_answer_beats_the_systems() {
    let home = Home::new();
    let system = "[[target]]\nsignal = \"name\"\nis = \"x\"\nenvironment = \"production\"\n";
    let system = home.write("etc.toml", system);
    let mut command = home.command(home.redtab());
    let output =
        command.args(["mark", "staging", "name", "x"]).env("REDTAB_SYSTEM_CONFIG", system).output().unwrap();
    let (code, stdout, _) = told(&home, &output);
    assert_eq!(code, Some(0));
    assert!(
        stdout.ends_with("now name x is staging (target).\nUndo:  redtab mark --remove name x\n"),
        "{stdout}"
    );
}

#[test]
fn a_full_disk_and_a_read_only_one_lose_nothing() {
    let text = "# mine\n";
    for (inject, why) in [
        ("write:error=ENOSPC:when=1", "can't be written: no space left on device"),
        ("fsync:error=ENOSPC:when=1", "can't be written: no space left on device"),
        ("fsync:error=EIO:when=1", "can't be written: input/output error"),
        ("rename:error=EROFS", "can't be written: read-only file system"),
    ] {
        let home = Home::new();
        home.write(FILE, text);
        let output = home
            .command("strace")
            .args(["-qq", "-o", "/dev/null", "-e", &format!("inject={inject}")])
            .arg(home.redtab())
            .args(["mark", "safe", "name", "x"])
            .output()
            .unwrap();
        let expected = format!("redtab: ~/.config/redtab/config.toml {why}. It is as it was.\n");
        assert_eq!(told(&home, &output), (Some(1), String::new(), expected), "{inject}");
        assert_eq!(fs::read_to_string(home.join(FILE)).unwrap(), text);
        assert_eq!(names_in(&home.join(".config/redtab")), ["config.toml"], "{inject}");
    }
}

/// redtab as a user whom modes hold back.
fn unprivileged(home: &Home) -> Command {
    const NOBODY: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        return home.command(home.redtab());
    }
    for path in ["", ".config", ".config/redtab", FILE] {
        std::os::unix::fs::chown(home.join(path), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let mut command = home.command("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(home.redtab());
    command
}

#[test]
fn modes_are_respected() {
    for (file, directory, why) in [
        (0o444, 0o755, "is read-only"),
        (0o644, 0o555, "can't be written: permission denied"),
        (0o000, 0o755, "can't be read: permission denied"),
    ] {
        let home = Home::new();
        home.write(FILE, "# mine\n");
        let mut command = unprivileged(&home);
        fs::set_permissions(home.join(FILE), fs::Permissions::from_mode(file)).unwrap();
        fs::set_permissions(home.join(".config/redtab"), fs::Permissions::from_mode(directory)).unwrap();
        let output = command.args(["mark", "safe", "name", "x"]).output().unwrap();
        fs::set_permissions(home.join(".config/redtab"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(home.join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
        let (code, stdout, stderr) = told(&home, &output);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{why}");
        assert!(stderr.contains(why) && stderr.lines().count() <= 3, "{stderr}");
        assert_eq!(fs::read_to_string(home.join(FILE)).unwrap(), "# mine\n");
    }
}

#[test]
fn marks_at_the_same_moment_are_all_kept() {
    let home = Home::new();
    let marks: Vec<_> = (0..8)
        .map(|i| {
            home.command(home.redtab())
                .args(["mark", "safe", "name", &format!("n{i}")])
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in marks {
        assert!(child.wait().unwrap().success());
    }
    let text = fs::read_to_string(home.join(FILE)).unwrap();
    for i in 0..8 {
        assert_eq!(text.matches(&format!("is = \"n{i}\"")).count(), 1, "{text}");
    }
}

/// Files and variables that make a tab red, or yellow.
type Reason<'a> = (&'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)]);

const KUBE: &str = "apiVersion: v1\nkind: Config\ncurrent-context: CONTEXT\ncontexts:\n- name: CONTEXT\n  context: {cluster: CLUSTER, user: u, namespace: NAMESPACE}\n\
                    clusters:\n- name: CLUSTER\n  cluster: {server: 'https://SERVER:6443'}\nusers:\n- name: u\n  user: {}\n";

fn kube(context: &str, cluster: &str, server: &str, namespace: &str) -> String {
    let text = KUBE.replace("CONTEXT", context).replace("CLUSTER", cluster);
    text.replace("SERVER", server).replace("NAMESPACE", namespace)
}

#[test]
fn every_reason_ends_with_the_lines_that_take_it_back() {
    let plain = kube("k1", "c1", "10.0.0.1", "n1");
    let all = kube("prod-eu", "acme-prod", "api.prod.acme.example", "live");
    let eks = "arn:aws:eks:eu-west-1:123456789012:cluster/prod-1";
    let arn = kube(eks, eks, "x.gr7.eu-west-1.eks.amazonaws.com", "n1");
    let gke = kube("gke_acme-prod_europe-west1_main", "gke_acme-prod_europe-west1_main", "10.0.0.1", "n1");
    let staging = kube("stg-1", "stg-1", "10.0.0.1", "n1");
    let by_server = kube("k1", "c1", "api.prod.acme.example", "n1");
    let table: &[Reason<'_>] = &[
        (&[(".kube/config", &all)], &[]),
        (&[(".kube/config", &arn)], &[]),
        (&[(".kube/config", &gke)], &[]),
        (&[(".kube/config", &staging)], &[]),
        (&[(".kube/config", &by_server)], &[]),
        (&[("prod.yaml", &plain)], &[("KUBECONFIG", "~/prod.yaml")]),
        (&[], &[("APP_ENV", "production")]),
        (&[], &[("AWS_PROFILE", "acme-prod")]),
        (&[], &[("DATABASE_URL", "postgres://prod_user:hunter2@db.prod.example,db2.prod.example/live")]),
        (&[], &[("KAFKA_BROKERS", "k1.prod:9092,k2.prod:9092")]),
        (&[], &[("PGHOST", "db.prod.example"), ("PGDATABASE", "live"), ("PGUSER", "prod_ro")]),
        (&[], &[("VAULT_ADDR", "https://vault.prod.acme.example:8200")]),
        (&[], &[("REDIS_HOST", "it's prod"), ("X_URL", "redis://-prod/0")]),
        (&[(".aws/config", "[profile a-prod]\nsso_account_id = 171436882533\n")], &[("AWS_VAULT", "a-prod")]),
        (&[], &[("AWS_ACCESS_KEY_ID", "AKIASP2TPHJSQH3FJRUX"), ("MARKED", "")]),
        (
            &[
                (".config/gcloud/active_config", "acme-prod"),
                (
                    ".config/gcloud/configurations/config_acme-prod",
                    "[core]\nproject = live-1\naccount = x@prod-2.iam.gserviceaccount.com\n",
                ),
            ],
            &[],
        ),
        (
            &[(
                ".azure/azureProfile.json",
                "{\"subscriptions\": [{\"id\": \"1\", \"name\": \"Live\", \"isDefault\": true}]}",
            )],
            &[],
        ),
        (&[], &[("DOCKER_CONTEXT", "prod"), ("DOCKER_HOST", "ssh://root@prod-1:22")]),
        (&[(".terraform/environment", "prod")], &[]),
        (
            &[(".pg_service.conf", "[s]\nhost=db.prod.example\ndbname=live\nuser=prod\n")],
            &[("PGSERVICE", "s")],
        ),
        (&[(".my.cnf", "[client]\nhost=db.prod.example\nuser=prod\n")], &[]),
        (&[("app/.env", "DB_HOST=db.prod.example\nAPP_ENV=production\n")], &[]),
        (
            &[(".kube/config", &all), ("app/.env", "APP_ENV=live\n")],
            &[("AWS_PROFILE", "acme-prod"), ("PGHOST", "api.prod.acme.example")],
        ),
    ];
    let system = "[watch]\nstart = \"manual\"\n[host]\nenvironment = \"safe\"\n[[target]]\nsignal = \"aws_account\"\nis = \"171436882533\"\nenvironment = \"production\"\n";
    for (files, vars) in table {
        let home = Home::new();
        home.write("etc/redtab.toml", system);
        fs::create_dir_all(home.join("app")).unwrap();
        for (path, text) in *files {
            home.write(path, text);
        }
        let cwd = if files.iter().any(|(path, _)| path.starts_with("app/")) { "app" } else { "" };
        let redtab = |args: &[&str]| {
            let mut command = home.command(home.redtab());
            let vars = vars.iter().map(|(n, v)| (n, v.replace("~/", &format!("{}/", home.path().display()))));
            command.args(args).envs(vars).current_dir(home.join(cwd)).output().unwrap()
        };
        let answer = |key: &str| {
            let json: serde_json::Value =
                serde_json::from_slice(&redtab(&["status", "--json"]).stdout).unwrap();
            json[key].clone()
        };
        let before = answer("verdict");
        assert!(before == "production" || before == "staging", "{files:?} {vars:?} {before}");
        let page = String::from_utf8(redtab(&["status"]).stdout).unwrap();
        let (_, lines) = page.rsplit_once("Not ").unwrap();
        let lines: Vec<&str> = lines.lines().map(|line| line.rsplit("?  ").next().unwrap().trim()).collect();
        let told: Vec<String> =
            answer("overrule").as_array().unwrap().iter().map(|line| line.as_str().unwrap().into()).collect();
        assert_eq!(lines, told);
        for (index, line) in lines.iter().enumerate() {
            assert!(line.starts_with("redtab mark safe "), "{page}");
            // None of them is in vain.
            assert_eq!(answer("verdict"), before, "{page}\nbefore line {index}");
            let ran = home.command("sh").args(["-c", line]).output().unwrap();
            assert!(ran.status.success(), "{line}: {ran:?}");
        }
        assert_ne!(answer("verdict"), before, "{page}");
        assert_eq!(answer("verdict"), "clear", "{page}");
    }
}

#[test]
fn what_no_mark_takes_back_says_where_it_stands() {
    let home = Home::new();
    home.write("app/.redtab.toml", "# ours\nenvironment = \"production\"\n");
    let told = |home: &Home| {
        let mut command = home.command(home.redtab());
        let output = command.arg("status").current_dir(home.join("app")).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let page = told(&home);
    assert!(page.ends_with("Not production?  ~/app/.redtab.toml:2 says so\n"), "{page}");
    // Locked answers are not offered.
    home.write("app/.redtab.toml", "");
    home.write("etc/redtab.toml", "lock = [\"target\"]\n[host]\nenvironment = \"safe\"\n");
    home.write("app/.env", "APP_ENV=production\n");
    let page = told(&home);
    assert!(
        page.contains("Not production?  answers are locked at ") && !page.contains("redtab mark"),
        "{page}"
    );
}
