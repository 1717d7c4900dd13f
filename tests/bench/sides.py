# SPDX-License-Identifier: MIT
"""What the side-by-side benchmarks have in common: files to work on, costs of a command, ratios."""

import os
import statistics
import subprocess
import sys
import time

FILES_OF_A_FOLDER = 200
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def parse_size(text):
    return int(text[:-1]) * UNITS[text[-1]] if text[-1] in UNITS else int(text)


def make_tree(folder, n_files):
    """Files of 1 to 40 kB."""
    for i in range(n_files):
        below = os.path.join(folder, f"{i // FILES_OF_A_FOLDER:04}")
        if i % FILES_OF_A_FOLDER == 0:
            os.mkdir(below)
        with open(os.path.join(below, f"file-{i:06}"), "wb") as file:
            file.write(b"x" * (1000 + i * 37 % 39000))


def make_file(path, size):
    with open(path, "wb") as file:
        for _ in range(size >> 20):
            file.write(b"x" * (1 << 20))
        os.fsync(file.fileno())


def paths_of(path):
    """The file, or all files below the folder."""
    for folder, _, names in os.walk(path) if os.path.isdir(path) else [("", [], [path])]:
        for name in names:
            yield os.path.join(folder, name)


def run(command):
    """Seconds by the clock, and of a processor."""
    begin = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: {command} failed")
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime


def spread(ours, theirs, column):
    ratios = [a[column] / b[column] for a, b in zip(ours, theirs)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} – {max(ratios):.2f})"


def report(what, costs):
    """A row for each who is beside us; less than 1 is in our favour."""
    ours = costs["pagewarden"]
    for who, theirs in costs.items():
        if who == "pagewarden":
            continue
        times = [f"{statistics.median(c[0] for c in cost) * 1000:.1f} ms" for cost in (ours, theirs)]
        print(f"| {what} | {who} | {spread(ours, theirs, 0)} | {spread(ours, theirs, 1)} "
              f"| {times[0]}, {times[1]} |", flush=True)


def head(doing):
    print(f"| {doing} | beside | time, ours ÷ theirs | CPU time | median times |")
    print("|-|-|-|-|-|", flush=True)


def tail():
    load = os.getloadavg()[0]
    print(f"\nLoad {load:.1f} on {os.cpu_count()} processors, kernel {os.uname().release}.")
