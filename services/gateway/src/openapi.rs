//! The description of the public API, made of the table of routes and the tables of schemas, and a page to try it.

mod page;
mod schema;
mod schemas;

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use onggi_domain::{Code, settings::SETTINGS};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Ref, RefOr, Required,
    ResponseBuilder, Tag,
    path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem},
    request_body::{RequestBody, RequestBodyBuilder},
    schema::{ObjectBuilder, Schema, Type as JsonType},
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

use self::{
    schema::{Kind, Named},
    schemas::SCHEMAS,
};
use crate::routes::{Destination, ROUTES, Route};

pub(crate) use page::{file, index};

/// The names of the ways in which callers say who they are.
const KEY: &str = "key";
const SESSION: &str = "session";

/// What comes in and goes out of a route; see [`Route::shape`].
#[derive(Debug, PartialEq)]
struct Shape {
    query: Option<&'static str>,
    takes: Takes,
    /// `None`: nothing, 204.
    gives: Option<&'static str>,
}

#[derive(Debug, PartialEq)]
enum Takes {
    /// The table does not say.
    Unsaid,
    Nothing,
    Body(&'static str),
}

impl Shape {
    fn of(route: &Route) -> Self {
        let (comes, goes) = route.shape.split_once("->").unwrap_or((route.shape, ""));
        let mut shape = Self { query: None, takes: Takes::Unsaid, gives: Some(goes.trim()).filter(|goes| *goes != "()") };
        for word in comes.split_whitespace() {
            match word.strip_prefix('?') {
                Some(query) => shape.query = Some(query),
                None if word == "()" => shape.takes = Takes::Nothing,
                None => shape.takes = Takes::Body(word),
            }
        }
        shape
    }
}

/// `GET /openapi.json`
pub(crate) fn answer() -> Response {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().to_json().expect("a document is plain data").into());
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], DOCUMENT.clone()).into_response()
}

/// The document.
pub fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Onggi")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Search indexes in containers. The dialect is Meilisearch's, so that its SDKs work; what Onggi adds lies beside it: containers, \
             generations. A write is answered with 202 and a task once it is durable.",
        ))
        .build();
    let paths =
        ROUTES.iter().fold(PathsBuilder::new(), |paths, route| paths.path(route.path, PathItem::new(method(route), operation(route))));
    let components = SCHEMAS.iter().fold(ComponentsBuilder::new(), |components, named| components.schema(named.name, named.schema()));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A key, or a tenant token signed with one")).build();
    let cookie = ApiKeyValue::with_description("onggi_session", "The cookie that signing in sets (`__Host-onggi_session` behind TLS)");
    let session = SecurityScheme::ApiKey(ApiKey::Cookie(cookie));
    let components = components
        .schema("Error", error())
        .schema("Setting", setting())
        .security_scheme(KEY, SecurityScheme::Http(bearer))
        .security_scheme(SESSION, session);
    let tags = TAGS.iter().map(|(name, _)| Tag::new(*name));
    OpenApiBuilder::new().info(info).paths(paths.build()).components(Some(components.build())).tags(Some(tags)).build()
}

fn method(route: &Route) -> HttpMethod {
    match route.method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        _ => HttpMethod::Delete,
    }
}

fn operation(route: &Route) -> Operation {
    let Shape { query, takes, gives } = Shape::of(route);
    let mut operation = OperationBuilder::new().summary(Some(route.summary)).operation_id(Some(operation_id(route))).tag(tag(route));
    for name in path_parameters(route.path) {
        operation = operation.parameter(path_parameter(name));
    }
    for (name, kind, says) in query.and_then(named).map_or(&[][..], fields) {
        let parameter = ParameterBuilder::new().name(name.trim_end_matches('!')).parameter_in(ParameterIn::Query).description(Some(*says));
        let parameter = parameter.required(if name.ends_with('!') { Required::True } else { Required::False });
        // Lists are separated by commas.
        operation = operation.parameter(parameter.explode(Some(false)).schema(Some(kind.schema(""))));
    }
    if let Takes::Body(name) = takes {
        operation = operation.request_body(Some(body(name)));
    }
    let (status, says) = match gives {
        None => ("204", "Done"),
        Some("EnqueuedTask") => ("202", "Accepted, and durable"),
        Some("EventsTaken") => ("202", "Taken"),
        Some("Error") => ("400", "The feature is not enabled"),
        Some(_) if CREATED.contains(&route.path) && route.method == Method::POST => ("201", "Created"),
        Some(_) => ("200", "The answer"),
    };
    let mut response = ResponseBuilder::new().description(says);
    if let Some(name) = gives {
        response = response.content(if name == "Html" { "text/html" } else { "application/json" }, content(name));
    }
    let refused =
        ResponseBuilder::new().description("What is wrong, and what would be right").content("application/json", content("Error"));
    operation = operation.response(status, response.build()).response("default", refused.build());
    match route.action {
        None if route.to == Destination::Portal && !["/portal/api/sign-in", "/portal/api/sign-up"].contains(&route.path) => operation
            .description(Some("For people who are signed in at the portal. What changes something shows `x-onggi-csrf`."))
            .security(SecurityRequirement::new(SESSION, std::iter::empty::<String>())),
        Some(action) => operation
            .description(Some(format!("Needs a key with the action `{}`.", action.as_str())))
            .security(SecurityRequirement::new(KEY, std::iter::empty::<String>())),
        None => operation.description(Some("Open to everyone.")).securities(Some([SecurityRequirement::default()])),
    }
    .build()
}

/// What is posted here is created at once.
const CREATED: &[&str] = &["/keys", "/webhooks", "/portal/api/sign-up", "/portal/api/tenants", "/portal/api/tenants/{tenant}/invitations"];

/// `postIndexesUidSearch`
fn operation_id(route: &Route) -> String {
    let mut id = route.method.as_str().to_lowercase();
    for word in route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let (first, rest) = word.split_at(1);
        id.push_str(&first.to_uppercase());
        id.push_str(rest);
    }
    id
}

/// Where a route stands in the document: by the first of these that is part of its path.
const TAGS: &[(&str, &[&str])] = &[
    ("Portal", &["/portal"]),
    ("Documents", &["/documents"]),
    ("Usage and analytics", &["/usage", "/plan", "/analytics", "/events", "/stats/searches"]),
    ("Search", &["search", "/analyze", "/similar"]),
    ("Settings", &["/settings"]),
    ("Containers and generations", &["/containers", "/wake", "/sleep", "/generations"]),
    ("Tasks", &["/tasks", "/batches", "/webhooks"]),
    ("Keys", &["/keys", "/identity-provider"]),
    ("Indexes", &["indexes"]),
    ("Service", &[""]),
    (ABSENT, &[]),
];
const ABSENT: &str = "Not offered";

fn tag(route: &Route) -> &'static str {
    if route.summary.starts_with(ABSENT) {
        return ABSENT;
    }
    let found = TAGS.iter().find(|(_, parts)| parts.iter().any(|part| route.path.contains(part)));
    found.map_or("Service", |(name, _)| name)
}

fn path_parameters(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn path_parameter(name: &'static str) -> ParameterBuilder {
    let schema = ObjectBuilder::new().schema_type(JsonType::String);
    let (says, schema) = match name {
        "uid" => ("The name of the index", schema),
        "id" => ("The id of the document", schema),
        "name" => ("The setting", schema.enum_values(Some(SETTINGS.iter().map(|(_, segment, ..)| *segment)))),
        "key" => ("The key, or its uid", schema),
        "n" => ("The number of the generation", schema),
        "task" => ("The number of the task", schema),
        "batch" => ("The number of the batch", schema),
        "webhook" => ("The uid of the webhook", schema),
        "session" => ("The uid of the session", schema),
        "tenant" => ("The uid of the tenant", schema),
        "user" => ("The uid of the member", schema),
        "invitation" => ("The uid of the invitation", schema),
        _ => ("Which one", schema),
    };
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
    parameter.description(Some(says)).schema(Some(schema))
}

fn named(name: &str) -> Option<&'static Named> {
    SCHEMAS.iter().find(|named| named.name == name)
}

fn fields(named: &'static Named) -> &'static [(&'static str, schema::Type, &'static str)] {
    match named.kind {
        Kind::Fields(fields) => fields,
        Kind::List(_) | Kind::Value(_) => &[],
    }
}

fn content(name: &str) -> utoipa::openapi::Content {
    ContentBuilder::new().schema(Some(RefOr::<Schema>::Ref(Ref::from_schema_name(name)))).build()
}

fn body(name: &str) -> RequestBody {
    let body = RequestBodyBuilder::new().required(Some(Required::True)).content("application/json", content(name));
    if name == "Documents" {
        return body.content("application/x-ndjson", content(name)).content("text/csv", content(name)).build();
    }
    body.build()
}

/// The shape of every error; its codes are those of the domain.
fn error() -> RefOr<Schema> {
    let text = |says: &str| ObjectBuilder::new().schema_type(JsonType::String).description(Some(says));
    let codes = text("What kind of error").enum_values(Some(Code::ALL.iter().map(|code| code.as_str())));
    let mut types: Vec<&str> = Code::ALL.iter().map(|code| code.error_type().as_str()).collect();
    types.sort_unstable();
    types.dedup();
    ObjectBuilder::new()
        .schema_type(JsonType::Object)
        .description(Some("What is wrong, with which part, and what would be right."))
        .property("message", text("For a person"))
        .property("code", codes)
        .property("type", text("Who can mend it").enum_values(Some(types)))
        .property("link", text("Where it is explained"))
        .required("message")
        .required("code")
        .required("type")
        .required("link")
        .into()
}

/// The body of a setting's own route.
fn setting() -> RefOr<Schema> {
    let names: Vec<String> = SETTINGS.iter().map(|(name, segment, method, _)| format!("`{method} {segment}`: `{name}`")).collect();
    let says = format!("The value that `Settings` has under this name; null resets it. {}.", names.join(", "));
    schema::Type::Any.schema(&says)
}

/// The fields of a named schema, for tests that hold them against what the code knows.
pub fn fields_of(name: &str) -> Vec<&'static str> {
    named(name).map_or(&[][..], fields).iter().map(|(field, ..)| field.trim_end_matches('!')).collect()
}

/// Whether the gateway answers a route of these itself, and how.
pub(crate) fn answers(route: &Route, file_name: Option<&str>) -> Option<Response> {
    if route.to != Destination::Here {
        return None;
    }
    match route.path {
        "/openapi.json" => Some(answer()),
        "/docs" => Some(index()),
        "/docs/{file}" => Some(file(file_name.unwrap_or_default())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use onggi_web::query::TASK_FILTERS;
    use serde_json::Value;

    use super::*;

    fn json() -> Value {
        serde_json::to_value(document()).unwrap()
    }

    #[test]
    fn the_document_has_every_route_and_no_other() {
        let document = json();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| item.as_object().unwrap().keys().map(|method| (path.clone(), method.to_uppercase())))
            .collect();
        let routes: BTreeSet<(String, String)> =
            ROUTES.iter().map(|route| (route.path.to_owned(), route.method.as_str().to_owned())).collect();
        assert_eq!(described, routes);
        assert_eq!(routes.len(), ROUTES.len(), "a route is there twice");
    }

    #[test]
    fn every_route_says_what_it_is_for_what_it_needs_and_what_it_takes_and_gives() {
        let document = json();
        let mut ids = BTreeSet::new();
        for route in ROUTES {
            let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
            let place = format!("{} {}", route.method, route.path);
            assert!(!route.summary.is_empty() && operation["summary"] == route.summary, "{place} has no summary");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{place}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path: Vec<&str> = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            assert_eq!(in_path, path_parameters(route.path).collect::<Vec<_>>(), "{place}");
            let secured = operation["security"][0].as_object().is_some_and(|security| security.contains_key(KEY));
            assert_eq!(secured, route.action.is_some(), "{place}");
            let Shape { query, takes, gives } = Shape::of(route);
            let writes = [Method::POST, Method::PUT, Method::PATCH].contains(&route.method);
            assert!(!writes || takes != Takes::Unsaid, "{place} does not say what it takes: a schema, or `()`");
            assert_eq!(operation["requestBody"]["content"]["application/json"].is_object(), matches!(takes, Takes::Body(_)), "{place}");
            assert_ne!(gives, Some(""), "{place} does not say what it gives: a schema, or `()`");
            if let Some(name) = query {
                assert!(named(name).is_some_and(|named| !fields(named).is_empty()), "{place}: {name}");
            }
        }
    }

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(target)) = fields.get("$ref") {
                    found.insert(target.rsplit('/').next().unwrap().to_owned());
                }
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_schema_that_is_named_is_there_and_every_one_that_is_there_is_used() {
        let document = json();
        let mut used = BTreeSet::new();
        references(&document, &mut used);
        // Queries are spread out as parameters.
        used.extend(ROUTES.iter().filter_map(|route| Shape::of(route).query.map(str::to_owned)));
        let there: BTreeSet<String> = document["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(used, there);
    }

    #[test]
    fn settings_task_filters_and_error_codes_are_those_of_the_code() {
        let settings: Vec<&str> = SETTINGS.iter().map(|(name, ..)| *name).collect();
        let sorted = |mut names: Vec<&'static str>| {
            names.sort_unstable();
            names
        };
        assert_eq!(sorted(fields_of("Settings")), sorted(settings));
        assert_eq!(fields_of("TaskFilter"), TASK_FILTERS);
        assert_eq!(&fields_of("TasksQuery")[3..], TASK_FILTERS);
        let document = json();
        let codes = document["components"]["schemas"]["Error"]["properties"]["code"]["enum"].as_array().unwrap();
        assert_eq!(codes.len(), Code::ALL.len());
        let by_tag: BTreeMap<&str, usize> = ROUTES.iter().fold(BTreeMap::new(), |mut tags, route| {
            *tags.entry(tag(route)).or_default() += 1;
            tags
        });
        assert_eq!(by_tag.len(), TAGS.len(), "every tag has routes: {by_tag:?}");
    }
}
