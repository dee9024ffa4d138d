#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/compatibility.md tells of every server that tools/servers knows, and of nothing that has not run. usage: page_test.py CHECKOUT"""
import pathlib
import re
import subprocess
import sys
import unittest

CHECKOUT = pathlib.Path(sys.argv.pop(1)).resolve()
ROW = re.compile(r"^\| ((?:Redis|Valkey) [\d.]+) +\| (.+?) +\| +(\d+) \| +(\d+) \| (20\d\d-\d\d-\d\d) \|$", re.M)


class Page(unittest.TestCase):
    def setUp(self):
        text = (CHECKOUT / "docs/compatibility.md").read_text("utf-8")
        self.table = text.partition("<!-- servers -->")[2].partition("<!-- end of servers -->")[0]
        self.rows = ROW.findall(self.table)

    def test_every_server_has_a_line_or_could_not_be_had(self):
        said = subprocess.run([CHECKOUT / "tools/servers", "--list"], capture_output=True, text=True, check=True).stdout
        for line in said.splitlines():
            name, origin = line.split(": ", 1)
            with self.subTest(name=name):
                self.assertTrue(any(row[1] == origin for row in self.rows) or f"{name} ({origin})" in self.table)

    def test_every_line_tells_of_tests_that_ran(self):
        self.assertGreaterEqual(len(self.rows), 4)
        for version, _, contract, programs, _ in self.rows:
            with self.subTest(version=version):
                self.assertGreater(int(contract), 200)
                self.assertGreater(int(programs), 20)

    def test_redis_7_and_valkey_8_are_among_them(self):
        versions = " ".join(row[0] for row in self.rows)
        for wanted in ("Redis 7.0", "Redis 8.0", "Valkey 8.0", "Valkey 8.1"):
            self.assertIn(wanted, versions)


if __name__ == "__main__":
    unittest.main()
