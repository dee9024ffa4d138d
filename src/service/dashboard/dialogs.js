// SPDX-License-Identifier: MIT
// The dialogs of index.html. Esc and Cancel close them; the browser keeps the focus inside and gives it back afterwards.
import { api, token } from "./api.js";
import { by_id, element, set_text } from "./dom.js";

const refused = (dialog, text) => set_text(dialog.querySelector(".refusal"), text);

// Opens a dialog; its form does act(), and the dialog closes once that succeeded.
function open(dialog, act) {
  if (dialog.open) return;
  const form = dialog.querySelector("form"), submit = form.querySelector("[type=submit]");
  let running = false;
  refused(dialog, "");
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (running) return;
    running = true;
    submit.setAttribute("aria-disabled", "true");
    try {
      await act();
      dialog.close();
    } catch (error) {
      refused(dialog, error.message);
    } finally {
      running = false;
      submit.removeAttribute("aria-disabled");
    }
  };
  dialog.querySelector(".cancel").onclick = () => dialog.close();
  dialog.showModal();
}

export function ask_to_confirm({ title, text, yes, act }) {
  set_text(by_id("confirm-title"), title);
  set_text(by_id("confirm-text"), text);
  set_text(by_id("confirm-yes"), yes);
  open(by_id("confirm-dialog"), act);
}

export function ask_for_token(on_token) {
  const dialog = by_id("token-dialog"), input = by_id("token");
  const had_one = token.get() !== "";
  input.value = "";
  open(dialog, async () => {
    // Header values are visible ASCII: anything else is no token, and fetch would throw.
    if (!/^[\x21-\x7e]+$/.test(input.value.trim())) throw new Error("This is no token.");
    token.set(input.value.trim());
    input.value = "";
    on_token();
  });
  if (had_one) refused(dialog, "The token in use was refused.");
}

// The connection is named after the server until somebody names it otherwise.
function follow_choice() {
  const chosen = by_id("connect-dialog").querySelector("[name=endpoint]:checked").value;
  const listed = by_id("registered").options.length > 0;
  by_id("registered-field").hidden = chosen !== "registered" || !listed;
  by_id("registered-typed-field").hidden = chosen !== "registered" || listed;
  by_id("url-field").hidden = chosen !== "url";
  by_id("url").required = chosen === "url";
  by_id("registered").required = chosen === "registered" && listed;
  by_id("registered-typed").required = chosen === "registered" && !listed;
  if (!by_id("name").dataset.typed) by_id("name").value = chosen === "url" ? name_from_url() : registered_choice();
}

const registered_choice = () => by_id("registered").value || by_id("registered-typed").value.trim();

function name_from_url() {
  try {
    return new URL(by_id("url").value).hostname;
  } catch {
    return "";
  }
}

async function list_servers() {
  try {
    const { servers } = await api.servers();
    return servers;
  } catch {
    return [];  // an owner token may not see the list: then the name is typed
  }
}

function offer(servers) {
  by_id("registered").replaceChildren(...servers.map(({ name, transport, disabled }) =>
    element("option", { value: name, disabled }, `${name} (${transport}${disabled ? ", disabled" : ""})`)));
}

export async function open_connect_dialog(owner, on_record) {
  const dialog = by_id("connect-dialog");
  dialog.querySelector("form").reset();
  delete by_id("name").dataset.typed;
  offer(await list_servers());
  set_text(by_id("connect-title"), `Connect a server for ${owner.text}`);
  open(dialog, async () => {
    const chosen = dialog.querySelector("[name=endpoint]:checked").value;
    const endpoint = chosen === "url" ? { url: by_id("url").value.trim() } : { server: registered_choice() };
    on_record(await api.connect(owner, by_id("name").value.trim(), endpoint));
  });
  follow_choice();
}

export function prepare_dialogs() {
  by_id("name").addEventListener("input", ({ target }) => {
    if (target.value) target.dataset.typed = "yes";
    else delete target.dataset.typed;
  });
  for (const id of ["registered", "registered-typed", "url"]) by_id(id).addEventListener("input", follow_choice);
  for (const radio of document.querySelectorAll("[name=endpoint]")) radio.addEventListener("change", follow_choice);
}
