// SPDX-License-Identifier: MIT
// One connection: a row of the table, and the row below it with everything that is known. Both stay the same elements while
// the record changes, so that focus, selection and what was unfolded survive.
import { element, set_text, status_icon } from "./dom.js";
import { time_element } from "./time.js";
import { tool_list } from "./tool_list.js";

const words = { CONNECTED: "Connected", CONNECTING: "Connecting", DISCONNECTED: "Disconnected", FAILED: "Failed",
                AUTH_REQUIRED: "Sign-in needed" };
export const status_words = (status) => words[status] ?? status ?? "Unknown";

const transports = { http: "HTTP", sse: "HTTP+SSE", stdio: "stdio" };

// Where a record leads, as the API wants it to connect again; undefined: it does not say.
export function endpoint_of(record) {
  if (record.registered) return { server: record.registered };
  return record.url ? { url: record.url } : undefined;
}

// Two names may look the same: one that another program wrote in its own way has a member.
export const key_of = ({ server, member }) => (member === undefined ? server : `\u0000${member}`);

export function possible_actions(record) {
  // The routes of the API lead to names as mcpstate writes them.
  if (record.member !== undefined) return { retry: false, connect: false, disconnect: false };
  const up = record.status === "CONNECTED", down = record.status === "DISCONNECTED";
  const managed = record.managed === true && !down;
  return { retry: managed && !up, connect: !up && !managed && endpoint_of(record) !== undefined, disconnect: !down };
}

let rows_made = 0;

export class connection_row {
  #cells = {};
  #buttons = {};
  #facts = element("dl", { class: "facts" });
  #tools;
  record = { revision: 0 };
  waiting_for;  // the action that runs
  said;         // what was last announced of it

  // act(action, row) does what a button says.
  constructor(owner, server, act) {
    this.server = server;
    this.#tools = new tool_list(owner, server);
    const id = `more-${++rows_made}`;
    this.name = element("button", { type: "button", class: "disclose", "aria-expanded": "false", "aria-controls": id,
                                    onclick: () => this.unfold(this.more.hidden) }, server);
    this.row = element("tr", { role: "row" }, element("th", { scope: "row", role: "rowheader" }, this.name));
    for (const name of ["Status", "Since", "Expires", "Transport", "Tools"]) {
      const kind = name === "Status" ? "state" : name.toLowerCase();
      this.#cells[name] = element("td", { role: "cell", "data-label": name, class: kind });
      this.row.append(this.#cells[name]);
    }
    for (const [action, text] of [["retry", "Retry"], ["connect", "Connect"], ["disconnect", "Disconnect"]]) {
      this.#buttons[action] = element("button", { type: "button", "aria-label": `${text} ${server}`,
                                                  onclick: () => act(action, this) }, text);
    }
    this.row.append(element("td", { role: "cell", class: "actions" },
                            element("div", { class: "tools" }, ...Object.values(this.#buttons))));
    this.more = element("tr", { role: "row", id, class: "more", hidden: true },
                        element("td", { role: "cell", colspan: "7" }, this.#facts, this.#tools.element));
  }

  get elements() {
    return [this.row, this.more];
  }

  unfold(open) {
    this.more.hidden = !open;
    this.name.setAttribute("aria-expanded", String(open));
    if (open) this.#show_more();
  }

  update(record) {
    this.record = record;
    this.row.dataset.status = record.status;
    this.#cells.Status.replaceChildren(...this.#status_parts());
    this.#cells.Since.replaceChildren(time_element(record.connected_at ?? record.status_changed_at));
    this.#cells.Expires.replaceChildren(time_element(record.expires_at));
    set_text(this.#cells.Transport, transports[record.transport] ?? record.transport ?? "–");
    set_text(this.#cells.Tools, record.tool_count === undefined ? "–" : String(record.tool_count));
    this.show_actions();
    if (!this.more.hidden) this.#show_more();
  }

  show_actions() {
    const possible = possible_actions(this.record);
    const focused = Object.keys(possible).find((action) => this.#buttons[action] === document.activeElement);
    for (const [action, button] of Object.entries(this.#buttons)) {
      button.hidden = !possible[action];
      button.setAttribute("aria-disabled", String(this.waiting_for !== undefined));
    }
    if (focused && !possible[focused]) this.name.focus();
  }

  #status_parts() {
    const { status, error, problems } = this.record;
    const parts = [element("span", { class: "badge status", "data-status": status ?? "UNKNOWN" },
                           status_icon(status), status_words(status))];
    if (error && status !== "CONNECTED") {
      parts.push(element("p", { class: "why" }, error.message || error.code));
      if (error.attempt || error.retry_at) {
        parts.push(element("p", { class: "hint" }, error.attempt ? `Attempt ${error.attempt}` : "",
                           error.attempt && error.retry_at ? ", " : "",
                           ...(error.retry_at ? ["next try ", time_element(error.retry_at)] : [])));
      }
    }
    if (problems?.length) parts.push(element("p", { class: "why" }, "The record is odd; see its details."));
    return parts;
  }

  #show_more() {
    const { record } = this, server = record.server_info ?? {};
    const facts = [
      ["URL", record.url], ["Registered as", record.registered],
      ["Server", [server.name, server.version].filter(Boolean).join(" ")],
      ["Protocol", record.protocol_version],
      ["Managed by", record.managed ? "mcpstate: it is checked and opened again" : "the host: mcpstate only keeps the record"],
      ["Connected", record.connected_at && time_element(record.connected_at)],
      ["Restarts", record.restarts && String(record.restarts)],
      ["Last connected", record.last_connected_at && time_element(record.last_connected_at)],
      ["Handshake", record.checked_at && time_element(record.checked_at)],
      ["Expires", record.expires_at && time_element(record.expires_at)],
      ["Error", record.error && `${record.error.code}: ${record.error.message}`],
      ["Failed", record.error?.at && time_element(record.error.at)],
      ["Odd", record.problems?.join("; ")],
      ["Capabilities", record.capabilities && Object.keys(record.capabilities).join(", ")],
      ["Revision", String(record.revision)],
    ];
    this.#facts.replaceChildren(...facts.filter(([, value]) => value).map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value))));
    this.#tools.show(record);
  }
}
