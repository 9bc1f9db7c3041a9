//! Traces: what a collector hears of a search and of an upload.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use opentelemetry_proto::tonic::{collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span};
use prost::Message;
use serde_json::json;

use crate::{configured, documents, index_with_documents};

/// A collector that keeps all it is sent.
struct Collector {
    address: SocketAddr,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    async fn start() -> Self {
        let spans: Arc<Mutex<Vec<Span>>> = Arc::default();
        let kept = spans.clone();
        let take = async move |body: bytes::Bytes| {
            let request = ExportTraceServiceRequest::decode(body).expect("OTLP");
            let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
            kept.lock().expect("nobody panics with the lock").extend(scopes.flat_map(|scope| scope.spans));
        };
        let router = axum::Router::new().route("/v1/traces", axum::routing::post(take));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, spans }
    }

    fn spans(&self) -> Vec<Span> {
        self.spans.lock().expect("nobody panics with the lock").clone()
    }
}

/// The spans of the only trace that begins with a span of this name.
fn trace(spans: &[Span], root: &str) -> Vec<Span> {
    let roots: Vec<&Span> = spans.iter().filter(|span| span.name == root && span.parent_span_id.is_empty()).collect();
    assert_eq!(roots.len(), 1, "{root}: {:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
    spans.iter().filter(|span| span.trace_id == roots[0].trace_id).cloned().collect()
}

fn names(spans: &[Span]) -> BTreeSet<&str> {
    spans.iter().map(|span| span.name.as_str()).collect()
}

#[tokio::test]
async fn one_trace_covers_gateway_and_searcher_and_one_gateway_and_uploader() {
    let collector = Collector::start().await;
    let telemetry = format!("[telemetry]\notlp = \"http://{}\"\nsample = 1.0\n", collector.address);
    let (mut onggi, _config) = configured(&telemetry).await;
    let api = onggi.api();
    index_with_documents(&api, "jars", 10, 1).await;
    api.done("PUT", "/indexes/jars/documents", &documents(10, 1)).await;
    let foreign = "0af7651916cd43dd8448eb211c80319c";
    let search = api.request(reqwest::Method::POST, "/indexes/jars/search").json(&json!({"q": "jar"}));
    let answer = api.send(search.header("traceparent", format!("00-{foreign}-b7ad6b7169203331-01"))).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-onggi-timing"), None, "what searchers say of their time is for the gateway");
    // At its end it sends what is left.
    onggi.stop().await;

    let spans = collector.spans();
    let search = trace(&spans, "gateway POST /indexes/{uid}/search");
    assert_eq!(names(&search), ["ask a searcher", "engine", "gateway POST /indexes/{uid}/search", "searcher", "wait for a thread"].into());
    let of = |name: &str| search.iter().find(|span| span.name == name).unwrap();
    for (child, parent) in [
        ("ask a searcher", "gateway POST /indexes/{uid}/search"),
        ("searcher", "ask a searcher"),
        ("engine", "searcher"),
        ("wait for a thread", "searcher"),
    ] {
        let (child, parent) = (of(child), of(parent));
        assert_eq!(child.parent_span_id, parent.span_id, "{}", child.name);
        let within = parent.start_time_unix_nano <= child.start_time_unix_nano && child.end_time_unix_nano <= parent.end_time_unix_nano;
        assert!(within, "{} is not within {}", child.name, parent.name);
    }
    assert!(spans.iter().all(|span| hex(&span.trace_id) != foreign), "who calls from outside decides over no trace");

    let upload = trace(&spans, "gateway PUT /indexes/{uid}/documents");
    assert!(names(&upload).contains("uploader PUT /indexes/{uid}/documents"), "{:?}", names(&upload));
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes what is written");
        text
    })
}
