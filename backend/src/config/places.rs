//! Where databases are, by the URLs of the configuration and the files in its folder.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Config;
use crate::db::{Address, Database, ReplicaSettings};
use crate::store::Places;

impl Config {
    fn file_of(&self, name: &str) -> PathBuf {
        self.data_dir.join(format!("{name}.sqlite3"))
    }
}

impl Places for Config {
    /// If the configuration has no URL for it, and it has no file, the configuration is read again:
    /// the URL may have been added since this process started.
    fn connect(&self, name: &str) -> Arc<Database> {
        let configured = match name {
            "default" => self.default_url.clone(),
            _ => self.reviews_urls.get(name).cloned(),
        };
        let file = self.file_of(name);
        if configured.is_none()
            && !file.exists()
            && let Ok(now) = Config::load(self.file.as_deref())
            && now.reviews_urls.contains_key(name)
        {
            return now.connect(name);
        }
        self.connect_to(name, configured.unwrap_or(Address::from(file)))
    }

    fn connect_to(&self, name: &str, address: Address) -> Arc<Database> {
        let replicas = self.replicas.get(name).cloned().unwrap_or_default();
        let replica_settings =
            ReplicaSettings { reads: self.reads, max_lag_ms: self.max_replica_lag_ms };
        Arc::new(Database::new(name, address, replicas, self.connections, replica_settings))
    }

    /// The processes that serve a cluster of servers may run on several machines, so that a file on
    /// one of them has to be configured.
    fn may_create(&self, name: &str) -> bool {
        self.default_url.as_ref().is_none_or(Address::is_file)
            || self.reviews_urls.contains_key(name)
            || self.connect(name).address() != &Address::from(self.file_of(name))
    }
}
