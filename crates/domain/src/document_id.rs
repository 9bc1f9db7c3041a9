//! Where the id of a document is, and what makes a good one.
//!
//! There is one function that finds it, [`find`]. The uploader judges documents by it and the indexer stores them under what it finds: a document that the one
//! lets through and the other could not take would hold up the log of its index for ever.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use crate::limits::DOCUMENT_ID_CHARS;

/// What was found in a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// How many attributes the document itself has.
    pub attributes: usize,
    /// The id. Of several the one of the attribute that has just the name of the primary key, else the first.
    pub id: Option<Id>,
    /// In how many places there is one. Only one place is right.
    pub places: usize,
    /// Whether `id` is that of an attribute with just the name of the primary key.
    named: bool,
}

/// What stands where the id should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Id {
    /// An integer or a text that may be an id, as text.
    Good(String),
    /// Something else, as JSON.
    Bad(String),
}

impl Found {
    fn take(&mut self, id: Id, named: bool) {
        self.places += 1;
        if self.id.is_none() || (named && !self.named) {
            (self.id, self.named) = (Some(id), named);
        }
    }
}

/// Finds the id of a document. The dots of a primary key lead into objects: `a.b` is `b` of the object `a`, and as well the attribute `a.b`. `Other` is
/// how everything else is read.
pub fn find<'de, Other: Deserialize<'de>>(json: &'de str, primary_key: &str) -> serde_json::Result<Found> {
    let mut found = Found::default();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(Object::<Other> { path: primary_key, outermost: true, found: &mut found, other: PhantomData })?;
    deserializer.end()?;
    Ok(found)
}

/// The id of a document that has been read, if it has a good one.
pub fn of(document: &Map<String, Value>, primary_key: &str) -> Option<String> {
    let json = serde_json::to_string(document).ok()?;
    match find::<IgnoredAny>(&json, primary_key).ok()?.id? {
        Id::Good(id) => Some(id),
        Id::Bad(_) => None,
    }
}

/// What is left of a path behind a key: nothing where the key is all of it, `None` where it does not lead there.
fn behind<'p>(path: &'p str, key: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(key).filter(|_| !key.is_empty())?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

/// An object that may have the id at a path.
struct Object<'p, 'f, Other> {
    path: &'p str,
    /// Whether it is the document itself.
    outermost: bool,
    found: &'f mut Found,
    other: PhantomData<Other>,
}

impl<'de, Other: Deserialize<'de>> Visitor<'de> for Object<'_, '_, Other> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.outermost { "a document" } else { "a value" })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(rest) = map.next_key_seed(Key(self.path))? {
            self.found.attributes += usize::from(self.outermost);
            match rest {
                None => drop(map.next_value::<Other>()?),
                Some("") => self.found.take(map.next_value()?, self.outermost),
                Some(path) => map.next_value_seed(Inner(Object { path, outermost: false, found: &mut *self.found, other: self.other }))?,
            }
        }
        Ok(())
    }

    // An id is looked for in objects only: an element of an array is none.
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element::<Other>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A value on the way to the id.
struct Inner<'p, 'f, Other>(Object<'p, 'f, Other>);

impl<'de, Other: Deserialize<'de>> DeserializeSeed<'de> for Inner<'_, '_, Other> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self.0)
    }
}

/// Reads a key as what is left of the path behind it.
struct Key<'p>(&'p str);

impl<'de, 'p> DeserializeSeed<'de> for Key<'p> {
    type Value = Option<&'p str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<&'p str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for Key<'p> {
    type Value = Option<&'p str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<&'p str>, E> {
        Ok(behind(self.0, key))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        // `-0` is not an integer to whoever reads the document later.
        if raw != "-0" && (raw.parse::<i64>().is_ok() || raw.parse::<u64>().is_ok()) {
            return Ok(Self::Good(raw.to_owned()));
        }
        if raw.starts_with('"') {
            let text: Cow<'_, str> = serde_json::from_str(raw).map_err(D::Error::custom)?;
            let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if (1..=DOCUMENT_ID_CHARS).contains(&text.len()) && text.bytes().all(valid) {
                return Ok(Self::Good(text.into_owned()));
            }
        }
        Ok(Self::Bad(raw.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(document: &Value, primary_key: &str) -> (Option<Id>, usize) {
        let found = find::<IgnoredAny>(&document.to_string(), primary_key).unwrap();
        (found.id, found.places)
    }

    #[test]
    fn the_dots_of_a_primary_key_lead_into_objects_or_are_part_of_a_name() {
        let good = |id: &str| (Some(Id::Good(id.to_owned())), 1);
        for (document, primary_key) in [
            (json!({"a": 1, "id": 7}), "id"),
            (json!({"o": {"id": 7}, "id": 8}), "o.id"),
            (json!({"o.id": "7"}), "o.id"),
            (json!({"o": 3, "o.id": 7}), "o.id"),
            (json!({"o": {"p": {"id": 7}}}), "o.p.id"),
            (json!({"o.p": {"id": 7}}), "o.p.id"),
            (json!({"o": {"p.id": 7}, "o.p": [{"id": 8}]}), "o.p.id"),
        ] {
            assert_eq!(found(&document, primary_key), good("7"), "{document}");
            assert_eq!(of(document.as_object().unwrap(), primary_key).as_deref(), Some("7"));
        }
        for document in [json!({"o": [{"id": 7}]}), json!({"o": {"ids": 7}}), json!({"id": 7}), json!({"o": "id"}), json!({"oid": 7})] {
            assert_eq!(found(&document, "o.id"), (None, 0), "{document}");
        }
    }

    #[test]
    fn of_several_places_the_one_that_has_the_name_counts() {
        for document in [json!({"o": {"id": 1}, "o.id": 7}), json!({"o.id": 7, "o": {"id": null}})] {
            assert_eq!(found(&document, "o.id"), (Some(Id::Good("7".to_owned())), 2), "{document}");
        }
        assert_eq!(found(&json!({"o": {"p": {"id": 7}}, "o.p": {"id": 8}}), "o.p.id"), (Some(Id::Good("7".to_owned())), 2));
        let twice = find::<IgnoredAny>(r#"{"id": 7, "id": 8}"#, "id").unwrap();
        assert_eq!((twice.places, twice.attributes), (2, 2));
    }

    #[test]
    fn what_cannot_be_an_id_is_shown_as_it_is_written() {
        for bad in ["1.5", "-0", "null", "[7]", r#"{"id":7}"#, r#""a b""#, r#""""#, "18446744073709551616"] {
            let document = format!(r#"{{"o": {{"id": {bad}}}}}"#);
            assert_eq!(find::<IgnoredAny>(&document, "o.id").unwrap().id, Some(Id::Bad(bad.to_owned())));
        }
    }
}
