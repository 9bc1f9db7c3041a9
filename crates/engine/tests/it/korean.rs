//! The Korean dictionary that the program carries.

use std::thread;

use onggi_domain::settings::Settings;
use onggi_engine::{
    analysis::{Analyzer, Kind, Rule},
    dictionaries,
};

#[test]
fn the_dictionary_unpacks_once_for_all_and_cuts_korean_into_morphemes() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("dictionaries");
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| dictionaries::unpack(&place).unwrap());
        }
    });
    let folders: Vec<_> = place.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(folders, [dictionaries::KO_DIC], "nothing half unpacked is left");

    let analyzer = Analyzer::new(&Settings::default(), Some(&place));
    let text = "네이버 클라우드 서치 서비스는 Onggi로 검색 인덱스를 컨테이너에 담아서 제공합니다.";
    let words = analyzer.words(text, Rule::default());
    let forms: Vec<&str> = words.iter().map(|word| word.form.as_str()).collect();
    for expected in ["네이버", "클라우드", "서비스", "onggi", "검색", "인덱스", "컨테이너", "제공"] {
        assert!(forms.contains(&expected), "{expected} in {forms:?}");
    }
    assert!(!forms.contains(&"는") && !forms.contains(&"합니다"), "{forms:?}");
    for word in words.iter().filter(|word| word.kind == Kind::Morpheme) {
        assert!(text[word.start..word.end].contains(&word.form), "{word:?}");
    }

    let compound = analyzer.words("검색엔진", Rule::default());
    assert!(compound.iter().any(|word| word.form == "검색"), "{compound:?}");
    let decomposed: String = "검색을".chars().flat_map(decompose).collect();
    let words = analyzer.words(&decomposed, Rule::default());
    let forms: Vec<(Kind, &str)> = words.iter().map(|word| (word.kind, word.form.as_str())).collect();
    assert_eq!(forms, [(Kind::Written, "검색을"), (Kind::Morpheme, "검색")]);
}

/// A Hangul syllable as conjoining letters, as some file systems write names.
fn decompose(syllable: char) -> Vec<char> {
    let index = syllable as u32 - 0xac00;
    let letters = [0x1100 + index / 588, 0x1161 + index % 588 / 28, 0x11a7 + index % 28];
    letters.into_iter().filter(|letter| *letter != 0x11a7).filter_map(char::from_u32).collect()
}
