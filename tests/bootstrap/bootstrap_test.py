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
BUILD_13 = ("g++ make cmake ninja-build libboost-dev libboost-url-dev libssl-dev libsqlite3-dev zlib1g-dev libcli11-dev "
            "prometheus-cpp-dev ca-certificates").split()
USAGE = "bootstrap: usage: tools/bootstrap [--print] build|native|demo|test|bench\n"


class BootstrapTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.calls = self.path / "calls"
        for name in BASE:
            (self.path / name).symlink_to(shutil.which(name))
        self.play("sudo", 'exec "$@"')
        self.system("debian", "12")

    def play(self, name, script):
        program = self.path / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)

    def installed(self, *packages):
        lines = "".join(f"{name} installed\\n" for name in packages)
        self.play("dpkg-query", f"printf '{lines}'; exit 1")

    def system(self, name, version, **more):
        (self.path / "os-release").write_text(
            f'PRETTY_NAME="{name.title()} Linux {version}"\nID={name}\nVERSION_ID="{version}"\n', encoding="utf-8")
        self.variables = {"MCPSTATE_OS_RELEASE": str(self.path / "os-release"), **more}

    def apt(self, code=0):
        self.play("apt-get", f'echo "$*" >> {self.calls}; exit {code}')

    def run_bootstrap(self, *arguments):
        return subprocess.run([CHECKOUT / "tools/bootstrap", *arguments], env={**os.environ, **self.variables, "PATH": str(self.path)},
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

    def test_debian_13_gets_its_own_packages(self):
        self.system("debian", "13")
        self.installed(*[name for name in BUILD_13 if name != "libboost-url-dev"])
        self.apt()
        done = self.run_bootstrap("build")
        self.assertEqual((done.returncode, done.stdout), (0, "bootstrap: installing libboost-url-dev\n"), done.stderr)
        self.installed(*BUILD)
        self.assertEqual(self.run_bootstrap("build").stdout, "bootstrap: installing libboost-dev libboost-url-dev\n")

    def test_a_newer_boost_of_the_backports_stays(self):
        self.installed(*[name for name in BUILD if "boost" not in name], "libboost-url1.83-dev")
        self.apt()
        done = self.run_bootstrap("build")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def printed(self, mode):
        done = self.run_bootstrap("--print", mode)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def test_printing_installs_nothing_and_names_what_this_system_needs(self):
        self.installed()
        self.apt()
        self.assertEqual(self.printed("build"), BUILD)
        native, test, bench = (self.printed(mode) for mode in ("native", "test", "bench"))
        self.assertEqual(self.printed("demo"), [*BUILD, "nodejs", "npm"])
        self.assertLess({*BUILD, "clang", "redis-server"}, {*native})
        self.assertLess({*native, "chromium", "mmdebstrap", "nodejs", "npm"}, {*test})
        self.assertLess({*test, "postgresql"}, {*bench})
        for of_13 in ("valkey-server", "libclang-rt-19-dev"):
            self.assertNotIn(of_13, bench)
        self.system("debian", "13")
        self.assertEqual(self.printed("build"), BUILD_13)
        self.assertLess({*BUILD_13, "valkey-server", "redis-server", "libclang-rt-19-dev"}, {*self.printed("native")})
        for of_12 in ("libboost1.81-dev", "libclang-rt-14-dev", "mmdebstrap"):
            self.assertNotIn(of_12, self.printed("bench"))
        self.assertEqual(self.apt_calls(), [])

    def test_a_system_that_is_not_known_gets_the_list_in_words(self):
        self.installed()
        self.apt()
        for name, version in (("fedora", "42"), ("debian", "11"), ("debian", "")):
            self.system(name, version)
            words = self.printed("test")
            self.assertIn("a C++20 compiler, GCC 12 or newer", words)
            self.assertIn("Node.js 18 or newer with npm", words)
            self.assertNotIn("g++", words)
            done = self.run_bootstrap("test")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            first, *rest = done.stderr.splitlines()
            self.assertIn(f"not Debian 12 or 13 but {name.title()} Linux {version}".rstrip(), first)
            self.assertEqual(rest, words)
        self.assertNotIn("Node.js 18 or newer with npm", self.printed("native"))
        self.assertEqual(self.apt_calls(), [])

    def test_whoever_knows_better_says_which_system_it_is(self):
        self.installed(*BUILD_13)
        self.apt()
        self.system("mint", "7", MCPSTATE_SYSTEM="debian13")
        done = self.run_bootstrap("build")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.system("fedora", "42", MCPSTATE_SYSTEM="other")
        (self.path / "dpkg-query").unlink()
        done = self.run_bootstrap("build")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        without_node = self.run_bootstrap("demo")
        self.assertEqual((without_node.returncode, without_node.stderr),
                         (1, "bootstrap: Node 18 or newer is needed; found none\n"))

    def test_wrong_usage(self):
        self.installed()
        for arguments in ((), ("everything",), ("--print",), ("--print", "everything")):
            done = self.run_bootstrap(*arguments)
            self.assertEqual((done.returncode, done.stderr), (1, USAGE))


if __name__ == "__main__":
    unittest.main()
