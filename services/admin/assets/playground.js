// The playground: what is asked, the answer as a site would show it, and the same request as code. What is asked stands in the address behind #, so
// that it can be reloaded and passed on without the server searching.
import { ApiError, at, fill, headers } from "./api.js";
import { Facets, filterOf, refined } from "./facets.js";
import { POST, PRE, hitItem } from "./hits.js";
import { snippets } from "./snippets.js";

const root = document.getElementById("playground");
const texts = root.dataset;
const element = (id) => document.getElementById(id);
const filterable = texts.filterable === "true";
const fields = { q: "query", filter: "filter", sort: "sort", strategy: "strategy", locale: "locale", crop: "crop", perPage: "per-page" };
const DEFAULTS = { q: "", filter: "", sort: "", strategy: "last", locale: "", crop: "30", perPage: "10", page: 1 };
/** Rests a little between what is typed and the search. */
const REST = 40;
/** After so long it is said that the index wakes. */
const PATIENCE = 500;

const state = { ...DEFAULTS, q: element("query").value, values: {}, ranges: {}, ...remembered() };

function remembered() {
  try {
    const params = new URLSearchParams(location.hash.slice(1));
    const known = Object.fromEntries(Object.keys(DEFAULTS).filter((name) => params.has(name)).map((name) => [name, params.get(name)]));
    const page = Math.max(1, Math.trunc(Number(known.page ?? 1)) || 1);
    const texts = (value) => Array.isArray(value) && value.every((part) => typeof part === "string");
    const lists = (name) => Object.fromEntries(Object.entries(JSON.parse(params.get(name) ?? "{}")).filter(([, value]) => texts(value)));
    const numbers = Object.entries(lists("ranges")).filter(([, bounds]) => bounds.length === 2 && bounds.every((bound) => bound === "" || Number.isFinite(Number(bound))));
    return { ...known, page, values: lists("values"), ranges: Object.fromEntries(numbers) };
  } catch (error) {
    return {};
  }
}

function remember() {
  const params = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULTS)) if (String(state[name]) !== String(usual)) params.set(name, state[name]);
  if (Object.values(state.values).some((list) => list.length)) params.set("values", JSON.stringify(state.values));
  if (Object.keys(state.ranges).length) params.set("ranges", JSON.stringify(state.ranges));
  history.replaceState(null, "", `${location.pathname}${params.size ? `#${params}` : ""}`);
}

// What is asked.

/** The request as an app would send it: what differs from the defaults. */
function request() {
  const filter = filterOf(state);
  const crop = Number(state.crop);
  return {
    q: state.q,
    ...(filter ? { filter } : {}),
    ...(state.sort ? { sort: [state.sort] } : {}),
    ...(filterable ? { facets: ["*"] } : {}),
    ...(state.strategy === "last" ? {} : { matchingStrategy: state.strategy }),
    ...(state.locale ? { locales: [state.locale] } : {}),
    attributesToHighlight: ["*"],
    ...(crop > 0 ? { attributesToCrop: ["*"], cropLength: crop } : {}),
    page: state.page,
    hitsPerPage: Number(state.perPage),
  };
}

const curious = { highlightPreTag: PRE, highlightPostTag: POST, showRankingScore: true, showRankingScoreDetails: true, showMatchesPosition: true };

async function ask(body, signal) {
  const response = await fetch(at(`/indexes/${texts.index}/search`), { method: "POST", signal, body: JSON.stringify(body), headers: { ...headers(), "content-type": "application/json" } });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, answer);
  return { ...answer, generation: response.headers.get("x-onggi-generation") };
}

let asked;
let last;
let waiting;
async function search() {
  remember();
  snippet();
  asked?.abort();
  const mine = (asked = new AbortController());
  const began = performance.now();
  const patience = setTimeout(() => texts.asleep === "true" && (element("found").textContent = texts.waking), PATIENCE);
  try {
    const wanted = request();
    // An attribute of which something is chosen is counted as if nothing were, so that one can choose more of it.
    const others = refined(state).map(async (name) => {
      const filter = filterOf(state, name);
      const { filter: left, ...rest } = wanted;
      return [name, await ask({ ...rest, ...(filter ? { filter } : {}), hitsPerPage: 1, page: 1, facets: [name] }, mine.signal)];
    });
    const [answer, ...counted] = await Promise.all([ask({ ...wanted, ...curious }, mine.signal), ...others]);
    texts.asleep = "false";
    last = { answer, counted: Object.fromEntries(counted), took: performance.now() - began };
    show();
  } catch (error) {
    if (error.name !== "AbortError") refuse(error);
  } finally {
    clearTimeout(patience);
  }
}

function refuse(error) {
  const atFilter = error.code === "invalid_search_filter" && state.filter.trim();
  element("filter-error").textContent = atFilter ? error.message : "";
  if (atFilter) element("options").open = true;
  element("found").textContent = fill(texts.failed, atFilter ? "" : error.message).replace(/: ?$/, "");
  element("took").textContent = "";
}

// What is shown.

function show() {
  const { answer, counted, took } = last;
  element("filter-error").textContent = "";
  const total = answer.totalHits ?? answer.estimatedTotalHits ?? 0;
  const most = total >= Number(texts.most);
  element("found").textContent = total ? fill(most ? texts.foundMost : texts.found, total.toLocaleString()) : texts.none;
  const parts = [fill(texts.took, answer.processingTimeMs, Math.round(took))];
  if (answer.generation) parts.push(fill(texts.generation, answer.generation));
  if (answer.degraded) parts.push(texts.degraded);
  element("took").textContent = parts.join(" · ");
  const first = (state.page - 1) * Number(state.perPage) + 1;
  const items = answer.hits.map((hit, at) => hitItem(hit, { place: first + at, next: answer.hits[at + 1], asked: state.q, texts }));
  element("hits").start = first;
  element("hits").replaceChildren(...(items.length ? items : [nothing()]));
  facets?.show(answer, counted);
  pager(answer.totalPages ?? 1);
}

function nothing() {
  const item = document.createElement("li");
  item.className = "faint";
  item.textContent = texts.noneHelp;
  if (filterOf(state)) {
    const clear = document.createElement("button");
    Object.assign(clear, { type: "button", className: "small", textContent: texts.clear });
    clear.addEventListener("click", () => {
      Object.assign(state, { filter: "", values: {}, ranges: {}, page: 1 });
      fillIn();
      search();
      element("query").focus();
    });
    item.append(" ", clear);
  }
  return item;
}

function pager(pages) {
  const box = element("pager");
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.step : null;
  box.hidden = pages <= 1;
  const button = (text, step, disabled) => {
    const made = document.createElement("button");
    Object.assign(made, { type: "button", className: "small", textContent: text, disabled });
    made.dataset.step = step;
    made.addEventListener("click", () => {
      state.page += step;
      search();
      element("found").scrollIntoView({ block: "nearest" });
    });
    return made;
  };
  const place = document.createElement("span");
  place.textContent = fill(texts.page, state.page, pages);
  box.replaceChildren(button(texts.before, -1, state.page <= 1), place, button(texts.after, 1, state.page >= pages));
  if (focused) (box.querySelector(`[data-step="${focused}"]:not(:disabled)`) ?? box.querySelector("button:not(:disabled)"))?.focus({ preventScroll: true });
}

// What is typed and chosen.

function fillIn() {
  for (const [name, id] of Object.entries(fields)) if (element(id)) element(id).value = state[name];
  options();
}

/** How many options are not as they usually are. */
function options() {
  const set = ["filter", "sort", "strategy", "locale", "crop", "perPage"].filter((name) => String(state[name]).trim() !== DEFAULTS[name]).length;
  element("options-set").hidden = set === 0;
  element("options-set").textContent = String(set);
}

for (const [name, id] of Object.entries(fields)) {
  element(id).addEventListener("input", (event) => {
    state[name] = event.target.value;
    state.page = 1;
    options();
    clearTimeout(waiting);
    waiting = setTimeout(search, REST);
  });
}
element("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});

const facets = filterable
  ? new Facets(element("facets"), {
      index: texts.index,
      texts,
      state,
      changed: ({ again = false } = {}) => {
        if (again) return last && facets.show(last.answer, last.counted);
        state.page = 1;
        return search();
      },
    })
  : null;
// Where there is no room beside the hits, one opens what one wants to refine.
if (filterable && matchMedia("(max-width: 800px)").matches) element("refine").open = false;

// Code.

let language = "curl";
function snippet() {
  const { page, hitsPerPage, ...wanted } = request();
  const usual = page === 1 && hitsPerPage === 20;
  const written = usual ? wanted : { ...wanted, page, hitsPerPage };
  element("snippet-text").textContent = snippets[language](texts.url, texts.key || texts.placeholder, texts.index, written);
}

root.querySelectorAll("[data-code]").forEach((tab) =>
  tab.addEventListener("click", () => {
    language = tab.dataset.code;
    root.querySelectorAll("[data-code]").forEach((other) => {
      other.setAttribute("aria-selected", String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
    });
    element("snippet").setAttribute("aria-labelledby", tab.id);
    snippet();
  }),
);

addEventListener("hashchange", () => {
  Object.assign(state, DEFAULTS, { values: {}, ranges: {} }, remembered());
  fillIn();
  search();
});

fillIn();
search();
