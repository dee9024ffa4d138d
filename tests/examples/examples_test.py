#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the examples as they are, against a service on a real Redis. usage: examples_test.py CPP_EXAMPLE"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))
from redis_sandbox import PROGRAM, RedisServer  # noqa: E402
from serving import EVERYTHING, NODE, Service  # noqa: E402

EXAMPLES = HERE.parent.parent / "examples"
EMBEDDED = os.path.abspath(sys.argv.pop(1))
TOKEN = "an-example-token-of-32-characters"


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.redis = RedisServer()
        cls.addClassCleanup(cls.redis.close)
        cls.servers = pathlib.Path(cls.folder.name) / "servers.json"
        cls.servers.write_text(json.dumps({"mcpServers": {"everything": {"command": NODE, "args": [EVERYTHING, "stdio"]}}}))
        cls.service = Service(PROGRAM, "--store", cls.redis.url(), "--servers", str(cls.servers), cwd=cls.folder.name,
                              env={"MCPSTATE_TOKEN": TOKEN})
        cls.addClassCleanup(cls.service.end)

    def example(self, *words):
        env = {"PATH": os.environ["PATH"], "HOME": self.folder.name, "MCPSTATE_URL": f"http://127.0.0.1:{self.service.port}",
               "MCPSTATE_TOKEN": TOKEN, "REDIS_URL": self.redis.url()}
        done = subprocess.run(words, env=env, cwd=self.folder.name, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def check_what_a_host_does(self, said, language):
        self.assertRegex(said, r"event: session:\S+ everything is CONNECTED")
        self.assertRegex(said, r"connected to \S+, \d+ tools")
        self.assertRegex(said, r"for the model: everything: \S")
        self.assertIn(f"hello from {language}", said)
        self.assertIn("claimed: everything", said)
        self.assertIn("disconnected: 1", said)

    def test_python(self):
        said = self.example("/usr/bin/python3", "-B", str(EXAMPLES / "host.py"))
        self.check_what_a_host_does(said, "Python")
        self.assertIn("in Redis: {'everything': 'CONNECTED'}", said)

    def test_node(self):
        self.check_what_a_host_does(self.example(NODE, str(EXAMPLES / "host.mjs")), "Node")

    def test_curl(self):
        said = self.example(str(EXAMPLES / "host.sh"))
        for expected in ('"status":"CONNECTED"', '"name":"echo"', "hello from curl", "event: connection", '"moved":["everything"]',
                         '"disconnected":1'):
            self.assertIn(expected, said)

    def test_cpp(self):
        self.check_what_a_host_does(self.example(EMBEDDED, str(self.servers)), "C++")


if __name__ == "__main__":
    unittest.main(verbosity=2)
