# SPDX-License-Identifier: MIT
"""An MCP server over stdio that makes its client hold as much as it can, in one way, named by its argument."""
import json
import sys

MODE = sys.argv[1]
SIZE = 6_000_000


def put(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def answer(request, result):
    put('{"jsonrpc":"2.0","id":%d,"result":%s}' % (request["id"], result))


def flood(line):
    sys.stdout.write((line + "\n") * (SIZE // len(line)))
    sys.stdout.flush()


def list_tools(request):
    if MODE == "page":
        return answer(request, '{"tools":[{"name":"a","description":"%s"}]}' % ("x" * SIZE))
    if MODE == "names":
        return answer(request, '{"tools":[%s]}' % ",".join(['{"name":"a"}'] * (SIZE // 13)))
    if MODE == "pings":  # and reads none of the answers before it has asked everything
        flood('{"jsonrpc":"2.0","id":1,"method":"ping"}')
    if MODE == "announcements":
        flood('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}')
    if MODE == "questions":
        flood('{"jsonrpc":"2.0","id":"q","method":"roots/list"}')
    if MODE == "answers":
        flood('{"jsonrpc":"2.0","id":77,"result":{}}')
    if MODE == "errors":
        sys.stderr.write("x " * (SIZE // 2))
    answer(request, '{"tools":[]}')


for line in sys.stdin:
    request = json.loads(line)
    if request.get("method") == "server/discover":
        put('{"jsonrpc":"2.0","id":%d,"error":{"code":-32601,"message":"no"}}' % request["id"])
    if request.get("method") == "initialize":
        answer(request, '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"instructions":"%s",'
                        '"serverInfo":{"name":"greedy","version":"1"}}' % ("i" * SIZE if MODE == "facts" else ""))
    if request.get("method") == "tools/list":
        list_tools(request)
    if request.get("method") == "tools/call":
        answer(request, '{"content":[],"text":"%s"}' % ("x" * SIZE))
