//! A real tmux with a real client: the client runs in the only pane of an outer tmux, whose screen is read with its
//! colours. It refuses to outlive its test.

use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

use super::home::Home;
use super::shell::Kind;

const PATIENCE: Duration = Duration::from_secs(45);

/// The grounds of production and of what is only shown, as a pane of 256 colours has them.
pub const RED: vt100::Color = vt100::Color::Idx(160);
pub const YELLOW: vt100::Color = vt100::Color::Idx(178);

/// A tmux server with one client, which runs in the only pane of another tmux server.
pub struct Tmux<'h> {
    pub home: &'h Home,
    pub inner: PathBuf,
    outer: PathBuf,
}

impl<'h> Tmux<'h> {
    /// A server whose panes run this shell with redtab's hook, and no client yet.
    pub fn server(home: &'h Home, kind: Kind) -> Tmux<'h> {
        write_rc(home, kind, true);
        Tmux::with(home, &format!("{} -i", kind.name()), "")
    }

    /// A server whose panes run a command.
    pub fn with(home: &'h Home, command: &str, conf: &str) -> Tmux<'h> {
        let tmux = Tmux { home, inner: home.join("in"), outer: home.join("out") };
        let base = "set -g status-interval 1\nset -g status-left '<#{@redtab}>'\nset -g status-left-length 70\n\
                    set -g status-right ''\nset -g default-shell /bin/sh\nset -g automatic-rename off\nset -s exit-empty off\n";
        let command = command.replace('\'', "'\\''");
        home.write("tmux.conf", format!("{base}set -g default-command '{command}'\n{conf}"));
        tmux.start();
        tmux
    }

    pub fn start(&self) {
        let conf = self.home.join("tmux.conf");
        // A server that was just killed may still be in the way.
        self.until("a server", |tmux| {
            let mut command = tmux.home.command(program());
            command.arg("-S").arg(&tmux.inner).arg("-f").arg(&conf);
            command
                .args(["new-session", "-d", "-s", "s", "-x", "100", "-y", "24"])
                .output()
                .unwrap()
                .status
                .success()
        });
    }

    /// Attaches a client, whose screen is that of the outer server's pane.
    pub fn attach(&self) -> &Self {
        let attach = format!("exec tmux -S {} attach", self.inner.display());
        // An outer server that was just left may still be in the way.
        self.until("an outer server", |tmux| {
            let mut command = tmux.home.command(program());
            command.arg("-S").arg(&tmux.outer);
            command.args(["-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "26", &attach]);
            command.output().unwrap().status.success()
        });
        self.until("a client", |tmux| !tmux.tmux(&["list-clients"]).is_empty())
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.home.command(program()).arg("-S").arg(&self.inner).args(arguments).output().unwrap()
    }

    /// What a command of the inner tmux prints.
    pub fn tmux(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).stdout).unwrap().trim_end().to_string()
    }

    /// The client's screen.
    pub fn client(&self) -> vt100::Parser {
        let output = self
            .home
            .command(program())
            .arg("-S")
            .arg(&self.outer)
            .args(["capture-pane", "-ep", "-t", ":0"])
            .output()
            .unwrap();
        let mut parser = vt100::Parser::new(30, 100, 0);
        for line in output.stdout.split(|byte| *byte == b'\n') {
            parser.process(line);
            parser.process(b"\r\n");
        }
        parser
    }

    /// The row of the client's screen that holds this text, and where.
    pub fn find(&self, text: &str) -> Option<(String, vt100::Color)> {
        let parser = self.client();
        let screen = parser.screen();
        let (rows, columns) = screen.size();
        (0..rows).rev().find_map(|row| {
            let cell = |column| screen.cell(row, column).map(vt100::Cell::contents).filter(|c| !c.is_empty());
            let cells: Vec<&str> = (0..columns).map(|column| cell(column).unwrap_or(" ")).collect();
            let at = (0..cells.len()).find(|at| cells[*at..].concat().starts_with(text))?;
            let ground = screen.cell(row, u16::try_from(at).ok()?)?.bgcolor();
            Some((cells.concat(), ground))
        })
    }

    /// The ground of a window's entry in the status line.
    pub fn entry(&self, window: &str) -> Option<vt100::Color> {
        self.find(window).map(|(_, ground)| ground)
    }

    #[track_caller]
    pub fn until(&self, what: &str, done: impl Fn(&Self) -> bool) -> &Self {
        let end = Instant::now() + PATIENCE;
        while !done(self) {
            if Instant::now() > end {
                let screen = self.client().screen().contents();
                let panes = self.tmux(&[
                    "list-panes",
                    "-a",
                    "-F",
                    "#{pane_id} #{pane_tty} #{@redtab} #{@redtab_red}",
                ]);
                let shown = self.tmux(&["capture-pane", "-p"]);
                panic!("waiting for {what}\nclient:\n{screen}\npane:\n{shown}\npanes:\n{panes}");
            }
            std::thread::yield_now();
        }
        self
    }

    /// An option of a pane; empty where it is not set.
    pub fn option(&self, pane: &str, option: &str) -> String {
        self.tmux(&["show-options", "-pqv", "-t", pane, option])
    }

    #[track_caller]
    pub fn until_option(&self, pane: &str, option: &str, value: &str) -> &Self {
        self.until(&format!("{option} = {value:?} in {pane}"), |tmux| tmux.option(pane, option) == value)
    }

    #[track_caller]
    pub fn until_entry(&self, window: &str, ground: Option<vt100::Color>) -> &Self {
        self.until(&format!("{window} on {ground:?}"), |tmux| match ground {
            Some(ground) => tmux.entry(window) == Some(ground),
            None => tmux.entry(window).is_some_and(|ground| ground != RED && ground != YELLOW),
        })
    }

    /// What the window keeps of its own: every option set for it.
    pub fn window_options(&self, target: &str) -> String {
        self.tmux(&["show-options", "-w", "-t", target])
    }

    /// Waits for a prompt that stands last on a pane's screen.
    #[track_caller]
    pub fn prompt(&self, pane: &str) -> &Self {
        self.until("a prompt", |tmux| {
            tmux.tmux(&["capture-pane", "-p", "-t", pane]).trim_end().ends_with("@@")
        })
    }

    /// Types a command and Enter.
    pub fn line(&self, pane: &str, command: &str) -> &Self {
        self.prompt(pane);
        self.tmux(&["send-keys", "-t", pane, "-l", "--", command]);
        self.tmux(&["send-keys", "-t", pane, "Enter"]);
        self
    }

    /// The pid of a pane's shell.
    pub fn pid(&self, pane: &str) -> String {
        self.tmux(&["display-message", "-p", "-t", pane, "#{pane_pid}"])
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        for socket in [&self.outer, &self.inner] {
            let _ = self.home.command(program()).arg("-S").arg(socket).arg("kill-server").output();
        }
    }
}

/// The real tmux, whatever else a test puts on PATH.
fn program() -> PathBuf {
    let places = ["/usr/local/bin/tmux", "/usr/bin/tmux", "/bin/tmux"];
    places.iter().map(PathBuf::from).find(|path| path.exists()).expect("tmux is installed")
}

/// Writes a shell's rc file, with redtab's line or without.
pub fn write_rc(home: &Home, kind: Kind, redtab: bool) {
    let init = if redtab { kind.init() } else { "" };
    let rc = format!("{}{}{init}\n", kind.rc_head(), kind.own_prompt(&["@@ ".into()]));
    home.write(kind.rc_path(), rc);
}
