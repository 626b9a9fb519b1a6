//! Load in an open loop: requests come when they are due, whether or not earlier ones have been
//! answered, and their time counts from when they were due. So a stall of the server counts for
//! every request that is due during it, as for real clients.
//!
//! oha is made for this, but its `-q` sends all requests of a millisecond at once, and with
//! `--latency-correction` the time counts from when its own timer has fired, not from when the
//! request was due; nor can it send a mix of methods, or a key for each request.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use crate::Result;
use crate::sample::Latency;
use crate::traffic::Request;

/// The load fails after this time without any response.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest response, in bytes.
const MAX_ANSWER: usize = 1 << 20;

#[derive(Debug)]
pub struct Outcome {
    /// The time from when each request was due to the end of its response. About 60 µs of it are not
    /// the server's: a sleeping thread wakes up late.
    pub latency: Latency,
    pub per_second: f64,
    /// Requests that were answered with success.
    pub succeeded_per_s: f64,
    /// Requests that were answered with 503.
    pub refused: u64,
    /// Requests that were answered neither with success nor with 503.
    pub errors: u64,
}

/// Sends each request once, `rate` per second, on at most this many connections at a time. One thread
/// serves all of them, to leave the processors to the server.
pub fn run(address: &str, requests: &[Request], rate: f64, connections: usize) -> Result<Outcome> {
    let due = |(number, request)| {
        let at = Duration::from_secs_f64(f64::from(number) / rate);
        Due { at, bytes: formatted(request, address) }
    };
    let due = (0_u32..).zip(requests).map(due).collect();
    let mut sender = Sender::connect(address, due, connections)?;
    let began = Instant::now();
    sender.send_all(began)?;
    let Sender { times_us, refused, errors, .. } = sender;
    let (answered, seconds) = (times_us.len() as f64, began.elapsed().as_secs_f64());
    Ok(Outcome {
        latency: Latency::of(times_us),
        per_second: answered / seconds,
        succeeded_per_s: (answered - (refused + errors) as f64) / seconds,
        refused,
        errors,
    })
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
    connections: Vec<Connection>,
    /// The connections without a request under way.
    idle: Vec<usize>,
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
    times_us: Vec<f64>,
    refused: u64,
    errors: u64,
}

impl Sender {
    fn connect(address: &str, requests: VecDeque<Due>, connections: usize) -> Result<Sender> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let open = |number| -> std::io::Result<Connection> {
            let connection = Connection::open(address)?;
            let number = epoll::EventData::new_u64(number);
            epoll::add(&epoll, &connection.stream, number, epoll::EventFlags::IN)?;
            Ok(connection)
        };
        let opened = (0..).take(connections).map(open).collect::<Result<_, _>>();
        Ok(Sender {
            times_us: Vec::with_capacity(requests.len()),
            requests,
            connections: opened.map_err(|error| format!("{address}: {error}"))?,
            idle: (0..connections).collect(),
            epoll,
            events: Vec::with_capacity(connections),
            refused: 0,
            errors: 0,
        })
    }

    fn send_all(&mut self, began: Instant) -> Result<()> {
        loop {
            self.send_due(began)?;
            if self.requests.is_empty() && self.idle.len() == self.connections.len() {
                return Ok(());
            }
            self.wait(began)?;
            self.receive(began)?;
        }
    }

    fn send_due(&mut self, began: Instant) -> std::io::Result<()> {
        while let Some(next) = self.requests.front()
            && next.at <= began.elapsed()
            && let Some(number) = self.idle.pop()
        {
            let connection = &mut self.connections[number];
            connection.stream.write_all(&next.bytes)?;
            connection.due = next.at;
            self.requests.pop_front();
        }
        Ok(())
    }

    /// Waits until a response arrives, or until a request is due and a connection is free.
    fn wait(&mut self, began: Instant) -> Result<()> {
        let next = self.requests.front().filter(|_| !self.idle.is_empty());
        let left = next.map(|next| next.at.saturating_sub(began.elapsed()));
        let left = Timespec::try_from(left.unwrap_or(TIMEOUT))?;
        let ready = epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&left))?;
        if ready == 0 && next.is_none() {
            return Err("no response".into());
        }
        Ok(())
    }

    fn receive(&mut self, began: Instant) -> Result<()> {
        for event in self.events.drain(..) {
            let number = usize::try_from(event.data.u64())?;
            let connection = &mut self.connections[number];
            let Some(status) = connection.receive()? else { continue };
            let took = began.elapsed() - connection.due;
            self.times_us.push(took.as_secs_f64() * 1e6);
            match status {
                Status::Success => {}
                Status::Unavailable => self.refused += 1,
                Status::Other => self.errors += 1,
            }
            self.idle.push(number);
        }
        Ok(())
    }
}

/// The kind of a response.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Status {
    /// 2xx.
    Success,
    /// 503.
    Unavailable,
    Other,
}

/// One connection that is kept, with at most one request under way.
struct Connection {
    stream: TcpStream,
    /// When its request was due.
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

    /// The response's status; `None` while the response is incomplete.
    fn receive(&mut self) -> Result<Option<Status>, String> {
        loop {
            match self.stream.read(&mut self.answer[self.received..]) {
                Ok(0) => return Err("a connection was closed, or its response is too long".into()),
                Ok(read) => self.received += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error.to_string()),
            }
            if let Some(length) = answer_length(&self.answer[..self.received])?
                && self.received >= length
            {
                self.received = 0;
                return Ok(Some(match &self.answer {
                    answer if answer.starts_with(b"HTTP/1.1 2") => Status::Success,
                    answer if answer.starts_with(b"HTTP/1.1 503 ") => Status::Unavailable,
                    _ => Status::Other,
                }));
            }
        }
    }
}

/// The length of a response with its head, in bytes; `None` while the head is incomplete.
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
    fn a_response_ends_after_its_content_length() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(answer_length(answer), Ok(Some(answer.len())));
        assert_eq!(answer_length(b"HTTP/1.1 200 OK\r\ncontent-le"), Ok(None));
        assert!(answer_length(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
