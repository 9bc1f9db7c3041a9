//! Forms whose fields may come several times, such as boxes to check and rows of a list.

use axum::{
    extract::{FromRequest, RawForm, Request},
    response::Response,
};
use http::StatusCode;
use onggi_domain::ApiError;
use url::form_urlencoded;

use super::failure::{Failure, Result};

/// What a form sent, in its order.
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// A field without the space around it; an absent one is empty.
    pub(crate) fn one(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Every value of a field, each without the space around it.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// A field that may be left empty.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        Some(self.one(name)).filter(|value| !value.is_empty())
    }
}

impl<S: Send + Sync> FromRequest<S> for Pairs {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let RawForm(bytes) = RawForm::from_request(request, state).await.map_err(|_| Failure::Stale)?;
        Ok(Self(form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}

/// The entries of a list that is written with commas, spaces or lines between them.
pub(crate) fn listed(text: &str) -> Vec<String> {
    text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// What the API refused is told on the page that the form is on; everything else is a page of its own.
pub(crate) fn refused(failure: Failure) -> Result<ApiError> {
    match failure {
        Failure::Api(error) if error.code.status() < 500 => Ok(error),
        other => Err(other),
    }
}

/// The page of a form that was refused.
pub(crate) fn unprocessable(mut page: Response) -> Response {
    *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_once_often_or_not_at_all() {
        let form = Pairs(vec![("a".into(), " 1 ".into()), ("b".into(), String::new()), ("a".into(), "2".into())]);
        assert_eq!(form.one("a"), "1");
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((form.one("b"), form.optional("b"), form.optional("c")), ("", None, None));
    }

    #[test]
    fn a_list_is_written_in_any_way() {
        assert_eq!(listed(" a, b,,c\n d\t"), ["a", "b", "c", "d"]);
        assert!(listed(" , ").is_empty());
    }
}
