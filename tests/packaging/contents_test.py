#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the Debian package leaves behind, links to and is blamed for, and how the program in it was built.

usage: contents_test.py BUILD_DIRECTORY [hardened]
"""
import glob
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

BUILD, HARDENED = None, False


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **more)
    assert done.returncode == 0, f"{shlex.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


class Contents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temp = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temp.cleanup)
        cls.temp = pathlib.Path(temp.name)
        run("cpack", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", temp.name, cwd=BUILD)
        cls.deb, = glob.glob(temp.name + "/*.deb")
        cls.tree = cls.temp / "tree"
        run("dpkg-deb", "-x", cls.deb, cls.tree)

    def test_NoPageLinksToAFileThatIsNotThere(self):
        pages = sorted((self.tree / "usr/share/doc/mcpstate").glob("*.md"))
        self.assertEqual(len(pages), 10)
        links = 0
        for page in pages:
            text = page.read_text(encoding="utf-8")
            self.assertNotRegex(text, r"!\[[^]]*\]\(", page.name)
            headings = {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
                        for line in text.split("\n") if line.startswith("#")}
            for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.S)):
                if ":" in target:
                    continue
                links += 1
                name, _, part = target.partition("#")
                self.assertTrue(not name or (page.parent / name).is_file(), f"{page.name}: {target}")
                self.assertTrue(name or part in headings, f"{page.name}: {target}")
        self.assertGreater(links, 10)

    def test_APurgeLeavesNothingAndARemovalTheState(self):
        root = self.temp / "root"
        for name in ("info", "updates"):
            (root / "var/lib/dpkg" / name).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        dpkg = ("dpkg", f"--root={root}", "--force-depends", "--force-script-chrootless", "--force-not-root", "--force-bad-path",
                f"--log={self.temp}/dpkg.log")
        run(*dpkg, "-i", self.deb)
        state = root / "var/lib/private/mcpstate"
        state.mkdir(parents=True)
        (state / "state.db").write_text("who is connected to what")
        (root / "var/lib/mcpstate").symlink_to("private/mcpstate")
        (root / "etc/mcpstate").mkdir()
        (root / "etc/mcpstate/tokens").write_text("the operator's")
        run(*dpkg, "--remove", "mcpstate")
        self.assertTrue((state / "state.db").exists())
        self.assertTrue((root / "etc/default/mcpstate").exists())
        run(*dpkg, "--purge", "mcpstate")
        left = {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir() and "var/lib/dpkg" not in str(path)}
        self.assertEqual(left, {"etc/mcpstate/tokens"})
        self.assertFalse(os.path.lexists(root / "var/lib/mcpstate"))

    def test_LintianFindsNoError(self):
        done = subprocess.run(["lintian", "--fail-on", "error", "--no-tag-display-limit", self.deb], capture_output=True, text=True,
                              timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_TheProgramIsStripped(self):
        self.assertNotIn(".symtab", run("readelf", "-SW", self.tree / "usr/bin/mcpstate"))

    def test_AReleaseIsHardened(self):
        """What dpkg-buildflags asks for. Only an optimised build is: the others look for faults in other ways."""
        program = self.tree / "usr/bin/mcpstate"
        self.assertIn("DYN (Position-Independent Executable file)", run("readelf", "-hW", program))
        segments = run("readelf", "-lW", program)
        self.assertIn("GNU_RELRO", segments)
        self.assertRegex(segments, r"GNU_STACK +\S+ \S+ \S+ \S+ \S+ RW ")
        if HARDENED:
            self.assertRegex(run("readelf", "-dW", program), r"FLAGS.*\bNOW\b")
            symbols = run("readelf", "--dyn-syms", "-W", program)
            self.assertIn("__stack_chk_fail@", symbols)
            self.assertRegex(symbols, r"__(memcpy|memmove|snprintf|read|vsnprintf|fprintf|fdelt)_chk@")


if __name__ == "__main__":
    BUILD, HARDENED = os.path.abspath(sys.argv[1]), "hardened" in sys.argv[2:]
    unittest.main(argv=sys.argv[:1], verbosity=2)
