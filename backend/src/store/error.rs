//! What can go wrong, in the product's terms.

use ostrakon_shared::{AccountId, CredentialId, FieldError, ProblemCode, ProductId, ReviewId};

use crate::db::{Connection, DbError, QueryError, RequestDatabase};

/// Why the store did not do what it was asked for.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such product.
    #[error("there is no product {0}")]
    ProductNotFound(ProductId),
    /// There is no such review.
    #[error("there is no review {0}")]
    ReviewNotFound(ReviewId),
    /// These fields have values that they can't have.
    #[error("{} invalid fields", .0.len())]
    Invalid(Vec<FieldError>),
    /// Not a cursor that this service made.
    #[error("not a cursor")]
    CursorInvalid,
    /// A cursor of another list.
    #[error("a cursor of another list")]
    CursorMismatch,
    /// This key made another review of this product.
    #[error("the Idempotency-Key was used for another review")]
    IdempotencyKeyReused,
    /// No account has this name and this password, and may sign in.
    #[error("wrong name or password")]
    CredentialsWrong,
    /// The account's password is another one.
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
    /// No admin would be left.
    #[error("this is the only admin")]
    LastAdmin,
    /// Guests may not do this here.
    #[error("sign in first")]
    SignInRequired,
    /// It belongs to somebody else.
    #[error("not allowed")]
    NotAllowed,
    /// The account has reviewed this product already: this is the review.
    #[error("reviewed already: {0}")]
    ReviewExists(ReviewId),
    /// Its author has deleted the review.
    #[error("the review is deleted")]
    ReviewDeleted,
    /// A moderator decides about reviews of others only.
    #[error("a review of the moderator's own")]
    OwnReview,
    /// The product has left the catalogue.
    #[error("product {0} is archived")]
    ProductArchived(ProductId),
    /// This reader has reported the review already.
    #[error("reported already")]
    AlreadyReported,
    /// The last thing that happened was no decision.
    #[error("nothing to undo")]
    NothingToUndo,
    /// Somebody else has changed it meanwhile.
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
    /// These databases don't answer.
    #[error("{} not available", .0.join(", "))]
    Unavailable(Vec<String>),
    /// These databases are damaged, or can't be written to: an operator has to see to them.
    #[error("{} can't be used as they are", .0.join(", "))]
    Unusable(Vec<String>),
    /// So many reviews wait to be written to this database that one more would wait too long.
    #[error("too many wait for {0}")]
    Busy(String),
    /// Another transaction in this database holds what is to be changed, and has not ended in time.
    #[error("{0} is locked by another transaction")]
    Locked(String),
    /// This database takes no changes.
    #[error("{0} is read-only: `ostrakon transfer` moves it, or has moved it")]
    ReadOnly(String),
    /// A bucket is moving, and hasn't arrived while we waited.
    #[error("a bucket is moving")]
    BucketMoved,
    /// There is no room in these databases.
    #[error("{} full", .0.join(", "))]
    StorageFull(Vec<String>),
    /// A clock is wrong: no reviews can be dated.
    #[error("{0}")]
    ClockWrong(String),
    /// Something is wrong with the program or with what is stored.
    #[error("{0}")]
    Internal(String),
}

impl StoreError {
    /// The problem code that clients read.
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
            StoreError::Unavailable(_) | StoreError::ReadOnly(_) => {
                ProblemCode::DatabaseUnavailable
            }
            StoreError::Busy(_) | StoreError::Locked(_) => ProblemCode::DatabaseBusy,
            StoreError::StorageFull(_) => ProblemCode::StorageFull,
            StoreError::ClockWrong(_) => ProblemCode::ClockWrong,
            StoreError::BucketMoved => ProblemCode::BucketMoved,
            StoreError::Unusable(_) | StoreError::Internal(_) => ProblemCode::Internal,
        }
    }
}

impl From<DbError> for StoreError {
    /// The details go to the log: they are no client's business.
    fn from(error: DbError) -> StoreError {
        match error {
            DbError::Moved { .. } => StoreError::BucketMoved,
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
