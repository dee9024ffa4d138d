#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the program says about the service's tokens and servers, without a store.

usage: cli_service_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import base64
import datetime
import hashlib
import hmac
import json
import pathlib
import re
import urllib.request

import cli_sandbox
from cli_sandbox import CliTest

SERVICE_TOKEN = "0123456789abcdef-first"


def text_of(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


def keyed(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Tokens(CliTest):
    def setUp(self):
        super().setUp()
        # A store that nobody can reach: it must not matter.
        self.env["REDIS_URL"] = "redis://127.0.0.1:1/0"
        self.env["MCPSTATE_TOKEN"] = SERVICE_TOKEN

    def test_a_token_says_whose_it_is_and_until_when(self):
        made = self.ok("token", "user:42", "--ttl", "90m", "--json").json
        self.assertEqual(sorted(made), ["expires_at", "owner", "token"])
        self.assertEqual(made["owner"], "user:42")
        prefix, payload, signature = made["token"].split(".")
        key_id, expiry, owner = text_of(payload).split(" ", 2)
        self.assertEqual((prefix, owner, len(key_id)), ("mcps1", "user:42", 8))
        expires = datetime.datetime.fromisoformat(made["expires_at"])
        self.assertEqual(int(expiry), int(expires.timestamp()))
        left = expires - datetime.datetime.now(datetime.timezone.utc)
        self.assertTrue(datetime.timedelta(minutes=88) < left <= datetime.timedelta(minutes=90), left)
        signing = keyed(SERVICE_TOKEN.encode(), "mcpstate owner tokens")
        expected = base64.urlsafe_b64encode(keyed(signing, f"mcps1.{payload}")).rstrip(b"=").decode()
        self.assertEqual(signature, expected)

    def test_standard_output_is_the_token_alone(self):
        made = self.ok("token", "session:9fK é")
        self.assertRegex(made.text, r"\Amcps1\.[\w-]+\.[\w-]{43}\n\Z")
        self.assertRegex(made.errors, r"for session:9fK é, until \d{4}-")

    def test_the_first_token_of_a_file_signs(self):
        (self.home / "tokens").write_text(f"# new\nnew-service-token-1234\n{SERVICE_TOKEN}\n")
        by_file = self.ok("token", "user:1", "--token-file", "tokens", "--ttl", "365d").text
        by_variable = self.ok("token", "user:1", "--ttl", "365d").text
        self.assertNotEqual(by_file[:18], by_variable[:18])
        again = self.ok("token", "user:1", env={"MCPSTATE_TOKEN": "", "MCPSTATE_TOKEN_FILE": "tokens"}).text
        self.assertEqual(by_file[:18], again[:18])

    def test_what_is_wrong_is_usage_and_shows_no_token(self):
        self.refused(2, "token", "user:1", env={"MCPSTATE_TOKEN": ""}, says="MCPSTATE_TOKEN")
        self.refused(2, "token", "user:1", env={"MCPSTATE_TOKEN": "hush-hush"}, says="too short")
        self.assertNotIn("hush", self.run_cli("token", "user:1", env={"MCPSTATE_TOKEN": "hush-hush"}).errors)
        self.refused(2, "token", "user:1", "--token-file", "nowhere", says="nowhere")
        self.refused(2, "token", "nobody", says="user:")
        self.refused(2, "token", "user:1", "--ttl", "0s", says="--ttl")


class Servers(CliTest):
    def setUp(self):
        super().setUp()
        self.env["REDIS_URL"] = "redis://127.0.0.1:1/0"
        servers = {"files": {"command": "npx", "args": ["-y", "s3cret"], "env": {"KEY": "s3cret"}},
                   "github": {"url": "https://api.example/mcp?key=s3cret", "headers": {"Authorization": "Bearer ${WORD}"}},
                   "old": {"url": "http://127.0.0.1:1/sse", "type": "sse", "disabled": True}}
        (self.home / "servers.json").write_text(json.dumps({"mcpServers": servers}))
        self.env["WORD"] = "s3cret"

    def test_they_are_listed_without_secrets(self):
        listed = self.ok("servers", "--servers", "servers.json")
        self.assertEqual(listed.text.splitlines()[0].split(), ["SERVER", "TRANSPORT", "WHERE", "DISABLED"])
        self.assertRegex(listed.text, r"\nfiles +stdio +npx +-\n")
        self.assertRegex(listed.text, r"\ngithub +http +https://api\.example/mcp +-\n")
        self.assertRegex(listed.text, r"\nold +sse +http://127\.0\.0\.1:1/sse +disabled\n")
        as_json = self.ok("servers", "--json", env={"MCPSTATE_SERVERS": "servers.json"})
        self.assertEqual(as_json.json[1], {"name": "github", "transport": "http", "where": "https://api.example/mcp",
                                           "disabled": False})
        self.assertEqual([s["disabled"] for s in as_json.json], [False, False, True])
        self.assertNotIn("s3cret", listed.text + listed.errors + as_json.text + as_json.errors)

    def test_none_is_no_mistake_and_a_wrong_file_is(self):
        (self.home / "empty.json").write_text('{"mcpServers": {}}')
        self.assertEqual(self.ok("servers", "--servers", "empty.json").text, "no servers\n")
        self.assertEqual(self.ok("servers", "--servers", "empty.json", "--json").json, [])
        self.refused(2, "servers", says="MCPSTATE_SERVERS")
        self.refused(2, "servers", "--servers", "nowhere.json", says="nowhere.json")
        (self.home / "wrong.json").write_text('{"mcpServers": {"github": {"url": 7}}}')
        self.refused(2, "servers", "--servers", "wrong.json", says="github")


class Metrics(CliTest):
    def test_every_metric_is_in_the_manual(self):
        child = self.start_cli("serve", "--store", "memory:", "--listen", "127.0.0.1:0", "--json")
        ready = json.loads(child.stdout.readline())
        url = next(text for text in re.findall(r"http://[\d.:]+", json.dumps(ready)))
        with urllib.request.urlopen(url + "/v1/owners", timeout=30) as answer:
            answer.read()
        with urllib.request.urlopen(url + "/metrics", timeout=30) as answer:
            served = answer.read().decode()
        types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", served, re.M))
        manual = (pathlib.Path(__file__).parents[2] / "docs/operations.md").read_text(encoding="utf-8")
        told = dict(re.findall(r"^\| `(mcpstate_\w+)` \| (\w+) \|", manual, re.M))
        ours = {name: kind for name, kind in types.items() if name.startswith("mcpstate_")}
        self.assertIn("mcpstate_http_requests_total", ours)
        self.assertEqual(ours, {name: told.get(name) for name in ours})
        for name in types:
            self.assertIn(f"`{name}`", manual)


if __name__ == "__main__":
    import sys
    cli_sandbox.main(sys.argv)
