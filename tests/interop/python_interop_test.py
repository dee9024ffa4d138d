#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A program that knows the four documented keys only, and mcpstate: each reads what the other writes, and neither loses
anything of the other's. On a real redis-server, with python3-redis, written the way hosts write these keys by hand."""
import json
import os
import pathlib
import threading
import time
import unittest
from datetime import datetime, timezone

from foreign_host import ForeignHost
from redis_sandbox import DOCUMENTED, RedisServer, Sandbox, broken_invariants, eventually

TOOLS = [{"name": "search", "description": "Suche nach Größe", "inputSchema": {"type": "object"}}, {"name": "two"}]
NAMES = ["github", "my files", "Größe 数据", "a/b@1.2#x&y=z", "'quoted' \"twice\"", "-dash", "emoji 🚀"]


class Interop(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.server = RedisServer()
        self.addCleanup(self.server.close)
        self.redis = self.server.client()
        self.addCleanup(self.redis.close)
        self.host = ForeignHost(self.redis)
        self.box = Sandbox(store=self.server.url())
        self.addCleanup(self.box.close)

    def list(self, owner, *more):
        return {one["server"]: one for one in self.box.json("list", owner, *more)}

    def doctor(self, *more):
        got = self.box.run("doctor", "--json", *more)
        return got.code, {f["check"]: f for f in got.json["findings"] if f["level"] == "problem"}


class TheyReadUs(Interop):
    def test_everything_we_write_is_read_by_four_keys(self):
        tools = self.box.file("tools.json", json.dumps(TOOLS, ensure_ascii=False))
        for name in NAMES:
            self.box.ok("set", "user:Jörg 1", "--tools", tools, "--", name, "CONNECTED")
        self.box.ok("set", "user:Jörg 1", "failed", "FAILED", "--reason", "no answer")
        self.box.ok("set", "user:Jörg 1", "down", "DISCONNECTED")
        seen = self.host.read("Jörg 1")
        self.assertEqual(set(seen), set(NAMES))
        ours = self.list("user:Jörg 1")
        for name, record in seen.items():
            self.assertEqual(record["status"], "CONNECTED")
            self.assertEqual(record["tools"], TOOLS)
            self.assertEqual(record["connected_at"].isoformat(), ours[name]["connected_at"])
            self.assertLess(abs((datetime.now(timezone.utc) - record["connected_at"]).total_seconds()), 60)
            for field in DOCUMENTED[1:]:
                self.assertTrue(86000 < self.redis.ttl(self.host.key("Jörg 1", name, field)) <= 86400)
        self.assertEqual(self.redis.get(self.host.key("Jörg 1", "failed", "status")), b"FAILED")
        self.assertEqual(self.redis.get(self.host.key("Jörg 1", "down", "status")), b"DISCONNECTED")

    def test_the_finer_states_show_as_the_three_words(self):
        self.box.ok("set", "user:1", "a", "CONNECTING")
        self.box.ok("set", "user:1", "b", "AUTH_REQUIRED", "--reason", "sign in")
        self.assertEqual(self.redis.get(self.host.key("1", "a", "status")), b"DISCONNECTED")
        self.assertEqual(self.redis.get(self.host.key("1", "b", "status")), b"FAILED")
        self.assertEqual({n: r["status"] for n, r in self.list("user:1").items()}, {"a": "CONNECTING", "b": "AUTH_REQUIRED"})

    def test_each_state_is_seen_as_the_redis_page_says(self):
        page = (pathlib.Path(os.environ["MCPSTATE_SOURCE"]) / "docs/redis.md").read_text("utf-8")
        table = page.partition("| state | in `connections` |")[2].partition("\n\n")[0]
        rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
        self.assertGreaterEqual({row[0].partition(",")[0] for row in rows}, {"CONNECTED", "CONNECTING", "AUTH_REQUIRED", "FAILED", "DISCONNECTED"})
        tools = self.box.file("tools.json", json.dumps(TOOLS))
        for number, (state, listed, status, list_of_tools, since) in enumerate(rows):
            owner = f"table{number}"
            with self.subTest(state=state):
                if state == "CONNECTED" or "earlier" in state:
                    self.box.ok("set", f"user:{owner}", "s", "CONNECTED", "--tools", tools)
                self.box.ok("set", f"user:{owner}", "s", state.partition(",")[0])
                key = lambda field, owner=owner: self.redis.get(self.host.key(owner, "s", field))
                self.assertEqual(self.redis.sismember(f"mcp:user:{owner}:connections", "s"), listed == "yes")
                self.assertEqual(key("status").decode(), status)
                self.assertEqual(key("tools") is not None, list_of_tools != "none")
                self.assertEqual(key("connected_at") is not None, since != "none")

    def test_no_reader_ever_sees_half_a_change(self):
        """1,000 flips CONNECTED/DISCONNECTED, while a reader takes the three keys and the membership in one step."""
        tools = self.box.file("tools.json", json.dumps(TOOLS))
        flips, rounds = 1000, []
        key = lambda field: self.host.key("flip", "s", field)
        whole = {"up": 0, "down": 0}
        torn, stop, mine = [], threading.Event(), self.server.client()

        def read():
            while not stop.is_set():
                with mine.pipeline(transaction=True) as step:
                    step.mget(key("status"), key("tools"), key("connected_at"))
                    step.sismember("mcp:user:flip:connections", "s")
                    (status, held, at), member = step.execute()
                up = status == b"CONNECTED" and held == json.dumps(TOOLS).encode() and at is not None and member
                down = status in (None, b"DISCONNECTED") and held is None and at is None and not member
                whole["up"] += bool(up)
                whole["down"] += bool(down)
                if not up and not down:
                    torn.append((status, held, at, member))

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for i in range(flips):
                rounds.append(self.box.run(*(["set", "user:flip", "s", "CONNECTED", "--tools", tools] if i % 2 == 0 else
                                             ["disconnect", "user:flip", "s"])).code)
        finally:
            stop.set()
            reader.join()
            mine.close()
        self.assertEqual(rounds, [0] * flips)
        self.assertEqual(torn, [])
        self.assertGreater(whole["up"], 100)
        self.assertGreater(whole["down"], 100)


class WeReadThem(Interop):
    def test_a_server_that_they_add_without_any_of_our_keys(self):
        for name in NAMES:
            self.host.connect("7", name, TOOLS)
        seen = self.list("user:7", "--tools")
        self.assertEqual(set(seen), set(NAMES))
        for one in seen.values():
            self.assertEqual((one["status"], one["tools"], one["tool_count"]), ("CONNECTED", TOOLS, 2))
            self.assertIn("connected_at", one)
            self.assertIn("expires_at", one)
        self.assertEqual(self.box.json("list")[0]["owner"], "user:7")
        self.assertEqual(self.box.json("show", "user:7", "my files")["status"], "CONNECTED")
        self.assertEqual(json.loads(self.box.ok("tools", "user:7", "github", "--json").out), TOOLS)

    def test_a_set_that_expires_together_with_its_member_is_no_problem(self):
        """However long doctor takes from the one to the other."""
        at = int((time.time() + 600) * 1000)
        for owner in range(300):
            self.host.connect(owner, "github", TOOLS)
            for key in self.redis.scan_iter(match=f"mcp:user:{owner}:*", count=10000):
                self.redis.pexpireat(key, at)
        self.assertEqual(self.doctor(), (0, {}))
        self.redis.pexpireat("mcp:user:7:connections", at - 50)
        code, problems = self.doctor()
        self.assertEqual((code, list(problems), problems["set_expires_early"]["count"]), (1, ["set_expires_early"], 1))

    def test_ours_and_theirs_stand_side_by_side(self):
        self.box.ok("set", "user:7", "ours", "CONNECTED")
        self.host.connect("7", "theirs", TOOLS)
        self.assertEqual({n: r["status"] for n, r in self.list("user:7").items()},
                         {"ours": "CONNECTED", "theirs": "CONNECTED"})
        self.assertEqual(set(self.host.read("7")), {"ours", "theirs"})

    def test_a_status_that_they_change_under_our_revision(self):
        tools = self.box.file("tools.json", json.dumps(TOOLS))
        revision = self.box.json("set", "user:7", "s", "CONNECTED", "--tools", tools)["revision"]
        for step in self.host.disconnect_steps("7", "s", keep_status=True):
            step()
            one = self.list("user:7")["s"]
            self.assertEqual(one["status"], "DISCONNECTED")
        refused = self.box.run("set", "user:7", "s", "CONNECTED", "--if-revision", str(revision))
        self.assertEqual(refused.code, 1, refused)
        after = self.box.json("set", "user:7", "s", "FAILED", "--reason", "late")["revision"]
        self.assertGreater(after, revision)
        self.assertEqual(self.doctor()[1], {})

    def test_tools_that_they_put_in_place_of_ours_are_counted_anew(self):
        tools = self.box.file("tools.json", json.dumps(TOOLS[:1]))
        self.box.ok("set", "user:7", "s", "CONNECTED", "--tools", tools)
        self.redis.set("mcp:user:7:server:s:tools", json.dumps(TOOLS), ex=86400)
        one = self.list("user:7", "--tools")["s"]
        self.assertEqual((one["tool_count"], one["tools"]), (2, TOOLS))

    def test_an_info_that_they_wrote_their_own_way_does_not_stop_us(self):
        self.box.ok("set", "user:7", "s", "CONNECTED")
        self.redis.set("mcp:user:7:server:s:info", json.dumps({"revision": 5, "expires_at": 1}), ex=86400)
        self.assertIn("info cannot be read", self.list("user:7")["s"]["problems"])
        self.box.ok("set", "user:7", "s", "FAILED", "--reason", "late")
        self.assertEqual(self.list("user:7")["s"].get("problems"), None)

    def test_tools_of_a_wrong_type_are_reported(self):
        tools = self.box.file("tools.json", json.dumps(TOOLS))
        self.box.ok("set", "user:7", "s", "CONNECTED", "--tools", tools)
        self.redis.delete("mcp:user:7:server:s:tools")
        self.assertEqual(self.list("user:7", "--tools")["s"]["problems"], ["tools are missing"])
        self.redis.hset("mcp:user:7:server:s:tools", "a", "b")
        self.assertIn("tools is a Redis hash where a string belongs", self.list("user:7", "--tools")["s"]["problems"])

    def test_they_disconnect_by_deleting(self):
        tools = self.box.file("tools.json", json.dumps(TOOLS))
        self.box.ok("set", "user:7", "s", "CONNECTED", "--tools", tools)
        for step in self.host.disconnect_steps("7", "s"):
            step()
            self.assertEqual(self.list("user:7")["s"]["status"], "DISCONNECTED")
        self.assertEqual(self.host.read("7"), {})

    def test_every_step_of_their_unfinished_writing_is_understood(self):
        """After each command: no error, no CONNECTED whose status is not, and no half of it taken for the whole."""
        for ours_before in (False, True):
            for order in ((0, 1, 2, 3), (3, 0, 1, 2), (1, 2, 0, 3), (0, 3, 2, 1)):
                with self.subTest(ours_before=ours_before, order=order):
                    self.redis.flushall()
                    if ours_before:
                        self.box.ok("set", "user:7", "s", "FAILED", "--reason", "before")
                    steps = self.host.connect_steps("7", "s", TOOLS)
                    for done, which in enumerate(order, 1):
                        steps[which]()
                        ran = order[:done]
                        one = self.list("user:7", "--tools").get("s")
                        connected = 0 in ran and (3 in ran or ours_before)
                        if one is None:
                            self.assertFalse(connected or ours_before)
                        else:
                            self.assertEqual(one["status"], "CONNECTED" if connected else "FAILED")
                            self.assertEqual("connected_at" in one, connected and 2 in ran)
                            self.assertEqual(one.get("tools"), TOOLS if 1 in ran else None)
                    self.assertEqual(self.list("user:7")["s"]["status"], "CONNECTED")
                    self.assertEqual(self.host.read("7")["s"]["tools"], TOOLS)

    def test_our_contact_at_every_step_loses_nothing_of_theirs(self):
        contacts = (["touch", "user:7"], ["set", "user:7", "ours", "CONNECTED"], ["doctor", "--fix"],
                    ["disconnect", "user:7", "ours"])
        for contact in contacts:
            for after in range(5):
                with self.subTest(contact=contact, after=after):
                    self.redis.flushall()
                    self.box.ok("set", "user:7", "ours", "FAILED")
                    for done, step in enumerate(self.host.connect_steps("7", "s", TOOLS)):
                        if done == after:
                            self.box.run(*contact)
                        step()
                    if after == 4:
                        self.box.run(*contact)
                    one = self.list("user:7", "--tools")["s"]
                    self.assertEqual((one["status"], one["tools"]), ("CONNECTED", TOOLS))
                    self.assertEqual(self.host.read("7")["s"]["tools"], TOOLS)

    def test_what_they_wrote_without_an_expiry_gets_one_on_contact(self):
        self.host.connect("7", "s", TOOLS)
        for field in DOCUMENTED[1:]:
            self.redis.persist(self.host.key("7", "s", field))
        self.assertEqual(self.redis.ttl("mcp:user:7:connections"), -1)
        self.assertEqual(self.list("user:7")["s"]["status"], "CONNECTED")
        self.assertEqual(self.redis.ttl("mcp:user:7:connections"), -1)  # reading changes nothing
        self.box.ok("touch", "user:7")
        self.assertEqual(broken_invariants(self.redis), [])

    def test_doctor_repairs_what_they_left(self):
        self.host.connect("7", "s", TOOLS)
        self.redis.sadd("mcp:user:7:connections", "ghost")
        self.redis.set(self.host.key("7", "lost", "status"), "CONNECTED", ex=100)
        self.redis.set(self.host.key("7", "lost", "connected_at"), datetime.now(timezone.utc).isoformat(), ex=100)
        code, problems = self.doctor()
        self.assertEqual(code, 1)
        self.assertLessEqual({"ghosts", "not_in_connections", "no_expiry"}, set(problems))
        fixed = self.box.run("doctor", "--fix", "--json")
        self.assertEqual(fixed.code, 0, fixed)
        repaired = {f["check"]: f for f in fixed.json["findings"] if f["level"] == "repaired"}
        self.assertLessEqual({"ghosts", "not_in_connections", "no_expiry"}, set(repaired))
        self.assertEqual((repaired["ghosts"]["count"], repaired["ghosts"]["examples"]), (1, ["user:7 ghost"]))
        self.assertEqual((fixed.json["problems"], fixed.json["repaired"]), (0, len(repaired)))
        self.assertEqual(self.doctor(), (0, {}))
        self.assertEqual(broken_invariants(self.redis), [])
        self.assertEqual(set(self.host.read("7")), {"s", "lost"})

    def test_what_doctor_cannot_repair_stays_a_problem_beside_what_it_repaired(self):
        self.host.connect("7", "s", TOOLS)
        self.redis.sadd("mcp:user:7:connections", "ghost")
        self.redis.set("mcp:user:8:connections", "a string", ex=100)
        fixed = self.box.run("doctor", "--fix", "--json")
        self.assertEqual(fixed.code, 1, fixed)
        levels = {f["check"]: f["level"] for f in fixed.json["findings"]}
        self.assertEqual((levels["ghosts"], levels["wrong_type"]), ("repaired", "problem"))


class Junk(Interop):
    VALUES = {
        "tools is an object": ("tools", "{}"),
        "tools is no JSON": ("tools", "[{"),
        "tools is empty": ("tools", ""),
        "tools is binary": ("tools", b"\xff\x00\xfe"),
        "tools is deep": ("tools", "[" * 5000 + "]" * 5000),
        "a naive time": ("connected_at", datetime.now().isoformat()),
        "a time of another kind": ("connected_at", "yesterday"),
        "a number for a time": ("connected_at", "1763821859.55"),
        "an empty time": ("connected_at", ""),
        "another status": ("status", "connected"),
        "an empty status": ("status", ""),
        "a binary status": ("status", b"\xff\n\x1b[31m"),
        "a long status": ("status", "x" * 100000),
    }

    def test_junk_in_one_record_never_fails_a_list(self):
        for what, (field, value) in self.VALUES.items():
            with self.subTest(what):
                self.redis.flushall()
                self.box.ok("set", "user:7", "good", "CONNECTED")
                self.host.connect("7", "odd", TOOLS)
                self.redis.set(self.host.key("7", "odd", field), value, ex=1000)
                seen = self.list("user:7", "--tools")
                self.assertEqual(seen["good"]["status"], "CONNECTED")
                self.assertNotIn("problems", seen["good"])
                self.assertIn("odd", seen)
                if field == "status":
                    self.assertNotIn("status", seen["odd"])
                    self.assertEqual(seen["odd"]["error"]["code"], "junk_record")
                else:
                    self.assertEqual(seen["odd"]["status"], "CONNECTED")
                self.assertTrue(seen["odd"].get("problems"), seen["odd"])
                self.box.ok("list", "user:7")
                self.box.ok("list")
                self.box.ok("stats")
                self.box.ok("show", "user:7", "odd")
                self.box.ok("touch", "user:7")
                # Contact leaves the value as it was: it is theirs.
                raw = value.encode() if isinstance(value, str) else value
                self.assertEqual(self.redis.get(self.host.key("7", "odd", field)), raw)
                self.box.ok("set", "user:7", "odd", "CONNECTED", "--tools", self.box.file("t.json", json.dumps(TOOLS)))
                self.assertNotIn("problems", self.list("user:7", "--tools")["odd"])

    def test_a_wrong_type_is_reported_in_its_record_and_never_half_written(self):
        for field in ("status", "tools", "connected_at"):
            with self.subTest(field):
                self.redis.flushall()
                self.box.ok("set", "user:7", "good", "CONNECTED")
                self.host.connect("7", "odd", TOOLS)
                key = self.host.key("7", "odd", field)
                self.redis.delete(key)
                self.redis.lpush(key, "x")
                seen = self.list("user:7", "--tools")
                self.assertEqual(seen["good"]["status"], "CONNECTED")
                before = {k: self.redis.dump(k) for k in self.redis.scan_iter()}
                tools = self.box.file("t.json", json.dumps(TOOLS))
                refused = self.box.run("set", "user:7", "odd", "CONNECTED", "--tools", tools)
                self.assertEqual(refused.code, 3)
                self.assertIn(key, refused.err.decode())
                after = {k: self.redis.dump(k) for k in self.redis.scan_iter() if b":staging:" not in k}
                self.assertEqual(after, before)
                self.assertIn("wrong_type", self.doctor()[1])

    def test_names_that_we_would_write_otherwise_are_shown_and_never_pruned(self):
        odd = ["a:b", "50%", "x*y", "[z]", "back\\slash", "{tag}"]
        for name in odd:
            self.host.connect("7", name, TOOLS)
        seen = self.list("user:7")
        self.assertEqual(set(seen), set(odd))
        for one in seen.values():
            self.assertEqual(one["status"], "CONNECTED")
            self.assertTrue(one.get("problems"))
        self.box.ok("set", "user:7", "ours", "CONNECTED")
        self.box.ok("touch", "user:7")
        self.box.run("doctor", "--fix")
        self.assertEqual(set(self.host.read("7")), set(odd) | {"ours"})


class NothingIsLost(Interop):
    CONNECTS, OWNERS = 2000, 20

    def loop(self, stop, done, failures, *commands):
        def run():
            client = Sandbox(store=self.server.url())
            tools = client.file("ours.json", '[{"name":"ours"}]')
            while not stop.is_set():
                for words in commands:
                    got = client.run(*[tools if w == "@tools" else w for w in words])
                    done.append(words[0])
                    if got.code not in (0, 1):
                        failures.append((words, got))
                    if stop.is_set():
                        break
            client.close()

        return threading.Thread(target=run)

    def test_2000_connects_beside_our_readers_and_writers_all_survive(self):
        owners = [f"o{n}" for n in range(self.OWNERS)]
        stop, done, failures = threading.Event(), [], []
        shared = owners[:4]
        writers = [
            self.loop(stop, done, failures, *[["set", f"user:{o}", "ours", s, *t] for o in shared
                                        for s, t in (("CONNECTED", ["--tools", "@tools"]), ("FAILED", []))]),
            self.loop(stop, done, failures, *[["touch", f"user:{o}"] for o in owners], ["disconnect", "user:o1", "ours"]),
            self.loop(stop, done, failures, ["doctor", "--fix"]),
            self.loop(stop, done, failures, *[["list", f"user:{o}"] for o in owners], ["list"], ["stats"]),
        ]
        with open(self.box.file("watch.out", ""), "wb") as sink:
            watch = self.box.start("watch", "--json", stdout=sink)
        for thread in writers:
            thread.start()
        tools = {}
        try:
            for n in range(self.CONNECTS):
                owner, name = owners[n % self.OWNERS], f"server {n} ü"
                tools[owner, name] = json.dumps([{"name": f"tool {n}", "description": "d" * (n % 300)}]).encode()
                for at, step in enumerate(self.host.connect_steps(owner, name, tools[owner, name])):
                    # Ours never fall behind: every so often one of them works between two of their commands.
                    if n % 8 == 0 and at == n // 8 % 4:
                        before = len(done)
                        eventually(lambda: len(done) > before or failures, what="our next command")
                    step()
        finally:
            stop.set()
            for thread in writers:
                thread.join()
        self.assertEqual(failures, [])
        self.assertGreaterEqual(len(done), self.CONNECTS // 8)
        self.assertLessEqual({"set", "touch", "disconnect", "doctor", "list", "stats"}, set(done))
        self.assertIsNone(watch.poll(), "watch has ended")
        watch.terminate()
        watch.wait(20)
        for owner in owners:
            mine = {name for o, name in tools if o == owner}
            members = {m.decode() for m in self.redis.smembers(f"mcp:user:{owner}:connections")}
            self.assertEqual(mine - members, set(), f"lost from connections of {owner}")
            seen = self.list(f"user:{owner}", "--tools")
            for name in mine:
                self.assertEqual(self.redis.get(self.host.key(owner, name, "status")), b"CONNECTED")
                self.assertEqual(self.redis.get(self.host.key(owner, name, "tools")), tools[owner, name])
                self.assertIsNotNone(self.redis.get(self.host.key(owner, name, "connected_at")))
                self.assertEqual(seen[name]["status"], "CONNECTED")
                self.assertEqual(seen[name]["tools"], json.loads(tools[owner, name]))
        self.box.run("doctor", "--fix")
        self.assertEqual(self.doctor(), (0, {}))
        self.assertEqual(broken_invariants(self.redis), [])

    def test_a_watcher_sees_what_they_write(self):
        out = self.box.file("watch.out", "")
        with open(out, "wb") as sink:
            self.box.start("watch", "user:7", "--json", stdout=sink)

        def events():
            with open(out, encoding="utf-8") as f:
                return [json.loads(line) for line in f if line.endswith("\n")]
        eventually(lambda: any(e["event"] == "ready" for e in events()), what="the watch")
        self.host.connect("7", "s", TOOLS)
        eventually(lambda: any(e["event"] == "present" and e["connection"]["status"] == "CONNECTED" for e in events()))
        for step in self.host.disconnect_steps("7", "s"):
            step()
        eventually(lambda: events()[-1]["event"] == "removed", what="the record's end")


if __name__ == "__main__":
    unittest.main(verbosity=2)
