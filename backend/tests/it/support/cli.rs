//! The program as a process: commands, and servers.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use reqwest::Method;
use serde_json::Value;

use crate::support::app::TestResponse;
use crate::support::cluster::TestCluster;

/// The program with three reviews databases of this cluster, without this process's configuration.
pub fn ostrakon(cluster: &TestCluster, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ostrakon"));
    command.current_dir(cluster.folder()).args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OSTRAKON_")) {
        command.env_remove(name);
    }
    let config = cluster.config(3);
    if let Some(default) = &config.default_url {
        let reviews: Vec<_> = config.reviews_urls.values().map(ToString::to_string).collect();
        command.env("OSTRAKON_DEFAULT_URL", default.to_string());
        command.env("OSTRAKON_REVIEWS_URLS", reviews.join(","));
    }
    command
}

pub fn run(cluster: &TestCluster, arguments: &[&str]) -> Output {
    ostrakon(cluster, arguments).output().unwrap()
}

#[track_caller]
pub fn succeeds(cluster: &TestCluster, arguments: &[&str]) -> String {
    let output = run(cluster, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The one line that a command prints before it ends with this code.
#[track_caller]
pub fn fails(mut command: Command, code: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("error: "), "{said}");
    said
}

/// A cluster with the demo, whose dates are the same in every test.
pub fn demo_cluster() -> TestCluster {
    let cluster = TestCluster::new();
    succeeds(&cluster, &["migrate"]);
    succeeds(&cluster, &["demo", "--until", "2026-11-01"]);
    cluster
}

/// The one JSON document that a command prints.
#[track_caller]
pub fn json(cluster: &TestCluster, arguments: &[&str]) -> Value {
    serde_json::from_str(&succeeds(cluster, arguments)).unwrap()
}

/// The output of a command that reads a password from its standard input.
pub fn with_password(cluster: &TestCluster, arguments: &[&str], password: &str) -> Output {
    let mut command = ostrakon(cluster, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The command may have ended without reading.
    writeln!(child.stdin.take().unwrap(), "{password}").ok();
    child.wait_with_output().unwrap()
}

/// A server as a process.
pub struct ServerProcess {
    pub child: Child,
    _stdout: BufReader<ChildStdout>,
    pub address: String,
}

impl ServerProcess {
    pub fn start(cluster: &TestCluster) -> ServerProcess {
        ServerProcess::start_with(cluster, &["serve"])
    }

    pub fn start_with(cluster: &TestCluster, arguments: &[&str]) -> ServerProcess {
        let mut command = ostrakon(cluster, arguments);
        command.env("OSTRAKON_LISTEN", "127.0.0.1:0");
        ServerProcess::spawn(command)
    }

    pub fn start_at(cluster: &TestCluster, listen: &str) -> ServerProcess {
        let mut command = ostrakon(cluster, &["serve"]);
        command.env("OSTRAKON_LISTEN", listen);
        ServerProcess::spawn(command)
    }

    pub fn spawn(mut command: Command) -> ServerProcess {
        command.stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let lines = stdout.by_ref().lines().map(Result::unwrap);
        let app = { lines }.find(|line| line.trim().starts_with("app ")).unwrap();
        let address = app.split("http://").nth(1).unwrap().trim_end_matches('/').to_owned();
        ServerProcess { child, _stdout: stdout, address }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The response to a request with these headers and this JSON body.
    pub fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> TestResponse {
        let url = format!("http://{}{path}", self.address);
        let mut request = reqwest::Client::new().request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        actix_web::rt::System::new().block_on(TestResponse::to(request))
    }

    pub fn get(&self, path: &str) -> String {
        self.send(Method::GET, path, &[], None).text
    }

    /// The status of the response to a request with a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> u16 {
        self.send(Method::POST, path, &[], Some(body)).status.as_u16()
    }

    /// Ctrl-C.
    pub fn stop(mut self) -> std::process::ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Already gone after `stop`.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
