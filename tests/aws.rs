//! The aws source against the real AWS CLI: which files are files, which profiles there are, what they say. And what a
//! tab shows of it.

#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod support;

use std::process::Output;

use serde_json::Value;
use support::{Home, tool};

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
