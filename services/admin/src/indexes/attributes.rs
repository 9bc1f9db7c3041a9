//! `POST /indexes/{uid}/fields`: each attribute that was seen, and what the settings make of it.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
};
use onggi_domain::{
    ApiError, Code,
    attribute::{covers, matches},
    index::Index,
    settings::{FacetOrder, FilterComparisons, FilterFeatures, FilterableAttribute, Settings},
};
use onggi_web::{Caller, Result};
use serde_json::{Value, json};

use crate::{
    app::Admin,
    fields::{Fields, given, wrong_type},
};

const LIMIT: u64 = 20;

pub(super) async fn list(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>, body: Body) -> Result<Json<Value>> {
    let fields = Fields::parse(&admin.body(body).await?, &["offset", "limit", "filter"])?;
    let offset = given(fields.number("offset", Code::InvalidIndexOffset)?).unwrap_or(0);
    let limit = given(fields.number("limit", Code::InvalidIndexLimit)?).unwrap_or(LIMIT);
    let filter = Filter::read(fields.get("filter"))?;
    let index = admin.index(&caller, &uid).await?;
    let matching: Vec<Value> = attributes(&index).into_iter().filter(|attribute| filter.matches(attribute)).collect();
    let total = matching.len();
    let results: Vec<Value> = matching.into_iter().skip(offset as usize).take(limit as usize).collect();
    Ok(Json(json!({"results": results, "offset": offset, "limit": limit, "total": total})))
}

/// In order of appearance.
fn attributes(index: &Index) -> Vec<Value> {
    let names = index.published.iter().flat_map(|published| published.fields.keys());
    names.map(|name| attribute(name, &index.settings)).collect()
}

fn attribute(name: &str, settings: &Settings) -> Value {
    let listed = |list: &[String]| list.iter().any(|listed| listed == "*" || covers(listed, name));
    let rule = settings.filterable_attributes.iter().find(|rule| rule.patterns().iter().any(|pattern| matches(pattern, name)));
    let features = match rule {
        None => None,
        Some(FilterableAttribute::Features(rule)) => Some(rule.features.clone()),
        // A plain name allows everything.
        Some(FilterableAttribute::Name(_)) => {
            Some(FilterFeatures { facet_search: true, filter: FilterComparisons { equality: true, comparison: true } })
        }
    };
    let features = features.as_ref();
    let order = settings.ranking_rules.iter().find_map(|rule| {
        let (attribute, order) = rule.rsplit_once(':')?;
        (attribute == name && ["asc", "desc"].contains(&order)).then_some(order)
    });
    let orders = &settings.faceting.sort_facet_values_by;
    let sort_by = orders.get(name).or_else(|| orders.get("*")).copied().unwrap_or(FacetOrder::Alpha);
    let locales: Vec<&String> = (settings.localized_attributes.iter().flatten())
        .filter(|rule| rule.attribute_patterns.iter().any(|pattern| matches(pattern, name)))
        .flat_map(|rule| &rule.locales)
        .collect();
    let mut ranking_rule = json!({"enabled": order.is_some()});
    if let Some(order) = order {
        ranking_rule["order"] = order.into();
    }
    json!({
        "name": name,
        "displayed": {"enabled": listed(&settings.displayed_attributes)},
        "searchable": {"enabled": listed(&settings.searchable_attributes)},
        "sortable": {"enabled": settings.sortable_attributes.iter().any(|listed| covers(listed, name))},
        "distinct": {"enabled": settings.distinct_attribute.as_deref() == Some(name)},
        "rankingRule": ranking_rule,
        "filterable": {
            "enabled": features.is_some(),
            "sortBy": sort_by,
            "facetSearch": features.is_some_and(|features| features.facet_search),
            "equality": features.is_some_and(|features| features.filter.equality),
            "comparison": features.is_some_and(|features| features.filter.comparison),
        },
        "localized": {"locales": locales},
    })
}

/// Which attributes are wanted: all that is named must hold.
#[derive(Default)]
struct Filter {
    patterns: Option<Vec<String>>,
    enabled: Vec<(&'static str, bool)>,
}

/// What an attribute can be asked for, with the code of a wrong answer.
const CAPABILITIES: [(&str, Code); 6] = [
    ("displayed", Code::InvalidIndexFieldsFilterDisplayed),
    ("searchable", Code::InvalidIndexFieldsFilterSearchable),
    ("sortable", Code::InvalidIndexFieldsFilterSortable),
    ("distinct", Code::InvalidIndexFieldsFilterDistinct),
    ("rankingRule", Code::InvalidIndexFieldsFilterRankingRule),
    ("filterable", Code::InvalidIndexFieldsFilterFilterable),
];

impl Filter {
    fn read(filter: Option<&Value>) -> Result<Self, ApiError> {
        let fields = match filter {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(Value::Object(fields)) => fields,
            Some(found) => return Err(wrong_type("filter", "an object", found, Code::InvalidIndexFieldsFilter)),
        };
        let mut read = Self::default();
        for (name, value) in fields {
            if value.is_null() {
                continue;
            }
            if name == "attributePatterns" {
                read.patterns = Some(serde_json::from_value(value.clone()).map_err(|_| {
                    let code = Code::InvalidIndexFieldsFilterAttributePatterns;
                    wrong_type("filter.attributePatterns", "an array of strings", value, code)
                })?);
            } else if let Some((name, code)) = CAPABILITIES.iter().find(|(known, _)| known == name) {
                let wanted = value.as_bool().ok_or_else(|| wrong_type(&format!("filter.{name}"), "a boolean", value, *code))?;
                read.enabled.push((name, wanted));
            } else {
                return Err(unknown(name));
            }
        }
        Ok(read)
    }

    fn matches(&self, attribute: &Value) -> bool {
        let name = attribute["name"].as_str().unwrap_or_default();
        let by_name = self.patterns.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| matches(pattern, name)));
        by_name && self.enabled.iter().all(|(capability, wanted)| attribute[capability]["enabled"] == *wanted)
    }
}

fn unknown(name: &str) -> ApiError {
    let known: Vec<&str> = std::iter::once("attributePatterns").chain(CAPABILITIES.iter().map(|(known, _)| *known)).collect();
    let error = onggi_web::query::unknown("field", name, &known);
    ApiError::new(Code::InvalidIndexFieldsFilter, error.message)
}
