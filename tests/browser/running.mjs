// SPDX-License-Identifier: MIT
// What the browser tests run: the service, a real MCP server, Chromium. Everything is ended with the test that started it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { chromium } from "./npm/node_modules/playwright-core/index.mjs";

export async function free_port() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "mcpstate-browser-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

// A child that runs until stop(), which every test calls at its end. said(pattern): what it printed, once that matches.
export class running {
  #said = "";
  #waiting = new Set();

  constructor(t, command, args, env) {
    this.child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    this.ended = new Promise((done) => this.child.once("close", done).once("error", done));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => this.#hear(text));
    }
    this.ended.then(() => this.#hear(""));
    t.after(() => this.stop("SIGKILL"));
  }

  #hear(text) {
    this.#said += text;
    for (const look of this.#waiting) look();
  }

  said(pattern, ms = 30_000) {
    return new Promise((done, fail) => {
      const finish = (act) => { clearTimeout(timer); this.#waiting.delete(look); act(); };
      const look = () => {
        const found = pattern.exec(this.#said);
        if (found) finish(() => done(found));
        else if (this.child.exitCode !== null) finish(() => fail(new Error(`it ended, having said: ${this.#said}`)));
      };
      const timer = setTimeout(() => finish(() => fail(new Error(`no ${pattern} in: ${this.#said}`))), ms);
      this.#waiting.add(look);
      look();
    });
  }

  async stop(signal) {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.ended;
  }
}

// server-everything over Streamable HTTP.
export async function start_everything(t, node_modules, port) {
  const program = join(node_modules, "@modelcontextprotocol/server-everything/dist/index.js");
  const server = new running(t, process.execPath, [program, "streamableHttp"], { ...process.env, PORT: String(port) });
  await server.said(/listening|running/i);
  return server;
}

// The service on its own store. servers: name → URL. Answers {url, process, api(method, path, body, token)}.
export async function start_service(t, program, { servers = {}, home = folder(t), listen = "127.0.0.1:0", token } = {}) {
  const file = join(home, "servers.json");
  const entries = Object.entries(servers).map(([name, url]) => [name, { type: "http", url }]);
  writeFileSync(file, JSON.stringify({ mcpServers: Object.fromEntries(entries) }));
  const env = { HOME: home, XDG_STATE_HOME: home, PATH: process.env.PATH, LANG: "C.UTF-8" };
  if (token) env.MCPSTATE_TOKEN = token;
  const options = ["--check", "1s", "--listen", listen, "--store", `sqlite:${join(home, "state.db")}`, "--servers", file];
  const service = new running(t, program, ["serve", ...options], env);
  const [, url] = await service.said(/(http:\/\/127\.0\.0\.1:\d+)/);
  const api = async (method, path, body, with_token = token) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    if (with_token) headers.Authorization = `Bearer ${with_token}`;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await fetch(url + path, { method, headers, body: text });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  return { url, process: service, api, home };
}

// For a suite: the service, which knows two servers, and one of them. Call it in describe(); the members are there when tests run.
export function everything_for_suite(program, node_modules) {
  const there = {};
  // Hooks of a suite are given no context of their own that lasts; these processes end in after().
  const ends = [];
  const suite = { after: (end) => ends.unshift(end) };
  before(async () => {
    there.port = await free_port();
    there.service = await start_service(suite, program, {
      servers: { everything: `http://127.0.0.1:${there.port}/mcp`, nobody: `http://127.0.0.1:${await free_port()}/mcp` } });
    await start_everything(suite, node_modules, there.port);
  });
  after(async () => { for (const end of ends) await end(); });
  return there;
}

export async function start_chromium() {
  const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
  if (!executablePath) throw new Error("Chromium is not installed (tools/bootstrap test)");
  return chromium.launch({ executablePath, args: ["--disable-gpu", "--disable-dev-shm-usage"] });
}

// A page, and what went wrong in it: script errors, refusals of the content policy, resources that could not be loaded.
export async function open_page(t, browser, url, options = {}) {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults = [], hosts = new Set();
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) faults.push(message.text()); });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => hosts.add(new URL(request.url()).origin));
  await page.goto(url);
  return { page, faults, hosts, context };
}
