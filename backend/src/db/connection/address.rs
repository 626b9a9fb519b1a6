//! The address of a database: the path of a SQLite file, or the URL of a PostgreSQL server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use form_urlencoded::byte_serialize;
use ostrakon_shared::Engine;
use percent_encoding::percent_decode_str;

use crate::db::files;

/// The address of a database. It is shown and logged without passwords.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Address {
    Sqlite(PathBuf),
    /// The URL of a server as libpq reads it; it may contain several hosts and libpq's parameters.
    Postgres(String),
}

/// Parameters for libpq that the URL may override. With these timeouts an unavailable server is
/// noticed within seconds, and so is a connection that a firewall has dropped. Kerberos is off by
/// default, because its library crashes a program that exits while another thread is connecting.
const POSTGRES_DEFAULTS: [(&str, &str); 7] = [
    ("gssencmode", "disable"),
    ("application_name", "ostrakon"),
    ("connect_timeout", "2"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "2"),
    ("tcp_user_timeout", "5000"),
];

impl Address {
    /// The path of a SQLite file.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Address::Sqlite(path) => Some(path),
            Address::Postgres(_) => None,
        }
    }

    pub fn is_file(&self) -> bool {
        self.file().is_some()
    }

    /// The address with all links of a file resolved, so that it stays the same while the process
    /// runs.
    pub(in crate::db) fn behind_links(self) -> Address {
        match self {
            Address::Sqlite(path) => Address::Sqlite(files::behind_links(&path)),
            server => server,
        }
    }

    pub fn engine(&self) -> Engine {
        match self {
            Address::Sqlite(_) => Engine::Sqlite,
            Address::Postgres(_) => Engine::Postgres,
        }
    }

    /// The address with this password, unless it has one.
    pub fn with_password(self, password: &str) -> Address {
        match self {
            Address::Postgres(url) if !has_password(&url) => {
                Address::Postgres(with_parameter(&url, "password", password))
            }
            other => other,
        }
    }

    /// The URL as the configuration has it, with its parameters, but without its password.
    pub fn configured_url(&self) -> String {
        match self {
            Address::Sqlite(path) => format!("sqlite:{}", path.display()),
            Address::Postgres(url) => {
                split_password(url).map_or_else(|_| self.to_string(), |(bare, _)| bare)
            }
        }
    }

    /// The URL of a server without its password, for command lines, and the password.
    pub(in crate::db) fn without_password(&self) -> Result<(String, Option<String>), String> {
        match self {
            Address::Sqlite(path) => Err(format!("{} is no server", path.display())),
            Address::Postgres(_) => split_password(&self.open_url()),
        }
    }

    /// The URL that the engine's library opens.
    pub(in crate::db) fn open_url(&self) -> String {
        match self {
            Address::Sqlite(path) => file_url(&path.to_string_lossy()),
            Address::Postgres(url) => {
                let missing = POSTGRES_DEFAULTS.iter().filter(|(key, _)| !has(url, key));
                missing.fold(url.clone(), |url, (key, value)| with_parameter(&url, key, value))
            }
        }
    }
}

/// A server's URL without its password, and the password.
fn split_password(url: &str) -> Result<(String, Option<String>), String> {
    let (bare, parameters) = url.split_once('?').unwrap_or((url, ""));
    let mut password = None;
    let (scheme, rest) = bare.split_once("://").unwrap_or(("postgres", bare));
    let bare =
        match rest.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?, host))) {
            Some(((user, in_user), host)) => {
                password = Some(decoded(in_user));
                format!("{scheme}://{user}@{host}")
            }
            None => bare.to_owned(),
        };
    let mut kept = Vec::new();
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("password", value)) => password = Some(decoded(value)),
            Some(("sslpassword", _)) => {
                return Err("its URL has sslpassword, which PostgreSQL's programs take on their \
                            command line alone, where everybody sees it: use a key without one"
                    .to_owned());
            }
            _ => kept.push(parameter),
        }
    }
    let separator = if kept.is_empty() { "" } else { "?" };
    Ok((format!("{bare}{separator}{}", kept.join("&")), password))
}

/// Decodes a part of a URL (RFC 3986). Like libpq it does not read a plus as a space.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address starts with sqlite:, postgres:// or postgresql://")]
pub struct AddressInvalid;

impl From<PathBuf> for Address {
    fn from(file: PathBuf) -> Address {
        Address::Sqlite(file)
    }
}

impl FromStr for Address {
    type Err = AddressInvalid;

    fn from_str(text: &str) -> Result<Address, AddressInvalid> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err(AddressInvalid)
            } else {
                Ok(Address::Sqlite(path.into()))
            };
        }
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        match rest {
            Some(rest) if !rest.is_empty() && !rest.contains(char::is_whitespace) => {
                Ok(Address::Postgres(text.to_owned()))
            }
            _ => Err(AddressInvalid),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Sqlite(path) => path.display().fmt(f),
            Address::Postgres(url) => {
                let bare = url.split('?').next().unwrap_or_default();
                let (scheme, rest) = bare.split_once("://").unwrap_or(("postgres", bare));
                match rest.rsplit_once('@') {
                    Some((user, host)) => {
                        let user = user.split(':').next().unwrap_or_default();
                        write!(f, "{scheme}://{user}@{host}")
                    }
                    None => write!(f, "{scheme}://{rest}"),
                }
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn has_password(url: &str) -> bool {
    let bare = url.split('?').next().unwrap_or_default();
    let user = bare.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    user.is_some_and(|(user, _)| user.contains(':')) || has(url, "password") || has(url, "passfile")
}

fn has(url: &str, key: &str) -> bool {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    form_urlencoded::parse(parameters.as_bytes()).any(|(found, _)| found == key)
}

fn with_parameter(url: &str, key: &str, value: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    // libpq reads %20 as a space, but not a plus.
    let value: String = byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20");
    format!("{url}{separator}{key}={value}")
}

/// A URL by which SQLite opens the file but does not create it.
fn file_url(path: &str) -> String {
    // Percent-encodes the characters that have a meaning in a URL (RFC 3986).
    let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}?mode=rw")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn the_scheme_is_the_engine() {
        assert_eq!(address("sqlite:data/x.sqlite3"), Address::Sqlite("data/x.sqlite3".into()));
        assert_eq!(address("sqlite:///srv/x"), Address::Sqlite("/srv/x".into()));
        for text in ["postgres://a/b", "postgresql://a:1,b:2/c?target_session_attrs=read-write"] {
            assert_eq!(address(text), Address::Postgres(text.to_owned()));
        }
        for text in ["", "sqlite:", "postgres://", "mysql://a/b", "data/x", "postgres://a b/c"] {
            assert_eq!(text.parse::<Address>(), Err(AddressInvalid), "{text}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        for url in [
            "postgres://me:secret@db.example:5432/reviews",
            "postgres://me:sec@ret@db.example:5432/reviews?password=secret",
            "postgres://me@db.example:5432/reviews?sslmode=require&password=secret",
        ] {
            let shown = format!("{0} {0:?}", address(url));
            assert_eq!(shown, ["postgres://me@db.example:5432/reviews"; 2].join(" "));
        }
    }

    #[test]
    fn a_password_is_added_to_urls_without_one() {
        let with = |url: &str| match address(url).with_password("a+b &?%") {
            Address::Postgres(url) => url,
            Address::Sqlite(_) => panic!("{url}"),
        };
        assert_eq!(with("postgres://me@a/b"), "postgres://me@a/b?password=a%2Bb%20%26%3F%25");
        assert_eq!(
            with("postgres://me@a/b?x=1"),
            "postgres://me@a/b?x=1&password=a%2Bb%20%26%3F%25"
        );
        for url in ["postgres://me:x@a/b", "postgres://me@a/b?passfile=/p"] {
            assert_eq!(with(url), url);
        }
    }

    #[test]
    fn operators_configure_a_url_with_its_parameters() {
        let configured = |url: &str| address(url).configured_url();
        for url in ["sqlite:/x/y", "postgres://me@a:1,b:2/c?sslmode=verify-full&connect_timeout=2"]
        {
            assert_eq!(configured(url), url);
        }
        let url = "postgres://me:secret@a/c?sslmode=require";
        assert_eq!(configured(url), "postgres://me@a/c?sslmode=require");
    }

    #[test]
    fn programs_get_a_url_without_its_password() {
        let split = |url: &str| split_password(url).unwrap();
        let bare = "postgres://me@a:1,b:2/c".to_owned();
        assert_eq!(split("postgres://me@a:1,b:2/c"), (bare.clone(), None));
        for url in ["postgres://me:a%20+@a:1,b:2/c", "postgres://me@a:1,b:2/c?password=a%20%2B"] {
            assert_eq!(split(url), (bare.clone(), Some("a +".to_owned())), "{url}");
        }
        assert_eq!(
            split("postgres://me:p@ss@a/c?x=1&password=q&y=2"),
            ("postgres://me@a/c?x=1&y=2".to_owned(), Some("q".to_owned()))
        );
        assert!(split_password("postgres://a/c?sslpassword=x").is_err());
        assert!(address("sqlite:x").without_password().is_err());
    }

    #[test]
    fn url_parameters_override_defaults() {
        let url = address("postgres://a/b?connect_timeout=9").open_url();
        assert!(url.starts_with("postgres://a/b?connect_timeout=9&gssencmode=disable"));
        assert_eq!(url.matches("connect_timeout").count(), 1);
        assert!(address("postgres://a/b").open_url().contains("application_name=ostrakon&"));
        assert_eq!(address("sqlite:50% #1?").open_url(), "file:50%25 %231%3f?mode=rw");
    }
}
