#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A web application that keeps its users' MCP connections in mcpstate: the standard library, and (if there is a Redis) python3-redis.

    mcpstate serve --servers servers.json        in another terminal; servers.json registers "everything"
    python3 examples/host.py

MCPSTATE_URL (default http://127.0.0.1:7337), MCPSTATE_TOKEN (if the service wants one), REDIS_URL (if that is where it keeps its
state: then the keys are read directly, too).
"""
import json
import os
import secrets
import threading
import urllib.error
import urllib.parse
import urllib.request

BASE = os.environ.get("MCPSTATE_URL", "http://127.0.0.1:7337")
SERVER = "everything"


def ask(method, path, body=None, timeout=70):
    """One request; the answer's JSON. A problem (RFC 9457) says what is wrong in `detail`."""
    request = urllib.request.Request(BASE + path, method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if token := os.environ.get("MCPSTATE_TOKEN"):
        request.add_header("Authorization", "Bearer " + token)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        raise SystemExit(f"{method} {path}: {refused.code} {json.load(refused).get('detail')}")


def owner_path(kind, name):
    return f"/v1/{kind}/{urllib.parse.quote(name, safe='')}"


def follow(path, until):
    """Reads the live events of an owner until one satisfies `until`: what a page that shows them would do."""
    request = urllib.request.Request(BASE + path + "/events")
    if token := os.environ.get("MCPSTATE_TOKEN"):
        request.add_header("Authorization", "Bearer " + token)
    kind = None
    with urllib.request.urlopen(request, timeout=70) as stream:
        for line in stream:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                data = json.loads(value)
                if kind == "connection":
                    print(f"  event: {data['owner']} {data['server']} is {data['status']}")
                    if until(data):
                        return


def main():
    # 1. A visitor who has not signed in. The browser holds the key of his session.
    visitor = secrets.token_urlsafe(12)
    session = owner_path("sessions", visitor)
    watching = threading.Thread(target=follow, args=(session, lambda c: c["status"] == "CONNECTED"))
    watching.start()

    # 2. He connects a server. Without ?wait the answer is CONNECTING, and the events tell the rest.
    record = ask("PUT", f"{session}/connections/{SERVER}?wait=60s", {})
    if record["status"] != "CONNECTED":
        raise SystemExit(f"not connected: {record.get('error')}")
    watching.join()
    print(f"connected to {record['server_info']['name']}, {record['tool_count']} tools")

    # 3. What the model is told: every tool of every server that is up.
    for connection in ask("GET", f"{session}/connections?tools=true"):
        if connection["status"] == "CONNECTED":
            names = [tool["name"] for tool in connection["tools"]]
            print(f"for the model: {connection['server']}: {', '.join(names[:4])}, …")

    # 4. The model chose one.
    result = ask("POST", f"{session}/connections/{SERVER}/tools/echo/call", {"message": "hello from Python"})
    print("the tool says:", result["content"][0]["text"])

    # 5. He signs in: what the session had is the user's.
    user = "py-" + secrets.token_hex(4)
    moved = ask("POST", f"{session}/claim", {"user_id": user})
    print("claimed:", ", ".join(moved["moved"]))
    mine = ask("GET", owner_path("users", user) + "/connections")
    assert [c["server"] for c in mine] == [SERVER] and ask("GET", f"{session}/connections") == []

    # 6. Another program of yours that knows nothing of mcpstate reads the same keys.
    if os.environ.get("REDIS_URL", "").startswith("redis://"):
        import redis

        keys = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
        names = keys.smembers(f"mcp:user:{user}:connections")
        print("in Redis:", {name: keys.get(f"mcp:user:{user}:server:{name}:status") for name in names})
        assert names == {SERVER}

    # 7. He leaves.
    print("disconnected:", ask("DELETE", owner_path("users", user) + "/connections")["disconnected"])


if __name__ == "__main__":
    main()
