//! Whether the guard of this tab can hold a line back, as the tab's own hook last said. It claims nothing that no hook
//! has said.

use crate::escape;
use crate::state::tabs::Record;

/// What is known of the guard here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armed {
    /// `armed`, `off` or `unknown`.
    pub state: &'static str,
    /// Why it is not armed; empty where it is.
    pub why: String,
    /// The shell with its version, `zsh 5.9`; empty where none has spoken.
    pub shell: String,
}

impl Armed {
    /// From this tab's record and whether `REDTAB=off` is set.
    pub fn of(record: Option<&Record>, off: bool) -> Armed {
        let shell = record
            .map(|record| format!("{} {}", record.shell, record.shell_version).trim_end().to_string())
            .unwrap_or_default();
        let (state, why) = match record {
            _ if off => ("off", "REDTAB=off is set".to_string()),
            None => ("unknown", "no hook has spoken in this tab".to_string()),
            Some(record) if record.guard == "armed" => ("armed", String::new()),
            Some(record) => ("off", record.guard.clone()),
        };
        Armed { state, why, shell }
    }

    /// One line for the page: `guard   armed (zsh 5.9)`.
    pub fn line(&self) -> String {
        let shell = if self.shell.is_empty() { String::new() } else { format!(" ({})", self.shell) };
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
        escape::terminal(&format!("guard   {}{shell}{why}", self.state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_the_hook_said() {
        let record = |guard: &str| Record {
            shell: "zsh".into(),
            shell_version: "5.9".into(),
            guard: guard.into(),
            ..Record::default()
        };
        let line = |record: Option<&Record>, off| Armed::of(record, off).line();
        assert_eq!(line(Some(&record("armed")), false), "guard   armed (zsh 5.9)");
        assert_eq!(line(Some(&record("history is off")), false), "guard   off (zsh 5.9): history is off");
        assert_eq!(line(Some(&record("armed")), true), "guard   off (zsh 5.9): REDTAB=off is set");
        assert_eq!(line(None, false), "guard   unknown: no hook has spoken in this tab");
        assert!(!line(Some(&record("\x1b[31m")), false).contains('\x1b'));
    }
}
