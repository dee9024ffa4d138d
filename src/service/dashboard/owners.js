// SPDX-License-Identifier: MIT
// The list of owners: read page by page, searched as it is typed, kept fresh, walked with the arrow keys.
import { api, parse_owner } from "./api.js";
import { by_id, element, set_text } from "./dom.js";
import { time_element } from "./time.js";

export const owner_address = (owner) => `#/${encodeURIComponent(owner.text)}`;

const pages_per_search = 20;  // in one go; a button goes on

export class owners_view {
  #owners = new Map();  // text → {data, item}
  #cursor = "";         // of the next page
  #pages = 1;           // how many are shown
  #reading = false;
  #current = "";

  constructor() {
    by_id("search").addEventListener("submit", (event) => { event.preventDefault(); this.#open_wanted(); });
    by_id("query").addEventListener("input", () => this.#search());
    by_id("query").addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") this.#focus(this.#links()[0], event);
    });
    by_id("more").addEventListener("click", () => this.#read_more());
    by_id("owner-list").addEventListener("keydown", (event) => this.#walk(event));
    by_id("owner-list").addEventListener("focusin", ({ target }) => this.#rove(target));
  }

  // Reads again what is shown. Throws what the API refused.
  async refresh() {
    if (this.#reading) return;
    this.#reading = true;
    try {
      const fresh = new Map();
      let cursor = "";
      for (let page = 0; page < this.#pages && (page === 0 || cursor); ++page) {
        const answer = await api.owners(cursor);
        for (const data of answer.owners) fresh.set(data.owner, data);
        cursor = answer.cursor ?? "";
      }
      for (const [text, { item }] of this.#owners) {
        if (fresh.has(text)) continue;
        item.remove();
        this.#owners.delete(text);
      }
      for (const data of fresh.values()) this.#put(data);
      this.#cursor = cursor;
    } finally {
      this.#reading = false;
    }
    this.#show();
  }

  select(owner) {
    this.#current = owner?.text ?? "";
    for (const [text, { link }] of this.#owners) this.#mark(link, text);
  }

  #mark(link, text) {
    if (text === this.#current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }

  #put(data) {
    const before = this.#owners.get(data.owner);
    if (before && JSON.stringify(before.data) === JSON.stringify(data)) return;
    const [kind, id] = [data.owner.split(":", 1)[0], data.owner.slice(data.owner.indexOf(":") + 1)];
    const parts = [element("span", { class: "who" }, element("span", { class: "kind" }, kind),
                           element("span", { class: "unseen" }, ":"), id),
                   element("span", { class: "hint" }, `${data.connections} of ${data.records} connected`,
                           ...(data.expires_at ? [", expires ", time_element(data.expires_at)] : []))];
    if (before) {
      before.link.replaceChildren(...parts);
      before.data = data;
      return;
    }
    const link = element("a", { href: owner_address({ text: data.owner }), tabindex: "-1" }, ...parts);
    const item = element("li", {}, link);
    this.#mark(link, data.owner);
    this.#owners.set(data.owner, { data, item, link });
    by_id("owner-list").append(item);
  }

  #query() {
    return by_id("query").value.trim();
  }

  #show() {
    const query = this.#query().toLowerCase();
    let matching = 0;
    for (const [text, { item }] of this.#owners) {
      item.hidden = !text.toLowerCase().includes(query);
      if (!item.hidden) ++matching;
    }
    by_id("more").hidden = !this.#cursor;
    set_text(by_id("more"), query ? "Search more owners" : "Load more owners");
    const all = `${this.#owners.size}${this.#cursor ? " or more" : ""}`;
    if (query) set_text(by_id("owner-note"), `${matching} of ${all} match.${this.#exact_hint()}`);
    else set_text(by_id("owner-note"), this.#owners.size ? `${all} owners.` : "Nobody is here yet.");
    this.#rove(document.activeElement);
  }

  #exact_hint() {
    const owner = parse_owner(this.#query());
    return owner && !this.#owners.has(owner.text) ? " Press Enter to open that owner." : "";
  }

  #search() {
    this.#show();
    if (this.#query() && !this.#links().length && this.#cursor) this.#read_more();
  }

  // One page, or, while something is searched for, as many as it takes to find another match.
  async #read_more() {
    if (this.#reading) return;
    this.#reading = true;
    const before = this.#links().length;
    try {
      for (let page = 0; page < pages_per_search && this.#cursor; ++page) {
        const answer = await api.owners(this.#cursor);
        for (const data of answer.owners) this.#put(data);
        this.#cursor = answer.cursor ?? "";
        ++this.#pages;
        this.#show();
        if (!this.#query() || this.#links().length > before) break;
      }
    } catch (error) {
      set_text(by_id("owner-note"), error.message);
    } finally {
      this.#reading = false;
    }
  }

  #open_wanted() {
    const query = this.#query();
    const exact = parse_owner(query);
    const found = this.#links();
    if (exact) location.hash = owner_address(exact);
    else if (query && found.length) location.hash = found[0].hash;
    else set_text(by_id("owner-note"), "Write user:ID or session:KEY to open an owner that is not listed.");
  }

  #links() {
    return [...by_id("owner-list").querySelectorAll("li:not([hidden]) > a")];
  }

  // One tab stop for the whole list: where the focus was last, else the owner that is open, else the first.
  #rove(target) {
    const links = this.#links();
    const stop = links.find((link) => link === target) ?? links.find((link) => link.tabIndex === 0) ??
                 links.find((link) => link.hasAttribute("aria-current")) ?? links[0];
    for (const { link } of this.#owners.values()) link.tabIndex = link === stop ? 0 : -1;
  }

  #walk(event) {
    const links = this.#links(), at = links.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    if (to < 0) this.#focus(by_id("query"), event);
    else this.#focus(links[to], event);
  }

  #focus(target, event) {
    event.preventDefault();
    target?.focus();
  }
}
