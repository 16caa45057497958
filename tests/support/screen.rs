//! What a terminal shows: cells, colours, titles, and the prompts drawn so far. It answers the few questions that
//! shells ask a terminal and refuses to guess about anything else.

use std::fmt::Write;

/// The end of every prompt in these tests. No command and no output may hold it.
pub const MARK: &str = "@@ ";

/// A colour of the basic palette, bright or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hue {
    Default,
    Black,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
    White,
    Other,
}

/// The colours of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub text: Hue,
    pub ground: Hue,
}

pub const WHITE_ON_RED: Look = Look { text: Hue::White, ground: Hue::Red };
pub const BLACK_ON_YELLOW: Look = Look { text: Hue::Black, ground: Hue::Yellow };
const PLAIN: Look = Look { text: Hue::Default, ground: Hue::Default };

/// What stands in front of the user's own prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its text up to its last coloured cell or letter; empty when there is none.
    pub text: String,
    /// Its colours, where all its cells agree.
    pub look: Option<Look>,
    /// The column in which the user's own prompt starts.
    pub column: u16,
}

/// A terminal's screen as far as the bytes that reached it say.
pub struct Terminal {
    parser: vt100::Parser<Asked>,
    /// Every byte the terminal got.
    pub raw: Vec<u8>,
    /// How many prompts were drawn.
    pub prompts: usize,
    /// A title as GNU screen takes it, as far as it has come: `ESC k`, text, `ESC \`. Elsewhere its text would be shown.
    title: Vec<u8>,
}

/// What programs asked of the terminal or told it besides text.
#[derive(Default)]
struct Asked {
    answers: Vec<u8>,
    titles: Vec<String>,
}

impl vt100::Callbacks for Asked {
    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.titles.push(String::from_utf8_lossy(title).into_owned());
    }

    /// fish 4 waits for an answer to "what are you" before it reads a key.
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        intermediate: Option<u8>,
        _: Option<u8>,
        params: &[&[u16]],
        action: char,
    ) {
        match (intermediate, action, params) {
            (None, 'c', _) => self.answers.extend(b"\x1b[?62;22c"),
            (None, 'n', [[6]]) => {
                let (row, column) = screen.cursor_position();
                self.answers.extend(format!("\x1b[{};{}R", row + 1, column + 1).bytes());
            }
            _ => {}
        }
    }
}

impl Terminal {
    pub fn new(rows: u16, columns: u16) -> Terminal {
        let parser = vt100::Parser::new_with_callbacks(rows, columns, 0, Asked::default());
        Terminal { parser, raw: Vec::new(), prompts: 0, title: Vec::new() }
    }

    /// Takes bytes from the shell and returns what the terminal answers.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let from = self.raw.len().saturating_sub(MARK.len() - 1);
        self.raw.extend(bytes);
        self.prompts += self.raw[from..].windows(MARK.len()).filter(|w| *w == MARK.as_bytes()).count();
        let shown = self.without_screen_titles(bytes);
        self.parser.process(&shown);
        std::mem::take(&mut self.parser.callbacks_mut().answers)
    }

    fn without_screen_titles(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut shown = Vec::new();
        for byte in bytes {
            self.title.push(*byte);
            match self.title[..] {
                [0x1b] | [0x1b, b'k'] => {}
                [0x1b, b'k', .., last] if !self.title.ends_with(b"\x1b\\") && last != 7 => {}
                [0x1b, b'k', ..] => self.title.clear(),
                _ => shown.append(&mut self.title),
            }
        }
        shown
    }

    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Every window title set so far, oldest first.
    pub fn titles(&self) -> &[String] {
        &self.parser.callbacks().titles
    }

    /// The whole screen as text.
    pub fn text(&self) -> String {
        self.screen().contents()
    }

    /// Whether the cursor stands right behind a prompt.
    pub fn at_prompt(&self) -> bool {
        let (row, column) = self.screen().cursor_position();
        self.row_text(row)[..usize::from(column)].concat().ends_with(MARK)
    }

    /// The text between the last prompt and the cursor, across wrapped rows.
    pub fn typed(&self) -> Option<String> {
        let (last, end) = self.screen().cursor_position();
        let (first, start) = self.mark()?;
        let mut text = String::new();
        for row in first..=last {
            let cells = self.row_text(row);
            let from = if row == first { usize::from(start) + MARK.len() } else { 0 };
            let to = if row == last { usize::from(end) } else { cells.len() };
            text += &cells.get(from..to)?.concat();
        }
        Some(text)
    }

    /// Row and column of the last prompt's mark, at or above the cursor.
    fn mark(&self) -> Option<(u16, u16)> {
        let (cursor, _) = self.screen().cursor_position();
        (0..=cursor).rev().find_map(|row| Some((row, self.find(row, MARK)?)))
    }

    /// The column of `text`'s first occurrence in a row.
    fn find(&self, row: u16, text: &str) -> Option<u16> {
        let cells = self.row_text(row);
        let at = (0..cells.len()).find(|at| cells[*at..].concat().starts_with(text))?;
        u16::try_from(at).ok()
    }

    /// One string per cell; a blank cell is a space, the second half of a wide letter is empty.
    fn row_text(&self, row: u16) -> Vec<String> {
        let (_, columns) = self.screen().size();
        let cell = |column| match self.screen().cell(row, column) {
            Some(cell) if cell.is_wide_continuation() => String::new(),
            Some(cell) if cell.has_contents() => cell.contents().to_string(),
            _ => " ".to_string(),
        };
        (0..columns).map(cell).collect()
    }

    fn look(&self, row: u16, column: u16) -> Look {
        let Some(cell) = self.screen().cell(row, column) else { return PLAIN };
        let (text, ground) = (hue(cell.fgcolor()), hue(cell.bgcolor()));
        if cell.inverse() { Look { text: ground, ground: text } } else { Look { text, ground } }
    }

    /// What stands in front of the last prompt, whose own lines are `prompt`; `None` when no prompt is to be seen.
    pub fn segment(&self, prompt: &[String]) -> Option<Segment> {
        let (mark_row, _) = self.mark()?;
        let row = mark_row.checked_sub(u16::try_from(prompt.len() - 1).ok()?)?;
        let column = self.find(row, prompt.first()?.as_str())?;
        let cells = &self.row_text(row)[..usize::from(column)];
        let visible = |at: usize| {
            cells[at] != " " || self.look(row, u16::try_from(at).unwrap_or(0)).ground != Hue::Default
        };
        let end = (0..cells.len()).rev().find(|at| visible(*at)).map_or(0, |at| at + 1);
        // The second half of a wide letter has no look of its own.
        let whole = |column: &u16| !cells[usize::from(*column)].is_empty();
        let mut looks = (0..u16::try_from(end).ok()?).filter(whole).map(|column| self.look(row, column));
        let first = looks.next();
        let look = first.filter(|first| looks.all(|look| look == *first));
        Some(Segment { text: cells[..end].concat(), look, column })
    }

    /// The screen for a failure's report: every row, and below it the colours of its coloured stretches.
    pub fn dump(&self) -> String {
        let (rows, columns) = self.screen().size();
        let (cursor_row, cursor_column) = self.screen().cursor_position();
        let mut out = format!("cursor {cursor_row}:{cursor_column}, {} prompts drawn\n", self.prompts);
        let used = (0..rows).rev().find(|row| !self.row_text(*row).concat().trim().is_empty()).unwrap_or(0);
        for row in 0..=used.max(cursor_row) {
            let _ = writeln!(out, "{row:2} |{}", self.row_text(row).concat().trim_end());
            let mut start = 0;
            while start < columns {
                let look = self.look(row, start);
                let end = (start..columns).find(|c| self.look(row, *c) != look).unwrap_or(columns);
                if look != PLAIN {
                    let _ = writeln!(out, "      {start}..{end} {:?} on {:?}", look.text, look.ground);
                }
                start = end;
            }
        }
        let tail = &self.raw[self.raw.len().saturating_sub(600)..];
        let _ = writeln!(out, "last bytes: {}", tail.escape_ascii());
        out
    }
}

fn hue(color: vt100::Color) -> Hue {
    use vt100::Color::{Default, Idx, Rgb};
    match color {
        Default => Hue::Default,
        Idx(0 | 16) | Rgb(0, 0, 0) => Hue::Black,
        Idx(1 | 9 | 160 | 196) => Hue::Red,
        Idx(2 | 10 | 28) => Hue::Green,
        Idx(3 | 11 | 178 | 220 | 226) => Hue::Yellow,
        Idx(4 | 12 | 25) => Hue::Blue,
        Idx(5 | 13 | 127) => Hue::Magenta,
        Idx(6 | 14 | 37) => Hue::Cyan,
        Idx(7 | 15 | 231) | Rgb(255, 255, 255) => Hue::White,
        _ => Hue::Other,
    }
}
