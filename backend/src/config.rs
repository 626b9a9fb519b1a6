//! Configuration: a TOML file and the environment, read and checked once at start.

mod environment;
mod keys;
mod places;
mod secret_key;
mod servers;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use config::{Environment, File, FileFormat, Source};

use crate::config::keys::Keys;
use crate::db::{Address, ReadPreference, Settings, files, one_line};
use crate::http::{PublicUrl, RateLimits, Settings as HttpSettings, TrustedProxies};
use crate::shard::Spread;
use crate::store::{Clock, Databases, Policy, SetupError, Store};

/// The file that is read if no other is named and it exists.
const DEFAULT_FILE: &str = "ostrakon.toml";
const ENVIRONMENT_PREFIX: &str = "OSTRAKON";
/// The maximum of a rate limit; 0 switches it off.
const MAX_RATE: i64 = 1_000_000;

/// The settings. Keys of the file are these names, variables of the environment the same in upper
/// case after `OSTRAKON_`; the environment wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file that was named; None: `ostrakon.toml`, if it exists.
    pub file: Option<PathBuf>,
    /// The folder of the databases.
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    /// How many reviews databases a new cluster gets: 1 to 1,024.
    pub reviews_databases: u16,
    /// The number of home buckets of a product; `None`: 8 for a new cluster, otherwise unchanged.
    pub spread: Option<Spread>,
    /// The folder of the built app.
    pub app_dir: PathBuf,
    /// The address of `default`; `None`: a SQLite file in `data_dir`.
    pub default_url: Option<Address>,
    /// Where reviews databases are, by their names; the others are SQLite files in `data_dir`.
    pub reviews_urls: BTreeMap<String, Address>,
    pub replicas: BTreeMap<String, Vec<Address>>,
    /// Which server answers reads that may be slightly stale.
    pub reads: ReadPreference,
    /// The maximum lag of a replica that answers, in milliseconds.
    pub max_replica_lag_ms: u32,
    /// The limits of connections, for each server.
    pub connections: Settings,
    /// Whether guests may review products.
    pub guest_reviews: bool,
    /// Whether new reviews wait for a moderator.
    pub pre_moderation: bool,
    /// Addresses and networks of the proxies that may name the client's address.
    pub trusted_proxies: TrustedProxies,
    /// The origin by which browsers reach the service; `None`: that of each request.
    pub public_url: Option<PublicUrl>,
    pub rate_limits: RateLimits,
    /// The file of the key that hides guests' addresses; None: one in `data_dir`.
    pub secret_key_file: Option<PathBuf>,
    /// How long a client may take for the head of a request, and again for its body, in
    /// milliseconds.
    pub request_timeout_ms: u32,
    /// How long a connection may stay open between two requests, in milliseconds.
    pub keep_alive_ms: u32,
    /// The size of the response cache in MiB; 0: no cache.
    pub cache_mib: u32,
    /// For how many days the audit trail is kept.
    pub audit_days: u32,
    /// The filter of the log, in the syntax of `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// Lines for the log: unknown `OSTRAKON_` variables, and files with secrets that other users
    /// may read.
    pub warnings: Vec<String>,
    /// The clock that dates reviews in SQLite files. Only tests set it.
    pub clock: Clock,
}

/// The problems of the configuration, one line each, with file and key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// The configuration of this process. `file` must exist; without it, `ostrakon.toml` is read if
    /// it exists.
    pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
        Config::from_sources(file, Environment::with_prefix(ENVIRONMENT_PREFIX))
    }

    /// The configuration in a file, without the environment.
    pub fn load_file(file: &Path) -> Result<Config, ConfigError> {
        let nothing = Some(HashMap::new());
        let environment = Environment::with_prefix(ENVIRONMENT_PREFIX).source(nothing);
        Config::from_sources(Some(file), environment)
    }

    fn from_sources(file: Option<&Path>, environment: Environment) -> Result<Config, ConfigError> {
        let named = file.map(Path::to_owned);
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let source = File::from(path).format(FileFormat::Toml).required(file.is_some());
        let values = config::Config::builder()
            .add_source(source)
            .add_source(environment.prefix_separator("_"))
            .build()
            // Not by `try_deserialize`: that forgets where each value stands.
            .and_then(|config| config.collect())
            .map_err(|error| ConfigError(vec![one_line(&error)]))?;
        let file = path.display().to_string();
        let mut keys = Keys::new(file, values.into_iter().collect());
        let servers = keys.servers();
        let mut config = Config {
            file: named,
            data_dir: keys.text("data_dir", "data").into(),
            listen: keys.parsed("listen", "127.0.0.1:8080", "an IP address and a port"),
            reviews_databases: keys.reviews_databases(servers.reviews.len()),
            default_url: servers.default,
            reviews_urls: servers.reviews,
            replicas: servers.replicas,
            reads: keys.parsed("reads", "primary", "primary or replica"),
            max_replica_lag_ms: keys.number("max_replica_lag_ms", 1_000, 1, 60_000),
            spread: keys.spread(),
            app_dir: keys.text("app_dir", "dist").into(),
            connections: Settings {
                read_connections: keys.number("read_connections", 4, 1, 64),
                write_connections: keys.number("write_connections", 4, 1, 64),
                checkout_timeout_ms: keys.number("checkout_timeout_ms", 2_000, 1, 60_000),
                lock_timeout_ms: keys.number("lock_timeout_ms", 5_000, 1, 60_000),
                statement_timeout_ms: keys.number("statement_timeout_ms", 10_000, 1, 600_000),
            },
            guest_reviews: keys.parsed("guest_reviews", "true", "true or false"),
            pre_moderation: keys.parsed("pre_moderation", "false", "true or false"),
            trusted_proxies: keys.trusted_proxies(),
            public_url: keys
                .optional("public_url", "http:// or https:// and a host, without a path"),
            rate_limits: RateLimits {
                sign_ins_per_minute: keys.number("sign_ins_per_minute", 10, 0, MAX_RATE),
                registrations_per_hour: keys.number("registrations_per_hour", 10, 0, MAX_RATE),
                reviews_per_minute: keys.number("reviews_per_minute", 30, 0, MAX_RATE),
            },
            secret_key_file: keys.optional("secret_key_file", "the path of a file"),
            request_timeout_ms: keys.number("request_timeout_ms", 10_000, 1_000, 600_000),
            keep_alive_ms: keys.number("keep_alive_ms", 75_000, 1_000, 3_600_000),
            cache_mib: keys.number("cache_mib", 16, 0, 65_536),
            audit_days: keys.number("audit_days", 365, 1, 36_500),
            log: keys.text("log", "warn,ostrakon=info"),
            warnings: Vec::new(),
            clock: Clock::default(),
        };
        config.warnings = keys.sort_out_unknown();
        config.warnings.extend(config.secret_key_file.iter().filter_map(|file| open_secret(file)));
        config.warnings.append(&mut keys.warnings);
        keys.problems.extend(servers::replica_problems(&config));
        if keys.problems.is_empty() { Ok(config) } else { Err(ConfigError(keys.problems)) }
    }

    /// The databases: those of the cluster, or those that a new one gets.
    pub fn databases(&self) -> Result<Databases, SetupError> {
        self.new_databases().of_cluster()
    }

    /// The databases with the names that a new cluster gets, whatever they hold.
    pub fn new_databases(&self) -> Databases {
        let names = (1..=self.reviews_databases).map(|number| format!("reviews-{number}"));
        Databases::named(Arc::new(self.clone()), names, self.spread)
    }

    pub fn open(&self) -> Result<Store, SetupError> {
        Store::open(self.databases()?, self.policy(), &self.clock)
    }

    /// The same for what `default` alone knows: see [`Store::open_default`].
    pub fn open_default(&self) -> Result<Store, SetupError> {
        Store::open_default(self.databases()?, self.policy(), &self.clock)
    }

    fn policy(&self) -> Policy {
        let Config { guest_reviews, pre_moderation, .. } = *self;
        Policy { guest_reviews, pre_moderation }
    }

    /// The settings of the server. Creates the secret key if it is missing.
    pub fn http(&self) -> Result<HttpSettings, ConfigError> {
        Ok(HttpSettings {
            app_dir: self.app_dir.clone(),
            trusted_proxies: self.trusted_proxies.0.clone(),
            public_url: self.public_url.clone(),
            rate_limits: self.rate_limits,
            secret_key: self.secret_key()?,
            request_timeout: Duration::from_millis(self.request_timeout_ms.into()),
            keep_alive: Duration::from_millis(self.keep_alive_ms.into()),
            cache_bytes: u64::from(self.cache_mib) << 20,
            audit_days: self.audit_days,
        })
    }
}

impl Config {
    /// The settings whose changes the audit trail records: those about the rights of others, and
    /// about retention.
    pub fn audited(&self) -> Vec<(&'static str, String)> {
        let networks = self.trusted_proxies.0.iter().map(ToString::to_string);
        let origin = self.public_url.as_ref().map(|url| url.origin().to_owned());
        let rate_limits = self.rate_limits;
        vec![
            ("guest_reviews", self.guest_reviews.to_string()),
            ("pre_moderation", self.pre_moderation.to_string()),
            ("public_url", origin.unwrap_or_default()),
            ("trusted_proxies", networks.collect::<Vec<_>>().join(", ")),
            ("sign_ins_per_minute", rate_limits.sign_ins_per_minute.to_string()),
            ("registrations_per_hour", rate_limits.registrations_per_hour.to_string()),
            ("reviews_per_minute", rate_limits.reviews_per_minute.to_string()),
            ("audit_days", self.audit_days.to_string()),
        ]
    }
}

/// The warning about a file with a secret to which every user of this machine has rights.
fn open_secret(file: &Path) -> Option<String> {
    files::is_open_to_others(file).then(|| {
        let file = file.display();
        format!("{file} holds a secret, and is open to every user of this machine: chmod o= {file}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(toml: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.toml");
        std::fs::write(&file, toml).unwrap();
        let variables = environment.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let environment = Environment::with_prefix(ENVIRONMENT_PREFIX).source(Some(variables));
        Config::from_sources(Some(&file), environment).map_err(|ConfigError(problems)| {
            let folder = format!("{}/", folder.path().display());
            ConfigError(problems.iter().map(|line| line.replace(&folder, "")).collect())
        })
    }

    #[test]
    fn every_setting_has_a_default() {
        let config = load("", &[]).unwrap();
        assert_eq!(config.data_dir, Path::new("data"));
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!((config.reviews_databases, config.spread), (3, None));
        assert_eq!(config.databases().unwrap().reviews.len(), 3);
        assert!(config.guest_reviews && !config.pre_moderation);
        assert_eq!((config.trusted_proxies, config.public_url), (TrustedProxies::default(), None));
    }

    #[test]
    fn environment_variables_override_the_file() {
        let config = load(
            "listen = '127.0.0.1:1'\nreviews_databases = 8\nspread = 16",
            &[("OSTRAKON_LISTEN", "[::1]:2"), ("OSTRAKON_DATA_DIR", "/srv/a b"), ("PATH", "x")],
        )
        .unwrap();
        assert_eq!(config.listen.to_string(), "[::1]:2");
        assert_eq!(config.data_dir, Path::new("/srv/a b"));
        assert_eq!((config.reviews_databases, config.spread), (8, Spread::new(16)));
    }

    #[test]
    fn all_problems_are_reported_with_their_source() {
        let ConfigError(problems) = load(
            "listen = 'localhost'\nread_connections = 4.5\nspread = 3\nreview_databases = 2",
            &[("OSTRAKON_REVIEWS_DATABASES", "0"), ("OSTRAKON_LOCK_TIMEOUT_MS", "soon")],
        )
        .unwrap_err();
        assert_eq!(
            problems,
            [
                "test.toml: listen: this must be an IP address and a port",
                "environment: OSTRAKON_REVIEWS_DATABASES: this must be a whole number from 1 to 1024",
                "test.toml: spread: this must be a power of two from 1 to 1024",
                "test.toml: read_connections: this must be a whole number from 1 to 64",
                "environment: OSTRAKON_LOCK_TIMEOUT_MS: this must be a whole number from 1 to 60000",
                "test.toml: review_databases: unknown, did you mean reviews_databases?",
            ]
        );
    }

    #[test]
    fn foreign_variables_are_ignored() {
        let config = load(
            "",
            &[
                ("OSTRAKON_SERVICE_HOST", "10.96.0.7"),
                ("OSTRAKON_PORT", "tcp://10.96.0.7:80"),
                ("OSTRAKON_REVIEW_DATABASES", "8"),
                ("OSTRAKON_COLOUR", "red"),
            ],
        )
        .unwrap();
        assert_eq!(config.reviews_databases, 3);
        assert_eq!(
            config.warnings,
            [
                "environment: OSTRAKON_COLOUR: unknown",
                "environment: OSTRAKON_REVIEW_DATABASES: unknown, did you mean OSTRAKON_REVIEWS_DATABASES?",
            ]
        );
    }

    #[test]
    fn permissions_and_limits_are_configurable() {
        let config = load(
            "guest_reviews = false\nreviews_per_minute = 0\npublic_url = 'https://a.example/'",
            &[
                ("OSTRAKON_PRE_MODERATION", "true"),
                ("OSTRAKON_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8,::1"),
                ("OSTRAKON_SIGN_INS_PER_MINUTE", "5"),
            ],
        )
        .unwrap();
        assert!(!config.guest_reviews && config.pre_moderation);
        assert_eq!(config.trusted_proxies.0.len(), 3);
        assert_eq!(config.public_url.unwrap().origin(), "https://a.example");
        let rate_limits = RateLimits {
            sign_ins_per_minute: 5,
            registrations_per_hour: 10,
            reviews_per_minute: 0,
        };
        assert_eq!(config.rate_limits, rate_limits);

        let ConfigError(problems) = load(
            "guest_reviews = 1\npre_moderation = 'yes'\ntrusted_proxies = 'proxy.example'\n\
             public_url = 'https://a.example/path'\nsign_ins_per_minute = -1",
            &[("OSTRAKON_REGISTRATIONS_PER_HOUR", "often")],
        )
        .unwrap_err();
        assert_eq!(
            problems,
            [
                "test.toml: guest_reviews: this must be true or false",
                "test.toml: pre_moderation: this must be true or false",
                "test.toml: trusted_proxies: this must be IP addresses and networks like 10.0.0.0/8, with commas between them",
                "test.toml: public_url: this must be http:// or https:// and a host, without a path",
                "test.toml: sign_ins_per_minute: this must be a whole number from 0 to 1000000",
                "environment: OSTRAKON_REGISTRATIONS_PER_HOUR: this must be a whole number from 0 to 1000000",
            ]
        );
    }

    #[test]
    fn servers_are_named_by_urls() {
        let config = load(
            "[replicas]\nreviews-2 = ['postgres://me@c/x', 'postgres://me@d/x']",
            &[
                ("OSTRAKON_DEFAULT_URL", "postgres://me@a/x"),
                ("OSTRAKON_REVIEWS_URLS", "sqlite:data/1, postgresql://me@b:1,b:2/x,sqlite:3"),
            ],
        )
        .unwrap();
        assert_eq!(config.default_url.unwrap().to_string(), "postgres://me@a/x");
        let shown: Vec<_> = config.reviews_urls.values().map(Address::to_string).collect();
        assert_eq!(shown, ["data/1", "postgresql://me@b:1,b:2/x", "3"]);
        assert_eq!((config.reviews_databases, config.replicas["reviews-2"].len()), (3, 2));
        assert_eq!((config.reads, config.max_replica_lag_ms), (ReadPreference::Primary, 1_000));
        let same = load("reviews_urls = ['sqlite:data/1', 'postgres://me@b/x']", &[]).unwrap();
        assert_eq!(same.reviews_databases, 2);
        let named =
            load("reviews_urls = ['reviews-4=postgres://me@b/x?a=b', 'sqlite:c=d']", &[]).unwrap();
        let urls = named.reviews_urls.iter().map(|(name, url)| format!("{name} {url}"));
        let urls: Vec<_> = urls.collect();
        assert_eq!(urls, ["reviews-2 c=d", "reviews-4 postgres://me@b/x"]);
    }

    #[test]
    fn invalid_servers_are_reported() {
        let ConfigError(problems) = load(
            "default_url = 'mysql://a/b'\nreviews_urls = ['x']\nreads = 'both'\n\
             database_password_file = 'nowhere/here'\n[replicas]\nreviews-4 = ['postgres://a/b']\n\
             default = ['postgres://a/b']",
            &[],
        )
        .unwrap_err();
        let url = "sqlite:<path> or postgres://<user>@<host>/<database>";
        assert_eq!(
            problems,
            [
                "test.toml: database_password_file: nowhere/here: No such file or directory (os error 2)",
                &format!("test.toml: default_url: this must be {url}"),
                &format!("test.toml: reviews_urls: these must be URLs like {url}"),
                "test.toml: reads: this must be primary or replica",
                "replicas.default: only PostgreSQL databases have replicas",
                "replicas.reviews-4: only PostgreSQL databases have replicas",
            ]
        );
        let urls = "reviews_urls = ['postgres://me@a/x', 'reviews-4=postgres://me@a/x']";
        let ConfigError(problems) = load(urls, &[]).unwrap_err();
        assert_eq!(
            problems,
            ["test.toml: reviews_urls: reviews-1 and reviews-4 have the same URL"]
        );
        let ConfigError(problems) =
            load("reviews_databases = 2\nreviews_urls = ['sqlite:1']", &[]).unwrap_err();
        assert_eq!(
            problems,
            ["reviews_databases is 2, but reviews_urls names 1: leave out the first"]
        );
    }

    #[test]
    fn passwords_come_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "se cret\n").unwrap();
        let config = load(
            "default_url = 'postgres://me@a/x'",
            &[("OSTRAKON_DATABASE_PASSWORD_FILE", file.to_str().unwrap())],
        )
        .unwrap();
        let expected: Address = "postgres://me@a/x?password=se%20cret".parse().unwrap();
        assert_eq!(config.default_url.as_ref(), Some(&expected));
        assert!(!format!("{config:?}").contains("20cret"));
    }

    #[test]
    fn a_syntax_error_is_reported_in_one_line() {
        let ConfigError(problems) = load("listen = ", &[]).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("test.toml") && !problems[0].contains('\n'), "{problems:?}");
    }
}
