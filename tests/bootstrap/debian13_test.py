#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/debian13 where rights and programs are missing and where a tree is there, without making one: the programs that would are
played by small ones in PATH. usage: debian13_test.py CHECKOUT"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CHECKOUT = pathlib.Path(sys.argv.pop(1)).resolve()
BASE = ("bash", "awk", "cat", "dirname", "env", "find", "flock", "grep", "head", "id", "mkdir", "mv", "rm", "sh", "sha256sum", "touch",
        "true")
MIRROR = "http://mirror.example/debian/"


class Debian13Test(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "bin"
        self.path.mkdir()
        self.root = pathlib.Path(folder.name) / "trees"
        self.made = pathlib.Path(folder.name) / "made"
        for name in BASE:
            (self.path / name).symlink_to(shutil.which(name))
        self.play("sudo", 'shift; exec "$@"')
        self.play("unshare", 'shift; exec "$@"')
        self.play("mount", "exit 0")
        self.play("chroot", 'shift; exec "$@"')
        self.play("dpkg-query", "exit 1")
        self.play("apt-get", f'if [ "$1" = indextargets ]; then echo {MIRROR}; fi')
        self.play("apt-config", "echo 'Acquire::http::Proxy \"http://proxy.example:3142\";'; echo 'Acquire::https::Proxy \"\";'")
        self.play_mmdebstrap()

    def play(self, name, script):
        program = self.path / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)

    def play_mmdebstrap(self, end="exit 0"):
        self.play("mmdebstrap", f'printf "%s\\n" "$*" >> {self.made}\n'
                  'for word; do case $word in */debian13-*) mkdir -p "$word/etc/ssl/certs" ;; esac; done\n' + end)

    def run_tool(self, *arguments):
        return subprocess.run([CHECKOUT / "tools/debian13", *arguments], capture_output=True, text=True, check=False,
                              env={"PATH": str(self.path), "MCPSTATE_DEBIAN13_ROOT": str(self.root), "MCPSTATE_SYSTEM": "debian12"})

    def calls(self):
        return self.made.read_text(encoding="utf-8").splitlines() if self.made.exists() else []

    def test_a_command_runs_in_the_checkout_and_its_exit_code_is_told(self):
        done = self.run_tool("sh", "-c", 'pwd; echo "$PATH $HOME ${MCPSTATE_SYSTEM:-none}"; exit 7')
        self.assertEqual(done.returncode, 7, done.stderr)
        folder, variables = done.stdout.splitlines()
        self.assertEqual(folder, str(CHECKOUT))
        self.assertEqual(variables, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /root none")

    def test_the_tree_is_made_once_from_the_mirror_and_by_the_settings_of_apt(self):
        for _ in range(2):
            self.assertEqual(self.run_tool("true").returncode, 0)
        call, = self.calls()
        self.assertIn(MIRROR, call.split())
        self.assertIn('--aptopt=Acquire::http::Proxy "http://proxy.example:3142";', call)
        self.assertNotIn("https::Proxy", call)
        self.assertIn("libboost-url-dev", call)
        trees = [path.name for path in self.root.iterdir() if path.is_dir()]
        self.assertEqual(len(trees), 1, trees)

    def test_a_tree_that_was_not_finished_is_made_again(self):
        self.play_mmdebstrap("exit 1")
        done = self.run_tool("true")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"debian13: mmdebstrap could not make a Debian 13 tree from {MIRROR}", done.stderr)
        self.play_mmdebstrap()
        self.assertEqual(self.run_tool("true").returncode, 0)
        self.assertEqual(len(self.calls()), 2)

    def test_what_is_missing_is_said_in_words(self):
        (self.path / "mmdebstrap").unlink()
        self.assertEqual(self.failure(), "debian13: mmdebstrap is missing: tools/bootstrap test installs it")
        self.play_mmdebstrap()
        self.play("apt-get", "exit 0")
        self.assertEqual(self.failure(), "debian13: apt knows no mirror of Debian here (apt-get indextargets)")
        self.play("unshare", "exit 1")
        self.assertRegex(self.failure(), "debian13: root may not mount anything here .*, so there can be no Debian 13 tree")
        self.assertEqual(self.calls(), [])

    def failure(self):
        done = self.run_tool("true")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        return done.stderr.splitlines()[-1]


if __name__ == "__main__":
    unittest.main()
