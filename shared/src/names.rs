//! Words that stand for values in JSON, URLs and tables.

/// An enum whose values are words: the same ones in JSON, in URLs, in tables and in Rust.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        // Not by a `rename` of each variant: utoipa doesn't see what a macro writes there.
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every value, in the order in which a menu would list them.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }
        }

        // The derived one takes a value that is no text for a mistake in the JSON.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = String::deserialize(deserializer)?;
                let unknown = |_| serde::de::Error::unknown_variant(&text, &[$($text),*]);
                text.parse().map_err(unknown)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
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
    };
}

pub(crate) use names;
