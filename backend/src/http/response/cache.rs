//! Answers to the public's reads: made on a thread that may block, kept as bytes, and given again
//! while nothing has changed.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use arc_swap::ArcSwapOption;
use futures_util::future::{Ready, ready};
use ostrakon_shared::{PageLimit, ProductId, Rating, ReviewId, ReviewSort};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde::Serialize;

use crate::http::blocking::{RequestStore, reading};
use crate::http::response::compression::Coding;
use crate::http::response::json::{Answer, Fresh};
use crate::http::response::problem::ApiError;
use crate::store::{Store, StoreError, Subject};

/// What other processes write is seen after this time at the latest. What this one writes is seen
/// at once; and so is, by any process, what its client has written: see [`crate::http::middleware::consistency_token`].
const MAX_AGE: Duration = Duration::from_secs(1);

/// An answer that is still asked for is renewed before it is too old, so that hardly anybody waits
/// for that: at an age of so many milliseconds, which one is by chance. Answers that were first
/// given at the same time would otherwise all be read at the same time, again and again. It is not
/// read where a stamp tells that nothing has changed.
const RENEW_AT_MS: Range<u64> = 600..900;

/// A stamp is not taken more often.
const STAMP_AGE: Duration = Duration::from_millis(100);

/// Roughly what an answer takes beside its body, in bytes.
const OVERHEAD_BYTES: u64 = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    Product(ProductId),
    Rating(ProductId),
    /// The first page of a list of a product's reviews.
    FirstPage(ProductId, ReviewSort, Option<Rating>, PageLimit),
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
pub struct Answers {
    /// By coding too: each is made, and compressed, once.
    cache: Option<Cache<(Key, Coding), Arc<Kept>, Bytes>>,
    stamp: ArcSwapOption<Stamp>,
}

/// At a time, [`Store::stamp`]: an answer that was read after a stamp was taken is as good as one
/// that was read when the same was taken again.
struct Stamp {
    value: i64,
    taken_at: Instant,
}

/// An answer, and what may be newer than it is.
struct Kept {
    answer: Answer,
    /// The subject's revision, as it was before the answer was read.
    revision: u64,
    /// The last stamp before that.
    stamp: Option<i64>,
    read_at: Instant,
    /// At which age it is to be renewed.
    renew_at: Duration,
    /// Whether somebody does that already.
    is_renewed: AtomicBool,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<(Key, Coding), Arc<Kept>> for Bytes {
    fn weight(&self, _: &(Key, Coding), kept: &Arc<Kept>) -> u64 {
        kept.answer.len() as u64 + OVERHEAD_BYTES
    }
}

impl Answers {
    /// Room for so many bytes; with 0, nothing is kept.
    pub fn new(bytes: u64) -> Answers {
        let likely_number = usize::try_from(bytes / 4_096).unwrap_or(usize::MAX);
        let cache = (bytes > 0).then(|| Cache::with_weighter(likely_number, bytes, Bytes));
        Answers { cache, stamp: ArcSwapOption::empty() }
    }

    /// The answer that may be given, if there is one: nothing that it should show has changed.
    fn current(&self, key: (Key, Coding), store: &Store) -> Option<Arc<Kept>> {
        let kept = self.cache.as_ref()?.get(&key)?;
        let is_current = kept.revision == store.revision(key.0.subject());
        (is_current && self.age(&kept) < MAX_AGE).then_some(kept)
    }

    /// For how long others may have changed what it shows.
    fn age(&self, kept: &Kept) -> Duration {
        let since_read = kept.read_at.elapsed();
        match &*self.stamp.load() {
            Some(stamp) if kept.stamp == Some(stamp.value) => {
                since_read.min(stamp.taken_at.elapsed())
            }
            _ => since_read,
        }
    }

    fn is_old(&self, kept: &Kept) -> bool {
        self.age(kept) >= kept.renew_at
    }

    /// Makes the answer, and keeps it.
    fn make<T: Serialize>(
        &self,
        key: (Key, Coding),
        store: &Store,
        read: impl FnOnce(&Store) -> Result<Fresh<T>, StoreError>,
    ) -> Result<Answer, StoreError> {
        self.take_stamp(store);
        // Who waited for the same may have had his turn before; or nothing has changed.
        if let Some(kept) = self.current(key, store).filter(|kept| !self.is_old(kept)) {
            kept.is_renewed.store(false, Ordering::Relaxed);
            return Ok(kept.answer.clone());
        }
        let (revision, read_at) = (store.revision(key.0.subject()), Instant::now());
        let stamp = self.stamp.load().as_ref().map(|stamp| stamp.value);
        let answer = read(store)?.into_answer(key.1)?;
        if let Some(cache) = self.cache.as_ref().filter(|_| answer.may_be_kept()) {
            let kept = Kept {
                answer: answer.clone(),
                revision,
                stamp,
                read_at,
                renew_at: Duration::from_millis(fastrand::u64(RENEW_AT_MS)),
                is_renewed: AtomicBool::new(false),
            };
            cache.insert(key, Arc::new(kept));
        }
        Ok(answer)
    }

    fn take_stamp(&self, store: &Store) {
        let is_new = |stamp: &Arc<Stamp>| stamp.taken_at.elapsed() < STAMP_AGE;
        if self.stamp.load().as_ref().is_some_and(is_new) {
            return;
        }
        let taken_at = Instant::now();
        if let Some(value) = store.stamp() {
            self.stamp.store(Some(Arc::new(Stamp { value, taken_at })));
        }
    }
}

/// What a handler that answers the public needs.
#[derive(Clone)]
pub struct Public {
    store: RequestStore,
    answers: Data<Answers>,
    accepted: Coding,
}

impl FromRequest for Public {
    type Error = ApiError;
    type Future = Ready<Result<Public, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let data = || {
            let answers = request.app_data::<Data<Answers>>()?.clone();
            let store = RequestStore::of(request).ok()?;
            Some(Public { store, answers, accepted: Coding::of(request) })
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
        let accepted = self.accepted;
        let made = move |store: &Store| read(store)?.into_answer(accepted);
        reading(self.store.clone(), made).await
    }

    /// The same; or what was made under this key, if nothing has changed since.
    pub async fn kept_answer<T: Serialize + Send + 'static>(
        &self,
        key: Key,
        read: impl FnOnce(&Store) -> Result<Fresh<T>, StoreError> + Send + 'static,
    ) -> Result<Answer, ApiError> {
        if self.answers.cache.is_none() || !self.store.context().seen().is_empty() {
            return self.answer(read).await;
        }
        let (answers, key) = (self.answers.clone(), (key, self.accepted));
        let make = move |store: &Store| answers.make(key, store, read);
        let Some(kept) = self.answers.current(key, &self.store) else {
            return reading(self.store.clone(), make).await;
        };
        if self.answers.is_old(&kept) && !kept.is_renewed.swap(true, Ordering::Relaxed) {
            let store = self.store.clone();
            // If it fails, those are told who ask when this one is too old.
            actix_web::rt::spawn(async move { reading(store, make).await.ok() });
        }
        Ok(kept.answer.clone())
    }
}
