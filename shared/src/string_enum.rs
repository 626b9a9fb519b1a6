//! Enums whose values are words in JSON, URLs and tables.

/// Defines an enum whose values are words: the same in JSON, URLs, tables and Rust.
///
/// An `open` enum may get more values in a later version. Older clients read those as `Unknown`
/// instead of failing; fields of requests refuse them by `deserialize_with = "…::known"`.
macro_rules! string_enum {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $text:literal,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        $crate::string_enum::words!($name, { $($variant => $text,)* } [], [$($doc),*], []);

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                $name::known(deserializer)
            }
        }
    };
    ($(#[doc = $doc:literal])* open $name:ident $(like $example:literal)? { $($(#[$variant_doc:meta])* $variant:ident => $text:literal,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            /// A value of a later version; it is never sent.
            Unknown,
            $($(#[$variant_doc])* $variant,)*
        }

        $crate::string_enum::words!(
            $name,
            { $($variant => $text,)* } [Unknown],
            [$($doc,)* "Clients must expect further values."],
            [$($example)?]
        );

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Ok(text.parse().unwrap_or($name::Unknown))
            }
        }
    };
}

/// The conversions between values and words that both kinds of enum share.
macro_rules! words {
    ($name:ident, { $($variant:ident => $text:literal,)* } [$($unknown:ident)?], [$($doc:literal),*], [$($example:literal)?]) => {
        impl $name {
            /// All values, in the order of a menu.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                    $($name::$unknown => "unknown",)?
                }
            }

            /// Reads a value of a request: unknown words are refused.
            pub fn known<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                let unknown = |_| serde::de::Error::unknown_variant(&text, &[$($text),*]);
                text.parse().map_err(unknown)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ValueError;

            fn from_str(text: &str) -> Result<$name, $crate::ValueError> {
                $name::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    let words = [$($text),*];
                    let detail = format!("this must be one of {}", words.join(", "));
                    $crate::ValueError::new($crate::FieldErrorCode::InvalidValue, detail)
                        .with($crate::FieldErrorParams::allowed(words))
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::string_enum::schema(&[$($doc),*], &[$($text),*], &[$($example)?])
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    };
}

pub(crate) use {string_enum, words};

/// The schema of an enum's words.
#[cfg(feature = "openapi")]
pub(crate) fn schema(
    doc: &[&str],
    words: &[&str],
    examples: &[&str],
) -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    use utoipa::openapi::schema::{ObjectBuilder, Type};

    let lines: Vec<_> = doc.iter().map(|line| line.trim()).collect();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(lines.join("\n")))
        .enum_values(Some(words.iter().copied()))
        .examples(examples.iter().copied())
        .into()
}
