// Charts over time, drawn by uPlot (`vendor/uplot.min.js`, loaded before this as a classic script) in the colours of the page.
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const PALETTE = ["--accent", "--info", "--good", "--warn", "--bad", "--faint"];
const HEIGHT = 220;

/** Adds up series so that each stands on the ones before it. */
function stacked(series) {
  const sums = [];
  return series.map(({ values }) => values.map((value, at) => (sums[at] = (sums[at] ?? 0) + (value ?? 0))));
}

/**
 * Draws a chart into an element and keeps it as wide as that; returns a function that removes it.
 *   x       seconds since 1970
 *   series  [{label, values, colour?: a name of a token such as "--good"}]
 *   format  a value as people read it
 *   time    a time as people read it
 *   bars    bars, on top of each other, instead of lines
 */
export function chart(host, { x, series, format = String, time, bars = false, height = HEIGHT }) {
  let drawn;
  const language = document.documentElement.lang;
  const asTime = time ?? ((second) => new Date(second * 1000).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" }));
  const step = x.length > 1 ? x[1] - x[0] : 86400;
  const shown = bars ? stacked(series) : series.map(({ values }) => values);
  const tip = document.createElement("div");
  tip.className = "chart-tip";
  tip.hidden = true;

  function draw() {
    drawn?.destroy();
    const colours = series.map(({ colour }, at) => style(colour ?? PALETTE[at % PALETTE.length]));
    const [line, text] = [style("--line"), style("--faint")];
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const paths = bars ? window.uPlot.paths.bars({ size: [0.7, 48] }) : undefined;
    const lines = series.map(({ label }, at) => ({
      label, paths, stroke: colours[at], fill: bars ? colours[at] : undefined, width: bars ? 0 : 2, points: { show: false, filter: (_, series) => (bars ? null : alone(shown[series - 1])) },
    }));
    const order = bars ? [...series.keys()].reverse() : [...series.keys()];
    const options = {
      width: Math.max(host.clientWidth, 120), height, legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: !bars } },
      scales: { x: { range: (_, low, high) => (bars ? [low - step / 2, high + step / 2] : [low, high]) }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.05 : 1] } },
      axes: [
        { stroke: text, font, grid: { show: false }, ticks: { stroke: line }, values: (_, ticks) => ticks.map((second) => axisTime(second, step, language)), space: 64 },
        { stroke: text, font, grid: { stroke: line }, ticks: { show: false }, values: (_, ticks) => ticks.map(format), size: 64 },
      ],
      series: [{}, ...order.map((at) => lines[at])],
      hooks: { setCursor: [pointed] },
    };
    drawn = new window.uPlot(options, [x, ...order.map((at) => shown[at])], host);
    drawn.over.append(tip);
  }

  function pointed({ cursor: { idx, left }, over }) {
    tip.hidden = idx === null || idx === undefined || left < 0;
    if (tip.hidden) return;
    const head = document.createElement("b");
    head.textContent = asTime(x[idx]);
    const rows = series.map(({ label, values }) => {
      const row = document.createElement("span");
      row.textContent = `${label}: ${values[idx] === null ? "–" : format(values[idx])}`;
      return row;
    });
    tip.replaceChildren(head, ...rows);
    tip.classList.toggle("left", left > over.clientWidth / 2);
    tip.style.left = `${left}px`;
  }

  draw();
  const resized = new ResizeObserver(() => drawn.setSize({ width: Math.max(host.clientWidth, 120), height }));
  resized.observe(host);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", draw);
  return () => {
    resized.disconnect();
    dark.removeEventListener("change", draw);
    drawn.destroy();
  };
}

/** Places of values without a neighbour: no line shows them. */
function alone(values) {
  const there = (at) => values[at] !== null && values[at] !== undefined;
  return values.map((_, at) => at).filter((at) => there(at) && !there(at - 1) && !there(at + 1));
}

/** A time below a chart: as exact as the chart is. Steps of a day and more are those of UTC. */
function axisTime(second, step, language) {
  const date = new Date(second * 1000);
  if (step >= 86400) return date.toLocaleDateString(language, { month: "numeric", day: "numeric", timeZone: "UTC" });
  const midnight = date.getHours() === 0 && date.getMinutes() === 0;
  return midnight ? date.toLocaleDateString(language, { month: "numeric", day: "numeric" }) : date.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hour12: false });
}

/** Which colour stands for what, as a list below a chart. */
export function legend(list, series) {
  list.replaceChildren(
    ...series.map(({ label, colour }, at) => {
      const item = document.createElement("li");
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      swatch.style.background = `var(${colour ?? PALETTE[at % PALETTE.length]})`;
      item.append(swatch, label);
      return item;
    }),
  );
}
