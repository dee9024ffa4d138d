// SPDX-License-Identifier: MIT
// The page: which owner is open (in the address, after '#'), what the token allows, and when to ask again.
import { owner_of_token, parse_owner, token } from "./api.js";
import { ask_for_token, prepare_dialogs } from "./dialogs.js";
import { by_id, set_text } from "./dom.js";
import { connections_view } from "./connections.js";
import { overview } from "./overview.js";
import { owner_address, owners_view } from "./owners.js";
import { start_clock } from "./time.js";

// A slow service is polled less often (a poll takes a twentieth of the time), but often enough that the page stays true.
const poll_ms = 4000, max_poll_ms = 10000;

const connections = new connections_view();
const owners = new owners_view();
const totals = new overview();

function owner_in_address() {
  try {
    return parse_owner(decodeURIComponent(location.hash.replace(/^#\//, "")));
  } catch {
    return undefined;
  }
}

function route() {
  const owner = owner_in_address();
  document.title = owner ? `${owner.text} · mcpstate` : "mcpstate";
  owners.select(owner);
  if (!owner) connections.leave();
  else if (owner.text !== connections.owner?.text) {
    connections.show(owner);
    // On a narrow page the connections are below the list.
    if (matchMedia("(max-width: 52rem)").matches) by_id("connections-title").focus();
  }
}

// What the service says of itself. An owner token sees its owner's connections and nothing else.
function say(state, text) {
  by_id("service").dataset.state = state;
  set_text(by_id("service"), text);
}

function show_one_owner() {
  say("open", "One owner");
  totals.hide();
  by_id("owner-list").hidden = by_id("more").hidden = true;
  const whose = owner_of_token(token.get());
  set_text(by_id("owner-note"), whose ? "Your token shows one owner." : "Your token shows one owner: write which one.");
  if (whose && !location.hash) location.hash = owner_address(whose);
}

let polls = 0, polling = 0;

// One round of questions; each round is planned when the one before is done, and slow services are asked less often.
async function poll(round) {
  const begun = performance.now();
  let again = true;
  try {
    if (!document.hidden) {
      const changed = await totals.refresh();
      if (changed || polls % 4 === 0) await owners.refresh();
      if (polls % 4 === 0) await totals.refresh_instances();
      ++polls;
      say("open", "Service up");
    }
  } catch (error) {
    if (error.status === 403) show_one_owner();
    else if (error.status === 401) say("refused", "Token wanted");
    else say("waiting", error.status ? error.message : "Service out of reach");
    again = error.status !== 403 && error.status !== 401;
  }
  const pause = Math.min(Math.max(poll_ms, 20 * (performance.now() - begun)), max_poll_ms);
  if (again && round === polling) setTimeout(poll, pause, round);
}

// From the beginning, with the token that there is now.
function begin() {
  by_id("give").hidden = true;
  by_id("forget").hidden = token.get() === "";
  by_id("owner-list").hidden = false;
  polls = 0;
  connections.leave();
  poll(++polling);
  route();
}

function prepare_theme() {
  const dark = matchMedia("(prefers-color-scheme: dark)"), chosen = document.documentElement.dataset;
  const is_dark = () => (chosen.theme ? chosen.theme === "dark" : dark.matches);
  const show = () => by_id("theme").setAttribute("aria-checked", String(is_dark()));
  by_id("theme").addEventListener("click", () => {
    chosen.theme = is_dark() ? "light" : "dark";
    try {
      localStorage.setItem("mcpstate.theme", chosen.theme);
    } catch {
      // Storage is turned off: the choice lasts as long as the page.
    }
    show();
  });
  dark.addEventListener("change", show);
  show();
}

addEventListener("hashchange", route);
addEventListener("mcpstate-token-wanted", () => {
  by_id("give").hidden = false;  // whoever closes the dialog can come back to it
  ask_for_token(begin);
});
by_id("give").addEventListener("click", () => ask_for_token(begin));
by_id("forget").addEventListener("click", () => { token.forget(); begin(); });
by_id("skip").addEventListener("click", (event) => { event.preventDefault(); by_id("main").focus(); });
prepare_theme();
prepare_dialogs();
start_clock();
begin();
