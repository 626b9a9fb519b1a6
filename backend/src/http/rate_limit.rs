//! Rate limits of sign-ins, registrations and posts.
//!
//! The counts are in the memory of this process: each process allows the full rate, and a restart
//! resets them.

mod slow_lane;

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::rt::time::sleep;
use actix_web::{HttpMessage, HttpRequest};
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use ostrakon_shared::{AccountId, ProblemCode};

use crate::http::response::problem::ApiError;
use crate::http::settings::RateLimits;
use crate::store::Actor;
use crate::text::name_key;
use slow_lane::SlowLane;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The number of keys from which a limit removes idle ones.
const MIN_SWEEP: usize = 1_024;
/// The maximum number of keys of a limit. An attacker with more addresses is not stopped by a rate
/// limit.
const MAX_KEYS: usize = 131_072;

/// The significant characters of a name in a sign-in; no account has a longer name.
const MAX_NAME_KEY_CHARS: usize = 100;

/// The sign-in rate of a network for all names, as a multiple of its rate for one name.
const NAMES_PER_NETWORK: u32 = 5;
/// The sign-in rate of a name from all networks, as a multiple of its rate from one network; beyond
/// it, attempts are slowed down.
const NETWORKS_PER_NAME: u32 = 20;
/// How long a slowed attempt waits.
const SLOW_LANE_DELAY: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Attempts to enter a password.
    SignIn,
    /// Attempts of a network to sign in, for all names.
    SignInNetwork,
    /// New accounts.
    Registration,
    /// Reviews and reports.
    Posting,
}

/// The key that a limit counts by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ClientKey {
    Account(AccountId),
    /// An address; of IPv6 the network.
    Network(IpAddr),
    /// The key of a name used to sign in.
    Name(String),
    /// The key of a name, and the network.
    NameFrom(String, IpAddr),
    /// The key of a name, and the known device.
    NameBy(String, String),
}

impl From<&Actor> for ClientKey {
    fn from(actor: &Actor) -> ClientKey {
        ClientKey::Account(actor.id)
    }
}

/// The state of a limit after a request, for the response headers
/// (draft-ietf-httpapi-ratelimit-headers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    name: &'static str,
    count: u32,
    window_s: u32,
    remaining: u32,
    /// Seconds until one more request is allowed, rounded up.
    more_in_s: u64,
}

impl Allowance {
    /// `RateLimit` and `RateLimit-Policy`.
    pub fn headers(&self) -> [(HeaderName, HeaderValue); 2] {
        let Allowance { name, count, window_s, remaining, more_in_s } = self;
        [
            (RATE_LIMIT, value(&format!("\"{name}\";r={remaining};t={more_in_s}"))),
            (RATE_LIMIT_POLICY, value(&format!("\"{name}\";q={count};w={window_s}"))),
        ]
    }

    /// Stores it for the response headers, unless another limit has less left.
    fn note(self, request: &HttpRequest) {
        let mut extensions = request.extensions_mut();
        let other = extensions.get::<Allowance>();
        if other.is_none_or(|other| self.remaining <= other.remaining) {
            extensions.insert(self);
        }
    }

    fn refusal(self) -> ApiError {
        let detail = format!("Too many of these requests. Try again in {} s.", self.more_in_s);
        let retry_after = (header::RETRY_AFTER, value(&self.more_in_s.to_string()));
        ApiError::new(ProblemCode::RateLimited, detail).with_header(retry_after.0, retry_after.1)
    }
}

/// The rate limiters of all actions.
pub struct RateLimiters<C: Clock = MonotonicClock> {
    sign_in: Option<Limiter<C>>,
    sign_in_network: Option<Limiter<C>>,
    sign_in_name: Option<Limiter<C>>,
    slow_lane: SlowLane,
    registration: Option<Limiter<C>>,
    posting: Option<Limiter<C>>,
}

impl RateLimiters {
    /// Limiters without counts.
    pub fn new(rate_limits: RateLimits) -> RateLimiters {
        RateLimiters::with_clock(rate_limits, &MonotonicClock)
    }
}

impl<C: Clock + Clone> RateLimiters<C> {
    fn with_clock(rate_limits: RateLimits, clock: &C) -> RateLimiters<C> {
        let limiter = |name, count, window_s| {
            NonZeroU32::new(count).map(|count| Limiter::new(name, count, window_s, clock))
        };
        let sign_ins = rate_limits.sign_ins_per_minute;
        let of_network = sign_ins.saturating_mul(NAMES_PER_NETWORK);
        let of_name = sign_ins.saturating_mul(NETWORKS_PER_NAME);
        RateLimiters {
            sign_in: limiter("sign-in", sign_ins, 60),
            sign_in_network: limiter("sign-in-network", of_network, 60),
            sign_in_name: limiter("sign-in-name", of_name, 60),
            slow_lane: SlowLane::default(),
            registration: limiter("registration", rate_limits.registrations_per_hour, 3_600),
            posting: limiter("posting", rate_limits.reviews_per_minute, 60),
        }
    }

    /// Counts a request, or fails with 429 and `Retry-After`. The response headers say how many are
    /// left.
    pub fn check(
        &self,
        request: &HttpRequest,
        limit: Limit,
        key: &ClientKey,
    ) -> Result<(), ApiError> {
        let limiter = match limit {
            Limit::SignIn => &self.sign_in,
            Limit::SignInNetwork => &self.sign_in_network,
            Limit::Registration => &self.registration,
            Limit::Posting => &self.posting,
        };
        let Some(limiter) = limiter else { return Ok(()) };
        let counted = limiter.count(key);
        counted.unwrap_or_else(|refused| refused).note(request);
        counted.map(drop).map_err(Allowance::refusal)
    }

    /// Counts an attempt to sign in as `name`, by the id of a device that is known to the account,
    /// or else by the client's network.
    ///
    /// Wrong passwords from elsewhere must not lock out the owner of a name, so each network and
    /// each known device has its own limit per name. When all networks together exceed the limit of
    /// a name, attempts from unknown devices pass one at a time, slowly, and fail when too many
    /// wait.
    pub async fn sign_in(
        &self,
        request: &HttpRequest,
        network: IpAddr,
        name: &str,
        device: Option<&str>,
    ) -> Result<(), ApiError> {
        let name: String = name_key(name).chars().take(MAX_NAME_KEY_CHARS).collect();
        if let Some(device) = device {
            return self.check(request, Limit::SignIn, &ClientKey::NameBy(name, device.to_owned()));
        }
        let name_from = ClientKey::NameFrom(name.clone(), network);
        self.check(request, Limit::SignIn, &name_from)?;
        self.check(request, Limit::SignInNetwork, &ClientKey::Network(network))?;
        let Some(names) = &self.sign_in_name else { return Ok(()) };
        let Err(exhausted) = names.count(&ClientKey::Name(name.clone())) else { return Ok(()) };
        if self.slow_lane.pass(&name, async || sleep(SLOW_LANE_DELAY).await).await {
            return Ok(());
        }
        exhausted.note(request);
        Err(exhausted.refusal())
    }
}

type Keyed<C> = RateLimiter<ClientKey, HashMapStateStore<ClientKey>, C, StateInformationMiddleware>;

/// One limit: a token bucket of `count` per key, refilled evenly within `window_s`.
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

    /// Counts a request of this key; returns what is left, as an error if nothing was left before.
    fn count(&self, key: &ClientKey) -> Result<Allowance, Allowance> {
        let checked = self.swept().limiter.check_key(key);
        match checked {
            Ok(state) => {
                let period = Duration::from_secs(self.window_s.into()) / self.count.get();
                Ok(self.allowance(state.remaining_burst_capacity(), period))
            }
            Err(not_until) => Err(self.allowance(0, not_until.wait_time_from(self.clock.now()))),
        }
    }

    fn allowance(&self, remaining: u32, more_in: Duration) -> Allowance {
        let more_in_s = more_in.as_secs() + u64::from(more_in.subsec_nanos() > 0);
        let (name, count, window_s) = (self.name, self.count.get(), self.window_s);
        Allowance { name, count, window_s, remaining, more_in_s: more_in_s.max(1) }
    }

    /// The keys; removes those with full buckets once there are many.
    fn swept(&self) -> MutexGuard<'_, Keys<C>> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.limiter.len() >= keys.sweep_at {
            keys.limiter.retain_recent();
            keys.limiter.shrink_to_fit();
            if keys.limiter.len() >= MAX_KEYS / 2 {
                tracing::warn!(
                    limit = self.name,
                    "too many clients to count: the counts are reset"
                );
                keys.limiter = keyed(self.count, self.window_s, &self.clock);
            }
            keys.sweep_at = MIN_SWEEP.max(keys.limiter.len() * 2);
        }
        keys
    }
}

fn keyed<C: Clock + Clone>(count: NonZeroU32, window_s: u32, clock: &C) -> Keyed<C> {
    let period = Duration::from_secs(window_s.into()) / count.get();
    // The period is zero only for more than a thousand million a second.
    let quota = Quota::with_period(period).unwrap_or(Quota::per_second(count));
    Keyed::new(quota.allow_burst(count), HashMapStateStore::default(), clock.clone())
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ASCII names and numbers make a header")
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::ResponseError;
    use actix_web::test::TestRequest;
    use governor::clock::FakeRelativeClock;

    const RATES: RateLimits =
        RateLimits { sign_ins_per_minute: 10, registrations_per_hour: 0, reviews_per_minute: 30 };

    fn address(text: &str) -> ClientKey {
        ClientKey::Network(text.parse().unwrap())
    }

    fn headers(allowance: Allowance) -> [String; 2] {
        allowance.headers().map(|(_, value)| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_limit_refuses_excess_requests_and_says_for_how_long() {
        let clock = FakeRelativeClock::default();
        let limiters = RateLimiters::with_clock(RATES, &clock);
        let sign_in = limiters.sign_in.as_ref().unwrap();
        let count = |key| sign_in.count(&address(key));
        for left in (0..10).rev() {
            let said = headers(count("192.0.2.1").unwrap());
            assert_eq!(said, [format!("\"sign-in\";r={left};t=6"), "\"sign-in\";q=10;w=60".into()]);
        }
        clock.advance(Duration::from_millis(4_500));
        let refused = count("192.0.2.1").unwrap_err();
        assert_eq!(headers(refused), ["\"sign-in\";r=0;t=2", "\"sign-in\";q=10;w=60"]);
        let answer = refused.refusal().error_response();
        assert_eq!(answer.headers().get("retry-after").unwrap(), "2");
        count("192.0.2.2").unwrap();
        limiters.posting.as_ref().unwrap().count(&address("192.0.2.1")).unwrap();
        clock.advance(Duration::from_millis(1_501));
        count("192.0.2.1").unwrap();
        count("192.0.2.1").unwrap_err();
    }

    #[test]
    fn the_headers_show_the_limit_with_the_fewest_requests_left() {
        let limiters = RateLimiters::with_clock(RATES, &FakeRelativeClock::default());
        let request = TestRequest::default().to_http_request();
        let said = || request.extensions().get::<Allowance>().map(|a| (a.name, a.remaining));
        assert_eq!(said(), None);
        let check = |limit| limiters.check(&request, limit, &address("192.0.2.1")).unwrap();
        check(Limit::Registration);
        assert_eq!(said(), None, "this limit is off");
        check(Limit::Posting);
        assert_eq!(said(), Some(("posting", 29)));
        check(Limit::SignIn);
        assert_eq!(said(), Some(("sign-in", 9)));
        check(Limit::SignInNetwork);
        assert_eq!(said(), Some(("sign-in", 9)));
    }

    #[test]
    fn zero_disables_a_limit() {
        let limiters = RateLimiters::new(RATES);
        let request = TestRequest::default().to_http_request();
        for _ in 0..10_000 {
            limiters.check(&request, Limit::Registration, &address("192.0.2.1")).unwrap();
        }
    }

    #[test]
    fn memory_is_bounded() {
        let clock = FakeRelativeClock::default();
        let limiters = RateLimiters::with_clock(RATES, &clock);
        let posting = limiters.posting.as_ref().unwrap();
        let keys = || posting.keys.lock().unwrap().limiter.len();
        let count = |number| posting.count(&ClientKey::Name(format!("{number}"))).unwrap();
        for number in 0..5_000 {
            count(number);
            clock.advance(Duration::from_millis(10));
        }
        assert!(keys() <= MIN_SWEEP, "{}", keys());
        for number in 0..2 * MAX_KEYS {
            count(number);
            assert!(number % 1_000 != 0 || keys() <= MAX_KEYS, "{}", keys());
        }
    }
}
