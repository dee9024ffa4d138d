#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What is promised while servers die, hang and refuse: real servers, real clients, and a checker that reads what they were told.

    MCPSTATE=build/release/mcpstate tests/chaos/chaos_test.py [--short] [--rounds N] [--only TEXT…] [--seed N] [--write] [--keep FOLDER]

Each round of a scenario (scenarios.py) puts a store, two services and clients of all kinds (load.py) on a stage (stage.py), lets one
fault happen (faults.py), heals it, and waits until everybody is served again. Then the history of all operations must be that of records
which behave, but for the loss that the scenario allows (checker.py); `doctor` finds no problem; every key has a TTL; who follows events
knows how things ended; what is managed is managed by one. A fault that did not happen fails the round.

--rounds N: of each scenario at most. --short: those of `make test`. --write: the table goes into docs/reliability.md. --keep: where
the history and the logs of a round that failed go. The seed is printed, and decides what the clients do; time decides the rest.
"""
import argparse
import collections
import datetime
import json
import math
import os
import pathlib
import platform
import random
import re
import statistics
import sys
import tempfile
import time

import exhaustive
from checker import Loss, check
from history import OK, UNKNOWN, History
from load import FOLLOWED, FOREIGN, OWNERS, Load
from scenarios import ALL, SCENARIOS
from serving import path_of
from stage import SERVER_NAME, Fleet, wait_for

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/reliability.md"
MANAGED = [f"user:m{n}" for n in range(20)]
BEFORE = 1.0  # seconds of load before the fault
AFTER = 0.7   # and after everybody is served again


class Round:
    """One fault, on a stage that is there already."""

    def __init__(self, scenario, stage, fleet, seed):
        self.scenario, self.stage, self.fleet, self.seed = scenario, stage, fleet, seed
        self.history = History()
        self.load = Load(stage, fleet, self.history, seed, bool(scenario.loss))
        self.fault = scenario.fault(stage, fleet, self.load, random.Random(seed))
        self.faults, self.verdict, self.recovery, self.searched = [], None, math.nan, 0

    def play(self):
        self.clear()
        self.manage()
        self.load.start()
        try:
            time.sleep(BEFORE)
            self.begun = time.monotonic()
            self.fault.begin()
            self.struck = time.monotonic()
            time.sleep(self.scenario.seconds)
            self.fault.heal()
            self.healed = time.monotonic()
            self.recovery = self.wait_until_served() - self.healed
            time.sleep(AFTER)
            self.load.stop()
            self.ended = time.monotonic()
            self.read_all()
            self.look()
            self.fault.after()
        finally:
            self.load.close()
        return not self.faults

    def clear(self):
        """What the round before has left."""
        for owner in [*OWNERS, FOREIGN]:
            wait_for(lambda owner=owner: self.fleet.services[0].ask("DELETE", path_of(owner)).status == 200, 20, f"{owner} is cleared")

    def manage(self):
        for n, owner in enumerate(MANAGED):
            path = f"/v1/users/{owner[5:]}/connections/{SERVER_NAME}"
            wait_for(lambda n=n, path=path: self.fleet.services[n % 2].ask("PUT", path + "?wait=5s", {}).status in (200, 202), 20, "a connect")
        wait_for(self.all_managed, 20, "all connections are managed")

    def all_managed(self):
        answer = self.fleet.services[0].ask("GET", "/v1/instances")
        return answer.status == 200 and sum(one["kept"] for one in answer.json["instances"]) == len(MANAGED)

    def wait_until_served(self):
        """The moment at which the last one of those who write and read was served for the first time after the end of the fault."""
        who = {one.name for one in [*self.load.writers, *self.load.readers]}
        if self.scenario.fault.__name__ != "KillCommands":
            who.add(self.load.commands.name)
        first = {}
        until = time.monotonic() + 60
        while set(first) != who:
            for one in self.history.since(self.healed):
                if one.outcome == OK and one.client in who:
                    first.setdefault(one.client, one.returned)
            if time.monotonic() > until:
                raise AssertionError(f"never served again: {sorted(who - set(first))}")
            time.sleep(0.02)
        return max(first.values())

    def read_all(self):
        """Whatever was not answered is known now."""
        for reader in self.load.readers:
            for owner in OWNERS:
                assert reader.read(owner), f"{owner} cannot be read when all is over"

    def look(self):
        self.faults += self.load.faults
        self.check_history()
        during = [one for one in self.history.since(self.begun) if one.called <= self.healed + 1]
        during += [one for one in self.history.operations if one.returned == math.inf and one.called >= self.begun - 5]
        if not self.fault.had_effect(during):
            self.faults.append("the fault had no effect")
        if not self.load.observer.seen:
            self.faults.append("nobody looked at the keys")
        if self.recovery > self.scenario.patience:
            self.faults.append(f"served again after {self.recovery:.1f} s; allowed are {self.scenario.patience:g}")
        for step in (self.check_events, self.check_managed, self.check_keys, self.check_doctor):
            try:
                step()
            except AssertionError as failed:
                self.faults.append(str(failed))

    def check_history(self):
        losses = []
        if self.scenario.loss:
            begin = -math.inf if self.scenario.loss == ALL else self.begun - self.scenario.loss
            losses.append(Loss(begin, self.healed, self.struck))
        self.verdict = check(self.history.operations, losses)
        self.faults += self.verdict.faults
        if not losses:
            self.search()

    def search(self):
        """The checker's own check, where there are few at once."""
        records = collections.defaultdict(list)
        for one in self.history.operations:
            records[one.key].append(one)
        for key, operations in records.items():
            if key[0] not in OWNERS:
                continue
            for part, first in exhaustive.windows(operations, size=20):
                try:
                    good = exhaustive.explains(part, first)
                except exhaustive.TooWide:
                    continue
                self.searched += len(part)
                if not good and not any(fault.startswith(" ".join(key)) for fault in self.verdict.faults):
                    self.faults.append(f"{' '.join(key)}: no order explains what was seen from {part[0].called:.3f} to {part[-1].returned:.3f}")

    def check_events(self):
        def known():
            answer = self.fleet.services[1].ask("GET", f"/v1/users/{FOLLOWED[5:]}/connections")
            return answer.status == 200 and {one["server"]: one["revision"] for one in answer.json} == self.load.follower.records
        wait_for(known, 20, "who follows events knows how it ended")

    def check_managed(self):
        if self.scenario.orders:
            wait_for(self.all_managed, 30, "what was managed is managed again")

    def check_keys(self):
        for client in self.stage.data():
            for key in client.scan_iter(match="mcp:*", count=1000):
                left = client.pttl(key)
                if left == -1:
                    self.faults.append(f"{key} has no TTL")
                if ":staging:" in key and left > 60_000:
                    self.faults.append(f"{key} stays for {left} ms")

    def check_doctor(self):
        child = self.fleet.command("doctor", "--json")
        out, err = child.communicate(timeout=120)
        findings = json.loads(out)["findings"] if out else [{"level": "problem", "says": err.decode()}]
        self.faults += [f"doctor: {one}" for one in findings if one["level"] == "problem"]

    def keep(self, folder):
        """What is needed to understand it."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        about = {"scenario": self.scenario.name, "seed": self.seed, "begun": getattr(self, "begun", None), "healed": getattr(self, "healed", None),
                 "faults": self.faults, "told": sorted(self.load.told)}
        self.history.write(folder / "history.jsonl", about)
        for name, log in self.fleet.logs().items():
            (folder / (name.replace(" ", "-") + ".log")).write_text(log, encoding="utf-8")


class Played:
    """All rounds of one scenario."""

    def __init__(self, scenario):
        self.scenario, self.rounds, self.operations, self.unknown, self.searched = scenario, 0, 0, 0, 0
        self.told = self.allowed = self.lost = 0
        self.recoveries, self.refusals, self.failed = [], collections.Counter(), []

    def take(self, one):
        self.rounds += 1
        operations = one.history.operations
        self.operations += len(operations)
        self.searched += one.searched
        self.unknown += sum(each.kind == "write" and each.outcome == UNKNOWN for each in operations)
        self.refusals.update(each.code for each in operations if each.code)
        if one.verdict:
            self.told, self.allowed, self.lost = self.told + one.verdict.told, self.allowed + one.verdict.allowed, self.lost + one.verdict.lost
        self.recoveries.append(one.recovery)

    def row(self):
        allowed = {0: "none", ALL: "all"}.get(self.scenario.loss, f"{self.scenario.loss:g} s")
        half, most = statistics.median(self.recoveries), max(self.recoveries)
        return ROW.format(self.scenario.name, self.rounds, self.told, self.unknown, allowed, self.lost, f"{half:.2f}", f"{most:.2f}")


ROW = "| {:<44} | {:>6} | {:>6} | {:>7} | {:>7} | {:>6} | {:>5} | {:>5} |"
HEAD = ROW.format("what happens", "rounds", "acks", "unknown", "allowed", "lost", "p50 s", "max s")


class StageSetup:
    """The stage that is set up; another one for a scenario that needs another, or where a round has failed."""

    def __init__(self):
        self.kind, self.stage, self.fleet, self.folder = None, None, None, None

    def set_up(self, scenario):
        kind = (scenario.stage, scenario.options, scenario.arguments)
        if kind == self.kind:
            return
        self.close()
        self.folder = tempfile.TemporaryDirectory(prefix="mcpstate-chaos-", ignore_cleanup_errors=True)
        self.stage = scenario.stage(self.folder.name, scenario.options)
        self.fleet = Fleet(self.stage, self.folder.name, scenario.arguments)
        self.kind = kind

    def close(self):
        for one in (self.fleet, self.stage):
            if one:
                one.close()
        if self.folder:
            self.folder.cleanup()
        self.kind = self.fleet = self.stage = self.folder = None


def play(scenario, rounds, rng, keep, say, setup):
    """Plays rounds of a scenario. A round that fails ends it."""
    played = Played(scenario)
    for number in range(rounds):
        setup.set_up(scenario)
        played.version = setup.stage.version()
        one = Round(scenario, setup.stage, setup.fleet, rng.randrange(2**32))
        try:
            one.play()
        except Exception as failed:  # pylint: disable=broad-except
            one.faults.append(f"{type(failed).__name__}: {failed}")
        played.take(one)
        if one.faults:
            where = pathlib.Path(keep) / f"{re.sub('[^a-zA-Z0-9]+', '-', scenario.name)}-{number}"
            one.keep(where)
            played.failed = one.faults
            say(f"FAILED: {scenario.name}, round {number}, seed {one.seed}; history and logs: {where}")
            for fault in one.faults[:10]:
                say(f"  {fault}")
            say(f"  refused: {dict(played.refusals)}")
            setup.close()
            break
    return played


def chosen(words):
    for scenario in SCENARIOS:
        rounds = scenario.short if words.short else min(scenario.rounds, words.rounds or scenario.rounds)
        wanted = not words.only or any(text in scenario.name for text in words.only)
        if wanted and words.only and words.short:
            rounds = max(rounds, 1)
        if wanted and rounds:
            yield scenario, rounds


def write_page(lines):
    before, _, rest = PAGE.read_text("utf-8").partition("<!-- chaos -->\n")
    _, mark, after = rest.partition("<!-- end of chaos -->")
    assert mark, f"{PAGE} has no place for the table"
    PAGE.write_text(before + "<!-- chaos -->\n" + "\n".join(lines) + "\n" + mark + after, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", nargs="*", help="scenarios whose name has one of these texts")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--keep", default=os.environ.get("MCPSTATE_CHAOS_KEEP", "chaos"))
    words = parser.parse_args()
    seed = words.seed if words.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"chaos: seed {seed}", flush=True)

    def say(text):
        print(text, flush=True)

    rng, setup, all_played, begun = random.Random(seed), StageSetup(), [], time.monotonic()
    for line in (HEAD, "".join("|" if each == "|" else "-" for each in HEAD)):
        say(line)
    try:
        for scenario, rounds in chosen(words):
            all_played.append(play(scenario, rounds, rng, words.keep, say, setup))
            say(all_played[-1].row())
    finally:
        setup.close()
    failed = [one.scenario.name for one in all_played if one.failed]
    rounds, slowest = sum(one.rounds for one in all_played), max((max(one.recoveries) for one in all_played), default=math.nan)
    if failed or not all_played:
        say(f"chaos: FAILED, seed {seed}: {', '.join(failed) or 'nothing was played'}")
        return 1
    if words.write:
        versions = ", ".join(sorted({one.version for one in all_played}))
        write_page([f"{datetime.date.today()}, {versions}, Linux {platform.release().split('-')[0]}, {os.cpu_count()} processors:", "", HEAD,
                    "".join("|" if each == "|" else "-" for each in HEAD), *(one.row() for one in all_played)])
    operations, searched = (sum(getattr(one, name) for one in all_played) for name in ("operations", "searched"))
    say(f"{operations} operations were checked, {searched} of them by a search over all orders, too")
    say(f"chaos: {rounds} rounds in {time.monotonic() - begun:.0f} s: nothing was lost but what may be, and everybody was served again within {slowest:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
