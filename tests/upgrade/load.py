# SPDX-License-Identifier: MIT
"""The load of the upgrade test. Each worker writes with one version and reads with the other, by commands and over HTTP, and
knows what must be read: what is not so is a Broken, which names the check."""
import collections
import json
import random
import threading
import traceback

from serving import path_of
from versions import Unanswered, Version

WRITERS, COUNTERS, CONNECTORS, CALLERS = 4, 2, 2, 2
COUNTED = ("user:counted", "number")


class Broken(AssertionError):
    """What two versions on one store must not do to each other."""

    def __init__(self, check, text):
        super().__init__(f"{check}: {text}")
        self.check, self.text = check, text


class Load:
    """Workers in threads of their own, until they are stopped or one finds something broken."""

    def __init__(self, versions, instances, managed, url, seed, patience):
        self.versions, self.instances, self.managed, self.url = versions, instances, managed, url
        self.patience = patience  # seconds for what must come about
        self.random = random.Random(seed)
        self.done, self.told = collections.Counter(), collections.Counter()
        self.broken, self.stopping, self.threads = [], threading.Event(), []
        self.writers = [Writer(self, number) for number in range(WRITERS)]
        self.counter = Counter(self)
        self.connectors = [Connector(self, number) for number in range(CONNECTORS)]
        self.callers = [Caller(self) for _ in range(CALLERS)]

    @staticmethod
    def watched():
        return [f"user:w{number}" for number in range(WRITERS)]

    def start(self):
        self.counter.begin()
        for worker in [*self.writers, *[self.counter] * COUNTERS, *self.connectors, *self.callers]:
            rng = random.Random(self.random.random())
            self.threads.append(threading.Thread(target=self.repeat, args=(worker, rng)))
            self.threads[-1].start()

    def repeat(self, worker, rng):
        while not self.stopping.is_set() and not self.broken:
            try:
                worker.step(rng)
            except Unanswered:
                self.done["not answered, or no service to ask"] += 1
            except Broken as broken:
                self.broken.append(broken)
            except Exception:  # pylint: disable=broad-except
                self.broken.append(Broken("command", traceback.format_exc()))

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        self.raise_broken()

    def raise_broken(self):
        if self.broken:
            raise self.broken[0]

    def running(self, version=None):
        return [one for one in list(self.instances) if one.available and version in (None, one.version)]

    def service_of(self, rng, version):
        """One that runs. Where none does, that is waited for a moment, and Unanswered."""
        running = self.running(version)
        if not running:
            self.stopping.wait(0.01)
            raise Unanswered(f"no service of {version.name} runs")
        return rng.choice(running)

    def way(self, rng, version):
        """How one asks a version: by a command, or one of its services."""
        return rng.choice([version, *self.running(version)])

    def pair(self, rng):
        """Who writes, and who reads."""
        return rng.sample(list(self.versions.values()), 2)

    def listed(self, rng, version, owner):
        try:
            return self.way(rng, version).listed(owner)
        except Unanswered:
            return version.listed(owner)


State = collections.namedtuple("State", "status tools")
ANY_TOOLS = "any tools"

# Something to do by a command or by a request, and what all know afterwards.
Order = collections.namedtuple("Order", "name words stdin method path body after")


def perform(way, order):
    """Does it. Anything but success is an error; no answer at all is Unanswered."""
    if isinstance(way, Version):
        way.run(*order.words, stdin=order.stdin)
        return
    answer = way.ask(order.method, order.path, order.body)
    if answer.status != 200:
        raise Broken("write", f"{order.name} by {way.name}: {answer.status} {answer.body[:500]}")


def recorded(owner, server, status, tools=None):
    """The words and the request that record a state."""
    words = ["set", owner, server, status]
    body = b'{"status":"' + status.encode() + b'"'
    if tools is not None:
        words += ["--tools", "-"]
        body += b',"tools":' + tools
    if status == "FAILED":
        words += ["--reason", "no answer"]
        body += b',"reason":"no answer"'
    return words, tools or b"", "PUT", f"{path_of(owner)}/connections/{server}/state", body + b"}"


def shown_in_events(records):
    """What an event says of each record: no tools, and an expiry that was renewed without another change is not told."""
    return {name: {member: value for member, value in record.items() if member not in ("tools", "expires_at")}
            for name, record in records.items()}


class Writer:
    """Writes the records of one user as the only one, so that everybody must read just what it wrote last."""

    SERVERS = ("github", "files", "wiki")

    def __init__(self, load, number):
        self.load, self.number, self.owner = load, number, f"user:w{number}"
        self.path = path_of(self.owner)
        self.known, self.written = {}, 0

    def step(self, rng):
        writer, reader = self.load.pair(rng)
        kind = rng.choice([self.connected] * 4 + [self.failed] * 2 + [self.disconnected, self.all_disconnected, self.touched,
                                                                      self.cleared, self.claimed, self.opened])
        listening = [one for one in self.load.running() if one.streams[self.owner].is_ready]
        order = kind(rng, writer)
        way = writer if order.method is None else self.load.way(rng, writer)
        try:
            perform(way, order)
        except Unanswered:
            self.find_out(writer, order)
            raise
        told = order.after != self.known
        self.known = order.after
        self.load.done[f"{order.name} by {writer.name}"] += 1
        self.check(rng, writer, reader)
        for one in listening if told else ():
            self.load.told[writer.name, one.version.name] += 1

    def tools(self):
        self.written += 1
        return b'[ {"name":"t%d", "n":1.0e0},{"name":"Gr\xc3\xb6\xc3\x9fe"}]' % self.written

    def connected(self, rng, _):
        server, tools = rng.choice(self.SERVERS), self.tools()
        return Order("record CONNECTED", *recorded(self.owner, server, "CONNECTED", tools),
                     {**self.known, server: State("CONNECTED", tools)})

    def failed(self, rng, _):
        server = rng.choice(self.SERVERS)
        tools = self.known[server].tools if server in self.known else None
        return Order("record FAILED", *recorded(self.owner, server, "FAILED"),
                     {**self.known, server: State("FAILED", tools)})

    def disconnected(self, rng, writer):
        if not self.known:
            return self.connected(rng, writer)
        server = rng.choice(sorted(self.known))
        return Order("disconnect", ["disconnect", self.owner, server], b"", "DELETE", f"{self.path}/connections/{server}", None,
                     {**self.known, server: State("DISCONNECTED", None)})

    def all_disconnected(self, *_):
        return Order("disconnect all", ["disconnect", self.owner], b"", "DELETE", f"{self.path}/connections", None,
                     {server: State("DISCONNECTED", None) for server in self.known})

    def touched(self, *_):
        return Order("touch", ["touch", self.owner], b"", "POST", f"{self.path}/touch", None, self.known)

    def cleared(self, *_):
        return Order("clear", ["clear", self.owner, "--yes"], b"", "DELETE", self.path, None, {})

    def opened(self, *_):
        """Only a command connects without managing."""
        return Order("connect", ["connect", self.owner, "opened", self.load.url], b"", None, None, None,
                     {**self.known, "opened": State("CONNECTED", ANY_TOOLS)})

    def claimed(self, rng, writer):
        """A session that the other version has written is claimed by this one."""
        session, tools = f"session:w{self.number}-{self.written}", self.tools()
        other, = (one for one in self.load.versions.values() if one is not writer)
        perform(other, Order("record of a session", *recorded(session, "basket", "CONNECTED", tools), None))
        own = self.known.get("basket")
        stays = own is not None and own.status == "CONNECTED"
        return Order("claim", ["claim", session, self.owner], b"", "POST", f"{path_of(session)}/claim",
                     {"user_id": f"w{self.number}"}, {**self.known, "basket": own if stays else State("CONNECTED", tools)})

    def find_out(self, version, order):
        """Nobody has said whether the order was carried out: it was, or it was not, and nothing between."""
        listing = version.listed(self.owner)
        for known in (order.after, self.known):
            if self.difference(listing, known) is None:
                self.known = known
                return
        raise Broken("lost", f"{order.name} was not answered, and left neither {self.known} nor {order.after}: {listing.text}")

    def check(self, rng, writer, reader):
        mine, theirs = (self.load.listed(rng, version, self.owner) for version in (writer, reader))
        if mine.records != theirs.records:
            raise Broken("reading", f"{writer.name} reads {mine.text}\nbut {reader.name} {theirs.text}")
        wrong = self.difference(theirs, self.known)
        if wrong:
            raise Broken("lost", f"{reader.name} reads {wrong} of {self.owner}: {theirs.text}")
        for one in self.load.running():
            self.check_events(one, theirs.records)

    def check_events(self, instance, records):
        wanted = shown_in_events(records)
        stream = instance.streams[self.owner]
        if stream.wait_for(lambda seen: shown_in_events(seen) == wanted, self.load.patience) is False and instance.available:
            raise Broken("events", f"a stream of {instance.name} shows {stream.records}, not {wanted}")

    @staticmethod
    def difference(listing, known):
        """What is read otherwise than it is known; nothing where all is as it must be."""
        if set(listing.records) != set(known):
            return f"{sorted(listing.records)} instead of {sorted(known)}"
        for server, state in known.items():
            record = listing.records[server]
            if record["status"] != state.status:
                return f"{server} as {record['status']} instead of {state.status}"
            if state.tools is None and "tools" in record:
                return f"tools of {server}, which has none"
            if state.tools is not None and not record.get("tools"):
                return f"no tools of {server}"
            if state.tools not in (None, ANY_TOOLS) and state.tools not in listing.text:
                return f"other tools of {server} than {state.tools}"
        return None


class Counter:
    """Counts up in one record, each time on the basis of what was read: no two writers may both succeed on the same basis."""

    def __init__(self, load):
        self.load, self.counted, self.unanswered = load, [], 0
        self.owner, self.server = COUNTED

    def begin(self):
        version = next(iter(self.load.versions.values()))
        version.run("set", self.owner, self.server, "CONNECTED", "--tools", "-", stdin=b'[{"name":"0"}]')

    def step(self, rng):
        reader, writer = self.load.pair(rng)
        record = self.load.listed(rng, reader, self.owner).records[self.server]
        number = int(record["tools"][0]["name"]) + 1
        words, tools, method, path, body = recorded(self.owner, self.server, "CONNECTED", b'[{"name":"%d"}]' % number)
        way = self.load.way(rng, writer)
        try:
            if isinstance(way, Version):
                answer = way.commands.run(*words, "--if-revision", str(record["revision"]), stdin=tools)
                written, refused = answer.code == 0, answer.code == 1
            else:
                answer = way.ask(method, path, body, {"If-Match": f'"r{record["revision"]}"'})
                written, refused = answer.status == 200, answer.status in (409, 412)
        except Unanswered:
            self.unanswered += 1
            raise
        if not written and not refused:
            raise Broken("write", f"count by {writer.name}: {answer.__dict__}")
        if written:
            self.counted.append(number)
        self.load.done[f"count by {writer.name}" if written else f"count refused to {writer.name}"] += 1

    def verify(self):
        """Every version reads the number of the acknowledged writes."""
        if len(set(self.counted)) != len(self.counted):
            raise Broken("fence", "two writes on the same basis were both acknowledged")
        for version in self.load.versions.values():
            number = int(version.listed(self.owner).records[self.server]["tools"][0]["name"])
            if not len(self.counted) <= number <= len(self.counted) + self.unanswered:
                raise Broken("lost", f"{len(self.counted)} writes acknowledged, {self.unanswered} unanswered, but counted to {number}")


class Connector:
    """Has a connection managed by one version, and ended by the other, again and again. What was ended stays so, whatever the one
    who manages it does just then."""

    def __init__(self, load, number):
        self.load, self.owner = load, f"user:c{number}"
        self.path = path_of(self.owner) + "/connections/web"

    def step(self, rng):
        here, there = self.load.pair(rng)
        try:
            answer = self.load.service_of(rng, here).ask("PUT", self.path + "?wait=10s", {})
            if answer.status not in (200, 202):
                raise Broken("connect", f"{self.owner} by {here.name}: {answer.status} {answer.body[:500]}")
            record = self.load.listed(rng, there, self.owner).records.get("web", {})
            if not record.get("managed"):
                raise Broken("lost", f"{there.name} reads {record} where {here.name} has connected {self.owner}")
        finally:  # also where nobody has said what came of it
            self.end(rng, here, there)
        self.load.done[f"connect and manage by {here.name}"] += 1

    def end(self, rng, here, there):
        order = Order("end", ["disconnect", self.owner], b"", "DELETE", path_of(self.owner) + "/connections", None, None)
        try:
            perform(self.load.way(rng, there), order)
        except Unanswered:
            perform(there, order)
        for version in (here, there):
            states = {record["status"] for record in self.load.listed(rng, version, self.owner).records.values()}
            if not states <= {"DISCONNECTED"}:
                raise Broken("lost", f"{version.name} reads {states} of {self.owner}, which {there.name} has disconnected")


class Caller:
    """Calls tools of managed servers by every service, whichever manages them."""

    def __init__(self, load):
        self.load, self.called = load, 0

    def step(self, rng):
        way = self.load.service_of(rng, rng.choice(list(self.load.versions.values())))
        owner, server = rng.choice(self.load.managed)
        self.called += 1
        answer = call(way, owner, server, f"number {self.called}")
        # While a server changes hands, a call may fail. A program is called where it runs.
        allowed = {200, 502, 503, 504} | ({421} if server == "program" else set())
        if answer.status not in allowed:
            raise Broken("call", f"{owner} {server} by {way.name}: {answer.status} {answer.body[:500]}")
        self.load.done[f"call of {server} by {way.version.name}: {answer.status}"] += 1


def call(way, owner, server, message):
    """The answer to a call of the tool `echo`; that it is the right one, where it is one."""
    answer = way.ask("POST", f"{path_of(owner)}/connections/{server}/tools/echo/call", json.dumps({"message": message}))
    if answer.status == 200 and f"Echo: {message}" not in answer.body.decode():
        raise Broken("call", f"{owner} {server} by {way.name} answered {answer.body[:500]}")
    return answer
