//! The requests of a search, of a facet search and of a page of documents, in Meilisearch's shapes.

use onggi_domain::{ApiError, Code, locale};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parse::{self, Kind, Parameter};

const NO_VECTORS: &str = "Searching by vectors is not offered: leave out `vector`, `hybrid` and `retrieveVectors`.";
const NO_MEDIA: &str = "Searching by media and personalization are not offered: leave out `media` and `personalize`.";
const STRATEGIES: &[&str] = &["last", "all", "frequency"];

const SEARCH: &[Parameter] = &[
    ("q", Kind::Text, Code::InvalidSearchQ),
    ("offset", Kind::Count, Code::InvalidSearchOffset),
    ("limit", Kind::Count, Code::InvalidSearchLimit),
    ("page", Kind::Count, Code::InvalidSearchPage),
    ("hitsPerPage", Kind::Count, Code::InvalidSearchHitsPerPage),
    ("attributesToRetrieve", Kind::Texts, Code::InvalidSearchAttributesToRetrieve),
    ("attributesToCrop", Kind::Texts, Code::InvalidSearchAttributesToCrop),
    ("cropLength", Kind::Count, Code::InvalidSearchCropLength),
    ("cropMarker", Kind::Text, Code::InvalidSearchCropMarker),
    ("attributesToHighlight", Kind::Texts, Code::InvalidSearchAttributesToHighlight),
    ("highlightPreTag", Kind::Text, Code::InvalidSearchHighlightPreTag),
    ("highlightPostTag", Kind::Text, Code::InvalidSearchHighlightPostTag),
    ("showMatchesPosition", Kind::Flag, Code::InvalidSearchShowMatchesPosition),
    ("showRankingScore", Kind::Flag, Code::InvalidSearchShowRankingScore),
    ("showRankingScoreDetails", Kind::Flag, Code::InvalidSearchShowRankingScoreDetails),
    ("rankingScoreThreshold", Kind::Number, Code::InvalidSearchRankingScoreThreshold),
    ("filter", Kind::Filter, Code::InvalidSearchFilter),
    ("sort", Kind::Texts, Code::InvalidSearchSort),
    ("distinct", Kind::Text, Code::InvalidSearchDistinct),
    ("facets", Kind::Texts, Code::InvalidSearchFacets),
    ("matchingStrategy", Kind::OneOf(STRATEGIES), Code::InvalidSearchMatchingStrategy),
    ("attributesToSearchOn", Kind::Texts, Code::InvalidSearchAttributesToSearchOn),
    ("locales", Kind::Texts, Code::InvalidSearchLocales),
    ("vector", Kind::Absent(NO_VECTORS), Code::InvalidSearchVector),
    ("hybrid", Kind::Absent(NO_VECTORS), Code::InvalidSearchHybridQuery),
    ("retrieveVectors", Kind::Absent(NO_VECTORS), Code::InvalidSearchVector),
    ("media", Kind::Absent(NO_MEDIA), Code::BadRequest),
    ("personalize", Kind::Absent(NO_MEDIA), Code::BadRequest),
    ("showPerformanceDetails", Kind::Ignored, Code::BadRequest),
];

const FACET_SEARCH: &[Parameter] = &[
    ("facetName", Kind::Text, Code::InvalidFacetSearchFacetName),
    ("facetQuery", Kind::Text, Code::InvalidFacetSearchFacetQuery),
    ("q", Kind::Text, Code::InvalidSearchQ),
    ("filter", Kind::Filter, Code::InvalidSearchFilter),
    ("matchingStrategy", Kind::OneOf(STRATEGIES), Code::InvalidSearchMatchingStrategy),
    ("attributesToSearchOn", Kind::Texts, Code::InvalidSearchAttributesToSearchOn),
    ("exhaustiveFacetCount", Kind::Flag, Code::BadRequest),
    ("locales", Kind::Texts, Code::InvalidSearchLocales),
    ("rankingScoreThreshold", Kind::Number, Code::InvalidSearchRankingScoreThreshold),
    ("hybrid", Kind::Absent(NO_VECTORS), Code::InvalidSearchHybridQuery),
    ("vector", Kind::Absent(NO_VECTORS), Code::InvalidSearchVector),
];

const DOCUMENTS: &[Parameter] = &[
    ("offset", Kind::Count, Code::InvalidDocumentOffset),
    ("limit", Kind::Count, Code::InvalidDocumentLimit),
    ("fields", Kind::Texts, Code::InvalidDocumentFields),
    ("filter", Kind::Filter, Code::InvalidDocumentFilter),
    ("ids", Kind::Ids, Code::InvalidDocumentIds),
    ("sort", Kind::Texts, Code::InvalidDocumentSort),
    ("retrieveVectors", Kind::Flag, Code::InvalidDocumentRetrieveVectors),
];

/// The names of the parameters of a search, of a facet search, of a page of documents, and of an analysis.
pub fn parameters() -> [Vec<&'static str>; 4] {
    [SEARCH, FACET_SEARCH, DOCUMENTS, super::analyze::ANALYZE].map(|table| table.iter().map(|(name, ..)| *name).collect())
}

/// A search. Defaults as in Meilisearch; a field that is not known is an error.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the parameters of POST /indexes/{uid}/search")]
pub struct SearchRequest {
    pub q: Option<String>,
    pub offset: usize,
    pub limit: usize,
    pub page: Option<usize>,
    pub hits_per_page: Option<usize>,
    pub attributes_to_retrieve: Option<Vec<String>>,
    pub attributes_to_crop: Option<Vec<String>>,
    pub crop_length: usize,
    pub crop_marker: String,
    pub attributes_to_highlight: Option<Vec<String>>,
    pub highlight_pre_tag: String,
    pub highlight_post_tag: String,
    pub show_matches_position: bool,
    pub show_ranking_score: bool,
    pub show_ranking_score_details: bool,
    pub ranking_score_threshold: Option<f64>,
    pub filter: Option<Value>,
    pub sort: Option<Vec<String>>,
    pub distinct: Option<String>,
    pub facets: Option<Vec<String>>,
    pub matching_strategy: MatchingStrategy,
    pub attributes_to_search_on: Option<Vec<String>>,
    pub locales: Option<Vec<String>>,
}

impl Default for SearchRequest {
    fn default() -> Self {
        Self {
            q: None,
            offset: 0,
            limit: 20,
            page: None,
            hits_per_page: None,
            attributes_to_retrieve: None,
            attributes_to_crop: None,
            crop_length: 10,
            crop_marker: "…".to_owned(),
            attributes_to_highlight: None,
            highlight_pre_tag: "<em>".to_owned(),
            highlight_post_tag: "</em>".to_owned(),
            show_matches_position: false,
            show_ranking_score: false,
            show_ranking_score_details: false,
            ranking_score_threshold: None,
            filter: None,
            sort: None,
            distinct: None,
            facets: None,
            matching_strategy: MatchingStrategy::Last,
            attributes_to_search_on: None,
            locales: None,
        }
    }
}

/// Which words of a query may be left out when few documents hold all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MatchingStrategy {
    /// Any, as long as one is left; those who hold more of the query's information come first.
    Last,
    /// None.
    All,
    /// Any but the rarest.
    Frequency,
}

impl SearchRequest {
    /// From the JSON body of a POST; an error names the field and what would be right.
    pub fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        parse::from_json::<Self>(body, SEARCH)?.checked()
    }

    /// From the query string of a GET; lists are comma-separated, `filter` is a string or JSON array.
    pub fn from_query(query: &str) -> Result<Self, ApiError> {
        parse::from_query::<Self>(query, SEARCH)?.checked()
    }

    fn checked(self) -> Result<Self, ApiError> {
        if self.ranking_score_threshold.is_some_and(|threshold| !(0.0..=1.0).contains(&threshold)) {
            return Err(ApiError::new(
                Code::InvalidSearchRankingScoreThreshold,
                "Invalid value at `.rankingScoreThreshold`: the value of `rankingScoreThreshold` is invalid, \
                 expected a float between `0.0` and `1.0`.",
            ));
        }
        check_locales(self.locales.as_deref())?;
        Ok(self)
    }
}

fn check_locales(locales: Option<&[String]>) -> Result<(), ApiError> {
    locale::check("locales", locales.unwrap_or_default()).map_err(|why| ApiError::new(Code::InvalidSearchLocales, why))
}

/// A search among the values of a facet.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are the parameters of POST /indexes/{uid}/facet-search")]
pub struct FacetSearchRequest {
    #[serde(default)]
    pub facet_name: String,
    #[serde(default)]
    pub facet_query: Option<String>,
    #[serde(default)]
    pub q: Option<String>,
    #[serde(default)]
    pub filter: Option<Value>,
    #[serde(default)]
    pub matching_strategy: Option<MatchingStrategy>,
    #[serde(default)]
    pub attributes_to_search_on: Option<Vec<String>>,
    #[serde(default)]
    pub exhaustive_facet_count: bool,
    #[serde(default)]
    pub locales: Option<Vec<String>>,
    #[serde(default)]
    pub ranking_score_threshold: Option<f64>,
}

impl FacetSearchRequest {
    /// From the JSON body of a POST.
    pub fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        let request: Self = parse::from_json(body, FACET_SEARCH)?;
        if request.facet_name.is_empty() {
            return Err(ApiError::new(Code::MissingFacetSearchFacetName, "Missing field `facetName`"));
        }
        check_locales(request.locales.as_deref())?;
        Ok(request)
    }
}

/// A page of documents.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the parameters of POST /indexes/{uid}/documents/fetch")]
pub struct DocumentsRequest {
    pub offset: usize,
    pub limit: usize,
    pub fields: Option<Vec<String>>,
    pub filter: Option<Value>,
    pub ids: Option<Vec<Value>>,
    pub sort: Option<Vec<String>>,
    pub retrieve_vectors: bool,
}

impl Default for DocumentsRequest {
    fn default() -> Self {
        Self { offset: 0, limit: 20, fields: None, filter: None, ids: None, sort: None, retrieve_vectors: false }
    }
}

impl DocumentsRequest {
    /// From the JSON body of `POST .../documents/fetch`.
    pub fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        parse::from_json(body, DOCUMENTS)
    }

    /// From the query string of `GET .../documents`.
    pub fn from_query(query: &str) -> Result<Self, ApiError> {
        parse::from_query(query, DOCUMENTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_without_fields_is_the_default_search() {
        for body in ["", "  ", "{}", r#"{"q": null, "limit": null, "hybrid": null, "retrieveVectors": false}"#] {
            assert_eq!(SearchRequest::from_json(body.as_bytes()).unwrap(), SearchRequest::default(), "{body}");
        }
    }

    #[test]
    fn a_body_and_a_query_string_say_the_same() {
        let body = r#"{"q": "a b", "limit": 3, "attributesToRetrieve": ["id", "title"], "filter": [["a = 1", "b = 2"], "c = 3"],
                       "sort": ["_geoPoint(1,2):asc", "price:desc"], "showRankingScore": true, "matchingStrategy": "all"}"#;
        let query = "q=a%20b&limit=3&attributesToRetrieve=id,title&filter=[[\"a = 1\",\"b = 2\"],\"c = 3\"]\
                     &sort=_geoPoint(1,2):asc,price:desc&showRankingScore=true&matchingStrategy=all";
        assert_eq!(SearchRequest::from_json(body.as_bytes()).unwrap(), SearchRequest::from_query(query).unwrap());
    }

    #[test]
    fn wrong_parameters_are_refused_and_named() {
        let table = [
            (r#"{"q": 1}"#, Code::InvalidSearchQ, ".q"),
            (r#"{"limit": "a"}"#, Code::InvalidSearchLimit, ".limit"),
            (r#"{"limit": -1}"#, Code::InvalidSearchLimit, "minimum value authorized is `0`"),
            (r#"{"offset": 1.5}"#, Code::InvalidSearchOffset, ".offset"),
            (r#"{"facets": ["a", 1]}"#, Code::InvalidSearchFacets, ".facets[1]"),
            (r#"{"matchingStrategy": "first"}"#, Code::InvalidSearchMatchingStrategy, "`last`, `all`, `frequency`"),
            (r#"{"rankingScoreThreshold": 1.1}"#, Code::InvalidSearchRankingScoreThreshold, "between"),
            (r#"{"filter": 3}"#, Code::InvalidSearchFilter, ".filter"),
            (r#"{"hybrid": {"embedder": "x"}}"#, Code::FeatureNotEnabled, "vectors"),
            (r#"{"locales": ["ko", "klingon"]}"#, Code::InvalidSearchLocales, "`klingon` at `.locales[1]`: expected one of `af`"),
            (r#"{"limits": 3}"#, Code::BadRequest, "did you mean `limit`?"),
            (r#"{"q": "a" "b"}"#, Code::MalformedPayload, "line 1 column 11"),
            ("[1]", Code::BadRequest, "expected an object"),
        ];
        for (body, code, part) in table {
            let error = SearchRequest::from_json(body.as_bytes()).unwrap_err();
            assert_eq!(error.code, code, "{body}");
            assert!(error.message.contains(part), "{body}: {}", error.message);
        }
        let deep = format!("{{\"filter\": {}{}}}", "[".repeat(2000), "]".repeat(2000));
        assert_eq!(SearchRequest::from_json(deep.as_bytes()).unwrap_err().code, Code::MalformedPayload);
        for (query, code) in [
            ("limit=x", Code::InvalidSearchLimit),
            ("showRankingScore=yes", Code::InvalidSearchShowRankingScore),
            ("matchingStrategy=no", Code::InvalidSearchMatchingStrategy),
            ("nope=1", Code::BadRequest),
        ] {
            assert_eq!(SearchRequest::from_query(query).unwrap_err().code, code, "{query}");
        }
    }

    #[test]
    fn requests_for_documents_and_facets_have_their_own_codes() {
        assert_eq!(DocumentsRequest::from_query("limit=-3").unwrap_err().code, Code::InvalidDocumentLimit);
        assert_eq!(DocumentsRequest::from_json(br#"{"ids": [true]}"#).unwrap_err().code, Code::InvalidDocumentIds);
        assert_eq!(FacetSearchRequest::from_json(b"{}").unwrap_err().code, Code::MissingFacetSearchFacetName);
        assert_eq!(FacetSearchRequest::from_json(br#"{"facetName": 1}"#).unwrap_err().code, Code::InvalidFacetSearchFacetName);
    }

    #[test]
    fn every_parameter_is_refused_with_its_own_code_when_it_is_of_the_wrong_type() {
        let [search, facet_search, documents] = parameters();
        let refused = |kind: usize, body: &str| match kind {
            0 => SearchRequest::from_json(body.as_bytes()).err(),
            1 => FacetSearchRequest::from_json(body.as_bytes()).err(),
            _ => DocumentsRequest::from_json(body.as_bytes()).err(),
        };
        let tables = [search, facet_search, documents].into_iter().enumerate();
        for (kind, (name, code)) in tables.flat_map(|(kind, table)| table.into_iter().map(move |parameter| (kind, parameter))) {
            let codes: Vec<Code> = ["true", "\"no\"", "-1", "[true]", "{}"]
                .iter()
                .filter_map(|value| {
                    let facet = if kind == 1 && name != "facetName" { "\"facetName\": \"a\", " } else { "" };
                    refused(kind, &format!("{{{facet}\"{name}\": {value}}}"))
                })
                .map(|error| error.code)
                .collect();
            // What is not offered has a code of its own or says so; what is ignored may be anything.
            assert!(codes.is_empty() || codes.contains(&code) || codes.contains(&Code::FeatureNotEnabled), "{name}: {codes:?}");
        }
    }
}
