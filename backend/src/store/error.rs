//! Errors in terms of the product.

use ostrakon_shared::{AccountId, CredentialId, FieldError, ProblemCode, ProductId, ReviewId};

use crate::db::{Connection, DbError, QueryError, RequestDatabase};

/// Why a store operation failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such product.
    #[error("there is no product {0}")]
    ProductNotFound(ProductId),
    /// There is no such review.
    #[error("there is no review {0}")]
    ReviewNotFound(ReviewId),
    /// These fields are invalid.
    #[error("{} invalid fields", .0.len())]
    Invalid(Vec<FieldError>),
    /// The cursor is not a value issued by this service.
    #[error("not a cursor")]
    CursorInvalid,
    /// The cursor belongs to another list.
    #[error("a cursor of another list")]
    CursorMismatch,
    /// The key was used for another review of this product.
    #[error("the Idempotency-Key was used for another review")]
    IdempotencyKeyReused,
    /// No enabled account has this name and password.
    #[error("wrong name or password")]
    CredentialsWrong,
    /// The password is wrong.
    #[error("the current password is another one")]
    PasswordWrong,
    /// An account has this name already.
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
    /// The change would leave no admin.
    #[error("this is the only admin")]
    LastAdmin,
    /// Guests may not do this here.
    #[error("sign in first")]
    SignInRequired,
    /// It belongs to another account.
    #[error("not allowed")]
    NotAllowed,
    /// The account has already reviewed this product; this is its review.
    #[error("reviewed already: {0}")]
    ReviewExists(ReviewId),
    /// Its author has deleted the review.
    #[error("the review is deleted")]
    ReviewDeleted,
    /// Moderators can't decide about their own reviews.
    #[error("a review of the moderator's own")]
    OwnReview,
    /// The product is archived.
    #[error("product {0} is archived")]
    ProductArchived(ProductId),
    /// This reader has already reported the review.
    #[error("reported already")]
    AlreadyReported,
    /// There is no decision to undo.
    #[error("nothing to undo")]
    NothingToUndo,
    /// It has changed since the given version.
    #[error("changed meanwhile")]
    VersionConflict,
    /// Another product has this SKU.
    #[error("the SKU is taken")]
    SkuTaken,
    /// There is no such reviews database.
    #[error("there is no reviews database {0}")]
    DatabaseNotFound(String),
    /// The database is being verified already.
    #[error("{0} is being verified")]
    VerifyRunning(String),
    /// No rebalance is planned, running or paused.
    #[error("no rebalance is planned, running or paused")]
    NoRebalance,
    /// The state of the rebalance or of the databases does not allow this.
    #[error("{0}")]
    RebalanceState(String),
    /// These databases are unavailable.
    #[error("{} not available", .0.join(", "))]
    Unavailable(Vec<String>),
    /// These databases are damaged or not writable: an operator must repair them.
    #[error("{} can't be used as they are", .0.join(", "))]
    Unusable(Vec<String>),
    /// The write queue of this database is full.
    #[error("too many wait for {0}")]
    Busy(String),
    /// Another transaction in this database held a lock for too long.
    #[error("{0} is locked by another transaction")]
    Locked(String),
    /// This database is read-only.
    #[error("{0} is read-only: `ostrakon transfer` moves it, or has moved it")]
    ReadOnly(String),
    /// A bucket has moved to another database.
    #[error("a bucket has moved")]
    BucketMoved,
    /// A bucket is about to move, and is not written meanwhile.
    #[error("a bucket is about to move")]
    BucketFrozen,
    /// The disks of these databases are full.
    #[error("{} full", .0.join(", "))]
    StorageFull(Vec<String>),
    /// A clock is outside the range of ids.
    #[error("{0}")]
    ClockWrong(String),
    /// A fault of the program or the stored data.
    #[error("{0}")]
    Internal(String),
}

impl StoreError {
    /// The problem code for clients.
    pub fn code(&self) -> ProblemCode {
        match self {
            StoreError::ProductNotFound(_) => ProblemCode::ProductNotFound,
            StoreError::ReviewNotFound(_) => ProblemCode::ReviewNotFound,
            StoreError::Invalid(_) => ProblemCode::ValidationFailed,
            StoreError::CursorInvalid => ProblemCode::CursorInvalid,
            StoreError::CursorMismatch => ProblemCode::CursorMismatch,
            StoreError::IdempotencyKeyReused => ProblemCode::IdempotencyKeyReused,
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
                tracing::error!(%error, "nothing is written");
                StoreError::StorageFull(vec![database.clone()])
            }
            DbError::ClockWrong { .. } => {
                tracing::error!(%error, "no reviews are written");
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
                tracing::error!(%error, "database unusable: an operator has to see to it");
                StoreError::Unusable(vec![database.clone()])
            }
            DbError::Locked { ref database, .. } => {
                tracing::warn!(%error, "waited for a lock in vain");
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
    /// Of rows that were read, and can't be understood.
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

/// Runs `queries` in one transaction. When they fail or refuse, nothing has happened.
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
