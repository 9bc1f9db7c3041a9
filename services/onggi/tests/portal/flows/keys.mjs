// Keys: made by a preset and by hand, shown once, used, renamed, revoked while in use; who is no owner makes none; names are text.
import assert from "node:assert/strict";

const EVIL = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'>`;
const DAY = 24 * 3600 * 1000;

export default async function (portal) {
  const { page, url } = portal;
  const { tenant } = await portal.signUp(page, { tenant: "Locksmith" });
  await portal.fill(page, "jars", [{ id: 1, title: "Red jar" }, { id: 2, title: "Blue jar" }]);
  await portal.fill(page, "pots", [{ id: 1, title: "Red pot" }]);
  const keys = `/portal/t/${tenant}/keys`;
  const show = (secret, method, path, body) =>
    fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" }, body: body && JSON.stringify(body) });
  const row = (name) => page.locator("table.keys tbody tr", { hasText: name });

  // What a tenant begins with.
  await portal.go(keys);
  assert.equal(await page.locator("table.keys tbody tr").count(), 2);
  assert.match(await row("Default Search API Key").textContent(), /Search only.*All indexes.*Never.*never/s);
  assert.match(await row("Default Admin API Key").textContent(), /Everything/);

  // By a preset: searching only, and nothing else to choose.
  await page.click(".page-head a.primary");
  await page.waitForURL(/\/keys\/new$/);
  assert.ok(await page.isChecked('input[name="preset"][value="search"]'));
  assert.ok(!(await page.isVisible(".custom-actions")) && !(await page.isVisible(".some-indexes")) && !(await page.isVisible('input[name="until"]')));
  await portal.look("key-new", { budget: true });
  await page.fill('input[name="name"]', "Website");
  await page.fill('input[name="description"]', "Searches from the shop");
  await portal.submit("form.key-form button.primary");
  const secret = await page.textContent("#secret");
  assert.match(secret, /^[0-9a-f]{32,}$/);
  assert.match(await page.textContent("main"), /shown on this page only/);
  const curl = await page.textContent("#try-text");
  assert.ok(curl.includes(secret) && /\/indexes\/(jars|pots)\/search/.test(curl) && curl.includes(url), curl);
  await portal.look("key-made", { reload: false });
  assert.equal((await (await show(secret, "POST", "/indexes/jars/search", { q: "red" })).json()).hits.length, 1);
  assert.equal((await show(secret, "GET", "/indexes/jars/documents")).status, 403);
  assert.equal((await show(secret, "POST", "/indexes/jars/documents", [{ id: 3 }])).status, 403);

  // The secret is on no other page; that the key was used is.
  await page.click("p.done a.button");
  await page.waitForURL(/\/keys$/);
  const uid = (await row("Website").locator("a").getAttribute("href")).split("/").at(-1);
  await portal.until(async () => (await portal.api(page, "GET", `/keys/${uid}`)).body, ({ lastUsedAt }) => lastUsedAt !== null);
  for (const path of [keys, `${keys}/${uid}`]) {
    await portal.go(path);
    assert.ok(!(await page.content()).includes(secret), path);
  }
  assert.match(await page.locator("dl.facts").textContent(), /search.*All indexes.*Last used.*(ago|now)/s);
  assert.match(await page.textContent("#revoke"), /It is in use/);
  await portal.look("key", { budget: true });

  // Another name, and one that wants to be more than that.
  const rename = async (name) => {
    await page.fill(`form[action$="/${uid}"] input[name="name"]`, name);
    await portal.submit(`form[action$="/${uid}"] button.primary`);
    await page.waitForSelector(".toast.good");
  };
  await rename(EVIL);
  assert.equal(await page.textContent("h1"), EVIL);
  assert.equal(await page.inputValue(`form[action$="/${uid}"] input[name="name"]`), EVIL);
  await portal.go(keys);
  assert.equal(await row("hacked").locator("a.strong").textContent(), EVIL);
  await portal.go(`${keys}/tokens`);
  assert.ok((await page.locator('select[name="key"] option', { hasText: "hacked" }).textContent()).startsWith(EVIL));
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.locator("main img, main script").count(), 0);
  await portal.go(`${keys}/${uid}`);
  await rename("Shop");

  // By hand: what is missing or wrong is said, and what was chosen stays.
  portal.expected(/422/);
  await portal.go(`${keys}/new`);
  await page.check('input[name="preset"][value="custom"]');
  await page.fill('input[name="name"]', "Importer");
  await page.check('input[name="scope"][value="some"]');
  const refused = async (why) => {
    await portal.submit("form.key-form button.primary");
    assert.match(await page.textContent('main [role="alert"]'), why);
    assert.equal(await page.inputValue('input[name="name"]'), "Importer");
    assert.ok(await page.isChecked('input[name="preset"][value="custom"]'));
  };
  await refused(/at least one action/);
  await page.check('input[name="action"][value="documents.add"]');
  await page.check('input[name="action"][value="documents.get"]');
  await refused(/at least one index/);
  await page.check('input[name="index"][value="jars"]');
  await page.fill('input[name="patterns"]', `prod_*, ${EVIL}`);
  await page.selectOption('select[name="expiry"]', "date");
  await refused(/the day on which/);
  await page.fill('input[name="until"]', "2020-01-01");
  await refused(/./);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await page.fill('input[name="patterns"]', "prod_*");
  await refused(/2020-01-01/);
  await portal.look("key-new-custom", { reload: false });
  const year = new Date().getUTCFullYear() + 1;
  await page.fill('input[name="until"]', `${year}-06-30`);
  await portal.submit("form.key-form button.primary");
  const importer = await page.textContent("#secret");
  const facts = await page.locator("dl.facts").textContent();
  for (const word of ["documents.add", "documents.get", "jars, prod_*"]) assert.ok(facts.includes(word), facts);
  assert.ok((await page.locator("dl.facts time").getAttribute("datetime")).startsWith(`${year}-06-30`));
  assert.match(await page.textContent("main"), /never put it into an app/);
  assert.equal(await page.locator("#try-text").count(), 0, "it cannot search");
  assert.equal((await show(importer, "POST", "/indexes/jars/documents", [{ id: 3, title: "Green jar" }])).status, 202);
  assert.equal((await show(importer, "GET", "/indexes/jars/documents")).status, 200);
  for (const [method, path, body] of [["POST", "/indexes/pots/documents", [{ id: 2 }]], ["POST", "/indexes/jars/search", {}], ["DELETE", "/indexes/jars/documents"], ["GET", "/keys"]]) {
    assert.equal((await show(importer, method, path, body)).status, 403, `${method} ${path}`);
  }

  // Keys that end: one soon, one at once.
  const ending = async (name, milliseconds) => {
    const made = { name, actions: ["search"], indexes: ["*"], expiresAt: new Date(Date.now() + milliseconds).toISOString() };
    const { status, body } = await portal.api(page, "POST", "/keys", made);
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  };
  await ending("Fair", 3 * DAY);
  const short = await ending("Moment", 1500);
  await portal.until(async () => (await show(short.key, "POST", "/indexes/jars/search", {})).status, (status) => status === 403);
  await portal.go(keys);
  assert.match(await row("Fair").textContent(), /Soon/);
  assert.match(await row("Moment").textContent(), /Expired/);
  assert.match(await row("Importer").textContent(), /Chosen actions.*jars, prod_\*/s);
  await portal.look("keys", { budget: true });

  // Revoked while it is in use: not by mistake, and then within a second.
  await portal.go(`${keys}/${uid}`);
  await page.evaluate(() => (document.querySelector('#revoke input[name="sure"]').required = false));
  await portal.submit("#revoke button.danger");
  await page.waitForSelector(".toast");
  assert.match(await page.textContent(".toast"), /Nothing was revoked/);
  assert.equal((await show(secret, "POST", "/indexes/jars/search", {})).status, 200);
  await page.check('#revoke input[name="sure"]');
  await portal.submit("#revoke button.danger");
  await page.waitForURL(/\/keys(\?|$)/);
  await page.waitForSelector(".toast.good");
  assert.equal(await row("Shop").count(), 0);
  await portal.until(async () => (await show(secret, "POST", "/indexes/jars/search", {})).status, (status) => status === 403, 5_000);
  portal.expected(/404/);
  assert.equal((await page.goto(`${keys}/${uid}`)).status(), 404);
  await portal.go(keys);
  const other = (await row("Importer").locator("a").getAttribute("href")).split("/").at(-1);

  // A viewer sees none of it. A developer looks; neither makes, changes or revokes one: not by the page, and not around it.
  portal.expected(/403/);
  const viewer = await portal.join(tenant, "viewer");
  assert.equal(await viewer.locator(`nav a[href$="/keys"]`).count(), 0);
  for (const path of ["", "/new", `/${other}`, "/tokens", "/identity"]) assert.equal((await viewer.goto(`${keys}${path}`)).status(), 403, path);
  const developer = await portal.join(tenant, "developer");
  await portal.go(keys, developer);
  assert.match(await developer.textContent("main"), /Owners create, change and revoke keys/);
  assert.equal(await developer.locator(`main a[href$="/new"]`).count(), 0);
  await portal.look("keys-developer", { page: developer, reload: false });
  assert.equal((await developer.goto(`${keys}/new`)).status(), 403);
  await portal.go(`${keys}/${other}`, developer);
  assert.equal(await developer.locator("main form").count(), 0);
  const forms = [["", { name: "x", preset: "search", scope: "all" }], [`/${other}`, { name: "x" }], [`/${other}/revoke`, { sure: "yes" }]];
  for (const visitor of [viewer, developer]) {
    await visitor.goto(`/portal/t/${tenant}`);
    for (const [path, fields] of forms) {
      const status = await visitor.evaluate(
        async ([at, fields]) => {
          const csrf = document.querySelector('meta[name="csrf"]').content;
          return (await fetch(at, { method: "POST", body: new URLSearchParams({ csrf, ...fields }) })).status;
        },
        [`${keys}${path}`, fields],
      );
      assert.equal(status, 403, path);
    }
    for (const [method, path, body] of [["POST", "/keys", { actions: ["search"], indexes: ["*"], expiresAt: null }], ["PATCH", `/keys/${other}`, { name: "x" }], ["DELETE", `/keys/${other}`]]) {
      assert.equal((await portal.api(visitor, method, path, body)).status, 403, `${method} ${path}`);
    }
  }
  await portal.go(`${keys}/${other}`);
  assert.equal(await page.textContent("h1"), "Importer");
}
