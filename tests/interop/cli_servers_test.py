#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The servers file: what is off is off, a wrong entry fails alone, and users are told what they share.

usage: cli_servers_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import json
import re
import signal
import urllib.error
import urllib.request

import cli_sandbox
from cli_sandbox import CliTest

WRONG = {"url": "http://127.0.0.1:1/mcp", "headers": {"Authorization": "Bearer ${NOT_SET_TOKEN}"}}


class ServersFile(CliTest):
    def write(self, **entries):
        return self.file("servers.json", json.dumps({"mcpServers": entries}))

    def program(self):
        words = self.fake_server("good", "[]")[1:]
        return {"command": words[0], "args": words[1:]}

    def off(self, **how):
        """A program that leaves a file behind when it is run."""
        return {"command": "sh", "args": ["-c", f"echo > '{self.home}/started'; sleep 5"], **how}

    def serve(self):
        child = self.start_cli("serve", "--store", "memory:", "--servers", "servers.json", "--listen", "127.0.0.1:0")
        self.url = re.search(rb"http://[0-9.:]+", child.stdout.readline())[0].decode()
        return child

    def ask(self, method, path):
        request = urllib.request.Request(self.url + path, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def log_of(self, child):
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(timeout=20), 0)
        return child.stderr.read().decode()

    def test_WhatIsOffIsNeverRun(self):
        self.write(a=self.off(enabled=False), b=self.off(isActive=False), c=self.off(disabled=True), d=self.off(is_enabled=False),
                   good=self.program())
        listed = {one["name"]: one["disabled"] for one in self.ok("servers", "--servers", "servers.json", "--json").json}
        self.assertEqual(listed, {"a": True, "b": True, "c": True, "d": True, "good": False})
        child = self.serve()
        for name in "abcd":
            status, _ = self.ask("PUT", f"/v1/users/1/connections/{name}?wait=1s")
            self.assertGreaterEqual(status, 400, name)
        self.log_of(child)
        self.assertFalse((self.home / "started").exists())

    def test_AWrongEntryFailsAloneAndIsListedWithItsReason(self):
        self.write(good=self.program(), bad=WRONG, worse={"command": ["sh"]})
        ran = self.run_cli("servers", "--servers", "servers.json")
        self.assertEqual(ran.code, 1)
        self.assertIn("NOT_SET_TOKEN is not set", ran.text)
        self.assertIn("it is no string", ran.text)
        ran = self.run_cli("servers", "--servers", "servers.json", "--json")
        self.assertEqual({one["name"]: "error" in one for one in ran.json}, {"bad": True, "good": False, "worse": True})
        child = self.serve()
        self.assertEqual(self.ask("PUT", "/v1/users/1/connections/good?wait=20s")[1]["status"], "CONNECTED")
        status, refused = self.ask("PUT", "/v1/users/1/connections/bad?wait=1s")
        self.assertGreaterEqual(status, 400)
        self.assertIn("NOT_SET_TOKEN", json.dumps(refused))
        servers = {one["name"]: one.get("error", "") for one in self.ask("GET", "/v1/servers")[1]["servers"]}
        self.assertEqual(servers["good"], "")
        self.assertIn("NOT_SET_TOKEN", servers["bad"])
        log = self.log_of(child)
        self.assertIn("NOT_SET_TOKEN", log)

    def test_TheOthersAreServedAfterAReloadToo(self):
        self.write(good=self.program())
        child = self.serve()
        self.assertEqual(self.ask("PUT", "/v1/users/1/connections/good?wait=20s")[1]["status"], "CONNECTED")
        self.write(good=self.program(), bad=WRONG, more={"url": "http://127.0.0.1:1/mcp"})
        child.send_signal(signal.SIGHUP)
        for line in iter(child.stderr.readline, b""):
            if b"servers file read" in line:
                break
        self.assertEqual(sorted(one["name"] for one in self.ask("GET", "/v1/servers")[1]["servers"]), ["bad", "good", "more"])
        self.assertEqual(self.ask("GET", "/v1/users/1/connections/good")[1]["status"], "CONNECTED")
        self.log_of(child)

    def test_ItIsSaidWhatOwnersShare(self):
        self.write(memory=self.program(), files={"command": "x", "env": {"ROOT": "/"}}, off=self.off(enabled=False),
                   web={"url": "https://mcp.example/mcp"})
        listed = self.ok("servers", "--servers", "servers.json")
        self.assertRegex(listed.errors, r"same for all owners.*: files, memory\n")
        as_json = {one["name"]: one.get("same_for_all_owners", False) for one in self.ok("servers", "--servers", "servers.json", "--json").json}
        self.assertEqual(as_json, {"memory": True, "files": True, "off": False, "web": False})
        for words, env in ((("--servers", "servers.json"), {}), ((), {"MCPSTATE_SERVERS": "servers.json"})):
            found = self.ok("doctor", "--store", "memory:", *words, "--json", env=env).json["findings"]
            told = [one for one in found if one["check"] == "shared_programs"]
            self.assertEqual(len(told), 1, found)
            self.assertIn("files, memory", told[0]["text"])
            self.assertEqual(told[0]["level"], "note")
        self.assertRegex(self.log_of(self.serve()), r"same for all owners.*files, memory")

    def test_NothingIsSaidWhereNothingIsShared(self):
        self.write(off=self.off(enabled=False), web={"url": "https://mcp.example/mcp"})
        self.assertNotIn("owners", self.ok("servers", "--servers", "servers.json").errors)
        self.assertNotIn("shared_programs", self.ok("doctor", "--store", "memory:", "--servers", "servers.json").text)
        self.assertNotIn("all owners", self.log_of(self.serve()))
        self.assertNotIn("shared_programs", self.ok("doctor", "--store", "memory:").text)

    def test_DoctorNamesWrongEntriesAndFiles(self):
        self.write(good=self.program(), bad=WRONG)
        ran = self.ok("doctor", "--store", "memory:", "--servers", "servers.json")
        self.assertIn("NOT_SET_TOKEN", ran.text)
        self.refused(2, "doctor", "--store", "memory:", "--servers", "none.json", says="none.json")


if __name__ == "__main__":
    import sys
    cli_sandbox.main(sys.argv)
