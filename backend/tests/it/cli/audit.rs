//! `ostrakon audit`.

use crate::support::cli::{fails, json, ostrakon, succeeds};
use crate::support::cluster::TestCluster;

on_every_engine!(the_audit_trail_has_as_many_entries_as_requested, || {
    let cluster = TestCluster::new();
    succeeds(&cluster, &["migrate"]);
    cluster.sql(
        "default",
        "INSERT INTO audit_entry (action, at, last_at, count, account_name, changes)
         WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 250)
         SELECT 'signed_in', n, n, 1, 'name-' || n, '[]' FROM number",
    );
    let lines = |more: &[&str]| {
        let said = succeeds(&cluster, &[&["audit"], more].concat());
        said.lines().map(|line| line.split("  ").last().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let newest = |count: usize| -> Vec<_> {
        (1..=250).rev().take(count).map(|number| format!("name-{number}")).collect()
    };
    assert_eq!(lines(&[]), newest(20));
    for (limit, count) in [("1", 1), ("100", 100), ("101", 101), ("250", 250), ("100000", 250)] {
        assert_eq!(lines(&["--limit", limit]), newest(count));
        let trail = json(&cluster, &["audit", "--limit", limit, "--json"]);
        assert_eq!(trail["items"].as_array().unwrap().len(), count);
        assert_eq!(trail["next_cursor"].is_null(), count == 250, "{limit}");
    }
    for limit in ["0", "-1", "many"] {
        let said = fails(ostrakon(&cluster, &["audit", "--limit", limit]), 2);
        assert!(said.contains("limit") || said.contains(limit), "{said}");
    }
});
