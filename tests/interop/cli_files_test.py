#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the program does with files that are no files: directories, pipes, devices, other encodings, files that cannot be read.

usage: cli_files_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import os
import resource
import socket
import sqlite3
import subprocess

import cli_sandbox
from cli_sandbox import CliTest

MEBIBYTE = 1024 * 1024


class Dotenv(CliTest):
    """./.env decides which store is used, so that one which cannot be used must not be passed over."""

    def directory(self, path):
        path.mkdir()

    def pipe(self, path):
        os.mkfifo(path)

    def endless_device(self, path):
        path.symlink_to("/dev/zero")

    def empty_device(self, path):
        path.symlink_to("/dev/null")

    def loop(self, path):
        path.symlink_to(path.name)

    def unix_socket(self, path):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(path))

    def utf16(self, path):
        path.write_bytes("REDIS_URL=memory:\n".encode("utf-16"))

    def utf16_without_mark(self, path):
        path.write_bytes("REDIS_URL=memory:\n".encode("utf-16-le"))

    def latin1(self, path):
        path.write_bytes("# Zürich\nREDIS_URL=memory:\n".encode("latin-1"))

    def too_large(self, path):
        path.write_bytes(b"#" * (64 * 1024 + 1))

    def each(self, act):
        path = self.home / ".env"
        for make in (self.directory, self.pipe, self.endless_device, self.empty_device, self.loop, self.unix_socket, self.utf16,
                     self.utf16_without_mark, self.latin1, self.too_large):
            with self.subTest(make.__name__):
                make(path)
                try:
                    act()
                finally:
                    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

    def test_OneThatCannotBeUsedIsAnErrorAndNoOtherStore(self):
        def act():
            line = self.refused(2, "list", timeout=10)
            self.assertIn(".env", line)
            self.assertIn("--store", line)
            self.assertFalse((self.home / "state").exists(), "nothing was written elsewhere")
        self.each(act)

    def test_ItDoesNotMatterWhenTheStoreIsNamed(self):
        def act():
            for words, env in ((("--store", "memory:"), {}), ((), {"REDIS_URL": "memory:"})):
                ran = self.ok("list", *words, env=env, timeout=10)
                self.assertIn(".env", ran.errors)
                self.assertNotIn(".env", self.ok("list", *words, "--ttl", "1h", env=env, timeout=10).errors)
        self.each(act)

    def test_ItIsNotReadByCommandsWithoutAStore(self):
        self.file("servers.json", '{"mcpServers": {}}')
        self.each(lambda: self.assertEqual(self.ok("servers", "--servers", "servers.json", timeout=10).errors, ""))

    def test_NobodyMayReadIt(self):
        (self.home / ".env").write_text("REDIS_URL=memory:\n")
        (self.home / ".env").chmod(0)
        if os.geteuid() == 0:  # who may read everything
            for path in (self.home, self.home.parent):
                path.chmod(0o755)
            done = subprocess.run([cli_sandbox.PROGRAM, "list"], cwd=self.home, env=self.env, user=65534, group=65534, extra_groups=[],
                                  capture_output=True, timeout=10, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, b""), done.stderr)
            self.assertIn(b".env cannot be read: Permission denied", done.stderr)
        else:
            self.refused(2, "list", says=".env cannot be read: Permission denied")

    def test_OneThatIsNotThereMeansNone(self):
        self.ok("list")
        (self.home / ".env").symlink_to("nowhere")
        self.ok("list")

    def test_OneOfTheLargestSizeIsRead(self):
        text = "REDIS_URL=memory:\n#"
        (self.home / ".env").write_text(text + "x" * (64 * 1024 - len(text)))
        self.assertIn("store: memory", self.ok("list").errors)


class FileOptions(CliTest):
    def test_NothingButAFileIsReadAndTheErrorNamesIt(self):
        (self.home / "folder").mkdir()
        os.mkfifo(self.home / "pipe")
        for path in ("folder", "pipe", "/dev/zero", "nothing"):
            for words in (("servers", "--servers", path), ("token", "user:1", "--token-file", path),
                          ("serve", "--store", "memory:", "--servers", path), ("serve", "--store", "memory:", "--token-file", path),
                          ("set", "user:1", "github", "CONNECTED", "--store", "memory:", "--tools", path),
                          ("list", "--store", "memory:", "--ca-file", path)):
                with self.subTest(words):
                    self.assertIn(path, self.refused(2, *words, timeout=10))

    def test_WhatIsTooLargeIsNotRead(self):
        self.file("large", b" " * (17 * MEBIBYTE))
        for words in (("servers", "--servers", "large"), ("token", "user:1", "--token-file", "large"),
                      ("list", "--store", "memory:", "--ca-file", "large"),
                      ("set", "user:1", "github", "CONNECTED", "--store", "memory:", "--tools", "large")):
            self.refused(2, *words, says="large", timeout=10)


class ReadOnlyStores(CliTest):
    """An SQLite file that this user may read and not write."""

    def setUp(self):
        super().setUp()
        self.nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        self.home.chmod(0o755)
        self.folder = self.home / "theirs"
        self.folder.mkdir()
        self.path = self.folder / "state.db"
        self.env["REDIS_URL"] = f"sqlite:{self.path}"
        self.ok("set", "user:1", "github", "CONNECTED", "--tools", self.file("t.json", '[{"name":"search"}]'))
        self.path.chmod(0o644)

    def as_nobody(self, *words):
        if not self.nobody:  # the files are this user's own
            self.path.chmod(0o444)
            self.folder.chmod(0o555)
            self.addCleanup(self.folder.chmod, 0o755)
        return cli_sandbox.Ran(subprocess.run([cli_sandbox.PROGRAM, *words], cwd=self.home, env=self.env, capture_output=True,
                                              timeout=20, check=False, **self.nobody))

    def read_all(self):
        for words, shows in ((("list",), "user:1"), (("list", "user:1"), "github"), (("show", "user:1", "github"), "CONNECTED"),
                             (("tools", "user:1", "github", "--json"), "search"), (("stats",), "sqlite")):
            ran = self.as_nobody(*words)
            self.assertEqual(ran.code, 0, (words, ran.err))
            self.assertIn(shows, ran.text, words)

    def test_OneThatNobodyHasOpenIsRead(self):
        before = self.path.read_bytes()
        self.read_all()
        self.assertEqual(self.path.read_bytes(), before)
        self.assertEqual({path.name for path in self.folder.iterdir()}, {"state.db", "state.db-reserve"})

    def test_WhatAnotherProcessWritesIsSeen(self):
        child = self.start_cli("serve", "--listen", "127.0.0.1:0")
        child.stdout.readline()
        self.ok("set", "user:1", "later", "CONNECTED", "--tools", self.file("t.json", '[{"name":"new"}]'))
        self.read_all()
        self.assertIn("later", self.as_nobody("list", "user:1").text)

    def test_ItIsNotWritten(self):
        before = self.path.read_bytes()
        for words in (("set", "user:1", "x", "FAILED"), ("touch", "user:1"), ("disconnect", "user:1", "github"),
                      ("clear", "user:1", "--yes"), ("claim", "session:a", "user:1")):
            ran = self.as_nobody(*words)
            self.assertEqual((ran.code, ran.out), (3, b""), words)
            self.assertIn("cannot be written", ran.errors)
        self.assertEqual(self.path.read_bytes(), before)

    def test_OneThatCannotBeReadIsAnError(self):
        self.path.chmod(0o600)
        ran = self.as_nobody("list")
        self.assertEqual((ran.code, ran.out), (3, b""))

    def test_NamesThatMeanSomethingInAUriAreNames(self):
        for name in ("what?immutable=0.db", "a#b.db", "100%25.db"):
            path = self.folder / name
            path.write_bytes(self.path.read_bytes())
            path.chmod(0o644)
            ran = self.as_nobody("list", "user:1", "--store", f"sqlite:{path}")
            self.assertEqual(ran.code, 0, (name, ran.err))
            self.assertIn("github", ran.text)


class Encodings(CliTest):
    def test_AFileInAnotherEncodingIsRefusedAndLeftAlone(self):
        for encoding in ("UTF-16", "UTF-16le", "UTF-16be"):
            path = self.home / f"{encoding}.db"
            file = sqlite3.connect(path)
            file.executescript(f"PRAGMA encoding = '{encoding}'; CREATE TABLE a (b); DROP TABLE a;")
            file.close()
            before = path.read_bytes()
            for words in (("list",), ("set", "user:é", "a", "CONNECTED")):
                self.refused(3, *words, "--store", f"sqlite:{path}", says="UTF-16")
            self.assertEqual(path.read_bytes(), before)

    def test_OneInUtf8IsTaken(self):
        path = self.home / "utf8.db"
        file = sqlite3.connect(path)
        file.executescript("PRAGMA encoding = 'UTF-8'; CREATE TABLE a (b); DROP TABLE a;")
        file.close()
        self.ok("list", "--store", f"sqlite:{path}")
        self.ok("set", "user:é", "a", "CONNECTED", "--store", f"sqlite:{path}")


class Refusals(CliTest):
    def test_WithoutDescriptorsThereIsASentenceAndNoAbort(self):
        for count in range(4, 9):
            done = subprocess.run([cli_sandbox.PROGRAM, "list", "--store", "memory:"], cwd=self.home, env=self.env,
                                  preexec_fn=lambda n=count: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)),
                                  capture_output=True, timeout=20, check=False)
            self.assertIn(done.returncode, (0, 3), (count, done.stderr))
            if done.returncode:
                self.assertRegex(done.stderr, rb"\Amcpstate: .*\n\Z")
                self.assertIn(b"open files", done.stderr)


if __name__ == "__main__":
    import sys
    cli_sandbox.main(sys.argv)
