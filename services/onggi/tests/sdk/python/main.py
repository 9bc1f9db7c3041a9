"""What a Python application does with the official client, unmodified.

Takes ONGGI_URL, ONGGI_KEY (a root key) and DOCUMENTS (an NDJSON file).
"""

import datetime
import json
import os

import meilisearch
from meilisearch.errors import MeilisearchApiError

URL, KEY = os.environ["ONGGI_URL"], os.environ["ONGGI_KEY"]
client = meilisearch.Client(URL, KEY)
with open(os.environ["DOCUMENTS"], encoding="utf-8") as file:
    lines = file.read().splitlines()
documents = [json.loads(line) for line in lines]


def done(info):
    task = client.wait_for_task(info.task_uid, timeout_in_ms=120_000, interval_in_ms=20)
    assert task.status == "succeeded", task
    return task


def refused(code, call):
    try:
        call()
    except MeilisearchApiError as error:
        assert error.code == code, error
    else:
        raise AssertionError(f"expected {code}")


# An index, its settings, its documents as NDJSON, JSON and CSV.
assert client.is_healthy()
done(client.create_index("packages-py", {"primaryKey": "id"}))
index = client.index("packages-py")
done(
    index.update_settings(
        {
            "filterableAttributes": ["section", "installed_size_kb", "tags"],
            "sortableAttributes": ["installed_size_kb"],
            "searchableAttributes": ["name", "title", "description"],
            "pagination": {"maxTotalHits": 100_000},
        }
    )
)
half = len(lines) // 2
done(index.add_documents_ndjson("\n".join(lines[:half]).encode(), "id"))
for info in index.add_documents_in_batches(documents[half:], batch_size=10_000):
    done(info)
done(index.add_documents_csv(b'id,section,installed_size_kb:number\ncsv-1,"a,b",12\n', "id"))
assert index.get_stats().number_of_documents == len(documents) + 1
assert index.get_document("csv-1").installed_size_kb == 12
done(index.delete_document("csv-1"))
assert dict(index.get_document(documents[3]["id"]))["title"] == documents[3]["title"]
assert index.get_settings()["sortableAttributes"] == ["installed_size_kb"]

# Search.
expected = sum(1 for document in documents if document.get("section") == "python")
found = index.search("", {"filter": "section = python", "facets": ["section", "installed_size_kb"], "hitsPerPage": 1})
assert found["totalHits"] == expected, found
assert found["facetDistribution"]["section"] == {"python": expected}
found = index.search("python library", {"attributesToHighlight": ["*"], "sort": ["installed_size_kb:desc"], "limit": 3})
assert found["hits"] and any("<em>" in hit["_formatted"]["description"] + hit["_formatted"]["title"] for hit in found["hits"])
refused("invalid_search_sort", lambda: index.search("x", {"sort": ["version:asc"]}))
refused("index_not_found", lambda: client.index("absent").search("x"))

# Every parameter of a search at once.
found = index.search(
    "python library",
    {
        "offset": 1,
        "limit": 4,
        "filter": [["section = python", "section = libs"], "installed_size_kb > 0"],
        "sort": ["installed_size_kb:asc"],
        "distinct": "section",
        "facets": ["section", "tags"],
        "attributesToRetrieve": ["id", "section"],
        "attributesToSearchOn": ["title", "description"],
        "attributesToHighlight": ["title"],
        "highlightPreTag": "**",
        "highlightPostTag": "**",
        "attributesToCrop": ["description:5"],
        "cropLength": 8,
        "cropMarker": "~",
        "showMatchesPosition": True,
        "showRankingScore": True,
        "showRankingScoreDetails": True,
        "rankingScoreThreshold": 0.01,
        "matchingStrategy": "all",
        "locales": ["eng"],
    },
)
assert found["offset"] == 1 and len(found["hits"]) <= 1, found
found = index.search("python library", {"page": 2, "hitsPerPage": 3, "showRankingScore": True})
assert found["page"] == 2 and len(found["hits"]) == 3 and all(0 <= hit["_rankingScore"] <= 1 for hit in found["hits"])
values = index.facet_search("section", "pyth")
assert values["facetHits"][0]["value"] == "python" and values["facetHits"][0]["count"] == expected

# Several searches in one request, and as one list.
queries = [
    {"indexUid": "packages-py", "q": "editor", "limit": 2},
    {"indexUid": "packages-py", "q": "", "filter": "section = python", "limit": 1},
]
results = client.multi_search(queries)["results"]
assert [result["indexUid"] for result in results] == ["packages-py"] * 2
assert len(results[0]["hits"]) == 2 and results[1]["hits"][0]["section"] == "python"
federated = client.multi_search(
    [
        {"indexUid": "packages-py", "q": "editor", "federationOptions": {"weight": 0.5}},
        {"indexUid": "packages-py", "q": "editor", "attributesToSearchOn": ["title"]},
    ],
    {"limit": 5, "facetsByIndex": {"packages-py": ["section"]}},
)
ids = [hit["id"] for hit in federated["hits"]]
assert len(ids) == len(set(ids)) == 5, "a document that both find is there once"
assert federated["hits"][0]["_federation"]["queriesPosition"] == 1
assert sum(federated["facetsByIndex"]["packages-py"]["distribution"]["section"].values()) == federated["estimatedTotalHits"]
refused("index_not_found", lambda: client.multi_search([{"indexUid": "absent", "q": "x"}]))

# Settings, one by one, on an index of their own.
done(client.create_index("shelf-py", {"primaryKey": "id"}))
shelf = client.index("shelf-py")
done(shelf.update_synonyms({"tome": ["book"]}))
assert shelf.get_synonyms() == {"tome": ["book"]}
done(shelf.update_stop_words(["the"]))
assert shelf.get_stop_words() == ["the"]
done(shelf.update_ranking_rules(["words", "typo", "year:desc"]))
assert shelf.get_ranking_rules() == ["words", "typo", "year:desc"]
done(shelf.update_distinct_attribute("sku"))
assert shelf.get_distinct_attribute() == "sku"
done(shelf.update_typo_tolerance({"disableOnAttributes": ["sku"], "minWordSizeForTypos": {"oneTypo": 6, "twoTypos": 10}}))
assert shelf.get_typo_tolerance().disable_on_attributes == ["sku"]
done(shelf.update_faceting_settings({"maxValuesPerFacet": 3}))
assert shelf.get_faceting_settings().max_values_per_facet == 3
done(shelf.update_pagination_settings({"maxTotalHits": 30}))
assert shelf.get_pagination_settings().max_total_hits == 30
done(shelf.update_dictionary(["J.R.R."]))
assert shelf.get_dictionary() == ["J.R.R."]
done(shelf.update_separator_tokens(["|"]))
assert shelf.get_separator_tokens() == ["|"]
done(shelf.update_non_separator_tokens(["#"]))
assert shelf.get_non_separator_tokens() == ["#"]
done(shelf.update_search_cutoff_ms(500))
assert shelf.get_search_cutoff_ms() == 500
done(shelf.update_proximity_precision("byAttribute"))
assert shelf.get_proximity_precision() == "byAttribute"
done(shelf.reset_settings())
assert shelf.get_stop_words() == [] and shelf.get_search_cutoff_ms() is None
done(shelf.delete())

# Keys and a tenant token.
key = client.create_key({"description": "python", "actions": ["search"], "indexes": ["packages-py"], "expiresAt": None})
assert client.get_key(key.uid).key == key.key
token = client.generate_tenant_token(
    key.uid,
    {"packages-py": {"filter": "section = python"}},
    api_key=key.key,
    expires_at=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5),
)
tenant = meilisearch.Client(URL, token)
assert tenant.index("packages-py").search("", {"hitsPerPage": 1})["totalHits"] == expected
refused("invalid_api_key", lambda: tenant.index("packages-js").search(""))
assert client.delete_key(key.uid) == 204

# Tasks, and the end.
tasks = client.get_tasks({"indexUids": "packages-py", "statuses": "succeeded", "limit": 3})
assert len(tasks.results) == 3
done(index.delete_all_documents())
assert index.search("")["estimatedTotalHits"] == 0
done(index.delete())
refused("index_not_found", lambda: client.get_raw_index("packages-py"))
print("ok")
