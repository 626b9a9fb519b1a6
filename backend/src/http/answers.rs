//! Answers to the public's reads: made on a thread that may block, kept as bytes, and given again
//! while nothing has changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::{Ready, ready};
use ostrakon_shared::{PageLimit, ProductId, Rating, ReviewId, ReviewSort};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde::Serialize;

use super::error::ApiError;
use super::position;
use super::respond::{Answer, Fresh};
use super::threads::Readers;
use crate::store::{Store, StoreError, Subject};

/// What other processes write is seen after this time at the latest. What this one writes is seen
/// at once; and so is, by any process, what its client has written: see [`position`].
const MAX_AGE: Duration = Duration::from_secs(1);

/// Roughly what an answer takes beside its body, in bytes.
const OVERHEAD_BYTES: u64 = 512;

/// Which answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A product with its rating.
    Product(ProductId),
    /// A product's rating.
    Rating(ProductId),
    /// The first page of a list of a product's reviews.
    FirstPage(ProductId, ReviewSort, Option<Rating>, PageLimit),
    /// A review.
    Review(ReviewId),
}

impl Key {
    fn subject(self) -> Subject {
        match self {
            Key::Product(id) | Key::Rating(id) | Key::FirstPage(id, ..) => Subject::Product(id),
            Key::Review(id) => Subject::Review(id),
        }
    }
}

/// Answers that were given a moment ago.
pub struct Answers(Option<Cache<Key, Arc<Kept>, Bytes>>);

/// An answer, and what may be newer than it is.
struct Kept {
    answer: Answer,
    /// The subject's revision, as it was before the answer was read.
    revision: u64,
    read_at: Instant,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Arc<Kept>> for Bytes {
    fn weight(&self, _: &Key, kept: &Arc<Kept>) -> u64 {
        kept.answer.len() as u64 + OVERHEAD_BYTES
    }
}

impl Answers {
    /// Room for so many bytes; with 0, nothing is kept.
    pub fn new(bytes: u64) -> Answers {
        let likely_number = usize::try_from(bytes / 4_096).unwrap_or(usize::MAX);
        Answers((bytes > 0).then(|| Cache::with_weighter(likely_number, bytes, Bytes)))
    }
}

/// What a handler that answers the public needs.
pub struct Public {
    store: Data<Store>,
    readers: Data<Readers>,
    answers: Data<Answers>,
}

impl FromRequest for Public {
    type Error = ApiError;
    type Future = Ready<Result<Public, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let data = || {
            let store = request.app_data::<Data<Store>>()?.clone();
            let readers = request.app_data::<Data<Readers>>()?.clone();
            let answers = request.app_data::<Data<Answers>>()?.clone();
            Some(Public { store, readers, answers })
        };
        let missing = || StoreError::Internal("the application lacks its data".to_owned()).into();
        ready(data().ok_or_else(missing))
    }
}

impl Public {
    /// The answer that `read` makes.
    pub async fn answer<T: Serialize + Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<Fresh<T>, StoreError> + Send + 'static,
    ) -> Result<Answer, ApiError> {
        let made = |store: &Store| read(store)?.into_answer();
        self.readers.read(self.store.clone(), made).await
    }

    /// The same; or what was made under this key, if nothing has changed since.
    pub async fn kept_answer<T: Serialize + Send + 'static>(
        &self,
        key: Key,
        read: impl FnOnce(&Store) -> Result<Fresh<T>, StoreError> + Send + 'static,
    ) -> Result<Answer, ApiError> {
        let Some(answers) = self.answers.0.as_ref().filter(|_| position::seen().is_empty()) else {
            return self.answer(read).await;
        };
        let revision = self.store.revision(key.subject());
        let is_good =
            |kept: &Arc<Kept>| kept.revision == revision && kept.read_at.elapsed() < MAX_AGE;
        if let Some(kept) = answers.get(&key).filter(is_good) {
            return Ok(kept.answer.clone());
        }
        let read_at = Instant::now();
        let answer = self.answer(read).await?;
        if answer.may_be_kept() {
            answers.insert(key, Arc::new(Kept { answer: answer.clone(), revision, read_at }));
        }
        Ok(answer)
    }
}
