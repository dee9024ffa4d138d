# SPDX-License-Identifier: MIT
"""An MCP server over stdio that takes its time: usage: timed_server.py MODE SECONDS STARTS; STARTS gets a byte with each start,
and STARTS.listings with each list of tools.

"slow", "modern": silent for so long, as while it is being installed; the latter knows the newest protocol only
"reads": the same, but somebody reads its input at once, as docker and ssh do
"stuck": the first request that it does not know stops it for good
"busy": of one thread; each call takes so long
"mute", "lists_not": answers no ping; the latter does not list its tools either, after the first time
a number: answers pings with this error
"""
import json
import sys
import time

MODE, SECONDS, STARTS = sys.argv[1], float(sys.argv[2]), sys.argv[3]
with open(STARTS, "a", encoding="ascii") as file:
    file.write("x")

listings = 0


def put(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def result_of(request):
    global listings
    method = request["method"]
    if MODE == "modern":
        known = {"server/discover": {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}, "tools/list": {"tools": []}}
        return known.get(method)
    if method == "initialize":
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "timed", "version": "1"}}
    if method == "tools/list":
        listings += 1
        with open(STARTS + ".listings", "a", encoding="ascii") as listed:
            listed.write("x")
        return {"tools": [{"name": f"tool{listings}", "inputSchema": {"type": "object"}}]}
    if method == "tools/call":
        time.sleep(SECONDS)
        return {"content": []}
    return {} if method == "ping" else None


def serve(request):
    method = request["method"]
    if method == "ping" and MODE in ("mute", "lists_not"):
        return
    if method == "ping" and MODE.lstrip("-").isdigit():
        put({"id": request["id"], "error": {"code": int(MODE), "message": "no"}})
        return
    if method == "tools/list" and MODE == "lists_not" and listings:
        return
    result = result_of(request)
    if result is not None:
        put({"id": request["id"], "result": result})
        return
    while MODE == "stuck":
        time.sleep(1)
    put({"id": request["id"], "error": {"code": -32601, "message": "Method not found"}})


if MODE in ("slow", "modern"):
    time.sleep(SECONDS)
first = sys.stdin.readline() if MODE == "reads" else ""
if MODE == "reads":
    time.sleep(SECONDS)
while True:
    line = first or sys.stdin.readline()
    first = ""
    if not line:
        break
    if "id" in json.loads(line):
        serve(json.loads(line))
