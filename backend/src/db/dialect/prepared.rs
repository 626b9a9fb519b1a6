//! Keeps statements prepared that diesel would prepare for each execution.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// A query whose statement stays prepared, by its text.
///
/// Diesel does not cache a statement whose text the query's type does not determine: pieces of SQL,
/// and lists on SQLite. Preparing one takes several times as long as running it. Statements without
/// rows, such as UPDATE, take a path that this type can't change. A query needs binds for all that
/// varies, because its statements are kept as long as their connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::db) struct KeepPrepared<T>(pub T);

impl<T: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for KeepPrepared<T> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<T: QueryId> QueryId for KeepPrepared<T> {
    type QueryId = T::QueryId;

    const HAS_STATIC_QUERY_ID: bool = T::HAS_STATIC_QUERY_ID;
}

impl<T: Query> Query for KeepPrepared<T> {
    type SqlType = T::SqlType;
}

impl<T, C> diesel::RunQueryDsl<C> for KeepPrepared<T> {}
