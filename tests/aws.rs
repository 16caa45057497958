//! The aws source against the real AWS CLI: which files are files, which profiles there are, what they say. And what a
//! tab shows of it.

#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod support;

use std::process::Output;

use serde_json::Value;
use support::{Home, Kind, tool};

in_every_shell!(local_only_scripts_wait_for_an_answer);

fn aws(home: &Home, args: &[&str]) -> Output {
    home.command(tool("aws")).args(args).output().unwrap()
}

fn json(home: &Home, command: &str, vars: &[(&str, &str)]) -> Value {
    let mut redtab = home.command(home.redtab());
    let output = redtab.args([command, "--json"]).envs(vars.iter().copied()).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The account of a profile, by `targets`.
fn account(home: &Home, profile: &str) -> Option<String> {
    let all = json(home, "targets", &[]);
    let found = all["targets"].as_array().unwrap().iter().find(|target| target["name"] == profile)?.clone();
    let part = found["parts"].as_array()?.iter().find(|part| part["kind"] == "aws_account")?.clone();
    Some(part["name"].as_str()?.to_owned())
}

/// Files as people and tools write them, and as they break them; the profile `p` is looked at.
const FILES: &[&str] = &[
    "[profile p]\nsso_account_id = 111111111111\n",
    "[profile \"p\"]\nSSO_Account_ID: 111111111111\n",
    "[profile p]\ns3 =\n  sso_account_id = 222222222222\nsso_account_id=111111111111\n",
    "[profile p]\nregion = x\n  sso_account_id = 222222222222\n",
    "# c\n; c\n[profile p]\r\n\r\nsso_account_id = 111111111111\r\n",
    "[profile p]\n  sso_account_id = 111111111111\n  region = x\n",
    "[profile 'p'] # c\nsso_account_id = 111111111111 # c\n",
    "[p]\nsso_account_id = 111111111111\n",
    "[sso-session p]\nsso_account_id = 111111111111\n",
    "[profile p q]\nsso_account_id = 111111111111\n",
    "[profile p]\nsso_account_id\n",
    "[profile p]\nsso_account_id = 111111111111\n[profile p]\n",
    "[profile p]\nsso_account_id = 111111111111\nsso_account_id = 222222222222\n",
    "sso_account_id = 111111111111\n[profile p]\n",
    "[profile p\nsso_account_id = 111111111111\n",
];

#[test]
fn files_say_what_the_cli_reads_in_them() {
    for text in FILES {
        let home = Home::new();
        home.write(".aws/config", text);
        let told = aws(&home, &["configure", "get", "sso_account_id", "--profile", "p"]);
        let error = String::from_utf8_lossy(&told.stderr);
        let broken = error.contains("Unable to parse config file");
        let unsure = json(&home, "targets", &[])["unsure"].as_array().unwrap().len();
        assert_eq!(unsure > 0, broken, "{text:?}: {error}");
        if !broken {
            let value = String::from_utf8(told.stdout).unwrap().trim().to_owned();
            let expected = (value.len() == 12).then_some(value);
            assert_eq!(account(&home, "p"), expected, "{text:?}: {error}");
        }
    }
}

#[test]
fn the_profiles_are_those_the_cli_lists() {
    for (config, credentials) in [
        ("", ""),
        (
            "[default]\n[profile a]\n[profile \"b c\"]\n[sso-session s]\nsso_region = x\n[services d]\n",
            "[keys]\n[a]\n",
        ),
        (
            "[profile x]\nregion = y\n[plugins]\nz = w\n[profile 'q']\n",
            "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
        ),
        ("[b]\n[profile]\n[profile c d]\n[preview]\n", "[profile e]\n[f g]\n"),
    ] {
        let home = Home::new();
        home.write(".aws/config", config);
        home.write(".aws/credentials", credentials);
        // The CLI's own library: its first version has no command that lists them.
        let python = tool("aws").parent().unwrap().parent().unwrap().join("awscli/bin/python");
        let script =
            "import botocore.session; print(*botocore.session.Session().available_profiles, sep='\\n')";
        let listed = home.command(python).args(["-c", script]).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let mut listed: Vec<&str> = listed.lines().filter(|name| !name.is_empty()).collect();
        let all = json(&home, "targets", &[]);
        let targets = all["targets"].as_array().unwrap().iter();
        let mut of_redtab: Vec<&str> = targets
            .filter(|target| target["kind"] == "aws_profile")
            .map(|target| target["name"].as_str().unwrap())
            .collect();
        listed.sort_unstable();
        of_redtab.sort_unstable();
        assert_eq!(of_redtab, listed, "{config:?} {credentials:?}");
    }
}

#[test]
fn the_profile_in_use_is_the_one_the_cli_uses() {
    let home = Home::new();
    home.write(
        ".aws/config",
        "[default]\nsso_account_id = 111111111111\n[profile a]\nsso_account_id = 222222222222\n",
    );
    home.write("other", "[default]\nsso_account_id = 333333333333\n");
    let other = home.join("other").display().to_string();
    for vars in [
        &[][..],
        &[("AWS_PROFILE", "a")],
        &[("AWS_DEFAULT_PROFILE", "a")],
        &[("AWS_CONFIG_FILE", &other)],
        &[("AWS_CONFIG_FILE", "~/other")],
    ] {
        let mut cli = home.command(tool("aws"));
        let told =
            cli.args(["configure", "get", "sso_account_id"]).envs(vars.iter().copied()).output().unwrap();
        let expected = String::from_utf8(told.stdout).unwrap().trim().to_owned();
        let status = json(&home, "status", vars);
        let accounts: Vec<&str> = status["signals"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|signal| signal["what"] == "account")
            .filter_map(|signal| signal["value"].as_str()?.split(' ').next())
            .collect();
        assert_eq!(accounts, [expected], "{vars:?}");
    }
}

#[test]
fn a_marked_account_makes_every_way_to_it_red() {
    let home = Home::new();
    home.write(
        ".aws/config",
        "[profile a]\nrole_arn = arn:aws:iam::171436882533:role/x\nsource_profile = b\n[profile c]\nsource_profile = keys\n",
    );
    home.write(".aws/credentials", "[keys]\naws_access_key_id = AKIASP2TPHJSQH3FJRUX\n");
    let ways: &[&[(&str, &str)]] = &[
        &[("AWS_PROFILE", "a")],
        &[("AWS_VAULT", "c")],
        &[("AWS_DEFAULT_PROFILE", "keys")],
        &[("AWS_ACCESS_KEY_ID", "AKIASP2TPHJSQH3FJRUX"), ("AWS_SECRET_ACCESS_KEY", "hunter2")],
        &[("AWS_ROLE_ARN", "arn:aws:iam::171436882533:role/x")],
    ];
    for vars in ways {
        assert_eq!(json(&home, "status", vars)["verdict"], "clear", "{vars:?}");
    }
    let args = ["mark", "production", "aws_account", "171436882533"];
    assert!(home.command(home.redtab()).args(args).output().unwrap().status.success());
    for vars in ways {
        let status = json(&home, "status", vars);
        assert_eq!(status["verdict"], "production", "{vars:?}");
        assert!(!status.to_string().contains("hunter2"));
    }
    assert_eq!(json(&home, "status", &[])["verdict"], "clear");
    assert_eq!(json(&home, "status", &[("AWS_PROFILE", "none")])["verdict"], "clear");
}

#[test]
fn a_key_that_does_not_tell_its_account_is_shown() {
    let status = json(&Home::new(), "status", &[("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")]);
    let signal = &status["signals"].as_array().unwrap()[0];
    let told = ["source", "what", "value", "where"].map(|key| signal[key].as_str().unwrap().to_owned());
    let expected = ["aws", "credentials", "of an account that the key does not tell", "AWS_ACCESS_KEY_ID"];
    assert_eq!(told, expected);
}

#[test]
fn what_the_cli_would_refuse_is_unsure() {
    let home = Home::new();
    home.write(".aws/config", "[default]\nx\n");
    let status = json(&home, "status", &[]);
    assert_eq!((&status["verdict"], &status["unsure"]), (&"unsure".into(), &true.into()));
    assert_eq!(status["troubles"][0]["why"], "has a line that sets nothing");
}

/// An access key's id of account 171436882533, and one that tells no account.
const TELLS: &str = "AKIASP2TPHJSQH3FJRUX";
const TELLS_NOT: &str = "AKIAIOSFODNN7EXAMPLE";

#[test]
fn credentials_that_nobody_settled_are_unsure_where_it_matters() {
    let home = Home::new();
    home.write("clean.sh", "# redtab: local-only\ntrue\n");
    home.write(
        ".aws/config",
        "[profile acme-dev]\nsso_account_id = 171436882533\n[profile other-dev]\nsso_account_id = 222222222222\n\
         [profile plain-dev]\nregion = x\n[profile k1]\nsso_account_id = 171436882533\n",
    );
    let role = ("AWS_ROLE_ARN", "arn:aws:iam::171436882533:role/x");
    let key = ("AWS_ACCESS_KEY_ID", TELLS);
    let mute = ("AWS_ACCESS_KEY_ID", TELLS_NOT);
    // Whether they are in doubt; what settles them is the name of a profile, unless that one is of another account.
    let table: &[(&[(&str, &str)], bool)] = &[
        (&[], false),
        (&[key], true),
        (&[mute], true),
        (&[role], true),
        (&[key, ("AWS_VAULT", "acme-dev")], false),
        (&[key, ("AWS_PROFILE", "acme-dev")], false),
        (&[key, ("AWS_PROFILE", "plain-dev")], false),
        (&[key, ("AWS_PROFILE", "other-dev")], true),
        (&[key, ("AWS_PROFILE", "k1")], true),
        (&[mute, ("AWS_PROFILE", "plain-dev")], false),
        (&[mute, ("AWS_PROFILE", "k1")], true),
        // No credentials: an unknown profile is a name like any other.
        (&[("AWS_PROFILE", "k1")], false),
    ];
    let code = |vars: &[(&str, &str)], args: &[&str]| {
        let mut redtab = home.command(home.redtab());
        redtab.args(args).envs(vars.iter().copied()).output().unwrap().status.code()
    };
    let lines = [
        (&["check", "--", "sh ./clean.sh"][..], 77),
        (&["check", "--", "aws s3 rb --force s3://x"], 77),
        (&["check", "--", "terraform destroy"], 77),
        (&["require", "local", "--quiet"], 77),
        (&["check", "--", "aws s3 ls"], 0),
        (&["check", "--", "kubectl delete ns x"], 0),
        (&["check", "--", "gcloud projects delete x"], 0),
        (&["check", "--", "ls"], 0),
    ];
    for (vars, doubt) in table {
        let status = json(&home, "status", vars);
        assert_eq!(status["verdict"], "clear", "{vars:?}");
        assert_eq!(status["doubts"].as_array().unwrap().len(), usize::from(*doubt), "{vars:?} {status}");
        for (args, expected) in lines {
            assert_eq!(code(vars, args), Some(if *doubt { expected } else { 0 }), "{vars:?} {args:?}");
        }
    }
    // The same for what a line sets itself.
    let line = format!("AWS_ACCESS_KEY_ID={TELLS} sh ./clean.sh");
    assert_eq!(code(&[], &["check", "--", &line]), Some(77));
    // The page names the line that settles it.
    let mut redtab = home.command(home.redtab());
    let page = redtab.arg("status").env("AWS_ACCESS_KEY_ID", TELLS).output().unwrap();
    let page = String::from_utf8(page.stdout).unwrap();
    let mark = "redtab mark safe aws_account 171436882533";
    let told = page.lines().find(|line| line.contains("nobody has settled")).unwrap();
    assert!(told.ends_with(mark), "{page}");
    assert!(home.command("sh").args(["-c", mark]).output().unwrap().status.success());
    for (args, _) in lines {
        assert_eq!(code(&[key], args), Some(0), "{args:?}");
    }
}

#[test]
fn what_terraform_would_act_by_counts_for_it() {
    let home = Home::new();
    let decide = |vars: &[(&str, &str)]| {
        let mut redtab = home.command(home.redtab());
        redtab
            .args(["check", "--", "terraform destroy"])
            .envs(vars.iter().copied())
            .output()
            .unwrap()
            .status
            .code()
    };
    assert_eq!(decide(&[("AWS_PROFILE", "acme-prod")]), Some(77));
    assert_eq!(decide(&[("CLOUDSDK_CORE_PROJECT", "live-1")]), Some(77));
    assert_eq!(decide(&[("AWS_PROFILE", "acme-dev")]), Some(0));
    assert_eq!(decide(&[("PGHOST", "db.prod.example")]), Some(0));
}

fn local_only_scripts_wait_for_an_answer(kind: Kind) {
    let home = Home::new();
    home.write("clean.sh", "# redtab: local-only\ntouch cleaned\n");
    let mut shell = kind.in_home(&home).redtab().start();
    shell.line("sh ./clean.sh").expect_clear();
    let cleaned = home.join("cleaned");
    assert!(cleaned.exists());
    std::fs::remove_file(&cleaned).unwrap();
    // The tab stays clear, and other lines run; this one does not.
    shell.export("AWS_ACCESS_KEY_ID", TELLS).expect_clear().line("touch other").expect_clear();
    assert!(home.join("other").exists());
    let drawn = shell.prompts_drawn();
    shell
        .send("sh ./clean.sh\r")
        .wait_for("the refusal and a prompt", |t| t.text().contains("It was not run") && t.prompts > drawn);
    assert!(!cleaned.exists(), "{}", shell.dump());
    if kind == Kind::Fish {
        // There the line is still at hand.
        shell.wait_for("the line", |t| t.typed().is_some_and(|typed| !typed.is_empty()));
        shell.send(&"\x15\x7f".repeat(6)).wait_for("an empty line", |t| t.typed().as_deref() == Some(""));
    } else {
        shell.prompt();
    }
    shell.line("redtab mark safe aws_account 171436882533").line("sh ./clean.sh");
    assert!(cleaned.exists(), "{}", shell.dump());
}
