# SPDX-License-Identifier: MIT
"""Clients of all kinds, each in a closed loop with a little thinking between its operations; what they do goes into a history.

Two write and two read over HTTP, one writes by commands, one signs visitors in, one is a foreign program with an owner of its own, one
follows events, and one looks at the documented keys in one step. What a record holds tells which write it was: the name of its tool, or its reason.
"""
import http.client
import json
import pathlib
import random
import signal
import sys
import threading
import time
import traceback

import redis

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from foreign_host import TTL, ForeignHost  # noqa: E402
from history import OK, REFUSED, UNKNOWN, Operation, never  # noqa: E402
from serving import ask, path_of  # noqa: E402

OWNERS = ["user:w0", "user:w1", "user:w2", "session:w3"]
SERVERS = ["github", "wiki"]
FOREIGN = "user:foreign"
FOREIGN_SERVER = "files"
FOLLOWED = OWNERS[0]
PATIENCE = 12.0  # seconds, of a client of a service, whose own operations take 5 at most
THINKING = 0.004, 0.016


def value_of(record):
    """What a record says: which write it is from. Empty: there is none."""
    if record is None:
        return ""
    status = record.get("status")
    if status == "CONNECTED":
        tools = record.get("tools") or [{"name": "no tools"}]
        return f"C {tools[0]['name']}"
    if status == "FAILED":
        return f"F {record.get('error', {}).get('message')}"
    return "D" if status == "DISCONNECTED" else f"? {status}"


class Client(threading.Thread):
    """Repeats step() until it is told to stop. An exception that no step expects is a fault of the round."""

    def __init__(self, load, name, seed):
        super().__init__(name=name)
        self.load, self.name, self.rng = load, name, random.Random(seed)

    def run(self):
        try:
            while not self.load.stopping.wait(self.rng.uniform(*THINKING)):
                self.step()
            self.finish()
        except Exception:  # pylint: disable=broad-except
            self.load.faults.append(f"{self.name}: {traceback.format_exc()}")

    def step(self):
        raise NotImplementedError

    def finish(self):
        pass

    def record(self, kind, owner, server, called, **more):
        returned = more.pop("returned", None) or time.monotonic()
        self.load.history.add(Operation(self.name, kind, owner, server, called, returned, **more))

    def token(self):
        return f"t{self.load.next_number()}"


class HttpClient(Client):
    def __init__(self, load, name, seed, service):
        super().__init__(load, name, seed)
        self.number, self.link, self.port = service, None, None

    def ask(self, method, path, body=None, headers=None):
        """None: no answer came."""
        service = self.load.fleet.services[self.number]
        if self.link is None or service.port != self.port:
            self.link, self.port = service.link(PATIENCE), service.port
        try:
            answer = ask(self.link, method, path, body, headers)
        except (OSError, http.client.HTTPException):
            answer = None
        if answer is None or answer.is_last:
            self.link.close()
            self.link = None
        return answer


class Writer(HttpClient):
    """Writes what comes to its mind; now and then on the basis of what it has read, or of what it wrote last."""

    known = {}

    def step(self):
        owner, server = self.rng.choice(OWNERS), self.rng.choice(SERVERS)
        token, choice = self.token(), self.rng.random()
        if choice < 0.7:
            body, value = {"status": "CONNECTED", "tools": [{"name": token}]}, f"C {token}"
        elif choice < 0.9:
            body, value = {"status": "FAILED", "reason": token}, f"F {token}"
        else:
            body, value = {"status": "DISCONNECTED"}, "D"
        basis = self.known.get((owner, server)) if self.rng.random() < 0.3 else None
        called = time.monotonic()
        answer = self.ask("PUT", f"{path_of(owner)}/connections/{server}/state", body, {"If-Match": f'"r{basis}"'} if basis else None)
        if answer is None:
            self.record("write", owner, server, called, returned=never(), outcome=UNKNOWN, value=value, basis=basis, code="no answer")
        elif answer.status == 200:
            self.known[owner, server] = answer.json["revision"]
            self.record("write", owner, server, called, outcome=OK, value=value, revision=answer.json["revision"], basis=basis)
        else:
            unknown = answer.slug in ("unknown-outcome", "internal")
            self.record("write", owner, server, called, outcome=UNKNOWN if unknown else REFUSED, value=value, basis=basis,
                        code=self.load.explain(answer), **({"returned": never()} if unknown else {}))


class Reader(HttpClient):
    def step(self):
        self.read(self.rng.choice([*OWNERS, FOREIGN]))

    def read(self, owner):
        """Every record of an owner, in one request."""
        called = time.monotonic()
        answer = self.ask("GET", path_of(owner) + "/connections?tools=true")
        returned = time.monotonic()
        if answer is None or answer.status != 200:
            self.record("read", owner, SERVERS[0], called, returned=returned, outcome=UNKNOWN,
                        code="no answer" if answer is None else self.load.explain(answer))
            return False
        found = {record["server"]: record for record in answer.json}
        for server in [FOREIGN_SERVER] if owner == FOREIGN else SERVERS:
            value = value_of(found.get(server))
            number = foreign_number(value) if owner == FOREIGN else found.get(server, {}).get("revision", 0)
            self.record("read", owner, server, called, returned=returned, outcome=OK, value=value, revision=number)
        return True


def foreign_number(value):
    """A foreign program numbers its writes in what it writes: the checker takes that for revisions."""
    return int(value[3:]) if value.startswith("C t") else 0


class Commands(Client):
    """`mcpstate set`, a process each time; some are killed at any moment."""

    def __init__(self, load, name, seed):
        super().__init__(load, name, seed)
        self.killed, self.kills = 0.0, 0  # how large a part of them is killed; how many were

    def step(self):
        owner, server, token = self.rng.choice(OWNERS), self.rng.choice(SERVERS), self.token()
        called = time.monotonic()
        child = self.load.fleet.command("set", "--json", owner, server, "CONNECTED", "--tools", "-",
                                        stdin=json.dumps([{"name": token}]).encode())
        if self.rng.random() < self.killed:
            time.sleep(self.rng.uniform(0, 0.06))
            child.kill()
            self.kills += 1
        out, err = child.communicate(timeout=60)
        about = {"value": f"C {token}"}
        if child.returncode == 0:
            self.record("write", owner, server, called, outcome=OK, revision=json.loads(out)["revision"], **about)
        elif child.returncode == -signal.SIGKILL or b"may or may not have happened" in err:
            self.record("write", owner, server, called, outcome=UNKNOWN, returned=never(), code="killed or unknown", **about)
        else:
            self.load.told.add(err.decode().strip()[:200])
            self.record("write", owner, server, called, outcome=REFUSED, code=f"exit {child.returncode}", **about)


class Claimer(HttpClient):
    """A visitor who signs in: what the session has becomes the user's, by a command or a request that may die on the way. It is never with
    nobody, and on one server never with both."""

    def step(self):
        token = self.token()
        session, user = f"session:{token}", f"user:{token}"
        written = self.ask("PUT", f"{path_of(session)}/connections/github/state", {"status": "CONNECTED", "tools": [{"name": token}]})
        if written is None or written.status != 200:
            return
        if self.rng.random() < 0.5:
            child = self.load.fleet.command("claim", session, user)
            if self.rng.random() < max(self.load.commands.killed, 0.2):
                time.sleep(self.rng.uniform(0, 0.06))
                child.kill()
            child.communicate(timeout=60)
        else:
            self.ask("POST", path_of(session) + "/claim", {"user_id": token})
        if not self.load.loses:
            self.look(session, user, f"C {token}")

    def look(self, session, user, value):
        """The session before the user and after: it may move between two looks."""
        before, there, after = self.value(session), self.value(user), self.value(session)
        if not before and not there:
            self.load.faults.append(f"a claim has lost what {session} had")
        if there and after and self.load.stage.kind != "cluster":
            self.load.faults.append(f"{session} and {user} both have what was claimed")
        if {before, there, after} - {"", value}:
            self.load.faults.append(f"a claim has changed {value}: {before}, {there}, {after}")

    def value(self, owner):
        """Waits until it is told."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            answer = self.ask("GET", path_of(owner) + "/connections?tools=true")
            if answer is not None and answer.status == 200:
                return value_of(next(iter(answer.json), None))
            time.sleep(0.05)
        raise AssertionError(f"{owner} could not be read for a minute")


class Foreign(Client):
    """A program that knows the four keys, and writes them one after the other. Half of a write may be there when the next command
    fails, so that its outcome is unknown."""

    def __init__(self, load, name, seed):
        super().__init__(load, name, seed)
        self.redis = load.stage.client(socket_timeout=3, socket_connect_timeout=3)
        self.host, self.base = ForeignHost(self.redis), load.stage.base(FOREIGN)
        self.id = self.base.rpartition(":")[2]

    def step(self):
        self.write()

    def write(self):
        token, called = self.token(), time.monotonic()
        about = {"value": f"C {token}", "revision": int(token[1:])}
        try:
            self.host.connect(self.id, FOREIGN_SERVER, [{"name": token}])
            self.redis.expire(f"{self.base}:connections", TTL)
        except (redis.RedisError, OSError):
            self.record("write", FOREIGN, FOREIGN_SERVER, called, returned=never(), outcome=UNKNOWN, code="failed", **about)
            return False
        self.record("write", FOREIGN, FOREIGN_SERVER, called, outcome=OK, **about)
        return True

    def finish(self):
        """Nothing stays half written."""
        until = time.monotonic() + 20
        while not self.write() and time.monotonic() < until:
            time.sleep(0.05)
        self.redis.close()


class Observer(Client):
    """Reads the documented keys of a record in one step: no change is ever half there."""

    def __init__(self, load, name, seed):
        super().__init__(load, name, seed)
        self.links, self.seen = {}, 0

    def step(self):
        owner, server = self.rng.choice(OWNERS), self.rng.choice(SERVERS)
        base = self.load.stage.base(owner)
        try:
            if owner not in self.links:
                self.links[owner] = self.load.stage.observer(owner, socket_timeout=3, decode_responses=True)
            with self.links[owner].pipeline(transaction=True) as step:
                step.mget(*(f"{base}:server:{server}:{field}" for field in ("status", "tools", "connected_at")))
                step.sismember(f"{base}:connections", server)
                (status, tools, since), member = step.execute()
        except (redis.RedisError, OSError):
            self.forget(owner)  # it may be elsewhere by now
            return
        self.seen += 1
        up = status == "CONNECTED"
        if up != bool(member) or up != (since is not None) or (up and tools is None) or (status in (None, "DISCONNECTED") and tools):
            self.load.faults.append(f"half a change of {owner} {server}: {status}, {tools}, {since}, member {member}")

    def forget(self, owner):
        link = self.links.pop(owner, None)
        if link:
            link.close()

    def finish(self):
        for owner in list(self.links):
            self.forget(owner)


class Follower(HttpClient):
    """Follows the events of one owner, with a new stream where one has ended: what it knows in the end is what is so."""

    def __init__(self, load, name, seed, service):
        super().__init__(load, name, seed, service)
        self.records, self.resyncs, self.unavailable = {}, 0, 0

    def step(self):
        service = self.load.fleet.services[self.number]
        link = service.link(20)
        try:
            link.request("GET", path_of(FOLLOWED) + "/events")
            answer = link.getresponse()
            if answer.status == 200:
                self.records = {}
                self.follow(answer)
        except (OSError, http.client.HTTPException):
            pass
        finally:
            link.close()

    def follow(self, stream):
        name = None
        for line in stream:
            if self.load.over.is_set():
                return
            line = line.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                self.take(name, json.loads(line[6:]))

    def take(self, name, data):
        if name == "connection":
            self.records[data["server"]] = data["revision"]
        elif name == "removed":
            self.records.pop(data["server"], None)
        elif name == "resync":
            self.resyncs += 1
            self.records = {}
        elif name == "unavailable":
            self.unavailable += 1

    def run(self):
        """To the end of the round, not of the load."""
        while not self.load.over.wait(0.05):
            self.step()


class Load:
    """All clients of one round."""

    def __init__(self, stage, fleet, history, seed, loses=False):
        self.stage, self.fleet, self.history = stage, fleet, history
        self.loses = loses  # what was told may be missing afterwards
        self.stopping, self.over = threading.Event(), threading.Event()
        self.faults, self.told = [], set()
        self.lock, self.number = threading.Lock(), int(time.time() * 1000)
        rng = random.Random(seed)
        seeds = iter(rng.random() for _ in range(100))
        Writer.known = {}
        self.writers = [Writer(self, f"writer {n}", next(seeds), n) for n in range(2)]
        self.readers = [Reader(self, f"reader {n}", next(seeds), n) for n in range(2)]
        self.commands = Commands(self, "command", next(seeds))
        self.foreign = Foreign(self, "foreign", next(seeds))
        self.claimer = Claimer(self, "claimer", next(seeds), 1)
        self.observer = Observer(self, "observer", next(seeds))
        self.follower = Follower(self, "follower", next(seeds), 0)
        self.clients = [*self.writers, *self.readers, self.commands, self.claimer, self.foreign, self.observer, self.follower]

    def next_number(self):
        with self.lock:
            self.number += 1
            return self.number

    def explain(self, answer):
        """What a problem says, for the table: the code, or its kind."""
        problem = answer.json
        self.told.add(problem.get("detail", "")[:200])
        return problem.get("code") or answer.slug

    def start(self):
        for one in self.clients:
            one.start()

    def stop(self):
        """The clients end; whoever follows events goes on until close()."""
        self.stopping.set()
        for one in self.clients:
            if one is not self.follower:
                one.join()

    def close(self):
        self.stopping.set()
        self.over.set()
        for one in self.clients:
            one.join()
