//! The tables that the migrations of both engines leave.

use crate::support::cluster::{TestCluster, migrate};
use crate::support::engine::Engine;

/// Each fact about the tables of a SQLite file is a line, but those about the one that only SQLite
/// has: it makes reading `bucket_owner` cheaper. `INTEGER PRIMARY KEY` is SQLite's way to number rows.
const SQLITE: &str = "
    WITH tables AS (
        SELECT name FROM pragma_table_list
        WHERE schema = 'main' AND type = 'table'
            AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'
            AND name <> 'owner_version'
    ), keys AS (
        SELECT tables.name AS t, i.name AS i, i.origin, i.\"unique\", i.partial,
            (SELECT group_concat(c.name, ', ')
             FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) AS c) AS columns
        FROM tables, pragma_index_list(tables.name) AS i
    )
    SELECT 'table ' || name AS value FROM tables
    UNION ALL
    SELECT 'column ' || tables.name || '.' || c.name || ' ' || c.cid || ' ' || lower(c.type)
        || CASE WHEN c.\"notnull\" THEN ' not null' ELSE '' END
        || coalesce(' default ' || lower(c.dflt_value), '')
    FROM tables, pragma_table_info(tables.name) AS c
    UNION ALL
    SELECT 'primary key ' || name || ' (' ||
        (SELECT group_concat(c.name, ', ')
         FROM (SELECT name FROM pragma_table_info(tables.name) WHERE pk > 0 ORDER BY pk) AS c) || ')'
    FROM tables
    UNION ALL
    SELECT 'unique ' || t || ' (' || columns || ')' FROM keys WHERE origin = 'u'
    UNION ALL
    SELECT CASE WHEN \"unique\" THEN 'unique ' ELSE '' END || 'index ' || i || ' ' || t
        || ' (' || columns || ')' || CASE WHEN partial THEN ' partial' ELSE '' END
    FROM keys WHERE origin = 'c'
    UNION ALL
    SELECT 'foreign key ' || t || ' (' || group_concat(source, ', ') || ') ' || target || ' ('
        || group_concat(aim, ', ') || ')'
    FROM (SELECT tables.name AS t, f.id, f.\"table\" AS target, f.\"from\" AS source, f.\"to\" AS aim
          FROM tables, pragma_foreign_key_list(tables.name) AS f ORDER BY 1, 2, f.seq)
    GROUP BY t, id, target";

/// The same of a PostgreSQL database, with SQLite's names of types.
const POSTGRES: &str = "
    WITH tables AS (
        SELECT oid, relname AS name FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname NOT LIKE '\\_\\_diesel%'
    ), keys AS (
        SELECT tables.name AS t, i.indexrelid::regclass::text AS i, i.indisunique,
            i.indpred IS NOT NULL AS partial, i.indisprimary, k.contype,
            (SELECT string_agg(a.attname, ', ' ORDER BY c.n)
             FROM unnest(i.indkey) WITH ORDINALITY AS c (attnum, n)
             JOIN pg_attribute AS a ON a.attrelid = tables.oid AND a.attnum = c.attnum) AS columns
        FROM tables JOIN pg_index AS i ON i.indrelid = tables.oid
        LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
    )
    SELECT 'table ' || name AS value FROM tables
    UNION ALL
    SELECT 'column ' || tables.name || '.' || a.attname || ' ' || a.attnum - 1 || ' '
        || CASE WHEN a.attidentity <> '' THEN 'integer' WHEN t.typname = 'int8' THEN 'bigint'
                WHEN t.typname = 'int4' THEN 'integer' WHEN t.typname = 'int2' THEN 'smallint'
                WHEN t.typname = 'bool' THEN 'boolean' WHEN t.typname = 'bytea' THEN 'blob'
                ELSE t.typname END
        || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
        || coalesce(' default ' || replace(lower(pg_get_expr(d.adbin, d.adrelid)), '::text', ''), '')
    FROM tables JOIN pg_attribute AS a ON a.attrelid = tables.oid
    JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'primary key ' || t || ' (' || columns || ')' FROM keys WHERE indisprimary
    UNION ALL
    SELECT 'unique ' || t || ' (' || columns || ')' FROM keys WHERE contype = 'u'
    UNION ALL
    SELECT CASE WHEN indisunique THEN 'unique ' ELSE '' END || 'index ' || i || ' ' || t
        || ' (' || columns || ')' || CASE WHEN partial THEN ' partial' ELSE '' END
    FROM keys WHERE contype IS NULL
    UNION ALL
    SELECT 'foreign key ' || tables.name || ' ('
        || (SELECT string_agg(a.attname, ', ' ORDER BY c.n)
            FROM unnest(k.conkey) WITH ORDINALITY AS c (attnum, n)
            JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = c.attnum)
        || ') ' || k.confrelid::regclass || ' ('
        || (SELECT string_agg(a.attname, ', ' ORDER BY c.n)
            FROM unnest(k.confkey) WITH ORDINALITY AS c (attnum, n)
            JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = c.attnum) || ')'
    FROM tables JOIN pg_constraint AS k ON k.conrelid = tables.oid AND k.contype = 'f'";

/// The facts about `default` and about a reviews database, in order.
fn facts(engine: Engine) -> [Vec<String>; 2] {
    let _on = engine.enter();
    let cluster = TestCluster::new();
    migrate(&cluster.config(1)).unwrap();
    let query = if engine == Engine::Sqlite { SQLITE } else { POSTGRES };
    ["default", "reviews-1"].map(|database| {
        let mut facts = cluster.query_texts(database, query);
        facts.sort();
        facts
    })
}

#[test]
fn both_engines_have_the_same_tables_columns_keys_and_indexes() {
    let (sqlite, postgres) = (facts(Engine::Sqlite), facts(Engine::Postgres));
    for (sqlite, postgres) in sqlite.iter().zip(&postgres) {
        for fact in sqlite.iter().filter(|fact| !postgres.contains(fact)) {
            println!("SQLite alone:     {fact}");
        }
        for fact in postgres.iter().filter(|fact| !sqlite.contains(fact)) {
            println!("PostgreSQL alone: {fact}");
        }
    }
    assert!(sqlite == postgres, "the migrations of the engines differ");
    let kinds = ["table", "column", "primary key", "unique index", "index", "foreign key"];
    for kind in kinds {
        let told = sqlite[1].iter().any(|fact| fact.starts_with(kind));
        assert!(told, "the queries know of no {kind}");
    }
    assert!(sqlite[0].iter().any(|fact| fact == "unique product (sku)"), "{:?}", sqlite[0]);
}

on_every_engine!(every_key_of_a_sharded_table_contains_the_bucket, || {
    let [_, reviews] = facts(crate::support::engine::engine());
    let keys: Vec<_> = reviews
        .iter()
        .filter(|fact| fact.starts_with("primary key") || fact.starts_with("unique"))
        .filter(|fact| !fact.contains(" cluster ") && !fact.contains(" backfill "))
        .collect();
    assert!(keys.len() > 6, "{keys:?}");
    for key in keys {
        let columns = key.split(['(', ')']).nth(1).unwrap();
        assert!(columns.split(", ").any(|column| column == "bucket"), "{key}");
    }
});
