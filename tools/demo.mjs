// SPDX-License-Identifier: MIT
// The part of tools/demo that is easier to say here:
//     node demo.mjs PROGRAM PACKAGE
// writes a servers file, runs the service, connects user:demo, says what to try; ends when the service ends.
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [program, root] = process.argv.slice(2);
const token = process.env.MCPSTATE_TOKEN;  // then the service asks for it
const as_service = token ? ' -H "Authorization: Bearer $MCPSTATE_TOKEN"' : "";

function writeServers() {
  const about = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const script = join(root, Object.values(about.bin)[0]);
  const path = join(root, "../../../servers.json");
  const servers = { everything: { command: process.execPath, args: [script, "stdio"] } };
  writeFileSync(path, JSON.stringify({ mcpServers: servers }, null, 2));
  return path;
}

async function connect(base) {
  const connection = `${base}/v1/users/demo/connections/everything`;
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  const asked = { method: "PUT", headers, body: "{}" };
  const record = await (await fetch(`${connection}?wait=60s`, asked)).json();
  if (record.status !== "CONNECTED") throw new Error(`user:demo is not connected: ${JSON.stringify(record)}`);
  const server = record.server_info;
  console.log(`
It works: user:demo is CONNECTED to ${server.name} ${server.version}, a real MCP server, and its ${record.tool_count} tools are recorded.

  ${base}/        the dashboard

What to try next, in another terminal:
  curl${as_service} ${connection}
  curl${as_service} -N ${base}/v1/users/demo/events
  curl${as_service} -d '{"message":"hello"}' -H 'Content-Type: application/json' ${connection}/tools/echo/call
  ${program} watch user:demo

Ctrl-C stops the service.`);
}

// A group of its own: what is typed at the terminal reaches it once, through us.
const service = spawn(program, ["serve", "--servers", writeServers()], { stdio: ["ignore", "pipe", "inherit"], detached: true });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => service.kill(signal));
service.on("error", (problem) => {
  console.error(`demo: ${program}: ${problem.message}`);
  process.exitCode = 1;
});
service.on("exit", (code, signal) => {
  process.exitCode = process.exitCode || (signal ? 128 + constants.signals[signal] : code);
});

let base;
for await (const line of createInterface({ input: service.stdout })) {
  console.log(line);
  const found = base ? null : /http:\/\/\S+?:\d+/.exec(line);
  if (!found) continue;
  base = found[0];
  connect(base).catch((problem) => {
    if (service.exitCode !== null || service.signalCode !== null) return;
    console.error(`demo: ${problem.message}`);
    process.exitCode = 1;
    service.kill("SIGTERM");
  });
}
