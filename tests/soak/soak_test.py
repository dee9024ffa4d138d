#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Random connects, server kills and API calls for a while; then every invariant, and every record right.

    MCPSTATE=build/release/tests/support/turns/mcpstate_measured tests/soak/soak_test.py [--seconds 600] [--seed N]

A real redis-server, two `mcpstate serve` on it, two servers over Streamable HTTP and one that is a program, a program in Python that
knows only the four keys. Every second or so something is killed, frozen or started again. All the time a hostile owner with a token of
its own and hostile servers do what they can (enemies.py), and a canary asks like a client that nobody disturbs. Every answer must be one
that the state of things allows. Prints the seed, and what it did.
"""
import argparse
import collections
import http.client
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
import enemies  # noqa: E402
from redis_sandbox import PROGRAM, RedisServer, eventually, free_port  # noqa: E402
from serving import EVERYTHING, NODE, EverythingServer, Service, path_of  # noqa: E402

OWNERS = [f"user:{n}" for n in range(8)] + [f"session:{n}" for n in range(4)]
SERVERS = ("web1", "web2", "program")
SERVICE_TOKEN = "a-service-token-of-the-soak-test"
CANARY = "user:canary"
RECOVERED_SECONDS = 0.25  # of an answer to the canary, once nobody attacks any more
RECOVERED_MIB = 400       # of a service, with what its allocator keeps
# What a request may answer when everything may be down: refused, not there, changed meanwhile, kept by another, no answer of the
# MCP server. Never 500.
ALLOWED = {200, 202, 304, 400, 404, 409, 412, 421, 422, 429, 502, 503, 504}


class Guarded(Service):
    """A service that asks for tokens; requests have the service token unless they bring one."""

    def ask(self, method, path, body=None, headers=None, timeout=100):
        return super().ask(method, path, body, {"Authorization": f"Bearer {SERVICE_TOKEN}", **(headers or {})}, timeout)

    def owner_token(self, owner):
        return self.ask("POST", "/v1/tokens", {"owner": owner, "ttl": "1h"}).json["token"]

    def rss_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(next(line.split()[1] for line in status.split("\n") if line.startswith("VmRSS"))) / 1024


class Soak:
    def __init__(self, seconds, seed, folder):
        self.random = random.Random(seed)
        self.until = time.monotonic() + seconds
        self.done = collections.Counter()
        self.wrong = []
        self.redis = RedisServer()
        self.web = [EverythingServer(free_port()) for _ in range(2)]
        registered = {f"web{n + 1}": {"url": server.url} for n, server in enumerate(self.web)}
        registered["program"] = {"command": NODE, "args": [EVERYTHING, "stdio"]}
        self.enemies = enemies.Enemies()
        registered.update(self.enemies.registered())
        self.waits = []  # seconds, of the canary
        self.seen = ""   # by settled()
        self.stops = []  # seconds, of services that were asked to end
        self.folder = folder
        self.servers = pathlib.Path(folder) / "servers.json"
        self.servers.write_text(json.dumps({"mcpServers": registered}), encoding="utf-8")
        self.services = [self.serve(), self.serve()]

    def serve(self):
        return Guarded(PROGRAM, "--store", self.redis.url(), "--servers", str(self.servers), "--lease", "3s", "--check", "2s",
                       cwd=self.folder, env={"MCPSTATE_TOKEN": SERVICE_TOKEN, "MCPSTATE_TURNS": f"{self.folder}/turns"})

    # The hostile owner is at each service, also at one that was started anew.
    def attack(self):
        self.enemies.retreat()
        for service in self.services:
            if service:
                self.enemies.attack(service.port, service.owner_token(enemies.OWNER))

    def close(self):
        for child in [self.enemies, *self.services, *self.web]:
            if child:
                child.end()
        self.redis.close()

    # What users do.
    def request(self, rng, service):
        owner, server = rng.choice(OWNERS), rng.choice(SERVERS)
        base = path_of(owner) + "/connections"
        one = f"{base}/{server}"
        choice = rng.random()
        if choice < 0.25:
            return "connect", service.ask("PUT", rng.choice([one, one + "?wait=3s"]), {})
        if choice < 0.45:
            return "list", service.ask("GET", base + rng.choice(["", "?tools=true"]))
        if choice < 0.55:
            return "call", service.ask("POST", one + "/tools/echo/call", {"message": "soak"})
        if choice < 0.65:
            return "disconnect", service.ask("DELETE", one)
        if choice < 0.72:
            return "retry", service.ask("POST", one + "/retry")
        if choice < 0.78:
            return "touch", service.ask("POST", one + "/touch")
        if choice < 0.84:
            return "state", service.ask("PUT", f"{base}/recorded/state", {"status": rng.choice(["CONNECTED", "FAILED"]), "tools": [{"name": "x"}]})
        if choice < 0.88 and owner.startswith("session:"):
            return "claim", service.ask("POST", path_of(owner) + "/claim", {"user_id": str(rng.randrange(8))})
        if choice < 0.90:
            return "disconnect all", service.ask("DELETE", base)
        return "owners", service.ask("GET", "/v1/owners")

    def user(self, number):
        rng = random.Random(self.random.random() + number)
        while time.monotonic() < self.until and not self.wrong:
            service = rng.choice(self.services)
            if service is None:
                continue
            try:
                what, answer = self.request(rng, service)
            except (OSError, http.client.HTTPException):
                self.done["no answer (killed or frozen)"] += 1
                continue
            self.done[f"{what} {answer.status}"] += 1
            if answer.status not in ALLOWED:
                self.wrong.append(f"{what}: {answer.status} {answer.body[:300]}")
            if what == "list" and answer.status == 200:
                self.look_at(answer.json)

    def look_at(self, records):
        for record in records:
            if record["server"] == "foreign":  # read in the middle of its sequence of commands, it may lack anything
                continue
            if record["status"] == "CONNECTED" and "connected_at" not in record:
                self.wrong.append(f"CONNECTED without a time: {record}")
            if record["status"] == "FAILED" and record["server"] != "recorded" and "error" not in record and not record.get("problems"):
                self.wrong.append(f"FAILED without a reason: {record}")

    # Somebody who only wants to know, with a token of its own, ten times a second.
    def canary(self):
        while time.monotonic() < self.until and not self.wrong:
            service = self.services[0]
            time.sleep(0.1)
            if service is None:
                continue
            try:
                begun = time.monotonic()
                answer = service.ask("GET", path_of(CANARY) + "/connections", timeout=30)
                self.waits.append(time.monotonic() - begun)
            except (OSError, http.client.HTTPException):
                self.done["no answer (killed or frozen)"] += 1
                continue
            self.done[f"canary {answer.status}"] += 1
            if answer.status not in (200, 503, 504):
                self.wrong.append(f"canary: {answer.status} {answer.body[:300]}")

    # A program that knows four keys, and writes them one after the other.
    def foreigner(self):
        client, rng = self.redis.client(), random.Random(self.random.random())
        while time.monotonic() < self.until and not self.wrong:
            prefix = "mcp:" + rng.choice(OWNERS)
            try:
                client.set(f"{prefix}:server:foreign:status", "CONNECTED", ex=600)
                client.set(f"{prefix}:server:foreign:tools", "[]", ex=600)
                client.set(f"{prefix}:server:foreign:connected_at", "2026-11-22T14:30:59.553780+00:00", ex=600)
                client.sadd(f"{prefix}:connections", "foreign")
                client.expire(f"{prefix}:connections", 86400)
                self.done["foreign connects"] += 1
            except OSError:
                pass
            time.sleep(0.05)

    # What happens to machines.
    def misfortune(self):
        which = self.random.randrange(4)
        if which == 0:
            at = self.random.randrange(2)
            port = self.web[at].port
            self.web[at].end()
            self.pause(1.0)
            self.web[at] = EverythingServer(port)
            self.done["MCP server killed"] += 1
        elif which == 1:
            at = self.random.randrange(2)
            killed, self.services[at] = self.services[at], None
            killed.end(signal.SIGKILL)
            self.services[at] = self.serve()
            self.attack()
            self.done["service killed"] += 1
        elif which == 2:
            service = self.random.choice(self.services)
            service.send(signal.SIGSTOP)
            self.pause(self.random.choice([0.5, 4.0]))
            service.send(signal.SIGCONT)
            self.done["service frozen"] += 1
        else:
            at = self.random.randrange(2)
            stopped, self.services[at] = self.services[at], None
            begun = time.monotonic()
            stopped.end(signal.SIGTERM, limit=30)  # while it is attacked, on processors that the attackers use as well
            self.stops.append(time.monotonic() - begun)
            self.services[at] = self.serve()
            self.attack()
            self.done["service stopped"] += 1
        self.pause(1.0)

    def pause(self, seconds):
        time.sleep(max(0.0, min(seconds, self.until - time.monotonic())))

    def run(self):
        threads = [threading.Thread(target=self.user, args=(n,)) for n in range(6)]
        threads += [threading.Thread(target=self.foreigner), threading.Thread(target=self.canary)]
        self.attack()
        for thread in threads:
            thread.start()
        told = time.monotonic()
        while time.monotonic() < self.until and not self.wrong:
            self.misfortune()
            for service in self.services:
                if service.process.poll() is not None:
                    self.wrong.append(f"a service ended by itself ({service.process.returncode}):\n" + "".join(service.log[-60:]))
            if time.monotonic() - told > 30:
                told = time.monotonic()
                print(f"{self.until - told:5.0f} s left, {sum(self.done.values())} things done", flush=True)
        for thread in threads:
            thread.join()

    # Whoever attacked is gone, with what it left behind; then others are served as if it had never been there.
    def recover(self):
        self.enemies.retreat()
        path = path_of(enemies.OWNER) + "/connections"
        eventually(lambda: self.services[0].ask("DELETE", path).status < 300, 60, "an end of what the attacker had")

    def recovered(self):
        for service in self.services:
            begun = time.monotonic()
            answer = service.ask("GET", path_of(CANARY) + "/connections")
            if answer.status != 200 or time.monotonic() - begun > RECOVERED_SECONDS or service.rss_mib() > RECOVERED_MIB:
                return False
        return True

    def tell(self):
        waits = sorted(self.waits)
        if waits:
            print(f"canary: p50 {waits[len(waits) // 2] * 1e3:.1f} ms, p99 {waits[len(waits) * 99 // 100] * 1e3:.1f} ms, "
                  f"longest {waits[-1] * 1e3:.1f} ms, frozen and killed services included")
        if self.stops:
            print(f"longest clean stop under attack: {max(self.stops):.1f} s")
        turns = pathlib.Path(self.folder) / "turns"
        if turns.exists():
            longest = max(json.loads(line)["longest_ms"] for line in turns.read_text("ascii").splitlines())
            print(f"longest turn of an executor, of services that were stopped: {longest:.1f} ms")

    # Afterwards.
    def settled(self):
        records = [record for owner in OWNERS for record in self.services[0].connections(owner).values()]
        managed = [record for record in records if record.get("managed")]
        others = [record for record in managed if record["status"] not in ("CONNECTED", "DISCONNECTED")]
        up = [record for record in managed if record["status"] == "CONNECTED"]
        fleet = self.services[0].ask("GET", "/v1/instances").json
        programs = sum(len(service.children()) for service in self.services)
        self.seen = f"{len(up)} up, others: {others[:3]}, fleet: {fleet}, {programs} programs"
        return (not others and len(fleet["instances"]) == 2 and sum(one["kept"] for one in fleet["instances"]) == len(up)
                and programs == sum(record["server"] == "program" for record in up))

    def verify(self):
        if self.wrong:
            raise AssertionError("\n".join(self.wrong[:10]))
        self.recover()
        for owner in OWNERS:
            for name, record in self.services[0].connections(owner).items():
                if record["status"] == "FAILED" and record.get("managed"):
                    self.services[0].ask("POST", f"{path_of(owner)}/connections/{name}/retry")
        try:
            eventually(self.settled, 90, "everything CONNECTED or DISCONNECTED, and kept by exactly one")
        except AssertionError:
            print("soak: not settled:", self.seen)
            raise
        doctor = subprocess.run([PROGRAM, "doctor", "--store", self.redis.url(), "--json"], capture_output=True, text=True, timeout=120,
                                check=False)
        problems = [one for one in json.loads(doctor.stdout)["findings"] if one["level"] == "problem"]
        assert not problems, problems
        eventually(lambda: all(self.recovered() for _ in range(20)), 60,
                   f"answers within {RECOVERED_SECONDS} s and {RECOVERED_MIB} MiB ({[service.rss_mib() for service in self.services]})")
        eventually(lambda: self.services[0].end(signal.SIGTERM) is not None, 10, "a clean stop")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=None)
    words = parser.parse_args()
    seed = words.seed if words.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"soak: {words.seconds:g} s, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(words.seconds, seed, folder)
        try:
            soak.run()
            soak.verify()
        except BaseException:
            print(f"soak: seed {seed}\n" + "\n".join(f"--- service {n}\n" + "".join(s.log[-20:]) for n, s in enumerate(soak.services) if s))
            raise
        finally:
            for what, count in sorted(soak.done.items()):
                print(f"{count:8} {what}")
            soak.tell()
            soak.close()
    print("soak: every invariant holds, every record is right, nothing is kept twice, and after the attack all is as before")


if __name__ == "__main__":
    main()
