//! From the JSON of a document to what is indexed of it, in one pass and without building a tree.

use std::{fmt, sync::Arc};

use indexmap::IndexMap;
use onggi_domain::{
    ApiError, Code,
    document_id::{self, Id},
    settings::Settings,
};
use rustc_hash::FxHashMap;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::{
    Error, Result,
    analysis::{Analyzer, Rule, append_value, has_hangul},
    schema::{Presence, SLOT_COUNT},
    state::{EngineState, searches_all, slot_of_rank},
};

/// Paths whose resolution is remembered; documents whose keys are data would fill the memory otherwise.
const REMEMBERED_PATHS: usize = 10_000;

/// What is indexed of one document. Texts are in one string, so that a document is few allocations.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// The id as text.
    pub(crate) id: String,
    /// The text of each slot, in the tokenizer's format.
    pub(crate) slots: [String; SLOT_COUNT],
    /// Searchable values that have Hangul in them.
    pub(crate) hangul: Vec<String>,
    /// Values of column attributes.
    pub(crate) columns: Vec<(Arc<str>, ColumnValue)>,
    /// Terms of the presence field.
    pub(crate) presence: Vec<String>,
    /// The document's top-level attributes, as indexes into the attributes seen.
    pub(crate) fields: Vec<u32>,
    geo: [Option<f64>; 2],
    geo_refused: bool,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ColumnValue {
    /// A string or boolean.
    Text(String),
    /// A number.
    Number(f64),
}

/// Why a document is not indexed.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The task fails.
    Task(ApiError),
    /// The uploader should never have let it through.
    Damaged(String),
}

/// How one attribute (by flattened path) is indexed.
#[derive(Debug, Clone)]
struct Target {
    slot: Option<(u8, Rule)>,
    column: Option<Arc<str>>,
}

/// Knows how each attribute is indexed, and reads documents accordingly.
#[derive(Debug)]
pub(crate) struct DocumentReader {
    analyzer: Analyzer,
    /// Every top-level attribute seen, with the number of documents that have it.
    pub(crate) fields: IndexMap<String, u64>,
    pub(crate) engine: EngineState,
    all: bool,
    fields_limit: usize,
    targets: FxHashMap<String, Target>,
}

impl DocumentReader {
    pub(crate) fn new(
        settings: &Settings,
        analyzer: Analyzer,
        engine: EngineState,
        fields: IndexMap<String, u64>,
        fields_limit: usize,
    ) -> Self {
        Self { analyzer, fields, engine, all: searches_all(settings), fields_limit, targets: FxHashMap::default() }
    }

    /// How it analyses text.
    pub(crate) fn analyzer(&self) -> &Analyzer {
        &self.analyzer
    }

    /// Forgets attributes that were seen after there were this many.
    pub(crate) fn forget_fields_after(&mut self, fields: usize, attributes: usize) {
        self.fields.truncate(fields);
        self.engine.attributes.truncate(attributes);
        self.targets.clear();
    }

    /// Reads a document into `parsed`, whose buffers are reused.
    pub(crate) fn read(&mut self, json: &str, primary_key: &str, parsed: &mut Parsed) -> std::result::Result<(), Refusal> {
        parsed.clear();
        parsed.id = match document_id::find::<IgnoredAny>(json, primary_key).map(|found| found.id) {
            Ok(Some(Id::Good(id))) => id,
            Ok(_) => return Err(Refusal::Damaged(format!("no usable id in `{primary_key}`"))),
            Err(error) => return Err(Refusal::Damaged(error.to_string())),
        };
        let mut path = String::new();
        let mut too_many = false;
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let mut cursor = Cursor { reader: self, parsed, path: &mut path, too_many: &mut too_many };
        let outcome = deserializer.deserialize_map(TopLevel(&mut cursor)).and_then(|()| deserializer.end());
        if too_many {
            return Err(Refusal::Task(ApiError::new(
                Code::MaxFieldsLimitExceeded,
                format!("An index cannot have more than {} fields.", self.fields_limit),
            )));
        }
        outcome.map_err(|error| Refusal::Damaged(error.to_string()))?;
        self.finish_geo(parsed).map_err(Refusal::Task)
    }

    /// The point of a document must be whole once something filters or sorts by it.
    fn finish_geo(&self, parsed: &mut Parsed) -> std::result::Result<(), ApiError> {
        let [latitude, longitude] = parsed.geo;
        let seen = parsed.geo_refused || latitude.is_some() || longitude.is_some();
        if !seen || !self.engine.has_column("_geo") {
            return Ok(());
        }
        match (parsed.geo_refused, latitude, longitude) {
            (false, Some(latitude), Some(longitude)) if latitude.abs() <= 90.0 && longitude.is_finite() => {
                parsed.columns.push(("_geo.lat".into(), ColumnValue::Number(latitude)));
                parsed.columns.push(("_geo.lng".into(), ColumnValue::Number(longitude)));
                Ok(())
            }
            _ => Err(ApiError::new(
                Code::InvalidDocumentGeoField,
                format!(
                    "The `_geo` field in the document with the id: `{}` is not valid: it must be `null` or an object with the numbers `lat` \
                     (-90 to 90) and `lng`.",
                    parsed.id
                ),
            )),
        }
    }

    /// The index of a top-level attribute; a new one is added where there is room.
    fn field(&mut self, name: &str) -> Option<u32> {
        if let Some(index) = self.fields.get_index_of(name) {
            return Some(index as u32);
        }
        if self.fields.len() >= self.fields_limit {
            return None;
        }
        if self.all && !self.engine.attributes.iter().any(|attribute| attribute == name) {
            self.engine.attributes.push(name.to_owned());
        }
        Some(self.fields.insert_full(name.to_owned(), 0).0 as u32)
    }

    fn target(&mut self, path: &str) -> &Target {
        if self.targets.len() >= REMEMBERED_PATHS {
            self.targets.clear();
        }
        if !self.targets.contains_key(path) {
            let slot = self.engine.rank(path).map(|rank| (slot_of_rank(rank) as u8, self.analyzer.rule(path)));
            let column = self.engine.has_column(path).then(|| Arc::from(path));
            self.targets.insert(path.to_owned(), Target { slot, column });
        }
        &self.targets[path]
    }
}

impl Parsed {
    fn clear(&mut self) {
        self.slots.iter_mut().for_each(String::clear);
        self.hangul.clear();
        self.columns.clear();
        self.presence.clear();
        self.fields.clear();
        self.geo = [None; 2];
        self.geo_refused = false;
    }
}

/// The place in a document that is being read.
struct Cursor<'r> {
    reader: &'r mut DocumentReader,
    parsed: &'r mut Parsed,
    path: &'r mut String,
    too_many: &'r mut bool,
}

impl Cursor<'_> {
    fn text(&mut self, text: &str) {
        if let Some(axis) = self.geo_axis() {
            return self.geo(axis, text.trim().parse().ok());
        }
        let target = self.reader.target(self.path);
        if let Some((slot, rule)) = target.slot
            && !text.is_empty()
        {
            append_value(&mut self.parsed.slots[usize::from(slot)], text, rule);
            if has_hangul(text) {
                self.parsed.hangul.push(text.to_owned());
            }
        }
        if let Some(column) = &target.column
            && !text.is_empty()
        {
            self.parsed.columns.push((Arc::clone(column), ColumnValue::Text(text.to_owned())));
        }
    }

    fn number(&mut self, value: f64, text: fmt::Arguments<'_>) {
        use fmt::Write as _;
        if let Some(axis) = self.geo_axis() {
            return self.geo(axis, Some(value));
        }
        let target = self.reader.target(self.path);
        if let Some((slot, rule)) = target.slot {
            let slot = &mut self.parsed.slots[usize::from(slot)];
            append_value(slot, "", rule);
            let _ = slot.write_fmt(text);
        }
        if let Some(column) = &target.column {
            self.parsed.columns.push((Arc::clone(column), ColumnValue::Number(value)));
        }
    }

    fn geo_axis(&self) -> Option<usize> {
        match self.path.strip_prefix("_geo.")? {
            "lat" => Some(0),
            "lng" => Some(1),
            _ => None,
        }
    }

    fn geo(&mut self, axis: usize, value: Option<f64>) {
        self.parsed.geo[axis] = value;
        self.parsed.geo_refused |= value.is_none();
    }

    fn note(&mut self, presence: Presence) {
        if self.reader.target(self.path).column.is_some() {
            self.parsed.presence.push(format!("{}{}", presence.tag(), self.path));
        }
    }
}

/// The document itself.
struct TopLevel<'c, 'r>(&'c mut Cursor<'r>);

impl<'de> Visitor<'de> for TopLevel<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let cursor = self.0;
        while map.next_key_seed(Key(cursor.path))?.is_some() {
            let Some(field) = cursor.reader.field(cursor.path) else {
                *cursor.too_many = true;
                return Err(A::Error::custom("too many fields"));
            };
            cursor.parsed.fields.push(field);
            map.next_value_seed(Attribute { cursor: &mut *cursor, whole: true })?;
            cursor.path.clear();
        }
        Ok(())
    }
}

/// Appends an object's key to the path.
struct Key<'p>(&'p mut String);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> std::result::Result<(), E> {
        self.0.push_str(key);
        Ok(())
    }
}

/// The value at the cursor's path; `whole` unless it is an element of an array there.
struct Attribute<'c, 'r> {
    cursor: &'c mut Cursor<'r>,
    whole: bool,
}

impl Attribute<'_, '_> {
    fn exists(&mut self) {
        if self.whole {
            self.cursor.note(Presence::Exists);
        }
    }

    fn empty(&mut self) {
        if self.whole {
            self.cursor.note(Presence::Empty);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Attribute<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Attribute<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(mut self) -> std::result::Result<(), E> {
        self.exists();
        if self.whole {
            self.cursor.note(Presence::Null);
        }
        Ok(())
    }

    fn visit_bool<E>(mut self, value: bool) -> std::result::Result<(), E> {
        self.exists();
        self.cursor.text(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E>(mut self, value: i64) -> std::result::Result<(), E> {
        self.exists();
        self.cursor.number(value as f64, format_args!("{value}"));
        Ok(())
    }

    fn visit_u64<E>(mut self, value: u64) -> std::result::Result<(), E> {
        self.exists();
        self.cursor.number(value as f64, format_args!("{value}"));
        Ok(())
    }

    fn visit_f64<E>(mut self, value: f64) -> std::result::Result<(), E> {
        self.exists();
        self.cursor.number(value, format_args!("{value}"));
        Ok(())
    }

    fn visit_str<E>(mut self, value: &str) -> std::result::Result<(), E> {
        self.exists();
        if value.is_empty() {
            self.empty();
        }
        self.cursor.text(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> std::result::Result<(), A::Error> {
        self.exists();
        let mut count = 0_usize;
        while elements.next_element_seed(Attribute { cursor: &mut *self.cursor, whole: false })?.is_some() {
            count += 1;
        }
        if count == 0 {
            self.empty();
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> std::result::Result<(), A::Error> {
        self.exists();
        let length = self.cursor.path.len();
        self.cursor.path.push('.');
        let mut count = 0_usize;
        while map.next_key_seed(Key(self.cursor.path))?.is_some() {
            map.next_value_seed(Attribute { cursor: &mut *self.cursor, whole: true })?;
            self.cursor.path.truncate(length + 1);
            count += 1;
        }
        self.cursor.path.truncate(length);
        if count == 0 {
            self.empty();
        }
        Ok(())
    }
}

/// The top-level attributes of a stored document, as indexes into the attributes seen.
pub(crate) fn fields_of(json: &[u8], fields: &IndexMap<String, u64>) -> Result<Vec<u32>> {
    let damaged = |why: String| Error::Damaged { what: "a stored document".to_owned(), why };
    let map: IndexMap<String, IgnoredAny> = serde_json::from_slice(json).map_err(|error| damaged(error.to_string()))?;
    map.keys()
        .map(|name| {
            fields.get_index_of(name).map(|index| index as u32).ok_or_else(|| damaged(format!("its attribute `{name}` is not known")))
        })
        .collect()
}

/// A document whose top-level attributes are those of `old`, replaced and extended by those of `new`.
pub(crate) fn merge(old: &[u8], new: &[u8]) -> Result<String> {
    type Object<'a> = IndexMap<String, &'a serde_json::value::RawValue>;
    let damaged = |error: serde_json::Error| Error::Damaged { what: "a document to merge".to_owned(), why: error.to_string() };
    let mut merged: Object<'_> = serde_json::from_slice(old).map_err(damaged)?;
    let new: Object<'_> = serde_json::from_slice(new).map_err(damaged)?;
    merged.extend(new);
    serde_json::to_string(&merged).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reader(settings: &serde_json::Value) -> DocumentReader {
        let mut all = Settings::default();
        all.apply(&serde_json::from_value(settings.clone()).unwrap());
        let analyzer = Analyzer::new(&all, None);
        let engine = EngineState::new(&all, &analyzer);
        DocumentReader::new(&all, analyzer, engine, IndexMap::new(), 10)
    }

    fn read(settings: &serde_json::Value, document: &serde_json::Value) -> Parsed {
        let mut parsed = Parsed::default();
        reader(settings).read(&document.to_string(), "id", &mut parsed).unwrap();
        parsed
    }

    #[test]
    fn objects_are_flattened_and_arrays_have_several_values() {
        let document = json!({"id": 7, "a": {"b": [{"c": "X"}, {"c": 1.5}], "d": true}, "e": ["p", ["q"], null]});
        let parsed = read(&json!({"filterableAttributes": ["a", "e"]}), &document);
        let columns: Vec<(&str, ColumnValue)> = parsed.columns.iter().map(|(name, value)| (&**name, value.clone())).collect();
        let text = |text: &str| ColumnValue::Text(text.to_owned());
        let expected =
            [("a.b.c", text("X")), ("a.b.c", ColumnValue::Number(1.5)), ("a.d", text("true")), ("e", text("p")), ("e", text("q"))];
        assert_eq!(columns, expected);
        assert_eq!(parsed.id, "7");
        assert_eq!(parsed.slots[0], "\u{1e}07");
        assert_eq!(parsed.slots[1], "\u{1e}0X\u{1e}01.5\u{1e}0true");
    }

    #[test]
    fn presence_tells_null_from_empty() {
        let document = json!({"id": "x", "n": null, "s": "", "l": [], "o": {}, "v": [null]});
        let parsed = read(&json!({"filterableAttributes": ["*"]}), &document);
        assert_eq!(parsed.presence, ["+id", "+n", "nn", "+s", "es", "+l", "el", "+o", "eo", "+v"]);
    }

    #[test]
    fn only_named_attributes_are_searched_in_their_order() {
        let document = json!({"id": 1, "body": "b", "title": "t", "other": "검색"});
        let parsed = read(&json!({"searchableAttributes": ["title", "body"]}), &document);
        assert_eq!(parsed.slots[..3], ["\u{1e}0t", "\u{1e}0b", ""]);
        assert!(parsed.hangul.is_empty());
        assert_eq!(read(&json!({}), &document).hangul, ["검색"]);
    }

    #[test]
    fn a_point_must_be_whole_where_it_is_used() {
        let geo = json!({"sortableAttributes": ["_geo"]});
        let parsed = read(&geo, &json!({"id": 1, "_geo": {"lat": "48.5", "lng": 2}}));
        assert_eq!(parsed.columns.len(), 2);
        let broken = json!({"id": 1, "_geo": {"lat": "north", "lng": 2}}).to_string();
        assert!(
            matches!(reader(&geo).read(&broken, "id", &mut Parsed::default()), Err(Refusal::Task(error)) if error.code == Code::InvalidDocumentGeoField)
        );
        assert!(reader(&json!({})).read(&broken, "id", &mut Parsed::default()).is_ok());
        for (point, columns) in [
            (json!({"lat": 91, "lng": 2}), None),
            (json!({"lat": 1}), None),
            (json!({"lat": 1, "lng": 200}), Some(2)),
            (json!({"lat": 1, "lng": 2, "alt": 3}), Some(3)),
            (json!([1, 2]), Some(2)),
            (json!("1,2"), Some(1)),
            (json!({}), Some(0)),
            (json!(null), Some(0)),
        ] {
            let mut parsed = Parsed::default();
            let document = json!({"id": 1, "_geo": point}).to_string();
            let taken = reader(&geo).read(&document, "id", &mut parsed).is_ok();
            let points = parsed.columns.iter().filter(|(name, _)| &**name == "_geo.lat").count();
            assert_eq!(taken.then_some(parsed.columns.len()), columns, "{document}: {:?}", parsed.columns);
            assert_eq!(points, usize::from(columns.is_some() && point["lng"].is_number()), "{document}");
        }
    }

    #[test]
    fn too_many_fields_fail_the_task() {
        let document: serde_json::Map<String, serde_json::Value> = (0..11).map(|n| (format!("f{n}"), n.into())).collect();
        let refused = reader(&json!({})).read(&serde_json::Value::from(document).to_string(), "f0", &mut Parsed::default());
        assert!(matches!(refused, Err(Refusal::Task(error)) if error.code == Code::MaxFieldsLimitExceeded));
    }

    #[test]
    fn merging_replaces_top_level_attributes_in_place() {
        let merged = merge(br#"{"id":1,"a":{"x":1},"b":2.50}"#, br#"{"id":1,"a":{"y":1},"c":null}"#).unwrap();
        assert_eq!(merged, r#"{"id":1,"a":{"y":1},"b":2.50,"c":null}"#);
    }
}
