// SPDX-License-Identifier: MIT
// Totals, their course, and the instances of the service: asked for every few seconds while somebody looks.
import { api } from "./api.js";
import { by_id, element, set_text } from "./dom.js";
import { bytes_text } from "./time.js";
import { status_chart } from "./chart.js";

const totals = [["users", "Users"], ["sessions", "Sessions"], ["connected", "Connected"], ["disconnected", "Disconnected"],
                ["failed", "Failed"], ["tools_bytes", "Tools stored"]];

export class overview {
  #chart = new status_chart();
  #values = {};

  constructor() {
    by_id("totals").replaceChildren(...totals.map(([name, label]) => {
      this.#values[name] = element("dd", {}, "–");
      return element("div", { class: name }, element("dt", {}, label), this.#values[name]);
    }));
  }

  // Throws what the API refused. Answers whether the figures are others than before.
  async refresh() {
    const stats = await api.stats();
    by_id("overview").hidden = false;
    const before = by_id("totals").textContent;
    for (const [name] of totals) {
      set_text(this.#values[name], name === "tools_bytes" ? bytes_text(stats[name]) : String(stats[name]));
    }
    this.#chart.add(stats);
    return before !== by_id("totals").textContent;
  }

  async refresh_instances() {
    const { instances, self } = await api.instances();
    set_text(by_id("fleet-count"), String(instances.length));
    by_id("instances").replaceChildren(...instances.map(({ name, address, kept }) =>
      element("tr", {}, element("th", { scope: "row" }, name === self ? `${name} (this one)` : name),
              element("td", {}, address || "–"),
              element("td", {}, `${kept} ${kept === 1 ? "connection" : "connections"}`))));
  }

  hide() {
    by_id("overview").hidden = true;
  }
}
