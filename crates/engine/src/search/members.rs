//! The members of a stored document, unread. A document was checked when it came: here its JSON is known to be right, and is only cut.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The members of an object in their order: the name and the value of each, just as they stand in it.
pub(super) struct Members<'a> {
    object: &'a str,
    at: usize,
}

impl<'a> Members<'a> {
    pub(super) fn of(object: &'a str) -> Self {
        Self { object, at: 0 }
    }
}

impl<'a> Iterator for Members<'a> {
    /// The name in its quotes, the value.
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.object.as_bytes();
        let name = self.at + memchr(b'"', bytes.get(self.at..)?)?;
        let name_end = string_end(bytes, name)?;
        let value = name_end + bytes[name_end..].iter().position(|byte| *byte != b':' && !byte.is_ascii_whitespace())?;
        let value_end = value_end(bytes, value)?;
        self.at = value_end;
        Some((self.object.get(name..name_end)?, self.object.get(value..value_end)?))
    }
}

/// The elements of an array in their order, just as they stand in it.
pub(super) fn elements(array: &str) -> impl Iterator<Item = &str> {
    let bytes = array.as_bytes();
    let mut at = 1;
    std::iter::from_fn(move || {
        let start = at + bytes.get(at..)?.iter().position(|byte| *byte != b',' && !byte.is_ascii_whitespace())?;
        if bytes[start] == b']' {
            return None;
        }
        at = value_end(bytes, start)?;
        array.get(start..at)
    })
}

/// What a JSON string says; borrowed where nothing in it is escaped.
pub(super) fn text(string: &str) -> serde_json::Result<Cow<'_, str>> {
    let inner = string.get(1..string.len() - 1).filter(|inner| memchr(b'\\', inner.as_bytes()).is_none());
    inner.map_or_else(|| serde_json::from_str(string).map(Cow::Owned), |inner| Ok(Cow::Borrowed(inner)))
}

/// Behind the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Behind the value that begins at `start`.
fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0;
    let mut at = start;
    loop {
        match bytes.get(at)? {
            b'"' => at = string_end(bytes, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
                continue;
            }
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            _ => at += bytes[at..].iter().position(|byte| b",:]} \t\n\r".contains(byte))?,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn read(object: &str) -> Map<String, Value> {
        let read = |(name, value)| (text(name).unwrap().into_owned(), serde_json::from_str(value).unwrap());
        Members::of(object).map(read).collect()
    }

    #[test]
    fn members_stand_as_they_came() {
        let object = "{ \"a\\\"\" :  -1.50e3 ,\"\":{\"x\" : [1, {\"y\": \"]}\\\\\"}] } , \"t\": true}";
        let members: Vec<_> = Members::of(object).collect();
        assert_eq!(members, [("\"a\\\"\"", "-1.50e3"), ("\"\"", "{\"x\" : [1, {\"y\": \"]}\\\\\"}] }"), ("\"t\"", "true")]);
        assert_eq!(Members::of("{ }").count(), 0);
        assert_eq!(elements("[ 1, [\"],\"] ,{\"a\": 2},null ]").collect::<Vec<_>>(), ["1", "[\"],\"]", "{\"a\": 2}", "null"]);
        assert_eq!(elements("[ ]").count() + elements("[").count(), 0);
    }

    #[test]
    fn what_is_cut_short_has_no_more_members() {
        let object = r#"{"a": [1, "x\"y"], "b": {"c": null}, "d": 12}"#;
        for end in 0..object.len() {
            assert!(Members::of(&object[..end]).count() < 3, "{end}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let string = || prop::sample::select(vec!["", "a", "\"", "\\", "\\\"", "{", "]", "a:b, c", "\n", "옹기", "é"]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            string().prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((string(), inner), 0..4).prop_map(|members| members.into_iter().collect::<Value>()),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_object_is_cut_as_it_is_read(value in value()) {
            let elements_of = |array: &str| -> Vec<Value> { elements(array).map(|element| serde_json::from_str(element).unwrap()).collect() };
            let array = json!([value, value]);
            prop_assert_eq!(&Value::from(elements_of(&array.to_string())), &array);
            prop_assert_eq!(&Value::from(elements_of(&serde_json::to_string_pretty(&array).unwrap())), &array);
            let object = json!({"first": value, "\"last\"": value});
            prop_assert_eq!(&Value::Object(read(&object.to_string())), &object);
            prop_assert_eq!(&Value::Object(read(&serde_json::to_string_pretty(&object).unwrap())), &object);
        }
    }
}
