//! The program as a process: commands, and servers.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use crate::support::place::Place;

/// The program with three reviews databases of this place, without this process's configuration.
pub fn ostrakon(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ostrakon"));
    command.current_dir(place.folder()).args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OSTRAKON_")) {
        command.env_remove(name);
    }
    let config = place.config(3);
    if let Some(default) = &config.default_url {
        let reviews: Vec<_> = config.reviews_urls.iter().map(ToString::to_string).collect();
        command.env("OSTRAKON_DEFAULT_URL", default.to_string());
        command.env("OSTRAKON_REVIEWS_URLS", reviews.join(","));
    }
    command
}

pub fn run(place: &Place, arguments: &[&str]) -> Output {
    ostrakon(place, arguments).output().unwrap()
}

#[track_caller]
pub fn succeeds(place: &Place, arguments: &[&str]) -> String {
    let output = run(place, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The one line that it says before it ends with this code.
#[track_caller]
pub fn fails(mut command: Command, code: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("error: "), "{said}");
    said
}

pub fn demo() -> Place {
    let place = Place::new();
    succeeds(&place, &["migrate"]);
    succeeds(&place, &["demo"]);
    place
}

/// The one JSON document that a command prints.
#[track_caller]
pub fn json(place: &Place, arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&succeeds(place, arguments)).unwrap()
}

/// What the program says when a password is written to its standard input.
pub fn with_password(place: &Place, arguments: &[&str], password: &str) -> Output {
    let mut command = ostrakon(place, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have ended already, without reading.
    writeln!(child.stdin.take().unwrap(), "{password}").ok();
    child.wait_with_output().unwrap()
}

/// A server of its own process.
pub struct Serving {
    pub child: Child,
    _stdout: BufReader<ChildStdout>,
    pub address: String,
}

impl Serving {
    pub fn start(place: &Place) -> Serving {
        Serving::start_with(place, &["serve"])
    }

    pub fn start_with(place: &Place, arguments: &[&str]) -> Serving {
        let mut command = ostrakon(place, arguments);
        command.env("OSTRAKON_LISTEN", "127.0.0.1:0");
        Serving::spawn(command)
    }

    pub fn start_at(place: &Place, listen: &str) -> Serving {
        let mut command = ostrakon(place, &["serve"]);
        command.env("OSTRAKON_LISTEN", listen);
        Serving::spawn(command)
    }

    pub fn spawn(mut command: Command) -> Serving {
        command.stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let lines = stdout.by_ref().lines().map(Result::unwrap);
        let app = { lines }.find(|line| line.trim().starts_with("app ")).unwrap();
        let address = app.split("http://").nth(1).unwrap().trim_end_matches('/').to_owned();
        Serving { child, _stdout: stdout, address }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn get(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.address);
        let request = async { reqwest::get(url).await.unwrap().text().await.unwrap() };
        actix_web::rt::System::new().block_on(request)
    }

    /// The status that a request with a JSON body is answered with.
    pub fn post(&self, path: &str, body: &serde_json::Value) -> u16 {
        let url = format!("http://{}{path}", self.address);
        let request = reqwest::Client::new().post(url).json(body);
        let request = async { request.send().await.unwrap().status().as_u16() };
        actix_web::rt::System::new().block_on(request)
    }

    /// Ctrl-C.
    pub fn stop(mut self) -> std::process::ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Already gone after `stop`.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
