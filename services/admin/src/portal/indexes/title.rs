//! Which attribute of a document stands for it, where a person looks at many.

use serde_json::{Map, Value};

/// Names of attributes that are titles, the best first. The scripts have the same list.
const TITLES: [&str; 8] = ["title", "name", "label", "subject", "headline", "제목", "이름", "상품명"];

/// The most characters of a title.
const CHARS: usize = 160;

/// The attribute that is a document's title, and the title. Without one, the document itself.
pub(super) fn title_of(document: &Map<String, Value>) -> (Option<&str>, String) {
    let rank = |name: &str| TITLES.iter().position(|title| name.eq_ignore_ascii_case(title)).unwrap_or(TITLES.len());
    let texts = document.iter().filter_map(|(name, value)| value.as_str().map(|text| (name.as_str(), text)));
    let texts = texts.filter(|(name, text)| !name.starts_with('_') && !text.trim().is_empty());
    match texts.min_by_key(|(name, _)| rank(name)) {
        Some((name, text)) => (Some(name), shortened(text, CHARS)),
        None => (None, shortened(&Value::Object(document.clone()).to_string(), CHARS)),
    }
}

/// The beginning of a text, of at most so many characters.
pub(super) fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn title(document: &Value) -> (Option<&str>, String) {
        title_of(document.as_object().unwrap())
    }

    #[test]
    fn a_title_is_found_by_its_name_and_otherwise_is_the_first_text() {
        assert_eq!(title(&json!({"id": "7", "body": "b", "Title": "t"})), (Some("Title"), "t".to_owned()));
        assert_eq!(title(&json!({"id": 7, "body": "b", "more": "m"})), (Some("body"), "b".to_owned()));
        assert_eq!(title(&json!({"id": 7})), (None, "{\"id\":7}".to_owned()));
    }

    #[test]
    fn long_texts_end_between_characters() {
        assert_eq!(shortened("옹기장이", 2), "옹기…");
        assert_eq!(shortened("옹기", 2), "옹기");
    }
}
