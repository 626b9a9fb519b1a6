//! The databases as one cluster: opening, migrating, verifying, backing up and moving them.

pub mod backfill;
pub mod backup;
pub mod ids;
pub mod migrate;
pub mod open;
pub mod overview;
pub mod positions;
pub mod restore;
pub mod seed;
pub mod setup;
pub mod transfer;
pub mod verification;
pub mod verify;
