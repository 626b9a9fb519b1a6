//! Idempotency keys, which keep a review from being posted twice.

use leptos::prelude::window;

/// 128 random bits in hexadecimal. The browser's `randomUUID` exists only under HTTPS.
pub fn random_key() -> String {
    let mut bytes = [0; 16];
    let crypto = window().crypto().expect("every browser that runs WASM has it");
    crypto.get_random_values_with_u8_array(&mut bytes).expect("16 bytes are within its quota");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}
