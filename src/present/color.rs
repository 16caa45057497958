//! Colours: what an environment's colour is on a tab, in a prompt and as a tint, for terminals of 16, 256 and all colours.
//! Where a terminal knows more than 16, a badge has colours of its own: those of a theme may be anything, white on a pale
//! red too. Ratios are those of the WCAG; the tests hold every pair to them.

use crate::config::Palette;

/// A colour of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

pub const BLACK: Rgb = Rgb(0, 0, 0);
pub const WHITE: Rgb = Rgb(255, 255, 255);

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// The sixteen of its theme.
    #[default]
    Sixteen,
    /// The 6 × 6 × 6 cube of 256 as well.
    Indexed,
    /// All.
    True,
}

impl Depth {
    /// What `TERM` and `COLORTERM` say. GNU screen hands `COLORTERM` on from the terminal around it and does not know the
    /// sequence, and the Linux console has sixteen.
    pub fn of(term: &str, colorterm: &str) -> Depth {
        const TRUE: &[&str] = &["alacritty", "contour", "foot", "ghostty", "iterm2", "kitty", "wezterm"];
        let family = term.split(['-', '.', '+']).next().unwrap_or_default();
        let is = |name: &&str| family == *name || term.strip_prefix("xterm-") == Some(name);
        if matches!(family, "linux" | "dumb" | "") {
            Depth::Sixteen
        } else if family != "screen"
            && (matches!(colorterm, "truecolor" | "24bit")
                || term.ends_with("-direct")
                || TRUE.iter().any(is))
        {
            Depth::True
        } else if term.contains("256") {
            Depth::Indexed
        } else {
            Depth::Sixteen
        }
    }
}

impl Rgb {
    /// `c00000`.
    pub fn hex(self) -> String {
        format!("{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// A colour as `#c00000`.
    pub fn from_hex(color: &str) -> Option<Rgb> {
        let digits = color.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii())?;
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Rgb(byte(0)?, byte(2)?, byte(4)?))
    }

    /// As one number, as kitty takes it.
    pub fn number(self) -> u32 {
        u32::from(self.0) << 16 | u32::from(self.1) << 8 | u32::from(self.2)
    }

    /// How bright it is, from 0 for black to 1 for white.
    pub fn luminance(self) -> f64 {
        let linear = |byte: u8| {
            let part = f64::from(byte) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// The ratio of their brightness, from 1 for none to 21.
    pub fn contrast(self, other: Rgb) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Black or white, whichever reads better on it.
    pub fn text(self) -> Rgb {
        if self.contrast(BLACK) > self.contrast(WHITE) { BLACK } else { WHITE }
    }

    /// This colour mixed into black or white, `parts` of 100 of it.
    pub fn mixed(self, into: u8, parts: u16) -> Rgb {
        let mix = |c: u8| {
            let sum = u16::from(c) * parts + u16::from(into) * (100 - parts);
            u8::try_from(sum / 100).unwrap_or(u8::MAX)
        };
        Rgb(mix(self.0), mix(self.1), mix(self.2))
    }

    /// As much of it in a dark background as leaves a theme's own text readable there.
    pub fn dark_tint(self) -> Rgb {
        let tint = |parts| self.mixed(0, parts);
        (1..=10).rev().map(|tenth| tint(tenth * 5)).find(|tint| tint.luminance() < 0.025).unwrap_or(BLACK)
    }

    /// The same in a light one.
    pub fn light_tint(self) -> Rgb {
        let tint = |parts| self.mixed(255, parts);
        (1..=15).rev().map(tint).find(|tint| tint.luminance() > 0.8).unwrap_or(WHITE)
    }

    /// The nearest of the cube of 256 colours: its number, and what it is.
    fn indexed(self) -> (u8, Rgb) {
        const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        let near = |byte: u8| (0..6u8).min_by_key(|i| LEVELS[usize::from(*i)].abs_diff(byte)).unwrap_or(0);
        let (r, g, b) = (near(self.0), near(self.1), near(self.2));
        let level = |i: u8| LEVELS[usize::from(i)];
        (16 + 36 * r + 6 * g + b, Rgb(level(r), level(g), level(b)))
    }

    /// The nearest of the eight colours that every terminal has.
    fn named(self) -> u8 {
        let bit = |byte: u8, n: u8| if byte >= 96 { n } else { 0 };
        bit(self.0, 1) | bit(self.1, 2) | bit(self.2, 4)
    }
}

/// The colour of an environment, by its name or as `#rrggbb`: dark enough for white text, or light enough for black.
pub fn ground(color: &str, palette: Palette) -> Rgb {
    if let Some(rgb) = Rgb::from_hex(color) {
        return rgb;
    }
    match (color, palette == Palette::Colorblind) {
        ("red", false) => Rgb(0xc0, 0, 0),
        // A vermillion and a yellow that differ in brightness under every common deficiency.
        ("red", true) => Rgb(0xac, 0x48, 0),
        ("yellow", true) => Rgb(0xf0, 0xe4, 0x42),
        ("green", _) => Rgb(0, 0x80, 0),
        ("blue", _) => Rgb(0, 0x40, 0xc0),
        ("magenta", _) => Rgb(0xa0, 0, 0xa0),
        ("cyan", _) => Rgb(0, 0xc0, 0xc0),
        ("white", _) => Rgb(0xf0, 0xf0, 0xf0),
        ("black", _) => BLACK,
        _ => Rgb(0xe0, 0xc0, 0),
    }
}

/// SGR numbers for text on a ground of an environment's colour.
pub fn badge(color: &str, palette: Palette, depth: Depth) -> String {
    let rgb = ground(color, palette);
    match depth {
        Depth::True => format!("{};{}", all(38, rgb.text()), all(48, rgb)),
        Depth::Indexed => {
            let (number, shown) = indexed_ground(color, palette, rgb);
            format!("38;5;{};48;5;{number}", if shown.text() == BLACK { 16 } else { 231 })
        }
        Depth::Sixteen => {
            let number = match color {
                "red" => 1,
                "green" => 2,
                "blue" => 4,
                "magenta" => 5,
                "cyan" => 6,
                "white" => 7,
                "black" => 0,
                color if color.starts_with('#') => rgb.named(),
                _ => 3,
            };
            let dark = matches!(number, 0 | 1 | 4 | 5);
            format!("{};4{number}", if dark { 97 } else { 30 })
        }
    }
}

/// Brighter than the nearest where that leaves white readable: a badge is small.
fn indexed_ground(color: &str, palette: Palette, rgb: Rgb) -> (u8, Rgb) {
    match (color, palette) {
        ("red", Palette::Default) => (160, Rgb(0xd7, 0, 0)),
        ("red", Palette::Colorblind) => (130, Rgb(0xaf, 0x5f, 0)),
        _ => rgb.indexed(),
    }
}

/// SGR numbers for red text that stands on no ground of its own, readable on dark and light ones.
pub fn open(palette: Palette, depth: Depth) -> &'static str {
    match (depth, palette) {
        (Depth::True, Palette::Default) => "38;2;255;0;0",
        (Depth::Indexed, Palette::Default) => "38;5;196",
        (Depth::True, Palette::Colorblind) => "38;2;213;94;0",
        (Depth::Indexed, Palette::Colorblind) => "38;5;166",
        (Depth::Sixteen, _) => "31",
    }
}

fn all(ground: u8, Rgb(r, g, b): Rgb) -> String {
    format!("{ground};2;{r};{g};{b}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 8] = ["red", "yellow", "green", "blue", "magenta", "cyan", "white", "black"];
    const PALETTES: [Palette; 2] = [Palette::Default, Palette::Colorblind];

    /// What is read, and what is only seen.
    const TEXT: f64 = 4.5;
    const SHAPE: f64 = 3.0;

    /// Text and ground of some themes that come with terminals or are chosen by many, and red and bright white of each.
    const THEMES: &[(&str, [&str; 4])] = &[
        ("xterm", ["#ffffff", "#000000", "#cd0000", "#ffffff"]),
        ("xterm, light", ["#000000", "#ffffff", "#cd0000", "#ffffff"]),
        ("Linux console", ["#aaaaaa", "#000000", "#aa0000", "#ffffff"]),
        ("Tango, dark", ["#d3d7cf", "#2e3436", "#cc0000", "#eeeeec"]),
        ("Tango, light", ["#2e3436", "#eeeeec", "#cc0000", "#eeeeec"]),
        ("GNOME", ["#d0cfcc", "#171421", "#c01c28", "#ffffff"]),
        ("Breeze", ["#fcfcfc", "#232627", "#ed1515", "#ffffff"]),
        ("Campbell", ["#cccccc", "#0c0c0c", "#c50f1f", "#f2f2f2"]),
        ("kitty", ["#dddddd", "#000000", "#cc0403", "#ffffff"]),
        ("Solarized, dark", ["#839496", "#002b36", "#dc322f", "#fdf6e3"]),
        ("Solarized, light", ["#657b83", "#fdf6e3", "#dc322f", "#fdf6e3"]),
        ("Dracula", ["#f8f8f2", "#282a36", "#ff5555", "#ffffff"]),
        ("Nord", ["#d8dee9", "#2e3440", "#bf616a", "#eceff4"]),
        ("One Dark", ["#abb2bf", "#282c34", "#e06c75", "#ffffff"]),
        ("Catppuccin Mocha", ["#cdd6f4", "#1e1e2e", "#f38ba8", "#a6adc8"]),
        ("Catppuccin Latte", ["#4c4f69", "#eff1f5", "#d20f39", "#bcc0cc"]),
    ];

    fn color(hex: &str) -> Rgb {
        Rgb::from_hex(hex).unwrap()
    }

    /// The colours that SGR numbers name: text and ground.
    fn read(sgr: &str) -> (Rgb, Rgb) {
        let numbers: Vec<u8> = sgr.split(';').map(|n| n.parse().unwrap()).collect();
        let cube = |n: u8| {
            let level = |i: u8| [0, 95, 135, 175, 215, 255][usize::from(i)];
            Rgb(level((n - 16) / 36), level((n - 16) / 6 % 6), level((n - 16) % 6))
        };
        match numbers[..] {
            [38, 2, r, g, b, 48, 2, x, y, z] => (Rgb(r, g, b), Rgb(x, y, z)),
            [38, 5, text, 48, 5, ground] => (cube(text), cube(ground)),
            [38, 2, r, g, b] => (Rgb(r, g, b), BLACK),
            [38, 5, text] => (cube(text), BLACK),
            _ => panic!("{sgr}"),
        }
    }

    /// The same in the eyes of somebody without one of the three kinds of cones (Machado, Oliveira and Fernandes, 2009).
    fn seen_without(cones: usize, Rgb(r, g, b): Rgb) -> f64 {
        const EYES: [[[f64; 3]; 3]; 3] = [
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
            [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        ];
        let linear = [r, g, b].map(|byte| Rgb(byte, byte, byte).luminance());
        let seen =
            EYES[cones].map(|row| row.iter().zip(linear).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0));
        0.2126 * seen[0] + 0.7152 * seen[1] + 0.0722 * seen[2]
    }

    fn ratio(a: f64, b: f64) -> f64 {
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn the_ratio_is_that_of_the_wcag() {
        for (a, b, expected) in [
            ("#000000", "#ffffff", 21.0),
            ("#ffffff", "#ffffff", 1.0),
            ("#777777", "#ffffff", 4.48),
            ("#ff0000", "#ffffff", 4.0),
        ] {
            assert!((color(a).contrast(color(b)) - expected).abs() < 0.01, "{a} {b}");
        }
    }

    #[test]
    fn a_badge_is_readable_whatever_the_theme() {
        for depth in [Depth::Indexed, Depth::True] {
            for palette in PALETTES {
                for name in NAMES.into_iter().chain(["#c0ffee", "#777777", "#7f0000"]) {
                    let (text, ground) = read(&badge(name, palette, depth));
                    assert!(text.contrast(ground) >= TEXT, "{name} {depth:?} {}", text.contrast(ground));
                }
            }
        }
        // Sixteen colours are the theme's own: readable where red is meant to be red, and no further than that.
        assert_eq!(badge("red", Palette::Default, Depth::Sixteen), "97;41");
        for (theme, [_, _, red, white]) in THEMES.iter().take(9) {
            assert!(color(white).contrast(color(red)) >= 4.0, "{theme}");
        }
        let pale = THEMES.iter().filter(|(_, [_, _, red, white])| color(white).contrast(color(red)) < SHAPE);
        assert!(pale.count() >= 2, "the colours of a theme would do everywhere");
    }

    #[test]
    fn a_tab_is_readable() {
        for palette in PALETTES {
            for name in NAMES {
                let tab = ground(name, palette);
                assert!(tab.contrast(tab.text()) >= TEXT, "{name}");
            }
        }
    }

    #[test]
    fn red_text_is_seen_on_every_theme() {
        for depth in [Depth::Indexed, Depth::True] {
            for palette in PALETTES {
                let (red, _) = read(open(palette, depth));
                for (theme, [_, ground, ..]) in THEMES {
                    assert!(red.contrast(color(ground)) >= SHAPE, "{theme}: {}", red.contrast(color(ground)));
                }
            }
        }
    }

    #[test]
    fn a_tint_leaves_the_text_of_a_theme_readable() {
        for palette in PALETTES {
            for name in ["red", "yellow", "green", "blue", "magenta", "cyan", "white"] {
                for (theme, [text, own, ..]) in THEMES {
                    let (text, own) = (color(text), color(own));
                    let dark = own.text() == WHITE;
                    let tint = ground(name, palette);
                    let tint = if dark { tint.dark_tint() } else { tint.light_tint() };
                    // Readable, or nearly as readable as the theme has it.
                    let (now, before) = (text.contrast(tint), text.contrast(own));
                    assert!(now >= TEXT || now >= 0.8 * before, "{theme} {name} {tint:?}: {now} of {before}");
                }
            }
        }
        assert_eq!(ground("red", Palette::Default).dark_tint().hex(), "600000");
    }

    #[test]
    fn production_and_staging_differ_in_every_eye() {
        let (red, yellow) = (ground("red", Palette::Colorblind), ground("yellow", Palette::Colorblind));
        for cones in 0..3 {
            let [a, b] = [red, yellow].map(|color| seen_without(cones, color));
            assert!(ratio(a, b) >= SHAPE, "{cones}: {}", ratio(a, b));
            assert!(
                ratio(a, 1.0) >= TEXT && ratio(b, 0.0) >= TEXT,
                "{cones}: {} {}",
                ratio(a, 1.0),
                ratio(b, 0.0)
            );
        }
    }

    #[test]
    fn depths() {
        for (term, colorterm, depth) in [
            ("xterm-256color", "", Depth::Indexed),
            ("xterm-256color", "truecolor", Depth::True),
            ("xterm-256color", "24bit", Depth::True),
            ("xterm-256color", "rxvt-xpm", Depth::Indexed),
            ("xterm", "", Depth::Sixteen),
            ("xterm-16color", "", Depth::Sixteen),
            ("xterm-direct", "", Depth::True),
            ("xterm-kitty", "", Depth::True),
            ("foot", "", Depth::True),
            ("tmux-256color", "", Depth::Indexed),
            ("tmux-256color", "truecolor", Depth::True),
            ("screen", "truecolor", Depth::Sixteen),
            ("screen-256color", "truecolor", Depth::Indexed),
            ("linux", "truecolor", Depth::Sixteen),
            ("dumb", "truecolor", Depth::Sixteen),
            ("", "truecolor", Depth::Sixteen),
        ] {
            assert_eq!(Depth::of(term, colorterm), depth, "{term} {colorterm}");
        }
    }

    #[test]
    fn sequences() {
        use Depth::{Indexed, Sixteen, True};
        for (name, palette, depth, sgr) in [
            ("red", Palette::Default, True, "38;2;255;255;255;48;2;192;0;0"),
            ("red", Palette::Default, Indexed, "38;5;231;48;5;160"),
            ("red", Palette::Colorblind, Indexed, "38;5;231;48;5;130"),
            ("red", Palette::Colorblind, Sixteen, "97;41"),
            ("yellow", Palette::Default, Sixteen, "30;43"),
            ("yellow", Palette::Default, Indexed, "38;5;16;48;5;178"),
            ("#ff8800", Palette::Default, True, "38;2;0;0;0;48;2;255;136;0"),
            ("#ff8800", Palette::Default, Indexed, "38;5;16;48;5;208"),
            ("#ff0000", Palette::Default, Sixteen, "97;41"),
            ("#0000c0", Palette::Default, Sixteen, "97;44"),
            ("nonsense", Palette::Default, Sixteen, "30;43"),
        ] {
            assert_eq!(badge(name, palette, depth), sgr, "{name} {depth:?}");
        }
    }
}
