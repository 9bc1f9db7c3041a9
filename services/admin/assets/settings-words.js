// Words: synonyms, the dictionary, languages of attributes.
import { fill } from "./api.js";
import { h } from "./dom.js";
import { tokens } from "./settings-lists.js";

/** Rows that are shown at once. */
const SHOWN = 100;

/** What each word means. Without a prototype: `constructor` is a word like any other. */
const byWord = (entries) => Object.assign(Object.create(null), entries);

const commas = (text) => [...new Set(text.split(",").map((word) => word.trim()).filter(Boolean))];

/** An entry of the dictionary, or what is wrong with it. `나무집=나무+집` is a word with its parts. */
export function dictionaryProblem(texts) {
  return (entry) => {
    const [, word, parts] = entry.match(/^([^=]+)=(.*\+.*)$/s) ?? [];
    if (!word) return null;
    const pieces = parts.split("+");
    return pieces.some((piece) => !piece) || pieces.join("") !== word ? fill(texts.parts_wrong, word) : null;
  };
}

export function dictionary(value, change, texts) {
  const problem = dictionaryProblem(texts);
  const show = (entry) => {
    const [, word, parts] = entry.match(/^([^=]+)=(.*\+.*)$/s) ?? [];
    return word ? `${word} = ${parts.split("+").join(" + ")}` : entry;
  };
  const input = (add) => {
    const word = h("input", { "aria-label": texts.word, placeholder: texts.word, autocomplete: "off", spellcheck: "false" });
    const parts = h("input", { "aria-label": texts.parts, placeholder: texts.parts, autocomplete: "off", spellcheck: "false" });
    const wrong = h("small", { class: "wrong", role: "alert", hidden: true });
    const take = () => {
      const pieces = parts.value.split(/[\s+]+/).filter(Boolean);
      const entry = pieces.length > 1 ? `${word.value.trim()}=${pieces.join("+")}` : word.value.trim();
      if (!entry) return;
      const why = problem(entry) ?? (add(entry) ? null : texts.there_already);
      wrong.hidden = !why;
      wrong.textContent = why ?? "";
      if (why) return;
      word.value = parts.value = "";
      word.focus();
    };
    for (const line of [word, parts]) {
      line.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.isComposing) return;
        event.preventDefault();
        take();
      });
    }
    return h("div", {}, h("div", { class: "row wrap adder" }, word, parts, h("button", { type: "button", class: "small", onclick: take }, texts.add)), wrong);
  };
  return tokens(value, change, texts, { problem, show, input });
}

/** Lines such as `jar => pot, crock` (one way) or `jar, pot, crock` (each means the others). */
export function readSynonyms(text) {
  const read = byWord({});
  const put = (word, means) => { read[word] = [...new Set([...(read[word] ?? []), ...means])].filter((other) => other !== word); };
  for (const line of text.split("\n")) {
    const [left, right] = line.split("=>");
    if (right !== undefined) {
      for (const word of commas(left)) if (commas(right).length) put(word, commas(right));
    } else {
      const words = commas(line);
      if (words.length > 1) for (const word of words) put(word, words);
    }
  }
  return read;
}

export const writeSynonyms = (synonyms) => Object.entries(synonyms).map(([word, means]) => `${word} => ${means.join(", ")}`).join("\n");

export function synonyms(value, change, texts) {
  let map = byWord(structuredClone(value));
  let asText = false;
  let wanted = "";
  const host = h("div", { class: "stack" });
  const tell = () => change(structuredClone(map));
  const body = h("tbody");
  const rest = h("p", { class: "faint" });

  function rows() {
    const matches = ([word, means]) => !wanted || word.includes(wanted) || means.some((other) => other.includes(wanted));
    const found = Object.entries(map).filter(matches);
    const row = ([word, means], at) =>
      h(
        "tr", {}, h("th", { scope: "row" }, word),
        h("td", {}, h("input", {
          value: means.join(", "), "aria-label": fill(texts.means_of, word), autocomplete: "off", spellcheck: "false",
          onchange: (event) => {
            const next = commas(event.target.value);
            if (next.length) map[word] = next;
            else event.target.value = map[word].join(", ");
            tell();
          },
        })),
        h("td", { class: "right" }, h("button", {
          type: "button", class: "small quiet", "aria-label": fill(texts.remove, word),
          onclick: () => {
            delete map[word];
            rows();
            const buttons = body.querySelectorAll("button");
            (buttons[Math.min(at, buttons.length - 1)] ?? host.querySelector("input"))?.focus();
            tell();
          },
        }, "×")),
      );
    body.replaceChildren(...found.slice(0, SHOWN).map(row));
    rest.textContent = found.length > SHOWN ? fill(texts.more, found.length - SHOWN) : "";
    rest.hidden = !rest.textContent;
  }

  function draw() {
    const toggle = h("button", { type: "button", class: "small quiet", "aria-pressed": String(asText), onclick: () => { asText = !asText; draw(); } }, asText ? texts.as_list : texts.as_text);
    if (asText) {
      const lines = h("textarea", { rows: "10", spellcheck: "false", "aria-label": texts.synonym_lines, oninput: (event) => { map = readSynonyms(event.target.value); tell(); } });
      lines.value = writeSynonyms(map);
      host.replaceChildren(h("label", { class: "field" }, h("span", {}, texts.synonym_lines), lines), h("div", { class: "row" }, toggle));
      return;
    }
    const word = h("input", { "aria-label": texts.synonym_word, placeholder: texts.synonym_word, autocomplete: "off", spellcheck: "false" });
    const means = h("input", { "aria-label": texts.synonym_means, placeholder: texts.synonym_means, autocomplete: "off", spellcheck: "false" });
    const both = h("input", { type: "checkbox", checked: true });
    const take = () => {
      const others = commas(means.value);
      const first = word.value.trim();
      if (!first || !others.length) return;
      const added = readSynonyms(both.checked ? [first, ...others].join(", ") : `${first} => ${others.join(", ")}`);
      for (const [key, list] of Object.entries(added)) map[key] = [...new Set([...(map[key] ?? []), ...list])];
      word.value = means.value = "";
      draw();
      tell();
      host.querySelector(".adder input").focus();
    };
    for (const line of [word, means]) {
      line.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.isComposing) return;
        event.preventDefault();
        take();
      });
    }
    const count = Object.keys(map).length;
    const filter = count > 20 && h("input", { type: "search", class: "filter", "aria-label": texts.filter, placeholder: texts.filter, value: wanted, oninput: (event) => { wanted = event.target.value; rows(); } });
    rows();
    const head = h("thead", {}, h("tr", {}, h("th", {}, texts.synonym_word), h("th", {}, texts.also_means), h("th", {}, h("span", { class: "hidden" }, texts.removing))));
    host.replaceChildren(
      ...[
        filter,
        count > 0 && h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": texts.also_means }, h("table", { class: "compact" }, head, body)),
        rest,
        h("div", { class: "row wrap adder" }, word, means, h("label", { class: "check" }, both, h("span", {}, texts.both_ways)), h("button", { type: "button", class: "small", onclick: take }, texts.add)),
        h("div", { class: "row" }, toggle),
      ].filter(Boolean),
    );
  }
  draw();
  return host;
}

/** Patterns of attributes with the languages that they are written in. */
export function localized(value, change, texts) {
  const rows = (value ?? []).map(({ attributePatterns, locales }) => ({ patterns: attributePatterns.join(", "), locales: locales.join(", ") }));
  const host = h("div", { class: "stack" });
  function tell() {
    const rules = rows.map(({ patterns, locales }) => ({ attributePatterns: commas(patterns), locales: commas(locales) })).filter(({ attributePatterns }) => attributePatterns.length);
    change(rules.length ? rules : null);
  }
  function draw() {
    const line = (rule, at) => {
      const input = (name, label, list) => h("input", { value: rule[name], list, "aria-label": label, placeholder: label, autocomplete: "off", spellcheck: "false", oninput: (event) => { rule[name] = event.target.value; tell(); } });
      return h(
        "li", { class: "row wrap" }, input("patterns", texts.patterns, "known-fields"), input("locales", texts.locales),
        h("button", { type: "button", class: "small quiet", "aria-label": fill(texts.remove, rule.patterns || String(at + 1)), onclick: () => { rows.splice(at, 1); draw(); tell(); } }, "×"),
      );
    };
    host.replaceChildren(
      h("ul", { class: "rules" }, rows.map(line)),
      h("div", { class: "row" }, h("button", {
        type: "button", class: "small",
        onclick: () => {
          rows.push({ patterns: "", locales: "" });
          draw();
          host.querySelector("li:last-child input").focus();
        },
      }, texts.add_rule)),
    );
  }
  draw();
  return host;
}
