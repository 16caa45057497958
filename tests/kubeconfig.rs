//! Kubeconfigs read by the library and by the real kubectl: same context, cluster, server and namespace; where
//! kubectl refuses, unsure; where it has nothing, absent. kubectl must be installed: without it this fails.
//!
//! Compared are answers and refusals, never messages, which change from version to version.

// Outside a function marked as a test clippy takes a test's helpers for production code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use redtab::signal::{Domain, Kind, Part, Place, Reading, Scope, Signal, Trouble};
use redtab::sources::kube;
use redtab::view::View;
use redtab::world::World;
use tempfile::TempDir;

/// A home with files in it, and the `KUBECONFIG` of whoever lives there.
struct Home {
    dir: TempDir,
    kubeconfig: Option<String>,
}

impl Home {
    fn new(kubeconfig: Option<&str>) -> Home {
        Home { dir: tempfile::tempdir().unwrap(), kubeconfig: kubeconfig.map(str::to_owned) }
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Home {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn readings(&self) -> Vec<Reading> {
        let mut vars: Vec<(OsString, OsString)> = vec![("HOME".into(), self.path().into())];
        vars.extend(self.kubeconfig.iter().map(|value| ("KUBECONFIG".into(), value.into())));
        let world = World { vars, cwd: Some(self.path().into()), uid: 0 };
        kube::read(&View::new(&world))
    }

    fn kubectl(&self, args: &[&str]) -> Output {
        let mut command = Command::new("kubectl");
        command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path()).current_dir(self.path());
        command.envs(self.kubeconfig.iter().map(|value| ("KUBECONFIG", value)));
        command.output().expect("kubectl must be installed: it is the oracle of these tests")
    }
}

/// What both sides can be asked for.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// Not even the context's name is known.
    Refused,
    Nothing,
    /// The context is named, the rest refused.
    ContextOnly(String),
    Whole {
        context: String,
        cluster: Option<String>,
        server: Option<String>,
        namespace: Option<String>,
    },
}

fn by_kubectl(home: &Home) -> Answer {
    let json = |output: &Output| -> serde_json::Value { serde_json::from_slice(&output.stdout).unwrap() };
    let text = |value: &serde_json::Value| value.as_str().filter(|s| !s.is_empty()).map(str::to_owned);
    let all = home.kubectl(&["config", "view", "-o", "json"]);
    if !all.status.success() {
        return Answer::Refused;
    }
    let Some(context) = text(&json(&all)["current-context"]) else { return Answer::Nothing };
    let used = home.kubectl(&["config", "view", "--minify", "-o", "json"]);
    if !used.status.success() {
        return Answer::ContextOnly(context);
    }
    let used = json(&used);
    let cluster = &used["clusters"][0];
    Answer::Whole {
        context,
        cluster: text(&cluster["name"]),
        server: text(&cluster["cluster"]["server"]).map(|url| host_and_port(&url)),
        namespace: text(&used["contexts"][0]["context"]["namespace"]).filter(|name| name != "default"),
    }
}

fn host_and_port(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    authority.rsplit('@').next().unwrap_or(authority).to_owned()
}

fn by_redtab(readings: &[Reading]) -> Answer {
    let found = |what: &str| {
        readings.iter().find_map(|reading| match reading {
            Reading::Found(signal) if signal.what == what => Some(signal.value.clone()),
            _ => None,
        })
    };
    let unsure = readings.iter().any(|reading| matches!(reading, Reading::Unreadable(_)));
    let nothing = readings.contains(&Reading::Absent { source: "kube", what: "context".into() });
    match (found("context"), unsure, nothing) {
        (None, true, false) => Answer::Refused,
        (None, false, true) => Answer::Nothing,
        (Some(context), true, false) => Answer::ContextOnly(context),
        (Some(context), false, false) => Answer::Whole {
            context,
            cluster: found("cluster"),
            server: found("server"),
            namespace: found("namespace"),
        },
        other => panic!("contradiction: {other:?} in {readings:?}"),
    }
}

/// Asks both about every home, four at a time, and names every difference.
fn compare(homes: &[(String, Home)]) {
    let next = AtomicUsize::new(0);
    let differences = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((what, home)) = homes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (ours, theirs) = (by_redtab(&home.readings()), by_kubectl(home));
                    if ours != theirs {
                        differences
                            .lock()
                            .unwrap()
                            .push(format!("{what}\n  redtab  {ours:?}\n  kubectl {theirs:?}"));
                    }
                }
            });
        }
    });
    let differences = differences.into_inner().unwrap();
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), homes.len(), differences.join("\n"));
}

fn single(content: &[u8]) -> (String, Home) {
    (String::from_utf8_lossy(content).into_owned(), Home::new(Some("config")).with("config", content))
}

const GOOD: &str = "current-context: a
contexts:
- name: a
  context: {cluster: ca, namespace: na}
clusters:
- name: ca
  cluster: {server: https://sa}
";

/// What may stand behind a good kubeconfig.
const AFTER: &[&[u8]] = &[
    b"---\ncurrent-context: zz\n",
    b"...\njunk: [\n",
    b"current-context: zz\n",
    b"current-context:\n",
    b"contexts:\n- name: a\n  context: {cluster: cb}\n",
    b"- name: ca\n  cluster: {server: https://sb}\n",
    b"users:\n- name: u\n- name: u\n",
    b"users:\n- name: 123\n",
    b"x: .inf\n",
    b"x: {y: [.NaN]}\n",
    b"x: !foo {a: b}\n",
    b"x: !!map [a]\n",
    b"x: !!set {a}\n",
    b"users:\n- name: u\n  user: {password: 12345}\n",
    b"users:\n- name: u\n  user: {token: yes}\n",
    b"users:\n- name: u\n  user: {client-key-data: \"abc\"}\n",
    b"users:\n- name: u\n  user: {client-key-data: [1,2]}\n",
    b"users:\n- name: u\n  user: {client-key-data: \"YWJ\\nj\"}\n",
    b"users:\n- name: u\n  user: {client-key-data: \"YW Jj\"}\n",
    b"users:\n- name: u\n  user: {zzz: [1]}\n",
    b"users: foo\n",
    b"users: {}\n",
    b"users:\n",
    b"preferences: []\n",
    b"preferences: x\n",
    b"preferences: {colors: 1}\n",
    b"extensions:\n- name: e\n  extension: 5\n",
    b"extensions:\n- name: e\n",
    b"extensions: x\n",
    b"extensions:\n- name: e\n  extension: [1,x]\n",
    b"users:\n- null\n",
    b"users:\n- null\n-\n",
    b"users:\n- foo\n",
    b"~: x\n",
    b"{a: b}: x\n",
    b"[a]: x\n",
    b"1: x\ntrue: y\n1.5: z\n",
    b"x: {~: 1}\n",
    b"x: {<<: 5}\n",
    b"x: {<<: [5]}\n",
    b"x: {\"<<\": 5}\n",
    b"x: {<<: {<<: {a: b}}}\n",
    b"x: {<<: }\n",
    b"x: *nope\n",
    b"x: &x [*x]\n",
    b"x: \x22a\x01b\x22\n",
    b"x: a\x7fb\n",
    b"x: \xff\n",
    b"x: a\xc2\x85b\n",
    b"x: a\xe2\x80\xa8b\n",
    b"x: [a,b,]\n",
    b"x: [a,,b]\n",
    b"users:\n- name: u\n  user: {as-groups: [a, 1]}\n",
    b"users:\n- name: u\n  user: {as-groups: a}\n",
    b"users:\n- name: u\n  user: {as-user-extra: {a: [b], c: }}\n",
    b"users:\n- name: u\n  user: {exec: {command: touch, args: [F], env: , apiVersion: client.authentication.k8s.io/v1}}\n",
    b"users:\n- name: u\n  user: {exec: {env: [{name: A, value: 1}]}}\n",
    b"users:\n- name: u\n  user: {auth-provider: {name: gcp, config: {expiry: 2020-01-01T00:00:00Z, x: 1}}}\n",
    b"users:\n- name: u\n  user: {auth-provider: {name: gcp, config: {expiry: 2020-01-01T00:00:00Z}}}\n",
    b"x: &a {k: v}\ny: {<<: [*a, {z: 1}]}\n",
    b"x: &a [{k: v}]\ny: {<<: *a}\n",
    b"x: &a [[{k: v}]]\ny: {<<: *a}\n",
    b"y: {!!merge <<: {a: b}}\n",
    b"y: {!!str <<: 5}\n",
    b"y: {<<: []}\n",
    b"x: {a, b: c}\n",
    b"x: [a: b]\n",
    b"x: {? a : b}\n",
    b"x: {\"a\":b}\n",
    b"x: {a:b}\n",
    b"x: {a: http://x:1/}\n",
    b"x:\n- - a\n  - b\n",
    b"x: - a\n",
    b"x: []\ny: {}\n",
    b"x: |2\n   a\n",
    b"1: a\n1: b\n",
    b"\"a\": 1\na: 2\n",
    b"x: !!omap [a: b]\n",
    b"x: !!float 1\n",
    b"x: !!int abc\n",
    b"x: !!bool abc\n",
    b"\"a\n  b\": c\n",
    b"a\n  b: c\n",
    b"? a\n: b\n? c\n",
    b"\x00",
];

/// What may stand before one.
const BEFORE: &[&[u8]] = &[
    b"\xef\xbb\xbf",
    b"---\n---\n",
    b"current-context: zz\n",
    b"kind: Pod\n",
    b"apiVersion: v2\n",
    b"apiVersion: \"\"\nkind: \"\"\n",
    b"kind: Config\n",
    b"kind: config\n",
    b"apiVersion: foo/v1\nkind: Config\n",
    b"kind: 5\n",
    b"kind:\napiVersion: ~\n",
    b"apiVersion: 1\n",
    b"apiVersion: v1\nkind: List\n",
    b"%YAML 1.1\n---\n",
    b"%YAML 1.2\n---\n",
    b"%FOO x\n---\n",
    b"%TAG ! tag:x,2000:\n---\n",
    b"...\n",
    b"--- \n",
    b"%YAML 1.1\n",
    b"apiVersion: v1/\nkind: Config\n",
    b"apiVersion: /v1\n",
    b"apiVersion: v1\n",
    b"apiVersion: a/b/c\n",
    b"apiVersion: foo/\n",
    b"kind: {}\n",
];

/// What may stand as the current context's name.
const VALUES: &[&[u8]] = &[
    b"\"\"",
    b"123",
    b"no",
    b"on",
    b"y",
    b"0755",
    b"1_0",
    b"1:20",
    b"0x1f",
    b"1.5",
    b"1e3",
    b"2020-01-01",
    b"~",
    b".inf",
    b"\"-\"",
    b"99999999999999999999",
    b"!!str 123",
    b"!!int \"5\"",
    b"!foo bar",
    b"!foo 12",
    b"! 12",
    b"a\t",
    b"a\n  b",
    b"\"a\n  b\"",
    b"|\n  a",
    b"|-\n  a",
    b">-\n  a\n  b",
    b"a:b",
    b"a: b",
    b"a#b",
    b"a #b",
    b"@a",
    b"`a`",
    b"%a",
    b"*a",
    b"\"a\\x41\\u00e9\\e\"",
    b"\"a\\q\"",
    b"\"a\\/b\"",
    b"\"a",
    b"a\n  x: y",
    b"\"a \\\n  b\"",
    b"'it''s'",
    b">\n  a",
    b"\"\\uD800\"",
    b"\"\\U00110000\"",
    b"\"\\u0000\"",
    b"\"\\N\\_\\L\\P\"",
    "本番".as_bytes(),
    "\"🔥\"".as_bytes(),
    "🔥".as_bytes(),
    b"!!bool \"yes\"",
    b"!!null \"\"",
    b"!!null x",
    b"!!str [a]",
    b"!!timestamp 2020-01-01",
    b"!!str ~",
    b"!!str",
    b"!<tag:yaml.org,2002:str> 5",
    b"!<foo> 5",
    b"!e!foo 5",
    b"!",
    b":a",
    b"-",
    b"a   ",
    b".",
    b"0o8",
    b"\"-0\"",
];

/// Whole files.
const ALONE: &[&[u8]] = &[
    b"",
    b"\n  \n",
    b"# hi\n",
    b"hello\n",
    b"- a\n",
    b"{\"current-context\": \"a\", \"contexts\": [{\"name\": \"a\", \"context\": {\"cluster\": \"ca\"}}], \"clusters\": [{\"name\": \"ca\", \"cluster\": {\"server\": \"https://sa\"}}]}",
    b"---\ncurrent-context: a\ncontexts:\n- name: a\n  context: {cluster: ca, namespace: na}\nclusters:\n- name: ca\n  cluster: {server: https://sa}\n---\n}{ bad\n",
    b"x: &c {cluster: ca, namespace: nn}\ncurrent-context: a\ncontexts:\n- name: a\n  context: *c\nclusters:\n- name: ca\n  cluster: {server: https://sa}\n",
    b"x: &c {cluster: ca, namespace: nn}\ncurrent-context: a\ncontexts:\n- name: a\n  context:\n    <<: *c\n    namespace: own\nclusters:\n- name: ca\n  cluster: {server: https://sa}\n",
    b"x: &c {cluster: ca, namespace: nn}\ncurrent-context: a\ncontexts:\n- name: a\n  context:\n    namespace: own\n    <<: *c\nclusters:\n- name: ca\n  cluster: {server: https://sa}\n",
    b"x: &c {cluster: ca, namespace: nn}\ny: &d {namespace: dd}\ncurrent-context: a\ncontexts:\n- name: a\n  context:\n    <<: [*d, *c]\nclusters:\n- name: ca\n  cluster: {server: https://sa}\n",
    b"x: &c {cluster: zz}\ny: &c {cluster: ca}\ncurrent-context: a\ncontexts:\n- name: a\n  context: *c\nclusters:\n- name: ca\n  cluster: {server: https://sa}\n",
    b"current-context: a\ncontexts: [\n",
    b"  current-context: a\n  x: y\n",
    b"{current-context: a, contexts: []}\n",
    b"{\n\t\"current-context\": \"a\"\n}\n",
    b"{\"current-context\":\"a\"}",
    b"current-context:a\n",
    b"contexts:\n  - name: a\n    context:\n      cluster: ca\ncurrent-context: a\n",
    b"&k current-context: a\n",
    b"x: &k current-context\n*k : a\n",
    b"current-context: &a\nx: *a\n",
    b"x: &a prod\ncurrent-context: *a\n",
    b"x: &a 5\ncurrent-context: *a\n",
    b"contexts:\n- name: a\n  context:\n    cluster: ca\n- name: b\ncurrent-context: a\n",
    b"current-context: |+\n  a\n\n",
    b"---\tx\n",
    b"--- {current-context: a}\n",
    b"--- current-context: a\n",
    b"x: !!binary \"%%\"\n",
    b"? a\n",
    b"? - a\n: b\n",
    b"contexts:\n-\tname: a\n",
    b"current-context: a\r\nx: y\n\rz: w\n",
    b"kind: true\n",
];

/// A piece of a good kubeconfig, and what takes its place.
const REPLACED: &[(&str, &str)] = &[
    ("\n", "\r\n"),
    ("\n", "\r"),
    ("  context", "\tcontext"),
    ("clusters:", "- name: a\n  context: {cluster: cb}\nclusters:"),
    ("contexts", "Contexts"),
    ("current-context", "Current-Context"),
    ("https://sa", "https://sa, insecure-skip-tls-verify: yes"),
    ("https://sa", "https://sa, insecure-skip-tls-verify: \"true\""),
    ("https://sa", "https://sa, proxy-url: 5"),
    ("namespace: na", "namespace: 12"),
    ("namespace: na", "namespace: default"),
    ("https://sa", "12"),
    ("{server: https://sa}", "{}"),
    ("\n  cluster: {server: https://sa}", ""),
    ("cluster: ca", "cluster: zz"),
    ("cluster: ca,", ""),
    ("cluster: ca", "cluster: "),
    ("current-context: a\n", ""),
    ("current-context: a\n", "current-context: a\n\t\n"),
    ("current-context: a\n", "current-context: a\n\t# x\n"),
    ("current-context: a", "\"current-context\": a"),
    ("current-context: a", "? current-context\n: a"),
    ("current-context: a", "<<: {current-context: a}"),
    ("current-context: a", "current-context:\ta"),
    ("current-context: a", "current-context: zz"),
    ("current-context: a", "current-context:"),
    ("- name", "-\tname"),
    ("https://sa", "\"https://user:secret@sa:6443/path?x=y\""),
    ("https://sa", "\"https://[2001:db8::1]:6443\""),
    ("https://sa", "sa.example:8443"),
    ("https://sa", "\"\""),
    ("name: ca", "name: 5"),
    ("context: {", "context: {unknown: [1], "),
    ("context: {cluster", "context: {Cluster"),
];

#[test]
fn broken_and_odd_files_are_answered_as_kubectl_answers_them() {
    let good = GOOD.as_bytes();
    let value = |value: &[u8]| {
        let (_, rest) = GOOD.split_once('\n').unwrap();
        [b"current-context: ", value, b"\n", rest.as_bytes()].concat()
    };
    let mut files: Vec<Vec<u8>> = vec![good.to_vec()];
    files.extend(AFTER.iter().map(|after| [good, after].concat()));
    files.extend(BEFORE.iter().map(|before| [before, good].concat()));
    files.extend(VALUES.iter().map(|text| value(text)));
    files.extend(ALONE.iter().map(|text| text.to_vec()));
    for (from, to) in REPLACED {
        assert!(GOOD.contains(from), "{from:?}");
        files.push(GOOD.replace(from, to).into_bytes());
    }
    let utf16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{GOOD}").encode_utf16().flat_map(order).collect()
    };
    files.push(utf16(u16::to_le_bytes));
    files.push(utf16(u16::to_be_bytes));
    files.push((0..=255).collect());
    compare(&files.iter().map(|file| single(file)).collect::<Vec<_>>());
}

/// `view --minify` refuses a context whose user is not defined; every other command asks for a name and connects. Where
/// it connects to is known, so nothing is unsure.
#[test]
fn a_user_that_is_not_defined_hides_nothing() {
    let file = GOOD.replace("cluster: ca", "cluster: ca, user: nobody");
    assert_ne!(file, GOOD);
    let (_, home) = single(file.as_bytes());
    let (_, plain) = single(GOOD.as_bytes());
    assert_eq!(by_redtab(&home.readings()), by_redtab(&plain.readings()));
}

/// Kubeconfigs in the shape in which each tool writes them.
const PROVIDERS: &[(&str, &str)] = &[
    (
        "eks",
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTg==
    server: https://0123456789ABCDEF0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com
  name: arn:aws:eks:eu-west-1:123456789012:cluster/acme-prod
contexts:
- context:
    cluster: arn:aws:eks:eu-west-1:123456789012:cluster/acme-prod
    user: arn:aws:eks:eu-west-1:123456789012:cluster/acme-prod
  name: arn:aws:eks:eu-west-1:123456789012:cluster/acme-prod
current-context: arn:aws:eks:eu-west-1:123456789012:cluster/acme-prod
kind: Config
preferences: {}
users:
- name: arn:aws:eks:eu-west-1:123456789012:cluster/acme-prod
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - --region
      - eu-west-1
      - eks
      - get-token
      - --cluster-name
      - acme-prod
      - --output
      - json
      command: aws
      env:
      - name: AWS_PROFILE
        value: acme
",
    ),
    (
        "gke",
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTg==
    server: https://34.76.12.5
  name: gke_acme-prod_europe-west1_main
contexts:
- context:
    cluster: gke_acme-prod_europe-west1_main
    user: gke_acme-prod_europe-west1_main
  name: gke_acme-prod_europe-west1_main
current-context: gke_acme-prod_europe-west1_main
kind: Config
preferences: {}
users:
- name: gke_acme-prod_europe-west1_main
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: gke-gcloud-auth-plugin
      installHint: Install gke-gcloud-auth-plugin for use with kubectl by following
        https://cloud.google.com/blog/products/containers-kubernetes/kubectl-auth-changes-in-gke
      provideClusterInfo: true
",
    ),
    (
        "aks",
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTg==
    server: https://acme-prod-dns-1a2b3c4d.hcp.westeurope.azmk8s.io:443
  name: acme-prod
contexts:
- context:
    cluster: acme-prod
    user: clusterUser_acme-rg_acme-prod
  name: acme-prod
current-context: acme-prod
kind: Config
preferences: {}
users:
- name: clusterUser_acme-rg_acme-prod
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - get-token
      - --server-id
      - 6dae42f8-4368-4678-94ff-3960e28e3630
      command: kubelogin
      env: null
      installHint: |2

        kubelogin is not installed which is required to connect to AAD enabled cluster.

        To learn more, please go to https://aka.ms/aks/kubelogin
      provideClusterInfo: false
",
    ),
    (
        "kind",
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTg==
    server: https://127.0.0.1:35017
  name: kind-dev
contexts:
- context:
    cluster: kind-dev
    user: kind-dev
  name: kind-dev
current-context: kind-dev
kind: Config
preferences: {}
users:
- name: kind-dev
  user:
    client-certificate-data: LS0tLS1CRUdJTg==
    client-key-data: LS0tLS1CRUdJTg==
",
    ),
    (
        "minikube",
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority: /home/dev/.minikube/ca.crt
    extensions:
    - extension:
        last-update: Mon, 06 May 2024 10:11:12 CEST
        provider: minikube.sigs.k8s.io
        version: v1.33.0
      name: cluster_info
    server: https://192.168.49.2:8443
  name: minikube
contexts:
- context:
    cluster: minikube
    extensions:
    - extension:
        last-update: Mon, 06 May 2024 10:11:12 CEST
        provider: minikube.sigs.k8s.io
        version: v1.33.0
      name: context_info
    namespace: default
    user: minikube
  name: minikube
current-context: minikube
kind: Config
preferences: {}
users:
- name: minikube
  user:
    client-certificate: /home/dev/.minikube/profiles/minikube/client.crt
    client-key: /home/dev/.minikube/profiles/minikube/client.key
",
    ),
    (
        "k3s",
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTg==
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: LS0tLS1CRUdJTg==
    client-key-data: LS0tLS1CRUdJTg==
",
    ),
    (
        "openshift",
        "apiVersion: v1
clusters:
- cluster:
    server: https://api.prod.acme.example:6443
  name: api-prod-acme-example:6443
contexts:
- context:
    cluster: api-prod-acme-example:6443
    namespace: shop
    user: alice/api-prod-acme-example:6443
  name: shop/api-prod-acme-example:6443/alice
current-context: shop/api-prod-acme-example:6443/alice
kind: Config
preferences: {}
users:
- name: alice/api-prod-acme-example:6443
  user:
    token: sha256~aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
",
    ),
    (
        "rancher",
        "apiVersion: v1
kind: Config
clusters:
- name: \"prod\"
  cluster:
    server: \"https://rancher.acme.example/k8s/clusters/c-m-abcdefgh\"
- name: \"prod-node1\"
  cluster:
    server: \"https://10.0.0.4:6443\"
    certificate-authority-data: \"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJ2akNDQVdPZ0F3SUJ\\
      BZ0lCQURBS0JnZ3Foa2pPUFFRREFqQkdNUnd3R2dZRFZRUUtFeE5rZVc1aGJXbGoK\"

users:
- name: \"prod\"
  user:
    token: \"kubeconfig-user-abcde:0123456789\"


contexts:
- name: \"prod\"
  context:
    user: \"prod\"
    cluster: \"prod\"
- name: \"prod-node1\"
  context:
    user: \"prod\"
    cluster: \"prod-node1\"

current-context: \"prod\"
",
    ),
    (
        "teleport",
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTg==
    server: https://teleport.acme.example:443
    tls-server-name: kube-teleport-proxy-alpn.teleport.acme.example
  name: teleport.acme.example
contexts:
- context:
    cluster: teleport.acme.example
    extensions:
    - extension: prod-eu
      name: teleport.kube.name
    user: teleport.acme.example-prod-eu
  name: teleport.acme.example-prod-eu
current-context: teleport.acme.example-prod-eu
kind: Config
preferences: {}
users:
- name: teleport.acme.example-prod-eu
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - kube
      - credentials
      - --kube-cluster=prod-eu
      - --teleport-cluster=teleport.acme.example
      command: /usr/local/bin/tsh
      env: null
      provideClusterInfo: false
",
    ),
    (
        "kops",
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTg==
    server: https://api.prod.k8s.local
    tls-server-name: api.internal.prod.k8s.local
  name: prod.k8s.local
contexts:
- context:
    cluster: prod.k8s.local
    user: prod.k8s.local
  name: prod.k8s.local
current-context: prod.k8s.local
kind: Config
preferences: {}
users:
- name: prod.k8s.local
  user:
    client-certificate-data: LS0tLS1CRUdJTg==
    client-key-data: LS0tLS1CRUdJTg==
    password: \"0123\"
    username: admin
",
    ),
];

#[test]
fn every_tools_files_are_answered_as_kubectl_answers_them() {
    let homes: Vec<_> = PROVIDERS
        .iter()
        .map(|(tool, text)| ((*tool).to_owned(), Home::new(None).with(".kube/config", text)))
        .collect();
    for (tool, home) in &homes {
        let Answer::Whole { context, .. } = by_redtab(&home.readings()) else { panic!("{tool}") };
        let said = home.kubectl(&["config", "current-context"]);
        assert_eq!(String::from_utf8_lossy(&said.stdout).trim_end(), context, "{tool}");
    }
    compare(&homes);
}

const OTHER: &str = "current-context: b
contexts:
- name: a
  context: {cluster: cb, namespace: nb}
- name: b
  context: {cluster: ca, namespace: nb}
clusters:
- name: ca
  cluster: {server: https://s2, tls-server-name: x}
- name: cb
  cluster: {server: https://s3}
";

#[test]
fn merged_files_are_answered_as_kubectl_answers_them() {
    let lists = [
        "good:other",
        "other:good",
        "good:good:other",
        "unset:other",
        "empty-name:other",
        "empty:other",
        ":other:",
        ":",
        "::",
        "missing:good",
        "missing",
        "missing:missing",
        "/dev/null",
        "/dev/null:good",
        ".",
        "./good:good",
        "hollow:good",
        "bare:good",
        "~/good",
        "good:",
        " ",
        "good ",
        "$HOME/good",
        "link:other",
        "dangling:other",
        "sub/../good",
        "other:unset",
        "unset",
        "names:other",
        "no-such-dir/x:good",
        "wrong:other",
        "null:other",
    ];
    let home = |list: Option<&str>| {
        let home = Home::new(list)
            .with("good", GOOD)
            .with("other", OTHER)
            .with("unset", GOOD.replace("current-context: a\n", ""))
            .with("empty-name", "current-context: \"\"\n")
            .with("null", "current-context:\ncontexts:\nclusters: []\n")
            .with("names", "current-context: b\n")
            .with("wrong", "current-context: zz\n")
            .with("empty", "")
            .with("broken", "}{")
            .with("hollow", "clusters:\n- name: ca\n")
            .with("bare", "contexts:\n- name: a\n  context:\n")
            .with("sub/x", "");
        symlink("good", home.path().join("link")).unwrap();
        symlink("nothing", home.path().join("dangling")).unwrap();
        home
    };
    let mut homes: Vec<_> = lists.iter().map(|list| ((*list).to_owned(), home(Some(list)))).collect();
    homes.push(("absolute".into(), {
        let mut home = home(None);
        home.kubeconfig = Some(format!("{0}/unset:{0}/other", home.path().display()));
        home
    }));
    homes.push(("unset, nothing there".into(), home(None)));
    homes.push(("unset".into(), home(None).with(".kube/config", GOOD)));
    homes.push(("empty".into(), home(Some("")).with(".kube/config", GOOD)));
    homes
        .push(("named, so the default is not read".into(), home(Some("missing")).with(".kube/config", GOOD)));
    compare(&homes);
    // For one broken file kubectl refuses all; the context that another one names is told all the same.
    for list in ["broken:good", "good:broken", "good:."] {
        let home = home(Some(list));
        assert_eq!(by_kubectl(&home), Answer::Refused, "{list}");
        assert_eq!(by_redtab(&home.readings()), Answer::ContextOnly("a".into()), "{list}");
    }
}

/// A kubeconfig over the size at which the sliced read is tried.
fn large() -> String {
    let mut text = String::from("apiVersion: v1\nclusters:\n");
    for n in 0..200 {
        text += &format!(
            "- cluster:\n    certificate-authority-data: {}\n    server: https://k{n:03}.example:6443\n  name: \
             cluster-{n:03}\n",
            "LS0t".repeat(300)
        );
    }
    text += "contexts:\n";
    for n in 0..200 {
        text += &format!(
            "- context:\n    cluster: cluster-{n:03}\n    namespace: web-{n:03}\n    user: user\n  name: \
             context-{n:03}\n"
        );
    }
    text + "current-context: context-117\nkind: Config\npreferences: {}\nusers:\n- name: user\n  user:\n    token: abc\n"
}

#[test]
fn large_files_are_answered_as_kubectl_answers_them() {
    let changes = [
        ("kind: Config", "kind: Config"),
        ("    token: abc", "    token: 12345"),
        ("context-117\nkind", "cluster-117\nkind"),
        ("name: context-117", "name: context-118"),
        ("namespace: web-117", "namespace: &ns web-117"),
        ("namespace: web-117", "namespace: 117"),
        ("    namespace: web-117", "\tnamespace: web-117"),
        ("name: user\n  user", "name: user\n- name: user\n  user"),
        ("current-context", "current-context: context-003\ncurrent-context"),
        ("    token: abc", "    client-key-data: abc"),
        ("apiVersion: v1", "apiVersion: v2"),
        ("apiVersion: v1", "---\napiVersion: v1"),
    ];
    let large = large();
    assert!(large.len() > 200_000);
    let homes: Vec<_> = changes
        .iter()
        .map(|(from, to)| {
            assert!(large.contains(from), "{from}");
            (format!("{from:?} -> {to:?}"), single(large.replacen(from, to, 1).as_bytes()).1)
        })
        .collect();
    compare(&homes);
}

/// Where redtab is stricter than kubectl, or kubectl would hang: unsure, quickly, with the reason.
#[test]
fn hostile_files_are_unsure() {
    let bomb: String = (1..40).fold("a0: &a0 {k: v}\n".to_owned(), |text, n| {
        let aliases = vec![format!("*a{}", n - 1); 10].join(",");
        text + &format!("a{n}: &a{n} [{aliases}]\n")
    });
    let merges: String = (1..60).fold("a0: &a0 {k: v}\n".to_owned(), |text, n| {
        text + &format!("a{n}: &a{n} {{<<: [*a{0},*a{0}]}}\n", n - 1)
    });
    let cases = [
        ("alias bomb", bomb, "has aliases that multiply without end"),
        ("merge bomb", merges, "has merge keys that multiply without end"),
        (
            "deep flow",
            format!("{GOOD}x: {}", "[".repeat(100_000)),
            "is not valid YAML: recursion limit exceeded",
        ),
        ("deep block", format!("{GOOD}x:\n{}", "- ".repeat(100_000)), "is nested more than 256 levels deep"),
        ("many values", "- a\n".repeat(400_000), "is too large: it holds more than 300,000 values"),
        (
            "many pairs",
            format!("[{}", "a: b,".repeat(400_000)),
            "is too large: it holds more than 200,000 separators",
        ),
        ("too large", format!("# {}", " ".repeat(8 << 20)), "is larger than 8 MiB"),
        (
            "binary tag",
            "current-context: !!binary YWJj\n".into(),
            "has a binary value, which redtab does not read",
        ),
        (
            "mark inside",
            format!("{GOOD}x: a\u{feff}b\n"),
            "is not valid YAML: a byte order mark must not appear inside a document",
        ),
        ("line separator", format!("{GOOD}x: a\u{2028}b\n"), "has an unusual line break"),
    ];
    for (what, text, why) in cases {
        let (_, home) = single(text.as_bytes());
        let whys: Vec<_> = home
            .readings()
            .into_iter()
            .map(|reading| match reading {
                Reading::Unreadable(Trouble { why, .. }) => why,
                other => panic!("{what}: {other:?}"),
            })
            .collect();
        assert_eq!(whys, [why], "{what}");
    }
}

#[test]
fn what_is_no_readable_file_is_unsure() {
    let home = Home::new(None).with("good", GOOD).with("secret", GOOD);
    let path = |name: &str| home.path().join(name);
    assert!(Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
    symlink("/dev/zero", path("zero")).unwrap();
    symlink("loop", path("loop")).unwrap();
    fs::File::create(path("sparse")).unwrap().set_len(10 << 30).unwrap();
    fs::set_permissions(path("secret"), fs::Permissions::from_mode(0o000)).unwrap();
    let mut cases = vec![
        ("fifo", "is a named pipe"),
        ("zero", "is a device"),
        ("loop", "is a loop of symbolic links"),
        ("sparse", "is larger than 8 MiB"),
        (".", "is a directory"),
    ];
    // Root reads everything.
    if fs::read(path("secret")).is_err() {
        cases.push(("secret", "can't be read: permission denied"));
    }
    for (name, why) in cases {
        let home = Home {
            dir: tempfile::tempdir().unwrap(),
            kubeconfig: Some(format!("{}:{}", path(name).display(), path("good").display())),
        };
        let readings = home.readings();
        let trouble = Reading::Unreadable(Trouble {
            source: "kube",
            domain: Domain::Kube,
            what: "file".into(),
            place: Place::File { path: path(name), line: None },
            why: why.into(),
        });
        assert_eq!(readings[0], trouble, "{name}");
        // What the other file says is still told.
        assert_eq!(by_redtab(&readings), Answer::ContextOnly("a".into()), "{name}");
    }
}

fn signal(what: &str, value: &str, label: &str, place: (&Path, Option<usize>), kind: Kind) -> Reading {
    Reading::Found(Signal {
        source: "kube",
        domain: Domain::Kube,
        scope: Scope::Tab,
        what: what.into(),
        value: value.into(),
        label: label.into(),
        place: Place::File { path: place.0.into(), line: place.1 },
        parts: vec![Part::new(kind, value)],
        port: None,
    })
}

#[test]
fn each_signal_says_where_it_stands() {
    let home = Home::new(None).with(".kube/config", PROVIDERS[0].1);
    let path = home.path().join(".kube/config");
    let arn = "arn:aws:eks:eu-west-1:123456789012:cluster/acme-prod";
    let host = "0123456789ABCDEF0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com";
    assert_eq!(
        home.readings(),
        [
            signal("context", arn, "acme-prod", (&path, Some(12)), Kind::KubeContext),
            signal("cluster", arn, "acme-prod", (&path, Some(6)), Kind::KubeCluster),
            signal("server", host, host, (&path, Some(5)), Kind::KubeServer),
        ]
    );
}

#[test]
fn each_signal_of_merged_files_names_its_own_file() {
    let home = Home::new(Some("one:two.yaml"))
        .with("one", "contexts:\n- context:\n    cluster: gke_acme-prod_europe-west1_main\n    namespace: shop\n  name: a\n")
        .with(
            "two.yaml",
            "current-context: a\nclusters:\n- name: gke_acme-prod_europe-west1_main\n  cluster:\n    server: \
             https://admin:hunter2@localhost:8443/k8s?token=hunter2\n",
        );
    let (one, two) = (home.path().join("one"), home.path().join("two.yaml"));
    let cluster = "gke_acme-prod_europe-west1_main";
    let mut server = signal("server", "localhost:8443", "localhost", (&two, Some(5)), Kind::KubeServer);
    if let Reading::Found(signal) = &mut server {
        signal.parts = vec![Part::new(Kind::KubeServer, "localhost")];
        signal.port = Some(8443);
    }
    let readings = home.readings();
    assert_eq!(
        readings,
        [
            signal("context", "a", "a", (&two, Some(1)), Kind::KubeContext),
            signal("cluster", cluster, "acme-prod/main", (&two, Some(3)), Kind::KubeCluster),
            server,
            signal("namespace", "shop", "shop", (&one, Some(4)), Kind::KubeNamespace),
            signal("file", "two.yaml", "two", (&two, None), Kind::KubeFile),
        ]
    );
    assert!(!format!("{readings:?}").contains("hunter2"));
}

#[test]
fn a_server_that_is_no_url_leaks_nothing() {
    let (_, home) = single(GOOD.replace("https://sa", "https://admin:hun/ter2@sa").as_bytes());
    let readings = home.readings();
    assert_eq!(by_redtab(&readings), Answer::ContextOnly("a".into()));
    assert!(!format!("{readings:?}").contains("ter2"), "{readings:?}");
}

#[test]
fn nothing_a_file_names_is_run() {
    let home = Home::new(Some("config"));
    let ran = home.path().join("ran");
    let exec = format!(
        "{GOOD}users:\n- name: u\n  user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: touch, args: \
         [{}]}}}}\n",
        ran.display()
    );
    let home = home.with("config", exec.replace("namespace: na", "namespace: na, user: u"));
    assert!(matches!(by_redtab(&home.readings()), Answer::Whole { .. }));
    assert!(!ran.exists());
}

/// kubectl uses the entries without a name where no context is chosen; `kubectl config` does not show them.
#[test]
fn entries_without_a_name_are_told() {
    let (_, home) = single(
        b"contexts:\n- context: {cluster: prod}\nclusters:\n- name: prod\n  cluster: {server: https://p}\n",
    );
    let path = home.path().join("config");
    assert_eq!(
        home.readings(),
        [
            Reading::Absent { source: "kube", what: "context".into() },
            signal("cluster", "prod", "prod", (&path, Some(4)), Kind::KubeCluster),
            signal("server", "p", "p", (&path, Some(5)), Kind::KubeServer),
            signal("file", "config", "config", (&path, None), Kind::KubeFile),
        ]
    );
}

/// The name of the default file before 2015: kubectl moves it into place when it first runs.
#[test]
fn the_old_default_file_is_read() {
    let home = Home::new(None).with(".kube/.kubeconfig", GOOD);
    assert_eq!(by_redtab(&home.readings()), by_kubectl(&home));
    assert!(matches!(by_redtab(&home.readings()), Answer::Whole { .. }));
}
