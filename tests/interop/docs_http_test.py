#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs docs/http.md: every marked block in order, as docs_redis_test.py does, against services on ports of their own.

usage: docs_http_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import json
import pathlib
import re
import subprocess
import sys

import cli_sandbox
import docs_redis_test
import mcp_servers
from running_service import CheckedService, ServiceTest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/http.md"
TOKEN = "a-service-token-of-enough-bytes"


class Page(ServiceTest):
    def test_the_page(self):
        blocks = docs_redis_test.blocks_of(PAGE.read_text("utf-8"))
        file = next(b for b in blocks if b.kind == "file")
        servers = json.loads(file.text)
        # The program is installed already.
        command = mcp_servers.everything()
        servers["mcpServers"]["everything"] = {"command": command[0], "args": command[1:]}
        first = CheckedService(self, "--servers", self.write(file.argument, servers))
        second = CheckedService(self, "--store", "memory:", env={"MCPSTATE_TOKEN": TOKEN})
        self.write("token", TOKEN)
        ran, printed = 0, None
        for block in blocks:
            if block.kind == "run":
                script = block.text.replace("127.0.0.1:7337", f"127.0.0.1:{first.port}").replace("127.0.0.1:7338", f"127.0.0.1:{second.port}")
                done = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", script], cwd=self.home, env=self.env, stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, timeout=120)
                self.assertEqual(done.returncode, block.exit_code, (block.line, done.stdout, done.stderr))
                printed, ran = done.stdout, ran + 1
            elif block.kind == "output":
                self.assertIsNone(docs_redis_test.matches(block.text, printed), (block.line, printed))
                printed = None
        self.assertGreater(ran, 7)

    def test_the_page_names_all_problems_and_routes(self):
        text = PAGE.read_text("utf-8")
        source = (PAGE.parents[1] / "src/service/http/problem.cpp").read_text("utf-8")
        for slug in re.findall(r'\{"([a-z-]+)", \d{3}, "', source):
            self.assertIn(f"`{slug}`", text)


if __name__ == "__main__":
    cli_sandbox.main(sys.argv)
