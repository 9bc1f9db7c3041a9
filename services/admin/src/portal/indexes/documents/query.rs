//! Which documents a person looks at, as the page's address says it.

use serde_json::{Value, json};
use url::form_urlencoded;

/// Documents on a page.
pub(super) const PAGE: u64 = 20;
/// Columns that are shown when none are chosen.
const COLUMNS: usize = 6;

/// What the address asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) filter: String,
    pub(super) sort: String,
    /// Attributes that are columns; empty: some.
    pub(super) fields: Vec<String>,
    /// From 1.
    pub(super) page: u64,
    /// Whether to look even if that wakes the index.
    pub(super) wake: bool,
    /// A task whose end the page waits for.
    pub(super) task: Option<u32>,
}

impl Wanted {
    /// From a query string; what is not understood is left out.
    pub(super) fn parse(query: &str) -> Self {
        let mut wanted = Self { page: 1, ..Self::default() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "filter" => value.trim().clone_into(&mut wanted.filter),
                "sort" => wanted.sort = value.into_owned(),
                "field" if !wanted.fields.iter().any(|field| *field == value) => wanted.fields.push(value.into_owned()),
                "page" => wanted.page = value.parse().unwrap_or(1).max(1),
                "wake" => wanted.wake = true,
                "task" => wanted.task = value.parse().ok(),
                _ => {}
            }
        }
        wanted
    }

    /// The address of another page of the same.
    pub(super) fn at(&self, page: u64) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("filter", &self.filter), ("sort", &self.sort)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        for field in &self.fields {
            query.append_pair("field", field);
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        if self.wake {
            query.append_pair("wake", "1");
        }
        query.finish()
    }

    /// The columns: the attribute of the id first, then what is chosen, or the first of what there is.
    pub(super) fn columns(&self, primary_key: Option<&str>, attributes: &[String]) -> Vec<String> {
        let chosen = if self.fields.is_empty() { attributes } else { &self.fields[..] };
        let most = if self.fields.is_empty() { COLUMNS } else { usize::MAX };
        let others = chosen.iter().map(String::as_str).filter(|name| Some(*name) != primary_key);
        primary_key.into_iter().chain(others).take(most).map(str::to_owned).collect()
    }

    /// The body of `POST .../documents/fetch`.
    pub(super) fn request(&self, columns: &[String]) -> Value {
        let mut request = json!({"offset": (self.page - 1).saturating_mul(PAGE), "limit": PAGE});
        if !columns.is_empty() {
            request["fields"] = json!(columns);
        }
        if !self.filter.is_empty() {
            request["filter"] = json!(self.filter);
        }
        if !self.sort.is_empty() {
            request["sort"] = json!([self.sort]);
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_wanted_and_other_pages_say_the_same() {
        let wanted = Wanted::parse("filter=+a+%3D+%22%26%22+&field=a&field=b&field=a&page=3&sort=a%3Aasc&notice=x");
        assert_eq!((wanted.filter.as_str(), wanted.fields.len(), wanted.page), ("a = \"&\"", 2, 3));
        assert_eq!(Wanted::parse(&wanted.at(4)), Wanted { page: 4, ..wanted.clone() });
        assert_eq!(
            wanted.request(&["id".to_owned()]),
            json!({"offset": 40, "limit": 20, "fields": ["id"], "filter": "a = \"&\"", "sort": ["a:asc"]})
        );
        assert_eq!(Wanted::parse("page=0&page=x"), Wanted { page: 1, ..Wanted::default() });
    }

    #[test]
    fn the_id_is_the_first_column() {
        let attributes: Vec<String> = ["title", "id", "c", "d", "e", "f", "g"].map(str::to_owned).to_vec();
        assert_eq!(Wanted::default().columns(Some("id"), &attributes), ["id", "title", "c", "d", "e", "f"]);
        let chosen = Wanted { fields: vec!["g".to_owned()], ..Wanted::default() };
        assert_eq!(chosen.columns(Some("id"), &attributes), ["id", "g"]);
        assert!(Wanted::default().columns(None, &[]).is_empty());
    }
}
