//! Each source against the real tool: which files count, what they say, what of it is judged. The tables hold the
//! answers; where the tool itself is on this machine, it must give the same ones.

#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod support;

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Home, production, tool};

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

/// What az itself does: keeps two subscriptions, makes the named one its default, and says which that is.
const AZ: &str = r#"
import sys
from azure.cli.core import get_default_cli
from azure.cli.core._profile import Profile

def subscription(digit, name, cloud):
    return {
        'id': '-'.join(digit * n for n in (8, 4, 4, 4, 12)), 'name': name, 'state': 'Enabled', 'isDefault': False,
        'user': {'name': 'ana@acme.example', 'type': 'user'}, 'tenantId': digit * 8, 'environmentName': cloud,
    }

profile = Profile(cli_ctx=get_default_cli())
profile._set_subscriptions([
    subscription('1', 'Acme Dev', 'AzureCloud'),
    subscription('3', 'Acme Production', 'AzureCloud'),
    subscription('5', 'Größe "x" 本番', 'AzureCloud'),
])
profile.set_active_subscription(sys.argv[1])
found = profile.get_subscription()
sys.stdout.buffer.write(f"{found['name']} ({found['id']})".encode())
"#;

#[test]
fn az_itself_writes_and_says_what_redtab_says() {
    let python = tool("aws").parent().unwrap().parent().unwrap().join("azure/bin/python");
    assert!(python.exists(), "{} is missing: tests/run --tools installs it", python.display());
    let elsewhere: Vars<'_> = &[("AZURE_CONFIG_DIR", "~/elsewhere")];
    for (wanted, vars, verdict) in [
        ("Acme Dev", &[][..], "clear"),
        ("33333333-3333-3333-3333-333333333333", &[], "production"),
        ("Größe \"x\" 本番", &[], "production"),
        ("Acme Production", elsewhere, "production"),
    ] {
        let home = Home::new();
        let mut az = with(home.command(&python), &home, vars, "");
        let output = az.args(["-c", AZ, wanted]).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let status = status(&home, vars, "");
        assert_eq!(value(&status, "azure", "subscription"), told, "{wanted}");
        assert_eq!((troubles(&status), &status["verdict"]), (vec![], &verdict.into()), "{wanted}");
    }
}

// PostgreSQL

/// Answers one client as a server that takes no connection, and returns port, database and user that it asked for.
fn asked(listeners: &[TcpListener; 2], mut psql: Command) -> Option<(usize, String, String)> {
    let mut client = psql.stderr(Stdio::null()).stdout(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
    loop {
        let ended = client.try_wait().unwrap().is_some();
        for (index, listener) in listeners.iter().enumerate() {
            let Ok((mut stream, _)) = listener.accept() else { continue };
            stream.set_nonblocking(false).unwrap();
            let told = startup(&mut stream);
            drop(stream);
            client.wait().unwrap();
            return Some((index, told.get("database")?.clone(), told.get("user")?.clone()));
        }
        if ended {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5)); // the client needs the processor too
    }
}

/// The settings in a client's first message; offers to encrypt are refused.
fn startup(stream: &mut TcpStream) -> HashMap<String, String> {
    loop {
        let mut word = [0; 4];
        stream.read_exact(&mut word).unwrap();
        let mut rest = vec![0; u32::from_be_bytes(word) as usize - 4];
        stream.read_exact(&mut rest).unwrap();
        if rest.len() == 4 {
            stream.write_all(b"N").unwrap();
            continue;
        }
        let words: Vec<String> =
            rest[4..].split(|b| *b == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        return words.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    }
}

struct Service {
    /// `~/.pg_service.conf`, `etc/pg_service.conf` and `other`; `@A` and `@B` stand for ports that listen.
    files: &'static [(&'static str, &'static str)],
    vars: Vars<'static>,
    /// What redtab shows, and which port, database and user psql asks for; or nothing.
    told: Option<(&'static str, usize, &'static str, &'static str)>,
    broken: bool,
}

const NOTHING: Service = Service { files: &[], vars: &[], told: None, broken: false };
const OWN: &str = ".pg_service.conf";
const SYSTEM: &str = "etc/pg_service.conf";

const SERVICES: &[Service] = &[
    NOTHING,
    Service {
        files: &[(
            OWN,
            "# c\n[other]\nport=@B\n[s]\nhost=127.0.0.1\nport=@A\ndbname=orders\nuser=ana\n[s2]\nport=@B\n",
        )],
        told: Some(("127.0.0.1:@A/orders", 0, "orders", "ana")),
        ..NOTHING
    },
    Service {
        files: &[(
            OWN,
            "junk\n[s]\n  host=localhost\nport=@A\nport=@B\ndbname=a b\nuser=u\n\nsslmode=disable",
        )],
        told: Some(("localhost:@A/a b", 0, "a b", "u")),
        ..NOTHING
    },
    Service {
        files: &[(OWN, "[t]\nhost=x\n"), (SYSTEM, "[s]\nhost=127.0.0.1\nport=@B\ndbname=far\nuser=u\n")],
        told: Some(("127.0.0.1:@B/far", 1, "far", "u")),
        ..NOTHING
    },
    Service {
        files: &[
            (OWN, "[s]\nhost=127.0.0.1\nport=@A\ndbname=near\nuser=u\n"),
            (SYSTEM, "[s]\nhost=127.0.0.1\nport=@B\ndbname=far\nuser=u\n"),
        ],
        told: Some(("127.0.0.1:@A/near", 0, "near", "u")),
        ..NOTHING
    },
    Service {
        files: &[
            (OWN, "[s]\nhost=127.0.0.1\nport=@A\ndbname=near\nuser=u\n"),
            ("other", "[s]\nhostaddr=127.0.0.1\nport=@B\ndbname=there\nuser=v\n"),
        ],
        vars: &[("PGSERVICEFILE", "~/other"), ("PGDATABASE", "unused"), ("PGPORT", "1")],
        told: Some(("127.0.0.1:@B/there", 1, "there", "v")),
        ..NOTHING
    },
    Service { files: &[(OWN, "[t]\nhost=127.0.0.1\nport=@A\n")], ..NOTHING },
    Service { files: &[(OWN, "[s]\nhost=127.0.0.1\nbad\nport=@A\n")], broken: true, ..NOTHING },
    Service { files: &[(OWN, "[s]\nservice=t\n[t]\nport=@A\n")], broken: true, ..NOTHING },
];

#[test]
fn psql_connects_where_redtab_says_the_service_leads() {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = listeners.each_ref().map(|listener| listener.local_addr().unwrap().port().to_string());
    listeners.iter().for_each(|listener| listener.set_nonblocking(true).unwrap());
    let real = |text: &str| text.replace("@A", &ports[0]).replace("@B", &ports[1]);
    for service in SERVICES {
        let home = Home::new();
        for (path, text) in service.files {
            home.write(path, real(text));
        }
        let etc = home.join("etc").display().to_string();
        let mut vars = vec![("PGSERVICE", "s"), ("PGSYSCONFDIR", &etc)];
        vars.extend(service.vars);
        let status = status(&home, &vars, "");
        let shown = service.told.map(|(shown, ..)| real(shown)).unwrap_or_default();
        let found = value(&status, "postgres", "service");
        assert_eq!(
            (&found, troubles(&status).len()),
            (&shown, usize::from(service.broken)),
            "{:?}",
            service.files
        );
        let psql = with(home.command("psql"), &home, &vars, "");
        let expected =
            service.told.map(|(_, index, database, user)| (index, database.to_owned(), user.to_owned()));
        assert_eq!(asked(&listeners, psql), expected, "{:?}", service.files);
    }
}

/// What stands in the environment and on the line, and whether that leads to production, which is 127.0.0.2 here.
const LINES: &[(Vars<'static>, &str, bool)] = &[
    // What a service does not name comes from the environment.
    (&[("PGHOST", "127.0.0.2")], "service=open", true),
    (&[("PGHOST", "127.0.0.3")], "service=open", false),
    (&[("PGHOST", "127.0.0.2")], "postgresql://?service=open", true),
    (&[("PGSERVICE", "open"), ("PGHOST", "127.0.0.2")], "", true),
    // What it names does not.
    (&[("PGHOST", "127.0.0.2")], "service=dev", false),
    (&[("PGHOST", "127.0.0.3")], "service=prod", true),
    (&[("PGHOST", "127.0.0.3")], "postgresql://?service=prod", true),
    (&[("PGHOST", "127.0.0.2")], "postgresql://?service=dev", false),
    // An address beats a name, wherever either stands.
    (&[("PGHOSTADDR", "127.0.0.2")], "service=dev", true),
    (&[("PGHOST", "127.0.0.2")], "service=address", false),
    // The line beats them all.
    (&[("PGHOST", "127.0.0.2")], "service=open host=127.0.0.3", false),
    (&[("PGHOST", "127.0.0.3")], "service=open host=127.0.0.2", true),
    (&[("PGHOST", "127.0.0.2")], "-h 127.0.0.3 service=open", false),
    (&[("PGHOST", "127.0.0.3")], "postgresql:///x?host=127.0.0.2", true),
    (&[("PGHOST", "127.0.0.2")], "postgresql:///x?host=127.0.0.3", false),
    // An address without a host leaves that to the environment as well.
    (&[("PGHOST", "127.0.0.2")], "postgresql:///orders", true),
    (&[("PGHOST", "127.0.0.3")], "postgresql:///orders", false),
    (&[("PGHOST", "127.0.0.2")], "postgresql://127.0.0.3/orders", false),
    (&[("PGHOST", "127.0.0.2")], "dbname=orders", true),
];

#[test]
fn a_line_is_asked_about_where_psql_would_go_to_production() {
    let there = TcpListener::bind("127.0.0.2:0").unwrap();
    let port = there.local_addr().unwrap().port();
    let listeners = [there, TcpListener::bind(("127.0.0.3", port)).unwrap()];
    listeners.iter().for_each(|listener| listener.set_nonblocking(true).unwrap());
    let home = Home::new();
    let both = production("url_host", "127.0.0.2") + &production("hostname", "127.0.0.2");
    home.write(".config/redtab/config.toml", both);
    home.write(
        OWN,
        "[open]\ndbname=orders\n[dev]\nhost=127.0.0.3\n[prod]\nhost=127.0.0.2\n\
         [address]\nhostaddr=127.0.0.3\n",
    );
    let port = port.to_string();
    for (vars, line, leads_there) in LINES {
        let vars: Vec<(&str, &str)> = vars.iter().copied().chain([("PGPORT", port.as_str())]).collect();
        let mut psql = with(home.command("psql"), &home, &vars, "");
        // Of a connection string the spaces are its own.
        match line.starts_with('-') {
            true => psql.args(line.split(' ')),
            false => psql.args(Some(line).filter(|line| !line.is_empty())),
        };
        let asks = asked(&listeners, psql).map(|(index, ..)| index == 0);
        assert_eq!(asks, Some(*leads_there), "psql {line} {vars:?}");
        let quoted =
            if line.starts_with('-') || line.is_empty() { (*line).into() } else { format!("'{line}'") };
        let mut check = with(home.command(home.redtab()), &home, &vars, "");
        let said = check.args(["check", "--", &format!("psql {quoted} -c 'drop table x'")]).output().unwrap();
        let confirms = String::from_utf8_lossy(&said.stdout).starts_with("confirm");
        assert_eq!(confirms, *leads_there, "psql {line} {vars:?}: {said:?}");
    }
}

#[test]
fn a_service_is_judged_by_what_it_leads_to() {
    let home = Home::new();
    home.write(
        OWN,
        "[a]\nhost=db.prod.acme.example\npassword=hunter2\n[b]\ndbname=postgres://u:hunter2@db.live.example/x\n\
         [c]\nhost=db.dev.example\n[d]\nldap://ldap.example/x?y=z\n",
    );
    for (name, verdict) in [("a", "production"), ("b", "production"), ("c", "clear"), ("d", "unsure")] {
        let status = status(&home, &[("PGSERVICE", name)], "");
        assert_eq!(status["verdict"], verdict, "{name}");
        assert!(!status.to_string().contains("hunter2"));
    }
}

// MySQL and MariaDB

#[test]
fn my_cnf_says_what_the_client_reads_in_it() {
    // The files, and host, port, database and user that the client takes from them.
    type Row<'a> = (&'a [(&'a str, &'a str)], [&'a str; 4]);
    let table: &[Row<'_>] = &[
        (&[], [""; 4]),
        (
            &[(".my.cnf", "[client]\nhost = db.prod.example\nport=3307 # c\nuser = \"ana x\"\n")],
            ["db.prod.example", "3307", "", "ana x"],
        ),
        (
            &[(
                ".my.cnf",
                "[mysqld]\nhost=no\n[mysql]\ndatabase='orders'\n[client]\n# host=no\n;host=no\nhost=a\nhost=b\n",
            )],
            ["b", "", "orders", ""],
        ),
        (
            &[
                (".my.cnf", "[client]\nhost=a\n!include ~/more.cnf\n[mysql]\n!includedir ~/d\n"),
                ("more.cnf", "[client]\nport=1\nuser=u\n"),
                ("d/a.cnf", "[client]\nhost=z\n"),
                ("d/b.txt", "[client]\nhost=no\n"),
            ],
            ["z", "1", "", "u"],
        ),
        (
            &[(".my.cnf", "[ client ]\nhost=a\n[client-mariadb]\nhost=m\n[client-server]\nuser=s\n")],
            ["m", "", "", "s"],
        ),
    ];
    for (files, expected) in table {
        let home = Home::new();
        for (path, text) in *files {
            home.write(path, text.replace("~/", &format!("{}/", home.path().display())));
        }
        let [host, port, database, _] = expected;
        let shown_port = if port.is_empty() { String::new() } else { format!(":{port}") };
        let shown = format!("{host}{shown_port}/{database}");
        let status = status(&home, &[], "");
        assert_eq!(value(&status, "mysql", "host"), shown.trim_end_matches('/'), "{files:?} {status}");
        let output = home.command("mariadb").arg("--print-defaults").output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let option = |name: &str| {
            let last = printed
                .rfind(&format!(" --{name}=").replace("  ", " "))
                .or_else(|| printed.find(&format!("\n--{name}=")));
            let value = last.map(|at| printed[at..].split_once('=').unwrap().1);
            value.map(|value| value.split(" --").next().unwrap().trim().to_owned()).unwrap_or_default()
        };
        let of_client = ["host", "port", "database", "user"].map(option);
        assert_eq!(of_client, expected.map(str::to_owned), "{printed}");
    }
}

// A pod

#[test]
fn kubectl_in_a_pod_asks_where_redtab_says_it_asks() {
    // A mount space of its own, in which the pod's files lie where every pod has them.
    let run = |home: &Home, namespace: &str, vars: Vars<'_>, argv: &str| {
        let account = "/var/run/secrets/kubernetes.io/serviceaccount";
        let script = format!(
            "mount -t tmpfs none /run && mkdir -p {account} && echo token >{account}/token && printf '{namespace}' >{account}/namespace && {argv}"
        );
        let mut command = with(home.command("unshare"), home, vars, "");
        // Root has what it takes; everybody else may in a user space of his own.
        command.args(["--mount", "--map-root-user", "sh", "-c", &script]).output().unwrap()
    };
    let home = Home::new();
    let pod: Vars<'_> = &[("KUBERNETES_SERVICE_HOST", "127.0.0.1"), ("KUBERNETES_SERVICE_PORT", "1")];
    let named: Vars<'_> = &[pod[0], pod[1], ("POD_NAMESPACE", "payments-dev")];
    for (namespace, vars, expected, verdict) in [
        ("payments-prod", pod, "payments-prod", "production"),
        ("payments", pod, "payments", "clear"),
        ("payments-prod", named, "payments-dev", "clear"),
    ] {
        let output = run(&home, namespace, vars, "redtab status --json");
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = (value(&status, "kube", "namespace"), value(&status, "kube", "server"));
        assert_eq!(found, (expected.into(), "127.0.0.1:1".into()), "{status}");
        assert_eq!(status["verdict"], verdict);
        // The one request that needs no answer before it: what may be done in this namespace?
        let output = run(&home, namespace, vars, "kubectl auth can-i --list -v=8");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let body: String = told
            .lines()
            .filter_map(|line| line.strip_suffix('|')?.split_once('|'))
            .map(|(_, text)| text)
            .collect();
        assert!(told.contains("https://127.0.0.1:1/apis/"), "{told}");
        assert!(body.contains(expected) || told.contains(&format!("\"namespace\":\"{expected}\"")), "{told}");
    }
    assert_eq!(value(&status(&home, pod, ""), "kube", "namespace"), "");
    home.kubeconfig(".kube/config", &["dev"], "dev");
    let output = run(&home, "payments-prod", pod, "redtab status --json");
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["verdict"], "clear");
}

// .env

#[test]
fn dotenv_files_count_up_to_the_projects_root_and_never_at_home() {
    let home = Home::new();
    let prod = "DATABASE_URL=postgres://app:hunter2@db.prod.example/orders\n";
    fs::create_dir_all(home.join("shop/.git")).unwrap();
    fs::create_dir_all(home.join("shop/api/v1")).unwrap();
    fs::create_dir_all(home.join("notes/deep")).unwrap();
    let judged = |file: &str, cwd: &str| {
        home.write(file, prod);
        let status = status(&home, &[], cwd);
        fs::remove_file(home.join(file)).unwrap();
        assert!(!status.to_string().contains("hunter2"));
        status["verdict"].as_str().unwrap().to_owned()
    };
    for (file, cwd, verdict) in [
        ("shop/api/v1/.env", "shop/api/v1", "production"),
        ("shop/api/.env.local", "shop/api/v1", "production"),
        ("shop/.env", "shop/api/v1", "production"),
        ("shop/api/.env", "shop", "clear"),
        ("shop/.env.production", "shop", "clear"),
        ("notes/deep/.env", "notes/deep", "production"),
        ("notes/.env", "notes/deep", "clear"),
        (".env", "", "clear"),
        (".env", "shop", "clear"),
    ] {
        assert_eq!(judged(file, cwd), verdict, "{file} from {cwd}");
    }
}

#[test]
fn of_dotenv_files_only_what_points_somewhere_counts() {
    let home = Home::new();
    for (text, verdict) in [
        ("NODE_ENV=production\n", "clear"),
        ("APP_NAME=prod\nSECRET=prod\nAPP_DOCS_URL=https://docs.prod.example/\n", "clear"),
        ("APP_ENV=production\n", "production"),
        ("export PGHOST='db.prod.example'\n", "production"),
        ("# PGHOST=db.prod.example\n", "clear"),
        ("PGHOST=db.prod.example\nPGHOST=db.dev.example\n", "clear"),
        ("KEY=\"-----BEGIN\nPGHOST=db.prod.example\n-----END\"\n", "clear"),
        ("PGHOST=\"db.dev.example\n", "unsure"),
        ("SECRET=\"db.dev.example\n", "clear"),
        ("PGHOST=$(touch F)\nDB_HOST=`touch F`\n", "unsure"),
        ("H=db.prod.example\nORDERS_URL=postgres://u:p@${H}/x\n", "production"),
        ("H=prod.example\nG=db.$H\nPGHOST=\"${G}\"\n", "production"),
        ("PGHOST=${NONE:-db.prod.example}\n", "production"),
        ("PGHOST=${NONE}\n", "clear"),
        ("H=db.prod.example\nORDERS_URL='postgres://u:p@${H}/x'\n", "clear"),
        ("APP_ENV=\"$HOME\"\n", "clear"),
    ] {
        home.write("app/.env", text);
        let status = status(&home, &[], "app");
        assert_eq!(status["verdict"], verdict, "{text} {status}");
    }
    assert!(!home.join("app/F").exists());
    home.write("app/.env", "\nA=b\nDB_HOST=db.prod.example\n");
    let place = status(&home, &[], "app")["signals"][0]["where"].as_str().unwrap().to_owned();
    assert!(place.ends_with("app/.env:3"), "{place}");
    // Exported it is told once, with where it came from.
    let exported = status(&home, &[("DB_HOST", "db.prod.example")], "app");
    let told = exported["signals"].as_array().unwrap().iter().filter(|signal| signal["domain"] == "database");
    assert_eq!(told.count(), 1);
    fs::remove_file(home.join("app/.env")).unwrap();
    fs::create_dir(home.join("app/.env")).unwrap();
    assert_eq!(status(&home, &[], "app")["verdict"], "clear");
}

// Files that can't be read

/// Every file that a source reads, in a home where it reads it.
const READ: &[(&str, Vars<'_>, &str)] = &[
    ("kube", &[], ".kube/config"),
    ("kube", &[("KUBECONFIG", "~/k.yaml")], "k.yaml"),
    ("aws", &[], ".aws/config"),
    ("aws", &[("AWS_CONFIG_FILE", "~/aws")], "aws"),
    ("aws", &[], ".aws/credentials"),
    ("pulumi", &[], "app/Pulumi.yaml"),
    ("pulumi", &[], STACK),
    ("directory", &[], "app/.redtab.toml"),
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
    ("postgres", &[("PGSERVICE", "s")], ".pg_service.conf"),
    ("postgres", &[("PGSERVICE", "s"), ("PGSYSCONFDIR", "~/etc")], "etc/pg_service.conf"),
    ("mysql", &[], ".my.cnf"),
    ("mysql", &[], "more.cnf"),
    ("dotenv", &[], "app/.env"),
    ("dotenv", &[], "app/.env.local"),
];

/// Where pulumi keeps the stack that is selected for the project in `app`; its name holds a sum of the project's path.
const STACK: &str = "the stack";

/// Those of them whose text can be broken, and how.
const BROKEN: &[(&str, &str)] = &[
    (".kube/config", "contexts: [}"),
    ("k.yaml", "- a list"),
    (".aws/config", "[default]\nx\n"),
    (".aws/credentials", "x = y\n"),
    ("workspace.json", "{\"stack\": "),
    (".redtab.toml", "environment = "),
    ("config_dev", "project = x\n"),
    ("key.json", "{\"project_id\": \"prod"),
    ("azureProfile.json", "[]"),
    ("config.json", "{,}"),
    ("meta.json", "[[[[[["),
    (".pg_service.conf", "[s]\nx\n"),
    (".my.cnf", "!include ~/../../../../proc/self/mem\n!includedir /dev/null\n"),
    ("app/.env", "PGHOST='x\n"),
];

/// redtab as a user whom modes hold back, also where the tests run as root.
fn held_back(home: &Home) -> Command {
    let mut command = home.command("setpriv");
    let caps = "-dac_override,-dac_read_search";
    command.args([format!("--bounding-set={caps}"), format!("--inh-caps={caps}")]);
    command.arg("--").arg(home.redtab());
    if rustix::process::geteuid().is_root() { command } else { home.command(home.redtab()) }
}

#[test]
fn what_cannot_be_read_is_unsure_at_once() {
    for (source, vars, path) in READ {
        let home = Home::new();
        let mut path = (*path).to_owned();
        home.write("app/Pulumi.yaml", "name: shop\n");
        if path == STACK {
            let sum = format!("printf %s '{}' | sha1sum", home.join("app/Pulumi.yaml").display());
            let sum = home.command("sh").args(["-c", &sum]).output().unwrap().stdout;
            let sum = String::from_utf8(sum).unwrap();
            path = format!(".pulumi/workspaces/shop-{}-workspace.json", sum.split(' ').next().unwrap());
        }
        fs::create_dir_all(home.join(".pulumi/workspaces")).unwrap();
        home.write(".my.cnf", "!include more.cnf\n");
        let file = home.write(&path, "");
        let unsure = |what: &str| {
            let cwd = if path.starts_with("app/") || *source == "pulumi" { "app" } else { "" };
            let mut command = with(held_back(&home), &home, vars, cwd);
            let output = command.args(["status", "--json"]).output().unwrap();
            let status: Value = serde_json::from_slice(&output.stdout).unwrap();
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
        assert_eq!(unsure("a pipe"), format!("{source} is a named pipe"));
        fs::remove_file(&file).unwrap();
        fs::File::create(&file).unwrap().set_len(9 << 20).unwrap();
        assert!(unsure("huge").contains("is larger than"));
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(&file, &file).unwrap();
        assert_eq!(unsure("a loop"), format!("{source} is a loop of symbolic links"));
        fs::remove_file(&file).unwrap();
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
        assert!(unsure("closed").contains("permission denied"));
        fs::remove_file(&file).unwrap();
        if let Some((_, text)) = BROKEN.iter().find(|(name, _)| path.ends_with(name)) {
            fs::write(&file, text).unwrap();
            unsure("broken");
        }
        assert!(start.elapsed() < Duration::from_secs(6), "{path}");
    }
}

// Nothing is run

/// A home in which every format names a program in the way that it has, and every tool on PATH is a trap.
fn trapped() -> Home {
    let home = Home::new();
    let trap = |name: &str| format!("touch {}", home.join(&format!("ran-{name}")).display());
    let exec = trap("kube");
    home.write(".kube/config", format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- name: c\n  context: {{cluster: c, user: u}}\n\
         clusters:\n- name: c\n  cluster: {{server: 'https://127.0.0.1:1'}}\nusers:\n- name: u\n  user:\n    exec:\n\
         \u{20}     apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: Never\n      command: sh\n      args: [-c, '{exec}']\n"
    ));
    home.write(".aws/config", format!("[default]\ncredential_process = sh -c \"{}\"\n", trap("aws")));
    home.write(".config/gcloud/active_config", "default");
    home.write(DEFAULT, "[core]\nproject = $(touch ran-gcloud)\ncustom_ca_certs_file = `touch ran-gcloud`\n");
    home.write(
        ".docker/config.json",
        "{\"credsStore\": \"trap\", \"credHelpers\": {\"r.example\": \"trap\"}, \"currentContext\": \"far\"}",
    );
    home.write(
        ".ssh/config",
        format!("Match exec \"{}\"\n  User x\nHost a\n  ProxyCommand {}\n", trap("ssh"), trap("ssh")),
    );
    home.write(".pg_service.conf", "[s]\nhost=$(touch ran-pg)\npasscommand=touch ran-pg\n");
    home.write(
        ".my.cnf",
        "[client]\nhost=`touch ran-my`\ninit-command=system touch ran-my\n!include |touch ran-my\n",
    );
    home.write(".azure/azureProfile.json", SUBSCRIPTIONS);
    home.write("app/Pulumi.yaml", "name: $(touch ran-pulumi)\n");
    fs::create_dir_all(home.join(".pulumi/workspaces")).unwrap();
    home.write("app/main.tf", "data \"external\" \"x\" { program = [\"touch\", \"ran-tf\"] }\n");
    home.write("app/.terraform/environment", "$(touch ran-tf)");
    home.write("app/.envrc", trap("envrc"));
    home.write("app/.env", format!("DB_HOST=$({})\nPGHOST=`{}`\n", trap("env"), trap("env")));
    home.write("app/Makefile", format!("X := $(shell {})\nall:\n\t{}\n", trap("make"), trap("make")));
    home.write("app/package.json", "{\"scripts\": {\"preinstall\": \"touch ran-npm\"}}");
    let git = home.command("git").args(["init", "-q", "app"]).output().unwrap();
    assert!(git.status.success());
    home.write("app/.git/hooks/fsmonitor", "");
    let config = format!("[core]\n\tfsmonitor = \"{}; :\"\n\tpager = {0}\n", trap("git"));
    let path = home.join("app/.git/config");
    fs::write(&path, fs::read_to_string(&path).unwrap() + &config).unwrap();
    let tools = [
        "gcloud",
        "az",
        "docker",
        "docker-credential-trap",
        "terraform",
        "tofu",
        "pulumi",
        "kubectl",
        "aws",
        "psql",
        "mysql",
        "mariadb",
        "my_print_defaults",
        "git",
        "make",
        "direnv",
        "ssh",
        "hostname",
        "uname",
        "getent",
        "id",
        "pg_config",
    ];
    for tool in tools {
        home.executable(&format!("bin/{tool}"), &format!("#!/bin/sh\n{}\n", trap(tool)));
    }
    home
}

fn ran(home: &Home) -> Vec<String> {
    let all = [home.path(), &home.join("app")].map(|dir| fs::read_dir(dir).unwrap().flatten());
    let names = all.into_iter().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("ran-")).collect()
}

#[test]
fn nothing_that_a_file_names_is_ever_run() {
    let home = trapped();
    let vars: Vars<'_> = &[("PGSERVICE", "s"), ("GOOGLE_APPLICATION_CREDENTIALS", "~/.docker/config.json")];
    for args in [
        &["status"][..],
        &["status", "--json"],
        &["targets"],
        &["check", "--", "./x && make && terraform apply"],
        &["check", "--", "ssh a uptime; make all; npm run preinstall; kubectl get pods; aws s3 ls; git push"],
        &["check", "--", "direnv exec . ./x; . ./.envrc; pulumi up; psql service=s; docker ps; gcloud info"],
        &["mark", "safe", "name", "x"],
        &["config", "check"],
        &["classify", "$(touch ran-x)"],
        &["lease", "10m", "x"],
        &["require", "local"],
        &["hook", "prompt", "--shell", "bash", "--shell-version", "5.2", "--pid", "1", "--can-block", "yes"],
    ] {
        let mut redtab = with(home.command(home.redtab()), &home, vars, "app");
        let output = redtab.args(args).output().unwrap();
        assert!(output.status.code().is_some_and(|code| code != 2), "{args:?}: {output:?}");
        assert_eq!(ran(&home), Vec::<String>::new(), "{args:?}");
    }
    // The traps are live: the tools themselves step into them.
    let control = |argv: &[&str], trap: &str| {
        let _ = home.command(argv[0]).args(&argv[1..]).current_dir(home.join("app")).output().unwrap();
        assert!(ran(&home).contains(&format!("ran-{trap}")), "{argv:?}: {:?}", ran(&home));
    };
    control(&["/usr/bin/kubectl", "get", "pods"], "kube");
    control(&["/usr/bin/ssh", "-F", &home.join(".ssh/config").display().to_string(), "-G", "a"], "ssh");
    control(&["/usr/bin/make", "-n"], "make");
    control(&["/usr/bin/git", "status"], "git");
    control(&[&tool("aws").display().to_string(), "configure", "list"], "aws");
    control(&["sh", "-c", "/usr/bin/direnv allow && /usr/bin/direnv export bash"], "envrc");
    control(&["sh", "-c", ". ./.env"], "env");
    control(&["gcloud"], "gcloud");
}
