#!/usr/bin/env python3
"""How soon another tab is red: bench/live.py BINARY [RUNS]

A bash, a zsh and a fish sit at their prompts, each on a terminal of its own, and a watcher runs that polls once an hour, so
that only the file system's events can wake it. `kubectl config use-context prod-eu` is run elsewhere. Measured is the
time from the write of the kubeconfig, by its modification time, to the moment at which the red title can be read from
each terminal; the kernel's clock for files stands still for up to 4 ms, which counts as time taken.
"""

import os
import pathlib
import pty
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

KUBECONFIG = """apiVersion: v1
kind: Config
current-context: dev-eu
clusters: [{name: k, cluster: {server: "https://192.0.2.1:6443"}}]
contexts: [{name: dev-eu, context: {cluster: k}}, {name: prod-eu, context: {cluster: k}}]
"""
SHELLS = {
    "bash": (".bashrc", 'PS1="ready> "\neval "$({} init bash)"\n'),
    "zsh": (".zshrc", 'PS1="ready> "\neval "$({} init zsh)"\n'),
    "fish": (".config/fish/config.fish", "function fish_prompt; echo -n 'ready> '; end\n{} init fish | source\n"),
}
PATIENCE = 20


class Tab:
    """A shell on a terminal, and all that it has written there."""

    def __init__(self, shell, home, env):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(home)
            os.execvpe(shell, [shell, "-i"], env)
        self.wait(b"ready> ")

    def read(self, limit):
        if select.select([self.fd], [], [], limit)[0]:
            self.seen += os.read(self.fd, 65536)

    def wait(self, text):
        """When this could be read, in nanoseconds since the epoch."""
        end = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert time.monotonic() < end, f"never: {text!r} in {self.seen[-300:]!r}"
            self.read(0.5)
        return time.time_ns()

    def forget(self):
        self.read(0)
        self.seen = b""


def red(tabs, mark):
    """When each of these tabs showed the mark in its title; all are read as they come."""
    found = {}
    end = time.monotonic() + PATIENCE
    while len(found) < len(tabs):
        assert time.monotonic() < end, f"never: {mark!r} in {[t.seen[-200:] for t in tabs.values()]}"
        ready = select.select([tab.fd for tab in tabs.values()], [], [], 0.5)[0]
        now = time.time_ns()
        for name, tab in tabs.items():
            if tab.fd in ready:
                tab.seen += os.read(tab.fd, 65536)
            if mark in tab.seen:
                found.setdefault(name, now)
    return found


def main():
    binary = os.path.abspath(sys.argv[1])
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    home = pathlib.Path(tempfile.mkdtemp(prefix="redtab-bench-"))
    started, tabs = [], {}
    try:
        kube = home / ".kube" / "config"
        kube.parent.mkdir()
        kube.write_text(KUBECONFIG)
        config = home / ".config" / "redtab" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text('[watch]\npoll = "1h"\nstart = "manual"\n[prompt]\nelsewhere = "off"\n[host]\nenvironment = "safe"\n')
        for file, text in SHELLS.values():
            (home / file).parent.mkdir(parents=True, exist_ok=True)
            (home / file).write_text(text.format(binary))
        (home / ".local/share/fish/generated_completions").mkdir(parents=True)
        env = {
            "HOME": str(home),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "REDTAB_RUN_DIR": str(home / "run"),
        }
        started.append(subprocess.Popen([binary, "watch", "run"], env=env, stdin=subprocess.DEVNULL))
        tabs = {shell: Tab(shell, home, env) for shell in SHELLS}
        # Asked for a look, the watcher meets the tabs; the looks that follow are over when it is measured.
        subprocess.run([binary, "ps"], env=env, check=True, capture_output=True)
        time.sleep(5)
        taken = {shell: [] for shell in SHELLS}
        for _ in range(runs):
            for tab in tabs.values():
                tab.forget()
            subprocess.run(["kubectl", "config", "use-context", "prod-eu"], env=env, check=True, capture_output=True)
            written = kube.stat().st_mtime_ns
            for shell, at in red(tabs, b"PROD prod-eu").items():
                taken[shell].append((at - written) / 1e6)
            time.sleep(1)
            for tab in tabs.values():
                tab.forget()
            subprocess.run(["kubectl", "config", "use-context", "dev-eu"], env=env, check=True, capture_output=True)
            time.sleep(1)
        print("| tab | median ms | least | most | runs | load |\n|---|---|---|---|---|---|")
        for shell, times in taken.items():
            least, most = min(times), max(times)
            print(
                f"| {shell} | {statistics.median(times):.0f} | {least:.0f} | {most:.0f} | {len(times)} "
                f"| {os.getloadavg()[0]:.1f} |"
            )
    finally:
        for tab in tabs.values():
            os.close(tab.fd)
            os.kill(tab.pid, signal.SIGKILL)
            os.waitpid(tab.pid, 0)
        for process in started:
            process.terminate()
            process.wait()
        shutil.rmtree(home, ignore_errors=True)


main()
