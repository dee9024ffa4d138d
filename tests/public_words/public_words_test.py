#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the public words of the program with tests/public_words.txt.

usage: public_words_test.py SOURCE_DIRECTORY PROGRAM [--print]

Public words are what users' programs, dashboards and scripts depend on: metrics, problem types, error codes, JSON members, routes,
commands and options, environment variables, exit codes, log events, make targets, names of programs. One line of the list is
KIND WORD. With --print the list is printed as the sources and the program have it.
"""
import json
import pathlib
import re
import subprocess
import sys

ADVICE = """
A word that is gone breaks what users have built. Put it back. If it changes on purpose, keep the old word beside the new one
for one release, say so in CHANGELOG.md, and then change tests/public_words.txt.
A word that is new is a promise. Document it, and add its line to tests/public_words.txt."""

# Kinds whose words are texts in the code: how new ones are found may depend on names in the code, but whether a listed one is
# still there does not.
TEXT_KINDS = {"log-event", "json-member"}
# How a log event is written: log.warn("…"), log.write(level, "…"), log_line(style, time, level, "…"), and remarks of the manager.
LOG_CALLS = (re.compile(r'\b(?:log|log_|journal|journal_|out)\.(?:debug|info|warn|error|write)\(\s*(?:\w+,\s*)?"([^"]+)"'),
             re.compile(r'\blog_line\((?:[^;"]*?)"([^"]+)"'),
             re.compile(r'\bremark\((?:name\(\),\s*)?\s*"([^":;]+)'))
# How a member of a JSON object is written (and read from the body of a request): members.text("…", value).
JSON_CALLS = re.compile(r'[\w)]\.(?:text|number|raw|boolean|flag|time)\("([a-z_]+)"')


class Collector:
    def __init__(self, root, program):
        self.root, self.program = root, program
        self.words = {}
        # Without comments, whose examples are no promises.
        self.sources = {path.relative_to(root): re.sub(r"(?m)^\s*//.*$", "", path.read_text(encoding="utf-8"))
                        for folder in ("src", "include") for path in sorted((root / folder).rglob("*"))
                        if path.suffix in (".cpp", ".hh", ".hpp")}
        self.openapi = self.one_file("openapi.json", lambda text: json.loads(text))

    def add(self, kind, words):
        found = set(words)
        if not found:
            sys.exit(f"public_words: no {kind} was found; the test looks in the wrong place")
        self.words.setdefault(kind, set()).update(found)

    def one_file(self, name, read):
        """What a file of this name, wherever it stands in src, says."""
        found = sorted((self.root / "src").rglob(name))
        if len(found) != 1:
            sys.exit(f"public_words: {len(found)} files are called {name}")
        return read(found[0].read_text(encoding="utf-8"))

    def in_sources(self, pattern, folder="src", but=None):
        return [word for path, text in self.sources.items() if path.is_relative_to(folder) and not (but and path.is_relative_to(but))
                for word in re.findall(pattern, text)]

    def collect(self):
        self.add("metric", self.in_sources(r'"((?:mcpstate|process)_[a-z_]+)"', "src/service"))
        self.add("problem", self.one_file("problem.cpp", lambda text: re.findall(r'\{"([a-z-]+)", \d{3}, "', text)))
        self.add("error", self.one_file("error.cpp", lambda text: re.findall(r'return "([a-z_]+)";', text)))
        self.add("exit-code", self.in_sources(r"inline constexpr int \w+ = (\d);", "src/cli"))
        self.add("environment", self.in_sources(r'"((?:MCPSTATE_(?!FAULT)|REDIS_)[A-Z_]+)"'))
        self.collect_openapi()
        # What doctor reads by name are the fields of INFO.
        self.add("json-member", self.in_sources(JSON_CALLS, but="src/store/redis/doctor"))
        for pattern in LOG_CALLS:
            self.words.setdefault("log-event", set()).update(
                word for path, text in self.sources.items() if path.parts[1] in ("service", "manager", "cli")
                for word in pattern.findall(text))
        self.add("log-event", self.words["log-event"])
        self.collect_commands()
        makefile = (self.root / "Makefile").read_text(encoding="utf-8")
        self.add("make-target", re.findall(r"^([a-z][a-z-]*):", makefile, re.M))
        self.add("program", re.findall(r"\bbuild/release/mcpstate\b", makefile))
        conformance = (self.root / "tests/conformance/CMakeLists.txt").read_text(encoding="utf-8")
        self.add("program", re.findall(r"mcpstate_program\((mcpstate-\w+)", conformance))
        return {f"{kind} {word}" for kind, words in self.words.items() for word in words}

    def collect_openapi(self):
        def members(node):
            if isinstance(node, list):
                for each in node:
                    yield from members(each)
            elif isinstance(node, dict):
                properties = node.get("properties")
                if isinstance(properties, dict):
                    yield from properties
                for each in node.values():
                    yield from members(each)
        self.add("json-member", members(self.openapi))
        methods = ("get", "put", "post", "delete")
        self.add("route", [f"{method.upper()} {path}" for path, item in self.openapi["paths"].items()
                           for method in item if method in methods])

    def collect_commands(self):
        """The commands, and the options of each, as --help shows them."""
        def help_of(*words):
            result = subprocess.run([self.program, *words, "--help"], capture_output=True, text=True, check=True, timeout=30)
            return result.stdout
        text = help_of()
        commands = [word for block in re.findall(r"^Commands [^\n]*:\n((?:  .*\n)+)", text, re.M)
                    for word in re.findall(r"^  ([a-z]+) ", block, re.M)]
        self.add("command", commands)
        for command in ("", *commands):
            listed = re.findall(r"^  (-[-,\w]+)", help_of(*command.split()) if command else text, re.M)
            self.add("option", [f"{command} {name}".strip() for names in listed for name in names.split(",")])

    def has_text(self, word):
        """Whether a text stands in the code, whatever function it is given to."""
        if any(f'"{word}' in text or f'"{word}\\"' in text for text in self.sources.values()):
            return True
        return f"json-member {word}" in {f"json-member {each}" for each in self.words["json-member"]}


def main():
    arguments = [each for each in sys.argv[1:] if each != "--print"]
    root = pathlib.Path(arguments[0]).resolve()
    collector = Collector(root, arguments[1])
    present = collector.collect()
    if "--print" in sys.argv:
        print("\n".join(sorted(present)))
        return 0
    lines = (root / "tests/public_words.txt").read_text(encoding="utf-8").splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    gone = {line for line in listed - present
            if line.split(" ")[0] not in TEXT_KINDS or not collector.has_text(line.partition(" ")[2])}
    new = present - listed
    for line in sorted(gone):
        print(f"gone: {line}")
    for line in sorted(new):
        print(f"new: {line}")
    print(f"public_words: {len(present)} words, {len(gone)} gone, {len(new)} new" + (ADVICE if gone or new else ""))
    return 1 if gone or new else 0


if __name__ == "__main__":
    sys.exit(main())
