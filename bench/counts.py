"""How many processes and system calls a prompt takes, as strace -f sees them: with nothing changed, and for redtab
with a changed kubeconfig, at the prompt after the change and at the one after that. Prints Markdown.
"""

import argparse
import os
import re
import statistics
import time

import scene


class Trace:
    """The part of a trace that one prompt wrote. A traced process waits until its call is written down."""

    def __init__(self, session):
        self.session = session

    def enter(self):
        before = os.path.getsize(self.session.trace)
        self.session.enter()
        self.session.drain(0.2)
        with open(self.session.trace, encoding="utf-8", errors="replace") as file:
            file.seek(before)
            return count(file.read().splitlines())


def count(lines):
    """Forks, execs and all system calls. Threads are no processes; a call in two parts counts once."""
    forks = execs = calls = 0
    for line in lines:
        call = re.match(r"\d+\s+(\w+)\(", line)
        if not call:
            continue
        calls += 1
        if call[1] in ("fork", "vfork", "clone", "clone3"):
            forks += "CLONE_THREAD" not in line and "= -1" not in line
        if call[1] in ("execve", "execveat"):
            execs += "= -1" not in line
    return forks, execs, calls


def text(counts):
    return "/".join(str(int(statistics.median(values))) for values in zip(*counts))


def worst(counts):
    return f"{max(c[0] for c in counts)}/{max(c[1] for c in counts)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    scene.common_arguments(parser)
    parser.add_argument("--prompts", type=int, default=10)
    args = parser.parse_args()
    home = scene.Home()
    try:
        print("\nForks/execs/system calls at a prompt, median; behind it the most forks/execs at any one\n")
        shells = args.shells.split(",")
        rows = {}
        for shell in shells:
            for name, (env, rc) in scene.tools(shell, home, args).items():
                session = scene.Session(home, shell, name, env, rc, trace=home.path("trace"))
                trace = Trace(session)
                for _ in range(3):
                    trace.enter()
                counts = [trace.enter() for _ in range(args.prompts)]
                rows.setdefault(name, {})[shell] = f"{text(counts)} ({worst(counts)})"
                if name == "redtab":
                    changed(home, shell, trace, rows)
                session.close()
        scene.head("tool", *shells)
        for name, cells in rows.items():
            scene.row(name, *(cells.get(shell, "-") for shell in shells))
    finally:
        home.close()


def changed(home, shell, trace, rows):
    """What a change costs: a file with another, settled time, and one written this very moment."""
    for what in ("settled", "fresh"):
        first, second = [], []
        for _ in range(5):
            past = time.time_ns() if what == "fresh" else time.time_ns() - 60 * 10**9
            os.utime(home.path("small"), ns=(past, past))
            first.append(trace.enter())
            second.append(trace.enter())
        rows.setdefault(f"redtab, a change ({what} file time)", {})[shell] = f"{text(first)} ({worst(first)})"
        rows.setdefault(f"redtab, the prompt after it ({what})", {})[shell] = f"{text(second)} ({worst(second)})"


if __name__ == "__main__":
    main()
