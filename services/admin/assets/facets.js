// Facets beside the hits: values with their counts, ranges of numbers; what is chosen becomes a filter.
import { api, fill } from "./api.js";

const SHOWN = 8;
const SEARCHABLE = 20;
const RANGE = 12;

const RESERVED = new Set(["AND", "OR", "NOT", "IN", "TO", "EXISTS", "IS", "NULL", "EMPTY", "CONTAINS", "STARTS", "WITH"]);
const quoted = (text) => `"${text.replace(/[\\"]/g, "\\$&")}"`;

/** A name or a value as filters write it. */
const word = (text) => (/^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u.test(text) && !RESERVED.has(text.toUpperCase()) ? text : quoted(text));

/** What is chosen: values of an attribute are joined by OR, attributes by AND. `without` leaves out one attribute. */
export function filterOf({ values, ranges, filter }, without) {
  const parts = [];
  for (const [name, chosen] of Object.entries(values)) {
    if (name === without || chosen.length === 0) continue;
    const any = chosen.map((value) => `${word(name)} = ${quoted(value)}`);
    parts.push(any.length > 1 ? `(${any.join(" OR ")})` : any[0]);
  }
  for (const [name, [from, to]] of Object.entries(ranges)) {
    if (name === without) continue;
    if (from !== "") parts.push(`${word(name)} >= ${from}`);
    if (to !== "") parts.push(`${word(name)} <= ${to}`);
  }
  if (filter.trim()) parts.push(parts.length && /\bOR\b/i.test(filter) ? `(${filter.trim()})` : filter.trim());
  return parts.join(" AND ");
}

/** Attributes that something is chosen of. */
export const refined = ({ values, ranges }) => [
  ...Object.keys(values).filter((name) => values[name].length),
  ...Object.keys(ranges).filter((name) => ranges[name].some((bound) => bound !== "")),
];

export class Facets {
  constructor(box, { index, texts, state, changed }) {
    Object.assign(this, { box, index, texts, state, changed, open: new Set(), found: {} });
  }

  /** Shows what an answer counted; `counted` has the answers in which one attribute was left out of the filter. */
  show({ facetDistribution = {}, facetStats = {} }, counted) {
    const focused = this.box.contains(document.activeElement) ? document.activeElement : null;
    // A number that is being typed has changed nothing yet: its facet stays as it is until it has.
    const typed = focused?.matches("input[type=number]") && focused.value !== this.bound(focused) ? focused.closest("fieldset") : null;
    const names = [...new Set([...Object.keys(facetDistribution), ...refined(this.state)])];
    const facets = names
      .map((name) => {
        if (name === typed?.dataset.name) return typed;
        const own = counted[name];
        return this.facet(name, own?.facetDistribution?.[name] ?? facetDistribution[name] ?? {}, own?.facetStats?.[name] ?? facetStats[name]);
      })
      .filter(Boolean);
    const at = facets.indexOf(typed);
    if (at >= 0) {
      for (const facet of [...this.box.children]) if (facet !== typed) facet.remove();
      typed.before(...facets.slice(0, at));
      typed.after(...facets.slice(at + 1));
      return;
    }
    this.box.replaceChildren(...facets);
    // What had the focus is another element now.
    if (focused) this.box.querySelector(`[data-key="${CSS.escape(focused.dataset.key)}"]`)?.focus({ preventScroll: true });
  }

  /** What holds of a number that may be typed anew. */
  bound(input) {
    return this.state.ranges[input.closest("fieldset").dataset.name]?.[input.dataset.at] ?? "";
  }

  facet(name, counts, stats) {
    const all = Object.entries(counts);
    const chosen = this.state.values[name] ?? [];
    if (all.length === 0 && chosen.length === 0 && !this.state.ranges[name]) return null;
    const set = document.createElement("fieldset");
    set.className = "facet";
    set.dataset.name = name;
    const legend = document.createElement("legend");
    legend.textContent = name;
    set.append(legend);
    if ((stats && all.length > RANGE) || this.state.ranges[name]) {
      set.append(this.range(name, stats));
      return set;
    }
    for (const value of chosen) if (!(value in counts)) all.push([value, 0]);
    all.sort((a, b) => Number(chosen.includes(b[0])) - Number(chosen.includes(a[0])) || b[1] - a[1] || a[0].localeCompare(b[0]));
    if (all.length >= SEARCHABLE) set.append(this.search(name));
    const wanted = this.found[name];
    const rows = wanted ? wanted.map(({ value, count }) => [value, count]) : all;
    const shown = this.open.has(name) || wanted ? rows : rows.slice(0, SHOWN);
    set.append(...shown.map(([value, count]) => this.value(name, value, count, chosen.includes(value))));
    if (rows.length > SHOWN && !wanted) set.append(this.more(name, rows.length - SHOWN));
    return set;
  }

  value(name, value, count, checked) {
    const label = document.createElement("label");
    label.className = "facet-value";
    const box = document.createElement("input");
    Object.assign(box, { type: "checkbox", checked, autocomplete: "off" });
    box.dataset.key = `${name}=${value}`;
    box.addEventListener("change", () => {
      const before = this.state.values[name] ?? [];
      this.state.values[name] = box.checked ? [...before, value] : before.filter((other) => other !== value);
      this.changed();
    });
    const text = document.createElement("span");
    text.textContent = value === "" ? "∅" : value;
    const number = document.createElement("small");
    number.className = "faint";
    number.textContent = count.toLocaleString();
    label.append(box, text, number);
    return label;
  }

  more(name, count) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "quiet small" });
    button.dataset.key = `more ${name}`;
    button.setAttribute("aria-expanded", String(this.open.has(name)));
    button.textContent = this.open.has(name) ? this.texts.less : fill(this.texts.more, count);
    button.addEventListener("click", () => {
      if (!this.open.delete(name)) this.open.add(name);
      this.changed({ again: true });
    });
    return button;
  }

  range(name, stats) {
    const row = document.createElement("div");
    row.className = "facet-range";
    const bounds = this.state.ranges[name] ?? ["", ""];
    [this.texts.from, this.texts.to].forEach((text, at) => {
      const input = document.createElement("input");
      Object.assign(input, { type: "number", step: "any", value: bounds[at], placeholder: String([stats?.min, stats?.max][at] ?? ""), autocomplete: "off" });
      input.setAttribute("aria-label", `${name}: ${text}`);
      input.dataset.key = `${name} ${at}`;
      input.dataset.at = at;
      input.addEventListener("change", () => {
        const next = [...(this.state.ranges[name] ?? ["", ""])];
        next[at] = input.value;
        if (next.every((bound) => bound === "")) delete this.state.ranges[name];
        else this.state.ranges[name] = next;
        this.changed();
      });
      row.append(input);
    });
    return row;
  }

  search(name) {
    const input = document.createElement("input");
    Object.assign(input, { type: "search", placeholder: this.texts.facetSearch, value: this.asked?.[name] ?? "", autocomplete: "off" });
    input.setAttribute("aria-label", `${name}: ${this.texts.facetSearch}`);
    input.dataset.key = `search ${name}`;
    input.addEventListener("input", () => this.find(name, input));
    return input;
  }

  async find(name, input) {
    const facetQuery = input.value;
    this.asked = { ...this.asked, [name]: facetQuery };
    delete this.found[name];
    if (facetQuery) {
      const filter = filterOf(this.state, name);
      const wanted = { facetName: name, facetQuery, q: this.state.q, ...(filter ? { filter } : {}) };
      const answer = await api("POST", `/indexes/${this.index}/facet-search`, wanted).catch(() => null);
      if (this.asked[name] !== facetQuery) return;
      if (answer) this.found[name] = answer.facetHits;
    }
    const at = input.selectionStart;
    this.changed({ again: true });
    const now = this.box.querySelector(`[data-key="${CSS.escape(`search ${name}`)}"]`);
    now?.focus({ preventScroll: true });
    now?.setSelectionRange(at, at);
  }
}
