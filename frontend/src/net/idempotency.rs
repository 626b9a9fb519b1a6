//! Keys that keep a review from being posted twice.

use leptos::prelude::window;
use ostrakon_shared::NewReview;

/// The key for what was last sent: a retry of the same content has the same key.
#[derive(Default)]
pub struct IdempotencyKey(Option<(NewReview, String)>);

impl IdempotencyKey {
    /// The key for sending this review.
    pub fn of(&mut self, review: &NewReview) -> String {
        match &self.0 {
            Some((sent, key)) if sent == review => key.clone(),
            _ => {
                let key = random_uuid();
                self.0 = Some((review.clone(), key.clone()));
                key
            }
        }
    }

    /// It has been posted: the same words again are another review.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}

/// A UUID of version 4. The browser's own `randomUUID` is there only under HTTPS.
fn random_uuid() -> String {
    let mut bytes = [0; 16];
    let crypto = window().crypto().expect("every browser that runs WASM has it");
    crypto.get_random_values_with_u8_array(&mut bytes).expect("16 bytes are within its quota");
    uuid_from(bytes)
}

fn uuid_from(bytes: [u8; 16]) -> String {
    const VERSION: u128 = 0xF << 76;
    const VARIANT: u128 = 0b11 << 62;
    let bits = u128::from_be_bytes(bytes) & !VERSION & !VARIANT | 4 << 76 | 0b10 << 62;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::uuid_from;

    #[test]
    fn uuids_say_their_version() {
        assert_eq!(uuid_from([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid_from([0xFF; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
