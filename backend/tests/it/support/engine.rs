//! The engines that tests run on.

use std::cell::Cell;
use std::io::Write;
use std::sync::Once;

use crate::support::postgres::{self, SharedServer};

/// The engine of a test's databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
    /// PostgreSQL that distributes the sharded tables: see [`crate::support::postgres::citus`].
    Citus,
}

thread_local! {
    // A test and its runtime have one thread.
    static ENGINE: Cell<Engine> = const { Cell::new(Engine::Sqlite) };
}

/// The engine of this thread's test: what the macros below have chosen, SQLite without them.
pub fn engine() -> Engine {
    ENGINE.get()
}

/// Selects an engine for this thread until it is dropped: the next test may run on the same thread.
pub struct EngineGuard {
    before: Engine,
}

impl Engine {
    pub fn enter(self) -> EngineGuard {
        EngineGuard { before: ENGINE.replace(self) }
    }

    /// The server of this engine's databases; None: they are files.
    pub fn server(self) -> Option<&'static SharedServer> {
        match self {
            Engine::Sqlite => None,
            Engine::Postgres => Some(postgres::shared()),
            Engine::Citus => postgres::citus(),
        }
    }

    /// Whether tests can run on it. The first test that can't says so: of a test that passes, the
    /// harness keeps what a macro prints to itself.
    pub fn is_available(self) -> bool {
        static SAID: Once = Once::new();
        let is_available = self == Engine::Sqlite || self.server().is_some();
        if !is_available {
            let said = "the tests named `citus` are skipped: OSTRAKON_TEST_CITUS_URL is not set\n";
            SAID.call_once(|| std::io::stderr().write_all(said.as_bytes()).unwrap());
        }
        is_available
    }

    /// As the API and the command line name it.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres | Engine::Citus => "postgres",
        }
    }

    /// The literal of a byte string, from its hexadecimal digits.
    pub fn bytes(self, hex: &str) -> String {
        match self {
            Engine::Sqlite => format!("x'{hex}'"),
            Engine::Postgres | Engine::Citus => format!("'\\x{hex}'"),
        }
    }
}

impl Drop for EngineGuard {
    fn drop(&mut self) {
        ENGINE.set(self.before);
    }
}

/// Makes a test of one for each engine, `name::sqlite`, `name::postgres` and `name::citus`, so that
/// `TestApp` and `TestCluster` use that engine. Tests of files, or without databases, are plain tests.
macro_rules! on_every_engine {
    ($name:ident, $($test:tt)*) => {
        on_engines!($name, [sqlite Sqlite, postgres Postgres, citus Citus], $($test)*);
    };
}

/// The same without SQLite, whose files only one process serves.
macro_rules! on_every_server {
    ($name:ident, $($test:tt)*) => {
        on_engines!($name, [postgres Postgres, citus Citus], $($test)*);
    };
}

macro_rules! on_engines {
    ($name:ident, [$($test:ident $engine:ident),+], async || $body:expr) => {
        mod $name {
            use super::*;

            async fn the_test() {
                $body
            }

            $(
                #[actix_web::test]
                async fn $test() {
                    if $crate::support::engine::Engine::$engine.is_available() {
                        let _on = $crate::support::engine::Engine::$engine.enter();
                        the_test().await
                    }
                }
            )+
        }
    };
    ($name:ident, [$($test:ident $engine:ident),+], || $body:expr) => {
        mod $name {
            use super::*;

            fn the_test() {
                $body
            }

            $(
                #[test]
                fn $test() {
                    if $crate::support::engine::Engine::$engine.is_available() {
                        let _on = $crate::support::engine::Engine::$engine.enter();
                        the_test()
                    }
                }
            )+
        }
    };
}
