// SPDX-License-Identifier: MIT
// Makes the pictures of the dashboard that the README shows.
//
// usage: node screenshots.mjs PROGRAM NODE_MODULES [DIRECTORY]     (default: docs/images)
import { fileURLToPath } from "node:url";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { free_port, open_page, start_chromium, start_everything, start_service } from "./running.mjs";

const images = fileURLToPath(new URL("../../docs/images", import.meta.url));
const [program, node_modules, directory = images] = process.argv.slice(2);
const ends = [];
const run = { after: (end) => ends.unshift(end) };

async function people(service) {
  const tools = ["search_issues", "create_issue"].map((name) => ({ name, inputSchema: { type: "object" } }));
  for (const [owner, server, state] of [
    ["users/42", "github", { status: "CONNECTED", tools }],
    ["users/ada", "github", { status: "CONNECTED", tools }],
    ["users/ada", "calendar", { status: "DISCONNECTED" }],
    ["users/grace", "files", { status: "CONNECTED", tools }],
    ["sessions/9fK2mQ", "files", { status: "FAILED", reason: "no such directory" }],
    ["users/demo", "github", { status: "CONNECTED", tools }],
    ["users/demo", "calendar", { status: "FAILED", reason: "the refresh token was revoked" }],
  ]) await service.api("PUT", `/v1/${owner}/connections/${server}/state`, state);
}

async function picture(browser, service, name, options, prepare = () => {}) {
  const { page } = await open_page(run, browser, `${service.url}/#/user%3Ademo`, options);
  await page.locator("#live").filter({ hasText: /^Live$/ }).waitFor();
  await page.getByRole("link", { name: /demo/ }).waitFor();
  await prepare(page);
  return () => page.screenshot({ path: join(directory, `dashboard-${name}.png`) });
}

async function main() {
  mkdirSync(directory, { recursive: true });
  const port = await free_port();
  const servers = { everything: `http://127.0.0.1:${port}/mcp`, search: `http://127.0.0.1:${await free_port()}/mcp` };
  const service = await start_service(run, program, { servers });
  await start_everything(run, node_modules, port);
  await people(service);
  const browser = await start_chromium();
  run.after(() => browser.close());
  const pictures = [
    await picture(browser, service, "light", { viewport: { width: 1200, height: 760 }, colorScheme: "light" }),
    await picture(browser, service, "dark", { viewport: { width: 1200, height: 760 }, colorScheme: "dark" }),
    await picture(browser, service, "phone", { viewport: { width: 390, height: 844 }, colorScheme: "light" },
                  (page) => page.locator("#main").evaluate((element) => element.scrollIntoView())),
  ];
  const { page } = await open_page(run, browser, `${service.url}/#/user%3Ademo`, {});
  // A course for the chart: one after the other, as the figures are asked for.
  const figures = () => page.waitForResponse((answer) => answer.url().endsWith("/v1/stats"));
  for (const [server, owner] of [["everything", "demo"], ["search", "demo"], ["everything", "ada"], ["everything", "42"]]) {
    await figures();
    await service.api("PUT", `/v1/users/${owner}/connections/${server}`, { server });
  }
  await page.locator("[data-status=CONNECTED]").filter({ hasText: "everything" }).waitFor();
  await page.locator("[data-status=FAILED]").filter({ hasText: "search" }).waitFor();
  await figures();
  await figures();
  for (const take of pictures) await take();
}

try {
  await main();
} finally {
  for (const end of ends) await end();
}
