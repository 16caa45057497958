#!/usr/bin/env python3
"""What the watcher costs: bench/watch.py BINARY [PROCESSES [SOCKETS [SECONDS [TABS]]]]

Starts a watcher among so many processes: sleeping ones with 40 descriptors each, and tabs (interactive bashes with the
hook, each on a terminal of its own). There are connected sockets, and one production connection is open, so that it polls every 5
seconds. Its CPU time and memory are read from /proc. It starts, and ends, only processes of its own.
"""

import os
import pathlib
import pty
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")


def crowd(count, descriptors):
    """Sleeping processes that hold so many descriptors each."""
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(descriptors - 3)]
    for fd in held:
        os.set_inheritable(fd, True)
    all_ = [
        subprocess.Popen(["sleep", "100000"], close_fds=False, stdin=subprocess.DEVNULL)
        for _ in range(count)
    ]
    for fd in held:
        os.close(fd)
    return all_


def sockets(count):
    """Connected pairs on the loopback, half of `count` from this process."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    pairs = []
    for _ in range(count // 2):
        client = socket.create_connection(listener.getsockname())
        pairs.append((client, listener.accept()[0]))
    return listener, pairs


def tabs(count, binary, env):
    """Interactive bashes with the hook; each has drawn a prompt, so that it is registered."""
    home = pathlib.Path(env["HOME"])
    (home / ".bashrc").write_text(f'PS1="ready> "\neval "$({binary} init bash)"\n')
    opened = []
    for _ in range(count):
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(home)
            os.execve("/bin/bash", ["bash", "-i"], env | {"TERM": "xterm"})
        seen = b""
        while b"ready> " not in seen:
            seen += os.read(fd, 4096)
        opened.append((pid, fd))
    there = len(list((home / "run" / "tabs").glob("*.json"))) if count else 0
    assert there == count, f"{there} of {count} tabs are registered"
    return opened


def spent(pid):
    """CPU seconds, and the time apart in which it was woken."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def fine(pid):
    """CPU seconds of all its threads to the nanosecond, where the kernel keeps them."""
    try:
        threads = pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
    except (OSError, ValueError, IndexError):
        return spent(pid)


def main():
    binary = os.path.abspath(sys.argv[1])
    given = sys.argv[2:] + ["350", "50", "60", "0"][len(sys.argv) - 2 :]
    processes, connections, seconds, count = (int(n) for n in given)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    home = tempfile.mkdtemp(prefix="redtab-bench-")
    started, opened = [], []
    try:
        here = len([e for e in os.listdir("/proc") if e.isdigit()])
        started += crowd(max(0, processes - here - count), 40)
        kept = sockets(connections)
        # Something to watch, which answers nothing: a psql by its name and arguments.
        fake = os.path.join(home, "psql")
        shutil.copy("/bin/bash", fake)
        waits = ["psql", "-c", "read -r line", "-h", "prod-db"]
        started.append(subprocess.Popen(waits, executable=fake, stdin=subprocess.PIPE))
        env = {"HOME": home, "PATH": "/usr/bin:/bin", "REDTAB_RUN_DIR": os.path.join(home, "run")}
        watcher = subprocess.Popen([binary, "watch", "run"], env=env)
        started.append(watcher)
        opened = tabs(count, binary, env)
        time.sleep(20)
        first = fine(watcher.pid)
        begun = time.monotonic()
        time.sleep(seconds)
        used, passed = fine(watcher.pid) - first, time.monotonic() - begun
        there = len([e for e in os.listdir("/proc") if e.isdigit()])
        print(
            f"{there} processes, {len(kept[1]) * 2} sockets, {len(opened)} tabs, {passed:.0f} s: "
            f"{100 * used / passed:.3f} % of a core, {5000 * used / passed:.1f} ms in 5 s, {memory(watcher.pid):.1f} MB at most; "
            f"first 20 s: {first * 1000:.0f} ms; load {os.getloadavg()[0]:.1f}"
        )
    finally:
        for pid, fd in opened:
            os.close(fd)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for process in started:
            process.kill()
        for process in started:
            process.wait()
        shutil.rmtree(home, ignore_errors=True)


main()
