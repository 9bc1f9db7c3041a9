//! Plans, quotas, usage and analytics, as the API shows them.

use std::time::Duration;

use http::StatusCode;
use onggi_domain::{
    Code, Generation, Timestamp,
    container::Role,
    index::Published,
    settings::Settings,
    usage::{Counts, Run, hour_of},
};
use onggi_metadata::{CountBatch, QueryCounts};
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

impl Sandbox {
    async fn on_plan(&self, plan: &str) {
        self.deps.metadata.tenants.set_plan(self.caller.tenant, Some(plan)).await.unwrap();
    }

    /// A searcher of an index that ran until now.
    async fn ran(&self, uid: &str, container: &str, how_long: Duration) {
        let now = Timestamp::now();
        let run = Run {
            container: container.to_owned(),
            restarts: 0,
            tenant: self.caller.tenant,
            index: self.index(uid).await.id,
            role: Role::Searcher,
            size: "small".to_owned(),
            from: now - how_long,
            until: now,
        };
        self.deps.metadata.usage.saw(&[run]).await.unwrap();
        self.deps.metadata.usage.roll_up(Timestamp::UNIX_EPOCH).await.unwrap();
    }

    /// Searches of an index in the hour of a time.
    async fn searched(&self, uid: &str, at: Timestamp, queries: &[(&str, Counts)]) {
        let (tenant, index) = (self.caller.tenant, self.index(uid).await.id);
        let mut all = Counts { documents: 3, ..Counts::default() };
        for (_, counts) in queries {
            all.add(counts);
        }
        let query = |(query, counts): &(&str, Counts)| QueryCounts { tenant, index, query: (*query).to_owned(), counts: *counts };
        let batch = CountBatch {
            source: uuid::Uuid::new_v4(),
            seq: 0,
            until: at,
            hour: hour_of(at),
            indexes: vec![(tenant, index, all)],
            queries: queries.iter().map(query).collect(),
        };
        assert!(self.deps.metadata.searches.add(&batch).await.unwrap());
    }
}

fn counts(searches: u64, no_hits: u64, millis: u64) -> Counts {
    let mut counts = Counts { searches, no_hits, ..Counts::default() };
    counts.latencies.count(Duration::from_millis(millis), searches);
    counts
}

#[tokio::test]
async fn a_plan_is_shown_with_prices_and_quotas() {
    let sandbox = Sandbox::start().await;
    sandbox.on_plan("free").await;
    sandbox.task("POST", "/indexes", json!({"uid": "movies"})).await;
    let plan = sandbox.get("/plan").await;
    assert_eq!((&plan["plan"]["name"], &plan["plan"]["sizes"]), (&json!("free"), &json!(["small"])));
    assert_eq!((&plan["sizes"][0]["allowed"], &plan["sizes"][1]["allowed"]), (&json!(true), &json!(false)));
    assert_eq!(plan["quotas"][0], json!({"name": "indexes", "used": 1, "limit": 3}));
    sandbox.on_plan("team").await;
    let plan = sandbox.get("/plan").await;
    assert_eq!(plan["sizes"][0]["pricePerHour"], plan["plan"]["prices"]["containerHour"]["small"]);
}

#[tokio::test]
async fn quotas_are_kept_where_something_is_selected() {
    let sandbox = Sandbox::start().await;
    sandbox.on_plan("free").await;
    for uid in ["a", "b", "c"] {
        sandbox.task("POST", "/indexes", json!({"uid": uid})).await;
    }
    sandbox.refused("POST", "/indexes", json!({"uid": "d"}), Code::QuotaExceeded, "3 indexes").await;
    let (path, draft) = ("/indexes/a/containers", "/indexes/a/containers?replicas=2");
    sandbox.refused("PATCH", path, json!({"replicas": 2}), Code::QuotaExceeded, "1 replicas for one index").await;
    sandbox.refused("PATCH", path, json!({"size": "medium"}), Code::QuotaExceeded, "plan").await;
    assert!(sandbox.get(draft).await["draft"]["refused"].as_str().unwrap().contains("larger plan"));
    sandbox.on_plan("team").await;
    let shown = sandbox.get(draft).await;
    assert_eq!(
        shown["draft"],
        json!({
            "size": "small", "replicas": 2, "price": {"currency": "EUR", "perHour": 0.024, "perMonth": 17.52}, "refused": null,
        })
    );
    assert_eq!((&shown["replicas"], &shown["price"]["perHour"]), (&json!(1), &json!(0.012)));
    sandbox.refused("GET", "/indexes/a/containers?size=huge", Value::Null, Code::InvalidContainers, "small").await;
    let (status, view) = sandbox.send("PATCH", path, json!({"replicas": 2})).await;
    assert_eq!((status, &view["price"]["perHour"]), (StatusCode::OK, &json!(0.024)));
    // With a smaller plan again, what is there stays and may shrink.
    sandbox.on_plan("free").await;
    sandbox.refused("PATCH", path, json!({"replicas": 3}), Code::QuotaExceeded, "plan").await;
    assert_eq!(sandbox.send("PATCH", path, json!({"replicas": 1})).await.0, StatusCode::OK);
}

#[tokio::test]
async fn usage_is_told_by_index_size_hour_and_day_with_what_it_cost() {
    let sandbox = Sandbox::start().await;
    sandbox.on_plan("team").await;
    for uid in ["movies", "books"] {
        sandbox.task("POST", "/indexes", json!({"uid": uid})).await;
    }
    let now = Timestamp::now();
    sandbox.ran("movies", "s-1", Duration::from_hours(2)).await;
    sandbox.ran("books", "s-2", Duration::from_mins(30)).await;
    sandbox.searched("movies", now, &[("jar", counts(1_000_000, 0, 1))]).await;
    let published = Published {
        generation: Generation(1),
        committed_seq: None,
        documents: 1,
        stored_bytes: 1 << 30,
        raw_bytes: 1,
        fields: indexmap::IndexMap::new(),
    };
    let books = sandbox.index("books").await.id;
    sandbox.deps.metadata.indexes.record_generation(books, &published, &Settings::default(), None).await.unwrap();
    sandbox.deps.metadata.usage.note_storage(now - Duration::from_hours(1)).await.unwrap();
    let from = now - Duration::from_hours(3);

    let usage = sandbox.get(&format!("/usage?from={from}")).await;
    assert_eq!((&usage["plan"], &usage["currency"], &usage["by"]), (&json!("team"), &json!("EUR"), &json!("index")));
    let [first, second] = [&usage["results"][0], &usage["results"][1]];
    assert_eq!((&first["key"], &second["key"], &second["deleted"]), (&json!("books"), &json!("movies"), &json!(false)));
    let seconds = second["containerSeconds"].as_f64().unwrap();
    assert!((seconds - 7200.0).abs() < 0.001, "{seconds}");
    assert_eq!((&second["searches"], &second["documents"]), (&json!(1_000_000), &json!(3)));
    assert_eq!(second["cost"], json!({"containers": 0.024, "storage": 0.0, "searches": 2.0, "total": 2.024}));
    assert!(first["byteHours"].as_f64().unwrap() >= (1 << 30) as f64, "{first}");
    let total = usage["totals"]["containerSeconds"].as_f64().unwrap();
    assert!((total - 9000.0).abs() < 0.001, "{total}");
    assert!(usage["month"]["cost"].as_f64().unwrap() > 0.0 && usage["month"]["forecast"].as_f64() >= usage["month"]["cost"].as_f64());
    assert_eq!((&usage["alert"], &usage["quotas"][0]["used"]), (&Value::Null, &json!(2)));

    for by in ["size", "hour", "day"] {
        let usage = sandbox.get(&format!("/usage?by={by}&from={from}")).await;
        let results = usage["results"].as_array().unwrap();
        let sum: f64 = results.iter().map(|used| used["containerSeconds"].as_f64().unwrap()).sum();
        assert!((sum - total).abs() < 0.001, "{by}: {usage}");
    }
    assert_eq!(sandbox.get("/usage?by=size").await["results"][0]["key"], "small");
    let one = sandbox.get(&format!("/usage?indexUid=movies&from={from}")).await;
    assert_eq!((one["results"].as_array().unwrap().len(), &one["totals"]["containerSeconds"]), (1, &second["containerSeconds"]));

    // A key for some indexes sees their usage, and nothing of the tenant's.
    let (_, limited) = sandbox.send_as(&sandbox.limited_to("book*"), "GET", &format!("/usage?from={from}"), &Value::Null).await;
    assert_eq!((limited["results"].as_array().unwrap().len(), &limited["totals"]["searches"]), (1, &json!(0)));
    assert_eq!((&limited["month"], &limited["quotas"]), (&Value::Null, &Value::Null));

    // What is deleted was used all the same.
    sandbox.task("DELETE", "/indexes/movies", Value::Null).await;
    sandbox.deps.metadata.indexes.purge(sandbox.deps.metadata.indexes.deleted().await.unwrap()[0].id).await.unwrap();
    let usage = sandbox.get(&format!("/usage?from={from}")).await;
    assert_eq!((&usage["results"][1]["key"], &usage["results"][1]["deleted"]), (&json!("movies"), &json!(true)));
}

#[tokio::test]
async fn usage_is_told_as_a_table() {
    let sandbox = Sandbox::start().await;
    sandbox.task("POST", "/indexes", json!({"uid": "movies"})).await;
    sandbox.ran("movies", "s-1", Duration::from_secs(10)).await;
    let day = Timestamp::now() - Duration::from_hours(24);
    let text = sandbox.text("GET", &format!("/usage?format=csv&from={day}")).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("key,containerSeconds,") && lines[1].starts_with("movies,10,0,0,0,"), "{text}");
}

#[tokio::test]
async fn wrong_questions_about_usage_are_refused() {
    let sandbox = Sandbox::start().await;
    for (path, code, part) in [
        ("/usage?by=week", Code::InvalidUsage, "`day`"),
        ("/usage?from=soon", Code::InvalidUsage, "`soon`"),
        ("/usage?from=2026-03-02&to=2026-03-01", Code::InvalidUsage, "after"),
        ("/usage?from=2020-03-02", Code::InvalidUsage, "400"),
        ("/usage?by=hour&from=2026-01-01&to=2026-04-01", Code::InvalidUsage, "62"),
        ("/usage?format=xml", Code::InvalidUsage, "csv"),
        ("/usage?form=csv", Code::BadRequest, "`format`"),
    ] {
        sandbox.refused("GET", path, Value::Null, code, part).await;
    }
}

#[tokio::test]
async fn a_spending_alert_is_set_shown_and_removed() {
    let sandbox = Sandbox::start().await;
    let path = "/usage/alert";
    for (body, part) in [
        (json!({}), "`amount`"),
        (json!({"amount": "1"}), "a number"),
        (json!({"amount": 0}), "above 0"),
        (json!({"amount": -1}), "above 0"),
        (json!({"amount": 1, "url": "ftp://example.com"}), "https"),
    ] {
        sandbox.refused("PATCH", path, body, Code::InvalidUsageAlert, part).await;
    }
    let (status, alert) = sandbox.send("PATCH", path, json!({"amount": 12.5, "url": "https://example.com/alert"})).await;
    assert_eq!((status, &alert["amount"], &alert["passedAt"]), (StatusCode::OK, &json!(12.5), &Value::Null));
    assert_eq!(alert["signingSecret"].as_str().unwrap().len(), 64);
    assert_eq!(
        sandbox.get("/usage").await["alert"],
        json!({
            "amount": 12.5, "url": "https://example.com/alert", "passedAt": null, "passedCost": null, "delivered": null,
        })
    );
    let (_, alert) = sandbox.send("PATCH", path, json!({"url": null})).await;
    assert_eq!((&alert["amount"], &alert["url"]), (&json!(12.5), &Value::Null));
    let (status, _) = sandbox.send_as(&sandbox.limited_to("a"), "PATCH", path, &json!({"amount": 1})).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (_, none) = sandbox.send("PATCH", path, json!({"amount": null})).await;
    assert_eq!(none["amount"], Value::Null);
    assert_eq!(sandbox.get("/usage").await["alert"], Value::Null);
}

#[tokio::test]
async fn an_index_is_analysed_by_what_was_searched_for() {
    let sandbox = Sandbox::start().await;
    sandbox.task("POST", "/indexes", json!({"uid": "movies"})).await;
    let now = Timestamp::now();
    let day_ago = now - Duration::from_hours(25);
    sandbox.searched("movies", day_ago, &[("always", counts(100, 0, 2))]).await;
    let clicked = Counts { clicks: 20, positions: 50, conversions: 2, ..counts(100, 0, 2) };
    let queries = [("always", clicked), ("new", counts(50, 0, 2)), ("missing", counts(9, 9, 2)), ("slow", counts(2, 0, 800))];
    sandbox.searched("movies", now, &queries).await;
    let analytics = sandbox.get("/indexes/movies/analytics?limit=2").await;
    let names = |list: &str| analytics[list].as_array().unwrap().iter().map(|query| query["query"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!((names("top"), names("empty"), names("rising")), (vec!["always", "new"], vec!["missing"], vec!["new", "missing"]));
    assert_eq!(names("slow")[0], "slow");
    let top = &analytics["top"][0];
    assert_eq!((&top["clickThroughRate"], &top["meanClickPosition"], &top["conversions"]), (&json!(0.2), &json!(2.5), &json!(2)));
    assert_eq!((&analytics["totals"]["searches"], &analytics["totals"]["noHits"]), (&json!(161), &json!(9)));
    assert_eq!((&analytics["step"], analytics["hours"].as_array().unwrap().len()), (&json!("hour"), 25));
    assert_eq!(analytics["now"]["searchesPerMinute"], json!(161.0 / 5.0));
    assert_eq!(sandbox.get("/stats/searches").await["indexes"]["movies"], analytics["now"]);
    let before = sandbox
        .get(&format!("/indexes/movies/analytics?from={}&to={}", now - Duration::from_hours(26), now - Duration::from_hours(24)))
        .await;
    assert_eq!(before["totals"]["searches"], 100, "{before}");
    // What is not kept any more is not asked for.
    let all = sandbox.get("/indexes/movies/analytics?from=2020-01-01").await;
    assert!(all["from"].as_str().unwrap().parse::<Timestamp>().unwrap() >= now - Duration::from_hours(24 * 90 + 1), "{all}");
    assert_eq!((&all["step"], &all["totals"]["searches"], &all["rising"]), (&json!("day"), &json!(261), &json!([])));
    for (query, part) in [("from=x", "`x`"), ("limit=x", "`limit`")] {
        sandbox.refused("GET", &format!("/indexes/movies/analytics?{query}"), Value::Null, Code::InvalidAnalytics, part).await;
    }
    sandbox.refused("GET", "/indexes/none/analytics", Value::Null, Code::IndexNotFound, "none").await;
}
