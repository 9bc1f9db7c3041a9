// A search as code: curl and the official clients. `request` holds only what differs from the defaults.

const list = (values, quoted) => values.map(quoted).join(", ");

// JSON's way to write a text is JavaScript's as well.
const quoted = (text) => JSON.stringify(text);
// In Swift, a character that cannot be shown is `\u{1}`.
const swiftText = (text) => quoted(text).replace(/(\\\\)|\\u([0-9a-f]{4})/g, (all, backslash, hex) => (backslash ? all : `\\u{${hex}}`));
// In Kotlin, `$` begins a name.
const kotlinText = (text) => quoted(text).replaceAll("$", "\\$");

function curl(url, key, index, request) {
  const body = JSON.stringify(request, null, 2).replaceAll("'", "'\\''");
  return `curl ${url}/indexes/${index}/search \\\n  -H 'Authorization: Bearer ${key}' \\\n  -H 'Content-Type: application/json' \\\n  -d '${body}'`;
}

function javascript(url, key, index, { q, ...rest }) {
  const options = Object.entries(rest).map(([name, value]) => `  ${name}: ${JSON.stringify(value)},`);
  const second = options.length ? `, {\n${options.join("\n")}\n}` : "";
  return `// npm install meilisearch\nimport { Meilisearch } from "meilisearch";\n\nconst client = new Meilisearch({ host: ${quoted(url)}, apiKey: ${quoted(key)} });\nconst found = await client.index(${quoted(index)}).search(${quoted(q)}${second});\nconsole.log(found.hits);`;
}

// The order is that of the client's initialiser, which Swift insists on.
const SWIFT = ["page", "hitsPerPage", "attributesToCrop", "cropLength", "attributesToHighlight", "filter", "sort", "facets", "matchingStrategy"];

function swift(url, key, index, request) {
  const written = (name, value) => {
    if (name === "matchingStrategy") return `.${value}`;
    if (Array.isArray(value)) return `[${list(value, swiftText)}]`;
    return typeof value === "string" ? swiftText(value) : String(value);
  };
  const options = SWIFT.filter((name) => name in request).map((name) => `,\n    ${name}: ${written(name, request[name])}`);
  const missing = absent(request, SWIFT);
  return `// https://github.com/meilisearch/meilisearch-swift${missing}\nimport MeiliSearch\n\nlet client = try MeiliSearch(host: ${swiftText(url)}, apiKey: ${swiftText(key)})\nlet found: Searchable<Item> = try await client.index(${swiftText(index)}).search(SearchParameters(\n    query: ${swiftText(request.q)}${options.join("")}))\n// Item: your Codable struct for a document`;
}

const KOTLIN = ["filter", "sort", "facets", "matchingStrategy", "page", "hitsPerPage", "attributesToHighlight", "attributesToCrop", "cropLength"];

function kotlin(url, key, index, request) {
  const written = (name, value) => {
    if (name === "matchingStrategy") return `MatchingStrategy.${value.toUpperCase()}`;
    if (Array.isArray(value)) return `arrayOf(${list(value, kotlinText)})`;
    if (name === "filter") return `arrayOf(${kotlinText(value)})`;
    return typeof value === "string" ? kotlinText(value) : String(value);
  };
  const options = KOTLIN.filter((name) => name in request).map((name) => `\n    .${name}(${written(name, request[name])})`);
  const missing = absent(request, KOTLIN);
  const more = "matchingStrategy" in request ? "\nimport com.meilisearch.sdk.model.MatchingStrategy" : "";
  return `// implementation("com.meilisearch.sdk:meilisearch-java:0.15.0")${missing}\nimport com.meilisearch.sdk.*${more}\n\nval client = Client(Config(${kotlinText(url)}, ${kotlinText(key)}))\nval request = SearchRequest.builder()\n    .q(${kotlinText(request.q)})${options.join("")}\n    .build()\nval found = client.index(${kotlinText(index)}).search(request)`;
}

/** What a client has no name for is said, not left out in silence. */
function absent(request, known) {
  const names = Object.keys(request).filter((name) => name !== "q" && !known.includes(name));
  return names.length ? `\n// This client does not offer: ${names.join(", ")}` : "";
}

export const snippets = { curl, javascript, swift, kotlin };
