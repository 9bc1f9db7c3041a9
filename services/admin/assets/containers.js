// What a selection costs, told before it is saved; the slider and the number beside it.
import { fill, get } from "./api.js";

const form = document.getElementById("select");
const texts = form.dataset;
const [slider, replicas] = [document.getElementById("slider"), document.getElementById("replicas")];
const [draft, refused] = [document.getElementById("draft-price"), document.getElementById("refused")];
const saved = Number(document.getElementById("saved-price")?.dataset.month ?? Number.NaN);
const MONTH_HOURS = 730;

// As the server writes it.
function money(amount) {
  const [sign, usual] = { EUR: ["€", 2], USD: ["$", 2], GBP: ["£", 2], KRW: ["₩", 0], JPY: ["¥", 0] }[texts.currency] ?? ["", 2];
  const places = sign && amount !== 0 && Math.abs(amount) < 10 ** (1 - usual) ? usual + 2 : usual;
  return sign ? `${sign}${amount.toFixed(places)}` : `${amount.toFixed(2)} ${texts.currency}`;
}

const value = (name) => form.elements[name]?.value;
const isRange = () => value("mode") === "range";

/** The fewest and the most searchers that are selected. */
const selected = () => (isRange() ? [Number(value("min")), Number(value("max"))] : [Number(replicas.value), Number(replicas.value)]);

function tell() {
  const hour = Number(form.querySelector('input[name="size"]:checked')?.dataset.hour ?? Number.NaN);
  const [min, max] = selected();
  if (Number.isNaN(hour) || ![min, max].every(Number.isInteger)) {
    draft.textContent = "";
    return;
  }
  const month = (count) => hour * count * MONTH_HOURS;
  const parts = [];
  if (max === 0) parts.push(texts.zero);
  else if (min === max) parts.push(fill(texts.price, money(hour * max), money(month(max))));
  else parts.push(fill(texts.range, money(hour * min), money(hour * max), money(month(min)), money(month(max))));
  const difference = month(max) - saved;
  if (!Number.isNaN(saved)) parts.push(Math.abs(difference) < 0.005 ? texts.same : fill(difference > 0 ? texts.more : texts.less, money(Math.abs(difference))));
  draft.textContent = parts.join(" ");
}

// Whether it would be refused, and why: as the API says it.
let asked = 0;
let waiting;
async function check() {
  const mine = ++asked;
  const query = new URLSearchParams({ size: value("size") ?? "", replicas: String(selected()[1]) });
  let why = null;
  try {
    why = (await get(`/indexes/${texts.index}/containers?${query}`)).draft?.refused ?? null;
  } catch (error) {
    // Then saving tells it.
  }
  if (mine !== asked) return;
  refused.hidden = !why;
  refused.textContent = why ?? "";
}

form.addEventListener("input", (event) => {
  if (event.target === slider) replicas.value = slider.value;
  if (event.target === replicas) slider.value = replicas.value;
  tell();
  clearTimeout(waiting);
  waiting = setTimeout(check, 250);
});
tell();

// Waking takes a moment: the button says so.
document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("button");
  if (!event.target.dataset.busy || event.defaultPrevented) return;
  button.disabled = true;
  button.textContent = event.target.dataset.busy;
});
