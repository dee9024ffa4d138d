#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The program against Redis servers that cannot serve, and against what is no Redis at all: one error line, exit code 3.

usage: cli_redis_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import os
import socket
import sys
import threading

os.environ.setdefault("MCPSTATE", os.path.abspath(sys.argv[1]))

import cli_sandbox  # noqa: E402 (the sandbox of servers reads the variable)
from cli_sandbox import CliTest  # noqa: E402
from redis_sandbox import RedisServer  # noqa: E402

SECRET = "hunter2"


class RealRedis(CliTest):
    def redis(self, *options, **more):
        server = RedisServer(*options, **more)
        self.addCleanup(server.close)
        return server

    def test_the_same_commands_work_there(self):
        url = self.redis().url(3)
        tools = b'[{"name":"a", "n":1.0}]'
        self.ok("set", "user:1", "s p", "CONNECTED", "--tools", "-", "--store", url, stdin=tools)
        self.assertEqual(self.ok("tools", "user:1", "s p", "--json", env={"REDIS_URL": url}).out, tools)
        self.assertEqual(self.ok("list", "--json", "--store", url).json[0]["owner"], "user:1")
        self.assertIn("127.0.0.1", self.ok("list", "--store", url).errors)
        self.ok("doctor", "--store", url)
        self.assertEqual(self.ok("clear", "--all", "--yes", "--json", "--store", url).json, {"owners": 1, "records": 1})
        self.assertFalse((self.home / "state").exists(), "the embedded store was touched")

    def test_passwords(self):
        server = self.redis("--requirepass", SECRET)
        where = f"127.0.0.1:{server.port}"
        self.ok("list", "--store", f"redis://:{SECRET}@{where}")
        self.refused(3, "list", "--store", f"redis://{where}", says="password")
        line = self.refused(3, "list", "--store", f"redis://:not{SECRET}@{where}", says="password")
        self.assertNotIn(SECRET, line)
        found = self.run_cli("doctor", "--store", f"redis://:not{SECRET}@{where}")
        self.assertEqual(found.code, 3)
        self.assertNotIn(SECRET, found.text + found.errors)

    def test_tls(self):
        server = self.redis(tls=True)
        where = f"localhost:{server.port}"
        self.ok("list", "--store", f"rediss://{where}", "--ca-file", server.ca_file)
        self.ok("list", "--store", f"rediss://{where}", "--insecure-tls")
        self.refused(3, "list", "--store", f"rediss://{where}", says="--ca-file")
        self.refused(3, "list", "--store", f"redis://{where}", "--timeout", "2s")
        self.refused(3, "list", "--store", self.redis().url().replace("redis://", "rediss://"))

    def test_out_of_memory(self):
        server = self.redis("--maxmemory", "1mb")
        self.refused(3, "set", "user:1", "s", "CONNECTED", "--store", server.url(), says="maxmemory")
        self.assertEqual(self.ok("list", "user:1", "--json", "--store", server.url()).json, [])

    def test_out_of_memory_what_frees_memory_still_works(self):
        server = self.redis()
        for owner in ("user:1", "user:2", "user:3", "session:1"):
            for name in ("a", "b"):
                self.ok("set", owner, name, "CONNECTED", "--store", server.url())
        with server.client() as client:
            client.config_set("maxmemory", "1mb")
            self.refused(3, "set", "user:1", "c", "CONNECTED", "--store", server.url(), says="maxmemory")
            self.refused(3, "set", "user:1", "a", "FAILED", "--store", server.url(), says="maxmemory")
            self.ok("disconnect", "user:1", "a", "--store", server.url())
            self.ok("touch", "user:1", "--store", server.url())
            self.ok("disconnect", "user:2", "--store", server.url())
            self.ok("claim", "session:1", "user:1", "--store", server.url())
            self.ok("clear", "user:3", "--yes", "--store", server.url())
            self.assertEqual(client.smembers("mcp:user:1:connections"), {b"a", b"b"})
            self.assertEqual(client.exists("mcp:user:2:connections"), 0)
            self.assertEqual(client.keys("mcp:user:3:*") + client.keys("mcp:session:*"), [])

    def test_a_replica_takes_no_writes(self):
        server = self.redis("--replicaof", "127.0.0.1 1")
        self.refused(3, "set", "user:1", "s", "CONNECTED", "--store", server.url(), says="replica")

    def test_loading(self):
        server = self.redis("--save", "3600 1")
        with server.client() as client:
            client.mset({f"filling:{i}": "x" for i in range(3000)})
            client.save()
        server.stop()
        # Two milliseconds a key, answering in between: an option that Redis has for its own tests.
        server.options += ["--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024"]
        self.assertTrue(server.start())
        self.refused(3, "list", "--store", server.url(), says="loading")

    def test_a_key_of_another_type_in_the_way(self):
        server = self.redis()
        with server.client() as client:
            client.set("mcp:user:1:servers", "junk")
        self.refused(3, "set", "user:1", "s", "CONNECTED", "--store", server.url(), says="mcp:user:1:servers")
        found = self.run_cli("doctor", "--json", "--store", server.url())
        self.assertEqual(found.code, 1)
        self.assertGreaterEqual(found.json["problems"], 1)


class NoRedis(CliTest):
    def peer(self, answer):
        """A port on which every caller gets these bytes and is hung up on; None: no answer at all."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        kept = []

        def serve():
            while True:
                try:
                    caller = listener.accept()[0]
                except OSError:
                    break
                kept.append(caller)
                if answer is not None:
                    caller.recv(65536)
                    caller.sendall(answer)
                    kept.pop().close()
            for caller in kept:
                caller.close()

        thread = threading.Thread(target=serve)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(listener.shutdown, socket.SHUT_RDWR)
        return f"redis://127.0.0.1:{listener.getsockname()[1]}/0"

    def test_a_web_server(self):
        page = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>"
        self.refused(3, "list", "--store", self.peer(page), says="not a Redis")

    def test_a_server_that_dies_during_the_handshake(self):
        self.refused(3, "list", "--store", self.peer(b""), says="handshake")
        self.refused(3, "list", "--store", self.peer(b"%7\r\n$6\r\nser"))

    def test_a_server_that_never_answers(self):
        self.refused(3, "list", "--store", self.peer(None), "--timeout", "500ms", says="in time")


if __name__ == "__main__":
    cli_sandbox.main(sys.argv)
