#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Takes the examples out of the public headers, for a program that runs them. usage: extract_examples.py INCLUDE OUTPUT NAME...

An example is what stands behind "//     " (five blanks) with a statement in it, or a JSON object. mcpstate/core/error.hpp has core_error.inc.
Only the addresses become those of servers that tests start. Fails unless just the headers NAME... have examples.
"""
import pathlib
import re
import sys

ADDRESSES = {'"redis://localhost:6379/0"': "EXAMPLE_STORE", '"http://127.0.0.1:3001/mcp"': "EXAMPLE_SERVER"}


def examples(text):
    for block in re.findall(r"(?:^//     .*\n)+", text, re.M):
        code = re.sub(r"^//     ", "", block, flags=re.M)
        if re.search(r";\s*(//.*)?$", code, re.M):
            for address, macro in ADDRESSES.items():
                code = code.replace(address, macro)
            yield code
        elif code.startswith('{"mcpServers"'):
            yield f'R"json({code})json"\n'


def main(include, output, *expected):
    found = {}
    for path in sorted(pathlib.Path(include, "mcpstate").rglob("*.hpp")):
        blocks = list(examples(path.read_text(encoding="utf-8")))
        if blocks:
            name = "_".join(path.relative_to(pathlib.Path(include, "mcpstate")).with_suffix("").parts)
            found[name] = "".join(blocks)
    if sorted(found) != sorted(expected):
        sys.exit(f"headers with examples: {sorted(found)}; the test runs {sorted(expected)}")
    for name, code in found.items():
        pathlib.Path(output, name + ".inc").write_text(code, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
