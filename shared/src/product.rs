//! Products and their ratings.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::json::{RequestBody, max_bytes, optional_text, present, removable_text};
use crate::problem::{FieldError, FieldErrorCode, ValueError};
use crate::review::{MAX_RATING, MIN_RATING, rating_params};
use crate::text::{Lines, name_error, text_error};
use crate::{Page, ProductId};

/// The maximum number of characters of a search text.
pub const MAX_SEARCH_CHARS: usize = 100;
/// The maximum number of products in a request for ratings.
pub const MAX_PRODUCTS_PER_BATCH: usize = 100;

/// The maximum number of characters of a product's name.
pub const MAX_PRODUCT_NAME_CHARS: usize = 255;
/// The maximum number of characters of a product's description.
pub const MAX_PRODUCT_DESCRIPTION_CHARS: usize = 2_000;
/// The maximum number of characters of a stock keeping unit.
pub const MAX_SKU_CHARS: usize = 64;
/// The maximum number of characters of a picture's address.
pub const MAX_URL_CHARS: usize = 2_000;

/// A rating: 1 to 5 stars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Rating(u8);

impl Rating {
    /// All ratings, the best first.
    pub const BEST_FIRST: [Rating; 5] = [Rating(5), Rating(4), Rating(3), Rating(2), Rating(1)];

    /// The number of stars.
    pub const fn stars(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Rating {
    type Error = ValueError;

    fn try_from(stars: u8) -> Result<Rating, ValueError> {
        if (MIN_RATING..=MAX_RATING).contains(&i32::from(stars)) {
            Ok(Rating(stars))
        } else {
            Err(no_rating(Some(stars.into())))
        }
    }
}

impl FromStr for Rating {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Rating, ValueError> {
        let stars: i64 = text.parse().map_err(|_| no_rating(None))?;
        u8::try_from(stars).map_err(|_| no_rating(Some(stars)))?.try_into()
    }
}

fn no_rating(actual: Option<i64>) -> ValueError {
    let detail = format!("a rating is a whole number from {MIN_RATING} to {MAX_RATING}");
    ValueError::new(FieldErrorCode::OutOfRange, detail).with(rating_params(actual))
}

impl From<Rating> for u8 {
    fn from(rating: Rating) -> u8 {
        rating.0
    }
}

#[cfg(feature = "openapi")]
mod openapi {
    use utoipa::openapi::RefOr;
    use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
    use utoipa::{PartialSchema, ToSchema};

    use super::{MAX_RATING, MIN_RATING, Rating};

    impl PartialSchema for Rating {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .description(Some("A rating in stars."))
                .minimum(Some(MIN_RATING))
                .maximum(Some(MAX_RATING))
                .examples([5])
                .into()
        }
    }
    impl ToSchema for Rating {}
}

/// The rating of a product: the counts of its reviews, and their average.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProductRating {
    /// All reviews, those without a rating included.
    #[cfg_attr(feature = "openapi", schema(example = 7))]
    pub count: u64,
    /// The mean of the ratings, rounded to one decimal; null without ratings.
    #[cfg_attr(feature = "openapi", schema(example = 4.3, minimum = 1, maximum = 5))]
    pub average: Option<f64>,
    /// Reviews with 1, 2, 3, 4 and 5 stars, in this order.
    #[cfg_attr(feature = "openapi", schema(example = json!([0, 1, 0, 1, 4]), min_items = 5, max_items = 5))]
    pub histogram: [u64; 5],
    /// Reviews without a rating. They are in `count`, but not in the average.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub unrated: u64,
}

impl ProductRating {
    /// The rating with these counts: reviews without a rating, and with 1 to 5 stars.
    pub fn from_counts(unrated: u64, histogram: [u64; 5]) -> ProductRating {
        let rated: u64 = histogram.iter().sum();
        let stars: u64 = histogram.iter().zip(1..).map(|(count, stars)| count * stars).sum();
        // Rounds half up in whole tenths; binary fractions would round 4.25 down and 4.35 up.
        let average = (rated > 0).then(|| ((20 * stars + rated) / (2 * rated)) as f64 / 10.0);
        ProductRating { count: rated + unrated, average, histogram, unrated }
    }

    /// The rating after one more review.
    pub fn with(&self, rating: Option<Rating>) -> ProductRating {
        let (mut unrated, mut histogram) = (self.unrated, self.histogram);
        match rating {
            Some(rating) => histogram[usize::from(rating.stars()) - 1] += 1,
            None => unrated += 1,
        }
        ProductRating::from_counts(unrated, histogram)
    }
}

/// A product that people review.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Product {
    /// The product's id.
    pub id: ProductId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "Brown teddy bear"))]
    pub name: String,
    /// A short description.
    #[cfg_attr(feature = "openapi", schema(example = "Soft, brown and patient."))]
    pub description: Option<String>,
    /// The shop's number for it (stock keeping unit).
    #[cfg_attr(feature = "openapi", schema(example = "TOY-0001"))]
    pub sku: Option<String>,
    /// The address of its picture.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "https://shop.example/bear.jpg", format = "uri")
    )]
    pub picture_url: Option<String>,
    /// Whether it has left the catalogue: its reviews stay, new ones are refused.
    pub archived: bool,
    /// Its rating; null only in a partial response, if a database with its reviews is down.
    pub rating: Option<ProductRating>,
}

/// A page of products.
pub type ProductPage = Page<Product>;

/// A product as admins edit it, archived or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminProduct {
    /// The product's id.
    pub id: ProductId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "Brown teddy bear"))]
    pub name: String,
    /// A short description.
    #[cfg_attr(feature = "openapi", schema(example = "Soft, brown and patient."))]
    pub description: Option<String>,
    /// The shop's number for it (stock keeping unit).
    #[cfg_attr(feature = "openapi", schema(example = "TOY-0001"))]
    pub sku: Option<String>,
    /// The address of its picture.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "https://shop.example/bear.jpg", format = "uri")
    )]
    pub picture_url: Option<String>,
    /// Whether it has left the catalogue.
    pub archived: bool,
    /// Counts its changes, from 1; its ETag, and what `If-Match` takes.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub version: i32,
}

/// A page of products as admins edit them.
pub type AdminProductPage = Page<AdminProduct>;

/// A new product.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    /// Its name.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 255, example = "Brown teddy bear")
    )]
    pub name: String,
    /// A short description.
    #[serde(default, deserialize_with = "optional_text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 2_000, example = "Soft, brown and patient.")
    )]
    pub description: Option<String>,
    /// The shop's number for it (stock keeping unit); it is unique.
    #[serde(default, deserialize_with = "optional_text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64, example = "TOY-0001"))]
    pub sku: Option<String>,
    /// The https address of its picture.
    #[serde(default, deserialize_with = "optional_text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(
            min_length = 1,
            max_length = 2_000,
            example = "https://shop.example/bear.jpg",
            format = "uri"
        )
    )]
    pub picture_url: Option<String>,
}

impl RequestBody for NewProduct {
    const MAX_BYTES: usize = max_bytes(
        MAX_PRODUCT_NAME_CHARS + MAX_PRODUCT_DESCRIPTION_CHARS + MAX_SKU_CHARS + MAX_URL_CHARS,
    );
}

impl NewProduct {
    /// The errors of this product, at most one per field.
    pub fn validate(&self) -> Vec<FieldError> {
        let name = name_error("name", Some(&self.name), MAX_PRODUCT_NAME_CHARS);
        let description = self.description.as_deref().and_then(|text| {
            text_error("description", text, MAX_PRODUCT_DESCRIPTION_CHARS, Lines::Many)
        });
        let sku = name_error("sku", self.sku.as_deref(), MAX_SKU_CHARS);
        let picture = name_error("picture_url", self.picture_url.as_deref(), MAX_URL_CHARS);
        let picture = picture.or_else(|| {
            let secure =
                |url: &String| url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty());
            self.picture_url.as_ref().filter(|url| !secure(url)).map(|_| {
                let detail = "The address of a picture begins with https://.".to_owned();
                FieldError::at_field("picture_url", FieldErrorCode::InvalidValue, detail)
            })
        });
        [name, description, sku, picture].into_iter().flatten().collect()
    }
}

/// A change of a product (RFC 7396): omitted fields stay, null removes them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProductEdit {
    /// Its name.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 255, example = "Brown teddy bear")
    )]
    pub name: Option<String>,
    /// A short description.
    #[serde(default, deserialize_with = "removable_text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, min_length = 1, max_length = 2_000, example = "Soft, brown and patient."))]
    pub description: Option<Option<String>>,
    /// The shop's number for it (stock keeping unit).
    #[serde(default, deserialize_with = "removable_text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, min_length = 1, max_length = 64, example = "TOY-0001"))]
    pub sku: Option<Option<String>>,
    /// The https address of its picture.
    #[serde(default, deserialize_with = "removable_text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, min_length = 1, max_length = 2_000, example = "https://shop.example/bear.jpg", format = "uri"))]
    pub picture_url: Option<Option<String>>,
    /// Whether it is archived: true removes it from the catalogue, false brings it back.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
}

impl RequestBody for ProductEdit {
    const MAX_BYTES: usize = NewProduct::MAX_BYTES;
}

impl ProductEdit {
    /// The product after the change, in the form of a new one.
    pub fn applied_to(&self, product: &AdminProduct) -> NewProduct {
        let text = |change: &Option<Option<String>>, now: &Option<String>| {
            change.clone().unwrap_or_else(|| now.clone())
        };
        NewProduct {
            name: self.name.clone().unwrap_or_else(|| product.name.clone()),
            description: text(&self.description, &product.description),
            sku: text(&self.sku, &product.sku),
            picture_url: text(&self.picture_url, &product.picture_url),
        }
    }
}

/// A product's id and its rating.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RatedProduct {
    /// The product's id.
    pub product_id: ProductId,
    /// Its rating.
    pub rating: ProductRating,
}

/// The ratings of several products.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProductRatingList {
    /// The ratings in the order of the request, each product once, without unknown products.
    pub items: Vec<RatedProduct>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_round_half_up_to_one_decimal() {
        let average = |histogram| ProductRating::from_counts(9, histogram).average;
        assert_eq!(average([0, 0, 0, 0, 0]), None);
        assert_eq!(average([1, 0, 0, 0, 0]), Some(1.0));
        assert_eq!(average([0, 0, 0, 0, 3]), Some(5.0));
        assert_eq!(average([0, 0, 0, 3, 1]), Some(4.3)); // 4.25
        assert_eq!(average([0, 0, 0, 13, 7]), Some(4.4)); // 4.35
        assert_eq!(average([1, 0, 0, 0, 1]), Some(3.0));
        assert_eq!(average([0, 0, 1, 2, 0]), Some(3.7)); // 3.667
    }

    #[test]
    fn unrated_reviews_count_but_do_not_weigh() {
        let rating = ProductRating::from_counts(2, [0, 0, 0, 0, 1]);
        assert_eq!((rating.count, rating.average), (3, Some(5.0)));
        let stars = |n| Rating::try_from(n).ok();
        assert_eq!(
            rating.with(None).with(stars(4)),
            ProductRating::from_counts(3, [0, 0, 0, 1, 1])
        );
    }
}
