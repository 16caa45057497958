//! The text of a task file in, the shell lines of one of its tasks out, with those of the tasks it needs. It reads
//! what a person writes by hand; what it can't follow is said to be so, and nothing is evaluated.

use std::collections::{BTreeMap, BTreeSet};

/// Tasks that need tasks, variables that hold variables.
const MAX_DEPTH: usize = 16;
/// More lines than this of one task are not looked at.
const MAX_STEPS: usize = 512;
/// All text that expanding variables may make.
const MAX_TEXT: usize = 64 * 1024;
/// Files that are included.
const MAX_FILES: usize = 16;

/// A line that a task hands to a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub text: String,
    /// Where it stands, from 1; 0 where that is not known.
    pub line: usize,
}

/// What a task would run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    pub steps: Vec<Step>,
    /// Not all of it could be followed: why, as the end of a sentence.
    pub unclear: Option<&'static str>,
}

impl Steps {
    fn push(&mut self, text: String, line: usize) {
        if self.steps.len() < MAX_STEPS {
            self.steps.push(Step { text, line });
        } else {
            self.unclear = Some("has more lines than are looked at");
        }
    }
}

/// Reads a file that a task file includes; `None` when it is not there or can't be read.
pub type Reader<'r> = &'r mut dyn FnMut(&str) -> Option<String>;

// --- make ---

#[derive(Default)]
struct MakeRule {
    targets: Vec<String>,
    needs: Vec<String>,
    recipe: Vec<Step>,
}

#[derive(Default)]
struct Makefile {
    rules: Vec<MakeRule>,
    vars: BTreeMap<String, String>,
    exports: Vec<String>,
    files: usize,
    text: usize,
    unclear: Option<&'static str>,
}

/// What `make GOALS` would run by the makefile `text`; without goals its first one. Both branches of a conditional
/// count. `given` are the variables of the command line.
pub fn make(text: &str, goals: &[String], given: &[(String, String)], read: Reader) -> Steps {
    let mut file = Makefile::default();
    file.vars.insert("MAKE".into(), "make".into());
    file.read(text, read, 0);
    for (name, value) in given {
        file.vars.insert(name.clone(), value.clone());
    }
    let first = || {
        let default = file.vars.get(".DEFAULT_GOAL").cloned();
        let targets = || file.rules.iter().flat_map(|rule| rule.targets.iter());
        default.or_else(|| targets().find(|name| !name.starts_with('.') && !name.contains('%')).cloned())
    };
    let goals: Vec<String> = if goals.is_empty() { first().into_iter().collect() } else { goals.to_vec() };
    let mut steps = Steps { unclear: file.unclear, ..Steps::default() };
    let mut seen = BTreeSet::new();
    for goal in goals {
        file.goal(&goal, &mut seen, &mut steps, 0);
    }
    steps
}

impl Makefile {
    fn read(&mut self, text: &str, read: Reader, depth: usize) {
        self.files += 1;
        let mut in_rule = false;
        let mut in_define = false;
        for (line, text) in joined_lines(text) {
            let plain = text.trim();
            if in_define {
                in_define = !plain.starts_with("endef");
                continue;
            }
            if let Some(recipe) = text.strip_prefix('\t') {
                if let (true, Some(rule)) = (in_rule, self.rules.last_mut()) {
                    rule.recipe.push(Step { text: recipe.to_string(), line });
                }
                continue;
            }
            let code = plain.split(" #").next().unwrap_or(plain).trim_end();
            if code.is_empty() || code.starts_with('#') {
                continue;
            }
            let (word, rest) = code.split_once(char::is_whitespace).unwrap_or((code, ""));
            match word {
                "ifeq" | "ifneq" | "ifdef" | "ifndef" | "else" | "endif" | "vpath" | "unexport"
                | "undefine" => {
                    continue;
                }
                "define" => {
                    in_define = true;
                    self.unclear = Some("defines text of several lines");
                    continue;
                }
                "include" | "-include" | "sinclude" => {
                    self.include(rest, word == "include", read, depth);
                    continue;
                }
                _ => {}
            }
            let exported = if word == "export" || word == "override" { rest.trim_start() } else { code };
            if let Some((name, value)) = assignment(exported) {
                let value = value.to_string();
                if word == "export" {
                    self.exports.push(name.to_string());
                }
                self.vars.insert(name.to_string(), value);
                in_rule = false;
                continue;
            }
            if word == "export" {
                self.exports.extend(rest.split_whitespace().map(String::from));
                continue;
            }
            if let Some(rule) = self.rule(code, line) {
                self.rules.push(rule);
                in_rule = true;
            }
        }
    }

    fn include(&mut self, names: &str, must: bool, read: Reader, depth: usize) {
        let names = self.expand(names, 0);
        for name in names.split_whitespace() {
            let known = !name.contains(['$', '*', '?', '[']);
            let text = (known && depth < MAX_DEPTH && self.files < MAX_FILES).then(|| read(name)).flatten();
            match text {
                Some(text) => self.read(&text, read, depth + 1),
                None if must || !known => self.unclear = Some("includes a file that can't be read"),
                None => {}
            }
        }
    }

    fn rule(&mut self, code: &str, line: usize) -> Option<MakeRule> {
        let (targets, rest) = code.split_once(':')?;
        let rest = rest.trim_start_matches([':', '&']);
        let (needs, recipe) = match rest.split_once(';') {
            Some((needs, recipe)) => (needs, vec![Step { text: recipe.trim_start().to_string(), line }]),
            None => (rest, Vec::new()),
        };
        // `target: NAME = value` sets a variable for that target.
        if let Some((name, value)) = assignment(needs.trim()) {
            self.vars.insert(name.to_string(), value.to_string());
            return None;
        }
        let list = |text: String| text.split_whitespace().filter(|w| *w != "|").map(String::from).collect();
        let (targets, needs) = (self.expand(targets, 0), self.expand(needs, 0));
        Some(MakeRule { targets: list(targets), needs: list(needs), recipe })
    }

    fn goal(&self, goal: &str, seen: &mut BTreeSet<String>, steps: &mut Steps, depth: usize) {
        if depth > MAX_DEPTH || !seen.insert(goal.to_string()) {
            return;
        }
        for rule in &self.rules {
            let exact = rule.targets.iter().any(|target| target == goal);
            let stem = rule.targets.iter().find_map(|target| stem(target, goal));
            if !exact && stem.is_none() {
                continue;
            }
            let needs: Vec<String> =
                rule.needs.iter().map(|need| need.replace('%', stem.unwrap_or("%"))).collect();
            for need in &needs {
                self.goal(need, seen, steps, depth + 1);
            }
            let exports: String = self.exports.iter().filter_map(|name| self.exported(name)).collect();
            for step in &rule.recipe {
                let text = step.text.trim_start_matches(['@', '-', '+', ' ', '\t']);
                let automatic = [
                    ("$@", goal.to_string()),
                    ("$(@)", goal.to_string()),
                    ("$<", needs.first().cloned().unwrap_or_default()),
                    ("$^", needs.join(" ")),
                    ("$*", stem.unwrap_or_default().to_string()),
                ];
                let text =
                    automatic.iter().fold(text.to_string(), |text, (name, value)| text.replace(name, value));
                let text = if text.len() > MAX_TEXT { String::new() } else { self.expanded(&text) };
                steps.push(format!("{exports}{}", text.trim_start_matches(['@', '-', '+'])), step.line);
            }
        }
    }

    fn exported(&self, name: &str) -> Option<String> {
        let value = self.expanded(self.vars.get(name)?);
        Some(format!("export {name}='{}'; ", value.replace('\'', "'\\''")))
    }

    fn expand(&mut self, text: &str, depth: usize) -> String {
        if self.text > MAX_TEXT {
            self.unclear = Some("holds too much text");
            return String::new();
        }
        let mut left = MAX_TEXT;
        let out = expand(text, &self.vars, depth, &mut left);
        self.text += out.len();
        out
    }

    fn expanded(&self, text: &str) -> String {
        expand(text, &self.vars, 0, &mut MAX_TEXT.clone())
    }
}

/// make's variables put in; what is no variable of the file is left to the shell that reads it.
fn expand(text: &str, vars: &BTreeMap<String, String>, depth: usize, left: &mut usize) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let Some(first) = tail.chars().next() else {
            rest = "";
            break;
        };
        let close = match first {
            '(' => ')',
            '{' => '}',
            '$' => {
                out.push('$');
                rest = &tail[1..];
                continue;
            }
            other => {
                rest = &tail[other.len_utf8()..];
                match vars.get(&other.to_string()) {
                    Some(value) => out.push_str(value),
                    None => {
                        out.push('$');
                        out.push(other);
                    }
                }
                continue;
            }
        };
        let Some(end) = tail.find(close) else {
            out.push('$');
            rest = tail;
            continue;
        };
        let name = &tail[1..end];
        rest = &tail[end + 1..];
        match vars.get(name).filter(|value| depth < MAX_DEPTH && value.len() <= *left) {
            Some(value) => {
                *left -= value.len();
                out.push_str(&expand(value, vars, depth + 1, left));
            }
            // A variable of the environment, or a function of make: only running it would tell.
            None if name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') => {
                out.push_str(&format!("${{{name}}}"));
            }
            None => out.push_str("${make}"),
        }
    }
    out.push_str(rest);
    out
}

/// `NAME = value` with any of make's operators.
fn assignment(code: &str) -> Option<(&str, &str)> {
    let at = code.find('=')?;
    let name = code[..at].trim_end_matches([':', '?', '+', '!']).trim_end();
    let is_name = !name.is_empty() && !name.contains([':', ' ', '\t', '(', '"', '\'']);
    is_name.then(|| (name, code[at + 1..].trim()))
}

/// What `%` stands for.
fn stem<'g>(pattern: &str, goal: &'g str) -> Option<&'g str> {
    let (before, after) = pattern.split_once('%')?;
    goal.strip_prefix(before)?.strip_suffix(after).filter(|stem| !stem.is_empty())
}

/// Lines with those that end in a backslash joined, each with the number of its first.
fn joined_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        let (body, more) = match line.strip_suffix('\\') {
            Some(body) => (body, true),
            None => (line, false),
        };
        match lines.last_mut() {
            Some((_, last)) if open => {
                last.push(' ');
                last.push_str(body.trim_start());
            }
            _ => lines.push((index + 1, body.to_string())),
        }
        open = more;
    }
    lines
}

// --- just ---

/// What `just NAMES` would run by the justfile `text`; without names its first recipe.
pub fn just(text: &str, names: &[String]) -> Steps {
    let mut vars = BTreeMap::new();
    let mut aliases = BTreeMap::new();
    let mut recipes: Vec<(String, Vec<String>, Vec<Step>)> = Vec::new();
    let mut in_recipe = false;
    for (line, text) in joined_lines(text) {
        if text.starts_with([' ', '\t']) {
            if let (true, Some((_, _, body))) = (in_recipe, recipes.last_mut()) {
                body.push(Step { text: text.trim().to_string(), line });
            }
            continue;
        }
        let code = text.trim_end();
        if code.is_empty() || code.starts_with(['#', '[']) {
            continue;
        }
        in_recipe = false;
        if let Some((name, value)) = code.split_once(":=") {
            let value = value.trim().trim_matches(['"', '\'', '`']).to_string();
            match name.trim().strip_prefix("alias ") {
                Some(name) => aliases.insert(name.trim().to_string(), value),
                None => vars.insert(name.trim().trim_start_matches("export ").to_string(), value),
            };
            continue;
        }
        let Some((head, needs)) = code.split_once(':') else { continue };
        let name = head.trim_start_matches('@').split_whitespace().next().unwrap_or_default();
        let needs = needs.split(['(', ')', ' ', '\t', '&', '"']).filter(|word| !word.is_empty());
        recipes.push((name.to_string(), needs.map(String::from).collect(), Vec::new()));
        in_recipe = true;
    }
    let mut steps = Steps::default();
    let mut wanted: Vec<String> =
        if names.is_empty() { recipes.first().iter().map(|r| r.0.clone()).collect() } else { names.to_vec() };
    let mut seen = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        let name = aliases.get(&name).unwrap_or(&name).clone();
        let Some((_, needs, body)) = recipes.iter().find(|recipe| recipe.0 == name) else { continue };
        if !seen.insert(name) {
            continue;
        }
        wanted.extend(needs.iter().cloned());
        if body.first().is_some_and(|first| first.text.starts_with("#!")) {
            let whole: Vec<&str> = body.iter().map(|step| step.text.as_str()).collect();
            steps.push(filled(&whole.join("\n"), &vars), body[0].line);
            continue;
        }
        for step in body {
            steps.push(filled(step.text.trim_start_matches(['@', '-']), &vars), step.line);
        }
    }
    steps
}

/// `{{name}}` put in; an expression is something only just knows.
fn filled(text: &str, vars: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once("{{") {
        out.push_str(before);
        let (name, after) = tail.split_once("}}").unwrap_or((tail, ""));
        match vars.get(name.trim()) {
            Some(value) if out.len() < MAX_TEXT => out.push_str(value),
            _ => out.push_str("${just}"),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

// --- npm and its kin ---

/// What `npm run NAME` would run: the script with its `pre` and `post`. `None`: there is no such script.
pub fn package(text: &str, name: &str) -> Option<Steps> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let scripts = value.get("scripts")?.as_object()?;
    let mut steps = Steps::default();
    let names: &[&str] = match name {
        "t" | "tst" => &["test"],
        // Without a script of its own it is both of these.
        "restart" if !scripts.contains_key("restart") => &["stop", "start"],
        _ => &[name],
    };
    for name in names {
        for name in [format!("pre{name}"), name.to_string(), format!("post{name}")] {
            if let Some(script) = scripts.get(&name).and_then(serde_json::Value::as_str) {
                let line = line_of(text, &serde_json::Value::from(name).to_string());
                steps.push(script.to_string(), line);
            }
        }
    }
    (!steps.steps.is_empty()).then_some(steps)
}

/// The line (from 1) of the first place that holds `needle`; 0 without one.
fn line_of(text: &str, needle: &str) -> usize {
    text.find(needle).map_or(0, |at| text[..at].matches('\n').count() + 1)
}

// --- files of blocks: Taskfile, Rakefile, mise ---

/// The commands of a Taskfile's task, with those of the tasks it calls.
pub fn taskfile(text: &str, names: &[String]) -> Steps {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = text.lines().collect();
    let Some(tasks) = lines.iter().position(|line| line.trim_end() == "tasks:") else {
        return Steps { unclear: Some("keeps its tasks elsewhere"), ..Steps::default() };
    };
    let mut steps = Steps::default();
    let mut seen = BTreeSet::new();
    let mut wanted = if names.is_empty() { vec!["default".to_string()] } else { names.to_vec() };
    while let Some(name) = wanted.pop() {
        if !seen.insert(name.clone()) || seen.len() > MAX_STEPS {
            continue;
        }
        let is_head = |line: &str| {
            let line = line.trim();
            indent(line) == 0
                && line.trim_end_matches(':').trim_matches(['"', '\'']) == name
                && line.ends_with(':')
        };
        let Some(head) = (tasks + 1..lines.len()).find(|at| indent(lines[*at]) > 0 && is_head(lines[*at]))
        else {
            continue;
        };
        for (at, line) in lines.iter().enumerate().skip(head + 1) {
            if !line.trim().is_empty() && indent(line) <= indent(lines[head]) {
                break;
            }
            let mut code = line.trim().trim_start_matches("- ").trim();
            if let Some(task) = code.strip_prefix("task:") {
                wanted.push(task.trim().trim_matches(['"', '\'']).to_string());
                continue;
            }
            if let Some(list) = code.strip_prefix("deps:") {
                let names = list.split(['[', ']', ',']).map(|name| name.trim().trim_matches(['"', '\'']));
                wanted.extend(names.filter(|name| !name.is_empty()).map(String::from));
                continue;
            }
            code = code.strip_prefix("cmd:").unwrap_or(code).trim();
            let other = code.split_once(':').is_some_and(|(key, _)| {
                matches!(
                    key,
                    "desc" | "summary" | "cmds" | "silent" | "dir" | "vars" | "env" | "sources" | "generates"
                )
            });
            if !other && !code.is_empty() && !code.starts_with('#') && code != "|" {
                let bare = code.strip_prefix('"').and_then(|code| code.strip_suffix('"')).unwrap_or(code);
                let bare = bare.strip_prefix('\'').and_then(|code| code.strip_suffix('\'')).unwrap_or(bare);
                steps.push(filled(bare, &BTreeMap::new()), at + 1);
            }
        }
    }
    steps
}

/// The lines of a Rakefile's task, as they stand: it is Ruby, so a command stands in a string.
pub fn rake(text: &str, name: &str) -> Steps {
    let short = name.split('[').next().unwrap_or(name).rsplit(':').next().unwrap_or(name);
    let is_head = |line: &str| {
        let Some(rest) = line.trim().strip_prefix("task") else { return false };
        let head = rest.trim_start_matches([' ', '(', ':', '"', '\'']);
        head.strip_prefix(short)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    };
    let mut steps = Steps::default();
    let mut inside = None;
    for (at, line) in text.lines().enumerate() {
        let depth = line.len() - line.trim_start().len();
        if is_head(line) {
            inside = Some(depth);
        }
        if let Some(outer) = inside {
            steps.push(line.trim().to_string(), at + 1);
            if depth <= outer && line.trim() == "end" {
                inside = None;
            }
        }
    }
    steps
}

/// What a mise task runs by `mise.toml`; `None` when the file has no such task.
pub fn mise(text: &str, name: &str) -> Option<Steps> {
    let table: toml::Table = text.parse().ok()?;
    let task = table.get("tasks")?.get(name)?;
    let run = task.get("run").unwrap_or(task);
    let mut steps = Steps::default();
    let line = line_of(text, name);
    match run {
        toml::Value::String(text) => steps.push(text.clone(), line),
        toml::Value::Array(all) => {
            all.iter().filter_map(toml::Value::as_str).for_each(|text| steps.push(text.to_string(), line));
        }
        _ => steps.unclear = Some("runs something else than a line"),
    }
    if let Some(file) = task.get("file").and_then(toml::Value::as_str) {
        steps.push(file.to_string(), line);
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(steps: &Steps) -> Vec<&str> {
        steps.steps.iter().map(|step| step.text.as_str()).collect()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    const MAKEFILE: &str = "\
DB ?= orders
S := ./cleanup.sh $(DB)
export AWS_PROFILE = prod
all: build
build: one.o
\t@echo $$HOME
\t-$(S) $@ \\
\t  --all
%.o: %.c
\tcc -c $< -o $@
include more.mk
ifeq ($(A),b)
here: ; ./here.sh
endif
";

    #[test]
    fn a_makefile_is_followed_through_what_a_goal_needs() {
        let mut read =
            |name: &str| (name == "more.mk").then(|| "more: build\n\t$(MAKE) -C sub x\n".to_string());
        let of = |goals: &[&str], read: Reader| make(MAKEFILE, &names(goals), &[], read);
        let export = "export AWS_PROFILE='prod'; ";
        let build = [
            format!("{export}cc -c one.c -o one.o"),
            format!("{export}echo $HOME"),
            format!("{export}./cleanup.sh orders build  --all"),
        ];
        assert_eq!(texts(&of(&[], &mut read)), build);
        let more = of(&["more"], &mut read);
        assert_eq!(texts(&more).last(), Some(&format!("{export}make -C sub x").as_str()));
        assert_eq!(more.unclear, None);
        assert_eq!(texts(&of(&["here"], &mut read)), [format!("{export}./here.sh")]);
        assert_eq!(of(&["nosuch"], &mut read).steps, []);
        assert!(of(&["build"], &mut |_| None).unclear.is_some());
        let given = [("DB".to_string(), "other".to_string())];
        let steps = make(MAKEFILE, &names(&["build"]), &given, &mut read);
        assert!(texts(&steps)[2].contains("./cleanup.sh other"));
    }

    #[test]
    fn no_task_file_hangs_or_swells() {
        let swell: String =
            (0..60).map(|i| format!("V{i} = $(V{}) $(V{})\n", i + 1, i + 1)).collect::<String>()
                + "V60 = x\n";
        let text = swell + "a: b\n\t$(V0)\nb: a\n\t$(V0)\nself = $(self)\nc:\n\t$(self)\n";
        for goal in ["a", "c"] {
            let steps = make(&text, &names(&[goal]), &[], &mut |_| None);
            assert!(steps.steps.iter().all(|step| step.text.len() < 10 * MAX_TEXT), "{goal}");
        }
        let include = "include again.mk\n";
        make(include, &[], &[], &mut |_| Some(include.repeat(100)));
        for text in ["", "\t", "a", "a:", "a:\n\t", ":", "=", "$", "$(", "define x\n", "\\\n\\\n", "a: ;;;\n"]
        {
            make(text, &names(&["a"]), &[], &mut |_| None);
            just(text, &names(&["a"]));
            taskfile(text, &names(&["a"]));
            rake(text, "a");
            mise(text, "a");
            package(text, "a");
        }
    }

    #[test]
    fn a_justfile() {
        let text = "db := \"orders\"\nalias w := wipe\n\n# all of it\nwipe target='x': stop\n    dropdb {{db}}\n    \
                    @echo {{target}}\nstop:\n\tkill 1\nscript:\n\t#!/bin/bash\n\t./x.sh\n";
        assert_eq!(texts(&just(text, &names(&["w"]))), ["dropdb orders", "echo ${just}", "kill 1"]);
        assert_eq!(texts(&just(text, &[])), ["dropdb orders", "echo ${just}", "kill 1"]);
        assert_eq!(texts(&just(text, &names(&["script"]))), ["#!/bin/bash\n./x.sh"]);
    }

    #[test]
    fn scripts_of_a_package_with_what_runs_around_them() {
        let text = "{\"scripts\": {\n\"prex\": \"a\",\n\"x\": \"b\",\n\"postx\": \"c\", \"test\": \"t\", \"start\": \"s\"}}";
        let lines = |name| package(text, name).map(|steps| texts(&steps).join(";"));
        assert_eq!(lines("x").as_deref(), Some("a;b;c"));
        assert_eq!(lines("t").as_deref(), Some("t"));
        assert_eq!(lines("restart").as_deref(), Some("s"));
        assert_eq!(lines("nosuch"), None);
        assert_eq!(package(text, "x").map(|steps| steps.steps[0].line), Some(2));
        assert_eq!(package("{", "x"), None);
    }

    #[test]
    fn tasks_of_task_rake_and_mise() {
        let text = "version: '3'\ntasks:\n  db:\n    desc: x\n    deps: [stop]\n    cmds:\n      - dropdb orders\n      \
                    - task: other\n  stop:\n    cmds:\n      - cmd: kill 1\n  other:\n    cmds: \n    - './x.sh {{.A}}'\n";
        let steps = taskfile(text, &names(&["db"]));
        assert_eq!(texts(&steps), ["dropdb orders", "./x.sh ${just}", "kill 1"]);
        let ruby = "namespace :db do\n  task :drop => :env do\n    sh \"dropdb orders\"\n  end\n  task :other do\n    \
                    sh 'x'\n  end\nend\n";
        assert!(texts(&rake(ruby, "db:drop")).contains(&"sh \"dropdb orders\""));
        assert!(!texts(&rake(ruby, "db:drop")).contains(&"sh 'x'"));
        let toml = "[tasks.reset]\nrun = [\"a\", \"b\"]\n[tasks]\none = \"c\"\n";
        let of = |name| mise(toml, name).map(|steps| texts(&steps).join(";"));
        assert_eq!((of("reset").as_deref(), of("one").as_deref(), of("x")), (Some("a;b"), Some("c"), None));
    }
}
