// The operator's area: for operators only; tenants suspended, resumed and deleted; everything that runs.
import assert from "node:assert/strict";

export default async function (portal) {
  const { page } = portal;
  const account = await portal.signUp(page, { tenant: "Kiln" });
  await portal.fill(page, "jars", [{ id: 1 }]);
  portal.expected(/40[34]/);
  for (const path of ["", "/containers", "/people"]) assert.equal((await page.goto(`/portal/operator${path}`)).status(), 404);
  assert.equal((await portal.api(page, "GET", "/portal/api/operator/tenants")).status, 404);

  await portal.command(["operator", "add", account.email]);
  const customer = await portal.visitor();
  const other = await portal.signUp(customer, { tenant: "Customer" });
  await portal.go("/portal/operator");
  await portal.look("operator-tenants", { budget: true });
  await page.fill('input[name="q"]', "custom");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=custom/);
  assert.equal(await page.locator("tbody tr").count(), 1);
  await page.click("tbody form:not(dialog form) button");
  await page.waitForSelector(".toast.good");
  for (;;) {
    const { status, body } = await portal.api(customer, "GET", "/indexes");
    if (body.code === "tenant_suspended") break;
    assert.equal(status, 200);
  }
  await customer.goto(`/portal/t/${other.tenant}`);
  assert.match(await customer.textContent(".callout"), /suspended/);
  assert.equal((await portal.api(page, "PATCH", `/portal/api/operator/tenants/${other.tenant}`, { status: "active" })).status, 204);

  await portal.go("/portal/operator/containers");
  await page.waitForSelector("tbody tr");
  assert.match(await page.textContent("main"), /Kiln/);
  await portal.look("operator-containers");
  await portal.go("/portal/operator/people");
  await portal.look("operator-people");

  // Deleting asks for the name.
  const remove = async (typed) => {
    await portal.go("/portal/operator?q=customer");
    await page.click("[data-open]");
    await page.fill("dialog[open] input[name=confirm]", typed);
    await page.click("dialog[open] button.danger");
    await page.waitForSelector(".toast");
  };
  await remove("something else");
  assert.equal((await customer.goto(`/portal/t/${other.tenant}`)).status(), 200);
  await remove("Customer");
  assert.equal((await customer.goto(`/portal/t/${other.tenant}`)).status(), 404);
}
