#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What hostile servers and a hostile owner cost everybody else: the figures of docs/reliability.md.

    MCPSTATE=build/release/mcpstate tests/soak/walls.py [--seconds 10] [--only WHAT…] [--write]

One `mcpstate serve` on SQLite, and a canary that asks for its list of connections 40 times a second over one connection. One attack after
the other runs at full rate, then all of them. For each: what the canary waited, what the service had in memory at most beyond what it had
before, and how much of a processor it took. Then what a managed https connection costs, in memory and at its beginning. Attackers,
service and canary share the machine's processors, so the figures hold for that machine; compare lines of one run. Prints a table;
--write puts it into docs/reliability.md.
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
import enemies  # noqa: E402
from hostile_server import HostileServer, polite, polite_but  # noqa: E402
from serving import Child, Service, ask  # noqa: E402

HERE = str(pathlib.Path(__file__).resolve())
PAGE = pathlib.Path(HERE).parent.parent.parent / "docs/reliability.md"
LINES = []  # what was printed
TOKEN = "a-service-token-of-the-measurement"
CANARY = "/v1/users/canary/connections"
TICKS = os.sysconf("SC_CLK_TCK")
CONNECTIONS = 100


def tell(line):
    LINES.append(line)
    print(line, flush=True)


def write_page():
    before, _, rest = PAGE.read_text("utf-8").partition("<!-- figures -->\n")
    _, mark, after = rest.partition("<!-- end of figures -->")
    assert mark, f"{PAGE} has no place for figures"
    PAGE.write_text(before + "<!-- figures -->\n" + "\n".join(LINES) + "\n" + mark + after, encoding="utf-8")


class Measured(Service):
    """A service with what it costs."""

    def __init__(self, folder, servers, **env):
        file = pathlib.Path(folder) / "servers.json"
        file.write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
        super().__init__(os.path.abspath(os.environ["MCPSTATE"]), "--store", f"sqlite:{folder}/state.db", "--servers", str(file),
                         "--log-level", "error", env={"MCPSTATE_TOKEN": TOKEN, **env}, cwd=folder)
        self.proc = pathlib.Path(f"/proc/{self.process.pid}")

    def ask(self, method, path, body=None, headers=None, timeout=100):
        return super().ask(method, path, body, {"Authorization": f"Bearer {TOKEN}", **(headers or {})}, timeout)

    def owner_token(self, owner):
        return self.ask("POST", "/v1/tokens", {"owner": owner, "ttl": "1h"}).json["token"]

    def cpu(self):
        """Seconds."""
        words = (self.proc / "stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / TICKS

    def memory(self, name):
        """MiB: VmRSS, or VmHWM since forget_peak()."""
        return int(re.search(name + r":\s+(\d+)", (self.proc / "status").read_text("utf-8"))[1]) / 1024

    def forget_peak(self):
        (self.proc / "clear_refs").write_text("5", encoding="ascii")


class Canary(threading.Thread):
    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.over = service, threading.Event()
        self.waits, self.failed = [], 0
        self.token = service.owner_token("user:canary")

    def run(self):
        link = self.service.link(60)
        headers = {"Authorization": f"Bearer {self.token}"}
        while not self.over.wait(0.025):
            begun = time.monotonic()
            try:
                good = ask(link, "GET", CANARY, None, headers).status == 200
            except (OSError, http.client.HTTPException):
                link, good = self.service.link(60), False
            self.waits.append(time.monotonic() - begun)
            self.failed += not good

    def take(self):
        waits, self.waits = sorted(self.waits), []
        failed, self.failed = self.failed, 0
        return waits, failed


def wait_quiet(service):
    """Until half a second costs nearly nothing, or a while has gone."""
    for _ in range(60):
        before = service.cpu()
        time.sleep(0.5)
        if service.cpu() - before < 0.05:
            return


ROW = "| {:<28} | {:>8} | {:>8} | {:>8} | {:>6} | {:>9} | {:>7} |"


def phase(service, canary, name, seconds, attack):
    service.forget_peak()
    rest, cpu, begun = service.memory("VmRSS"), service.cpu(), time.monotonic()
    canary.take()
    attack()
    time.sleep(seconds)
    waits, failed = canary.take()
    took = time.monotonic() - begun
    peak = service.memory("VmHWM") - rest
    tell(ROW.format(name, *(f"{1e3 * waits[min(len(waits) - 1, int(len(waits) * part))]:.1f}" for part in (0.5, 0.99, 1)), failed, f"{peak:.1f}",
                    f"{100 * (service.cpu() - cpu) / took:.0f}"))


def attacks(seconds, only):
    tell(ROW.format("attack", "p50 ms", "p99 ms", "max ms", "failed", "peak MiB", "CPU %"))
    tell(re.sub("[^|]", "-", ROW.format(*[""] * 7)))
    several = enemies.Enemies()
    with tempfile.TemporaryDirectory() as folder:
        service = Measured(folder, several.registered())
        try:
            service.ask("PUT", CANARY + "/github/state", {"status": "CONNECTED", "tools": [{"name": "t", "description": "d" * 1000}]})
            token = service.owner_token(enemies.OWNER)
            canary = Canary(service)
            canary.start()
            whats = [("nobody", None)] + [(f"server: {one}", [f"server:{one}"]) for one in [*several.urls, "evil-program"]]
            whats += [(f"owner: {one}", [one]) for one in enemies.ACTIONS] + [("all at once", [])]
            for name, what in whats:
                if only and name not in only:
                    continue
                wait_quiet(service)
                phase(service, canary, name, seconds, lambda what=what: what is not None and several.attack(service.port, token, *what))
                several.retreat()
                service.ask("DELETE", enemies.PATH)
                service.ask("DELETE", "/v1/users/mallory")
            canary.over.set()
            canary.join()
        finally:
            service.end(signal.SIGTERM)
            several.end()


class TlsServer(HostileServer):
    def __init__(self, behave, folder):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(f"{folder}/ca.pem", f"{folder}/key.pem")
        super().__init__(behave)
        self.url = f"https://localhost:{self.port}/mcp"

    def serve(self, link):
        try:
            link = self.context.wrap_socket(link, server_side=True)
        except OSError:
            return
        super().serve(link)


def changing(exchange):
    exchange.result({"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}},
                     "serverInfo": {"name": "tls", "version": "1"}})


def listening(exchange):
    exchange.stream(": here\n\n")
    exchange.hang()


def serve_tls(folder):
    behaviours = {"stream": polite_but(initialize=changing, GET=listening), "plain": polite}
    urls = {name: TlsServer(behave, folder).url for name, behave in behaviours.items()}
    urls["http"] = HostileServer(polite).url
    print(json.dumps(urls), flush=True)
    while enemies.wait_for_parent(1):
        pass
    os._exit(0)


def handshake_cost(url, folder):
    """Seconds of a processor of one handshake by OpenSSL's own client, which checks the certificate."""
    port = url.split(":")[2].split("/")[0]
    said = subprocess.run(["openssl", "s_time", "-connect", f"localhost:{port}", "-new", "-time", "3", "-CAfile", f"{folder}/ca.pem", "-verify", "2"],
                          capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+) connections in ([\d.]+)s", said)
    return float(found[2]) / int(found[1]) if found else float("nan")


def connect_all(folder, name, url):
    """(ms of a processor, KiB) of one connection, of a service that has no others."""
    (pathlib.Path(folder) / "state.db").unlink(missing_ok=True)
    service = Measured(folder, {name: {"url": url}}, SSL_CERT_FILE=f"{folder}/ca.pem")
    try:
        return connected(service, name)
    finally:
        service.end(signal.SIGTERM)


def connected(service, name):
    for n in range(3):  # what is made once for all
        service.ask("PUT", f"/v1/users/warm{n}/connections/{name}?wait=20s", {})
    wait_quiet(service)
    cpu, rss = service.cpu(), service.memory("VmRSS")
    for n in range(CONNECTIONS):
        answer = service.ask("PUT", f"/v1/users/{name}{n}/connections/{name}?wait=20s", {})
        assert answer.json["status"] == "CONNECTED", answer.body
    cost = 1e3 * (service.cpu() - cpu) / CONNECTIONS
    wait_quiet(service)
    return cost, 1024 * (service.memory("VmRSS") - rss) / CONNECTIONS


def https():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "ca.pem"],
                       cwd=folder, check=True, capture_output=True)
        servers = Child([sys.executable, "-B", HERE, "--serve-tls", folder], None, "^{")
        urls = json.loads(servers.line)
        try:
            plain_http, _ = connect_all(folder, "http", urls["http"])
            without, without_kib = connect_all(folder, "plain", urls["plain"])
            _, stream_kib = connect_all(folder, "stream", urls["stream"])
            handshake = 1e3 * handshake_cost(urls["plain"], folder)
            tell(f"\nA managed https connection: {stream_kib:.0f} KiB with its event stream, {without_kib:.0f} KiB without.")
            tell(f"A connect: {without:.2f} ms of a processor over https, {plain_http:.2f} ms over http; a handshake by `openssl s_time` takes "
                 f"{handshake:.2f} ms.")
        finally:
            servers.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--only", nargs="*", help="lines of the table; https")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/reliability.md")
    parser.add_argument("--serve-tls", metavar="FOLDER", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.serve_tls:
        return serve_tls(words.serve_tls)
    if words.only != ["https"]:
        attacks(words.seconds, words.only)
    if not words.only or "https" in words.only:
        https()
    if words.write:
        write_page()
    return None


if __name__ == "__main__":
    main()
