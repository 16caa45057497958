//! The three shells: their names, and the hook each one gets from `redtab init`.

use std::path::Path;

use clap::ValueEnum;

use crate::escape::{self, Quoting};

/// A shell that redtab has a hook for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

const BASH: &str = include_str!("../shell/redtab.bash");
const ZSH: &str = include_str!("../shell/redtab.zsh");
const FISH: &str = include_str!("../shell/redtab.fish");

/// Stands in the shell files where the binary's path goes; a plain word, so that the files lint as they are.
const BINARY: &str = "@@REDTAB_BIN@@";

impl Shell {
    /// The shell's own name.
    pub fn name(self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
        }
    }

    pub fn quoting(self) -> Quoting {
        match self {
            Shell::Bash => Quoting::Bash,
            Shell::Zsh => Quoting::Zsh,
            Shell::Fish => Quoting::Fish,
        }
    }

    /// The text that a shell evaluates to install the hook. `path` is the absolute path the hook will call, and
    /// the only one.
    pub fn init(self, path: &Path) -> String {
        use std::os::unix::ffi::OsStrExt;
        let binary = escape::shell_word(self.quoting(), path.as_os_str().as_bytes());
        match self {
            Shell::Bash => BASH.replace(BINARY, &binary),
            Shell::Fish => {
                // As a command's name unquoted where that says the same: fish ends at an assertion when a Ctrl-C comes while
                // it expands one (3.6).
                let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
                let path = path.to_str().filter(|path| path.chars().all(plain));
                FISH.replace(BINARY, path.unwrap_or(&binary))
            }
            // zsh parses all of an `eval` before it runs any of it: only a text of its own can be read without the
            // user's aliases, and functions defined inside keep zsh's own options whatever the user has set.
            Shell::Zsh => {
                let text = ZSH.replace(BINARY, &binary).replace('\'', "'\\''");
                // Outside: this one must see the user's own options, for they decide what PROMPT expands. Its words
                // are quoted or ours, so that no alias can stand for one.
                let hook = "__redtab_precmd() \\__redtab_prompt \"${options[promptpercent]}\" \"${options[promptsubst]}\"";
                format!("\\builtin \\emulate \\zsh \\-o \\no_aliases \\-c '{text}'\n{hook}\n")
            }
        }
    }
}
