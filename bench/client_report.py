# SPDX-License-Identifier: MIT
"""From the figures of bench/run_client to tables and verdicts. A contender's figures are a list, one per round."""
from statistics import median

from report import short

OURS, OURS_LEGACY = "mcpstate", "mcpstate, legacy"
THEIRS, THEIRS_LEGACY = "TypeScript, auto", "TypeScript, legacy"
PAIRS = [(OURS, THEIRS), (OURS_LEGACY, THEIRS_LEGACY)]

# (what, figures, key, whether more is better, goal)
GOALS = [
    ("connect, list, close as a whole process: processor time", "process", "cpu_ms", False, 10),
    ("… wall time", "process", "wall_ms", False, 2),
    ("connect, list, close in a running process: processor time", "handshake", "client_us", False, 10),
    ("… how many a second", "handshake", "rate", True, 2),
    ("tools/call: processor time", "call", "client_us", False, 10),
    ("… how many a second", "call", "rate", True, 10),
]
IDLE_GOAL_KB = 40


def advantages(case, key, more_is_better, ours, theirs):
    """How many times better ours is, round by round."""
    pairs = [(a[key], b[key]) for a, b in zip(case[ours], case[theirs])]
    return [a / b if more_is_better else b / a for a, b in pairs]


def verdicts(figures, connections):
    lines = ["### Goals", "", "| what | goal | both find out the revision: median (lowest – highest of the rounds) | "
             "both told: legacy | |", "|---|--:|--:|--:|---|"]
    for what, name, key, more, goal in GOALS:
        found = [advantages(figures[name], key, more, *pair) for pair in PAIRS]
        cells = [f"**{short(median(f))}** ({short(min(f))} – {short(max(f))})" for f in found]
        met = min(median(f) for f in found) >= goal
        lines.append(f"| {what} | ≥ {goal} | {' | '.join(cells)} | {'met' if met else 'missed'} |")
    kb = [per_connection(figures["memory"][pair[0]], "touched", connections) for pair in PAIRS]
    lines.append(f"| memory of an idle connection | ≤ {IDLE_GOAL_KB} KB | **{short(kb[0])} KB** | **{short(kb[1])} KB** | "
                 f"{'met' if max(kb) <= IDLE_GOAL_KB else 'missed'} |")
    return lines + [""]


def middle(case, name, key):
    return short(median(x[key] for x in case[name]))


def handshakes(figures):
    process, running = figures["process"], figures["handshake"]
    lines = ["### Connect, list, close against server-everything", "",
             "| client | process: CPU ms | wall ms | peak MB | running: CPU ms | wall ms | server CPU ms |",
             "|---|--:|--:|--:|--:|--:|--:|"]
    for name in process:
        peak = short(median(x["peak_kb"] for x in process[name]) / 1024)
        wall = short(1e3 / median(x["rate"] for x in running[name]))
        client, server = (short(median(x[key] for x in running[name]) / 1e3) for key in ("client_us", "server_us"))
        lines.append(f"| {name} | {middle(process, name, 'cpu_ms')} | {middle(process, name, 'wall_ms')} | {peak} | {client} | "
                     f"{wall} | {server} |")
    return lines + [""]


def per_connection(memory, when, connections):
    return (memory[when] - memory["before"]) / connections


def many(figures, options):
    lines = [f"### {options.connections:,} connections in one process, {options.in_flight} calls in flight", "",
             "| client | KB each: connected | after a call each | after all calls | calls/s | client µs | mock server µs | "
             "client busy | server busy |", "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for name, case in figures["call"].items():
        memory = figures["memory"][name]
        each = " | ".join(short(per_connection(memory, when, options.connections)) for when in ("open", "touched", "called"))
        rate = f"{median(x['rate'] for x in case):,.0f}"
        busy = [f"{median(x['rate'] * x[key] for x in case) / 1e4:.0f} %" for key in ("client_us", "server_us")]
        lines.append(f"| {name} | {each} | {rate} | {middle(figures['call'], name, 'client_us')} | "
                     f"{middle(figures['call'], name, 'server_us')} | {' | '.join(busy)} |")
    return lines + [""]


def section(figures, options, about):
    lines = ["## MCP client", "", *about, ""]
    lines += verdicts(figures, options.connections) + handshakes(figures) + many(figures, options)
    return "\n".join(lines)
