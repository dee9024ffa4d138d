#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/coroutine_types finds each aggregate that a coroutine takes. usage: coroutine_types_test.py CHECKOUT"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKOUT = pathlib.Path(sys.argv.pop(1)).resolve()

# What a public header says, and the name of the type that must be reported.
FAULTS = {
    "struct plain { int a = 0; };\ntask<void> take(plain what);\n": "plain",
    "struct base {};\nstruct derived : base { std::string a; };\ntask<std::map<int, int>> take(int a, const derived what = {});\n": "derived",
    "struct inner { int a; };\ntask<void> take(std::optional<inner> what);\n": "inner",
    "struct a1 { int a; };\nstruct b1 { b1() {} };\nusing either = std::variant<b1, a1>;\nasio::awaitable<void> take(space::either what);\n": "a1",
    "// plain() {}\nstruct plain {\n  // plain() {}\n  std::string text = \"plain(1)\";\n};\nboost::asio::awaitable<void> kind::take(plain what) {": "plain",
    "struct holder {\n  struct nested { int a; };\n  virtual task<bool> take(nested what) = 0;\n};\n": "nested",
}
SOUND = [
    "struct plain { plain() {} int a = 0; };\ntask<void> take(plain what);\n",
    "struct plain { explicit plain(int b) : a(b) {} int a; };\ntask<void> take(plain what);\n",
    "struct plain { int a; };\ntask<void> take(const plain& what, plain* where, std::vector<plain> all);\nresult<void> take(plain what);\n",
    "class hidden { int a; };\ntask<void> take(hidden what);\n",
    "enum class kind { one };\nenum struct other { one };\ntask<void> take(kind what, other that);\n",
]


def check(header, *words):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "include", "mcpstate", "a.hpp")
        path.parent.mkdir(parents=True)
        path.write_text(header, encoding="utf-8")
        done = subprocess.run([sys.executable, CHECKOUT / "tools/coroutine_types", *words, folder], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


class CoroutineTypes(unittest.TestCase):
    def test_FindsEveryAggregateThatIsPassed(self):
        for header, name in FAULTS.items():
            with self.subTest(header=header):
                code, said = check(header)
                self.assertEqual(code, 1, said)
                self.assertIn(f": {name} is passed to coroutines", said)
                self.assertEqual(said.count("\n"), 1, said)

    def test_FindsNothingElse(self):
        for header in SOUND:
            with self.subTest(header=header):
                self.assertEqual(check(header), (0, ""))

    def test_ThisCheckoutHasNone(self):
        done = subprocess.run([sys.executable, CHECKOUT / "tools/coroutine_types"], capture_output=True, text=True, check=False)
        self.assertEqual(done.stdout + done.stderr, "")

    # The list of the test that makes and passes each of them, under AddressSanitizer, too.
    def test_EveryPublicTypeThatIsPassedIsTried(self):
        done = subprocess.run([sys.executable, CHECKOUT / "tools/coroutine_types", "--list"], capture_output=True, text=True, check=True)
        tried = (CHECKOUT / "tests/headers/parameters_test.cpp").read_text(encoding="utf-8")
        for name in done.stdout.split():
            self.assertRegex(tried, rf"\b{name}\b")


if __name__ == "__main__":
    unittest.main(verbosity=2)
