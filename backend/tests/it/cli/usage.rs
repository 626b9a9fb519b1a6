//! Arguments, environment and configuration that are wrong: one line, and exit code 2.

use std::net::TcpListener;

use crate::support::cli::{fails, ostrakon};
use crate::support::cluster::TestCluster;
use crate::support::postgres::shared;

#[test]
fn mistakes_are_reported_in_one_line_with_exit_code_2() {
    let cluster = TestCluster::new();
    for (arguments, word) in [
        (&["locate", "x"][..], "13 characters"),
        (&["locate", "0"], "number"),
        (&["migrate", "--json"], "--status"),
        (&["locate"], "REVIEW_ID"),
        (&["serve", "--fast"], "--fast"),
        (&["launch"], "launch"),
        (&["serve"], "not migrated"),
        (&["--config", "no.toml", "serve"], "no.toml"),
        (&["migrate", "--database", "reviews-9"], "reviews-9"),
    ] {
        let said = fails(ostrakon(&cluster, arguments), 2);
        assert!(said.contains(word), "{said}");
    }
    let mut command = ostrakon(&cluster, &["migrate"]);
    command.env("OSTRAKON_REVIEWS_DATABASES", "many");
    assert!(fails(command, 2).contains("OSTRAKON_REVIEWS_DATABASES"));
    assert!(!cluster.folder().join("data").exists(), "mistakes create nothing");
}

#[test]
fn an_unreachable_database_is_reported_in_one_line() {
    let cluster = TestCluster::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let there = shared();
    for (url, code, word) in [
        (format!("postgres://ostrakon@{closed}/ostrakon"), 2, "default"),
        (there.url("no_such_database"), 2, "no_such_database"),
        (there.url("ostrakon"), 2, "not migrated"),
        ("mysql://a/b".to_owned(), 2, "OSTRAKON_DEFAULT_URL"),
    ] {
        let mut command = ostrakon(&cluster, &["serve"]);
        command.env("OSTRAKON_DEFAULT_URL", &url);
        let said = fails(command, code);
        assert!(said.contains(word), "{url}: {said}");
    }
    assert!(!cluster.folder().join("data").exists(), "mistakes create nothing");
}

#[test]
fn unknown_environment_variables_are_ignored_or_explained() {
    let cluster = TestCluster::new();
    // The variables of Kubernetes for a Service called ostrakon, and a typo.
    let mut command = ostrakon(&cluster, &["migrate"]);
    command.envs([
        ("OSTRAKON_SERVICE_HOST", "10.96.0.7"),
        ("OSTRAKON_SERVICE_PORT", "80"),
        ("OSTRAKON_SERVICE_PORT_HTTP", "80"),
        ("OSTRAKON_PORT", "tcp://10.96.0.7:80"),
        ("OSTRAKON_PORT_80_TCP", "tcp://10.96.0.7:80"),
        ("OSTRAKON_PORT_80_TCP_ADDR", "10.96.0.7"),
        ("OSTRAKON_REVIEW_DATABASES", "1"),
    ]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    for (variable, meant) in [
        ("OSTRAKON_PORT", "OSTRAKON_LISTEN"),
        ("OSTRAKON_HOST", "OSTRAKON_LISTEN"),
        ("OSTRAKON_BIND", "OSTRAKON_LISTEN"),
        ("OSTRAKON_DATABASE_URL", "OSTRAKON_DEFAULT_URL"),
        ("OSTRAKON_LOG_LEVEL", "OSTRAKON_LOG"),
    ] {
        let output = ostrakon(&cluster, &["migrate"]).env(variable, "8080").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let hint = format!("{variable}: unknown, did you mean {meant}?");
        assert!(said.contains(&hint), "{said}");
    }
    let hint = "OSTRAKON_REVIEW_DATABASES: unknown, did you mean OSTRAKON_REVIEWS_DATABASES?";
    assert!(said.contains("WARN") && said.contains(hint), "{said}");

    std::fs::write(cluster.folder().join("ostrakon.toml"), "review_databases = 1").unwrap();
    let refused = fails(ostrakon(&cluster, &["migrate"]), 2);
    assert!(refused.contains("review_databases: unknown, did you mean reviews_databases?"));
}
