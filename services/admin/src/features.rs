//! `/experimental-features`: Meilisearch's switches. None can be turned here: what Onggi has is always on, what it does not have is off.

use axum::{Json, Router, body::Body, extract::State, routing::get};
use onggi_domain::{ApiError, Code};
use onggi_web::{Result, body::parse, query::unknown};
use serde_json::{Map, Value};

use crate::app::Admin;

/// Each switch, and whether Onggi has what it switches.
const FEATURES: [(&str, bool); 16] = [
    ("metrics", false),
    ("logsRoute", false),
    ("tasksStreamingRoute", false),
    ("editDocumentsByFunction", false),
    ("containsFilter", true),
    ("dynamicSearchRules", false),
    ("network", false),
    ("getTaskDocumentsRoute", false),
    ("taskQueueCompactionRoute", false),
    ("compositeEmbedders", false),
    ("chatCompletions", false),
    ("multimodal", false),
    ("foreignKeys", false),
    ("disableDocumentsFetchQueue", false),
    ("legacySearch", false),
    ("renderRoute", false),
];

pub(crate) fn router() -> Router<Admin> {
    Router::new().route("/experimental-features", get(show).patch(change))
}

async fn show() -> Json<Value> {
    Json(view())
}

/// Accepts what is so already and refuses the rest, so that nobody believes to have switched something.
async fn change(State(admin): State<Admin>, body: Body) -> Result<Json<Value>> {
    let wanted: Map<String, Value> = parse(&admin.body(body).await?, |_| Code::BadRequest)?;
    for (name, wanted) in &wanted {
        let Some((_, is_on)) = FEATURES.iter().find(|(found, _)| found == name) else {
            return Err(unknown("field", name, &FEATURES.map(|(name, _)| name)).into());
        };
        match wanted {
            Value::Null => {}
            Value::Bool(wanted) if wanted == is_on => {}
            Value::Bool(true) => return Err(ApiError::feature_not_enabled("Switching it on", name).into()),
            Value::Bool(false) => {
                let message = format!("`{name}` is always on in this service and cannot be switched off.");
                return Err(ApiError::new(Code::BadRequest, message).into());
            }
            found => {
                let message = format!("Invalid value type at `.{name}`: expected a boolean, but found `{found}`");
                return Err(ApiError::new(Code::BadRequest, message).into());
            }
        }
    }
    Ok(Json(view()))
}

fn view() -> Value {
    FEATURES.iter().map(|(name, is_on)| ((*name).to_owned(), Value::Bool(*is_on))).collect::<Map<_, _>>().into()
}
