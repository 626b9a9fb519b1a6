//! Reviews being written.

use std::collections::HashMap;

use leptos::prelude::*;
use ostrakon_shared::text::is_blank;
use ostrakon_shared::{FieldError, NewReview, ProductId, Review, ReviewEdit};

/// What has been written on pages that were left, as context: nobody has to write it again.
#[derive(Clone, Copy)]
pub struct Drafts(StoredValue<HashMap<ProductId, NewReview>>);

impl Drafts {
    /// No drafts so far.
    pub fn new() -> Drafts {
        Drafts(StoredValue::new(HashMap::new()))
    }

    /// The draft for a review of this product: what was left, or an empty one.
    pub fn open(self, product: ProductId) -> Draft {
        let left = self.0.with_value(|drafts| drafts.get(&product).cloned()).unwrap_or_default();
        let draft = Draft::new(left);
        on_cleanup(move || {
            self.0.update_value(|drafts| _ = drafts.insert(product, draft.review_untracked()));
        });
        draft
    }

    /// The draft that was left for this product is posted.
    pub fn discard(self, product: ProductId) {
        self.0.update_value(|drafts| _ = drafts.remove(&product));
    }
}

/// The content of the form's fields.
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

    /// What a review says now, to be changed.
    pub fn of(review: &Review) -> Draft {
        Draft::new(ReviewEdit::default().applied_to(review))
    }

    /// The review as it would be posted: fields that were left empty are left out.
    pub fn review(self) -> NewReview {
        let given = |text: String| (!is_blank(&text)).then_some(text);
        NewReview {
            rating: self.rating.get(),
            title: given(self.title.get()),
            body: self.body.get(),
            author_name: given(self.author_name.get()),
        }
    }

    /// The same, for event handlers.
    pub fn review_untracked(self) -> NewReview {
        untrack(|| self.review())
    }

    /// Replaces what is in the fields by what a review says.
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

/// The change that makes a review say this.
pub fn edit_to(review: NewReview) -> ReviewEdit {
    let NewReview { rating, title, body, author_name } = review;
    ReviewEdit {
        rating: Some(rating),
        title: Some(title),
        body: Some(body),
        author_name: Some(author_name),
    }
}

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The stars.
    Rating,
    /// The title.
    Title,
    /// The text.
    Body,
    /// The author's name.
    AuthorName,
}

impl Field {
    /// All fields, as they stand in the form.
    const ALL: [Field; 4] = [Field::Rating, Field::Title, Field::Body, Field::AuthorName];

    /// The field that an error is about, if it is about one of them.
    pub fn of(error: &FieldError) -> Option<Field> {
        let pointer = error.pointer.as_deref()?;
        Field::ALL.into_iter().find(|field| field.pointer() == pointer)
    }

    /// Its place in the JSON of a review.
    const fn pointer(self) -> &'static str {
        match self {
            Field::Rating => "/rating",
            Field::Title => "/title",
            Field::Body => "/body",
            Field::AuthorName => "/author_name",
        }
    }

    /// Its element's id in the form of this name.
    pub fn id(self, form: &str) -> String {
        format!("{form}-{}", self.pointer().trim_start_matches('/'))
    }

    /// Whether it holds the same in both reviews.
    pub fn is_same(self, one: &NewReview, other: &NewReview) -> bool {
        match self {
            Field::Rating => one.rating == other.rating,
            Field::Title => one.title == other.title,
            Field::Body => one.body == other.body,
            Field::AuthorName => one.author_name == other.author_name,
        }
    }
}

/// The first field of the form that these errors are about.
pub fn first_field(errors: &[FieldError]) -> Option<Field> {
    Field::ALL.into_iter().find(|field| errors.iter().any(|error| Field::of(error) == Some(*field)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_a_review_has_a_field() {
        let bad = NewReview {
            rating: Some(0),
            title: Some("\0".to_owned()),
            body: String::new(),
            author_name: Some(String::new()),
        };
        let errors = bad.errors();
        let fields: Vec<_> = errors.iter().filter_map(Field::of).collect();
        assert_eq!(fields, Field::ALL);
        assert_eq!(first_field(&errors[1..]), Some(Field::Title));
    }
}
