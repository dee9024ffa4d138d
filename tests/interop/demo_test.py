#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs tools/demo, which is what `make run` ends with: the service, a real MCP server, the embedded store, twice.

usage: demo_test.py PROGRAM SOURCE
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

PROGRAM, SOURCE = None, None


class Demo(unittest.TestCase):
    def test_it_serves_and_connects_and_may_be_repeated(self):
        with tempfile.TemporaryDirectory() as home:
            env = {k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "MCPSTATE_TOKEN", "MCPSTATE_TOKEN_FILE")}
            env["XDG_STATE_HOME"] = home + "/state"  # npm keeps its own settings and cache
            env["MCPSTATE_LISTEN"] = "127.0.0.1:0"
            first = self.demo(env)
            again = self.demo({**env, "MCPSTATE_TOKEN": "a-token-that-somebody-has-set"})
            self.assertNotIn("installing", again[0])
            self.assertLess(again[1], 60, "a warm run takes seconds")
            self.assertRegex(first[0], r"its \d+ tools are recorded\.")
            shown = subprocess.run([PROGRAM, "list", "user:demo", "--tools", "--json"], cwd=home, env=env, capture_output=True,
                                   check=True, timeout=60)
            record, = json.loads(shown.stdout)
            self.assertEqual(record["transport"], "stdio")
            self.assertEqual(len(record["tools"]), record["tool_count"])
            self.assertGreater(record["tool_count"], 0)

    def demo(self, env):
        begun = time.monotonic()
        service = subprocess.Popen([os.path.join(SOURCE, "tools/demo"), PROGRAM], env=env, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, start_new_session=True)
        guard = threading.Timer(240, service.kill)
        guard.start()
        try:
            said = ""
            for line in service.stdout:
                said += line
                if line.startswith("Ctrl-C"):
                    break
            took = time.monotonic() - begun
            self.assertIn("It works: user:demo is CONNECTED", said)
            self.try_what_it_says(said, env)
            os.killpg(service.pid, signal.SIGINT)  # as a terminal does
            stopping = time.monotonic()
            said += service.stdout.read()
            code = service.wait()
            self.assertLess(time.monotonic() - stopping, 4, "Ctrl-C stops it within 2 s; some more on a busy machine")
            self.assertIn(code, (0, 130), said)
            return said, took
        finally:
            guard.cancel()
            service.stdout.close()
            if service.poll() is None:
                service.kill()
                service.wait()

    def try_what_it_says(self, said, env):
        base = re.search(r"(http://\S+)/ +the dashboard", said)[1]
        with urllib.request.urlopen(base + "/", timeout=10) as page:
            self.assertIn("text/html", page.headers["Content-Type"])
        lines = re.findall(r"^  (curl .*)$", said, re.M)
        self.assertEqual(len(lines), 3)
        record = json.loads(self.shell(lines[0], env))
        self.assertEqual((record["owner"], record["status"]), ("user:demo", "CONNECTED"))
        self.assertIn("event: connection", self.shell(f"{lines[1]} --max-time 2", env, until_timeout=True))
        self.assertIn("hello", self.shell(lines[2], env))

    def shell(self, line, env, until_timeout=False):
        done = subprocess.run(["bash", "-c", line], env=env, capture_output=True, text=True, timeout=60, check=False)
        self.assertIn(done.returncode, (28,) if until_timeout else (0,), line + done.stderr)
        return done.stdout


if __name__ == "__main__":
    PROGRAM, SOURCE = (os.path.abspath(word) for word in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1], verbosity=2)
