//! A TCP port that a server may have at any time, and nothing else.

use std::net::{Ipv4Addr, SocketAddrV4};

use socket2::{Domain, Socket, Type};

/// A port of 127.0.0.1 that the system gives to no other socket until this is dropped: neither to
/// another server nor to a client, however often its own server stops and starts.
///
/// The port is bound, but nothing listens on it. A server that sets `SO_REUSEADDR`, as PostgreSQL and
/// nginx do, can listen on it all the same.
pub struct ReservedPort(Socket);

impl ReservedPort {
    pub fn new() -> ReservedPort {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        ReservedPort(socket)
    }

    pub fn number(&self) -> u16 {
        self.0.local_addr().unwrap().as_socket_ipv4().unwrap().port()
    }
}
