# SPDX-License-Identifier: MIT
"""`mcpstate serve` on a free port, and an HTTP client for it that checks every answer against the OpenAPI document."""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
import unittest

import cli_sandbox
import openapi_check
from serving import Answer

DOCUMENT = openapi_check.Document((pathlib.Path(__file__).resolve().parents[2] / "src/service/openapi.json").read_text("utf-8"))


class Service:
    """One process. The store is shared by those that are given the same home."""

    def __init__(self, test, *words, env=None, json_line=False):
        self.test, self.token, self.local = test, None, None
        words = [cli_sandbox.PROGRAM, "serve", "--listen", "127.0.0.1:0", *words, *(["--json"] if json_line else [])]
        self.process = subprocess.Popen(words, cwd=test.home, env={**test.env, **(env or {})}, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        test.addCleanup(self.end)
        self.log = []
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        self.line = self.process.stdout.readline().decode()
        test.assertIn("http://127.0.0.1:", self.line, self.log)
        url = json.loads(self.line)["listening"][0] if json_line else self.line.split()[4].rstrip(",")
        self.port = int(url.rpartition(":")[2])

    def read_log(self):
        for line in self.process.stderr:
            self.log.append(line.decode())

    def end(self):
        if self.local:
            self.local.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def stop(self, number=signal.SIGINT):
        """Asks it to end; answers the exit code and the time that took."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        return code, time.monotonic() - began

    def ask(self, method, target, body=None, token=None, headers=None, check=True, timeout=60):
        """One request on the kept connection."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        if body is not None and "Content-Type" not in headers:
            headers["Content-Type"] = "application/json"
        token = token or self.token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if self.local is None:
            self.local = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        self.local.request(method, target, body, headers)
        got = self.local.getresponse()
        answer = Answer(got.status, got.headers, got.read())
        if got.will_close:
            self.local.close()
            self.local = None
        if check:
            DOCUMENT.check_answer(method, target, answer.status, got.headers.get("Content-Type", ""), answer.body)
        return answer

    def record(self, owner, server):
        return self.ask("GET", f"/v1/users/{owner}/connections/{server}").json

    def events(self, target="/v1/users/42/events", token=None):
        return Events(self, target, token or self.token)


class Events:
    """A reader of an event stream: (name, data) one after the other."""

    def __init__(self, service, target, token):
        self.socket = socket.create_connection(("127.0.0.1", service.port), timeout=30)
        service.test.addCleanup(self.close)
        auth = f"Authorization: Bearer {token}\r\n" if token else ""
        self.file = self.socket.makefile("rb")
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{auth}\r\n".encode())
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass

    def close(self):
        self.file.close()
        self.socket.close()

    def next(self):
        name, data = None, None
        for line in self.file:
            line = line.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
            elif not line and name:
                return name, data
        return None

    def until(self, wanted):
        """All events up to the first that fits."""
        seen = []
        while True:
            event = self.next()
            seen.append(event)
            if event is None:
                raise AssertionError(f"the stream ended: {seen}")
            if wanted(*event):
                return seen


class ServiceTest(cli_sandbox.CliTest):
    maxDiff = None

    def write(self, name, value):
        path = self.home / name
        path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
        return str(path)

    def eventually(self, check, within=20.0):
        until = time.monotonic() + within
        while time.monotonic() < until:
            if check():
                return
            threading.Event().wait(0.02)
        self.fail("never came true")
