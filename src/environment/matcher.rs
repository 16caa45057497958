//! The names of the configuration, compiled, and names judged by them. Compiling is once per process; judging is
//! linear in the name.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::parts::{self, evidence, parts_of};
use crate::signal::{Kind, Part};
use crate::words::Words;

use super::{Judgement, Names, Rule, Severity, Target};

/// What a pattern is for; the number is the environment's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Match(usize),
    Except(usize),
    Negator,
    Nonproduction,
}

#[derive(Clone, Debug)]
struct PatternWord<'n> {
    /// Folded.
    text: Cow<'n, str>,
    hash: u64,
    /// Where its first `*` stands; `None` for a literal word.
    star: Option<usize>,
    /// Whether that `*` is its only one.
    simple: bool,
    apart: bool,
}

impl<'n> PatternWord<'n> {
    fn of(text: Cow<'n, str>, apart: bool) -> PatternWord<'n> {
        let star = text.find('*');
        let simple = star == text.rfind('*');
        PatternWord { hash: hash(&text), text, star, simple, apart }
    }

    /// The one word of a pattern that needs no cutting: nothing but small letters and `*`.
    fn plain(pattern: &'n str) -> Option<PatternWord<'n>> {
        let (mut star, mut simple) = (None, true);
        for (at, byte) in pattern.bytes().enumerate() {
            match byte {
                b'a'..=b'z' => {}
                b'*' => {
                    simple = star.is_none();
                    star = star.or(Some(at));
                }
                _ => return None,
            }
        }
        let text = Cow::Borrowed(pattern);
        (!pattern.is_empty()).then(|| PatternWord { hash: hash(pattern), text, star, simple, apart: false })
    }
}

/// A hash of a word's ends and length: patterns are few, and each is hashed at every prompt.
fn hash(word: &str) -> u64 {
    let bytes = word.as_bytes();
    let ends = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29),
        _ => bytes.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)),
    };
    let mixed = (ends ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

#[derive(Clone, Copy, Debug)]
struct Pattern {
    role: Role,
    /// Its index in its own list of the configuration.
    index: usize,
    /// Its words, as a range of `Matcher::words`.
    first: usize,
    count: usize,
    /// The next pattern whose first word has the same place in the table.
    next: Option<usize>,
}

/// A pattern found in a name: from which word, and how many words it covers.
#[derive(Clone, Copy, Debug)]
struct Hit {
    pattern: usize,
    from: usize,
    to: usize,
}

/// `Names`, compiled. Make it once, ask it often.
#[derive(Debug)]
pub struct Matcher<'n> {
    names: &'n Names,
    /// The patterns that an ASCII name can match.
    narrow: Patterns<'n>,
    /// All of them. Few names need the others, and cutting those costs more than all else at a prompt.
    whole: OnceCell<Patterns<'n>>,
}

/// The patterns, cut into words.
#[derive(Debug)]
struct Patterns<'n> {
    names: &'n Names,
    words: Vec<PatternWord<'n>>,
    patterns: Vec<Pattern>,
    /// Hash table of patterns by their literal first word; a power of two long.
    table: Vec<Option<usize>>,
    /// Patterns whose first word holds a `*`.
    globs: Vec<usize>,
}

/// What one pass over a name's words found.
#[derive(Default)]
struct Found {
    production: Option<(usize, Hit)>,
    caution: Option<(usize, Hit)>,
    except: Option<Hit>,
    negator: Option<Hit>,
    nonproduction: Option<Hit>,
}

impl<'n> Matcher<'n> {
    /// Compiles the patterns of `names`. A pattern without a letter or digit matches nothing.
    pub fn new(names: &'n Names) -> Matcher<'n> {
        Matcher { names, narrow: Patterns::of(names, true), whole: OnceCell::new() }
    }

    /// How `part` is judged: by a target, else by the words of each of its own parts, the gravest.
    pub fn judge(&self, part: &Part) -> Judgement {
        if let Some(judgement) = self.target(part.kind, &part.text, true) {
            return judgement;
        }
        self.gravest(parts_of(part.kind, &part.text).iter().map(|piece| {
            let target = self.target(piece.kind, &piece.text, false);
            target.unwrap_or_else(|| {
                let text = evidence(piece);
                self.patterns_for(&text).judge(piece.kind, &text)
            })
        }))
    }

    /// The gravest judgement of `parts`; of none, that nothing is known.
    pub fn judge_all(&self, parts: &[Part]) -> Judgement {
        self.gravest(parts.iter().map(|part| self.judge(part)))
    }

    /// How one thing of several names is judged: an exact answer for any of them beats the words of all.
    pub fn judge_names(&self, names: &[Part]) -> Judgement {
        let judged: Vec<Judgement> = names.iter().map(|name| self.judge(name)).collect();
        let exact = |judgement: &&Judgement| judgement.rule == Rule::Target;
        let settled = judged.iter().any(|judgement| exact(&judgement));
        self.gravest(judged.into_iter().filter(|judgement| !settled || exact(&judgement)))
    }

    fn patterns_for(&self, text: &str) -> &Patterns<'n> {
        if text.is_ascii() {
            &self.narrow
        } else {
            self.whole.get_or_init(|| Patterns::of(self.names, false))
        }
    }

    fn gravest(&self, judgements: impl Iterator<Item = Judgement>) -> Judgement {
        judgements.fold(Judgement::nothing(), |best, next| {
            if self.weight(&next) > self.weight(&best) { next } else { best }
        })
    }

    fn weight(&self, judgement: &Judgement) -> (Option<Severity>, usize, u8) {
        let environment = judgement.environment.and_then(|index| self.names.environments.get(index));
        let earlier = judgement.environment.map_or(0, |index| usize::MAX - index);
        let rule = match judgement.rule {
            Rule::Target => 6,
            Rule::Tunnel(_) => 7,
            Rule::Match(_) => 5,
            Rule::Except(_) => 4,
            Rule::Negator(_) => 3,
            Rule::Nonproduction(_) => 2,
            Rule::Branch => 1,
            Rule::Nothing => 0,
        };
        (environment.map(|environment| environment.severity), earlier, rule)
    }

    /// The answer of the first `[[target]]` that speaks of this name. One that names an environment there is none of
    /// says nothing. `whole` is true for a name as it was read, false for a piece of one.
    fn target(&self, kind: Kind, text: &str, whole: bool) -> Option<Judgement> {
        self.names.targets.iter().filter(|target| speaks_of(target, kind, text, whole)).find_map(|target| {
            let environment = match target.environment.as_str() {
                "safe" => None,
                name => Some(self.names.environments.iter().position(|e| e.name == name)?),
            };
            Some(Judgement { environment, known: true, rule: Rule::Target, word: parts::shown(kind, text) })
        })
    }
}

impl<'n> Patterns<'n> {
    /// Cuts the patterns; `narrow` leaves out those that no ASCII name can match.
    fn of(names: &'n Names, narrow: bool) -> Patterns<'n> {
        let environments = names.environments.iter();
        let count: usize = environments.map(|e| e.matches.len() + e.except.len()).sum::<usize>()
            + names.negators.len()
            + names.nonproduction.len();
        let mut patterns = Patterns {
            names,
            words: Vec::with_capacity(count + 8),
            patterns: Vec::with_capacity(count),
            table: vec![None; count.next_power_of_two()],
            globs: Vec::with_capacity(64),
        };
        for (index, environment) in names.environments.iter().enumerate() {
            patterns.add_all(&environment.matches, Role::Match(index), narrow);
            patterns.add_all(&environment.except, Role::Except(index), narrow);
        }
        patterns.add_all(&names.negators, Role::Negator, narrow);
        patterns.add_all(&names.nonproduction, Role::Nonproduction, narrow);
        patterns.link();
        patterns
    }

    fn add_all(&mut self, patterns: &'n [Cow<'static, str>], role: Role, narrow: bool) {
        let mut cut = Words::default();
        for (index, pattern) in patterns.iter().enumerate() {
            if narrow && stays_wide(pattern) {
                continue;
            }
            let first = self.words.len();
            if let Some(word) = PatternWord::plain(pattern) {
                self.words.push(word);
            } else {
                cut = cut.recut_pattern(pattern);
                let word = |at| {
                    let apart = cut.get(at).is_some_and(|word| word.apart);
                    PatternWord::of(Cow::Owned(cut.text(at, 1).to_owned()), apart)
                };
                self.words.extend((0..cut.len()).map(word).filter(|word| !word.text.is_empty()));
            }
            let count = self.words.len() - first;
            if count > 0 {
                self.patterns.push(Pattern { role, index, first, count, next: None });
            }
        }
    }

    /// Fills the table so that of two patterns with one first word the one configured first comes first.
    fn link(&mut self) {
        for at in (0..self.patterns.len()).rev() {
            let Some(pattern) = self.patterns.get(at) else { continue };
            let Some(word) = self.words.get(pattern.first) else { continue };
            if word.star.is_none() {
                let place = self.place(word.hash);
                let head = self.table.get_mut(place).and_then(|head| head.replace(at));
                if let Some(pattern) = self.patterns.get_mut(at) {
                    pattern.next = head;
                }
            } else {
                self.globs.push(at);
            }
        }
        self.globs.reverse();
    }

    fn place(&self, hash: u64) -> usize {
        hash as usize & (self.table.len() - 1)
    }

    /// The patterns whose first word is exactly `word`, in the order of the configuration.
    fn literals<'m>(&'m self, word: &'m str) -> impl Iterator<Item = (usize, &'m Pattern)> {
        let place = self.place(hash(word));
        let mut at = self.table.get(place).copied().flatten();
        std::iter::from_fn(move || {
            let index = at?;
            let pattern = self.patterns.get(index)?;
            at = pattern.next;
            Some((index, pattern))
        })
        .filter(move |(_, pattern)| self.words.get(pattern.first).is_some_and(|first| first.text == word))
    }

    fn word_matches(&self, word: &PatternWord, text: &str) -> bool {
        let pattern = word.text.as_ref();
        match word.star {
            None => pattern == text,
            Some(star) if word.simple => {
                let (prefix, suffix) = (pattern.get(..star), pattern.get(star + 1..));
                text.len() + 1 >= pattern.len()
                    && suffix.is_some_and(|suffix| text.ends_with(suffix))
                    && prefix.is_some_and(|prefix| text.starts_with(prefix))
            }
            Some(_) => glob_matches(pattern, text),
        }
    }

    /// Whether the pattern's words after its first are those of the name after `from`. What takes a match back must
    /// stand in one name with it, so `pre/prod` is no `pre-prod`; a match may reach across.
    fn rest_matches(&self, pattern: &Pattern, name: &Words, from: usize) -> bool {
        let across = matches!(pattern.role, Role::Match(_) | Role::Nonproduction);
        (1..pattern.count).all(|offset| {
            let word = self.words.get(pattern.first + offset);
            word.zip(name.get(from + offset)).is_some_and(|(wanted, there)| {
                (across || wanted.apart || !there.apart)
                    && self.word_matches(wanted, name.text(from + offset, 1))
            })
        })
    }

    /// Every pattern found from word `from` on, into `hits`: literal ones first.
    fn hits_at(&self, name: &Words, from: usize, hits: &mut Vec<Hit>) {
        hits.clear();
        let word = name.text(from, 1);
        for (pattern, found) in self.literals(word) {
            if self.rest_matches(found, name, from) {
                hits.push(Hit { pattern, from, to: from + found.count });
            }
        }
        let joined = name.get(from).map_or(1, |word| word.joined);
        let whole = if joined > 1 { name.text(from, joined) } else { "" };
        for (pattern, _) in self.literals(whole).filter(|(_, found)| found.count == 1) {
            hits.push(Hit { pattern, from, to: from + joined });
        }
        for &pattern in &self.globs {
            let Some(found) = self.patterns.get(pattern) else { continue };
            let Some(first) = self.words.get(found.first) else { continue };
            if self.word_matches(first, word) && self.rest_matches(found, name, from) {
                hits.push(Hit { pattern, from, to: from + found.count });
            }
            // A glob over joined words may only take back: `fakeProd` with a negator `fake` is no `*prod`.
            let takes_back = matches!(found.role, Role::Except(_));
            if joined > 1 && takes_back && found.count == 1 && self.word_matches(first, whole) {
                hits.push(Hit { pattern, from, to: from + joined });
            }
        }
    }

    fn judge(&self, kind: Kind, text: &str) -> Judgement {
        let known = |word: &str| self.literals(word).any(|(_, pattern)| pattern.count == 1);
        let name = Words::of_name(text, &known);
        let found = self.scan(&name);
        self.conclude(kind, text, &name, &found)
    }

    fn scan(&self, name: &Words) -> Found {
        let mut found = Found::default();
        let mut hits = Vec::new();
        // Per environment, the exception seen so far that reaches farthest; and negators that end at or after here.
        let mut covers: Vec<Option<Hit>> = vec![None; self.names.environments.len()];
        let mut negators: Vec<Hit> = Vec::new();
        for from in 0..name.len() {
            self.hits_at(name, from, &mut hits);
            negators.retain(|negator| negator.to >= from);
            let apart = name.get(from).is_some_and(|word| word.apart);
            let negator = negators.iter().find(|negator| negator.to == from && !apart).copied();
            for hit in &hits {
                if let Some(Role::Except(environment)) = self.role(hit)
                    && let Some(cover) = covers.get_mut(environment)
                    && cover.is_none_or(|cover| cover.to < hit.to)
                {
                    *cover = Some(*hit);
                }
            }
            for hit in &hits {
                match self.role(hit) {
                    Some(Role::Match(environment)) => {
                        let cover = covers.get(environment).copied().flatten();
                        self.take_match(&mut found, environment, *hit, cover, negator);
                    }
                    Some(Role::Negator) => negators.push(*hit),
                    Some(Role::Nonproduction) if negator.is_none() => {
                        found.nonproduction.get_or_insert(*hit);
                    }
                    _ => {}
                }
            }
        }
        found
    }

    fn role(&self, hit: &Hit) -> Option<Role> {
        self.patterns.get(hit.pattern).map(|pattern| pattern.role)
    }

    fn take_match(
        &self,
        found: &mut Found,
        environment: usize,
        hit: Hit,
        cover: Option<Hit>,
        negator: Option<Hit>,
    ) {
        if let Some(cover) = cover.filter(|cover| cover.to >= hit.to) {
            found.except.get_or_insert(cover);
        } else if let Some(negator) = negator {
            found.negator.get_or_insert(negator);
        } else {
            let severity = self.names.environments.get(environment).map(|environment| environment.severity);
            let best = match severity {
                Some(Severity::Production) => &mut found.production,
                _ => &mut found.caution,
            };
            if best.is_none_or(|(index, _)| environment < index) {
                *best = Some((environment, hit));
            }
        }
    }

    fn conclude(&self, kind: Kind, text: &str, name: &Words, found: &Found) -> Judgement {
        let piece = |hit: Hit| {
            let range = name.get(hit.from).zip(name.get(hit.to - 1)).map(|(first, last)| first.from..last.to);
            range.and_then(|range| text.get(range)).unwrap_or("").to_owned()
        };
        let judgement =
            |environment, known, rule, hit| Judgement { environment, known, rule, word: piece(hit) };
        let branch = kind == Kind::GitBranch;
        let left = found.production.filter(|_| !branch).or(found.caution);
        if let Some((environment, hit)) = left {
            return judgement(Some(environment), true, Rule::Match(self.configured(hit)), hit);
        }
        if let Some(hit) = found.except {
            return judgement(None, true, Rule::Except(self.configured(hit)), hit);
        }
        if let Some(hit) = found.negator {
            return judgement(None, true, Rule::Negator(self.configured(hit)), hit);
        }
        if let Some(hit) = found.nonproduction {
            return judgement(None, true, Rule::Nonproduction(self.configured(hit)), hit);
        }
        match found.production {
            Some((_, hit)) => judgement(None, false, Rule::Branch, hit),
            None => Judgement::nothing(),
        }
    }

    /// The hit's pattern as it stands in the configuration.
    fn configured(&self, hit: Hit) -> String {
        let Some(pattern) = self.patterns.get(hit.pattern) else { return String::new() };
        let environment = |index: usize| self.names.environments.get(index);
        let list = match pattern.role {
            Role::Match(index) => environment(index).map(|environment| &environment.matches),
            Role::Except(index) => environment(index).map(|environment| &environment.except),
            Role::Negator => Some(&self.names.negators),
            Role::Nonproduction => Some(&self.names.nonproduction),
        };
        list.and_then(|list| list.get(pattern.index)).map_or_else(String::new, |pattern| pattern.to_string())
    }
}

/// Whether a pattern holds a letter that folding leaves outside ASCII, so that no ASCII name can match it: one of a
/// script other than Latin. Latin letters, combining marks and full-width ones may well fold to ASCII.
fn stays_wide(pattern: &str) -> bool {
    !pattern.is_ascii()
        && pattern.chars().any(|c| {
            matches!(c, 'α'..='ω' | 'а'..='я' | 'א'..='ת' | 'ا'..='ي' | 'ぁ'..='ゖ' | 'ァ'..='ヺ'
                | '\u{3400}'..='\u{9fff}' | '가'..='힣')
        })
}

fn is_host(kind: Kind) -> bool {
    matches!(kind, Kind::Hostname | Kind::UrlHost | Kind::KubeServer)
}

/// Whether a target settles a name of this kind. All kinds of host are one; the answer for a kube context also holds
/// for the cluster of that name when `whole` is true, which it is for names as they were read.
pub fn speaks_of(target: &Target, kind: Kind, text: &str, whole: bool) -> bool {
    if is_host(kind) && is_host(target.signal) {
        return parts::bare_host(&target.is).eq_ignore_ascii_case(parts::bare_host(text));
    }
    let kinds =
        target.signal == kind || (whole && target.signal == Kind::KubeContext && kind == Kind::KubeCluster);
    kinds && target.is == text
}

/// Whether `text` is what `pattern` describes, `*` standing for any run of characters. Each piece is looked for once,
/// from where the last one ended, so it is linear.
fn glob_matches(pattern: &str, text: &str) -> bool {
    let Some((prefix, mut rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(prefix) else { return false };
    while let Some((piece, after)) = rest.split_once('*') {
        let Some(at) = text.find(piece) else { return false };
        text = text.get(at + piece.len()..).unwrap_or("");
        rest = after;
    }
    text.ends_with(rest)
}
