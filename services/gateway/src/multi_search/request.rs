//! The body of a multi-search: which queries on which indexes, and how their hits are merged if they are. The parameters of each search
//! are not looked at: the searcher knows them.

use onggi_domain::{ApiError, Code, IndexUid, limits::Limits};
use onggi_web::body;
use serde_json::{Map, Value};

/// A multi-search.
#[derive(Debug, PartialEq)]
pub(crate) struct MultiSearch {
    /// At least the shape of each is checked.
    pub(crate) queries: Vec<Query>,
    /// How hits are merged; `None`: each query has its own answer.
    pub(crate) federation: Option<Federation>,
}

/// One search of a multi-search.
#[derive(Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) uid: IndexUid,
    /// What its scores are multiplied with, in a federated search.
    pub(crate) weight: f64,
    /// The parameters of the search, as they came.
    pub(crate) search: Map<String, Value>,
}

/// How the hits of all queries become one list.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Federation {
    limit: Option<usize>,
    offset: Option<usize>,
    page: Option<usize>,
    hits_per_page: Option<usize>,
    /// The facets of each index.
    pub(crate) facets_by_index: Vec<(IndexUid, Vec<String>)>,
    /// `Some`: facets of the same name are added up.
    pub(crate) merge_facets: Option<MergeFacets>,
    /// At most one hit for each value of this attribute.
    pub(crate) distinct: Option<String>,
}

/// How facets are added up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct MergeFacets {
    /// Values that are shown of each.
    pub(crate) max_values_per_facet: Option<usize>,
}

/// Which of the merged hits are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Window {
    Offset { limit: usize, offset: usize },
    Page { page: usize, hits_per_page: usize },
}

const DEFAULT_LIMIT: usize = 20;
/// What only the federation says, for all queries together.
const PAGING: [&str; 4] = ["limit", "offset", "page", "hitsPerPage"];

impl MultiSearch {
    /// Reads a body.
    pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, ApiError> {
        let Value::Object(mut fields) = body::parse::<Value>(bytes, |_| Code::BadRequest)? else {
            return Err(bad("Invalid value type: expected an object with `queries`"));
        };
        let queries = fields.shift_remove("queries").ok_or_else(|| bad("Missing field `queries`"))?;
        let federation = fields.shift_remove("federation").unwrap_or_default();
        if let Some((name, _)) = fields.iter().next() {
            return Err(bad(&format!("Unknown field `{name}`: expected one of `queries`, `federation`")));
        }
        let federation = match federation {
            Value::Null => None,
            Value::Object(fields) => Some(Federation::read(fields)?),
            other => return Err(wrong(".federation", "an object", &other, Code::InvalidMultiSearchFederation)),
        };
        let Value::Array(queries) = queries else { return Err(wrong(".queries", "an array", &queries, Code::BadRequest)) };
        if queries.len() > limits.multi_search_queries {
            let (found, most) = (queries.len(), limits.multi_search_queries);
            return Err(bad(&format!("Invalid value at `.queries`: {found} queries, at most {most} are allowed in one multi-search")));
        }
        let queries = queries.into_iter().enumerate().map(|(at, query)| Query::read(at, query, federation.as_ref()));
        Ok(Self { queries: queries.collect::<Result<_, _>>()?, federation })
    }
}

impl Query {
    fn read(at: usize, query: Value, federation: Option<&Federation>) -> Result<Self, ApiError> {
        let place = format!(".queries[{at}]");
        let Value::Object(mut search) = query else { return Err(wrong(&place, "an object", &query, Code::BadRequest)) };
        let uid = match search.shift_remove("indexUid") {
            Some(Value::String(uid)) => {
                uid.parse().map_err(|error: ApiError| ApiError::new(error.code, format!("Inside `{place}.indexUid`: {}", error.message)))?
            }
            None | Some(Value::Null) => {
                return Err(ApiError::new(Code::MissingIndexUid, format!("Missing field `indexUid` inside `{place}`")));
            }
            Some(other) => return Err(wrong(&format!("{place}.indexUid"), "a string", &other, Code::InvalidIndexUid)),
        };
        let options = search.shift_remove("federationOptions").filter(|options| !options.is_null());
        let Some(federation) = federation else {
            return match options {
                None => Ok(Self { uid, weight: 1.0, search }),
                Some(_) => Err(ApiError::new(
                    Code::InvalidMultiSearchFederationOptions,
                    format!(
                        "Inside `{place}`: Using `federationOptions` is not allowed in a non-federated search.\n - Hint: remove \
                         `federationOptions` from query #{at} or add `federation` to the request."
                    ),
                )),
            };
        };
        let weight = options.map_or(Ok(1.0), |options| weight(&format!("{place}.federationOptions"), options))?;
        check_federated(at, &uid, &search, federation)?;
        Ok(Self { uid, weight, search })
    }
}

/// What a query of a federated search must leave to the federation.
fn check_federated(at: usize, uid: &IndexUid, search: &Map<String, Value>, federation: &Federation) -> Result<(), ApiError> {
    let given = |name: &str| search.get(name).filter(|value| !value.is_null());
    if let Some(name) = PAGING.into_iter().find(|name| given(name).is_some()) {
        return Err(ApiError::new(
            Code::InvalidMultiSearchQueryPagination,
            format!(
                "Inside `.queries[{at}]`: Using pagination options is not allowed in federated queries.\n - Hint: remove `{name}` from \
                 query #{at} or remove `federation` from the request\n - Hint: pass `federation.limit` and `federation.offset` for \
                 pagination in federated search"
            ),
        ));
    }
    if let Some(facets) = given("facets") {
        return Err(ApiError::new(
            Code::InvalidMultiSearchQueryFacets,
            format!(
                "Inside `.queries[{at}]`: Using facet options is not allowed in federated queries.\n - Hint: remove `facets` from query \
                 #{at} or remove `federation` from the request\n - Hint: pass `federation.facetsByIndex.{uid}: {facets}` for facets in \
                 federated search"
            ),
        ));
    }
    if given("distinct").is_some() && federation.distinct.is_some() {
        return Err(ApiError::new(
            Code::InvalidMultiSearchDistinct,
            format!(
                "Inside `.queries[{at}]`: `distinct` is given both here and in `federation`.\n - Hint: remove one of them. That of the \
                 federation holds for the hits of all queries together."
            ),
        ));
    }
    Ok(())
}

/// The weight that `federationOptions` gives a query.
fn weight(place: &str, options: Value) -> Result<f64, ApiError> {
    let Value::Object(options) = options else {
        return Err(wrong(place, "an object", &options, Code::InvalidMultiSearchFederationOptions));
    };
    let mut weight = 1.0;
    for (name, value) in options.into_iter().filter(|(_, value)| !value.is_null()) {
        let place = format!("{place}.{name}");
        match name.as_str() {
            "weight" => match value.as_f64() {
                Some(number) if number >= 0.0 => weight = number,
                Some(_) => {
                    let message =
                        format!("Invalid value at `{place}`: the value of `weight` is invalid, expected a positive float (>= 0.0).");
                    return Err(ApiError::new(Code::InvalidMultiSearchWeight, message));
                }
                None => return Err(wrong(&place, "a number", &value, Code::InvalidMultiSearchWeight)),
            },
            "remote" if !value.is_string() => return Err(wrong(&place, "a string", &value, Code::InvalidMultiSearchRemote)),
            "queryPosition" if !value.is_u64() => {
                return Err(wrong(&place, "a positive integer", &value, Code::InvalidMultiSearchQueryPosition));
            }
            // Both are about other instances of Meilisearch, its experimental feature `network`.
            "remote" | "queryPosition" => {
                let message = format!("Using `federationOptions.{name}` (at `{place}`) needs the feature `network`, which is not offered.");
                return Err(ApiError::new(Code::FeatureNotEnabled, message));
            }
            _ => return Err(bad(&format!("Unknown field `{name}` at `{place}`: expected one of `weight`, `queryPosition`, `remote`"))),
        }
    }
    Ok(weight)
}

impl Federation {
    fn read(fields: Map<String, Value>) -> Result<Self, ApiError> {
        let mut read = Self::default();
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
            let place = format!(".federation.{name}");
            match name.as_str() {
                "limit" => read.limit = Some(count(&place, &value, Code::InvalidSearchLimit)?),
                "offset" => read.offset = Some(count(&place, &value, Code::InvalidSearchOffset)?),
                "page" => read.page = Some(count(&place, &value, Code::InvalidSearchPage)?),
                "hitsPerPage" => read.hits_per_page = Some(count(&place, &value, Code::InvalidSearchHitsPerPage)?),
                "distinct" => match value {
                    Value::String(attribute) => read.distinct = Some(attribute),
                    other => return Err(wrong(&place, "a string", &other, Code::InvalidSearchDistinct)),
                },
                "facetsByIndex" => read.facets_by_index = facets_by_index(&place, value)?,
                "mergeFacets" => read.merge_facets = Some(merge_facets(&place, value)?),
                // Timings of steps that Onggi does not have.
                "showPerformanceDetails" => {}
                _ => {
                    return Err(bad(&format!(
                        "Unknown field `{name}` inside `.federation`: expected one of `limit`, `offset`, `page`, `hitsPerPage`, `distinct`, \
                         `facetsByIndex`, `mergeFacets`, `showPerformanceDetails`"
                    )));
                }
            }
        }
        Ok(read)
    }

    /// The part of the merged list that is wanted. Paging by pages wins, as in a search.
    pub(crate) fn window(&self) -> Window {
        if self.page.is_some() || self.hits_per_page.is_some() {
            return Window::Page { page: self.page.unwrap_or(1), hits_per_page: self.hits_per_page.unwrap_or(DEFAULT_LIMIT) };
        }
        Window::Offset { limit: self.limit.unwrap_or(DEFAULT_LIMIT), offset: self.offset.unwrap_or(0) }
    }
}

impl Window {
    /// How many hits come before it, and how many are in it. Page 0 is empty.
    pub(crate) fn skip_and_take(self) -> (usize, usize) {
        match self {
            Self::Offset { limit, offset } => (offset, limit),
            Self::Page { page: 0, .. } => (0, 0),
            Self::Page { page, hits_per_page } => ((page - 1).saturating_mul(hits_per_page), hits_per_page),
        }
    }
}

fn facets_by_index(place: &str, value: Value) -> Result<Vec<(IndexUid, Vec<String>)>, ApiError> {
    let code = Code::InvalidMultiSearchFacetsByIndex;
    let Value::Object(indexes) = value else { return Err(wrong(place, "an object", &value, code)) };
    let mut read = Vec::new();
    for (uid, facets) in indexes.into_iter().filter(|(_, facets)| !facets.is_null()) {
        let place = format!("{place}.{uid}");
        let uid = uid.parse().map_err(|error: ApiError| ApiError::new(code, format!("Inside `{place}`: {}", error.message)))?;
        let Value::Array(names) = facets else { return Err(wrong(&place, "an array", &facets, code)) };
        let name = |(at, name)| match name {
            Value::String(name) => Ok(name),
            other => Err(wrong(&format!("{place}[{at}]"), "a string", &other, code)),
        };
        read.push((uid, names.into_iter().enumerate().map(name).collect::<Result<_, _>>()?));
    }
    Ok(read)
}

fn merge_facets(place: &str, value: Value) -> Result<MergeFacets, ApiError> {
    let code = Code::InvalidMultiSearchMergeFacets;
    let Value::Object(fields) = value else { return Err(wrong(place, "an object", &value, code)) };
    let mut read = MergeFacets::default();
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
        if name != "maxValuesPerFacet" {
            let message = format!("Unknown field `{name}` inside `{place}`: expected `maxValuesPerFacet`");
            return Err(ApiError::new(code, message));
        }
        read.max_values_per_facet = Some(count(&format!("{place}.{name}"), &value, Code::InvalidMultiSearchMaxValuesPerFacet)?);
    }
    Ok(read)
}

fn count(place: &str, value: &Value, code: Code) -> Result<usize, ApiError> {
    let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| wrong(place, "a positive integer", value, code))
}

fn bad(message: &str) -> ApiError {
    ApiError::new(Code::BadRequest, message)
}

fn wrong(place: &str, expected: &str, found: &Value, code: Code) -> ApiError {
    let mut shown: String = found.to_string().chars().take(61).collect();
    if shown.chars().count() > 60 {
        shown.pop();
        shown.push('…');
    }
    ApiError::new(code, format!("Invalid value type at `{place}`: expected {expected}, but found `{shown}`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(body: &Value) -> Result<MultiSearch, ApiError> {
        MultiSearch::parse(body.to_string().as_bytes(), &Limits { multi_search_queries: 3, ..Limits::default() })
    }

    #[test]
    fn a_search_keeps_its_parameters_and_loses_what_is_about_the_multi_search() {
        let read = parse(&json!({
            "queries": [{"q": "a", "indexUid": "jars", "limit": 3}, {"indexUid": "bowls", "federationOptions": null}],
            "federation": null,
        }))
        .unwrap();
        assert_eq!(read.federation, None);
        assert_eq!((read.queries[0].uid.as_str(), Value::Object(read.queries[0].search.clone())), ("jars", json!({"q": "a", "limit": 3})));
        assert!(read.queries[1].search.is_empty());
        assert_eq!(parse(&json!({"queries": []})).unwrap().queries, []);
    }

    #[test]
    fn a_federation_has_meilisearchs_defaults_and_parameters() {
        let federation = |json: Value| parse(&json!({"queries": [], "federation": json})).unwrap().federation.unwrap();
        assert_eq!(federation(json!({})).window(), Window::Offset { limit: 20, offset: 0 });
        assert_eq!(federation(json!({"limit": 3, "offset": 4})).window().skip_and_take(), (4, 3));
        assert_eq!(federation(json!({"page": 3, "limit": 9})).window().skip_and_take(), (40, 20));
        assert_eq!(federation(json!({"hitsPerPage": 7})).window(), Window::Page { page: 1, hits_per_page: 7 });
        assert_eq!(federation(json!({"page": 0})).window().skip_and_take(), (0, 0));
        let read = federation(json!({
            "facetsByIndex": {"jars": ["a", "b"], "bowls": null}, "mergeFacets": {"maxValuesPerFacet": 5}, "distinct": "sku",
        }));
        assert_eq!(read.facets_by_index, [("jars".parse().unwrap(), vec!["a".to_owned(), "b".to_owned()])]);
        assert_eq!((read.merge_facets, read.distinct.as_deref()), (Some(MergeFacets { max_values_per_facet: Some(5) }), Some("sku")));
        assert_eq!(federation(json!({"mergeFacets": {}})).merge_facets, Some(MergeFacets::default()));
    }

    #[test]
    fn a_weight_is_a_positive_number() {
        let weight = |options: Value| {
            parse(&json!({"queries": [{"indexUid": "a", "federationOptions": options}], "federation": {}}))
                .map(|read| read.queries[0].weight)
        };
        assert_eq!(
            (weight(json!({})).unwrap(), weight(json!({"weight": 0})).unwrap(), weight(json!({"weight": 2.5})).unwrap()),
            (1.0, 0.0, 2.5)
        );
        for (options, code) in [
            (json!({"weight": -0.1}), Code::InvalidMultiSearchWeight),
            (json!({"weight": "1"}), Code::InvalidMultiSearchWeight),
            (json!({"remote": "other"}), Code::FeatureNotEnabled),
            (json!({"queryPosition": 1}), Code::FeatureNotEnabled),
            (json!({"remote": 1}), Code::InvalidMultiSearchRemote),
            (json!({"queryPosition": -1}), Code::InvalidMultiSearchQueryPosition),
            (json!({"height": 1}), Code::BadRequest),
            (json!([]), Code::InvalidMultiSearchFederationOptions),
        ] {
            assert_eq!(weight(options.clone()).unwrap_err().code, code, "{options}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_code() {
        let federated = |query: Value, federation: Value| json!({"queries": [{"indexUid": "a"}, query], "federation": federation});
        for (body, code, says) in [
            (json!([]), Code::BadRequest, "expected an object"),
            (json!({}), Code::BadRequest, "Missing field `queries`"),
            (json!({"queries": {}}), Code::BadRequest, "`.queries`: expected an array"),
            (json!({"queries": [1]}), Code::BadRequest, "`.queries[0]`: expected an object"),
            (json!({"queries": [], "limit": 1}), Code::BadRequest, "Unknown field `limit`"),
            (json!({"queries": [{"q": "a"}]}), Code::MissingIndexUid, "Missing field `indexUid` inside `.queries[0]`"),
            (json!({"queries": [{"indexUid": 1}]}), Code::InvalidIndexUid, "`.queries[0].indexUid`: expected a string"),
            (json!({"queries": [{"indexUid": "a b"}]}), Code::InvalidIndexUid, "Inside `.queries[0].indexUid`"),
            (json!({"queries": [{}, {}, {}, {}]}), Code::BadRequest, "4 queries, at most 3"),
            (
                json!({"queries": [{"indexUid": "a", "federationOptions": {}}]}),
                Code::InvalidMultiSearchFederationOptions,
                "Inside `.queries[0]`: Using `federationOptions` is not allowed in a non-federated search.",
            ),
            (federated(json!({"indexUid": "b", "limit": 1}), json!({})), Code::InvalidMultiSearchQueryPagination, "Inside `.queries[1]`"),
            (federated(json!({"indexUid": "b", "offset": 1}), json!({})), Code::InvalidMultiSearchQueryPagination, "`offset`"),
            (federated(json!({"indexUid": "b", "page": 1}), json!({})), Code::InvalidMultiSearchQueryPagination, "`page`"),
            (federated(json!({"indexUid": "b", "hitsPerPage": 1}), json!({})), Code::InvalidMultiSearchQueryPagination, "`hitsPerPage`"),
            (
                federated(json!({"indexUid": "b", "facets": ["x"]}), json!({})),
                Code::InvalidMultiSearchQueryFacets,
                "`federation.facetsByIndex.b: [\"x\"]`",
            ),
            (
                federated(json!({"indexUid": "b", "distinct": "x"}), json!({"distinct": "y"})),
                Code::InvalidMultiSearchDistinct,
                "Inside `.queries[1]`",
            ),
            (json!({"queries": [], "federation": []}), Code::InvalidMultiSearchFederation, "`.federation`: expected an object"),
            (json!({"queries": [], "federation": {"limits": 1}}), Code::BadRequest, "Unknown field `limits`"),
            (json!({"queries": [], "federation": {"limit": -1}}), Code::InvalidSearchLimit, "`.federation.limit`"),
            (json!({"queries": [], "federation": {"offset": "1"}}), Code::InvalidSearchOffset, "`.federation.offset`"),
            (json!({"queries": [], "federation": {"page": 1.5}}), Code::InvalidSearchPage, "`.federation.page`"),
            (json!({"queries": [], "federation": {"hitsPerPage": []}}), Code::InvalidSearchHitsPerPage, "`.federation.hitsPerPage`"),
            (json!({"queries": [], "federation": {"distinct": 1}}), Code::InvalidSearchDistinct, "`.federation.distinct`"),
            (json!({"queries": [], "federation": {"facetsByIndex": []}}), Code::InvalidMultiSearchFacetsByIndex, "an object"),
            (json!({"queries": [], "federation": {"facetsByIndex": {"a b": []}}}), Code::InvalidMultiSearchFacetsByIndex, "`a b`"),
            (json!({"queries": [], "federation": {"facetsByIndex": {"a": "x"}}}), Code::InvalidMultiSearchFacetsByIndex, "an array"),
            (
                json!({"queries": [], "federation": {"facetsByIndex": {"a": [1]}}}),
                Code::InvalidMultiSearchFacetsByIndex,
                "facetsByIndex.a[0]`",
            ),
            (json!({"queries": [], "federation": {"mergeFacets": 1}}), Code::InvalidMultiSearchMergeFacets, "an object"),
            (json!({"queries": [], "federation": {"mergeFacets": {"max": 1}}}), Code::InvalidMultiSearchMergeFacets, "`max`"),
            (
                json!({"queries": [], "federation": {"mergeFacets": {"maxValuesPerFacet": -1}}}),
                Code::InvalidMultiSearchMaxValuesPerFacet,
                "`.federation.mergeFacets.maxValuesPerFacet`",
            ),
        ] {
            let error = parse(&body).unwrap_err();
            assert_eq!(error.code, code, "{body}: {error}");
            assert!(error.message.contains(says), "{body}: {error}");
        }
        assert_eq!(MultiSearch::parse(b" ", &Limits::default()).unwrap_err().code, Code::MissingPayload);
        assert_eq!(MultiSearch::parse(b"{\"queries\": [}", &Limits::default()).unwrap_err().code, Code::MalformedPayload);
    }
}
