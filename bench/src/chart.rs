//! The chart.

use std::path::Path;

use crate::Result;

/// Draws it.
pub fn draw(_json: &Path) -> Result<()> {
    Err("later".into())
}
