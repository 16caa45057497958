//! `redtab watch run|start|install|uninstall|status|stop`: the watcher's life. It ends no process but the one that holds
//! the watcher's lock.

use std::path::{Path, PathBuf};
use std::process::{Command as Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::Signal;

use super::{init, record};
use crate::cli::{Exit, WatchCommand};
use crate::config::diagnosis::shown_path;
use crate::config::{self, Config, LastGood, StartWatcher};
use crate::replace::{self, Refusal};
use crate::state::RunDir;
use crate::state::open::Binary;
use crate::view::View;
use crate::watch::{self, Ended};
use crate::world::{Content, World};
use crate::{commands, escape, output, service};

/// How long a watcher may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the service manager may take.
const MANAGER: Duration = Duration::from_secs(20);
/// What it may print.
const OUTPUT_CAP: usize = 64 * 1024;

/// Does what was asked.
///
/// # Errors
/// Why it can't be done.
pub fn run(command: WatchCommand) -> Result<Exit> {
    match command {
        WatchCommand::Run { detached } => {
            if detached {
                World::leave_everything();
            }
            let world = World::of_this_process();
            match watch::run(&world).map_err(|why| anyhow!(why))? {
                Ended::Asked => Ok(Exit::Yes),
                Ended::Another(other) => {
                    if !detached {
                        commands::complain(&format!("another watcher is running, pid {}", other.pid));
                    }
                    Ok(Exit::Yes)
                }
            }
        }
        WatchCommand::Start => start(&World::of_this_process()),
        WatchCommand::Install => install(&World::of_this_process()),
        WatchCommand::Uninstall => uninstall(&World::of_this_process()),
        WatchCommand::Status => status(&World::of_this_process()),
        WatchCommand::Stop => stop(&World::of_this_process()),
    }
}

/// Starts a watcher in the background and returns at once; if one is running, the new one ends by itself.
fn start(world: &World) -> Result<Exit> {
    RunDir::open(world).map_err(|why| anyhow!(why))?;
    let binary = std::env::current_exe().context("redtab's own path is not known")?;
    launch(world, &binary).context("the watcher can't be started")?;
    Ok(Exit::Yes)
}

/// Starts a watcher for a shell that draws its first prompt, if nobody watches, or an older redtab does, and the
/// configuration leaves it to shells. What a service manager looks after is left to that.
pub fn start_for_shell(world: &World, run_dir: &RunDir, config: &Config) {
    let wanted = config.watch.start == StartWatcher::Shell
        && world.var("REDTAB_WATCH").is_none_or(|value| value != "off");
    if !wanted {
        return;
    }
    let at_work = run_dir.watcher(world.uid);
    if at_work.is_some_and(|holder| !watch::replaces(&Binary::own(), &holder.binary)) {
        return;
    }
    let installed = service::file(world).is_some_and(|file| file.exists());
    if let (false, Ok(binary)) = (installed && service::is_managed(world), std::env::current_exe()) {
        let _ = launch(world, &binary);
    }
}

/// What a watcher has use for of the variables of the shell that starts it. It lives long: the others, passwords among
/// them, are none of its business.
fn is_handed_on(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "DBUS_SESSION_BUS_ADDRESS",
        "DISPLAY",
        "HOME",
        "LANG",
        "LOGNAME",
        "PATH",
        "SHELL",
        "TMPDIR",
        "TZ",
        "USER",
        "WAYLAND_DISPLAY",
        "XAUTHORITY",
    ];
    NAMES.contains(&name)
        || ["LC_", "REDTAB_", "XDG_"].iter().any(|prefix| name.starts_with(prefix))
        || record::PLAIN.contains(&name)
}

fn launch(world: &World, binary: &Path) -> std::io::Result<()> {
    let vars = world.vars.iter().filter(|(name, _)| name.to_str().is_some_and(is_handed_on));
    Child::new(binary)
        .args(["watch", "run", "--detached"])
        .env_clear()
        .envs(vars.map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
}

/// Writes the service's file, and starts the service where its manager runs.
fn install(world: &World) -> Result<Exit> {
    let file = service::file(world).context("HOME is not set to an absolute path")?;
    let binary = init::own_path(world).context("redtab's own path is not known")?;
    let variables = service::variables(world);
    let text = match cfg!(target_os = "macos") {
        true => service::agent(&binary, &variables),
        false => service::unit(&binary, &variables),
    };
    let before = match world.read(&file).0 {
        Content::Bytes(bytes) => Some(bytes),
        Content::Absent => None,
        Content::Unreadable(why) => bail!("{} {why}", shown(world, &file)),
    };
    if before.as_deref() != Some(text.as_bytes()) {
        replace::replace(world, &file, before.as_deref(), text.as_bytes())
            .map_err(|refusal| anyhow!("{} {}", shown(world, &file), why(&refusal)))?;
    }
    commands::print(&format!("wrote {}\n", shown(world, &file)))?;
    if !service::is_managed(world) {
        commands::print(
            "no service manager runs for you here: until one does, your shells start the watcher\n",
        )?;
        return Ok(Exit::Yes);
    }
    // One that a shell has started would keep the service's from starting.
    end(world)?;
    if cfg!(target_os = "macos") {
        let domain = format!("gui/{}", world.uid);
        let _ = manage(world, "launchctl", &["bootout", &format!("{domain}/{}", service::LABEL)]);
        manage(world, "launchctl", &["bootstrap", &domain, &file.to_string_lossy()])?;
    } else {
        manage(world, "systemctl", &["--user", "daemon-reload"])?;
        manage(world, "systemctl", &["--user", "enable", "--quiet", service::UNIT])?;
        manage(world, "systemctl", &["--user", "restart", service::UNIT])?;
    }
    commands::print("the watcher runs as a service.  redtab watch status\n")?;
    Ok(Exit::Yes)
}

fn uninstall(world: &World) -> Result<Exit> {
    let file = service::file(world).context("HOME is not set to an absolute path")?;
    let there = world.look(&file) != crate::world::Seen::Absent;
    if there && service::is_managed(world) {
        // A service that is not known to its manager needs no ending.
        let _ = if cfg!(target_os = "macos") {
            manage(world, "launchctl", &["bootout", &format!("gui/{}/{}", world.uid, service::LABEL)])
        } else {
            manage(world, "systemctl", &["--user", "disable", "--quiet", "--now", service::UNIT])
        };
    }
    if there {
        std::fs::remove_file(&file)
            .map_err(|error| anyhow!("{} stays: {}", shown(world, &file), crate::world::plain(&error)))?;
        if service::is_managed(world) && !cfg!(target_os = "macos") {
            manage(world, "systemctl", &["--user", "daemon-reload"])?;
        }
        commands::print(&format!("removed {}\n", shown(world, &file)))?;
    } else {
        commands::print("there is no service\n")?;
    }
    end(world)?;
    Ok(Exit::Yes)
}

fn why(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Changed => "was changed meanwhile".into(),
        Refusal::Failed(why) => why.clone(),
    }
}

fn shown(world: &World, path: &Path) -> String {
    escape::terminal(&shown_path(path, world.home().as_deref()))
}

fn manage(world: &World, program: &str, arguments: &[&str]) -> Result<()> {
    let path: PathBuf = world.program(program).with_context(|| format!("{program} is not on PATH"))?;
    let mut command = Child::new(path);
    command.args(arguments);
    let told = output::output(command, MANAGER, OUTPUT_CAP);
    told.map(drop).map_err(|why| anyhow!("{program} {}: it {why}", arguments.join(" ")))
}

fn status(world: &World) -> Result<Exit> {
    let run_dir = RunDir::open(world).map_err(|why| anyhow!(why))?;
    let service = service::file(world).filter(|file| file.exists());
    let service = match (&service, service::is_managed(world)) {
        (Some(file), true) => format!("service  {}\n", shown(world, file)),
        (Some(file), false) => {
            format!("service  {}, but no service manager runs for you here\n", shown(world, file))
        }
        (None, _) => String::new(),
    };
    let Some(holder) = run_dir.watcher(world.uid).filter(|holder| holder.process.lives(world)) else {
        commands::print(&format!("no watcher is running.  redtab watch start\n{service}"))?;
        return Ok(Exit::Error);
    };
    let open = run_dir.living_machine(world).map(|machine| machine.connections.len());
    let open = match open {
        Some(1) => "1 connection open".to_owned(),
        Some(count) => format!("{count} connections open"),
        None => "has not looked yet".to_owned(),
    };
    let older = match watch::replaces(&Binary::own(), &holder.binary) {
        true => "it is of an older redtab.  redtab watch start\n",
        false => "",
    };
    commands::print(&format!("running, pid {}; {open}\n{older}{service}", holder.process.pid))?;
    Ok(Exit::Yes)
}

/// Ends the watcher that is running, and says if a shell will start another.
fn stop(world: &World) -> Result<Exit> {
    end(world)?;
    let config = config::load(&View::new(world), None::<&dyn LastGood>).config;
    if config.watch.start == StartWatcher::Shell {
        commands::print(
            "the next new shell starts one again, unless the configuration says [watch] start = \"manual\"\n",
        )?;
    }
    Ok(Exit::Yes)
}

fn end(world: &World) -> Result<()> {
    let run_dir = RunDir::open(world).map_err(|why| anyhow!(why))?;
    let end = Instant::now() + PATIENCE;
    while let Some(holder) = run_dir.watcher(world.uid) {
        watch::end_process(holder.process, world, Signal::TERM);
        if Instant::now() >= end {
            return Err(anyhow!("the watcher, pid {}, does not end", holder.process.pid));
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    Ok(())
}
