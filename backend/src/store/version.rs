//! The version that a change expects, so that concurrent changes are not lost.

use crate::store::error::StoreError;

/// The versions of a review or product that a change may be made to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// Any version.
    Any,
    /// One of these versions.
    OneOf(Vec<i32>),
}

impl ExpectedVersion {
    /// Fails with [`StoreError::VersionConflict`] unless the stored version is an expected one.
    pub fn require(&self, stored: i32) -> Result<(), StoreError> {
        match self {
            ExpectedVersion::OneOf(versions) if !versions.contains(&stored) => {
                Err(StoreError::VersionConflict)
            }
            _ => Ok(()),
        }
    }
}
