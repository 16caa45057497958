//! Files of `[section]`s and `key = value` lines, as the AWS CLI, gcloud and libpq read them. What it refuses: nothing;
//! a line that its program would choke on is a flaw, and what stands on the other lines is still told.

use std::borrow::Cow;

/// Whose rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Python's configparser: a deeper line goes on with the value above it, a section may stand there once, keys have no
    /// case, `:` separates as `=` does.
    Python,
    /// libpq: no line goes on, only `=` separates.
    Libpq,
}

/// One key of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<'a> {
    pub key: Cow<'a, str>,
    /// The value on the key's own line.
    pub value: &'a str,
    /// From 1.
    pub line: usize,
}

/// One section, by the text between its brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    pub name: &'a str,
    /// The line of its header, from 1.
    pub line: usize,
    pub settings: Vec<Setting<'a>>,
}

impl<'a> Section<'a> {
    /// The setting `key`; of a repeated one the first.
    pub fn get(&self, key: &str) -> Option<&Setting<'a>> {
        self.settings.iter().find(|setting| setting.key == key && !setting.value.is_empty())
    }
}

/// Where the program that owns the file would stop reading, and why, as the end of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    pub line: usize,
    pub why: &'static str,
}

/// A file's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ini<'a> {
    pub sections: Vec<Section<'a>>,
    /// The first flaw.
    pub flaw: Option<Flaw>,
}

/// Reads a text. It costs as much as the text is long.
pub fn read(text: &str, style: Style) -> Ini<'_> {
    let mut ini = Ini::default();
    // The indentation of the key whose value a deeper line would go on with.
    let mut open: Option<usize> = None;
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let number = index + 1;
        let body = line.trim();
        let comment = body.starts_with('#') || (style == Style::Python && body.starts_with(';'));
        if body.is_empty() || comment {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if style == Style::Python && open.is_some_and(|above| indent > above) {
            continue;
        }
        if let Some(name) = header(body, style) {
            ini.sections.push(Section { name, line: number, settings: Vec::new() });
            open = None;
            continue;
        }
        let at = match style {
            Style::Python => body.find(['=', ':']),
            Style::Libpq => body.find('='),
        };
        match (ini.sections.last_mut(), at) {
            (None, _) if style == Style::Libpq => {}
            (None, _) => ini.flawed(number, "has a line above its first section"),
            (_, None | Some(0)) => ini.flawed(number, "has a line that sets nothing"),
            (Some(section), Some(at)) => {
                let (key, value) = (body[..at].trim_end(), body[at + 1..].trim());
                let key = match style {
                    Style::Python if key.chars().any(char::is_uppercase) => Cow::Owned(key.to_lowercase()),
                    _ => Cow::Borrowed(key),
                };
                section.settings.push(Setting { key, value, line: number });
                open = Some(indent);
            }
        }
    }
    if style == Style::Python {
        ini.find_repetition();
    }
    ini
}

/// The text between the brackets of a header.
fn header(body: &str, style: Style) -> Option<&str> {
    let inner = body.strip_prefix('[')?;
    let end = match style {
        Style::Python => inner.rfind(']')?,
        Style::Libpq => inner.find(']')?,
    };
    let name = &inner[..end];
    (!name.is_empty()).then_some(name)
}

impl Ini<'_> {
    fn flawed(&mut self, line: usize, why: &'static str) {
        if self.flaw.is_none() {
            self.flaw = Some(Flaw { line, why });
        }
    }

    fn find_repetition(&mut self) {
        let mut seen = std::collections::HashSet::new();
        let twice = self.sections.iter().find(|section| !seen.insert(section.name)).map(|again| again.line);
        let key_twice = self.sections.iter().find_map(|section| {
            let mut seen = std::collections::HashSet::new();
            section.settings.iter().find(|setting| !seen.insert(&setting.key)).map(|again| again.line)
        });
        let repeated = [(twice, "has a section twice"), (key_twice, "has a key twice in one section")];
        for (line, why) in repeated {
            if let Some(line) = line
                && self.flaw.as_ref().is_none_or(|flaw| line < flaw.line)
            {
                self.flaw = Some(Flaw { line, why });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every setting as `section.key=value@line`, and the flaw.
    fn told(text: &str, style: Style) -> Vec<String> {
        let ini = read(text, style);
        let mut out = Vec::new();
        for section in &ini.sections {
            out.push(format!("[{}]@{}", section.name, section.line));
            out.extend(section.settings.iter().map(|s| format!("{}={}@{}", s.key, s.value, s.line)));
        }
        out.extend(ini.flaw.map(|flaw| format!("!{} {}", flaw.line, flaw.why)));
        out
    }

    #[test]
    fn lines_mean_what_their_programs_take_them_for() {
        let python = [
            ("[a]\nk = v ; w\n", &["[a]@1", "k=v ; w@2"][..]),
            ("\u{feff}[a]\r\n; c\r\n# c\r\nK:v=w\r\n", &["[a]@1", "k=v=w@4"]),
            ("[a]\ns3 =\n  role_arn = x\nb = c\n", &["[a]@1", "s3=@2", "b=c@4"]),
            ("[a]\n  k = v\n  l = w\n", &["[a]@1", "k=v@2", "l=w@3"]),
            ("[a b] # x]\n", &["[a b] # x]@1"]),
            ("k = v\n[a]\n", &["[a]@2", "!1 has a line above its first section"]),
            ("[a]\nword\n= x\nk = v\n", &["[a]@1", "k=v@4", "!2 has a line that sets nothing"]),
            ("[a]\n[a]\n", &["[a]@1", "[a]@2", "!2 has a section twice"]),
            ("[a]\nk=v\nK=w\n", &["[a]@1", "k=v@2", "k=w@3", "!3 has a key twice in one section"]),
            ("[a\n", &["!1 has a line above its first section"]),
        ];
        for (text, expected) in python {
            assert_eq!(told(text, Style::Python), expected, "{text:?}");
        }
        let libpq =
            ("x=y\n[a]\nhost=x\n  port=1\nDB:x\n[a] b]\n", &["[a]@2", "host=x@3", "port=1@4", "[a]@6"]);
        let mut expected: Vec<&str> = libpq.1.to_vec();
        expected.push("!5 has a line that sets nothing");
        assert_eq!(told(libpq.0, Style::Libpq), expected);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in any::<String>(), lines in "[\\[\\]=:;#a \\n\\t]{0,80}") {
            for text in [text, lines] {
                let _ = (read(&text, Style::Python), read(&text, Style::Libpq));
            }
        }
    }
}
