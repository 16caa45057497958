//! The environments and words that hold without any configuration. Data only; the user's file can replace all of it.

use std::borrow::Cow;

use super::{Environment, Names, Severity};

/// A list of words that costs nothing to make.
macro_rules! words {
    ($($word:literal,)*) => { &[$(Cow::Borrowed($word),)*] };
}

#[rustfmt::skip]
static PRODUCTION: &[Cow<str>] = words![
    "prod", "production", "prd", "live", "*prod", "*production", "*prd", "production*",
    "proddb", "prodsql", "prodmysql", "prodpg", "prodpostgres", "prodredis", "prodmongo", "prodrds", "prodcache",
    "prodkafka", "prodqueue",
    "prodcluster", "prodkube", "prodk8s", "prodeks", "prodaks", "prodgke", "prodnode", "prodaws", "prodgcp",
    "prodazure",
    "prodeu", "produs", "prodap", "prodca", "produk", "prodasia", "prodapac", "prodemea", "prodeast", "prodwest",
    "prodnorth", "prodsouth", "prodcentral",
    "produseast", "produswest", "prodeuwest", "prodeucentral",
    "prodapp", "prodapi", "prodweb", "prodsrv", "prodserver", "prodsvc", "prodservice", "prodhost", "prodvm",
    "prodbox", "prodsite", "prodstack",
    "prodenv", "prodnet", "prodvpc", "prodvpn", "prodinfra", "prodbastion", "prodjump", "prodproxy", "prodlb",
    "prodadmin", "prodaccount",
    "prodmaster", "prodmain", "prodprimary", "prodreplica", "prodslave", "prodread", "prodreadonly", "prodro",
    "prodrw", "prodwrite",
    "prodbackup", "prodblue", "prodgreen", "prodlive", "prodn", "prdn",
    "prddb", "prdapp", "prdapi", "prdweb", "prdsrv", "prdserver", "prdcluster", "prdeu", "prdus", "livedb",
    "liveserver",
    "producao", "produccion", "produktion", "produktiv", "produktivsystem", "produktive", "echtbetrieb",
    "produzione", "productie",
    "produkcja", "produkcyjny", "produkcyjna", "produkce", "produkcni", "produkcia", "produksjon", "produksi",
    "tuotanto", "uretim", "canli", "eles",
    "productivo", "produtivo", "san-xuat", "παραγωγή", "إنتاج", "الإنتاج", "ייצור",
    "прод", "продакшн", "продакшен", "продакшин", "продуктив", "боевой",
    "*本番*", "*プロダクション*", "*正式*", "*生产*", "*生產*", "*线上*", "*線上*", "*现网*", "*現網*", "*운영*",
    "*프로덕션*", "*실서버*", "라이브",
];

#[rustfmt::skip]
static NO_PRODUCTION: &[Cow<str>] = words![
    "*nonprod", "*notprod", "*preprod", "*horsprod", "nprod", "pprod", "hprod", "reprod", "coprod", "postprod",
    "*nonprd", "*notprd", "*preprd", "nprd", "pprd", "hprd",
    "*nonproduction", "*notproduction", "*preproduction", "*horsproduction", "reproduction", "coproduction",
    "postproduction",
    "overproduction", "underproduction",
    "productions", "productional", "productionize", "productionized", "productionise", "productionised",
    "product", "products", "productivity", "prdct", "live-reload", "live-preview", "live-share",
    "*非本番*", "*準本番*", "*准本番*", "*疑似本番*", "*擬似本番*", "*本番同等*", "*本番相当*",
    "*プレプロダクション*", "*ポストプロダクション*",
    "*非生产*", "*非生產*", "*预生产*", "*預生產*", "*准生产*", "*準生產*", "*类生产*", "*類生產*", "*仿生产*",
    "*生产力*", "*生產力*", "*生产者*", "*生產者*",
    "*生产率*", "*生產率*", "*非正式*", "*非线上*", "*非線上*", "*预线上*", "*비운영*", "*운영체제*", "*운영자*",
    "*프리프로덕션*",
];

#[rustfmt::skip]
static STAGING: &[Cow<str>] = words![
    "staging", "stage", "stg", "stag", "*staging",
    "preprod", "preproduction", "preprd", "pprod", "pprd", "*preprod", "pre-prod", "pre-production", "pre-prd",
    "preproducao", "preproduccion", "preproduktion", "preproduzione", "preproductie", "pre-producao",
    "pre-produccion", "pre-produktion",
    "vorproduktion", "homologacao", "homolog", "hml", "hmg", "recette", "abnahme", "препрод", "стейдж", "стейджинг",
    "*準本番*", "*ステージング*", "*预生产*", "*預生產*", "*准生产*", "*準生產*", "*预发*", "*預發*", "*스테이징*",
];

#[rustfmt::skip]
static NONPRODUCTION: &[Cow<str>] = words![
    "dev", "devel", "develop", "developer", "development", "test", "tests", "testing", "tst", "qa", "uat", "sit",
    "sandbox", "sbx", "demo", "example", "lab", "labs",
    "playground", "preview", "review", "local", "localhost", "ci", "int", "integration", "pre", "nonprod",
    "nonproduction", "nonprd", "nprod", "nprd", "np",
    "minikube", "kind", "k3d", "k3s", "docker-desktop", "docker-for-desktop", "rancher-desktop", "desktop-linux",
    "orbstack", "colima", "microk8s",
    "desenvolvimento", "desarrollo", "entwicklung", "developpement", "sviluppo", "ontwikkeling", "utveckling",
    "utvikling",
    "teste", "testes", "prueba", "pruebas", "collaudo", "разработка", "тест", "тестовый", "дев",
    "*開発*", "*検証*", "*开发*", "*開發*", "*测试*", "*測試*", "*개발*", "*테스트*", "*검증*",
];

#[rustfmt::skip]
static NEGATORS: &[Cow<str>] = words![
    "non", "not", "pre", "hors", "非",
];

impl Default for Names {
    /// What holds without any configuration: `production` and `staging`, no targets.
    fn default() -> Names {
        let production = Environment {
            name: Cow::Borrowed("production"),
            matches: Cow::Borrowed(PRODUCTION),
            except: Cow::Borrowed(NO_PRODUCTION),
            color: Cow::Borrowed("red"),
            badge: Cow::Borrowed("PROD"),
            severity: Severity::Production,
        };
        // uat is no staging here: it is a test environment by name, and what is always yellow is soon not seen.
        let staging = Environment {
            name: Cow::Borrowed("staging"),
            matches: Cow::Borrowed(STAGING),
            except: Cow::Borrowed(&[]),
            color: Cow::Borrowed("yellow"),
            badge: Cow::Borrowed("STAGING"),
            severity: Severity::Caution,
        };
        Names {
            environments: vec![production, staging],
            negators: Cow::Borrowed(NEGATORS),
            nonproduction: Cow::Borrowed(NONPRODUCTION),
            targets: Vec::new(),
        }
    }
}
