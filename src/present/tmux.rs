//! What tmux is told: arguments for one call that marks a pane and its window, or takes the marks away. What it refuses:
//! foreign text as a part of a format or a command. Texts go into options of the pane alone, and constant formats
//! show them.
//!
//! A window's entry is red while any of its panes is: its style asks the panes each time tmux draws it, so that a pane
//! which is killed, or whose shell is, leaves nothing red behind. The user's own style stands in front of ours, and comes
//! back as it was.

use crate::escape;
use crate::state::tabs::{Pane, Record};

/// The options of a window that draw its entry in the status line.
const STYLES: [&str; 2] = ["window-status-style", "window-status-current-style"];

/// What of a window's style is ours. A dead pane counts for nothing; production beats what is only shown.
const TINT: &str = "#{P:#{?pane_dead,,#{@redtab_yellow}}}#{P:#{?pane_dead,,#{@redtab_red}}}";

/// Wider text is cut.
const COLUMNS: usize = 48;

/// The arguments that make a pane show what its tab's record says; for a clear tab, those of [`clear`].
pub fn mark(pane: &Pane, record: &Record) -> Vec<String> {
    let text = escape::segment(&record.segment, COLUMNS, true);
    if text.is_empty() {
        return clear(pane);
    }
    let style = style(&record.style);
    let tint = format!(",{style}");
    let (red, yellow) = match record.severity.as_str() {
        _ if style.is_empty() => ("", ""),
        "production" => (tint.as_str(), ""),
        "caution" | "unsure" => ("", tint.as_str()),
        _ => ("", ""),
    };
    let mut call = Call::to(pane);
    call.keep("@redtab", &escape::tmux_option(&text));
    call.keep("@redtab_style", if style.is_empty() { "default" } else { &style });
    call.keep("@redtab_red", red);
    call.keep("@redtab_yellow", yellow);
    if red.is_empty() && yellow.is_empty() {
        call.when_no_pane_is_marked(&unstyle(&pane.pane));
    } else {
        call.unless_styled(&restyle(&pane.pane));
    }
    call.arguments
}

/// The arguments that take every mark of a pane away, and its window's style with the last of them.
pub fn clear(pane: &Pane) -> Vec<String> {
    let mut call = Call::to(pane);
    for option in ["@redtab", "@redtab_style", "@redtab_red", "@redtab_yellow"] {
        call.keep(option, "");
    }
    call.when_no_pane_is_marked(&unstyle(&pane.pane));
    call.arguments
}

/// The arguments that ask a pane for its terminal and its server for its clients: a line each, the terminal first.
pub fn audience(pane: &Pane) -> Vec<String> {
    let mut call = Call::to(pane);
    call.add(&["display-message", "-p", "-t", &pane.pane, "#{pane_tty}"]);
    call.add(&["list-clients", "-F", "#{client_name}"]);
    call.arguments
}

/// The arguments that show a text to these clients for as many milliseconds.
pub fn tell(pane: &Pane, clients: &[&str], text: &str, millis: u32) -> Vec<String> {
    let mut call = Call::to(pane);
    call.keep("@redtab_say", &escape::tmux_option(text));
    for client in clients {
        call.add(&[
            "display-message",
            "-c",
            client,
            "-t",
            &pane.pane,
            "-d",
            &millis.to_string(),
            "#{@redtab_say}",
        ]);
    }
    call.keep("@redtab_say", "");
    call.arguments
}

/// The arguments that ask for the row of a pane's cursor, and then for its screen.
pub fn screen(pane: &Pane) -> Vec<String> {
    let mut call = Call::to(pane);
    call.add(&["display-message", "-p", "-t", &pane.pane, "#{pane_tty} #{cursor_y}"]);
    call.add(&["capture-pane", "-p", "-t", &pane.pane]);
    call.arguments
}

/// One run of tmux: commands, each behind an argument `;`.
struct Call {
    pane: String,
    arguments: Vec<String>,
}

impl Call {
    fn to(pane: &Pane) -> Call {
        // None of these commands starts a server that is gone.
        Call { pane: pane.pane.clone(), arguments: vec!["-S".into(), pane.socket.clone()] }
    }

    fn add(&mut self, command: &[&str]) {
        if self.arguments.len() > 2 {
            self.arguments.push(";".into());
        }
        self.arguments.extend(command.iter().map(|word| argument(word)));
    }

    /// Sets an option of the pane, or takes it away where there is nothing to keep.
    fn keep(&mut self, option: &str, value: &str) {
        let pane = self.pane.clone();
        match value {
            "" => self.add(&["set-option", "-pqu", "-t", &pane, option]),
            value => self.add(&["set-option", "-pq", "-t", &pane, "--", option, value]),
        }
    }

    fn unless_styled(&mut self, commands: &str) {
        let pane = self.pane.clone();
        self.add(&["if-shell", "-F", "-t", &pane, "#{@redtab_styled}", "", commands]);
    }

    fn when_no_pane_is_marked(&mut self, commands: &str) {
        let pane = self.pane.clone();
        self.add(&["if-shell", "-F", "-t", &pane, TINT, "", commands]);
    }
}

/// An argument as tmux reads it: a `;` at its end would end the command.
fn argument(word: &str) -> String {
    match word.strip_suffix(';') {
        Some(rest) => format!("{rest}\\;"),
        None => word.into(),
    }
}

/// Commands that lay our style over the user's. Whether the window had one of its own tells an option that is set only
/// where there is none; that one is kept to be put back.
fn restyle(pane: &str) -> String {
    let mut out = format!("set-option -w -t {pane} @redtab_styled 1");
    for option in STYLES {
        let own = own(option);
        out.push_str(&format!(
            "; set-option -wF -t {pane} {own} '=#{{{option}}}'\
             ; set-option -woq -t {pane} {option} '#{{@redtab_none}}'\
             ; if-shell -F -t {pane} '#{{m:*@redtab_none*,#{{{option}}}}}' \
             {{ set-option -wu -t {pane} {option}; set-option -wu -t {pane} {own} }}\
             ; set-option -wa -t {pane} {option} '{TINT}'"
        ));
    }
    out
}

/// Commands that put the user's own style back, unless he has set another one since.
fn unstyle(pane: &str) -> String {
    let mut out = format!("set-option -wqu -t {pane} @redtab_styled");
    for option in STYLES {
        let own = own(option);
        out.push_str(&format!(
            "; if-shell -F -t {pane} '#{{m:*@redtab_red*,#{{{option}}}}}' \
             {{ if-shell -F -t {pane} '#{{{own}}}' \
             {{ set-option -wF -t {pane} {option} '#{{s/^=//:{own}}}' }} {{ set-option -wqu -t {pane} {option} }} }}\
             ; set-option -wqu -t {pane} {own}"
        ));
    }
    out
}

/// Where the user's own value of a style is kept.
fn own(option: &str) -> String {
    format!("@redtab_own_{}", option.replace('-', "_"))
}

/// SGR numbers as a style of tmux; what it does not know is left out.
pub fn style(sgr: &str) -> String {
    const NAMES: [&str; 8] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
    let mut out: Vec<String> = Vec::new();
    let mut numbers = sgr.split(';').map(|number| number.parse::<usize>().ok());
    while let Some(number) = numbers.next() {
        match number {
            Some(1) => out.push("bold".into()),
            Some(n @ 30..=37) => out.push(format!("fg={}", NAMES[n - 30])),
            Some(n @ 90..=97) => out.push(format!("fg=bright{}", NAMES[n - 90])),
            Some(n @ 40..=47) => out.push(format!("bg={}", NAMES[n - 40])),
            Some(49) => out.push("bg=default".into()),
            Some(n @ (38 | 48)) => {
                let (side, mode) = (if n == 38 { "fg" } else { "bg" }, numbers.next().flatten());
                let mut byte = || numbers.next().flatten().and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
                match mode {
                    Some(2) => out.push(format!("{side}=#{:02x}{:02x}{:02x}", byte(), byte(), byte())),
                    Some(5) => out.push(format!("{side}=colour{}", byte())),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    out.join(",")
}

/// A text with its style, for the output of `#(…)` in a status line.
pub fn styled(text: &str, sgr: &str) -> String {
    let text = escape::tmux(&escape::segment(text, COLUMNS, true));
    match style(sgr).as_str() {
        "" => text,
        style => format!("#[{style}]{text}#[default]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pane() -> Pane {
        Pane { socket: "/tmp/tmux-1000/default".into(), pane: "%3".into(), shown: false }
    }

    #[test]
    fn styles() {
        for (sgr, style) in [
            ("97;41", "fg=brightwhite,bg=red"),
            ("30;43", "fg=black,bg=yellow"),
            ("31", "fg=red"),
            ("97;48;2;213;94;0", "fg=brightwhite,bg=#d55e00"),
            ("", ""),
            ("38;5;231;48;5;160", "fg=colour231,bg=colour160"),
            ("38;2;255;0;0;49", "fg=#ff0000,bg=default"),
            ("x;999;48", ""),
            ("48;2;1", "bg=#010000"),
        ] {
            assert_eq!(super::style(sgr), style, "{sgr}");
        }
    }

    #[test]
    fn what_is_told_is_no_part_of_a_format() {
        for text in ["x;", "-x", "#(touch F)", "#{host}", "#[fg=red]", "a\nb", ";"] {
            let arguments = tell(&pane(), &["/dev/pts/1", "/dev/pts/2"], text, 5000);
            let at = arguments.iter().position(|word| word == "@redtab_say").unwrap();
            assert_eq!(arguments[at - 1], "--");
            let mut others = arguments.clone();
            others[at + 1] = "PROD".into();
            assert_eq!(others, tell(&pane(), &["/dev/pts/1", "/dev/pts/2"], "PROD", 5000));
            assert_eq!(arguments.iter().filter(|word| *word == "#{@redtab_say}").count(), 2);
        }
    }

    #[test]
    fn foreign_text_is_one_argument_of_its_own() {
        for text in ["x;", "-x", "#(touch F)", "##(touch F)", "#{host}", "%H", "a\nb;", ";"] {
            let record = Record {
                segment: text.into(),
                style: "97;41".into(),
                severity: "production".into(),
                ..Record::default()
            };
            let arguments = mark(&pane(), &record);
            let at = arguments.iter().position(|word| word == "@redtab").unwrap();
            assert_eq!(arguments[at - 1], "--");
            let value = &arguments[at + 1];
            assert!(!value.ends_with(';') || value.ends_with("\\;"), "{value}");
            assert!(!value.contains('\n'));
            assert_eq!(value.matches('#').count() % 2, 0, "{value}");
            let constant = Record { segment: "PROD".into(), ..record };
            let mut others = arguments.clone();
            others[at + 1] = "PROD".into();
            assert_eq!(others, mark(&pane(), &constant), "{text}");
        }
    }
}
