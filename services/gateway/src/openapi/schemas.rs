//! The bodies and parameters of the public API, as the document describes them. Tables and nothing else.

use super::schema::{
    Kind::{Fields, List, Value},
    Named,
    Type::{self, Any, Flag, Integer, List as Many, Map, Number, Of, OneOf, Text, Texts, Time},
};

const fn object(name: &'static str, says: &'static str, fields: &'static [(&'static str, Type, &'static str)]) -> Named {
    Named { name, says, kind: Fields(fields) }
}

/// Every schema but `Error` and `Setting`, which follow from the tables of the domain. A `!` marks what has to be there.
#[rustfmt::skip]
pub(super) static SCHEMAS: &[Named] = &[
    object("Health", "The service answers.", &[("status!", OneOf(&["available"]), "`available`")]),
    object("Version", "What runs.", &[
        ("commitSha!", Text, "The commit that it was built from"), ("commitDate!", Text, "When that was made"),
        ("pkgVersion!", Text, "The version of Meilisearch whose dialect is spoken"), ("onggi", Text, "The version of Onggi"),
    ]),
    object("OpenApi", "An OpenAPI document.", &[("openapi!", Text, "The version of the format"), ("paths!", Map(&Any), "The routes")]),
    Named { name: "Html", says: "A page, or what it consists of.", kind: Value(Text) },
    object("Page", "Which part of a list is wanted.", &[
        ("offset", Integer, "How many come before it; 0 when not given"), ("limit", Integer, "How many are wanted; 20 when not given"),
    ]),
    object("EnqueuedTask", "A write that was accepted. It is durable, and `GET /tasks/{taskUid}` says what becomes of it.", &[
        ("taskUid!", Integer, "The number of the task"), ("indexUid!", Text, "The index; null: several or none"), ("status!", Of("TaskStatus"), "`enqueued`"),
        ("type!", Text, "What it does"), ("enqueuedAt!", Time, "When it was accepted"), ("customMetadata", Text, "What the caller gave it along"),
    ]),
    // indexes
    object("Index", "An index.", &[
        ("uid!", Text, "Its name"), ("primaryKey!", Text, "The attribute that holds a document's id; null: not known yet"),
        ("createdAt!", Time, "When it was made"), ("updatedAt!", Time, "When it last changed"),
    ]),
    object("Indexes", "A page of indexes.", &[
        ("results!", Many(&Of("Index")), "The indexes"), ("offset!", Integer, "As asked"), ("limit!", Integer, "As asked"), ("total!", Integer, "How many there are"),
    ]),
    object("NewIndex", "An index to create.", &[("uid!", Text, "Its name: letters, digits, `-` and `_`"), ("primaryKey", Text, "The attribute that holds a document's id")]),
    object("IndexChange", "What changes.", &[("uid", Text, "The new name"), ("primaryKey", Text, "The attribute that holds a document's id, while there are no documents")]),
    object("FieldsQuery", "Which attributes.", &[("offset", Integer, "How many come before; 0"), ("limit", Integer, "How many are wanted; 20"), ("filter", Any, "By pattern or by what they are used for")]),
    object("FieldsPage", "A page of attributes.", &[
        ("results!", Many(&Any), "Name, and what it is used for"), ("offset!", Integer, "As asked"), ("limit!", Integer, "As asked"), ("total!", Integer, "How many there are"),
    ]),
    Named { name: "Swaps", says: "Pairs of indexes that change places, or an index and its new name.", kind: List(Of("Swap")) },
    object("Swap", "A pair.", &[("indexes!", Texts, "Two names"), ("rename", Flag, "The second name is a new one for the first index")]),
    object("StatsOptions", "What is told.", &[
        ("showInternalDatabaseSizes", Flag, "Sizes of what the index consists of"), ("sizeFormat", OneOf(&["raw", "human"]), "Bytes, or a text such as `12 MiB`"),
    ]),
    object("IndexStats", "An index in numbers.", &[
        ("numberOfDocuments!", Integer, "Documents"), ("isIndexing!", Flag, "Whether writes are under way"), ("fieldDistribution!", Map(&Integer), "Documents by field"),
        ("rawDocumentDbSize", Any, "Bytes of the documents as they came"), ("avgDocumentSize", Any, "Bytes of one on average"),
        ("numberOfEmbeddings", Integer, "0"), ("numberOfEmbeddedDocuments", Integer, "0"),
    ]),
    object("Stats", "All indexes in numbers.", &[
        ("databaseSize!", Any, "Bytes stored"), ("usedDatabaseSize", Any, "The same"), ("lastUpdate!", Time, "The last change of any index"),
        ("indexes!", Map(&Of("IndexStats")), "Each index"),
    ]),
    // usage and analytics
    object("PlanAnswer", "The plan, what can be selected with it, and how near its quotas are.", &[
        ("plan!", Of("Plan"), "The plan"), ("sizes!", Many(&Any), "Each size, whether the plan has it, and the price of one container an hour and a month"),
        ("quotas!", Many(&Of("Quota")), "What is used of what there may be"),
    ]),
    object("Plan", "How much a tenant may have, and what it costs.", &[
        ("name!", Text, "Its name"), ("maxIndexes!", Integer, "Indexes"), ("maxReplicasPerIndex!", Integer, "Replicas of one index"), ("maxReplicas!", Integer, "Replicas of all indexes"),
        ("maxDocuments!", Integer, "Documents of all indexes"), ("maxStorageBytes!", Integer, "Bytes of all indexes"), ("requestsPerSecond!", Integer, "Requests a second"),
        ("sizes!", Texts, "Sizes that can be selected"), ("maxCpuMillis!", Integer, "Thousandths of a CPU of all replicas"), ("maxMemoryBytes!", Integer, "Memory of all replicas"),
        ("prices!", Any, "`currency`, `containerHour` by size, `storageGibMonth`, `millionSearches`"),
    ]),
    object("Quota", "A quota.", &[("name!", Text, "Of what"), ("used!", Integer, "How much of it is used"), ("limit!", Integer, "How much there may be")]),
    object("UsageQuery", "Of which time, and how it is grouped.", &[
        ("from", Time, "RFC 3339, or a day; the beginning of the month when not given"), ("to", Time, "RFC 3339, or a day; now when not given"),
        ("by", OneOf(&["index", "size", "hour", "day"]), "What is added up; `index` when not given"), ("indexUid", Text, "Only this index"),
        ("format", OneOf(&["json", "csv"]), "Instead of the header `Accept`"),
    ]),
    object("Usage", "What was used, and what it cost.", &[
        ("from!", Time, "As asked"), ("to!", Time, "As asked"), ("by!", Text, "As asked"), ("plan!", Text, "The name of the plan"), ("currency!", Text, "Of all amounts"),
        ("results!", Many(&Of("Used")), "One for each index, size, hour or day"), ("totals!", Of("Used"), "All of it"),
        ("month!", Any, "The cost of the month so far, and a forecast; null for a key that sees some indexes only"), ("quotas!", Many(&Of("Quota")), "Null likewise"),
        ("alert!", Of("SpendingAlert"), "The spending alert; null: none"),
    ]),
    object("Used", "What was used of one thing.", &[
        ("key", Text, "The index, the size, or when the hour or day begins"), ("deleted", Flag, "Whether the index is deleted"), ("containerSeconds!", Number, "Containers, in seconds"),
        ("containerSecondsBySize!", Map(&Number), "The same by size"), ("containerSecondsByRole!", Map(&Number), "The same by role"), ("byteHours!", Number, "What was stored"),
        ("searches!", Integer, "Searches"), ("documents!", Integer, "Documents written"), ("cost!", Any, "`containers`, `storage`, `searches` and `total`"),
    ]),
    object("SpendingAlertChange", "When to be told, and where.", &[
        ("amount", Number, "In the currency of the plan; null: no alert"), ("url", Text, "A message is posted to it; null: the alert is shown only"),
    ]),
    object("SpendingAlert", "An alert.", &[
        ("amount!", Number, "The amount; null: there is no alert"), ("url", Text, "Where a message goes"), ("passedAt", Time, "When a month passed it last"), ("passedCost", Number, "What that month had cost then"),
        ("delivered", Flag, "Whether the message of that was delivered"), ("signingSecret", Text, "What messages are signed with; shown to who sets the alert"),
    ]),
    object("SearchesNow", "Searches of the last minutes.", &[
        ("searchesPerMinute!", Number, "Searches a minute"), ("p50Ms!", Number, "Half of them were faster; null: none"), ("p99Ms!", Number, "99 % of them were faster; null: none"),
        ("indexes!", Map(&Any), "The same for each index"),
    ]),
    object("Events", "What is reported.", &[("events!", Many(&Of("Event")), "Up to 100 events")]),
    object("Event", "What became of a hit.", &[
        ("type!", OneOf(&["click", "conversion"]), "What happened"), ("query!", Text, "What was searched for"), ("documentId!", Any, "The id of the document, a text or an integer"),
        ("position", Integer, "The place of the hit, from 1; a click has one"), ("userId", Text, "Who; only a hash of it is looked at"),
    ]),
    object("EventsTaken", "They were taken.", &[("accepted!", Integer, "How many")]),
    object("AnalyticsQuery", "Of which time.", &[
        ("from", Time, "RFC 3339, or a day; 24 hours ago when not given"), ("to", Time, "RFC 3339, or a day; now when not given"), ("limit", Integer, "Queries of each list; 10"),
    ]),
    object("Analytics", "What was searched for.", &[
        ("from!", Time, "As asked"), ("to!", Time, "As asked"), ("sampledOneIn!", Integer, "Of so many searches one is in the lists of queries, with the weight of all"),
        ("now!", Any, "Searches a minute and their times, of the last minutes"), ("totals!", Of("Searched"), "All of it"), ("step!", OneOf(&["hour", "day"]), "The length of `hours`"),
        ("hours!", Many(&Of("Searched")), "Hour by hour, or day by day"), ("top!", Many(&Of("Searched")), "Asked most"),
        ("rising!", Many(&Of("Searched")), "Asked much more than in as long a time before, with `before` and `growth`"), ("slow!", Many(&Of("Searched")), "Took longest"),
        ("empty!", Many(&Of("Searched")), "Found nothing most often"),
    ]),
    object("Searched", "Searches and what became of them.", &[
        ("query", Text, "What was searched for"), ("hour", Time, "When the hour or day begins"), ("before", Integer, "How often in the time before"), ("growth", Number, "How many times as often as then"),
        ("searches!", Integer, "How often"), ("noHits!", Integer, "How often nothing was found"), ("noHitsRate!", Number, "Of all; null without searches"), ("clicks!", Integer, "Clicks"),
        ("conversions!", Integer, "Conversions"), ("clickThroughRate!", Number, "Clicks for each search; null without searches"),
        ("meanClickPosition!", Number, "The position of clicked hits on average; null without clicks"), ("p50Ms!", Number, "Half of them were faster"), ("p99Ms!", Number, "99 % of them were faster"),
    ]),
    // search
    object("Search", "The parameters of a search.", &[
        ("q", Text, "Words; those in quotes stand together, one after `-` must not be there; nothing: all documents"),
        ("offset", Integer, "Hits to skip; 0 when not given"), ("limit", Integer, "Hits wanted; 20 when not given"),
        ("page", Integer, "Counted from 1; asks for exact totals"), ("hitsPerPage", Integer, "Hits of a page; 20 when not given"),
        ("filter", Any, "A condition such as `genre = horror AND rating > 3`, or arrays of them: the outer joined by AND, the inner by OR"),
        ("sort", Texts, "`attribute:asc`, `attribute:desc`, `_geoPoint(lat,lng):asc`"), ("distinct", Text, "At most one hit for each value of this attribute"),
        ("facets", Texts, "Attributes whose values are counted; `*`: all that are filterable"),
        ("attributesToRetrieve", Texts, "Attributes that hits show"), ("attributesToSearchOn", Texts, "Attributes that are searched"),
        ("attributesToHighlight", Texts, "Attributes in which matches are marked"), ("highlightPreTag", Text, "Before a match; `<em>`"), ("highlightPostTag", Text, "After it; `</em>`"),
        ("attributesToCrop", Texts, "Attributes that are cut to what is near the matches"), ("cropLength", Integer, "To so many words; 10"), ("cropMarker", Text, "Where something was cut; `…`"),
        ("showMatchesPosition", Flag, "Where the matches are, in bytes"), ("showRankingScore", Flag, "How well a hit matches, 0 to 1"),
        ("showRankingScoreDetails", Flag, "What that consists of"), ("rankingScoreThreshold", Number, "Leaves out hits below this score"),
        ("matchingStrategy", OneOf(&["last", "all", "frequency"]), "Which words may be missing"), ("locales", Texts, "Languages of the query, as ISO 639 codes"),
        ("hybrid", Any, "Not offered"), ("vector", Any, "Not offered"), ("retrieveVectors", Flag, "Not offered"), ("media", Any, "Not offered"),
        ("personalize", Any, "Not offered"), ("useNetwork", Flag, "Not offered"), ("showPerformanceDetails", Flag, "Where the time went"),
    ]),
    object("SearchAnswer", "Hits.", &[
        ("hits!", Many(&Of("Document")), "Documents, with `_formatted`, `_matchesPosition`, `_rankingScore`, `_rankingScoreDetails`, `_geoDistance` as asked"),
        ("query!", Text, "As asked"), ("processingTimeMs!", Integer, "Milliseconds"), ("offset", Integer, "As asked"), ("limit", Integer, "As asked"),
        ("estimatedTotalHits", Integer, "How many match, at most `pagination.maxTotalHits`"), ("page", Integer, "As asked"), ("hitsPerPage", Integer, "As asked"),
        ("totalPages", Integer, "Pages there are"), ("totalHits", Integer, "How many match, at most `pagination.maxTotalHits`"),
        ("facetDistribution", Map(&Map(&Integer)), "Documents by value of each facet"), ("facetStats", Map(&Of("Range")), "The range of each facet with numbers"),
        ("degraded", Flag, "A budget ran out: the answer may lack something"), ("requestUid", Text, "With the header `Meili-Include-Metadata: true`"),
        ("metadata", Any, "With the same header: `queryUid`, `indexUid`, `primaryKey`"),
        ("performanceDetails", Map(&Text), "The time of each step, with `showPerformanceDetails`"),
    ]),
    object("Range", "From, to.", &[("min!", Number, "The smallest value"), ("max!", Number, "The largest")]),
    object("FacetSearch", "A search among the values of a facet.", &[
        ("facetName!", Text, "The attribute"), ("facetQuery", Text, "What values begin with; nothing: all"), ("q", Text, "Only values of documents that match"),
        ("filter", Any, "Only values of documents that fit"), ("matchingStrategy", OneOf(&["last", "all", "frequency"]), "Which words of `q` may be missing"),
        ("attributesToSearchOn", Texts, "Attributes that `q` is searched in"), ("exhaustiveFacetCount", Flag, "Counts are exact anyway"),
        ("locales", Texts, "Languages of the query"), ("rankingScoreThreshold", Number, "Leaves out documents below this score"), ("hybrid", Any, "Not offered"), ("vector", Any, "Not offered"),
        ("media", Any, "Not offered"), ("useNetwork", Flag, "Not offered"),
    ]),
    object("FacetSearchAnswer", "Values.", &[
        ("facetHits!", Many(&Of("FacetHit")), "The values"), ("facetQuery!", Text, "As asked"), ("processingTimeMs!", Integer, "Milliseconds"),
    ]),
    object("FacetHit", "A value.", &[("value!", Text, "The value"), ("count!", Integer, "Documents that have it")]),
    object("MultiSearch", "Several searches.", &[
        ("queries!", Many(&Of("MultiSearchQuery")), "The searches: those of [Search], each with its index"),
        ("federation", Of("Federation"), "If it is there, all hits come as one list"),
    ]),
    object("MultiSearchQuery", "The parameters of a search, and beside them:", &[
        ("indexUid!", Text, "The index"), ("federationOptions", Of("FederationOptions"), "Only with `federation`"),
    ]),
    object("FederationOptions", "What a query counts for.", &[
        ("weight", Number, "What its scores are multiplied with; 1"), ("remote", Text, "Not offered"), ("queryPosition", Integer, "Not offered"),
    ]),
    object("Federation", "How hits become one list.", &[
        ("offset", Integer, "Hits to skip; 0 when not given"), ("limit", Integer, "Hits wanted; 20 when not given"), ("page", Integer, "Counted from 1"),
        ("hitsPerPage", Integer, "Hits of a page"), ("distinct", Text, "At most one hit for each value of this attribute"),
        ("facetsByIndex", Map(&Texts), "Attributes whose values are counted, by index"), ("mergeFacets", Of("MergeFacets"), "If it is there, facets of the same name are added up"),
        ("showPerformanceDetails", Flag, "Ignored"),
    ]),
    object("MergeFacets", "How facets are added up.", &[("maxValuesPerFacet", Integer, "Values shown of each")]),
    object("MultiSearchAnswer", "`results`, one for each query, or with `federation` one list of hits.", &[
        ("results", Many(&Of("SearchAnswer")), "Each with its `indexUid`"), ("hits", Many(&Of("Document")), "Each with `_federation`: `indexUid`, `queriesPosition`, `weightedRankingScore`"),
        ("processingTimeMs", Integer, "Milliseconds"), ("offset", Integer, "As asked"), ("limit", Integer, "As asked"), ("estimatedTotalHits", Integer, "How many match"),
        ("page", Integer, "As asked"), ("hitsPerPage", Integer, "As asked"), ("totalPages", Integer, "Pages there are"), ("totalHits", Integer, "How many match"),
        ("facetDistribution", Map(&Map(&Integer)), "With `mergeFacets`"), ("facetStats", Map(&Of("Range")), "With `mergeFacets`"),
        ("facetsByIndex", Map(&Any), "Without: `distribution` and `stats` of each index"), ("degraded", Flag, "A budget ran out"),
        ("requestUid", Text, "With the header `Meili-Include-Metadata: true`"), ("metadata", Many(&Any), "With the same header, for each query"),
    ]),
    // documents
    object("Document", "A document as it came.", &[]),
    Named { name: "Documents", says: "Documents: a JSON array, lines of JSON, or CSV.", kind: List(Of("Document")) },
    object("Upload", "How documents are read.", &[
        ("primaryKey", Text, "The attribute that holds a document's id, if the index does not know it"), ("csvDelimiter", Text, "One character; `,`"),
        ("customMetadata", Text, "A text that the task repeats"), ("skipCreation", Flag, "Documents that are not there yet are left out"),
    ]),
    // analysis
    object("Analyze", "A text, and a draft of settings in the place of the index's own.", &[
        ("text!", Text, "The text"), ("attribute", Text, "Analysed as this attribute is"), ("locales", Texts, "Analysed as text in these languages, as ISO 639 codes"),
        ("dictionary", Texts, "Words that are kept whole, and words with their parts: `나무집=나무+집`"), ("stopWords", Texts, "Words that are ignored"),
        ("separatorTokens", Texts, "Strings that separate words"), ("nonSeparatorTokens", Texts, "Strings that do not"), ("synonyms", Map(&Texts), "What words also mean"),
    ]),
    object("Analysis", "How a text becomes words.", &[
        ("text!", Text, "As asked"), ("attribute", Text, "As asked"), ("koreanDictionary", Text, "The dictionary of Korean in use; null: words as written"),
        ("tokens!", Many(&Of("Token")), "What is searched for"), ("dropped!", Many(&Of("DroppedToken")), "What is not"),
        ("bigrams!", Texts, "Pairs of syllables by which Hangul is found besides"), ("initials!", Texts, "Leading consonants of its Hangul words"),
        ("written!", Texts, "Hangul words of several morphemes, as they are written"),
        ("synonyms!", Map(&Texts), "What words of the text also mean"), ("draft", Any, "With a draft: tokens, dropped, bigrams, initials, written and synonyms with it"),
        ("changes", Of("AnalysisChanges"), "With a draft: what it would change"),
    ]),
    object("Token", "A word.", &[
        ("form!", Text, "As it is compared"), ("stem!", Text, "What its inflections have in common"), ("start!", Integer, "Where it begins, in bytes"),
        ("end!", Integer, "Where it ends"), ("position!", Integer, "Its place among the words"),
        ("kind!", OneOf(&["word", "morpheme", "compound", "bigram", "character"]), "What it is"), ("partOfSpeech", Text, "In the tags of mecab-ko-dic"),
        ("script!", Text, "Its script"), ("language", Text, "The language that it is taken for, as an ISO 639-3 code"),
    ]),
    object("DroppedToken", "A piece of the text that is not searched for.", &[
        ("form!", Text, "As written"), ("start!", Integer, "Where it begins, in bytes"), ("end!", Integer, "Where it ends"),
        ("partOfSpeech", Text, "In the tags of mecab-ko-dic"), ("reason!", OneOf(&["partOfSpeech", "stopWord"]), "Why"),
    ]),
    object("AnalysisChanges", "What a draft would change.", &[
        ("removed!", Many(&Of("Token")), "Tokens that are only there now"), ("added!", Many(&Of("Token")), "Tokens that are only there with the draft"),
        ("reindexes!", Flag, "Whether documents would be indexed anew"),
    ]),
    object("DocumentsQuery", "Which documents.", &[
        ("offset", Integer, "Documents to skip; 0"), ("limit", Integer, "Documents wanted; 20"), ("fields", Texts, "Attributes shown; all"),
        ("filter", Any, "As in a search"), ("ids", Many(&Any), "Only these"), ("sort", Texts, "As in a search"), ("retrieveVectors", Flag, "Not offered"),
    ]),
    object("DocumentsPage", "A page of documents.", &[
        ("results!", Many(&Of("Document")), "The documents"), ("offset!", Integer, "As asked"), ("limit!", Integer, "As asked"), ("total!", Integer, "How many there are"),
    ]),
    object("DocumentOptions", "What is shown.", &[("fields", Texts, "Attributes shown; all"), ("retrieveVectors", Flag, "Not offered")]),
    object("DocumentsFilter", "Which documents.", &[("filter!", Any, "As in a search")]),
    Named { name: "Ids", says: "Ids of documents: texts or integers.", kind: List(Any) },
    // settings
    object("Settings", "The settings of an index. What is not there stays as it is, null resets it.", &[
        ("displayedAttributes", Texts, "Attributes that answers show; `*`: all"), ("searchableAttributes", Texts, "Attributes that are searched, most important first; `*`: all"),
        ("filterableAttributes", Many(&Any), "Attributes for filters and facets: names, patterns, or `{attributePatterns, features}`"),
        ("sortableAttributes", Texts, "Attributes for `sort`"), ("rankingRules", Texts, "What hits are ordered by, in order"), ("stopWords", Texts, "Words that are ignored"),
        ("nonSeparatorTokens", Texts, "Characters that do not separate words"), ("separatorTokens", Texts, "Texts that separate words"),
        ("dictionary", Texts, "Words that are kept whole"), ("synonyms", Map(&Texts), "From a word to others that it also means"),
        ("distinctAttribute", Text, "At most one hit for each value of it"), ("proximityPrecision", OneOf(&["byWord", "byAttribute"]), "How distances are measured"),
        ("typoTolerance", Of("TypoTolerance"), "When words match in spite of typos"), ("faceting", Of("Faceting"), "How facets are shown"), ("pagination", Of("Pagination"), "How far one can page"),
        ("searchCutoffMs", Integer, "Milliseconds until a search answers with what it has; 1500"), ("localizedAttributes", Many(&Of("LocalizedAttributes")), "Languages by attribute"),
        ("facetSearch", Flag, "Whether values of facets can be searched"), ("prefixSearch", OneOf(&["indexingTime", "disabled"]), "Whether the last word is also a beginning"),
    ]),
    object("TypoTolerance", "Typos.", &[
        ("enabled", Flag, "At all"), ("minWordSizeForTypos", Of("MinWordSize"), "From which length on"), ("disableOnWords", Texts, "Words without"),
        ("disableOnAttributes", Texts, "Attributes without"), ("disableOnNumbers", Flag, "Numbers without"),
    ]),
    object("MinWordSize", "Lengths in characters.", &[("oneTypo", Integer, "5"), ("twoTypos", Integer, "9")]),
    object("Faceting", "Facets.", &[
        ("maxValuesPerFacet", Integer, "100"), ("sortFacetValuesBy", Map(&OneOf(&["alpha", "count"])), "By attribute; `*`: all others"),
    ]),
    object("Pagination", "Paging.", &[("maxTotalHits", Integer, "1000")]),
    object("LocalizedAttributes", "Languages.", &[("attributePatterns!", Texts, "Names or patterns"), ("locales!", Texts, "ISO 639 codes")]),
    // containers and generations
    object("Selection", "What the tenant selects.", &[
        ("size", Text, "The class of a container"), ("replicas", Integer, "Searchers to run; 0 sends the index to sleep. Takes the place of a range"),
        ("autoscale", Of("Autoscale"), "A range in which the number follows the load, in place of `replicas`; null: the number stays as it is"),
        ("sleepAfterSeconds", Integer, "Without a search; null: never"), ("wake", OneOf(&["onSearch", "manual"]), "What a search does that finds the index asleep"),
    ]),
    object("Autoscale", "A range of replicas, and what their number follows.", &[
        ("min!", Integer, "The fewest searchers while awake"), ("max!", Integer, "The most"), ("target!", Of("AutoscaleTarget"), "What each is to be asked; one of the two"),
    ]),
    object("AutoscaleTarget", "How busy a searcher is to be.", &[
        ("concurrentSearches", Integer, "Searches at a time"), ("cpuPercent", Integer, "CPU in percent of what the size has"),
    ]),
    object("ScaleDecision", "Why the number of searchers changed.", &[
        ("at!", Time, "When"), ("from!", Integer, "Searchers before"), ("to!", Integer, "Searchers after"), ("why!", Text, "For a person"),
    ]),
    object("ContainersDraft", "A selection to be tried.", &[("size", Text, "The class of a container"), ("replicas", Integer, "Searchers to run")]),
    object("Containers", "What was selected, and what runs.", &[
        ("uid!", Text, "The index"), ("size!", Text, "As selected"), ("replicas!", Integer, "As selected"), ("autoscale!", Of("Autoscale"), "As selected; null: none"), ("wanted!", Integer, "Searchers that should run now"), ("sleepAfterSeconds!", Integer, "As selected"), ("wake!", Text, "As selected"),
        ("price!", Any, "What it costs while awake: `currency`, `perHour`, `perMonth`"), ("draft", Any, "With a draft: `size`, `replicas`, `price`, and why it is refused"),
        ("phase!", Text, "`asleep`, `waking` or `awake`"), ("containers!", Many(&Any), "Role, status, generation, lag, CPU, memory of each"), ("decisions!", Many(&Of("ScaleDecision")), "Why their number changed, newest first"),
    ]),
    object("Phase", "How awake the index is.", &[("phase!", Text, "`asleep`, `waking` or `awake`")]),
    object("Generations", "The history.", &[("results!", Many(&Of("Generation")), "Newest first")]),
    object("Generation", "A state of the index.", &[
        ("generation!", Integer, "Its number"), ("createdAt!", Time, "When it was published"), ("committedSeq!", Integer, "The last write in it"), ("documents!", Integer, "Documents"),
        ("cause!", Any, "Why it exists"), ("bytes!", Integer, "Its size"), ("current!", Flag, "Whether it is served"),
    ]),
    object("GenerationDetails", "A state of the index, whole.", &[
        ("generation!", Integer, "Its number"), ("createdAt!", Time, "When it was published"), ("committedSeq!", Integer, "The last write in it"), ("documents!", Integer, "Documents"),
        ("cause!", Any, "Why it exists"), ("bytes!", Integer, "Its size"), ("current!", Flag, "Whether it is served"),
        ("batchUid!", Integer, "The batch of its tasks; null: it ended none"), ("primaryKey!", Text, "The attribute that holds the id of a document"), ("rawBytes!", Integer, "Bytes of the documents as they came"),
        ("fieldDistribution!", Map(&Integer), "In how many documents each attribute is"), ("settings", Of("Settings"), "Its settings, for keys with `settings.get`"),
        ("tasks", Many(&Any), "The tasks that it ended, with their numbers, for keys with `tasks.get`"),
    ]),
    object("Fork", "The new index.", &[("uid!", Text, "Its name")]),
    // tasks
    Named { name: "TaskStatus", says: "How far a task is.", kind: Value(OneOf(&["enqueued", "processing", "succeeded", "failed", "canceled"])) },
    object("Task", "What became of a write.", &[
        ("uid!", Integer, "Its number"), ("batchUid!", Integer, "The same, once it has begun"), ("indexUid!", Text, "The index"), ("status!", Of("TaskStatus"), "How far it is"),
        ("type!", Text, "What it does"), ("canceledBy!", Integer, "The task that canceled it"), ("details!", Any, "What it did"), ("error!", Of("Error"), "Why it failed"),
        ("duration!", Text, "ISO 8601"), ("enqueuedAt!", Time, "Accepted"), ("startedAt!", Time, "Begun"), ("finishedAt!", Time, "Done"), ("customMetadata", Text, "What the caller gave it along"),
    ]),
    object("Tasks", "A page of tasks.", &[
        ("results!", Many(&Of("Task")), "The tasks"), ("total!", Integer, "How many fit"), ("limit!", Integer, "As asked"), ("from!", Integer, "The first one shown"), ("next!", Integer, "Give it as `from` for the next page"),
    ]),
    object("TaskFilter", "Which tasks; lists are separated by commas, `*` means all.", &[
        ("uids", Texts, "Numbers"), ("batchUids", Texts, "Numbers of batches"), ("canceledBy", Texts, "Numbers of the tasks that canceled them"), ("types", Texts, "What they do"),
        ("statuses", Texts, "How far they are"), ("indexUids", Texts, "Names of indexes"), ("afterEnqueuedAt", Time, "RFC 3339, or a day"), ("beforeEnqueuedAt", Time, "RFC 3339, or a day"),
        ("afterStartedAt", Time, "RFC 3339, or a day"), ("beforeStartedAt", Time, "RFC 3339, or a day"), ("afterFinishedAt", Time, "RFC 3339, or a day"), ("beforeFinishedAt", Time, "RFC 3339, or a day"),
    ]),
    object("TasksQuery", "Which tasks, and which part of the list.", &[
        ("limit", Integer, "20"), ("from", Integer, "The number to begin with"), ("reverse", Flag, "Oldest first"),
        ("uids", Texts, "Numbers"), ("batchUids", Texts, "Numbers of batches"), ("canceledBy", Texts, "Numbers of the tasks that canceled them"), ("types", Texts, "What they do"),
        ("statuses", Texts, "How far they are"), ("indexUids", Texts, "Names of indexes"), ("afterEnqueuedAt", Time, "RFC 3339, or a day"), ("beforeEnqueuedAt", Time, "RFC 3339, or a day"),
        ("afterStartedAt", Time, "RFC 3339, or a day"), ("beforeStartedAt", Time, "RFC 3339, or a day"), ("afterFinishedAt", Time, "RFC 3339, or a day"), ("beforeFinishedAt", Time, "RFC 3339, or a day"),
    ]),
    object("Batch", "Tasks that were worked on together.", &[
        ("uid!", Integer, "Its number"), ("progress!", Any, "How far it is, while it is worked on"), ("details!", Any, "What its tasks did, added up"), ("stats!", Any, "Its tasks by status, type and index"),
        ("duration!", Text, "ISO 8601"), ("startedAt!", Time, "Begun"), ("finishedAt!", Time, "Done"), ("batchStrategy!", Text, "Why these tasks"),
    ]),
    object("Batches", "A page of batches.", &[
        ("results!", Many(&Of("Batch")), "The batches"), ("total!", Integer, "How many fit"), ("limit!", Integer, "As asked"), ("from!", Integer, "The first one shown"), ("next!", Integer, "Give it as `from` for the next page"),
    ]),
    object("Webhook", "Where messages of ended tasks go: lines of JSON, compressed with gzip.", &[
        ("uuid!", Text, "Its uid"), ("isEditable!", Flag, "true"), ("url!", Text, "Where to"), ("headers!", Map(&Text), "Sent along; the value of `Authorization` is not shown"),
        ("signingSecret", Text, "What messages are signed with; shown to who creates or changes it"),
    ]),
    object("Webhooks", "All webhooks.", &[("results!", Many(&Of("Webhook")), "The webhooks")]),
    object("WebhookChange", "What changes.", &[("url", Text, "Where to"), ("headers", Map(&Text), "Sent along; null: no longer")]),
    object("Features", "Meilisearch's switches.", &[
        ("metrics", Flag, "Off"), ("logsRoute", Flag, "Off"), ("tasksStreamingRoute", Flag, "Off"), ("editDocumentsByFunction", Flag, "Off"), ("containsFilter", Flag, "On"),
        ("dynamicSearchRules", Flag, "Off"), ("network", Flag, "Off"), ("getTaskDocumentsRoute", Flag, "Off"), ("taskQueueCompactionRoute", Flag, "Off"), ("compositeEmbedders", Flag, "Off"),
        ("chatCompletions", Flag, "Off"), ("multimodal", Flag, "Off"), ("foreignKeys", Flag, "Off"), ("disableDocumentsFetchQueue", Flag, "Off"), ("legacySearch", Flag, "Off"), ("renderRoute", Flag, "Off"),
    ]),
    // identity provider
    object("IdentityProvider", "An identity provider: a caller shows `<id of the tenant>~<token>` as its key.", &[
        ("issuer!", Text, "The `iss` of its tokens"), ("audience!", Text, "What has to be in their `aud`"), ("jwksUri", Text, "Where its public keys are"), ("jwks", Any, "Its public keys, if they are not to be fetched"),
        ("rules!", Many(&Of("ClaimRule")), "What a token allows; for an index the first rule that holds and names it"), ("tenant", Text, "The id of the tenant; only told"), ("updatedAt", Time, "Only told"),
    ]),
    object("ClaimRule", "What tokens with certain claims may search.", &[
        ("when", Any, "`claim`, a path with dots, and `equals`, its value or one of them; null: every token"), ("indexes!", Texts, "Names of indexes, or beginnings with `*`"),
        ("filter", Text, "A filter in which `{claim}` stands for the value of a claim, quotes included"),
    ]),
    object("TokenTrial", "A token to be tried.", &[("token!", Text, "As the identity provider gave it")]),
    object("TokenVerdict", "What a token would allow.", &[
        ("valid!", Flag, "Whether it is accepted"), ("reason!", Text, "Why not"), ("claims", Any, "What is in it"), ("rules!", Many(&Any), "Each rule: whether it `holds`, `indexes`, `filter`, or the `reason` why not"),
    ]),
    // keys
    object("Key", "A key.", &[
        ("uid!", Text, "Its id"), ("key!", Text, "What is shown to the service"), ("name!", Text, "For people"), ("description!", Text, "For people"), ("actions!", Texts, "What it allows"),
        ("indexes!", Texts, "On which indexes: names, or beginnings with `*`"), ("expiresAt!", Time, "Until when; null: for ever"), ("createdAt!", Time, "Made"), ("updatedAt!", Time, "Changed"),
        ("lastUsedAt!", Time, "When it, or a token that it signed, was shown last, to the minute; null: never"),
    ]),
    object("Keys", "A page of keys.", &[
        ("results!", Many(&Of("Key")), "The keys"), ("offset!", Integer, "As asked"), ("limit!", Integer, "As asked"), ("total!", Integer, "How many there are"),
    ]),
    object("NewKey", "A key to create.", &[
        ("actions!", Texts, "What it allows, such as `search`, `documents.*`"), ("indexes!", Texts, "On which indexes; `*`: all"), ("expiresAt!", Time, "Until when; null: for ever"),
        ("uid", Text, "A UUID; else one is made"), ("name", Text, "For people"), ("description", Text, "For people"),
    ]),
    object("KeyChange", "What changes.", &[("name", Text, "For people"), ("description", Text, "For people")]),
    // the portal
    object("Credentials", "How somebody signs in.", &[("email!", Text, "The address"), ("password!", Text, "The password")]),
    object("SignUp", "A new account and its tenant.", &[
        ("email!", Text, "The address"), ("password!", Text, "12 to 128 characters"), ("name", Text, "Of the person"), ("tenant!", Text, "Of the tenant"),
    ]),
    object("Account", "Who is signed in.", &[
        ("uid!", Text, "Who"), ("email!", Text, "The address"), ("name!", Text, "The name"), ("operator!", Flag, "Whether it is an operator of the platform"),
        ("createdAt!", Time, "Made"), ("csrfToken", Text, "What to show in the header `x-onggi-csrf`"),
    ]),
    object("AccountChange", "What changes.", &[("name!", Text, "The name")]),
    object("PasswordChange", "A new password.", &[("old", Text, "The one before, if there is one"), ("new!", Text, "12 to 128 characters")]),
    object("PortalSession", "A sign-in that lasts.", &[
        ("uid!", Text, "Which"), ("createdAt!", Time, "Begun"), ("seenAt!", Time, "Used last, to the minute"), ("expiresAt!", Time, "Ends in any case"),
        ("userAgent!", Text, "The browser"), ("address!", Text, "The network address"), ("current!", Flag, "Whether it is this one"),
    ]),
    object("PortalSessions", "All sessions.", &[("results!", Many(&Of("PortalSession")), "The one used last first")]),
    object("PortalTenant", "A tenant.", &[
        ("uid!", Text, "Which"), ("name!", Text, "Its name"), ("status!", OneOf(&["active", "suspended"]), "Whether it is served"), ("createdAt!", Time, "Made"),
        ("role", Of("Role"), "What one is there"),
    ]),
    object("SettingsEffect", "What a change of settings would do.", &[
        ("changed!", Texts, "The settings that would differ"), ("rebuilding!", Texts, "Those of them that have every document indexed anew; searches go on meanwhile"),
        ("documents!", Integer, "Documents of the index"), ("documentsPerSecond!", Number, "How fast documents were indexed lately"),
        ("measured!", Flag, "Whether that was measured at this index; otherwise it is what is usual"), ("seconds!", Number, "An estimate of how long it takes until the change holds"),
    ]),
    object("PortalTenants", "Tenants.", &[("results!", Many(&Of("PortalTenant")), "By name")]),
    object("NewTenant", "A tenant to create.", &[("name!", Text, "Its name")]),
    Named { name: "Role", says: "What a member may do: look; change indexes; everything.", kind: Value(OneOf(&["viewer", "developer", "owner"])) },
    object("Member", "A member of a tenant.", &[
        ("uid!", Text, "Who"), ("email!", Text, "The address"), ("name!", Text, "The name"), ("role!", Of("Role"), "What the member may do"), ("createdAt!", Time, "Since when"),
    ]),
    object("Members", "All members.", &[("results!", Many(&Of("Member")), "By address")]),
    object("RoleChange", "What changes.", &[("role!", Of("Role"), "What the member may do")]),
    object("NewInvitation", "Who is invited.", &[("email!", Text, "The address"), ("role!", Of("Role"), "What they will be")]),
    object("Invitation", "An invitation.", &[
        ("uid!", Text, "Which"), ("email!", Text, "Who is invited"), ("role!", Of("Role"), "What they will be"), ("createdAt!", Time, "Made"), ("expiresAt!", Time, "Until when it can be accepted"),
        ("link", Text, "Where it is accepted; shown to who creates it"),
    ]),
    object("NewTenantToken", "A token that is wanted.", &[
        ("key!", Text, "The uid of the key that signs it"), ("searchRules!", Any, "A list of indexes, or an object from indexes to `{filter}`"), ("expiresAt", Time, "When it ends; null: with its key"),
    ]),
    object("TenantToken", "A token that searches by its rules.", &[("token!", Text, "What an app shows instead of a key"), ("expiresAt!", Time, "When it ends; null: with its key")]),
    object("Invitations", "All invitations.", &[("results!", Many(&Of("Invitation")), "By address")]),
    object("FindTenants", "Which tenants.", &[("q", Text, "A part of the name, or the uid")]),
    object("OperatorTenant", "A tenant, as operators see it.", &[
        ("uid!", Text, "Which"), ("name!", Text, "Its name"), ("status!", OneOf(&["active", "suspended"]), "Whether it is served"), ("createdAt!", Time, "Made"),
        ("indexes!", Integer, "How many it has"), ("members!", Integer, "How many it has"),
    ]),
    object("OperatorTenants", "Tenants.", &[("results!", Many(&Of("OperatorTenant")), "The first hundred, by name"), ("total!", Integer, "How many fit")]),
    object("TenantStatusChange", "What changes.", &[("status!", OneOf(&["active", "suspended"]), "Whether it is served")]),
    object("AllContainers", "Everything that runs.", &[("results!", Many(&Any), "Each container, with tenant, index, size, role and status")]),
];
