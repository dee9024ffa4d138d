# SPDX-License-Identifier: MIT
"""The servers that a benchmark runs against: our own, on free addresses in a temporary directory, ended by their process id."""
import glob
import json
import os
import pwd
import shutil
import socket
import subprocess
import time


def wait_for(what, condition, seconds=30):
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise RuntimeError(f"{what} does not answer after {seconds} s")
        time.sleep(0.02)


def pin(cpus):
    """For preexec_fn: the process and its children stay on these processors; none means anywhere."""
    return (lambda: os.sched_setaffinity(0, cpus)) if cpus else None


def run_seconds(pid):
    """Processor time of all threads of a process, to the nanosecond."""
    total = 0
    for task in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            with open(task, encoding="ascii") as file:
                total += int(file.read().split()[0])
        except FileNotFoundError:
            pass
    return total / 1e9


class Redis:
    """One redis-server without persistence."""

    def __init__(self, directory, cpus):
        self.process = None
        for _ in range(5):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            # Somebody else may take the port in between: then the server ends at once, and another port is tried.
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                 "--dir", directory, "--logfile", os.path.join(directory, "redis.log")], preexec_fn=pin(cpus))
            try:
                wait_for("redis-server", lambda: self.process.poll() is not None or self.answers())
            except RuntimeError:
                self.stop()
                raise
            if self.process.poll() is None:
                return
        raise RuntimeError("redis-server does not start")

    def open(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def answers(self):
        try:
            return self.ask("PING").startswith("+PONG")
        except OSError:
            return False

    def ask(self, *words):
        """The beginning of the answer to one inline command."""
        with self.open() as link:
            link.sendall(" ".join(words).encode() + b"\r\n")
            return link.recv(65536).decode(errors="replace")

    def version(self):
        line = [x for x in self.ask("INFO", "server").splitlines() if x.startswith("redis_version:")]
        return "Redis " + line[0].split(":")[1]

    def cpu_seconds(self):
        return run_seconds(self.process.pid)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


class Postgres:
    """One PostgreSQL cluster on a unix socket; as the user postgres where we are root, who may not run it."""

    def __init__(self, directory, cpus):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: int(p.split("/")[4]))
        initdb = found[-1] if found else shutil.which("initdb")
        if not initdb:
            raise RuntimeError("PostgreSQL is not installed (tools/bootstrap bench)")
        self.bin = os.path.dirname(initdb)
        self.socket = os.path.join(directory, "postgres")
        os.mkdir(self.socket)
        self.account = {}
        if os.geteuid() == 0:
            who = pwd.getpwnam("postgres")
            os.chmod(directory, 0o755)
            os.chown(self.socket, who.pw_uid, who.pw_gid)
            self.account = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        data = os.path.join(self.socket, "data")
        subprocess.run([initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"], check=True,
                       stdout=subprocess.DEVNULL, cwd="/", **self.account)
        settings = {"listen_addresses": "", "unix_socket_directories": self.socket, "shared_buffers": "1GB", "jit": "off",
                    "synchronous_commit": "off", "max_wal_size": "4GB", "max_connections": "100"}
        argv = [os.path.join(self.bin, "postgres"), "-D", data]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        with open(os.path.join(directory, "postgres.log"), "wb") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, cwd="/", preexec_fn=pin(cpus), **self.account)
        try:
            wait_for("PostgreSQL", self.answers)
        except RuntimeError:
            self.stop()
            raise

    def answers(self):
        argv = [os.path.join(self.bin, "pg_isready"), "-q", "-h", self.socket]
        return subprocess.run(argv, check=False).returncode == 0

    def version(self):
        out = subprocess.run([os.path.join(self.bin, "postgres"), "--version"], capture_output=True, text=True, check=True)
        return "PostgreSQL " + out.stdout.split()[2]

    def cpu_seconds(self):
        """The postmaster, its living children, and those that it has waited for."""
        tick = os.sysconf("SC_CLK_TCK")
        total = 0.0
        for stat in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(stat, encoding="utf-8", errors="replace") as file:
                    pid, rest = file.read().split(" ", 1)
            except (FileNotFoundError, ProcessLookupError):
                continue
            fields = rest.rsplit(")", 1)[1].split()
            if int(pid) == self.process.pid:
                total += run_seconds(self.process.pid) + (int(fields[13]) + int(fields[14])) / tick
            elif int(fields[1]) == self.process.pid:
                total += run_seconds(int(pid))
        return total

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()  # "smart": waits for sessions
            self.process.wait()


def version_of(packages, name):
    with open(os.path.join(packages, "node_modules", name, "package.json"), encoding="utf-8") as file:
        return json.load(file)["version"]


class Everything:
    """The reference server of MCP over Streamable HTTP."""

    def __init__(self, node, packages, directory, cpus):
        script = os.path.join(packages, "node_modules", "@modelcontextprotocol", "server-everything", "dist", "index.js")
        for _ in range(5):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            # Somebody else may take the port in between: then the server ends at once, and another port is tried.
            with open(os.path.join(directory, "everything.log"), "wb") as log:
                self.process = subprocess.Popen([node, script, "streamableHttp"], stdout=log, stderr=log, preexec_fn=pin(cpus),
                                                env={**os.environ, "PORT": str(self.port)})
            try:
                wait_for("server-everything", lambda: self.process.poll() is not None or self.answers())
            except RuntimeError:
                self.stop()
                raise
            if self.process.poll() is None:
                self.url = f"http://127.0.0.1:{self.port}/mcp"
                return
        raise RuntimeError("server-everything does not start")

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=10).close()
            return True
        except OSError:
            return False

    def cpu_seconds(self):
        return run_seconds(self.process.pid)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Mock:
    """The MCP server that does next to nothing."""

    def __init__(self, program, cpus):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=pin(cpus))
        self.url = self.process.stdout.readline().decode().strip()
        if not self.url:
            raise RuntimeError("the mock server does not start")

    def cpu_seconds(self):
        return run_seconds(self.process.pid)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
