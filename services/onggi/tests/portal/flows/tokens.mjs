// Tenant tokens: made with rules, tried, refused where the rules are wrong; the filter holds whatever is asked; the code beside them.
import assert from "node:assert/strict";

const EVIL = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'>`;

export default async function (portal) {
  const { page, url } = portal;
  const { tenant } = await portal.signUp(page, { tenant: "Post office" });
  await portal.fill(page, "letters", [
    { id: 1, title: "Letter to Ada", user: "ada" },
    { id: 2, title: EVIL, user: "ada" },
    { id: 3, title: "Letter to Bo", user: "bo" },
  ]);
  await portal.fill(page, "parcels", [{ id: 1, title: "A box" }]);
  const { body: task } = await portal.api(page, "PATCH", "/indexes/letters/settings", { filterableAttributes: ["user"] });
  await portal.until(async () => (await portal.api(page, "GET", `/tasks/${task.taskUid}`)).body, ({ status }) => status === "succeeded");
  const tokens = `/portal/t/${tenant}/keys/tokens`;
  const make = () => portal.submit("#token-form button.primary");

  await portal.go(tokens);
  // The key that allows least is offered first; what one writes is the code at once.
  assert.match(await page.locator('select[name="key"] option').first().textContent(), /^Default Search API Key/);
  await page.fill('#rules input[name="index"]', "letters");
  await page.fill('#rules input[name="filter"]', 'user = "ada"');
  const key = await page.inputValue('select[name="key"]');
  const code = () => page.textContent("#snippet-text");
  for (const [language, words] of [
    ["node", ["generateTenantToken", '"letters": { filter: "user = \\"ada\\"" }', "3600"]],
    ["python", ["generate_tenant_token", '"letters": {"filter": "user = \\"ada\\""}']],
    ["java", ["TenantTokenOptions", 'rules.put("letters", Map.of("filter", "user = \\"ada\\""));']],
    ["php", ["generateTenantToken", `'letters' => ['filter' => 'user = "ada"']`]],
  ]) {
    await page.click(`[data-code="${language}"]`);
    for (const word of [...words, key]) assert.ok((await code()).includes(word), `${language}: ${word} in ${await code()}`);
  }
  await page.focus("#tab-php");
  await page.keyboard.press("ArrowRight");
  assert.ok((await code()).includes("generateTenantToken({"), "arrows move between the tabs");

  // Rows come and go.
  assert.equal(await page.locator("#rules .rule").count(), 1);
  await page.click("#add-rule");
  await page.locator('#rules input[name="index"]').nth(1).fill("parcels");
  assert.ok((await code()).includes('"parcels": {}'));
  await page.locator("#rules .rule").nth(1).locator("button").click();
  assert.ok(!(await code()).includes("parcels"));
  await portal.go(tokens);
  await portal.look("tokens", { budget: true });

  // Wrong rules are told, and stay to be mended: also a row without an index.
  portal.expected(/422/);
  await page.fill('#rules input[name="index"]', "letters");
  await page.fill('#rules input[name="filter"]', "user =");
  await make();
  assert.ok((await page.textContent('main > [role="alert"]')).length > 10);
  assert.equal(await page.inputValue('#rules input[name="filter"]'), "user =");
  await page.fill('#rules input[name="filter"]', 'user = "ada"');
  await page.click("#add-rule");
  await page.locator('#rules input[name="filter"]').nth(1).fill(`user = "${EVIL}"`);
  await make();
  await page.waitForSelector('main > [role="alert"]');
  assert.equal(await page.locator('#rules input[name="filter"]').nth(1).inputValue(), `user = "${EVIL}"`);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await page.locator("#rules .rule").nth(1).locator("button").click();

  // Made, and tried at once.
  await make();
  await page.waitForFunction(() => document.querySelectorAll("#try-hits > li").length === 2);
  const token = await page.textContent("#token");
  assert.equal(token.split(".").length, 3);
  assert.equal(await page.evaluate(() => document.activeElement.id), "made", "what was made has the focus");
  assert.match(await page.textContent("#try-status"), /About 2 hits/);
  const hits = await page.textContent("#try-hits");
  assert.ok(hits.includes("Letter to Ada") && hits.includes("onerror") && !hits.includes("Bo"), hits);
  assert.equal(await page.locator("#try-hits img, #try-hits script").count(), 0);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await page.fill("#try-query", "letter");
  await page.press("#try-query", "Enter");
  await page.waitForFunction(() => document.querySelector("#try-hits mark")?.textContent === "Letter");
  await page.fill("#try-query", "bo");
  await page.click("#try button");
  await page.waitForFunction(() => /^Nothing found/.test(document.querySelector("#try-status").textContent));
  portal.expected(/403/);
  await page.selectOption("#try-index", "parcels");
  await page.click("#try button");
  await page.waitForFunction(() => /^Refused: .*parcels/.test(document.querySelector("#try-status").textContent));
  await page.click("#made details summary");
  const claims = JSON.parse(await page.textContent("#made details pre"));
  assert.deepEqual([claims.apiKeyUid, claims.searchRules], [key, { letters: { filter: 'user = "ada"' } }]);
  assert.ok(claims.exp > Date.now() / 1000 + 3500 && claims.exp < Date.now() / 1000 + 3700);
  await page.selectOption("#try-index", "letters");
  await page.fill("#try-query", "");
  await page.click("#try button");
  await page.waitForSelector("#try-hits > li");
  await portal.look("token-made", { reload: false });

  // The filter holds from outside too, whatever is asked.
  const search = async (shown, index, asked) => {
    const headers = { authorization: `Bearer ${shown}`, "content-type": "application/json" };
    const response = await fetch(`${url}/indexes/${index}/search`, { method: "POST", headers, body: JSON.stringify(asked) });
    return { status: response.status, ids: (await response.json()).hits?.map(({ id }) => id) };
  };
  assert.deepEqual((await search(token, "letters", {})).ids.toSorted(), [1, 2]);
  assert.deepEqual((await search(token, "letters", { filter: 'user = "bo"' })).ids, []);
  assert.deepEqual((await search(token, "letters", { filter: 'user = "bo" OR user = "ada"' })).ids.toSorted(), [1, 2]);
  assert.equal((await search(token, "parcels", {})).status, 403);
  const [head, , signature] = token.split(".");
  const forged = Buffer.from(JSON.stringify({ ...claims, searchRules: ["*"] })).toString("base64url");
  assert.equal((await search(`${head}.${forged}.${signature}`, "parcels", {})).status, 403);

  // A developer makes some too, a viewer does not.
  const viewer = await portal.join(tenant, "viewer");
  const post = (visitor) =>
    visitor.evaluate(
      async ([at, key]) => {
        const csrf = document.querySelector('meta[name="csrf"]').content;
        return (await fetch(at, { method: "POST", body: new URLSearchParams({ csrf, key, index: "letters", filter: "", expiry: "3600" }) })).status;
      },
      [tokens, key],
    );
  assert.equal((await viewer.goto(tokens)).status(), 403);
  await viewer.goto(`/portal/t/${tenant}`);
  assert.equal(await post(viewer), 403);
  assert.equal((await portal.api(viewer, "POST", `/portal/api/tenants/${tenant}/tokens`, { key, searchRules: ["*"], expiresAt: null })).status, 403);
  const developer = await portal.join(tenant, "developer");
  await portal.go(tokens, developer);
  assert.equal(await post(developer), 200);

  // With its key a token ends. Without any key there is nothing to sign with.
  const { body: all } = await portal.api(page, "GET", "/keys");
  for (const { uid } of all.results) assert.equal((await portal.api(page, "DELETE", `/keys/${uid}`)).status, 204);
  await portal.until(() => search(token, "letters", {}), ({ status }) => status === 403, 5_000);
  await portal.go(tokens);
  assert.equal(await page.textContent(".empty h2"), "There is no key to sign with");
  await portal.look("tokens-empty", { reload: false });
  await portal.go(`/portal/t/${tenant}/keys`);
  assert.equal(await page.textContent(".empty h2"), "There are no keys");
  await portal.look("keys-empty", { reload: false });
}
