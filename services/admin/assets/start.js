// The first search: an index is filled, searched while one types, and shown as code.
import { api, ApiError, fill, headers, until, upload } from "./api.js";

const root = document.getElementById("start");
const texts = root.dataset;
const element = (id) => document.getElementById(id);
const types = { json: "application/json", ndjson: "application/x-ndjson", jsonl: "application/x-ndjson", csv: "text/csv" };

let index = texts.index;
let query = "";

// Filling.
function stage(text, share) {
  element("progress").hidden = false;
  element("stage").textContent = text;
  if (share === undefined) element("bar").removeAttribute("value");
  else element("bar").value = share * 100;
}

async function filling(work) {
  const began = performance.now();
  const busy = [...root.querySelectorAll("#fill button, #fill input")];
  busy.forEach((control) => (control.disabled = true));
  try {
    const { uid, wanted, accepted } = await work();
    stage(texts.indexing);
    await until(accepted);
    stage(fill(texts.ready, ((performance.now() - began) / 1000).toFixed(1)), 1);
    show(uid, wanted);
  } catch (error) {
    stage(fill(texts.failed, error.message), 0);
  } finally {
    busy.forEach((control) => (control.disabled = false));
  }
}

function sendFile(file) {
  const uid = element("uid").value.trim();
  if (!/^[A-Za-z0-9_-]{1,400}$/.test(uid)) return stage(texts.nameBad, 0);
  const type = types[file.name.split(".").at(-1).toLowerCase()];
  if (!type) return stage(texts.unreadable, 0);
  return filling(async () => {
    stage(texts.creating);
    const percent = (share) => stage(fill(texts.uploading, `${Math.round(share * 100)} %`), share);
    const accepted = await upload("POST", `/indexes/${uid}/documents`, file, type, percent);
    return { uid, wanted: "", accepted };
  });
}

async function sample(language) {
  await filling(async () => {
    stage(texts.creating);
    const path = `/portal/t/${document.body.dataset.tenant}/start/sample/${language}`;
    const response = await fetch(path, { method: "POST", headers: { ...headers(), accept: "application/json" } });
    if (!response.ok) throw new ApiError(response.status, null);
    const { uid, query: wanted, taskUid } = await response.json();
    return { uid, wanted, accepted: { taskUid } };
  });
}

const drop = element("drop");
if (drop) {
  element("file").addEventListener("change", (event) => event.target.files[0] && sendFile(event.target.files[0]));
  for (const name of ["dragover", "dragenter"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files[0]) sendFile(event.dataTransfer.files[0]);
  });
  root.querySelectorAll("[data-sample]").forEach((button) => button.addEventListener("click", () => sample(button.dataset.sample)));
}

// Searching.
const [PRE, POST] = ["\u0001", "\u0002"];
let asked;

function show(uid, wanted) {
  index = uid;
  element("index-name").textContent = uid;
  element("search").hidden = element("code").hidden = false;
  element("query").value = query = wanted;
  element("query").focus({ preventScroll: false });
  search();
  snippet();
}

async function search() {
  asked?.abort();
  asked = new AbortController();
  const wanted = { q: query, limit: 6, attributesToHighlight: ["*"], attributesToCrop: ["*"], cropLength: 30, highlightPreTag: PRE, highlightPostTag: POST };
  try {
    const found = await api("POST", `/indexes/${index}/search`, wanted, { signal: asked.signal });
    element("found").textContent = found.hits.length ? fill(texts.hits, found.estimatedTotalHits.toLocaleString(), found.processingTimeMs) : texts.none;
    element("hits").replaceChildren(...found.hits.map(hit));
  } catch (error) {
    if (error.name !== "AbortError") element("found").textContent = fill(texts.failed, error.message);
  }
}

// The first texts of a document stand for it.
function hit(document_) {
  const shown = document_._formatted ?? document_;
  const isText = ([name, value]) => typeof value === "string" && value.trim() && !name.startsWith("_");
  const named = Object.entries(shown).filter(isText);
  const rank = ([name]) => { const at = ["title", "name", "label", "subject"].indexOf(name.toLowerCase()); return at < 0 ? 9 : at; };
  const title = [...named].sort((a, b) => rank(a) - rank(b))[0];
  const rest = named.filter((entry) => entry !== title && !/^(id|uid|_id)$/i.test(entry[0])).sort((a, b) => b[1].length - a[1].length)[0];
  const item = document.createElement("li");
  const head = document.createElement("b");
  head.append(...marked(title?.[1] ?? JSON.stringify(document_).slice(0, 120)));
  item.append(head);
  if (rest) {
    const text = document.createElement("p");
    text.append(...marked(rest[1]));
    item.append(text);
  }
  return item;
}

// What documents hold is text and never HTML.
function marked(text) {
  return text.split(PRE).flatMap((part, at) => {
    const [inside, after] = at ? part.split(POST) : [null, part];
    const mark = document.createElement("mark");
    mark.textContent = inside ?? "";
    return inside === null ? [after] : [mark, after ?? ""];
  });
}

element("query").addEventListener("input", (event) => {
  query = event.target.value;
  search();
  snippet();
});

// Code.
const quoted = (text) => JSON.stringify(text);
const snippets = {
  curl: (url, key) => `curl ${url}/indexes/${index}/search \\\n  -H 'Authorization: Bearer ${key}' \\\n  -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify({ q: query }).replaceAll("'", "'\\''")}'`,
  javascript: (url, key) => `// npm install meilisearch\nimport { Meilisearch } from "meilisearch";\n\nconst client = new Meilisearch({ host: ${quoted(url)}, apiKey: ${quoted(key)} });\nconst { hits } = await client.index(${quoted(index)}).search(${quoted(query)});`,
  swift: (url, key) => `// https://github.com/meilisearch/meilisearch-swift\nimport MeiliSearch\n\nlet client = try MeiliSearch(host: ${quoted(url)}, apiKey: ${quoted(key)})\nlet found: Searchable<Product> = try await client.index(${quoted(index)})\n    .search(SearchParameters(query: ${quoted(query)}))`,
  kotlin: (url, key) => `// implementation("com.meilisearch.sdk:meilisearch-java:0.15.0")\nimport com.meilisearch.sdk.*\n\nval client = Client(Config(${quoted(url)}, ${quoted(key)}))\nval found = client.index(${quoted(index)}).search(${quoted(query).replaceAll("$", "\\$")})`,
};
let language = "curl";

function snippet() {
  element("snippet-text").textContent = snippets[language](texts.url, texts.key || texts.placeholder);
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

if (index) show(index, "");
