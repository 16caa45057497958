//! Every source at the prompt, in the three shells, all in one home: red at the next prompt, clear at the one after, and
//! nothing started while nothing changes.

#![allow(clippy::unwrap_used)] // a helper that fails fails its test

mod support;

use std::fs;

use support::{Calls, Home, Kind};

/// How one source turns red.
enum Way {
    /// This file says so; before and after it says the other.
    File(&'static str, &'static str, &'static str),
    /// This file appears, and goes.
    Appears(&'static str, &'static str),
    Variable(&'static str, &'static str),
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

const WAYS: &[Way] = &[
    Way::File(
        ".config/gcloud/configurations/config_dev",
        "[core]\nproject = dev-1\n",
        "[core]\nproject = live-1\n",
    ),
    Way::Variable("CLOUDSDK_ACTIVE_CONFIG_NAME", "acme-prod"),
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
    Way::Appears("app/.terraform/environment", "prod"),
    Way::Stack("dev", "acme/shop/prod"),
];

fn every_source_turns_it_red_and_clear_again(kind: Kind) {
    let home = Home::new();
    home.write("prod.json", "{\"project_id\": \"acme-prod\"}");
    for way in WAYS {
        match way {
            Way::File(path, before, _) => drop(home.write(path, before)),
            Way::Appears(path, _) => fs::create_dir_all(home.join(path).parent().unwrap()).unwrap(),
            Way::Variable(..) => {}
            Way::Stack(before, _) => {
                home.write("app/Pulumi.yaml", "name: shop\nruntime: go\n");
                home.write(&stack_file(&home), stack(before));
            }
        }
    }
    let mut shell = kind.in_home(&home).cwd(&home.join("app")).redtab().traced().start();
    shell.expect_clear();
    for way in WAYS {
        match way {
            Way::File(path, before, after) => {
                home.write(path, after);
                shell.enter().expect_production();
                home.write(path, before);
            }
            Way::Stack(before, after) => {
                home.write(&stack_file(&home), stack(after));
                shell.enter().expect_production();
                home.write(&stack_file(&home), stack(before));
            }
            Way::Appears(path, text) => {
                home.write(path, text);
                shell.enter().expect_production();
                fs::remove_file(home.join(path)).unwrap();
            }
            Way::Variable(name, value) => {
                let whole = if value.ends_with(".json") {
                    home.join(value).display().to_string()
                } else {
                    (*value).to_string()
                };
                shell.export(name, &whole).expect_production().unset(name);
            }
        }
        shell.enter().expect_clear();
    }
    // What was written this moment is looked at once more.
    shell.enter().enter();
    assert_eq!(shell.calls_of_empty_lines(4), Calls::default());
}

in_every_shell!(every_source_turns_it_red_and_clear_again);
