#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/layers finds each violation it knows, and nothing in a clean tree. usage: layers_test.py CHECKOUT"""
import importlib.machinery
import importlib.util
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKOUT = pathlib.Path(sys.argv.pop(1)).resolve()
SPDX = "// SPDX-License-Identifier: MIT\n"

CLEAN = {
    "src/CMakeLists.txt": "core/keys.cpp store/put.cpp redis/session_fsm.cpp store/big.cpp core/clock.cpp store/task.cpp "
                          "store/common_things.cpp redis/a.cpp",
    "src/core/keys.cpp": '#include <mcpstate/core/keys.hpp>\nconst char* a = ":server:";\n',
    "src/redis/session_fsm.cpp": '#include "redis/session_fsm.hh"\n',
    "src/redis/session_fsm.hh": "#include <string>\n",
    "src/store/put.cpp": '#include <mcpstate/store.hpp>\n#include "core/text/quoted.hh"\n'
                         "// asio::detached and sleep_for are only named in this comment: TO-DO\n"
                         "task<void> put(std::string a) {\n"
                         "  auto [x, y] = co_await read(std::move(a), items[0], table[1]);\n"
                         "  auto init = [a](int b) { return b; };\n"
                         "  if (auto r = co_await later(init); !r) {\n    co_return fail();\n  }\n"
                         "  co_await (*store)->close();\n"
                         "  co_await run([] { return 1; });\n"
                         "  co_await eventually([&] { return a == b; });\n"
                         "  const std::vector<int> all{1, 2};\n}\n",
    "src/store/redis/script.hh": '#include "store/rows/row.hh"\n#include "core/keys.hh"\n',
    "src/store/rows/row.hh": '#include <mcpstate/store.hpp>\n',
    "include/mcpstate/manager/place.hpp": "#include <string>\n",
    "include/mcpstate/store.hpp": "#include <mcpstate/core/keys.hpp>\n",
    "include/mcpstate/core/keys.hpp": "#include <string>\n",
    "tests/unit/CMakeLists.txt": "put_test.cpp",
    "tests/unit/put_test.cpp": 'TEST(put, works) { EXPECT_EQ(name("DISABLED_"), "GTEST_SKIP"); }\n',
}

# path, text, and the rule that must be reported for it.
VIOLATIONS = [
    ("src/store/rows/row.cpp", '#include "store/redis/script.hh"\n', "layer"),
    ("src/store/put.cpp", '#include "store/redis/script.hh"\n', "layer"),
    ("src/service/events/log.cpp", '#include <mcpstate/manager/place.hpp>\n', "layer"),
    ("src/store/cluster/a.cpp", "int x;\n", "layer"),
    ("src/mcp/protocol/era.cpp", "#include <boost/asio/steady_timer.hpp>\n", "pure"),
    ("src/core/keys.cpp", '#include "store/put.hh"\n', "layer"),
    ("src/redis/a.cpp", "#include <mcpstate/store.hpp>\n", "layer"),
    ("include/mcpstate/core/keys.hpp", "#include <mcpstate/aio/task.hpp>\n", "layer"),
    ("src/engine/run.cpp", "int run();\n", "layer"),
    ("include/mcpstate/store.hpp", "#include <store/put.hh>\n", "public-header"),
    ("include/mcpstate/store.hpp", '#include "mcpstate/core/keys.hpp"\n', "public-header"),
    ("src/core/clock.cpp", "#include <boost/asio/steady_timer.hpp>\n", "pure"),
    ("src/redis/session_fsm.cpp", "#include <boost/asio/ip/tcp.hpp>\n", "pure"),
    ("src/redis/session_fsm.hh", "#include <mcpstate/aio/task.hpp>\n", "pure"),
    ("src/store/big.cpp", "int x;\n" * 400, "size"),
    ("include/mcpstate/store.hpp", "int x();\n" * 250, "size"),
    ("src/store/common_things.cpp", "int x;\n", "name"),
    ("src/store/put.cpp", None, "licence"),
    ("src/store/put.cpp", "// TODO: later\n", "unfinished"),
    ("src/store/task.cpp", "void f() { co_spawn(ex, g(), asio::detached); }\n", "detached"),
    ("tests/unit/put_test.cpp", "void f() { std::this_thread::sleep_for(1s); }\n", "sleep"),
    ("src/store/put.cpp", "void f() { ::usleep(3); }\n", "sleep"),
    ("tests/unit/put_test.cpp", "TEST(a, b) { GTEST_SKIP(); }\n", "skipped-test"),
    ("tests/unit/put_test.cpp", "TEST(a, DISABLED_b) {}\n", "skipped-test"),
    ("src/store/task.cpp", "task<int> f(std::string_view text);\n", "string-view-parameter"),
    ("src/store/task.cpp", "task<void> f() { co_await put(record{1, 2}); }\n", "awaited-braces"),
    ("src/store/task.cpp", "task<void> f() { co_await put({.id = 1}); }\n", "awaited-braces"),
    ("src/store/task.cpp", "task<void> f() { co_await put(std::vector<int>{1}); }\n", "awaited-braces"),
    ("src/store/task.cpp", "task<void> f() { co_await run([s] { return s; }); }\n", "awaited-lambda"),
    ("src/store/task.cpp", "task<void> f() { co_await run([&a, s = std::move(b)] { return s; }); }\n", "awaited-lambda"),
    ("src/store/task.cpp", "auto f = [s]() -> task<int> { co_return s; };\n", "lambda-coroutine"),
    ("src/store/task.cpp", 'std::string k = prefix + ":server:" + name;\n', "key"),
    ("src/store/forgotten.cpp", "int x;\n", "unlisted"),
]


class LayersTest(unittest.TestCase):
    def run_on(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            done = subprocess.run([CHECKOUT / "tools/layers", folder], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout

    @staticmethod
    def licensed(files):
        return {name: text if name.endswith(".txt") else SPDX + text for name, text in files.items()}

    def test_clean_tree(self):
        code, out = self.run_on(self.licensed(CLEAN))
        self.assertEqual((code, out.splitlines()[:-1]), (0, []))

    def test_empty_tree_is_no_success(self):
        self.assertEqual(self.run_on({"README.md": ""})[0], 1)

    def test_each_violation_is_found(self):
        for path, text, rule in VIOLATIONS:
            with self.subTest(path=path, rule=rule):
                files = self.licensed(CLEAN)
                files[path] = "int unlicensed;\n" if text is None else SPDX + text
                code, out = self.run_on(files)
                self.assertEqual(code, 1, out)
                self.assertRegex(out, rf"(?m)^{path}:\d+: {rule}: ")

    def test_a_crowded_folder_is_found(self):
        files = self.licensed(CLEAN)
        for number in range(29):
            files[f"src/store/redis/part{number}.hh"] = SPDX
        self.assertEqual(self.run_on(files)[0], 0)
        files["src/store/redis/part29.hh"] = SPDX
        code, out = self.run_on(files)
        self.assertEqual(code, 1, out)
        self.assertRegex(out, r"(?m)^src/store/redis:1: crowd: 31 files")

    def test_the_table_itself_allows_no_arrow_back_up(self):
        loader = importlib.machinery.SourceFileLoader("layers", str(CHECKOUT / "tools/layers"))
        layers = importlib.util.module_from_spec(importlib.util.spec_from_loader("layers", loader))
        loader.exec_module(layers)
        checker = layers.Checker(CHECKOUT)
        for folder, above in (("core", "store"), ("store", "store/redis"), ("store/rows", "store/*"), ("core", "kernel")):
            with self.subTest(folder=folder, above=above):
                table = dict(layers.FOLDERS)
                layers.FOLDERS[folder] = [*table[folder], above]
                checker.faults = []
                checker.check_table()
                layers.FOLDERS = table
                self.assertEqual([fault.split(": ")[1] for fault in checker.faults], ["table"])

    def test_this_checkout(self):
        done = subprocess.run([CHECKOUT / "tools/layers"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, "\n" + done.stdout)


if __name__ == "__main__":
    unittest.main()
