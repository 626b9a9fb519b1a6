//! Load in an open loop: requests come when they are due, whether or not earlier ones have been
//! answered, and their time counts from when they were due. So a server that stops for a moment
//! is charged for all who come in that moment, as it is in life.
//!
//! Not by oha, which is made for this: its `-q` sends what is due within a millisecond at once, and
//! with `--latency-correction` the time counts from when its own timer has fired, not from when
//! the request was due; nor can it send a mix of methods, or a key for each request.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::sample::Latency;
use crate::traffic::Request;

/// Requests that can be under way at once.
const CONNECTIONS: usize = 64;
const TIMEOUT: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// From when each request was due to the end of its answer. The last of these microseconds
    /// are not the server's: a thread that sleeps wakes some 60 µs late.
    pub latency: Latency,
    /// Answers a second.
    pub per_second: f64,
    /// Requests that were not answered with success.
    pub errors: u64,
}

/// Sends each of the requests once, `rate` a second.
pub fn run(address: &str, requests: &[Request], rate: f64) -> Result<Outcome> {
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    let client = || Client::connect(address)?.send_when_due(requests, &next, began, rate);
    let clients: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(client)).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    let elapsed = began.elapsed();
    let (mut times_us, mut errors) = (Vec::new(), 0);
    for client in clients {
        let (times, failed) = client.map_err(|_| "a client panicked")??;
        times_us.extend(times);
        errors += failed;
    }
    let per_second = times_us.len() as f64 / elapsed.as_secs_f64();
    Ok(Outcome { latency: Latency::of(times_us), per_second, errors })
}

/// One connection that is kept.
struct Client {
    host: String,
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Client {
    fn connect(address: &str) -> Result<Client, String> {
        let failed = |error: std::io::Error| format!("{address}: {error}");
        let stream = TcpStream::connect(address).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        stream.set_read_timeout(Some(TIMEOUT)).map_err(failed)?;
        Ok(Client { host: address.to_owned(), stream, answer: vec![0; 1 << 20] })
    }

    /// Takes one request after the other that nobody else has taken, until none is left. Returns
    /// the microseconds that each took, and how many failed.
    fn send_when_due(
        mut self,
        requests: &[Request],
        next: &AtomicUsize,
        began: Instant,
        rate: f64,
    ) -> Result<(Vec<f64>, u64), String> {
        let (mut times_us, mut errors) = (Vec::new(), 0);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = requests.get(number) else { return Ok((times_us, errors)) };
            let due = began + Duration::from_secs_f64(number as f64 / rate);
            let bytes = self.formatted(request);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let ok = self.exchange(&bytes).map_err(|error| format!("{}: {error}", request.path))?;
            times_us.push(due.elapsed().as_secs_f64() * 1e6);
            errors += u64::from(!ok);
        }
    }

    fn formatted(&self, Request { path, key, body }: &Request) -> Vec<u8> {
        let host = &self.host;
        if body.is_empty() {
            return format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
        }
        let key = if key.is_empty() { key } else { &format!("Idempotency-Key: {key}\r\n") };
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             {key}Content-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// Whether the answer is one of success.
    fn exchange(&mut self, request: &[u8]) -> Result<bool, String> {
        self.stream.write_all(request).map_err(|error| error.to_string())?;
        let mut received = 0;
        loop {
            let read = self.stream.read(&mut self.answer[received..]);
            match read.map_err(|error| error.to_string())? {
                0 => return Err("the connection was closed, or the answer is too long".to_owned()),
                read => received += read,
            }
            if let Some(length) = answer_length(&self.answer[..received])?
                && received >= length
            {
                return Ok(self.answer.starts_with(b"HTTP/1.1 2"));
            }
        }
    }
}

/// How many bytes an answer has with its head; `None` while the head isn't whole.
fn answer_length(received: &[u8]) -> Result<Option<usize>, String> {
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let Some(end) = end else { return Ok(None) };
    let head = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: Option<usize> = length.and_then(|length| length.trim().parse().ok());
    length.map(|length| Some(end + 4 + length)).ok_or_else(|| "no content-length".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(answer_length(answer), Ok(Some(answer.len())));
        assert_eq!(answer_length(b"HTTP/1.1 200 OK\r\ncontent-le"), Ok(None));
        assert!(answer_length(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
