//! `/portal/enter/{token}`: links that sign somebody in once, which the operator's command line makes. A link that somebody typed or opened from
//! elsewhere than a web page signs in at once; one that another site leads to asks first, so that nobody is signed in to another's account unawares.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use http::HeaderMap;
use onggi_domain::Timestamp;
use onggi_metadata::hash_key;

use crate::portal::{
    Portal,
    failure::Result,
    page::{Page, html},
    visit::{Visitor, see_other},
};

pub(crate) fn router() -> Router<Portal> {
    Router::new().route("/portal/enter/{token}", get(show).post(enter))
}

#[derive(Template)]
#[template(path = "enter.html")]
struct EnterPage {
    page: Page,
    email: String,
}

async fn show(State(portal): State<Portal>, visitor: Visitor, Path(token): Path<String>, headers: HeaderMap) -> Result<Response> {
    portal.attempts.count(&visitor.0.client)?;
    let user = portal.admin.0.metadata.users.by_link(&hash_key(&token), Timestamp::now()).await?;
    if headers.get("sec-fetch-site").is_some_and(|site| site == "none") {
        return finish(&portal, &visitor, &token).await;
    }
    html(&EnterPage { page: Page::plain(&visitor.0), email: user.email.to_string() })
}

async fn enter(State(portal): State<Portal>, visitor: Visitor, Path(token): Path<String>) -> Result<Response> {
    portal.attempts.count(&visitor.0.client)?;
    finish(&portal, &visitor, &token).await
}

async fn finish(portal: &Portal, visitor: &Visitor, token: &str) -> Result<Response> {
    let user = portal.admin.0.metadata.users.take_link(&hash_key(token), Timestamp::now()).await?;
    portal.begin_session(&visitor.0, user.id, see_other("/portal")).await
}
