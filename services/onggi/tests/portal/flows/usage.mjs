// Usage and bill, by a plan whose prices make seconds cost something: charts, tables, CSV, quotas, the spending alert, the price of a selection.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const EVIL = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'>`;
const SEARCHES = 5;
/** What `usage` of main.rs has in its plan. */
const PRICES = { hour: 36, search: 0.01 };

export default async function (portal) {
  const { page } = portal;
  const { tenant } = await portal.signUp(page, { tenant: EVIL.slice(0, 80) });
  const usage = `/portal/t/${tenant}/usage`;
  const told = async (by = "index") => (await portal.api(page, "GET", `/usage?by=${by}`)).body;
  const harmless = async () => {
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator("main img, main script").count(), 0);
  };
  const amount = (text) => Number(text.replace(/[^0-9.]/g, ""));

  await portal.go(usage);
  assert.equal(await page.textContent(".empty h2"), "Nothing was used in this month");
  await harmless();
  await portal.look("usage-empty", { budget: true });

  await portal.fill(page, "jars", Array.from({ length: 8 }, (_, id) => ({ id, title: `Red jar ${id}` })));
  await portal.fill(page, "pots", [{ id: 1, title: "Red pot" }]);
  for (let at = 0; at < SEARCHES; at += 1) assert.equal((await portal.api(page, "POST", "/indexes/jars/search", { q: "red" })).status, 200);
  const complete = ({ results, quotas, totals }) => {
    const [jars, pots] = ["jars", "pots"].map((uid) => results.find(({ key }) => key === uid));
    const documents = quotas.find(({ name }) => name === "documents");
    return jars?.searches === SEARCHES && jars.documents === 8 && jars.byteHours > 0 && pots?.byteHours > 0 && pots.containerSeconds > 1 && documents.used === 9 && totals.containerSeconds > 5;
  };
  await portal.until(told, complete);

  // The overview has what matters of it.
  await portal.go(`/portal/t/${tenant}`);
  await page.waitForFunction(() => Number(document.querySelector("#per-minute").textContent) > 0);
  assert.ok(amount(await page.textContent("#month-cost")) > 0);
  await portal.look("overview-busy");

  // Charts, and the same as a table; by day and by hour.
  await portal.go(usage);
  const drawn = () =>
    page.waitForFunction(() => {
      const canvases = ["cost", "containers", "searches", "storage"].map((name) => [...document.querySelectorAll(`#chart-${name} canvas`)]);
      const inked = ([canvas]) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0);
      return canvases.every((found) => found.length === 1 && inked(found));
    });
  await drawn();
  assert.deepEqual(await page.locator("#legend-cost li").allTextContents(), ["Containers", "Storage", "Searches"]);
  assert.deepEqual(await page.locator("#legend-containers li").allTextContents(), ["small"]);
  const stats = await page.locator("dl.stats").textContent();
  for (const word of ["Cost so far", "Forecast", "Container hours", "Storage", "Searches"]) assert.ok(stats.includes(word), stats);
  assert.ok(amount(await page.locator(".stat dd").first().textContent()) > 0);
  await page.click(".as-table summary");
  const days = await page.locator(".as-table tbody tr").allTextContents();
  assert.ok(days.length >= 1 && days.every((day) => /^\d{4}-\d\d-\d\d/.test(day)), days.join());
  await page.click('[data-step="hour"]');
  await page.waitForSelector('[data-step="hour"][aria-pressed="true"]');
  await drawn();
  await page.hover("#chart-searches .u-over");
  await page.waitForSelector("#chart-searches .chart-tip:not([hidden])");
  await portal.look("usage-hours", { reload: false });
  await page.click('[data-step="day"]');
  await page.waitForSelector('[data-step="day"][aria-pressed="true"]');
  await portal.look("usage", { budget: true });

  // The bill adds up.
  const bill = page.locator("section.card.flush", { hasText: "per million" });
  const lines = await bill.locator("tbody tr").allTextContents();
  assert.equal(lines.length, 3);
  assert.match(lines[0], /Containers, small.* h€36\.00 per hour€/);
  assert.match(lines[1], /Storage.*€1,000\.00 per GiB-month/);
  assert.match(lines[2], new RegExp(`Searches${SEARCHES}€10,000\\.00 per million€0\\.05`));
  const amounts = (await bill.locator("tbody tr td:last-child").allTextContents()).map(amount);
  const total = amount(await bill.locator("tfoot b").textContent());
  // Containers go on running between the reports that the page is made of.
  assert.ok(Math.abs(amounts.reduce((sum, one) => sum + one, 0) - total) < 0.5, `${amounts} make ${total}`);
  const byIndex = page.locator("section.card.flush", { hasText: "By index" });
  assert.match(await byIndex.locator("tbody tr", { hasText: "jars" }).textContent(), new RegExp(`jars.*${SEARCHES}8€`, "s"));

  // CSV has the same figures.
  const csv = async (by) => {
    await page.click(".page-head details.menu > summary");
    const waiting = page.waitForEvent("download");
    await page.click(`.page-head .popup a[href*="by=${by}&"]`);
    const download = await waiting;
    assert.equal(download.suggestedFilename(), "usage.csv");
    const [names, ...rows] = readFileSync(await download.path(), "utf8").trim().split("\n").map((line) => line.split(","));
    await page.keyboard.press("Escape");
    return rows.map((row) => Object.fromEntries(row.map((cell, at) => [names[at], /^-?[0-9.e-]+$/.test(cell) ? Number(cell) : cell])));
  };
  const indexes = await csv("index");
  assert.deepEqual(indexes.map(({ key }) => key).toSorted(), ["jars", "pots"]);
  const jars = indexes.find(({ key }) => key === "jars");
  assert.deepEqual([jars.searches, jars.documents, jars.costSearches, jars.currency], [SEARCHES, 8, SEARCHES * PRICES.search, "EUR"]);
  for (const row of indexes) {
    assert.ok(row.containerSeconds > 1 && row.byteHours > 0, JSON.stringify(row));
    assert.ok(Math.abs(row.costContainers - (row.containerSeconds / 3600) * PRICES.hour) < 0.00001, JSON.stringify(row));
    assert.ok(Math.abs(row.costContainers + row.costStorage + row.costSearches - row.costTotal) < 0.00001, JSON.stringify(row));
  }
  assert.deepEqual((await csv("size")).map(({ key }) => key), ["small"]);
  const hours = await csv("hour");
  assert.ok(hours.every(({ key }) => /^\d{4}-\d\d-\d\dT\d\d:00:00Z$/.test(key)), JSON.stringify(hours));
  assert.equal(hours.reduce((sum, { searches }) => sum + searches, 0), SEARCHES);

  // Quotas: taken, near and full; what goes beyond is refused.
  const quota = (name) => page.locator(".quota", { hasText: name });
  assert.match(await quota("Documents, all indexes").textContent(), /Near.*9 of 10/s);
  assert.match(await quota("Indexes").first().textContent(), /Full.*2 of 2/s);
  assert.match(await quota("Replicas, all indexes").textContent(), /2 of 4/);
  assert.equal(await quota("Replicas, all indexes").locator(".badge").count(), 0);
  portal.expected(/403/);
  const third = await portal.api(page, "POST", "/indexes", { uid: "lids" });
  assert.deepEqual([third.status, third.body.code], [403, "quota_exceeded"]);
  const plan = await page.textContent("#plan");
  assert.match(plan, /kiln.*Up to 1,000 requests a second, and 2 replicas for one index.*small.*€36\.00€26,280\.00.*medium not in this plan/s);

  // The price of a selection, before it is saved.
  await portal.go(`/portal/t/${tenant}/i/jars/containers`);
  assert.match(await page.textContent("#saved-price"), /€36\.00 an hour while awake, €26280\.00 a month/);
  await page.fill("#replicas", "2");
  await page.waitForFunction(() => /€72\.00 an hour while awake, €52560\.00 a month.*at most €26280\.00 a month more/.test(document.querySelector("#draft-price").textContent));
  assert.ok(await page.isDisabled('input[name="size"][value="large"]'), "the plan has not got it");
  await page.fill("#replicas", "0");
  await page.waitForFunction(() => /only storage is paid for/.test(document.querySelector("#draft-price").textContent));

  // The alert: refused when it is wrong, with what was typed still there.
  portal.expected(/422/);
  await portal.go(usage);
  const alert = { amount: page.locator('#alert input[name="amount"]'), url: page.locator('#alert input[name="url"]'), save: () => portal.submit("#alert form button.primary") };
  assert.equal(await alert.amount.inputValue(), "");
  for (const [typed, why] of [["-1", /above 0/], ["much", /a number/], ["1e999", /a number/], [EVIL, /a number/]]) {
    await alert.amount.fill(typed);
    await alert.save();
    assert.match(await page.textContent('#alert [role="alert"]'), why);
    assert.equal(await alert.amount.inputValue(), typed);
    await harmless();
  }
  await alert.amount.fill("0.02");
  await alert.url.fill("ftp://example.com/spending");
  await alert.save();
  assert.match(await page.textContent('#alert [role="alert"]'), /http/);
  await portal.look("usage-alert-wrong", { reload: false });
  assert.equal((await portal.api(page, "GET", "/usage")).body.alert, null, "nothing was set");

  // Set: the secret is shown once, the message comes signed, and the page says that it did.
  let received;
  const message = new Promise((come) => (received = come));
  const receiver = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      response.end();
      received({ body, signature: request.headers["x-onggi-signature"] });
    });
  });
  await new Promise((listening) => receiver.listen(0, "127.0.0.1", listening));
  receiver.unref();
  const address = `http://127.0.0.1:${receiver.address().port}/"><b>x`;
  await alert.url.fill(address);
  await alert.save();
  const secret = await page.textContent("#alert-secret");
  assert.match(secret, /^[0-9a-f]{32,}$/);
  assert.equal(await alert.url.inputValue(), address);
  assert.equal(await page.locator("#alert form b").count(), 0);
  await portal.look("usage-alert-set", { reload: false });
  // Other months are chosen from here too.
  const month = await page.locator('select[name="month"] option').nth(1).getAttribute("value");
  await page.selectOption('select[name="month"]', month);
  await page.waitForURL(new RegExp(`/usage\\?month=${month}$`));
  await page.waitForSelector(".empty");
  assert.ok(!(await page.textContent("dl.stats")).includes("Forecast"));
  const { body, signature } = await message;
  const [, time, signed] = signature.match(/^t=(\d+),v1=([0-9a-f]+)$/);
  assert.equal(signed, createHmac("sha256", secret).update(`${time}.${body}`).digest("hex"));
  const sent = JSON.parse(body);
  assert.deepEqual([sent.type, sent.tenant, sent.amount, sent.currency], ["spendingAlert", tenant, 0.02, "EUR"]);
  assert.ok(sent.cost >= 0.02);
  await portal.until(async () => (await told()).alert, (set) => set?.delivered === true);
  await portal.go(usage);
  assert.equal(await page.locator("#alert-secret").count(), 0);
  assert.match(await page.textContent("main > .callout.warn"), /Your spending alert: the month had cost €/);
  assert.equal(await page.textContent("#alert .badge.good"), "The last message was delivered");
  assert.equal(await alert.amount.inputValue(), "0.02");
  await portal.look("usage-alert-passed", { reload: false });

  // A viewer and a developer see it, and change nothing.
  for (const role of ["viewer", "developer"]) {
    const visitor = await portal.join(tenant, role);
    await portal.go(usage, visitor);
    await visitor.waitForSelector("#chart-cost canvas");
    assert.equal(await visitor.locator("#alert form").count(), 0);
    assert.match(await visitor.textContent("#alert"), /0\.02/);
    assert.equal((await portal.api(visitor, "PATCH", "/usage/alert", { amount: null })).status, 403);
    const status = await visitor.evaluate(async (at) => {
      const csrf = document.querySelector('meta[name="csrf"]').content;
      return (await fetch(at, { method: "POST", body: new URLSearchParams({ csrf, amount: "", url: "" }) })).status;
    }, `${usage}/alert`);
    assert.equal(status, 403);
    if (role === "viewer") await portal.look("usage-viewer", { page: visitor, reload: false });
  }

  // An index that is gone has cost something; without an amount there is no alert.
  assert.equal((await portal.api(page, "DELETE", "/indexes/pots")).status, 202);
  await portal.until(told, ({ results }) => results.some(({ key, deleted }) => key === "pots" && deleted));
  await portal.go(usage);
  assert.match(await page.locator("section.card.flush", { hasText: "By index" }).locator("tbody tr", { hasText: "pots" }).textContent(), /deleted/);
  await alert.amount.fill("");
  await alert.save();
  assert.match(await page.textContent(".toast.good"), /There is no alert now/);
  assert.equal((await told()).alert, null);
}
