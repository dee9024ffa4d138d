#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs tools/demo, which is what `make run` ends with: a real MCP server, the embedded store, twice.

usage: demo_test.py PROGRAM SOURCE
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, SOURCE = None, None


class Demo(unittest.TestCase):
    def test_it_does_the_main_job_and_may_be_repeated(self):
        with tempfile.TemporaryDirectory() as home:
            env = {k: v for k, v in os.environ.items() if k != "REDIS_URL"}
            env["XDG_STATE_HOME"] = home + "/state"  # npm keeps its own settings and cache
            first, _ = self.demo(env)
            again, took = self.demo(env)
            for said in (first, again):
                self.assertRegex(said, r"(?m)^everything +CONNECTED +\d+ ")
                self.assertRegex(said, r"It works: user:demo is connected to a real MCP server, and its \d+ tools are recorded\.")
                self.assertIn("What to try next:", said)
            self.assertNotIn("installing", again)
            self.assertLess(took, 60, "a warm run takes seconds")
            shown = subprocess.run([PROGRAM, "list", "user:demo", "--tools", "--json"], cwd=home, env=env, capture_output=True,
                                   check=True, timeout=60)
            record, = json.loads(shown.stdout)
            self.assertEqual((record["status"], record["transport"]), ("CONNECTED", "stdio"))
            self.assertEqual(len(record["tools"]), record["tool_count"])
            self.assertGreater(record["tool_count"], 0)

    def demo(self, env):
        begun = time.monotonic()
        done = subprocess.run([os.path.join(SOURCE, "tools/demo"), PROGRAM], env=env, capture_output=True, text=True,
                              timeout=240, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout, time.monotonic() - begun


if __name__ == "__main__":
    PROGRAM, SOURCE = (os.path.abspath(word) for word in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1], verbosity=2)
