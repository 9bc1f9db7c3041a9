// What people write is text wherever it is shown: names, addresses, documents, queries.
import assert from "node:assert/strict";

const EVIL = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'>`;

export default async function (portal) {
  const { page } = portal;
  const { tenant } = await portal.signUp(page, { tenant: EVIL.slice(0, 80) });
  const harmless = async (at) => assert.equal(await page.evaluate(() => window.hacked), undefined, at);
  await harmless("start");

  await portal.fill(page, "jars", [{ id: 1, title: EVIL, [EVIL]: EVIL, url: "javascript:window.hacked=1", note: "\u0001<b>\u0002" }]);
  await portal.go(`/portal/t/${tenant}/start`);
  await page.fill("#query", "hacked");
  await page.waitForSelector("#hits > li");
  await harmless("hits");
  assert.equal(await page.locator("#hits img, #hits script").count(), 0);
  await page.fill("#query", `${EVIL}'; rm -rf / #`);
  await page.waitForFunction(() => document.querySelector("#snippet-text").textContent.includes("rm -rf"));
  await harmless("query");

  await portal.go("/portal/account");
  await page.fill('input[name="name"]', EVIL.slice(0, 80));
  await page.click('form[action$="/name"] button');
  await page.waitForSelector(".toast.good");
  for (const path of [`/portal/t/${tenant}`, `/portal/t/${tenant}/members`, "/portal/account", "/portal/new"]) {
    await portal.go(path);
    await harmless(path);
    assert.equal(await page.locator("main img").count(), 0, path);
  }
  portal.expected(/40[04]/);
  // Names of indexes cannot hold anything; the path can, and is told as text.
  assert.equal((await portal.api(page, "POST", "/indexes", { uid: EVIL }, { tenant })).status, 400);
  for (const path of [`/portal/t/${tenant}/i/${encodeURIComponent(EVIL)}`, `/portal/${encodeURIComponent(EVIL)}`, `/portal/t/${tenant}?notice=${encodeURIComponent(EVIL)}`, `/portal/sign-in?next=${encodeURIComponent(EVIL)}&wrong=${encodeURIComponent(EVIL)}`]) {
    await page.goto(path);
    await harmless(path);
  }
  const visitor = await portal.visitor();
  await visitor.goto(`/portal/sign-in?next=${encodeURIComponent('"><script>window.hacked=1</script>')}`);
  assert.equal(await visitor.evaluate(() => window.hacked), undefined);
  assert.equal(await visitor.inputValue('input[name="next"]'), "/portal");
}
