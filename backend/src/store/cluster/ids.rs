//! Checks and repairs the ids of products and accounts after a restore of an older `default`. It
//! would assign ids again that reviews refer to: the next account would own the reviews of a lost
//! account.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::db::ids::{self, HighestIds};
use crate::db::{Connection, Context, Database, DbError, QueryError, backup};
use crate::store::cluster::Cluster;
use crate::store::cluster::setup::SetupError;

/// The number of ids that are skipped above the highest known one, for lost products and accounts
/// without reviews, which other programs may still refer to.
const SKIPPED_IDS: i64 = 1_000;
/// The maximum number of listed ids.
const MAX_LISTED: usize = 20;

impl Cluster<'_> {
    /// Fails if reviews refer to product or account ids that `default` has not assigned yet. Two
    /// index lookups per database.
    pub fn check_ids(&self) -> Result<(), SetupError> {
        // The reviews first, because `default` assigns an id before a review refers to it.
        let shards = &self.shared.shards;
        let named = named_in(shards.open_reviews(), ids::named_by_reviews)?;
        let given = shards.default.read_latest(&Context::default(), ids::given)?;
        let problems: Vec<_> = [
            ("product", given.product, named.product),
            ("account", given.account, named.account),
        ]
        .into_iter()
        .filter(|(_, given, named)| given < named)
        .map(|(what, given, named)| {
            format!(
                "default has assigned {what} ids up to {given}, but reviews refer to {what} {named}: \
                 default is older than the reviews, and the next {what} would get the reviews of \
                 a lost one. Run `ostrakon restore --repair-ids` first"
            )
        })
        .collect();
        if problems.is_empty() { Ok(()) } else { Err(SetupError(problems)) }
    }

    /// Repairs a `default` that other tools have restored: see
    /// [`crate::store::cluster::setup::Databases::restore`]. Returns one line per change or loss.
    pub fn repair_ids(&self) -> Result<Vec<String>, SetupError> {
        Ok(adopt_default(&self.shared.shards.default, &self.shared.shards.open_reviews())?)
    }
}

/// The highest ids that these databases refer to.
pub(in crate::store) fn named_in(
    reviews: Vec<&Arc<Database>>,
    highest: impl Fn(&mut Connection) -> Result<HighestIds, QueryError>,
) -> Result<HighestIds, DbError> {
    let mut named = HighestIds::default();
    for database in reviews {
        named = named.max(database.read_latest(&Context::default(), &highest)?);
    }
    Ok(named)
}

/// Raises the id sequences of a restored `default` above all known ids, and ends the restored
/// sessions and API tokens. Returns one line per change or loss.
pub(in crate::store) fn adopt_default(
    default: &Database,
    reviews: &[&Arc<Database>],
) -> Result<Vec<String>, DbError> {
    let stored = default.read_latest(&Context::default(), ids::stored)?;
    let named = named_in(reviews.to_vec(), ids::named)?;
    let (highest, (sessions, tokens)) = default.write(&Context::default(), |connection| {
        let mut above = ids::given(connection)?.max(named);
        above.product += SKIPPED_IDS;
        above.account += SKIPPED_IDS;
        ids::raise_sequences(connection, above)?;
        Ok((above, backup::end_credentials(connection)?))
    })?;
    let mut lines = vec![
        format!(
            "default: the next product gets an id above {}, the next account one above {}",
            highest.product, highest.account
        ),
        format!("default: ended {sessions} sessions and {tokens} API tokens"),
    ];
    lines.extend(missing(reviews, stored)?);
    Ok(lines)
}

/// The missing products and accounts that reviews refer to, one line each.
fn missing(reviews: &[&Arc<Database>], stored: HighestIds) -> Result<Vec<String>, DbError> {
    let (mut products, mut accounts) = (BTreeSet::new(), BTreeSet::new());
    for database in reviews {
        let named = database
            .read_latest(&Context::default(), |connection| ids::named_above(connection, stored))?;
        products.extend(named.0);
        accounts.extend(named.1);
    }
    let mut lines = Vec::new();
    if !products.is_empty() {
        lines.push(format!(
            "missing, although reviews refer to them: {}. Insert them again under their ids by \
             SQL, or their reviews stay hidden",
            listed("product", &products)
        ));
    }
    if !accounts.is_empty() {
        lines.push(format!(
            "missing, although reviews refer to them: {}. Their reviews stay, with their names",
            listed("account", &accounts)
        ));
    }
    Ok(lines)
}

fn listed(what: &str, ids: &BTreeSet<i64>) -> String {
    let first: Vec<_> = ids.iter().take(MAX_LISTED).map(ToString::to_string).collect();
    let s = if ids.len() == 1 { "" } else { "s" };
    let more = match ids.len().saturating_sub(MAX_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{what}{s} {}{more}", first.join(", "))
}
