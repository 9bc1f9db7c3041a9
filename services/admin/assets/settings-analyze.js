// How a text becomes words, before and after the changes that are not saved: `POST /indexes/{uid}/analyze` with a draft.
import { api } from "./api.js";
import { h, quiet } from "./dom.js";
import { same } from "./settings-diff.js";

/** What a draft of an analysis may name. */
const DRAFTED = ["dictionary", "stopWords", "separatorTokens", "nonSeparatorTokens", "synonyms"];

export function analyzer(uid, texts, settings) {
  const input = document.getElementById("analyze-text");
  const attribute = document.getElementById("analyze-attribute");
  const result = document.getElementById("analyze-result");
  let asked;

  const place = (token) => `${token.start}-${token.end}-${token.form}-${token.stem}`;

  function chip(token, mark) {
    const kind = token.partOfSpeech ?? texts[`kind_${token.kind}`] ?? token.kind;
    const says = { added: texts.diff_added, removed: texts.diff_removed }[mark];
    const stem = token.stem !== token.form && h("small", {}, ` → ${token.stem}`);
    return h("li", { class: mark }, says && h("span", { class: "hidden" }, says), h("b", {}, token.form), stem, h("small", { class: "faint" }, ` ${kind}`));
  }

  function column(title, analysis, marked, mark) {
    const marks = new Set(marked.map(place));
    const part = (name, items) => items.length > 0 && h("div", { class: "part" }, h("h5", {}, name), h("ul", { class: "chips" }, items));
    const dropped = analysis.dropped.map(({ form, reason, partOfSpeech }) => h("li", { class: "dropped" }, h("span", {}, form), h("small", { class: "faint" }, ` ${partOfSpeech ?? texts[`reason_${reason}`]}`)));
    const synonyms = Object.entries(analysis.synonyms).map(([word, means]) => h("li", {}, h("span", {}, `${word} = ${means.join(", ")}`)));
    const tokens = analysis.tokens.map((token) => chip(token, marks.has(place(token)) ? mark : ""));
    return h(
      "div", { class: "analysis" }, h("h4", {}, title),
      tokens.length ? h("ul", { class: "chips tokens" }, tokens) : h("p", { class: "faint" }, texts.no_words),
      part(texts.left_out, dropped), part(texts.also_found, synonyms), part(texts.bigrams, analysis.bigrams.map((pair) => h("li", {}, pair))),
    );
  }

  async function analyze() {
    asked?.abort();
    const text = input.value;
    result.replaceChildren();
    if (!text.trim()) return;
    asked = new AbortController();
    const { before, after } = settings();
    const draft = Object.fromEntries(DRAFTED.filter((name) => !same(before[name], after[name], name)).map((name) => [name, after[name]]));
    try {
      const body = { text, ...(attribute.value.trim() ? { attribute: attribute.value.trim() } : {}), ...draft };
      const answer = await api("POST", `/indexes/${uid}/analyze`, body, { signal: asked.signal });
      const changes = answer.changes ?? { removed: [], added: [] };
      const nothing = answer.draft && !changes.removed.length && !changes.added.length && h("p", { class: "faint" }, texts.same_words);
      result.replaceChildren(
        h("div", { class: "analyses" }, column(texts.now, answer, changes.removed, "removed"), answer.draft && column(texts.with_changes, answer.draft, changes.added, "added")),
        ...[nothing, !same(before.localizedAttributes, after.localizedAttributes) && h("p", { class: "faint" }, texts.not_drafted)].filter(Boolean),
      );
    } catch (error) {
      if (error.name !== "AbortError") result.replaceChildren(h("p", { class: "wrong" }, error.message));
    }
  }

  const soon = quiet(analyze, 250);
  input.addEventListener("input", soon);
  attribute.addEventListener("input", soon);
  return soon;
}
