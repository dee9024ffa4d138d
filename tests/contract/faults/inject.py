#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Copies sources of the store and puts faults into the copies (fault.hh).

usage: inject.py SOURCES COPIES FILE…     FILE: relative to both directories

Each text to replace must stand in its file exactly once, and each edited file must be among those named: a change of the sources
that an edit does not know fails the build of the tests.
"""
import pathlib
import sys

# (file, text, text in its place). Faults:
#   no_fence        a write does not look at what it was based on
#   split_write     a change is written in two steps, and others can see the state between them
#   no_set_ttl      Redis: the sets have no TTL
#   reencode_tools  tools are decoded and encoded again instead of kept byte for byte
#   empty_replaces  an empty tool list replaces a good one unasked
#   misses_new      Redis: a change of all records does not look for one that came since they were read
#   no_lease_fence  a write does not look whether the lease it is made under still holds
#   check_renews    a check renews the expiry of a record as use does
EDITS = [
    ("store/rows/row.cpp",
     "std::make_shared<const std::string>(list.bytes())",
     "std::make_shared<const std::string>(test::reencoded(list.bytes()))"),
    ("store/rows/row.cpp",
     "if (!empties || update.empty_tools_allowed()) return false;",
     'if (!empties || update.empty_tools_allowed() || test::fault("empty_replaces")) return false;'),
    ("store/rows/row.cpp", "if (!holds)", 'if (!holds && !test::fault("no_fence"))'),
    ("store/rows/row.cpp",
     "if (live && update.expiry_kept())",
     'if (live && update.expiry_kept() && !test::fault("check_renews"))'),

    ("store/rows/lease_steps.cpp",
     "result<bool> lease_steps::expect(const lease& granted) {\n",
     "result<bool> lease_steps::expect(const lease& granted) {\n"
     '  if (test::fault("no_lease_fence")) return true;\n'),

    ("store/memory/store.cpp",
     "    auto written = steps().write(update.owner(), decided);\n",
     '    if (test::fault("split_write")) {\n'
     "      static_cast<void>(table_.write(update.owner(), test::first_half(decided)));\n"
     "      co_await asio::post(executor(), asio::use_awaitable);\n"
     "    }\n"
     "    auto written = steps().write(update.owner(), decided);\n"),

    # Two transactions, and others come in between.
    ("store/sqlite/engine.cpp",
     "sqlite_engine::noted<connection> sqlite_engine::put(const change& update, const connection& after) {\n",
     "sqlite_engine::noted<connection> sqlite_engine::put(const change& update, const connection& after) {\n"
     '  if (test::fault("split_write")) {\n'
     "    auto first = transaction(disk_need::takes, [&](row_steps& steps) -> result<row_write> {\n"
     "      auto decided = steps.decide(update, after);\n"
     "      if (!decided) return decided.error();\n"
     "      if (auto half = steps.write(update.owner(), test::first_half(*decided)); !half) return half.error();\n"
     "      return decided;\n"
     "    });\n"
     "    if (!first) return {first.error(), {}};\n"
     "    sqlite3_sleep(2);\n"
     "    return noted_transaction<connection>(disk_need::takes, std::vector<owner>(1, update.owner()),\n"
     "                              [&](row_steps& steps) { return steps.write(update.owner(), *first); });\n"
     "  }\n"),

    # Others see some records disconnected and some not.
    ("store/store.cpp",
     "    co_return co_await backend_->disconnect_all(std::move(account));\n",
     '    if (test::fault("split_write")) {\n'
     "      auto all = co_await backend_->list(account, tools_wanted::no);\n"
     "      if (!all) co_return all.error();\n"
     "      std::uint64_t changed = 0;\n"
     "      const std::optional<basis> any_basis;\n"
     "      for (const connection& one : **all) {\n"
     "        std::optional<server_name> name = server_name::parse(one.server).value();\n"
     "        auto count = co_await disconnect(account, std::move(name), any_basis);\n"
     "        if (count) changed += *count;\n"
     "        co_await aio::wait_until(aio::after(std::chrono::milliseconds(2)));\n"
     "      }\n"
     "      co_return changed;\n"
     "    }\n"
     "    co_return co_await backend_->disconnect_all(std::move(account));\n"),

    ("store/redis/store.cpp", "*staged, update.new_tools()->bytes(),", "*staged, test::reencoded(update.new_tools()->bytes()),"),
    ("store/redis/store.cpp",
     'update.expiry_kept() ? "keep" : ""',
     'update.expiry_kept() && !test::fault("check_renews") ? "keep" : ""'),
    ("store/redis/store.cpp",
     "  const basis seen = *update.expected();\n",
     "  basis seen = *update.expected();\n"
     '  if (test::fault("split_write")) {\n'
     "    const std::string word(to_key_text(*after.state));\n"
     "    redis::request early;\n"
     '    early.add("SET", keys_.server_key(update.owner(), update.member(), key_field::status), word, "PX", "60000");\n'
     "    MCPSTATE_CO_CHECK(co_await write(std::move(early), operation));\n"
     "    seen.status_bytes = word;\n"
     "  }\n"),

    ("store/redis/scripts.cpp",
     "out[i].text = script_text(paths[i]).value();",
     "static std::array<std::string, paths.size()> texts;\n"
     "      texts[i] = test::with_fault(script_text(paths[i]).value());\n"
     "      out[i].text = texts[i];"),
    ("store/redis/scripts/parts/put_fences.lua", "\nif lease then\n", "\nif lease and not fault.no_lease_fence then\n"),
    ("store/redis/scripts/parts/put_fences.lua",
     "\nfor _, record in ipairs(records) do\n",
     "\nfor _, record in ipairs(fault.no_fence and {} or records) do\n"),
    ("store/redis/scripts/claim.lua", "if not as_read() then", "if not fault.no_fence and not as_read() then"),
    ("store/redis/scripts/put.lua", "if loses_tools then", "if loses_tools and not fault.empty_replaces then"),
    ("store/redis/scripts/disconnect_all.lua",
     "if not declared[member] then",
     "if not fault.misses_new and not declared[member] then"),
    ("store/redis/scripts/parts/renewal.lua",
     "for _, set in ipairs(plan.sets) do call('PEXPIREAT'",
     "for _, set in ipairs(fault.no_set_ttl and {} or plan.sets) do call('PEXPIREAT'"),
]


def edited(name, text):
    for file, found, replacement in EDITS:
        if file != name:
            continue
        if text.count(found) != 1:
            sys.exit(f"{__file__}: this stands {text.count(found)} times in {name}, and must stand there once:\n{found}")
        text = text.replace(found, replacement)
    return '#include "contract/faults/fault.hh"\n' + text if name.endswith(".cpp") else text


def main(sources, copies, *names):
    unknown = {file for file, _, _ in EDITS} - set(names)
    if unknown:
        sys.exit(f"{__file__}: edits of files that are not copied: {' '.join(sorted(unknown))}")
    for name in names:
        text = edited(name, (pathlib.Path(sources) / name).read_text(encoding="utf-8"))
        copy = pathlib.Path(copies) / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
