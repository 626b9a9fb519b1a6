//! The cache of public responses, as encoded bytes. An entry is used until its data changes.
//!
//! [`CacheKey`] lists what is cached. Look here when a client sees an outdated response.

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

use crate::http::blocking::{RequestStore, run_read};
use crate::http::response::compression::Coding;
use crate::http::response::json::{EncodedJson, JsonWithEtag};
use crate::http::response::problem::ApiError;
use crate::store::{Store, StoreError, Subject};

/// Writes of other processes become visible within this time; writes of this process, and those of
/// the client itself (see [`crate::http::middleware::consistency_token`]), at once.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The age, in milliseconds, at which a request for an entry refreshes it in the background, before
/// it expires. The age is random, so that entries of the same time are not all refreshed together.
/// An entry is not read again while the data version is the same.
const REFRESH_AFTER_MS: Range<u64> = 600..900;

/// How often the data version is checked at most.
const VERSION_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The approximate memory of an entry besides its body, in bytes.
const ENTRY_OVERHEAD_BYTES: u64 = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheKey {
    Product(ProductId),
    Rating(ProductId),
    /// The first page of a product's reviews.
    FirstPage(ProductId, ReviewSort, Option<Rating>, PageLimit),
    Review(ReviewId),
}

impl CacheKey {
    fn subject(self) -> Subject {
        match self {
            CacheKey::Product(id) | CacheKey::Rating(id) | CacheKey::FirstPage(id, ..) => {
                Subject::Product(id)
            }
            CacheKey::Review(id) => Subject::Review(id),
        }
    }
}

pub struct ResponseCache {
    /// The coding is part of the key, so that each response is compressed once.
    entries: Option<Cache<(CacheKey, Coding), Arc<Entry>, ByBytes>>,
    data_version: ArcSwapOption<DataVersion>,
}

/// `Cluster::data_version` at a time. If a later check finds the same version, responses that were
/// read after this one are still current.
struct DataVersion {
    value: i64,
    checked_at: Instant,
}

/// A cached response, and the state of the data when it was read.
struct Entry {
    answer: EncodedJson,
    /// The subject's change count before the response was read.
    change_count: u64,
    /// The last data version before that.
    data_version: Option<i64>,
    read_at: Instant,
    /// The age at which it is refreshed.
    refresh_after: Duration,
    /// Whether a request is refreshing it.
    is_refreshing: AtomicBool,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<(CacheKey, Coding), Arc<Entry>> for ByBytes {
    fn weight(&self, _: &(CacheKey, Coding), entry: &Arc<Entry>) -> u64 {
        entry.answer.len() as u64 + ENTRY_OVERHEAD_BYTES
    }
}

impl ResponseCache {
    /// A cache of this size; 0 disables it.
    pub fn new(bytes: u64) -> ResponseCache {
        let likely_number = usize::try_from(bytes / 4_096).unwrap_or(usize::MAX);
        let entries = (bytes > 0).then(|| Cache::with_weighter(likely_number, bytes, ByBytes));
        ResponseCache { entries, data_version: ArcSwapOption::empty() }
    }

    /// The cached response, if it is still current.
    fn current(&self, key: (CacheKey, Coding), store: &Store) -> Option<Arc<Entry>> {
        let entry = self.entries.as_ref()?.get(&key)?;
        let is_current = entry.change_count == store.cluster().change_count(key.0.subject());
        (is_current && self.age(&entry) < MAX_AGE).then_some(entry)
    }

    /// How long ago the entry was last known to be current, apart from changes by this process.
    fn age(&self, entry: &Entry) -> Duration {
        let since_read = entry.read_at.elapsed();
        match &*self.data_version.load() {
            Some(data_version) if entry.data_version == Some(data_version.value) => {
                since_read.min(data_version.checked_at.elapsed())
            }
            _ => since_read,
        }
    }

    fn needs_refresh(&self, entry: &Entry) -> bool {
        self.age(entry) >= entry.refresh_after
    }

    /// Reads and caches a response.
    fn refresh<T: Serialize>(
        &self,
        key: (CacheKey, Coding),
        store: &Store,
        read: impl FnOnce(&Store) -> Result<JsonWithEtag<T>, StoreError>,
    ) -> Result<EncodedJson, StoreError> {
        self.check_data_version(store);
        // Another request may have refreshed it, or nothing has changed.
        if let Some(entry) = self.current(key, store).filter(|entry| !self.needs_refresh(entry)) {
            entry.is_refreshing.store(false, Ordering::Relaxed);
            return Ok(entry.answer.clone());
        }
        let (change_count, read_at) =
            (store.cluster().change_count(key.0.subject()), Instant::now());
        let data_version = self.data_version.load().as_ref().map(|data_version| data_version.value);
        let answer = read(store)?.encode(key.1)?;
        if let Some(entries) = self.entries.as_ref().filter(|_| answer.is_cacheable()) {
            let entry = Entry {
                answer: answer.clone(),
                change_count,
                data_version,
                read_at,
                refresh_after: Duration::from_millis(fastrand::u64(REFRESH_AFTER_MS)),
                is_refreshing: AtomicBool::new(false),
            };
            entries.insert(key, Arc::new(entry));
        }
        Ok(answer)
    }

    fn check_data_version(&self, store: &Store) {
        let is_recent = |data_version: &Arc<DataVersion>| {
            data_version.checked_at.elapsed() < VERSION_CHECK_INTERVAL
        };
        if self.data_version.load().as_ref().is_some_and(is_recent) {
            return;
        }
        let checked_at = Instant::now();
        if let Some(value) = store.cluster().data_version() {
            self.data_version.store(Some(Arc::new(DataVersion { value, checked_at })));
        }
    }
}

/// The argument of handlers for public reads.
#[derive(Clone)]
pub struct PublicReader {
    store: RequestStore,
    cache: Data<ResponseCache>,
    accepted: Coding,
}

impl FromRequest for PublicReader {
    type Error = ApiError;
    type Future = Ready<Result<PublicReader, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let data = || {
            let cache = request.app_data::<Data<ResponseCache>>()?.clone();
            let store = RequestStore::of(request).ok()?;
            Some(PublicReader { store, cache, accepted: Coding::of(request) })
        };
        let missing = || StoreError::Internal("the application lacks its data".to_owned()).into();
        ready(data().ok_or_else(missing))
    }
}

impl PublicReader {
    /// Runs `read` without the cache.
    pub async fn read<T: Serialize + Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<JsonWithEtag<T>, StoreError> + Send + 'static,
    ) -> Result<EncodedJson, ApiError> {
        let accepted = self.accepted;
        let encoded = move |store: &Store| read(store)?.encode(accepted);
        run_read(self.store.clone(), encoded).await
    }

    /// The cached response for this key if it is current; otherwise runs `read`.
    pub async fn cached<T: Serialize + Send + 'static>(
        &self,
        key: CacheKey,
        read: impl FnOnce(&Store) -> Result<JsonWithEtag<T>, StoreError> + Send + 'static,
    ) -> Result<EncodedJson, ApiError> {
        if self.cache.entries.is_none() || !self.store.context().seen().is_empty() {
            return self.read(read).await;
        }
        let (cache, key) = (self.cache.clone(), (key, self.accepted));
        let make = move |store: &Store| cache.refresh(key, store, read);
        let Some(entry) = self.cache.current(key, &self.store) else {
            return run_read(self.store.clone(), make).await;
        };
        if self.cache.needs_refresh(&entry) && !entry.is_refreshing.swap(true, Ordering::Relaxed) {
            let store = self.store.clone();
            // If it fails, requests get the error once the entry has expired.
            actix_web::rt::spawn(async move { run_read(store, make).await.ok() });
        }
        Ok(entry.answer.clone())
    }
}
