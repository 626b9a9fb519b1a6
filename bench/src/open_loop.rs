//! Load in an open loop: requests come when they are due, whether or not earlier ones have been
//! answered, and their time counts from when they were due. So a server that stops for a moment
//! is charged for all who come in that moment, as it is in life.
//!
//! Not by oha, which is made for this: its `-q` sends what is due within a millisecond at once, and
//! with `--latency-correction` the time counts from when its own timer has fired, not from when
//! the request was due; nor can it send a mix of methods, or a key for each request.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::Result;
use crate::sample::Latency;
use crate::traffic::Request;

/// Requests that can be under way at once. One thread serves all connections, for what threads of
/// their own would cost is missing on the processors that the server needs.
const CONNECTIONS: usize = 64;
/// After this time without any answer something is wrong.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer, in bytes.
const MAX_ANSWER: usize = 1 << 20;

#[derive(Debug)]
pub struct Outcome {
    /// From when each request was due to the end of its answer. The last of these microseconds
    /// are not the server's: a thread that sleeps wakes some 60 µs late.
    pub latency: Latency,
    pub per_second: f64,
    /// Requests that were not answered with success.
    pub errors: u64,
}

/// Sends each of the requests once, `rate` a second.
pub fn run(address: &str, requests: &[Request], rate: f64) -> Result<Outcome> {
    let due = |(number, request)| {
        let at = Duration::from_secs_f64(f64::from(number) / rate);
        Due { at, bytes: formatted(request, address) }
    };
    let sender = Sender::connect(address, (0_u32..).zip(requests).map(due).collect())?;
    let began = Instant::now();
    let (times_us, errors) = sender.send_all(began)?;
    let per_second = times_us.len() as f64 / began.elapsed().as_secs_f64();
    Ok(Outcome { latency: Latency::of(times_us), per_second, errors })
}

/// A request, and when it is to be sent after the start.
struct Due {
    at: Duration,
    bytes: Vec<u8>,
}

fn formatted(Request { path, key, body }: &Request, host: &str) -> Vec<u8> {
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

/// Sends what is due over its connections.
struct Sender {
    requests: VecDeque<Due>,
    idle: Vec<Connection>,
    busy: Vec<Connection>,
    times_us: Vec<f64>,
    errors: u64,
}

impl Sender {
    fn connect(address: &str, requests: VecDeque<Due>) -> Result<Sender> {
        let idle = (0..CONNECTIONS).map(|_| Connection::open(address)).collect::<Result<_, _>>();
        Ok(Sender {
            times_us: Vec::with_capacity(requests.len()),
            requests,
            idle: idle.map_err(|error| format!("{address}: {error}"))?,
            busy: Vec::new(),
            errors: 0,
        })
    }

    /// Returns the microseconds that each request took, and how many failed.
    fn send_all(mut self, began: Instant) -> Result<(Vec<f64>, u64), String> {
        loop {
            self.send_what_is_due(began).map_err(|error| error.to_string())?;
            if self.requests.is_empty() && self.busy.is_empty() {
                return Ok((self.times_us, self.errors));
            }
            let ready = self.wait(began)?;
            self.receive(&ready, began)?;
        }
    }

    fn send_what_is_due(&mut self, began: Instant) -> std::io::Result<()> {
        while let Some(next) = self.requests.front()
            && next.at <= began.elapsed()
            && let Some(mut connection) = self.idle.pop()
        {
            connection.stream.write_all(&next.bytes)?;
            connection.due = next.at;
            self.busy.push(connection);
            self.requests.pop_front();
        }
        Ok(())
    }

    /// Until an answer arrives, or a request is due that there is a connection for. Returns which
    /// of the busy connections have something.
    fn wait(&self, began: Instant) -> Result<Vec<bool>, String> {
        let next = self.requests.front().filter(|_| !self.idle.is_empty());
        let left = next.map(|next| next.at.saturating_sub(began.elapsed()));
        let left =
            Timespec::try_from(left.unwrap_or(TIMEOUT)).map_err(|error| error.to_string())?;
        let readable = |connection| PollFd::from_borrowed_fd(connection, PollFlags::IN);
        let mut streams: Vec<_> =
            self.busy.iter().map(|connection| readable(connection.stream.as_fd())).collect();
        let ready = poll(&mut streams, Some(&left)).map_err(|error| error.to_string())?;
        if ready == 0 && next.is_none() {
            return Err("no answer".to_owned());
        }
        Ok(streams.iter().map(|stream| !stream.revents().is_empty()).collect())
    }

    fn receive(&mut self, ready: &[bool], began: Instant) -> Result<(), String> {
        // From the last one on: what takes a place that becomes free has been looked at.
        for (at, _) in ready.iter().enumerate().rev().filter(|(_, ready)| **ready) {
            let connection = &mut self.busy[at];
            if let Some(ok) = connection.receive()? {
                let took = began.elapsed() - connection.due;
                self.times_us.push(took.as_secs_f64() * 1e6);
                self.errors += u64::from(!ok);
                self.idle.push(self.busy.swap_remove(at));
            }
        }
        Ok(())
    }
}

/// One connection that is kept, with at most one request under way.
struct Connection {
    stream: TcpStream,
    /// When its request was to be sent.
    due: Duration,
    answer: Vec<u8>,
    received: usize,
}

impl Connection {
    fn open(address: &str) -> std::io::Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Connection { stream, due: Duration::ZERO, answer: vec![0; MAX_ANSWER], received: 0 })
    }

    /// Whether the answer is one of success; `None` while it isn't whole.
    fn receive(&mut self) -> Result<Option<bool>, String> {
        loop {
            match self.stream.read(&mut self.answer[self.received..]) {
                Ok(0) => return Err("a connection was closed, or its answer is too long".into()),
                Ok(read) => self.received += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error.to_string()),
            }
            if let Some(length) = answer_length(&self.answer[..self.received])?
                && self.received >= length
            {
                self.received = 0;
                return Ok(Some(self.answer.starts_with(b"HTTP/1.1 2")));
            }
        }
    }
}

/// How many bytes an answer has with its head; `None` while the head isn't whole.
fn answer_length(received: &[u8]) -> Result<Option<usize>, String> {
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let Some(end) = end else { return Ok(None) };
    const NAME: &[u8] = b"content-length:";
    let mut lines = received[..end].split(|&byte| byte == b'\n');
    let value = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(NAME.len())?;
        name.eq_ignore_ascii_case(NAME).then_some(value)
    });
    let length = value.and_then(|value| str::from_utf8(value).ok()?.trim().parse::<usize>().ok());
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
