//! SQL in, what it would do to data out. A tolerant tokenizer: it knows comments, strings, quoted names and dollar
//! quotes of the common dialects, and judges each statement by its words. It executes and validates nothing.

/// What a statement does to data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// `DROP …`.
    Drop,
    /// `TRUNCATE …`.
    Truncate,
    /// `DELETE` without a condition.
    DeleteAll,
    /// `UPDATE` without a condition.
    UpdateAll,
    /// `ALTER … DROP …`.
    AlterDrop,
    /// Any other change.
    Write,
}

/// One statement that changes something, and its first words for the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub effect: Effect,
    pub words: String,
    /// Where the statement starts, in bytes.
    pub at: usize,
}

/// How strings escape a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strings {
    /// By doubling it only: PostgreSQL and the standard.
    Standard,
    /// By a backslash as well: MySQL and kin.
    Backslash,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'t> {
    /// A bare word.
    Word(&'t str, usize),
    /// A quoted name.
    Name(&'t str),
    /// The text between dollar quotes.
    Dollar(&'t str, usize),
    /// A string literal: it says nothing.
    Literal,
    Open,
    Close,
    End,
    Other,
}

/// Every statement of `text` that changes data or structure, in order.
pub fn findings(text: &str, strings: Strings) -> Vec<Finding> {
    let mut found = Vec::new();
    read(text, strings, 0, true, &mut found);
    found
}

fn read(text: &str, strings: Strings, base: usize, outer: bool, found: &mut Vec<Finding>) {
    let tokens = tokens(text, strings);
    for statement in tokens.split(|token| *token == Token::End) {
        if let Some(finding) = judge(statement, base) {
            found.push(finding);
        }
        // `DO $$ … $$` runs its text now; a function's body runs some other time.
        let runs_now = first_word(statement).is_some_and(|word| word.eq_ignore_ascii_case("do"));
        for token in statement {
            if let (Token::Dollar(body, at), true, true) = (token, runs_now, outer) {
                read(body, strings, base + at, false, found);
            }
        }
    }
}

fn first_word<'t>(statement: &[Token<'t>]) -> Option<&'t str> {
    statement.iter().find_map(|token| match token {
        Token::Word(word, _) => Some(*word),
        _ => None,
    })
}

fn judge(statement: &[Token], base: usize) -> Option<Finding> {
    let mut depth = 0usize;
    let mut words: Vec<(&str, usize, usize)> = Vec::new();
    for token in statement {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            Token::Word(word, at) => words.push((word, depth, *at)),
            Token::Name(name) => words.push((name, depth, usize::MAX)),
            _ => {}
        }
    }
    let is = |index: usize, word: &str| {
        words.get(index).is_some_and(|(w, _, at)| *at != usize::MAX && w.eq_ignore_ascii_case(word))
    };
    let any = |index: usize, list: &[&str]| list.iter().any(|word| is(index, word));
    let mut from = 0;
    // Words that only stand before a statement: plpgsql's and clients' own.
    while any(from, &["begin", "then", "else", "loop", "go", "exec", "execute", "immediate"]) {
        from += 1;
    }
    if is(from, "explain") {
        // EXPLAIN ANALYZE runs it.
        let analyzes = (from..from + 4).any(|index| is(index, "analyze"));
        if !analyzes {
            return None;
        }
        while from < words.len() && !any(from, &["delete", "update", "insert", "select", "with", "truncate"])
        {
            from += 1;
        }
    }
    let found = |effect, index: usize| {
        let shown: Vec<&str> = words.iter().skip(index).take(4).map(|(word, ..)| *word).collect();
        let at = words.get(index).map_or(0, |(.., at)| if *at == usize::MAX { 0 } else { *at });
        Some(Finding { effect, words: shown.join(" "), at: base + at })
    };
    if is(from, "drop") {
        return found(Effect::Drop, from);
    }
    if is(from, "truncate") {
        return found(Effect::Truncate, from);
    }
    if any(from, &["reset", "purge"]) && any(from + 1, &["master", "slave", "replica", "binary"]) {
        return found(Effect::Drop, from);
    }
    if is(from, "alter") {
        let drops = (from + 1..words.len()).any(|index| is(index, "drop"));
        return found(if drops { Effect::AlterDrop } else { Effect::Write }, from);
    }
    if any(from, &["create", "comment"]) {
        return found(Effect::Write, from);
    }
    // DELETE and UPDATE may stand behind WITH, and each needs a condition of its own level.
    let conditions = conditions(&words);
    let last_set = (from..words.len()).rev().find(|index| is(*index, "set"));
    let mut write = None;
    for (index, conditional) in conditions.iter().enumerate().skip(from) {
        let starts = index == from || is(from, "with") || is(from, "merge");
        if starts && is(index, "delete") && (is(index + 1, "from") || index == from) {
            if !conditional {
                return found(Effect::DeleteAll, index);
            }
            write.get_or_insert(index);
        } else if starts && is(index, "update") && !is(from, "merge") {
            let sets = last_set.is_some_and(|set| set > index);
            if sets && !conditional {
                return found(Effect::UpdateAll, index);
            }
            if sets {
                write.get_or_insert(index);
            }
        } else if index == from
            && any(
                index,
                &[
                    "insert", "replace", "merge", "upsert", "copy", "grant", "revoke", "rename", "load",
                    "call", "vacuum", "reindex", "cluster", "import",
                ],
            )
        {
            write.get_or_insert(index);
        }
    }
    // COPY … TO only reads.
    if is(from, "copy") && !(from..words.len()).any(|index| is(index, "from")) {
        return None;
    }
    write.and_then(|index| found(Effect::Write, index))
}

/// For each word, whether a WHERE of its own level follows before its level ends.
fn conditions(words: &[(&str, usize, usize)]) -> Vec<bool> {
    let mut ahead: Vec<bool> = Vec::new();
    let mut conditions = vec![false; words.len()];
    for (index, (word, level, at)) in words.iter().enumerate().rev() {
        conditions[index] = ahead.get(*level).copied().unwrap_or(false);
        ahead.resize(level + 1, false);
        if *at != usize::MAX && word.eq_ignore_ascii_case("where") {
            ahead[*level] = true;
        }
    }
    conditions
}

fn tokens(text: &str, strings: Strings) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut pos = 0;
    // A comment or dollar quote that never ends is looked for once, not once per start.
    let last_comment_end = text.rfind("*/").unwrap_or(0);
    let mut misses = 0;
    while let Some(&c) = bytes.get(pos) {
        let next = bytes.get(pos + 1).copied();
        match c {
            b'-' if next == Some(b'-') => pos = line_end(bytes, pos),
            b'#' if strings == Strings::Backslash => pos = line_end(bytes, pos),
            // `/*! … */` is code to MySQL.
            b'/' if next == Some(b'*') && bytes.get(pos + 2) == Some(&b'!') => {
                pos += 3;
                while bytes.get(pos).is_some_and(u8::is_ascii_digit) {
                    pos += 1;
                }
            }
            b'*' if next == Some(b'/') => pos += 2,
            b'/' if next == Some(b'*') && pos + 2 <= last_comment_end => pos = comment_end(text, pos),
            // Never closed: read it as code rather than lose what follows.
            b'/' if next == Some(b'*') => pos += 2,
            b'\'' => {
                pos = string_end(bytes, pos, c, strings);
                tokens.push(Token::Literal);
            }
            b'"' | b'`' => {
                let end = string_end(bytes, pos, c, strings);
                tokens.push(Token::Name(text.get(pos + 1..end.saturating_sub(1).max(pos + 1)).unwrap_or("")));
                pos = end;
            }
            b'[' if next.is_some_and(|c| c.is_ascii_alphabetic() || c == b'_') => {
                let end = bytes[pos..]
                    .iter()
                    .take(130)
                    .position(|c| *c == b']')
                    .map_or(pos + 1, |len| pos + len + 1);
                tokens.push(Token::Name(text.get(pos + 1..end - 1).unwrap_or("")));
                pos = end;
            }
            b'$' if misses < 32 => match dollar_quote(text, pos) {
                Some((start, close, end)) => {
                    tokens.push(Token::Dollar(text.get(start..close).unwrap_or(""), start));
                    pos = end;
                }
                None => {
                    misses += 1;
                    pos += 1;
                }
            },
            b';' => {
                tokens.push(Token::End);
                pos += 1;
            }
            // psql's `\g`, `\c` and kin end a statement as well.
            b'\\' => {
                tokens.push(Token::End);
                pos = if next == Some(b'g') || next == Some(b'G') { pos + 2 } else { line_end(bytes, pos) };
                tokens.push(Token::End);
            }
            b'(' => {
                tokens.push(Token::Open);
                pos += 1;
            }
            b')' => {
                tokens.push(Token::Close);
                pos += 1;
            }
            _ if is_word(c) => {
                let len = bytes[pos..].iter().take_while(|c| is_word(**c)).count();
                let word = &text[pos..pos + len];
                if word.eq_ignore_ascii_case("go")
                    && bytes.get(pos.wrapping_sub(1)).is_none_or(|c| *c == b'\n')
                {
                    tokens.push(Token::End);
                } else {
                    tokens.push(Token::Word(word, pos));
                }
                pos += len;
            }
            b' ' | b'\t' | b'\r' | b'\n' => pos += 1,
            _ => {
                tokens.push(Token::Other);
                pos += 1;
            }
        }
    }
    tokens
}

fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c >= 0x80
}

fn line_end(bytes: &[u8], pos: usize) -> usize {
    bytes[pos..].iter().position(|c| *c == b'\n').map_or(bytes.len(), |len| pos + len + 1)
}

fn comment_end(text: &str, pos: usize) -> usize {
    let inside = text.get(pos + 2..).unwrap_or("");
    inside.find("*/").map_or(text.len(), |len| pos + 2 + len + 2)
}

fn string_end(bytes: &[u8], pos: usize, quote: u8, strings: Strings) -> usize {
    let mut at = pos + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if strings == Strings::Backslash => at += 2,
            c if c == quote => {
                if bytes.get(at + 1) != Some(&quote) {
                    return at + 1;
                }
                at += 2;
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

/// `$tag$ … $tag$`: start and end of the text, and where it goes on.
fn dollar_quote(text: &str, pos: usize) -> Option<(usize, usize, usize)> {
    let bytes = text.as_bytes();
    let tag = bytes[pos + 1..].iter().take(64).take_while(|c| is_word(**c)).count();
    if bytes.get(pos + 1 + tag) != Some(&b'$') {
        return None;
    }
    let start = pos + tag + 2;
    let mark = text.get(pos..start)?;
    let len = text.get(start..)?.find(mark)?;
    Some((start, start + len, start + len + mark.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effects(text: &str) -> Vec<(Effect, String)> {
        findings(text, Strings::Standard).into_iter().map(|f| (f.effect, f.words)).collect()
    }

    #[test]
    fn statements_are_judged_by_what_they_do() {
        use Effect::*;
        let table: &[(&str, &[(Effect, &str)])] = &[
            ("drop table users", &[(Drop, "drop table users")]),
            ("DROP DATABASE \"orders\";", &[(Drop, "DROP DATABASE orders")]),
            ("select 1; truncate a, b;", &[(Truncate, "truncate a b")]),
            ("delete from users", &[(DeleteAll, "delete from users")]),
            ("delete from users where id = 3", &[(Write, "delete from users where")]),
            ("delete from users -- where id = 3", &[(DeleteAll, "delete from users")]),
            ("delete from users where id in (select id from x)", &[(Write, "delete from users where")]),
            ("delete from users using (select 1 where true) t", &[(DeleteAll, "delete from users using")]),
            ("update users set a = 'where'", &[(UpdateAll, "update users set a")]),
            ("update users set a = 1 where b = 2", &[(Write, "update users set a")]),
            (
                "with x as (delete from a returning *) select * from x where 1=1",
                &[(DeleteAll, "delete from a returning")],
            ),
            ("alter table a drop column b", &[(AlterDrop, "alter table a drop")]),
            ("alter table a add column b int", &[(Write, "alter table a add")]),
            ("create table a (b int)", &[(Write, "create table a b")]),
            ("insert into a values ('drop table x')", &[(Write, "insert into a values")]),
            ("select 'drop table x'", &[]),
            ("select * from a where note = 'delete from b'", &[]),
            ("/* drop table x */ select 1", &[]),
            ("select \"drop\" from t", &[]),
            ("explain delete from a", &[]),
            ("explain analyze delete from a", &[(DeleteAll, "delete from a")]),
            ("copy a to stdout", &[]),
            ("do $$ begin drop table a; end $$", &[(Drop, "drop table a")]),
            (
                "create function f() returns void as $$ drop table a $$ language sql",
                &[(Write, "create function f returns")],
            ),
            ("select for_update from t for update", &[]),
            ("\\dt", &[]),
            ("select $1", &[]),
            ("/* unclosed drop table x; drop table y", &[(Drop, "drop table y")]),
        ];
        for (text, wanted) in table {
            let wanted: Vec<(Effect, String)> = wanted.iter().map(|(e, w)| (*e, w.to_string())).collect();
            assert_eq!(effects(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_backslash_escapes_only_where_the_dialect_says_so() {
        let text = "select 'a\\'; drop table x; -- '";
        assert_eq!(findings(text, Strings::Standard).len(), 1);
        assert_eq!(findings(text, Strings::Backslash).len(), 0);
        assert_eq!(findings("/*!50000 drop table x */", Strings::Backslash).len(), 1);
    }
}
