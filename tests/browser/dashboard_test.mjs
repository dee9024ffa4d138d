// SPDX-License-Identifier: MIT
// The dashboard in Chromium, against the program and a real MCP server.
//
// usage: node dashboard_test.mjs PROGRAM NODE_MODULES
// The pictures of the README are made by screenshots.mjs.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { becomes, connect_registered, is_live, listen, live_ms, no_faults, open_owner, row_of,
         status_of } from "./actions.mjs";
import { everything_for_suite, free_port, open_page, start_chromium, start_everything, start_service } from "./running.mjs";

const [program, node_modules] = process.argv.slice(2);
const timeout = 240_000;
let browser;

before(async () => { browser = await start_chromium(); });
after(() => browser?.close());

describe("with the service and server-everything", { timeout: 600_000 }, () => {
  const there = everything_for_suite(program, node_modules);

  test("a connection is followed while its server comes and goes", { timeout }, async (t) => {
    const own_port = await free_port();
    const own = await start_service(t, program, { servers: { everything: `http://127.0.0.1:${own_port}/mcp` } });
    let server = await start_everything(t, node_modules, own_port);
    const opened = await open_page(t, browser, own.url), { page } = opened;
    await open_owner(page, "user:live");
    await page.getByText("No connections. Connect a server to begin.").waitFor();

    const heard = await listen(page);
    await connect_registered(page, "everything");
    await becomes(page, "everything", "Connected");
    await page.locator("#announcer").filter({ hasText: "everything is connected" }).waitFor();

    await server.stop("SIGKILL");
    await becomes(page, "everything", "(Failed|Connecting)");
    await row_of(page, "everything").locator(".why").filter({ hasText: /\S/ }).waitFor();
    await becomes(page, "everything", "Failed");
    await page.locator("#announcer").filter({ hasText: "everything is failed: " }).waitFor();
    await row_of(page, "everything").getByText(/Attempt [3-9].* next try/).waitFor({ timeout: live_ms });
    // However often it is tried, it is said once.
    assert.equal((await heard()).filter((text) => text.includes("everything is failed")).length, 1, await heard());
    const [record] = await own.api("GET", "/v1/users/live/connections");
    assert.match(record.status, /^(FAILED|CONNECTING)$/);
    const why = await row_of(page, "everything").locator(".why").textContent();
    assert.ok(why.length > 5, why);
    // The reason is in the details too, with the tools that were last seen.
    await page.getByRole("button", { name: "everything", exact: true }).click();
    await page.getByRole("definition").filter({ hasText: `${record.error.code}: ` }).waitFor();
    await page.getByRole("heading", { name: /^Tools \(\d+\)$/ }).waitFor();

    server = await start_everything(t, node_modules, own_port);
    await becomes(page, "everything", "Connected");
    assert.equal(await row_of(page, "everything").locator(".why").count(), 0);
    no_faults(opened);
  });

  test("tools, disconnecting, connecting again, clearing with confirmation", { timeout }, async (t) => {
    const opened = await open_page(t, browser, there.service.url), { page } = opened;
    await open_owner(page, "user:tools");
    await connect_registered(page, "everything");
    await connect_registered(page, "everything", "second");
    await becomes(page, "everything", "Connected");
    await becomes(page, "second", "Connected");

    const tools = await there.service.api("GET", "/v1/users/tools/connections/everything/tools");
    const disclose = page.getByRole("button", { name: "everything", exact: true });
    assert.equal(await disclose.getAttribute("aria-expanded"), "false");
    await disclose.click();
    assert.equal(await disclose.getAttribute("aria-expanded"), "true");
    const list = page.getByRole("region", { name: "Tools of everything" });
    await list.getByRole("heading", { name: `Tools (${tools.length})` }).waitFor();
    assert.deepEqual(await list.locator("h4 code").allTextContents(), tools.map((tool) => tool.name));
    await list.getByText(tools[0].description, { exact: true }).waitFor();
    const schema = list.getByRole("listitem").first();
    assert.equal(await schema.locator("pre").isVisible(), false);
    await schema.getByText("Input schema").click();
    assert.deepEqual(JSON.parse(await schema.locator("pre").filter({ hasText: "{" }).textContent()), tools[0].inputSchema);
    await page.getByRole("definition").filter({ hasText: /^2025-\d\d-\d\d$|^2026-\d\d-\d\d$/ }).waitFor();

    await page.getByRole("button", { name: "Disconnect everything" }).click();
    await becomes(page, "everything", "Disconnected");
    assert.equal((await there.service.api("GET", "/v1/users/tools/connections/everything")).status, "DISCONNECTED");
    await page.getByRole("button", { name: "Connect everything" }).click();
    await becomes(page, "everything", "Connected");

    const clear = page.getByRole("button", { name: "Clear all…" });
    await clear.click();
    const dialog = page.getByRole("alertdialog", { name: "Clear all connections of user:tools?" });
    await dialog.getByRole("button", { name: "Cancel" }).click();
    assert.equal(await status_of(page, "everything").textContent(), "Connected");
    await clear.click();
    await dialog.getByText(/everything, second/).waitFor();
    await dialog.getByRole("button", { name: "Clear all" }).click();
    await page.getByText("No connections. Connect a server to begin.").waitFor();
    assert.ok(await clear.isDisabled());
    assert.deepEqual(await there.service.api("GET", "/v1/users/tools/connections"), []);
    no_faults(opened);
  });

  test("changes by others appear without asking", { timeout }, async (t) => {
    const opened = await open_page(t, browser, `${there.service.url}/#/session%3A${encodeURIComponent("9fK/ä %2F")}`);
    const { page } = opened;
    await page.getByRole("heading", { name: "Connections of session:9fK/ä %2F" }).waitFor();
    await is_live(page);
    const path = `/v1/sessions/${encodeURIComponent("9fK/ä %2F")}/connections/${encodeURIComponent("io.github.x/y")}`;
    await there.service.api("PUT", `${path}/state`, { status: "FAILED", reason: "no such directory" });
    await becomes(page, "io.github.x/y", "Failed", 5000);
    await row_of(page, "io.github.x/y").getByText("no such directory").waitFor();
    await there.service.api("PUT", `${path}/state`, { status: "CONNECTED", tools: [{ name: "search" }] });
    await becomes(page, "io.github.x/y", "Connected", 5000);
    await page.locator("#announcer").filter({ hasText: "io.github.x/y is connected" }).waitFor();
    // The host keeps this one: there is nothing for us to retry.
    assert.equal(await page.getByRole("button", { name: /^Retry/ }).count(), 0);
    await there.service.api("DELETE", path);
    await becomes(page, "io.github.x/y", "Disconnected", 5000);
    no_faults(opened);
  });

  test("words of servers stay words", { timeout }, async (t) => {
    const opened = await open_page(t, browser, `${there.service.url}/#/user%3Amarkup`), { page } = opened;
    await is_live(page);
    const name = "<img src=x onerror=alert(1)>", text = "<script>alert(2)</script><b>bold</b>";
    const path = `/v1/users/markup/connections/${encodeURIComponent(name)}`;
    await there.service.api("PUT", `${path}/state`, { status: "CONNECTED", tools: [{ name: text, description: text,
                                                inputSchema: { type: "object", title: "</pre><img src=x>" } }] });
    await page.getByRole("button", { name, exact: true }).click();
    await page.getByText("Input schema").click();
    assert.equal(await page.locator(".tool-list h4 code").textContent(), text);
    assert.equal(await page.locator(".tool-list li p").textContent(), text);
    await there.service.api("PUT", `${path}/state`, { status: "FAILED", reason: text });
    await row_of(page, name).locator(".why").filter({ hasText: text }).waitFor();
    assert.equal(await page.locator("main img, main b, main script").count(), 0);
    no_faults(opened);
  });

  test("what is refused is said, where it was asked for", { timeout }, async (t) => {
    const opened = await open_page(t, browser, `${there.service.url}/#/user%3Arefused`), { page } = opened;
    await is_live(page);
    await page.getByRole("button", { name: "Connect…" }).click();
    const dialog = page.getByRole("dialog", { name: /^Connect a server/ });
    await dialog.getByRole("radio", { name: "A URL" }).check();
    await dialog.getByRole("textbox", { name: "URL" }).fill("http://127.0.0.1:1/mcp");
    assert.equal(await dialog.getByLabel("Name of the connection").inputValue(), "127.0.0.1");
    await dialog.getByRole("button", { name: "Connect" }).click();
    await dialog.getByRole("alert").filter({ hasText: /\S/ }).waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    assert.equal(await page.getByRole("rowheader").count(), 0);
    assert.deepEqual(opened.faults.filter((fault) => !/status of 4\d\d/.test(fault)), []);
  });

});

const person = (i) => `person-${String(i).padStart(3, "0")}`;

// More users than a store answers in one page.
async function crowd(service) {
  const count = 300;
  for (let i = 0; i < count; ++i) {
    await service.api("PUT", `/v1/users/${person(i)}/connections/a/state`, { status: "CONNECTED", tools: [] });
  }
  return count;
}

test("many owners: paged, searched, walked with arrow keys", { timeout }, async (t) => {
  const service = await start_service(t, program);
  const count = await crowd(service);
  await service.api("PUT", "/v1/sessions/needle/connections/a/state", { status: "FAILED", reason: "x" });
  const opened = await open_page(t, browser, service.url), { page } = opened;
  const list = page.getByRole("list", { name: "Owners" }), links = list.getByRole("link");
  await links.first().waitFor();
  const more = page.getByRole("button", { name: "Load more owners" });
  const on_first_page = await links.count();
  assert.ok(on_first_page < count + 1, "it comes in pages");
  await more.click();
  await page.getByText(`${count + 1} owners.`).waitFor();
  assert.equal(await links.count(), count + 1);

  const query = page.getByRole("searchbox", { name: "Find an owner" });
  await query.fill("needle");
  await page.getByText(`1 of ${count + 1} match`).waitFor();
  await query.press("Enter");
  await page.getByRole("heading", { name: "Connections of session:needle" }).waitFor();
  await becomes(page, "a", "Failed");
  assert.equal(await list.locator("[aria-current=true]").count(), 1);

  // One tab stop for all of them.
  await query.fill("person");
  await query.press("ArrowDown");
  const focused = () => page.evaluate(() => document.activeElement.getAttribute("href"));
  const at = async (i) => links.nth(i).getAttribute("href");
  assert.equal(await focused(), await at(0));
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(), await at(1));
  await page.keyboard.press("End");
  assert.equal(await focused(), await at(count - 1));
  await page.keyboard.press("Home");
  assert.equal(await focused(), await at(0));
  assert.equal(await list.locator("a[tabindex='0']").count(), 1);
  await page.keyboard.press("Enter");
  await becomes(page, "a", "Connected");

  // Somebody new is listed without asking, and the totals say so.
  await service.api("PUT", "/v1/users/person-new/connections/a/state", { status: "CONNECTED", tools: [] });
  await list.getByRole("link", { name: /person-new/ }).waitFor();
  await page.locator(".totals .users dd").filter({ hasText: new RegExp(`^${count + 1}$`) }).waitFor();
  no_faults(opened);
});

test("a search reads on until something matches", { timeout }, async (t) => {
  const service = await start_service(t, program);
  const count = await crowd(service);
  const { page } = await open_page(t, browser, service.url);
  const links = page.getByRole("list", { name: "Owners" }).getByRole("link");
  await links.first().waitFor();
  const first_page = new Set(await links.locator(".who").allTextContents());
  const further = [...Array(count).keys()].map((i) => `user:${person(i)}`).find((name) => !first_page.has(name));
  assert.ok(further, "the first page is not everything");
  await page.getByRole("searchbox", { name: "Find an owner" }).fill(further);
  await links.filter({ hasText: further }).waitFor();
});

test("the service goes away and comes back", { timeout }, async (t) => {
  const listen = `127.0.0.1:${await free_port()}`;
  let service = await start_service(t, program, { listen });
  await service.api("PUT", "/v1/users/back/connections/a/state", { status: "CONNECTED", tools: [] });
  const opened = await open_page(t, browser, `${service.url}/#/user%3Aback`), { page } = opened;
  await becomes(page, "a", "Connected");
  await service.process.stop("SIGKILL");
  await page.locator("#live").filter({ hasText: /^(Reconnecting|Connecting)…$/ }).waitFor();
  await page.getByText("Service out of reach").waitFor();
  assert.equal(await status_of(page, "a").textContent(), "Connected", "what was known stays on the page");

  service = await start_service(t, program, { listen, home: service.home });
  await service.api("PUT", "/v1/users/back/connections/b/state", { status: "FAILED", reason: "meanwhile" });
  await service.api("DELETE", "/v1/users/back/connections/a");
  await becomes(page, "b", "Failed");
  await becomes(page, "a", "Disconnected");
  await is_live(page);
  await page.getByText("Service up").waitFor();
  assert.deepEqual(opened.faults.filter((fault) => !/Failed to load resource: net::ERR_/.test(fault)), []);
});

test("tokens: asked for, kept in the tab only, and an owner token shows its owner", { timeout }, async (t) => {
  const token = "a-service-token-for-the-tests-of-the-page";
  const service = await start_service(t, program, { token });
  await service.api("PUT", "/v1/users/mine/connections/a/state", { status: "CONNECTED", tools: [{ name: "search" }] });
  await service.api("PUT", "/v1/users/other/connections/b/state", { status: "CONNECTED", tools: [] });
  const minted = await service.api("POST", "/v1/tokens", { owner: "user:mine", ttl: "1h" });
  const opened = await open_page(t, browser, service.url), { page } = opened;
  const dialog = page.getByRole("dialog", { name: "This service asks for a token" });
  const give = async (text) => {
    await dialog.getByLabel("Token").fill(text);
    await dialog.getByRole("button", { name: "Continue" }).click();
  };
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Enter token…" }).click();
  await give("not-the-right-token-at-all");
  await dialog.getByRole("alert").filter({ hasText: "The token in use was refused." }).waitFor();
  await give(token);
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await page.getByRole("button", { name: "Enter token…" }).count(), 0);
  await page.getByRole("link", { name: /other/ }).click();
  await becomes(page, "b", "Connected");
  const kept = await page.evaluate(() =>
    [JSON.stringify(localStorage), document.cookie, location.href, document.body.innerHTML].join());
  assert.ok(!kept.includes(token));
  await page.reload();
  await becomes(page, "b", "Connected");

  await page.getByRole("button", { name: "Forget token" }).click();
  await dialog.waitFor();
  assert.equal(await page.getByRole("rowheader", { name: "b" }).count(), 0);
  await page.goto(service.url);
  await dialog.waitFor();
  await give(minted.token);
  await page.getByRole("heading", { name: "Connections of user:mine" }).waitFor();
  await becomes(page, "a", "Connected");
  await page.getByRole("button", { name: "a", exact: true }).click();
  await page.getByRole("region", { name: "Tools of a" }).getByText("search").waitFor();
  assert.equal(await page.getByRole("link", { name: /other/ }).count(), 0);
  assert.equal(await page.getByRole("region", { name: "Overview" }).count(), 0);
  await open_refused(page, "user:other");
  assert.deepEqual(opened.faults.filter((fault) => !/status of 40[13]/.test(fault)), []);
});

async function open_refused(page, owner) {
  const query = page.getByRole("searchbox", { name: "Find an owner" });
  await query.fill(owner);
  await query.press("Enter");
  await page.getByRole("alert").filter({ hasText: "Your token is not for this owner." }).waitFor();
  assert.equal(await page.getByRole("rowheader").count(), 0);
}
