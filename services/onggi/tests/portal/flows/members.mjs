// Owners invite, members join; what each role may do, on pages and through the API.
import assert from "node:assert/strict";

export default async function (portal) {
  const { page: owner } = portal;
  const { tenant } = await portal.signUp(owner, { tenant: "Guild" });
  await portal.fill(owner, "jars", [{ id: 1, title: "Red jar" }]);
  const members = `/portal/t/${tenant}/members`;

  async function invite(email, role) {
    await portal.go(members, owner);
    await owner.fill('form[action$="/invite"] input[name="email"]', email);
    await owner.selectOption('form[action$="/invite"] select[name="role"]', role);
    await owner.click('form[action$="/invite"] button');
    return owner.textContent("#invitation-link");
  }

  const link = await invite("viewer@example.com", "viewer");
  await portal.look("members-invited", { page: owner, reload: false });
  const viewer = await portal.visitor();
  await viewer.goto(link);
  await portal.look("invitation", { page: viewer });
  await viewer.click("main a.primary");
  await viewer.fill('input[name="name"]', "Vera");
  await viewer.fill('input[name="password"]', "a long enough passphrase");
  await viewer.click("main button.primary");
  await viewer.waitForURL(`**/portal/t/${tenant}`);
  const again = await portal.visitor();
  portal.expected(/404/);
  assert.equal((await again.goto(link)).status(), 404, "an invitation works once");
  await portal.look("not-found", { page: again });

  // A viewer looks and searches, and changes nothing: neither by the page nor around it.
  portal.expected(/403/);
  assert.equal(await viewer.locator("main a.primary").count(), 0);
  assert.equal((await portal.api(viewer, "POST", "/indexes/jars/search", { q: "red" })).body.hits.length, 1);
  assert.equal((await portal.api(viewer, "GET", "/indexes/jars/settings")).status, 200);
  const changes = [
    ["POST", "/indexes", { uid: "new" }], ["DELETE", "/indexes/jars"], ["PATCH", "/indexes/jars", { primaryKey: "x" }], ["POST", "/indexes/jars/documents", [{ id: 2 }]],
    ["DELETE", "/indexes/jars/documents"], ["PATCH", "/indexes/jars/settings", {}], ["PUT", "/indexes/jars/settings/stop-words", []], ["PATCH", "/indexes/jars/containers", { replicas: 3 }],
    ["POST", "/indexes/jars/wake"], ["POST", "/indexes/jars/sleep"], ["POST", "/keys", { actions: ["*"], indexes: ["*"], expiresAt: null }], ["GET", "/keys"], ["POST", "/dumps"],
    ["POST", "/webhooks", { url: "https://example.com" }], ["DELETE", "/tasks?statuses=succeeded"], ["POST", "/swap-indexes", []],
  ];
  for (const [method, path, body] of changes) {
    const { status, body: answer } = await portal.api(viewer, method, path, body);
    assert.deepEqual([status, answer.code], [403, "role_not_sufficient"], `${method} ${path}`);
  }
  const me = (await portal.api(viewer, "GET", "/portal/api/account")).body;
  const base = `/portal/api/tenants/${tenant}`;
  const people = (await portal.api(viewer, "GET", `${base}/members`)).body.results;
  const theOwner = people.find(({ role }) => role === "owner");
  for (const [method, path, body] of [
    ["POST", `${base}/invitations`, { email: "x@example.com", role: "owner" }], ["GET", `${base}/invitations`], ["PATCH", `${base}/members/${me.uid}`, { role: "owner" }], ["DELETE", `${base}/members/${theOwner.uid}`],
  ]) {
    assert.equal((await portal.api(viewer, method, path, body)).status, 403, `${method} ${path}`);
  }
  const forged = await viewer.evaluate(async (members) => {
    const csrf = document.querySelector('meta[name="csrf"]').content;
    const body = new URLSearchParams({ csrf, email: "x@example.com", role: "owner" });
    return (await fetch(`${members}/invite`, { method: "POST", body })).status;
  }, members);
  assert.equal(forged, 403);

  // A developer changes indexes, and neither keys nor members; keys that allow more are not shown.
  await portal.go(members, owner);
  await owner.selectOption(`form[action$="/role"]:has(input[value="${me.uid}"]) select`, "developer");
  await owner.waitForSelector(".toast.good");
  await viewer.reload();
  for (;;) {
    // The gateway believes in what it has looked up for less than a second.
    const { status } = await portal.api(viewer, "PATCH", "/indexes/jars/settings", { stopWords: ["the"] });
    if (status === 202) break;
    assert.equal(status, 403);
  }
  assert.equal((await portal.api(viewer, "POST", "/keys", { actions: ["search"], indexes: ["*"], expiresAt: null })).status, 403);
  const keys = (await portal.api(viewer, "GET", "/keys")).body.results;
  for (const { actions, key } of keys) assert.equal(key === null, actions.includes("*"), JSON.stringify(actions));
  await portal.go(members, viewer);
  assert.equal(await viewer.locator('form[action$="/invite"]').count(), 0);
  await portal.go(members, owner);
  await portal.look("members", { page: owner });

  // Somebody always owns it. Whoever is removed sees nothing any more.
  await owner.selectOption(`form[action$="/role"]:has(input[value="${theOwner.uid}"]) select`, "viewer");
  assert.match(await owner.textContent('[role="alert"]'), /needs an owner/);
  owner.on("dialog", (dialog) => dialog.accept());
  await portal.go(members, owner);
  await owner.click(`form[action$="/remove"]:has(input[value="${me.uid}"]) button`);
  await owner.waitForSelector(".toast.good");
  assert.equal((await viewer.goto(`/portal/t/${tenant}`)).status(), 404);
  for (;;) {
    const { status } = await portal.api(viewer, "GET", "/indexes", undefined, { tenant });
    if (status === 404) break;
    assert.equal(status, 200);
  }
  // An invitation is for one address.
  const second = await invite("somebody@example.com", "viewer");
  await viewer.goto(second);
  assert.match(await viewer.textContent("main"), /another address/);
}
