# SPDX-License-Identifier: MIT
"""The stores that two versions of the program share: a Redis server of its own, or one SQLite file. Each is read without the
program, too: who has a lease, which invariants do not hold. And each can be damaged the way an incompatible version would."""
import contextlib
import os
import re
import sqlite3
import tempfile
import time

import redis
from redis_sandbox import RedisServer, broken_invariants


class RedisStore:
    """One redis-server, in the plain or the tagged layout."""

    def __init__(self, layout="plain"):
        self.server, self.layout = RedisServer(), layout
        self.client = self.server.client()

    @property
    def options(self):
        return {"store": self.server.url(), "layout": self.layout}

    @property
    def other_options(self):
        """Those of a version that names its keys in another way."""
        return {**self.options, "prefix": "other"}

    def holders(self):
        """Who has the lease of each connection that is managed: {("user:42", "github"): "new-4711"}. The names in these tests
        are not encoded."""
        out = {}
        for key in self.client.scan_iter(match="mcp:*:lease", count=1000):
            kind, name, _, server, _ = key.decode().removeprefix("mcp:").split(":")
            value = self.client.get(key)
            written = re.match(rb"(\d+) (\d+) ", value or b"")
            if written:
                out[f"{kind}:{name.strip('{}')}", server] = value[written.end():][:int(written[2])].decode()
        return out

    def broken_invariants(self):
        return broken_invariants(self.client)

    def base(self, owner, server):
        kind, _, name = owner.partition(":")
        name = "{" + name + "}" if self.layout == "tagged" else name
        return f"mcp:{kind}:{name}:server:{server}:"

    def rewrite(self, key, change):
        """Changes a value as it is; nothing where another write is faster."""
        with self.client.pipeline() as step:
            step.watch(key)
            value = step.get(key)
            if value is None or change(value) == value:
                return
            step.multi()
            step.set(key, change(value), keepttl=True)
            with contextlib.suppress(redis.WatchError):
                step.execute()

    # What an incompatible version would do.
    def damage_record(self, owner, server):
        self.rewrite(self.base(owner, server) + "info", lambda value: value.replace(b'"revision":', b'"version":'))

    def damage_tools(self, owner, server):
        self.rewrite(self.base(owner, server) + "tools", lambda value: b"[]")

    def damage_leases(self):
        for key in self.client.scan_iter(match="mcp:*:lease", count=1000):
            self.rewrite(key, lambda value: value if value.startswith(b"v2 ") else b"v2 " + value)

    def damage_expiry(self, owner, server):
        self.client.persist(self.base(owner, server) + "status")

    def close(self):
        self.client.close()
        self.server.close()


class SqliteStore:
    """One SQLite file."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mcpstate-sqlite-")
        self.path = os.path.join(self.folder.name, "state.db")

    @property
    def options(self):
        return {"store": "sqlite:" + self.path}

    @property
    def other_options(self):
        return {"store": "sqlite:" + self.path + ".other"}

    @contextlib.contextmanager
    def open(self):
        with contextlib.closing(sqlite3.connect(self.path, timeout=30)) as file, file:
            yield file

    def holders(self):
        with self.open() as file:
            rows = file.execute("SELECT kind, id, server, holder FROM leases WHERE until > ? AND holder <> ''",
                                (int(time.time() * 1000),)).fetchall()
        return {(f"{'session' if kind else 'user'}:{name}", server): holder for kind, name, server, holder in rows}

    def broken_invariants(self):
        with self.open() as file:
            rows = file.execute("SELECT id, member FROM records WHERE (status = 'CONNECTED') <> (connected_at IS NOT NULL) "
                                "OR expires_at IS NULL OR revision = 0").fetchall()
            strays = file.execute("SELECT record FROM tools WHERE record NOT IN (SELECT record FROM records)").fetchall()
        return [f"record {row}" for row in rows] + [f"tools of no record {row}" for row in strays]

    def change(self, statement, *values):
        with self.open() as file:
            file.execute(statement, values)

    def damage_record(self, owner, server):
        self.change("""UPDATE records SET info = replace(info, '"status":', '"state":') WHERE id = ? AND member = ?""",
                    owner.partition(":")[2], server)

    def damage_tools(self, owner, server):
        self.change("UPDATE tools SET bytes = '[]' WHERE record IN (SELECT record FROM records WHERE id = ? AND member = ?)",
                    owner.partition(":")[2], server)

    def damage_leases(self):
        self.change("UPDATE leases SET holder = 'v2 ' || holder WHERE holder <> '' AND holder NOT LIKE 'v2 %'")

    def damage_events(self):
        self.change("CREATE TRIGGER IF NOT EXISTS silence AFTER INSERT ON changes "
                    "BEGIN DELETE FROM changes WHERE number = NEW.number; END")

    def damage_expiry(self, owner, server):
        self.change("UPDATE records SET revision = 0 WHERE id = ? AND member = ?", owner.partition(":")[2], server)

    def close(self):
        self.folder.cleanup()


STORES = {"redis": RedisStore, "redis-tagged": lambda: RedisStore("tagged"), "sqlite": SqliteStore}
