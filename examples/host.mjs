// SPDX-License-Identifier: MIT
// A web application that keeps its users' MCP connections in mcpstate: Node.js 18 or newer, nothing else.
//
//     mcpstate serve --servers servers.json        in another terminal; servers.json registers "everything"
//     node examples/host.mjs
//
// MCPSTATE_URL (default http://127.0.0.1:7337), MCPSTATE_TOKEN (if the service wants one).
import { randomBytes } from "node:crypto";

const base = process.env.MCPSTATE_URL ?? "http://127.0.0.1:7337";
const server = "everything";
const credentials = process.env.MCPSTATE_TOKEN ? { Authorization: `Bearer ${process.env.MCPSTATE_TOKEN}` } : {};

// One request; the answer's JSON. A problem (RFC 9457) says what is wrong in `detail`.
async function ask(method, path, body) {
  const headers = { ...credentials, "Content-Type": "application/json" };
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  const json = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${json.detail}`);
  return json;
}

// The live events of an owner: a snapshot first, then every change, whoever made it. A browser reads them the same way.
async function* events(path) {
  const answer = await fetch(`${base}${path}/events`, { headers: credentials });
  let text = "";
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const fields = Object.fromEntries(text.slice(0, end).split("\n").map((line) => line.split(/: (.*)/s)));
      if (fields.event) yield { kind: fields.event, data: JSON.parse(fields.data ?? "{}") };
    }
  }
}

async function untilConnected(path) {
  for await (const { kind, data } of events(path)) {
    if (kind !== "connection") continue;
    console.log(`  event: ${data.owner} ${data.server} is ${data.status}`);
    if (data.status === "CONNECTED") return;
  }
}

// 1. A visitor who has not signed in. The browser holds the key of his session.
const session = `/v1/sessions/${encodeURIComponent(randomBytes(9).toString("base64url"))}`;
const watching = untilConnected(session);

// 2. He connects a server. Without ?wait the answer is CONNECTING, and the events tell the rest.
const record = await ask("PUT", `${session}/connections/${server}?wait=60s`, {});
if (record.status !== "CONNECTED") throw new Error(`not connected: ${JSON.stringify(record.error)}`);
await watching;
console.log(`connected to ${record.server_info.name}, ${record.tool_count} tools`);

// 3. What the model is told: every tool of every server that is up.
for (const connection of await ask("GET", `${session}/connections?tools=true`)) {
  if (connection.status !== "CONNECTED") continue;
  console.log(`for the model: ${connection.server}: ${connection.tools.slice(0, 4).map((tool) => tool.name).join(", ")}, …`);
}

// 4. The model chose one.
const result = await ask("POST", `${session}/connections/${server}/tools/echo/call`, { message: "hello from Node" });
console.log("the tool says:", result.content[0].text);

// 5. He signs in: what the session had is the user's.
const user = `js-${randomBytes(4).toString("hex")}`;
const { moved } = await ask("POST", `${session}/claim`, { user_id: user });
console.log("claimed:", moved.join(", "));
const mine = await ask("GET", `/v1/users/${user}/connections`);
if (mine.length !== 1 || mine[0].server !== server) throw new Error("the claim moved nothing");

// 6. He leaves.
console.log("disconnected:", (await ask("DELETE", `/v1/users/${user}/connections`)).disconnected);
