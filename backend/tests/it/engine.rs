//! The engines that tests run on.

use std::cell::Cell;

/// What keeps the databases of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

thread_local! {
    // A test and its runtime have one thread.
    static ENGINE: Cell<Engine> = const { Cell::new(Engine::Sqlite) };
}

/// The engine of this thread's test: what the macros below have chosen, SQLite without them.
pub fn engine() -> Engine {
    ENGINE.get()
}

/// This thread's test is on an engine until this is dropped. The next one may have the same
/// thread.
pub struct On(());

impl Engine {
    pub fn enter(self) -> On {
        ENGINE.set(self);
        On(())
    }

    /// As the API and the command line name it.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        }
    }

    /// The literal of a byte string, from its hexadecimal digits.
    pub fn bytes(self, hex: &str) -> String {
        match self {
            Engine::Sqlite => format!("x'{hex}'"),
            Engine::Postgres => format!("'\\x{hex}'"),
        }
    }
}

impl Drop for On {
    fn drop(&mut self) {
        ENGINE.set(Engine::Sqlite);
    }
}

/// Makes two tests of one, `name::sqlite` and `name::postgres`, so that `TestApp` and `Place` use
/// that engine. What is about files or without databases is a plain test.
macro_rules! on_both_engines {
    ($name:ident, async || $body:expr) => {
        mod $name {
            use super::*;

            async fn the_test() {
                $body
            }

            #[actix_web::test]
            async fn sqlite() {
                let _on = $crate::engine::Engine::Sqlite.enter();
                the_test().await
            }

            #[actix_web::test]
            async fn postgres() {
                let _on = $crate::engine::Engine::Postgres.enter();
                the_test().await
            }
        }
    };
    ($name:ident, || $body:expr) => {
        mod $name {
            use super::*;

            fn the_test() {
                $body
            }

            #[test]
            fn sqlite() {
                let _on = $crate::engine::Engine::Sqlite.enter();
                the_test()
            }

            #[test]
            fn postgres() {
                let _on = $crate::engine::Engine::Postgres.enter();
                the_test()
            }
        }
    };
}

/// The same with 1, 3 and 8 reviews databases.
macro_rules! with_databases {
    ($name:ident, async |$app:ident| $body:expr) => {
        mod $name {
            use super::*;

            async fn with($app: $crate::app::TestApp) {
                $body
            }

            on_both_engines!(on_1_database, async || with(TestApp::start(1).await).await);
            on_both_engines!(on_3_databases, async || with(TestApp::start(3).await).await);
            on_both_engines!(on_8_databases, async || with(TestApp::start(8).await).await);
        }
    };
}
