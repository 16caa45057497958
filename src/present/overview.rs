//! The page of `redtab status --all`: every tab on a line of its own.

use std::path::Path;

use nu_ansi_term::{Color, Style};
use unicode_width::UnicodeWidthStr;

use super::page::tilde;
use crate::escape;
use crate::state::tabs::Known;

/// Texts wider than this are cut; the JSON answer has them whole.
const COLUMNS: usize = 40;

/// One line a tab: its segment, terminal, shell, directory and pane of tmux.
pub fn text(tabs: &[Known], home: Option<&Path>, color: bool) -> String {
    if tabs.is_empty() {
        return "No tab of yours has a hook that spoke yet.\n".into();
    }
    let cell = |text: &str| escape::segment(&escape::terminal(text), COLUMNS, true);
    let rows: Vec<(&str, [String; 5])> = tabs
        .iter()
        .map(|Known { record, .. }| {
            let shown = if record.segment.is_empty() { record.verdict.as_str() } else { &record.segment };
            let tty = record.tty.strip_prefix("/dev/").unwrap_or(&record.tty);
            let pane = record.tmux.as_ref().map(|tmux| format!("tmux {}", tmux.pane)).unwrap_or_default();
            let cells = [shown, tty, &record.shell, &tilde(Path::new(&record.cwd), home), &pane].map(cell);
            (record.severity.as_str(), cells)
        })
        .collect();
    let mut widths = [0; 5];
    for (_, cells) in &rows {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = cell.width().max(*width);
        }
    }
    let mut out = String::new();
    for (severity, cells) in rows {
        let mut line = String::new();
        for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let painted =
                style(severity).filter(|_| color && at == 0).map(|style| style.paint(cell).to_string());
            line.push_str(painted.as_deref().unwrap_or(cell));
            line.push_str(&" ".repeat(width - cell.width() + 3));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn style(severity: &str) -> Option<Style> {
    match severity {
        "production" => Some(Style::new().fg(Color::White).on(Color::Red).bold()),
        "caution" | "unsure" => Some(Style::new().fg(Color::Black).on(Color::Yellow)),
        _ => None,
    }
}
