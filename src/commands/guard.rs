//! `redtab guard`: what the shell's hook asks about a line. It answers as docs/protocol.md says: tokens on stdout,
//! everything for people on the terminal.

use std::cell::Cell;
use std::io::{Read, Write};

use anyhow::Result;

use crate::cli::{Exit, Guard};
use crate::commands::{check, hook, record};
use crate::config::Config;
use crate::examine::{Goes, Hands, Opens};
use crate::gate::{DEADLINE, Gate};
use crate::guard::drift;
use crate::guard::line::Dialect;
use crate::guard::runs::Definitions;
use crate::present::painting::{self, Painter};
use crate::present::prompt;
use crate::present::terminal;
use crate::reply::Segment;
use crate::shell::Shell;
use crate::state::RunDir;
use crate::state::asked::Asked;
use crate::view::View;
use crate::world::World;
use crate::{commands, examine};

/// More than this is not read: the line counts as one that can't be.
const CAP: usize = 1024 * 1024;

/// No screen is higher.
const FARTHEST: usize = 200;

/// Decides about the line on stdin.
///
/// # Errors
/// When stdout can't be written.
pub fn run(args: &Guard) -> Result<Exit> {
    World::arm_deadline(DEADLINE);
    // Whoever interrupts a guard that lives has said no: only one that hangs may be got past by it.
    World::end_from_the_keyboard_with(Exit::Refused as u8);
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(CAP as u64 + 1).read_to_end(&mut bytes);
    // A hook writes at least that there is a line: whoever wrote for it was interrupted.
    if matches!(read, Ok(0)) {
        token("stop");
        return Ok(Exit::Refused);
    }
    let fields = match read {
        Ok(length) if length <= CAP => fields(&bytes),
        _ => None,
    };
    let world = World::of_this_process();
    let run_dir = RunDir::open(&world).ok();
    let dialect = Dialect::typed(check::grammar(args.shell));
    let mut examined = match &fields {
        Some(fields) => {
            let known = Definitions {
                aliases: &fields.aliases,
                functions: &fields.functions,
                variables: &fields.variables,
                ..Definitions::default()
            };
            examine::line(&world, run_dir.as_ref(), &fields.line, dialect, known)
        }
        None => examine::unreadable(&world, run_dir.as_ref(), "did not reach the guard whole"),
    };
    let stopped = Cell::new(false);
    let stop = || {
        stopped.set(true);
        token("stop");
    };
    let gate = Gate {
        world: &world,
        run_dir: run_dir.as_ref(),
        line: fields.as_ref().map_or("", |fields| &fields.line),
        here: false,
        kept: match args.shell {
            Shell::Bash => "press Up for it",
            Shell::Zsh | Shell::Fish => "it is back at the prompt",
        },
        again: match args.shell {
            Shell::Bash | Shell::Zsh => "Up, Enter",
            Shell::Fish => "Enter",
        },
        pid: args.pid,
        // bash and zsh have left the line; fish asks while the cursor is still in it.
        lines_down: match args.shell {
            Shell::Bash | Shell::Zsh => 0,
            Shell::Fish => 1 + fields.as_ref().map_or(0, |fields| fields.below),
        },
        deadline: true,
        stop: &stop,
        said: &|| token("said"),
    };
    let shown = fields.as_ref().map_or("", |fields| &fields.shown);
    if drift::since(shown, &examined.tab).is_some_and(|drift| gate.holds(&examined, &drift)) {
        // zsh gives the line back where it was typed, and fish draws its prompt anew.
        token("held");
        return Ok(Exit::Refused);
    }
    let config = examined.config.clone();
    let (goes, hands, opens) = (examined.goes.take(), examined.hands, examined.opens());
    let forwards = if opens == Opens::Port { examined.forwards(&world) } else { Vec::new() };
    if !gate.pass(examined) {
        return Ok(Exit::Refused);
    }
    if let (Some(run_dir), Opens::Session | Opens::Port) = (&run_dir, opens) {
        if let (Opens::Port, Some(tab)) = (opens, world.tab()) {
            run_dir.expect_sessions(&tab.key(), &world);
        }
        remember(&world, run_dir, &forwards);
        run_dir.ask_for_a_look();
    }
    if goes.is_some() || hands != Hands::Back {
        paint(&world, run_dir.as_ref(), args, &config, goes.as_ref(), hands);
    }
    if stopped.get() {
        commands::print("yes\n")?;
    }
    Ok(Exit::Yes)
}

/// Keeps the forwards that a line asks for: an ssh that is connected already may take them over.
fn remember(world: &World, run_dir: &RunDir, forwards: &[String]) {
    if forwards.is_empty() {
        return;
    }
    let (boot, at) = (world.boot_id(), world.clocks().wall);
    let mut asked = run_dir.asked(&boot, world.uid);
    asked.retain(|known| !forwards.contains(&known.spec));
    asked.extend(forwards.iter().map(|spec| Asked { spec: spec.clone(), at }));
    let _ = run_dir.keep_asked(&asked, &boot);
}

/// Paints the terminal before a line that goes elsewhere holds it, or takes back what is painted before another program
/// has it for itself.
fn paint(
    world: &World,
    run_dir: Option<&RunDir>,
    args: &Guard,
    config: &Config,
    goes: Option<&Goes>,
    hands: Hands,
) {
    let view = View::new(world);
    let looks = hook::looks(&view, config);
    let detected = terminal::detect(&view, &config.terminal, args.terminal.as_deref(), || world.parents());
    let painter = Painter {
        view: &view,
        run_dir,
        brush: painting::brush(&view, config, detected.profile, looks),
        key: world.tab().map(|tab| tab.key()),
        inherits: false,
    };
    match hands {
        Hands::Back => {}
        Hands::Over => {
            if painter.is_painted() {
                painter.take_back();
            }
            record::forget_marks(world, run_dir);
        }
        Hands::ToAnotherUser => {
            painter.expect_paint();
            record::doubt_marks(world, run_dir);
        }
    }
    let mark = goes.and_then(|goes| {
        painting::of_environment(goes.gravity, goes.environment, &goes.label, config, looks)
    });
    if let Some(mark) = mark {
        painter.before_command(&mark);
        if let (Some(run_dir), Some(goes)) = (run_dir, goes) {
            let style = prompt::ground(goes.gravity, goes.environment, &config.names, looks);
            let segment = Segment { text: mark.text.clone(), style };
            record::before_command(world, run_dir, segment, &goes.label, goes.gravity);
        }
    }
}

/// A token for the hook, there before anything else happens.
fn token(word: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{word}\n").as_bytes()).and_then(|()| out.flush());
}

/// What the hook hands over.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fields {
    line: String,
    aliases: Vec<(String, String)>,
    functions: Vec<(String, String)>,
    /// Each word of each variable that the line names.
    variables: Vec<(String, String)>,
    /// What the prompt said at which the line was typed; empty where nobody knows.
    shown: String,
    /// How many lines of the command stand below the cursor.
    below: usize,
}

/// Reads `KIND BYTES[ NAME]`, a newline, so many bytes, a newline, and so on; the first must be `line`. Kinds of a later
/// hook are passed over. `None` for anything else.
fn fields(bytes: &[u8]) -> Option<Fields> {
    let mut found = Fields::default();
    let mut rest = bytes;
    let mut first = true;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest)?;
        let head = std::str::from_utf8(&rest[..end]).ok()?;
        let mut words = head.splitn(3, ' ');
        let kind = words.next()?;
        let length: usize = words.next()?.parse().ok()?;
        let name = words.next().unwrap_or_default().to_string();
        let from = end + 1;
        let to = from.checked_add(length)?;
        if rest.get(to) != Some(&b'\n') {
            return None;
        }
        let text = String::from_utf8_lossy(rest.get(from..to)?).into_owned();
        rest = rest.get(to + 1..)?;
        if first != (kind == "line") {
            return None;
        }
        first = false;
        match kind {
            "line" => found.line = text,
            "alias" | "abbr" => found.aliases.push((name, text)),
            "function" => found.functions.push((name, text)),
            "variable" => found.variables.push((name, text)),
            "shown" => found.shown = text,
            "below" => found.below = text.parse().unwrap_or(0).min(FARTHEST),
            _ => {}
        }
    }
    (!first).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_by_length() {
        let pair = |name: &str, text: &str| (name.to_string(), text.to_string());
        let found = fields(
            b"line 5\na\nb c\nalias 2 ll\nls\nfunction 3 f\nx;y\nabbr 1 g\nq\nvariable 3 X\na b\nvariable 0 X\n\nshown 6\nclear\n\nbelow 1\n2\nlater 1\nz\n",
        );
        let expected = Fields {
            line: "a\nb c".into(),
            aliases: vec![pair("ll", "ls"), pair("g", "q")],
            functions: vec![pair("f", "x;y")],
            variables: vec![pair("X", "a b"), pair("X", "")],
            shown: "clear\n".into(),
            below: 2,
        };
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn what_is_not_whole_is_no_line() {
        for bytes in [
            &b""[..],
            b"line",
            b"line 5\n",
            b"line 5\nabc\n",
            b"line 2\nabc\n",
            b"line x\nabc\n",
            b"line 99999999999999999999\nabc\n",
            b"line 18446744073709551615\nabc\n",
            b"alias 2 ll\nls\n",
            b"line 1\na\nline 1\nb\n",
            b"line 1\na",
            b"\n",
        ] {
            assert_eq!(fields(bytes), None, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
