//! A title as somebody might type it: as it is, with typos, not finished, or with a word left out.

use crate::relevance::Random;

/// How a title is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    AsWritten,
    /// So many letters of the longest word are wrong: one left out, doubled, replaced, or two swapped; never the first.
    Typos(usize),
    /// The last word lacks its second half, at most three letters.
    Unfinished,
    /// One word is left out where there are three or more.
    Dropped,
}

pub(crate) const ALL: [Typed; 5] = [Typed::AsWritten, Typed::Typos(1), Typed::Typos(2), Typed::Unfinished, Typed::Dropped];

impl Typed {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AsWritten => "as written",
            Self::Typos(1) => "one typo",
            Self::Typos(_) => "two typos in one word",
            Self::Unfinished => "last word unfinished",
            Self::Dropped => "a word left out",
        }
    }

    pub(crate) fn apply(self, title: &str, random: &mut Random) -> String {
        let mut words: Vec<String> = title.split_whitespace().map(str::to_owned).collect();
        match self {
            Self::AsWritten => return title.to_owned(),
            Self::Typos(count) => {
                if let Some(longest) = words.iter_mut().rev().max_by_key(|word| letters(word)) {
                    *longest = mistyped(longest, count, random);
                }
            }
            Self::Unfinished => {
                if let Some(last) = words.last_mut() {
                    let length = last.chars().count();
                    *last = last.chars().take(length - (length / 2).min(3)).collect();
                }
            }
            Self::Dropped => {
                if words.len() >= 3 {
                    words.remove(random.below(words.len()));
                }
            }
        }
        words.join(" ")
    }
}

fn letters(word: &str) -> usize {
    word.chars().filter(|c| c.is_alphabetic()).count()
}

/// A word with wrong letters at `count` places that do not touch, where it has so many.
fn mistyped(word: &str, count: usize, random: &mut Random) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    // From behind, so that the places before stay where they are.
    let share = (letters.len() - 1) / count;
    for part in (0..count).rev() {
        if share < 2 {
            break;
        }
        let at = 1 + part * share + random.below(share - 1);
        match random.below(4) {
            0 => drop(letters.remove(at)),
            1 => letters.insert(at, letters[at]),
            2 if letters[at] != letters[at + 1] => letters.swap(at, at + 1),
            _ => letters[at] = another(letters[at], random),
        }
    }
    letters.into_iter().collect()
}

/// Another letter of the same script: of a Hangul syllable, one with another vowel.
fn another(letter: char, random: &mut Random) -> char {
    let shifted = |first: u32, step: u32, count: u32, random: &mut Random| {
        let index = (letter as u32 - first) / step % count;
        let other = (index + 1 + random.below(count as usize - 1) as u32) % count;
        char::from_u32(letter as u32 + other * step - index * step).unwrap_or(letter)
    };
    match letter {
        'a'..='z' => shifted('a' as u32, 1, 26, random),
        'A'..='Z' => shifted('A' as u32, 1, 26, random),
        '가'..='힣' => shifted('가' as u32, 28, 21, random),
        'ァ'..='ヴ' => shifted('ァ' as u32, 1, 84, random),
        'ぁ'..='ん' => shifted('ぁ' as u32, 1, 83, random),
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_typed_in_each_way() {
        let title = "Slide and add puzzle game";
        assert_eq!(Typed::AsWritten.apply(title, &mut Random::new(1)), title);
        assert_eq!(Typed::Unfinished.apply(title, &mut Random::new(1)), "Slide and add puzzle ga");
        for seed in 0..200 {
            let dropped = Typed::Dropped.apply(title, &mut Random::new(seed));
            assert_eq!(dropped.split(' ').count(), 4, "{dropped}");
            let wrong = Typed::Typos(1).apply(title, &mut Random::new(seed));
            assert!(wrong != title && wrong.starts_with("Slide and add p") && wrong.ends_with(" game"), "{wrong}");
            let hangul = Typed::Typos(1).apply("컴퓨터 프로그램", &mut Random::new(seed));
            assert!(hangul.starts_with("컴퓨터 프") && hangul != "컴퓨터 프로그램", "{hangul}");
        }
        assert_eq!(Typed::Typos(2).apply("ab", &mut Random::new(1)), "ab");
    }
}
