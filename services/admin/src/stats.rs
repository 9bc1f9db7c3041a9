//! `GET /stats`, `GET /indexes/{uid}/stats` and `GET /version`, from what the controller has recorded.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Path, RawQuery, State},
    routing::get,
};
use futures::{StreamExt, TryStreamExt, stream};
use onggi_domain::{ApiError, Code, index::Index};
use onggi_web::{Caller, Error, Result, query::Params};
use serde_json::{Map, Value, json};

use crate::app::Admin;

/// The version of Meilisearch whose API this is: clients decide by it what they may ask.
const DIALECT: &str = "1.50.0";
/// Indexes read at once.
const PAGE: u64 = 1000;
/// Indexes asked for at the same time whether they have work to do.
const PARALLEL: usize = 8;

/// How sizes are told.
#[derive(Clone, Copy)]
struct Shape {
    /// `1.5 KiB` instead of a number of bytes.
    human: bool,
    /// Whether the parts of an index's size are wanted; an index of Onggi has none that Meilisearch's has.
    internal: bool,
}

impl Shape {
    fn read(query: Option<&str>) -> Result<Self, ApiError> {
        let params = Params::parse(query, &["showInternalDatabaseSizes", "sizeFormat"])?;
        let internal = params.boolean("showInternalDatabaseSizes", Code::InvalidStatsShowInternalDatabaseSizes)?.unwrap_or(false);
        let human = match params.text("sizeFormat") {
            None | Some("raw") => false,
            Some("human") => true,
            Some(found) => {
                let message = format!("Invalid value in parameter `sizeFormat`: `{found}` is not one of `raw`, `human`");
                return Err(ApiError::new(Code::InvalidStatsSizeFormat, message));
            }
        };
        Ok(Self { human, internal })
    }

    fn size(self, bytes: u64) -> Value {
        if self.human { bytesize::ByteSize(bytes).to_string().into() } else { bytes.into() }
    }
}

pub(crate) fn router() -> Router<Admin> {
    Router::new().route("/stats", get(all)).route("/indexes/{uid}/stats", get(one)).route("/version", get(version))
}

async fn one(
    State(admin): State<Admin>,
    Caller(caller): Caller,
    Path(uid): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>> {
    let shape = Shape::read(query.as_deref())?;
    let index = admin.index(&caller, &uid).await?;
    Ok(Json(view(&admin, &index, shape).await?))
}

async fn all(State(admin): State<Admin>, Caller(caller): Caller, RawQuery(query): RawQuery) -> Result<Json<Value>> {
    let shape = Shape::read(query.as_deref())?;
    let patterns = caller.patterns();
    let mut indexes: Vec<Index> = Vec::new();
    loop {
        let read = admin.0.metadata.indexes.list(caller.tenant, &patterns, indexes.len() as u64, PAGE);
        let page = read.await.map_err(Error::internal)?.items;
        let last = (page.len() as u64) < PAGE;
        indexes.extend(page);
        if last {
            break;
        }
    }
    let stored: u64 = indexes.iter().filter_map(|index| index.published.as_ref()).map(|published| published.stored_bytes).sum();
    let asked: Vec<_> =
        indexes.iter().map(async |index| Ok::<_, Error>((index.uid.to_string(), view(&admin, index, shape).await?))).collect();
    let views: Map<String, Value> = stream::iter(asked).buffered(PARALLEL).try_collect().await?;
    let last_update = indexes.iter().map(|index| index.updated_at).max();
    let size = shape.size(stored);
    Ok(Json(json!({"databaseSize": size, "usedDatabaseSize": size, "lastUpdate": last_update, "indexes": views})))
}

async fn view(admin: &Admin, index: &Index, shape: Shape) -> Result<Value> {
    let indexing = admin.0.metadata.tasks.pending(index.id).await.map_err(Error::internal)? > 0;
    let published = index.published.as_ref();
    let documents = published.map_or(0, |published| published.documents);
    let raw_bytes = published.map_or(0, |published| published.raw_bytes);
    let fields: BTreeMap<&String, &u64> = published.iter().flat_map(|published| &published.fields).collect();
    let mut view = json!({
        "numberOfDocuments": documents,
        "rawDocumentDbSize": shape.size(raw_bytes),
        "avgDocumentSize": shape.size(raw_bytes.checked_div(documents).unwrap_or(0)),
        "isIndexing": indexing,
        "numberOfEmbeddings": 0,
        "numberOfEmbeddedDocuments": 0,
        "fieldDistribution": fields,
    });
    if shape.internal {
        view["internalDatabaseSizes"] = json!({});
    }
    Ok(view)
}

async fn version() -> Json<Value> {
    let or_unknown = |built: Option<&'static str>| built.unwrap_or("unknown");
    Json(json!({
        "commitSha": or_unknown(option_env!("ONGGI_COMMIT_SHA")),
        "commitDate": or_unknown(option_env!("ONGGI_COMMIT_DATE")),
        "pkgVersion": DIALECT,
        "onggi": env!("CARGO_PKG_VERSION"),
    }))
}
