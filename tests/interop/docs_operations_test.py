#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs docs/operations.md as docs_redis_test.py runs docs/redis.md: every fenced block, in order, as a reader would."""
import os
import pathlib
import re
import signal
import unittest

from docs_redis_test import Machine, blocks_of, matches
from redis_sandbox import free_port

SOURCE = pathlib.Path(os.environ["MCPSTATE_SOURCE"])
PAGE = SOURCE / "docs" / "operations.md"


class OperatorsMachine(Machine):
    """The same with a service, whose documented address is the default one."""

    def __init__(self, case):
        super().__init__(case)
        port = free_port()
        self.substitutions.append((r"\b7337\b", str(port)))
        with open(self.session, "a", encoding="utf-8") as session:
            session.write(f"export MCPSTATE_LISTEN=127.0.0.1:{port}\n")
        case.addCleanup(self.end_service)

    def end_service(self):
        """Where a block has failed, the service of the page is left behind."""
        file = pathlib.Path(self.work, "serve.pid")
        if not file.exists():
            return
        number = int(file.read_text("ascii"))
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            pass


class TheOperationsPage(unittest.TestCase):
    maxDiff = None

    def test_every_command_does_what_the_page_says(self):
        machine = OperatorsMachine(self)
        printed, ran = None, 0
        for block in blocks_of(PAGE.read_text(encoding="utf-8")):
            where = f"operations.md:{block.line}"
            if block.kind == "file":
                pathlib.Path(machine.work, block.argument).write_text(machine.adapted(block.text), encoding="utf-8")
            elif block.kind == "run":
                printed, ran = machine.run(block.text), ran + 1
                self.assertEqual(printed.returncode, block.exit_code, f"{where}\n{block.text}\n{printed.stdout}{printed.stderr}")
            elif block.kind == "output":
                expected = machine.adapted(block.text)
                missing = matches(expected, printed.stdout or printed.stderr)
                self.assertIsNone(missing, f"{where}: expected\n{expected}\nprinted\n{printed.stdout}{printed.stderr}")
        self.assertGreater(ran, 12)

    def test_every_link_within_the_manual_leads_somewhere(self):
        for name in ("docs/operations.md", "docs/redis.md", "SECURITY.md"):
            text = (SOURCE / name).read_text("utf-8")
            for target, anchor in re.findall(r"\]\(((?!https?:)[^)#]*)(?:#([^)]+))?\)", text):
                with self.subTest(page=name, link=f"{target}#{anchor}"):
                    page = (SOURCE / name).parent / target if target else SOURCE / name
                    self.assertTrue(page.exists())
                    if anchor:
                        headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
                        anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
                        self.assertIn(anchor, anchors)


if __name__ == "__main__":
    unittest.main(verbosity=2)
