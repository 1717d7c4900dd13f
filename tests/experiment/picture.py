# SPDX-License-Identifier: MIT
"""The picture of an experiment, as SVG: per phase, what was left of the service's file over time,
and how long its requests took. Nothing is drawn that was not measured.

Text is measured by no one here, so labels are short and stand where nothing else can be.
"""

import math
from html import escape

MIB = 1 << 20
GIB = 1 << 30
WIDTH = 1040
MARGIN = 40
GAP = 26
PANELS = 164  # base of the panels' first line
PLOT = 160  # height of a panel's plot
HEADROOM = 1.16  # above the whole file: room for a label
RIDGE = 62  # height of one row of the latency chart
BINS_PER_DECADE = 12

NAMES = {
    "alone": ("The service alone", ""),
    "neighbour": ("A backup beside it", "unprotected"),
    "pagewarden": ("A backup beside it", "and pagewarden"),
    "vmtouch": ("A backup beside it", "and vmtouch -l"),
    "memory-low": ("A backup beside it", "and MemoryLow="),
    "memory-high": ("A backup beside it", "under MemoryHigh="),
    "senpai": ("A backup beside it", "under oomd's Senpai"),
    "yield": ("A backup beside it", "that yields"),
}

STYLE = """
text { font-family: system-ui, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 13px; fill: #24292f }
.paper { fill: #ffffff } .title { font-size: 21px; font-weight: 600 } .head { font-size: 15px; font-weight: 600 }
.quiet { fill: #57606a } .small { font-size: 12px } .figure { font-size: 26px; font-weight: 600 }
.grid { stroke: #d8dee4; stroke-width: 1 } .axis { stroke: #8c959f; stroke-width: 1 } .band { fill: #eaeef2 }
.mark { stroke-width: 2 } .area { fill-opacity: .22 } .line { fill: none; stroke-width: 2.2; stroke-linejoin: round }
.alone { fill: #57606a } .line.alone, .mark.alone { stroke: #57606a }
.neighbour { fill: #c4470b } .line.neighbour, .mark.neighbour { stroke: #c4470b }
.pagewarden, .yield { fill: #08795a }
.line.pagewarden, .mark.pagewarden, .line.yield, .mark.yield { stroke: #08795a }
.vmtouch { fill: #3a5bc7 } .line.vmtouch, .mark.vmtouch { stroke: #3a5bc7 }
.memory-low, .memory-high, .senpai { fill: #6e40c9 }
.line.memory-low, .mark.memory-low, .line.memory-high, .mark.memory-high, .line.senpai, .mark.senpai { stroke: #6e40c9 }
.line { fill: none }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .paper { fill: #0d1117 } .quiet { fill: #9198a1 } .grid { stroke: #2a313a }
.axis { stroke: #656c76 } .band { fill: #1b222b }
.alone { fill: #aab3bd } .line.alone, .mark.alone { stroke: #aab3bd }
.neighbour { fill: #ff8f4f } .line.neighbour, .mark.neighbour { stroke: #ff8f4f }
.pagewarden, .yield { fill: #3fcf9f }
.line.pagewarden, .mark.pagewarden, .line.yield, .mark.yield { stroke: #3fcf9f }
.vmtouch { fill: #8ea6ff } .line.vmtouch, .mark.vmtouch { stroke: #8ea6ff }
.memory-low, .memory-high, .senpai { fill: #bd93ff }
.line.memory-low, .mark.memory-low, .line.memory-high, .mark.memory-high, .line.senpai, .mark.senpai { stroke: #bd93ff }
.line { fill: none }
}
"""


def slow_percent(phase):
    requests = phase["shop"]["requests"]
    return 100 * phase["shop"]["slow"] / requests if requests else 0


def size_text(size):
    return f"{size / GIB:.3g} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"


def setting(result):
    """Two lines: what was run, and where."""
    machine, settings = result["machine"], result["settings"]
    system = machine["system"].replace("GNU/Linux ", "")
    where = [system, f"Linux {machine['kernel'].split('-')[0]}",
             f"{size_text(machine['slice_bytes'] or machine['memory_bytes'])} of memory"]
    where += [f"disk held to {machine['iops']:,} IOPS"] if machine["iops"] else []
    where += ["emulated processor"] if machine["emulated"] else []
    return (f"A service reads {settings['rate']} random pages a second of its "
            f"{size_text(settings['file_bytes'])} file; beside it a backup reads "
            f"{size_text(settings['stream_bytes'])} of other files once.", ", ".join(where) + ".")


def mmap_note(result):
    phases = {phase["name"]: phase for phase in result["phases"]}
    mapped, read = phases.get("mmap-neighbour"), phases.get("neighbour")
    if mapped and read:
        yield (f"Unprotected, a service that maps its file suffers far less: "
               f"{slow_percent(mapped):.1f} % slow instead of {slow_percent(read):.1f} %, "
               f"{mapped['resident_bytes'] // MIB} MiB left.")


class Canvas:
    def __init__(self):
        self.parts = []

    def text(self, x, y, text, classes="", anchor="start"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}" text-anchor="{anchor}">'
                          f'{escape(text)}</text>')

    def rect(self, x, y, width, height, classes):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
                          f'height="{height:.1f}" class="{classes}"/>')

    def line(self, x1, y1, x2, y2, classes):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'class="{classes}"/>')

    def path(self, points, classes, close=False):
        steps = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.parts.append(f'<path d="M{steps}{"Z" if close else ""}" class="{classes}"/>')

    def svg(self, height, title):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
                f'width="{WIDTH}" height="{height:.0f}" role="img">\n<title>{escape(title)}</title>\n'
                f'<style>{STYLE}</style>\n<rect width="100%" height="100%" rx="8" class="paper"/>\n'
                + "\n".join(self.parts) + "\n</svg>\n")


def nice_step(span, most):
    """The smallest of 1, 2, 5 × 10ⁿ that cuts `span` into at most `most` parts."""
    step = 10 ** math.floor(math.log10(span / most))
    return next(step * factor for factor in (1, 2, 5, 10) if span / (step * factor) <= most)


def draw_panel(canvas, phase, x, y, width, seconds, file_mib):
    """One phase: the file's MiB in memory over time; the band is where the backup reads."""
    name, (title, what) = phase["name"], NAMES[phase["name"]]
    canvas.text(x, y, title, "head")
    canvas.text(x, y + 19, what, f"head {name}")
    top, bottom = y + 36, y + 36 + PLOT
    begin = min(phase["samples"][0]["t"], 0)

    def across(t):
        return x + width * (min(max(t, begin), seconds) - begin) / (seconds - begin)

    def up(mib):
        return bottom - PLOT * mib / (file_mib * HEADROOM)

    if phase["streamed_seconds"]:
        canvas.rect(across(0), top, across(phase["streamed_seconds"]) - across(0), PLOT, "band")
        canvas.text(across(0) + 4, top + 14, "backup reads", "small quiet")
    step = nice_step(file_mib, 2) if file_mib & (file_mib - 1) else file_mib / 2
    for value in range(0, int(file_mib) + 1, max(int(step), 1)):
        canvas.line(x, up(value), x + width, up(value), "axis" if value == 0 else "grid")
        canvas.text(x - 6, up(value) + 4, str(value), "small quiet", "end")
    points = [(across(s["t"]), up(s["resident"] / MIB)) for s in phase["samples"] if s["t"] <= seconds]
    canvas.path([(points[0][0], bottom), *points, (points[-1][0], bottom)], f"area {name}", True)
    canvas.path(points, f"line {name}")
    step = nice_step(seconds, 4)
    for index in range(int(seconds // step) + 1):
        canvas.text(across(index * step), bottom + 17, f"{index * step:.0f} s", "small quiet", "middle")
    draw_figures(canvas, phase, x, bottom + 52)


def draw_figures(canvas, phase, x, y):
    canvas.text(x, y, f"{slow_percent(phase):.1f} %", f"figure {phase['name']}")
    canvas.text(x, y + 19, "of requests had to wait for the disk", "small quiet")
    disk = phase["shop"]["disk_bytes"]
    lines = [f"{phase['refaults']:,} refaults",
             f"{phase['resident_bytes'] / MIB:.0f} MiB left in memory",
             "MiB re-read: unknown" if disk is None else f"{disk / MIB:.1f} MiB re-read from the disk",
             f"backup: {phase['backup']['seconds']:.0f} s" if phase["backup"] else "no backup"]
    for index, line in enumerate(lines):
        canvas.text(x, y + 43 + 19 * index, line)


def latency_shares(phase):
    """{bin: share of the requests}; bin b is the latencies around 10^(b / BINS_PER_DECADE) µs."""
    shares = {}
    for microseconds, count in phase["shop"]["latency_histogram_us"]:
        index = round(math.log10(max(microseconds, 1)) * BINS_PER_DECADE)
        shares[index] = shares.get(index, 0) + count / phase["shop"]["requests"]
    return shares


def latency_label(microseconds):
    for limit, unit in ((1e3, "µs"), (1e6, "ms"), (1e9, "s")):
        if microseconds < limit:
            return f"{microseconds / (limit / 1e3):.0f} {unit}"
    return f"{microseconds / 1e6:.0f} s"


def draw_latency(canvas, phases, y):
    """One ridge per phase over a common logarithmic axis; returns the lower end."""
    x, right = MARGIN + 190, WIDTH - MARGIN
    all_shares = [latency_shares(phase) for phase in phases]
    low = min(min(shares) for shares in all_shares) // BINS_PER_DECADE
    high = -(-(max(max(shares) for shares in all_shares) + 1) // BINS_PER_DECADE)
    peak = max(max(shares.values()) for shares in all_shares)
    bottom = y + RIDGE * len(phases)

    def across(microseconds):
        return x + (right - x) * (math.log10(max(microseconds, 1)) - low) / (high - low)

    for decade in range(low, high + 1):
        canvas.line(across(10 ** decade), y + 8, across(10 ** decade), bottom + 18, "grid")
        canvas.text(across(10 ** decade), bottom + 32, latency_label(10 ** decade), "small quiet", "middle")
    for row, (phase, shares) in enumerate(zip(phases, all_shares)):
        draw_ridge(canvas, phase, shares, y + RIDGE * (row + 1), across, (RIDGE - 20) / peak)
    return bottom + 32


def draw_ridge(canvas, phase, shares, base, across, scale):
    name, (title, what) = phase["name"], NAMES[phase["name"]]
    canvas.text(MARGIN, base - 16, what or title, f"head {name}")
    canvas.line(MARGIN + 190, base, WIDTH - MARGIN, base, "axis")

    def at(index):
        return across(10 ** (index / BINS_PER_DECADE))

    # Half a bin to each side, so that a bin of its own is a step and not a needle.
    points = []
    for index in range(min(shares) - 1, max(shares) + 2):
        height = base - scale * shares.get(index, 0)
        points += [(at(index - .5), height), (at(index + .5), height)]
    canvas.path(points, f"area {name}", True)
    canvas.path(points, f"line {name}")
    draw_quantiles(canvas, phase, base, across)


def draw_quantiles(canvas, phase, base, across):
    """p50, p99, p99.9 as marks below the line; a label moves right where it would hit the last."""
    last = -math.inf
    for key, label in (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9")):
        x = across(phase["shop"]["latency_us"][key])
        canvas.line(x, base - 5, x, base + 5, f"mark {phase['name']}")
        place = max(x - 10, last)
        canvas.text(place, base + 15, label, "small quiet")
        last = place + 8 * len(label) + 4


def draw(result):
    """The picture of a result, as the text of an SVG file."""
    canvas = Canvas()
    phases = [phase for phase in result["phases"] if phase["name"] in NAMES]
    if not phases:
        phases = [dict(phase, name=phase["name"].removeprefix("mmap-")) for phase in result["phases"]]
    file_mib = result["settings"]["file_bytes"] // MIB
    seconds = max(phase["samples"][-1]["t"] for phase in phases)
    title = "What a backup leaves of a service's files in memory"
    canvas.text(MARGIN, 46, title, "title")
    for index, line in enumerate(setting(result)):
        canvas.text(MARGIN, 71 + 18 * index, line, "quiet")
    canvas.text(MARGIN, 128, f"MiB of the service's {file_mib} MiB file in memory", "quiet small")

    inner = WIDTH - 2 * MARGIN + GAP
    step = inner / len(phases)
    for index, phase in enumerate(phases):
        x = MARGIN + step * index + 14
        draw_panel(canvas, phase, x, PANELS, step - GAP - 14, seconds, file_mib)

    y = PANELS + 36 + PLOT + 52 + 43 + 19 * 4 + 24
    canvas.text(MARGIN, y, "How long each request took: share of the requests, logarithmic time", "small quiet")
    y = draw_latency(canvas, phases, y) + 34
    notes = list(mmap_note(result))
    if result["machine"]["emulated"]:
        notes.insert(0, "Times are those of an emulated processor, and inflated; counts are exact.")
    for note in notes:
        canvas.text(MARGIN, y, note, "small quiet")
        y += 18
    return canvas.svg(y + 8, title)
