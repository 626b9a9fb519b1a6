//! Drafts of reviews, kept on the device: they survive reloading, leaving the site, and signing in.

use leptos::prelude::*;
use ostrakon_shared::text::is_blank;
use ostrakon_shared::{NewReview, ProductId, Review, ReviewEdit, ReviewId};

use crate::net::idempotency::random_key;

/// What a draft is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A review of this product.
    New(ProductId),
    /// A change of this review.
    Edit(ReviewId),
}

/// Separates the parts of a stored draft: its stars, title, text, name, and the idempotency key once it
/// has been sent, because whether it arrived may be unknown. JSON would be 4 kB more of the app.
const SEPARATOR: char = '\0';

impl Subject {
    fn name(self) -> String {
        match self {
            Subject::New(product) => format!("ostrakon.draft.product.{product}"),
            Subject::Edit(review) => format!("ostrakon.draft.review.{review}"),
        }
    }

    fn load(self) -> Option<(NewReview, Option<String>)> {
        let text = storage()?.get_item(&self.name()).ok().flatten()?;
        let mut parts = text.splitn(5, SEPARATOR).map(str::to_owned);
        let rating = parts.next()?.parse().ok();
        let mut optional = || parts.next().filter(|part| !part.is_empty());
        let (title, body) = (optional(), optional().unwrap_or_default());
        let (author_name, key) = (optional(), optional());
        Some((NewReview { rating, title, body, author_name }, key))
    }

    /// Without storage, or if it is full, the draft lasts as long as the page.
    fn store(self, review: NewReview, key: Option<String>) {
        let NewReview { rating, title, body, author_name } = review;
        let rating = rating.map(|stars| stars.to_string());
        let mut text = String::new();
        for part in [rating, title, Some(body), author_name, key] {
            // The server refuses this character, so that a text that has it can lose it.
            text.extend(part.unwrap_or_default().chars().filter(|&char| char != SEPARATOR));
            text.push(SEPARATOR);
        }
        if let Some(storage) = storage() {
            _ = storage.set_item(&self.name(), text.trim_end_matches(SEPARATOR));
        }
    }

    /// Whether there is a draft.
    pub fn has_draft(self) -> bool {
        self.load().is_some()
    }

    /// Keeps this text as the draft.
    pub fn keep(self, review: NewReview) {
        self.store(review, None);
    }

    /// Removes the draft.
    pub fn forget(self) {
        if let Some(storage) = storage() {
            _ = storage.remove_item(&self.name());
        }
    }
}

/// The browser's storage, unless the user has forbidden it.
fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
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
    subject: Subject,
    /// The content of a form in which nothing has been written.
    initial: StoredValue<NewReview>,
    key: StoredValue<Option<String>>,
}

impl Draft {
    /// The draft for this, as it was left; otherwise `initial`. What the user writes is kept.
    pub fn open(subject: Subject, initial: NewReview) -> Draft {
        let (mut review, key) = subject.load().unwrap_or_else(|| (initial.clone(), None));
        // The account's own name is not kept: the next account is another one.
        if let Subject::New(_) = subject {
            review.author_name = review.author_name.or_else(|| initial.author_name.clone());
        }
        let draft = Draft {
            rating: RwSignal::new(review.rating),
            title: RwSignal::new(review.title.unwrap_or_default()),
            body: RwSignal::new(review.body),
            author_name: RwSignal::new(review.author_name.unwrap_or_default()),
            subject,
            initial: StoredValue::new(initial),
            key: StoredValue::new(key),
        };
        Effect::new(move || draft.save());
        draft
    }

    fn save(self) {
        let mut review = self.review();
        if !self.is_changed() {
            return self.subject.forget();
        }
        let name = self.initial.with_value(|initial| initial.author_name.clone());
        if matches!(self.subject, Subject::New(_)) {
            review.author_name = review.author_name.filter(|own| Some(own) != name.as_ref());
        }
        self.subject.store(review, self.key.get_value());
    }

    /// Whether something has been written.
    pub fn is_changed(self) -> bool {
        let review = self.review();
        self.initial.with_value(|initial| *initial != review)
    }

    /// The idempotency key, the same until the review has arrived: neither another attempt nor another
    /// letter makes a second review.
    pub fn key(self) -> String {
        let key = self.key.get_value().unwrap_or_else(random_key);
        self.key.set_value(Some(key.clone()));
        untrack(|| self.save());
        key
    }

    /// Makes the text another review than the one that has arrived.
    pub fn renew_key(self) {
        self.key.set_value(None);
        untrack(|| self.save());
    }

    /// Empties the form after it was sent. What the user has written since is kept, as another review.
    pub fn sent(self, review: &NewReview) {
        self.subject.forget();
        // The user may have left the page.
        if self.body.is_disposed() {
            return;
        }
        self.key.set_value(None);
        if self.review_untracked() == *review {
            self.discard();
        } else {
            untrack(|| self.save());
        }
    }

    /// Makes what the user has written, if anything, the draft for something else.
    pub fn continue_as(self, other: Subject) {
        if !self.body.is_disposed() && untrack(|| self.is_changed()) {
            other.keep(self.review_untracked());
            self.subject.forget();
        }
    }

    /// Undoes what the user has written.
    pub fn discard(self) {
        self.key.set_value(None);
        self.set(self.initial.get_value());
        self.subject.forget();
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
        self.initial.set_value(content_of(review));
        self.set(content_of(review));
    }

    fn set(self, review: NewReview) {
        self.rating.set(review.rating);
        self.title.set(review.title.unwrap_or_default());
        self.body.set(review.body);
        self.author_name.set(review.author_name.unwrap_or_default());
    }
}

/// The content of a review that its author can change.
pub fn content_of(review: &Review) -> NewReview {
    ReviewEdit::default().applied_to(review)
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
