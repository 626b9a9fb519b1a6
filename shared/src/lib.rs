//! The types of Ostrakon's API, which the server and the app share.
//!
//! Requests and responses with their limits and validation are compiled for the server and for the
//! browser, so that forms and the API apply the same rules. This crate knows no database and no
//! HTTP framework.

#![warn(missing_docs)]

mod account;
mod admin;
mod audit;
mod database;
pub mod format;
mod id;
mod json;
mod moderation;
mod page;
pub mod preloaded;
mod problem;
mod product;
mod rebalance;
mod review;
mod session;
mod string_enum;
pub mod text;
mod token;

pub use account::{
    Account, AccountEdit, AccountPage, Credentials, LONG_PASSWORD_CHARS, MAX_NAME_CHARS,
    MAX_PASSWORD_CHARS, MIN_NAME_CHARS, MIN_PASSWORD_CHARS, PasswordChange, PasswordProof, Role,
};
pub use admin::{AdminReview, AdminReviewDetail, AdminReviewPage, DayCount, Overview};
pub use audit::{AuditAction, AuditChange, AuditEntry, AuditPage, AuditVia};
pub use database::{
    BUCKETS, DatabaseInfo, DatabaseList, Engine, Health, ReplicaInfo, Verification,
};
pub use id::{AccountId, AuditId, CredentialId, IdError, ProductId, ReviewId};
pub use json::{RequestBody, max_bytes};
pub use moderation::{
    Decision, DecisionReason, DecisionResult, DecisionResultList, MAX_DECISIONS, MAX_NOTE_CHARS,
    NewDecisions, NewReport, QueuePage, QueuedReview, Report, ReportReason, ReviewAction,
    ReviewEvent, ReviewVersion, UndoDecisions,
};
pub use page::{DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT, Page, PageLimit};
pub use problem::{FieldError, FieldErrorCode, FieldErrorParams, Problem, ProblemCode, ValueError};
pub use product::{
    AdminProduct, AdminProductPage, MAX_PRODUCT_DESCRIPTION_CHARS, MAX_PRODUCT_NAME_CHARS,
    MAX_PRODUCTS_PER_BATCH, MAX_SEARCH_CHARS, MAX_SKU_CHARS, MAX_URL_CHARS, NewProduct, Product,
    ProductEdit, ProductPage, ProductRating, ProductRatingList, RatedProduct, Rating,
};
pub use rebalance::{
    MAX_RATE, MovingBucket, NewRebalance, Rebalance, RebalanceAction, RebalanceChange,
    RebalanceList, RebalancePart, RebalanceState, WritePauses,
};
pub use review::{
    MAX_AUTHOR_NAME_CHARS, MAX_BODY_CHARS, MAX_RATING, MAX_TITLE_CHARS, MIN_RATING, NewReview,
    Rejection, Review, ReviewEdit, ReviewLocation, ReviewPage, ReviewSort, ReviewStatus,
};
pub use session::{ACCOUNT_HEADER, GUEST, Session, SessionInfo, SessionList};
pub use token::{
    CreatedToken, DEFAULT_TOKEN_DAYS, MAX_TOKEN_DAYS, MAX_TOKEN_NAME_CHARS, NewToken, TokenInfo,
    TokenList, TokenScope,
};
