#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/guarantees finds each violation it knows, and nothing in a clean tree. usage: guarantees_test.py CHECKOUT"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKOUT = pathlib.Path(sys.argv.pop(1)).resolve()

CLEAN = {
    "README.md": "# x\n\n- **not here**\n\n## What is guaranteed\n\n- **G1. Everything expires.** Each record\n  has a time to live.\n"
                 "- **G2. No ghosts.** Nobody.\n\n## In C++\n\n- no guarantee\n",
    "ARCHITECTURE.md": "## Invariants\n\n| id | invariant | proved by |\n|---|---|---|\n| I1 | A TTL each | `Records.Expire` |\n",
    "SECURITY.md": "## Threat model\n\n| nobody reads `tokens.txt` | `Records.Expire` |\n",
    "tests/CMakeLists.txt": "mcpstate_test(unit_store)\nforeach(name interop)\nadd_test(NAME ${name})\nadd_test(NAME contract_${name})\nendforeach()\n# gone\n",
    "tests/unit/store_test.cpp": "TEST(Records, Expire) {}\nCO_TEST(Records,\n        Wait) {}\nTEST_P(kinds, each) {}\nSTORE_TEST(NoGhost) {}\n"
                                 "STORE_TEST_WITH(ExpiresARecord, some()) {}\n",
    "tests/interop/interop_test.py": "class Ghosts(unittest.TestCase):\n    def test_none(self):\n        pass\n",
    "docs/adr/0007-ghosts.md": "# 7. No ghosts\n",
    "docs/adr/README.md": "# Decisions\n",
    "tests/guarantees.txt": "A7 unit_store Records.Wait\n# id ctest test\nG1 unit_store Records.Expire  # first\nG1 contract_interop Store.ExpiresARecord\n"
                            "\nG2 interop Ghosts.test_none\nG2 unit_store Store.NoGhost\nG2 unit_store Records.Wait\n"
                            "I1 unit_store Records.Expire\n",
}

# path, what is replaced by what, and where the fault with which rule must be reported.
VIOLATIONS = [
    ("README.md", "**G2. No", "**No", r"README.md:9: no-id"),
    ("README.md", "**G2. No", "**G1. No", r"README.md:9: twice"),
    ("README.md", "## What is guaranteed", "## Promises", r"README.md:1: empty"),
    ("README.md", "\n\n## In C++", "\n- **G3. More.** More.\n\n## In C++", r"README.md:10: untested: G3"),
    ("ARCHITECTURE.md", "| I1 |", "| I2 |", r"ARCHITECTURE.md:5: untested: I2"),
    ("ARCHITECTURE.md", "Records.Expire", "Records.Wait", r"ARCHITECTURE.md:5: unmapped: Records.Wait"),
    ("SECURITY.md", "Records.Expire", "Records.Gone", r"SECURITY.md:3: no-test: Records.Gone"),
    ("tests/guarantees.txt", "G2 interop Ghosts.test_none", "G4 interop Ghosts.test_none", r"tests/guarantees.txt:6: unknown-id: G4"),
    ("tests/guarantees.txt", "Ghosts.test_none", "Ghosts.test_some", r"tests/guarantees.txt:6: no-test"),
    ("tests/guarantees.txt", "Ghosts.test_none", "Others.test_none", r"tests/guarantees.txt:6: no-test"),
    ("tests/guarantees.txt", "Store.NoGhost", "Store.Gone", r"tests/guarantees.txt:7: no-test"),
    ("tests/guarantees.txt", "G2 interop", "G2 gone", r"tests/guarantees.txt:6: no-ctest"),
    ("tests/guarantees.txt", "G2 interop Ghosts.test_none", "G2 Ghosts.test_none", r"tests/guarantees.txt:6: form"),
    ("tests/guarantees.txt", "A7 unit_store Records.Wait", "", r"docs/adr/0007-ghosts.md:1: untested: A7"),
    ("tests/guarantees.txt", "A7 unit_store", "A8 unit_store", r"tests/guarantees.txt:1: unknown-id: A8"),
    ("tests/unit/store_test.cpp", "STORE_TEST(NoGhost)", "// STORE_TEST(NoGhost)", r"tests/guarantees.txt:7: no-test"),
]


class GuaranteesTest(unittest.TestCase):
    def run_on(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            done = subprocess.run([CHECKOUT / "tools/guarantees", folder], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout

    def test_clean_tree(self):
        code, out = self.run_on(CLEAN)
        self.assertEqual((code, out.splitlines()), (0, ["guarantees: 4 ids, 7 tests, 0 violations"]))

    def test_empty_tree_is_no_success(self):
        self.assertEqual(self.run_on({"LICENSE": ""})[0], 1)

    def test_each_violation_is_found(self):
        for path, old, new, report in VIOLATIONS:
            with self.subTest(report=report):
                self.assertIn(old, CLEAN[path])
                code, out = self.run_on({**CLEAN, path: CLEAN[path].replace(old, new, 1)})
                self.assertEqual(code, 1, out)
                self.assertRegex(out, rf"(?m)^{report}")

    def test_this_checkout(self):
        done = subprocess.run([CHECKOUT / "tools/guarantees"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, "\n" + done.stdout)


if __name__ == "__main__":
    unittest.main()
