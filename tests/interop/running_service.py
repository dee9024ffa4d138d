# SPDX-License-Identifier: MIT
"""`mcpstate serve` in a test of its own, with an HTTP client that checks every answer against the OpenAPI document."""
import json
import pathlib
import signal
import socket
import threading
import time

import cli_sandbox
import openapi_check
import serving

DOCUMENT = openapi_check.Document((pathlib.Path(__file__).resolve().parents[2] / "src/service/routes/openapi.json").read_text("utf-8"))


class CheckedService(serving.Service):
    """The service of one test. The store is shared by those that are given the same home."""

    def __init__(self, test, *words, env=None, json_line=False):
        self.test, self.token, self.kept = test, None, None
        words = [*words, *(["--json"] if json_line else [])]
        super().__init__(cli_sandbox.PROGRAM, *words, env={**test.env, **(env or {})}, cwd=test.home)
        test.addCleanup(self.end)

    def end(self, *how, **more):
        if self.kept:
            self.kept.close()
        return super().end(*how, **more)

    def stop(self, number=signal.SIGINT):
        """Asks it to end; answers the exit code and the time that took."""
        began = time.monotonic()
        self.send(number)
        code = self.process.wait(timeout=20)
        return code, time.monotonic() - began

    def ask(self, method, target, body=None, token=None, headers=None, check=True, timeout=60):
        """One request on the kept connection."""
        token = token or self.token
        headers = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        self.kept = self.kept or self.link(timeout)
        answer = serving.ask(self.kept, method, target, body, headers)
        if answer.is_last:
            self.kept.close()
            self.kept = None
        if check:
            DOCUMENT.check_answer(method, target, answer.status, answer.headers.get("Content-Type", ""), answer.body)
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
