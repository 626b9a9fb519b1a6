//! Responses for admins: all reviews, and the overview.

use serde::{Deserialize, Serialize};

use crate::moderation::{Report, ReviewEvent};
use crate::{AccountId, DatabaseInfo, Page, Review};

/// A review, and where it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminReview {
    /// The review, whatever its status.
    pub review: Review,
    /// The name of its product.
    #[cfg_attr(feature = "openapi", schema(example = "Brown teddy bear"))]
    pub product_name: Option<String>,
    /// The account that wrote it; null for a guest.
    pub author_id: Option<AccountId>,
    /// The name of that account.
    #[cfg_attr(feature = "openapi", schema(example = "aspasia"))]
    pub author_account: Option<String>,
    /// Open reports.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub open_reports: u32,
    /// Its bucket, which follows from the hash of its id.
    #[cfg_attr(feature = "openapi", schema(example = 421, minimum = 0, maximum = 1023))]
    pub bucket: u16,
    /// The database that owns this bucket now.
    #[cfg_attr(feature = "openapi", schema(example = "reviews-2"))]
    pub database: String,
}

/// A page of reviews, the newest first.
pub type AdminReviewPage = Page<AdminReview>;

/// A review with its reports and history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminReviewDetail {
    /// The review, and where it is stored.
    pub review: AdminReview,
    /// Its reports, the newest first; at most 100.
    pub reports: Vec<Report>,
    /// Its history, the newest entry first; at most 100.
    pub history: Vec<ReviewEvent>,
}

/// How many reviews were written on a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DayCount {
    /// The day, in UTC.
    #[cfg_attr(feature = "openapi", schema(example = "2026-03-01", format = Date))]
    pub date: String,
    /// Reviews written on it, whatever their status.
    #[cfg_attr(feature = "openapi", schema(example = 12))]
    pub reviews: u64,
}

/// An overview of the service. Databases that are down are not counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overview {
    /// The last 30 days, the oldest first, today last.
    pub days: Vec<DayCount>,
    /// Reviews that wait for approval.
    #[cfg_attr(feature = "openapi", schema(example = 3))]
    pub pending: u64,
    /// Reviews with open reports.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub reported: u64,
    /// The reviews databases.
    pub databases: Vec<DatabaseInfo>,
}
