//! What the public edge does for every request: limits, headers, browsers, streams.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, BodyDataStream},
    extract::{Path, Request},
    response::IntoResponse,
    routing::{any, get, post},
};
use bytes::Bytes;
use bytesize::ByteSize;
use futures::{StreamExt, future::join_all, stream};
use http::{HeaderMap, Method, StatusCode};
use onggi_domain::limits::Limits;
use onggi_web::upstream::http_client;
use tokio::sync::{Semaphore, mpsc};

use crate::bed::{Answer, Bed, Searcher, limits, request, service};

#[tokio::test]
async fn what_does_not_exist_is_said_in_the_dialect() {
    let bed = Bed::new().await;
    assert_eq!(bed.call("", Method::GET, "/no-such-page").await.outcome(), (404, "not_found".to_owned()));
    assert_eq!(bed.call("", Method::GET, "/indexes/jars/nothing").await.outcome(), (404, "not_found".to_owned()));
    assert_eq!(bed.call("", Method::DELETE, "/health").await.outcome(), (405, "method_not_allowed".to_owned()));
    let (_, root) = bed.tenant("one").await;
    for path in ["/indexes/a%20b/search", "/indexes/a%2Fsearch/search", "/indexes/%EC%98%81/documents"] {
        assert_eq!(bed.call(&root, Method::GET, path).await.outcome(), (400, "invalid_index_uid".to_owned()), "{path}");
    }
    assert_eq!(bed.call(&root, Method::GET, "/indexes/%FF/search").await.outcome(), (400, "bad_request".to_owned()));
}

#[tokio::test]
async fn a_slash_too_many_in_a_path_changes_nothing() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    bed.index(tenant, "jars", &[&searcher]).await;
    for (path, arrives) in [
        ("/indexes/jars/search/?q=a/", "/search?q=a/"),
        ("/indexes/jars/documents/a%2F/", "/documents/a%2F"),
        ("/indexes/jars/documents/a%2F", "/documents/a%2F"),
    ] {
        assert_eq!(bed.call(&root, Method::GET, path).await.json()["path"], arrives, "{path}");
    }
    for path in ["/health/", "/docs/"] {
        assert_eq!(bed.call("", Method::GET, path).await.status, 200, "{path}");
    }
    assert_eq!(bed.call(&root, Method::PATCH, "/indexes/jars//settings/").await.json()["said"]["path"], "/indexes/jars/settings");
}

#[tokio::test]
async fn answers_are_compressed_for_who_takes_it() {
    let text = format!(r#"{{"a":"{}"}}"#, "jar ".repeat(2000));
    let long = text.clone();
    let answer = async move |Path(task): Path<String>, headers: HeaderMap| {
        let json = |body: String| ([("content-type", "application/json"), ("etag", "\"1\"")], body).into_response();
        match task.as_str() {
            "small" => json("{}".to_owned()),
            "bytes" => ([("content-type", "application/octet-stream")], long).into_response(),
            "events" => ([("content-type", "text/event-stream")], long).into_response(),
            "encoded" => ([("content-type", "application/json"), ("content-encoding", "br")], long).into_response(),
            "none" => StatusCode::NO_CONTENT.into_response(),
            _ if headers.contains_key("if-none-match") => (StatusCode::NOT_MODIFIED, [("etag", "\"1\"")]).into_response(),
            _ => json(long),
        }
    };
    let admin = Router::new().route("/tasks/{task}", get(answer));
    let bed = Bed::with(limits(), service("uploader"), admin).await;
    let (_, root) = bed.tenant("one").await;
    let ask = async |method: Method, task: &str, headers: &[(&'static str, &'static str)]| {
        let mut request = request(&root, method, &format!("/tasks/{task}"), Body::empty());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        bed.send(request).await
    };
    let plain = ask(Method::GET, "long", &[]).await;
    assert_eq!((plain.bytes == text, plain.header("content-encoding"), plain.header("etag")), (true, "", "\"1\""));
    assert!(plain.header("vary").contains("accept-encoding"), "{plain:?}");
    for (accepts, encoding) in [("gzip", "gzip"), ("gzip;q=0.5, br", "br"), ("zstd", "zstd"), ("deflate", "deflate"), ("identity;q=0", "")]
    {
        let answer = ask(Method::GET, "long", &[("accept-encoding", accepts)]).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, encoding), "{accepts}");
        assert!(encoding.is_empty() || (answer.bytes.len() < 1000 && answer.header("etag") == "W/\"1\""), "{accepts}: {answer:?}");
        if encoding == "gzip" {
            assert!(answer.header("content-length").is_empty() && answer.header("vary").contains("accept-encoding"), "{answer:?}");
            let mut unpacked = String::new();
            std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&answer.bytes[..]), &mut unpacked).unwrap();
            assert_eq!(unpacked, text);
        }
    }
    let gzip = ("accept-encoding", "gzip");
    for (task, encoding) in [("small", ""), ("bytes", ""), ("events", ""), ("encoded", "br")] {
        let answer = ask(Method::GET, task, &[gzip]).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, encoding), "{task}");
        assert!(task == "small" || answer.bytes == text, "{task}: nothing is encoded twice");
    }
    for (method, task, status) in [(Method::HEAD, "long", 200), (Method::GET, "none", 204), (Method::GET, "long", 304)] {
        let known = if status == 304 { &[gzip, ("if-none-match", "W/\"1\"")][..] } else { &[gzip] };
        let answer = ask(method, task, known).await;
        assert_eq!((answer.status, answer.bytes.len(), answer.header("content-encoding")), (status, 0, ""), "{task}");
    }
    let searcher = Searcher::new("a").await;
    let (tenant, root) = bed.tenant("two").await;
    bed.index(tenant, "jars", &[&searcher]).await;
    let mut search = request(&root, Method::GET, &format!("/indexes/jars/search?q={}", "jar+".repeat(500)), Body::empty());
    search.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
    assert_eq!(bed.send(search).await.header("content-encoding"), "gzip", "what a searcher answers is passed through");
}

#[tokio::test]
async fn a_tenant_over_its_rate_is_refused_and_its_neighbour_is_not() {
    let bed = Bed::with_limits(Limits { requests_per_second: 1, ..limits() }).await;
    let ((_, greedy), (_, modest)) = (bed.tenant("greedy").await, bed.tenant("modest").await);
    let answers = join_all((0..50).map(|_| bed.call(&greedy, Method::GET, "/indexes"))).await;
    assert_eq!(answers[0].status, 200);
    let refused = answers.iter().find(|answer| answer.status != 200).expect("50 requests at once are over the rate");
    assert_eq!(refused.outcome(), (429, "too_many_requests".to_owned()));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(bed.call(&modest, Method::GET, "/indexes").await.status, 200);
}

#[tokio::test]
async fn a_tenant_has_only_so_many_requests_under_way() {
    let bed = Bed::with_limits(Limits { concurrent_requests: 1, ..limits() }).await;
    let ((tenant, greedy), (_, modest)) = (bed.tenant("greedy").await, bed.tenant("modest").await);
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let may_answer = Arc::new(Semaphore::new(0));
    let permits = may_answer.clone();
    let slow = async move || {
        arrived.send(()).unwrap();
        permits.acquire().await.unwrap().forget();
    };
    let searcher = Searcher::with("a", Router::new().fallback(any(slow))).await;
    bed.index(tenant, "jars", &[&searcher]).await;
    let others = async {
        arrivals.recv().await.unwrap();
        let refused = bed.call(&greedy, Method::GET, "/indexes").await;
        let neighbour = bed.call(&modest, Method::GET, "/indexes").await;
        may_answer.add_permits(1);
        (refused, neighbour)
    };
    let (first, (refused, neighbour)) = tokio::join!(bed.search(&greedy, "jars"), others);
    assert_eq!((first.status, neighbour.status), (200, 200));
    assert_eq!(refused.outcome(), (503, "too_many_search_requests".to_owned()));
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(bed.call(&greedy, Method::GET, "/indexes").await.status, 200, "the slot is free again");
}

#[tokio::test]
async fn browsers_may_call_from_anywhere() {
    let bed = Bed::new().await;
    let preflight = http::Request::options("/indexes/jars/search")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,x-meilisearch-client")
        .body(Body::empty())
        .unwrap();
    let answer = bed.send(preflight).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-methods"), "POST");
    assert_eq!(answer.header("access-control-allow-headers"), "authorization,content-type,x-meilisearch-client");
    assert_eq!(answer.header("access-control-max-age"), "86400");
    let refused = bed.call("wrong", Method::GET, "/indexes").await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, "*"), "a page can read why");
    for exposed in ["x-onggi-generation", "etag", "x-request-id"] {
        assert!(refused.header("access-control-expose-headers").contains(exposed), "{exposed}");
    }
}

#[tokio::test]
async fn nobody_can_pretend_to_be_inside() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    bed.index(tenant, "jars", &[&searcher]).await;
    for (path, place) in [("/indexes/jars/search", "/headers"), ("/indexes", "/said/headers"), ("/indexes/jars/settings", "/said/headers")]
    {
        let mut request = request(&root, Method::GET, path, Body::empty());
        for (name, value) in [
            ("x-onggi-identity", "{\"tenant\":\"other\"}"),
            ("x-onggi-internal", "guess"),
            ("x-onggi-filter", "%22%22"),
            ("x-onggi-index-uid", "other"),
            ("x-forwarded-for", "10.0.0.1"),
            ("connection", "x-custom"),
            ("x-custom", "for the next hop"),
            ("x-request-id", "app-1"),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let answer = bed.send(request).await;
        let json = answer.json();
        let arrived = json.pointer(place).unwrap_or_else(|| panic!("{json}"));
        for name in ["x-onggi-filter", "x-forwarded-for", "x-custom"] {
            assert!(arrived[name].is_null(), "{path}: {name} passed through");
        }
        assert!(arrived["x-onggi-internal"] != "guess" && arrived["x-onggi-index-uid"] != "other");
        assert!(!arrived["x-onggi-identity"].as_str().unwrap_or_default().contains("other"));
        assert_eq!((arrived["x-request-id"].as_str(), answer.header("x-request-id")), (Some("app-1"), "app-1"));
        assert_eq!(answer.header("x-onggi-internal"), "", "nor see what is inside");
    }
    let fresh = bed.call(&root, Method::GET, "/indexes").await;
    assert_eq!(fresh.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn a_body_over_its_limit_is_refused_whether_it_is_announced_or_not() {
    let limits = Limits { upload_bytes: ByteSize::b(100), body_bytes: ByteSize::b(50), ..limits() };
    let bed = Bed::with_limits(limits).await;
    let (tenant, root) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    bed.index(tenant, "jars", &[&searcher]).await;
    let url = bed.serve().await;
    for (path, length, status) in [
        ("/indexes/jars/documents", 100, 200),
        ("/indexes/jars/documents", 101, 413),
        ("/indexes/jars/search", 50, 200),
        ("/indexes/jars/search", 51, 413),
        ("/indexes", 50, 200),
        ("/indexes", 51, 413),
    ] {
        let chunks = vec![Ok::<_, std::io::Error>(Bytes::from(vec![b' '; length - 10])), Ok(Bytes::from(vec![b' '; 10]))];
        for body in [Body::from(vec![b' '; length]), Body::from_stream(stream::iter(chunks))] {
            let response =
                http_client(Duration::from_secs(2)).request(request(&root, Method::POST, &format!("{url}{path}"), body)).await.unwrap();
            let answer = Answer::read(response.map(Body::new)).await;
            assert_eq!(answer.status, status, "{path} {length}: {answer:?}");
            assert!(status == 200 || answer.outcome().1 == "payload_too_large");
        }
    }
}

const CHUNK: usize = 64 << 10;
const CHUNKS: usize = 64;

/// Sends back each chunk when it has arrived: an exchange that comes to an end only if nobody on the way collects the body.
fn mirror() -> Router {
    let echo = async |request: Request| {
        let chunks = request.into_body().into_data_stream();
        Body::from_stream(chunks)
    };
    Router::new().route("/indexes/jars/documents", post(echo))
}

/// Plays ping-pong with large chunks.
async fn exchange(url: &str, key: &str) {
    let (send, receive) = mpsc::channel::<Bytes>(1);
    let body =
        Body::from_stream(stream::unfold(receive, async |mut receive| Some((Ok::<_, std::io::Error>(receive.recv().await?), receive))));
    send.send(Bytes::from(vec![0; CHUNK])).await.unwrap();
    let response = http_client(Duration::from_secs(2))
        .request(request(key, Method::POST, &format!("{url}/indexes/jars/documents"), body))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let mut answer = Body::new(response.into_body()).into_data_stream();
    arrive(&mut answer, 0).await;
    for number in 1..CHUNKS {
        send.send(Bytes::from(vec![number as u8; CHUNK])).await.unwrap();
        arrive(&mut answer, number as u8).await;
    }
    drop(send);
    assert!(answer.next().await.is_none());
}

async fn arrive(answer: &mut BodyDataStream, number: u8) {
    let mut length = 0;
    while length < CHUNK {
        let part = answer.next().await.unwrap().unwrap();
        assert!(part.iter().all(|byte| *byte == number));
        length += part.len();
    }
}

#[tokio::test]
async fn large_bodies_are_streamed_both_ways() {
    let bed = Bed::with(limits(), mirror(), service("admin")).await;
    let (_, root) = bed.tenant("one").await;
    exchange(&bed.serve().await, &root).await;
}

#[tokio::test]
async fn a_searchers_answer_is_streamed() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let read = Arc::new(Semaphore::new(1));
    let permits = read.clone();
    let answer = async move || {
        let chunks = stream::unfold(0_u8, move |number| {
            let permits = permits.clone();
            async move {
                permits.acquire().await.unwrap().forget();
                (usize::from(number) < CHUNKS).then(|| (Ok::<_, std::io::Error>(Bytes::from(vec![number; CHUNK])), number + 1))
            }
        });
        (HeaderMap::new(), Body::from_stream(chunks))
    };
    let searcher = Searcher::with("a", Router::new().fallback(any(answer))).await;
    bed.index(tenant, "jars", &[&searcher]).await;
    let url = format!("{}/indexes/jars/documents", bed.serve().await);
    let response = http_client(Duration::from_secs(2)).request(request(&root, Method::GET, &url, Body::empty())).await.unwrap();
    let mut body = Body::new(response.into_body()).into_data_stream();
    for number in 0..CHUNKS {
        arrive(&mut body, number as u8).await;
        read.add_permits(1);
    }
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn the_api_is_described_and_can_be_tried_without_anything_from_elsewhere() {
    let bed = Bed::new().await;
    let document = bed.call("", Method::GET, "/openapi.json").await;
    assert_eq!((document.status, document.header("content-type")), (200, "application/json"));
    assert!(document.json()["paths"]["/multi-search"]["post"].is_object());
    let page = bed.call("", Method::GET, "/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let html = String::from_utf8_lossy(&page.bytes).into_owned();
    let parts: Vec<&str> = html.split(['"', '\'']).filter(|part| part.starts_with("/docs/")).collect();
    assert!(parts.contains(&"/docs/swagger-initializer.js") && parts.contains(&"/docs/index.css") && !html.contains("//"), "{html}");
    for part in parts {
        let answer = bed.call("", Method::GET, part).await;
        assert_eq!(answer.status, 200, "{part}");
        assert!(answer.header("content-security-policy").contains("script-src 'self'"), "{part}");
    }
    let starter = bed.call("", Method::GET, "/docs/swagger-initializer.js").await;
    assert!(String::from_utf8_lossy(&starter.bytes).contains("\"/openapi.json\""), "{starter:?}");
    assert_eq!(bed.call("", Method::GET, "/docs/nothing.js").await.outcome(), (404, "not_found".to_owned()));
}
