//! The servers that are measured, each a process of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Result, cpu_time};

/// The program that is measured, from the project's folder.
pub const OSTRAKON: &str = "target/release/ostrakon";
/// How long a server may take to start.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// A server that runs until it is dropped.
pub struct Server {
    process: Child,
    /// Its address, such as `127.0.0.1:40123`.
    pub address: String,
    /// The time from its start to its first response that it is ready.
    pub started_in: Duration,
}

impl Server {
    /// Starts Ostrakon with this configuration file, without environment variables.
    pub fn ostrakon(config: &Path) -> Result<Server> {
        let mut command = bound_to_us(OSTRAKON.as_ref());
        command.arg("--config").arg(config).arg("serve");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OSTRAKON_") {
                command.env_remove(name);
            }
        }
        Server::start(command, "/readyz")
    }

    /// Starts a server that answers every request with this many bytes, and does nothing else.
    pub fn bare(bytes: usize) -> Result<Server> {
        let mut command = bound_to_us(&std::env::current_exe()?);
        command.args(["bare", "--bytes", &bytes.to_string()]);
        Server::start(command, "/")
    }

    /// A server prints its address on standard output.
    fn start(mut command: Command, ready: &str) -> Result<Server> {
        let began = Instant::now();
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("a server without standard output")?;
        let mut server = Server { process, address: String::new(), started_in: Duration::ZERO };
        for line in BufReader::new(output).lines() {
            if let Some((_, rest)) = line?.split_once("http://") {
                rest.trim_end_matches('/').clone_into(&mut server.address);
                break;
            }
        }
        if server.address.is_empty() {
            return Err("a server ended instead of serving".into());
        }
        while server.get(ready).is_err() {
            if began.elapsed() > READY_TIMEOUT {
                return Err(format!("{} is not ready", server.address).into());
            }
        }
        server.started_in = began.elapsed();
        Ok(server)
    }

    /// The body of the response to `GET path`; anything but 200 is an error.
    pub fn get(&self, path: &str) -> Result<Vec<u8>> {
        let mut stream = TcpStream::connect(&self.address)?;
        let address = &self.address;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let head = head.ok_or_else(|| format!("{path}: no HTTP response"))?;
        if !answer.starts_with(b"HTTP/1.1 200 ") {
            let text = String::from_utf8_lossy(&answer);
            return Err(format!("{path}: {}", text.lines().next().unwrap_or_default()).into());
        }
        Ok(answer.split_off(head + 4))
    }

    /// Processor time that it has used so far, in seconds.
    pub fn cpu_s(&self) -> Result<f64> {
        cpu_time::process_s(&self.process.id().to_string(), 2)
    }

    /// Memory that it uses now, in MB (VmRSS of proc(5)).
    pub fn rss_mb(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: f64 = line
            .and_then(|line| line.trim().strip_suffix("kB"))
            .ok_or("no VmRSS in /proc/<pid>/status")?
            .trim()
            .parse()?;
        Ok(kib * 1_024.0 / 1e6)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What it has is thrown away, so it need not end well; that it has ended is no error.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A command whose process ends when this one does, even if this one crashes.
pub fn bound_to_us(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// Serves this many bytes at every path, from memory, with as many threads as Ostrakon uses.
pub fn serve_bare(bytes: usize) -> Result<()> {
    use actix_web::web::{self, Bytes, Data};
    use actix_web::{App, HttpResponse, HttpServer};

    let body = Data::new(Bytes::from(vec![b'x'; bytes]));
    let answer = |body: Data<Bytes>| async move { HttpResponse::Ok().body(Bytes::clone(&body)) };
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            App::new().app_data(body.clone()).default_service(web::get().to(answer))
        });
        let server = server.bind("127.0.0.1:0")?;
        for address in server.addrs() {
            println!("http://{address}");
        }
        Ok(server.run().await?)
    })
}
