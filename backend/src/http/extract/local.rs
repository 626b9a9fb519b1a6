//! Local clients: processes of the operator on this machine, which may post without a rate limit
//! and sign in with the demo's password.
//!
//! No header proves that a client is local. A proxy on this machine connects from a loopback
//! address too; nginx's plain `proxy_pass http://127.0.0.1:8080` even sends a loopback `Host`, and
//! TCP proxies (HAProxy, stunnel, socat) forward any header. Clients can't choose the *user* that
//! has opened the connection, which the kernel knows: a proxy runs as its own user, a browser or
//! curl as the user who started the server. So a client is local if the server's user has opened
//! the connection and the request shows no sign of a proxy:
//!
//! - the peer is a loopback address and not a trusted proxy ([`crate::http::extract::client_ip`]
//!   checks);
//! - `public_url` is not set, or is a loopback address;
//! - `Host` is a loopback address, and so are `Origin` and `Referer` if present (against DNS
//!   rebinding);
//! - nothing that proxies add is present: forwarding headers, HTTP/1.0 or `Connection: close` (the
//!   defaults of nginx up to 1.29.6);
//! - the server's own user has opened the connection.
//!
//! A proxy of the same user that leaves no sign, such as `ssh -R`, is not detected: set
//! `public_url` or `trusted_proxies` there.

use std::cell::OnceCell;
use std::io;
use std::net::SocketAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::{Uri, Version};
use netlink_packet_core::{NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_SOCK_DIAG;

use crate::http::settings::{PublicUrl, is_loopback_host};

/// Headers that proxies add, besides `x-forwarded-*`.
const FORWARDING_HEADERS: [&str; 9] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "true-client-ip",
    "cf-connecting-ip",
    "x-envoy-external-address",
];

/// The kernel's default in `/proc/sys/kernel/overflowuid`, which is Debian's `nobody` too.
const OVERFLOW_UID: u32 = 65_534;

/// Why a client is not local.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLocal {
    /// The peer is another machine.
    Remote,
    /// The peer is a loopback address, but probably a proxy, for this reason.
    Proxy(&'static str),
}

/// The server's address of a connection, and whether its own user has opened it, looked up once.
pub struct PeerConnection {
    local: Option<SocketAddr>,
    opened_by_own_user: OnceCell<bool>,
}

impl PeerConnection {
    /// A connection to the server's address `local`, if known.
    pub fn new(local: Option<SocketAddr>) -> PeerConnection {
        PeerConnection { local, opened_by_own_user: OnceCell::new() }
    }

    fn is_opened_by_own_user(&self, peer: SocketAddr) -> bool {
        let look_up = || self.local.is_some_and(|local| opened_by_own_user(peer, local));
        *self.opened_by_own_user.get_or_init(look_up)
    }
}

/// Checks whether the client is local; if not, says why.
pub fn is_local(request: &HttpRequest, public_url: Option<&PublicUrl>) -> Result<(), NotLocal> {
    let Some(peer) = request.peer_addr().filter(|peer| peer.ip().to_canonical().is_loopback())
    else {
        return Err(NotLocal::Remote);
    };
    if public_url.is_some_and(|url| !url.is_loopback()) {
        return Err(NotLocal::Proxy("public_url is set, and trusted_proxies does not name it"));
    }
    if let Some(sign) = sign_of_proxy(request.version(), request.headers()) {
        return Err(NotLocal::Proxy(sign));
    }
    let connection = request.conn_data::<PeerConnection>();
    let own = connection.is_some_and(|connection| connection.is_opened_by_own_user(peer));
    if own { Ok(()) } else { Err(NotLocal::Proxy("another user has opened the connection")) }
}

/// The sign of a proxy in a request, if any.
fn sign_of_proxy(version: Version, headers: &HeaderMap) -> Option<&'static str> {
    let is_forwarding = |name: &HeaderName| {
        name.as_str().starts_with("x-forwarded-") || FORWARDING_HEADERS.contains(&name.as_str())
    };
    if headers.keys().any(is_forwarding) {
        return Some("it sends a forwarding header");
    }
    if version != Version::HTTP_11 {
        return Some("it speaks HTTP/1.0");
    }
    let mut connection = headers.get_all(header::CONNECTION);
    let closes = |value: &header::HeaderValue| {
        let options = value.to_str().unwrap_or_default().split(',');
        options.into_iter().any(|option| option.trim().eq_ignore_ascii_case("close"))
    };
    if connection.any(closes) {
        return Some("it closes each connection after one request");
    }
    let is_loopback = |text: &header::HeaderValue| text.to_str().is_ok_and(is_loopback_authority);
    if !headers.get(header::HOST).is_some_and(is_loopback) {
        return Some("its Host is not a loopback address");
    }
    let from_elsewhere = |name| headers.get_all(name).any(|url| !is_loopback_url(url));
    if from_elsewhere(header::ORIGIN) || from_elsewhere(header::REFERER) {
        return Some("its Origin or Referer is not a loopback address");
    }
    None
}

fn is_loopback_url(url: &header::HeaderValue) -> bool {
    let url = url.to_str().ok().and_then(|url| url.parse::<Uri>().ok());
    url.is_some_and(|url| url.host().is_some_and(is_loopback_host))
}

/// Whether this is a loopback host, with or without a port.
fn is_loopback_authority(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    is_loopback_host(host)
}

/// Whether the user of this process has opened the connection from `peer` to the server's address
/// `local`; false if the kernel does not know.
fn opened_by_own_user(peer: SocketAddr, local: SocketAddr) -> bool {
    // An IPv6 socket reaches IPv4 addresses too; the kernel knows such a connection as one of IPv4.
    let owner = owner_of(canonical(peer), canonical(local)).ok().flatten();
    owner.is_some_and(|owner| is_same_user(rustix::process::getuid().as_raw(), owner))
}

/// The user id of the TCP socket from `from` to `to`, by sock_diag(7): one query takes 80 µs.
/// Reading /proc/net/tcp takes longer with more connections.
fn owner_of(from: SocketAddr, to: SocketAddr) -> io::Result<Option<u32>> {
    let request = InetRequest {
        family: if from.is_ipv4() { AF_INET } else { AF_INET6 },
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::empty(),
        states: StateFlags::all(),
        socket_id: SocketId {
            source_port: from.port(),
            destination_port: to.port(),
            source_address: from.ip(),
            destination_address: to.ip(),
            interface_id: 0,
            // INET_DIAG_NOCOOKIE
            cookie: [0xff; 8],
        },
    };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST;
    let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    let socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.send_to(&bytes, &netlink_sys::SocketAddr::new(0, 0), 0)?;
    let (answer, _) = socket.recv_from_full()?;
    let answer = NetlinkMessage::<SockDiagMessage>::deserialize(&answer);
    Ok(match answer.map_err(io::Error::other)?.payload {
        // Without such a connection the kernel names a socket that listens at `from`.
        NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(found))
            if found.header.socket_id.destination_port == to.port() =>
        {
            Some(found.header.uid)
        }
        _ => None,
    })
}

/// Whether these are the ids of one user. The overflow id (`nobody`) never is: the kernel shows it
/// for every user without an id in this process's user namespace (user_namespaces(7)).
fn is_same_user(one: u32, other: u32) -> bool {
    one == other && one != OVERFLOW_UID
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    fn sign(version: Version, headers: &[(&'static str, &'static str)]) -> Option<&'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let value = header::HeaderValue::from_static(value);
            map.append(HeaderName::from_static(name), value);
        }
        sign_of_proxy(version, &map)
    }

    #[test]
    fn signs_of_a_proxy_are_recognized() {
        let host = ("host", "127.0.0.1:8080");
        for (headers, is_proxy) in [
            (&[host][..], false),
            (&[("host", "LocalHost:8080")], false),
            (&[("host", "localhost")], false),
            (&[("host", "[::1]:8080")], false),
            (&[("host", "[::1]")], false),
            (&[host, ("connection", "keep-alive")], false),
            (&[host, ("origin", "http://127.0.0.1:8080")], false),
            (&[host, ("origin", "http://[::1]:8080")], false),
            (&[host, ("referer", "http://localhost:8081/products/1")], false),
            (&[], true),
            (&[("host", "rebound.example:8080")], true),
            (&[("host", "127.0.0.1.example")], true),
            (&[host, ("x-forwarded-for", "")], true),
            (&[host, ("x-forwarded-port", "443")], true),
            (&[host, ("forwarded", "for=_x")], true),
            (&[host, ("x-real-ip", "127.0.0.1")], true),
            (&[host, ("connection", "close")], true),
            (&[host, ("connection", "TE, Close")], true),
            (&[host, ("origin", "https://reviews.example")], true),
            (&[host, ("origin", "null")], true),
            (&[host, ("referer", "https://reviews.example/products/1")], true),
        ] {
            assert_eq!(sign(Version::HTTP_11, headers).is_some(), is_proxy, "{headers:?}");
        }
        assert!(sign(Version::HTTP_10, &[host]).is_some(), "nginx");
    }

    #[test]
    fn the_overflow_id_belongs_to_no_user() {
        assert!(is_same_user(0, 0) && is_same_user(1_000, 1_000));
        assert!(!is_same_user(0, 1_000) && !is_same_user(OVERFLOW_UID, OVERFLOW_UID));
    }

    #[test]
    fn the_kernel_knows_which_user_has_opened_a_connection() {
        for loopback in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(loopback) else { continue };
            let address = listener.local_addr().unwrap();
            let client = TcpStream::connect(address).unwrap();
            let peer = client.local_addr().unwrap();
            assert!(opened_by_own_user(peer, address), "{loopback}");
            let other = SocketAddr::new(address.ip(), address.port() ^ 1);
            assert!(!opened_by_own_user(peer, other), "{loopback}: another port");
            let _accepted = listener.accept().unwrap();
            drop(client);
            assert!(!opened_by_own_user(address, other), "{loopback}: the socket that listens");
        }
        // A server on all addresses sees its clients by IPv4-mapped ones.
        let Ok(listener) = TcpListener::bind("[::]:0") else { return };
        let port = listener.local_addr().unwrap().port();
        let _client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (accepted, peer) = listener.accept().unwrap();
        assert!(opened_by_own_user(peer, accepted.local_addr().unwrap()));
    }
}
