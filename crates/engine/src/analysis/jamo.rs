//! Hangul syllables and the letters that they are made of: leading consonants, what an unfinished word may become, and the keys of the Korean
//! keyboard layout (dubeolsik).
//!
//! A syllable is `0xAC00 + (initial * 21 + vowel) * 28 + final`, so that all syllables that begin alike are neighbours: whatever a word that is
//! being typed may become is a few ranges of characters.

const INITIALS: [char; 19] =
    ['ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ'];
/// The finals; 0 is none.
const FINALS: [char; 28] = [
    '\0', 'ㄱ', 'ㄲ', 'ㄳ', 'ㄴ', 'ㄵ', 'ㄶ', 'ㄷ', 'ㄹ', 'ㄺ', 'ㄻ', 'ㄼ', 'ㄽ', 'ㄾ', 'ㄿ', 'ㅀ', 'ㅁ', 'ㅂ', 'ㅄ', 'ㅅ', 'ㅆ', 'ㅇ',
    'ㅈ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ',
];
/// Letters that are typed as two.
const PAIRS: [(char, char, char); 18] = [
    ('ㄱ', 'ㅅ', 'ㄳ'),
    ('ㄴ', 'ㅈ', 'ㄵ'),
    ('ㄴ', 'ㅎ', 'ㄶ'),
    ('ㄹ', 'ㄱ', 'ㄺ'),
    ('ㄹ', 'ㅁ', 'ㄻ'),
    ('ㄹ', 'ㅂ', 'ㄼ'),
    ('ㄹ', 'ㅅ', 'ㄽ'),
    ('ㄹ', 'ㅌ', 'ㄾ'),
    ('ㄹ', 'ㅍ', 'ㄿ'),
    ('ㄹ', 'ㅎ', 'ㅀ'),
    ('ㅂ', 'ㅅ', 'ㅄ'),
    ('ㅗ', 'ㅏ', 'ㅘ'),
    ('ㅗ', 'ㅐ', 'ㅙ'),
    ('ㅗ', 'ㅣ', 'ㅚ'),
    ('ㅜ', 'ㅓ', 'ㅝ'),
    ('ㅜ', 'ㅔ', 'ㅞ'),
    ('ㅜ', 'ㅣ', 'ㅟ'),
    ('ㅡ', 'ㅣ', 'ㅢ'),
];
/// The keys of the letters on an English keyboard.
const KEYS: [(char, char); 33] = [
    ('ㄱ', 'r'),
    ('ㄲ', 'R'),
    ('ㄴ', 's'),
    ('ㄷ', 'e'),
    ('ㄸ', 'E'),
    ('ㄹ', 'f'),
    ('ㅁ', 'a'),
    ('ㅂ', 'q'),
    ('ㅃ', 'Q'),
    ('ㅅ', 't'),
    ('ㅆ', 'T'),
    ('ㅇ', 'd'),
    ('ㅈ', 'w'),
    ('ㅉ', 'W'),
    ('ㅊ', 'c'),
    ('ㅋ', 'z'),
    ('ㅌ', 'x'),
    ('ㅍ', 'v'),
    ('ㅎ', 'g'),
    ('ㅏ', 'k'),
    ('ㅐ', 'o'),
    ('ㅑ', 'i'),
    ('ㅒ', 'O'),
    ('ㅓ', 'j'),
    ('ㅔ', 'p'),
    ('ㅕ', 'u'),
    ('ㅖ', 'P'),
    ('ㅗ', 'h'),
    ('ㅛ', 'y'),
    ('ㅜ', 'n'),
    ('ㅠ', 'b'),
    ('ㅡ', 'm'),
    ('ㅣ', 'l'),
];

const FIRST_SYLLABLE: u32 = 0xac00;
const VOWEL_COUNT: u32 = 21;
const FINAL_COUNT: u32 = 28;

/// Whether a character is a Hangul syllable.
pub(crate) fn is_syllable(c: char) -> bool {
    matches!(c, '가'..='힣')
}

/// Whether a character is a Hangul letter of its own, as a keyboard types it.
pub(crate) fn is_letter(c: char) -> bool {
    matches!(c, 'ㄱ'..='ㅣ')
}

fn is_consonant(c: char) -> bool {
    matches!(c, 'ㄱ'..='ㅎ')
}

fn is_vowel(c: char) -> bool {
    matches!(c, 'ㅏ'..='ㅣ')
}

/// Initial, vowel and final of a syllable, by their places in the alphabet.
fn parts(syllable: char) -> Option<(u32, u32, u32)> {
    is_syllable(syllable).then(|| {
        let index = syllable as u32 - FIRST_SYLLABLE;
        (index / (VOWEL_COUNT * FINAL_COUNT), index / FINAL_COUNT % VOWEL_COUNT, index % FINAL_COUNT)
    })
}

/// Whether a syllable ends in a consonant.
pub(super) fn has_final(syllable: char) -> bool {
    parts(syllable).is_some_and(|(.., last)| last > 0)
}

fn syllable(initial: u32, vowel: u32, last: u32) -> char {
    char::from_u32(FIRST_SYLLABLE + (initial * VOWEL_COUNT + vowel) * FINAL_COUNT + last).unwrap_or_default()
}

fn initial_index(letter: char) -> Option<u32> {
    INITIALS.iter().position(|initial| *initial == letter).map(|at| at as u32)
}

fn final_index(letter: char) -> Option<u32> {
    FINALS[1..].iter().position(|last| *last == letter).map(|at| at as u32 + 1)
}

/// Both halves of a letter that is typed as two.
fn halves(letter: char) -> Option<(char, char)> {
    PAIRS.iter().find(|(.., pair)| *pair == letter).map(|(first, second, _)| (*first, *second))
}

fn joined(first: char, second: char) -> Option<char> {
    PAIRS.iter().find(|pair| (pair.0, pair.1) == (first, second)).map(|(.., pair)| *pair)
}

/// The leading consonant of a syllable, as the letter that a keyboard types.
pub(super) fn initial(syllable: char) -> Option<char> {
    parts(syllable).map(|(initial, ..)| INITIALS[initial as usize])
}

/// The leading consonants of the syllables of a word.
pub(crate) fn initials(word: &str) -> String {
    word.chars().filter_map(initial).collect()
}

/// The leading consonants that a word of nothing but consonants stands for; `None`: it has something else in it. An input method may have made one
/// letter of two (`ㄱㅅ` typed in a row is `ㄳ`).
pub(crate) fn as_initials(word: &str) -> Option<String> {
    let mut letters = String::with_capacity(word.len());
    for c in word.chars() {
        match halves(c) {
            _ if !is_consonant(c) => return None,
            Some((first, second)) => letters.extend([first, second]),
            None => letters.push(c),
        }
    }
    (!letters.is_empty()).then_some(letters)
}

/// The characters that may stand at one place of a word: from the first to the last.
pub(crate) type Place = (char, char);

/// What a word that is still being typed may begin: for each possibility the characters at its places. Empty: the word does not end in a syllable or
/// consonant, or has no syllable, so that it cannot be unfinished in this way.
///
/// The last syllable may get a final (`검새` -> `검색`), a second half of its vowel or final (`고` -> `과`), or lose its final to the next syllable
/// (`소픝` -> `소프트`). Consonants after it are the initials of syllables to come (`소ㅍ` -> `소프`).
pub(crate) fn continuations(word: &str) -> Vec<Vec<Place>> {
    let characters: Vec<char> = word.chars().collect();
    let syllables = characters.iter().take_while(|c| is_syllable(**c)).count();
    let Some(&last) = characters[..syllables].last() else { return Vec::new() };
    let Some(letters) = as_initials(&characters[syllables..].iter().collect::<String>()) else {
        if syllables < characters.len() {
            return Vec::new();
        }
        let before = characters[..syllables - 1].iter().map(|c| (*c, *c));
        return last_syllable(last).into_iter().map(|places| before.clone().chain(places).collect()).collect();
    };
    let literal = characters[..syllables].iter().map(|c| (*c, *c));
    vec![literal.chain(letters.chars().filter_map(beginning_with)).collect()]
}

fn last_syllable(last: char) -> Vec<Vec<Place>> {
    let Some((initial, vowel, fin)) = parts(last) else { return Vec::new() };
    if fin == 0 {
        let longest = match vowel {
            8 => 11,
            13 => 16,
            18 => 19,
            other => other,
        };
        return vec![vec![(last, syllable(initial, longest, FINAL_COUNT - 1))]];
    }
    let longest = match fin {
        1 => 3,
        4 => 6,
        8 => 15,
        17 => 18,
        other => other,
    };
    let letter = FINALS[fin as usize];
    let (kept, moved) = halves(letter).map_or((None, letter), |(first, second)| (Some(first), second));
    let kept = kept.and_then(final_index).unwrap_or(0);
    let mut all = vec![vec![(last, syllable(initial, vowel, longest))]];
    if let Some(next) = beginning_with(moved) {
        let this = syllable(initial, vowel, kept);
        all.push(vec![(this, this), next]);
    }
    all
}

/// All syllables with this initial.
fn beginning_with(letter: char) -> Option<Place> {
    let initial = initial_index(letter)?;
    Some((syllable(initial, 0, 0), syllable(initial, VOWEL_COUNT - 1, FINAL_COUNT - 1)))
}

/// The letters of a text in the order in which they are typed; other characters stay.
pub(crate) fn letters(text: &str) -> String {
    let mut letters = String::with_capacity(text.len() * 2);
    let mut push = |letter: char| match halves(letter) {
        Some((first, second)) => letters.extend([first, second]),
        None => letters.push(letter),
    };
    for c in text.chars() {
        match parts(c) {
            Some((initial, vowel, last)) => {
                push(INITIALS[initial as usize]);
                push(char::from_u32('ㅏ' as u32 + vowel).unwrap_or_default());
                if last > 0 {
                    push(FINALS[last as usize]);
                }
            }
            None => push(c),
        }
    }
    letters
}

/// The keys that type a Hangul text; `None`: it has something else in it.
pub(crate) fn to_keys(text: &str) -> Option<String> {
    letters(text).chars().map(|letter| KEYS.iter().find(|(known, _)| *known == letter).map(|(_, key)| *key)).collect()
}

/// What keys type on a Korean keyboard; `None`: not all of them type letters. Shift matters only where it makes another letter.
pub(crate) fn from_keys(keys: &str) -> Option<String> {
    let of = |key: char| KEYS.iter().find(|(_, known)| *known == key).map(|(letter, _)| *letter);
    let letters: Option<Vec<char>> = keys.chars().map(|key| of(key).or_else(|| of(key.to_ascii_lowercase()))).collect();
    let mut composer = Composer::default();
    letters?.into_iter().for_each(|letter| composer.push(letter));
    composer.finish();
    Some(composer.text)
}

/// Makes syllables of letters, as an input method does.
#[derive(Default)]
struct Composer {
    text: String,
    initial: Option<char>,
    vowel: Option<char>,
    last: Option<char>,
}

impl Composer {
    fn push(&mut self, letter: char) {
        if is_vowel(letter) { self.push_vowel(letter) } else { self.push_consonant(letter) }
    }

    fn push_consonant(&mut self, letter: char) {
        match (self.initial, self.vowel, self.last) {
            (Some(_), Some(_), None) if final_index(letter).is_some() => self.last = Some(letter),
            (.., Some(last)) if joined(last, letter).is_some() => self.last = joined(last, letter),
            _ => {
                self.finish();
                self.initial = Some(letter);
            }
        }
    }

    fn push_vowel(&mut self, letter: char) {
        match (self.vowel, self.last) {
            (Some(_), Some(last)) => {
                // The final, or its second half, begins the next syllable.
                let (kept, moved) = halves(last).map_or((None, last), |(first, second)| (Some(first), second));
                self.last = kept;
                self.finish();
                (self.initial, self.vowel) = (Some(moved), Some(letter));
            }
            (Some(vowel), None) => {
                let both = joined(vowel, letter);
                if both.is_none() {
                    self.finish();
                }
                self.vowel = both.or(Some(letter));
            }
            (None, _) => self.vowel = Some(letter),
        }
    }

    fn finish(&mut self) {
        let (initial, vowel, last) = (self.initial.take(), self.vowel.take(), self.last.take());
        match (initial, vowel) {
            (Some(first), Some(middle)) => {
                let last = last.and_then(final_index).unwrap_or(0);
                self.text.push(syllable(initial_index(first).unwrap_or_default(), middle as u32 - 'ㅏ' as u32, last));
            }
            (Some(letter), None) | (None, Some(letter)) => self.text.push(letter),
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_of_an_english_keyboard_type_hangul_and_the_other_way_round() {
        for (keys, text) in [
            ("dkssud", "안녕"),
            ("rjator", "검색"),
            ("dkssudgktpdy", "안녕하세요"),
            ("Rkcl", "까치"),
            ("rhkwk", "과자"),
            ("dmltk", "의사"),
            ("rkqt", "값"),
            ("rkqtdms", "값은"),
            ("rkqtk", "갑사"),
            ("ekfr", "닭"),
            ("ekfrl", "달기"),
            ("Tkf", "쌀"),
            ("DKSSUD", "안녕"),
            ("tptjd", "세성"),
            ("hello", "ㅗ디ㅣㅐ"),
        ] {
            assert_eq!(from_keys(keys).unwrap(), text, "{keys}");
        }
        assert_eq!(to_keys("ㅗ디ㅣㅐ").unwrap(), "hello");
        assert_eq!(to_keys("값이").unwrap(), "rkqtdl");
        assert_eq!((from_keys("abc1"), to_keys("검색 x")), (None, None));
    }

    /// Whether a word may become another one.
    fn may_become(typed: &str, whole: &str) -> bool {
        continuations(typed).iter().any(|places| {
            let characters: Vec<char> = whole.chars().collect();
            characters.len() >= places.len() && places.iter().zip(&characters).all(|((first, last), c)| (first..=last).contains(&c))
        })
    }

    #[test]
    fn an_unfinished_word_may_become_what_its_letters_begin() {
        for (typed, whole) in [
            ("소ㅍ", "소프트웨어"),
            ("소프ㅌ", "소프트웨어"),
            ("소픝", "소프트웨어"),
            ("소ㅍㅌㅇ", "소프트웨어"),
            ("검새", "검색"),
            ("검", "검색"),
            ("거", "검색"),
            ("고", "과자"),
            ("갑", "값"),
            ("값", "갑사"),
            ("각", "가게"),
            ("달", "닭"),
            ("소ㄳ", "소개서"),
        ] {
            assert!(may_become(typed, whole), "{typed} {whole}");
        }
        for (typed, whole) in [("소ㅍ", "소개"), ("검새", "검사"), ("소픝", "소파"), ("ㅅ", "소"), ("ㅏ", "아"), ("a", "a"), ("소ㅏ", "솨")]
        {
            assert!(!may_become(typed, whole), "{typed} {whole}");
        }
    }

    #[test]
    fn consonants_alone_are_leading_consonants() {
        assert_eq!(as_initials("ㄱㅅ").unwrap(), "ㄱㅅ");
        assert_eq!(as_initials("ㄳ").unwrap(), "ㄱㅅ");
        assert_eq!((as_initials("ㄱ색"), as_initials("ㅏ"), as_initials("")), (None, None, None));
        assert_eq!(initials("검색X엔진"), "ㄱㅅㅇㅈ");
    }

    proptest! {
        #[test]
        fn what_is_typed_by_its_keys_is_the_same_text(text in "[가-힣]{1,12}") {
            prop_assert_eq!(from_keys(&to_keys(&text).unwrap()).unwrap(), text);
        }

        #[test]
        fn any_keys_type_letters_that_have_the_same_keys(keys in "[a-z]{1,16}") {
            prop_assert_eq!(to_keys(&from_keys(&keys).unwrap()).unwrap(), keys);
        }

        /// Typed letter by letter, a word may always become the whole word.
        #[test]
        fn every_stage_of_typing_a_word_may_become_the_word(text in "[가-힣]{1,5}") {
            let keys = to_keys(&text).unwrap();
            for end in 2..=keys.len() {
                let typed = from_keys(&keys[..end]).unwrap();
                prop_assert!(may_become(&typed, &text) || typed.chars().all(is_letter), "{} {}", typed, text);
            }
        }
    }
}
