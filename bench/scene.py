"""What every program here needs: a home with kubeconfigs and variables, the tools' start files, a shell on a pty,
and the arithmetic of paired rounds. It uses nothing of the machine's own environment and installs nothing.
"""

import fcntl
import os
import pty
import random
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import tempfile
import termios
import time

BENCH = os.path.dirname(os.path.abspath(__file__))
SHELLS = ("bash", "zsh", "fish")
PATH = "/usr/local/bin:/usr/bin:/bin"
MARK = "@@ "

VARIABLES = 40  # watched by redtab in the full home
FILES = 28  # likewise


def kubeconfig(contexts, certificate, current):
    """A kubeconfig of that many contexts, each cluster with a certificate of that many bytes."""
    names = [f"dev-{at:03}" for at in range(contexts - 1)] + [current]
    pem = "".join(random.Random(1).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", k=certificate))
    out = ["apiVersion: v1", "kind: Config", "preferences: {}", f"current-context: {current}", "contexts:"]
    for name in names:
        out += ["- context:", f"    cluster: cluster-{name}", f"    user: user-{name}", f"  name: {name}"]
    out.append("clusters:")
    for name in names:
        out += ["- cluster:", f"    certificate-authority-data: {pem}", f"    server: https://{name}.k8s.example:6443"]
        out.append(f"  name: cluster-{name}")
    out.append("users:")
    for name in names:
        out += [f"- name: user-{name}", "  user:", f"    token: {pem[:40]}"]
    return "\n".join(out) + "\n"


class Home:
    """A temporary home on disk with its run directory on tmpfs; removed by `close`."""

    def __init__(self):
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix="redtab-bench-"))
        self.run = tempfile.mkdtemp(prefix="redtab-bench-", dir="/dev/shm")
        for sub in (".kube", ".config/fish", ".local/share/fish/generated_completions", ".cache", "app"):
            os.makedirs(self.path(sub))
        self.write("small", kubeconfig(3, 600, "prod-eu"))
        self.write("large", kubeconfig(200, 1700, "prod-eu"))
        self.others = []
        for at in range(FILES):
            self.others.append(self.write(f".kube/{at}", kubeconfig(1, 600, f"other-{at}").replace("current-context", "#")))
        self.age()

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def age(self):
        """Puts every file's time a minute back: a fresh one would be looked at twice."""
        for root, _, names in os.walk(self.dir):
            for name in names:
                past = time.time_ns() - 60 * 10**9 - random.randrange(10**9)
                os.utime(os.path.join(root, name), ns=(past, past))

    def base(self, tool):
        """The environment that each session gets, with a run directory of its own."""
        run = os.path.join(self.run, tool)
        os.makedirs(run, mode=0o700, exist_ok=True)
        return {
            "HOME": self.dir,
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "SHELL": "/bin/sh",
            "USER": "bench",
            "REDTAB_RUN_DIR": run,
            # No watcher: it would be measured along.
            "REDTAB_WATCH": "off",
        }

    def full(self, tool, redtab, first):
        """The environment in which redtab watches `VARIABLES` variables and `FILES` files; `first` is the kubeconfig
        that counts. How many there are besides ours is redtab's own affair, so it is asked."""
        env = self.base(tool)
        env["KUBECONFIG"] = self.path(first)
        names, files = watched(redtab, env, self.path("app"))
        for at in range(VARIABLES - len(names)):
            env[f"STORE{at:02}_URL"] = f"postgres://app:secret@store{at:02}.dev.example:5432/orders"
        env["KUBECONFIG"] = ":".join([self.path(first), *self.others[: FILES - len(files)]])
        names, files = watched(redtab, env, self.path("app"))
        if (len(names), len(files)) != (VARIABLES, FILES):
            raise SystemExit(f"redtab watches {len(names)} variables and {len(files)} files, not {VARIABLES} and {FILES}")
        return env

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        shutil.rmtree(self.run, ignore_errors=True)


def hook(redtab, shell="zsh", pid=1):
    """The command that a changed input costs."""
    version = {"bash": "5.2.15(1)-release", "zsh": "5.9", "fish": "3.6.0"}[shell]
    return [redtab, "hook", "prompt", "--shell", shell, "--shell-version", version, "--pid", str(pid), "--can-block", "no"]


def watched(redtab, env, cwd):
    """The variables and files that redtab watches in `env`, read from its reply."""
    run = subprocess.run(hook(redtab), env=env, cwd=cwd, capture_output=True, text=True, check=True)
    if "__redtab_always=('1')" in run.stdout:
        raise SystemExit("redtab can't watch every input here: nothing to measure")
    names = list(dict.fromkeys(re.findall(r'"\$\{(\w+)-\}"', run.stdout)))
    stamped = re.findall(r"! \$?'([^']+)' -nt", run.stdout)
    absent = re.findall(r"! -e \$?'([^']+)'", run.stdout)
    return names, stamped + absent


def prompt(shell, text=MARK):
    """The start file's line that sets a plain prompt."""
    return {
        "bash": f"PS1='{text}'",
        "zsh": f"PROMPT='{text}'",
        "fish": f"function fish_prompt; printf %s '{text}'; end",
    }[shell]


def bare(shell, names, files, everything=False):
    """The start file of the bare hook: it compares exactly these, or `everything` that redtab compares."""
    quoted = " ".join(f"'{file}'" for file in files)
    script = os.path.join(BENCH, f"bare.{shell}")
    if shell == "fish":
        flag = "set -g bare_all 1\n" if everything else ""
        return f"{flag}set -g bare_names {' '.join(names)}\nset -g bare_files {quoted}\nsource {script}"
    flag = "bare_all=1\n" if everything else ""
    return f"{flag}bare_names=({' '.join(names)})\nbare_files=({quoted})\nsource {script}"


def evaluated(shell, command):
    """The start file's line that evaluates what a command prints."""
    return f"{command} | source" if shell == "fish" else f'eval "$({command})"'


class Session:
    """One interactive shell on a pty."""

    def __init__(self, home, shell, tool, env, rc, trace=None):
        self.env = dict(env)
        place = home.path(f"rc/{shell}-{tool}")
        os.makedirs(f"{place}/fish", exist_ok=True)
        if shell == "bash":
            argv = ["bash", "--noprofile", "--rcfile", f"{place}/rc", "-i"]
            file = f"{place}/rc"
        elif shell == "zsh":
            argv = ["zsh", "-d", "-i"]
            file = f"{place}/.zshrc"
            self.env["ZDOTDIR"] = place
        else:
            argv = ["fish", "-i"]
            file = f"{place}/fish/config.fish"
            self.env["XDG_CONFIG_HOME"] = place
            rc = f"function fish_greeting; end\n{rc}"
        with open(file, "w", encoding="utf-8") as out:
            out.write(rc + "\n")
        if trace:
            argv = ["strace", "-f", "-o", trace, *argv]
        self.trace = trace
        self.what = f"{shell} {tool}"
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(home.path("app"))
            os.execvpe(argv[0], argv, self.env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self.wait_for(MARK.strip().encode(), 60)
        self.drain(0.5)

    def wait_for(self, mark, seconds, after=b""):
        """Reads until `mark` has come, where given behind `after`; returns all that was read."""
        seen = b""
        end = time.monotonic() + seconds
        while True:
            at = seen.find(after) if after else 0
            if at >= 0 and mark in seen[at:]:
                return seen
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise SystemExit(f"{self.what}: no prompt within {seconds} s; it wrote {seen[-400:]!r}")
            try:
                seen += os.read(self.fd, 65536)
            except OSError:
                raise SystemExit(f"{self.what} ended; it wrote {seen[-400:]!r}") from None

    def drain(self, quiet):
        """Reads until nothing has come for `quiet` seconds."""
        seen = b""
        while select.select([self.fd], [], [], quiet)[0]:
            seen += os.read(self.fd, 65536)
        return seen

    def enter(self, quiet=0.004):
        """Enter on an empty line; returns the nanoseconds until the next prompt, and what was drawn."""
        self.drain(quiet)
        start = time.perf_counter_ns()
        os.write(self.fd, b"\r")
        seen = self.wait_for(MARK.strip().encode(), 30, after=b"\n")
        return time.perf_counter_ns() - start, seen

    def close(self):
        for pid in (self.pid,):
            try:
                os.kill(pid, signal.SIGHUP)
                time.sleep(0.05)
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.close(self.fd)
        try:
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass


def tools(shell, home, args):
    """Every tool that is there: name -> (environment, start file)."""
    full = lambda tool: home.full(tool, args.redtab, "small")
    one = lambda tool, file="small": {**home.base(tool), "KUBECONFIG": home.path(file)}
    init = evaluated(shell, f"{args.redtab} init {shell}")
    small, large = full("redtab"), home.full("redtab 400 KB", args.redtab, "large")
    names, files = watched(args.redtab, small, home.path("app"))
    plain = prompt(shell)
    out = {
        "plain": (full("plain"), plain),
        "bare": (full("bare"), bare(shell, names, files)),
        "bare, all checks": (full("bare, all checks"), bare(shell, names, files, everything=True)),
        "redtab": (small, f"{plain}\n{init}"),
        "redtab 400 KB": (large, f"{plain}\n{init}"),
        "redtab, home only": (one("redtab, home only"), f"{plain}\n{init}"),
    }
    if args.starship:
        config = home.write("starship.toml", 'format = "$kubernetes$character"\n[kubernetes]\ndisabled = false\n'
                            '[character]\nsuccess_symbol = "@@"\nerror_symbol = "@@"\n')
        start = evaluated(shell, f"{args.starship} init {shell} --print-full-init")
        for tool, file in (("starship", "small"), ("starship 400 KB", "large")):
            out[tool] = ({**one(tool, file), "STARSHIP_CONFIG": config}, start)
    if args.kube_ps1 and shell != "fish":
        text = {"bash": f"PS1='$(kube_ps1) {MARK}'", "zsh": f"setopt prompt_subst; PROMPT='$(kube_ps1) {MARK}'"}[shell]
        out["kube-ps1"] = (one("kube-ps1"), f"source {args.kube_ps1}\n{text}")
    if args.direnv:
        out["direnv"] = (one("direnv"), f"{plain}\n{evaluated(shell, f'{args.direnv} hook {shell}')}")
    return out


def common_arguments(parser):
    parser.add_argument("--redtab", required=True, help="the release binary")
    parser.add_argument("--starship", help="a release build of starship")
    parser.add_argument("--kube-ps1", help="kube-ps1.sh, wherever it lies")
    parser.add_argument("--direnv", default=shutil.which("direnv", path=PATH))
    parser.add_argument("--shells", default=",".join(SHELLS))


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def added(times, tool, base="plain"):
    """Milliseconds that `tool` adds to `base`: the median of the paired differences, and the difference of the
    10th percentiles, which other people's load touches least."""
    pairs = [a - b for a, b in zip(times[tool], times[base])]
    return statistics.median(pairs) / 1e6, (percentile(times[tool], 10) - percentile(times[base], 10)) / 1e6


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def head(*cells):
    row(*cells)
    row(*["---"] * len(cells))
