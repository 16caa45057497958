//! What a program writes down for those that come after it: which context, workspace or project is selected.

use super::super::line::Word;
use super::options::all_options;
use super::words::value_of;
use super::{Change, Value};
use crate::signal::Kind;

/// What a program writes down for those that come after it: which context, workspace, project is selected.
pub(super) fn selections(name: &str, argv: &[Word]) -> Vec<Change> {
    let plain: Vec<&Word> = argv.iter().skip(1).filter(|word| !word.prefix().starts_with('-')).collect();
    let words: Vec<&str> = plain.iter().map(|word| word.exact().unwrap_or("")).collect();
    let after = |wanted: &[&str]| -> Option<Value> {
        let at = words.windows(wanted.len()).position(|window| window == wanted)?;
        Some(plain.get(at + wanted.len()).map_or(Value::Unknown, |word| value_of(word)))
    };
    let option = |names: &[&str]| -> Option<Value> {
        let options = all_options(
            &argv[1..],
            "sn",
            &["name", "alias", "subscription", "namespace", "kubeconfig", "account", "project"],
        );
        let found = options.into_iter().find(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, value)| value.map_or(Value::Unknown, |value| value_of(&value)))
    };
    let target = |kind, value| vec![Change::Target { kind, value }];
    match name {
        "kubectl" | "oc" | "k" | "kubecolor" => {
            for wanted in [["config", "use-context"], ["config", "use"]] {
                if let Some(value) = after(&wanted) {
                    return target(Kind::KubeContext, value);
                }
            }
            if let Some(value) = after(&["config", "set", "current-context"]) {
                return target(Kind::KubeContext, value);
            }
            match (words.first().copied(), words.get(1).copied()) {
                (Some("config"), Some("set-context")) => match option(&["namespace"]) {
                    Some(value) => target(Kind::KubeNamespace, value),
                    None => vec![],
                },
                (Some("config"), Some("unset" | "delete-context" | "rename-context" | "set-cluster")) => {
                    target(Kind::KubeContext, Value::Unknown)
                }
                (Some("ctx"), Some(_)) => after(&["ctx"]).map_or(vec![], |v| target(Kind::KubeContext, v)),
                (Some("ns" | "project"), Some(_)) => target(Kind::KubeNamespace, value_of(plain[1])),
                (Some("login"), _) if name == "oc" => target(Kind::KubeContext, Value::Unknown),
                _ => vec![],
            }
        }
        "kubectx" | "kctx" | "kubeswitch" | "switch" => {
            let gone =
                argv.iter().any(|w| matches!(w.exact(), Some("-c" | "--current" | "-h" | "--help" | "-d")));
            match plain.first() {
                _ if gone => vec![],
                Some(word) => target(Kind::KubeContext, value_of(word)),
                None if argv.len() > 1 => target(Kind::KubeContext, Value::Unknown),
                None => vec![],
            }
        }
        "kubens" | "kns" => match plain.first() {
            Some(word) => target(Kind::KubeNamespace, value_of(word)),
            None if argv.len() > 1 => target(Kind::KubeNamespace, Value::Unknown),
            None => vec![],
        },
        "kubie" => after(&["ctx"]).map_or(vec![], |value| target(Kind::KubeContext, value)),
        "tsh" => after(&["kube", "login"]).map_or(vec![], |value| target(Kind::KubeContext, value)),
        "aws" if words.contains(&"update-kubeconfig") => target(
            Kind::KubeContext,
            option(&["alias"]).or_else(|| option(&["name"])).unwrap_or(Value::Unknown),
        ),
        "gcloud" => {
            if let Some(value) = after(&["clusters", "get-credentials"]) {
                return target(Kind::KubeContext, value);
            }
            if let Some(value) = after(&["configurations", "activate"]) {
                return target(Kind::GcpConfig, value);
            }
            after(&["config", "set", "project"]).map_or(vec![], |value| target(Kind::GcpProject, value))
        }
        "az" => {
            if words.starts_with(&["account", "set"]) {
                let value = option(&["s", "subscription", "n", "name"]).unwrap_or(Value::Unknown);
                return target(Kind::AzureSubscription, value);
            }
            if words.starts_with(&["aks", "get-credentials"]) {
                return target(Kind::KubeContext, option(&["n", "name"]).unwrap_or(Value::Unknown));
            }
            vec![]
        }
        "doctl" => after(&["kubeconfig", "save"]).map_or(vec![], |value| target(Kind::KubeContext, value)),
        "docker" | "podman" => {
            after(&["context", "use"]).map_or(vec![], |value| target(Kind::DockerContext, value))
        }
        "terraform" | "tofu" | "terragrunt" => {
            let value = after(&["workspace", "select"]).or_else(|| after(&["workspace", "new"]));
            value.map_or(vec![], |value| target(Kind::TerraformWorkspace, value))
        }
        "pulumi" => {
            let value = after(&["stack", "select"]).or_else(|| after(&["stack", "init"]));
            value.map_or(vec![], |value| target(Kind::PulumiStack, value))
        }
        "awsume" | "asp" | "assume" | "granted" | "awsp" | "aws_profile" | "aws-switch" => {
            plain.first().map_or(vec![], |word| target(Kind::AwsProfile, value_of(word)))
        }
        "direnv" if words.first() == Some(&"allow") || words.first() == Some(&"reload") => {
            vec![Change::EnvFile(".".into())]
        }
        _ => vec![],
    }
}
