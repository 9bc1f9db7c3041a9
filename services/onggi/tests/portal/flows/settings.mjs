// Settings: forms by mouse and by keyboard, what a change costs, the analysis before and after, a look before it is saved, errors at their place, JSON.
import assert from "node:assert/strict";

export default async function (portal) {
  const { page } = portal;
  const { tenant } = await portal.signUp(page, { tenant: "Kiln" });
  const documents = Array.from({ length: 40 }, (_, id) => ({ id, title: `Red jar ${id}`, brand: id % 2 ? "Onggi" : "Kimchi", price: id, note: "옹기검색을 좋아한다" }));
  await portal.fill(page, "jars", documents);
  const settings = `/portal/t/${tenant}/i/jars/settings`;
  const saved = async () => (await portal.api(page, "GET", "/indexes/jars/settings")).body;
  await portal.go(settings);
  await page.waitForSelector("#setting-rankingRules .ordered li");
  await portal.look("settings", { budget: true });
  await page.waitForSelector("#setting-rankingRules .ordered li");
  assert.equal(await page.isVisible("#save-bar"), false, "nothing has changed");

  const card = (name) => page.locator(`#setting-${name}`);
  // An order, by keyboard and by buttons.
  await card("rankingRules").locator("li", { hasText: "typo" }).locator(".handle").focus();
  await page.keyboard.press("ArrowUp");
  await page.waitForSelector("#save-bar:not([hidden])");
  assert.deepEqual(await card("rankingRules").locator("li b").allTextContents(), ["typo", "words", "proximity", "attributeRank", "sort", "wordPosition", "exactness"]);
  assert.equal(await page.evaluate(() => document.activeElement.closest("li").querySelector("b").textContent), "typo", "the focus moves along");
  await card("rankingRules").locator("li", { hasText: "typo" }).locator(".down").click();
  await page.waitForSelector("#save-bar", { state: "hidden" });
  // And by mouse.
  await card("rankingRules").locator("li").nth(6).dragTo(card("rankingRules").locator("li").nth(0));
  assert.equal(await card("rankingRules").locator("li b").first().textContent(), "exactness");
  await card("rankingRules").locator("[data-reset]").click();
  await page.waitForSelector("#save-bar", { state: "hidden" });

  // Searchable attributes in an order: with an estimate.
  await card("searchableAttributes").locator('input[type="radio"]').nth(1).check();
  for (const name of ["title", "note"]) {
    await card("searchableAttributes").locator(".adder input").fill(name);
    await page.keyboard.press("Enter");
  }
  await page.waitForFunction(() => /1 change · rebuilds the index, about \d+ s \(an estimate\)/.test(document.querySelector("#save-summary").textContent));

  // What a dictionary does to a text, before it is saved.
  await page.fill("#analyze-text", "옹기검색을");
  await page.waitForSelector("#analyze-result .analysis");
  await card("dictionary").locator(".adder input").nth(0).fill("옹기검색");
  await card("dictionary").locator(".adder input").nth(1).fill("옹기 감색");
  await card("dictionary").locator(".adder button").click();
  assert.match(await card("dictionary").locator(".control .wrong").textContent(), /옹기검색/, "parts have to read the word");
  await card("dictionary").locator(".adder input").nth(1).fill("옹기 검색");
  await card("dictionary").locator(".adder button").click();
  assert.deepEqual(await card("dictionary").locator(".chips li > span").allTextContents(), ["옹기검색 = 옹기 + 검색"]);
  await page.waitForFunction(() => document.querySelectorAll("#analyze-result .analysis").length === 2 && document.querySelector("#analyze-result .added"));

  // Synonyms both ways, a filterable attribute with fewer uses, typos off for a word.
  await card("synonyms").locator(".adder input").nth(0).fill("jar");
  await card("synonyms").locator(".adder input").nth(1).fill("pot, crock, constructor");
  await card("synonyms").locator(".adder button").click();
  assert.equal(await card("synonyms").locator("tbody tr").count(), 4);
  await card("filterableAttributes").locator("button", { hasText: "Add an attribute" }).click();
  await card("filterableAttributes").locator('tbody input:not([type="checkbox"])').fill("brand");
  await card("filterableAttributes").locator("button", { hasText: "Add an attribute" }).click();
  await card("filterableAttributes").locator('tbody tr:last-child input:not([type="checkbox"])').fill("price");
  await card("filterableAttributes").locator('tbody tr:last-child input[type="checkbox"]').nth(2).uncheck();
  await card("typoTolerance").locator(".part").first().locator(".adder input").fill("kimchi");
  await page.keyboard.press("Enter");
  await portal.look("settings-edited", { reload: false });

  // Looked at, then saved.
  await page.click("#review");
  const diff = await page.textContent("#diff-list");
  for (const text of ["title", "옹기검색=옹기+검색", "jar: ", "brand", "disableOnWords"]) assert.ok(diff.includes(text), `${text} in ${diff}`);
  await portal.look("settings-diff", { reload: false });
  await page.click("#save");
  await page.waitForSelector(".toast.good");
  await page.waitForSelector("#save-bar", { state: "hidden" });
  const now = await saved();
  assert.deepEqual(now.searchableAttributes, ["title", "note"]);
  assert.deepEqual(now.dictionary, ["옹기검색=옹기+검색"]);
  assert.deepEqual(now.synonyms.pot.toSorted(), ["constructor", "crock", "jar"]);
  assert.deepEqual(now.filterableAttributes, ["brand", { attributePatterns: ["price"], features: { facetSearch: false, filter: { equality: true, comparison: true } } }]);
  assert.deepEqual(now.typoTolerance.disableOnWords, ["kimchi"]);

  // At once, and back to the default.
  await card("pagination").locator("input").fill("50");
  await page.waitForFunction(() => /1 change · at once/.test(document.querySelector("#save-summary").textContent));
  await page.click("#discard");
  await page.waitForSelector("#save-bar", { state: "hidden" });
  assert.equal(await card("pagination").locator("input").inputValue(), "1000");

  // What is wrong is told where it is.
  portal.expected(/400/);
  await card("typoTolerance").locator('input[type="number"]').nth(0).fill("9");
  await card("typoTolerance").locator('input[type="number"]').nth(1).fill("3");
  await page.waitForSelector("#setting-typoTolerance > .wrong:not([hidden])");
  assert.equal(await page.isDisabled("#review"), true);
  await page.click("#discard");

  // As JSON: forms and text are the same.
  const json = JSON.parse(await page.inputValue("#json"));
  await page.fill("#json", JSON.stringify({ ...json, stopWords: ["the", "<b>"] }));
  await page.waitForFunction(() => document.querySelectorAll("#setting-stopWords .chips li").length === 2);
  assert.equal(await page.locator("#setting-stopWords b").count(), 0, "words are text");
  await page.fill("#json", "{");
  await page.waitForSelector("#json-wrong:not([hidden])");
  await page.fill("#json", JSON.stringify({ ...json, stopWord: [] }));
  await page.waitForFunction(() => document.querySelector("#json-wrong").textContent.includes("stopWord"));
  await page.click("#discard");

  // Without scripts everything is there to read, and JSON is taken.
  const plain = await portal.visitor({ javaScriptEnabled: false });
  await plain.context().addCookies(await page.context().cookies());
  await portal.go(settings, plain);
  assert.match(await plain.textContent("#setting-searchableAttributes"), /title/);
  await plain.fill("#json", "{nonsense");
  await plain.click("#as-json button.primary");
  assert.equal(await plain.inputValue("#json"), "{nonsense", "what was written is not lost");
  await plain.fill("#json", JSON.stringify({ ...json, pagination: { maxTotalHits: 77 } }));
  await plain.click("#as-json button.primary");
  await plain.waitForSelector(".toast.good");
  for (;;) {
    if ((await saved()).pagination.maxTotalHits === 77) break;
    await new Promise((rested) => setTimeout(rested, 50));
  }

  // The same for programs.
  const effect = await portal.api(page, "POST", `/portal/api/tenants/${tenant}/indexes/jars/settings/effect`, { stopWords: ["the"], pagination: { maxTotalHits: 1 } });
  assert.deepEqual([effect.status, effect.body.changed, effect.body.rebuilding], [200, ["stopWords", "pagination"], ["stopWords"]]);
}
