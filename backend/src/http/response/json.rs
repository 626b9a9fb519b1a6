//! JSON responses, with ETags and links to the next page.
//!
//! Increment `REPRESENTATION` when the fields of a review or product change.

use std::fmt::Display;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    self, ContentEncoding, EntityTag, HeaderName, HeaderValue, IfNoneMatch,
};
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Responder, mime};
use ostrakon_shared::Page;
use serde::Serialize;
use twox_hash::XxHash3_128;

use crate::http::response::compression::{self, Coding};
use crate::http::response::problem::ApiError;
use crate::store::StoreError;

/// A JSON response that clients may cache and revalidate by its ETag.
pub struct JsonWithEtag<T> {
    body: T,
    next_cursor: Option<String>,
    partial: bool,
    version: Option<i32>,
    private: bool,
}

impl<T: Serialize> JsonWithEtag<T> {
    /// A complete response.
    pub fn new(body: T) -> JsonWithEtag<T> {
        JsonWithEtag { body, next_cursor: None, partial: false, version: None, private: false }
    }

    /// A versioned object, whose version is its ETag.
    pub fn versioned(body: T, version: i32) -> JsonWithEtag<T> {
        JsonWithEtag { version: Some(version), ..JsonWithEtag::new(body) }
    }

    /// Excludes shared caches.
    pub fn private(self) -> JsonWithEtag<T> {
        JsonWithEtag { private: true, ..self }
    }

    /// A page, with a link to the next one. A partial page is not cached.
    pub fn page(body: T, next_cursor: Option<String>, partial: bool) -> JsonWithEtag<T> {
        JsonWithEtag { next_cursor, partial, ..JsonWithEtag::new(body) }
    }
}

impl<T: Serialize> From<Page<T>> for JsonWithEtag<Page<T>> {
    fn from(page: Page<T>) -> JsonWithEtag<Page<T>> {
        let (next, partial) = (page.next_cursor.clone(), !page.missing_databases.is_empty());
        JsonWithEtag::page(page, next, partial)
    }
}

impl<T: Serialize> JsonWithEtag<T> {
    /// Encodes the response for clients that accept this coding.
    pub fn encode(self, accepted: Coding) -> Result<EncodedJson, StoreError> {
        let failed = |error: &dyn Display| StoreError::Internal(error.to_string());
        let body = serde_json::to_vec(&self.body).map_err(|error| failed(&error))?;
        let etag = match self.version {
            Some(version) => version_tag(version),
            None => EntityTag::new_strong(format!("{:032x}", XxHash3_128::oneshot(&body))),
        };
        let etag = HeaderValue::try_from(etag.to_string()).map_err(|error| failed(&error))?;
        let varies = body.len() >= compression::MIN_BYTES;
        let mut answer = EncodedJson {
            body: body.into(),
            coding: Coding::Identity,
            varies,
            etag,
            next_cursor: self.next_cursor,
            partial: self.partial,
            private: self.private,
        };
        if varies && accepted == Coding::Gzip {
            answer.body = compression::gzip(&answer.body).map_err(|error| failed(&error))?;
            answer.coding = accepted;
            answer.etag = compression::compressed_tag(&answer.etag).unwrap_or(answer.etag);
        }
        Ok(answer)
    }
}

impl<T: Serialize> Responder for JsonWithEtag<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        match self.encode(Coding::of(request)) {
            Ok(answer) => answer.respond_to(request),
            Err(error) => HttpResponse::from_error(ApiError::from(error)),
        }
    }
}

#[derive(Clone)]
pub struct EncodedJson {
    body: Bytes,
    coding: Coding,
    /// Whether other clients may get another coding.
    varies: bool,
    etag: HeaderValue,
    next_cursor: Option<String>,
    partial: bool,
    private: bool,
}

impl EncodedJson {
    /// The length of the body in bytes.
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// Whether other clients may get it too.
    pub fn is_cacheable(&self) -> bool {
        !self.partial && !self.private
    }
}

impl Responder for EncodedJson {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        if let Some(cursor) = &self.next_cursor {
            response.insert_header((header::LINK, next_link(request, cursor)));
        }
        if self.varies {
            response.insert_header((header::VARY, compression::VARY));
        }
        if self.partial {
            response.insert_header((header::CACHE_CONTROL, "no-store"));
        } else {
            // "no-cache" allows storing the response, but requires revalidation.
            let keep = if self.private { "private, no-cache" } else { "no-cache" };
            response.insert_header((header::CACHE_CONTROL, keep));
            let is_unchanged = matches_if_none_match(request, &self.etag);
            response.insert_header((header::ETAG, self.etag));
            if is_unchanged {
                return response.status(StatusCode::NOT_MODIFIED).finish();
            }
        }
        if self.coding == Coding::Gzip {
            response.insert_header(ContentEncoding::Gzip);
        }
        response.content_type(mime::APPLICATION_JSON).body(self.body)
    }
}

/// A confidential JSON response, which is never stored.
pub struct NoStoreJson<T> {
    status: StatusCode,
    body: T,
    next_cursor: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl<T: Serialize> From<Page<T>> for NoStoreJson<Page<T>> {
    fn from(page: Page<T>) -> NoStoreJson<Page<T>> {
        let next_cursor = page.next_cursor.clone();
        NoStoreJson { next_cursor, ..NoStoreJson::ok(page) }
    }
}

impl<T: Serialize> NoStoreJson<T> {
    pub fn ok(body: T) -> NoStoreJson<T> {
        NoStoreJson { status: StatusCode::OK, body, next_cursor: None, headers: Vec::new() }
    }

    pub fn with_status(self, status: StatusCode) -> NoStoreJson<T> {
        NoStoreJson { status, ..self }
    }

    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> NoStoreJson<T> {
        self.headers.push((name, value));
        self
    }
}

impl<T: Serialize> Responder for NoStoreJson<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(cursor) = &self.next_cursor {
            response.insert_header((header::LINK, next_link(request, cursor)));
        }
        for header in self.headers {
            response.append_header(header);
        }
        response.json(self.body)
    }
}

/// 204 without a body.
pub fn no_content() -> HttpResponse {
    HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish()
}

/// The version of the representation of reviews and products, a part of their ETags: clients must
/// not reuse responses of an earlier program with other fields.
const REPRESENTATION: u32 = 1;

/// The ETag of a versioned object. `If-Match` only compares the version.
pub fn version_tag(version: i32) -> EntityTag {
    EntityTag::new_strong(format!("{version}.{REPRESENTATION}"))
}

/// Whether `If-None-Match` contains the tag (RFC 9110, section 13.1.2), possibly with the suffix of
/// a proxy.
pub fn matches_if_none_match(request: &HttpRequest, etag: &HeaderValue) -> bool {
    if !request.headers().contains_key(header::IF_NONE_MATCH) {
        return false;
    }
    let Some(etag) = etag.to_str().ok().and_then(|etag| etag.parse::<EntityTag>().ok()) else {
        return false;
    };
    match request.get_header::<IfNoneMatch>() {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(known)) => known
            .iter()
            .any(|known| known.weak_eq(&etag) || compression::plain_tag(known.tag()) == etag.tag()),
        None => false,
    }
}

/// The link to the next page (RFC 8288): this request with another cursor.
fn next_link(request: &HttpRequest, cursor: &str) -> String {
    let query = form_urlencoded::parse(request.query_string().as_bytes());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query.filter(|(name, _)| name != "cursor"))
        .append_pair("cursor", cursor)
        .finish();
    format!("<{}?{query}>; rel=\"next\"", request.path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostrakon_shared::{AdminProduct, ProductId, Review, ReviewId, ReviewStatus};

    /// When this fails, the representation of reviews or products has changed: increment
    /// [`REPRESENTATION`] and update the texts here.
    #[test]
    fn the_representation_has_the_number_in_the_tags() {
        let id = ReviewId::new(1_234_567_890_123_456_789).unwrap();
        let review = Review {
            id,
            product_id: ProductId::new(7).unwrap(),
            rating: None,
            title: None,
            body: "text".to_owned(),
            author_name: None,
            member: false,
            status: ReviewStatus::Approved,
            version: 3,
            created_at: id.created_at(),
            edited_at: None,
            rejection: None,
        };
        let product = AdminProduct {
            id: ProductId::new(7).unwrap(),
            name: "name".to_owned(),
            description: None,
            sku: None,
            picture_url: None,
            archived: false,
            version: 3,
        };
        let shown =
            (serde_json::to_string(&review).unwrap(), serde_json::to_string(&product).unwrap());
        let review = r#"{"id":"128GGYHYYK08N","product_id":"7","rating":null,"title":null,"body":"text","author_name":null,"member":false,"status":"approved","version":3,"created_at":"CREATED","edited_at":null}"#;
        let review = review.replace("CREATED", &id.created_at().to_string());
        let product = r#"{"id":"7","name":"name","description":null,"sku":null,"picture_url":null,"archived":false,"version":3}"#;
        assert_eq!((REPRESENTATION, shown), (1, (review, product.to_owned())));
        assert_eq!(version_tag(3).to_string(), "\"3.1\"");
    }
}
