// A page of InstantSearch with the official adapter in Chromium: a visitor types, refines a facet, and pages. Takes ONGGI_URL, ONGGI_KEY (a root key),
// DOCUMENTS (an NDJSON file) and, to look at the page, SCREENSHOTS (a directory).
import assert from "node:assert/strict";
import { createReadStream, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Meilisearch } from "meilisearch";
import { chromium } from "playwright-core";

const { ONGGI_URL: host, ONGGI_KEY: apiKey, DOCUMENTS, SCREENSHOTS } = process.env;
const documents = readFileSync(DOCUMENTS, "utf8").trimEnd().split("\n").slice(0, 4000).map((line) => JSON.parse(line));
const client = new Meilisearch({ host, apiKey });
const done = async (promise) => assert.equal((await promise.waitTask({ timeout: 60_000, interval: 20 })).status, "succeeded");
await done(client.createIndex("packages", { primaryKey: "id" }));
await done(client.index("packages").updateSettings({ searchableAttributes: ["title"], filterableAttributes: ["section"] }));
await done(client.index("packages").addDocuments(documents));
const { key } = await client.createKey({ actions: ["search"], indexes: ["packages"], expiresAt: null });

// The page and the packages, from an origin of their own.
const types = { html: "text/html", js: "text/javascript", json: "application/json" };
const server = createServer((request, response) => {
  const path = request.url === "/" ? "/page.html" : request.url;
  response.setHeader("content-type", types[path.split(".").at(-1)] ?? "text/plain");
  if (path === "/config.json") return response.end(JSON.stringify({ url: host, key }));
  createReadStream(`.${path}`).on("error", () => response.writeHead(404).end()).pipe(response);
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  const page = await browser.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  const look = async (name) => SCREENSHOTS && (await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true }));
  const hits = () => page.$$eval("#hits article", (all) => all.map(({ dataset, innerHTML }) => ({ ...dataset, html: innerHTML })));
  const total = async () => Number((await page.textContent("#stats")).replace(/[^0-9]*([0-9,]+) results.*/s, "$1").replace(",", ""));
  // Waits until the page shows what `wanted` holds of.
  const until = async (what, wanted) => {
    for (const deadline = Date.now() + 30_000; ; ) {
      if (await wanted().catch(() => false)) return;
      assert.ok(Date.now() < deadline, `${what}: ${await page.textContent("body")} ${problems}`);
      await page.waitForTimeout(20);
    }
  };

  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await until("everything at first", async () => (await hits()).length === 5);
  await look("start");

  await page.locator("#box input[type=search]").pressSequentially("game");
  await until("what was typed", async () => (await hits()).length === 5 && (await hits()).every(({ html }) => /<mark[^>]*>[Gg]ame/.test(html)));
  const found = await total();
  assert.ok(found > 5 && found < 1000, String(found));
  await look("typed");

  const section = page.locator("#sections label", { hasText: "games" });
  const count = Number(await section.locator(".ais-RefinementList-count").textContent());
  assert.ok(count > 5 && count < found, String(count));
  await section.locator("input").check();
  await until("what was refined", async () => (await total()) === count && (await hits()).every(({ section }) => section === "games"));
  assert.equal(await page.locator("#sections input:checked").count(), 1);
  const first = await hits();
  await look("refined");

  await page.locator("#pages a", { hasText: /^2$/ }).click();
  await until("the second page", async () => (await hits())[0].id !== first[0].id);
  const second = await hits();
  assert.ok(second.every(({ id, section }) => section === "games" && !first.some((hit) => hit.id === id)));
  assert.equal(await total(), count);
  await look("paged");
  assert.deepEqual(problems, []);

  // The page to try the API works without anything from elsewhere.
  const elsewhere = [];
  page.on("request", (request) => request.url().startsWith(host) || request.url().startsWith("data:") || elsewhere.push(request.url()));
  await page.goto(`${host}/docs`);
  await page.locator("#operations-Search-postMultiSearch").waitFor();
  await page.locator("#operations-Service-getHealth").click();
  await page.locator("#operations-Service-getHealth .execute").click();
  await page.locator("#operations-Service-getHealth .live-responses-table", { hasText: "available" }).waitFor();
  await look("docs");
  assert.deepEqual([elsewhere, problems], [[], []]);
} finally {
  await browser.close();
  server.close();
}
console.log("ok");
