// SPDX-License-Identifier: MIT
// An MCP server of revision 2026-07-28 on the official library, with one tool for each thing that a client has to do.
//
//   modern_server.mjs http           also serves older clients (stateless)
//   modern_server.mjs http-modern    refuses older clients
//   modern_server.mjs stdio          also serves older clients
//   modern_server.mjs stdio-modern   refuses older clients
//
// Over HTTP it listens on a port of 127.0.0.1 that the system chooses, and prints one line: {"url":"http://127.0.0.1:PORT/mcp"}.
// It ends by SIGTERM or SIGINT, telling open subscriptions first; over stdio also when its standard input ends.
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer, acceptedContent, createMcpHandler, fromJsonSchema, inputRequired } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

const mode = process.argv[2];

// Over HTTP the library asks for a new server object per request, so what lasts is here.
const grown = [];
const seen = { slow_started: 0, slow_cancelled: 0, slow_finished: 0 };

const object = (properties, required = []) => fromJsonSchema({ type: 'object', properties, required });
const text = words => ({ content: [{ type: 'text', text: words }] });
const structured = value => ({ ...text(JSON.stringify(value)), structuredContent: value });

function addGrown(server, name) {
  server.registerTool(name, { description: 'Was not there before' }, async () => text(name));
}

async function slow({ ms }, ctx) {
  ++seen.slow_started;
  try {
    await delay(ms, undefined, { signal: ctx.mcpReq.signal });
  } catch {
    ++seen.slow_cancelled;
    throw new Error('cancelled');
  }
  ++seen.slow_finished;
  return text('done');
}

async function count({ steps }, ctx) {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  for (let step = 1; step <= steps && progressToken !== undefined; ++step) {
    await ctx.mcpReq.notify({
      method: 'notifications/progress',
      params: { progressToken, progress: step, total: steps, message: `step ${step}` },
    });
  }
  return text(`counted to ${steps}`);
}

const guestSchema = {
  type: 'object',
  properties: {
    name: { type: 'string', title: 'Name', default: 'Ada' },
    age: { type: 'integer', default: 36 },
    member: { type: 'boolean', default: true },
    colour: { type: 'string', enum: ['red', 'green'], default: 'green' },
  },
  required: ['name'],
};

// Two rounds: the second is answered with the state of the first.
async function greet({ greeting }, ctx) {
  const guest = acceptedContent(ctx.mcpReq.inputResponses, 'guest');
  if (guest) return structured({ greeting, guest, state: ctx.mcpReq.requestState() ?? null });
  if (ctx.mcpReq.inputResponses?.guest) return text('no guest');
  return inputRequired({
    inputRequests: { guest: inputRequired.elicit({ message: 'Who is there?', requestedSchema: guestSchema }) },
    requestState: 'round 1: "é" \\ =',
  });
}

// Asks for nothing but to come again.
async function patience(_, ctx) {
  const rounds = Number(ctx.mcpReq.requestState() ?? 0);
  return rounds >= 2 ? text(`after ${rounds} rounds`) : inputRequired({ requestState: String(rounds + 1) });
}

function addTools(server, changed) {
  const tool = (name, description, inputSchema, run, more = {}) =>
    server.registerTool(name, { description, inputSchema, ...more }, run);
  tool('echo', 'Answers what it was given', object({ text: { type: 'string' } }, ['text']),
       async ({ text: words }) => structured({ text: words }),
       { title: 'Echo', outputSchema: object({ text: { type: 'string' } }, ['text']), annotations: { readOnlyHint: true } });
  tool('grow', 'Adds a tool with this name to the list', object({ name: { type: 'string' } }, ['name']), async ({ name }) => {
    if (!grown.includes(name)) {
      grown.push(name);
      addGrown(server, name);
      changed();
    }
    return text(`there is ${name} now`);
  });
  tool('count', 'Reports progress', object({ steps: { type: 'integer', default: 3 } }), count);
  tool('slow', 'Takes its time, unless cancelled', object({ ms: { type: 'integer', default: 60000 } }), slow);
  tool('report', 'Says what became of the slow calls', object({}), async () => structured({ ...seen }));
  tool('fail', 'Always fails', object({}), async () => ({ ...text('this tool is out of order'), isError: true }));
  tool('greet', 'Asks who is there', object({ greeting: { type: 'string', default: 'Hello' } }), greet);
  tool('patience', 'Wants to be called three times', object({}), patience);
  tool('routed', 'Wants headers', object({
    region: { type: 'string', 'x-mcp-header': 'Region' },
    shard: { type: 'integer', 'x-mcp-header': 'Shard' },
    dry: { type: 'boolean', 'x-mcp-header': 'Dry-Run' },
    where: { type: 'object', properties: { city: { type: 'string', 'x-mcp-header': 'City' } } },
    note: { type: 'string' },
  }), async args => structured(args));
}

function addTheRest(server) {
  server.registerResource('motd', 'text://motd', { mimeType: 'text/plain', cacheHint: { ttlMs: 1000, cacheScope: 'public' } },
                          async uri => ({ contents: [{ uri: uri.href, mimeType: 'text/plain', text: 'Be kind.' }] }));
  server.registerPrompt('review', { description: 'A prompt with one argument', argsSchema: object({ code: { type: 'string' } }, ['code']) },
                        ({ code }) => ({ messages: [{ role: 'user', content: { type: 'text', text: `Review: ${code}` } }] }));
}

function makeServer(changed) {
  const server = new McpServer({ name: 'modern', title: 'Modern test server', version: '1.2.3' }, {
    instructions: 'Call anything.',
    capabilities: { tools: { listChanged: true } },
    cacheHints: { 'tools/list': { ttlMs: 60000, cacheScope: 'public' }, 'server/discover': { ttlMs: 5000, cacheScope: 'public' } },
  });
  addTools(server, changed);
  addTheRest(server);
  for (const name of grown) addGrown(server, name);
  return server;
}

function serveHttp(legacy) {
  const handler = createMcpHandler(() => makeServer(() => handler.notify.toolsChanged()), { legacy });
  const answer = toNodeHandler(handler);
  const hostIsGood = localhostHostValidation();
  const originIsGood = localhostOriginValidation();
  const http = createServer((request, response) => {
    if (!hostIsGood(request, response) || !originIsGood(request, response)) return;
    if (new URL(request.url, 'http://localhost').pathname !== '/mcp') {
      response.writeHead(404).end('nothing here');
      return;
    }
    answer(request, response);
  });
  const stop = async () => {
    await handler.close();
    http.close();
    http.closeIdleConnections();
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  http.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${http.address().port}/mcp` })));
}

function serveOverStdio(legacy) {
  // The library itself tells who listens that a tool was registered.
  const handle = serveStdio(() => makeServer(() => {}), { legacy });
  const stop = () => handle.close();
  process.once('SIGTERM', stop).once('SIGINT', stop);
}

switch (mode) {
  case 'http': serveHttp('stateless'); break;
  case 'http-modern': serveHttp('reject'); break;
  case 'stdio': serveOverStdio('serve'); break;
  case 'stdio-modern': serveOverStdio('reject'); break;
  default:
    console.error('usage: modern_server.mjs http|http-modern|stdio|stdio-modern');
    process.exit(2);
}
