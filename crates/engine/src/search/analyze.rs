//! How a text becomes words, for people: with offsets and parts of speech, and with what a draft of settings would change.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use indexmap::IndexMap;
use onggi_domain::{
    ApiError, Code,
    limits::Limits,
    locale,
    settings::{Setting, Settings, SettingsPatch},
};
use serde::{Deserialize, Serialize};

use super::parse::{self, Kind, Parameter, Unknown};
use crate::analysis::{Analyzer, Rule, ShownText};

pub(super) const ANALYZE: &[Parameter] = &[
    ("text", Kind::Text, Code::InvalidAnalyzeText),
    ("attribute", Kind::Text, Code::InvalidAnalyzeAttribute),
    ("locales", Kind::Texts, Code::InvalidSearchLocales),
    ("dictionary", Kind::Texts, Code::InvalidSettingsDictionary),
    ("stopWords", Kind::Texts, Code::InvalidSettingsStopWords),
    ("separatorTokens", Kind::Texts, Code::InvalidSettingsSeparatorTokens),
    ("nonSeparatorTokens", Kind::Texts, Code::InvalidSettingsNonSeparatorTokens),
    ("synonyms", Kind::TextLists, Code::InvalidSettingsSynonyms),
];

/// A text to analyse. Settings that are named are a draft, in the place of the index's own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the parameters of POST /indexes/{uid}/analyze")]
pub struct AnalyzeRequest {
    pub text: Option<String>,
    pub attribute: Option<String>,
    pub locales: Option<Vec<String>>,
    pub dictionary: Option<BTreeSet<String>>,
    pub stop_words: Option<BTreeSet<String>>,
    pub separator_tokens: Option<BTreeSet<String>>,
    pub non_separator_tokens: Option<BTreeSet<String>>,
    pub synonyms: Option<IndexMap<String, Vec<String>>>,
}

/// How a text becomes words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the answer")]
pub struct AnalyzeResponse {
    pub text: String,
    pub attribute: Option<String>,
    /// The dictionary of Korean that is in use; none: words as written.
    pub korean_dictionary: Option<String>,
    /// With the settings of the index.
    #[serde(flatten)]
    pub current: AnalyzedText,
    /// With the draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<AnalyzedText>,
    /// What the draft would change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<AnalyzeChanges>,
}

/// A text as it is indexed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the answer")]
pub struct AnalyzedText {
    pub tokens: Vec<AnalyzedToken>,
    /// What is not searched for.
    pub dropped: Vec<DroppedToken>,
    pub bigrams: Vec<String>,
    pub initials: Vec<String>,
    /// Hangul words of several morphemes, as they are written.
    pub written: Vec<String>,
    /// What words of the text also mean.
    pub synonyms: BTreeMap<String, Vec<String>>,
}

/// A word that is searched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the answer")]
pub struct AnalyzedToken {
    /// Where it begins in the text, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    pub form: String,
    pub stem: String,
    /// Its place among the words.
    pub position: u32,
    pub kind: &'static str,
    pub part_of_speech: Option<String>,
    pub script: &'static str,
    pub language: Option<&'static str>,
}

/// A piece that is not searched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the answer")]
pub struct DroppedToken {
    pub start: usize,
    pub end: usize,
    pub form: String,
    pub part_of_speech: Option<String>,
    pub reason: &'static str,
}

/// What a draft would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of the answer")]
pub struct AnalyzeChanges {
    pub removed: Vec<AnalyzedToken>,
    pub added: Vec<AnalyzedToken>,
    /// Whether documents would be indexed anew.
    pub reindexes: bool,
}

impl AnalyzeRequest {
    /// From the JSON body of a POST; an error names the field and what would be right.
    pub fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        let request: Self = parse::from_json(body, ANALYZE, Unknown::Refused)?;
        if request.text.is_none() {
            return Err(ApiError::new(Code::MissingAnalyzeText, "Missing field `text`: expected the text to analyse"));
        }
        locale::check("locales", request.locales.iter().flatten()).map_err(|why| ApiError::new(Code::InvalidSearchLocales, why))?;
        request.patch().validate()?;
        Ok(request)
    }

    /// The settings of the draft as a change of an index's own.
    fn patch(&self) -> SettingsPatch {
        fn set<T: Clone>(value: Option<&T>) -> Setting<T> {
            value.map_or(Setting::Keep, |value| Setting::Set(value.clone()))
        }
        SettingsPatch {
            dictionary: set(self.dictionary.as_ref()),
            stop_words: set(self.stop_words.as_ref()),
            separator_tokens: set(self.separator_tokens.as_ref()),
            non_separator_tokens: set(self.non_separator_tokens.as_ref()),
            synonyms: set(self.synonyms.as_ref()),
            ..SettingsPatch::default()
        }
    }

    /// Answers for an index with these settings and this analyzer; a draft's is made with the dictionaries below a directory.
    pub(crate) fn answer(
        &self,
        settings: &Settings,
        analyzer: &Analyzer,
        dictionaries: Option<&Path>,
        limits: &Limits,
    ) -> Result<AnalyzeResponse, ApiError> {
        let text = self.text.as_deref().unwrap_or_default();
        let length = text.chars().count();
        if length > limits.analyze_chars {
            let most = limits.analyze_chars;
            let message = format!("Invalid value at `.text`: a text to analyse has at most {most} characters, and this one {length}.");
            return Err(ApiError::new(Code::InvalidAnalyzeText, message));
        }
        let current = self.analyzed(text, settings, analyzer);
        let patch = self.patch();
        let (draft, changes) = if patch == SettingsPatch::default() {
            (None, None)
        } else {
            let mut drafted = settings.clone();
            drafted.apply(&patch);
            let drafter = Analyzer::new(&drafted, dictionaries);
            let draft = self.analyzed(text, &drafted, &drafter);
            let changes = AnalyzeChanges::between(&current, &draft, drafter.fingerprint() != analyzer.fingerprint());
            (Some(draft), Some(changes))
        };
        let korean_dictionary = analyzer.korean().map(str::to_owned);
        Ok(AnalyzeResponse { text: text.to_owned(), attribute: self.attribute.clone(), korean_dictionary, current, draft, changes })
    }

    fn analyzed(&self, text: &str, settings: &Settings, analyzer: &Analyzer) -> AnalyzedText {
        let rule = match (&self.locales, &self.attribute) {
            (Some(locales), _) if !locales.is_empty() => analyzer.rule_of_locales(locales),
            (_, Some(attribute)) => analyzer.rule(attribute),
            _ => Rule::default(),
        };
        let shown = analyzer.show(text, rule);
        let synonyms = synonyms(&shown, settings, analyzer, rule);
        let tokens = shown.words.into_iter().map(|shown| AnalyzedToken {
            start: shown.word.start,
            end: shown.word.end,
            stem: shown.word.stem_term().to_owned(),
            form: shown.word.form,
            position: shown.word.position,
            kind: shown.word.kind.as_str(),
            part_of_speech: shown.tag,
            script: shown.script,
            language: shown.language,
        });
        let dropped = shown.dropped.into_iter().map(|dropped| DroppedToken {
            start: dropped.start,
            end: dropped.end,
            form: dropped.form,
            reason: if dropped.tag.is_some() { "partOfSpeech" } else { "stopWord" },
            part_of_speech: dropped.tag,
        });
        AnalyzedText {
            tokens: tokens.collect(),
            dropped: dropped.collect(),
            bigrams: shown.bigrams,
            initials: shown.initials,
            written: shown.written,
            synonyms,
        }
    }
}

/// The synonyms of the settings whose words follow each other in a text.
fn synonyms(shown: &ShownText, settings: &Settings, analyzer: &Analyzer, rule: Rule) -> BTreeMap<String, Vec<String>> {
    let text: Vec<&str> =
        shown.words.iter().map(|shown| &shown.word).filter(|word| word.kind.is_part()).map(|word| word.form.as_str()).collect();
    let mut found = BTreeMap::new();
    for (key, alternatives) in &settings.synonyms {
        let words = analyzer.words(key, rule);
        let key_words: Vec<&str> = words.iter().filter(|word| word.kind.is_part()).map(|word| word.form.as_str()).collect();
        if !key_words.is_empty() && text.windows(key_words.len()).any(|window| window == key_words) {
            found.insert(key.clone(), alternatives.clone());
        }
    }
    found
}

impl AnalyzeChanges {
    /// The tokens that only one of two analyses has. Where a word is among the others does not count.
    fn between(current: &AnalyzedText, draft: &AnalyzedText, reindexes: bool) -> Self {
        let only = |these: &AnalyzedText, others: &AnalyzedText| {
            let same = |a: &AnalyzedToken, b: &AnalyzedToken| (a.start, a.end, &a.form, &a.stem) == (b.start, b.end, &b.form, &b.stem);
            these.tokens.iter().filter(|token| !others.tokens.iter().any(|other| same(token, other))).cloned().collect()
        };
        Self { removed: only(current, draft), added: only(draft, current), reindexes }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn analyze(body: &Value) -> Result<AnalyzeResponse, ApiError> {
        let settings = Settings {
            stop_words: BTreeSet::from(["the".to_owned()]),
            synonyms: IndexMap::from([("red jar".to_owned(), vec!["crimson pot".to_owned()])]),
            ..Settings::default()
        };
        AnalyzeRequest::from_json(body.to_string().as_bytes())?.answer(
            &settings,
            &Analyzer::new(&settings, None),
            None,
            &Limits { analyze_chars: 40, ..Limits::default() },
        )
    }

    #[test]
    fn words_are_shown_with_their_places_and_what_was_left_out() {
        let answer = serde_json::to_value(analyze(&json!({"text": "The red jars, 東京"})).unwrap()).unwrap();
        assert_eq!(
            answer["tokens"][1],
            json!({"start": 8, "end": 12, "form": "jars", "stem": "jar", "position": 2, "kind": "word", "partOfSpeech": null,
                   "script": "latin", "language": "eng"})
        );
        assert_eq!(answer["dropped"], json!([{"start": 0, "end": 3, "form": "the", "partOfSpeech": null, "reason": "stopWord"}]));
        assert_eq!((&answer["tokens"][2]["kind"], &answer["tokens"][2]["form"]), (&json!("bigram"), &json!("東京")));
        assert_eq!(answer["synonyms"], json!({}), "`jars` is another word than `jar`");
        assert!(answer.get("draft").is_none() && answer.get("changes").is_none());
    }

    #[test]
    fn a_draft_is_shown_beside_what_is_and_what_it_would_change() {
        let answer = analyze(&json!({"text": "the red jar of C++", "dictionary": ["c++"], "stopWords": []})).unwrap();
        let forms = |tokens: &[AnalyzedToken]| tokens.iter().map(|token| token.form.clone()).collect::<Vec<_>>();
        assert_eq!(forms(&answer.current.tokens), ["red", "jar", "of", "c"]);
        assert_eq!(forms(&answer.draft.unwrap().tokens), ["the", "red", "jar", "of", "c++"]);
        let changes = answer.changes.unwrap();
        assert_eq!(
            (forms(&changes.removed), forms(&changes.added), changes.reindexes),
            (vec!["c".to_owned()], vec!["the".to_owned(), "c++".to_owned()], true)
        );
        assert_eq!(answer.current.synonyms["red jar"], ["crimson pot"]);
    }

    #[test]
    fn wrong_requests_are_refused_and_named() {
        for (body, code, part) in [
            (json!({}), Code::MissingAnalyzeText, "`text`"),
            (json!({"text": 3}), Code::InvalidAnalyzeText, ".text"),
            (json!({"text": "x".repeat(41)}), Code::InvalidAnalyzeText, "at most 40"),
            (json!({"text": "x", "attribute": []}), Code::InvalidAnalyzeAttribute, ".attribute"),
            (json!({"text": "x", "locales": ["kr"]}), Code::InvalidSearchLocales, "kr"),
            (json!({"text": "x", "dictionary": ["ab=a+c"]}), Code::InvalidSettingsDictionary, "ab=a+c"),
            (json!({"text": "x", "stopWords": "the"}), Code::InvalidSettingsStopWords, ".stopWords"),
            (json!({"text": "x", "synonyms": {"a": "b"}}), Code::InvalidSettingsSynonyms, "synonyms"),
            (json!({"text": "x", "texts": "y"}), Code::BadRequest, "did you mean `text`?"),
        ] {
            let error = analyze(&body).unwrap_err();
            assert_eq!(error.code, code, "{body}");
            assert!(error.message.contains(part), "{body}: {}", error.message);
        }
    }
}
