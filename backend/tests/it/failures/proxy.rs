//! A network that fails: a proxy that forwards connections to a server, until it cuts them.

use std::io;
use std::mem;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Forwards TCP connections.
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    target: AtomicU16,
    refuses: AtomicBool,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// Opened since the last cut.
    new: Vec<TcpStream>,
    old: Vec<TcpStream>,
}

impl Proxy {
    /// A proxy without a target so far. Its thread ends with the process.
    pub fn new() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy { port: listener.local_addr().unwrap().port(), state: Arc::default() };
        let state = Arc::clone(&proxy.state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                state.forward(client);
            }
        });
        proxy
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Forwards new connections to this local port.
    pub fn set_target(&self, port: u16) {
        self.state.target.store(port, Ordering::SeqCst);
    }

    /// Cuts each connection that has survived one cut already. Without that reprieve, a quick series
    /// of cuts could hit every attempt of the health check, which would rightly find the server
    /// unavailable.
    pub fn cut(&self) {
        let mut open = self.state.open.lock().unwrap();
        for stream in open.old.drain(..) {
            // The other side may have closed it before.
            stream.shutdown(Shutdown::Both).ok();
        }
        open.old = mem::take(&mut open.new);
    }

    /// Cuts all connections, and every new one.
    pub fn refuse(&self) {
        self.state.refuses.store(true, Ordering::SeqCst);
        self.cut();
        self.cut();
    }

    pub fn accept(&self) {
        self.state.refuses.store(false, Ordering::SeqCst);
    }
}

impl State {
    fn forward(&self, client: TcpStream) {
        if self.refuses.load(Ordering::SeqCst) {
            return;
        }
        let target = self.target.load(Ordering::SeqCst);
        let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { return };
        let both = [&client, &server].map(|stream| stream.try_clone().unwrap());
        self.open.lock().unwrap().new.extend(both);
        copy(client.try_clone().unwrap(), server.try_clone().unwrap());
        copy(server, client);
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        // When one direction ends, both do.
        io::copy(&mut from, &mut to).ok();
        from.shutdown(Shutdown::Both).ok();
        to.shutdown(Shutdown::Both).ok();
    });
}
