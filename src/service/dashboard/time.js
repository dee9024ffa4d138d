// SPDX-License-Identifier: MIT
// Times as people read them: relative to now, by the service's clock; exact on demand.
import { element, set_text } from "./dom.js";

let ahead = 0;  // of the service's clock before this one, in ms

// A Date header is precise to a second: less than two is no difference.
export function learn_clock(date_header) {
  const theirs = Date.parse(date_header ?? "");
  if (!Number.isNaN(theirs)) ahead = Math.abs(theirs - Date.now()) < 2000 ? 0 : theirs - Date.now();
}

const steps = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

export function distance(ms) {
  const seconds = Math.round(Math.abs(ms) / 1000);
  const [size, unit] = steps.find(([size]) => seconds >= size * (size > 1 ? 2 : 1)) ?? steps[3];
  return `${Math.round(seconds / size)} ${unit}`;
}

function relative(at) {
  const left = at - (Date.now() + ahead);
  if (Math.abs(left) < 1000) return "now";
  return left > 0 ? `in ${distance(left)}` : `${distance(left)} ago`;
}

const shown = new Set();

// <time> that goes on saying how long ago, or in how long, that is. Its title is the exact time.
export function time_element(iso) {
  const at = Date.parse(iso ?? "");
  if (Number.isNaN(at)) return element("span", { class: "none" }, iso ?? "–");
  const made = element("time", { datetime: iso, title: `${new Date(at).toLocaleString()} (${iso})` }, relative(at));
  shown.add({ element: new WeakRef(made), at });
  return made;
}

export function start_clock() {
  setInterval(() => {
    for (const entry of shown) {
      const target = entry.element.deref();
      if (!target) shown.delete(entry);
      else if (target.isConnected) set_text(target, relative(entry.at));
    }
  }, 1000);
}

export function bytes_text(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const power = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toPrecision(3)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}
