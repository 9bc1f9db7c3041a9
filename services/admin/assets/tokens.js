// Tenant tokens: rows of rules, the code that makes such a token, and a search that shows what it opens.
import { fill } from "./api.js";
import { rows } from "./rules.js";

const root = document.getElementById("tokens");
const element = (id) => document.getElementById(id);

// Code.
function choose(chosen) {
  for (const tab of root.querySelectorAll("[data-code]")) {
    tab.setAttribute("aria-selected", String(tab === chosen));
    tab.tabIndex = tab === chosen ? 0 : -1;
  }
  element("snippet").setAttribute("aria-labelledby", chosen.id);
  snippet();
}

/** The rules of the form as pairs of index and filter. */
function wanted() {
  const all = [...root.querySelectorAll("#rules .rule")].map((row) => [...row.querySelectorAll("input")].map((input) => input.value.trim()));
  return all.filter(([index, filter]) => index || filter);
}

function snippet() {
  const form = element("token-form").elements;
  const asked = { uid: form.key.value, seconds: Number(form.expiry.value), rules: wanted(), url: root.dataset.url };
  const language = root.querySelector('[data-code][aria-selected="true"]').dataset.code;
  element("snippet-text").textContent = snippets[language](asked);
}

// Texts as each language writes them. JSON's are texts in JavaScript, Python and Java too.
const text = (value) => JSON.stringify(value);
const php = (value) => `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
const lines = (rules, line, indent) => rules.map(line).map((each) => `${indent}${each},\n`).join("");

const snippets = {
  node: ({ uid, seconds, rules }) => `// npm install meilisearch
import { generateTenantToken } from "meilisearch/token";

const token = await generateTenantToken({
  apiKey: process.env.SEARCH_KEY,
  apiKeyUid: ${text(uid)},
  searchRules: ${rules.length ? `{
${lines(rules, ([index, filter]) => `${text(index)}: ${filter ? `{ filter: ${text(filter)} }` : "{}"}`, "    ")}  }` : "{}"},${seconds ? `\n  expiresAt: new Date(Date.now() + ${seconds} * 1000),` : ""}
});`,
  python: ({ uid, seconds, rules, url }) => `# pip install meilisearch
import datetime
import os

import meilisearch

client = meilisearch.Client(${text(url)}, os.environ["SEARCH_KEY"])
token = client.generate_tenant_token(
    ${text(uid)},
    ${rules.length ? `{
${lines(rules, ([index, filter]) => `${text(index)}: ${filter ? `{"filter": ${text(filter)}}` : "{}"}`, "        ")}    }` : "{}"},${seconds ? `\n    expires_at=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=${seconds}),` : ""}
)`,
  java: ({ uid, seconds, rules, url }) => `// implementation("com.meilisearch.sdk:meilisearch-java:0.15.0")
Client client = new Client(new Config(${text(url)}, System.getenv("SEARCH_KEY")));
Map<String, Object> rules = new HashMap<>();
${rules.map(([index, filter]) => `rules.put(${text(index)}, ${filter ? `Map.of("filter", ${text(filter)})` : "Map.of()"});\n`).join("")}TenantTokenOptions options = new TenantTokenOptions();
options.setApiKey(System.getenv("SEARCH_KEY"));${seconds ? `\noptions.setExpiresAt(Date.from(Instant.now().plusSeconds(${seconds})));` : ""}
String token = client.generateTenantToken(${text(uid)}, rules, options);`,
  php: ({ uid, seconds, rules, url }) => `// composer require meilisearch/meilisearch-php
$client = new Meilisearch\\Client(${php(url)}, getenv('SEARCH_KEY'));
$token = $client->generateTenantToken(
    ${php(uid)},
    ${rules.length ? `[
${lines(rules, ([index, filter]) => `${php(index)} => ${filter ? `['filter' => ${php(filter)}]` : "(object) []"}`, "        ")}    ]` : "[]"},
    ['apiKey' => getenv('SEARCH_KEY')${seconds ? `, 'expiresAt' => new DateTime('+${seconds} seconds')` : ""}]
);`,
};

// Trying.
const [PRE, POST] = ["\u0001", "\u0002"];

async function search() {
  const uid = element("try-index").value;
  if (!uid) return;
  const asked = { q: element("try-query").value, limit: 5, attributesToHighlight: ["*"], attributesToCrop: ["*"], cropLength: 20, highlightPreTag: PRE, highlightPostTag: POST };
  const headers = { authorization: `Bearer ${element("token").textContent}`, "content-type": "application/json" };
  const status = element("try-status");
  element("try-hits").replaceChildren();
  try {
    // As an app would: with the token and nothing else.
    const response = await fetch(`/indexes/${encodeURIComponent(uid)}/search`, { method: "POST", credentials: "omit", headers, body: JSON.stringify(asked) });
    const found = await response.json();
    status.className = response.ok ? "" : "callout bad";
    if (!response.ok) {
      status.textContent = fill(root.dataset.refused, found.message);
      return;
    }
    status.textContent = found.hits.length ? fill(root.dataset.hits, found.estimatedTotalHits.toLocaleString()) : root.dataset.none;
    element("try-hits").replaceChildren(...found.hits.map(hit));
  } catch (error) {
    status.className = "callout bad";
    status.textContent = fill(root.dataset.refused, error.message);
  }
}

/** A document as a line of its attributes. What it holds is text and never HTML. */
function hit(found) {
  const item = document.createElement("li");
  const { _formatted: shown = found } = found;
  for (const [name, value] of Object.entries(shown).filter(([name]) => !name.startsWith("_")).slice(0, 6)) {
    const line = document.createElement("p");
    const label = document.createElement("span");
    label.className = "faint";
    label.textContent = `${name}: `;
    line.append(label, ...marked(typeof value === "string" ? value : JSON.stringify(value)));
    item.append(line);
  }
  return item;
}

function marked(value) {
  return value.split(PRE).flatMap((part, at) => {
    if (!at) return [part];
    const [inside, after = ""] = part.split(POST);
    const mark = document.createElement("mark");
    mark.textContent = inside;
    return [mark, after];
  });
}

if (root) {
  rows(snippet);
  element("token-form").addEventListener("input", snippet);
  for (const tab of root.querySelectorAll("[data-code]")) tab.addEventListener("click", () => choose(tab));
  element("try")?.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  snippet();
  if (element("made")) {
    element("made").focus();
    // What the rules open, not what they refuse, is tried first.
    const [[rule] = [""]] = wanted();
    const opens = ({ value }) => (rule.endsWith("*") ? value.startsWith(rule.slice(0, -1)) : value === rule);
    const opened = [...element("try-index").options].find(opens);
    if (opened) opened.selected = true;
    search();
  }
}
