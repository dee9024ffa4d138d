# SPDX-License-Identifier: MIT
"""An MCP server over stdio that leaves processes behind: usage: stray_server.py MODE PIDS; PIDS gets the number of each."""
import json
import os
import signal
import sys

MODE, PIDS = sys.argv[1:]


def note():
    with open(PIDS, "a", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")


def stay():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note()
    while True:
        signal.pause()


def close_streams():
    for descriptor in (0, 1, 2):
        os.close(descriptor)


def daemon(then):
    """The usual way to leave a session: whoever looks for the parent, the group or the session finds nothing."""
    if os.fork():
        os.wait()
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    close_streams()
    os.chdir("/")
    then()


def without_environment():
    note()
    os.execve("/bin/sleep", ["sleep", "1000"], {})


def family():
    """A daemon with children of its own, each in another session."""
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            stay()
    stay()


def launcher():
    """As npx does: the server is a grandchild, and the one in between ends with it."""
    if os.fork():
        os.wait()
        sys.exit(0)


def short_lived():
    """Orphans that end by themselves: somebody has to reap them."""
    for _ in range(5):
        if os.fork() == 0:
            if os.fork() == 0:
                note()
            os._exit(0)
        os.wait()


RESULTS = {"initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}},
           "tools/list": {"tools": []}, "ping": {}}


def serve():
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        known = message["method"] in RESULTS
        body = {"result": RESULTS[message["method"]]} if known else {"error": {"code": -32601, "message": "Method not found"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **body}), flush=True)


note()
if MODE == "daemon":
    daemon(stay)
if MODE == "no_environment":
    daemon(without_environment)
if MODE == "family":
    daemon(family)
if MODE == "launcher":
    launcher()
    note()
if MODE == "short_lived":
    short_lived()
if MODE != "polite":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
serve()
while MODE != "polite":  # the end of its input is nothing to it
    signal.pause()
