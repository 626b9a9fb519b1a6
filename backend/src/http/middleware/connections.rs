//! Deadlines of connections: for the head of a request, its body, reading the response, and the
//! next request. Connections that exceed them are closed, so that slow clients can't hold many.
//!
//! Actix only has deadlines for the first head and for idle connections. [`Stream`], between the
//! socket and actix, enforces the others.

use std::cell::Cell;
use std::fmt::Debug;
use std::future::ready;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, map_config};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Response, ServiceRequest, fn_service};
use actix_web::rt::net::TcpStream;
use actix_web::rt::time::{Instant, Sleep, sleep, sleep_until};
use actix_web::web::Data;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::http::deadlines::Deadlines;
use crate::http::extract::local;

/// The log target under which actix reports each connection that ends abnormally, as an error. It
/// is silenced, because broken requests would fill the log; this file logs the same, with faults of
/// this program as errors and faults of clients at DEBUG.
pub const CLIENT_LOG_TARGET: &str = "actix_http::h1::dispatcher";

/// How long a client may take to close its side of a closed connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

pub fn service<I, S, B>(
    app: I,
    deadlines: Data<Deadlines>,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    I: IntoServiceFactory<S, actix_http::Request>,
    S: ServiceFactory<actix_http::Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<actix_http::Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let stopping = deadlines.stopping.clone();
    let app = app.into_factory().map_err(|error: S::Error| error.into().error_response());
    let http = HttpService::build()
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .keep_alive(deadlines.keep_alive)
        .client_request_timeout(deadlines.request)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        // A client that closes its side needs no response.
        .h1_allow_half_closed(false)
        .on_connect_ext(|stream: &Stream, data| {
            data.insert(Rc::clone(&stream.connection));
            data.insert(local::PeerConnection::new(stream.socket.local_addr().ok()));
        })
        .h1(map_config(app, |()| AppConfig::default()));
    let accept = move |socket: TcpStream| {
        let accepted = Stream::new(socket, &deadlines).map_err(DispatchError::from);
        ready(accepted)
    };
    fn_service(accept).and_then(http).map_err(|error| {
        log(&error);
        error
    })
}

/// Logs why a connection has ended. Aborted connections and malformed requests are normal; only
/// faults of this program are errors.
fn log(error: &DispatchError) {
    match error {
        DispatchError::Service(_)
        | DispatchError::Body(_)
        | DispatchError::Upgrade
        | DispatchError::InternalError => tracing::error!(%error, "a connection has failed"),
        _ => tracing::debug!(%error, "a client's connection has ended"),
    }
}

pub struct Connection {
    head: Duration,
    keep_alive: Duration,
    /// The client's current deadline; `None` while a request is in progress.
    deadline: Cell<Option<Instant>>,
    /// Whether no byte of the next head has arrived.
    is_idle: Cell<bool>,
}

impl Connection {
    fn new(deadlines: &Deadlines) -> Connection {
        let Deadlines { request: head, keep_alive, .. } = *deadlines;
        Connection {
            head,
            keep_alive,
            // Actix enforces the deadline of the first head, with 408.
            deadline: Cell::new(Some(Instant::now() + head + keep_alive)),
            is_idle: Cell::new(false),
        }
    }

    fn has_received(&self) {
        if self.is_idle.replace(false) && self.deadline.get().is_some() {
            self.deadline.set(Some(Instant::now() + self.head));
        }
    }

    fn has_sent(&self) {
        if self.deadline.get().is_some() {
            self.deadline.set(Some(Instant::now() + self.keep_alive));
        }
    }
}

/// Suspends the deadline of a connection until it is dropped.
pub struct RequestInProgress(Option<Rc<Connection>>);

impl RequestInProgress {
    pub fn start(request: &ServiceRequest) -> RequestInProgress {
        let connection = request.conn_data::<Rc<Connection>>().cloned();
        connection.iter().for_each(|connection| connection.deadline.set(None));
        RequestInProgress(connection)
    }
}

impl Drop for RequestInProgress {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.deadline.set(Some(Instant::now() + connection.keep_alive));
            connection.is_idle.set(true);
        }
    }
}

/// A socket that closes when its client exceeds a deadline.
struct Stream {
    socket: TcpStream,
    connection: Rc<Connection>,
    /// Not reset for each deadline, which would cost each request time: when it fires, it checks
    /// the current deadline.
    timer: Pin<Box<Sleep>>,
}

impl Stream {
    fn new(
        socket: TcpStream,
        deadlines: &Deadlines,
    ) -> io::Result<(Stream, Option<std::net::SocketAddr>)> {
        // The end of a response must not wait for the acknowledgement of its beginning.
        socket.set_nodelay(true)?;
        let peer = socket.peer_addr().ok();
        let connection = Rc::new(Connection::new(deadlines));
        let timer = Box::pin(sleep(deadlines.request.min(deadlines.keep_alive)));
        Ok((Stream { socket, connection, timer }, peer))
    }

    /// Whether the client has exceeded its deadline; if not, wakes the task later.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        while self.timer.as_mut().poll(context).is_ready() {
            let (now, deadline) = (Instant::now(), self.connection.deadline.get());
            if deadline.is_some_and(|deadline| deadline <= now) {
                return true;
            }
            // A deadline set in the meantime is not earlier.
            let next = now + self.connection.head.min(self.connection.keep_alive);
            let next = deadline.map_or(next, |deadline| deadline.min(next));
            self.timer.set(sleep_until(next));
        }
        false
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut stream.socket).poll_read(context, buffer);
        match read {
            // End of file, as if the client had closed the connection.
            Poll::Pending if stream.is_late(context) => return Poll::Ready(Ok(())),
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                stream.connection.has_received();
            }
            _ => {}
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        let written = Pin::new(&mut stream.socket).poll_write(context, bytes);
        match written {
            Poll::Pending if stream.is_late(context) => {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            Poll::Ready(Ok(_)) => stream.connection.has_sent(),
            _ => {}
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}
