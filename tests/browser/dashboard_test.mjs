// SPDX-License-Identifier: MIT
// The dashboard in Chromium, against the program and a real MCP server.
//
// usage: node dashboard_test.mjs PROGRAM NODE_MODULES
// The pictures of the README are made by screenshots.mjs.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { free_port, open_page, start_chromium, start_everything, start_service } from "./running.mjs";

const [program, node_modules] = process.argv.slice(2);
const live_ms = 60_000;
const timeout = 240_000;
let browser;

const status_of = (page, server) => row_of(page, server).locator(".status .badge, .badge.status");
const row_of = (page, server) =>
  page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: server, exact: true }) });

async function becomes(page, server, status, ms = live_ms) {
  await status_of(page, server).filter({ hasText: new RegExp(`^${status}$`) }).waitFor({ timeout: ms });
}

const is_live = (page) => page.locator("#live").filter({ hasText: /^Live$/ }).waitFor();

async function open_owner(page, owner) {
  const query = page.getByRole("searchbox", { name: "Find an owner" });
  await query.fill(owner);
  await query.press("Enter");
  await page.getByRole("heading", { name: `Connections of ${owner}` }).waitFor();
  await is_live(page);
}

async function connect_registered(page, server, name = server) {
  await page.getByRole("button", { name: "Connect…" }).click();
  const dialog = page.getByRole("dialog", { name: /^Connect a server/ });
  await dialog.getByRole("combobox", { name: "Known server" }).selectOption(server);
  await dialog.getByLabel("Name of the connection").fill(name);
  await dialog.getByRole("button", { name: "Connect" }).click();
  await dialog.waitFor({ state: "hidden" });
}

const no_faults = ({ faults, hosts, page }) => {
  assert.deepEqual(faults, []);
  assert.deepEqual([...hosts], [new URL(page.url()).origin], "the page asked somebody else");
};

// Presses a key until this has the focus: what people without a mouse do.
async function walk_to(page, target, key = "Tab", most = 80) {
  for (let pressed = 0; pressed < most; ++pressed) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${key} does not lead to ${target}`);
}

before(async () => { browser = await start_chromium(); });
after(() => browser?.close());

describe("with the service and server-everything", { timeout: 600_000 }, () => {
  let service, port;
  // Hooks of a suite are given no context of their own that lasts; these processes end in after().
  const ends = [];
  const suite = { after: (end) => ends.unshift(end) };

  before(async () => {
    port = await free_port();
    service = await start_service(suite, program, {
      servers: { everything: `http://127.0.0.1:${port}/mcp`, nobody: `http://127.0.0.1:${await free_port()}/mcp` } });
    await start_everything(suite, node_modules, port);
  });
  after(async () => { for (const end of ends) await end(); });

  test("a connection is followed while its server comes and goes", { timeout }, async (t) => {
    const own_port = await free_port();
    const own = await start_service(t, program, { servers: { everything: `http://127.0.0.1:${own_port}/mcp` } });
    let server = await start_everything(t, node_modules, own_port);
    const opened = await open_page(t, browser, own.url), { page } = opened;
    await open_owner(page, "user:live");
    await page.getByText("No connections. Connect a server to begin.").waitFor();

    await connect_registered(page, "everything");
    await becomes(page, "everything", "Connected");
    await page.locator("#announcer").filter({ hasText: "everything is connected" }).waitFor();

    await server.stop("SIGKILL");
    await becomes(page, "everything", "(Failed|Connecting)");
    await row_of(page, "everything").locator(".why").filter({ hasText: /\S/ }).waitFor();
    await becomes(page, "everything", "Failed");
    await row_of(page, "everything").getByText(/next try/).waitFor();
    const [record] = await own.api("GET", "/v1/users/live/connections");
    assert.equal(record.status, "FAILED");
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
    const opened = await open_page(t, browser, service.url), { page } = opened;
    await open_owner(page, "user:tools");
    await connect_registered(page, "everything");
    await connect_registered(page, "everything", "second");
    await becomes(page, "everything", "Connected");
    await becomes(page, "second", "Connected");

    const tools = await service.api("GET", "/v1/users/tools/connections/everything/tools");
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
    assert.equal((await service.api("GET", "/v1/users/tools/connections/everything")).status, "DISCONNECTED");
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
    await becomes(page, "everything", "Disconnected");
    await becomes(page, "second", "Disconnected");
    assert.ok(await clear.isDisabled());
    no_faults(opened);
  });

  test("changes by others appear without asking", { timeout }, async (t) => {
    const opened = await open_page(t, browser, `${service.url}/#/${encodeURIComponent("session:9fK/ä %2F")}`), { page } = opened;
    await page.getByRole("heading", { name: "Connections of session:9fK/ä %2F" }).waitFor();
    await is_live(page);
    const path = `/v1/sessions/${encodeURIComponent("9fK/ä %2F")}/connections/${encodeURIComponent("io.github.x/y")}`;
    await service.api("PUT", `${path}/state`, { status: "FAILED", reason: "no such directory" });
    await becomes(page, "io.github.x/y", "Failed", 5000);
    await row_of(page, "io.github.x/y").getByText("no such directory").waitFor();
    await service.api("PUT", `${path}/state`, { status: "CONNECTED", tools: [{ name: "search" }] });
    await becomes(page, "io.github.x/y", "Connected", 5000);
    await page.locator("#announcer").filter({ hasText: "io.github.x/y is connected" }).waitFor();
    // The host keeps this one: there is nothing for us to retry.
    assert.equal(await page.getByRole("button", { name: /^Retry/ }).count(), 0);
    await service.api("DELETE", path);
    await becomes(page, "io.github.x/y", "Disconnected", 5000);
    no_faults(opened);
  });

  test("words of servers stay words", { timeout }, async (t) => {
    const opened = await open_page(t, browser, `${service.url}/#/user%3Amarkup`), { page } = opened;
    await is_live(page);
    const name = "<img src=x onerror=alert(1)>", text = "<script>alert(2)</script><b>bold</b>";
    const path = `/v1/users/markup/connections/${encodeURIComponent(name)}`;
    await service.api("PUT", `${path}/state`, { status: "CONNECTED", tools: [{ name: text, description: text,
                                                inputSchema: { type: "object", title: "</pre><img src=x>" } }] });
    await page.getByRole("button", { name, exact: true }).click();
    await page.getByText("Input schema").click();
    assert.equal(await page.locator(".tool-list h4 code").textContent(), text);
    assert.equal(await page.locator(".tool-list li p").textContent(), text);
    await service.api("PUT", `${path}/state`, { status: "FAILED", reason: text });
    await row_of(page, name).locator(".why").filter({ hasText: text }).waitFor();
    assert.equal(await page.locator("main img, main b, main script").count(), 0);
    no_faults(opened);
  });

  test("what is refused is said, where it was asked for", { timeout }, async (t) => {
    const opened = await open_page(t, browser, `${service.url}/#/user%3Arefused`), { page } = opened;
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

  test("by keyboard alone", { timeout }, async (t) => {
    const opened = await open_page(t, browser, service.url), { page } = opened;
    await page.getByText("Service up").waitFor();
    const keyboard = page.keyboard;
    await keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the connections");
    await walk_to(page, page.getByRole("searchbox", { name: "Find an owner" }));
    await keyboard.type("user:keys");
    await keyboard.press("Enter");
    await is_live(page);

    const connect = page.getByRole("button", { name: "Connect…" });
    await walk_to(page, connect);
    // Where the focus is must be seen.
    assert.notEqual(await connect.evaluate((element) => getComputedStyle(element).outlineStyle), "none");
    await keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Connect a server for user:keys" });
    await dialog.waitFor();
    await keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    assert.ok(await connect.evaluate((element) => element === document.activeElement), "the focus comes back");
    await keyboard.press("Enter");
    await walk_to(page, dialog.getByRole("combobox", { name: "Known server" }));
    await keyboard.type("nob");
    await walk_to(page, dialog.getByLabel("Name of the connection"));
    assert.equal(await dialog.getByLabel("Name of the connection").inputValue(), "nobody");
    await keyboard.press("Enter");
    await becomes(page, "nobody", "Failed");

    await walk_to(page, page.getByRole("button", { name: "nobody", exact: true }));
    await keyboard.press("Enter");
    await page.getByText("There is no tool list for this connection.").waitFor();
    await walk_to(page, page.getByRole("button", { name: "Retry nobody" }));
    const asked = page.waitForResponse((answer) => answer.url().endsWith("/connections/nobody/retry"));
    await keyboard.press("Enter");
    assert.equal((await asked).status(), 202);
    await becomes(page, "nobody", "Failed");

    await walk_to(page, page.getByRole("button", { name: "Disconnect nobody" }));
    await keyboard.press("Enter");
    await becomes(page, "nobody", "Disconnected");
    // The button that was pressed is gone; the focus is still in that row.
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "nobody");
    await walk_to(page, page.getByRole("button", { name: "Connect nobody" }));
    await keyboard.press("Space");
    await becomes(page, "nobody", "Failed");
    await walk_to(page, page.getByRole("button", { name: "Clear all…" }), "Shift+Tab");
    await keyboard.press("Enter");
    await page.getByRole("alertdialog").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Cancel");
    await walk_to(page, page.getByRole("alertdialog").getByRole("button", { name: "Clear all" }));
    await keyboard.press("Enter");
    await becomes(page, "nobody", "Disconnected");
    no_faults(opened);
  });

  test("landmarks, names and table semantics", { timeout }, async (t) => {
    const opened = await open_page(t, browser, `${service.url}/#/user%3Aroles`), { page } = opened;
    await is_live(page);
    await service.api("PUT", "/v1/users/roles/connections/a/state", { status: "CONNECTED", tools: [] });
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      for (const [role, name] of [["banner"], ["main"], ["navigation", "Owners"], ["search"], ["region", "Overview"],
                                  ["region", "Connections of user:roles"], ["heading", "mcpstate"],
                                  ["table", "Connections of user:roles"], ["switch", "Dark"], ["img", /connected \d+/]]) {
        await page.getByRole(role, { name }).first().waitFor();
      }
      const columns = ["Server", "Status", "Since", "Expires", "Transport", "Tools", "Actions"];
      const table = page.getByRole("table", { name: "Connections of user:roles" });
      assert.deepEqual(await table.getByRole("columnheader").allTextContents(), columns, `${width} px`);
      assert.equal(await row_of(page, "a").getByRole("cell").count(), columns.length - 1);
    }
    for (const control of await page.locator("button, input, select, a, summary, [tabindex='0']").filter({ visible: true }).all()) {
      const name = await control.evaluate((element) => element.computedName ?? element.ariaLabel ?? element.labels?.[0]?.textContent ??
                                                       document.getElementById(element.getAttribute("aria-labelledby"))?.textContent ??
                                                       element.textContent);
      assert.match(name ?? "", /\S/, await control.evaluate((element) => element.outerHTML));
    }
    // Colour is not all that tells statuses apart.
    assert.equal(await status_of(page, "a").textContent(), "Connected");
    assert.equal(await status_of(page, "a").locator("svg").getAttribute("aria-hidden"), "true");
    no_faults(opened);
  });

  test("on a phone nothing is cut off", { timeout }, async (t) => {
    const opened = await open_page(t, browser, `${service.url}/#/user%3Aphone`, { viewport: { width: 320, height: 640 }, hasTouch: true });
    const { page } = opened;
    await is_live(page);
    const long = "a-server-with-quite-a-long-name.example.organisation/and-more-of-it";
    await service.api("PUT", `/v1/users/phone/connections/${encodeURIComponent(long)}/state`,
                      { status: "FAILED", tools: [{ name: "long".repeat(30) }], reason: "https://" + "long".repeat(60) });
    await connect_registered(page, "everything");
    await becomes(page, "everything", "Connected");
    for (const name of [long, "everything"]) await page.getByRole("button", { name, exact: true }).tap();
    await page.getByText("Input schema").first().tap();
    const wide = () => page.evaluate(() => [...document.querySelectorAll("body *")].filter((element) =>
      element.checkVisibility() && !element.closest(".unseen, thead, pre, .scroll, svg, dialog:not([open])") &&
      element.getBoundingClientRect().right > 320.5 && element.getBoundingClientRect().width > 1).map((element) => element.outerHTML.slice(0, 120)));
    assert.deepEqual(await wide(), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 320);
    await page.getByRole("button", { name: "Connect…" }).tap();
    await page.getByRole("dialog").getByRole("radio", { name: "A URL" }).tap();
    assert.deepEqual(await wide(), []);
    no_faults(opened);
  });

  test("light, dark, and as chosen", { timeout }, async (t) => {
    const opened = await open_page(t, browser, service.url, { colorScheme: "dark", reducedMotion: "reduce" }), { page } = opened;
    const lightness = () => page.evaluate(() => {
      const [r, g, b] = getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g).map(Number);
      return (r + g + b) / 3;
    });
    const dark = page.getByRole("switch", { name: "Dark" });
    assert.ok(await lightness() < 60);
    const is = (checked) => page.getByRole("switch", { name: "Dark", checked }).waitFor();
    await is(true);
    await page.emulateMedia({ colorScheme: "light" });
    assert.ok(await lightness() > 200);
    await is(false);
    await dark.click();
    assert.ok(await lightness() < 60);
    await page.reload();
    assert.ok(await lightness() < 60, "the choice is kept");
    await is(true);
    await page.emulateMedia({ reducedMotion: "reduce" });
    const moving = await page.evaluate(() => [...document.querySelectorAll("*")].filter((element) => {
      const style = getComputedStyle(element), knob = getComputedStyle(element, "::after");
      return style.animationName !== "none" || style.transitionDuration !== "0s" || knob.transitionDuration !== "0s";
    }).length);
    assert.equal(moving, 0);
    no_faults(opened);
  });

  // Every text on the page against what is behind it: WCAG AA, 4.5 to 1 (3 to 1 for large text).
  for (const colorScheme of ["light", "dark"]) {
    test(`contrast, ${colorScheme}`, { timeout }, async (t) => {
      const { page } = await open_page(t, browser, `${service.url}/#/user%3Acontrast`, { colorScheme });
      await is_live(page);
      for (const status of ["CONNECTED", "DISCONNECTED", "FAILED"]) {
        await service.api("PUT", `/v1/users/contrast/connections/${status}/state`, { status, reason: status === "FAILED" ? "why" : undefined });
      }
      await becomes(page, "FAILED", "Failed");
      await page.getByRole("button", { name: "FAILED", exact: true }).click();
      await page.getByRole("link", { name: /contrast/ }).waitFor();
      assert.deepEqual(await page.evaluate(low_contrast), []);
    });
  }
});

// Runs in the page.
function low_contrast() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => colour.slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest(".unseen, svg, :disabled, [aria-disabled=true], .skip")) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const [low, high] = [luminance(rgba(style.color)), luminance(behind(element))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < least) found.push(`${element.outerHTML.slice(0, 80)}: ${ratio.toFixed(2)}`);
  }
  return found;
}

test("many owners: paged, searched, walked with arrow keys", { timeout }, async (t) => {
  const service = await start_service(t, program);
  const count = 150;
  for (let i = 0; i < count; ++i) {
    await service.api("PUT", `/v1/users/person-${String(i).padStart(3, "0")}/connections/a/state`, { status: "CONNECTED", tools: [] });
  }
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
  for (let i = 0; i < 130; ++i) await service.api("PUT", `/v1/users/p${i}/connections/a/state`, { status: "DISCONNECTED" });
  const { page } = await open_page(t, browser, service.url);
  const links = page.getByRole("list", { name: "Owners" }).getByRole("link");
  await links.first().waitFor();
  const first_page = new Set(await links.locator(".who").allTextContents());
  const further = [...Array(130).keys()].map((i) => `user:p${i}`).find((name) => ![...first_page].includes(name));
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
  assert.deepEqual(opened.faults.filter((fault) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/.test(fault)), []);
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
  await give("not-the-right-token-at-all");
  await dialog.getByRole("alert").filter({ hasText: "The token in use was refused." }).waitFor();
  await give(token);
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("link", { name: /other/ }).click();
  await becomes(page, "b", "Connected");
  const kept = await page.evaluate(() => [JSON.stringify(localStorage), document.cookie, location.href, document.body.innerHTML].join());
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
