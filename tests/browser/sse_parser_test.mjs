// SPDX-License-Identifier: MIT
// The dashboard's reader of event streams, cut at every place.
import assert from "node:assert/strict";
import test from "node:test";
import { sse_parser } from "../../src/service/dashboard/sse.js";

const cases = [
  ["one event", "event: ready\ndata: {}\n\n", [{ name: "ready", data: "{}" }]],
  ["a nameless one", "data: x\n\n", [{ name: "message", data: "x" }]],
  ["several lines of data", "data: a\ndata:b\ndata:  c\ndata\n\n", [{ name: "message", data: "a\nb\n c\n" }]],
  ["comments and ids", ": beat\n\nid: 7\nevent: removed\ndata: 1\n\n: beat\n\n", [{ name: "removed", data: "1" }]],
  ["no data, no event", "event: ready\n\ndata: y\n\n", [{ name: "message", data: "y" }]],
  ["every kind of line end", "event: a\r\ndata: 1\r\n\r\nevent: b\rdata: 2\r\revent: c\ndata: 3\n\n: end\n",
   [{ name: "a", data: "1" }, { name: "b", data: "2" }, { name: "c", data: "3" }]],
  ["what is not finished", "data: 1\n\ndata: 2\n", [{ name: "message", data: "1" }]],
  ["colons in data", "data: {\"url\":\"http://x\"}\n\n", [{ name: "message", data: "{\"url\":\"http://x\"}" }]],
];

for (const [name, text, want] of cases) {
  test(name, () => {
    for (let first = 0; first <= text.length; ++first) {
      for (let second = first; second <= text.length; ++second) {
        const parser = new sse_parser();
        const parts = [text.slice(0, first), text.slice(first, second), text.slice(second)];
        const got = parts.flatMap((part) => parser.push(part));
        assert.deepEqual(got, want, `cut at ${first} and ${second}`);
      }
    }
  });
}
