// From nothing to the first search result, with the sample and with a file; then the overview.
import assert from "node:assert/strict";

export default async function (portal) {
  const { page } = portal;
  const began = Date.now();
  await portal.go("/portal/sign-in");
  await portal.look("sign-in", { budget: true });
  await portal.go("/portal/sign-up");
  await portal.look("sign-up", { budget: true });
  const signingUp = Date.now();
  const { tenant } = await portal.signUp(page, { tenant: "Haenam Pottery" });
  await page.click('[data-sample="en"]');
  await page.waitForSelector("#hits > li");
  const first = Date.now() - signingUp;
  assert.ok(first < 120_000, `the first result came after ${first} ms`);
  await page.fill("#query", "chess");
  await page.waitForFunction(() => document.querySelector("#hits > li mark")?.textContent.toLowerCase().startsWith("chess"));
  assert.match(await page.textContent("#found"), /results in \d+ ms/);
  for (const language of ["curl", "javascript", "swift", "kotlin"]) {
    await page.click(`[data-code="${language}"]`);
    const code = await page.textContent("#snippet-text");
    assert.ok(code.includes("chess") && code.includes(portal.url) && code.includes("packages-en"), code);
  }
  // What is copied works.
  await page.click('[data-code="curl"]');
  const key = (await page.textContent("#snippet-text")).match(/Bearer ([0-9a-f]+)/)[1];
  const answer = await fetch(`${portal.url}/indexes/packages-en/search`, { method: "POST", headers: { authorization: `Bearer ${key}`, "content-type": "application/json" }, body: JSON.stringify({ q: "chess" }) });
  assert.ok((await answer.json()).hits.length > 0);
  const refused = await fetch(`${portal.url}/indexes`, { headers: { authorization: `Bearer ${key}` } });
  assert.equal(refused.status, 403, "the key in the code may search only");
  await portal.look("start-found", { reload: false });

  // A file of one's own.
  await page.fill("#uid", "jars");
  await page.setInputFiles("#file", { name: "jars.csv", mimeType: "text/csv", buffer: Buffer.from("id,title\n1,Red jar\n2,Blue jar\n") });
  await page.waitForFunction(() => document.querySelector("#index-name").textContent === "jars");
  await page.fill("#query", "blue");
  await page.waitForFunction(() => document.querySelector("#hits > li b")?.textContent === "Blue jar");
  await page.setInputFiles("#file", { name: "bad.json", mimeType: "application/json", buffer: Buffer.from("[{") });
  portal.expected(/400/);
  await page.waitForFunction(() => /did not work/.test(document.querySelector("#stage").textContent));

  await portal.go(`/portal/t/${tenant}`);
  await page.waitForFunction(() => [...document.querySelectorAll("tbody tr")].some((row) => row.textContent.includes("packages-en") && row.textContent.includes("6,000")));
  await page.waitForFunction(() => document.querySelectorAll("tbody .badge.good").length >= 1);
  // Live: what happens elsewhere is seen without a reload.
  await portal.api(page, "POST", "/indexes/jars/sleep");
  await page.waitForFunction(() => [...document.querySelectorAll("tbody tr")].some((row) => row.textContent.includes("jars") && row.textContent.includes("Asleep")));
  await portal.look("overview", { budget: true });
  await portal.go(`/portal/t/${tenant}/start`);
  await portal.look("start", { budget: true });
  console.log(`first result after ${first} ms of ${Date.now() - began} ms in all`);
}
