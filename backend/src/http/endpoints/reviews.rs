//! Reading, writing and reporting reviews.

use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{Either, FromRequest, HttpRequest, HttpResponse, delete, get, patch, post};
use ostrakon_shared::{
    NewReport, NewReview, ProblemCode, ProductId, Rating, Review, ReviewEdit, ReviewId,
    ReviewLocation, ReviewPage, ReviewSort,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::blocking::{RequestStore, await_write, run_blocking};
use crate::http::extract::auth::{Author, Member};
use crate::http::extract::body::Body;
use crate::http::extract::client_ip::Client;
use crate::http::extract::idempotency_key::IdempotencyKey;
use crate::http::extract::if_match::IfMatch;
use crate::http::extract::list_params::{ListParams, PartialPageParams};
use crate::http::extract::query::from_optional_text;
use crate::http::openapi::{
    AccountChanged, AlreadyReported, CannotReview, GuestsRefused, InvalidChange, InvalidCredential,
    InvalidDeletion, InvalidEdit, InvalidId, InvalidList, InvalidReview, NoSuchProduct,
    NoSuchReview, NotAllowed, RateLimited, Unavailable, VersionConflict, VersionMissing,
};
use crate::http::response::cache::{CacheKey, PublicReader};
use crate::http::response::json::{EncodedJson, JsonWithEtag, version_tag};
use crate::http::response::problem::ApiError;
use crate::http::settings::Settings;
use crate::store::{Reporter, ReviewQuery, Store};

#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListReviews {
    /// The order; `newest` by default. Reviews with the same rating come newest first, reviews
    /// without a rating last.
    #[serde(default)]
    #[param(inline, required = false)]
    sort: ReviewSort,
    /// Only reviews with this rating.
    #[serde(default, deserialize_with = "from_optional_text")]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 5)]
    rating: Option<Rating>,
}

/// List a product's reviews
///
/// While reviews are being written, a page may contain fewer reviews than `limit`, even none. The
/// list ends when `next_cursor` is null.
#[utoipa::path(
    tag = "reviews",
    params(("id" = ProductId, Path, description = "The product's id."), ListReviews, PartialPageParams),
    responses(
        (status = 200, description = "A page of reviews.", body = ReviewPage,
            headers(("ETag" = String, description = "The version of the response."),
                    ("Link" = String, description = "The next page, as `rel=\"next\"` (RFC 8288)."))),
        InvalidList, NoSuchProduct, Unavailable
    )
)]
#[get("/api/products/{id}/reviews")]
pub async fn list_product_reviews(
    public: PublicReader,
    id: Path<ProductId>,
    params: ListParams<ListReviews, PartialPageParams>,
) -> Result<EncodedJson, ApiError> {
    let ListReviews { sort, rating } = params.list;
    let PartialPageParams { limit, cursor, allow_partial } = params.page;
    let (id, is_first) = (*id, cursor.is_none());
    let query = ReviewQuery { sort, rating, limit, cursor, allow_partial };
    let read = move |store: &Store| {
        let page = store.reviews().list(id, &query)?;
        Ok(JsonWithEtag::from(page))
    };
    if is_first {
        public.cached(CacheKey::FirstPage(id, sort, rating, limit), read).await
    } else {
        public.read(read).await
    }
}

/// Review a product
///
/// All lists contain the review as soon as this responds. Send an `Idempotency-Key` to retry
/// safely: the same key and content return the same review.
#[utoipa::path(
    tag = "reviews",
    params(
        ("id" = ProductId, Path, description = "The product's id."),
        ("Idempotency-Key" = Option<String>, Header,
            description = "1 to 255 visible ASCII characters, unique per product and review.",
            max_length = 255, example = "0e7c1d9c-6a3f-4a53-9f0e-8f5c6f1b2a77"),
        ("Ostrakon-Account" = Option<String>, Header,
            description = "The id of the account as which the client acts, or `guest`.", example = "7")
    ),
    request_body(content = NewReview, description = "The review."),
    responses(
        (status = 201, description = "The review. With pre-moderation it is `pending` until a moderator approves it.", body = Review,
            headers(("Location" = String, description = "The path of the review."),
                    ("ETag" = String, description = "The version, for `If-Match`."),
                    ("Idempotency-Replayed" = Option<bool>, description = "`true` if an earlier request with this key created the review."))),
        InvalidReview, GuestsRefused, NoSuchProduct, CannotReview, RateLimited, Unavailable
    ),
    security((), ("session" = []), ("token" = []))
)]
#[post("/api/products/{id}/reviews")]
pub async fn create_review(
    store: RequestStore,
    author: Author,
    id: Path<ProductId>,
    key: IdempotencyKey,
    review: Body<NewReview>,
) -> Result<HttpResponse, ApiError> {
    let (Author(author), IdempotencyKey(key), Body(review)) = (author, key, review);
    let begin = |store: &Store| store.reviews().create(author, *id, review, key.as_deref());
    let created = await_write(&store, begin).await?;
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/api/reviews/{}", created.review.id)));
    response.insert_header((header::ETAG, version_tag(created.review.version).to_string()));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if created.replayed {
        response.insert_header(("Idempotency-Replayed", "true"));
    }
    Ok(response.json(created.review))
}

/// Get a review
///
/// Only approved reviews are public. Its author gets a review with any status but `deleted`; if a
/// moderator has hidden it, `rejection` says why.
#[utoipa::path(
    tag = "reviews",
    params(("id" = ReviewId, Path, description = "The review's id.")),
    responses(
        (status = 200, description = "The review.", body = Review,
            headers(("ETag" = String, description = "The version, for `If-Match`."))),
        InvalidId, NoSuchReview, Unavailable
    ),
    security((), ("session" = []), ("token" = []))
)]
#[get("/api/reviews/{id}")]
pub async fn get_review(
    request: HttpRequest,
    public: PublicReader,
    store: RequestStore,
    id: Path<ReviewId>,
) -> Result<Either<EncodedJson, JsonWithEtag<Review>>, ApiError> {
    let id = *id;
    let versioned = |review: Review| {
        let version = review.version;
        JsonWithEtag::versioned(review, version)
    };
    let read = move |store: &Store| store.reviews().get(id).map(versioned);
    let refusal = match public.cached(CacheKey::Review(id), read).await {
        Err(refusal) if refusal.code() == ProblemCode::ReviewNotFound => refusal,
        found => return found.map(Either::Left),
    };
    // Public reviews need no credential, so that one is looked at only here.
    let Ok(Member(author)) = Member::extract(&request).await else { return Err(refusal) };
    let review = run_blocking(store, move |store| store.reviews().own(&author, id)).await?;
    Ok(Either::Right(versioned(review).private()))
}

/// Edit your review
///
/// Omitted fields stay, null removes them (RFC 7396). `If-Match` names the version to change; if
/// the review has changed since, you get 412.
#[utoipa::path(
    tag = "reviews",
    params(
        ("id" = ReviewId, Path, description = "The review's id."),
        ("If-Match" = String, Header, description = "The review's ETag.", example = "\"1\""),
        ("Ostrakon-Account" = Option<String>, Header,
            description = "The id of the account as which the client acts, or `guest`.", example = "7")
    ),
    request_body(content((ReviewEdit = "application/json"), (ReviewEdit = "application/merge-patch+json")), description = "The change."),
    responses(
        (status = 200, description = "The changed review.", body = Review,
            headers(("ETag" = String, description = "The version, for `If-Match`."))),
        InvalidChange, NotAllowed, NoSuchReview, AccountChanged, VersionConflict, VersionMissing, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[patch("/api/reviews/{id}")]
pub async fn edit_review(
    store: RequestStore,
    author: Member,
    id: Path<ReviewId>,
    version: IfMatch,
    edit: Body<ReviewEdit>,
) -> Result<HttpResponse, ApiError> {
    let (Member(author), version, Body(edit)) = (author, version.required()?, edit);
    let change = move |store: &Store| store.reviews().edit(&author, *id, &version, &edit);
    let review = run_blocking(store, change).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::ETAG, version_tag(review.version).to_string()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(review))
}

/// Delete your review
///
/// No list contains the review once this responds.
#[utoipa::path(
    tag = "reviews",
    params(
        ("id" = ReviewId, Path, description = "The review's id."),
        ("If-Match" = Option<String>, Header, description = "The review's ETag, to delete only that version.", example = "\"1\""),
        ("Ostrakon-Account" = Option<String>, Header,
            description = "The id of the account as which the client acts, or `guest`.", example = "7")
    ),
    responses(
        (status = 204, description = "Deleted."),
        InvalidDeletion, NotAllowed, NoSuchReview, AccountChanged, VersionConflict, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[delete("/api/reviews/{id}")]
pub async fn delete_review(
    store: RequestStore,
    author: Member,
    id: Path<ReviewId>,
    version: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let (Member(author), version) = (author, version.optional());
    run_blocking(store, move |store| store.reviews().delete(&author, *id, &version)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Report a review
///
/// Adds the review to the moderation queue. Each reader can report a review once.
#[utoipa::path(
    tag = "reviews",
    params(
        ("id" = ReviewId, Path, description = "The review's id."),
        ("Ostrakon-Account" = Option<String>, Header,
            description = "The id of the account as which the client acts, or `guest`.", example = "7")
    ),
    request_body(content = NewReport, description = "The report."),
    responses(
        (status = 204, description = "Reported."),
        InvalidEdit, InvalidCredential, NoSuchReview, AlreadyReported, RateLimited, Unavailable
    ),
    security((), ("session" = []), ("token" = []))
)]
#[post("/api/reviews/{id}/reports")]
pub async fn report_review(
    store: RequestStore,
    author: Author,
    (client, settings): (Client, Data<Settings>),
    id: Path<ReviewId>,
    report: Body<NewReport>,
) -> Result<HttpResponse, ApiError> {
    let (Author(actor), Body(report)) = (author, report);
    let guest = || Reporter::Guest(settings.secret_key.guest(client.network()));
    let reporter = actor.map_or_else(guest, |actor| Reporter::Account(actor.id));
    run_blocking(store, move |store| store.reviews().report(&reporter, *id, &report)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Get where a review is stored
///
/// The bucket, which follows from the hash of the id, and the database that owns the bucket.
#[utoipa::path(
    tag = "reviews",
    params(("id" = ReviewId, Path, description = "The review's id.")),
    responses(
        (status = 200, description = "The location.", body = ReviewLocation,
            headers(("ETag" = String, description = "The version of the response."))),
        InvalidId, NoSuchReview, Unavailable
    )
)]
#[get("/api/reviews/{id}/location")]
pub async fn get_review_location(
    public: PublicReader,
    id: Path<ReviewId>,
) -> Result<EncodedJson, ApiError> {
    public.read(move |store| store.reviews().location(*id).map(JsonWithEtag::new)).await
}
