# SPDX-License-Identifier: MIT
"""What happens where several servers stand for one another: primaries that die, hang and change, slots that move."""
import signal
import time

import redis
from faults import Fault
from load import OWNERS
from stage import wait_for

FAILOVER = 30  # seconds, at most, until another server is the primary


class Failover(Fault):
    """Another server becomes the primary of the owner whose events are followed."""

    def begin(self):
        self.before = self.stage.server
        self.strike()

    def strike(self):
        raise NotImplementedError

    def heal(self):
        wait_for(lambda: self.stage.server is not self.before and self.stage.works(), FAILOVER, "another primary")

    def after(self):
        """Before the next round all are there again."""
        if self.before.process.poll() is not None:
            self.before.start()
        wait_for(self.stage.whole, 60, "all servers are there, and in step")

    def had_effect(self, during):
        return self.stage.server is not self.before


class KillPrimary(Failover):
    def strike(self):
        self.before.kill()


class FreezePrimary(Failover):
    """It comes back when another one is the primary already, and does not know of it."""

    def strike(self):
        self.before.send(signal.SIGSTOP)

    def heal(self):
        super().heal()
        self.before.send(signal.SIGCONT)


class PlannedFailover(Failover):
    def strike(self):
        self.stage.fail_over(self.before)


class KillSentinels(Fault):
    """Two of the three, so that none can say anything for sure."""

    def begin(self):
        self.killed = self.stage.sentinels[:2]
        for one in self.killed:
            one.kill()

    def heal(self):
        for one in self.killed:
            one.start()

    def after(self):
        wait_for(self.stage.whole, 60, "all Sentinels are there")

    def had_effect(self, during):
        return True


class KillReplica(Fault):
    def begin(self):
        primaries = self.stage.primaries()
        self.killed = next(one for one in self.stage.servers if one not in primaries)
        self.before = self.killed.info("run_id", "server")
        self.killed.kill()

    def heal(self):
        self.killed.start()
        wait_for(self.stage.works, 30, "the cluster works")

    def after(self):
        wait_for(self.stage.whole, 60, "all servers are there, and in step")

    def had_effect(self, during):
        return self.killed.info("run_id", "server") != self.before


class MovingSlots(Fault):
    """All slots of the load's owners move to the next primary, key by key, while they are written; in the middle of a slot nothing moves
    for a while."""

    pause = 0.0

    def begin(self):
        self.moved = 0
        primaries = self.stage.primaries()
        for owner in OWNERS:
            source = self.stage.node_of(owner)
            target = primaries[(primaries.index(source) + 1) % len(primaries)]
            self.move(redis.crc.key_slot(f"{self.stage.base(owner)}:connections".encode()), source, target, primaries)

    def move(self, slot, source, target, primaries):
        ids = {one: one.admin.execute_command("CLUSTER", "MYID") for one in (source, target)}
        target.admin.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        source.admin.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
        half = True
        while keys := source.admin.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 3):
            source.admin.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
            self.moved += len(keys)
            if half and self.pause:
                time.sleep(self.pause)
            half = False
        for one in [target, source, *(each for each in primaries if each not in (source, target))]:
            one.admin.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])

    def heal(self):
        wait_for(self.stage.works, 30, "the cluster works")

    def had_effect(self, during):
        return self.moved > 0


class FrozenSlots(MovingSlots):
    pause = 1.0


class RollingRestart(Fault):
    """All nodes, one after the other: a primary hands over first."""

    def begin(self):
        self.restarted = 0
        for one in self.stage.servers:
            if one in self.stage.primaries():
                self.stage.fail_over(one)
                wait_for(lambda one=one: one not in self.stage.primaries(), FAILOVER, "another primary")
            one.kill()
            one.start()
            wait_for(self.stage.whole, 60, "all servers are there, and in step")
            self.restarted += 1

    def heal(self):
        wait_for(self.stage.works, 30, "the cluster works")

    def had_effect(self, during):
        return self.restarted == len(self.stage.servers)
