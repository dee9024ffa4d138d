# SPDX-License-Identifier: MIT
"""A small MCP server over stdio that misbehaves in one way, named by its argument."""
import json
import os
import signal
import sys
import threading

MODE = sys.argv[1]
STREAMS = [name for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name)]
TOOL = '{"name":"odd", "x":1.50e+2,"\\u0061":"\\/\\u00e9"}'

if "MCPSTATE_TEST_STARTS" in os.environ:  # a file that gets a byte with each start
    with open(os.environ["MCPSTATE_TEST_STARTS"], "a") as starts:
        starts.write("x")


def put(text, end="\n"):
    sys.stdout.write(text + end)
    sys.stdout.flush()


def say(text):
    sys.stderr.write(text)
    sys.stderr.flush()


def answer(request, result):
    put('{"jsonrpc":"2.0","id":%s,"result":%s}' % (json.dumps(request["id"]), result))


def child(ignore_term, keep_pipes):
    """A process that stays, as those that launchers such as npx start."""
    ready, told = os.pipe()
    if os.fork() == 0:
        if ignore_term:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if not keep_pipes:
            for descriptor in (0, 1, 2):
                os.close(descriptor)
        os.write(told, b"x")
        while True:
            signal.pause()
    os.read(ready, 1)


def ask(method, number):
    """Asks the client, and returns its answer; nothing else may come in between."""
    put('{"jsonrpc":"2.0","id":"%s","method":"%s"}' % (number, method))
    return json.loads(sys.stdin.readline())


def surroundings():
    names = ",".join(sorted(name for name in os.environ if name.startswith("MCPSTATE_") or name == "PATH"))
    return "%s|%s|%s|%d" % (names, ",".join(sorted(STREAMS)), os.getcwd(), os.getpgid(0) == os.getpid())


def on_initialize(request):
    version = "2025-03-26" if MODE == "batch" else "1999-01-01" if MODE == "old" else "2025-11-25"
    if MODE == "dies":
        say("no token given\n")
        sys.exit(3)
    if MODE == "junk":
        put("Odd server, version 7")
        put("")
        put("\t")
    if MODE == "flood":
        say("x" * 5_000_000 + "\nlast words\n")
    if MODE == "refuses":
        put('{"jsonrpc":"2.0","id":%d,"error":{"code":-32603,"message":"out of order"}}' % request["id"])
        return
    if MODE == "asks_first":
        assert ask("ping", "p1")["result"] == {}
    if MODE == "long_line":
        put("[" + "1," * 40_000_000)
    instructions = surroundings() if MODE == "surroundings" else "be odd"
    answer(request, '{"protocolVersion":"%s","capabilities":{"tools":{"listChanged":true}},"instructions":%s,'
                    '"serverInfo":{"name":"odd","version":"7"}}' % (version, json.dumps(instructions)))


def on_list(request):
    if MODE in ("dies_later", "modern_at_first"):
        say("out of memory, sorry\n")
        os._exit(5)
    if MODE == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if MODE == "asks":
        ping, roots = ask("ping", "s1"), ask("roots/list", "s2")
        assert ping == {"jsonrpc": "2.0", "id": "s1", "result": {}}, ping
        assert roots["id"] == "s2" and roots["error"]["code"] == -32601, roots
    if MODE == "chatty":  # more than any pipe holds, before the request is answered
        for number in range(20_000):
            put('{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"%d%s"}}' % (number, "x" * 100))
    if MODE == "batch":
        put('[{"jsonrpc":"2.0","method":"notifications/message","params":{}},'
            '{"jsonrpc":"2.0","id":%d,"result":{"tools":[%s]}}]' % (request["id"], TOOL))
        return
    if MODE == "huge":
        filler = "y" * 1000
        answer(request, '{"tools":[%s]}' % ",".join('{"name":"t%d","d":"%s"}' % (n, filler) for n in range(4_900)))
        return
    if MODE == "crlf":
        put('{"jsonrpc":"2.0","id":%d,"result":{"tools":[%s]}}' % (request["id"], TOOL), end="\r\n")
        return
    if MODE == "stuck":
        return
    answer(request, '{"tools":[%s]}' % TOOL)


def on_probe(request):
    """server/discover, which servers of the older protocols do not know."""
    if MODE == "dies_when_probed":
        say("unknown method server/discover\n")
        os._exit(1)
    if MODE == "refuses_and_dies_when_probed":
        put('{"jsonrpc":"2.0","id":%s,"error":{"code":-32600,"message":"expected initialize"}}' % json.dumps(request["id"]))
        os._exit(1)
    if MODE == "refuses_when_probed":  # with an error that names no request
        put('{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Not initialized"}}')
        return
    if MODE == "modern_at_first":  # it stays silent when it is started again
        if os.path.getsize(os.environ["MCPSTATE_TEST_STARTS"]) == 1:
            answer(request, '{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}')
        return
    if MODE != "silent_when_probed":
        put('{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"Method not found"}}' % json.dumps(request["id"]))


def endlessly(write, what):
    """Until nobody reads any more."""
    try:
        while True:
            write(what)
    except OSError:
        os._exit(0)


def on_hostile_list(request):
    """Answers to tools/list that no client should suffer from."""
    if MODE == "endless_line":
        endlessly(sys.stdout.write, "x" * 100_000)
    if MODE == "endless_junk":
        endlessly(put, "still starting\n" * 1000)
    if MODE == "endless_news":
        endlessly(put, '{"jsonrpc":"2.0","method":"notifications/message","params":{}}\n' * 1000)
    if MODE == "endless_cursors":
        number = on_hostile_list.pages = getattr(on_hostile_list, "pages", 0) + 1
        answer(request, '{"tools":[{"name":"t%d"}],"nextCursor":"%d"}' % (number, number))
    if MODE == "endless_errors":
        threading.Thread(target=endlessly, args=(say, "x" * 100_000), daemon=True).start()
        answer(request, '{"tools":[%s]}' % TOOL)
    if MODE == "closes_output":
        os.close(1)
    if MODE == "deep":
        answer(request, "[" * 1_000_000)
    if MODE == "bad_utf8":
        sys.stdout.buffer.write(b'{"jsonrpc":"2.0","id":%d,"result":{"tools":[{"name":"\xc3\x28"}]}}\n' % request["id"])
        sys.stdout.flush()
    if MODE == "wrong_id":
        put('{"jsonrpc":"2.0","id":4711,"result":{"tools":[]}}')


HOSTILE = ("endless_line", "endless_junk", "endless_news", "endless_cursors", "endless_errors", "closes_output", "deep",
           "bad_utf8", "wrong_id")


def serve():
    for line in sys.stdin:
        if MODE == "silent":
            say("still thinking\n")
            continue
        if MODE == "only_junk":
            put("login:")
            continue
        request = json.loads(line)
        if request.get("method") == "server/discover":
            on_probe(request)
        elif request.get("method") == "tools/list" and MODE in HOSTILE:
            on_hostile_list(request)
        elif request.get("method") == "initialize":
            on_initialize(request)
        elif request.get("method") == "tools/list":
            on_list(request)
        elif request.get("method") == "tools/call":
            if MODE == "dies_in_calls":
                os._exit(6)
            if MODE == "counts":  # what it holds in memory: how often it was called
                calls = serve.calls = getattr(serve, "calls", 0) + 1
                answer(request, '{"content":[{"type":"text","text":"call %d"}]}' % calls)
            else:
                answer(request, '{"content":[]}')
        elif request.get("method") == "ping":
            if MODE == "no_ping":
                put('{"jsonrpc":"2.0","id":%d,"error":{"code":-32601,"message":"Method not found"}}' % request["id"])
            else:
                answer(request, "{}")


if MODE in ("stubborn", "stubborn_family"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if MODE in ("family", "stubborn_family"):
    child(ignore_term=MODE == "stubborn_family", keep_pipes=True)
if MODE == "shy_family":
    child(ignore_term=True, keep_pipes=False)
serve()
if MODE == "endless_errors":
    os._exit(0)  # Python itself would wait for the thread that writes
while MODE in ("stubborn", "stubborn_family"):
    signal.pause()
