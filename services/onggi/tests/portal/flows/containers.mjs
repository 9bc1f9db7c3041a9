// The containers of an index: drawn live, selected with the price told before, woken and sent to sleep; a viewer only looks.
import assert from "node:assert/strict";

export default async function (portal) {
  const { page } = portal;
  const { tenant } = await portal.signUp(page, { tenant: "Kiln" });
  await portal.fill(page, "jars", [{ id: 1, title: "Red jar" }, { id: 2, title: "Blue jar" }]);
  const containers = `/portal/t/${tenant}/i/jars/containers`;
  await portal.go(`/portal/t/${tenant}/i/jars`);
  assert.ok(page.url().endsWith("/i/jars/containers"), page.url());
  await page.waitForSelector(".jar-card.good");
  const card = await page.textContent(".jar-card.good");
  for (const word of ["Searcher", "Running", "Up to date", "Memory", "CPU"]) assert.ok(card.includes(word), card);
  assert.match(await page.textContent(".happened"), /2 documents uploaded/);
  await portal.look("containers", { budget: true });

  // Asleep, and awake again: seen without a reload by whoever looks.
  const other = await page.context().newPage();
  await other.goto(containers);
  page.on("dialog", (dialog) => dialog.accept());
  await page.click("#sleep");
  await page.waitForSelector(".jar-card.ghost");
  assert.match(await page.textContent(".state"), /Asleep/);
  await other.waitForFunction(() => document.querySelector(".state").textContent.includes("Asleep"));
  await other.close();
  await portal.look("containers-asleep", { reload: false });
  await page.click("#wake");
  await page.waitForSelector(".jar-card.good");

  // The slider and the number are one; what is selected is run.
  await page.$eval("#slider", (slider) => {
    slider.value = "2";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  });
  assert.equal(await page.inputValue("#replicas"), "2");
  if (await page.locator("#saved-price").count()) await page.waitForFunction(() => /an hour while awake/.test(document.querySelector("#draft-price").textContent));
  await page.fill('input[name="idle"]', "2");
  await page.selectOption('select[name="unit"]', "3600");
  await page.check('input[name="wake"][value="manual"]');
  await page.click("#save");
  await page.waitForSelector(".toast.good");
  await page.waitForFunction(() => document.querySelectorAll(".jar-card.good").length >= 2);
  const { body: selected } = await portal.api(page, "GET", "/indexes/jars/containers");
  assert.deepEqual([selected.replicas, selected.sleepAfterSeconds, selected.wake], [2, 7200, "manual"]);

  // A range, where the service has one.
  if ("autoscale" in selected) {
    await page.check('input[name="mode"][value="range"]');
    await page.fill('input[name="min"]', "3");
    await page.fill('input[name="max"]', "2");
    portal.expected(/422/);
    await page.click("#save");
    assert.match(await page.textContent('main > .callout[role="alert"], .callout.bad[role="alert"]'), /max/);
    assert.equal(await page.inputValue('input[name="min"]'), "3", "what was refused is there to be mended");
    await page.fill('input[name="min"]', "1");
    await page.click("#save");
    await page.waitForSelector(".toast.good");
    const { body } = await portal.api(page, "GET", "/indexes/jars/containers");
    assert.deepEqual([body.autoscale.min, body.autoscale.max], [1, 2]);
    await portal.look("containers-range", { reload: false });
  }

  // A viewer sees it all, and changes nothing: neither by the page nor around it.
  await portal.go(`/portal/t/${tenant}/members`);
  await page.fill('form[action$="/invite"] input[name="email"]', "viewer@kiln.example");
  await page.selectOption('form[action$="/invite"] select[name="role"]', "viewer");
  await page.click('form[action$="/invite"] button');
  const viewer = await portal.visitor();
  await viewer.goto(await page.textContent("#invitation-link"));
  await viewer.click("main a.primary");
  await viewer.fill('input[name="name"]', "Vera");
  await viewer.fill('input[name="password"]', "a long enough passphrase");
  await viewer.click("main button.primary");
  await viewer.waitForURL(`**/portal/t/${tenant}`);
  await portal.go(containers, viewer);
  await viewer.waitForSelector(".jar-card");
  assert.equal(await viewer.locator("#save, #sleep, #wake").count(), 0);
  assert.ok(await viewer.isDisabled("#replicas"));
  portal.expected(/403/);
  for (const path of [containers, `${containers.replace(/containers$/, "")}sleep`, `${containers.replace(/containers$/, "")}wake`]) {
    const status = await viewer.evaluate(async (path) => {
      const csrf = document.querySelector('meta[name="csrf"]').content;
      return (await fetch(path, { method: "POST", body: new URLSearchParams({ csrf, size: "small", replicas: "9" }) })).status;
    }, path);
    assert.ok(status === 403 || status === 422, `${path}: ${status}`);
  }
  assert.notEqual((await portal.api(page, "GET", "/indexes/jars/containers")).body.replicas, 9);
  await portal.look("containers-viewer", { page: viewer, reload: false });
}
