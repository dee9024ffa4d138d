// SPDX-License-Identifier: MIT
// ioredis doing connects and lists, in one of three ways:
//   original   three or four commands per connect, awaited one by one; a list asks for names, then for every key of each
//   pipelined  one pipeline per connect; SMEMBERS and one MGET per list
//   auto       the commands of `original`, all at once, with enableAutoPipelining
// One connection, as ioredis is meant to be used. Talks to bench/run over stdin and stdout: see slices.py.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const Redis = createRequire(new URL("./npm/package.json", import.meta.url))("ioredis");
const { values: options } = parseArgs({
  options: {
    port: { type: "string" },
    db: { type: "string", default: "0" },
    mode: { type: "string" },
    owners: { type: "string" },
    "tools-file": { type: "string" },
  },
});
const owners = Number(options.owners);
const servers = ["github", "linear", "notion", "sentry", "slack"];
const tools = readFileSync(options["tools-file"]);
const ttl = 86400;
const step = 7919;
const redis = new Redis({
  port: Number(options.port),
  db: Number(options.db),
  enableAutoPipelining: options.mode === "auto",
});

const base = (user, server) => `mcp:user:${user}:server:${server}:`;
const set = (user) => `mcp:user:${user}:connections`;
const now = () => new Date().toISOString();

const original = {
  async connect(user, server) {
    const key = base(user, server);
    await redis.set(key + "status", "CONNECTED", "EX", ttl);
    await redis.sadd(set(user), server);
    await redis.set(key + "connected_at", now(), "EX", ttl);
    await redis.set(key + "tools", tools, "EX", ttl);
  },
  async list(user) {
    const found = [];
    for (const name of await redis.smembers(set(user))) {
      const key = base(user, name);
      const status = await redis.get(key + "status");
      const at = await redis.get(key + "connected_at");
      found.push([name, status, at, await redis.getBuffer(key + "tools")]);
    }
    return found;
  },
};

const pipelined = {
  async connect(user, server) {
    const key = base(user, server);
    await redis
      .pipeline()
      .set(key + "status", "CONNECTED", "EX", ttl)
      .sadd(set(user), server)
      .set(key + "connected_at", now(), "EX", ttl)
      .set(key + "tools", tools, "EX", ttl)
      .exec();
  },
  async list(user) {
    const names = await redis.smembers(set(user));
    const keys = names.flatMap((name) => [base(user, name) + "status", base(user, name) + "connected_at", base(user, name) + "tools"]);
    const values = await redis.mgetBuffer(keys);
    return names.map((name, i) => [name, values[3 * i].toString(), values[3 * i + 1].toString(), values[3 * i + 2]]);
  },
};

const auto = {
  async connect(user, server) {
    const key = base(user, server);
    await Promise.all([
      redis.set(key + "status", "CONNECTED", "EX", ttl),
      redis.sadd(set(user), server),
      redis.set(key + "connected_at", now(), "EX", ttl),
      redis.set(key + "tools", tools, "EX", ttl),
    ]);
  },
  async list(user) {
    const one = async (name) => {
      const key = base(user, name);
      return [name, ...(await Promise.all([redis.get(key + "status"), redis.get(key + "connected_at"), redis.getBuffer(key + "tools")]))];
    };
    return Promise.all((await redis.smembers(set(user))).map(one));
  },
};

const does = { original, pipelined, auto }[options.mode];
let at = 0;
let ops = 0;
let until = 0;

async function list(user) {
  const found = await does.list(user);
  if (found.length !== servers.length || found[0][3] === null) throw new Error(`user ${user}: ${found.length} records`);
  return found;
}

const work = {
  async connect() {
    for (; performance.now() < until; ++ops) {
      at = (at + step) % (owners * servers.length);
      await does.connect(Math.floor(at / servers.length) + 1, servers[at % servers.length]);
    }
  },
  async list() {
    for (; performance.now() < until; ++ops) {
      at = (at + step) % owners;
      await list(at + 1);
    }
  },
  async fill(first, inFlight) {
    for (let i = first; i < owners * servers.length; i += inFlight, ++ops)
      await does.connect(Math.floor(i / servers.length) + 1, servers[i % servers.length]);
  },
  async check() {
    for (let user = 1; user <= owners; user += Math.max(1, Math.floor(owners / 20)), ++ops) {
      const found = (await list(user)).sort((a, b) => (a[0] < b[0] ? -1 : 1));
      const right = found.every(([name, status, , bytes], i) => name === servers[i] && status === "CONNECTED" && tools.equals(bytes));
      if (!right) throw new Error(`user ${user} reads back wrong`);
    }
  },
};

const say = (text) => process.stdout.write(text + "\n");
let order = null;
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== "go") {
    order = line.split(" ");
    say("ready");
    continue;
  }
  const [op, inFlight, seconds] = [order[0], Number(order[1]), Number(order[2])];
  ops = 0;
  const cpu = process.cpuUsage();
  const begun = performance.now();
  until = begun + seconds * 1000;
  await Promise.all(Array.from({ length: inFlight }, (_, i) => work[op](i, inFlight)));
  const took = (performance.now() - begun) / 1000;
  const used = process.cpuUsage(cpu);
  say(JSON.stringify({ ops, errors: 0, seconds: took, client_cpu_seconds: (used.user + used.system) / 1e6 }));
}
redis.disconnect();
