//! Traces: spans of a request over the services that it passes, sent by OTLP to a collector when one is configured. Off by default, and then a
//! look at an empty cell is all that it costs.
//!
//! Spans are made by hand at the few places where a request enters or leaves a process, and go along with the task that works for it; the spans of
//! `tracing` are for logs. Services join by the header `traceparent` (W3C Trace Context). One that comes from outside is not believed: whoever
//! calls could have everything recorded. Workers reach no collector; what they say of their time becomes spans here ([`Call::timed`]).

use std::{sync::OnceLock, time::SystemTime};

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use onggi_domain::worker::Timings;
pub use opentelemetry::KeyValue;
use opentelemetry::{
    Context,
    propagation::TextMapPropagator,
    trace::{Span, SpanKind, Status, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_http::{HeaderExtractor, HeaderInjector, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use serde::{Deserialize, Serialize};
use url::Url;

/// The header that joins spans of different processes.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Where traces go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TraceConfig {
    /// A collector that takes OTLP over HTTP, such as `http://collector:4318`; absent: there are no traces.
    pub otlp: Option<Url>,
    /// The share of requests that are traced, from 0 to 1.
    pub sample: f64,
}

impl Default for TraceConfig {
    fn default() -> Self {
        Self { otlp: None, sample: 0.01 }
    }
}

impl TraceConfig {
    /// What is wrong with it, if anything.
    pub fn validate(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.sample) {
            return Err(format!("telemetry.sample is {}; give a share from 0 to 1", self.sample));
        }
        match &self.otlp {
            Some(url) if !matches!(url.scheme(), "http" | "https") => Err(format!("telemetry.otlp is {url}; give http://host:port")),
            _ => Ok(()),
        }
    }
}

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

tokio::task_local! {
    /// The span that the task works for.
    static CURRENT: Context;
}

/// Traces of this process. [`Traces::end`] sends what is left.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to trace if that is configured. Call once, within a Tokio runtime.
    pub fn begin(config: &TraceConfig, service: &'static str) -> Result<Option<Self>, String> {
        let Some(collector) = &config.otlp else { return Ok(None) };
        let endpoint = format!("{}/v1/traces", collector.as_str().trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new()?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .build()
            .map_err(|error| error.to_string())?;
        let resource = Resource::builder()
            .with_service_name(service)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample))))
            .with_resource(resource)
            .build();
        TRACER.set(provider.tracer("onggi")).map_err(|_| "traces have begun already".to_owned())?;
        Ok(Some(Self(provider)))
    }

    /// Sends what is left. Blocks for a moment: not for the threads that drive the runtime.
    pub fn end(&self) {
        if let Err(error) = self.0.shutdown() {
            tracing::debug!(%error, "the last traces were not sent");
        }
    }
}

/// Middleware of the public edge: a request begins a trace.
pub async fn begin(service: &'static str, request: Request, next: Next) -> Response {
    match TRACER.get() {
        Some(tracer) => serve(tracer, service, &Context::new(), request, next).await,
        None => next.run(request).await,
    }
}

/// A service behind the edge: its requests go on with the trace that they come with.
pub fn go_on(router: axum::Router, service: &'static str) -> axum::Router {
    router.layer(axum::middleware::from_fn(move |request: Request, next: Next| async move {
        let Some(tracer) = TRACER.get() else { return next.run(request).await };
        let parent = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
        // What is asked outside of any trace, such as what the controller does by itself, begins none.
        if !parent.span().span_context().is_valid() {
            return next.run(request).await;
        }
        serve(tracer, service, &parent, request, next).await
    }))
}

async fn serve(tracer: &SdkTracer, service: &'static str, parent: &Context, request: Request, next: Next) -> Response {
    // A path as it came may hold a key: only its pattern is told.
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let method = request.method().to_string();
    let span = tracer
        .span_builder(format!("{service} {method} {route}"))
        .with_kind(SpanKind::Server)
        .with_attributes([KeyValue::new("http.request.method", method), KeyValue::new("http.route", route)]);
    let context = parent.with_span(tracer.build_with_context(span, parent));
    let response = CURRENT.scope(context.clone(), next.run(request)).await;
    finish(&context, response.status());
    response
}

fn finish(context: &Context, status: StatusCode) {
    let span = context.span();
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        span.set_status(Status::error(status.to_string()));
    }
    span.end();
}

/// The id of the trace that the task works for, if it is recorded: for logs.
pub fn id() -> Option<String> {
    let context = CURRENT.try_with(Clone::clone).ok()?;
    let span = context.span().span_context().clone();
    span.is_sampled().then(|| span.trace_id().to_string())
}

/// Tells the next service which trace a request belongs to.
pub fn inject(headers: &mut HeaderMap) {
    if let Ok(context) = CURRENT.try_with(Clone::clone) {
        inject_context(&context, headers);
    }
}

fn inject_context(context: &Context, headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(context, &mut HeaderInjector(headers));
}

/// The id of the trace that a request says it belongs to, if it is recorded.
pub fn sampled(headers: &HeaderMap) -> Option<&str> {
    let mut parts = headers.get(TRACEPARENT)?.to_str().ok()?.split('-');
    let (version, id, _span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
    (version == "00" && id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) && is_sampled).then_some(id)
}

/// A request to a process that makes no spans of its own: those are made here.
pub struct Call {
    context: Context,
    begun: SystemTime,
}

impl Call {
    /// Begins a span below the task's; `None`: the task works for no trace that is recorded.
    pub fn begin(name: &'static str, attributes: impl IntoIterator<Item = KeyValue>) -> Option<Self> {
        let tracer = TRACER.get()?;
        let parent = CURRENT.try_with(Clone::clone).ok().filter(|parent| parent.span().span_context().is_sampled())?;
        let span = tracer.span_builder(name).with_kind(SpanKind::Client).with_attributes(attributes);
        let context = parent.with_span(tracer.build_with_context(span, &parent));
        Some(Self { context, begun: SystemTime::now() })
    }

    /// Tells the process which trace it works for.
    pub fn inject(&self, headers: &mut HeaderMap) {
        inject_context(&self.context, headers);
    }

    /// Makes spans of what the other process says of its time. Its clock is another: what it took is put in the middle of what the call
    /// took, as if both ways were of one length.
    pub fn timed(&self, timings: Timings) {
        let Some(tracer) = TRACER.get() else { return };
        let taken = self.begun.elapsed().unwrap_or_default();
        let from = self.begun + taken.saturating_sub(timings.whole) / 2;
        let whole = tracer.span_builder("searcher").with_kind(SpanKind::Server).with_start_time(from);
        let whole = self.context.with_span(tracer.build_with_context(whole, &self.context));
        let engine_from = from + timings.waited;
        for (name, from, took) in [("wait for a thread", from, timings.waited), ("engine", engine_from, timings.worked)] {
            let mut part = tracer.build_with_context(tracer.span_builder(name).with_start_time(from), &whole);
            part.end_with_timestamp(from + took);
        }
        whole.span().end_with_timestamp(from + timings.whole);
    }

    /// The call was answered.
    pub fn answered(self, status: StatusCode) {
        finish(&self.context, status);
    }

    /// The call was not answered.
    pub fn failed(self, why: &str) {
        self.context.span().set_status(Status::error(why.to_owned()));
        self.context.span().end();
    }
}

/// Speaks to the collector. The exporter works on a thread of its own, outside of the runtime, where this client lives.
#[derive(Debug)]
struct Collector {
    http: reqwest::Client,
    runtime: tokio::runtime::Handle,
}

impl Collector {
    fn new() -> Result<Self, String> {
        let http = reqwest::Client::builder().timeout(std::time::Duration::from_secs(10)).build().map_err(|error| error.to_string())?;
        Ok(Self { http, runtime: tokio::runtime::Handle::try_current().map_err(|error| error.to_string())? })
    }
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let (http, request) = (self.http.clone(), reqwest::Request::try_from(request)?);
        let sent = self.runtime.spawn(async move {
            let answer = http.execute(request).await?;
            let mut response = http::Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        });
        sent.await?
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_whole_and_sampled_traceparent_names_a_trace() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        let of = |text: &str| {
            let headers = HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_str(text).unwrap())]);
            sampled(&headers).map(str::to_owned)
        };
        assert_eq!(of(&format!("00-{id}-b7ad6b7169203331-01")).as_deref(), Some(id));
        for other in
            [&format!("00-{id}-b7ad6b7169203331-00"), &format!("00-{id}"), "00-x-y-01", &format!("01-{id}-b7ad6b7169203331-01"), ""]
        {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(sampled(&HeaderMap::new()), None);
    }

    #[test]
    fn a_share_is_a_share_and_a_collector_speaks_http() {
        assert_eq!(TraceConfig::default().validate(), Ok(()));
        assert!(TraceConfig { sample: 2.0, ..TraceConfig::default() }.validate().is_err());
        assert!(TraceConfig { otlp: "ftp://x".parse().ok(), ..TraceConfig::default() }.validate().is_err());
    }

    #[tokio::test]
    async fn without_a_collector_nothing_is_traced() {
        assert!(Traces::begin(&TraceConfig::default(), "test").unwrap().is_none());
        assert!(Call::begin("search", []).is_none() && id().is_none());
        let mut headers = HeaderMap::new();
        inject(&mut headers);
        assert!(headers.is_empty());
    }
}
