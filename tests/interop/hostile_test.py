#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mcpstate connect against servers that mean harm, or are broken beyond that. Each attempt ends by its deadline, in an error
that says what was wrong, with bounded memory and a bounded number of requests.

usage: hostile_test.py PROGRAM NODE_MODULES [unittest arguments]
"""
import gzip
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import cli_sandbox
import hostile_server
from cli_sandbox import CliTest
from hostile_server import HostileServer, polite_but

TIMEOUT = 20          # seconds that the program is given where it is not to use them up
SHORT = 1             # and where it is
GRACE = 5             # how much longer it may take on a busy machine
SMALL = 40 * 1024     # KiB of memory more than a friendly server needs, where little arrives
LARGE = 220 * 1024    # the same where the server may send up to the limit of one message (32 MB)
MEGABYTE = 1 << 20
NEWS = 'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}\n\n'


class Attempt:
    """One run of the program: what it said, how long it took, and how much memory it had at most (KiB)."""

    def __init__(self, words, env, folder, at_most):
        begun = time.monotonic()
        report = folder / "measured"
        report.unlink(missing_ok=True)
        measured = pathlib.Path(__file__).with_name("measured.py")
        child = subprocess.Popen([sys.executable, "-I", str(measured), str(report), *words], env=env, cwd=folder,
                                 start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        try:
            self.out, self.err = child.communicate(timeout=at_most)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            self.out, self.err = child.communicate()
        self.seconds = time.monotonic() - begun
        self.ended = report.exists()
        self.code, self.memory = map(int, report.read_text(encoding="ascii").split()) if self.ended else (None, 0)

    @property
    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"exit code {self.code}, {self.seconds:.1f} s, {self.memory // 1024} MB\n{self.out!r}\n{self.err!r}"


class Hostile(CliTest):
    friendly = 0  # KiB

    def attempt(self, *where, timeout=TIMEOUT):
        words = [cli_sandbox.PROGRAM, "--store", "memory:", "connect", "user:1", "srv", "--json", "--timeout", f"{timeout}s",
                 *where]
        attempt = Attempt(words, self.env, self.home, timeout + GRACE)
        self.assertTrue(attempt.ended, f"it did not end in time: {attempt}")
        return attempt

    def friendly_memory(self):
        """What the program needs where nothing is wrong."""
        if not Hostile.friendly:
            server = HostileServer(hostile_server.polite)
            try:
                Hostile.friendly = self.attempt(server.url).memory
            finally:
                server.close()
        return Hostile.friendly

    def check_failure(self, attempt, codes, says=""):
        self.assertEqual(attempt.code, 1, attempt)
        self.assertIn(attempt.json["error"]["code"], codes.split(), attempt)
        self.assertIn(says.lower(), attempt.json["error"]["message"].lower(), attempt)

    def check_memory(self, attempt, limit):
        self.assertLess(attempt.memory - self.friendly_memory(), limit, attempt)

    def against(self, behave, memory=SMALL, **options):
        server = HostileServer(behave)
        try:
            attempt = self.attempt(server.url, **options)
        finally:
            server.close()
        self.check_memory(attempt, memory)
        self.assertLess(len(server.requests), 40, attempt)
        return server, attempt

    def refused(self, behave, codes, says="", **options):
        """It fails with one of these codes; the message holds the words."""
        server, attempt = self.against(behave, **options)
        self.check_failure(attempt, codes, says)
        return server, attempt

    def accepted(self, behave, tools=1, **options):
        server, attempt = self.against(behave, **options)
        self.assertEqual(attempt.code, 0, attempt)
        self.assertEqual(attempt.json["tool_count"], tools, attempt)
        return server, attempt


def drip(exchange, text, pause=0.1):
    for letter in text:
        exchange.write(letter)
        exchange.wait(pause)


class Slow(Hostile):
    """Servers that keep the client waiting, but never still: only a deadline over the whole helps."""

    def never_ends(self, behave):
        self.refused(polite_but(tools_list=behave), "deadline", "did not answer tools/list within 1 s", timeout=SHORT)
        self.refused(behave, "deadline", "within 1 s", timeout=SHORT)

    def test_no_answer(self):
        self.never_ends(lambda exchange: exchange.hang())

    def test_a_head_letter_by_letter(self):
        self.never_ends(lambda exchange: drip(exchange, "HTTP/1.1 200 OK\r\nX-Words: " + "x" * 1000))

    def test_a_body_letter_by_letter(self):
        def behave(exchange):
            exchange.write(exchange.head_of(Content_Length="100000") + "\r\n")
            drip(exchange, '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"' + "x" * 1000)
        self.never_ends(behave)

    def test_comments_for_ever(self):
        def behave(exchange):
            exchange.stream()
            while True:
                exchange.write(": still here\n\n")
                exchange.wait(0.05)
        self.never_ends(behave)

    def test_notifications_for_ever(self):
        def behave(exchange):
            exchange.stream()
            while True:
                exchange.write(NEWS * 20)
                exchange.wait(0.01)
        self.never_ends(behave)

    def test_pages_one_by_one(self):
        # Each comes in time; the list never does.
        def behave(exchange):
            exchange.wait(0.4)
            number = len(exchange.server.requests)
            exchange.result({"tools": [{"name": f"tool_{number}"}], "nextCursor": f"cursor {number}"})
        self.refused(polite_but(tools_list=behave), "deadline", "did not list its tools within 1 s", timeout=SHORT)

    def test_informational_answers_for_ever(self):
        def behave(exchange):
            while True:
                exchange.write("HTTP/1.1 100 Continue\r\n\r\n")
                exchange.wait(0.02)
        self.refused(behave, "deadline protocol", timeout=SHORT)

    def test_asked_to_come_back_in_a_century(self):
        later = lambda exchange: exchange.answer("later", status=503, kind="text/plain", Retry_After="3153600000")
        self.refused(polite_but(tools_list=later), "http_status", "503")

    def test_a_stream_to_be_resumed_in_a_century(self):
        def behave(exchange):
            exchange.stream("id: 1\nretry: 4294967295000\ndata: \n\n")
            exchange.close()
        self.refused(polite_but(tools_list=behave), "deadline connection_lost", timeout=SHORT)


class Huge(Hostile):
    """Servers that send more than anybody wants to have."""

    def test_a_list_of_ten_megabytes_is_taken(self):
        tools = [{"name": f"tool_{n}", "description": "x" * 10_000} for n in range(1000)]
        self.accepted(polite_but(tools_list=lambda exchange: exchange.result({"tools": tools})), tools=1000, memory=LARGE)

    def too_large(self, behave, codes="too_large", **options):
        self.refused(polite_but(tools_list=behave), codes, **options)
        self.refused(polite_but(initialize=behave), codes, **options)

    def test_a_body_without_end(self):
        def behave(exchange):
            exchange.write(exchange.head_of(Transfer_Encoding="chunked") + '\r\n1\r\n"\r\n')
            while True:
                exchange.write(b"100000\r\n" + b"x" * MEGABYTE + b"\r\n")
        self.too_large(behave, memory=LARGE)

    def test_a_body_that_claims_to_be_a_terabyte(self):
        def behave(exchange):
            exchange.write(exchange.head_of(Content_Length=str(1 << 40)) + "\r\n")
            while True:
                exchange.write(b"x" * MEGABYTE)
        self.too_large(behave, memory=LARGE)

    def test_an_event_without_end(self):
        def behave(exchange):
            exchange.stream("data: ")
            while True:
                exchange.write(b"x" * MEGABYTE)
        self.too_large(behave, memory=LARGE)

    def test_an_event_of_lines_without_end(self):
        def behave(exchange):
            exchange.stream()
            while True:
                exchange.write(b"data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n" * 10_000)
        self.too_large(behave, memory=LARGE)

    def test_events_without_end(self):
        # More than the client will read of one stream, or more than it can in the time.
        def behave(exchange):
            exchange.stream()
            while True:
                exchange.write(NEWS * 1000)
        self.refused(polite_but(tools_list=behave), "too_large deadline", timeout=SHORT)

    def test_a_header_of_ten_megabytes(self):
        def behave(exchange):
            exchange.write(b"HTTP/1.1 200 OK\r\nX-Words: " + b"x" * 10 * MEGABYTE + b"\r\nContent-Length: 0\r\n\r\n")
        self.too_large(behave, "too_large protocol")

    def test_headers_without_end(self):
        def behave(exchange):
            exchange.write("HTTP/1.1 200 OK\r\n")
            while True:
                exchange.write("X-Words: yes\r\n" * 1000)
        self.too_large(behave, "too_large protocol")

    def test_cursors_without_end(self):
        def behave(exchange):
            number = len(exchange.server.requests)
            exchange.result({"tools": [{"name": f"tool_{number}"}], "nextCursor": f"cursor {number}"})
        server = HostileServer(polite_but(tools_list=behave))
        self.addCleanup(server.close)
        attempt = self.attempt(server.url)
        self.check_failure(attempt, "too_large", "100 pages")
        self.assertEqual(server.count("tools/list"), 100)

    def test_a_cursor_that_never_changes(self):
        page = {"tools": [hostile_server.TOOL], "nextCursor": "again"}
        self.accepted(polite_but(tools_list=lambda exchange: exchange.result(page)))

    def test_a_zip_bomb(self):
        bomb = gzip.compress(b'{"jsonrpc":"2.0","id":1,"result":"' + b"x" * 100 * MEGABYTE, compresslevel=1)
        behave = lambda exchange: exchange.answer(bomb, Content_Encoding="gzip")
        self.refused(polite_but(tools_list=behave), "too_large protocol", memory=LARGE)

    def test_json_deeper_than_any_stack(self):
        for deep in ("[" * 1_000_000, '{"a":' * 500_000):
            behave = polite_but(tools_list=lambda exchange, deep=deep: exchange.result(deep))
            self.refused(behave, "protocol", memory=LARGE)


class Broken(Hostile):
    """Answers that are wrong in one way."""

    def test_one_byte_at_a_time(self):
        def behave(exchange):
            write = exchange.write
            exchange.write = lambda data, piece=None: write(data, 1)
            hostile_server.polite(exchange)
        self.accepted(behave)

    def test_streams_with_every_kind_of_line_end(self):
        for end in ("\n", "\r\n", "\r"):
            def behave(exchange, end=end):
                exchange.stream(f": hello{end}{end}retry: 10{end}{end}")
                exchange.event({"tools": [hostile_server.TOOL]}, end)
                exchange.close()
            self.accepted(polite_but(tools_list=behave))

    def test_a_web_page(self):
        behave = lambda exchange: exchange.answer("<!doctype html><title>Sign in</title>", kind="text/html; charset=utf-8")
        self.refused(behave, "protocol", "web page")
        self.refused(polite_but(tools_list=behave), "protocol", "web page")

    def test_storms_of_server_errors(self):
        for status in (500, 502, 503, 504, 429):
            with self.subTest(status):
                behave = lambda exchange, status=status: exchange.answer("oops", status=status, kind="text/plain")
                self.refused(behave, "http_status", str(status))
                self.refused(polite_but(tools_list=behave), "http_status", str(status))

    def test_invalid_utf8(self):
        def behave(exchange):
            exchange.answer(exchange.result_text('{"tools":[{"name":"NAME"}]}').encode().replace(b"NAME", b"\xc3\x28\xff"))
        self.refused(polite_but(tools_list=behave), "protocol")

    def test_ids_that_are_not_ours(self):
        for number in ('"abc"', "4711", "null", "1.5", "{}", "[1]", "true"):
            with self.subTest(number):
                text = '{"jsonrpc":"2.0","id":' + number + ',"result":{"tools":[]}}'
                self.refused(polite_but(tools_list=lambda exchange, text=text: exchange.answer(text)), "protocol")

    def test_batches(self):
        def behave(exchange):
            exchange.answer('[{"jsonrpc":"2.0","method":"notifications/message","params":{}},' +
                            exchange.result_text({"tools": [hostile_server.TOOL]}) + "]")
        self.refused(polite_but(tools_list=behave), "protocol")
        old = lambda exchange: hostile_server.initialize(exchange, "2025-03-26")
        self.accepted(polite_but(tools_list=behave, initialize=old))
        endless = lambda exchange: exchange.answer("[" + '{"jsonrpc":"2.0","id":1,"method":"ping"},' * 100_000 + "1]")
        self.refused(polite_but(tools_list=endless, initialize=old), "protocol too_large", memory=LARGE)

    def test_wrong_lengths(self):
        whole = '{"jsonrpc":"2.0","id":1,"result":{}}'
        for head in ("Content-Length: 10000\r\n", "Content-Length: -1\r\n", "Content-Length: 3\r\nContent-Length: 36\r\n",
                     "Content-Length: 99999999999999999999999999\r\n", "Content-Length: 0x24\r\n",
                     "Transfer-Encoding: chunked\r\nContent-Length: 36\r\n", "Transfer-Encoding: chunked\r\n"):
            with self.subTest(head):
                def behave(exchange, head=head):
                    exchange.write(exchange.head_of() + head + "\r\n" + whole)
                    exchange.close()
                self.refused(polite_but(tools_list=behave), "protocol connection_lost outcome_unknown")

    def test_chunks_that_are_none(self):
        for size in ("ffffffffffffffffff", "-5", "zz", "", "7fffffffffffffff"):
            with self.subTest(size):
                def behave(exchange, size=size):
                    exchange.write(exchange.head_of(Transfer_Encoding="chunked") + f"\r\n{size}\r\nabc\r\n0\r\n\r\n")
                    exchange.close()
                self.refused(polite_but(tools_list=behave), "protocol connection_lost too_large outcome_unknown")

    def test_an_answer_that_nobody_asked_for(self):
        # What is left over after an answer must not become the answer to the next request.
        def behave(exchange):
            hostile_server.initialize(exchange)
            body = '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"smuggled"},{"name":"in"}]}}'
            exchange.answer(body)
            exchange.answer(body)
        server = HostileServer(polite_but(initialize=behave))
        self.addCleanup(server.close)
        attempt = self.attempt(server.url)
        self.assertNotIn(b"smuggled", attempt.out)
        if attempt.code == 0:
            self.assertEqual(attempt.json["tool_count"], 1, attempt)

    def test_a_session_id_that_is_none(self):
        for bad in ("a b", "x" * 100_000, "\x7f", ""):
            with self.subTest(bad[:10]):
                start = lambda exchange, bad=bad: hostile_server.initialize(exchange, Mcp_Session_Id=bad)
                server, attempt = self.against(polite_but(initialize=start))
                self.assertIn(attempt.code, (0, 1), attempt)
                self.assertTrue(all("mcp-session-id" not in one.headers for one in server.requests), attempt)

    def test_questions_without_end(self):
        # 2,000 questions before the answer: each is answered, or the client gives up; nothing piles up.
        def behave(exchange):
            exchange.stream()
            for number in range(2000):
                exchange.write('data: {"jsonrpc":"2.0","id":"q%d","method":"ping"}\n\n' % number)
            exchange.event({"tools": [hostile_server.TOOL]})
            exchange.close()
        server = HostileServer(polite_but(tools_list=behave))
        self.addCleanup(server.close)
        attempt = self.attempt(server.url)
        self.assertIn(attempt.code, (0, 1), attempt)
        self.check_memory(attempt, SMALL)
        self.assertLess(server.connections, 20)

    def test_a_stream_that_ends_again_and_again(self):
        def behave(exchange):
            exchange.stream(f"id: {len(exchange.server.requests)}\nretry: 0\ndata: \n\n")
            exchange.close()
        self.refused(polite_but(tools_list=behave, GET=behave), "connection_lost deadline outcome_unknown", timeout=SHORT * 2)


class Elsewhere(Hostile):
    """Servers that send the client to somebody else."""

    def setUp(self):
        super().setUp()
        self.canary = HostileServer(hostile_server.polite)
        self.addCleanup(self.canary.close)

    def leads_away(self, behave, codes="forbidden_target"):
        self.refused(behave, codes)
        self.assertEqual(self.canary.connections, 0)

    def test_redirects_to_another_origin(self):
        for status in (301, 302, 303, 307, 308):
            with self.subTest(status):
                go = lambda exchange, status=status: exchange.answer(status=status, Location=self.canary.url)
                codes = "forbidden_target" if status in (307, 308) else "http_status"
                self.leads_away(go, codes)
                self.leads_away(polite_but(tools_list=go), codes)

    def test_redirects_to_private_addresses(self):
        port = self.canary.port
        for where in ("http://169.254.169.254/latest/meta-data/", f"http://[::1]:{port}/", f"//127.0.0.1:{port}/x",
                      f"http://localhost:{port}/mcp", "file:///etc/passwd", "javascript:alert(1)", "", "http://"):
            with self.subTest(where):
                go = lambda exchange, where=where: exchange.answer(status=307, Location=where)
                self.leads_away(go, "forbidden_target http_status protocol")

    def test_redirects_in_a_circle(self):
        self.leads_away(lambda exchange: exchange.answer(status=307, Location=exchange.path), "http_status protocol")
        onward = lambda exchange: exchange.answer(status=308, Location=f"/mcp/{len(exchange.server.requests)}")
        self.leads_away(onward, "http_status protocol")

    def test_one_redirect_on_the_same_origin_is_followed(self):
        def behave(exchange):
            if exchange.path == "/mcp":
                exchange.answer(status=307, Location="/mcp/")
            else:
                hostile_server.polite(exchange)
        self.accepted(behave)

    def test_an_old_server_whose_messages_go_elsewhere(self):
        def behave(exchange):
            if exchange.verb == "POST":
                exchange.answer("Cannot POST", status=404, kind="text/html")
                return
            exchange.stream(f"event: endpoint\ndata: {self.canary.url}\n\n")
            exchange.hang()
        self.leads_away(behave, "protocol http_status bad_url forbidden_target")

    def test_an_old_server_that_never_says_where(self):
        def behave(exchange):
            if exchange.verb == "POST":
                exchange.answer("Cannot POST", status=404, kind="text/html")
                return
            exchange.stream(": wait\n\n")
            exchange.hang()
        self.refused(behave, "deadline http_status protocol")


class Children(Hostile):
    """The same over standard streams. Nothing of a child is left, whatever it did."""

    def odd(self, mode, memory=SMALL, **options):
        mark = f"MCPSTATE_HOSTILE={os.getpid()}-{mode}"
        server = pathlib.Path(__file__).parents[1] / "component/mcp/odd_server.py"
        attempt = self.attempt("--env", mark, "--", "/usr/bin/python3", str(server), mode, **options)
        self.assertEqual(marked_processes(mark), [])
        self.check_memory(attempt, memory)
        return attempt

    def test_a_line_without_end(self):
        self.check_failure(self.odd("endless_line", memory=LARGE), "too_large", "33554432 bytes")

    def test_junk_without_end(self):
        self.check_failure(self.odd("endless_junk"), "protocol", "standard output")

    def test_cursors_without_end(self):
        self.check_failure(self.odd("endless_cursors"), "too_large", "100 pages")

    def test_an_output_that_is_closed(self):
        self.check_failure(self.odd("closes_output"), "child_exited connection_lost protocol", "standard streams")

    def test_lines_that_are_no_answer(self):
        for mode in ("deep", "bad_utf8", "wrong_id"):
            with self.subTest(mode):
                self.check_failure(self.odd(mode, timeout=SHORT), "deadline protocol")

    def test_notifications_without_end(self):
        self.check_failure(self.odd("endless_news", timeout=SHORT), "deadline")

    def test_standard_error_without_end(self):
        self.assertEqual(self.odd("endless_errors").code, 0)

    def test_servers_that_cannot_bear_the_probe(self):
        for mode in ("dies_when_probed", "silent_when_probed"):
            with self.subTest(mode):
                self.assertEqual(self.odd(mode).code, 0)


def marked_processes(mark):
    """Ids of the processes that have this in their environment, but for those that are only waiting to be reaped."""
    out = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                out.append(int(folder.name))
        except OSError:
            pass  # it has ended, or is another user's
    return out


if __name__ == "__main__":
    cli_sandbox.main(sys.argv)
