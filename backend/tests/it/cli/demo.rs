//! `ostrakon demo`.

use crate::support::cli::{ServerProcess, demo_cluster, fails, ostrakon, succeeds, with_password};
use crate::support::cluster::TestCluster;
use crate::support::engine::engine;

on_every_engine!(the_demo_is_the_same_every_time_and_seeded_once, || {
    let (one, two) = (demo_cluster(), demo_cluster());
    // Without the last column: how many bytes an engine takes is not always the same.
    let table = |cluster: &TestCluster| {
        let table = succeeds(cluster, &["databases"]);
        let rows = table.lines().map(|row| row.trim_end().rsplit_once(' ').unwrap().0.trim_end());
        rows.collect::<Vec<_>>().join("\n")
    };
    let before = table(&one);
    assert_eq!(before, table(&two));
    assert_eq!(succeeds(&one, &["demo"]), "demo: already there\n");
    assert_eq!(before, table(&one));
    let table = before;
    assert_eq!(table.matches(&format!(" {} ", engine().name())).count(), 3, "{table}");
    let reviews: u64 = table
        .lines()
        .skip(1)
        .map(|row| row.split_whitespace().nth(4).unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(reviews, 5_000);
    let verified = succeeds(&one, &["verify"]);
    assert_eq!(verified, "verify: 5000 reviews in 3 databases, all in their place\n");
});

on_every_engine!(the_demo_keeps_the_dates_of_its_first_run, || {
    let cluster = TestCluster::new();
    succeeds(&cluster, &["migrate"]);
    let mut refused = ostrakon(&cluster, &["demo", "--until", "tomorrow"]);
    refused.stdin(std::process::Stdio::null());
    assert!(fails(refused, 2).contains("expected a day such as 2026-11-01"));
    succeeds(&cluster, &["demo", "--until", "2025-06-01"]);
    cluster.sql("reviews-2", "DELETE FROM report; DELETE FROM review; DELETE FROM product_rating;");
    succeeds(&cluster, &["demo", "--until", "2026-11-01"]);
    assert!(succeeds(&cluster, &["verify"]).starts_with("verify: 5000 reviews"));
    assert_eq!(succeeds(&cluster, &["demo"]), "demo: already there\n");

    let server = ServerProcess::start(&cluster);
    let newest: serde_json::Value =
        serde_json::from_str(&server.get("/api/products/1/reviews?limit=1")).unwrap();
    let newest = newest["items"][0]["created_at"].as_str().unwrap();
    assert!(newest.starts_with("2025-05"), "{newest}");
});

on_every_engine!(the_demo_ends_now_and_has_work_for_moderators, || {
    let cluster = TestCluster::new();
    succeeds(&cluster, &["migrate"]);
    succeeds(&cluster, &["demo"]);
    let overview = cluster.config(3).open().unwrap().cluster().overview().unwrap();
    assert_eq!((overview.pending, overview.reported), (9, 7));
    // About five a day.
    let written: u64 = overview.days.iter().map(|day| day.reviews).sum();
    assert!(written > 100, "{:?}", overview.days);
    // The reports are made once.
    assert_eq!(succeeds(&cluster, &["demo"]), "demo: already there\n");
    let again = cluster.config(3).open().unwrap().cluster().overview().unwrap();
    assert_eq!((again.pending, again.reported), (9, 7));
    assert!(succeeds(&cluster, &["verify"]).starts_with("verify: 5000 reviews"));
});

on_every_engine!(an_interrupted_demo_is_finished_by_the_next_one, || {
    let cluster = demo_cluster();
    cluster.sql("reviews-2", "DELETE FROM report; DELETE FROM review; DELETE FROM product_rating;");
    let finished = succeeds(&cluster, &["demo"]);
    assert!(finished.starts_with("demo: added 0 products and 1"), "{finished}");
    assert!(succeeds(&cluster, &["verify"]).starts_with("verify: 5000 reviews"));
});

on_every_engine!(the_demo_s_password_is_for_loopback_only, || {
    let cluster = TestCluster::new();
    succeeds(&cluster, &["migrate"]);
    let said = succeeds(&cluster, &["demo"]);
    let line = "demo: on this machine, sign in as admin with the password admin";
    assert_eq!(said.lines().last(), Some(line));
    let serve = |address: &str| {
        let mut command = ostrakon(&cluster, &["serve"]);
        command.env("OSTRAKON_LISTEN", address);
        command
    };
    for address in ["0.0.0.0:0", "[::]:0"] {
        let said = fails(serve(address), 2);
        assert!(said.contains("`ostrakon account password admin`"), "{said}");
    }
    let server = ServerProcess::start(&cluster);
    let admin = serde_json::json!({"name": "admin", "password": "admin"});
    assert_eq!(server.post("/api/session", &admin), 201);
    drop(server);

    succeeds(&cluster, &["account", "disable", "admin"]);
    assert_eq!(
        ServerProcess::start_at(&cluster, "0.0.0.0:0").get("/healthz"),
        "{\"status\":\"ok\"}"
    );
    succeeds(&cluster, &["account", "enable", "admin"]);
    fails(serve("0.0.0.0:0"), 2);
    assert!(
        with_password(&cluster, &["account", "password", "admin"], "another sentence")
            .status
            .success()
    );
    assert_eq!(
        ServerProcess::start_at(&cluster, "0.0.0.0:0").get("/healthz"),
        "{\"status\":\"ok\"}"
    );
    assert_eq!(succeeds(&cluster, &["demo"]), "demo: already there\n");
});
