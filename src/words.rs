//! A name in, its words out: the one cutter for names and for configured patterns. It knows no word's meaning.
//!
//! Linear in the name's length, whatever the name is.

/// One word of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Where the word lies in the folded text.
    start: usize,
    end: usize,
    /// Where the word lies in the name itself, in bytes.
    pub from: usize,
    pub to: usize,
    /// A `/`, `,`, `:`, `@` or the like stands before it: what is on the other side is another thing's name.
    pub apart: bool,
    /// How many words, from this one, stand together without a separator or digit (`AcmeProd`: 2 at `Acme`).
    /// 1 for words inside such a run.
    pub joined: usize,
}

/// A name cut into words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    folded: String,
    list: Vec<Word>,
}

impl Words {
    /// Cuts a name. `known` says whether a folded word means something; it is asked only where capitals run into
    /// small letters, to tell `PREprod` (PRE, prod) from `EUProd` (EU, Prod).
    pub fn of_name(name: &str, known: &dyn Fn(&str) -> bool) -> Words {
        let out =
            Words { folded: String::with_capacity(name.len()), list: Vec::with_capacity(name.len() / 5 + 1) };
        Cutter { out, globs: false, known, open: None, run: 0, apart: false }.cut(name)
    }

    /// Cuts a configured pattern; `*` is kept as part of the word it stands in.
    pub fn of_pattern(pattern: &str) -> Words {
        Words::default().recut_pattern(pattern)
    }

    /// The same, in the memory of words that are no longer needed.
    pub fn recut_pattern(mut self, pattern: &str) -> Words {
        self.folded.clear();
        self.list.clear();
        Cutter { out: self, globs: true, known: &|_| false, open: None, run: 0, apart: false }.cut(pattern)
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The word at `index`.
    pub fn get(&self, index: usize) -> Option<&Word> {
        self.list.get(index)
    }

    /// The folded text of `count` words from `index`, which must be joined ones; empty when out of range.
    pub fn text(&self, index: usize, count: usize) -> &str {
        let range = self.list.get(index).zip(self.list.get(index + count - 1));
        range.and_then(|(first, last)| self.folded.get(first.start..last.end)).unwrap_or("")
    }

    /// Whether every letter of every word is ASCII after folding.
    pub fn is_ascii(&self) -> bool {
        self.folded.is_ascii()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lower,
    Upper,
    /// A letter of a script without case: Han, Kana, Hangul, Arabic.
    Caseless,
    Digit,
}

/// The word being read. Offsets come in pairs: into the folded text, into the name.
#[derive(Clone, Copy)]
struct Open {
    start: (usize, usize),
    end: (usize, usize),
    class: Class,
    apart: bool,
    /// How many capitals it starts with, where the last of them starts, and where they end.
    capitals: usize,
    last_capital: (usize, usize),
    capitals_end: (usize, usize),
    /// Only `*` so far: the next character decides the class.
    wild: bool,
}

struct Cutter<'k> {
    out: Words,
    globs: bool,
    known: &'k dyn Fn(&str) -> bool,
    open: Option<Open>,
    /// Where the present run of joined words starts in the list.
    run: usize,
    apart: bool,
}

impl Cutter<'_> {
    fn cut(mut self, text: &str) -> Words {
        for (at, raw) in text.char_indices() {
            let end = at + raw.len_utf8();
            if raw.is_ascii() {
                self.ascii(raw, at, end);
            } else if is_invisible(raw) {
                if let Some(open) = &mut self.open {
                    open.end.1 = end;
                }
            } else {
                self.other(ascii_of_full_width(raw), at, end);
            }
        }
        self.end_run();
        self.out
    }

    fn ascii(&mut self, c: char, at: usize, end: usize) {
        let class = match c {
            'a'..='z' => Class::Lower,
            'A'..='Z' => Class::Upper,
            '0'..='9' => Class::Digit,
            '*' if self.globs => return self.star(at, end),
            _ => return self.separator(c),
        };
        self.begin(class, at);
        self.out.folded.push(c.to_ascii_lowercase());
        self.advance(class, end);
    }

    fn other(&mut self, c: char, at: usize, end: usize) {
        if c.is_ascii() {
            return self.ascii(c, at, end);
        }
        let Some(class) = class_of(c) else { return self.separator(c) };
        self.begin(class, at);
        fold_into(&mut self.out.folded, c, class);
        self.advance(class, end);
    }

    fn separator(&mut self, c: char) {
        self.end_run();
        self.apart |= is_apart(c);
    }

    /// A `*` joins the word before it, or starts one whose next character decides what it is.
    fn star(&mut self, at: usize, end: usize) {
        if self.open.is_none() {
            self.start(Class::Lower, at);
            if let Some(open) = &mut self.open {
                open.wild = true;
            }
        }
        self.out.folded.push('*');
        if let Some(open) = &mut self.open {
            open.end = (self.out.folded.len(), end);
        }
    }

    /// Makes sure that a word is open which a character of `class` may join.
    fn begin(&mut self, class: Class, at: usize) {
        match &mut self.open {
            Some(open) if open.wild => {
                open.wild = false;
                open.class = if class == Class::Upper { Class::Lower } else { class };
            }
            Some(open) => match (open.class, class) {
                (was, is) if was == is => {}
                (Class::Upper, Class::Lower) => {}
                (Class::Lower, Class::Upper) => {
                    self.end_word();
                    self.start(class, at);
                }
                _ => {
                    self.end_run();
                    self.start(class, at);
                }
            },
            None => self.start(class, at),
        }
    }

    fn start(&mut self, class: Class, at: usize) {
        let here = (self.out.folded.len(), at);
        self.open = Some(Open {
            start: here,
            end: here,
            class,
            apart: self.apart,
            capitals: 0,
            last_capital: here,
            capitals_end: here,
            wild: false,
        });
        self.apart = false;
    }

    /// Takes the character just written into the open word.
    fn advance(&mut self, class: Class, end: usize) {
        let here = (self.out.folded.len(), end);
        if let Some(open) = &mut self.open {
            if class == Class::Upper {
                open.capitals += 1;
                open.last_capital = open.end;
                open.capitals_end = here;
            }
            open.class = class;
            open.end = here;
        }
    }

    /// Ends the open word: two words when capitals ran into small letters.
    fn end_word(&mut self) {
        let Some(open) = self.open.take() else { return };
        if open.capitals > 1 && open.capitals_end.0 < open.end.0 {
            let cut = self.cut_of_capitals(&open);
            self.push(open.start, cut, open.apart);
            self.push(cut, open.end, false);
        } else {
            self.push(open.start, open.end, open.apart);
        }
    }

    fn cut_of_capitals(&self, open: &Open) -> (usize, usize) {
        let known = |from: usize, to: usize| self.out.folded.get(from..to).is_some_and(self.known);
        let capitals = (open.start.0, open.capitals_end.0);
        let small = (open.capitals_end.0, open.end.0);
        if !known(open.last_capital.0, open.end.0)
            && (known(capitals.0, capitals.1) || known(small.0, small.1))
        {
            open.capitals_end
        } else {
            open.last_capital
        }
    }

    fn push(&mut self, start: (usize, usize), end: (usize, usize), apart: bool) {
        let (start, from) = start;
        let (end, to) = end;
        self.out.list.push(Word { start, end, from, to, apart, joined: 1 });
    }

    /// Ends the open word and the run of joined words it is the last of.
    fn end_run(&mut self) {
        self.end_word();
        let count = self.out.list.len() - self.run;
        if let Some(first) = self.out.list.get_mut(self.run) {
            first.joined = count;
        }
        self.run = self.out.list.len();
    }
}

/// The class of a character that is no ASCII one, or `None` for a separator.
fn class_of(c: char) -> Option<Class> {
    match c {
        // Kana, Han and Hangul, the most of it: the general questions below cost more.
        'ぁ'..='ゖ' | 'ァ'..='ヺ' | '\u{3400}'..='\u{9fff}' | '가'..='힣' => Some(Class::Caseless),
        c if c.is_lowercase() => Some(Class::Lower),
        c if c.is_uppercase() => Some(Class::Upper),
        c if c.is_alphabetic() => Some(Class::Caseless),
        c if c.is_numeric() => Some(Class::Digit),
        _ => None,
    }
}

/// Separators between two names, rather than inside one: `pre/prod` is no `pre-prod`.
fn is_apart(c: char) -> bool {
    matches!(c, '/' | '\\' | ':' | ';' | ',' | '|' | '@' | '=' | '&' | '?' | '#' | '\t' | '\n' | '\r')
}

/// Characters that a reader doesn't see as one of their own: combining marks, zero-width and bidi characters. They
/// neither split a word nor count in it.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{61c}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{20d0}'..='\u{20ff}' | '\u{3099}' | '\u{309a}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

fn ascii_of_full_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Writes `c` in lower case and without its accents, so that composed, decomposed and plain spelling are one.
fn fold_into(out: &mut String, c: char, class: Class) {
    if let Some(jamo) = jamo_of(c) {
        out.extend(jamo.into_iter().flatten());
    } else if class == Class::Upper {
        c.to_lowercase().filter(|&c| !is_invisible(c)).for_each(|lower| push_base(out, lower));
    } else {
        push_base(out, c);
    }
}

fn push_base(out: &mut String, c: char) {
    match base_letters(c) {
        Some(base) => out.push_str(base),
        None => out.push(c),
    }
}

/// The parts of a Hangul syllable, as file names on some systems spell it.
fn jamo_of(c: char) -> Option<[Option<char>; 3]> {
    let index = u32::from(c).checked_sub(0xac00).filter(|&index| index < 11_172)?;
    let tail = index % 28;
    Some([
        char::from_u32(0x1100 + index / 588),
        char::from_u32(0x1161 + index % 588 / 28),
        if tail == 0 { None } else { char::from_u32(0x11a7 + tail) },
    ])
}

/// The plain letters of a lower-case accented one, as far as common European, Vietnamese, Greek, Cyrillic and Kana
/// spelling needs it.
fn base_letters(c: char) -> Option<&'static str> {
    Some(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' | '\u{1ea0}'..='\u{1eb7}' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | '\u{1eb8}'..='\u{1ec7}' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | '\u{1ec8}'..='\u{1ecb}' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ơ' | '\u{1ecc}'..='\u{1ee3}' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ț' => "t",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | '\u{1ee4}'..='\u{1ef1}' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' | '\u{1ef2}'..='\u{1ef9}' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ά' => "α",
        'έ' => "ε",
        'ή' => "η",
        'ί' => "ι",
        'ό' => "ο",
        'ύ' => "υ",
        'ώ' => "ω",
        'ς' => "σ",
        'й' | 'ї' | 'і' => "и",
        'ё' => "е",
        _ => return unvoiced_kana(c),
    })
}

/// Kana without its voicing mark, which decomposed spelling writes as a combining character.
fn unvoiced_kana(c: char) -> Option<&'static str> {
    const PLAIN: [&str; 20] = [
        "カ", "キ", "ク", "ケ", "コ", "サ", "シ", "ス", "セ", "ソ", "タ", "チ", "ツ", "テ", "ト", "ハ", "ヒ",
        "フ", "ヘ", "ホ",
    ];
    const VOICED: &str = "ガギグゲゴザジズゼゾダヂヅデドバビブベボ";
    const HALF_VOICED: &str = "パピプペポ";
    if !('ガ'..='ポ').contains(&c) {
        return None;
    }
    let index = VOICED.chars().position(|v| v == c);
    let index = index.or_else(|| HALF_VOICED.chars().position(|v| v == c).map(|index| index + 15));
    index.and_then(|index| PLAIN.get(index).copied())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(name: &str) -> Vec<String> {
        let known = |word: &str| matches!(word, "prod" | "pre" | "live");
        let cut = Words::of_name(name, &known);
        (0..cut.len()).map(|index| cut.text(index, 1).to_owned()).collect()
    }

    #[test]
    fn names_are_cut_into_words() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("--", &[]),
            ("prod", &["prod"]),
            ("acme-prod_eu.west", &["acme", "prod", "eu", "west"]),
            ("acmeProdEast", &["acme", "prod", "east"]),
            ("EUProd", &["eu", "prod"]),
            ("PREprod", &["pre", "prod"]),
            ("PRODdb", &["prod", "db"]),
            ("ACMElive", &["acme", "live"]),
            ("HTTPServer2Go", &["http", "server", "2", "go"]),
            ("PROD", &["prod"]),
            ("Prod", &["prod"]),
            ("pROD", &["p", "rod"]),
            ("prod2", &["prod", "2"]),
            ("k8s", &["k", "8", "s"]),
            ("producción", &["produccion"]),
            ("produccio\u{301}n", &["produccion"]),
            ("PRODUÇÃO", &["producao"]),
            ("ＰＲＯＤ－１", &["prod", "1"]),
            ("ÜRETİM", &["uretim"]),
            ("üretım", &["uretim"]),
            ("prod環境", &["prod", "環境"]),
            ("本番DB", &["本番", "db"]),
            ("pr\u{200b}od", &["prod"]),
            ("Sản-xuất", &["san", "xuat"]),
            ("ПродДБ", &["прод", "дб"]),
            ("プロダクション", &["フロタクション"]),
            ("フ\u{309a}ロタ\u{3099}クション", &["フロタクション"]),
            ("*prod", &["prod"]),
        ];
        for (name, expected) in table {
            assert_eq!(words(name), *expected, "{name}");
        }
        assert_eq!(words("운영"), words("\u{110b}\u{116e}\u{11ab}\u{110b}\u{1167}\u{11bc}"));
    }

    #[test]
    fn patterns_keep_their_stars() {
        let table: &[(&str, &[&str])] = &[
            ("*prod", &["*prod"]),
            ("pre-prod", &["pre", "prod"]),
            ("preProd*", &["pre", "prod*"]),
            ("prod*1", &["prod*", "1"]),
            ("*1", &["*1"]),
            ("*-prod", &["*", "prod"]),
            ("*Prod", &["*prod"]),
            ("*", &["*"]),
            ("*本番*", &["*本番*"]),
            ("k3d", &["k", "3", "d"]),
        ];
        for (pattern, expected) in table {
            let cut = Words::of_pattern(pattern);
            let words: Vec<&str> = (0..cut.len()).map(|index| cut.text(index, 1)).collect();
            assert_eq!(words, *expected, "{pattern}");
        }
    }

    #[test]
    fn words_know_where_they_stand() {
        let cut = Words::of_name("pre/AcmeProd-x", &|_| false);
        let seen: Vec<_> = cut.list.iter().map(|w| (w.from, w.to, w.apart, w.joined)).collect();
        assert_eq!(seen, [(0, 3, false, 1), (4, 8, true, 2), (8, 12, false, 1), (13, 14, false, 1)]);
        assert_eq!(cut.text(1, 2), "acmeprod");
    }

    proptest! {
        #[test]
        fn any_text_is_cut_in_order(name in "\\PC*|.*|[a-zA-Z0-9*._/-]*") {
            for cut in [Words::of_name(&name, &|_| true), Words::of_pattern(&name)] {
                let mut last = 0;
                for word in &cut.list {
                    prop_assert!(last <= word.from && word.from < word.to);
                    prop_assert!(name.get(word.from..word.to).is_some());
                    last = word.to;
                }
            }
        }
    }
}
