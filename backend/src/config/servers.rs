//! The addresses of the databases in the configuration: URLs, replicas and the password.

use std::collections::BTreeMap;
use std::path::Path;

use config::Value;

use crate::config::keys::Keys;
use crate::config::{Config, open_secret};
use crate::db::Address;
use crate::shard::BUCKETS;

/// The addresses of all databases.
pub(super) struct Servers {
    pub default: Option<Address>,
    pub reviews: BTreeMap<String, Address>,
    pub replicas: BTreeMap<String, Vec<Address>>,
}

const A_URL: &str = "sqlite:<path> or postgres://<user>@<host>/<database>";

impl Keys {
    pub(super) fn servers(&mut self) -> Servers {
        let password = self.password();
        let with_password = |address: Address| match &password {
            Some(password) => address.with_password(password),
            None => address,
        };
        let default = self.optional::<Address>("default_url", A_URL).map(with_password);
        let reviews = self.reviews_urls();
        let reviews = reviews.into_iter().map(|(name, url)| (name, with_password(url))).collect();
        let replicas = self.replicas();
        let replicas = replicas
            .into_iter()
            .map(|(name, urls)| (name, urls.into_iter().map(with_password).collect()));
        Servers { default, reviews, replicas: replicas.collect() }
    }

    /// How many reviews databases a new cluster gets: as many as have a URL, if any has one.
    pub(super) fn reviews_databases(&mut self, urls: usize) -> u16 {
        let default = if urls == 0 { 3 } else { u16::try_from(urls).unwrap_or(u16::MAX) };
        let number = self.number("reviews_databases", default, 1, BUCKETS.into());
        if urls > 0 && usize::from(number) != urls {
            self.problems.push(format!(
                "reviews_databases is {number}, but reviews_urls names {urls}: leave out the first"
            ));
        }
        if urls > usize::from(BUCKETS) {
            self.problems.push(format!("reviews_urls: there can be {BUCKETS} at most"));
        }
        number
    }

    /// The URLs of reviews databases by their names: `reviews-4=postgres://…`, or without a name
    /// in the order `reviews-1`, `reviews-2`, …
    fn reviews_urls(&mut self) -> BTreeMap<String, Address> {
        let mut urls = BTreeMap::new();
        let Some(value) = self.take("reviews_urls") else { return urls };
        let source = self.source("reviews_urls", &value);
        let Some(texts) = texts(value) else {
            self.problems.push(format!("{source}: these must be URLs like {A_URL}"));
            return urls;
        };
        for (number, text) in (1..).zip(&texts) {
            let (name, url) = match text.split_once('=') {
                Some((name, url)) if is_name(name.trim()) => (name.trim().to_owned(), url),
                _ => (format!("reviews-{number}"), text.as_str()),
            };
            let Ok(url) = url.trim().parse() else {
                self.problems.push(format!("{source}: these must be URLs like {A_URL}"));
                return BTreeMap::new();
            };
            if let Some((other, _)) = urls.iter().find(|(_, known)| **known == url) {
                self.problems.push(format!("{source}: {other} and {name} have the same URL"));
            }
            if urls.insert(name.clone(), url).is_some() {
                self.problems.push(format!("{source}: {name} has two URLs"));
            }
        }
        urls
    }

    /// The first line of the file with the password.
    fn password(&mut self) -> Option<String> {
        let key = "database_password_file";
        let source = self.values.get(key).map(|value| self.source(key, value))?;
        let path: String = self.optional(key, "the path of a file")?;
        self.warnings.extend(open_secret(Path::new(&path)));
        match std::fs::read_to_string(Path::new(&path)) {
            Ok(text) => Some(text.lines().next().unwrap_or_default().to_owned()),
            Err(error) => {
                self.problems.push(format!("{source}: {path}: {error}"));
                None
            }
        }
    }

    fn replicas(&mut self) -> BTreeMap<String, Vec<Address>> {
        let Some(value) = self.take("replicas") else { return BTreeMap::new() };
        let source = self.source("replicas", &value);
        let Ok(table) = value.into_table() else {
            self.problems.push(format!("{source}: this must be a table: [replicas]"));
            return BTreeMap::new();
        };
        table
            .into_iter()
            .map(|(name, value)| {
                let urls = self.addresses(&format!("{source}.{name}"), value);
                (name, urls)
            })
            .collect()
    }

    fn addresses(&mut self, source: &str, value: Value) -> Vec<Address> {
        let urls: Option<Vec<Address>> = texts(value)
            .and_then(|texts| texts.iter().map(|text| text.trim().parse().ok()).collect());
        urls.unwrap_or_else(|| {
            self.problems.push(format!("{source}: these must be URLs like {A_URL}"));
            Vec::new()
        })
    }
}

/// A list: in the file one of texts, in the environment with commas between them. `None`: neither,
/// or empty.
fn texts(value: Value) -> Option<Vec<String>> {
    // A single URL has commas too where it names several hosts: only in lists of texts are
    // these kept apart from the ones between URLs.
    let texts: Option<Vec<String>> = match value.clone().into_array() {
        Ok(values) => values.into_iter().map(|value| value.into_string().ok()).collect(),
        Err(_) => value.into_string().ok().map(|text| split(&text)),
    };
    texts.filter(|texts| !texts.is_empty())
}

/// Splits URLs at commas. A comma that no URL follows separates the hosts of one URL.
fn split(text: &str) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    for part in text.split(',') {
        let url = match part.split_once('=') {
            Some((name, url)) if is_name(name.trim()) => url,
            _ => part,
        };
        match urls.last_mut() {
            Some(last) if url.trim().parse::<Address>().is_err() => {
                last.push(',');
                last.push_str(part);
            }
            _ => urls.push(part.to_owned()),
        }
    }
    urls
}

/// Whether a text is the name of a reviews database.
pub(super) fn is_name(text: &str) -> bool {
    let number = text.strip_prefix("reviews-").unwrap_or_default();
    number.parse::<u16>().is_ok_and(|parsed| parsed > 0 && parsed.to_string() == number)
}

/// The problems of replicas, one line each.
pub(super) fn replica_problems(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, urls) in &config.replicas {
        let primary = match name.as_str() {
            "default" => config.default_url.as_ref(),
            name if is_name(name) => config.reviews_urls.get(name),
            _ => {
                problems.push(format!("replicas.{name}: there is no such database"));
                continue;
            }
        };
        let is_server = |address: &Address| !address.is_file();
        if !primary.is_some_and(is_server) || !urls.iter().all(is_server) {
            problems.push(format!("replicas.{name}: only PostgreSQL databases have replicas"));
        }
    }
    problems
}
