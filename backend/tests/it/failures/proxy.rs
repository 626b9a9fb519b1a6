//! A network that fails: what passes connections on to a server, until it cuts them.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Passes TCP connections on.
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    target: AtomicU16,
    refuses: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// One that listens, for a target that is said later. Its thread ends with the process.
    pub fn new() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy { port: listener.local_addr().unwrap().port(), state: Arc::default() };
        let state = Arc::clone(&proxy.state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                state.pass_on(client);
            }
        });
        proxy
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// To this port of this machine.
    pub fn set_target(&self, port: u16) {
        self.state.target.store(port, Ordering::SeqCst);
    }

    /// Cuts all connections that are open.
    pub fn cut(&self) {
        for stream in self.state.open.lock().unwrap().drain(..) {
            // The other side may have been faster.
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    /// Cuts all connections, and every new one.
    pub fn refuse(&self) {
        self.state.refuses.store(true, Ordering::SeqCst);
        self.cut();
    }

    pub fn accept(&self) {
        self.state.refuses.store(false, Ordering::SeqCst);
    }
}

impl State {
    fn pass_on(&self, client: TcpStream) {
        if self.refuses.load(Ordering::SeqCst) {
            return;
        }
        let target = self.target.load(Ordering::SeqCst);
        let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { return };
        let both = [&client, &server].map(|stream| stream.try_clone().unwrap());
        self.open.lock().unwrap().extend(both);
        copy(client.try_clone().unwrap(), server.try_clone().unwrap());
        copy(server, client);
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        // However it ends, it ends in both directions.
        io::copy(&mut from, &mut to).ok();
        from.shutdown(Shutdown::Both).ok();
        to.shutdown(Shutdown::Both).ok();
    });
}
