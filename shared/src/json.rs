//! How bodies of requests are read: what serde's derives can't say of a field, and how long a
//! body may be.

use std::fmt;

use serde::de::{DeserializeOwned, Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use crate::text::is_blank;

/// The JSON body of a request.
pub trait RequestBody: DeserializeOwned {
    /// Bytes that the longest valid body takes, see [`max_bytes`].
    const MAX_BYTES: usize;
}

/// Bytes of the longest valid body whose texts have `chars` characters in all. The most that JSON
/// can make of a character are two `\uXXXX` escapes (RFC 8259, section 7); names, numbers and white
/// space share 4 KiB.
pub const fn max_bytes(chars: usize) -> usize {
    chars * 12 + 4_096
}

/// An integer as JSON Schema understands it: 5, 5.0 and 5e0 are the same.
struct Integer(i32);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Integer, D::Error> {
        deserializer.deserialize_i32(IntegerVisitor).map(Integer)
    }
}

struct IntegerVisitor;

impl Visitor<'_> for IntegerVisitor {
    type Value = i32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<i32, E> {
        i32::try_from(value).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<i32, E> {
        i32::try_from(value).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<i32, E> {
        if value.fract() != 0.0 {
            return Err(E::invalid_type(Unexpected::Float(value), &self));
        }
        // Saturates: beyond 2^53, where floats skip integers, no field's value lies.
        self.visit_i64(value as i64)
    }
}

/// A number.
pub(crate) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    Integer::deserialize(deserializer).map(|Integer(value)| value)
}

/// A number that a new thing may lack: null is as good as nothing.
pub(crate) fn optional_integer<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i32>, D::Error> {
    let value: Option<Integer> = Option::deserialize(deserializer)?;
    Ok(value.map(|Integer(value)| value))
}

/// A text that a new thing may lack: null and a blank one are as good as nothing.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !is_blank(text)))
}

/// A field that a change (RFC 7396) may leave out, but not remove: null is refused.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A number that a change may leave out (`None`), remove by null (`Some(None)`) or set.
pub(crate) fn removable_integer<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<i32>>, D::Error> {
    optional_integer(deserializer).map(Some)
}

/// The same of a text. A blank one removes it, too.
pub(crate) fn removable_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    optional_text(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Number {
        #[serde(deserialize_with = "integer")]
        n: i32,
    }

    fn read(number: &str) -> Result<i32, String> {
        let read: Result<Number, _> = serde_json::from_str(&format!("{{\"n\":{number}}}"));
        read.map(|number| number.n).map_err(|error| error.to_string())
    }

    #[test]
    fn an_integer_may_have_a_fraction_of_nothing() {
        for (text, value) in [
            ("5", 5),
            ("5.0", 5),
            ("5e0", 5),
            ("0.5e1", 5),
            ("-0.0", 0),
            ("-2147483648.0", i32::MIN),
            ("2147483647", i32::MAX),
        ] {
            assert_eq!(read(text), Ok(value), "{text}");
        }
        for (text, words) in [
            ("5.5", "invalid type: floating point `5.5`, expected a whole number"),
            ("1e-9", "invalid type: floating point"),
            ("\"5\"", "invalid type: string"),
            ("null", "invalid type: null"),
            ("true", "invalid type: boolean"),
            ("2147483648", "invalid value: integer `2147483648`"),
            ("2147483648.0", "invalid value: integer `2147483648`"),
            ("1e300", "invalid value: integer"),
            ("-1e300", "invalid value: integer"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.starts_with(words), "{text}: {refused}");
        }
    }
}
