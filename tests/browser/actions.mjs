// SPDX-License-Identifier: MIT
// What people do with the dashboard, and what they then see: found by role and name, as assistive technology does.
import assert from "node:assert/strict";

export const live_ms = 60_000;

export const status_of = (page, server) => row_of(page, server).locator(".badge.status");
export const row_of = (page, server) =>
  page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: server, exact: true }) });

export async function becomes(page, server, status, ms = live_ms) {
  await status_of(page, server).filter({ hasText: new RegExp(`^${status}$`) }).waitFor({ timeout: ms });
}

// Keeps what is said to people who listen, from now on; answers a function that tells it.
export async function listen(page) {
  await page.evaluate(() => {
    globalThis.heard = [];
    const announcer = document.getElementById("announcer");
    new MutationObserver(() => globalThis.heard.push(announcer.textContent)).observe(announcer, { childList: true });
  });
  return () => page.evaluate(() => globalThis.heard);
}

export const is_live = (page) => page.locator("#live").filter({ hasText: /^Live$/ }).waitFor();

export async function open_owner(page, owner) {
  const query = page.getByRole("searchbox", { name: "Find an owner" });
  await query.fill(owner);
  await query.press("Enter");
  await page.getByRole("heading", { name: `Connections of ${owner}` }).waitFor();
  await is_live(page);
}

export async function connect_registered(page, server, name = server) {
  await page.getByRole("button", { name: "Connect…" }).click();
  const dialog = page.getByRole("dialog", { name: /^Connect a server/ });
  await dialog.getByRole("combobox", { name: "Known server" }).selectOption(server);
  await dialog.getByLabel("Name of the connection").fill(name);
  await dialog.getByRole("button", { name: "Connect" }).click();
  await dialog.waitFor({ state: "hidden" });
}

export const no_faults = ({ faults, hosts, page }) => {
  assert.deepEqual(faults, []);
  assert.deepEqual([...hosts], [new URL(page.url()).origin], "the page asked somebody else");
};

// Presses a key until this has the focus: what people without a mouse do.
export async function walk_to(page, target, key = "Tab", most = 80) {
  for (let pressed = 0; pressed < most; ++pressed) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${key} does not lead to ${target}`);
}
