// SPDX-License-Identifier: MIT
// The tools of one connection: asked for when somebody looks, and again when the list has changed.
import { api } from "./api.js";
import { element } from "./dom.js";

function schema_of(tool) {
  if (!tool.inputSchema) return null;
  const text = element("pre", { tabindex: "0" });
  return element("details", { ontoggle: () => { text.textContent ||= JSON.stringify(tool.inputSchema, null, 2); } },
                 element("summary", {}, "Input schema", element("span", { class: "unseen" }, ` of ${tool.name}`)), text);
}

function tool_item(tool) {
  const title = tool.title ?? tool.annotations?.title;
  return element("li", {}, element("h4", {}, element("code", {}, String(tool.name ?? "(no name)")),
                                   title ? element("span", { class: "hint" }, ` ${title}`) : null),
                 tool.description ? element("p", {}, String(tool.description)) : null, schema_of(tool));
}

// Where we keep the connection, the record says whether there is a list; elsewhere another program may have left one.
const knows_of_none = ({ tool_count, managed, status }) =>
  tool_count === undefined && (managed === true || status === "DISCONNECTED");

export class tool_list {
  #owner;
  #server;
  #hash;       // of the list that is shown
  #asked = 0;  // the latest question; answers to earlier ones are dropped
  #heading = element("h3", {}, "Tools");
  #body = element("div", {});

  constructor(owner, server) {
    this.#owner = owner;
    this.#server = server;
    this.element = element("section", { class: "tool-list", "aria-label": `Tools of ${server}` }, this.#heading, this.#body);
  }

  async show(record) {
    const hash = `${record.tools_hash ?? record.revision}/${record.tool_count ?? ""}`;
    if (hash === this.#hash) return;
    this.#hash = hash;
    const question = ++this.#asked;
    if (knows_of_none(record)) {
      this.#say_none();
      return;
    }
    if (!this.#body.hasChildNodes()) this.#say("Loading…");
    try {
      const tools = await api.tools(this.#owner, this.#server);
      if (question === this.#asked) this.#fill(tools);
    } catch (error) {
      if (question !== this.#asked) return;
      if (error.status === 404) return this.#say_none();
      this.#say(`The tools could not be read: ${error.message}`);
      this.#hash = undefined;
    }
  }

  #say_none() {
    this.#heading.textContent = "Tools";
    this.#say("There is no tool list for this connection.");
  }

  #say(text) {
    this.#body.replaceChildren(element("p", { class: "hint" }, text));
  }

  #fill(tools) {
    this.#heading.textContent = `Tools (${tools.length})`;
    if (tools.length === 0) this.#say("The server offers none.");
    else this.#body.replaceChildren(element("ul", {}, ...tools.map((tool) => tool_item(tool ?? {}))));
  }
}
