//! Backups: made under writes, checked, restored.

use std::path::PathBuf;
use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::TestResponse;
use crate::support::cli::{ServerProcess, ostrakon, run};
use crate::support::cluster::TestCluster;

mod create;
mod damage;
mod lost_ids;
mod restore;

const REVIEWS: [&str; 3] = ["reviews-1", "reviews-2", "reviews-3"];

fn serve(cluster: &TestCluster) -> ServerProcess {
    let mut command = ostrakon(cluster, &["serve"]);
    command.env("OSTRAKON_LISTEN", "127.0.0.1:0");
    for limit in ["REVIEWS_PER_MINUTE", "REGISTRATIONS_PER_HOUR", "SIGN_INS_PER_MINUTE"] {
        command.env(format!("OSTRAKON_{limit}"), "0");
    }
    ServerProcess::spawn(command)
}

fn send(
    to: &ServerProcess,
    method: Method,
    path: &str,
    session: &str,
    body: &Value,
) -> TestResponse {
    to.send(method, path, &[("cookie", session)], Some(body))
}

/// Registers; returns the session's cookie.
fn register(at: &ServerProcess, name: &str) -> String {
    let credentials = json!({"name": name, "password": "a long sentence"});
    let response = send(at, Method::POST, "/api/accounts", "", &credentials);
    assert_eq!(response.status, 201, "{response:?}");
    response.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// Writes a review of a product; returns its id.
fn review(at: &ServerProcess, product: u32, session: &str, text: &str) -> String {
    let path = format!("/api/products/{product}/reviews");
    let response = send(at, Method::POST, &path, session, &json!({"body": text, "rating": 4}));
    assert_eq!(response.status, 201, "{response:?}");
    response.json()["id"].as_str().unwrap().to_owned()
}

fn status(at: &ServerProcess, path: &str, session: &str) -> u16 {
    send(at, Method::GET, path, session, &Value::Null).status.as_u16()
}

/// The only backup in the folder `backups`, which is named by the time.
fn the_backup(cluster: &TestCluster) -> PathBuf {
    let mut found = backups(cluster);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn backups(cluster: &TestCluster) -> Vec<PathBuf> {
    let entries = cluster.folder().join("backups").read_dir().unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut folders: Vec<_> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

fn said(output: &Output) -> String {
    let both = [output.stdout.clone(), output.stderr.clone()].concat();
    String::from_utf8(both).unwrap()
}

#[track_caller]
fn exits(cluster: &TestCluster, arguments: &[&str], code: i32) -> String {
    let output = run(cluster, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    said(&output)
}

fn drop_all_databases(cluster: &TestCluster) {
    ["default"].into_iter().chain(REVIEWS).for_each(|database| cluster.drop_database(database));
}
