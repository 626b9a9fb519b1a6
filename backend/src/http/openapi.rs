//! The OpenAPI document, and Swagger UI to read it in.
//!
//! The routes give the operations and schemas; this file and its folder add what derives from them
//! or is common to them. `./justw openapi` writes the result to `openapi.yaml`.

mod examples;
pub mod page;
mod required;
mod shared;

use std::sync::Arc;

use actix_web::get;
use actix_web::http::Method;
use actix_web::web::{Data, Json};
use ostrakon_shared::Problem;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{IntoResponses, Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi, serve};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Ostrakon",
        description = "Product reviews on shards.\n\nIds are strings; times are RFC 3339 in UTC. \
                       Lists are paginated: follow `next_cursor` until it is null. Errors are \
                       returned as problem details (RFC 9457) with a stable `code`. A field \
                       without a value is null. Clients must expect new enum values and new \
                       fields.\n\nIf databases have replicas, the response to a write has the \
                       header `Ostrakon-Position`. A client that sends it with later requests \
                       sees its own writes, even on replicas. Browsers get it as a cookie.\n\n\
                       Responses to rate-limited requests have the headers `RateLimit` (the \
                       remaining requests, and the seconds until there are more) and \
                       `RateLimit-Policy`.\n\nA client whose user can sign in or out elsewhere, in \
                       another tab say, names the account as which it acts in the header \
                       `Ostrakon-Account`: the account's id, or `guest`. A request that another \
                       account makes is then refused with 409 `account_changed`.",
        license(name = "MIT", identifier = "MIT"),
        contact()
    ),
    servers((url = "/", description = "This service")),
    // utoipa collects schemas from bodies, but only responses refer to problems.
    components(schemas(Problem)),
    modifiers(&Credentials),
    tags(
        (name = "products", description = "Products and their ratings."),
        (name = "reviews", description = "Reviews of products."),
        (name = "accounts", description = "Accounts, sessions and API tokens."),
        (name = "moderation", description = "Pending and reported reviews."),
        (name = "admin", description = "Administration of reviews, products and databases."),
        (name = "operations", description = "Health checks and documentation.")
    )
)]
struct Document;

/// The security schemes.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let text = "Set by signing in. If the public URL of the service is HTTPS, its name is \
                    `__Host-ostrakon_session`.";
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description("ostrakon_session", text));
        components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
        let bearer = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "An API token. It needs the scope of the operation: `read` (your reviews), `write` \
                 (post, edit, delete and report reviews), `moderate` (the queue and decisions) or \
                 `admin`. Operations that only accept a session refuse tokens.",
            ))
            .build();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// The document without routes.
pub fn preamble() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// Adds everything that the routes share to their document.
pub fn complete(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    required::require_sent_fields(&mut document);
    shared::share(&mut document);
    examples::add_examples(&mut document);
    document
}

fn operations(
    document: &mut utoipa::openapi::OpenApi,
) -> impl Iterator<Item = (Method, &mut Operation)> {
    document.paths.paths.values_mut().flat_map(|item| {
        [
            (Method::GET, &mut item.get),
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::PATCH, &mut item.patch),
            (Method::DELETE, &mut item.delete),
        ]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
    })
}

fn json_of(document: &utoipa::openapi::OpenApi) -> serde_json::Value {
    serde_json::to_value(document).expect("a document is JSON")
}

/// Swagger UI under /docs/, from files embedded in this program.
pub fn swagger_ui() -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}").config(docs_config())
}

fn docs_config() -> Config<'static> {
    Config::from("/api/openapi.json").use_base_layout().try_it_out_enabled(true)
}

/// Whether the docs have a file at this path.
pub fn has_docs(path: &str) -> bool {
    if page::has(path) {
        return true;
    }
    let file = path.strip_prefix("/docs/").map(|file| serve(file, Arc::new(docs_config())));
    matches!(file, Some(Ok(Some(_))))
}

/// Get the OpenAPI document
///
/// As JSON, for client generators.
#[utoipa::path(
    tag = "operations",
    responses((status = 200, description = "The OpenAPI document.", body = serde_json::Value,
        example = json!({ "openapi": "3.1.0", "info": { "title": "Ostrakon", "version": "0.1.0" }, "paths": {} })))
)]
#[get("/api/openapi.json")]
pub async fn get_openapi(
    document: Data<utoipa::openapi::OpenApi>,
) -> Json<Data<utoipa::openapi::OpenApi>> {
    Json(document)
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident $status:literal $description:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(IntoResponses)]
            #[expect(dead_code, reason = "describes responses for utoipa, and is never constructed")]
            pub enum $name {
                $(
                    #[response(
                        status = $status,
                        description = $description,
                        content_type = "application/problem+json"
                    )]
                    $variant(Problem),
                )*
            }
        )*
    };
}

problems! {
    /// The id in the path is invalid.
    InvalidId { BadRequest 400 "`id_invalid`", }
    /// The id or a parameter is wrong.
    InvalidProductRequest { BadRequest 400 "`id_invalid`, `parameter_invalid`", }
    /// A parameter or the cursor is wrong.
    InvalidParameter { BadRequest 400 "`parameter_invalid`, `cursor_invalid`, `cursor_mismatch`", }
    /// The id, a parameter or the cursor is wrong.
    InvalidList { BadRequest 400 "`id_invalid`, `parameter_invalid`, `cursor_invalid`, `cursor_mismatch`", }
    /// The path, the key or the body is wrong.
    InvalidReview {
        BadRequest 400 "`id_invalid`, `malformed_json`, `idempotency_key_invalid`",
        TooLarge 413 "`body_too_large`",
        MediaType 415 "`unsupported_media_type`",
        Unprocessable 422 "`validation_failed`, `idempotency_key_reused`",
    }
    /// The path or the body is wrong.
    InvalidEdit {
        BadRequest 400 "`id_invalid`, `malformed_json`",
        TooLarge 413 "`body_too_large`",
        MediaType 415 "`unsupported_media_type`",
        Unprocessable 422 "`validation_failed`",
    }
    /// The path, the version or the body is wrong.
    InvalidChange {
        BadRequest 400 "`id_invalid`, `if_match_invalid`, `malformed_json`",
        TooLarge 413 "`body_too_large`",
        MediaType 415 "`unsupported_media_type`",
        Unprocessable 422 "`validation_failed`",
    }
    /// The path or the version is wrong.
    InvalidDeletion { BadRequest 400 "`id_invalid`, `if_match_invalid`", }
    /// The client is not signed in, or its session has ended.
    NotSignedIn {
        Unauthorized 401 "`sign_in_required`, `session_invalid`",
        Forbidden 403 "`insufficient_scope`",
    }
    /// The session or token is invalid.
    InvalidCredential {
        Unauthorized 401 "`session_invalid`",
        Forbidden 403 "`insufficient_scope`, `origin_mismatch`",
    }
    /// Guests may not review.
    GuestsRefused {
        Unauthorized 401 "`sign_in_required` where guests may not review, `session_invalid`",
        Forbidden 403 "`insufficient_scope`, `origin_mismatch`",
    }
    /// The client is a guest, has too low a role, or does not own the object.
    NotAllowed {
        Unauthorized 401 "`sign_in_required`, `session_invalid`",
        Forbidden 403 "`not_allowed`, `insufficient_scope`, `origin_mismatch`",
    }
    /// The account has reviewed the product, or the product is archived.
    CannotReview { Conflict 409 "`review_exists` (`Location` is the path of the review), `product_archived`, `account_changed`", }
    /// The reader has reported the review.
    AlreadyReported { Conflict 409 "`already_reported`, `account_changed`", }
    /// Another account makes the request than the client says.
    AccountChanged { Conflict 409 "`account_changed`", }
    /// Another product has the SKU.
    SkuTaken { Conflict 409 "`sku_taken`", }
    /// A verification is running.
    VerifyRunning { Conflict 409 "`verify_running`", }
    /// The state of the rebalance or of the databases does not allow it.
    RebalanceRefused { Conflict 409 "`rebalance_conflict`", }
    /// There is no such rebalance, or it has ended.
    NoRebalance { NotFound 404 "`rebalance_not_found`", }
    /// It has changed since the given version.
    VersionConflict { PreconditionFailed 412 "`version_conflict`", }
    /// `If-Match` is missing.
    VersionMissing { PreconditionRequired 428 "`version_missing`", }
    /// The rate limit is exhausted.
    RateLimited { TooManyRequests 429 "`rate_limited`. `Retry-After` has the seconds to wait.", }
    /// There is no such database.
    NoSuchDatabase { NotFound 404 "`database_not_found`", }
    /// A body is wrong.
    InvalidBody {
        BadRequest 400 "`malformed_json`",
        TooLarge 413 "`body_too_large`",
        MediaType 415 "`unsupported_media_type`",
        Unprocessable 422 "`validation_failed`",
    }
    /// The session or token of a reader is invalid.
    SessionInvalid { Unauthorized 401 "`session_invalid`", }
    /// The request comes from a page of another site.
    CrossOrigin { Forbidden 403 "`origin_mismatch`", }
    /// No enabled account has this name and password.
    CredentialsWrong { Unauthorized 401 "`credentials_wrong`", }
    /// An account has this name.
    NameTaken { Conflict 409 "`name_taken`", }
    /// This needs a session.
    SessionOnly {
        Unauthorized 401 "`sign_in_required`, `session_invalid`",
        Forbidden 403 "`session_required`, `origin_mismatch`",
    }
    /// This needs a session; admins need a recent password confirmation.
    ReauthenticatedOnly {
        Unauthorized 401 "`sign_in_required`, `session_invalid`",
        Forbidden 403 "`session_required`, `proof_required`, `origin_mismatch`",
    }
    /// Only for admins with a session.
    AdminSessionOnly {
        Unauthorized 401 "`sign_in_required`, `session_invalid`",
        Forbidden 403 "`session_required`, `not_allowed`, `origin_mismatch`",
    }
    /// Only for admins with a session and a recent password confirmation.
    ReauthenticatedAdminOnly {
        Unauthorized 401 "`sign_in_required`, `session_invalid`",
        Forbidden 403 "`session_required`, `not_allowed`, `proof_required`, `origin_mismatch`",
    }
    /// This needs a session and the password.
    PasswordOnly {
        Unauthorized 401 "`sign_in_required`, `session_invalid`",
        Forbidden 403 "`password_wrong`, `session_required`, `origin_mismatch`",
    }
    /// The account has no such session or token.
    NoSuchCredential {
        BadRequest 400 "`id_invalid`",
        NotFound 404 "`credential_not_found`",
    }
    /// There is no such account.
    NoSuchAccount { NotFound 404 "`account_not_found`", }
    /// The change would leave no admin.
    LastAdmin { Conflict 409 "`last_admin`", }
    /// There is no such product.
    NoSuchProduct { NotFound 404 "`product_not_found`", }
    /// There is no such review.
    NoSuchReview { NotFound 404 "`review_not_found`", }
    /// There is no route at this path.
    NoSuchRoute { NotFound 404 "`route_not_found`", }
    /// A database is unavailable, or a bucket is moving.
    Unavailable { Unavailable 503 "`database_unavailable`, `database_busy`, `overloaded`, `storage_full`, `clock_wrong`, `bucket_moved`. `Retry-After` has the seconds to wait.", }
}
