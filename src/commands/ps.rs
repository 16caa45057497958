//! `redtab ps`: the open connections to production. Where no watcher runs it looks once by itself, and says so; where
//! it can't look it never says that nothing is open.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use nu_ansi_term::{Color, Style};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::cli::{Exit, Ps};
use crate::config::{self, LastGood};
use crate::connections::look::Watch;
use crate::state::RunDir;
use crate::view::View;
use crate::world::World;
use crate::{commands, escape, watch};

/// How long a watcher may take to look anew.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Two programs of two seconds each may be asked about a name.
const ONE_LOOK: Duration = Duration::from_millis(4500);

/// What is open.
struct Listed {
    /// Seen by a watcher, or by one look of ours.
    watched: bool,
    /// The system tells of sockets.
    whole: bool,
    connections: Vec<Value>,
}

/// Prints the list.
///
/// # Errors
/// When there is no run directory and nothing can be seen, or stdout can't be written.
pub fn run(args: &Ps) -> Result<Exit> {
    let world = World::of_this_process();
    let run_dir = RunDir::open(&world);
    let watched = run_dir.as_ref().ok().and_then(|dir| of_watcher(dir, &world));
    let mut listed = watched.unwrap_or_else(|| of_one_look(run_dir.as_ref().ok(), &world));
    if args.idle {
        listed.connections.retain(|connection| connection["state"] == "idle");
    }
    if args.json {
        let value = json!({ "version": 1, "watcher": listed.watched, "connections": listed.connections });
        commands::print(&(commands::classify::plain_json(&value.to_string()) + "\n"))?;
        return Ok(Exit::Yes);
    }
    if !listed.whole && listed.connections.is_empty() {
        return Err(anyhow!("no watcher is running, and this system does not tell what is open"));
    }
    let now = world.clocks().wall;
    let color = std::io::stdout().is_terminal() && world.var("NO_COLOR").is_none_or(|v| v.is_empty());
    commands::print(&text(&listed, now, args.idle, color))?;
    Ok(Exit::Yes)
}

/// What the watcher sees, after it was asked to look anew.
fn of_watcher(run_dir: &RunDir, world: &World) -> Option<Listed> {
    let watcher = run_dir.living_machine(world)?.watcher;
    let looks = |value: &Value| value["looks"].as_u64();
    let before = run_dir.connections(watcher, world.uid).as_ref().and_then(looks);
    let end = Instant::now() + PATIENCE;
    let mut asked = run_dir.ask_for_a_look();
    loop {
        let value = run_dir.connections(watcher, world.uid);
        let fresh = value.as_ref().and_then(looks) != before;
        if let Some(value) = value.filter(|_| fresh || !asked) {
            return Some(Listed {
                watched: true,
                whole: true,
                connections: value["connections"].as_array().cloned().unwrap_or_default(),
            });
        }
        if Instant::now() >= end {
            if !asked {
                return None;
            }
            asked = false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What one look shows.
fn of_one_look(run_dir: Option<&RunDir>, world: &World) -> Listed {
    let config = config::load(&View::new(world), run_dir.map(|dir| dir as &dyn LastGood)).config;
    let mut watch = Watch::new(world);
    let idle_after = watch::idle_after(world, &config);
    let end = Instant::now() + ONE_LOOK;
    let mut open = watch.look(world, &config, idle_after);
    while watch.is_asking() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
        if watch.listen() {
            open = watch.look(world, &config, idle_after);
        }
    }
    let connections = open
        .iter()
        .map(|open| {
            let mut value = watch::as_json(open);
            // Numbers that only this look would know are of no use to `redtab close`.
            value["id"] = json!(0);
            value
        })
        .collect();
    Listed { watched: false, whole: watch.sockets_known, connections }
}

const HEAD: [&str; 7] = ["ID", "WHAT", "TARGET", "TAB", "OPEN", "IDLE", "WHY"];

fn text(listed: &Listed, now: u64, only_idle: bool, color: bool) -> String {
    let mut out = String::new();
    if !listed.watched {
        out.push_str(
            "No watcher is running: this is one look, and says little of idle times.  redtab watch start\n",
        );
    }
    if listed.connections.is_empty() {
        out.push_str(if only_idle {
            "No connection to production is idle.\n"
        } else {
            "No connection to production is open.\n"
        });
        return out;
    }
    let rows: Vec<[String; 7]> = listed.connections.iter().map(|connection| row(connection, now)).collect();
    let mut widths = HEAD.map(UnicodeWidthStr::width);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let mut line = |cells: [&str; 7], style: Style| {
        let mut text = String::new();
        for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let pad = " ".repeat(width.saturating_sub(cell.width()));
            let _ = match index {
                0 => write!(text, "{pad}{cell}  "),
                6 => write!(text, "{cell}"),
                _ => write!(text, "{cell}{pad}  "),
            };
        }
        let text = text.trim_end();
        let _ = if color { writeln!(out, "{}", style.paint(text)) } else { writeln!(out, "{text}") };
    };
    line(HEAD, Style::new().bold());
    for (row, connection) in rows.iter().zip(&listed.connections) {
        let style = if connection["production"] == true { Style::new().fg(Color::Red) } else { Style::new() };
        line(row.each_ref().map(String::as_str), style);
    }
    out
}

fn row(connection: &Value, now: u64) -> [String; 7] {
    let text = |field: &str| connection[field].as_str().unwrap_or_default();
    let cell = |text: &str| escape::segment(&escape::terminal(text), 48, true);
    let id = connection["id"].as_u64().filter(|id| *id != 0);
    let target = match connection["port"].as_u64() {
        Some(port) => format!("localhost:{port} -> {}", text("target")),
        None => text("target").to_owned(),
    };
    let tab = text("tty").strip_prefix("/dev/").unwrap_or("-");
    let opened = connection["opened_at"].as_u64().unwrap_or(now);
    let idle = connection["idle_secs"].as_u64().unwrap_or(0);
    let idle = match (text("state"), connection["idle_at_least"] == true) {
        ("idle" | "active", true) => format!("≥ {}", duration(idle)),
        ("idle" | "active", false) => duration(idle),
        ("unknown", _) => "?".to_owned(),
        (state, _) => state.to_owned(),
    };
    [
        id.map_or("-".to_owned(), |id| id.to_string()),
        cell(text("kind")),
        cell(&target),
        cell(tab),
        duration(now.saturating_sub(opened)),
        idle,
        cell(text("evidence")),
    ]
}

/// `40s`, `9m`, `1h 40m`, `3d 2h`.
fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let two = |big: u64, unit: &str, small: u64, of: &str| match small {
        0 => format!("{big}{unit}"),
        _ => format!("{big}{unit} {small}{of}"),
    };
    match () {
        () if minutes == 0 => format!("{seconds}s"),
        () if hours == 0 => format!("{minutes}m"),
        () if days == 0 => two(hours, "h", minutes % 60, "m"),
        () => two(days, "d", hours % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations() {
        let shown = [0, 59, 60, 3599, 3600, 6000, 90_000].map(super::duration);
        assert_eq!(shown, ["0s", "59s", "1m", "59m", "1h", "1h 40m", "1d 1h"]);
    }
}
