//! The SQLite library that this program runs with.

use diesel::dsl::sql;
use diesel::sql_types::Text;
use diesel::{Connection as _, RunQueryDsl, SqliteConnection};

/// The first SQLite whose write-ahead log is safe with several connections: earlier ones can
/// corrupt a database when a checkpoint meets a reset of the log.
const SAFE_SQLITE: [u32; 3] = [3, 51, 3];

/// Why the SQLite library that this program runs with must not be used, if so.
pub fn sqlite_version_problem() -> Option<String> {
    let found = sqlite_version().unwrap_or_else(|error| format!("one that fails: {error}"));
    let mut numbers = found.split('.').map(|part| part.parse().unwrap_or(0));
    let version: [u32; 3] = std::array::from_fn(|_| numbers.next().unwrap_or(0));
    (version < SAFE_SQLITE).then(|| {
        format!(
            "SQLite 3.51.3 or later is needed (earlier ones can corrupt a write-ahead log), \
             this program runs with {found}"
        )
    })
}

fn sqlite_version() -> Result<String, Box<dyn std::error::Error>> {
    let mut memory = SqliteConnection::establish(":memory:")?;
    Ok(diesel::select(sql::<Text>("sqlite_version()")).get_result(&mut memory)?)
}
