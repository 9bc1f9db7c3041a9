//! Around every page: finds out who visits, refuses forms and calls that do not come from a page of the portal, makes a page of a failure, and
//! says to browsers what the page may do.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use onggi_web::{
    body::read,
    identity::same,
    portal::{CSRF, is_from_elsewhere},
};
use url::form_urlencoded;

use super::{
    Portal,
    failure::{Failed, Failure, Result},
    page::Page,
    visit::{Visit, Wants, see_other, visitor_cookie},
};

/// The most that a form may have.
const FORM_BYTES: u64 = 256 << 10;

/// No inline script or style, nothing from elsewhere but the pictures that documents name; nobody may put the portal into a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; font-src 'self'; connect-src 'self'; \
                      manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Middleware around every page.
pub(crate) async fn protect(State(portal): State<Portal>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let visit = match Visit::new(&portal, &parts.method, &parts.uri, &parts.headers).await {
        Ok(visit) => Arc::new(visit),
        // Without a visit there is no language either.
        Err(failure) => return onggi_web::error::response(&failure.api_error()),
    };
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(visit.clone());
    let mut response = match genuine(&portal, &visit, request).await {
        Ok(request) => next.run(request).await,
        Err(failure) => failure.into_response(),
    };
    if let Some(Failed(failure)) = response.extensions_mut().remove::<Failed>() {
        response = told(&visit, &failure);
    }
    finish(&portal, &visit, response.headers_mut());
    response
}

/// Lets through what reads; of what changes something, what comes from a page of the portal: by what the browser says, and by the token that
/// only such a page has.
async fn genuine(portal: &Portal, visit: &Visit, request: Request) -> Result<Request> {
    if [Method::GET, Method::HEAD].contains(request.method()) {
        return Ok(request);
    }
    if is_from_elsewhere(request.headers()) || !same_origin(portal, visit, request.headers()) {
        return Err(Failure::Stale);
    }
    let (parts, body) = request.into_parts();
    if let Some(shown) = parts.headers.get(&CSRF) {
        return if same(shown.as_bytes(), visit.csrf.as_bytes()) { Ok(Request::from_parts(parts, body)) } else { Err(Failure::Stale) };
    }
    let kind = parts.headers.get(header::CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
    // A program that is not signed in has nothing that others could use in its name, and no form can send JSON.
    if visit.wants == Wants::Json && visit.user().is_none() && kind.starts_with(b"application/json") {
        return Ok(Request::from_parts(parts, body));
    }
    if !kind.starts_with(b"application/x-www-form-urlencoded") {
        return Err(Failure::Stale);
    }
    let form: Bytes = read(body, FORM_BYTES).await?;
    let shown = form_urlencoded::parse(&form).find_map(|(name, value)| (name == "csrf").then_some(value));
    if shown.is_some_and(|shown| same(shown.as_bytes(), visit.csrf.as_bytes())) {
        return Ok(Request::from_parts(parts, Body::from(form)));
    }
    Err(Failure::Stale)
}

/// Whether the origin that a browser names is the portal's own. One that names none has been judged by other means.
fn same_origin(portal: &Portal, visit: &Visit, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some(origin) = origin.to_str().ok().and_then(|origin| url::Url::parse(origin).ok()) else { return false };
    match &portal.config.public_url {
        Some(own) => own.origin() == origin.origin(),
        None => origin.host_str().is_some_and(|host| {
            let with_port = origin.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
            with_port.eq_ignore_ascii_case(&visit.host)
        }),
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    page: Page,
    title: &'static str,
    text: &'static str,
    message: &'a str,
}

/// A failure as what was wanted.
fn told(visit: &Arc<Visit>, failure: &Failure) -> Response {
    let to_sign_in = || {
        let next: String = form_urlencoded::byte_serialize(visit.path.as_bytes()).collect();
        format!("/portal/sign-in?next={next}")
    };
    match (visit.wants, failure) {
        (Wants::Json, _) => onggi_web::error::response(&failure.api_error()),
        (Wants::Page, Failure::SignIn) => see_other(&to_sign_in()),
        (Wants::Piece, Failure::SignIn) => {
            let place = HeaderValue::from_static("/portal/sign-in");
            (StatusCode::UNAUTHORIZED, [(header::HeaderName::from_static("hx-redirect"), place)]).into_response()
        }
        (Wants::Page | Wants::Piece, _) => {
            let (title, text) = failure.text();
            let (title, text) = (visit.language.text(title), visit.language.text(text));
            let message = if let Failure::Api(error) = failure { error.message.as_str() } else { "" };
            let body = match visit.wants {
                // A toast, by `portal.js`.
                Wants::Piece => format!("{text} {message}").trim().to_owned().into_response(),
                _ => Html(FailurePage { page: Page::plain(visit), title, text, message }.render().unwrap_or_default()).into_response(),
            };
            (failure.status(), body).into_response()
        }
    }
}

fn finish(portal: &Portal, visit: &Visit, headers: &mut HeaderMap) {
    // What may be kept and shown to others brings nobody a cookie.
    if let Some(visitor) = &visit.new_visitor
        && !headers.contains_key(header::CACHE_CONTROL)
    {
        headers.append(header::SET_COOKIE, visitor_cookie(portal.rules, visitor));
    }
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if portal.rules.secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}
