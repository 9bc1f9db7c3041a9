// What queries find in this index and in another one, side by side.
import { api, fill, toast } from "./api.js";
import { documentId } from "./document-id.js";
import { h } from "./dom.js";

const root = document.getElementById("results");
const texts = root.dataset;
const form = document.getElementById("compare-form");
/** Hits of each side, and queries of one run. */
const HITS = 10;
const QUERIES = 20;

/** The first text of a document stands for it, a name before others. */
function title(hit) {
  const isText = ([, value]) => typeof value === "string" && value.trim();
  const rank = ([name]) => { const at = ["title", "name", "label", "subject"].indexOf(name.toLowerCase()); return at < 0 ? 9 : at; };
  const named = Object.entries(hit).filter(isText).filter(([name]) => name !== texts.primaryKey).sort((a, b) => rank(a) - rank(b))[0];
  return (named?.[1] ?? JSON.stringify(hit)).slice(0, 140);
}

const id = (hit) => JSON.stringify(documentId(hit, texts.primaryKey) ?? hit);

function side(name, answer, other, isOther) {
  const places = new Map(other.hits.map((hit, at) => [id(hit), at]));
  const row = (hit, at) => {
    const there = places.get(id(hit));
    let badge = null;
    if (there === undefined) badge = isOther ? ["good", texts.new] : ["warn", texts.gone];
    else if (isOther && there !== at) badge = there > at ? ["info", fill(texts.up, there - at)] : ["", fill(texts.down, at - there)];
    return h("li", {}, h("span", {}, title(hit)), " ", badge && h("span", { class: `badge ${badge[0]}` }, badge[1]));
  };
  return h("div", {}, h("h4", {}, `${name} · ${fill(texts.hits, (answer.estimatedTotalHits ?? answer.hits.length).toLocaleString(document.documentElement.lang))}`), answer.hits.length ? h("ol", {}, answer.hits.map(row)) : h("p", { class: "faint" }, texts.none));
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const beside = document.getElementById("beside").value;
  const lines = document.getElementById("queries").value.split("\n").map((line) => line.trim()).filter(Boolean);
  const queries = lines.length ? [...new Set(lines)].slice(0, QUERIES) : [""];
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const pairs = queries.flatMap((q) => [texts.uid, beside].map((indexUid) => ({ indexUid, q, limit: HITS })));
    const { results } = await api("POST", "/multi-search", { queries: pairs });
    const asked = queries.map((query, at) => {
      const [here, there] = results.slice(at * 2, at * 2 + 2);
      const alike = here.hits.map(id).join() === there.hits.map(id).join();
      return h("section", { class: "asked" }, h("h3", {}, query || texts.all, " ", alike && h("span", { class: "badge good" }, texts.same)), h("div", { class: "sides" }, side(texts.uid, here, there, false), side(beside, there, here, true)));
    });
    document.getElementById("side-by-side").replaceChildren(...asked);
  } catch (error) {
    toast(error.message, "bad");
  } finally {
    button.disabled = false;
  }
});
