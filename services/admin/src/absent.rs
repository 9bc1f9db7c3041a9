//! The routes of Meilisearch's features that Onggi does not have: each answers as Meilisearch does when the feature is switched off.

use axum::{Router, routing::MethodFilter};
use http::Method;
use onggi_domain::ApiError;
use onggi_web::Error;

use crate::app::Admin;

/// Methods, path, what one would do there, and the feature that it needs.
type Absent = (&'static [Method], &'static str, &'static str, &'static str);

const ABSENT: &[Absent] = &[
    (&[Method::POST], "/indexes/{uid}/documents/edit", "Editing documents by a function", "edit documents by function"),
    (&[Method::GET, Method::POST], "/indexes/{uid}/similar", "Looking for similar documents", "embedders"),
    (&[Method::GET], "/tasks/{task}/documents", "Getting the documents of an enqueued task", "get task documents route"),
    (&[Method::POST], "/tasks/compact", "Compacting the queue of tasks", "task queue compaction route"),
    (&[Method::GET], "/metrics", "Getting metrics", "metrics"),
    (&[Method::POST, Method::DELETE], "/logs/stream", "Reading logs through the `/logs/*` routes", "logs route"),
    (&[Method::POST], "/logs/stderr", "Changing logs through the `/logs/*` routes", "logs route"),
    (&[Method::GET, Method::PATCH], "/network", "Using the `/network` route", "network"),
    (&[Method::POST], "/export", "Exporting to another instance", "export"),
    (&[Method::GET], "/chats", "Listing chats", "chat completions"),
    (&[Method::GET, Method::DELETE], "/chats/{workspace}", "Using the `/chats` route", "chat completions"),
    (&[Method::GET, Method::PATCH, Method::DELETE], "/chats/{workspace}/settings", "Using the `/chats/settings` route", "chat completions"),
    (&[Method::POST], "/chats/{workspace}/chat/completions", "Using the `/chats/chat/completions` route", "chat completions"),
    (&[Method::POST], "/dynamic-search-rules", "Listing dynamic search rules", "dynamic search rules"),
    (
        &[Method::GET, Method::PATCH, Method::DELETE],
        "/dynamic-search-rules/{rule}",
        "Using the `/dynamic-search-rules` route",
        "dynamic search rules",
    ),
    (&[Method::POST], "/render-template", "Rendering a template", "render route"),
    (&[Method::GET, Method::POST, Method::DELETE], "/mcp", "Using the `/mcp` route", "mcp"),
];

pub(crate) fn router() -> Router<Admin> {
    ABSENT.iter().fold(Router::new(), |router, &(methods, path, doing, feature)| {
        let filters = methods.iter().map(|method| MethodFilter::try_from(method.clone()).expect("methods that axum can route"));
        let methods = filters.reduce(MethodFilter::or).expect("at least one method");
        router.route(path, axum::routing::on(methods, move || async move { Error::from(ApiError::feature_not_enabled(doing, feature)) }))
    })
}
