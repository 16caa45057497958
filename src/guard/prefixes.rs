//! Programs that run another program: how their own words are told from the words of what they run. Data only.

/// A program whose first word behind its options (and behind `skip` words of its own) is another program.
pub struct Prefix {
    pub names: &'static [&'static str],
    /// Words that must stand first (`exec` of `bundle exec`); any of them.
    pub verbs: &'static [&'static str],
    /// Single-letter options that take a value.
    pub short: &'static str,
    /// Long options that take a value, without the dashes.
    pub long: &'static [&'static str],
    /// Words of its own before the program: `timeout DURATION`.
    pub skip: usize,
    /// `NAME=value` words before the program set variables.
    pub assigns: bool,
}

const PLAIN: Prefix = Prefix { names: &[], verbs: &[], short: "", long: &[], skip: 0, assigns: false };

/// Every plain prefix. Those with more to them (`env`, `find`, `ssh`, …) are handled in `runs`.
pub const PREFIXES: &[Prefix] = &[
    Prefix {
        names: &[
            "nohup",
            "setsid",
            "unbuffer",
            "fakeroot",
            "eatmydata",
            "chronic",
            "noglob",
            "nocorrect",
            "-",
            "linux32",
            "linux64",
            "catchsegv",
            "torsocks",
            "torify",
            "dbus-run-session",
            "winpty",
            "with-contenv",
            "ccache",
            "busybox",
            "toybox",
            "nocache",
            "pkexec",
            "systemd-cat",
            "gamemoderun",
            "primusrun",
            "optirun",
            "mpirun",
        ],
        ..PLAIN
    },
    Prefix { names: &["doas"], short: "uCa", ..PLAIN },
    Prefix { names: &["nice"], short: "n", long: &["adjustment"], ..PLAIN },
    Prefix { names: &["ionice"], short: "cnpPu", long: &["class", "classdata", "pid"], ..PLAIN },
    Prefix { names: &["chrt"], short: "TPDp", skip: 1, ..PLAIN },
    Prefix {
        names: &["timeout", "gtimeout"],
        short: "ks",
        long: &["kill-after", "signal"],
        skip: 1,
        ..PLAIN
    },
    Prefix { names: &["stdbuf"], short: "ioe", long: &["input", "output", "error"], ..PLAIN },
    Prefix { names: &["time", "gtime"], short: "fo", long: &["format", "output"], ..PLAIN },
    Prefix {
        names: &["strace"],
        short: "abeEIoOpPsSuUX",
        long: &["trace", "output", "user", "env"],
        ..PLAIN
    },
    Prefix { names: &["ltrace"], short: "aADeFlnopsuwx", long: &["output", "library"], ..PLAIN },
    Prefix { names: &["caffeinate"], short: "tw", ..PLAIN },
    Prefix {
        names: &["taskset", "setarch", "chroot", "gosu", "su-exec", "envdir", "envchain"],
        skip: 1,
        ..PLAIN
    },
    Prefix { names: &["numactl"], short: "CNmipPx", ..PLAIN },
    Prefix { names: &["proxychains", "proxychains4"], short: "f", ..PLAIN },
    Prefix { names: &["rlwrap"], short: "abcCDefghHlmMOpPqsStw", ..PLAIN },
    Prefix { names: &["firejail", "unshare", "nsenter", "setpriv"], short: "tSG", ..PLAIN },
    Prefix { names: &["systemd-inhibit"], long: &["what", "who", "why", "mode"], ..PLAIN },
    Prefix {
        names: &["systemd-run"],
        short: "uptMHE",
        long: &[
            "unit",
            "property",
            "description",
            "slice",
            "uid",
            "gid",
            "setenv",
            "working-directory",
            "on-calendar",
            "on-active",
            "machine",
            "host",
        ],
        ..PLAIN
    },
    Prefix { names: &["xvfb-run"], short: "nesfp", ..PLAIN },
    Prefix { names: &["bundle"], verbs: &["exec"], ..PLAIN },
    Prefix { names: &["rbenv", "pyenv", "asdf", "nodenv", "goenv", "jenv"], verbs: &["exec"], ..PLAIN },
    Prefix {
        names: &["poetry", "pdm", "rye", "hatch", "pixi"],
        verbs: &["run"],
        short: "CPepE",
        long: &["directory", "project", "env"],
        ..PLAIN
    },
    Prefix { names: &["pipenv"], verbs: &["run"], ..PLAIN },
    Prefix {
        names: &["uv"],
        verbs: &["run"],
        short: "pCim",
        long: &[
            "python",
            "with",
            "project",
            "directory",
            "package",
            "extra",
            "group",
            "env-file",
            "index-url",
            "with-requirements",
            "with-editable",
        ],
        ..PLAIN
    },
    Prefix { names: &["uvx", "pipx"], short: "p", long: &["python", "from", "with", "spec"], ..PLAIN },
    Prefix {
        names: &["conda", "mamba", "micromamba"],
        verbs: &["run"],
        short: "np",
        long: &["name", "prefix", "cwd"],
        ..PLAIN
    },
    Prefix {
        names: &["npx", "bunx", "pnpx"],
        short: "pw",
        long: &["package", "workspace", "prefix"],
        ..PLAIN
    },
    Prefix {
        names: &["pnpm", "yarn"],
        verbs: &["exec", "dlx"],
        short: "wCF",
        long: &["prefix", "workspace", "filter", "package", "dir", "cwd"],
        ..PLAIN
    },
    Prefix {
        names: &["npm", "bun"],
        verbs: &["exec", "x", "dlx"],
        short: "wC",
        long: &["prefix", "workspace", "filter", "package", "dir", "cwd"],
        ..PLAIN
    },
    Prefix { names: &["devbox", "flox"], verbs: &["run"], ..PLAIN },
    Prefix {
        names: &["wait-for-it", "wait-for-it.sh", "dockerize"],
        short: "tw",
        long: &["timeout", "wait"],
        ..PLAIN
    },
    Prefix { names: &["perf"], verbs: &["stat", "record", "trace"], short: "eorp", ..PLAIN },
    Prefix { names: &["valgrind", "heaptrack", "gdbserver"], ..PLAIN },
    Prefix { names: &["entr"], ..PLAIN },
    Prefix {
        names: &["watchexec"],
        short: "wefi",
        long: &["watch", "exts", "filter", "ignore", "debounce"],
        ..PLAIN
    },
    Prefix {
        names: &["dotenv", "dotenvx"],
        verbs: &["run", "list", "exec"],
        short: "efv",
        long: &["env-file", "file", "path"],
        assigns: true,
        ..PLAIN
    },
    Prefix {
        names: &["env-cmd", "dotenv-cli"],
        short: "ferv",
        long: &["file", "environments", "rc-file"],
        ..PLAIN
    },
    Prefix { names: &["cross-env", "cross-env-shell"], assigns: true, ..PLAIN },
    Prefix { names: &["op"], verbs: &["run"], long: &["env-file", "account", "session"], ..PLAIN },
    Prefix {
        names: &["doppler"],
        verbs: &["run"],
        short: "pct",
        long: &["project", "config", "token", "scope", "mount", "name-transformer"],
        ..PLAIN
    },
    Prefix { names: &["infisical"], verbs: &["run"], long: &["env", "path", "projectId", "token"], ..PLAIN },
    Prefix { names: &["chamber"], verbs: &["exec"], short: "rb", long: &["retries", "backend"], ..PLAIN },
    Prefix {
        names: &["aws-vault"],
        verbs: &["exec"],
        short: "dtn",
        long: &["duration", "mfa-token", "region", "backend", "prompt"],
        skip: 1,
        ..PLAIN
    },
    Prefix {
        names: &["saml2aws"],
        verbs: &["exec"],
        short: "pa",
        long: &["exec-profile", "profile", "idp-account"],
        ..PLAIN
    },
    Prefix { names: &["aws-okta"], verbs: &["exec"], skip: 1, ..PLAIN },
    Prefix { names: &["kubie"], verbs: &["exec"], skip: 2, ..PLAIN },
    Prefix { names: &["direnv"], verbs: &["exec"], skip: 1, ..PLAIN },
    Prefix { names: &["teller"], verbs: &["run"], short: "c", long: &["config"], ..PLAIN },
    Prefix { names: &["tsocks", "vglrun", "prlimit", "trickle", "cpulimit"], short: "duptsl", ..PLAIN },
];

/// Options of `docker run` and `exec` that take a value.
pub const DOCKER_SHORT: &str = "evpuwhlmca";
/// The long ones.
pub const DOCKER_LONG: &[&str] = &[
    "name",
    "network",
    "net",
    "env",
    "env-file",
    "volume",
    "user",
    "workdir",
    "entrypoint",
    "mount",
    "publish",
    "hostname",
    "label",
    "label-file",
    "memory",
    "cpus",
    "platform",
    "restart",
    "log-driver",
    "log-opt",
    "add-host",
    "cap-add",
    "cap-drop",
    "device",
    "dns",
    "gpus",
    "ip",
    "ipc",
    "pid",
    "pull",
    "runtime",
    "security-opt",
    "shm-size",
    "sysctl",
    "tmpfs",
    "ulimit",
    "userns",
    "volumes-from",
    "network-alias",
    "cidfile",
    "link",
    "expose",
    "group-add",
    "index",
    "detach-keys",
    "scale",
];

/// Options of `docker`, `podman` and `docker compose` themselves that take a value.
pub const DOCKER_GLOBAL: (&str, &[&str]) = (
    "HclfpD",
    &[
        "host",
        "context",
        "config",
        "log-level",
        "file",
        "project-name",
        "project-directory",
        "env-file",
        "profile",
        "tlscacert",
        "tlscert",
        "tlskey",
        "namespace",
        "address",
        "url",
        "connection",
    ],
);

/// Options of `kubectl` that take a value.
pub const KUBECTL: (&str, &[&str]) = (
    "nclfkosv",
    &[
        "context",
        "kubeconfig",
        "namespace",
        "cluster",
        "user",
        "server",
        "token",
        "as",
        "as-group",
        "as-uid",
        "certificate-authority",
        "client-certificate",
        "client-key",
        "request-timeout",
        "tls-server-name",
        "container",
        "selector",
        "filename",
        "kustomize",
        "output",
        "field-selector",
        "grace-period",
        "timeout",
        "cascade",
        "dry-run-strategy",
        "replicas",
        "type",
        "patch",
        "patch-file",
        "to-revision",
        "image",
        "pod-running-timeout",
        "overrides",
        "env",
        "labels",
        "limits",
        "port",
        "restart",
        "target",
        "profile",
        "field-manager",
        "cache-dir",
        "log-file",
        "v",
        "vmodule",
        "subresource",
        "prune-allowlist",
        "current-replicas",
        "resource-version",
        "min",
        "max",
        "cpu-percent",
        "since",
        "tail",
        "sort-by",
        "template",
        "chunk-size",
        "for",
        "pod-selector",
        "skip-wait-for-delete-timeout",
    ],
);

/// Options of `ssh` that take a value.
pub const SSH: &str = "bcDEeFIiJLlmOopQRSWwB";

/// Options of `sudo` that take a value.
pub const SUDO: (&str, &[&str]) = (
    "uUgpChDRTrt",
    &[
        "user",
        "other-user",
        "group",
        "prompt",
        "close-from",
        "host",
        "chdir",
        "chroot",
        "command-timeout",
        "role",
        "type",
    ],
);

/// Options of `xargs` that take a value.
pub const XARGS: (&str, &[&str]) = (
    "adEILnPsJRS",
    &[
        "arg-file",
        "delimiter",
        "max-lines",
        "max-args",
        "max-procs",
        "max-chars",
        "process-slot-var",
        "replace",
    ],
);

/// Options of GNU parallel that take a value.
pub const PARALLEL: (&str, &[&str]) = (
    "aCdEIjLnNPsS",
    &[
        "jobs",
        "arg-file",
        "colsep",
        "delimiter",
        "delay",
        "timeout",
        "joblog",
        "results",
        "retries",
        "tmpdir",
        "max-args",
        "max-procs",
        "sshlogin",
        "workdir",
        "wd",
        "env",
        "load",
        "memfree",
        "halt",
        "tagstring",
        "block",
        "recstart",
        "recend",
        "basefile",
        "return",
        "nice",
        "shellquote",
        "trim",
        "max-replace-args",
        "sshloginfile",
    ],
);

/// A tool that runs tasks from a file in the directory.
pub struct TaskTool {
    pub names: &'static [&'static str],
    /// Words that must stand first; empty when the task's name follows at once.
    pub verbs: &'static [&'static str],
    pub short: &'static str,
    pub long: &'static [&'static str],
    /// Options that name the directory.
    pub dir: &'static [&'static str],
    /// Options that name the file.
    pub file: &'static [&'static str],
    /// Options that make it only print.
    pub dry: &'static [&'static str],
}

const TASK: TaskTool =
    TaskTool { names: &[], verbs: &[], short: "", long: &[], dir: &[], file: &[], dry: &[] };

/// Every task tool but the JavaScript ones, whose words are handled in `runs`.
pub const TASK_TOOLS: &[TaskTool] = &[
    TaskTool {
        names: &["make", "gmake", "bmake", "remake"],
        short: "CfIoWlEt",
        long: &[
            "directory",
            "file",
            "makefile",
            "include-dir",
            "old-file",
            "what-if",
            "new-file",
            "load-average",
            "jobs",
            "eval",
        ],
        dir: &["C", "directory"],
        file: &["f", "file", "makefile"],
        dry: &["n", "dry-run", "just-print", "recon", "q", "question", "p", "version", "v", "help", "h"],
        ..TASK
    },
    TaskTool {
        names: &["just"],
        short: "dfE",
        long: &[
            "working-directory",
            "justfile",
            "set",
            "shell",
            "shell-arg",
            "dotenv-path",
            "dotenv-filename",
            "color",
            "chooser",
        ],
        dir: &["d", "working-directory"],
        file: &["f", "justfile"],
        dry: &[
            "n",
            "dry-run",
            "l",
            "list",
            "summary",
            "s",
            "show",
            "evaluate",
            "dump",
            "e",
            "edit",
            "variables",
            "fmt",
            "help",
            "version",
        ],
        ..TASK
    },
    TaskTool {
        names: &["rake"],
        short: "fICrRe",
        long: &["rakefile", "libdir", "directory", "require", "execute"],
        dir: &["C", "directory"],
        file: &["f", "rakefile"],
        dry: &[
            "n", "dry-run", "T", "tasks", "P", "prereqs", "D", "describe", "W", "where", "help", "version",
        ],
        ..TASK
    },
    TaskTool {
        names: &["task", "go-task"],
        short: "dtoCI",
        long: &["dir", "taskfile", "output", "concurrency", "interval"],
        dir: &["d", "dir"],
        file: &["t", "taskfile"],
        dry: &["n", "dry", "l", "list", "a", "list-all", "summary", "status", "help", "h", "version"],
        ..TASK
    },
    TaskTool {
        names: &["mise", "rtx"],
        verbs: &["run", "r"],
        short: "CjoEte",
        long: &["cd", "jobs", "output", "env", "tool"],
        dir: &["C", "cd"],
        dry: &["n", "dry-run", "help"],
        ..TASK
    },
    TaskTool {
        names: &["deno"],
        verbs: &["task"],
        short: "c",
        long: &["cwd", "config"],
        dir: &["cwd"],
        file: &["c", "config"],
        ..TASK
    },
    TaskTool {
        names: &["composer"],
        verbs: &["run", "run-script", "exec"],
        short: "d",
        long: &["working-dir", "timeout"],
        dir: &["d", "working-dir"],
        dry: &["l", "list"],
        ..TASK
    },
    TaskTool {
        names: &["invoke", "inv", "fab", "nox", "doit", "grunt", "gulp", "jake", "ant", "poe", "duty"],
        short: "crfbeHis",
        long: &["collection", "search-root", "gulpfile", "gruntfile", "file", "hosts", "session"],
        dir: &["r", "search-root"],
        file: &["f", "b", "gulpfile", "gruntfile"],
        dry: &["dry", "dry-run", "l", "list", "tasks", "R"],
        ..TASK
    },
    TaskTool {
        names: &["gradle", "gradlew"],
        short: "pbcgxDPI",
        long: &[
            "project-dir",
            "build-file",
            "settings-file",
            "gradle-user-home",
            "exclude-task",
            "init-script",
        ],
        dir: &["p", "project-dir"],
        file: &["b", "build-file"],
        dry: &["m", "dry-run"],
        ..TASK
    },
    TaskTool {
        names: &["mvn", "mvnw"],
        short: "fPDplT",
        long: &["file", "activate-profiles", "projects"],
        file: &["f", "file"],
        ..TASK
    },
    TaskTool { names: &["mix"], ..TASK },
    TaskTool {
        names: &["turbo", "nx", "lerna"],
        verbs: &["run", "run-many"],
        long: &["filter", "cwd", "scope"],
        dir: &["cwd"],
        dry: &["dry", "dry-run"],
        ..TASK
    },
    TaskTool { names: &["rails"], ..TASK },
];
