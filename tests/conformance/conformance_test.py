#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The official conformance suite of the protocol, run against the client: every scored scenario that needs no authorization,
of both requirement sets. Prints a table; a warning counts as a failure.

usage: conformance_test.py DRIVER PROGRAM NODE_MODULES [unittest arguments]
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import unittest

DRIVER = PROGRAM = SUITE = None

# What the suite itself demands is read from its requirement files; this is what they say, so that a change is noticed.
SCORED = {
    "2025-11-25": {"initialize", "tools_call", "elicitation-sep1034-client-defaults", "sse-retry"},
    "2026-07-28": {"request-metadata", "tools_call", "sep-2322-client-request-state", "http-standard-headers",
                   "http-custom-headers", "http-invalid-tool-headers", "json-schema-ref-no-deref"},
}
UNSCORED = "json-schema-2020-12-preservation"  # not required of anybody, and passed all the same
PROBED = (("initialize", "2025-11-25"), ("request-metadata", "2026-07-28"), ("json-schema-ref-no-deref", "2026-07-28"))
AT_ONCE = 2
LONGEST = 60  # seconds; a scenario takes one or two


def required(revision):
    """The client scenarios of a requirement set, but for those of authorization."""
    text = (SUITE / "requirements" / f"{revision}.yaml").read_text(encoding="utf-8")
    section = re.search(r"^client:\n((?:  - .*\n|\s*#.*\n|\n)+)", text, re.MULTILINE).group(1)
    return {name for name in re.findall(r"^  - (\S+)$", section, re.MULTILINE) if not name.startswith("auth/")}


def run_suite(*words):
    """Exit code and output of the suite, whose clients do not outlive it. It waits for its own server to close, so a client
    that leaves a stream open makes it hang."""
    child = subprocess.Popen(["node", str(SUITE / "dist/index.js"), *words], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output = child.communicate(timeout=LONGEST)[0]
        return child.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        return "hung", child.communicate()[0]


class Outcome:
    """One run of one scenario, and what the suite thinks of it."""

    def __init__(self, client, command, scenario, revision):
        self.client, self.scenario, self.revision = client, scenario, revision
        with tempfile.TemporaryDirectory() as folder:
            begun = time.monotonic()
            self.code, output = run_suite("client", "--command", command, "--scenario", scenario, "--spec-version", revision,
                                          "--output-dir", folder)
            self.seconds, self.output = time.monotonic() - begun, output.decode("utf-8", "replace")
            found = list(pathlib.Path(folder).glob("*/checks.json"))
            self.checks = json.loads(found[0].read_text(encoding="utf-8")) if found else []

    def count(self, status):
        return sum(check["status"] == status for check in self.checks)

    @property
    def good(self):
        # Without a check that succeeded nothing was tested, whatever the exit code says.
        return self.code == 0 and self.count("SUCCESS") > 0 and not self.count("FAILURE") and not self.count("WARNING")

    def __str__(self):
        counts = f"{self.count('SUCCESS')} passed, {self.count('FAILURE')} failed, {self.count('WARNING')} warnings"
        verdict = "pass" if self.good else "FAIL"
        return f"{self.client:<15}{self.revision}  {self.scenario:<38}{verdict:<6}{self.seconds:5.1f} s  {counts}"


def run_all():
    driver, probe = shlex.quote(DRIVER), f"{shlex.quote(PROGRAM)} probe"
    wanted = [("client", driver, name, revision) for revision in SCORED for name in sorted(required(revision) | {UNSCORED})]
    wanted += [("mcpstate probe", probe, name, revision) for name, revision in PROBED]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda one: Outcome(*one), wanted))


class Conformance(unittest.TestCase):
    def test_the_requirement_sets_are_those_that_we_know(self):
        for revision, names in SCORED.items():
            self.assertEqual(required(revision), names)

    def test_a_client_that_does_nothing_fails(self):
        outcome = Outcome("nothing", "/bin/true", "initialize", "2025-11-25")
        self.assertFalse(outcome.good, outcome)

    def test_every_scenario_passes(self):
        outcomes = run_all()
        print("\n" + "\n".join(str(one) for one in outcomes), file=sys.stderr)
        for one in outcomes:
            with self.subTest(client=one.client, scenario=one.scenario, revision=one.revision):
                self.assertTrue(one.good, f"{one}\n{one.output}")


def main(arguments):
    global DRIVER, PROGRAM, SUITE
    DRIVER, PROGRAM = (os.path.abspath(path) for path in arguments[1:3])
    SUITE = pathlib.Path(arguments[3]) / "@modelcontextprotocol/conformance"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < 22:
        sys.exit(f"the conformance suite needs Node 22, and node is {version}")
    unittest.main(argv=arguments[:1] + arguments[4:], verbosity=2)


if __name__ == "__main__":
    main(sys.argv)
