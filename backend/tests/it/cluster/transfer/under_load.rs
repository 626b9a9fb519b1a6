//! Transfers from a server that is being written to, and transfers that are interrupted.

use std::process::Stdio;
use std::sync::mpsc;

use reqwest::Method;
use serde_json::json;

use super::{Deployment, Member, REVIEWS, text};
use crate::support::engine::Engine;
use crate::support::postgres::Postgres;

/// Writes to the source while it is transferred: acknowledged reviews arrive, later ones are refused.
fn keeps_what_is_acknowledged(source: &Deployment, target: &Deployment) {
    let server = source.serve();
    let member = Member::register(&server, "Aspasia");
    let mine = server.made(REVIEWS, &member.token(), &json!({"body": "mine"}));
    let (sender, acknowledged) = mpsc::channel();
    let ids: Vec<String> = std::thread::scope(|threads| {
        for _ in 0..3 {
            let (server, sender) = (&server, sender.clone());
            threads.spawn(move || {
                loop {
                    let response =
                        server.post(REVIEWS, &[], &json!({"body": "quick", "rating": 3}));
                    if response.status != 201 {
                        assert_eq!(response.problem(503), "database_unavailable");
                        break;
                    }
                    sender.send(text(&response.json()["id"]).to_owned()).unwrap();
                }
            });
        }
        drop(sender);
        let mut ids: Vec<_> = acknowledged.iter().take(20).collect();
        source.transfer(target);
        ids.extend(acknowledged.iter());
        ids
    });

    let body = json!({"body": "late"});
    let token = member.token();
    let change = [token[0], ("if-match", "\"1\"")];
    let at = format!("/api/reviews/{}", text(&mine["id"]));
    let credentials = json!({"name": "Aspasia", "password": "a long sentence"});
    let newcomer = json!({"name": "Pericles", "password": "a long sentence"});
    server.refuses(Method::POST, REVIEWS, &[], &body);
    server.refuses(Method::POST, "/api/products/2/reviews", &token, &body);
    server.refuses(Method::PATCH, &at, &change, &body);
    server.refuses(Method::POST, &format!("{at}/reports"), &[], &json!({"reason": "spam"}));
    server.refuses(Method::POST, "/api/session", &[], &credentials);
    server.refuses(Method::POST, "/api/accounts", &[], &newcomer);
    assert_eq!(server.read("/readyz", &[])["status"], "ok");
    assert_eq!(server.read(&at, &[])["body"], "mine");
    assert!(server.read(REVIEWS, &[])["items"].as_array().unwrap().len() > 10);
    drop(server);
    source.succeeds(&["verify"]);
    let said = source.run(&["demo"]);
    assert!(!said.status.success(), "{said:?}");

    assert_eq!(source.all_reviews(), ids.len() + 1);
    assert_eq!(target.all_reviews(), ids.len() + 1);
    let server = target.serve();
    for id in &ids {
        assert_eq!(server.read(&format!("/api/reviews/{id}"), &[])["body"], "quick");
    }
    server.made(REVIEWS, &[], &body);
    assert!(target.succeeds(&["verify"]).contains("all in their place"));
}

#[test]
fn reviews_acknowledged_by_a_busy_sqlite_server_arrive() {
    let (folder, postgres) = (tempfile::tempdir().unwrap(), Postgres::start_new());
    let source = Deployment::sqlite(folder.path(), "source").small();
    let target = Deployment::postgres(folder.path(), &postgres, "target");
    keeps_what_is_acknowledged(&source, &target);
}

#[test]
fn reviews_acknowledged_by_a_busy_postgres_server_arrive() {
    let (folder, postgres) = (tempfile::tempdir().unwrap(), Postgres::start_new());
    let source = Deployment::postgres(folder.path(), &postgres, "source").small();
    let target = Deployment::postgres(folder.path(), &postgres, "target");
    keeps_what_is_acknowledged(&source, &target);
}

#[test]
fn reviews_acknowledged_by_a_busy_citus_server_arrive() {
    if Engine::Citus.is_available() {
        let folder = tempfile::tempdir().unwrap();
        let source = Deployment::citus(folder.path(), "source").small();
        keeps_what_is_acknowledged(&source, &Deployment::citus(folder.path(), "target"));
    }
}

/// Kills a transfer after it has copied reviews-1 and reviews-2. It can't copy reviews-3, because that is
/// locked, from a moment when all targets have their tables and no row is copied.
fn interrupt(source: &Deployment, target: &Deployment) {
    let source_lock = source.lock("reviews-3");
    let mut command = source.command(&["transfer", "--to", &target.config]);
    let mut transfer = command.stdout(Stdio::null()).spawn().unwrap();
    let mut wait_for = |condition: &dyn Fn() -> bool| {
        while !condition() {
            assert!(transfer.try_wait().unwrap().is_none(), "it has ended too early");
            std::thread::yield_now();
        }
    };
    wait_for(&|| source.is_read_only("reviews-2"));
    assert_eq!(target.all_reviews(), 0);
    let _target_lock = target.lock("reviews-3");
    drop(source_lock);
    wait_for(&|| target.reviews("reviews-2") == source.reviews("reviews-2"));
    transfer.kill().unwrap();
    transfer.wait().unwrap();
    assert_eq!(target.reviews("reviews-3"), Ok(0));
    target.is_no_cluster();
}

#[test]
fn an_interrupted_transfer_can_be_continued() {
    let (folder, postgres) = (tempfile::tempdir().unwrap(), Postgres::start_new());
    let folder = folder.path();
    let source = Deployment::sqlite(folder, "source");
    source.succeeds(&["migrate"]);
    source.succeeds(&["demo"]);
    let server = source.serve();
    let postgres = Deployment::postgres(folder, &postgres, "target");
    interrupt(&source, &postgres);
    server.refuses(Method::POST, REVIEWS, &[], &json!({"body": "meanwhile"}));
    server.read(REVIEWS, &[]);
    source.transfer(&postgres);
    assert_eq!(postgres.all_reviews(), 5_000);
    let back = Deployment::sqlite(folder, "back");
    interrupt(&postgres, &back);
    postgres.transfer(&back);
    source.same_rows(&back);
    assert!(back.succeeds(&["verify"]).contains("all in their place"));
    let said = source.transfer_fails(&postgres, 2);
    assert!(said.starts_with("error: default (") && said.contains("already contains this cluster"));
}
