#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `mcpstate serve` does with programs that do not want to end, and how it starts and stops under a service manager.

usage: programs_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import cli_sandbox

os.environ.setdefault("MCPSTATE", os.path.abspath(sys.argv[1]))
import redis_sandbox
from running_service import CheckedService, ServiceTest

SERVERS = pathlib.Path(__file__).resolve().parents[1] / "component/mcp"
STRAY = str(SERVERS / "stray_server.py")
STUBBORN = ("stubborn", "daemon", "no_environment", "family", "launcher")


def state_of(pid):
    """The letter of /proc; empty if there is none."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[0]


def is_running(pid):
    return state_of(pid) not in ("", "Z", "X")


def children_of(pid):
    """(number, state, name) of each."""
    out = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text("utf-8", "replace")
        except OSError:
            continue
        name, _, rest = stat.partition("(")[2].rpartition(")")
        state, parent = rest.split()[:2]
        if int(parent) == pid:
            out.append((int(entry.name), state, name))
    return out


class ProgramsTest(ServiceTest):
    def start(self, *modes):
        self.pids = {mode: self.home / f"{mode}.pids" for mode in modes}
        servers = {mode: {"command": "/usr/bin/python3", "args": ["-B", STRAY, mode, str(file)]} for mode, file in self.pids.items()}
        service = CheckedService(self, "--store", "memory:", "--servers", self.write("servers.json", {"mcpServers": servers}))
        self.addCleanup(self.end_strays)
        for mode in modes:
            answer = service.ask("PUT", f"/v1/users/1/connections/{mode}?wait=20s", {})
            self.assertEqual(answer.json["status"], "CONNECTED", answer.body)
        return service

    def strays(self):
        return {int(line): mode for mode, file in self.pids.items() if file.exists() for line in file.read_text("ascii").split()}

    def end_strays(self):
        for pid in self.strays():
            if is_running(pid):
                os.kill(pid, signal.SIGKILL)

    def left(self):
        return sorted(mode for pid, mode in self.strays().items() if is_running(pid))


class KilledService(ProgramsTest):
    def test_nothing_that_it_started_is_left_two_seconds_after_a_kill(self):
        service = self.start(*STUBBORN)
        # Each has noted itself, and what it leaves behind.
        self.eventually(lambda: len(self.strays()) >= len(STUBBORN) + 2 + 4 + 1)
        self.assertEqual(sorted(set(self.left())), sorted(STUBBORN))
        service.send(signal.SIGKILL)
        self.eventually(lambda: not self.left(), within=2.0)

    def test_nor_when_its_whole_process_group_was_killed(self):
        service = self.start("daemon")
        guards = [pid for pid, _, name in children_of(service.process.pid) if name == "mcpstate-guard"]
        self.assertEqual(len(guards), 1)
        self.assertNotEqual(os.getpgid(guards[0]), os.getpgid(service.process.pid))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(guards[0], number)
        service.send(signal.SIGKILL)
        self.eventually(lambda: not self.left(), within=2.0)

    def test_a_guard_that_was_killed_is_replaced(self):
        service = self.start("daemon")

        def guards():
            return [pid for pid, state, name in children_of(service.process.pid) if name == "mcpstate-guard" and state != "Z"]

        first = guards()
        os.kill(first[0], signal.SIGKILL)
        self.eventually(lambda: len(guards()) == 1 and guards() != first, within=5.0)
        service.send(signal.SIGKILL)
        self.eventually(lambda: not self.left(), within=2.0)


class EndedPrograms(ProgramsTest):
    def test_what_a_program_has_left_behind_ends_with_it(self):
        service = self.start(*STUBBORN)
        self.eventually(lambda: len(self.strays()) >= len(STUBBORN) + 2 + 4 + 1)
        for mode in STUBBORN:
            service.ask("DELETE", f"/v1/users/1/connections/{mode}")
        self.eventually(lambda: not self.left(), within=5.0)
        # Neither as a zombie: all that is left is the guard.
        self.eventually(lambda: [name for _, _, name in children_of(service.process.pid)] == ["mcpstate-guard"], within=5.0)

    def test_a_program_that_runs_on_is_not_touched_by_the_end_of_another(self):
        service = self.start("daemon", "family")
        self.eventually(lambda: len(self.strays()) >= 2 + 5)
        service.ask("DELETE", "/v1/users/1/connections/family")
        self.eventually(lambda: "family" not in self.left(), within=5.0)
        self.assertEqual(self.left(), ["daemon", "daemon"])

    def test_a_clean_stop_leaves_nothing_and_takes_two_seconds_at_most(self):
        service = self.start(*STUBBORN)
        guard, = [pid for pid, _, name in children_of(service.process.pid) if name == "mcpstate-guard"]
        code, took = service.stop(signal.SIGTERM)
        self.assertEqual((code, self.left()), (0, []))
        self.assertFalse(state_of(guard))
        self.assertLess(took, 2.0)

    def test_orphans_are_reaped_while_their_program_runs(self):
        service = self.start("short_lived")
        self.eventually(lambda: len(self.strays()) == 6)
        leader = min(self.strays())
        self.eventually(lambda: sorted(name for _, _, name in children_of(service.process.pid)) == ["mcpstate-guard", "python3"],
                        within=5.0)
        self.assertTrue(is_running(leader))

    def test_an_end_by_itself_is_told_with_its_code_although_children_are_reaped(self):
        self.pids = {}
        servers = self.write("servers.json", {"mcpServers": {"brief": {"command": "/bin/sh", "args": ["-c", "read line; exit 7"]}}})
        service = CheckedService(self, "--store", "memory:", "--servers", servers)
        answer = service.ask("PUT", "/v1/users/1/connections/brief?wait=20s", {})
        self.assertIn("exited with code 7", answer.json["error"]["message"])


class TimedPrograms(ServiceTest):
    """Programs that take their time, beside tests/component/mcp/session."""

    def start(self, mode, seconds, *options, **entry):
        self.starts = self.home / "starts"
        command = ["-B", str(SERVERS / "timed_server.py"), mode, str(seconds), str(self.starts)]
        servers = {"mcpServers": {"s": {"command": "/usr/bin/python3", "args": command, **entry}}}
        return CheckedService(self, "--store", "memory:", "--servers", self.write("servers.json", servers), *options)

    def test_an_installation_is_waited_for_and_started_once(self):
        service = self.start("slow", 12)
        answer = service.ask("PUT", "/v1/users/1/connections/s?wait=1s", {})
        self.assertEqual((answer.status, answer.json["status"]), (202, "CONNECTING"))
        self.eventually(lambda: service.record("1", "s")["status"] != "CONNECTING", within=40.0)
        self.assertEqual(service.record("1", "s")["status"], "CONNECTED")
        self.assertEqual(self.starts.read_text("ascii"), "x")

    def test_the_servers_file_says_how_long(self):
        for member in ({"startup_timeout_sec": 1}, {"timeout": 1000}):
            service = self.start("slow", 1000, **member)
            answer = service.ask("PUT", "/v1/users/1/connections/s?wait=20s", {})
            self.assertEqual((answer.json["status"], answer.json["error"]["code"]), ("FAILED", "deadline"))
            self.assertIn("initialize within 1 s", answer.json["error"]["message"])
            service.end()

    def test_a_call_that_takes_longer_than_the_checks_is_not_cut_off(self):
        service = self.start("busy", 6, "--check", "200ms")
        self.assertEqual(service.ask("PUT", "/v1/users/1/connections/s?wait=20s", {}).json["status"], "CONNECTED")
        answer = service.ask("POST", "/v1/users/1/connections/s/tools/work/call?timeout=60s", {})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(service.record("1", "s")["status"], "CONNECTED")
        self.assertEqual(self.starts.read_text("ascii"), "x")

    def test_a_server_that_answers_no_pings_stays_connected(self):
        for mode in ("-32601", "-32000"):
            service = self.start(mode, 0, "--check", "200ms")
            self.starts.unlink(missing_ok=True)
            self.assertEqual(service.ask("PUT", "/v1/users/1/connections/s?wait=20s", {}).json["status"], "CONNECTED")
            listings = pathlib.Path(f"{self.starts}.listings")
            self.eventually(lambda: listings.exists() and len(listings.read_text("ascii")) > 5)
            self.assertEqual((self.starts.read_text("ascii"), service.record("1", "s")["status"]), ("x", "CONNECTED"), mode)
            service.end()
            listings.unlink()


class ServiceManager(ProgramsTest):
    def notified(self, name):
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.settimeout(20)
        manager.bind(name)
        return manager

    def test_it_is_told_of_the_start_and_of_the_stop(self):
        for name, shown in ((str(self.home / "notify"), str(self.home / "notify")), (f"\0mcpstate{os.getpid()}", f"@mcpstate{os.getpid()}")):
            manager = self.notified(name)
            service = CheckedService(self, "--store", "memory:", env={"NOTIFY_SOCKET": shown})
            self.assertIn("READY=1", manager.recv(1000).decode().splitlines())
            self.assertEqual(service.stop(signal.SIGTERM)[0], 0)
            self.assertEqual(manager.recv(1000), b"STOPPING=1")

    @staticmethod
    def blocks_hangups(pid):
        status = pathlib.Path(f"/proc/{pid}/status").read_text("ascii")
        blocked, caught = (int(status.partition(f"\n{name}:")[2].split()[0], 16) for name in ("SigBlk", "SigCgt"))
        return (blocked | caught) & 1

    def test_a_socket_that_is_of_no_use_does_no_harm(self):
        for path in ("", "relative", str(self.home / "nobody"), "/" + "x" * 200, "@"):
            service = CheckedService(self, "--store", "memory:", env={"NOTIFY_SOCKET": path})
            self.assertEqual(service.stop(signal.SIGTERM)[0], 0)

    def test_a_reload_right_after_the_start_does_not_end_it(self):
        for _ in range(20):
            words = [cli_sandbox.PROGRAM, "serve", "--store", "memory:", "--listen", "127.0.0.1:0"]
            process = subprocess.Popen(words, env=self.env, cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            try:
                # Before its first instruction nothing can help but the service manager, which waits for READY=1.
                self.eventually(lambda: self.blocks_hangups(process.pid))
                for _ in range(5):
                    process.send_signal(signal.SIGHUP)
                self.assertIn("mcpstate is serving", process.stdout.readline())
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(timeout=20), 0)
            finally:
                process.kill()
                process.wait()
                process.stdout.close()

    def test_its_memory_is_not_for_others_of_the_same_user(self):
        service = CheckedService(self, "--store", "memory:")
        # What belongs to root is what the kernel shows of a process that must not be dumped.
        self.assertEqual(os.stat(f"/proc/{service.process.pid}/environ").st_uid, 0)
        if os.getuid() == 0:  # then everything does: ask as somebody else, with a program that this user may run
            copy = pathlib.Path(f"/tmp/mcpstate-{os.getpid()}")
            copy.write_bytes(pathlib.Path(cli_sandbox.PROGRAM).read_bytes())
            self.addCleanup(copy.unlink)
            copy.chmod(0o755)
            process = subprocess.Popen([str(copy), "serve", "--store", "memory:", "--listen", "127.0.0.1:0"], cwd="/", user=65534,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={"PATH": "/usr/bin:/bin"})
            try:
                self.assertIn("mcpstate is serving", process.stdout.readline())
                self.assertEqual(os.stat(f"/proc/{process.pid}/environ").st_uid, 0)
            finally:
                process.terminate()
                process.wait(timeout=20)
                process.stdout.close()


class LateStore(ProgramsTest):
    def ask(self, port, path):
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            link.request("GET", path)
            answer = link.getresponse()
            return answer.status, answer.read()
        finally:
            link.close()

    def start_without_store(self, url):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = [cli_sandbox.PROGRAM, "serve", "--store", url, "--listen", f"127.0.0.1:{port}"]
        process = subprocess.Popen(words, env=self.env, cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.log = []
        reader = threading.Thread(target=lambda: self.log.extend(process.stderr), daemon=True)
        reader.start()

        def listens():
            try:
                return self.ask(port, "/healthz")[0] == 200
            except OSError:
                return False
        self.eventually(listens)
        return process, port

    def test_the_service_waits_for_it_and_says_so(self):
        server = redis_sandbox.RedisServer()
        self.addCleanup(server.close)
        url = server.url()
        server.stop()
        process, port = self.start_without_store(url)
        for path, expected in (("/readyz", 503), ("/v1/users/1/connections", 503), ("/metrics", 200), ("/healthz", 200)):
            self.assertEqual(self.ask(port, path)[0], expected, path)
        process.send_signal(signal.SIGHUP)
        server.start()
        self.assertIn("mcpstate is serving", process.stdout.readline())
        self.assertEqual(self.ask(port, "/readyz")[0], 200)
        self.assertEqual(self.ask(port, "/v1/users/1/connections")[0], 200)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertTrue([line for line in self.log if "waiting for the store" in line], self.log)

    def test_a_stop_does_not_wait_for_it(self):
        for url in ("redis://127.0.0.1:1/0", "redis://no-such-host.invalid/0", f"unix://{self.home}/nobody.sock"):
            process, _ = self.start_without_store(url)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(timeout=20), 0, url)
            self.assertLess(time.monotonic() - began, 2.0, url)

    def test_what_never_will_be_right_is_told_at_once(self):
        server = redis_sandbox.RedisServer("--requirepass", "secret")
        self.addCleanup(server.close)
        self.refused(3, "serve", "--listen", "127.0.0.1:0", "--store", f"redis://:wrong@127.0.0.1:{server.port}/0", says="password")
        self.refused(2, "serve", "--listen", "127.0.0.1:0", "--store", "redis://127.0.0.1:1/x", says="database")


if __name__ == "__main__":
    cli_sandbox.main(sys.argv)
