//! Slow and idle connections.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use ostrakon_shared::{NewReview, ProductId};
use serde_json::{Value, json};

use crate::support::app::TestApp;

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n";
const POST: &str = "POST /api/products/1/reviews HTTP/1.1\r\nhost: here\r\n\
                    content-type: application/json\r\ncontent-length: 1000\r\n\r\n{";

/// A server with short timeouts.
async fn impatient() -> TestApp {
    TestApp::start_with(1, |config| {
        config.request_timeout_ms = 3_000;
        config.keep_alive_ms = 3_000;
    })
    .await
}

fn connect(app: &TestApp, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(app.host()).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// Reads one response, whose body ends with `end`.
fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let (mut text, mut byte) = (Vec::new(), [0]);
    while !text.ends_with(end.as_bytes()) {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&text));
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

/// Sends byte after byte until the server closes the connection; returns its response.
fn drip(mut stream: TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut said = Vec::new();
    loop {
        match stream.read_to_end(&mut said) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                // The server may have closed the connection.
                stream.write_all(b" ").ok();
            }
            // Sending to a closed connection resets it.
            _ => return String::from_utf8(said).unwrap(),
        }
    }
}

/// A complete request with a review.
fn new_review() -> String {
    let body = json!({"body": "text"}).to_string();
    format!(
        "POST /api/products/1/reviews HTTP/1.1\r\nhost: here\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn body(response: &str) -> Value {
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {response}"))
}

#[actix_web::test]
async fn a_slow_request_head_times_out() {
    let app = impatient().await;
    let first = drip(connect(&app, "GET /healthz HTTP/1.1\r\nhost:"));
    assert!(first.starts_with("HTTP/1.1 408 "), "{first}");
    let mut stream = connect(&app, HEALTH);
    for _ in 0..3 {
        assert!(read_until(&mut stream, "{\"status\":\"ok\"}").starts_with("HTTP/1.1 200 "));
        stream.write_all(HEALTH.as_bytes()).unwrap();
    }
    read_until(&mut stream, "{\"status\":\"ok\"}");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost:").unwrap();
    assert_eq!(drip(stream), "", "a later head");
    // A head that was sent together with the previous request.
    let mut stream = connect(&app, &format!("{HEALTH}GET /healthz HTTP/1.1\r\nhost:"));
    read_until(&mut stream, "{\"status\":\"ok\"}");
    assert_eq!(drip(stream), "", "a pipelined head");
    assert_eq!(app.get("/healthz").await.status, 200);
}

#[actix_web::test]
async fn a_slow_request_body_times_out() {
    let app = impatient().await;
    let chunked = POST
        .replace("content-length: 1000\r\n\r\n{", "transfer-encoding: chunked\r\n\r\nffff\r\n{");
    for post in [POST, &chunked] {
        let response = drip(connect(&app, post));
        assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
        assert!(response.contains("content-type: application/problem+json"), "{response}");
        assert!(response.contains("\r\nconnection: close\r\n"), "{response}");
        assert_eq!(body(&response)["code"], "request_timeout");
    }
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 0);
}

#[actix_web::test]
async fn a_connection_with_an_unread_body_is_closed() {
    let app = TestApp::start_with(1, |config| {
        config.request_timeout_ms = 3_000;
        config.keep_alive_ms = 600_000;
    })
    .await;
    let head = "POST /api/products/1/reviews HTTP/1.1\r\nhost: here\r\n";
    let json = "content-type: application/json\r\n";
    let chunked = "transfer-encoding: chunked\r\n\r\n";
    let long = format!("{:x}\r\n{}", 1 << 20, "x".repeat(1 << 20));
    for (request, status) in [
        (format!("{head}{json}{chunked}5\r\n{{"), 408),
        (format!("{head}{json}content-length: 5\r\n\r\n{{"), 408),
        (format!("{head}{json}{chunked}{long}"), 413),
        (format!("{head}{chunked}5\r\n{{"), 415),
        (format!("POST /api/nothing HTTP/1.1\r\nhost: here\r\n{chunked}5\r\n{{"), 404),
    ] {
        let mut stream = TcpStream::connect(app.host()).unwrap();
        // Far less than the idle timeout.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        assert!(response.contains("\r\nconnection: close\r\n"), "{response}");
        assert_eq!(body(&response)["status"], status);
    }
    // A connection whose body was read to its end stays open.
    let review = json!({"body": "text"}).to_string();
    let whole = format!("{head}{json}{chunked}{:x}\r\n{review}\r\n0\r\n\r\n", review.len());
    let mut stream = connect(&app, &whole);
    assert!(read_until(&mut stream, "}").starts_with("HTTP/1.1 201 "));
    stream.write_all(HEALTH.as_bytes()).unwrap();
    assert!(read_until(&mut stream, "{\"status\":\"ok\"}").starts_with("HTTP/1.1 200 "));
}

#[actix_web::test]
async fn an_idle_connection_is_closed() {
    let app = impatient().await;
    let mut stream = connect(&app, HEALTH);
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200 ") && said.ends_with("{\"status\":\"ok\"}"), "{said}");
}

#[actix_web::test]
async fn a_connection_that_awaits_a_response_is_not_idle() {
    let app = impatient().await;
    // The writer waits longer for the lock than a client may.
    let holder = app.cluster().lock_file("reviews-1");
    let mut waiting = connect(&app, &new_review());
    for _ in 0..2 {
        // Ends when the connection has been idle for the timeout.
        let mut said = String::new();
        connect(&app, HEALTH).read_to_string(&mut said).unwrap();
    }
    drop(holder);
    let response = read_until(&mut waiting, "}");
    assert!(response.starts_with("HTTP/1.1 201 "), "{response}");
}

#[actix_web::test]
async fn a_stopping_server_does_not_wait_for_slow_clients() {
    let app = TestApp::start_with(1, |config| {
        config.request_timeout_ms = 600_000;
        config.keep_alive_ms = 600_000;
    })
    .await;
    let mut idle = connect(&app, HEALTH);
    read_until(&mut idle, "{\"status\":\"ok\"}");
    let mut head = connect(&app, HEALTH);
    read_until(&mut head, "{\"status\":\"ok\"}");
    head.write_all(b"GET /healthz HTTP/1.1\r\nhost:").unwrap();
    let mut slow =
        connect(&app, &POST.replace("content-length", "expect: 100-continue\r\ncontent-length"));
    assert_eq!(read_until(&mut slow, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    let clients = thread::spawn(move || {
        let response = drip(slow);
        for mut stream in [idle, head] {
            let mut rest = String::new();
            stream.read_to_string(&mut rest).ok();
            assert_eq!(rest, "");
        }
        response
    });
    let app = app.restart().await;
    // The slow client gets a response before the server stops.
    assert_eq!(body(&clients.join().unwrap())["code"], "request_timeout");
    assert_eq!(app.get("/healthz").await.status, 200);
}

#[actix_web::test]
async fn a_request_whose_client_is_gone_is_not_started() {
    let app = TestApp::start_with(1, |config| config.connections.lock_timeout_ms = 60_000).await;
    let holder = app.cluster().lock_file("reviews-1");
    let review: NewReview = serde_json::from_value(json!({"body": "text"})).unwrap();
    let product = ProductId::new(1).unwrap();
    let first = app.store().reviews().create(None, product, review, None).unwrap();
    // Once its writer waits for the lock, it takes no more out of the queue.
    while first.awaited.database().as_deref() != Some("reviews-1") {
        thread::yield_now();
    }
    let gone: Vec<_> = (0..50).map(|_| connect(&app, &new_review())).collect();
    for mut stream in gone {
        stream.shutdown(Shutdown::Write).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert_eq!(said, "", "the server has seen that the client is gone");
    }
    drop(holder);
    first.outcome().await.unwrap();
    assert_eq!(app.create_review(1, None).await.len(), 13);
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 2);
    app.verify();
}
