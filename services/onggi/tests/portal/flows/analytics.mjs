// Analytics: nothing yet and what to do then, then searches, queries in vain, clicks.
import assert from "node:assert/strict";

export default async function (portal) {
  const { page } = portal;
  const { tenant } = await portal.signUp(page, { tenant: "Market" });
  await portal.fill(page, "jars", [{ id: 1, title: "Red jar" }, { id: 2, title: "Blue jar" }]);
  const analytics = `/portal/t/${tenant}/i/jars/analytics`;
  await portal.go(analytics);
  await page.waitForSelector(".empty");
  assert.match(await page.textContent("#events-curl"), /indexes\/jars\/events/);
  await portal.look("analytics-empty", { budget: true });

  const EVIL = `<img src=x onerror="window.hacked=1">`;
  for (const q of ["jar", "jar", "jar", "red", "onggi pot", EVIL]) await portal.api(page, "POST", "/indexes/jars/search", { q });
  // Gateways hand in what they have counted now and then.
  for (;;) {
    const { body } = await portal.api(page, "GET", "/indexes/jars/analytics");
    if (body.totals.searches >= 6 && body.top.length >= 3) break;
    await new Promise((rested) => setTimeout(rested, 200));
  }
  await portal.go(analytics);
  await page.waitForSelector("#chart-searches canvas");
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  const top = page.locator("section:has(> .inset > #list-top) tbody tr");
  assert.match(await top.first().textContent(), /jar\s*3/);
  const empty = page.locator("section:has(> .inset > #list-empty) tbody");
  assert.ok((await empty.textContent()).includes("onggi pot"));
  assert.equal(await page.locator("main img").count(), 0);
  await page.click(".numbers summary");
  assert.ok((await page.locator(".numbers tbody tr").count()) >= 24, "every hour has its row");
  await portal.look("analytics", { budget: true });

  const clicked = await portal.api(page, "POST", "/indexes/jars/events", { events: [{ type: "click", query: "jar", documentId: "1", position: 1, userId: "u1" }] });
  assert.equal(clicked.status, 202);
  for (;;) {
    const { body } = await portal.api(page, "GET", "/indexes/jars/analytics");
    if (body.totals.clicks >= 1) break;
    await new Promise((rested) => setTimeout(rested, 200));
  }
  await portal.go(`${analytics}?range=week`);
  await page.waitForSelector("#chart-clicks canvas");
  assert.equal(await page.locator("#events-title").count(), 0, "who sends clicks is not told how to");
  await portal.look("analytics-clicks", { reload: false });
  await portal.go(`${analytics}?range=own&from=2020-01-01&to=2020-01-02`);
  await page.waitForSelector(".empty");
}
