// What flows have in common. A flow is `flows/<name>.mjs` with `export default async function (portal) {...}`, and a name in `flows!` of main.rs.
//   portal.page                      a page of a visitor that is nobody yet (Playwright)
//   await portal.signUp()            makes an account and a tenant of its own there; returns {email, password, tenant}
//   await portal.visitor({...})      another visitor with cookies of its own; returns its page
//   await portal.join(tenant, role)  invites somebody as the owner on `portal.page`; returns the page of who has joined
//   await portal.submit(button, page?) clicks on what sends a form, and waits for the page that answers
//   await portal.until(ask, good)    asks until the answer is good, and returns it
//   await portal.go(path, page?)     opens a path of the portal
//   await portal.look(name, {...})   looks at what is shown: accessibility, budgets, pictures in 8 variants; what is wrong with it fails the flow at its end
//   await portal.api(page, ...)      calls the tenant API as the page's scripts do; returns {status, body}
//   await portal.command([...])      runs an `onggi` command on the same data; returns what it prints
//   portal.expected(pattern)         an error of the console that has to be there
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const { ONGGI_URL: url, ONGGI_DATA, BINARY, SCREENSHOTS } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };

/** What the first look at a page may cost: bytes over the wire, requests, milliseconds to the first paint. */
export const BUDGET = { bytes: 100_000, requests: 14, paint: 2500 };

export class Portal {
  static async open(flow) {
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
    const portal = new Portal();
    Object.assign(portal, { browser, flow, url, problems: [], allowed: [], faults: [], number: 0, pages: [] });
    if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true });
    portal.page = await portal.visitor();
    return portal;
  }

  async visitor(options = {}) {
    const context = await this.browser.newContext({ baseURL: url, viewport: DESKTOP, locale: "en-US", colorScheme: "light", ...options });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    // Told by the browser itself, before any script of the page.
    await page.addInitScript(() => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
    });
    page.on("pageerror", (error) => this.problems.push(`${page.url()}: ${error}`));
    page.on("console", (message) => message.type() === "error" && this.problems.push(`${page.url()}: ${message.text()}`));
    page.on("response", (response) => response.status() >= 500 && this.problems.push(`${response.status()} ${response.url()}`));
    this.pages.push(page);
    return page;
  }

  expected(pattern) {
    this.allowed.push(pattern);
  }

  async go(path, page = this.page) {
    const response = await page.goto(path);
    assert.ok(response.status() < 400, `${path}: ${response.status()}`);
    return response;
  }

  async signUp(page = this.page, { tenant = "Jar & Co", email, password = "a long enough passphrase" } = {}) {
    this.number += 1;
    email ??= `person${this.number}-${this.flow}@example.com`;
    await this.go("/portal/sign-up", page);
    await page.fill('input[name="email"]', email);
    await page.fill('input[name="tenant"]', tenant);
    await page.fill('input[name="password"]', password);
    await page.click("main button.primary");
    await page.waitForURL(/\/portal\/t\/[0-9a-f-]+\/start$/);
    return { email, password, tenant: page.url().match(/\/t\/([0-9a-f-]+)/)[1] };
  }

  async signIn(page, { email, password }, next = "") {
    await page.goto(`/portal/sign-in${next && `?next=${encodeURIComponent(next)}`}`);
    await page.fill('input[name="email"]', email);
    await page.fill('input[name="password"]', password);
    await page.click("main button.primary");
  }

  /** Somebody who has been invited to a tenant and has joined it. */
  async join(tenant, role, owner = this.page) {
    this.number += 1;
    await this.go(`/portal/t/${tenant}/members`, owner);
    await owner.fill('form[action$="/invite"] input[name="email"]', `${role}${this.number}-${this.flow}@example.com`);
    await owner.selectOption('form[action$="/invite"] select[name="role"]', role);
    await owner.click('form[action$="/invite"] button');
    const page = await this.visitor();
    await page.goto(await owner.textContent("#invitation-link"));
    await page.click("main a.primary");
    await page.fill('input[name="name"]', "Vera");
    await page.fill('input[name="password"]', "a long enough passphrase");
    await page.click("main button.primary");
    await page.waitForURL(`**/portal/t/${tenant}`);
    return page;
  }

  /** Clicks on what sends a form, and waits until the page that answers is there. */
  async submit(button, page = this.page) {
    const loaded = page.waitForEvent("load");
    await page.locator(button).click();
    await loaded;
  }

  /** Asks for something until it is as it should be; fails with what was answered last. */
  async until(ask, good, patience = 60_000) {
    const end = Date.now() + patience;
    for (;;) {
      const answer = await ask();
      if (good(answer)) return answer;
      if (Date.now() > end) throw new Error(`it never came: ${JSON.stringify(answer)?.slice(0, 2000)}`);
      await new Promise((rested) => setTimeout(rested, 100));
    }
  }

  /** Calls the tenant API as a script of the page would; `csrf: null` leaves out what proves it. */
  async api(page, method, path, body, { tenant, csrf } = {}) {
    return page.evaluate(
      async ([method, path, body, tenant, csrf]) => {
        const token = csrf === undefined ? document.querySelector('meta[name="csrf"]').content : csrf;
        const headers = { "content-type": "application/json", ...(token === null ? {} : { "x-onggi-csrf": token }) };
        const whole = path.startsWith("/portal/") ? path : `/portal/api/${tenant ?? document.body.dataset.tenant}${path}`;
        const response = await fetch(whole, { method, headers, body: body === undefined || body === null ? undefined : JSON.stringify(body) });
        const text = await response.text();
        let parsed = text;
        try { parsed = JSON.parse(text); } catch { /* no JSON */ }
        return { status: response.status, body: parsed };
      },
      [method, path, body, tenant, csrf],
    );
  }

  /** Sends documents and waits until they are searchable. */
  async fill(page, uid, documents) {
    const { status, body } = await this.api(page, "POST", `/indexes/${uid}/documents`, documents);
    assert.equal(status, 202, JSON.stringify(body));
    for (;;) {
      const { body: task } = await this.api(page, "GET", `/tasks/${body.taskUid}`);
      if (task.status === "succeeded") return;
      assert.ok(!["failed", "canceled"].includes(task.status), JSON.stringify(task));
      await new Promise((rested) => setTimeout(rested, 50));
    }
  }

  async command(args) {
    const env = { ...process.env, ONGGI_DATA, ONGGI_URL: url };
    return (await promisify(execFile)(BINARY, args, { env })).stdout;
  }

  /** Looks at what is shown. `reload: false` where a reload would show something else; `budget: false` where the page is not the first one. */
  async look(name, { page = this.page, reload = true, budget = false } = {}) {
    await this.check(page, name);
    if (budget) await this.measure(page, name);
    const languages = reload ? ["en", "ko"] : [null];
    for (const language of languages) {
      if (language) {
        await this.speak(page, language);
        await page.reload({ waitUntil: "load" });
      }
      for (const scheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme: scheme });
        for (const [device, viewport] of [["desktop", DESKTOP], ["phone", PHONE]]) {
          await page.setViewportSize(viewport);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          if (wide > 0) this.faults.push(`${name} on a ${device}: ${wide} pixels wider than the screen`);
          if (SCREENSHOTS) await this.picture(page, `${name}.${device}.${scheme}.${language ?? "en"}`);
        }
        await this.check(page, `${name} ${scheme} ${language ?? ""}`);
      }
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(DESKTOP);
    if (reload) {
      await this.speak(page, "en");
      await page.reload({ waitUntil: "load" });
    }
  }

  /** A picture of a whole page; of what is to be seen of it where a dialog lies over it. */
  async picture(page, name) {
    const whole = await page.evaluate(() => {
      const dialog = document.querySelector("dialog[open]");
      if (!dialog) window.scrollTo(0, 0);
      return !dialog;
    });
    await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: whole });
  }

  async speak(page, language) {
    await page.context().addCookies([{ name: "onggi_language", value: language, url: `${url}/portal` }]);
  }

  /** Accessibility, and the page's own policy. */
  async check(page, name) {
    // The debugger's evaluation is not bound by the page's policy.
    if (!(await page.evaluate(() => Boolean(window.axe)))) await page.evaluate(axe);
    const found = await page.evaluate(async () => {
      // Colours are judged as they stay, not on their way there.
      for (const animation of document.getAnimations()) if (animation instanceof CSSTransition) animation.finish();
      const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
      const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
      return serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(" | ")}`);
    });
    this.faults.push(...found.map((fault) => `${name}: ${fault}`));
    const forbidden = await page.evaluate(() => window.violations.splice(0));
    this.faults.push(...forbidden.map((violation) => `${name}: content security policy: ${violation}`));
  }

  /** What a first look costs, in a browser that has seen nothing yet. */
  async measure(page, name) {
    const cookies = await page.context().cookies();
    const fresh = await this.visitor();
    await fresh.context().addCookies(cookies);
    await fresh.goto(page.url(), { waitUntil: "load" });
    const cost = await fresh.evaluate(() => {
      const [page] = performance.getEntriesByType("navigation");
      const parts = performance.getEntriesByType("resource");
      const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
      return { bytes: page.transferSize + parts.reduce((sum, part) => sum + part.transferSize, 0), requests: parts.length + 1, paint };
    });
    for (const [what, most] of Object.entries(BUDGET)) if (cost[what] > most) this.faults.push(`${name}: ${what} is ${cost[what]}, more than ${most}`);
    await fresh.context().close();
    this.pages = this.pages.filter((one) => one !== fresh);
  }

  verify() {
    const unexpected = this.problems.filter((problem) => !this.allowed.some((pattern) => pattern.test(problem)));
    assert.deepEqual([...this.faults, ...unexpected], []);
  }

  async fail(error) {
    console.error(error);
    for (const [at, page] of this.pages.entries()) {
      console.error(`page ${at}: ${page.url()}`);
      if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/failed-${this.flow}-${at}.png` }).catch(() => {});
    }
    console.error([...this.faults, ...this.problems].join("\n"));
  }

  async close() {
    await this.browser.close();
  }
}
