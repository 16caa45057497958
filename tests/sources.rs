//! Each source against the real tool: which files count, what they say, what of it is judged. The tables hold the
//! answers; where the tool itself is on this machine, it must give the same ones.

#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::Home;

/// Variables, as a table gives them.
type Vars<'a> = &'a [(&'a str, &'a str)];

/// A program of this machine, where it is there.
fn installed(name: &str) -> Option<PathBuf> {
    ["/usr/local/bin", "/usr/bin", "/bin"]
        .iter()
        .map(|dir| Path::new(dir).join(name))
        .find(|path| path.exists())
}

fn with(mut command: Command, home: &Home, vars: Vars<'_>, cwd: &str) -> Command {
    let vars =
        vars.iter().map(|(name, value)| (name, value.replace("~/", &format!("{}/", home.path().display()))));
    command.envs(vars).current_dir(home.join(cwd));
    command
}

fn status(home: &Home, vars: Vars<'_>, cwd: &str) -> Value {
    let mut command = with(home.command(home.redtab()), home, vars, cwd);
    let output = command.args(["status", "--json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The value of the signal `what` of a source; empty where there is none.
fn value(status: &Value, source: &str, what: &str) -> String {
    let signals = status["signals"].as_array().unwrap();
    let found = signals.iter().find(|signal| signal["source"] == source && signal["what"] == what);
    found.map(|signal| signal["value"].as_str().unwrap().to_owned()).unwrap_or_default()
}

fn troubles(status: &Value) -> Vec<String> {
    let all = status["troubles"].as_array().unwrap();
    all.iter()
        .map(|one| format!("{} {}", one["source"].as_str().unwrap(), one["why"].as_str().unwrap()))
        .collect()
}

fn furnish(home: &Home, files: &[(&str, &str)]) {
    for (path, text) in files {
        home.write(path, text);
    }
}

// gcloud

struct Gcloud {
    files: &'static [(&'static str, &'static str)],
    vars: Vars<'static>,
    /// Configuration, project, account; or that gcloud can't read its files.
    told: Option<[&'static str; 3]>,
}

const ACTIVE: (&str, &str) = (".config/gcloud/active_config", "acme-prod");
const PROD: &str = ".config/gcloud/configurations/config_acme-prod";
const DEFAULT: &str = ".config/gcloud/configurations/config_default";

const GCLOUD: &[Gcloud] = &[
    Gcloud { files: &[], vars: &[], told: Some(["default", "", ""]) },
    Gcloud {
        files: &[ACTIVE, (PROD, "[core]\nproject = acme-prod-1\naccount = ana@acme.example\n")],
        vars: &[],
        told: Some(["acme-prod", "acme-prod-1", "ana@acme.example"]),
    },
    Gcloud {
        files: &[ACTIVE, (PROD, "[core]\nproject = acme-prod-1\n"), (DEFAULT, "[core]\nPROJECT: dev-1\n")],
        vars: &[("CLOUDSDK_ACTIVE_CONFIG_NAME", "default")],
        told: Some(["default", "dev-1", ""]),
    },
    Gcloud {
        files: &[ACTIVE, (PROD, "[core]\nproject = acme-prod-1\n")],
        vars: &[("CLOUDSDK_CORE_PROJECT", "dev-2"), ("CLOUDSDK_CORE_ACCOUNT", "b@acme.example")],
        told: Some(["acme-prod", "dev-2", "b@acme.example"]),
    },
    Gcloud {
        files: &[
            ACTIVE,
            ("g/active_config", "other"),
            ("g/configurations/config_other", "[core]\nproject=p3\n"),
        ],
        vars: &[("CLOUDSDK_CONFIG", "~/g")],
        told: Some(["other", "p3", ""]),
    },
    Gcloud {
        files: &[(DEFAULT, "[core]\nproject = by-default\n")],
        vars: &[],
        told: Some(["default", "", ""]),
    },
    Gcloud {
        files: &[(".config/gcloud/active_config", "Not A Name"), (DEFAULT, "[core]\nproject = p\n")],
        vars: &[],
        told: Some(["default", "", ""]),
    },
    Gcloud {
        files: &[(".config/gcloud/active_config", ""), (DEFAULT, "[core]\nproject = p\n")],
        vars: &[],
        told: Some(["default", "p", ""]),
    },
    Gcloud {
        files: &[(".config/gcloud/active_config", "NONE"), (DEFAULT, "[core]\nproject = p\n")],
        vars: &[],
        told: Some(["NONE", "", ""]),
    },
    Gcloud {
        files: &[
            ACTIVE,
            (PROD, "[compute]\nproject = no\n[core]\n# project = no\n; project = no\nproject = yes\n"),
        ],
        vars: &[],
        told: Some(["acme-prod", "yes", ""]),
    },
    Gcloud { files: &[ACTIVE], vars: &[], told: Some(["acme-prod", "", ""]) },
    Gcloud { files: &[ACTIVE, (PROD, "project = x\n")], vars: &[], told: None },
    Gcloud { files: &[ACTIVE, (PROD, "[core]\nproject\n")], vars: &[], told: None },
];

#[test]
fn gcloud_uses_what_redtab_says_it_uses() {
    for Gcloud { files, vars, told } in GCLOUD {
        let home = Home::new();
        furnish(&home, files);
        let status = status(&home, vars, "");
        let first = |options: [(&str, &str); 2]| {
            options.iter().map(|(source, what)| value(&status, source, what)).find(|text| !text.is_empty())
        };
        let of_redtab = [
            first([("env", "CLOUDSDK_ACTIVE_CONFIG_NAME"), ("gcloud", "configuration")]).unwrap_or_else(
                || told.map_or("", |[name, ..]| if name == "NONE" { name } else { "default" }).into(),
            ),
            first([("env", "CLOUDSDK_CORE_PROJECT"), ("gcloud", "project")]).unwrap_or_default(),
            value(&status, "gcloud", "account"),
        ];
        match told {
            Some(told) => assert_eq!((&of_redtab, &troubles(&status)), (&told.map(str::to_owned), &vec![])),
            None => assert_eq!(troubles(&status).len(), 1, "{files:?}"),
        }
        let Some(gcloud) = installed("gcloud") else { continue };
        let mut command = with(home.command(gcloud), &home, vars, "");
        command.args(["info", "--format=json(config.active_config_name,config.project,config.account)"]);
        let output = command.env("CLOUDSDK_CORE_DISABLE_PROMPTS", "1").output().unwrap();
        assert_eq!(output.status.success(), told.is_some(), "{files:?}: {output:?}");
        if let Some(told) = told {
            let info: Value = serde_json::from_slice(&output.stdout).unwrap();
            let of_gcloud = ["active_config_name", "project", "account"]
                .map(|key| info["config"][key].as_str().unwrap_or_default().to_owned());
            assert_eq!(of_gcloud, told.map(str::to_owned), "{files:?} {vars:?}");
        }
    }
}

#[test]
fn a_key_file_tells_its_project_and_nothing_else() {
    let home = Home::new();
    let key = "{\n \"type\": \"service_account\",\n \"project_id\": \"acme-prod-9\",\n \"private_key\": \"hunter2\",\n \"client_email\": \"x@acme-prod-9.iam.gserviceaccount.com\"\n}\n";
    let workload = "{\"type\":\"external_account\",\"service_account_impersonation_url\":\"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/ci@acme-prod-8.iam.gserviceaccount.com:generateAccessToken\"}";
    let user =
        "{\"type\":\"authorized_user\",\"refresh_token\":\"hunter2\",\"quota_project_id\":\"acme-prod-7\"}";
    for (text, expected) in
        [(key, "acme-prod-9"), (workload, "ci@acme-prod-8.iam.gserviceaccount.com"), (user, "acme-prod-7")]
    {
        home.write("key.json", text);
        let status = status(&home, &[("GOOGLE_APPLICATION_CREDENTIALS", "~/key.json")], "");
        assert_eq!(value(&status, "gcloud", "credentials"), expected);
        assert_eq!(status["verdict"], "production", "{text}");
        assert!(!status.to_string().contains("hunter2"));
    }
    let place = |status: &Value| status["signals"][0]["where"].as_str().unwrap().to_owned();
    home.write("key.json", key);
    assert!(
        place(&status(&home, &[("GOOGLE_APPLICATION_CREDENTIALS", "~/key.json")], ""))
            .ends_with("/key.json:3")
    );
    assert_eq!(status(&home, &[("GOOGLE_APPLICATION_CREDENTIALS", "~/none.json")], "")["verdict"], "clear");
}

#[test]
fn an_account_of_a_productive_project_is_red() {
    let home = Home::new();
    for (text, verdict) in [
        ("[core]\naccount = deploy@acme-prod.iam.gserviceaccount.com\n", "production"),
        (
            "[auth]\nimpersonate_service_account = a@dev.iam.gserviceaccount.com,b@live-1.iam.gserviceaccount.com\n",
            "production",
        ),
        (
            "[auth]\nimpersonate_service_account = b@live-1.iam.gserviceaccount.com,a@dev.iam.gserviceaccount.com\n",
            "clear",
        ),
        ("[core]\naccount = ana@prod.example\n", "clear"),
    ] {
        home.write(".config/gcloud/active_config", "default");
        home.write(DEFAULT, text);
        assert_eq!(status(&home, &[], "")["verdict"], verdict, "{text}");
    }
}

// docker

/// A directory `contexts/meta` of a home, as docker writes it; of each context name and endpoint.
fn docker_contexts(home: &Home, contexts: &[(&str, &str)]) {
    for (name, host) in contexts {
        let mut command = home.command(installed("docker").unwrap());
        let made =
            command.args(["context", "create", name, "--docker", &format!("host={host}")]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
    }
}

#[test]
fn docker_uses_the_context_that_redtab_says_it_uses() {
    let home = Home::new();
    docker_contexts(&home, &[("far", "ssh://root@web-prod-1"), ("near", "tcp://127.0.0.1:2375")]);
    fs::rename(home.join(".docker"), home.join("d")).unwrap();
    docker_contexts(&home, &[("far", "tcp://far.dev.example:2376"), ("other", "unix:///run/other.sock")]);
    let config = |name: &str| format!("{{\n\t\"auths\": {{}},\n\t\"currentContext\": \"{name}\"\n}}");
    // What `config.json` says, variables, the context in use and its endpoint's host.
    let table: &[(Option<&str>, Vars<'_>, &str, &str)] = &[
        (None, &[], "default", ""),
        (Some("default"), &[], "default", ""),
        (Some("far"), &[], "far", "far.dev.example:2376"),
        (Some("other"), &[], "other", "/run/other.sock"),
        (Some("far"), &[("DOCKER_CONTEXT", "other")], "other", "/run/other.sock"),
        (Some("far"), &[("DOCKER_CONTEXT", "default")], "default", ""),
        (Some("far"), &[("DOCKER_CONTEXT", "")], "far", "far.dev.example:2376"),
        (Some("far"), &[("DOCKER_HOST", "tcp://10.0.0.1:2375")], "default", ""),
        (Some("other"), &[("DOCKER_CONFIG", "~/d"), ("DOCKER_CONTEXT", "near")], "near", "127.0.0.1:2375"),
        (Some("other"), &[("DOCKER_CONFIG", "~/d"), ("DOCKER_CONTEXT", "far")], "far", "web-prod-1"),
    ];
    for (current, vars, context, endpoint) in table {
        let path = home.join(".docker/config.json");
        match current {
            Some(name) => drop(home.write(".docker/config.json", config(name))),
            None => drop(fs::remove_file(path)),
        }
        let status = status(&home, vars, "");
        let named = vars.iter().find(|(name, value)| *name == "DOCKER_CONTEXT" && !value.is_empty());
        let mut of_redtab =
            named.map_or_else(|| value(&status, "docker", "context"), |(_, value)| (*value).to_owned());
        if of_redtab.is_empty() {
            of_redtab = "default".into();
        }
        assert_eq!(
            (of_redtab.as_str(), value(&status, "docker", "endpoint").as_str()),
            (*context, *endpoint),
            "{current:?} {vars:?}"
        );
        assert!(troubles(&status).is_empty());
        let mut docker = with(home.command(installed("docker").unwrap()), &home, vars, "");
        let shown = docker.args(["context", "show"]).output().unwrap();
        assert_eq!(String::from_utf8(shown.stdout).unwrap().trim(), *context, "{current:?} {vars:?}");
        let mut docker = with(home.command(installed("docker").unwrap()), &home, vars, "");
        let all =
            docker.args(["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]).output().unwrap();
        let host = String::from_utf8(all.stdout).unwrap();
        assert!(host.contains(endpoint), "{host} {endpoint}");
    }
    home.write(".docker/config.json", config("far"));
    assert_eq!(status(&home, &[("DOCKER_CONFIG", "~/d")], "")["verdict"], "clear");
    home.write("d/config.json", config("far"));
    assert_eq!(status(&home, &[("DOCKER_CONFIG", "~/d")], "")["verdict"], "production");
}

// terraform

#[test]
fn terraform_selects_the_workspace_that_redtab_says_it_selects() {
    // What `.terraform/environment` says, that of another directory, variables, the workspace.
    let table: &[(Option<&str>, Option<&str>, Vars<'_>, &str)] = &[
        (None, None, &[], "default"),
        (Some("prod"), None, &[], "prod"),
        (Some(" staging\n"), None, &[], "staging"),
        (Some(""), None, &[], "default"),
        (Some("default"), None, &[], "default"),
        (Some("prod"), None, &[("TF_WORKSPACE", "dev")], "dev"),
        (Some("prod"), None, &[("TF_WORKSPACE", "")], "prod"),
        (Some("prod"), Some("qa"), &[("TF_DATA_DIR", "~/data")], "qa"),
        (Some("prod"), Some("qa"), &[("TF_DATA_DIR", "other")], "default"),
        (Some("prod"), None, &[("TF_DATA_DIR", "~/data")], "default"),
    ];
    for (here, there, vars, expected) in table {
        let home = Home::new();
        home.write("stack/main.tf", "terraform {}\n");
        here.iter().for_each(|text| drop(home.write("stack/.terraform/environment", text)));
        there.iter().for_each(|text| drop(home.write("data/environment", text)));
        let status = status(&home, vars, "stack");
        let options = [value(&status, "env", "TF_WORKSPACE"), value(&status, "terraform", "workspace")];
        let of_redtab = options.into_iter().find(|text| !text.is_empty()).unwrap_or_else(|| "default".into());
        assert_eq!((of_redtab.as_str(), troubles(&status)), (*expected, vec![]), "{here:?} {vars:?}");
        let Some(terraform) = installed("terraform") else { continue };
        let mut command = with(home.command(terraform), &home, vars, "stack");
        let shown = command.args(["workspace", "show"]).env("CHECKPOINT_DISABLE", "1").output().unwrap();
        assert_eq!(String::from_utf8(shown.stdout).unwrap().trim(), *expected, "{here:?} {vars:?}");
    }
}

// azure

const SUBSCRIPTIONS: &str = "\u{feff}{\"installationId\": \"6f2b0b1e\", \"subscriptions\": [{\"id\": \"11111111-1111-1111-1111-111111111111\", \"name\": \"Acme Dev\", \"state\": \"Enabled\", \"user\": {\"name\": \"ana@acme.example\", \"type\": \"user\"}, \"isDefault\": false, \"tenantId\": \"22222222\", \"environmentName\": \"AzureCloud\"}, {\"id\": \"33333333-3333-3333-3333-333333333333\", \"name\": \"Acme Production\", \"state\": \"Enabled\", \"isDefault\": true, \"tenantId\": \"22222222\", \"environmentName\": \"AzureCloud\"}]}";

#[test]
fn azures_default_subscription_is_read_as_az_writes_it() {
    let home = Home::new();
    home.write(".azure/azureProfile.json", SUBSCRIPTIONS);
    let production = status(&home, &[], "");
    let expected = "Acme Production (33333333-3333-3333-3333-333333333333)";
    assert_eq!(
        (value(&production, "azure", "subscription").as_str(), &production["verdict"]),
        (expected, &"production".into())
    );
    let switched = SUBSCRIPTIONS.replace("true", "TRUE").replace("false", "true").replace("TRUE", "false");
    home.write("other/azureProfile.json", switched);
    let vars = [("AZURE_CONFIG_DIR", "~/other")];
    let dev = status(&home, &vars, "");
    let expected = "Acme Dev (11111111-1111-1111-1111-111111111111)";
    assert_eq!((value(&dev, "azure", "subscription").as_str(), &dev["verdict"]), (expected, &"clear".into()));
    // Both name and id can be marked.
    let args = ["mark", "production", "azure_subscription", "11111111-1111-1111-1111-111111111111"];
    assert!(home.command(home.redtab()).args(args).output().unwrap().status.success());
    assert_eq!(status(&home, &vars, "")["verdict"], "production");
}

// Files that can't be read

/// Every file that a source reads, in a home where it reads it.
const READ: &[(&str, Vars<'_>, &str)] = &[
    ("gcloud", &[], ".config/gcloud/active_config"),
    ("gcloud", &[("CLOUDSDK_ACTIVE_CONFIG_NAME", "dev")], ".config/gcloud/configurations/config_dev"),
    ("gcloud", &[("GOOGLE_APPLICATION_CREDENTIALS", "~/key.json")], "key.json"),
    ("azure", &[], ".azure/azureProfile.json"),
    ("docker", &[], ".docker/config.json"),
    (
        "docker",
        &[("DOCKER_CONTEXT", "far")],
        ".docker/contexts/meta/512eea46ceb3921dff4363c7069d89d4964d1d9fccaa0f411851a7aa60a5c868/meta.json",
    ),
    ("terraform", &[], ".terraform/environment"),
];

/// Those of them whose text can be broken, and how.
const BROKEN: &[(&str, &str)] = &[
    ("config_dev", "project = x\n"),
    ("key.json", "{\"project_id\": \"prod"),
    ("azureProfile.json", "[]"),
    ("config.json", "{,}"),
    ("meta.json", "[[[[[["),
];

#[test]
fn what_cannot_be_read_is_unsure_at_once() {
    for (source, vars, path) in READ {
        let home = Home::new();
        let file = home.write(path, "");
        let clear = |what: &str| {
            let status = status(&home, vars, "");
            let of_source: Vec<String> =
                troubles(&status).into_iter().filter(|trouble| trouble.starts_with(source)).collect();
            assert_eq!(
                (of_source.len(), &status["verdict"]),
                (1, &"unsure".into()),
                "{path} {what}: {status}"
            );
            of_source[0].clone()
        };
        fs::remove_file(&file).unwrap();
        assert!(home.command("mkfifo").arg(&file).status().unwrap().success());
        let start = Instant::now();
        assert_eq!(clear("a pipe"), format!("{source} is a named pipe"));
        fs::remove_file(&file).unwrap();
        fs::File::create(&file).unwrap().set_len(9 << 20).unwrap();
        assert!(clear("huge").contains("is larger than"));
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(&file, &file).unwrap();
        assert_eq!(clear("a loop"), format!("{source} is a loop of symbolic links"));
        fs::remove_file(&file).unwrap();
        if let Some((_, text)) = BROKEN.iter().find(|(name, _)| path.ends_with(name)) {
            fs::write(&file, text).unwrap();
            clear("broken");
        }
        assert!(start.elapsed() < Duration::from_secs(4), "{path}");
    }
}
