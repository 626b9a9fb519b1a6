//! SQLite files: one server at a time, permissions, and the write-ahead log.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::cli::{ServerProcess, demo_cluster, fails, ostrakon, succeeds};
use crate::support::cluster::TestCluster;

/// The permissions of a file or folder.
fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn one_server_at_a_time_serves_files_and_commands_run_beside_it() {
    let cluster = demo_cluster();
    let first = ServerProcess::start(&cluster);
    let refused = fails(ostrakon(&cluster, &["serve"]), 2);
    assert!(refused.contains("default") && refused.contains("another process"), "{refused}");
    // The same files by another path are refused too.
    std::os::unix::fs::symlink("data", cluster.folder().join("link")).unwrap();
    let mut other = ostrakon(&cluster, &["serve"]);
    other.env("OSTRAKON_DATA_DIR", "link");
    fails(other, 2);
    for beside in ["databases", "verify", "migrate", "demo"] {
        succeeds(&cluster, &[beside]);
    }
    succeeds(&cluster, &["account", "list"]);
    assert_eq!(first.get("/readyz"), "{\"status\":\"ok\"}");
    // However a server ends, the next one can start.
    drop(first);
    let second = ServerProcess::start(&cluster);
    assert_eq!(second.get("/readyz"), "{\"status\":\"ok\"}");
    assert!(second.stop().success());
    ServerProcess::start(&cluster);
}

#[test]
fn new_files_are_readable_by_their_user_only() {
    let cluster = TestCluster::new();
    let program = env!("CARGO_BIN_EXE_ostrakon");
    let migrate = format!("umask 000 && exec {program} migrate");
    let migrated = Command::new("sh").args(["-c", &migrate]).current_dir(cluster.folder()).output();
    assert!(migrated.unwrap().status.success());
    let data = cluster.folder().join("data");
    assert_eq!(mode(&data), 0o700);
    let server = ServerProcess::start(&cluster);
    server.get("/api/products");
    let mut seen = Vec::new();
    for file in data.read_dir().unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        seen.push(file.file_name().unwrap().to_str().unwrap().to_owned());
    }
    for name in ["default.sqlite3", "default.sqlite3-wal", "default.sqlite3-shm", "secret-key"] {
        assert!(seen.iter().any(|other| other == name), "{seen:?}");
    }
}

#[test]
fn files_readable_by_others_are_restricted() {
    let cluster = demo_cluster();
    let data = cluster.folder().join("data");
    set_mode(&data, 0o755);
    let [default, reviews] = ["default", "reviews-2"].map(|database| cluster.file(database));
    set_mode(&default, 0o664);
    set_mode(&reviews, 0o646);
    let key = data.join("secret-key");
    std::fs::write(&key, "a secret of this cluster, which nobody guesses").unwrap();
    set_mode(&key, 0o644);
    let _serving = ServerProcess::start(&cluster);
    assert_eq!([&default, &reviews, &key].map(|file| mode(file)), [0o660, 0o640, 0o640]);
    assert_eq!(mode(&data), 0o755, "the rights of the folder stay");
}

/// The program, for which this file can't be written to; `None`: this user may not mount anything.
fn with_read_only(cluster: &TestCluster, file: &Path, arguments: &[&str]) -> Option<Command> {
    let bind = "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\"";
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(file);
        command
    };
    if !unshare(bind).output().is_ok_and(|tried| tried.status.success()) {
        eprintln!("skipped: this user may not mount a file of his own (unshare --user)");
        return None;
    }
    let run = ostrakon(cluster, arguments);
    let mut command = unshare(&format!("{bind} && shift && exec \"$@\""));
    command.arg(run.get_program()).args(run.get_args()).current_dir(cluster.folder());
    command.env("OSTRAKON_LISTEN", "127.0.0.1:0");
    Some(command)
}

#[test]
fn a_file_that_can_not_be_written_to_is_not_served() {
    let cluster = demo_cluster();
    for database in ["default", "reviews-2"] {
        let file = cluster.file(database);
        let Some(serve) = with_read_only(&cluster, &file, &["serve"]) else { return };
        let said = fails(serve, 2);
        assert!(said.contains(&format!("{database}: ")), "{said}");
        assert!(said.contains("a server must be able to write to it"), "{said}");
        // Commands that only read may run.
        let mut list = with_read_only(&cluster, &file, &["databases"]).unwrap();
        assert!(list.output().unwrap().status.success());
    }
    ServerProcess::start(&cluster);
}

/// Sets or clears the immutable attribute, which binds root too; false where that is not possible.
fn set_immutable(file: &Path, is: bool) -> bool {
    let changed = Command::new("chattr").arg(if is { "+i" } else { "-i" }).arg(file).output();
    changed.is_ok_and(|output| output.status.success())
}

#[actix_web::test]
async fn a_file_that_became_read_only_is_a_permanent_error() {
    let app = TestApp::start(1).await;
    app.create_review(1, Some(4)).await;
    let file = app.file("reviews-1");
    let cluster = app.stop().await;
    if !set_immutable(&file, true) {
        eprintln!("skipped: this user or file system can't make a file immutable (chattr)");
        return;
    }
    let app = TestApp::serve_existing(cluster, 1);
    let refused = app.post_review(1, &json!({"body": "text"})).await;
    let ready = app.get("/readyz").await;
    let page = app.get("/api/products/1/reviews").await;
    assert!(set_immutable(&file, false));
    assert_eq!((refused.problem(500).as_str(), refused.header("retry-after")), ("internal", ""));
    assert_eq!(ready.problem(503), "database_unavailable");
    assert_eq!(page.status, 200);
}

#[test]
fn a_secret_file_that_others_can_read_is_reported() {
    let cluster = demo_cluster();
    let secret = cluster.folder().join("secret");
    std::fs::write(&secret, "a secret of this cluster, which nobody guesses").unwrap();
    for setting in ["OSTRAKON_SECRET_KEY_FILE", "OSTRAKON_DATABASE_PASSWORD_FILE"] {
        for (mode, is_told) in [(0o644, true), (0o640, false)] {
            set_mode(&secret, mode);
            let output =
                ostrakon(&cluster, &["databases"]).env(setting, "secret").output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(said.contains("open to every user of this machine"), is_told, "{said}");
        }
    }
}

#[test]
fn a_file_that_lost_its_write_ahead_log_gets_one() {
    let cluster = demo_cluster();
    let journal = || {
        cluster.query_texts("reviews-2", "SELECT journal_mode AS value FROM pragma_journal_mode")
    };
    cluster.sql("reviews-2", "PRAGMA journal_mode = DELETE");
    assert_eq!(journal(), ["delete"]);
    succeeds(&cluster, &["databases"]);
    assert_eq!(journal(), ["wal"]);
}
