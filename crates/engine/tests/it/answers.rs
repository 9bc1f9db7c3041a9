//! What an answer holds besides its order: paging, shown and formatted attributes, distinct documents, errors.

use onggi_domain::{Code, log::DocumentMethod};
use onggi_engine::{
    Searcher,
    search::{DocumentsRequest, FacetSearchRequest, SearchRequest},
};
use serde_json::{Value, json};

use crate::support::{Fixture, ask, hit_ids};

fn shop() -> Searcher {
    let mut index = Fixture::new();
    index.settings(json!({
        "searchableAttributes": ["title", "about", "tags"],
        "filterableAttributes": ["brand", "price", "tags", "_geo"],
        "sortableAttributes": ["price", "_geo"],
    }));
    index.add(&[
        json!({"id": 1, "title": "Red running shoes", "about": {"text": "Light shoes. For long runs in the rain, and for the shade."}, "brand": "Acme", "price": 50, "tags": ["sale", "shoes"], "_geo": {"lat": 37.5, "lng": 127.0}}),
        json!({"id": 2, "title": "Blue shoes", "brand": "acme", "price": 70.5, "tags": [], "_geo": {"lat": 35.1, "lng": 129.0}}),
        json!({"id": 3, "title": "Red hat", "brand": "Other", "price": 20, "tags": ["Sale"]}),
        json!({"id": 4, "title": "Green socks", "brand": null}),
    ]);
    index.searcher()
}

#[test]
fn paging_by_offset_and_by_pages() {
    let searcher = shop();
    let answer = ask(&searcher, &json!({"offset": 1, "limit": 2}));
    assert_eq!(hit_ids(&answer), [2, 3]);
    assert_eq!((&answer["limit"], &answer["offset"], &answer["estimatedTotalHits"]), (&json!(2), &json!(1), &json!(4)));
    let answer = ask(&searcher, &json!({"hitsPerPage": 3, "page": 2}));
    assert_eq!(hit_ids(&answer), [4]);
    let paging = ["hitsPerPage", "page", "totalPages", "totalHits"].map(|name| answer[name].as_u64().unwrap());
    assert_eq!(paging, [3, 2, 2, 4]);
    assert!(answer.get("estimatedTotalHits").is_none() && answer.get("facetDistribution").is_none());
    assert_eq!(hit_ids(&ask(&searcher, &json!({"page": 0}))), [] as [u64; 0]);
    let beyond = ask(&searcher, &json!({"offset": 100_000_000_u64}));
    assert_eq!((hit_ids(&beyond), &beyond["offset"]), (vec![], &json!(1000)), "the offset is that which was used");
    let counted = ask(&searcher, &json!({"hitsPerPage": 0}));
    assert_eq!((hit_ids(&counted), &counted["totalPages"], &counted["totalHits"]), (vec![], &json!(0), &json!(4)));
}

#[test]
fn max_total_hits_bounds_what_can_be_reached() {
    let mut index = Fixture::new();
    index.settings(json!({"pagination": {"maxTotalHits": 3}}));
    index.add(&(0..9).map(|id| json!({"id": id, "a": "x"})).collect::<Vec<_>>());
    let searcher = index.searcher();
    let answer = ask(&searcher, &json!({"q": "x", "offset": 2, "limit": 5}));
    assert_eq!((hit_ids(&answer).len(), &answer["estimatedTotalHits"]), (1, &json!(3)));
}

#[test]
fn only_displayed_and_asked_for_attributes_are_shown() {
    let searcher = shop();
    let answer = ask(&searcher, &json!({"q": "running", "attributesToRetrieve": ["price", "about.text", "id"]}));
    let shown = serde_json::to_string(&answer["hits"][0]).unwrap();
    assert_eq!(shown, r#"{"id":1,"about":{"text":"Light shoes. For long runs in the rain, and for the shade."},"price":50}"#);
}

#[test]
fn highlights_and_crops() {
    let searcher = shop();
    let answer = ask(
        &searcher,
        &json!({"q": "sho", "attributesToHighlight": ["*"], "attributesToCrop": ["about:3"], "highlightPreTag": "<b>", "highlightPostTag": "</b>",
                "filter": "price = 50", "attributesToRetrieve": ["id"]}),
    );
    let hit = &answer["hits"][0];
    assert_eq!(hit["_formatted"]["title"], "Red running <b>sho</b>es");
    assert_eq!(hit["_formatted"]["about"]["text"], "Light <b>sho</b>es. For…");
    assert_eq!(hit["_formatted"]["tags"], json!(["sale", "<b>sho</b>es"]));
    assert_eq!(hit["_formatted"]["price"], "50");
    assert!(hit.get("title").is_none());
}

#[test]
fn what_is_formatted_is_the_same_whether_a_document_is_shown_whole_or_by_its_attributes() {
    let mut index = Fixture::new();
    index.add(&[json!({
        "id": 1, "plain": "Red shoes, and a red \u{ac00} hat", "escaped": "a \"red\"\n\\ shoe", "na\"me": "red",
        "list": ["red", 1.50, null, true, ["Red \"hat\"", {"deep": "red shoes", "n": 2}], []], "object": {"a": ["red", {}], "b": "x"}, "empty": [],
    })]);
    let searcher = index.searcher();
    let all = ["id", "plain", "escaped", "na\"me", "list", "object", "empty"];
    for (highlight, crop) in [(json!(["*"]), json!([])), (json!(["plain", "list"]), json!(["*"])), (json!([]), json!(["escaped", "plain"]))]
    {
        let request = json!({"q": "red", "attributesToHighlight": highlight, "attributesToCrop": crop, "cropLength": 2, "cropMarker": "\"…\\",
            "highlightPreTag": "<mark class=\"hit\">", "highlightPostTag": "</mark>\n"});
        let mut by_attributes = request.clone();
        by_attributes["attributesToRetrieve"] = json!(all);
        let (whole, selected) = (ask(&searcher, &request), ask(&searcher, &by_attributes));
        assert_eq!(whole["hits"], selected["hits"], "{request}");
        let shown = whole["hits"][0]["_formatted"]["plain"].as_str().unwrap();
        assert!(shown.contains("<mark class=\"hit\">Red</mark>\n") || shown.ends_with("\"…\\"), "{shown}");
    }
}

#[test]
fn formatted_is_there_only_when_there_is_something_to_format() {
    let searcher = shop();
    for (request, formatted) in [
        (json!({"attributesToHighlight": []}), false),
        (json!({"attributesToHighlight": ["nothing"], "attributesToCrop": ["nobody:3"]}), false),
        (json!({"attributesToHighlight": ["title"]}), true),
        (json!({"attributesToCrop": ["about.text:2"]}), true),
        (json!({"attributesToCrop": ["*"]}), true),
    ] {
        let answer = ask(&searcher, &request);
        assert_eq!(answer["hits"][0].get("_formatted").is_some(), formatted, "{request}");
    }
    // A length that is no number is the request's own.
    let answer = ask(&searcher, &json!({"attributesToCrop": ["about:x"], "cropLength": 2, "cropMarker": "", "attributesToRetrieve": []}));
    assert_eq!(answer["hits"][0], json!({"_formatted": {"about": {"text": "Light shoes"}}}));
}

#[test]
fn a_made_member_takes_the_place_of_a_document_s_own() {
    let mut index = Fixture::new();
    index.add(&[json!({"id": 1, "title": "Red shoes", "_formatted": "mine", "_rankingScore": "mine"})]);
    for made in [json!({"attributesToHighlight": ["title"]}), json!({"attributesToHighlight": ["title"], "showRankingScore": true})] {
        let mut request = made.clone();
        request["q"] = json!("shoe");
        let request = SearchRequest::from_json(request.to_string().as_bytes()).unwrap();
        let answer = index.searcher().search(&request, None).unwrap().unwrap();
        let hit = answer.hits[0].get();
        let named = |name: &str| hit.matches(&format!("{name}\":")).count();
        let twice = "once in the hit, once in `_formatted`";
        assert_eq!((named("title"), named("_formatted"), named("_rankingScore")), (2, 2, 2), "{twice}: {hit}");
    }
}

#[test]
fn positions_are_bytes_and_name_the_elements_of_arrays_on_the_way() {
    let mut index = Fixture::new();
    index.add(&[json!({"id": 1, "parts": [{"names": ["été", "jar"]}, {"names": ["clay", "é jar jar"]}], "n": 42})]);
    let answer = ask(&index.searcher(), &json!({"q": "jar 42", "showMatchesPosition": true, "attributesToRetrieve": ["id"]}));
    assert_eq!(
        answer["hits"][0]["_matchesPosition"],
        json!({
            "parts.names": [
                {"start": 0, "length": 3, "indices": [0, 1]},
                {"start": 3, "length": 3, "indices": [1, 1]},
                {"start": 7, "length": 3, "indices": [1, 1]},
            ],
            "n": [{"start": 0, "length": 2}],
        })
    );
}

#[test]
fn the_time_of_each_step_is_told_when_asked_for() {
    let answer = ask(&shop(), &json!({"q": "red", "facets": ["brand"], "showPerformanceDetails": true}));
    let steps: Vec<&String> = answer["performanceDetails"].as_object().unwrap().keys().collect();
    let expected = ["resolve query", "filter", "find", "rank", "count facets", "format"].map(|step| format!("search > {step}"));
    assert_eq!(steps[..6], expected.iter().collect::<Vec<_>>());
    assert!(ask(&shop(), &json!({})).get("performanceDetails").is_none());
}

#[test]
fn attributes_that_share_a_slot_are_searched_apart() {
    let searchable: Vec<String> = (0..10).map(|n| format!("n{n}")).collect();
    let mut index = Fixture::new();
    index.settings(json!({"searchableAttributes": searchable, "filterableAttributes": ["n0"]}));
    index.add(&[
        json!({"id": 0, "n0": "clay", "n9": "clay jar", "n8": "old"}),
        json!({"id": 1, "n0": "glass", "n8": "clay jar", "n9": "new"}),
        json!({"id": 2, "n0": "glass", "n9": ["a jar", "of glass"]}),
        json!({"id": 3, "n0": "glass", "n9": {"x": "jar of clay", "y": "pot"}}),
    ]);
    let searcher = index.searcher();
    for (q, only, ids) in [
        ("clay", json!(["n9"]), vec![0, 3]),
        ("clay", json!(["n8"]), vec![1]),
        ("cla", json!(["n8", "n0"]), vec![0, 1]),
        ("\"clay jar\"", json!(["n9"]), vec![0]),
        ("jar -clay", json!(["n9"]), vec![2]),
        ("pot", json!(["n9.x"]), vec![]),
        ("pot", json!(["n9.y"]), vec![3]),
        ("pot", json!(["n9.*"]), vec![3]),
        ("pot", json!(["*"]), vec![3]),
        ("clay", json!(["n7", "n8", "n9"]), vec![0, 1, 3]),
    ] {
        let answer = ask(&searcher, &json!({"q": q, "attributesToSearchOn": only, "facets": ["n0"]}));
        let mut found = hit_ids(&answer);
        found.sort_unstable();
        assert_eq!(found, ids, "{q} in {only}");
        let counted: u64 = answer["facetDistribution"]["n0"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!((counted, &answer["estimatedTotalHits"]), (ids.len() as u64, &json!(ids.len())), "{q} in {only}");
    }
    let all = json!({"q": "jar clay", "attributesToSearchOn": ["n9"], "matchingStrategy": "all"});
    let mut found = hit_ids(&ask(&searcher, &all));
    found.sort_unstable();
    assert_eq!(found, [0, 3]);
}

#[test]
fn positions_and_scores_when_asked_for() {
    let searcher = shop();
    let answer =
        ask(&searcher, &json!({"q": "red shoes", "showMatchesPosition": true, "showRankingScore": true, "showRankingScoreDetails": true}));
    let hit = &answer["hits"][0];
    assert_eq!(hit["_matchesPosition"]["title"], json!([{"start": 0, "length": 3}, {"start": 12, "length": 5}]));
    assert_eq!(hit["_matchesPosition"]["tags"], json!([{"start": 0, "length": 5, "indices": [1]}]));
    assert_eq!(hit["_rankingScoreDetails"]["words"]["matchingWords"], 2);
    let scores: Vec<f64> = answer["hits"].as_array().unwrap().iter().map(|hit| hit["_rankingScore"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
    let above = ask(&searcher, &json!({"q": "red shoes", "rankingScoreThreshold": scores[0] - 0.001}));
    assert_eq!((hit_ids(&above), &above["estimatedTotalHits"]), (vec![1], &json!(1)));
}

#[test]
fn one_document_for_each_value() {
    let searcher = shop();
    let answer = ask(&searcher, &json!({"distinct": "brand", "facets": ["brand"]}));
    assert_eq!((hit_ids(&answer), &answer["estimatedTotalHits"]), (vec![1, 3, 4], &json!(3)));
    assert_eq!(answer["facetDistribution"]["brand"], json!({"Acme": 1, "Other": 1}));
    assert_eq!(hit_ids(&ask(&searcher, &json!({"q": "shoes", "distinct": "brand", "sort": ["price:desc"]}))), [2]);
}

#[test]
fn facets_join_values_that_differ_by_case_and_know_the_range_of_numbers() {
    let answer = ask(&shop(), &json!({"facets": ["*"], "limit": 0}));
    assert_eq!(answer["facetDistribution"]["brand"], json!({"acme": 2, "Other": 1}));
    assert_eq!(answer["facetDistribution"]["price"], json!({"20": 1, "50": 1, "70.5": 1}));
    assert_eq!(answer["facetStats"], json!({"price": {"min": 20.0, "max": 70.5}}));
    let answer = ask(&shop(), &json!({"facets": ["tags"], "q": "shoes"}));
    assert_eq!(answer["facetDistribution"], json!({"tags": {"sale": 1, "shoes": 1}}));
}

#[test]
fn a_facet_that_is_an_object_is_what_is_in_it_and_facets_come_in_alphabetical_order() {
    let mut index = Fixture::new();
    index.settings(json!({"filterableAttributes": ["info", "color", "a"]}));
    index.add(&[
        json!({"id": 0, "info": {"year": 1999, "genre": "b", "deep": {"er": true}}, "color": "red", "infos": 1}),
        json!({"id": 1, "info": {"year": 2001, "genre": ["a", "b"]}, "a": 1}),
        json!({"id": 2, "info": {"note": "x"}}),
    ]);
    let searcher = index.searcher();
    let answer = ask(&searcher, &json!({"facets": ["info", "color", "info.genre"], "filter": "info.year EXISTS"}));
    assert_eq!(
        serde_json::to_string(&answer["facetDistribution"]).unwrap(),
        r#"{"color":{"red":1},"info":{},"info.deep.er":{"true":1},"info.genre":{"a":1,"b":2},"info.year":{"1999":1,"2001":1}}"#
    );
    assert_eq!(answer["facetStats"], json!({"info.year": {"min": 1999.0, "max": 2001.0}}));
    for pattern in ["info.*", "c*"] {
        let settings = json!({"filterableAttributes": ["info", "c*"]});
        index.settings(settings);
        assert_eq!(ask(&index.searcher(), &json!({"facets": [pattern]}))["facetDistribution"], json!({}), "{pattern}");
    }
}

#[test]
fn facet_values_can_be_searched() {
    let searcher = shop();
    let search = |body: &str| {
        let request = FacetSearchRequest::from_json(body.as_bytes()).unwrap();
        searcher.facet_search(&request, None).unwrap()
    };
    let hits = serde_json::to_value(search(r#"{"facetName": "brand", "facetQuery": "ac"}"#).unwrap()).unwrap();
    assert_eq!(hits["facetHits"], json!([{"value": "acme", "count": 2}]));
    let hits = serde_json::to_value(search(r#"{"facetName": "tags", "q": "red", "filter": "price < 30"}"#).unwrap()).unwrap();
    assert_eq!(hits["facetHits"], json!([{"value": "Sale", "count": 1}]));
    assert_eq!(search(r#"{"facetName": "title"}"#).unwrap_err().code, Code::InvalidFacetSearchFacetName);
    let typo = serde_json::to_value(search(r#"{"facetName": "tags", "facetQuery": "sheos"}"#).unwrap()).unwrap();
    assert_eq!(typo["facetHits"], json!([{"value": "shoes", "count": 1}]));
    let none = serde_json::to_value(search(r#"{"facetName": "brand", "q": "red", "rankingScoreThreshold": 1.0}"#).unwrap()).unwrap();
    assert_eq!((&none["facetHits"], &none["facetQuery"]), (&json!([]), &Value::Null));
}

#[test]
fn facet_values_come_in_the_order_of_the_settings_and_no_more_than_they_say() {
    let mut index = Fixture::new();
    index.settings(json!({"filterableAttributes": ["tag"], "faceting": {"maxValuesPerFacet": 2, "sortFacetValuesBy": {"tag": "count"}}}));
    let documents: Vec<Value> = [("a", 1), ("b", 3), ("c", 2)]
        .iter()
        .flat_map(|(tag, count)| (0..*count).map(move |n| json!({"id": format!("{tag}{n}"), "tag": tag})))
        .collect();
    index.add(&documents);
    let request = FacetSearchRequest::from_json(br#"{"facetName": "tag"}"#).unwrap();
    let values = |searcher: &Searcher| {
        let hits = serde_json::to_value(searcher.facet_search(&request, None).unwrap().unwrap()).unwrap()["facetHits"].clone();
        hits.as_array().unwrap().iter().map(|hit| hit["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let searcher = index.searcher();
    assert_eq!(values(&searcher), ["b", "c"]);
    let answer = ask(&searcher, &json!({"facets": ["tag"]}));
    let counted: Vec<&String> = answer["facetDistribution"]["tag"].as_object().unwrap().keys().collect();
    assert_eq!(counted, ["b", "c"]);
    index.settings(json!({"faceting": {"sortFacetValuesBy": {"tag": "alpha"}}}));
    assert_eq!(values(&index.searcher()), ["a", "b"]);
    index.settings(json!({"facetSearch": false}));
    let refused = index.searcher().facet_search(&request, None).unwrap();
    assert_eq!(refused.unwrap_err().code, Code::FacetSearchDisabled);
}

#[test]
fn distances_filter_and_sort() {
    let searcher = shop();
    let near = ask(&searcher, &json!({"filter": "_geoRadius(37.5, 127.0, 1000)", "sort": ["_geoPoint(37.5, 127.0):asc"]}));
    assert_eq!((hit_ids(&near), &near["hits"][0]["_geoDistance"]), (vec![1], &json!(0)));
    assert_eq!(hit_ids(&ask(&searcher, &json!({"sort": ["_geoPoint(35, 129):asc"]}))), [2, 1, 3, 4]);
    assert_eq!(hit_ids(&ask(&searcher, &json!({"filter": "_geoBoundingBox([36, 130], [35, 128])"}))), [2]);
    assert_eq!(hit_ids(&ask(&searcher, &json!({"filter": "_geoPolygon([38, 126], [38, 128], [37, 127])"}))), [1]);
    let mut index = Fixture::new();
    index.settings(json!({"sortableAttributes": ["_geo"], "displayedAttributes": ["id"]}));
    index.add(&[json!({"id": 1, "_geo": {"lat": 1, "lng": 2}})]);
    let hidden = ask(&index.searcher(), &json!({"sort": ["_geoPoint(1, 2):asc"]}));
    assert_eq!(hidden["hits"], json!([{"id": 1}]), "a distance would tell where a hidden place is");
}

#[test]
fn a_rule_of_a_token_holds_besides_the_request_s_own_filter() {
    let searcher = shop();
    let request = SearchRequest::from_json(br#"{"filter": "price > 30"}"#).unwrap();
    let answer = searcher.search(&request, Some(&json!("brand = ACME AND price < 60"))).unwrap().unwrap();
    assert_eq!(hit_ids(&serde_json::to_value(answer).unwrap()), [1]);
}

#[test]
fn wrong_requests_are_told_with_their_code() {
    let searcher = shop();
    let long = "x".repeat(3000);
    for (request, code, part) in [
        (json!({"filter": "color = red"}), Code::InvalidSearchFilter, "`color` is not filterable"),
        (json!({"filter": "price >"}), Code::InvalidSearchFilter, "8:8 price >"),
        (json!({"sort": ["title:asc"]}), Code::InvalidSearchSort, "`_geo`, `price`"),
        (json!({"facets": ["title"]}), Code::InvalidSearchFacets, "`title` is not filterable"),
        (json!({"distinct": "title"}), Code::InvalidSearchDistinct, "distinct attribute"),
        (json!({"attributesToSearchOn": ["brand"]}), Code::InvalidSearchAttributesToSearchOn, "not searchable"),
        (json!({"filter": {"brand": "acme"}}), Code::InvalidSearchFilter, "`expected String, Array, found: {\"brand\":\"acme\"}`"),
        (json!({"sort": ["_geoPoint(91, 0):asc"]}), Code::InvalidSearchSort, "Bad latitude `91`"),
        (json!({"hybrid": {"embedder": "x"}}), Code::FeatureNotEnabled, "experimental feature"),
        (json!({"q": long}), Code::InvalidSearchQ, "2000"),
    ] {
        let parsed = SearchRequest::from_json(request.to_string().as_bytes());
        let error = parsed.and_then(|request| searcher.search(&request, None).unwrap()).unwrap_err();
        assert_eq!(error.code, code, "{request}");
        assert!(error.message.contains(part), "{request}: {}", error.message);
    }
}

#[test]
fn documents_by_page_filter_ids_and_fields() {
    let searcher = shop();
    let page = |body: Value| {
        let request = DocumentsRequest::from_json(body.to_string().as_bytes()).unwrap();
        serde_json::to_value(searcher.documents(&request).unwrap().unwrap()).unwrap()
    };
    let answer = page(json!({"offset": 1, "limit": 2, "fields": ["id"]}));
    assert_eq!(answer, json!({"results": [{"id": 2}, {"id": 3}], "offset": 1, "limit": 2, "total": 4}));
    assert_eq!(page(json!({"filter": "brand = acme", "fields": ["id"]}))["total"], 2);
    assert_eq!(page(json!({"ids": [3, "1", "x"], "fields": ["id"]}))["results"], json!([{"id": 1}, {"id": 3}]));
    assert_eq!(page(json!({"sort": ["price:desc"], "fields": ["id"], "limit": 1}))["results"], json!([{"id": 2}]));
    assert!(searcher.document("x", None).unwrap().is_none());
    let document = searcher.document("3", Some(&["title".to_owned()])).unwrap().unwrap();
    assert_eq!(document.get(), r#"{"title":"Red hat"}"#);
}

#[test]
fn vectors_stay_stored_and_are_not_shown() {
    let mut index = Fixture::new();
    index.add(&[json!({"id": 1, "title": "jar", "_vectors": {"default": [0.5, 1]}, "a": {"_vectors": 2}})]);
    index.indexer.begin_documents(DocumentMethod::Update, "id").unwrap();
    index.indexer.add_documents(br#"{"id": 1, "note": "of clay"}"#).unwrap();
    index.indexer.end_documents().unwrap().unwrap();
    let stored = index.commit().state.raw_bytes;
    let searcher = index.searcher();
    let shown = json!({"id": 1, "title": "jar", "a": {"_vectors": 2}, "note": "of clay"});
    let plain = |raw: &str| serde_json::from_str::<Value>(raw).unwrap();
    assert_eq!(plain(searcher.document("1", None).unwrap().unwrap().get()), shown);
    assert_eq!(plain(searcher.document("1", Some(&["_vectors".to_owned()])).unwrap().unwrap().get()), json!({}));
    let page = searcher.documents(&DocumentsRequest::from_json(b"{}").unwrap()).unwrap().unwrap();
    assert_eq!(plain(page.results[0].get()), shown);
    assert_eq!(ask(&searcher, &json!({"q": "jar"}))["hits"], json!([shown]));
    let asked =
        json!({"q": "jar", "attributesToRetrieve": ["_vectors", "id"], "attributesToHighlight": ["*"], "showMatchesPosition": true});
    let hit = &ask(&searcher, &asked)["hits"][0];
    assert_eq!((&hit["_vectors"], &hit["_formatted"]["_vectors"], &hit["id"]), (&Value::Null, &Value::Null, &json!(1)));
    assert!(stored as usize > shown.to_string().len(), "they are stored");
}

#[test]
fn hostile_queries_are_answered() {
    let searcher = shop();
    for q in [
        "\"",
        "-",
        "- -",
        "\"\"",
        "-\"",
        "\u{0}",
        "\u{1}shoes",
        "ﬁ",
        "🦀",
        "\u{200d}",
        "((((",
        &"a ".repeat(900),
        &"\"a\" ".repeat(400),
        "e\u{301}",
    ] {
        ask(&searcher, &json!({"q": q, "attributesToHighlight": ["*"], "showMatchesPosition": true, "attributesToCrop": ["*"]}));
    }
}
