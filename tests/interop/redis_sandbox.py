# SPDX-License-Identifier: MIT
"""Real servers and the real program for tests: a redis-server on a free port, a directory of its own, and mcpstate in it.

The environment says where the program is: MCPSTATE (set by CTest). Nothing of the user's is seen or touched: the home, the
state directory and the working directory are temporary, REDIS_URL and .env are empty.
"""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

import redis

PROGRAM = os.path.abspath(os.environ["MCPSTATE"])  # services run in folders of their own
SERVER = os.environ.get("MCPSTATE_REDIS_SERVER", "redis-server")  # which program: valkey-server runs the same tests
DOCUMENTED = ("connections", "status", "tools", "connected_at")


def eventually(holds, limit=20.0, what="the condition"):
    """Looks again and again until holds() answers something true, and answers that."""
    until = time.monotonic() + limit
    while True:
        got = holds()
        if got:
            return got
        if time.monotonic() > until:
            raise AssertionError(f"{what} did not come about within {limit} s")
        time.sleep(0.005)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisServer:
    """A redis-server of its own, for as long as the object is open."""

    def __init__(self, *options, tls=False, config=None):
        self.directory = tempfile.mkdtemp(prefix="mcpstate-redis-")
        self.config, self.options = config, list(options)
        self.tls = tls
        self.process = None
        if tls:
            self.make_certificates()
        for _ in range(10):  # the port may be taken between looking and binding
            self.port = free_port()
            if self.start():
                return
        raise AssertionError("redis-server does not start: " + self.log())

    def make_certificates(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=self.directory, check=True, capture_output=True)

        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-keyout", "key.pem", "-out", "ca.pem")

    @property
    def ca_file(self):
        return os.path.join(self.directory, "ca.pem")

    @property
    def socket_path(self):
        return os.path.join(self.directory, "redis.sock")

    def start(self):
        words = [SERVER, *([self.config] if self.config else []), "--bind", "127.0.0.1", "--dir", self.directory,
                 "--save", "", "--logfile", "log", "--unixsocket", self.socket_path]
        if self.tls:
            words += ["--port", "0", "--tls-port", str(self.port), "--tls-cert-file", self.ca_file,
                      "--tls-key-file", os.path.join(self.directory, "key.pem"), "--tls-ca-cert-file", self.ca_file,
                      "--tls-auth-clients", "no"]
        else:
            words += ["--port", str(self.port)]
        self.process = subprocess.Popen(words + self.options, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if self.process.poll() is not None:
                return False
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(self.socket_path)
                    probe.sendall(b"PING\r\n")
                    if probe.recv(1):  # an error is an answer, too
                        return True
                except OSError:
                    time.sleep(0.005)
        return False

    def stop(self):
        if self.process and self.process.poll() is None:
            # Redis refuses to end while it writes the first append-only file, and forgets that it was asked to.
            for _ in range(60):
                self.process.terminate()
                try:
                    self.process.wait(1)
                    return
                except subprocess.TimeoutExpired:
                    pass
            self.process.kill()
            self.process.wait(20)

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        try:
            with open(os.path.join(self.directory, "log"), encoding="utf-8") as f:
                return f.read()
        except FileNotFoundError:
            return "(no log)"

    def url(self, database=0):
        return f"redis://127.0.0.1:{self.port}/{database}"

    def client(self, database=0, **more):
        """python3-redis, as another program uses it."""
        return redis.Redis(host="127.0.0.1", port=self.port, db=database, **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Answer:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def text(self):
        return self.out.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n{self.out.decode(errors='replace')}\n{self.err.decode(errors='replace')}"


class Sandbox:
    """A home directory of its own, and the program run in it."""

    def __init__(self, store=None, prefix=None, ttl=None, layout=None, program=PROGRAM):
        self.home = tempfile.mkdtemp(prefix="mcpstate-home-")
        self.store, self.prefix, self.ttl, self.layout, self.program = store, prefix, ttl, layout, program
        self.children = []

    def environment(self, **more):
        env = {k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "MCPSTATE_TTL", "XDG_STATE_HOME")}
        env.update(HOME=self.home, XDG_STATE_HOME=os.path.join(self.home, "state"), NO_COLOR="1", **more)
        return env

    def words(self, words):
        flags = []
        for name in ("store", "prefix", "ttl", "layout"):
            if getattr(self, name):
                flags += ["--" + name, getattr(self, name)]
        return [self.program, *words[:1], *flags, *words[1:]]

    def run(self, *words, stdin=b"", timeout=60, cwd=None, **env):
        done = subprocess.run(self.words(list(words)), input=stdin, capture_output=True, timeout=timeout,
                              cwd=cwd or self.home, env=self.environment(**env), check=False)
        return Answer(done.returncode, done.stdout, done.stderr)

    def ok(self, *words, **more):
        got = self.run(*words, **more)
        if got.code != 0:
            raise AssertionError(f"mcpstate {' '.join(words)}: {got!r}")
        return got

    def json(self, *words, **more):
        return self.ok(words[0], "--json", *words[1:], **more).json

    def start(self, *words, **more):
        """A process that goes on; ended with the sandbox at the latest."""
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.DEVNULL)
        child = subprocess.Popen(self.words(list(words)), stdin=more.pop("stdin", subprocess.DEVNULL), cwd=self.home,
                                 env=self.environment(), **more)
        self.children.append(child)
        return child

    def file(self, name, content):
        path = os.path.join(self.home, name)
        with open(path, "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        return path

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait(20)
            for stream in (child.stdin, child.stdout, child.stderr):
                if stream:
                    stream.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def records_of(client, prefix="mcp"):
    """Everything under the prefix, read key by key without the program: what an independent check looks at."""
    keys = sorted(client.scan_iter(match=prefix + ":*", count=1000))
    return {k: client.type(k).decode() for k in keys}


def broken_invariants(client, prefix="mcp"):
    """The invariants of the layout, checked on the keys themselves. Answers one line for each that does not hold."""
    faults, owners = [], {}
    for key, kind in records_of(client, prefix).items():
        if client.ttl(key) == -1:
            faults.append(f"{key!r} has no TTL")
        parts = key.split(b":")
        if len(parts) == 4 and parts[3] in (b"connections", b"servers"):
            if kind != "set":
                faults.append(f"{key!r} is a {kind}")
            owners.setdefault(b":".join(parts[:3]), {})[parts[3]] = client.smembers(key)
        elif len(parts) >= 6 and parts[3] == b"server":
            owner, field = b":".join(parts[:3]), parts[-1]
            if field == b"status":
                owners.setdefault(owner, {}).setdefault("status", {})[b":".join(parts[4:-1])] = client.get(key)
    for owner, found in owners.items():
        connected = {name for name, word in found.get("status", {}).items() if word == b"CONNECTED"}
        if connected != found.get(b"connections", set()):
            faults.append(f"{owner!r}: connections {found.get(b'connections', set())} but CONNECTED are {connected}")
        if not set(found.get("status", {})) <= found.get(b"servers", set()):
            faults.append(f"{owner!r}: a record is missing in servers")
        for name, word in found.get("status", {}).items():
            at = client.get(owner + b":server:" + name + b":connected_at")
            if (at is not None) != (word == b"CONNECTED"):
                faults.append(f"{owner!r} {name!r} is {word!r} with connected_at {at!r}")
            if word not in (b"CONNECTED", b"DISCONNECTED", b"FAILED"):
                faults.append(f"{owner!r} {name!r} has the status {word!r}")
        for which in (b"connections", b"servers"):
            left = client.pttl(owner + b":" + which)
            for name in found.get(which, set()):
                longest = client.pttl(owner + b":server:" + name + b":status")
                if left < longest:
                    faults.append(f"{owner!r}:{which.decode()} expires before {name!r}")
    return faults
