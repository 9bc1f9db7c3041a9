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
