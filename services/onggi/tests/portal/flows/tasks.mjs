// Tasks: of everything and of an index, filtered, live, with what went wrong in words, canceled and deleted.
import assert from "node:assert/strict";

export default async function (portal) {
  const { page } = portal;
  const { tenant } = await portal.signUp(page, { tenant: "Ledger" });
  const tasks = `/portal/t/${tenant}/tasks`;
  await portal.go(tasks);
  await page.waitForSelector(".empty");
  await portal.look("tasks-empty", { budget: true });

  await portal.fill(page, "jars", [{ id: 1, title: "Red jar" }]);
  await portal.fill(page, "crocks", [{ id: 1, title: "Crock" }]);
  await portal.api(page, "POST", "/indexes", { uid: "jars" });
  await portal.go(tasks);
  await page.waitForSelector("tbody tr");
  assert.match(await page.textContent("tbody"), /1 indexed/);
  await page.waitForFunction(() => /already exists/.test(document.querySelector("tbody").textContent));
  // Live, and how many.
  await portal.fill(page, "jars", [{ id: 2, title: "Blue jar" }]);
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length >= 4);
  await portal.look("tasks", { budget: true });

  await page.selectOption('select[name="status"]', "failed");
  await page.waitForURL(/status=failed/);
  assert.equal(await page.locator("tbody tr").count(), 1);
  await page.click("tbody a.mono, tbody .mono a");
  await page.waitForSelector(".callout.bad");
  assert.match(await page.textContent(".callout.bad"), /index_already_exists/);
  assert.match(await page.textContent("#task-json"), /"status": "failed"/);
  await portal.look("task");

  await portal.go(`/portal/t/${tenant}/i/crocks/tasks`);
  assert.equal(await page.locator("tbody tr").count(), 1, "only those of the index");
  await portal.look("index-tasks");
  await portal.go(`${tasks}?index=nothing-of-that-name`);
  assert.match(await page.textContent("tbody"), /No task/);
  await portal.go(`${tasks}?status=%3Cscript%3E&from=x`);
  assert.ok((await page.locator("tbody tr").count()) >= 4, "what makes no sense filters nothing");

  page.on("dialog", (dialog) => dialog.accept());
  await page.click('form[action$="/cancel"] button:not([aria-label])');
  await page.waitForSelector(".toast.good");
  await portal.go(tasks);
  await page.selectOption('select[name="older"]', "all");
  await page.click('form[action$="/delete"] button');
  await page.waitForSelector(".toast.good");
  await page.waitForFunction(() => /Tasks deleted \d+/.test(document.querySelector("tbody").textContent));
  assert.ok((await page.locator("tbody tr").count()) <= 2, "only the deletion is left");
}
