//! `redtab targets` through the real binary: everything a HOME knows, judged; nothing in it run; nothing waited for.

#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod support;

use std::fs;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::Home;

fn targets(home: &Home, args: &[&str]) -> Output {
    home.command(home.redtab()).arg("targets").args(args).output().unwrap()
}

fn text(home: &Home) -> String {
    let output = targets(home, &[]);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    String::from_utf8(output.stdout).unwrap()
}

fn json(home: &Home) -> Value {
    let output = targets(home, &["--json"]);
    assert_eq!(output.status.code(), Some(0));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn nothing_is_said_to_be_nothing() {
    let expected = "No kube context, AWS profile, gcloud configuration, Azure subscription, PostgreSQL service, docker context or ssh host is known here.\n";
    assert_eq!(text(&Home::new()), expected);
}

/// One of everything.
fn furnished() -> Home {
    let home = Home::new();
    home.kubeconfig(".kube/config", &["k8s-eu-1", "prod-eu", "stg-1"], "prod-eu");
    home.write(
        ".aws/config",
        "[default]\nregion = x\n[profile acme-dev]\nsso_account_id = 111111111111\n\
         [profile AdministratorAccess-222222222222]\nrole_arn = arn:aws:iam::222222222222:role/x\n",
    );
    home.write(
        ".aws/credentials",
        "[keys]\naws_access_key_id = AKIASP2TPHJSQH3FJRUX\naws_secret_access_key = hunter2\n",
    );
    home.write(".config/gcloud/configurations/config_main", "[core]\nproject = acme-prod-1\n");
    home.write(".config/gcloud/active_config", "main");
    home.write(
        ".azure/azureProfile.json",
        "\u{feff}{\"subscriptions\": [{\"id\": \"1-2\", \"name\": \"Acme Main\"}, {\"id\": \"3-4\", \"name\": \"Acme Live\", \"isDefault\": true}]}",
    );
    home.write(".pg_service.conf", "[orders]\nhost=db.prod.acme.internal\npassword=hunter2\n");
    let endpoint = "{\"Name\":\"far\",\"Endpoints\":{\"docker\":{\"Host\":\"ssh://root@qa-1:22\"}}}";
    home.write(".docker/contexts/meta/0a/meta.json", endpoint);
    home.write(
        ".ssh/config",
        "Include conf.d/*.conf\nHost jump web-* !web-1\n  HostName=%h.prod.acme.internal\nHost jump\n  HostName later\n\
         Match host jump\n  HostName other\n",
    );
    home.write(".ssh/conf.d/a.conf", "Host \"db 1\"\n");
    home.write(".ssh/conf.d/b.txt", "Host unseen\n");
    home
}

#[test]
fn everything_is_listed_unknown_first() {
    let home = furnished();
    home.write(
        ".config/redtab/config.toml",
        "[[target]]\nsignal = \"aws_account\"\nis = \"171436882533\"\nenvironment = \"production\"\n",
    );
    let expected = "\
unknown   kube_context         k8s-eu-1                           is it production?  redtab mark production kube_context k8s-eu-1
unknown   aws_profile          default                            is it production?  redtab mark production aws_profile default
unknown   aws_profile          AdministratorAccess-222222222222   is it production?  redtab mark production aws_account 222222222222
unknown   azure_subscription   Acme Main                          is it production?  redtab mark production azure_subscription 'Acme Main'
unknown   hostname             db 1                               is it production?  redtab mark production hostname 'db 1'
prod      kube_context         prod-eu                            \"prod\"
prod      aws_account          171436882533                       target
prod      aws_profile          keys                               target  in aws_account 171436882533
prod      gcp_config           main                               \"prod\"  in gcp_project acme-prod-1
prod      azure_subscription   Acme Live                          \"Live\"
prod      pg_service           orders                             \"prod\"  in url_host db.prod.acme.internal
prod      hostname             jump                               \"prod\"  in hostname jump.prod.acme.internal
staging   kube_context         stg-1                              \"stg\"
nonprod   aws_profile          acme-dev                           \"dev\"
nonprod   docker_context       far                                \"qa\"  in url_host qa-1
";
    assert_eq!(text(&home), expected);
    let json = json(&home);
    assert_eq!((&json["version"], &json["unsure"]), (&Value::from(1), &Value::Array(Vec::new())));
    let keys = &json["targets"][7];
    let place = format!("{}:1", home.join(".aws/credentials").display());
    let expected = serde_json::json!({
        "answer": "prod", "environment": "production", "kind": "aws_profile", "name": "keys", "rule": "target",
        "word": "171436882533", "where": place,
        "parts": [{ "kind": "aws_profile", "name": "keys" }, { "kind": "aws_account", "name": "171436882533" }],
    });
    assert_eq!(*keys, expected);
    assert_eq!(json["targets"].as_array().unwrap().len(), 15);
    assert!(!json.to_string().contains("hunter2"));
}

#[test]
fn one_answer_for_an_account_settles_all_its_profiles() {
    let home = Home::new();
    let profile = |name: &str| format!("[profile {name}]\nsso_account_id = 222222222222\n");
    home.write(
        ".aws/config",
        profile("AdministratorAccess-222222222222") + &profile("ReadOnly-222222222222"),
    );
    let lines = |answer: &str| {
        let told = text(&home);
        told.lines().filter(|line| line.starts_with(answer)).map(str::to_owned).collect::<Vec<_>>()
    };
    let unknown = lines("unknown");
    assert_eq!(unknown.len(), 2);
    let line = unknown[0].split_once("?  ").unwrap().1;
    assert!(unknown.iter().all(|one| one.ends_with(line)), "{unknown:?}");
    assert!(home.command("sh").args(["-c", line]).status().unwrap().success());
    assert_eq!((lines("unknown").len(), lines("prod").len()), (0, 3));
}

#[test]
fn variables_say_where_to_look() {
    let home = Home::new();
    home.kubeconfig("k/prod.yaml", &["one"], "");
    // The first file wins a name; the second one's cluster is its own.
    let second = "contexts:\n- {name: one, context: {cluster: prod}}\n- {name: two, context: {cluster: c}}\nclusters:\n- {name: c, cluster: {}}\n";
    home.write("k/b.yaml", second);
    home.write("aws", "[profile three]\n");
    home.write("creds", "[four]\n");
    home.write("g/configurations/config_five", "");
    home.write("pg", "[six]\n");
    home.write("d/contexts/meta/x/meta.json", "{\"Name\":\"seven\"}");
    let mut command = home.command(home.redtab());
    let at = |name: &str| home.join(name);
    command.env("KUBECONFIG", format!("{}:{}", at("k/prod.yaml").display(), at("k/b.yaml").display()));
    command.env("AWS_CONFIG_FILE", "~/aws").env("AWS_SHARED_CREDENTIALS_FILE", at("creds"));
    command.env("CLOUDSDK_CONFIG", at("g")).env("PGSERVICEFILE", at("pg")).env("DOCKER_CONFIG", at("d"));
    let output = command.args(["targets", "--json"]).output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<(&str, &str)> = json["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| (target["answer"].as_str().unwrap(), target["name"].as_str().unwrap()))
        .collect();
    // The context `one` says nothing, and its file's name does.
    let unknown = |name| ("unknown", name);
    let expected = ["two", "three", "four", "five", "six", "seven"].map(unknown);
    assert_eq!(names[..6], expected);
    assert_eq!(names[6..], [("prod", "one")]);
}

#[test]
fn what_cannot_be_read_is_listed_with_its_reason_at_once() {
    let home = furnished();
    for path in [".kube/config", ".aws/config", ".pg_service.conf", ".ssh/conf.d/a.conf"] {
        fs::remove_file(home.join(path)).unwrap();
        let made = home.command("mkfifo").arg(home.join(path)).status().unwrap();
        assert!(made.success());
    }
    fs::remove_file(home.join(".aws/credentials")).unwrap();
    fs::create_dir(home.join(".aws/credentials")).unwrap();
    fs::File::create(home.join(".docker/contexts/meta/0a/meta.json")).unwrap().set_len(9 << 20).unwrap();
    home.write(".docker/contexts/meta/0b/meta.json", "[".repeat(100_000));
    home.write(".config/gcloud/configurations/config_main", "project = x\n");
    home.write(".ssh/config", "Include config\nInclude [ab]\nInclude conf.d/*.conf\n");
    let start = Instant::now();
    let told = text(&home);
    assert!(start.elapsed() < Duration::from_secs(2));
    let unsure: Vec<String> = told
        .lines()
        .filter(|line| line.starts_with("unsure "))
        .map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "))
        .collect();
    let looped = "ssh ~/.ssh/config is not read: too many files include one another";
    assert!(unsure.contains(&looped.to_owned()), "{unsure:?}");
    for expected in [
        "kube ~/.kube/config is a named pipe",
        "aws ~/.aws/config is a named pipe",
        "aws ~/.aws/credentials is a directory",
        "gcloud ~/.config/gcloud/configurations/config_main:1 has a line above its first section",
        "postgres ~/.pg_service.conf is a named pipe",
        "docker ~/.docker/contexts/meta/0a/meta.json is larger than 8 MiB",
        "docker ~/.docker/contexts/meta/0b/meta.json:1 is no JSON",
        "ssh ~/.ssh/conf.d/a.conf is a named pipe",
        "ssh ~/.ssh/config:2 includes by a pattern that redtab can't follow",
    ] {
        assert_eq!(unsure.iter().filter(|line| *line == expected).count(), 1, "{expected}\n{unsure:#?}");
    }
    // The pipe is told twice: at the depth where nothing is read any more, too.
    assert_eq!(unsure.len(), 11, "{unsure:#?}");
}

#[test]
fn nothing_that_a_file_names_is_run_and_nothing_acts_on_the_terminal() {
    let home = Home::new();
    let touch = format!("touch {}", home.join("ran").display());
    let exec = format!(
        "apiVersion: v1\nkind: Config\ncontexts:\n- name: \"a\\e]0;x\\a\"\n  context: {{cluster: c, user: u}}\nclusters: []\n\
         users:\n- name: u\n  user:\n    exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, '{touch}']}}\n"
    );
    home.write(".kube/config", exec);
    home.write(
        ".aws/config",
        format!("[profile \"$({touch})\"]\ncredential_process = {touch}\n[profile \u{202e}x]\n"),
    );
    home.write(".ssh/config", format!("Match exec \"{touch}\"\nHost `{touch}`\n  ProxyCommand {touch}\n"));
    let told = text(&home);
    assert!(!home.join("ran").exists());
    assert!(told.chars().all(|char| char == '\n' || (!char.is_control() && char != '\u{202e}')), "{told:?}");
    // Each line that can be pasted names exactly what it stands for.
    let lines: Vec<&str> = told.lines().filter_map(|line| Some(line.split_once("?  ")?.1)).collect();
    assert_eq!(lines.len(), 3, "{told}");
    for line in lines {
        let status = home.command("sh").args(["-c", line]).status().unwrap();
        assert!(status.success(), "{line}");
    }
    assert!(!home.join("ran").exists());
    assert_eq!(text(&home).matches("prod   ").count(), 3);
}

#[test]
fn a_large_home_is_quick_and_one_mark_changes_one_answer() {
    let home = Home::new();
    let contexts: Vec<String> = (0..200)
        .map(|i| match i % 4 {
            0 => format!("k8s-eu-{i}"),
            1 => format!("acme-dev-{i}"),
            2 => format!("arn:aws:eks:eu-west-1:123456789012:cluster/prod-{i}"),
            _ => format!("gke_acme_europe-west1_stg-{i}"),
        })
        .collect();
    home.kubeconfig(".kube/config", &contexts.iter().map(String::as_str).collect::<Vec<_>>(), "");
    let profile = |i| {
        format!(
            "[profile team-{i}]\nsso_session = s\nsso_account_id = {}\nregion = x\n",
            100_000_000_000_u64 + i
        )
    };
    home.write(".aws/config", (0..60).map(profile).collect::<String>());
    for i in 0..20 {
        home.write(
            &format!(".config/gcloud/configurations/config_c{i}"),
            format!("[core]\nproject = live-{i}\n"),
        );
    }
    let once = || {
        let start = Instant::now();
        text(&home);
        start.elapsed()
    };
    let best = (0..10).map(|_| once()).min().unwrap();
    assert!(best < Duration::from_millis(100), "{best:?}");

    let before = json(&home);
    let list = |json: &Value| json["targets"].as_array().unwrap().clone();
    let count = |answer: &str| list(&before).iter().filter(|target| target["answer"] == answer).count();
    assert_eq!((count("unknown"), count("prod"), count("nonprod")), (50 + 60, 50 + 20, 100));
    let marked =
        home.command(home.redtab()).args(["mark", "staging", "aws_profile", "team-7"]).output().unwrap();
    assert!(marked.status.success());
    let after = list(&json(&home));
    let changed: Vec<&Value> = after.iter().filter(|target| !list(&before).contains(target)).collect();
    assert_eq!(changed.len(), 1);
    assert_eq!((&changed[0]["name"], &changed[0]["environment"]), (&"team-7".into(), &"staging".into()));
}
