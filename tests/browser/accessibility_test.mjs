// SPDX-License-Identifier: MIT
// The dashboard for those who use a keyboard, a screen reader, a small screen, dark colours or no motion.
//
// usage: node accessibility_test.mjs PROGRAM NODE_MODULES
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { becomes, connect_registered, is_live, no_faults, row_of, status_of, walk_to } from "./actions.mjs";
import { everything_for_suite, open_page, start_chromium } from "./running.mjs";

const [program, node_modules] = process.argv.slice(2);
const timeout = 240_000;
let browser;

before(async () => { browser = await start_chromium(); });
after(() => browser?.close());

describe("with the service and server-everything", { timeout: 600_000 }, () => {
  const there = everything_for_suite(program, node_modules);

  test("by keyboard alone", { timeout }, async (t) => {
    const opened = await open_page(t, browser, there.service.url), { page } = opened;
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
    await page.getByText("No connections. Connect a server to begin.").waitFor();
    no_faults(opened);
  });

  test("landmarks, names and table semantics", { timeout }, async (t) => {
    const opened = await open_page(t, browser, `${there.service.url}/#/user%3Aroles`), { page } = opened;
    await is_live(page);
    await there.service.api("PUT", "/v1/users/roles/connections/a/state", { status: "CONNECTED", tools: [] });
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
    const controls = page.locator("button, input, select, a, summary, [tabindex='0']").filter({ visible: true });
    for (const control of await controls.all()) {
      const name = await control.evaluate((element) =>
        element.ariaLabel ?? element.labels?.[0]?.textContent ?? element.ariaLabelledByElements?.[0]?.textContent ??
        element.textContent);
      assert.match(name ?? "", /\S/, await control.evaluate((element) => element.outerHTML));
    }
    await page.getByText("Instances", { exact: false }).first().click();
    const fleet = page.getByRole("table", { name: "Instances of mcpstate on this store" });
    await fleet.getByRole("rowheader", { name: /\(this one\)$/ }).waitFor();
    // Colour is not all that tells statuses apart.
    assert.equal(await status_of(page, "a").textContent(), "Connected");
    assert.equal(await status_of(page, "a").locator("svg").getAttribute("aria-hidden"), "true");
    no_faults(opened);
  });

  test("on a phone nothing is cut off", { timeout }, async (t) => {
    const phone = { viewport: { width: 320, height: 640 }, hasTouch: true };
    const opened = await open_page(t, browser, `${there.service.url}/#/user%3Aphone`, phone), { page } = opened;
    await is_live(page);
    const long = "a-server-with-quite-a-long-name.example.organisation/and-more-of-it";
    await there.service.api("PUT", `/v1/users/phone/connections/${encodeURIComponent(long)}/state`,
                      { status: "FAILED", tools: [{ name: "long".repeat(30) }], reason: "https://" + "long".repeat(60) });
    await connect_registered(page, "everything");
    await becomes(page, "everything", "Connected");
    for (const name of [long, "everything"]) await page.getByRole("button", { name, exact: true }).tap();
    await page.getByText("Input schema").first().tap();
    const wide = () => page.evaluate(() => [...document.querySelectorAll("body *")].filter((element) => {
      const { left, right, width } = element.getBoundingClientRect();
      return element.checkVisibility() && !element.closest(".unseen, thead, pre, .scroll, svg") && width > 1 &&
             (left < -0.5 || right > 320.5);
    }).map((element) => element.outerHTML.slice(0, 120)));
    assert.deepEqual(await wide(), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 320);
    await page.getByRole("button", { name: "Connect…" }).tap();
    await page.getByRole("dialog").getByRole("radio", { name: "A URL" }).tap();
    assert.deepEqual(await wide(), []);
    no_faults(opened);
  });

  test("light, dark, and as chosen", { timeout }, async (t) => {
    const opened = await open_page(t, browser, there.service.url, { colorScheme: "dark" }), { page } = opened;
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
      const { page } = await open_page(t, browser, `${there.service.url}/#/user%3Acontrast`, { colorScheme });
      await is_live(page);
      for (const status of ["CONNECTED", "DISCONNECTED", "FAILED"]) {
        const reason = status === "FAILED" ? "why" : undefined;
        await there.service.api("PUT", `/v1/users/contrast/connections/${status}/state`, { status, reason });
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
    const left_out = ".unseen, svg, :disabled, [aria-disabled=true], .skip";
    if (!own || !element.checkVisibility() || element.closest(left_out)) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const [low, high] = [luminance(rgba(style.color)), luminance(behind(element))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < least) found.push(`${element.outerHTML.slice(0, 80)}: ${ratio.toFixed(2)}`);
  }
  return found;
}
