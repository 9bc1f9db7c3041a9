// What other sites may try with a visitor who is signed in: forms, scripts, frames.
import assert from "node:assert/strict";
import { createServer } from "node:http";

export default async function (portal) {
  const { page, url } = portal;
  const { tenant } = await portal.signUp();
  await portal.fill(page, "jars", [{ id: 1 }]);
  const cookies = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const csrf = await page.getAttribute('meta[name="csrf"]', "content");
  const form = (fields) => ({ method: "POST", redirect: "manual", body: new URLSearchParams(fields) });
  const asked = async (path, init, headers) => (await fetch(`${url}${path}`, { ...init, headers: { cookie: cookies, ...init.headers, ...headers } })).status;

  const rename = "/portal/account/name";
  assert.equal(await asked(rename, form({ name: "Right", csrf })), 303);
  for (const [why, fields, headers] of [
    ["no token", { name: "x" }, {}],
    ["a wrong token", { name: "x", csrf: csrf.replace(/./g, "0") }, {}],
    ["another origin", { name: "x", csrf }, { origin: "https://evil.example" }],
    ["no origin at all", { name: "x", csrf }, { origin: "null" }],
    ["another site", { name: "x", csrf }, { "sec-fetch-site": "cross-site" }],
    ["another host of the site", { name: "x", csrf }, { "sec-fetch-site": "same-site" }],
  ]) {
    assert.equal(await asked(rename, form(fields), headers), 403, why);
  }
  const stranger = await portal.visitor();
  await stranger.goto("/portal/sign-in");
  const theirs = await stranger.getAttribute('meta[name="csrf"]', "content");
  assert.equal(await asked(rename, form({ name: "x", csrf: theirs })), 403, "the token of another visitor");
  assert.equal(await asked(rename, { method: "POST", body: "name=x", headers: { "content-type": "text/plain" } }), 403);

  // The tenant API with a cookie: the header is asked for everything but reading, searches too.
  const api = `/portal/api/${tenant}`;
  assert.equal(await asked(`${api}/indexes`, {}), 200);
  const json = { method: "POST", body: "{}", headers: { "content-type": "application/json" } };
  for (const path of ["/indexes/jars/search", "/indexes/jars/sleep", "/indexes"]) {
    assert.equal(await asked(`${api}${path}`, json), 403, path);
    assert.equal(await asked(`${api}${path}`, json, { "x-onggi-csrf": theirs }), 403, path);
  }
  assert.equal(await asked(`${api}/indexes/jars/search`, json, { "x-onggi-csrf": csrf }), 200);
  assert.equal(await asked(`${api}/indexes/jars/search`, json, { "x-onggi-csrf": csrf, "sec-fetch-site": "cross-site" }), 403);
  assert.equal((await fetch(`${url}${api}/indexes`)).status, 401);
  assert.equal((await fetch(`${url}/indexes`, { headers: { cookie: cookies } })).status, 401, "a cookie is no key");
  assert.equal((await fetch(`${url}${api}/indexes`, { headers: { authorization: "Bearer sandbox-root-key" } })).status, 401, "a key is no cookie");

  // No other origin is told anything, and none may frame it.
  const shown = await fetch(`${url}/portal/sign-in`, { headers: { origin: "https://evil.example" } });
  assert.equal(shown.headers.get("access-control-allow-origin"), null);
  const policy = shown.headers.get("content-security-policy");
  assert.ok(policy.includes("frame-ancestors 'none'") && policy.includes("default-src 'none'") && !policy.includes("unsafe"), policy);
  const preflight = await fetch(`${url}${api}/indexes`, { method: "OPTIONS", headers: { origin: "https://evil.example", "access-control-request-method": "POST", "access-control-request-headers": "x-onggi-csrf" } });
  assert.equal(preflight.headers.get("access-control-allow-origin"), null);

  // A real page of another site, in the same browser.
  const evil = createServer((request, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<form method="post" action="${url}${rename}"><input name="name" value="Stolen"><input name="csrf" value="${csrf}"></form><iframe src="${url}/portal/account"></iframe>`);
  });
  await new Promise((listening) => evil.listen(0, "127.0.0.1", listening));
  portal.expected(/frame|403|Forbidden|ERR_BLOCKED|chrome-error/i);
  const visitor = await page.context().newPage();
  await visitor.goto(`http://localhost:${evil.address().port}`);
  const read = await visitor.evaluate(async (at) => fetch(at, { credentials: "include" }).then(() => "read", () => "refused"), `${url}${api}/indexes`);
  assert.equal(read, "refused");
  await visitor.evaluate(() => document.forms[0].submit());
  await visitor.waitForURL(/\/portal\//);
  await portal.go("/portal/account");
  assert.equal(await page.inputValue('form[action$="/name"] input[name="name"]'), "Right");
  evil.close();
  await visitor.close();
}
