// On every page: what works without this works better with it.
import { headers, toast } from "./api.js";

document.documentElement.classList.add("scripted");

// Times as the visitor's own.
const language = document.documentElement.lang;
const absolute = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const steps = [["second", 60], ["minute", 60], ["hour", 24], ["day", 7]];
function tell(time) {
  const then = new Date(time.dateTime);
  let distance = (then - Date.now()) / 1000;
  time.title = absolute.format(then);
  for (const [unit, size] of steps) {
    if (Math.abs(distance) < size) {
      time.textContent = relative.format(Math.round(distance), unit);
      return;
    }
    distance /= size;
  }
  time.textContent = absolute.format(then);
}
export const tellTimes = (within = document) => within.querySelectorAll("time[datetime]").forEach(tell);
tellTimes();
setInterval(tellTimes, 30_000);
document.addEventListener("htmx:afterSettle", (event) => tellTimes(event.target));
document.addEventListener("htmx:sseMessage", () => tellTimes());

// htmx shows what proves that a request comes from this page, and tells what was refused.
document.addEventListener("htmx:configRequest", (event) => Object.assign(event.detail.headers, headers()));
document.addEventListener("htmx:responseError", (event) => toast(event.detail.xhr.responseText || document.body.dataset.failed, "bad"));

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button, a");
  if (!button) return;
  const { copy, open, toggle } = button.dataset;
  if (copy) {
    const source = document.querySelector(copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent).catch(() => select(source));
    toast(document.body.dataset.copied, "good");
  }
  if (open) document.getElementById(open)?.showModal();
  if (button.matches("[data-close]")) button.closest("dialog")?.close();
  if (toggle) {
    const shown = document.getElementById(toggle).classList.toggle("open");
    button.setAttribute("aria-expanded", String(shown));
  }
});

// Without the right to write to the clipboard: what is selected can be copied by hand.
function select(source) {
  const range = document.createRange();
  range.selectNodeContents(source);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

// Menus close when one looks elsewhere.
const menus = () => document.querySelectorAll("details.menu[open]");
document.addEventListener("click", (event) => menus().forEach((menu) => menu.contains(event.target) || (menu.open = false)));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Tabs: arrows move between them.
document.addEventListener("keydown", (event) => {
  const tab = event.target.closest('[role="tab"]');
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!tab || !step) return;
  const tabs = [...tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]')];
  const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
  next.focus();
  next.click();
});

// A notice that came with the page goes, and a reload does not bring it again.
for (const shown of document.querySelectorAll("#toasts .toast")) setTimeout(() => shown.remove(), 6000);
const here = new URL(location.href);
if (here.searchParams.has("notice")) {
  here.searchParams.delete("notice");
  history.replaceState(null, "", here);
}
