//! The Tantivy schema, which is the same for every index and never changes while attributes come and go.
//!
//! | field | kind | holds |
//! | --- | --- | --- |
//! | `id` | text, raw, fast | the document's id as text |
//! | `_ord` | u64, fast | insertion order; a replaced document keeps its own |
//! | `doc` | bytes, stored | the document's JSON as it came |
//! | `f` | JSON, indexed, fast | values of the *column attributes* (filterable, sortable, distinct, custom ranking rules), see below |
//! | `p` | text, raw | which column attributes are there: [`presence_term`] |
//! | `t0`..`t7` | text, positions, norms | words of the searchable attributes: slot `i` is the attribute of rank `i`, the last is shared by the rest |
//! | `hb` | text, frequencies, norms | bigrams of the Hangul words of all searchable attributes; empty without Hangul |
//! | `hc` | text | leading consonants (초성) of each Hangul word (`검색` -> `ㄱㅅ`), for prefixes |
//!
//! **Values in `f`.** An attribute is named by its flattened path (`a.b`), as Meilisearch sees documents: objects are descended into,
//! arrays become several values, `null` and empty containers become none (`p` knows them).
//! - Numbers are `f64`, whatever they were: `1` equals `1.0`. Term: [`number_term`]. Column: always `f64`.
//! - Strings and booleans (`"true"`, `"false"`: Meilisearch keeps them as strings) are text. The *inverted index* holds
//!   [`normalize_value`]`(value)`, so that equality ignores case; term: [`string_term`]. The *column* holds [`column_value`]: the
//!   normalised form, followed by `\0` and the original where that differs. Ordinals are therefore in normalised order (what `sort` and
//!   comparisons want), and values that differ by case only are neighbours (what facet counts want).
//! - `_geo` is two numbers, `_geo.lat` and `_geo.lng`.
//!
//! **Words in `t*`.** The word at word position `p` of a slot's text is indexed by its stem, at the odd or even Tantivy position that says
//! whether the word is written just so:
//! - stem == word: one term `word` at position `2p`;
//! - otherwise: term [`EXACT_MARK`]` + word` at `2p`, and term `stem` at `2p + 1`; another stem that it may have is there, too.
//!
//! A Hangul word of several morphemes is besides a term of its own, [`WRITTEN_MARK`]` + word` at the place of its first one: what a dictionary makes of a word
//! depends on what is around it, and what is typed of a word is no word of any dictionary.
//!
//! So BM25 over stems reads one term a query word; an exact occurrence of a word is its [`exact_term`](crate::analysis::Word::exact_term) at an
//! even position; an exact phrase is a phrase of exact terms with offsets 0, 2, 4, ... and slop 0; prefixes and typos are expanded in both
//! ranges of the dictionary (with and without the mark). Values of one attribute, and attributes in the shared slot, are
//! [`VALUE_GAP`] word positions apart.

use tantivy::{
    Term,
    columnar::NumericalValue,
    schema::{
        BytesOptions, FAST, Field, IndexRecordOption, JsonObjectOptions, NumericOptions, STORED, Schema, TextFieldIndexing, TextOptions,
    },
};
use unicode_normalization::UnicodeNormalization;

/// Number of text slots.
pub const SLOT_COUNT: usize = 8;

/// `id`.
pub const ID: Field = Field::from_field_id(0);
/// `_ord`.
pub const ORD: Field = Field::from_field_id(1);
/// `doc`.
pub const DOC: Field = Field::from_field_id(2);
/// `f`.
pub const COLUMNS: Field = Field::from_field_id(3);
/// `p`.
pub const PRESENCE: Field = Field::from_field_id(4);
/// `t0` to `t7`.
pub const SLOTS: [Field; SLOT_COUNT] = [
    Field::from_field_id(5),
    Field::from_field_id(6),
    Field::from_field_id(7),
    Field::from_field_id(8),
    Field::from_field_id(9),
    Field::from_field_id(10),
    Field::from_field_id(11),
    Field::from_field_id(12),
];
/// `hb`.
pub const BIGRAMS: Field = Field::from_field_id(13);
/// `hc`.
pub const INITIALS: Field = Field::from_field_id(14);

/// Fast field of the document's id.
pub const ID_COLUMN: &str = "id";
/// Fast field of the insertion order.
pub const ORD_COLUMN: &str = "_ord";

/// Begins a term that is a word as written, where its stem is another term.
pub const EXACT_MARK: char = '\u{1}';
/// Begins the term of a Hangul word as it is written, particles and endings included.
pub const WRITTEN_MARK: char = '\u{2}';
/// Word positions between two values.
pub const VALUE_GAP: u32 = 8;
/// Values longer than this are cut, at a character, in `f`.
pub const MAX_VALUE_BYTES: usize = 468;

/// Name of the tokenizer of the text slots; not a tokenizer for queries, see [`crate::analysis`].
pub(crate) const SLOT_TOKENIZER: &str = "slot";
/// Name of the tokenizer of `hb`.
pub(crate) const BIGRAM_TOKENIZER: &str = "hangul_bigrams";
/// Name of the tokenizer of `hc`.
pub(crate) const INITIALS_TOKENIZER: &str = "hangul_initials";
/// Name of the tokenizer of the inverted side of `f`.
pub(crate) const VALUE_TOKENIZER: &str = "value";
/// Name of the tokenizer of the columns of `f`.
pub(crate) const COLUMN_TOKENIZER: &str = "column_value";

/// The schema.
pub fn schema() -> Schema {
    let raw = |tokenizer: &str| TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(IndexRecordOption::Basic);
    let text = |tokenizer: &str, option: IndexRecordOption| TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(option);
    let mut builder = Schema::builder();
    builder.add_text_field("id", TextOptions::default().set_indexing_options(raw("raw").set_fieldnorms(false)).set_fast("raw"));
    builder.add_u64_field("_ord", NumericOptions::from(FAST));
    builder.add_bytes_field("doc", BytesOptions::from(STORED));
    builder.add_json_field(
        "f",
        JsonObjectOptions::default().set_indexing_options(raw(VALUE_TOKENIZER)).set_fast(COLUMN_TOKENIZER).set_expand_dots_enabled(),
    );
    builder.add_text_field("p", TextOptions::default().set_indexing_options(raw("raw").set_fieldnorms(false)));
    for slot in 0..SLOT_COUNT {
        let words = text(SLOT_TOKENIZER, IndexRecordOption::WithFreqsAndPositions);
        builder.add_text_field(&format!("t{slot}"), TextOptions::default().set_indexing_options(words));
    }
    builder.add_text_field("hb", TextOptions::default().set_indexing_options(text(BIGRAM_TOKENIZER, IndexRecordOption::WithFreqs)));
    builder.add_text_field("hc", TextOptions::default().set_indexing_options(raw(INITIALS_TOKENIZER).set_fieldnorms(false)));
    builder.build()
}

/// What `p` says about an attribute of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is there, whatever its value.
    Exists,
    /// It is `null`.
    Null,
    /// It is `""`, `[]` or `{}`.
    Empty,
}

impl Presence {
    /// The letter before the attribute's name in the term.
    pub(crate) fn tag(self) -> char {
        match self {
            Self::Exists => '+',
            Self::Null => 'n',
            Self::Empty => 'e',
        }
    }
}

/// The term of `p` for documents whose attribute (flattened path; also of an object that is descended into) is so.
pub fn presence_term(attribute: &str, presence: Presence) -> Term {
    Term::from_field_text(PRESENCE, &format!("{}{attribute}", presence.tag()))
}

/// The name under which `SegmentReader::fast_fields()` knows an attribute's columns (`str`, `dynamic_column_handles`, `column_opt::<f64>`).
pub fn column_name(attribute: &str) -> String {
    format!("f.{attribute}")
}

/// The term of `f` for documents whose attribute has this string or boolean (`true`, `false`) among its values.
pub fn string_term(attribute: &str, value: &str) -> Term {
    let mut term = Term::from_field_json_path(COLUMNS, attribute, true);
    term.append_type_and_str(&normalize_value(value));
    term
}

/// The term of `f` for documents whose attribute has this number among its values.
pub fn number_term(attribute: &str, value: f64) -> Term {
    let mut term = Term::from_field_json_path(COLUMNS, attribute, true);
    match NumericalValue::F64(value).normalize() {
        NumericalValue::I64(value) => term.append_type_and_fast_value(value),
        NumericalValue::U64(value) => term.append_type_and_fast_value(value),
        NumericalValue::F64(value) => term.append_type_and_fast_value(value),
    }
    term
}

/// A string value as it is compared: trimmed, compatibility-decomposed (NFKD), lowercase, of at most [`MAX_VALUE_BYTES`].
pub fn normalize_value(value: &str) -> String {
    let value = value.trim();
    let mut normalized =
        if value.is_ascii() { value.to_ascii_lowercase() } else { value.nfkd().flat_map(char::to_lowercase).collect::<String>() };
    if normalized.contains('\0') {
        normalized = normalized.replace('\0', " ");
    }
    normalized.truncate(floor_boundary(&normalized));
    normalized
}

/// A string value as it stands in a column: its normalised form, then `\0` and the original if that differs.
pub fn column_value(value: &str) -> String {
    let mut text = normalize_value(value);
    let original = &value[..floor_boundary(value)];
    if text != original {
        text.push('\0');
        text.push_str(original);
    }
    text
}

/// The normalised and the original form in a column's value.
pub fn split_column_value(value: &str) -> (&str, &str) {
    value.split_once('\0').unwrap_or((value, value))
}

fn floor_boundary(text: &str) -> usize {
    text.floor_char_boundary(MAX_VALUE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_the_fields_of_the_schema() {
        let schema = schema();
        for (name, field) in [
            ("id", ID),
            ("_ord", ORD),
            ("doc", DOC),
            ("f", COLUMNS),
            ("p", PRESENCE),
            ("t0", SLOTS[0]),
            ("t7", SLOTS[7]),
            ("hb", BIGRAMS),
            ("hc", INITIALS),
        ] {
            assert_eq!(schema.get_field(name).unwrap(), field, "{name}");
        }
    }

    #[test]
    fn column_values_sort_without_case_and_keep_the_original() {
        let mut values = ["b", "A", "B", "a", "É"].map(column_value);
        values.sort();
        let originals: Vec<&str> = values.iter().map(|value| split_column_value(value).1).collect();
        assert_eq!(originals, ["a", "A", "b", "B", "É"]);
        assert_eq!(split_column_value(&column_value(" Sci-Fi ")), ("sci-fi", " Sci-Fi "));
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        let value = "é".repeat(400);
        assert!(normalize_value(&value).len() <= MAX_VALUE_BYTES);
        assert_eq!(split_column_value(&column_value(&value)).1, "é".repeat(234));
    }
}
