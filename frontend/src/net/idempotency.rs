//! Idempotency keys, which keep a review from being posted twice.

use leptos::prelude::window;
use ostrakon_shared::NewReview;

/// The key of the last request: a retry with the same content uses it again.
#[derive(Default)]
pub struct IdempotencyKey(Option<(NewReview, String)>);

impl IdempotencyKey {
    pub fn of(&mut self, review: &NewReview) -> String {
        match &self.0 {
            Some((sent, key)) if sent == review => key.clone(),
            _ => {
                let key = random_key();
                self.0 = Some((review.clone(), key.clone()));
                key
            }
        }
    }

    /// Call this when the review has been posted: the same text again is another review.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}

/// 128 random bits in hexadecimal. The browser's `randomUUID` exists only under HTTPS.
fn random_key() -> String {
    let mut bytes = [0; 16];
    let crypto = window().crypto().expect("every browser that runs WASM has it");
    crypto.get_random_values_with_u8_array(&mut bytes).expect("16 bytes are within its quota");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}
