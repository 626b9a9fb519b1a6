//! Clocks that are wrong, or have been.

use jiff::{Timestamp, ToSpan};
use ostrakon::shard::{bucket_of, mine_id};
use ostrakon::store::Clock;
use ostrakon_shared::{ReviewId, Role};
use serde_json::{Value, json};

use crate::support::app::{TestApp, ids};
use crate::support::cli::{fails, ostrakon};
use crate::support::engine::{Engine, engine};

/// A test's cluster, and the clocks by which its reviews get their ids.
struct Clocks {
    app: TestApp,
    clock: Clock,
}

impl Clocks {
    async fn start(databases: u16) -> Clocks {
        let mut clock = Clock::default();
        let app = TestApp::start_with(databases, |config| {
            clock = config.clock.clone();
            config.pre_moderation = true;
        })
        .await;
        if engine() == Engine::Sqlite {
            return Clocks { app, clock };
        }
        for number in 1..=databases {
            // The search path finds the test's function first.
            app.sql(
                &format!("reviews-{number}"),
                "CREATE TABLE wrong_clock AS SELECT 0::float8 AS seconds;
                 CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
                     AS 'SELECT pg_catalog.clock_timestamp()
                                + make_interval(secs => (SELECT seconds FROM public.wrong_clock))';
                 DO $$ BEGIN
                     EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog',
                                    current_database());
                 END $$",
            );
        }
        Clocks { app: app.restart().await, clock }
    }

    /// Sets the clock of a database wrong; all databases that are files have this machine's.
    fn set(&self, database: &str, seconds: i64) {
        match engine() {
            Engine::Sqlite => self.clock.set_offset_ms(seconds * 1_000),
            _ => self.app.sql(database, &format!("UPDATE wrong_clock SET seconds = {seconds}")),
        }
    }

    /// A new review: its id, and how many minutes it is dated ahead.
    async fn review(&self) -> (String, i64) {
        let response = self.app.post_review(1, &json!({"body": "text"})).await;
        assert_eq!(response.status, 201, "{response:?}");
        let review = response.json();
        let date: Timestamp = review["created_at"].as_str().unwrap().parse().unwrap();
        let ahead = (date - Timestamp::now()).total(jiff::Unit::Minute).unwrap();
        (review["id"].as_str().unwrap().to_owned(), ahead.round() as i64)
    }

    /// The database of a review.
    fn database_of(&self, id: &str) -> String {
        self.app.store().cluster().locate(id.parse().unwrap()).database
    }
}

on_every_engine!(a_clock_that_was_wrong_does_not_date_later_reviews, async || {
    let mut clocks = Clocks::start(2).await;
    let mut all = vec![clocks.review().await.0];
    clocks.set("reviews-1", 3_600);
    let mut wrong = 0;
    while wrong < 3 {
        let (id, ahead) = clocks.review().await;
        // Each PostgreSQL server has its own clock.
        let is_wrong = engine() == Engine::Sqlite || clocks.database_of(&id) == "reviews-1";
        assert_eq!(ahead, if is_wrong { 60 } else { 0 });
        wrong += usize::from(is_wrong);
        all.push(id);
    }
    clocks.set("reviews-1", 0);
    for _ in 0..2 {
        for _ in 0..6 {
            let (id, ahead) = clocks.review().await;
            assert_eq!(ahead, 0, "{id} in {}", clocks.database_of(&id));
            all.push(id);
        }
        clocks = Clocks { app: clocks.app.restart().await, clock: clocks.clock };
    }
    all.sort();
    let app = &clocks.app;
    let admin = app.create_account("admin", Role::Admin).await;
    let queue = app.all_pages_as(&admin, "/api/moderation/queue?limit=2").await;
    assert_eq!(ids(&queue), all, "the queue ends, and holds all");
    let approve = |review: &Value| json!({"id": review["id"], "version": review["version"]});
    let reviews: Vec<_> = queue.iter().map(approve).collect();
    let decision =
        json!({"decision": "approve", "reason": "other", "note": "ok", "reviews": reviews});
    let path = "/api/moderation/decisions";
    let decided = app.send_json(Some(&admin), reqwest::Method::POST, path, &decision).await;
    assert_eq!(decided.status, 200, "{decided:?}");
    let listed = app.all_pages("/api/products/1/reviews?sort=oldest&limit=2").await;
    assert_eq!(ids(&listed), all, "the list ends, and holds all");
    app.verify();
});

on_every_engine!(rows_dated_ahead_do_not_block_lists_and_are_reported_at_start, async || {
    let clocks = Clocks::start(1).await;
    let first = clocks.review().await.0;
    let first: ReviewId = first.parse().unwrap();
    let next_year = (Timestamp::now() + (24 * 365).hours()).as_millisecond();
    let ahead = mine_id(bucket_of(first), next_year, 0, 0).unwrap();
    let change = format!("UPDATE review SET id = {} WHERE id = {}", ahead.get(), first.get());
    clocks.app.sql("reviews-1", &change);
    let app = clocks.app.restart().await;
    let clocks = Clocks { app, clock: clocks.clock };
    let mut all = Vec::new();
    for _ in 0..3 {
        let (id, ahead) = clocks.review().await;
        assert_eq!(ahead, 0);
        all.push(id);
    }
    all.push(ahead.to_string());
    let admin = clocks.app.create_account("admin", Role::Admin).await;
    for limit in 1..=4 {
        let path = format!("/api/moderation/queue?limit={limit}");
        assert_eq!(ids(&clocks.app.all_pages_as(&admin, &path).await), all);
    }
    let mut command = ostrakon(clocks.app.cluster(), &["databases"]);
    command.env("OSTRAKON_REVIEWS_DATABASES", "1");
    if engine() != Engine::Sqlite {
        command.env("OSTRAKON_REVIEWS_URLS", clocks.app.cluster().address("reviews-1").to_string());
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("dated ahead of the clock"), "{said}");
    assert!(said.contains("reviews-1"), "{said}");
});

on_every_engine!(nothing_is_written_while_the_clock_is_impossible, async || {
    let clocks = Clocks::start(1).await;
    let before = clocks.review().await.0;
    let admin = clocks.app.create_account("admin", Role::Admin).await;
    // Leap days do not matter here.
    for years in [-40_i64, 60] {
        clocks.set("reviews-1", years * 365 * 86_400);
        let refused = clocks.app.post_review(1, &json!({"body": "text"})).await;
        assert_eq!(refused.problem(503), "clock_wrong");
        assert!(!refused.header("retry-after").is_empty());
        let queue = clocks.app.all_pages_as(&admin, "/api/moderation/queue?limit=1").await;
        assert_eq!(ids(&queue), [&*before], "reading goes on");
    }
    clocks.set("reviews-1", 0);
    assert_eq!(clocks.review().await.1, 0);
    clocks.app.verify();
});

#[actix_web::test]
async fn an_impossible_clock_is_refused_at_start() {
    let _on = Engine::Postgres.enter();
    let clocks = Clocks::start(1).await;
    clocks.review().await;
    clocks.set("reviews-1", -40 * 365 * 86_400);
    let mut command = ostrakon(clocks.app.cluster(), &["databases"]);
    command.env("OSTRAKON_REVIEWS_URLS", clocks.app.cluster().address("reviews-1").to_string());
    let said = fails(command, 2);
    assert!(said.contains("the clock of reviews-1 shows 19"), "{said}");
    let _on = Engine::Sqlite.enter();
    let cluster = crate::support::cluster::TestCluster::new();
    let config = cluster.config(1);
    crate::support::cluster::migrate(&config).unwrap();
    config.clock.set_offset_ms(60 * 365 * 86_400_000);
    let problem = config.open().err().unwrap().to_string();
    assert!(problem.starts_with("the clock of this machine shows 20"), "{problem}");
    config.clock.set_offset_ms(0);
    config.open().unwrap();
}
