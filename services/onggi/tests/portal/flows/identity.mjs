// The tenant's identity provider: keys pasted and fetched, claims that become rules, good and bad tokens tried, a search with one; removed again.
import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";

const EVIL = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'>`;
const [ISSUER, AUDIENCE] = ["https://id.example/", "shop"];

/** A key of a provider: its public half as JWKS have it, and tokens that it signs. */
function signer(kid, kind, curve) {
  const { publicKey, privateKey } = generateKeyPairSync(kind, curve ? { namedCurve: curve } : {});
  const alg = kind === "ec" ? "ES256" : "EdDSA";
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return {
    public: { ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" },
    token(claims, header = {}) {
      const now = Math.floor(Date.now() / 1000);
      const body = `${encoded({ alg, typ: "JWT", kid, ...header })}.${encoded({ iss: ISSUER, aud: AUDIENCE, sub: "ada", exp: now + 600, ...claims })}`;
      const signature = sign(kind === "ec" ? "sha256" : null, Buffer.from(body), { key: privateKey, dsaEncoding: "ieee-p1363" });
      return `${body}.${signature.toString("base64url")}`;
    },
  };
}

export default async function (portal) {
  const { page, url } = portal;
  const { tenant } = await portal.signUp(page, { tenant: "Club" });
  await portal.fill(page, "letters", [{ id: 1, title: "Letter to Ada", user: "ada" }, { id: 2, title: "Letter to Bo", user: "bo" }]);
  await portal.fill(page, "internal", [{ id: 1, title: "Minutes" }]);
  const { body: task } = await portal.api(page, "PATCH", "/indexes/letters/settings", { filterableAttributes: ["user"] });
  await portal.until(async () => (await portal.api(page, "GET", `/tasks/${task.taskUid}`)).body, ({ status }) => status === "succeeded");
  const identity = `/portal/t/${tenant}/keys/identity`;
  const [first, second, stranger] = [signer("one", "ec", "P-256"), signer("two", "ed25519"), signer("one", "ec", "P-256")];
  const alert = () => page.textContent('main > [role="alert"]');
  const save = () => portal.submit("#identity button.primary");
  const cell = (name, at) => page.locator(`#rules input[name="${name}"]`).nth(at);

  await portal.go(identity);
  assert.equal(await page.locator("#test").count(), 0, "without a provider there is nothing to test");
  assert.ok((await page.isVisible('input[name="jwks_uri"]')) && !(await page.isVisible('textarea[name="jwks"]')));
  await page.click("#identity details summary");
  assert.match(await page.textContent("#identity details table"), /Keycloak.*Microsoft Entra/s);
  await portal.look("identity-empty", { budget: true });

  // What is wrong is told, and what was written stays.
  portal.expected(/422/);
  await page.fill('input[name="issuer"]', ISSUER);
  await page.fill('input[name="audience"]', AUDIENCE);
  await page.check('input[name="source"][value="jwks"]');
  assert.ok(!(await page.isVisible('input[name="jwks_uri"]')));
  await page.fill('textarea[name="jwks"]', "{");
  await cell("rule_indexes", 0).fill("letters");
  await cell("rule_filter", 0).fill('user = "{sub}"');
  await page.click("#add-rule");
  await cell("rule_claim", 1).fill("roles");
  await cell("rule_equals", 1).fill(EVIL);
  await save();
  assert.match(await alert(), /no JSON/);
  assert.equal(await page.inputValue('textarea[name="jwks"]'), "{");
  assert.equal(await cell("rule_equals", 1).inputValue(), EVIL, "a row without an index stays too");
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await page.fill('textarea[name="jwks"]', JSON.stringify({ keys: [first.public] }));
  await cell("rule_indexes", 1).fill("internal");
  await cell("rule_equals", 1).fill("staff");
  await save();
  assert.match(await alert(), /without quotes/);
  await cell("rule_filter", 0).fill("user = {sub}");
  await page.fill('textarea[name="jwks"]', '{"keys": []}');
  await save();
  assert.match(await alert(), /jwks/);
  await portal.look("identity-wrong", { reload: false });

  // Saved, and shown as it was.
  await page.fill('textarea[name="jwks"]', JSON.stringify({ keys: [first.public] }));
  await save();
  await page.waitForSelector(".toast.good");
  assert.equal(JSON.parse(await page.inputValue('textarea[name="jwks"]')).keys[0].kid, "one");
  assert.deepEqual([await cell("rule_indexes", 0).inputValue(), await cell("rule_filter", 0).inputValue()], ["letters", "user = {sub}"]);
  assert.deepEqual([await cell("rule_claim", 1).inputValue(), await cell("rule_equals", 1).inputValue()], ["roles", "staff"]);
  assert.equal(await page.locator("#rules .rule").count(), 2);
  assert.ok((await page.textContent("#use-text")).includes(`${tenant}~`));

  // Tokens tried: what each would open, or why none of it.
  const test = async (token) => {
    await page.fill('#test textarea[name="token"]', token);
    await portal.submit("#test form button");
    return page.textContent('#test [role="status"]');
  };
  assert.match(await test(first.token({})), /The token is good and opens this/);
  const rules = page.locator("#test .verdicts li");
  assert.match(await rules.nth(0).textContent(), /^Applies letters user = "ada"/);
  assert.match(await rules.nth(1).textContent(), /^Does not apply internal.*roles/);
  await page.click("#test details summary");
  assert.equal(JSON.parse(await page.textContent("#test details pre")).sub, "ada");
  await portal.look("identity-tested", { reload: false });
  assert.match(await test(first.token({ roles: ["staff", "x"] })), /opens this/);
  assert.match(await rules.nth(1).textContent(), /^Applies internal/);
  assert.match(await test(`${tenant}~${first.token({})}`), /opens this/, "as an app shows it, too");
  assert.match(await test(first.token({ sub: EVIL })), /opens this/);
  assert.ok((await rules.nth(0).textContent()).includes("onerror"));
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.locator("main img, main script").count(), 0);
  assert.match(await test(first.token({ sub: undefined })), /no rule holds/);
  const now = Math.floor(Date.now() / 1000);
  for (const [why, token] of [
    ["for somebody else", first.token({ aud: "other" })],
    ["of somebody else", first.token({ iss: "https://id.example" })],
    ["over", first.token({ exp: now - 120 })],
    ["not yet", first.token({ nbf: now + 120 })],
    ["without an end", first.token({ exp: undefined })],
    ["signed with another key of that name", stranger.token({})],
    ["signed with a key that is not there", second.token({})],
    ["not signed", first.token({}, { alg: "none" })],
    ["of nobody that has a name", first.token({ sub: { not: "plain" } })],
    ["changed", first.token({}).replace(/\.(.)/, (_, start) => `.${start === "e" ? "f" : "e"}`)],
    ["no token", `x${EVIL}`],
  ]) {
    assert.match(await test(token), /^Refused:\s+\S/, why);
    assert.equal(await page.locator("#test .verdicts").count(), 0, why);
  }
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await portal.look("identity-refused", { reload: false });
  // The language is changed on a page that answered a form: the form is there again.
  await portal.go(`${identity}/test`);
  assert.ok(page.url().endsWith("/keys/identity"), page.url());
  await portal.look("identity", { budget: true });

  // What was tried is what a search does.
  const search = async (index, token) => {
    const headers = { authorization: `Bearer ${tenant}~${token}`, "content-type": "application/json" };
    const response = await fetch(`${url}/indexes/${index}/search`, { method: "POST", headers, body: "{}" });
    return { status: response.status, ids: (await response.json()).hits?.map(({ id }) => id) };
  };
  assert.deepEqual(await search("letters", first.token({})), { status: 200, ids: [1] });
  assert.deepEqual((await search("letters", first.token({ sub: `x" OR user = "ada` }))).ids, [], "a claim is nothing but a value");
  assert.equal((await search("internal", first.token({}))).status, 403);
  assert.equal((await search("internal", first.token({ roles: "staff" }))).status, 200);
  assert.equal((await search("letters", stranger.token({}))).status, 403);

  // Keys that are fetched.
  const provider = createServer((request, response) => {
    response.writeHead(request.url === "/keys" ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify({ keys: [second.public] }));
  });
  await new Promise((listening) => provider.listen(0, "127.0.0.1", listening));
  provider.unref();
  const fetched = async (path) => {
    await portal.go(identity);
    await page.check('input[name="source"][value="uri"]');
    await page.fill('input[name="jwks_uri"]', `http://127.0.0.1:${provider.address().port}${path}`);
    await save();
    await page.waitForSelector(".toast.good");
  };
  await fetched("/gone");
  // The gateway believes in what it has looked up for less than a second.
  await portal.until(() => test(second.token({})), (verdict) => /cannot be fetched/.test(verdict), 10_000);
  await fetched("/keys");
  await portal.until(() => test(second.token({})), (verdict) => /opens this/.test(verdict), 10_000);
  assert.match(await test(first.token({})), /^Refused/);
  assert.deepEqual((await search("letters", second.token({}))).ids, [1]);
  assert.equal(await page.isChecked('input[name="source"][value="uri"]'), true);

  // A developer looks and tests, a viewer does neither.
  portal.expected(/403/);
  const developer = await portal.join(tenant, "developer");
  await portal.go(identity, developer);
  assert.equal(await developer.locator("#identity button.primary, #add-rule, form[action$='/remove']").count(), 0);
  assert.ok(await developer.isDisabled('input[name="issuer"]'));
  await developer.fill('#test textarea[name="token"]', second.token({}));
  await portal.submit("#test form button", developer);
  assert.match(await developer.textContent('#test [role="status"]'), /opens this/);
  await portal.look("identity-developer", { page: developer, reload: false });
  const viewer = await portal.join(tenant, "viewer");
  assert.equal((await viewer.goto(identity)).status(), 403);
  const form = { issuer: "https://evil.example", audience: "x", source: "uri", jwks_uri: "https://evil.example/keys", rule_indexes: "*", rule_filter: "", rule_claim: "", rule_equals: "" };
  for (const [visitor, paths] of [[developer, ["", "/remove"]], [viewer, ["", "/remove", "/test"]]]) {
    await visitor.goto(`/portal/t/${tenant}`);
    for (const path of paths) {
      const status = await visitor.evaluate(
        async ([at, fields]) => {
          const csrf = document.querySelector('meta[name="csrf"]').content;
          return (await fetch(at, { method: "POST", body: new URLSearchParams({ csrf, ...fields }) })).status;
        },
        [`${identity}${path}`, { ...form, token: "x" }],
      );
      assert.equal(status, 403, path);
    }
    for (const [method, body] of [["PUT", { issuer: "x", audience: "x", jwksUri: "https://evil.example", rules: [{ indexes: ["*"] }] }], ["DELETE"]]) {
      assert.equal((await portal.api(visitor, method, "/identity-provider", body)).status, 403, method);
    }
  }

  // Removed: its tokens end.
  await portal.go(identity);
  assert.equal(await page.inputValue('input[name="issuer"]'), ISSUER);
  page.on("dialog", (dialog) => dialog.accept());
  await portal.submit('form[action$="/remove"] button');
  await page.waitForSelector(".toast.good");
  assert.equal(await page.locator("#test").count(), 0);
  await portal.until(() => search("letters", second.token({})), ({ status }) => status === 403, 5_000);
  provider.close();
}
