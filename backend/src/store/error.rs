//! The errors of the store, in terms of the product. `http/response/problem.rs` maps each to a
//! problem.

use ostrakon_shared::{AccountId, CredentialId, FieldError, ProblemCode, ProductId, ReviewId};

use crate::db::{Connection, DbError, QueryError, RequestDatabase};

/// Why a store operation failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no product {0}")]
    ProductNotFound(ProductId),
    #[error("there is no review {0}")]
    ReviewNotFound(ReviewId),
    #[error("{} invalid fields", .0.len())]
    Invalid(Vec<FieldError>),
    /// The cursor is not a value issued by this service.
    #[error("the cursor is invalid")]
    CursorInvalid,
    #[error("the cursor belongs to another list")]
    CursorMismatch,
    /// The id is that of the earlier review.
    #[error("the Idempotency-Key was used for another review of this product: {0}")]
    IdempotencyKeyReused(ReviewId),
    /// No enabled account has this name and password.
    #[error("wrong name or password")]
    CredentialsWrong,
    #[error("the current password is wrong")]
    PasswordWrong,
    #[error("this name is taken")]
    NameTaken,
    /// There is no account with this id.
    #[error("there is no account {0}")]
    AccountNotFound(AccountId),
    /// There is no account with this name.
    #[error("there is no account {0}")]
    AccountUnknown(String),
    /// The account has no session, or no API token, with this id.
    #[error("there is no session or token {0}")]
    CredentialNotFound(CredentialId),
    #[error("this is the only admin")]
    LastAdmin,
    /// The policy does not allow guests to do this.
    #[error("sign in first")]
    SignInRequired,
    /// The review belongs to another account.
    #[error("not allowed")]
    NotAllowed,
    /// The id is that of the existing review.
    #[error("the account has already reviewed this product: {0}")]
    ReviewExists(ReviewId),
    #[error("the author has deleted the review")]
    ReviewDeleted,
    #[error("moderators can't decide on their own reviews")]
    OwnReview,
    #[error("product {0} is archived")]
    ProductArchived(ProductId),
    #[error("this reader has already reported the review")]
    AlreadyReported,
    #[error("there is no decision to undo")]
    NothingToUndo,
    #[error("it has changed since the given version")]
    VersionConflict,
    #[error("another product has this SKU")]
    SkuTaken,
    #[error("there is no reviews database {0}")]
    DatabaseNotFound(String),
    #[error("{0} is being verified")]
    VerifyRunning(String),
    #[error("no rebalance is planned, running or paused")]
    NoRebalance,
    /// The state of the rebalance or of the databases does not allow this.
    #[error("{0}")]
    RebalanceState(String),
    #[error("{} unavailable", .0.join(", "))]
    Unavailable(Vec<String>),
    /// An operator must repair these databases.
    #[error("{} damaged or not writable", .0.join(", "))]
    Unusable(Vec<String>),
    #[error("the write queue of {0} is full")]
    Busy(String),
    /// Another transaction in this database held a lock for too long.
    #[error("{0} is locked by another transaction")]
    Locked(String),
    #[error("{0} is read-only, because `ostrakon transfer` is moving it or has moved it")]
    ReadOnly(String),
    #[error("a bucket has moved to another database")]
    BucketMoved,
    #[error("a bucket is about to move, so it can't be changed")]
    BucketFrozen,
    #[error("the disk of {} is full", .0.join(", "))]
    StorageFull(Vec<String>),
    /// A clock is outside the range of ids.
    #[error("{0}")]
    ClockWrong(String),
    /// A fault of the program or the stored data.
    #[error("{0}")]
    Internal(String),
}

impl StoreError {
    /// The refusal to leave a cluster without a reviews database.
    pub fn only_database(name: &str) -> StoreError {
        StoreError::RebalanceState(format!("{name} is the only reviews database"))
    }

    /// The problem code for clients.
    pub fn code(&self) -> ProblemCode {
        match self {
            StoreError::ProductNotFound(_) => ProblemCode::ProductNotFound,
            StoreError::ReviewNotFound(_) => ProblemCode::ReviewNotFound,
            StoreError::Invalid(_) => ProblemCode::ValidationFailed,
            StoreError::CursorInvalid => ProblemCode::CursorInvalid,
            StoreError::CursorMismatch => ProblemCode::CursorMismatch,
            StoreError::IdempotencyKeyReused(_) => ProblemCode::IdempotencyKeyReused,
            StoreError::CredentialsWrong => ProblemCode::CredentialsWrong,
            StoreError::PasswordWrong => ProblemCode::PasswordWrong,
            StoreError::NameTaken => ProblemCode::NameTaken,
            StoreError::AccountNotFound(_) | StoreError::AccountUnknown(_) => {
                ProblemCode::AccountNotFound
            }
            StoreError::CredentialNotFound(_) => ProblemCode::CredentialNotFound,
            StoreError::LastAdmin => ProblemCode::LastAdmin,
            StoreError::SignInRequired => ProblemCode::SignInRequired,
            StoreError::NotAllowed => ProblemCode::NotAllowed,
            StoreError::ReviewExists(_) => ProblemCode::ReviewExists,
            StoreError::ReviewDeleted => ProblemCode::ReviewDeleted,
            StoreError::OwnReview => ProblemCode::OwnReview,
            StoreError::ProductArchived(_) => ProblemCode::ProductArchived,
            StoreError::AlreadyReported => ProblemCode::AlreadyReported,
            StoreError::NothingToUndo => ProblemCode::NothingToUndo,
            StoreError::VersionConflict => ProblemCode::VersionConflict,
            StoreError::SkuTaken => ProblemCode::SkuTaken,
            StoreError::DatabaseNotFound(_) => ProblemCode::DatabaseNotFound,
            StoreError::VerifyRunning(_) => ProblemCode::VerifyRunning,
            StoreError::NoRebalance => ProblemCode::RebalanceNotFound,
            StoreError::RebalanceState(_) => ProblemCode::RebalanceConflict,
            StoreError::Unavailable(_) | StoreError::ReadOnly(_) => {
                ProblemCode::DatabaseUnavailable
            }
            StoreError::Busy(_) | StoreError::Locked(_) => ProblemCode::DatabaseBusy,
            StoreError::StorageFull(_) => ProblemCode::StorageFull,
            StoreError::ClockWrong(_) => ProblemCode::ClockWrong,
            StoreError::BucketMoved | StoreError::BucketFrozen => ProblemCode::BucketMoved,
            StoreError::Unusable(_) | StoreError::Internal(_) => ProblemCode::Internal,
        }
    }
}

impl From<DbError> for StoreError {
    /// Logs the details, which clients must not see.
    fn from(error: DbError) -> StoreError {
        match error {
            DbError::Moved { .. } => StoreError::BucketMoved,
            DbError::Frozen { .. } => StoreError::BucketFrozen,
            DbError::Full { ref database, .. } => {
                tracing::error!(%error, "the disk is full: writes fail");
                StoreError::StorageFull(vec![database.clone()])
            }
            DbError::ClockWrong { .. } => {
                tracing::error!(%error, "the clock is wrong: new reviews are refused");
                StoreError::ClockWrong(error.to_string())
            }
            DbError::ReadOnly { database } => StoreError::ReadOnly(database),
            DbError::Unavailable { ref database, should_log, .. } => {
                if should_log {
                    tracing::error!(%error, "database unavailable");
                } else {
                    tracing::debug!(%error, "database unavailable");
                }
                StoreError::Unavailable(vec![database.clone()])
            }
            DbError::Unusable { ref database, .. } => {
                tracing::error!(%error, "database unusable: an operator must repair it");
                StoreError::Unusable(vec![database.clone()])
            }
            DbError::Locked { ref database, .. } => {
                tracing::warn!(%error, "lock timeout");
                StoreError::Locked(database.clone())
            }
            DbError::Conflict { .. }
            | DbError::CorruptData { .. }
            | DbError::Refused { .. }
            | DbError::RolledBack { .. } => StoreError::Internal(error.to_string()),
        }
    }
}

impl From<QueryError> for StoreError {
    /// The error of an invalid row.
    fn from(error: QueryError) -> StoreError {
        StoreError::Internal(error.to_string())
    }
}

/// Why a transaction is rolled back: an error of the database, or a refusal by the store.
pub(in crate::store) enum TransactionError<E> {
    Database(E),
    Refused(StoreError),
}

impl From<QueryError> for TransactionError<QueryError> {
    fn from(error: QueryError) -> TransactionError<QueryError> {
        TransactionError::Database(error)
    }
}

impl From<StoreError> for TransactionError<QueryError> {
    fn from(error: StoreError) -> TransactionError<QueryError> {
        TransactionError::Refused(error)
    }
}

impl From<TransactionError<DbError>> for StoreError {
    fn from(error: TransactionError<DbError>) -> StoreError {
        match error {
            TransactionError::Database(error) => error.into(),
            TransactionError::Refused(error) => error,
        }
    }
}

/// Runs `queries` in one transaction, which is rolled back if they fail or refuse.
pub(in crate::store) fn transaction<T>(
    database: &RequestDatabase,
    queries: impl FnOnce(&mut Connection) -> Result<T, TransactionError<QueryError>>,
) -> Result<T, TransactionError<DbError>> {
    let mut refused = None;
    let done = database.write(|connection| {
        queries(connection).map_err(|error| match error {
            TransactionError::Database(error) => error,
            TransactionError::Refused(error) => {
                refused = Some(error);
                QueryError::RolledBack
            }
        })
    });
    match refused {
        Some(error) => Err(TransactionError::Refused(error)),
        None => done.map_err(TransactionError::Database),
    }
}
