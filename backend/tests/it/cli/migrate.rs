//! `ostrakon migrate`.

use std::path::Path;
use std::process::Stdio;

use crate::support::cli::{ostrakon, run, succeeds};
use crate::support::cluster::TestCluster;

on_every_engine!(concurrent_migrations_succeed, || {
    let cluster = TestCluster::new();
    let migrate = || ostrakon(&cluster, &["migrate"]).stdout(Stdio::null()).spawn().unwrap();
    let migrations: Vec<_> = (0..6).map(|_| migrate()).collect();
    for mut migration in migrations {
        assert!(migration.wait().unwrap().success());
    }
    assert_eq!(succeeds(&cluster, &["migrate"]).matches("up to date").count(), 4);
    let verified = succeeds(&cluster, &["verify"]);
    assert_eq!(verified, "verify: 0 reviews in 3 databases, all in their place\n");
    let owned = |database| cluster.query_number(database, "SELECT count(*) FROM bucket_owner");
    let owned = ["reviews-1", "reviews-2", "reviews-3"].map(owned);
    assert_eq!(owned, [342, 341, 341]);
});

on_every_engine!(migration_status_lists_pending_migrations, || {
    let cluster = TestCluster::new();
    let before = run(&cluster, &["migrate", "--status"]);
    assert_eq!(before.status.code(), Some(1));
    succeeds(&cluster, &["migrate", "--database", "default"]);
    let only = succeeds(&cluster, &["migrate", "--status", "--database", "default"]);
    assert!(only.contains("applied") && !only.contains("reviews-1"), "{only}");
    succeeds(&cluster, &["migrate"]);
    // The migrations of `default`, and of each of three reviews databases.
    let count = |kind: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sqlite").join(kind);
        std::fs::read_dir(folder).unwrap().count()
    };
    let all = count("default") + 3 * count("reviews");
    assert_eq!(succeeds(&cluster, &["migrate", "--status"]).matches("applied").count(), all);
});
