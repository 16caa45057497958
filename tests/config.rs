//! `redtab config` through the real binary, each test in a HOME of its own.

#![allow(clippy::unwrap_used)] // a helper that fails fails its test

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

struct Home {
    dir: TempDir,
}

impl Home {
    fn new() -> Home {
        Home { dir: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Home {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn user(&self, text: impl AsRef<[u8]>) -> &Home {
        self.write(".config/redtab/config.toml", text)
    }

    fn system(&self, text: &str) -> &Home {
        self.write("etc.toml", text)
    }

    fn redtab_with(&self, vars: &[(&str, &str)], args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redtab"));
        command
            .env_clear()
            .env("HOME", self.dir.path())
            .env("REDTAB_RUN_DIR", self.path("run"))
            .current_dir(self.dir.path())
            .args(args);
        if self.path("etc.toml").exists() {
            command.env("REDTAB_SYSTEM_CONFIG", self.path("etc.toml"));
        }
        command.envs(vars.iter().copied()).output().unwrap()
    }

    fn redtab(&self, args: &[&str]) -> Output {
        self.redtab_with(&[], args)
    }

    /// What `config check` says of a user's file, with the HOME's own path cut out.
    fn complaints(&self) -> String {
        let output = self.redtab(&["config", "check"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(text(&output.stdout), "");
        text(&output.stderr).replace(self.dir.path().to_str().unwrap(), "HOME")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn without_files_all_is_built_in() {
    let home = Home::new();
    let check = home.redtab(&["config", "check"]);
    assert_eq!(
        (check.status.code(), text(&check.stdout)),
        (Some(0), "ok  no file; what is built in is in force\n".into())
    );
    let path = home.redtab(&["config", "path"]);
    let user = home.path(".config/redtab/config.toml");
    let expected = format!("system  absent   /etc/redtab/config.toml\nuser    absent   {}\n", user.display());
    if !Path::new("/etc/redtab/config.toml").exists() {
        assert_eq!(text(&path.stdout), expected);
    }
    let show = text(&home.redtab(&["config", "show"]).stdout);
    assert!(
        show.contains("\n[prompt]\nsegment = \"long\"  # built in\npalette = \"default\"  # built in\n"),
        "{show}"
    );
}

#[test]
fn check_names_the_files_it_read() {
    let home = Home::new();
    home.user("[prompt]\nsegment = \"short\"\n")
        .system("")
        .write(".redtab.toml", "environment = \"production\"\n");
    let check = home.redtab(&["config", "check"]);
    let expected = "ok  ~/etc.toml\nok  ~/.config/redtab/config.toml\nok  ~/.redtab.toml\n";
    assert_eq!((check.status.code(), text(&check.stdout)), (Some(0), expected.into()), "{check:?}");
}

#[test]
fn a_misspelt_key_reads_as_a_person_would_say_it() {
    let home = Home::new();
    home.user("# comment\n[prompt]\nsegmnt = \"long\"\n");
    let expected = "\
redtab: ~/.config/redtab/config.toml:3:1: unknown key `segmnt` in [prompt]
    3 | segmnt = \"long\"
      | ^^^^^^ did you mean `segment`?
        Until it is mended, nothing of this file is in force.
";
    assert_eq!(home.complaints(), expected);
}

/// Each text with everything that is said about it, but for the last line.
const MISTAKES: &[(&str, &str)] = &[
    // The end of the line, the end of the file.
    (
        "[prompt]\r\n\r\nsegment = 3\r\n",
        "3:11: `segment` must be `long`, `short` or `off`, not an integer\n    3 | segment = 3\n      |           ^\n",
    ),
    (
        "[prompt]\nsegment = [\"a\"",
        "2:15: unclosed array, expected `]`\n    2 | segment = [\"a\"\n      |               ^\n",
    ),
    // A byte order mark is no column.
    (
        "\u{feff}segment = 1",
        "1:1: unknown key `segment` at the top of the file\n    1 | segment = 1\n      | ^^^^^^^ it belongs under [prompt]\n",
    ),
    // Tabs and wide characters keep the caret in its place; the column counts characters.
    (
        "prompt = {\tsegment = \"off\", \"本番\" = 1 }",
        "1:29: unknown key `本番` in [prompt]\n    1 | prompt = {    segment = \"off\", \"本番\" = 1 }\n      |                                ^^^^^^\n",
    ),
    // What a terminal would obey is not shown.
    (
        "\"\\u001b[31m\" = 1 # \u{202e}",
        "1:1: unknown key `\u{fffd}[31m` at the top of the file\n    1 | \"\\u001b[31m\" = 1 # \u{fffd}\n      | ^^^^^^^^^^^^\n",
    ),
    // Sections.
    ("[promt]\n", "1:2: unknown section [promt]\n    1 | [promt]\n      |  ^^^^^ did you mean `prompt`?\n"),
    (
        "[environment]\nname = \"x\"",
        "1:2: there can be more than one `environment`\n    1 | [environment]\n      |  ^^^^^^^^^^^ write [[environment]]\n",
    ),
    (
        "names = 1",
        "1:1: `names` must be a table, not an integer\n    1 | names = 1\n      | ^^^^^ write [names]\n",
    ),
    (
        "target = [1]",
        "1:11: [[target]] must hold tables, not an integer\n    1 | target = [1]\n      |           ^\n",
    ),
    (
        "[[environment]]\nbadge = \"X\"",
        "1:1: there is no `name` in [[environment]]\n    1 | [[environment]]\n      | ^^^^^^^^^^^^^^^\n",
    ),
    // Values.
    (
        "[[environment]]\nname = \"safe\"",
        "2:8: no environment can be called `safe`: the word has another meaning\n    2 | name = \"safe\"\n      |        ^^^^^^\n",
    ),
    (
        "[[environment]]\nname = \"a b\"",
        "2:8: `name` must be 1 to 32 letters, digits, `-` or `_`, not `a b`\n    2 | name = \"a b\"\n      |        ^^^^^\n",
    ),
    (
        "[[environment]]\nname = \"x\"\nseverity = \"cauton\"",
        "3:12: `severity` must be `production` or `caution`, not `cauton`\n    3 | severity = \"cauton\"\n      |            ^^^^^^^^ did you mean `caution`?\n",
    ),
    (
        "[[environment]]\nname = \"x\"\ncolor = \"#12345\"",
        "3:9: `#12345` is no colour: red, yellow, green, blue, magenta, cyan, white, black or #rrggbb\n    3 | color = \"#12345\"\n      |         ^^^^^^^^\n",
    ),
    (
        "[[environment]]\nname = \"x\"\nbadge = \"a\\nb\"",
        "3:9: `badge` must be 1 to 16 visible columns\n    3 | badge = \"a\\nb\"\n      |         ^^^^^^\n",
    ),
    (
        "[names]\nnegators = \"non\"",
        "2:12: `negators` must be a list of words, not text\n    2 | negators = \"non\"\n      |            ^^^^^ write [\"non\"]\n",
    ),
    (
        "[names]\nnegators = [\"\"]",
        "2:13: an empty word in `negators` matches nothing\n    2 | negators = [\"\"]\n      |             ^^\n",
    ),
    (
        "[names]\nnegators = [\"--\"]",
        "2:13: `--` in `negators` has no letter or digit, so it matches nothing\n    2 | negators = [\"--\"]\n      |             ^^^^\n",
    ),
    (
        "[local_only]\npaths = [\"../x.sh\"]\n",
        "2:10: `../x.sh` never matches: no path is looked at with `..` in it\n    2 | paths = [\"../x.sh\"]\n      |          ^^^^^^^^^\n",
    ),
    (
        "[local_only]\npaths = [\"**\"]\n",
        "2:10: `**` would match every file\n    2 | paths = [\"**\"]\n      |          ^^^^\n",
    ),
    (
        "[local_only]\ncommands = [\"make x; make y\"]\n",
        "2:13: `make x; make y` never matches: one command holds no `;`\n    2 | commands = [\"make x; make y\"]\n      |             ^^^^^^^^^^^^^^^^\n",
    ),
    (
        "[[rule]]\nname = \"a\"\nprograms = [\"acme\"]\nwords = [\"--all\"]\n",
        "4:9: `a` can never fire\n    4 | words = [\"--all\"]\n      |         ^^^^^^^^^ options are looked for by `any`, not by `words`: `--all`\n",
    ),
    (
        "[[rule]]\nname = \"a\"\nprograms = [\"acme\"]\nwords = [\"nuke\"]\nunless = [\"nuke\"]\n",
        "5:10: `a` can never fire\n    5 | unless = [\"nuke\"]\n      |          ^^^^^^^^ `acme nuke` would not meet it\n",
    ),
    (
        "[[rule]]\nname = \"a\"\nprograms = [\"sudo\"]\n",
        "3:12: `a` can never fire\n    3 | programs = [\"sudo\"]\n      |            ^^^^^^^^ `sudo` would not meet it\n",
    ),
    (
        "[[rule]]\nname = \"a\"\nwords = [\"nuke\"]\n",
        "1:1: there is no `programs` in [[rule]]\n    1 | [[rule]]\n      | ^^^^^^^^\n",
    ),
    (
        "[names]\nnegators = [\"*\"]",
        "2:13: `*` in `negators` would match every word\n    2 | negators = [\"*\"]\n      |             ^^^\n",
    ),
    (
        "[names]\nnegators = [\"...\", \"...\"]",
        "2:20: `\"...\"` stands here for the second time\n    2 | negators = [\"...\", \"...\"]\n      |                    ^^^^^\n",
    ),
    (
        "[names]\nnegators = [\"a\", 2]",
        "2:18: `negators` holds text only, not an integer\n    2 | negators = [\"a\", 2]\n      |                  ^\n",
    ),
    // What only the whole can show.
    (
        "[[target]]\nsignal = \"aws_acount\"\nis = \"1\"\nenvironment = \"prodution\"",
        "2:10: `signal` must be a signal's kind, not `aws_acount`\n    2 | signal = \"aws_acount\"\n      |          ^^^^^^^^^^^^ did you mean `aws_account`?\nredtab: ~/.config/redtab/config.toml:4:15: there is no environment `prodution`\n    4 | environment = \"prodution\"\n      |               ^^^^^^^^^^^ did you mean `production`?\n",
    ),
    (
        "[[environment]]\nname = \"x\"\nmatch = [\"Blue-Team\", \"red\"]\nexcept = [\"blue team\"]",
        "3:10: `Blue-Team` never matches: `blue team` in `except` takes it back\n    3 | match = [\"Blue-Team\", \"red\"]\n      |          ^^^^^^^^^^^\n",
    ),
    (
        "[[environment]]\nname = \"production\"\nexcept = [\"*tuotanto\"]",
        "3:11: `*tuotanto` takes back the match word `tuotanto` everywhere\n    3 | except = [\"*tuotanto\"]\n      |           ^^^^^^^^^^^\n",
    ),
    (
        "[[environment]]\nname = \"x\"\n[[environment]]\nname = \"x\"",
        "4:8: `x` stands in this file twice\n    4 | name = \"x\"\n      |        ^^^\n",
    ),
    (
        "[[target]]\nsignal = \"name\"\nis = \"a\"\nenvironment = \"safe\"\n[[target]]\nsignal = \"name\"\nis = \"a\"\nenvironment = \"production\"",
        "7:6: `a` has an answer already\n    7 | is = \"a\"\n      |      ^^^\n",
    ),
    (
        "lock = [\"prompt\"]",
        "1:1: `lock` works only in /etc/redtab/config.toml\n    1 | lock = [\"prompt\"]\n      | ^^^^\n",
    ),
    // A slip in the syntax hides no other mistake.
    (
        "[prompt]\nsegment = \npalete = 1\n",
        "2:11: there is no value\n    2 | segment =\n      |           ^\nredtab: ~/.config/redtab/config.toml:3:1: unknown key `palete` in [prompt]\n    3 | palete = 1\n      | ^^^^^^ did you mean `palette`?\n",
    ),
];

#[test]
fn every_mistake_is_shown_in_its_place() {
    for (mistake, expected) in MISTAKES {
        let home = Home::new();
        home.user(mistake);
        let expected = format!(
            "redtab: ~/.config/redtab/config.toml:{expected}        Until it is mended, nothing of this file is in force.\n"
        );
        assert_eq!(home.complaints(), expected, "{mistake}");
    }
}

#[test]
fn a_long_line_is_cut_around_the_caret() {
    let home = Home::new();
    let words = "\"word\", ".repeat(40);
    home.user(format!("[names]\nnegators = [{words}\"\", {words}]\n"));
    let complaint = home.complaints();
    let lines: Vec<&str> = complaint.lines().collect();
    assert_eq!(
        lines[0],
        "redtab: ~/.config/redtab/config.toml:2:333: an empty word in `negators` matches nothing"
    );
    let column = lines[2].find('^').unwrap() - "      | ".len();
    let shown: Vec<char> = lines[1].chars().skip("    2 | ".len()).collect();
    assert_eq!(shown[column..column + 3].iter().collect::<String>(), "\"\",");
    assert!(shown.len() <= 102 && shown[0] == '…' && shown.last() == Some(&'…'), "{complaint}");
}

#[test]
fn bytes_that_are_no_text_are_pointed_at() {
    let home = Home::new();
    home.user(b"[prompt]\nsegment = \"\xff\"\n");
    let expected = "redtab: ~/.config/redtab/config.toml:2:12: this is no UTF-8\n    2 | segment = \"\u{fffd}\"\n      |            ^\n        Until it is mended, nothing of this file is in force.\n";
    assert_eq!(home.complaints(), expected);
}

#[test]
fn a_file_that_is_none_is_a_problem() {
    let home = Home::new();
    std::fs::create_dir_all(home.path(".config/redtab/config.toml")).unwrap();
    let expected = "redtab: ~/.config/redtab/config.toml: is a directory\n        Until it is mended, nothing of this file is in force.\n";
    assert_eq!(home.complaints(), expected);
}

#[test]
fn layers_merge_and_show_says_where_from() {
    let home = Home::new();
    home.system("[[environment]]\nname = \"production\"\nmatch = [\"zeus\", \"...\"]\n[[target]]\nsignal = \"name\"\nis = \"low\"\nenvironment = \"safe\"\n[prompt]\npalette = \"colorblind\"\n");
    home.user("[[environment]]\nname = \"production\"\nmatch = [\"...\", \"hera\"]\nbadge = \"LIVE\"\n[[environment]]\nname = \"demo\"\nseverity = \"caution\"\n[names]\nnegators = [\"no\"]\n[[target]]\nsignal = \"kube_context\"\nis = \"high\\u001b\"\nenvironment = \"demo\"\n");
    let show = home.redtab_with(&[("REDTAB_SEGMENT", "short")], &["config", "show"]);
    let show = text(&show.stdout);
    for expected in [
        "badge = \"LIVE\"  # ~/.config/redtab/config.toml:4\n",
        "name = \"demo\"  # ~/.config/redtab/config.toml:6\nmatch = []  # built in\n",
        "color = \"yellow\"  # built in\nbadge = \"DEMO\"  # built in\nseverity = \"caution\"  # ~/.config/redtab/config.toml:7\n",
        "negators = [\"no\"]  # ~/.config/redtab/config.toml:9\n",
        "[[target]]\nsignal = \"kube_context\"  # ~/.config/redtab/config.toml:11\nis = \"high\\U0000001B\"  # ~/.config/redtab/config.toml:12\nenvironment = \"demo\"  # ~/.config/redtab/config.toml:13\n\n[[target]]\nsignal = \"name\"  # ~/etc.toml:5\nis = \"low\"  # ~/etc.toml:6\n",
        "segment = \"short\"  # REDTAB_SEGMENT\npalette = \"colorblind\"  # ~/etc.toml:9\n",
    ] {
        assert!(show.contains(expected), "{expected}\n--- in\n{show}");
    }
    let json = home.redtab(&["config", "show", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let words = json["config"]["environment"][0]["match"].as_array().unwrap();
    assert_eq!((words[0].as_str(), words[1].as_str()), (Some("zeus"), Some("prod")));
    assert_eq!(words.last().unwrap(), "hera");
    assert_eq!(json["version"], 1);
    assert_eq!(json["origins"]["prompt"]["palette"]["line"], 9);
}

#[test]
fn what_show_prints_is_a_config_that_says_the_same() {
    let home = Home::new();
    home.user("[[environment]]\nname = \"demo\"\nmatch = [\"a \\\" b\", \"c\\\\d\"]\n");
    let first = text(&home.redtab(&["config", "show"]).stdout);
    let again = Home::new();
    again.user(&first);
    let second = text(&again.redtab(&["config", "show"]).stdout);
    let values = |text: &str| -> Vec<String> {
        text.lines()
            .map(|line| line.split("  # ").next().unwrap().to_string())
            .filter(|line| !line.is_empty())
            .collect()
    };
    assert_eq!(values(&first), values(&second));
}

#[test]
fn a_locked_key_keeps_its_value_and_names_its_lock() {
    let home = Home::new();
    home.system("lock = [\"prompt.palette\", \"target\",\n  \"environment.production.match\"]\n[prompt]\npalette = \"colorblind\"\n");
    home.user("[prompt]\npalette = \"default\"\nsegment = \"short\"\n[[environment]]\nname = \"production\"\nmatch = []\n[[target]]\nsignal = \"name\"\nis = \"a\"\nenvironment = \"safe\"\n");
    let expected = "\
redtab: ~/.config/redtab/config.toml:2:1: `prompt.palette` is locked
    2 | palette = \"default\"
      | ^^^^^^^ at HOME/etc.toml:1:9
redtab: ~/.config/redtab/config.toml:6:1: `environment.production.match` is locked
    6 | match = []
      | ^^^^^ at HOME/etc.toml:2:3
redtab: ~/.config/redtab/config.toml:10:1: `target` is locked
   10 | environment = \"safe\"
      | ^^^^^^^^^^^ at HOME/etc.toml:1:27
        The locked value stays in force, and the rest of this file.
";
    assert_eq!(home.complaints(), expected);
    let show = text(&home.redtab(&["config", "show"]).stdout);
    assert!(show.contains("palette = \"colorblind\"") && show.contains("segment = \"short\""), "{show}");
    assert!(!show.contains("[[target]]"), "{show}");
}

#[test]
fn a_lock_on_nothing_is_a_mistake_and_a_lock_holds_against_variables() {
    let home = Home::new();
    home.system("lock = [\"prompt.segmet\"]\n");
    assert_eq!(
        home.complaints(),
        "redtab: ~/etc.toml:1:9: there is no key `prompt.segmet` to lock\n    1 | lock = [\"prompt.segmet\"]\n      |         ^^^^^^^^^^^^^^^ did you mean `prompt.segment`?\n        Until it is mended, nothing of this file is in force.\n"
    );
    home.system("lock = [\"prompt\"]\n");
    let output = home.redtab_with(&[("REDTAB_SEGMENT", "off")], &["config", "check"]);
    let said = text(&output.stderr).replace(home.dir.path().to_str().unwrap(), "HOME");
    assert_eq!(said, "redtab: REDTAB_SEGMENT: `prompt.segment` is locked\n        at HOME/etc.toml:1:9\n");
}

#[test]
fn variables_are_checked_too() {
    let home = Home::new();
    for (name, value, expected) in [
        (
            "REDTAB_SEGMENT",
            "lnog",
            "redtab: REDTAB_SEGMENT: must be long, short, off, not `lnog`\n        did you mean `long`?\n",
        ),
        ("REDTAB_CONFIG", "x.toml", "redtab: REDTAB_CONFIG: `x.toml` is no absolute path\n"),
        ("REDTAB_CONFIG", "/nowhere/x.toml", "redtab: REDTAB_CONFIG: /nowhere/x.toml does not exist\n"),
    ] {
        let output = home.redtab_with(&[(name, value)], &["config", "check"]);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), expected.into()));
    }
    home.write("other.toml", "[prompt]\nsegment = \"off\"\n").user("broken");
    let other = home.path("other.toml");
    let output = home.redtab_with(&[("REDTAB_CONFIG", other.to_str().unwrap())], &["config", "check"]);
    assert_eq!(text(&output.stdout), "ok  ~/other.toml\n");
}

#[test]
fn xdg_counts_only_when_absolute() {
    let home = Home::new();
    home.write("xdg/redtab/config.toml", "").user("");
    let xdg = home.path("xdg");
    let absolute = home.redtab_with(&[("XDG_CONFIG_HOME", xdg.to_str().unwrap())], &["config", "check"]);
    assert_eq!(text(&absolute.stdout), "ok  ~/xdg/redtab/config.toml\n");
    if cfg!(not(target_os = "macos")) {
        let relative = home.redtab_with(&[("XDG_CONFIG_HOME", "xdg")], &["config", "check"]);
        assert_eq!(text(&relative.stdout), "ok  ~/.config/redtab/config.toml\n");
    }
}

#[test]
fn a_file_can_be_checked_before_it_is_put_in_force() {
    let home = Home::new();
    home.write("new.toml", "[prompt]\nsegment = 1\n")
        .write("sub/.redtab.toml", "flags = 1\nenvironment = \"staging\"\n");
    let output = home.redtab(&["config", "check", "new.toml"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), "redtab: new.toml:2:11: `segment` must be `long`, `short` or `off`, not an integer\n    2 | segment = 1\n      |           ^\n".into()));
    let output = home.redtab(&["config", "check", "sub/.redtab.toml"]);
    assert_eq!(
        text(&output.stderr),
        "redtab: sub/.redtab.toml:1:1: unknown key `flags` at the top of the file\n    1 | flags = 1\n      | ^^^^^\nredtab: sub/.redtab.toml:2:15: `environment` must be `production`, not `staging`\n    2 | environment = \"staging\"\n      |               ^^^^^^^^^\n"
    );
    let output = home.redtab(&["config", "check", "none.toml"]);
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(1), "redtab: none.toml: does not exist\n".into())
    );
}

#[test]
fn the_last_good_copy_is_shown_as_what_is_in_force() {
    let home = Home::new();
    home.user("[prompt]\nsegment = \"short\"\n");
    assert_eq!(home.redtab(&["config", "check"]).status.code(), Some(0));
    home.user("[prompt]\nsegment = 1\n");
    let complaints = home.complaints();
    assert!(
        complaints.contains("The config of ") && complaints.ends_with(" stays in force.\n"),
        "{complaints}"
    );
    let show = text(&home.redtab(&["config", "show"]).stdout);
    let expected = "segment = \"short\"  # ~/.config/redtab/config.toml:2 (its last good copy)\n";
    assert!(show.contains(expected), "{show}");
}

#[test]
fn generated_files_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let again = "run `cargo run --example generate`";
    assert_eq!(read("docs/configuration.md"), redtab::config::reference::manual(), "{again}");
    assert_eq!(read("docs/config.schema.json"), redtab::config::reference::schema(), "{again}");
    let schema = Home::new().redtab(&["config", "schema"]);
    assert_eq!(text(&schema.stdout), read("docs/config.schema.json"));
}

#[test]
fn the_manuals_examples_are_good_configuration() {
    let manual = redtab::config::reference::manual();
    for block in manual.split("```toml\n").skip(1) {
        let home = Home::new();
        home.user(block.split("```").next().unwrap());
        let check = home.redtab(&["config", "check"]);
        assert_eq!(check.status.code(), Some(0), "{block}\n{}", text(&check.stderr));
    }
}

#[test]
fn hostile_files_are_an_error_at_once() {
    let deep = 100_000;
    let bombs = [
        ("a = ".to_string() + &"[".repeat(deep), "nested too deeply"),
        ("a = ".to_string() + &"{a=".repeat(deep), "nested too deeply"),
        ("a = ".to_string() + &"[".repeat(deep) + &"]".repeat(deep), "nested too deeply"),
        ("a.".repeat(deep) + "a = 1", "nested too deeply"),
        ("[".to_string() + &"a.".repeat(deep) + "a]", "nested too deeply"),
        ("=\n".repeat(deep), "unquoted keys cannot be empty"),
        ("[[environment]]\n".repeat(deep / 10), "there are more than 100 [[environment]]"),
        (" ".repeat(8 * 1024 * 1024), "is larger than 1 MiB"),
        (" ".repeat(8 * 1024 * 1024 + 1), "is larger than 8 MiB"),
    ];
    for (bomb, expected) in bombs {
        for name in [".config/redtab/config.toml", ".redtab.toml"] {
            let home = Home::new();
            home.write(name, &bomb);
            let start = std::time::Instant::now();
            let output = home.redtab(&["config", "check"]);
            assert!(start.elapsed().as_secs() < 5, "{name}: {expected}");
            let said = text(&output.stderr);
            let known = [expected, "unknown section", "unknown key", "is larger than 16 KiB"];
            assert_eq!(output.status.code(), Some(1), "{name}: {expected}");
            assert!(known.iter().any(|known| said.contains(known)), "{name}: {expected}: {said}");
        }
    }
}
