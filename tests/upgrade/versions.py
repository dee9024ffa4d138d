# SPDX-License-Identifier: MIT
"""One version of the program on a store that it shares with others: as a command, and as running services."""
import contextlib
import http.client
import json
import signal
import threading

from redis_sandbox import Sandbox
from serving import Service, path_of

LEASE = "3s"


class Unanswered(Exception):
    """A service that was stopped, killed or is ending has not said what came of a request."""


class Version:
    """One program. Its services are called after it, so that a lease says which version has it."""

    def __init__(self, name, program, options, servers_file, watched):
        self.name, self.program, self.options = name, program, options
        self.servers_file, self.watched = servers_file, watched
        self.commands = Sandbox(program=program, **options)

    def run(self, *words, stdin=b""):
        """A command that must succeed, with --json; answers what it printed."""
        return self.commands.ok(words[0], "--json", *words[1:], stdin=stdin).out

    def listed(self, owner):
        return Listing(self.run("list", owner, "--tools"))

    def start(self):
        return Instance(self)

    def close(self):
        self.commands.close()


class Listing:
    """The connections of one owner with their tools, as printed by a command or answered by a service."""

    def __init__(self, text):
        self.text = text
        self.records = {record["server"]: record for record in json.loads(text)}


class Instance:
    """One running service, and a stream of events of each owner that is watched."""

    def __init__(self, version):
        self.version = version
        flags = [word for name, value in version.options.items() for word in ("--" + name, value)]
        self.service = Service(version.program, *flags, "--servers", version.servers_file, "--lease", LEASE, "--check", "2s",
                               "--name", version.name, "--allow-egress", "127.0.0.1", "--allow-egress", "http",
                               cwd=version.commands.home)
        self.name = self.service.ask("GET", "/v1/instances").json["self"]
        self.available, self.disturbances = True, 0
        self.streams = {owner: EventStream(self.service, owner) for owner in version.watched}

    def ask(self, method, path, body=None, headers=None):
        """The answer. Unanswered where the service ends meanwhile, or slept for longer than the store's answer may take."""
        before = self.disturbances
        try:
            answer = self.service.ask(method, path, body, headers)
        except (OSError, http.client.HTTPException) as lost:
            if before == self.disturbances and self.available:
                raise
            raise Unanswered(str(lost)) from lost
        if answer.status in (502, 503, 504) and not (before == self.disturbances and self.available):
            raise Unanswered(str(answer.body))
        return answer

    def listed(self, owner):
        answer = self.ask("GET", path_of(owner) + "/connections?tools=true")
        assert answer.status == 200, answer.body
        return Listing(answer.body)

    def fleet(self):
        return self.ask("GET", "/v1/instances").json

    def disturb(self):
        """From now on nobody asks it."""
        self.available = False
        self.disturbances += 1

    def freeze(self):
        self.disturb()
        self.service.send(signal.SIGSTOP)

    def thaw(self):
        self.service.send(signal.SIGCONT)
        self.disturbances += 1
        self.available = True

    def end(self, number):
        """Its exit code."""
        self.disturb()
        code = self.service.end(number)
        for stream in self.streams.values():
            stream.close()
        return code


class EventStream:
    """What a reader of the events of one owner knows, who reads nothing else."""

    def __init__(self, service, owner):
        self.changed = threading.Condition()
        self.records, self.is_ready, self.has_ended = {}, False, False
        self.link = service.link(timeout=120)
        self.reader = threading.Thread(target=self.read, args=(path_of(owner) + "/events",), daemon=True)
        self.reader.start()

    def read(self, path):
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError, AttributeError):
            self.link.request("GET", path)
            name = None
            for line in self.link.getresponse():
                word, _, rest = line.decode().rstrip("\n").partition(": ")
                if word == "event":
                    name = rest
                elif word == "data":
                    self.take(name, json.loads(rest))
        with self.changed:
            self.has_ended = True
            self.changed.notify_all()

    def take(self, name, data):
        with self.changed:
            if name == "connection":
                self.records[data["server"]] = data
            elif name == "removed":
                self.records.pop(data["server"], None)
            elif name == "resync":
                self.records.clear()
            elif name == "ready":
                self.is_ready = True
            self.changed.notify_all()

    def wait_for(self, holds, limit):
        """Whether the records come to be so; None where the stream ends before."""
        with self.changed:
            came = self.changed.wait_for(lambda: self.has_ended or (self.is_ready and holds(self.records)), limit)
            return None if self.has_ended else came

    def close(self):
        self.reader.join(10)
        self.link.close()
