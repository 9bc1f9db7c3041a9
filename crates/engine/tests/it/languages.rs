//! What words texts of many languages become, and what finds them.

use std::{collections::BTreeSet, path::PathBuf, sync::LazyLock};

use onggi_domain::settings::{LocalizedAttributes, Settings};
use onggi_engine::{
    Options, Searcher,
    analysis::{Analyzer, Kind, Rule, Word},
    dictionaries,
    search::{AnalyzeRequest, SearchRequest},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Fixture, options};

/// The dictionaries, unpacked once for all tests and kept for the next run.
static DICTIONARIES: LazyLock<PathBuf> =
    LazyLock::new(|| dictionaries::unpack(&PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("dictionaries")).unwrap());

fn analyzer(settings: &Settings) -> Analyzer {
    Analyzer::new(settings, Some(&DICTIONARIES))
}

/// The words of a text: form, and stem where that is another; compounds in parentheses. Words as they are written are left out.
fn shown(words: &[Word]) -> String {
    let shown = words.iter().filter(|word| !matches!(word.kind, Kind::Tail | Kind::Written)).map(|word| match (&word.stem, word.kind) {
        (Some(stem), _) => format!("{}/{stem}", word.form),
        (None, Kind::Compound) => format!("({})", word.form),
        (None, _) => word.form.clone(),
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Holds words against what they should be, and shows all that are something else.
fn compare<'a>(table: impl IntoIterator<Item = (String, &'a str)>) {
    let wrong: Vec<(String, &str)> = table.into_iter().filter(|(shown, expected)| shown != expected).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn dictionary(entries: &[&str]) -> Settings {
    Settings { dictionary: entries.iter().map(|&entry| entry.to_owned()).collect(), ..Settings::default() }
}

/// An index of one text attribute with the dictionaries; ids count from 0.
fn index(settings: Value, texts: &[&str]) -> Searcher {
    let mut index = Fixture::with_options(Options { dictionaries: Some(DICTIONARIES.clone()), ..options() });
    index.settings(json!({"searchableAttributes": ["text"]}));
    index.settings(settings);
    let documents: Vec<Value> = texts.iter().enumerate().map(|(id, text)| json!({"id": id, "text": text})).collect();
    index.add(&documents);
    index.searcher()
}

/// The answers to a request.
fn hits(searcher: &Searcher, request: &Value) -> Vec<Value> {
    let request = SearchRequest::from_json(request.to_string().as_bytes()).unwrap();
    let answer = searcher.search(&request, None).unwrap().unwrap();
    answer.hits.iter().map(|hit| serde_json::from_str(hit.get()).unwrap()).collect()
}

/// The ids of the answers to a query.
fn found(searcher: &Searcher, q: &str) -> Vec<u64> {
    hits(searcher, &json!({"q": q})).iter().map(|hit| hit["id"].as_u64().unwrap()).collect()
}

#[test]
fn korean_becomes_morphemes_without_particles_and_endings() {
    let analyzer = analyzer(&Settings::default());
    let table = [
        ("검색을 합니다", "검색 합니다/하"),
        ("서울에서 부산까지", "서울 부산"),
        ("아름다운 옹기를 만들었다", "아름다운/아름답 옹기 만들"),
        ("이것은 책이 아니다", "이것/이거 책"),
        ("학교에서는", "학교"),
        ("비공식", "비 공식"),
        ("네이버 클라우드", "네이버 클라우드"),
        ("iPhone을 샀다", "iphone/iphon 샀/사"),
        ("JavaScript와 HTML의", "javascript html"),
        ("2026년 1월", "2026 년 1 월"),
        ("은", "은"),
    ];
    compare(table.map(|(text, words)| (shown(&analyzer.words(text, Rule::default())), words)));
}

#[test]
fn a_compound_is_there_whole_and_by_its_parts_at_the_place_of_the_first() {
    let analyzer = analyzer(&Settings::default());
    let words = analyzer.words("가정교육과", Rule::default());
    let compounds: Vec<&Word> = words.iter().filter(|word| word.kind == Kind::Compound).collect();
    for compound in compounds {
        let first = words.iter().find(|word| word.kind == Kind::Morpheme && word.start == compound.start).unwrap();
        assert_eq!(first.position, compound.position);
    }
    assert_eq!(shown(&self::analyzer(&dictionary(&["옹기검색=옹기+검색"])).words("옹기검색은", Rule::default())), "(옹기검색) 옹기 검색");
}

#[test]
fn nouns_of_the_settings_are_preferred_and_the_longest_of_them_first() {
    let table = [
        (&["옹기검색"][..], "옹기검색을 씁니다", "옹기검색 씁니다/쓰"),
        (&["옹기검색", "옹기", "검색"], "옹기검색과 옹기", "옹기검색 옹기"),
        (&["옹기검색=옹기+검색"], "새옹기검색이", "새 (옹기검색) 옹기 검색"),
        (&["삼성전자우"], "삼성전자우는", "삼성전자우"),
        (&["갤럭시노트"], "갤럭시노트에서", "갤럭시노트"),
        (&["c++", "j. r. r."], "C++와 J. R. R. Tolkien", "c++ j. r. r. tolkien"),
        (&["lg전자"], "LG전자는 전자", "lg전자 전자"),
        (&["윈도우10=윈도우+10"], "윈도우10 설치", "(윈도우10) 윈도우 10 설치"),
        (&["Notebook=Note+book"], "notebooks NOTEBOOK", "notebooks/notebook (notebook) note book"),
    ];
    compare(table.map(|(entries, text, words)| (shown(&analyzer(&dictionary(entries)).words(text, Rule::default())), words)));
}

#[test]
fn without_the_dictionary_korean_words_stay_as_written_and_nouns_keep_their_parts() {
    let analyzer = Analyzer::new(&dictionary(&["옹기검색=옹기+검색"]), None);
    assert_eq!(shown(&analyzer.words("옹기검색 검색을", Rule::default())), "(옹기검색) 옹기 검색 검색을");
    let analyzer = Analyzer::new(&Settings::default(), Some(&DICTIONARIES)).without_korean();
    assert_eq!(shown(&analyzer.words("검색을", Rule::default())), "검색을");
}

#[test]
fn scripts_without_spaces_become_pairs_and_kana_are_folded() {
    let analyzer = analyzer(&Settings::default());
    let table = [
        ("東京タワー", "東京 京た たわ わー"),
        ("サーバーとサーバ", "さー ーば ばと とさ さー ーば"),
        ("ｻｰﾊﾞｰ", "さー ーば"),
        ("猫", "猫"),
        ("中华人民", "中华 华人 人民"),
        ("ภาษาไทย", "ภา าษ ษา าไ ไท ทย"),
        ("ที่นี่", "ที่นี่"),
        ("東京 2026 Tower", "東京 2026 tower"),
    ];
    compare(table.map(|(text, words)| (shown(&analyzer.words(text, Rule::default())), words)));
    let words = analyzer.words("東京都", Rule::default());
    assert_eq!(
        words.iter().map(|word| (word.kind, word.position)).collect::<Vec<_>>(),
        [(Kind::Bigram, 0), (Kind::Bigram, 1), (Kind::Tail, 2)]
    );
}

#[test]
fn words_of_alphabets_are_stemmed_in_the_language_of_the_locale_or_of_the_alphabet() {
    let rule = |locales: &[&str]| {
        let localized = LocalizedAttributes {
            attribute_patterns: vec!["text".to_owned()],
            locales: locales.iter().map(|&locale| locale.to_owned()).collect(),
        };
        Settings { localized_attributes: Some(vec![localized]), ..Settings::default() }
    };
    let table = [
        (&[][..], "running shoes", "running/run shoes/shoe"),
        (&[], "хороших книг", "хороших/хорош книг"),
        (&["kor"], "running", "running/run"),
        (&["deu"], "Häuser gehen", "hauser/haus gehen/geh"),
        (&["fr"], "les chevaux rapidement", "les/le chevaux/cheval rapidement/rapid"),
        (&["spa"], "canciones", "canciones/cancion"),
        (&["tur"], "KADINLAR", "kadinlar/kadin"),
        (&["vie"], "running", "running"),
        (&["ukr", "deu"], "книгами Häuser", "книгами hauser/haus"),
        (&["fra", "eng"], "running", "running"),
    ];
    compare(table.map(|(locales, text, words)| {
        let analyzer = analyzer(&rule(locales));
        (shown(&analyzer.words(text, analyzer.rule("text"))), words)
    }));
}

#[test]
fn separators_joiners_and_stop_words_hold_for_indexing_queries_and_highlights() {
    let settings = json!({"separatorTokens": ["&sep"], "nonSeparatorTokens": ["#", "@"], "stopWords": ["the", "검색"]});
    let searcher = index(settings, &["the c# book", "red&sepblue", "me@home", "the 검색 엔진", "book of c"]);
    assert_eq!(found(&searcher, "c# "), [0]);
    assert_eq!(found(&searcher, "c "), [4]);
    assert_eq!(found(&searcher, "blue"), [1]);
    assert_eq!(found(&searcher, "home "), [] as [u64; 0]);
    assert_eq!(found(&searcher, "me@home"), [2]);
    assert_eq!(found(&searcher, "the book"), [4, 0]);
    let hit = &hits(&searcher, &json!({"q": "the c# 엔진", "attributesToHighlight": ["text"]}))[0];
    assert!(["the <em>c#</em> book", "the 검색 <em>엔진</em>"].map(Value::from).contains(&hit["_formatted"]["text"]), "{hit}");
}

#[test]
fn a_stop_word_at_the_end_of_a_query_may_become_another_word() {
    let searcher = index(json!({"stopWords": ["the", "of"]}), &["The theater of dreams", "Thesis on water", "rock of ages"]);
    assert_eq!(found(&searcher, "the"), [0, 1]);
    assert_eq!(found(&searcher, "the ").len(), 3, "nothing is asked for");
    let all = hits(&searcher, &json!({"q": "water the", "matchingStrategy": "all", "attributesToHighlight": ["text"]}));
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["_formatted"]["text"], "<em>The</em>sis on <em>water</em>");
    assert_eq!(found(&searcher, "ages of"), [2], "a stop word that begins nothing asks for nothing more");
}

#[test]
fn a_phrase_is_marked_as_one_and_a_match_is_not_cut() {
    let searcher = index(json!({}), &["The lazy dog sleeps", "東京は日本の首都です。美味しい食べ物がたくさんあります。"]);
    let hit = &hits(&searcher, &json!({"q": "\"lazy dog\"", "attributesToHighlight": ["text"], "showMatchesPosition": true}))[0];
    assert_eq!(hit["_formatted"]["text"], "The <em>lazy dog</em> sleeps");
    assert_eq!(hit["_matchesPosition"]["text"], json!([{"start": 4, "length": 8}]));
    let hit = &hits(&searcher, &json!({"q": "食べ物", "attributesToHighlight": ["text"], "attributesToCrop": ["text:2"]}))[0];
    assert!(hit["_formatted"]["text"].as_str().unwrap().contains("<em>食べ物</em>"), "{hit}");
}

#[test]
fn a_change_of_the_dictionary_holds_for_the_documents_that_are_there() {
    let mut index = Fixture::with_options(Options { dictionaries: Some(DICTIONARIES.clone()), ..options() });
    index.add(&[json!({"id": 0, "text": "뉴욕피자가게 소식"}), json!({"id": 1, "text": "c++ 입문"}), json!({"id": 2, "text": "c 입문"})]);
    assert_eq!(found(&index.searcher(), "c++ "), [1, 2]);
    index.settings(json!({"dictionary": ["뉴욕피자가게=뉴욕피자+가게", "c++"]}));
    let searcher = index.searcher();
    assert_eq!(found(&searcher, "c++ "), [1]);
    assert_eq!(found(&searcher, "뉴욕피자"), [0]);
    index.settings(json!({"dictionary": null}));
    assert_eq!(found(&index.searcher(), "c++ "), [1, 2]);
}

const TYPED: [&str; 6] = ["자유 소프트웨어를 쓰자", "전문 검색 엔진", "소개서 양식", "안녕하세요 여러분", "hello 여러분", "과자 상자"];

#[test]
fn words_are_found_while_they_are_typed() {
    let searcher = index(json!({}), &TYPED);
    for (q, id) in [
        ("ㅅㅍㅌ", 0),
        ("소ㅍ", 0),
        ("소프ㅌ", 0),
        ("소픝", 0),
        ("소프트ㅇ", 0),
        ("자유 소ㅍㅌ", 0),
        ("ㄱㅅ", 1),
        ("ㄳ", 1),
        ("검새", 1),
        ("전문 검새", 1),
        ("엔지", 1),
        ("소개ㅅ", 2),
        ("과ㅈ", 5),
        ("고", 5),
    ] {
        assert_eq!(found(&searcher, q).first(), Some(&id), "{q}");
    }
    assert_eq!(found(&searcher, "소ㅋ"), [] as [u64; 0]);
    for (q, text) in [("ㅅㅍㅌ", "자유 <em>소프트</em>웨어를 쓰자"), ("검새", "전문 <em>검색</em> 엔진")] {
        let hit = &hits(&searcher, &json!({"q": q, "attributesToHighlight": ["text"]}))[0];
        assert_eq!(hit["_formatted"]["text"], text, "{q}");
    }
}

#[test]
fn words_typed_on_the_other_keyboard_layout_are_taken_as_they_were_meant() {
    let searcher = index(json!({}), &TYPED);
    for (q, id) in [("dkssud", 3), ("thvmxm", 0), ("rjator dpswls", 1), ("전문 rjator", 1), ("ㅗ디ㅣㅐ", 4), ("rjato", 1), ("RHKWK", 5)]
    {
        assert_eq!(found(&searcher, q).first(), Some(&id), "{q}");
    }
    let hit = &hits(&searcher, &json!({"q": "dkssud", "attributesToHighlight": ["text"]}))[0];
    assert_eq!(hit["_formatted"]["text"], "<em>안녕</em>하세요 여러분");
    let off = index(json!({"typoTolerance": {"enabled": false}}), &TYPED);
    assert_eq!(found(&off, "dkssud"), [] as [u64; 0]);
    let written = index(json!({}), &["dkssud", "안녕"]);
    assert_eq!(found(&written, "dkssud"), [0], "a word that is there is taken as it is");
}

/// Documents of a shop, of the news and of everyday verbs, in whose words the dictionary sees particles and endings that are none.
const SHOP: [&str; 20] = [
    "강아지 사료",
    "샤넬 향수",
    "무선 이어폰",
    "무선이어폰 파우치",
    "스타벅스 텀블러",
    "스타벅스에서 만난 사람",
    "신라면 블랙",
    "LG그램 17",
    "맥북에어",
    "치즈케이크",
    "집을 파는 사람",
    "학교에 가는 길",
    "어제 학교에 갔다",
    "음악을 듣는 사람",
    "음악을 들었다",
    "새 옷을 샀다",
    "갤럭시 24",
    "전기 차 충전기",
    "유튜브 편집",
    "된장과 고추장",
];

fn titles(searcher: &Searcher, q: &str) -> Vec<String> {
    found(searcher, q).into_iter().map(|id| SHOP[id as usize].to_owned()).collect()
}

#[test]
fn a_word_is_found_by_what_is_written_of_it_whatever_the_dictionary_makes_of_that() {
    let searcher = index(json!({}), &SHOP);
    let mut missing = Vec::new();
    for (q, wanted) in [
        ("강아", "강아지 사료"),
        ("샤네", "샤넬 향수"),
        ("무서", "무선 이어폰"),
        ("무선잉", "무선이어폰 파우치"),
        ("스타버", "스타벅스 텀블러"),
        ("스타버", "스타벅스에서 만난 사람"),
        ("스타박스 ", "스타벅스 텀블러"),
        ("텀플러", "스타벅스 텀블러"),
        ("블래", "신라면 블랙"),
        ("신라며", "신라면 블랙"),
        ("LG그래", "LG그램 17"),
        ("맥북엥", "맥북에어"),
        ("치즈켕", "치즈케이크"),
        ("파는 ", "집을 파는 사람"),
        ("가는 ", "어제 학교에 갔다"),
        ("갔다 ", "학교에 가는 길"),
        ("듣다 ", "음악을 듣는 사람"),
        ("들었다 ", "음악을 듣는 사람"),
        ("사다 ", "새 옷을 샀다"),
        ("roffjr", "갤럭시 24"),
        ("roffjrtl24", "갤럭시 24"),
        ("전기차 ", "전기 차 충전기"),
        ("유 튜브 ", "유튜브 편집"),
        ("무선이어폰가방 ", "무선이어폰 파우치"),
    ] {
        let titles = titles(&searcher, q);
        if !titles.iter().any(|title| title == wanted) {
            missing.push((q, wanted, titles));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert_eq!(titles(&searcher, "파는 ")[0], "집을 파는 사람");
    assert_eq!(titles(&searcher, "강아")[0], "강아지 사료");
    assert_eq!(titles(&searcher, "갔다 ")[0], "어제 학교에 갔다");
    assert_eq!(titles(&searcher, "스타벅스에서 ")[0], "스타벅스에서 만난 사람");
    for (q, wanted) in [
        ("강아", "<em>강아</em>지 사료"),
        ("스타버", "<em>스타벅</em>스 텀블러"),
        ("파는 ", "집을 <em>파는</em> 사람"),
        ("고추장 ", "된장과 <em>고추장</em>"),
    ] {
        let hit = &hits(&searcher, &json!({"q": q, "attributesToHighlight": ["text"]}))[0];
        assert_eq!(hit["_formatted"]["text"], wanted, "{q}");
    }
}

#[test]
fn hangul_typed_letter_by_letter_keeps_finding_the_word() {
    let searcher = index(json!({}), &SHOP);
    for (id, text) in SHOP.iter().enumerate() {
        for word in text.split(' ').filter(|word| word.chars().all(|c| ('가'..='힣').contains(&c)) && word.chars().count() > 1) {
            let starts = word.char_indices().skip(2).map(|(at, _)| &word[..at]).chain([word]);
            for typed in starts {
                assert!(found(&searcher, typed).contains(&(id as u64)), "{typed} does not find {text}");
            }
        }
    }
}

#[test]
fn composed_and_decomposed_queries_are_answered_alike() {
    let searcher = index(json!({}), &SHOP);
    for q in ["갔습니다", "강아지", "파는", "이어폰을 샀다"] {
        let decomposed: String = unicode_normalization::UnicodeNormalization::nfd(q).collect();
        assert_eq!(found(&searcher, &decomposed), found(&searcher, q), "{q}");
    }
}

#[test]
fn hangul_is_looked_for_in_the_attributes_that_a_search_names() {
    let mut index = Fixture::with_options(Options { dictionaries: Some(DICTIONARIES.clone()), ..options() });
    index.settings(json!({"searchableAttributes": ["title", "brand"]}));
    index.add(&[
        json!({"id": 0, "title": "강화유리 필름", "brand": "신지모루"}),
        json!({"id": 1, "title": "신지모루 케이블", "brand": "없음"}),
    ]);
    let searcher = index.searcher();
    for q in ["신지모루", "지모", "ㅅㅈㅁㄹ", "신지"] {
        let ids = |on: Value| {
            hits(&searcher, &json!({"q": q, "attributesToSearchOn": on})).iter().map(|hit| hit["id"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert!(!ids(json!(["title"])).contains(&0), "{q}");
        assert!(!ids(json!(["brand"])).contains(&1), "{q}");
        assert_eq!(ids(json!(["*"])).len(), 2, "{q}");
    }
    assert_eq!(found(&searcher, "ㅅㅈㅁㄹ").len(), 2);
}

#[test]
fn what_selects_the_look_of_an_emoji_is_no_word() {
    let searcher = index(json!({}), &["\u{2764}\u{fe0f} 하트", "\u{2615}\u{fe0f} 커피"]);
    assert_eq!(found(&searcher, "커피 \u{2615}\u{fe0f}"), [1]);
}

#[test]
fn a_korean_word_may_have_one_letter_wrong() {
    let searcher = index(json!({}), &TYPED);
    for (q, id) in [("검삭 ", 1), ("소프투웨어 ", 0), ("앤진 ", 1), ("검삭", 1)] {
        assert_eq!(found(&searcher, q).first(), Some(&id), "{q}");
    }
    assert_eq!(found(&searcher, "감삭 "), [] as [u64; 0], "two letters");
    let off = index(json!({"typoTolerance": {"enabled": false}}), &TYPED);
    assert_eq!(found(&off, "검삭 "), [] as [u64; 0]);
}

#[test]
fn the_locales_of_a_search_say_in_which_language_its_words_are_inflected() {
    let searcher = index(json!({}), &["un cheval", "ein haus"]);
    let ids = |request: Value| hits(&searcher, &request).iter().map(|hit| hit["id"].as_u64().unwrap()).collect::<Vec<_>>();
    for (q, locales, expected) in [
        ("chevaux ", json!(null), vec![]),
        ("chevaux ", json!(["fr"]), vec![0]),
        ("chevaux ", json!(["deu"]), vec![]),
        ("häuser ", json!(["eng"]), vec![]),
        ("häuser ", json!(["deu"]), vec![1]),
    ] {
        assert_eq!(ids(json!({"q": q, "locales": locales})), expected, "{q} {locales}");
    }
}

#[test]
fn an_attribute_is_searched_in_the_locale_that_the_settings_name_for_it() {
    let localized = json!([{"attributePatterns": ["text"], "locales": ["fra"]}]);
    let searcher = index(json!({"localizedAttributes": localized}), &["un cheval"]);
    assert_eq!(found(&searcher, "chevaux "), [0]);
}

#[test]
fn single_characters_of_scripts_without_spaces_are_found_anywhere() {
    let searcher = index(json!({}), &["黒猫の話", "猫が好き", "犬の話"]);
    let mut cats = found(&searcher, "猫 ");
    cats.sort_unstable();
    assert_eq!(cats, [0, 1]);
    assert_eq!(found(&searcher, "黒猫"), [0]);
}

#[test]
fn a_query_without_spaces_may_be_several_words_of_a_text() {
    let searcher = index(json!({}), &["東京都庁の展望室", "大阪の展望台"]);
    assert_eq!(found(&searcher, "東京展望室"), [0]);
    assert_eq!(found(&searcher, "展望").len(), 2);
    assert!(hits(&searcher, &json!({"q": "東京展望室", "matchingStrategy": "all"})).is_empty());
}

#[test]
fn an_analysis_shows_what_a_draft_dictionary_would_change() {
    let searcher = index(json!({}), &["옹기"]);
    let request =
        AnalyzeRequest::from_json(json!({"text": "옹기검색을 C++로", "dictionary": ["옹기검색=옹기+검색", "c++"]}).to_string().as_bytes())
            .unwrap();
    let answer = serde_json::to_value(searcher.analyze(&request).unwrap()).unwrap();
    let particle = answer["dropped"].as_array().unwrap().iter().find(|dropped| dropped["form"] == "을").unwrap();
    assert_eq!((&particle["partOfSpeech"], &particle["reason"]), (&json!("JKO"), &json!("partOfSpeech")));
    assert_eq!(answer["tokens"][0]["partOfSpeech"], "NNG");
    assert_eq!(answer["bigrams"][0], "옹기");
    assert_eq!(answer["initials"][0], "ㅇㄱㄱㅅㅇ");
    let added: BTreeSet<&str> =
        answer["changes"]["added"].as_array().unwrap().iter().map(|token| token["form"].as_str().unwrap()).collect();
    assert_eq!(added, BTreeSet::from(["c++", "옹기검색"]));
    assert_eq!(answer["draft"]["tokens"][0]["kind"], "compound");
    assert_eq!(answer["koreanDictionary"], dictionaries::KO_DIC);
}

/// Analyzers with every kind of exception, with and without the dictionary.
static EXCEPTIONAL: LazyLock<[Analyzer; 2]> = LazyLock::new(|| {
    let settings = Settings {
        separator_tokens: BTreeSet::from(["가".to_owned(), "é".to_owned()]),
        non_separator_tokens: BTreeSet::from([".".to_owned()]),
        stop_words: BTreeSet::from(["a".to_owned()]),
        ..dictionary(&["나라말=나라+말", "ab", "b가=b+가"])
    };
    [analyzer(&settings), Analyzer::new(&settings, None)]
});

proptest! {
    #[test]
    fn any_text_becomes_words_in_order_at_characters_of_it(
        text in any::<String>(),
        mixed in "[가-힣ㄱ-ㅣa-zぁ-んァ-ヶー一-十ก-๏ \u{300}.=+]{0,40}",
    ) {
        for (analyzer, text) in EXCEPTIONAL.iter().flat_map(|analyzer| [(analyzer, &text), (analyzer, &mixed)]) {
            let words = analyzer.words(text, Rule::default());
            for pair in words.windows(2) {
                prop_assert!(pair[0].position <= pair[1].position && pair[0].start <= pair[1].start, "{:?}", pair);
            }
            for word in &words {
                prop_assert!(word.start < word.end && text.get(word.start..word.end).is_some() && !word.form.is_empty(), "{:?}", word);
            }
            let shown = analyzer.show(text, Rule::default());
            prop_assert_eq!(shown.words.len() + shown.written.len(), words.len());
        }
    }
}
