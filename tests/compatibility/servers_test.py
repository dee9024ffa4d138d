#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The tests of the store with every Redis and Valkey that can be had: what docs/compatibility.md says.

    tests/compatibility/servers_test.py --build build/release [--only NAME…] [--write]

The servers are the one of this system and those of tools/servers. With each: the contract suite and the random model in each layout,
watching and leases and claims included; programs in Python beside mcpstate; the defects of keepers of these keys. A server that cannot be
had here is told, and fails nothing. --write puts the table into docs/compatibility.md.
"""
import argparse
import datetime
import os
import pathlib
import re
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PAGE = SOURCE / "docs/compatibility.md"
TOOL = SOURCE / "tools/servers"
SYSTEM = "system"
KINDS = ("redis", "redis_tagged", "redis_narrow")
PROGRAMS = ("python_interop", "defects", "wrong_keys")
ROW = "| {:<13} | {:<44} | {:>10} | {:>10} | {:<10} |"


def listed():
    """The servers of the tool: what is said of each, by name."""
    lines = subprocess.run([TOOL, "--list"], capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split(": ", 1) for line in lines)


def program_of(name):
    """Its path; None where it cannot be had."""
    if name == SYSTEM:
        return "redis-server"
    done = subprocess.run([TOOL, name], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def version_of(program):
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    name, version = re.search(r"(Redis|Valkey) server v=([\d.]+)", text).groups()
    return f"{name} {version}"


class Run:
    """Everything with one server."""

    def __init__(self, program, build):
        self.build = build
        self.environment = {**os.environ, "MCPSTATE_REDIS_SERVER": program, "MCPSTATE": str(build / "mcpstate"), "MCPSTATE_SOURCE": str(SOURCE)}
        self.failed = []

    def command(self, what, words):
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=1200, check=False)
        if done.returncode != 0:
            self.failed.append(what)
            print(f"FAILED: {what}\n" + "\n".join((done.stdout + done.stderr).splitlines()[-60:]), flush=True)
        return done.stdout + done.stderr

    def contract(self):
        """How many tests passed."""
        program = next(path for path in self.build.glob("**/contract_store") if path.is_file())
        passed = 0
        for kind in KINDS:
            said = self.command(f"contract_store {kind}", [program, f"--gtest_filter=*/{kind}"])
            found = re.search(r"\[  PASSED  \] (\d+) test", said)
            passed += int(found[1]) if found else 0
        return passed

    def programs(self):
        passed = 0
        for name in PROGRAMS:
            said = self.command(name, ["/usr/bin/python3", "-B", SOURCE / f"tests/interop/{name}_test.py"])
            found = re.search(r"^Ran (\d+) test", said, re.M)
            passed += int(found[1]) if found and name not in self.failed else 0
        return passed


def play(name, origin, build):
    program = program_of(name)
    if program is None:
        return None, []
    version, begun = version_of(program), time.monotonic()
    run = Run(program, build)
    row = ROW.format(version, origin, run.contract(), run.programs(), str(datetime.date.today()))
    print(f"{row}  {time.monotonic() - begun:.0f} s", flush=True)
    return row, [f"{version}: {what}" for what in run.failed]


def write_page(rows, missing):
    before, _, rest = PAGE.read_text("utf-8").partition("<!-- servers -->\n")
    _, mark, after = rest.partition("<!-- end of servers -->")
    assert mark, f"{PAGE} has no place for the table"
    head = ROW.format("server", "from", "contract", "programs", "date")
    lines = [head, re.sub("[^|]", "-", head), *rows]
    if missing:
        lines += ["", "Could not be had, or have not run: " + ", ".join(missing) + "."]
    PAGE.write_text(before + "<!-- servers -->\n" + "\n".join(lines) + "\n" + mark + after, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--write", action="store_true")
    words = parser.parse_args()
    origins = {SYSTEM: "redis-server of this system"} | listed()
    rows, missing, failed = [], [], []
    for name, origin in origins.items():
        if words.only and name not in words.only:
            continue
        row, faults = play(name, origin, words.build.resolve())
        failed += faults
        if row:
            rows.append(row)
        else:
            missing.append(f"{name} ({origin})")
            print(f"could not be had here: {missing[-1]}", flush=True)
    if failed or not rows:
        print("servers: FAILED: " + (", ".join(failed) or "there is none"))
        return 1
    if words.write:
        write_page(rows, missing)
    print(f"servers: all tests passed on {len(rows)} servers; {len(missing)} could not be had")
    return 0


if __name__ == "__main__":
    sys.exit(main())
