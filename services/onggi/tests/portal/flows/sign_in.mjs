// Signing in and out, what is told to whom, and where one is sent.
import assert from "node:assert/strict";

export default async function (portal) {
  const { page } = portal;
  const account = await portal.signUp();
  await page.click(".menu.right summary");
  await page.click('form[action="/portal/sign-out"] button');
  await page.waitForURL(/sign-in/);
  await page.goto(`/portal/t/${account.tenant}`);
  assert.match(page.url(), /\/portal\/sign-in\?next=/, "who is not signed in is asked to be");

  // Wrong password and unknown account: the same words, and no account takes noticeably longer.
  portal.expected(/422/);
  const told = [];
  for (const email of [account.email, "nobody@example.com", "no address@"]) {
    await page.goto("/portal/sign-in");
    await page.$eval("form.stack", (form) => (form.noValidate = true));
    await page.fill('input[name="email"]', email);
    await page.fill('input[name="password"]', "not the right passphrase");
    await page.click("main button.primary");
    told.push(await page.textContent('[role="alert"]'));
  }
  assert.equal(new Set(told).size, 1, told.join("\n"));
  await portal.look("sign-in-wrong", { reload: false });

  // One goes on to where one was going, and never out of the portal.
  await portal.signIn(page, account, `/portal/t/${account.tenant}/members`);
  await page.waitForURL(`**/portal/t/${account.tenant}/members`);
  for (const next of ["https://evil.example/", "//evil.example/", "/portal//evil.example", "/\\evil.example", "/portal/../../evil", "javascript:alert(1)", "/docs"]) {
    const other = await portal.visitor();
    await portal.signIn(other, account, next);
    await other.waitForURL(/\/portal\/t\//);
    assert.ok(other.url().startsWith(`${portal.url}/portal/t/`), `${next}: ${other.url()}`);
    await other.context().close();
    portal.pages = portal.pages.filter((one) => one !== other);
  }

  // Language and appearance stay chosen.
  await page.click(".menu.right summary");
  await page.selectOption(".popup select[name=language]", "ko");
  await page.waitForFunction(() => document.documentElement.lang === "ko");
  await page.click(".menu.right summary");
  await page.selectOption(".popup select[name=theme]", "dark");
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  assert.match(await page.textContent("h1"), /구성원/);
  const korean = await portal.visitor({ locale: "ko-KR" });
  await korean.goto("/portal/sign-in");
  assert.match(await korean.textContent("h1"), /로그인/);

  // By keyboard alone.
  const keys = await portal.visitor();
  await keys.goto("/portal/sign-in");
  await keys.keyboard.type(account.email);
  await keys.keyboard.press("Tab");
  await keys.keyboard.type(account.password);
  await keys.keyboard.press("Enter");
  await keys.waitForURL(/\/portal\/t\//);
  await keys.keyboard.press("Tab");
  assert.equal(await keys.evaluate(() => document.activeElement.className), "skip");

  // A bad password is refused with a reason, an address is one account's.
  const other = await portal.visitor();
  const tries = [["password1234", /first that somebody would try/], ["short", /12 characters/]];
  for (const [password, reason] of tries) {
    await other.goto("/portal/sign-up");
    await other.$eval("form.stack", (form) => (form.noValidate = true));
    await other.fill('input[name="email"]', "new@example.com");
    await other.fill('input[name="tenant"]', "New");
    await other.fill('input[name="password"]', password);
    await other.click("main button.primary");
    assert.match(await other.textContent('[role="alert"]'), reason);
  }
  await other.fill('input[name="email"]', account.email);
  await other.fill('input[name="password"]', "another good passphrase");
  await other.click("main button.primary");
  assert.match(await other.textContent('[role="alert"]'), /Sign in instead/);
}
