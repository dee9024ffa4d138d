// SPDX-License-Identifier: MIT
// The HTTP API of mcpstate. The token is kept for this tab, and goes nowhere but into the Authorization header.
import { learn_clock } from "./time.js";

const root = new URL(".", location.href);
const token_key = "mcpstate.token";

export const token = {
  get: () => sessionStorage.getItem(token_key) ?? "",
  set: (text) => sessionStorage.setItem(token_key, text),
  forget: () => sessionStorage.removeItem(token_key),
};

// An owner as it is written: user:42, session:9fK. Undefined for anything else.
export function parse_owner(text) {
  const found = /^(user|session):(.+)$/s.exec(text);
  return found ? { kind: found[1], id: found[2], text } : undefined;
}

// Whose an owner token is: its payload reads "KEYID EXPIRY OWNER". Undefined for service tokens, which say nothing.
export function owner_of_token(text) {
  const [mark, payload] = text.split(".");
  if (mark !== "mcps1" || !payload) return undefined;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const said = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return parse_owner(/^\S+ \S+ (.+)$/s.exec(said)?.[1] ?? "");
  } catch {
    return undefined;
  }
}

// What the service refused, in its own words (RFC 9457), or that it could not be reached (status 0).
export class refusal extends Error {
  constructor(status, body = {}) {
    super(body.detail || body.title || (status ? `The service answered ${status}.` : "The service cannot be reached."));
    this.status = status;
    this.slug = String(body.type ?? "").split(":").pop();
  }
}

// A URL of these path segments. Browsers resolve dot segments however they are written: such a name would lead elsewhere.
function address(segments, query = {}) {
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) {
    throw new refusal(400, { detail: "A browser cannot ask for this name. The command line can." });
  }
  const url = new URL(segments.map(encodeURIComponent).join("/"), root);
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
  return url;
}

export async function open(method, segments, { body, query, signal, accept = "application/json" } = {}) {
  const url = address(segments, query);
  const headers = { Accept: accept };
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(url, { method, headers, signal, cache: "no-store", credentials: "omit", redirect: "error",
                                body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    throw signal?.aborted ? error : new refusal(0);
  }
  learn_clock(answer.headers.get("Date"));
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401) dispatchEvent(new CustomEvent("mcpstate-token-wanted"));
  throw new refusal(answer.status, problem);
}

async function ask(method, segments, options) {
  return (await open(method, segments, options)).json();
}

function of(owner, ...more) {
  return ["v1", owner.kind === "user" ? "users" : "sessions", owner.id, ...more];
}

export const api = {
  owners: (cursor) => ask("GET", ["v1", "owners"], { query: { cursor, limit: "100" } }),
  stats: () => ask("GET", ["v1", "stats"]),
  servers: () => ask("GET", ["v1", "servers"]),
  instances: () => ask("GET", ["v1", "instances"]),
  events: (owner, signal) => open("GET", of(owner, "events"), { signal, accept: "text/event-stream" }),
  tools: (owner, server) => ask("GET", of(owner, "connections", server, "tools")),
  connect: (owner, server, endpoint) => ask("PUT", of(owner, "connections", server), { body: endpoint }),
  disconnect: (owner, server) => ask("DELETE", of(owner, "connections", server)),
  clear: (owner) => ask("DELETE", of(owner)),
  retry: (owner, server) => ask("POST", of(owner, "connections", server, "retry")),
};
