//! Triggers that make a table refuse changes, for every process.

use diesel::connection::SimpleConnection;

use crate::db::dialect::citus;
use crate::db::dialect::engine::Connection;
use crate::db::error::{QueryError, READ_ONLY};

/// Makes a table refuse changes; waits for transactions that have written to it.
pub fn make_read_only(connection: &mut Connection, table: &str) -> Result<(), QueryError> {
    let is_distributed = citus::allow_triggers(connection, table)?;
    let statements: Vec<String> = match connection {
        Connection::Sqlite(_) => CHANGES
            .map(|change| {
                format!(
                    "CREATE TRIGGER IF NOT EXISTS {0} BEFORE {change} ON {table}
                     BEGIN SELECT RAISE(ABORT, '{READ_ONLY}'); END;",
                    trigger_name(table, change)
                )
            })
            .into(),
        Connection::Postgres(_) => {
            // Citus accepts only row triggers.
            let (changes, each) = if is_distributed {
                ("INSERT OR UPDATE OR DELETE", "ROW")
            } else {
                ("INSERT OR UPDATE OR DELETE OR TRUNCATE", "STATEMENT")
            };
            vec![
                format!(
                    "CREATE OR REPLACE FUNCTION transfer_guard() RETURNS trigger LANGUAGE plpgsql
                     AS $$ BEGIN RAISE EXCEPTION '{READ_ONLY}'; END $$"
                ),
                // Replacing an existing trigger takes no lock that blocks readers.
                format!(
                    "CREATE OR REPLACE TRIGGER transfer_guard BEFORE {changes} ON {table}
                     FOR EACH {each} EXECUTE FUNCTION transfer_guard()"
                ),
            ]
        }
    };
    // One by one, because Citus forwards the whole text that it gets.
    statements.iter().try_for_each(|statement| connection.batch_execute(statement))?;
    Ok(())
}

/// Makes a table accept changes again.
pub fn make_writable(connection: &mut Connection, table: &str) -> Result<(), QueryError> {
    citus::allow_triggers(connection, table)?;
    let statements = match connection {
        Connection::Sqlite(_) => CHANGES
            .map(|change| format!("DROP TRIGGER IF EXISTS {};", trigger_name(table, change)))
            .join("\n"),
        Connection::Postgres(_) => format!("DROP TRIGGER IF EXISTS transfer_guard ON {table}"),
    };
    Ok(connection.batch_execute(&statements)?)
}

const CHANGES: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];

fn trigger_name(table: &str, change: &str) -> String {
    format!("transfer_guard_{table}_{}", change.to_lowercase())
}
