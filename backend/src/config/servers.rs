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
    pub reviews: Vec<Address>,
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
        let reviews = self.urls("reviews_urls").into_iter().map(with_password).collect();
        let replicas = self.replicas();
        let replicas = replicas
            .into_iter()
            .map(|(name, urls)| (name, urls.into_iter().map(with_password).collect()));
        Servers { default, reviews, replicas: replicas.collect() }
    }

    /// The number of reviews databases: that of the URLs, if there are any.
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

    /// The first line of the file with the password.
    fn password(&mut self) -> Option<String> {
        let key = "database_password_file";
        let place = self.values.get(key).map(|value| self.place(key, value))?;
        let path: String = self.optional(key, "the path of a file")?;
        self.warnings.extend(open_secret(Path::new(&path)));
        match std::fs::read_to_string(Path::new(&path)) {
            Ok(text) => Some(text.lines().next().unwrap_or_default().to_owned()),
            Err(error) => {
                self.problems.push(format!("{place}: {path}: {error}"));
                None
            }
        }
    }

    /// A list: an array in the file, separated by commas in the environment.
    fn urls(&mut self, key: &str) -> Vec<Address> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let place = self.place(key, &value);
        self.addresses(&place, value)
    }

    fn replicas(&mut self) -> BTreeMap<String, Vec<Address>> {
        let Some(value) = self.take("replicas") else { return BTreeMap::new() };
        let place = self.place("replicas", &value);
        let Ok(table) = value.into_table() else {
            self.problems.push(format!("{place}: this must be a table: [replicas]"));
            return BTreeMap::new();
        };
        table
            .into_iter()
            .map(|(name, value)| {
                let urls = self.addresses(&format!("{place}.{name}"), value);
                (name, urls)
            })
            .collect()
    }

    fn addresses(&mut self, place: &str, value: Value) -> Vec<Address> {
        // A single URL has commas too where it names several hosts: only in lists of texts are
        // these kept apart from the ones between URLs.
        let texts: Option<Vec<String>> = match value.clone().into_array() {
            Ok(values) => values.into_iter().map(|value| value.into_string().ok()).collect(),
            Err(_) => value.into_string().ok().map(|text| split(&text)),
        };
        let urls: Option<Vec<Address>> = texts
            .filter(|texts| !texts.is_empty())
            .and_then(|texts| texts.iter().map(|text| text.trim().parse().ok()).collect());
        urls.unwrap_or_else(|| {
            self.problems.push(format!("{place}: these must be URLs like {A_URL}"));
            Vec::new()
        })
    }
}

/// Splits URLs at commas. A comma that no URL follows separates the hosts of one URL.
fn split(text: &str) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    for part in text.split(',') {
        match urls.last_mut() {
            Some(url) if part.trim().parse::<Address>().is_err() => {
                url.push(',');
                url.push_str(part);
            }
            _ => urls.push(part.to_owned()),
        }
    }
    urls
}

/// The problems of replicas, one line each.
pub(super) fn replica_problems(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, urls) in &config.replicas {
        let reviews = name.strip_prefix("reviews-").and_then(|number| number.parse::<u16>().ok());
        let primary = match reviews {
            Some(number) if (1..=config.reviews_databases).contains(&number) => {
                config.reviews_urls.get(usize::from(number) - 1)
            }
            None if name == "default" => config.default_url.as_ref(),
            _ => {
                problems.push(format!("replicas.{name}: there is no such database"));
                continue;
            }
        };
        let is_server = |address: &Address| matches!(address, Address::Postgres(_));
        if !primary.is_some_and(is_server) || !urls.iter().all(is_server) {
            problems.push(format!("replicas.{name}: only PostgreSQL databases have replicas"));
        }
    }
    problems
}
