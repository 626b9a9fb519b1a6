//! The client's address: of the peer, or behind a trusted proxy from `X-Forwarded-For`.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Once;

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpRequest};
use ipnet::IpNet;

use crate::http::app_data::app_data;
use crate::http::extract::local::{self, NotLocal};
use crate::http::rate_limit::ClientKey;
use crate::http::response::problem::ApiError;
use crate::http::settings::Settings;

/// The header in which a trusted proxy names its client.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The peer's address; behind a trusted proxy, the address that the proxy names.
    pub address: IpAddr,
    /// Whether the client is a process of the server's user on this machine, see [`local`].
    pub local: bool,
}

impl FromRequest for Client {
    type Error = ApiError;
    type Future = Ready<Result<Client, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(app_data::<Settings>(request).map(|settings| Client::of(request, &settings)))
    }
}

impl Client {
    /// The IPv4 address, or the /64 of an IPv6 address, all of which belongs to one household.
    pub fn network(&self) -> IpAddr {
        match self.address {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            v4 => v4,
        }
    }

    fn of(request: &HttpRequest, settings: &Settings) -> Client {
        // Without a peer (a test without a socket) the client is not trusted.
        let Some(peer) = request.peer_addr().map(|peer| peer.ip().to_canonical()) else {
            return Client { address: Ipv6Addr::UNSPECIFIED.into(), local: false };
        };
        if is_trusted(peer, &settings.trusted_proxies) {
            let named = named(request.headers(), &settings.trusted_proxies);
            return Client { address: named.unwrap_or_else(|| unnamed_client(peer)), local: false };
        }
        let local = local::is_local(request, settings.public_url.as_ref());
        if let Err(NotLocal::Proxy(sign)) = local {
            warn_of_proxy(peer, sign);
        }
        Client { address: peer, local: local.is_ok() }
    }
}

impl From<&Client> for ClientKey {
    fn from(client: &Client) -> ClientKey {
        ClientKey::Network(client.network())
    }
}

/// The address of the proxy in place of all its clients; logs a warning once.
fn unnamed_client(proxy: IpAddr) -> IpAddr {
    static LOGGED: Once = Once::new();
    LOGGED.call_once(|| {
        tracing::warn!(
            "the trusted proxy {proxy} names no client in X-Forwarded-For: its clients share one \
             limit. Have it set this header (docs/production.md)"
        );
    });
    proxy
}

/// Logs once that a client looks like an untrusted proxy.
fn warn_of_proxy(peer: IpAddr, sign: &str) {
    static LOGGED: Once = Once::new();
    LOGGED.call_once(|| {
        tracing::warn!(
            "a client at {peer} does not count as local ({sign}): rate limits apply to it, and it \
             can't use the demo's password. If it is a proxy, set trusted_proxies \
             (OSTRAKON_TRUSTED_PROXIES) and public_url (OSTRAKON_PUBLIC_URL); otherwise all of \
             its clients share one limit"
        );
    });
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address))
}

/// The last address in X-Forwarded-For that is not a trusted proxy. Each proxy appends the address
/// of its client; everything before could be forged. `None` if there is no address.
fn named(headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let values: Vec<&str> = headers
        .get_all(X_FORWARDED_FOR)
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .collect();
    let mut client = None;
    for value in values.into_iter().rev() {
        let Some(address) = address(value.trim()) else { break };
        client = Some(address);
        if !is_trusted(address, trusted) {
            break;
        }
    }
    client
}

/// An address with or without a port, as proxies write it.
fn address(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn client(peer: &str, forwarded: &[&str], trusted: &str) -> Client {
        let mut request =
            TestRequest::default().peer_addr(SocketAddr::new(peer.parse().unwrap(), 1));
        for value in forwarded {
            request = request.append_header((X_FORWARDED_FOR, *value));
        }
        let trusted_proxies = trusted.split_whitespace().map(|t| t.parse().unwrap()).collect();
        let settings = Settings { trusted_proxies, ..Settings::for_tests() };
        Client::of(&request.to_http_request(), &settings)
    }

    #[test]
    fn ipv6_addresses_count_by_network() {
        let key = |text| ClientKey::from(&client(text, &[], ""));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }

    #[test]
    fn only_trusted_proxies_may_name_their_client() {
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
            let found = client(peer, &[forwarded], trusted);
            assert_eq!(found.address.to_string(), expected, "{peer} {forwarded}");
            assert!(!found.local, "{peer} {forwarded}");
        }
        let two = ["198.51.100.1", "203.0.113.7"];
        assert_eq!(client("127.0.0.1", &two, proxies).address.to_string(), "203.0.113.7");
    }
}
