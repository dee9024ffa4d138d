# SPDX-License-Identifier: MIT
"""The samples: what the last release wrote, as text, and what it printed of that. Written by write_samples, read by
samples_test.py. A store is filled from a sample as it was, but for what lives for seconds: that lives on for seconds."""
import json
import pathlib
import shlex

from stores import STORES

FOLDER = pathlib.Path(__file__).with_name("samples")
# The kinds of keys that the last release writes, by how they end, and whether they live for seconds only.
KINDS = {"connections": False, "servers": False, "status": False, "tools": False, "connected_at": False, "info": False, "lease": True,
         "staging": True, "managed": False, "owners": False, "instances": False}


def kind_of(key):
    """mcp:user:42:server:github:staging:x -> staging"""
    last = key.rpartition(":")
    return last[2] if last[2] in KINDS else last[0].rpartition(":")[2]


# Redis.
def text_of(member):
    return member.decode()


READERS = {
    "string": lambda client, key: text_of(client.get(key)),
    "set": lambda client, key: sorted(map(text_of, client.smembers(key))),
    "zset": lambda client, key: {text_of(member): score for member, score in client.zrange(key, 0, -1, withscores=True)},
    "hash": lambda client, key: {text_of(name): text_of(value) for name, value in sorted(client.hgetall(key).items())},
}
WRITERS = {
    "string": lambda client, key, value: client.set(key, value),
    "set": lambda client, key, value: client.sadd(key, *value),
    "zset": lambda client, key, value: client.zadd(key, value),
    "hash": lambda client, key, value: client.hset(key, mapping=value),
}


def dump_redis(store):
    """One key a line: its name, type, value, and when it expires: the time (Unix, ms), or after how many ms."""
    lines = []
    for key in sorted(key.decode() for key in store.client.scan_iter(count=1000)):
        kind = store.client.type(key).decode()
        entry = {"key": key, "type": kind, "value": READERS[kind](store.client, key)}
        if KINDS[kind_of(key)]:
            entry["lives"] = store.client.pttl(key)
        else:
            entry["expires_at"] = store.client.execute_command("PEXPIRETIME", key)
        lines.append(json.dumps(entry, ensure_ascii=False))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def load_redis(store, text):
    for entry in json.loads(text):
        WRITERS[entry["type"]](store.client, entry["key"], entry["value"])
        if "lives" in entry:
            store.client.pexpire(entry["key"], entry["lives"])
        else:
            store.client.pexpireat(entry["key"], entry["expires_at"])


# SQLite.
PRAGMAS = ("application_id", "user_version")


def dump_sqlite(store):
    with store.open() as file:
        head = [f"PRAGMA {name} = {file.execute(f'PRAGMA {name}').fetchone()[0]};" for name in PRAGMAS]
        return "\n".join([*head, *file.iterdump()]) + "\n"


def load_sqlite(store, text):
    with store.open() as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.executescript(text)


def path_of_sample(name):
    return FOLDER / (name + (".sql" if name == "sqlite" else ".json"))


def write(name, store):
    path_of_sample(name).write_text((dump_sqlite if name == "sqlite" else dump_redis)(store), encoding="utf-8")


def opened(name):
    """A store with the sample in it."""
    store = STORES[name]()
    (load_sqlite if name == "sqlite" else load_redis)(store, path_of_sample(name).read_text(encoding="utf-8"))
    return store


# What the program prints of a sample: a command a line after "$ ", and then its output.
def transcript_path(name):
    return FOLDER / (name + ".txt")


def transcript(box):
    """Of every command that reads records."""
    commands = [["list"]]
    for owner in box.json("list"):
        name = owner["owner"]
        commands += [["list", name], ["list", name, "--tools"]]
        for record in box.json("list", name):
            commands.append(["show", name, record["server"]])
            if "tool_count" in record:
                commands.append(["tools", name, record["server"]])
    return "".join(f"$ mcpstate {shlex.join(words)} --json\n{box.ok(words[0], '--json', *words[1:]).text}\n" for words in commands)


def commands_and_outputs(text):
    """The transcript of each command."""
    for part in text.split("$ mcpstate ")[1:]:
        line, _, output = part.partition("\n")
        yield shlex.split(line), output[:-1]
