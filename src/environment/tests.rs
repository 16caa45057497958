//! The rule, as tables: names of many makes with the answer a careful reader would give.

use proptest::prelude::*;

use super::*;

/// `environment rule word` of a name, by the defaults.
fn told(kind: Kind, name: &str) -> String {
    told_by(&Names::default(), kind, name)
}

fn told_by(names: &Names, kind: Kind, name: &str) -> String {
    let judgement = names.judge(&Part::new(kind, name));
    let environment = judgement.environment.and_then(|index| names.environments.get(index));
    let answer = environment.map_or(if judgement.known { "nonprod" } else { "unknown" }, |e| &e.name);
    let rule = match judgement.rule {
        Rule::Match(pattern) => pattern,
        Rule::Tunnel(_) => "tunnel".into(),
        Rule::Target => "target".to_owned(),
        Rule::Except(pattern) => format!("except {pattern}"),
        Rule::Negator(pattern) => format!("negator {pattern}"),
        Rule::Nonproduction(pattern) => format!("known {pattern}"),
        Rule::Branch => "branch".to_owned(),
        Rule::Nothing => "-".to_owned(),
    };
    format!("{answer} {rule} {}", judgement.word).trim_end().to_owned()
}

fn answer(matcher: &Matcher, names: &Names, kind: Kind, name: &str) -> &'static str {
    let judgement = matcher.judge(&Part::new(kind, name));
    let severity = judgement.environment.and_then(|index| names.environments.get(index)).map(|e| e.severity);
    match severity {
        Some(Severity::Production) => "prod",
        Some(Severity::Caution) => "caution",
        None if judgement.known => "nonprod",
        None => "unknown",
    }
}

/// Checks every `|`-separated or line-separated name of a table at once, so that a failure shows them all.
fn all(kind: Kind, wanted: &[&str], table: &str) {
    let names = Names::default();
    let matcher = Matcher::new(&names);
    let listed =
        table.lines().flat_map(|line| line.split(" | ")).map(str::trim).filter(|name| !name.is_empty());
    let wrong: Vec<String> = listed
        .filter(|name| !wanted.contains(&answer(&matcher, &names, kind, name)))
        .map(|name| format!("{name} -> {}", told(kind, name)))
        .collect();
    assert_eq!(wrong, Vec::<String>::new(), "wanted {wanted:?} of {kind:?}");
}

#[test]
fn names_of_production() {
    all(
        Kind::Name,
        &["prod"],
        "prod | PROD | Prod | pRoD | prd | PRD | live | production | Production | PRODUCTION | prod2 | prod-2 | prod_1a
        2prod | eu1prod | acmeProdEast | AcmeProd | acmePROD | acmeprod | acmePRODeu | PRODdb | PRODuseast1 | proddb | prod-db
        ACMElive | ProdDB | prodDb01 | prodcluster | prodeu1 | produs2 | prodapp | prodk8s | productiondb | myproduction
        staging-prod-mirror | prod-staging | test-prod | prod-test | dev2prod | prod-dev-copy | no-prod-db | no_prod_db
        noproddb-prod | eu.prod.acme.com | db-prod-1.x.rds.amazonaws.com | admin@prod.k8s.local | (prod) | [prod] | 'prod'
        acme/prod | acme:prod | acme,prod | a=prod | prod;x | prod\\x | pre/prod | pre:prod | pre,prod | non/prod | u@prod
        nonprod-prod | prod-nonprod | preprod-and-prod | not-a-prod | pre-existing-prod | do-not-delete-prod | nonlive-live
        non-eu-prod | prod.non | not2prod | prod-not | reprod-prod | fireprod | storeprod | coreprod | softwareprod
        productos-prod | product-prod | product-catalog-prod | prdct-prd | acmeprd | acmeprd01 | ecPRD01 | live-eu | go-live
        still-live | LiveToon | live2 | eu-live-1 | prod環境 | 環境prod | 本番 | 本番環境 | 本番DB | 開発と本番 | acme-本番-db
        正式 | 正式环境 | 生产 | 生产环境 | 生產環境 | 线上 | 线上库 | 線上 | 운영 | 운영서버 | 운영DB | 프로덕션 | 라이브
        прод | ПРОД | прод-бд | ПродДБ | продакшн | продакшен | producao | produção | PRODUÇÃO | produça\u{303}o
        produccion | producción | produccio\u{301}n | produktion | Produktiv | produzione | productie | produkcja | produkce
        produksjon | tuotanto | üretim | ÜRETİM | uretim | u\u{308}retim | canlı | éles | sản-xuất | παραγωγή | ייצור
        プロダクション | フ\u{309a}ロタ\u{3099}クション | ＰＲＯＤ | ｐｒｏｄ－１ | pr\u{200b}od | p\u{202e}rod | pro\u{301}d | próď
        acme-prod/AdministratorAccess | Acme Production | Acme - Production (EU) | prod 1 | 123456789012_prod-admin | prod😀
        acme_prod_ro | prod_readonly | arn:aws:iam::123456789012:role/prod-admin | teleport.acme.com-prod-1 | prod__eu | non--x--prod
        prod.yaml | https://x/ | prodn"
            .replace("https://x/ | ", "")
            .as_str(),
    );
}

#[test]
fn names_of_something_else() {
    all(
        Kind::Name,
        &["nonprod", "caution", "unknown"],
        "product | products | Product | PRODUCT | PRODUCTS | product-catalog-dev | productCatalog | ProductCatalog | productivity
        produce | producer | producers | reproducer | reproduce | reproducible | productions | acme-productions | prodigy | prodigal
        produkt | produkte | produto | produit | produits | producto | prodotti | produkty | prodrome | PRODUCTdev | product2
        nonprod | NonProd | NONPROD | non-prod | non_prod | non.prod | non prod | nonProd | NONprod | NonPROD | NONProd | NON-PROD
        nonprod2 | acmenonprod | acme-nonprod-eu | nonproduction | non-production | nonprd | non-prd | nprod | nprd | non-live
        preprod | PreProd | PREPROD | pre-prod | pre_prod | pre.prod | preProd | PREprod | PREProd | PREprodEast | acmepreprod
        preprod1 | eu-preprod | preproduction | pre-production | preprd | pre-live | pprod | hors-prod | horsprod | HorsProd
        notprod | not-prod | NotProd | not_production | reprod | reproduction | coproduction | postproduction | 非prod
        olive | oliver | Olive | delivery | deliver | livetoon | livekit | alive | liveness | livestock | Liverpool | lives | Livermore
        enliven | slivers | nonprofit | nonprofit-deploy | prdct | prdct-dev | PRDCT | postgres | postgresql | stagnation | backstage
        dev | test | staging | stage | stg | qa | sandbox | local | minikube | kind-kind | k3d-x | docker-desktop
        acme-dev | acme-test-eu | k8s-eu-1 | main | default | admin | acme | internal | AdministratorAccess | a | 1 | - | *
        123456789012_AdministratorAccess | PowerUserAccess-123456789012 | ReadOnlyAccess | us-east-1 | eu-central-1 | europe-west1-b
        非本番 | 準本番 | 非本番環境 | 疑似本番 | 非生产 | 预生产 | 准生产 | 非正式 | 非正式环境 | 生产力 | 生产者 | 開発 | 检证
        운영체제 | 비운영 | 개발 | 라이브러리 | продукт | продукты | продажи | природа | проd | preprodução | preproduccion
        improductivo | introduction | products-api | by-product | byproducts | proud | pro-d | p-r-o-d | macbook-pro
        prods | prodding | unproductive | counterproductive | live-reload | spring | approx | prodi",
    );
}

#[test]
fn rules_and_words_are_told() {
    let table = [
        (Kind::Name, "acme-Prod-1", "production prod Prod"),
        (Kind::Name, "acmeprod", "production *prod acmeprod"),
        (Kind::Name, "pRoD", "production prod pRoD"),
        (Kind::Name, "producci\u{f3}n-1", "production produccion producci\u{f3}n"),
        (Kind::Name, "staging-prod-mirror", "production prod prod"),
        (Kind::Name, "pre-prod", "staging pre-prod pre-prod"),
        (Kind::Name, "PreProd-2", "staging pre-prod PreProd"),
        (Kind::Name, "nonprod", "nonprod except *nonprod nonprod"),
        (Kind::Name, "Non-Prod", "nonprod negator non Non"),
        (Kind::Name, "not-live-dev", "nonprod negator not not"),
        (Kind::Name, "non-staging", "nonprod negator non non"),
        (Kind::Name, "acme-dev", "nonprod known dev dev"),
        (Kind::Name, "non-dev", "unknown -"),
        (Kind::Name, "docker-desktop", "nonprod known docker-desktop docker-desktop"),
        (Kind::Name, "staging-eu", "staging staging staging"),
        (Kind::Name, "acme", "unknown -"),
        (Kind::Name, "", "unknown -"),
        (Kind::GitBranch, "prod", "unknown branch prod"),
        (Kind::GitBranch, "release/production-2", "unknown branch production"),
        (Kind::GitBranch, "feature/test-prod", "nonprod known test test"),
        (Kind::GitBranch, "preprod", "staging preprod preprod"),
        (Kind::GitBranch, "nonprod", "nonprod except *nonprod nonprod"),
        (Kind::GitBranch, "main", "unknown -"),
    ];
    for (kind, name, expected) in table {
        assert_eq!(told(kind, name), expected, "{name}");
    }
}

#[test]
fn clusters() {
    all(
        Kind::KubeContext,
        &["prod"],
        "arn:aws:eks:eu-west-1:123456789012:cluster/prod | arn:aws-cn:eks:cn-north-1:123456789012:cluster/acme-prod-1
        arn:aws-us-gov:eks:us-gov-west-1:123456789012:cluster/prd-main | gke_acme-prod_europe-west1_main | gke_acme_us-east1-b_prod
        gke_acme-dev_us-east1_prod | admin@prod.k8s.local | prod.k8s.local | default/api-prod-acme-com:6443/kube:admin
        pre/prod-api-acme-com:6443/admin | non/api-prod-x:6443/user | user@prod.eu-west-1.eksctl.io | prod-admin@dev.eu-west-1.eksctl.io
        aks-prod-weu | prod-aks-admin | kubernetes-admin@prod | teleport.acme.com-prod | rancher-prod-node1 | connectgateway_acme-prod_global_x
        oidc@acmeprod | do-fra1-prod | do-ams3-acme-production | prod/eu/1 | k3s-prod | kind-prod | minikube-prod | kubernetes-prod-admin@kubernetes
        lke12345-prod-ctx | vke-prod | context-prd | eks-prd-01 | acme.prod",
    );
    all(
        Kind::KubeContext,
        &["nonprod", "caution", "unknown"],
        "arn:aws:eks:eu-west-1:123456789012:cluster/dev | arn:aws:eks:eu-west-1:123456789012:cluster/main | gke_acme_europe-west1_main
        gke_product-catalog_us-east1_main | gke_nonprod_us-east1_a | kind-kind | minikube | docker-desktop | rancher-desktop
        default | kubernetes-admin@kubernetes | microk8s | crc-admin | default/api-crc-testing:6443/kubeadmin | admin@main.k8s.local
        lke12345-ctx | do-fra1-k8s-1-27-3-do-0-fra1-1700000000000 | aks-nonprod | pre-prod-admin | colima | orbstack",
    );
    assert_eq!(told(Kind::KubeContext, "admin@main.k8s.local"), "unknown -");
    assert_eq!(told(Kind::KubeContext, "gke_acme-dev_x_main"), "nonprod known dev dev");
    assert_eq!(told(Kind::KubeFile, "/home/prod/.kube/live/main.yaml"), "unknown -");
    assert_eq!(told(Kind::KubeFile, "/x/config.prod"), "production prod prod");
    assert_eq!(told(Kind::KubeFile, "/x/acme-prod.yaml.bak"), "production prod prod");
    assert_eq!(told(Kind::KubeFile, "~/.kube/config"), "unknown -");
    assert_eq!(told(Kind::KubeServer, "https://api.prod.acme.com:6443"), "production prod prod");
    assert_eq!(told(Kind::KubeServer, "https://rancher.acme.live/k8s/clusters/prod"), "unknown -");
    assert_eq!(told(Kind::KubeServer, "https://[2001:db8::1]:6443"), "unknown -");
}

#[test]
fn hosts() {
    all(
        Kind::Hostname,
        &["prod"],
        "prod | prod-1 | live | prod.acme.com | eu.prod.acme.com | db.acme.prod | prod.live | prod-web-01.acme.live | prod.local | prod.test
        prod.localhost | prod.dev | web.prod.acme.app | prod:5432 | prod.acme.com:443 | prod.acme.com. | live.acme.com | a.live.b | api-live.acme.io
        db-prod-1.x.rds.amazonaws.com | acme-prod.cluster-cabc123def456.eu-west-1.rds.amazonaws.com | master.acme-prod.abc123.euw1.cache.amazonaws.com
        acme-prod.redis.cache.windows.net | acmeprod.database.windows.net | acme-prod-shard-00-01.ab1cd.mongodb.net
        acme-prod-dns-12345678.hcp.westeurope.azmk8s.io:443 | api.prod.abcd.p1.openshiftapps.com | prod-db.postgres.database.azure.com
        vpc-prod-abc.eu-west-1.es.amazonaws.com | prod.acme.internal | user@prod-1 | postgres.prod.svc.cluster.local | prod-svc.k8s.local
        prod.live.com.acme.org | prod.prod.clientvpn.eu-west-1.amazonaws.com | acme-prod.grafana.net | prd1 | PROD-DB.ACME.COM | dbprod.acme.com
        live.acme.live | prod-live.dev | myprod.outlook.com",
    );
    all(
        Kind::Hostname,
        &["nonprod", "caution", "unknown"],
        "acme.live | api.acme.live | api.acme.live. | api.acme.live:443 | API.ACME.LIVE | db.live | cvpn-endpoint-0abc.prod.clientvpn.eu-west-1.amazonaws.com
        AM0PR05MB1234.eurprd05.prod.outlook.com | outlook.live.com | login.live.com | live.com | d.docs.live.net | tempo-prod-04-prod-us-east-0.grafana.net
        prod-12.westeurope.logic.azure.com:443 | prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com | acmedev.ssh.prod.acquia-sites.com
        p3plcpnl0123.prod.phx3.secureserver.net | 0a1b.hana.prod-eu10.hanacloud.ondemand.com | production.cloudflare.docker.com
        product.acme.com | olive.acme.com | delivery.acme.com | nonprod.acme.com | pre-prod.acme.com | preprod.acme.com | localhost | localhost:5432
        127.0.0.1 | ::1 | [::1]:5432 | 10.0.0.1 | acme.dev | staging.acme.com | postgres | db.internal | . | .. | : | [ | ] | @ | ip-10-0-0-1.ec2.internal",
    );
    assert_eq!(told(Kind::Hostname, "acme.dev"), "unknown -");
    assert_eq!(told(Kind::Hostname, "dev.azure.com"), "unknown -");
    assert_eq!(told(Kind::Hostname, "main.svc.cluster.local"), "unknown -");
    assert_eq!(told(Kind::Hostname, "printer.local"), "nonprod known local local");
    assert_eq!(told(Kind::Hostname, "db.dev.acme.com"), "nonprod known dev dev");
}

#[test]
fn addresses() {
    all(
        Kind::Url,
        &["prod"],
        "postgres://u:p@prod-db/x | postgres://u:p@h/prod | postgres://prod_ro:p@h/x | postgresql+asyncpg://u:p@db.prod.acme.com:5432/x
        postgres://u:pa/ss@prod/x | postgres://u:p@ss@prod/x | postgres://u:p?w@prod/x | postgres://u:p#w@prod/x | postgres://u:12/3@prod/x
        mongodb+srv://u:p@acme-prod.ab1cd.mongodb.net/x?retryWrites=true | mongodb://h1:27017,prod2:27017/x | redis://:p@prod:6379/0 | redis://prod:6379
        jdbc:postgresql://prod:5432/x | jdbc:mysql://h:3306/acme_prod?useSSL=false | jdbc:sqlserver://h:1433;databaseName=prod;user=u;password=p
        jdbc:oracle:thin:@prod:1521:x | jdbc:oracle:thin:@//h:1521/prod | jdbc:oracle:thin:u/p@prod:1521:x
        jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=prod)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=x)))
        jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(HOST=h))(CONNECT_DATA=(SERVICE_NAME=prod)))
        prod:5432/x | u:p@prod:5432/x | u:p@h/prod | h:5432/prod | prod.acme.com | u@prod | u:p@tcp(prod:3306)/x | u:p@tcp(h:3306)/prod
        host=prod dbname=x user=u password=p | host=h dbname=prod | dbname=x user=prod_app | host='prod' password='a b'
        Server=tcp:prod.database.windows.net,1433;Database=x;User Id=u;Password=p; | Data Source=h;Initial Catalog=prod
        postgresql:///x?host=prod | postgres://u%2Dprod:p@h/x | postgres://u:p@h/acme%2dprod | https://prod.acme.com | https://prod:8443/x/@y
        https://u:p@prod/x | http://a,https://prod | redis://:p@a:1,redis://:p@prod:2 | amqp://u:p@h/prod | ssh://root@prod-1 | ssh://prod@h
        sqlite:///srv/prod.db | kafka://b1.prod:9092,b2:9092 | clickhouse://u:p@prod:9000 | POSTGRES://U:P@PROD/X | tcp://prod:2375 | //prod/x
        sqlserver://u:p@h?database=prod",
    );
    all(
        Kind::Url,
        &["nonprod", "caution", "unknown"],
        "postgres://u:prod@h/x | postgres://u:prod/live@h/x | postgres://u:a@prod@h/x | postgres://u:prod?x@h/x | redis://:prod@h:6379
        https://h/prod | https://h/a/prod?env=prod | https://h:8443/prod/@live | https://acme.live/x | https://u:prod@h/ | jdbc:oracle:thin:u/prod@h:1521:x
        jdbc:sqlserver://h;databaseName=x;password=prod | host=h password=prod dbname=x | host=h password='a prod live' | Server=h;Password=prod;Database=x
        postgres://u:p@h/x?sslmode=prod | postgres://u:p@h/x?application_name=prod | u:prod@h/x | u:prod@tcp(h:3306)/x | u:p@unix(/tmp/prod.sock)/x
        file:///home/prod/x | sqlite:///home/live/x.db | postgres://u:p@h/x/prod | ssh://root@h/prod | prod:// | :// | @ | :@ | ://@/ | jdbc: | jdbc:x | =
        postgres://u:%70rod@h/x | postgres://reproducer:p@olive/product"
            .replace("prod:// | ", "")
            .as_str(),
    );
    assert_eq!(told(Kind::EnvValue, "postgres://u:prod@h/live"), "production live live");
    assert_eq!(told(Kind::EnvValue, "postgres://u:prod@h/x"), "unknown -");
}

#[test]
fn values_and_paths() {
    all(
        Kind::EnvValue,
        &["prod"],
        "production | Production | prod,eu | eu,prod | pre,prod | dev,prod | acme.settings.production | config.settings.prod | live
        /srv/prod/app | /etc/app/.env.prod | /home/live/prod | /opt/app-prod.yaml | ~/prod | ./prod.env | /srv/a:/srv/prod",
    );
    all(
        Kind::EnvValue,
        &["nonprod", "caution", "unknown"],
        "development | dev | test | local,dev | acme.settings.dev | acme.settings.base | staging | preprod | pre-prod | default
        /home/prod | /home/prod/app | /Users/live/src | ~prod/x | /root | /home/prod/a:/home/live/b | /home/live/x.yaml | C:\\Users\\live\\x | 0 | 1 | true",
    );
}

#[test]
fn targets_beat_words() {
    let target = |signal, is: &str, environment: &str| Target {
        signal,
        is: is.to_owned(),
        environment: environment.to_owned(),
    };
    let eks = "arn:aws:eks:eu-west-1:123456789012:cluster/main";
    let names = Names {
        targets: vec![
            target(Kind::KubeContext, "k8s-eu-1", "production"),
            target(Kind::KubeContext, "prod-demo", "safe"),
            target(Kind::AwsAccount, "123456789012", "production"),
            target(Kind::Hostname, "db.acme.live", "production"),
            target(Kind::KubeServer, "https://Prod.acme.com:6443", "safe"),
            target(Kind::AwsProfile, "x", "staging"),
            target(Kind::AwsProfile, "prod-x", "nowhere"),
            target(Kind::AwsProfile, "twice", "production"),
            target(Kind::AwsProfile, "twice", "safe"),
        ],
        ..Names::default()
    };
    let table = [
        (Kind::KubeContext, "k8s-eu-1", "production target k8s-eu-1"),
        (Kind::KubeCluster, "k8s-eu-1", "production target k8s-eu-1"),
        (Kind::KubeContext, "K8S-eu-1", "unknown -"),
        (Kind::Name, "k8s-eu-1", "unknown -"),
        (Kind::KubeContext, "gke_a_b_k8s-eu-1", "unknown -"),
        (Kind::KubeContext, "prod-demo", "nonprod target prod-demo"),
        (Kind::KubeCluster, "prod-demo", "nonprod target prod-demo"),
        (Kind::KubeNamespace, "prod-demo", "production prod prod"),
        (Kind::KubeContext, eks, "production target 123456789012"),
        (Kind::UrlHost, "DB.acme.live.", "production target DB.acme.live."),
        (Kind::Url, "postgres://u:pw@db.acme.live:5432/x", "production target db.acme.live:5432"),
        (Kind::Hostname, "prod.acme.com", "nonprod target prod.acme.com"),
        (Kind::Url, "postgres://u:pw@prod.acme.com/live", "production live live"),
        (Kind::AwsProfile, "x", "staging target x"),
        (Kind::AwsProfile, "prod-x", "production prod prod"),
        (Kind::AwsProfile, "twice", "production target twice"),
    ];
    for (kind, name, expected) in table {
        assert_eq!(told_by(&names, kind, name), expected, "{kind:?} {name}");
    }
}

fn environment(name: &str, matches: &[&str], except: &[&str], severity: Severity) -> Environment {
    let owned = |list: &[&str]| list.iter().map(|&word| word.to_owned().into()).collect();
    Environment {
        name: name.to_owned().into(),
        matches: owned(matches),
        except: owned(except),
        color: "red".into(),
        badge: "X".into(),
        severity,
    }
}

#[test]
fn configured_patterns() {
    let names = Names {
        environments: vec![
            environment("stage", &["blue-green", "both"], &[], Severity::Caution),
            environment(
                "production",
                &["eu/core", "v*-x", "*x*y*", "Éxito", "both", "**", "--"],
                &["eu/core old*"],
                Severity::Production,
            ),
            environment("second", &["both", "core"], &["the core"], Severity::Production),
        ],
        negators: vec!["fake".into(), "far-from".into()].into(),
        nonproduction: WordList::default(),
        targets: Vec::new(),
    };
    let mut plain = names.clone();
    for environment in &mut plain.environments {
        environment.matches.to_mut().retain(|pattern| pattern != "**");
    }
    let table = [
        ("eu-core", "production eu/core eu-core"),
        ("eu/core", "production eu/core eu/core"),
        ("eu-core-older", "second core core"),
        ("eu/core/older", "production eu/core eu/core"),
        ("core-eu", "second core core"),
        ("the-core", "nonprod except the core the-core"),
        ("the/core", "second core core"),
        ("blue:green", "stage blue-green blue:green"),
        ("both", "production both both"),
        ("FakeBoth", "nonprod negator fake Fake"),
        ("far-from-both", "nonprod negator far-from far-from"),
        ("far/from-both", "production both both"),
        ("version-x", "production v*-x version-x"),
        ("axbyc", "production *x*y* axbyc"),
        ("ayx", "unknown -"),
        ("EXITO", "production Éxito EXITO"),
        ("eu", "unknown -"),
    ];
    for (name, expected) in table {
        assert_eq!(told_by(&plain, Kind::Name, name), expected, "{name}");
    }
    assert_eq!(told_by(&names, Kind::Name, "anything"), "production ** anything");
    assert_eq!(told_by(&names, Kind::Name, "--"), "unknown -");
}

#[test]
fn the_gravest_part_counts() {
    let names = Names::default();
    let part = |text: &str| Part::new(Kind::Name, text);
    let rule =
        |texts: &[&str]| names.judge_all(&texts.iter().map(|text| part(text)).collect::<Vec<_>>()).rule;
    assert_eq!(rule(&["dev", "staging", "prod"]), Rule::Match("prod".to_owned()));
    assert_eq!(rule(&["dev", "staging"]), Rule::Match("staging".to_owned()));
    assert_eq!(rule(&["x", "dev"]), Rule::Nonproduction("dev".to_owned()));
    assert_eq!(rule(&["pre", "prod"]), Rule::Match("prod".to_owned()));
    assert_eq!(rule(&[]), Rule::Nothing);
}

/// Names of a megabyte that would stall a judge which looks back, nests or backtracks.
#[test]
fn long_names_stay_linear() {
    let names = Names {
        environments: vec![environment(
            "production",
            &["*a*a*a*a*a*a*b", "a a a a a a b", "* * * * c"],
            &["a* a a"],
            Severity::Production,
        )],
        ..Names::default()
    };
    let matcher = Matcher::new(&names);
    let judge = |unit: &str, count: usize, kind: Kind| {
        let part = Part::new(kind, unit.repeat(count));
        let start = std::time::Instant::now();
        matcher.judge(&part);
        start.elapsed()
    };
    let units = [
        "a", "a-", "aB", "AAb", "a1", "://", "a://,", "@", "a:", "/", ".", "?a=", "(", "[", "%41", "本",
        " x=",
    ];
    for unit in units {
        for kind in [Kind::Name, Kind::Url, Kind::Hostname, Kind::KubeContext, Kind::KubeFile] {
            let small = (0..3).map(|_| judge(unit, 2_000, kind)).min().unwrap_or_default();
            // Sixteen times the name: a quadratic judge takes 256 times as long, at every try.
            let bar = small * 80 + std::time::Duration::from_millis(20);
            let large: Vec<_> =
                (0..8).map(|_| judge(unit, 32_000, kind)).take_while(|took| *took >= bar).collect();
            assert!(large.len() < 8, "{unit} {kind:?}: {small:?} -> {large:?}");
        }
    }
}

fn spelled() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<bool>(), 4).prop_map(|upper| {
        let letters = "prod".chars().zip(upper);
        letters.map(|(c, upper)| if upper { c.to_ascii_uppercase() } else { c }).collect()
    })
}

proptest! {
    #[test]
    fn any_text_is_judged(name in "\\PC*|.{0,60}|[a-zA-Z0-9:/@?=;,. %()*_-]{0,60}", kind in 0..Kind::ALL.len()) {
        let names = Names::default();
        let kind = Kind::ALL[kind];
        let judgement = names.judge(&Part::new(kind, name.as_str()));
        prop_assert_eq!(judgement.rule == Rule::Nothing, judgement.word.is_empty());
        if kind == Kind::GitBranch {
            prop_assert_ne!(judgement.environment, Some(0));
        }
    }

    #[test]
    fn an_unrelated_word_never_calms(
        name in "[a-z]{0,6}[-_. ]?(prod|Prod|PROD|live|prd2|production)([-_. ][a-z]{0,6})?",
        word in "[a-z]{1,8}", separator in "[-_./:@, ]", first in any::<bool>(),
    ) {
        let names = Names::default();
        let is_production = |name: &str| names.judge(&Part::new(Kind::Name, name)).environment == Some(0);
        let takes_back = names.negators.iter().any(|negator| *negator == word)
            || names.environments[0].except.iter().any(|phrase| phrase.split('-').any(|part| part == word));
        prop_assume!(is_production(&name) && !takes_back);
        let longer = if first { format!("{word}{separator}{name}") } else { format!("{name}{separator}{word}") };
        prop_assert!(is_production(&longer), "{} -> {}", name, longer);
    }

    #[test]
    fn prod_is_prod_however_it_is_written(
        prod in spelled(), before in "(acme|eu|k8s)?", after in "(east|db|01)?", separator in "[-_./:@, ]",
    ) {
        let name = format!("{before}{separator}{prod}{separator}{after}");
        let names = Names::default();
        prop_assert_eq!(names.judge(&Part::new(Kind::Name, name.as_str())).environment, Some(0), "{}", name);
    }

    #[test]
    fn product_is_no_production(tail in "[a-z]{0,7}", more in "([-_.](dev|api|x))?") {
        let name = format!("product{tail}{more}");
        // `productie` is Dutch for production.
        prop_assume!(tail != "ie" && !tail.starts_with("ion") && !["prod", "production", "prd"].iter().any(|end| tail.ends_with(end)));
        let judgement = Names::default().judge(&Part::new(Kind::Name, name.as_str()));
        prop_assert_ne!(judgement.environment, Some(0), "{}", name);
    }
}
