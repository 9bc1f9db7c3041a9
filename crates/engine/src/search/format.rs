//! From a stored document to a hit: which attributes are shown, what is highlighted and cropped, and what is added.

use onggi_domain::settings::Settings;
use serde_json::{Map, Value, json, value::RawValue};

use super::{
    SearchRequest,
    clock::Clock,
    highlight::{Crop, Match, Matcher, render},
    names,
    run::Index,
};
use crate::state;

const FORMATTED: &str = "_formatted";
const POSITIONS: &str = "_matchesPosition";

/// Which attributes of a document are shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Shown {
    /// Every one of these lists has to cover an attribute; none: all are shown.
    lists: Vec<Vec<String>>,
}

impl Shown {
    /// Those that the settings display, and of them those that a request names.
    pub(super) fn new(settings: &Settings, named: Option<&[String]>) -> Self {
        let lists = [Some(settings.displayed_attributes.as_slice()), named];
        Self { lists: lists.into_iter().flatten().filter(|list| !list.iter().any(|name| name == "*")).map(<[String]>::to_vec).collect() }
    }

    fn all(&self) -> bool {
        self.lists.is_empty()
    }

    fn select(&self, document: Map<String, Value>) -> Map<String, Value> {
        self.lists.iter().fold(document, |document, list| select(document, list, ""))
    }
}

/// The fields that a list covers, whole or in part.
fn select(fields: Map<String, Value>, list: &[String], prefix: &str) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in fields {
        let path = format!("{prefix}{name}");
        if list.iter().any(|entry| state::covers(entry, &path)) {
            kept.insert(name, value);
        } else if list.iter().any(|entry| state::covers(&path, entry))
            && let Some(part) = select_inside(value, list, &format!("{path}."))
        {
            kept.insert(name, part);
        }
    }
    kept
}

fn select_inside(value: Value, list: &[String], prefix: &str) -> Option<Value> {
    match value {
        Value::Object(fields) => Some(select(fields, list, prefix)).filter(|kept| !kept.is_empty()).map(Value::Object),
        Value::Array(items) => {
            let kept: Vec<Value> = items.into_iter().filter_map(|item| select_inside(item, list, prefix)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

/// Makes hits of documents, for one request.
pub(super) struct Formatter<'a> {
    request: &'a SearchRequest,
    index: &'a Index<'a>,
    matcher: Option<Matcher<'a>>,
    clock: &'a Clock,
    displayed: Shown,
    shown: Shown,
    highlight: &'a [String],
    crop: Vec<(&'a str, usize)>,
    /// Whether hits have `_formatted`: there is something in the index to highlight or to crop.
    formats: bool,
}

impl<'a> Formatter<'a> {
    pub(super) fn new(request: &'a SearchRequest, index: &'a Index<'a>, matcher: Option<Matcher<'a>>, clock: &'a Clock) -> Self {
        let settings = &index.state.settings;
        let highlight = request.attributes_to_highlight.as_deref().unwrap_or_default();
        let crop: Vec<(&str, usize)> =
            request.attributes_to_crop.iter().flatten().map(|text| parse_crop(text, request.crop_length)).collect();
        let known = |name: &str| {
            let seen = |field: &String| state::covers(field, name) || state::matches(name, field);
            name == "*" || (index.state.fields.keys().any(seen) && names::is_displayed(name, settings))
        };
        let formats = highlight.iter().any(|name| known(name)) || crop.iter().any(|(name, _)| known(name));
        Self {
            request,
            index,
            matcher,
            clock,
            displayed: Shown::new(settings, None),
            shown: Shown::new(settings, request.attributes_to_retrieve.as_deref()),
            highlight,
            crop,
            formats,
        }
    }

    /// A document as it came, as a hit with these members added.
    pub(super) fn hit(&self, raw: &str, added: Map<String, Value>) -> serde_json::Result<Box<RawValue>> {
        if self.shown.all() && !self.formats && !self.request.show_matches_position {
            return if added.is_empty() { RawValue::from_string(raw.to_owned()) } else { RawValue::from_string(splice(raw, &added)?) };
        }
        let visible = self.displayed.select(serde_json::from_str(raw)?);
        // A document that is shown whole stays as it came, unless a member that is made here takes the place of one of its own.
        let made = |name: &str| name == FORMATTED || name == POSITIONS || added.contains_key(name);
        let whole = self.shown.all() && !visible.keys().any(|name| made(name));
        let shown = (!whole).then(|| self.shown.select(visible.clone()));
        let positions = self.request.show_matches_position.then(|| {
            let mut positions = Map::new();
            self.positions(&visible, "", &mut Vec::new(), &mut positions);
            positions
        });
        let mut more = Map::new();
        if self.formats {
            let formatted = self.formatted(visible);
            if !formatted.is_empty() {
                more.insert(FORMATTED.to_owned(), Value::Object(formatted));
            }
        }
        more.extend(positions.map(|positions| (POSITIONS.to_owned(), Value::Object(positions))));
        more.extend(added);
        match shown {
            None => RawValue::from_string(splice(raw, &more)?),
            Some(mut hit) => {
                hit.extend(more);
                serde_json::value::to_raw_value(&hit)
            }
        }
    }

    fn formatted(&self, visible: Map<String, Value>) -> Map<String, Value> {
        let mut named: Vec<String> = self.request.attributes_to_retrieve.clone().unwrap_or_else(|| vec!["*".to_owned()]);
        named.extend(self.highlight.iter().cloned());
        named.extend(self.crop.iter().map(|(name, _)| (*name).to_owned()));
        let fields = if named.iter().any(|name| name == "*") { visible } else { select(visible, &named, "") };
        fields
            .into_iter()
            .map(|(name, value)| {
                let value = self.format(value, &name);
                (name, value)
            })
            .collect()
    }

    fn format(&self, value: Value, path: &str) -> Value {
        match value {
            Value::String(text) => Value::String(self.format_text(text, path)),
            Value::Number(number) => Value::String(self.format_text(number.to_string(), path)),
            Value::Array(items) => items.into_iter().map(|item| self.format(item, path)).collect(),
            Value::Object(fields) => Value::Object(
                fields
                    .into_iter()
                    .map(|(name, value)| {
                        let value = self.format(value, &format!("{path}.{name}"));
                        (name, value)
                    })
                    .collect(),
            ),
            other => other,
        }
    }

    fn format_text(&self, text: String, path: &str) -> String {
        let highlights = self.highlight.iter().any(|name| state::matches(name, path));
        let whole = |(name, _): &&(&str, usize)| *name == path;
        let crop = self.crop.iter().find(whole).or_else(|| self.crop.iter().find(|(name, _)| state::matches(name, path)));
        if !highlights && crop.is_none() {
            return text;
        }
        let tags = highlights.then_some((self.request.highlight_pre_tag.as_str(), self.request.highlight_post_tag.as_str()));
        let crop = crop.map(|(_, words)| Crop { words: *words, marker: &self.request.crop_marker });
        render(&text, &self.matches(&text, path), tags, crop)
    }

    /// The matches in a text, as long as there is time to look for them.
    fn matches(&self, text: &str, path: &str) -> Vec<Match> {
        match &self.matcher {
            Some(matcher) if self.clock.check().is_ok() => matcher.find(text, self.index.analyzer.rule(path)),
            _ => Vec::new(),
        }
    }

    fn positions(&self, fields: &Map<String, Value>, prefix: &str, indices: &mut Vec<usize>, out: &mut Map<String, Value>) {
        for (name, value) in fields {
            self.positions_in(value, &format!("{prefix}{name}"), indices, out);
        }
    }

    /// `indices` say which elements of arrays were gone through on the way.
    fn positions_in(&self, value: &Value, path: &str, indices: &mut Vec<usize>, out: &mut Map<String, Value>) {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => &number.to_string(),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    indices.push(index);
                    self.positions_in(item, path, indices, out);
                    indices.pop();
                }
                return;
            }
            Value::Object(fields) => return self.positions(fields, &format!("{path}."), indices, out),
            Value::Null | Value::Bool(_) => return,
        };
        let found: Vec<Value> = self
            .matches(text, path)
            .into_iter()
            .map(|found| {
                let mut place = json!({"start": found.range.start, "length": found.range.len()});
                if !indices.is_empty() {
                    place["indices"] = json!(indices);
                }
                place
            })
            .collect();
        if !found.is_empty()
            && let Value::Array(list) = out.entry(path.to_owned()).or_insert_with(|| json!([]))
        {
            list.extend(found);
        }
    }
}

/// `name` or `name:words`. What follows the last colon and is no number is ignored, as in Meilisearch.
fn parse_crop(text: &str, default: usize) -> (&str, usize) {
    match text.rsplit_once(':') {
        None => (text, default),
        Some((name, length)) => (name, length.parse().unwrap_or(default)),
    }
}

/// Adds members to an object without reading it.
fn splice(raw: &str, added: &Map<String, Value>) -> serde_json::Result<String> {
    let body = raw.trim_end().strip_suffix('}').unwrap_or(raw).trim_end();
    let more = serde_json::to_string(added)?;
    let separator = if body.ends_with('{') { "" } else { "," };
    Ok(format!("{body}{separator}{}", &more[1..]))
}

/// A document with the attributes that are shown.
pub(super) fn project(raw: String, shown: &Shown) -> serde_json::Result<Box<RawValue>> {
    if shown.all() {
        return RawValue::from_string(raw);
    }
    serde_json::value::to_raw_value(&shown.select(serde_json::from_str(&raw)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(fields) => fields,
            other => panic!("{other}"),
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn attributes_are_selected_whole_or_in_part_in_their_order() {
        let document = object(json!({"z": 1, "a": {"b": 1, "c": {"d": 2}}, "list": [{"x": 1, "y": 2}, {"y": 3}, 4], "ab": 5}));
        for (list, expected) in [
            (vec!["ab", "z"], r#"{"z":1,"ab":5}"#),
            (vec!["a"], r#"{"a":{"b":1,"c":{"d":2}}}"#),
            (vec!["a.c.d", "nope"], r#"{"a":{"c":{"d":2}}}"#),
            (vec!["list.y"], r#"{"list":[{"y":2},{"y":3}]}"#),
            (vec![], "{}"),
        ] {
            assert_eq!(serde_json::to_string(&select(document.clone(), &names(&list), "")).unwrap(), expected);
        }
    }

    #[test]
    fn displayed_attributes_bound_what_can_be_asked_for() {
        let settings = Settings { displayed_attributes: names(&["a", "b"]), ..Settings::default() };
        let shown = Shown::new(&settings, Some(&names(&["b", "c"])));
        assert_eq!(shown.select(object(json!({"a": 1, "b": 2, "c": 3}))), object(json!({"b": 2})));
        assert!(Shown::new(&Settings::default(), None).all());
        assert!(Shown::new(&Settings::default(), Some(&names(&["x", "*"]))).all());
    }

    #[test]
    fn members_are_added_without_touching_the_rest() {
        let added = object(json!({"_rankingScore": 0.5}));
        assert_eq!(splice("{\"b\": 1.00,\"a\":2 } ", &added).unwrap(), "{\"b\": 1.00,\"a\":2,\"_rankingScore\":0.5}");
        assert_eq!(splice("{ }", &added).unwrap(), "{\"_rankingScore\":0.5}");
    }

    #[test]
    fn a_crop_length_may_follow_the_name() {
        for (text, expected) in [("a:5", ("a", 5)), ("*", ("*", 10)), ("a:b", ("a", 10)), ("a:b:3", ("a:b", 3))] {
            assert_eq!(parse_crop(text, 10), expected);
        }
    }
}
