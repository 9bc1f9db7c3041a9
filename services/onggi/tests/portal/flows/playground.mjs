// The playground: hits as a site shows them, facets, options, reasons, code that works; documents are text, whatever they hold.
import assert from "node:assert/strict";

const EVIL = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'>`;
const DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

export default async function (portal) {
  const { page } = portal;
  const { tenant } = await portal.signUp(page, { tenant: "Market" });
  await portal.fill(page, "jars", [
    { id: 1, title: "Red jar", description: `A jar for kimchi. ${"It stands in the yard and breathes through its walls. ".repeat(4)}`, brand: "Onggi & Co", price: 120, image: DOT },
    { id: 2, title: "Blue bowl", description: "Not a jar, but it may stand beside a red one; a bowl for rice and for soup in the morning.", brand: "Other", price: 30 },
    { id: 3, title: EVIL, description: `Red ${EVIL}`, [EVIL]: EVIL, brand: EVIL, price: 7, image: "javascript:window.hacked=1" },
    ...Array.from({ length: 30 }, (_, at) => ({ id: 100 + at, title: `Lid ${at}`, brand: `Brand ${at % 25}`, price: at })),
  ]);
  const settings = { searchableAttributes: ["title", "description"], filterableAttributes: ["brand", "price"], sortableAttributes: ["price"] };
  const { body: task } = await portal.api(page, "PATCH", "/indexes/jars/settings", settings);
  for (;;) if ((await portal.api(page, "GET", `/tasks/${task.taskUid}`)).body.status === "succeeded") break;

  await portal.go(`/portal/t/${tenant}/i/jars/search`);
  await page.waitForSelector(".hit");
  const first = () => page.textContent("#hits > li:first-child b");
  await page.fill("#query", "red jar");
  await page.waitForFunction(() => document.querySelector("#hits > li:first-child b")?.textContent === "Red jar");
  assert.equal(await page.locator("#hits > li:first-child mark").first().textContent(), "Red");
  assert.equal(await page.locator("#hits > li:first-child img").getAttribute("src"), DOT);
  assert.match(await page.textContent("#found"), /results/);
  assert.match(await page.textContent("#took"), /\d+ ms.*generation \d+/);

  // Why it is first.
  await page.click("#hits > li:first-child .why summary");
  const why = await page.textContent("#hits > li:first-child .reasons");
  for (const words of ["All words of the query are there", "No typo", "Place", "Exactness"]) assert.ok(why.includes(words), why);
  assert.ok((await page.locator("#hits > li:first-child .reasons meter").count()) >= 5);
  await portal.look("search", { reload: false });

  // What documents hold is text.
  await page.fill("#query", "hacked");
  await page.waitForFunction((evil) => document.querySelector("#hits > li:first-child b")?.textContent === evil, EVIL);
  assert.equal(await page.locator("#hits script, #hits img, #facets img").count(), 0);
  assert.equal(await page.evaluate(() => window.hacked), undefined);

  // Facets: one keeps seeing what else there is.
  await page.fill("#query", "");
  await page.waitForFunction(() => document.querySelectorAll(".facet-value").length > 5);
  await page.locator(".facet-value", { hasText: "Other" }).or(page.locator('input[type="search"][data-key="search brand"]')).first().waitFor();
  await page.fill('[data-key="search brand"]', "onggi");
  await page.waitForFunction(() => document.querySelectorAll(".facet-value").length === 1);
  await page.check('[data-key="brand=Onggi & Co"]');
  await page.waitForFunction(() => document.querySelectorAll("#hits > li").length === 1);
  assert.equal(await first(), "Red jar");
  assert.ok(await page.evaluate(() => document.activeElement.dataset.key === "brand=Onggi & Co"), "the focus stays where it was");
  assert.match(await page.textContent("#snippet-text"), /brand = /);
  await page.reload();
  await page.waitForFunction(() => document.querySelectorAll("#hits > li").length === 1);
  // What is no longer chosen is one of many again: it leaves the list.
  await page.click('[data-key="brand=Onggi & Co"]');
  await page.waitForFunction(() => document.querySelectorAll("#hits > li").length > 1);
  await page.fill('[data-key="price 0"]', "100");
  await page.press('[data-key="price 0"]', "Enter");
  await page.waitForFunction(() => document.querySelectorAll("#hits > li").length === 1);
  assert.equal(await first(), "Red jar");
  await page.fill('[data-key="price 0"]', "");
  await page.press('[data-key="price 0"]', "Enter");
  await page.waitForFunction(() => document.querySelectorAll("#hits > li").length > 1);

  // A number that is being typed stays while answers come.
  await page.locator('[data-key="price 0"]').pressSequentially("5");
  await page.evaluate(() => {
    const query = document.querySelector("#query");
    query.value = "lid";
    query.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await page.waitForFunction(() => /^Lid/.test(document.querySelector("#hits > li:first-child b")?.textContent));
  assert.equal(await page.inputValue('[data-key="price 0"]'), "5");
  await page.fill('[data-key="price 0"]', "");
  await page.fill("#query", "");
  await page.waitForFunction(() => document.querySelector("#hits > li:first-child b")?.textContent === "Red jar");

  // Options, and an error where it was made.
  await page.click("#options > summary");
  await page.selectOption("#sort", "price:desc");
  await page.waitForFunction(() => document.querySelector("#hits > li:first-child b")?.textContent === "Red jar");
  portal.expected(/400/);
  await page.fill("#filter", "price <");
  await page.waitForFunction(() => document.querySelector("#filter-error").textContent.length > 0);
  await portal.look("search-options", { reload: false });
  await page.fill("#filter", "price < 10");
  await page.waitForFunction(() => document.querySelector("#filter-error").textContent === "");
  await page.fill("#filter", "");
  await page.selectOption("#per-page", "5");
  await page.click('#pager [data-step="1"]');
  await page.waitForFunction(() => /Page 2 of/.test(document.querySelector("#pager").textContent));

  // Code: what is copied works, with a key that may only search.
  await page.fill("#query", "it's $red");
  for (const language of ["curl", "javascript", "swift", "kotlin"]) {
    await page.click(`[data-code="${language}"]`);
    const code = await page.textContent("#snippet-text");
    assert.ok(code.includes("red") && code.includes(portal.url) && code.includes("price:desc"), code);
  }
  await page.fill("#query", "red");
  await page.click('[data-code="curl"]');
  const curl = await page.textContent("#snippet-text");
  const [, body] = curl.match(/-d '([\s\S]*)'$/);
  const [, key] = curl.match(/Bearer ([0-9a-f]+)/);
  const answer = await fetch(`${portal.url}/indexes/jars/search`, { method: "POST", headers: { authorization: `Bearer ${key}`, "content-type": "application/json" }, body });
  assert.equal(answer.status, 200, await answer.text());

  // It wakes an index that sleeps.
  await portal.api(page, "POST", "/indexes/jars/sleep");
  await portal.go(`/portal/t/${tenant}/i/jars/search`);
  await page.waitForSelector(".hit");
  // Nothing found says what to do next.
  await page.fill("#query", "zzzzqqqq");
  await page.waitForFunction(() => document.querySelector("#found").textContent === "Nothing was found");
  await portal.go(`/portal/t/${tenant}/i/jars/search`);
  await page.waitForSelector(".hit");
  await portal.look("search-first", { budget: true });
}
