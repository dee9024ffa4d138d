// SPDX-License-Identifier: MIT
// The connections of one owner, live. The event stream is what counts; answers to what was done here only come in earlier.
import { api } from "./api.js";
import { announce, by_id, set_text } from "./dom.js";
import { ask_to_confirm, open_connect_dialog } from "./dialogs.js";
import { connection_row, endpoint_of, key_of, status_words } from "./connection_row.js";
import { follow } from "./sse.js";

const live_words = { opening: "Connecting…", open: "Live", waiting: "Reconnecting…", paused: "Paused",
                     stale: "Store out of reach", refused: "Not live" };
const hidden_pause_ms = 30_000;  // browsers open six connections to a service, all tabs together

export class connections_view {
  #owner;
  #following;   // AbortController of the stream
  #rows = new Map();
  #snapshot;    // names seen since the stream began to say everything; absent: it says what changes
  #complete = false;

  constructor() {
    by_id("connect").addEventListener("click", () => open_connect_dialog(this.#owner, (record) => this.#apply(record)));
    by_id("clear").addEventListener("click", () => this.#clear());
    let timer;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => this.#pause(), hidden_pause_ms);
      else if (this.#owner && !this.#following) this.#follow();
    });
  }

  get owner() {
    return this.#owner;
  }

  show(owner) {
    this.leave();
    this.#owner = owner;
    set_text(by_id("connections-title"), `Connections of ${owner.text}`);
    by_id("owner-actions").hidden = false;
    this.#show_emptiness();
    this.#follow();
  }

  leave() {
    this.#pause();
    this.#owner = undefined;
    this.#rows.clear();
    this.#complete = false;
    by_id("rows").replaceChildren();
    by_id("owner-actions").hidden = true;
    by_id("live").hidden = true;
    set_text(by_id("connections-title"), "Connections");
    this.#notice("");
    this.#show_emptiness();
  }

  #pause() {
    this.#following?.abort();
    this.#following = undefined;
    this.#live("paused");
  }

  #follow() {
    const owner = this.#owner;
    this.#following = new AbortController();
    follow((signal) => api.events(owner, signal), {
      event: (event) => this.#on_event(event),
      state: (state) => {
        if (state === "open") this.#snapshot = new Set();
        this.#live(state);
      },
      refused: (error) => {
        this.#following = undefined;
        this.#live("refused");
        this.#notice(error.status === 403 ? "Your token is not for this owner." : error.message);
      },
    }, this.#following.signal);
  }

  #live(state) {
    by_id("live").hidden = false;
    by_id("live").dataset.state = state;
    set_text(by_id("live"), live_words[state]);
  }

  #on_event({ name, data }) {
    let said;
    try {
      said = JSON.parse(data);
    } catch {
      return;
    }
    if (name === "connection") this.#apply(said, true);
    else if (name === "removed") this.#remove(key_of(said), true);
    else if (name === "resync") this.#snapshot = new Set();
    else if (name === "unavailable") {
      this.#live("stale");
      this.#notice(`The store cannot be reached; what you see may be old. ${said.message ?? ""}`);
    } else if (name === "ready") this.#ready();
  }

  #ready() {
    if (this.#snapshot) {
      const gone = [...this.#rows.keys()].filter((key) => !this.#snapshot.has(key));
      for (const key of gone) this.#remove(key, this.#complete);
    }
    this.#snapshot = undefined;
    this.#complete = true;
    if (this.#following) this.#live("open");
    this.#notice("");
    this.#show_emptiness();
  }

  // In order of time: what is older than what is shown is an answer that was overtaken, or an event that an answer overtook.
  #apply(record, streamed = false) {
    const key = key_of(record);
    if (streamed) this.#snapshot?.add(key);
    let row = this.#rows.get(key);
    const old = row?.record;
    if (old && !(streamed && this.#snapshot) && record.revision < old.revision && record.revision !== 0) return;
    if (!row) row = this.#add(key, record.server);
    row.update(record);
    this.#tell(row, old);
    this.#show_emptiness();
  }

  // A server that stays away is tried again and again: that is no news, until it is there or fails for another reason.
  #tell(row, old) {
    const { status, error, server } = row.record;
    if (status === "CONNECTING" && old && old.status !== "DISCONNECTED") return;
    const why = (status === "FAILED" || status === undefined) && error ? `: ${error.message}` : "";
    const said = `${server} is ${status_words(status).toLowerCase()}${why}`;
    if (this.#complete && said !== row.said) announce(said);
    row.said = said;
  }

  #add(key, server) {
    const row = new connection_row(this.#owner, server, (action, of) => this.#act(action, of));
    const next = [...this.#rows.keys()].filter((name) => name > key).sort()[0];
    this.#rows.set(key, row);
    const before = next === undefined ? null : this.#rows.get(next).row;
    for (const part of row.elements) by_id("rows").insertBefore(part, before);
    return row;
  }

  #remove(key, tell) {
    const row = this.#rows.get(key);
    if (!row) return;
    const focused = row.elements.some((part) => part.contains(document.activeElement));
    for (const part of row.elements) part.remove();
    this.#rows.delete(key);
    if (focused) by_id("connections-title").focus();
    if (tell) announce(`${row.server} is gone`);
    this.#show_emptiness();
  }

  #show_emptiness() {
    const any = this.#rows.size > 0;
    by_id("connections").hidden = !any;
    by_id("empty").hidden = any;
    by_id("clear").disabled = !any;
    if (!this.#owner) set_text(by_id("empty"), "Choose an owner to see its connections.");
    else set_text(by_id("empty"), this.#complete ? "No connections. Connect a server to begin." : "Loading…");
  }

  #notice(text) {
    set_text(by_id("notice"), text);
  }

  async #act(action, row) {
    if (row.waiting_for) return;
    const owner = this.#owner;
    row.waiting_for = action;
    row.show_actions();
    this.#notice("");
    try {
      if (action === "disconnect") await api.disconnect(owner, row.server);
      else {
        const record = await (action === "retry" ? api.retry(owner, row.server)
                                                 : api.connect(owner, row.server, endpoint_of(row.record)));
        if (owner === this.#owner) this.#apply(record);
      }
    } catch (error) {
      if (owner === this.#owner) this.#notice(`${row.server}: ${error.message}`);
    } finally {
      row.waiting_for = undefined;
      row.show_actions();
    }
  }

  #clear() {
    const owner = this.#owner;
    const all = [...this.#rows.keys()];
    const names = all.length > 5 ? `${all.slice(0, 5).join(", ")} and ${all.length - 5} more` : all.join(", ");
    ask_to_confirm({
      title: `Clear all connections of ${owner.text}?`,
      text: `This disconnects ${names}, and leaves no trace of them.`,
      yes: "Clear all",
      act: () => api.clear(owner),
    });
  }
}
