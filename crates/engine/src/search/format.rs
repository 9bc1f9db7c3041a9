//! From a stored document to a hit: which attributes are shown, what is highlighted and cropped, and what is added.

use std::borrow::Cow;

use memchr::memmem;
use onggi_domain::{attribute, settings::Settings};
use serde_json::{Map, Value, json, value::RawValue};

use super::{
    HitJson, SearchRequest,
    clock::Clock,
    highlight::{Crop, Match, Matcher, render},
    members::{self, Members},
    names,
    run::Index,
};
const FORMATTED: &str = "_formatted";
const POSITIONS: &str = "_matchesPosition";
/// The vectors of a document, which are stored with it and never shown.
const VECTORS: &str = "_vectors";

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

    fn select(&self, mut document: Map<String, Value>) -> Map<String, Value> {
        document.shift_remove(VECTORS);
        self.lists.iter().fold(document, |document, list| select(document, list, ""))
    }
}

/// The fields that a list covers, whole or in part.
fn select(fields: Map<String, Value>, list: &[String], prefix: &str) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in fields {
        let path = format!("{prefix}{name}");
        if list.iter().any(|entry| attribute::covers(entry, &path)) {
            kept.insert(name, value);
        } else if list.iter().any(|entry| attribute::covers(&path, entry))
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
    marks: Marks,
    /// The same in JSON.
    escaped: Marks,
    /// Whether hits have `_formatted`: there is something in the index to highlight or to crop.
    formats: bool,
}

/// What becomes of a text that is highlighted, cropped, or both.
struct Style {
    highlights: bool,
    /// How many words are left.
    crop: Option<usize>,
}

/// What is put into texts.
struct Marks {
    pre_tag: String,
    post_tag: String,
    crop: String,
}

impl Marks {
    fn of(request: &SearchRequest) -> Self {
        let SearchRequest { highlight_pre_tag, highlight_post_tag, crop_marker, .. } = request;
        Self { pre_tag: highlight_pre_tag.clone(), post_tag: highlight_post_tag.clone(), crop: crop_marker.clone() }
    }

    /// As they stand in JSON strings.
    fn escaped(&self) -> Self {
        let inner = |text: &str| {
            let string = Value::from(text).to_string();
            string[1..string.len() - 1].to_owned()
        };
        Self { pre_tag: inner(&self.pre_tag), post_tag: inner(&self.post_tag), crop: inner(&self.crop) }
    }

    fn render(&self, style: &Style, text: &str, matches: &[Match], out: &mut String) {
        let tags = style.highlights.then_some((self.pre_tag.as_str(), self.post_tag.as_str()));
        let crop = style.crop.map(|words| Crop { words, marker: &self.crop });
        render(text, matches, tags, crop, out);
    }

    fn rendered(&self, style: &Style, text: &str, matches: &[Match]) -> String {
        let mut out = String::with_capacity(text.len() + 16);
        self.render(style, text, matches, &mut out);
        out
    }
}

impl<'a> Formatter<'a> {
    pub(super) fn new(request: &'a SearchRequest, index: &'a Index<'a>, matcher: Option<Matcher<'a>>, clock: &'a Clock) -> Self {
        let settings = &index.state.settings;
        let highlight = request.attributes_to_highlight.as_deref().unwrap_or_default();
        let crop: Vec<(&str, usize)> =
            request.attributes_to_crop.iter().flatten().map(|text| parse_crop(text, request.crop_length)).collect();
        let known = |name: &str| {
            let seen = |field: &String| attribute::covers(field, name) || attribute::matches(name, field);
            name == "*" || (index.state.fields.keys().any(seen) && names::is_displayed(name, settings))
        };
        let formats = highlight.iter().any(|name| known(name)) || crop.iter().any(|(name, _)| known(name));
        let marks = Marks::of(request);
        Self {
            request,
            index,
            matcher,
            clock,
            displayed: Shown::new(settings, None),
            shown: Shown::new(settings, request.attributes_to_retrieve.as_deref()),
            highlight,
            crop,
            escaped: marks.escaped(),
            marks,
            formats,
        }
    }

    /// A document as it came, as a hit with these members added.
    pub(super) fn hit(&self, raw: &str, added: Map<String, Value>) -> serde_json::Result<HitJson> {
        // A document that is shown whole stays as it came, unless a member of its own is hidden or makes room for one that is made here.
        let whole = self.shown.all() && !may_have(raw, |name| [FORMATTED, POSITIONS, VECTORS].contains(&name) || added.contains_key(name));
        if whole && !self.request.show_matches_position {
            return self.whole(raw, &added).map(HitJson);
        }
        let visible = self.displayed.select(serde_json::from_str(raw)?);
        let mut more = Map::new();
        if self.request.show_matches_position {
            let mut positions = Map::new();
            self.positions(&visible, "", &mut Vec::new(), &mut positions);
            more.insert(POSITIONS.to_owned(), Value::Object(positions));
        }
        more.extend(added);
        if whole {
            return self.whole(raw, &more).map(HitJson);
        }
        let mut hit = self.shown.select(visible.clone());
        if self.formats {
            let formatted = self.formatted(visible);
            if !formatted.is_empty() {
                hit.insert(FORMATTED.to_owned(), Value::Object(formatted));
            }
        }
        hit.extend(more);
        serde_json::to_string(&hit).map(HitJson)
    }

    /// A document with all that it has, and its formatted members beside it: what no match is in is copied, not read.
    fn whole(&self, raw: &str, added: &Map<String, Value>) -> serde_json::Result<String> {
        let mut hit = String::with_capacity(2 * raw.len() + 256);
        hit.push_str(open(raw));
        if self.formats {
            let mut before = ",\"_formatted\":{";
            for (name, value) in Members::of(raw) {
                hit.extend([before, name, ":"]);
                self.format_member(&members::text(name)?, value, &mut hit)?;
                before = ",";
            }
            if before == "," {
                hit.push('}');
            }
        }
        close(&mut hit, added)?;
        Ok(hit)
    }

    /// Appends a value as it stands in `_formatted`.
    fn format_member(&self, name: &str, raw: &str, out: &mut String) -> serde_json::Result<()> {
        match raw.as_bytes().first() {
            Some(b't' | b'f' | b'n') => out.push_str(raw),
            Some(b'"') => match self.style(name) {
                None => out.push_str(raw),
                Some(style) => {
                    let text = members::text(raw)?;
                    let matches = self.matches(&text, name);
                    match text {
                        _ if matches.is_empty() && style.crop.is_none() => out.push_str(raw),
                        // Nothing in the text needs to be escaped.
                        Cow::Borrowed(text) => {
                            out.push('"');
                            self.escaped.render(&style, text, &matches, out);
                            out.push('"');
                        }
                        Cow::Owned(text) => out.push_str(&serde_json::to_string(&self.marks.rendered(&style, &text, &matches))?),
                    }
                }
            },
            Some(b'[') => {
                out.push('[');
                for (number, element) in members::elements(raw).enumerate() {
                    if number > 0 {
                        out.push(',');
                    }
                    self.format_member(name, element, out)?;
                }
                out.push(']');
            }
            _ => out.push_str(&serde_json::to_string(&self.format(serde_json::from_str(raw)?, name))?),
        }
        Ok(())
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
        match self.style(path) {
            None => text,
            Some(style) => self.marks.rendered(&style, &text, &self.matches(&text, path)),
        }
    }

    /// How the matches in the texts of an attribute are shown, and what is left out, if it is highlighted or cropped.
    fn style(&self, path: &str) -> Option<Style> {
        let highlights = self.highlight.iter().any(|name| attribute::matches(name, path));
        let whole = |(name, _): &&(&str, usize)| *name == path;
        let crop = self.crop.iter().find(whole).or_else(|| self.crop.iter().find(|(name, _)| attribute::matches(name, path)));
        (highlights || crop.is_some()).then_some(Style { highlights, crop: crop.map(|(_, words)| *words) })
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

/// Whether an object may have a member with one of our names, which all begin with `_`: without, it has none.
fn may_have(raw: &str, ours: impl Fn(&str) -> bool) -> bool {
    memmem::find_iter(raw.as_bytes(), "\"_").any(|at| {
        let name = &raw[at + 1..];
        ours(&name[..name.find('"').unwrap_or(name.len())])
    })
}

/// An object without its closing brace.
fn open(raw: &str) -> &str {
    raw.trim_end().strip_suffix('}').unwrap_or(raw).trim_end()
}

/// Ends an object that is open with these members.
fn close(object: &mut String, added: &Map<String, Value>) -> serde_json::Result<()> {
    if added.is_empty() {
        object.push('}');
    } else {
        if !object.ends_with('{') {
            object.push(',');
        }
        object.push_str(&serde_json::to_string(added)?[1..]);
    }
    Ok(())
}

/// A document with the attributes that are shown.
pub(super) fn project(raw: String, shown: &Shown) -> serde_json::Result<Box<RawValue>> {
    if shown.all() && !may_have(&raw, |name| name == VECTORS) {
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
        let score = object(json!({"_rankingScore": 0.5}));
        for (raw, added, expected) in [
            ("{\"b\": 1.00,\"a\":2 } ", &score, "{\"b\": 1.00,\"a\":2,\"_rankingScore\":0.5}"),
            ("{ }", &score, "{\"_rankingScore\":0.5}"),
            ("{\"a\": 1 }", &Map::new(), "{\"a\": 1}"),
            ("{}", &Map::new(), "{}"),
        ] {
            let mut hit = open(raw).to_owned();
            close(&mut hit, added).unwrap();
            assert_eq!(hit, expected);
        }
    }

    #[test]
    fn a_member_is_not_mistaken_for_a_text_that_mentions_it() {
        let has = |raw: &str| may_have(raw, |name| name == FORMATTED);
        assert!(has(r#"{"a": "_", "_formatted": 1}"#));
        assert!(!has(r#"{"text": "see \"_formatted\" and _formatted", "a_formatted": 2, "_formatted_": "_"}"#));
    }

    #[test]
    fn a_crop_length_may_follow_the_name() {
        for (text, expected) in [("a:5", ("a", 5)), ("*", ("*", 10)), ("a:b", ("a", 10)), ("a:b:3", ("a:b", 3))] {
            assert_eq!(parse_crop(text, 10), expected);
        }
    }
}
