#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An MCP server over stdio that behaves as it is told, for meeting what real servers do on their bad days.

usage: cli_fake_server.py MODE [ARGUMENT]

  good TOOLS     answers this text as its list of tools, byte for byte
  dies           ends at once, with words on standard error
  dies-asked     ends when it is asked to initialize
  html           prints a page instead of JSON
  chatty TOOLS   like good, and prints two lines that are no messages
  picky TOOLS    like good, but ends at any request before initialize
  silent PIDFILE writes its process id there and never answers
  refuses        answers initialize with an error that holds control characters
  list-fails     initializes, then answers tools/list with an error
  list-wrong     initializes, then answers tools/list with something that is no list
"""
import json
import os
import sys

mode, argument = sys.argv[1], (sys.argv[2:] + [""])[0]


def answer(id, body):
    sys.stdout.write('{"jsonrpc":"2.0","id":' + json.dumps(id) + "," + body + "}\n")
    sys.stdout.flush()


def fail(id, message):
    answer(id, '"error":' + json.dumps({"code": -32000, "message": message}))


def initialize(id, asked):
    if mode == "dies-asked":
        sys.exit(7)
    if mode == "refuses":
        return fail(id, "no\x1b[31m entry\nfor you")
    facts = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}},
             "serverInfo": {"name": "fake", "version": "1.2.3"}}
    return answer(id, '"result":' + json.dumps(facts))


def list_tools(id):
    if mode == "list-fails":
        return fail(id, "the catalogue is on fire")
    return answer(id, '"result":{"tools":' + ('{"not":"a list"}' if mode == "list-wrong" else argument) + "}")


if mode == "dies":
    print("cannot find my configuration", file=sys.stderr)
    sys.exit(3)
if mode == "chatty":
    print("Starting up\nReady", flush=True)
if mode == "html":
    print("<!doctype html>\n<title>Welcome</title>", flush=True)
if mode == "silent":
    with open(argument, "w", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")
for line in sys.stdin:
    if mode in ("silent", "html"):
        continue
    message = json.loads(line)
    method, number = message.get("method"), message.get("id")
    if mode == "picky" and method == "server/discover":
        sys.exit(1)
    if number is None:
        continue
    if method == "initialize":
        initialize(number, message)
    elif method == "tools/list":
        list_tools(number)
    elif method == "ping":
        answer(number, '"result":{}')
    else:
        answer(number, '"error":{"code":-32601,"message":"no such method"}')
