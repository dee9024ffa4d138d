#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mcpstate serve: every route, against real MCP servers, with every answer checked against the OpenAPI document.

usage: service_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import http.client
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import time

import cli_sandbox
import mcp_servers
import redis_sandbox
import serving
from running_service import DOCUMENT, CheckedService, ServiceTest

TOKEN = "a-service-token-of-enough-bytes"
STATE = "/v1/users/42/connections/github/state"
ONE = "/v1/users/42/connections/github"
TOOLS = b'[{"name":"one","x":1.0e0},  {"name":"two"}]'


def everything_servers():
    command = mcp_servers.everything()
    return {"mcpServers": {"everything": {"command": command[0], "args": command[1:]},
                           "unused": {"url": "https://mcp.example/mcp?key=hunter2", "headers": {"Authorization": "Bearer hunter2"}},
                           "off": {"command": "false", "disabled": True}}}


class Recording(ServiceTest):
    """What a host records itself: nothing is connected."""

    def setUp(self):
        super().setUp()
        self.service = CheckedService(self)
        self.ask = self.service.ask

    def test_a_reported_state_is_read_back_byte_for_byte(self):
        put = self.ask("PUT", STATE, b'{"status":"CONNECTED","tools":' + TOOLS + b"}")
        self.assertEqual((put.status, put.json["status"], put.json["tool_count"]), (200, "CONNECTED", 2), put.body)
        self.assertEqual(self.ask("GET", ONE + "/tools").body, TOOLS)
        self.assertNotIn("tools", self.ask("GET", ONE).json)
        self.assertEqual(self.ask("GET", ONE + "?tools=true").json["tools"][0]["name"], "one")
        listed = self.ask("GET", "/v1/users/42/connections?tools=true")
        self.assertIn(TOOLS, listed.body)
        self.assertEqual(self.ok("tools", "user:42", "github", "--json").out.strip(), TOOLS)

    def test_lists_are_of_one_owner_and_in_order(self):
        for server in ("b", "a", "io.github.x%2Fy"):
            self.assertEqual(self.ask("PUT", f"/v1/users/42/connections/{server}/state", {"status": "CONNECTED"}).status, 200)
        self.assertEqual(self.ask("PUT", "/v1/sessions/42/connections/other/state", {"status": "CONNECTED"}).status, 200)
        names = [c["server"] for c in self.ask("GET", "/v1/users/42/connections").json]
        self.assertEqual(names, ["a", "b", "io.github.x/y"])
        self.assertEqual(self.ask("GET", "/v1/users/nobody/connections").json, [])

    def test_failures_keep_the_tools_and_disconnecting_drops_them(self):
        self.ask("PUT", STATE, b'{"status":"CONNECTED","tools":' + TOOLS + b"}")
        failed = self.ask("PUT", STATE, {"status": "FAILED", "reason": "the token has expired"}).json
        self.assertEqual(failed["error"]["message"], "the token has expired")
        self.assertEqual(self.ask("GET", ONE + "/tools").body, TOOLS)
        empty = self.ask("PUT", STATE, {"status": "CONNECTED", "tools": []})
        self.assertEqual((empty.status, empty.json["code"]), (422, "empty_tools"))
        self.assertEqual(self.ask("PUT", STATE, {"status": "CONNECTED", "tools": [], "allow_empty": True}).json["tool_count"], 0)
        self.assertEqual(self.ask("DELETE", ONE).json, {"disconnected": 1})
        self.assertEqual(self.ask("DELETE", ONE).json, {"disconnected": 0})
        self.assertEqual(self.ask("GET", ONE + "/tools").slug, "no-tools")
        self.assertEqual(self.ask("GET", ONE).json["status"], "DISCONNECTED")

    def test_what_is_not_there_is_said_so(self):
        for method, target in (("GET", ONE), ("DELETE", ONE), ("GET", ONE + "/tools"), ("POST", ONE + "/touch"),
                               ("POST", ONE + "/retry"), ("POST", ONE + "/tools/echo/call")):
            answer = self.ask(method, target)
            self.assertEqual((answer.status, answer.slug), (404, "not-found"), (method, target, answer.body))
        self.assertEqual(self.ask("POST", "/v1/users/42/touch").json, {"touched": 0})
        self.assertEqual(self.ask("DELETE", "/v1/users/42/connections").json, {"disconnected": 0})
        self.assertEqual(self.ask("DELETE", "/v1/users/42").json, {"removed": 0})

    def test_touch_renews_and_erase_leaves_nothing(self):
        before = self.ask("PUT", STATE, {"status": "CONNECTED"}).json
        # Stores count in milliseconds; two requests may come within one.
        begun = time.time_ns() // 1_000_000
        self.eventually(lambda: time.time_ns() // 1_000_000 > begun)
        self.assertEqual(self.ask("POST", ONE + "/touch").json, {"touched": 1})
        self.assertGreater(self.ask("GET", ONE).json["expires_at"], before["expires_at"])
        self.assertEqual(self.ask("POST", "/v1/users/42/touch").json, {"touched": 1})
        self.assertEqual(self.ask("DELETE", "/v1/users/42").json, {"removed": 1})
        self.assertEqual(self.ask("GET", "/v1/users/42/connections").json, [])

    def test_a_claim_moves_what_a_session_holds(self):
        self.ask("PUT", "/v1/sessions/k/connections/a/state", {"status": "CONNECTED"})
        self.ask("PUT", "/v1/sessions/k/connections/b/state", {"status": "FAILED"})
        self.ask("PUT", "/v1/users/7/connections/b/state", {"status": "CONNECTED"})
        self.assertEqual(self.ask("POST", "/v1/sessions/k/claim", {"user_id": "7"}).json, {"moved": ["a"], "kept": ["b"]})
        self.assertEqual(self.ask("GET", "/v1/sessions/k/connections").json, [])
        self.assertEqual(self.ask("POST", "/v1/sessions/k/claim", {"user": "7"}).slug, "invalid-body")
        self.assertEqual(self.ask("POST", "/v1/sessions/k/claim", {"user_id": ""}).slug, "invalid-body")

    def test_owners_come_page_by_page(self):
        for i in range(120):
            self.ask("PUT", f"/v1/users/u{i}/connections/a/state", {"status": "CONNECTED"})
        found, cursor = [], ""
        while True:
            page = self.ask("GET", "/v1/owners?limit=50" + (f"&cursor={cursor}" if cursor else "")).json
            found += [o["owner"] for o in page["owners"]]
            cursor = page.get("cursor", "")
            if not cursor:
                break
        self.assertEqual(sorted(found), sorted(f"user:u{i}" for i in range(120)))
        self.assertEqual(self.ask("GET", "/v1/owners?limit=0").slug, "bad-parameter")
        stats = self.ask("GET", "/v1/stats").json
        self.assertEqual((stats["users"], stats["connected"]), (120, 120))

    def test_conditions(self):
        first = self.ask("PUT", STATE, {"status": "CONNECTED"}, headers={"If-None-Match": "*"})
        self.assertEqual(first.status, 200)
        self.assertEqual(self.ask("GET", ONE, headers={"If-None-Match": first.headers["ETag"]}).status, 304)
        self.assertEqual(self.ask("PUT", STATE, {"status": "CONNECTED"}, headers={"If-None-Match": "*"}).slug, "precondition-failed")
        # Another program, in between.
        self.ok("set", "user:42", "github", "FAILED", "--reason", "no")
        for method, target, body in (("PUT", STATE, {"status": "CONNECTED"}), ("DELETE", ONE, None)):
            late = self.ask(method, target, body, headers={"If-Match": first.headers["ETag"]})
            self.assertEqual((late.status, late.slug), (412, "precondition-failed"))
        revision = self.ask("GET", ONE).json["revision"]
        self.assertEqual(self.ask("DELETE", ONE, headers={"If-Match": f'"r{revision}"'}).status, 200)
        self.assertEqual(self.ask("PUT", "/v1/users/42/connections/none/state", {"status": "CONNECTED"}, headers={"If-Match": "*"}).status, 412)

    def test_wrong_bodies_are_refused_by_name_and_change_nothing(self):
        for body, says in (({"status": "CONNECTED", "tolls": []}, "tolls"), ({}, "status"), ({"status": "UP"}, "status"),
                           ({"status": 1}, "status"), ({"status": "CONNECTED", "tools": {}}, "array"), ({"status": "CONNECTED", "tools": [{}, []]}, "objects"),
                           ({"status": "DISCONNECTED", "tools": []}, "tools"), ({"status": "CONNECTED", "reason": "x"}, "reason"),
                           ({"status": "FAILED", "reason": "two\nlines"}, "reason"), (b"{", "JSON"), (b"[]", "object"),
                           (b'{"status":"FAILED","status":"CONNECTED"}', "twice")):
            answer = self.ask("PUT", STATE, body)
            self.assertEqual((answer.status, answer.slug), (400, "invalid-body"), (body, answer.body))
            self.assertIn(says, answer.json["detail"])
        self.assertEqual(self.ask("PUT", STATE, b"x" * (17 * 1024 * 1024 + 1)).status, 413)
        self.assertEqual(self.ask("PUT", STATE, {"status": "FAILED"}, headers={"Content-Type": "text/plain"}).status, 415)
        self.assertEqual(self.ask("GET", "/v1/users/42/connections").json, [])

    def test_every_request_has_an_id(self):
        self.assertEqual(self.ask("GET", "/healthz", headers={"X-Request-Id": "abc-1"}).headers["X-Request-Id"], "abc-1")
        made = self.ask("GET", ONE, headers={"X-Request-Id": "a b"})
        self.assertRegex(made.headers["X-Request-Id"], "^[0-9a-f]{16}$")
        self.assertTrue(made.json["instance"].endswith(made.headers["X-Request-Id"]))

    def test_health_metrics_document_and_dashboard(self):
        self.assertEqual(self.ask("GET", "/healthz").json, {"status": "ok"})
        self.assertEqual(self.ask("GET", "/readyz").json, {"status": "ready"})
        self.assertIn(b"mcpstate_http_requests_total{", self.ask("GET", "/metrics").body)
        document = self.ask("GET", "/openapi.json")
        self.assertEqual(document.json, DOCUMENT.root)
        page = self.ask("GET", "/")
        self.assertIn(b"<!doctype html>", page.body.lower())
        self.assertIn("default-src 'self'", page.headers["Content-Security-Policy"])
        self.assertEqual(self.ask("GET", "/", headers={"If-None-Match": page.headers["ETag"]}).status, 304)
        self.assertEqual(self.ask("GET", "/nothing.js", check=False).status, 404)
        def instances():
            told = self.ask("GET", "/v1/instances").json
            return [i["name"] for i in told["instances"]] == [told["self"]]
        self.eventually(instances)  # from its first report on
        self.assertEqual(self.ask("GET", "/v1/servers").json, {"servers": []})
        self.assertEqual(self.ask("POST", "/v1/tokens", {"owner": "user:42"}).slug, "no-keys")

    def test_changes_of_anybody_are_seen_at_once(self):
        self.ask("PUT", STATE, {"status": "CONNECTED"})
        stream = self.service.events()
        snapshot = stream.until(lambda name, _: name == "ready")
        self.assertEqual([(n, d.get("server")) for n, d in snapshot], [("connection", "github"), ("ready", None)])
        delays = []
        for i in range(20):
            began = time.monotonic()
            self.ask("PUT", f"/v1/users/42/connections/s{i}/state", {"status": "FAILED", "reason": "no"})
            stream.until(lambda name, data: name == "connection" and data["server"] == f"s{i}")
            delays.append(time.monotonic() - began)
        self.assertLess(sorted(delays)[len(delays) // 2], 0.05, delays)
        self.ok("set", "user:42", "github", "FAILED", "--reason", "from outside")
        _, data = stream.until(lambda name, data: data.get("server") == "github")[-1]
        self.assertEqual(data["error"]["message"], "from outside")
        self.ask("DELETE", "/v1/users/42")
        stream.until(lambda name, data: name == "removed" and data == {"owner": "user:42", "server": "github"})

    def test_a_full_owner_stores_no_longer_tools(self):
        full = CheckedService(self, "--store", f"sqlite:{self.home}/full.db", "--owner-bytes", "1000")
        tools = [{"name": "t", "x": "x" * 500}]
        self.assertEqual(full.ask("PUT", STATE, {"status": "CONNECTED", "tools": tools}).status, 200)
        other = STATE.replace("github", "other")
        refused = full.ask("PUT", other, {"status": "CONNECTED", "tools": tools})
        self.assertEqual((refused.status, refused.slug, refused.json["code"]), (413, "owner-full", "tools_too_large"))
        self.assertEqual(full.ask("GET", other.removesuffix("/state")).status, 404)
        self.assertEqual(full.ask("PUT", STATE, {"status": "CONNECTED", "tools": tools}).status, 200)

    def test_an_expiry_is_an_event(self):
        short = CheckedService(self, "--store", f"sqlite:{self.home}/short.db", "--ttl", "1s")
        short.ask("PUT", STATE, {"status": "CONNECTED"})
        stream = short.events()
        began = time.monotonic()
        stream.until(lambda name, data: name == "removed" and data["server"] == "github")
        self.assertLess(time.monotonic() - began, 2.5)


class Connecting(ServiceTest):
    """What mcpstate keeps itself, with a server from npm."""

    def setUp(self):
        super().setUp()
        self.servers = self.write("servers.json", everything_servers())
        self.service = CheckedService(self, "--servers", self.servers, "--allow-egress", "127.0.0.1", "--allow-egress", "http")
        self.ask = self.service.ask

    def connect(self, name="everything", body=None, wait="?wait=60s"):
        return self.ask("PUT", f"/v1/users/42/connections/{name}{wait}", {} if body is None else body)

    def test_a_registered_server_is_connected_and_its_tools_called(self):
        up = self.connect()
        self.assertEqual((up.status, up.json["status"]), (200, "CONNECTED"), up.body)
        self.assertTrue(up.json["managed"])
        self.assertEqual((up.json["registered"], up.json["transport"]), ("everything", "stdio"))
        self.assertIn("echo", [t["name"] for t in self.ask("GET", "/v1/users/42/connections/everything/tools").json])
        called = self.ask("POST", "/v1/users/42/connections/everything/tools/echo/call", {"message": "hello"})
        self.assertEqual(called.status, 200, called.body)
        self.assertIn("hello", called.json["content"][0]["text"])
        self.assertEqual(self.ask("POST", "/v1/users/42/connections/everything/tools/echo/call", b"[]").slug, "invalid-body")
        nothing = self.ask("POST", "/v1/users/42/connections/everything/tools/none/call", {})
        self.assertIn(nothing.status, (200, 422, 502), nothing.body)
        # The same again is no new connection.
        again = self.connect(wait="")
        self.assertEqual((again.status, again.json["connected_at"]), (200, up.json["connected_at"]))
        # The host may not say what is managed.
        told = self.ask("PUT", "/v1/users/42/connections/everything/state", {"status": "FAILED"})
        self.assertEqual((told.status, told.slug), (409, "managed"))
        self.assertEqual(self.ask("DELETE", "/v1/users/42/connections/everything").json, {"disconnected": 1})
        self.assertEqual(self.ask("PUT", "/v1/users/42/connections/everything/state", {"status": "FAILED"}).status, 200)

    def test_a_claim_leaves_a_program_and_what_it_remembers(self):
        program = pathlib.Path(__file__).resolve().parents[1] / "component" / "mcp" / "odd_server.py"
        servers = self.write(
            "counting.json", {"mcpServers": {"counting": {"command": "python3", "args": ["-B", str(program), "counts"]}}})
        store = f"sqlite:{self.home}/claims.db"
        one, two = (CheckedService(self, "--servers", servers, "--store", store, "--name", name) for name in ("one", "two"))

        def call(service, owner):
            return service.ask("POST", f"/v1/{owner}/connections/counting/tools/odd/call", {})

        for number, asked in enumerate((one, two)):
            session, user = f"sessions/k{number}", f"users/u{number}"
            up = one.ask("PUT", f"/v1/{session}/connections/counting?wait=60s", {})
            self.assertEqual(up.json["status"], "CONNECTED", up.body)
            self.assertIn("call 1", call(one, session).body.decode())
            claimed = asked.ask("POST", f"/v1/{session}/claim", {"user_id": f"u{number}"})
            self.assertEqual(claimed.json, {"moved": ["counting"], "kept": []})
            called = call(one, user)
            self.assertEqual(called.status, 200, called.body)
            self.assertIn("call 2", called.body.decode())
            self.assertEqual(call(two, user).slug, "kept-elsewhere")
            self.assertEqual(call(one, session).status, 404)

    def test_without_wait_it_is_on_its_way(self):
        stream = self.service.events()
        stream.until(lambda name, _: name == "ready")
        self.assertEqual(self.connect(wait="").status, 202)
        stream.until(lambda name, data: data.get("status") == "CONNECTED")
        self.assertEqual(self.ask("POST", "/v1/users/42/connections/everything/retry").status, 202)

    def test_a_url_is_connected_where_the_policy_lets_it(self):
        url = mcp_servers.streamable_http(self)
        up = self.connect("web", {"url": url})
        self.assertEqual((up.status, up.json["status"], up.json["url"]), (200, "CONNECTED", url), up.body)
        called = self.ask("POST", "/v1/users/42/connections/web/tools/echo/call", {"message": "over http"})
        self.assertIn("over http", called.json["content"][0]["text"])

    def test_forbidden_places_are_refused(self):
        strict = CheckedService(self, "--servers", self.servers, "--name", "strict")
        for url in ("http://127.0.0.1:1/mcp", "https://127.0.0.1/mcp", "https://169.254.169.254/latest", "https://[::1]/mcp",
                    "https://10.0.0.1/", "http://example.com/mcp", "https://0x7f.1/mcp", "https://[::ffff:127.0.0.1]/"):
            answer = strict.ask("PUT", "/v1/users/1/connections/x", {"url": url})
            self.assertEqual((answer.status, answer.slug), (422, "forbidden-target"), (url, answer.body))
        for url in ("", "ftp://x/", "not a url", "https://user:hunter2@mcp.example/"):
            answer = strict.ask("PUT", "/v1/users/1/connections/x", {"url": url})
            self.assertIn(answer.status, (400, 422), (url, answer.body))
            self.assertNotIn(b"hunter2", answer.body)
        self.assertEqual(strict.ask("GET", "/v1/users/1/connections").json, [])

    def test_places_that_are_none(self):
        self.assertEqual(self.connect("nothing").slug, "unknown-server")
        self.assertEqual(self.connect("x", {"server": "nothing"}).slug, "unknown-server")
        self.assertEqual(self.connect("off").status, 422)
        for body in ({"server": "everything", "url": "https://mcp.example/"}, {"command": "sh"}, {"server": 1}, {"url": []}, b"null"):
            self.assertEqual(self.connect("x", body).slug, "invalid-body", body)
        for wait in ("?wait=0s", "?wait=x", "?wait=121s", "?wait="):
            self.assertEqual(self.connect(wait=wait).slug, "bad-parameter", wait)
        self.assertEqual(self.ask("GET", "/v1/users/42/connections").json, [])

    def test_an_outcome_that_does_not_come_in_time_is_connecting(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            began = time.monotonic()
            answer = self.connect("silent", {"url": f"http://127.0.0.1:{silent.getsockname()[1]}/mcp"}, "?wait=300ms")
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual((answer.status, answer.json["status"]), (202, "CONNECTING"), answer.body)
        self.assertEqual(self.ask("DELETE", "/v1/users/42/connections/silent").json, {"disconnected": 1})

    def test_the_servers_are_told_without_their_secrets(self):
        answer = self.ask("GET", "/v1/servers")
        self.assertEqual([s["name"] for s in answer.json["servers"]], ["everything", "off", "unused"])
        self.assertNotIn(b"hunter2", answer.body)
        self.assertNotIn(b".js", answer.body)
        self.assertTrue(answer.json["servers"][1]["disabled"])

    def test_a_server_is_disconnected_everywhere(self):
        self.assertEqual(self.connect().json["status"], "CONNECTED")
        self.assertEqual(self.ask("PUT", "/v1/sessions/k/connections/mine?wait=60s", {"server": "everything"}).json["status"], "CONNECTED")
        self.assertEqual(self.ask("POST", "/v1/servers/everything/disconnect").json, {"disconnected": 2})
        self.assertEqual(self.service.record("42", "everything")["status"], "DISCONNECTED")

    def test_hangup_reads_the_servers_again(self):
        names = lambda: [s["name"] for s in self.ask("GET", "/v1/servers").json["servers"]]
        self.write("servers.json", {"mcpServers": {"new": {"url": "https://mcp.example/mcp"}}})
        self.service.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: names() == ["new"])
        self.write("servers.json", "{ broken")
        self.service.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: any("stay as they were" in line for line in self.service.log))
        self.assertEqual(names(), ["new"])
        # What can be opened and not be read is no end of the service either.
        os.remove(self.home / "servers.json")
        os.mkdir(self.home / "servers.json")
        self.service.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: any("cannot be read" in line for line in self.service.log))
        self.assertEqual(names(), ["new"])

    def test_a_server_that_the_file_disables_is_disconnected_everywhere(self):
        self.assertEqual(self.connect().json["status"], "CONNECTED")
        self.assertEqual(self.ask("PUT", "/v1/sessions/k/connections/mine?wait=60s", {"server": "everything"}).json["status"], "CONNECTED")
        servers = everything_servers()
        servers["mcpServers"]["everything"]["disabled"] = True
        self.write("servers.json", servers)
        self.service.process.send_signal(signal.SIGHUP)
        status = lambda path: self.ask("GET", path).json["status"]
        self.eventually(lambda: status("/v1/users/42/connections/everything") == "DISCONNECTED")
        self.eventually(lambda: status("/v1/sessions/k/connections/mine") == "DISCONNECTED")
        self.eventually(lambda: any("disabled server is disconnected" in line and "2" in line for line in self.service.log))
        self.assertEqual(self.connect().status // 100, 4)
        self.assertEqual(status("/v1/users/42/connections/everything"), "DISCONNECTED")
        self.write("servers.json", everything_servers())
        self.service.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: self.connect().json.get("status") == "CONNECTED")

    def test_it_ends_in_time_with_everything_under_way(self):
        self.assertEqual(self.connect().json["status"], "CONNECTED")
        stream = self.service.events()
        stream.until(lambda name, _: name == "ready")
        code, took = self.service.stop()
        self.assertEqual(code, 0, self.service.log)
        self.assertLess(took, 2.0)
        self.assertEqual(self.ok("show", "user:42", "everything", "--json").json["status"], "CONNECTED")


class Access(ServiceTest):
    def setUp(self):
        super().setUp()
        self.service = CheckedService(self, "--allow-origin", "https://app.example", env={"MCPSTATE_TOKEN": TOKEN})
        self.ask = self.service.ask
        self.assertEqual(self.ask("PUT", STATE, {"status": "CONNECTED"}, TOKEN).status, 200)
        self.assertEqual(self.ask("PUT", "/v1/users/43/connections/github/state", {"status": "CONNECTED"}, TOKEN).status, 200)

    def paths(self, user):
        for operation in DOCUMENT.operations:
            if "/users/" in operation.template or "{" not in operation.template or "/claim" in operation.template:
                target = operation.template.replace("{id}", user).replace("{server}", "github").replace("{tool}", "echo")
                body = {} if "requestBody" in operation.node else None
                yield operation.method, target, body, operation

    def test_nothing_is_done_without_a_token(self):
        for method, target, body, operation in self.paths("42"):
            status = self.ask(method, target, body).status
            self.assertEqual(status == 401, operation.node.get("security") is None, (method, target, status))
        for token in ("x", TOKEN + "x", TOKEN[:-1], "mcps1.e30.e30"):
            self.assertEqual(self.ask("GET", ONE, token=token).status, 401)
        self.assertEqual(self.ask("GET", f"{ONE}?token={TOKEN}").status, 401)
        self.assertEqual(self.ask("GET", f"{ONE}?token={TOKEN}", token=TOKEN).slug, "unknown-parameter")
        self.assertEqual(self.ask("GET", ONE, token=TOKEN).json["status"], "CONNECTED")

    def test_an_owner_token_reaches_its_owner_alone(self):
        made = self.ask("POST", "/v1/tokens", {"owner": "user:43", "ttl": "10m"}, TOKEN).json
        before = self.ask("GET", "/v1/users/42/connections", token=TOKEN).body
        for method, target, body, operation in self.paths("42"):
            answer = self.ask(method, target, body, made["token"])
            self.assertEqual(answer.status == 403, operation.node.get("security") is None, (method, target, answer.body))
        self.assertEqual(self.ask("GET", "/v1/users/42/connections", token=TOKEN).body, before)
        self.assertEqual(self.ask("GET", "/v1/users/43/connections", token=made["token"]).json[0]["owner"], "user:43")
        self.assertEqual(self.ask("GET", "/v1/sessions/43/connections", token=made["token"]).status, 403)
        self.assertEqual(self.ask("GET", "/v1/users/43/nothing", token=made["token"]).status, 404)
        stream = self.service.events("/v1/users/43/events", made["token"])
        self.assertEqual(stream.status, 200)
        self.assertEqual(self.service.events("/v1/users/42/events", made["token"]).status, 403)
        self.assertEqual(self.ask("POST", "/v1/tokens", {"owner": "user:43", "ttl": "1x"}, TOKEN).slug, "invalid-body")
        self.assertNotIn(made["token"], "".join(self.service.log))

    def test_an_owner_has_so_many_streams_and_so_many_requests(self):
        token = self.ask("POST", "/v1/tokens", {"owner": "user:42"}, TOKEN).json["token"]
        streams = [self.service.events(token=token) for _ in range(100)]
        self.assertEqual({s.status for s in streams}, {200})
        self.assertEqual(self.service.events(token=token).status, 429)
        self.assertEqual(self.service.events(token=TOKEN).status, 200)
        streams.pop().close()
        self.eventually(lambda: self.service.events(token=token).status == 200)
        # More than 200 at once, and more than come back meanwhile.
        answers = (self.ask("GET", ONE, token=token) for _ in range(4000))
        refused = next(answer for answer in answers if answer.status != 200)
        self.assertEqual(refused.slug, "too-many-requests")
        self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
        self.assertEqual(self.ask("GET", ONE, token=TOKEN).status, 200)

    def test_an_owner_token_ends(self):
        token = self.ask("POST", "/v1/tokens", {"owner": "user:42", "ttl": "1s"}, TOKEN).json["token"]
        self.assertEqual(self.ask("GET", ONE, token=token).status, 200)
        self.eventually(lambda: self.ask("GET", ONE, token=token).status == 401)

    def test_pages_of_listed_origins_only(self):
        listed = {"Origin": "https://app.example"}
        answer = self.ask("GET", ONE, token=TOKEN, headers=listed)
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "https://app.example")
        self.assertNotIn("Access-Control-Allow-Credentials", answer.headers)
        preflight = self.ask("OPTIONS", ONE, headers={**listed, "Access-Control-Request-Method": "PUT"}, check=False)
        self.assertEqual(preflight.status, 204)
        self.assertIn("PUT", preflight.headers["Access-Control-Allow-Methods"])
        self.assertEqual(self.ask("GET", ONE, token=TOKEN, headers={"Origin": "https://evil.example"}).slug, "forbidden-origin")
        self.assertEqual(self.ask("GET", ONE, headers=listed).headers["Access-Control-Allow-Origin"], "https://app.example")

    def test_tokens_are_read_again(self):
        path = self.write("tokens.txt", TOKEN + "\n")
        service = CheckedService(self, "--token-file", path)
        self.assertEqual(service.ask("GET", "/v1/owners", token=TOKEN).status, 200)
        self.write("tokens.txt", "another-token-of-enough-bytes\n")
        service.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: service.ask("GET", "/v1/owners", token=TOKEN).status == 401)
        self.write("tokens.txt", "short\n")
        service.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: any("tokens stay" in line for line in service.log))
        self.assertEqual(service.ask("GET", "/v1/owners", token="another-token-of-enough-bytes").status, 200)
        self.assertNotIn("enough-bytes", "".join(service.log))


class Starting(ServiceTest):
    def test_what_cannot_be_served_is_said_before_anything_is_opened(self):
        for words, says in ((("--listen", "0.0.0.0:0"), "needs a token"), (("--listen", "[::]:0"), "needs a token"),
                            (("--listen", "x"), "HOST:PORT"), (("--listen", "127.0.0.1:65536"), "HOST:PORT"),
                            (("--servers", "/none.json"), "/none.json"), (("--token-file", "/none"), "/none"),
                            (("--servers", "/"), "cannot be read"), (("--token-file", "/"), "cannot be read"),
                            (("--allow-egress", "10.0.0.0/99"), "--allow-egress"), (("--lease", "1ms"), "--lease"),
                            (("--check", "x"), "--check"), (("--name", "x" * 257), "--name"),
                            (("--allow-host", "http://mcp.example/"), "--allow-host"), (("--allow-host", ""), "--allow-host"),
                            (("--allow-origin", "*"), "--allow-origin"), (("--allow-origin", "app.example"), "--allow-origin"),
                            (("--allow-origin", "https://app.example/"), "--allow-origin")):
            self.refused(2, "serve", *words, says=says)
        self.refused(2, "serve", "--servers", self.write("s.json", '{"mcpServers":{"a":{}}}'), says="s.json")
        self.refused(2, "serve", env={"MCPSTATE_TOKEN": "short"}, says="MCPSTATE_TOKEN")
        self.refused(2, "serve", "--listen", "127.0.0.1:0", "--store", "redis://127.0.0.1:99999/0")

    def test_a_taken_port_is_said_so(self):
        first = CheckedService(self)
        self.refused(3, "serve", "--listen", f"127.0.0.1:{first.port}", says="running already")

    def test_an_address_that_cannot_be_taken_is_not_blamed_on_the_store(self):
        for words in (("--listen", "192.0.2.1:0", "--token-file", self.write("t.txt", TOKEN + "\n")),
                      ("--listen", "mcpstate.invalid:0")):
            refused = self.refused(3, "serve", *words, says="--listen names another address")
            self.assertNotIn("REDIS_URL", refused)

    def test_signals_while_the_store_is_opened(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        child = self.start_cli("serve", "--listen", "127.0.0.1:0", "--store", f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        asked, _ = silent.accept()  # it is under way, and will not get an answer
        self.addCleanup(asked.close)
        asked.recv(1)
        child.send_signal(signal.SIGHUP)
        with self.assertRaises(subprocess.TimeoutExpired, msg="a reload is no reason to end"):
            child.wait(timeout=0.5)
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(timeout=2), 0)

    def test_it_says_where_it_is(self):
        text = CheckedService(self, "--servers", self.write("s.json", everything_servers()))
        self.assertRegex(text.line, r"^mcpstate is serving on http://127.0.0.1:\d+ \(store: .*state.db; 3 servers known\)\n$")
        line = CheckedService(self, json_line=True)
        self.assertEqual(line.stop(signal.SIGTERM)[0], 0)
        several = CheckedService(self, "--listen", "[::1]:0") if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6") else None
        if several:
            self.assertEqual(several.line.count("http://"), 2)

    def test_any_address_with_a_token(self):
        service = CheckedService(self, "--listen", "0.0.0.0:0", env={"MCPSTATE_TOKEN": TOKEN})
        self.assertEqual(service.ask("GET", "/v1/owners", token=TOKEN).status, 200)

    def test_an_unreachable_store_is_not_ready_and_alive(self):
        server = redis_sandbox.RedisServer()
        self.addCleanup(server.close)
        service = CheckedService(self, "--store", server.url(), "--timeout", "500ms")
        self.assertEqual(service.ask("PUT", STATE, {"status": "CONNECTED"}).status, 200)
        self.assertEqual(service.ask("GET", "/readyz").status, 200)
        server.stop()
        self.assertEqual(service.ask("GET", "/readyz").status, 503)
        self.assertEqual(service.ask("GET", "/healthz").status, 200)
        lost = service.ask("GET", ONE)
        self.assertIn(lost.status, (503, 504))
        self.assertEqual(service.stop()[0], 0)

    def test_a_redis_that_becomes_a_replica_is_not_ready(self):
        server = redis_sandbox.RedisServer()
        self.addCleanup(server.close)
        service = CheckedService(self, "--store", server.url())
        self.assertEqual(service.ask("PUT", STATE, {"status": "CONNECTED"}).status, 200)
        self.assertEqual(service.ask("GET", "/readyz").status, 200)
        with server.client() as client:
            client.execute_command("REPLICAOF", "127.0.0.1", "1")
            self.eventually(lambda: service.ask("GET", "/readyz").status == 503)
            self.assertEqual(service.ask("GET", "/v1/owners").status, 503, "and not a list of nobody")
            lost = service.ask("GET", ONE)
            self.assertEqual(lost.status, 503, lost.body)
            self.assertIn("is a replica", lost.json["detail"])
            client.execute_command("REPLICAOF", "NO", "ONE")
        self.eventually(lambda: service.ask("GET", "/readyz").status == 200)
        self.assertEqual(service.ask("GET", ONE).status, 200)
        self.assertEqual(service.stop()[0], 0)

    def test_a_store_that_is_full_is_ready_and_says_so(self):
        server = redis_sandbox.RedisServer()
        self.addCleanup(server.close)
        service = CheckedService(self, "--store", server.url())
        self.assertEqual(service.ask("PUT", STATE, {"status": "CONNECTED"}).status, 200)
        self.assertEqual(service.ask("GET", "/readyz").json, {"status": "ready"})
        with server.client() as client:
            client.config_set("maxmemory", "1mb")
            self.assertEqual(service.ask("PUT", STATE, {"status": "CONNECTED"}).status, 507)
            self.assertEqual(service.ask("GET", "/readyz").json, {"status": "ready", "writes": "out_of_memory"})
            self.assertEqual(service.ask("DELETE", ONE).status, 200, "what frees room works")
            self.assertEqual(service.ask("GET", "/readyz").json["writes"], "out_of_memory")
            client.config_set("maxmemory", "0")
        self.assertEqual(service.ask("PUT", STATE, {"status": "CONNECTED"}).status, 200)
        self.assertEqual(service.ask("GET", "/readyz").json, {"status": "ready"})
        self.assertEqual(service.stop()[0], 0)

    def test_a_file_that_was_removed_is_not_ready_until_one_is_there(self):
        path = str(self.home / "state.db")
        service = CheckedService(self, "--store", "sqlite:" + path)
        self.assertEqual(service.ask("PUT", STATE, {"status": "CONNECTED"}).status, 200)
        os.unlink(path)
        lost = service.ask("PUT", STATE, {"status": "CONNECTED"})
        self.assertEqual(lost.status, 503)
        self.assertEqual(service.ask("GET", "/readyz").status, 503)
        self.assertEqual(service.ask("GET", ONE).status, 503)
        self.assertFalse(os.path.exists(path))
        open(path, "x").close()
        self.eventually(lambda: service.ask("GET", "/readyz").status == 200)
        self.assertEqual(service.ask("GET", ONE).status, 404)
        got = service.ask("PUT", STATE, {"status": "CONNECTED"})
        self.assertEqual(got.status, 200, got.body)
        self.assertEqual(service.stop()[0], 0)


class Logging(ServiceTest):
    def fill_log(self):
        """A service whose log is full, because nobody reads it; and its port."""
        child = subprocess.Popen([cli_sandbox.PROGRAM, "serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--log-level", "debug"],
                                 env=self.env, cwd=self.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (child.kill(), child.wait(), child.stdout.close(), child.stderr.close()))
        port = int(re.search(rb"127\.0\.0\.1:(\d+)", child.stdout.readline())[1])
        # A line has more than 200 bytes: more than 2 MB of them, where the queue takes 1 MiB and a pipe 64 KiB.
        request = f"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: {'x' * 128}\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", port), timeout=30) as link, link.makefile("rb") as answers:
            for _ in range(100):
                link.sendall(100 * request)
                answered = 0
                while answered < 100:
                    answered += b"HTTP/1.1 200" in answers.readline()  # after the body of the one before
        return child, port

    def dropped(self, port):
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        text = serving.ask(link, "GET", "/metrics").body.decode()
        link.close()
        return float(re.search(r"^mcpstate_log_lines_dropped_total (\S+)$", text, re.M)[1])

    def test_a_reader_that_is_stuck_stops_nothing(self):
        child, port = self.fill_log()
        self.assertGreater(self.dropped(port), 0)
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(timeout=5), 0)

    def test_a_reader_that_goes_on_is_told_what_it_missed(self):
        child, port = self.fill_log()
        dropped = self.dropped(port)
        told, lines = 0, 0
        for line in child.stderr:
            lines += 1
            found = re.search(rb" log lines were dropped lines=(\d+)$", line)
            told += int(found[1]) if found else 0
            if told >= dropped:
                break
        self.assertIn(told - dropped, (0, 1), "the line of the request for the metrics may be among them")
        self.assertGreater(lines, 1000)
        child.send_signal(signal.SIGTERM)
        self.assertIn(b" stopping", child.stderr.read())
        self.assertEqual(child.wait(timeout=5), 0)


class Random(ServiceTest):
    def test_random_requests_never_break_it_and_what_is_refused_changes_nothing(self):
        seed = int(os.environ.get("MCPSTATE_SEED", random.randrange(2**32)))
        print(f"MCPSTATE_SEED={seed}", file=sys.stderr)
        rng = random.Random(seed)
        servers = self.write("servers.json", {"mcpServers": {"k": {"url": "https://mcp.invalid/mcp"}}})
        service = CheckedService(self, "--store", "memory:", "--servers", servers, "--log-level", "off")
        owners = [f"/v1/{kind}/{name}/connections?tools=true" for kind in ("users", "sessions") for name in "12k"]
        state = lambda: [service.ask("GET", o).body for o in owners]
        statuses = {}
        for number in range(10_000):
            method, target, headers, body = DOCUMENT.random_request(rng)
            watched = number % 10 == 0
            before = state() if watched else None
            try:
                answer = service.ask(method, target, body, headers=headers)
            except AssertionError as e:
                raise AssertionError(f"request {number} of seed {seed}: {method} {target} {headers} {body}") from e
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            # The one server that is registered does not exist: who calls its tools hears that.
            if not (answer.status == 502 and target.split("?")[0].endswith("/call") and answer.slug == "server-failed"):
                unknown = method == "PATCH" and answer.status == 501
                self.assertTrue(answer.status < 500 or unknown, (number, seed, method, target, headers, body, answer.body))
            if watched and answer.status >= 400 and not any(b"CONNECTING" in s or b'"managed":true' in s for s in before):
                self.assertEqual(state(), before, (number, seed, method, target, headers, body))
        # It asked for all sorts of things.
        for status in (200, 400, 404, 412, 415, 422):
            self.assertGreater(statuses.get(status, 0), 10, statuses)
        self.assertEqual(service.stop()[0], 0)


if __name__ == "__main__":
    cli_sandbox.main(sys.argv)
