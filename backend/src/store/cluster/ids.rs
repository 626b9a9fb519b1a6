//! Whether `default` has given the ids of products and accounts that the reviews name, and what to
//! do where it has not: a restore of an older `default` would give a lost account's reviews to the
//! next one who registers.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::db::ids::{self, HighestIds};
use crate::db::{Connection, Context, Database, DbError, QueryError, backup};
use crate::store::cluster::Cluster;
use crate::store::cluster::setup::SetupError;

/// Ids that are left out above the highest that is known: lost products and accounts without
/// reviews leave no trace here, but maybe in other programs.
const ROOM: i64 = 1_000;
/// Ids that are listed; more are only counted.
const MAX_LISTED: usize = 20;

impl Cluster<'_> {
    /// Refuses to go on where reviews name products or accounts that `default` has yet to give ids
    /// to. Two lookups in indexes for each database.
    pub fn check_ids(&self) -> Result<(), SetupError> {
        // The reviews first: what they name was in `default` before.
        let shards = &self.shared.shards;
        let named = named_in(&shards.reviews, ids::named_by_reviews)?;
        let given = shards.default.read_latest(&Context::default(), ids::given)?;
        let problems: Vec<_> = [
            ("product", given.product, named.product),
            ("account", given.account, named.account),
        ]
        .into_iter()
        .filter(|(_, given, named)| given < named)
        .map(|(what, given, named)| {
            format!(
                "default has given ids up to {given} to {what}s, but reviews name {what} {named}: \
                 it is older than they are, and the next {what} would get the reviews of a lost \
                 one. Run `ostrakon restore --repair-ids` first"
            )
        })
        .collect();
        if problems.is_empty() { Ok(()) } else { Err(SetupError(problems)) }
    }

    /// Makes a `default` that other tools have restored one that can be served: see
    /// [`crate::store::cluster::setup::Databases::restore`]. Says what was done and lost, a line each.
    pub fn repair_ids(&self) -> Result<Vec<String>, SetupError> {
        Ok(adopt_default(&self.shared.shards.default, &self.shared.shards.reviews)?)
    }
}

/// The highest ids that any of these databases names.
pub(in crate::store) fn named_in(
    reviews: &[Arc<Database>],
    highest: impl Fn(&mut Connection) -> Result<HighestIds, QueryError>,
) -> Result<HighestIds, DbError> {
    let mut named = HighestIds::default();
    for database in reviews {
        named = named.max(database.read_latest(&Context::default(), &highest)?);
    }
    Ok(named)
}

/// Lets a restored `default` go on counting above all that was ever given, as far as is known, and
/// ends the sessions and API tokens that came back with it. Says what is missing.
pub(in crate::store) fn adopt_default(
    default: &Database,
    reviews: &[Arc<Database>],
) -> Result<Vec<String>, DbError> {
    let stored = default.read_latest(&Context::default(), ids::stored)?;
    let named = named_in(reviews, ids::named)?;
    let (highest, (sessions, tokens)) = default.write(&Context::default(), |connection| {
        let mut above = ids::given(connection)?.max(named);
        above.product += ROOM;
        above.account += ROOM;
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

/// The products and accounts that reviews name and that are missing, a line each kind.
fn missing(reviews: &[Arc<Database>], stored: HighestIds) -> Result<Vec<String>, DbError> {
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
            "lost, though reviews name them: {}. Put them back under their ids by SQL, or their \
             reviews stay hidden",
            listed("product", &products)
        ));
    }
    if !accounts.is_empty() {
        lines.push(format!(
            "lost, though reviews name them: {}. Their reviews stay, under the names they carry",
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
