// What a Java or Android application does with the official client, unmodified. Takes ONGGI_URL, ONGGI_KEY (a root key) and DOCUMENTS (an NDJSON file).

import com.google.gson.Gson;
import com.meilisearch.sdk.*;
import com.meilisearch.sdk.exceptions.MeilisearchApiException;
import com.meilisearch.sdk.model.*;
import java.nio.file.*;
import java.util.*;

public class Main {
    static final String URL = System.getenv("ONGGI_URL");
    static final Client client = new Client(new Config(URL, System.getenv("ONGGI_KEY")));

    interface Call {
        void run() throws Exception;
    }

    static void check(boolean holds, Object what) {
        if (!holds) throw new AssertionError(String.valueOf(what));
    }

    static void done(TaskInfo info) throws Exception {
        client.index("any").waitForTask(info.getTaskUid(), 120_000, 20);
        Task task = client.getTask(info.getTaskUid());
        check(task.getStatus() == TaskStatus.SUCCEEDED, task.getError());
    }

    static void refused(String code, Call call) throws Exception {
        try {
            call.run();
        } catch (MeilisearchApiException error) {
            check(error.getCode().equals(code), error);
            return;
        }
        throw new AssertionError("expected " + code);
    }

    static String[] list(String... names) {
        return names;
    }

    public static void main(String[] arguments) throws Exception {
        List<String> lines = Files.readAllLines(Path.of(System.getenv("DOCUMENTS")));
        lines = lines.subList(0, Math.min(lines.size(), 3000));
        check(client.isHealthy(), "healthy");

        // An index, its settings, its documents.
        done(client.createIndex("packages-java", "id"));
        Index index = client.index("packages-java");
        Pagination pagination = new Pagination();
        pagination.setMaxTotalHits(10_000);
        Settings settings = new Settings()
                .setSearchableAttributes(list("name", "title", "description"))
                .setFilterableAttributes(list("section", "installed_size_kb", "tags"))
                .setSortableAttributes(list("installed_size_kb"))
                .setPagination(pagination);
        done(index.updateSettings(settings));
        check(index.getSettings().getSortableAttributes()[0].equals("installed_size_kb"), "settings");
        done(index.addDocuments("[" + String.join(",", lines) + "]", "id"));
        check(index.getStats().getNumberOfDocuments() == lines.size(), "documents");
        Map<?, ?> first = new Gson().fromJson(lines.get(0), Map.class);
        String id = (String) first.get("id");
        check(index.getDocument(id, HashMap.class).get("title").equals(first.get("title")), id);
        DocumentsQuery page = new DocumentsQuery().setLimit(2).setOffset(1).setFields(list("id"));
        check(index.getDocuments(page, HashMap.class).getResults().length == 2, "a page");
        DocumentsQuery games = new DocumentsQuery().setFilter(list("section = games")).setLimit(1);
        int inGames = index.getDocuments(games, HashMap.class).getTotal();
        check(inGames > 0, "games");

        // Every parameter of a search at once.
        SearchRequest request = SearchRequest.builder()
                .q("game").offset(0).limit(4)
                .filterArray(new String[][] {list("section = games", "section = editors"), list("installed_size_kb > 0")})
                .sort(list("installed_size_kb:asc")).distinct("section").facets(list("section", "installed_size_kb"))
                .attributesToRetrieve(list("id", "title", "section")).attributesToSearchOn(list("title", "description"))
                .attributesToHighlight(list("*")).highlightPreTag("<b>").highlightPostTag("</b>")
                .attributesToCrop(list("description")).cropLength(5).cropMarker("~").showMatchesPosition(true)
                .showRankingScore(true).showRankingScoreDetails(true).rankingScoreThreshold(0.01)
                .matchingStrategy(MatchingStrategy.ALL).locales(list("eng")).build();
        SearchResult found = (SearchResult) index.search(request);
        check(!found.getHits().isEmpty() && found.getLimit() == 4, found);
        HashMap<String, Object> hit = found.getHits().get(0);
        check(hit.get("_formatted").toString().contains("<b>") && hit.containsKey("_matchesPosition"), hit);
        check(hit.containsKey("_rankingScore") && hit.containsKey("_rankingScoreDetails"), hit);
        check(found.getFacetStats().get("installed_size_kb").getMax() > 0, found.getFacetStats());
        SearchRequest paged = SearchRequest.builder().q("").filter(list("section = games")).page(1).hitsPerPage(3).build();
        check(((SearchResultPaginated) index.search(paged)).getTotalHits() == inGames, "paged");
        FacetSearchRequest values = FacetSearchRequest.builder().facetName("section").facetQuery("ga").build();
        check(index.facetSearch(values).getFacetHits().get(0).get("value").equals("games"), "facet search");
        refused("invalid_search_filter", () -> index.search(SearchRequest.builder().q("").filter(list("maintainer = x")).build()));

        // Several searches in one request, and as one list.
        MultiSearchRequest both = new MultiSearchRequest()
                .addQuery(IndexSearchRequest.builder().indexUid("packages-java").q("game").limit(1).build())
                .addQuery(IndexSearchRequest.builder().indexUid("packages-java").q("").filter(list("section = games")).build());
        MultiSearchResult[] results = client.multiSearch(both).getResults();
        check(results.length == 2 && results[0].getIndexUid().equals("packages-java"), results);
        check(results[1].getEstimatedTotalHits() == inGames, results[1]);
        MultiSearchFederation federation = new MultiSearchFederation()
                .setLimit(3).setFacetsByIndex(new HashMap<>(Map.of("packages-java", list("section")))).setMergeFacets(new MergeFacets(5));
        MultiSearchRequest federated = new MultiSearchRequest()
                .addQuery(IndexSearchRequest.builder().indexUid("packages-java").q("game").build())
                .addQuery(IndexSearchRequest.builder().indexUid("packages-java").q("library")
                        .federationOptions(new FederationOptions().setWeight(2.0)).build());
        MultiSearchResult merged = client.multiSearch(federated, federation);
        check(merged.getHits().size() == 3 && merged.getHits().get(0).containsKey("_federation"), merged);
        check(merged.getFacetDistribution().get("section").size() <= 5, merged.getFacetDistribution());
        refused("index_not_found", () -> client.multiSearch(new MultiSearchRequest().addQuery(new IndexSearchRequest("absent"))));

        // Settings by their own routes.
        done(index.updateSynonymsSettings(Map.of("game", list("play"))));
        // The client promises arrays there and holds lists.
        check(((Map<?, ?>) index.getSynonymsSettings()).get("game").toString().equals("[play]"), "synonyms");
        done(index.updateStopWordsSettings(list("the")));
        check(index.getStopWordsSettings()[0].equals("the"), "stop words");
        done(index.updateDistinctAttributeSettings("name"));
        check(index.getDistinctAttributeSettings().equals("name"), "distinct");
        Faceting faceting = new Faceting();
        faceting.setMaxValuesPerFacet(9);
        done(index.updateFacetingSettings(faceting));
        check(index.getFacetingSettings().getMaxValuesPerFacet() == 9, "faceting");
        done(index.updateTypoToleranceSettings(new TypoTolerance().setDisableOnWords(list("chess"))));
        check(index.getTypoToleranceSettings().getDisableOnWords()[0].equals("chess"), "typos");
        done(index.updateSearchCutoffMsSettings(700));
        check(index.getSearchCutoffMsSettings() == 700, "cutoff");
        done(index.resetSettings());
        check(index.getStopWordsSettings().length == 0, "reset");

        // Keys and a tenant token.
        done(index.updateFilterableAttributesSettings(list("section")));
        Key wanted = new Key().setName("shop").setActions(list("search")).setIndexes(list("packages-*"));
        Key key = client.createKey(wanted);
        check(client.getKey(key.getUid()).getKey().equals(key.getKey()), key);
        Index searcher = new Client(new Config(URL, key.getKey())).index("packages-java");
        check(!searcher.search("game").getHits().isEmpty(), "with a key");
        refused("invalid_api_key", () -> searcher.deleteAllDocuments());
        Map<String, Object> rules = Map.of("packages-java", Map.of("filter", "section = games"));
        TenantTokenOptions options = new TenantTokenOptions();
        options.setApiKey(key.getKey());
        options.setExpiresAt(new Date(System.currentTimeMillis() + 60_000));
        String token = client.generateTenantToken(key.getUid(), rules, options);
        Index tenant = new Client(new Config(URL, token)).index("packages-java");
        SearchResultPaginated ruled = (SearchResultPaginated) tenant.search(SearchRequest.builder().q("").page(1).hitsPerPage(1).build());
        check(ruled.getTotalHits() == inGames, ruled);
        MultiSearchRequest asTenant = new MultiSearchRequest()
                .addQuery(IndexSearchRequest.builder().indexUid("packages-java").q("").limit(1000).build());
        Client withToken = new Client(new Config(URL, token));
        for (HashMap<String, Object> shown : withToken.multiSearch(asTenant).getResults()[0].getHits()) {
            check(shown.get("section").equals("games"), shown);
        }
        check(client.updateKey(key.getUid(), new KeyUpdate().setName("shop 2")).getName().equals("shop 2"), "update a key");
        client.deleteKey(key.getUid());

        // Tasks, and the end.
        TasksQuery tasks = new TasksQuery().setIndexUids(list("packages-java")).setTypes(list("documentAdditionOrUpdate")).setLimit(5);
        check(client.getTasks(tasks).getResults().length == 1, "tasks");
        done(index.deleteDocument(id));
        refused("document_not_found", () -> index.getDocument(id, HashMap.class));
        done(index.deleteDocumentsByFilter("section = games"));
        check(index.getStats().getNumberOfDocuments() < lines.size() - 1, "deleted by filter");
        done(client.deleteIndex("packages-java"));
        refused("index_not_found", () -> client.getIndex("packages-java"));
        System.out.println("ok");
        System.exit(0);
    }
}
