// The charts of a month: by day as the page has it, by hour as the API tells it.
import { get, toast } from "./api.js";
import { chart, legend } from "./charts.js";

const root = document.getElementById("charts");
const language = document.documentElement.lang;
const texts = root?.dataset;
const number = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
const small = new Intl.NumberFormat(language, { maximumSignificantDigits: 2 });
const compact = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
const STEPS = { day: 86400, hour: 3600 };

const figures = root && JSON.parse(texts.figures);
const money = figures && currencyFormat(figures.currency);
const bytes = (value) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; value >= 1024 && unit < 4; unit += 1) value /= 1024;
  return `${number.format(unit && value < 100 ? Math.round(value * 10) / 10 : Math.round(value))} ${units[unit]}`;
};

function currencyFormat(currency) {
  try {
    const format = new Intl.NumberFormat(language, { style: "currency", currency });
    const exact = new Intl.NumberFormat(language, { style: "currency", currency, maximumFractionDigits: 6 });
    return (value) => (value && Math.abs(value) < 0.01 ? exact : format).format(value);
  } catch {
    return (value) => `${currency} ${number.format(value)}`;
  }
}

/** Every day or hour of the month up to now, also those without anything. */
function filled(points, step) {
  const known = new Map(points.map((point) => [point.time, point]));
  const end = Math.min(Date.parse(texts.to), Date.now()) / 1000;
  const all = [];
  for (let time = Date.parse(texts.from) / 1000; time < end; time += step) {
    all.push(known.get(time) ?? { time, cost: [0, 0, 0], sizes: {}, searches: 0, byteHours: 0 });
  }
  return all;
}

let shown = [];

function draw(points, name) {
  shown.forEach((remove) => remove());
  const step = STEPS[name];
  const all = filled(points, step);
  const x = all.map(({ time }) => time);
  const day = (second) => new Date(second * 1000).toLocaleDateString(language, { dateStyle: "medium", timeZone: "UTC" });
  const options = { x, bars: true, time: name === "day" ? day : undefined };
  const sizes = [...new Set(all.flatMap(({ sizes }) => Object.keys(sizes)))].sort();
  const cost = [texts.containers, texts.storage, texts.searches].map((label, at) => ({ label, values: all.map((point) => point.cost[at]) }));
  const containers = sizes.map((label) => ({ label, values: all.map((point) => (point.sizes[label] ?? 0) / 3600) }));
  const searches = [{ label: texts.searches, values: all.map((point) => point.searches), colour: "--info" }];
  const storage = [{ label: texts.storage, values: all.map((point) => point.byteHours / (step / 3600)), colour: "--good" }];
  const element = (id) => document.getElementById(id);
  shown = [
    chart(element("chart-cost"), { ...options, series: cost, format: money }),
    chart(element("chart-containers"), { ...options, series: containers.length ? containers : [{ label: texts.containers, values: x.map(() => 0) }], format: (value) => (value < 1 ? small : number).format(value) }),
    chart(element("chart-searches"), { ...options, series: searches, format: (value) => compact.format(value) }),
    chart(element("chart-storage"), { ...options, series: storage, format: bytes, bars: false }),
  ];
  legend(element("legend-cost"), cost);
  legend(element("legend-containers"), containers);
}

async function hours() {
  const { results } = await get(`/usage?from=${texts.from}&to=${texts.to}&by=hour`);
  return results.map((used) => ({
    time: Date.parse(used.key) / 1000,
    cost: [used.cost.containers, used.cost.storage, used.cost.searches],
    sizes: used.containerSecondsBySize,
    searches: used.searches,
    byteHours: used.byteHours,
  }));
}

if (root) {
  draw(figures.points, "day");
  const buttons = [...root.querySelectorAll("[data-step]")];
  for (const button of buttons) {
    button.addEventListener("click", async () => {
      try {
        draw(button.dataset.step === "day" ? figures.points : await hours(), button.dataset.step);
        buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
      } catch (error) {
        toast(error.message, "bad");
      }
    });
  }
}
