//! The errors of the public API: a closed set of codes in Meilisearch's dialect, each with its type and HTTP status.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of party can mend an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorType {
    /// The caller's request is wrong.
    InvalidRequest,
    /// The service failed.
    Internal,
    /// The caller may not do this.
    Auth,
    /// The machine refused, such as a full disk.
    System,
}

impl ErrorType {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Internal => "internal",
            Self::Auth => "auth",
            Self::System => "system",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $name:literal $kind:ident $status:literal;)*) => {
        /// An error code of the public API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each is documented by its name on the wire")]
        pub enum Code { $($variant),* }

        impl Code {
            /// Every code, for tests and documentation.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $name),* }
            }

            /// Who can mend it.
            pub fn error_type(self) -> ErrorType {
                match self { $(Code::$variant => ErrorType::$kind),* }
            }

            /// The HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Code::$variant => $status),* }
            }
        }
    };
}

codes! {
    AccountExists "account_exists" InvalidRequest 409;
    ApiKeyAlreadyExists "api_key_already_exists" InvalidRequest 409;
    ApiKeyNotFound "api_key_not_found" InvalidRequest 404;
    BadParameter "bad_parameter" InvalidRequest 400;
    BadRequest "bad_request" InvalidRequest 400;
    BatchNotFound "batch_not_found" InvalidRequest 404;
    DocumentNotFound "document_not_found" InvalidRequest 404;
    FeatureNotEnabled "feature_not_enabled" InvalidRequest 400;
    ImmutableApiKeyActions "immutable_api_key_actions" InvalidRequest 400;
    ImmutableApiKeyCreatedAt "immutable_api_key_created_at" InvalidRequest 400;
    ImmutableApiKeyExpiresAt "immutable_api_key_expires_at" InvalidRequest 400;
    ImmutableApiKeyIndexes "immutable_api_key_indexes" InvalidRequest 400;
    ImmutableApiKeyKey "immutable_api_key_key" InvalidRequest 400;
    ImmutableApiKeyUid "immutable_api_key_uid" InvalidRequest 400;
    ImmutableApiKeyUpdatedAt "immutable_api_key_updated_at" InvalidRequest 400;
    ImmutableIndexCreatedAt "immutable_index_created_at" InvalidRequest 400;
    ImmutableIndexUid "immutable_index_uid" InvalidRequest 400;
    ImmutableIndexUpdatedAt "immutable_index_updated_at" InvalidRequest 400;
    ImmutableWebhookIsEditable "immutable_webhook_is_editable" InvalidRequest 400;
    ImmutableWebhookUuid "immutable_webhook_uuid" InvalidRequest 400;
    IndexAlreadyExists "index_already_exists" InvalidRequest 409;
    IndexCreationFailed "index_creation_failed" Internal 500;
    IndexNotFound "index_not_found" InvalidRequest 404;
    IndexPrimaryKeyAlreadyExists "index_primary_key_already_exists" InvalidRequest 400;
    IndexPrimaryKeyMultipleCandidatesFound "index_primary_key_multiple_candidates_found" InvalidRequest 400;
    IndexPrimaryKeyNoCandidateFound "index_primary_key_no_candidate_found" InvalidRequest 400;
    Internal "internal" Internal 500;
    InvalidAnalyzeAttribute "invalid_analyze_attribute" InvalidRequest 400;
    InvalidAnalyzeText "invalid_analyze_text" InvalidRequest 400;
    InvalidAnalytics "invalid_analytics" InvalidRequest 400;
    InvalidApiKey "invalid_api_key" Auth 403;
    InvalidApiKeyActions "invalid_api_key_actions" InvalidRequest 400;
    InvalidApiKeyDescription "invalid_api_key_description" InvalidRequest 400;
    InvalidApiKeyExpiresAt "invalid_api_key_expires_at" InvalidRequest 400;
    InvalidApiKeyIndexes "invalid_api_key_indexes" InvalidRequest 400;
    InvalidApiKeyLimit "invalid_api_key_limit" InvalidRequest 400;
    InvalidApiKeyName "invalid_api_key_name" InvalidRequest 400;
    InvalidApiKeyOffset "invalid_api_key_offset" InvalidRequest 400;
    InvalidApiKeyUid "invalid_api_key_uid" InvalidRequest 400;
    InvalidBatchUids "invalid_batch_uids" InvalidRequest 400;
    InvalidContainers "invalid_containers" InvalidRequest 400;
    InvalidContentType "invalid_content_type" InvalidRequest 415;
    InvalidCredentials "invalid_credentials" Auth 401;
    InvalidCsrfToken "invalid_csrf_token" Auth 403;
    InvalidDocumentCsvDelimiter "invalid_document_csv_delimiter" InvalidRequest 400;
    InvalidDocumentFields "invalid_document_fields" InvalidRequest 400;
    InvalidDocumentFilter "invalid_document_filter" InvalidRequest 400;
    InvalidDocumentGeoField "invalid_document_geo_field" InvalidRequest 400;
    InvalidDocumentId "invalid_document_id" InvalidRequest 400;
    InvalidDocumentIds "invalid_document_ids" InvalidRequest 400;
    InvalidDocumentLimit "invalid_document_limit" InvalidRequest 400;
    InvalidDocumentOffset "invalid_document_offset" InvalidRequest 400;
    InvalidDocumentRetrieveVectors "invalid_document_retrieve_vectors" InvalidRequest 400;
    InvalidDocumentSort "invalid_document_sort" InvalidRequest 400;
    InvalidEmail "invalid_email" InvalidRequest 400;
    InvalidEvents "invalid_events" InvalidRequest 400;
    InvalidFacetSearchExhaustiveFacetCount "invalid_facet_search_exhaustive_facet_count" InvalidRequest 400;
    InvalidFacetSearchFacetName "invalid_facet_search_facet_name" InvalidRequest 400;
    InvalidFacetSearchFacetQuery "invalid_facet_search_facet_query" InvalidRequest 400;
    FacetSearchDisabled "facet_search_disabled" InvalidRequest 400;
    InvalidGeneration "invalid_generation" InvalidRequest 400;
    InvalidIdentityProvider "invalid_identity_provider" InvalidRequest 400;
    GenerationNotFound "generation_not_found" InvalidRequest 404;
    IdentityProviderNotFound "identity_provider_not_found" InvalidRequest 404;
    InvalidIndexFieldsFilter "invalid_index_fields_filter" InvalidRequest 400;
    InvalidIndexFieldsFilterAttributePatterns "invalid_index_fields_filter_attribute_patterns" InvalidRequest 400;
    InvalidIndexFieldsFilterDisplayed "invalid_index_fields_filter_displayed" InvalidRequest 400;
    InvalidIndexFieldsFilterDistinct "invalid_index_fields_filter_distinct" InvalidRequest 400;
    InvalidIndexFieldsFilterFilterable "invalid_index_fields_filter_filterable" InvalidRequest 400;
    InvalidIndexFieldsFilterRankingRule "invalid_index_fields_filter_ranking_rule" InvalidRequest 400;
    InvalidIndexFieldsFilterSearchable "invalid_index_fields_filter_searchable" InvalidRequest 400;
    InvalidIndexFieldsFilterSortable "invalid_index_fields_filter_sortable" InvalidRequest 400;
    InvalidIndexLimit "invalid_index_limit" InvalidRequest 400;
    InvalidIndexOffset "invalid_index_offset" InvalidRequest 400;
    InvalidIndexPrimaryKey "invalid_index_primary_key" InvalidRequest 400;
    InvalidIndexUid "invalid_index_uid" InvalidRequest 400;
    InvalidIndexCustomMetadata "invalid_index_custom_metadata" InvalidRequest 400;
    InvalidMember "invalid_member" InvalidRequest 400;
    InvalidMultiSearchDistinct "invalid_multi_search_distinct" InvalidRequest 400;
    InvalidMultiSearchFacetOrder "invalid_multi_search_facet_order" InvalidRequest 400;
    InvalidPassword "invalid_password" InvalidRequest 400;
    InvalidSession "invalid_session" Auth 401;
    InvalidSkipCreation "invalid_skip_creation" InvalidRequest 400;
    InvalidMultiSearchFacets "invalid_multi_search_facets" InvalidRequest 400;
    InvalidMultiSearchFacetsByIndex "invalid_multi_search_facets_by_index" InvalidRequest 400;
    InvalidMultiSearchFederation "invalid_multi_search_federation" InvalidRequest 400;
    InvalidMultiSearchFederationOptions "invalid_multi_search_federation_options" InvalidRequest 400;
    InvalidMultiSearchMaxValuesPerFacet "invalid_multi_search_max_values_per_facet" InvalidRequest 400;
    InvalidMultiSearchMergeFacets "invalid_multi_search_merge_facets" InvalidRequest 400;
    InvalidMultiSearchQueryFacets "invalid_multi_search_query_facets" InvalidRequest 400;
    InvalidMultiSearchQueryPagination "invalid_multi_search_query_pagination" InvalidRequest 400;
    InvalidMultiSearchQueryPosition "invalid_multi_search_query_position" InvalidRequest 400;
    InvalidMultiSearchQueryRankingRules "invalid_multi_search_query_ranking_rules" InvalidRequest 400;
    InvalidMultiSearchRemote "invalid_multi_search_remote" InvalidRequest 400;
    InvalidMultiSearchWeight "invalid_multi_search_weight" InvalidRequest 400;
    InvalidSearchAttributesToCrop "invalid_search_attributes_to_crop" InvalidRequest 400;
    InvalidSearchAttributesToHighlight "invalid_search_attributes_to_highlight" InvalidRequest 400;
    InvalidSearchAttributesToRetrieve "invalid_search_attributes_to_retrieve" InvalidRequest 400;
    InvalidSearchAttributesToSearchOn "invalid_search_attributes_to_search_on" InvalidRequest 400;
    InvalidSearchCropLength "invalid_search_crop_length" InvalidRequest 400;
    InvalidSearchCropMarker "invalid_search_crop_marker" InvalidRequest 400;
    InvalidSearchDistinct "invalid_search_distinct" InvalidRequest 400;
    InvalidSearchEmbedder "invalid_search_embedder" InvalidRequest 400;
    InvalidSearchFacets "invalid_search_facets" InvalidRequest 400;
    InvalidSearchFilter "invalid_search_filter" InvalidRequest 400;
    InvalidSearchHighlightPostTag "invalid_search_highlight_post_tag" InvalidRequest 400;
    InvalidSearchHighlightPreTag "invalid_search_highlight_pre_tag" InvalidRequest 400;
    InvalidSearchHitsPerPage "invalid_search_hits_per_page" InvalidRequest 400;
    InvalidSearchHybridQuery "invalid_search_hybrid_query" InvalidRequest 400;
    InvalidSearchLimit "invalid_search_limit" InvalidRequest 400;
    InvalidSearchLocales "invalid_search_locales" InvalidRequest 400;
    InvalidSearchMatchingStrategy "invalid_search_matching_strategy" InvalidRequest 400;
    InvalidSearchMedia "invalid_search_media" InvalidRequest 400;
    InvalidSearchOffset "invalid_search_offset" InvalidRequest 400;
    InvalidSearchPage "invalid_search_page" InvalidRequest 400;
    InvalidSearchPersonalize "invalid_search_personalize" InvalidRequest 400;
    InvalidSearchPersonalizeUserContext "invalid_search_personalize_user_context" InvalidRequest 400;
    InvalidSearchQ "invalid_search_q" InvalidRequest 400;
    InvalidSearchRankingScoreThreshold "invalid_search_ranking_score_threshold" InvalidRequest 400;
    InvalidSearchRetrieveVectors "invalid_search_retrieve_vectors" InvalidRequest 400;
    InvalidSearchSemanticRatio "invalid_search_semantic_ratio" InvalidRequest 400;
    InvalidSearchShowPerformanceDetails "invalid_search_show_performance_details" InvalidRequest 400;
    InvalidSearchShowMatchesPosition "invalid_search_show_matches_position" InvalidRequest 400;
    InvalidSearchShowRankingScore "invalid_search_show_ranking_score" InvalidRequest 400;
    InvalidSearchShowRankingScoreDetails "invalid_search_show_ranking_score_details" InvalidRequest 400;
    InvalidSearchSort "invalid_search_sort" InvalidRequest 400;
    InvalidSearchUseNetwork "invalid_search_use_network" InvalidRequest 400;
    InvalidSearchVector "invalid_search_vector" InvalidRequest 400;
    InvalidSettingsDictionary "invalid_settings_dictionary" InvalidRequest 400;
    InvalidSettingsDisplayedAttributes "invalid_settings_displayed_attributes" InvalidRequest 400;
    InvalidSettingsDistinctAttribute "invalid_settings_distinct_attribute" InvalidRequest 400;
    InvalidSettingsEmbedders "invalid_settings_embedders" InvalidRequest 400;
    InvalidSettingsFacetSearch "invalid_settings_facet_search" InvalidRequest 400;
    InvalidSettingsFaceting "invalid_settings_faceting" InvalidRequest 400;
    InvalidSettingsFilterableAttributes "invalid_settings_filterable_attributes" InvalidRequest 400;
    InvalidSettingsLocalizedAttributes "invalid_settings_localized_attributes" InvalidRequest 400;
    InvalidSettingsNonSeparatorTokens "invalid_settings_non_separator_tokens" InvalidRequest 400;
    InvalidSettingsPagination "invalid_settings_pagination" InvalidRequest 400;
    InvalidSettingsPrefixSearch "invalid_settings_prefix_search" InvalidRequest 400;
    InvalidSettingsProximityPrecision "invalid_settings_proximity_precision" InvalidRequest 400;
    InvalidSettingsRankingRules "invalid_settings_ranking_rules" InvalidRequest 400;
    InvalidSettingsSearchableAttributes "invalid_settings_searchable_attributes" InvalidRequest 400;
    InvalidSettingsSearchCutoffMs "invalid_settings_search_cutoff_ms" InvalidRequest 400;
    InvalidSettingsSeparatorTokens "invalid_settings_separator_tokens" InvalidRequest 400;
    InvalidSettingsSortableAttributes "invalid_settings_sortable_attributes" InvalidRequest 400;
    InvalidSettingsStopWords "invalid_settings_stop_words" InvalidRequest 400;
    InvalidSettingsSynonyms "invalid_settings_synonyms" InvalidRequest 400;
    InvalidSettingsTypoTolerance "invalid_settings_typo_tolerance" InvalidRequest 400;
    InvalidStatsShowInternalDatabaseSizes "invalid_stats_show_internal_database_sizes" InvalidRequest 400;
    InvalidStatsSizeFormat "invalid_stats_size_format" InvalidRequest 400;
    InvalidSwapDuplicateIndexFound "invalid_swap_duplicate_index_found" InvalidRequest 400;
    InvalidSwapIndexes "invalid_swap_indexes" InvalidRequest 400;
    InvalidSwapRename "invalid_swap_rename" InvalidRequest 400;
    InvalidTaskAfterEnqueuedAt "invalid_task_after_enqueued_at" InvalidRequest 400;
    InvalidTaskAfterFinishedAt "invalid_task_after_finished_at" InvalidRequest 400;
    InvalidTaskAfterStartedAt "invalid_task_after_started_at" InvalidRequest 400;
    InvalidTaskBeforeEnqueuedAt "invalid_task_before_enqueued_at" InvalidRequest 400;
    InvalidTaskBeforeFinishedAt "invalid_task_before_finished_at" InvalidRequest 400;
    InvalidTaskBeforeStartedAt "invalid_task_before_started_at" InvalidRequest 400;
    InvalidTaskCanceledBy "invalid_task_canceled_by" InvalidRequest 400;
    InvalidTaskFrom "invalid_task_from" InvalidRequest 400;
    InvalidTaskIndexUids "invalid_task_index_uids" InvalidRequest 400;
    InvalidTaskLimit "invalid_task_limit" InvalidRequest 400;
    InvalidTaskReverse "invalid_task_reverse" InvalidRequest 400;
    InvalidTaskStatuses "invalid_task_statuses" InvalidRequest 400;
    InvalidTaskTypes "invalid_task_types" InvalidRequest 400;
    InvalidTaskUids "invalid_task_uids" InvalidRequest 400;
    InvalidTenantName "invalid_tenant_name" InvalidRequest 400;
    InvalidUsage "invalid_usage" InvalidRequest 400;
    InvalidUsageAlert "invalid_usage_alert" InvalidRequest 400;
    InvalidWebhookHeaders "invalid_webhook_headers" InvalidRequest 400;
    InvalidWebhookUrl "invalid_webhook_url" InvalidRequest 400;
    InvalidWebhookUuid "invalid_webhook_uuid" InvalidRequest 400;
    InvalidWebhooks "invalid_webhooks" InvalidRequest 400;
    LastOwner "last_owner" InvalidRequest 409;
    MalformedPayload "malformed_payload" InvalidRequest 400;
    MaxFieldsLimitExceeded "max_fields_limit_exceeded" InvalidRequest 400;
    MissingAnalyzeText "missing_analyze_text" InvalidRequest 400;
    MissingApiKeyActions "missing_api_key_actions" InvalidRequest 400;
    MissingApiKeyExpiresAt "missing_api_key_expires_at" InvalidRequest 400;
    MissingApiKeyIndexes "missing_api_key_indexes" InvalidRequest 400;
    MissingAuthorizationHeader "missing_authorization_header" Auth 401;
    MissingContentType "missing_content_type" InvalidRequest 415;
    MissingDocumentFilter "missing_document_filter" InvalidRequest 400;
    MissingDocumentId "missing_document_id" InvalidRequest 400;
    MissingFacetSearchFacetName "missing_facet_search_facet_name" InvalidRequest 400;
    MissingIndexUid "missing_index_uid" InvalidRequest 400;
    MissingMasterKey "missing_master_key" Auth 401;
    MissingPayload "missing_payload" InvalidRequest 400;
    MissingSwapIndexes "missing_swap_indexes" InvalidRequest 400;
    MissingTaskFilters "missing_task_filters" InvalidRequest 400;
    NoSpaceLeftOnDevice "no_space_left_on_device" System 422;
    NotFound "not_found" InvalidRequest 404;
    MethodNotAllowed "method_not_allowed" InvalidRequest 405;
    PayloadTooLarge "payload_too_large" InvalidRequest 413;
    QuotaExceeded "quota_exceeded" InvalidRequest 403;
    RoleNotSufficient "role_not_sufficient" Auth 403;
    TenantSuspended "tenant_suspended" Auth 403;
    TooManyRequests "too_many_requests" System 429;
    TooManySearchRequests "too_many_search_requests" System 503;
    IndexWaking "index_waking" System 503;
    Unavailable "unavailable" System 503;
    RequestTimeout "request_timeout" System 504;
    TaskNotFound "task_not_found" InvalidRequest 404;
    UnretrievableDocument "unretrievable_document" Internal 400;
    UnretrievableErrorCode "unretrievable_error_code" InvalidRequest 400;
    UnsupportedMediaType "unsupported_media_type" InvalidRequest 415;
    WebhookNotFound "webhook_not_found" InvalidRequest 404;
}

impl Code {
    /// The code of this name, if it is one of ours.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }

    /// Where the code is explained.
    pub fn link(self) -> String {
        format!("https://docs.meilisearch.com/errors#{}", self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(Self::from_name(&name).unwrap_or(Self::UnretrievableErrorCode))
    }
}

/// An error as a caller of the public API sees it: what was wrong, with which part, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The code, which determines type and status.
    pub code: Code,
    /// One or two sentences for a person.
    pub message: String,
}

impl ApiError {
    /// An error of this code with a message for a person.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The one answer for an index that is absent, or that the caller may not know of.
    pub fn index_not_found(uid: &str) -> Self {
        Self::new(Code::IndexNotFound, format!("Index `{uid}` not found."))
    }

    /// The one answer for a feature of Meilisearch that Onggi does not have, or that is switched off: `doing` what needs `feature`.
    pub fn feature_not_enabled(doing: &str, feature: &str) -> Self {
        let message = format!("{doing} requires the `{feature}` feature, which this service does not offer.");
        Self::new(Code::FeatureNotEnabled, message)
    }

    /// A failure of the service; the cause is logged and not told.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "An internal error has occurred. The request id in `x-request-id` names it in the log.")
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code.as_str())
    }
}

impl std::error::Error for ApiError {}

/// The shape on the wire: `{message, code, type, link}`.
#[derive(Serialize, Deserialize)]
struct Wire {
    message: String,
    code: Code,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    link: String,
}

impl Serialize for ApiError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire { message: self.message.clone(), code: self.code, kind: self.code.error_type().as_str().to_owned(), link: self.code.link() }
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ApiError {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        Ok(Self { code: wire.code, message: wire.message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_on_the_wire_has_message_code_type_and_link_and_comes_back() {
        for code in Code::ALL {
            let error = ApiError::new(*code, "no");
            let json = serde_json::to_value(&error).unwrap();
            assert_eq!(json["code"], code.as_str());
            assert_eq!(json["type"], code.error_type().as_str());
            assert!(json["link"].as_str().unwrap().ends_with(code.as_str()));
            assert_eq!(serde_json::from_value::<ApiError>(json).unwrap(), error);
        }
    }
}
