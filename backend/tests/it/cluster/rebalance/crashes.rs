//! A server that ends without notice at any step of a move: the next one finishes or undoes it.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::cli::{ServerProcess, demo_cluster, ostrakon};
use crate::support::cluster::TestCluster;

/// Where a process can end: after each transaction of a move.
const STEPS: [&str; 13] = [
    "move-claimed",
    "move-armed",
    "move-copied",
    "move-compared",
    "move-frozen",
    "move-completed",
    "move-decided",
    "move-closed",
    "move-opened",
    "move-source-purged",
    // While an earlier crash is undone.
    "move-frozen;move-undone",
    "move-frozen;move-purged",
    "move-copied;move-purged",
];

/// The program with the URLs of four databases, where they are on a server.
fn four(cluster: &TestCluster, arguments: &[&str]) -> Command {
    let mut command = ostrakon(cluster, arguments);
    let urls: Vec<_> = cluster.config(4).reviews_urls.values().map(ToString::to_string).collect();
    if !urls.is_empty() {
        command.env("OSTRAKON_REVIEWS_URLS", urls.join(","));
    }
    command.env("OSTRAKON_LISTEN", "127.0.0.1:0");
    command
}

#[track_caller]
fn succeeds(cluster: &TestCluster, arguments: &[&str]) -> String {
    let output = four(cluster, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A server whose process ends at this step.
fn crash(cluster: &TestCluster, step: &str) {
    let mut command = four(cluster, &["serve"]);
    command.env("FAILPOINTS", format!("{step}=return")).stdout(Stdio::null());
    let status = command.status().unwrap();
    assert_eq!(status.code(), None, "{step}: the process should have been killed, but {status}");
}

fn status(cluster: &TestCluster) -> Value {
    serde_json::from_str(&succeeds(cluster, &["rebalance", "status", "--json"])).unwrap()
}

fn wait_for(cluster: &TestCluster, what: impl Fn(&Value) -> bool) {
    for _ in 0..1_000 {
        if what(&status(cluster)) {
            return;
        }
    }
    panic!("{}", status(cluster));
}

on_every_engine!(a_server_that_is_killed_at_any_step_loses_nothing, || {
    let cluster = demo_cluster();
    succeeds(&cluster, &["databases", "add"]);
    for step in STEPS {
        succeeds(&cluster, &["rebalance", "plan"]);
        // Started by its row, because without a server the command would move the buckets.
        cluster.sql("default", "UPDATE rebalance SET state = 'running' WHERE state = 'planned'");
        for point in step.split(';') {
            crash(&cluster, point);
            // No one waits for the lease of a process that has ended.
            cluster.sql("default", "UPDATE rebalance SET lease_until = 0");
        }
        let before = status(&cluster)["moved_buckets"].as_u64().unwrap();
        let server = ServerProcess::spawn(four(&cluster, &["serve"]));
        wait_for(&cluster, |now| now["moved_buckets"].as_u64().unwrap() > before + 2);
        succeeds(&cluster, &["rebalance", "abort"]);
        wait_for(&cluster, |now| now["state"] == "aborted");
        drop(server);
        let verified = succeeds(&cluster, &["verify"]);
        assert!(verified.contains("5000 reviews in 4 databases, all in their place"), "{verified}");
        for database in ["reviews-1", "reviews-2", "reviews-3", "reviews-4"] {
            let rest = "SELECT count(*) FROM bucket_owner WHERE state <> 'owned'";
            assert_eq!(cluster.query_number(database, rest), 0, "{step}: {database}");
            let rest = "SELECT count(*) FROM product_rating
                        WHERE bucket NOT IN (SELECT bucket FROM bucket_owner)";
            assert_eq!(cluster.query_number(database, rest), 0, "{step}: rows in {database}");
        }
    }
});
