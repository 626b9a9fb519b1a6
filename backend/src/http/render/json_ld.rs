//! Structured data for search engines, as JSON-LD.

use maud::{Markup, PreEscaped};
use ostrakon_shared::{Product, ProductRating};
use serde::Serialize;
use serde_json::json;

use crate::store::StoreError;

/// The product as <https://schema.org/Product>.
pub fn linked_data(product: &Product, rating: &ProductRating) -> serde_json::Value {
    let mut data = json!({
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.name,
    });
    let mut put = |name: &str, value: Option<serde_json::Value>| {
        if let Some(value) = value {
            data[name] = value;
        }
    };
    put("description", product.description.as_deref().map(Into::into));
    put("sku", product.sku.as_deref().map(Into::into));
    put("image", product.picture_url.as_deref().map(Into::into));
    // Without ratings there is no average.
    put(
        "aggregateRating",
        rating.average.map(|average| {
            json!({
                "@type": "AggregateRating",
                "ratingValue": average,
                "bestRating": 5,
                "worstRating": 1,
                "ratingCount": rating.histogram.iter().sum::<u64>(),
                "reviewCount": rating.count,
            })
        }),
    );
    data
}

/// JSON for a script element; escapes `<`, which could end it.
pub fn script_json(value: &impl Serialize) -> Result<Markup, StoreError> {
    let json =
        serde_json::to_string(value).map_err(|error| StoreError::Internal(error.to_string()))?;
    Ok(PreEscaped(json.replace('<', "\\u003c")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_in_its_script() {
        let evil = "</script><!--<script>\u{2028}\"";
        let json = script_json(&evil).unwrap().into_string();
        assert!(!json.contains('<'), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), evil);
    }
}
