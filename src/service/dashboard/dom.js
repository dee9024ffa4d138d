// SPDX-License-Identifier: MIT
// Making elements. Whatever a server said goes in as text; nothing here reads markup.

// element("a", {class: "x", href: "…", onclick: f}, "text", child, …). Absent children and attributes are left out.
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

const svg_namespace = "http://www.w3.org/2000/svg";

export function drawing(name, attributes = {}, ...children) {
  return filled(document.createElementNS(svg_namespace, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

export const by_id = (id) => document.getElementById(id);

// Sets a text only where it differs, so that selections and screen readers are left in peace.
export function set_text(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

// Statuses have a shape each, so that colour is never all there is.
const shapes = {
  CONNECTED: () => [drawing("circle", { cx: 8, cy: 8, r: 6, class: "solid" })],
  CONNECTING: () => [drawing("path", { d: "M8 2a6 6 0 1 0 6 6", class: "line turning" })],
  DISCONNECTED: () => [drawing("circle", { cx: 8, cy: 8, r: 5, class: "line" })],
  FAILED: () => [drawing("path", { d: "M3 3l10 10M13 3L3 13", class: "line" })],
  AUTH_REQUIRED: () => [drawing("path", { d: "M5 7V5a3 3 0 0 1 6 0v2", class: "line" }),
                        drawing("rect", { x: 3, y: 7, width: 10, height: 7, rx: 1.5, class: "solid" })],
};

export function status_icon(status) {
  const parts = (status === undefined ? shapes.FAILED : shapes[status] ?? shapes.DISCONNECTED)();
  return drawing("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, ...parts);
}

// Tells people who listen instead of looking. What comes within half a second is one message.
let waiting = [];
export function announce(text) {
  waiting.push(text);
  if (waiting.length > 1) return;
  setTimeout(() => {
    const said = waiting.length > 4 ? [...waiting.slice(0, 3), `and ${waiting.length - 3} more changes`] : waiting;
    by_id("announcer").textContent = said.join(". ");
    waiting = [];
  }, 500);
}
