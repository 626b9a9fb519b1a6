//! Conditions on reviews that each engine needs in words of its own.

use diesel::dsl::sql;
use diesel::expression::BoxableExpression;
use diesel::sql_types::{Bool, Text};

use crate::db::dialect::engine::{Connection, MultiBackend};
use crate::db::schema::review;

pub(in crate::db) type ReviewCondition =
    Box<dyn BoxableExpression<review::table, MultiBackend, SqlType = Bool>>;

/// A condition that few rows meet. SQLite has no statistics, and would otherwise read all of a
/// product's reviews for its few with two stars.
pub(in crate::db) fn unlikely(connection: &Connection, condition: &str) -> ReviewCondition {
    match connection {
        Connection::Sqlite(_) => Box::new(sql::<Bool>(&format!("unlikely({condition})"))),
        Connection::Postgres(_) => Box::new(sql::<Bool>(condition)),
    }
}

/// The condition that a review's title, body or author's name may contain `word`, which is folded.
/// It is true for each that does, and for all with letters beyond ASCII, because engines differ in
/// how they compare the cases and accents of those.
pub(in crate::db) fn text_may_match(connection: &Connection, word: &str) -> ReviewCondition {
    // The C collation knows the cases of ASCII letters alone, as SQLite does.
    let (like, collation, chars) = match connection {
        Connection::Sqlite(_) => ("LIKE", "", "length"),
        Connection::Postgres(_) => ("ILIKE", "COLLATE \"C\"", "char_length"),
    };
    let has_others = ["body", "title", "author_name"]
        .map(|column| format!("octet_length({column}) <> {chars}({column})"))
        .join(" OR ");
    if !word.is_ascii() {
        return Box::new(sql::<Bool>(&format!("({has_others})")));
    }
    let pattern = format!("%{}%", escape_like(word));
    let condition = sql::<Bool>(&format!("({has_others} OR body {collation} {like} "))
        .bind::<Text, _>(pattern.clone())
        .sql(&format!(" ESCAPE '\\' OR title {collation} {like} "))
        .bind::<Text, _>(pattern.clone())
        .sql(&format!(" ESCAPE '\\' OR author_name {collation} {like} "))
        .bind::<Text, _>(pattern)
        .sql(" ESCAPE '\\')");
    Box::new(condition)
}

/// Escapes the wildcards of a text for `LIKE … ESCAPE '\'`.
pub(in crate::db) fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
