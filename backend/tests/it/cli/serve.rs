//! `ostrakon serve`.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::support::cli::{ServerProcess, demo_cluster, fails, ostrakon, succeeds};
use crate::support::cluster::TestCluster;

on_every_engine!(a_port_in_use_is_reported_in_one_line, || {
    let cluster = demo_cluster();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = ostrakon(&cluster, &["serve"]);
    command.env("OSTRAKON_LISTEN", &address);
    assert!(fails(command, 1).contains(&format!("{address} is in use")));
});

#[test]
fn the_default_secret_key_is_created_and_a_configured_one_must_exist() {
    let cluster = TestCluster::new();
    succeeds(&cluster, &["migrate"]);
    let file = cluster.folder().join("key");
    let serve = || {
        let mut command = ostrakon(&cluster, &["serve"]);
        command.env("OSTRAKON_LISTEN", "127.0.0.1:0").env("OSTRAKON_SECRET_KEY_FILE", &file);
        command
    };
    assert!(fails(serve(), 2).contains("key: No such file"));
    std::fs::write(&file, "short\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert!(fails(serve(), 2).contains("32 characters or more"));
    std::fs::write(&file, "a key of more than 32 characters\n").unwrap();
    assert_eq!(ServerProcess::spawn(serve()).get("/healthz"), "{\"status\":\"ok\"}");
    let own = cluster.folder().join("data").join("secret-key");
    assert!(!own.exists(), "another one is configured");

    std::fs::create_dir(&own).unwrap();
    let mut command = ostrakon(&cluster, &["serve"]);
    command.env("OSTRAKON_LISTEN", "127.0.0.1:0");
    assert!(fails(command, 2).contains("data/secret-key"));
}

on_every_engine!(a_server_prints_its_address_and_ends_by_a_signal, || {
    let cluster = TestCluster::new();
    let server = ServerProcess::start_with(&cluster, &["serve", "--migrate"]);
    assert_eq!(server.get("/readyz"), "{\"status\":\"ok\"}");
    assert_eq!(server.get("/api/products"), "{\"items\":[],\"next_cursor\":null}");
    assert!(server.stop().success());
});

on_every_engine!(malformed_requests_are_not_logged_as_errors, || {
    let cluster = TestCluster::new();
    succeeds(&cluster, &["migrate"]);
    let log = |directives: Option<&str>| {
        let mut command = ostrakon(&cluster, &["serve"]);
        command.env("OSTRAKON_LISTEN", "127.0.0.1:0").stderr(Stdio::piped());
        command.envs(directives.map(|directives| ("OSTRAKON_LOG", directives)));
        let mut server = ServerProcess::spawn(command);
        for broken in ["GET\r\n\r\n", "\u{1}\u{2}\u{3}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            stream.write_all(broken.as_bytes()).unwrap();
            let mut response = String::new();
            stream.read_to_string(&mut response).unwrap();
            assert!(response.starts_with("HTTP/1.1 400"), "{broken:?}: {response}");
        }
        let mut stderr = server.child.stderr.take().unwrap();
        assert!(server.stop().success());
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        said
    };
    let said = log(None);
    assert!(!said.contains("ERROR") && !said.contains("parse error"), "{said}");
    let said = log(Some("warn,ostrakon=debug"));
    assert!(!said.contains("ERROR"), "{said}");
    assert_eq!(said.matches("request parse error").count(), 3, "{said}");
});

/// A machine that has no memory for another thread, for a while.
#[test]
fn reviews_are_written_as_soon_as_a_writer_can_start() {
    let cluster = demo_cluster();
    let server = ServerProcess::start(&cluster);
    let pid = server.child.id();
    let limit = |bytes: &str| {
        let mut prlimit = Command::new("prlimit");
        prlimit.args([format!("--pid={pid}"), format!("--as={bytes}:")]);
        assert!(prlimit.status().unwrap().success());
    };
    let review = serde_json::json!({"body": "text"});
    server.get("/api/products/1/reviews");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let size_kib: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    // A thread takes 2 MiB at least.
    limit(&((size_kib + 1024) * 1024).to_string());
    for _ in 0..3 {
        assert_eq!(server.post("/api/products/1/reviews", &review), 503);
    }
    limit("unlimited");
    assert_eq!(server.post("/api/products/1/reviews", &review), 201);
}
