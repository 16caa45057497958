//! Passwords and tokens stay where they are: none is in a file that redtab makes, in what it prints, or on a command
//! line or in an environment that it gives to others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use support::{Home, Kind};

/// What must not be found anywhere: each is planted in one place.
const SECRETS: &[&str] = &[
    "hunter2-url",
    "hunter2-colon",
    "hunter2-at",
    "hunter2-query",
    "hunter2-mongo",
    "hunter2-jdbc",
    "hunter2-dsn",
    "hunter2-redis",
    "hunter2-broken",
    "hunter2-pgpassword",
    "hunter2-awskey",
    "hunter2-token",
    "hunter2-userpass",
    "aHVudGVyMi1rZXk",
    "aHVudGVyMi1jZXJ0",
    "hunter2-server",
    "hunter2-execarg",
    "hunter2-proxy",
    "hunter2-dirtoml",
    "hunter2-config",
    "hunter2-vault",
];

/// Variables that hold some of them, in the shapes that people write.
const VARIABLES: &[(&str, &str)] = &[
    ("DATABASE_URL", "postgres://app:hunter2-url@db.prod.acme.example:5432/orders"),
    ("ORDERS_URL", "postgres://app:x:hunter2-colon@db.prod.acme.example/orders"),
    ("STOCK_URL", "mysql://app:p@hunter2-at@db.prod.acme.example/stock"),
    ("USERS_URL", "postgres://db.prod.acme.example/users?user=app&password=hunter2-query&sslmode=require"),
    ("MONGO_URI", "mongodb+srv://app:hunter2-mongo@a.prod.acme.example,b.prod.acme.example/db?x=1"),
    ("REPORTS_URL", "jdbc:sqlserver://db.prod.acme.example;user=sa;password=hunter2-jdbc;databaseName=r"),
    ("CLICKS_DSN", "host=db.prod.acme.example user=app password=hunter2-dsn dbname=clicks"),
    ("CACHE_URL", "redis://:hunter2-redis@cache.prod.acme.example:6379/0"),
    ("BROKEN_URL", "postgres://app:hunter2-broken@[::1/orders"),
    ("PGPASSWORD", "hunter2-pgpassword"),
    ("PGHOST", "db.prod.acme.example"),
    ("AWS_PROFILE", "acme-prod"),
    ("AWS_SECRET_ACCESS_KEY", "hunter2-awskey"),
    ("VAULT_ADDR", "https://app:hunter2-vault@vault.prod.acme.example:8200"),
];

const KUBECONFIG: &str = "apiVersion: v1
kind: Config
clusters:
- cluster:
    server: https://admin:hunter2-server@api.prod.acme.example:6443
    proxy-url: http://proxy:hunter2-proxy@proxy.acme.example:3128
  name: prod
contexts:
- context: {cluster: prod, user: admin, namespace: shop}
  name: prod-eu
current-context: prod-eu
users:
- name: admin
  user:
    token: hunter2-token
    username: admin
    password: hunter2-userpass
    client-key-data: aHVudGVyMi1rZXk=
    client-certificate-data: aHVudGVyMi1jZXJ0
    exec:
      command: get-token
      args: [--password, hunter2-execarg]
";

fn secrets_in(text: &[u8]) -> Vec<&'static str> {
    let holds = |secret: &&str| text.windows(secret.len()).any(|window| window == secret.as_bytes());
    SECRETS.iter().copied().filter(holds).collect()
}

/// Every file below a directory.
fn files(dir: &Path, into: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), into);
        } else if kind.is_file() {
            into.insert(entry.path());
        }
    }
}

fn files_of(home: &Home) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    files(home.path(), &mut all);
    all
}

fn plant(home: &Home) {
    home.write(".kube/config", KUBECONFIG);
    // Mistakes are shown with the line they stand in.
    home.write("app/.redtab.toml", "environment = \"production\"\npassword = \"hunter2-dirtoml\"\n");
    home.write(
        ".config/redtab/config.toml",
        "[[target]]\nsignal = \"url_host\"\nis = \"postgres://app:hunter2-config@db.prod.acme.example/x\"\nenvironment = \"production\"\n",
    );
}

fn no_secret_gets_out(kind: Kind) {
    let home = Home::new();
    plant(&home);
    let exports: Vec<String> = VARIABLES.iter().map(|(name, value)| kind.export(name, value)).collect();
    let vars = home.write("vars", exports.join("\n"));
    let trace = home.join("trace");
    let traced =
        ["strace", "-DDD", "-f", "-qq", "-s", "65536", "-e", "trace=execve", "-e", "signal=none", "-o"];
    let traced: Vec<&str> = traced.into_iter().chain([trace.to_str().unwrap(), "--"]).collect();
    let app = home.join("app");
    let mut start = kind.in_home(&home).cwd(&app).size(50, 200).under(&traced);
    for (name, value) in VARIABLES {
        start = start.env(name, value);
    }
    let planted: BTreeSet<PathBuf> = files_of(&home);
    let mut shell = start.redtab().start();
    shell.enter().unset("DATABASE_URL").unset("PGPASSWORD").source(&vars).expect_production();
    for command in ["status", "status --json", "classify x", "config check", "config show", "config path"] {
        shell.line(&format!("redtab {command}")).enter();
    }
    shell.line("redtab classify --kind url \"$DATABASE_URL\" \"$BROKEN_URL\" \"$USERS_URL\"");
    shell.line("echo \"$CLICKS_DSN\" | redtab classify --stdin --json").enter();
    let typed_or_said = shell.raw();
    drop(shell);

    // A name given to `classify` is given back: that is its answer. Nothing else is.
    let said = String::from_utf8_lossy(&typed_or_said);
    let leaks: Vec<&str> = said.lines().filter(|line| !secrets_in(line.as_bytes()).is_empty()).collect();
    assert!(leaks.is_empty(), "on the screen: {leaks:#?}");
    assert!(said.contains("db.prod.acme.example/orders") && said.contains("***"), "what was read is shown");

    let trace_text = fs::read(&trace).unwrap();
    let execs = String::from_utf8_lossy(&trace_text);
    let arguments =
        execs.lines().filter_map(|line| line.split_once("execve(")?.1.split_once("], ")).map(|(a, _)| a);
    let redtabs: Vec<&str> =
        arguments.filter(|argv| argv.contains("/redtab\"") && !argv.contains("classify")).collect();
    assert!(redtabs.len() > 8, "{redtabs:#?}");
    for argv in redtabs {
        assert_eq!(secrets_in(argv.as_bytes()), Vec::<&str>::new(), "{argv}");
    }

    let made: Vec<PathBuf> =
        files_of(&home).difference(&planted).filter(|path| **path != trace).cloned().collect();
    assert!(made.iter().any(|path| path.starts_with(home.run_dir())), "redtab made something: {made:#?}");
    for path in made.iter().filter(|path| is_redtabs(&home, path)) {
        assert_eq!(secrets_in(&fs::read(path).unwrap()), Vec::<&str>::new(), "{}", path.display());
    }
}

/// The shells' own histories and the rc file are not redtab's.
fn is_redtabs(home: &Home, path: &Path) -> bool {
    path.starts_with(home.run_dir()) || path.components().any(|part| part.as_os_str() == "redtab")
}

in_every_shell! { no_secret_gets_out }
