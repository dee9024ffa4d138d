#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PostgreSQL doing connects and lists: "the database instead". pgbench with prepared statements, one session per operation in
flight, over a unix socket; a table as one would write it, an upsert that refuses to go back behind a newer revision, and no
wait for the disk at commit (Redis does not wait for it either). Talks to bench/run over stdin and stdout: see slices.py.
"""
import argparse
import math
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import slices  # noqa: E402

SCHEMA = """
DROP TABLE IF EXISTS connection;
CREATE TABLE connection (
  owner text NOT NULL, server text NOT NULL, status text NOT NULL, revision bigint NOT NULL, connected_at timestamptz,
  expires_at timestamptz NOT NULL, checked_at timestamptz, tool_count int, tools_hash text, tools text,
  PRIMARY KEY (owner, server));
ALTER TABLE connection ALTER COLUMN tools SET STORAGE EXTERNAL;
"""
UPSERT = """
INSERT INTO connection AS c VALUES ('user:' || {owner}::text, 'server-' || {server}::text, 'CONNECTED',
  (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, now(), now() + interval '24 hours', now(), 13, {hash}, {tools})
ON CONFLICT (owner, server) DO UPDATE SET status = excluded.status, revision = excluded.revision,
  connected_at = excluded.connected_at, expires_at = excluded.expires_at, checked_at = excluded.checked_at,
  tool_count = excluded.tool_count, tools_hash = excluded.tools_hash, tools = excluded.tools
WHERE c.revision < excluded.revision RETURNING revision, expires_at;
"""
SELECT = """
SELECT server, status, revision, connected_at, expires_at, checked_at, tool_count, tools_hash, tools
FROM connection WHERE owner = 'user:' || :owner::text AND expires_at > now() ORDER BY server;
"""
HASH = "sha256:" + "0" * 64


def whole_seconds(seconds):
    """pgbench knows whole seconds only, and opens its sessions within them: it gets more time than the others."""
    return max(2, math.ceil(4 * seconds))


class Postgres:
    def __init__(self, options):
        self.options = options
        with open(options.tools_file, encoding="utf-8") as file:
            self.tools = file.read()
        self.scripts = tempfile.TemporaryDirectory()
        self.script("connect", f"\\set owner random(1, {options.owners})\n\\set server random(1, {len(slices.SERVERS)})\n"
                    + UPSERT.format(owner=":owner", server=":server", hash=":hash", tools=":tools"))
        self.script("list", f"\\set owner random(1, {options.owners})\n" + SELECT)

    def script(self, name, text):
        with open(os.path.join(self.scripts.name, name + ".sql"), "w", encoding="utf-8") as file:
            file.write(text.replace("\n  ", " "))

    def psql(self, text, **variables):
        argv = [os.path.join(self.options.bin, "psql"), "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", self.options.socket, "-U",
                "postgres", "-d", "postgres"]
        for name, value in variables.items():
            argv += ["-v", f"{name}={value}"]
        return subprocess.run(argv, input=text, text=True, capture_output=True, check=True).stdout

    def fill(self):
        rows = self.options.owners * len(slices.SERVERS)
        insert = UPSERT.format(owner="o", server="s", hash=":'hash'", tools=":'tools'").split("RETURNING")[0]
        insert = insert.replace("VALUES (", "SELECT ").replace(":'tools')", ":'tools' FROM generate_series(1, :owners) o, "
                                                               "generate_series(1, :servers) s")
        self.psql(SCHEMA + insert + ";ANALYZE connection;CHECKPOINT;", owners=self.options.owners,
                  servers=len(slices.SERVERS), hash=HASH, tools=self.tools)
        return rows

    def check(self):
        wrong = self.psql("SELECT count(*) FROM connection WHERE tools <> :'tools' OR status <> 'CONNECTED';", tools=self.tools)
        rows = self.psql("SELECT count(*) FROM connection;")
        if int(wrong) or int(rows) != self.options.owners * len(slices.SERVERS):
            sys.exit(f"{rows.strip()} rows, {wrong.strip()} of them wrong")
        return int(rows)

    def pgbench(self, op, in_flight, seconds):
        argv = [os.path.join(self.options.bin, "pgbench"), "-n", "-M", "prepared", "-h", self.options.socket, "-U", "postgres",
                "-f", os.path.join(self.scripts.name, op + ".sql"), "-c", str(in_flight), "-T", str(whole_seconds(seconds)),
                "-D", "tools=" + self.tools, "-D", "hash=" + HASH, "postgres"]
        done = subprocess.run(argv, text=True, capture_output=True, check=True).stdout
        ops = int(re.search(r"actually processed: (\d+)", done)[1])
        failed = int((re.search(r"failed transactions: (\d+)", done) or ["", "0"])[1])
        return ops, failed, ops / float(re.search(r"tps = ([\d.]+)", done)[1])

    def serve(self):
        for op, in_flight, seconds in slices.commands():
            slices.await_go()
            begun, cpu = time.perf_counter(), slices.cpu_seconds(resource.RUSAGE_CHILDREN)
            if op in ("fill", "check"):
                ops, failed, took = getattr(self, op)(), 0, time.perf_counter() - begun
            else:
                ops, failed, took = self.pgbench(op, in_flight, seconds)
            slices.result(ops, failed, took, slices.cpu_seconds(resource.RUSAGE_CHILDREN) - cpu)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", required=True)
    parser.add_argument("--bin", required=True, help="where psql and pgbench are")
    slices.add_arguments(parser)
    Postgres(parser.parse_args()).serve()
