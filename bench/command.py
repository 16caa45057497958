"""What one command line costs in a hot tab: posix_spawn of the guard until it has ended, beside shellfirm's check of the
same line, in random order within every round. Lines that both let run, since a question waits for a person. Prints
Markdown.
"""

import argparse
import os
import random
import statistics
import time

import scene

LINES = ["ls -la", "git status", "kubectl get pods -A | grep web", "./deploy.sh --fast && echo done"]


def spawn(argv, env, stdin):
    """Nanoseconds from the start of the spawn to the end of the process."""
    null = os.open("/dev/null", os.O_WRONLY)
    source = os.open(stdin, os.O_RDONLY)
    actions = [(os.POSIX_SPAWN_DUP2, source, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
    start = time.perf_counter_ns()
    pid = os.posix_spawn(argv[0], argv, env, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter_ns() - start
    os.close(null)
    os.close(source)
    if status:
        raise SystemExit(f"{argv} ended with status {status}")
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redtab", required=True)
    parser.add_argument("--shellfirm")
    parser.add_argument("--rounds", type=int, default=200)
    args = parser.parse_args()
    home = scene.Home()
    env = {**home.base("redtab"), "KUBECONFIG": home.path("small"), "APP_ENV": "production"}
    times = {}
    try:
        os.chdir(home.path("app"))
        with open("deploy.sh", "w", encoding="utf-8") as script:
            script.write("#!/bin/sh\necho deploying\n")
        os.chmod("deploy.sh", 0o755)
        programs = []
        for at, line in enumerate(LINES):
            fields = home.write(f"line{at}", f"line {len(line)}\n{line}\n")
            programs.append(("redtab", line, [args.redtab, "guard", "--shell", "zsh", "--pid", "1"], fields))
            if args.shellfirm:
                programs.append(("shellfirm", line, [args.shellfirm, "pre-command", "-c", line], "/dev/null"))
        load = os.getloadavg()[0]
        for at in range(-5, args.rounds):
            for name, line, argv, stdin in random.sample(programs, len(programs)):
                took = spawn(argv, env, stdin)
                if at >= 0:
                    times.setdefault((name, line), []).append(took)
        print(f"\nLoad {load:.1f} before, {os.getloadavg()[0]:.1f} after; {args.rounds} rounds\n")
        scene.head("line", "tool", "p10 ms", "median ms", "redtab / shellfirm, medians")
        for (name, line), took in sorted(times.items(), key=lambda item: item[0][1]):
            other = times.get(("shellfirm", line))
            ratio = f"{statistics.median(took) / statistics.median(other):.2f}" if other and name == "redtab" else ""
            scene.row(line.replace("|", "\\|"), name, f"{scene.percentile(took, 10) / 1e6:.2f}", f"{statistics.median(took) / 1e6:.2f}", ratio)
    finally:
        os.chdir("/")
        home.close()


if __name__ == "__main__":
    main()
