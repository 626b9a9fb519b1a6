//! The ids of reviews, products and accounts, as numbers and as text.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::problem::{FieldErrorCode, ValueError};

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdError {
    /// Not 13 characters of Crockford base32 that stand for a positive 63-bit number.
    Review,
    /// Not a whole number from 1 to 2^63 − 1 in plain decimal digits.
    Product,
    /// An account, a session or an API token has no such id.
    Account,
    /// An entry of the audit trail has no such id.
    Audit,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IdError::Review => "a review id is 13 characters of Crockford base32",
            IdError::Product => "a product id is a whole number from 1",
            IdError::Audit => "an id of an audit entry is a whole number from 1",
            IdError::Account => "an id of an account, session or token is a whole number from 1",
        })
    }
}

impl std::error::Error for IdError {}

impl From<IdError> for ValueError {
    fn from(error: IdError) -> ValueError {
        ValueError::new(FieldErrorCode::InvalidValue, error.to_string())
    }
}

/// A review's primary key: 41 bits of milliseconds since 2000-01-01T00:00:00Z, then 22 free bits.
///
/// Its order is the order of creation. As text, and in JSON always as text, it is 13 characters
/// of [Crockford base32](https://www.crockford.com/base32.html), which sort the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReviewId(i64);

impl ReviewId {
    /// The time from which ids count, 2000-01-01T00:00:00Z, in milliseconds since the Unix epoch.
    pub const EPOCH_UNIX_MS: i64 = 946_684_800_000;
    /// The number of free low bits of an id, by which its hash can be chosen.
    pub const FREE_BITS: u32 = 22;
    /// The number of characters of an id as text.
    pub const TEXT_CHARS: usize = 13;
    /// The greatest possible id.
    pub const MAX: ReviewId = ReviewId(i64::MAX);

    /// The id with this number; `None` unless it is positive.
    pub const fn new(number: i64) -> Option<ReviewId> {
        if number > 0 { Some(ReviewId(number)) } else { None }
    }

    /// The id in a text that a person has entered: as text, or as a number from a row of the
    /// database. They can't be confused: since the second day of the epoch, numbers have more
    /// digits than texts have characters.
    pub fn from_text_or_number(text: &str) -> Result<ReviewId, IdError> {
        let is_number = text.len() != Self::TEXT_CHARS && text.bytes().all(|b| b.is_ascii_digit());
        if !is_number {
            return text.parse();
        }
        text.parse().ok().and_then(ReviewId::new).ok_or(IdError::Review)
    }

    /// The lowest number of an id from the millisecond `unix_ms`; `None` outside of 2000-01-01 to
    /// 2069-09-06. In the first millisecond it is 0, which is no id.
    pub fn first_number_at(unix_ms: i64) -> Option<i64> {
        let ms = unix_ms.checked_sub(Self::EPOCH_UNIX_MS)?;
        (0..1 << (63 - Self::FREE_BITS)).contains(&ms).then_some(ms << Self::FREE_BITS)
    }

    /// The id as the number that is stored, hashed and compared.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// When the review was created, in milliseconds since the Unix epoch.
    pub const fn unix_ms(self) -> i64 {
        (self.0 >> Self::FREE_BITS) + Self::EPOCH_UNIX_MS
    }

    /// When the review was created.
    pub fn created_at(self) -> Timestamp {
        let created_at = Timestamp::from_millisecond(self.unix_ms());
        // `expect` would add the texts of jiff's errors to the app.
        created_at.unwrap_or_else(|_| unreachable!("41 bits of milliseconds end in 2069"))
    }
}

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The value of one character; letters that look like digits count as those digits.
fn crockford_value(character: u8) -> Option<i128> {
    let upper = match character.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    CROCKFORD.iter().position(|&c| c == upper).map(|value| value as i128)
}

impl fmt::Display for ReviewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; Self::TEXT_CHARS];
        let mut rest = self.0;
        for character in text.iter_mut().rev() {
            *character = CROCKFORD[(rest & 31) as usize];
            rest >>= 5;
        }
        f.pad(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for ReviewId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<ReviewId, IdError> {
        if text.len() != Self::TEXT_CHARS {
            return Err(IdError::Review);
        }
        // 13 characters hold 65 bits, of which an id has 63.
        let mut number: i128 = 0;
        for &character in text.as_bytes() {
            number = number << 5 | crockford_value(character).ok_or(IdError::Review)?;
        }
        i64::try_from(number).ok().and_then(ReviewId::new).ok_or(IdError::Review)
    }
}

macro_rules! numbered {
    ($(#[$doc:meta])* $id:ident, $error:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $id(i64);

        impl $id {
            /// The id with this number; `None` unless it is positive.
            pub const fn new(number: i64) -> Option<$id> {
                if number > 0 { Some($id(number)) } else { None }
            }

            /// The id as the number that is stored and hashed.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $id {
            type Err = IdError;

            fn from_str(text: &str) -> Result<$id, IdError> {
                // Each id has one text: without sign or leading zeros.
                let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
                let number = if plain { text.parse().ok() } else { None };
                number.and_then($id::new).ok_or($error)
            }
        }
    };
}

numbered!(
    /// A product's primary key, in JSON always as text.
    ProductId,
    IdError::Product
);
numbered!(
    /// An account's primary key, in JSON always as text.
    AccountId,
    IdError::Account
);
numbered!(
    /// An entry of the audit trail, in JSON always as text. Later entries have higher ids.
    AuditId,
    IdError::Audit
);
numbered!(
    /// The id of a session or an API token. It is no secret.
    CredentialId,
    IdError::Account
);

macro_rules! serde_as_text {
    ($id:ty) => {
        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$id, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}
serde_as_text!(ReviewId);
serde_as_text!(ProductId);
serde_as_text!(AccountId);
serde_as_text!(CredentialId);
serde_as_text!(AuditId);

#[cfg(feature = "openapi")]
mod openapi {
    use utoipa::openapi::RefOr;
    use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
    use utoipa::{PartialSchema, ToSchema};

    use super::{AccountId, AuditId, CredentialId, ProductId, ReviewId};

    impl PartialSchema for ReviewId {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some(
                    "A review's id: 13 characters of Crockford base32. Sorting ids sorts reviews \
                     by the time they were created.",
                ))
                .pattern(Some("^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{12}$"))
                .examples(["0R7VX8GB30ESM"])
                .into()
        }
    }
    impl ToSchema for ReviewId {}

    macro_rules! numbered {
        ($id:ty, $description:literal) => {
            impl PartialSchema for $id {
                fn schema() -> RefOr<Schema> {
                    ObjectBuilder::new()
                        .schema_type(Type::String)
                        .description(Some($description))
                        .pattern(Some("^[1-9][0-9]{0,18}$"))
                        .examples(["1"])
                        .into()
                }
            }
            impl ToSchema for $id {}
        };
    }
    numbered!(ProductId, "A product's id: decimal digits, as text.");
    numbered!(AccountId, "An account's id: decimal digits, as text.");
    numbered!(AuditId, "The id of an entry of the audit trail: decimal digits, as text.");
    numbered!(CredentialId, "The id of a session or an API token: decimal digits, as text.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn review_ids_round_trip_as_text() {
        // Golden values: people have links with these texts.
        for (number, text) in [
            (1, "0000000000001"),
            (31, "000000000000Z"),
            (32, "0000000000010"),
            (1_234_567_890_123_456_789, "128GGYHYYK08N"),
            (i64::MAX, "7ZZZZZZZZZZZZ"),
        ] {
            let id = ReviewId::new(number).unwrap();
            assert_eq!(id.to_string(), text);
            assert_eq!(text.parse(), Ok(id));
            assert_eq!(text.to_lowercase().parse(), Ok(id));
        }
        assert_eq!("OOOOOOOOOOOIL".parse(), Ok(ReviewId::new(33).unwrap()));
        for bad in [
            "",
            "1",
            "0000000000000",
            "8000000000000",
            "00000000000001",
            "000000000000U",
            "00000000000é",
            "-000000000001",
        ] {
            assert_eq!(bad.parse::<ReviewId>(), Err(IdError::Review), "{bad:?}");
        }
    }

    #[test]
    fn review_ids_are_found_by_their_number_too() {
        let id = ReviewId::new(1_234_567_890_123_456_789).unwrap();
        for text in ["128GGYHYYK08N", "128ggyhyyk08n", "1234567890123456789"] {
            assert_eq!(ReviewId::from_text_or_number(text), Ok(id));
        }
        // Thirteen digits are read as text.
        assert_eq!(ReviewId::from_text_or_number("0000000000010"), Ok(ReviewId::new(32).unwrap()));
        assert_eq!(ReviewId::from_text_or_number("10"), Ok(ReviewId::new(10).unwrap()));
        for bad in ["", "0", "-1", "+1", "1.0", "9223372036854775808", "x", "1 2"] {
            assert_eq!(ReviewId::from_text_or_number(bad), Err(IdError::Review), "{bad:?}");
        }
    }

    #[test]
    fn review_ids_contain_their_time() {
        let ms = 1_795_361_220_123; // 2026-11-22T15:27:00.123Z
        let id = ReviewId::new(ReviewId::first_number_at(ms).unwrap() | 0x3F_FFFF).unwrap();
        assert_eq!(id.unix_ms(), ms);
        assert_eq!(id.created_at().to_string(), "2026-11-22T15:27:00.123Z");
        assert_eq!(ReviewId::first_number_at(ReviewId::EPOCH_UNIX_MS - 1), None);
        assert_eq!(ReviewId::first_number_at(ReviewId::EPOCH_UNIX_MS), Some(0));
        assert_eq!(ReviewId::MAX.created_at().to_string(), "2069-09-06T15:47:35.551Z");
        assert_eq!(ReviewId::first_number_at(ReviewId::MAX.unix_ms() + 1), None);
        assert_eq!(ReviewId::first_number_at(i64::MIN), None);
    }

    #[test]
    fn product_ids_have_one_text() {
        assert_eq!("42".parse(), Ok(ProductId::new(42).unwrap()));
        assert_eq!(i64::MAX.to_string().parse(), Ok(ProductId::new(i64::MAX).unwrap()));
        for bad in ["", "0", "-1", "+1", "01", "1.0", "a", " 1", "9223372036854775808"] {
            assert_eq!(bad.parse::<ProductId>(), Err(IdError::Product), "{bad:?}");
        }
    }

    #[test]
    fn ids_are_text_in_json() {
        let id: ReviewId = serde_json::from_str("\"128ggyhyyk08n\"").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"128GGYHYYK08N\"");
        assert!(serde_json::from_str::<ProductId>("7").is_err());
    }
}
