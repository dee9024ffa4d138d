#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/servers without an archive: apt-get and dpkg-deb are played by small programs in PATH. usage: servers_test.py CHECKOUT"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CHECKOUT = pathlib.Path(sys.argv.pop(1)).resolve()
BASE = ("bash", "awk", "cat", "chmod", "dirname", "find", "head", "mkdir", "mv", "paste", "rm", "sed", "sh", "sort", "touch")
LOADER = "lib64/ld-linux-x86-64.so.2"
# What the packages hold: a loader that takes its options, and runs the program.
UNPACK = f"""for tree; do :; done
mkdir -p "$tree/lib64" "$tree/usr/bin"
printf '#!/bin/sh\\nshift 4\\nexec "$@"\\n' > "$tree/{LOADER}"
printf '#!/bin/sh\\necho "Valkey server v=8.0.1 sha=0"\\n' > "$tree/usr/bin/valkey-server"
chmod 755 "$tree/{LOADER}" "$tree/usr/bin/valkey-server"
"""


class ServersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "bin"
        self.path.mkdir()
        self.root = pathlib.Path(folder.name) / "servers"
        self.calls = pathlib.Path(folder.name) / "calls"
        for name in BASE:
            (self.path / name).symlink_to(shutil.which(name))
        self.play_apt()
        self.play("dpkg-deb", UNPACK)

    def play(self, name, script):
        program = self.path / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)

    def play_apt(self, mirror="http://mirror.example/debian/", code=0):
        self.play("apt-get", f'if [ "$1" = indextargets ]; then echo {mirror}; exit; fi\necho "$*" >> {self.calls}\n'
                  'for word; do case $word in Dir::Cache=*) touch "${word#Dir::Cache=}/archives/one.deb" ;; esac; done\n' + f"exit {code}")

    def run_tool(self, *arguments):
        return subprocess.run([CHECKOUT / "tools/servers", *arguments], capture_output=True, text=True, check=False,
                              env={"PATH": str(self.path), "MCPSTATE_SERVERS_ROOT": str(self.root)})

    def test_a_server_is_unpacked_once_and_runs(self):
        done = self.run_tool("valkey-8.0")
        self.assertEqual(done.returncode, 0, done.stderr)
        program = done.stdout.strip()
        self.assertEqual(program, str(self.root / "valkey-8.0/valkey-server"))
        self.assertIn("v=8.0.1", subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout)
        update, install = self.calls.read_text("utf-8").splitlines()
        self.assertTrue(update.endswith(" update"), update)
        self.assertTrue(install.endswith("-t bookworm-backports --download-only -y install valkey-server"), install)
        for words in (update, install):
            self.assertIn("Dir::State::status=", words)  # of its own: nothing of this system is asked or changed
        self.assertEqual(self.run_tool("valkey-8.0").stdout.strip(), program)
        self.assertEqual(len(self.calls.read_text("utf-8").splitlines()), 2)
        self.assertEqual(self.run_tool("--have").stdout, "valkey-8.0: Valkey server v=8.0.1 sha=0\n")
        self.assertEqual(self.run_tool("--path", "valkey-8.0").stdout.strip(), program)

    def test_without_an_archive_there_is_no_server(self):
        self.play_apt(code=100)
        done = self.run_tool("redis-8.0")
        self.assertEqual((done.returncode != 0, done.stdout), (True, ""))
        self.assertEqual(self.run_tool("--have").stdout, "")
        self.assertEqual(self.run_tool("--path", "redis-8.0").stdout, "")
        self.play_apt(mirror="")
        self.assertIn("servers: apt knows no mirror of Debian here", self.run_tool("redis-8.0").stderr)

    def test_packages_without_the_server_are_refused(self):
        done = self.run_tool("redis-8.0")  # what is unpacked here is Valkey
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("servers: there is no redis-server in what was downloaded", done.stderr)
        self.assertEqual(self.run_tool("--have").stdout, "")

    def test_names_are_told(self):
        self.assertEqual(self.run_tool("redis-9").stderr,
                         "servers: there is no server named redis-9; tools/servers --list shows those that there are\n")
        self.assertIn("valkey-8.1: valkey-server of trixie\n", self.run_tool("--list").stdout)
        self.assertEqual(self.run_tool().returncode, 2)


if __name__ == "__main__":
    unittest.main()
