# SPDX-License-Identifier: MIT
"""Each version does something with a connection that the other manages: calls it, retries it, claims it, ends it."""
import collections

from load import Broken, call
from serving import path_of


class Exchange:
    """`upgrade` has one running service of each version at least."""

    def __init__(self, upgrade):
        self.upgrade, self.store, self.until = upgrade, upgrade.store, upgrade.until
        self.calls = collections.Counter()

    def run(self):
        last, new = (self.upgrade.one_of(version) for version in (self.upgrade.last, self.upgrade.new))
        for here, there in ((last, new), (new, last)):
            self.web(here, there)
            self.program(here, there)
            self.claim(here, there)
        for version in self.upgrade.versions.values():
            self.command(version)

    def holder(self, owner, server):
        return self.store.holders().get((owner, server))

    def connected(self, way, owner, server):
        return self.upgrade.connect(way, owner, server, {})

    def disconnected(self, way, owner, server):
        answer = way.ask("DELETE", f"{path_of(owner)}/connections/{server}")
        if answer.status != 200 or answer.json != {"disconnected": 1}:
            raise Broken("disconnect", f"{owner} {server} by {way.name}: {answer.body}")
        self.until(lambda: self.holder(owner, server) is None, "leases", f"{owner} {server} managed by nobody")

    def web(self, here, there):
        """`there` calls, retries and ends what `here` manages."""
        owner, reader = "user:exchange-" + here.version.name, there.version
        before = self.connected(here, owner, "web")

        def called():
            if self.holder(owner, "web") == here.name:
                return call(there, owner, "web", "across").status == 200 and self.holder(owner, "web") == here.name
            self.disconnected(there, owner, "web")  # `here` had more than its share, and handed it over
            self.connected(here, owner, "web")
            return False

        self.until(called, "call", f"a call by {there.name} of what {here.name} manages")
        self.calls[reader.name, here.version.name] += 1
        if there.ask("POST", f"{path_of(owner)}/connections/web/retry").status != 202:
            raise Broken("retry", f"{owner} web by {there.name}")

        def retried():
            record = reader.listed(owner).records["web"]
            return record["status"] == "CONNECTED" and record["revision"] > before["revision"]

        self.until(retried, "retry", f"CONNECTED anew after a retry by {there.name}")
        self.disconnected(there, owner, "web")

    def program(self, here, there):
        """A program is called where it runs; the other version says where that is."""
        owner = "user:exchange-" + here.version.name
        self.connected(here, owner, "program")

        def refused():
            holder = self.holder(owner, "program")
            home, other = (here, there) if holder == here.name else (there, here)
            answer = call(other, owner, "program", "across")
            return (answer.status == 421 and answer.slug == "kept-elsewhere" and home.name in answer.json["detail"] and
                    call(home, owner, "program", "at home").status == 200)

        self.until(refused, "call", "a program called where it runs, and refused elsewhere")
        self.disconnected(there, owner, "program")

    def claim(self, here, there):
        """A session's connection that `here` manages is claimed by `there`."""
        session, user = (kind + ":claim-" + here.version.name for kind in ("session", "user"))
        self.connected(here, session, "web")
        answer = there.ask("POST", path_of(session) + "/claim", {"user_id": user.partition(":")[2]})
        if answer.status != 200 or answer.json != {"moved": ["web"], "kept": []}:
            raise Broken("claim", f"{session} by {there.name}: {answer.body}")
        self.until(lambda: self.holder(session, "web") is None, "leases", f"{session} managed by nobody")
        self.until(lambda: self.holder(user, "web") in self.upgrade.names(), "leases", f"{user} managed after the claim")
        for reader in self.upgrade.versions.values():
            self.until(lambda r=reader: r.listed(user).records["web"]["status"] == "CONNECTED", "claim", f"{user} CONNECTED")
            if reader.listed(session).records:
                raise Broken("claim", f"{reader.name} still reads records of {session}")
        self.disconnected(here, user, "web")

    def command(self, version):
        """A command calls a server at the URL of its record, whoever manages it."""
        owner, server = next(one for one in self.upgrade.load.managed if one[1] == "direct")
        answer = version.commands.ok("call", owner, server, "echo", '{"message":"by a command"}')
        if "Echo: by a command" not in answer.text:
            raise Broken("call", f"{owner} {server} by {version.name}: {answer!r}")
