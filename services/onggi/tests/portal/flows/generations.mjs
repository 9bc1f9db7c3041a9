// Generations: the time line, live; two compared; a fork to search beside; going back.
import assert from "node:assert/strict";

export default async function (portal) {
  const { page } = portal;
  const { tenant } = await portal.signUp(page, { tenant: "Cellar" });
  await portal.fill(page, "jars", [{ id: 1, title: "Red jar" }, { id: 2, title: "Blue jar" }]);
  const generations = `/portal/t/${tenant}/i/jars/generations`;
  const newest = () => page.evaluate(async () => (await (await fetch(`/portal/api/${document.body.dataset.tenant}/indexes/jars/generations`)).json()).results[0]);
  const first = (await newest()).generation;
  await portal.go(generations);
  await page.waitForSelector(".timeline .current");
  await portal.fill(page, "jars", [{ id: 3, title: "Green jar", colour: "<b>green</b>" }]);
  // What happens elsewhere is seen.
  await page.waitForSelector('[sse-swap="newer"] .callout');
  await page.click('[sse-swap="newer"] a');
  await page.waitForFunction(() => document.querySelector(".timeline .current")?.textContent.includes("3 documents"));
  assert.match(await page.textContent(".timeline .current"), /\+1/);
  assert.match(await page.textContent(".timeline .current"), /Documents added 1 indexed/);
  const { body: change } = await portal.api(page, "PATCH", "/indexes/jars/settings", { stopWords: ["the", "<i>"] });
  for (;;) {
    const { body } = await portal.api(page, "GET", `/tasks/${change.taskUid}`);
    if (body.status === "succeeded") break;
    await new Promise((rested) => setTimeout(rested, 50));
  }
  await portal.go(generations);
  assert.match(await page.textContent(".timeline .current"), /stopWords/);
  await portal.look("generations", { budget: true });

  const last = (await newest()).generation;
  await portal.go(`${generations}/compare?a=${first}&b=${last}`);
  const main = await page.textContent("main");
  assert.match(main, /Added\s*1/);
  assert.ok(main.includes("<i>") && main.includes("colour"), main);
  await portal.look("generations-compare", { budget: true });

  // A fork answers for the generation of then.
  await page.click(`a[href*="/${first}/fork"]`);
  await portal.look("generations-fork");
  await page.fill('input[name="name"]', "jars");
  await page.click("main button.primary");
  portal.expected(/4\d\d/);
  assert.match(await page.textContent("#name-wrong"), /jars/);
  await page.fill('input[name="name"]', "jars-then");
  await page.click("main button.primary");
  await page.waitForURL(/with=jars-then/);
  await page.selectOption("#beside", "jars-then");
  await page.fill("#queries", "jar\ngreen");
  await page.click("#compare-form button");
  await page.waitForSelector("#side-by-side .asked:nth-child(2)");
  const found = await page.textContent("#side-by-side");
  assert.ok(found.includes("Green jar") && found.includes("only here") && found.includes("Nothing was found"), found);
  await portal.look("generations-results", { reload: false });

  // Going back says what will happen, and can be undone.
  await portal.go(`${generations}/${first}/rollback`);
  assert.match(await page.textContent("main"), /2 documents of then, instead of the 3 of now/);
  await portal.look("generations-rollback");
  await page.click("main button.primary");
  await page.waitForSelector(".toast.good");
  for (;;) {
    const { documents, cause } = await newest();
    if (documents === 2 && cause.kind === "rollback") break;
    await new Promise((rested) => setTimeout(rested, 50));
  }
  // It is served as soon as a searcher has it.
  const current = async () => {
    await portal.go(generations);
    return page.textContent(".timeline .current");
  };
  await portal.until(current, (text) => text.includes(`Went back to generation ${first}`));
  await portal.go(`${generations}/compare?a=${last}`);
  assert.match(await page.textContent("main"), /not known here/);
  assert.equal((await page.goto(`${generations}/9999/rollback`)).status(), 404);
}
