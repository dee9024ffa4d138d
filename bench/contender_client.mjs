// SPDX-License-Identifier: MIT
// The official TypeScript client doing what contender_client.cpp does. Orders (slices.py):
//   handshake   connect, list, close, again and again
//   hold        opens --connections of them, and keeps them
//   touch       a tools/call over each of them
//   call        calls, each over the connection that has been idle longest
//   rss         nothing: for the memory, which every answer has
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const packages = new URL("../tests/interop/npm/node_modules/", import.meta.url);
const { Client, StreamableHTTPClientTransport } = await import(new URL("@modelcontextprotocol/client/dist/index.mjs", packages));

const { values: given } = parseArgs({
  options: { url: { type: "string" }, era: { type: "string" }, connections: { type: "string" }, once: { type: "string" } },
});
const idle = [];
let opened = 0;

async function open() {
  const client = new Client({ name: "bench", version: "1" }, { versionNegotiation: { mode: given.era } });
  const transport = new StreamableHTTPClientTransport(new URL(given.url));
  await client.connect(transport);
  return { client, transport };
}

// One connection from its opening to its end; answers how many bytes of tools there are.
async function once() {
  const { client, transport } = await open();
  const { tools } = await client.listTools();
  await transport.terminateSession();
  await client.close();
  return JSON.stringify(tools).length;
}

function residentKb() {
  globalThis.gc?.();
  return Math.round(Number(readFileSync("/proc/self/statm", "utf8").split(" ")[1]) * 4);
}

async function call({ client }) {
  const answer = await client.callTool({ name: "echo", arguments: { message: "hello" } });
  return answer.content[0].text === "Echo: hello";
}

const works = {
  async handshake(watch) {
    do watch.done((await once()) > 0);
    while (watch.running());
  },
  async hold(watch) {
    while (opened < Number(given.connections)) {
      ++opened;
      idle.push(await open());
      watch.done(true);
    }
  },
  async touch(watch, first, stride) {
    for (let i = first; i < idle.length; i += stride) watch.done(await call(idle[i]));
  },
  async call(watch) {
    while (watch.running()) {
      const mine = idle.shift();
      watch.done(await call(mine));
      idle.push(mine);
    }
  },
  async rss() {},
};

async function run(op, inFlight, seconds) {
  const begun = performance.now();
  const cpu = process.cpuUsage();
  let ops = 0;
  let errors = 0;
  const watch = { running: () => performance.now() < begun + seconds * 1000, done: good => (good ? ++ops : ++errors) };
  await Promise.all(Array.from({ length: inFlight }, (_, i) => works[op](watch, i, inFlight)));
  const took = (performance.now() - begun) / 1000;
  const used = process.cpuUsage(cpu);
  return { ops, errors, seconds: took, client_cpu_seconds: (used.user + used.system) / 1e6, resident_kb: residentKb() };
}

if (given.once) {
  console.log(await once());
} else {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await lines.next();
    if (done) break;
    const [op, inFlight, seconds] = value.split(" ");
    console.log("ready");
    await lines.next();
    console.log(JSON.stringify(await run(op, Number(inFlight), Number(seconds))));
  }
  process.exit(0);
}
