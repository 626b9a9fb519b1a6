//! Reads the bodies of requests: functions for fields beyond serde's derives, and the maximum
//! length of a body.

use std::fmt;

use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use crate::text::is_blank;

/// The JSON body of a request.
pub trait RequestBody: DeserializeOwned {
    /// The maximum length in bytes, see [`max_bytes`].
    const MAX_BYTES: usize;
}

/// The length in bytes of the longest valid body whose texts have `chars` characters in all. JSON
/// needs at most two `\uXXXX` escapes for a character (RFC 8259, section 7); names, numbers and
/// white space get 4 KiB.
pub const fn max_bytes(chars: usize) -> usize {
    chars * 12 + 4_096
}

/// An integer of JSON Schema, where 5, 5.0 and 5e0 are equal. Integers beyond 32 bits are refused
/// with the range of the field; validation checks all others, together with the other fields.
struct Integer<const MINIMUM: i32, const MAXIMUM: i32>(i32);

impl<'de, const MINIMUM: i32, const MAXIMUM: i32> Deserialize<'de> for Integer<MINIMUM, MAXIMUM> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_i32(IntegerVisitor { minimum: MINIMUM, maximum: MAXIMUM })
            .map(Integer)
    }
}

struct IntegerVisitor {
    minimum: i32,
    maximum: i32,
}

impl IntegerVisitor {
    fn within<E: Error>(self, value: Option<i32>, unexpected: Unexpected<'_>) -> Result<i32, E> {
        value.ok_or_else(|| E::invalid_value(unexpected, &self))
    }
}

impl Visitor<'_> for IntegerVisitor {
    type Value = i32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {} to {}", self.minimum, self.maximum)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<i32, E> {
        self.within(i32::try_from(value).ok(), Unexpected::Signed(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<i32, E> {
        self.within(i32::try_from(value).ok(), Unexpected::Unsigned(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<i32, E> {
        // Floats represent each integer up to 2^53; numbers beyond are shown as they were read.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.fract() != 0.0 {
            Err(E::invalid_type(Unexpected::Float(value), &self))
        } else if value.abs() > EXACT {
            Err(E::invalid_value(Unexpected::Float(value), &self))
        } else {
            self.visit_i64(value as i64)
        }
    }
}

/// A number.
pub(crate) fn integer<'de, D: Deserializer<'de>, const MINIMUM: i32, const MAXIMUM: i32>(
    deserializer: D,
) -> Result<i32, D::Error> {
    Integer::<MINIMUM, MAXIMUM>::deserialize(deserializer).map(|Integer(value)| value)
}

/// An optional number of a new object; null counts as absent.
pub(crate) fn optional_integer<
    'de,
    D: Deserializer<'de>,
    const MINIMUM: i32,
    const MAXIMUM: i32,
>(
    deserializer: D,
) -> Result<Option<i32>, D::Error> {
    let value: Option<Integer<MINIMUM, MAXIMUM>> = Option::deserialize(deserializer)?;
    Ok(value.map(|Integer(value)| value))
}

/// An optional text of a new object; null and blank text count as absent.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !is_blank(text)))
}

/// A field that a change (RFC 7396) may omit, but not remove: null is refused.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A number that a change may omit (`None`), remove by null (`Some(None)`) or set.
pub(crate) fn removable_integer<
    'de,
    D: Deserializer<'de>,
    const MINIMUM: i32,
    const MAXIMUM: i32,
>(
    deserializer: D,
) -> Result<Option<Option<i32>>, D::Error> {
    optional_integer::<D, MINIMUM, MAXIMUM>(deserializer).map(Some)
}

/// A text that a change may omit, remove by null or blank text, or set.
pub(crate) fn removable_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    optional_text(deserializer).map(Some)
}

/// A timestamp of a response.
pub(crate) fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    checked_timestamp(&String::deserialize(deserializer)?)
}

/// An optional timestamp of a response.
pub(crate) fn optional_timestamp<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    text.as_deref().map(checked_timestamp).transpose()
}

fn checked_timestamp<E: Error>(text: &str) -> Result<Timestamp, E> {
    parse_timestamp(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &"a timestamp"))
}

#[cfg(not(target_arch = "wasm32"))]
fn parse_timestamp(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// The app uses the browser's parser: jiff's, with the texts of its errors, would add 33 kB.
#[cfg(target_arch = "wasm32")]
fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let unix_ms = js_sys::Date::parse(text);
    if unix_ms.is_nan() { None } else { Timestamp::from_millisecond(unix_ms as i64).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Number {
        #[serde(deserialize_with = "integer::<_, 1, 5>")]
        n: i32,
    }

    fn read(number: &str) -> Result<i32, String> {
        let read: Result<Number, _> = serde_json::from_str(&format!("{{\"n\":{number}}}"));
        read.map(|number| number.n).map_err(|error| error.to_string())
    }

    #[test]
    fn integers_accept_zero_fractions() {
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
            ("5.5", "invalid type: floating point `5.5`, expected a whole number from 1 to 5"),
            ("1e-9", "invalid type: floating point"),
            ("\"5\"", "invalid type: string"),
            ("null", "invalid type: null"),
            ("true", "invalid type: boolean"),
            (
                "2147483648",
                "invalid value: integer `2147483648`, expected a whole number from 1 to 5",
            ),
            ("2147483648.0", "invalid value: integer `2147483648`"),
            ("-9007199254740992.0", "invalid value: integer `-9007199254740992`"),
            ("18446744073709551615", "invalid value: integer `18446744073709551615`"),
            ("99999999999999999999999", "invalid value: floating point `"),
            ("1e300", "invalid value: floating point `1"),
            ("-1e300", "invalid value: floating point `-1"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.starts_with(words), "{text}: {refused}");
        }
    }
}
