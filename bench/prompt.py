"""What each tool adds to a prompt at which nothing changed: Enter on an empty line, until the next prompt stands.
Real shells on a pty, all open at once, in random order within every round. Prints Markdown.
"""

import argparse
import os
import random

import scene


def bootstrap(times, tool, base):
    """The 5th and 95th percentile of the ratio of added medians when the rounds are drawn anew."""
    rounds = len(times["plain"])
    ratios = []
    for _ in range(300):
        drawn = random.choices(range(rounds), k=rounds)
        again = {name: [times[name][at] for at in drawn] for name in ("plain", tool, base)}
        ratios.append(scene.added(again, tool)[0] / scene.added(again, base)[0])
    return scene.percentile(ratios, 5), scene.percentile(ratios, 95)


def check(name, drawn):
    """A tool that did not show what it should is not what we mean to measure."""
    if name.startswith(("redtab", "bare", "starship", "kube")) and b"prod-eu" not in drawn:
        raise SystemExit(f"{name} does not show the context: {drawn!r}")
    if b"changed" in drawn or b"redtab ?" in drawn:
        raise SystemExit(f"{name} saw a change where there was none: {drawn!r}")


def measure(shell, home, args):
    sessions = {
        name: scene.Session(home, shell, name, env, rc) for name, (env, rc) in scene.tools(shell, home, args).items()
    }
    times = {name: [] for name in sessions}
    for at in range(-10, args.rounds):
        for name in random.sample(list(sessions), len(sessions)):
            took, drawn = sessions[name].enter()
            if at < 0:
                check(name, drawn)
            else:
                times[name].append(took)
    for session in sessions.values():
        session.close()
    return times


def report(shell, times):
    print(f"\n{shell}, {len(times['plain'])} rounds; plain: median "
          f"{scene.percentile(times['plain'], 50) / 1e6:.2f} ms, p10 {scene.percentile(times['plain'], 10) / 1e6:.2f} ms\n")
    scene.head("tool", "added, median ms", "added, p10 ms")
    for name in times:
        if name != "plain":
            scene.row(name, *(f"{value:.2f}" for value in scene.added(times, name)))
    print()
    scene.head("ratio", "of medians", "of p10", "medians, 5 to 95 %", "bar")
    bars = [("redtab", "bare", 1.5), ("redtab 400 KB", "redtab", 1.3), ("redtab", "starship", 0.1),
            ("redtab 400 KB", "starship 400 KB", 0.1), ("redtab, home only", "starship", 0.1)]
    for tool, base, bar in bars:
        if base in times:
            ours, theirs = scene.added(times, tool), scene.added(times, base)
            low, high = bootstrap(times, tool, base)
            scene.row(f"{tool} / {base}", f"{ours[0] / theirs[0]:.2f}", f"{ours[1] / theirs[1]:.2f}",
                      f"{low:.2f} to {high:.2f}", f"≤ {bar}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    scene.common_arguments(parser)
    parser.add_argument("--rounds", type=int, default=200)
    args = parser.parse_args()
    home = scene.Home()
    try:
        print(f"Load before: {os.getloadavg()[0]:.1f}")
        for shell in args.shells.split(","):
            report(shell, measure(shell, home, args))
        print(f"\nLoad after: {os.getloadavg()[0]:.1f}")
    finally:
        home.close()


if __name__ == "__main__":
    main()
