//! The watcher as a service of the system's: a systemd user unit, a launchd agent. Values in, text out; who writes and
//! runs anything is `commands::watch`.
//!
//! The unit takes what the watcher has no use for, and nothing that hides what it watches: `PrivateTmp` would hide tmux's
//! sockets, `ProtectProc` other processes, `PrivateNetwork` the tunnels, `PrivateDevices` the terminals.

use std::path::{Path, PathBuf};

use crate::world::World;

/// The unit's name.
pub const UNIT: &str = "redtab-watch.service";
/// The agent's label.
pub const LABEL: &str = "dev.redtab.watch";

/// Variables that say where redtab's files lie, and where its helpers are: a service is started without the shell's.
const HANDED_ON: &[&str] = &[
    "PATH",
    "REDTAB_CONFIG",
    "REDTAB_RUN_DIR",
    "REDTAB_STATE_DIR",
    "REDTAB_SYSTEM_CONFIG",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
];

/// Those of them that are set here, in order.
pub fn variables(world: &World) -> Vec<(String, String)> {
    let set = |name: &&str| Some(((*name).to_owned(), world.var(name)?.to_str()?.to_owned()));
    HANDED_ON.iter().filter_map(set).filter(|(_, value)| !value.is_empty()).collect()
}

/// Where this user's units lie.
pub fn unit_file(world: &World) -> Option<PathBuf> {
    let config = world.var("XDG_CONFIG_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    Some(config.or_else(|| Some(world.home()?.join(".config")))?.join("systemd/user").join(UNIT))
}

/// Where this user's agents lie.
pub fn agent_file(world: &World) -> Option<PathBuf> {
    Some(world.home()?.join("Library/LaunchAgents").join(format!("{LABEL}.plist")))
}

/// The file that makes the watcher a service on this system.
pub fn file(world: &World) -> Option<PathBuf> {
    if cfg!(target_os = "macos") { agent_file(world) } else { unit_file(world) }
}

/// Whether a service manager runs for this user.
pub fn is_managed(world: &World) -> bool {
    if cfg!(target_os = "macos") {
        return true;
    }
    let runtime = world.var("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let runtime = runtime.unwrap_or_else(|| format!("/run/user/{}", world.uid).into());
    world.look(&runtime.join("systemd/private")) == crate::world::Seen::There
}

/// The systemd user unit that runs `binary`.
pub fn unit(binary: &Path, variables: &[(String, String)]) -> String {
    let environment: String = variables
        .iter()
        .map(|(name, value)| format!("Environment={}\n", word(&format!("{name}={value}"))))
        .collect();
    format!(
        "# Written by `redtab watch install`; `redtab watch uninstall` removes it.\n\
         [Unit]\n\
         Description=redtab's watcher of open connections to production\n\
         Documentation=man:redtab(1)\n\
         \n\
         [Service]\n\
         ExecStart={} watch run\n\
         {environment}\
         Restart=on-failure\n\
         RestartSec=5\n\
         UMask=0077\n\
         NoNewPrivileges=yes\n\
         MemoryMax=64M\n\
         TasksMax=64\n\
         # Nothing here may hide processes, terminals, sockets or /tmp: that is what is watched.\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        word(&binary.to_string_lossy())
    )
}

/// One word of a unit file: quoted, and with nothing in it that systemd would replace.
fn word(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '%' => out.push_str("%%"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out + "\""
}

/// The launchd agent that runs `binary`.
pub fn agent(binary: &Path, variables: &[(String, String)]) -> String {
    let string = |text: &str| format!("<string>{}</string>", crate::escape::markup(text));
    let environment: String = variables
        .iter()
        .map(|(name, value)| format!("        <key>{name}</key>\n        {}\n", string(value)))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n\
         <dict>\n    \
             <key>Label</key>\n    {}\n    \
             <key>ProgramArguments</key>\n    <array>\n        {}\n        {}\n        {}\n    </array>\n    \
             <key>EnvironmentVariables</key>\n    <dict>\n{environment}    </dict>\n    \
             <key>RunAtLoad</key>\n    <true/>\n    \
             <key>KeepAlive</key>\n    <dict>\n        <key>SuccessfulExit</key>\n        <false/>\n    </dict>\n    \
             <key>ProcessType</key>\n    <string>Background</string>\n    \
             <key>Umask</key>\n    <integer>63</integer>\n\
         </dict>\n\
         </plist>\n",
        string(LABEL),
        string(&binary.to_string_lossy()),
        string("watch"),
        string("run"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_literally() {
        assert_eq!(word("/home/u/.local/bin/redtab"), "\"/home/u/.local/bin/redtab\"");
        assert_eq!(word("/a b/%h/\"x\"\\"), "\"/a b/%%h/\\\"x\\\"\\\\\"");
        assert_eq!(word("a\nExecStart=/bin/evil"), "\"a\\nExecStart=/bin/evil\"");
    }

    #[test]
    fn the_agent_as_it_is_written() {
        let variables = [("PATH".to_owned(), "/usr/bin:/a&b".to_owned())];
        let text = agent(Path::new("/Users/ana/.local/bin/redtab"), &variables);
        assert_eq!(text, include_str!("../tests/data/dev.redtab.watch.plist"));
    }
}
