//! Where a request comes from.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::http::header::HeaderMap;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use ipnet::IpNet;

use super::Settings;
use super::error::ApiError;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// What proxies add to requests: with one of these, somebody else than the peer may be asking.
const FORWARDING_HEADERS: [&str; 6] =
    [X_FORWARDED_FOR, "forwarded", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The peer's address; behind a trusted proxy, the address that the proxy names.
    pub address: IpAddr,
    /// Whether it is somebody on this very machine: a loopback address, asking for a loopback
    /// host, and no sign of a proxy.
    pub local: bool,
}

impl FromRequest for Client {
    type Error = ApiError;
    type Future = Ready<Result<Client, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let trusted = request.app_data::<Data<Settings>>();
        let trusted = trusted.map_or(&[][..], |settings| &settings.trusted_proxies);
        ready(Ok(Client::of(request.peer_addr(), request.headers(), trusted)))
    }
}

impl Client {
    /// The address, or of IPv6 its network (/64): one household has all of its addresses.
    pub fn network(&self) -> IpAddr {
        match self.address {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            v4 => v4,
        }
    }

    fn of(peer: Option<SocketAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Client {
        // Without a peer (a test without a socket) nobody is trusted with anything.
        let Some(peer) = peer.map(|peer| peer.ip().to_canonical()) else {
            return Client { address: Ipv6Addr::UNSPECIFIED.into(), local: false };
        };
        let forwarded = FORWARDING_HEADERS.iter().any(|name| headers.contains_key(*name));
        Client {
            address: if is_trusted(peer, trusted) { named(peer, headers, trusted) } else { peer },
            local: peer.is_loopback() && !forwarded && names_loopback(headers),
        }
    }
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address))
}

/// The last address in X-Forwarded-For that isn't a trusted proxy's: each proxy adds the one that
/// it was asked by, and whatever stands before could be made up.
fn named(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let values: Vec<&str> = headers
        .get_all(X_FORWARDED_FOR)
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .collect();
    let mut client = peer;
    for value in values.into_iter().rev() {
        let Some(address) = address(value.trim()) else { break };
        client = address;
        if !is_trusted(address, trusted) {
            break;
        }
    }
    client
}

/// An address, perhaps with a port, as proxies write it.
fn address(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

/// Whether the request asks for a loopback host. A page of a name that was pointed here (DNS
/// rebinding) makes this machine's browser ask for that name.
fn names_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn client(peer: &str, headers: &[(&'static str, &'static str)], trusted: &str) -> Client {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let trusted: Vec<IpNet> = trusted.split_whitespace().map(|t| t.parse().unwrap()).collect();
        Client::of(Some(SocketAddr::new(peer.parse().unwrap(), 1)), &map, &trusted)
    }

    #[test]
    fn only_trusted_proxies_may_name_somebody_else() {
        let proxies = "127.0.0.0/8 10.0.0.0/8 ::1/128";
        for (peer, trusted, forwarded, expected) in [
            ("192.0.2.1", "", "203.0.113.7", "192.0.2.1"),
            ("192.0.2.1", proxies, "203.0.113.7", "192.0.2.1"),
            ("127.0.0.1", proxies, "203.0.113.7", "203.0.113.7"),
            ("127.0.0.1", proxies, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
            ("127.0.0.1", proxies, "198.51.100.1, 203.0.113.7,10.1.2.3", "203.0.113.7"),
            ("127.0.0.1", proxies, "10.1.2.3, 10.1.2.4", "10.1.2.3"),
            ("127.0.0.1", proxies, "203.0.113.7, nonsense, 10.1.2.4", "10.1.2.4"),
            ("127.0.0.1", proxies, "nonsense", "127.0.0.1"),
            ("127.0.0.1", proxies, "203.0.113.7:4711", "203.0.113.7"),
            ("::ffff:127.0.0.1", proxies, "[2001:db8::1]:80", "2001:db8::1"),
            ("::1", proxies, "::ffff:203.0.113.7", "203.0.113.7"),
        ] {
            let found = client(peer, &[("x-forwarded-for", forwarded)], trusted);
            assert_eq!(found.address.to_string(), expected, "{peer} {forwarded}");
            assert!(!found.local, "{peer} {forwarded}");
        }
        let two = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.7")];
        assert_eq!(client("127.0.0.1", &two, proxies).address.to_string(), "203.0.113.7");
    }

    #[test]
    fn local_is_who_asks_on_this_machine_itself() {
        for (peer, headers, expected) in [
            ("127.0.0.1", &[("host", "127.0.0.1:8080")][..], true),
            ("127.0.0.1", &[("host", "LocalHost:8080")], true),
            ("127.0.0.1", &[("host", "localhost")], true),
            ("::1", &[("host", "[::1]:8080")], true),
            ("::1", &[("host", "[::1]")], true),
            ("::ffff:127.0.0.1", &[("host", "127.0.0.1")], true),
            ("127.0.0.1", &[], false),
            ("127.0.0.1", &[("host", "rebound.example:8080")], false),
            ("127.0.0.1", &[("host", "127.0.0.1.example")], false),
            ("192.0.2.1", &[("host", "127.0.0.1")], false),
            ("127.0.0.1", &[("host", "127.0.0.1"), ("x-forwarded-for", "")], false),
            ("127.0.0.1", &[("host", "127.0.0.1"), ("forwarded", "for=_x")], false),
            ("127.0.0.1", &[("host", "127.0.0.1"), ("x-real-ip", "127.0.0.1")], false),
        ] {
            assert_eq!(client(peer, headers, "").local, expected, "{peer} {headers:?}");
        }
    }
}
