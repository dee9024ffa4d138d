#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The last release beside the new program on the same store: a rolling upgrade under load, in both directions.

    MCPSTATE=build/release/mcpstate tests/upgrade/upgrade_test.py --last "$(tests/upgrade/build_last_release)"
        [--seconds 30] [--store redis redis-tagged sqlite] [--seed N] [--fault NAME]

On each store two services of the last release begin. One is replaced by the new program, then instances of both are stopped,
killed and frozen in turn, at last the other one is replaced. Meanwhile commands and requests of each version write, and the
other reads. Nothing that was acknowledged may be lost, no connection may stay unmanaged, and `doctor` of both versions must
say that every invariant holds. With --fault the store is damaged as an incompatible version would do it (faults.py): then this
test must fail, which fault_test.py checks.
"""
import argparse
import json
import os
import pathlib
import random
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from redis_sandbox import PROGRAM, eventually, free_port  # noqa: E402
from serving import EVERYTHING, NODE, EverythingServer, path_of  # noqa: E402

from exchange import Exchange  # noqa: E402
from faults import FAULTS, Damage, patched  # noqa: E402
from load import Broken, Load, Writer  # noqa: E402
from stores import STORES  # noqa: E402
from versions import Version  # noqa: E402

MANAGED = [(f"user:m{n}", server) for n in range(3) for server in ("web", "direct", "program")]


class Upgrade:
    """One store, and both versions on it."""

    def __init__(self, store, programs, web, folder, words):
        self.store, self.web, self.seconds = store, web, words.seconds
        self.random = random.Random(words.seed)
        self.patience = 8.0 if words.fault else 30.0  # seconds for what must come about
        registered = {"web": {"url": web.url}, "program": {"command": NODE, "args": [EVERYTHING, "stdio"]}}
        servers = pathlib.Path(folder) / "servers.json"
        servers.write_text(json.dumps({"mcpServers": registered}), encoding="utf-8")
        self.versions = {}
        for name, program in programs.items():
            if (name, words.fault) == ("new", "program"):
                program = patched(program, folder)
            options = store.other_options if (name, words.fault) == ("new", "layout") else store.options
            self.versions[name] = Version(name, program, options, str(servers), Load.watched())
        self.last, self.new = self.versions["last"], self.versions["new"]
        self.instances = []
        self.load = Load(self.versions, self.instances, MANAGED, web.url, self.random.random(), self.patience)
        self.exchange = Exchange(self)
        self.damage = Damage(words.fault, store, (self.load.writers[0].owner, Writer.SERVERS[0]), MANAGED[0])

    def close(self):
        self.damage.stop()
        self.load.stopping.set()
        for instance in list(self.instances):
            instance.end(signal.SIGKILL)
        for thread in self.load.threads:
            thread.join()
        for version in self.versions.values():
            version.close()

    def print_logs(self):
        for instance in self.instances:
            print(f"--- {instance.name}\n" + "".join(instance.service.log[-20:]), flush=True)

    # Instances.
    def start(self, version):
        self.instances.append(version.start())

    def end(self, instance, number):
        self.instances.remove(instance)
        code = instance.end(number)
        if number == signal.SIGTERM and code not in (0, 128 + signal.SIGTERM):
            raise Broken("stop", f"{instance.name} ended with {code}: {''.join(instance.service.log[-20:])}")

    def one_of(self, version):
        return next(one for one in self.instances if one.version is version)

    def names(self):
        return {one.name for one in self.instances if one.available}

    def until(self, holds, check, what):
        """As eventually, and ends at once when the load has found something broken."""
        def looked():
            self.load.raise_broken()
            return holds()
        try:
            return eventually(looked, self.patience, what)
        except Broken:
            raise
        except AssertionError as late:
            raise Broken(check, str(late)) from late

    def until_nothing(self, is_missing, check, what):
        """Until is_missing() answers nothing; what it answered last is told."""
        missing = [None]

        def holds():
            missing[0] = is_missing()
            return missing[0] is None
        try:
            self.until(holds, check, what)
        except Broken as late:
            raise Broken(late.check, f"{late.text}: {missing[0]}" if late.check == check else late.text) from late

    # Connections that are managed.
    def connect(self, way, owner, server, body):
        answer = way.ask("PUT", f"{path_of(owner)}/connections/{server}?wait={self.patience:g}s", body)
        if answer.status != 200 or answer.json["status"] != "CONNECTED":
            raise Broken("connect", f"{owner} {server} by {way.name}: {answer.body}")
        return answer.json

    def connect_all(self):
        for number, (owner, server) in enumerate(MANAGED):
            body = {"url": self.web.url} if server == "direct" else {}
            self.connect(self.instances[number % len(self.instances)], owner, server, body)

    def all_are_managed(self):
        """CONNECTED for both versions, each managed by one instance that runs, and some by each."""
        self.until_nothing(lambda: self.lacking_records() or self.lacking_fleet(), "leases", "every connection managed")

    def lacking_records(self):
        holders, names = self.store.holders(), self.names()
        for version in self.versions.values():
            records = {owner: version.listed(owner).records for owner in {owner for owner, _ in MANAGED}}
            for owner, server in MANAGED:
                if records[owner].get(server, {}).get("status") != "CONNECTED":
                    return f"{owner} {server} is {records[owner].get(server)} for {version.name}"
                if holders.get((owner, server)) not in names:
                    return f"{owner} {server} is held by {holders.get((owner, server))}, not one of {names}"
        return None

    def lacking_fleet(self):
        holders = set(self.store.holders().values())
        for one in self.instances:
            fleet = {each["name"] for each in one.fleet()["instances"]}
            if fleet != self.names():
                return f"{one.name} sees {fleet}, not {self.names()}"
            if one.name not in holders:
                return f"{one.name} holds nothing"
        return None

    def taken_over_from(self, name):
        def holds():
            holders = self.store.holders()
            return all(holders.get(each, name) != name for each in MANAGED)
        self.until(holds, "leases", f"all that {name} managed with others")

    # What happens to instances.
    def stop(self, version):
        one = self.one_of(version)
        self.end(one, signal.SIGTERM)
        self.taken_over_from(one.name)

    def kill(self, version):
        one = self.one_of(version)
        self.end(one, signal.SIGKILL)
        self.taken_over_from(one.name)

    def freeze(self, version):
        one = self.one_of(version)
        one.freeze()
        try:
            self.taken_over_from(one.name)
        finally:
            one.thaw()

    def misfortunes(self):
        """Every one of them to each version, and again until the time is over. No process is frozen on SQLite: it may have the
        file locked just then, and nobody could take over, whatever the version."""
        until = time.monotonic() + self.seconds
        kinds = [self.stop, self.kill] + ([self.freeze] if "redis" in self.store.options["store"] else [])
        while time.monotonic() < until:
            turns = [(kind, version) for kind in kinds for version in self.versions.values()]
            self.random.shuffle(turns)
            for kind, version in turns:
                kind(version)
                if kind != self.freeze:
                    self.start(version)
                self.all_are_managed()
                self.load.done[f"{kind.__name__} an instance of {version.name}"] += 1

    def replace(self, version, successor):
        """A step of a rolling upgrade."""
        self.stop(version)
        self.start(successor)
        self.all_are_managed()

    # The whole of it.
    def run(self):
        self.start(self.last)
        self.start(self.last)
        self.connect_all()
        self.all_are_managed()
        self.load.start()
        self.replace(self.last, self.new)
        self.damage.start()
        self.exchange.run()
        self.misfortunes()
        self.exchange.run()
        self.replace(self.last, self.new)
        self.load.stop()
        self.damage.stop()
        self.damage.at_the_end()
        self.verify()
        for one in list(self.instances):
            self.end(one, signal.SIGTERM)
        self.verify_store()

    def verify(self):
        self.load.counter.verify()
        for writer in self.load.writers:
            for reader in self.versions.values():
                wrong = writer.difference(reader.listed(writer.owner), writer.known)
                if wrong:
                    raise Broken("lost", f"{reader.name} reads {wrong} of {writer.owner} at the end")
        for one, other in ((self.last, self.new), (self.new, self.last)):
            for what in (self.load.told, self.exchange.calls):
                if not what[one.name, other.name]:
                    raise Broken("load", f"nothing by {one.name} reached {other.name}: {what}")
        self.verify_store()

    def disagreement(self):
        """Of what both versions print of every record; nothing where they agree."""
        last, new = (version.run("list") for version in (self.last, self.new))
        if last != new:
            return f"the last release lists {last}\nbut the new one {new}"
        for owner in json.loads(last):
            last, new = (version.listed(owner["owner"]).records for version in (self.last, self.new))
            if last != new:
                return f"the last release reads {last}\nbut the new one {new}"
        return None

    def verify_store(self):
        """Both versions print the same, once nobody writes between the two, and find every invariant kept."""
        self.until_nothing(self.disagreement, "reading", "the same from both versions")
        for version in self.versions.values():
            examined = version.commands.run("doctor", "--json")
            if examined.code != 0 or examined.json["problems"]:
                raise Broken("doctor", f"of {version.name}: {examined!r}")
        broken = self.store.broken_invariants()
        if broken:
            raise Broken("doctor", f"the keys themselves: {broken}")


def run_on(name, programs, words):
    store, web, upgrade = STORES[name](), EverythingServer(free_port()), None
    try:
        with tempfile.TemporaryDirectory() as folder:
            upgrade = Upgrade(store, programs, web, folder, words)
            try:
                upgrade.run()
            except BaseException:
                upgrade.print_logs()
                raise
            finally:
                upgrade.close()
    finally:
        web.end()
        store.close()
        if upgrade:
            counts = {**upgrade.load.done, **{f"told by {one} to {other}": n for (one, other), n in upgrade.load.told.items()}}
            for what, count in sorted(counts.items()):
                print(f"{count:8} {what}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--last", required=True, help="the program of the last release")
    parser.add_argument("--seconds", type=float, default=30, help="of misfortunes, on each store; 0: none")
    parser.add_argument("--store", nargs="+", choices=STORES, default=list(STORES))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("MCPSTATE_SEED") or random.SystemRandom().randrange(2**32)))
    parser.add_argument("--fault", choices=FAULTS)
    words = parser.parse_args()
    for name in words.store:
        begun = time.monotonic()
        print(f"upgrade on {name}: {words.seconds:g} s, seed {words.seed}", flush=True)
        try:
            run_on(name, {"last": words.last, "new": PROGRAM}, words)
        except Broken as broken:
            sys.exit(f"upgrade on {name}, seed {words.seed}: FAILED, {broken}")
        print(f"upgrade on {name}: all is well after {time.monotonic() - begun:.0f} s", flush=True)
    print("upgrade: nothing acknowledged is lost, every connection is managed, every invariant holds for both versions")


if __name__ == "__main__":
    main()
