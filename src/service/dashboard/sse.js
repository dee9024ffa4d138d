// SPDX-License-Identifier: MIT
// Server-Sent Events over fetch: EventSource cannot send an Authorization header, and a token has no place in a URL.

// Text in, events out: {name, data}. As in the HTML standard, whatever the chunks are cut like.
export class sse_parser {
  #rest = "";
  #name = "";
  #data = [];

  push(text) {
    const events = [];
    this.#rest += text;
    // A carriage return at the very end may be half of a line break.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line, events);
    return events;
  }

  #line(line, events) {
    if (line === "") {
      if (this.#data.length > 0) events.push({ name: this.#name || "message", data: this.#data.join("\n") });
      this.#name = "";
      this.#data = [];
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    else if (field === "data") this.#data.push(value);
  }
}

const quiet_ms = 45_000;  // three heartbeats
const first_ms = 500, longest_ms = 15_000;

function pause(ms, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
  });
}

async function read(answer, on_event, heard) {
  const parser = new sse_parser();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    for (const event of parser.push(value)) on_event(event);
  }
}

// Follows a stream until the signal: open(signal) → response; opened again with full-jitter back-off when it ends or is
// silent for too long. on: {event, state("opening" | "open" | "waiting"), refused(error): it will not be opened again}.
export async function follow(open, on, signal) {
  let failures = 0;
  while (!signal.aborted) {
    on.state("opening");
    const silence = new AbortController();
    let timer;
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), quiet_ms);
    };
    heard();
    try {
      const answer = await open(AbortSignal.any([signal, silence.signal]));
      on.state("open");
      await read(answer, (event) => { failures = 0; on.event(event); }, heard);
    } catch (error) {
      const final = error.status >= 400 && error.status < 500 && error.status !== 408 && error.status !== 429;
      if (final && !signal.aborted) {
        on.refused(error);
        return;
      }
    } finally {
      clearTimeout(timer);
    }
    if (signal.aborted) return;
    on.state("waiting");
    await pause(Math.random() * Math.min(longest_ms, first_ms * 2 ** failures++), signal);
  }
}
