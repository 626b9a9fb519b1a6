//! Waiting for what a server does in the background.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// After this time a test fails instead of waiting on. Even a slow machine needs far less.
const LIMIT: Duration = Duration::from_secs(180);

/// Asks again until the answer is as expected, and returns it.
pub async fn wait_until<T: Debug, F: Future<Output = T>>(
    ask: impl Fn() -> F,
    is_expected: impl Fn(&T) -> bool,
) -> T {
    let began = Instant::now();
    loop {
        let answer = ask().await;
        if is_expected(&answer) {
            return answer;
        }
        assert!(began.elapsed() < LIMIT, "the last answer is {answer:?}");
    }
}
