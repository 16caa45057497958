//! A machine of a home's own: a name, an `/etc` and a `/run`, made by namespaces.

use std::fs;
use std::path::Path;

use super::home::Home;

/// A home on such a machine, about whose name redtab's configuration says nothing: its `/etc` is the home's `machine`,
/// its `/run` the home's `machine-run`.
pub fn machine() -> Home {
    let home = Home::new();
    home.write("etc/redtab.toml", "[hours]\nlate = []\n[watch]\nstart = \"manual\"\n");
    for dir in ["machine", "machine-run"] {
        fs::create_dir_all(home.join(dir)).unwrap();
    }
    for file in ["passwd", "group"] {
        fs::copy(Path::new("/etc").join(file), home.join("machine").join(file)).unwrap();
    }
    home
}

/// The arguments after which a command runs on that machine, called `name`.
pub fn on(home: &Home, name: &str) -> Vec<String> {
    let bind = |from: &str, to: &str| format!("mount --bind '{}' {to}", home.join(from).display());
    let script = format!(
        "hostname '{name}' && {} && {} && exec \"$@\"",
        bind("machine", "/etc"),
        bind("machine-run", "/run")
    );
    let unshare = ["unshare", "--uts", "--mount", "--map-root-user", "sh", "-c", &script, "sh"];
    unshare.map(String::from).to_vec()
}
