// SPDX-License-Identifier: MIT
// How many connections there were in each status, over the last minutes. Lines differ by colour, dashes and end mark.
import { by_id, drawing, element } from "./dom.js";
import { distance } from "./time.js";

const kept_ms = 10 * 60_000;
const series = [["connected", "Connected"], ["failed", "Failed"], ["disconnected", "Disconnected"]];
const height = 120, left = 34, right = 12, top = 10, bottom = 8;

const marks = {
  connected: (x, y) => drawing("circle", { cx: x, cy: y, r: 4, class: "mark solid connected" }),
  failed: (x, y) => drawing("path", { d: `M${x - 4} ${y - 4}l8 8m0-8l-8 8`, class: "mark line failed" }),
  disconnected: (x, y) => drawing("circle", { cx: x, cy: y, r: 3.5, class: "mark line disconnected" }),
};

function legend_entry([name, label]) {
  return element("li", {}, drawing("svg", { viewBox: "0 0 28 12", class: "key", "aria-hidden": "true" },
                                   drawing("path", { d: "M1 6h20", class: `line ${name}` }), marks[name](21, 6)), label);
}

export class status_chart {
  #samples = [];
  #svg = by_id("chart");

  constructor() {
    by_id("legend").replaceChildren(...series.map(legend_entry));
    new ResizeObserver(() => this.#draw()).observe(this.#svg);
  }

  add(stats) {
    const now = Date.now();
    this.#samples.push({ at: now, ...stats });
    while (this.#samples[0].at < now - kept_ms) this.#samples.shift();
    this.#draw();
  }

  #draw() {
    const samples = this.#samples, width = this.#svg.clientWidth;
    if (samples.length === 0 || width < 80) return;
    const first = samples[0].at, last = samples.at(-1);
    const highest = Math.max(1, ...samples.flatMap((sample) => series.map(([name]) => sample[name])));
    const x = (at) => left + (last.at === first ? 1 : (at - first) / (last.at - first)) * (width - left - right);
    const y = (count) => top + (1 - count / highest) * (height - top - bottom);
    const parts = [0, highest].flatMap((count) => [
      drawing("path", { d: `M${left} ${y(count)}H${width - right}`, class: "grid" }),
      drawing("text", { x: left - 8, y: y(count) + 4, class: "scale" }, String(count))]);
    for (const [name] of [...series].reverse()) {
      const path = samples.map((sample, i) =>
        `${i ? "H" : "M"}${x(sample.at).toFixed(1)}${i ? "V" : " "}${y(sample[name]).toFixed(1)}`);
      parts.push(drawing("path", { d: path.join(""), class: `line ${name}` }), marks[name](x(last.at), y(last[name])));
    }
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#svg.replaceChildren(...parts);
    const span = last.at - first < 1000 ? "now" : `over the last ${distance(last.at - first)}`;
    by_id("chart-span").textContent = span;
    this.#svg.setAttribute("aria-label", `Line chart, ${span}: ` + series.map(([name, label]) => {
      const counts = samples.map((sample) => sample[name]);
      return `${label.toLowerCase()} ${last[name]}, between ${Math.min(...counts)} and ${Math.max(...counts)}`;
    }).join("; "));
  }
}
