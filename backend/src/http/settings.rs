//! The settings of the HTTP server.
//!
//! `config` reads and checks them; limits of databases are in `db/connection/settings.rs`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use actix_web::http::Uri;
use actix_web::http::uri::Scheme;
use ipnet::IpNet;

use crate::http::secret_key::SecretKey;

/// The settings of the HTTP server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of the built app.
    pub app_dir: PathBuf,
    /// The networks of trusted proxies.
    pub trusted_proxies: Vec<IpNet>,
    /// The URL that browsers use; None: that of the `Host` header.
    pub public_url: Option<PublicUrl>,
    pub rate_limits: RateLimits,
    pub secret_key: SecretKey,
    /// How long a client may take for the head of a request, and again for its body.
    pub request_timeout: Duration,
    /// How long a connection may stay open between two requests.
    pub keep_alive: Duration,
    /// The size of the response cache in bytes; 0 disables it.
    pub cache_bytes: u64,
    /// Days to keep the audit trail.
    pub audit_days: u32,
}

/// The rate limits; 0: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Sign-in attempts per minute, name and network.
    pub sign_ins_per_minute: u32,
    /// New accounts per hour and network.
    pub registrations_per_hour: u32,
    /// Reviews and reports per minute and account, or guest's network.
    pub reviews_per_minute: u32,
}

impl Settings {
    /// Settings for unit tests.
    #[cfg(test)]
    pub fn for_tests() -> Settings {
        Settings {
            app_dir: PathBuf::new(),
            trusted_proxies: Vec::new(),
            public_url: None,
            rate_limits: RateLimits {
                sign_ins_per_minute: 0,
                registrations_per_hour: 0,
                reviews_per_minute: 0,
            },
            secret_key: "0123456789abcdef0123456789abcdef".parse().unwrap(),
            request_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            cache_bytes: 0,
            audit_days: 365,
        }
    }

    /// Whether the public URL is HTTPS.
    pub fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.https)
    }
}

/// The public origin of this service: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    https: bool,
    loopback: bool,
}

impl PublicUrl {
    /// The origin as in the header `Origin`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the host is a loopback address.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a public URL must be http:// or https:// and a host, without a path")]
pub struct PublicUrlInvalid;

impl FromStr for PublicUrl {
    type Err = PublicUrlInvalid;

    fn from_str(text: &str) -> Result<PublicUrl, PublicUrlInvalid> {
        let uri: Uri = text.parse().map_err(|_| PublicUrlInvalid)?;
        let https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(PublicUrlInvalid),
        };
        let authority = uri.authority().ok_or(PublicUrlInvalid)?;
        let host = authority.host().to_ascii_lowercase();
        let bare = uri.path_and_query().is_none_or(|path| path.as_str() == "/");
        let port_is_odd =
            authority.port_u16().is_none() && !authority.as_str().ends_with(authority.host());
        if host.is_empty() || authority.as_str().contains('@') || port_is_odd || !bare {
            return Err(PublicUrlInvalid);
        }
        let default_port = if https { 443 } else { 80 };
        let port = authority.port_u16().filter(|&port| port != default_port);
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let scheme = if https { "https" } else { "http" };
        let loopback = is_loopback_host(&host);
        Ok(PublicUrl { origin: format!("{scheme}://{host}{port}"), https, loopback })
    }
}

/// Whether this is `localhost` or a loopback address, as in URLs.
pub fn is_loopback_host(host: &str) -> bool {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(is_loopback)
}

/// Comma-separated networks or addresses of proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(pub Vec<IpNet>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("proxies must be IP addresses or networks, separated by commas")]
pub struct TrustedProxiesInvalid;

impl FromStr for TrustedProxies {
    type Err = TrustedProxiesInvalid;

    fn from_str(text: &str) -> Result<TrustedProxies, TrustedProxiesInvalid> {
        let network = |text: &str| {
            let network = text.parse().ok();
            network
                .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
                .ok_or(TrustedProxiesInvalid)
        };
        text.split(',')
            .map(|text| network(text.trim()))
            .collect::<Result<_, _>>()
            .map(TrustedProxies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        for (text, origin) in [
            ("https://Reviews.example", "https://reviews.example"),
            ("https://reviews.example/", "https://reviews.example"),
            ("https://reviews.example:443", "https://reviews.example"),
            ("http://reviews.example:8080", "http://reviews.example:8080"),
            ("http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().origin(), origin);
        }
        for bad in [
            "",
            "reviews.example",
            "ftp://reviews.example",
            "https://",
            "https://a/b",
            "https://a?b",
            "https://user@a",
            "https://a:x",
            "https://a:99999",
            "/",
        ] {
            assert_eq!(bad.parse::<PublicUrl>(), Err(PublicUrlInvalid), "{bad}");
        }
    }
}
