//! `POST /portal/preferences`: language, and light or dark, kept in cookies.

use axum::{Form, Router, extract::State, response::Response, routing::post};
use http::header::SET_COOKIE;
use serde::Deserialize;

use super::{
    Portal,
    failure::Result,
    texts::{LANGUAGE_COOKIE, Language},
    visit::{THEME_COOKIE, Theme, choice_cookie, local_path, see_other},
};

#[derive(Deserialize)]
struct Preferences {
    language: Option<String>,
    theme: Option<String>,
    next: Option<String>,
}

pub(crate) fn router() -> Router<Portal> {
    Router::new().route("/portal/preferences", post(change))
}

async fn change(State(portal): State<Portal>, Form(form): Form<Preferences>) -> Result<Response> {
    let mut response = see_other(local_path(form.next.as_deref()));
    let language = form.language.as_deref().and_then(Language::of_code).map(|language| (LANGUAGE_COOKIE, language.code()));
    let theme =
        form.theme.and_then(|name| Theme::ALL.into_iter().find(|theme| theme.as_str() == name)).map(|theme| (THEME_COOKIE, theme.as_str()));
    for (name, value) in [language, theme].into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, choice_cookie(portal.rules, name, value));
    }
    Ok(response)
}
