// Sessions: listed, revoked, never adopted from outside; passwords change.
import assert from "node:assert/strict";

const cookie = async (page) => (await page.context().cookies()).find(({ name }) => name === "onggi_session");

export default async function (portal) {
  const { page } = portal;
  // Whatever a browser showed before it signed in is not what it shows after.
  await page.context().addCookies([{ name: "onggi_session", value: "f".repeat(64), url: `${portal.url}/portal` }]);
  const account = await portal.signUp();
  const first = await cookie(page);
  assert.notEqual(first.value, "f".repeat(64));
  assert.deepEqual([first.httpOnly, first.sameSite, first.path], [true, "Lax", "/portal"]);
  await portal.signIn(await portal.visitor(), account);
  const other = portal.pages.at(-1);
  await other.waitForURL(/\/portal\/t\//);
  assert.notEqual((await cookie(other)).value, first.value);

  await portal.go("/portal/account");
  assert.equal(await page.locator('form[action$="/sessions/revoke"]').count(), 1);
  await portal.look("account");
  await page.click('form[action$="/sessions/revoke"] button');
  await page.waitForSelector(".toast.good");
  await other.goto("/portal/account");
  assert.match(other.url(), /sign-in/, "a session that was revoked is over");

  // A new password ends all other sessions, and the old one is worth nothing.
  await portal.signIn(other, account);
  await other.waitForURL(/\/portal\/t\//);
  await portal.go("/portal/account");
  const change = async (old, fresh) => {
    await page.fill('input[name="old"]', old);
    await page.fill('input[name="new"]', fresh);
    await page.click('form[action$="/password"] button');
  };
  portal.expected(/422/);
  await change("not the right passphrase", "a second good passphrase");
  assert.match(await page.textContent('[role="alert"]'), /not right/);
  await change(account.password, "a second good passphrase");
  await page.waitForSelector(".toast.good");
  await other.goto("/portal/account");
  assert.match(other.url(), /sign-in/);
  await portal.signIn(other, account);
  assert.match(await other.textContent('[role="alert"]'), /do not belong together/);
  await portal.signIn(other, { ...account, password: "a second good passphrase" });
  await other.waitForURL(/\/portal\/t\//);

  // Signing out ends the session itself, not only the cookie.
  const kept = await cookie(other);
  await other.click(".menu.right summary");
  await other.click('form[action="/portal/sign-out"] button');
  await other.waitForURL(/sign-in/);
  await other.context().addCookies([{ name: kept.name, value: kept.value, url: `${portal.url}/portal` }]);
  await other.goto("/portal/account");
  assert.match(other.url(), /sign-in/);

  // The operator's link signs in once.
  const said = await portal.command(["operator", "link", account.email]);
  const path = said.match(/\/portal\/enter\/[0-9a-f]{64}/)[0];
  const entered = await portal.visitor();
  await entered.goto(path);
  if (/enter/.test(entered.url())) await entered.click("main button.primary");
  await entered.waitForURL(/\/portal\/t\//);
  portal.expected(/404/);
  assert.equal((await (await portal.visitor()).goto(path)).status(), 404);
}
