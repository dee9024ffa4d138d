# SPDX-License-Identifier: MIT
"""Another program that keeps its state in the four documented keys: written the way hosts write them by hand, with plain
commands one after the other, and without any of our keys. It is the other side of the interoperability tests."""
import json
from datetime import datetime, timezone

TTL = 86400


class ForeignHost:
    def __init__(self, client, scope="user", prefix="mcp"):
        self.redis, self.start = client, f"{prefix}:{scope}"

    def base(self, owner):
        return f"{self.start}:{owner}"

    def key(self, owner, server, field):
        return f"{self.base(owner)}:server:{server}:{field}"

    # Writing. Each step is a command of its own; another program may look between any two of them.
    def connect_steps(self, owner, server, tools):
        now = datetime.now(timezone.utc).isoformat()
        text = tools if isinstance(tools, (bytes, str)) else json.dumps(tools)
        return [
            lambda: self.redis.set(self.key(owner, server, "status"), "CONNECTED", ex=TTL),
            lambda: self.redis.set(self.key(owner, server, "tools"), text, ex=TTL),
            lambda: self.redis.set(self.key(owner, server, "connected_at"), now, ex=TTL),
            lambda: self.redis.sadd(f"{self.base(owner)}:connections", server),
        ]

    def disconnect_steps(self, owner, server, keep_status=False):
        status = self.key(owner, server, "status")
        return [
            (lambda: self.redis.set(status, "DISCONNECTED", ex=TTL)) if keep_status else (lambda: self.redis.delete(status)),
            lambda: self.redis.delete(self.key(owner, server, "tools")),
            lambda: self.redis.delete(self.key(owner, server, "connected_at")),
            lambda: self.redis.srem(f"{self.base(owner)}:connections", server),
        ]

    def connect(self, owner, server, tools):
        for step in self.connect_steps(owner, server, tools):
            step()

    def disconnect(self, owner, server):
        for step in self.disconnect_steps(owner, server):
            step()

    # Reading: the set, then the keys of each member.
    def read(self, owner):
        out = {}
        for raw in self.redis.smembers(f"{self.base(owner)}:connections"):
            name = raw.decode("utf-8")
            status, tools, at = (self.redis.get(self.key(owner, name, f)) for f in ("status", "tools", "connected_at"))
            out[name] = {
                "status": status.decode() if status else None,
                "tools": json.loads(tools) if tools else [],
                "connected_at": datetime.fromisoformat(at.decode()) if at else None,
            }
        return out
