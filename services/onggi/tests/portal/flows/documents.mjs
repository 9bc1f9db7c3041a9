// Documents: uploaded by file and by hand, refused with the line that is wrong, browsed, changed, deleted by a filter that was counted.
import assert from "node:assert/strict";

const EVIL = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'>`;
const file = (name, text) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(text) });

export default async function (portal) {
  const { page } = portal;
  const { tenant } = await portal.signUp(page, { tenant: "Archive" });
  await portal.api(page, "POST", "/indexes", { uid: "jars" });
  const documents = `/portal/t/${tenant}/i/jars/documents`;
  await portal.go(documents);
  await portal.look("documents-empty", { budget: true });

  // A file large enough to be compressed, then followed until it is searchable.
  const many = Array.from({ length: 6000 }, (_, at) => JSON.stringify({ id: at, title: `Jar number ${at}`, price: at % 100, text: `clay ${(at * 7919) % 6007} ${(at * 104729) % 9973} kiln` })).join("\n");
  const encodings = [];
  page.on("request", (request) => request.method() === "POST" && /\/documents$/.test(request.url()) && encodings.push(request.headers()["content-encoding"]));
  await page.setInputFiles("#file", file("jars.ndjson", many));
  await page.waitForSelector(".upload.good");
  assert.match(await page.textContent(".upload.good"), /6,000 documents are searchable/);
  assert.deepEqual(encodings, ["gzip"]);

  // What is wrong is shown with its line.
  portal.expected(/400/);
  await page.setInputFiles("#file", file("bad.ndjson", '{"id": 1}\n{"id": 2, "title": }\n{"id": 3}\n'));
  await page.waitForSelector(".upload.bad .excerpt");
  assert.match(await page.textContent(".upload.bad .excerpt"), /2 \{"id": 2, "title": \}/);
  await page.setInputFiles("#file", file("bad.csv", "id,title\n9001,Good\nnot good!,Bad\n"));
  await page.waitForFunction(() => document.querySelectorAll(".upload.bad").length === 2);
  await page.setInputFiles("#file", file("bad.exe", "MZ"));
  await page.waitForFunction(() => document.querySelectorAll(".upload.bad").length === 3);
  await portal.look("documents-uploads", { reload: false });

  // By hand; what it holds is text.
  await page.click(".paste summary");
  await page.fill("#pasted", JSON.stringify([{ id: "evil", title: EVIL, [EVIL]: EVIL, big: 1 }]).replace('"big":1', '"big":12345678901234567890'));
  await page.click("#send");
  await page.waitForFunction(() => document.querySelectorAll(".upload.good").length === 2);
  const { body: task } = await portal.api(page, "PATCH", "/indexes/jars/settings", { filterableAttributes: ["price", "id"], sortableAttributes: ["price"] });
  for (;;) if ((await portal.api(page, "GET", `/tasks/${task.taskUid}`)).body.status === "succeeded") break;

  await portal.go(documents);
  assert.match(await page.textContent("#total"), /6,001 documents/);
  await page.click(".pager a");
  await page.waitForURL(/page=2/);
  assert.match(await page.textContent(".pager"), /21 to 40/);
  await page.selectOption('select[name="sort"]', "price:desc");
  await page.fill('input[name="filter"]', "price >= 98");
  await page.click(".browse button.primary");
  assert.match(await page.textContent("#total"), /120 documents/);
  await portal.look("documents", { budget: true });
  await page.fill('input[name="filter"]', "price >=");
  await page.click(".browse button.primary");
  assert.ok((await page.textContent(".browse .error")).length > 0);
  await page.click(".columns summary");
  await page.click('.columns input[value="text"]');
  await page.fill('input[name="filter"]', 'id = "evil"');
  await page.click(".browse button.primary");
  await page.waitForSelector("tbody tr");
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.locator("tbody img, tbody script").count(), 0);

  // One document: every digit stays, what is wrong is told, what is saved is searchable.
  await page.click("tbody a");
  await page.waitForURL(/documents\/one/);
  const json = await page.inputValue("#json");
  assert.ok(json.includes("12345678901234567890"), json);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await page.fill("#json", json.replace("{", "{{"));
  await page.click("#save");
  assert.match(await page.textContent("#json-wrong"), /no JSON/);
  await page.fill("#json", json.replace('"evil"', '"other"'));
  await page.click("#save");
  assert.match(await page.textContent("#json-wrong"), /id must stay/);
  await portal.look("document", { reload: false });
  await page.fill("#json", json.replace(/"title": "/, '"title": "Changed '));
  await page.click("#save");
  await page.waitForSelector(".toast.good");
  await page.reload();
  const changed = await page.inputValue("#json");
  assert.ok(changed.includes("Changed ") && changed.includes("12345678901234567890"), changed);
  page.on("dialog", (dialog) => dialog.accept());
  await page.click("main .page-head button.danger");
  await page.waitForURL(/\/documents\?/);
  await page.waitForFunction(() => document.querySelector("#total")?.textContent.startsWith("6,000 "));

  // By a filter: what was counted is what goes.
  await portal.go(`${documents}?wake=1&filter=${encodeURIComponent("price >= 98")}`);
  await page.click(".deleting summary");
  assert.match(await page.textContent(".deleting"), /120 of 6,000/);
  await portal.look("documents-delete", { reload: false });
  portal.expected(/422/);
  await page.$eval('.deleting input[name="expected"]', (input) => (input.value = "119"));
  await page.click(".deleting button.danger");
  assert.match(await page.textContent('[role="alert"]'), /Nothing was deleted/);
  await page.click(".deleting summary");
  await page.click(".deleting button.danger");
  await page.waitForFunction(() => document.querySelector("#total")?.textContent.startsWith("5,880 "));
  await page.click(".deleting summary");
  await page.fill('input[name="confirm"]', "something else");
  await page.click(".deleting button.danger");
  assert.match(await page.textContent('[role="alert"]'), /Nothing was deleted/);
  await page.click(".deleting summary");
  await page.fill('input[name="confirm"]', "jars");
  await page.click(".deleting button.danger");
  await page.waitForFunction(() => document.querySelector(".empty h2")?.textContent === "No documents yet");

  // An index that sleeps is not woken by a look.
  await portal.fill(page, "jars", [{ id: 1, title: "Red jar" }]);
  await portal.api(page, "POST", "/indexes/jars/sleep");
  await portal.go(documents);
  await page.click("#wake");
  await page.waitForSelector("tbody tr");
}
