# SPDX-License-Identifier: MIT
"""Whether a history is one of records that behave: linearizable registers, except for the loss that was allowed.

The store numbers its writes, so the order in which they took effect is no riddle: it is the order of their revisions, and one pass
over the operations in the order of time is enough. What must hold for each record:
  - A revision is given once, and has one value, wherever it is read: nothing is torn.
  - What ended before something else began comes before it: no write gets a smaller revision than one that was told before it began,
    no read shows an older one, or one that was written after the read had ended.
  - A value that is read was written: by a write that was told, or by one whose outcome is unknown. What was refused never shows.
  - A write that names its basis follows just that revision.
An allowed loss is a span of time: writes that were told within it may be missing afterwards, of each owner a last part of them.
"""
import bisect
import collections
import dataclasses
import math

from history import OK, REFUSED, UNKNOWN


@dataclasses.dataclass
class Loss:
    """Writes that were told from `begin` to `end` may be missing for who asks after `seen`. All are seconds of the clock of the history."""
    begin: float
    end: float
    seen: float

    def covers(self, told):
        return self.begin <= told <= self.end


@dataclasses.dataclass
class Verdict:
    faults: list = dataclasses.field(default_factory=list)
    told: int = 0     # writes
    allowed: int = 0  # of them may be missing
    lost: int = 0     # of them are missing


def check(operations, losses=()):
    verdict = Verdict()
    records = collections.defaultdict(list)
    for one in operations:
        records[one.key].append(one)
    lost = []
    for key, of_one in sorted(records.items()):
        lost += Record(key, of_one, losses, verdict).check()
    verdict.lost = len(lost)
    check_last_parts(operations, lost, losses, verdict)
    return verdict


def check_last_parts(operations, lost, losses, verdict):
    """What an owner has lost is the last of what was written: nothing that was begun later is still there."""
    first = {}
    for one in lost:
        first[one.owner] = min(first.get(one.owner, math.inf), one.returned)
    gone = {(*one.key, one.revision) for one in lost}
    begun = {(*one.key, one.revision): one for one in operations if one.kind == "write" and one.outcome == OK and one.owner in first}
    for one in operations:
        place = (*one.key, one.revision)
        if one.kind != "read" or one.outcome != OK or place in gone or place not in begun:
            continue
        write = begun[place]
        if write.called > first[one.owner] and any(loss.covers(write.returned) and one.called >= loss.seen for loss in losses):
            verdict.faults.append(f"{one.owner}: a write was lost, but revision {one.revision} of {one.server}, which was begun after it, "
                                  "is there")
            return


class Record:
    """One register."""

    def __init__(self, key, operations, losses, verdict):
        self.name, self.losses, self.verdict = " ".join(key), losses, verdict
        self.told = [one for one in operations if one.kind == "write" and one.outcome == OK]
        self.reads = [one for one in operations if one.kind == "read" and one.outcome == OK]
        self.unknown = [one for one in operations if one.kind == "write" and one.outcome == UNKNOWN]
        self.refused = {one.value for one in operations if one.kind == "write" and one.outcome == REFUSED}
        self.write_of = {}  # by revision

    def fault(self, text):
        self.verdict.faults.append(f"{self.name}: {text}")

    def may_be_lost(self, write):
        return any(loss.covers(write.returned) for loss in self.losses)

    def check(self):
        """Answers the writes that are missing."""
        self.number_writes()
        self.number_unknown_writes()
        self.check_values()
        self.check_bases()
        return self.check_order()

    def number_writes(self):
        self.verdict.told += len(self.told)
        self.verdict.allowed += sum(map(self.may_be_lost, self.told))
        for one in self.told:
            other = self.write_of.setdefault(one.revision, one)
            if other is not one and not (self.may_be_lost(one) or self.may_be_lost(other)):
                self.fault(f"revision {one.revision} was given twice, to {other.value} and {one.value}")

    def number_unknown_writes(self):
        """A revision that is read and was told to nobody belongs to a write that was not answered, each to another one."""
        free = collections.defaultdict(list)
        for one in sorted(self.unknown, key=lambda one: one.called):
            free[one.value].append(one)
        for read in sorted(self.reads, key=lambda one: one.revision):
            if not read.value or read.revision in self.write_of:
                continue
            if not free[read.value]:
                why = "which was refused" if read.value in self.refused else "which nobody has written"
                self.fault(f"revision {read.revision} shows {read.value}, {why}")
                continue
            self.write_of[read.revision] = dataclasses.replace(free[read.value].pop(0), revision=read.revision)

    def check_values(self):
        for read in self.reads:
            write = self.write_of.get(read.revision)
            if write and read.value and write.value != read.value:
                self.fault(f"revision {read.revision} is {write.value}, and was read as {read.value}")

    def check_bases(self):
        revisions = sorted(one.revision for one in self.told)
        for one in self.told:
            if one.basis is None:
                continue
            before = bisect.bisect_left(revisions, one.revision) - 1
            if before >= 0 and revisions[before] > one.basis and not self.may_be_lost(self.write_of[revisions[before]]):
                self.fault(f"revision {one.revision} was based on {one.basis}, and {revisions[before]} lies between")
            if one.revision <= one.basis:
                self.fault(f"revision {one.revision} was based on {one.basis}")

    def check_order(self):
        """Each operation has a revision: what a write gave, what a read showed. Later operations have larger ones."""
        done = sorted([*self.reads, *self.write_of.values()], key=lambda one: one.called)
        ends = sorted(done, key=lambda one: one.returned)
        lost, newest, behind = {}, None, 0
        for one in done:
            while behind < len(ends) and ends[behind].returned < one.called:
                ended = ends[behind]
                behind += 1
                if newest is None or ended.revision > newest.revision:
                    newest = ended
            if newest and self.goes_back(newest, one):
                if self.explained(newest, one, lost):
                    newest = None  # what was before the loss compares with nothing after it
                else:
                    self.fault(self.words_of(newest, one))
        return list(lost.values())

    @staticmethod
    def goes_back(before, one):
        return one.revision < before.revision or (one.revision == before.revision and one.kind == "write" and before is not one)

    def explained(self, before, one, lost):
        """By an allowed loss: all that was told since `one` and before the loss is missing."""
        for loss in self.losses:
            if one.returned < loss.seen or before.returned > max(loss.end, loss.seen):
                continue
            gone = [write for write in self.told if write.revision > one.revision and write.returned < one.called
                    and write.returned < loss.seen]
            if all(loss.covers(write.returned) for write in gone):
                lost.update((write.revision, write) for write in gone)
                return True
        return False

    def words_of(self, before, one):
        what = {"read": f"was read as {one.revision} ({one.value or 'nothing'})", "write": f"was written as {one.revision}"}[one.kind]
        return f"{what} by {one.client} at {one.called:.3f}, after {before.client} had been told {before.revision} at {before.returned:.3f}"
