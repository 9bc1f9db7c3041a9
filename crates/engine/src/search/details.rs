//! `_rankingScoreDetails`: what each ranking rule says of a hit, in Meilisearch's shape. The final score is not made of these numbers (see
//! `weights`); they say how the words are matched.

use onggi_domain::settings::Settings;
use serde_json::{Map, Value, json};
use tantivy::SegmentReader;

use super::{
    collect::Hit,
    filter,
    plan::Plan,
    rerank::{self, Matches, Seen, Whole},
    sort::{KeyReader, KeySource, LocalValue, RankPlan, SortKey, SortValue},
};

/// Words after the beginning of an attribute at which their place counts half.
const PLACE: f32 = 8.0;

/// The details of a hit: of the rules that say something about text only where there is a query.
pub(super) fn of(
    settings: &Settings,
    segments: &[SegmentReader],
    plan: Option<&Plan>,
    order: &RankPlan,
    hit: &Hit,
) -> tantivy::Result<Map<String, Value>> {
    let text = plan.map(|plan| rerank::look(plan, segments, hit).map(|(seen, matches)| Text { plan, hit, seen, matches })).transpose()?;
    let keys: Vec<(&SortKey, &LocalValue)> = order.keys().zip(&hit.keys).collect();
    let mut keys = keys.into_iter();
    let custom = |rule: &str| rule.ends_with(":asc") || rule.ends_with(":desc");
    let mut later = settings.ranking_rules.iter().filter(|rule| custom(rule)).count();
    let mut details = Map::new();
    for rule in &settings.ranking_rules {
        // The keys are in the order of the rules; those of the custom rules that follow are not `sort`'s.
        let count = if custom(rule) {
            later -= 1;
            1
        } else if rule == "sort" {
            keys.len().saturating_sub(later)
        } else {
            0
        };
        for (key, value) in keys.by_ref().take(count) {
            let value = KeyReader::open(key, &segments[hit.segment as usize])?.resolve(*value)?;
            let (name, detail) = key_detail(key, &value, point(segments, hit)?, details.len());
            details.insert(name, detail);
        }
        if let Some(detail) = text.as_ref().and_then(|text| text.detail(rule, details.len())) {
            details.insert(rule.clone(), detail);
        }
    }
    Ok(details)
}

/// What is known of a hit's text.
struct Text<'a> {
    plan: &'a Plan,
    hit: &'a Hit,
    seen: Seen,
    matches: Matches,
}

impl Text<'_> {
    fn detail(&self, rule: &str, order: usize) -> Option<Value> {
        let (all, matched) = self.plan.words(self.hit.mask);
        Some(match rule {
            "words" => {
                json!({"order": order, "matchingWords": matched, "maxMatchingWords": all, "score": share(matched, all)})
            }
            "typo" => {
                let (typos, most) = (self.matches.typos.min(self.plan.most_typos()), self.plan.most_typos());
                json!({"order": order, "typoCount": typos, "maxTypoCount": most, "score": share((most + 1 - typos) as usize, most as usize + 1)})
            }
            "proximity" => json!({"order": order, "score": self.seen.proximity}),
            "attribute" => {
                let (rank, place) = (self.attribute_rank(), self.word_position());
                let score = rank - (1.0 - place) / self.slots();
                json!({"order": order, "attributeRankingOrderScore": rank, "queryWordDistanceScore": place, "score": score.max(0.0)})
            }
            "attributeRank" => json!({"order": order, "score": self.attribute_rank()}),
            "wordPosition" => json!({"order": order, "score": self.word_position()}),
            "exactness" => match self.seen.whole {
                Whole::Attribute => json!({"order": order, "matchType": "exactMatch", "score": 1.0}),
                Whole::Start => json!({"order": order, "matchType": "matchesStart", "score": share(2, 3)}),
                Whole::No => {
                    let exact = self.matches.exact.min(all);
                    let score = share(1 + exact, 3 + 3 * all);
                    json!({"order": order, "matchType": "noExactMatch", "matchingWords": exact, "maxMatchingWords": all, "score": score})
                }
            },
            _ => return None,
        })
    }

    /// 1 where all words are in the most important attribute.
    fn attribute_rank(&self) -> f32 {
        1.0 - self.matches.rank / self.slots()
    }

    /// 1 where all words are at the beginning of their attribute.
    fn word_position(&self) -> f32 {
        PLACE / (PLACE + self.matches.position)
    }

    fn slots(&self) -> f32 {
        self.plan.slots.len().max(1) as f32
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn key_detail(key: &SortKey, value: &SortValue, point: Option<(f64, f64)>, order: usize) -> (String, Value) {
    let direction = if key.descending { "desc" } else { "asc" };
    match &key.source {
        KeySource::Attribute(name) => {
            let value = match value {
                SortValue::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => json!(*number as i64),
                SortValue::Number(number) => json!(number),
                SortValue::Text(text) => json!(text),
                SortValue::Missing => Value::Null,
            };
            (format!("{name}:{direction}"), json!({"order": order, "value": value}))
        }
        KeySource::Point { lat, lng } => {
            let distance = point.map(|point| filter::distance((*lat, *lng), point));
            let value = point.map(|(lat, lng)| json!({"lat": lat, "lng": lng}));
            (format!("_geoPoint({lat}, {lng}):{direction}"), json!({"order": order, "value": value, "distance": distance}))
        }
    }
}

/// Where a document is.
fn point(segments: &[SegmentReader], hit: &Hit) -> tantivy::Result<Option<(f64, f64)>> {
    let segment = &segments[hit.segment as usize];
    let read = |name: &str| filter::numbers(segment, name).map(|column| column.and_then(|column| column.first(hit.doc)));
    Ok(read("_geo.lat")?.zip(read("_geo.lng")?))
}
