//! How often somebody may do what costs others something.
//!
//! Counted in the memory of this process: several processes allow several times as much, and a
//! restart forgets.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use governor::clock::{Clock, MonotonicClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use ostrakon_shared::{AccountId, ProblemCode};

use super::client::Client;
use super::error::ApiError;
use crate::store::Actor;
use crate::text::name_key;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How many clients a limit remembers at least before it looks for those it can forget.
const MIN_SWEEP: usize = 1_024;
/// How many clients a limit remembers at most. Whoever has so many addresses isn't stopped by
/// counting them.
const MAX_KEYS: usize = 131_072;

/// Characters that count of a name that somebody signs in with: longer ones are nobody's.
const MAX_NAME_KEY_CHARS: usize = 100;

/// How often each thing may be done. 0: as often as anybody likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Attempts to sign in, a minute, for each name and for each address.
    pub sign_ins_per_minute: u32,
    /// New accounts, an hour, for each address.
    pub registrations_per_hour: u32,
    /// Reviews and reports, a minute, for each account, or for each guest's address.
    pub reviews_per_minute: u32,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Attempts to sign in.
    SignIn,
    /// New accounts.
    Registration,
    /// Reviews and reports.
    Posting,
}

/// Whom a limit is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// An account that is signed in.
    Account(AccountId),
    /// A name that somebody wants to sign in with, as names are compared.
    Name(String),
    /// An address; of IPv6 the network.
    Address(IpAddr),
}

impl Key {
    /// Somebody who wants to sign in by this name.
    pub fn name(name: &str) -> Key {
        Key::Name(name_key(name).chars().take(MAX_NAME_KEY_CHARS).collect())
    }
}

impl From<&Actor> for Key {
    fn from(actor: &Actor) -> Key {
        Key::Account(actor.id)
    }
}

impl From<&Client> for Key {
    fn from(client: &Client) -> Key {
        Key::Address(client.network())
    }
}

/// What everybody has done lately.
pub struct Limits<C: Clock = MonotonicClock> {
    sign_in: Option<Limiter<C>>,
    registration: Option<Limiter<C>>,
    posting: Option<Limiter<C>>,
}

impl Limits {
    /// Nobody has done anything yet.
    pub fn new(rates: Rates) -> Limits {
        Limits::with_clock(rates, &MonotonicClock)
    }
}

impl<C: Clock + Clone> Limits<C> {
    fn with_clock(rates: Rates, clock: &C) -> Limits<C> {
        let limiter = |name, count, window_s| {
            NonZeroU32::new(count).map(|count| Limiter::new(name, count, window_s, clock))
        };
        Limits {
            sign_in: limiter("sign-in", rates.sign_ins_per_minute, 60),
            registration: limiter("registration", rates.registrations_per_hour, 3_600),
            posting: limiter("posting", rates.reviews_per_minute, 60),
        }
    }

    /// Counts one more of these, or refuses it: 429, which says when to try again.
    pub fn check(&self, limit: Limit, key: Key) -> Result<(), ApiError> {
        let limiter = match limit {
            Limit::SignIn => &self.sign_in,
            Limit::Registration => &self.registration,
            Limit::Posting => &self.posting,
        };
        limiter.as_ref().map_or(Ok(()), |limiter| limiter.check(&key))
    }
}

type Keyed<C> = RateLimiter<
    Key,
    HashMapStateStore<Key>,
    C,
    governor::middleware::NoOpMiddleware<<C as Clock>::Instant>,
>;

/// One limit: a bucket of `count` for each key, filled up again evenly within `window_s`.
struct Limiter<C: Clock> {
    name: &'static str,
    count: NonZeroU32,
    window_s: u32,
    clock: C,
    keys: Mutex<Keys<C>>,
}

struct Keys<C: Clock> {
    limiter: Keyed<C>,
    sweep_at: usize,
}

impl<C: Clock + Clone> Limiter<C> {
    fn new(name: &'static str, count: NonZeroU32, window_s: u32, clock: &C) -> Limiter<C> {
        let clock = clock.clone();
        let keys =
            Mutex::new(Keys { limiter: keyed(count, window_s, &clock), sweep_at: MIN_SWEEP });
        Limiter { name, count, window_s, clock, keys }
    }

    fn check(&self, key: &Key) -> Result<(), ApiError> {
        let checked = self.swept().limiter.check_key(key);
        checked.map_err(|not_until| self.refusal(not_until.wait_time_from(self.clock.now())))
    }

    /// The keys, without those that have all of their bucket again once there are many.
    fn swept(&self) -> MutexGuard<'_, Keys<C>> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.limiter.len() >= keys.sweep_at {
            keys.limiter.retain_recent();
            keys.limiter.shrink_to_fit();
            if keys.limiter.len() >= MAX_KEYS / 2 {
                tracing::warn!(limit = self.name, "too many clients to count: counting anew");
                keys.limiter = keyed(self.count, self.window_s, &self.clock);
            }
            keys.sweep_at = MIN_SWEEP.max(keys.limiter.len() * 2);
        }
        keys
    }

    fn refusal(&self, wait: Duration) -> ApiError {
        let wait_s = wait.as_millis().div_ceil(1_000).max(1);
        let (name, count, window_s) = (self.name, self.count, self.window_s);
        let code = ProblemCode::RateLimited;
        let detail = format!("Too many of these requests. Try again in {wait_s} s.");
        ApiError::new(code, detail)
            .with_header(header::RETRY_AFTER, value(&wait_s.to_string()))
            .with_header(RATE_LIMIT, value(&format!("\"{name}\";r=0;t={wait_s}")))
            .with_header(RATE_LIMIT_POLICY, value(&format!("\"{name}\";q={count};w={window_s}")))
    }
}

fn keyed<C: Clock + Clone>(count: NonZeroU32, window_s: u32, clock: &C) -> Keyed<C> {
    let period = Duration::from_secs(window_s.into()) / count.get();
    // The period is zero only for more than a thousand million a second.
    let quota = Quota::with_period(period).unwrap_or(Quota::per_second(count));
    RateLimiter::new(quota.allow_burst(count), HashMapStateStore::default(), clock.clone())
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ASCII names and numbers make a header")
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::ResponseError;
    use governor::clock::FakeRelativeClock;

    const RATES: Rates =
        Rates { sign_ins_per_minute: 10, registrations_per_hour: 0, reviews_per_minute: 30 };

    fn address(text: &str) -> Key {
        Key::from(&Client { address: text.parse().unwrap(), local: false })
    }

    fn header_of(error: &ApiError, name: &str) -> String {
        error.error_response().headers().get(name).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_limit_refuses_what_is_too_much_and_says_for_how_long() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::with_clock(RATES, &clock);
        let check = |key| limits.check(Limit::SignIn, address(key));
        for _ in 0..10 {
            check("192.0.2.1").unwrap();
        }
        clock.advance(Duration::from_millis(4_500));
        let refused = check("192.0.2.1").unwrap_err();
        assert_eq!(header_of(&refused, "retry-after"), "2");
        assert_eq!(header_of(&refused, "ratelimit"), "\"sign-in\";r=0;t=2");
        assert_eq!(header_of(&refused, "ratelimit-policy"), "\"sign-in\";q=10;w=60");
        check("192.0.2.2").unwrap();
        limits.check(Limit::Posting, address("192.0.2.1")).unwrap();
        clock.advance(Duration::from_millis(1_501));
        check("192.0.2.1").unwrap();
        check("192.0.2.1").unwrap_err();
    }

    #[test]
    fn zero_switches_a_limit_off() {
        let limits = Limits::new(RATES);
        for _ in 0..10_000 {
            limits.check(Limit::Registration, address("192.0.2.1")).unwrap();
        }
    }

    #[test]
    fn ipv6_addresses_count_by_network() {
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:2"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
    }

    #[test]
    fn memory_is_bounded() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::with_clock(RATES, &clock);
        let posting = limits.posting.as_ref().unwrap();
        let keys = || posting.keys.lock().unwrap().limiter.len();
        let check = |number| posting.check(&Key::Name(format!("{number}"))).unwrap();
        for number in 0..5_000 {
            check(number);
            clock.advance(Duration::from_millis(10));
        }
        assert!(keys() <= MIN_SWEEP, "{}", keys());
        for number in 0..2 * MAX_KEYS {
            check(number);
            assert!(number % 1_000 != 0 || keys() <= MAX_KEYS, "{}", keys());
        }
    }
}
