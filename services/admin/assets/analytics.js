// The charts of an index's searches; the same numbers stand in a table below.
import { chart, legend } from "./charts.js";

const root = document.getElementById("charts");
const { x, found, empty, p50, p99, clicks } = JSON.parse(root.dataset.chart);
const language = document.documentElement.lang;
const time = root.dataset.daily === "true" ? (second) => new Date(second * 1000).toLocaleDateString(language, { dateStyle: "medium", timeZone: "UTC" }) : undefined;
const count = (value) => Math.round(value).toLocaleString(language);
const milliseconds = (value) => `${value.toLocaleString(language, { maximumFractionDigits: 1 })} ms`;
const percent = (value) => value.toLocaleString(language, { style: "percent", maximumFractionDigits: 1 });

function draw(name, series, options) {
  const host = document.getElementById(`chart-${name}`);
  if (!host) return;
  chart(host, { x, series, time, ...options });
  legend(document.getElementById(`legend-${name}`), series);
}

draw("searches", [{ label: root.dataset.found, values: found, colour: "--accent" }, { label: root.dataset.empty, values: empty, colour: "--warn" }], { format: count, bars: true });
draw("times", [{ label: "p50", values: p50, colour: "--good" }, { label: "p99", values: p99, colour: "--info" }], { format: milliseconds });
draw("clicks", [{ label: root.dataset.clicks, values: clicks, colour: "--accent" }], { format: percent });
