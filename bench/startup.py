"""What one call of the binary costs: posix_spawn until it has ended, beside programs that do nothing, in random order
within every round, with state on tmpfs and stdout a pipe. Instructions by callgrind and system calls by strace, which
no load disturbs. Prints Markdown.
"""

import argparse
import os
import random
import re
import statistics
import subprocess
import time

import scene


def spawn(argv, env, pipe):
    """Nanoseconds from the start of the spawn to the end of the process."""
    read, write = pipe
    actions = [(os.POSIX_SPAWN_DUP2, write, 1)]
    start = time.perf_counter_ns()
    pid = os.posix_spawn(argv[0], argv, env, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter_ns() - start
    if status:
        raise SystemExit(f"{argv[0]} ended with status {status}")
    while True:
        try:
            os.read(read, 65536)
        except BlockingIOError:
            return took


def instructions(argv, env):
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *argv],
                         env=env, capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1])


def calls(argv, env, trace):
    subprocess.run(["strace", "-f", "-o", trace, *argv], env=env, stdout=subprocess.DEVNULL, check=True)
    with open(trace, encoding="utf-8", errors="replace") as file:
        return sum(1 for line in file if re.match(r"\d+\s+\w+\(", line))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    scene.common_arguments(parser)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--empty", required=True, help="fn main() {} linked the default way")
    parser.add_argument("--empty-static", required=True, help="the same, static")
    args = parser.parse_args()
    home = scene.Home()
    one = lambda file: {**home.base("redtab"), "KUBECONFIG": home.path(file)}
    plain = one("small")
    programs = {
        "/bin/true": (["/bin/true"], plain),
        "empty": ([args.empty], plain),
        "empty, static": ([args.empty_static], plain),
        "redtab, 3 KB": (scene.hook(args.redtab), one("small")),
        "redtab, 400 KB, 200 contexts": (scene.hook(args.redtab), one("large")),
        "redtab, 40 variables, 28 files": (scene.hook(args.redtab), home.full("redtab", args.redtab, "small")),
    }
    if args.starship:
        config = home.write("starship.toml", 'format = "$kubernetes$character"\n[kubernetes]\ndisabled = false\n')
        for name, file in (("starship, 3 KB", "small"), ("starship, 400 KB", "large")):
            programs[name] = ([args.starship, "prompt"], {**one(file), "STARSHIP_CONFIG": config, "STARSHIP_SHELL": "zsh"})
    try:
        os.chdir(home.path("app"))
        pipe = os.pipe()
        os.set_blocking(pipe[0], False)
        times = {name: [] for name in programs}
        load = os.getloadavg()[0]
        for at in range(-10, args.rounds):
            for name in random.sample(list(programs), len(programs)):
                took = spawn(*programs[name], pipe)
                if at >= 0:
                    times[name].append(took)
        print(f"\nLoad {load:.1f} before, {os.getloadavg()[0]:.1f} after; {args.rounds} rounds\n")
        scene.head("program", "p10 ms", "median ms", "× empty, p10", "× empty, median of pairs", "× static, p10", "Minstr", "calls")
        for name, (argv, env) in programs.items():
            low = scene.percentile(times[name], 10)
            pairs = statistics.median(a / b for a, b in zip(times[name], times["empty"]))
            scene.row(name, f"{low / 1e6:.2f}", f"{statistics.median(times[name]) / 1e6:.2f}",
                      f"{low / scene.percentile(times['empty'], 10):.2f}", f"{pairs:.2f}",
                      f"{low / scene.percentile(times['empty, static'], 10):.2f}",
                      f"{instructions(argv, env) / 1e6:.2f}", calls(argv, env, home.path("trace")))
    finally:
        os.chdir("/")
        home.close()


if __name__ == "__main__":
    main()
