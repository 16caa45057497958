//! Programs that run another program: what they run, and under which changes. Nothing is run here.

use super::super::line::{Piece, Shell, Word};
use super::super::prefixes::{
    DOCKER_GLOBAL, DOCKER_LONG, DOCKER_SHORT, KUBECTL, PARALLEL, PREFIXES, Prefix, SSH, SUDO, XARGS,
};
use super::options::{all_options, scan, verb_at};
use super::programs::is_interpreter;
use super::words::{as_text, is_variable, joined, quoted, value_for, value_of, with_hole, without_prefix};
use super::{Change, Place, Resolver, Scope, Stdin, Step, Value, What, base_name};
use crate::signal::Kind;

impl Resolver<'_> {
    /// Programs that run another one, whose words follow.
    pub(super) fn wrapper(
        &mut self,
        name: &str,
        words: &[Word],
        own: &mut Scope,
        scope: &mut Scope,
        at: usize,
    ) -> Step {
        match name {
            "sudo" => self.sudo(words, own, scope, at),
            "env" | "genv" => self.env(words, own, scope, at),
            "su" | "runuser" => self.su(words, own, scope, at),
            "xargs" | "gxargs" => {
                self.xargs(words, own, scope, at);
                Step::Done
            }
            "find" | "gfind" | "fd" | "fdfind" => {
                self.find(name, words, own, scope, at);
                Step::Done
            }
            "parallel" => {
                self.parallel(words, own, scope, at);
                Step::Done
            }
            "watch" => self.watch(words, own, scope, at),
            "flock" => self.flock(words, own, scope, at),
            "script" => self.script(words, own, scope, at),
            "ssh" | "mosh" | "autossh" | "et" => {
                self.ssh(words, own, scope, at);
                Step::Done
            }
            "docker" | "podman" | "nerdctl" | "docker-compose" | "podman-compose" => {
                self.docker(name, words, own, scope, at);
                Step::Done
            }
            "kubectl" | "oc" | "k" | "kubecolor" => {
                self.kubectl(words, own, scope, at);
                Step::Done
            }
            "tmux" | "screen" | "byobu" | "xterm" | "gnome-terminal" | "alacritty" | "kitty" | "wezterm"
            | "konsole" | "hyperfine" | "nix-shell" | "nix" | "concurrently" | "nodemon" | "at" | "batch"
            | "heroku" | "fly" | "flyctl" | "ip" | "gdb" | "lldb" | "sg" | "dokku" => {
                self.odd_wrapper(name, words, own, scope, at)
            }
            "uv" if verb_at(words, &["run"]).is_some() => {
                let Some(prefix) = PREFIXES.iter().find(|prefix| prefix.names.contains(&"uv")) else {
                    return Step::No;
                };
                let step = self.prefix(name, prefix, words, own);
                // `uv run file.py` interprets the file itself.
                match step {
                    Step::Into(next, _) if words[next].prefix().ends_with(".py") => {
                        self.emit(own, What::Script { by: "uv".into() }, words[next..].to_vec(), at);
                        Step::Done
                    }
                    step => step,
                }
            }
            "ansible" => {
                let options = all_options(
                    &words[1..],
                    "amilufeMPtbkKTDBoc",
                    &["args", "module-name", "inventory", "limit", "user"],
                );
                let module = options
                    .iter()
                    .find(|(n, _)| n == "m" || n == "module-name")
                    .and_then(|(_, v)| v.as_ref());
                let shell =
                    module.is_none_or(|m| matches!(m.prefix(), "shell" | "command" | "raw" | "script"));
                if let Some((_, Some(text))) =
                    options.iter().find(|(n, _)| n == "a" || n == "args").filter(|_| shell)
                {
                    let mut remote = own.clone();
                    remote.places.push(Place::Remote(words.get(1).map_or_else(String::new, Word::shown)));
                    let mut nowhere = scope.clone();
                    self.text_of(Shell::Bash, &as_text(text), &[], &mut remote, &mut nowhere, at);
                }
                Step::No
            }
            "mise" | "rtx" => match verb_at(words, &["exec", "x"]) {
                Some(_) => match words.iter().position(|word| word.exact() == Some("--")) {
                    Some(dashes) => Step::Into(dashes + 1, false),
                    None => Step::No,
                },
                None => Step::No,
            },
            _ => match PREFIXES.iter().find(|prefix| applies(prefix, name, words)) {
                Some(prefix) => self.prefix(name, prefix, words, own),
                None => Step::No,
            },
        }
    }

    pub(super) fn prefix(&mut self, name: &str, prefix: &Prefix, words: &[Word], own: &mut Scope) -> Step {
        let mut from = 1;
        let mut names = Vec::new();
        if !prefix.verbs.is_empty() {
            let Some(verb) = verb_of(prefix, words).or((name.starts_with("dotenv")).then_some(0)) else {
                return Step::No;
            };
            from = verb + 1;
        }
        let verb = from;
        let mut options =
            all_options(words.get(1..verb.max(1)).unwrap_or_default(), prefix.short, prefix.long);
        let mut scanned = scan(words, from, prefix.short, prefix.long);
        options.append(&mut scanned.options);
        let mut next = scanned.next;
        for _ in 0..prefix.skip {
            names.extend(words.get(next).cloned());
            let more = scan(words, next + 1, prefix.short, prefix.long);
            options.extend(more.options);
            next = more.next;
        }
        while prefix.assigns
            && let Some(word) = words.get(next)
            && let Some((variable, _)) = word.prefix().split_once('=')
        {
            own.var(variable, value_of(&without_prefix(word, variable.len() + 1)));
            next += 1;
        }
        prefix_changes(name, &options, &names, words.get(next), own);
        if name == "chamber" || name == "dotenv" || name == "dotenvx" {
            // `chamber exec SERVICE… -- cmd`, `dotenv -- cmd`.
            if let Some(dashes) = words.iter().skip(next).position(|word| word.exact() == Some("--")) {
                next += dashes + 1;
            }
        }
        if next >= words.len() { Step::No } else { Step::Into(next, false) }
    }

    pub(super) fn sudo(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) -> Step {
        let scan = scan(words, 1, SUDO.0, SUDO.1);
        if scan.has(&["l", "list", "v", "validate", "k", "K", "V", "version", "h", "help", "e", "edit"]) {
            return Step::Done;
        }
        if let Some(dir) = scan.value(&["D", "chdir"]) {
            own.change(Change::Cwd(value_of(&dir)), false);
        }
        let mut next = scan.next;
        while let Some(word) = words.get(next)
            && let Some((name, _)) = word.prefix().split_once('=')
            && is_variable(name)
        {
            own.var(name, value_of(&without_prefix(word, name.len() + 1)));
            next += 1;
        }
        if next >= words.len() {
            // `sudo -s`: a session, or a shell that reads what is piped in.
            if scan.has(&["s", "i", "shell", "login"]) {
                self.shell_stdin(Shell::Bash, own, at);
            }
            return Step::Done;
        }
        let _ = scope;
        Step::Into(next, false)
    }

    pub(super) fn env(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) -> Step {
        let scan =
            scan(words, 1, "uCSP", &["unset", "chdir", "split-string", "block-signal", "default-signal"]);
        for (name, value) in &scan.options {
            match name.as_str() {
                "i" | "ignore-environment" | "" => own.change(Change::EmptyEnv, false),
                "u" | "unset" => {
                    if let Some(name) = value.as_ref().and_then(Word::exact) {
                        own.var(name, Value::Unset);
                    }
                }
                "C" | "chdir" => {
                    own.change(Change::Cwd(value.as_ref().map_or(Value::Unknown, value_of)), false)
                }
                _ => {}
            }
        }
        let mut next = scan.next;
        // A bare `-` is `-i`.
        if words.get(next).and_then(Word::exact) == Some("-") {
            own.change(Change::EmptyEnv, false);
            next += 1;
        }
        while let Some(word) = words.get(next) {
            match word.pieces.first() {
                Some(Piece::Text(text)) => match text.split_once('=') {
                    Some((name, _)) => own.var(name, value_for(name, &without_prefix(word, name.len() + 1))),
                    None => break,
                },
                // `env $(cat .env) program`: what the output adds are assignments, or the program itself.
                Some(Piece::Output(_) | Piece::Param(_)) if next + 1 < words.len() => {
                    self.env_from_output(word, own)
                }
                _ => break,
            }
            next += 1;
        }
        if let Some(split) = scan.value(&["S", "split-string"]) {
            let mut text = as_text(&split);
            for word in words.iter().skip(next) {
                text.push(' ');
                text.push_str(&quoted(word));
            }
            // env reads assignments and options there, too.
            self.text_of(Shell::Bash, &format!("env {text}"), &[], &mut own.clone(), scope, at);
            return Step::Done;
        }
        if next >= words.len() { Step::No } else { Step::Into(next, false) }
    }

    pub(super) fn su(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) -> Step {
        let mut commands = Vec::new();
        let (short, long) =
            ("cCgGsuwT", &["command", "session-command", "group", "shell", "user", "whitelist-environment"]);
        let mut next = 1;
        let mut user = false;
        while next < words.len() {
            let scan = scan(words, next, short, long);
            commands.extend(scan.value(&["c", "command", "C", "session-command"]));
            user |= scan.has(&["u", "user"]);
            next = scan.next;
            if user && commands.is_empty() && next < words.len() {
                return Step::Into(next, false);
            }
            next += 1;
        }
        let scripts = commands.is_empty();
        for command in commands {
            self.text_of(Shell::Bash, &as_text(&command), &[], &mut own.clone(), scope, at);
        }
        // `su USER script`: the words behind the user go to the shell.
        let plain: Vec<&Word> = words.iter().skip(1).filter(|word| !word.prefix().starts_with('-')).collect();
        if let [_, script] = plain.as_slice()
            && scripts
            && script.prefix().contains('/')
        {
            self.emit(own, What::Script { by: "sh".into() }, vec![(*script).clone()], at);
        }
        self.emit(own, What::Program, words.to_vec(), at);
        Step::Done
    }

    pub(super) fn xargs(&mut self, words: &[Word], own: &Scope, scope: &mut Scope, at: usize) {
        let scan = scan(words, 1, XARGS.0, XARGS.1);
        let given = scan.value(&["I", "J", "replace"]).map(|word| word.shown());
        let place = given.or_else(|| scan.has(&["i", "replace"]).then(|| "{}".to_string()));
        let mut argv: Vec<Word> = words[scan.next.min(words.len())..].to_vec();
        if argv.is_empty() {
            return;
        }
        match place.filter(|place| !place.is_empty()) {
            Some(place) => argv.iter_mut().for_each(|word| *word = with_hole(word, &place)),
            None => argv.push(Word::unknown()),
        }
        self.program(argv, own.clone(), scope, at);
    }

    pub(super) fn find(&mut self, name: &str, words: &[Word], own: &Scope, scope: &mut Scope, at: usize) {
        self.emit(own, What::Program, words.to_vec(), at);
        let fd = name.starts_with("fd");
        let root = match words.get(1).map(Word::prefix) {
            Some(path) if !fd && !path.is_empty() && !path.starts_with('-') => path.to_string(),
            _ => ".".to_string(),
        };
        let found = |names: &str| Word {
            pieces: vec![Piece::Text(format!("{root}/")), Piece::Glob(names.into())],
            ..Word::default()
        };
        // What is run is looked for where one pattern says what it is called; of all else the line's words have to do.
        let runs_at = |word: &Word| matches!(word.exact(), Some("-exec" | "-execdir" | "-ok" | "-okdir"));
        let names = if fd { extension(words) } else { sole_name(words, runs_at) };
        let to_run = names.map_or_else(|| found("{}"), |names| found(&names));
        let found = found("{}");
        let mut next = 1;
        while next < words.len() {
            let option = words[next].exact().unwrap_or("");
            let runs =
                runs_at(&words[next]) || (fd && matches!(option, "-x" | "-X" | "--exec" | "--exec-batch"));
            next += 1;
            if !runs {
                continue;
            }
            let end = words[next..].iter().position(|word| matches!(word.exact(), Some(";" | "+")));
            let end = end.map_or(words.len(), |end| next + end);
            let runs_them = |before: &[Word]| {
                before.iter().filter_map(Word::exact).map(base_name).all(|name| {
                    name.starts_with('-') || Shell::of_program(name).is_some() || is_interpreter(name)
                })
            };
            let mut argv: Vec<Word> = Vec::new();
            for word in &words[next..end] {
                argv.push(match word.exact() {
                    Some("{}") if runs_them(&argv) => to_run.clone(),
                    Some("{}") => found.clone(),
                    _ => word.clone(),
                });
            }
            if fd {
                argv.push(if runs_them(&argv) { to_run.clone() } else { found.clone() });
            }
            self.program(argv, own.clone(), scope, at);
            next = end + 1;
        }
    }

    pub(super) fn parallel(&mut self, words: &[Word], own: &Scope, scope: &mut Scope, at: usize) {
        let scan = scan(words, 1, PARALLEL.0, PARALLEL.1);
        if scan.has(&["dry-run", "dryrun"]) {
            return;
        }
        let is_source = |word: &Word| word.exact().is_some_and(|text| text.starts_with(":::"));
        let rest = &words[scan.next.min(words.len())..];
        let split = rest.iter().position(is_source).unwrap_or(rest.len());
        let (template, sources) = rest.split_at(split);
        if template.is_empty() {
            // Each argument is a command line of its own.
            for source in sources.iter().filter(|word| !is_source(word)) {
                self.text_of(Shell::Bash, &as_text(source), &[], &mut own.clone(), scope, at);
            }
            if sources.is_empty() {
                self.unclear(own, "runs the lines it reads", words.to_vec(), at);
            }
            return;
        }
        let text: Vec<String> = template.iter().map(as_text).collect();
        let text = format!("{} $_", text.join(" ").replace("{}", "$_"));
        self.text_of(Shell::Bash, &text, &[], &mut own.clone(), scope, at);
    }

    pub(super) fn watch(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) -> Step {
        let scan = scan(words, 1, "nqs", &["interval", "equexit"]);
        if scan.has(&["x", "exec"]) {
            return Step::Into(scan.next, false);
        }
        let rest = &words[scan.next..];
        if !rest.is_empty() {
            self.text_of(Shell::Bash, &joined(rest), &[], &mut own.clone(), scope, at);
        }
        Step::Done
    }

    pub(super) fn flock(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) -> Step {
        let first = scan(words, 1, "wEc", &["wait", "timeout", "conflict-exit-code", "command"]);
        let behind = scan(words, first.next + 1, "c", &["command"]);
        if let Some(text) = first.value(&["c", "command"]).or(behind.value(&["c", "command"])) {
            self.text_of(Shell::Bash, &as_text(&text), &[], &mut own.clone(), scope, at);
            return Step::Done;
        }
        if behind.next < words.len() { Step::Into(behind.next, false) } else { Step::Done }
    }

    pub(super) fn script(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) -> Step {
        let mut next = 1;
        let mut file = false;
        while next < words.len() {
            let scan = scan(
                words,
                next,
                "cEIoBOmtT",
                &["command", "echo", "log-in", "log-out", "log-io", "output-limit"],
            );
            if let Some(text) = scan.value(&["c", "command"]) {
                self.text_of(Shell::Bash, &as_text(&text), &[], &mut own.clone(), scope, at);
            }
            // The file comes first; what follows is a command (BSD, macOS).
            if file && scan.next < words.len() {
                return Step::Into(scan.next, false);
            }
            file = true;
            next = scan.next + 1;
        }
        Step::Done
    }

    pub(super) fn ssh(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) {
        self.emit(own, What::Program, words.to_vec(), at);
        let first = scan(words, 1, SSH, &[]);
        if first.has(&["V", "Q", "G"]) {
            return;
        }
        let Some(host) = words.get(first.next) else { return };
        let behind = scan(words, first.next + 1, SSH, &[]);
        let rest = &words[behind.next.min(words.len())..];
        if rest.is_empty() {
            // A session that reads what is piped in.
            if own.stdin != Stdin::Inherited {
                let mut remote = own.clone();
                remote.places.push(Place::Remote(host.shown()));
                self.shell_stdin(Shell::Bash, &mut remote, at);
            }
            return;
        }
        let text: Vec<String> = rest.iter().map(as_text).collect();
        let mut remote = own.clone();
        remote.places.push(Place::Remote(host.shown()));
        remote.changes.clear();
        let mut nowhere = scope.clone();
        self.text_of(Shell::Bash, &text.join(" "), &[], &mut remote, &mut nowhere, at);
    }

    pub(super) fn docker(
        &mut self,
        name: &str,
        words: &[Word],
        own: &mut Scope,
        scope: &mut Scope,
        at: usize,
    ) {
        self.plain(name, words.to_vec(), own, scope, at);
        let mut next = scan(words, 1, DOCKER_GLOBAL.0, DOCKER_GLOBAL.1).next;
        while matches!(words.get(next).and_then(Word::exact), Some("compose" | "container")) {
            next = scan(words, next + 1, DOCKER_GLOBAL.0, DOCKER_GLOBAL.1).next;
        }
        if !matches!(words.get(next).and_then(Word::exact), Some("exec" | "run")) {
            return;
        }
        let options = scan(words, next + 1, DOCKER_SHORT, DOCKER_LONG);
        let Some(container) = words.get(options.next) else { return };
        let mut inner = own.clone();
        inner.places.push(Place::Container(container.shown()));
        for (name, value) in &options.options {
            if let ("e" | "env", Some(value)) = (name.as_str(), value)
                && let Some((variable, _)) = value.prefix().split_once('=')
            {
                inner.var(variable, value_of(&without_prefix(value, variable.len() + 1)));
            }
        }
        let mut argv: Vec<Word> = options.value(&["entrypoint"]).into_iter().collect();
        argv.extend(words[options.next + 1..].iter().cloned());
        let mut nowhere = scope.clone();
        self.program(argv, inner, &mut nowhere, at);
    }

    pub(super) fn kubectl(&mut self, words: &[Word], own: &mut Scope, scope: &mut Scope, at: usize) {
        let name = words[0].exact().map(base_name).unwrap_or("kubectl").to_string();
        self.plain(&name, words.to_vec(), own, scope, at);
        let first = scan(words, 1, KUBECTL.0, KUBECTL.1);
        if !matches!(words.get(first.next).and_then(Word::exact), Some("exec" | "run" | "debug" | "rsh")) {
            return;
        }
        let behind = scan(words, first.next + 1, KUBECTL.0, KUBECTL.1);
        let Some(pod) = words.get(behind.next) else { return };
        let dashes = words.iter().position(|word| word.exact() == Some("--"));
        let old_style = || scan(words, behind.next + 1, KUBECTL.0, KUBECTL.1).next;
        let from = dashes.map_or_else(old_style, |dashes| dashes + 1);
        let mut inner = own.clone();
        let mut target = |kind, values: Option<Word>| {
            if let Some(value) = values {
                inner.change(Change::Target { kind, value: value_of(&value) }, false);
            }
        };
        let option = |names: &[&str]| first.value(names).or_else(|| behind.value(names));
        target(Kind::KubeContext, option(&["context"]));
        target(Kind::KubeFile, option(&["kubeconfig"]));
        target(Kind::KubeNamespace, option(&["n", "namespace"]));
        inner.places.push(Place::Container(pod.shown()));
        let argv = words.get(from..).unwrap_or_default().to_vec();
        let mut nowhere = scope.clone();
        self.program(argv, inner, &mut nowhere, at);
    }

    /// Programs that take commands as text, or in a place of their own.
    pub(super) fn odd_wrapper(
        &mut self,
        name: &str,
        words: &[Word],
        own: &mut Scope,
        scope: &mut Scope,
        at: usize,
    ) -> Step {
        let position = |wanted: &[&str]| {
            words.iter().position(|word| word.exact().is_some_and(|text| wanted.contains(&text)))
        };
        let behind =
            |wanted: &[&str]| position(wanted).map(|index| index + 1).filter(|index| *index < words.len());
        let mut texts: Vec<String> = Vec::new();
        match name {
            "tmux" | "byobu" => {
                let verbs = [
                    "new-session",
                    "new",
                    "new-window",
                    "neww",
                    "split-window",
                    "splitw",
                    "respawn-pane",
                    "respawnp",
                    "respawn-window",
                    "respawnw",
                    "run-shell",
                    "run",
                    "if-shell",
                    "if",
                    "pipe-pane",
                    "pipep",
                    "display-popup",
                    "popup",
                    "send-keys",
                    "send",
                ];
                if let Some(from) = behind(&verbs) {
                    let scan = scan(words, from, "stnxyFceTS", &[]);
                    let rest: Vec<&Word> = words[scan.next..].iter().collect();
                    // Each word may be a line of its own (send-keys, if-shell), or all of them one command.
                    texts.extend(
                        rest.iter()
                            .filter(|word| word.prefix().contains([' ', '/']))
                            .map(|word| as_text(word)),
                    );
                    if rest.first().is_some_and(|word| !word.prefix().contains(' ')) {
                        texts.push(joined(&words[scan.next..]));
                    }
                }
            }
            "screen" => {
                let scan = scan(words, 1, "SecphsTt", &[]);
                if !scan.has(&["r", "x", "ls", "list", "X"]) && scan.next < words.len() {
                    return Step::Into(scan.next, false);
                }
            }
            "xterm" | "gnome-terminal" | "alacritty" | "konsole" => {
                if let Some(from) = behind(&["-e", "--", "-x", "--command"]) {
                    texts.push(joined(&words[from..]));
                }
            }
            "kitty" | "wezterm" | "ip" | "gdb" | "lldb" | "nix" | "fly" | "flyctl" | "dokku" => {
                let marks: &[&str] = match name {
                    "ip" => &["exec"],
                    "gdb" | "lldb" => &["--args", "--"],
                    "nix" => &["-c", "--command"],
                    "fly" | "flyctl" => &["-C", "--command"],
                    _ => &["--", "-e"],
                };
                if let Some(from) = behind(marks) {
                    texts.push(joined(words.get(from + usize::from(name == "ip")..).unwrap_or_default()));
                }
            }
            "nix-shell" | "sg" | "nodemon" => {
                if let Some(from) = behind(&["--run", "--command", "-c", "--exec", "-x"]) {
                    texts.push(as_text(&words[from]));
                } else if name == "nodemon" {
                    return Step::Into(scan(words, 1, "weix", &["watch", "ext", "ignore"]).next, false);
                }
            }
            "hyperfine" | "concurrently" => {
                let scan = scan(
                    words,
                    1,
                    "wmMrspcniLDPSuN",
                    &[
                        "warmup",
                        "runs",
                        "min-runs",
                        "max-runs",
                        "prepare",
                        "setup",
                        "cleanup",
                        "names",
                        "shell",
                        "export-json",
                        "export-markdown",
                        "parameter-list",
                    ],
                );
                texts.extend(
                    scan.options
                        .iter()
                        .filter(|(n, _)| ["p", "s", "c", "prepare", "setup", "cleanup"].contains(&n.as_str()))
                        .filter_map(|(_, v)| v.as_ref().map(as_text)),
                );
                texts.extend(words[scan.next..].iter().map(as_text));
            }
            "at" | "batch" => match scan(words, 1, "qft", &[]).value(&["f"]) {
                Some(file) if file.exact().is_some() => {
                    self.emit(own, What::Script { by: "sh".into() }, vec![file], at)
                }
                _ => self.shell_stdin(Shell::Bash, own, at),
            },
            "heroku" => {
                if let Some(from) = behind(&["run", "run:detached"]) {
                    let scan = scan(words, from, "asr", &["app", "size", "remote", "type", "env"]);
                    let mut remote = own.clone();
                    let app = scan.value(&["a", "app"]).map_or_else(String::new, |app| app.shown());
                    remote.places.push(Place::Remote(app));
                    let rest: Vec<String> = words[scan.next..].iter().map(as_text).collect();
                    let mut nowhere = scope.clone();
                    self.text_of(Shell::Bash, &rest.join(" "), &[], &mut remote, &mut nowhere, at);
                }
            }
            _ => {}
        }
        for text in texts {
            self.text_of(Shell::Bash, &text, &[], &mut own.clone(), scope, at);
        }
        Step::No
    }
}

pub(super) fn applies(prefix: &Prefix, name: &str, words: &[Word]) -> bool {
    let name = if prefix.names.contains(&name) { name } else { return false };
    prefix.verbs.is_empty() || name.starts_with("dotenv") || verb_of(prefix, words).is_some()
}

/// Where one of the prefix's verbs stands; the value of one of its options is none.
fn verb_of(prefix: &Prefix, words: &[Word]) -> Option<usize> {
    let verb = verb_at(words, prefix.verbs)?;
    let before = words.get(verb.checked_sub(1)?)?.exact().unwrap_or("");
    let is_value = match before.strip_prefix("--") {
        Some(long) => prefix.long.contains(&long),
        None => before.len() == 2 && before.starts_with('-') && prefix.short.contains(&before[1..]),
    };
    if is_value { verb_at(&words[verb..], prefix.verbs).map(|next| verb + next) } else { Some(verb) }
}

/// What a prefix says about the view.
pub(super) fn prefix_changes(
    name: &str,
    options: &[(String, Option<Word>)],
    names: &[Word],
    first: Option<&Word>,
    own: &mut Scope,
) {
    let option = |wanted: &[&str]| {
        let found = options.iter().find(|(name, _)| wanted.contains(&name.as_str()));
        found.and_then(|(_, value)| value.as_ref())
    };
    let target = |kind, value: &Word| Change::Target { kind, value: value_of(value) };
    let files = options.iter().filter(|(name, _)| name == "env-file").filter_map(|(_, value)| value.as_ref());
    for file in files {
        own.change(file.exact().map_or(Change::Anything, |file| Change::EnvFile(file.to_string())), false);
    }
    match name {
        "aws-vault" | "aws-okta" => {
            let value = names.first().map_or(Value::Unknown, value_of);
            own.var("AWS_VAULT", value.clone());
            own.change(Change::Target { kind: Kind::AwsProfile, value }, false);
        }
        "saml2aws" => {
            let profile = option(&["exec-profile", "p", "profile", "a", "idp-account"]);
            own.change(
                Change::Target { kind: Kind::AwsProfile, value: profile.map_or(Value::Unknown, value_of) },
                false,
            );
        }
        "kubie" => {
            own.change(target(Kind::KubeContext, &names.first().cloned().unwrap_or(Word::unknown())), false);
            own.change(target(Kind::KubeNamespace, &names.get(1).cloned().unwrap_or(Word::unknown())), false);
        }
        "direnv" => {
            let dir = names.first().and_then(Word::exact).map(String::from);
            own.change(dir.map_or(Change::Anything, Change::EnvFile), false);
        }
        "envdir" => {
            let dir = names.first().and_then(Word::exact).map(String::from);
            own.change(dir.map_or(Change::Anything, Change::EnvFile), false);
        }
        "envchain" => {
            own.change(target(Kind::Name, &names.first().cloned().unwrap_or(Word::unknown())), false)
        }
        "dotenv" | "dotenvx" | "env-cmd" | "dotenv-cli" => {
            let file = option(&["f", "e", "file", "path"]);
            let default = if option(&["env-file"]).is_some() { None } else { Some(".env") };
            match (file, default) {
                (Some(file), _) => {
                    own.change(
                        file.exact().map_or(Change::Anything, |f| Change::EnvFile(f.to_string())),
                        false,
                    );
                }
                (None, Some(file)) => own.change(Change::EnvFile(file.to_string()), false),
                (None, None) => {}
            }
        }
        "doppler" => {
            for wanted in [["c", "config"], ["p", "project"]] {
                if let Some(value) = option(&wanted) {
                    own.change(target(Kind::Name, value), false);
                }
            }
            if option(&["c", "config"]).is_none() {
                own.change(Change::Anything, false);
            }
        }
        "infisical" => match option(&["env"]) {
            Some(value) => own.change(target(Kind::Name, value), false),
            None => own.change(Change::Anything, false),
        },
        "chamber" => {
            let value = first.map_or(Value::Unknown, value_of);
            own.change(Change::Target { kind: Kind::Name, value }, false);
        }
        "teller" => own.change(Change::Anything, false),
        "op" if option(&["env-file"]).is_none() => {}
        "poetry" | "pdm" | "uv" | "conda" | "systemd-run" => {
            if let Some(dir) = option(&["C", "directory", "cwd", "working-directory"]) {
                own.change(Change::Cwd(value_of(dir)), false);
            }
        }
        "npm" | "pnpm" | "yarn" | "bun" | "npx" => {
            if let Some(dir) = option(&["prefix", "C", "dir", "cwd"]) {
                own.change(Change::Cwd(value_of(dir)), false);
            }
        }
        _ => {}
    }
}

/// The pattern below its one place that `find` looks for, where one `-name` says it.
fn sole_name(words: &[Word], runs_at: impl Fn(&Word) -> bool) -> Option<String> {
    let tests = &words[1..words.iter().position(runs_at)?];
    let place = tests.iter().take_while(|word| !word.prefix().starts_with(['-', '(', '!'])).count();
    let mut names = Vec::new();
    let mut depth = None;
    let mut rest = tests[place..].iter();
    while let Some(test) = rest.next() {
        match test.exact()? {
            "-name" => names.push(rest.next()?.text()?),
            "-maxdepth" => depth = rest.next()?.exact(),
            "-type" | "-mindepth" | "-newer" | "-user" | "-size" | "-mtime" | "-mmin" | "-perm" => {
                _ = rest.next()
            }
            "-executable" | "-readable" => {}
            _ => return None,
        }
    }
    match (names.as_slice(), place, depth) {
        ([name], 0 | 1, Some("1")) => Some(name.clone()),
        ([name], 0 | 1, _) => Some(format!("**/{name}")),
        _ => None,
    }
}

/// The pattern that `fd -e EXTENSION -x …` makes.
fn extension(words: &[Word]) -> Option<String> {
    let words: Vec<&str> = words.iter().map_while(Word::exact).take(4).collect();
    match words[..] {
        [_, "-e" | "--extension", extension, "-x" | "-X" | "--exec" | "--exec-batch"] => {
            Some(format!("**/*.{extension}"))
        }
        _ => None,
    }
}
