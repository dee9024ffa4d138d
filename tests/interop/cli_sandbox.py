# SPDX-License-Identifier: MIT
"""The built program in a home of its own."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None       # path of mcpstate
NODE_MODULES = None  # where the real MCP servers are

class Ran:
    """One run of the program."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def text(self):
        return self.out.decode("utf-8")

    @property
    def errors(self):
        return self.err.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.out)


class CliTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)
        self.env = {"HOME": folder.name, "XDG_STATE_HOME": folder.name + "/state", "PATH": os.environ["PATH"],
                    "LANG": "C.UTF-8", "TERM": "xterm"}

    def run_cli(self, *words, stdin=b"", env=None, timeout=60):
        done = subprocess.run([PROGRAM, *words], cwd=self.home, env={**self.env, **(env or {})}, input=stdin,
                              capture_output=True, timeout=timeout)
        return Ran(done)

    def start_cli(self, *words, **options):
        child = subprocess.Popen([PROGRAM, *words], cwd=self.home, env=self.env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, **options)
        self.addCleanup(self.end, child)
        return child

    @staticmethod
    def end(child):
        if child.poll() is None:
            child.kill()
        child.wait()
        child.stdout.close()
        child.stderr.close()

    def ok(self, *words, **options):
        ran = self.run_cli(*words, **options)
        self.assertEqual(ran.code, 0, (words, ran.out, ran.err))
        return ran

    def refused(self, code, *words, says=None, **options):
        """Exactly one error line, this exit code, nothing on standard output; answers the line."""
        ran = self.run_cli(*words, **options)
        self.assertEqual(ran.code, code, (words, ran.out, ran.err))
        self.one_error_line(ran)
        self.assertEqual(ran.out, b"", words)
        if says:
            self.assertIn(says, ran.errors)
        return ran.errors

    def refused_json(self, code, error, *words, says=None, **options):
        """With --json: that error line, and one problem object on standard output; answers the object."""
        ran = self.run_cli(*words, "--json", **options)
        self.assertEqual(ran.code, code, (words, ran.out, ran.err))
        self.one_error_line(ran)
        problem = ran.json
        self.assertEqual({"type", "title", "detail", "exit_code"} - set(problem), set(), problem)
        self.assertEqual((problem["type"], problem.get("code"), problem["exit_code"]), ("about:blank", error, code))
        self.assertEqual("mcpstate: " + problem["detail"] + "\n", ran.errors)
        if says:
            self.assertIn(says, problem["detail"])
        return problem

    def one_error_line(self, ran):
        lines = ran.errors.splitlines()
        self.assertEqual(len(lines), 1, ran.err)
        self.assertTrue(lines[0].startswith("mcpstate: "), lines[0])
        self.assertLess(len(lines[0]), 1500)
        self.assertFalse(any(ord(c) < 32 or ord(c) == 127 for c in lines[0]), repr(lines[0]))

    def file(self, name, content):
        path = self.home / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    @staticmethod
    def fake_server(mode, *arguments):
        """The command line of a small MCP server over stdio that behaves as the mode says (cli_fake_server.py)."""
        return ["--", "/usr/bin/python3", str(pathlib.Path(__file__).with_name("cli_fake_server.py")), mode, *arguments]


def main(arguments):
    global PROGRAM, NODE_MODULES
    PROGRAM, NODE_MODULES = os.path.abspath(arguments[1]), arguments[2]
    module = sys.modules["__main__"]
    unittest.main(module=module, argv=arguments[:1] + arguments[3:], verbosity=2)
