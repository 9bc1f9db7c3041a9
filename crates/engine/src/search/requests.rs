//! The requests of a search, of a facet search and of a page of documents, in Meilisearch's shapes.

use onggi_domain::{ApiError, Code, locale};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parse::{self, Kind, Parameter, Type, Unknown};

const VECTORS: Kind = Kind::Disabled(Type::Flag, "passing `retrieveVectors`", "vector store");
const NETWORK: Kind = Kind::Disabled(Type::Flag, "passing `useNetwork` in a search query", "network");
const VECTOR: Kind = Kind::Disabled(Type::Array, "passing `vector` in a search query", "vector store");
const HYBRID: Kind = Kind::Disabled(Type::Object, "passing `hybrid` in a search query", "vector store");
const MEDIA: Kind = Kind::Disabled(Type::Any, "passing `media` in a search query", "multimodal");
const PERSONALIZE: Kind = Kind::Disabled(Type::Object, "passing `personalize` in a search query", "personalization");
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
    ("showPerformanceDetails", Kind::Flag, Code::InvalidSearchShowPerformanceDetails),
    ("vector", VECTOR, Code::InvalidSearchVector),
    ("retrieveVectors", VECTORS, Code::InvalidSearchRetrieveVectors),
    ("useNetwork", NETWORK, Code::InvalidSearchUseNetwork),
];

/// What only the JSON of a POST can say.
const SEARCH_BODY: &[Parameter] = &[
    ("hybrid", HYBRID, Code::InvalidSearchHybridQuery),
    ("media", MEDIA, Code::InvalidSearchMedia),
    ("personalize", PERSONALIZE, Code::InvalidSearchPersonalize),
];

/// The same in a query string.
const SEARCH_QUERY: &[Parameter] = &[
    (
        "hybridEmbedder",
        Kind::Disabled(Type::Text, "passing `hybridEmbedder` in a search query", "vector store"),
        Code::InvalidSearchEmbedder,
    ),
    (
        "hybridSemanticRatio",
        Kind::Disabled(Type::Number, "passing `hybridSemanticRatio` in a search query", "vector store"),
        Code::InvalidSearchSemanticRatio,
    ),
    (
        "personalizeUserContext",
        Kind::Disabled(Type::Text, "passing `personalizeUserContext` in a search query", "personalization"),
        Code::InvalidSearchPersonalizeUserContext,
    ),
];

const FACET_SEARCH: &[Parameter] = &[
    ("facetName", Kind::Text, Code::InvalidFacetSearchFacetName),
    ("facetQuery", Kind::Text, Code::InvalidFacetSearchFacetQuery),
    ("q", Kind::Text, Code::InvalidSearchQ),
    ("filter", Kind::Filter, Code::InvalidSearchFilter),
    ("matchingStrategy", Kind::OneOf(STRATEGIES), Code::InvalidSearchMatchingStrategy),
    ("attributesToSearchOn", Kind::Texts, Code::InvalidSearchAttributesToSearchOn),
    ("exhaustiveFacetCount", Kind::Flag, Code::InvalidFacetSearchExhaustiveFacetCount),
    ("locales", Kind::Texts, Code::InvalidSearchLocales),
    ("rankingScoreThreshold", Kind::Number, Code::InvalidSearchRankingScoreThreshold),
    ("hybrid", HYBRID, Code::InvalidSearchHybridQuery),
    ("vector", VECTOR, Code::InvalidSearchVector),
    ("media", MEDIA, Code::InvalidSearchMedia),
    ("useNetwork", NETWORK, Code::InvalidSearchUseNetwork),
];

const DOCUMENTS: &[Parameter] = &[
    ("offset", Kind::Count, Code::InvalidDocumentOffset),
    ("limit", Kind::Count, Code::InvalidDocumentLimit),
    ("fields", Kind::Texts, Code::InvalidDocumentFields),
    ("filter", Kind::Filter, Code::InvalidDocumentFilter),
    ("ids", Kind::Ids, Code::InvalidDocumentIds),
    ("sort", Kind::Texts, Code::InvalidDocumentSort),
    ("retrieveVectors", VECTORS, Code::InvalidDocumentRetrieveVectors),
];

/// The parameters of a search, of a facet search, of a page of documents, and of an analysis, with the code of an error in each.
pub fn parameters() -> [Vec<(&'static str, Code)>; 4] {
    let named = |tables: &[&[Parameter]]| tables.concat().into_iter().map(|(name, _, code)| (name, code)).collect();
    [named(&[SEARCH, SEARCH_BODY]), named(&[FACET_SEARCH]), named(&[DOCUMENTS]), named(&[super::analyze::ANALYZE])]
}

const DOCUMENT: &[Parameter] =
    &[("fields", Kind::Texts, Code::InvalidDocumentFields), ("retrieveVectors", VECTORS, Code::InvalidDocumentRetrieveVectors)];

/// A search. Defaults as in Meilisearch; a field that is not known is an error.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, clippy::struct_excessive_bools, reason = "the fields are the parameters of POST /indexes/{uid}/search")]
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
    pub show_performance_details: bool,
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
            show_performance_details: false,
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
        parse::from_json::<Self>(body, &[SEARCH, SEARCH_BODY].concat(), Unknown::Refused)?.checked()
    }

    /// From the query string of a GET; lists are comma-separated, `filter` is a string or JSON array.
    pub fn from_query(query: &str) -> Result<Self, ApiError> {
        parse::from_query::<Self>(query, &[SEARCH, SEARCH_QUERY].concat())?.checked()
    }

    fn checked(self) -> Result<Self, ApiError> {
        check_threshold(self.ranking_score_threshold)?;
        check_locales(self.locales.as_deref())?;
        Ok(self)
    }
}

fn check_threshold(threshold: Option<f64>) -> Result<(), ApiError> {
    if threshold.is_none_or(|threshold| (0.0..=1.0).contains(&threshold)) {
        return Ok(());
    }
    Err(ApiError::new(
        Code::InvalidSearchRankingScoreThreshold,
        "Invalid value at `.rankingScoreThreshold`: the value of `rankingScoreThreshold` is invalid, \
         expected a float between `0.0` and `1.0`.",
    ))
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
    /// From the JSON body of a POST. Parameters of a search that mean nothing here are ignored: clients send all that they have.
    pub fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        let request: Self = parse::from_json(body, FACET_SEARCH, Unknown::Ignored)?;
        if request.facet_name.is_empty() {
            return Err(ApiError::new(Code::MissingFacetSearchFacetName, "Missing field `facetName`"));
        }
        check_threshold(request.ranking_score_threshold)?;
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
}

impl Default for DocumentsRequest {
    fn default() -> Self {
        Self { offset: 0, limit: 20, fields: None, filter: None, ids: None, sort: None }
    }
}

/// The parameters of `GET .../documents/{id}`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DocumentRequest {
    /// The fields that are wanted; all without it, or with `*`.
    pub fields: Option<Vec<String>>,
}

impl DocumentRequest {
    /// From the query string.
    pub fn from_query(query: &str) -> Result<Self, ApiError> {
        parse::from_query(query, DOCUMENT)
    }
}

impl DocumentsRequest {
    /// From the JSON body of `POST .../documents/fetch`.
    pub fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        parse::from_json(body, DOCUMENTS, Unknown::Refused)
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
            (r#"{"showPerformanceDetails": 1}"#, Code::InvalidSearchShowPerformanceDetails, "expected a boolean"),
            (r#"{"hybridEmbedder": "x"}"#, Code::BadRequest, "Unknown field"),
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
        let long = serde_json::json!({"facets": vec!["a"; 1001]}).to_string();
        assert!(SearchRequest::from_json(long.as_bytes()).unwrap_err().message.contains("at most 1000 entries"));
        for (query, code) in [
            ("limit=x", Code::InvalidSearchLimit),
            ("limit=", Code::InvalidSearchLimit),
            ("rankingScoreThreshold=2", Code::InvalidSearchRankingScoreThreshold),
            ("showRankingScore=yes", Code::InvalidSearchShowRankingScore),
            ("matchingStrategy=no", Code::InvalidSearchMatchingStrategy),
            ("nope=1", Code::BadRequest),
        ] {
            assert_eq!(SearchRequest::from_query(query).unwrap_err().code, code, "{query}");
        }
    }

    #[test]
    fn what_is_not_offered_is_not_enabled_but_has_to_be_of_its_type() {
        for (body, wrong) in [
            (r#"{"hybrid": {"embedder": "x"}}"#, (r#"{"hybrid": 1}"#, Code::InvalidSearchHybridQuery)),
            (r#"{"vector": [0.5]}"#, (r#"{"vector": "a"}"#, Code::InvalidSearchVector)),
            (r#"{"retrieveVectors": true}"#, (r#"{"retrieveVectors": "yes"}"#, Code::InvalidSearchRetrieveVectors)),
            (r#"{"personalize": {"userContext": "x"}}"#, (r#"{"personalize": "x"}"#, Code::InvalidSearchPersonalize)),
            (r#"{"useNetwork": true}"#, (r#"{"useNetwork": 1}"#, Code::InvalidSearchUseNetwork)),
            (r#"{"media": "anything"}"#, (r#"{"cropLength": "x"}"#, Code::InvalidSearchCropLength)),
        ] {
            assert_eq!(SearchRequest::from_json(body.as_bytes()).unwrap_err().code, Code::FeatureNotEnabled, "{body}");
            assert_eq!(SearchRequest::from_json(wrong.0.as_bytes()).unwrap_err().code, wrong.1, "{}", wrong.0);
        }
        for (query, code) in [
            ("hybridEmbedder=x", Code::FeatureNotEnabled),
            ("hybridSemanticRatio=0.5", Code::FeatureNotEnabled),
            ("hybridSemanticRatio=x", Code::InvalidSearchSemanticRatio),
            ("vector=1,2", Code::FeatureNotEnabled),
            ("personalizeUserContext=x", Code::FeatureNotEnabled),
            ("retrieveVectors=", Code::InvalidSearchRetrieveVectors),
            ("media=x", Code::BadRequest),
        ] {
            assert_eq!(SearchRequest::from_query(query).unwrap_err().code, code, "{query}");
        }
        assert!(SearchRequest::from_query("retrieveVectors=false&useNetwork=false").is_ok());
    }

    #[test]
    fn a_facet_search_ignores_the_parameters_of_searches() {
        let body = br#"{"facetName": "brand", "q": "x", "hitsPerPage": 20, "attributesToHighlight": ["*"], "sort": 1}"#;
        assert_eq!(FacetSearchRequest::from_json(body).unwrap().q.as_deref(), Some("x"));
    }

    #[test]
    fn requests_for_documents_and_facets_have_their_own_codes() {
        assert_eq!(DocumentRequest::from_query("fields=a,%20b&retrieveVectors=false").unwrap().fields.unwrap(), ["a", "b"]);
        assert_eq!(DocumentRequest::from_query("limit=3").unwrap_err().code, Code::BadRequest);
        assert_eq!(DocumentRequest::from_query("retrieveVectors=1").unwrap_err().code, Code::InvalidDocumentRetrieveVectors);
        assert_eq!(DocumentsRequest::from_json(br#"{"retrieveVectors": true}"#).unwrap_err().code, Code::FeatureNotEnabled);
        let exhaustive = br#"{"facetName": "a", "exhaustiveFacetCount": 1}"#;
        assert_eq!(FacetSearchRequest::from_json(exhaustive).unwrap_err().code, Code::InvalidFacetSearchExhaustiveFacetCount);
        let threshold = br#"{"facetName": "a", "rankingScoreThreshold": 2}"#;
        assert_eq!(FacetSearchRequest::from_json(threshold).unwrap_err().code, Code::InvalidSearchRankingScoreThreshold);
        assert_eq!(DocumentsRequest::from_query("limit=-3").unwrap_err().code, Code::InvalidDocumentLimit);
        assert_eq!(DocumentsRequest::from_json(br#"{"ids": [true]}"#).unwrap_err().code, Code::InvalidDocumentIds);
        assert_eq!(FacetSearchRequest::from_json(b"{}").unwrap_err().code, Code::MissingFacetSearchFacetName);
        assert_eq!(FacetSearchRequest::from_json(br#"{"facetName": 1}"#).unwrap_err().code, Code::InvalidFacetSearchFacetName);
    }

    #[test]
    fn every_parameter_is_refused_with_its_own_code_when_it_is_of_the_wrong_type() {
        let refused = |kind: usize, body: &str| match kind {
            0 => SearchRequest::from_json(body.as_bytes()).err(),
            1 => FacetSearchRequest::from_json(body.as_bytes()).err(),
            _ => DocumentsRequest::from_json(body.as_bytes()).err(),
        };
        let search = [SEARCH, SEARCH_BODY].concat();
        let tables = [search.as_slice(), FACET_SEARCH, DOCUMENTS].into_iter().enumerate();
        for (kind, &(name, _, code)) in tables.flat_map(|(kind, table)| table.iter().map(move |parameter| (kind, parameter))) {
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
