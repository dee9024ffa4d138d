# SPDX-License-Identifier: MIT
"""What happens to servers and to the ways to them. A fault begins, lasts, and is healed; then it says whether it had any effect: one
that nobody could have noticed proves nothing."""
import signal
import threading
import time

import redis
from stage import silent, wait_for


class Fault:
    def __init__(self, stage, fleet, load, rng):
        self.stage, self.fleet, self.load, self.rng = stage, fleet, load, rng

    def begin(self):
        raise NotImplementedError

    def heal(self):
        """Returns as soon as the store can serve."""

    def after(self):
        """Once the round has been looked at: all as before it."""

    def had_effect(self, during):
        """during: the operations that ended between its begin and a second after its end."""
        return any(one.outcome != "ok" for one in during)


class KillServer(Fault):
    def begin(self):
        self.before = self.stage.server.info("run_id", "server")
        self.stage.server.kill()

    def heal(self):
        self.stage.server.start()
        self.stage.server.wait_until_it_answers()

    def had_effect(self, during):
        return self.stage.server.info("run_id", "server") != self.before


class LoadSlowly(KillServer):
    """It is back at once, and says for some seconds that it is loading."""

    SLOWLY = ["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"]

    def begin(self):
        with self.stage.server.admin.pipeline() as many:
            for n in range(2000):
                many.set(f"filler:{n}", "x" * 2000, ex=3600)
            many.execute()
        super().begin()
        self.stage.server.options += self.SLOWLY
        self.stage.server.start()

    def heal(self):
        self.stage.server.wait_until_it_answers()

    def after(self):
        del self.stage.server.options[-len(self.SLOWLY):]
        self.stage.server.admin.delete(*(f"filler:{n}" for n in range(2000)))

    def had_effect(self, during):
        return any(one.code == "loading" for one in during)


class Freeze(Fault):
    def begin(self):
        self.stage.server.send(signal.SIGSTOP)

    def heal(self):
        self.stage.server.send(signal.SIGCONT)

    def had_effect(self, during):
        return longest(during) > 1 or super().had_effect(during)


def longest(operations):
    return max((one.returned - one.called for one in operations if one.returned < float("inf")), default=0)


def way(*order):
    """A fault of the way to the server."""

    class Way(Fault):
        def begin(self):
            self.stage.proxy.order(*order)

        def heal(self):
            self.stage.proxy.order("pass")

        def had_effect(self, during):
            return longest(during) > 0.25 or super().had_effect(during)

    return Way


def setting(code, name, value, back):
    """A configuration under which the server refuses, with that code."""

    class Setting(Fault):
        def begin(self):
            self.stage.server.admin.config_set(name, value)

        def heal(self):
            self.stage.server.admin.config_set(name, back)

        def had_effect(self, during):
            return any(one.code == code for one in during)

    return Setting


class CannotSave(Fault):
    """Snapshots fail: there is a folder where the file should be."""

    def begin(self):
        server = self.stage.server
        (server.folder / "dump.rdb" / "in the way").mkdir(parents=True)
        server.admin.config_set("save", "3600 1")
        server.admin.bgsave()
        wait_for(lambda: server.info("rdb_last_bgsave_status", "persistence") == "err", 20, "a snapshot that fails")

    def heal(self):
        server = self.stage.server
        (server.folder / "dump.rdb" / "in the way").rmdir()
        (server.folder / "dump.rdb").rmdir()
        server.admin.bgsave()
        wait_for(lambda: server.info("rdb_last_bgsave_status", "persistence") == "ok", 20, "a snapshot")
        server.admin.config_set("save", "")

    def had_effect(self, during):
        return any(one.code == "read_only" for one in during)


class NoClients(Fault):
    """All connections end, and no new one is accepted."""

    def begin(self):
        admin = self.stage.server.admin
        admin.config_set("maxclients", 1)
        admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def heal(self):
        self.stage.server.admin.config_set("maxclients", 10000)


class LostConnections(Fault):
    def begin(self):
        self.killed = self.stage.server.admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def had_effect(self, during):
        return self.killed > 0


class Busy(Fault):
    """A script that does not end."""

    def begin(self):
        self.stage.server.admin.config_set("busy-reply-threshold", 100)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with self.stage.observer(None, socket_timeout=60) as client:
            try:
                client.eval("while true do end", 0)
            except redis.RedisError:
                pass

    def heal(self):
        wait_for(lambda: silent(self.stage.server.admin.script_kill), 10, "the end of a script")
        self.thread.join()


class NoRights(Fault):
    """The user may not run scripts any more."""

    def begin(self):
        self.stage.server.admin.execute_command("ACL", "SETUSER", "default", "-eval", "-evalsha")

    def heal(self):
        self.stage.server.admin.execute_command("ACL", "SETUSER", "default", "+eval", "+evalsha")

    def had_effect(self, during):
        return any(one.code == "auth_failed" for one in during)


class ForgottenScripts(Fault):
    def begin(self):
        self.stage.server.admin.config_resetstat()
        self.stage.server.admin.script_flush()

    def had_effect(self, during):
        return self.stage.server.admin.info("commandstats").get("cmdstat_evalsha", {}).get("failed_calls", 0) > 0


class KillService(Fault):
    """One of the two services, at any moment."""

    def begin(self):
        self.number = self.rng.randrange(2)
        self.fleet.services[self.number].send(signal.SIGKILL)

    def heal(self):
        self.fleet.restart(self.number)

    def had_effect(self, during):
        return any(one.code == "no answer" for one in during)


class KillCommands(Fault):
    """The load kills its commands at any moment."""

    def begin(self):
        self.load.commands.killed = 0.6

    def heal(self):
        self.load.commands.killed = 0.0

    def had_effect(self, during):
        return self.load.commands.kills > 0


def mixed(kinds, count, seconds):
    """So many of these faults, one after the other, each for a while, and a while without."""

    class Mixed(Fault):
        def begin(self):
            self.faults = []
            for _ in range(count):
                one = self.rng.choice(kinds)(self.stage, self.fleet, self.load, self.rng)
                one.begin()
                time.sleep(self.rng.uniform(0, seconds))
                one.heal()
                one.after()
                self.faults.append(one)
                time.sleep(self.rng.uniform(0, seconds))

        def heal(self):
            pass

    return Mixed
