#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/bootstrap on machines that lack this and that, played by small programs in PATH. usage: bootstrap_test.py CHECKOUT"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CHECKOUT = pathlib.Path(sys.argv.pop(1)).resolve()

# What every Debian has; everything else in PATH is played.
BASE = ("bash", "awk", "env", "dirname", "cmp", "cp", "sh", "cat")
BUILD = ("g++ make cmake ninja-build libboost1.81-dev libssl-dev libsqlite3-dev zlib1g-dev libcli11-dev "
         "prometheus-cpp-dev ca-certificates").split()


class BootstrapTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.calls = self.path / "calls"
        for name in BASE:
            (self.path / name).symlink_to(shutil.which(name))
        self.play("sudo", 'exec "$@"')

    def play(self, name, script):
        program = self.path / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)

    def installed(self, *packages):
        lines = "".join(f"{name} installed\\n" for name in packages)
        self.play("dpkg-query", f"printf '{lines}'; exit 1")

    def apt(self, code=0):
        self.play("apt-get", f'echo "$*" >> {self.calls}; exit {code}')

    def run_bootstrap(self, *arguments):
        return subprocess.run([CHECKOUT / "tools/bootstrap", *arguments], env={**os.environ, "PATH": str(self.path)},
                              capture_output=True, text=True, check=False)

    def apt_calls(self):
        return self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []

    def test_nothing_missing_is_silent_and_calls_no_apt(self):
        self.installed(*BUILD)
        self.apt()
        done = self.run_bootstrap("build")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(self.apt_calls(), [])

    def test_only_what_is_missing_is_installed(self):
        self.installed(*[name for name in BUILD if name not in ("cmake", "libssl-dev")])
        self.apt()
        done = self.run_bootstrap("build")
        self.assertEqual((done.returncode, done.stdout), (0, "bootstrap: installing cmake libssl-dev\n"), done.stderr)
        update, install = self.apt_calls()
        self.assertTrue(update.endswith(" update"), update)
        self.assertTrue(install.endswith("install -y --no-install-recommends cmake libssl-dev"), install)

    def test_a_bare_machine_gets_everything(self):
        self.installed()
        self.apt()
        self.assertEqual(self.run_bootstrap("build").returncode, 0)
        self.assertEqual(self.apt_calls()[1].split()[-len(BUILD):], BUILD)

    def test_removed_packages_are_missing(self):
        self.installed(*BUILD[1:])
        self.play("dpkg-query", "printf 'g++ config-files\\n" + "".join(f"{name} installed\\n" for name in BUILD[1:]) + "'")
        self.apt()
        self.assertEqual(self.run_bootstrap("build").stdout, "bootstrap: installing g++\n")

    def test_old_node_is_replaced_and_refused_if_that_did_not_help(self):
        self.installed(*BUILD)
        self.apt()
        self.play("npm", "exit 0")
        self.play("node", 'if [ "$1" = -p ]; then echo 16; else echo v16.1.0; fi')
        done = self.run_bootstrap("demo")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "bootstrap: installing nodejs npm\n")
        self.assertEqual(done.stderr, "bootstrap: Node 18 or newer is needed; found v16.1.0\n")

    def test_good_node_from_elsewhere_is_kept(self):
        self.installed(*BUILD)
        self.apt()
        self.play("npm", "exit 0")
        self.play("node", "echo 20")
        done = self.run_bootstrap("demo")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_failures_are_clear(self):
        self.installed(*BUILD[1:])
        without_apt = self.run_bootstrap("build")
        self.assertEqual(without_apt.returncode, 1)
        self.assertRegex(without_apt.stderr, r"no apt-get to install them .*: g\+\+\n")
        self.apt(code=100)
        failing_apt = self.run_bootstrap("build")
        self.assertEqual(failing_apt.returncode, 1)
        self.assertIn("bootstrap: apt-get could not install: g++\n", failing_apt.stderr)
        (self.path / "dpkg-query").unlink()
        other_system = self.run_bootstrap("build")
        self.assertEqual(other_system.returncode, 1)
        self.assertIn("this is not Debian", other_system.stderr)

    def test_wrong_usage(self):
        self.installed()
        for arguments in ((), ("everything",)):
            done = self.run_bootstrap(*arguments)
            self.assertEqual((done.returncode, done.stderr), (1, "bootstrap: usage: tools/bootstrap build|demo|test|bench\n"))


if __name__ == "__main__":
    unittest.main()
