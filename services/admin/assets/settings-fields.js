// Settings that are a value, a choice, or a few of them; and filterable attributes with what each may be used for.
import { fill } from "./api.js";
import { check, field, h, newId } from "./dom.js";
import { tokens } from "./settings-lists.js";

const whole = (text) => (/^\d+$/.test(text.trim()) ? Number(text) : null);

/** A number; empty is `null` where that means something. */
export function number(value, change, { label, least = 0, most, empty = false, placeholder, help }) {
  const input = h("input", {
    type: "number", inputmode: "numeric", class: "number-input", min: String(least), max: most && String(most), value: value ?? "", placeholder, required: !empty,
    oninput: (event) => {
      const next = whole(event.target.value);
      if (next !== null) change(next);
      else if (empty && event.target.value === "") change(null);
    },
  });
  return field(label, input, help);
}

/** One of several, with what each means: `options` is `[[value, name, explanation]]`. */
export function choice(value, change, label, options) {
  const name = newId("choice");
  const option = ([wanted, says, help]) =>
    h("label", { class: "check" }, h("input", { type: "radio", name, checked: wanted === value, onchange: () => change(wanted) }), h("span", {}, says, help && h("br"), help && h("small", { class: "faint" }, help)));
  return h("div", { class: "stack", role: "radiogroup", "aria-label": label }, options.map(option));
}

export function flag(value, change, label) {
  return check(label, value, change);
}

export function proximity(value, change, texts) {
  return choice(value, change, texts.proximity, [["byWord", texts.by_word, texts.by_word_help], ["byAttribute", texts.by_attribute, texts.by_attribute_help]]);
}

export function prefix(value, change, texts) {
  return choice(value, change, texts.prefix, [["indexingTime", texts.prefix_on, texts.prefix_on_help], ["disabled", texts.prefix_off, texts.prefix_off_help]]);
}

export function cutoff(value, change, texts) {
  return number(value, change, { label: texts.cutoff, least: 1, empty: true, placeholder: "1500" });
}

export function distinct(value, change, texts) {
  const input = h("input", { list: "known-fields", value: value ?? "", placeholder: texts.no_attribute, autocomplete: "off", spellcheck: "false", oninput: (event) => change(event.target.value.trim() || null) });
  return field(texts.attribute, input);
}

export function pagination(value, change, texts) {
  return number(value.maxTotalHits, (maxTotalHits) => change({ ...value, maxTotalHits }), { label: texts.max_total_hits, least: 0 });
}

export function typoTolerance(value, change, texts) {
  let next = structuredClone(value);
  const set = (changes) => {
    next = { ...next, ...changes };
    change(structuredClone(next));
  };
  const sizes = (changes) => set({ minWordSizeForTypos: { ...next.minWordSizeForTypos, ...changes } });
  const more = h(
    "div", { class: "stack" },
    h(
      "div", { class: "row wrap" },
      number(value.minWordSizeForTypos.oneTypo, (oneTypo) => sizes({ oneTypo }), { label: texts.one_typo, most: 255 }),
      number(value.minWordSizeForTypos.twoTypos, (twoTypos) => sizes({ twoTypos }), { label: texts.two_typos, most: 255 }),
    ),
    h("div", { class: "part" }, h("h4", {}, texts.no_typo_words), tokens(value.disableOnWords, (disableOnWords) => set({ disableOnWords }), texts)),
    h("div", { class: "part" }, h("h4", {}, texts.no_typo_attributes), tokens(value.disableOnAttributes, (disableOnAttributes) => set({ disableOnAttributes }), texts, { label: texts.attribute, suggestions: "known-fields" })),
    check(texts.no_typo_numbers, value.disableOnNumbers, (disableOnNumbers) => set({ disableOnNumbers })),
  );
  more.hidden = !value.enabled;
  const enabled = check(texts.typos, value.enabled, (enabled) => {
    more.hidden = !enabled;
    set({ enabled });
  });
  return h("div", { class: "stack" }, enabled, more);
}

export function faceting(value, change, texts) {
  let next = structuredClone(value);
  const rows = Object.entries(value.sortFacetValuesBy).filter(([attribute]) => attribute !== "*").map(([attribute, order]) => ({ attribute, order }));
  let usual = value.sortFacetValuesBy["*"] ?? "alpha";
  const list = h("ul", { class: "rules" });
  const tell = () => {
    const orders = Object.fromEntries(rows.filter(({ attribute }) => attribute.trim()).map(({ attribute, order }) => [attribute.trim(), order]));
    change({ ...next, sortFacetValuesBy: { "*": usual, ...orders } });
  };
  const order = (value, label, chosen) =>
    h("select", { "aria-label": label, onchange: (event) => chosen(event.target.value) }, [["alpha", texts.by_alphabet], ["count", texts.by_count]].map(([name, says]) => h("option", { value: name, selected: name === value }, says)));
  function draw() {
    list.replaceChildren(
      ...rows.map((rule, at) =>
        h(
          "li", { class: "row wrap" },
          h("input", { value: rule.attribute, list: "known-fields", "aria-label": texts.attribute, placeholder: texts.attribute, autocomplete: "off", spellcheck: "false", oninput: (event) => { rule.attribute = event.target.value; tell(); } }),
          order(rule.order, fill(texts.order_of, rule.attribute), (chosen) => { rule.order = chosen; tell(); }),
          h("button", { type: "button", class: "small quiet", "aria-label": fill(texts.remove, rule.attribute || String(at + 1)), onclick: () => { rows.splice(at, 1); draw(); tell(); } }, "×"),
        ),
      ),
    );
  }
  draw();
  return h(
    "div", { class: "stack" },
    number(value.maxValuesPerFacet, (maxValuesPerFacet) => { next = { ...next, maxValuesPerFacet }; tell(); }, { label: texts.max_values }),
    field(texts.facet_order, order(usual, texts.facet_order, (chosen) => { usual = chosen; tell(); })),
    list,
    h("div", { class: "row" }, h("button", { type: "button", class: "small", onclick: () => { rows.push({ attribute: "", order: "count" }); draw(); list.querySelector("li:last-child input").focus(); } }, texts.add_exception)),
  );
}

/** What a filterable attribute may be used for. A name alone may be used for everything. */
export function filterable(value, change, texts) {
  const read = (rule) =>
    typeof rule === "string"
      ? { patterns: rule, short: true, facetSearch: true, equality: true, comparison: true }
      : { patterns: rule.attributePatterns.join(", "), short: false, facetSearch: rule.features?.facetSearch ?? false, equality: rule.features?.filter?.equality ?? true, comparison: rule.features?.filter?.comparison ?? false };
  const rows = value.map(read);
  const body = h("tbody");
  const table = h(
    "div", { class: "scroll", tabindex: "0", role: "region", "aria-label": texts.uses },
    h("table", { class: "compact" }, h("thead", {}, h("tr", {}, [texts.patterns, texts.use_equality, texts.use_comparison, texts.use_facets].map((name) => h("th", {}, name)), h("th", {}, h("span", { class: "hidden" }, texts.removing)))), body),
  );
  const written = ({ patterns, short, facetSearch, equality, comparison }) => {
    const list = patterns.split(",").map((pattern) => pattern.trim()).filter(Boolean);
    if (!list.length) return [];
    if (short && list.length === 1 && facetSearch && equality && comparison) return list;
    return [{ attributePatterns: list, features: { facetSearch, filter: { equality, comparison } } }];
  };
  const tell = () => change(rows.flatMap(written));
  function draw() {
    table.hidden = !rows.length;
    body.replaceChildren(
      ...rows.map((rule, at) => {
        const box = (name, label) => h("td", {}, h("input", { type: "checkbox", checked: rule[name], "aria-label": `${label}: ${rule.patterns}`, onchange: (event) => { rule[name] = event.target.checked; tell(); } }));
        return h(
          "tr", {},
          h("td", {}, h("input", { value: rule.patterns, list: "known-fields", "aria-label": texts.patterns, autocomplete: "off", spellcheck: "false", oninput: (event) => { rule.patterns = event.target.value; tell(); } })),
          box("equality", texts.use_equality), box("comparison", texts.use_comparison), box("facetSearch", texts.use_facets),
          h("td", { class: "right" }, h("button", {
            type: "button", class: "small quiet", "aria-label": fill(texts.remove, rule.patterns || String(at + 1)),
            onclick: () => {
              rows.splice(at, 1);
              draw();
              tell();
            },
          }, "×")),
        );
      }),
    );
  }
  draw();
  const add = h("button", {
    type: "button", class: "small",
    onclick: () => {
      rows.push({ patterns: "", short: true, facetSearch: true, equality: true, comparison: true });
      draw();
      body.querySelector("tr:last-child input").focus();
    },
  }, texts.add_attribute);
  return h("div", { class: "stack" }, table, h("div", { class: "row" }, add));
}
