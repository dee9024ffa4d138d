# SPDX-License-Identifier: MIT
"""Prints the answer of an MCP server to tools/list exactly as it came, so that tests can compare bytes with what the client
kept. Shares no code with it.

    capture.py stdio COMMAND [ARG...]
    capture.py http PORT
"""
import http.client
import json
import subprocess
import sys

INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize",
              "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "capture", "version": "0"}}}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}


def is_answer(raw, number):
    try:
        message = json.loads(raw)
    except ValueError:
        return False
    return message.get("id") == number and "result" in message


def over_stdio(command):
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        for message, number in ((INITIALIZE, 1), (INITIALIZED, None), (LIST, 2)):
            child.stdin.write(json.dumps(message).encode() + b"\n")
            child.stdin.flush()
            while number is not None:
                line = child.stdout.readline()
                if not line:
                    sys.exit("the server ended")
                if is_answer(line, number):
                    break
        return line
    finally:
        child.kill()
        child.wait()


def over_http(port):
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    for message, number in ((INITIALIZE, 1), (INITIALIZED, None), (LIST, 2)):
        link = http.client.HTTPConnection("127.0.0.1", port)
        link.request("POST", "/mcp", json.dumps(message), headers)
        answer = link.getresponse()
        session = answer.getheader("Mcp-Session-Id")
        if session:
            headers["Mcp-Session-Id"] = session
            headers["MCP-Protocol-Version"] = "2025-11-25"
        lines = answer.read().split(b"\n")
        link.close()
    found = [line[len(b"data: "):] for line in lines if line.startswith(b"data: ") and is_answer(line[len(b"data: "):], 2)]
    return found[0]


if sys.argv[1] == "stdio":
    sys.stdout.buffer.write(over_stdio(sys.argv[2:]))
else:
    sys.stdout.buffer.write(over_http(int(sys.argv[2])))
