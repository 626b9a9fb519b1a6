//! The commands of an operator, and what they refuse.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::Growing;
use crate::support::cli::{ServerProcess, demo_cluster, fails, json, ostrakon, run, succeeds};
use crate::support::cluster::TestCluster;
use crate::support::engine::Engine;
use crate::support::wait::wait_until;

#[test]
fn a_cluster_of_files_grows_and_shrinks_by_commands_alone() {
    let cluster = demo_cluster();
    let said = fails(ostrakon(&cluster, &["rebalance", "start"]), 2);
    assert!(said.contains("no rebalance is planned"), "{said}");
    let said = fails(ostrakon(&cluster, &["rebalance", "plan", "--to-databases", "4"]), 2);
    assert!(said.contains("`ostrakon databases add --count 1` first"), "{said}");
    assert!(succeeds(&cluster, &["rebalance", "plan"]).contains("nothing has to move"));
    succeeds(&cluster, &["databases", "add", "--count", "2"]);
    let plan = succeeds(&cluster, &["rebalance", "plan", "--to-databases", "4"]);
    assert!(plan.contains("256 buckets") && plan.contains("nothing has moved yet"), "{plan}");
    let said = fails(ostrakon(&cluster, &["databases", "remove", "reviews-5"]), 2);
    assert!(said.contains("a rebalance is planned"), "{said}");

    let moved = succeeds(&cluster, &["rebalance", "start"]);
    assert!(moved.contains("no server runs") && moved.contains("256 of 256"), "{moved}");
    let said = fails(ostrakon(&cluster, &["databases", "remove", "reviews-2"]), 2);
    assert!(said.contains("owns 256 buckets"), "{said}");
    succeeds(&cluster, &["databases", "remove", "reviews-5"]);
    succeeds(&cluster, &["rebalance", "plan", "--drain", "reviews-2"]);
    succeeds(&cluster, &["rebalance", "start"]);
    succeeds(&cluster, &["databases", "remove", "reviews-2"]);
    std::fs::remove_file(cluster.file("reviews-2")).unwrap();

    let server = ServerProcess::start(&cluster);
    let verified = succeeds(&cluster, &["verify"]);
    assert!(verified.contains("5000 reviews in 3 databases, all in their place"), "{verified}");
    drop(server);
    // A retired name is never used again.
    let added = succeeds(&cluster, &["databases", "add"]);
    assert!(added.contains("reviews-6: joined the cluster with 0 buckets"), "{added}");
    succeeds(&cluster, &["backup", "backups"]);
    let other = TestCluster::new();
    succeeds(&other, &["restore", cluster.folder().join("backups").to_str().unwrap()]);
    let verified = succeeds(&other, &["verify"]);
    assert!(verified.contains("5000 reviews in 4 databases, all in their place"), "{verified}");
    let status = json(&cluster, &["rebalance", "status", "--json"]);
    assert_eq!(
        (&status["state"], &status["goal"]),
        (&json!("finished"), &json!("drain reviews-2"))
    );
    let of =
        |action: &str| json(&cluster, &["audit", "--action", action, "--json"])["items"].clone();
    let started = json!([{"field": "drain reviews-2", "from": "planned", "to": "running"}]);
    assert_eq!(of("rebalance_changed")[0]["changes"], started);
    let retired = json!([{"field": "database", "from": "reviews-2", "to": null}]);
    assert_eq!(of("database_retired")[0]["changes"], retired);
    let added = json!([{"field": "database", "from": null, "to": "reviews-6"}]);
    assert_eq!(of("database_added")[0]["changes"], added);
    let plan = ["rebalance", "plan", "--drain", "reviews-6", "--json"];
    assert_eq!(json(&cluster, &plan), json!(null), "reviews-6 owns no bucket");
    let plan = json(&cluster, &["rebalance", "plan", "--json"]);
    assert_eq!((&plan["state"], &plan["goal"]), (&json!("planned"), &json!("even")));
}

#[test]
fn processes_that_add_databases_at_once_add_one_each() {
    let cluster = demo_cluster();
    let adding: Vec<_> = (0..3)
        .map(|_| ostrakon(&cluster, &["databases", "add"]).stdout(Stdio::null()).spawn().unwrap())
        .collect();
    for mut process in adding {
        assert!(process.wait().unwrap().success());
    }
    let databases = json(&cluster, &["databases", "--json"]);
    assert_eq!(databases["items"].as_array().unwrap().len(), 6);
}

#[test]
fn a_lost_database_that_owns_nothing_does_not_matter() {
    let cluster = demo_cluster();
    succeeds(&cluster, &["databases", "add"]);
    std::fs::remove_file(cluster.file("reviews-4")).unwrap();
    let server = ServerProcess::start(&cluster);
    assert!(server.get("/api/products/1/reviews").contains("items"));
    assert!(server.get("/readyz").contains("\"ok\""));
    succeeds(&cluster, &["databases", "remove", "reviews-4"]);
    drop(server);
    let verified = succeeds(&cluster, &["verify"]);
    assert!(verified.contains("5000 reviews in 3 databases, all in their place"), "{verified}");
}

#[test]
fn a_cluster_of_servers_gets_no_files_by_default() {
    let _on = Engine::Postgres.enter();
    let cluster = demo_cluster();
    let said = fails(ostrakon(&cluster, &["databases", "add"]), 2);
    assert!(said.contains("reviews-4 has no URL: add \"reviews-4=postgres://…\""), "{said}");
    let said =
        fails(ostrakon(&cluster, &["databases", "add", "--url", "postgres://127.0.0.1:1/x"]), 2);
    assert!(said.contains("reviews-4"), "{said}");
    let url = cluster.address("reviews-4").to_string();
    cluster.config(4);
    cluster.sql("reviews-4", "CREATE TABLE of_another_program (id INTEGER)");
    let said = fails(ostrakon(&cluster, &["databases", "add", "--url", &url]), 2);
    assert!(said.contains("is not empty"), "{said}");
    cluster.sql("reviews-4", "DROP TABLE of_another_program");
    let added = succeeds(&cluster, &["databases", "add", "--url", &url]);
    assert!(added.contains("reviews-4: joined the cluster with 0 buckets"), "{added}");
    // Not configured yet.
    let output = run(&cluster, &["databases", "--json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("reviews-4 has no URL: add \"reviews-4=postgres://…\""), "{said}");
    let databases: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(databases["items"][3]["health"], "down");
    let output = run(&cluster, &["rebalance", "plan"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("reviews-4 can't be opened: check that it is up"), "{said}");
    assert_eq!(output.status.code(), Some(2));
    // Taken already.
    let said = fails(ostrakon(&cluster, &["databases", "add", "--url", &url]), 2);
    assert!(said.contains("belongs to cluster"), "{said}");
    succeeds(&cluster, &["databases", "remove", "reviews-4"]);
}

#[test]
fn databases_are_added_after_the_migrations() {
    let cluster = demo_cluster();
    let undone = "DELETE FROM __diesel_schema_migrations
                  WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)";
    cluster.sql("default", undone);
    let said = fails(ostrakon(&cluster, &["databases", "add"]), 2);
    assert!(said.contains("default") && said.contains("run `ostrakon migrate`"), "{said}");
    assert!(!cluster.file("reviews-4").exists());
}

#[test]
fn an_interrupted_addition_can_be_continued_elsewhere_or_removed() {
    let _on = Engine::Postgres.enter();
    let cluster = demo_cluster();
    let begin = "INSERT INTO database (name, position, state) VALUES ('reviews-4', 3, 'new')";
    cluster.sql("default", begin);
    let migrated = succeeds(&cluster, &["migrate"]);
    assert!(migrated.contains("reviews-4: skipped"), "{migrated}");
    let url = cluster.address("reviews-4").to_string();
    let added = succeeds(&cluster, &["databases", "add", "--url", &url]);
    assert!(added.contains("reviews-4: joined the cluster with 0 buckets"), "{added}");
    cluster.sql("default", "UPDATE database SET state = 'new' WHERE name = 'reviews-4'");
    succeeds(&cluster, &["databases", "remove", "reviews-4"]);
}

#[test]
fn a_plan_that_no_longer_fits_is_refused() {
    let cluster = demo_cluster();
    succeeds(&cluster, &["databases", "add"]);
    succeeds(&cluster, &["rebalance", "plan"]);
    succeeds(&cluster, &["databases", "add"]);
    let said = fails(ostrakon(&cluster, &["rebalance", "start"]), 2);
    assert!(said.contains("the databases have changed since it was planned"), "{said}");
}

#[test]
fn the_rebalance_of_a_killed_command_can_be_paused_and_resumed() {
    let cluster = demo_cluster();
    succeeds(&cluster, &["databases", "add"]);
    succeeds(&cluster, &["rebalance", "plan"]);
    cluster.sql("default", "UPDATE rebalance SET state = 'running', started_at = 1");
    let status = || json(&cluster, &["rebalance", "status", "--json"]);
    let waits = status()["waits_for"].as_str().unwrap().to_owned();
    assert!(waits.contains("a process that moves buckets"), "{waits}");

    let said = fails(ostrakon(&cluster, &["rebalance", "plan"]), 2);
    assert!(said.contains("another rebalance is running"), "{said}");

    // It does not need databases that are away.
    let (file, away) = (cluster.file("reviews-2"), cluster.file("away"));
    std::fs::rename(&file, &away).unwrap();
    succeeds(&cluster, &["rebalance", "pause"]);
    assert_eq!(status()["state"], "paused");
    fails(ostrakon(&cluster, &["rebalance", "throttle", "1000001"]), 2);
    succeeds(&cluster, &["rebalance", "throttle", "1000000"]);
    let said = fails(ostrakon(&cluster, &["rebalance", "resume"]), 2);
    assert!(said.contains("reviews-2") && said.contains("is missing"), "{said}");
    std::fs::rename(&away, &file).unwrap();

    let moved = succeeds(&cluster, &["rebalance", "resume"]);
    assert!(moved.contains("256 of 256"), "{moved}");
    let rate = status()["reviews_per_second"].as_f64().unwrap();
    assert!(rate > 0.1, "the years since `started_at` count: {rate}");
    let verified = succeeds(&cluster, &["verify"]);
    assert!(verified.contains("5000 reviews in 4 databases, all in their place"), "{verified}");
}

#[test]
fn without_a_server_commands_move_buckets_between_servers() {
    let _on = Engine::Postgres.enter();
    let cluster = demo_cluster();
    let drain = ["rebalance", "plan", "--drain", "reviews-3"];
    succeeds(&cluster, &drain);
    let discarded = succeeds(&cluster, &["rebalance", "abort"]);
    assert_eq!(discarded, "rebalance: the plan is discarded\n");

    succeeds(&cluster, &drain);
    // A limit that was set before the start stays.
    succeeds(&cluster, &["rebalance", "throttle", "1000000"]);
    let moved = succeeds(&cluster, &["rebalance", "start"]);
    assert!(moved.contains("no server runs, so this command moves the buckets"), "{moved}");
    assert!(moved.contains("341 of 341") && moved.contains("limit         1000000"), "{moved}");

    // The command that moved buckets was killed.
    succeeds(&cluster, &["rebalance", "plan", "--even"]);
    succeeds(&cluster, &["rebalance", "throttle", "1000000"]);
    cluster.sql("default", "UPDATE rebalance SET state = 'running', started_at = 1 WHERE id = 3");
    let resumed = succeeds(&cluster, &["rebalance", "resume"]);
    assert!(resumed.contains("341 of 341"), "{resumed}");
    let verified = succeeds(&cluster, &["verify"]);
    assert!(verified.contains("5000 reviews in 3 databases, all in their place"), "{verified}");
}

#[test]
fn sighup_reads_the_urls_of_new_databases() {
    let _on = Engine::Postgres.enter();
    let elsewhere = TestCluster::new();
    let url = elsewhere.address("reviews-4").to_string();
    let _on = Engine::Sqlite.enter();
    let cluster = demo_cluster();
    let server = ServerProcess::start(&cluster);
    succeeds(&cluster, &["databases", "add", "--url", &url]);
    // The commands know the URL before the server does.
    let with_url = |arguments: &[&str]| {
        let mut command = ostrakon(&cluster, arguments);
        command.env("OSTRAKON_REVIEWS_URLS", format!("reviews-4={url}"));
        command
    };
    assert!(with_url(&["rebalance", "plan"]).status().unwrap().success());
    let start = || with_url(&["rebalance", "start", "--rate", "1000000", "--wait"]);
    let said = fails(start(), 2);
    assert!(said.contains(&format!("process {} on ", server.pid())), "{said}");
    assert!(said.contains("can't open reviews-4: check that it is up"), "{said}");

    let file = cluster.folder().join("ostrakon.toml");
    std::fs::write(file, format!("reviews_urls = ['reviews-4={url}']")).unwrap();
    let pid = server.pid().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    // By a command that waits for the server.
    actix_web::rt::System::new()
        .block_on(wait_until(async || start().output().unwrap(), |output| output.status.success()));
    let databases = succeeds(&cluster, &["databases"]);
    assert!(databases.contains("postgres up            256"), "{databases}");
    assert!(server.get("/api/products/1/reviews").contains("items"));
}

#[test]
fn backups_and_transfers_are_refused_while_buckets_move() {
    let cluster = demo_cluster();
    succeeds(&cluster, &["databases", "add"]);
    succeeds(&cluster, &["rebalance", "plan"]);
    let state = |state: &str| {
        cluster.sql("default", &format!("UPDATE rebalance SET state = '{state}'"));
    };
    state("running");
    std::fs::write(cluster.folder().join("other.toml"), "data_dir = 'other'").unwrap();
    for command in [&["backup", "backups"][..], &["transfer", "--to", "other.toml"]] {
        let said = fails(ostrakon(&cluster, command), 2);
        assert!(said.contains("a rebalance is running: pause it"), "{said}");
    }
    state("paused");
    succeeds(&cluster, &["backup", "backups"]);
}

on_every_engine!(processes_close_a_database_that_is_retired, async || {
    let growing = Growing::start(2, 2).await;
    growing.app.create_review(1, Some(4)).await;
    growing.rebalance_to(1).await;
    let connections = || match growing.cluster.address("reviews-2").file() {
        Some(file) => {
            let opened = std::fs::read_dir("/proc/self/fd").unwrap();
            let opened = opened.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
            opened.filter(|opened| opened == file).count() as i64
        }
        // Without the one that asks, which the test opens.
        None => {
            let others = "SELECT count(*) FROM pg_stat_activity
                          WHERE datname = current_database() AND pid <> pg_backend_pid()";
            growing.cluster.query_number("reviews-2", others)
        }
    };
    assert!(connections() > 0);
    growing.app.store().cluster().retire_database("reviews-2").unwrap();
    wait_until(async || connections(), |&connections| connections == 0).await;
    assert_eq!(growing.app.get("/api/products/1/reviews").await.status, 200);
});

on_every_engine!(a_rebalance_is_paused_resumed_throttled_and_aborted, async || {
    let growing = Growing::start(1, 2).await;
    for n in 0..40 {
        growing.app.create_review(1 + n % 5, Some(4)).await;
    }
    growing.add_until(2);
    let planned = growing.plan(&json!({})).await;
    assert_eq!((&planned["buckets"], &planned["state"]), (&json!(512), &json!("planned")));
    // One review per second: most buckets have none, but one that has takes so long.
    growing.start_at(&planned, 1).await;
    growing.change(&planned, &json!({"action": "pause"})).await;
    let paused = growing.wait_for("paused").await;
    assert_eq!(paused["next_steps"][0], "ostrakon rebalance resume");
    growing.change(&planned, &json!({"action": "throttle", "max_rate": 1_000_000})).await;
    growing.change(&planned, &json!({"action": "resume"})).await;
    growing.change(&planned, &json!({"action": "abort"})).await;
    let aborted = growing.wait_for("aborted").await;
    assert_eq!(aborted["moving"], json!([]));
    growing.app.verify();
    let trail = "/api/admin/audit?action=rebalance_changed";
    let trail = growing.app.get_json_as(&growing.admin, trail).await;
    let changes: Vec<_> = trail["items"].as_array().unwrap().iter().collect();
    assert!(changes.iter().all(|entry| entry["actor"] == "admin" && entry["via"] == "token"));
    let fields: Vec<_> = changes.iter().rev().map(|entry| &entry["changes"][0]["field"]).collect();
    assert_eq!(fields, ["even", "even", "rate", "even", "even"]);
    let moved = aborted["moved_buckets"].as_u64().unwrap();
    assert_eq!(growing.buckets(), [1_024 - moved, moved], "what has moved stays");
    let refused = growing
        .app
        .send_json(
            Some(&growing.admin),
            reqwest::Method::POST,
            &format!("/api/admin/rebalances/{}/changes", planned["id"]),
            &json!({"action": "resume"}),
        )
        .await;
    assert_eq!(refused.problem(404), "rebalance_not_found");
});

#[test]
fn growing_from_files_to_a_server() {
    let _on = Engine::Postgres.enter();
    let elsewhere = TestCluster::new();
    let url = elsewhere.address("reviews-4").to_string();
    let _on = Engine::Sqlite.enter();
    let cluster = demo_cluster();
    let said = succeeds(&cluster, &["databases", "add", "--url", &url]);
    assert!(said.contains("reviews_urls"), "{said}");
    let with_url = |arguments: &[&str]| {
        let mut command = ostrakon(&cluster, arguments);
        command.env("OSTRAKON_REVIEWS_URLS", format!("reviews-4={url}"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    with_url(&["rebalance", "plan"]);
    with_url(&["rebalance", "start"]);
    let databases = with_url(&["databases"]);
    assert!(databases.contains("postgres up            256"), "{databases}");
    assert!(with_url(&["verify"]).contains("5000 reviews in 4 databases, all in their place"));
}
