//! Drafts of reviews.

use std::collections::HashMap;

use leptos::prelude::*;
use ostrakon_shared::text::is_blank;
use ostrakon_shared::{NewReview, ProductId, Review, ReviewEdit};

/// The drafts of pages that the user has left, provided as context.
#[derive(Clone, Copy)]
pub struct Drafts(StoredValue<HashMap<ProductId, NewReview>>);

impl Drafts {
    pub fn new() -> Drafts {
        Drafts(StoredValue::new(HashMap::new()))
    }

    /// The draft for this product, or an empty one.
    pub fn open(self, product: ProductId) -> Draft {
        let left = self.0.with_value(|drafts| drafts.get(&product).cloned()).unwrap_or_default();
        let draft = Draft::new(left);
        on_cleanup(move || {
            self.0.update_value(|drafts| _ = drafts.insert(product, draft.review_untracked()));
        });
        draft
    }

    /// Removes the draft for this product.
    pub fn discard(self, product: ProductId) {
        self.0.update_value(|drafts| _ = drafts.remove(&product));
    }
}

/// The content of a review form's fields.
#[derive(Clone, Copy)]
pub struct Draft {
    /// The stars.
    pub rating: RwSignal<Option<i32>>,
    /// The title; may be empty.
    pub title: RwSignal<String>,
    /// The text.
    pub body: RwSignal<String>,
    /// The author's name; may be empty.
    pub author_name: RwSignal<String>,
}

impl Draft {
    fn new(review: NewReview) -> Draft {
        Draft {
            rating: RwSignal::new(review.rating),
            title: RwSignal::new(review.title.unwrap_or_default()),
            body: RwSignal::new(review.body),
            author_name: RwSignal::new(review.author_name.unwrap_or_default()),
        }
    }

    /// A draft with the content of a review.
    pub fn of(review: &Review) -> Draft {
        Draft::new(ReviewEdit::default().applied_to(review))
    }

    /// The review to be posted, without empty fields.
    pub fn review(self) -> NewReview {
        let optional = |text: String| if is_blank(&text) { None } else { Some(text) };
        NewReview {
            rating: self.rating.get(),
            title: optional(self.title.get()),
            body: self.body.get(),
            author_name: optional(self.author_name.get()),
        }
    }

    /// The same, for event handlers.
    pub fn review_untracked(self) -> NewReview {
        untrack(|| self.review())
    }

    /// Fills the fields with the content of a review.
    pub fn fill(self, review: &Review) {
        self.set(ReviewEdit::default().applied_to(review));
    }

    /// Empties all fields.
    pub fn clear(self) {
        self.set(NewReview::default());
    }

    fn set(self, review: NewReview) {
        self.rating.set(review.rating);
        self.title.set(review.title.unwrap_or_default());
        self.body.set(review.body);
        self.author_name.set(review.author_name.unwrap_or_default());
    }
}

/// The edit that gives a review this content.
pub fn edit_to(review: NewReview) -> ReviewEdit {
    let NewReview { rating, title, body, author_name } = review;
    ReviewEdit {
        rating: Some(rating),
        title: Some(title),
        body: Some(body),
        author_name: Some(author_name),
    }
}

/// Whether two reviews differ in the field of this name.
pub fn differ_in(field: &str, one: &NewReview, other: &NewReview) -> bool {
    match field {
        "rating" => one.rating != other.rating,
        "title" => one.title != other.title,
        "body" => one.body != other.body,
        "author_name" => one.author_name != other.author_name,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviews_are_compared_by_the_names_of_their_fields() {
        let bad = NewReview {
            rating: Some(0),
            title: Some("\0".to_owned()),
            body: String::new(),
            author_name: Some(String::new()),
        };
        let good =
            NewReview { rating: Some(1), title: None, body: "fine".to_owned(), author_name: None };
        let errors = bad.validate();
        assert_eq!(errors.len(), 4);
        for error in errors {
            let pointer = error.pointer.expect("each error is about a field");
            let field = pointer.trim_start_matches('/');
            assert!(differ_in(field, &bad, &good), "{field}");
            assert!(!differ_in(field, &bad, &bad.clone()), "{field}");
        }
    }
}
