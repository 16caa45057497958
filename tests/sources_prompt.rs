//! Every source at the prompt, in the three shells, all in one home: red at the next prompt, clear at the one after, and
//! nothing started while nothing changes.

#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod support;

use std::fs;

use support::{Calls, Home, Kind, Shell, machine, on};

/// How one source turns red.
enum Way {
    /// This file says so; before and after it says the other.
    File(&'static str, &'static str, &'static str),
    /// This file appears, and goes.
    Appears(&'static str, &'static str),
    Variable(&'static str, &'static str),
    /// This kubeconfig's context.
    Context(&'static str, &'static str, &'static str),
    /// pulumi's file for the project in `app`.
    Stack(&'static str, &'static str),
}

/// Where pulumi keeps the stack of a home's project: by the SHA-1 of its file's path.
fn stack_file(home: &Home) -> String {
    let path = home.join("app/Pulumi.yaml").display().to_string();
    let sum = home.command("sh").args(["-c", "printf %s \"$1\" | sha1sum", "sh", &path]).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    format!(".pulumi/workspaces/shop-{}-workspace.json", sum.split(' ').next().unwrap())
}

fn stack(name: &str) -> String {
    format!("{{\n    \"stack\": \"{name}\"\n}}\n")
}

const META: &str =
    ".docker/contexts/meta/512eea46ceb3921dff4363c7069d89d4964d1d9fccaa0f411851a7aa60a5c868/meta.json";

/// The account that the configuration calls production, and the id of a key of it.
/// What other programs of this user hold open is not what is tried here.
const MARKED: &str = "[prompt]\nelsewhere = \"off\"\n[[target]]\nsignal = \"aws_account\"\nis = \"171436882533\"\nenvironment = \"production\"\n";
const KEY: &str = "AKIASP2TPHJSQH3FJRUX";

const POD: &str = "machine-run/secrets/kubernetes.io/serviceaccount";

const WAYS: &[Way] = &[
    Way::Variable("APP_ENV", "production"),
    Way::Variable("ORDERS_URL", "postgres://db.prod.example/orders"),
    Way::Context(".kube/config", "dev-eu", "prod-eu"),
    Way::Variable("KUBECONFIG", "prod-1"),
    Way::File(
        ".aws/config",
        "[default]\nsso_account_id = 111111111111\n[profile k1]\nsso_account_id = 171436882533\n",
        "[default]\nsso_account_id = 171436882533\n[profile k1]\nsso_account_id = 171436882533\n",
    ),
    Way::File(
        ".aws/credentials",
        "[keys]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
        "[default]\nrole_arn = arn:aws:iam::171436882533:role/x\n",
    ),
    Way::Variable("AWS_PROFILE", "k1"),
    Way::Variable("AWS_DEFAULT_PROFILE", "acme-prod"),
    Way::Variable("AWS_VAULT", "k1"),
    Way::Variable("AWS_ACCESS_KEY_ID", KEY),
    Way::File(
        ".config/gcloud/configurations/config_dev",
        "[core]\nproject = dev-1\n",
        "[core]\nproject = live-1\n",
    ),
    Way::Variable("CLOUDSDK_ACTIVE_CONFIG_NAME", "acme-prod"),
    Way::Variable("CLOUDSDK_CORE_PROJECT", "acme-prod"),
    Way::Variable("GOOGLE_APPLICATION_CREDENTIALS", "prod.json"),
    Way::File(".config/gcloud/active_config", "dev", "acme-prod"),
    Way::File(
        ".azure/azureProfile.json",
        "\u{feff}{\"subscriptions\": [{\"name\": \"Dev\", \"id\": \"1\", \"isDefault\": true}]}",
        "\u{feff}{\"subscriptions\": [{\"name\": \"Acme Prod\", \"id\": \"2\", \"isDefault\": true}]}",
    ),
    Way::File(".docker/config.json", "{\"currentContext\": \"far\"}", "{\"currentContext\": \"prod-1\"}"),
    Way::File(
        META,
        "{\"Name\": \"far\", \"Endpoints\": {\"docker\": {\"Host\": \"ssh://web-dev\"}}}",
        "{\"Name\": \"far\", \"Endpoints\": {\"docker\": {\"Host\": \"ssh://web-prod\"}}}",
    ),
    Way::Variable("DOCKER_HOST", "ssh://web-prod"),
    Way::Variable("DOCKER_CONTEXT", "prod-1"),
    Way::File("app/.terraform/environment", "dev", "prod"),
    Way::Variable("TF_WORKSPACE", "prod"),
    Way::Variable("TF_DATA_DIR", "prod-data"),
    Way::Stack("dev", "acme/shop/prod"),
    Way::Variable("PULUMI_STACK", "prod"),
    Way::Variable("PGSERVICE", "orders"),
    Way::File(".my.cnf", "[client]\nhost=db.dev.example\n", "[client]\nhost=db.prod.example\n"),
    Way::File("app/.env", "DB_HOST=db.dev.example\n", "DB_HOST=db.prod.example\n"),
    Way::Appears("app/.env.local", "export ORDERS_URL='postgres://db.prod.example/orders'\n"),
    Way::Appears("app/.redtab.toml", "environment = \"production\"\n"),
    Way::File(".redtab.toml", "match = [\"hera\"]\n", "match = [\"k-0\", \"far\"]\n"),
    Way::File("machine/hosts", "127.0.1.1 web-7.dev.example web-7\n", "127.0.1.1 web-7.prod.example web-7\n"),
    Way::File("machine/machine-info", "DEPLOYMENT=development\n", "DEPLOYMENT=production\n"),
    Way::File(
        "etc/redtab.toml",
        "[watch]\nstart = \"manual\"\n",
        "[watch]\nstart = \"manual\"\n[host]\nenvironment = \"production\"\n",
    ),
];

fn every_source_turns_it_red_and_clear_again(kind: Kind) {
    let home = machine();
    home.write(".config/redtab/config.toml", MARKED);
    home.write("prod.json", "{\"project_id\": \"acme-prod\"}");
    home.kubeconfig("prod-1", &["prod-1"], "prod-1");
    home.write(".pg_service.conf", "[orders]\nhost=db.prod.example\n");
    home.write("app/prod-data/environment", "prod");
    fs::create_dir_all(home.join("app/.git")).unwrap();
    for file in ["token", "namespace"] {
        home.write(&format!("{POD}/{file}"), "payments-dev");
    }
    for way in WAYS {
        match way {
            Way::File(path, before, _) => drop(home.write(path, before)),
            Way::Context(path, before, _) => drop(home.kubeconfig(path, &[before], before)),
            Way::Appears(path, _) => fs::create_dir_all(home.join(path).parent().unwrap()).unwrap(),
            Way::Variable(..) => {}
            Way::Stack(before, _) => {
                home.write("app/Pulumi.yaml", "name: shop\nruntime: go\n");
                home.write(&stack_file(&home), stack(before));
            }
        }
    }
    let wrapper = on(&home, "web-7");
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let start = kind.in_home(&home).cwd(&home.join("app")).under(&wrapper);
    let mut shell = start.redtab().traced().start();
    shell.expect_clear();
    for way in WAYS {
        match way {
            Way::File(path, before, after) => {
                home.write(path, after);
                red(&mut shell, path);
                home.write(path, before);
            }
            Way::Context(path, before, after) => {
                home.kubeconfig(path, &[after], after);
                red(&mut shell, path);
                home.kubeconfig(path, &[before], before);
            }
            Way::Stack(before, after) => {
                home.write(&stack_file(&home), stack(after));
                red(&mut shell, "pulumi");
                home.write(&stack_file(&home), stack(before));
            }
            Way::Appears(path, text) => {
                home.write(path, text);
                red(&mut shell, path);
                fs::remove_file(home.join(path)).unwrap();
            }
            Way::Variable(name, value) => {
                let is_file = ["KUBECONFIG", "GOOGLE_APPLICATION_CREDENTIALS"].contains(name);
                let whole =
                    if is_file { home.join(value).display().to_string() } else { (*value).to_string() };
                shell.export(name, &whole);
                is_red(&mut shell, name);
                shell.unset(name);
            }
        }
        shell.enter().expect_clear();
    }
    shell.settle();
    assert_eq!(shell.calls_of_empty_lines(4), Calls::default());
    // In a pod without a kubeconfig.
    shell.export("KUBECONFIG", "/dev/null").export("KUBERNETES_SERVICE_HOST", "10.96.0.1");
    shell.export("KUBERNETES_SERVICE_PORT", "443").expect_clear();
    home.write(&format!("{POD}/namespace"), "payments-prod");
    red(&mut shell, "pod");
    home.write(&format!("{POD}/namespace"), "payments-dev");
    shell.enter().expect_clear().settle();
    assert_eq!(shell.calls_of_empty_lines(4), Calls::default());
}

/// Red at the next prompt.
fn red(shell: &mut Shell, what: &str) {
    shell.enter();
    is_red(shell, what);
}

fn is_red(shell: &mut Shell, what: &str) {
    assert!(
        shell.segment().text.contains("PROD"),
        "{} {what} is not red\n{}",
        shell.kind.name(),
        shell.dump()
    );
    shell.expect_production();
}

in_every_shell!(every_source_turns_it_red_and_clear_again);
