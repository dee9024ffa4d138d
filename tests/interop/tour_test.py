#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the tour of README.md: every command of the marked block, and compares what it prints with the #> lines after it.

usage: tour_test.py PROGRAM README
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, README = None, None


def tour(text):
    """The block as (command, expected output lines); comments belong to nobody."""
    block = re.search(r"<!-- tour -->\n```bash\n(.*?)```", text, re.S)
    if not block:
        raise AssertionError("README.md has no block marked <!-- tour -->")
    steps = []
    for line in block.group(1).splitlines():
        if line.startswith("#>"):
            steps[-1][1].append(line[2:].strip())
        elif line.strip() and not line.startswith("#"):
            steps.append((line, []))
    return steps


def matches(expected, line):
    """Blanks count as one, … stands for anything."""
    parts = [r"\s+".join(re.escape(word) for word in part.split()) for part in expected.split("…")]
    return re.fullmatch(r"\s*" + r"\s*.*\s*".join(parts) + r"\s*", line) is not None


class Tour(unittest.TestCase):
    def test_every_command_prints_what_the_readme_says(self):
        steps = tour(pathlib.Path(README).read_text(encoding="utf-8"))
        self.assertGreaterEqual(len(steps), 8)
        with tempfile.TemporaryDirectory() as home:
            env = {"HOME": home, "XDG_STATE_HOME": home + "/state", "LANG": "C.UTF-8",
                   "PATH": os.path.dirname(os.path.abspath(PROGRAM)) + ":/usr/bin:/bin"}
            for command, expected in steps:
                done = subprocess.run(["bash", "-ec", command], cwd=home, env=env, capture_output=True, text=True,
                                      timeout=60)
                self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
                self.compare(command, expected, done.stdout)

    def compare(self, command, expected, output):
        lines = output.splitlines()
        if expected and expected[0].startswith("…"):
            self.assertTrue(any(matches(expected[0], line) for line in lines), f"{command}\n{output}")
            return
        self.assertEqual(len(lines), len(expected), f"{command}\n{output}")
        for want, line in zip(expected, lines):
            self.assertTrue(matches(want, line), f"{command}\nexpected: {want}\n     got: {line}")


if __name__ == "__main__":
    PROGRAM, README = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1], verbosity=2)
