// What a JavaScript application does with the official client, unmodified. Takes ONGGI_URL, ONGGI_KEY (a root key) and DOCUMENTS (an NDJSON file).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Meilisearch } from "meilisearch";
import { generateTenantToken } from "meilisearch/token";

const { ONGGI_URL: host, ONGGI_KEY: apiKey, DOCUMENTS } = process.env;
const wait = { timeout: 120_000, interval: 20 };
const client = new Meilisearch({ host, apiKey, defaultWaitOptions: wait });
const documents = readFileSync(DOCUMENTS, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));

async function done(promise) {
  const task = await promise.waitTask(wait);
  assert.equal(task.status, "succeeded", JSON.stringify(task));
  return task;
}

// Health, version, an index.
assert.equal((await client.health()).status, "available");
assert.ok((await client.getVersion()).pkgVersion);
await done(client.createIndex("packages-js", { primaryKey: "id" }));
const again = await client.createIndex("packages-js").waitTask(wait);
assert.equal(again.status, "failed");
assert.equal(again.error.code, "index_already_exists");
assert.equal((await client.getIndexes()).results[0].uid, "packages-js");

// Settings and documents, in batches as an application would.
const index = client.index("packages-js");
await done(
  index.updateSettings({
    searchableAttributes: ["name", "title", "description"],
    filterableAttributes: ["section", "priority", "installed_size_kb", "tags"],
    sortableAttributes: ["installed_size_kb", "name"],
    pagination: { maxTotalHits: 100_000 },
  }),
);
assert.deepEqual((await index.getSettings()).searchableAttributes, ["name", "title", "description"]);
for (let first = 0; first < documents.length; first += 10_000) {
  // One after the other: the order in which documents arrive is the order in which they are listed.
  await done(index.addDocuments(documents.slice(first, first + 10_000)));
}
assert.equal((await index.getStats()).numberOfDocuments, documents.length);
assert.deepEqual(await index.getDocument(documents[7].id), documents[7]);
const page = await index.getDocuments({ limit: 3, offset: 2, fields: ["id"] });
assert.equal(page.total, documents.length);
assert.deepEqual(page.results, documents.slice(2, 5).map(({ id }) => ({ id })));

// Search with a filter, facets, sort and highlighting.
const section = documents.filter((document) => document.section === "games");
const found = await index.search("game", {
  filter: ["section = games", "installed_size_kb > 0"],
  facets: ["section", "installed_size_kb"],
  sort: ["installed_size_kb:desc"],
  attributesToHighlight: ["title"],
  attributesToRetrieve: ["id", "title", "installed_size_kb", "section"],
  limit: 10,
});
assert.ok(found.hits.length > 0 && found.hits.every((hit) => hit.section === "games"));
assert.ok(found.hits.some((hit) => /<em>[Gg]ame/.test(hit._formatted.title)), JSON.stringify(found.hits));
assert.deepEqual(Object.keys(found.facetDistribution.section), ["games"]);
assert.ok(found.facetStats.installed_size_kb.max >= found.facetStats.installed_size_kb.min);
const all = await index.search("", { filter: "section = games", facets: ["section"], hitsPerPage: 5, page: 2 });
assert.equal(all.totalHits, section.length);
assert.equal(all.facetDistribution.section.games, section.length);
assert.equal(all.page, 2);
const bySize = (await index.search("", { sort: ["installed_size_kb:asc"], limit: 50 })).hits.map((hit) => hit.installed_size_kb);
assert.deepEqual(bySize, [...bySize].sort((a, b) => a - b));
assert.equal((await index.searchGet("firefox", { limit: 1 })).limit, 1);
await assert.rejects(index.search("x", { filter: "maintainer = x" }), (error) => error.cause.code === "invalid_search_filter");

// Every parameter of a search at once.
const careful = {
  offset: 1,
  limit: 5,
  filter: [["section = games", "section = editors"], "installed_size_kb >= 0"],
  sort: ["installed_size_kb:asc"],
  distinct: "installed_size_kb",
  facets: ["*"],
  attributesToRetrieve: ["id", "title", "section"],
  attributesToSearchOn: ["title", "description"],
  attributesToHighlight: ["*"],
  highlightPreTag: "<b>",
  highlightPostTag: "</b>",
  attributesToCrop: ["description"],
  cropLength: 6,
  cropMarker: "[...]",
  showMatchesPosition: true,
  showRankingScore: true,
  showRankingScoreDetails: true,
  rankingScoreThreshold: 0.01,
  matchingStrategy: "frequency",
  locales: ["eng"],
};
const answer = await index.search("puzzle game", careful);
assert.ok(answer.hits.length > 0 && answer.hits.length <= 5 && answer.offset === 1);
for (const hit of answer.hits) {
  assert.ok(["games", "editors"].includes(hit.section));
  assert.equal(hit.description, undefined);
  assert.match(JSON.stringify(hit._formatted), /<b>/);
  assert.ok(Object.keys(hit._matchesPosition).length > 0);
  assert.ok(hit._rankingScore >= 0.01 && hit._rankingScore <= 1);
  assert.equal(typeof hit._rankingScoreDetails, "object");
  const { description } = hit._formatted;
  assert.ok(description.includes("[...]") || description.split(/\s+/).length <= 8, description);
}
assert.deepEqual(Object.keys(answer.facetDistribution).sort(), ["installed_size_kb", "priority", "section", "tags"]);
const inQuery = await index.searchGet("puzzle game", { ...careful, filter: "section = games" });
assert.ok(inQuery.hits.every((hit) => hit.section === "games"));
const values = await index.searchForFacetValues({ facetName: "section", facetQuery: "ga", q: "game" });
assert.ok(values.facetHits.some(({ value, count }) => value === "games" && count > 0));

// Several searches in one request, and as one list.
const both = await client.multiSearch({
  queries: [
    { indexUid: "packages-js", q: "firefox", limit: 2 },
    { indexUid: "packages-js", q: "", filter: "section = games", facets: ["section"], hitsPerPage: 1 },
  ],
});
assert.deepEqual(both.results.map(({ indexUid }) => indexUid), ["packages-js", "packages-js"]);
assert.equal(both.results[0].limit, 2);
assert.equal(both.results[1].totalHits, section.length);
await done(client.createIndex("shelf-js", { primaryKey: "id" }));
await done(client.index("shelf-js").updateFilterableAttributes(["section", "kind"]));
await done(client.index("shelf-js").addDocuments([{ id: 1, title: "Chess for everyone", section: "games", kind: "book" }]));
const federated = await client.multiSearch({
  federation: { limit: 3, offset: 0, facetsByIndex: { "packages-js": ["section"], "shelf-js": ["section", "kind"] }, mergeFacets: { maxValuesPerFacet: 10 } },
  queries: [
    { indexUid: "packages-js", q: "chess", filter: "section = games" },
    { indexUid: "shelf-js", q: "chess", federationOptions: { weight: 100 } },
  ],
});
assert.equal(federated.hits.length, 3);
assert.equal(federated.hits[0].title, "Chess for everyone");
assert.deepEqual(Object.keys(federated.hits[0]._federation), ["indexUid", "queriesPosition", "weightedRankingScore"]);
assert.equal(federated.hits[1]._federation.indexUid, "packages-js");
assert.equal(federated.facetDistribution.kind.book, 1);
assert.equal(federated.facetDistribution.section.games, federated.estimatedTotalHits);
const byIndex = await client.multiSearch({
  federation: { facetsByIndex: { "shelf-js": ["kind"] } },
  queries: [{ indexUid: "shelf-js", q: "chess" }],
});
assert.deepEqual(byIndex.facetsByIndex["shelf-js"].distribution, { kind: { book: 1 } });
await assert.rejects(
  client.multiSearch({ queries: [{ indexUid: "packages-js" }, { indexUid: "packages-js", filter: "maintainer = x" }] }),
  (error) => error.cause.code === "invalid_search_filter" && error.message.includes("queries[1]"),
);
await assert.rejects(
  client.multiSearch({ federation: {}, queries: [{ indexUid: "packages-js", limit: 1 }] }),
  (error) => error.cause.code === "invalid_multi_search_query_pagination",
);

// Every setting by its own route: set, read, reset.
const shelf = client.index("shelf-js");
await done(shelf.resetSettings());
const defaults = await shelf.getSettings();
for (const [name, value] of Object.entries({
  DisplayedAttributes: ["id", "title"],
  SearchableAttributes: ["title"],
  FilterableAttributes: ["kind", { attributePatterns: ["section"], features: { facetSearch: true, filter: { equality: true, comparison: false } } }],
  SortableAttributes: ["title"],
  RankingRules: ["words", "sort", "typo"],
  StopWords: ["for"],
  NonSeparatorTokens: ["@"],
  SeparatorTokens: ["&sep"],
  Dictionary: ["J. R. R."],
  Synonyms: { chess: ["checkmate"] },
  DistinctAttribute: "kind",
  ProximityPrecision: "byAttribute",
  TypoTolerance: { enabled: true, minWordSizeForTypos: { oneTypo: 4, twoTypos: 10 }, disableOnWords: ["chess"], disableOnAttributes: [], disableOnNumbers: true },
  Faceting: { maxValuesPerFacet: 7, sortFacetValuesBy: { "*": "count" } },
  Pagination: { maxTotalHits: 50 },
  SearchCutoffMs: 300,
  LocalizedAttributes: [{ attributePatterns: ["title"], locales: ["eng"] }],
  FacetSearch: false,
  PrefixSearch: "disabled",
})) {
  const key = name[0].toLowerCase() + name.slice(1);
  await done(shelf[`update${name}`](value));
  assert.deepEqual(await shelf[`get${name}`](), value, name);
  assert.deepEqual((await shelf.getSettings())[key], value, name);
  await done(shelf[`reset${name}`]());
  assert.deepEqual(await shelf[`get${name}`](), defaults[key], name);
}
await done(client.deleteIndex("shelf-js"));

// Update, delete by id and by filter.
await done(index.updateDocuments([{ id: documents[0].id, title: "changed title" }]));
const changed = await index.getDocument(documents[0].id);
assert.equal(changed.title, "changed title");
assert.equal(changed.description, documents[0].description);
await done(index.deleteDocument(documents[1].id));
await assert.rejects(index.getDocument(documents[1].id), (error) => error.cause.code === "document_not_found");
await done(index.deleteDocuments({ filter: "section = games" }));
assert.equal((await index.search("", { filter: "section = games" })).estimatedTotalHits, 0);

// Keys and a tenant token.
const key = await client.createKey({ name: "shop", actions: ["search"], indexes: ["packages-*"], expiresAt: null });
assert.equal((await client.getKey(key.uid)).key, key.key);
const searcher = new Meilisearch({ host, apiKey: key.key });
assert.ok((await searcher.index("packages-js").search("library")).hits.length > 0);
await assert.rejects(searcher.index("packages-js").addDocuments([{ id: 1 }]), (error) => error.cause.code === "invalid_api_key");
const token = await generateTenantToken({
  apiKey: key.key,
  apiKeyUid: key.uid,
  searchRules: { "packages-js": { filter: "section = libs" } },
  expiresAt: new Date(Date.now() + 60_000),
});
const tenant = new Meilisearch({ host, apiKey: token });
const ruled = await tenant.index("packages-js").search("library", { limit: 100 });
assert.ok(ruled.hits.length > 0 && ruled.hits.every((hit) => hit.section === "libs"));
await client.updateKey(key.uid, { name: "shop 2", description: null });
assert.equal((await client.getKeys()).results.find(({ uid }) => uid === key.uid).name, "shop 2");
await client.deleteKey(key.uid);

// Tasks, and the end.
const tasks = await client.tasks.getTasks({ indexUids: ["packages-js"], types: ["documentDeletion"], limit: 10 });
assert.equal(tasks.results.length, 2);
await done(client.deleteIndex("packages-js"));
await assert.rejects(client.getRawIndex("packages-js"), (error) => error.cause.code === "index_not_found");
console.log("ok");
