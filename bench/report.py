# SPDX-License-Identifier: MIT
"""From the figures of all slices to tables and verdicts. figures[(op, tools, in_flight)][contender] is a list, one per round."""
from statistics import median

from contenders import FLOOR, OURS

IOREDIS = ["ioredis original", "ioredis pipelined", "ioredis auto"]
MARK = "<!-- {} {}: written by {} -->"

# (what, operation, the peer or the best of several, what our rate must be of theirs)
GOALS = [
    ("hiredis, the identical commands", "connect", [FLOOR], 0.95),
    ("redis-py as the original does it", "connect", ["redis-py original"], 8),
    ("redis-py at its best", "connect", ["redis-py best"], 3),
    ("ioredis, the best of three ways", "connect", IOREDIS, 3),
    ("PostgreSQL", "connect", ["PostgreSQL"], 1),
    ("hiredis, the identical commands", "list", [FLOOR], 0.95),
    ("redis-py as the original does it", "list", ["redis-py original"], 25),
    ("ioredis, the best of three ways", "list", IOREDIS, 6),
    ("PostgreSQL", "list", ["PostgreSQL"], 1),
]


def ratios(case, peers):
    """Ours over theirs, round by round; of several peers the one that is fastest in the median."""
    best = max(peers, key=lambda p: median(x["rate"] for x in case[p]))
    return best, [a["rate"] / b["rate"] for a, b in zip(case[OURS], case[best])]


def short(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def size_name(tools):
    return f"{round(tools / 1024)} KB"


def table(figures, op, tools, depths):
    lines = [f"### {op}, {size_name(tools)} tools", "",
             "| contender | " + " | ".join(f"{n} in flight: ops/s | client µs | server µs | ours ÷ it" for n in depths) + " |",
             "|---|" + "--:|" * (4 * len(depths))]
    for name in figures[(op, tools, depths[0])]:
        cells = []
        for depth in depths:
            case = figures[(op, tools, depth)]
            mid = {key: median(x[key] for x in case[name]) for key in ("rate", "client_us", "server_us")}
            ratio = "1" if name == OURS else short(median(ratios(case, [name])[1]))
            server = short(mid["server_us"]) if mid["server_us"] else "in process"
            cells.append(f"{mid['rate']:,.0f} | {short(mid['client_us'])} | {server} | {ratio}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines + [""]


def verdicts(figures, sizes, depth):
    lines = [f"### Goals, {depth} in flight", "",
             "| operation | against | tools | goal | measured: median (lowest – highest of the rounds) | |",
             "|---|---|--:|--:|--:|---|"]
    for what, op, peers, goal in GOALS:
        for tools in sizes:
            if op == "connect" and tools != sizes[0]:
                continue
            _, found = ratios(figures[(op, tools, depth)], peers)
            met = median(found) >= goal
            lines.append(f"| {op} | {what} | {size_name(tools)} | {'>' if goal == 1 else '≥'} {goal} | **{short(median(found))}** "
                         f"({short(min(found))} – {short(max(found))}) | {'met' if met else 'missed'} |")
    return lines + [""]


def slower(figures):
    """Every case in which somebody is faster than ours."""
    lines = []
    for (op, tools, depth), case in figures.items():
        for name in case:
            if name == OURS:
                continue
            ratio = median(ratios(case, [name])[1])
            if ratio < 1:
                lines.append(f"- {op}, {size_name(tools)}, {depth} in flight: {name} is {1 / ratio:.2f} times as fast.")
    return ["### Where others are faster", ""] + (lines or ["Nowhere in this run."]) + [""]


def section(figures, sizes, depths, about):
    lines = ["## Connect and list", "", *about, ""]
    lines += verdicts(figures, sizes, depths[-1])
    lines += slower(figures)
    for op in ("connect", "list"):
        for tools in sizes:
            lines += table(figures, op, tools, depths)
    return "\n".join(lines)


def replace_section(path, name, text, writer="bench/run"):
    """Puts the text between this section's marks in the file; adds the marks where there are none yet."""
    begin, end = MARK.format(name, "begins", writer), MARK.format(name, "ends", writer)
    with open(path, encoding="utf-8") as file:
        whole = file.read()
    if begin not in whole:
        whole = f"{whole.rstrip()}\n\n{begin}\n{end}\n"
    head, rest = whole.split(begin, 1)
    tail = rest.split(end, 1)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{head}{begin}\n{text.rstrip()}\n{end}{tail}")
