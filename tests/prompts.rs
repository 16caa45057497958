//! redtab in other people's prompts, the real ones, as the files in contrib/ say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod support;

use std::path::PathBuf;

use support::tmux::{RED, Tmux};
use support::{Home, Kind, tool};

fn contrib(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("contrib").join(file);
    std::fs::read_to_string(path).unwrap()
}

fn switch(home: &Home, context: &str) {
    home.kubeconfig(".kube/config", &[context], context);
}

/// Whether the pane's last lines show this text on red.
fn is_red(tmux: &Tmux, text: &str) -> bool {
    tmux.find(text).is_some_and(|(_, ground)| ground == RED)
}

/// pure, as npm has it, in a git repository: what git says comes later, and the badge stays.
#[test]
fn pure_keeps_the_badge() {
    let home = Home::new();
    switch(&home, "dev-eu");
    let tools = tool("starship").parent().unwrap().parent().unwrap().join("pure/node_modules/pure-prompt");
    assert!(tools.join("pure.zsh").exists(), "pure is missing: tests/run --tools installs it");
    let init = "eval \"$(redtab init zsh)\"\n";
    let rc = format!("fpath+=({})\nautoload -U promptinit; promptinit\nprompt pure\n{init}", tools.display());
    home.write(".zshrc", rc);
    assert!(home.command("git").args(["init", "-q", "-b", "trunk", "work"]).status().unwrap().success());
    home.write("work/new", "x");
    let tmux = Tmux::with(&home, "cd work; exec zsh -i", "set -g status off\n");
    // `*`: git has answered, and pure has drawn its prompt again.
    let drawn = |tmux: &Tmux| tmux.client().screen().contents().contains("trunk*");
    tmux.attach().until("pure", drawn);
    assert!(!is_red(&tmux, "PROD"));
    for _ in 0..2 {
        switch(&home, "prod-eu");
        tmux.tmux(&["send-keys", "clear", "Enter"]);
        tmux.until("the badge beside what git says", |tmux| is_red(tmux, " PROD prod-eu ") && drawn(tmux));
        tmux.tmux(&["send-keys", "true", "Enter"]);
        tmux.until("it again", |tmux| {
            tmux.client().screen().contents().matches(" PROD prod-eu ").count() == 2
        });
        switch(&home, "dev-eu");
        tmux.tmux(&["send-keys", "clear", "Enter"]);
        tmux.until("no badge", |tmux| !tmux.client().screen().contents().contains("PROD") && drawn(tmux));
    }
}

/// The module for starship, in place of the hook's own segment.
fn starship_shows_it_by_a_module_of_its_own(kind: Kind) {
    let home = Home::new();
    switch(&home, "dev-eu");
    home.write(".config/redtab/config.toml", "[prompt]\nsegment = \"off\"\n");
    let module = contrib("starship.toml");
    home.write(
        ".config/starship.toml",
        format!("add_newline = false\nformat = \"${{custom.redtab}}@@ \"\n{module}"),
    );
    let path = format!(
        "PATH={}:{}:/usr/bin:/bin",
        home.bin().display(),
        tool("starship").parent().unwrap().display()
    );
    let starship = match kind {
        Kind::Fish => "starship init fish | source".to_string(),
        _ => format!("eval \"$(starship init {})\"", kind.name()),
    };
    home.write(kind.rc_path(), format!("{}{starship}\n{}\n", kind.rc_head(), kind.init()));
    let tmux = Tmux::with(&home, &format!("exec env {path} {} -i", kind.name()), "set -g status off\n");
    tmux.attach().prompt("%0");
    assert!(!tmux.client().screen().contents().contains("PROD"));
    for name in ["prod-eu", "prod $(>~/F)`>~/F`", "prod %H%n\\u$HOME", "prod #(>~/F)", "prod '\"\\"] {
        switch(&home, name);
        tmux.tmux(&["send-keys", "clear", "Enter"]);
        // starship writes `$` for bash as `\$`, which root's bash shows as `#`.
        let other = name.replace('$', "#");
        let shown = |tmux: &Tmux| [name, &other].iter().any(|name| is_red(tmux, &format!(" PROD {name} ")));
        tmux.until(name, shown);
        assert!(!home.join("F").exists(), "{name}");
    }
    switch(&home, "dev-eu");
    tmux.tmux(&["send-keys", "clear", "Enter"]);
    tmux.until("a clear prompt", |tmux| !tmux.client().screen().contents().contains("PROD"));
}

in_every_shell! { starship_shows_it_by_a_module_of_its_own }
