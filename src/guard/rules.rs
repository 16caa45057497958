//! Runs in, hits out: which rules a command meets, and which target the line itself names. The rules are data
//! (`rules_table`); this is the matcher they all share. It decides nothing: level and target are for `decide`.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use super::line::{Piece, Word};
use super::rules_table::{RULES, TOOLS};
use super::runs::{Mentioned, Run, Stdin, What, base_name};
use super::sql::{self, Effect, Strings};
use crate::signal::{Domain, Kind};

/// What a rule asks for before late hours and leases are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A routine change: one line, no question.
    Warn,
    /// Destroys data or many things: the target's name is asked for.
    Confirm,
}

/// How many words may follow the rule's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    Any,
    None,
    One,
    Some,
    /// Two or more, or words that only the shell knows.
    Many,
}

/// What a rule's words can't say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    Always,
    /// SQL on the line or in its here-doc has this effect.
    Sql(Effect),
    /// It reads what another command prints.
    Piped,
    /// A further word is an absolute path, the home directory, a whole directory or unknown.
    WidePath,
    /// A further word is an absolute path.
    AbsolutePath,
    /// A further word is a device.
    Device,
    /// `of=` is a device.
    DdDevice,
    /// A redirection writes to a device or to the kernel.
    WritesDevice,
    /// The script of `--eval` or standard input drops or empties something.
    MongoDestroys,
    /// The command on the line or standard input is one of these.
    RedisDestroys,
    /// The same for single keys and settings.
    RedisWrites,
}

/// A rule. All lists are of words; see the fields for their little language.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    pub id: &'a str,
    pub domain: Domain,
    pub level: Level,
    /// Names without directory; `*` globs.
    pub programs: &'a [&'a str],
    /// The words that must follow in this order, options skipped. `a|b` are alternatives, `*` globs inside a word,
    /// `**` stands for any number of words.
    pub words: &'a [&'a str],
    /// If not empty, one of these options (`--all`, `-A`, `--replicas=0`) or further words must be there.
    pub any: &'a [&'a str],
    /// None of these may be there: what disarms it.
    pub unless: &'a [&'a str],
    pub rest: Rest,
    pub check: Check,
    /// One sentence without a capital: what it does.
    pub does: &'a str,
    /// The safer way, as a person would type or do it.
    pub safer: &'a str,
    /// Lines it must meet, and lines it must not.
    pub stops: &'a [&'a str],
    pub passes: &'a [&'a str],
}

/// How a program's words are told apart, and where on the line it takes its target.
#[derive(Clone, Copy, Debug)]
pub struct Tool<'a> {
    pub programs: &'a [&'a str],
    /// Single-letter options that take a value.
    pub short: &'a str,
    /// Single-letter options whose value may only be glued to them: mysql's password. It is not kept.
    pub glued: &'a str,
    /// Long options that take a value, without dashes.
    pub long: &'a [&'a str],
    /// Long options have one dash: `-target=x`.
    pub single_dash: bool,
    /// Options that name the target.
    pub targets: &'a [(&'a str, Kind)],
    /// Those of them that say no more than which part of a target is meant: a resource group, a file of variables.
    pub narrowing: &'a [&'a str],
    /// What the first plain word names, if it names a target.
    pub first: Option<Kind>,
    /// The option that names the port.
    pub port: &'a str,
}

/// A target named on the line itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineTarget {
    pub kind: Kind,
    /// `None`: it is named, but only the shell knows what it is.
    pub value: Option<String>,
    /// Whether it says by itself where the command goes, so that it overrules the tab. A namespace, a database or a user
    /// does not: whose it is, the surroundings say.
    pub settles: bool,
}

impl LineTarget {
    fn new(kind: Kind, value: Option<String>) -> LineTarget {
        let settles =
            !matches!(kind, Kind::KubeNamespace | Kind::Database | Kind::DatabaseUser | Kind::EnvValue);
        LineTarget { kind, value, settles }
    }
}

/// A rule that a run meets.
#[derive(Clone, Debug)]
pub struct Hit<'a> {
    pub rule: &'a Rule<'a>,
    /// What on the line met it, without secrets: `kubectl delete ns payments`, `DROP TABLE orders`.
    pub evidence: String,
    /// Every target the line names, in its order.
    pub targets: Vec<LineTarget>,
    /// The port the line names: a tunnel there decides where it leads.
    pub port: Option<u16>,
    /// Whether the run is one that could not be followed, so that the rule's words are only mentioned.
    pub unclear: bool,
}

/// More candidates than this in one unclear line are not looked at; such a line is refused for being unclear.
const MAX_CANDIDATES: usize = 256;
/// Words looked at behind a program that an unclear line mentions.
const MAX_MENTIONED: usize = 48;
/// A longer evidence is cut.
const MAX_EVIDENCE: usize = 120;

/// The built-in rules, in the order in which they are tried.
pub fn built_in() -> &'static [Rule<'static>] {
    RULES
}

/// The built-in rules a run meets. Of rules for the same program the first one decides (they are ordered so);
/// what SQL does counts each by itself.
pub fn matches(run: &Run) -> Vec<Hit<'static>> {
    matches_in(run, RuleSet::BuiltIn)
}

/// The same with other rules, such as those of the configuration.
pub fn matches_of<'a>(run: &Run, rules: &'a [Rule<'a>]) -> Vec<Hit<'a>> {
    matches_in(run, RuleSet::Given(rules))
}

fn matches_in<'a>(run: &Run, rules: RuleSet<'a>) -> Vec<Hit<'a>> {
    match &run.what {
        What::Function => Vec::new(),
        What::Unclear { words, .. } => mentioned(run, words, rules),
        What::Program | What::Script { .. } | What::Task { .. } => of_argv(&run.argv, run, rules),
    }
}

#[derive(Clone, Copy)]
enum RuleSet<'a> {
    BuiltIn,
    Given(&'a [Rule<'a>]),
}

/// Which built-in rules speak of a program: by its whole name, and those with a glob.
struct Index {
    by_name: HashMap<&'static str, Vec<usize>>,
    globs: Vec<usize>,
}

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index = Index { by_name: HashMap::new(), globs: Vec::new() };
        for (at, rule) in RULES.iter().enumerate() {
            for program in rule.programs.iter().filter(|program| !program.contains('*')) {
                index.by_name.entry(program).or_default().push(at);
            }
            if rule.programs.iter().any(|program| program.contains('*')) {
                index.globs.push(at);
            }
        }
        index
    })
}

impl<'a> RuleSet<'a> {
    /// The rules that speak of a program, in their order.
    fn of(self, name: &str) -> Vec<&'a Rule<'a>> {
        match self {
            RuleSet::Given(rules) => rules.iter().filter(|rule| speaks_of(rule, name)).collect(),
            RuleSet::BuiltIn => {
                let index = index();
                let mut at: Vec<usize> = index.by_name.get(name).cloned().unwrap_or_default();
                at.extend(index.globs.iter().copied().filter(|at| speaks_of(&RULES[*at], name)));
                at.sort_unstable();
                at.dedup();
                at.into_iter().map(|at| &RULES[at]).collect()
            }
        }
    }

    /// Whether a word names a program of some rule; rules for any program don't count.
    fn names(self, name: &str) -> bool {
        let named = |rule: &Rule| rule.programs.iter().any(|program| *program != "*" && glob(program, name));
        match self {
            RuleSet::Given(rules) => rules.iter().any(named),
            RuleSet::BuiltIn => {
                index().by_name.contains_key(name) || index().globs.iter().any(|at| named(&RULES[*at]))
            }
        }
    }
}

fn speaks_of(rule: &Rule, name: &str) -> bool {
    rule.programs.iter().any(|program| glob(program, name))
}

/// Files that the run hands to its program as commands or SQL: `psql -f FILE`, `mysql < FILE`. As named on the
/// line; a file that only the shell can name is left out.
pub fn files(run: &Run) -> Vec<String> {
    let mut files = Vec::new();
    if is_sql_client(run.name()) || is_store(run.name()) {
        let parsed = Parsed::read(&run.argv, tool_of(run.name()));
        for (name, value) in &parsed.options {
            if matches!(name.as_str(), "f" | "file" | "queries-file" | "i" | "input-file")
                && !run.name().starts_with("redis")
            {
                files.extend(value.as_ref().and_then(Word::exact).map(String::from));
            }
        }
        if let Stdin::File(file) = &run.stdin {
            files.extend(file.exact().map(String::from));
        }
        if run.name().starts_with("mongo") {
            files.extend(
                parsed
                    .plain
                    .iter()
                    .filter_map(|p| p.word.exact())
                    .filter(|w| w.ends_with(".js"))
                    .map(String::from),
            );
        }
    }
    files
}

/// The rules that the SQL in `text` (a file that `client` would read) meets.
pub fn sql_matches(client: &str, text: &str) -> Vec<Hit<'static>> {
    let findings = sql::findings(text, strings_of(client));
    let rules = RULES.iter().filter(|rule| rule.programs.iter().any(|p| glob(p, client)));
    rules
        .filter_map(|rule| match rule.check {
            Check::Sql(effect) => findings.iter().find(|f| f.effect == effect).map(|finding| Hit {
                rule,
                evidence: clip(&finding.words),
                targets: Vec::new(),
                port: None,
                unclear: false,
            }),
            _ => None,
        })
        .collect()
}

/// The rules that a text of any language mentions, with the line (from 1) of each: for scripts that are no shell
/// scripts, where a command stands in a string or a list of strings.
pub fn mentions(text: &str) -> Vec<(usize, Hit<'static>)> {
    let mut hits = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let words = super::line::loose_words(line);
        hits.extend(mentions_of(&words, RuleSet::BuiltIn).into_iter().map(|hit| (number + 1, hit)));
    }
    hits
}

fn mentioned<'a>(run: &Run, words: &Mentioned, rules: RuleSet<'a>) -> Vec<Hit<'a>> {
    let mut hits = match rules {
        // Every unclear run of a line mentions the same.
        RuleSet::BuiltIn => {
            let named = words.programs(|word| rules.names(base_name(word)));
            mentions_at(words, named.iter().copied(), rules)
        }
        RuleSet::Given(_) => mentions_of(words, rules),
    };
    // What of its words is known is a better witness than the loose ones.
    if !run.argv.is_empty() {
        hits.extend(of_argv(&run.argv, run, rules));
    }
    for hit in &mut hits {
        hit.unclear = true;
    }
    hits
}

fn mentions_of<'a>(words: &[String], rules: RuleSet<'a>) -> Vec<Hit<'a>> {
    let named = words.iter().enumerate().filter(|(_, word)| rules.names(base_name(word)));
    mentions_at(words, named.map(|(index, _)| index), rules)
}

/// The hits of the programs that stand at these places.
fn mentions_at<'a>(words: &[String], named: impl Iterator<Item = usize>, rules: RuleSet<'a>) -> Vec<Hit<'a>> {
    let mut hits: Vec<Hit<'a>> = Vec::new();
    let mut seen = BTreeSet::new();
    for index in named {
        let argv = &words[index..(index + MAX_MENTIONED).min(words.len())];
        if seen.len() >= MAX_CANDIDATES {
            break;
        }
        if !seen.insert(argv) {
            continue;
        }
        let argv: Vec<Word> = argv.iter().map(Word::literal).collect();
        let run = bare_run(&argv);
        for hit in of_words(&argv, &run, rules, true) {
            if !hits.iter().any(|old| old.rule.id == hit.rule.id) {
                hits.push(hit);
            }
        }
    }
    hits
}

fn bare_run(argv: &[Word]) -> Run {
    Run {
        what: What::Program,
        argv: argv.to_vec(),
        changes: Vec::new(),
        places: Vec::new(),
        stdin: Stdin::Inherited,
        writes: Vec::new(),
        at: 0,
    }
}

fn of_argv<'a>(argv: &[Word], run: &Run, rules: RuleSet<'a>) -> Vec<Hit<'a>> {
    of_words(argv, run, rules, false)
}

/// The rules that words meet. `loose`: nobody knows where the command ends, so no rule is spared for words that may be
/// another command's.
fn of_words<'a>(argv: &[Word], run: &Run, rules: RuleSet<'a>, loose: bool) -> Vec<Hit<'a>> {
    let Some(program) = argv.first().and_then(Word::exact) else { return Vec::new() };
    let name = base_name(program);
    let mut parsed: Option<Parsed> = None;
    let mut hits: Vec<Hit<'a>> = Vec::new();
    let mut decided = false;
    for rule in rules.of(name) {
        let sql = matches!(rule.check, Check::Sql(_));
        if decided && !sql {
            continue;
        }
        let tool = tool_of(name);
        let parsed = parsed.get_or_insert_with(|| Parsed::read(argv, tool));
        let Some(evidence) = meets(rule, name, parsed, run, loose) else { continue };
        decided |= !(sql || loose && matches!(rule.rest, Rest::One | Rest::None));
        let (targets, port) = targets(parsed, tool);
        hits.push(Hit { rule, evidence: clip(&evidence), targets, port, unclear: false });
    }
    hits
}

fn tool_of(name: &str) -> Option<&'static Tool<'static>> {
    TOOLS.iter().find(|tool| tool.programs.iter().any(|pattern| glob(pattern, name)))
}

// ---- reading argv ----

struct Plain {
    word: Word,
    /// It follows an unknown option, so it may be that option's value.
    maybe_value: bool,
}

struct Parsed {
    options: Vec<(String, Option<Word>)>,
    plain: Vec<Plain>,
}

impl Parsed {
    fn read(argv: &[Word], tool: Option<&Tool>) -> Parsed {
        let (short, long, single) = tool.map_or(("", &[][..], false), |t| (t.short, t.long, t.single_dash));
        let glued = tool.map_or("", |tool| tool.glued);
        let mut parsed = Parsed { options: Vec::new(), plain: Vec::new() };
        let mut index = 1;
        let mut maybe_value = false;
        let mut only_plain = false;
        while let Some(word) = argv.get(index) {
            index += 1;
            let text = word.prefix();
            let option = !only_plain && text.len() > 1 && text.starts_with('-');
            if !option {
                parsed.plain.push(Plain { word: word.clone(), maybe_value });
                maybe_value = false;
                continue;
            }
            if word.exact() == Some("--") {
                only_plain = true;
                continue;
            }
            let dashes = 1 + usize::from(text.starts_with("--"));
            let name = &text[dashes..];
            if dashes == 2 || single {
                let (name, attached) = match name.split_once('=') {
                    Some((name, _)) => (name, Some(tail(word, dashes + name.len() + 1))),
                    None => (name, None),
                };
                let takes = attached.is_none() && long.contains(&name);
                let value = if takes { argv.get(index).cloned() } else { attached.clone() };
                index += usize::from(takes);
                maybe_value = !takes && attached.is_none();
                parsed.options.push((name.to_string(), value));
                continue;
            }
            maybe_value = true;
            for (at, letter) in name.char_indices() {
                if glued.contains(letter) {
                    maybe_value = false;
                    break;
                }
                if short.contains(letter) {
                    let behind = at + letter.len_utf8();
                    let attached = behind < name.len() || word.pieces.len() > 1;
                    let value =
                        if attached { Some(tail(word, 1 + behind)) } else { argv.get(index).cloned() };
                    index += usize::from(!attached);
                    maybe_value = false;
                    parsed.options.push((letter.to_string(), value));
                    break;
                }
                parsed.options.push((letter.to_string(), None));
            }
        }
        parsed
    }

    fn values<'p>(&'p self, names: &'p [&'p str]) -> impl Iterator<Item = &'p Word> {
        self.options
            .iter()
            .filter(|(name, _)| names.contains(&name.as_str()))
            .filter_map(|(_, value)| value.as_ref())
    }

    /// Whether an option or a plain word behind `from` is what `pattern` says.
    fn has(&self, pattern: &str, from: usize) -> bool {
        let Some(option) = pattern.strip_prefix("--").or_else(|| pattern.strip_prefix('-')) else {
            return self.plain.iter().skip(from).any(|plain| alternatives(pattern, &plain.word.shown()));
        };
        let (name, wanted) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, None),
        };
        self.options.iter().any(|(given, value)| {
            given == name
                && match (wanted, value) {
                    (None, _) => true,
                    (Some(""), Some(_)) => false,
                    (Some(wanted), Some(value)) => alternatives(wanted, &value.shown()),
                    // `--dry-run=` in a rule: the option without a value.
                    (Some(wanted), None) => wanted.is_empty(),
                }
        })
    }

    /// Where the rule's words end, if they stand at the start of the plain words.
    fn behind(&self, words: &[&str]) -> Option<usize> {
        let mut at = 0;
        let mut anywhere = false;
        for pattern in words {
            if *pattern == "**" {
                anywhere = true;
                continue;
            }
            loop {
                let plain = self.plain.get(at)?;
                at += 1;
                if plain.word.exact().is_some_and(|text| alternatives(pattern, text)) {
                    anywhere = false;
                    break;
                }
                if !anywhere && !plain.maybe_value {
                    return None;
                }
            }
        }
        Some(at)
    }
}

fn meets(rule: &Rule, name: &str, parsed: &Parsed, run: &Run, loose: bool) -> Option<String> {
    let from = parsed.behind(rule.words)?;
    if !rule.any.is_empty() && !rule.any.iter().any(|pattern| parsed.has(pattern, from)) {
        return None;
    }
    if rule.unless.iter().any(|pattern| parsed.has(pattern, 0)) {
        return None;
    }
    let rest = parsed.plain.get(from..).unwrap_or_default();
    let spread = rest.iter().any(|plain| spreads(&plain.word));
    let counted = match rule.rest {
        Rest::Any => true,
        // An exception must be sure of it; what destroys need not: `xargs kill -9 -1`.
        Rest::None if rule.level == Level::Confirm => loose || rest.iter().all(|plain| spreads(&plain.word)),
        Rest::None => rest.is_empty(),
        Rest::One => rest.len() == 1 && !spread,
        Rest::Some => !rest.is_empty(),
        Rest::Many if loose => !rest.is_empty(),
        Rest::Many => rest.len() > 1 || spread,
    };
    if !counted {
        return None;
    }
    if let Check::Sql(effect) = rule.check {
        return sql_evidence(effect, name, parsed, run);
    }
    let checked = match rule.check {
        Check::Always | Check::Sql(_) => true,
        Check::Piped => run.stdin == Stdin::Pipe,
        Check::WidePath => rest.iter().any(|plain| is_wide(&plain.word)),
        Check::AbsolutePath => rest.iter().any(|plain| is_absolute(&plain.word)),
        Check::Device => rest.iter().any(|plain| is_device(&plain.word.shown())),
        Check::DdDevice => {
            rest.iter().any(|plain| plain.word.shown().strip_prefix("of=").is_some_and(is_device))
        }
        Check::WritesDevice => run.writes.iter().any(|file| {
            let file = file.shown();
            is_device(&file) || file.starts_with("/proc/sys")
        }),
        Check::MongoDestroys => scripts(parsed, run, &["eval"]).iter().any(|text| mongo_destroys(text)),
        Check::RedisDestroys => redis(parsed, run, REDIS_DESTROYS),
        Check::RedisWrites => redis(parsed, run, REDIS_WRITES),
    };
    checked.then(|| {
        let mut shown = vec![name.to_string()];
        shown.extend(parsed.plain.iter().take(from + 2).map(|plain| without_secret(&plain.word.shown())));
        if rule.check == Check::WritesDevice {
            shown.extend(run.writes.iter().map(|file| format!("> {}", file.shown())));
        }
        shown.join(" ")
    })
}

/// The word may become any number of words.
fn spreads(word: &Word) -> bool {
    word.has_glob()
        || (!word.quoted && word.pieces.iter().any(|p| matches!(p, Piece::Param(_) | Piece::Output(_))))
}

// ---- targets ----

fn targets(parsed: &Parsed, tool: Option<&Tool>) -> (Vec<LineTarget>, Option<u16>) {
    let Some(tool) = tool else { return (Vec::new(), None) };
    let mut targets = Vec::new();
    let mut port = None;
    for (name, value) in &parsed.options {
        if !tool.port.is_empty() && tool.port.split('|').any(|option| option == name) {
            port = value.as_ref().and_then(Word::exact).and_then(|text| text.parse().ok());
        }
        if let Some((_, kind)) = tool.targets.iter().find(|(option, _)| option == name) {
            let text = value.as_ref().and_then(Word::text);
            let first = targets.len();
            push_target(&mut targets, &mut port, *kind, text);
            if tool.narrowing.contains(&name.as_str()) {
                targets[first..].iter_mut().for_each(|target| target.settles = false);
            }
        }
    }
    if let (Some(kind), Some(first)) = (tool.first, parsed.plain.first()) {
        push_target(&mut targets, &mut port, kind, first.word.text());
    }
    (targets, port)
}

/// Every target that a command's own words name, whatever it does there.
pub fn named_targets(argv: &[Word]) -> Vec<LineTarget> {
    let Some(program) = argv.first().and_then(Word::exact) else { return Vec::new() };
    let tool = tool_of(base_name(program));
    if tool.is_none() {
        return Vec::new();
    }
    targets(&Parsed::read(argv, tool), tool).0
}

fn push_target(targets: &mut Vec<LineTarget>, port: &mut Option<u16>, kind: Kind, text: Option<String>) {
    let Some(text) = text else {
        return targets.push(LineTarget::new(kind, None));
    };
    let database = matches!(kind, Kind::Database | Kind::Url | Kind::Hostname);
    if database && text.contains("://") {
        let mut target = LineTarget::new(Kind::Url, Some(without_secret(&text)));
        if is_postgres(&text) {
            // `postgresql:///orders?service=x`: where no host stands in its place, the query or the surroundings name it.
            target.settles = crate::address::names_host(&text);
            let query = text.split_once('?').map_or("", |(_, query)| query);
            libpq(targets, port, query.split('&').filter_map(|pair| pair.split_once('=')), is_where);
        }
        return targets.push(target);
    }
    // libpq's `host=… dbname=…`.
    if kind == Kind::Database && text.contains('=') {
        let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
        return libpq(targets, port, pairs, |_| true);
    }
    targets.push(LineTarget::new(kind, Some(text)));
}

/// What libpq's settings of these names say.
fn libpq<'a>(
    targets: &mut Vec<LineTarget>,
    port: &mut Option<u16>,
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
    counts: impl Fn(&str) -> bool,
) {
    for (key, value) in pairs.filter(|(key, _)| counts(key)) {
        let kind = match key {
            "host" | "hostaddr" => Kind::Hostname,
            "dbname" => Kind::Database,
            "user" => Kind::DatabaseUser,
            "service" => Kind::PgService,
            "port" => {
                *port = value.parse().ok();
                continue;
            }
            _ => continue,
        };
        targets.push(LineTarget::new(kind, Some(value.trim_matches('\'').to_string())));
    }
}

/// Whether a setting in an address's query says where it leads, which nothing else there does.
fn is_where(key: &str) -> bool {
    matches!(key, "host" | "hostaddr" | "port" | "service")
}

/// Whether a program connects by libpq.
pub fn is_libpq(name: &str) -> bool {
    matches!(
        name,
        "psql" | "pgcli" | "createdb" | "createuser" | "dropdb" | "dropuser" | "reindexdb" | "vacuumdb"
    ) || name.starts_with("pg_")
}

fn is_postgres(url: &str) -> bool {
    let scheme = url.split("://").next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("postgresql") || scheme.eq_ignore_ascii_case("postgres")
}

/// Whether a `name=value` word holds something that must not be shown.
fn names_secret(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    let lower = name.to_ascii_lowercase();
    ["pass", "pwd", "token", "secret", "key", "credential"]
        .iter()
        .any(|mark| lower.contains(mark))
        .then_some(name)
}

/// The password of a URL is cut; so is all of it where it can't be told apart.
pub(super) fn without_secret(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return names_secret(text).map_or_else(|| text.to_string(), |name| format!("{name}=…"));
    };
    // A password may hold a slash: the last @ ends it.
    let cut = rest.rfind('@').map_or(0, |at| at + 1);
    let user = if cut > 0 { rest[..cut - 1].split(':').next().unwrap_or("") } else { "" };
    let behind = if cut > 0 { &rest[cut..] } else { rest };
    let query = behind.find('?').map_or(behind, |at| &behind[..at]);
    if user.is_empty() { format!("{scheme}://{query}") } else { format!("{scheme}://{user}@{query}") }
}

// ---- checks ----

fn is_sql_client(name: &str) -> bool {
    RULES
        .iter()
        .any(|rule| matches!(rule.check, Check::Sql(_)) && rule.programs.iter().any(|p| glob(p, name)))
}

fn is_store(name: &str) -> bool {
    matches!(name, "mongosh" | "mongo" | "redis-cli" | "valkey-cli" | "keydb-cli")
}

fn strings_of(client: &str) -> Strings {
    match client {
        "psql" | "pgcli" | "cockroach" | "sqlcmd" | "usql" | "cqlsh" => Strings::Standard,
        _ => Strings::Backslash,
    }
}

const SQL_OPTIONS: &[&str] =
    &["c", "command", "e", "execute", "Q", "q", "query", "init-command", "multiquery"];

fn sql_evidence(effect: Effect, name: &str, parsed: &Parsed, run: &Run) -> Option<String> {
    let mut texts = scripts(parsed, run, SQL_OPTIONS);
    if matches!(name, "bq" | "wp") {
        texts.extend(parsed.plain.iter().map(|plain| plain.word.shown()));
    }
    let strings = strings_of(name);
    let findings = texts.iter().flat_map(|text| sql::findings(text, strings));
    let finding = findings.into_iter().find(|finding| finding.effect == effect)?;
    Some(format!("{name}: {}", finding.words))
}

/// The code a client gets on the line and on its standard input.
fn scripts(parsed: &Parsed, run: &Run, options: &[&str]) -> Vec<String> {
    let mut texts: Vec<String> = parsed.values(options).map(Word::shown).collect();
    if let Stdin::Text(text) = &run.stdin {
        texts.push(text.to_string());
    }
    texts
}

fn mongo_destroys(text: &str) -> bool {
    let code: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    [
        "dropDatabase(",
        ".drop(",
        ".dropIndexes(",
        "deleteMany({})",
        "remove({})",
        "dropUser(",
        "dropAllUsers",
        "shutdownServer(",
    ]
    .iter()
    .any(|call| code.contains(call))
}

const REDIS_DESTROYS: &[&str] = &["flushall", "flushdb", "shutdown", "swapdb"];
const REDIS_WRITES: &[&str] =
    &["del", "unlink", "config", "failover", "replicaof", "slaveof", "rename", "expire", "eval"];

fn redis(parsed: &Parsed, run: &Run, verbs: &[&str]) -> bool {
    let reads = |second: Option<&str>| second.is_some_and(|word| word.eq_ignore_ascii_case("get"));
    let is = |word: &str, second: Option<&str>| {
        verbs.iter().any(|verb| word.eq_ignore_ascii_case(verb))
            && !(word.eq_ignore_ascii_case("config") && reads(second))
    };
    let first = parsed.plain.first().map(|plain| plain.word.shown());
    let second = parsed.plain.get(1).map(|plain| plain.word.shown());
    if first.is_some_and(|first| is(&first, second.as_deref())) {
        return true;
    }
    match &run.stdin {
        Stdin::Text(text) => text.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next().is_some_and(|word| is(word, words.next()))
        }),
        _ => false,
    }
}

fn is_temporary(path: &str) -> bool {
    let below = |dir: &str| {
        path.strip_prefix(dir)
            .is_some_and(|rest| rest.len() > 1 && !rest.starts_with("/*") && !path.contains(".."))
    };
    below("/tmp") || below("/var/tmp") || below("/dev/shm") || below("~/.cache")
}

fn is_absolute(word: &Word) -> bool {
    let shown = word.shown();
    (shown.starts_with('/') || shown == "~" || shown.starts_with("~/")) && !is_temporary(&shown)
}

fn is_wide(word: &Word) -> bool {
    if is_absolute(word) {
        return true;
    }
    let shown = word.shown();
    if is_temporary(&shown) {
        return false;
    }
    // `$dir/…`: an unset variable makes it the root.
    if !matches!(word.pieces.first(), Some(Piece::Text(_) | Piece::Glob(_)) | None) {
        return true;
    }
    let trimmed = shown.trim_end_matches('/');
    let climbs = trimmed == "." || trimmed == ".." || trimmed.ends_with("/..") || trimmed.starts_with("../");
    let whole = word.has_glob() && trimmed.split('/').any(|part| matches!(part, "*" | ".*" | "**" | "[!.]*"));
    climbs || whole
}

fn is_device(path: &str) -> bool {
    let Some(device) = path.strip_prefix("/dev/") else { return false };
    [
        "sd", "hd", "vd", "xvd", "nvme", "mmcblk", "mapper/", "disk", "rdisk", "md", "dm-", "loop", "zvol",
        "$", "*", "mem", "kmem", "sysrq",
    ]
    .iter()
    .any(|prefix| device.starts_with(prefix))
}

// ---- words ----

fn tail(word: &Word, len: usize) -> Word {
    let mut pieces = word.pieces.clone();
    if let Some(Piece::Text(text)) = pieces.first_mut() {
        *text = text.get(len.min(text.len())..).unwrap_or("").to_string();
        if text.is_empty() {
            pieces.remove(0);
        }
    }
    Word { pieces, ..word.clone() }
}

fn alternatives(pattern: &str, text: &str) -> bool {
    pattern.split('|').any(|one| glob(one, text))
}

/// `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    while let Some((middle, behind)) = rest.split_once('*') {
        let Some(at) = text.find(middle) else { return false };
        text = &text[at + middle.len()..];
        rest = behind;
    }
    text.ends_with(rest)
}

fn clip(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match clean.char_indices().nth(MAX_EVIDENCE) {
        Some((at, _)) => format!("{}…", &clean[..at]),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::line::{Dialect, Shell};
    use crate::guard::runs::{Definitions, resolve};

    fn hits(line: &str, shell: Shell) -> Vec<Hit<'static>> {
        let runs = resolve(line, Dialect::typed(shell), Definitions::default());
        runs.iter().flat_map(matches).collect()
    }

    #[test]
    fn every_rule_meets_its_examples_and_not_the_others() {
        let mut wrong = Vec::new();
        for rule in RULES {
            assert!(!rule.stops.is_empty() && !rule.passes.is_empty(), "{} has no examples", rule.id);
            for line in rule.stops {
                let hits = hits(line, Shell::Bash);
                if !hits.iter().any(|hit| hit.rule.id == rule.id && !hit.unclear) {
                    let ids: Vec<&str> = hits.iter().map(|hit| hit.rule.id).collect();
                    wrong.push(format!("{} misses `{line}` (met: {ids:?})", rule.id));
                }
            }
            for line in rule.passes {
                if hits(line, Shell::Bash).iter().any(|hit| hit.rule.id == rule.id) {
                    wrong.push(format!("{} meets `{line}`", rule.id));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn named(line: &str) -> (Vec<(Kind, Option<String>)>, Option<u16>) {
        let hits = hits(line, Shell::Bash);
        assert!(!hits.is_empty(), "{line}");
        (hits[0].targets.iter().map(|target| (target.kind, target.value.clone())).collect(), hits[0].port)
    }

    #[test]
    fn the_target_on_the_line_is_read_without_its_secrets() {
        type Row<'a> = (&'a str, &'a [(Kind, Option<&'a str>)], Option<u16>);
        let table: &[Row] = &[
            ("kubectl delete ns x", &[], None),
            (
                "kubectl --context prod -n shop delete ns x",
                &[(Kind::KubeContext, Some("prod")), (Kind::KubeNamespace, Some("shop"))],
                None,
            ),
            ("kubectl delete ns x --context=dev", &[(Kind::KubeContext, Some("dev"))], None),
            ("kubectl --context $C delete ns x", &[(Kind::KubeContext, None)], None),
            ("C=dev; kubectl --context $C delete ns x", &[(Kind::KubeContext, Some("dev"))], None),
            (
                "psql -h db.prod -p 15433 -U app shop -c 'drop table a'",
                &[
                    (Kind::Hostname, Some("db.prod")),
                    (Kind::DatabaseUser, Some("app")),
                    (Kind::Database, Some("shop")),
                ],
                Some(15433),
            ),
            (
                "psql postgres://app:hunter2@db.prod/shop?sslmode=require -c 'drop table a'",
                &[(Kind::Url, Some("postgres://app@db.prod/shop"))],
                None,
            ),
            (
                "psql 'host=db.prod port=15433 dbname=shop password=hunter2' -c 'drop table a'",
                &[(Kind::Hostname, Some("db.prod")), (Kind::Database, Some("shop"))],
                Some(15433),
            ),
            (
                "mysql -h db.prod -P 3307 -phunter2 shop -e 'drop table a'",
                &[(Kind::Hostname, Some("db.prod")), (Kind::Database, Some("shop"))],
                Some(3307),
            ),
            (
                "redis-cli -u redis://:hunter2@cache.prod/0 flushall",
                &[(Kind::Url, Some("redis://cache.prod/0"))],
                None,
            ),
            ("aws --profile prod ec2 terminate-instances", &[(Kind::AwsProfile, Some("prod"))], None),
            ("terraform -chdir=envs/prod destroy", &[(Kind::Directory, Some("envs/prod"))], None),
            ("docker -c prod volume rm a", &[(Kind::DockerContext, Some("prod"))], None),
            ("helm --kube-context prod uninstall web", &[(Kind::KubeContext, Some("prod"))], None),
            ("ansible-playbook -i prod site.yml", &[(Kind::Name, Some("prod"))], None),
        ];
        for (line, targets, port) in table {
            let wanted = targets.iter().map(|(kind, value)| (*kind, value.map(String::from))).collect();
            assert_eq!(named(line), (wanted, *port), "{line}");
            assert!(!format!("{:?}", hits(line, Shell::Bash)).contains("hunter2"), "{line}");
        }
    }

    #[test]
    fn evidence_is_short_and_holds_no_secret() {
        let table = [
            ("kubectl -n shop delete ns payments", "kubectl delete ns payments"),
            ("mongosh mongodb://app:hunter2@db/shop --eval 'db.a.drop()'", "mongosh mongodb://app@db/shop"),
            ("psql -c 'drop table users; select 1'", "psql: drop table users"),
            ("redis-cli -a hunter2 flushall", "redis-cli flushall"),
            ("kubectl set env PASSWORD=hunter2", "kubectl set env PASSWORD=…"),
            ("> /dev/sda", ": > /dev/sda"),
        ];
        for (line, wanted) in table {
            assert_eq!(hits(line, Shell::Bash)[0].evidence, wanted, "{line}");
        }
    }

    #[test]
    fn files_that_a_client_would_run_are_named() {
        let table: &[(&str, &[&str])] = &[
            ("psql -f drop.sql", &["drop.sql"]),
            ("psql < drop.sql", &["drop.sql"]),
            ("cat drop.sql | mysql shop", &["drop.sql"]),
            ("mongosh a.js", &["a.js"]),
            ("psql", &[]),
            ("cat a.sql", &[]),
        ];
        for (line, wanted) in table {
            let runs = resolve(line, Dialect::typed(Shell::Bash), Definitions::default());
            assert_eq!(runs.iter().flat_map(files).collect::<Vec<_>>(), *wanted, "{line}");
        }
        let met: Vec<&str> =
            sql_matches("psql", "drop table a;\ndelete from b;").iter().map(|hit| hit.rule.id).collect();
        assert_eq!(met, ["sql-drop", "sql-delete-all"]);
    }

    #[test]
    fn other_rules_can_be_asked() {
        let (programs, words) = (["deploy.sh".to_string()], ["prod".to_string()]);
        let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let rule = Rule {
            id: "mine",
            domain: Domain::App,
            level: Level::Confirm,
            programs: &programs,
            words: &words,
            any: &[],
            unless: &["--plan"],
            rest: Rest::Any,
            check: Check::Always,
            does: "deploys",
            safer: "--plan",
            stops: &[],
            passes: &[],
        };
        let rules = [rule];
        let met = |line: &str| {
            let runs = resolve(line, Dialect::typed(Shell::Bash), Definitions::default());
            runs.iter().map(|run| matches_of(run, &rules).len()).sum::<usize>()
        };
        assert_eq!(met("sudo ./deploy.sh prod"), 1);
        assert_eq!(met("bash deploy.sh prod"), 1);
        assert_eq!(met("./deploy.sh prod --plan"), 0);
        assert_eq!(met("kubectl delete ns x"), 0);
    }

    #[test]
    fn ids_are_unique_and_sentences_are_there() {
        let mut seen = BTreeSet::new();
        for rule in RULES {
            assert!(seen.insert(rule.id), "{} twice", rule.id);
            assert!(!rule.does.is_empty() && !rule.safer.is_empty(), "{}", rule.id);
            assert!(rule.does.starts_with(|c: char| c.is_lowercase()), "{}", rule.id);
        }
    }
}
