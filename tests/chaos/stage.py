# SPDX-License-Identifier: MIT
"""What a scenario plays on: real servers in a folder of their own, a way to them that can be disturbed, two `mcpstate serve`, and an
MCP server that they manage connections to. MCPSTATE says which program, MCPSTATE_REDIS_SERVER which server (redis-server)."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import redis
import redis.cluster
import redis.crc
import redis.sentinel

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
os.environ.setdefault("MCPSTATE", "build/release/mcpstate")
import redis_cluster  # noqa: E402
from hostile_server import HostileServer, polite  # noqa: E402
from proxy import Proxy  # noqa: E402
from serving import Service  # noqa: E402

PROGRAM = os.path.abspath(os.environ["MCPSTATE"])
SERVER = os.environ.get("MCPSTATE_REDIS_SERVER", "redis-server")
SERVER_NAME = "web"  # of the MCP server


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(holds, limit, what):
    """What holds() answers, once that is something true."""
    until = time.monotonic() + limit
    while True:
        try:
            got = holds()
        except redis.RedisError:
            got = None
        if got:
            return got
        if time.monotonic() > until:
            raise AssertionError(f"in vain within {limit:g} s: {what}")
        time.sleep(0.01)


def silent(work):
    """A server that is just dying, or refuses: whoever looks will see it."""
    try:
        return work()
    except redis.RedisError:
        return None


class Server:
    """One redis-server, valkey-server or Sentinel on a port of its own, which it has again when it is started again."""

    def __init__(self, folder, name, *options, mode=()):
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir()
        self.name, self.port, self.options, self.mode = name, free_port(), list(options), list(mode)
        self.process, self.admin, self.frozen = None, None, False

    def start(self):
        words = [SERVER, *self.mode, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--logfile", "log",
                 "--unixsocket", "socket"]
        words += [] if self.mode else ["--save", ""]
        self.process = subprocess.Popen(words + self.options, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.frozen = False
        self.admin = self.admin or redis.Redis(unix_socket_path=str(self.folder / "socket"), decode_responses=True, socket_timeout=5)
        return self

    def answers(self):
        """As soon as it takes commands on data."""
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} has ended: {self.log()}")
        try:
            return self.admin.get("none") is None
        except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
            return False

    def wait_until_it_answers(self, limit=30):
        wait_for(self.answers, limit, f"{self.name} answers")

    def info(self, field, section=None):
        return self.admin.info(section or "all")[field]

    @property
    def alive(self):
        """It runs, and is not frozen."""
        return self.process is not None and self.process.poll() is None and not self.frozen

    def send(self, number):
        self.process.send_signal(number)
        self.frozen = number == signal.SIGSTOP

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        if self.process:
            self.process.wait()

    def log(self):
        try:
            return (self.folder / "log").read_text("utf-8", "replace")
        except OSError:
            return "(no log)"


class Stage:
    """Servers that make one store. What has begun when one of them does not start is ended."""

    def __init__(self, folder, options=()):
        self.servers, self.sentinels, self.proxy = [], [], None
        try:
            self.build(folder, options)
        except BaseException:
            self.close()
            raise

    def build(self, folder, options):
        raise NotImplementedError

    def version(self):
        info = self.servers[0].admin.info("server")
        return f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"

    def close(self):
        for one in [*self.sentinels, *self.servers]:
            one.kill()
        if self.proxy:
            self.proxy.end()


class Single(Stage):
    """One server."""

    kind = "single"

    def build(self, folder, options):
        self.server = Server(folder, "server", *options)
        self.servers = [self.server]
        self.server.start().wait_until_it_answers()
        self.proxy = Proxy(self.server.port)
        self.url = f"redis://127.0.0.1:{self.proxy.port}/0"

    def client(self, **more):
        """A foreign program, by the same way as all."""
        return redis.Redis(host="127.0.0.1", port=self.proxy.port, **more)

    def observer(self, owner, **more):
        """To where an owner's records are, past the way that can be disturbed."""
        return redis.Redis(host="127.0.0.1", port=self.server.port, **more)

    def base(self, owner):
        """What the keys of an owner begin with."""
        return f"mcp:{owner}"

    def data(self):
        """Clients of all servers that own records."""
        return [self.server.admin]

    def works(self):
        return self.server.answers()


class Sentinels(Stage):
    """A primary with two replicas, and three Sentinels that watch over them."""

    kind = "Sentinel"
    NAME = "mymaster"
    DOWN_AFTER = 1.0  # seconds

    def build(self, folder, options):
        self.servers = [Server(folder, f"server {n}", *options, "--repl-diskless-sync-delay", "0") for n in range(3)]
        for one in self.servers[1:]:
            one.options += ["--replicaof", "127.0.0.1", str(self.servers[0].port)]
        for one in self.servers:
            one.start()
        for one in self.servers:
            one.wait_until_it_answers()
        for number in range(3):
            self.sentinels.append(self.sentinel(folder, number))
        wait_for(self.whole, 30, "Sentinels that know each other and both replicas")
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        self.url = f"redis-sentinel://{hosts}/0#{self.NAME}"
        self.way = redis.sentinel.Sentinel([("127.0.0.1", one.port) for one in self.sentinels], socket_timeout=1)

    def sentinel(self, folder, number):
        one = Server(folder, f"sentinel {number}", mode=["sentinel.conf", "--sentinel"])
        (one.folder / "sentinel.conf").write_text(
            f"sentinel monitor {self.NAME} 127.0.0.1 {self.servers[0].port} 2\n"
            f"sentinel down-after-milliseconds {self.NAME} {int(self.DOWN_AFTER * 1000)}\n"
            f"sentinel failover-timeout {self.NAME} 4000\nsentinel parallel-syncs {self.NAME} 2\n", encoding="utf-8")
        return one.start()

    def told(self, number=None):
        """What a Sentinel says of the primary: this one, or the first that answers."""
        for one in self.sentinels if number is None else [self.sentinels[number]]:
            said = silent(lambda one=one: one.admin.sentinel_master(self.NAME)) if one.alive else None
            if said:
                return said
        raise redis.ConnectionError("no Sentinel answers")

    def fail_over(self, primary):
        """As an operator asks for it."""
        self.sentinels[0].admin.execute_command("SENTINEL", "FAILOVER", self.NAME)

    def whole(self):
        """All Sentinels know all, nothing is under way, and the replicas are in step."""
        for number in range(3):
            told = self.told(number)
            if silent(self.sentinels[number].admin.ping) is None or told["num-other-sentinels"] != 2 or told["num-slaves"] < 2 or told["flags"] != "master" and "is_master" not in told:
                return False
        return len(self.replicas()) == 2

    def replicas(self):
        """Ports of those that are in step with the primary."""
        info = self.server.admin.info("replication")
        return [one["port"] for name, one in info.items() if name.startswith("slave") and isinstance(one, dict) and one["state"] == "online"]

    @property
    def server(self):
        """The primary, as the Sentinels say."""
        port = self.told()["port"]
        return next(one for one in self.servers if one.port == port)

    def client(self, **more):
        return self.way.master_for(self.NAME, **more)

    def observer(self, owner, **more):
        return redis.Redis(host="127.0.0.1", port=self.server.port, **more)

    def base(self, owner):
        return f"mcp:{owner}"

    def data(self):
        return [self.server.admin]

    def works(self):
        primary = self.server
        return primary.alive and primary.info("role", "replication") == "master" and primary.answers()


class Cluster(Stage):
    """Three primaries, each with a replica."""

    kind = "cluster"

    def build(self, folder, options):
        buses = [free_port() for _ in range(6)]
        self.servers = [Server(folder, f"node {n}", *options, *redis_cluster.node_options(bus)) for n, bus in enumerate(buses)]
        for one in self.servers:
            one.start()
        for one in self.servers:
            wait_for(lambda one=one: silent(one.admin.ping), 20, f"{one.name} answers")
        self.ids = redis_cluster.form_cluster([one.admin for one in self.servers], [one.port for one in self.servers], buses)
        self.url = "redis-cluster://" + ",".join(f"127.0.0.1:{one.port}" for one in self.servers[:3])

    def primaries(self):
        """Those that say so, and have slots."""
        found = []
        for one in self.servers:
            if one.alive and silent(lambda one=one: one.info("role", "replication")) == "master":
                lines = one.admin.execute_command("CLUSTER", "NODES").splitlines()
                if any("myself" in line and len(line.split()) > 8 for line in lines):
                    found.append(one)
        return found

    def node_of(self, owner):
        """Who has an owner's slot, as the first node that answers says."""
        slot = redis.crc.key_slot(f"{self.base(owner)}:connections".encode())
        for one in self.servers:
            ranges = silent(lambda one=one: one.admin.execute_command("CLUSTER", "SLOTS")) if one.alive else None
            for begin, end, primary, *_ in ranges or []:
                if begin <= slot <= end:
                    return next(each for each in self.servers if each.port == primary[1])
        raise redis.ConnectionError("no node knows the slots")

    def fail_over(self, primary):
        """As an operator asks for it: of the replica."""
        self.replica_for(primary).admin.execute_command("CLUSTER", "FAILOVER")

    def replica_for(self, primary):
        mine = primary.admin.execute_command("CLUSTER", "MYID")
        for one in self.servers:
            lines = silent(lambda one=one: one.admin.execute_command("CLUSTER", "NODES")) if one.alive else None
            own = next((line.split() for line in (lines or "").splitlines() if "myself" in line), None)
            if own and own[3] == mine:
                return one
        raise AssertionError(f"{primary.name} has no replica")

    def whole(self):
        """All nodes are there, and say that all is well; the replicas are in step."""
        primaries = self.primaries()
        return len(primaries) == 3 and all(silent(lambda one=one: redis_cluster.works(one.admin, 6, one in primaries)) for one in self.servers)

    @property
    def server(self):
        """The primary of the owner whose events are followed."""
        return self.node_of("user:w0")

    def client(self, **more):
        return redis.cluster.RedisCluster(host="127.0.0.1", port=self.servers[-1].port, **more)

    def observer(self, owner, **more):
        return redis.Redis(host="127.0.0.1", port=self.node_of(owner).port, **more)

    def base(self, owner):
        kind, _, name = owner.partition(":")
        return f"mcp:{kind}:{{{name}}}"

    def data(self):
        return [one.admin for one in self.primaries()]

    def works(self):
        alive = [one for one in self.servers if one.alive]
        return all(redis_cluster.cluster_info(one.admin)["cluster_state"] == "ok" for one in alive)


class Fleet:
    """Two services on one store, and what they manage."""

    def __init__(self, stage, folder, arguments=()):
        self.stage, self.folder, self.arguments = stage, pathlib.Path(folder), list(arguments)
        self.web = HostileServer(polite)
        (self.folder / "servers.json").write_text(json.dumps({"mcpServers": {SERVER_NAME: {"url": self.web.url}}}), encoding="utf-8")
        self.services = []
        try:
            for _ in range(2):
                self.services.append(self.serve())
        except BaseException:
            self.close()
            raise

    def serve(self):
        return Service(PROGRAM, "--store", self.stage.url, "--servers", str(self.folder / "servers.json"), "--lease", "3s", "--check", "2s",
                       *self.arguments, cwd=self.folder)

    def restart(self, number):
        self.services[number].end(signal.SIGKILL)
        self.services[number] = self.serve()

    def command(self, *words, stdin=b"", store=None):
        """Started, not waited for."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "NO_COLOR": "1"}
        child = subprocess.Popen([PROGRAM, words[0], "--store", store or self.stage.url, *self.arguments, *words[1:]], cwd=self.folder, env=env,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            child.stdin.write(stdin)
            child.stdin.close()
        except BrokenPipeError:
            pass
        child.stdin = None
        return child

    def logs(self):
        return {f"service {n}": "".join(one.log) for n, one in enumerate(self.services)} | {one.name: one.log() for one in self.stage.servers}

    def close(self):
        for one in self.services:
            one.end(signal.SIGKILL)
        self.web.close()
