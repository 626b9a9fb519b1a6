//! The key with which a client can safely repeat a request: `Idempotency-Key`
//! (draft-ietf-httpapi-idempotency-key-header).

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use ostrakon_shared::ProblemCode;

use crate::http::response::problem::ApiError;

/// Maximum length of a key, in bytes.
const MAX_KEY_BYTES: usize = 255;

pub struct IdempotencyKey(pub Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = ApiError;
    type Future = Ready<Result<IdempotencyKey, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let invalid = || {
            let code = ProblemCode::IdempotencyKeyInvalid;
            ApiError::new(code, code.explanation())
        };
        let mut values = request.headers().get_all("idempotency-key");
        let key = match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(key), None) => match key.to_str() {
                Ok(key) if (1..=MAX_KEY_BYTES).contains(&key.len()) && is_visible(key) => {
                    Ok(Some(key.to_owned()))
                }
                _ => Err(invalid()),
            },
            (Some(_), Some(_)) => Err(invalid()),
        };
        ready(key.map(IdempotencyKey))
    }
}

fn is_visible(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_graphic())
}
