// Signing in with an identity provider: a new person, the same one again, one who is not let in, one whose address has an account, a forged answer.
import assert from "node:assert/strict";

export default async function (portal) {
  // The provider's own pages are not ours to judge.
  portal.expected(/http:\/\/127\.0\.0\.1:\d+\/interaction/);
  const enter = async (page, name, at = "/portal/sign-in") => {
    await page.goto(at);
    await page.click('a[href^="/portal/oidc/acme"]');
    await page.waitForSelector('input[name="login"]');
    await page.fill('input[name="login"]', name);
    await page.fill('input[name="password"]', "any");
    await page.click('button[type="submit"]');
    await page.waitForSelector('button[type="submit"]');
    await page.click('button[type="submit"]');
    await page.waitForURL(/\/portal\/(?!oidc)/);
  };
  const { page } = portal;
  await portal.go("/portal/sign-in");
  await portal.look("sign-in-provider");
  await enter(page, "mina");
  await page.waitForURL(/\/portal\/new/);
  await page.fill('input[name="name"]', "Acme");
  await page.click("main button.primary");
  await page.waitForURL(/\/start$/);
  const { body: account } = await portal.api(page, "GET", "/portal/api/account");
  assert.deepEqual([account.email, account.name], ["mina@acme.test", "mina"]);

  const again = await portal.visitor();
  await enter(again, "mina");
  await again.waitForURL(/\/portal\/t\//);
  const stranger = await portal.visitor();
  await enter(stranger, "stranger");
  assert.match(await stranger.textContent('[role="alert"]'), /not let in/);
  const unverified = await portal.visitor();
  await enter(unverified, "unverified");
  assert.match(await unverified.textContent('[role="alert"]'), /not let in/);

  // Whoever has an account with a password connects the provider from inside, and is not taken over from outside.
  const owner = await portal.visitor();
  const known = await portal.signUp(owner, { email: "jun@acme.test" });
  const outside = await portal.visitor();
  await enter(outside, "jun");
  assert.match(await outside.textContent('[role="alert"]'), /account with this address already/);
  await enter(owner, "jun", "/portal/account");
  await owner.waitForSelector(".badge.good");
  const connected = await portal.visitor();
  await enter(connected, "jun");
  await connected.waitForURL(new RegExp(known.tenant));

  // Answers that nobody asked for.
  const forged = await portal.visitor();
  await forged.goto("/portal/oidc/acme/callback?code=x&state=y");
  assert.match(await forged.textContent('[role="alert"]'), /did not confirm/);
  await forged.goto("/portal/sign-in");
  const away = forged.waitForURL(/interaction/);
  await forged.click('a[href^="/portal/oidc/acme"]');
  await away;
  await forged.goto("/portal/oidc/acme/callback?code=x&state=wrong");
  assert.match(await forged.textContent('[role="alert"]'), /did not confirm/);
}
