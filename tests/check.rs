//! The accident, decided: every way to stand on production, flagged and not, and every line that goes there from a
//! clear tab. Through the real binary, in homes of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::io::Write;
use std::process::Stdio;

use support::Home;

/// A home with a flagged and an unflagged script that would delete things, a harmless one, and two `.env` files.
fn home() -> Home {
    let home = Home::new();
    home.executable("app/cleanup.sh", "#!/bin/bash\n# redtab: local-only\npsql -c 'select 1'\n");
    home.executable("app/wipe-orders.sh", "#!/bin/bash\nset -e\ndropdb orders\n");
    home.executable("app/deploy.sh", "#!/bin/bash\necho deploying\n");
    home.executable("prod-app/cleanup.sh", "#!/bin/bash\n# redtab: local-only\n");
    home.write("prod-app/.redtab.toml", "environment = \"production\"\n");
    home.write("app/.env.prod", "DATABASE_URL=postgres://app:hunter2hunter2@db.prod.acme.example/orders\n");
    home.write("app/Makefile", "# redtab: local-only\nclean:\n\trm -f x\n");
    home.kubeconfig(".kube/config", &["dev-eu", "prod-eu"], "dev-eu");
    home
}

/// The decision's word for a line, with the exit code that belongs to it.
fn decide(home: &Home, vars: &[(&str, &str)], line: &str) -> String {
    let mut child = home
        .command("redtab")
        .arg("check")
        .current_dir(home.join("app"))
        .envs(vars.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains("hunter2"), "{said}");
    let word = said.lines().next().unwrap_or_default().to_string();
    let code = if matches!(word.as_str(), "allow" | "warn") { 0 } else { 77 };
    assert_eq!(output.status.code(), Some(code), "{line}: {said}{}", String::from_utf8_lossy(&output.stderr));
    word
}

/// What a line names by a variable, by what prints a name, or by a pattern that a program matches.
#[test]
fn what_only_the_shell_can_name_is_looked_up_or_asked_about() {
    let home = home();
    home.write("app/.git/HEAD", "ref: refs/heads/main\n");
    home.write("app/more/a.txt", "x\n");
    for name in ["large.sh", "later.sh"] {
        home.write(&format!("app/{name}"), format!("# redtab: local-only\n{}", "# x\n".repeat(700_000)));
    }
    home.write("app/more/deep/wipe.sh", "dropdb orders\n");
    let dir = home.join("app").display().to_string();
    let vars = [("KUBECONFIG", ".prod-kube"), ("APP", &dir), ("F", "cleanup.sh"), ("G", "deploy.sh")];
    let vars = [
        &vars[..],
        &[
            ("EMPTY", ""),
            ("GLOB", "/bin/ni?e"),
            ("_", "echo"),
            ("WIDE", "nice -n 5"),
            ("HALF", "nice -n "),
            ("COMMA", "nice,-n,5"),
            ("DRY", "echo"),
            ("LIST", "./deploy.sh ./cleanup.sh"),
            ("PATTERN", "clean*.sh"),
        ],
    ]
    .concat();
    home.kubeconfig("app/.prod-kube", &["prod-eu"], "prod-eu");
    for (line, decision) in [
        ("$APP/cleanup.sh", "block"),
        ("bash \"$F\"", "block"),
        ("\"${APP}/wipe-orders.sh\"", "confirm"),
        ("sh $G", "allow"),
        ("$APP/deploy.sh", "allow"),
        ("$(git rev-parse --show-toplevel)/cleanup.sh", "block"),
        ("cd more && $(git rev-parse --show-toplevel)/cleanup.sh", "block"),
        ("$(pwd)/cleanup.sh", "block"),
        ("$NOWHERE/cleanup.sh", "block"),
        ("$NOWHERE/deploy.sh", "allow"),
        ("$NOWHERE/reset-all.sh", "confirm"),
        ("bash $NOWHERE/deploy.sh", "allow"),
        ("bash $NOWHERE/reset-all.sh", "confirm"),
        ("bash $NOWHERE", "allow"),
        ("bash $(cat list)", "allow"),
        ("$EDITOR x", "allow"),
        ("$(which ls) x", "allow"),
        ("find . -name '*.sh' -exec sh {} \\;", "block"),
        ("find more -name wipe.sh -exec {} \\;", "confirm"),
        ("find more -name '*.txt' -exec sh {} \\;", "allow"),
        ("bash wipe*", "confirm"),
        ("bash dep*", "allow"),
        (". $NOWHERE/cleanup.sh", "block"),
        // What is believed of a variable must be what the line will have.
        ("ls ./cleanup.sh && $_", "block"),
        ("$EMPTY ./cleanup.sh", "block"),
        ("$EMPTY$EMPTY ./cleanup.sh", "block"),
        ("x=; $x ./cleanup.sh", "block"),
        ("$GLOB ./cleanup.sh", "block"),
        ("$(echo 'sh ./cleanup.sh')", "block"),
        ("$(echo) ./cleanup.sh", "block"),
        ("$(echo 'nice -n 5') ./cleanup.sh", "block"),
        ("$(echo './clean*.sh')", "block"),
        ("n=F; printf -v $n ./cleanup.sh; sh $F", "block"),
        ("printf -vG ./cleanup.sh; sh $G", "block"),
        ("declare -n r=G; r=./cleanup.sh; sh $G", "block"),
        ("read $n <<<./cleanup.sh; sh $G", "block"),
        ("read $n <<<G; sh $G; sh ./cleanup.sh", "block"),
        ("sudo bash -c '$G ./cleanup.sh'", "block"),
        ("bash -lc '$G ./cleanup.sh'", "block"),
        ("fish -c '$G ./cleanup.sh'", "block"),
        ("$WIDE\"\" ./cleanup.sh", "block"),
        ("$HALF\"5\" ./cleanup.sh", "block"),
        ("IFS=,; $COMMA ./cleanup.sh", "block"),
        ("unset \"${!DR@}\"; $DRY ./cleanup.sh", "block"),
        ("unset $(cat names); $DRY ./cleanup.sh", "block"),
        ("$(which bat) ./cleanup.sh", "block"),
        ("$(readlink -e nothere) ./cleanup.sh", "block"),
        ("$(basename '/bin/nice -n5') ./cleanup.sh", "block"),
        ("bash <$F", "block"),
        ("for f in $LIST; do sh $f; done", "block"),
        ("sh $PATTERN", "block"),
        ("x=1; $DRY ./cleanup.sh", "allow"),
        ("${DRY:-sh} ./cleanup.sh", "allow"),
        ("eval \"$(cat x)$NOWHERE\"; $DRY ./cleanup.sh", "block"),
        ("eval \"$NOWHERE\"; $DRY ./cleanup.sh", "block"),
        ("sudo $NOWHERE; for f in $LIST; do sh $f; done", "block"),
        ("perl -Mstrict cleanup.sh", "block"),
        ("ruby -Isrc cleanup.sh", "block"),
        ("perl -wc cleanup.sh", "allow"),
        ("sh $NOWHERE/large.sh", "block"),
        ("sh lar*", "block"),
        ("sh l*.sh", "block"),
        ("${NOWHERE:-sh} ./cleanup.sh", "block"),
        // A pattern that a program matches is that program.
        ("/bin/ba?h ./cleanup.sh", "block"),
        ("find . \\( -name '*.txt' -o -name '*.sh' \\) -exec sh {} \\;", "block"),
        ("find more -path '*/deploy.sh' -exec bash {} \\;", "allow"),
        ("ruby -wc wipe*", "allow"),
        ("$(npm bin)/clean-css x", "allow"),
    ] {
        assert_eq!(decide(&home, &vars, line), decision, "{line}");
    }
    // In a clear tab nothing of it is asked, and what a variable says of the target counts.
    let dev = [
        ("C", "prod-eu"),
        ("D", "dev-eu"),
        ("KEYCLOAK_CTX", "prod-eu"),
        ("URL", "postgres://u:hunter2@db.prod.acme.example/x"),
    ];
    for (line, decision) in [
        ("$NOWHERE/reset-all.sh", "allow"),
        ("kubectl --context $C delete ns x", "confirm"),
        ("kubectl --context $D delete ns x", "allow"),
        ("kubectl --context ${C:-dev-eu} delete ns x", "confirm"),
        ("kubectl --context $KEYCLOAK_CTX delete ns x", "confirm"),
        ("while read n; do kubectl --context $C delete ns $n; done <list", "confirm"),
        ("psql \"$URL\" -c 'drop table x'", "confirm"),
    ] {
        assert_eq!(decide(&home, &dev, line), decision, "{line}");
    }
    let red = [("KUBECONFIG", ".prod-kube"), ("D", "dev-eu")];
    assert_eq!(decide(&home, &red, "kubectl --context $D delete ns x"), "allow");
    // What stands in a variable is not shown.
    let secrets = [
        ("CONN", "host=prod-db password=hunter2 dbname=x"),
        ("TWO", "--password=hunter2 --site=https://x"),
        ("PW", "hunter2-prod"),
    ];
    let nested = [
        "bash -c \"dropdb $TWO\"",
        "bash -c \"dropdb '$CONN'\"",
        "eval \"dropdb $CONN\"",
        "X=$CONN; dropdb $X",
        "f() { dropdb $1; }; f \"$CONN\"",
        "dropdb x-$CONN",
        "psql -d $CONN -c 'drop table x'",
    ];
    let red = [("KUBECONFIG", "/dev/null"), ("PGHOST", "prod-db"), secrets[0], secrets[1]];
    for line in nested {
        assert_eq!(decide(&home, &red, line), "confirm", "{line}");
    }
    for line in [
        "dropdb \"$CONN\"",
        "aws s3 rm --recursive s3://acme-prod-x --sse-c-k $PW",
        "psql \"$CONN\" -c 'drop table x'",
    ] {
        assert_eq!(decide(&home, &secrets, line), "confirm", "{line}");
    }
}

#[test]
fn on_production_a_flagged_script_never_runs_and_an_unflagged_one_is_asked_about() {
    let home = home();
    home.write("broken", "contexts: [");
    home.kubeconfig("prod-kube", &["prod-eu"], "prod-eu");
    let prod_kube = home.join("prod-kube");
    let broken = home.join("broken");
    let ways: &[(&str, &str)] = &[
        ("KUBECONFIG", prod_kube.to_str().unwrap()),
        ("APP_ENV", "production"),
        ("AWS_PROFILE", "acme-prod"),
        ("DATABASE_URL", "postgres://u:hunter2hunter2@db.prod.acme.example/x"),
        ("KUBECONFIG", broken.to_str().unwrap()),
    ];
    for way in ways {
        for (line, decision) in [
            ("./cleanup.sh", "block"),
            ("bash cleanup.sh", "block"),
            ("sudo -u ana ./cleanup.sh --all", "block"),
            ("true && (./cleanup.sh | cat)", "block"),
            ("make clean", "block"),
            ("./wipe-orders.sh", "confirm"),
            ("bash -c ./wipe-orders.sh", "confirm"),
            ("./deploy.sh", "allow"),
            // These decide for themselves.
            ("redtab run --here ./cleanup.sh", "allow"),
            ("redtab lease 30m why", "allow"),
            ("cat cleanup.sh", "allow"),
            ("bash -n ./cleanup.sh", "allow"),
            ("echo ./cleanup.sh", "allow"),
            ("ls", "allow"),
            ("", "allow"),
        ] {
            assert_eq!(decide(&home, &[*way], line), decision, "{way:?}: {line}");
        }
    }
}

#[test]
fn from_a_clear_tab_the_line_itself_decides() {
    let home = home();
    for (line, decision) in [
        ("./cleanup.sh", "allow"),
        ("./wipe-orders.sh", "allow"),
        ("make clean", "allow"),
        ("n=$(nproc); ./cleanup.sh", "allow"),
        ("AWS_PROFILE=$(pick) ./cleanup.sh", "block"),
        ("AWS_PROFILE=prod ./cleanup.sh", "block"),
        ("AWS_PROFILE=dev ./cleanup.sh", "allow"),
        ("kubectx prod-eu && ./cleanup.sh", "block"),
        ("kubectl config use-context prod-eu; ./cleanup.sh", "block"),
        ("kubectl config use-context dev-eu; ./cleanup.sh", "allow"),
        (". ./.env.prod; ./cleanup.sh", "block"),
        ("set -a; source .env.prod; set +a; ./cleanup.sh", "block"),
        ("cd ../prod-app && ./cleanup.sh", "block"),
        ("../prod-app/cleanup.sh", "block"),
        ("env $(cat .env.prod) ./cleanup.sh", "block"),
        ("aws-vault exec prod -- ./cleanup.sh", "block"),
        ("REDTAB=off ./cleanup.sh", "allow"),
        ("REDTAB=off AWS_PROFILE=prod ./cleanup.sh", "block"),
        ("export AWS_PROFILE=prod; ./wipe-orders.sh", "confirm"),
        ("kubectl --context prod-eu delete ns payments", "confirm"),
        ("kubectl --context dev-eu delete ns payments", "allow"),
        ("kubectl delete ns payments", "allow"),
        ("kubectl --context prod-eu get pods", "allow"),
        ("psql -h db.prod.acme.example -c 'drop table orders'", "confirm"),
        ("psql -h db.prod.acme.example", "allow"),
        ("psql -h localhost -c 'drop table orders'", "allow"),
    ] {
        assert_eq!(decide(&home, &[], line), decision, "{line}");
    }
}

#[test]
fn a_target_on_the_line_overrules_a_red_tab() {
    let home = home();
    home.kubeconfig("prod-kube", &["dev-eu", "prod-eu"], "prod-eu");
    let prod_kube = home.join("prod-kube");
    let red = [("KUBECONFIG", prod_kube.to_str().unwrap())];
    for (line, decision) in [
        ("kubectl delete ns payments", "confirm"),
        ("kubectl --context dev-eu delete ns payments", "allow"),
        ("kubectl apply -f x.yaml", "warn"),
        ("kubectl get pods", "allow"),
        ("kubectl logs -f x", "allow"),
        ("psql -h localhost -c 'drop table orders'", "allow"),
        ("terraform destroy", "allow"),
    ] {
        assert_eq!(decide(&home, &red, line), decision, "{line}");
    }
}

#[test]
fn an_address_in_the_environment_beats_the_host_on_a_line() {
    let home = home();
    home.write(
        ".config/redtab/config.toml",
        "[[target]]\nsignal = \"url_host\"\nis = \"192.0.2.7\"\nenvironment = \"production\"\n",
    );
    for line in
        ["psql -h dev-db -c 'drop table x'", "dropdb -h dev-db orders", "psql -h dev-db <<< 'drop table x'"]
    {
        assert_eq!(decide(&home, &[("PGHOSTADDR", "192.0.2.7")], line), "confirm", "{line}");
        for vars in [&[("PGHOSTADDR", "192.0.2.8")], &[("PGHOST", "192.0.2.7")], &[("PGHOSTADDR", "")]] {
            assert_eq!(decide(&home, vars, line), "allow", "{line} {vars:?}");
        }
    }
    // libpq alone reads it.
    assert_eq!(decide(&home, &[("PGHOSTADDR", "192.0.2.7")], "mysql -h dev-db -e 'drop table x'"), "allow");
}

#[test]
fn of_a_script_on_another_host_the_name_speaks() {
    let home = home();
    for (line, decision) in [
        ("ssh prod-web ./cleanup.sh", "confirm"),
        ("ssh prod-web 'cd /srv && sudo bash reset_db.sh --yes'", "confirm"),
        ("ssh prod-web ./deploy.sh", "allow"),
        ("ssh prod-web clean", "allow"),
        ("ssh prod-web", "allow"),
        ("ssh dev-web ./cleanup.sh", "allow"),
        ("ssh prod-web cat cleanup.sh", "allow"),
        ("ssh prod-web 'vi cleanup.sh; ls'", "allow"),
    ] {
        assert_eq!(decide(&home, &[], line), decision, "{line}");
    }
}

/// A namespace, a database or a user says what is meant, not whose it is: the tab's own target still counts.
#[test]
fn what_only_narrows_a_target_overrules_nothing() {
    let home = home();
    home.kubeconfig("prod-kube", &["dev-eu", "prod-eu"], "prod-eu");
    home.kubeconfig("other-kube", &["k-1"], "k-1");
    home.write("infra/prod/main.tf", "");
    home.write("app/infra/.terraform/environment", "live");
    home.write(
        ".aws/config",
        "[profile shop]\nsso_account_id = 111122223333\n[profile lab]\nsso_account_id = 444455556666\n",
    );
    home.write(
        ".config/redtab/config.toml",
        "[[target]]\nsignal = \"aws_account\"\nis = \"111122223333\"\nenvironment = \"production\"\n\
         [[target]]\nsignal = \"aws_account\"\nis = \"444455556666\"\nenvironment = \"safe\"\n",
    );
    let prod_kube = home.join("prod-kube");
    let kube = [("KUBECONFIG", prod_kube.to_str().unwrap())];
    let database = [("PGHOST", "prod-db"), ("MYSQL_HOST", "prod-db")];
    let account = [("AWS_PROFILE", "shop")];
    for (vars, line, decision) in [
        (&kube[..], "kubectl -n payments delete ns x", "confirm"),
        (&kube, "kubectl delete deploy,svc --all --namespace=payments", "confirm"),
        (&kube, "kubectl -n \"$NS\" delete deploy x", "confirm"),
        (&kube, "helm -n payments uninstall x", "confirm"),
        (&kube, "kubectl --context dev-eu -n payments delete ns x", "allow"),
        (&kube, "kubectl --kubeconfig ../other-kube -n payments delete ns x", "allow"),
        (&[], "kubectl --kubeconfig ../other-kube delete ns x", "allow"),
        (&[], "kubectl --kubeconfig ../prod-kube delete ns x", "confirm"),
        (&[], "kubectl --kubeconfig ../prod-kube --context dev-eu delete ns x", "allow"),
        (&[], "kubectl -n production delete ns x", "confirm"),
        (&database, "psql orders -c 'drop table a'", "confirm"),
        (&database, "psql -U app -d orders -c 'drop table a'", "confirm"),
        (&database, "dropdb orders", "confirm"),
        (&database, "mysql shop -e 'drop table a'", "confirm"),
        (&database, "psql -h db.dev.acme.example orders -c 'drop table a'", "allow"),
        (&[], "psql orders -c 'drop table a'", "allow"),
        (&account, "aws ec2 terminate-instances --instance-ids i-1", "confirm"),
        (&account, "aws --profile lab ec2 terminate-instances --instance-ids i-1", "allow"),
        (&[], "aws --profile shop ec2 terminate-instances --instance-ids i-1", "confirm"),
        (&[], "aws s3 rb s3://acme-prod-assets --force", "confirm"),
        (&[], "aws rds delete-db-instance --db-instance-identifier prod-db", "confirm"),
        (&[], "aws rds delete-db-instance --db-instance-identifier product-db", "allow"),
        (&[], "aws rds delete-db-instance --db-instance-identifier x --token prod-hunter2", "allow"),
        (&[], "aws rds delete-db-instance --db-instance-identifier x --token=prod-hunter2", "allow"),
        (&[], "gcloud sql instances delete prod-db", "confirm"),
        (&[], "kubectl delete ns production", "confirm"),
        (&[], "kubectl --context dev-eu delete ns production", "allow"),
        (&[], "kubectl describe ns production", "allow"),
        (&[], "terraform -chdir=infra destroy", "confirm"),
        (&[], "terraform destroy", "allow"),
        (&[("TF_WORKSPACE", "live")], "terraform destroy -var-file=dev.tfvars", "confirm"),
    ] {
        assert_eq!(decide(&home, vars, line), decision, "{vars:?} {line}");
    }
}

#[test]
fn a_line_too_long_to_read_is_asked_about_where_it_is_hot() {
    let home = home();
    let line = format!("echo {}", "x".repeat(1024 * 1024));
    assert_eq!(decide(&home, &[("APP_ENV", "production")], &line), "confirm");
    assert_eq!(decide(&home, &[], &line), "allow");
}

#[test]
fn require_local_speaks_for_scripts() {
    let home = home();
    let require = |vars: &[(&str, &str)]| {
        home.command("redtab").args(["require", "local"]).envs(vars.iter().copied()).output().unwrap()
    };
    assert_eq!(require(&[]).status.code(), Some(0));
    let refused = require(&[("APP_ENV", "production"), ("REDTAB", "off")]);
    assert_eq!(refused.status.code(), Some(77));
    let said = String::from_utf8(refused.stderr).unwrap();
    let way = "        Not production?  redtab mark safe env_value production\n";
    assert_eq!(said, format!("redtab: this points at production: env APP_ENV production (APP_ENV)\n{way}"));
}

#[test]
fn flag_and_unflag_leave_the_rest_of_a_script_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = home();
    let run =
        |args: &[&str]| home.command("redtab").args(args).current_dir(home.join("app")).output().unwrap();
    let before = std::fs::read_to_string(home.join("app/deploy.sh")).unwrap();
    assert!(run(&["flag", "deploy.sh"]).status.success());
    assert_eq!(decide(&home, &[("APP_ENV", "production")], "./deploy.sh"), "block");
    let mode = std::fs::metadata(home.join("app/deploy.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
    assert!(run(&["unflag", "deploy.sh"]).status.success());
    assert_eq!(std::fs::read_to_string(home.join("app/deploy.sh")).unwrap(), before);
    let refused = run(&["flag", "missing.sh", ".env.prod"]);
    assert_eq!(refused.status.code(), Some(1));
}

#[test]
fn a_task_is_what_its_lines_are() {
    let home = home();
    home.write(
        "tasks/Makefile",
        "db:\n\tdropdb orders\nrelease: ; ../app/deploy.sh\nflag:\n\t../app/cleanup.sh\ninclude gone.mk\n",
    );
    home.write("tasks/justfile", "db:\n    dropdb orders\nflag: other\nother:\n    ../app/cleanup.sh\n");
    home.write(
        "tasks/Taskfile.yml",
        "tasks:\n  db:\n    cmds:\n      - dropdb orders\n  ls:\n    cmds: \n      - ls\n",
    );
    home.write("tasks/Rakefile", "task :db do\n  sh 'dropdb orders'\nend\ntask :ls do\n  sh 'ls'\nend\n");
    home.write(
        "tasks/mise.toml",
        "[tasks.db]\nrun = \"dropdb orders\"\n[tasks.flag]\nrun = [\"../app/cleanup.sh\"]\n",
    );
    home.executable("tasks/mise-tasks/flagged", "#!/bin/sh\n# redtab: local-only\n");
    home.write(
        "tasks/package.json",
        r#"{"scripts": {"db": "dropdb orders", "predeploy": "make flag", "deploy": "ls", "ls": "ls"}}"#,
    );
    let red = [("APP_ENV", "production")];
    for (line, decision) in [
        ("make db", "confirm"),
        ("make", "confirm"),
        ("make release", "allow"),
        ("make flag", "block"),
        ("make -n flag", "allow"),
        // It may be in the file that can't be read.
        ("make nosuch", "confirm"),
        ("just db", "confirm"),
        ("just flag", "block"),
        ("just -n flag", "allow"),
        ("task db", "confirm"),
        ("task ls", "allow"),
        ("rake db", "confirm"),
        ("rake ls", "allow"),
        ("bundle exec rake db", "confirm"),
        ("bundle exec rake ls", "allow"),
        ("mise run db", "confirm"),
        ("mise run flag", "block"),
        ("mise run flagged", "block"),
        ("npm run db", "confirm"),
        ("npm run deploy", "block"),
        ("npm run ls", "allow"),
        ("yarn ls", "allow"),
        ("yarn db", "confirm"),
        ("cargo xtask reset", "confirm"),
        ("cargo reset-db", "confirm"),
        ("cargo xtask build", "allow"),
        ("cargo clean", "allow"),
        ("cargo build", "allow"),
    ] {
        assert_eq!(decide(&home, &red, &format!("cd ../tasks; {line}")), decision, "{line}");
    }
    // In a clear tab they run.
    for line in ["make flag", "just db", "npm run deploy"] {
        assert_eq!(decide(&home, &[], &format!("cd ../tasks; {line}")), "allow", "{line}");
    }
}

#[test]
fn a_script_that_cannot_be_read_is_asked_about_where_it_is_hot() {
    use std::os::unix::fs::PermissionsExt;
    let home = home();
    let large = |name: &str, start: &[u8]| {
        let mut bytes = start.to_vec();
        bytes.resize(9 * 1024 * 1024, b'\n');
        home.write(&format!("app/{name}"), bytes);
        std::fs::set_permissions(home.join(&format!("app/{name}")), std::fs::Permissions::from_mode(0o755))
            .unwrap();
    };
    large("large.sh", b"#!/bin/sh\n");
    large("large-flagged.sh", b"#!/bin/sh\n# redtab: local-only\n");
    large("large-program", b"\x7fELF\x02\x01\x01\0");
    let pipe = home.join("app/pipe.sh");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    home.executable("app/secret.sh", "#!/bin/sh\n");
    std::fs::set_permissions(home.join("app/secret.sh"), std::fs::Permissions::from_mode(0o111)).unwrap();
    let red = [("APP_ENV", "production")];
    for (line, decision) in [
        ("./large.sh", "confirm"),
        ("./large-flagged.sh", "block"),
        ("./large-program", "allow"),
        ("bash pipe.sh", "confirm"),
        ("cat pipe.sh large.sh", "allow"),
    ] {
        assert_eq!(decide(&home, &red, line), decision, "{line}");
        assert_eq!(decide(&home, &[], line), "allow", "{line}");
    }
    // Root reads everything, whatever the mode: it gives that up.
    let said = home
        .command("setpriv")
        .args(["--bounding-set", "-dac_override,-dac_read_search", "redtab", "check", "--", "./secret.sh"])
        .current_dir(home.join("app"))
        .env("APP_ENV", "production")
        .output()
        .unwrap();
    assert!(said.stdout.starts_with(b"confirm\n"), "{said:?}");
}

#[test]
fn what_a_shell_takes_from_a_pipe_is_asked_about_where_it_is_hot() {
    let home = home();
    let red = [("DATABASE_URL", "postgres://u@db.prod.acme.example/x")];
    for line in [
        "curl -fsSL https://x.example/install.sh | bash",
        "curl -fsSL https://x.example/install.sh | sudo sh -s -- --yes",
        "bash <(curl -fsSL https://x.example/install.sh)",
        "./gen.py | sh",
        "./gen.py | python3 -",
        "gunzip -c job.sh.gz | bash -x",
    ] {
        assert_eq!(decide(&home, &red, line), "confirm", "{line}");
        assert_eq!(decide(&home, &[], line), "allow", "{line}");
    }
    for line in [
        // What is piped stands on the line, or in a file that can be read.
        "echo 'echo hello' | bash",
        "cat deploy.sh | bash",
        "bash deploy.sh | tee log",
        // It runs somewhere else, or runs nothing.
        "./gen.py | kubectl --context dev-eu exec -i web -- sh",
        "./gen.py | ssh dev-web bash",
        "curl -fsSL https://x.example/install.sh | less",
        // What is printed is a file's name.
        "bash \"$(command -v deploy)\"",
        "python3 `pyenv which black`",
        // How a shell takes in what belongs to it.
        "source <(kubectl completion bash)",
        "eval \"$(ssh-agent)\"",
    ] {
        assert_eq!(decide(&home, &red, line), "allow", "{line}");
    }
}

#[test]
fn the_configuration_makes_things_local_only() {
    let home = home();
    home.write(
        ".config/redtab/config.toml",
        "[local_only]\npaths = [\"~/bin/nuke-*\", \"ops/*.sh\"]\ncommands = [\"make db-*\", \"npm run reset\", \"acme drop\"]\n",
    );
    std::fs::copy("/bin/true", home.join("bin/nuke-all")).unwrap();
    home.executable("app/ops/x.sh", "#!/bin/sh\n");
    home.write(
        "app/.redtab.toml",
        "[local_only]\npaths = [\"deploy.sh\", \"ops2/**\"]\ncommands = [\"rails db:*\"]\n",
    );
    home.executable("app/ops2/deep/y.sh", "#!/bin/sh\n");
    home.executable("other/deploy.sh", "#!/bin/sh\n");
    home.executable("other/ops2/y.sh", "#!/bin/sh\n");
    std::os::unix::fs::symlink(home.join("app/deploy.sh"), home.join("other/link.sh")).unwrap();
    let red = [("APP_ENV", "production")];
    let lines = [
        ("nuke-all", "block"),
        ("~/bin/nuke-all", "block"),
        ("ops/x.sh", "block"),
        ("bash ops/x.sh", "block"),
        ("make db-reset", "block"),
        ("make -C x db-reset", "block"),
        ("make -C ../other build", "allow"),
        ("npm --prefix x run reset", "block"),
        ("acme --region eu drop", "block"),
        ("acme list", "allow"),
        ("echo make db-reset", "allow"),
        ("./deploy.sh", "block"),
        ("ops2/deep/y.sh", "block"),
        ("rails db:drop", "block"),
        ("cd ../other && rails db:version", "allow"),
        // What a tree declares holds in that tree alone.
        ("../other/deploy.sh", "allow"),
        ("../other/ops2/y.sh", "allow"),
        ("../other/link.sh", "block"),
    ];
    for (line, decision) in lines {
        assert_eq!(decide(&home, &red, line), decision, "{line}");
        assert_eq!(decide(&home, &[], line), "allow", "{line}");
    }
    let why = |line: &str| {
        let mut command = home.command("redtab");
        command.args(["check", "--", line]).current_dir(home.join("app")).env("APP_ENV", "production");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(why("nuke-all").contains("(~/.config/redtab/config.toml:2)"), "{}", why("nuke-all"));
    assert!(why("make db-reset").contains("(~/.config/redtab/config.toml:3)"), "{}", why("make db-reset"));
    assert!(why("./deploy.sh").contains("(~/app/.redtab.toml)"), "{}", why("./deploy.sh"));
}

#[test]
fn rules_of_the_configuration_count_in_their_domain() {
    let home = home();
    home.write(
        ".config/redtab/config.toml",
        "[[rule]]\nname = \"acme-purge\"\nprograms = [\"acme\", \"acmectl\"]\nwords = [\"tenant|tenants\", \"purge\"]\n\
         unless = [\"--dry-run\"]\ndomain = \"app\"\nsays = \"deletes every tenant\"\ninstead = \"acme tenant archive\"\n\
         [[rule]]\nname = \"acme-roll\"\nprograms = [\"acme\"]\nwords = [\"roll\"]\nlevel = \"warn\"\n",
    );
    let red = [("APP_ENV", "production")];
    for (line, decision) in [
        ("acme tenant purge x", "confirm"),
        ("sudo acmectl --region eu tenants purge", "confirm"),
        ("acme tenant purge --dry-run", "allow"),
        ("acme roll", "warn"),
        ("acme tenant list", "allow"),
        ("echo acme tenant purge", "allow"),
    ] {
        assert_eq!(decide(&home, &red, line), decision, "{line}");
        assert_eq!(decide(&home, &[], line), "allow", "{line}");
    }
    let mut said = home.command("redtab");
    said.args(["check", "--", "acme tenant purge"]).env("APP_ENV", "production");
    let said = String::from_utf8(said.output().unwrap().stdout).unwrap();
    assert!(said.contains("deletes every tenant") && said.contains("safer: acme tenant archive"), "{said}");
}

#[test]
fn a_mornings_deploy_meets_no_question() {
    let home = home();
    home.kubeconfig("prod-kube", &["dev-eu", "prod-eu"], "prod-eu");
    let red = [("KUBECONFIG", home.join("prod-kube").display().to_string())];
    let red = [(red[0].0, red[0].1.as_str()), ("APP_ENV", "production"), ("AWS_PROFILE", "acme-prod")];
    for line in [
        "git pull && git log -3",
        "kubectl config current-context",
        "kubectl get pods -A | grep web",
        "kubectl diff -f k8s/",
        "kubectl apply -f k8s/",
        "kubectl apply -k overlays/prod",
        "kubectl set image deploy/web web=web:1.2.3",
        "kubectl rollout status deploy/web",
        "kubectl rollout restart deploy/web",
        "kubectl rollout undo deploy/web",
        "kubectl scale deploy/web --replicas=4",
        "kubectl logs -f deploy/web --since=5m",
        "kubectl exec -it deploy/web -- sh",
        "kubectl exec deploy/web -- cat /etc/hosts",
        "kubectl port-forward svc/web 8080:80",
        "kubectl describe pod web-1",
        "kubectl delete pod web-1",
        "kubectl annotate deploy/web x=y",
        "helm diff upgrade web ./chart",
        "helm upgrade --install web ./chart -f values.yaml",
        "helm rollback web 3",
        "helm history web",
        "terraform plan -out=p",
        "terraform apply p",
        "aws ecs update-service --cluster c --service s --force-new-deployment",
        "aws s3 cp build.tgz s3://acme/releases/",
        "aws logs tail /ecs/web --follow",
        "argocd app sync web",
        "psql -c 'select count(*) from orders'",
        "docker build -t web . && docker push web",
        "ssh web-1",
        "k9s",
        "./deploy.sh",
        "curl -s https://acme.example/health",
    ] {
        let decision = decide(&home, &red, line);
        assert!(matches!(decision.as_str(), "allow" | "warn"), "{decision}: {line}");
    }
}
