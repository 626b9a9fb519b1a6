//! Texts as they are compared: for searches, for signing in, and to tell names apart.
//!
//! Pure functions of the text by the Unicode data of this program: no engine and no locale of a
//! server has a part in them. What is stored of their results becomes wrong when they change: a
//! program with other rules needs a migration that asks for a backfill (`db/tables/backfill.rs`).

use std::collections::HashSet;
use std::sync::LazyLock;

use ostrakon_shared::text::is_invisible;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use unicode_security::confusable_detection;

/// Text as searches compare it: small letters without accents, compatible forms made one, and
/// nothing that can't be seen. Letters that Unicode does not decompose, as ł and æ, become what
/// people without them type.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match FOLDED.get(c as usize) {
            Some(&Folded::One(one)) => folded.push(one),
            Some(Folded::Other(other)) => folded.push_str(other),
            None => fold_char(c, &mut folded),
        }
    }
    folded
}

/// The characters below the surrogates, folded: to fold one anew takes fifty times as long. 1 MB.
static FOLDED: LazyLock<Vec<Folded>> = LazyLock::new(|| {
    let folded = |c| {
        let mut folded = String::new();
        fold_char(c, &mut folded);
        let mut chars = folded.chars();
        match (chars.next(), chars.next()) {
            (Some(one), None) => Folded::One(one),
            _ => Folded::Other(folded.into()),
        }
    };
    ('\0'..='\u{d7ff}').map(folded).collect()
});

enum Folded {
    One(char),
    Other(Box<str>),
}

fn fold_char(c: char, folded: &mut String) {
    if !is_invisible(c) {
        decompose_compatible(c, |part| fold_part(part, folded));
    }
}

/// The words of a search, folded.
pub fn words(search: &str) -> Vec<String> {
    fold(search).split_whitespace().map(str::to_owned).collect()
}

fn fold_part(part: char, folded: &mut String) {
    if is_accent(part) || is_invisible(part) {
        return;
    }
    // By way of capitals, so that ς is σ, ı is i, and ß is ss; ẞ is no capital of any.
    let capitals = part.to_lowercase().flat_map(char::to_uppercase);
    for small in capitals.flat_map(char::to_lowercase) {
        match without_stroke(small) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(small),
        }
    }
}

/// Whether a mark is an accent or a point that searches do without. Marks that make another letter
/// stay: nuktas, the voicing of kana, and the vowels and tones of Thai, Lao and Tibetan.
fn is_accent(c: char) -> bool {
    matches!(canonical_combining_class(c), 1 | 10..=36 | 200..=240)
}

/// What stands for a small Latin letter that has no decomposition, after CLDR's transform
/// `Latin-ASCII`.
fn without_stroke(letter: char) -> Option<&'static str> {
    Some(match letter {
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ⱥ' => "a",
        'ƀ' | 'ɓ' | 'ƃ' => "b",
        'ƈ' | 'ȼ' => "c",
        'đ' | 'ð' | 'ɖ' | 'ɗ' | 'ƌ' => "d",
        'ɇ' => "e",
        'ƒ' => "f",
        'ǥ' | 'ɠ' => "g",
        'ħ' => "h",
        'ɨ' => "i",
        'ȷ' | 'ɉ' => "j",
        'ƙ' => "k",
        'ł' | 'ƚ' | 'ɫ' => "l",
        'ŋ' | 'ɲ' | 'ƞ' => "n",
        'ø' | 'ɵ' => "o",
        'ƥ' | 'ᵽ' => "p",
        'ĸ' => "q",
        'ɍ' => "r",
        'ŧ' | 'ƭ' | 'ʈ' | 'ⱦ' => "t",
        'ʉ' => "u",
        'ʋ' => "v",
        'ƴ' | 'ɏ' => "y",
        'ƶ' | 'ȥ' => "z",
        _ => return None,
    })
}

/// An account's name as it is looked for: compatible forms made one, in any case. Unlike in
/// searches accents matter: é and e are two names.
pub fn name_key(name: &str) -> String {
    if name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return name.to_ascii_lowercase();
    }
    let folded = caseless(name.nfkc()).nfkc();
    // PostgreSQL's texts can't hold a NUL, and no name does.
    folded.map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// By way of capitals, so that ς and σ are the same, and ß and SS.
fn caseless(text: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    text.flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// What a name looks like: two names with the same one can be taken for each other, in the case in
/// which they are written, in capitals or in small letters. Never empty.
///
/// The skeletons of UTS #39 (confusable detection) tell apart what only case makes alike: in
/// `ADMlN` the small l stands for I. So the skeleton is taken of the name as it is written, then of
/// its small letters, then of its capitals.
pub fn name_skeleton(name: &str) -> String {
    if name.is_ascii() {
        return one_line(name).map(|c| ASCII_SKELETONS[c as usize].as_str()).collect();
    }
    let skeleton = skeleton_in_any_case(name);
    // Of nothing but what can't be seen: a name from before that was refused.
    if skeleton.is_empty() { name.to_owned() } else { skeleton }
}

/// Of each ASCII character. Those of a name depend on no neighbours, and most names have no others.
static ASCII_SKELETONS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let skeleton = |c: char| match c {
        ' ' => " ".to_owned(),
        _ => skeleton_in_any_case(c.encode_utf8(&mut [0; 4])),
    };
    ('\0'..='\x7f').map(skeleton).collect()
});

fn skeleton_in_any_case(name: &str) -> String {
    let written = skeleton_of(one_line(name).nfkc());
    let small = skeleton_of(written.to_lowercase().chars());
    let capitals = skeleton_of(small.to_uppercase().chars());
    capitals.to_lowercase()
}

/// The skeleton of a text; i and j have their dots, whether or not these are written as well.
fn skeleton_of(text: impl Iterator<Item = char>) -> String {
    const DOT_ABOVE: char = '\u{307}';
    let text: String = text.collect();
    let mut found = String::with_capacity(text.len());
    for c in confusable_detection::skeleton(&text) {
        if c != DOT_ABOVE || !found.ends_with(['i', 'j']) {
            found.push(c);
        }
    }
    found
}

/// The characters of a name that show something, without white space around it or too thin to be
/// seen, and with one space wherever there is more.
fn one_line(name: &str) -> impl Iterator<Item = char> {
    let is_space = |c| matches!(c, ' ' | '\t' | '\u{a0}' | '\u{2000}'..='\u{2003}' | '\u{3000}');
    let mut before = ' ';
    name.trim_matches(|c: char| c.is_whitespace() || is_invisible(c))
        .chars()
        .map(move |c| if is_space(c) { ' ' } else { c })
        .filter(|&c| c == ' ' || !(c.is_whitespace() || is_invisible(c)))
        .filter(move |&c| std::mem::replace(&mut before, c) != ' ' || c != ' ')
}

/// What a name is compared by with the names of accounts: those who look alike in one of these are
/// taken for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameKeys {
    /// See [`name_key`].
    pub key: String,
    /// See [`name_skeleton`].
    pub skeleton: String,
}

impl NameKeys {
    /// Those of this name.
    pub fn of(name: &str) -> NameKeys {
        NameKeys { key: name_key(name.trim()), skeleton: name_skeleton(name) }
    }

    /// Whether the letters of the name look like a reserved name, such as `admin`.
    pub fn is_reserved(&self) -> bool {
        static RESERVED_LETTERS: LazyLock<HashSet<String>> =
            LazyLock::new(|| RESERVED.iter().map(|name| letters(&name_skeleton(name))).collect());
        RESERVED_LETTERS.contains(&letters(&self.skeleton))
    }

    /// Whether readers take one of these names for the other.
    pub fn is_like(&self, other: &NameKeys) -> bool {
        self.key == other.key || self.skeleton == other.skeleton
    }
}

/// Names that speak for the service: only its operator gives them away.
const RESERVED: [&str; 27] = [
    "admin",
    "administrator",
    "admins",
    "customerservice",
    "customersupport",
    "helpdesk",
    "hostmaster",
    "mod",
    "moderator",
    "moderators",
    "official",
    "operator",
    "ostrakon",
    "postmaster",
    "root",
    "security",
    "siteadmin",
    "staff",
    "superadmin",
    "superuser",
    "support",
    "supportteam",
    "sysadmin",
    "sysop",
    "system",
    "systemadministrator",
    "webmaster",
];

fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_ignore_case_and_accents() {
        for (text, folded) in [
            ("Crème BRÛLÉE", "creme brulee"),
            ("ﬁne Ⅷ", "fine viii"),
            ("Кружка ΑΘΉΝΑ", "кружка αθηνα"),
            ("ΣΊΣΥΦΟΣ Σίσυφος", "σισυφοσ σισυφοσ"),
            (
                "Łódź, Ørsted, Đorđe, Straße, Æsir, Œuvre",
                "lodz, orsted, dorde, strasse, aesir, oeuvre",
            ),
            ("ISPARTA ısparta İzmir", "isparta isparta izmir"),
            ("Ｋｒａｔｅｒ", "krater"),
            ("cafe\u{301} café", "cafe cafe"),
            ("GROẞ co\u{ad}op", "gross coop"),
            ("Ёлка Йод", "елка иод"),
            ("أَثِينَا", "اثينا"),
            ("がき कि คู่", "か\u{3099}き कि คู่"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
            assert_eq!(fold(&text.nfd().collect::<String>()), folded, "{text}");
            assert_eq!(fold(&text.nfc().collect::<String>()), folded, "{text}");
        }
        assert_eq!(words(" Crème\u{a0}BRÛLÉE\u{301} \u{301} "), ["creme", "brulee"]);
    }

    #[test]
    fn names_are_the_same_in_any_case() {
        for (one, other) in [
            ("Aspasia", "aSPASIA"),
            ("Σωκράτης", "ΣΩΚΡΆΤΗΣ"),
            ("Straße", "STRASSE"),
            ("é", "e\u{301}"),
            ("ﬁne", "FINE"),
        ] {
            assert_eq!(name_key(one), name_key(other));
        }
        for (one, other) in [("é", "e"), ("a.b", "ab"), ("α", "ά")] {
            assert_ne!(name_key(one), name_key(other));
        }
        for name in ["Σωκράτης", "Straße", "ǅ", "İx"] {
            assert_eq!(name_key(&name_key(name)), name_key(name));
        }
    }

    #[test]
    fn names_that_look_alike_are_the_same() {
        for (name, others) in [
            (
                "admin",
                &[
                    "Admin",
                    "аdmin",
                    "ADMlN",
                    "adm1n",
                    "ａｄｍｉｎ",
                    "аԁmіn",
                    "adrnin",
                    "admi\u{307}n",
                    " ad\u{200b}min ",
                    "ad\u{200a}min",
                    "\u{2800}ad\u{2800}min \u{3164}",
                    "admin\u{1d159}\u{fff9}\u{13430}\u{fffc}",
                    "ad\u{e000}min\u{378}\u{ffff}",
                    "𝐚𝐝𝐦𝐢𝐧",
                ] as &[_],
            ),
            ("Victor", &["νictor", "VICTOR"]),
            ("nikola", &["ΝIKOLA", "Nіkola"]),
            ("Ben K.", &["ben  k.", "Вen\u{a0}K.", "Ben \u{2800} K.", "Ben K\u{200d}."]),
            ("СОВА", &["сова", "COBA"]),
        ] {
            for other in others {
                assert!(NameKeys::of(name).is_like(&NameKeys::of(other)), "{name} {other}");
            }
        }
        for (one, other) in [
            ("Nina", "Vina"),
            ("Chloe", "Chloé"),
            ("Σωκράτης", "Σωκρατης"),
            ("Anna Lena", "annalena"),
            ("İlker", "ilker"),
            ("مینا", "مینو"),
        ] {
            assert!(!NameKeys::of(one).is_like(&NameKeys::of(other)), "{one} {other}");
        }
        assert_eq!(name_skeleton("\u{3164}"), "\u{3164}");
        let ascii: String = ('!'..='~').collect();
        assert_eq!(name_skeleton(&ascii), skeleton_in_any_case(&ascii));
    }

    #[test]
    fn names_that_speak_for_the_service_are_reserved() {
        for name in ["admin", "ADMIN", "Аdmin", "ad-min", "_root_", "O5TRAK0N", "Ostrakon Support"]
        {
            let expected = !matches!(name, "O5TRAK0N" | "Ostrakon Support");
            assert_eq!(NameKeys::of(name).is_reserved(), expected, "{name}");
        }
        for name in ["Aspasia", "Rooty", "Adminah", "", "…"] {
            assert!(!NameKeys::of(name).is_reserved(), "{name}");
        }
    }
}
