//! The secret key for HMACs (HMAC-SHA256, RFC 2104).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The minimum length of a key: 24 random bytes in base64.
const MIN_CHARS: usize = 32;

/// A secret outside the databases, so that their contents don't reveal hashed values.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

impl SecretKey {
    /// A pseudonym of a guest's network. Without the key, hashing all addresses does not reveal it.
    pub fn guest(&self, network: IpAddr) -> String {
        let tag = self.tag("guest", &[&network.to_string()]);
        tag.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The first 128 bits of the HMAC of purpose and texts.
    pub fn tag(&self, purpose: &str, texts: &[&str]) -> [u8; 16] {
        let mut tag = [0; 16];
        tag.copy_from_slice(&self.mac(purpose, texts).finalize().into_bytes()[..16]);
        tag
    }

    /// Whether the tag is valid, in constant time.
    pub fn is_tag(&self, purpose: &str, texts: &[&str], tag: &[u8]) -> bool {
        tag.len() == 16 && self.mac(purpose, texts).verify_truncated_left(tag).is_ok()
    }

    fn mac(&self, purpose: &str, texts: &[&str]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes())
            .expect("an HMAC takes keys of any length");
        for text in [purpose].iter().chain(texts) {
            // The length separates the texts.
            mac.update(&(text.len() as u64).to_be_bytes());
            mac.update(text.as_bytes());
        }
        mac
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret key must have {MIN_CHARS} characters or more")]
pub struct SecretKeyTooShort;

impl FromStr for SecretKey {
    type Err = SecretKeyTooShort;

    /// Parses a key file; ignores surrounding white space.
    fn from_str(text: &str) -> Result<SecretKey, SecretKeyTooShort> {
        let text = text.trim();
        if text.len() < MIN_CHARS { Err(SecretKeyTooShort) } else { Ok(SecretKey(text.to_owned())) }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_depend_on_key_purpose_and_texts() {
        let key: SecretKey = "0123456789abcdef0123456789abcdef\n".parse().unwrap();
        let other: SecretKey = "0123456789abcdef0123456789abcdeF".parse().unwrap();
        let tag = key.tag("a", &["b", "c"]);
        assert!(key.is_tag("a", &["b", "c"], &tag));
        assert!(!key.is_tag("a", &["b", "c"], &tag[..15]) && !key.is_tag("a", &["b", "c"], &[]));
        for different in [
            other.tag("a", &["b", "c"]),
            key.tag("x", &["b", "c"]),
            key.tag("a", &["bc"]),
            key.tag("a", &["b", "c", ""]),
            key.tag("ab", &["c"]),
        ] {
            assert!(!key.is_tag("a", &["b", "c"], &different));
        }
        let guest = key.guest("192.0.2.1".parse().unwrap());
        assert_eq!(guest.len(), 32);
        assert_ne!(guest, other.guest("192.0.2.1".parse().unwrap()));
        assert!(!format!("{key:?}").contains("0123"));
        assert_eq!(
            "0123456789abcdef0123456789abcde \n".parse::<SecretKey>(),
            Err(SecretKeyTooShort)
        );
    }
}
